// SPDX-License-Identifier: GPL-2.0-only
/*
 * Intel VT-d second-stage tables.
 *
 * Owns: the bits of SS-PTE, SS-PDE, SS-PDPE, SS-PML4E and SS-PML5E. Source:
 * Intel Virtualization Technology for Directed I/O, Architecture Specification,
 * revision 4.1, 3.7 "Second-Stage Translation" and 9.8 "Second-Stage Paging
 * Entries". Context entries and flushing are the backend's.
 */
#include <linux/errno.h>
#include <linux/sizes.h>

#include "../fmt.h"

/*
 * 9.8. There is no present bit: an entry without R and W is not present. Bits 9:8
 * (D, A) of leaf entries are written by hardware in scalable mode only. Bit 11
 * is SNP in leaf entries, reserved where ECAP.SC is 0. Ignored are bits 61:52 of
 * all entries, bit 10, and bit 9 of those that point to tables.
 */
#define SS_RIGHTS	GENMASK_ULL(1, 0)	/* R, W */
#define SS_PS		BIT_ULL(7)	/* levels 1 and 2: a page */
#define SS_SNP		BIT_ULL(11)
#define SS_ADDR		GENMASK_ULL(51, 12)
#define SS_KIND		GENMASK_ULL(54, 53)	/* ignored: ours */

#define FMT		pt_vtdss
#define FMT_NAME	"vtdss"
#define FMT_INDEX_LG2	9
#define FMT_MAX_LEVELS	5
#define FMT_ADDR	SS_ADDR
#define FMT_SW_CUT	BIT_ULL(9)
#define FMT_SW_PART	0
#define FMT_SW_FLUSHED	BIT_ULL(10)
#define FMT_GROUPS	0
#define FMT_GROWS	0

static int fmt_init(struct pt *pt, const struct pt_config *cfg)
{
	if (cfg->levels < 3 || cfg->max_levels != cfg->levels)
		return -EINVAL;
	if (!(cfg->pgsizes & SZ_4K) ||
	    cfg->pgsizes & ~(u64)(SZ_4K | SZ_2M | SZ_1G))
		return -EINVAL;
	pt->leaf_bits = cfg->snoop ? SS_SNP : 0;
	return 0;
}

static inline unsigned int fmt_granule_lg2(const struct pt *pt)
{
	return 12;
}

static inline u64 fmt_prot_bits(unsigned int prot)
{
	return FIELD_PREP(SS_RIGHTS, FIELD_GET(FMT_PROT_RIGHTS, prot)) |
	       FIELD_PREP(SS_KIND, FIELD_GET(FMT_PROT_KIND, prot));
}

static inline unsigned int fmt_prot(u64 leaf)
{
	return FIELD_PREP(FMT_PROT_RIGHTS, FIELD_GET(SS_RIGHTS, leaf)) |
	       FIELD_PREP(FMT_PROT_KIND, FIELD_GET(SS_KIND, leaf));
}

static inline u64 fmt_make_leaf(u64 bits, u64 phys, unsigned int lg2,
				unsigned int level)
{
	return bits | phys | (level ? SS_PS : 0);
}

static inline u64 fmt_leaf_bits(u64 leaf)
{
	return leaf & (SS_RIGHTS | SS_SNP | SS_KIND);
}

static inline unsigned int fmt_leaf_lg2(u64 leaf, unsigned int entry_lg2)
{
	return entry_lg2;
}

static inline phys_addr_t fmt_leaf_phys(u64 leaf, u64 mask)
{
	return leaf & SS_ADDR;
}

static inline u64 fmt_make_table(phys_addr_t phys, unsigned int child)
{
	return phys | SS_RIGHTS;
}

static inline phys_addr_t fmt_table_phys(u64 entry)
{
	/* Nothing of ours is above the address. */
	return entry & ~(u64)(SZ_4K - 1);
}

static inline bool fmt_is_table(u64 entry, unsigned int level)
{
	/* Entries for tables allow all. */
	return (entry & (SS_RIGHTS | SS_PS)) == SS_RIGHTS;
}

#include "../engine.h"
