// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations of a batch that are alike, several at a time.
 *
 * Owns: the short way for what most vectors consist of: maps and unmaps of single
 * pages, or maps of contiguous registered memory, one after the other, in a space
 * with one domain. Pins, walks of the page table and charges are for many of them.
 * It is a short way and no other: whatever isn't that simple, and all errors, are
 * left to op.c.
 */
#include <linux/mm.h>

#include "op.h"

/* One domain, whose smallest page is the CPU's, and nothing unusual? */
static bool simple(struct sluice_txn *txn)
{
	struct sluice_space *space = txn->space;
	struct sluice_domain *first = sluice_space_first_domain(space);

	return list_is_singular(&space->domains) && !txn->stuck &&
	       sluice_mmio_none(txn->space) &&
	       __ffs64(first->iommu->caps.pgsizes) == PAGE_SHIFT;
}

/* How many operations, up to @nr, are on pages, like the first? */
static unsigned int count_pages(const struct sluice_window *window,
				const struct sluice_dma_op *ops,
				unsigned int nr)
{
	u64 start = window->start, last = window->last;
	const struct sluice_dma_op *op;

	for (op = ops; op < ops + nr; op++) {
		if (!sluice_op_same(op, ops) || op->size != PAGE_SIZE ||
		    op->iova < start || op->iova > last)
			break;
	}
	return op - ops;
}

/* Maps up to @nr extents, one per operation, in the order of @ops. */
static bool map_slice(struct sluice_txn *txn, size_t nr, unsigned int prot)
{
	size_t i;

	if (sluice_txn_map_extents(txn, txn->extents, nr, prot))
		return false;
	if (likely(!sluice_unified_charge_tables(txn->space)))
		return true;
	for (i = 0; i < nr; i++)
		sluice_txn_undo(txn, txn->extents[i].iova,
				txn->extents[i].iova +
					(txn->extents[i].len - 1));
	return false;
}

/* ---- Maps by handle ---- */

/* The run that has page @first: most of the time soon after @run. */
static size_t next_run(const struct sluice_region *region, size_t run,
		       unsigned long first)
{
	size_t last = min(run + 4, region->nr_runs - 1);

	if (first >= region->runs[run].first) {
		for (; run <= last; run++) {
			if (first < region->runs[run + 1].first)
				return run;
		}
	}
	return sluice_region_find(region, first);
}

/* The extent behind a map, if it is within one run; @run is where to look first. */
static bool one_extent(const struct sluice_region *region,
		       const struct sluice_dma_op *op, size_t *run,
		       struct sluice_extent *extent)
{
	unsigned long first = op->addr >> PAGE_SHIFT;
	unsigned long last = (op->addr + (op->size - 1)) >> PAGE_SHIFT;
	const struct sluice_run *r = &region->runs[*run];

	if (unlikely(first < r->first || last >= r[1].first)) {
		if (last >= region->npages)
			return false;
		*run = next_run(region, *run, first);
		r = &region->runs[*run];
		if (last >= r[1].first)
			return false;
	}
	extent->iova = op->iova;
	extent->phys = PFN_PHYS(r->pfn + (first - r->first));
	extent->len = op->size;
	return true;
}

/* Writes the extents of up to @nr maps of pages that are alike; returns how many. */
static unsigned int page_extents(const struct sluice_region *region,
				 const struct sluice_dma_op *ops,
				 unsigned int nr, size_t *at,
				 struct sluice_extent *e)
{
	const struct sluice_run *run = &region->runs[*at];
	const struct sluice_dma_op *op;

	for (op = ops; op < ops + nr; op++, e++) {
		unsigned long page = op->addr >> PAGE_SHIFT;

		if (unlikely(page < run[0].first || page >= run[1].first)) {
			if (page >= region->npages)
				break;
			*at = next_run(region, *at, page);
			run = &region->runs[*at];
		}
		e->iova = op->iova;
		e->phys = PFN_PHYS(run->pfn + (page - run->first));
		e->len = PAGE_SIZE;
	}
	return op - ops;
}

/* Writes the extents of up to @nr maps that are like the first; returns how many. */
static unsigned int op_extents(const struct sluice_window *window,
			       const struct sluice_region *region,
			       const struct sluice_dma_op *ops,
			       const struct sluice_dma_op *first,
			       unsigned int nr, size_t *run,
			       struct sluice_extent *e)
{
	u64 start = window->start, last = window->last;
	const struct sluice_dma_op *op;

	for (op = ops; op < ops + nr; op++, e++) {
		if (!sluice_op_same(op, first) ||
		    op->handle != first->handle || op->iova < start ||
		    op->iova + (op->size - 1) > last ||
		    !one_extent(region, op, run, e))
			break;
	}
	return op - ops;
}

static u64 count_bytes(const struct sluice_extent *e, unsigned int nr)
{
	u64 bytes = 0;

	while (nr--)
		bytes += e++->len;
	return bytes;
}

static unsigned int map_handles(struct sluice_txn *txn,
				const struct sluice_window *window,
				const struct sluice_region *region,
				const struct sluice_dma_op *ops,
				unsigned int nr, bool alike)
{
	unsigned int prot = sluice_op_prot(&ops[0]) | SLUICE_PROT_REGISTERED;
	unsigned int done = 0, n;
	size_t run = 0;

	do {
		unsigned int max = min_t(size_t, nr - done, txn->max_extents);

		n = alike ? page_extents(region, ops + done, max, &run,
					 txn->extents) :
			    op_extents(window, region, ops + done, ops, max,
				       &run, txn->extents);
		if (!n || !map_slice(txn, n, prot))
			return done;
		txn->mapped += alike ? n * PAGE_SIZE :
				       count_bytes(txn->extents, n);
		done += n;
	} while (n == txn->max_extents);
	return done;
}

/* ---- Maps by address ---- */

/* Pins as many of @nr pages as it can; neighbours by one call. The space is let go of. */
static unsigned int pin_paused(struct sluice_txn *txn,
			       const struct sluice_dma_op *ops, unsigned int nr,
			       unsigned int prot)
{
	const struct sluice_dma_op *op = ops, *end = ops + nr, *first;
	unsigned int have = 0, n;
	long ret;

	while (op < end) {
		unsigned long next = op->addr;

		first = op;
		do {
			next += PAGE_SIZE;
			op++;
		} while (op < end && op->addr == next);
		n = op - first;
		ret = sluice_pin(first->addr, n, prot, txn->pages + have);
		if (ret > 0)
			have += ret;
		if (ret != n)
			break;
	}
	return have;
}

/* The same. None if the space is another one then, or dead: @txn says so. */
static unsigned int pin_pages(struct sluice_txn *txn,
			      const struct sluice_dma_op *ops, unsigned int nr,
			      unsigned int prot)
{
	unsigned int have;

	sluice_txn_pause(txn);
	have = pin_paused(txn, ops, nr, prot);
	if (likely(sluice_txn_resume(txn)))
		return have;
	sluice_unpin_pages(txn->pages, have, prot);
	return 0;
}

/* Maps pinned pages; returns how many. */
static unsigned int map_pinned(struct sluice_txn *txn,
			       const struct sluice_dma_op *ops, unsigned int nr,
			       unsigned int prot)
{
	const struct sluice_dma_op *op = ops;
	struct page **page = txn->pages;
	struct sluice_extent *e;
	unsigned int done = 0, i, n;

	while (done < nr) {
		n = min_t(size_t, nr - done, txn->max_extents);
		e = txn->extents;
		for (i = 0; i < n; i++, op++, page++, e++) {
			e->iova = op->iova;
			e->phys = page_to_phys(*page);
			e->len = PAGE_SIZE;
		}
		if (!map_slice(txn, n, prot))
			break;
		done += n;
	}
	return done;
}

static unsigned int map_users(struct sluice_txn *txn,
			      const struct sluice_window *window,
			      const struct sluice_dma_op *ops, unsigned int nr,
			      bool alike)
{
	unsigned int n, pinned, done, prot = sluice_op_prot(&ops[0]);
	struct mm_struct *mm = txn->uni->mm;

	n = min_t(size_t, nr, txn->max_pages);
	if (!alike)
		n = count_pages(window, ops, n);
	if (!n || sluice_account(mm, n))
		return 0;
	pinned = pin_pages(txn, ops, n, prot);
	done = map_pinned(txn, ops, pinned, prot);
	/* The others may have been mapped for a moment. */
	if (done < pinned && !sluice_txn_flush(txn))
		sluice_unpin_pages(txn->pages + done, pinned - done, prot);
	if (done < n && !txn->stuck)
		sluice_unaccount(mm, n - done);
	return done;
}

/* ---- Unmaps ---- */

static unsigned int unmap_pages(struct sluice_txn *txn,
				const struct sluice_window *window,
				const struct sluice_dma_op *ops,
				unsigned int nr, bool alike)
{
	struct sluice_extent *e;
	unsigned int n, i;
	size_t room;

	e = sluice_txn_room(txn, &room);
	n = min_t(size_t, nr, room);
	if (!alike)
		n = count_pages(window, ops, n);
	for (i = 0; i < n; i++)
		e[i].iova = ops[i].iova;
	return n ? sluice_txn_unmap_pages(txn, n) : 0;
}

/**
 * sluice_vector_run - carry out operations that are alike
 * @txn: a transaction; the operations' ranges are held
 * @ops: valid operations
 * @nr: how many, at least 1
 * @alike: they are known to be on pages of one window, with the same flags and handle
 *
 * Return: how many were carried out, counted from the first on. Of the next one
 * nothing was; it may well be possible, or have been tried in vain. If the space is
 * another one by now, or dead, @txn says so.
 */
unsigned int sluice_vector_run(struct sluice_txn *txn,
			       const struct sluice_dma_op *ops, unsigned int nr,
			       bool alike)
{
	const struct sluice_window *window;
	struct sluice_region *region;
	u64 page;

	if (!simple(txn))
		return 0;
	window = sluice_window_find(txn->uni, ops[0].iova);
	if (!window || ops[0].iova < window->start ||
	    window->page_lg2 != PAGE_SHIFT)
		return 0;
	if (ops[0].op == SLUICE_DMA_UNMAP)
		return unmap_pages(txn, window, ops, nr, alike);
	if (sluice_op_check_map(txn->uni, &ops[0], &page, &region) ||
	    sluice_txn_need_room(txn, nr))
		return 0;
	if (ops[0].flags & SLUICE_DMA_HANDLE)
		return map_handles(txn, window, region, ops, nr, alike);
	return map_users(txn, window, ops, nr, alike);
}
