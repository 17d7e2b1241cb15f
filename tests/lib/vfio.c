// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "vfio.h"
#include "legacy.h"
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

int vfio_ioctl(int fd, unsigned long cmd, void *arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

int vfio_container(void)
{
	int fd = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	legacy_forget(fd);
	return fd;
}

int vfio_group(const struct pci_dev *dev)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/dev/vfio/%d", dev->group);
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int vfio_set_container(int group, int container)
{
	return vfio_ioctl(group, VFIO_GROUP_SET_CONTAINER, &container);
}

int vfio_unset_container(int group)
{
	return vfio_ioctl(group, VFIO_GROUP_UNSET_CONTAINER, NULL);
}

int vfio_set_iommu(int container, int type)
{
	return vfio_ioctl(container, VFIO_SET_IOMMU, (void *)(long)type);
}

int vfio_get_device(int group, const char *name)
{
	return vfio_ioctl(group, VFIO_GROUP_GET_DEVICE_FD, (void *)name);
}

int vfio_group_flags(int group)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	int ret = vfio_ioctl(group, VFIO_GROUP_GET_STATUS, &status);

	return ret < 0 ? ret : (int)status.flags;
}

int vfio_device_flags(int device)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	int ret = vfio_ioctl(device, VFIO_DEVICE_GET_INFO, &info);

	return ret < 0 ? ret : (int)info.flags;
}

/* The node appears a moment after the driver is bound. */
static int group_open_wait(const struct pci_dev *dev)
{
	uint64_t end = sys_now_ms() + 2000;
	int fd;

	do {
		fd = vfio_group(dev);
		if (fd != -ENOENT)
			return fd;
		sys_sleep_ms(5);
	} while (sys_now_ms() < end);
	return fd;
}

static int open_in(struct vfio *v, const struct pci_dev *dev, int container,
		   int type)
{
	int ret;

	memset(v, 0, sizeof(*v));
	v->pci = *dev;
	v->container = container;
	v->group = -1;
	v->device = -1;
	ret = pci_bind(dev, "vfio-pci");
	if (ret)
		goto err_close;
	ret = group_open_wait(dev);
	if (ret < 0)
		goto err_close;
	v->group = ret;
	ret = vfio_set_container(v->group, v->container);
	if (ret)
		goto err_close;
	ret = type ? vfio_set_iommu(v->container, type) : 0;
	if (ret)
		goto err_close;
	ret = vfio_get_device(v->group, dev->name);
	if (ret < 0)
		goto err_close;
	v->device = ret;
	return 0;

err_close:
	if (!type)
		v->container = -1;
	vfio_close(v);
	return ret;
}

int vfio_set_grace(unsigned int seconds)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", seconds);
	return sys_write("/sys/module/vfio/parameters/removal_grace", text);
}

int vfio_open(struct vfio *v, const struct pci_dev *dev, int type)
{
	int container = vfio_container();

	return container < 0 ? container : open_in(v, dev, container, type);
}

int vfio_join(struct vfio *v, const struct pci_dev *dev, int container)
{
	return open_in(v, dev, container, 0);
}

void vfio_close(struct vfio *v)
{
	if (v->device >= 0)
		close(v->device);
	if (v->group >= 0)
		close(v->group);
	if (v->container >= 0)
		close(v->container);
	v->device = -1;
	v->group = -1;
	v->container = -1;
}

int vfio_map(int container, uint64_t iova, const void *vaddr, uint64_t size,
	     uint32_t flags)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = flags,
		.vaddr = (uintptr_t)vaddr,
		.iova = iova,
		.size = size,
	};

	return vfio_ioctl(container, VFIO_IOMMU_MAP_DMA, &map);
}

static int64_t unmap(int container, uint64_t iova, uint64_t size,
		     uint32_t flags)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.flags = flags,
		.iova = iova,
		.size = size,
	};
	int ret = vfio_ioctl(container, VFIO_IOMMU_UNMAP_DMA, &unmap);

	return ret ? ret : (int64_t)unmap.size;
}

int64_t vfio_unmap(int container, uint64_t iova, uint64_t size)
{
	return unmap(container, iova, size, 0);
}

int64_t vfio_unmap_all(int container)
{
	return unmap(container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL);
}

int vfio_iova_ranges(int container, struct vfio_iova_range *ranges, int max)
{
	union {
		struct vfio_iommu_type1_info info;
		char bytes[4096];
	} u = { .info.argsz = sizeof(u) };
	struct vfio_iommu_type1_info_cap_iova_range *cap;
	uint32_t off;
	int ret, i;

	ret = vfio_ioctl(container, VFIO_IOMMU_GET_INFO, &u.info);
	if (ret)
		return ret;
	if (!(u.info.flags & VFIO_IOMMU_INFO_CAPS))
		return -ENOENT;
	for (off = u.info.cap_offset; off; off = cap->header.next) {
		cap = (void *)(u.bytes + off);
		if (cap->header.id == VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE) {
			for (i = 0; i < (int)cap->nr_iovas && i < max; i++)
				ranges[i] = cap->iova_ranges[i];
			return cap->nr_iovas;
		}
	}
	return -ENOENT;
}

int vfio_region(int device, unsigned int index, struct vfio_region_info *info)
{
	memset(info, 0, sizeof(*info));
	info->argsz = sizeof(*info);
	info->index = index;
	return vfio_ioctl(device, VFIO_DEVICE_GET_REGION_INFO, info);
}

static uint64_t cfg_offset(unsigned int off)
{
	return ((uint64_t)VFIO_PCI_CONFIG_REGION_INDEX << 40) + off;
}

int64_t vfio_cfg_read(int device, unsigned int off, unsigned int size)
{
	uint32_t val = 0;

	if (pread(device, &val, size, cfg_offset(off)) != (ssize_t)size)
		return -1;
	return val;
}

int vfio_cfg_write(int device, unsigned int off, unsigned int size,
		   uint32_t val)
{
	ssize_t ret = pwrite(device, &val, size, cfg_offset(off));

	return ret < 0 ? -errno : ret == (ssize_t)size ? 0 : -EIO;
}

int vfio_command(int device, uint16_t set, uint16_t clear)
{
	int64_t cmd = vfio_cfg_read(device, 0x04, 2);

	if (cmd < 0)
		return -EIO;
	return vfio_cfg_write(device, 0x04, 2, (cmd & ~clear) | set);
}

int vfio_irqs(int device, unsigned int index, unsigned int action,
	      unsigned int start, unsigned int count, const int *fds)
{
	size_t data = fds ? count * sizeof(*fds) : 0;
	struct vfio_irq_set *set;
	int ret;

	set = calloc(1, sizeof(*set) + data);
	if (!set)
		return -ENOMEM;
	set->argsz = sizeof(*set) + data;
	set->flags = action |
		     (fds ? VFIO_IRQ_SET_DATA_EVENTFD : VFIO_IRQ_SET_DATA_NONE);
	set->index = index;
	set->start = start;
	set->count = count;
	if (fds)
		memcpy(set->data, fds, data);
	ret = vfio_ioctl(device, VFIO_DEVICE_SET_IRQS, set);
	free(set);
	return ret;
}

void *vfio_bar_map(int device, unsigned int bar, size_t size)
{
	void *map;

	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, device,
		   (off_t)bar << 40);
	return map == MAP_FAILED ? NULL : map;
}
