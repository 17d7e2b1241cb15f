// SPDX-License-Identifier: GPL-2.0-only
/*
 * Windows that the user makes, over the POWER backend: where they land, what each errno
 * leaves behind, and that all PEs of a domain have the same.
 */
#include <kunit/static_stub.h>

#include "core/pt/private.h"
#include "power_fixture.h"

#define SIZE SZ_1G

static int create(struct power_case *c, u64 size, u64 *start)
{
	return c->domain->ops->windows->create(c->domain, 16, size, start);
}

static int remove(struct power_case *c, u64 start)
{
	return c->domain->ops->windows->remove(c->domain, start);
}

static unsigned int nr_windows(struct fake_pe *fp)
{
	unsigned int i, n = 0;

	for (i = 0; i < FAKE_HV_WINDOWS; i++)
		n += fp->windows[i].there;
	return n;
}

static struct power_case *start_with(struct kunit *test, unsigned int pes)
{
	struct power_case *c = power_case_plug(test);

	power_case_start(c, pes, SLUICE_DOMAIN_WINDOWS);
	return c;
}

/* Maps 16 pages of 64K at the beginning of a window. */
static void fill(struct power_case *c, u64 start)
{
	power_add(c, start, PHYS(0), SZ_1M);
	KUNIT_ASSERT_EQ(c->test, 0, power_do_map(c, RW));
	power_check(c);
}

static void windows_initial(struct kunit *test)
{
	struct power_case *c = start_with(test, 1);

	/* Pages are the window's own, not the CPU's. */
	power_add(c, 3 * SZ_4K, BIT_ULL(33) + SZ_4K, SZ_4K);
	power_add(c, 5 * SZ_4K, BIT_ULL(33), 600 * SZ_4K);
	KUNIT_EXPECT_EQ(test, 0, power_do_map(c, RO));
	power_check(c);
	KUNIT_EXPECT_EQ(test, 601, fake_pe_tces(c->fp[0]));
	KUNIT_EXPECT_EQ(test, 1, power_do_unmap(c, 3 * SZ_4K, SZ_4K));
	power_check(c);
	KUNIT_EXPECT_EQ(test, 600, fake_pe_tces(c->fp[0]));

	/* Nothing goes beyond its end, nor where there is no window. */
	power_add(c, SZ_1G - SZ_4K, BIT_ULL(33), 2 * SZ_4K);
	KUNIT_EXPECT_EQ(test, -EINVAL, power_do_map(c, RO));
	power_add(c, SZ_1G, BIT_ULL(33), SZ_4K);
	KUNIT_EXPECT_EQ(test, -EINVAL, power_do_map(c, RO));
	power_add(c, SZ_1G - 2 * SZ_4K, BIT_ULL(33), 2 * SZ_4K);
	KUNIT_EXPECT_EQ(test, 0, power_do_map(c, RO));
	power_check(c);
	power_do_clear(c);
	power_case_finish(c);
}

static void windows_create(struct kunit *test)
{
	struct power_case *c = start_with(test, 1);
	unsigned long tables = c->domain->tables;
	u64 start;

	KUNIT_ASSERT_EQ(test, 0, create(c, SIZE, &start));
	KUNIT_EXPECT_EQ(test, start, FAKE_HV_LARGE_START);
	KUNIT_EXPECT_GT(test, c->domain->tables, tables);
	fill(c, start);
	fill(c, 0);
	KUNIT_EXPECT_EQ(test, 16 + 256, fake_pe_tces(c->fp[0]));

	/* There are as many as there can be: whatever the size. */
	KUNIT_EXPECT_EQ(test, -ENOSPC, create(c, SIZE, &start));
	KUNIT_EXPECT_EQ(test, -ENOSPC, create(c, BIT_ULL(63), &start));
	power_check(c);
	power_do_unmap(c, FAKE_HV_LARGE_START, SZ_1M);
	KUNIT_EXPECT_EQ(test, 0, remove(c, FAKE_HV_LARGE_START));
	KUNIT_EXPECT_EQ(test, 1, nr_windows(c->fp[0]));
	KUNIT_EXPECT_EQ(test, tables + 1, c->domain->tables);
	power_check(c);
	KUNIT_EXPECT_NE(test, 0, remove(c, FAKE_HV_LARGE_START));
	KUNIT_EXPECT_EQ(test, 1, nr_windows(c->fp[0]));

	KUNIT_EXPECT_EQ(test, -E2BIG, create(c, SZ_32K, &start));
	KUNIT_EXPECT_EQ(test, -E2BIG,
			create(c, BIT_ULL(16 + 29), &start));
	c->fp[0]->query.largest = SIZE / SZ_64K - 1;
	KUNIT_EXPECT_EQ(test, -E2BIG, create(c, SIZE, &start));
	c->fp[0]->query.largest++;
	KUNIT_EXPECT_EQ(test, 0, create(c, SIZE, &start));
	KUNIT_EXPECT_EQ(test, 2, nr_windows(c->fp[0]));
	power_do_clear(c);
	power_case_finish(c);
}

/* Pages larger than the CPU's; more places than the hypervisor would fill. */
static void windows_many(struct kunit *test)
{
	struct power_case *c = power_case_plug(test);
	const struct sluice_window_ops *ops;
	unsigned int i;
	u64 start;

	c->fp[0]->query.windows = 5;
	power_case_start(c, 1, SLUICE_DOMAIN_WINDOWS);
	ops = c->domain->ops->windows;
	for (i = 1; i < SLUICE_MAX_HW_WINDOWS; i++) {
		c->fp[0]->next_start = i * FAKE_HV_LARGE_START;
		KUNIT_ASSERT_EQ(test, 0,
				ops->create(c->domain, 24, SZ_16G, &start));
		KUNIT_EXPECT_EQ(test, start, i * FAKE_HV_LARGE_START);
		power_add(c, start + i * SZ_16M, BIT_ULL(34 + i), SZ_32M);
		KUNIT_EXPECT_EQ(test, 0, power_do_map(c, RW));
		power_check(c);
		KUNIT_EXPECT_EQ(test, 2 * i, fake_pe_tces(c->fp[0]));
	}
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			ops->create(c->domain, 24, SZ_16G, &start));
	power_add(c, start + SZ_1M, BIT_ULL(34), SZ_16M);
	KUNIT_EXPECT_EQ(test, -EINVAL, power_do_map(c, RW));
	power_check(c);
	power_do_clear(c);
	power_case_finish(c);
}

/* The default one is removed too late: the next would land on the large one. */
static void windows_order_trap(struct kunit *test)
{
	struct power_case *c = start_with(test, 2);
	u64 start = 1;

	KUNIT_ASSERT_EQ(test, 0, create(c, SIZE, &start));
	fill(c, start);
	KUNIT_ASSERT_EQ(test, 0, remove(c, 0));
	KUNIT_EXPECT_EQ(test, -EADDRINUSE, create(c, SIZE, &start));
	KUNIT_EXPECT_EQ(test, 1, nr_windows(c->fp[0]));
	KUNIT_EXPECT_EQ(test, 1, nr_windows(c->fp[1]));
	power_check(c);
	power_do_unmap(c, FAKE_HV_LARGE_START, SZ_1M);
	KUNIT_EXPECT_EQ(test, 0, remove(c, FAKE_HV_LARGE_START));
	KUNIT_EXPECT_EQ(test, 0, create(c, SIZE, &start));
	KUNIT_EXPECT_EQ(test, 0, start);
	fill(c, 0);
	KUNIT_EXPECT_EQ(test, 0, create(c, SIZE, &start));
	KUNIT_EXPECT_EQ(test, start, FAKE_HV_LARGE_START);
	power_check(c);
	power_case_finish(c);
}

/* Some platforms restore the default window with the last one gone, some don't. */
static void windows_again_at_0(struct kunit *test)
{
	unsigned int i, k;
	u64 start;

	for (i = 0; i < 2; i++) {
		struct power_case *c = start_with(test, 2);

		c->fp[0]->restores = i;
		c->fp[1]->restores = i;
		KUNIT_ASSERT_EQ(test, 0, remove(c, 0));
		for (k = 0; k < 3; k++) {
			KUNIT_ASSERT_EQ(test, 0, create(c, SIZE, &start));
			KUNIT_EXPECT_EQ(test, 0, start);
			fill(c, 0);
			power_do_unmap(c, 0, SZ_1M);
			KUNIT_ASSERT_EQ(test, 0, remove(c, 0));
			KUNIT_EXPECT_EQ(test, i, nr_windows(c->fp[1]));
		}
		power_case_finish(c);
	}
}

/* ---- What fails, and changes nothing ---- */

static void expect_create_fails(struct power_case *c, int want)
{
	unsigned long tables = c->domain->tables;
	u64 start;

	KUNIT_EXPECT_EQ(c->test, want, create(c, SIZE, &start));
	KUNIT_EXPECT_EQ(c->test, 1, nr_windows(c->fp[0]));
	KUNIT_EXPECT_EQ(c->test, 1, nr_windows(c->fp[1]));
	KUNIT_EXPECT_EQ(c->test, tables, c->domain->tables);
	power_check(c);
}

/* By the first PE, and by the second. */
static void windows_create_fails(struct kunit *test)
{
	static const int errs[] = { -EBUSY, -EIO, -ENOMEM };
	struct power_case *c = start_with(test, 2);
	unsigned int i, n;
	u64 start;

	fill(c, 0);
	for (i = 0; i < ARRAY_SIZE(errs); i++) {
		for (n = 1; n <= 2; n++) {
			fake_hv_fail(c->hv, FAKE_HV_CREATE, n, 1, errs[i]);
			expect_create_fails(c, errs[i]);
			fake_hv_heal(c->hv);
			fake_hv_fail(c->hv, FAKE_HV_QUERY, n, 1, errs[i]);
			expect_create_fails(c, errs[i]);
			fake_hv_heal(c->hv);
		}
	}
	c->fp[1]->query.windows = 1;
	expect_create_fails(c, -ENOSPC);
	c->fp[1]->query.windows = 2;
	c->fp[1]->next_start *= 2;
	expect_create_fails(c, -EADDRINUSE);
	c->fp[1]->next_start /= 2;
	KUNIT_EXPECT_EQ(test, 0, create(c, SIZE, &start));
	KUNIT_EXPECT_EQ(test, 2, nr_windows(c->fp[0]));
	KUNIT_EXPECT_EQ(test, 2, nr_windows(c->fp[1]));
	power_do_clear(c);
	power_case_finish(c);
}

static __le64 *no_table(struct pt *pt, gfp_t gfp)
{
	return NULL;
}

static void windows_no_memory(struct kunit *test)
{
	struct power_case *c = start_with(test, 2);

	kunit_activate_static_stub(test, pt_table_alloc, no_table);
	expect_create_fails(c, -ENOMEM);
	KUNIT_EXPECT_TRUE(test, IS_ERR(sluice_domain_alloc(c->domain->iommu,
							   c->fp[0]->group,
							   SLUICE_DOMAIN_UNIFIED)));
	kunit_deactivate_static_stub(test, pt_table_alloc);
	power_case_finish(c);
}

static void windows_remove_fails(struct kunit *test)
{
	struct power_case *c = start_with(test, 2);
	u64 start;

	KUNIT_ASSERT_EQ(test, 0, create(c, SIZE, &start));
	fake_hv_fail(c->hv, FAKE_HV_REMOVE, 1, 1, -EBUSY);
	KUNIT_EXPECT_EQ(test, -EIO, remove(c, start));
	fake_hv_fail(c->hv, FAKE_HV_REMOVE, 1, 1, -EIO);
	KUNIT_EXPECT_EQ(test, -EIO, remove(c, start));
	fake_hv_heal(c->hv);
	fill(c, start);
	power_do_clear(c);

	/* With one gone, the others can't be of use. They go with the PE. */
	fake_hv_fail(c->hv, FAKE_HV_REMOVE, 2, 1, -EIO);
	KUNIT_EXPECT_EQ(test, 0, remove(c, start));
	power_add(c, start, PHYS(0), SZ_64K);
	KUNIT_EXPECT_EQ(test, -EINVAL, power_do_map(c, RW));
	power_case_finish(c);
}

/* ---- PEs that come to windows that are there ---- */

/* The user's windows, at 0 and above, with something in them. */
static struct power_case *with_windows(struct kunit *test)
{
	struct power_case *c = start_with(test, 1);
	u64 start;

	KUNIT_ASSERT_EQ(test, 0, fake_pe_take(c->fp[1]));
	KUNIT_ASSERT_EQ(test, 0, remove(c, 0));
	KUNIT_ASSERT_EQ(test, 0, create(c, SIZE, &start));
	fill(c, start);
	KUNIT_ASSERT_EQ(test, 0, create(c, SIZE, &start));
	fill(c, start);
	power_add(c, start + SZ_4M, PHYS(512), SZ_64K);
	KUNIT_ASSERT_EQ(test, 0, power_do_map(c, RO));
	return c;
}

static void windows_second_pe(struct kunit *test)
{
	struct power_case *c = with_windows(test);

	KUNIT_EXPECT_EQ(test, 0, power_case_attach(c, 1));
	power_check(c);
	KUNIT_EXPECT_EQ(test, 33, fake_pe_tces(c->fp[1]));
	power_case_detach(c, 0);
	fake_pe_expect_normal(c->fp[0]);
	power_check(c);
	power_case_detach(c, 1);
	fake_pe_expect_normal(c->fp[1]);
	/* With the last PE, the windows are gone. */
	KUNIT_EXPECT_EQ(test, 0, power_mapped(c));
	KUNIT_EXPECT_EQ(test, 1, c->domain->tables);
	power_case_finish(c);
}

/* An attach whose n-th call of a kind fails, if there is an n-th one. */
static void attach_with(struct power_case *c, enum fake_hv_call call,
			unsigned int n, int want)
{
	fake_hv_fail(c->hv, call, n, 1, -EIO);
	KUNIT_EXPECT_EQ_MSG(c->test, want, power_case_attach(c, 1),
			    "kind %u, call %u", call, n);
	fake_hv_heal(c->hv);
	power_check(c);
	power_case_detach(c, 1);
	fake_pe_expect_normal(c->fp[1]);
}

static void windows_attach_fails(struct kunit *test)
{
	static const struct {
		enum fake_hv_call call;
		unsigned int calls;
		int err;
	} tries[] = {
		{ FAKE_HV_QUERY, 2, -EINVAL },
		{ FAKE_HV_CREATE, 2, -EINVAL },
		{ FAKE_HV_REMOVE, 1, -EIO },
		{ FAKE_HV_INDIRECT, 2, -EIO },
		{ FAKE_HV_PUT, 1, -EIO },
	};
	struct power_case *c = with_windows(test);
	unsigned int i, n;

	for (i = 0; i < ARRAY_SIZE(tries); i++) {
		for (n = 1; n <= tries[i].calls; n++)
			attach_with(c, tries[i].call, n, tries[i].err);
		attach_with(c, tries[i].call, n, 0);
	}
	fake_hv_fail(c->hv, FAKE_HV_CREATE, 2, 1, -ENOMEM);
	KUNIT_EXPECT_EQ(test, -ENOMEM, power_case_attach(c, 1));
	fake_hv_heal(c->hv);
	c->fp[1]->next_start *= 2;
	KUNIT_EXPECT_EQ(test, -EINVAL, power_case_attach(c, 1));
	fake_pe_expect_normal(c->fp[1]);
	KUNIT_EXPECT_FALSE(test, c->fp[1]->pe->iommu.dead);
	power_case_finish(c);
}

static struct kunit_case power_window_cases[] = {
	KUNIT_CASE(windows_initial),
	KUNIT_CASE(windows_create),
	KUNIT_CASE(windows_many),
	KUNIT_CASE(windows_order_trap),
	KUNIT_CASE(windows_again_at_0),
	KUNIT_CASE(windows_create_fails),
	KUNIT_CASE(windows_no_memory),
	KUNIT_CASE(windows_remove_fails),
	KUNIT_CASE(windows_second_pe),
	KUNIT_CASE(windows_attach_fails),
	{}
};

static struct kunit_suite power_window_suite = {
	.name = "sluice_power_window",
	.test_cases = power_window_cases,
};

kunit_test_suite(power_window_suite);
