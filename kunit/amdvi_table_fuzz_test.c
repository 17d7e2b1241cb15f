// SPDX-License-Identifier: GPL-2.0-only
/*
 * IVRS tables that firmware has got wrong: what can be used is used, and no more.
 */
#include <linux/iommu.h>
#include <linux/ktime.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "amdvi_table_writer.h"

#define UNIT	RID(0, 0, 2)
#define PROBE	RID(9, 0, 0)	/* its entry is right */
#define OTHER	RID(8, 0, 0)	/* its entry is malformed */

static void expect_parsed(struct kunit *test, const struct ivrs *w, int ret,
			  unsigned int units, unsigned int memory)
{
	struct amdvi_table table;

	KUNIT_EXPECT_EQ(test, ret, amdvi_table_parse(&table, w->at, w->n));
	KUNIT_EXPECT_EQ(test, units, list_count_nodes(&table.units));
	KUNIT_EXPECT_EQ(test, memory, list_count_nodes(&table.memory));
	amdvi_table_free(&table);
}

/* ---- Blocks ---- */

static void checksums(struct kunit *test)
{
	struct ivrs *w = ivrs_create(test);
	unsigned int bit;

	ivrs_desktop(w);
	expect_parsed(test, w, 0, 1, 2);
	for (bit = 0; bit < 8 * w->n; bit++) {
		w->at[bit / 8] ^= BIT(bit % 8);
		expect_parsed(test, w, -EINVAL, 0, 0);
		w->at[bit / 8] ^= BIT(bit % 8);
	}
	/* Its own length may say what it likes. */
	put_unaligned_le32(0xffffffff, &w->at[4]);
	ivrs_seal(w);
	expect_parsed(test, w, 0, 1, 2);
}

/* A block whose length can't be right: no way on. What came before is kept. */
static void wrong_lengths(struct kunit *test)
{
	static const struct {
		u8 type;
		u16 bytes;
	} s[] = {
		{ UNIT_10, 0 }, { UNIT_10, 3 }, { UNIT_10, 23 },
		{ UNIT_11, 24 }, { UNIT_11, 39 }, { UNIT_40, 39 },
		{ MEMORY_ALL, 0 }, { MEMORY_ALL, 31 }, { MEMORY_ONE, 31 },
		{ MEMORY_RANGE, 31 }, { MEMORY_RANGE, 0xffff },
		{ UNIT_10, 0x8000 }, { UNIT_40, 0xffff },
		{ 0x77, 0 }, { 0x77, 3 }, { 0x77, 0xffff },
	};
	struct ivrs *w = ivrs_create(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(s); i++) {
		ivrs_begin(w);
		ivrs_unit(w, UNIT_10, 0, UNIT);
		ivrs_memory(w, MEMORY_ALL, FLAG_EXCLUSION, 0, 0, 0, 0, SZ_4K);
		ivrs_unit(w, UNIT_11, 0, UNIT + 1);
		w->at[w->block] = s[i].type;
		put_unaligned_le16(s[i].bytes, &w->at[w->block + 2]);
		/* Not reached. */
		ivrs_unit(w, UNIT_10, 0, UNIT + 2);
		ivrs_seal(w);
		expect_parsed(test, w, -EINVAL, 1, 1);
	}
}

/* A byte less than it needs, at the table's end. */
static void short_blocks(struct kunit *test)
{
	static const u8 types[] = {
		UNIT_10, UNIT_11, UNIT_40, MEMORY_ALL, MEMORY_ONE, MEMORY_RANGE
	};
	struct ivrs *w = ivrs_create(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		bool unit = i < 3;

		ivrs_begin(w);
		if (unit)
			ivrs_unit(w, types[i], 0, UNIT);
		else
			ivrs_memory(w, types[i], FLAG_EXCLUSION, 0, 9, 0, 0,
				    SZ_4K);
		ivrs_seal(w);
		expect_parsed(test, w, 0, unit, !unit);
		put_unaligned_le16(--w->n - w->block, &w->at[w->block + 2]);
		ivrs_seal(w);
		expect_parsed(test, w, -EINVAL, 0, 0);
	}
}

/* Cut off, and sealed again: where a block begins it is a shorter table. */
static void cut_off(struct kunit *test)
{
	struct ivrs *w = ivrs_create(test);
	size_t n;

	for (n = 0; n < IVRS_HEADER + 24 + 32 + 4; n++) {
		size_t blocks = n - IVRS_HEADER;
		bool whole = blocks == 0 || blocks == 24 || blocks == 56;

		ivrs_begin(w);
		ivrs_unit(w, UNIT_10, 0, UNIT);
		ivrs_memory(w, MEMORY_ALL, FLAG_EXCLUSION, 0, 0, 0, 0, SZ_4K);
		ivrs_block(w, 0x77, 0);
		w->n = n;
		ivrs_seal(w);
		expect_parsed(test, w, whole ? 0 : -EINVAL,
			      n >= IVRS_HEADER + 24, n >= IVRS_HEADER + 56);
	}
}

static void unknown_blocks(struct kunit *test)
{
	static const u8 types[] = { 0, 0x0f, 0x12, 0x1f, 0x23, 0x41, 0xff };
	struct ivrs *w = ivrs_create(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		ivrs_begin(w);
		ivrs_block(w, types[i], 0xff);
		ivrs_unit(w, UNIT_10, 0, UNIT);
		ivrs_block(w, types[i], 0xff);
		/* Would be a block of its own. */
		ivrs_put(w, 0x18000010, 4);
		ivrs_memory(w, MEMORY_ALL, FLAG_EXCLUSION, 0, 0, 0, 0, SZ_4K);
		ivrs_seal(w);
		expect_parsed(test, w, 0, 1, 1);
	}
}

/* ---- Entries ---- */

/* The entries that were there are used, and none besides. */
static void expect_entries(struct kunit *test, struct ivrs *w, unsigned int nr,
			   bool probe)
{
	struct amdvi_table table;
	struct amdvi_report *report;
	struct amdvi_found found;

	ivrs_seal(w);
	KUNIT_ASSERT_EQ(test, 0, amdvi_table_parse(&table, w->at, w->n));
	KUNIT_ASSERT_EQ(test, 1, list_count_nodes(&table.units));
	report = list_first_entry(&table.units, struct amdvi_report, node);
	KUNIT_EXPECT_EQ(test, report->nr, nr);
	KUNIT_EXPECT_EQ(test, amdvi_table_find(&table, 0, PROBE, &found),
			probe);
	KUNIT_EXPECT_FALSE(test, amdvi_table_find(&table, 0, OTHER, &found));
	amdvi_table_free(&table);
}

static void begin_entries(struct ivrs *w)
{
	ivrs_begin(w);
	ivrs_unit(w, UNIT_40, 0, UNIT);
}

static void wrong_ranges(struct kunit *test)
{
	struct ivrs *w = ivrs_create(test);

	begin_entries(w);	/* an end, but no start */
	ivrs_entry(w, END, OTHER, 0);
	ivrs_entry(w, SELECT, PROBE, 0);
	expect_entries(test, w, 1, true);
	begin_entries(w);	/* a start, but no end */
	ivrs_entry(w, RANGE, OTHER, 0);
	ivrs_entry(w, SELECT, PROBE, 0);
	expect_entries(test, w, 1, true);
	begin_entries(w);	/* another start */
	ivrs_alias(w, ALIAS_RANGE, OTHER, 0, OTHER);
	ivrs_range(w, PROBE, PROBE, 0);
	expect_entries(test, w, 1, true);
	begin_entries(w);	/* another end */
	ivrs_range(w, PROBE, PROBE, 0);
	ivrs_entry(w, END, U16_MAX, 0);
	expect_entries(test, w, 1, true);
	begin_entries(w);	/* backwards, then another end */
	ivrs_range(w, OTHER, OTHER - 1, 0);
	ivrs_entry(w, END, U16_MAX, 0);
	ivrs_entry(w, SELECT, PROBE, 0);
	expect_entries(test, w, 1, true);
	begin_entries(w);	/* the end is in another unit's block */
	ivrs_entry(w, RANGE, OTHER, 0);
	ivrs_unit(w, UNIT_10, 0, UNIT);
	ivrs_entry(w, END, OTHER, 0);
	expect_entries(test, w, 0, false);
}

/* Cut off, or of a kind whose length isn't known: the rest can't be told. */
static void wrong_entries(struct kunit *test)
{
	static const u8 types[] = {
		SELECT, ALIAS, EXT, SPECIAL, 128, 192, NAMED
	};
	static const u8 bytes[] = { 4, 8, 8, 8, 16, 32, 22 };
	static const u8 strange[] = { 241, 254, 255 };
	struct ivrs *w = ivrs_create(test);
	unsigned int i, n;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		for (n = 1; n < bytes[i]; n++) {
			begin_entries(w);
			ivrs_entry(w, SELECT, PROBE, 0);
			ivrs_put(w, types[i], 1);
			if (n >= 3)
				ivrs_put(w, OTHER, 2);
			while (w->n - w->entry < n + 4)
				ivrs_put(w, 0, 1);
			expect_entries(test, w, 1, true);
		}
	}
	for (i = 0; i < ARRAY_SIZE(strange); i++) {
		begin_entries(w);
		ivrs_entry(w, SELECT, RID(7, 0, 0), 0);
		ivrs_entry(w, strange[i], OTHER, 0);
		ivrs_entry(w, SELECT, PROBE, 0);
		expect_entries(test, w, 1, false);
	}
}

static void wrong_specials(struct kunit *test)
{
	static const u8 varieties[] = { 0, 3, 255 };
	struct ivrs *w = ivrs_create(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(varieties); i++) {
		begin_entries(w);
		ivrs_special(w, OTHER, 0, 0, varieties[i]);
		ivrs_entry(w, SELECT, PROBE, 0);
		expect_entries(test, w, 1, true);
	}
}

static void wrong_names(struct kunit *test)
{
	static const char long_text[41] = "0123456789012345678901234567890123456789";
	static const struct {
		const char *hid;
		u8 format;
		const char *uid;
		u8 bytes;
	} s[] = {
		{ "", UID_NONE },
		{ "AMD\n0020", UID_NONE },
		{ "AMD\3440020", UID_NONE },
		{ "AMDI0020", UID_INTEGER, "\1\0\0\0", 4 },
		{ "AMDI0020", UID_INTEGER },
		{ "AMDI0020", UID_INTEGER, long_text, 9 },
		{ "AMDI0020", UID_STRING, long_text, 40 },
		{ "AMDI0020", UID_STRING, "a\tb", 3 },
		{ "AMDI0020", 3, "a", 1 },
		{ "AMDI0020", 255 },
	};
	struct ivrs *w = ivrs_create(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(s); i++) {
		begin_entries(w);
		ivrs_named(w, OTHER, 0, s[i].hid, s[i].format, s[i].uid,
			   s[i].bytes);
		ivrs_entry(w, SELECT, PROBE, 0);
		expect_entries(test, w, 1, true);
	}
	/* Its name goes on behind the block. */
	begin_entries(w);
	ivrs_entry(w, SELECT, PROBE, 0);
	ivrs_named(w, OTHER, 0, "AMDI0020", UID_STRING, "abc", 3);
	w->at[w->entry + 21] = 4;
	expect_entries(test, w, 1, true);
}

/* ---- Tables that are made to keep us busy ---- */

/* Of what fits into a table, this has the most to compare. How long it took is printed. */
static void hostile(struct kunit *test)
{
	struct ivrs *w = ivrs_create(test);
	u64 start, many, large;
	unsigned int i;

	for (i = 0; w->n < SZ_64K; i++)
		ivrs_unit(w, UNIT_10, 0, i);
	ivrs_seal(w);
	start = ktime_get_ns();
	expect_parsed(test, w, 0, i, 0);
	many = ktime_get_ns() - start;

	/* Two that share nothing, so that all would have to be compared. */
	ivrs_begin(w);
	ivrs_unit(w, UNIT_10, 0, 1);
	while (w->n - w->block < 0xfff0)
		ivrs_entry(w, SELECT, w->n / 4 & 0x7fff, 0);
	ivrs_unit(w, UNIT_10, 0, 2);
	while (w->n - w->block < 0xe000)
		ivrs_entry(w, SELECT, w->n / 4 | 0x8000, 0);
	ivrs_seal(w);
	start = ktime_get_ns();
	expect_parsed(test, w, 0, 2, 0);
	large = ktime_get_ns() - start;

	kunit_info(test, "%u units: %llu us; two large ones: %llu us\n", i,
		   many / NSEC_PER_USEC, large / NSEC_PER_USEC);
}

/* ---- Random ---- */

/* One of every kind, in few bytes. */
static void all_kinds(struct ivrs *w)
{
	ivrs_begin(w);
	ivrs_unit(w, UNIT_10, 0, UNIT);
	ivrs_entry(w, ALL, 0, 0);
	ivrs_unit(w, UNIT_40, 0, UNIT);
	ivrs_entry(w, SELECT, RID(0, 2, 0), 0);
	ivrs_alias(w, ALIAS_RANGE, RID(2, 0, 0), 0, RID(0, 4, 0));
	ivrs_entry(w, END, RID(2, 31, 7), 0);
	ivrs_ext(w, EXT, RID(1, 0, 0), 0, NO_ATS);
	ivrs_special(w, RID(0, 20, 0), 0xd7, 1, IOAPIC);
	ivrs_named(w, RID(0, 20, 5), 0, "AMDI0020", UID_STRING, "FUR0", 4);
	ivrs_unit(w, UNIT_11, 0, UNIT + 1);
	ivrs_range(w, RID(1, 0, 0), RID(3, 0, 0), 0);
	ivrs_memory(w, MEMORY_RANGE, FLAG_EXCLUSION, 0, RID(2, 0, 0), 0, 0,
		    SZ_4K);
	ivrs_memory(w, MEMORY_ALL, FLAG_UNITY | FLAG_READ, 0, 0, 0, SZ_4K,
		    SZ_4K);
	ivrs_seal(w);
}

/**
 * struct fuzz - what the rounds share
 * @shape: tables to begin with
 * @sealed: how many had a right checksum; the rest ends there
 * @parsed: how many were read to their ends
 * @found: how many said something of the device
 * @machine: the devices
 * @rnd: random numbers
 */
struct fuzz {
	struct ivrs *shape[4];
	unsigned int sealed;
	unsigned int parsed;
	unsigned int found;
	struct pci_machine *machine;
	struct rnd_state rnd;
};

/* The checksum follows the bytes, so that it needn't be added up. */
static void change(u8 *copy, size_t at, u8 value, bool seal)
{
	if (seal)
		copy[9] += copy[at] - value;
	copy[at] = value;
}

static void mutate(u8 *copy, size_t n, bool seal, struct rnd_state *rnd)
{
	unsigned int i, r = prandom_u32_state(rnd), changes = r % 6;

	for (i = 0; i < changes && n > IVRS_HEADER; i++) {
		size_t at;
		u8 value;

		r = prandom_u32_state(rnd);
		at = IVRS_HEADER + (r >> 12) % (n - IVRS_HEADER);
		value = r & BIT(8) ? r : copy[at] ^ BIT(r % 8);
		change(copy, at, value, seal);
	}
}

/* Whatever it says: no access beyond its end, and an end in finite time. */
static void one_round(struct kunit *test, struct fuzz *f)
{
	u32 r = prandom_u32_state(&f->rnd);
	struct ivrs *shape = f->shape[r % ARRAY_SIZE(f->shape)];
	struct pci_dev *pdev = &f->machine->dev[(r >> 8) % NR_DEVICES];
	bool seal = r & GENMASK(18, 16);
	size_t i, n = shape->n;
	struct amdvi_table table;
	struct amdvi_found found;
	LIST_HEAD(regions);
	u8 *copy;

	/* As long as it is, so that what lies behind it is watched. */
	if (!(r & GENMASK(21, 20)))
		n = prandom_u32_state(&f->rnd) % n;
	copy = kmemdup(shape->at, n ?: 1, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, copy);
	if (seal && n > 9) {
		/* For what is missing. */
		for (i = n; i < shape->n; i++)
			copy[9] += shape->at[i];
	}
	mutate(copy, n, seal && n > 9, &f->rnd);
	f->sealed += seal;
	f->parsed += !amdvi_table_parse(&table, copy, n);
	kfree(copy);
	amdvi_reserved_regions(&table, &pdev->dev, &regions);
	KUNIT_ASSERT_LE(test, 2, list_count_nodes(&regions));
	ivrs_free_regions(&regions);
	f->found += amdvi_table_find(&table, 0, pci_dev_id(pdev), &found);
	amdvi_table_free(&table);
}

/* Where every access is watched, each takes a millisecond. */
#define ROUNDS (IS_ENABLED(CONFIG_KASAN) ? 5000 : 1000000)

static void mutations(struct kunit *test)
{
	struct fuzz *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	u64 start = ktime_get_ns();
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, f);
	f->machine = pci_machine_create(test);
	for (i = 0; i < ARRAY_SIZE(f->shape); i++)
		f->shape[i] = ivrs_create(test);
	all_kinds(f->shape[0]);
	ivrs_qemu(f->shape[1]);
	ivrs_desktop(f->shape[2]);
	ivrs_server(f->shape[3]);
	prandom_seed_state(&f->rnd, 48882);
	for (i = 0; i < ROUNDS; i++) {
		one_round(test, f);
		cond_resched();
	}
	kunit_info(test, "%u rounds: %llu ms; %u parsed, %u found\n", ROUNDS,
		   (ktime_get_ns() - start) / NSEC_PER_MSEC, f->parsed,
		   f->found);
	/* They were near enough to good ones. */
	KUNIT_EXPECT_GT(test, f->sealed, ROUNDS / 8 * 6);
	KUNIT_EXPECT_GT(test, f->parsed, ROUNDS / 4);
	KUNIT_EXPECT_GT(test, f->found, ROUNDS / 4);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(checksums),
	KUNIT_CASE(wrong_lengths),
	KUNIT_CASE(short_blocks),
	KUNIT_CASE(cut_off),
	KUNIT_CASE(unknown_blocks),
	KUNIT_CASE(wrong_ranges),
	KUNIT_CASE(wrong_entries),
	KUNIT_CASE(wrong_specials),
	KUNIT_CASE(wrong_names),
	KUNIT_CASE(hostile),
	KUNIT_CASE_SLOW(mutations),
	{}
};

static struct kunit_suite suite = {
	.name = "sluice_amdvi_table_fuzz",
	.test_cases = cases,
};

kunit_test_suite(suite);
