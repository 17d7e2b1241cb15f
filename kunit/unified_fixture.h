/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A unified space over the fake backend, user memory to map into it, and the
 * ioctls as user space would call them.
 */
#ifndef SLUICE_KUNIT_UNIFIED_FIXTURE_H
#define SLUICE_KUNIT_UNIFIED_FIXTURE_H

#include "core/unified.h"
#include "fake_backend.h"
#include "make_op.h"

#define R SLUICE_READ
#define W SLUICE_WRITE
#define RW (SLUICE_READ | SLUICE_WRITE)

/* Pages of a superpage of the fake. */
#define SUPER ((unsigned long)FAKE_ENTRIES)
/* The window of unified_ready(). */
#define WIN fake_size(2)
#define WIN_SIZE fake_size(2)

#define UNIFIED_GROUPS 3
/* Operations that there is room for in @args. */
#define UNIFIED_OPS 1500
/* Extents in a state. */
#define UNIFIED_EXTENTS 512

/**
 * struct unified - a space and what is behind it
 * @test: the test
 * @hw: the pretended IOMMU
 * @fg: groups 0 and 1 can share a domain, 2 needs its own
 * @attached: which are attached
 * @space: the space
 * @locked: the process's locked pages before the test
 * @args: user memory for what is passed to the kernel
 * @batch: what the last batch returned
 */
struct unified {
	struct kunit *test;
	struct fake_hw *hw;
	struct fake_group *fg[UNIFIED_GROUPS];
	bool attached[UNIFIED_GROUPS];
	struct sluice_space space;
	unsigned long locked;
	unsigned long args;
	struct sluice_dma_batch batch;
};

struct unified *unified_create(struct kunit *test);
struct unified *unified_ready(struct kunit *test);
void unified_finish(struct unified *u);

int unified_attach(struct unified *u, unsigned int group);
void unified_detach(struct unified *u, unsigned int group);
int unified_domains(struct unified *u);

unsigned long unified_memory(struct unified *u, unsigned long npages);
unsigned long unified_args(struct unified *u);
unsigned long unified_read_only(struct unified *u, const void *arg,
				size_t size);

/* ---- The ioctls ---- */

long unified_ioctl(struct unified *u, unsigned int cmd, void *arg, size_t size);
int unified_register(struct unified *u, unsigned long addr,
		     unsigned long npages, u32 flags, u32 *handle);
int unified_unregister(struct unified *u, u32 handle);
int unified_window(struct unified *u, u64 start, u64 size, u32 page_lg2);
int unified_window_any(struct unified *u, u64 size, u32 page_lg2, u64 *start);
int unified_window_remove(struct unified *u, u64 start);

long unified_batch_at(struct unified *u, unsigned long args,
		      const struct sluice_dma_op *ops, unsigned int nr,
		      u32 flags, struct sluice_dma_batch *batch);
int unified_batch(struct unified *u, const struct sluice_dma_op *ops,
		  unsigned int nr);
int unified_atomic(struct unified *u, const struct sluice_dma_op *ops,
		   unsigned int nr);
int unified_do(struct unified *u, struct sluice_dma_op op);
u64 unified_clear(struct unified *u);

/* ---- Memory that isn't there: any layout, for maps by handle ---- */

u32 unified_pretend(struct unified *u, const struct sluice_run *runs,
		    size_t nr_runs, unsigned long npages);
void unified_forget(struct unified *u, u32 handle);

/* ---- What is to be seen ---- */

unsigned long unified_pins(struct unified *u, unsigned long addr,
			   unsigned long npages);
long unified_locked(struct unified *u);
s64 unified_mapped(struct unified *u);
void unified_unpin(struct unified *u, unsigned long addr,
		   unsigned long npages);
void unified_expect_mapped(struct unified *u, unsigned int group, u64 iova,
			   unsigned long addr, unsigned long npages);
void unified_expect_hole(struct unified *u, unsigned int group, u64 iova,
			 unsigned long npages);
void unified_expect_phys(struct unified *u, unsigned int group, u64 iova,
			 unsigned long pfn, unsigned long npages);

/**
 * struct unified_state - all that a failed operation must not change
 * @nr: used entries of @extents
 * @extents: what is mapped, as the tables say; the same in all domains
 * @locked: pages charged, but for tables
 * @mapped: pages mapped by handle
 * @registered: pages registered
 */
struct unified_state {
	size_t nr;
	struct sluice_extent extents[UNIFIED_EXTENTS];
	long locked;
	s64 mapped;
	long registered;
};

struct unified_state *unified_state(struct unified *u);
void unified_expect_state(struct unified *u, const struct unified_state *want);

#endif /* SLUICE_KUNIT_UNIFIED_FIXTURE_H */
