/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the formats' engines share: the memory of tables (pt.c).
 */
#ifndef SLUICE_PT_PRIVATE_H
#define SLUICE_PT_PRIVATE_H

#include <sluice/pt.h>

__le64 *pt_table_alloc(struct pt *pt, gfp_t gfp);
void pt_table_free(struct pt *pt, __le64 *table);
void pt_table_unlinked(__le64 *table, struct sluice_gather *gather);

/* pt->top is the root table's address, and its level below the page's size. */
static inline __le64 *pt_top_table(unsigned long top)
{
	return (__le64 *)(top & PAGE_MASK);
}

static inline unsigned int pt_top_level(unsigned long top)
{
	return top & ~PAGE_MASK;
}

#endif /* SLUICE_PT_PRIVATE_H */
