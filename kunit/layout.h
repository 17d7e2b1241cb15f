/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory of any layout, which isn't there: how it is pinned, in which extents a backend
 * gets it, and which these should be.
 */
#ifndef SLUICE_KUNIT_LAYOUT_H
#define SLUICE_KUNIT_LAYOUT_H

#include <linux/prandom.h>

#include "core/private.h"
#include "fake_backend.h"

/* A user address at which this memory pretends to be. */
#define LAYOUT_VADDR 0x100000000UL

/* Each run has this many page frames to itself, so that no two are adjacent. */
#define LAYOUT_SLOT BIT(20)
#define LAYOUT_RUNS 256

/* Extents that are noted. */
#define LAYOUT_NOTES 16384

/**
 * struct layout_run - pages that are contiguous
 * @first: the first one's number
 * @pfn: where it is
 */
struct layout_run {
	unsigned long first;
	unsigned long pfn;
};

/**
 * struct layout_note - an extent that a domain was given
 * @domain: the domain
 * @extent: the extent, with the rights it was mapped with
 */
struct layout_note {
	const struct sluice_domain *domain;
	struct sluice_extent extent;
};

/**
 * struct layout - memory
 * @test: the test
 * @hw: tells of what is mapped
 * @rnd: repeats from run to run
 * @iova: where the memory will be mapped: runs are aligned with regard to it
 * @npages: how much there is
 * @runs: the memory, and one more whose @first is @npages
 * @nr_runs: how many, without that one
 * @pinned: bit by page
 * @nr_pinned: bits that are set
 * @pins: calls of sluice_pin()
 * @short_pins: pinning may get fewer pages than were asked for
 * @hole: number of a page that can't be pinned, or ULONG_MAX
 * @kill_at: the call of sluice_pin() during which the thread is killed; 0: none
 * @notes: extents that backends were given
 * @nr_notes: how many
 */
struct layout {
	struct kunit *test;
	struct fake_hw *hw;
	struct rnd_state rnd;
	u64 iova;
	unsigned long npages;
	struct layout_run runs[LAYOUT_RUNS + 1];
	unsigned int nr_runs;
	unsigned long *pinned;
	unsigned long nr_pinned;
	unsigned int pins;
	bool short_pins;
	unsigned long hole;
	unsigned int kill_at;
	struct layout_note *notes;
	size_t nr_notes;
};

struct layout *layout_create(struct kunit *test, struct fake_hw *hw,
			     unsigned long max_pages);

/* One run after the other, for the map at an IOVA. */
void layout_begin(struct layout *l, u64 iova);
void layout_add(struct layout *l, unsigned long npages,
		unsigned int aligned_lg2);
void layout_mix(struct layout *l, u64 iova, unsigned long npages);

void layout_be_killed(void);
void layout_survive(void);

void layout_expect_best(struct layout *l, const struct sluice_domain *domain,
			u64 iova, unsigned long first, unsigned long npages);
#endif /* SLUICE_KUNIT_LAYOUT_H */
