// SPDX-License-Identifier: GPL-2.0-only
/*
 * AMD-Vi: interrupt tables: what a device can raise, and what it can't.
 */
#include <kunit/static_stub.h>
#include <linux/err.h>

#include "amdvi_hw.h"

#define RID	0x118
#define OTHER	0x120

/**
 * struct variant - a kind of unit
 * @name: for the test's name
 * @efr: its features
 */
struct variant {
	const char *name;
	u64 efr;
};

static const struct variant variants[] = {
	{ "wide", FAKE_AMDVI_EFR },
	{ "narrow", FAKE_AMDVI_EFR & ~BIT_ULL(7) },
};

KUNIT_ARRAY_PARAM_DESC(variant, variants, name);

static struct fake_amdvi *create(struct kunit *test)
{
	const struct variant *v = test->param_value;

	return fake_amdvi_create(test, FAKE_AMDVI_CAP, v->efr);
}

static struct amdvi_device *add(struct kunit *test, struct fake_amdvi *hw,
				u16 rid, u16 alias)
{
	u16 rids[] = { rid, alias };
	struct amdvi_device *device;

	device = amdvi_device_alloc(&hw->unit, NULL, rids, rid == alias ? 1 : 2);
	KUNIT_ASSERT_FALSE(test, IS_ERR(device));
	KUNIT_ASSERT_EQ(test, 0, amdvi_device_remap(device));
	return device;
}

static void set(struct amdvi_device *device, unsigned int index, u8 vector,
		u32 cpu)
{
	struct amdvi_target target = { .cpu = cpu, .vector = vector };

	amdvi_irtable_write(device->unit, device->irtable, index, &target);
}

/* Only what it has been given goes through; a forged one goes nowhere. */
static void forged(struct kunit *test)
{
	struct fake_amdvi *hw = create(test);
	struct amdvi_device *device;
	unsigned int i;
	u64 target;
	int index;

	/* Before it is there, and after it has gone, nothing goes through. */
	KUNIT_EXPECT_EQ(test, -EFAULT, fake_amdvi_interrupt(hw, RID, 0, &target));
	device = add(test, hw, RID, RID);
	index = amdvi_irtable_take(device->irtable, 3, false);
	KUNIT_ASSERT_GE(test, index, 0);
	set(device, index + 1, 0x41, 7);
	for (i = 0; i < 2100; i++) {
		int ret = fake_amdvi_interrupt(hw, RID, i, &target);

		KUNIT_ASSERT_EQ(test, ret, i == index + 1 ? 0 : -EFAULT);
	}
	fake_amdvi_interrupt(hw, RID, index + 1, &target);
	KUNIT_EXPECT_EQ(test, target, 7 << 8 | 0x41);
	amdvi_device_free(device);
	KUNIT_EXPECT_EQ(test, -EFAULT,
			fake_amdvi_interrupt(hw, RID, index + 1, &target));
}

/* What has no table may be let through, but not what others have tables for. */
static void passes(struct kunit *test)
{
	static const u16 rids[] = { 0x300, RID };
	struct fake_amdvi *hw = create(test);
	struct amdvi_device *a = add(test, hw, RID, RID), *b;
	u64 target;

	KUNIT_EXPECT_EQ(test, -EFAULT,
			fake_amdvi_interrupt(hw, 0x300, 1, &target));
	KUNIT_EXPECT_EQ(test, -EFAULT,
			fake_amdvi_interrupt(hw, RID, 1, &target));
	b = amdvi_device_alloc(&hw->unit, NULL, rids, 2);
	KUNIT_ASSERT_FALSE(test, IS_ERR(b));
	amdvi_device_pass_interrupts(b);
	KUNIT_EXPECT_EQ(test, 1, fake_amdvi_interrupt(hw, 0x300, 1, &target));
	KUNIT_EXPECT_EQ(test, -EFAULT,
			fake_amdvi_interrupt(hw, RID, 1, &target));
	amdvi_device_free(b);
	amdvi_device_free(a);
}

/* Hardware remembers until it is told. */
static void moves(struct kunit *test)
{
	struct fake_amdvi *hw = create(test);
	struct amdvi_device *device = add(test, hw, RID, RID);
	u64 target;

	set(device, 5, 0x31, 1);
	KUNIT_ASSERT_EQ(test, 0, fake_amdvi_interrupt(hw, RID, 5, &target));
	set(device, 5, 0x32, 2);
	KUNIT_EXPECT_EQ(test, 0, amdvi_inval_interrupts(&hw->unit, RID));
	KUNIT_ASSERT_EQ(test, 0, fake_amdvi_interrupt(hw, RID, 5, &target));
	KUNIT_EXPECT_EQ(test, target, 2 << 8 | 0x32);
	amdvi_irtable_write(&hw->unit, device->irtable, 5, NULL);
	KUNIT_EXPECT_EQ(test, 0, amdvi_inval_interrupts(&hw->unit, RID));
	KUNIT_EXPECT_EQ(test, -EFAULT,
			fake_amdvi_interrupt(hw, RID, 5, &target));
	amdvi_device_free(device);
}

static void golden(struct kunit *test)
{
	struct fake_amdvi *hw = create(test);
	struct amdvi_device *device = add(test, hw, RID, RID);
	struct amdvi_target target = {
		.mode = 1, .logical = true, .vector = 0xa5, .cpu = 0x87,
	};

	if (hw->unit.ga)
		target.cpu = 0x12345678;
	amdvi_irtable_write(&hw->unit, device->irtable, 3, &target);
	if (hw->unit.ga) {
		__le64 *e = device->irtable->entries;

		KUNIT_EXPECT_EQ(test, le64_to_cpu(e[6]), 0x34567845);
		KUNIT_EXPECT_EQ(test, le64_to_cpu(e[7]), 0x12000000000000a5);
	} else {
		__le32 *e = device->irtable->entries;

		KUNIT_EXPECT_EQ(test, le32_to_cpu(e[3]), 0xa58745);
	}
	amdvi_device_free(device);
}

static void take_and_give(struct kunit *test)
{
	struct fake_amdvi *hw = create(test);
	struct amdvi_device *device = add(test, hw, RID, RID);
	struct amdvi_irtable *table = device->irtable;
	unsigned int i;

	KUNIT_EXPECT_EQ(test, 0, amdvi_irtable_take(table, 1, false));
	/* Numbers that the device makes: 5 need 8. */
	KUNIT_EXPECT_EQ(test, 8, amdvi_irtable_take(table, 5, true));
	KUNIT_EXPECT_EQ(test, 1, amdvi_irtable_take(table, 7, false));
	for (i = 13; i < AMDVI_IRTES; i++)
		KUNIT_ASSERT_EQ(test, i, amdvi_irtable_take(table, 1, false));
	KUNIT_EXPECT_EQ(test, -ENOSPC, amdvi_irtable_take(table, 1, false));
	amdvi_irtable_give(table, 8, 5);
	KUNIT_EXPECT_EQ(test, -ENOSPC, amdvi_irtable_take(table, 6, false));
	KUNIT_EXPECT_EQ(test, 8, amdvi_irtable_take(table, 5, false));
	amdvi_device_free(device);
}

/* Devices that look alike have one table, as long as one of them is there. */
static void shared(struct kunit *test)
{
	struct fake_amdvi *hw = create(test);
	struct amdvi_device *a = add(test, hw, RID, 0x100);
	struct amdvi_device *b = add(test, hw, OTHER, 0x100);
	struct amdvi_device *c = add(test, hw, 0x200, 0x200);
	u64 target;

	KUNIT_EXPECT_PTR_EQ(test, a->irtable, b->irtable);
	KUNIT_EXPECT_PTR_NE(test, a->irtable, c->irtable);
	set(b, 2, 0x55, 3);
	amdvi_device_free(a);
	/* What was its alone doesn't point there any more. */
	KUNIT_EXPECT_EQ(test, -EFAULT,
			fake_amdvi_interrupt(hw, RID, 2, &target));
	KUNIT_EXPECT_EQ(test, 0, fake_amdvi_interrupt(hw, OTHER, 2, &target));
	KUNIT_EXPECT_EQ(test, 0, fake_amdvi_interrupt(hw, 0x100, 2, &target));
	KUNIT_EXPECT_EQ(test, -EFAULT,
			fake_amdvi_interrupt(hw, 0x200, 2, &target));
	amdvi_device_free(b);
	KUNIT_EXPECT_EQ(test, -EFAULT,
			fake_amdvi_interrupt(hw, 0x100, 2, &target));
	amdvi_device_free(c);
}

/* One table can't serve what has two; both stay as they are. */
static void between_two(struct kunit *test)
{
	static const u16 rids[] = { 0x300, RID, OTHER };
	struct fake_amdvi *hw = create(test);
	struct amdvi_device *a = add(test, hw, RID, RID);
	struct amdvi_device *b = add(test, hw, OTHER, OTHER), *both;
	u64 target;

	set(a, 1, 0x61, 1);
	set(b, 1, 0x62, 2);
	both = amdvi_device_alloc(&hw->unit, NULL, rids, 3);
	KUNIT_ASSERT_FALSE(test, IS_ERR(both));
	KUNIT_EXPECT_EQ(test, -EBUSY, amdvi_device_remap(both));
	KUNIT_EXPECT_NULL(test, both->irtable);
	amdvi_device_free(both);
	KUNIT_EXPECT_EQ(test, 0, fake_amdvi_interrupt(hw, RID, 1, &target));
	KUNIT_EXPECT_EQ(test, target, 1 << 8 | 0x61);
	KUNIT_EXPECT_EQ(test, 0, fake_amdvi_interrupt(hw, OTHER, 1, &target));
	KUNIT_EXPECT_EQ(test, target, 2 << 8 | 0x62);
	amdvi_device_free(a);
	amdvi_device_free(b);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(forged, variant_gen_params),
	KUNIT_CASE_PARAM(passes, variant_gen_params),
	KUNIT_CASE_PARAM(moves, variant_gen_params),
	KUNIT_CASE_PARAM(golden, variant_gen_params),
	KUNIT_CASE_PARAM(take_and_give, variant_gen_params),
	KUNIT_CASE_PARAM(shared, variant_gen_params),
	KUNIT_CASE_PARAM(between_two, variant_gen_params),
	{}
};

static struct kunit_suite suite = {
	.name = "sluice_amdvi_irte",
	.test_cases = cases,
};

kunit_test_suite(suite);
