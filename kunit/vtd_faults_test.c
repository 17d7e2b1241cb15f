// SPDX-License-Identifier: GPL-2.0-only
/*
 * VT-d faults: records as hardware writes them (specification 4.1, 11.4.7.6), the
 * line that an administrator reads, and hardware that faults without end.
 */
#include <kunit/static_stub.h>
#include <linux/workqueue.h>

#include "vtd_hw.h"

#define FSTS	0x34
#define FECTL	0x38
#define IM	BIT(31)
#define F	BIT_ULL(63)
#define T1	BIT_ULL(62)
#define T2	BIT_ULL(28)
#define REASON(n) ((u64)(n) << 32)

/* 8 records from 0x400 on. */
#define CAP	((FAKE_VTD_CAP & ~(GENMASK_ULL(33, 24) | GENMASK_ULL(47, 40))) | \
		 0x40ULL << 24 | 7ULL << 40)
#define RECORDS	8
#define RECORD(n) (0x400 + 16 * (n))

/* ---- The line ---- */

static void lines(struct kunit *test)
{
	static const struct {
		u64 low, high;
		const char *who, *where, *why;
	} g[] = {
		{ 0x12345000, F | T1 | REASON(6) | 0x0208,
		  "DMA read by 0001:02:01.0", "addr 0x12345000",
		  "reading isn't allowed there (reason 0x06)" },
		{ 0xfffffffffffff000, F | REASON(5) | 0xffff,
		  "DMA write by 0001:ff:1f.7", "addr 0xfffffffffffff000",
		  "writing isn't allowed there (reason 0x05)" },
		{ 0, F | T2 | REASON(2) | 0x0100,
		  "DMA page request by 0001:01:00.0", "addr 0x0",
		  "blocked: the device has no address space (reason 0x02)" },
		{ 0x1000, F | T1 | T2 | REASON(12) | 0x0100,
		  "DMA atomic access by 0001:01:00.0", "addr 0x1000",
		  "reserved bits in a page-table entry (reason 0x0c)" },
		/* Bits that aren't part of the address. */
		{ 0x1fff, F | T1 | REASON(1) | 0x0100,
		  "DMA read by 0001:01:00.0", "addr 0x1000",
		  "the root entry isn't present (reason 0x01)" },
		/* QEMU leaves garbage in hi[55:40], which has no meaning here. */
		{ 0x1000, F | T1 | GENMASK_ULL(55, 40) | REASON(6) | 0x0100,
		  "DMA read by 0001:01:00.0", "addr 0x1000",
		  "reading isn't allowed there (reason 0x06)" },
		{ 0x1000, F | T1 | REASON(0x7f) | 0x0100,
		  "DMA read by 0001:01:00.0", "addr 0x1000",
		  "unknown (reason 0x7f)" },
		{ 0x1000, F | T1 | REASON(0) | 0x0100,
		  "DMA read by 0001:01:00.0", "addr 0x1000",
		  "unknown (reason 0x00)" },
		{ 0x1000, F | T1 | REASON(0x27) | 0x0100,
		  "DMA read by 0001:01:00.0", "addr 0x1000",
		  "unknown (reason 0x27)" },
		{ 0x1234000000000000, F | REASON(0x22) | 0x00f8,
		  "interrupt request by 0001:00:1f.0", "index 0x1234",
		  "the table's entry isn't present (reason 0x22)" },
		{ 0, F | T1 | GENMASK_ULL(55, 40) | REASON(0x26) | 0x0108,
		  "interrupt request by 0001:01:01.0", "index 0x0",
		  "the device may not use this entry (reason 0x26)" },
	};
	char line[VTD_FAULT_LINE], want[VTD_FAULT_LINE];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(g); i++) {
		vtd_fault_format(line, sizeof(line), 1, g[i].low, g[i].high);
		snprintf(want, sizeof(want), "%s, fault %s: %s", g[i].who,
			 g[i].where, g[i].why);
		KUNIT_EXPECT_STREQ(test, line, want);
	}
}

/* Every reason that the specification has for us is told apart. */
static void reasons(struct kunit *test)
{
	char line[VTD_FAULT_LINE], before[VTD_FAULT_LINE] = "";
	unsigned int n;

	for (n = 0; n < 256; n++) {
		bool known = (n >= 0x01 && n <= 0x0e) ||
			     (n >= 0x20 && n <= 0x26);

		vtd_fault_format(line, sizeof(line), 0xffff,
				 n < 0x20 ? GENMASK_ULL(63, 12) : 0,
				 F | T1 | REASON(n) | 0xffff);
		KUNIT_EXPECT_LT(test, strlen(line), VTD_FAULT_LINE - 1);
		KUNIT_EXPECT_EQ_MSG(test, known, !strstr(line, ": unknown"),
				    "reason %#x", n);
		KUNIT_EXPECT_EQ_MSG(test, n >= 0x20 && n <= 0x26,
				    !!strstr(line, "interrupt request"),
				    "reason %#x", n);
		KUNIT_EXPECT_STRNEQ(test, line, before);
		strscpy(before, line);
	}
}

/* ---- Records ---- */

/* What was reported: addresses in their order. */
static u64 seen[1024];
static unsigned int nr_seen;

static void note(struct vtd_unit *unit, u64 low, u64 high)
{
	if (nr_seen < ARRAY_SIZE(seen))
		seen[nr_seen] = low;
	nr_seen++;
}

static struct fake_vtd *start(struct kunit *test)
{
	struct fake_vtd *hw = fake_vtd_create(test, CAP, FAKE_VTD_ECAP);

	nr_seen = 0;
	kunit_activate_static_stub(test, vtd_fault_report, note);
	return hw;
}

static void set_status(struct fake_vtd *hw, u32 bits, unsigned int first)
{
	u32 fectl = fake_vtd_get64(hw, FECTL);

	hw->reg[FSTS / 4] = bits | first << 8;
	hw->reg[FECTL / 4] = fectl;
}

/* A fault in record @n; the first that is pending is in the status. */
static void fault(struct fake_vtd *hw, unsigned int n, u64 addr)
{
	fake_vtd_set64(hw, RECORD(n), addr);
	fake_vtd_set64(hw, RECORD(n) + 8, F | T1 | REASON(6) | 0x100);
}

static unsigned int writes_to(struct fake_vtd *hw, unsigned int reg)
{
	unsigned int i, n = 0;

	for (i = 0; i < hw->nr_events; i++)
		n += hw->event[i].reg == reg;
	return n;
}

static void one(struct kunit *test)
{
	struct fake_vtd *hw = start(test);

	fault(hw, 3, 0x5000);
	set_status(hw, 2, 3);
	vtd_fault_handle(&hw->unit);
	KUNIT_EXPECT_EQ(test, 1, nr_seen);
	KUNIT_EXPECT_EQ(test, 0x5000, seen[0]);
	/* Nothing but F is written, by 32 bits. */
	fake_vtd_expect_event(hw, 0, FAKE_VTD_WRITE32, RECORD(3) + 12, IM, 0);
	KUNIT_EXPECT_EQ(test, 1, hw->nr_events);
	KUNIT_EXPECT_EQ(test, 0, hw->reg[FSTS / 4] & 2);

	/* Without one, nothing is done at all. */
	set_status(hw, 0, 0);
	vtd_fault_handle(&hw->unit);
	KUNIT_EXPECT_EQ(test, 1, nr_seen);
	KUNIT_EXPECT_EQ(test, 1, hw->nr_events);
}

static void round_the_end(struct kunit *test)
{
	struct fake_vtd *hw = start(test);
	unsigned int i;

	for (i = 0; i < 5; i++)
		fault(hw, (6 + i) % RECORDS, (i + 1) << 12);
	set_status(hw, 2, 6);
	vtd_fault_handle(&hw->unit);
	KUNIT_ASSERT_EQ(test, 5, nr_seen);
	for (i = 0; i < 5; i++)
		KUNIT_EXPECT_EQ(test, (i + 1) << 12, seen[i]);
	KUNIT_EXPECT_EQ(test, 0, hw->reg[FSTS / 4] & 2);
	KUNIT_EXPECT_EQ(test, 0, writes_to(hw, FECTL));
}

static void overflow(struct kunit *test)
{
	struct fake_vtd *hw = start(test);
	unsigned int i;

	for (i = 0; i < RECORDS; i++)
		fault(hw, i, i << 12);
	set_status(hw, 3, 2);
	vtd_fault_handle(&hw->unit);
	KUNIT_EXPECT_EQ(test, RECORDS, nr_seen);
	KUNIT_EXPECT_EQ(test, 2 << 12, seen[0]);
	/* 7.3: no more events before it is cleared. */
	KUNIT_EXPECT_EQ(test, 0, hw->reg[FSTS / 4] & 3);
	KUNIT_EXPECT_EQ(test, 1, writes_to(hw, FSTS));
}

/* The same event tells of the queue's errors, which aren't ours to clear. */
static void queue_errors(struct kunit *test)
{
	struct fake_vtd *hw = start(test);

	set_status(hw, 0x70, 0);
	vtd_fault_handle(&hw->unit);
	KUNIT_EXPECT_EQ(test, 0x70, hw->reg[FSTS / 4]);
	KUNIT_EXPECT_EQ(test, 0, hw->nr_events);
	KUNIT_EXPECT_EQ(test, 0, nr_seen);
}

/* A number of a record that isn't there. */
static void odd_index(struct kunit *test)
{
	struct fake_vtd *hw = start(test);

	fault(hw, 0xfe % RECORDS, 0x5000);
	set_status(hw, 2, 0xfe);
	vtd_fault_handle(&hw->unit);
	KUNIT_EXPECT_EQ(test, 1, nr_seen);
}

/* ---- Without end ---- */

static struct fake_vtd *refilled;

/* The device faults again, as soon as there is room. */
static void note_and_refill(struct vtd_unit *unit, u64 low, u64 high)
{
	note(unit, low, high);
	fault(refilled, low >> 12 & 7, low);
	set_status(refilled, 2, low >> 12 & 7);
}

static void expect_masked(struct fake_vtd *hw, bool masked)
{
	KUNIT_EXPECT_EQ(hw->test, masked ? IM : 0, hw->reg[FECTL / 4]);
}

/* Runs what was put off. */
static void wait_for_unmask(struct fake_vtd *hw)
{
	flush_delayed_work(&hw->unit.unmask);
}

static void storm(struct kunit *test)
{
	struct fake_vtd *hw = start(test);
	unsigned int i, before;

	refilled = hw;
	kunit_deactivate_static_stub(test, vtd_fault_report);
	kunit_activate_static_stub(test, vtd_fault_report, note_and_refill);
	for (i = 0; i < RECORDS; i++)
		fault(hw, i, i << 12);
	set_status(hw, 2, 0);
	vtd_fault_handle(&hw->unit);
	/* A bounded number, then the event is masked for a while. */
	KUNIT_EXPECT_GE(test, nr_seen, RECORDS);
	KUNIT_EXPECT_LE(test, nr_seen, 1000);
	expect_masked(hw, true);
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(&hw->unit.unmask));

	/* It calms down: what is left is taken, and the event is back. */
	before = nr_seen;
	wait_for_unmask(hw);
	expect_masked(hw, false);
	KUNIT_EXPECT_EQ(test, 0, hw->reg[FSTS / 4] & 2);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&hw->unit.unmask));
	/* The worker is no test: what it reports, only the log has. */
	KUNIT_EXPECT_EQ(test, before, nr_seen);
}

/* It says that there is one, and there is none. */
static void stuck(struct kunit *test)
{
	struct fake_vtd *hw = start(test);
	unsigned int i;

	set_status(hw, 2, 4);
	vtd_fault_handle(&hw->unit);
	KUNIT_EXPECT_EQ(test, 0, nr_seen);
	expect_masked(hw, true);
	/* As long as it is like that, it is looked at now and then. */
	for (i = 0; i < 3; i++) {
		wait_for_unmask(hw);
		expect_masked(hw, true);
		KUNIT_EXPECT_TRUE(test,
				  delayed_work_pending(&hw->unit.unmask));
	}
	set_status(hw, 0, 0);
	wait_for_unmask(hw);
	expect_masked(hw, false);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&hw->unit.unmask));
}

/* The unit goes meanwhile. */
static void deinit_while_masked(struct kunit *test)
{
	struct fake_vtd *hw = start(test);

	set_status(hw, 2, 4);
	vtd_fault_handle(&hw->unit);
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(&hw->unit.unmask));
	vtd_fault_deinit(&hw->unit);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&hw->unit.unmask));
}

static struct kunit_case cases[] = {
	KUNIT_CASE(lines),
	KUNIT_CASE(reasons),
	KUNIT_CASE(one),
	KUNIT_CASE(round_the_end),
	KUNIT_CASE(overflow),
	KUNIT_CASE(queue_errors),
	KUNIT_CASE(odd_index),
	KUNIT_CASE(storm),
	KUNIT_CASE(stuck),
	KUNIT_CASE(deinit_while_masked),
	{}
};

static struct kunit_suite suite = {
	.name = "sluice_vtd_faults",
	.test_cases = cases,
};

kunit_test_suite(suite);
