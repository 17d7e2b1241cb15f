// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA_BATCH in containers of the types TYPE1 and TYPE1v2: vectors by their rules.
 *
 * Owns: the range that a vector holds, and its one flush. Does not own: what a map
 * or unmap does (legacy.c, legacy_unmap.c, legacy_txn.c).
 */
#include <linux/align.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "legacy_txn.h"
#include "op.h"

static int check_op(struct sluice_space *space, const struct sluice_dma_op *op,
		    struct sluice_range *range)
{
	int ret = sluice_op_check(op, range);

	if (ret)
		return ret;
	if (op->op == SLUICE_DMA_MAP)
		return op->flags & SLUICE_DMA_HANDLE ? -EINVAL : 0;
	if (!(op->flags & SLUICE_DMA_ALL) &&
	    !IS_ALIGNED(op->iova | op->size, sluice_space_granule(space)))
		return -EINVAL;
	return 0;
}

/*
 * Looks for the first operation that isn't valid, and at what those before it are
 * about. Returns how many there are; *@err is that one's error.
 */
static unsigned int check_ops(struct sluice_space *space,
			      const struct sluice_dma_op *ops, unsigned int nr,
			      struct sluice_range *hull, int *err)
{
	struct sluice_range range;
	unsigned int i;

	hull->start = U64_MAX;
	hull->last = 0;
	*err = 0;
	for (i = 0; i < nr; i++) {
		*err = check_op(space, &ops[i], &range);
		if (*err)
			break;
		hull->start = min(hull->start, range.start);
		hull->last = max(hull->last, range.last);
	}
	/* There, an unmap may take what reaches beyond its range. */
	if (space->type == SLUICE_SPACE_TYPE1)
		*hull = (struct sluice_range){ 0, U64_MAX };
	return i;
}

static int run_map(struct sluice_legacy_txn *txn,
		   const struct sluice_dma_op *op)
{
	unsigned int prot = sluice_op_prot(op);
	int ret = sluice_legacy_map_held(txn, op->iova, op->addr, op->size,
					 prot);

	/* What has been unmapped is charged until it is flushed. */
	if (ret == -ENOMEM && txn->done) {
		sluice_legacy_txn_flush(txn);
		ret = sluice_legacy_map_held(txn, op->iova, op->addr, op->size,
					     prot);
	}
	return ret;
}

static int run_unmap(struct sluice_legacy_txn *txn,
		     const struct sluice_dma_op *op, u64 *unmapped)
{
	struct sluice_range range = sluice_op_range(op);
	u64 bytes;
	int ret;

	ret = sluice_legacy_unmap_held(txn, range.start, range.last, &bytes);
	*unmapped += bytes;
	return ret;
}

/* Carries out valid operations in their order; *@done: how many. */
static int run_ops(struct sluice_legacy_txn *txn,
		   const struct sluice_dma_op *ops, unsigned int nr,
		   unsigned int *done, u64 *unmapped)
{
	int ret = 0;

	while (*done < nr) {
		const struct sluice_dma_op *op = &ops[*done];

		if (fatal_signal_pending(current))
			return -EINTR;
		ret = op->op == SLUICE_DMA_MAP ? run_map(txn, op) :
						 run_unmap(txn, op, unmapped);
		if (ret)
			break;
		(*done)++;
		cond_resched();
	}
	return ret;
}

/**
 * sluice_legacy_vector - carry out operations that share a flush
 * @space: a legacy space with at least one group; the caller holds its lock for
 *	reading
 * @ops: operations, unchecked
 * @nr: how many
 * @done: set to how many were carried out
 * @unmapped: what was unmapped is added, in bytes
 *
 * Return: 0, or the error of the first operation that fails, as
 * &struct sluice_dma_op says; -ERESTART if the space is another one by now: its type, too.
 */
int sluice_legacy_vector(struct sluice_space *space,
			 const struct sluice_dma_op *ops, unsigned int nr,
			 unsigned int *done, u64 *unmapped)
{
	struct sluice_legacy_txn txn __uninitialized;
	struct sluice_range hull;
	struct sluice_hold hold;
	int ret, err;

	lockdep_assert_held(&space->lock);
	*done = 0;
	nr = check_ops(space, ops, nr, &hull, &err);
	if (!nr)
		return err;
	ret = sluice_space_hold(space, &hold, hull.start, hull.last);
	if (ret)
		return ret;
	sluice_legacy_txn_begin(&txn, space, nr > 1 || hull.last - hull.start >=
				SLUICE_LEGACY_FEW * PAGE_SIZE);
	ret = run_ops(&txn, ops, nr, done, unmapped) ?: err;
	err = sluice_legacy_txn_end(&txn);
	sluice_inflight_release(&space->inflight, &hold);
	return ret ?: err;
}
