// SPDX-License-Identifier: GPL-2.0-only
/*
 * Legacy spaces (TYPE1, TYPE1v2): unmaps that share a flush.
 *
 * Owns: mappings that have been cleared and wait for their flush. Nothing is
 * unpinned before the flush that covers it; one flush serves as many mappings as
 * there is room for. Does not own: which mappings are unmapped (legacy_unmap.c).
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "legacy_txn.h"

/* Extents that a transaction has room for if there is memory. */
#define MANY 512

/**
 * sluice_legacy_txn_begin - begin a transaction
 * @txn: the transaction
 * @space: a legacy space with a domain; the caller holds its lock until
 *	sluice_legacy_txn_end(), but for pauses, and the ranges of what it unmaps
 * @large: room for much is worth its price
 */
void sluice_legacy_txn_begin(struct sluice_legacy_txn *txn,
			     struct sluice_space *space, bool large)
{
	txn->space = space;
	txn->domain = sluice_space_first_domain(space);
	sluice_gather_init(&txn->gather);
	txn->nr = 0;
	txn->done = NULL;
	txn->tail = &txn->done;
	txn->partial = NULL;
	txn->stuck = sluice_space_dead(space);
	txn->extents = NULL;
	if (large)
		txn->extents = kmalloc_array(MANY, sizeof(*txn->extents),
					     GFP_KERNEL | __GFP_NOWARN |
					     __GFP_NORETRY);
	txn->max = txn->extents ? MANY : SLUICE_LEGACY_FEW;
	txn->extents = txn->extents ?: txn->few;
}

static const struct sluice_extent *unpin(struct sluice_legacy_txn *txn,
					 struct sluice_mapping *mapping,
					 const struct sluice_extent *extent)
{
	for (; mapping->nr_extents; mapping->nr_extents--, extent++) {
		if (!txn->stuck)
			sluice_unpin_extent(extent, mapping->prot);
	}
	return extent;
}

/**
 * sluice_legacy_txn_flush - wait until nothing that was unmapped can be reached
 * @txn: the transaction
 *
 * Then lets go of the memory behind it.
 */
void sluice_legacy_txn_flush(struct sluice_legacy_txn *txn)
{
	const struct sluice_extent *extent = txn->extents;
	struct sluice_mapping *mapping;
	unsigned long npages = 0;

	if ((txn->gather.nr || txn->gather.nonleaf) &&
	    sluice_domain_flush(txn->domain, &txn->gather))
		txn->stuck = true;

	while ((mapping = txn->done)) {
		txn->done = mapping->next;
		extent = unpin(txn, mapping, extent);
		npages += (mapping->last - mapping->start + 1) >> PAGE_SHIFT;
		/* Once for all that one process was charged for. */
		if (!txn->done || txn->done->mm != mapping->mm) {
			if (!txn->stuck)
				sluice_unaccount(mapping->mm, npages);
			npages = 0;
		}
		sluice_mapping_free(mapping);
	}
	txn->tail = &txn->done;
	if (txn->partial)
		unpin(txn, txn->partial, extent);
	txn->nr = 0;
	sluice_gather_init(&txn->gather);
}

/**
 * sluice_legacy_txn_end - end a transaction: flush, and free what it took
 * @txn: the transaction
 *
 * Return: 0; -EIO if an IOMMU doesn't answer; then the memory stays pinned.
 */
int sluice_legacy_txn_end(struct sluice_legacy_txn *txn)
{
	sluice_legacy_txn_flush(txn);
	if (txn->extents != txn->few)
		kfree(txn->extents);
	return txn->stuck ? -EIO : 0;
}

/* Whoever locks the space for writing does so on behalf of its user. */
static void settle(struct sluice_pause *pause)
{
	sluice_legacy_txn_flush(container_of(pause, struct sluice_legacy_txn,
					     pause));
}

/**
 * sluice_legacy_txn_pause - prepare to let go of the space
 * @txn: the transaction; nothing is in the middle of being unmapped
 *
 * Return: for sluice_space_pause(). If the space is another one afterwards, nothing may be
 * done but sluice_legacy_txn_end().
 */
struct sluice_pause *sluice_legacy_txn_pause(struct sluice_legacy_txn *txn)
{
	txn->pause.settle = txn->done || txn->gather.nr || txn->gather.nonleaf ?
				    settle : NULL;
	return &txn->pause;
}

/* Clears a mapping up to @last in every domain. */
static void clear(struct sluice_legacy_txn *txn, struct sluice_mapping *mapping,
		  u64 last)
{
	struct sluice_range range = { .start = mapping->start, .last = last };
	struct sluice_domain *domain = txn->domain;

	list_for_each_entry_continue(domain, &txn->space->domains, node) {
		if (sluice_domain_clear(domain, mapping->start, last))
			txn->stuck = true;
	}

	txn->partial = mapping;
	while (!sluice_range_empty(&range)) {
		size_t nr;

		if (txn->nr == txn->max)
			sluice_legacy_txn_flush(txn);
		nr = txn->domain->ops->unmap(txn->domain, mapping->start,
					     &range, txn->extents + txn->nr,
					     txn->max - txn->nr, &txn->gather);
		txn->nr += nr;
		mapping->nr_extents += nr;
		cond_resched();
	}
	txn->partial = NULL;
}

/**
 * sluice_legacy_txn_clear_paused - unmap what there is of a map that has let go
 * @txn: the transaction
 * @mapping: its record, which leaves the space, and is the map's to free
 *
 * Context: the space's lock is held for writing, and its last group about to leave.
 */
void sluice_legacy_txn_clear_paused(struct sluice_legacy_txn *txn,
				    struct sluice_mapping *mapping)
{
	sluice_mapping_erase(txn->space, mapping);
	clear(txn, mapping, mapping->last);
	txn->partial = mapping;
	sluice_legacy_txn_flush(txn);
	txn->partial = NULL;
	/* All of it is charged from the start. */
	if (!txn->stuck)
		sluice_unaccount(mapping->mm, (mapping->last - mapping->start +
					       1) >> PAGE_SHIFT);
}

/* Unmaps a whole mapping; the transaction frees it. */
static void unmap_one(struct sluice_legacy_txn *txn,
		      struct sluice_mapping *mapping)
{
	sluice_mapping_erase(txn->space, mapping);
	if (mapping->mmio) {
		sluice_mmio_unmap(mapping->mmio);
		sluice_mapping_free(mapping);
		return;
	}
	clear(txn, mapping, mapping->last);
	mapping->next = NULL;
	*txn->tail = mapping;
	txn->tail = &mapping->next;
}

/**
 * sluice_legacy_txn_unmap - unmap every mapping that starts in a range
 * @txn: the transaction
 * @mapping: the first one
 * @last: the range's last IOVA, inclusive
 *
 * Return: bytes unmapped.
 */
u64 sluice_legacy_txn_unmap(struct sluice_legacy_txn *txn,
			    struct sluice_mapping *mapping, u64 last)
{
	struct sluice_range range = { .start = mapping->start, .last = last };
	u64 unmapped = 0;

	while (mapping) {
		unmapped += mapping->last - mapping->start + 1;
		sluice_range_consume(&range, mapping->last);
		unmap_one(txn, mapping);
		mapping = NULL;
		if (!sluice_range_empty(&range))
			mapping = sluice_mapping_find(txn->space, range.start,
						      range.last);
	}
	return unmapped;
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
	struct sluice_legacy_txn txn __uninitialized;

	sluice_legacy_txn_begin(&txn, space,
				bytes >> PAGE_SHIFT > SLUICE_LEGACY_FEW);
	clear(&txn, mapping, mapping->start + (bytes - 1));
	txn.partial = mapping;
	sluice_legacy_txn_end(&txn);
}
