// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Devices: opening, closing, reset.
 */
#include <string.h>
#include <unistd.h>

#include "internal.h"

static int set_default_iommu(struct sluice_container *c)
{
	static const uint32_t types[] = { VFIO_TYPE1v2_IOMMU, VFIO_TYPE1_IOMMU,
					  VFIO_SPAPR_TCE_v2_IOMMU };
	size_t i;
	int ret;

	if (c->iommu_type)
		return 0;
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		ret = sluice_container_check_extension(c, types[i]);
		if (ret < 0)
			return ret;
		if (ret)
			return sluice_container_set_iommu(c, types[i]);
	}
	return -EOPNOTSUPP;
}

static int device_get_fd(struct sluice_device *dev)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	int ret;

	dev->fd = sluice_ioctl(dev->group->fd, VFIO_GROUP_GET_DEVICE_FD,
			       dev->addr);
	if (dev->fd < 0)
		return dev->fd;
	ret = sluice_ioctl(dev->fd, VFIO_DEVICE_GET_INFO, &info);
	if (ret) {
		close(dev->fd);
		return ret;
	}
	dev->flags = info.flags;
	dev->num_regions = info.num_regions;
	dev->num_irqs = info.num_irqs;
	return 0;
}

int sluice_device_open(struct sluice_device *dev, struct sluice_container *c,
		       const char *addr)
{
	int ret;

	*dev = (struct sluice_device){ .fd = -1, .container = c };
	ret = sluice_pci_addr(addr, dev->addr);
	if (ret)
		return ret;
	ret = sluice_group_get(c, dev->addr, &dev->group);
	if (ret)
		return ret;
	ret = set_default_iommu(c);
	if (!ret)
		ret = device_get_fd(dev);
	if (ret) {
		dev->fd = -1;
		sluice_group_put(c, dev->group);
		return ret;
	}
	dev->group->users++;
	return 0;
}

void sluice_device_close(struct sluice_device *dev)
{
	if (dev->fd < 0)
		return;
	close(dev->fd);
	dev->fd = -1;
	dev->group->users--;
	sluice_group_put(dev->container, dev->group);
}

int sluice_device_reset(struct sluice_device *dev)
{
	return sluice_ioctl_val(dev->fd, VFIO_DEVICE_RESET, 0);
}

const char *sluice_open_strerror(int err)
{
	static const struct {
		int err;
		const char *text;
	} table[] = {
		{ EINVAL, "not a PCI address (which looks like 0000:01:00.0)" },
		{ ENODEV,
		  "no such PCI device, or it is not bound to vfio-pci" },
		{ ENXIO,
		  "in no IOMMU group: is the IOMMU enabled, in the firmware and in the kernel?" },
		{ ENOENT,
		  "no such node in /dev/vfio: is the device bound to vfio-pci?" },
		{ EACCES, "this user may not open its node in /dev/vfio" },
		{ EBUSY,
		  "another process owns the device, or one in its IOMMU group" },
		{ EADDRINUSE,
		  "a host driver uses another device in its IOMMU group" },
		{ EPERM,
		  "no interrupt remapping, so not safe (see allow_unsafe_interrupts)" },
		{ EOPNOTSUPP,
		  "the kernel offers no IOMMU type that this program knows" },
		{ EPROTO, "the kernel's answer does not follow the VFIO ABI" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].err == -err)
			return table[i].text;
	return strerror(-err);
}
