// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is mapped in the windows of a domain.
 *
 * Owns: the record of it, and that TCEs are written in batches. A hypercall writes up to 512
 * adjacent TCEs; a window is divided into blocks of so many. The lock of a block covers
 * the record of its TCEs, the hypercall, and the TCEs: whoever holds it knows from the
 * record what every TCE of the block is. So few TCEs with small gaps between them can be
 * written by one hypercall that writes what is in the gaps once more. Without the lock,
 * a neighbour's unmap could come between looking and writing, and be undone.
 */
#define pr_fmt(fmt) "sluice power: " fmt

#include <linux/minmax.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "private.h"

/* A hypercall costs as much as so many TCEs in gaps. */
#define BRIDGE		16

/* Extents read from the record at a time. */
#define FEW		16

static u64 block_bytes(const struct power_window *w)
{
	return 1ULL << (w->page_lg2 + POWER_BLOCK_LG2);
}

/* ---- TCEs of all PEs of a domain ---- */

static u64 pages_of(const struct power_window *w, const struct sluice_extent *e)
{
	return e->len >> w->page_lg2;
}

/* Writes TCEs for every PE; if one can't, some have been written. */
static int write_list(struct power_domain *d, struct power_window *w, u64 iova,
		      const __be64 *tces, unsigned int nr)
{
	struct power_member *member;
	int ret = 0;

	list_for_each_entry(member, &d->members, node) {
		ret = power_tces_put(member->pe, *power_liobn_at(member, w),
				     iova, w->page_lg2, tces, nr);
		if (unlikely(ret))
			break;
	}
	return ret;
}

/* There are devices that can reach memory they no longer may. */
static void note_broken(struct power_domain *d, struct power_pe *pe, u64 iova,
			int err, struct sluice_gather *gather)
{
	pr_err_ratelimited("group %d: the hypervisor doesn't clear TCEs from IOVA %#llx on (%d)\n",
			   iommu_group_id(pe->group), iova, err);
	WRITE_ONCE(d->broken, true);
	WRITE_ONCE(pe->iommu.dead, true);
	/* The core flushes what was gathered, and learns of it. */
	sluice_gather_add(gather, iova, iova, 64);
}

static void clear_member(struct power_domain *d, struct power_window *w,
			 struct power_member *member, u64 iova, u64 nr,
			 struct sluice_gather *gather)
{
	/* Who was too busy once isn't waited for again. */
	unsigned int try = READ_ONCE(member->pe->iommu.dead) ? UINT_MAX : 0;
	int ret;

	ret = power_tces_stuff(member->pe, *power_liobn_at(member, w), iova,
			       w->page_lg2, nr, &try);
	if (unlikely(ret))
		note_broken(d, member->pe, iova, ret, gather);
}

static void clear(struct power_domain *d, struct power_window *w, u64 iova,
		  u64 nr, struct sluice_gather *gather)
{
	struct power_member *member;

	list_for_each_entry(member, &d->members, node)
		clear_member(d, w, member, iova, nr, gather);
}

/* The short way to clear one. */
static void clear_one(struct power_domain *d, struct power_window *w, u64 iova,
		      struct sluice_gather *gather)
{
	struct power_member *member;
	int ret;

	list_for_each_entry(member, &d->members, node) {
		if (unlikely(READ_ONCE(member->pe->iommu.dead))) {
			clear_member(d, w, member, iova, 1, gather);
			continue;
		}
		ret = power_tce_put(member->pe, *power_liobn_at(member, w),
				    iova, 0);
		if (unlikely(ret))
			note_broken(d, member->pe, iova, ret, gather);
	}
}

/* ---- Lists of TCEs ---- */

static u64 make_tce(phys_addr_t phys, unsigned int prot)
{
	return phys | (prot & SLUICE_PROT_READ ? POWER_TCE_READ : 0) |
	       (prot & SLUICE_PROT_WRITE ? POWER_TCE_WRITE : 0);
}

/* TCEs of extents, one behind the other. */
static void list_extents(const struct power_window *w, __be64 *tces,
			 const struct sluice_extent *e, size_t nr,
			 unsigned int prot)
{
	const struct sluice_extent *end = e + nr;
	u64 page = power_page_bytes(w), rights = make_tce(0, prot);

	for (; e < end; e++) {
		u64 tce = e->phys | rights, left = e->len;

		do {
			*tces++ = cpu_to_be64(tce);
			tce += page;
			left -= page;
		} while (left);
	}
}

static void list_extent(const struct power_window *w, __be64 *tces,
			const struct sluice_extent *e, unsigned int prot)
{
	list_extents(w, tces, e, 1, prot);
}

/* The same as list_record(), where the record has none but single pages. */
static bool list_pages(const struct power_window *w, __be64 *tces, u64 iova,
		       unsigned int nr)
{
	u64 *pages = (__force u64 *)tces;
	unsigned int i;

	if (!pt_read_each(&w->record, iova, nr, pages))
		return false;
	for (i = 0; i < nr; i++)
		tces[i] = cpu_to_be64(make_tce(pages[i] & POWER_TCE_ADDR,
					       pages[i] & ~POWER_TCE_ADDR));
	return true;
}

/* What the record says of @nr TCEs from @iova on. */
static void list_record(struct power_window *w, __be64 *tces, u64 iova,
			unsigned int nr)
{
	struct sluice_range range = {
		.start = iova,
		.last = iova + (((u64)nr << w->page_lg2) - 1),
	};
	struct sluice_extent extents[FEW] __uninitialized;
	size_t i, n;

	if (likely(list_pages(w, tces, iova, nr)))
		return;
	memset(tces, 0, nr * sizeof(*tces));
	while (!sluice_range_empty(&range)) {
		n = pt_read(&w->record, &range, extents, FEW);
		for (i = 0; i < n; i++)
			list_extent(w, tces + ((extents[i].iova - iova) >>
					       w->page_lg2),
				    &extents[i], extents[i].prot);
	}
}

/* ---- Maps ---- */

/* The record's tables are for software: nothing need be flushed. */
static void free_tables(struct power_window *w, struct sluice_gather *record)
{
	if (!list_empty(&record->tables))
		pt_free_gathered(&w->record, record);
}

/* The gather of the record, for a map with the caller's @gather. */
static __always_inline void init_record(struct sluice_gather *record,
					const struct sluice_gather *gather)
{
	sluice_gather_init(record);
	/* It has to do with the tables there are, and they have to stay. */
	if (unlikely(gather->in_place)) {
		record->in_place = true;
		record->keep_tables = true;
		record->no_tables = gather->no_tables;
	}
}

/* Clears the record of the first @bytes of extents. */
static void forget(struct power_window *w, const struct sluice_extent *e,
		   u64 bytes, struct sluice_gather *record)
{
	for (; bytes; e++) {
		u64 len = min(bytes, e->len);
		struct sluice_range range = {
			.start = e->iova,
			.last = e->iova + (len - 1),
		};
		struct sluice_extent extent;

		while (!sluice_range_empty(&range))
			pt_unmap(&w->record, e->iova, &range, &extent, 1,
				 record);
		bytes -= len;
	}
}

/**
 * struct span - the TCEs that some extents or pages of a block are about
 * @start: first IOVA
 * @nr: TCEs from the first to the last one
 * @used: how many of them they are about
 * @solid: they are all of them, in ascending order
 */
struct span {
	u64 start;
	unsigned int nr;
	unsigned int used;
	bool solid;
};

/*
 * The extents that lie wholly in the block of the first one; returns how many, 0 if that
 * crosses blocks.
 */
static size_t span_of(const struct power_window *w,
		      const struct sluice_extent *e, size_t nr,
		      struct span *span)
{
	u64 end = power_block_last(w, e->iova), first = end + 1 - block_bytes(w);
	u64 start = e->iova, next = start, bytes;
	bool solid = true;
	size_t n;

	end = min(end, w->range.last);
	/* The next one above, most of the time. */
	for (n = 0; n < nr && e->iova == next; n++, e++) {
		if (next > end || e->len - 1 > end - next)
			break;
		next += e->len;
	}
	bytes = next - start;
	for (; n < nr; n++, e++) {
		u64 iova = e->iova, len = e->len;

		if (iova < first || iova > end || len - 1 > end - iova)
			break;
		solid = false;
		start = min(start, iova);
		next = max(next, iova + len);
		bytes += len;
	}
	span->start = start;
	span->nr = (next - start) >> w->page_lg2;
	span->used = bytes >> w->page_lg2;
	span->solid = solid;
	return n;
}

static bool worth_bridging(const struct power_domain *d,
			   const struct span *span)
{
	const struct power_member *member =
		list_first_entry(&d->members, struct power_member, node);

	return member->pe->hv->put_indirect && span->nr <= BRIDGE * span->used;
}

/* Writes the TCEs of extents that have been recorded. */
static int write_extents(struct power_domain *d, struct power_window *w,
			 struct power_block *block,
			 const struct sluice_extent *e, size_t nr,
			 const struct span *span, unsigned int prot)
{
	__be64 *tces = block->tces;
	size_t i;
	int ret = 0;

	lockdep_assert_held(&block->lock);
	if (list_empty(&d->members))
		return 0;
	if (span->solid) {
		list_extents(w, tces, e, nr, prot);
		return write_list(d, w, span->start, tces, span->nr);
	}
	if (worth_bridging(d, span)) {
		list_record(w, tces, span->start, span->nr);
		return write_list(d, w, span->start, tces, span->nr);
	}
	for (i = 0; !ret && i < nr; i++) {
		list_extent(w, tces, &e[i], prot);
		ret = write_list(d, w, e[i].iova, tces, pages_of(w, &e[i]));
	}
	return ret;
}

/* Maps extents of one block, all or none. */
static int map_block(struct power_domain *d, struct power_window *w,
		     const struct sluice_extent *e, size_t nr,
		     const struct span *span, unsigned int prot,
		     struct sluice_gather *gather, struct sluice_gather *record)
{
	struct power_block *block = power_block_at(d, w, e->iova);
	u64 recorded;
	size_t i;
	int ret;

	mutex_lock(&block->lock);
	ret = pt_map(&w->record, e, nr, prot, GFP_KERNEL_ACCOUNT, &recorded,
		     record);
	if (unlikely(ret)) {
		forget(w, e, recorded, record);
		goto unlock;
	}
	ret = write_extents(d, w, block, e, nr, span, prot);
	if (unlikely(ret)) {
		recorded = 0;
		for (i = 0; i < nr; i++) {
			clear(d, w, e[i].iova, pages_of(w, &e[i]), gather);
			recorded += e[i].len;
		}
		forget(w, e, recorded, record);
	}
unlock:
	mutex_unlock(&block->lock);
	return ret;
}

/**
 * power_map_one - map a page of a window: power_map(), the short way
 * @d: the domain
 * @w: the window
 * @e: the page
 * @prot: &enum sluice_prot
 * @gather: the caller's
 *
 * Return: as power_map(); nothing is mapped then.
 */
int power_map_one(struct power_domain *d, struct power_window *w,
		  const struct sluice_extent *e, unsigned int prot,
		  struct sluice_gather *gather)
{
	struct power_block *block = power_block_at(d, w, e->iova);
	struct sluice_gather record __uninitialized;
	struct power_member *member;
	u64 recorded;
	int ret;

	init_record(&record, gather);
	mutex_lock(&block->lock);
	ret = pt_map(&w->record, e, 1, prot, GFP_KERNEL_ACCOUNT, &recorded,
		     &record);
	if (unlikely(ret))
		goto unlock;
	list_for_each_entry(member, &d->members, node) {
		ret = power_tce_put(member->pe, *power_liobn_at(member, w),
				    e->iova, make_tce(e->phys, prot));
		if (unlikely(ret)) {
			clear(d, w, e->iova, 1, gather);
			forget(w, e, e->len, &record);
			break;
		}
	}
unlock:
	mutex_unlock(&block->lock);
	free_tables(w, &record);
	return ret;
}

/* A part of an extent that crosses blocks. */
static u64 clip(const struct power_window *w, const struct sluice_extent *e,
		u64 off, struct sluice_extent *part)
{
	u64 iova = e->iova + off;

	part->iova = iova;
	part->phys = e->phys + off;
	part->len = min(e->len - off, power_block_last(w, iova) - iova + 1);
	return part->len;
}

/* Maps an extent block by block; adds to *@done. */
static int map_long(struct power_domain *d, struct power_window *w,
		    const struct sluice_extent *e, unsigned int prot, u64 *done,
		    struct sluice_gather *gather, struct sluice_gather *record)
{
	struct sluice_extent part;
	struct span span;
	u64 off, len;
	int ret;

	for (off = 0; off < e->len; off += len) {
		len = clip(w, e, off, &part);
		span_of(w, &part, 1, &span);
		ret = map_block(d, w, &part, 1, &span, prot, gather, record);
		if (unlikely(ret))
			return ret;
		*done += len;
		cond_resched();
	}
	return 0;
}

/**
 * power_map - map extents in a window
 * @d: the domain
 * @w: the window: the first one begins in it
 * @extents: what to map
 * @nr: how many, at least 1; set to how many begin in the window
 * @prot: &enum sluice_prot
 * @done: bytes that are mapped, if it fails; 0 before
 * @gather: the caller's
 *
 * Return: as &struct sluice_domain_ops.map says; also -EBUSY if the hypervisor puts
 * it off for too long, -EIO if it refuses.
 */
int power_map(struct power_domain *d, struct power_window *w,
	      const struct sluice_extent *extents, size_t *nr,
	      unsigned int prot, u64 *done, struct sluice_gather *gather)
{
	const struct sluice_extent *e = extents, *end = extents + *nr;
	struct sluice_gather record __uninitialized;
	int ret = 0;

	init_record(&record, gather);
	while (!ret && e < end) {
		struct span span;
		size_t n;

		if (e->iova < w->range.start || e->iova > w->range.last)
			break;
		if (unlikely(!e->len || e->len - 1 > w->range.last - e->iova)) {
			ret = -EINVAL;
			break;
		}
		n = span_of(w, e, end - e, &span);
		if (!n) {
			ret = map_long(d, w, e++, prot, done, gather, &record);
			continue;
		}
		ret = map_block(d, w, e, n, &span, prot, gather, &record);
		if (likely(!ret))
			*done += (u64)span.used << w->page_lg2;
		e += n;
	}
	free_tables(w, &record);
	*nr = e - extents;
	return ret;
}

/* ---- Unmaps ---- */

/* Clears what was unmapped in a block; where nothing was, nothing is. */
static void clear_extents(struct power_domain *d, struct power_window *w,
			  const struct sluice_extent *e, size_t nr,
			  struct sluice_gather *gather)
{
	const struct power_member *member;
	u64 end = e[nr - 1].iova + e[nr - 1].len;
	size_t i;

	if (list_empty(&d->members))
		return;
	member = list_first_entry(&d->members, struct power_member, node);
	if (member->pe->hv->stuff) {
		clear(d, w, e->iova, (end - e->iova) >> w->page_lg2, gather);
		return;
	}
	for (i = 0; i < nr; i++)
		clear(d, w, e[i].iova, pages_of(w, &e[i]), gather);
}

static size_t unmap_block(struct power_domain *d, struct power_window *w,
			  u64 held, struct sluice_range *range,
			  struct sluice_extent *extents, size_t max,
			  struct sluice_gather *gather,
			  struct sluice_gather *record)
{
	struct power_block *block = power_block_at(d, w, range->start);
	u64 last = min(range->last, power_block_last(w, range->start));
	struct sluice_range part = { range->start, last };
	size_t nr = 0;

	mutex_lock(&block->lock);
	do {
		nr += pt_unmap(&w->record, held, &part, extents + nr, max - nr,
			       record);
	} while (nr < max && !sluice_range_empty(&part));
	if (nr)
		clear_extents(d, w, extents, nr, gather);
	mutex_unlock(&block->lock);
	sluice_range_consume(range, sluice_range_empty(&part) ?
			     last : part.start - 1);
	return nr;
}

/* Drops from a range what there is no record of, or a part of that. */
static void skip_hole(struct power_window *w, struct sluice_range *range)
{
	struct sluice_range look = *range;
	struct sluice_extent next;

	if (pt_read(&w->record, &look, &next, 1))
		range->start = next.iova;
	else
		*range = look;
}

/**
 * power_unmap - unmap a range in a window
 * @d: the domain
 * @w: the window: @range lies in it
 * @held: where the operation began, not below the window
 * @range: what to unmap; consumed
 * @extents: filled
 * @max: room in @extents
 * @gather: the caller's
 *
 * Return: as &struct sluice_domain_ops.unmap says.
 */
size_t power_unmap(struct power_domain *d, struct power_window *w, u64 held,
		   struct sluice_range *range, struct sluice_extent *extents,
		   size_t max, struct sluice_gather *gather)
{
	struct sluice_gather record __uninitialized;
	size_t nr = 0, n;

	sluice_gather_init(&record);
	record.keep_tables = gather->keep_tables;
	do {
		n = unmap_block(d, w, held, range, extents + nr, max - nr,
				gather, &record);
		nr += n;
		if (!n && !sluice_range_empty(range)) {
			skip_hole(w, range);
			break;
		}
	} while (nr < max && !sluice_range_empty(range));
	free_tables(w, &record);
	return nr;
}

/**
 * power_unmap_one - unmap a page of a window: power_unmap(), the short way
 * @d: the domain
 * @w: the window
 * @iova: the page's, aligned
 * @e: filled
 * @gather: the caller's
 *
 * Return: 1 if something was mapped, or 0.
 */
size_t power_unmap_one(struct power_domain *d, struct power_window *w, u64 iova,
		       struct sluice_extent *e, struct sluice_gather *gather)
{
	struct sluice_range range = { iova, iova + power_page_bytes(w) - 1 };
	struct power_block *block = power_block_at(d, w, iova);
	struct sluice_gather record __uninitialized;
	size_t nr;

	sluice_gather_init(&record);
	mutex_lock(&block->lock);
	nr = pt_unmap(&w->record, iova, &range, e, 1, &record);
	if (nr)
		clear_one(d, w, iova, gather);
	mutex_unlock(&block->lock);
	free_tables(w, &record);
	return nr;
}

/*
 * Clears the TCEs of pages of a block; some of them weren't there. @solid: each is the
 * next one above.
 */
static void clear_pages(struct power_domain *d, struct power_window *w,
			struct power_block *block, struct sluice_extent *pages,
			size_t nr, bool solid, struct sluice_gather *gather)
{
	u64 start = pages[0].iova, last = start;
	struct span span;
	size_t i;

	if (list_empty(&d->members))
		return;
	if (solid) {
		clear(d, w, start, nr, gather);
		return;
	}
	for (i = 1; i < nr; i++) {
		start = min(start, pages[i].iova);
		last = max(last, pages[i].iova);
	}
	span.start = start;
	span.nr = ((last - start) >> w->page_lg2) + 1;
	span.used = nr;
	if (worth_bridging(d, &span)) {
		list_record(w, block->tces, start, span.nr);
		if (!write_list(d, w, start, block->tces, span.nr))
			return;
	}
	for (i = 0; i < nr; i++)
		clear(d, w, pages[i].iova, 1, gather);
}

/* How many pages lie in the block of the first one; the first @solid without gaps. */
static size_t count_block(const struct power_window *w,
			  const struct sluice_extent *pages, size_t nr,
			  size_t *solid)
{
	u64 last = power_block_last(w, pages[0].iova);
	u64 first = max(last + 1 - block_bytes(w), w->range.start);
	u64 bytes, next = pages[0].iova;
	size_t n;

	bytes = min(last, w->range.last) - first;
	for (n = 0; n < nr && pages[n].iova == next; n++) {
		if (next - first > bytes)
			break;
		next += PAGE_SIZE;
	}
	*solid = n;
	while (n < nr && pages[n].iova - first <= bytes)
		n++;
	return n;
}

/**
 * power_unmap_each - unmap pages of a window, each by itself
 * @d: the domain
 * @w: the window: the first one lies in it; pages are as large as its own
 * @pages: their IOVAs; filled
 * @nr: how many
 * @gather: the caller's
 *
 * Return: as &struct sluice_domain_ops.unmap_each says.
 */
size_t power_unmap_each(struct power_domain *d, struct power_window *w,
			struct sluice_extent *pages, size_t nr,
			struct sluice_gather *gather)
{
	struct sluice_gather record __uninitialized;
	size_t done = 0, n, did, solid;

	sluice_gather_init(&record);
	do {
		struct sluice_extent *p = pages + done;
		struct power_block *block = power_block_at(d, w, p->iova);

		/* None, if it isn't in the window. */
		n = count_block(w, p, nr - done, &solid);
		mutex_lock(&block->lock);
		did = pt_unmap_each(&w->record, p, n, &record);
		if (did)
			clear_pages(d, w, block, p, did, did <= solid, gather);
		mutex_unlock(&block->lock);
		done += did;
	} while (did && did == n && done < nr);
	free_tables(w, &record);
	return done;
}

/* ---- A PE that comes or goes ---- */

/*
 * The next part, within a block, of what the record has in @range; consumed. False if
 * there is none.
 */
static bool next_part(struct power_window *w, struct sluice_range *range,
		      struct sluice_extent *e)
{
	while (!sluice_range_empty(range)) {
		struct sluice_range look = {
			.start = range->start,
			.last = min(range->last,
				    power_block_last(w, range->start)),
		};

		cond_resched();
		if (pt_read(&w->record, &look, e, 1)) {
			sluice_range_consume(range, e->iova + (e->len - 1));
			return true;
		}
		sluice_range_consume(range, sluice_range_empty(&look) ?
			power_block_last(w, range->start) : look.start - 1);
		if (!sluice_range_empty(range))
			skip_hole(w, range);
	}
	return false;
}

/**
 * power_replay - write for a PE what a window's record has
 * @d: the domain
 * @w: the window
 * @member: the PE; its window is empty
 *
 * Return: 0 or an errno; some of it may have been written then.
 */
int power_replay(struct power_domain *d, struct power_window *w,
		 struct power_member *member)
{
	struct sluice_range range = w->range;
	struct sluice_extent part;
	int ret = 0;

	while (!ret && next_part(w, &range, &part)) {
		struct power_block *block = power_block_at(d, w, part.iova);

		mutex_lock(&block->lock);
		list_extent(w, block->tces, &part, part.prot);
		ret = power_tces_put(member->pe, *power_liobn_at(member, w),
				     part.iova, w->page_lg2, block->tces,
				     pages_of(w, &part));
		mutex_unlock(&block->lock);
	}
	return ret;
}

/**
 * power_blank - clear a PE's window; the record stays
 * @d: the domain
 * @w: the window
 * @member: the PE
 *
 * Return: 0; an errno if the hypervisor has refused something.
 */
int power_blank(struct power_domain *d, struct power_window *w,
		struct power_member *member)
{
	struct sluice_range range = w->range;
	struct sluice_extent part;
	unsigned int try = 0;
	int ret = 0, err;

	while (next_part(w, &range, &part)) {
		/* One call does for all that is in the block. */
		if (member->pe->hv->stuff) {
			u64 last = min(w->range.last,
				       power_block_last(w, part.iova));

			part.len = last - part.iova + 1;
			sluice_range_consume(&range, last);
		}
		err = power_tces_stuff(member->pe,
				       *power_liobn_at(member, w), part.iova,
				       w->page_lg2, pages_of(w, &part), &try);
		ret = ret ?: err;
	}
	return ret;
}
