// SPDX-License-Identifier: GPL-2.0-only
/*
 * PEs come to unified domains of the POWER backend, and go: what a PE that is in no
 * domain has, whatever went wrong, and what a domain keeps without a PE.
 */
#include "power_fixture.h"

/* Something in both windows, and in several blocks of each. */
static void fill(struct power_case *c)
{
	power_add(c, SZ_1M, PHYS(0), SZ_8M);
	power_add(c, SZ_64M, PHYS(1), PAGE_SIZE);
	power_add(c, IOVA(0), PHYS(2), 3 * BLOCK * PAGE_SIZE);
	power_add(c, IOVA(5 * BLOCK), PHYS(4000), PAGE_SIZE);
	KUNIT_ASSERT_EQ(c->test, 0, power_do_map(c, RW));
	power_add(c, IOVA(5 * BLOCK + 1), PHYS(4001), PAGE_SIZE);
	KUNIT_ASSERT_EQ(c->test, 0, power_do_map(c, RO));
	power_check(c);
	fake_hv_forget_counts(c->hv);
}

static struct power_case *filled(struct kunit *test)
{
	struct power_case *c = power_case_create(test, 1);

	KUNIT_ASSERT_EQ(test, 0, fake_pe_take(c->fp[1]));
	fill(c);
	return c;
}

static void attach_outlives(struct kunit *test)
{
	struct power_case *c = filled(test);
	unsigned int mapped = power_mapped(c);

	power_case_detach(c, 0);
	fake_pe_expect_normal(c->fp[0]);
	KUNIT_EXPECT_EQ(test, mapped, power_mapped(c));
	/* What changes meanwhile is right when one comes. */
	power_do_unmap(c, IOVA(BLOCK), 9 * PAGE_SIZE);
	power_do_unmap(c, SZ_64M, PAGE_SIZE);
	power_do_map_page(c, BLOCK + 4);
	power_add(c, SZ_64M + PAGE_SIZE, PHYS(77), PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, 0, power_do_map(c, RO));
	KUNIT_EXPECT_EQ(test, 0, power_do_flush(c));
	KUNIT_EXPECT_EQ(test, 0, fake_pe_tces(c->fp[0]));
	KUNIT_EXPECT_EQ(test, 0, power_case_attach(c, 1));
	power_check(c);
	KUNIT_EXPECT_EQ(test, 0, power_case_attach(c, 0));
	power_check(c);
	power_case_finish(c);
}

/* Without dynamic windows, each TCE that was written must be cleared. */
static void attach_without_reset(struct kunit *test)
{
	struct power_case *c = power_case_plug(test);
	unsigned int i;

	c->fp[0]->desc.reset = 0;
	power_case_start(c, 1, SLUICE_DOMAIN_UNIFIED);
	for (i = 0; i < 3; i++) {
		power_add(c, SZ_1M, PHYS(0), SZ_1M + i * SZ_16M);
		power_add(c, SZ_1G - PAGE_SIZE, PHYS(1), PAGE_SIZE);
		KUNIT_EXPECT_EQ(test, 0, power_do_map(c, RW));
		power_case_detach(c, 0);
		fake_pe_expect_normal(c->fp[0]);
		KUNIT_EXPECT_EQ(test, 0, power_case_attach(c, 0));
		power_check(c);
		power_do_clear(c);
	}
	power_case_finish(c);
}

/* A call of an attach fails: the PE is as before, and can be attached yet. */
static void attach_fails(struct kunit *test)
{
	static const struct {
		enum fake_hv_call call;
		unsigned int calls;
		int err, want;
	} tries[] = {
		{ FAKE_HV_QUERY, 1, -EIO, -EINVAL },
		{ FAKE_HV_CREATE, 1, -EBUSY, -EINVAL },
		{ FAKE_HV_CREATE, 1, -ENOMEM, -ENOMEM },
		{ FAKE_HV_INDIRECT, 3, -ENOMEM, -ENOMEM },
		{ FAKE_HV_INDIRECT, 3, -EIO, -EIO },
		{ FAKE_HV_PUT, 2, -EIO, -EIO },
	};
	struct power_case *c = filled(test);
	unsigned int i, n;

	for (i = 0; i < ARRAY_SIZE(tries); i++) {
		for (n = 1; n <= tries[i].calls; n++) {
			fake_hv_fail(c->hv, tries[i].call, n, 1, tries[i].err);
			KUNIT_EXPECT_EQ_MSG(test, tries[i].want,
					    power_case_attach(c, 1),
					    "kind %u, call %u", tries[i].call,
					    n);
			fake_hv_heal(c->hv);
			fake_pe_expect_normal(c->fp[1]);
		}
		KUNIT_EXPECT_FALSE(test, c->fp[1]->pe->iommu.dead);
		KUNIT_EXPECT_EQ(test, 0, power_case_attach(c, 1));
		power_check(c);
		power_case_detach(c, 1);
	}
	fake_hv_fail(c->hv, FAKE_HV_INDIRECT, 1, 1001, -EBUSY);
	KUNIT_EXPECT_EQ(test, -EIO, power_case_attach(c, 1));
	fake_hv_heal(c->hv);
	fake_pe_expect_normal(c->fp[1]);
	KUNIT_EXPECT_EQ(test, 0, power_do_flush(c));
	power_do_clear(c);
	power_case_finish(c);
}

/**
 * struct detach_try - calls of a detach that fail
 * @call: which
 * @nth: from the n-th on
 * @times: so many
 * @dead: the PE can't be used any more
 */
struct detach_try {
	enum fake_hv_call call;
	unsigned int nth;
	unsigned int times;
	bool dead;
};

/* Two PEs: what the hypervisor does to one must not become the other's harm. */
static void detach_with(struct kunit *test, const struct detach_try *t)
{
	struct power_case *c = filled(test);
	phys_addr_t phys;

	KUNIT_ASSERT_EQ(test, 0, power_case_attach(c, 1));
	fake_hv_fail(c->hv, t->call, t->nth, t->times, -EIO);
	power_case_detach(c, 1);
	fake_hv_heal(c->hv);
	KUNIT_EXPECT_EQ_MSG(test, t->dead, c->fp[1]->pe->iommu.dead,
			    "kind %u, call %u", t->call, t->nth);
	KUNIT_EXPECT_FALSE(test, c->fp[0]->pe->iommu.dead);
	power_check(c);
	/* What is mapped may still be reached: nothing may be unpinned. */
	KUNIT_EXPECT_EQ(test, t->dead ? -EIO : 0, power_do_flush(c));
	KUNIT_EXPECT_EQ(test, t->dead ? 0 : -EFAULT,
			fake_pe_translate(c->fp[1], SZ_4M + SZ_2M - PAGE_SIZE,
					  true, &phys));
	if (!t->dead)
		fake_pe_expect_normal(c->fp[1]);
	power_case_finish(c);
}

static void detach_fails(struct kunit *test)
{
	static const struct detach_try tries[] = {
		/* 6 blocks in the default window, then 4 in the large one. */
		{ FAKE_HV_STUFF, 1, 1, false },
		{ FAKE_HV_STUFF, 3, 1, false },
		{ FAKE_HV_STUFF, 5, 1, false },
		{ FAKE_HV_STUFF, 7, 1, false },
		{ FAKE_HV_STUFF, 8, 3, false },
		{ FAKE_HV_STUFF, 3, FAKE_HV_FOR_EVER, true },
		{ FAKE_HV_REMOVE, 1, 1, false },
		{ FAKE_HV_RESET, 1, FAKE_HV_FOR_EVER, false },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tries); i++)
		detach_with(test, &tries[i]);
}

/* The large window can neither be cleared nor removed, nor does a reset help. */
static void detach_stuck(struct kunit *test)
{
	struct power_case *c = power_case_create(test, 2);
	phys_addr_t phys;

	power_add(c, IOVA(0), PHYS(2), BLOCK * PAGE_SIZE);
	KUNIT_ASSERT_EQ(test, 0, power_do_map(c, RW));
	fake_hv_fail(c->hv, FAKE_HV_STUFF, 1, FAKE_HV_FOR_EVER, -EIO);
	fake_hv_fail(c->hv, FAKE_HV_REMOVE, 1, FAKE_HV_FOR_EVER, -EIO);
	fake_hv_fail(c->hv, FAKE_HV_RESET, 1, FAKE_HV_FOR_EVER, -EIO);
	power_case_detach(c, 1);
	fake_hv_heal(c->hv);
	KUNIT_EXPECT_EQ(test, 0, fake_pe_translate(c->fp[1], IOVA(BLOCK - 1),
						   true, &phys));
	KUNIT_EXPECT_TRUE(test, c->fp[1]->pe->iommu.dead);
	KUNIT_EXPECT_EQ(test, -EIO, power_do_flush(c));
	power_case_finish(c);
}

static bool compatible(struct power_case *c, unsigned int n)
{
	struct sluice_domain *domain = c->domain;

	return domain->ops->compatible(domain, &c->fp[n]->pe->iommu,
				       c->fp[n]->group);
}

static void attach_compatible(struct kunit *test)
{
	struct power_case *c = power_case_plug(test);
	unsigned int i;

	c->fp[1]->query.sizes = BIT(0);
	c->fp[2]->query.windows = 3;
	power_case_start(c, 1, SLUICE_DOMAIN_UNIFIED);
	for (i = 1; i < 3; i++) {
		KUNIT_ASSERT_EQ(test, 0, fake_pe_take(c->fp[i]));
		KUNIT_EXPECT_FALSE(test, compatible(c, i));
		KUNIT_EXPECT_EQ(test, -EINVAL, power_case_attach(c, i));
		fake_pe_expect_normal(c->fp[i]);
	}
	KUNIT_EXPECT_TRUE(test, compatible(c, 0));
	power_case_finish(c);
}

static struct kunit_case power_attach_cases[] = {
	KUNIT_CASE(attach_outlives),
	KUNIT_CASE(attach_without_reset),
	KUNIT_CASE(attach_fails),
	KUNIT_CASE(detach_fails),
	KUNIT_CASE(detach_stuck),
	KUNIT_CASE(attach_compatible),
	{}
};

static struct kunit_suite power_attach_suite = {
	.name = "sluice_power_attach",
	.test_cases = power_attach_cases,
};

kunit_test_suite(power_attach_suite);
