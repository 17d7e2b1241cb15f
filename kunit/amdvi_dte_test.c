// SPDX-License-Identifier: GPL-2.0-only
/*
 * AMD-Vi device table entries: what a device meets after every single store while its
 * entry changes, what is forgotten then, and requester IDs that devices share.
 */
#include <kunit/static_stub.h>
#include <linux/err.h>
#include <linux/sizes.h>

#include "amdvi_hw.h"

#define RW	(SLUICE_PROT_READ | SLUICE_PROT_WRITE)
#define IOVA	0x40000000ULL
#define RID	0x3a8
#define OTHER	0x3b0

/* What becomes of a device's DMA. */
enum state { BLOCKED, PASSED, FIRST, SECOND, NR_STATES };

/**
 * struct dte - a device whose entry changes
 * @test: the test
 * @hw: its unit
 * @device: the device
 * @domain: two domains; each maps IOVA elsewhere
 * @from: what was before the change
 * @to: what will be after it
 * @stores: seen so far
 */
struct dte {
	struct kunit *test;
	struct fake_amdvi *hw;
	struct amdvi_device *device;
	struct amdvi_domain *domain[2];
	enum state from;
	enum state to;
	unsigned int stores;
};

static struct dte *now;

static phys_addr_t phys_of(unsigned int n)
{
	return (phys_addr_t)(n + 1) << 36;
}

static struct amdvi_domain *add_domain(struct dte *d, unsigned int n)
{
	struct sluice_extent e = {
		.iova = IOVA, .phys = phys_of(n), .len = SZ_4K,
	};
	struct amdvi_domain *domain = amdvi_domain_alloc(&d->hw->unit);
	struct sluice_gather gather;
	u64 done;

	KUNIT_ASSERT_FALSE(d->test, IS_ERR(domain));
	sluice_gather_init(&gather);
	KUNIT_ASSERT_EQ(d->test, 0,
			sluice_paging_map(&domain->paging.domain, &e, 1, RW,
					  &done, &gather));
	return domain;
}

static int init(struct kunit *test)
{
	struct dte *d = kunit_kzalloc(test, sizeof(*d), GFP_KERNEL);
	static const u16 rids[] = { RID };

	KUNIT_ASSERT_NOT_NULL(test, d);
	d->test = test;
	d->hw = fake_amdvi_create(test, FAKE_AMDVI_CAP, FAKE_AMDVI_EFR);
	d->device = amdvi_device_alloc(&d->hw->unit, NULL, rids, 1);
	KUNIT_ASSERT_FALSE(test, IS_ERR(d->device));
	d->domain[0] = add_domain(d, 0);
	d->domain[1] = add_domain(d, 1);
	test->priv = d;
	now = d;
	return 0;
}

static void end(struct kunit *test)
{
	struct dte *d = test->priv;

	if (!d)
		return;
	amdvi_device_free(d->device);
	sluice_paging_free_hw(&d->domain[0]->paging.hw);
	sluice_paging_free_hw(&d->domain[1]->paging.hw);
	if (!d->hw->unit.iommu.dead)
		KUNIT_EXPECT_TRUE(test, ida_is_empty(&d->hw->unit.dids));
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&d->hw->violations));
}

static void go(struct dte *d, enum state to)
{
	int ret = 0;

	switch (to) {
	case BLOCKED:
		amdvi_device_block(d->device);
		break;
	case PASSED:
		amdvi_device_pass_through(d->device);
		break;
	default:
		ret = amdvi_device_attach(d->device, d->domain[to - FIRST]);
	}
	KUNIT_ASSERT_EQ(d->test, 0, ret);
}

static enum state state_of(struct dte *d, int ret, phys_addr_t phys)
{
	if (ret)
		return BLOCKED;
	if (phys == IOVA)
		return PASSED;
	if (phys == phys_of(0))
		return FIRST;
	return phys == phys_of(1) ? SECOND : NR_STATES;
}

/* What hardware that remembers nothing would do; translations need their domain id. */
static enum state seen_now(struct dte *d)
{
	__le64 *q = d->hw->unit.devtab[RID].q;
	struct sluice_paging_link *link;
	phys_addr_t phys = 0;
	enum state state;
	u16 did = 0;
	int ret;

	ret = fake_amdvi_peek(d->hw, RID, IOVA, true, &phys);
	state = state_of(d, ret, phys);
	if (state != FIRST && state != SECOND)
		return state;
	list_for_each_entry(link, &d->domain[state - FIRST]->paging.links, node)
		did = link->did;
	return did && (u16)le64_to_cpu(q[1]) == did ? state : NR_STATES;
}

static enum state seen(struct dte *d)
{
	phys_addr_t phys = 0;
	int ret = fake_amdvi_translate(d->hw, RID, IOVA, true, &phys);

	return state_of(d, ret, phys);
}

static void check_store(struct amdvi_unit *unit, __le64 *word, u64 value)
{
	struct dte *d = now;
	enum state state;

	WRITE_ONCE(*word, cpu_to_le64(value));
	state = seen_now(d);
	d->stores++;
	KUNIT_EXPECT_TRUE_MSG(d->test, state == d->from || state == BLOCKED ||
			      state == d->to, "store %u: from %d to %d: %d",
			      d->stores, d->from, d->to, state);
	/* After it was blocked once, never the old one again. */
	if (state == BLOCKED)
		d->from = BLOCKED;
}

static void every_store(struct kunit *test)
{
	struct dte *d = test->priv;
	enum state from, to;

	kunit_activate_static_stub(test, amdvi_dte_write, check_store);
	for (from = BLOCKED; from < NR_STATES; from++) {
		for (to = BLOCKED; to < NR_STATES; to++) {
			d->from = BLOCKED;
			d->to = from;
			go(d, BLOCKED);
			go(d, from);
			KUNIT_ASSERT_EQ(test, seen(d), from);
			d->from = from;
			d->to = to;
			d->stores = 0;
			go(d, to);
			/* And what was remembered is gone. */
			KUNIT_ASSERT_EQ(test, seen(d), to);
			if (from != to)
				KUNIT_EXPECT_GT(test, d->stores, 0);
		}
	}
}

#define INT_SETTINGS (GENMASK_ULL(58, 56) | GENMASK_ULL(63, 62))

static void expect_settings(struct dte *d, u64 sysmgt, u64 ints)
{
	__le64 *q = d->hw->unit.devtab[RID].q;

	KUNIT_EXPECT_EQ(d->test, le64_to_cpu(q[1]) >> 40 & 3, sysmgt);
	KUNIT_EXPECT_EQ(d->test, le64_to_cpu(q[2]) & INT_SETTINGS, ints);
	/* Otherwise, what becomes of interrupts doesn't change. */
	KUNIT_EXPECT_EQ(d->test, le64_to_cpu(q[2]) & ~INT_SETTINGS, 1);
	KUNIT_EXPECT_EQ(d->test, le64_to_cpu(q[3]), 0);
}

/*
 * Firmware lets a device raise NMI and the like: one of the host's, not one that a user
 * has, or had until a moment ago.
 */
static void firmware_settings(struct kunit *test)
{
	const u64 ints = BIT_ULL(56) | BIT_ULL(58) | BIT_ULL(63);
	struct dte *d = test->priv;

	d->domain[1]->paging.hw.type = IOMMU_DOMAIN_DMA;
	/* INIT, NMI, SysMgt 2 (INTx alone), LINT1. */
	amdvi_dte_settings(&d->hw->unit, RID, 0xa5);
	expect_settings(d, 2, ints);
	go(d, PASSED);
	expect_settings(d, 2, ints);
	go(d, BLOCKED);
	expect_settings(d, 2, ints);
	go(d, FIRST);
	expect_settings(d, 2, 0);
	go(d, BLOCKED);
	expect_settings(d, 2, 0);
	/* A host driver's again, in both modes. */
	go(d, SECOND);
	expect_settings(d, 2, ints);
	go(d, FIRST);
	expect_settings(d, 2, 0);
	go(d, PASSED);
	expect_settings(d, 2, ints);

	/* ExtInt, LINT0; all messages of system management, and others. */
	go(d, BLOCKED);
	amdvi_dte_settings(&d->hw->unit, RID, 0x52);
	go(d, SECOND);
	expect_settings(d, 1, BIT_ULL(57) | BIT_ULL(62));
	go(d, FIRST);
	expect_settings(d, 2, 0);
	go(d, PASSED);
	expect_settings(d, 1, BIT_ULL(57) | BIT_ULL(62));
	go(d, BLOCKED);
	amdvi_dte_settings(&d->hw->unit, RID, 0x30);
	go(d, FIRST);
	expect_settings(d, 3, 0);
}

/* Hardware has forgotten what it knew of the settings when a user's DMA begins. */
static void settings_are_told(struct kunit *test)
{
	struct dte *d = test->priv;
	unsigned int i, told = 0;

	amdvi_dte_settings(&d->hw->unit, RID, 0x04);
	go(d, PASSED);
	KUNIT_EXPECT_EQ(test, seen(d), PASSED);
	go(d, BLOCKED);
	d->hw->nr_cmds = 0;
	go(d, FIRST);
	for (i = 0; i < d->hw->nr_cmds; i++)
		told += d->hw->cmd[i][0] == (2ULL << 60 | RID);
	KUNIT_EXPECT_EQ(test, told, 1);
}

static void unknown_is_blocked(struct kunit *test)
{
	struct dte *d = test->priv;
	phys_addr_t phys;
	unsigned int rid;

	for (rid = 0; rid < AMDVI_DEVTAB_ENTRIES; rid += 0x101) {
		KUNIT_ASSERT_EQ(test, -EFAULT,
				fake_amdvi_peek(d->hw, rid, IOVA, false,
						&phys));
		KUNIT_ASSERT_EQ(test, -EFAULT,
				fake_amdvi_peek(d->hw, rid, 0, true, &phys));
		/* Interrupts: the entry says something of them, namely no. */
		KUNIT_ASSERT_EQ(test, 1,
				le64_to_cpu(d->hw->unit.devtab[rid].q[2]));
	}
	/* With a table, which is empty: hardware that looks finds nothing either. */
	KUNIT_EXPECT_EQ(test, le64_to_cpu(d->hw->unit.devtab[5].q[0]) >> 9 & 7,
			1);
}

static void shared_requester_id(struct kunit *test)
{
	static const u16 rids[] = { OTHER, RID };
	struct dte *d = test->priv;
	struct amdvi_device *twin;
	phys_addr_t phys;

	twin = amdvi_device_alloc(&d->hw->unit, NULL, rids, 2);
	KUNIT_ASSERT_FALSE(test, IS_ERR(twin));
	go(d, FIRST);
	KUNIT_ASSERT_EQ(test, 0, amdvi_device_attach(twin, d->domain[0]));
	KUNIT_EXPECT_EQ(test, 0, fake_amdvi_translate(d->hw, OTHER, IOVA, true,
						      &phys));
	KUNIT_EXPECT_EQ(test, seen(d), FIRST);
	/* The other one leaves: what both have stays. */
	amdvi_device_free(twin);
	KUNIT_EXPECT_EQ(test, seen(d), FIRST);
	KUNIT_EXPECT_EQ(test, -EFAULT,
			fake_amdvi_translate(d->hw, OTHER, IOVA, true, &phys));
}

/* Hardware that doesn't answer may know the tables, and the id, for ever. */
static void dead(struct kunit *test)
{
	struct dte *d = test->priv;

	go(d, FIRST);
	KUNIT_ASSERT_EQ(test, seen(d), FIRST);
	d->hw->deaf = true;
	amdvi_device_block(d->device);
	KUNIT_EXPECT_TRUE(test, d->hw->unit.iommu.dead);
	KUNIT_EXPECT_TRUE(test, d->domain[0]->paging.broken);
	KUNIT_EXPECT_FALSE(test, ida_is_empty(&d->hw->unit.dids));
	KUNIT_EXPECT_EQ(test, seen(d), FIRST);
	KUNIT_EXPECT_EQ(test, seen_now(d), BLOCKED);
	/* The tables are the hardware's now; only the test knows that it is none. */
	WRITE_ONCE(d->domain[0]->paging.broken, false);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(every_store),
	KUNIT_CASE(firmware_settings),
	KUNIT_CASE(settings_are_told),
	KUNIT_CASE(unknown_is_blocked),
	KUNIT_CASE(shared_requester_id),
	KUNIT_CASE_SLOW(dead),
	{}
};

static struct kunit_suite suite = {
	.name = "sluice_amdvi_dte",
	.init = init,
	.exit = end,
	.test_cases = cases,
};

kunit_test_suite(suite);
