// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pretended VT-d units: the invalidation queue. Source: VT-d specification 4.1,
 * 6.5.2; the numbers are its own.
 */
#include <linux/slab.h>

#include "vtd_hw.h"

/* Bits @high to @low of a word. */
static u64 bits(u64 word, unsigned int high, unsigned int low)
{
	return (word & GENMASK_ULL(high, low)) >> low;
}

/* ---- Forgetting ---- */

static void tlb_forget(struct fake_vtd_tlb *tlb)
{
	unsigned int i;

	for (i = 0; i < FAKE_VTD_LEAVES; i++)
		xa_destroy(&tlb->leaf[i]);
	for (i = 0; i < FAKE_VTD_LEVELS; i++)
		xa_destroy(&tlb->table[i]);
	xa_destroy(&tlb->absent);
}

static void forget_contexts(struct fake_vtd *hw)
{
	unsigned long index;
	void *entry;

	xa_for_each(&hw->context, index, entry)
		kfree(entry);
	xa_destroy(&hw->context);
}

static void forget_tlbs(struct fake_vtd *hw)
{
	unsigned long index;
	void *tlb;

	xa_for_each(&hw->tlb, index, tlb) {
		tlb_forget(tlb);
		kfree(tlb);
	}
	xa_destroy(&hw->tlb);
}

void fake_vtd_forget_all(struct fake_vtd *hw)
{
	unsigned long index;
	void *entry;

	forget_contexts(hw);
	forget_tlbs(hw);
	xa_for_each(&hw->device_tlb, index, entry) {
		xa_destroy(entry);
		kfree(entry);
	}
	xa_destroy(&hw->device_tlb);
}

/* ---- 6.5.2.1: context cache ---- */

static void forget_context(struct fake_vtd *hw, u16 rid, int did)
{
	struct fake_vtd_context *c = xa_load(&hw->context, rid);

	/* Entries are found by both. */
	if (!c || (did >= 0 && c->did != did))
		return;
	xa_erase(&hw->context, rid);
	kfree(c);
}

static void context_inv(struct fake_vtd *hw, u64 low, u64 high)
{
	unsigned int did = bits(low, 31, 16), sid = bits(low, 47, 32);
	unsigned int mask = bits(low, 49, 48), i;
	unsigned long index;
	struct fake_vtd_context *c;
	/* FM: how many of the upper bits of the function don't matter. */
	static const u8 masks[] = { 0, 4, 6, 7 };

	if (high || low & (GENMASK_ULL(15, 6) | GENMASK_ULL(63, 50)))
		fake_vtd_violation(hw, "reserved bits", low, high);
	if (did >= 1U << (4 + 2 * bits(hw->unit.cap, 2, 0)))
		fake_vtd_violation(hw, "no such domain id", low, high);
	switch (bits(low, 5, 4)) {
	case 1:
		if (low & GENMASK_ULL(63, 16))
			fake_vtd_violation(hw, "unused bits", low, high);
		forget_contexts(hw);
		return;
	case 2:
		if (low & GENMASK_ULL(63, 32))
			fake_vtd_violation(hw, "unused bits", low, high);
		xa_for_each(&hw->context, index, c)
			forget_context(hw, index, did);
		return;
	case 3:
		for (i = 0; i < 8; i++) {
			if (!((sid ^ i) & 7 & ~masks[mask]))
				forget_context(hw, (sid & ~7) | i, did);
		}
		return;
	default:
		fake_vtd_violation(hw, "granularity", low, high);
	}
}

/* ---- 6.5.2.3: IOTLB ---- */

/* Pages are forgotten only if all of them is told to go. */
static void forget_leaves(struct xarray *leaves, unsigned int level, u64 page,
			  u64 last)
{
	unsigned int shift = 9 * level;
	unsigned long index;
	void *leaf;

	xa_for_each_range(leaves, index, leaf, page >> shift, last >> shift) {
		u64 first = (u64)index << shift;

		if (first >= page && first + (BIT_ULL(shift) - 1) <= last)
			xa_erase(leaves, index);
	}
}

static void forget_range(struct xarray *xa, unsigned int shift, u64 page,
			 u64 last)
{
	unsigned long index;
	void *entry;

	xa_for_each_range(xa, index, entry, page >> shift, last >> shift)
		xa_erase(xa, index);
}

static void forget_pages(struct fake_vtd_tlb *tlb, u64 page, u64 last,
			 bool leaves_only)
{
	unsigned int i;

	for (i = 0; i < FAKE_VTD_LEAVES; i++)
		forget_leaves(&tlb->leaf[i], i, page, last);
	forget_range(&tlb->absent, 0, page, last);
	if (leaves_only)
		return;
	for (i = 0; i < FAKE_VTD_LEVELS; i++)
		forget_range(&tlb->table[i], 9 * i, page, last);
}

static void page_inv(struct fake_vtd *hw, struct fake_vtd_tlb *tlb, u64 low,
		     u64 high)
{
	u64 page = bits(high, 63, 12), pages = BIT_ULL(bits(high, 5, 0));

	if (!bits(hw->unit.cap, 39, 39))
		fake_vtd_violation(hw, "no page-selective ones", low, high);
	if (high & GENMASK_ULL(11, 7))
		fake_vtd_violation(hw, "reserved bits", low, high);
	if (bits(high, 5, 0) > bits(hw->unit.cap, 53, 48))
		fake_vtd_violation(hw, "address mask", low, high);
	else if (page & (pages - 1))
		fake_vtd_violation(hw, "address not aligned", low, high);
	else if (tlb)
		forget_pages(tlb, page, page + (pages - 1), bits(high, 6, 6));
}

static void iotlb_inv(struct fake_vtd *hw, u64 low, u64 high)
{
	unsigned int did = bits(low, 31, 16);
	struct fake_vtd_tlb *tlb = xa_load(&hw->tlb, did);

	if (low & (GENMASK_ULL(15, 8) | GENMASK_ULL(63, 32)))
		fake_vtd_violation(hw, "reserved bits", low, high);
	/* Requests under way may still use pages that are about to be freed. */
	if (bits(low, 6, 6) != bits(hw->unit.cap, 54, 54) ||
	    bits(low, 7, 7) != bits(hw->unit.cap, 55, 55))
		fake_vtd_violation(hw, "draining", low, high);
	switch (bits(low, 5, 4)) {
	case 1:
		if (did || high)
			fake_vtd_violation(hw, "unused bits", low, high);
		forget_tlbs(hw);
		return;
	case 2:
		if (high)
			fake_vtd_violation(hw, "unused bits", low, high);
		if (tlb)
			tlb_forget(tlb);
		return;
	case 3:
		page_inv(hw, tlb, low, high);
		return;
	default:
		fake_vtd_violation(hw, "granularity", low, high);
	}
}

/* ---- 6.5.2.5: TLBs of devices ---- */

/* The device has requests under way, and asks for the page again at once. */
static void ask_again(struct fake_vtd *hw, struct xarray *pages, u16 rid,
		      unsigned long page)
{
	phys_addr_t phys;

	xa_erase(pages, page);
	if (!fake_vtd_translate_locked(hw, rid, (u64)page << 12, false, &phys))
		xa_store(pages, page, xa_mk_value(phys), GFP_ATOMIC);
}

static void device_inv(struct fake_vtd *hw, u64 low, u64 high)
{
	unsigned int sid = bits(low, 47, 32), lg2 = 0;
	unsigned int pfsid = bits(low, 63, 52) << 4 | bits(low, 15, 12);
	u64 page = bits(high, 63, 12);
	struct xarray *pages;
	unsigned long index;
	void *entry;

	if (low & (GENMASK_ULL(11, 4) | GENMASK_ULL(31, 21) |
		   GENMASK_ULL(51, 48)) || high & GENMASK_ULL(11, 1))
		fake_vtd_violation(hw, "reserved bits", low, high);
	if (!bits(hw->unit.ecap, 2, 2))
		fake_vtd_violation(hw, "no TLBs of devices", low, high);
	if (pfsid && !bits(hw->unit.ecap, 41, 41))
		fake_vtd_violation(hw, "no throttling", low, high);
	if (high & 1) {
		/* The lowest 0 says half the size. */
		lg2 = ffz(page) + 1;
		page &= ~(BIT_ULL(lg2) - 1);
	}
	pages = xa_load(&hw->device_tlb, sid);
	if (!pages)
		return;
	xa_for_each_range(pages, index, entry, page,
			  page + (BIT_ULL(lg2) - 1))
		ask_again(hw, pages, sid, index);
}

void fake_vtd_carry_out(struct fake_vtd *hw, const u64 *qw)
{
	lockdep_assert_held(&hw->lock);
	/* Of a 128-bit queue; 11:9 are more of the type. */
	if (qw[2] || qw[3] || qw[0] & GENMASK_ULL(11, 9)) {
		fake_vtd_violation(hw, "no such descriptor", qw[0], qw[1]);
		return;
	}
	switch (qw[0] & 15) {
	case 1:
		context_inv(hw, qw[0], qw[1]);
		return;
	case 2:
		iotlb_inv(hw, qw[0], qw[1]);
		return;
	case 3:
		device_inv(hw, qw[0], qw[1]);
		return;
	default:
		fake_vtd_violation(hw, "type", qw[0], qw[1]);
	}
}
