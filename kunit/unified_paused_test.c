// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unified spaces that change while a map waits for memory to be pinned.
 */
#include <linux/mm.h>

#include "paused.h"
#include "unified_fixture.h"

/* More than can be pinned by two calls; with large pages that would be a lot. */
#define LARGE_PAGES (SLUICE_PIN_BATCH > 1024)
#define MANY (LARGE_PAGES ? 20 : 2 * SLUICE_PIN_BATCH + 100)
#define CALL(n) (LARGE_PAGES ? 0 : (n))

static void attach_2(void *data)
{
	struct unified *u = data;

	KUNIT_EXPECT_EQ(u->test, 0, unified_attach(u, 2));
}

static void detach_2(void *data)
{
	unified_detach(data, 2);
}

static void detach_0(void *data)
{
	unified_detach(data, 0);
}

static void window_goes(void *data)
{
	struct unified *u = data;

	sluice_space_lock_close(&u->space);
	KUNIT_EXPECT_EQ(u->test, 0, sluice_window_remove(&u->space, WIN));
	up_write(&u->space.lock);
}

/* With larger pages. */
static void window_changes(void *data)
{
	struct unified *u = data;
	struct sluice_window_create arg = {
		.flags = SLUICE_WINDOW_FIXED,
		.start = WIN,
		.size = WIN_SIZE,
		.page_lg2 = fake_lg2(1),
	};

	window_goes(data);
	sluice_space_lock_close(&u->space);
	KUNIT_EXPECT_EQ(u->test, 0, sluice_window_create(&u->space, &arg));
	up_write(&u->space.lock);
}

/**
 * struct plan - a batch that maps @npages at WIN in the end, and what happens meanwhile
 * @npages: how much
 * @each: by a map for each page
 * @flags: of the batch
 * @second: group 2 is there as well, with a domain of its own
 * @at: when it happens
 * @change: what
 * @want: what the batch returns
 */
struct plan {
	unsigned long npages;
	bool each;
	u32 flags;
	bool second;
	unsigned int at;
	void (*change)(void *data);
	int want;
};

static int run_plan(struct unified *u, const struct plan *plan,
		    unsigned long addr)
{
	unsigned int i, nr = plan->each ? plan->npages : 1;
	struct sluice_dma_op *ops;
	int ret;

	ops = kunit_kcalloc(u->test, nr, sizeof(*ops), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(u->test, ops);
	for (i = 0; i < nr; i++)
		ops[i] = make_map(WIN + PAGES(i), addr + PAGES(i),
				  plan->each ? 1 : plan->npages, RW);
	ret = unified_batch_at(u, u->args, ops, nr, plan->flags, &u->batch);
	KUNIT_EXPECT_EQ(u->test, plan->want ? 0 : nr, u->batch.nr_done);
	KUNIT_EXPECT_EQ(u->test, 0, u->batch.unmapped);
	return ret;
}

static void expect(struct kunit *test, const struct plan *plan)
{
	struct unified *u = unified_ready(test);
	unsigned long addr = unified_memory(u, plan->npages), left;
	struct paused p = { &u->space, plan->at, 0, plan->change, u };

	if (plan->second)
		KUNIT_ASSERT_EQ(test, 0, unified_attach(u, 2));
	paused_arm(test, &p);
	KUNIT_EXPECT_EQ(test, plan->want, run_plan(u, plan, addr));
	KUNIT_EXPECT_GT(test, p.calls, plan->at);
	paused_disarm(test);
	left = plan->want ? 0 : plan->npages;
	if (left && u->attached[0])
		unified_expect_mapped(u, 0, WIN, addr, left);
	if (left && u->attached[2])
		unified_expect_mapped(u, 2, WIN, addr, left);
	KUNIT_EXPECT_EQ(test, left, unified_pins(u, addr, plan->npages));
	KUNIT_EXPECT_EQ(test, left, unified_locked(u));
	KUNIT_EXPECT_EQ(test, left, unified_clear(u));
	unified_finish(u);
	KUNIT_EXPECT_EQ(test, 0, unified_pins(u, addr, plan->npages));
}

static void expect_each(struct kunit *test, const struct plan *plans,
			unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		expect(test, &plans[i]);
}

static void group_comes(struct kunit *test)
{
	const struct plan plans[] = {
		{ 1, false, 0, false, 0, attach_2, 0 },
		{ MANY, false, 0, false, CALL(2), attach_2, 0 },
		{ 20, true, 0, false, 0, attach_2, 0 },
		{ 20, true, SLUICE_BATCH_ATOMIC, false, 5, attach_2, 0 },
	};

	expect_each(test, plans, ARRAY_SIZE(plans));
}

static void group_leaves(struct kunit *test)
{
	const struct plan plans[] = {
		{ 1, false, 0, true, 0, detach_2, 0 },
		{ MANY, false, 0, true, CALL(2), detach_2, 0 },
		{ MANY, false, 0, true, CALL(2), detach_0, 0 },
		{ 20, true, 0, true, 3, detach_0, 0 },
		{ 20, true, SLUICE_BATCH_ATOMIC, true, 5, detach_0, 0 },
		/* The last one. Its domain stays, with all that is mapped. */
		{ MANY, false, 0, false, CALL(1), detach_0, 0 },
	};

	expect_each(test, plans, ARRAY_SIZE(plans));
}

static void window_not_there_any_more(struct kunit *test)
{
	const struct plan plans[] = {
		{ 1, false, 0, false, 0, window_goes, -EINVAL },
		{ MANY, false, 0, false, 0, window_changes, -EINVAL },
		{ 20, true, 0, false, 0, window_changes, -EINVAL },
		{ 20, true, SLUICE_BATCH_ATOMIC, false, 19, window_goes,
		  -EINVAL },
	};

	expect_each(test, plans, ARRAY_SIZE(plans));
}

/* A window in which something is mapped stays. */
static void window_used(void *data)
{
	struct unified *u = data;

	sluice_space_lock_close(&u->space);
	KUNIT_EXPECT_EQ(u->test, -EBUSY,
			sluice_window_remove(&u->space, WIN));
	up_write(&u->space.lock);
}

static void window_in_use(struct kunit *test)
{
	const struct plan plan = { MANY, false, 0, false, 1, window_used, 0 };

	if (LARGE_PAGES)
		kunit_skip(test, "it takes two calls to pin");
	expect(test, &plan);
}

/**
 * struct registered - memory that the first operation unmaps
 * @u: the space
 * @addr: where it is
 * @handle: its handle
 */
struct registered {
	struct unified *u;
	unsigned long addr;
	u32 handle;
};

/* What has been unmapped can't be reached any more when it is unregistered. */
static void unregister(void *data)
{
	struct registered *r = data;

	KUNIT_EXPECT_EQ(r->u->test, 0,
			sluice_region_unregister(&r->u->space, r->handle));
	KUNIT_EXPECT_EQ(r->u->test, 0, unified_pins(r->u, r->addr, 4));
	unified_expect_hole(r->u, 0, WIN, 4);
}

static void unregister_settles(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	struct registered r = { .u = u, .addr = unified_memory(u, 8) };
	struct paused p = { &u->space, 0, 0, unregister, &r };
	struct sluice_dma_op ops[] = {
		make_unmap(WIN, 4),
		make_map(WIN + PAGES(8), r.addr + PAGES(4), 4, RW),
	};

	KUNIT_ASSERT_EQ(test, 0, unified_register(u, r.addr, 4, RW, &r.handle));
	KUNIT_ASSERT_EQ(test, 0, unified_do(u, make_map_handle(WIN, r.handle, 0,
							       4, RW)));
	/* The device's TLB has it. */
	unified_expect_mapped(u, 0, WIN, r.addr, 4);
	paused_arm(test, &p);
	KUNIT_EXPECT_EQ(test, 0, unified_batch(u, ops, ARRAY_SIZE(ops)));
	KUNIT_EXPECT_EQ(test, 1, p.calls);
	paused_disarm(test);
	KUNIT_EXPECT_EQ(test, PAGES(4), u->batch.unmapped);
	unified_expect_mapped(u, 0, WIN + PAGES(8), r.addr + PAGES(4), 4);
	KUNIT_EXPECT_EQ(test, 0, unified_mapped(u));
	unified_finish(u);
}

/* Its memory is in use by then, although the batch isn't complete. */
static void stays_registered(void *data)
{
	struct registered *r = data;

	KUNIT_EXPECT_EQ(r->u->test, -EBUSY,
			sluice_region_unregister(&r->u->space, r->handle));
}

static void unregister_sees_maps(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	struct registered r = { .u = u, .addr = unified_memory(u, 8) };
	struct paused p = { &u->space, 0, 0, stays_registered, &r };
	struct sluice_dma_op ops[2];

	KUNIT_ASSERT_EQ(test, 0, unified_register(u, r.addr, 4, RW, &r.handle));
	ops[0] = make_map_handle(WIN, r.handle, 0, 4, RW);
	ops[1] = make_map(WIN + PAGES(8), r.addr + PAGES(4), 4, RW);
	paused_arm(test, &p);
	KUNIT_EXPECT_EQ(test, 0, unified_batch(u, ops, ARRAY_SIZE(ops)));
	KUNIT_EXPECT_EQ(test, 1, p.calls);
	paused_disarm(test);
	KUNIT_EXPECT_EQ(test, 4, unified_mapped(u));
	unified_clear(u);
	KUNIT_EXPECT_EQ(test, 0, unified_unregister(u, r.handle));
	unified_finish(u);
}

/* An atomic batch holds no registration: it is looked up after the pins. */
static void atomic_unregistered(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	struct registered r = { .u = u, .addr = unified_memory(u, 8) };
	struct paused p = { &u->space, 0, 0, unregister, &r };
	struct sluice_dma_op ops[2];

	KUNIT_ASSERT_EQ(test, 0, unified_register(u, r.addr, 4, RW, &r.handle));
	ops[0] = make_map_handle(WIN + PAGES(20), r.handle, 0, 4, RW);
	ops[1] = make_map(WIN + PAGES(8), r.addr + PAGES(4), 4, RW);
	paused_arm(test, &p);
	KUNIT_EXPECT_EQ(test, -ENOENT, unified_atomic(u, ops, ARRAY_SIZE(ops)));
	KUNIT_EXPECT_EQ(test, 0, u->batch.nr_done);
	KUNIT_EXPECT_EQ(test, 1, p.calls);
	paused_disarm(test);
	KUNIT_EXPECT_EQ(test, 0, unified_pins(u, r.addr, 8));
	KUNIT_EXPECT_EQ(test, 0, unified_locked(u));
	unified_finish(u);
}

static struct kunit_case paused_cases[] = {
	KUNIT_CASE(group_comes),
	KUNIT_CASE(group_leaves),
	KUNIT_CASE(window_not_there_any_more),
	KUNIT_CASE(window_in_use),
	KUNIT_CASE(unregister_settles),
	KUNIT_CASE(unregister_sees_maps),
	KUNIT_CASE(atomic_unregistered),
	{}
};

static struct kunit_suite paused_suite = {
	.name = "sluice_unified_paused",
	.suite_init = fake_suite_init,
	.suite_exit = fake_suite_exit,
	.test_cases = paused_cases,
};

kunit_test_suite(paused_suite);
