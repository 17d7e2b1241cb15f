/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A container of the type VFIO_SPAPR_TCE_v2_IOMMU with an edu in it, and that type's
 * ioctls as plain calls. Functions that return an int return a negative errno on
 * failure.
 */
#ifndef TEST_SPAPR_H
#define TEST_SPAPR_H

#include "edu.h"
#include "vfio.h"

struct spapr {
	struct vfio v;
	struct edu edu;
	char *well;	    /* a page that is registered and mapped */
	uint64_t well_iova; /* where */
	uint64_t free;	    /* from there on nothing is mapped */
	uint8_t val;	    /* the last pattern */
};

/* The @nth edu that is alone in its group, and the initial window. */
int spapr_open(struct spapr *s, unsigned int nth);
void spapr_close(struct spapr *s);

/* Another one in the same container. It has the same well. */
int spapr_join(struct spapr *s, const struct spapr *first, unsigned int nth);
void spapr_leave(struct spapr *s);

/* Does a write of the device to @iova arrive at @mem? */
bool spapr_reaches(struct spapr *s, uint64_t iova, char *mem);

int spapr_register(int c, const void *mem, uint64_t size);
int spapr_unregister(int c, const void *mem, uint64_t size);

/* Unlike vfio_unmap() it has no size to return. */
int spapr_unmap(int c, uint64_t iova, uint64_t size);

int spapr_create(int c, uint32_t page_lg2, uint64_t size, uint32_t levels,
		 uint64_t *start);
int spapr_remove(int c, uint64_t start);

#endif /* TEST_SPAPR_H */
