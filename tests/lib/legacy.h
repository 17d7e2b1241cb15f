/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The legacy type of address space that this machine has, whichever it is: TYPE1v2,
 * or IBM POWER's SPAPR_TCE_v2. There memory has to be registered before it can be
 * mapped, and an unmap doesn't tell what it found; so a little is remembered here,
 * by the container's descriptor. Tables are charged like locked memory on POWER, so
 * only differences of sys_locked_kib() say something.
 *
 * Whoever tests one type's own rules wants vfio.h.
 *
 * Functions that return an int return a negative errno on failure.
 */
#ifndef TEST_LEGACY_H
#define TEST_LEGACY_H

#include "vfio.h"

/* VFIO_TYPE1v2_IOMMU or VFIO_SPAPR_TCE_v2_IOMMU. */
int legacy_type(void);
bool legacy_is_spapr(void);

/* Can one container have several groups? The peer's on POWER can't. */
bool legacy_shares(void);

/* vfio_open() with this type; the default window is there. */
int legacy_open(struct vfio *v, const struct pci_dev *dev);

/* Memory that will be mapped in pieces. Nothing where that isn't needed. */
int legacy_register(int container, const void *vaddr, uint64_t size);
int legacy_unregister(int container, const void *vaddr, uint64_t size);

/*
 * Map and unmap as vfio.h's; memory that isn't registered is, as long as it is
 * mapped. What spapr maps over something else replaces it.
 */
int legacy_map(int container, uint64_t iova, const void *vaddr, uint64_t size,
	       uint32_t flags);

/* The bytes unmapped, of what legacy_map() has mapped. */
int64_t legacy_unmap(int container, uint64_t iova, uint64_t size);
int64_t legacy_unmap_all(int container);

/* Is what legacy_map() has mapped at @iova, from @vaddr, still mapped? */
bool legacy_is_mapped(int container, uint64_t iova, const void *vaddr,
		      uint64_t size);

/* As vfio_iova_ranges(). */
int legacy_ranges(int container, struct vfio_iova_range *ranges, int max);

/* A descriptor is that of a container that is new. */
void legacy_forget(int container);

#endif /* TEST_LEGACY_H */
