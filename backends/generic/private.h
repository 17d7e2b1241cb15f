/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the generic backend share.
 */
#ifndef SLUICE_GENERIC_PRIVATE_H
#define SLUICE_GENERIC_PRIVATE_H

#include <sluice/backend.h>
#include <sluice/pt.h>

/**
 * struct generic_domain - a domain
 * @domain: for the core
 * @hw: the kernel's domain
 * @step: the smallest page, at least the CPU's: the unit in which @hw is asked what
 *	is mapped
 * @unified: @record is used
 * @record: what is mapped, and as what
 * @broken: @hw didn't clear what it was told to
 */
struct generic_domain {
	struct sluice_domain domain;
	struct iommu_domain *hw;
	u64 step;
	bool unified;
	struct pt record;
	bool broken;
};

static inline struct generic_domain *to_generic(struct sluice_domain *domain)
{
	return container_of(domain, struct generic_domain, domain);
}

/* ---- generic.c ---- */

int generic_hw_prot(unsigned int prot);
void generic_clear(struct generic_domain *d, u64 start, u64 len,
		   struct sluice_gather *gather);

/* ---- record.c ---- */

int generic_record_init(struct generic_domain *d, u64 last);
void generic_record_deinit(struct generic_domain *d);
int generic_record_map(struct generic_domain *d,
		       const struct sluice_extent *extents, size_t nr,
		       unsigned int prot, u64 *done,
		       struct sluice_gather *gather);
int generic_record_prepare(struct generic_domain *d,
			   const struct sluice_extent *extents, size_t nr,
			   struct sluice_gather *gather);
int generic_record_cut(struct generic_domain *d,
		       const struct sluice_range *range);
size_t generic_record_unmap(struct generic_domain *d, u64 held,
			    struct sluice_range *range,
			    struct sluice_extent *extents, size_t max,
			    struct sluice_gather *gather);
void generic_record_reclaim(struct generic_domain *d);

#endif /* SLUICE_GENERIC_PRIVATE_H */
