// SPDX-License-Identifier: GPL-2.0-only
/*
 * AMD-Vi tables for host translation ("v1").
 *
 * Owns: the bits of page directory and page table entries. Source: AMD I/O
 * Virtualization Technology (IOMMU) Specification, 48882, 2.2.3 "I/O Page Tables
 * for Host Translations". Device table entries and flushing are the backend's.
 *
 * The specification counts levels from 1, we count from 0. Its "mode" of a tree
 * is the number of levels in both.
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/sizes.h>

#include "../fmt.h"

/*
 * 2.2.3. Bits 4:1, 8:7 and 63 are ignored, in directory entries and page entries
 * alike. Bits 6:5 (D, A) are written by hardware if the device table entry says
 * so; it must not, since the entries of a group are compared with each other.
 *
 * Next Level may skip levels. We don't make such entries: when a skipped level
 * is filled later, hardware that remembers the old entry finds nothing there
 * until it is told, and whoever maps through the new table meanwhile can't know.
 *
 * Addresses are as the bus sees them. Where memory encryption (SME) puts a bit
 * into them, that is the caller's business for pages, and not done for tables.
 */
#define V1_PR		BIT_ULL(0)
#define V1_KIND		GENMASK_ULL(2, 1)	/* ignored: ours */
#define V1_NEXT_LEVEL	GENMASK_ULL(11, 9)
#define V1_ADDR		GENMASK_ULL(51, 12)
#define V1_FC		BIT_ULL(60)
#define V1_RIGHTS	GENMASK_ULL(62, 61)	/* IR, IW */

/*
 * Next Level, where it isn't the level of a table: a page of what one entry
 * spans, or of a size encoded in the address: with its lowest 0 at bit n, the
 * page has 2^(n + 1) bytes. Such a page fills all entries that it spans.
 */
#define V1_NL_PAGE	0
#define V1_NL_SIZED	7

#define FMT		pt_amdv1
#define FMT_NAME	"amdv1"
#define FMT_INDEX_LG2	9
#define FMT_MAX_LEVELS	6
#define FMT_ADDR	V1_ADDR
#define FMT_SW_CUT	BIT_ULL(3)
#define FMT_SW_FLUSHED	BIT_ULL(4)
#define FMT_SW_PART	BIT_ULL(7)
#define FMT_GROUPS	1
#define FMT_GROWS	1

static int fmt_init(struct pt *pt, const struct pt_config *cfg)
{
	if (cfg->max_levels > cfg->levels && !cfg->grow)
		return -EINVAL;
	/* The upper bound is that of physical addresses. */
	if (!(cfg->pgsizes & SZ_4K) || cfg->pgsizes & ~V1_ADDR)
		return -EINVAL;
	pt->leaf_bits = cfg->snoop ? V1_FC : 0;
	return 0;
}

static inline unsigned int fmt_granule_lg2(const struct pt *pt)
{
	return 12;
}

static inline u64 fmt_prot_bits(unsigned int prot)
{
	return V1_PR |
	       FIELD_PREP(V1_RIGHTS, FIELD_GET(FMT_PROT_RIGHTS, prot)) |
	       FIELD_PREP(V1_KIND, FIELD_GET(FMT_PROT_KIND, prot));
}

static inline unsigned int fmt_prot(u64 leaf)
{
	return FIELD_PREP(FMT_PROT_RIGHTS, FIELD_GET(V1_RIGHTS, leaf)) |
	       FIELD_PREP(FMT_PROT_KIND, FIELD_GET(V1_KIND, leaf));
}

static inline u64 fmt_make_leaf(u64 bits, u64 phys, unsigned int lg2,
				unsigned int level)
{
	u64 half = BIT_ULL(lg2 - 1);

	/* A page of what one entry spans: 12, 21, 30, ... */
	if (lg2 == 12 + FMT_INDEX_LG2 * level)
		return bits | phys | FIELD_PREP(V1_NEXT_LEVEL, V1_NL_PAGE);
	/* The 0 is at half the size, below it all is 1. */
	return bits | phys | ((half - 1) & V1_ADDR) |
	       FIELD_PREP(V1_NEXT_LEVEL, V1_NL_SIZED);
}

static inline u64 fmt_leaf_bits(u64 leaf)
{
	return leaf & (V1_PR | V1_FC | V1_RIGHTS | V1_KIND);
}

static inline unsigned int fmt_leaf_lg2(u64 leaf, unsigned int entry_lg2)
{
	if (FIELD_GET(V1_NEXT_LEVEL, leaf) == V1_NL_PAGE)
		return entry_lg2;
	return ffz(leaf | (SZ_4K - 1)) + 1;
}

static inline phys_addr_t fmt_leaf_phys(u64 leaf, u64 mask)
{
	return leaf & V1_ADDR & ~mask;
}

static inline u64 fmt_make_table(phys_addr_t phys, unsigned int child)
{
	return phys | V1_PR | V1_RIGHTS |
	       FIELD_PREP(V1_NEXT_LEVEL, child + 1);
}

static inline phys_addr_t fmt_table_phys(u64 entry)
{
	/* These rights are always set; that folds into phys_to_virt(). */
	return (entry & ~(u64)(SZ_4K - 1)) - V1_RIGHTS;
}

static inline bool fmt_is_table(u64 entry, unsigned int level)
{
	/* The child is at level - 1, which the specification calls level. */
	return (entry & (V1_PR | V1_NEXT_LEVEL)) ==
	       (V1_PR | FIELD_PREP(V1_NEXT_LEVEL, level));
}

#include "../engine.h"
