// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page tables: memory runs out. Each operation is tried with its 1st, 2nd, ...
 * allocation failing until it succeeds; after each failure all is as it was.
 */
#include <kunit/static_stub.h>
#include <linux/sizes.h>

#include "core/pt/private.h"
#include "pt_fixture.h"

#define RW (SLUICE_PROT_READ | SLUICE_PROT_WRITE)

/* Allocations that still succeed; below 0: all do. */
static int allowed;

static __le64 *alloc_or_fail(struct pt *pt, gfp_t gfp)
{
	__le64 *table;

	if (!allowed)
		return NULL;
	if (allowed > 0)
		allowed--;
	kunit_deactivate_static_stub(current->kunit_test, pt_table_alloc);
	table = pt_table_alloc(pt, gfp);
	kunit_activate_static_stub(current->kunit_test, pt_table_alloc,
				   alloc_or_fail);
	return table;
}

static int init(struct kunit *test)
{
	allowed = -1;
	pt_case_init(test);
	kunit_activate_static_stub(test, pt_table_alloc, alloc_or_fail);
	return 0;
}

static void end(struct kunit *test)
{
	kunit_deactivate_static_stub(test, pt_table_alloc);
	pt_case_exit(test);
}

/* Runs @op with fewer and fewer failures; returns how often it failed. */
static unsigned int until_it_works(struct pt_test *t,
				   int (*op)(struct pt_test *t))
{
	unsigned int fails = 0;
	int ret;

	for (;;) {
		allowed = fails;
		ret = op(t);
		allowed = -1;
		if (!ret)
			return fails;
		KUNIT_ASSERT_EQ(t->test, -ENOMEM, ret);
		pt_do_flush(t);
		pt_check_all(t);
		/* Only what is in use is left. */
		pt_do_reclaim(t);
		pt_check_all(t);
		fails++;
		KUNIT_ASSERT_LT(t->test, fails, 64);
	}
}

/* In all windows, so that tables of every level are missing. */
static unsigned int all_windows(struct pt_test *t, struct sluice_extent *e)
{
	unsigned int w;

	for (w = 0; w < PT_WINDOWS; w++)
		e[w] = pt_extent(t, w * PT_WINDOW_PAGES + 300, 900,
				 PT_PHYS(w + 1) + t->granule);
	return PT_WINDOWS;
}

static int prepare(struct pt_test *t)
{
	struct sluice_extent e[PT_WINDOWS];

	return pt_prepare(&t->pt, e, all_windows(t, e), GFP_KERNEL, &t->gather);
}

/* Neighbours that must not notice. */
static void map_neighbours(struct pt_test *t)
{
	unsigned int w;

	for (w = 0; w < PT_WINDOWS; w += 2) {
		pt_do_map(t, w * PT_WINDOW_PAGES + 290, 10, PT_PHYS(4), RW);
		pt_do_map(t, w * PT_WINDOW_PAGES + 1200, 10, PT_PHYS(5), RW);
	}
}

static void prepare_fails(struct kunit *test)
{
	struct pt_test *t = test->priv;

	map_neighbours(t);
	KUNIT_EXPECT_LE(test, 1, until_it_works(t, prepare));
	pt_check_all(t);
}

/* A map that fails says how far it got; that much is undone. */
static int map(struct pt_test *t)
{
	struct sluice_extent e[PT_WINDOWS];
	unsigned int w, nr = all_windows(t, e);
	u64 done = 0;
	int ret;

	ret = pt_map(&t->pt, e, nr, RW, GFP_KERNEL, &done, &t->gather);
	if (!ret)
		done = nr * e[0].len;
	for (w = 0; w < nr && done; w++) {
		unsigned int n = min(done, e[w].len) >> t->granule_lg2;

		pt_expect(t, w * PT_WINDOW_PAGES + 300, n, e[w].phys, RW);
		done -= (u64)n << t->granule_lg2;
	}
	pt_check_all(t);
	for (w = 0; ret && w < nr; w++)
		pt_do_unmap(t, w * PT_WINDOW_PAGES + 300, 900, 16);
	return ret;
}

static void map_fails(struct kunit *test)
{
	struct pt_test *t = test->priv;

	map_neighbours(t);
	KUNIT_EXPECT_LE(test, 1, until_it_works(t, map));
	pt_check_all(t);
}

/* A copy that fails says how far it got; the rest can be copied later. */
static void copy_fails(struct kunit *test)
{
	static const struct pt_config cfg = {
		.levels = 5, .pgsizes = SZ_4K, .nid = NUMA_NO_NODE,
	};
	struct pt_test *t = test->priv;
	struct sluice_range range = pt_range(t, 0, PT_WINDOW_PAGES);
	unsigned int page, fails = 0;
	struct pt to;

	pt_do_map(t, 0, 400, PT_PHYS(1), RW);
	pt_do_map(t, 600, 700, PT_PHYS(2) + t->granule, SLUICE_PROT_READ);
	KUNIT_ASSERT_EQ(test, 0, pt_init(&to, &pt_vtdss, &cfg));
	while (!sluice_range_empty(&range)) {
		u64 start = range.start;
		int ret;

		allowed = 1 + fails;
		ret = pt_copy(&to, &t->pt, &range, GFP_KERNEL, &t->gather);
		allowed = -1;
		if (!ret)
			break;
		KUNIT_ASSERT_EQ(test, -ENOMEM, ret);
		KUNIT_ASSERT_GE(test, range.start, start);
		KUNIT_ASSERT_LT(test, fails++, 2000);
	}
	KUNIT_EXPECT_LE(test, 2, fails);
	for (page = 0; page < PT_WINDOW_PAGES; page += 3) {
		phys_addr_t phys = 0;
		int ret = pt_iova_to_phys(&to, pt_iova(t, page), &phys);

		KUNIT_ASSERT_EQ(test, ret, t->prot[page] ? 0 : -ENOENT);
		KUNIT_ASSERT_EQ(test, (u64)phys, ret ? 0 : t->phys[page]);
	}
	pt_deinit(&to);
}

static int cut(struct pt_test *t)
{
	struct sluice_range range = pt_range(t, PT_WINDOW_PAGES + 300, 900);

	return pt_cut(&t->pt, &range, GFP_KERNEL, &t->gather);
}

static void cut_fails(struct kunit *test)
{
	struct pt_test *t = test->priv;
	unsigned int fails;

	pt_do_map(t, PT_WINDOW_PAGES, PT_WINDOW_PAGES,
		  PT_PHYS(1) + (t->base[1] & (SZ_1G - 1)), RW);
	fails = until_it_works(t, cut);
	if (t->kase->fmt != &pt_soft && t->pt.pgsizes & SZ_2M)
		KUNIT_EXPECT_EQ(test, 2, fails);
	pt_check_all(t);
	pt_do_unmap(t, PT_WINDOW_PAGES + 300, 900, 16);
	pt_check_all(t);
}

static void init_fails(struct kunit *test)
{
	struct pt_test *t = test->priv;
	struct pt_config cfg = {
		.levels = t->kase->levels, .pgsizes = t->kase->pgsizes,
		.nid = NUMA_NO_NODE,
	};
	struct pt pt;

	allowed = 0;
	KUNIT_EXPECT_EQ(test, -ENOMEM, pt_init(&pt, t->kase->fmt, &cfg));
	allowed = -1;
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(prepare_fails, pt_case_gen),
	KUNIT_CASE_PARAM(map_fails, pt_case_gen),
	KUNIT_CASE_PARAM(copy_fails, pt_case_gen),
	KUNIT_CASE_PARAM(cut_fails, pt_case_gen),
	KUNIT_CASE_PARAM(init_fails, pt_case_gen),
	{}
};

static struct kunit_suite suite = {
	.name = "sluice_pt_fault",
	.init = init,
	.exit = end,
	.test_cases = cases,
};

kunit_test_suite(suite);
