/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One operation of a DMA_BATCH, whatever the space: what makes it valid.
 *
 * Inlined, since vectors are long.
 */
#ifndef SLUICE_CORE_OP_H
#define SLUICE_CORE_OP_H

#include <linux/align.h>
#include <linux/overflow.h>

#include "unified.h"

static inline int sluice_op_check_map_flags(const struct sluice_dma_op *op)
{
	const u32 known = SLUICE_READ | SLUICE_WRITE | SLUICE_DMA_HANDLE;

	if (op->flags & ~known || !(op->flags & (SLUICE_READ | SLUICE_WRITE)) ||
	    (!(op->flags & SLUICE_DMA_HANDLE) && op->handle))
		return -EINVAL;
	return 0;
}

static inline int sluice_op_check_unmap_flags(const struct sluice_dma_op *op)
{
	if (op->flags & ~SLUICE_DMA_ALL || op->addr || op->handle)
		return -EINVAL;
	return 0;
}

/**
 * sluice_op_check - is an operation valid by itself?
 * @op: the operation
 * @range: set to the IOVAs that it is about
 *
 * Return: 0 or -EINVAL.
 */
static inline int sluice_op_check(const struct sluice_dma_op *op,
				  struct sluice_range *range)
{
	u64 last;
	int ret;

	if (op->op == SLUICE_DMA_MAP)
		ret = sluice_op_check_map_flags(op);
	else if (op->op == SLUICE_DMA_UNMAP)
		ret = sluice_op_check_unmap_flags(op);
	else
		ret = -EINVAL;
	if (unlikely(ret || op->reserved))
		return -EINVAL;
	range->start = op->iova;
	/* A page that is aligned can't wrap around. */
	if (likely(op->size == PAGE_SIZE &&
		   IS_ALIGNED(op->iova | op->addr, PAGE_SIZE))) {
		range->last = op->iova | (PAGE_SIZE - 1);
		return op->flags & SLUICE_DMA_ALL ? -EINVAL : 0;
	}
	if (op->flags & SLUICE_DMA_ALL) {
		range->last = U64_MAX;
		return op->iova || op->size ? -EINVAL : 0;
	}
	if (!op->size || !IS_ALIGNED(op->iova | op->size | op->addr, PAGE_SIZE))
		return -EINVAL;
	if (check_add_overflow(op->iova, op->size - 1, &range->last) ||
	    check_add_overflow(op->addr, op->size - 1, &last))
		return -EINVAL;
	return 0;
}

/* Words of an operation: @op and @flags, @iova, @size, @addr, @handle and the rest. */
#define SLUICE_OP_WORDS 5
static_assert(sizeof(struct sluice_dma_op) == SLUICE_OP_WORDS * sizeof(u64));
static_assert(offsetof(struct sluice_dma_op, flags) == 4);
static_assert(offsetof(struct sluice_dma_op, size) == 2 * sizeof(u64));
static_assert(offsetof(struct sluice_dma_op, handle) == 4 * sizeof(u64));

/* The same operation with the same flags? */
static inline bool sluice_op_same(const struct sluice_dma_op *a,
				  const struct sluice_dma_op *b)
{
	return *(const u64 *)a == *(const u64 *)b;
}

/**
 * sluice_op_like - is an operation as valid as another one?
 * @op: the operation
 * @prev: a valid operation on a single page
 *
 * Cheaper than sluice_op_check(), for what vectors are full of: a word at a time. Look
 * at the other one if it says no.
 *
 * Return: true if it is the same with other addresses, and valid.
 */
static inline bool sluice_op_like(const struct sluice_dma_op *op,
				  const struct sluice_dma_op *prev)
{
	const u64 *a = (const u64 *)op, *b = (const u64 *)prev;

	/* All of both but the addresses. */
	if ((a[0] ^ b[0]) | (a[2] ^ b[2]) | (a[4] ^ b[4]))
		return false;
	/* An unmap has no address. */
	return !((op->iova | op->addr) & (PAGE_SIZE - 1)) &&
	       (op->op == SLUICE_DMA_MAP || !op->addr);
}

/**
 * sluice_op_range - the IOVAs that an operation is about
 * @op: a valid operation
 *
 * Return: the range; not empty.
 */
static inline struct sluice_range sluice_op_range(const struct sluice_dma_op *op)
{
	if (op->flags & SLUICE_DMA_ALL)
		return (struct sluice_range){ 0, U64_MAX };
	return (struct sluice_range){ op->iova, op->iova + (op->size - 1) };
}

/**
 * sluice_op_prot - the rights that a map gives
 * @op: a valid map
 *
 * Return: &enum sluice_prot.
 */
static inline unsigned int sluice_op_prot(const struct sluice_dma_op *op)
{
	return (op->flags & SLUICE_READ ? SLUICE_PROT_READ : 0) |
	       (op->flags & SLUICE_WRITE ? SLUICE_PROT_WRITE : 0);
}

#endif /* SLUICE_CORE_OP_H */
