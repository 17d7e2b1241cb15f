// SPDX-License-Identifier: GPL-2.0-only
/*
 * AMD-Vi events: the log as hardware writes it (AMD 48882 2.5, 3.4.13, 3.4.14), and
 * hardware that is late, logs without end, or says what isn't so. The lines that an
 * administrator reads are amdvi_lines_test.c's.
 */
#include <kunit/static_stub.h>
#include <kunit/test.h>
#include <linux/io.h>
#include <linux/prandom.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "amdvi_log.h"

/* Of CONTROL, and not the log's. */
#define OTHERS		(BIT_ULL(0) | BIT_ULL(12))

/* Events that are taken at once. */
#define BUDGET		256

/* ---- What was reported ---- */

static u64 seen[2048];
static unsigned int nr_seen;

static void note(struct amdvi_unit *unit, u64 low, u64 high)
{
	if (nr_seen < ARRAY_SIZE(seen))
		seen[nr_seen] = high;
	nr_seen++;
}

/* Events @first to @last, and no other, since the last call. */
static void expect_seen(struct kunit *test, unsigned int first,
			unsigned int last)
{
	unsigned int i;

	KUNIT_ASSERT_EQ(test, nr_seen, last - first + 1);
	for (i = 0; i < nr_seen; i++)
		KUNIT_EXPECT_EQ(test, seen[i], (u64)(first + i) << 12);
	nr_seen = 0;
}

static void release(void *data)
{
	struct fake_log *hw = data;

	amdvi_fault_deinit(&hw->unit);
}

static struct fake_log *start(struct kunit *test)
{
	struct fake_log *hw = kunit_kzalloc(test, sizeof(*hw), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, hw);
	hw->unit.hw = &fake_log_hw;
	hw->unit.nid = NUMA_NO_NODE;
	strscpy(hw->unit.name, "fake");
	raw_spin_lock_init(&hw->unit.control_lock);
	KUNIT_ASSERT_EQ(test, amdvi_fault_init(&hw->unit), 0);
	KUNIT_ASSERT_EQ(test,
			kunit_add_action_or_reset(test, release, hw), 0);
	hw->control = OTHERS;
	hw->next = 1;
	amdvi_fault_enable(&hw->unit);
	nr_seen = 0;
	hw->restarts = 0;
	kunit_activate_static_stub(test, amdvi_fault_report, note);
	return hw;
}

/* Nothing is left, and what comes next is going to be heard of. */
static void expect_calm(struct kunit *test, struct fake_log *hw)
{
	KUNIT_EXPECT_EQ(test, hw->head, hw->tail);
	KUNIT_EXPECT_EQ(test, hw->control, OTHERS | FAKE_LOG_EN | FAKE_LOG_INT_EN);
	KUNIT_EXPECT_EQ(test, hw->status & ~hw->sticks, FAKE_LOG_RUN);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&hw->unit.unmask));
	KUNIT_EXPECT_EQ(test, hw->bad, 0);
	KUNIT_EXPECT_NULL(test, memchr_inv(fake_log_place(hw, 0), 0,
					   FAKE_LOG_BYTES));
}

static void expect_masked(struct kunit *test, struct fake_log *hw)
{
	KUNIT_EXPECT_EQ(test, hw->control, OTHERS | FAKE_LOG_EN);
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(&hw->unit.unmask));
	KUNIT_EXPECT_EQ(test, hw->bad, 0);
}

/* Runs what was put off. It is no test: what it reports, only the kernel's log has. */
static void wait_for_unmask(struct fake_log *hw)
{
	flush_delayed_work(&hw->unit.unmask);
}

/* ---- Tests ---- */

/* From a log that another kernel has left running, full and stopped. */
static void enabling(struct kunit *test)
{
	struct fake_log *hw = start(test);

	KUNIT_EXPECT_EQ(test, hw->base & GENMASK_ULL(51, 0),
			virt_to_phys(hw->unit.log));
	KUNIT_EXPECT_EQ(test, hw->base >> 52, 9 << 4);
	expect_calm(test, hw);

	fake_log_faults(hw, 5);
	hw->status |= FAKE_LOG_OVERFLOW | FAKE_LOG_COMWAIT;
	hw->unit.head = 7;
	hw->lag = 50;
	amdvi_fault_enable(&hw->unit);
	KUNIT_EXPECT_EQ(test, hw->status, FAKE_LOG_RUN | FAKE_LOG_COMWAIT);
	hw->status &= ~FAKE_LOG_COMWAIT;
	expect_calm(test, hw);
	KUNIT_EXPECT_EQ(test, nr_seen, 0);

	hw->next = 1;
	fake_log_faults(hw, 1);
	amdvi_fault_handle(&hw->unit);
	expect_seen(test, 1, 1);
	expect_calm(test, hw);
}

static void one(struct kunit *test)
{
	struct fake_log *hw = start(test);

	fake_log_faults(hw, 1);
	KUNIT_EXPECT_EQ(test, hw->raised, 1);
	hw->status |= FAKE_LOG_COMWAIT;
	amdvi_fault_handle(&hw->unit);
	expect_seen(test, 1, 1);
	KUNIT_EXPECT_EQ(test, hw->head, 16);
	expect_calm(test, hw);

	/* Without one. */
	amdvi_fault_handle(&hw->unit);
	KUNIT_EXPECT_EQ(test, nr_seen, 0);
	KUNIT_EXPECT_EQ(test, hw->pauses, 0);
	KUNIT_EXPECT_EQ(test, hw->restarts, 0);
	expect_calm(test, hw);
}

static void round_the_end(struct kunit *test)
{
	struct fake_log *hw = start(test);
	unsigned int i;

	for (i = 0; i < 2 * FAKE_LOG_RING; i += 200) {
		fake_log_faults(hw, 200);
		amdvi_fault_handle(&hw->unit);
		expect_seen(test, i + 1, i + 200);
		expect_calm(test, hw);
	}
	KUNIT_EXPECT_EQ(test, hw->restarts, 0);
}

/* What comes just as the bit is cleared may raise nothing (ERBT1312). */
static void meanwhile(struct kunit *test)
{
	struct fake_log *hw = start(test);
	unsigned int i;

	for (i = 0; i < 4; i++) {
		hw->next = 1;
		hw->silent = i & 1;
		hw->ack = i >> 1;
		hw->on_ack = 2;
		fake_log_faults(hw, 1);
		amdvi_fault_handle(&hw->unit);
		expect_seen(test, 1, 3);
		KUNIT_EXPECT_EQ(test, hw->on_ack, 0);
		expect_calm(test, hw);
	}
}

static void late(struct kunit *test)
{
	static const unsigned int times[] = { 1, 2, 50, 100 };
	struct fake_log *hw = start(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(times); i++) {
		hw->next = 1;
		hw->pauses = 0;
		fake_log_faults(hw, 2);
		hw->late = times[i];
		fake_log_faults(hw, 1);
		amdvi_fault_handle(&hw->unit);
		expect_seen(test, 1, 3);
		KUNIT_EXPECT_EQ(test, hw->pauses, times[i]);
		expect_calm(test, hw);
	}
}

/* Its neighbours aren't lost, nor are those of the next round. */
static void never(struct kunit *test)
{
	struct fake_log *hw = start(test);
	unsigned int i;

	fake_log_faults(hw, 1);
	hw->late = UINT_MAX;
	fake_log_event(hw, FAKE_LOG_FAULT, 0);
	hw->late = 0;
	fake_log_faults(hw, 1);
	amdvi_fault_handle(&hw->unit);
	expect_seen(test, 1, 2);
	KUNIT_EXPECT_EQ(test, hw->pauses, 100);
	expect_calm(test, hw);

	/* However many: they share the time. */
	hw->pauses = 0;
	hw->late = UINT_MAX;
	for (i = 0; i < 200; i++)
		fake_log_event(hw, FAKE_LOG_FAULT, 0);
	hw->late = 0;
	amdvi_fault_handle(&hw->unit);
	KUNIT_EXPECT_EQ(test, nr_seen, 0);
	KUNIT_EXPECT_EQ(test, hw->pauses, 100);
	expect_calm(test, hw);
}

static void overflow(struct kunit *test)
{
	static const unsigned int lags[] = { 0, 1, 99, UINT_MAX };
	struct fake_log *hw = start(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lags); i++) {
		hw->next = 1;
		hw->pauses = 0;
		hw->restarts = 0;
		fake_log_faults(hw, 100);
		hw->status |= FAKE_LOG_OVERFLOW;
		hw->lag = lags[i];
		/* These are lost. */
		fake_log_faults(hw, 10);
		amdvi_fault_handle(&hw->unit);
		expect_seen(test, 1, 100);
		KUNIT_EXPECT_EQ(test, hw->restarts, 1);
		KUNIT_EXPECT_EQ(test, hw->pauses, min(lags[i], 100U));
		KUNIT_EXPECT_EQ(test, hw->head, 0);
		expect_calm(test, hw);

		hw->next = 1;
		fake_log_faults(hw, 2);
		amdvi_fault_handle(&hw->unit);
		expect_seen(test, 1, 2);
		KUNIT_EXPECT_EQ(test, hw->restarts, 1);
	}
}

/* More than the handler takes at once: the worker does the rest. */
static void full(struct kunit *test)
{
	struct fake_log *hw = start(test);

	fake_log_faults(hw, 2 * FAKE_LOG_RING);
	KUNIT_EXPECT_NE(test, hw->status & FAKE_LOG_OVERFLOW, 0);
	amdvi_fault_handle(&hw->unit);
	expect_seen(test, 1, BUDGET);
	expect_masked(test, hw);
	KUNIT_EXPECT_EQ(test, hw->restarts, 0);

	wait_for_unmask(hw);
	KUNIT_EXPECT_EQ(test, hw->restarts, 1);
	expect_calm(test, hw);
	hw->next = 1;
	fake_log_faults(hw, 1);
	amdvi_fault_handle(&hw->unit);
	expect_seen(test, 1, 1);
}

/* As many as the handler takes at once are no storm. */
static void budget(struct kunit *test)
{
	struct fake_log *hw = start(test);

	fake_log_faults(hw, BUDGET);
	amdvi_fault_handle(&hw->unit);
	expect_seen(test, 1, BUDGET);
	expect_calm(test, hw);

	fake_log_faults(hw, BUDGET + 1);
	amdvi_fault_handle(&hw->unit);
	expect_seen(test, BUDGET + 1, 2 * BUDGET);
	expect_masked(test, hw);
	wait_for_unmask(hw);
	expect_calm(test, hw);
}

/* The device faults again, as soon as there is room. */
static void note_and_refill(struct amdvi_unit *unit, u64 low, u64 high)
{
	note(unit, low, high);
	fake_log_faults(fake_log_of(unit), 1);
}

static void storm(struct kunit *test)
{
	struct fake_log *hw = start(test);

	kunit_deactivate_static_stub(test, amdvi_fault_report);
	kunit_activate_static_stub(test, amdvi_fault_report, note_and_refill);
	fake_log_faults(hw, 3);
	amdvi_fault_handle(&hw->unit);
	expect_seen(test, 1, BUDGET);
	expect_masked(test, hw);
	/* An interrupt that was under way. */
	amdvi_fault_handle(&hw->unit);
	expect_seen(test, BUDGET + 1, 2 * BUDGET);
	expect_masked(test, hw);

	/* It goes on: the worker comes again. */
	fake_log_faults(hw, 400);
	wait_for_unmask(hw);
	expect_masked(test, hw);
	/* It calms down; what still comes as it is unmasked isn't forgotten. */
	hw->on_unmask = 3;
	wait_for_unmask(hw);
	expect_calm(test, hw);
	KUNIT_EXPECT_EQ(test, nr_seen, 0);
	KUNIT_EXPECT_EQ(test, hw->restarts, 0);

	/* Or it doesn't, just then. */
	hw->control &= ~FAKE_LOG_INT_EN;
	hw->on_unmask = BUDGET + 1;
	schedule_delayed_work(&hw->unit.unmask, HZ);
	wait_for_unmask(hw);
	expect_masked(test, hw);
	wait_for_unmask(hw);
	expect_calm(test, hw);
}

static void deinit_while_masked(struct kunit *test)
{
	struct fake_log *hw = start(test);

	fake_log_faults(hw, BUDGET + 1);
	amdvi_fault_handle(&hw->unit);
	expect_masked(test, hw);
	hw->lag = 20;
	kunit_release_action(test, release, hw);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&hw->unit.unmask));
	/* Memory that hardware writes to isn't freed. */
	KUNIT_EXPECT_EQ(test, hw->status & FAKE_LOG_RUN, 0);
	KUNIT_EXPECT_EQ(test, hw->control, OTHERS);
}

/* QEMU before 11 doesn't know that STATUS can be written. */
static void sticky(struct kunit *test)
{
	struct fake_log *hw = start(test);
	unsigned int i;

	hw->sticks = FAKE_LOG_INT | FAKE_LOG_COMWAIT;
	hw->status |= hw->sticks;
	for (i = 0; i < 3; i++) {
		hw->next = 1;
		fake_log_faults(hw, 4);
		amdvi_fault_handle(&hw->unit);
		expect_seen(test, 1, 4);
		expect_calm(test, hw);
	}
	KUNIT_EXPECT_EQ(test, hw->restarts, 0);

	hw->sticks |= FAKE_LOG_OVERFLOW;
	fake_log_faults(hw, 4);
	hw->status |= FAKE_LOG_OVERFLOW;
	nr_seen = 0;
	amdvi_fault_handle(&hw->unit);
	KUNIT_EXPECT_EQ(test, nr_seen, 4);
	KUNIT_EXPECT_EQ(test, hw->restarts, 1);
	expect_calm(test, hw);
}

/* Bits beyond the ring. */
static void odd_tail(struct kunit *test)
{
	struct fake_log *hw = start(test);

	hw->noise = ~(u64)(FAKE_LOG_BYTES - 16);
	fake_log_faults(hw, 3);
	amdvi_fault_handle(&hw->unit);
	expect_seen(test, 1, 3);
	KUNIT_EXPECT_EQ(test, hw->pauses, 0);
	expect_calm(test, hw);

	/* A unit that doesn't answer: all that is read are ones. */
	hw->noise = U64_MAX;
	hw->sticks = U64_MAX;
	hw->status = U64_MAX;
	hw->lag = UINT_MAX;
	amdvi_fault_handle(&hw->unit);
	KUNIT_EXPECT_EQ(test, nr_seen, 0);
	KUNIT_EXPECT_EQ(test, hw->pauses, 100);
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(&hw->unit.unmask));
	wait_for_unmask(hw);
	KUNIT_EXPECT_LE(test, hw->pauses, 1000);
}

static void format(struct amdvi_unit *unit, u64 low, u64 high)
{
	char line[AMDVI_FAULT_LINE];

	note(unit, low, high);
	amdvi_fault_format(line, sizeof(line), unit->segment, low, high);
	if (strlen(line) >= sizeof(line) - 1 || !line[0])
		fake_log_of(unit)->bad++;
}

static void garbage(struct kunit *test)
{
	struct fake_log *hw = start(test);
	struct rnd_state rnd;
	unsigned int i;

	prandom_seed_state(&rnd, 48882);
	kunit_deactivate_static_stub(test, amdvi_fault_report);
	kunit_activate_static_stub(test, amdvi_fault_report, format);
	for (i = 0; i < 200; i++) {
		nr_seen = 0;
		prandom_bytes_state(&rnd, fake_log_place(hw, 0), FAKE_LOG_BYTES);
		hw->tail = (prandom_u32_state(&rnd) % BUDGET * 16 + hw->head) %
			   FAKE_LOG_BYTES;
		hw->status |= prandom_u32_state(&rnd) & 0xff;
		amdvi_fault_handle(&hw->unit);
		KUNIT_EXPECT_LE(test, nr_seen, BUDGET);
		KUNIT_EXPECT_EQ(test, hw->head, hw->tail);
		KUNIT_EXPECT_EQ(test, hw->status & FAKE_LOG_OVERFLOW, 0);
		KUNIT_EXPECT_EQ(test, hw->bad, 0);
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(enabling),
	KUNIT_CASE(one),
	KUNIT_CASE(round_the_end),
	KUNIT_CASE(meanwhile),
	KUNIT_CASE(late),
	KUNIT_CASE(never),
	KUNIT_CASE(overflow),
	KUNIT_CASE(full),
	KUNIT_CASE(budget),
	KUNIT_CASE(storm),
	KUNIT_CASE(deinit_while_masked),
	KUNIT_CASE(sticky),
	KUNIT_CASE(odd_tail),
	KUNIT_CASE(garbage),
	{}
};

static struct kunit_suite suite = {
	.name = "sluice_amdvi_faults",
	.test_cases = cases,
};

kunit_test_suite(suite);
