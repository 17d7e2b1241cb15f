/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The contract between the core and an IOMMU backend.
 *
 * Owns: everything a backend has to know of the core, and the core of a
 * backend. A backend includes no other header of ours but those beside this
 * one; the core never names a backend. kunit/fake_backend.c is the smallest
 * complete backend; read it next to this file.
 */
#ifndef SLUICE_BACKEND_H
#define SLUICE_BACKEND_H

#include <linux/interval_tree.h>
#include <linux/iommu.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

/**
 * DOC: The backend contract
 *
 * A backend drives one family of IOMMUs. It registers a &struct
 * sluice_backend. When a user attaches an IOMMU group to an address space, the
 * core asks the registered backends, the most specific first, for the
 * **instance** (&struct sluice_iommu) that translates the group's DMA. An
 * instance states its capabilities once and makes **domains** (&struct
 * sluice_domain): a page table, or a set of TCE windows. Groups that the
 * hardware can serve from the same tables share a domain; a space whose groups
 * can't share gets several domains with the same content.
 *
 * **Units.** IOVAs, physical addresses and lengths are bytes. A range is
 * inclusive at both ends (start, last), so that the whole 64-bit space can be
 * said. Extents and ranges given to a backend are aligned to the smallest page
 * size of its capabilities.
 *
 * **What the core guarantees.** Between the calls of one operation (prepare or
 * cut, map or unmap, flush) no other operation on an overlapping range runs in
 * the same domain. The set of groups attached to a domain doesn't change during
 * prepare, cut, map, unmap, read, flush or reclaim. Unless a domain is unified,
 * maps go to IOVAs where nothing is mapped. Unmaps cover whole extents as they
 * were mapped, unless @cut succeeded for the range. Ranges to unmap or read may
 * have holes, but have been mapped for the most part: time in proportion to
 * their length is all right.
 * The extents of a map divide no page that could be: a block of a power of two bytes, up
 * to 1 GiB, that is aligned and contiguous in IOVA and memory lies in one extent. So a
 * backend may choose page sizes extent by extent.
 * No call follows a failed flush but detach and free.
 *
 * **What a backend guarantees.** Operations on disjoint ranges of one domain may
 * run at the same time on several CPUs. @unmap, @detach, @free and @reclaim
 * can't fail. A mapping is never wider than asked: no access without the
 * matching &enum sluice_prot bit, not a byte outside the extent. Translations
 * that were cleared may be used by the hardware until @flush has returned 0, and
 * not after.
 *
 * **Unified domains.** Some address spaces keep no record of what they have
 * mapped: the tables are the record. Their domains are made with @unified set.
 * There, @cut is required, extents that are handed back must say what they were
 * mapped as, with all bits of &enum sluice_prot, and a map where something is
 * mapped must fail. A backend whose tables can't be read keeps a record in a table
 * that it can read (core/pt's software format). Such a domain may exist without
 * any group attached, and be attached again.
 *
 * **One flush.** @prepare, @cut, @map and @unmap add what must be
 * invalidated to one &struct sluice_gather; the core calls @flush once for
 * many of them, and unpins memory only after that.
 *
 * **Mapped again.** A device takes back its memory at any time (decode off, reset), and
 * the core maps the same IOVAs again later. For that the core unmaps with @keep_tables
 * of the gather set, @reclaim spares the tables, and the second @map has @in_place set.
 * Where the backend can't keep tables, the second @map fails while @no_tables is set,
 * and the core tries once more where it may wait for memory.
 *
 * **Dead hardware.** A @flush that fails means that the hardware may still use
 * the old translations, for ever. The core then never unpins what the flush
 * covered (quarantine), and takes the domain for dead. The backend must keep the
 * tables' memory, too, and marks the instance dead, if it is the instance that
 * failed: no further group is attached to it.
 *
 * **Windows.** On some IOMMUs (POWER) IOVAs are usable only in windows, each with a
 * table and a page size of its own. In a unified domain the backend makes them when a
 * group is attached, and they appear as apertures of the capabilities: windows that
 * the user makes are ranges in there, as on any IOMMU. In a domain of the kind
 * %SLUICE_DOMAIN_WINDOWS, for the SPAPR types of linux/vfio.h, the user makes
 * and removes the hardware's own; extents and ranges are aligned to the page size of
 * the window that they lie in, which may be smaller than the CPU's.
 *
 * **How the families implement it.** Generic: calls of the kernel's IOMMU API;
 * the hardware side is a struct iommu_domain; unified domains have a record in a
 * page table of the software format. VT-d and AMD-Vi: page tables of core/pt, which
 * does prepare, cut, map, unmap, unmap_each, read and reclaim for every format.
 * POWER: TCEs are written by hypercalls, blocks of 512 under a lock each; a
 * software-format table per window is the record, and outlives the windows.
 *
 * **Growth.** An operation joins these structures when it has two
 * implementations (the fake backend counts). Groups of optional operations
 * (windows; dirty tracking, faults will be others) are one pointer each, NULL where
 * unsupported.
 */

struct sluice_backend;
struct sluice_domain;

/**
 * struct sluice_reserved - where nothing may be mapped, but others may be at work
 * @lock: guards @ranges; innermost
 * @ranges: an interval tree of IOVAs (linux/interval_tree.h): device memory that is
 *	mapped, or will be again
 *
 * Whoever withdraws that memory, or maps it again, holds no lock of the space.
 */
struct sluice_reserved {
	spinlock_t lock;	/* ranges */
	struct rb_root_cached ranges;
};

/**
 * sluice_is_reserved - has a range to be left alone?
 * @reserved: NULL if nothing has
 * @start: first IOVA
 * @last: last IOVA, inclusive
 *
 * Return: true if anything in it is reserved.
 */
static inline bool sluice_is_reserved(struct sluice_reserved *reserved,
				      u64 start, u64 last)
{
	bool ret;

	if (!reserved)
		return false;
	spin_lock(&reserved->lock);
	ret = interval_tree_iter_first(&reserved->ranges, start, last);
	spin_unlock(&reserved->lock);
	return ret;
}

/**
 * enum sluice_domain_kind - who keeps the record of what a domain has mapped
 * @SLUICE_DOMAIN_MAPPINGS: the core: it knows each mapping
 * @SLUICE_DOMAIN_UNIFIED: the domain, see "Unified domains"
 * @SLUICE_DOMAIN_WINDOWS: the domain as well; and the user makes the windows
 */
enum sluice_domain_kind {
	SLUICE_DOMAIN_MAPPINGS,
	SLUICE_DOMAIN_UNIFIED,
	SLUICE_DOMAIN_WINDOWS,
};

/**
 * struct sluice_range - a range of IOVAs
 * @start: first byte
 * @last: last byte, inclusive; below @start if the range is empty
 */
struct sluice_range {
	u64 start;
	u64 last;
};

/**
 * sluice_range_empty - is nothing left of the range?
 * @range: the range
 *
 * Return: true if it is empty.
 */
static inline bool sluice_range_empty(const struct sluice_range *range)
{
	return range->start > range->last;
}

/**
 * sluice_range_consume - drop the beginning of a range
 * @range: the range
 * @last: the last byte to drop; not below @range->start
 *
 * The only right way to step through a range: it holds at the top of the
 * 64-bit space, where "the byte after" is 0.
 */
static inline void sluice_range_consume(struct sluice_range *range, u64 last)
{
	if (last >= range->last)
		*range = (struct sluice_range){ .start = 1, .last = 0 };
	else
		range->start = last + 1;
}

/**
 * struct sluice_extent - contiguous IOVAs on contiguous physical memory
 * @iova: first IOVA
 * @phys: physical address behind @iova
 * @len: bytes; not 0
 * @prot: what it was mapped as (bits of &enum sluice_prot), in extents that
 *	@unmap and @read hand back; 0 from a backend whose tables don't say.
 *	@map and @prepare don't look at it
 */
struct sluice_extent {
	u64 iova;
	phys_addr_t phys;
	u64 len;
	unsigned int prot;
};

/**
 * sluice_extent_continues - does an extent go on where another one ends?
 * @e: an extent; with its @prot
 * @next: another one
 *
 * Return: true if the two could be one.
 */
static inline bool sluice_extent_continues(const struct sluice_extent *e,
					   const struct sluice_extent *next)
{
	return e->iova + e->len == next->iova &&
	       e->phys + e->len == next->phys && e->prot == next->prot;
}

/**
 * enum sluice_prot - what a mapping allows, and what it points to
 * @SLUICE_PROT_READ: the device may read
 * @SLUICE_PROT_WRITE: the device may write
 * @SLUICE_PROT_MMIO: the target is device memory, not RAM
 * @SLUICE_PROT_REGISTERED: the target is memory that was pinned when it was
 *	registered with the space: nothing is to be unpinned when it is unmapped.
 *	With neither this nor MMIO, the mapping itself has pinned the target
 */
enum sluice_prot {
	SLUICE_PROT_READ = BIT(0),
	SLUICE_PROT_WRITE = BIT(1),
	SLUICE_PROT_MMIO = BIT(2),
	SLUICE_PROT_REGISTERED = BIT(3),
};

/* More disjoint ranges than these are invalidated as one hull. */
#define SLUICE_GATHER_RANGES 8

/**
 * struct sluice_gather - what one flush must invalidate
 * @ranges: IOVA ranges with cleared or narrowed leaf entries, in no order
 * @nr: used entries of @ranges; 0: nothing to invalidate
 * @leaf_lg2: log2 of the smallest leaf that hardware may remember in @ranges;
 *	64: there was none
 * @keep_tables: set by the core: tables that become empty stay: a @map that has
 *	been prepared needs them, or somebody else may be looking at them
 * @no_tables: set by the core, for @prepare, @cut and @map: no table may be added, and
 *	no memory be allocated for one: -ENOMEM instead
 * @in_place: set by the core, for @map: no table may go. Where a table without entries
 *	is in the way of a page, smaller pages in that table take its place: somebody
 *	else may be looking at the table
 * @nonleaf: entries that pointed to tables were cleared as well: paging-
 *	structure caches must go, too (VT-d: IH=0, AMD-Vi: PDE=1)
 * @tables: tables that no entry points to any more, linked by their page's lru:
 *	freed after the flush
 * @iotlb: the kernel's own gather, for backends on top of struct iommu_domain
 *
 * Lives on the caller's stack for the duration of one batch.
 */
struct sluice_gather {
	struct sluice_range ranges[SLUICE_GATHER_RANGES];
	unsigned int nr;
	unsigned int leaf_lg2;
	bool nonleaf : 1;
	bool keep_tables : 1;
	bool no_tables : 1;
	bool in_place : 1;
	struct list_head tables;
	struct iommu_iotlb_gather iotlb;
};

/**
 * sluice_gather_init - start an empty gather
 * @gather: the gather
 */
static inline void sluice_gather_init(struct sluice_gather *gather)
{
	gather->nr = 0;
	gather->leaf_lg2 = 64;
	gather->nonleaf = false;
	gather->keep_tables = false;
	gather->no_tables = false;
	gather->in_place = false;
	INIT_LIST_HEAD(&gather->tables);
	iommu_iotlb_gather_init(&gather->iotlb);
}

/**
 * sluice_gather_join - add a range to a gather that isn't empty
 * @gather: the gather
 * @start: first IOVA
 * @last: last IOVA, inclusive
 *
 * For sluice_gather_add() only.
 */
void sluice_gather_join(struct sluice_gather *gather, u64 start, u64 last);

/**
 * sluice_gather_add - note that leaf entries in a range were cleared
 * @gather: the gather
 * @start: first IOVA
 * @last: last IOVA, inclusive
 * @leaf_lg2: log2 of the smallest leaf cleared in the range; 64 if none was
 *
 * Adjacent and overlapping ranges are joined. When there are more disjoint
 * ranges than the gather can hold, the two that are closest become one: it
 * may cover too much, but never too little.
 */
static inline void sluice_gather_add(struct sluice_gather *gather, u64 start,
				     u64 last, unsigned int leaf_lg2)
{
	if (leaf_lg2 < gather->leaf_lg2)
		gather->leaf_lg2 = leaf_lg2;
	if (gather->nr) {
		sluice_gather_join(gather, start, last);
		return;
	}
	gather->ranges[0].start = start;
	gather->ranges[0].last = last;
	gather->nr = 1;
}

/* Apertures one instance may have; the kernel's IOMMU drivers have one. */
#define SLUICE_MAX_APERTURES 4

/* Windows a domain may have, on IOMMUs that have windows. */
#define SLUICE_MAX_HW_WINDOWS 4

/**
 * struct sluice_window_caps - what windows a group can have; constant after probe
 * @initial: the window that is there when a group has been attached to a domain of the
 *	kind %SLUICE_DOMAIN_WINDOWS
 * @initial_lg2: log2 of its page size
 * @pgsizes: bit n: a window with pages of 2^n bytes can be made; 0: none can, and
 *	the initial one can't be removed
 * @max: windows there can be at a time, the initial one included
 * @levels: levels that the tables of a window can have, as programs are told
 */
struct sluice_window_caps {
	struct sluice_range initial;
	unsigned int initial_lg2;
	u64 pgsizes;
	unsigned int max;
	unsigned int levels;
};

/**
 * struct sluice_caps - what an instance can do; constant after probe
 * @pgsizes: bitmap of supported page sizes, bit n: 2^n bytes; not 0
 * @apertures: IOVA ranges that can be mapped, ascending, neither overlapping
 *	nor adjacent; the core subtracts the group's reserved regions
 * @nr_apertures: used entries of @apertures; at least 1
 * @coherent: the hardware enforces snooping of all DMA, no-snoop requests too
 * @isolated_msi: the platform keeps devices from raising each other's interrupts,
 *	although the kernel's interrupt code doesn't know
 * @windows: what windows there can be; of backends that have &struct
 *	sluice_window_ops
 */
struct sluice_caps {
	u64 pgsizes;
	struct sluice_range apertures[SLUICE_MAX_APERTURES];
	unsigned int nr_apertures;
	bool coherent;
	bool isolated_msi;
	struct sluice_window_caps windows;
};

/**
 * struct sluice_iommu - an instance: the IOMMU hardware behind a group
 * @backend: the backend that made it
 * @caps: capabilities; set by the backend before probe returns
 * @ref: held by attached groups and by domains; managed by the core
 * @dead: the hardware failed; set once, by the backend, read without a lock
 *
 * Embedded in a backend's own structure. An instance may serve one group or
 * many; a backend may return the same one from several probes.
 */
struct sluice_iommu {
	const struct sluice_backend *backend;
	struct sluice_caps caps;
	struct kref ref;
	bool dead;
};

/**
 * struct sluice_domain_ops - operations on a domain
 *
 * All are called in process context and may sleep, unless stated otherwise.
 * Those without "optional" are required.
 *
 * @free: free a domain to which no group is attached. If its last flush
 *	failed, the memory that the hardware may still read must be kept.
 *
 * @attach: translate the DMA of @group by @domain. The group's DMA ownership
 *	has been claimed, its DMA is blocked.
 *	Locks: the space's lock is held for writing.
 *	Result: 0; -EINVAL if this domain can't serve the group though another
 *	might (the core then allocates one); -ENOMEM; -EIO if the hardware
 *	doesn't answer. After a failure the group's DMA is blocked as before.
 *
 * @detach: block the DMA of @group again. On return no DMA of the group is
 *	translated by @domain; if the hardware can't be told, the backend marks the
 *	instance dead, or @domain.
 *	Locks: the space's lock is held for writing. Can't fail.
 *
 * @compatible: could @domain serve @group, whose instance is @iommu? Cheap
 *	test before @attach; must not change anything.
 *	Result: true if an attach is worth trying.
 *
 * @prepare: optional. Do all that can fail for a @map of exactly these
 *	extents: allocate tables. Nothing can be seen of it. With @keep_tables
 *	of @gather set, something may be mapped there, which the core will
 *	unmap before: pages that are larger than the new ones are cut.
 *	Result: 0, then the @map can't fail; -ENOMEM, -EINVAL or -EEXIST as
 *	@map. A map that wasn't prepared can fail half-way. Required of unified
 *	domains.
 *
 * @cut: optional. Cut the entries that cross one of the two ends of @range, so
 *	that @unmap may start and end there. What is mapped stays mapped, to
 *	the same memory with the same rights. The largest page that may have
 *	crossed an end is added to @gather, even if another thread has cut it
 *	already: that one's flush may be still to come.
 *	Result: 0; -ENOMEM: everything is as before; -EINVAL: not possible in
 *	a domain that isn't unified. NULL: only whole extents, as they were
 *	mapped, can be unmapped.
 *
 * @map: make @extents accessible as @prot (bits of &enum sluice_prot) says.
 *	Adds to @gather only where hardware must forget not-present entries.
 *	Result: 0 if all were mapped. Otherwise an errno (-ENOMEM; -EINVAL for
 *	what the tables can't express; -EEXIST if something is mapped there:
 *	required of unified domains only), and *@done (bytes, counted from the
 *	first extent on, a multiple of the smallest page size) says how much
 *	is mapped; the core unmaps that. On success *@done isn't looked at.
 *
 * @unmap: clear entries from @range->start on and hand back the memory that
 *	they pointed to, in the same walk. Stops when @range is done or
 *	@max extents (at least 1) have been filled. Physically contiguous
 *	neighbours are returned as one extent where the walk sees it. Where
 *	nothing is mapped, nothing is returned.
 *	What was looked at is consumed from @range (sluice_range_consume());
 *	an empty @range says that all is done. It may also stop before @range
 *	is done and @extents full, even without an extent, so that the core can
 *	let others run.
 *	@held is where the operation began: the caller holds all from there to
 *	@range->last, and has unmapped what lies before @range->start. Tables
 *	that span nothing else may be unlinked.
 *	Result: the number of extents written to @extents.
 *
 * @unmap_each: optional. @unmap of @nr pages of the smallest size, each by itself:
 *	their IOVAs are in @pages, the rest of which is filled; @len is 0 where
 *	nothing is mapped. Needs no @cut: it stops at a page that is part of a
 *	larger one, or for any other reason.
 *	Result: how many pages were dealt with, counted from the first on; with
 *	those left the core tries @cut and @unmap.
 *
 * @read: as @unmap, but clears nothing, and @range may cut extents: they are
 *	clipped to it. Fills a second domain from the first.
 *	Result: the number of extents written to @extents.
 *
 * @flush: invalidate what was gathered and wait until the hardware is done.
 *	Result: 0; -EIO or -ETIMEDOUT if the hardware doesn't answer, see
 *	"Dead hardware". @gather is spent in either case.
 *
 * @reclaim: optional. Free tables that no longer hold an entry. The core
 *	calls it when a @prepare or @map failed with -ENOMEM, and when the
 *	backend has set &sluice_domain.reclaim_due. Tables that reach into a range of
 *	&sluice_domain.reserved stay: ask sluice_is_reserved() for each.
 *	Locks: the space's lock is held for writing: no other operation on
 *	the domain runs, but for @map in place, @unmap with the tables kept, and @flush,
 *	in ranges that are reserved. The backend must flush before it frees.
 *
 * @windows: optional: operations on windows. A backend that has them has no
 *	domains of the kind %SLUICE_DOMAIN_MAPPINGS; one that hasn't has none of
 *	the kind %SLUICE_DOMAIN_WINDOWS.
 */
struct sluice_domain_ops {
	void (*free)(struct sluice_domain *domain);
	int (*attach)(struct sluice_domain *domain, struct iommu_group *group);
	void (*detach)(struct sluice_domain *domain, struct iommu_group *group);
	bool (*compatible)(struct sluice_domain *domain,
			   struct sluice_iommu *iommu,
			   struct iommu_group *group);

	int (*prepare)(struct sluice_domain *domain,
		       const struct sluice_extent *extents, size_t nr,
		       struct sluice_gather *gather);
	int (*cut)(struct sluice_domain *domain,
		   const struct sluice_range *range,
		   struct sluice_gather *gather);
	int (*map)(struct sluice_domain *domain,
		   const struct sluice_extent *extents, size_t nr,
		   unsigned int prot, u64 *done, struct sluice_gather *gather);
	size_t (*unmap)(struct sluice_domain *domain, u64 held,
			struct sluice_range *range,
			struct sluice_extent *extents, size_t max,
			struct sluice_gather *gather);
	size_t (*unmap_each)(struct sluice_domain *domain,
			     struct sluice_extent *pages, size_t nr,
			     struct sluice_gather *gather);
	size_t (*read)(struct sluice_domain *domain,
		       struct sluice_range *range,
		       struct sluice_extent *extents, size_t max);
	int (*flush)(struct sluice_domain *domain,
		     struct sluice_gather *gather);
	void (*reclaim)(struct sluice_domain *domain);
	const struct sluice_window_ops *windows;
};

/**
 * struct sluice_window_ops - windows that the user makes
 *
 * Of domains of the kind %SLUICE_DOMAIN_WINDOWS with a group attached. A window is made
 * for all groups of the domain, and for those that are attached later. Windows vanish
 * with the @detach of the last group; nothing is mapped by then. All are called in
 * process context and may sleep. Locks: the space's lock is held for writing, and no
 * revocation of device memory runs.
 *
 * @create: make a window of @size bytes, a power of two, with pages of 2^@page_lg2
 *	bytes, one of the sizes in &sluice_window_caps.pgsizes. Where it begins is
 *	the hardware's choice: *@start is set. It overlaps no other window.
 *	Result: 0; -E2BIG if it is larger than any can be now, or smaller than a page;
 *	-ENOSPC if there are as many as there can be; -EADDRINUSE if the
 *	hardware would place it onto another one; -EBUSY if the hardware
 *	puts it off for too long; -EIO if it refuses for another reason; -ENOMEM.
 *	Nothing has changed then.
 *
 * @remove: remove the window that begins at @start. Nothing is mapped in it.
 *	Result: 0; -EIO if the hardware refuses: the window stays then.
 */
struct sluice_window_ops {
	int (*create)(struct sluice_domain *domain, unsigned int page_lg2,
		      u64 size, u64 *start);
	int (*remove)(struct sluice_domain *domain, u64 start);
};

/**
 * struct sluice_domain - the hardware side of an address space
 * @ops: the backend's &sluice_backend.domain_ops
 * @iommu: the instance it was made for
 * @node: link in the space's list of domains; the space's lock
 * @nr_groups: groups attached; the space's lock
 * @reclaim_due: it is time for a @reclaim: set by the backend in @map, without a
 *	lock; cleared by the core before it calls @reclaim
 * @dead: a flush failed: nothing that was mapped may be unpinned any more. Set by the
 *	core; and by the backend if a group that has left may still use the domain, but
 *	the instance isn't dead. Never cleared, read without a lock
 * @reserved: IOVAs where others may be at work, or NULL; see there
 * @tables: pages of memory that its tables take; kept by the backend, up to date
 *	when @prepare, @cut, @map, @flush or @reclaim returns; read without a
 *	lock. Of unified domains only
 *
 * Embedded in a backend's own structure; all other members are the core's.
 */
struct sluice_domain {
	const struct sluice_domain_ops *ops;
	struct sluice_iommu *iommu;
	struct list_head node;
	unsigned int nr_groups;
	bool reclaim_due;
	bool dead;
	struct sluice_reserved *reserved;
	unsigned long tables;
};

/**
 * enum sluice_rating - which backend is asked first
 * @SLUICE_RATING_GENERIC: drives whatever the kernel drives; asked last
 * @SLUICE_RATING_NATIVE: drives one family of IOMMUs by itself
 */
enum sluice_rating {
	SLUICE_RATING_GENERIC = 1,
	SLUICE_RATING_NATIVE = 2,
};

/**
 * struct sluice_backend - a family of IOMMUs
 * @name: short lower-case name, for messages; unique
 * @rating: backends with a higher rating are asked first
 * @probe: the instance that translates @group's DMA. The group's DMA
 *	ownership has been claimed and its DMA is blocked; after return it is
 *	blocked again. Takes no reference: a new instance is returned with
 *	its @ref initialised by kref_init(), a known one after kref_get().
 *	Locks: calls of probe and release are serialised by the core.
 *	Result: the instance; ERR_PTR(-ENODEV) if the group's IOMMU is not of
 *	this family; another errno if it is, but can't be used.
 * @release: the last reference to @iommu is gone; frees it.
 * @domain_alloc: a new, empty domain of this kind, to which @group can be attached.
 *	Result: the domain, or ERR_PTR() of -ENOMEM or -ENOSPC.
 * @domain_ops: the operations every domain of this backend has; checked once,
 *	at registration
 */
struct sluice_backend {
	const char *name;
	enum sluice_rating rating;
	struct sluice_iommu *(*probe)(struct iommu_group *group);
	void (*release)(struct sluice_iommu *iommu);
	struct sluice_domain *(*domain_alloc)(struct sluice_iommu *iommu,
					      struct iommu_group *group,
					      enum sluice_domain_kind kind);
	const struct sluice_domain_ops *domain_ops;
};

/**
 * sluice_backend_register - offer a backend to the core
 * @backend: the backend; must stay valid until unregistered
 *
 * Context: an initcall not later than device_initcall, or a test.
 * Return: 0; -EINVAL if a required member is missing (the log says which);
 * -EEXIST if the name is taken; -ENOMEM.
 */
#ifdef CONFIG_SLUICE
int sluice_backend_register(const struct sluice_backend *backend);
#else
/* A backend may be built for the kernel's IOMMU core alone. */
static inline int sluice_backend_register(const struct sluice_backend *backend)
{
	return 0;
}
#endif

/**
 * sluice_backend_unregister - withdraw a backend
 * @backend: a registered backend of which no instance is left
 */
void sluice_backend_unregister(const struct sluice_backend *backend);

#endif /* SLUICE_BACKEND_H */
