// SPDX-License-Identifier: GPL-2.0-only
/*
 * The benchmark over /dev/iommu, with a device attached through its own
 * character device.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "target.h"

/* Headers that have this have linux/iommufd.h too. */
#ifdef VFIO_DEVICE_BIND_IOMMUFD

#include <linux/iommufd.h>

/* The device's node is named in its vfio-dev directory. */
static int open_device(const char *addr)
{
	char path[300];
	struct dirent *entry;
	DIR *dir;
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev", addr);
	dir = opendir(path);
	if (!dir)
		err(EXIT_FAILURE,
		    "%s (bound to vfio-pci, and with CONFIG_VFIO_DEVICE_CDEV?)",
		    path);
	do {
		entry = readdir(dir);
		if (!entry)
			errx(EXIT_FAILURE, "%s is empty", path);
	} while (entry->d_name[0] == '.');
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", entry->d_name);
	closedir(dir);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		err(EXIT_FAILURE, "%s", path);
	return fd;
}

static void attach_device(struct target *t)
{
	struct vfio_device_bind_iommufd bind = {
		.argsz = sizeof(bind),
		.iommufd = t->fd,
	};
	struct vfio_device_attach_iommufd_pt attach = {
		.argsz = sizeof(attach),
		.pt_id = t->ioas,
	};

	if (ioctl(t->device_fd, VFIO_DEVICE_BIND_IOMMUFD, &bind))
		err(EXIT_FAILURE, "VFIO_DEVICE_BIND_IOMMUFD");
	if (ioctl(t->device_fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach))
		err(EXIT_FAILURE, "VFIO_DEVICE_ATTACH_IOMMUFD_PT");
}

static void get_ranges(struct target *t)
{
	struct iommu_ioas_iova_ranges get = {
		.size = sizeof(get),
		.ioas_id = t->ioas,
	};
	struct iommu_iova_range *ranges;
	uint32_t i;

	/* The first call only tells how many there are. */
	if (ioctl(t->fd, IOMMU_IOAS_IOVA_RANGES, &get) && errno != EMSGSIZE)
		err(EXIT_FAILURE, "IOMMU_IOAS_IOVA_RANGES");
	ranges = calloc(get.num_iovas, sizeof(*ranges));
	t->info.ranges = calloc(get.num_iovas, sizeof(*t->info.ranges));
	if (!ranges || !t->info.ranges)
		err(EXIT_FAILURE, "IOVA ranges");
	get.allowed_iovas = (uintptr_t)ranges;
	if (ioctl(t->fd, IOMMU_IOAS_IOVA_RANGES, &get))
		err(EXIT_FAILURE, "IOMMU_IOAS_IOVA_RANGES");
	for (i = 0; i < get.num_iovas; i++) {
		t->info.ranges[i].start = ranges[i].start;
		t->info.ranges[i].last = ranges[i].last;
	}
	t->info.nr_ranges = get.num_iovas;
	free(ranges);
}

static void iommufd_open(struct target *t, const char *addr)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };

	t->fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	if (t->fd < 0)
		err(EXIT_FAILURE, "/dev/iommu");
	if (ioctl(t->fd, IOMMU_IOAS_ALLOC, &alloc))
		err(EXIT_FAILURE, "IOMMU_IOAS_ALLOC");
	t->ioas = alloc.out_ioas_id;
	t->device_fd = open_device(addr);
	attach_device(t);
	get_ranges(t);
}

static void iommufd_map(struct target *t, void *vaddr, uint64_t iova,
			uint64_t size)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = t->ioas,
		.user_va = (uintptr_t)vaddr,
		.length = size,
		.iova = iova,
	};

	if (ioctl(t->fd, IOMMU_IOAS_MAP, &map))
		err(EXIT_FAILURE, "IOMMU_IOAS_MAP");
}

static uint64_t iommufd_unmap(struct target *t, uint64_t iova, uint64_t size)
{
	struct iommu_ioas_unmap unmap = {
		.size = sizeof(unmap),
		.ioas_id = t->ioas,
		.iova = iova,
		.length = size,
	};

	if (ioctl(t->fd, IOMMU_IOAS_UNMAP, &unmap))
		err(EXIT_FAILURE, "IOMMU_IOAS_UNMAP");
	return unmap.length;
}

static void iommufd_close(struct target *t)
{
	sluice_iommu_info_put(&t->info);
	close(t->device_fd);
	close(t->fd);
}

const struct target_ops target_iommufd = {
	.open = iommufd_open,
	.map = iommufd_map,
	.unmap = iommufd_unmap,
	.close = iommufd_close,
};

#else

static void iommufd_missing(struct target *t, const char *addr)
{
	(void)t;
	(void)addr;
	errx(EXIT_FAILURE, "built without the headers that --iommufd needs");
}

const struct target_ops target_iommufd = { .open = iommufd_missing };

#endif
