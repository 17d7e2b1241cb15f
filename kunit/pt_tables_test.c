// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page tables: how tables come and go, and what hardware must be told.
 *
 * No emulator shows a flush that is too small, so what is gathered is compared
 * with what it should be.
 */
#include <linux/io.h>
#include <linux/sizes.h>

#include "pt_fixture.h"

#define RW (SLUICE_PROT_READ | SLUICE_PROT_WRITE)

static void expect_gathered(struct pt_test *t, unsigned int first,
			    unsigned int n, unsigned int leaf_lg2, bool nonleaf)
{
	struct sluice_range range = pt_range(t, first, n);

	KUNIT_EXPECT_EQ(t->test, 1, t->gather.nr);
	KUNIT_EXPECT_EQ(t->test, t->gather.ranges[0].start, range.start);
	KUNIT_EXPECT_EQ(t->test, t->gather.ranges[0].last, range.last);
	KUNIT_EXPECT_EQ(t->test, t->gather.leaf_lg2, leaf_lg2);
	KUNIT_EXPECT_EQ(t->test, (bool)t->gather.nonleaf, nonleaf);
	pt_do_flush(t);
}

static void expect_covered(struct pt_test *t, u64 start, u64 last)
{
	unsigned int i;

	for (i = 0; i < t->gather.nr; i++) {
		if (t->gather.ranges[i].start <= start &&
		    t->gather.ranges[i].last >= last)
			return;
	}
	KUNIT_FAIL(t->test, "%#llx to %#llx is not gathered", start, last);
}

static void expect_nothing_gathered(struct pt_test *t)
{
	KUNIT_EXPECT_EQ(t->test, 0, t->gather.nr);
	KUNIT_EXPECT_FALSE(t->test, t->gather.nonleaf);
	KUNIT_EXPECT_TRUE(t->test, list_empty(&t->gather.tables));
}

/* Never two pages in a row that a larger one could hold. */
#define ODD(t) (PT_PHYS(5) + (t)->granule)

/* Maps pages that only the smallest size fits. */
static void map_small(struct pt_test *t, unsigned int first, unsigned int n)
{
	unsigned int i;

	for (i = first; i < first + n; i++)
		pt_do_map(t, i, 1, ODD(t) + ((u64)(i ^ 1) << t->granule_lg2),
			  RW);
}

/* Entries of a table, in pages. */
static unsigned int per_table(const struct pt_test *t)
{
	return t->kase->fmt == &pt_soft ? PAGE_SIZE / 8 : 512;
}

static void gathers_what_it_clears(struct kunit *test)
{
	struct pt_test *t = test->priv;
	unsigned int lg2 = t->granule_lg2;

	map_small(t, 0, 40);
	/* The root may have grown, and have told the hardware by itself. */
	expect_nothing_gathered(t);
	pt_do_unmap(t, 3, 1, 1);
	expect_gathered(t, 3, 1, lg2, false);
	pt_do_unmap(t, 10, 5, 1);
	expect_gathered(t, 10, 5, lg2, false);
	/* Holes at the ends aren't flushed. */
	pt_do_unmap(t, 11, 10, 16);
	expect_gathered(t, 15, 6, lg2, false);
	pt_do_unmap(t, 3, 1, 1);
	expect_nothing_gathered(t);
	pt_do_unmap(t, 0, 40, 16);
	pt_do_flush(t);

	/* The smallest of all pages counts, wherever it is. */
	if (!(t->pt.pgsizes & (t->granule * 512)) || per_table(t) != 512)
		return;
	pt_do_map(t, 0, 513, PT_PHYS(2), RW);
	pt_do_unmap(t, 0, 513, 16);
	KUNIT_EXPECT_EQ(test, t->gather.leaf_lg2, lg2);
	pt_do_flush(t);
	pt_do_map(t, 511, 513, PT_PHYS(2) + 511 * t->granule, RW);
	pt_do_unmap(t, 511, 513, 16);
	KUNIT_EXPECT_EQ(test, t->gather.leaf_lg2, lg2);
	pt_do_flush(t);
	pt_do_map(t, 512, 512, PT_PHYS(2), RW);
	pt_do_unmap(t, 512, 512, 16);
	KUNIT_EXPECT_EQ(test, t->gather.leaf_lg2, lg2 + 9);
}

static void unlinks_what_it_spans(struct kunit *test)
{
	struct pt_test *t = test->priv;
	unsigned int n = per_table(t);
	long before, tables;

	if (3 * n > PT_WINDOW_PAGES)
		kunit_skip(test, "tables are larger than the model");
	map_small(t, 0, 1);
	before = pt_nr_tables(&t->pt);
	map_small(t, 1, 3 * n - 1);
	tables = pt_nr_tables(&t->pt);
	KUNIT_EXPECT_LE(test, before + 2, tables);

	/* All but one page of the outer two: only the middle one goes. */
	pt_do_unmap(t, 1, 3 * n - 2, 16);
	KUNIT_EXPECT_EQ(test, tables, pt_nr_tables(&t->pt));
	expect_gathered(t, 1, 3 * n - 2, t->granule_lg2, true);
	KUNIT_EXPECT_EQ(test, tables - 1, pt_nr_tables(&t->pt));
	pt_check(t, 0, PT_WINDOW_PAGES);

	/* Empty ones that it spans go, too, with nothing else to flush. */
	pt_do_unmap(t, 0, 1, 1);
	pt_do_unmap(t, 3 * n - 1, 1, 1);
	pt_do_flush(t);
	pt_do_unmap(t, 0, n, 1);
	expect_gathered(t, 0, n, 64, true);
	KUNIT_EXPECT_EQ(test, tables - 2, pt_nr_tables(&t->pt));
}

/* A call that goes on where another stopped still knows what is held. */
static void unlinks_in_pieces(struct kunit *test)
{
	struct pt_test *t = test->priv;
	unsigned int n = per_table(t);
	struct sluice_range range = pt_range(t, 0, n), half = range;
	struct sluice_extent e;
	long tables;

	if (n > PT_WINDOW_PAGES || t->kase->levels == 1)
		kunit_skip(test, "not a table that can go");
	map_small(t, 0, n);
	tables = pt_nr_tables(&t->pt);
	half.start = pt_iova(t, n / 2);
	/* Somebody who holds only the second half must leave the table. */
	while (!sluice_range_empty(&half))
		pt_unmap(&t->pt, pt_iova(t, n / 2), &half, &e, 1, &t->gather);
	KUNIT_EXPECT_FALSE(test, t->gather.nonleaf);
	while (!sluice_range_empty(&range))
		pt_unmap(&t->pt, pt_iova(t, 0), &range, &e, 1, &t->gather);
	KUNIT_EXPECT_TRUE(test, t->gather.nonleaf);
	pt_forget(t, 0, n);
	pt_do_flush(t);
	KUNIT_EXPECT_GT(test, tables, pt_nr_tables(&t->pt));
	pt_check(t, 0, n);
}

static void reclaims(struct kunit *test)
{
	struct pt_test *t = test->priv;
	unsigned int n = per_table(t), i;
	long with_one;

	map_small(t, 0, 1);
	with_one = pt_nr_tables(&t->pt);
	for (i = 1; i < PT_PAGES; i += 97)
		map_small(t, i, 1);
	for (i = 1; i < PT_PAGES; i += 97)
		pt_do_unmap(t, i, 1, 1);
	pt_do_flush(t);
	if (t->kase->max_levels || 3 * n > PT_WINDOW_PAGES) {
		pt_do_reclaim(t);
	} else {
		KUNIT_EXPECT_LT(test, with_one, pt_nr_tables(&t->pt));
		pt_reclaim(&t->pt, &t->gather);
		KUNIT_EXPECT_TRUE(test, t->gather.nonleaf);
		for (i = 1; i < PT_PAGES; i += 97) {
			/* All but the table that page 0 is still in. */
			if (i >= n)
				expect_covered(t, pt_iova(t, i - i % n),
					       pt_iova(t, i));
		}
		pt_do_flush(t);
		KUNIT_EXPECT_EQ(test, with_one, pt_nr_tables(&t->pt));
	}
	pt_check_all(t);

	/* Nothing mapped: only the root, and what it took to grow. */
	pt_do_unmap(t, 0, 1, 1);
	pt_do_reclaim(t);
	KUNIT_EXPECT_EQ(test, 1, pt_nr_tables(&t->pt));
	pt_do_reclaim(t);
	expect_nothing_gathered(t);
	map_small(t, 700, 3);
	pt_check_all(t);
}

/* A sweep over the space: reclaim is due now and then, memory stays bounded. */
static void sweeps_leave_nothing(struct kunit *test)
{
	struct pt_test *t = test->priv;
	unsigned int shift = t->granule_lg2 + ilog2(per_table(t)), i;
	u64 tables_in_space = (t->pt.last >> shift) + 1;
	unsigned int n = min_t(u64, tables_in_space, 1000), due = 0;
	long most = 0;

	for (i = 0; i < n; i++) {
		struct sluice_extent e = {
			.iova = (u64)i << shift, .phys = PT_PHYS(1),
			.len = t->granule,
		};
		struct sluice_range range = { e.iova, e.iova + e.len - 1 };
		u64 done;

		KUNIT_ASSERT_EQ(test, 0, pt_map(&t->pt, &e, 1, RW, GFP_KERNEL,
						&done, &t->gather));
		KUNIT_ASSERT_EQ(test, 1, pt_unmap(&t->pt, e.iova, &range, &e, 1,
						  &t->gather));
		most = max(most, pt_nr_tables(&t->pt));
		pt_do_flush(t);
		if (pt_reclaim_due(&t->pt)) {
			due++;
			pt_do_reclaim(t);
		}
	}
	KUNIT_EXPECT_LT(test, most, 80);
	if (n == 1000)
		KUNIT_EXPECT_LE(test, 10, due);
}

/* Tables that became empty don't stand in the way of a larger page. */
static void gives_way_to_larger_pages(struct kunit *test)
{
	struct pt_test *t = test->priv;
	unsigned int n = per_table(t);
	struct sluice_extent e = pt_extent(t, 0, n, PT_PHYS(2));
	struct pt_hw_walk walk;

	if (n > PT_WINDOW_PAGES ||
	    !(t->pt.pgsizes & (t->granule * n)))
		kunit_skip(test, "no larger page than a table");
	map_small(t, n - 2, 2);
	pt_do_unmap(t, n - 2, 1, 1);
	KUNIT_EXPECT_EQ(test, -EEXIST, pt_prepare(&t->pt, &e, 1, GFP_KERNEL,
						  &t->gather));
	pt_do_unmap(t, n - 1, 1, 1);
	pt_do_flush(t);
	/* The root has to be above: a page is smaller than its table. */
	if (t->kase->max_levels)
		map_small(t, PT_WINDOW_PAGES - 1, 1);
	KUNIT_EXPECT_EQ(test, 0, pt_prepare(&t->pt, &e, 1, GFP_KERNEL,
					    &t->gather));
	expect_nothing_gathered(t);
	pt_do_map(t, 0, n, PT_PHYS(2), RW);
	KUNIT_EXPECT_FALSE(test, list_empty(&t->gather.tables));
	/* No leaf was cleared. */
	expect_gathered(t, 0, n, 64, true);
	pt_check(t, 0, PT_WINDOW_PAGES);
	if (t->kase->fmt == &pt_soft)
		return;
	KUNIT_ASSERT_EQ(test, 0, pt_hw_translate(&t->hw, 0, &walk));
	KUNIT_EXPECT_EQ(test, walk.lg2, t->granule_lg2 + ilog2(n));
}

/* A cut: the page as a whole is flushed, even by one who came too late. */
static void gathers_what_it_cuts(struct kunit *test)
{
	struct pt_test *t = test->priv;
	unsigned int n = per_table(t), lg2 = t->granule_lg2 + ilog2(n);

	if (n > PT_WINDOW_PAGES || t->kase->levels == 1 ||
	    !(t->pt.pgsizes & (t->granule * n)))
		kunit_skip(test, "no larger page than a table");
	/* On top of tables that have room for such a page. */
	if (t->kase->max_levels)
		map_small(t, PT_WINDOW_PAGES - 1, 1);
	pt_do_map(t, 0, n, PT_PHYS(2), RW);
	expect_nothing_gathered(t);
	pt_do_cut(t, 8, 8);
	expect_gathered(t, 0, n, lg2, false);
	/* It has been cut. Whether that was flushed, this caller can't know. */
	pt_do_cut(t, 16, 8);
	expect_gathered(t, 0, n, lg2, false);
	pt_do_unmap(t, 8, 8, 16);
	expect_gathered(t, 8, 8, t->granule_lg2, false);
	/* That one may have failed later: a reclaim flushes, and forgets. */
	pt_do_cut(t, 16, 8);
	pt_do_flush(t);
	pt_reclaim(&t->pt, &t->gather);
	expect_gathered(t, 0, n, lg2, false);
	pt_do_cut(t, 32, 8);
	expect_nothing_gathered(t);
	/* It holds all of the page that was: nobody else can have cut it. */
	pt_do_cut(t, 0, n);
	expect_nothing_gathered(t);
	pt_check(t, 0, n);
}

/* The same for pages that are several entries of one table. */
static void gathers_what_it_cuts_of_groups(struct kunit *test)
{
	struct pt_test *t = test->priv;

	if (t->kase->fmt != &pt_amdv1 || !(t->pt.pgsizes & SZ_64K))
		kunit_skip(test, "no such pages");
	pt_do_map(t, 32, 16, PT_PHYS(2), RW);
	pt_do_cut(t, 34, 2);
	expect_gathered(t, 32, 16, 16, false);
	pt_check(t, 0, 64);
	/* Now pages of 4K; what they were is known to be below 2M. */
	pt_do_cut(t, 38, 2);
	expect_covered(t, pt_iova(t, 32), pt_iova(t, 48) - 1);
	KUNIT_EXPECT_LE(test, t->gather.ranges[0].last, SZ_2M - 1);
	KUNIT_EXPECT_FALSE(test, t->gather.nonleaf);
	pt_do_flush(t);
	/* Pages that come later were never cut. */
	pt_do_unmap(t, 32, 16, 16);
	pt_do_flush(t);
	map_small(t, 32, 16);
	pt_do_cut(t, 38, 2);
	expect_nothing_gathered(t);
	pt_do_unmap(t, 32, 16, 16);

	/* The largest there are in a table: half of it. */
	if (!(t->pt.pgsizes & SZ_1M))
		return;
	pt_do_map(t, 0, 256, PT_PHYS(2), RW);
	pt_do_cut(t, 5, 1);
	pt_do_flush(t);
	pt_do_cut(t, 200, 1);
	expect_gathered(t, 0, 256, 12, false);
}

/* A page of several entries, cut by one, and then one of its parts by another. */
static void gathers_what_parts_were(struct kunit *test)
{
	struct pt_test *t = test->priv;
	struct sluice_range range = { SZ_2M + SZ_4K, SZ_2M + SZ_8K - 1 };
	struct sluice_extent e = { .phys = PT_PHYS(2), .len = SZ_4M };
	u64 done;

	if (!(t->pt.pgsizes & SZ_4M) || t->granule != SZ_4K)
		kunit_skip(test, "no such pages");
	KUNIT_ASSERT_EQ(test, 0, pt_map(&t->pt, &e, 1, RW, GFP_KERNEL, &done,
					&t->gather));
	KUNIT_ASSERT_EQ(test, 0, pt_cut(&t->pt, &range, GFP_KERNEL,
					&t->gather));
	expect_covered(t, 0, SZ_4M - 1);
	pt_do_flush(t);
	/* Its neighbour in the second half, whose 2M have been cut as well. */
	range = (struct sluice_range){ SZ_2M, SZ_2M + SZ_4K - 1 };
	KUNIT_ASSERT_EQ(test, 0, pt_cut(&t->pt, &range, GFP_KERNEL,
					&t->gather));
	expect_covered(t, 0, SZ_4M - 1);
	pt_do_flush(t);
	/* And one in the first half, which is still 2M. */
	range = (struct sluice_range){ 0, SZ_4K - 1 };
	KUNIT_ASSERT_EQ(test, 0, pt_cut(&t->pt, &range, GFP_KERNEL,
					&t->gather));
	expect_covered(t, 0, SZ_4M - 1);
	pt_do_flush(t);
	/* Once nobody is at it any more, a reclaim forgets. */
	pt_reclaim(&t->pt, &t->gather);
	/* Whoever cut may have failed later, and not have flushed. */
	expect_covered(t, 0, SZ_4M - 1);
	pt_do_flush(t);
	KUNIT_ASSERT_EQ(test, 0, pt_cut(&t->pt, &range, GFP_KERNEL,
					&t->gather));
	expect_nothing_gathered(t);

	/* A reclaim, too, flushes all of what a part was. */
	e = (struct sluice_extent){
		.iova = SZ_8M, .phys = PT_PHYS(2), .len = SZ_4M,
	};
	KUNIT_ASSERT_EQ(test, 0, pt_map(&t->pt, &e, 1, RW, GFP_KERNEL, &done,
					&t->gather));
	range = (struct sluice_range){ SZ_8M, SZ_8M + SZ_4K - 1 };
	KUNIT_ASSERT_EQ(test, 0, pt_cut(&t->pt, &range, GFP_KERNEL,
					&t->gather));
	pt_do_flush(t);
	pt_reclaim(&t->pt, &t->gather);
	expect_covered(t, SZ_8M, SZ_8M + SZ_4M - 1);
	pt_do_flush(t);
}

/* Empty tables below empty tables give way, too. */
static void gives_way_in_depth(struct kunit *test)
{
	struct pt_test *t = test->priv;
	unsigned int shift = t->granule_lg2 + 2 * ilog2(per_table(t));
	struct sluice_extent e = {
		.iova = 0, .phys = PT_PHYS(2), .len = BIT_ULL(shift),
	};
	u64 done;

	if (!(t->pt.pgsizes & e.len))
		kunit_skip(test, "no page that large");
	map_small(t, 3, 2);
	pt_do_unmap(t, 3, 2, 2);
	pt_do_flush(t);
	map_small(t, PT_WINDOW_PAGES - 1, 1);
	KUNIT_EXPECT_EQ(test, -EEXIST, pt_prepare(&t->pt, &e, 1, GFP_KERNEL,
						  &t->gather));
	pt_do_unmap(t, PT_WINDOW_PAGES - 1, 1, 2);
	pt_do_flush(t);
	KUNIT_EXPECT_EQ(test, 0, pt_prepare(&t->pt, &e, 1, GFP_KERNEL,
					    &t->gather));
	KUNIT_EXPECT_EQ(test, 0, pt_map(&t->pt, &e, 1, RW, GFP_KERNEL, &done,
					&t->gather));
	expect_covered(t, 0, e.len - 1);
	pt_do_flush(t);
	/* Those that the page replaced are gone, all of them. */
	pt_do_reclaim(t);
	KUNIT_EXPECT_LE(test, pt_nr_tables(&t->pt), t->kase->levels - 2);
	pt_expect(t, 0, PT_WINDOW_PAGES, PT_PHYS(2), RW);
	pt_check(t, 0, PT_WINDOW_PAGES);
}

/* A range that ends in a hole that ends with the table: the rest is others'. */
static void leaves_tables_that_reach_further(struct kunit *test)
{
	struct pt_test *t = test->priv;
	unsigned int n = per_table(t);
	u64 span = (u64)n << t->granule_lg2;
	/* All but the last page of a table one level up. */
	struct sluice_range range = { 0, span * n - t->granule - 1 };
	struct sluice_extent e;
	long tables;

	if (n > PT_WINDOW_PAGES || t->kase->levels < 3)
		kunit_skip(test, "no table that large");
	map_small(t, 0, 1);
	tables = pt_nr_tables(&t->pt);
	while (!sluice_range_empty(&range))
		pt_unmap(&t->pt, 0, &range, &e, 1, &t->gather);
	pt_forget(t, 0, 1);
	pt_do_flush(t);
	KUNIT_EXPECT_EQ(test, pt_nr_tables(&t->pt), tables - 1);
	range = (struct sluice_range){ 0, span * n - 1 };
	while (!sluice_range_empty(&range))
		pt_unmap(&t->pt, 0, &range, &e, 1, &t->gather);
	pt_do_flush(t);
	KUNIT_EXPECT_EQ(test, pt_nr_tables(&t->pt), tables - 2);
}

/* ---- Growth ---- */

static void grows(struct kunit *test)
{
	struct pt_test *t = test->priv;
	struct sluice_extent e;
	unsigned int levels, w;
	u64 old;

	if (!t->kase->max_levels)
		kunit_skip(test, "this root doesn't grow");
	old = BIT_ULL(t->granule_lg2 +
		      ilog2(per_table(t)) * t->kase->levels);
	pt_do_map(t, 0, 100, ODD(t), RW);
	pt_root(&t->pt, &levels);
	KUNIT_EXPECT_EQ(test, levels, t->kase->levels);

	/* Hardware doesn't answer, or nobody may sleep: nothing changes. */
	e = (struct sluice_extent){
		.iova = old - t->granule, .phys = PT_PHYS(1),
		.len = 2 * t->granule,
	};
	t->fail_grow = t->kase->fmt == &pt_soft ? 0 : -ETIMEDOUT;
	if (t->fail_grow) {
		long tables = pt_nr_tables(&t->pt);

		KUNIT_EXPECT_EQ(test, -ETIMEDOUT,
				pt_prepare(&t->pt, &e, 1, GFP_KERNEL,
					   &t->gather));
		/* What hardware may have got to know stays, and is as good. */
		KUNIT_EXPECT_EQ(test, pt_nr_tables(&t->pt), tables + 1);
		pt_check_all(t);
		KUNIT_EXPECT_EQ(test, -ETIMEDOUT,
				pt_prepare(&t->pt, &e, 1, GFP_KERNEL,
					   &t->gather));
		KUNIT_EXPECT_EQ(test, pt_nr_tables(&t->pt), tables + 1);
		t->fail_grow = 0;
	}
	KUNIT_EXPECT_EQ(test, -ENOMEM, pt_prepare(&t->pt, &e, 1, GFP_NOWAIT,
						  &t->gather));
	pt_root(&t->pt, &levels);
	KUNIT_EXPECT_EQ(test, levels, t->kase->levels);
	pt_check_all(t);

	/* An unmap beyond the root finds nothing, and doesn't grow it. */
	pt_do_unmap(t, 2 * PT_WINDOW_PAGES, PT_WINDOW_PAGES, 16);
	pt_do_cut(t, 2 * PT_WINDOW_PAGES, PT_WINDOW_PAGES);
	pt_root(&t->pt, &levels);
	KUNIT_EXPECT_EQ(test, levels, t->kase->levels);

	for (w = 1; w < PT_WINDOWS; w++) {
		pt_do_map(t, w * PT_WINDOW_PAGES, PT_WINDOW_PAGES, ODD(t), RW);
		pt_check_all(t);
	}
	pt_root(&t->pt, &levels);
	KUNIT_EXPECT_EQ(test, levels, t->kase->max_levels);
	for (w = 0; w < PT_WINDOWS; w++)
		pt_do_unmap(t, w * PT_WINDOW_PAGES, PT_WINDOW_PAGES, 16);
	pt_do_flush(t);
	pt_check_all(t);
}

/* ---- Behind a cache ---- */

static void writes_back_no_more_than_needed(struct kunit *test)
{
	struct pt_test *t = test->priv;

	if (!t->kase->incoherent) {
		map_small(t, 0, 9);
		KUNIT_EXPECT_EQ(test, 0, atomic_read(&t->hw.shadow.flushes));
		return;
	}
	map_small(t, 0, 1);
	atomic_set(&t->hw.shadow.flushes, 0);
	/* Tables on the way are known to be written back. */
	map_small(t, 1, 1);
	KUNIT_EXPECT_EQ(test, 1, atomic_read(&t->hw.shadow.flushes));
	pt_do_map(t, 2, 300, ODD(t), RW);
	KUNIT_EXPECT_EQ(test, 2, atomic_read(&t->hw.shadow.flushes));
	pt_do_unmap(t, 2, 300, 16);
	KUNIT_EXPECT_EQ(test, 3, atomic_read(&t->hw.shadow.flushes));
	pt_check_all(t);
}

/*
 * Another thread has installed a table and not yet written its entry back: who
 * maps through it does.
 */
static void knows_what_others_installed(struct kunit *test)
{
	struct pt_test *t = test->priv;
	__le64 *root = phys_to_virt(pt_root(&t->pt, NULL));

	if (!t->kase->incoherent || t->kase->max_levels)
		kunit_skip(test, "nothing to be written back");
	map_small(t, 0, 1);
	/* As it is between the two: visible to CPUs alone, and not marked. */
	root[0] &= ~cpu_to_le64(BIT_ULL(10));
	shadow_spoil(&t->hw.shadow, &root[0]);
	map_small(t, 1, 1);
	pt_check(t, 0, 4);
	root[0] &= ~cpu_to_le64(BIT_ULL(10));
	shadow_spoil(&t->hw.shadow, &root[0]);
	pt_do_cut(t, 0, 1);
	pt_check(t, 0, 4);
}

/* ---- Memory ---- */

/* 1 GiB of the smallest pages: 8 bytes each, and what is above. */
static void a_gigabyte_takes_two_megabytes(struct kunit *test)
{
	struct pt_test *t = test->priv;
	struct sluice_extent e = {
		.iova = 0, .phys = PT_PHYS(1) + SZ_4K, .len = SZ_1G,
	};
	struct sluice_range range = { 0, SZ_1G - 1 };
	unsigned int levels;
	u64 done;

	if (t->granule != SZ_4K || per_table(t) != 512)
		kunit_skip(test, "another size");
	/* Only 4K fits, at odd multiples of it. */
	KUNIT_ASSERT_EQ(test, 0, pt_map(&t->pt, &e, 1, RW, GFP_KERNEL, &done,
					&t->gather));
	pt_root(&t->pt, &levels);
	KUNIT_EXPECT_EQ(test, pt_nr_tables(&t->pt), 512 + (levels - 1));
	while (!sluice_range_empty(&range))
		pt_unmap(&t->pt, 0, &range, &e, 1, &t->gather);
	pt_do_flush(t);
	/* All that the range spans; above that, it takes a reclaim. */
	KUNIT_EXPECT_LE(test, pt_nr_tables(&t->pt), levels);
	pt_do_reclaim(t);
	KUNIT_EXPECT_EQ(test, 1, pt_nr_tables(&t->pt));
}

/* A huge hole and a huge range come in pieces, so that others get the CPU. */
static void yields(struct kunit *test)
{
	struct pt_test *t = test->priv;
	unsigned int n = min(per_table(t) * 2, PT_WINDOW_PAGES), calls = 0, i;
	struct sluice_range range = { 0, t->pt.last };
	struct sluice_extent e;
	u64 done;

	for (i = 0; i < n; i += 2)
		map_small(t, i, 1);
	pt_forget(t, 0, n);
	while (!sluice_range_empty(&range)) {
		pt_read(&t->pt, &range, &e, 1);
		calls++;
	}
	KUNIT_EXPECT_LE(test, n / 2, calls);
	range = (struct sluice_range){ 0, U64_MAX };
	while (!sluice_range_empty(&range))
		pt_unmap(&t->pt, 0, &range, &e, 1, &t->gather);
	pt_do_flush(t);
	KUNIT_EXPECT_EQ(test, 1, pt_nr_tables(&t->pt));

	/* The same for a run that goes on and on, all one extent. */
	if (t->pt.last < SZ_1G - 1 || t->granule != SZ_4K ||
	    per_table(t) != 512)
		return;
	e = (struct sluice_extent){
		.iova = 0, .phys = PT_PHYS(1) + SZ_4K, .len = SZ_1G,
	};
	KUNIT_ASSERT_EQ(test, 0, pt_map(&t->pt, &e, 1, RW, GFP_KERNEL, &done,
					&t->gather));
	range = (struct sluice_range){ 0, SZ_1G - 1 };
	for (calls = 0; !sluice_range_empty(&range); calls++)
		pt_unmap(&t->pt, 0, &range, &e, 1, &t->gather);
	pt_do_flush(t);
	KUNIT_EXPECT_LE(test, 4, calls);
}

/* Page by page, as long as they are small and in one table. */
static void reads_each(struct kunit *test)
{
	struct pt_test *t = test->priv;
	unsigned int n = min(per_table(t), PT_WINDOW_PAGES - 4);
	u64 pages[4];

	map_small(t, 1, 1);
	map_small(t, n - 1, 1);
	map_small(t, n, 1);
	KUNIT_ASSERT_TRUE(test, pt_read_each(&t->pt, pt_iova(t, 0), 4, pages));
	KUNIT_EXPECT_EQ(test, 0, pages[0]);
	KUNIT_EXPECT_EQ(test, pages[1], t->phys[1] | RW);
	KUNIT_EXPECT_EQ(test, 0, pages[2]);
	KUNIT_EXPECT_EQ(test, 0, pages[3]);
	KUNIT_ASSERT_TRUE(test, pt_read_each(&t->pt, pt_iova(t, n - 1), 1,
					     pages));
	KUNIT_EXPECT_EQ(test, pages[0], t->phys[n - 1] | RW);
	KUNIT_EXPECT_EQ(test, per_table(t) > PT_WINDOW_PAGES - 4,
			pt_read_each(&t->pt, pt_iova(t, n - 1), 2, pages));
	KUNIT_EXPECT_FALSE(test, pt_read_each(&t->pt, pt_iova(t, 1) + 1, 1,
					      pages));
	/* There is no table. */
	KUNIT_EXPECT_FALSE(test, pt_read_each(&t->pt,
					      pt_iova(t, PT_WINDOW_PAGES + 5),
					      1, pages));
	pt_do_unmap(t, 0, PT_WINDOW_PAGES, 16);
	pt_do_flush(t);
	/* A larger page, if the format has one. */
	pt_do_map(t, 0, n, PT_PHYS(1), RW);
	if (pt_read_each(&t->pt, pt_iova(t, 0), 4, pages))
		KUNIT_EXPECT_EQ(test, pages[3], t->phys[3] | RW);
	else
		KUNIT_EXPECT_NE(test, t->kase->pgsizes, t->granule);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(gathers_what_it_clears, pt_case_gen),
	KUNIT_CASE_PARAM(reads_each, pt_case_gen),
	KUNIT_CASE_PARAM(unlinks_what_it_spans, pt_case_gen),
	KUNIT_CASE_PARAM(unlinks_in_pieces, pt_case_gen),
	KUNIT_CASE_PARAM(reclaims, pt_case_gen),
	KUNIT_CASE_PARAM(sweeps_leave_nothing, pt_case_gen),
	KUNIT_CASE_PARAM(gives_way_to_larger_pages, pt_case_gen),
	KUNIT_CASE_PARAM(gathers_what_it_cuts, pt_case_gen),
	KUNIT_CASE_PARAM(gathers_what_it_cuts_of_groups, pt_case_gen),
	KUNIT_CASE_PARAM(gathers_what_parts_were, pt_case_gen),
	KUNIT_CASE_PARAM(grows, pt_case_gen),
	KUNIT_CASE_PARAM(leaves_tables_that_reach_further, pt_case_gen),
	KUNIT_CASE_PARAM(gives_way_in_depth, pt_case_gen),
	KUNIT_CASE_PARAM(knows_what_others_installed, pt_case_gen),
	KUNIT_CASE_PARAM(writes_back_no_more_than_needed, pt_case_gen),
	KUNIT_CASE_PARAM(a_gigabyte_takes_two_megabytes, pt_case_gen),
	KUNIT_CASE_PARAM(yields, pt_case_gen),
	{}
};

static struct kunit_suite suite = {
	.name = "sluice_pt_tables",
	.init = pt_case_init,
	.exit = pt_case_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
