// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of a TYPE1 or TYPE1v2 container (linux/vfio.h).
 *
 * Owns: decoding and checking what user space passes, and the answers' layout.
 * Does not own: what a map or unmap does (legacy.c, legacy_unmap.c).
 */
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

#include "unified.h"

/* Any type but those of this file. */
static noinline int wrong_type(struct sluice_space *space)
{
	int ret = space->type == SLUICE_SPACE_NONE ? -EINVAL : -ENOTTY;

	up_read(&space->lock);
	return ret;
}

static int lock_space(struct sluice_space *space)
{
	if (down_read_killable(&space->lock))
		return -EINTR;
	if (likely(space->type == SLUICE_SPACE_TYPE1 ||
		   space->type == SLUICE_SPACE_TYPE1V2))
		return 0;
	return wrong_type(space);
}

static noinline long map_dma(struct sluice_space *space, void __user *arg)
{
	const u32 known = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE;
	const size_t minsz = offsetofend(struct vfio_iommu_type1_dma_map, size);
	struct vfio_iommu_type1_dma_map map __uninitialized;
	struct sluice_early early __uninitialized;
	bool reclaim, again = false;
	unsigned int prot = 0;
	int ret;

	if (copy_from_user(&map, arg, minsz))
		return -EFAULT;
	if (map.argsz < minsz || map.flags & ~known)
		return -EINVAL;
	if (map.flags & VFIO_DMA_MAP_FLAG_READ)
		prot |= SLUICE_PROT_READ;
	if (map.flags & VFIO_DMA_MAP_FLAG_WRITE)
		prot |= SLUICE_PROT_WRITE;
	if (!prot)
		return -EINVAL;

	for (;;) {
		sluice_pin_early(&early, map.vaddr, map.size, prot);
		ret = lock_space(space);
		if (ret) {
			sluice_unpin_early(&early, prot);
			return ret;
		}
		ret = sluice_legacy_map(space, map.iova, map.vaddr, map.size,
					prot, &early);
		reclaim = ret == -ENOMEM || sluice_space_reclaim_due(space);
		up_read(&space->lock);
		sluice_unpin_early(&early, prot);
		if (sluice_space_again(&ret))
			continue;
		if (likely(!reclaim) || again)
			return ret;
		again = true;
		if (!sluice_space_reclaim(space) || ret != -ENOMEM)
			return ret;
	}
}

static int check_unmap(struct sluice_space *space,
		       const struct vfio_iommu_type1_dma_unmap *unmap,
		       u64 *last)
{
	u64 granule = sluice_space_granule(space);

	if (unmap->flags & VFIO_DMA_UNMAP_FLAG_ALL) {
		*last = U64_MAX;
		return unmap->iova || unmap->size ? -EINVAL : 0;
	}
	if (!unmap->size || !IS_ALIGNED(unmap->iova | unmap->size, granule))
		return -EINVAL;
	/* An end of exactly 2^64, which QEMU asks for, is none. */
	if (check_add_overflow(unmap->iova, unmap->size - 1, last))
		return -EOVERFLOW;
	return 0;
}

static noinline long unmap_dma(struct sluice_space *space,
			       struct vfio_iommu_type1_dma_unmap __user *arg)
{
	const size_t minsz =
		offsetofend(struct vfio_iommu_type1_dma_unmap, size);
	struct vfio_iommu_type1_dma_unmap unmap __uninitialized;
	u64 last, bytes;
	int ret;

	if (copy_from_user(&unmap, arg, minsz))
		return -EFAULT;
	if (unmap.argsz < minsz || unmap.flags & ~VFIO_DMA_UNMAP_FLAG_ALL)
		return -EINVAL;

	do {
		ret = lock_space(space);
		if (ret)
			return ret;
		ret = check_unmap(space, &unmap, &last);
		if (!ret)
			ret = sluice_legacy_unmap(space, unmap.iova, last,
						  &bytes);
		up_read(&space->lock);
	} while (sluice_space_again(&ret));
	return ret ?: put_user(bytes, &arg->size);
}

/*
 * The capability chain of IOMMU_GET_INFO stands behind the struct: first what
 * is left of mappings, then the usable ranges. Each begins at a multiple of 8.
 */
#define RANGES_AT ALIGN(sizeof(struct vfio_iommu_type1_info_dma_avail), 8)

static_assert(sizeof(struct vfio_iommu_type1_info) % 8 == 0);

static size_t chain_size(const struct sluice_space *space)
{
	return RANGES_AT +
	       struct_size_t(struct vfio_iommu_type1_info_cap_iova_range,
			     iova_ranges, space->usable.nr);
}

static void chain_fill(const struct sluice_space *space, void *chain, u32 at)
{
	struct vfio_iommu_type1_info_dma_avail *avail = chain;
	struct vfio_iommu_type1_info_cap_iova_range *ranges = chain + RANGES_AT;
	unsigned int i;

	avail->header.id = VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL;
	avail->header.version = 1;
	avail->header.next = at + RANGES_AT;
	/* Mappings are limited by memory (the memcg), not by number. */
	avail->avail = U32_MAX;

	ranges->header.id = VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE;
	ranges->header.version = 1;
	ranges->nr_iovas = space->usable.nr;
	for (i = 0; i < space->usable.nr; i++) {
		ranges->iova_ranges[i].start = space->usable.v[i].start;
		ranges->iova_ranges[i].end = space->usable.v[i].last;
	}
}

static noinline long get_info(struct sluice_space *space, void __user *arg)
{
	const size_t minsz =
		offsetofend(struct vfio_iommu_type1_info, iova_pgsizes);
	struct vfio_iommu_type1_info info = {};
	size_t size, want;
	void *chain;
	int ret;

	if (copy_from_user(&info, arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;
	want = min_t(size_t, info.argsz, sizeof(info));

	ret = lock_space(space);
	if (ret)
		return ret;
	size = chain_size(space);
	chain = kzalloc(size, GFP_KERNEL);
	if (chain)
		chain_fill(space, chain, sizeof(info));
	info.iova_pgsizes = space->pgsizes;
	up_read(&space->lock);
	if (!chain)
		return -ENOMEM;

	info.flags = VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS;
	info.cap_offset = 0;
	if (info.argsz < sizeof(info) + size) {
		info.argsz = sizeof(info) + size;
	} else {
		info.cap_offset = sizeof(info);
		if (copy_to_user(arg + sizeof(info), chain, size))
			ret = -EFAULT;
	}
	kfree(chain);
	if (!ret && copy_to_user(arg, &info, want))
		ret = -EFAULT;
	return ret;
}

/**
 * sluice_type1_ioctl - an ioctl of a container that isn't the container's own
 * @space: the container's space
 * @cmd: VFIO_IOMMU_*
 * @arg: as ioctl(2)
 *
 * Those of linux/sluice.h are passed on.
 *
 * Return: as ioctl(2): -EINVAL if no IOMMU type has been set; -ENOTTY for an
 * ioctl that the type doesn't have.
 */
long sluice_type1_ioctl(struct sluice_space *space, unsigned int cmd,
			unsigned long arg)
{
	void __user *uarg = (void __user *)arg;

	switch (cmd) {
	case VFIO_IOMMU_GET_INFO:
		return get_info(space, uarg);
	case VFIO_IOMMU_MAP_DMA:
		return map_dma(space, uarg);
	case VFIO_IOMMU_UNMAP_DMA:
		return unmap_dma(space, uarg);
	default:
		/* Which also says what is wrong with one that nobody knows. */
		return sluice_uapi_ioctl(space, cmd, uarg);
	}
}
