// SPDX-License-Identifier: GPL-2.0-only
/*
 * Batches wait for ranges that somebody else is changing: for each of theirs, for
 * no others, and not longer than they live.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/sched/signal.h>

#include "threads.h"
#include "unified_fixture.h"

#define NR 20U

/**
 * struct hold - a thread that runs a batch
 * @u: the space
 * @mm: its owner's address space
 * @args: user memory for the thread's arguments
 * @ops: what it runs
 * @nr: how many
 * @flags: of the batch
 * @batch: what it returned
 * @thread: the thread
 */
struct hold {
	struct unified *u;
	struct mm_struct *mm;
	unsigned long args;
	struct sluice_dma_op ops[NR];
	unsigned int nr;
	u32 flags;
	struct sluice_dma_batch batch;
	struct test_thread thread;
};

static struct hold *hold_create(struct kunit *test)
{
	struct hold *h = kunit_kzalloc(test, sizeof(*h), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, h);
	h->u = unified_ready(test);
	h->mm = current->mm;
	h->args = unified_args(h->u);
	return h;
}

static int run_batch(struct test_thread *self)
{
	struct hold *h = self->arg;
	int ret;

	allow_signal(SIGKILL);
	kthread_use_mm(h->mm);
	ret = unified_batch_at(h->u, h->args, h->ops, h->nr, h->flags,
			       &h->batch);
	kthread_unuse_mm(h->mm);
	return ret;
}

/* Starts the batch; returns whether it waits. */
static bool start(struct hold *h)
{
	unsigned long end = jiffies + TEST_TIMEOUT;

	test_thread_start(h->u->test, &h->thread, run_batch, h, 0);
	while (!wq_has_sleeper(&h->u->space.inflight.wait) &&
	       !completion_done(&h->thread.done) && time_before(jiffies, end))
		usleep_range(50, 200);
	return !completion_done(&h->thread.done);
}

static int join(struct hold *h)
{
	return test_thread_join(h->u->test, &h->thread);
}

/* Has it waited for a page that is held by the test? */
static bool waits_for(struct hold *h, u64 iova)
{
	struct sluice_inflight *inflight = &h->u->space.inflight;
	struct sluice_hold hold;
	bool waited;

	KUNIT_ASSERT_EQ(h->u->test, 0,
			sluice_inflight_hold(inflight, &hold, iova,
					     iova + (PAGE_SIZE - 1)));
	waited = start(h);
	sluice_inflight_release(inflight, &hold);
	KUNIT_EXPECT_EQ(h->u->test, 0, join(h));
	return waited;
}

/* @n pages, @step from each other, upwards or downwards. */
static void each_of(struct hold *h, unsigned int n, u64 step, bool up)
{
	unsigned int i;

	h->nr = n;
	for (i = 0; i < n; i++)
		h->ops[i] = make_unmap(WIN + PAGES(step * (up ? i : NR - i)),
				       1);
	for (i = 0; i < n; i += 1 + i / 4)
		KUNIT_EXPECT_TRUE(h->u->test, waits_for(h, h->ops[i].iova));
	KUNIT_EXPECT_FALSE(h->u->test, waits_for(h, 0));
}

/* Few and many ranges, near and far, in both directions. */
static void hold_each(struct kunit *test)
{
	static const u64 steps[] = { 1, 2, 4096, FAKE_ENTRIES * FAKE_ENTRIES };
	static const unsigned int sizes[] = { 1, 2, 5, NR };
	struct hold *h = hold_create(test);
	unsigned int s, n;

	for (s = 0; s < ARRAY_SIZE(steps); s++) {
		for (n = 0; n < ARRAY_SIZE(sizes); n++) {
			each_of(h, sizes[n], steps[s], true);
			each_of(h, sizes[n], steps[s], false);
		}
	}
	/* Wide ones, to the last byte; and all at once. */
	h->nr = 3;
	h->ops[0] = make_unmap(WIN + PAGES(10), 10);
	h->ops[1] = make_unmap(WIN, 15);
	h->ops[2] = make_unmap(WIN + PAGES(5), 100);
	for (h->flags = 0; h->flags <= SLUICE_BATCH_ATOMIC; h->flags++) {
		KUNIT_EXPECT_TRUE(test, waits_for(h, WIN));
		KUNIT_EXPECT_TRUE(test, waits_for(h, WIN + PAGES(19)));
		KUNIT_EXPECT_TRUE(test, waits_for(h, WIN + PAGES(104)));
		KUNIT_EXPECT_FALSE(test, waits_for(h, WIN + PAGES(5000)));
	}
	h->flags = 0;
	h->nr = 1;
	h->ops[0] = make_unmap_all();
	KUNIT_EXPECT_TRUE(test, waits_for(h, WIN + WIN_SIZE));
	unified_finish(h->u);
}

/* Killed while it waits: nothing done, nothing held, the holder undisturbed. */
static void hold_killed(struct kunit *test)
{
	struct hold *h = hold_create(test);
	struct sluice_inflight *inflight = &h->u->space.inflight;
	unsigned long addr = unified_memory(h->u, 4);
	struct sluice_hold hold, other;

	KUNIT_ASSERT_EQ(test, 0, unified_do(h->u, make_map(WIN, addr, 1, RW)));
	for (h->flags = 0; h->flags <= SLUICE_BATCH_ATOMIC; h->flags++) {
		h->nr = 3;
		h->ops[0] = make_unmap(WIN, 1);
		h->ops[1] = make_map(WIN + PAGES(100000), addr, 1, RW);
		h->ops[2] = make_unmap(WIN + PAGES(1), 1);
		KUNIT_ASSERT_EQ(test, 0,
				sluice_inflight_hold(inflight, &other, 0, 0));
		KUNIT_ASSERT_EQ(test, 0,
				sluice_inflight_hold(inflight, &hold,
						     h->ops[1].iova,
						     h->ops[1].iova));
		KUNIT_EXPECT_TRUE(test, start(h));
		send_sig(SIGKILL, h->thread.task, 1);
		KUNIT_EXPECT_EQ(test, -EINTR, join(h));
		KUNIT_EXPECT_EQ(test, h->batch.nr_done, 0);
		/* What the test holds is still held. */
		h->nr = 1;
		h->ops[0] = make_unmap(h->ops[1].iova, 1);
		KUNIT_EXPECT_TRUE(test, start(h));
		sluice_inflight_release(inflight, &hold);
		KUNIT_EXPECT_EQ(test, 0, join(h));
		sluice_inflight_release(inflight, &other);
		KUNIT_EXPECT_TRUE(test, sluice_inflight_idle(inflight));
		unified_expect_mapped(h->u, 0, WIN, addr, 1);
		KUNIT_EXPECT_EQ(test, unified_locked(h->u), 1);
	}
	unified_finish(h->u);
}

static struct kunit_case hold_cases[] = {
	KUNIT_CASE(hold_each),
	KUNIT_CASE(hold_killed),
	{}
};

static struct kunit_suite hold_suite = {
	.name = "sluice_unified_hold",
	.suite_init = fake_suite_init,
	.suite_exit = fake_suite_exit,
	.test_cases = hold_cases,
};

kunit_test_suite(hold_suite);
