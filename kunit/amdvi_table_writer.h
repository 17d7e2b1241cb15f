/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IVRS tables being written (AMD publication 48882, 5.2), some as machines have
 * them, and PCI devices that they may mean.
 */
#ifndef SLUICE_KUNIT_AMDVI_TABLE_WRITER_H
#define SLUICE_KUNIT_AMDVI_TABLE_WRITER_H

#include <kunit/test.h>
#include <linux/pci.h>
#include <linux/sizes.h>
#include <linux/unaligned.h>

#include "backends/amdvi/private.h"

#define IVRS_HEADER	48
#define IVRS_MAX	(SZ_128K - SZ_1K)

/**
 * struct ivrs - a table
 * @n: how many bytes it has
 * @block: where the last block begins
 * @entry: where its last entry begins
 * @at: its bytes
 */
struct ivrs {
	size_t n;
	size_t block;
	size_t entry;
	u8 at[IVRS_MAX];
};

/* Types of blocks and of their entries, and flags of IVMD. */
enum { UNIT_10 = 0x10, UNIT_11 = 0x11, UNIT_40 = 0x40 };
enum { MEMORY_ALL = 0x20, MEMORY_ONE = 0x21, MEMORY_RANGE = 0x22 };
enum {
	PAD4 = 0, ALL = 1, SELECT = 2, RANGE = 3, END = 4,
	PAD8 = 0x40, ALIAS = 0x42, ALIAS_RANGE = 0x43,
	EXT = 0x46, EXT_RANGE = 0x47, SPECIAL = 0x48, NAMED = 0xf0,
};

enum {
	FLAG_UNITY = BIT(0), FLAG_READ = BIT(1), FLAG_WRITE = BIT(2),
	FLAG_EXCLUSION = BIT(3),
};

#define NO_ATS		BIT(31)
#define IOAPIC		1
#define HPET		2
#define UID_NONE	0
#define UID_INTEGER	1
#define UID_STRING	2

/* A requester ID. */
#define RID(bus, device, function) \
	PCI_DEVID(bus, PCI_DEVFN(device, function))

struct ivrs *ivrs_create(struct kunit *test);

/* A table without blocks; to be sealed when it is complete. */
void ivrs_begin(struct ivrs *w);
void ivrs_seal(struct ivrs *w);

/* What follows belongs to the last block, whose length grows. */
void ivrs_put(struct ivrs *w, u64 value, unsigned int bytes);
void ivrs_block(struct ivrs *w, u8 type, u8 flags);
void ivrs_unit(struct ivrs *w, u8 type, u16 segment, u16 rid);
void ivrs_memory(struct ivrs *w, u8 type, u8 flags, u16 first, u16 last,
		 u16 segment, u64 start, u64 size);

/* Entries of the last unit. */
void ivrs_entry(struct ivrs *w, u8 type, u16 rid, u8 setting);
void ivrs_range(struct ivrs *w, u16 first, u16 last, u8 setting);
void ivrs_alias(struct ivrs *w, u8 type, u16 rid, u8 setting, u16 alias);
void ivrs_ext(struct ivrs *w, u8 type, u16 rid, u8 setting, u32 data);
void ivrs_special(struct ivrs *w, u16 rid, u8 setting, u8 handle, u8 variety);
void ivrs_named(struct ivrs *w, u16 rid, u8 setting, const char *hid,
		u8 format, const void *uid, u8 bytes);

/* ---- Whole tables, sealed ---- */

/* QEMU's: a root port with bus 1, a conventional bridge with bus 2. */
void ivrs_qemu(struct ivrs *w);

/* A desktop's: the unit thrice, devices that only ACPI knows, memory. */
void ivrs_desktop(struct ivrs *w);

/* A server's: two segments of two units, all of them twice. */
void ivrs_server(struct ivrs *w);

/* ---- Devices ---- */

/* 00:02.0, 01:00.0 and 02:05.1, of segment 0. */
enum { DISPLAY, DISK, OLD, NR_DEVICES };

/**
 * struct pci_machine - buses and devices
 * @bus: 0, 1 and 2
 * @dev: by the enum above
 * @sysdata: what architectures keep the segment in; it is 0
 */
struct pci_machine {
	struct pci_bus bus[3];
	struct pci_dev dev[NR_DEVICES];
	u8 sysdata[4096] __aligned(8);
};

struct pci_machine *pci_machine_create(struct kunit *test);
void ivrs_free_regions(struct list_head *regions);

#endif /* SLUICE_KUNIT_AMDVI_TABLE_WRITER_H */
