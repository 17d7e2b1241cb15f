// SPDX-License-Identifier: GPL-2.0-only
/*
 * The benchmark over a container of Sluice's unified type.
 */
#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "target.h"

#define GIB 0x40000000ULL
/* One window above what 32-bit devices need, large enough for all rows. */
#define WINDOW_START (4 * GIB)
#define WINDOW_SIZE (32 * GIB)

static void query(struct target *t)
{
	struct sluice_window_query q = { .argsz = sizeof(q) };

	if (ioctl(t->fd, SLUICE_WINDOW_QUERY, &q))
		err(EXIT_FAILURE, "SLUICE_WINDOW_QUERY");
	t->info.ranges = calloc(q.nr_ranges, sizeof(*t->info.ranges));
	if (!t->info.ranges)
		err(EXIT_FAILURE, "IOVA ranges");
	q.ranges = (uintptr_t)t->info.ranges;
	q.nr_windows = 0;
	if (ioctl(t->fd, SLUICE_WINDOW_QUERY, &q))
		err(EXIT_FAILURE, "SLUICE_WINDOW_QUERY");
	t->info.nr_ranges = q.nr_ranges;
}

static void unified_open(struct target *t, const char *addr)
{
	struct sluice_window_create window = {
		.argsz = sizeof(window),
		.flags = SLUICE_WINDOW_FIXED,
		.start = WINDOW_START,
		.size = WINDOW_SIZE,
	};
	int ret;

	ret = sluice_container_open(&t->container);
	if (!ret)
		ret = sluice_container_set_iommu(&t->container,
						 SLUICE_UNIFIED_IOMMU);
	if (!ret)
		ret = sluice_device_open(&t->device, &t->container, addr);
	if (ret)
		errx(EXIT_FAILURE, "%s: %s", addr, sluice_open_strerror(ret));
	t->fd = t->container.fd;
	query(t);
	if (ioctl(t->fd, SLUICE_WINDOW_CREATE, &window))
		err(EXIT_FAILURE, "SLUICE_WINDOW_CREATE");
}

static uint64_t unified_batch(struct target *t, struct sluice_dma_op *ops,
			      uint32_t nr)
{
	struct sluice_dma_batch batch = {
		.argsz = sizeof(batch),
		.ops = (uintptr_t)ops,
		.nr_ops = nr,
	};

	if (ioctl(t->fd, SLUICE_DMA_BATCH, &batch))
		err(EXIT_FAILURE, "SLUICE_DMA_BATCH: operation %u of %u",
		    batch.nr_done, nr);
	return batch.unmapped;
}

static void unified_map(struct target *t, void *vaddr, uint64_t iova,
			uint64_t size)
{
	struct sluice_dma_op op = {
		.op = SLUICE_DMA_MAP,
		.flags = SLUICE_READ | SLUICE_WRITE,
		.iova = iova,
		.size = size,
		.addr = (uintptr_t)vaddr,
	};

	unified_batch(t, &op, 1);
}

static uint64_t unified_unmap(struct target *t, uint64_t iova, uint64_t size)
{
	struct sluice_dma_op op = {
		.op = SLUICE_DMA_UNMAP,
		.iova = iova,
		.size = size,
	};

	return unified_batch(t, &op, 1);
}

static uint32_t unified_register(struct target *t, void *vaddr, uint64_t size)
{
	struct sluice_mem_register reg = {
		.argsz = sizeof(reg),
		.flags = SLUICE_READ | SLUICE_WRITE,
		.vaddr = (uintptr_t)vaddr,
		.size = size,
	};

	if (ioctl(t->fd, SLUICE_MEM_REGISTER, &reg))
		err(EXIT_FAILURE, "SLUICE_MEM_REGISTER");
	return reg.handle;
}

static void unified_unregister(struct target *t, uint32_t handle)
{
	struct sluice_mem_unregister unreg = {
		.argsz = sizeof(unreg),
		.handle = handle,
	};

	if (ioctl(t->fd, SLUICE_MEM_UNREGISTER, &unreg))
		err(EXIT_FAILURE, "SLUICE_MEM_UNREGISTER");
}

static void unified_nop(struct target *t)
{
	if (ioctl(t->fd, VFIO_GET_API_VERSION) != VFIO_API_VERSION)
		err(EXIT_FAILURE, "VFIO_GET_API_VERSION");
}

static void unified_close(struct target *t)
{
	free(t->info.ranges);
	sluice_device_close(&t->device);
	sluice_container_close(&t->container);
}

const struct target_ops target_unified = {
	.open = unified_open,
	.map = unified_map,
	.unmap = unified_unmap,
	.batch = unified_batch,
	.reg = unified_register,
	.unreg = unified_unregister,
	.nop = unified_nop,
	.close = unified_close,
};
