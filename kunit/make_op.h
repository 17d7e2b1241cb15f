/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Operations of a DMA_BATCH, in pages.
 */
#ifndef SLUICE_KUNIT_MAKE_OP_H
#define SLUICE_KUNIT_MAKE_OP_H

#include <linux/mm.h>
#include <linux/sluice.h>

#define PAGES(n) ((u64)(n) << PAGE_SHIFT)

static inline struct sluice_dma_op
make_map(u64 iova, unsigned long addr, unsigned long npages, u32 flags)
{
	return (struct sluice_dma_op){
		.op = SLUICE_DMA_MAP,
		.flags = flags,
		.iova = iova,
		.size = PAGES(npages),
		.addr = addr,
	};
}

static inline struct sluice_dma_op
make_map_handle(u64 iova, u32 handle, unsigned long first,
		unsigned long npages, u32 flags)
{
	return (struct sluice_dma_op){
		.op = SLUICE_DMA_MAP,
		.flags = flags | SLUICE_DMA_HANDLE,
		.iova = iova,
		.size = PAGES(npages),
		.addr = PAGES(first),
		.handle = handle,
	};
}

static inline struct sluice_dma_op make_unmap(u64 iova, unsigned long npages)
{
	return (struct sluice_dma_op){
		.op = SLUICE_DMA_UNMAP,
		.iova = iova,
		.size = PAGES(npages),
	};
}

static inline struct sluice_dma_op make_unmap_all(void)
{
	return (struct sluice_dma_op){
		.op = SLUICE_DMA_UNMAP,
		.flags = SLUICE_DMA_ALL,
	};
}

#endif /* SLUICE_KUNIT_MAKE_OP_H */
