/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory as it is behind the CPU's cache, for pretended hardware that doesn't
 * snoop: a line is garbage until it has been written back, and stays as it was
 * then.
 */
#ifndef SLUICE_KUNIT_SHADOW_H
#define SLUICE_KUNIT_SHADOW_H

#include <linux/atomic.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/xarray.h>

/**
 * struct shadow - memory behind a cache
 * @pages: by page frame, its content
 * @lock: guards the content of @pages
 * @flushes: calls that wrote back
 * @failures: there was no memory for a page
 */
struct shadow {
	struct xarray pages;
	spinlock_t lock;	/* content of pages */
	atomic_t flushes;
	atomic_t failures;
};

void shadow_init(struct shadow *shadow);
void shadow_deinit(struct shadow *shadow);

/* Writes the CPU's cache back. */
void shadow_write_back(struct shadow *shadow, const void *start, size_t bytes);

/* As if the line with @start had never been written back. */
void shadow_spoil(struct shadow *shadow, const void *start);

/* A little-endian word, in the CPU's byte order. */
u64 shadow_load(struct shadow *shadow, phys_addr_t at);

#endif /* SLUICE_KUNIT_SHADOW_H */
