// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Regions: BARs and configuration space, read, written and mapped.
 */
#include <endian.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "internal.h"

int sluice_region_get(struct sluice_device *dev, uint32_t index,
		      struct sluice_region *region)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = index,
	};
	int ret = sluice_ioctl(dev->fd, VFIO_DEVICE_GET_REGION_INFO, &info);

	if (ret)
		return ret;
	region->flags = info.flags;
	region->size = info.size;
	region->offset = info.offset;
	return 0;
}

int sluice_region_mmap(struct sluice_device *dev, uint32_t index,
		       uint64_t offset, uint64_t size, void **ptr, size_t *len)
{
	struct sluice_region region;
	int prot = 0;
	int ret;

	ret = sluice_region_get(dev, index, &region);
	if (ret)
		return ret;
	if (!(region.flags & VFIO_REGION_INFO_FLAG_MMAP))
		return -EOPNOTSUPP;
	if (offset >= region.size)
		return -EINVAL;
	if (!size)
		size = region.size - offset;
	if (size > region.size - offset || size > SIZE_MAX)
		return -EINVAL;
	if (region.flags & VFIO_REGION_INFO_FLAG_READ)
		prot |= PROT_READ;
	if (region.flags & VFIO_REGION_INFO_FLAG_WRITE)
		prot |= PROT_WRITE;
	*ptr = mmap(NULL, size, prot, MAP_SHARED, dev->fd,
		    region.offset + offset);
	if (*ptr == MAP_FAILED)
		return -errno;
	*len = size;
	return 0;
}

int sluice_regs_open(struct sluice_regs *regs, struct sluice_device *dev,
		     uint32_t index)
{
	struct sluice_region region;
	size_t len;
	int ret;

	*regs = (struct sluice_regs){ .dev = dev, .index = index };
	ret = sluice_region_get(dev, index, &region);
	if (ret)
		return ret;
	if (!region.size)
		return -ENOENT;
	if (sluice_region_mmap(dev, index, 0, 0, &regs->ptr, &len))
		regs->ptr = NULL;
	regs->size = region.size;
	return 0;
}

void sluice_regs_close(struct sluice_regs *regs)
{
	if (regs->ptr)
		munmap(regs->ptr, regs->size);
	*regs = (struct sluice_regs){ .ptr = NULL };
}

uint32_t sluice_regs_read32(const struct sluice_regs *regs, uint64_t offset)
{
	uint32_t le = UINT32_MAX;

	if (regs->ptr)
		le = __atomic_load_n((uint32_t *)((char *)regs->ptr + offset),
				     __ATOMIC_RELAXED);
	else if (sluice_region_read(regs->dev, regs->index, offset, &le,
				    sizeof(le)))
		return UINT32_MAX;
	/* What is read next must not be older than this. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return le32toh(le);
}

/* A doorbell must not pass the memory that it announces. */
void sluice_regs_write32(const struct sluice_regs *regs, uint64_t offset,
			 uint32_t value)
{
	uint32_t le = htole32(value);

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (regs->ptr)
		__atomic_store_n((uint32_t *)((char *)regs->ptr + offset), le,
				 __ATOMIC_RELAXED);
	else
		sluice_region_write(regs->dev, regs->index, offset, &le,
				    sizeof(le));
}

/*
 * Where an access goes in the device's descriptor. The bounds are checked
 * here because in the descriptor another region may follow.
 */
static int region_locate(struct sluice_device *dev, uint32_t index,
			 uint64_t offset, size_t len, off_t *pos)
{
	struct sluice_region region;
	int ret = sluice_region_get(dev, index, &region);

	if (ret)
		return ret;
	if (offset > region.size || len > region.size - offset)
		return -EINVAL;
	*pos = region.offset + offset;
	return 0;
}

int sluice_region_read(struct sluice_device *dev, uint32_t index,
		       uint64_t offset, void *buf, size_t len)
{
	ssize_t n;
	off_t pos;
	int ret = region_locate(dev, index, offset, len, &pos);

	if (ret)
		return ret;
	n = pread(dev->fd, buf, len, pos);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

int sluice_region_write(struct sluice_device *dev, uint32_t index,
			uint64_t offset, const void *buf, size_t len)
{
	ssize_t n;
	off_t pos;
	int ret = region_locate(dev, index, offset, len, &pos);

	if (ret)
		return ret;
	n = pwrite(dev->fd, buf, len, pos);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

/* Configuration space is little-endian whatever the CPU is. */
int sluice_config_read(struct sluice_device *dev, uint32_t offset,
		       unsigned int width, uint32_t *value)
{
	uint32_t le = 0;
	int ret;

	if (width != 1 && width != 2 && width != 4)
		return -EINVAL;
	ret = sluice_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX, offset, &le,
				 width);
	if (!ret)
		*value = le32toh(le);
	return ret;
}

int sluice_config_write(struct sluice_device *dev, uint32_t offset,
			unsigned int width, uint32_t value)
{
	uint32_t le = htole32(value);

	if (width != 1 && width != 2 && width != 4)
		return -EINVAL;
	return sluice_region_write(dev, VFIO_PCI_CONFIG_REGION_INDEX, offset,
				   &le, width);
}

int sluice_device_set_bus_master(struct sluice_device *dev, bool on)
{
	uint32_t cmd;
	int ret = sluice_config_read(dev, PCI_COMMAND, 2, &cmd);

	if (ret)
		return ret;
	if (on)
		cmd |= PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY;
	else
		cmd &= ~PCI_COMMAND_MASTER;
	return sluice_config_write(dev, PCI_COMMAND, 2, cmd);
}
