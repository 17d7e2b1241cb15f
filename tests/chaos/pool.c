// SPDX-License-Identifier: GPL-2.0-only
/*
 * What users share: containers, groups, devices; and whether all of it is as it was.
 */
#include "chaos.h"
#include "legacy.h"
#include "uni.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define CHECK_MS 20000

void pool_find_devices(struct pool *pool)
{
	static const uint32_t ids[] = { PCI_ID_EDU, PCI_ID_NVME,
					PCI_ID_E1000E };
	unsigned int i, nth;

	pool->nr_devices = 0;
	for (i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		for (nth = 0; nth < 3 && pool->nr_devices < NR_DEVICES; nth++) {
			struct chaos_device *dev = &pool->dev[pool->nr_devices];

			if (pci_find_alone(&dev->pci, ids[i], nth))
				break;
			pool->nr_devices++;
		}
	}
}

static void dev_close(struct chaos_device *dev)
{
	if (dev->bar)
		munmap(dev->bar, dev->bar_size);
	if (dev->fd >= 0)
		close(dev->fd);
	if (dev->group >= 0)
		close(dev->group);
	dev->bar = NULL;
	dev->fd = -1;
	dev->group = -1;
}

/* Maps the first BAR that can be. */
static void dev_map(struct chaos_device *dev)
{
	struct vfio_region_info info;
	unsigned int i;

	for (i = 0; i < 6 && !dev->bar; i++) {
		if (vfio_region(dev->fd, i, &info) ||
		    !(info.flags & VFIO_REGION_INFO_FLAG_MMAP))
			continue;
		dev->bar_size = info.size;
		dev->bar = vfio_bar_map(dev->fd, i, info.size);
	}
}

static int dev_open(struct chaos_device *dev, int container)
{
	int ret;

	ret = pci_bind(&dev->pci, "vfio-pci");
	if (ret)
		return ret;
	dev->group = vfio_group(&dev->pci);
	if (dev->group < 0)
		return dev->group;
	ret = vfio_set_container(dev->group, container);
	if (ret)
		return ret;
	return 0;
}

static int dev_open_fd(struct chaos_device *dev)
{
	dev->fd = vfio_get_device(dev->group, dev->pci.name);
	if (dev->fd < 0)
		return dev->fd;
	vfio_command(dev->fd, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0);
	dev_map(dev);
	return 0;
}

int pool_open(struct pool *pool)
{
	unsigned int i, container;
	int ret;

	for (i = 0; i < NR_DEVICES; i++) {
		pool->dev[i].fd = -1;
		pool->dev[i].group = -1;
	}
	for (i = 0; i < NR_EVENTFDS; i++)
		pool->efd[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	for (i = 0; i < NR_CONTAINERS; i++)
		pool->container[i] = vfio_container();
	for (i = 0; i < pool->nr_devices; i++) {
		container = i % NR_CONTAINERS;
		ret = dev_open(&pool->dev[i], pool->container[container]);
		if (ret)
			return ret;
		if (i < NR_CONTAINERS)
			ret = vfio_set_iommu(pool->container[container],
					     is_unified(container) ?
						     SLUICE_UNIFIED_IOMMU :
						     legacy_type());
		if (!ret && i < NR_CONTAINERS && is_unified(container))
			ret = uni_window_at(pool->container[container],
					    IOVA_BASE, WINDOW_SIZE, 0);
		ret = ret ? ret : dev_open_fd(&pool->dev[i]);
		if (ret)
			return ret;
	}
	for (i = 0; i < NR_MEMS; i++) {
		pool->mem[i] = sys_alloc(MEM_SIZE, 2 * MIB);
		if (!pool->mem[i])
			return -ENOMEM;
	}
	return 0;
}

void pool_close(struct pool *pool)
{
	unsigned int i;

	for (i = 0; i < pool->nr_devices; i++)
		dev_close(&pool->dev[i]);
	for (i = 0; i < NR_CONTAINERS; i++)
		close(pool->container[i]);
	for (i = 0; i < NR_EVENTFDS; i++)
		close(pool->efd[i]);
	for (i = 0; i < NR_MEMS; i++) {
		if (pool->mem[i])
			munmap(pool->mem[i], MEM_SIZE);
		pool->mem[i] = NULL;
	}
}

/* One try: a disk's first page. */
static bool read_page(void *buf)
{
	ssize_t ret;
	int fd;

	fd = open("/dev/nvme0n1", O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (fd < 0)
		fd = open("/dev/nvme1n1", O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (fd < 0)
		return false;
	ret = read(fd, buf, PAGE);
	close(fd);
	return ret == PAGE;
}

/* Reads the disk that an NVMe's own driver finds, and tells of a little later. */
static int read_disk(void)
{
	uint64_t end = sys_now_ms() + CHECK_MS;
	void *buf = aligned_alloc(PAGE, PAGE);
	bool done;

	if (!buf)
		return -ENOMEM;
	do {
		done = read_page(buf);
		if (!done)
			sys_sleep_ms(50);
	} while (!done && sys_now_ms() < end);
	free(buf);
	return done ? 0 : -EIO;
}

/* Opens it in a container of its own, with a fresh life. */
static int check_device(const struct pci_dev *pci)
{
	struct vfio v;
	int ret;

	ret = pci_bind(pci, "vfio-pci");
	if (ret)
		return ret;
	ret = legacy_open(&v, pci);
	if (ret)
		return ret;
	if (vfio_cfg_read(v.device, PCI_VENDOR_ID, 2) != pci->vendor)
		ret = -EIO;
	if (!ret && vfio_device_flags(v.device) & VFIO_DEVICE_FLAGS_RESET)
		ret = vfio_ioctl(v.device, VFIO_DEVICE_RESET, NULL);
	vfio_close(&v);
	return ret;
}

int pool_check(struct pool *pool, char *why, size_t size)
{
	unsigned int i;
	int ret;

	for (i = 0; i < pool->nr_devices; i++) {
		struct pci_dev *pci = &pool->dev[i].pci;

		pci_look_again(pci);
		ret = check_device(pci);
		if (ret) {
			snprintf(why, size, "%s can't be used: %s", pci->name,
				 strerror(-ret));
			return ret;
		}
		if (pci->device != (PCI_ID_NVME >> 16))
			continue;
		ret = pci_bind(pci, NULL);
		ret = ret ? ret : read_disk();
		if (!ret)
			ret = pci_bind(pci, "");
		if (ret) {
			snprintf(why, size, "the disk of %s can't be read: %s",
				 pci->name, strerror(-ret));
			return ret;
		}
	}
	return 0;
}
