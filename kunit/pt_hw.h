/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hardware that walks page tables, for the tests of core/pt: what an IOMMU
 * does, as its specification says, written without a look at the formats.
 *
 * It remembers what it has read, leaves and pointers to tables, until it is
 * told to forget. It may sit behind a cache that it doesn't snoop.
 */
#ifndef SLUICE_KUNIT_PT_HW_H
#define SLUICE_KUNIT_PT_HW_H

#include <kunit/test.h>
#include <sluice/pt.h>

#include "shadow.h"

/* Entries of either kind that are remembered. */
#define PT_HW_CACHE 64

/**
 * struct pt_hw_walk - what a translation met
 * @phys: where the access goes
 * @prot: rights of the page
 * @leaf: the entry that decided it
 * @lg2: log2 of the page's size
 * @steps: entries read
 */
struct pt_hw_walk {
	phys_addr_t phys;
	unsigned int prot;
	u64 leaf;
	unsigned int lg2;
	unsigned int steps;
};

/**
 * struct pt_hw_cached - something that hardware remembers
 * @iova: first IOVA it is for
 * @lg2: log2 of how many bytes; 0: unused
 * @entry: what stood in the table
 * @root: of the tree, when it was read
 */
struct pt_hw_cached {
	u64 iova;
	unsigned int lg2;
	u64 entry;
	phys_addr_t root;
};

/**
 * struct pt_hw - the hardware that walks one tree
 * @test: where it complains
 * @pt: the tree
 * @root: the root table it was told of
 * @levels: levels of that
 * @snoops: it sees what the CPU has in its cache
 * @racing: tables change while it walks
 * @shadow: without @snoops: what it sees
 * @leaf: leaves it remembers
 * @table: pointers to tables it remembers
 * @next_leaf: where the next leaf goes
 * @next_table: where the next table goes
 * @violations: what hardware would call an illegal entry
 */
struct pt_hw {
	struct kunit *test;
	struct pt *pt;
	phys_addr_t root;
	unsigned int levels;
	bool snoops;
	bool racing;
	struct shadow shadow;
	struct pt_hw_cached leaf[PT_HW_CACHE];
	struct pt_hw_cached table[PT_HW_CACHE];
	unsigned int next_leaf;
	unsigned int next_table;
	atomic_t violations;
};

void pt_hw_init(struct pt_hw *hw, struct kunit *test, struct pt *pt,
		bool snoops);
void pt_hw_deinit(struct pt_hw *hw);
void pt_hw_attach(struct pt_hw *hw, phys_addr_t root, unsigned int levels);

/* Return: 0 or -EFAULT; complains of entries that hardware would refuse. */
int pt_hw_translate(struct pt_hw *hw, u64 iova, struct pt_hw_walk *walk);

/* Reads as pt_hw_translate() and remembers what it has read. */
int pt_hw_access(struct pt_hw *hw, u64 iova, struct pt_hw_walk *walk);

/*
 * Forgets what a gather says, to the letter: a page, or a pointer to a table, only
 * if all that it is for is gathered.
 */
void pt_hw_invalidate(struct pt_hw *hw, const struct sluice_gather *gather);

/* The same; then, does it remember any page of @range? */
bool pt_hw_remembers(struct pt_hw *hw, const struct sluice_gather *gather,
		     const struct sluice_range *range);

/* Expects that what is remembered is still what the tables say. */
void pt_hw_check_cache(struct pt_hw *hw);

#endif /* SLUICE_KUNIT_PT_HW_H */
