// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the POWER backend takes a PE: what it finds out of its windows, and that nothing
 * of the host's is left in them.
 */
#include "power_fixture.h"

/* LoPAR: IO page sizes of ibm,query-pe-dma-windows, from bit 0 on. */
static const u64 sizes[] = {
	SZ_4K, SZ_64K, SZ_16M, SZ_32M, SZ_64M, SZ_128M, SZ_256M, SZ_16G, SZ_2M,
};

static const struct sluice_caps *take(struct power_case *c, unsigned int n)
{
	KUNIT_ASSERT_EQ(c->test, 0, fake_pe_take(c->fp[n]));
	fake_pe_expect_normal(c->fp[n]);
	return &c->fp[n]->pe->iommu.caps;
}

/* The default window is all there is. */
static void expect_small(struct power_case *c, unsigned int n)
{
	const struct sluice_caps *caps = take(c, n);

	KUNIT_EXPECT_EQ(c->test, 1, caps->nr_apertures);
	KUNIT_EXPECT_TRUE(c->test, sluice_range_empty(&c->fp[n]->pe->large));
}

/* What the VM survives where QEMU has to ask a host of its own for the table. */
#define HARMLESS_TCES_LG2 21

static void expect_large(struct power_case *c, unsigned int n,
			 unsigned int page_lg2, unsigned int tces_lg2)
{
	unsigned int lg2 = tces_lg2 + page_lg2;
	const struct sluice_caps *caps = take(c, n);

	KUNIT_ASSERT_EQ(c->test, 2, caps->nr_apertures);
	KUNIT_EXPECT_EQ(c->test, page_lg2, c->fp[n]->pe->large_lg2);
	KUNIT_EXPECT_EQ(c->test, FAKE_HV_LARGE_START, caps->apertures[1].start);
	KUNIT_EXPECT_EQ(c->test, FAKE_HV_LARGE_START + BIT_ULL(lg2) - 1,
			caps->apertures[1].last);
	KUNIT_EXPECT_GE(c->test, BIT_ULL(HARMLESS_TCES_LG2),
			c->fp[n]->most_tces);
}

static void caps_qemu(struct kunit *test)
{
	struct power_case *c = power_case_plug(test);
	const struct sluice_caps *caps;

	expect_large(c, 0, PAGE_SHIFT == 12 ? 12 : 16, HARMLESS_TCES_LG2);
	caps = &c->fp[0]->pe->iommu.caps;
	KUNIT_EXPECT_EQ(test, PAGE_SIZE, caps->pgsizes);
	KUNIT_EXPECT_EQ(test, 0, caps->apertures[0].start);
	KUNIT_EXPECT_EQ(test, SZ_1G - 1, caps->apertures[0].last);
	KUNIT_EXPECT_EQ(test, 0, caps->windows.initial.start);
	KUNIT_EXPECT_EQ(test, SZ_1G - 1, caps->windows.initial.last);
	KUNIT_EXPECT_EQ(test, 12, caps->windows.initial_lg2);
	KUNIT_EXPECT_EQ(test, SZ_4K | SZ_64K | SZ_16M | SZ_2M,
			caps->windows.pgsizes);
	KUNIT_EXPECT_EQ(test, 2, caps->windows.max);
	KUNIT_EXPECT_EQ(test, 1, caps->windows.levels);
	KUNIT_EXPECT_TRUE(test, caps->isolated_msi);
}

static void caps_sizes(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < 32; i++) {
		struct power_case *c = power_case_plug(test);
		u64 want = i < ARRAY_SIZE(sizes) ? sizes[i] : 0;

		c->fp[0]->query.sizes = BIT(i);
		if (want && want <= PAGE_SIZE)
			expect_large(c, 0, ilog2(want), HARMLESS_TCES_LG2);
		else
			expect_small(c, 0);
		/* The default window's, which can be had again. */
		want |= want ? SZ_4K : 0;
		KUNIT_EXPECT_EQ_MSG(test, want,
				    c->fp[0]->pe->iommu.caps.windows.pgsizes,
				    "bit %u", i);
		fake_hv_destroy(c->hv);
	}
}

static void caps_largest(struct kunit *test)
{
	static const struct {
		u64 largest;
		unsigned int tces_lg2;
	} tries[] = {
		{ 1, 0 },
		{ 0x100000, 20 },
		{ 0x300000, 21 },
		{ 0x2000000000ULL, HARMLESS_TCES_LG2 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tries); i++) {
		struct power_case *c = power_case_plug(test);

		c->fp[0]->query.largest = tries[i].largest;
		c->fp[0]->query.sizes = BIT(ilog2(PAGE_SIZE) == 16);
		expect_large(c, 0, PAGE_SHIFT, tries[i].tces_lg2);
		fake_hv_destroy(c->hv);
	}
}

static void caps_number(struct kunit *test)
{
	static const struct {
		u32 windows;	/* the default one included */
		unsigned int max;
	} tries[] = { { 1, 1 }, { 2, 2 }, { 4, 4 }, { 5, 4 }, { 1000, 4 } };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tries); i++) {
		struct power_case *c = power_case_plug(test);

		c->fp[0]->query.windows = tries[i].windows;
		KUNIT_EXPECT_EQ(test, tries[i].max, take(c, 0)->windows.max);
		KUNIT_EXPECT_EQ(test, tries[i].windows == 1 ? 1 : 2,
				c->fp[0]->pe->iommu.caps.nr_apertures);
		fake_hv_destroy(c->hv);
	}
}

/* Without what it takes, there is the default window. */
static void caps_no_ddw(struct kunit *test)
{
	struct power_case *c = power_case_plug(test);
	unsigned int n;

	c->fp[0]->desc.query = 0;
	c->fp[0]->desc.create = 0;
	c->fp[0]->desc.remove = 0;
	c->fp[0]->desc.reset = 0;
	c->fp[1]->desc.reset = 0;
	c->fp[2]->query.largest = 0;
	for (n = 0; n < 3; n++)
		expect_small(c, n);
	for (n = 0; n < 2; n++) {
		KUNIT_EXPECT_EQ(test, 1,
				c->fp[n]->pe->iommu.caps.windows.max);
		KUNIT_EXPECT_EQ(test, 0,
				c->fp[n]->pe->iommu.caps.windows.pgsizes);
	}
	KUNIT_EXPECT_EQ(test, 1, atomic_read(&c->hv->calls[FAKE_HV_QUERY]));
	fake_hv_destroy(c->hv);

	/* It does for a domain. */
	c = power_case_plug(test);
	c->fp[0]->desc.reset = 0;
	power_case_start(c, 1, SLUICE_DOMAIN_UNIFIED);
	power_add(c, SZ_1M, PHYS(3), SZ_1M);
	KUNIT_EXPECT_EQ(test, 0, power_do_map(c, RW));
	power_check(c);
	power_case_detach(c, 0);
	fake_pe_expect_normal(c->fp[0]);
	power_case_finish(c);
}

static void caps_calls_fail(struct kunit *test)
{
	static const struct {
		enum fake_hv_call call;
		unsigned int nth;
		int err;
	} tries[] = {
		{ FAKE_HV_QUERY, 1, -EIO },
		{ FAKE_HV_QUERY, 1, -EBUSY },
		{ FAKE_HV_QUERY, 2, -EIO },
		{ FAKE_HV_CREATE, 1, -EIO },
		{ FAKE_HV_CREATE, 1, -EBUSY },
		{ FAKE_HV_REMOVE, 1, -EIO },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tries); i++) {
		struct power_case *c = power_case_plug(test);

		fake_hv_fail(c->hv, tries[i].call, tries[i].nth, 1,
			     tries[i].err);
		expect_small(c, 0);
		fake_hv_destroy(c->hv);
	}
}

/* Then the PE isn't what it must be, and can't be used. */
static void caps_not_normal(struct kunit *test)
{
	struct power_case *c = power_case_plug(test);

	fake_hv_fail(c->hv, FAKE_HV_RESET, 1, 1, -EIO);
	KUNIT_EXPECT_EQ(test, -EIO, fake_pe_take(c->fp[0]));
	fake_hv_fail(c->hv, FAKE_HV_STUFF, 7, 1, -EIO);
	KUNIT_EXPECT_EQ(test, -EIO, fake_pe_take(c->fp[0]));
	/* A window that was only to be looked at is left. */
	fake_hv_fail(c->hv, FAKE_HV_REMOVE, 1, 1, -EIO);
	fake_hv_fail(c->hv, FAKE_HV_RESET, 2, 1, -EIO);
	KUNIT_EXPECT_EQ(test, -EIO, fake_pe_take(c->fp[0]));
	KUNIT_EXPECT_NULL(test, power_pe_find(c->fp[0]->group));
	take(c, 0);
	c->fp[1]->desc.window.last = PAGE_SIZE / 2 - 1;
	KUNIT_EXPECT_EQ(test, -ENODEV, fake_pe_take(c->fp[1]));
}

/* A large window is of no use where it isn't apart from the default one. */
static void caps_places(struct kunit *test)
{
	static const struct {
		u64 start;
		unsigned int apertures;
	} tries[] = {
		{ 0, 1 }, { SZ_512M, 1 }, { SZ_1G, 1 },
		{ SZ_1G + SZ_64K, 2 }, { BIT_ULL(40), 2 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tries); i++) {
		struct power_case *c = power_case_plug(test);

		c->fp[0]->next_start = tries[i].start;
		KUNIT_EXPECT_EQ_MSG(test, tries[i].apertures,
				    take(c, 0)->nr_apertures, "at %#llx",
				    tries[i].start);
		fake_hv_destroy(c->hv);
	}
}

/* What the host has left there, no user's device may reach. */
static void leave(struct fake_pe *fp)
{
	static const unsigned int tces[] = { 0, 1, 511, 512, 100000, 262143 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tces); i++)
		fake_window_set(&fp->windows[0], tces[i],
				BIT_ULL(32) + tces[i] * SZ_4K + 3);
	KUNIT_ASSERT_EQ(fp->hv->test, ARRAY_SIZE(tces), fake_pe_tces(fp));
}

static void caps_leftovers(struct kunit *test)
{
	struct power_case *c = power_case_plug(test);
	struct fake_window *fw = &c->fp[0]->windows[3];

	leave(c->fp[0]);
	fw->there = true;
	fw->page_lg2 = 16;
	fw->range.start = FAKE_HV_LARGE_START;
	fw->range.last = FAKE_HV_LARGE_START + SZ_1G - 1;
	fake_window_set(fw, 5, BIT_ULL(32) + 3);
	expect_large(c, 0, min(PAGE_SHIFT, 16), HARMLESS_TCES_LG2);
	/* The default one is gone, as when the host made a large one at 0. */
	leave(c->fp[1]);
	c->fp[1]->windows[0].there = false;
	take(c, 1);
	leave(c->fp[2]);
	c->fp[2]->desc.reset = 0;
	take(c, 2);
	fake_hv_destroy(c->hv);

	c = power_case_plug(test);
	c->hv->ops.stuff = NULL;
	leave(c->fp[0]);
	take(c, 0);
	KUNIT_EXPECT_EQ(test, FAKE_HV_DEFAULT_BYTES / SZ_4K,
			atomic_read(&c->hv->calls[FAKE_HV_PUT]));
}

/* One block can't be cleared: the others are, all the same. */
static void caps_cleared_but_one(struct kunit *test)
{
	struct power_case *c = power_case_plug(test);
	struct fake_window *fw = &c->fp[0]->windows[0];

	leave(c->fp[0]);
	fake_hv_fail(c->hv, FAKE_HV_STUFF, 1, 1, -ENOMEM);
	KUNIT_EXPECT_EQ(test, -EIO, fake_pe_take(c->fp[0]));
	KUNIT_EXPECT_EQ(test, 3, fake_pe_tces(c->fp[0]));
	KUNIT_EXPECT_NE(test, 0, fake_window_get(fw, 511));
	KUNIT_EXPECT_EQ(test, 0, fake_window_get(fw, 512));
}

static void caps_probe(struct kunit *test)
{
	struct power_case *c = power_case_plug(test);
	struct sluice_iommu *iommu;
	struct sluice_domain *domain;

	take(c, 0);
	iommu = power_backend.probe(c->fp[0]->group);
	KUNIT_ASSERT_PTR_EQ(test, iommu, &c->fp[0]->pe->iommu);
	KUNIT_EXPECT_EQ(test, 2, kref_read(&iommu->ref));
	iommu = power_backend.probe(c->fp[1]->group);
	KUNIT_EXPECT_TRUE(test, IS_ERR(iommu) && PTR_ERR(iommu) == -ENODEV);
	domain = power_backend.domain_alloc(&c->fp[0]->pe->iommu,
					    c->fp[0]->group,
					    SLUICE_DOMAIN_MAPPINGS);
	KUNIT_EXPECT_TRUE(test, IS_ERR(domain));
	sluice_iommu_put(&c->fp[0]->pe->iommu);
}

static struct kunit_case power_caps_cases[] = {
	KUNIT_CASE(caps_qemu),
	KUNIT_CASE(caps_sizes),
	KUNIT_CASE(caps_largest),
	KUNIT_CASE(caps_number),
	KUNIT_CASE(caps_no_ddw),
	KUNIT_CASE(caps_calls_fail),
	KUNIT_CASE(caps_not_normal),
	KUNIT_CASE(caps_places),
	KUNIT_CASE(caps_leftovers),
	KUNIT_CASE(caps_cleared_but_one),
	KUNIT_CASE(caps_probe),
	{}
};

static struct kunit_suite power_caps_suite = {
	.name = "sluice_power_caps",
	.test_cases = power_caps_cases,
};

kunit_test_suite(power_caps_suite);
