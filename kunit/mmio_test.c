// SPDX-License-Identifier: GPL-2.0-only
/*
 * Peer-to-peer: a device's memory mapped for another one's DMA, and withdrawn.
 *
 * The device is pretended, peer.c.
 */
#include <linux/anon_inodes.h>
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>

#include "legacy_fixture.h"
#include "peer.h"

#define IOVA 0x40000000ULL

static const struct legacy_param params[] = {
	{ "full", SLUICE_SPACE_TYPE1V2, false },
	{ "bare", SLUICE_SPACE_TYPE1V2, true },
};

KUNIT_ARRAY_PARAM_DESC(mmio, params, name);

static void expect_moved_bar(struct legacy *l, unsigned int group, u64 iova,
			     unsigned int first, unsigned int n, u64 by)
{
	phys_addr_t phys;
	unsigned int i;

	for (i = 0; i < n; i++) {
		phys = 0;
		KUNIT_EXPECT_EQ(l->test, 0,
				fake_translate(l->fg[group], iova + PAGES(i),
					       true, &phys));
		KUNIT_EXPECT_EQ(l->test, (u64)phys,
				BAR_PHYS + PAGES(first + i) + by);
	}
}

static void expect_bar(struct legacy *l, unsigned int group, u64 iova,
		       unsigned int first, unsigned int n)
{
	expect_moved_bar(l, group, iova, first, n, 0);
}

static void wait_for_bar(struct legacy *l, unsigned int group, u64 iova)
{
	phys_addr_t phys;
	unsigned int ms;

	for (ms = 0; ms < 2000; ms++) {
		if (!fake_translate(l->fg[group], iova, true, &phys))
			break;
		fsleep(USEC_PER_MSEC);
	}
	/* Who has begun is done then. */
	sluice_mmio_lock();
	sluice_mmio_unlock();
}

static void mmio_map_unmap(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	struct peer *peer = peer_create(test);
	unsigned long addr = peer_memory(test, peer, PROT_READ | PROT_WRITE,
					 BAR_PAGES);

	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, IOVA, addr, BAR_PAGES, RW));
	expect_bar(l, 0, IOVA, 0, BAR_PAGES);
	/* Device memory is charged to nobody. */
	KUNIT_EXPECT_EQ(test, legacy_locked(l), 0);
	KUNIT_EXPECT_EQ(test, -EEXIST, legacy_map(l, IOVA, addr, 1, RW));

	/* A part of it, elsewhere. */
	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, -PAGES(2), addr + PAGES(5), 2,
					    RW));
	expect_bar(l, 0, -PAGES(2), 5, 2);
	KUNIT_EXPECT_EQ(test, BAR_PAGES,
			legacy_unmap_pages(l, IOVA, BAR_PAGES));
	legacy_expect_hole(l, 0, IOVA, BAR_PAGES);
	expect_bar(l, 0, -PAGES(2), 5, 2);
	legacy_finish(l);
	peer_destroy(test, peer, addr, BAR_PAGES);
}

static void mmio_refused(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	struct peer *peer = peer_create(test);
	unsigned long addr = peer_memory(test, peer, PROT_READ, BAR_PAGES + 2);
	phys_addr_t phys;

	/* More rights than the process has. */
	KUNIT_EXPECT_EQ(test, -EFAULT, legacy_map(l, IOVA, addr, 1, RW));
	KUNIT_EXPECT_EQ(test, 0, legacy_map(l, IOVA, addr, 1, RO));
	KUNIT_EXPECT_EQ(test, -EACCES,
			fake_translate(l->fg[0], IOVA, true, &phys));
	/* More than there is: behind the BAR, and behind the VMA. */
	KUNIT_EXPECT_EQ(test, -EFAULT,
			legacy_map(l, 2 * IOVA, addr, BAR_PAGES + 1, RO));
	KUNIT_EXPECT_EQ(test, -EFAULT,
			legacy_map(l, 2 * IOVA, addr + PAGES(BAR_PAGES + 1), 2,
				   RO));
	/* Decoding is off. */
	sluice_device_mmio_revoke(&peer->sdev);
	KUNIT_EXPECT_EQ(test, -EFAULT, legacy_map(l, 2 * IOVA, addr, 1, RO));
	sluice_device_mmio_enable(&peer->sdev);
	KUNIT_EXPECT_EQ(test, 0, legacy_map(l, 2 * IOVA, addr, 1, RO));
	legacy_finish(l);
	peer_destroy(test, peer, addr, BAR_PAGES + 2);
}

/* The same memory by a file that isn't ours: nobody would revoke it. */
static int foreign_mmap(struct file *file, struct vm_area_struct *vma)
{
	vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	return 0;
}

static const struct file_operations foreign_fops = {
	.mmap = foreign_mmap,
};

static void mmio_foreign_file(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	struct file *file;
	unsigned long addr;

	file = anon_inode_getfile("[kunit-foreign]", &foreign_fops, NULL,
				  O_RDWR);
	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	addr = vm_mmap(file, 0, PAGES(2), PROT_READ | PROT_WRITE, MAP_SHARED,
		       0);
	fput(file);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	KUNIT_EXPECT_EQ(test, -EFAULT, legacy_map(l, IOVA, addr, 2, RW));
	KUNIT_EXPECT_EQ(test, legacy_locked(l), 0);
	legacy_finish(l);
	KUNIT_EXPECT_EQ(test, 0, vm_munmap(addr, PAGES(2)));
}

/* Gone from every domain, caches included, when revoke returns. */
static void mmio_revoke(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	struct peer *peer = peer_create(test);
	unsigned long addr = peer_memory(test, peer, PROT_READ | PROT_WRITE,
					 BAR_PAGES);
	unsigned long ram = legacy_memory(l, 2);

	KUNIT_ASSERT_EQ(test, 0, legacy_attach(l, 2));
	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, IOVA, addr, 4, RW));
	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, IOVA + PAGES(4), ram, 2, RW));
	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, IOVA + PAGES(6),
					    addr + PAGES(4), 4, RW));
	expect_bar(l, 0, IOVA, 0, 4);
	expect_bar(l, 2, IOVA + PAGES(6), 4, 4);

	sluice_device_mmio_revoke(&peer->sdev);
	legacy_expect_hole(l, 0, IOVA, 4);
	legacy_expect_hole(l, 2, IOVA, 4);
	legacy_expect_hole(l, 0, IOVA + PAGES(6), 4);
	legacy_expect_hole(l, 2, IOVA + PAGES(6), 4);
	legacy_expect_mapped(l, 0, IOVA + PAGES(4), ram, 2);
	legacy_expect_mapped(l, 2, IOVA + PAGES(4), ram, 2);

	/* For the user the mappings are still there, without effect. */
	KUNIT_EXPECT_EQ(test, -EEXIST, legacy_map(l, IOVA, ram, 1, RW));
	KUNIT_EXPECT_EQ(test, -EEXIST, legacy_map(l, IOVA, addr, 4, RW));
	/* They come back without a table being made, wherever the BAR is. */
	peer->phys += PAGES(1UL << 20);
	atomic_set(&l->hw->fail_alloc, 1);
	sluice_device_mmio_enable(&peer->sdev);
	KUNIT_EXPECT_EQ(test, atomic_read(&l->hw->fail_alloc), 1);
	atomic_set(&l->hw->fail_alloc, 0);
	expect_moved_bar(l, 0, IOVA, 0, 4, PAGES(1UL << 20));
	expect_moved_bar(l, 2, IOVA, 0, 4, PAGES(1UL << 20));
	expect_moved_bar(l, 2, IOVA + PAGES(6), 4, 4, PAGES(1UL << 20));
	legacy_expect_mapped(l, 2, IOVA + PAGES(4), ram, 2);
	KUNIT_EXPECT_EQ(test, -EEXIST, legacy_map(l, IOVA, ram, 1, RW));
	KUNIT_EXPECT_EQ(test, 10, legacy_unmap_pages(l, IOVA, 10));
	legacy_expect_hole(l, 0, IOVA, 10);
	legacy_finish(l);
	peer_destroy(test, peer, addr, BAR_PAGES);
}

/* Unmapped while it is withdrawn: its place is free, and it doesn't come back. */
static void mmio_unmapped_meanwhile(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	struct peer *peer = peer_create(test);
	unsigned long addr = peer_memory(test, peer, PROT_READ | PROT_WRITE,
					 BAR_PAGES);
	unsigned long ram = legacy_memory(l, 1);

	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, IOVA, addr, BAR_PAGES, RW));
	sluice_device_mmio_revoke(&peer->sdev);
	KUNIT_EXPECT_EQ(test, BAR_PAGES,
			legacy_unmap_pages(l, IOVA, BAR_PAGES));
	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, IOVA, ram, 1, RW));
	sluice_device_mmio_enable(&peer->sdev);
	legacy_expect_mapped(l, 0, IOVA, ram, 1);
	legacy_expect_hole(l, 0, IOVA + PAGES(1), BAR_PAGES - 1);
	legacy_finish(l);
	peer_destroy(test, peer, addr, BAR_PAGES);
}

/* A group that comes later sees what is live, and the rest when that comes back. */
static void mmio_second_domain(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	struct peer *gone = peer_create(test), *live = peer_create(test);
	unsigned long a = peer_memory(test, gone, PROT_READ | PROT_WRITE, 2);
	unsigned long b = peer_memory(test, live, PROT_READ | PROT_WRITE, 2);

	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, IOVA, a, 2, RW));
	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, 2 * IOVA, b, 2, RW));
	sluice_device_mmio_revoke(&gone->sdev);
	KUNIT_ASSERT_EQ(test, 0, legacy_attach(l, 2));
	legacy_expect_hole(l, 2, IOVA, 2);
	expect_bar(l, 2, 2 * IOVA, 0, 2);
	sluice_device_mmio_enable(&gone->sdev);
	/* Without prepare it may take a moment. */
	wait_for_bar(l, 2, IOVA);
	expect_bar(l, 0, IOVA, 0, 2);
	expect_bar(l, 2, IOVA, 0, 2);
	sluice_device_mmio_revoke(&gone->sdev);
	legacy_expect_hole(l, 2, IOVA, 2);
	sluice_device_mmio_revoke(&live->sdev);
	legacy_expect_hole(l, 0, 2 * IOVA, 2);
	legacy_expect_hole(l, 2, 2 * IOVA, 2);
	legacy_finish(l);
	peer_destroy(test, gone, a, 2);
	peer_destroy(test, live, b, 2);
}

/* The user closes the device first: its close revokes. */
static void mmio_close_revokes(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	struct peer *peer = peer_create(test);
	unsigned long addr = peer_memory(test, peer, PROT_READ | PROT_WRITE,
					 BAR_PAGES);

	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, IOVA, addr, BAR_PAGES, RW));
	expect_bar(l, 0, IOVA, 0, BAR_PAGES);
	peer_destroy(test, peer, addr, BAR_PAGES);
	legacy_expect_hole(l, 0, IOVA, BAR_PAGES);
	/* For good: the next user of the device is somebody else. */
	sluice_device_mmio_enable(&peer->sdev);
	legacy_expect_hole(l, 0, IOVA, BAR_PAGES);
	KUNIT_EXPECT_EQ(test, -EEXIST,
			legacy_map(l, IOVA, legacy_memory(l, 1), 1, RW));
	KUNIT_EXPECT_EQ(test, BAR_PAGES,
			legacy_unmap_pages(l, IOVA, BAR_PAGES));
	legacy_finish(l);
}

static struct kunit_case mmio_cases[] = {
	KUNIT_CASE_PARAM(mmio_map_unmap, mmio_gen_params),
	KUNIT_CASE_PARAM(mmio_refused, mmio_gen_params),
	KUNIT_CASE_PARAM(mmio_foreign_file, mmio_gen_params),
	KUNIT_CASE_PARAM(mmio_revoke, mmio_gen_params),
	KUNIT_CASE_PARAM(mmio_unmapped_meanwhile, mmio_gen_params),
	KUNIT_CASE_PARAM(mmio_second_domain, mmio_gen_params),
	KUNIT_CASE_PARAM(mmio_close_revokes, mmio_gen_params),
	{}
};

static struct kunit_suite mmio_suite = {
	.name = "sluice_mmio",
	.suite_init = fake_suite_init,
	.suite_exit = fake_suite_exit,
	.test_cases = mmio_cases,
};

kunit_test_suite(mmio_suite);
