// SPDX-License-Identifier: GPL-2.0-only
/*
 * AMD-Vi: the firmware's IVRS table.
 *
 * Owns: its blocks for units (IVHD) and for memory that devices use by themselves
 * (IVMD), turned into plain structures, and which unit a requester ID is behind.
 * The units' entries for devices are entries.c's. Knows no hardware: extended
 * features are read there, not here. Source: AMD publication 48882, 5.2. Nothing
 * that the table says is trusted.
 */
#define pr_fmt(fmt) "sluice amdvi: " fmt

#include <linux/overflow.h>
#include <linux/pci.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "private.h"

/* The table's header, 5.2.1: ACPI's own and 12 bytes; then come the blocks. */
#define HEADER_BYTES	48

/* Every block begins with these. */
#define TYPE		0
#define FLAGS		1
#define LENGTH		2
#define BLOCK_BYTES	4

/* 5.2.2: a unit; entries for its devices follow. */
#define TYPE_IVHD_10	0x10
#define TYPE_IVHD_11	0x11
#define TYPE_IVHD_40	0x40
#define IVHD_RID	4
#define IVHD_CAP	6
#define IVHD_BASE	8
#define IVHD_SEGMENT	16
#define IVHD_10_BYTES	24
#define IVHD_11_BYTES	40

/* 5.2.2.9: memory. */
#define TYPE_IVMD_ALL	0x20
#define TYPE_IVMD_ONE	0x21
#define TYPE_IVMD_RANGE	0x22
#define IVMD_RID	4
#define IVMD_LAST	6
#define IVMD_SEGMENT	8
#define IVMD_START	16
#define IVMD_SIZE	24
#define IVMD_BYTES	32
#define IVMD_UNITY	BIT(0)
#define IVMD_READ	BIT(1)
#define IVMD_WRITE	BIT(2)
#define IVMD_EXCLUSION	BIT(3)

/* No address is higher: AMDVI_DTE_ROOT, tables' entries. */
#define MEMORY_LAST	(BIT_ULL(52) - 1)

/*
 * A machine's units have some dozens of entries each. Comparing so many takes
 * milliseconds; a table that needs more is nonsense.
 */
#define COMPARISONS_MAX	BIT(20)

/* A table being read. */
struct reader {
	struct amdvi_table *table;
	const u8 *start;	/* its first byte, for messages */
};

/* From one place, so that one limit holds for all that's wrong with a table. */
static void complain(const struct reader *r, const u8 *at, const char *what)
{
	pr_warn_ratelimited("IVRS: %s at offset %td is ignored\n", what,
			    at - r->start);
}

/*
 * Firmware describes a unit once for each generation of drivers. The last is in
 * the place of the first then: whose unit comes first matters where two claim a
 * device.
 */
static void keep_unit(struct reader *r, const u8 *at,
		      struct amdvi_report *report)
{
	struct amdvi_report *other;

	list_for_each_entry(other, &r->table->units, node) {
		if (other->segment != report->segment ||
		    other->rid != report->rid)
			continue;
		if (report->type > other->type) {
			list_replace(&other->node, &report->node);
			kvfree(other);
			return;
		}
		if (report->type == other->type)
			complain(r, at, "a unit's second block of one type");
		kvfree(report);
		return;
	}
	list_add_tail(&report->node, &r->table->units);
}

static int read_unit(struct reader *r, const u8 *at, size_t bytes)
{
	size_t header = at[TYPE] == TYPE_IVHD_10 ? IVHD_10_BYTES :
						   IVHD_11_BYTES;
	struct amdvi_report *report;

	if (bytes < header)
		return -EINVAL;
	report = kvzalloc(struct_size(report, entries,
				      (bytes - header) / AMDVI_ENTRY_BYTES),
			  GFP_KERNEL);
	if (!report)
		return -ENOMEM;
	report->type = at[TYPE];
	report->flags = at[FLAGS];
	report->segment = get_unaligned_le16(at + IVHD_SEGMENT);
	report->rid = get_unaligned_le16(at + IVHD_RID);
	report->cap = get_unaligned_le16(at + IVHD_CAP);
	report->base = get_unaligned_le64(at + IVHD_BASE);
	amdvi_entries_read(report, r->start, at + header, at + bytes);
	keep_unit(r, at, report);
	return 0;
}

/*
 * What a device may do there; 0 if the block reserves nothing. Memory that is
 * excluded from translation is mapped one to one instead: a unit has only one pair
 * of registers for exclusion, so that a second block would overwrite the first, and
 * it can't be told by the tables what is in them.
 */
static int prot_from(u8 flags)
{
	int prot = 0;

	if (flags & IVMD_EXCLUSION)
		return IOMMU_READ | IOMMU_WRITE;
	if (!(flags & IVMD_UNITY))
		return 0;
	if (flags & IVMD_READ)
		prot |= IOMMU_READ;
	if (flags & IVMD_WRITE)
		prot |= IOMMU_WRITE;
	return prot;
}

/* Which requester IDs use it? */
static bool users_from(struct amdvi_memory *memory, const u8 *at)
{
	u16 rid = get_unaligned_le16(at + IVMD_RID);

	memory->segment = get_unaligned_le16(at + IVMD_SEGMENT);
	memory->first = at[TYPE] == TYPE_IVMD_ALL ? 0 : rid;
	memory->last = at[TYPE] == TYPE_IVMD_ALL ? U16_MAX : rid;
	if (at[TYPE] == TYPE_IVMD_RANGE)
		memory->last = get_unaligned_le16(at + IVMD_LAST);
	return memory->first <= memory->last;
}

static int read_memory(struct reader *r, const u8 *at, size_t bytes)
{
	struct amdvi_memory *memory, read = { .prot = prot_from(at[FLAGS]) };
	u64 size, last;

	if (bytes < IVMD_BYTES)
		return -EINVAL;
	read.start = get_unaligned_le64(at + IVMD_START);
	size = get_unaligned_le64(at + IVMD_SIZE);
	if (!size || check_add_overflow(read.start, size - 1, &last) ||
	    last > MEMORY_LAST) {
		complain(r, at, "memory that can't be there");
		return 0;
	}
	if (!users_from(&read, at) || !read.prot) {
		complain(r, at, "memory that nothing may use");
		return 0;
	}
	if (!IS_ALIGNED(read.start, 4096) || !IS_ALIGNED(size, 4096))
		pr_warn_ratelimited("IVRS: firmware reserves memory at odd addresses: %#llx..%#llx\n",
				    read.start, last);
	read.start = round_down(read.start, 4096);
	read.end = last | 4095;
	memory = kmemdup(&read, sizeof(read), GFP_KERNEL);
	if (!memory)
		return -ENOMEM;
	list_add_tail(&memory->node, &r->table->memory);
	return 0;
}

static int read_block(struct reader *r, const u8 *at, size_t bytes)
{
	switch (at[TYPE]) {
	case TYPE_IVHD_10:
	case TYPE_IVHD_11:
	case TYPE_IVHD_40:
		return read_unit(r, at, bytes);
	case TYPE_IVMD_ALL:
	case TYPE_IVMD_ONE:
	case TYPE_IVMD_RANGE:
		return read_memory(r, at, bytes);
	default:
		complain(r, at, "a block of an unknown type");
		return 0;
	}
}

static int read_blocks(struct reader *r, const u8 *at, const u8 *end)
{
	while (at < end) {
		size_t bytes, room = end - at;
		int ret = -EINVAL;

		bytes = room;
		if (room >= BLOCK_BYTES)
			bytes = get_unaligned_le16(at + LENGTH);
		if (bytes >= BLOCK_BYTES && bytes <= room)
			ret = read_block(r, at, bytes);
		if (ret == -EINVAL)
			pr_warn_ratelimited("IVRS: the block at offset %td has an impossible length, %zu\n",
					    at - r->start, bytes);
		if (ret)
			return ret;
		at += bytes;
	}
	return 0;
}

/* Returns whether it could be told. */
static bool report_shared(const struct amdvi_report *a,
			  const struct amdvi_report *b, unsigned int *budget)
{
	int rid;

	if (a->segment != b->segment)
		return true;
	rid = amdvi_entries_shared(a, b, budget);
	if (rid >= 0)
		pr_warn_ratelimited("IVRS: units %#x and %#x of segment %u both claim device %02x:%02x.%x; it is taken to be behind the first\n",
				    a->rid, b->rid, a->segment,
				    PCI_BUS_NUM(rid), PCI_SLOT(rid),
				    PCI_FUNC(rid));
	return rid >= 0 || *budget;
}

static void report_overlaps(const struct amdvi_table *table)
{
	unsigned int budget = COMPARISONS_MAX;
	const struct amdvi_report *a, *b;

	list_for_each_entry(a, &table->units, node) {
		b = a;
		list_for_each_entry_continue(b, &table->units, node) {
			if (report_shared(a, b, &budget))
				continue;
			pr_warn_ratelimited("IVRS: too many devices; not all units were compared\n");
			return;
		}
	}
}

static bool checksum_ok(const u8 *at, size_t bytes)
{
	u8 sum = 0;

	while (bytes--)
		sum += *at++;
	return !sum;
}

/**
 * amdvi_table_parse - read the IVRS table
 * @table: set; freed by amdvi_table_free() whatever is returned
 * @start: the table, beginning with its ACPI header
 * @bytes: its length; the header's isn't used
 *
 * What is malformed within a block is left out, with a message. Of several blocks
 * for one unit, that of the highest type is kept. A table without units isn't an
 * error.
 *
 * Return: 0; -EINVAL if the checksum is wrong, or if blocks can't be told apart (what
 * came before is in @table); -ENOMEM.
 */
int amdvi_table_parse(struct amdvi_table *table, const void *start,
		      size_t bytes)
{
	struct reader r = { .table = table, .start = start };
	int ret;

	INIT_LIST_HEAD(&table->units);
	INIT_LIST_HEAD(&table->memory);
	if (bytes < HEADER_BYTES) {
		pr_warn_ratelimited("IVRS: %zu bytes are too short for a table\n",
				    bytes);
		return -EINVAL;
	}
	if (!checksum_ok(start, bytes)) {
		pr_warn_ratelimited("IVRS: the checksum is wrong; the table isn't used\n");
		return -EINVAL;
	}
	ret = read_blocks(&r, r.start + HEADER_BYTES, r.start + bytes);
	if (ret)
		return ret;
	report_overlaps(table);
	return 0;
}

/**
 * amdvi_table_free - free what amdvi_table_parse() made
 * @table: the table
 */
void amdvi_table_free(struct amdvi_table *table)
{
	struct amdvi_report *report, *next_report;
	struct amdvi_memory *memory, *next_memory;

	list_for_each_entry_safe(report, next_report, &table->units, node) {
		list_del(&report->node);
		kvfree(report);
	}
	list_for_each_entry_safe(memory, next_memory, &table->memory, node) {
		list_del(&memory->node);
		kfree(memory);
	}
}

/**
 * amdvi_table_find - find the unit that a device is behind
 * @table: what firmware says
 * @segment: the device's PCI segment
 * @rid: its requester ID
 * @found: set if there is one: the first in the table
 *
 * Special devices (I/O APICs, event timers, ACPI's own) aren't looked for.
 *
 * Return: true if there is one.
 */
bool amdvi_table_find(const struct amdvi_table *table, u16 segment, u16 rid,
		      struct amdvi_found *found)
{
	const struct amdvi_report *report;

	list_for_each_entry(report, &table->units, node) {
		if (report->segment == segment &&
		    amdvi_entries_find(report, rid, found))
			return true;
	}
	return false;
}
