// SPDX-License-Identifier: GPL-2.0-only
/*
 * IVRS tables being written: see amdvi_table_writer.h.
 */
#include <linux/iommu.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "amdvi_table_writer.h"

struct ivrs *ivrs_create(struct kunit *test)
{
	struct ivrs *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, w);
	ivrs_begin(w);
	return w;
}

void ivrs_begin(struct ivrs *w)
{
	memset(w->at, 0, IVRS_HEADER);
	memcpy(w->at, "IVRS", 4);
	w->n = IVRS_HEADER;
	w->block = 0;
}

#define CHECKSUM 9

void ivrs_seal(struct ivrs *w)
{
	u8 sum = 0;
	size_t i;

	for (i = 0; i < w->n; i++)
		sum += w->at[i];
	w->at[CHECKSUM] -= sum;
}

void ivrs_put(struct ivrs *w, u64 value, unsigned int bytes)
{
	for (; bytes--; value >>= 8)
		w->at[w->n++] = value;
	put_unaligned_le16(w->n - w->block, &w->at[w->block + 2]);
}

void ivrs_block(struct ivrs *w, u8 type, u8 flags)
{
	w->block = w->n;
	ivrs_put(w, type, 1);
	ivrs_put(w, flags, 1);
	w->n += 2;
	ivrs_put(w, 0, 0);
}

/* Its registers are at an address that tells it from others. */
void ivrs_unit(struct ivrs *w, u8 type, u16 segment, u16 rid)
{
	ivrs_block(w, type, AMDVI_IVHD_ISOC | AMDVI_IVHD_PASS_PW);
	ivrs_put(w, rid, 2);
	ivrs_put(w, 0x40, 2);
	ivrs_put(w, 0xfd200000 + ((u64)segment << 32) + (rid << 8), 8);
	ivrs_put(w, segment, 2);
	ivrs_put(w, 0, 2);
	ivrs_put(w, 0x80048f6e, 4);
	if (type == UNIT_10)
		return;
	ivrs_put(w, 0x246577efa2254afaULL, 8);
	ivrs_put(w, 0, 8);
}

void ivrs_memory(struct ivrs *w, u8 type, u8 flags, u16 first, u16 last,
		 u16 segment, u64 start, u64 size)
{
	ivrs_block(w, type, flags);
	ivrs_put(w, first, 2);
	ivrs_put(w, last, 2);
	ivrs_put(w, segment, 2);
	ivrs_put(w, 0, 6);
	ivrs_put(w, start, 8);
	ivrs_put(w, size, 8);
}

/* ---- Entries ---- */

void ivrs_entry(struct ivrs *w, u8 type, u16 rid, u8 setting)
{
	w->entry = w->n;
	ivrs_put(w, type, 1);
	ivrs_put(w, rid, 2);
	ivrs_put(w, setting, 1);
}

void ivrs_range(struct ivrs *w, u16 first, u16 last, u8 setting)
{
	ivrs_entry(w, RANGE, first, setting);
	ivrs_entry(w, END, last, 0);
}

void ivrs_alias(struct ivrs *w, u8 type, u16 rid, u8 setting, u16 alias)
{
	ivrs_entry(w, type, rid, setting);
	ivrs_put(w, 0, 1);
	ivrs_put(w, alias, 2);
	ivrs_put(w, 0, 1);
}

void ivrs_ext(struct ivrs *w, u8 type, u16 rid, u8 setting, u32 data)
{
	ivrs_entry(w, type, rid, setting);
	ivrs_put(w, data, 4);
}

void ivrs_special(struct ivrs *w, u16 rid, u8 setting, u8 handle, u8 variety)
{
	ivrs_entry(w, SPECIAL, 0, setting);
	ivrs_put(w, handle, 1);
	ivrs_put(w, rid, 2);
	ivrs_put(w, variety, 1);
}

void ivrs_named(struct ivrs *w, u16 rid, u8 setting, const char *hid,
		u8 format, const void *uid, u8 bytes)
{
	const u8 *text = uid;
	unsigned int i, n = strlen(hid);

	ivrs_entry(w, NAMED, rid, setting);
	for (i = 0; i < 8; i++)
		ivrs_put(w, i < n ? hid[i] : 0, 1);
	ivrs_put(w, 0, 8);
	ivrs_put(w, format, 1);
	ivrs_put(w, bytes, 1);
	for (i = 0; i < bytes; i++)
		ivrs_put(w, text[i], 1);
}

/* ---- Whole tables ---- */

static void qemu_unit(struct ivrs *w, u8 type)
{
	unsigned int slot;

	ivrs_unit(w, type, 0, RID(0, 1, 0));
	for (slot = 0; slot < 4; slot++)
		ivrs_entry(w, SELECT, RID(0, slot, 0), 0);
	ivrs_range(w, RID(1, 0, 0), RID(1, 31, 7), 0);
	ivrs_alias(w, ALIAS_RANGE, RID(2, 0, 0), 0, RID(0, 4, 0));
	ivrs_entry(w, END, RID(2, 31, 7), 0);
	ivrs_entry(w, SELECT, RID(0, 31, 0), 0);
	ivrs_entry(w, SELECT, RID(0, 31, 2), 0);
	ivrs_entry(w, SELECT, RID(0, 31, 3), 0);
	ivrs_special(w, RID(0, 20, 0), 0, 0, IOAPIC);
}

void ivrs_qemu(struct ivrs *w)
{
	ivrs_begin(w);
	qemu_unit(w, UNIT_10);
	qemu_unit(w, UNIT_11);
	ivrs_seal(w);
}

static void named_string(struct ivrs *w, u16 rid, const char *hid,
			 const char *uid)
{
	ivrs_named(w, rid, 0x40, hid, UID_STRING, uid, strlen(uid));
}

static void desktop_unit(struct ivrs *w, u8 type)
{
	ivrs_unit(w, type, 0, RID(0, 0, 2));
	ivrs_range(w, RID(0, 0, 3), RID(0xff, 31, 6), 0);
	ivrs_alias(w, ALIAS_RANGE, RID(0xff, 0, 0), 0, RID(0, 20, 4));
	ivrs_entry(w, END, RID(0xff, 31, 7), 0);
	ivrs_special(w, RID(0, 20, 0), 0, 0, HPET);
	ivrs_special(w, RID(0, 20, 0), 0xd7, 33, IOAPIC);
	ivrs_special(w, RID(0, 0, 1), 0, 34, IOAPIC);
	if (type != UNIT_40)
		return;
	named_string(w, RID(0, 20, 5), "AMDI0020", "\\_SB.FUR0");
	named_string(w, RID(0, 20, 5), "AMDI0020", "\\_SB.FUR1");
	named_string(w, RID(0, 20, 5), "AMDI0010", "\\_SB.I2CA");
	ivrs_named(w, RID(0, 19, 1), 0x40, "AMDI0040", UID_INTEGER,
		   "\x2a\0\0\0\0\0\0", 8);
	ivrs_named(w, RID(0, 20, 6), 0x40, "PNP0501", UID_NONE, NULL, 0);
}

void ivrs_desktop(struct ivrs *w)
{
	ivrs_begin(w);
	desktop_unit(w, UNIT_10);
	desktop_unit(w, UNIT_11);
	desktop_unit(w, UNIT_40);
	ivrs_memory(w, MEMORY_RANGE, FLAG_UNITY | FLAG_READ | FLAG_WRITE,
		    RID(0, 2, 0), RID(0, 2, 7), 0, 0xba000000, SZ_16M);
	ivrs_memory(w, MEMORY_ONE, FLAG_EXCLUSION, RID(1, 0, 0), 0, 0,
		    0xbc000000, SZ_64K);
	ivrs_seal(w);
}

static void server_unit(struct ivrs *w, u8 type, u16 segment, u8 bus)
{
	ivrs_unit(w, type, segment, RID(bus, 0, 2));
	ivrs_range(w, RID(bus, 0, 3), RID(bus + 0x7e, 31, 7), 0);
	ivrs_alias(w, ALIAS, RID(bus + 0x7f, 0, 0), 0x10, RID(bus, 1, 1));
	ivrs_ext(w, EXT, RID(bus, 3, 1), 0, NO_ATS);
	ivrs_special(w, RID(bus, 0, 1), 0xd7, 240 + segment * 2 + (bus >> 7),
		     IOAPIC);
}

void ivrs_server(struct ivrs *w)
{
	unsigned int i;

	ivrs_begin(w);
	for (i = 0; i < 4; i++)
		server_unit(w, UNIT_11, i >> 1, i & 1 ? 0x80 : 0);
	for (i = 0; i < 4; i++)
		server_unit(w, UNIT_40, i >> 1, i & 1 ? 0x80 : 0);
	ivrs_seal(w);
}

/* ---- Devices ---- */

static void add_device(struct pci_machine *m, unsigned int n, unsigned int bus,
		       unsigned int devfn, unsigned int class)
{
	struct pci_dev *pdev = &m->dev[n];

	pdev->bus = &m->bus[bus];
	pdev->devfn = devfn;
	pdev->class = class;
	pdev->dev.bus = &pci_bus_type;
}

struct pci_machine *pci_machine_create(struct kunit *test)
{
	struct pci_machine *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, m);
	for (i = 0; i < ARRAY_SIZE(m->bus); i++) {
		m->bus[i].number = i;
		m->bus[i].sysdata = m->sysdata;
	}
	add_device(m, DISPLAY, 0, PCI_DEVFN(2, 0), PCI_CLASS_DISPLAY_VGA << 8);
	add_device(m, DISK, 1, PCI_DEVFN(0, 0), PCI_CLASS_STORAGE_EXPRESS);
	add_device(m, OLD, 2, PCI_DEVFN(5, 1), PCI_CLASS_NETWORK_ETHERNET << 8);
	return m;
}

void ivrs_free_regions(struct list_head *regions)
{
	struct iommu_resv_region *region, *next;

	list_for_each_entry_safe(region, next, regions, list)
		kfree(region);
}
