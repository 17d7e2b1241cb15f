// SPDX-License-Identifier: GPL-2.0-only
/*
 * VT-d and TLBs of devices (ATS): descriptors as the specification writes them,
 * in which order they come, and devices that have gone.
 */
#include <linux/pci.h>
#include <linux/prandom.h>
#include <linux/sizes.h>

#include "vtd_hw.h"

#define RID	0x1234
#define DEPTH	5
#define ECAP	(FAKE_VTD_ECAP | FAKE_VTD_ECAP_C | FAKE_VTD_ECAP_DT)
#define DIT	BIT_ULL(41)
#define IOVA	0x40000000ULL
#define RW	(SLUICE_PROT_READ | SLUICE_PROT_WRITE)

/* 6.5.2.5 */
#define LOW	(3 | DEPTH << 16 | (u64)RID << 32)

/**
 * struct ats - a device with a TLB of its own, attached
 * @test: the test
 * @hw: its unit
 * @device: the device
 * @domain: the domain
 */
struct ats {
	struct kunit *test;
	struct fake_vtd *hw;
	struct vtd_device *device;
	struct vtd_domain *domain;
};

static struct vtd_domain *add_domain(struct ats *t)
{
	struct vtd_domain *domain = vtd_domain_alloc(&t->hw->unit);

	KUNIT_ASSERT_FALSE(t->test, IS_ERR(domain));
	/* As the host's drivers have them. */
	domain->paging.hw.type = IOMMU_DOMAIN_DMA;
	return domain;
}

static void start(struct kunit *test, struct ats *t, u64 ecap)
{
	static const u16 rid = RID;

	t->test = test;
	t->hw = fake_vtd_create(test, FAKE_VTD_CAP, ecap);
	t->device = fake_vtd_device_create(test, t->hw, &rid, 1)->device;
	t->device->ats_able = ecap & FAKE_VTD_ECAP_DT;
	t->device->ats_depth = DEPTH;
	t->domain = add_domain(t);
	KUNIT_ASSERT_EQ(test, 0, vtd_device_attach(t->device, t->domain));
	fake_vtd_clear_events(t->hw);
}

static void finish(struct ats *t)
{
	vtd_device_block(t->device);
	KUNIT_EXPECT_TRUE(t->test, list_empty(&t->domain->ats));
	/* Its default domain is another one from now on. */
	KUNIT_EXPECT_EQ(t->test, 0, vtd_device_pass_through(t->device));
	vtd_device_block(t->device);
	sluice_paging_free_hw(&t->domain->paging.hw);
}

static int inval(struct ats *t, u64 start, u64 last)
{
	struct sluice_gather gather;

	sluice_gather_init(&gather);
	sluice_gather_add(&gather, start, last, 12);
	fake_vtd_clear_events(t->hw);
	return vtd_inval_device(t->device, &gather);
}

/* ---- Golden descriptors ---- */

static void golden(struct kunit *test)
{
	static const struct {
		u64 start, last, word;
	} g[] = {
		{ 0x12345000, 0x12345fff, 0x12345000 },
		{ 0, 0xfff, 0 },
		{ 0x12344000, 0x12345fff, 0x12344001 },
		{ 0x12344000, 0x12347fff, 0x12345001 },
		{ 0x40000000, 0x401fffff, 0x400ff001 },
		{ 0x40000000, 0x7fffffff, 0x5ffff001 },
		/* Not aligned: the smallest block that has it all. */
		{ 0x12345000, 0x12346fff, 0x12345001 },
		{ 0x1fff000, 0x2000fff, 0x01fff001 },
		{ 0x8000000000000000, 0x8000000000000fff, 0x8000000000000000 },
		/* All there is. */
		{ 0, U64_MAX, 0x7ffffffffffff001 },
	};
	struct ats t;
	unsigned int i;

	start(test, &t, ECAP);
	for (i = 0; i < ARRAY_SIZE(g); i++) {
		KUNIT_ASSERT_EQ(test, 0, inval(&t, g[i].start, g[i].last));
		fake_vtd_expect_event(t.hw, 0, FAKE_VTD_DESC, 0, LOW,
				      g[i].word);
		KUNIT_EXPECT_EQ(test, 1, t.hw->nr_events);
	}
	finish(&t);
}

/* Of a virtual function: throttled with its physical one. */
static void physical_function(struct kunit *test)
{
	struct ats t;

	start(test, &t, ECAP | DIT);
	t.device->ats_pf = 0x0abc;
	KUNIT_ASSERT_EQ(test, 0, inval(&t, IOVA, IOVA + 0xfff));
	fake_vtd_expect_event(t.hw, 0, FAKE_VTD_DESC, 0,
			      LOW | 0xc000 | 0x0abULL << 52, IOVA);
	finish(&t);
}

/* A block of 2^n pages around the range, and no smaller one would do. */
static void random_ranges(struct kunit *test)
{
	struct rnd_state rnd;
	unsigned int round;
	struct ats t;

	start(test, &t, ECAP);
	prandom_seed_state(&rnd, 20270109);
	for (round = 0; round < 5000; round++) {
		u64 a = (u64)prandom_u32_state(&rnd) << 32 |
			prandom_u32_state(&rnd);
		u64 pages, last, word, first, end;
		unsigned int lg2 = 0;

		a = a >> prandom_u32_state(&rnd) % 52 & GENMASK_ULL(63, 12);
		pages = BIT_ULL(prandom_u32_state(&rnd) % 30) +
			prandom_u32_state(&rnd) % 8;
		last = a + ((pages << 12) - 1);
		if (last < a)
			last = U64_MAX;
		KUNIT_ASSERT_EQ(test, 0, inval(&t, a, last));
		KUNIT_ASSERT_EQ(test, 1, t.hw->nr_events);
		word = t.hw->event[0].v[1];
		if (word & 1)
			lg2 = ffz(word >> 12) + 1;
		first = (word >> 12) & ~(BIT_ULL(lg2) - 1);
		end = first + (BIT_ULL(lg2) - 1);
		KUNIT_ASSERT_LE(test, first, a >> 12);
		KUNIT_ASSERT_GE(test, end, last >> 12);
		if (lg2)
			KUNIT_ASSERT_NE(test, a >> 12 >> (lg2 - 1),
					last >> 12 >> (lg2 - 1));
	}
	finish(&t);
}

/* ---- As part of a flush ---- */

static void map(struct ats *t, u64 iova, u64 phys, u64 bytes)
{
	struct sluice_extent e = { .iova = iova, .phys = phys, .len = bytes };
	struct sluice_gather gather;
	u64 done;

	sluice_gather_init(&gather);
	KUNIT_ASSERT_EQ(t->test, 0,
			sluice_paging_map(&t->domain->paging.domain, &e, 1, RW,
					  &done, &gather));
}

static void unmap(struct ats *t, u64 iova, u64 bytes)
{
	struct sluice_range range = { iova, iova + (bytes - 1) };
	struct sluice_gather gather;
	struct sluice_extent e;

	sluice_gather_init(&gather);
	while (!sluice_range_empty(&range))
		sluice_paging_unmap(&t->domain->paging.domain, iova, &range,
				    &e, 1, &gather);
	KUNIT_ASSERT_EQ(t->test, 0,
			sluice_paging_flush(&t->domain->paging.domain,
					    &gather));
}

static void flush(struct kunit *test)
{
	phys_addr_t phys = 0;
	unsigned int i, last_iotlb = 0, first_device = 1000;
	struct ats t;

	start(test, &t, ECAP);
	map(&t, IOVA, SZ_8G, SZ_16K);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, 0,
				fake_vtd_ats_read(t.hw, RID, IOVA + i * SZ_4K,
						  &phys));
	KUNIT_EXPECT_EQ(test, (u64)phys, SZ_8G + 3 * SZ_4K);
	fake_vtd_clear_events(t.hw);
	unmap(&t, IOVA, SZ_8K);
	/* The device asked again, between the two: it got nothing. */
	KUNIT_EXPECT_EQ(test, -EFAULT, fake_vtd_ats_read(t.hw, RID, IOVA,
							 &phys));
	KUNIT_EXPECT_EQ(test, -EFAULT,
			fake_vtd_ats_read(t.hw, RID, IOVA + SZ_4K, &phys));
	KUNIT_EXPECT_EQ(test, 0, fake_vtd_ats_read(t.hw, RID, IOVA + SZ_8K,
						   &phys));
	for (i = 0; i < t.hw->nr_events; i++) {
		if ((t.hw->event[i].v[0] & 15) == 2)
			last_iotlb = i;
		else
			first_device = min(first_device, i);
	}
	KUNIT_EXPECT_LT(test, last_iotlb, first_device);
	KUNIT_EXPECT_EQ(test, 2, t.hw->nr_events);

	/* Nothing of it survives the device's way out. */
	vtd_device_block(t.device);
	KUNIT_EXPECT_EQ(test, -EFAULT, fake_vtd_ats_read(t.hw, RID,
							 IOVA + SZ_8K, &phys));
	finish(&t);
}

/* From one domain to another: it forgets the first, and is known to the second. */
static void changes_domains(struct kunit *test)
{
	struct vtd_domain *first;
	phys_addr_t phys = 0;
	struct ats t;

	start(test, &t, ECAP);
	map(&t, IOVA, SZ_8G, SZ_4K);
	KUNIT_EXPECT_EQ(test, 0, fake_vtd_ats_read(t.hw, RID, IOVA, &phys));
	first = t.domain;
	t.domain = add_domain(&t);
	KUNIT_ASSERT_EQ(test, 0, vtd_device_attach(t.device, t.domain));
	KUNIT_EXPECT_TRUE(test, list_empty(&first->ats));
	KUNIT_EXPECT_EQ(test, -EFAULT, fake_vtd_ats_read(t.hw, RID, IOVA,
							 &phys));
	map(&t, IOVA, SZ_16K, SZ_4K);
	KUNIT_EXPECT_EQ(test, 0, fake_vtd_ats_read(t.hw, RID, IOVA, &phys));
	KUNIT_EXPECT_EQ(test, (u64)phys, SZ_16K);
	unmap(&t, IOVA, SZ_4K);
	KUNIT_EXPECT_EQ(test, -EFAULT, fake_vtd_ats_read(t.hw, RID, IOVA,
							 &phys));
	sluice_paging_free_hw(&first->paging.hw);
	finish(&t);
}

/* Devices without one aren't asked, and their entry doesn't let them ask. */
static void unable(struct kunit *test)
{
	phys_addr_t phys;
	unsigned int i;
	struct ats t;

	start(test, &t, ECAP);
	vtd_device_block(t.device);
	t.device->ats_able = false;
	KUNIT_ASSERT_EQ(test, 0, vtd_device_attach(t.device, t.domain));
	map(&t, IOVA, SZ_8G, SZ_4K);
	KUNIT_EXPECT_EQ(test, -EFAULT, fake_vtd_ats_read(t.hw, RID, IOVA,
							 &phys));
	fake_vtd_clear_events(t.hw);
	unmap(&t, IOVA, SZ_4K);
	finish(&t);
	for (i = 0; i < t.hw->nr_events; i++)
		KUNIT_EXPECT_NE(test, t.hw->event[i].v[0] & 15, 3);
}

/*
 * While it is assigned it has none, and nobody has to wait for it, however able it is; the
 * host's driver has it again.
 */
static void not_for_users(struct kunit *test)
{
	struct vtd_domain *host;
	phys_addr_t phys;
	unsigned int i;
	struct ats t;

	start(test, &t, ECAP);
	KUNIT_EXPECT_TRUE(test, t.device->ats);
	map(&t, IOVA, SZ_8G, SZ_4K);
	KUNIT_EXPECT_EQ(test, 0, fake_vtd_ats_read(t.hw, RID, IOVA, &phys));
	host = t.domain;
	t.domain = vtd_domain_alloc(&t.hw->unit);
	KUNIT_ASSERT_FALSE(test, IS_ERR(t.domain));
	KUNIT_ASSERT_EQ(test, 0, vtd_device_attach(t.device, t.domain));
	KUNIT_EXPECT_FALSE(test, t.device->ats);
	KUNIT_EXPECT_TRUE(test, list_empty(&t.domain->ats));
	map(&t, IOVA, SZ_16K, SZ_4K);
	/* It can't even ask; what it does without is translated. */
	KUNIT_EXPECT_EQ(test, -EFAULT, fake_vtd_ats_read(t.hw, RID, IOVA,
							 &phys));
	KUNIT_EXPECT_EQ(test, 0, fake_vtd_translate(t.hw, RID, IOVA, true,
						    &phys));
	fake_vtd_clear_events(t.hw);
	unmap(&t, IOVA, SZ_4K);
	vtd_device_block(t.device);
	for (i = 0; i < t.hw->nr_events; i++)
		KUNIT_EXPECT_NE(test, t.hw->event[i].v[0] & 15, 3);
	sluice_paging_free_hw(&t.domain->paging.hw);

	t.domain = host;
	KUNIT_ASSERT_EQ(test, 0, vtd_device_attach(t.device, t.domain));
	KUNIT_EXPECT_TRUE(test, t.device->ats);
	KUNIT_EXPECT_EQ(test, 0, fake_vtd_ats_read(t.hw, RID, IOVA, &phys));
	finish(&t);
}

/* ---- Devices that have gone ---- */

static int read_nothing(struct pci_bus *bus, unsigned int devfn, int where,
			int size, u32 *value)
{
	*value = ~0U;
	return PCIBIOS_DEVICE_NOT_FOUND;
}

static int read_id(struct pci_bus *bus, unsigned int devfn, int where,
		   int size, u32 *value)
{
	*value = 0x11e81234;
	return PCIBIOS_SUCCESSFUL;
}

static struct pci_ops absent = { .read = read_nothing };
static struct pci_ops present = { .read = read_id };

static void gone(struct kunit *test)
{
	struct pci_dev *pdev = kunit_kzalloc(test, sizeof(*pdev), GFP_KERNEL);
	struct pci_bus *bus = kunit_kzalloc(test, sizeof(*bus), GFP_KERNEL);
	struct ats t;

	KUNIT_ASSERT_NOT_NULL(test, pdev);
	KUNIT_ASSERT_NOT_NULL(test, bus);
	pdev->bus = bus;
	start(test, &t, ECAP);
	t.device->pci = pdev;

	/* Known to be gone: it isn't asked, or the queue would wait for it. */
	pdev->error_state = pci_channel_io_perm_failure;
	KUNIT_EXPECT_EQ(test, 0, inval(&t, IOVA, IOVA + 0xfff));
	KUNIT_EXPECT_EQ(test, 0, t.hw->nr_events);

	/* It turns out while the queue waits. */
	pdev->error_state = pci_channel_io_normal;
	bus->ops = &absent;
	t.hw->dies = 1;
	KUNIT_EXPECT_EQ(test, 0, inval(&t, IOVA, IOVA + 0xfff));
	KUNIT_EXPECT_FALSE(test, t.hw->unit.iommu.dead);

	/* It is there, and doesn't answer. */
	bus->ops = &present;
	KUNIT_EXPECT_EQ(test, -EIO, inval(&t, IOVA, IOVA + 0xfff));
	KUNIT_EXPECT_FALSE(test, t.hw->unit.iommu.dead);
	t.device->pci = NULL;
	t.hw->dies = 0;
	finish(&t);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(golden),
	KUNIT_CASE(physical_function),
	KUNIT_CASE(random_ranges),
	KUNIT_CASE(flush),
	KUNIT_CASE(changes_domains),
	KUNIT_CASE(unable),
	KUNIT_CASE(not_for_users),
	KUNIT_CASE(gone),
	{}
};

static struct kunit_suite suite = {
	.name = "sluice_vtd_ats",
	.test_cases = cases,
};

kunit_test_suite(suite);
