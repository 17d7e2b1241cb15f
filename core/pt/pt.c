// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page tables: what doesn't depend on the format.
 *
 * Owns: a tree's set-up, and the memory of tables. A table has a page to
 * itself, so that it can wait for its flush on a list by its page's lru,
 * untouched while the hardware may still read it.
 */
#include <kunit/static_stub.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/vmstat.h>

#include "private.h"

/* As the kernel's own IOMMU drivers report their tables to administrators. */
static void count_table(struct page *page, int nr)
{
	mod_node_page_state(page_pgdat(page), NR_IOMMU_PAGES, nr);
	mod_lruvec_page_state(page, NR_SECONDARY_PAGETABLE, nr);
}

/**
 * pt_table_alloc - get an empty table
 * @pt: the tree it will be part of
 * @gfp: how; 0: not at all
 *
 * Return: the table, or NULL.
 */
__le64 *pt_table_alloc(struct pt *pt, gfp_t gfp)
{
	struct page *page;

	if (!gfp)
		return NULL;
	KUNIT_STATIC_STUB_REDIRECT(pt_table_alloc, pt, gfp);

	page = alloc_pages_node(pt->nid, gfp | __GFP_ZERO, 0);
	if (!page)
		return NULL;
	count_table(page, 1);
	atomic_long_inc(&pt->nr_tables);
	return page_address(page);
}

/**
 * pt_table_free - free a table that no hardware knows
 * @pt: the tree it was allocated for
 * @table: the table
 */
void pt_table_free(struct pt *pt, __le64 *table)
{
	struct page *page = virt_to_page(table);

	count_table(page, -1);
	atomic_long_dec(&pt->nr_tables);
	__free_page(page);
}

/**
 * pt_table_unlinked - have a table freed after the flush
 * @table: no entry points to it any more
 * @gather: the gather
 */
void pt_table_unlinked(__le64 *table, struct sluice_gather *gather)
{
	list_add_tail(&virt_to_page(table)->lru, &gather->tables);
	gather->nonleaf = true;
}

void pt_free_gathered(struct pt *pt, struct sluice_gather *gather)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, &gather->tables, lru) {
		list_del(&page->lru);
		pt_table_free(pt, page_address(page));
	}
}

phys_addr_t pt_root(const struct pt *pt, unsigned int *levels)
{
	unsigned long top = READ_ONCE(pt->top);

	if (levels)
		*levels = pt_top_level(top) + 1;
	return virt_to_phys(pt_top_table(top));
}

int pt_init(struct pt *pt, const struct pt_format *fmt,
	    const struct pt_config *cfg)
{
	struct pt_config full = *cfg;
	__le64 *root;
	int ret;

	full.max_levels = full.max_levels ?: full.levels;
	if (!full.pgsizes || !full.levels || full.max_levels < full.levels)
		return -EINVAL;
	*pt = (struct pt){
		.fmt = fmt,
		.pgsizes = full.pgsizes,
		.granule_lg2 = __ffs64(full.pgsizes),
		.max_top = full.max_levels - 1,
		.nid = full.nid,
		.nr_kept = 1,
		.flush = full.flush,
		.grow = full.grow,
	};
	mutex_init(&pt->grow_lock);
	spin_lock_init(&pt->cut_lock);
	ret = fmt->init(pt, &full);
	if (ret)
		return ret;
	root = pt_table_alloc(pt, GFP_KERNEL_ACCOUNT);
	if (!root)
		return -ENOMEM;
	if (pt->flush)
		pt->flush(root, PAGE_SIZE);
	pt->top = (unsigned long)root | (full.levels - 1);
	return 0;
}

void pt_deinit(struct pt *pt)
{
	pt->fmt->destroy(pt);
	if (pt->spare_root)
		pt_table_free(pt, pt->spare_root);
	WARN_ON_ONCE(pt_nr_tables(pt));
}

/* Extents read at a time. */
#define FEW_EXTENTS 16
/* Bytes mapped at a time: all may be of the smallest pages. */
#define COPY_BYTES SZ_1G

/* Consumes @range as far as the extent was copied. */
static int copy_extent(struct pt *to, struct sluice_extent e,
		       struct sluice_range *range, gfp_t gfp,
		       struct sluice_gather *gather)
{
	u64 left, done;
	int ret;

	for (left = e.len; left; left -= done) {
		/* Up to where no page is cut in two. */
		e.len = min(left, COPY_BYTES - (e.iova & (COPY_BYTES - 1)));
		ret = pt_map(to, &e, 1, e.prot, gfp, &done, gather);
		if (!ret)
			done = e.len;
		if (done)
			sluice_range_consume(range, e.iova + (done - 1));
		if (ret)
			return ret;
		e.iova += done;
		e.phys += done;
		cond_resched();
	}
	return 0;
}

int pt_copy(struct pt *to, struct pt *from, struct sluice_range *range,
	    gfp_t gfp, struct sluice_gather *gather)
{
	struct sluice_extent extents[FEW_EXTENTS] __uninitialized;
	struct sluice_range left = *range;
	/* Where a read stops the memory may go on. */
	struct sluice_extent last = { .len = 0 };
	size_t i, nr;
	int ret;

	while (!sluice_range_empty(&left)) {
		nr = pt_read(from, &left, extents, FEW_EXTENTS);
		for (i = 0; i < nr; i++) {
			if (last.len &&
			    sluice_extent_continues(&last, &extents[i])) {
				last.len += extents[i].len;
				continue;
			}
			ret = copy_extent(to, last, range, gfp, gather);
			if (ret)
				return ret;
			last = extents[i];
		}
		cond_resched();
	}
	ret = copy_extent(to, last, range, gfp, gather);
	if (!ret)
		*range = left;
	return ret;
}
