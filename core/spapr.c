// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of a container of the types VFIO_SPAPR_TCE_IOMMU (version 1) and
 * VFIO_SPAPR_TCE_v2_IOMMU (linux/vfio.h).
 *
 * Owns: decoding and checking what user space passes, the answers' layout, and which
 * version has what. Does not own: what a map (spapr_map.c, spapr_txn.c), a window
 * (spapr_window.c) and registered memory (spapr_mem.c) are.
 */
#include <linux/align.h>
#include <linux/err.h>
#include <linux/overflow.h>
#include <linux/uaccess.h>

#include "spapr.h"

/* Types that have an ioctl. */
#define V1	BIT(SLUICE_SPACE_SPAPR)
#define V2	BIT(SLUICE_SPACE_SPAPR_V2)
#define EITHER	(V1 | V2)

/* Can the current process use the space for an ioctl of these types? */
static int check_space(const struct sluice_space *space, unsigned long types)
{
	if (likely(BIT(space->type) & types)) {
		if (current->mm != space->uni->mm)
			return -EPERM;
		return list_empty(&space->groups) ? -ENXIO : 0;
	}
	/* It may have lost its type on the way here. */
	return space->type == SLUICE_SPACE_NONE ? -EINVAL : -ENOTTY;
}

static int lock_for_reading(struct sluice_space *space, unsigned long types)
{
	int ret;

	if (down_read_killable(&space->lock))
		return -EINTR;
	ret = check_space(space, types);
	if (unlikely(ret))
		up_read(&space->lock);
	return ret;
}

static int lock_for_writing(struct sluice_space *space, unsigned long types)
{
	int ret;

	if (sluice_space_lock_write(space))
		return -EINTR;
	ret = check_space(space, types);
	if (ret)
		up_write(&space->lock);
	return ret;
}

/* ---- Maps ---- */

static noinline long map_dma(struct sluice_space *space, void __user *arg)
{
	const u32 known = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE;
	const size_t minsz = offsetofend(struct vfio_iommu_type1_dma_map, size);
	struct vfio_iommu_type1_dma_map map __uninitialized;
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
		ret = lock_for_reading(space, EITHER);
		if (ret)
			return ret;
		ret = likely(space->spapr->enabled) ?
			      sluice_spapr_map(space, map.iova, map.vaddr,
					       map.size, prot) :
			      -EPERM;
		reclaim = ret == -ENOMEM || sluice_space_reclaim_due(space);
		up_read(&space->lock);
		if (sluice_space_again(&ret))
			continue;
		if (likely(!reclaim) || again)
			return ret;
		again = true;
		if (!sluice_space_reclaim(space) || ret != -ENOMEM)
			return ret;
	}
}

static noinline long unmap_dma(struct sluice_space *space, void __user *arg)
{
	const size_t minsz =
		offsetofend(struct vfio_iommu_type1_dma_unmap, size);
	struct vfio_iommu_type1_dma_unmap unmap __uninitialized;
	int ret;

	if (copy_from_user(&unmap, arg, minsz))
		return -EFAULT;
	if (unmap.argsz < minsz || unmap.flags)
		return -EINVAL;
	do {
		ret = lock_for_reading(space, EITHER);
		if (ret)
			return ret;
		ret = likely(space->spapr->enabled) ?
			      sluice_spapr_unmap(space, unmap.iova,
						 unmap.size) :
			      -EPERM;
		up_read(&space->lock);
	} while (sluice_space_again(&ret));
	return ret;
}

/* ---- Memory ---- */

static long enable(struct sluice_space *space, bool on)
{
	int ret;

	ret = lock_for_writing(space, V1);
	if (ret)
		return ret;
	ret = on ? sluice_spapr_enable(space) : sluice_spapr_disable(space);
	up_write(&space->lock);
	return ret;
}

static int get_memory(struct vfio_iommu_spapr_register_memory *memory,
		      const void __user *arg)
{
	u64 last;

	if (copy_from_user(memory, arg, sizeof(*memory)))
		return -EFAULT;
	if (memory->argsz < sizeof(*memory) || memory->flags ||
	    !memory->size || !IS_ALIGNED(memory->vaddr | memory->size,
					 PAGE_SIZE) ||
	    check_add_overflow(memory->vaddr, memory->size - 1, &last))
		return -EINVAL;
	return 0;
}

static long register_memory(struct sluice_space *space, void __user *arg)
{
	struct vfio_iommu_spapr_register_memory memory;
	struct sluice_region *region;
	int ret;

	ret = get_memory(&memory, arg);
	ret = ret ?: lock_for_reading(space, V2);
	if (ret)
		return ret;
	ret = sluice_spapr_check_add(space->spapr, memory.vaddr, memory.size);
	up_read(&space->lock);
	if (ret)
		return ret;

	/* Pinning may take long. Meanwhile the space may become another one. */
	region = sluice_region_pin(memory.vaddr, memory.size >> PAGE_SHIFT,
				   SLUICE_PROT_READ | SLUICE_PROT_WRITE);
	if (IS_ERR(region))
		return PTR_ERR(region);
	region->vaddr = memory.vaddr;
	ret = lock_for_writing(space, V2);
	if (!ret) {
		ret = sluice_spapr_add(space, region);
		up_write(&space->lock);
	}
	if (ret)
		sluice_region_release(current->mm, region, false);
	return ret;
}

static long unregister_memory(struct sluice_space *space, void __user *arg)
{
	struct vfio_iommu_spapr_register_memory memory;
	struct sluice_region *region;
	bool stuck;
	int ret;

	ret = get_memory(&memory, arg);
	ret = ret ?: lock_for_writing(space, V2);
	if (ret)
		return ret;
	region = sluice_spapr_take(space, memory.vaddr, memory.size);
	stuck = sluice_space_dead(space);
	up_write(&space->lock);
	if (IS_ERR(region))
		return PTR_ERR(region);
	sluice_region_release(current->mm, region, stuck);
	return 0;
}

/* ---- Windows ---- */

static long get_info(struct sluice_space *space, void __user *arg)
{
	const size_t minsz = offsetofend(struct vfio_iommu_spapr_tce_info,
					 dma32_window_size);
	struct vfio_iommu_spapr_tce_info info = {};
	struct sluice_window_caps caps;
	bool v2;
	int ret;

	if (copy_from_user(&info, arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;
	ret = lock_for_reading(space, EITHER);
	if (ret)
		return ret;
	sluice_spapr_caps(space, &caps);
	v2 = space->spapr->v2;
	up_read(&space->lock);

	info.flags = 0;
	info.dma32_window_start = caps.initial.start;
	info.dma32_window_size = caps.initial.last - caps.initial.start + 1;
	if (v2 && caps.pgsizes) {
		info.flags = VFIO_IOMMU_SPAPR_INFO_DDW;
		info.ddw.pgsizes = caps.pgsizes;
		info.ddw.max_dynamic_windows_supported = caps.max;
		info.ddw.levels = caps.levels;
	}
	return copy_to_user(arg, &info, info.argsz < sizeof(info) ?
					minsz : sizeof(info)) ? -EFAULT : 0;
}

static long tce_create(struct sluice_space *space, void __user *arg)
{
	struct vfio_iommu_spapr_tce_create create;
	int ret;

	if (copy_from_user(&create, arg, sizeof(create)))
		return -EFAULT;
	if (create.argsz < sizeof(create) || create.flags)
		return -EINVAL;
	ret = lock_for_writing(space, V2);
	if (ret)
		return ret;
	ret = sluice_spapr_window_create(space, create.page_shift,
					 create.window_size, create.levels,
					 &create.start_addr);
	up_write(&space->lock);
	if (ret || !copy_to_user(arg, &create, sizeof(create)))
		return ret;
	if (!lock_for_writing(space, V2)) {
		sluice_spapr_window_remove(space, create.start_addr);
		up_write(&space->lock);
	}
	return -EFAULT;
}

static long tce_remove(struct sluice_space *space, void __user *arg)
{
	struct vfio_iommu_spapr_tce_remove remove;
	int ret;

	if (copy_from_user(&remove, arg, sizeof(remove)))
		return -EFAULT;
	if (remove.argsz < sizeof(remove) || remove.flags)
		return -EINVAL;
	ret = lock_for_writing(space, V2);
	if (ret)
		return ret;
	ret = sluice_spapr_window_remove(space, remove.start_addr);
	up_write(&space->lock);
	return ret;
}

/* ---- Errors of the PCI host bridge ---- */

/* Nobody here knows of EEH; VFIO_CHECK_EXTENSION says so. */
static long eeh_pe_op(struct sluice_space *space, void __user *arg)
{
	size_t minsz = offsetofend(struct vfio_eeh_pe_op, op);
	struct vfio_eeh_pe_op op;
	int ret;

	if (copy_from_user(&op, arg, minsz))
		return -EFAULT;
	if (op.op == VFIO_EEH_PE_INJECT_ERR)
		minsz = offsetofend(struct vfio_eeh_pe_op, err.mask);
	if (op.argsz < minsz || op.flags || op.op > VFIO_EEH_PE_INJECT_ERR)
		return -EINVAL;
	ret = lock_for_reading(space, EITHER);
	if (ret)
		return ret;
	up_read(&space->lock);
	return -ENODEV;
}

/**
 * sluice_spapr_ioctl - an ioctl of a SPAPR container that isn't the container's own
 * @space: the container's space
 * @cmd: VFIO_IOMMU_*
 * @arg: the user's structure
 *
 * The numbers of some are those of ioctls that other types have.
 *
 * Return: as ioctl(2): -ENOTTY for an ioctl that the type doesn't have; -EPERM if the
 * process isn't the one that set the type.
 */
long sluice_spapr_ioctl(struct sluice_space *space, unsigned int cmd,
			void __user *arg)
{
	switch (cmd) {
	case VFIO_IOMMU_MAP_DMA:
		return map_dma(space, arg);
	case VFIO_IOMMU_UNMAP_DMA:
		return unmap_dma(space, arg);
	case VFIO_IOMMU_SPAPR_TCE_GET_INFO:
		return get_info(space, arg);
	case VFIO_IOMMU_SPAPR_REGISTER_MEMORY:
		return register_memory(space, arg);
	case VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY:
		return unregister_memory(space, arg);
	case VFIO_IOMMU_SPAPR_TCE_CREATE:
		return tce_create(space, arg);
	case VFIO_IOMMU_SPAPR_TCE_REMOVE:
		return tce_remove(space, arg);
	case VFIO_IOMMU_ENABLE:
		return enable(space, true);
	case VFIO_IOMMU_DISABLE:
		return enable(space, false);
	case VFIO_EEH_PE_OP:
		return eeh_pe_op(space, arg);
	default:
		return -ENOTTY;
	}
}
