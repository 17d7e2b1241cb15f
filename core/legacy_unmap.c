// SPDX-License-Identifier: GPL-2.0-only
/*
 * Legacy spaces (TYPE1, TYPE1v2): unmapping.
 *
 * Owns: UNMAP_DMA's rules about whole mappings, and the batch in which cleared
 * extents wait for their flush. Nothing is unpinned before the flush that
 * covers it; one flush serves as many mappings as the batch has room for.
 */
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "private.h"

/* Extents a batch always has room for; it must work without memory. */
#define FEW 8
/* Extents a batch has room for if there is memory. */
#define MANY 512

/**
 * struct batch - what has been unmapped, but not yet flushed
 * @space: the space
 * @domain: the space's first domain: it says what was mapped
 * @gather: what @domain must invalidate
 * @extents: cleared extents, in the order of @done, then @partial's
 * @nr: used entries of @extents
 * @max: room in @extents
 * @done: mappings that are unmapped as a whole, linked by their next
 * @tail: where the next one is linked
 * @partial: the mapping that is being unmapped, or NULL
 * @stuck: a flush failed: unpin nothing any more
 * @few: where @extents points without memory
 */
struct batch {
	struct sluice_space *space;
	struct sluice_domain *domain;
	struct sluice_gather gather;
	struct sluice_extent *extents;
	size_t nr;
	size_t max;
	struct sluice_mapping *done;
	struct sluice_mapping **tail;
	struct sluice_mapping *partial;
	bool stuck;
	struct sluice_extent few[FEW];
};

static void batch_init(struct batch *b, struct sluice_space *space, u64 bytes)
{
	b->space = space;
	b->domain = sluice_space_first_domain(space);
	sluice_gather_init(&b->gather);
	b->nr = 0;
	b->done = NULL;
	b->tail = &b->done;
	b->partial = NULL;
	b->stuck = sluice_space_dead(space);
	b->extents = NULL;
	if (bytes >> PAGE_SHIFT > FEW)
		b->extents = kmalloc_array(MANY, sizeof(*b->extents),
					   GFP_KERNEL | __GFP_NOWARN |
					   __GFP_NORETRY);
	b->max = b->extents ? MANY : FEW;
	b->extents = b->extents ?: b->few;
}

static const struct sluice_extent *unpin(struct batch *b,
					 struct sluice_mapping *mapping,
					 const struct sluice_extent *extent)
{
	for (; mapping->nr_extents; mapping->nr_extents--, extent++) {
		if (!b->stuck)
			sluice_unpin_extent(extent, mapping->prot);
	}
	return extent;
}

/* Flushes what has been cleared, then lets go of the memory behind it. */
static void batch_commit(struct batch *b)
{
	const struct sluice_extent *extent = b->extents;
	struct sluice_mapping *mapping;
	unsigned long npages = 0;

	if (b->nr && sluice_domain_flush(b->domain, &b->gather))
		b->stuck = true;

	while ((mapping = b->done)) {
		b->done = mapping->next;
		extent = unpin(b, mapping, extent);
		npages += (mapping->last - mapping->start + 1) >> PAGE_SHIFT;
		/* Once for all that one process was charged for. */
		if (!b->done || b->done->mm != mapping->mm) {
			if (!b->stuck)
				sluice_unaccount(mapping->mm, npages);
			npages = 0;
		}
		sluice_mapping_free(mapping);
	}
	b->tail = &b->done;
	if (b->partial)
		unpin(b, b->partial, extent);
	b->nr = 0;
}

static void batch_deinit(struct batch *b)
{
	batch_commit(b);
	if (b->extents != b->few)
		kfree(b->extents);
}

/* Clears a mapping up to @last in every domain. */
static void batch_clear(struct batch *b, struct sluice_mapping *mapping,
			u64 last)
{
	struct sluice_range range = { .start = mapping->start, .last = last };
	struct sluice_domain *domain = b->domain;

	list_for_each_entry_continue(domain, &b->space->domains, node) {
		if (sluice_domain_clear(domain, mapping->start, last))
			b->stuck = true;
	}

	b->partial = mapping;
	while (!sluice_range_empty(&range)) {
		size_t nr;

		if (b->nr == b->max) {
			batch_commit(b);
			sluice_gather_init(&b->gather);
		}
		nr = b->domain->ops->unmap(b->domain, mapping->start, &range,
					   b->extents + b->nr, b->max - b->nr,
					   &b->gather);
		b->nr += nr;
		mapping->nr_extents += nr;
		cond_resched();
	}
	b->partial = NULL;
}

/* Unmaps a whole mapping; the batch frees it. */
static void batch_unmap(struct batch *b, struct sluice_mapping *mapping)
{
	sluice_mapping_erase(b->space, mapping);
	if (mapping->mmio) {
		sluice_mmio_unmap(mapping->mmio);
		sluice_mapping_free(mapping);
		return;
	}
	batch_clear(b, mapping, mapping->last);
	mapping->next = NULL;
	*b->tail = mapping;
	b->tail = &mapping->next;
}

/* Unmaps every mapping from @mapping on that starts up to @last. */
static u64 unmap_from(struct sluice_space *space,
		      struct sluice_mapping *mapping, u64 last)
{
	struct sluice_range range = { .start = mapping->start, .last = last };
	struct batch b __uninitialized;
	u64 unmapped = 0;

	batch_init(&b, space, last - mapping->start);
	while (mapping) {
		unmapped += mapping->last - mapping->start + 1;
		sluice_range_consume(&range, mapping->last);
		batch_unmap(&b, mapping);
		mapping = NULL;
		if (!sluice_range_empty(&range))
			mapping = sluice_mapping_find(space, range.start,
						      range.last);
	}
	batch_deinit(&b);
	return unmapped;
}

/*
 * Without a batch: one mapping of few pages, one domain. Most requests of drivers
 * in user space are like that, and a batch would cost as much as the rest.
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
	       list_is_singular(&space->domains);
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

	ret = sluice_inflight_hold(&space->inflight, &hold, start, last);
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
		ret = sluice_inflight_hold(&space->inflight, &hold, start,
					   held);
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
 * sluice_legacy_unmap - UNMAP_DMA of a range
 * @space: a space with at least one group; the caller holds its lock for
 *	reading
 * @start: first IOVA
 * @last: last IOVA, inclusive
 * @unmapped: set to the bytes that were unmapped
 *
 * Return: 0; -EINVAL if a TYPE1v2 space has a mapping that reaches beyond the
 * range; -EINTR if killed while waiting. Nothing is unmapped then.
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
 * Context: the caller holds the space's lock for writing: nothing is in flight.
 */
void sluice_legacy_clear(struct sluice_space *space)
{
	struct sluice_mapping *first;

	lockdep_assert_held_write(&space->lock);
	first = sluice_mapping_find(space, 0, U64_MAX);
	if (first)
		unmap_from(space, first, U64_MAX);
}

/**
 * sluice_legacy_unwind - undo the beginning of a map that failed
 * @space: the space
 * @mapping: its record; stays
 * @bytes: how much is mapped, at least a page
 *
 * Context: the range is held. Memory is unpinned, not unaccounted.
 */
void sluice_legacy_unwind(struct sluice_space *space,
			  struct sluice_mapping *mapping, u64 bytes)
{
	struct batch b __uninitialized;

	batch_init(&b, space, bytes);
	batch_clear(&b, mapping, mapping->start + (bytes - 1));
	b.partial = mapping;
	batch_deinit(&b);
}
