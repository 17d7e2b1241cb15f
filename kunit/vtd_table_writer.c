// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMAR tables being written: see vtd_table_writer.h.
 */
#include <linux/iommu.h>
#include <linux/slab.h>

#include "vtd_table_writer.h"

void writer_put8(struct writer *w, u8 value)
{
	w->at[w->n++] = value;
}

static void put16(struct writer *w, u16 value)
{
	put_unaligned_le16(value, &w->at[w->n]);
	w->n += 2;
}

void writer_put64(struct writer *w, u64 value)
{
	put_unaligned_le64(value, &w->at[w->n]);
	w->n += 8;
}

void writer_begin(struct writer *w)
{
	memset(w, 0, sizeof(*w));
	w->n = 48;
}

/* A structure's header; its length grows with what follows. */
void writer_structure(struct writer *w, u16 type)
{
	w->structure = w->n;
	put16(w, type);
	put16(w, 4);
}

void writer_close(struct writer *w)
{
	put_unaligned_le16(w->n - w->structure, &w->at[w->structure + 2]);
}

void writer_rmrr(struct writer *w, u16 segment, u64 start, u64 last)
{
	writer_structure(w, 1);
	put16(w, 0);
	put16(w, segment);
	writer_put64(w, start);
	writer_put64(w, last);
	writer_close(w);
}

void writer_atsr(struct writer *w, u8 flags, u16 segment)
{
	writer_structure(w, 2);
	writer_put8(w, flags);
	writer_put8(w, 0);
	put16(w, segment);
	writer_close(w);
}

void writer_scope(struct writer *w, u8 type, u8 bus)
{
	w->scope = w->n;
	writer_put8(w, type);
	writer_put8(w, 6);
	put16(w, 0);
	writer_put8(w, 0);
	writer_put8(w, bus);
	writer_close(w);
}

void writer_hop(struct writer *w, u8 device, u8 function)
{
	writer_put8(w, device);
	writer_put8(w, function);
	w->at[w->scope + 1] += 2;
	writer_close(w);
}

static void add_device(struct machine *m, unsigned int n, unsigned int bus,
		       unsigned int device, unsigned int function,
		       unsigned int express_type)
{
	struct pci_dev *pdev = &m->dev[n];

	pdev->bus = &m->bus[bus];
	pdev->devfn = PCI_DEVFN(device, function);
	pdev->dev.bus = &pci_bus_type;
	pdev->pcie_cap = 0x40;
	pdev->pcie_flags_reg = express_type << 4;
}

struct machine *machine_create(struct kunit *test)
{
	static const u8 numbers[] = { 0, 2, 3, 4 };
	struct machine *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, m);
	for (i = 0; i < ARRAY_SIZE(m->bus); i++) {
		m->bus[i].number = numbers[i];
		m->bus[i].sysdata = m->sysdata;
	}
	m->bus[1].parent = &m->bus[0];
	m->bus[1].self = &m->dev[PORT];
	m->bus[2].parent = &m->bus[1];
	m->bus[2].self = &m->dev[SWITCH];
	m->bus[3].parent = &m->bus[0];
	m->bus[3].self = &m->dev[PORT2];
	add_device(m, PORT, 0, 0x1c, 0, PCI_EXP_TYPE_ROOT_PORT);
	add_device(m, SWITCH, 1, 0, 0, PCI_EXP_TYPE_UPSTREAM);
	add_device(m, LEAF, 2, 5, 1, PCI_EXP_TYPE_ENDPOINT);
	add_device(m, PORT2, 0, 0x1d, 0, PCI_EXP_TYPE_ROOT_PORT);
	add_device(m, LEAF2, 3, 0, 0, PCI_EXP_TYPE_ENDPOINT);
	add_device(m, ALONE, 0, 0x14, 0, PCI_EXP_TYPE_RC_END);
	return m;
}

void machine_free_regions(struct list_head *regions)
{
	struct iommu_resv_region *region, *next;

	list_for_each_entry_safe(region, next, regions, list)
		kfree(region);
}

/* Is RMRR_START reserved for it? The interrupts' window must be, always. */
bool machine_reserved(struct kunit *test, const struct vtd_table *table,
		      struct device *dev, enum iommu_resv_type type)
{
	struct iommu_resv_region *region;
	unsigned int interrupts = 0, n = 0;
	LIST_HEAD(regions);

	vtd_reserved_regions(table, dev, &regions);
	list_for_each_entry(region, &regions, list) {
		if (region->start == 0xfee00000) {
			KUNIT_EXPECT_EQ(test, region->length, SZ_1M);
			KUNIT_EXPECT_EQ(test, region->type, IOMMU_RESV_MSI);
			interrupts++;
			continue;
		}
		KUNIT_EXPECT_EQ(test, region->start, RMRR_START);
		KUNIT_EXPECT_EQ(test, region->length, SZ_1M);
		KUNIT_EXPECT_EQ(test, region->type, type);
		KUNIT_EXPECT_EQ(test, region->prot, IOMMU_READ | IOMMU_WRITE);
		n++;
	}
	KUNIT_EXPECT_EQ(test, interrupts, 1);
	KUNIT_EXPECT_LE(test, n, 1);
	machine_free_regions(&regions);
	return n;
}

void machine_expect_reserved(struct kunit *test, const struct writer *w,
			     unsigned long devices)
{
	struct machine *m = machine_create(test);
	struct vtd_table table;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 0, vtd_table_parse(&table, w->at, w->n));
	for (i = 0; i < NR_DEVICES; i++)
		KUNIT_EXPECT_EQ_MSG(test, !!(devices & BIT(i)),
				    machine_reserved(test, &table,
						     &m->dev[i].dev,
						     IOMMU_RESV_DIRECT),
				    "device %u", i);
	vtd_table_free(&table);
}
