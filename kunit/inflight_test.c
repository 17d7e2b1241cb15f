// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ranges in flight: overlapping operations exclude each other, others don't.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/prandom.h>
#include <linux/sched/signal.h>
#include "core/private.h"
#include "threads.h"

/* Where the second of two ranges is. */
#define FAR 0x100000000ULL

struct fixture {
	struct sluice_inflight inflight;
	struct sluice_hold a, b;
	struct test_thread thread;
	u64 start, last;	/* what the thread wants */
	int (*fn)(struct test_thread *self);
	bool killable;
	struct completion held;
	struct completion let_go;
};

static struct fixture *fixture(struct kunit *test)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	sluice_inflight_init(&f->inflight);
	init_completion(&f->held);
	init_completion(&f->let_go);
	return f;
}

/* Takes its range, keeps it until told, gives it back. */
static int holder(struct test_thread *self)
{
	struct fixture *f = self->arg;
	struct sluice_hold hold;
	int ret;

	if (f->killable)
		allow_signal(SIGKILL);
	ret = sluice_inflight_hold(&f->inflight, &hold, f->start, f->last);
	complete(&f->held);
	if (ret)
		return ret;
	wait_for_completion(&f->let_go);
	sluice_inflight_release(&f->inflight, &hold);
	return 0;
}

/* Starts the thread and returns when it sleeps in wait for its range. */
static void start_waiter(struct kunit *test, struct fixture *f, u64 start,
			 u64 last)
{
	unsigned long end = jiffies + TEST_TIMEOUT;

	f->start = start;
	f->last = last;
	test_thread_start(test, &f->thread, f->fn ?: holder, f, 0);
	while (!wq_has_sleeper(&f->inflight.wait) &&
	       !completion_done(&f->held) && time_before(jiffies, end))
		usleep_range(100, 1000);
	KUNIT_EXPECT_FALSE(test, completion_done(&f->held));
}

static void expect_held(struct kunit *test, struct fixture *f)
{
	KUNIT_EXPECT_NE(test, 0,
			wait_for_completion_timeout(&f->held, TEST_TIMEOUT));
}

static void finish(struct kunit *test, struct fixture *f)
{
	complete(&f->let_go);
	KUNIT_EXPECT_EQ(test, 0, test_thread_join(test, &f->thread));
	KUNIT_EXPECT_TRUE(test, sluice_inflight_idle(&f->inflight));
}

static void inflight_disjoint(struct kunit *test)
{
	struct fixture *f = fixture(test);

	KUNIT_EXPECT_EQ(test, 0, sluice_inflight_hold(&f->inflight, &f->a,
						      0x1000, 0x1fff));
	KUNIT_EXPECT_EQ(test, 0, sluice_inflight_hold(&f->inflight, &f->b,
						      0x2000, 0x2fff));
	f->start = 0;
	f->last = 0xfff;
	complete(&f->let_go);
	test_thread_start(test, &f->thread, holder, f, 0);
	KUNIT_EXPECT_EQ(test, 0, test_thread_join(test, &f->thread));
	sluice_inflight_release(&f->inflight, &f->a);
	sluice_inflight_release(&f->inflight, &f->b);
	KUNIT_EXPECT_TRUE(test, sluice_inflight_idle(&f->inflight));
}

static const struct sluice_range overlaps[] = {
	{ 0x1000, 0x1fff },	/* the same */
	{ 0x1fff, 0x2fff },	/* its last byte */
	{ 0x0000, 0x1000 },	/* its first byte */
	{ 0x1800, 0x18ff },	/* inside */
	{ 0, U64_MAX },		/* everything */
};

static void inflight_overlap_waits(struct kunit *test)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(overlaps); i++) {
		struct fixture *f = fixture(test);

		KUNIT_ASSERT_EQ(test, 0,
				sluice_inflight_hold(&f->inflight, &f->a,
						     0x1000, 0x1fff));
		start_waiter(test, f, overlaps[i].start, overlaps[i].last);
		sluice_inflight_release(&f->inflight, &f->a);
		expect_held(test, f);
		finish(test, f);
	}
}

static void inflight_top_of_space(struct kunit *test)
{
	struct fixture *f = fixture(test);

	KUNIT_ASSERT_EQ(test, 0,
			sluice_inflight_hold(&f->inflight, &f->a,
					     U64_MAX - 0xfff, U64_MAX));
	/* The first byte is not the one after the last. */
	KUNIT_ASSERT_EQ(test, 0, sluice_inflight_hold(&f->inflight, &f->b,
						      0, U64_MAX - 0x1000));
	start_waiter(test, f, U64_MAX, U64_MAX);
	sluice_inflight_release(&f->inflight, &f->a);
	expect_held(test, f);
	sluice_inflight_release(&f->inflight, &f->b);
	finish(test, f);
}

/* One that waits holds nothing: it stands in nobody's way. */
static void inflight_waiter_blocks_nobody(struct kunit *test)
{
	struct fixture *f = fixture(test);

	KUNIT_ASSERT_EQ(test, 0, sluice_inflight_hold(&f->inflight, &f->a,
						      0, 0xfff));
	start_waiter(test, f, 0x800, 0x17ff);
	KUNIT_EXPECT_EQ(test, 0, sluice_inflight_hold(&f->inflight, &f->b,
						      0x1000, 0x1fff));

	/* Both parts of what it wants must be free. */
	sluice_inflight_release(&f->inflight, &f->a);
	msleep(20);
	KUNIT_EXPECT_FALSE(test, completion_done(&f->held));
	sluice_inflight_release(&f->inflight, &f->b);
	expect_held(test, f);
	finish(test, f);
}

static void inflight_kill(struct kunit *test)
{
	struct fixture *f = fixture(test);

	f->killable = true;
	KUNIT_ASSERT_EQ(test, 0, sluice_inflight_hold(&f->inflight, &f->a,
						      0x1000, 0x1fff));
	start_waiter(test, f, 0x1000, 0x1fff);
	send_sig(SIGKILL, f->thread.task, 1);
	KUNIT_EXPECT_EQ(test, -EINTR, test_thread_join(test, &f->thread));

	/* The killed one has left no trace; the holder still holds. */
	sluice_inflight_release(&f->inflight, &f->a);
	KUNIT_EXPECT_TRUE(test, sluice_inflight_idle(&f->inflight));
}

/* ---- Several ranges for one ---- */

static void set_range(struct sluice_hold *hold, u64 start, u64 last)
{
	hold->node.start = start;
	hold->node.last = last;
}

/* As holder(), of two ranges: what it wants, and far above. */
static int holder_of_two(struct test_thread *self)
{
	struct fixture *f = self->arg;
	struct sluice_hold holds[2];
	int ret;

	if (f->killable)
		allow_signal(SIGKILL);
	set_range(&holds[0], f->start + FAR, f->last + FAR);
	set_range(&holds[1], f->start, f->last);
	ret = sluice_inflight_hold_all(&f->inflight, holds, 2);
	complete(&f->held);
	if (ret)
		return ret;
	wait_for_completion(&f->let_go);
	sluice_inflight_release_all(&f->inflight, holds, 2);
	return 0;
}

/* Takes the range that the waiter can have, while it can't have what is in @a. */
static void hold_the_other(struct kunit *test, struct fixture *f, u64 start)
{
	KUNIT_EXPECT_EQ(test, 0, sluice_inflight_hold(&f->inflight, &f->b,
						      start, start + 0xfff));
	sluice_inflight_release(&f->inflight, &f->a);
	msleep(20);
	KUNIT_EXPECT_FALSE(test, completion_done(&f->held));
	KUNIT_EXPECT_EQ(test, 0, sluice_inflight_hold(&f->inflight, &f->a,
						      start ^ FAR, (start ^ FAR) +
						      0xfff));
	sluice_inflight_release(&f->inflight, &f->b);
	msleep(20);
	KUNIT_EXPECT_FALSE(test, completion_done(&f->held));
}

/* None but the last one is in the way, first or second to be looked at. */
static void inflight_all_wait(struct kunit *test)
{
	static const u64 taken[] = { 0x1000, FAR + 0x1000 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(taken); i++) {
		struct fixture *f = fixture(test);

		KUNIT_ASSERT_EQ(test, 0,
				sluice_inflight_hold(&f->inflight, &f->a,
						     taken[i],
						     taken[i] + 0xfff));
		f->fn = holder_of_two;
		start_waiter(test, f, 0x1000, 0x1fff);
		/* It holds nothing meanwhile, not even what is free. */
		if (!completion_done(&f->held))
			hold_the_other(test, f, taken[!i]);
		sluice_inflight_release(&f->inflight, &f->a);
		expect_held(test, f);
		finish(test, f);
	}
}

static void inflight_all_kill(struct kunit *test)
{
	struct fixture *f = fixture(test);

	f->killable = true;
	f->fn = holder_of_two;
	KUNIT_ASSERT_EQ(test, 0, sluice_inflight_hold(&f->inflight, &f->a,
						      0x1000, 0x1fff));
	start_waiter(test, f, 0x1000, 0x1fff);
	send_sig(SIGKILL, f->thread.task, 1);
	KUNIT_EXPECT_EQ(test, -EINTR, test_thread_join(test, &f->thread));
	KUNIT_EXPECT_EQ(test, 0, sluice_inflight_hold(&f->inflight, &f->b,
						      FAR, FAR + 0x1fff));
	sluice_inflight_release(&f->inflight, &f->b);
	sluice_inflight_release(&f->inflight, &f->a);
	KUNIT_EXPECT_TRUE(test, sluice_inflight_idle(&f->inflight));
}

/* Its own ranges don't stand in its way; each of them stands in others'. */
static void inflight_all_overlap(struct kunit *test)
{
	static const struct sluice_range others[] = {
		{ 0x1000, 0x1000 }, { 0x27ff, 0x27ff }, { 0x2800, 0x3000 },
		{ U64_MAX, U64_MAX }, { 0, U64_MAX },
	};
	struct sluice_hold holds[4];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(others); i++) {
		struct fixture *f = fixture(test);

		set_range(&holds[0], 0x1000, 0x1fff);
		set_range(&holds[1], 0x1800, 0x27ff);
		set_range(&holds[2], 0x1000, 0x2fff);
		set_range(&holds[3], U64_MAX, U64_MAX);
		KUNIT_ASSERT_EQ(test, 0, sluice_inflight_hold_all(&f->inflight,
								  holds, 4));
		KUNIT_EXPECT_EQ(test, 0, sluice_inflight_hold(&f->inflight,
							      &f->a, 0, 0xfff));
		sluice_inflight_release(&f->inflight, &f->a);
		KUNIT_EXPECT_EQ(test, 0,
				sluice_inflight_hold(&f->inflight, &f->b,
						     0x3000, U64_MAX - 1));
		sluice_inflight_release(&f->inflight, &f->b);
		start_waiter(test, f, others[i].start, others[i].last);
		sluice_inflight_release_all(&f->inflight, holds, 4);
		expect_held(test, f);
		finish(test, f);
	}
}

/* ---- Many ---- */

#define UNITS	64
#define ROUNDS	300

struct crowd {
	struct sluice_inflight inflight;
	u64 base;
	unsigned int owner[UNITS];	/* no lock: the ranges are the lock */
};

static int crowd_member(struct test_thread *self)
{
	struct crowd *c = self->arg;
	struct rnd_state rnd;
	unsigned int round;
	int ret = 0;

	prandom_seed_state(&rnd, self->nr + 1);
	for (round = 0; round < ROUNDS && !ret; round++) {
		unsigned int first = prandom_u32_state(&rnd) % UNITS;
		unsigned int n = prandom_u32_state(&rnd) % 16 + 1;
		unsigned int half = n / 2;
		struct sluice_hold holds[3];
		unsigned int i;

		n = min(n, UNITS - first);
		half = min(half, n - 1);
		set_range(&holds[1], c->base + first,
			  c->base + first + half);
		set_range(&holds[2], c->base + first + half,
			  c->base + first + (n - 1));
		if (round & 1)
			ret = sluice_inflight_hold(&c->inflight, &holds[0],
						   c->base + first,
						   c->base + first + (n - 1));
		else
			ret = sluice_inflight_hold_all(&c->inflight, &holds[1],
						       2);
		if (ret)
			return ret;
		for (i = first; i < first + n; i++) {
			if (READ_ONCE(c->owner[i]))
				ret = -EBUSY;
			WRITE_ONCE(c->owner[i], self->nr + 1);
		}
		if (round % 16 == 0)
			usleep_range(10, 100);
		else
			cond_resched();
		for (i = first; i < first + n; i++) {
			if (READ_ONCE(c->owner[i]) != self->nr + 1)
				ret = -EBUSY;
			WRITE_ONCE(c->owner[i], 0);
		}
		if (round & 1)
			sluice_inflight_release(&c->inflight, &holds[0]);
		else
			sluice_inflight_release_all(&c->inflight, &holds[1], 2);
	}
	return ret;
}

static void inflight_crowd(struct kunit *test)
{
	struct crowd *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, c);
	sluice_inflight_init(&c->inflight);
	c->base = U64_MAX - (UNITS - 1);
	test_threads_run(test, 6, crowd_member, c);
	KUNIT_EXPECT_TRUE(test, sluice_inflight_idle(&c->inflight));
}

static struct kunit_case inflight_cases[] = {
	KUNIT_CASE(inflight_disjoint),
	KUNIT_CASE(inflight_overlap_waits),
	KUNIT_CASE(inflight_top_of_space),
	KUNIT_CASE(inflight_waiter_blocks_nobody),
	KUNIT_CASE(inflight_kill),
	KUNIT_CASE(inflight_all_wait),
	KUNIT_CASE(inflight_all_kill),
	KUNIT_CASE(inflight_all_overlap),
	KUNIT_CASE(inflight_crowd),
	{}
};

static struct kunit_suite inflight_suite = {
	.name = "sluice_inflight",
	.test_cases = inflight_cases,
};

kunit_test_suite(inflight_suite);
