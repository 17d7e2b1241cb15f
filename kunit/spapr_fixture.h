/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A SPAPR space over the fake backend with windows, user memory to map into it, and the
 * ioctls as user space would call them.
 */
#ifndef SLUICE_KUNIT_SPAPR_FIXTURE_H
#define SLUICE_KUNIT_SPAPR_FIXTURE_H

#include "core/spapr.h"
#include "fake_windows.h"

#define R VFIO_DMA_MAP_FLAG_READ
#define W VFIO_DMA_MAP_FLAG_WRITE
#define RW (R | W)

#define SPAPR_GROUPS 3
/* The initial window. */
#define INITIAL_SIZE ((u64)FAKE_WIN_INITIAL_SIZE)
/* A second one. */
#define HIGH FAKE_WIN_HIGH

/**
 * struct spapr - a space and what is behind it
 * @test: the test
 * @hw: the pretended IOMMU
 * @fg: groups 0 and 1 can share a domain, 2 needs its own
 * @attached: which are attached
 * @space: the space
 * @locked: the process's locked pages before the test
 * @args: user memory for what is passed to the kernel
 * @pretended: registered memory that isn't there; NULL if none is
 */
struct spapr {
	struct kunit *test;
	struct fake_win_hw *hw;
	struct fake_win_group *fg[SPAPR_GROUPS];
	bool attached[SPAPR_GROUPS];
	struct sluice_space space;
	unsigned long locked;
	unsigned long args;
	struct sluice_region *pretended;
};

struct spapr *spapr_create(struct kunit *test, bool v2);
void spapr_finish(struct spapr *s);
int spapr_attach(struct spapr *s, struct iommu_group *group);
void spapr_detach(struct spapr *s, struct iommu_group *group);
int spapr_attach_nr(struct spapr *s, unsigned int group);
void spapr_detach_nr(struct spapr *s, unsigned int group);
unsigned int spapr_domains(struct spapr *s);

unsigned long spapr_memory(struct spapr *s, u64 size);

/* ---- The ioctls ---- */

long spapr_ioctl(struct spapr *s, unsigned int cmd, void *arg, size_t size);
int spapr_register(struct spapr *s, unsigned long vaddr, u64 size);
int spapr_unregister(struct spapr *s, unsigned long vaddr, u64 size);
int spapr_map(struct spapr *s, u64 iova, unsigned long vaddr, u64 size,
	      u32 flags);
int spapr_unmap(struct spapr *s, u64 iova, u64 size);
int spapr_create_window(struct spapr *s, u32 page_lg2, u64 size, u64 *start);
int spapr_remove_window(struct spapr *s, u64 start);

/* ---- Memory that isn't there: as large and contiguous as one likes ---- */

unsigned long spapr_pretend(struct spapr *s, unsigned long vaddr, u64 phys,
			    u64 size, u64 run);
void spapr_forget(struct spapr *s);

/* ---- What is to be seen ---- */

unsigned long spapr_pins(struct spapr *s, unsigned long vaddr, u64 size);
void spapr_unpin(struct spapr *s, unsigned long vaddr, u64 size);
long spapr_locked(struct spapr *s);
void spapr_expect_mapped(struct spapr *s, unsigned int group, u64 iova,
			 unsigned long vaddr, u64 size, bool write);
void spapr_expect_hole(struct spapr *s, unsigned int group, u64 iova, u64 size);

#endif /* SLUICE_KUNIT_SPAPR_FIXTURE_H */
