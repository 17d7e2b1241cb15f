// SPDX-License-Identifier: GPL-2.0-only
/*
 * ATOMIC batches: all operations, or none.
 *
 * Owns: what a vector of maps and unmaps amounts to, and the order that makes it
 * all or nothing: all that can fail comes first, while nothing is cleared; what
 * comes then can't fail.
 *
 * Memory by address is pinned before anything is planned, since the space is let go of for
 * that; if an operation turns out to be wrong, it is let go again.
 *
 * What is in the page table isn't changed until then, so later operations see the
 * earlier ones by an overlay: for each IOVA that the batch touches, the map that it
 * ends with, or that it ends unmapped. Only that is mapped in the end: memory that
 * the batch maps and unmaps again is pinned, for an error must be found, and let go.
 */
#define pr_fmt(fmt) "sluice: " fmt

#include <linux/align.h>
#include <linux/err.h>
#include <linux/printk.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "op.h"
#include "tree.h"

/**
 * struct atomic - a batch
 * @txn: its transaction
 * @uni: the space's unified part
 * @ops: the operations
 * @nr: how many
 * @at: which one is being looked at: the one that fails, if one does
 * @regions: for each map its memory; by address: pinned for the batch
 * @overlay: what is at an IOVA in the end: the map's number, or NOTHING
 * @unmaps: all that is unmapped at some time
 * @unmapped: bytes that the batch maps and unmaps again
 */
struct atomic {
	struct sluice_txn *txn;
	struct sluice_unified *uni;
	const struct sluice_dma_op *ops;
	unsigned int nr;
	unsigned int at;
	struct sluice_region **regions;
	struct maple_tree overlay;
	struct maple_tree unmaps;
	u64 unmapped;
};

#define NOTHING xa_mk_value(0)
#define MAP_NR(i) xa_mk_value((unsigned long)(i) + 1)

static bool by_address(const struct sluice_dma_op *op)
{
	return op->op == SLUICE_DMA_MAP && !(op->flags & SLUICE_DMA_HANDLE);
}

/* ---- The overlay ---- */

/**
 * struct piece - IOVAs with the same entry in the overlay
 * @range: the IOVAs
 * @entry: the entry, or NULL
 */
struct piece {
	struct sluice_range range;
	void *entry;
};

/* The first piece of *@range, which isn't empty, and is consumed so far. */
static struct piece next_piece(struct maple_tree *tree,
			       struct sluice_range *range)
{
	MA_STATE(mas, tree, range->start, range->start);
	struct piece p = { .range = *range };

	p.entry = mas_find(&mas, range->last);
	if (p.entry && mas.index > range->start) {
		/* Something comes, but not at once. */
		p.range.last = mas.index - 1;
		p.entry = NULL;
	} else if (p.entry) {
		p.range.last = min(mas.last, range->last);
	}
	sluice_range_consume(range, p.range.last);
	return p;
}

static int set_piece(struct atomic *a, const struct sluice_range *range,
		     void *entry)
{
	return sluice_tree_store(&a->overlay, range->start, range->last, entry,
				 GFP_KERNEL_ACCOUNT);
}

/* ---- What may fail ---- */

static int plan_map(struct atomic *a, const struct sluice_dma_op *op)
{
	struct sluice_range range = sluice_op_range(op);
	struct sluice_region *region = NULL;
	u64 page;
	int ret;

	ret = sluice_op_check_map(a->uni, op, &page, &region);
	if (ret)
		return ret;
	if (sluice_mmio_overlaps(a->txn->space, range.start, range.last))
		return -EEXIST;
	if (region)
		a->regions[a->at] = region;
	while (!sluice_range_empty(&range)) {
		struct piece p = next_piece(&a->overlay, &range);

		if (p.entry && p.entry != NOTHING)
			return -EEXIST;
		if (!p.entry)
			ret = sluice_txn_check_free(a->txn, p.range.start,
						    p.range.last);
		if (ret)
			return ret;
	}
	range = sluice_op_range(op);
	return set_piece(a, &range, MAP_NR(a->at));
}

static int plan_unmap(struct atomic *a, const struct sluice_dma_op *op)
{
	struct sluice_range range = sluice_op_range(op), part, rest;
	int ret;

	ret = sluice_op_check_unmap(a->txn->space, op);
	if (ret)
		return ret;
	if (sluice_mmio_overlaps(a->txn->space, range.start, range.last))
		return -EOPNOTSUPP;
	while (sluice_window_part(a->uni, &range, &part)) {
		rest = part;
		while (!sluice_range_empty(&rest)) {
			struct piece p = next_piece(&a->overlay, &rest);

			if (p.entry && p.entry != NOTHING)
				a->unmapped += p.range.last - p.range.start + 1;
		}
		ret = set_piece(a, &part, NOTHING) ?:
		      sluice_tree_store(&a->unmaps, part.start, part.last,
					NOTHING, GFP_KERNEL_ACCOUNT);
		if (ret)
			return ret;
	}
	return 0;
}

static int plan(struct atomic *a)
{
	int ret = 0;

	for (a->at = 0; a->at < a->nr; a->at++) {
		const struct sluice_dma_op *op = &a->ops[a->at];

		if (fatal_signal_pending(current))
			return -EINTR;
		ret = op->op == SLUICE_DMA_MAP ? plan_map(a, op) :
						 plan_unmap(a, op);
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

/* What to say of memory that can't be pinned. */
static int unpinnable(const struct sluice_dma_op *op, int err)
{
	int at = sluice_mmio_at(op->addr);

	if (!at)
		return err;
	return at < 0 ? at : -EOPNOTSUPP;
}

/* Pins all memory by address; if that fails, @at says for which operation. */
static int pin_paused(struct atomic *a)
{
	for (; a->at < a->nr; a->at++) {
		const struct sluice_dma_op *op = &a->ops[a->at];
		struct sluice_region *region;

		if (!by_address(op))
			continue;
		region = sluice_region_pin(op->addr, op->size >> PAGE_SHIFT,
					   sluice_op_prot(op));
		if (IS_ERR(region))
			return unpinnable(op, PTR_ERR(region));
		a->regions[a->at] = region;
	}
	return 0;
}

/* Is there memory to be pinned? Not if that would be in vain: plan() says why. */
static bool must_pin(const struct atomic *a)
{
	struct sluice_region *region;
	bool ret = false;
	unsigned int i;
	u64 page;

	for (i = 0; i < a->nr; i++) {
		if (!by_address(&a->ops[i]))
			continue;
		if (sluice_op_check_map(a->uni, &a->ops[i], &page, &region))
			return false;
		ret = true;
	}
	return ret;
}

/* The same. -ERESTART: the space is another one by now. */
static int pin(struct atomic *a)
{
	int ret;

	a->at = 0;
	if (!must_pin(a))
		return 0;
	sluice_txn_pause(a->txn);
	ret = pin_paused(a);
	if (sluice_txn_resume(a->txn))
		return ret;
	return a->txn->changed ? -ERESTART : -EIO;
}

/* Calls @fn with all extents of the memory that @op has at a piece. */
static int for_extents(struct atomic *a, const struct sluice_dma_op *op,
		       const struct sluice_range *piece,
		       int (*fn)(struct atomic *a,
				 const struct sluice_dma_op *op,
				 const struct sluice_extent *extents,
				 size_t nr))
{
	const struct sluice_region *region = a->regions[op - a->ops];
	u64 size = piece->last - piece->start + 1;
	u64 offset = piece->start - op->iova;
	u64 done = 0, used;
	int ret = 0;

	if (!by_address(op))
		offset += op->addr;
	while (!ret && done < size) {
		struct sluice_extent *extents = a->txn->extents;
		size_t nr;

		nr = sluice_region_extents(region, piece->start + done,
					   offset + done, size - done, extents,
					   a->txn->max_extents, &used);
		ret = fn(a, op, extents, nr);
		done += used;
		cond_resched();
	}
	return ret;
}

/* Calls @fn with all that will be mapped. */
static int for_maps(struct atomic *a,
		    int (*fn)(struct atomic *a, const struct sluice_dma_op *op,
			      const struct sluice_extent *extents, size_t nr))
{
	struct sluice_range all = { 0, U64_MAX };
	int ret = 0;

	while (!ret && !sluice_range_empty(&all)) {
		struct piece p = next_piece(&a->overlay, &all);

		if (!p.entry || p.entry == NOTHING)
			continue;
		a->at = xa_to_value(p.entry) - 1;
		ret = for_extents(a, &a->ops[a->at], &p.range, fn);
	}
	return ret;
}

/* Calls @fn with all that the batch unmaps at some time, each part once. */
static int for_unmaps(struct atomic *a, int (*fn)(struct sluice_txn *txn,
						  u64 start, u64 last))
{
	struct sluice_range all = { 0, U64_MAX };
	int ret = 0;

	while (!ret && !sluice_range_empty(&all)) {
		struct piece p = next_piece(&a->unmaps, &all);

		if (p.entry)
			ret = fn(a->txn, p.range.start, p.range.last);
	}
	return ret;
}

static int prepare_extents(struct atomic *a, const struct sluice_dma_op *op,
			   const struct sluice_extent *extents, size_t nr)
{
	const struct sluice_window *window =
		sluice_window_find(a->uni, op->iova);

	if (!sluice_txn_aligned(extents, nr, BIT_ULL(window->page_lg2)))
		return -EINVAL;
	if (fatal_signal_pending(current))
		return -EINTR;
	return sluice_txn_prepare(a->txn, extents, nr) ?:
	       sluice_unified_charge_tables(a->txn->space);
}

/* ---- What may not ---- */

static int clear(struct sluice_txn *txn, u64 start, u64 last)
{
	sluice_txn_clear(txn, start, last);
	return 0;
}

static int map_extents(struct atomic *a, const struct sluice_dma_op *op,
		       const struct sluice_extent *extents, size_t nr)
{
	unsigned int prot = sluice_op_prot(op);

	if (!by_address(op))
		prot |= SLUICE_PROT_REGISTERED;
	return sluice_txn_map_extents(a->txn, extents, nr, prot);
}

/*
 * It was prepared, but some of the kernel's drivers, behind the generic backend, can
 * fail nevertheless. What was mapped of the piece goes, and its memory with what
 * isn't mapped; all else stays as the batch says.
 */
static void give_up(struct atomic *a, const struct sluice_range *range)
{
	pr_warn_ratelimited("an IOMMU driver had no memory for an atomic batch: %#llx..%#llx isn't mapped\n",
			    range->start, range->last);
	sluice_txn_undo(a->txn, range->start, range->last);
	/* If that fails, nothing is unpinned any more. */
	if (!sluice_txn_flush(a->txn))
		sluice_tree_store(&a->overlay, range->start, range->last,
				  NOTHING, GFP_KERNEL | __GFP_NOFAIL);
}

static int map_pieces(struct atomic *a)
{
	struct sluice_range all = { 0, U64_MAX };
	int ret = 0;

	while (!sluice_range_empty(&all)) {
		struct piece p = next_piece(&a->overlay, &all);
		const struct sluice_dma_op *op;

		if (!p.entry || p.entry == NOTHING)
			continue;
		a->at = xa_to_value(p.entry) - 1;
		op = &a->ops[a->at];
		if (for_extents(a, op, &p.range, map_extents)) {
			give_up(a, &p.range);
			ret = -EIO;
		} else if (!by_address(op)) {
			a->txn->mapped += p.range.last - p.range.start + 1;
		}
	}
	return ret;
}

/* Unpins what was pinned for maps and isn't mapped; all of it if @failed. */
static void unpin_rest(struct atomic *a, bool failed)
{
	unsigned int i;

	for (i = 0; i < a->nr; i++) {
		const struct sluice_dma_op *op = &a->ops[i];
		struct sluice_range range = sluice_op_range(op);
		struct sluice_region *region = a->regions[i];

		if (!by_address(op) || !region)
			continue;
		while (!sluice_range_empty(&range)) {
			struct piece p = next_piece(&a->overlay, &range);
			unsigned long first, npages;

			if (!failed && p.entry == MAP_NR(i))
				continue;
			first = (p.range.start - op->iova) >> PAGE_SHIFT;
			npages = (p.range.last - p.range.start + 1) >>
				 PAGE_SHIFT;
			sluice_region_unpin(region, first, npages);
			sluice_unaccount(a->uni->mm, npages);
		}
		sluice_region_free(region);
	}
}

static int run(struct atomic *a)
{
	unsigned int unpinnable;
	int ret, pinned;

	pinned = pin(a);
	if (pinned == -ERESTART || a->txn->stuck)
		return pinned;
	unpinnable = a->at;
	/* What is wrong with the vector comes first. */
	ret = plan(a);
	if (ret)
		return ret;
	a->at = unpinnable;
	if (pinned)
		return pinned;
	/* Tables that maps need must outlive the unmaps. */
	sluice_txn_keep_tables(a->txn);
	/* Cuts are for all of them. */
	a->at = 0;
	return for_unmaps(a, sluice_txn_cut) ?: for_maps(a, prepare_extents);
}

static int commit(struct atomic *a)
{
	for_unmaps(a, clear);
	a->txn->unmapped += a->unmapped;
	return map_pieces(a);
}

/**
 * sluice_atomic_run - carry out all operations, or none
 * @txn: a transaction; the ranges of all operations are held
 * @ops: the operations, each checked by sluice_op_check()
 * @nr: how many
 * @at: set to the number of the one that fails, if one does
 *
 * Return: 0 or the error of the operation.
 */
int sluice_atomic_run(struct sluice_txn *txn, const struct sluice_dma_op *ops,
		      unsigned int nr, unsigned int *at)
{
	struct atomic a = {
		.txn = txn, .uni = txn->uni, .ops = ops, .nr = nr,
	};
	int ret;

	*at = 0;
	if (txn->stuck)
		return -EIO;
	ret = sluice_txn_grow(txn);
	if (ret)
		return ret;
	a.regions = kvcalloc(nr, sizeof(struct sluice_region *),
			     GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!a.regions)
		return -ENOMEM;
	sluice_tree_init(&a.overlay);
	sluice_tree_init(&a.unmaps);
	ret = run(&a);
	*at = min(a.at, nr - 1);
	if (ret) {
		unpin_rest(&a, true);
	} else {
		ret = commit(&a);
		unpin_rest(&a, false);
	}
	sluice_tree_destroy(&a.unmaps);
	sluice_tree_destroy(&a.overlay);
	kvfree(a.regions);
	return ret;
}
