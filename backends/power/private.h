/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the POWER backend share (kunit/ excepted, nobody else includes
 * it).
 *
 * A Partitionable Endpoint (PE) is a group; its DMA goes through windows, each with a
 * table of TCEs that only the hypervisor can write, and nobody can read cheaply. So each
 * window of a domain has a record beside it: a page table of the software format, whose
 * smallest page is the window's.
 *
 * Lock order, below what sluice/backend.h says of the core's:
 *
 *   power_block.lock		mutex: the TCEs of a block, and the record of them
 *   pes_lock (core.c)		mutex: the list of PEs; nothing is taken under it
 */
#ifndef SLUICE_POWER_PRIVATE_H
#define SLUICE_POWER_PRIVATE_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <sluice/backend.h>
#include <sluice/pt.h>

#include "regs.h"

/* ---- pe.c: what the device tree says of a PE ---- */

/**
 * struct power_pe_desc - a PE, as firmware describes it
 * @buid: its host bridge
 * @config_addr: bus, device and function of a device of it, as RTAS wants them
 * @liobn: logical bus number of the default window
 * @window: IOVAs of the default window
 * @query: RTAS token of ibm,query-pe-dma-windows; 0: there are no dynamic windows
 * @create: token of ibm,create-pe-dma-window
 * @remove: token of ibm,remove-pe-dma-window
 * @reset: token of ibm,reset-pe-dma-windows; 0: there is none
 * @query_wide: the query returns the largest block in two words
 */
struct power_pe_desc {
	u64 buid;
	u32 config_addr;
	u32 liobn;
	struct sluice_range window;
	u32 query;
	u32 create;
	u32 remove;
	u32 reset;
	bool query_wide;
};

#ifdef CONFIG_SLUICE_POWER
int power_pe_describe(struct iommu_group *group, struct power_pe_desc *desc);
#else
/* Without a hypervisor there are only PEs that somebody else describes: kunit/. */
static inline int power_pe_describe(struct iommu_group *group,
				    struct power_pe_desc *desc)
{
	return -ENODEV;
}
#endif

/* ---- hv.c: hypercalls and RTAS; kunit/ has another one ---- */

/**
 * struct power_ddw_query - what dynamic windows there can be now
 * @windows: how many more
 * @largest: TCEs that the next one can have
 * @sizes: page sizes, as &POWER_QUERY_SIZES
 */
struct power_ddw_query {
	u32 windows;
	u64 largest;
	u32 sizes;
};

/**
 * struct power_ddw - a dynamic window
 * @liobn: its logical bus number
 * @start: first IOVA
 */
struct power_ddw {
	u32 liobn;
	u64 start;
};

/**
 * struct power_hv - the only way to the hypervisor
 * @put: H_PUT_TCE: write a TCE
 * @put_indirect: H_PUT_TCE_INDIRECT: write @nr TCEs, from the one of @ioba on; the
 *	list is &POWER_LIST_BYTES aligned; NULL if the firmware hasn't got it
 * @stuff: H_STUFF_TCE: write the same TCE @nr times; NULL as before
 * @query: ibm,query-pe-dma-windows
 * @create: ibm,create-pe-dma-window; sizes are log2. Its table is empty
 * @remove: ibm,remove-pe-dma-window
 * @reset: ibm,reset-pe-dma-windows: there is only the default window then
 *
 * @ioba is an IOVA, @nr at most &POWER_BLOCK. They return 0; -EBUSY: try again, part of
 * the TCEs may have been written, or, of the RTAS calls, that they have been tried for
 * long enough; -ENOMEM: the hypervisor has no resources; -EIO: it refuses.
 */
struct power_hv {
	int (*put)(u32 liobn, u64 ioba, u64 tce);
	int (*put_indirect)(u32 liobn, u64 ioba, const __be64 *tces,
			    unsigned int nr);
	int (*stuff)(u32 liobn, u64 ioba, u64 tce, unsigned int nr);
	int (*query)(const struct power_pe_desc *pe,
		     struct power_ddw_query *query);
	int (*create)(const struct power_pe_desc *pe, unsigned int page_lg2,
		      unsigned int window_lg2, struct power_ddw *window);
	int (*remove)(const struct power_pe_desc *pe, u32 liobn);
	int (*reset)(const struct power_pe_desc *pe);
};

const struct power_hv *power_hv_init(void);

extern const struct power_hv *power_hypervisor;

/* ---- core.c: PEs ---- */

/**
 * struct power_pe - a PE that is owned: the instance of its group
 * @iommu: for the core
 * @node: link in the list of PEs
 * @group: the kernel's group
 * @hv: the way to the hypervisor
 * @desc: what firmware says
 * @large: the window that unified domains have beside the default one; empty if
 *	there can't be one
 * @large_lg2: log2 of its page size
 */
struct power_pe {
	struct sluice_iommu iommu;
	struct list_head node;
	struct iommu_group *group;
	const struct power_hv *hv;
	struct power_pe_desc desc;
	struct sluice_range large;
	unsigned int large_lg2;
};

static inline struct power_pe *power_pe_of(struct sluice_iommu *iommu)
{
	return container_of(iommu, struct power_pe, iommu);
}

struct power_pe *power_pe_create(struct iommu_group *group,
				 const struct power_hv *hv,
				 const struct power_pe_desc *desc);
struct power_pe *power_pe_find(struct iommu_group *group);

extern const struct sluice_backend power_backend;

/* ---- ddw.c: windows as the hypervisor has them ---- */

int power_ddw_decode(struct power_pe *pe);
int power_ddw_normalise(struct power_pe *pe);
int power_ddw_create(struct power_pe *pe, unsigned int page_lg2, u64 size,
		     struct power_ddw *window);
int power_ddw_remove(struct power_pe *pe, u32 liobn);

/* ---- tce.c: hypercalls that write TCEs ---- */

int power_tce_put(const struct power_pe *pe, u32 liobn, u64 iova, u64 tce);
int power_tces_put(const struct power_pe *pe, u32 liobn, u64 iova,
		   unsigned int page_lg2, const __be64 *tces, unsigned int nr);
int power_tces_stuff(const struct power_pe *pe, u32 liobn, u64 iova,
		     unsigned int page_lg2, u64 nr, unsigned int *try);

/* ---- domain.c, window.c, map.c: domains ---- */

/**
 * struct power_window - a window of a domain
 * @range: its IOVAs; empty: there is none in this place
 * @page_lg2: log2 of its page size
 * @place: its index in &power_domain.windows and &power_member.liobn
 * @initial: it is the default window, which is there when a group is attached
 * @record: what is mapped in it
 * @noted: pages that the record took when the domain's tables were last counted
 */
struct power_window {
	struct sluice_range range;
	unsigned int page_lg2;
	unsigned int place;
	bool initial;
	struct pt record;
	long noted;
};

/**
 * struct power_member - a PE attached to a domain
 * @node: link in &power_domain.members
 * @pe: the PE; the core's reference keeps it
 * @liobn: of each window of the domain
 */
struct power_member {
	struct list_head node;
	struct power_pe *pe;
	u32 liobn[SLUICE_MAX_HW_WINDOWS];
};

/**
 * struct power_block - the lock of some blocks of TCEs
 * @lock: held while TCEs of the block are written, and the record of them
 * @tces: a list for the hypervisor; guarded by @lock
 */
struct power_block {
	struct mutex lock;	/* TCEs, their record, and tces */
	__be64 *tces;
};

/* Blocks share so many locks. */
#define POWER_NR_BLOCKS 16

/**
 * struct power_domain - a domain
 * @domain: for the core
 * @kind: who makes the windows
 * @members: &power_member.node; the space's lock
 * @windows: its windows; the space's lock
 * @blocks: locks of blocks
 * @lists: the memory of their lists
 * @broken: the hypervisor has refused to clear a TCE; set once, read without a lock
 */
struct power_domain {
	struct sluice_domain domain;
	enum sluice_domain_kind kind;
	struct list_head members;
	struct power_window windows[SLUICE_MAX_HW_WINDOWS];
	struct power_block blocks[POWER_NR_BLOCKS];
	void *lists;
	bool broken;
};

static inline struct power_domain *power_domain_of(struct sluice_domain *domain)
{
	return container_of(domain, struct power_domain, domain);
}

/* The domain's next window after @w, or the first one; NULL if that was the last. */
static inline struct power_window *power_window_next(struct power_domain *d,
						     struct power_window *w)
{
	w = w ? w + 1 : d->windows;
	while (w < d->windows + SLUICE_MAX_HW_WINDOWS &&
	       sluice_range_empty(&w->range))
		w++;
	return w < d->windows + SLUICE_MAX_HW_WINDOWS ? w : NULL;
}

/* A PE's logical bus number for a window. */
static inline u32 *power_liobn_at(struct power_member *member,
				  const struct power_window *w)
{
	return &member->liobn[w->place];
}

/* The window that an IOVA is in, or NULL. */
static inline struct power_window *power_window_at(struct power_domain *d,
						   u64 iova)
{
	struct power_window *w;

	for (w = d->windows; w < d->windows + SLUICE_MAX_HW_WINDOWS; w++) {
		if (iova >= w->range.start && iova <= w->range.last)
			return w;
	}
	return NULL;
}

/* Bytes of a page of the window: what a TCE is about. */
static inline u64 power_page_bytes(const struct power_window *w)
{
	return 1ULL << w->page_lg2;
}

/* The lock of the block that an IOVA's TCE is in. */
static inline struct power_block *power_block_at(struct power_domain *d,
						 const struct power_window *w,
						 u64 iova)
{
	return &d->blocks[iova >> (w->page_lg2 + POWER_BLOCK_LG2) &
			  (POWER_NR_BLOCKS - 1)];
}

/* The last IOVA of that block. */
static inline u64 power_block_last(const struct power_window *w, u64 iova)
{
	return iova | ((1ULL << (w->page_lg2 + POWER_BLOCK_LG2)) - 1);
}

struct sluice_domain *power_domain_alloc(struct sluice_iommu *iommu,
					 struct iommu_group *group,
					 enum sluice_domain_kind kind);
void power_domain_free(struct sluice_domain *domain);
int power_domain_attach(struct sluice_domain *domain,
			struct iommu_group *group);
void power_domain_detach(struct sluice_domain *domain,
			 struct iommu_group *group);
bool power_domain_compatible(struct sluice_domain *domain,
			     struct sluice_iommu *iommu,
			     struct iommu_group *group);
int power_domain_prepare(struct sluice_domain *domain,
			 const struct sluice_extent *extents, size_t nr,
			 struct sluice_gather *gather);
int power_domain_cut(struct sluice_domain *domain,
		     const struct sluice_range *range,
		     struct sluice_gather *gather);
int power_domain_map(struct sluice_domain *domain,
		     const struct sluice_extent *extents, size_t nr,
		     unsigned int prot, u64 *done,
		     struct sluice_gather *gather);
size_t power_domain_unmap(struct sluice_domain *domain, u64 held,
			  struct sluice_range *range,
			  struct sluice_extent *extents, size_t max,
			  struct sluice_gather *gather);
size_t power_domain_unmap_each(struct sluice_domain *domain,
			       struct sluice_extent *pages, size_t nr,
			       struct sluice_gather *gather);
size_t power_domain_read(struct sluice_domain *domain,
			 struct sluice_range *range,
			 struct sluice_extent *extents, size_t max);
int power_domain_flush(struct sluice_domain *domain,
		       struct sluice_gather *gather);
void power_domain_reclaim(struct sluice_domain *domain);
void power_domain_count_tables(struct power_domain *d);

int power_window_init(struct power_window *w, const struct sluice_range *range,
		      unsigned int page_lg2);
void power_window_deinit(struct power_window *w);
int power_windows_make(struct power_domain *d, struct power_member *member);
void power_windows_unmake(struct power_domain *d, struct power_member *member);
int power_window_create(struct sluice_domain *domain, unsigned int page_lg2,
			u64 size, u64 *start);
int power_window_remove(struct sluice_domain *domain, u64 start);

int power_map_one(struct power_domain *d, struct power_window *w,
		  const struct sluice_extent *e, unsigned int prot,
		  struct sluice_gather *gather);
size_t power_unmap_one(struct power_domain *d, struct power_window *w, u64 iova,
		       struct sluice_extent *e, struct sluice_gather *gather);
int power_map(struct power_domain *d, struct power_window *w,
	      const struct sluice_extent *extents, size_t *nr,
	      unsigned int prot, u64 *done, struct sluice_gather *gather);
size_t power_unmap(struct power_domain *d, struct power_window *w, u64 held,
		   struct sluice_range *range, struct sluice_extent *extents,
		   size_t max, struct sluice_gather *gather);
size_t power_unmap_each(struct power_domain *d, struct power_window *w,
			struct sluice_extent *pages, size_t nr,
			struct sluice_gather *gather);
int power_replay(struct power_domain *d, struct power_window *w,
		 struct power_member *member);
int power_blank(struct power_domain *d, struct power_window *w,
		struct power_member *member);

#endif /* SLUICE_POWER_PRIVATE_H */
