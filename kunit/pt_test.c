// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page tables: what every format in every configuration must do, one rule a
 * test, against the model.
 */
#include <linux/sizes.h>

#include "pt_fixture.h"

#define RW (SLUICE_PROT_READ | SLUICE_PROT_WRITE)

/* Each way of being aligned, each right, in each window. */
static void maps_what_is_asked(struct kunit *test)
{
	static const unsigned int prots[] = {
		SLUICE_PROT_READ, SLUICE_PROT_WRITE, RW,
		RW | SLUICE_PROT_MMIO, SLUICE_PROT_READ | SLUICE_PROT_REGISTERED,
	};
	static const struct {
		unsigned int first, n, shift;
	} runs[] = {
		{ 0, 1, 0 }, { 1, 1, 1 }, { 2, 3, 0 }, { 7, 25, 7 },
		{ 32, 300, 33 }, { 511, 2, 511 }, { 513, 1023, 1 },
	};
	struct pt_test *t = test->priv;
	unsigned int w, i, prot = 0;

	for (w = 0; w < PT_WINDOWS; w++) {
		for (i = 0; i < ARRAY_SIZE(runs); i++) {
			pt_do_map(t, w * PT_WINDOW_PAGES + runs[i].first,
				  runs[i].n, PT_PHYS(i + 1) +
				  ((u64)runs[i].shift << t->granule_lg2),
				  prots[prot++ % ARRAY_SIZE(prots)]);
		}
	}
	pt_check_all(t);
	for (w = 0; w < PT_WINDOWS; w++) {
		pt_do_read(t, w * PT_WINDOW_PAGES, PT_WINDOW_PAGES, 1);
		pt_do_read(t, w * PT_WINDOW_PAGES, PT_WINDOW_PAGES, 16);
	}
	for (w = 0; w < PT_WINDOWS; w++) {
		for (i = 0; i < ARRAY_SIZE(runs); i += 2) {
			pt_do_unmap(t, w * PT_WINDOW_PAGES + runs[i].first,
				    runs[i].n, 1 + w);
			pt_do_flush(t);
		}
		pt_check_all(t);
		pt_do_unmap(t, w * PT_WINDOW_PAGES, PT_WINDOW_PAGES, 16);
		pt_do_flush(t);
	}
	pt_check_all(t);
}

/* One call, extents in no order, next to each other and far apart. */
static void maps_a_vector(struct kunit *test)
{
	struct pt_test *t = test->priv;
	struct sluice_extent extents[48];
	unsigned int i, page;

	for (i = 0; i < ARRAY_SIZE(extents); i++) {
		u64 phys = PT_PHYS(3) + ((u64)i * 5 << t->granule_lg2);

		page = i % 3 * PT_WINDOW_PAGES + (i * 331) % PT_WINDOW_PAGES;
		extents[i] = pt_extent(t, page, 1 + i % 2, phys);
		pt_expect(t, page, 1 + i % 2, phys, RW);
	}
	pt_do_map_vector(t, extents, ARRAY_SIZE(extents), RW);
	pt_check_all(t);
}

static u64 largest(const struct pt_test *t, u64 iova, u64 phys, u64 start,
		   u64 last, u64 sizes)
{
	u64 best = t->granule;
	unsigned int lg2;

	for (lg2 = t->granule_lg2; lg2 < 52; lg2++) {
		u64 size = BIT_ULL(lg2), base = iova & ~(size - 1);

		if (sizes & size && base >= start &&
		    size - 1 <= last - base && !((iova ^ phys) & (size - 1)))
			best = size;
	}
	return best;
}

/* Around each page the largest that fits there, whatever came before. */
static void chooses_the_largest_page(struct kunit *test)
{
	static const struct {
		unsigned int first, n;
		unsigned int shift;
	} runs[] = {
		{ 0, 1536, 0 }, { 3, 1500, 3 }, { 256, 1024, 256 },
		{ 257, 1000, 1 }, { 1, 1535, 512 + 1 }, { 5, 700, 4 + 16 + 1 },
	};
	struct pt_test *t = test->priv;
	unsigned int i, w, p;

	if (t->kase->fmt == &pt_soft)
		kunit_skip(test, "nobody sees page sizes but the tree");
	for (i = 0; i < ARRAY_SIZE(runs); i++) {
		for (w = 0; w < PT_WINDOWS; w++) {
			unsigned int first = w * PT_WINDOW_PAGES +
					     runs[i].first;
			u64 phys = PT_PHYS(1) +
				   ((u64)runs[i].shift << t->granule_lg2);
			struct sluice_range range = pt_range(t, first,
							     runs[i].n);

			/* Congruent, as far as the table says, with the IOVA. */
			phys += pt_iova(t, first) & SZ_2M;
			pt_do_map(t, first, runs[i].n, phys, RW);
			for (p = first; p < first + runs[i].n; p += 7) {
				struct pt_hw_walk walk;
				u64 iova = pt_iova(t, p);

				KUNIT_ASSERT_EQ(test, 0,
						pt_hw_translate(&t->hw, iova,
								&walk));
				KUNIT_ASSERT_EQ_MSG(test, BIT_ULL(walk.lg2),
						    largest(t, iova,
							    t->phys[p],
							    range.start,
							    range.last,
							    t->pt.pgsizes),
						    "run %u, page %u", i, p);
			}
			pt_do_unmap(t, first, runs[i].n, 16);
			pt_do_flush(t);
			/* Lest an empty table keep a page small. */
			pt_do_reclaim(t);
		}
	}
}

static void refuses(struct pt_test *t, u64 iova, u64 phys, u64 len,
		    unsigned int prot, int want)
{
	struct sluice_extent extents[2] = {
		pt_extent(t, 9, 1, PT_PHYS(2)),
		{ .iova = iova, .phys = phys, .len = len },
	};
	struct sluice_extent *bad = &extents[1];
	u64 done = 4711;

	KUNIT_EXPECT_EQ(t->test, want,
			pt_map(&t->pt, bad, 1, prot, GFP_KERNEL, &done,
			       &t->gather));
	KUNIT_EXPECT_EQ(t->test, 0, done);
	if (!(prot & RW))
		return;
	KUNIT_EXPECT_EQ(t->test, want, pt_prepare(&t->pt, bad, 1, GFP_KERNEL,
						  &t->gather));
	/* What came before it is said to be mapped, and is. */
	KUNIT_EXPECT_EQ(t->test, want,
			pt_map(&t->pt, extents, 2, prot, GFP_KERNEL, &done,
			       &t->gather));
	KUNIT_EXPECT_EQ(t->test, t->granule, done);
	pt_expect(t, 9, 1, PT_PHYS(2), prot);
	pt_check(t, 9, 1);
	pt_do_unmap(t, 9, 1, 1);
	pt_do_flush(t);
}

static void refuses_bad_extents(struct kunit *test)
{
	struct pt_test *t = test->priv;
	u64 g = t->granule, top = t->pt.last;
	u64 phys_top = BIT_ULL(t->kase->fmt == &pt_soft ? 63 : 52);

	refuses(t, 0, 0, 0, RW, -EINVAL);
	refuses(t, 0, 0, g, 0, -EINVAL);
	refuses(t, 0, 0, g, SLUICE_PROT_MMIO, -EINVAL);
	refuses(t, g / 2, 0, g, RW, -EINVAL);
	refuses(t, 0, g / 2, g, RW, -EINVAL);
	refuses(t, 0, 0, g / 2, RW, -EINVAL);
	refuses(t, 0, 0, g + 1, RW, -EINVAL);
	refuses(t, top - (g - 1), 0, 2 * g, RW, -EINVAL);
	if (top != U64_MAX)
		refuses(t, top + 1, 0, g, RW, -EINVAL);
	refuses(t, 0, phys_top - g, 2 * g, RW, -EINVAL);
	refuses(t, U64_MAX - (g - 1), 0, 2 * g, RW, -EINVAL);
	refuses(t, 0, 2 * g, -g, RW, -EINVAL);
	pt_check_all(t);

	/* The last page of all is a page like any other. */
	pt_do_map(t, PT_PAGES - 1, 1, phys_top - g, RW);
	pt_check_all(t);
	KUNIT_EXPECT_EQ(test, 1, pt_do_unmap(t, PT_PAGES - 1, 1, 1));
}

static void keeps_what_is_there(struct kunit *test)
{
	struct pt_test *t = test->priv;
	struct sluice_extent over = pt_extent(t, 0, PT_WINDOW_PAGES,
					      PT_PHYS(2));
	unsigned int at;

	/* In a table of its own, at a table's end, and as a superpage. */
	for (at = 0; at < PT_WINDOW_PAGES; at += 511) {
		u64 done = 0;

		pt_do_map(t, at, 1, PT_PHYS(7), SLUICE_PROT_READ);
		KUNIT_EXPECT_EQ(test, -EEXIST,
				pt_prepare(&t->pt, &over, 1, GFP_KERNEL,
					   &t->gather));
		KUNIT_EXPECT_EQ(test, -EEXIST,
				pt_map(&t->pt, &over, 1, RW, GFP_KERNEL, &done,
				       &t->gather));
		KUNIT_ASSERT_LE(test, done, (u64)at << t->granule_lg2);
		pt_expect(t, 0, done >> t->granule_lg2, PT_PHYS(2), RW);
		pt_check_all(t);
		pt_do_unmap(t, 0, PT_WINDOW_PAGES, 16);
		pt_do_flush(t);
	}

	pt_do_map(t, 0, PT_WINDOW_PAGES, PT_PHYS(2), RW);
	over = pt_extent(t, 700, 1, PT_PHYS(3));
	KUNIT_EXPECT_EQ(test, -EEXIST, pt_prepare(&t->pt, &over, 1, GFP_KERNEL,
						  &t->gather));
	pt_check_all(t);
}

/* A prepare shows nothing; the map then needs no memory. */
static void prepares(struct kunit *test)
{
	struct pt_test *t = test->priv;
	struct sluice_extent extents[PT_WINDOWS];
	unsigned int w;
	long tables;
	u64 done;

	for (w = 0; w < PT_WINDOWS; w++)
		extents[w] = pt_extent(t, w * PT_WINDOW_PAGES + 100, 1300,
				       PT_PHYS(w + 1) + t->granule);
	KUNIT_ASSERT_EQ(test, 0, pt_prepare(&t->pt, extents, PT_WINDOWS,
					    GFP_KERNEL, &t->gather));
	pt_do_flush(t);
	pt_check_all(t);
	tables = pt_nr_tables(&t->pt);
	KUNIT_ASSERT_EQ(test, 0, pt_map(&t->pt, extents, PT_WINDOWS, RW,
					GFP_KERNEL, &done, &t->gather));
	KUNIT_EXPECT_EQ(test, tables, pt_nr_tables(&t->pt));
	for (w = 0; w < PT_WINDOWS; w++)
		pt_expect(t, w * PT_WINDOW_PAGES + 100, 1300,
			  PT_PHYS(w + 1) + t->granule, RW);
	pt_check_all(t);
}

/* Everywhere a page may be cut, the rest stays as it was. */
static void cuts(struct kunit *test)
{
	static const struct {
		unsigned int first, n;
	} holes[] = {
		{ 0, 1 }, { 511, 1 }, { 512, 1 }, { 513, 510 }, { 100, 900 },
		{ 1535, 1 }, { 3, 4 }, { 1024, 512 }, { 0, 1536 },
	};
	struct pt_test *t = test->priv;
	unsigned int i, w;

	for (w = 0; w < PT_WINDOWS; w++) {
		unsigned int base = w * PT_WINDOW_PAGES;

		for (i = 0; i < ARRAY_SIZE(holes); i++) {
			pt_do_map(t, base, PT_WINDOW_PAGES,
				  PT_PHYS(1) + (t->base[w] & (SZ_1G - 1)),
				  RW | SLUICE_PROT_REGISTERED);
			pt_check(t, base, PT_WINDOW_PAGES);
			pt_do_cut(t, base + holes[i].first, holes[i].n);
			/* Once more: nothing is left to cut. */
			pt_do_cut(t, base + holes[i].first, holes[i].n);
			pt_check(t, base, PT_WINDOW_PAGES);
			pt_do_unmap(t, base + holes[i].first, holes[i].n, 3);
			pt_do_flush(t);
			pt_check(t, base, PT_WINDOW_PAGES);
			pt_do_unmap(t, base, PT_WINDOW_PAGES, 16);
			pt_do_flush(t);
		}
	}
	pt_check_all(t);
}

/* A cut where nothing is mapped, or nothing crosses, does nothing. */
static void cuts_nothing(struct kunit *test)
{
	struct pt_test *t = test->priv;
	long tables;

	pt_do_map(t, 10, 5, PT_PHYS(1), RW);
	tables = pt_nr_tables(&t->pt);
	pt_do_cut(t, 500, 100);
	pt_do_cut(t, 10, 5);
	pt_do_cut(t, 2 * PT_WINDOW_PAGES, PT_WINDOW_PAGES);
	KUNIT_EXPECT_EQ(test, 0, t->gather.nr);
	KUNIT_EXPECT_EQ(test, tables, pt_nr_tables(&t->pt));
	pt_check_all(t);
}

/*
 * Pages larger than the model: cut at the first, a middle and the last of the
 * smallest pages, level by level, and nothing else is there afterwards.
 */
static void cuts_large_pages(struct kunit *test)
{
	struct pt_test *t = test->priv;
	unsigned int lg2;

	for (lg2 = t->granule_lg2 + 1; lg2 < 42; lg2++) {
		u64 size = BIT_ULL(lg2), g = t->granule, at[3], offset;
		struct sluice_extent e = {
			.iova = 0, .phys = PT_PHYS(3), .len = size,
		};
		struct sluice_range range = { 0, size - 1 };
		phys_addr_t phys;
		unsigned int i;
		u64 done;

		if (!(t->pt.pgsizes & size))
			continue;
		KUNIT_ASSERT_EQ(test, 0, pt_map(&t->pt, &e, 1, RW, GFP_KERNEL,
						&done, &t->gather));
		at[0] = 0;
		at[1] = (size / 2 + size / 8) & ~(g - 1);
		at[2] = size - g;
		for (i = 0; i < ARRAY_SIZE(at); i++) {
			struct sluice_range page = { at[i], at[i] + g - 1 };

			if (i && at[i] == at[i - 1])
				continue;
			KUNIT_ASSERT_EQ(test, 0, pt_cut(&t->pt, &page,
							GFP_KERNEL,
							&t->gather));
			KUNIT_ASSERT_EQ(test, 1, pt_unmap(&t->pt, at[i], &page,
							  &e, 1, &t->gather));
			KUNIT_ASSERT_EQ(test, e.len, g);
			KUNIT_ASSERT_EQ(test, (u64)e.phys, PT_PHYS(3) + at[i]);
			pt_do_flush(t);
		}
		/* From end to end at odd steps, and next to the holes. */
		for (offset = g / 2; offset < size; offset += size / 61 + g) {
			struct pt_hw_walk walk;
			bool hole = false;
			int ret;

			for (i = 0; i < ARRAY_SIZE(at); i++)
				hole |= (offset & ~(g - 1)) == at[i];
			ret = pt_hw_translate(&t->hw, offset, &walk);
			KUNIT_ASSERT_EQ_MSG(test, ret, hole ? -EFAULT : 0,
					    "2^%u + %#llx", lg2, offset);
			phys = PT_PHYS(3) + offset;
			if (!hole)
				KUNIT_ASSERT_EQ(test, walk.phys, phys);
		}
		while (!sluice_range_empty(&range))
			pt_unmap(&t->pt, 0, &range, &e, 1, &t->gather);
		pt_do_flush(t);
		pt_do_reclaim(t);
		KUNIT_ASSERT_EQ(test, 1, pt_nr_tables(&t->pt));
	}
}

static void refuses_to_cut_within_pages(struct kunit *test)
{
	struct pt_test *t = test->priv;
	struct sluice_range range = pt_range(t, 3, 4);

	pt_do_map(t, 0, 512, PT_PHYS(1), RW);
	range.start++;
	KUNIT_EXPECT_EQ(test, -EINVAL, pt_cut(&t->pt, &range, GFP_KERNEL,
					      &t->gather));
	range = pt_range(t, 3, 4);
	range.last--;
	KUNIT_EXPECT_EQ(test, -EINVAL, pt_cut(&t->pt, &range, GFP_KERNEL,
					      &t->gather));
	pt_check_all(t);
}

/* What was mapped as two kinds is handed back as two, however well it fits. */
static void joins_only_what_is_alike(struct kunit *test)
{
	static const unsigned int prots[] = {
		RW, SLUICE_PROT_READ, RW | SLUICE_PROT_MMIO,
		RW | SLUICE_PROT_REGISTERED, RW, RW,
	};
	struct pt_test *t = test->priv;
	unsigned int i, n = ARRAY_SIZE(prots);

	for (i = 0; i < n; i++)
		pt_do_map(t, i, 1, PT_PHYS(1) + ((u64)i << t->granule_lg2),
			  prots[i]);
	KUNIT_EXPECT_EQ(test, n - 1, pt_do_read(t, 0, n, 16));
	KUNIT_EXPECT_EQ(test, n - 1, pt_do_unmap(t, 0, n, 16));
}

/* An index beyond the tree's end is one of its beginning. */
static void ends_where_it_ends(struct kunit *test)
{
	struct pt_test *t = test->priv;
	u64 start = t->pt.last + 1;
	struct sluice_range range = { start, start + t->granule - 1 };
	struct sluice_extent e;
	phys_addr_t phys;

	pt_do_map(t, 0, 512, PT_PHYS(1), RW);
	if (!start)
		return;
	KUNIT_EXPECT_EQ(test, -ENOENT, pt_iova_to_phys(&t->pt, start, &phys));
	KUNIT_EXPECT_EQ(test, 0, pt_cut(&t->pt, &range, GFP_KERNEL,
					&t->gather));
	KUNIT_EXPECT_EQ(test, 0, pt_unmap(&t->pt, start, &range, &e, 1,
					  &t->gather));
	KUNIT_EXPECT_TRUE(test, sluice_range_empty(&range));
	KUNIT_EXPECT_EQ(test, 0, t->gather.nr);
	range = (struct sluice_range){ start, start + (t->granule << 9) - 1 };
	KUNIT_EXPECT_EQ(test, 0, pt_unmap(&t->pt, start, &range, &e, 1,
					  &t->gather));
	pt_check_all(t);
}

static void translates(struct kunit *test)
{
	struct pt_test *t = test->priv;
	phys_addr_t phys = 0;

	pt_do_map(t, 5, 2, PT_PHYS(1), SLUICE_PROT_WRITE);
	KUNIT_EXPECT_EQ(test, 0, pt_iova_to_phys(&t->pt, pt_iova(t, 6) + 123,
						 &phys));
	KUNIT_EXPECT_EQ(test, (u64)phys, PT_PHYS(1) + t->granule + 123);
	KUNIT_EXPECT_EQ(test, -ENOENT, pt_iova_to_phys(&t->pt, pt_iova(t, 7),
						       &phys));
	KUNIT_EXPECT_EQ(test, -ENOENT, pt_iova_to_phys(&t->pt, U64_MAX, &phys));
}

/* A range may begin and end inside a page; extents are clipped to it. */
static void reads_parts_of_pages(struct kunit *test)
{
	struct pt_test *t = test->priv;
	struct sluice_range range = {
		.start = pt_iova(t, 1) + 7, .last = pt_iova(t, 700) + 9,
	};
	struct sluice_extent e;

	pt_do_map(t, 0, PT_WINDOW_PAGES, PT_PHYS(1), RW);
	KUNIT_ASSERT_EQ(test, 1, pt_read(&t->pt, &range, &e, 1));
	KUNIT_EXPECT_TRUE(test, sluice_range_empty(&range));
	KUNIT_EXPECT_EQ(test, e.iova, pt_iova(t, 1) + 7);
	KUNIT_EXPECT_EQ(test, (u64)e.phys, PT_PHYS(1) + t->granule + 7);
	KUNIT_EXPECT_EQ(test, e.len, pt_iova(t, 700) + 9 - e.iova + 1);
}

/* Rights and all, into a tree of each format. */
static void copies(struct kunit *test)
{
	static const struct pt_config to_cfg[] = {
		{ .levels = 5, .pgsizes = SZ_4K | SZ_2M, .nid = NUMA_NO_NODE },
		{ .levels = 6, .pgsizes = GENMASK_ULL(51, 12),
		  .nid = NUMA_NO_NODE },
		{ .levels = 4, .pgsizes = SZ_4K, .nid = NUMA_NO_NODE },
	};
	static const struct pt_format *const to_fmt[] = {
		&pt_vtdss, &pt_amdv1, &pt_soft,
	};
	struct pt_test *t = test->priv;
	unsigned int i, w, p;

	for (w = 0; w < PT_WINDOWS; w++) {
		pt_do_map(t, w * PT_WINDOW_PAGES, 300, PT_PHYS(w + 1), RW);
		pt_do_map(t, w * PT_WINDOW_PAGES + 700, 1, PT_PHYS(w + 9),
			  SLUICE_PROT_READ | SLUICE_PROT_MMIO);
	}
	for (i = 0; i < ARRAY_SIZE(to_cfg); i++) {
		struct sluice_range range = { .start = 0 };
		struct sluice_extent e;
		struct pt to;

		KUNIT_ASSERT_EQ(test, 0, pt_init(&to, to_fmt[i], &to_cfg[i]));
		/* Up to some page, as far as both reach. */
		range.last = min(pt_iova(t, PT_WINDOW_PAGES + 9) - 1, to.last);
		KUNIT_EXPECT_EQ(test, 0, pt_copy(&to, &t->pt, &range,
						 GFP_KERNEL, &t->gather));
		KUNIT_EXPECT_TRUE(test, sluice_range_empty(&range));
		for (p = 0; p < PT_WINDOW_PAGES + 20; p++) {
			u64 iova = pt_iova(t, p) + t->granule / 2;
			bool copied = t->prot[p] && p < PT_WINDOW_PAGES + 9;

			if (iova > to.last)
				break;
			range = (struct sluice_range){ iova, iova };
			KUNIT_ASSERT_EQ(test, (size_t)copied,
					pt_read(&to, &range, &e, 1));
			if (!copied)
				continue;
			KUNIT_ASSERT_EQ(test, (u64)e.phys,
					t->phys[p] + t->granule / 2);
			KUNIT_ASSERT_EQ(test, e.prot, (unsigned int)t->prot[p]);
		}

		/* A second time everything is there already. */
		range = pt_range(t, 0, 1);
		KUNIT_EXPECT_EQ(test, -EEXIST, pt_copy(&to, &t->pt, &range,
						       GFP_KERNEL, &t->gather));
		KUNIT_EXPECT_EQ(test, range.start, pt_iova(t, 0));
		pt_deinit(&to);
	}
}

/* More small pages than one read goes through become large ones, wherever they begin. */
static void copies_to_large_pages(struct kunit *test)
{
	struct pt_test *t = test->priv;
	const struct pt_config cfg = {
		.levels = 4, .pgsizes = t->granule, .nid = NUMA_NO_NODE,
	};
	struct sluice_extent e = {
		.iova = 256 * t->granule,
		.phys = PT_PHYS(1) + 256 * t->granule,
		.len = 3 * 4096 * t->granule,
		.prot = RW,
	};
	struct sluice_range range = { e.iova, e.iova + (e.len - 1) };
	struct pt from;
	u64 done, at;

	if (t->kase->fmt == &pt_soft)
		kunit_skip(test, "nobody sees page sizes but the tree");
	KUNIT_ASSERT_EQ(test, 0, pt_init(&from, &pt_soft, &cfg));
	KUNIT_ASSERT_EQ(test, 0, pt_map(&from, &e, 1, RW, GFP_KERNEL, &done,
					&t->gather));
	KUNIT_EXPECT_EQ(test, 0, pt_copy(&t->pt, &from, &range, GFP_KERNEL,
					 &t->gather));
	KUNIT_EXPECT_TRUE(test, sluice_range_empty(&range));
	pt_deinit(&from);
	pt_do_flush(t);
	for (at = 0; at < e.len; at += 7 * t->granule) {
		u64 iova = e.iova + at, phys = e.phys + at;
		struct pt_hw_walk walk;

		KUNIT_ASSERT_EQ(test, 0, pt_hw_translate(&t->hw, iova, &walk));
		KUNIT_ASSERT_EQ(test, (u64)walk.phys, phys);
		KUNIT_ASSERT_EQ_MSG(test, BIT_ULL(walk.lg2),
				    largest(t, iova, phys, e.iova,
					    e.iova + (e.len - 1),
					    t->pt.pgsizes),
				    "at %#llx", iova);
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(maps_what_is_asked, pt_case_gen),
	KUNIT_CASE_PARAM(maps_a_vector, pt_case_gen),
	KUNIT_CASE_PARAM(chooses_the_largest_page, pt_case_gen),
	KUNIT_CASE_PARAM(refuses_bad_extents, pt_case_gen),
	KUNIT_CASE_PARAM(keeps_what_is_there, pt_case_gen),
	KUNIT_CASE_PARAM(prepares, pt_case_gen),
	KUNIT_CASE_PARAM(cuts, pt_case_gen),
	KUNIT_CASE_PARAM(cuts_nothing, pt_case_gen),
	KUNIT_CASE_PARAM(cuts_large_pages, pt_case_gen),
	KUNIT_CASE_PARAM(refuses_to_cut_within_pages, pt_case_gen),
	KUNIT_CASE_PARAM(joins_only_what_is_alike, pt_case_gen),
	KUNIT_CASE_PARAM(ends_where_it_ends, pt_case_gen),
	KUNIT_CASE_PARAM(translates, pt_case_gen),
	KUNIT_CASE_PARAM(reads_parts_of_pages, pt_case_gen),
	KUNIT_CASE_PARAM(copies, pt_case_gen),
	KUNIT_CASE_PARAM(copies_to_large_pages, pt_case_gen),
	{}
};

static struct kunit_suite suite = {
	.name = "sluice_pt",
	.init = pt_case_init,
	.exit = pt_case_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
