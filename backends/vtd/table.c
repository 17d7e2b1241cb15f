// SPDX-License-Identifier: GPL-2.0-only
/*
 * VT-d: the firmware's DMAR table.
 *
 * Owns: its structures for reserved memory (RMRR) and for ports with ATS (ATSR),
 * turned into plain ones. The kernel's own parser knows the units, but keeps
 * these two for the stock driver. Source: VT-d specification 4.1, 8.3, 8.4 and
 * 8.5. Nothing that the table says is trusted.
 */
#define pr_fmt(fmt) "sluice vtd: " fmt

#include <linux/overflow.h>
#include <linux/pci.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/unaligned.h>

#include "private.h"

/* The table's header, 8.1: then come the structures. */
#define HEADER_BYTES	48

/* Every structure begins with its type and its length. */
#define TYPE		0
#define LENGTH		2
#define STRUCTURE_BYTES	4

#define TYPE_RMRR	1
#define RMRR_SEGMENT	6
#define RMRR_BASE	8
#define RMRR_LIMIT	16
#define RMRR_BYTES	24

#define TYPE_ATSR	2
#define ATSR_FLAGS	4
#define ATSR_ALL_PORTS	BIT(0)
#define ATSR_SEGMENT	6
#define ATSR_BYTES	8

/* 8.3.1: a device scope; then come pairs of device and function. */
#define SCOPE_TYPE	0
#define SCOPE_ENDPOINT	1
#define SCOPE_BRIDGE	2
#define SCOPE_LENGTH	1
#define SCOPE_BUS	5
#define SCOPE_BYTES	6

/* A scope that is malformed, or not of a PCI device, has no depth. */
static struct vtd_scope scope_from(const u8 *at, unsigned int bytes)
{
	struct vtd_scope scope = {
		.bus = at[SCOPE_BUS],
		.bridge = at[SCOPE_TYPE] == SCOPE_BRIDGE,
	};
	unsigned int i, depth = (bytes - SCOPE_BYTES) / 2;

	if (at[SCOPE_TYPE] != SCOPE_ENDPOINT && !scope.bridge)
		return scope;
	if (depth > ARRAY_SIZE(scope.path)) {
		pr_warn_ratelimited("DMAR: a device's path is too long, ignored\n");
		return scope;
	}
	for (i = 0; i < depth; i++)
		scope.path[i] = PCI_DEVFN(at[SCOPE_BYTES + 2 * i] & 0x1f,
					  at[SCOPE_BYTES + 2 * i + 1] & 7);
	scope.depth = depth;
	return scope;
}

/*
 * Goes through the scopes from @at up to @end; fills @scopes unless it is NULL.
 * Returns their number, or -EINVAL.
 */
static int scopes_from(const u8 *at, const u8 *end, struct vtd_scope *scopes)
{
	int nr = 0;

	while (at < end) {
		unsigned int bytes;

		if (end - at < SCOPE_BYTES)
			return -EINVAL;
		bytes = at[SCOPE_LENGTH];
		if (bytes < SCOPE_BYTES || bytes > end - at)
			return -EINVAL;
		if (scopes)
			scopes[nr] = scope_from(at, bytes);
		nr++;
		at += bytes;
	}
	return nr;
}

static struct vtd_report *report_from(const u8 *at, const u8 *scopes,
				      const u8 *end, unsigned int segment)
{
	struct vtd_report *report;
	int nr = scopes_from(scopes, end, NULL);

	if (nr < 0)
		return ERR_PTR(nr);
	report = kzalloc(struct_size(report, scopes, nr), GFP_KERNEL);
	if (!report)
		return ERR_PTR(-ENOMEM);
	report->nr_scopes = nr;
	report->segment = get_unaligned_le16(at + segment);
	scopes_from(scopes, end, report->scopes);
	return report;
}

static int parse_rmrr(struct vtd_table *table, const u8 *at, unsigned int bytes)
{
	struct vtd_report *report;
	u64 start, last;

	if (bytes < RMRR_BYTES)
		return -EINVAL;
	start = get_unaligned_le64(at + RMRR_BASE);
	last = get_unaligned_le64(at + RMRR_LIMIT);
	if (last < start || !IS_ALIGNED(start, 4096) ||
	    !IS_ALIGNED(last + 1, 4096))
		pr_warn_ratelimited("DMAR: firmware reserves memory at odd addresses: %#llx..%#llx\n",
				    start, last);
	if (last < start)
		return -EINVAL;
	report = report_from(at, at + RMRR_BYTES, at + bytes, RMRR_SEGMENT);
	if (IS_ERR(report))
		return PTR_ERR(report);
	report->start = round_down(start, 4096);
	report->last = last | 4095;
	list_add_tail(&report->node, &table->rmrrs);
	return 0;
}

static int parse_atsr(struct vtd_table *table, const u8 *at, unsigned int bytes)
{
	struct vtd_report *report;

	if (bytes < ATSR_BYTES)
		return -EINVAL;
	report = report_from(at, at + ATSR_BYTES, at + bytes, ATSR_SEGMENT);
	if (IS_ERR(report))
		return PTR_ERR(report);
	report->all_ports = at[ATSR_FLAGS] & ATSR_ALL_PORTS;
	list_add_tail(&report->node, &table->atsrs);
	return 0;
}

static int parse_structure(struct vtd_table *table, const u8 *at,
			   unsigned int bytes)
{
	switch (get_unaligned_le16(at + TYPE)) {
	case TYPE_RMRR:
		return parse_rmrr(table, at, bytes);
	case TYPE_ATSR:
		return parse_atsr(table, at, bytes);
	default:
		return 0;
	}
}

/**
 * vtd_table_parse - read the DMAR table
 * @table: set; freed by vtd_table_free() whatever is returned
 * @start: the table, beginning with its ACPI header
 * @bytes: its length
 *
 * A malformed structure whose length is right is left out, with a message;
 * reserved memory is then not known to be reserved, as with no such structure.
 *
 * Return: 0; -EINVAL if the structures can't be told apart; -ENOMEM.
 */
int vtd_table_parse(struct vtd_table *table, const void *start, size_t bytes)
{
	const u8 *at = start, *end = at + bytes;
	int ret;

	INIT_LIST_HEAD(&table->rmrrs);
	INIT_LIST_HEAD(&table->atsrs);
	if (bytes < HEADER_BYTES)
		return -EINVAL;
	at += HEADER_BYTES;
	while (at < end) {
		unsigned int length;

		if (end - at < STRUCTURE_BYTES)
			return -EINVAL;
		length = get_unaligned_le16(at + LENGTH);
		if (length < STRUCTURE_BYTES || length > end - at)
			return -EINVAL;
		ret = parse_structure(table, at, length);
		if (ret == -EINVAL)
			pr_warn_ratelimited("DMAR: a malformed structure at offset %zu is ignored\n",
					    at - (const u8 *)start);
		else if (ret)
			return ret;
		at += length;
	}
	return 0;
}

static void free_reports(struct list_head *reports)
{
	struct vtd_report *report, *next;

	list_for_each_entry_safe(report, next, reports, node) {
		list_del(&report->node);
		kfree(report);
	}
}

/**
 * vtd_table_free - free what vtd_table_parse() made
 * @table: the table
 */
void vtd_table_free(struct vtd_table *table)
{
	free_reports(&table->rmrrs);
	free_reports(&table->atsrs);
}
