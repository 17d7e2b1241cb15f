// SPDX-License-Identifier: GPL-2.0-only
/*
 * Peer-to-peer: a device's memory mapped for another one's DMA, and withdrawn.
 *
 * The device is pretended: an fd opened through the core, mmap()ed by this
 * thread, whose memory is at an address that nobody ever touches.
 */
#include <linux/anon_inodes.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>

#include "legacy_fixture.h"

#define IOVA 0x40000000ULL
#define PAGES(n) ((u64)(n) << PAGE_SHIFT)
#define BAR_PHYS 0x3f0000000000ULL
#define BAR_PAGES 16

static const struct legacy_param params[] = {
	{ "full", SLUICE_SPACE_TYPE1V2, false },
	{ "bare", SLUICE_SPACE_TYPE1V2, true },
};

KUNIT_ARRAY_PARAM_DESC(mmio, params, name);

/**
 * struct peer - a pretended device, in a pretended group
 * @sdev: the device
 * @group: its group, as far as opening a device looks at it
 * @container: likewise
 * @fd: the device's fd
 * @closed: close was called
 */
struct peer {
	struct sluice_device sdev;
	struct sluice_group group;
	struct sluice_container container;
	int fd;
	bool closed;
};

static int peer_open(struct sluice_device *sdev)
{
	return 0;
}

static void peer_close(struct sluice_device *sdev)
{
	sluice_device_mmio_revoke(sdev);
	container_of(sdev, struct peer, sdev)->closed = true;
}

static int peer_mmap(struct sluice_device *sdev, struct vm_area_struct *vma)
{
	vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	return 0;
}

static int peer_mmio_phys(struct sluice_device *sdev,
			  struct vm_area_struct *vma, unsigned long vaddr,
			  phys_addr_t *phys, size_t *len)
{
	u64 offset = PAGES(vma->vm_pgoff) + (vaddr - vma->vm_start);

	if (offset >= PAGES(BAR_PAGES))
		return -EFAULT;
	*phys = BAR_PHYS + offset;
	*len = min_t(u64, *len, PAGES(BAR_PAGES) - offset);
	return 0;
}

static int peer_match(struct sluice_device *sdev, const char *name)
{
	return !strcmp(name, "peer");
}

static const struct sluice_device_ops peer_ops = {
	.name = "kunit-peer",
	.open = peer_open,
	.close = peer_close,
	.mmap = peer_mmap,
	.mmio_phys = peer_mmio_phys,
	.match = peer_match,
};

static const struct file_operations no_fops;

/* Opens a device whose memory may be mapped. */
static struct peer *peer_create(struct kunit *test)
{
	struct peer *peer = kunit_kzalloc(test, sizeof(*peer), GFP_KERNEL);
	struct file *opened;

	KUNIT_ASSERT_NOT_NULL(test, peer);
	sluice_space_init(&peer->container.space);
	peer->container.space.type = SLUICE_SPACE_TYPE1V2;
	mutex_init(&peer->group.lock);
	INIT_LIST_HEAD(&peer->group.devices);
	peer->group.container = &peer->container;
	opened = anon_inode_getfile("[kunit-group]", &no_fops, NULL, O_RDWR);
	KUNIT_ASSERT_FALSE(test, IS_ERR(opened));
	peer->group.opened = opened;

	sluice_device_init(&peer->sdev, NULL, &peer_ops);
	peer->sdev.group = &peer->group;
	peer->sdev.inode = file_inode(opened);
	list_add(&peer->sdev.group_node, &peer->group.devices);
	mutex_lock(&peer->group.lock);
	peer->fd = sluice_device_open_fd(&peer->group, "peer");
	mutex_unlock(&peer->group.lock);
	KUNIT_ASSERT_GE(test, peer->fd, 0);
	sluice_device_mmio_enable(&peer->sdev);
	return peer;
}

/* User address of the device's memory. */
static unsigned long peer_memory(struct kunit *test, struct peer *peer,
				 unsigned long prot, unsigned long npages)
{
	struct file *file = fget(peer->fd);
	unsigned long addr;

	KUNIT_ASSERT_NOT_NULL(test, file);
	addr = vm_mmap(file, 0, PAGES(npages), prot, MAP_SHARED, 0);
	fput(file);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	return addr;
}

/* Unmaps @npages at @addr and closes the device. */
static void peer_destroy(struct kunit *test, struct peer *peer,
			 unsigned long addr, unsigned long npages)
{
	KUNIT_EXPECT_EQ(test, 0, vm_munmap(addr, PAGES(npages)));
	KUNIT_EXPECT_EQ(test, 0, close_fd(peer->fd));
	/* A kernel thread's files are released by a worker. */
	flush_delayed_fput();
	KUNIT_EXPECT_TRUE(test, peer->closed);
	KUNIT_EXPECT_TRUE(test, list_empty(&peer->sdev.mmio_maps));
	KUNIT_EXPECT_EQ(test, peer->group.nr_device_fds, 0);
	fput(peer->group.opened);
	sluice_space_deinit(&peer->container.space);
}

static void expect_bar(struct legacy *l, unsigned int group, u64 iova,
		       unsigned int first, unsigned int n)
{
	phys_addr_t phys;
	unsigned int i;

	for (i = 0; i < n; i++) {
		phys = 0;
		KUNIT_EXPECT_EQ(l->test, 0,
				fake_translate(l->fg[group], iova + PAGES(i),
					       true, &phys));
		KUNIT_EXPECT_EQ(l->test, (u64)phys,
				BAR_PHYS + PAGES(first + i));
	}
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
	return peer_mmap(NULL, vma);
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
	sluice_device_mmio_enable(&peer->sdev);
	legacy_expect_hole(l, 0, IOVA, 4);
	KUNIT_EXPECT_EQ(test, 10, legacy_unmap_pages(l, IOVA, 10));
	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, IOVA, addr, 4, RW));
	expect_bar(l, 0, IOVA, 0, 4);
	expect_bar(l, 2, IOVA, 0, 4);
	legacy_finish(l);
	peer_destroy(test, peer, addr, BAR_PAGES);
}

/* A group that comes later sees what is live, and nothing else. */
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
	KUNIT_EXPECT_EQ(test, BAR_PAGES,
			legacy_unmap_pages(l, IOVA, BAR_PAGES));
	legacy_finish(l);
}

static struct kunit_case mmio_cases[] = {
	KUNIT_CASE_PARAM(mmio_map_unmap, mmio_gen_params),
	KUNIT_CASE_PARAM(mmio_refused, mmio_gen_params),
	KUNIT_CASE_PARAM(mmio_foreign_file, mmio_gen_params),
	KUNIT_CASE_PARAM(mmio_revoke, mmio_gen_params),
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
