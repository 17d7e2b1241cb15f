// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reserved regions on machines with AMD-Vi: memory that the IVRS table has for
 * devices, and what isn't free for any.
 */
#include <linux/iommu.h>

#include "amdvi_table_writer.h"

#define RW	(FLAG_READ | FLAG_WRITE)
#define M	0x7c000000ULL	/* an address */

/* ---- As the table has it ---- */

static void kinds(struct kunit *test)
{
	static const struct {
		u8 type, flags;
		u16 rid, aux, segment;
		u64 start, size;
		/* Wanted; a last address of 0 if nothing is. */
		u16 first, last;
		u64 from, to;
		int prot;
	} s[] = {
		{ MEMORY_ALL, FLAG_UNITY | RW, 7, 5, 0, M, SZ_4K,
		  0, U16_MAX, M, M + 0xfff, IOMMU_READ | IOMMU_WRITE },
		{ MEMORY_ONE, FLAG_UNITY | RW, 7, 5, 3, M, SZ_1M,
		  7, 7, M, M + SZ_1M - 1, IOMMU_READ | IOMMU_WRITE },
		{ MEMORY_RANGE, FLAG_UNITY | FLAG_READ, 7, 9, 0xffff, M, SZ_4K,
		  7, 9, M, M + 0xfff, IOMMU_READ },
		{ MEMORY_RANGE, FLAG_UNITY | FLAG_WRITE, 7, 7, 0, M, SZ_4K,
		  7, 7, M, M + 0xfff, IOMMU_WRITE },
		/* Excluded from translation: devices may do all there. */
		{ MEMORY_ONE, FLAG_EXCLUSION, 7, 0, 0, M, SZ_4K,
		  7, 7, M, M + 0xfff, IOMMU_READ | IOMMU_WRITE },
		{ MEMORY_ONE, FLAG_EXCLUSION | FLAG_UNITY | FLAG_READ, 7, 0, 0,
		  M, SZ_4K, 7, 7, M, M + 0xfff, IOMMU_READ | IOMMU_WRITE },
		/* Odd addresses: whole pages. */
		{ MEMORY_ONE, FLAG_UNITY | RW, 7, 0, 0, M + 0xfff, 2,
		  7, 7, M, M + 0x1fff, IOMMU_READ | IOMMU_WRITE },
		{ MEMORY_ONE, FLAG_UNITY | RW, 7, 0, 0, M + 1, 0xfff,
		  7, 7, M, M + 0xfff, IOMMU_READ | IOMMU_WRITE },
		{ MEMORY_ONE, FLAG_UNITY | RW, 7, 0, 0, 0, BIT_ULL(52),
		  7, 7, 0, BIT_ULL(52) - 1, IOMMU_READ | IOMMU_WRITE },
		/* Nothing, nowhere, for nobody. */
		{ MEMORY_ONE, FLAG_UNITY | RW, 7, 0, 0, M, 0 },
		{ MEMORY_ONE, FLAG_UNITY | RW, 7, 0, 0, 0, BIT_ULL(52) + 1 },
		{ MEMORY_ONE, FLAG_UNITY | RW, 7, 0, 0, M, U64_MAX },
		{ MEMORY_ONE, FLAG_UNITY | RW, 7, 0, 0, U64_MAX, 2 },
		{ MEMORY_ONE, FLAG_UNITY | RW, 7, 0, 0, 0, U64_MAX },
		{ MEMORY_ONE, RW, 7, 0, 0, M, SZ_4K },
		{ MEMORY_ONE, FLAG_UNITY, 7, 0, 0, M, SZ_4K },
		{ MEMORY_RANGE, FLAG_UNITY | RW, 7, 6, 0, M, SZ_4K },
	};
	struct ivrs *w = ivrs_create(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(s); i++) {
		struct amdvi_memory *memory;
		struct amdvi_table table;

		ivrs_begin(w);
		ivrs_memory(w, s[i].type, s[i].flags, s[i].rid, s[i].aux,
			    s[i].segment, s[i].start, s[i].size);
		ivrs_seal(w);
		KUNIT_ASSERT_EQ(test, 0,
				amdvi_table_parse(&table, w->at, w->n));
		KUNIT_EXPECT_EQ_MSG(test, list_count_nodes(&table.memory),
				    !!s[i].to, "row %u", i);
		list_for_each_entry(memory, &table.memory, node) {
			KUNIT_EXPECT_EQ(test, memory->segment, s[i].segment);
			KUNIT_EXPECT_EQ(test, memory->first, s[i].first);
			KUNIT_EXPECT_EQ(test, memory->last, s[i].last);
			KUNIT_EXPECT_EQ(test, memory->start, s[i].from);
			KUNIT_EXPECT_EQ(test, memory->end, s[i].to);
			KUNIT_EXPECT_EQ(test, memory->prot, s[i].prot);
		}
		amdvi_table_free(&table);
	}
}

/* ---- As the IOMMU core gets it ---- */

/**
 * struct want - a region that a device is to have
 * @start: its first byte
 * @last: its last one
 * @prot: what the device may do
 */
struct want {
	u64 start;
	u64 last;
	int prot;
};

static void expect_region(struct kunit *test,
			  const struct iommu_resv_region *region, u64 start,
			  u64 last, int prot, enum iommu_resv_type type)
{
	KUNIT_EXPECT_EQ(test, region->start, start);
	KUNIT_EXPECT_EQ(test, region->length, last - start + 1);
	KUNIT_EXPECT_EQ(test, region->prot, prot);
	KUNIT_EXPECT_EQ(test, region->type, type);
}

/* These, in this order, and what isn't free for any device. */
static void expect_regions(struct kunit *test, const struct ivrs *w,
			   struct device *dev, enum iommu_resv_type type,
			   const struct want *want, size_t nr)
{
	unsigned int interrupts = 0, ht = 0, n = 0;
	struct iommu_resv_region *region;
	struct amdvi_table table;
	LIST_HEAD(regions);

	KUNIT_ASSERT_EQ(test, 0, amdvi_table_parse(&table, w->at, w->n));
	amdvi_reserved_regions(&table, dev, &regions);
	amdvi_table_free(&table);
	list_for_each_entry(region, &regions, list) {
		if (region->type == IOMMU_RESV_MSI) {
			expect_region(test, region, 0xfee00000, 0xfeefffff, 0,
				      IOMMU_RESV_MSI);
			interrupts++;
		} else if (region->type == IOMMU_RESV_RESERVED) {
			expect_region(test, region, 0xfd00000000ULL,
				      0xffffffffffULL, 0, IOMMU_RESV_RESERVED);
			ht++;
		} else if (n < nr) {
			expect_region(test, region, want[n].start,
				      want[n].last, want[n].prot, type);
			n++;
		} else {
			KUNIT_FAIL(test, "too many: %#llx", (u64)region->start);
		}
	}
	KUNIT_EXPECT_EQ(test, interrupts, 1);
	KUNIT_EXPECT_EQ(test, ht, 1);
	KUNIT_EXPECT_EQ(test, n, nr);
	ivrs_free_regions(&regions);
}

/* Which devices. */
static void devices(struct kunit *test)
{
	static const struct want want = { M, M + 0xfff, IOMMU_READ };
	static const struct {
		u8 type;
		u16 first, last, segment;
		unsigned long devices;
	} s[] = {
		{ MEMORY_ALL, 0, 0, 0, GENMASK(OLD, DISPLAY) },
		{ MEMORY_ALL, 0, 0, 1, 0 },
		{ MEMORY_ONE, RID(1, 0, 0), 0, 0, BIT(DISK) },
		{ MEMORY_ONE, RID(1, 0, 1), 0, 0, 0 },
		{ MEMORY_ONE, RID(1, 0, 0), 0, 1, 0 },
		{ MEMORY_RANGE, RID(0, 2, 0), RID(0, 2, 0), 0, BIT(DISPLAY) },
		{ MEMORY_RANGE, RID(0, 1, 0), RID(0, 20, 3), 0, BIT(DISPLAY) },
		{ MEMORY_RANGE, RID(0, 2, 1), RID(0, 20, 3), 0, 0 },
		/* Itself, and as the bridge that it appears as. */
		{ MEMORY_ONE, RID(2, 5, 1), 0, 0, BIT(OLD) },
		{ MEMORY_ONE, RID(0, 20, 4), 0, 0, BIT(OLD) },
		{ MEMORY_RANGE, RID(0, 2, 0), RID(0, 31, 7), 0,
		  BIT(DISPLAY) | BIT(OLD) },
		{ MEMORY_RANGE, RID(0, 20, 4), RID(2, 5, 1), 0,
		  BIT(DISK) | BIT(OLD) },
	};
	struct pci_machine *m = pci_machine_create(test);
	struct ivrs *w = ivrs_create(test);
	unsigned int i, j;

	for (i = 0; i < NR_DEVICES; i++)
		m->dev[i].class = 0;
	for (i = 0; i < ARRAY_SIZE(s); i++) {
		ivrs_begin(w);
		ivrs_unit(w, UNIT_11, 0, RID(0, 0, 2));
		ivrs_alias(w, ALIAS_RANGE, RID(2, 0, 0), 0, RID(0, 20, 4));
		ivrs_entry(w, END, RID(2, 31, 7), 0);
		ivrs_memory(w, s[i].type, FLAG_UNITY | FLAG_READ, s[i].first,
			    s[i].last, s[i].segment, M, SZ_4K);
		ivrs_seal(w);
		for (j = 0; j < NR_DEVICES; j++)
			expect_regions(test, w, &m->dev[j].dev,
				       IOMMU_RESV_DIRECT, &want,
				       !!(s[i].devices & BIT(j)));
	}
}

/* Their drivers take over; so it doesn't keep them from being assigned. */
static void classes(struct kunit *test)
{
	static const struct want want = { M, M + 0xfff, IOMMU_READ };
	static const struct {
		u32 class;
		enum iommu_resv_type type;
	} s[] = {
		{ PCI_CLASS_SERIAL_USB_XHCI, IOMMU_RESV_DIRECT_RELAXABLE },
		{ PCI_CLASS_DISPLAY_VGA << 8, IOMMU_RESV_DIRECT_RELAXABLE },
		{ PCI_CLASS_STORAGE_EXPRESS, IOMMU_RESV_DIRECT },
	};
	struct device *other = kunit_kzalloc(test, sizeof(*other), GFP_KERNEL);
	struct pci_dev *pdev = &pci_machine_create(test)->dev[DISK];
	struct ivrs *w = ivrs_create(test);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, other);
	ivrs_memory(w, MEMORY_ALL, FLAG_UNITY | FLAG_READ, 0, 0, 0, M, SZ_4K);
	ivrs_seal(w);
	for (i = 0; i < ARRAY_SIZE(s); i++) {
		pdev->class = s[i].class;
		expect_regions(test, w, &pdev->dev, s[i].type, &want, 1);
	}
	/* Not PCI: only what isn't free for any. */
	expect_regions(test, w, other, IOMMU_RESV_DIRECT, NULL, 0);
}

/* Each page once, whatever overlaps. */
static void merged(struct kunit *test)
{
	static const struct {
		struct {
			unsigned int page, nr;
			u8 flags;
		} block[4];
		unsigned int nr;
		struct want want[3];
	} s[] = {
		{ { { 1, 1, RW }, { 1, 1, RW }, { 1, 1, RW } }, 1,
		  { { M + 0x1000, M + 0x1fff, IOMMU_READ | IOMMU_WRITE } } },
		/* Side by side. */
		{ { { 1, 1, FLAG_READ }, { 2, 1, FLAG_WRITE },
		    { 0, 1, FLAG_READ } }, 3,
		  { { M + 0x1000, M + 0x1fff, IOMMU_READ },
		    { M + 0x2000, M + 0x2fff, IOMMU_WRITE },
		    { M, M + 0xfff, IOMMU_READ } } },
		/* The last one joins both; the third is apart. */
		{ { { 1, 2, FLAG_READ }, { 4, 2, FLAG_READ },
		    { 9, 1, FLAG_READ }, { 2, 3, FLAG_WRITE } }, 2,
		  { { M + 0x9000, M + 0x9fff, IOMMU_READ },
		    { M + 0x1000, M + 0x5fff, IOMMU_READ | IOMMU_WRITE } } },
		/* Within, and around. */
		{ { { 1, 8, FLAG_READ }, { 3, 1, FLAG_READ } }, 1,
		  { { M + 0x1000, M + 0x8fff, IOMMU_READ } } },
		{ { { 3, 1, FLAG_WRITE }, { 1, 8, FLAG_READ } }, 1,
		  { { M + 0x1000, M + 0x8fff, IOMMU_READ | IOMMU_WRITE } } },
		/* What has grown overlaps more. */
		{ { { 1, 2, FLAG_READ }, { 4, 3, FLAG_READ },
		    { 6, 2, FLAG_READ }, { 7, 3, FLAG_READ } }, 2,
		  { { M + 0x1000, M + 0x2fff, IOMMU_READ },
		    { M + 0x4000, M + 0x9fff, IOMMU_READ } } },
	};
	struct pci_dev *pdev = &pci_machine_create(test)->dev[DISK];
	struct ivrs *w = ivrs_create(test);
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(s); i++) {
		ivrs_begin(w);
		for (j = 0; j < 4 && s[i].block[j].nr; j++) {
			/* By different names. */
			ivrs_memory(w, j & 1 ? MEMORY_ONE : MEMORY_ALL,
				    FLAG_UNITY | s[i].block[j].flags,
				    RID(1, 0, 0), 0, 0,
				    M + s[i].block[j].page * SZ_4K,
				    s[i].block[j].nr * SZ_4K);
		}
		ivrs_seal(w);
		expect_regions(test, w, &pdev->dev, IOMMU_RESV_DIRECT,
			       s[i].want, s[i].nr);
	}
}

static void desktop(struct kunit *test)
{
	static const struct want display = {
		0xba000000, 0xbaffffff, IOMMU_READ | IOMMU_WRITE
	};
	static const struct want disk = {
		0xbc000000, 0xbc00ffff, IOMMU_READ | IOMMU_WRITE
	};
	struct pci_machine *m = pci_machine_create(test);
	struct ivrs *w = ivrs_create(test);

	ivrs_desktop(w);
	expect_regions(test, w, &m->dev[DISPLAY].dev,
		       IOMMU_RESV_DIRECT_RELAXABLE, &display, 1);
	expect_regions(test, w, &m->dev[DISK].dev, IOMMU_RESV_DIRECT, &disk, 1);
	expect_regions(test, w, &m->dev[OLD].dev, IOMMU_RESV_DIRECT, NULL, 0);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(kinds),
	KUNIT_CASE(devices),
	KUNIT_CASE(classes),
	KUNIT_CASE(merged),
	KUNIT_CASE(desktop),
	{}
};

static struct kunit_suite suite = {
	.name = "sluice_amdvi_table_reserved",
	.test_cases = cases,
};

kunit_test_suite(suite);
