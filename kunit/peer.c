// SPDX-License-Identifier: GPL-2.0-only
/*
 * A pretended device whose memory is mapped for the DMA of others.
 *
 * It is an fd opened through the core, mmap()ed by this thread, and its memory is at
 * an address that nobody ever touches.
 */
#include <linux/anon_inodes.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>

#include "peer.h"

static struct peer *to_peer(struct sluice_device *sdev)
{
	return container_of(sdev, struct peer, sdev);
}

static int peer_open(struct sluice_device *sdev)
{
	struct peer *peer = to_peer(sdev);

	peer->opens++;
	if (peer->slow) {
		complete(&peer->opening);
		wait_for_completion(&peer->go_on);
	}
	return 0;
}

static void peer_close(struct sluice_device *sdev)
{
	struct peer *peer = to_peer(sdev);

	if (peer->on_close)
		peer->on_close(peer);
	sluice_device_mmio_revoke(sdev);
	to_peer(sdev)->closes++;
}

static void peer_quiesce(struct sluice_device *sdev)
{
}

static long peer_ioctl(struct sluice_device *sdev, unsigned int cmd,
		       unsigned long arg)
{
	to_peer(sdev)->calls++;
	return 0;
}

static ssize_t peer_read(struct sluice_device *sdev, char __user *buf,
			 size_t count, loff_t *ppos)
{
	to_peer(sdev)->calls++;
	return 0;
}

static ssize_t peer_write(struct sluice_device *sdev, const char __user *buf,
			  size_t count, loff_t *ppos)
{
	to_peer(sdev)->calls++;
	return count;
}

static vm_fault_t peer_fault(struct sluice_device *sdev, struct vm_fault *vmf)
{
	return VM_FAULT_SIGBUS;
}

static void peer_request(struct sluice_device *sdev, unsigned int count)
{
	to_peer(sdev)->requests++;
}

static bool peer_gone(struct sluice_device *sdev)
{
	return READ_ONCE(to_peer(sdev)->gone);
}

static int peer_mmap(struct sluice_device *sdev, struct vm_area_struct *vma)
{
	vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	return 0;
}

static int peer_mmio_phys(struct sluice_device *sdev, loff_t offset,
			  phys_addr_t *phys, size_t *len)
{
	struct peer *peer = to_peer(sdev);

	if (peer->on_phys)
		peer->on_phys(peer);
	if (offset >= PAGES(peer->npages) || peer->frozen)
		return -EFAULT;
	*phys = peer->phys + offset;
	*len = min_t(u64, *len, PAGES(peer->npages) - offset);
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
	.quiesce = peer_quiesce,
	.ioctl = peer_ioctl,
	.read = peer_read,
	.write = peer_write,
	.mmap = peer_mmap,
	.fault = peer_fault,
	.mmio_phys = peer_mmio_phys,
	.request = peer_request,
	.gone = peer_gone,
	.match = peer_match,
};

static const struct file_operations no_fops;

/* Opens a device whose memory may be mapped. */
struct peer *peer_create(struct kunit *test)
{
	struct peer *peer = kunit_kzalloc(test, sizeof(*peer), GFP_KERNEL);
	struct file *opened;

	KUNIT_ASSERT_NOT_NULL(test, peer);
	peer->phys = BAR_PHYS;
	peer->npages = BAR_PAGES;
	sluice_space_init(&peer->container.space);
	peer->container.space.type = SLUICE_SPACE_TYPE1V2;
	mutex_init(&peer->group.lock);
	INIT_LIST_HEAD(&peer->group.devices);
	peer->group.container = &peer->container;
	opened = anon_inode_getfile("[kunit-group]", &no_fops, NULL, O_RDWR);
	KUNIT_ASSERT_FALSE(test, IS_ERR(opened));
	peer->group.opened = opened;

	init_completion(&peer->opening);
	init_completion(&peer->go_on);
	sluice_device_init(&peer->sdev, NULL, &peer_ops);
	peer->sdev.group = &peer->group;
	peer->sdev.registered = true;
	peer->sdev.inode = file_inode(opened);
	list_add(&peer->sdev.group_node, &peer->group.devices);
	peer->fd = sluice_device_open_fd(&peer->group, "peer");
	KUNIT_ASSERT_GE(test, peer->fd, 0);
	sluice_device_mmio_enable(&peer->sdev);
	return peer;
}

/* User address of the device's memory. */
unsigned long peer_memory(struct kunit *test, struct peer *peer,
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

/* Unmaps @npages at @addr, if any, and closes the device. */
void peer_destroy(struct kunit *test, struct peer *peer, unsigned long addr,
		  unsigned long npages)
{
	if (npages)
		KUNIT_EXPECT_EQ(test, 0, vm_munmap(addr, PAGES(npages)));
	KUNIT_EXPECT_EQ(test, 0, close_fd(peer->fd));
	/* A kernel thread's files are released by a worker. */
	flush_delayed_fput();
	KUNIT_EXPECT_EQ(test, peer->opens, peer->closes);
	KUNIT_EXPECT_TRUE(test, list_empty(&peer->sdev.mmio_maps));
	KUNIT_EXPECT_EQ(test, peer->group.nr_device_fds, 0);
	fput(peer->group.opened);
	sluice_space_deinit(&peer->container.space);
}
