/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Radix page tables, for backends whose IOMMU walks tables in memory and for
 * records of what is mapped.
 *
 * Owns: what a backend sees of core/pt. How an entry looks is a format's
 * business (core/pt/fmt.h), how the hardware is told is the backend's.
 */
#ifndef SLUICE_PT_H
#define SLUICE_PT_H

#include <linux/atomic.h>
#include <linux/gfp_types.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <sluice/backend.h>

/**
 * DOC: Page tables
 *
 * A &struct pt is one radix tree of tables. All formats share one engine,
 * which is compiled once per format with the format's functions inlined.
 * Operations work on vectors of extents and walk from the root once per
 * vector, not once per entry.
 *
 * **Levels** count from the leaf: a table at level 0 has entries for the
 * smallest pages only; the root of a tree with N levels is at level N - 1.
 *
 * **Concurrency.** pt_map(), pt_prepare(), pt_cut(), pt_unmap(), pt_unmap_each(),
 * pt_read() and pt_read_each() may run at the same time on disjoint ranges of one tree,
 * without a lock; the caller sees to it that ranges are disjoint (see "What the core
 * guarantees" in sluice/backend.h). pt_reclaim() and pt_deinit() need the tree for themselves.
 *
 * **Life of a table.** Whoever needs a table installs it by compare and swap;
 * the loser of a race takes the winner's. An unmap unlinks a table only if the
 * caller holds all that the table spans, so that nobody else can be in it. Other
 * tables that may have become empty stay until pt_reclaim(). A table that was
 * unlinked is on the gather, and is freed by pt_free_gathered() after the flush.
 *
 * **Present entries** are never overwritten: pt_map() fails with -EEXIST.
 */

struct pt;
struct pt_format;

/* The formats there are. */
extern const struct pt_format pt_vtdss;	/* Intel VT-d second stage */
extern const struct pt_format pt_amdv1;	/* AMD-Vi host tables ("v1") */
extern const struct pt_format pt_soft;	/* read by software only */

/**
 * struct pt_config - what a tree shall be like
 * @levels: levels of the root. VT-d: 3, 4, 5 (39, 48, 57 bits of IOVA); AMD-Vi: 1
 *	to 6 (21, 30, 39, 48, 57, 64 bits); software: each level adds log2 of
 *	PAGE_SIZE / 8 bits to those of the smallest page, up to 64
 * @max_levels: the root may grow to that many levels; 0: as @levels. Not VT-d. A
 *	tree that is mapped from atomic context must not need to grow
 * @pgsizes: page sizes to use, bit n: 2^n bytes; those that don't fit into the
 *	smallest root are left out. With a page of any level, the size that one
 *	entry of each lower level spans must be there, too, to cut it into.
 *	VT-d: 4K, 2M, 1G; AMD-Vi: 4K and larger powers of two; software: the
 *	smallest is the granule (4K at least), the others are what one entry at
 *	a higher level spans
 * @snoop: set the bit in leaf entries that makes the hardware snoop caches
 *	whatever the device asks for (VT-d: SNP, AMD-Vi: FC)
 * @nid: NUMA node to allocate tables on, NUMA_NO_NODE for any
 * @flush: write back the CPU's cache lines of so many bytes, for hardware that
 *	reads tables past the caches; NULL if it is coherent
 * @grow: the root is about to become the table at @root with so many levels,
 *	which translates all that the old one does: point the hardware to
 *	it, and return when it uses no other. May sleep; not called concurrently
 *	for one tree. Result: 0; or an errno, which the map that needed it
 *	returns; then both roots stay valid until pt_deinit(). Required if
 *	@max_levels exceeds @levels, except for software
 */
struct pt_config {
	unsigned int levels;
	unsigned int max_levels;
	u64 pgsizes;
	bool snoop;
	int nid;
	void (*flush)(const void *start, size_t bytes);
	int (*grow)(struct pt *pt, phys_addr_t root, unsigned int levels);
};

/**
 * struct pt - a tree of page tables
 * @fmt: its format
 * @top: address of the root table, with its level in the low bits; changes
 *	only when the root grows, under @grow_lock
 * @last: highest IOVA that can ever be mapped
 * @pgsizes: page sizes, as configured
 * @leaf_bits: what every leaf entry has set besides address and rights
 * @granule_lg2: log2 of the smallest page
 * @max_top: highest level that the root may have
 * @nid: as configured
 * @stale: set when a table may have become empty; cleared by reclaim
 * @nr_tables: tables that exist, the root and those on a gather included
 * @nr_kept: tables that were left after the last reclaim
 * @flush: as configured
 * @grow: as configured
 * @grow_lock: serialises growth
 * @spare_root: a new root that @grow failed for: hardware may know it
 * @cut_lock: held while the entries of one page are being replaced, with interrupts off:
 *	host drivers may unmap in an interrupt
 */
struct pt {
	const struct pt_format *fmt;
	unsigned long top;
	u64 last;
	u64 pgsizes;
	u64 leaf_bits;
	u8 granule_lg2;
	u8 max_top;
	int nid;
	bool stale;
	atomic_long_t nr_tables;
	long nr_kept;
	void (*flush)(const void *start, size_t bytes);
	int (*grow)(struct pt *pt, phys_addr_t root, unsigned int levels);
	struct mutex grow_lock;	/* changes of top, spare_root */
	__le64 *spare_root;
	spinlock_t cut_lock;	/* a page's entries while they are cut */
};

/**
 * struct pt_format - the engine, compiled for one format
 * @name: short lower-case name
 * @init: check @cfg, set up the format's members of @pt
 * @prepare: see pt_prepare()
 * @map: see pt_map()
 * @cut: see pt_cut()
 * @unmap: see pt_unmap()
 * @unmap_each: see pt_unmap_each()
 * @read: see pt_read()
 * @read_each: see pt_read_each()
 * @reclaim: see pt_reclaim_except()
 * @destroy: free every table
 */
struct pt_format {
	const char *name;
	int (*init)(struct pt *pt, const struct pt_config *cfg);
	int (*prepare)(struct pt *pt, const struct sluice_extent *extents,
		       size_t nr, gfp_t gfp, struct sluice_gather *gather);
	int (*map)(struct pt *pt, const struct sluice_extent *extents,
		   size_t nr, unsigned int prot, gfp_t gfp, u64 *done,
		   struct sluice_gather *gather);
	int (*cut)(struct pt *pt, const struct sluice_range *range, gfp_t gfp,
		   struct sluice_gather *gather);
	size_t (*unmap)(struct pt *pt, u64 held, struct sluice_range *range,
			struct sluice_extent *extents, size_t max,
			struct sluice_gather *gather);
	size_t (*unmap_each)(struct pt *pt, struct sluice_extent *pages,
			     size_t nr, struct sluice_gather *gather);
	size_t (*read)(struct pt *pt, struct sluice_range *range,
		       struct sluice_extent *extents, size_t max);
	bool (*read_each)(const struct pt *pt, u64 iova, size_t nr, u64 *pages);
	void (*reclaim)(struct pt *pt, struct sluice_reserved *reserved,
			struct sluice_gather *gather);
	void (*destroy)(struct pt *pt);
};

/**
 * pt_init - make an empty tree
 * @pt: the tree
 * @fmt: its format
 * @cfg: what it shall be like
 *
 * Context: process context, may sleep.
 * Return: 0; -EINVAL if the format can't be what @cfg asks for; -ENOMEM.
 */
int pt_init(struct pt *pt, const struct pt_format *fmt,
	    const struct pt_config *cfg);

/**
 * pt_deinit - free all tables of a tree
 * @pt: the tree; hardware no longer uses it, no gather has tables of it
 */
void pt_deinit(struct pt *pt);

/**
 * pt_prepare - do all that can fail for a pt_map() of these extents
 * @pt: the tree
 * @extents: in any order, disjoint; as pt_map() gets them
 * @nr: how many
 * @gfp: how to allocate tables
 * @gather: not NULL. With @keep_tables set, something may be mapped there which the
 *	caller will unmap before, with the same gather: pages that are larger than
 *	the new ones are cut, and gathered. With @no_tables set, no table is added:
 *	-ENOMEM instead
 *
 * Return: 0, then the pt_map() can't fail; otherwise as pt_map(), tables that
 * were installed by then stay.
 */
static inline int pt_prepare(struct pt *pt,
			     const struct sluice_extent *extents, size_t nr,
			     gfp_t gfp, struct sluice_gather *gather)
{
	return pt->fmt->prepare(pt, extents, nr, gfp, gather);
}

/**
 * pt_map - map extents with the largest pages that fit
 * @pt: the tree
 * @extents: in any order, fastest in ascending order; @iova, @phys and @len are
 *	multiples of the smallest page
 * @nr: how many
 * @prot: &enum sluice_prot, with at least one of read and write
 * @gfp: how to allocate tables that are missing; with __GFP_ACCOUNT where a user
 *	decides how many there are. Growing the root sleeps
 * @done: if it fails: how many bytes, counted from the first extent on, are mapped
 * @gather: gets what hardware must forget before it finds the new pages: table
 *	pointers that were replaced; not NULL. Hardware that remembers what was not
 *	present is the caller's business. With @in_place set, no table is replaced:
 *	pages are as small as the tables there demand; with @no_tables set, none is
 *	added: -ENOMEM instead
 *
 * Takes time in proportion to the entries written; whoever has much to map does
 * it in pieces.
 *
 * Return: 0; -EINVAL if an extent isn't aligned, is empty, or lies beyond what
 * the format can address, or if @prot has no rights; -EEXIST if something is
 * mapped there; -ENOMEM; what &pt_config.grow returned.
 */
static inline int pt_map(struct pt *pt, const struct sluice_extent *extents,
			 size_t nr, unsigned int prot, gfp_t gfp, u64 *done,
			 struct sluice_gather *gather)
{
	return pt->fmt->map(pt, extents, nr, prot, gfp, done, gather);
}

/**
 * pt_cut - make it possible to unmap a range
 * @pt: the tree
 * @range: the range; its ends are multiples of the smallest page
 * @gfp: how to allocate tables
 * @gather: gets the pages that were cut, and those that cross an end of the range
 *	and may have been cut by somebody else who hasn't flushed yet
 *
 * Pages that cross an end of the range are replaced by smaller ones that mean
 * the same.
 *
 * Return: 0; -EINVAL if an end isn't aligned; -ENOMEM, then all translates as
 * before.
 */
static inline int pt_cut(struct pt *pt, const struct sluice_range *range,
			 gfp_t gfp, struct sluice_gather *gather)
{
	return pt->fmt->cut(pt, range, gfp, gather);
}

/**
 * pt_unmap - clear entries, and say what they pointed to
 * @pt: the tree
 * @held: first IOVA of the range that the caller holds; not above
 *	@range->start. What is before @range->start, it has unmapped in earlier
 *	calls. Tables are unlinked if they lie within @held and the end of @range
 * @range: what to unmap; what has been dealt with is consumed. No page may cross
 *	its ends: such a page stays, with a warning
 * @extents: filled with what was mapped, adjacent pages joined
 * @max: room in @extents, at least 1
 * @gather: gets what was cleared, and the tables that were unlinked: none if
 *	@keep_tables is set
 *
 * Stops when the range is done, when @extents is full, or after a while, so
 * that the caller can reschedule.
 *
 * Return: the number of extents.
 */
static inline size_t pt_unmap(struct pt *pt, u64 held,
			      struct sluice_range *range,
			      struct sluice_extent *extents, size_t max,
			      struct sluice_gather *gather)
{
	return pt->fmt->unmap(pt, held, range, extents, max, gather);
}

/**
 * pt_unmap_each - pt_unmap() of pages of the smallest size, each by itself
 * @pt: the tree
 * @pages: their IOVAs, aligned, fastest in ascending order; the rest is filled: @len
 *	is 0 where nothing is mapped
 * @nr: how many
 * @gather: gets what was cleared
 *
 * Needs no pt_cut(), and unlinks no table. Stops at a page that is part of a larger
 * one, or was.
 *
 * Return: how many pages were dealt with, counted from the first on.
 */
static inline size_t pt_unmap_each(struct pt *pt, struct sluice_extent *pages,
				   size_t nr, struct sluice_gather *gather)
{
	return pt->fmt->unmap_each(pt, pages, nr, gather);
}

/**
 * pt_read - say what is mapped
 * @pt: the tree
 * @range: what to look at; consumed as by pt_unmap(). May cut pages
 * @extents: filled with what is mapped within @range, adjacent pages joined
 * @max: room in @extents, at least 1
 *
 * Return: the number of extents; stops as pt_unmap() does.
 */
static inline size_t pt_read(struct pt *pt, struct sluice_range *range,
			     struct sluice_extent *extents, size_t max)
{
	return pt->fmt->read(pt, range, extents, max);
}

/**
 * pt_read_each - say what pages of the smallest size are mapped, each by itself
 * @pt: the tree
 * @iova: the first page's, aligned
 * @nr: how many pages, at least 1, one behind the other
 * @pages: filled: where each leads, with &enum sluice_prot in the bits below a page's;
 *	0 where nothing is mapped
 *
 * Only for what is all in one table, with no larger page in it.
 *
 * Return: false if it isn't; pt_read() can tell more.
 */
static inline bool pt_read_each(const struct pt *pt, u64 iova, size_t nr,
				u64 *pages)
{
	return pt->fmt->read_each(pt, iova, nr, pages);
}

/**
 * pt_iova_to_phys - translate one address
 * @pt: the tree
 * @iova: the address
 * @phys: set to what it translates to
 *
 * Return: 0; -ENOENT if nothing is mapped there.
 */
static inline int pt_iova_to_phys(struct pt *pt, u64 iova, phys_addr_t *phys)
{
	struct sluice_range range = { .start = iova, .last = iova };
	struct sluice_extent extent;

	if (!pt->fmt->read(pt, &range, &extent, 1))
		return -ENOENT;
	*phys = extent.phys;
	return 0;
}

/**
 * pt_copy - give a tree what another one has in a range
 * @to: nothing is mapped in the range; may be of another format
 * @from: the content
 * @range: the range; consumed as far as it was copied
 * @gfp: how to allocate tables
 * @gather: as pt_map(), for @to
 *
 * Context: may sleep.
 * Return: 0; otherwise as pt_map(), with what was copied by then in @to.
 */
int pt_copy(struct pt *to, struct pt *from, struct sluice_range *range,
	    gfp_t gfp, struct sluice_gather *gather);

/**
 * pt_reclaim - unlink the tables that hold no entry
 * @pt: the tree; nobody else uses it meanwhile
 * @gather: gets them; flush it, then call pt_free_gathered()
 *
 * Context: may sleep.
 */
static inline void pt_reclaim(struct pt *pt, struct sluice_gather *gather)
{
	pt->fmt->reclaim(pt, NULL, gather);
}

/**
 * pt_reclaim_except - pt_reclaim() of all but what somebody will need
 * @pt: as there
 * @reserved: where others may be at work, or NULL: tables that reach into one of its
 *	ranges stay
 * @gather: as there
 */
static inline void pt_reclaim_except(struct pt *pt,
				     struct sluice_reserved *reserved,
				     struct sluice_gather *gather)
{
	pt->fmt->reclaim(pt, reserved, gather);
}

/**
 * pt_free_gathered - free tables whose flush is done
 * @pt: the tree they were unlinked from
 * @gather: after a flush that succeeded
 */
void pt_free_gathered(struct pt *pt, struct sluice_gather *gather);

/**
 * pt_root - the root table
 * @pt: the tree
 * @levels: set to the number of levels, if not NULL
 *
 * Return: the root's physical address. It may change if the root can grow.
 */
phys_addr_t pt_root(const struct pt *pt, unsigned int *levels);

/**
 * pt_nr_tables - memory in use
 * @pt: the tree
 *
 * Return: the number of tables, a page each.
 */
static inline long pt_nr_tables(const struct pt *pt)
{
	return atomic_long_read(&pt->nr_tables);
}

/* Tables that may be empty before anybody cares. */
#define PT_RECLAIM_SLACK 64

/**
 * pt_reclaim_due - is it worth reclaiming?
 * @pt: the tree
 *
 * True once the number of tables has doubled since the last time, and is not
 * small. So reclaim costs a constant per table that was installed, and a tree has
 * at most twice the tables that were in use at the last reclaim, and some.
 *
 * Return: true if pt_reclaim() should be called soon.
 */
static inline bool pt_reclaim_due(const struct pt *pt)
{
	return READ_ONCE(pt->stale) &&
	       pt_nr_tables(pt) > 2 * READ_ONCE(pt->nr_kept) + PT_RECLAIM_SLACK;
}

#endif /* SLUICE_PT_H */
