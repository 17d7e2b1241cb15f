// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page-table suites' fixture: see pt_fixture.h.
 */
#include <linux/sizes.h>
#include <linux/slab.h>

#include "pt_fixture.h"

#define VTD_SIZES	(SZ_4K | SZ_2M | SZ_1G)
#define AMD_SIZES	GENMASK_ULL(51, 12)
/* The software format: the granule, and what an entry one level up spans. */
#define SOFT_UP		(PAGE_SHIFT - 3)
#define SOFT_4K		(SZ_4K | (u64)SZ_4K << SOFT_UP)
#define SOFT_2M		(SZ_2M | (u64)SZ_2M << SOFT_UP)

const struct pt_case pt_cases[] = {
	{ "vtdss-39", &pt_vtdss, 3, 0, VTD_SIZES },
	{ "vtdss-48", &pt_vtdss, 4, 0, VTD_SIZES },
	{ "vtdss-57", &pt_vtdss, 5, 0, VTD_SIZES },
	{ "vtdss-48-4k", &pt_vtdss, 4, 0, SZ_4K },
	{ "vtdss-48-2m", &pt_vtdss, 4, 0, SZ_4K | SZ_2M },
	{ "vtdss-48-snoop", &pt_vtdss, 4, 0, VTD_SIZES, .snoop = true },
	{ "vtdss-39-incoherent", &pt_vtdss, 3, 0, VTD_SIZES,
	  .incoherent = true },
	{ "amdv1-3", &pt_amdv1, 3, 0, AMD_SIZES },
	{ "amdv1-4", &pt_amdv1, 4, 0, AMD_SIZES },
	{ "amdv1-5", &pt_amdv1, 5, 0, AMD_SIZES },
	{ "amdv1-6", &pt_amdv1, 6, 0, AMD_SIZES },
	{ "amdv1-2", &pt_amdv1, 2, 0, AMD_SIZES },
	{ "amdv1-4-4k", &pt_amdv1, 4, 0, SZ_4K },
	{ "amdv1-4-4k-64k-2m", &pt_amdv1, 4, 0, SZ_4K | SZ_64K | SZ_2M },
	{ "amdv1-6-snoop", &pt_amdv1, 6, 0, AMD_SIZES, .snoop = true },
	{ "amdv1-1-grows", &pt_amdv1, 1, 6, AMD_SIZES },
	{ "amdv1-3-grows", &pt_amdv1, 3, 5, AMD_SIZES },
	{ "amdv1-3-grows-incoherent", &pt_amdv1, 3, 6, AMD_SIZES,
	  .incoherent = true },
	{ "soft-4k", &pt_soft, 3, 0, SOFT_4K },
	{ "soft-4k-grows", &pt_soft, 1, 4, SOFT_4K },
	{ "soft-64k", &pt_soft, 3, 0, SZ_64K },
	{ "soft-2m", &pt_soft, 3, 0, SOFT_2M },
	{ "soft-16m-grows", &pt_soft, 2, 3, SZ_16M },
};

const void *pt_case_gen(const void *prev, char *desc)
{
	const struct pt_case *kase = prev ? (const struct pt_case *)prev + 1 :
					    pt_cases;

	if (kase == pt_cases + ARRAY_SIZE(pt_cases))
		return NULL;
	strscpy(desc, kase->name, KUNIT_PARAM_DESC_SIZE);
	return kase;
}

/* ---- Set-up ---- */

/* A flush knows no tree, and KUnit runs one test at a time. */
static struct shadow *behind_cache;

static void write_back(const void *start, size_t bytes)
{
	shadow_write_back(behind_cache, start, bytes);
}

static int grow(struct pt *pt, phys_addr_t root, unsigned int levels)
{
	struct pt_test *t = container_of(pt, struct pt_test, pt);

	/* If it fails, then after the hardware got to know the root. */
	pt_hw_attach(&t->hw, root, levels);
	return t->fail_grow;
}

int pt_case_init(struct kunit *test)
{
	const struct pt_case *kase = test->param_value;
	struct pt_config cfg = {
		.levels = kase->levels,
		.max_levels = kase->max_levels,
		.pgsizes = kase->pgsizes,
		.snoop = kase->snoop,
		.nid = NUMA_NO_NODE,
		.flush = kase->incoherent ? write_back : NULL,
		.grow = kase->max_levels ? grow : NULL,
	};
	struct pt_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	unsigned int levels;
	phys_addr_t root;
	u64 window;

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->test = test;
	t->kase = kase;
	prandom_seed_state(&t->rnd, 20261123);
	pt_hw_init(&t->hw, test, &t->pt, !kase->incoherent);
	behind_cache = &t->hw.shadow;
	KUNIT_ASSERT_EQ(test, 0, pt_init(&t->pt, kase->fmt, &cfg));
	root = pt_root(&t->pt, &levels);
	pt_hw_attach(&t->hw, root, levels);
	sluice_gather_init(&t->gather);

	t->granule_lg2 = __ffs64(kase->pgsizes);
	t->granule = BIT_ULL(t->granule_lg2);
	window = (u64)PT_WINDOW_PAGES << t->granule_lg2;
	t->base[1] = t->pt.last / 2 + 1 - window / 2;
	t->base[2] = t->pt.last - (window - 1);
	test->priv = t;
	return 0;
}

void pt_case_exit(struct kunit *test)
{
	struct pt_test *t = test->priv;

	/* It may have failed half-way. */
	if (!t)
		return;
	pt_do_flush(t);
	pt_deinit(&t->pt);
	KUNIT_EXPECT_EQ(t->test, 0, pt_nr_tables(&t->pt));
	pt_hw_deinit(&t->hw);
}

/* ---- The model ---- */

void pt_expect(struct pt_test *t, unsigned int first, unsigned int n, u64 phys,
	       unsigned int prot)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		t->phys[first + i] = phys + ((u64)i << t->granule_lg2);
		t->prot[first + i] = prot;
	}
}

void pt_forget(struct pt_test *t, unsigned int first, unsigned int n)
{
	memset(&t->prot[first], 0, n);
}

bool pt_model_empty(const struct pt_test *t, unsigned int first, unsigned int n)
{
	return !memchr_inv(&t->prot[first], 0, n);
}

/* ---- Operations ---- */

void pt_do_map_vector(struct pt_test *t, const struct sluice_extent *extents,
		      size_t nr, unsigned int prot)
{
	u64 done = 0;
	int ret;

	ret = pt_map(&t->pt, extents, nr, prot, GFP_KERNEL, &done, &t->gather);
	KUNIT_ASSERT_EQ(t->test, 0, ret);
}

void pt_do_map(struct pt_test *t, unsigned int first, unsigned int n, u64 phys,
	       unsigned int prot)
{
	struct sluice_extent extent = pt_extent(t, first, n, phys);

	pt_do_map_vector(t, &extent, 1, prot);
	pt_expect(t, first, n, phys, prot);
}

void pt_do_cut(struct pt_test *t, unsigned int first, unsigned int n)
{
	struct sluice_range range = pt_range(t, first, n);

	KUNIT_ASSERT_EQ(t->test, 0, pt_cut(&t->pt, &range, GFP_KERNEL,
					   &t->gather));
}

/* Compares what was handed back from page @at on; returns the page behind it. */
static unsigned int check_extent(struct pt_test *t, unsigned int at,
				 unsigned int end,
				 const struct sluice_extent *e)
{
	unsigned int n = e->len >> t->granule_lg2, i;

	while (at < end && !t->prot[at])
		at++;
	KUNIT_ASSERT_LT(t->test, at, end);
	KUNIT_ASSERT_EQ(t->test, e->iova, pt_iova(t, at));
	KUNIT_ASSERT_EQ(t->test, e->len, (u64)n << t->granule_lg2);
	KUNIT_ASSERT_GT(t->test, n, 0);
	KUNIT_ASSERT_LE(t->test, n, end - at);
	for (i = 0; i < n; i++, at++) {
		KUNIT_ASSERT_EQ(t->test, t->phys[at],
				e->phys + ((u64)i << t->granule_lg2));
		KUNIT_ASSERT_EQ(t->test, (unsigned int)t->prot[at], e->prot);
	}
	return at;
}

static unsigned int harvest(struct pt_test *t, unsigned int first,
			    unsigned int n, size_t max, bool clear)
{
	struct sluice_range range = pt_range(t, first, n);
	u64 held = range.start, last = range.last;
	unsigned int at = first, total = 0;
	struct sluice_extent extents[16];
	size_t nr, i;

	KUNIT_ASSERT_LE(t->test, max, ARRAY_SIZE(extents));
	while (!sluice_range_empty(&range)) {
		u64 start = range.start;

		nr = clear ? pt_unmap(&t->pt, held, &range, extents, max,
				      &t->gather) :
			     pt_read(&t->pt, &range, extents, max);
		KUNIT_ASSERT_LE(t->test, nr, max);
		for (i = 0; i < nr; i++)
			at = check_extent(t, at, first + n, &extents[i]);
		total += nr;
		if (sluice_range_empty(&range))
			break;
		KUNIT_ASSERT_GT(t->test, range.start, start);
		KUNIT_ASSERT_EQ(t->test, range.last, last);
	}
	for (; at < first + n; at++)
		KUNIT_ASSERT_EQ_MSG(t->test, t->prot[at], 0,
				    "page %u was not handed back", at);
	return total;
}

unsigned int pt_do_unmap(struct pt_test *t, unsigned int first, unsigned int n,
			 size_t max)
{
	unsigned int total = harvest(t, first, n, max, true);

	pt_forget(t, first, n);
	return total;
}

/* Page by page as well, where that is possible. */
static void check_each(struct pt_test *t, unsigned int first, unsigned int n)
{
	u64 pages[16];
	unsigned int i;

	for (; n; first += i, n -= i) {
		unsigned int nr = min(n, ARRAY_SIZE(pages));
		bool can = pt_read_each(&t->pt, pt_iova(t, first), nr, pages);

		for (i = 0; i < nr && can; i++) {
			u64 want = t->prot[first + i] ?
				   t->phys[first + i] | t->prot[first + i] : 0;

			KUNIT_ASSERT_EQ(t->test, want, pages[i]);
		}
		i = nr;
	}
}

unsigned int pt_do_read(struct pt_test *t, unsigned int first, unsigned int n,
			size_t max)
{
	check_each(t, first, n);
	return harvest(t, first, n, max, false);
}

void pt_do_flush(struct pt_test *t)
{
	pt_hw_invalidate(&t->hw, &t->gather);
	pt_hw_check_cache(&t->hw);
	pt_free_gathered(&t->pt, &t->gather);
	KUNIT_EXPECT_TRUE(t->test, list_empty(&t->gather.tables));
	sluice_gather_init(&t->gather);
}

void pt_do_reclaim(struct pt_test *t)
{
	pt_reclaim(&t->pt, &t->gather);
	pt_do_flush(t);
}

/* ---- Checks ---- */

#define RIGHTS (SLUICE_PROT_READ | SLUICE_PROT_WRITE)

/* Not only the first byte of each page. */
static u64 offset_in(const struct pt_test *t, unsigned int page)
{
	return page % 3 * (t->granule / 2 - 1);
}

bool pt_page_right(struct pt_test *t, unsigned int page)
{
	u64 offset = offset_in(t, page);
	struct pt_hw_walk walk;
	int ret = pt_hw_translate(&t->hw, pt_iova(t, page) + offset, &walk);

	if (!t->prot[page])
		return ret == -EFAULT;
	return !ret && walk.phys == t->phys[page] + offset &&
	       walk.prot == (t->prot[page] & RIGHTS);
}

void pt_check(struct pt_test *t, unsigned int first, unsigned int n)
{
	unsigned int page;

	for (page = first; page < first + n; page++) {
		u64 offset = offset_in(t, page);
		struct pt_hw_walk walk;
		int ret = pt_hw_access(&t->hw, pt_iova(t, page) + offset,
				       &walk);

		KUNIT_ASSERT_EQ_MSG(t->test, ret, t->prot[page] ? 0 : -EFAULT,
				    "page %u", page);
		if (ret)
			continue;
		KUNIT_ASSERT_EQ_MSG(t->test, (u64)walk.phys,
				    t->phys[page] + offset, "page %u", page);
		KUNIT_ASSERT_EQ_MSG(t->test, walk.prot,
				    (unsigned int)t->prot[page] & RIGHTS,
				    "page %u", page);
	}
}

void pt_check_all(struct pt_test *t)
{
	pt_check(t, 0, PT_PAGES);
	KUNIT_ASSERT_EQ(t->test, 0, atomic_read(&t->hw.violations));
}
