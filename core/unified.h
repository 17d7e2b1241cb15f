/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of spaces share that have no record of their maps (kunit/ excepted,
 * nobody else includes it).
 *
 * The domain is the record there: the page table, or what a backend keeps beside it.
 * What the space has is windows, registered memory, and its owner. That are unified
 * spaces, and SPAPR ones, which have a little more (spapr.h).
 *
 * Lock order: as core/private.h says, and
 *
 *   sluice_unified.unregister_lock	mutex: at most one unregistration
 *     sluice_space.lock
 *       sluice_unified.tables_lock	mutex: what is charged for tables
 *         mmap_lock
 */
#ifndef SLUICE_CORE_UNIFIED_H
#define SLUICE_CORE_UNIFIED_H

#include <linux/atomic.h>
#include <linux/maple_tree.h>
#include <linux/mutex.h>
#include <linux/xarray.h>
#include <linux/sluice.h>

#include "private.h"

/* Windows that a space may have. */
#define SLUICE_MAX_WINDOWS 64
/* Registrations that a space may have. */
#define SLUICE_MAX_REGIONS 65536

/**
 * struct sluice_unified - what a space has if its domains are the record
 * @mm: the owner's address space; a reference of mmgrab()
 * @windows: by IOVA, disjoint; changed with the space's lock held for writing. In a
 *	SPAPR space all domains have just these
 * @nr_windows: used entries of @windows
 * @regions: &struct sluice_region by handle; erased with the space's lock held for
 *	writing, so who holds it for reading may use what was found
 * @registered: pages of all regions
 * @nr_regions: how many there are
 * @mapped: bytes of registered memory that are mapped, by all operations that are
 *	complete
 * @unregister_lock: serialises unregistrations
 * @tables_lock: guards changes of @tables
 * @tables: pages charged to @mm for the domains' tables
 */
struct sluice_unified {
	struct mm_struct *mm;
	struct sluice_window windows[SLUICE_MAX_WINDOWS];
	unsigned int nr_windows;
	struct xarray regions;
	atomic_long_t registered;
	atomic_t nr_regions;
	atomic64_t mapped;
	struct mutex unregister_lock;	/* at most one at a time */
	struct mutex tables_lock;	/* tables */
	unsigned long tables;
};

/* ---- unified.c: the life of a space, and its tables' memory ---- */

int sluice_unified_init(struct sluice_space *space);
void sluice_unified_deinit(struct sluice_space *space);
void sluice_unified_clear(struct sluice_space *space);
bool sluice_unified_empty(struct sluice_space *space, u64 start, u64 last);
int sluice_unified_check_fit(struct sluice_space *space,
			     const struct sluice_ranges *usable, u64 pgsizes);
int sluice_unified_fill(struct sluice_space *space, struct sluice_domain *to);
bool sluice_unified_over(struct sluice_space *space);
int sluice_unified_charge_tables(struct sluice_space *space);
void sluice_unified_trim_tables(struct sluice_space *space);
unsigned long sluice_unified_tables(struct sluice_space *space);

/* ---- window.c ---- */

int sluice_window_create(struct sluice_space *space,
			 struct sluice_window_create *arg);
int sluice_window_remove(struct sluice_space *space, u64 start);
const struct sluice_window *sluice_window_find(struct sluice_unified *uni,
					       u64 iova);
bool sluice_window_part(struct sluice_unified *uni, struct sluice_range *range,
			struct sluice_range *part);
u64 sluice_window_pgsizes(struct sluice_space *space);
void sluice_window_insert(struct sluice_space *space, u64 start, u64 last,
			  u32 page_lg2);
void sluice_window_erase(struct sluice_space *space,
			 const struct sluice_window *window);

/* ---- region.c: registered memory ---- */

/**
 * struct sluice_run - physically contiguous pages of a region
 * @first: number of the first one, counted from the region's first page
 * @pfn: where it is
 */
struct sluice_run {
	unsigned long first;
	unsigned long pfn;
};

/**
 * struct sluice_region - registered memory
 * @npages: how much
 * @prot: &enum sluice_prot: what maps of it may allow
 * @runs: the memory, by offset, and one more whose @first is @npages
 * @nr_runs: how many, without that one
 * @max_runs: room in @runs
 * @pfns: the same memory as a set; made when it is needed, under
 *	&sluice_unified.unregister_lock, or the lock of a SPAPR space for writing
 * @has_pfns: whether it was
 * @user: who is charged beside the process; NULL if nobody is
 * @handle: its name
 * @vaddr: where it was registered: the name in a SPAPR space
 * @node: link in &sluice_spapr.regions
 */
struct sluice_region {
	unsigned long npages;
	unsigned int prot;
	struct sluice_run *runs;
	size_t nr_runs;
	size_t max_runs;
	struct maple_tree pfns;
	bool has_pfns;
	struct user_struct *user;
	u32 handle;
	unsigned long vaddr;
	struct rb_node node;
};

int sluice_region_register(struct sluice_space *space, unsigned long vaddr,
			   u64 size, unsigned int prot, u32 *handle);
int sluice_region_unregister(struct sluice_space *space, u32 handle);
struct sluice_region *sluice_region_pin(unsigned long vaddr,
					unsigned long npages,
					unsigned int prot);
int sluice_region_publish(struct sluice_unified *uni,
			  struct sluice_region *region);
int sluice_region_withdraw(struct sluice_space *space,
			   struct sluice_region *region);
void sluice_region_release(struct mm_struct *mm, struct sluice_region *region,
			   bool stuck);
void sluice_region_unpin(const struct sluice_region *region,
			 unsigned long first, unsigned long npages);
void sluice_region_free(struct sluice_region *region);
size_t sluice_region_extents(const struct sluice_region *region, u64 iova,
			     u64 offset, u64 size,
			     struct sluice_extent *extents, size_t max,
			     u64 *used);
void sluice_region_free_all(struct sluice_unified *uni, bool stuck);
size_t sluice_region_find(const struct sluice_region *region,
			  unsigned long page);

/* ---- txn.c: maps and unmaps that share a flush ---- */

/* Extents given to a backend in one call: as many as a hypercall writes on POWER. */
#define SLUICE_TXN_EXTENTS 512
/* Extents and pages a transaction has room for without memory. */
#define SLUICE_TXN_FEW 8

/**
 * struct sluice_txn - maps and unmaps that share a flush
 * @space: the space
 * @uni: its unified part
 * @gather: what the first domain must invalidate
 * @others: the same for each other domain, in the space's order; NULL if there is
 *	none
 * @nr_others: how many
 * @freed: pinned memory that was unmapped, and waits for the flush
 * @nr_freed: used entries of @freed
 * @max_freed: room in @freed
 * @pages: room for a step's pages
 * @max_pages: how many
 * @extents: room for a step's extents
 * @max_extents: how many
 * @mapped: bytes of registered memory that were mapped, less those unmapped
 * @unmapped: bytes that were unmapped at the user's request
 * @tce_lg2: 0; or each 2^n bytes have pinned their page, and weren't charged: maps of
 *	a SPAPR space of version 1
 * @keep_tables: sluice_txn_keep_tables() was called
 * @stuck: a flush failed: unpin nothing any more
 * @changed: the space is another one since a pause: begin anew
 * @cleared: and nothing of what was mapped is left, nor @uni, if it's a SPAPR space
 * @pause: the pause
 * @few: where @freed points without memory
 * @few_pages: the same for @pages
 * @few_extents: the same for @extents
 */
struct sluice_txn {
	struct sluice_space *space;
	struct sluice_unified *uni;
	struct sluice_gather gather;
	struct sluice_gather *others;
	unsigned int nr_others;
	struct sluice_extent *freed;
	size_t nr_freed;
	size_t max_freed;
	struct page **pages;
	size_t max_pages;
	struct sluice_extent *extents;
	size_t max_extents;
	s64 mapped;
	u64 unmapped;
	unsigned int tce_lg2;
	bool keep_tables;
	bool stuck;
	bool changed;
	bool cleared;
	struct sluice_pause pause;
	struct sluice_extent few[SLUICE_TXN_FEW];
	struct page *few_pages[SLUICE_TXN_FEW];
	struct sluice_extent few_extents[SLUICE_TXN_FEW];
};

int sluice_txn_begin(struct sluice_txn *txn, struct sluice_space *space,
		     bool large);
int sluice_txn_flush(struct sluice_txn *txn);
int sluice_txn_end(struct sluice_txn *txn);
void sluice_txn_pause(struct sluice_txn *txn);
bool sluice_txn_resume(struct sluice_txn *txn);
int sluice_txn_map_user(struct sluice_txn *txn, u64 iova, unsigned long vaddr,
			u64 size, unsigned int prot, u64 page);
int sluice_txn_map_region(struct sluice_txn *txn, u64 iova,
			  const struct sluice_region *region, u64 offset,
			  u64 size, unsigned int prot, u64 page);
void sluice_txn_keep_tables(struct sluice_txn *txn);
int sluice_txn_grow(struct sluice_txn *txn);

/**
 * sluice_txn_need_room - have room for steps
 * @txn: the transaction
 * @npages: how much will be mapped at most
 *
 * Return: 0 or -ENOMEM.
 */
static inline int sluice_txn_need_room(struct sluice_txn *txn,
				       unsigned long npages)
{
	if (npages <= SLUICE_TXN_FEW || txn->max_pages > SLUICE_TXN_FEW)
		return 0;
	return sluice_txn_grow(txn);
}

int sluice_txn_check_free(struct sluice_txn *txn, u64 start, u64 last);
bool sluice_txn_aligned(const struct sluice_extent *extents, size_t nr,
			u64 page);
int sluice_txn_prepare(struct sluice_txn *txn,
		       const struct sluice_extent *extents, size_t nr);
int sluice_txn_map_extents(struct sluice_txn *txn,
			   const struct sluice_extent *extents, size_t nr,
			   unsigned int prot);
struct sluice_extent *sluice_txn_room(struct sluice_txn *txn, size_t *room);
size_t sluice_txn_unmap_pages(struct sluice_txn *txn, size_t nr);
void sluice_txn_undo(struct sluice_txn *txn, u64 start, u64 last);
int sluice_txn_cut(struct sluice_txn *txn, u64 start, u64 last);
void sluice_txn_clear(struct sluice_txn *txn, u64 start, u64 last);

/* ---- op.c: an operation by itself ---- */

int sluice_op_check_map(struct sluice_unified *uni,
			const struct sluice_dma_op *op, u64 *page,
			struct sluice_region **region);
int sluice_op_check_unmap(struct sluice_space *space,
			  const struct sluice_dma_op *op);
int sluice_op_run(struct sluice_txn *txn, const struct sluice_dma_op *op);

/* ---- vector.c: operations that are alike ---- */

unsigned int sluice_vector_run(struct sluice_txn *txn,
			       const struct sluice_dma_op *ops, unsigned int nr,
			       bool alike);

/* ---- atomic.c ---- */

int sluice_atomic_run(struct sluice_txn *txn, const struct sluice_dma_op *ops,
		      unsigned int nr, unsigned int *at);

/* ---- batch.c: DMA_BATCH ---- */

long sluice_dma_batch(struct sluice_space *space, void __user *arg);

/* ---- uapi.c: the other ioctls of linux/sluice.h ---- */

long sluice_uapi_ioctl(struct sluice_space *space, unsigned int cmd,
		       void __user *arg);

#endif /* SLUICE_CORE_UNIFIED_H */
