/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The contract suite's view of a backend, and its model of what is mapped.
 *
 * A backend joins the suite with a struct contract_seam: the few things that
 * the contract doesn't offer and a test needs, done on the backend's fake
 * registers, queue or hypercalls.
 */
#ifndef SLUICE_KUNIT_CONTRACT_H
#define SLUICE_KUNIT_CONTRACT_H

#include <kunit/test.h>
#include "core/private.h"

/* Physical addresses far from one another, never touched. */
#define CONTRACT_PHYS(n) (((phys_addr_t)(n) + 1) << 36)

struct contract;

/**
 * struct contract_seam - how the suite reaches a backend's fake hardware
 * @name: of the backend, for the test's name
 * @backend: the backend; registered by the suite's init
 * @caches: the fake hardware keeps translations until they are invalidated
 * @tells_prot: extents that are handed back say what they were mapped as
 * @record: the tables are a record: no hardware reads them
 * @no_each: unmap_each leaves all to unmap
 * @aperture: which of the apertures the suite uses
 * @block: pages that unmap hands back in one extent at most; 0: any number
 * @plug: make fake hardware with three groups, set @group of the contract: 0
 *	and 1 can share a domain, 2 can't share one with 0. The hardware goes
 *	with the test
 * @translate: what an access by a device of the group meets.
 *	Return: 0 and the address; -EFAULT: nothing mapped, or blocked; -EACCES
 * @fail_alloc: the n-th allocation of a table from now on fails; 0: none.
 *	NULL: the backend has no tables of its own
 * @die: from now on the hardware doesn't answer
 * @tables: tables that exist now; NULL as @fail_alloc
 * @check_idle: expect that all is given back
 */
struct contract_seam {
	const char *name;
	const struct sluice_backend *backend;
	bool caches;
	bool tells_prot;
	bool record;
	bool no_each;
	unsigned int aperture;
	unsigned int block;
	void (*plug)(struct contract *c);
	int (*translate)(struct iommu_group *group, u64 iova, bool write,
			 phys_addr_t *phys);
	void (*fail_alloc)(struct contract *c, unsigned int n);
	void (*die)(struct contract *c);
	unsigned int (*tables)(struct contract *c);
	void (*check_idle)(struct contract *c);
};

/* Pages in the model: with 512 to a superpage, three of those. */
#define CONTRACT_PAGES	1536U
#define CONTRACT_SUPER	512U

/**
 * struct contract - a domain under test, and what should be in it
 * @test: the test
 * @seam: the backend
 * @hw: the seam's own
 * @group: three groups
 * @iommu: the instance
 * @aperture: the IOVAs that the suite uses
 * @domain: a domain to which group 0 is attached
 * @unified: domains are the record of what they have mapped
 * @attached: group 0 is attached
 * @gather: what is to be flushed
 * @ops: the domain's operations
 * @granule: bytes of a page
 * @base: IOVA of page 0
 * @page: by page: physical address, and in its low bits the prot; 0: hole
 * @extent: by page: number of the extent it was mapped with
 * @nr_extents: last number given
 */
struct contract {
	struct kunit *test;
	const struct contract_seam *seam;
	void *hw;
	struct iommu_group *group[3];
	struct sluice_iommu *iommu;
	struct sluice_range aperture;
	struct sluice_domain *domain;
	bool unified;
	bool attached;
	struct sluice_gather gather;
	const struct sluice_domain_ops *ops;
	u64 granule;
	u64 base;
	u64 page[CONTRACT_PAGES];
	u32 extent[CONTRACT_PAGES];
	u32 nr_extents;
};

static inline u64 contract_iova(const struct contract *c, unsigned int page)
{
	return c->base + page * c->granule;
}

static inline struct sluice_range
contract_range(const struct contract *c, unsigned int first, unsigned int n)
{
	return (struct sluice_range){
		.start = contract_iova(c, first),
		.last = contract_iova(c, first) + (n * c->granule - 1),
	};
}

void contract_expect(struct contract *c, unsigned int first, unsigned int n,
		     phys_addr_t phys, unsigned int prot);
void contract_forget(struct contract *c, unsigned int first, unsigned int n);
void contract_map(struct contract *c, unsigned int first, unsigned int n,
		  phys_addr_t phys, unsigned int prot);
int contract_try_map(struct contract *c, unsigned int first, unsigned int n,
		     phys_addr_t phys, unsigned int prot, u64 *done);
unsigned int contract_unmap(struct contract *c, unsigned int first,
			    unsigned int n, size_t max);
unsigned int contract_read(struct contract *c, unsigned int first,
			   unsigned int n, size_t max);
void contract_settle(struct contract *c, struct sluice_gather *gather);
void contract_flush(struct contract *c);
void contract_check(struct contract *c, struct iommu_group *group);
void contract_check_pages(struct contract *c, struct iommu_group *group,
			  unsigned int first, unsigned int n);

/**
 * struct contract_shape - a mapping
 * @first: its first page, of CONTRACT_PAGES
 * @n: how many
 * @phys_page: where in the memory that it is given it begins
 */
struct contract_shape {
	unsigned int first, n, phys_page;
};

#define CONTRACT_SHAPES 7
extern const struct contract_shape contract_shapes[CONTRACT_SHAPES];

/* Maps all of them, each to memory of its own. */
void contract_map_shapes(struct contract *c);

/* Cases in contract_again_test.c. */
void contract_in_place(struct kunit *test);
void contract_prepare_in_place(struct kunit *test);
void contract_reserved(struct kunit *test);

/* Cases in contract_unified_test.c. */
void contract_exists(struct kunit *test);
void contract_kinds(struct kunit *test);
void contract_tables(struct kunit *test);
void contract_unmap_each(struct kunit *test);

/* Cases in contract_stress_test.c. */
void contract_random(struct kunit *test);
void contract_threads(struct kunit *test);
void contract_threads_cut(struct kunit *test);

extern const struct contract_seam contract_fake;
extern const struct contract_seam contract_fake_bare;
extern const struct contract_seam contract_vtd_39;
extern const struct contract_seam contract_vtd_48;
extern const struct contract_seam contract_vtd_57;
extern const struct contract_seam contract_vtd_caching;
extern const struct contract_seam contract_amdvi_plain;
extern const struct contract_seam contract_amdvi_caching;
extern const struct contract_seam contract_power_default;
extern const struct contract_seam contract_power_large;
extern const struct contract_seam contract_power_single;

/* NULL: the backend isn't part of this kernel. */
#define CONTRACT_VTD(name) \
	(IS_ENABLED(CONFIG_SLUICE_VTD_LIB) ? &contract_vtd_##name : NULL)
#define CONTRACT_AMDVI(name) \
	(IS_ENABLED(CONFIG_SLUICE_AMDVI_LIB) ? &contract_amdvi_##name : NULL)

#endif /* SLUICE_KUNIT_CONTRACT_H */
