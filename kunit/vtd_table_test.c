// SPDX-License-Identifier: GPL-2.0-only
/*
 * The DMAR table: which devices memory is reserved for, and which ports have ATS.
 */
#include <linux/iommu.h>

#include "vtd_table_writer.h"

static void parse(struct kunit *test, struct vtd_table *table,
		  const struct writer *w)
{
	KUNIT_ASSERT_EQ(test, 0, vtd_table_parse(table, w->at, w->n));
}

/* ---- Which devices memory is reserved for ---- */

static void scopes(struct kunit *test)
{
	static const struct {
		u8 type, bus, nr;
		u8 hop[3][2];
		unsigned long devices;
	} s[] = {
		{ ENDPOINT, 0, 1, { { 0x14, 0 } }, BIT(ALONE) },
		{ ENDPOINT, 0, 1, { { 0x14, 1 } }, 0 },
		{ ENDPOINT, 1, 1, { { 0x14, 0 } }, 0 },
		{ ENDPOINT, 0, 3, { { 0x1c, 0 }, { 0, 0 }, { 5, 1 } },
		  BIT(LEAF) },
		/* The way may begin further down. */
		{ ENDPOINT, 2, 2, { { 0, 0 }, { 5, 1 } }, BIT(LEAF) },
		{ ENDPOINT, 3, 1, { { 5, 1 } }, BIT(LEAF) },
		{ ENDPOINT, 0, 2, { { 0x1c, 0 }, { 5, 1 } }, 0 },
		{ ENDPOINT, 0, 2, { { 0x1d, 0 }, { 0, 0 } }, BIT(LEAF2) },
		/* An endpoint's is for nothing below. */
		{ ENDPOINT, 0, 1, { { 0x1c, 0 } }, BIT(PORT) },
		{ BRIDGE, 0, 1, { { 0x1c, 0 } },
		  BIT(PORT) | BIT(SWITCH) | BIT(LEAF) },
		{ BRIDGE, 0, 2, { { 0x1c, 0 }, { 0, 0 } },
		  BIT(SWITCH) | BIT(LEAF) },
		{ BRIDGE, 0, 1, { { 0x1d, 0 } }, BIT(PORT2) | BIT(LEAF2) },
		{ IOAPIC, 0, 1, { { 0x14, 0 } }, 0 },
		/* A scope without a path. */
		{ ENDPOINT, 0, 0, {}, 0 },
		{ BRIDGE, 0, 0, {}, 0 },
	};
	unsigned int i, j;
	struct writer w;

	for (i = 0; i < ARRAY_SIZE(s); i++) {
		writer_begin(&w);
		writer_rmrr(&w, 0, RMRR_START, RMRR_LAST);
		writer_scope(&w, s[i].type, s[i].bus);
		for (j = 0; j < s[i].nr; j++)
			writer_hop(&w, s[i].hop[j][0], s[i].hop[j][1]);
		machine_expect_reserved(test, &w, s[i].devices);
	}
}

/* One of several, in one of several; others' structures don't matter. */
static void several(struct kunit *test)
{
	struct writer w;

	writer_begin(&w);
	writer_structure(&w, 0);	/* DRHD */
	writer_put64(&w, 0xfed90000);
	writer_scope(&w, ENDPOINT, 0);
	writer_hop(&w, 0x14, 0);
	writer_rmrr(&w, 1, RMRR_START, RMRR_LAST);	/* another segment */
	writer_scope(&w, ENDPOINT, 0);
	writer_hop(&w, 0x1c, 0);
	writer_structure(&w, 0x7f);
	writer_rmrr(&w, 0, RMRR_START, RMRR_LAST);
	writer_scope(&w, IOAPIC, 0);
	writer_hop(&w, 0x14, 0);
	writer_scope(&w, ENDPOINT, 0);
	writer_hop(&w, 0x1d, 0);
	writer_scope(&w, ENDPOINT, 3);
	writer_hop(&w, 5, 1);
	machine_expect_reserved(test, &w, BIT(PORT2) | BIT(LEAF));
}

static void kinds(struct kunit *test)
{
	struct pci_dev *dev = &machine_create(test)->dev[LEAF2];
	struct device *other = kunit_kzalloc(test, sizeof(*other), GFP_KERNEL);
	struct vtd_table table;
	struct writer w;

	KUNIT_ASSERT_NOT_NULL(test, other);
	writer_begin(&w);
	writer_rmrr(&w, 0, RMRR_START, RMRR_LAST);
	writer_scope(&w, BRIDGE, 0);
	writer_hop(&w, 0x1d, 0);
	parse(test, &table, &w);
	/* Their drivers take over; so it doesn't keep them from being assigned. */
	dev->class = PCI_CLASS_SERIAL_USB_XHCI;
	KUNIT_EXPECT_TRUE(test, machine_reserved(test, &table, &dev->dev,
						 IOMMU_RESV_DIRECT_RELAXABLE));
	dev->class = PCI_CLASS_DISPLAY_VGA << 8;
	KUNIT_EXPECT_TRUE(test, machine_reserved(test, &table, &dev->dev,
						 IOMMU_RESV_DIRECT_RELAXABLE));
	dev->class = PCI_CLASS_STORAGE_EXPRESS;
	KUNIT_EXPECT_TRUE(test, machine_reserved(test, &table, &dev->dev,
						 IOMMU_RESV_DIRECT));
	/* Not PCI: only the interrupts. */
	KUNIT_EXPECT_FALSE(test, machine_reserved(test, &table, other,
						  IOMMU_RESV_DIRECT));
	vtd_table_free(&table);
}

/* ---- ATS ---- */

static void expect_ats(struct kunit *test, const struct writer *w,
		       unsigned long devices)
{
	struct machine *m = machine_create(test);
	struct vtd_table table;
	unsigned int i;

	parse(test, &table, w);
	for (i = 0; i < NR_DEVICES; i++)
		KUNIT_EXPECT_EQ_MSG(test, !!(devices & BIT(i)),
				    vtd_ats_reported(&table, &m->dev[i]),
				    "device %u", i);
	vtd_table_free(&table);
}

static void ats(struct kunit *test)
{
	struct writer w;

	writer_begin(&w);
	expect_ats(test, &w, 0);
	writer_atsr(&w, 1, 1);	/* another segment */
	expect_ats(test, &w, 0);
	writer_atsr(&w, 0, 0);
	expect_ats(test, &w, 0);
	writer_scope(&w, BRIDGE, 0);
	writer_hop(&w, 0x1c, 0);
	expect_ats(test, &w, BIT(PORT) | BIT(SWITCH) | BIT(LEAF));
	writer_scope(&w, BRIDGE, 0);
	writer_hop(&w, 0x1d, 0);
	expect_ats(test, &w, GENMASK(LEAF2, PORT));
	/* All ports, and what is integrated. */
	writer_atsr(&w, 1, 0);
	expect_ats(test, &w, GENMASK(ALONE, PORT));
}

static struct kunit_case cases[] = {
	KUNIT_CASE(scopes),
	KUNIT_CASE(several),
	KUNIT_CASE(kinds),
	KUNIT_CASE(ats),
	{}
};

static struct kunit_suite suite = {
	.name = "sluice_vtd_table",
	.test_cases = cases,
};

kunit_test_suite(suite);
