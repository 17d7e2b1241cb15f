/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of SPAPR spaces share (kunit/ excepted, nobody else includes it): the
 * container types VFIO_SPAPR_TCE_IOMMU (version 1) and VFIO_SPAPR_TCE_v2_IOMMU.
 *
 * IOVAs are usable in windows, which are the hardware's own and have a page size each;
 * an entry for a page is called a TCE. Its page may be smaller than the CPU's: so
 * everything here is in bytes, aligned to the window's pages.
 *
 * A SPAPR space has all that a unified one has (unified.h), but it has a type only as
 * long as it has a group. So nobody may keep anything of it without its lock.
 */
#ifndef SLUICE_CORE_SPAPR_H
#define SLUICE_CORE_SPAPR_H

#include <linux/minmax.h>
#include <linux/rbtree.h>
#include <linux/vfio.h>

#include "unified.h"

/**
 * struct sluice_spapr - what a space has if it is a SPAPR one
 * @v2: version 2 of the ABI: memory is registered, the user makes windows. Known
 *	before the space has its type
 * @enabled: something may be mapped: VFIO_IOMMU_ENABLE was called, or, in version 2,
 *	memory has been registered
 * @prepaid: pages that VFIO_IOMMU_ENABLE charged, for all that may ever be mapped
 * @regions: registered memory, &sluice_region.node, by address, disjoint
 *
 * All are guarded by the space's lock.
 */
struct sluice_spapr {
	bool v2;
	bool enabled;
	unsigned long prepaid;
	struct rb_root regions;
};

/**
 * sluice_spapr_type - is it a type of this header?
 * @type: a space's type
 *
 * Return: true if so.
 */
static inline bool sluice_spapr_type(enum sluice_space_type type)
{
	return type == SLUICE_SPACE_SPAPR || type == SLUICE_SPACE_SPAPR_V2;
}

/**
 * sluice_spapr_tce_lg2 - what a TCE of a window has pinned
 * @space: a unified or SPAPR space; its lock is held
 * @window: a window of it
 *
 * Return: what &sluice_txn.tce_lg2 is to be for the window.
 */
static inline unsigned int
sluice_spapr_tce_lg2(const struct sluice_space *space,
		     const struct sluice_window *window)
{
	if (!space->spapr || space->spapr->v2)
		return 0;
	return min_t(unsigned int, window->page_lg2, PAGE_SHIFT);
}

/* ---- spapr_mem.c: memory that may be mapped: registered, or prepaid ---- */

int sluice_spapr_init(struct sluice_space *space, bool v2);
void sluice_spapr_deinit(struct sluice_space *space, bool stuck);
int sluice_spapr_enable(struct sluice_space *space);
int sluice_spapr_disable(struct sluice_space *space);
int sluice_spapr_check_add(const struct sluice_spapr *spapr,
			   unsigned long vaddr, u64 size);
int sluice_spapr_add(struct sluice_space *space, struct sluice_region *region);
struct sluice_region *sluice_spapr_take(struct sluice_space *space,
					unsigned long vaddr, u64 size);
bool sluice_spapr_covers(const struct sluice_spapr *spapr, unsigned long vaddr,
			 u64 size);
bool sluice_spapr_phys(const struct sluice_spapr *spapr, unsigned long vaddr,
		       phys_addr_t *phys);
size_t sluice_spapr_extents(const struct sluice_spapr *spapr, u64 iova,
			    unsigned long vaddr, u64 size,
			    struct sluice_extent *extents, size_t max,
			    u64 *used);

/* ---- spapr_window.c ---- */

int sluice_spapr_check_iommu(const struct sluice_space *space,
			     const struct sluice_iommu *iommu);
int sluice_spapr_fit(struct sluice_space *space, struct sluice_domain *domain,
		     struct iommu_group *group);
void sluice_spapr_empty(struct sluice_space *space,
			struct sluice_domain *domain);
void sluice_spapr_detached(struct sluice_space *space);
void sluice_spapr_caps(struct sluice_space *space,
		       struct sluice_window_caps *caps);
int sluice_spapr_window_create(struct sluice_space *space, u32 page_lg2,
			       u64 size, u32 levels, u64 *start);
int sluice_spapr_window_remove(struct sluice_space *space, u64 start);

/* ---- spapr_txn.c: maps and unmaps by a transaction ---- */

int sluice_spapr_map_range(struct sluice_space *space,
			   const struct sluice_window *window, u64 iova,
			   unsigned long vaddr, u64 size, unsigned int prot);
int sluice_spapr_unmap_range(struct sluice_space *space,
			     const struct sluice_window *window, u64 iova,
			     u64 last);

/* ---- spapr_map.c ---- */

int sluice_spapr_map(struct sluice_space *space, u64 iova, unsigned long vaddr,
		     u64 size, unsigned int prot);
int sluice_spapr_unmap(struct sluice_space *space, u64 iova, u64 size);

/* ---- spapr.c: the ioctls ---- */

long sluice_spapr_ioctl(struct sluice_space *space, unsigned int cmd,
			void __user *arg);

#endif /* SLUICE_CORE_SPAPR_H */
