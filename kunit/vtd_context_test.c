// SPDX-License-Identifier: GPL-2.0-only
/*
 * VT-d context entries: what a device meets after every single store while its
 * entry changes, what is invalidated then, and requester IDs that devices share.
 */
#include <kunit/static_stub.h>
#include <linux/io.h>
#include <linux/sizes.h>

#include "vtd_hw.h"

#define COHERENT	(FAKE_VTD_ECAP | FAKE_VTD_ECAP_C)
#define RW		(SLUICE_PROT_READ | SLUICE_PROT_WRITE)
#define IOVA		0x40000000ULL
#define RID		0x3a8

/**
 * struct variant - a kind of unit
 * @name: for the test's name
 * @cap: its register
 * @ecap: its register
 */
struct variant {
	const char *name;
	u64 cap;
	u64 ecap;
};

static const struct variant variants[] = {
	{ "coherent", FAKE_VTD_CAP, COHERENT },
	{ "incoherent", FAKE_VTD_CAP, FAKE_VTD_ECAP },
	{ "caching", FAKE_VTD_CAP | FAKE_VTD_CAP_CM, COHERENT },
	{ "ats", FAKE_VTD_CAP, COHERENT | FAKE_VTD_ECAP_DT },
};

KUNIT_ARRAY_PARAM_DESC(variant, variants, name);

/* What becomes of a device's DMA. */
enum state { BLOCKED, PASSED, FIRST, SECOND, NR_STATES };

/**
 * struct context - a device whose entry changes
 * @test: the test
 * @hw: its unit
 * @device: the device
 * @domain: two domains; each maps IOVA elsewhere
 * @from: what was before the change
 * @to: what will be after it
 * @stores: seen so far
 */
struct context {
	struct kunit *test;
	struct fake_vtd *hw;
	struct vtd_device *device;
	struct vtd_domain *domain[2];
	enum state from;
	enum state to;
	unsigned int stores;
};

static struct context *now;

static phys_addr_t phys_of(unsigned int n)
{
	return (phys_addr_t)(n + 1) << 36;
}

static struct vtd_domain *add_domain(struct context *c, unsigned int n)
{
	struct sluice_extent e = {
		.iova = IOVA, .phys = phys_of(n), .len = SZ_4K,
	};
	struct vtd_domain *domain = vtd_domain_alloc(&c->hw->unit);
	struct sluice_gather gather;
	u64 done;

	KUNIT_ASSERT_FALSE(c->test, IS_ERR(domain));
	/* Only with host drivers devices have TLBs. */
	if (c->device->ats_able)
		domain->paging.hw.type = IOMMU_DOMAIN_DMA;
	sluice_gather_init(&gather);
	KUNIT_ASSERT_EQ(c->test, 0,
			sluice_paging_map(&domain->paging.domain, &e, 1, RW,
					  &done, &gather));
	return domain;
}

static int init(struct kunit *test)
{
	const struct variant *v = test->param_value;
	static const u16 rid = RID;
	struct context *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, c);
	c->test = test;
	fake_vtd_stub_domains(test);
	c->hw = fake_vtd_create(test, v->cap, v->ecap);
	c->device = fake_vtd_device_create(test, c->hw, &rid, 1)->device;
	c->device->ats_able = v->ecap & FAKE_VTD_ECAP_DT;
	c->domain[0] = add_domain(c, 0);
	c->domain[1] = add_domain(c, 1);
	test->priv = c;
	now = c;
	return 0;
}

static void end(struct kunit *test)
{
	struct context *c = test->priv;
	struct vtd_device *device;

	if (!c)
		return;
	/* Neither is any device's default domain any more. */
	list_for_each_entry(device, &c->hw->unit.devices, unit_node) {
		vtd_device_pass_through(device);
		vtd_device_block(device);
	}
	sluice_paging_free_hw(&c->domain[0]->paging.hw);
	sluice_paging_free_hw(&c->domain[1]->paging.hw);
	fake_vtd_check_idle(test);
}

/* ---- After every store ---- */

static void go(struct context *c, enum state to)
{
	int ret = 0;

	switch (to) {
	case BLOCKED:
		vtd_device_block(c->device);
		break;
	case PASSED:
		ret = vtd_device_pass_through(c->device);
		break;
	default:
		ret = vtd_device_attach(c->device, c->domain[to - FIRST]);
	}
	KUNIT_ASSERT_EQ(c->test, 0, ret);
}

/* What hardware that has cached nothing would do. */
static enum state seen_now(struct context *c)
{
	u64 low, high, aw, table;
	unsigned int i;

	low = fake_vtd_peek(c->hw, RID, &high);
	if (!low)
		return BLOCKED;
	aw = high & 7;
	table = low & GENMASK_ULL(63, 12);
	/* Pass-through: the greatest width, domain id 1, and no table. */
	if ((low & 0xffe) == 8)
		return aw == 2 && !table && high >> 8 == 1 ? PASSED : NR_STATES;
	if ((low & 0xffe) != (c->device->ats_able ? 4 : 0))
		return NR_STATES;
	for (i = 0; i < 2; i++) {
		struct sluice_paging_link *link;
		u16 did = 0;

		list_for_each_entry(link, &c->domain[i]->paging.links, node)
			did = link->did;
		if (table == pt_root(&c->domain[i]->paging.pt, NULL))
			return did && aw == 2 && high >> 8 == did ?
				       FIRST + i : NR_STATES;
	}
	return NR_STATES;
}

static void check_store(struct vtd_unit *unit, __le64 *word, u64 value)
{
	struct context *c = now;
	enum state seen;

	kunit_deactivate_static_stub(c->test, vtd_entry_write);
	vtd_entry_write(unit, word, value);
	kunit_activate_static_stub(c->test, vtd_entry_write, check_store);
	c->stores++;
	seen = seen_now(c);
	KUNIT_EXPECT_TRUE_MSG(c->test, seen == c->from || seen == c->to ||
			      seen == BLOCKED,
			      "store %u on the way from %u to %u: %u",
			      c->stores, c->from, c->to, seen);
}

/* Reality, caches included. */
static void expect_state(struct context *c, enum state state)
{
	phys_addr_t phys = 0;
	int ret = fake_vtd_translate(c->hw, RID, IOVA, true, &phys);

	KUNIT_EXPECT_EQ(c->test, state == BLOCKED ? -EFAULT : 0, ret);
	if (state == PASSED)
		KUNIT_EXPECT_EQ(c->test, (u64)phys, IOVA);
	if (state >= FIRST)
		KUNIT_EXPECT_EQ(c->test, (u64)phys,
				(u64)phys_of(state - FIRST));
	KUNIT_EXPECT_EQ(c->test, state, seen_now(c));
}

static void every_store(struct kunit *test)
{
	struct context *c = test->priv;
	unsigned int from, to;

	kunit_activate_static_stub(test, vtd_entry_write, check_store);
	for (from = BLOCKED; from < NR_STATES; from++) {
		for (to = BLOCKED; to < NR_STATES; to++) {
			c->from = BLOCKED;
			c->to = from;
			go(c, from);
			expect_state(c, from);
			c->from = from;
			c->to = to;
			c->stores = 0;
			go(c, to);
			/* Two words each out and in. */
			KUNIT_EXPECT_EQ_MSG(test, c->stores,
					    2 * (from != BLOCKED) +
					    2 * (to != BLOCKED),
					    "from %u to %u", from, to);
			expect_state(c, to);
			c->from = to;
			c->to = BLOCKED;
			go(c, BLOCKED);
			expect_state(c, BLOCKED);
		}
	}
	kunit_deactivate_static_stub(test, vtd_entry_write);
}

/* ---- What is invalidated ---- */

/* 6.5.2.1, device-selective; 6.5.2.3, domain-selective, with draining. */
static u64 context_of(u16 rid, u16 did)
{
	return 0x31 | (u64)did << 16 | (u64)rid << 32;
}

static u64 iotlb_of(u16 did)
{
	return 0xe2 | (u64)did << 16;
}

static void invalidations(struct kunit *test)
{
	struct context *c = test->priv;
	unsigned int from, to;

	for (from = BLOCKED; from < NR_STATES; from++) {
		for (to = BLOCKED; to < NR_STATES; to++) {
			u16 old = 1, new = 1;
			unsigned int n = 0;

			go(c, from);
			if (from >= FIRST)
				old = c->device->link->did;
			fake_vtd_clear_events(c->hw);
			go(c, to);
			if (to >= FIRST)
				new = c->device->link->did;
			/* The old entry under its own id, then what it led to. */
			if (from != BLOCKED) {
				fake_vtd_expect_event(c->hw, n++,
						      FAKE_VTD_DESC, 0,
						      context_of(RID, old), 0);
				fake_vtd_expect_event(c->hw, n++,
						      FAKE_VTD_DESC, 0,
						      iotlb_of(old), 0);
			}
			/* All of the device's own, if it may have some. */
			if (from >= FIRST && c->device->ats_able)
				fake_vtd_expect_event(c->hw, n++,
						      FAKE_VTD_DESC, 0,
						      3 | (u64)RID << 32,
						      0x7ffffffffffff001);
			/* That there was none, which has no id. */
			if (to != BLOCKED && c->hw->unit.flush_on_map) {
				fake_vtd_expect_event(c->hw, n++,
						      FAKE_VTD_DESC, 0,
						      context_of(RID, 0), 0);
				fake_vtd_expect_event(c->hw, n++,
						      FAKE_VTD_DESC, 0,
						      iotlb_of(new), 0);
			}
			KUNIT_EXPECT_EQ_MSG(test, n, c->hw->nr_events,
					    "from %u to %u", from, to);
			go(c, BLOCKED);
		}
	}
}

/* ---- Requester IDs that are shared ---- */

static int reach(struct context *c, u16 rid)
{
	phys_addr_t phys;

	return fake_vtd_translate(c->hw, rid, IOVA, true, &phys);
}

#define ALIAS 0x500

static void aliases(struct kunit *test)
{
	static const u16 rids_a[] = { 0x508, ALIAS }, rids_b[] = { 0x510, ALIAS };
	struct context *c = test->priv;
	struct vtd_device *a, *b;

	a = fake_vtd_device_create(test, c->hw, rids_a, 2)->device;
	b = fake_vtd_device_create(test, c->hw, rids_b, 2)->device;
	KUNIT_EXPECT_EQ(test, -EFAULT, reach(c, ALIAS));
	KUNIT_ASSERT_EQ(test, 0, vtd_device_attach(a, c->domain[0]));
	KUNIT_EXPECT_EQ(test, 0, reach(c, 0x508));
	KUNIT_EXPECT_EQ(test, 0, reach(c, ALIAS));
	KUNIT_EXPECT_EQ(test, -EFAULT, reach(c, 0x510));
	KUNIT_ASSERT_EQ(test, 0, vtd_device_attach(b, c->domain[0]));
	KUNIT_EXPECT_EQ(test, 0, reach(c, 0x510));
	KUNIT_EXPECT_EQ(test, 2, a->link->nr_devices);

	/* A group changes device by device; the alias follows the first. */
	KUNIT_ASSERT_EQ(test, 0, vtd_device_attach(a, c->domain[1]));
	KUNIT_ASSERT_EQ(test, 0, vtd_device_attach(b, c->domain[1]));
	KUNIT_EXPECT_EQ(test, 0, reach(c, 0x508));
	KUNIT_EXPECT_EQ(test, 0, reach(c, 0x510));
	KUNIT_EXPECT_EQ(test, 0, reach(c, ALIAS));
	KUNIT_EXPECT_TRUE(test, list_empty(&c->domain[0]->paging.links));

	/* Blocked: the alias with the first, too. */
	vtd_device_block(a);
	KUNIT_EXPECT_EQ(test, -EFAULT, reach(c, 0x508));
	KUNIT_EXPECT_EQ(test, -EFAULT, reach(c, ALIAS));
	vtd_device_block(b);
	KUNIT_EXPECT_EQ(test, -EFAULT, reach(c, 0x510));
}

/* One leaves by itself (hotplug): what the other needs stays. */
static void alias_outlives_device(struct kunit *test)
{
	static const u16 rids_a[] = { 0x508, ALIAS }, rids_b[] = { 0x510, ALIAS };
	struct context *c = test->priv;
	struct vtd_device *a, *b;

	a = vtd_device_alloc(&c->hw->unit, NULL, rids_a, 2);
	KUNIT_ASSERT_FALSE(test, IS_ERR(a));
	b = fake_vtd_device_create(test, c->hw, rids_b, 2)->device;
	KUNIT_ASSERT_EQ(test, 0, vtd_device_attach(a, c->domain[0]));
	KUNIT_ASSERT_EQ(test, 0, vtd_device_attach(b, c->domain[0]));
	KUNIT_EXPECT_EQ(test, 0, reach(c, 0x508));
	vtd_device_free(a);
	KUNIT_EXPECT_EQ(test, -EFAULT, reach(c, 0x508));
	KUNIT_EXPECT_EQ(test, 0, reach(c, ALIAS));
	KUNIT_EXPECT_EQ(test, 0, reach(c, 0x510));
	KUNIT_EXPECT_EQ(test, 1, b->link->nr_devices);
	vtd_device_block(b);
	KUNIT_EXPECT_EQ(test, -EFAULT, reach(c, ALIAS));
}

static void neighbours_untouched(struct kunit *test)
{
	struct context *c = test->priv;
	static const u16 rid = RID + 1;
	struct vtd_device *other =
		fake_vtd_device_create(test, c->hw, &rid, 1)->device;

	KUNIT_ASSERT_EQ(test, 0, vtd_device_attach(other, c->domain[0]));
	KUNIT_EXPECT_EQ(test, 0, reach(c, rid));
	go(c, FIRST);
	go(c, SECOND);
	go(c, BLOCKED);
	KUNIT_EXPECT_EQ(test, 0, reach(c, rid));
	/* Nor do they have what nobody attached. */
	KUNIT_EXPECT_EQ(test, -EFAULT, reach(c, RID + 2));
	KUNIT_EXPECT_EQ(test, -EFAULT, reach(c, 0xff00));
	vtd_device_block(other);
}

static void no_pass_through(struct kunit *test)
{
	static const u16 rid = RID;
	struct fake_vtd *hw = fake_vtd_create(test, FAKE_VTD_CAP,
					      COHERENT & ~BIT_ULL(6));
	struct vtd_device *device =
		fake_vtd_device_create(test, hw, &rid, 1)->device;

	KUNIT_EXPECT_EQ(test, -EINVAL, vtd_device_pass_through(device));
	KUNIT_EXPECT_EQ(test, 0, hw->nr_events);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(every_store, variant_gen_params),
	KUNIT_CASE_PARAM(invalidations, variant_gen_params),
	KUNIT_CASE_PARAM(aliases, variant_gen_params),
	KUNIT_CASE_PARAM(alias_outlives_device, variant_gen_params),
	KUNIT_CASE_PARAM(neighbours_untouched, variant_gen_params),
	KUNIT_CASE_PARAM(no_pass_through, variant_gen_params),
	{}
};

static struct kunit_suite suite = {
	.name = "sluice_vtd_context",
	.init = init,
	.exit = end,
	.test_cases = cases,
};

kunit_test_suite(suite);
