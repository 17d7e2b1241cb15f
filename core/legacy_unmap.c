// SPDX-License-Identifier: GPL-2.0-only
/*
 * Legacy spaces (TYPE1, TYPE1v2): unmapping.
 *
 * Owns: UNMAP_DMA's rules about whole mappings. Does not own: what is cleared and
 * waits for its flush (legacy_txn.c), vectors (legacy_vector.c).
 */
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "legacy_txn.h"

#define FEW SLUICE_LEGACY_FEW

/* Unmaps every mapping from @mapping on that starts up to @last. */
static u64 unmap_from(struct sluice_space *space,
		      struct sluice_mapping *mapping, u64 last)
{
	struct sluice_legacy_txn txn __uninitialized;
	u64 unmapped;

	sluice_legacy_txn_begin(&txn, space, (last - mapping->start) >>
				PAGE_SHIFT > FEW);
	unmapped = sluice_legacy_txn_unmap(&txn, mapping, last);
	sluice_legacy_txn_end(&txn);
	return unmapped;
}

/*
 * Without a transaction: one mapping of few pages, one domain. Most requests of
 * drivers in user space are like that, and it would cost as much as the rest.
 */
static __always_inline void unmap_small(struct sluice_space *space, u64 start,
					u64 last,
					const struct sluice_taken *taken)
{
	struct sluice_domain *domain = sluice_space_first_domain(space);
	struct sluice_extent extents[FEW] __uninitialized;
	struct sluice_gather gather __uninitialized;
	struct sluice_range range = { start, last };
	size_t nr, i;

	sluice_gather_init(&gather);
	nr = domain->ops->unmap(domain, start, &range, extents, FEW, &gather);
	while (unlikely(!sluice_range_empty(&range)))
		nr += domain->ops->unmap(domain, start, &range, extents + nr,
					 FEW - nr, &gather);
	/* If it fails, nothing is unpinned any more. */
	if (!sluice_domain_flush(domain, &gather)) {
		for (i = 0; i < nr; i++)
			sluice_unpin_extent(&extents[i], taken->prot);
		sluice_unaccount(taken->mm, (last - start + 1) >> PAGE_SHIFT);
	}
	mmdrop(taken->mm);
}

static bool is_small(struct sluice_space *space, u64 start, u64 last)
{
	return last - start < FEW * PAGE_SIZE &&
	       list_is_singular(&space->domains) && !READ_ONCE(space->stuck);
}

/* TYPE1v2: the range, whose first mapping is @first, must not cut any. */
static int check_whole(struct sluice_space *space,
		       const struct sluice_mapping *first, u64 start, u64 last)
{
	if (first->start < start)
		return -EINVAL;
	if (first->last < last)
		first = sluice_mapping_find(space, last, last);
	return first && first->last > last ? -EINVAL : 0;
}

/* Any TYPE1v2 request; the caller holds the range. */
static noinline int unmap_held(struct sluice_space *space, u64 start, u64 last,
			       u64 *unmapped)
{
	struct sluice_mapping *first = sluice_mapping_find(space, start, last);
	int ret;

	if (!first)
		return 0;
	ret = check_whole(space, first, start, last);
	if (!ret)
		*unmapped = unmap_from(space, first, last);
	return ret;
}

static int unmap_v2(struct sluice_space *space, u64 start, u64 last,
		    u64 *unmapped)
{
	struct sluice_hold hold __uninitialized;
	struct sluice_taken taken;
	int ret;

	ret = sluice_space_hold(space, &hold, start, last);
	if (ret)
		return ret;
	if (is_small(space, start, last) &&
	    sluice_mapping_take(space, start, last, &taken)) {
		unmap_small(space, start, last, &taken);
		*unmapped = last - start + 1;
	} else {
		ret = unmap_held(space, start, last, unmapped);
	}
	sluice_inflight_release(&space->inflight, &hold);
	return ret;
}

/*
 * TYPE1: a request that begins inside a mapping unmaps nothing, and one that
 * covers a mapping's first IOVA takes the whole mapping. So the range to hold
 * may be larger than the range asked for, which is known only while it's held.
 */
static noinline int unmap_v1(struct sluice_space *space, u64 start, u64 last,
			     u64 *unmapped)
{
	struct sluice_mapping *mapping;
	struct sluice_hold hold;
	u64 held = last;
	int ret;

	for (;;) {
		ret = sluice_space_hold(space, &hold, start, held);
		if (ret)
			return ret;
		mapping = sluice_mapping_find(space, last, last);
		if (!mapping || mapping->last <= held)
			break;
		held = mapping->last;
		sluice_inflight_release(&space->inflight, &hold);
		if (fatal_signal_pending(current))
			return -EINTR;
	}

	mapping = sluice_mapping_find(space, start, last);
	if (mapping && mapping->start >= start)
		*unmapped = unmap_from(space, mapping, last);
	sluice_inflight_release(&space->inflight, &hold);
	return 0;
}

/**
 * sluice_legacy_unmap_held - UNMAP_DMA of a range within a transaction
 * @txn: the transaction
 * @start: first IOVA
 * @last: last IOVA, inclusive; the caller holds all mappings that begin in the range
 * @unmapped: set to the bytes that were unmapped
 *
 * Return: as sluice_legacy_unmap().
 */
int sluice_legacy_unmap_held(struct sluice_legacy_txn *txn, u64 start, u64 last,
			     u64 *unmapped)
{
	struct sluice_space *space = txn->space;
	struct sluice_mapping *first = sluice_mapping_find(space, start, last);
	int ret = 0;

	*unmapped = 0;
	if (!first)
		return 0;
	if (space->type != SLUICE_SPACE_TYPE1)
		ret = check_whole(space, first, start, last);
	else if (first->start < start)
		return 0;
	if (!ret)
		*unmapped = sluice_legacy_txn_unmap(txn, first, last);
	return ret;
}

/**
 * sluice_legacy_unmap - UNMAP_DMA of a range
 * @space: a space with at least one group; the caller holds its lock for
 *	reading
 * @start: first IOVA
 * @last: last IOVA, inclusive
 * @unmapped: set to the bytes that were unmapped
 *
 * Return: 0; -EINVAL if a TYPE1v2 space has a mapping that reaches beyond the
 * range; -EINTR if killed while waiting; -ERESTART if the space is another one by now.
 * Nothing is unmapped then.
 */
int sluice_legacy_unmap(struct sluice_space *space, u64 start, u64 last,
			u64 *unmapped)
{
	lockdep_assert_held(&space->lock);

	*unmapped = 0;
	if (space->type == SLUICE_SPACE_TYPE1)
		return unmap_v1(space, start, last, unmapped);
	return unmap_v2(space, start, last, unmapped);
}

/**
 * sluice_legacy_clear - unmap everything
 * @space: the space, before its last domain goes
 *
 * Context: the caller holds the space's lock for writing: nothing is in flight but maps that
 * wait for memory to be pinned: their records stay theirs.
 */
void sluice_legacy_clear(struct sluice_space *space)
{
	struct sluice_legacy_txn txn __uninitialized;
	struct sluice_mapping *mapping, *next;

	lockdep_assert_held_write(&space->lock);
	if (list_empty(&space->sorted))
		return;
	sluice_legacy_txn_begin(&txn, space, true);
	list_for_each_entry_safe(mapping, next, &space->sorted, link) {
		if (mapping->paused)
			sluice_legacy_txn_clear_paused(&txn, mapping);
		else
			sluice_legacy_txn_unmap(&txn, mapping, mapping->start);
	}
	sluice_legacy_txn_end(&txn);
}
