// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA_BATCH: vectors of maps and unmaps.
 *
 * Owns: what user space passes, in chunks; which ranges a chunk holds; the order of
 * operations and what is told of the first that fails. Does not own: operations
 * (op.c), vectors in containers of the types TYPE1 and TYPE1v2 (legacy_vector.c), and
 * all-or-nothing (atomic.c).
 */
#include <linux/align.h>
#include <linux/overflow.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "legacy_txn.h"
#include "op.h"

/* Operations that need no memory beside the stack. */
#define FEW_OPS 4
/* Ranges that a chunk holds at most: more are held as hulls. */
#define MAX_HOLDS 8
/* Operations so close to each other are held as one range. */
#define HOLD_GAP SZ_1M

static_assert(sizeof(struct sluice_dma_batch) == 32);

/**
 * struct chunk - operations that are carried out together
 * @ops: the user's, copied
 * @nr: how many
 * @done: how many were carried out; which one failed if @atomic
 * @atomic: all or none
 * @alike: all are the first one with other addresses: on a page each, aligned, the
 *	same operation with the same flags and handle
 * @unmapped: bytes unmapped
 */
struct chunk {
	struct sluice_dma_op *ops;
	unsigned int nr;
	unsigned int done;
	bool atomic;
	bool alike;
	u64 unmapped;
};

/* ---- The ranges that a chunk holds ---- */

/**
 * struct holds - what a chunk holds
 * @v: disjoint or not; all held by one chunk
 * @nr: used entries of @v
 */
struct holds {
	struct sluice_hold v[MAX_HOLDS];
	unsigned int nr;
};

static noinline void widen(struct sluice_hold *hold,
			   const struct sluice_range *range)
{
	hold->node.start = min_t(u64, hold->node.start, range->start);
	hold->node.last = max_t(u64, hold->node.last, range->last);
}

/* Is the range near enough to be held along? */
static bool near(const struct sluice_hold *hold,
		 const struct sluice_range *range)
{
	u64 start = hold->node.start, last = hold->node.last;

	start -= min(start, HOLD_GAP);
	last += min(U64_MAX - last, HOLD_GAP);
	return range->start <= last && range->last >= start;
}

/*
 * Not each range by itself: vectors are mostly of neighbours, and for each range a
 * chunk would need memory and time. Too much may be held, never too little.
 */
static noinline void holds_join(struct holds *holds,
				const struct sluice_range *range)
{
	unsigned int nr = holds->nr;

	if (nr && (nr == MAX_HOLDS || near(&holds->v[nr - 1], range))) {
		widen(&holds->v[nr - 1], range);
		return;
	}
	holds->v[nr].node.start = range->start;
	holds->v[nr].node.last = range->last;
	holds->nr++;
}

static inline void holds_add(struct holds *holds,
			     const struct sluice_range *range)
{
	struct sluice_hold *last;

	if (likely(holds->nr)) {
		last = &holds->v[holds->nr - 1];
		/* The next one above, most of the time. */
		if (likely(range->start > last->node.last &&
			   range->start - last->node.last <= HOLD_GAP)) {
			last->node.last = range->last;
			return;
		}
	}
	holds_join(holds, range);
}

/* Holds what pages are about. */
static void holds_add_pages(struct holds *holds,
			    const struct sluice_dma_op *op,
			    const struct sluice_dma_op *end)
{
	struct sluice_hold *hold = &holds->v[0];
	u64 last;

	hold->node.start = op->iova;
	last = op->iova | (PAGE_SIZE - 1);
	holds->nr = 1;
	while (++op < end) {
		u64 iova = op->iova;

		/* The next one above, most of the time. */
		if (likely(iova > last && iova - last <= HOLD_GAP)) {
			last = iova | (PAGE_SIZE - 1);
			continue;
		}
		hold->node.last = last;
		holds_join(holds, &(struct sluice_range){
				   iova, iova | (PAGE_SIZE - 1) });
		hold = &holds->v[holds->nr - 1];
		last = hold->node.last;
	}
	hold->node.last = last;
}

/* Is all that is held within one window? */
static bool holds_in_window(struct sluice_unified *uni,
			    const struct holds *holds)
{
	const struct sluice_window *window;
	unsigned int i;

	window = sluice_window_find(uni, holds->v[0].node.start);
	for (i = 0; window && i < holds->nr; i++) {
		if (holds->v[i].node.start < window->start ||
		    holds->v[i].node.last > window->last)
			return false;
	}
	return window;
}

/* ---- Chunks ---- */

/*
 * Carries out operations up to @end one by one, all of them checked. @alike: so are
 * they, and within a window.
 */
static int run_ops(struct sluice_txn *txn, struct chunk *chunk,
		   unsigned int end, bool alike)
{
	int ret = 0;

	while (!ret && chunk->done < end) {
		const struct sluice_dma_op *ops = &chunk->ops[chunk->done];
		unsigned int n;

		if (fatal_signal_pending(current))
			return -EINTR;
		n = sluice_vector_run(txn, ops, end - chunk->done, alike);
		if (unlikely(txn->changed))
			return -ERESTART;
		if (!n) {
			ret = sluice_op_run(txn, ops);
			n = !ret;
		}
		chunk->done += n;
		cond_resched();
	}
	return ret;
}

static int run_atomic(struct sluice_txn *txn, struct chunk *chunk)
{
	unsigned int at;
	int ret;

	ret = sluice_atomic_run(txn, chunk->ops, chunk->nr, &at);
	chunk->done = ret ? at : chunk->nr;
	return ret;
}

/* The same for operations that are alike. */
static int check_alike(const struct chunk *chunk, unsigned int start,
		       unsigned int *end, struct holds *holds, bool *large)
{
	const struct sluice_dma_op *op = &chunk->ops[start];
	struct sluice_range range;
	int err = sluice_op_check(op, &range);

	*end = err ? start : chunk->nr;
	*large = chunk->nr - start > 1;
	if (!err)
		holds_add_pages(holds, op, &chunk->ops[chunk->nr]);
	return err;
}

/*
 * Looks at the operations from @start on, and what they hold. Sets *@end to the first
 * that isn't valid, and returns its error; *@large if much may be unmapped.
 */
static int check_ops(const struct chunk *chunk, unsigned int start,
		     unsigned int *end, struct holds *holds, bool *large)
{
	const struct sluice_dma_op *prev = NULL, *op = &chunk->ops[start];
	const struct sluice_dma_op *last = &chunk->ops[chunk->nr];
	struct sluice_range range __uninitialized;
	u64 bytes = 0;
	int err = 0;

	if (chunk->alike)
		return check_alike(chunk, start, end, holds, large);
	holds->nr = 0;
	for (; op < last; op++) {
		if (prev && likely(sluice_op_like(op, prev))) {
			range.start = op->iova;
			range.last = op->iova | (PAGE_SIZE - 1);
			holds_add(holds, &range);
			continue;
		}
		err = sluice_op_check(op, &range);
		if (unlikely(err))
			break;
		holds_add(holds, &range);
		bytes |= range.last - range.start;
		prev = op->size == PAGE_SIZE ? op : NULL;
	}
	*end = op - chunk->ops;
	*large = *end - start > 1 || bytes >= SLUICE_TXN_FEW * PAGE_SIZE;
	return err;
}

/*
 * Carries out operations from @done on, or all of them; returns the error of the
 * first that fails.
 */
static int run_unified(struct sluice_space *space, struct chunk *chunk)
{
	unsigned int start = chunk->atomic ? 0 : chunk->done, end;
	struct holds holds __uninitialized;
	struct sluice_txn txn __uninitialized;
	bool large;
	int ret, err;

	if (chunk->atomic)
		chunk->done = 0;
	err = check_ops(chunk, start, &end, &holds, &large);
	if (err && chunk->atomic)
		chunk->done = end;
	if (end == start || (err && chunk->atomic))
		return err;
	ret = sluice_space_hold_all(space, holds.v, holds.nr);
	if (ret)
		return ret;
	ret = sluice_txn_begin(&txn, space, large);
	if (ret)
		goto release;
	if (chunk->atomic)
		ret = run_atomic(&txn, chunk);
	else
		ret = run_ops(&txn, chunk, end, chunk->alike &&
			      holds_in_window(space->uni, &holds));
	ret = ret ?: err;
	/* Nobody may use a range before it is flushed. */
	err = sluice_txn_end(&txn);
	chunk->unmapped += txn.unmapped;
	ret = ret ?: err;
release:
	sluice_inflight_release_all(&space->inflight, holds.v, holds.nr);
	return ret;
}

static int run_legacy(struct sluice_space *space, struct chunk *chunk)
{
	unsigned int done;
	int ret;

	ret = sluice_legacy_vector(space, chunk->ops + chunk->done,
				   chunk->nr - chunk->done, &done,
				   &chunk->unmapped);
	chunk->done += done;
	return ret;
}

static int run_once(struct sluice_space *space, struct chunk *chunk,
		    bool *reclaim)
{
	int ret;

	ret = sluice_space_lock(space);
	if (ret)
		return ret;
	if (space->type == SLUICE_SPACE_UNIFIED)
		ret = run_unified(space, chunk);
	else if (space->spapr)
		ret = -ENOTTY;
	else if (chunk->atomic)
		ret = -EOPNOTSUPP;
	else
		ret = run_legacy(space, chunk);
	*reclaim = ret == -ENOMEM || sluice_space_reclaim_due(space);
	up_read(&space->lock);
	return ret;
}

/* Carries out a chunk; an operation that fails for lack of memory has two tries. */
static int run_chunk(struct sluice_space *space, struct chunk *chunk)
{
	unsigned int tried = UINT_MAX;

	for (;;) {
		bool reclaim = false, freed;
		int ret = run_once(space, chunk, &reclaim);

		if (sluice_space_again(&ret))
			continue;
		if (!reclaim)
			return ret;
		freed = sluice_space_reclaim(space);
		if (ret != -ENOMEM || !freed || tried == chunk->done)
			return ret;
		tried = chunk->done;
	}
}

/*
 * Copies operations from user space. Not by copy_from_user(): for so little at a time
 * the CPU's string instructions have a price, and all at once they take bytes. And
 * while the words are at hand, it is cheap to see whether operations are alike.
 */
static int copy_ops(struct chunk *chunk,
		    const struct sluice_dma_op __user *user)
{
	const u64 __user *from = (const u64 __user *)user;
	u64 *word = (u64 *)chunk->ops, *end = (u64 *)(chunk->ops + chunk->nr);
	u64 head = 0, size = PAGE_SIZE, tail = 0, differ = 0, addrs = 0;
	u64 a, b, c, d, e;

	if (!user_read_access_begin(from, chunk->nr * sizeof(*user)))
		return -EFAULT;
	if (word < end) {
		unsafe_get_user(head, &from[0], fault);
		unsafe_get_user(tail, &from[4], fault);
	}
	for (; word < end; word += SLUICE_OP_WORDS, from += SLUICE_OP_WORDS) {
		unsafe_get_user(a, &from[0], fault);
		unsafe_get_user(b, &from[1], fault);
		unsafe_get_user(c, &from[2], fault);
		unsafe_get_user(d, &from[3], fault);
		unsafe_get_user(e, &from[4], fault);
		word[0] = a;
		word[1] = b;
		word[2] = c;
		word[3] = d;
		word[4] = e;
		differ |= (a ^ head) | (c ^ size) | (e ^ tail);
		differ |= b & (PAGE_SIZE - 1);
		addrs |= d;
	}
	user_read_access_end();
	differ |= addrs & (PAGE_SIZE - 1);
	/* An unmap has no address. */
	chunk->alike = chunk->nr && !differ &&
		       (chunk->ops[0].op == SLUICE_DMA_MAP || !addrs);
	return 0;

fault:
	user_read_access_end();
	return -EFAULT;
}

static int run_batch(struct sluice_space *space, struct sluice_dma_batch *batch)
{
	struct sluice_dma_op __user *user = u64_to_user_ptr(batch->ops);
	struct sluice_dma_op few[FEW_OPS] __uninitialized;
	bool atomic = batch->flags & SLUICE_BATCH_ATOMIC;
	struct chunk chunk = { .ops = few, .atomic = atomic };
	unsigned int max = FEW_OPS;
	int ret = 0;

	if (batch->nr_ops > FEW_OPS) {
		max = atomic ? batch->nr_ops :
			       min(batch->nr_ops, SLUICE_BATCH_CHUNK);
		chunk.ops = kvmalloc_array(max, sizeof(*chunk.ops),
					   GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
		if (!chunk.ops)
			return -ENOMEM;
	}
	/* At least once, for what run_once() says of the container. */
	do {
		chunk.nr = min(batch->nr_ops - batch->nr_done, max);
		chunk.done = 0;
		ret = copy_ops(&chunk, user + batch->nr_done) ?:
		      run_chunk(space, &chunk);
		batch->nr_done += chunk.done;
	} while (!ret && batch->nr_done < batch->nr_ops);
	batch->unmapped = chunk.unmapped;
	if (chunk.ops != few)
		kvfree(chunk.ops);
	return ret;
}

/**
 * sluice_dma_batch - SLUICE_DMA_BATCH
 * @space: the container's space
 * @arg: the user's &struct sluice_dma_batch
 *
 * Return: as the ioctl.
 */
long sluice_dma_batch(struct sluice_space *space, void __user *arg)
{
	struct sluice_dma_batch batch;
	int ret;

	if (copy_from_user(&batch, arg, sizeof(batch)))
		return -EFAULT;
	if (batch.argsz < sizeof(batch) || batch.flags & ~SLUICE_BATCH_ATOMIC)
		return -EINVAL;
	if (batch.flags & SLUICE_BATCH_ATOMIC &&
	    batch.nr_ops > SLUICE_BATCH_ATOMIC_MAX)
		return -E2BIG;
	batch.nr_done = 0;
	batch.unmapped = 0;
	ret = run_batch(space, &batch);
	if (copy_to_user(arg, &batch, sizeof(batch)))
		return -EFAULT;
	return ret;
}
