// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hypervisor fails, or is busy: at each call of each operation in turn. A map that
 * fails has mapped nothing, an unmap that fails tells the core by the flush.
 */
#include "power_fixture.h"

/*
 * A few times a thousand tries, and each block or TCE once; endless patience would be a
 * thousand for each of those.
 */
#define BOUND_CALLS 10000

/**
 * struct shape - a map
 * @name: for messages
 * @page: its pages; those in adjacent places are extents by themselves
 * @nr: how many
 * @blocks: if not 0: one extent of so many blocks, from the first page on
 * @call: what it is written with
 * @calls: how often, for one PE
 */
struct shape {
	const char *name;
	unsigned int page[6];
	unsigned int nr;
	unsigned int blocks;
	enum fake_hv_call call;
	unsigned int calls;
};

static const struct shape shapes[] = {
	{ "one page", { 70 }, 1, 0, FAKE_HV_PUT, 1 },
	{ "solid", { 60, 61, 62, 63 }, 4, 0, FAKE_HV_INDIRECT, 1 },
	{ "bridged", { 40, 42, 44, 45, 47 }, 5, 0, FAKE_HV_INDIRECT, 1 },
	{ "apart", { 100, 200, 300 }, 3, 0, FAKE_HV_PUT, 3 },
	{ "two blocks", { 400, 401, BLOCK + 9, BLOCK + 7 }, 4, 0,
	  FAKE_HV_INDIRECT, 2 },
	{ "long", { BLOCK + 20 }, 1, 3, FAKE_HV_INDIRECT, 4 },
};

/* In the gaps of all of them, and at their ends. */
static const unsigned int neighbours[] = {
	39, 41, 43, 46, 48, 59, 64, 99, 101, 199, 201, 299, 301, 399, 402,
	BLOCK + 6, BLOCK + 8, BLOCK + 10, BLOCK + 19, 4 * BLOCK + 20,
};

static void map_neighbours(struct power_case *c)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(neighbours); i++)
		power_do_map_page(c, neighbours[i]);
}

static int map_shape(struct power_case *c, const struct shape *s)
{
	unsigned int i;

	for (i = 0; i < s->nr; i++)
		power_add(c, IOVA(s->page[i]), PHYS(9000 + i),
			  (s->blocks ? s->blocks * BLOCK : 1) * PAGE_SIZE);
	return power_do_map(c, RO);
}

/* Undoes what a map says it has done, as the core does. */
static void unwind(struct power_case *c, const struct shape *s)
{
	u64 done = c->done;
	unsigned int i;

	KUNIT_EXPECT_TRUE(c->test, IS_ALIGNED(done, PAGE_SIZE));
	for (i = 0; done; i++) {
		u64 bytes = s->blocks ? done : PAGE_SIZE;

		KUNIT_ASSERT_LT(c->test, i, s->nr);
		power_do_unmap(c, IOVA(s->page[i]), bytes);
		done -= bytes;
	}
}

static void sweep_shape(struct kunit *test, const struct shape *s, int err,
			unsigned int times)
{
	struct power_case *c = power_case_create(test, 2);
	unsigned int n;
	int ret;

	map_neighbours(c);
	for (n = 1;; n++) {
		KUNIT_ASSERT_LT(test, n, 20);
		fake_hv_fail(c->hv, s->call, n, times, err);
		ret = map_shape(c, s);
		fake_hv_heal(c->hv);
		if (!ret)
			break;
		KUNIT_EXPECT_EQ_MSG(test, err, ret, "%s, call %u", s->name, n);
		unwind(c, s);
		KUNIT_EXPECT_EQ(test, 0, power_do_flush(c));
		KUNIT_EXPECT_EQ_MSG(test, ARRAY_SIZE(neighbours),
				    power_mapped(c), "%s, call %u", s->name, n);
		power_check(c);
	}
	KUNIT_EXPECT_EQ_MSG(test, n - 1, 2 * s->calls, "%s", s->name);
	power_check(c);
	KUNIT_EXPECT_FALSE(test, c->fp[0]->pe->iommu.dead);
	KUNIT_EXPECT_FALSE(test, c->fp[1]->pe->iommu.dead);
	power_do_clear(c);
	power_case_finish(c);
}

static void sweep(struct kunit *test, int err, unsigned int times)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(shapes); i++)
		sweep_shape(test, &shapes[i], err, times);
}

static void fail_map_refused(struct kunit *test)
{
	sweep(test, -EIO, 1);
}

static void fail_map_no_memory(struct kunit *test)
{
	sweep(test, -ENOMEM, 1);
}

/* For as long as one call is repeated; then it does what it is told. */
static void fail_map_too_busy(struct kunit *test)
{
	sweep_shape(test, &shapes[2], -EBUSY, 1001);
	sweep_shape(test, &shapes[3], -EBUSY, 1001);
}

/* Something is there already: no hypercall for the block, and no record. */
static void fail_map_exists(struct kunit *test)
{
	static const unsigned int there[] = { 1, 3, 5, BLOCK + 2 };
	struct power_case *c = power_case_create(test, 2);
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(there); i++)
		power_do_map_page(c, there[i]);
	fake_hv_forget_counts(c->hv);
	for (i = 0; i < ARRAY_SIZE(there) - 1; i++) {
		for (k = 0; k <= there[i]; k++)
			power_add(c, IOVA(k), PHYS(80 + k), PAGE_SIZE);
		KUNIT_EXPECT_EQ(test, -EEXIST, power_do_map(c, RO));
		KUNIT_EXPECT_EQ(test, 0, c->done);
		KUNIT_EXPECT_EQ(test, 0, fake_hv_writes(c->hv));
		KUNIT_EXPECT_EQ(test, ARRAY_SIZE(there), power_mapped(c));
		power_check(c);
	}
	/* The block before it has been mapped, and is said to be. */
	power_add(c, IOVA(BLOCK - 2), PHYS(80), 5 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, -EEXIST, power_do_map(c, RO));
	KUNIT_EXPECT_EQ(test, 2 * PAGE_SIZE, c->done);
	power_check(c);
	KUNIT_EXPECT_EQ(test, ARRAY_SIZE(there) + 2, power_mapped(c));
	power_do_clear(c);
	power_case_finish(c);
}

/* A failed map whose TCEs can't be cleared: the core is told by the flush. */
static void fail_map_then_clear(struct kunit *test)
{
	struct power_case *c = power_case_create(test, 2);

	map_neighbours(c);
	fake_hv_fail(c->hv, FAKE_HV_INDIRECT, 2, 1, -EIO);
	/* Not by the first PE, but by the second. */
	fake_hv_fail(c->hv, FAKE_HV_PUT, 2, 1, -EIO);
	KUNIT_EXPECT_EQ(test, -EIO, map_shape(c, &shapes[1]));
	KUNIT_EXPECT_EQ(test, 0, c->done);
	KUNIT_EXPECT_NE(test, 0, c->gather.nr);
	KUNIT_EXPECT_EQ(test, -EIO, power_do_flush(c));
	KUNIT_EXPECT_FALSE(test, c->fp[0]->pe->iommu.dead);
	KUNIT_EXPECT_TRUE(test, c->fp[1]->pe->iommu.dead);
	fake_hv_heal(c->hv);

	/* Half of the list is there, and no record of it. It goes with the PE. */
	KUNIT_EXPECT_GT(test, fake_pe_tces(c->fp[1]), ARRAY_SIZE(neighbours));
	power_case_detach(c, 0);
	power_case_detach(c, 1);
	fake_pe_expect_normal(c->fp[0]);
	fake_pe_expect_normal(c->fp[1]);
	power_case_finish(c);
}

/* The same in the default window, which stays when the PE goes. */
static void fail_clear_in_default(struct kunit *test)
{
	struct power_case *c = power_case_create(test, 1);

	power_add(c, SZ_1M, PHYS(0), 2 * PAGE_SIZE);
	fake_hv_fail(c->hv, FAKE_HV_INDIRECT, 1, 1, -EIO);
	fake_hv_fail(c->hv, FAKE_HV_STUFF, 1, 1, -ENOMEM);
	KUNIT_EXPECT_EQ(test, -EIO, power_do_map(c, RW));
	KUNIT_EXPECT_EQ(test, -EIO, power_do_flush(c));
	fake_hv_heal(c->hv);
	KUNIT_EXPECT_EQ(test, 0, power_mapped(c));
	KUNIT_EXPECT_NE(test, 0, fake_pe_tces(c->fp[0]));
	power_case_detach(c, 0);
	fake_pe_expect_normal(c->fp[0]);
	power_case_finish(c);
}

/* Unmaps can't fail: the flush does. */
static void fail_unmap(struct kunit *test)
{
	unsigned int n;

	for (n = 1; n <= 2 * 3 + 1; n++) {
		struct power_case *c = power_case_create(test, 2);
		int want = n <= 2 * 3 ? -EIO : 0;

		map_neighbours(c);
		power_add(c, IOVA(10 * BLOCK), PHYS(0), 3 * BLOCK * PAGE_SIZE);
		KUNIT_EXPECT_EQ(test, 0, power_do_map(c, RW));
		fake_hv_fail(c->hv, FAKE_HV_STUFF, n, 1, -EIO);
		KUNIT_EXPECT_EQ(test, 3,
				power_do_unmap(c, IOVA(10 * BLOCK),
					       3 * BLOCK * PAGE_SIZE));
		KUNIT_EXPECT_EQ(test, !!want, c->gather.nr);
		KUNIT_EXPECT_EQ_MSG(test, want, power_do_flush(c), "call %u", n);
		KUNIT_EXPECT_EQ(test, want && n % 2,
				c->fp[0]->pe->iommu.dead);
		KUNIT_EXPECT_EQ(test, want && !(n % 2),
				c->fp[1]->pe->iommu.dead);
		KUNIT_EXPECT_EQ(test, ARRAY_SIZE(neighbours), power_mapped(c));
		fake_hv_heal(c->hv);
		power_case_detach(c, 0);
		power_case_detach(c, 1);
		fake_pe_expect_normal(c->fp[0]);
		fake_pe_expect_normal(c->fp[1]);
		power_case_finish(c);
	}
}

static void fail_unmap_page(struct kunit *test)
{
	unsigned int n;

	for (n = 1; n <= 2; n++) {
		struct power_case *c = power_case_create(test, 2);

		power_do_map_page(c, 9);
		fake_hv_fail(c->hv, FAKE_HV_PUT, n, 1, -EIO);
		KUNIT_EXPECT_EQ(test, 1,
				power_do_unmap(c, IOVA(9), PAGE_SIZE));
		KUNIT_EXPECT_EQ(test, PHYS(9), (u64)c->e[0].phys);
		KUNIT_EXPECT_EQ(test, 1, c->gather.nr);
		KUNIT_EXPECT_EQ(test, -EIO, power_do_flush(c));
		KUNIT_EXPECT_EQ(test, n == 1, c->fp[0]->pe->iommu.dead);
		KUNIT_EXPECT_EQ(test, n == 2, c->fp[1]->pe->iommu.dead);
		power_case_detach(c, n - 1);
		fake_pe_expect_normal(c->fp[n - 1]);
		power_case_finish(c);
	}
}

static void unmap_neighbours(struct power_case *c)
{
	unsigned int i;

	for (i = 0; i < 3; i++)
		c->e[i].iova = IOVA(neighbours[i]);
	KUNIT_EXPECT_EQ(c->test, 3,
			c->domain->ops->unmap_each(c->domain, c->e, 3,
						   &c->gather));
}

/* A list that can't be written is no reason: pages can be cleared one by one. */
static void fail_unmap_each(struct kunit *test)
{
	struct power_case *c = power_case_create(test, 2);
	unsigned int n;

	for (n = 1; n <= 2; n++) {
		map_neighbours(c);
		fake_hv_fail(c->hv, FAKE_HV_INDIRECT, n, FAKE_HV_FOR_EVER,
			     -EIO);
		unmap_neighbours(c);
		KUNIT_EXPECT_EQ(test, 0, power_do_flush(c));
		fake_hv_heal(c->hv);
		KUNIT_EXPECT_EQ(test, ARRAY_SIZE(neighbours) - 3,
				power_mapped(c));
		power_check(c);
		power_do_clear(c);
	}
	map_neighbours(c);
	fake_hv_fail(c->hv, FAKE_HV_INDIRECT, 1, 1, -EIO);
	fake_hv_fail(c->hv, FAKE_HV_PUT, 4, 1, -EIO);
	unmap_neighbours(c);
	KUNIT_EXPECT_EQ(test, -EIO, power_do_flush(c));
	fake_hv_heal(c->hv);
	power_case_finish(c);
}

/* Busy for a while: nobody notices, though half of each list was written. */
static void fail_busy(struct kunit *test)
{
	static const unsigned int times[] = { 1, 9, 300 };
	struct power_case *c = power_case_create(test, 2);
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(times); i++) {
		map_neighbours(c);
		for (k = 0; k < ARRAY_SIZE(shapes); k++) {
			fake_hv_fail(c->hv, FAKE_HV_INDIRECT, 1, times[i],
				     -EBUSY);
			fake_hv_fail(c->hv, FAKE_HV_PUT, 2, times[i], -EBUSY);
			KUNIT_EXPECT_EQ(test, 0, map_shape(c, &shapes[k]));
			fake_hv_heal(c->hv);
			power_check(c);
		}
		fake_hv_fail(c->hv, FAKE_HV_INDIRECT, 1, times[i], -EBUSY);
		unmap_neighbours(c);
		power_check(c);
		fake_hv_fail(c->hv, FAKE_HV_STUFF, 2, times[i], -EBUSY);
		power_do_clear(c);
		KUNIT_EXPECT_EQ(test, 0, fake_pe_tces(c->fp[0]));
		KUNIT_EXPECT_EQ(test, 0, fake_pe_tces(c->fp[1]));
		fake_hv_heal(c->hv);
	}
	power_case_finish(c);
}

/* ---- Busy for ever: an end must come, whatever there is to clear ---- */

/* Not by the clock: machines that are emulated are slow. */
static void expect_soon(struct kunit *test, struct fake_hv *hv)
{
	int calls = atomic_read(&hv->calls[FAKE_HV_PUT]) +
		    atomic_read(&hv->calls[FAKE_HV_STUFF]);

	KUNIT_EXPECT_GT(test, calls, 0);
	KUNIT_EXPECT_LT(test, calls, BOUND_CALLS);
}

static void fail_bounded_map(struct kunit *test)
{
	struct power_case *c = power_case_plug(test);

	c->hv->ops.put_indirect = NULL;
	c->hv->ops.stuff = NULL;
	c->fp[0]->desc.window.last = SZ_1M - 1;
	power_case_start(c, 1, SLUICE_DOMAIN_UNIFIED);
	power_add(c, IOVA(0), PHYS(0), BLOCK / 2 * PAGE_SIZE);
	fake_hv_fail(c->hv, FAKE_HV_PUT, 2, FAKE_HV_FOR_EVER, -EBUSY);
	fake_hv_forget_counts(c->hv);
	KUNIT_EXPECT_EQ(test, -EBUSY, power_do_map(c, RW));
	KUNIT_EXPECT_EQ(test, -EIO, power_do_flush(c));
	power_case_detach(c, 0);
	expect_soon(test, c->hv);
	fake_hv_heal(c->hv);
	power_case_finish(c);
}

static void fail_bounded_unmap(struct kunit *test)
{
	struct power_case *c = power_case_create(test, 1);

	power_add(c, 0, PHYS(0), FAKE_HV_DEFAULT_BYTES / 2);
	KUNIT_EXPECT_EQ(test, 0, power_do_map(c, RW));
	fake_hv_fail(c->hv, FAKE_HV_STUFF, 2, FAKE_HV_FOR_EVER, -EBUSY);
	fake_hv_forget_counts(c->hv);
	power_do_unmap(c, 0, FAKE_HV_DEFAULT_BYTES / 2);
	KUNIT_EXPECT_EQ(test, -EIO, power_do_flush(c));
	expect_soon(test, c->hv);
	fake_hv_heal(c->hv);
	power_case_finish(c);
}

static void fail_bounded_detach(struct kunit *test)
{
	struct power_case *c = power_case_create(test, 1);

	power_add(c, 0, PHYS(0), FAKE_HV_DEFAULT_BYTES);
	KUNIT_EXPECT_EQ(test, 0, power_do_map(c, RW));
	fake_hv_fail(c->hv, FAKE_HV_STUFF, 2, FAKE_HV_FOR_EVER, -EBUSY);
	fake_hv_forget_counts(c->hv);
	power_case_detach(c, 0);
	expect_soon(test, c->hv);
	KUNIT_EXPECT_TRUE(test, c->fp[0]->pe->iommu.dead);
	KUNIT_EXPECT_EQ(test, -EIO, power_do_flush(c));
	fake_hv_heal(c->hv);
	power_case_finish(c);
}

static void fail_bounded_take(struct kunit *test)
{
	struct power_case *c = power_case_plug(test);

	fake_hv_forget_counts(c->hv);
	fake_hv_fail(c->hv, FAKE_HV_STUFF, 2, FAKE_HV_FOR_EVER, -EBUSY);
	KUNIT_EXPECT_EQ(test, -EIO, fake_pe_take(c->fp[0]));
	expect_soon(test, c->hv);
	fake_hv_heal(c->hv);
	KUNIT_EXPECT_EQ(test, 0, fake_pe_take(c->fp[0]));
}

static struct kunit_case power_fail_cases[] = {
	KUNIT_CASE(fail_map_refused),
	KUNIT_CASE(fail_map_no_memory),
	KUNIT_CASE_SLOW(fail_map_too_busy),
	KUNIT_CASE(fail_map_exists),
	KUNIT_CASE(fail_map_then_clear),
	KUNIT_CASE(fail_clear_in_default),
	KUNIT_CASE(fail_unmap),
	KUNIT_CASE(fail_unmap_page),
	KUNIT_CASE(fail_unmap_each),
	KUNIT_CASE(fail_busy),
	KUNIT_CASE(fail_bounded_map),
	KUNIT_CASE(fail_bounded_unmap),
	KUNIT_CASE(fail_bounded_detach),
	KUNIT_CASE(fail_bounded_take),
	{}
};

static struct kunit_suite power_fail_suite = {
	.name = "sluice_power_fail",
	.test_cases = power_fail_cases,
};

kunit_test_suite(power_fail_suite);
