// SPDX-License-Identifier: GPL-2.0-only
/*
 * AMD-Vi: the command buffer, hardware that is slow, that stops, or that has died; and
 * the units around it.
 */
#include "amdvi_hw.h"
#include "threads.h"

static int inval(struct fake_amdvi *hw, u16 rid)
{
	return amdvi_inval_interrupts(&hw->unit, rid);
}

static void expect_idle(struct kunit *test, struct fake_amdvi *hw)
{
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&hw->violations));
	KUNIT_EXPECT_EQ(test, hw->reg[0x2000 / 8], hw->reg[0x2008 / 8]);
}

/* Many times round the ring, in order, each with its wait. */
static void in_order(struct kunit *test)
{
	struct fake_amdvi *hw = fake_amdvi_create(test, FAKE_AMDVI_CAP,
						  FAKE_AMDVI_EFR);
	unsigned int i;

	for (i = 0; i < 3000; i++) {
		hw->nr_cmds = 0;
		KUNIT_ASSERT_EQ(test, 0, inval(hw, i));
		KUNIT_ASSERT_EQ(test, hw->nr_cmds, 2);
		KUNIT_ASSERT_EQ(test, hw->cmd[0][0], 5ULL << 60 | i);
		KUNIT_ASSERT_EQ(test, hw->cmd[1][0] >> 60, 1);
	}
	KUNIT_EXPECT_EQ(test, hw->pauses, 0);
	expect_idle(test, hw);
}

static int submit_many(struct test_thread *self)
{
	struct fake_amdvi *hw = self->arg;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < 500 && !ret; i++)
		ret = inval(hw, self->nr);
	return ret;
}

static void several_threads(struct kunit *test)
{
	struct fake_amdvi *hw = fake_amdvi_create(test, FAKE_AMDVI_CAP,
						  FAKE_AMDVI_EFR);

	test_threads_run(test, 4, submit_many, hw);
	KUNIT_EXPECT_EQ(test, hw->waits, 2000);
	KUNIT_EXPECT_EQ(test, hw->nr_cmds, 4000);
	expect_idle(test, hw);
}

/* Nothing returns before it is done. */
static void slow(struct kunit *test)
{
	struct fake_amdvi *hw = fake_amdvi_create(test, FAKE_AMDVI_CAP,
						  FAKE_AMDVI_EFR);
	unsigned int i;

	hw->slow = 3;
	for (i = 0; i < 50; i++) {
		hw->nr_cmds = 0;
		hw->pauses = 0;
		KUNIT_ASSERT_EQ(test, 0, inval(hw, i));
		KUNIT_ASSERT_EQ(test, hw->nr_cmds, 2);
		KUNIT_ASSERT_GE(test, hw->pauses, 3);
	}
	expect_idle(test, hw);
}

/* At any of its commands: it is restarted, and what was lost is done. */
static void stops_once(struct kunit *test)
{
	struct fake_amdvi *hw = fake_amdvi_create(test, FAKE_AMDVI_CAP,
						  FAKE_AMDVI_EFR);
	unsigned int i;

	for (i = 1; i <= 2; i++) {
		hw->nr_cmds = 0;
		hw->waits = 0;
		hw->stops = i;
		KUNIT_EXPECT_EQ(test, 0, inval(hw, 0x77));
		KUNIT_EXPECT_EQ(test, hw->stops, 0);
		KUNIT_EXPECT_EQ(test, hw->waits, 1);
		KUNIT_EXPECT_EQ(test, hw->cmd[hw->nr_cmds - 2][0],
				5ULL << 60 | 0x77);
	}
	KUNIT_EXPECT_FALSE(test, hw->unit.iommu.dead);
	KUNIT_EXPECT_EQ(test, hw->unit.restarts, 2);
	KUNIT_EXPECT_EQ(test, 0, inval(hw, 1));
	expect_idle(test, hw);
}

/* Bounded, said once, and remembered; what comes later is told all the same. */
static void stops_always(struct kunit *test)
{
	struct fake_amdvi *hw = fake_amdvi_create(test, FAKE_AMDVI_CAP,
						  FAKE_AMDVI_EFR);

	hw->stops = 1;
	hw->always_stops = true;
	KUNIT_EXPECT_EQ(test, -EIO, inval(hw, 1));
	KUNIT_EXPECT_TRUE(test, hw->unit.iommu.dead);
	hw->pauses = 0;
	KUNIT_EXPECT_EQ(test, -EIO, inval(hw, 1));
	KUNIT_EXPECT_LE(test, hw->pauses, 2);
	hw->stops = 0;
	hw->nr_cmds = 0;
	KUNIT_EXPECT_EQ(test, 0, inval(hw, 0x77));
	KUNIT_EXPECT_EQ(test, hw->nr_cmds, 2);
	KUNIT_EXPECT_EQ(test, hw->cmd[0][0], 5ULL << 60 | 0x77);
	KUNIT_EXPECT_TRUE(test, hw->unit.iommu.dead);
	expect_idle(test, hw);
}

static void never_answers(struct kunit *test)
{
	struct fake_amdvi *hw = fake_amdvi_create(test, FAKE_AMDVI_CAP,
						  FAKE_AMDVI_EFR);
	unsigned int i;

	hw->deaf = true;
	KUNIT_EXPECT_EQ(test, -EIO, inval(hw, 1));
	KUNIT_EXPECT_TRUE(test, hw->unit.iommu.dead);
	KUNIT_EXPECT_LE(test, hw->pauses, 1000000);
	KUNIT_EXPECT_GT(test, hw->pauses, 1000);

	/* Nobody is held up for long any more, and in the end not at all. */
	hw->pauses = 0;
	for (i = 0; i < 1000; i++)
		KUNIT_ASSERT_EQ(test, -EIO, inval(hw, i));
	KUNIT_EXPECT_LE(test, hw->pauses, 256 * 1000);
	hw->pauses = 0;
	KUNIT_EXPECT_EQ(test, -EIO, inval(hw, 1));
	KUNIT_EXPECT_EQ(test, hw->pauses, 0);

	/* It goes on where it was. */
	hw->nr_cmds = 0;
	hw->deaf = false;
	hw->unit.hw->write64(&hw->unit, 0x2008, hw->reg[0x2008 / 8]);
	KUNIT_EXPECT_EQ(test, hw->nr_cmds, 510);
	KUNIT_EXPECT_EQ(test, 0, inval(hw, 1));
	KUNIT_EXPECT_EQ(test, hw->nr_cmds, 512);
	expect_idle(test, hw);
}

/* Off, nothing is queued; on again, all is forgotten first. */
static void off_and_on(struct kunit *test)
{
	struct fake_amdvi *hw = fake_amdvi_create(test, FAKE_AMDVI_CAP,
						  FAKE_AMDVI_EFR);

	KUNIT_EXPECT_EQ(test, 0, inval(hw, 1));
	amdvi_unit_disable(&hw->unit);
	KUNIT_EXPECT_EQ(test, hw->reg[0x18 / 8] & 0x1001, 0);
	hw->nr_cmds = 0;
	KUNIT_EXPECT_EQ(test, 0, inval(hw, 1));
	KUNIT_EXPECT_EQ(test, hw->nr_cmds, 0);
	/* As after a suspend. */
	memset(hw->reg, 0, sizeof(hw->reg));
	KUNIT_EXPECT_EQ(test, 0, amdvi_unit_resume(&hw->unit));
	KUNIT_EXPECT_EQ(test, hw->reg[0x18 / 8] & 0x1005, 0x1005);
	KUNIT_EXPECT_EQ(test, hw->cmd[0][0], 8ULL << 60);
	KUNIT_EXPECT_EQ(test, hw->reg[0] & 0x1ff, 511);
	KUNIT_EXPECT_EQ(test, 0, inval(hw, 1));
	expect_idle(test, hw);
}

/* Without INVALIDATE_ALL, each entry, each interrupt table, each domain. */
static void forget_one_by_one(struct kunit *test)
{
	struct fake_amdvi *hw = fake_amdvi_create(test, FAKE_AMDVI_CAP,
						  FAKE_AMDVI_EFR & ~BIT_ULL(6));

	KUNIT_EXPECT_EQ(test, 0, amdvi_inval_all(&hw->unit));
	KUNIT_EXPECT_EQ(test, hw->nr_cmds, 3 * 65536 + hw->waits);
	expect_idle(test, hw);
}

static void what_units_can_do(struct kunit *test)
{
	struct fake_amdvi *hw;

	hw = fake_amdvi_plug(test, FAKE_AMDVI_CAP & ~GENMASK(18, 16),
			     FAKE_AMDVI_EFR);
	KUNIT_EXPECT_EQ(test, -ENODEV, amdvi_unit_init(&hw->unit));
	/* No host page tables. */
	hw = fake_amdvi_plug(test, FAKE_AMDVI_CAP, FAKE_AMDVI_EFR | 0xc00);
	KUNIT_EXPECT_EQ(test, -ENODEV, amdvi_unit_init(&hw->unit));
	hw = fake_amdvi_create(test, FAKE_AMDVI_CAP, FAKE_AMDVI_EFR);
	KUNIT_EXPECT_TRUE(test, hw->unit.np_cache);
	KUNIT_EXPECT_TRUE(test, hw->unit.ga);
	KUNIT_EXPECT_EQ(test, hw->unit.iommu.caps.apertures[0].last,
			GENMASK_ULL(47, 0));
	/* Without extended features, the register isn't one. */
	hw = fake_amdvi_create(test, FAKE_AMDVI_CAP & ~(BIT(27) | BIT(26)),
			       U64_MAX);
	KUNIT_EXPECT_FALSE(test, hw->unit.np_cache);
	KUNIT_EXPECT_FALSE(test, hw->unit.ga);
	KUNIT_EXPECT_EQ(test, hw->reg[0x18 / 8] & BIT_ULL(17), 0);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(in_order),
	KUNIT_CASE(several_threads),
	KUNIT_CASE(slow),
	KUNIT_CASE(stops_once),
	KUNIT_CASE(stops_always),
	KUNIT_CASE_SLOW(never_answers),
	KUNIT_CASE(off_and_on),
	KUNIT_CASE_SLOW(forget_one_by_one),
	KUNIT_CASE_SLOW(what_units_can_do),
	{}
};

static struct kunit_suite suite = {
	.name = "sluice_amdvi_queue",
	.test_cases = cases,
};

kunit_test_suite(suite);
