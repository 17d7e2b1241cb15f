// SPDX-License-Identifier: GPL-2.0-only
/*
 * VT-d domains on several units: which fit, domain ids, flushes that reach all,
 * and units that cease to answer.
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>

#include "core/private.h"
#include "vtd_hw.h"

#define COHERENT	(FAKE_VTD_ECAP | FAKE_VTD_ECAP_C)
#define RW		(SLUICE_PROT_READ | SLUICE_PROT_WRITE)
#define IOVA		0x40000000ULL
#define PHYS		0x1200000000ULL

static int init(struct kunit *test)
{
	fake_vtd_stub_groups(test);
	fake_vtd_stub_domains(test);
	return 0;
}

static struct vtd_device *add_device(struct kunit *test, struct fake_vtd *hw,
				     u16 rid)
{
	return fake_vtd_device_create(test, hw, &rid, 1)->device;
}

static struct vtd_domain *add_domain(struct kunit *test, struct fake_vtd *hw)
{
	struct vtd_domain *domain = vtd_domain_alloc(&hw->unit);

	KUNIT_ASSERT_FALSE(test, IS_ERR(domain));
	return domain;
}

static void free_domain(struct vtd_domain *domain)
{
	sluice_paging_free_hw(&domain->paging.hw);
}

static void map(struct kunit *test, struct vtd_domain *domain, u64 iova,
		u64 bytes)
{
	struct sluice_extent e = { .iova = iova, .phys = PHYS, .len = bytes };
	struct sluice_gather gather;
	u64 done;

	sluice_gather_init(&gather);
	KUNIT_ASSERT_EQ(test, 0,
			sluice_paging_map(&domain->paging.domain, &e, 1, RW,
					  &done, &gather));
	if (gather.nr || gather.nonleaf)
		KUNIT_ASSERT_EQ(test, 0,
				sluice_paging_flush(&domain->paging.domain,
						    &gather));
}

/* Tables that may not be freed are left in @gather. */
static int unmap_gather(struct vtd_domain *domain, u64 iova, u64 bytes,
			struct sluice_gather *gather)
{
	struct sluice_range range = { iova, iova + (bytes - 1) };
	struct sluice_extent e;

	sluice_gather_init(gather);
	while (!sluice_range_empty(&range))
		sluice_paging_unmap(&domain->paging.domain, iova, &range, &e,
				    1, gather);
	return sluice_paging_flush(&domain->paging.domain, gather);
}

static int unmap(struct kunit *test, struct vtd_domain *domain, u64 iova,
		 u64 bytes)
{
	struct sluice_gather gather;
	int ret = unmap_gather(domain, iova, bytes, &gather);

	KUNIT_EXPECT_TRUE(test, list_empty(&gather.tables));
	return ret;
}

static int reach(struct vtd_device *device, u64 iova)
{
	phys_addr_t phys;

	return fake_vtd_translate(fake_vtd_of(device->unit), device->rids[0],
				  iova, true, &phys);
}

/* ---- Which fit ---- */

#define CAP_48_ONLY	(FAKE_VTD_CAP & ~BIT_ULL(9))
#define SNOOP		BIT_ULL(7)

static void fits(struct kunit *test)
{
	static const struct {
		u64 cap, ecap;	/* the domain's unit */
		u64 cap2, ecap2;
		bool fits;
	} pairs[] = {
		{ FAKE_VTD_CAP, COHERENT, FAKE_VTD_CAP, COHERENT, true },
		/* The other unit can do more, or less. */
		{ FAKE_VTD_CAP_39, COHERENT, FAKE_VTD_CAP, COHERENT, true },
		{ FAKE_VTD_CAP, COHERENT, FAKE_VTD_CAP_39, COHERENT, false },
		{ FAKE_VTD_CAP_39, COHERENT, CAP_48_ONLY, COHERENT, false },
		{ FAKE_VTD_CAP, COHERENT, FAKE_VTD_CAP_57, COHERENT, false },
		{ FAKE_VTD_CAP, COHERENT, FAKE_VTD_CAP & ~BIT_ULL(35),
		  COHERENT, false },
		{ FAKE_VTD_CAP & ~BIT_ULL(35), COHERENT, FAKE_VTD_CAP,
		  COHERENT, true },
		/* As deep, but narrower: 46 bits. */
		{ FAKE_VTD_CAP, COHERENT, FAKE_VTD_CAP & ~BIT_ULL(17), COHERENT,
		  false },
		{ FAKE_VTD_CAP & ~BIT_ULL(17), COHERENT, FAKE_VTD_CAP, COHERENT,
		  true },
		/* Snooping is in the entries. */
		{ FAKE_VTD_CAP, COHERENT | SNOOP, FAKE_VTD_CAP, COHERENT,
		  false },
		{ FAKE_VTD_CAP, COHERENT, FAKE_VTD_CAP, COHERENT | SNOOP,
		  false },
		/* Tables are written back, or they are not. */
		{ FAKE_VTD_CAP, COHERENT, FAKE_VTD_CAP, FAKE_VTD_ECAP, false },
		{ FAKE_VTD_CAP, FAKE_VTD_ECAP, FAKE_VTD_CAP, COHERENT, true },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		struct fake_vtd *a = fake_vtd_create(test, pairs[i].cap,
						     pairs[i].ecap);
		struct fake_vtd *b = fake_vtd_create(test, pairs[i].cap2,
						     pairs[i].ecap2);
		struct vtd_device *device = add_device(test, b, 0x100);
		struct vtd_domain *domain = add_domain(test, a);

		KUNIT_EXPECT_EQ_MSG(test, pairs[i].fits,
				    vtd_domain_fits(domain, &b->unit),
				    "pair %u", i);
		KUNIT_EXPECT_EQ_MSG(test, pairs[i].fits ? 0 : -EINVAL,
				    vtd_device_attach(device, domain),
				    "pair %u", i);
		map(test, domain, IOVA, SZ_2M);
		KUNIT_EXPECT_EQ_MSG(test, pairs[i].fits ? 0 : -EFAULT,
				    reach(device, IOVA), "pair %u", i);
		vtd_device_block(device);
		free_domain(domain);
	}
	fake_vtd_check_idle(test);
}

/* ---- Two units ---- */

static void flush_reaches_both(struct kunit *test)
{
	struct fake_vtd *a = fake_vtd_create(test, FAKE_VTD_CAP, COHERENT);
	struct fake_vtd *b = fake_vtd_create(test, FAKE_VTD_CAP, COHERENT);
	struct vtd_device *on_a = add_device(test, a, 0x100);
	struct vtd_device *on_b = add_device(test, b, 0x100);
	struct vtd_device *before = add_device(test, b, 0x200);
	struct vtd_domain *first = add_domain(test, b);
	struct vtd_domain *domain = add_domain(test, a);

	/* The id that it has on one is another's on the other. */
	KUNIT_ASSERT_EQ(test, 0, vtd_device_attach(before, first));
	KUNIT_ASSERT_EQ(test, 0, vtd_device_attach(on_a, domain));
	KUNIT_ASSERT_EQ(test, 0, vtd_device_attach(on_b, domain));
	KUNIT_EXPECT_EQ(test, 2, on_a->link->did);
	KUNIT_EXPECT_EQ(test, 2, before->link->did);
	KUNIT_EXPECT_EQ(test, 3, on_b->link->did);
	map(test, domain, IOVA, SZ_16K);
	map(test, first, IOVA, SZ_16K);
	KUNIT_EXPECT_EQ(test, 0, reach(on_a, IOVA));
	KUNIT_EXPECT_EQ(test, 0, reach(on_b, IOVA));
	KUNIT_EXPECT_EQ(test, 0, reach(before, IOVA));
	KUNIT_ASSERT_EQ(test, 0, unmap(test, domain, IOVA, SZ_16K));
	KUNIT_EXPECT_EQ(test, -EFAULT, reach(on_a, IOVA));
	KUNIT_EXPECT_EQ(test, -EFAULT, reach(on_b, IOVA));
	KUNIT_EXPECT_EQ(test, 0, reach(before, IOVA));

	/* One goes: flushes no longer bother its unit. */
	vtd_device_block(on_b);
	fake_vtd_clear_events(b);
	map(test, domain, IOVA, SZ_4K);
	KUNIT_ASSERT_EQ(test, 0, unmap(test, domain, IOVA, SZ_4K));
	KUNIT_EXPECT_EQ(test, 0, b->nr_events);
	vtd_device_block(on_a);
	vtd_device_block(before);
	free_domain(domain);
	free_domain(first);
	fake_vtd_check_idle(test);
}

/* ---- Domain ids ---- */

#define IDS 14	/* ND = 0: 16, of which two are taken */

static void ids_run_out(struct kunit *test)
{
	struct fake_vtd *hw = fake_vtd_create(test, FAKE_VTD_CAP & ~7ULL,
					      COHERENT);
	struct vtd_domain *domain[IDS], *more;
	struct vtd_device *device[IDS];
	unsigned int i;

	for (i = 0; i < IDS; i++) {
		device[i] = add_device(test, hw, 0x100 + i);
		domain[i] = add_domain(test, hw);
		KUNIT_ASSERT_EQ(test, 0, vtd_device_attach(device[i],
							   domain[i]));
		KUNIT_EXPECT_EQ(test, 2 + i, device[i]->link->did);
		map(test, domain[i], IOVA, SZ_4K);
	}
	more = add_domain(test, hw);
	fake_vtd_clear_events(hw);
	KUNIT_EXPECT_EQ(test, -ENOSPC, vtd_device_attach(device[3], more));
	/* Nothing has changed. */
	KUNIT_EXPECT_EQ(test, 0, hw->nr_events);
	KUNIT_EXPECT_PTR_EQ(test, domain[3], device[3]->domain);
	KUNIT_EXPECT_EQ(test, 0, reach(device[3], IOVA));
	KUNIT_EXPECT_TRUE(test, list_empty(&more->paging.links));

	/* One that is given back is taken again, and clean. */
	vtd_device_block(device[5]);
	KUNIT_EXPECT_EQ(test, 0, vtd_device_attach(device[3], more));
	KUNIT_EXPECT_EQ(test, 7, device[3]->link->did);
	KUNIT_EXPECT_EQ(test, -EFAULT, reach(device[3], IOVA));
	for (i = 0; i < IDS; i++) {
		vtd_device_block(device[i]);
		free_domain(domain[i]);
	}
	free_domain(more);
	fake_vtd_check_idle(test);
}

/*
 * A device comes back to the domain of its host driver when others have taken all ids
 * that were free: the kernel expects that to succeed.
 */
static void default_domain_is_kept(struct kunit *test)
{
	struct fake_vtd *hw = fake_vtd_create(test, FAKE_VTD_CAP & ~7ULL,
					      COHERENT);
	struct vtd_device *device = add_device(test, hw, 0x100);
	struct vtd_device *other = add_device(test, hw, 0x101);
	struct vtd_domain *home = add_domain(test, hw);
	struct vtd_domain *next = add_domain(test, hw);
	struct vtd_domain *owner = add_domain(test, hw);
	unsigned int did;
	int id;

	home->paging.hw.type = IOMMU_DOMAIN_DMA;
	next->paging.hw.type = IOMMU_DOMAIN_DMA_FQ;
	KUNIT_ASSERT_EQ(test, 0, vtd_device_attach(device, home));
	did = device->link->did;
	map(test, home, IOVA, SZ_4K);
	KUNIT_EXPECT_EQ(test, 0, reach(device, IOVA));
	/* It is claimed, and translated for its owner; an id is left, or none. */
	vtd_device_block(device);
	KUNIT_ASSERT_EQ(test, 0, vtd_device_attach(device, owner));
	KUNIT_EXPECT_EQ(test, -EFAULT, reach(device, IOVA));
	while (ida_alloc_max(&hw->unit.dids, 15, GFP_KERNEL) >= 0)
		;
	KUNIT_EXPECT_EQ(test, -ENOSPC, vtd_device_attach(other, next));
	/* What is unmapped meanwhile isn't there when it is back. */
	KUNIT_ASSERT_EQ(test, 0, unmap(test, home, IOVA, SZ_4K));
	map(test, home, IOVA + SZ_4K, SZ_4K);
	vtd_device_block(device);
	id = ida_alloc_max(&hw->unit.dids, 15, GFP_KERNEL);
	KUNIT_ASSERT_LT(test, 0, id);
	KUNIT_ASSERT_EQ(test, 0, vtd_device_attach(device, home));
	KUNIT_EXPECT_EQ(test, did, device->link->did);
	KUNIT_EXPECT_EQ(test, -EFAULT, reach(device, IOVA));
	KUNIT_EXPECT_EQ(test, 0, reach(device, IOVA + SZ_4K));

	/* Another default domain: the place in the first is free. */
	ida_free(&hw->unit.dids, id);
	KUNIT_ASSERT_EQ(test, 0, vtd_device_attach(device, next));
	KUNIT_EXPECT_TRUE(test, list_empty(&home->paging.links));
	free_domain(home);
	vtd_device_block(device);
	KUNIT_EXPECT_FALSE(test, list_empty(&next->paging.links));
	/* And one without tables. */
	KUNIT_ASSERT_EQ(test, 0, vtd_device_pass_through(device));
	KUNIT_EXPECT_TRUE(test, list_empty(&next->paging.links));

	/* Two share the place; the last one takes it along when it goes. */
	KUNIT_ASSERT_EQ(test, 0, vtd_device_attach(device, next));
	KUNIT_ASSERT_EQ(test, 0, vtd_device_attach(other, next));
	vtd_device_block(device);
	vtd_device_block(other);
	KUNIT_ASSERT_EQ(test, 0, vtd_device_pass_through(device));
	KUNIT_EXPECT_FALSE(test, list_empty(&next->paging.links));
	KUNIT_ASSERT_EQ(test, 0, vtd_device_pass_through(other));
	KUNIT_EXPECT_TRUE(test, list_empty(&next->paging.links));
	vtd_device_block(device);
	vtd_device_block(other);
	free_domain(next);
	free_domain(owner);
	ida_destroy(&hw->unit.dids);
}

/* What hardware may still know under an id is nobody else's. */
static void ids_stay_with_the_dead(struct kunit *test)
{
	struct fake_vtd *hw = fake_vtd_create(test, FAKE_VTD_CAP, COHERENT);
	struct vtd_device *device = add_device(test, hw, 0x100);
	struct vtd_domain *domain = add_domain(test, hw);

	KUNIT_ASSERT_EQ(test, 0, vtd_device_attach(device, domain));
	hw->dies = 1;
	vtd_device_block(device);
	KUNIT_EXPECT_TRUE(test, hw->unit.iommu.dead);
	KUNIT_EXPECT_TRUE(test, domain->paging.broken);
	KUNIT_EXPECT_FALSE(test, ida_is_empty(&hw->unit.dids));
	free_domain(domain);
	KUNIT_EXPECT_EQ(test, 1, fake_vtd_kept_tables());
}

/* ---- Units that don't answer ---- */

static void dead(struct kunit *test)
{
	struct fake_vtd *a = fake_vtd_create(test, FAKE_VTD_CAP, COHERENT);
	struct fake_vtd *b = fake_vtd_create(test, FAKE_VTD_CAP, COHERENT);
	struct vtd_device *on_a = add_device(test, a, 0x100);
	struct vtd_device *on_b = add_device(test, b, 0x100);
	struct vtd_domain *broken = add_domain(test, a);
	struct vtd_domain *fine = add_domain(test, b);
	struct sluice_gather gather;
	long tables;

	KUNIT_ASSERT_EQ(test, 0, vtd_device_attach(on_a, broken));
	KUNIT_ASSERT_EQ(test, 0, vtd_device_attach(on_b, fine));
	map(test, broken, IOVA, SZ_4M);
	map(test, broken, IOVA + SZ_1G, SZ_4K);
	map(test, fine, IOVA, SZ_4M);
	KUNIT_EXPECT_EQ(test, 0, reach(on_a, IOVA));
	tables = pt_nr_tables(&broken->paging.pt);
	a->dies = 1;
	/* The table of what is unmapped would be freed. */
	KUNIT_EXPECT_EQ(test, -EIO, unmap_gather(broken, IOVA + SZ_1G, SZ_1G,
						 &gather));
	KUNIT_EXPECT_FALSE(test, list_empty(&gather.tables));
	KUNIT_EXPECT_EQ(test, tables, pt_nr_tables(&broken->paging.pt));
	KUNIT_EXPECT_TRUE(test, a->unit.iommu.dead);
	KUNIT_EXPECT_TRUE(test, broken->paging.broken);

	/* It is told all the same: not all that fails once fails for ever. */
	fake_vtd_clear_events(a);
	KUNIT_EXPECT_EQ(test, -EIO, unmap(test, broken, IOVA, SZ_4M));
	KUNIT_EXPECT_LT(test, 0, a->nr_events);
	fake_vtd_clear_events(a);
	vtd_device_block(on_a);
	KUNIT_EXPECT_LT(test, 0, a->nr_events);
	pt_free_gathered(&broken->paging.pt, &gather);
	tables = pt_nr_tables(&broken->paging.pt);
	free_domain(broken);
	KUNIT_EXPECT_EQ(test, tables, fake_vtd_kept_tables());

	/* The other unit has nothing to do with it. */
	KUNIT_EXPECT_FALSE(test, b->unit.iommu.dead);
	KUNIT_EXPECT_EQ(test, 0, reach(on_b, IOVA));
	KUNIT_EXPECT_EQ(test, 0, unmap(test, fine, IOVA, SZ_4M));
	KUNIT_EXPECT_EQ(test, -EFAULT, reach(on_b, IOVA));
	vtd_device_block(on_b);
	free_domain(fine);
}

/* One of two units dies when its device leaves, where nobody can be told. */
static void dies_on_the_way_out(struct kunit *test)
{
	struct fake_vtd *a = fake_vtd_create(test, FAKE_VTD_CAP, COHERENT);
	struct fake_vtd *b = fake_vtd_create(test, FAKE_VTD_CAP, COHERENT);
	struct vtd_device *on_a = add_device(test, a, 0x100);
	struct vtd_device *on_b = add_device(test, b, 0x100);
	struct vtd_domain *domain = add_domain(test, a);

	KUNIT_ASSERT_EQ(test, 0, vtd_device_attach(on_a, domain));
	KUNIT_ASSERT_EQ(test, 0, vtd_device_attach(on_b, domain));
	map(test, domain, IOVA, SZ_4K);
	KUNIT_EXPECT_EQ(test, 0, reach(on_b, IOVA));
	b->dies = 1;
	vtd_device_block(on_b);
	/* Its entry is gone, but it hasn't heard of that. */
	KUNIT_EXPECT_EQ(test, 0, reach(on_b, IOVA));
	/* So the memory must not be unpinned, whatever the other unit says. */
	KUNIT_EXPECT_EQ(test, -EIO, unmap(test, domain, IOVA, SZ_4K));
	vtd_device_block(on_a);
	KUNIT_EXPECT_EQ(test, -EIO, unmap(test, domain, IOVA, SZ_4K));
	free_domain(domain);
	KUNIT_EXPECT_LT(test, 1, fake_vtd_kept_tables());
}

/* ... or when a device comes, in each of the steps. */
static void dies_on_the_way_in(struct kunit *test)
{
	unsigned int n;

	for (n = 1; n <= 6; n++) {
		struct fake_vtd *hw = fake_vtd_create(test, FAKE_VTD_CAP |
						      FAKE_VTD_CAP_CM,
						      COHERENT);
		struct vtd_device *device = add_device(test, hw, 0x100);
		struct vtd_domain *first = add_domain(test, hw);
		struct vtd_domain *domain = add_domain(test, hw);
		u64 high;

		KUNIT_ASSERT_EQ(test, 0, vtd_device_attach(device, first));
		hw->dies = n;
		/*
		 * The old entry is forgotten, then that there was none: whoever
		 * isn't told that is blocked.
		 */
		KUNIT_EXPECT_EQ(test, 0, vtd_device_attach(device, domain));
		KUNIT_EXPECT_EQ(test, n <= 4, hw->unit.iommu.dead);
		KUNIT_EXPECT_NE(test, 0, fake_vtd_peek(hw, 0x100, &high));
		KUNIT_EXPECT_EQ(test, n <= 2, first->paging.broken);
		hw->dies = 0;
		vtd_device_block(device);
		free_domain(first);
		free_domain(domain);
	}
}

/* ---- A space ---- */

static void unregister(void *data)
{
	sluice_backend_unregister(&vtd_backend);
}

static void space_attach(struct kunit *test, struct sluice_space *space,
			 struct fake_vtd_device *fd)
{
	down_write(&space->lock);
	KUNIT_EXPECT_EQ(test, 0, sluice_space_attach(space, fd->group));
	up_write(&space->lock);
}

static void space_detach(struct sluice_space *space, struct fake_vtd_device *fd)
{
	down_write(&space->lock);
	sluice_space_detach(space, fd->group);
	up_write(&space->lock);
}

/* The device reads what the process sees. */
static void expect_content(struct kunit *test, struct fake_vtd_device *fd,
			   u64 iova, unsigned long vaddr)
{
	u64 __user *p = (u64 __user *)vaddr;
	phys_addr_t phys = 0;
	u64 want = 0;

	KUNIT_ASSERT_EQ(test, 0, get_user(want, p));
	KUNIT_ASSERT_EQ(test, 0,
			fake_vtd_translate(fake_vtd_of(fd->device->unit),
					   fd->device->rids[0], iova, false,
					   &phys));
	KUNIT_EXPECT_EQ(test, want, *(u64 *)phys_to_virt(phys));
}

#define PAGES 32

static void space(struct kunit *test)
{
	static const u16 rids[] = { 0x100, 0x200, 0x300 };
	struct fake_vtd *hw = fake_vtd_create(test, FAKE_VTD_CAP, COHERENT);
	struct fake_vtd *same = fake_vtd_create(test, FAKE_VTD_CAP, COHERENT);
	struct fake_vtd *narrow = fake_vtd_create(test, FAKE_VTD_CAP_39,
						  FAKE_VTD_ECAP);
	struct fake_vtd_device *a, *b, *c;
	struct sluice_space space;
	unsigned long addr, i;
	u64 unmapped = 0;
	int ret;

	ret = sluice_backend_register(&vtd_backend);
	if (ret != -EEXIST) {
		KUNIT_ASSERT_EQ(test, 0, ret);
		KUNIT_ASSERT_EQ(test, 0, kunit_add_action(test, unregister,
							  NULL));
	}
	a = fake_vtd_device_create(test, hw, &rids[0], 1);
	b = fake_vtd_device_create(test, same, &rids[1], 1);
	c = fake_vtd_device_create(test, narrow, &rids[2], 1);
	sluice_space_init(&space);
	space.type = SLUICE_SPACE_TYPE1V2;
	addr = kunit_vm_mmap(test, NULL, 0, PAGES * PAGE_SIZE,
			     PROT_READ | PROT_WRITE,
			     MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_NE(test, addr, 0);
	for (i = 0; i < PAGES; i++)
		KUNIT_ASSERT_EQ(test, 0,
				put_user(0x1000 + i,
					 (u64 __user *)(addr +
							i * PAGE_SIZE)));

	space_attach(test, &space, a);
	KUNIT_EXPECT_EQ(test, BIT_ULL(48) - 1,
			space.usable.v[space.usable.nr - 1].last);
	down_read(&space.lock);
	KUNIT_ASSERT_EQ(test, 0,
			sluice_legacy_map(&space, IOVA, addr,
					  PAGES * PAGE_SIZE, RW, NULL));
	up_read(&space.lock);
	/* The same tables for a unit that is equal, others for one that isn't. */
	space_attach(test, &space, b);
	KUNIT_EXPECT_EQ(test, 1, fake_vtd_domains());
	space_attach(test, &space, c);
	KUNIT_EXPECT_EQ(test, 2, fake_vtd_domains());
	KUNIT_EXPECT_PTR_EQ(test, a->device->domain, b->device->domain);
	/* The narrowest decides. */
	KUNIT_EXPECT_EQ(test, BIT_ULL(39) - 1,
			space.usable.v[space.usable.nr - 1].last);
	for (i = 0; i < PAGES; i++) {
		u64 iova = IOVA + i * PAGE_SIZE;

		expect_content(test, a, iova, addr + i * PAGE_SIZE);
		expect_content(test, b, iova, addr + i * PAGE_SIZE);
		expect_content(test, c, iova, addr + i * PAGE_SIZE);
	}
	down_read(&space.lock);
	KUNIT_EXPECT_EQ(test, 0,
			sluice_legacy_unmap(&space, IOVA,
					    IOVA + (PAGES * PAGE_SIZE - 1),
					    &unmapped));
	up_read(&space.lock);
	KUNIT_EXPECT_EQ(test, PAGES * PAGE_SIZE, unmapped);
	KUNIT_EXPECT_EQ(test, -EFAULT, reach(a->device, IOVA));
	KUNIT_EXPECT_EQ(test, -EFAULT, reach(b->device, IOVA));
	KUNIT_EXPECT_EQ(test, -EFAULT, reach(c->device, IOVA));

	space_detach(&space, a);
	space_detach(&space, c);
	space_detach(&space, b);
	sluice_space_deinit(&space);
	fake_vtd_check_idle(test);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(fits),
	KUNIT_CASE(flush_reaches_both),
	KUNIT_CASE(ids_run_out),
	KUNIT_CASE(default_domain_is_kept),
	KUNIT_CASE(ids_stay_with_the_dead),
	KUNIT_CASE(dead),
	KUNIT_CASE(dies_on_the_way_out),
	KUNIT_CASE(dies_on_the_way_in),
	KUNIT_CASE(space),
	{}
};

static struct kunit_suite suite = {
	.name = "sluice_vtd_domains",
	.init = init,
	.test_cases = cases,
};

kunit_test_suite(suite);
