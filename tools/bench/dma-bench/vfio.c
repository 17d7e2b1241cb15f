// SPDX-License-Identifier: GPL-2.0-only
/*
 * The benchmark over a container of VFIO or Sluice (TYPE1v2).
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "target.h"

static void vfio_open(struct target *t, const char *addr)
{
	int ret;

	ret = sluice_container_open(&t->container);
	if (!ret)
		ret = sluice_device_open(&t->device, &t->container, addr);
	if (ret)
		errx(EXIT_FAILURE, "%s: %s", addr, sluice_open_strerror(ret));
	ret = sluice_iommu_info_get(&t->container, &t->info);
	if (ret)
		errx(EXIT_FAILURE, "VFIO_IOMMU_GET_INFO: %s", strerror(-ret));
	t->fd = t->container.fd;
}

static void vfio_map(struct target *t, void *vaddr, uint64_t iova,
		     uint64_t size)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)vaddr,
		.iova = iova,
		.size = size,
	};

	if (ioctl(t->fd, VFIO_IOMMU_MAP_DMA, &map))
		err(EXIT_FAILURE, "VFIO_IOMMU_MAP_DMA");
}

static uint64_t vfio_unmap(struct target *t, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = iova,
		.size = size,
	};

	if (ioctl(t->fd, VFIO_IOMMU_UNMAP_DMA, &unmap))
		err(EXIT_FAILURE, "VFIO_IOMMU_UNMAP_DMA");
	return unmap.size;
}

static void vfio_nop(struct target *t)
{
	if (ioctl(t->fd, VFIO_GET_API_VERSION) != VFIO_API_VERSION)
		err(EXIT_FAILURE, "VFIO_GET_API_VERSION");
}

static void vfio_close(struct target *t)
{
	sluice_iommu_info_put(&t->info);
	sluice_device_close(&t->device);
	sluice_container_close(&t->container);
}

const struct target_ops target_vfio = {
	.open = vfio_open,
	.map = vfio_map,
	.unmap = vfio_unmap,
	.nop = vfio_nop,
	.close = vfio_close,
};
