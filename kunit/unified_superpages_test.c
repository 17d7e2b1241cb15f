// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unified spaces: a map has the largest pages that IOVA and memory allow, by address, by
 * handle and in an atomic batch, wherever it begins, and in all domains; and nothing is
 * lost or pinned for ever where such a map fails.
 */
#include "layout.h"
#include "unified_fixture.h"

#define LARGE ((unsigned long)FAKE_ENTRIES)
#define ROOM (3 * LARGE * LARGE)

/**
 * struct way - how memory is mapped
 * @name: for the test's name
 * @handle: it is registered before
 * @atomic: by a batch that is all or nothing
 */
struct way {
	const char *name;
	bool handle;
	bool atomic;
};

static const struct way ways[] = {
	{ "address", false, false },
	{ "handle", true, false },
	{ "atomic-address", false, true },
	{ "atomic-handle", true, true },
};

KUNIT_ARRAY_PARAM_DESC(superpages, ways, name);

/**
 * struct fixture - a space, and memory
 * @u: the space
 * @m: the memory
 * @way: how it is mapped
 * @handle: 0, or that of the registered memory
 */
struct fixture {
	struct unified *u;
	struct layout *m;
	const struct way *way;
	u32 handle;
};

/* With group 0, and a window that has room for a page of the third size. */
static struct fixture create(struct kunit *test)
{
	struct fixture f = {
		.u = unified_create(test), .way = test->param_value,
	};

	KUNIT_ASSERT_EQ(test, 0, unified_attach(f.u, 0));
	KUNIT_ASSERT_EQ(test, 0, unified_window(f.u, WIN, 4 * WIN_SIZE,
						PAGE_SHIFT));
	f.m = layout_create(test, f.u->hw, ROOM);
	return f;
}

static const struct sluice_domain *first_domain(struct fixture *f)
{
	return sluice_space_first_domain(&f->u->space);
}

static const struct sluice_domain *last_domain(struct fixture *f)
{
	return list_last_entry(&f->u->space.domains, struct sluice_domain,
			       node);
}

/* Registers the memory if need be, once it has been laid out. */
static int prepare(struct fixture *f)
{
	if (!f->way->handle)
		return 0;
	return unified_register(f->u, LAYOUT_VADDR, f->m->npages, RW,
				&f->handle);
}

/* A map of a part of the memory at its place. */
static struct sluice_dma_op make_part(struct fixture *f, unsigned long first,
				      unsigned long npages)
{
	u64 iova = f->m->iova + PAGES(first);

	if (f->handle)
		return make_map_handle(iova, f->handle, first, npages, RW);
	return make_map(iova, LAYOUT_VADDR + PAGES(first), npages, RW);
}

static int map_part(struct fixture *f, unsigned long first,
		    unsigned long npages)
{
	struct sluice_dma_op op = make_part(f, first, npages);

	f->m->nr_notes = 0;
	return f->way->atomic ? unified_atomic(f->u, &op, 1) :
				unified_batch(f->u, &op, 1);
}

static void map_best(struct fixture *f)
{
	unsigned long n = f->m->npages;

	KUNIT_ASSERT_EQ(f->u->test, 0, map_part(f, 0, n));
	KUNIT_EXPECT_EQ(f->u->test, f->m->nr_pinned, n);
	KUNIT_EXPECT_EQ(f->u->test, unified_locked(f->u), n);
	layout_expect_best(f->m, first_domain(f), f->m->iova, 0, n);
	layout_expect_best(f->m, last_domain(f), f->m->iova, 0, n);
}

/* Unmaps it, and the memory is unregistered. */
static void unmap(struct fixture *f)
{
	KUNIT_EXPECT_EQ(f->u->test, unified_clear(f->u), f->m->npages);
	if (f->handle)
		KUNIT_EXPECT_EQ(f->u->test, 0,
				unified_unregister(f->u, f->handle));
	f->handle = 0;
	KUNIT_EXPECT_EQ(f->u->test, f->m->nr_pinned, 0);
	KUNIT_EXPECT_EQ(f->u->test, unified_locked(f->u), 0);
}

static void superpages_any_start(struct kunit *test)
{
	static const unsigned int starts[] = { 0, 1, 2, 256, 511, 513, 777 };
	struct fixture f = create(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(starts); i++) {
		/* Where no tables are left that keep pages small. */
		layout_begin(f.m, WIN + PAGES(i * 8 * LARGE + starts[i]));
		layout_add(f.m, 4 * LARGE + 300, 18);
		KUNIT_ASSERT_EQ(test, 0, prepare(&f));
		map_best(&f);
		KUNIT_EXPECT_GE(test, fake_count_pages(f.u->fg[0], 1), 3);
		KUNIT_EXPECT_LT(test, fake_count_pages(f.u->fg[0], 0),
				2 * LARGE);
		unmap(&f);
	}
	unified_finish(f.u);
}

static void superpages_mixed_memory(struct kunit *test)
{
	struct fixture f = create(test);
	unsigned int round;

	KUNIT_ASSERT_EQ(test, 0, unified_attach(f.u, 2));
	for (round = 0; round < 60; round++) {
		u32 r = prandom_u32_state(&f.m->rnd);

		layout_mix(f.m, WIN + PAGES(r % 2048), 1 + (r >> 16) % 3000);
		KUNIT_ASSERT_EQ(test, 0, prepare(&f));
		map_best(&f);
		unmap(&f);
	}
	unified_finish(f.u);
}

/* A page of the third size, from pieces of pinned memory that are far smaller. */
static void superpages_of_1g(struct kunit *test)
{
	unsigned long n = SZ_1G >> PAGE_SHIFT;
	struct fixture f = create(test);

	layout_begin(f.m, WIN + SZ_1G - PAGES(n / 4));
	layout_add(f.m, n / 4 + n + 77, 18);
	f.m->short_pins = true;
	KUNIT_ASSERT_EQ(test, 0, prepare(&f));
	map_best(&f);
	if (fake_size(2) == SZ_1G)
		KUNIT_EXPECT_EQ(test, fake_count_pages(f.u->fg[0], 2), 1);
	unmap(&f);
	unified_finish(f.u);
}

/*
 * The first domain has but small pages, and says what it has in small pieces. It doesn't
 * know either by how many operations that was mapped.
 */
static void superpages_second_domain(struct kunit *test)
{
	struct fixture f = create(test);
	u64 pgsizes = f.u->hw->caps.pgsizes;
	unsigned long first, n;
	unsigned int round;

	for (round = 0; round < 6; round++) {
		f.u->hw->caps.pgsizes = fake_size(0);
		layout_mix(f.m, WIN + PAGES(100 + 37 * round), 2000);
		if (!round) {
			layout_begin(f.m, WIN + PAGES(100));
			layout_add(f.m, 3 * LARGE, 18);
		}
		KUNIT_ASSERT_EQ(test, 0, prepare(&f));
		for (first = 0; first < f.m->npages; first += n) {
			n = min(f.m->npages - first, 700UL);
			KUNIT_ASSERT_EQ(test, 0, map_part(&f, first, n));
		}
		f.u->hw->caps.pgsizes = pgsizes;
		f.u->hw->read_most = 101;
		KUNIT_ASSERT_EQ(test, 0, unified_attach(f.u, 2));
		KUNIT_ASSERT_PTR_NE(test, first_domain(&f), last_domain(&f));
		layout_expect_best(f.m, last_domain(&f), f.m->iova, 0,
				   f.m->npages);
		unmap(&f);
		unified_detach(f.u, 2);
	}
	unified_finish(f.u);
}

static void expect_nothing(struct fixture *f)
{
	struct fake_group *fg = f->u->fg[0];

	KUNIT_ASSERT_EQ(f->u->test, f->m->nr_pinned,
			f->handle ? f->m->npages : 0);
	KUNIT_ASSERT_EQ(f->u->test, unified_locked(f->u), f->m->nr_pinned);
	KUNIT_ASSERT_EQ(f->u->test, fake_count_pages(fg, 0) +
				    fake_count_pages(fg, 1) +
				    fake_count_pages(fg, 2), 0);
}

/* Large pages are held back where pinning ends; then there is no more memory. */
static void superpages_no_memory(struct kunit *test)
{
	struct fixture f = create(test);
	unsigned long hole;

	layout_begin(f.m, WIN + PAGES(256));
	layout_add(f.m, 4 * LARGE, 18);
	for (hole = 0; hole < f.m->npages; hole += 1 + hole / 5) {
		f.m->hole = hole;
		KUNIT_ASSERT_EQ(test, -EFAULT,
				prepare(&f) ?: map_part(&f, 0, f.m->npages));
		expect_nothing(&f);
	}
	f.m->hole = ULONG_MAX;
	KUNIT_ASSERT_EQ(test, 0, prepare(&f));
	map_best(&f);
	unmap(&f);
	unified_finish(f.u);
}

/* As a batch does it, but without a second try when tables have been reclaimed. */
static int try_once(struct fixture *f, unsigned int nth)
{
	struct sluice_dma_op op = make_part(f, 0, f->m->npages);
	struct sluice_space *space = &f->u->space;
	struct sluice_txn txn;
	int ret;

	down_read(&space->lock);
	ret = sluice_txn_begin(&txn, space, true);
	KUNIT_ASSERT_EQ(f->u->test, 0, ret);
	atomic_set(&f->u->hw->fail_map, nth);
	ret = sluice_op_run(&txn, &op);
	atomic_set(&f->u->hw->fail_map, 0);
	KUNIT_EXPECT_EQ(f->u->test, 0, sluice_txn_end(&txn));
	up_read(&space->lock);
	return ret;
}

/* The n-th page can't be mapped, in either of two domains. */
static void superpages_map_fails(struct kunit *test)
{
	struct fixture f = create(test);
	unsigned int nth;
	int ret;

	/* After a prepare it can't fail. */
	if (f.way->atomic) {
		unified_finish(f.u);
		kunit_skip(test, "atomic");
	}
	KUNIT_ASSERT_EQ(test, 0, unified_attach(f.u, 2));
	layout_begin(f.m, WIN + PAGES(LARGE / 2));
	layout_add(f.m, 5 * LARGE, 18);
	layout_add(f.m, 3, 0);
	layout_add(f.m, 2 * LARGE, 4);
	KUNIT_ASSERT_EQ(test, 0, prepare(&f));
	for (nth = 1; (ret = try_once(&f, nth)); nth += 1 + nth / 8) {
		KUNIT_ASSERT_EQ(test, -ENOMEM, ret);
		expect_nothing(&f);
	}
	KUNIT_EXPECT_GT(test, nth, 10);
	unmap(&f);
	unified_finish(f.u);
}

static void superpages_killed(struct kunit *test)
{
	struct fixture f = create(test);
	unsigned int nth;

	layout_begin(f.m, WIN + PAGES(LARGE / 2));
	layout_add(f.m, 3 * SLUICE_PIN_BATCH, 18);
	for (nth = 1; nth <= 2; nth++) {
		f.m->pins = 0;
		f.m->kill_at = nth;
		KUNIT_EXPECT_EQ(test, -EINTR,
				prepare(&f) ?: map_part(&f, 0, f.m->npages));
		layout_survive();
		expect_nothing(&f);
	}
	f.m->kill_at = 0;
	KUNIT_ASSERT_EQ(test, 0, prepare(&f));
	map_best(&f);
	/* So is who fills another domain. */
	layout_be_killed();
	KUNIT_EXPECT_EQ(test, -EINTR, unified_attach(f.u, 2));
	layout_survive();
	KUNIT_EXPECT_EQ(test, 0, unified_attach(f.u, 2));
	unmap(&f);
	unified_finish(f.u);
}

/* A window of large pages gets them, and memory without them is refused. */
static void superpages_large_window(struct kunit *test)
{
	u64 start = 8 * WIN_SIZE, page = fake_size(1);
	struct fixture f = create(test);
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 0, unified_window(f.u, start, WIN_SIZE,
						fake_lg2(1)));
	for (i = 0; i < 4; i++) {
		layout_begin(f.m, start + page);
		layout_add(f.m, LARGE, 9);
		/* Two pages that are one; then one a bit too far on. */
		layout_add(f.m, 2 * LARGE, 12);
		layout_add(f.m, LARGE, i & 1 ? 8 : 9);
		f.m->short_pins = i & 2;
		KUNIT_ASSERT_EQ(test, 0, prepare(&f));
		if (i & 1) {
			KUNIT_EXPECT_EQ(test, -EINVAL,
					map_part(&f, 0, f.m->npages));
			expect_nothing(&f);
			KUNIT_ASSERT_EQ(test, 0, map_part(&f, 0, 3 * LARGE));
			KUNIT_EXPECT_EQ(test, unified_clear(f.u), 3 * LARGE);
			if (f.handle)
				unified_unregister(f.u, f.handle);
			f.handle = 0;
			expect_nothing(&f);
			continue;
		}
		map_best(&f);
		KUNIT_EXPECT_EQ(test, fake_count_pages(f.u->fg[0], 1), 4);
		unmap(&f);
	}
	unified_finish(f.u);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(superpages_any_start, superpages_gen_params),
	KUNIT_CASE_PARAM(superpages_mixed_memory, superpages_gen_params),
	KUNIT_CASE_PARAM(superpages_of_1g, superpages_gen_params),
	KUNIT_CASE_PARAM(superpages_second_domain, superpages_gen_params),
	KUNIT_CASE_PARAM(superpages_no_memory, superpages_gen_params),
	KUNIT_CASE_PARAM(superpages_map_fails, superpages_gen_params),
	KUNIT_CASE_PARAM(superpages_killed, superpages_gen_params),
	KUNIT_CASE_PARAM(superpages_large_window, superpages_gen_params),
	{}
};

static struct kunit_suite suite = {
	.name = "sluice_unified_superpages",
	.suite_init = fake_suite_init,
	.suite_exit = fake_suite_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
