// SPDX-License-Identifier: GPL-2.0-only
/*
 * One operation of a DMA_BATCH, in a unified space.
 *
 * Owns: what makes an operation valid in its space: windows, handles, who may do it;
 * and what it takes. Does not own: what makes it valid by itself (op.h), what a map
 * or unmap does (txn.c, mmio.c), several operations (batch.c, atomic.c).
 */
#include <linux/align.h>
#include <linux/err.h>
#include <linux/sched.h>

#include "op.h"

static int check_handle(struct sluice_unified *uni,
			const struct sluice_dma_op *op,
			struct sluice_region **region)
{
	struct sluice_region *r = xa_load(&uni->regions, op->handle);

	if (!r)
		return -ENOENT;
	if (sluice_op_prot(op) & ~r->prot)
		return -EACCES;
	if ((op->addr + (op->size - 1)) >> PAGE_SHIFT >= r->npages)
		return -EINVAL;
	*region = r;
	return 0;
}

/**
 * sluice_op_check_map - may a map be done in a space, for all that can be said
 *	before?
 * @uni: the space's unified part; its lock is held
 * @op: a valid map
 * @page: set to the page size of the window
 * @region: set to the registered memory, if it is by handle
 *
 * Return: 0; -EINVAL, -ENOENT, -EACCES, -EPERM as &struct sluice_dma_op says.
 */
int sluice_op_check_map(struct sluice_unified *uni,
			const struct sluice_dma_op *op, u64 *page,
			struct sluice_region **region)
{
	const struct sluice_window *window;

	window = sluice_window_find(uni, op->iova);
	if (!window || op->iova < window->start ||
	    op->iova + (op->size - 1) > window->last)
		return -EINVAL;
	*page = BIT_ULL(window->page_lg2);
	if (!IS_ALIGNED(op->iova | op->size | op->addr, *page))
		return -EINVAL;
	if (op->flags & SLUICE_DMA_HANDLE)
		return check_handle(uni, op, region);
	return current->mm == uni->mm ? 0 : -EPERM;
}

/**
 * sluice_op_check_unmap - the same for an unmap
 * @space: the space; its lock is held
 * @op: a valid unmap
 *
 * Return: 0; -EINVAL if an end of the range is within a page of a window.
 */
int sluice_op_check_unmap(struct sluice_space *space,
			  const struct sluice_dma_op *op)
{
	struct sluice_range range = sluice_op_range(op), part;
	struct sluice_unified *uni = space->uni;

	while (sluice_window_part(uni, &range, &part)) {
		u32 lg2 = sluice_window_find(uni, part.start)->page_lg2;

		if (!IS_ALIGNED(part.start | (part.last + 1), BIT_ULL(lg2)))
			return -EINVAL;
	}
	return 0;
}

static int map_user(struct sluice_txn *txn, const struct sluice_dma_op *op,
		    u64 page)
{
	int ret = sluice_txn_map_user(txn, op->iova, op->addr, op->size,
				      sluice_op_prot(op), page);

	u64 unmapped = 0;
	int at;

	/* As in a legacy space: device memory is rare, and looked for last. */
	if (likely(ret != -EFAULT && ret != -ENOMEM))
		return ret;
	at = sluice_mmio_at(op->addr);
	if (at <= 0)
		return at ?: ret;
	ret = sluice_mmio_map_unified(txn->space, op->iova, op->addr, op->size,
				      sluice_op_prot(op), page);
	if (ret)
		return ret;
	ret = sluice_unified_charge_tables(txn->space);
	if (ret)
		sluice_mmio_unmap_range(txn->space, op->iova,
					op->iova + (op->size - 1), &unmapped);
	return ret;
}

static int run_map(struct sluice_txn *txn, const struct sluice_dma_op *op)
{
	struct sluice_region *region;
	u64 page;
	int ret;

	ret = sluice_op_check_map(txn->uni, op, &page, &region);
	if (ret)
		return ret;
	if (sluice_mmio_overlaps(txn->space, op->iova,
				 op->iova + (op->size - 1)))
		return -EEXIST;
	if (!(op->flags & SLUICE_DMA_HANDLE))
		return map_user(txn, op, page);
	return sluice_txn_map_region(txn, op->iova, region, op->addr, op->size,
				     sluice_op_prot(op), page);
}

/* All that can fail in all windows first. */
static int run_unmap(struct sluice_txn *txn, const struct sluice_dma_op *op)
{
	struct sluice_range range = sluice_op_range(op), part;
	bool mmio;
	int ret;

	ret = sluice_op_check_unmap(txn->space, op);
	if (ret)
		return ret;
	mmio = sluice_mmio_overlaps(txn->space, range.start, range.last);
	while (sluice_window_part(txn->uni, &range, &part)) {
		ret = mmio ? sluice_mmio_cut(txn->space, part.start, part.last) :
			     sluice_txn_cut(txn, part.start, part.last);
		if (ret)
			return ret;
	}
	range = sluice_op_range(op);
	ret = sluice_mmio_unmap_range(txn->space, range.start, range.last,
				      &txn->unmapped);
	if (ret)
		return ret;
	while (sluice_window_part(txn->uni, &range, &part))
		sluice_txn_clear(txn, part.start, part.last);
	return 0;
}

/**
 * sluice_op_run - carry out an operation
 * @txn: a transaction; the operation's range is held
 * @op: a valid operation
 *
 * Return: 0, or an errno as &struct sluice_dma_op says; then nothing has changed.
 */
int sluice_op_run(struct sluice_txn *txn, const struct sluice_dma_op *op)
{
	return op->op == SLUICE_DMA_MAP ? run_map(txn, op) :
					  run_unmap(txn, op);
}
