/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DMAR tables being written (VT-d specification 4.1, 8.1 to 8.5), and PCI devices
 * that they may mean.
 */
#ifndef SLUICE_KUNIT_VTD_TABLE_WRITER_H
#define SLUICE_KUNIT_VTD_TABLE_WRITER_H

#include <kunit/test.h>
#include <linux/pci.h>
#include <linux/sizes.h>
#include <linux/unaligned.h>

#include "backends/vtd/private.h"

/**
 * struct writer - a table
 * @at: its bytes
 * @n: how many
 * @structure: where the last structure begins
 * @scope: where the last device scope begins
 */
struct writer {
	u8 at[512];
	size_t n;
	size_t structure;
	size_t scope;
};

#define ENDPOINT	1
#define BRIDGE		2
#define IOAPIC		3

#define RMRR_START	0x7c000000ULL
#define RMRR_LAST	0x7c0fffffULL

/*
 * 00:1c.0 is a root port; below it, 02:00.0 is a bridge to bus 3, on which is
 * 03:05.1. 00:1d.0 is a root port, too, with 04:00.0 below it. 00:14.0 is alone.
 */
enum { PORT, SWITCH, LEAF, PORT2, LEAF2, ALONE, NR_DEVICES };

/**
 * struct machine - buses and devices
 * @bus: 0, 2, 3 and 4
 * @dev: by the enum above
 * @sysdata: what architectures keep the segment in; it is 0
 */
struct machine {
	struct pci_bus bus[4];
	struct pci_dev dev[NR_DEVICES];
	u8 sysdata[4096] __aligned(8);
};

void writer_begin(struct writer *w);
void writer_put8(struct writer *w, u8 value);
void writer_put64(struct writer *w, u64 value);

/* What follows belongs to it; its length grows, with writer_close(). */
void writer_structure(struct writer *w, u16 type);
void writer_close(struct writer *w);
void writer_rmrr(struct writer *w, u16 segment, u64 start, u64 last);
void writer_atsr(struct writer *w, u8 flags, u16 segment);

/* A device scope of the last structure, and a step of its path. */
void writer_scope(struct writer *w, u8 type, u8 bus);
void writer_hop(struct writer *w, u8 device, u8 function);

struct machine *machine_create(struct kunit *test);
void machine_free_regions(struct list_head *regions);

/* Of the devices, @devices have [RMRR_START, RMRR_LAST] reserved. */
void machine_expect_reserved(struct kunit *test, const struct writer *w,
			     unsigned long devices);
bool machine_reserved(struct kunit *test, const struct vtd_table *table,
		      struct device *dev, enum iommu_resv_type type);

#endif /* SLUICE_KUNIT_VTD_TABLE_WRITER_H */
