// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables that only software reads: the record of what is mapped, for backends
 * whose own tables can't be read.
 *
 * Owns: the entries' bits, which are nobody else's business. A table fills a
 * page, whatever its size. The smallest page is the configuration's: that of a
 * window of TCEs, for example.
 */
#include <linux/errno.h>

#include "../fmt.h"

#define SOFT_RIGHTS	GENMASK_ULL(1, 0)
#define SOFT_KIND	GENMASK_ULL(3, 2)
#define SOFT_TABLE	BIT_ULL(4)
#define SOFT_ADDR	GENMASK_ULL(62, 12)

#define FMT		pt_soft
#define FMT_NAME	"soft"
#define FMT_INDEX_LG2	(PAGE_SHIFT - 3)
#define FMT_MAX_LEVELS	6
#define FMT_ADDR	SOFT_ADDR
#define FMT_SW_CUT	BIT_ULL(5)
#define FMT_SW_PART	0
#define FMT_SW_FLUSHED	BIT_ULL(6)
#define FMT_GROUPS	0
#define FMT_GROWS	1

static int fmt_init(struct pt *pt, const struct pt_config *cfg)
{
	u64 sizes = cfg->pgsizes;
	unsigned int lg2, level;

	if (!sizes || pt->granule_lg2 < 12 || cfg->snoop)
		return -EINVAL;
	/* A page is one entry. */
	for (level = 0; level < FMT_MAX_LEVELS; level++) {
		lg2 = pt->granule_lg2 + FMT_INDEX_LG2 * level;
		if (lg2 < 64)
			sizes &= ~BIT_ULL(lg2);
	}
	return sizes ? -EINVAL : 0;
}

static inline unsigned int fmt_granule_lg2(const struct pt *pt)
{
	return pt->granule_lg2;
}

static inline u64 fmt_prot_bits(unsigned int prot)
{
	return FIELD_PREP(SOFT_RIGHTS, FIELD_GET(FMT_PROT_RIGHTS, prot)) |
	       FIELD_PREP(SOFT_KIND, FIELD_GET(FMT_PROT_KIND, prot));
}

static inline unsigned int fmt_prot(u64 leaf)
{
	return FIELD_PREP(FMT_PROT_RIGHTS, FIELD_GET(SOFT_RIGHTS, leaf)) |
	       FIELD_PREP(FMT_PROT_KIND, FIELD_GET(SOFT_KIND, leaf));
}

static inline u64 fmt_make_leaf(u64 bits, u64 phys, unsigned int lg2,
				unsigned int level)
{
	return bits | phys;
}

static inline u64 fmt_leaf_bits(u64 leaf)
{
	return leaf & (SOFT_RIGHTS | SOFT_KIND);
}

static inline unsigned int fmt_leaf_lg2(u64 leaf, unsigned int entry_lg2)
{
	return entry_lg2;
}

static inline phys_addr_t fmt_leaf_phys(u64 leaf, u64 mask)
{
	return leaf & SOFT_ADDR;
}

static inline u64 fmt_make_table(phys_addr_t phys, unsigned int child)
{
	return phys | SOFT_TABLE;
}

static inline phys_addr_t fmt_table_phys(u64 entry)
{
	return entry & SOFT_ADDR;
}

static inline bool fmt_is_table(u64 entry, unsigned int level)
{
	return entry & SOFT_TABLE;
}

#include "../engine.h"
