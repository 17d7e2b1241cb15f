// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Containers: opening, what their IOMMU can do, mapping and unmapping.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "internal.h"

int sluice_container_open(struct sluice_container *c)
{
	int ret;

	*c = (struct sluice_container){ .fd = -1 };
	c->fd = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (c->fd < 0)
		return -errno;
	ret = sluice_ioctl_val(c->fd, VFIO_GET_API_VERSION, 0);
	if (ret == VFIO_API_VERSION)
		return 0;
	close(c->fd);
	c->fd = -1;
	return ret < 0 ? ret : -EPROTO;
}

void sluice_container_close(struct sluice_container *c)
{
	while (c->groups)
		sluice_group_release(c, c->groups);
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

int sluice_container_check_extension(struct sluice_container *c,
				     uint32_t extension)
{
	return sluice_ioctl_val(c->fd, VFIO_CHECK_EXTENSION, extension);
}

int sluice_container_set_iommu(struct sluice_container *c, uint32_t type)
{
	int ret = sluice_ioctl_val(c->fd, VFIO_SET_IOMMU, type);

	if (ret)
		return ret;
	c->iommu_type = type;
	return type == VFIO_SPAPR_TCE_v2_IOMMU ? sluice_spapr_init(c) : 0;
}

/* The kernel says in argsz how much it would have liked to write. */
static int info_fetch(struct sluice_container *c,
		      struct vfio_iommu_type1_info **infop)
{
	struct vfio_iommu_type1_info *info = NULL, *bigger;
	uint32_t size = sizeof(*info);
	int ret;

	for (;;) {
		bigger = realloc(info, size);
		if (!bigger) {
			ret = -ENOMEM;
			break;
		}
		info = bigger;
		*info = (struct vfio_iommu_type1_info){ .argsz = size };
		ret = sluice_ioctl(c->fd, VFIO_IOMMU_GET_INFO, info);
		if (ret)
			break;
		if (info->argsz <= size) {
			info->argsz = size;
			*infop = info;
			return 0;
		}
		size = info->argsz;
	}
	free(info);
	return ret;
}

static int info_take_ranges(struct sluice_iommu_info *out,
			    const struct vfio_info_cap_header *hdr,
			    uint32_t room)
{
	const struct vfio_iommu_type1_info_cap_iova_range *cap;
	uint32_t i;

	cap = (const void *)hdr;
	if (out->ranges || room < sizeof(*cap) ||
	    (room - sizeof(*cap)) / sizeof(cap->iova_ranges[0]) < cap->nr_iovas)
		return -EPROTO;
	out->ranges = calloc(cap->nr_iovas, sizeof(*out->ranges));
	if (!out->ranges)
		return -ENOMEM;
	for (i = 0; i < cap->nr_iovas; i++) {
		out->ranges[i].start = cap->iova_ranges[i].start;
		out->ranges[i].last = cap->iova_ranges[i].end;
	}
	out->nr_ranges = cap->nr_iovas;
	return 0;
}

/* Offsets in the chain must ascend, or a broken chain would never end. */
static int info_walk_caps(struct sluice_iommu_info *out,
			  const struct vfio_iommu_type1_info *info)
{
	const struct vfio_iommu_type1_info_dma_avail *avail;
	const struct vfio_info_cap_header *hdr;
	uint32_t off, next, room;
	int ret;

	for (off = info->cap_offset; off; off = next) {
		if (off < sizeof(*info) || off > info->argsz - sizeof(*hdr))
			return -EPROTO;
		hdr = (const void *)((const char *)info + off);
		room = info->argsz - off;
		next = hdr->next;
		if (next && next <= off)
			return -EPROTO;
		switch (hdr->id) {
		case VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE:
			ret = info_take_ranges(out, hdr, room);
			if (ret)
				return ret;
			break;
		case VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL:
			avail = (const void *)hdr;
			if (room < sizeof(*avail))
				return -EPROTO;
			out->dma_avail = avail->avail;
			break;
		}
	}
	return 0;
}

int sluice_iommu_info_get(struct sluice_container *c,
			  struct sluice_iommu_info *out)
{
	struct vfio_iommu_type1_info *info;
	int ret;

	*out = (struct sluice_iommu_info){ .dma_avail = UINT32_MAX };
	if (c->spapr)
		return sluice_spapr_info(c, out);
	ret = info_fetch(c, &info);
	if (ret)
		return ret;
	if (info->flags & VFIO_IOMMU_INFO_PGSIZES)
		out->page_sizes = info->iova_pgsizes;
	if (info->flags & VFIO_IOMMU_INFO_CAPS)
		ret = info_walk_caps(out, info);
	free(info);
	if (ret)
		sluice_iommu_info_put(out);
	return ret;
}

void sluice_iommu_info_put(struct sluice_iommu_info *info)
{
	free(info->ranges);
	*info = (struct sluice_iommu_info){ 0 };
}

int sluice_iova_find(const struct sluice_iommu_info *info, uint64_t min,
		     uint64_t size, uint64_t align, uint64_t *iova)
{
	const struct sluice_iova_range all = { 0, UINT64_MAX };
	const struct sluice_iova_range *range = info->ranges;
	uint32_t n = info->nr_ranges;
	uint64_t start;

	if (!size || !align || (align & (align - 1)))
		return -EINVAL;
	if (!n) {
		range = &all;
		n = 1;
	}
	for (; n; n--, range++) {
		start = range->start > min ? range->start : min;
		if (start > UINT64_MAX - (align - 1))
			continue;
		start = (start + align - 1) & ~(align - 1);
		if (start <= range->last && range->last - start >= size - 1) {
			*iova = start;
			return 0;
		}
	}
	return -ENOSPC;
}

int sluice_dma_map(struct sluice_container *c, const void *vaddr, uint64_t iova,
		   uint64_t size, uint32_t prot)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = prot,
		.vaddr = (uintptr_t)vaddr,
		.iova = iova,
		.size = size,
	};

	if (c->spapr)
		return sluice_spapr_map(c, vaddr, iova, size, prot);
	return sluice_ioctl(c->fd, VFIO_IOMMU_MAP_DMA, &map);
}

static int dma_unmap(struct sluice_container *c, uint32_t flags, uint64_t iova,
		     uint64_t size, uint64_t *unmapped)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.flags = flags,
		.iova = iova,
		.size = size,
	};
	int ret = sluice_ioctl(c->fd, VFIO_IOMMU_UNMAP_DMA, &unmap);

	if (!ret && unmapped)
		*unmapped = unmap.size;
	return ret;
}

int sluice_dma_unmap(struct sluice_container *c, uint64_t iova, uint64_t size,
		     uint64_t *unmapped)
{
	if (c->spapr)
		return sluice_spapr_unmap(c, iova, size, unmapped);
	return dma_unmap(c, 0, iova, size, unmapped);
}

int sluice_dma_unmap_all(struct sluice_container *c, uint64_t *unmapped)
{
	int ret;

	/* No window begins with the last address of all. */
	if (c->spapr)
		return sluice_spapr_unmap(c, 0, UINT64_MAX, unmapped);
	ret = sluice_container_check_extension(c, VFIO_UNMAP_ALL);
	if (ret < 0)
		return ret;
	if (!ret)
		return -EOPNOTSUPP;
	return dma_unmap(c, VFIO_DMA_UNMAP_FLAG_ALL, 0, 0, unmapped);
}
