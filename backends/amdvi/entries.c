// SPDX-License-Identifier: GPL-2.0-only
/*
 * AMD-Vi: the entries for devices in a unit's block of the IVRS table.
 *
 * Owns: reading them, finding a requester ID among them, and comparing those of
 * two units. The table's blocks are table.c's. Source: AMD publication 48882,
 * 5.2.2.1 to 5.2.2.8. Nothing that the table says is trusted.
 */
#define pr_fmt(fmt) "sluice amdvi: " fmt

#include <linux/ctype.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "private.h"

/* Every entry begins with its type; most go on with a requester ID. */
#define TYPE		0
#define ENTRY_RID	1
#define ENTRY_SETTING	3
#define ENTRY_ALIAS	5
#define ENTRY_DATA	4
#define DATA_NO_ATS	BIT(31)
#define SPECIAL_HANDLE	4
#define SPECIAL_RID	5
#define SPECIAL_VARIETY	7
#define VARIETY_IOAPIC	1
#define VARIETY_HPET	2
#define NAMED_HID	4
#define NAMED_HID_BYTES	8
#define NAMED_UID_FORMAT 20
#define UID_NONE	0
#define UID_INTEGER	1
#define UID_STRING	2
#define NAMED_UID_BYTES	21
#define NAMED_UID	22

enum {
	ENTRY_PAD4 = 0,
	ENTRY_ALL = 1,
	ENTRY_SELECT = 2,
	ENTRY_RANGE = 3,
	ENTRY_RANGE_END = 4,
	ENTRY_PAD8 = 0x40,
	ENTRY_ALIAS_SELECT = 0x42,
	ENTRY_ALIAS_RANGE = 0x43,
	ENTRY_EXT_SELECT = 0x46,
	ENTRY_EXT_RANGE = 0x47,
	ENTRY_SPECIAL = 0x48,
	ENTRY_NAMED = 0xf0,
};

/* A unit's entries being read: what comes next depends on these. */
struct reader {
	struct amdvi_report *report;
	const u8 *table;	/* the table's first byte, for messages */
	const u8 *range;	/* a range's start, whose end is to come */
};

/* From one place, so that one limit holds for all that's wrong with a table. */
static void complain(const struct reader *r, const u8 *at, const char *what)
{
	pr_warn_ratelimited("IVRS: %s at offset %td is ignored\n", what,
			    at - r->table);
}

/* ---- Reading ---- */

/* Returns 0 if it can't be told, or is more than there is. */
static size_t entry_bytes(const u8 *at, size_t room)
{
	size_t bytes;

	switch (at[TYPE]) {
	case 0 ... 63:
		bytes = 4;
		break;
	case 64 ... 127:
		bytes = 8;
		break;
	case 128 ... 191:
		bytes = 16;
		break;
	case 192 ... 239:
		bytes = 32;
		break;
	case ENTRY_NAMED:
		if (room < NAMED_UID)
			return 0;
		bytes = NAMED_UID + at[NAMED_UID_BYTES];
		break;
	default:
		return 0;
	}
	return bytes <= room ? bytes : 0;
}

static void add_entry(struct amdvi_report *report,
		      const struct amdvi_entry *entry)
{
	report->nr++;
	report->entries[report->nr - 1] = *entry;
}

static void add_devices(struct reader *r, const u8 *at, u16 first, u16 last)
{
	struct amdvi_entry entry = {
		.first = first,
		.last = last,
		.setting = at[ENTRY_SETTING],
	};

	switch (at[TYPE]) {
	case ENTRY_ALIAS_SELECT:
	case ENTRY_ALIAS_RANGE:
		entry.has_alias = true;
		entry.alias = get_unaligned_le16(at + ENTRY_ALIAS);
		break;
	case ENTRY_EXT_SELECT:
	case ENTRY_EXT_RANGE:
		entry.ats_disabled = get_unaligned_le32(at + ENTRY_DATA) &
				     DATA_NO_ATS;
		break;
	}
	add_entry(r->report, &entry);
}

static void drop_range(struct reader *r)
{
	if (r->range)
		complain(r, r->range, "a range of devices without an end");
	r->range = NULL;
}

/* A range's start says all but where it ends. */
static void end_range(struct reader *r, const u8 *at)
{
	const u8 *start = r->range;
	u16 first, last = get_unaligned_le16(at + ENTRY_RID);

	if (!start) {
		complain(r, at, "the end of no range of devices");
		return;
	}
	r->range = NULL;
	first = get_unaligned_le16(start + ENTRY_RID);
	if (last < first)
		complain(r, start, "a range of devices that ends too early");
	else
		add_devices(r, start, first, last);
}

static void add_special(struct reader *r, const u8 *at)
{
	struct amdvi_entry entry = {
		.first = get_unaligned_le16(at + SPECIAL_RID),
		.last = get_unaligned_le16(at + SPECIAL_RID),
		.setting = at[ENTRY_SETTING],
		.handle = at[SPECIAL_HANDLE],
	};

	switch (at[SPECIAL_VARIETY]) {
	case VARIETY_IOAPIC:
		entry.special = AMDVI_IOAPIC;
		break;
	case VARIETY_HPET:
		entry.special = AMDVI_HPET;
		break;
	default:
		complain(r, at, "a special device of an unknown variety");
		return;
	}
	add_entry(r->report, &entry);
}

/* @bytes hold text that ends with them, or with a NUL. */
static bool text_from(char *text, size_t size, const u8 *at, size_t bytes)
{
	size_t i, n = strnlen((const char *)at, bytes);

	if (n >= size)
		return false;
	for (i = 0; i < n; i++) {
		if (!isascii(at[i]) || !isprint(at[i]))
			return false;
	}
	memcpy(text, at, n);
	text[n] = 0;
	return true;
}

static bool uid_from(struct amdvi_entry *entry, const u8 *at)
{
	size_t bytes = at[NAMED_UID_BYTES];

	switch (at[NAMED_UID_FORMAT]) {
	case UID_NONE:
		return true;
	case UID_INTEGER:
		if (bytes != sizeof(u64))
			return false;
		/* As ACPI writes it, for comparisons. */
		snprintf(entry->uid, sizeof(entry->uid), "%llu",
			 get_unaligned_le64(at + NAMED_UID));
		return true;
	case UID_STRING:
		return text_from(entry->uid, sizeof(entry->uid), at + NAMED_UID,
				 bytes);
	default:
		return false;
	}
}

static void add_named(struct reader *r, const u8 *at)
{
	struct amdvi_entry entry = {
		.first = get_unaligned_le16(at + ENTRY_RID),
		.last = get_unaligned_le16(at + ENTRY_RID),
		.setting = at[ENTRY_SETTING],
		.special = AMDVI_NAMED,
	};

	if (text_from(entry.hid, sizeof(entry.hid), at + NAMED_HID,
		      NAMED_HID_BYTES) &&
	    entry.hid[0] && uid_from(&entry, at))
		add_entry(r->report, &entry);
	else
		complain(r, at, "a device with a malformed name");
}

static void read_entry(struct reader *r, const u8 *at)
{
	u16 rid = get_unaligned_le16(at + ENTRY_RID);

	switch (at[TYPE]) {
	case ENTRY_PAD4:
	case ENTRY_PAD8:
		break;
	case ENTRY_ALL:
		add_devices(r, at, 0, U16_MAX);
		break;
	case ENTRY_SELECT:
	case ENTRY_ALIAS_SELECT:
	case ENTRY_EXT_SELECT:
		add_devices(r, at, rid, rid);
		break;
	case ENTRY_RANGE:
	case ENTRY_ALIAS_RANGE:
	case ENTRY_EXT_RANGE:
		drop_range(r);
		r->range = at;
		break;
	case ENTRY_RANGE_END:
		end_range(r, at);
		break;
	case ENTRY_SPECIAL:
		add_special(r, at);
		break;
	case ENTRY_NAMED:
		add_named(r, at);
		break;
	default:
		complain(r, at, "an unknown kind of device");
	}
}

/**
 * amdvi_entries_read - read a unit's entries
 * @report: the unit, with room for an entry per AMDVI_ENTRY_BYTES
 * @table: the table's first byte, for messages
 * @at: the first entry
 * @end: the end of the last one
 *
 * What can't be used is left out, with a message.
 */
void amdvi_entries_read(struct amdvi_report *report, const u8 *table,
			const u8 *at, const u8 *end)
{
	struct reader r = { .report = report, .table = table };
	size_t bytes;

	for (; at < end; at += bytes) {
		bytes = entry_bytes(at, end - at);
		if (!bytes) {
			complain(&r, at, "the rest of a unit's devices");
			break;
		}
		read_entry(&r, at);
	}
	drop_range(&r);
}

/* ---- Finding ---- */

static bool entry_names(const struct amdvi_entry *entry, u16 rid)
{
	return !entry->special && entry->first <= rid && rid <= entry->last;
}

/* Other requesters appear as it, so it must be behind the same unit. */
static bool entry_is_alias(const struct amdvi_entry *entry, u16 rid)
{
	return entry->has_alias && entry->alias == rid;
}

/**
 * amdvi_entries_find - find a requester ID among a unit's devices
 * @report: the unit
 * @rid: the requester ID
 * @found: set if it is there
 *
 * Of the entries that name it the last one counts; if none does, but it is another's
 * alias, the last one that says so.
 *
 * Return: true if it is there.
 */
bool amdvi_entries_find(const struct amdvi_report *report, u16 rid,
			struct amdvi_found *found)
{
	const struct amdvi_entry *entry = NULL;
	unsigned int i;

	for (i = report->nr; i--; ) {
		const struct amdvi_entry *e = &report->entries[i];

		if (entry_names(e, rid)) {
			entry = e;
			break;
		}
		if (!entry && entry_is_alias(e, rid))
			entry = e;
	}
	if (!entry)
		return false;
	*found = (struct amdvi_found){
		.report = report,
		.alias = entry->has_alias ? entry->alias : rid,
		.setting = entry->setting,
		.ats_disabled = entry->ats_disabled,
	};
	return true;
}

/* Returns a requester ID that both have, or -1. */
static int shared_by(const struct amdvi_entry *a, const struct amdvi_entry *b)
{
	if (a->special || b->special)
		return -1;
	if (a->first <= b->last && b->first <= a->last)
		return max(a->first, b->first);
	if (a->has_alias && (entry_names(b, a->alias) ||
			     entry_is_alias(b, a->alias)))
		return a->alias;
	if (b->has_alias && entry_names(a, b->alias))
		return b->alias;
	return -1;
}

/**
 * amdvi_entries_shared - do two units claim the same device?
 * @a: a unit
 * @b: another one
 * @budget: how many entries may still be compared; is counted down
 *
 * Return: a requester ID that both claim; -1 if there is none, or the budget is
 * used up.
 */
int amdvi_entries_shared(const struct amdvi_report *a,
			 const struct amdvi_report *b, unsigned int *budget)
{
	unsigned int i, j;

	for (i = 0; i < a->nr; i++) {
		for (j = 0; j < b->nr; j++) {
			int rid;

			if (!*budget)
				return -1;
			--*budget;
			rid = shared_by(&a->entries[i], &b->entries[j]);
			if (rid >= 0)
				return rid;
		}
	}
	return -1;
}
