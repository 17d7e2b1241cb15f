/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unmaps of a legacy space (TYPE1, TYPE1v2) that share a flush.
 */
#ifndef SLUICE_CORE_LEGACY_TXN_H
#define SLUICE_CORE_LEGACY_TXN_H

#include <linux/sluice.h>

#include "private.h"

/* Extents a transaction always has room for; it must work without memory. */
#define SLUICE_LEGACY_FEW 8

/**
 * struct sluice_legacy_txn - what has been unmapped, but not yet flushed
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
 * @pause: for maps in between
 * @few: where @extents points without memory
 */
struct sluice_legacy_txn {
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
	struct sluice_pause pause;
	struct sluice_extent few[SLUICE_LEGACY_FEW];
};

void sluice_legacy_txn_begin(struct sluice_legacy_txn *txn,
			     struct sluice_space *space, bool large);
void sluice_legacy_txn_flush(struct sluice_legacy_txn *txn);
int sluice_legacy_txn_end(struct sluice_legacy_txn *txn);
struct sluice_pause *sluice_legacy_txn_pause(struct sluice_legacy_txn *txn);
void sluice_legacy_txn_clear_paused(struct sluice_legacy_txn *txn,
				    struct sluice_mapping *mapping);
u64 sluice_legacy_txn_unmap(struct sluice_legacy_txn *txn,
			    struct sluice_mapping *mapping, u64 last);

/* legacy.c */
int sluice_legacy_map_held(struct sluice_legacy_txn *txn, u64 iova,
			   unsigned long vaddr, u64 size, unsigned int prot);

/* legacy_unmap.c */
int sluice_legacy_unmap_held(struct sluice_legacy_txn *txn, u64 start, u64 last,
			     u64 *unmapped);

/* legacy_vector.c */
int sluice_legacy_vector(struct sluice_space *space,
			 const struct sluice_dma_op *ops, unsigned int nr,
			 unsigned int *done, u64 *unmapped);

#endif /* SLUICE_CORE_LEGACY_TXN_H */
