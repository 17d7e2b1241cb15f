// SPDX-License-Identifier: GPL-2.0-only
/*
 * A domain with page tables as the kernel's IOMMU core uses it, over pretended
 * VT-d units: what devices reach is never stale after a sync, and nothing sleeps
 * where the DMA API must not.
 */
#include <kunit/static_stub.h>
#include <linux/sizes.h>

#include "core/pt/private.h"
#include "vtd_hw.h"

#define RID	0x100
#define IOVA	0x40000000UL
#define PHYS	BIT_ULL(36)
#define RW	(IOMMU_READ | IOMMU_WRITE)

/**
 * struct variant - a kind of unit
 * @name: for the test's name
 * @cap: its register
 * @ecap: its register
 */
struct variant {
	const char *name;
	u64 cap;
	u64 ecap;
};

static const struct variant variants[] = {
	{ "coherent", FAKE_VTD_CAP, FAKE_VTD_ECAP | FAKE_VTD_ECAP_C },
	{ "caching", FAKE_VTD_CAP | FAKE_VTD_CAP_CM, FAKE_VTD_ECAP },
	{ "whole-domains", FAKE_VTD_CAP & ~BIT_ULL(39),
	  FAKE_VTD_ECAP | FAKE_VTD_ECAP_C },
};

KUNIT_ARRAY_PARAM_DESC(variant, variants, name);

/**
 * struct host - a device and its domain
 * @test: the test
 * @unit: the unit
 * @device: the device
 * @domain: the domain
 * @hw: the same, for the IOMMU core
 * @iotlb: what is to be synced
 */
struct host {
	struct kunit *test;
	struct fake_vtd *unit;
	struct vtd_device *device;
	struct vtd_domain *domain;
	struct iommu_domain *hw;
	struct iommu_iotlb_gather iotlb;
};

static int init(struct kunit *test)
{
	const struct variant *v = test->param_value;
	struct host *h = kunit_kzalloc(test, sizeof(*h), GFP_KERNEL);
	static const u16 rid = RID;

	KUNIT_ASSERT_NOT_NULL(test, h);
	h->test = test;
	fake_vtd_stub_domains(test);
	h->unit = fake_vtd_create(test, v->cap, v->ecap);
	h->device = fake_vtd_device_create(test, h->unit, &rid, 1)->device;
	h->domain = vtd_domain_alloc(&h->unit->unit);
	KUNIT_ASSERT_FALSE(test, IS_ERR(h->domain));
	h->hw = &h->domain->paging.hw;
	KUNIT_ASSERT_EQ(test, 0, vtd_device_attach(h->device, h->domain));
	iommu_iotlb_gather_init(&h->iotlb);
	fake_vtd_clear_events(h->unit);
	test->priv = h;
	return 0;
}

static void end(struct kunit *test)
{
	struct host *h = test->priv;

	if (!h)
		return;
	vtd_device_block(h->device);
	sluice_paging_free_hw(h->hw);
	fake_vtd_check_idle(test);
}

static int try_map(struct host *h, u64 iova, u64 phys, size_t pgsize,
		   size_t count, size_t *mapped)
{
	int ret;

	*mapped = 0;
	ret = sluice_paging_map_pages(h->hw, iova, phys, pgsize, count, RW,
				      GFP_KERNEL, mapped);
	return ret ?: sluice_paging_iotlb_sync_map(h->hw, iova, pgsize * count);
}

static void map(struct host *h, u64 iova, u64 phys, size_t pgsize, size_t count)
{
	size_t mapped;

	KUNIT_ASSERT_EQ(h->test, 0, try_map(h, iova, phys, pgsize, count,
					    &mapped));
	KUNIT_ASSERT_EQ(h->test, pgsize * count, mapped);
}

static size_t unmap(struct host *h, u64 iova, size_t pgsize, size_t count)
{
	return sluice_paging_unmap_pages(h->hw, iova, pgsize, count, &h->iotlb);
}

static void sync(struct host *h)
{
	sluice_paging_iotlb_sync(h->hw, &h->iotlb);
	iommu_iotlb_gather_init(&h->iotlb);
}

/* What a device finds, caches included; 0: nothing. */
static u64 found(struct host *h, u64 iova)
{
	phys_addr_t phys;

	if (fake_vtd_translate(h->unit, RID, iova, true, &phys))
		return 0;
	return phys;
}

/* Devices, and the tables, say @phys, page by page; 0: nothing. */
static void expect(struct host *h, u64 iova, u64 phys, size_t bytes)
{
	size_t i;

	for (i = 0; i < bytes; i += SZ_4K) {
		u64 want = phys ? phys + i : 0;

		KUNIT_ASSERT_EQ(h->test, want, found(h, iova + i));
		KUNIT_ASSERT_EQ(h->test, want,
				(u64)sluice_paging_iova_to_phys(h->hw,
								iova + i));
	}
}

/* ---- Map ---- */

static void mapped(struct kunit *test)
{
	struct host *h = test->priv;
	phys_addr_t phys;
	size_t done = 0;

	expect(h, IOVA, 0, SZ_4K);
	map(h, IOVA, PHYS, SZ_4K, 1);
	map(h, IOVA + SZ_4M, PHYS + SZ_4M, SZ_2M, 2);
	expect(h, IOVA, PHYS, SZ_4K);
	expect(h, IOVA + SZ_4K, 0, SZ_4K);
	expect(h, IOVA + SZ_4M, PHYS + SZ_4M, SZ_4M);
	KUNIT_EXPECT_EQ(test, PHYS + 123,
			(u64)sluice_paging_iova_to_phys(h->hw, IOVA + 123));

	/* Read-only. */
	KUNIT_ASSERT_EQ(test, 0,
			sluice_paging_map_pages(h->hw, IOVA + SZ_8K, PHYS,
						SZ_4K, 1, IOMMU_READ,
						GFP_KERNEL, &done));
	KUNIT_ASSERT_EQ(test, 0,
			sluice_paging_iotlb_sync_map(h->hw, IOVA + SZ_8K,
						     SZ_4K));
	KUNIT_EXPECT_EQ(test, -EACCES,
			fake_vtd_translate(h->unit, RID, IOVA + SZ_8K, true,
					   &phys));
	KUNIT_EXPECT_EQ(test, 0,
			fake_vtd_translate(h->unit, RID, IOVA + SZ_8K, false,
					   &phys));
}

/* A map needs a flush only where hardware remembers that nothing was there. */
static void map_flushes(struct kunit *test)
{
	struct host *h = test->priv;

	expect(h, IOVA, 0, SZ_16K);
	map(h, IOVA, PHYS, SZ_4K, 4);
	KUNIT_EXPECT_EQ(test, h->unit->unit.flush_on_map ? 1 : 0,
			h->unit->nr_events);
	expect(h, IOVA, PHYS, SZ_16K);
}

static void map_again(struct kunit *test)
{
	struct host *h = test->priv;
	size_t done;

	map(h, IOVA + SZ_8K, PHYS, SZ_4K, 1);
	KUNIT_EXPECT_EQ(test, -EEXIST, try_map(h, IOVA, 2 * PHYS, SZ_4K, 4,
					       &done));
	/* As far as the caller is told, and no further. */
	KUNIT_EXPECT_GE(test, SZ_8K, done);
	KUNIT_EXPECT_EQ(test, done, unmap(h, IOVA, SZ_4K, 2));
	sync(h);
	expect(h, IOVA, 0, SZ_8K);
	expect(h, IOVA + SZ_8K, PHYS, SZ_4K);
}

/* ---- Unmap ---- */

static void stale_until_sync(struct kunit *test)
{
	struct host *h = test->priv;
	unsigned int i;

	map(h, IOVA, PHYS, SZ_4K, 16);
	expect(h, IOVA, PHYS, SZ_64K);
	fake_vtd_clear_events(h->unit);
	/* Neighbours, in both directions; of several sizes. */
	KUNIT_EXPECT_EQ(test, SZ_8K, unmap(h, IOVA + SZ_8K, SZ_4K, 2));
	KUNIT_EXPECT_EQ(test, SZ_4K, unmap(h, IOVA + SZ_4K, SZ_4K, 1));
	KUNIT_EXPECT_EQ(test, SZ_16K, unmap(h, IOVA + SZ_16K, SZ_4K, 4));
	/* Otherwise, the unit would show nothing. */
	for (i = 1; i < 8; i++)
		KUNIT_EXPECT_EQ(test, PHYS + i * SZ_4K,
				found(h, IOVA + i * SZ_4K));
	KUNIT_EXPECT_EQ(test, 0, h->unit->nr_events);
	sync(h);
	expect(h, IOVA, PHYS, SZ_4K);
	expect(h, IOVA + SZ_4K, 0, 7 * SZ_4K);
	expect(h, IOVA + SZ_32K, PHYS + SZ_32K, SZ_32K);

	/* Far from one another: the first is synced by itself. */
	KUNIT_EXPECT_EQ(test, SZ_4K, unmap(h, IOVA, SZ_4K, 1));
	KUNIT_EXPECT_EQ(test, SZ_4K, unmap(h, IOVA + SZ_32K, SZ_4K, 1));
	sync(h);
	expect(h, IOVA, 0, SZ_4K);
	expect(h, IOVA + SZ_32K, 0, SZ_4K);
	expect(h, IOVA + SZ_32K + SZ_4K, PHYS + SZ_32K + SZ_4K, SZ_4K);
}

static void sync_of_nothing(struct kunit *test)
{
	struct host *h = test->priv;

	map(h, IOVA, PHYS, SZ_4K, 1);
	fake_vtd_clear_events(h->unit);
	KUNIT_EXPECT_EQ(test, 0, unmap(h, IOVA + SZ_4K, SZ_4K, 4));
	sync(h);
	KUNIT_EXPECT_EQ(test, 0, h->unit->nr_events);
	expect(h, IOVA, PHYS, SZ_4K);
}

/* Whoever queues flushes has all of it flushed later. */
static void queued(struct kunit *test)
{
	struct host *h = test->priv;

	map(h, IOVA, PHYS, SZ_4K, 4);
	expect(h, IOVA, PHYS, SZ_16K);
	fake_vtd_clear_events(h->unit);
	h->iotlb.queued = true;
	KUNIT_EXPECT_EQ(test, SZ_16K, unmap(h, IOVA, SZ_4K, 4));
	KUNIT_EXPECT_EQ(test, 0, h->unit->nr_events);
	KUNIT_EXPECT_EQ(test, PHYS, found(h, IOVA));
	sluice_paging_flush_iotlb_all(h->hw);
	expect(h, IOVA, 0, SZ_16K);
}

/* A whole table's worth: it is freed, so it is flushed first, and at once. */
static void tables_unlinked(struct kunit *test)
{
	struct host *h = test->priv;
	long before;

	map(h, IOVA, PHYS + SZ_4K, SZ_4K, 1024);
	expect(h, IOVA, PHYS + SZ_4K, SZ_4M);
	before = pt_nr_tables(&h->domain->paging.pt);
	fake_vtd_clear_events(h->unit);
	KUNIT_EXPECT_EQ(test, SZ_2M, unmap(h, IOVA, SZ_2M, 1));
	KUNIT_EXPECT_EQ(test, before - 1, pt_nr_tables(&h->domain->paging.pt));
	KUNIT_EXPECT_EQ(test, 1, h->unit->nr_events);
	/* With IH = 0, if it is told by pages. */
	KUNIT_EXPECT_EQ(test, 0, h->unit->event[0].v[1] & 0x40);
	expect(h, IOVA, 0, SZ_2M);
	expect(h, IOVA + SZ_2M, PHYS + SZ_4K + SZ_2M, SZ_2M);
	sync(h);
	KUNIT_EXPECT_EQ(test, 1, h->unit->nr_events);

	/* Also if the flush is queued. */
	h->iotlb.queued = true;
	KUNIT_EXPECT_EQ(test, SZ_2M, unmap(h, IOVA + SZ_2M, SZ_2M, 1));
	KUNIT_EXPECT_EQ(test, 2, h->unit->nr_events);
	expect(h, IOVA, 0, SZ_4M);
}

/* An empty table gives way to a larger page: the way to it is forgotten. */
static void table_replaced(struct kunit *test)
{
	struct host *h = test->priv;

	map(h, IOVA, PHYS, SZ_4K, 300);
	expect(h, IOVA, PHYS, 300 * SZ_4K);
	KUNIT_EXPECT_EQ(test, 300 * SZ_4K, unmap(h, IOVA, SZ_4K, 300));
	sync(h);
	expect(h, IOVA, 0, SZ_2M);
	map(h, IOVA, PHYS, SZ_2M, 1);
	expect(h, IOVA, PHYS, SZ_2M);
}

static void part_of_a_superpage(struct kunit *test)
{
	static const unsigned int first[] = { 0, 100, 508 };
	struct host *h = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(first); i++) {
		u64 offset = first[i] * SZ_4K;

		map(h, IOVA, PHYS, SZ_2M, 1);
		expect(h, IOVA, PHYS, SZ_2M);
		KUNIT_EXPECT_EQ(test, SZ_16K, unmap(h, IOVA + offset, SZ_4K,
						    4));
		/* What was cut is flushed at once. */
		expect(h, IOVA, PHYS, offset);
		expect(h, IOVA + offset, 0, SZ_16K);
		expect(h, IOVA + offset + SZ_16K, PHYS + offset + SZ_16K,
		       SZ_2M - offset - SZ_16K);
		sync(h);
		if (first[i])
			KUNIT_EXPECT_EQ(test, offset,
					unmap(h, IOVA, SZ_4K, first[i]));
		if (offset + SZ_16K < SZ_2M)
			KUNIT_EXPECT_EQ(test, SZ_2M - offset - SZ_16K,
					unmap(h, IOVA + offset + SZ_16K, SZ_4K,
					      508 - first[i]));
		sync(h);
		expect(h, IOVA, 0, SZ_2M);
	}
}

/* Up to the hole, as the caller is told; and nothing stale behind it. */
static void holes(struct kunit *test)
{
	struct host *h = test->priv;

	map(h, IOVA, PHYS, SZ_4K, 2);
	map(h, IOVA + SZ_16K, PHYS + SZ_16K, SZ_4K, 4);
	expect(h, IOVA, PHYS, SZ_8K);
	expect(h, IOVA + SZ_16K, PHYS + SZ_16K, SZ_16K);
	KUNIT_EXPECT_EQ(test, SZ_8K, unmap(h, IOVA, SZ_4K, 6));
	sync(h);
	expect(h, IOVA, 0, SZ_16K + SZ_8K);
	expect(h, IOVA + SZ_16K + SZ_8K, PHYS + SZ_16K + SZ_8K, SZ_8K);

	/* It begins with one. */
	KUNIT_EXPECT_EQ(test, 0, unmap(h, IOVA, SZ_4K, 7));
	sync(h);
	expect(h, IOVA, 0, SZ_16K + SZ_8K + SZ_4K);
	expect(h, IOVA + SZ_16K + SZ_8K + SZ_4K,
	       PHYS + SZ_16K + SZ_8K + SZ_4K, SZ_4K);
}

/* ---- Without memory, and without sleep ---- */

static __le64 *no_table(struct pt *pt, gfp_t gfp)
{
	return NULL;
}

static void no_memory(struct kunit *test)
{
	struct host *h = test->priv;
	size_t done;

	map(h, IOVA, PHYS, SZ_2M, 1);
	expect(h, IOVA, PHYS, SZ_2M);
	kunit_activate_static_stub(test, pt_table_alloc, no_table);
	KUNIT_EXPECT_EQ(test, 0, unmap(h, IOVA + SZ_4K, SZ_4K, 1));
	KUNIT_EXPECT_EQ(test, -ENOMEM, try_map(h, IOVA + SZ_1G, PHYS, SZ_4K, 1,
					       &done));
	KUNIT_EXPECT_EQ(test, 0, done);
	kunit_deactivate_static_stub(test, pt_table_alloc);
	sync(h);
	expect(h, IOVA, PHYS, SZ_2M);
	expect(h, IOVA + SZ_1G, 0, SZ_4K);
}

/* Under a lock with interrupts off, as drivers do: lockdep watches. */
static void atomic(struct kunit *test)
{
	struct host *h = test->priv;
	unsigned long flags;
	size_t done = 0, gone[3] = {};
	static DEFINE_SPINLOCK(lock);
	int ret[2];

	spin_lock_irqsave(&lock, flags);
	ret[0] = sluice_paging_map_pages(h->hw, IOVA, PHYS, SZ_4K, 512, RW,
					 GFP_ATOMIC, &done);
	ret[0] = ret[0] ?: sluice_paging_iotlb_sync_map(h->hw, IOVA, SZ_2M);
	ret[1] = sluice_paging_map_pages(h->hw, IOVA + SZ_2M, PHYS + SZ_2M,
					 SZ_2M, 1, RW, GFP_ATOMIC, &done);
	ret[1] = ret[1] ?: sluice_paging_iotlb_sync_map(h->hw, IOVA + SZ_2M,
							SZ_2M);
	gone[0] = unmap(h, IOVA + SZ_4K, SZ_4K, 2);
	/* A superpage is cut, and a table freed. */
	gone[1] = unmap(h, IOVA + SZ_2M + SZ_8K, SZ_4K, 1);
	gone[2] = unmap(h, IOVA, SZ_2M, 1);
	sync(h);
	spin_unlock_irqrestore(&lock, flags);
	KUNIT_EXPECT_EQ(test, 0, ret[0]);
	KUNIT_EXPECT_EQ(test, 0, ret[1]);
	KUNIT_EXPECT_EQ(test, SZ_4M, done);
	KUNIT_EXPECT_EQ(test, SZ_8K, gone[0]);
	KUNIT_EXPECT_EQ(test, SZ_4K, gone[1]);
	KUNIT_EXPECT_EQ(test, SZ_4K, gone[2]);
	expect(h, IOVA, 0, SZ_2M);
	expect(h, IOVA + SZ_2M, PHYS + SZ_2M, SZ_8K);
	expect(h, IOVA + SZ_2M + SZ_8K, 0, SZ_4K);
}

/* ---- What backends are told ---- */

static struct sluice_gather told;
static unsigned int nr_told;

static int note_flush(struct sluice_paging *paging,
		      const struct sluice_gather *gather)
{
	told = *gather;
	nr_told++;
	return 0;
}

/* Pages may be smaller than what the caller counts in. */
static void leaf_size(struct kunit *test)
{
	static const struct sluice_paging_ops ops = { .flush = note_flush };
	struct host *h = test->priv;
	const struct sluice_paging_ops *real = h->domain->paging.ops;

	map(h, IOVA, PHYS, SZ_4K, 3);
	map(h, IOVA + SZ_2M, PHYS + SZ_4K, SZ_4K, 512);
	h->domain->paging.ops = &ops;
	nr_told = 0;
	KUNIT_EXPECT_EQ(test, 3 * SZ_4K, unmap(h, IOVA, SZ_4K, 3));
	sync(h);
	KUNIT_EXPECT_EQ(test, 1, nr_told);
	KUNIT_EXPECT_EQ(test, 12, told.leaf_lg2);
	KUNIT_EXPECT_EQ(test, IOVA, told.ranges[0].start);
	KUNIT_EXPECT_EQ(test, IOVA + 3 * SZ_4K - 1, told.ranges[0].last);
	sluice_paging_flush_iotlb_all(h->hw);
	KUNIT_EXPECT_EQ(test, 2, nr_told);
	KUNIT_EXPECT_EQ(test, 12, told.leaf_lg2);
	KUNIT_EXPECT_EQ(test, U64_MAX, told.ranges[0].last);
	KUNIT_EXPECT_EQ(test, SZ_2M, unmap(h, IOVA + SZ_2M, SZ_2M, 1));
	KUNIT_EXPECT_EQ(test, 3, nr_told);
	KUNIT_EXPECT_EQ(test, 12, told.leaf_lg2);
	KUNIT_EXPECT_TRUE(test, told.nonleaf);
	h->domain->paging.ops = real;
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(mapped, variant_gen_params),
	KUNIT_CASE_PARAM(map_flushes, variant_gen_params),
	KUNIT_CASE_PARAM(map_again, variant_gen_params),
	KUNIT_CASE_PARAM(stale_until_sync, variant_gen_params),
	KUNIT_CASE_PARAM(sync_of_nothing, variant_gen_params),
	KUNIT_CASE_PARAM(queued, variant_gen_params),
	KUNIT_CASE_PARAM(tables_unlinked, variant_gen_params),
	KUNIT_CASE_PARAM(table_replaced, variant_gen_params),
	KUNIT_CASE_PARAM(part_of_a_superpage, variant_gen_params),
	KUNIT_CASE_PARAM(holes, variant_gen_params),
	KUNIT_CASE_PARAM(no_memory, variant_gen_params),
	KUNIT_CASE_PARAM(atomic, variant_gen_params),
	KUNIT_CASE_PARAM(leaf_size, variant_gen_params),
	{}
};

static struct kunit_suite suite = {
	.name = "sluice_paging_host",
	.init = init,
	.exit = end,
	.test_cases = cases,
};

kunit_test_suite(suite);
