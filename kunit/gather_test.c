// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a flush is told to invalidate: never less than what was cleared.
 */
#include <kunit/test.h>
#include <linux/prandom.h>
#include <sluice/backend.h>

static bool covers(const struct sluice_gather *gather, u64 start, u64 last)
{
	unsigned int i;

	for (i = 0; i < gather->nr; i++) {
		if (gather->ranges[i].start <= start &&
		    gather->ranges[i].last >= last)
			return true;
	}
	return false;
}

static void gather_starts_empty(struct kunit *test)
{
	struct sluice_gather gather;

	memset(&gather, 0xff, sizeof(gather));
	sluice_gather_init(&gather);
	KUNIT_EXPECT_EQ(test, gather.nr, 0);
	KUNIT_EXPECT_FALSE(test, gather.nonleaf);
	KUNIT_EXPECT_TRUE(test, list_empty(&gather.iotlb.freelist));
}

static void gather_joins_neighbours(struct kunit *test)
{
	static const struct sluice_range pairs[][2] = {
		{ { 0x2000, 0x2fff }, { 0x3000, 0x3fff } },	/* after */
		{ { 0x3000, 0x3fff }, { 0x2000, 0x2fff } },	/* before */
		{ { 0x2000, 0x3fff }, { 0x3000, 0x3fff } },	/* inside */
		{ { 0x2000, 0x2fff }, { 0x2000, 0x3fff } },	/* around */
		{ { 0x2000, 0x37ff }, { 0x3000, 0x3fff } },	/* across */
	};
	struct sluice_gather gather;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		sluice_gather_init(&gather);
		sluice_gather_add(&gather, pairs[i][0].start, pairs[i][0].last,
				  PAGE_SHIFT);
		sluice_gather_add(&gather, pairs[i][1].start, pairs[i][1].last,
				  PAGE_SHIFT);
		KUNIT_EXPECT_EQ_MSG(test, gather.nr, 1, "pair %zu", i);
		KUNIT_EXPECT_EQ(test, gather.ranges[0].start, 0x2000);
		KUNIT_EXPECT_EQ(test, gather.ranges[0].last, 0x3fff);
	}
}

static void gather_keeps_apart(struct kunit *test)
{
	struct sluice_gather gather;

	sluice_gather_init(&gather);
	sluice_gather_add(&gather, 0x1000, 0x1fff, PAGE_SHIFT);
	sluice_gather_add(&gather, 0x2001, 0x2fff, PAGE_SHIFT);
	KUNIT_EXPECT_EQ(test, gather.nr, 2);
}

static void gather_at_the_ends(struct kunit *test)
{
	struct sluice_gather gather;

	/* The first and the last byte are not neighbours. */
	sluice_gather_init(&gather);
	sluice_gather_add(&gather, 0, 0xfff, PAGE_SHIFT);
	sluice_gather_add(&gather, U64_MAX - 0xfff, U64_MAX, PAGE_SHIFT);
	KUNIT_EXPECT_EQ(test, gather.nr, 2);
	KUNIT_EXPECT_TRUE(test, covers(&gather, 0, 0xfff));
	KUNIT_EXPECT_TRUE(test, covers(&gather, U64_MAX - 0xfff, U64_MAX));

	sluice_gather_add(&gather, 0, U64_MAX, PAGE_SHIFT);
	KUNIT_EXPECT_TRUE(test, covers(&gather, 0, U64_MAX));
}

static void gather_smallest_leaf(struct kunit *test)
{
	struct sluice_gather gather;

	sluice_gather_init(&gather);
	sluice_gather_add(&gather, 0, BIT_ULL(30) - 1, 30);
	KUNIT_EXPECT_EQ(test, gather.leaf_lg2, 30);
	sluice_gather_add(&gather, BIT_ULL(40), BIT_ULL(40) + 0xfff, 12);
	KUNIT_EXPECT_EQ(test, gather.leaf_lg2, 12);
	sluice_gather_add(&gather, BIT_ULL(50), BIT_ULL(50) + 0x1fffff, 21);
	KUNIT_EXPECT_EQ(test, gather.leaf_lg2, 12);
}

/* Too many ranges: the two closest become one, the others stay exact. */
static void gather_joins_closest(struct kunit *test)
{
	struct sluice_gather gather;
	unsigned int i;

	sluice_gather_init(&gather);
	for (i = 0; i < SLUICE_GATHER_RANGES; i++) {
		u64 start = (u64)i << 30;

		if (i == 5)	/* 64 KiB behind the end of number 4 */
			start = (4ULL << 30) + 0x10fff + 1;
		sluice_gather_add(&gather, start, start + 0xfff, PAGE_SHIFT);
	}
	KUNIT_ASSERT_EQ(test, gather.nr, SLUICE_GATHER_RANGES);

	sluice_gather_add(&gather, 100ULL << 30, (100ULL << 30) + 0xfff,
			  PAGE_SHIFT);
	KUNIT_EXPECT_EQ(test, gather.nr, SLUICE_GATHER_RANGES);
	KUNIT_EXPECT_TRUE(test, covers(&gather, 4ULL << 30,
				       (4ULL << 30) + 0x11fff));
	KUNIT_EXPECT_TRUE(test, covers(&gather, 100ULL << 30,
				       (100ULL << 30) + 0xfff));
	for (i = 0; i < SLUICE_GATHER_RANGES; i++) {
		u64 len = gather.ranges[i].last - gather.ranges[i].start + 1;

		KUNIT_EXPECT_LE(test, len, 0x12000);
	}
}

#define RANDOM_ADDS 40

static void gather_random(struct kunit *test)
{
	struct sluice_range added[RANDOM_ADDS];
	struct sluice_gather gather;
	unsigned int round, i, j;
	struct rnd_state rnd;

	prandom_seed_state(&rnd, 0x51);
	for (round = 0; round < 500; round++) {
		sluice_gather_init(&gather);
		for (i = 0; i < RANDOM_ADDS; i++) {
			u64 start = prandom_u32_state(&rnd) & 0xffff000;
			u64 len = (prandom_u32_state(&rnd) & 0x7fff) + 1;

			if (round & 1)	/* at the very top */
				start = U64_MAX - start - len + 1;
			added[i].start = start;
			added[i].last = start + (len - 1);
			sluice_gather_add(&gather, start, start + (len - 1),
					  PAGE_SHIFT);
			KUNIT_ASSERT_LE(test, gather.nr, SLUICE_GATHER_RANGES);
			for (j = 0; j <= i; j++)
				KUNIT_ASSERT_TRUE(test,
						  covers(&gather,
							 added[j].start,
							 added[j].last));
		}
	}
}

static struct kunit_case gather_cases[] = {
	KUNIT_CASE(gather_starts_empty),
	KUNIT_CASE(gather_joins_neighbours),
	KUNIT_CASE(gather_keeps_apart),
	KUNIT_CASE(gather_at_the_ends),
	KUNIT_CASE(gather_smallest_leaf),
	KUNIT_CASE(gather_joins_closest),
	KUNIT_CASE(gather_random),
	{}
};

static struct kunit_suite gather_suite = {
	.name = "sluice_gather",
	.test_cases = gather_cases,
};

kunit_test_suite(gather_suite);
