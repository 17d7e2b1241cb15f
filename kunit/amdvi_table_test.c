// SPDX-License-Identifier: GPL-2.0-only
/*
 * The IVRS table: which unit each requester ID is behind, and what else is said of it.
 */
#include "amdvi_table_writer.h"

#define OWN	-1

/*
 * What is to be found, from first to last, or for first alone (last is 0). Of
 * several for one requester ID the last counts.
 */
struct want {
	u16 unit;
	u16 first;
	u16 last;
	int alias;
	u8 setting;
	bool ats_disabled;
};

static void parse(struct kunit *test, struct amdvi_table *table,
		  struct ivrs *w)
{
	ivrs_seal(w);
	KUNIT_ASSERT_EQ(test, 0, amdvi_table_parse(table, w->at, w->n));
}

static const struct want *want_of(const struct want *wants, size_t nr, u16 rid)
{
	while (nr--) {
		const struct want *want = &wants[nr];

		if (rid >= want->first && rid <= (want->last ?: want->first))
			return want;
	}
	return NULL;
}

static bool is_wanted(const struct amdvi_found *found, const struct want *want,
		      u16 segment, u16 rid)
{
	return found->report->rid == want->unit &&
	       found->report->segment == segment &&
	       found->alias == (want->alias == OWN ? rid : want->alias) &&
	       found->setting == want->setting &&
	       found->ats_disabled == want->ats_disabled;
}

/* Every requester ID is as wanted; others aren't found. */
static void expect_devices(struct kunit *test, const struct amdvi_table *table,
			   u16 segment, const struct want *wants, size_t nr)
{
	unsigned int rid;

	for (rid = 0; rid <= U16_MAX; rid++) {
		const struct want *want = want_of(wants, nr, rid);
		struct amdvi_found found = {};
		bool has = amdvi_table_find(table, segment, rid, &found);

		if (has == !!want &&
		    (!want || is_wanted(&found, want, segment, rid)))
			continue;
		/* Not every one: there may be thousands. */
		KUNIT_FAIL(test,
			   "rid %#x: found %d, alias %#x, setting %#x, no ats %d",
			   rid, has, found.alias, found.setting,
			   found.ats_disabled);
		return;
	}
}

static void expect_only(struct kunit *test, struct ivrs *w,
			const struct want *wants, size_t nr)
{
	struct amdvi_table table;

	parse(test, &table, w);
	expect_devices(test, &table, 0, wants, nr);
	amdvi_table_free(&table);
}

/* ---- Entries ---- */

#define UNIT	RID(0, 0, 2)

static void kinds(struct kunit *test)
{
	static const struct want wants[] = {
		{ UNIT, RID(0, 2, 0), 0, OWN, 0x10 },
		{ UNIT, RID(1, 0, 0), RID(1, 31, 7), OWN, 0xd7 },
		{ UNIT, RID(0, 4, 0), 0, OWN, 0x01 },
		{ UNIT, RID(2, 0, 1), 0, RID(0, 4, 0), 0x01 },
		{ UNIT, RID(0, 5, 0), 0, OWN, 0x02 },
		{ UNIT, RID(3, 0, 0), RID(4, 1, 3), RID(0, 5, 0), 0x02 },
		{ UNIT, RID(5, 0, 0), 0, OWN, 0x04, true },
		{ UNIT, RID(5, 0, 2), 0, OWN, 0x08 },
		{ UNIT, RID(6, 0, 0), RID(6, 0, 7), OWN, 0x40, true },
		{ UNIT, RID(7, 0, 0), RID(7, 0, 1), OWN, 0x80 },
		{ UNIT, RID(8, 0, 0), 0, OWN, 0xff },
	};
	struct ivrs *w = ivrs_create(test);

	ivrs_unit(w, UNIT_11, 0, UNIT);
	ivrs_entry(w, PAD4, RID(9, 0, 0), 0xff);
	ivrs_entry(w, SELECT, RID(0, 2, 0), 0x10);
	ivrs_ext(w, PAD8, RID(9, 0, 0), 0xff, 0);
	ivrs_range(w, RID(1, 0, 0), RID(1, 31, 7), 0xd7);
	ivrs_alias(w, ALIAS, RID(2, 0, 1), 0x01, RID(0, 4, 0));
	ivrs_alias(w, ALIAS_RANGE, RID(3, 0, 0), 0x02, RID(0, 5, 0));
	ivrs_entry(w, PAD4, 0, 0);
	ivrs_entry(w, END, RID(4, 1, 3), 0xff);
	ivrs_ext(w, EXT, RID(5, 0, 0), 0x04, NO_ATS);
	ivrs_ext(w, EXT, RID(5, 0, 2), 0x08, NO_ATS - 1);
	ivrs_ext(w, EXT_RANGE, RID(6, 0, 0), 0x40, NO_ATS);
	ivrs_entry(w, END, RID(6, 0, 7), 0);
	ivrs_ext(w, EXT_RANGE, RID(7, 0, 0), 0x80, 0);
	ivrs_entry(w, END, RID(7, 0, 1), 0);
	ivrs_special(w, RID(0, 20, 0), 0xd7, 1, IOAPIC);
	ivrs_named(w, RID(0, 20, 5), 0xd7, "AMDI0020", UID_NONE, NULL, 0);
	ivrs_entry(w, SELECT, RID(8, 0, 0), 0xff);
	expect_only(test, w, wants, ARRAY_SIZE(wants));
}

/* A driver that is older than the table goes on behind what it doesn't know. */
static void unknown_kinds(struct kunit *test)
{
	static const struct {
		u8 type;
		u8 bytes;
	} s[] = {
		{ 5, 4 }, { 63, 4 }, { 0x41, 8 }, { 127, 8 },
		{ 128, 16 }, { 191, 16 }, { 192, 32 }, { 239, 32 },
	};
	static const struct want want = { UNIT, RID(8, 0, 0), 0, OWN, 0xff };
	struct ivrs *w = ivrs_create(test);
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(s); i++) {
		ivrs_begin(w);
		ivrs_unit(w, UNIT_11, 0, UNIT);
		ivrs_put(w, s[i].type, 1);
		/* Would be entries for all devices. */
		for (j = 1; j < s[i].bytes; j++)
			ivrs_put(w, ALL, 1);
		ivrs_entry(w, SELECT, RID(8, 0, 0), 0xff);
		expect_only(test, w, &want, 1);
	}
}

/* Later ones count. */
static void order(struct kunit *test)
{
	static const struct want wants[] = {
		{ UNIT, 0, U16_MAX, OWN, 0x01 },
		{ UNIT, RID(0, 1, 0), RID(0, 3, 7), OWN, 0x04 },
		{ UNIT, RID(0, 2, 1), 0, OWN, 0x08 },
		{ UNIT, RID(0, 2, 2), 0, OWN, 0x10, true },
		{ UNIT, RID(0, 2, 3), 0, RID(0, 2, 0), 0x20 },
	};
	struct ivrs *w = ivrs_create(test);

	ivrs_unit(w, UNIT_10, 0, UNIT);
	ivrs_ext(w, EXT, RID(7, 0, 0), 0xff, NO_ATS);
	ivrs_entry(w, ALL, 0, 0x01);
	ivrs_entry(w, SELECT, RID(0, 2, 0), 0x02);
	ivrs_range(w, RID(0, 1, 0), RID(0, 3, 7), 0x04);
	ivrs_ext(w, EXT, RID(0, 2, 1), 0x40, NO_ATS);
	ivrs_alias(w, ALIAS, RID(0, 2, 1), 0x40, RID(0, 2, 0));
	ivrs_entry(w, SELECT, RID(0, 2, 1), 0x08);
	ivrs_ext(w, EXT, RID(0, 2, 2), 0x10, NO_ATS);
	ivrs_alias(w, ALIAS, RID(0, 2, 3), 0x20, RID(0, 2, 0));
	expect_only(test, w, wants, ARRAY_SIZE(wants));
}

/* An alias is there, too; but what an entry says of it by its own name counts. */
static void aliases(struct kunit *test)
{
	static const struct want wants[] = {
		{ UNIT, RID(0, 4, 0), 0, OWN, 0x02 },
		{ UNIT, RID(2, 0, 0), 0, RID(0, 4, 0), 0x01 },
		{ UNIT, RID(2, 0, 1), 0, RID(0, 4, 0), 0x02 },
		{ UNIT, RID(0, 5, 0), 0, OWN, 0x04 },
		{ UNIT, RID(3, 0, 0), 0, RID(0, 5, 0), 0x08 },
		{ UNIT, RID(0, 6, 0), 0, OWN, 0x20 },
		{ UNIT, RID(4, 0, 0), 0, RID(0, 6, 0), 0x10 },
		/* One of those that it stands for. */
		{ UNIT, RID(5, 0, 0), RID(5, 0, 7), RID(5, 0, 0), 0x40 },
		/* Of an alias. */
		{ UNIT, RID(6, 0, 0), 0, RID(6, 0, 1), 0x41 },
		{ UNIT, RID(6, 0, 1), 0, RID(6, 0, 2), 0x42 },
		{ UNIT, RID(6, 0, 2), 0, OWN, 0x42 },
	};
	struct ivrs *w = ivrs_create(test);

	ivrs_unit(w, UNIT_10, 0, UNIT);
	ivrs_alias(w, ALIAS, RID(2, 0, 0), 0x01, RID(0, 4, 0));
	ivrs_alias(w, ALIAS, RID(2, 0, 1), 0x02, RID(0, 4, 0));
	ivrs_entry(w, SELECT, RID(0, 5, 0), 0x04);
	ivrs_alias(w, ALIAS, RID(3, 0, 0), 0x08, RID(0, 5, 0));
	ivrs_alias(w, ALIAS, RID(4, 0, 0), 0x10, RID(0, 6, 0));
	ivrs_entry(w, SELECT, RID(0, 6, 0), 0x20);
	ivrs_alias(w, ALIAS_RANGE, RID(5, 0, 0), 0x40, RID(5, 0, 0));
	ivrs_entry(w, END, RID(5, 0, 7), 0);
	ivrs_alias(w, ALIAS, RID(6, 0, 1), 0x42, RID(6, 0, 2));
	ivrs_alias(w, ALIAS, RID(6, 0, 0), 0x41, RID(6, 0, 1));
	expect_only(test, w, wants, ARRAY_SIZE(wants));
}

/* ---- Special devices ---- */

struct special {
	enum amdvi_special special;
	u16 rid;
	u8 setting;
	u8 handle;
	const char *hid;
	const char *uid;
};

static void expect_specials(struct kunit *test, const struct amdvi_table *table,
			    const struct special *want, size_t nr)
{
	const struct amdvi_report *report =
		list_first_entry(&table->units, struct amdvi_report, node);
	const struct amdvi_entry *e = report->entries;
	size_t n = 0;

	for (; e < report->entries + report->nr; e++) {
		if (!e->special)
			continue;
		KUNIT_ASSERT_LT(test, n, nr);
		KUNIT_EXPECT_EQ(test, e->special, want->special);
		KUNIT_EXPECT_EQ(test, e->first, want->rid);
		KUNIT_EXPECT_EQ(test, e->last, want->rid);
		KUNIT_EXPECT_EQ(test, e->setting, want->setting);
		KUNIT_EXPECT_EQ(test, e->handle, want->handle);
		KUNIT_EXPECT_STREQ(test, e->hid, want->hid ?: "");
		KUNIT_EXPECT_STREQ(test, e->uid, want->uid ?: "");
		n++;
		want++;
	}
	KUNIT_EXPECT_EQ(test, n, nr);
}

#define LONGEST	"\\_SB.PCI0.GP17.XHC0.RHUB.PRT1.CAM0.CAM1"	/* 39 */

static void specials(struct kunit *test)
{
	static const struct special want[] = {
		{ AMDVI_IOAPIC, RID(0, 20, 0), 0xd7, 4 },
		{ AMDVI_HPET, RID(0, 20, 1), 0x01, 255 },
		{ AMDVI_NAMED, RID(0, 20, 2), 0x40, 0, "AMDI0020", "" },
		{ AMDVI_NAMED, RID(0, 20, 3), 0x41, 0, "PNP0501",
		  "9223372036854775850" },
		{ AMDVI_NAMED, RID(0, 20, 4), 0x42, 0, "AMDI0010", LONGEST },
		/* What is behind its end doesn't matter. */
		{ AMDVI_NAMED, RID(0, 20, 5), 0x43, 0, "AMDI0030", "ab" },
		{ AMDVI_NAMED, RID(0, 20, 6), 0x44, 0, "AMDI0040", "" },
	};
	struct ivrs *w = ivrs_create(test);
	struct amdvi_table table;

	BUILD_BUG_ON(sizeof(LONGEST) != 40);
	ivrs_unit(w, UNIT_40, 0, UNIT);
	ivrs_special(w, RID(0, 20, 0), 0xd7, 4, IOAPIC);
	ivrs_special(w, RID(0, 20, 1), 0x01, 255, HPET);
	ivrs_named(w, RID(0, 20, 2), 0x40, "AMDI0020", UID_NONE, "x", 1);
	ivrs_named(w, RID(0, 20, 3), 0x41, "PNP0501", UID_INTEGER,
		   "\x2a\0\0\0\0\0\0\x80", 8);
	ivrs_named(w, RID(0, 20, 4), 0x42, "AMDI0010", UID_STRING, LONGEST, 39);
	ivrs_named(w, RID(0, 20, 5), 0x43, "AMDI0030", UID_STRING, "ab\0\xff",
		   4);
	ivrs_named(w, RID(0, 20, 6), 0x44, "AMDI0040", UID_STRING, "", 0);
	parse(test, &table, w);
	expect_specials(test, &table, want, ARRAY_SIZE(want));
	expect_devices(test, &table, 0, NULL, 0);
	amdvi_table_free(&table);
}

/* ---- Units ---- */

static void no_units(struct kunit *test)
{
	expect_only(test, ivrs_create(test), NULL, 0);
}

static void unit_fields(struct kunit *test)
{
	struct ivrs *w = ivrs_create(test);
	struct amdvi_report *report;
	struct amdvi_table table;

	ivrs_block(w, UNIT_11, 0xa5);
	ivrs_put(w, 0x1234, 2);
	ivrs_put(w, 0x5678, 2);
	ivrs_put(w, 0x9abcdef011223344ULL, 8);
	ivrs_put(w, 0x5566, 2);
	ivrs_put(w, 0, 22);
	parse(test, &table, w);
	KUNIT_ASSERT_EQ(test, list_count_nodes(&table.units), 1);
	report = list_first_entry(&table.units, struct amdvi_report, node);
	KUNIT_EXPECT_EQ(test, report->type, UNIT_11);
	KUNIT_EXPECT_EQ(test, report->flags, 0xa5);
	KUNIT_EXPECT_EQ(test, report->rid, 0x1234);
	KUNIT_EXPECT_EQ(test, report->cap, 0x5678);
	KUNIT_EXPECT_EQ(test, report->base, 0x9abcdef011223344ULL);
	KUNIT_EXPECT_EQ(test, report->segment, 0x5566);
	KUNIT_EXPECT_EQ(test, report->nr, 0);
	amdvi_table_free(&table);
}

/* Several, in two segments; where two claim a device it is the first one's. */
static void units(struct kunit *test)
{
	static const struct want of_0[] = {
		{ RID(0x40, 0, 2), RID(0x40, 0, 0), RID(0x7f, 31, 7), OWN, 2 },
		{ RID(0, 0, 2), RID(0, 0, 0), RID(0x40, 1, 0), OWN, 1 },
		/* Named by the second, but an alias of the first. */
		{ RID(0, 0, 2), RID(0x50, 0, 0), 0, OWN, 5 },
		{ RID(0, 0, 2), RID(0, 7, 0), 0, RID(0x50, 0, 0), 5 },
	};
	static const struct want of_1 = {
		RID(0, 0, 2), RID(0, 0, 0), RID(0x3f, 31, 7), OWN, 3
	};
	struct ivrs *w = ivrs_create(test);
	struct amdvi_table table;

	ivrs_unit(w, UNIT_11, 0, RID(0, 0, 2));
	ivrs_range(w, RID(0, 0, 0), RID(0x40, 1, 0), 1);
	ivrs_alias(w, ALIAS, RID(0, 7, 0), 5, RID(0x50, 0, 0));
	ivrs_unit(w, UNIT_11, 1, RID(0, 0, 2));
	ivrs_range(w, RID(0, 0, 0), RID(0x3f, 31, 7), 3);
	ivrs_unit(w, UNIT_11, 0, RID(0x40, 0, 2));
	ivrs_range(w, RID(0x40, 0, 0), RID(0x7f, 31, 7), 2);
	parse(test, &table, w);
	KUNIT_EXPECT_EQ(test, list_count_nodes(&table.units), 3);
	expect_devices(test, &table, 0, of_0, ARRAY_SIZE(of_0));
	expect_devices(test, &table, 1, &of_1, 1);
	expect_devices(test, &table, 2, NULL, 0);
	amdvi_table_free(&table);
}

/* Of one unit's blocks the highest is kept, in the first one's place. */
static void types(struct kunit *test)
{
	static const struct {
		u8 type[3];
		u8 kept;
	} s[] = {
		{ { UNIT_10, UNIT_11, UNIT_40 }, 2 },
		{ { UNIT_40, UNIT_11, UNIT_10 }, 0 },
		{ { UNIT_10, UNIT_40, UNIT_11 }, 1 },
		{ { UNIT_10, UNIT_11, UNIT_10 }, 1 },
		{ { UNIT_11, UNIT_11, UNIT_10 }, 0 },
		{ { UNIT_40, UNIT_40, UNIT_40 }, 0 },
	};
	struct ivrs *w = ivrs_create(test);
	struct amdvi_table table;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(s); i++) {
		struct want want[] = {
			{ RID(1, 0, 2), 0, U16_MAX, OWN, 9 },
			{ UNIT, 7, 0, OWN, s[i].kept },
		};
		struct amdvi_report *report;

		ivrs_begin(w);
		for (j = 0; j < 3; j++) {
			ivrs_unit(w, s[i].type[j], 0, UNIT);
			ivrs_entry(w, SELECT, 7, j);
			/* Another one claims all, but comes later. */
			ivrs_unit(w, UNIT_40, 0, RID(1, 0, 2));
			ivrs_entry(w, ALL, 0, 9);
		}
		parse(test, &table, w);
		KUNIT_EXPECT_EQ(test, list_count_nodes(&table.units), 2);
		report = list_first_entry(&table.units, struct amdvi_report,
					  node);
		KUNIT_EXPECT_EQ(test, report->type, s[i].type[s[i].kept]);
		expect_devices(test, &table, 0, want, ARRAY_SIZE(want));
		amdvi_table_free(&table);
	}
}

/* ---- Tables as machines have them ---- */

static void qemu(struct kunit *test)
{
	static const struct want wants[] = {
		{ RID(0, 1, 0), RID(0, 0, 0), 0, OWN },
		{ RID(0, 1, 0), RID(0, 1, 0), 0, OWN },
		{ RID(0, 1, 0), RID(0, 2, 0), 0, OWN },
		{ RID(0, 1, 0), RID(0, 3, 0), 0, OWN },
		{ RID(0, 1, 0), RID(1, 0, 0), RID(1, 31, 7), OWN },
		{ RID(0, 1, 0), RID(2, 0, 0), RID(2, 31, 7), RID(0, 4, 0) },
		{ RID(0, 1, 0), RID(0, 4, 0), 0, OWN },
		{ RID(0, 1, 0), RID(0, 31, 0), 0, OWN },
		{ RID(0, 1, 0), RID(0, 31, 2), RID(0, 31, 3), OWN },
	};
	static const struct special special = { AMDVI_IOAPIC, RID(0, 20, 0) };
	struct ivrs *w = ivrs_create(test);
	struct amdvi_table table;

	ivrs_qemu(w);
	parse(test, &table, w);
	KUNIT_EXPECT_EQ(test, list_count_nodes(&table.units), 1);
	expect_devices(test, &table, 0, wants, ARRAY_SIZE(wants));
	expect_specials(test, &table, &special, 1);
	KUNIT_EXPECT_TRUE(test, list_empty(&table.memory));
	amdvi_table_free(&table);
}

#define FCH	RID(0, 20, 5)

static void desktop(struct kunit *test)
{
	static const struct want wants[] = {
		{ UNIT, RID(0, 0, 3), RID(0xff, 31, 6), OWN },
		{ UNIT, RID(0xff, 0, 0), RID(0xff, 31, 7), RID(0, 20, 4) },
	};
	static const struct special special[] = {
		{ AMDVI_HPET, RID(0, 20, 0) },
		{ AMDVI_IOAPIC, RID(0, 20, 0), 0xd7, 33 },
		{ AMDVI_IOAPIC, RID(0, 0, 1), 0, 34 },
		{ AMDVI_NAMED, FCH, 0x40, 0, "AMDI0020", "\\_SB.FUR0" },
		{ AMDVI_NAMED, FCH, 0x40, 0, "AMDI0020", "\\_SB.FUR1" },
		{ AMDVI_NAMED, FCH, 0x40, 0, "AMDI0010", "\\_SB.I2CA" },
		{ AMDVI_NAMED, RID(0, 19, 1), 0x40, 0, "AMDI0040", "42" },
		{ AMDVI_NAMED, RID(0, 20, 6), 0x40, 0, "PNP0501" },
	};
	struct ivrs *w = ivrs_create(test);
	struct amdvi_table table;

	ivrs_desktop(w);
	parse(test, &table, w);
	KUNIT_EXPECT_EQ(test, list_count_nodes(&table.units), 1);
	expect_devices(test, &table, 0, wants, ARRAY_SIZE(wants));
	expect_specials(test, &table, special, ARRAY_SIZE(special));
	KUNIT_EXPECT_EQ(test, list_count_nodes(&table.memory), 2);
	amdvi_table_free(&table);
}

static void server(struct kunit *test)
{
	static const struct want wants[] = {
		{ RID(0, 0, 2), RID(0, 0, 3), RID(0x7e, 31, 7), OWN },
		{ RID(0, 0, 2), RID(0, 3, 1), 0, OWN, 0, true },
		{ RID(0, 0, 2), RID(0x7f, 0, 0), 0, RID(0, 1, 1), 0x10 },
		{ RID(0x80, 0, 2), RID(0x80, 0, 3), RID(0xfe, 31, 7), OWN },
		{ RID(0x80, 0, 2), RID(0x80, 3, 1), 0, OWN, 0, true },
		{ RID(0x80, 0, 2), RID(0xff, 0, 0), 0, RID(0x80, 1, 1), 0x10 },
	};
	struct ivrs *w = ivrs_create(test);
	struct amdvi_report *report;
	struct amdvi_table table;
	unsigned int n = 0;

	ivrs_server(w);
	parse(test, &table, w);
	list_for_each_entry(report, &table.units, node) {
		KUNIT_EXPECT_EQ(test, report->type, UNIT_40);
		KUNIT_EXPECT_EQ(test, report->segment, n / 2);
		KUNIT_EXPECT_EQ(test, report->rid,
				n % 2 ? RID(0x80, 0, 2) : RID(0, 0, 2));
		n++;
	}
	KUNIT_EXPECT_EQ(test, n, 4);
	expect_devices(test, &table, 0, wants, ARRAY_SIZE(wants));
	expect_devices(test, &table, 1, wants, ARRAY_SIZE(wants));
	expect_devices(test, &table, 2, NULL, 0);
	amdvi_table_free(&table);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(kinds),
	KUNIT_CASE(unknown_kinds),
	KUNIT_CASE(order),
	KUNIT_CASE(aliases),
	KUNIT_CASE(specials),
	KUNIT_CASE(no_units),
	KUNIT_CASE(unit_fields),
	KUNIT_CASE(units),
	KUNIT_CASE(types),
	KUNIT_CASE(qemu),
	KUNIT_CASE(desktop),
	KUNIT_CASE(server),
	{}
};

static struct kunit_suite suite = {
	.name = "sluice_amdvi_table",
	.test_cases = cases,
};

kunit_test_suite(suite);
