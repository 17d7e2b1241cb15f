// SPDX-License-Identifier: GPL-2.0-only
/*
 * Legacy spaces: a map has the largest pages that IOVA and memory allow, wherever it
 * begins, however its memory was pinned, and in all domains; and nothing is lost or
 * pinned for ever where such a map fails.
 */
#include <linux/mm.h>

#include "layout.h"
#include "legacy_fixture.h"

#define IOVA 0x40000000ULL
#define PAGES(n) ((u64)(n) << PAGE_SHIFT)

/* Pages of a large page of the fake, and of the next larger one. */
#define LARGE ((unsigned long)FAKE_ENTRIES)
#define ROOM (3 * LARGE * LARGE)

static const struct legacy_param params[] = {
	{ "full", SLUICE_SPACE_TYPE1V2, false },
	{ "bare", SLUICE_SPACE_TYPE1V2, true },
};

KUNIT_ARRAY_PARAM_DESC(superpages, params, name);

static struct layout *layout(struct legacy *l)
{
	return layout_create(l->test, l->hw, ROOM);
}

static const struct sluice_domain *first_domain(struct legacy *l)
{
	return sluice_space_first_domain(&l->space);
}

static const struct sluice_domain *last_domain(struct legacy *l)
{
	return list_last_entry(&l->space.domains, struct sluice_domain, node);
}

static int map(struct legacy *l, struct layout *m)
{
	m->nr_notes = 0;
	return legacy_map(l, m->iova, LAYOUT_VADDR, m->npages, RW);
}

/* Maps all of the memory, and expects the best pages in the first and last domain. */
static void map_best(struct legacy *l, struct layout *m)
{
	KUNIT_ASSERT_EQ(l->test, 0, map(l, m));
	KUNIT_EXPECT_EQ(l->test, m->nr_pinned, m->npages);
	KUNIT_EXPECT_EQ(l->test, legacy_locked(l), m->npages);
	layout_expect_best(m, first_domain(l), m->iova, 0, m->npages);
	layout_expect_best(m, last_domain(l), m->iova, 0, m->npages);
}

static void unmap(struct legacy *l, struct layout *m)
{
	KUNIT_EXPECT_EQ(l->test, legacy_unmap_pages(l, m->iova, m->npages),
			m->npages);
	KUNIT_EXPECT_EQ(l->test, m->nr_pinned, 0);
	KUNIT_EXPECT_EQ(l->test, legacy_locked(l), 0);
}

/* Memory in one piece; 256 pages of 4 KiB are where QEMU's RAM begins. */
static void superpages_any_start(struct kunit *test)
{
	static const unsigned int starts[] = { 0, 1, 2, 256, 511, 513, 777 };
	struct legacy *l = legacy_create(test);
	struct layout *m = layout(l);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(starts); i++) {
		/* Where no tables are left that keep pages small. */
		layout_begin(m, IOVA + PAGES(i * 8 * LARGE + starts[i]));
		layout_add(m, 4 * LARGE + 300, 18);
		map_best(l, m);
		KUNIT_EXPECT_GE(test, fake_count_pages(l->fg[0], 1), 3);
		KUNIT_EXPECT_LT(test, fake_count_pages(l->fg[0], 0), 2 * LARGE);
		unmap(l, m);
	}
	legacy_finish(l);
}

static void superpages_mixed_memory(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	struct layout *m = layout(l);
	unsigned int round;

	KUNIT_ASSERT_EQ(test, 0, legacy_attach(l, 2));
	for (round = 0; round < 60; round++) {
		u32 r = prandom_u32_state(&m->rnd);

		layout_mix(m, IOVA + PAGES(r % 2048), 1 + (r >> 16) % 3000);
		map_best(l, m);
		unmap(l, m);
	}
	legacy_finish(l);
}

/* A page of the third size, from pieces of pinned memory that are far smaller. */
static void superpages_of_1g(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	struct layout *m = layout(l);
	unsigned long n = SZ_1G >> PAGE_SHIFT;

	layout_begin(m, IOVA - PAGES(n / 4));
	layout_add(m, n / 4 + n + 77, 18);
	m->short_pins = true;
	map_best(l, m);
	if (fake_size(2) == SZ_1G)
		KUNIT_EXPECT_EQ(test, fake_count_pages(l->fg[0], 2), 1);
	unmap(l, m);
	legacy_finish(l);
}

/* The first domain has but small pages, and says what it has in small pieces. */
static void superpages_second_domain(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	struct layout *m = layout(l);
	u64 pgsizes = l->hw->caps.pgsizes;
	unsigned int round;

	for (round = 0; round < 10; round++) {
		l->hw->caps.pgsizes = fake_size(0);
		layout_mix(m, IOVA + PAGES(100 + 37 * round), 2000);
		if (!round) {
			layout_begin(m, IOVA + PAGES(100));
			layout_add(m, 3 * LARGE, 18);
		}
		KUNIT_ASSERT_EQ(test, 0, map(l, m));
		l->hw->caps.pgsizes = pgsizes;
		l->hw->read_most = 101;
		KUNIT_ASSERT_EQ(test, 0, legacy_attach(l, 2));
		KUNIT_ASSERT_PTR_NE(test, first_domain(l), last_domain(l));
		layout_expect_best(m, last_domain(l), m->iova, 0, m->npages);
		unmap(l, m);
		legacy_detach(l, 2);
	}
	legacy_finish(l);
}

static void expect_nothing(struct legacy *l, struct layout *m)
{
	KUNIT_ASSERT_EQ(l->test, m->nr_pinned, 0);
	KUNIT_ASSERT_EQ(l->test, legacy_locked(l), 0);
	KUNIT_ASSERT_EQ(l->test, fake_count_pages(l->fg[0], 0) +
				 fake_count_pages(l->fg[0], 1) +
				 fake_count_pages(l->fg[0], 2), 0);
	KUNIT_ASSERT_TRUE(l->test, legacy_empty(l));
}

/* Large pages are held back where pinning ends; then there is no more memory. */
static void superpages_no_memory(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	struct layout *m = layout(l);
	unsigned long hole;

	layout_begin(m, IOVA + PAGES(256));
	layout_add(m, 4 * LARGE, 18);
	for (hole = 0; hole < m->npages; hole += 1 + hole / 5) {
		m->hole = hole;
		KUNIT_ASSERT_EQ(test, -EFAULT, map(l, m));
		expect_nothing(l, m);
	}
	m->hole = ULONG_MAX;
	map_best(l, m);
	unmap(l, m);
	legacy_finish(l);
}

/* The n-th page can't be mapped, in either of two domains. */
static void superpages_map_fails(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	struct layout *m = layout(l);
	unsigned int nth;
	int ret;

	KUNIT_ASSERT_EQ(test, 0, legacy_attach(l, 2));
	layout_begin(m, IOVA + PAGES(LARGE / 2));
	layout_add(m, 5 * LARGE, 18);
	layout_add(m, 3, 0);
	layout_add(m, 2 * LARGE, 4);
	for (nth = 1;; nth += 1 + nth / 8) {
		atomic_set(&l->hw->fail_map, nth);
		ret = map(l, m);
		if (!ret)
			break;
		KUNIT_ASSERT_EQ(test, -ENOMEM, ret);
		expect_nothing(l, m);
	}
	KUNIT_EXPECT_GT(test, nth, 10);
	atomic_set(&l->hw->fail_map, 0);
	unmap(l, m);
	legacy_finish(l);
}

static void superpages_killed(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	struct layout *m = layout(l);
	unsigned int nth;

	layout_begin(m, IOVA + PAGES(LARGE / 2));
	layout_add(m, 3 * SLUICE_PIN_BATCH, 18);
	for (nth = 1; nth <= 2; nth++) {
		m->pins = 0;
		m->kill_at = nth;
		KUNIT_EXPECT_EQ(test, -EINTR, map(l, m));
		layout_survive();
		expect_nothing(l, m);
	}
	m->kill_at = 0;
	map_best(l, m);
	/* So is who fills another domain. */
	layout_be_killed();
	KUNIT_EXPECT_EQ(test, -EINTR, legacy_attach(l, 2));
	layout_survive();
	KUNIT_EXPECT_EQ(test, 0, legacy_attach(l, 2));
	unmap(l, m);
	legacy_finish(l);
}

/* Nobody knows what dead hardware reaches: all stays pinned, and charged. */
static void superpages_dead(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	struct layout *m = layout(l);
	unsigned long pinned;

	layout_begin(m, IOVA + PAGES(LARGE / 2));
	layout_add(m, 100, 0);
	layout_add(m, 2 * SLUICE_PIN_BATCH, 18);
	atomic_set(&l->hw->fail_map, 120);
	l->hw->flush_error = -EIO;
	KUNIT_EXPECT_EQ(test, -ENOMEM, map(l, m));
	pinned = m->nr_pinned;
	KUNIT_EXPECT_GE(test, pinned, SLUICE_PIN_BATCH);
	KUNIT_EXPECT_EQ(test, pinned % SLUICE_PIN_BATCH, 0);
	KUNIT_EXPECT_EQ(test, legacy_locked(l), m->npages);
	legacy_detach(l, 0);
	KUNIT_EXPECT_EQ(test, m->nr_pinned, pinned);
	sluice_unaccount(current->mm, m->npages);
	legacy_finish(l);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(superpages_any_start, superpages_gen_params),
	KUNIT_CASE_PARAM(superpages_mixed_memory, superpages_gen_params),
	KUNIT_CASE_PARAM(superpages_of_1g, superpages_gen_params),
	KUNIT_CASE_PARAM(superpages_second_domain, superpages_gen_params),
	KUNIT_CASE_PARAM(superpages_no_memory, superpages_gen_params),
	KUNIT_CASE_PARAM(superpages_map_fails, superpages_gen_params),
	KUNIT_CASE_PARAM(superpages_killed, superpages_gen_params),
	KUNIT_CASE_PARAM(superpages_dead, superpages_gen_params),
	{}
};

static struct kunit_suite suite = {
	.name = "sluice_legacy_superpages",
	.suite_init = fake_suite_init,
	.suite_exit = fake_suite_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
