// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hardware that walks page tables: see pt_hw.h.
 *
 * Sources: Intel VT-d specification 4.1, 3.7 and 9.8; AMD IOMMU specification
 * (48882), 2.2.3. The software format has no hardware: pt_read() stands in.
 */
#include <linux/io.h>

#include "pt_hw.h"

void pt_hw_init(struct pt_hw *hw, struct kunit *test, struct pt *pt,
		bool snoops)
{
	memset(hw, 0, sizeof(*hw));
	hw->test = test;
	hw->pt = pt;
	hw->snoops = snoops;
	shadow_init(&hw->shadow);
}

void pt_hw_deinit(struct pt_hw *hw)
{
	KUNIT_EXPECT_EQ(hw->test, 0, atomic_read(&hw->violations));
	KUNIT_EXPECT_EQ(hw->test, 0, atomic_read(&hw->shadow.failures));
	shadow_deinit(&hw->shadow);
}

void pt_hw_attach(struct pt_hw *hw, phys_addr_t root, unsigned int levels)
{
	hw->root = root;
	hw->levels = levels;
	/* A device table entry that changes is invalidated. */
	memset(hw->leaf, 0, sizeof(hw->leaf));
	memset(hw->table, 0, sizeof(hw->table));
}

static u64 load(struct pt_hw *hw, phys_addr_t table, unsigned int index)
{
	phys_addr_t at = table + index * sizeof(__le64);

	if (hw->snoops)
		return le64_to_cpu(READ_ONCE(*(__le64 *)phys_to_virt(at)));
	return shadow_load(&hw->shadow, at);
}

/* ---- The two families ---- */

static int violation(struct pt_hw *hw, const char *what, u64 iova, u64 entry)
{
	/* Threads have no test of their own: counted, and judged at the end. */
	if (!atomic_fetch_inc(&hw->violations))
		kunit_err(hw->test, "%s: entry %#llx for IOVA %#llx\n", what,
			  entry, iova);
	return -EFAULT;
}

/**
 * struct step - what one entry says
 * @table: the next table, if @level is not that of a leaf
 * @level: of that table, from 0
 * @leaf: it is a page
 * @lg2: of the page
 * @phys: of the page
 */
struct step {
	phys_addr_t table;
	unsigned int level;
	bool leaf;
	unsigned int lg2;
	phys_addr_t phys;
};

static int vtd_step(struct pt_hw *hw, u64 iova, u64 entry, unsigned int level,
		    struct step *step)
{
	u64 addr = entry & GENMASK_ULL(51, 12), may, must = 0;

	if (!(entry & 3))
		return entry ? violation(hw, "not present, not 0", iova, entry) :
			       -EFAULT;
	step->leaf = !level || (level <= 2 && entry & BIT_ULL(7));
	/* Ignored: 61:52; of pages 10 as well, of tables 10:9. PS is no 4K page's. */
	may = GENMASK_ULL(61, 52) | GENMASK_ULL(51, 12) | BIT_ULL(10) | 3;
	if (!step->leaf)
		may |= BIT_ULL(9);
	else if (level)
		may |= BIT_ULL(7);
	if (step->leaf && hw->pt->leaf_bits)
		must = BIT_ULL(11);
	if (entry & ~(may | must))
		return violation(hw, "bits that aren't ours", iova, entry);
	if (must & ~entry)
		return violation(hw, "no SNP", iova, entry);
	if (!step->leaf) {
		step->table = addr;
		step->level = level - 1;
		return 0;
	}
	step->lg2 = 12 + 9 * level;
	if (addr & (BIT_ULL(step->lg2) - 1))
		return violation(hw, "superpage not aligned", iova, entry);
	step->phys = addr;
	return 0;
}

static int amd_step(struct pt_hw *hw, u64 iova, u64 entry, unsigned int level,
		    struct step *step)
{
	unsigned int next = (entry >> 9) & 7, skipped;
	u64 addr = entry & GENMASK_ULL(51, 12), may, must = 0;

	if (!(entry & 1))
		return entry ? violation(hw, "not present, not 0", iova, entry) :
			       -EFAULT;
	step->leaf = next == 0 || next == 7;
	/* Ignored: 4:1 and 8:7. FC is pages', and only if it was asked for. */
	may = GENMASK_ULL(62, 61) | GENMASK_ULL(51, 7) | GENMASK_ULL(4, 0);
	if (step->leaf && hw->pt->leaf_bits)
		must = BIT_ULL(60);
	if (entry & ~(may | must))
		return violation(hw, "bits that aren't ours", iova, entry);
	if (must & ~entry)
		return violation(hw, "no FC", iova, entry);
	if (next == 0) {
		step->lg2 = 12 + 9 * level;
	} else if (next == 7) {
		step->lg2 = 13;
		while (addr & BIT_ULL(step->lg2 - 1))
			step->lg2++;
		if (step->lg2 > 12 + 9 * (level + 1))
			return violation(hw, "page above its level", iova,
					 entry);
	}
	if (step->leaf) {
		step->phys = addr & ~(BIT_ULL(step->lg2) - 1);
		if (next == 0 && step->phys != addr)
			return violation(hw, "page not aligned", iova, entry);
		return 0;
	}
	/* Next Level counts from 1; so it is also the child's level plus 1. */
	if (next > level)
		return violation(hw, "a level that isn't lower", iova, entry);
	step->table = addr;
	step->level = next - 1;
	/* IOVA bits of skipped levels must be 0. */
	skipped = 12 + 9 * next;
	if (next < level &&
	    (iova & (BIT_ULL(12 + 9 * level) - 1)) >> skipped)
		return -EFAULT;
	return 0;
}

static unsigned int prot_of(const struct pt_hw *hw, u64 leaf)
{
	unsigned int shift = hw->pt->fmt == &pt_amdv1 ? 61 : 0;

	return (leaf >> shift & 1 ? SLUICE_PROT_READ : 0) |
	       (leaf >> shift & 2 ? SLUICE_PROT_WRITE : 0);
}

/* An entry of a group must be the same in all places that its page fills. */
static void check_group(struct pt_hw *hw, phys_addr_t table, unsigned int index,
			unsigned int n, u64 iova, u64 entry)
{
	unsigned int first = index & ~(n - 1), i;

	for (i = first; i < first + n; i++) {
		if (load(hw, table, i) != entry)
			violation(hw, "group not uniform", iova, entry);
	}
}

static void remember(struct pt_hw *hw, struct pt_hw_cached *cache, u64 iova,
		     unsigned int lg2, u64 entry)
{
	unsigned int *next = cache == hw->leaf ? &hw->next_leaf :
						 &hw->next_table;

	cache[(*next)++ % PT_HW_CACHE] = (struct pt_hw_cached){
		.iova = iova & ~(BIT_ULL(lg2) - 1),
		.lg2 = lg2,
		.entry = entry,
		.root = hw->root,
	};
}

static int walk_tables(struct pt_hw *hw, u64 iova, struct pt_hw_walk *walk,
		       bool keep)
{
	phys_addr_t table = hw->root;
	unsigned int level = hw->levels - 1, lg2, index;
	struct step step;

	*walk = (struct pt_hw_walk){};
	if (12 + 9 * hw->levels < 64 && iova >> (12 + 9 * hw->levels))
		return -EFAULT;
	for (;;) {
		u64 entry;
		int ret;

		lg2 = 12 + 9 * level;
		index = iova >> lg2 & 511;
		entry = load(hw, table, index);
		walk->steps++;
		ret = hw->pt->fmt == &pt_amdv1 ?
			amd_step(hw, iova, entry, level, &step) :
			vtd_step(hw, iova, entry, level, &step);
		if (ret)
			return ret;
		if (step.leaf) {
			walk->leaf = entry;
			break;
		}
		if (keep)
			remember(hw, hw->table, iova, lg2, entry);
		table = step.table;
		level = step.level;
	}
	if (keep && !hw->racing && step.lg2 > lg2)
		check_group(hw, table, index, 1U << (step.lg2 - lg2), iova,
			    walk->leaf);
	if (keep)
		remember(hw, hw->leaf, iova, step.lg2, walk->leaf);
	walk->lg2 = step.lg2;
	walk->phys = step.phys + (iova & (BIT_ULL(step.lg2) - 1));
	walk->prot = prot_of(hw, walk->leaf);
	return 0;
}

static int read_software(struct pt_hw *hw, u64 iova, struct pt_hw_walk *walk)
{
	struct sluice_range range = { .start = iova, .last = iova };
	struct sluice_extent extent;

	*walk = (struct pt_hw_walk){};
	if (!pt_read(hw->pt, &range, &extent, 1))
		return -EFAULT;
	walk->phys = extent.phys;
	walk->prot = extent.prot & (SLUICE_PROT_READ | SLUICE_PROT_WRITE);
	return 0;
}

int pt_hw_translate(struct pt_hw *hw, u64 iova, struct pt_hw_walk *walk)
{
	if (hw->pt->fmt == &pt_soft)
		return read_software(hw, iova, walk);
	return walk_tables(hw, iova, walk, false);
}

int pt_hw_access(struct pt_hw *hw, u64 iova, struct pt_hw_walk *walk)
{
	if (hw->pt->fmt == &pt_soft)
		return read_software(hw, iova, walk);
	return walk_tables(hw, iova, walk, true);
}

/* ---- What is remembered ---- */

/* Is all of it in one gathered range? */
static bool covered(const struct sluice_gather *gather,
		    const struct pt_hw_cached *cached)
{
	u64 last = cached->iova + (BIT_ULL(cached->lg2) - 1);
	unsigned int i;

	for (i = 0; i < gather->nr; i++) {
		if (gather->ranges[i].start <= cached->iova &&
		    gather->ranges[i].last >= last)
			return true;
	}
	return false;
}

static void forget(struct pt_hw_cached *cache,
		   const struct sluice_gather *gather)
{
	unsigned int i;

	for (i = 0; i < PT_HW_CACHE; i++) {
		if (cache[i].lg2 && covered(gather, &cache[i]))
			cache[i].lg2 = 0;
	}
}

bool pt_hw_remembers(struct pt_hw *hw, const struct sluice_gather *gather,
		     const struct sluice_range *range)
{
	bool found = false;
	unsigned int i;

	pt_hw_invalidate(hw, gather);
	for (i = 0; i < PT_HW_CACHE; i++) {
		struct pt_hw_cached *cached = &hw->leaf[i];

		if (cached->lg2 && cached->iova <= range->last &&
		    cached->iova + (BIT_ULL(cached->lg2) - 1) >= range->start)
			found = true;
	}
	return found;
}

void pt_hw_invalidate(struct pt_hw *hw, const struct sluice_gather *gather)
{
	forget(hw->leaf, gather);
	if (gather->nonleaf)
		forget(hw->table, gather);
}

/* Is an entry with @cached's value, but for software bits, still on the way? */
static void check_cached(struct pt_hw *hw, const struct pt_hw_cached *cached,
			 bool leaf)
{
	phys_addr_t table = hw->root;
	unsigned int level = hw->levels - 1;
	u64 sw = hw->pt->fmt == &pt_amdv1 ? GENMASK_ULL(4, 1) |
					    GENMASK_ULL(8, 7) :
					    GENMASK_ULL(61, 52);

	/* Of entries that point to tables, more is ignored. */
	if (!leaf && hw->pt->fmt == &pt_vtdss)
		sw |= GENMASK_ULL(10, 9);
	if (!cached->lg2)
		return;
	for (;;) {
		u64 entry = load(hw, table, cached->iova >> (12 + 9 * level) &
				 511);
		struct step step;

		if (!((entry ^ cached->entry) & ~sw))
			return;
		if (hw->pt->fmt == &pt_amdv1 ?
		    amd_step(hw, cached->iova, entry, level, &step) :
		    vtd_step(hw, cached->iova, entry, level, &step))
			break;
		if (step.leaf)
			break;
		table = step.table;
		level = step.level;
	}
	KUNIT_FAIL(hw->test,
		   "stale after flush: %s %#llx at IOVA %#llx, 2^%u bytes",
		   leaf ? "leaf" : "table entry", cached->entry, cached->iova,
		   cached->lg2);
}

void pt_hw_check_cache(struct pt_hw *hw)
{
	unsigned int i;

	for (i = 0; i < PT_HW_CACHE; i++) {
		check_cached(hw, &hw->leaf[i], true);
		check_cached(hw, &hw->table[i], false);
	}
}
