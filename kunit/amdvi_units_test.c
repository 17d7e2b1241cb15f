// SPDX-License-Identifier: GPL-2.0-only
/*
 * AMD-Vi units: what is read from their capabilities, how they come up, go down and
 * through a suspend, and several of them under one domain.
 */
#include <linux/debug_locks.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/irq_work.h>
#include <linux/sizes.h>

#include "amdvi_hw.h"

#define RW	(SLUICE_PROT_READ | SLUICE_PROT_WRITE)
#define IOVA	0x40000000ULL
#define PHYS	0x1200000000ULL

/* 3.4: registers, by number of their word. */
#define DEVTAB	(0x00 / 8)
#define CMD	(0x08 / 8)
#define EVENTS	(0x10 / 8)
#define CONTROL	(0x18 / 8)
#define EXCL	(0x20 / 8)
#define STATUS	(0x2020 / 8)

/* IommuEn, EventLogEn, EventIntEn, Coherent, CmdBufEn, InvTimeout of 100 ms; GAEn. */
#define CONTROL_ON	0x146dULL
#define CONTROL_OFF	0x0460ULL
#define CONTROL_GA	BIT_ULL(17)

/* ---- Capabilities ---- */

#define EFR_GA	BIT_ULL(7)

static void decode(struct kunit *test)
{
	static const struct {
		u32 cap;
		u64 efr;
		bool np_cache, ga;
	} g[] = {
		{ FAKE_AMDVI_CAP, FAKE_AMDVI_EFR, true, true },
		{ FAKE_AMDVI_CAP & ~BIT(26), FAKE_AMDVI_EFR, false, true },
		{ FAKE_AMDVI_CAP, FAKE_AMDVI_EFR & ~EFR_GA, true, false },
		/* No extended features: the register means nothing. */
		{ FAKE_AMDVI_CAP & ~BIT(27), U64_MAX, true, false },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(g); i++) {
		struct fake_amdvi *hw = fake_amdvi_plug(test, g[i].cap,
							g[i].efr);
		const struct sluice_caps *caps = &hw->unit.iommu.caps;

		KUNIT_ASSERT_EQ(test, 0, amdvi_unit_init(&hw->unit));
		KUNIT_EXPECT_EQ(test, g[i].np_cache, hw->unit.np_cache);
		KUNIT_EXPECT_EQ(test, g[i].ga, hw->unit.ga);
		KUNIT_EXPECT_EQ(test, 4, hw->unit.levels);
		KUNIT_EXPECT_EQ(test, caps->pgsizes, GENMASK_ULL(38, 12));
		KUNIT_EXPECT_EQ(test, caps->nr_apertures, 1);
		KUNIT_EXPECT_EQ(test, caps->apertures[0].start, 0);
		KUNIT_EXPECT_EQ(test, caps->apertures[0].last,
				BIT_ULL(48) - 1);
		KUNIT_EXPECT_TRUE(test, caps->coherent);
		/* Nothing was written. */
		KUNIT_EXPECT_EQ(test, 0, hw->reg[DEVTAB]);
		KUNIT_EXPECT_EQ(test, 0, hw->reg[CONTROL]);
	}
}

static void refused(struct kunit *test)
{
	static const struct {
		u32 cap;
		u64 efr;
	} bad[] = {
		{ FAKE_AMDVI_CAP & ~BIT(16), FAKE_AMDVI_EFR },	/* another type */
		{ FAKE_AMDVI_CAP, FAKE_AMDVI_EFR | 3 << 10 },	/* no host tables */
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct fake_amdvi *hw = fake_amdvi_plug(test, bad[i].cap,
							bad[i].efr);

		KUNIT_EXPECT_EQ(test, -ENODEV, amdvi_unit_init(&hw->unit));
		KUNIT_EXPECT_NULL(test, hw->unit.devtab);
	}
}

/* ---- Up, down ---- */

/* What hardware is told of memory; what was there before is taken back. */
static void expect_loaded(struct kunit *test, const struct fake_amdvi *hw)
{
	const struct amdvi_unit *unit = &hw->unit;

	/* 512 pages: an entry for every requester ID. */
	KUNIT_EXPECT_EQ(test, hw->reg[DEVTAB],
			virt_to_phys(unit->devtab) | 511);
	KUNIT_EXPECT_EQ(test, hw->reg[CMD],
			virt_to_phys(unit->queue) | 9ULL << 56);
	KUNIT_EXPECT_EQ(test, hw->reg[EVENTS] & GENMASK_ULL(51, 12),
			virt_to_phys(unit->log));
	KUNIT_EXPECT_EQ(test, 0, hw->reg[EXCL]);
	KUNIT_EXPECT_EQ(test, 0, hw->reg[EXCL + 1]);
}

static void start(struct kunit *test)
{
	struct fake_amdvi *hw = fake_amdvi_plug(test, FAKE_AMDVI_CAP,
						FAKE_AMDVI_EFR);
	unsigned int rid;
	phys_addr_t phys;

	/* Firmware has left it on, with an exclusion range. */
	hw->reg[CONTROL] = CONTROL_ON | BIT_ULL(13);
	hw->reg[EXCL] = 0x1000003;
	hw->reg[EXCL + 1] = 0x2000000;
	KUNIT_ASSERT_EQ(test, 0, amdvi_unit_init(&hw->unit));
	amdvi_unit_load(&hw->unit);
	expect_loaded(test, hw);
	KUNIT_EXPECT_EQ(test, hw->reg[CONTROL],
			(CONTROL_ON & ~1ULL) | CONTROL_GA);
	/* Off, it takes no commands, so there are none. */
	KUNIT_EXPECT_EQ(test, 0, hw->nr_cmds);
	KUNIT_ASSERT_EQ(test, 0, amdvi_unit_enable(&hw->unit));
	KUNIT_EXPECT_EQ(test, hw->reg[CONTROL], CONTROL_ON | CONTROL_GA);
	/* INVALIDATE_ALL, and a wait. */
	KUNIT_EXPECT_EQ(test, 2, hw->nr_cmds);
	KUNIT_EXPECT_EQ(test, hw->cmd[0][0], 8ULL << 60);
	/* What nobody has attached is blocked. */
	for (rid = 0; rid < 65536; rid += 251)
		KUNIT_EXPECT_EQ(test, -EFAULT,
				fake_amdvi_translate(hw, rid, 0x5000, true,
						     &phys));
	amdvi_unit_disable(&hw->unit);
	/* As at power-on, but for how requests travel. */
	KUNIT_EXPECT_EQ(test, hw->reg[CONTROL], CONTROL_OFF);
}

/* Without INVALIDATE_ALL, everything by itself. */
static void start_without_all(struct kunit *test)
{
	struct fake_amdvi *hw = fake_amdvi_plug(test, FAKE_AMDVI_CAP,
						FAKE_AMDVI_EFR & ~BIT_ULL(6));

	KUNIT_ASSERT_EQ(test, 0, amdvi_unit_init(&hw->unit));
	amdvi_unit_load(&hw->unit);
	KUNIT_ASSERT_EQ(test, 0, amdvi_unit_enable(&hw->unit));
	KUNIT_EXPECT_EQ(test, 3 * 65536, hw->nr_cmds - hw->waits);
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&hw->violations));
}

static void deaf(struct kunit *test)
{
	struct fake_amdvi *hw = fake_amdvi_plug(test, FAKE_AMDVI_CAP,
						FAKE_AMDVI_EFR);

	KUNIT_ASSERT_EQ(test, 0, amdvi_unit_init(&hw->unit));
	amdvi_unit_load(&hw->unit);
	hw->deaf = true;
	KUNIT_EXPECT_EQ(test, -EIO, amdvi_unit_enable(&hw->unit));
	KUNIT_EXPECT_TRUE(test, hw->unit.iommu.dead);
	KUNIT_EXPECT_EQ(test, -EIO, amdvi_unit_resume(&hw->unit));
}

static void suspend(struct kunit *test)
{
	struct fake_amdvi *hw = fake_amdvi_create(test, FAKE_AMDVI_CAP,
						  FAKE_AMDVI_EFR);
	static const u16 rid = 0x108;
	struct amdvi_device *device;
	phys_addr_t phys;

	device = amdvi_device_alloc(&hw->unit, NULL, &rid, 1);
	KUNIT_ASSERT_FALSE(test, IS_ERR(device));
	amdvi_device_pass_through(device);
	amdvi_unit_disable(&hw->unit);
	KUNIT_EXPECT_EQ(test, hw->reg[CONTROL], CONTROL_OFF);

	/* While it is off, a device's entry changes; nobody is told. */
	hw->nr_cmds = 0;
	amdvi_device_block(device);
	amdvi_device_pass_through(device);
	KUNIT_EXPECT_EQ(test, 0, hw->nr_cmds);

	/* Power is off for a while. */
	memset(hw->reg, 0, sizeof(hw->reg));
	hw->reg[0x30 / 8] = FAKE_AMDVI_EFR;
	KUNIT_ASSERT_EQ(test, 0, amdvi_unit_resume(&hw->unit));
	expect_loaded(test, hw);
	KUNIT_EXPECT_EQ(test, hw->reg[CONTROL], CONTROL_ON | CONTROL_GA);
	KUNIT_EXPECT_EQ(test, 0, fake_amdvi_translate(hw, rid, 0x5000, true,
						      &phys));
	KUNIT_EXPECT_EQ(test, -EFAULT,
			fake_amdvi_translate(hw, 0x110, 0x5000, true, &phys));
	amdvi_device_free(device);
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&hw->violations));
}

/* ---- Several ---- */

static int map(struct amdvi_domain *domain)
{
	struct sluice_extent e = { .iova = IOVA, .phys = PHYS, .len = SZ_4K };
	struct sluice_gather gather;
	u64 done;
	int ret;

	sluice_gather_init(&gather);
	ret = sluice_paging_map(&domain->paging.domain, &e, 1, RW, &done,
				&gather);
	if (!ret && (gather.nr || gather.nonleaf))
		ret = sluice_paging_flush(&domain->paging.domain, &gather);
	return ret;
}

static int unmap(struct amdvi_domain *domain)
{
	struct sluice_range range = { IOVA, IOVA + SZ_4K - 1 };
	struct sluice_gather gather;
	struct sluice_extent e;

	sluice_gather_init(&gather);
	sluice_paging_unmap(&domain->paging.domain, IOVA, &range, &e, 1,
			    &gather);
	return sluice_paging_flush(&domain->paging.domain, &gather);
}

static int reach(struct fake_amdvi *hw, struct amdvi_device *device)
{
	phys_addr_t phys;

	return fake_amdvi_translate(hw, device->rids[0], IOVA, true, &phys);
}

/* The same requester ID on each, but units of different segments. */
static void one_domain(struct kunit *test)
{
	static const u16 rid = 0x108, other_rid = 0x110;
	struct amdvi_device *device[3], *other;
	struct amdvi_domain *domain, *first;
	struct fake_amdvi *hw[3];
	unsigned int i;

	for (i = 0; i < 3; i++) {
		hw[i] = fake_amdvi_create(test, FAKE_AMDVI_CAP, FAKE_AMDVI_EFR);
		device[i] = amdvi_device_alloc(&hw[i]->unit, NULL, &rid, 1);
		KUNIT_ASSERT_FALSE(test, IS_ERR(device[i]));
	}
	other = amdvi_device_alloc(&hw[1]->unit, NULL, &other_rid, 1);
	KUNIT_ASSERT_FALSE(test, IS_ERR(other));
	first = amdvi_domain_alloc(&hw[1]->unit);
	KUNIT_ASSERT_FALSE(test, IS_ERR(first));
	domain = amdvi_domain_alloc(&hw[0]->unit);
	KUNIT_ASSERT_FALSE(test, IS_ERR(domain));
	/* So the domain's ids on the units differ. */
	KUNIT_ASSERT_EQ(test, 0, amdvi_device_attach(other, first));
	KUNIT_ASSERT_EQ(test, 0, amdvi_device_attach(device[0], domain));
	KUNIT_ASSERT_EQ(test, 0, amdvi_device_attach(device[1], domain));

	/* They remember that there is nothing. */
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, -EFAULT, reach(hw[i], device[i]));
	KUNIT_ASSERT_EQ(test, 0, map(domain));
	KUNIT_EXPECT_EQ(test, 0, reach(hw[0], device[0]));
	KUNIT_EXPECT_EQ(test, 0, reach(hw[1], device[1]));
	KUNIT_EXPECT_EQ(test, -EFAULT, reach(hw[1], other));
	KUNIT_EXPECT_EQ(test, -EFAULT, reach(hw[2], device[2]));
	hw[2]->nr_cmds = 0;
	KUNIT_EXPECT_EQ(test, 0, unmap(domain));
	KUNIT_EXPECT_EQ(test, -EFAULT, reach(hw[0], device[0]));
	KUNIT_EXPECT_EQ(test, -EFAULT, reach(hw[1], device[1]));
	/* Who has nothing to do with it isn't bothered. */
	KUNIT_EXPECT_EQ(test, 0, hw[2]->nr_cmds);

	/* One dies: nothing may be unpinned; the others are well. */
	KUNIT_ASSERT_EQ(test, 0, map(domain));
	hw[1]->deaf = true;
	KUNIT_EXPECT_EQ(test, -EIO, unmap(domain));
	KUNIT_EXPECT_EQ(test, -EFAULT, reach(hw[0], device[0]));
	KUNIT_EXPECT_FALSE(test, hw[0]->unit.iommu.dead);
	KUNIT_EXPECT_TRUE(test, hw[1]->unit.iommu.dead);
	KUNIT_EXPECT_EQ(test, 0, amdvi_device_attach(device[2], first));

	for (i = 0; i < 3; i++) {
		amdvi_device_free(device[i]);
		KUNIT_EXPECT_EQ(test, 0, atomic_read(&hw[i]->violations));
	}
	amdvi_device_free(other);
	KUNIT_EXPECT_TRUE(test, ida_is_empty(&hw[0]->unit.dids));
	/* Tables that the dead one may still read aren't freed. */
	KUNIT_EXPECT_TRUE(test, domain->paging.broken);
	domain->paging.broken = false;
	first->paging.broken = false;
	sluice_paging_free_hw(&domain->paging.hw);
	sluice_paging_free_hw(&first->paging.hw);
}

static int host_map(struct iommu_domain *hw, u64 iova, size_t count)
{
	size_t mapped = 0;
	int ret;

	ret = sluice_paging_map_pages(hw, iova, PHYS, SZ_4K, count,
				      IOMMU_READ | IOMMU_WRITE, GFP_KERNEL,
				      &mapped);
	return ret ?: sluice_paging_iotlb_sync_map(hw, iova, SZ_4K * count);
}

static void host_unmap(struct iommu_domain *hw, u64 iova, size_t count)
{
	struct iommu_iotlb_gather iotlb;

	iommu_iotlb_gather_init(&iotlb);
	sluice_paging_unmap_pages(hw, iova, SZ_4K, count, &iotlb);
	sluice_paging_iotlb_sync(hw, &iotlb);
}

/*
 * A host driver frees what it has unmapped, and can't be told that the hardware hasn't
 * been. So hardware that has failed once is told all that comes later; and tables, which
 * are ours, aren't freed from then on.
 */
static void host_driver_of_the_dead(struct kunit *test)
{
	struct fake_amdvi *hw = fake_amdvi_create(test, FAKE_AMDVI_CAP,
						  FAKE_AMDVI_EFR);
	static const u16 rid = 0x108;
	struct amdvi_domain *domain;
	struct amdvi_device *device;
	struct iommu_domain *host;
	long tables;

	device = amdvi_device_alloc(&hw->unit, NULL, &rid, 1);
	KUNIT_ASSERT_FALSE(test, IS_ERR(device));
	domain = amdvi_domain_alloc(&hw->unit);
	KUNIT_ASSERT_FALSE(test, IS_ERR(domain));
	host = &domain->paging.hw;
	host->type = IOMMU_DOMAIN_DMA;
	KUNIT_ASSERT_EQ(test, 0, amdvi_device_attach(device, domain));
	KUNIT_ASSERT_EQ(test, 0, host_map(host, IOVA - SZ_4K, 1));
	KUNIT_ASSERT_EQ(test, 0, host_map(host, IOVA, 512));
	KUNIT_ASSERT_EQ(test, 0, host_map(host, IOVA + SZ_1G, 1));
	KUNIT_EXPECT_EQ(test, 0, reach(hw, device));
	tables = pt_nr_tables(&domain->paging.pt);

	hw->deaf = true;
	host_unmap(host, IOVA - SZ_4K, 1);
	KUNIT_EXPECT_TRUE(test, hw->unit.iommu.dead);
	KUNIT_EXPECT_EQ(test, 0, reach(hw, device));
	hw->deaf = false;
	host_unmap(host, IOVA, 512);
	KUNIT_EXPECT_EQ(test, -EFAULT, reach(hw, device));
	/* The one that is empty now the hardware might still walk. */
	KUNIT_EXPECT_EQ(test, tables, pt_nr_tables(&domain->paging.pt));
	KUNIT_EXPECT_TRUE(test, domain->paging.broken);
	amdvi_device_free(device);
	/* So they are lost here, too. */
	sluice_paging_free_hw(host);
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&hw->violations));
}

/* A device comes back to the domain of its host driver, though no id is left. */
static void default_domain_is_kept(struct kunit *test)
{
	struct fake_amdvi *hw = fake_amdvi_create(test, FAKE_AMDVI_CAP,
						  FAKE_AMDVI_EFR);
	static const u16 rid = 0x108;
	struct amdvi_domain *home, *owner;
	struct amdvi_device *device;
	u16 did;

	device = amdvi_device_alloc(&hw->unit, NULL, &rid, 1);
	KUNIT_ASSERT_FALSE(test, IS_ERR(device));
	home = amdvi_domain_alloc(&hw->unit);
	KUNIT_ASSERT_FALSE(test, IS_ERR(home));
	owner = amdvi_domain_alloc(&hw->unit);
	KUNIT_ASSERT_FALSE(test, IS_ERR(owner));
	home->paging.hw.type = IOMMU_DOMAIN_DMA;
	KUNIT_ASSERT_EQ(test, 0, amdvi_device_attach(device, home));
	did = device->link->did;
	KUNIT_ASSERT_EQ(test, 0, map(home));
	KUNIT_EXPECT_EQ(test, 0, reach(hw, device));
	amdvi_device_block(device);
	KUNIT_ASSERT_EQ(test, 0, amdvi_device_attach(device, owner));
	KUNIT_EXPECT_EQ(test, -EFAULT, reach(hw, device));
	amdvi_device_block(device);
	while (ida_alloc_max(&hw->unit.dids, 65535, GFP_KERNEL) >= 0)
		;
	KUNIT_EXPECT_EQ(test, -ENOSPC, amdvi_device_attach(device, owner));
	KUNIT_ASSERT_EQ(test, 0, amdvi_device_attach(device, home));
	KUNIT_EXPECT_EQ(test, did, device->link->did);
	KUNIT_EXPECT_EQ(test, 0, reach(hw, device));
	/* Without tables, it has no such place. */
	amdvi_device_pass_through(device);
	KUNIT_EXPECT_TRUE(test, list_empty(&home->paging.links));
	KUNIT_ASSERT_EQ(test, 0, amdvi_device_attach(device, home));
	amdvi_device_free(device);
	KUNIT_EXPECT_TRUE(test, list_empty(&home->paging.links));
	sluice_paging_free_hw(&home->paging.hw);
	sluice_paging_free_hw(&owner->paging.hw);
	ida_destroy(&hw->unit.dids);
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&hw->violations));
}

/* ---- In interrupts ---- */

/**
 * struct from_irq - an unmap by an interrupt handler
 * @work: the interrupt
 * @host: the domain
 * @iova: where
 * @done: bytes
 */
struct from_irq {
	struct irq_work work;
	struct iommu_domain *host;
	u64 iova;
	size_t done;
};

static size_t unmap_page(struct iommu_domain *hw, u64 iova)
{
	struct iommu_iotlb_gather iotlb;
	size_t done;

	iommu_iotlb_gather_init(&iotlb);
	done = sluice_paging_unmap_pages(hw, iova, SZ_4K, 1, &iotlb);
	sluice_paging_iotlb_sync(hw, &iotlb);
	return done;
}

static void unmap_in_irq(struct irq_work *work)
{
	struct from_irq *f = container_of(work, struct from_irq, work);

	f->done = unmap_page(f->host, f->iova);
}

/*
 * Pages of several entries are cut by a task, and by an interrupt that might have come
 * while the task did so: lockdep says if that could be the end.
 */
static void cut_in_interrupt(struct kunit *test)
{
	struct fake_amdvi *hw = fake_amdvi_create(test, FAKE_AMDVI_CAP,
						  FAKE_AMDVI_EFR);
	struct amdvi_domain *domain = amdvi_domain_alloc(&hw->unit);
	struct iommu_domain *host;
	struct from_irq f = {};
	unsigned int i;

	KUNIT_ASSERT_FALSE(test, IS_ERR(domain));
	host = &domain->paging.hw;
	KUNIT_ASSERT_EQ(test, 0, host_map(host, IOVA, 8));
	f.work = IRQ_WORK_INIT_HARD(unmap_in_irq);
	f.host = host;
	/* Both cut, and both meet what the other has cut. */
	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_EQ(test, SZ_4K, unmap_page(host, IOVA + i * SZ_4K));
		f.done = 0;
		f.iova = IOVA + (7 - i) * SZ_4K;
		KUNIT_ASSERT_TRUE(test, irq_work_queue(&f.work));
		irq_work_sync(&f.work);
		KUNIT_EXPECT_EQ(test, SZ_4K, f.done);
	}
	if (IS_ENABLED(CONFIG_PROVE_LOCKING))
		KUNIT_EXPECT_TRUE(test, debug_locks);
	sluice_paging_free_hw(host);
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&hw->violations));
}

static struct kunit_case cases[] = {
	KUNIT_CASE(decode),
	KUNIT_CASE(refused),
	KUNIT_CASE(start),
	KUNIT_CASE_SLOW(start_without_all),
	KUNIT_CASE(deaf),
	KUNIT_CASE(suspend),
	KUNIT_CASE(one_domain),
	KUNIT_CASE_SLOW(host_driver_of_the_dead),
	KUNIT_CASE(default_domain_is_kept),
	KUNIT_CASE(cut_in_interrupt),
	{}
};

static struct kunit_suite suite = {
	.name = "sluice_amdvi_units",
	.test_cases = cases,
};

kunit_test_suite(suite);
