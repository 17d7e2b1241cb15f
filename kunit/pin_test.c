// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pinned pages to extents: contiguous ones are joined, none is lost.
 *
 * Pinning itself and its books are in legacy_test.c, with user memory.
 */
#include <kunit/test.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include "core/private.h"

#define ORDER	4
#define NR	BIT(ORDER)
#define IOVA	0xffffffff00000000ULL

struct fixture {
	struct page *block;		/* contiguous pages */
	struct page *pages[NR];		/* some of them, in some order */
	struct sluice_extent extents[NR];
};

static void free_block(void *block)
{
	__free_pages(block, ORDER);
}

static struct fixture *fixture(struct kunit *test)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	f->block = alloc_pages(GFP_KERNEL, ORDER);
	KUNIT_ASSERT_NOT_NULL(test, f->block);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, free_block,
							   f->block));
	return f;
}

/* The extents must say, page by page, what @pages say. */
static void check(struct kunit *test, struct fixture *f, size_t nr, size_t used)
{
	size_t i, at = 0;

	for (i = 0; i < nr; i++) {
		const struct sluice_extent *e = &f->extents[i];
		u64 offset;

		KUNIT_ASSERT_EQ(test, e->iova, IOVA + at * PAGE_SIZE);
		KUNIT_ASSERT_GE(test, e->len, PAGE_SIZE);
		for (offset = 0; offset < e->len; offset += PAGE_SIZE) {
			KUNIT_ASSERT_LT(test, at, used);
			KUNIT_ASSERT_EQ(test, (u64)e->phys + offset,
					(u64)page_to_phys(f->pages[at]));
			at++;
		}
		KUNIT_ASSERT_EQ(test, offset, e->len);
	}
	KUNIT_ASSERT_EQ(test, at, used);
}

static void pin_joins_contiguous(struct kunit *test)
{
	struct fixture *f = fixture(test);
	size_t i, nr, used = 0;

	for (i = 0; i < NR; i++)
		f->pages[i] = f->block + i;
	nr = sluice_extents_from_pages(IOVA, f->pages, NR, f->extents, NR,
				       &used);
	KUNIT_EXPECT_EQ(test, nr, 1);
	KUNIT_EXPECT_EQ(test, used, NR);
	check(test, f, nr, used);
}

static void pin_keeps_scattered_apart(struct kunit *test)
{
	struct fixture *f = fixture(test);
	size_t i, nr, used = 0;

	/* Descending, and the same page twice, are not contiguous. */
	for (i = 0; i < NR - 1; i++)
		f->pages[i] = f->block + (NR - 1 - i);
	f->pages[NR - 1] = f->pages[NR - 2];
	nr = sluice_extents_from_pages(IOVA, f->pages, NR, f->extents, NR,
				       &used);
	KUNIT_EXPECT_EQ(test, nr, NR);
	KUNIT_EXPECT_EQ(test, used, NR);
	check(test, f, nr, used);
}

static void pin_stops_when_full(struct kunit *test)
{
	struct fixture *f = fixture(test);
	size_t i, nr, used = 0;

	/* Pairs of contiguous pages. */
	for (i = 0; i < NR; i++)
		f->pages[i] = f->block + (NR - 2 - (i & ~1UL)) + (i & 1);
	nr = sluice_extents_from_pages(IOVA, f->pages, NR, f->extents, 3,
				       &used);
	KUNIT_EXPECT_EQ(test, nr, 3);
	KUNIT_EXPECT_EQ(test, used, 6);
	check(test, f, nr, used);
}

static void pin_random(struct kunit *test)
{
	struct fixture *f = fixture(test);
	struct rnd_state rnd;
	unsigned int round;

	prandom_seed_state(&rnd, 0x9126);
	for (round = 0; round < 1000; round++) {
		size_t max = prandom_u32_state(&rnd) % NR + 1;
		size_t n = prandom_u32_state(&rnd) % NR + 1;
		size_t i, nr, used = 0, want = 1;

		/* Two of three pages follow the one before. */
		for (i = 0; i < n; i++) {
			unsigned int at = prandom_u32_state(&rnd) % NR;

			f->pages[i] = f->block + at;
			if (i && prandom_u32_state(&rnd) % 3 &&
			    f->pages[i - 1] != f->block + NR - 1)
				f->pages[i] = f->pages[i - 1] + 1;
			if (i && f->pages[i] != f->pages[i - 1] + 1)
				want++;
		}
		nr = sluice_extents_from_pages(IOVA, f->pages, n, f->extents,
					       max, &used);
		KUNIT_ASSERT_EQ(test, nr, min(want, max));
		if (want <= max)
			KUNIT_ASSERT_EQ(test, used, n);
		check(test, f, nr, used);
	}
}

static struct kunit_case pin_cases[] = {
	KUNIT_CASE(pin_joins_contiguous),
	KUNIT_CASE(pin_keeps_scattered_apart),
	KUNIT_CASE(pin_stops_when_full),
	KUNIT_CASE(pin_random),
	{}
};

static struct kunit_suite pin_suite = {
	.name = "sluice_pin",
	.test_cases = pin_cases,
};

kunit_test_suite(pin_suite);
