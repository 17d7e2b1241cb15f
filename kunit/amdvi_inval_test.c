// SPDX-License-Identifier: GPL-2.0-only
/*
 * AMD-Vi: commands made from gathers: as narrow as can be told, and one wait for all.
 */
#include <linux/sizes.h>

#include "amdvi_hw.h"

#define DID 0x1234

static struct fake_amdvi *create(struct kunit *test)
{
	return fake_amdvi_create(test, FAKE_AMDVI_CAP, FAKE_AMDVI_EFR);
}

static void gather_one(struct sluice_gather *gather, u64 start, u64 last,
		       bool nonleaf)
{
	sluice_gather_init(gather);
	sluice_gather_add(gather, start, last, 12);
	gather->nonleaf = nonleaf;
}

/* Golden words, 2.4.3: from the specification's table of sizes. */
static void golden(struct kunit *test)
{
	static const struct {
		u64 start, last;
		bool nonleaf;
		u64 word;
	} s[] = {
		{ 0x5000, 0x5fff, false, 0x5000 },
		{ 0x5000, 0x5fff, true, 0x5002 },
		{ 0xfffffffff000, 0xffffffffffff, false, 0xfffffffff000 },
		/* 8 KiB: bit 12 is the 0. */
		{ 0x2000, 0x3fff, false, 0x2001 },
		/* 16 KiB: bit 13 is, bit 12 is 1. */
		{ 0x4000, 0x7fff, false, 0x5001 },
		{ 0x200000, 0x3fffff, false, 0x2ff001 },
		{ 0x40000000, 0x7fffffff, true, 0x5ffff003 },
		{ 0, U64_MAX, true, 0x7ffffffffffff003 },
	};
	struct fake_amdvi *hw = create(test);
	struct sluice_gather gather;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(s); i++) {
		gather_one(&gather, s[i].start, s[i].last, s[i].nonleaf);
		hw->nr_cmds = 0;
		KUNIT_EXPECT_EQ(test, 0,
				amdvi_inval_domain(&hw->unit, DID, &gather));
		KUNIT_EXPECT_EQ(test, hw->nr_cmds, 2);
		KUNIT_EXPECT_EQ(test, hw->cmd[0][0],
				3ULL << 60 | (u64)DID << 32);
		KUNIT_EXPECT_EQ_MSG(test, hw->cmd[0][1], s[i].word, "%u", i);
	}
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&hw->violations));
}

/* The range that a command is about. */
static struct sluice_range told(const u64 *cmd)
{
	u64 address = cmd[1] >> 12, zero = 1;

	if (cmd[1] & 1)
		zero = (~address & (address + 1)) << 1;
	address &= ~(zero - 1);
	return (struct sluice_range){ address << 12,
				      ((address + zero) << 12) - 1 };
}

/* No page too few, and none too many as long as there is room for commands. */
static void exact(struct kunit *test)
{
	static const struct sluice_range s[] = {
		{ 0x1000, 0x2fff },
		{ 0x3000, 0xcfff },
		{ 0x1fff000, 0x2000fff },
		{ 0x3ffff000, 0x80000fff },
		{ 0, 0x12345fff },
	};
	struct fake_amdvi *hw = create(test);
	struct sluice_gather gather;
	unsigned int i, n;
	u64 at;

	for (i = 0; i < ARRAY_SIZE(s); i++) {
		gather_one(&gather, s[i].start, s[i].last, false);
		hw->nr_cmds = 0;
		hw->waits = 0;
		KUNIT_ASSERT_EQ(test, 0,
				amdvi_inval_domain(&hw->unit, DID, &gather));
		KUNIT_EXPECT_EQ(test, hw->waits, 1);
		at = s[i].start;
		for (n = 0; n < hw->nr_cmds - 1; n++) {
			struct sluice_range r = told(hw->cmd[n]);

			KUNIT_EXPECT_EQ(test, r.start, at);
			at = r.last + 1;
		}
		KUNIT_EXPECT_EQ(test, at, s[i].last + 1);
	}
}

/* What would take more is told with one block around it, and covered. */
static void too_many(struct kunit *test)
{
	struct fake_amdvi *hw = create(test);
	struct sluice_gather gather;
	struct sluice_range r;

	gather_one(&gather, 0x1000, 0x7ffffffffffeffffULL & ~0xfffULL, false);
	gather.ranges[0].last = 0x7ffffffeffffffULL - 0x1000;
	hw->nr_cmds = 0;
	KUNIT_ASSERT_EQ(test, 0, amdvi_inval_domain(&hw->unit, DID, &gather));
	KUNIT_EXPECT_EQ(test, hw->nr_cmds, 2);
	r = told(hw->cmd[0]);
	KUNIT_EXPECT_LE(test, r.start, gather.ranges[0].start);
	KUNIT_EXPECT_GE(test, r.last, gather.ranges[0].last);
}

static void several_ranges(struct kunit *test)
{
	struct fake_amdvi *hw = create(test);
	struct sluice_gather gather;
	unsigned int i, n = SLUICE_GATHER_RANGES;

	sluice_gather_init(&gather);
	for (i = 0; i < n; i++)
		sluice_gather_add(&gather, (u64)i << 30,
				  ((u64)i << 30) + SZ_4K - 1, 12);
	hw->nr_cmds = 0;
	KUNIT_ASSERT_EQ(test, 0, amdvi_inval_domain(&hw->unit, DID, &gather));
	KUNIT_EXPECT_EQ(test, hw->nr_cmds, gather.nr + 1);
	for (i = 0; i < gather.nr; i++)
		KUNIT_EXPECT_EQ(test, told(hw->cmd[i]).start,
				gather.ranges[i].start);
	/* Tables alone: everything, since their place isn't known. */
	sluice_gather_init(&gather);
	gather.nonleaf = true;
	hw->nr_cmds = 0;
	KUNIT_ASSERT_EQ(test, 0, amdvi_inval_domain(&hw->unit, DID, &gather));
	KUNIT_EXPECT_EQ(test, hw->nr_cmds, 2);
	KUNIT_EXPECT_EQ(test, hw->cmd[0][1], 0x7ffffffffffff003);
}

static void entries(struct kunit *test)
{
	static const u16 rids[] = { 0x100, 0x208 };
	struct fake_amdvi *hw = create(test);

	KUNIT_ASSERT_EQ(test, 0, amdvi_inval_dte(&hw->unit, rids, 2, DID));
	/* The entry, then its domain, and only then the next. */
	KUNIT_EXPECT_EQ(test, hw->nr_cmds, 6);
	KUNIT_EXPECT_EQ(test, hw->cmd[0][0], 2ULL << 60 | 0x100);
	KUNIT_EXPECT_EQ(test, hw->cmd[1][0], 3ULL << 60 | (u64)DID << 32);
	KUNIT_EXPECT_EQ(test, hw->cmd[1][1], 0x7ffffffffffff003);
	KUNIT_EXPECT_EQ(test, hw->cmd[3][0], 2ULL << 60 | 0x208);
	KUNIT_EXPECT_EQ(test, hw->waits, 2);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(golden),
	KUNIT_CASE(exact),
	KUNIT_CASE(too_many),
	KUNIT_CASE(several_ranges),
	KUNIT_CASE(entries),
	{}
};

static struct kunit_suite suite = {
	.name = "sluice_amdvi_inval",
	.test_cases = cases,
};

kunit_test_suite(suite);
