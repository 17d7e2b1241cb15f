/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VFIO ABI as plain calls: one ioctl each, nothing remembered, nothing
 * retried, so that a test sees what the kernel answered. Every function
 * returns a negative errno on failure.
 */
#ifndef TEST_VFIO_H
#define TEST_VFIO_H

#include "pci.h"
#include <linux/vfio.h>

#define MAP_R VFIO_DMA_MAP_FLAG_READ
#define MAP_W VFIO_DMA_MAP_FLAG_WRITE
#define MAP_RW (MAP_R | MAP_W)

struct vfio {
	struct pci_dev pci;
	int container;
	int group;
	int device;
};

/* ioctl(2) that returns -errno. */
int vfio_ioctl(int fd, unsigned long cmd, void *arg);

int vfio_container(void);
int vfio_group(const struct pci_dev *dev);
int vfio_set_container(int group, int container);
int vfio_unset_container(int group);
int vfio_set_iommu(int container, int type);
int vfio_get_device(int group, const char *name);
int vfio_group_flags(int group);

/* VFIO_DEVICE_FLAGS_*. */
int vfio_device_flags(int device);

/* How long a removal waits for users. The peer has no such parameter. */
#define VFIO_GRACE_DEFAULT 30
int vfio_set_grace(unsigned int seconds);

/* Binds the device to vfio-pci, opens all three fds, sets the type. */
int vfio_open(struct vfio *v, const struct pci_dev *dev, int type);

/* The same, with a group added to a container that has a type. */
int vfio_join(struct vfio *v, const struct pci_dev *dev, int container);

/* Closes what is open, device first. */
void vfio_close(struct vfio *v);

int vfio_map(int container, uint64_t iova, const void *vaddr, uint64_t size,
	     uint32_t flags);

/* Returns the number of bytes unmapped. */
int64_t vfio_unmap(int container, uint64_t iova, uint64_t size);
int64_t vfio_unmap_all(int container);

/* The usable IOVA ranges; their number, at most @max of them stored. */
int vfio_iova_ranges(int container, struct vfio_iova_range *ranges, int max);

/* A region's offset and size. */
int vfio_region(int device, unsigned int index, struct vfio_region_info *info);

/* Configuration space as the device fd shows it; -1 on failure. */
int64_t vfio_cfg_read(int device, unsigned int off, unsigned int size);
int vfio_cfg_write(int device, unsigned int off, unsigned int size,
		   uint32_t val);

/* Bits of the command register, set or cleared. */
int vfio_command(int device, uint16_t set, uint16_t clear);

/* SET_IRQS with @count eventfds, or with DATA_NONE if @fds is NULL. */
int vfio_irqs(int device, unsigned int index, unsigned int action,
	      unsigned int start, unsigned int count, const int *fds);

/* mmap of a BAR, or NULL. */
void *vfio_bar_map(int device, unsigned int bar, size_t size);

#endif /* TEST_VFIO_H */
