// SPDX-License-Identifier: GPL-2.0-only
/*
 * AMD-Vi events: what they say (AMD 48882 2.5.2 to 2.5.11), and the line that an
 * administrator reads.
 */
#include <kunit/test.h>
#include <linux/string.h>

#include "backends/amdvi/private.h"

#define CODE(n)		((u64)(n) << 60)
#define DOMAIN(n)	((u64)(n) << 32)
#define GN		BIT_ULL(48)
#define NX		BIT_ULL(49)
#define US		BIT_ULL(50)
#define I		BIT_ULL(51)
#define PR		BIT_ULL(52)
#define RW		BIT_ULL(53)
#define PE		BIT_ULL(54)
#define RZ		BIT_ULL(55)
#define TR		BIT_ULL(56)
#define TYPE(n)		((u64)(n) << 57)
#define FLAGS		GENMASK_ULL(59, 48)

/**
 * struct line - an event
 * @low: first word
 * @high: second word
 * @who: what is said of it, for segment 1, up to a colon
 * @why: what follows, if anything does
 */
struct line {
	u64 low;
	u64 high;
	const char *who;
	const char *why;
};

static void expect_lines(struct kunit *test, const struct line *lines,
			 unsigned int nr)
{
	char line[AMDVI_FAULT_LINE], want[AMDVI_FAULT_LINE];

	for (; nr; nr--, lines++) {
		amdvi_fault_format(line, sizeof(line), 1, lines->low,
				   lines->high);
		snprintf(want, sizeof(want), "%s%s%s", lines->who,
			 lines->why ? ": " : "", lines->why ?: "");
		KUNIT_EXPECT_STREQ(test, line, want);
	}
}

static void page_faults(struct kunit *test)
{
#define RESERVED "reserved bits in a page-table entry"
	static const struct line lines[] = {
		{ CODE(2) | DOMAIN(5) | 0x0208, 0x12345678,
		  "DMA read by 0001:02:01.0, domain 5, fault addr 0x12345678",
		  "the page isn't present (flags 0x000)" },
		{ CODE(2) | RW | DOMAIN(0xffff) | 0xffff, U64_MAX,
		  "DMA write by 0001:ff:1f.7, domain 65535, fault addr 0xffffffffffffffff",
		  "the page isn't present (flags 0x020)" },
		{ CODE(2) | PR | PE | DOMAIN(1) | 0x0100, 0x1000,
		  "DMA read by 0001:01:00.0, domain 1, fault addr 0x1000",
		  "reading isn't allowed there (flags 0x050)" },
		{ CODE(2) | PR | RW | PE, 0,
		  "DMA write by 0001:00:00.0, domain 0, fault addr 0x0",
		  "writing isn't allowed there (flags 0x070)" },
		{ CODE(2) | PR | PE | TR | 0x0100, 0x1000,
		  "translation request by 0001:01:00.0, domain 0, fault addr 0x1000",
		  "access isn't allowed there (flags 0x150)" },
		{ CODE(2) | PR | RW | RZ | DOMAIN(2) | 0x0100, 0x2000,
		  "DMA write by 0001:01:00.0, domain 2, fault addr 0x2000",
		  RESERVED " (flags 0x0b0)" },
		{ CODE(2) | PR | DOMAIN(2) | 0x0100, 0x2000,
		  "DMA read by 0001:01:00.0, domain 2, fault addr 0x2000",
		  "an invalid value in a page-table entry (flags 0x010)" },
		{ CODE(2) | PR | PE | RZ | DOMAIN(2) | 0x0100, 0x2000,
		  "DMA read by 0001:01:00.0, domain 2, fault addr 0x2000",
		  "reading isn't allowed there, " RESERVED " (flags 0x0d0)" },
		/* Without PR, the two have no meaning. */
		{ CODE(2) | PE | RZ | DOMAIN(2) | 0x0100, 0x2000,
		  "DMA read by 0001:01:00.0, domain 2, fault addr 0x2000",
		  "the page isn't present (flags 0x0c0)" },
		/* Bits that aren't part of anything. */
		{ CODE(2) | GENMASK_ULL(31, 16) | NX | US | 0x0100, 0,
		  "DMA read by 0001:01:00.0, domain 0, fault addr 0x0",
		  "the page isn't present (flags 0x006)" },
		{ CODE(2) | I | 0x0100, 0xfdf8000000,
		  "interrupt request by 0001:01:00.0, domain 0, fault addr 0xfdf8000000",
		  "the table's entry isn't present (flags 0x008)" },
		{ CODE(2) | I | PR | PE | RW | 0x0100, 0xfdf8000000,
		  "interrupt request by 0001:01:00.0, domain 0, fault addr 0xfdf8000000",
		  "the device may not use this entry (flags 0x078)" },
		{ CODE(2) | I | PR | RZ | 0x0100, 0xfdf8000000,
		  "interrupt request by 0001:01:00.0, domain 0, fault addr 0xfdf8000000",
		  "reserved bits in the table's entry (flags 0x098)" },
		{ CODE(2) | I | PR | 0x0100, 0xfdf8000000,
		  "interrupt request by 0001:01:00.0, domain 0, fault addr 0xfdf8000000",
		  "an invalid value in the table's entry (flags 0x018)" },
		{ CODE(2) | GN | DOMAIN(0x2345) | 0x10100, 0x1000,
		  "DMA read by 0001:01:00.0, PASID 74565 (supervisor), fault addr 0x1000",
		  "the page isn't present (flags 0x001)" },
		{ CODE(2) | GN | NX | US | RW | DOMAIN(7) | 0x0100, 0x1000,
		  "DMA write by 0001:01:00.0, PASID 7 (user, no execute), fault addr 0x1000",
		  "the page isn't present (flags 0x027)" },
	};

	expect_lines(test, lines, ARRAY_SIZE(lines));
}

static void tables(struct kunit *test)
{
	static const struct line lines[] = {
		{ CODE(1) | RZ | RW | 0x0208, 0x1000,
		  "DMA write by 0001:02:01.0, fault addr 0x1000",
		  "reserved bits in the device table's entry (flags 0x0a0)" },
		{ CODE(1) | GN | TR | DOMAIN(0xffff) | 0xf0208, U64_MAX,
		  "translation request by 0001:02:01.0, PASID 1048575, fault addr 0xfffffffffffffffc",
		  "an invalid value in the device table's entry (flags 0x101)" },
		{ CODE(1) | I | DOMAIN(3) | 0x0208, 0xfee00000,
		  "interrupt request by 0001:02:01.0, fault addr 0xfee00000",
		  "an invalid value in the device table's entry (flags 0x008)" },
		{ CODE(3) | TYPE(1) | 0x0208, U64_MAX,
		  "DMA read by 0001:02:01.0, entry at 0xfffffffffffffff0",
		  "the device table can't be accessed: master abort (flags 0x200)" },
		{ CODE(3) | TYPE(2) | TR | 0x0208, 0x12340,
		  "translation request by 0001:02:01.0, entry at 0x12340",
		  "the device table can't be accessed: target abort (flags 0x500)" },
		{ CODE(4) | TYPE(3) | RW | DOMAIN(9) | 0x0208, U64_MAX,
		  "DMA write by 0001:02:01.0, domain 9, entry at 0xfffffffffffffff8",
		  "a page table can't be accessed: data error (flags 0x620)" },
		{ CODE(4) | TYPE(0) | GN | DOMAIN(9) | 0x0208, 0x12348,
		  "DMA read by 0001:02:01.0, PASID 9, entry at 0x12348",
		  "a page table can't be accessed: unknown (flags 0x001)" },
		{ CODE(4) | TYPE(1) | I | 0x0208, 0x40,
		  "interrupt request by 0001:02:01.0, domain 0, entry at 0x40",
		  "the interrupt table can't be accessed: master abort (flags 0x208)" },
	};

	expect_lines(test, lines, ARRAY_SIZE(lines));
}

static void refused(struct kunit *test)
{
#define REQ "request by 0001:01:00.0, fault addr 0x1fff"
	static const struct line lines[] = {
		{ CODE(8) | TYPE(0) | 0x0100, 0x1fff,
		  REQ,
		  "interrupts' addresses can only be written, posted (flags 0x000)" },
		{ CODE(8) | TYPE(1) | 0x0100, 0x1fff,
		  REQ,
		  "the device may not send translated requests (flags 0x200)" },
		{ CODE(8) | TYPE(2) | 0x0100, 0x1fff,
		  REQ,
		  "the device may not do port I/O (flags 0x400)" },
		{ CODE(8) | TYPE(3) | 0x0100, 0x1fff,
		  REQ,
		  "the device may not write to these special addresses (flags 0x600)" },
		{ CODE(8) | TYPE(4) | 0x0100, 0x1fff,
		  REQ,
		  "the device may not read these special addresses (flags 0x800)" },
		{ CODE(8) | TYPE(5) | DOMAIN(7) | 0x0100, 0x1fff,
		  REQ,
		  "the device may not send interrupts (flags 0xa00)" },
		{ CODE(8) | TYPE(6) | 0x0100, 0x1fff,
		  REQ,
		  "the address is a reserved one of interrupts (flags 0xc00)" },
		{ CODE(8) | TYPE(7) | 0x0100, 0x1fff,
		  REQ,
		  "the device's special addresses aren't translated (flags 0xe00)" },
		{ CODE(8) | TYPE(0) | TR | 0x0100, 0x1fff,
		  "translation " REQ,
		  "the device may not ask for translations (flags 0x100)" },
		{ CODE(8) | TYPE(1) | TR | 0x0100, 0x1fff,
		  "translation " REQ,
		  "special addresses have no translation (flags 0x300)" },
		{ CODE(8) | TYPE(2) | TR | 0x0100, 0x1fff,
		  "translation " REQ,
		  "unknown (flags 0x500)" },
		{ CODE(8) | TYPE(7) | TR | 0x0100, 0x1fff,
		  "translation " REQ,
		  "unknown (flags 0xf00)" },
		{ CODE(8) | TYPE(5) | GN | DOMAIN(1) | 0x20100, U64_MAX,
		  "request by 0001:01:00.0, PASID 131073, fault addr 0xffffffffffffffff",
		  "the device may not send interrupts (flags 0xa01)" },
		/* Its PASID is elsewhere: 31:16 and 45:42. */
		{ CODE(9) | 0x1ULL << 42 | 0x3ffULL << 32 | 0x00020100, 0x3000,
		  "page request by 0001:01:00.0, PASID 65538, tag 1023, fault addr 0x3000",
		  "the device may not ask for pages (flags 0x000)" },
		{ CODE(9) | RW | 0xfULL << 42 | 0xffff0100, U64_MAX,
		  "page request by 0001:01:00.0, PASID 1048575, tag 0, fault addr 0xffffffffffffffff",
		  "the device may not ask for pages (flags 0x020)" },
	};

	expect_lines(test, lines, ARRAY_SIZE(lines));
}

static void commands(struct kunit *test)
{
	static const struct line lines[] = {
		{ CODE(5), 0x123450, "illegal command at 0x123450" },
		/* Bits that aren't part of anything. */
		{ CODE(5) | GENMASK_ULL(59, 0), U64_MAX,
		  "illegal command at 0xfffffffffffffff0" },
		{ CODE(6) | TYPE(1) | 0x0100, U64_MAX,
		  "command access at 0xfffffffffffffff0 failed",
		  "master abort (flags 0x200)" },
		{ CODE(6) | TYPE(2), 0,
		  "command access at 0x0 failed",
		  "target abort (flags 0x400)" },
		{ CODE(7) | FLAGS | 0x02ff, 0x123450,
		  "invalidation of the TLB of 0001:02:1f.7 timed out, command at 0x123450" },
		{ CODE(10), 0x89abcdef00034567,
		  "an event counter is at zero, note 0x3456789abcdef" },
		{ CODE(10), GENMASK_ULL(31, 20),
		  "an event counter is at zero, note 0x0" },
		{ CODE(0) | 0x12, 0x34,
		  "event of unknown kind 0x0",
		  "0x0000000000000012 0x0000000000000034" },
		{ CODE(11), U64_MAX,
		  "event of unknown kind 0xb",
		  "0xb000000000000000 0xffffffffffffffff" },
		{ U64_MAX, 0,
		  "event of unknown kind 0xf",
		  "0xffffffffffffffff 0x0000000000000000" },
	};

	expect_lines(test, lines, ARRAY_SIZE(lines));
}

/* Flags in all combinations: each is told apart, and no line is cut. */
static void combinations(struct kunit *test)
{
	char line[AMDVI_FAULT_LINE];
	unsigned int code, n;

	for (code = 0; code < 16; code++) {
		bool dma = code >= 1 && code <= 4;
		bool device = dma || (code >= 7 && code <= 9);

		for (n = 0; n < 4096; n++) {
			u64 flags = (u64)n << 48;

			amdvi_fault_format(line, sizeof(line), 0xffff,
					   CODE(code) | flags |
					   GENMASK_ULL(47, 0), U64_MAX);
			if (strlen(line) < sizeof(line) - 1 &&
			    device == !!strstr(line, " ffff:ff:1f.7") &&
			    (dma && flags & I) ==
			    strstarts(line, "interrupt request") &&
			    (dma && (flags & (I | TR | RW)) == RW) ==
			    strstarts(line, "DMA write") &&
			    (code == 2 && !(flags & PR)) ==
			    !!strstr(line, "isn't present") &&
			    (code == 2 && flags & PR && flags & PE) ==
			    !!(strstr(line, "allowed there") ||
			       strstr(line, "use this entry")))
				continue;
			KUNIT_FAIL(test, "kind %u, flags %#x: %s", code, n,
				   line);
		}
	}
}

/* A line that is too long for its buffer is cut. */
static void cut(struct kunit *test)
{
	char whole[AMDVI_FAULT_LINE], *line;
	unsigned int code, size;

	for (code = 0; code < 16; code++) {
		u64 low = CODE(code) | GENMASK_ULL(57, 0);

		amdvi_fault_format(whole, sizeof(whole), 1, low, U64_MAX);
		for (size = 1; size < 140; size++) {
			/* Of the exact size, for KASAN. */
			line = kmalloc(size, GFP_KERNEL);
			KUNIT_ASSERT_NOT_NULL(test, line);
			amdvi_fault_format(line, size, 1, low, U64_MAX);
			KUNIT_EXPECT_LT(test, strnlen(line, size), size);
			KUNIT_EXPECT_TRUE(test, strstarts(whole, line));
			kfree(line);
		}
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(page_faults),
	KUNIT_CASE(tables),
	KUNIT_CASE(refused),
	KUNIT_CASE(commands),
	KUNIT_CASE(combinations),
	KUNIT_CASE(cut),
	{}
};

static struct kunit_suite suite = {
	.name = "sluice_amdvi_faults_lines",
	.test_cases = cases,
};

kunit_test_suite(suite);
