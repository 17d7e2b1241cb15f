// SPDX-License-Identifier: GPL-2.0-only
/*
 * What users do to containers: maps, unmaps, windows, registrations, of both kinds.
 */
#include "chaos.h"
#include "legacy.h"
#include "uni.h"

#include <errno.h>

/* ---- Legacy containers ---- */

static int legacy_map_unmap(struct actor *a)
{
	unsigned int c = pick_container(a, false), s = rnd(a, NR_SLOTS);
	struct slot *slot = &a->slot[c][s];
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = slot_iova(a, c, s),
		.size = SLOT_SIZE,
	};
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = 1 + rnd(a, 3),
		.iova = slot_iova(a, c, s),
		.size = pick_size(a),
	};
	int ret;

	if (slot->size) {
		slot->size = 0;
		return call(a, a->pool->container[c], VFIO_IOMMU_UNMAP_DMA,
			    &unmap, sizeof(unmap));
	}
	map.vaddr = (uintptr_t)pick_memory(a, map.size);
	ret = call(a, a->pool->container[c], VFIO_IOMMU_MAP_DMA, &map,
		   sizeof(map));
	if (!ret || ret == -EEXIST)
		slot->size = map.size;
	/* On POWER it's for the process that has registered the memory. */
	return ret == -EPERM && legacy_is_spapr() ? 0 : ret;
}

static int legacy_unmap_every(struct actor *a)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.flags = VFIO_DMA_UNMAP_FLAG_ALL,
	};

	return call(a, a->pool->container[pick_container(a, false)],
		    VFIO_IOMMU_UNMAP_DMA, &unmap, sizeof(unmap));
}

/* Device memory, for another's DMA. */
static int legacy_map_bar(struct actor *a)
{
	unsigned int c = pick_container(a, false), s = rnd(a, NR_SLOTS);
	struct chaos_device *dev = pick_device(a);
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = MAP_RW,
		.iova = slot_iova(a, c, s) + SLOT_SIZE / 2,
		.vaddr = (uintptr_t)dev->bar,
		.size = PAGE,
	};
	int ret;

	/* On POWER that isn't memory. */
	if (!dev->bar || legacy_is_spapr())
		return NOT_DONE;
	ret = call(a, a->pool->container[c], VFIO_IOMMU_MAP_DMA, &map,
		   sizeof(map));
	if (!ret)
		a->slot[c][s].size = SLOT_SIZE;
	/* A reset may be under way, or decode off: then it has to be so. */
	return ret == -EEXIST || ret == -EFAULT ? 0 : ret;
}

static int legacy_info(struct actor *a)
{
	struct {
		struct vfio_iommu_type1_info info;
		char more[1024];
	} arg = { .info.argsz = sizeof(arg) };

	return call(a, a->pool->container[pick_container(a, false)],
		    VFIO_IOMMU_GET_INFO, &arg, sizeof(arg.info));
}

static int extension(struct actor *a)
{
	int ret = vfio_ioctl(a->pool->container[rnd(a, NR_CONTAINERS)],
			     VFIO_CHECK_EXTENSION, (void *)rnd(a, 16));

	return ret < 0 ? ret : 0;
}

static int set_iommu(struct actor *a)
{
	static const int types[] = { VFIO_TYPE1v2_IOMMU, VFIO_TYPE1_IOMMU,
				     SLUICE_UNIFIED_IOMMU, 77 };
	int ret = vfio_set_iommu(a->pool->container[rnd(a, NR_CONTAINERS)],
				 types[rnd(a, 4)]);

	/* They have one. */
	return ret == -EINVAL ? 0 : ret;
}

/* ---- Unified containers ---- */

/* The one that all use, which is in use as a rule; and small ones. */
static int window(struct actor *a)
{
	unsigned int c = pick_container(a, true);
	struct sluice_window_remove remove = { .argsz = sizeof(remove),
					       .start = a->pool->base[c] };
	struct sluice_window_create create = { .argsz = sizeof(create),
					       .size = MEM_SIZE };
	int fd = a->pool->container[c], ret;

	if (!rnd(a, 4)) {
		ret = call(a, fd, SLUICE_WINDOW_REMOVE, &remove,
			   sizeof(remove));
		if (!ret)
			uni_window_at(fd, a->pool->base[c], WINDOW_SIZE, 0);
		return ret == -EBUSY ? 0 : ret;
	}
	if (a->window[c]) {
		remove.start = a->window[c];
		a->window[c] = 0;
		return call(a, fd, SLUICE_WINDOW_REMOVE, &remove,
			    sizeof(remove));
	}
	ret = call(a, fd, SLUICE_WINDOW_CREATE, &create, sizeof(create));
	if (!ret && a->how != MUTATED)
		a->window[c] = create.start;
	return ret;
}

static int window_query(struct actor *a)
{
	/* Not on the stack: a bit of these addresses may fall over. */
	struct sluice_window_query q = {
		.argsz = sizeof(q),
		.ranges = (uintptr_t)pick_memory(a, PAGE),
		.windows = (uintptr_t)pick_memory(a, PAGE),
		.nr_ranges = 16,
		.nr_windows = 16,
	};

	return call(a, a->pool->container[pick_container(a, true)],
		    SLUICE_WINDOW_QUERY, &q, sizeof(q));
}

static int unified_info(struct actor *a)
{
	struct sluice_info info = { .argsz = sizeof(info) };

	return call(a, a->pool->container[pick_container(a, true)],
		    SLUICE_GET_INFO, &info, sizeof(info));
}

static int registration(struct actor *a)
{
	unsigned int c = pick_container(a, true);
	uint32_t *handle = &a->handle[c][rnd(a, NR_HANDLES)];
	struct sluice_mem_register reg = {
		.argsz = sizeof(reg),
		.flags = SLUICE_READ | SLUICE_WRITE,
		.size = pick_size(a),
	};
	struct sluice_mem_unregister unreg = { .argsz = sizeof(unreg),
					       .handle = *handle };
	int ret;

	if (*handle) {
		ret = call(a, a->pool->container[c], SLUICE_MEM_UNREGISTER,
			   &unreg, sizeof(unreg));
		if (!ret)
			*handle = 0;
		return ret == -EBUSY ? 0 : ret;
	}
	reg.vaddr = (uintptr_t)pick_memory(a, reg.size);
	/* What is mutated may be registered, but isn't known. */
	ret = call(a, a->pool->container[c], SLUICE_MEM_REGISTER, &reg,
		   sizeof(reg));
	if (!ret && a->how != MUTATED)
		*handle = reg.handle;
	/* Only the process that set the type may. */
	return ret == -EPERM ? 0 : ret;
}

static void fill_op(struct actor *a, unsigned int c, struct sluice_dma_op *op)
{
	unsigned int s = rnd(a, NR_SLOTS);
	struct slot *slot = &a->slot[c][s];
	uint32_t handle = a->handle[c][rnd(a, NR_HANDLES)];

	*op = (struct sluice_dma_op){ .iova = slot_iova(a, c, s) };
	if (slot->size) {
		op->op = SLUICE_DMA_UNMAP;
		op->size = SLOT_SIZE;
		slot->size = 0;
		/* A part; later all of it. */
		if (!rnd(a, 4)) {
			op->iova += rnd(a, 8) * PAGE;
			op->size = (1 + rnd(a, 8)) * PAGE;
			slot->size = SLOT_SIZE;
		}
		return;
	}
	op->op = SLUICE_DMA_MAP;
	op->flags = SLUICE_READ | SLUICE_WRITE;
	op->size = handle ? PAGE : pick_size(a);
	op->addr = (uintptr_t)pick_memory(a, op->size);
	if (handle) {
		op->flags |= SLUICE_DMA_HANDLE;
		op->handle = handle;
		op->addr = 0;
	}
	slot->size = op->size;
}

static int batch_of(struct actor *a, unsigned int nr, bool atomic)
{
	unsigned int c = pick_container(a, true), i;
	struct sluice_dma_op vec[8];
	struct sluice_dma_batch batch = {
		.argsz = sizeof(batch),
		.flags = atomic ? SLUICE_BATCH_ATOMIC : 0,
		.ops = (uintptr_t)vec,
		.nr_ops = nr,
	};
	int ret;

	for (i = 0; i < nr; i++)
		fill_op(a, c, &vec[i]);
	if (a->how == MUTATED && rnd(a, 2)) {
		((unsigned char *)vec)[rnd(a, sizeof(*vec) * nr)] ^=
			1 << rnd(a, 8);
		ret = vfio_ioctl(a->pool->container[c], SLUICE_DMA_BATCH,
				 &batch);
	} else {
		ret = call(a, a->pool->container[c], SLUICE_DMA_BATCH, &batch,
			   sizeof(batch));
	}
	/* By address, that is for the process that set the type. */
	return ret == -EPERM ? 0 : ret;
}

static int batch_one(struct actor *a)
{
	return batch_of(a, 1, false);
}

static int batch_many(struct actor *a)
{
	return batch_of(a, 2 + rnd(a, 7), false);
}

static int batch_atomic(struct actor *a)
{
	return batch_of(a, 1 + rnd(a, 8), true);
}

static int batch_unmap_every(struct actor *a)
{
	struct sluice_dma_op op = { .op = SLUICE_DMA_UNMAP,
				    .flags = SLUICE_DMA_ALL };
	struct sluice_dma_batch batch = {
		.argsz = sizeof(batch),
		.ops = (uintptr_t)&op,
		.nr_ops = 1,
	};

	return call(a, a->pool->container[pick_container(a, true)],
		    SLUICE_DMA_BATCH, &batch, sizeof(batch));
}

static const struct op ops[] = {
	{ "legacy map/unmap", legacy_map_unmap, 120 },
	{ "legacy unmap all", legacy_unmap_every, 1 },
	{ "legacy map of a BAR", legacy_map_bar, 12 },
	{ "legacy info", legacy_info, 6 },
	{ "extension", extension, 2 },
	{ "set iommu", set_iommu, 1 },
	{ "window", window, 8 },
	{ "window query", window_query, 6 },
	{ "unified info", unified_info, 6 },
	{ "registration", registration, 30 },
	{ "batch of one", batch_one, 60 },
	{ "batch of many", batch_many, 30 },
	{ "batch, atomic", batch_atomic, 30 },
	{ "batch unmap all", batch_unmap_every, 1 },
};

const struct op_table map_ops = { ops, sizeof(ops) / sizeof(*ops) };
