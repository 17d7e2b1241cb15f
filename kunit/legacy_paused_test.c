// SPDX-License-Identifier: GPL-2.0-only
/*
 * Legacy spaces whose groups come and go while a map waits for memory to be pinned.
 */
#include <linux/mm.h>

#include "core/legacy_txn.h"
#include "legacy_fixture.h"
#include "make_op.h"
#include "paused.h"
#include "threads.h"

#define IOVA 0x40000000ULL
/* More than can be pinned by two calls; with large pages that would be a lot. */
#define LARGE_PAGES (SLUICE_PIN_BATCH > 1024)
#define MANY (LARGE_PAGES ? 20 : 2 * SLUICE_PIN_BATCH + 100)
#define CALL(n) (LARGE_PAGES ? 0 : (n))

static const struct legacy_param params[] = {
	{ "v1", SLUICE_SPACE_TYPE1, false },
	{ "v2", SLUICE_SPACE_TYPE1V2, false },
	{ "bare", SLUICE_SPACE_TYPE1V2, true },
};

KUNIT_ARRAY_PARAM_DESC(paused, params, name);

static void detach_0(void *data)
{
	legacy_detach(data, 0);
}

static void detach_2(void *data)
{
	legacy_detach(data, 2);
}

static void attach_2(void *data)
{
	struct legacy *l = data;

	KUNIT_EXPECT_EQ(l->test, 0, legacy_attach(l, 2));
}

/* Every group leaves, and one comes back: the space looks as before. */
static void leave_and_return(void *data)
{
	struct legacy *l = data;

	legacy_detach(l, 0);
	KUNIT_EXPECT_EQ(l->test, 0, legacy_attach(l, 0));
}

static void only_lock(void *data)
{
	struct legacy *l = data;

	sluice_space_lock_close(&l->space);
	up_write(&l->space.lock);
}

/* A map of so many pages begins anew, and nothing is left of it. */
static void expect_restart(struct kunit *test, unsigned long npages,
			   unsigned int at, bool second,
			   void (*change)(void *data))
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = legacy_memory(l, npages);
	struct paused p = { &l->space, at, 0, change, l };

	if (second)
		KUNIT_ASSERT_EQ(test, 0, legacy_attach(l, 2));
	paused_arm(test, &p);
	KUNIT_EXPECT_EQ(test, -ERESTART,
			legacy_map(l, IOVA, addr, npages, RW));
	KUNIT_EXPECT_EQ(test, at + 1, p.calls);
	KUNIT_EXPECT_TRUE(test, legacy_empty(l));
	KUNIT_EXPECT_EQ(test, 0, legacy_locked(l));
	KUNIT_EXPECT_EQ(test, 0, legacy_pinned(l, addr, npages));
	legacy_expect_hole(l, 0, IOVA, npages);
	legacy_expect_hole(l, 2, IOVA, npages);
	paused_disarm(test);
	/* And can be had from the space as it is now. */
	if (l->attached[0]) {
		KUNIT_EXPECT_EQ(test, 0,
				legacy_map(l, IOVA, addr, npages, RW));
		legacy_expect_mapped(l, 0, IOVA, addr, npages);
		if (l->attached[2])
			legacy_expect_mapped(l, 2, IOVA, addr, npages);
		KUNIT_EXPECT_EQ(test, npages, legacy_locked(l));
	}
	legacy_finish(l);
	KUNIT_EXPECT_EQ(test, 0, legacy_pinned(l, addr, npages));
}

static void last_group_leaves(struct kunit *test)
{
	expect_restart(test, 1, 0, false, detach_0);
	expect_restart(test, 8, 0, false, detach_0);
	expect_restart(test, MANY, 0, false, detach_0);
	expect_restart(test, MANY, CALL(2), false, detach_0);
}

static void last_group_returns(struct kunit *test)
{
	expect_restart(test, 1, 0, false, leave_and_return);
	expect_restart(test, MANY, CALL(2), false, leave_and_return);
}

static void group_comes(struct kunit *test)
{
	expect_restart(test, 1, 0, false, attach_2);
	expect_restart(test, MANY, CALL(1), false, attach_2);
}

static void group_leaves(struct kunit *test)
{
	expect_restart(test, 1, 0, true, detach_2);
	expect_restart(test, MANY, CALL(1), true, detach_2);
	expect_restart(test, MANY, CALL(2), true, detach_0);
}

/* Nothing has changed for it: it goes on. */
static void locked_in_between(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = legacy_memory(l, MANY);
	struct paused p = { &l->space, PAUSED_ALWAYS, 0, only_lock, l };

	paused_arm(test, &p);
	KUNIT_EXPECT_EQ(test, 0, legacy_map(l, IOVA, addr, MANY, RW));
	KUNIT_EXPECT_EQ(test, CALL(2) + 1, p.calls);
	paused_disarm(test);
	legacy_expect_mapped(l, 0, IOVA, addr, MANY);
	KUNIT_EXPECT_EQ(test, MANY, legacy_locked(l));
	legacy_finish(l);
}

/**
 * struct vector - an unmap and a map that share a flush
 * @l: the space
 * @addr: what is unmapped
 * @change: what else happens when the map pins its memory
 */
struct vector {
	struct legacy *l;
	unsigned long addr;
	void (*change)(void *data);
};

/* Who has locked the space finds all that was unmapped flushed, and let go. */
static void look(void *data)
{
	struct vector *v = data;

	only_lock(v->l);
	legacy_expect_hole(v->l, 0, IOVA, 4);
	KUNIT_EXPECT_EQ(v->l->test, 0, legacy_pinned(v->l, v->addr, 4));
	v->change(v->l);
}

static int run_vector(struct vector *v, unsigned long addr, unsigned int *done)
{
	struct sluice_dma_op ops[] = {
		make_unmap(IOVA, 4),
		make_map(IOVA, addr, 4, SLUICE_READ | SLUICE_WRITE),
	};
	struct sluice_space *space = &v->l->space;
	u64 unmapped = 0;
	int ret;

	down_read(&space->lock);
	ret = sluice_legacy_vector(space, ops, ARRAY_SIZE(ops), done,
				   &unmapped);
	up_read(&space->lock);
	KUNIT_EXPECT_EQ(v->l->test, PAGES(4), unmapped);
	return ret;
}

static void vector_of(struct kunit *test, void (*change)(void *data), int want)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = legacy_memory(l, 8);
	struct vector v = { l, addr, change };
	struct paused p = { &l->space, 0, 0, look, &v };
	unsigned int done;

	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, IOVA, addr, 4, RW));
	legacy_expect_mapped(l, 0, IOVA, addr, 4);
	paused_arm(test, &p);
	KUNIT_EXPECT_EQ(test, want, run_vector(&v, addr + PAGES(4), &done));
	paused_disarm(test);
	KUNIT_EXPECT_EQ(test, want ? 1 : 2, done);
	if (!want)
		legacy_expect_mapped(l, 0, IOVA, addr + PAGES(4), 4);
	KUNIT_EXPECT_EQ(test, want ? 0 : 4, legacy_locked(l));
	KUNIT_EXPECT_EQ(test, 0, legacy_pinned(l, addr, 4));
	legacy_finish(l);
}

static void vector_settles(struct kunit *test)
{
	vector_of(test, only_lock, 0);
	vector_of(test, detach_0, -ERESTART);
	vector_of(test, attach_2, -ERESTART);
}

/* It waits for a range that somebody else holds, and not with the space locked. */
static int unmap_thread(struct test_thread *self)
{
	u64 unmapped;

	return legacy_unmap(self->arg, IOVA, IOVA + (PAGE_SIZE - 1), &unmapped);
}

static void wait_for_range(struct kunit *test, void (*change)(void *data),
			   int want)
{
	struct legacy *l = legacy_create(test);
	unsigned long end = jiffies + TEST_TIMEOUT;
	struct test_thread thread = {};
	struct sluice_hold hold;

	KUNIT_ASSERT_EQ(test, 0, sluice_inflight_hold(&l->space.inflight, &hold,
						      IOVA, IOVA));
	test_thread_start(test, &thread, unmap_thread, l, 0);
	while (!wq_has_sleeper(&l->space.inflight.wait) &&
	       time_before(jiffies, end))
		cond_resched();
	if (down_write_trylock(&l->space.lock)) {
		up_write(&l->space.lock);
		change(l);
	} else {
		KUNIT_FAIL(test, "locked while a range is waited for");
	}
	sluice_inflight_release(&l->space.inflight, &hold);
	KUNIT_EXPECT_EQ(test, want, test_thread_join(test, &thread));
	legacy_finish(l);
}

static void waits_without_lock(struct kunit *test)
{
	wait_for_range(test, only_lock, 0);
	wait_for_range(test, attach_2, -ERESTART);
}

static struct kunit_case paused_cases[] = {
	KUNIT_CASE_PARAM(last_group_leaves, paused_gen_params),
	KUNIT_CASE_PARAM(last_group_returns, paused_gen_params),
	KUNIT_CASE_PARAM(group_comes, paused_gen_params),
	KUNIT_CASE_PARAM(group_leaves, paused_gen_params),
	KUNIT_CASE_PARAM(locked_in_between, paused_gen_params),
	KUNIT_CASE_PARAM(vector_settles, paused_gen_params),
	KUNIT_CASE_PARAM(waits_without_lock, paused_gen_params),
	{}
};

static struct kunit_suite paused_suite = {
	.name = "sluice_legacy_paused",
	.suite_init = fake_suite_init,
	.suite_exit = fake_suite_exit,
	.test_cases = paused_cases,
};

kunit_test_suite(paused_suite);
