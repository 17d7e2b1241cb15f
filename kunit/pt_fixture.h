/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The page-table suites' fixture: the configurations they run for, a tree under
 * test with hardware that walks it, and a brute-force model of what is mapped.
 */
#ifndef SLUICE_KUNIT_PT_FIXTURE_H
#define SLUICE_KUNIT_PT_FIXTURE_H

#include <kunit/test.h>
#include <linux/prandom.h>
#include <sluice/pt.h>

#include "pt_hw.h"

/**
 * struct pt_case - a configuration
 * @name: for the test's name
 * @fmt: the format
 * @levels: see &struct pt_config
 * @max_levels: see &struct pt_config
 * @pgsizes: see &struct pt_config
 * @snoop: see &struct pt_config
 * @incoherent: the hardware doesn't see what the CPU has in its cache
 */
struct pt_case {
	const char *name;
	const struct pt_format *fmt;
	unsigned int levels;
	unsigned int max_levels;
	u64 pgsizes;
	bool snoop;
	bool incoherent;
};

extern const struct pt_case pt_cases[];
const void *pt_case_gen(const void *prev, char *desc);

/*
 * The model covers three windows: at 0, in the middle, where tables of all levels
 * meet, and at the top. A window is three tables' worth of the smallest pages.
 */
#define PT_WINDOWS	3U
#define PT_WINDOW_PAGES	1536U
#define PT_PAGES	(PT_WINDOWS * PT_WINDOW_PAGES)

/* Physical addresses: far apart, and as aligned as the largest page. */
#define PT_PHYS(n)	((u64)(n) << 42)

/**
 * struct pt_test - a tree under test
 * @test: the test
 * @kase: its configuration
 * @pt: the tree
 * @hw: hardware that walks it
 * @gather: what is to be flushed
 * @granule: bytes of a page
 * @granule_lg2: log2 of that
 * @base: by window: IOVA of its first page
 * @phys: by page: where it should be
 * @prot: by page: &enum sluice_prot; 0: nothing mapped
 * @rnd: repeats from run to run
 * @fail_grow: what the hardware says when the root grows
 */
struct pt_test {
	struct kunit *test;
	const struct pt_case *kase;
	struct pt pt;
	struct pt_hw hw;
	struct sluice_gather gather;
	u64 granule;
	unsigned int granule_lg2;
	u64 base[PT_WINDOWS];
	u64 phys[PT_PAGES];
	u8 prot[PT_PAGES];
	struct rnd_state rnd;
	int fail_grow;
};

/* A suite's init and exit: a &struct pt_test per case, in test->priv. */
int pt_case_init(struct kunit *test);
void pt_case_exit(struct kunit *test);

static inline u64 pt_iova(const struct pt_test *t, unsigned int page)
{
	return t->base[page / PT_WINDOW_PAGES] +
	       ((u64)(page % PT_WINDOW_PAGES) << t->granule_lg2);
}

/* Ranges of pages never leave their window. */
static inline struct sluice_range pt_range(const struct pt_test *t,
					   unsigned int first, unsigned int n)
{
	return (struct sluice_range){
		.start = pt_iova(t, first),
		.last = pt_iova(t, first) + (((u64)n << t->granule_lg2) - 1),
	};
}

static inline struct sluice_extent pt_extent(const struct pt_test *t,
					     unsigned int first,
					     unsigned int n, u64 phys)
{
	return (struct sluice_extent){
		.iova = pt_iova(t, first),
		.phys = phys,
		.len = (u64)n << t->granule_lg2,
	};
}

static inline u32 pt_rnd(struct pt_test *t, u32 below)
{
	return prandom_u32_state(&t->rnd) % below;
}

/* The model alone. */
void pt_expect(struct pt_test *t, unsigned int first, unsigned int n, u64 phys,
	       unsigned int prot);
void pt_forget(struct pt_test *t, unsigned int first, unsigned int n);
bool pt_model_empty(const struct pt_test *t, unsigned int first,
		    unsigned int n);

/* The tree and the model; assert what the tree returns. */
void pt_do_map(struct pt_test *t, unsigned int first, unsigned int n, u64 phys,
	       unsigned int prot);
void pt_do_map_vector(struct pt_test *t, const struct sluice_extent *extents,
		      size_t nr, unsigned int prot);
void pt_do_cut(struct pt_test *t, unsigned int first, unsigned int n);
unsigned int pt_do_unmap(struct pt_test *t, unsigned int first,
			 unsigned int n, size_t max);
unsigned int pt_do_read(struct pt_test *t, unsigned int first, unsigned int n,
			size_t max);
void pt_do_flush(struct pt_test *t);
void pt_do_reclaim(struct pt_test *t);

/* Hardware finds what the model says, no more and no less. */
void pt_check(struct pt_test *t, unsigned int first, unsigned int n);
void pt_check_all(struct pt_test *t);

/* Is @page in the tree as the model says? Needs no test: for threads. */
bool pt_page_right(struct pt_test *t, unsigned int page);

#endif /* SLUICE_KUNIT_PT_FIXTURE_H */
