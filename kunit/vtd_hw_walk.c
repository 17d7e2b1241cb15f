// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pretended VT-d units: the walk that a DMA takes. Source: VT-d specification
 * 4.1, 9.1, 9.3, 9.8 and 6.2 (what is remembered); the numbers are its own.
 */
#include <linux/slab.h>

#include "vtd_hw.h"

static u64 bits(u64 word, unsigned int high, unsigned int low)
{
	return (word & GENMASK_ULL(high, low)) >> low;
}

static int illegal(struct fake_vtd *hw, const char *what, u64 a, u64 b)
{
	fake_vtd_violation(hw, what, a, b);
	return -EFAULT;
}

/* ---- Root and context entries ---- */

u64 fake_vtd_peek(struct fake_vtd *hw, u16 rid, u64 *high)
{
	phys_addr_t at = hw->root + 16 * (rid >> 8);
	u64 root = fake_vtd_load(hw, at), low;

	*high = 0;
	if (!(root & 1))
		return 0;
	if (root & GENMASK_ULL(11, 1) || fake_vtd_load(hw, at + 8)) {
		fake_vtd_violation(hw, "reserved bits of a root entry", root,
				   rid);
		return 0;
	}
	at = (root & GENMASK_ULL(63, 12)) + 16 * (rid & 0xff);
	/* Present is said by the low word: it is read first, and must stand. */
	low = fake_vtd_load(hw, at);
	if (!(low & 1))
		return 0;
	*high = fake_vtd_load(hw, at + 8);
	return low;
}

static int check_context(struct fake_vtd *hw, u64 low, u64 high)
{
	unsigned int tt = bits(low, 3, 2), aw = bits(high, 2, 0);
	unsigned int did = bits(high, 23, 8);
	u64 cap = hw->unit.cap, ecap = hw->unit.ecap;

	if (low & GENMASK_ULL(11, 4) || high & GENMASK_ULL(63, 24) ||
	    bits(high, 7, 7))
		return illegal(hw, "reserved bits of a context entry", low,
			       high);
	if (did >= 1U << (4 + 2 * bits(cap, 2, 0)) || !did)
		return illegal(hw, "domain id", low, high);
	if (tt == 3 || (tt == 1 && !bits(ecap, 2, 2)) ||
	    (tt == 2 && !bits(ecap, 6, 6)))
		return illegal(hw, "translation type", low, high);
	if (!(bits(cap, 12, 8) >> aw & 1))
		return illegal(hw, "address width", low, high);
	if (tt == 2 && bits(cap, 12, 8) >> aw != 1)
		return illegal(hw, "pass-through isn't of the greatest width",
			       low, high);
	return 0;
}

static int find_context(struct fake_vtd *hw, u16 rid, u64 *low, u64 *high)
{
	struct fake_vtd_context *c = xa_load(&hw->context, rid);
	bool remembers_absent = bits(hw->unit.cap, 7, 7);
	int ret;

	if (c) {
		*low = c->low;
		*high = c->high;
		return *low ? 0 : -EFAULT;
	}
	*low = fake_vtd_peek(hw, rid, high);
	if (!*low && !remembers_absent)
		return -EFAULT;
	if (*low) {
		ret = check_context(hw, *low, *high);
		if (ret)
			return ret;
	}
	c = kmalloc(sizeof(*c), GFP_ATOMIC);
	if (!c)
		return illegal(hw, "no memory", 0, 0);
	*c = (struct fake_vtd_context){
		.low = *low, .high = *high, .did = bits(*high, 23, 8),
	};
	xa_store(&hw->context, rid, c, GFP_ATOMIC);
	return *low ? 0 : -EFAULT;
}

/* ---- Second-stage tables ---- */

static struct fake_vtd_tlb *tlb_of(struct fake_vtd *hw, unsigned int did)
{
	struct fake_vtd_tlb *tlb = xa_load(&hw->tlb, did);
	unsigned int i;

	if (tlb)
		return tlb;
	tlb = kmalloc(sizeof(*tlb), GFP_ATOMIC);
	if (!tlb)
		return NULL;
	for (i = 0; i < FAKE_VTD_LEAVES; i++)
		xa_init(&tlb->leaf[i]);
	for (i = 0; i < FAKE_VTD_LEVELS; i++)
		xa_init(&tlb->table[i]);
	xa_init(&tlb->absent);
	xa_store(&hw->tlb, did, tlb, GFP_ATOMIC);
	return tlb;
}

/**
 * struct found - a page
 * @entry: its entry, with only those rights that all on the way have
 * @level: where
 */
struct found {
	u64 entry;
	unsigned int level;
};

static bool find_leaf(struct fake_vtd_tlb *tlb, u64 iova, struct found *found)
{
	for (found->level = 0; found->level < FAKE_VTD_LEAVES; found->level++) {
		void *leaf = xa_load(&tlb->leaf[found->level],
				     iova >> (12 + 9 * found->level));

		if (leaf) {
			found->entry = xa_to_value(leaf);
			return true;
		}
	}
	return false;
}

/* The lowest table on the way that is remembered: its entries' level, or -1. */
static int find_table(struct fake_vtd_tlb *tlb, u64 iova, unsigned int levels,
		      u64 *table)
{
	unsigned int level;

	for (level = 1; level < levels; level++) {
		void *entry = xa_load(&tlb->table[level],
				      iova >> (12 + 9 * level));

		if (entry) {
			*table = xa_to_value(entry);
			return level - 1;
		}
	}
	return -1;
}

static int check_entry(struct fake_vtd *hw, u64 iova, u64 entry,
		       unsigned int level, bool leaf)
{
	u64 reserved = bits(hw->unit.ecap, 7, 7) ? 0 : BIT_ULL(11);

	/* 63 and 62; PS where no page can be; what is below a superpage. */
	reserved |= GENMASK_ULL(63, 62);
	if (leaf)
		reserved |= GENMASK_ULL(12 + 9 * level, 12) &
			    ~BIT_ULL(12 + 9 * level);
	else
		reserved |= BIT_ULL(7) | BIT_ULL(11);
	if (leaf && level && !(bits(hw->unit.cap, 35, 34) >> (level - 1) & 1))
		return illegal(hw, "no such page size", iova, entry);
	if (entry & reserved)
		return illegal(hw, "reserved bits of a table entry", iova,
			       entry);
	return 0;
}

/* Reads entries, and remembers them. */
static int walk(struct fake_vtd *hw, struct fake_vtd_tlb *tlb, u64 root,
		unsigned int levels, u64 iova, struct found *found)
{
	u64 table = root | 3;
	int level = find_table(tlb, iova, levels, &table), ret;

	if (level < 0)
		level = levels - 1;
	hw->translations++;
	for (;; level--) {
		unsigned int shift = 12 + 9 * level;
		u64 entry = fake_vtd_load(hw, (table & GENMASK_ULL(51, 12)) +
					  8 * (iova >> shift & 511));
		bool leaf = !level || (level <= 2 && bits(entry, 7, 7));

		if (!(entry & 3))
			return -ENOENT;
		ret = check_entry(hw, iova, entry, level, leaf);
		if (ret)
			return ret;
		/* Rights are those that all entries have. */
		entry &= table | ~3ULL;
		if (leaf) {
			xa_store(&tlb->leaf[level], iova >> shift,
				 xa_mk_value(entry), GFP_ATOMIC);
			*found = (struct found){ entry, level };
			return 0;
		}
		xa_store(&tlb->table[level], iova >> shift, xa_mk_value(entry),
			 GFP_ATOMIC);
		table = entry;
	}
}

static int find_page(struct fake_vtd *hw, u64 low, u64 high, u64 iova,
		     struct found *found)
{
	struct fake_vtd_tlb *tlb = tlb_of(hw, bits(high, 23, 8));
	unsigned int levels = bits(high, 2, 0) + 2;
	int ret;

	if (!tlb)
		return illegal(hw, "no memory", 0, 0);
	/* The narrower of the tables and of the unit. */
	if (iova >> min_t(unsigned int, 12 + 9 * levels,
			  bits(hw->unit.cap, 21, 16) + 1))
		return -EFAULT;
	if (xa_load(&tlb->absent, iova >> 12))
		return -EFAULT;
	if (find_leaf(tlb, iova, found))
		return 0;
	ret = walk(hw, tlb, low & GENMASK_ULL(63, 12), levels, iova, found);
	if (ret == -ENOENT && bits(hw->unit.cap, 7, 7))
		xa_store(&tlb->absent, iova >> 12, xa_mk_value(1), GFP_ATOMIC);
	return ret ? -EFAULT : 0;
}

int fake_vtd_translate_locked(struct fake_vtd *hw, u16 rid, u64 iova,
			      bool write, phys_addr_t *phys)
{
	struct found found;
	u64 low, high;
	int ret;

	lockdep_assert_held(&hw->lock);
	*phys = iova;
	/* GSTS.TES */
	if (!bits(hw->reg[0x1c / 4], 31, 31))
		return 0;
	ret = find_context(hw, rid, &low, &high);
	if (ret || bits(low, 3, 2) == 2)
		return ret;
	ret = find_page(hw, low, high, iova, &found);
	if (ret)
		return ret;
	if (!(found.entry & (write ? 2 : 1)))
		return -EACCES;
	*phys = (found.entry & GENMASK_ULL(51, 12)) +
		(iova & (BIT_ULL(12 + 9 * found.level) - 1));
	return 0;
}

int fake_vtd_translate(struct fake_vtd *hw, u16 rid, u64 iova, bool write,
		       phys_addr_t *phys)
{
	int ret;

	spin_lock(&hw->lock);
	ret = fake_vtd_translate_locked(hw, rid, iova, write, phys);
	spin_unlock(&hw->lock);
	return ret;
}

static struct xarray *device_tlb_of(struct fake_vtd *hw, u16 rid)
{
	struct xarray *pages = xa_load(&hw->device_tlb, rid);

	if (pages)
		return pages;
	pages = kmalloc(sizeof(*pages), GFP_ATOMIC);
	if (!pages)
		return NULL;
	xa_init(pages);
	xa_store(&hw->device_tlb, rid, pages, GFP_ATOMIC);
	return pages;
}

static int ats_read_locked(struct fake_vtd *hw, u16 rid, u64 iova,
			   phys_addr_t *phys)
{
	struct xarray *pages;
	u64 low, high;
	void *entry;
	int ret;

	pages = device_tlb_of(hw, rid);
	if (!pages)
		return illegal(hw, "no memory", 0, 0);
	entry = xa_load(pages, iova >> 12);
	if (entry) {
		*phys = xa_to_value(entry) + (iova & 0xfff);
		return 0;
	}
	/* 3.9: only if the context entry says that it may ask. */
	if (find_context(hw, rid, &low, &high) || bits(low, 3, 2) != 1)
		return -EFAULT;
	ret = fake_vtd_translate_locked(hw, rid, iova & ~0xfffULL, false, phys);
	if (ret)
		return ret;
	xa_store(pages, iova >> 12, xa_mk_value(*phys), GFP_ATOMIC);
	*phys += iova & 0xfff;
	return 0;
}

int fake_vtd_ats_read(struct fake_vtd *hw, u16 rid, u64 iova, phys_addr_t *phys)
{
	int ret;

	spin_lock(&hw->lock);
	ret = ats_read_locked(hw, rid, iova, phys);
	spin_unlock(&hw->lock);
	return ret;
}
