// SPDX-License-Identifier: GPL-2.0-only
/*
 * Domains of POWER: windows with the same content in all PEs that are attached.
 *
 * Owns: the life of a domain, which PEs it has, and the operations of the contract as
 * far as they spread over windows. Does not own: windows (window.c), TCEs (tce.c).
 *
 * The record outlives the windows: a domain without a PE has what was mapped, and writes
 * it all again for the next one.
 */
#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/slab.h>

#include "private.h"

/* Extents and ranges lie in windows; those that don't are passed over. */
static struct power_window *window_above(struct power_domain *d, u64 iova)
{
	struct power_window *w, *best = NULL;

	for (w = power_window_next(d, NULL); w; w = power_window_next(d, w)) {
		if (w->range.last >= iova &&
		    (!best || w->range.start < best->range.start))
			best = w;
	}
	return best;
}

/*
 * The first window that @range reaches, and the part of @range in it. What is before it
 * is dropped from @range; all of it if there is none.
 */
static struct power_window *window_part(struct power_domain *d,
					struct sluice_range *range,
					struct sluice_range *part)
{
	struct power_window *w = window_above(d, range->start);

	if (!w || w->range.start > range->last) {
		sluice_range_consume(range, range->last);
		return NULL;
	}
	range->start = max(range->start, w->range.start);
	part->start = range->start;
	part->last = min(range->last, w->range.last);
	return w;
}

/* What the last operation has done to @part is done to @range. */
static void consume_part(struct sluice_range *range,
			 const struct sluice_range *part, u64 part_last)
{
	sluice_range_consume(range, sluice_range_empty(part) ? part_last :
							       part->start - 1);
}

/**
 * power_domain_count_tables - count the pages of memory that a domain takes
 * @d: the domain
 */
void power_domain_count_tables(struct power_domain *d)
{
	unsigned long tables = 1;
	struct power_window *w;

	for (w = power_window_next(d, NULL); w; w = power_window_next(d, w)) {
		long nr = pt_nr_tables(&w->record);

		tables += nr;
		WRITE_ONCE(w->noted, nr);
		if (unlikely(pt_reclaim_due(&w->record)))
			WRITE_ONCE(d->domain.reclaim_due, true);
	}
	WRITE_ONCE(d->domain.tables, tables);
}

/* The same after an operation on a window: it rarely has more or fewer. */
static void note_tables(struct power_domain *d, struct power_window *w)
{
	if (unlikely(pt_nr_tables(&w->record) != READ_ONCE(w->noted)))
		power_domain_count_tables(d);
}

/* ---- The life of a domain ---- */

static void deinit_windows(struct power_domain *d)
{
	struct power_window *w;

	for (w = d->windows; w < d->windows + SLUICE_MAX_HW_WINDOWS; w++)
		power_window_deinit(w);
}

static int init_windows(struct power_domain *d, struct power_pe *pe)
{
	struct power_window *w;
	int ret;

	for (w = d->windows; w < d->windows + SLUICE_MAX_HW_WINDOWS; w++) {
		w->range = (struct sluice_range){ .start = 1, .last = 0 };
		w->place = w - d->windows;
	}
	ret = power_window_init(&d->windows[0], &pe->desc.window,
				POWER_DEFAULT_LG2);
	if (ret)
		return ret;
	d->windows[0].initial = true;
	if (d->kind == SLUICE_DOMAIN_UNIFIED && !sluice_range_empty(&pe->large))
		ret = power_window_init(&d->windows[1], &pe->large,
					pe->large_lg2);
	if (ret)
		deinit_windows(d);
	return ret;
}

/**
 * power_domain_alloc - &sluice_backend.domain_alloc
 * @iommu: a PE
 * @group: its group
 * @kind: who makes the windows
 *
 * Return: as there.
 */
struct sluice_domain *power_domain_alloc(struct sluice_iommu *iommu,
					 struct iommu_group *group,
					 enum sluice_domain_kind kind)
{
	struct power_domain *d;
	unsigned int i;
	int ret;

	if (kind == SLUICE_DOMAIN_MAPPINGS)
		return ERR_PTR(-ENODEV);
	d = kzalloc(sizeof(*d), GFP_KERNEL_ACCOUNT);
	if (!d)
		return ERR_PTR(-ENOMEM);
	d->kind = kind;
	INIT_LIST_HEAD(&d->members);
	/* Of a power of two, so aligned to it. */
	d->lists = kmalloc(POWER_NR_BLOCKS * POWER_LIST_BYTES,
			   GFP_KERNEL_ACCOUNT);
	ret = d->lists ? init_windows(d, power_pe_of(iommu)) : -ENOMEM;
	if (ret) {
		kfree(d->lists);
		kfree(d);
		return ERR_PTR(ret);
	}
	for (i = 0; i < POWER_NR_BLOCKS; i++) {
		mutex_init(&d->blocks[i].lock);
		d->blocks[i].tces = d->lists + i * POWER_LIST_BYTES;
	}
	power_domain_count_tables(d);
	return &d->domain;
}

/**
 * power_domain_free - &struct sluice_domain_ops.free
 * @domain: a domain without PEs
 */
void power_domain_free(struct sluice_domain *domain)
{
	struct power_domain *d = power_domain_of(domain);
	unsigned int i;

	/* Tables are the hypervisor's: what is freed here, no device reads. */
	deinit_windows(d);
	for (i = 0; i < POWER_NR_BLOCKS; i++)
		mutex_destroy(&d->blocks[i].lock);
	kfree(d->lists);
	kfree(d);
}

/* ---- PEs ---- */

/* Can @b have the windows of a domain that was made for @a? */
static bool same_windows(const struct power_pe *a, const struct power_pe *b)
{
	const struct sluice_caps *x = &a->iommu.caps, *y = &b->iommu.caps;

	return x->nr_apertures == y->nr_apertures &&
	       !memcmp(x->apertures, y->apertures,
		       x->nr_apertures * sizeof(x->apertures[0])) &&
	       x->windows.pgsizes == y->windows.pgsizes &&
	       x->windows.max == y->windows.max &&
	       a->large_lg2 == b->large_lg2;
}

/**
 * power_domain_compatible - &struct sluice_domain_ops.compatible
 * @domain: the domain
 * @iommu: an instance of any backend
 * @group: its group
 *
 * Return: true if the PE can have the domain's windows.
 */
bool power_domain_compatible(struct sluice_domain *domain,
			     struct sluice_iommu *iommu,
			     struct iommu_group *group)
{
	return iommu->backend == &power_backend &&
	       same_windows(power_pe_of(domain->iommu), power_pe_of(iommu));
}

/**
 * power_domain_attach - &struct sluice_domain_ops.attach
 * @domain: the domain
 * @group: a group that is in no domain
 *
 * Return: as there: -EINVAL if its windows are others, or the hypervisor places them
 * elsewhere.
 */
int power_domain_attach(struct sluice_domain *domain, struct iommu_group *group)
{
	struct power_domain *d = power_domain_of(domain);
	struct power_member *member;
	struct power_pe *pe = power_pe_find(group);
	int ret;

	if (!pe || !same_windows(power_pe_of(domain->iommu), pe))
		return -EINVAL;
	member = kzalloc(sizeof(*member), GFP_KERNEL_ACCOUNT);
	if (!member)
		return -ENOMEM;
	member->pe = pe;
	ret = power_windows_make(d, member);
	if (ret) {
		kfree(member);
		return ret;
	}
	list_add_tail(&member->node, &d->members);
	return 0;
}

/**
 * power_domain_detach - &struct sluice_domain_ops.detach
 * @domain: the domain
 * @group: a group that is attached to it
 */
void power_domain_detach(struct sluice_domain *domain,
			 struct iommu_group *group)
{
	struct power_domain *d = power_domain_of(domain);
	struct power_member *member;

	list_for_each_entry(member, &d->members, node) {
		if (member->pe->group == group)
			break;
	}
	if (list_entry_is_head(member, &d->members, node))
		return;
	list_del(&member->node);
	power_windows_unmake(d, member);
	kfree(member);
	if (list_empty(&d->members) && d->kind == SLUICE_DOMAIN_WINDOWS)
		deinit_windows(d);
	power_domain_count_tables(d);
}

/* ---- Maps and unmaps ---- */

/*
 * Most calls are about a page, and the functions for others are a way round for them.
 */

static noinline int map_many(struct power_domain *d,
			     const struct sluice_extent *extents, size_t nr,
			     unsigned int prot, u64 *done,
			     struct sluice_gather *gather)
{
	size_t i = 0, n;
	int ret = 0;

	while (!ret && i < nr) {
		struct power_window *w = power_window_at(d, extents[i].iova);
		u64 part = 0;

		ret = -EINVAL;
		if (!w)
			break;
		n = nr - i;
		ret = power_map(d, w, &extents[i], &n, prot, &part, gather);
		*done += part;
		i += n;
	}
	power_domain_count_tables(d);
	return ret;
}

static noinline size_t unmap_many(struct power_domain *d, u64 held,
				  struct sluice_range *range,
				  struct sluice_extent *extents, size_t max,
				  struct sluice_gather *gather)
{
	struct sluice_range part;
	struct power_window *w = window_part(d, range, &part);
	size_t nr;
	u64 last;

	if (!w)
		return 0;
	last = part.last;
	nr = power_unmap(d, w, max(held, w->range.start), &part, extents, max,
			 gather);
	consume_part(range, &part, last);
	note_tables(d, w);
	return nr;
}

/**
 * power_domain_prepare - &struct sluice_domain_ops.prepare
 * @domain: the domain
 * @extents: what will be mapped
 * @nr: how many
 * @gather: the caller's
 *
 * Return: as there.
 */
int power_domain_prepare(struct sluice_domain *domain,
			 const struct sluice_extent *extents, size_t nr,
			 struct sluice_gather *gather)
{
	struct power_domain *d = power_domain_of(domain);
	struct sluice_gather record __uninitialized;
	size_t i = 0, n;
	int ret = 0;

	sluice_gather_init(&record);
	record.keep_tables = gather->keep_tables;
	record.no_tables = gather->no_tables;
	while (!ret && i < nr) {
		struct power_window *w = power_window_at(d, extents[i].iova);

		ret = -EINVAL;
		if (!w)
			break;
		for (n = 1; i + n < nr; n++) {
			if (power_window_at(d, extents[i + n].iova) != w)
				break;
		}
		ret = pt_prepare(&w->record, &extents[i], n, GFP_KERNEL_ACCOUNT,
				 &record);
		i += n;
	}
	power_domain_count_tables(d);
	return ret;
}

/**
 * power_domain_cut - &struct sluice_domain_ops.cut
 * @domain: the domain
 * @range: what shall be unmapped
 * @gather: the caller's
 *
 * Return: 0: each page of a window is an entry.
 */
int power_domain_cut(struct sluice_domain *domain,
		     const struct sluice_range *range,
		     struct sluice_gather *gather)
{
	return 0;
}

/**
 * power_domain_map - &struct sluice_domain_ops.map
 * @domain: the domain
 * @extents: what to map
 * @nr: how many
 * @prot: &enum sluice_prot
 * @done: bytes mapped, if it fails
 * @gather: the caller's
 *
 * Return: as there.
 */
int power_domain_map(struct sluice_domain *domain,
		     const struct sluice_extent *extents, size_t nr,
		     unsigned int prot, u64 *done, struct sluice_gather *gather)
{
	struct power_domain *d = power_domain_of(domain);
	struct power_window *w = power_window_at(d, extents[0].iova);
	int ret;

	*done = 0;
	if (nr != 1 || !w || extents[0].len != power_page_bytes(w))
		return map_many(d, extents, nr, prot, done, gather);
	ret = power_map_one(d, w, extents, prot, gather);
	note_tables(d, w);
	return ret;
}

/**
 * power_domain_unmap - &struct sluice_domain_ops.unmap
 * @domain: the domain
 * @held: where the operation began
 * @range: what to unmap; consumed
 * @extents: filled
 * @max: room in @extents
 * @gather: the caller's
 *
 * Return: as there.
 */
size_t power_domain_unmap(struct sluice_domain *domain, u64 held,
			  struct sluice_range *range,
			  struct sluice_extent *extents, size_t max,
			  struct sluice_gather *gather)
{
	struct power_domain *d = power_domain_of(domain);
	u64 start = range->start, last = range->last;
	struct power_window *w = power_window_at(d, start);

	if (!w || last - start != power_page_bytes(w) - 1)
		return unmap_many(d, held, range, extents, max, gather);
	sluice_range_consume(range, last);
	return power_unmap_one(d, w, start, extents, gather);
}

/**
 * power_domain_unmap_each - &struct sluice_domain_ops.unmap_each
 * @domain: the domain
 * @pages: what to unmap; filled
 * @nr: how many
 * @gather: the caller's
 *
 * Return: as there.
 */
size_t power_domain_unmap_each(struct sluice_domain *domain,
			       struct sluice_extent *pages, size_t nr,
			       struct sluice_gather *gather)
{
	struct power_domain *d = power_domain_of(domain);
	struct power_window *w = power_window_at(d, pages[0].iova);

	/* Where several TCEs make a page, @unmap joins them. */
	if (!w || w->page_lg2 != PAGE_SHIFT)
		return 0;
	return power_unmap_each(d, w, pages, nr, gather);
}

/*
 * The record is read entry by entry, so many at a time: the end may lie in a page of
 * which the core knows no parts. That one is left for the next time.
 */
static size_t end_with_page(struct sluice_range *rest,
			    struct sluice_extent *extents, size_t nr)
{
	u64 over = rest->start & (PAGE_SIZE - 1);
	struct sluice_extent *e;

	if (sluice_range_empty(rest) || !over)
		return nr;
	rest->start -= over;
	if (!nr)
		return 0;
	e = &extents[nr - 1];
	if (e->iova + (e->len - 1) < rest->start)
		return nr;
	e->len -= over;
	return e->len ? nr : nr - 1;
}

/**
 * power_domain_read - &struct sluice_domain_ops.read
 * @domain: the domain
 * @range: what to look at; consumed
 * @extents: filled
 * @max: room in @extents
 *
 * Return: as there.
 */
size_t power_domain_read(struct sluice_domain *domain,
			 struct sluice_range *range,
			 struct sluice_extent *extents, size_t max)
{
	struct power_domain *d = power_domain_of(domain);
	struct sluice_range part;
	struct power_window *w;
	size_t nr = 0;
	u64 last;

	w = window_part(d, range, &part);
	if (w) {
		last = part.last;
		nr = pt_read(&w->record, &part, extents, max);
		if (d->kind == SLUICE_DOMAIN_UNIFIED)
			nr = end_with_page(&part, extents, nr);
		consume_part(range, &part, last);
	}
	return nr;
}

/**
 * power_domain_flush - &struct sluice_domain_ops.flush
 * @domain: the domain
 * @gather: the caller's
 *
 * Return: 0: hypercalls have invalidated what they cleared; -EIO if the hypervisor has
 * refused one.
 */
int power_domain_flush(struct sluice_domain *domain,
		       struct sluice_gather *gather)
{
	return READ_ONCE(power_domain_of(domain)->broken) ? -EIO : 0;
}

/**
 * power_domain_reclaim - &struct sluice_domain_ops.reclaim
 * @domain: the domain
 */
void power_domain_reclaim(struct sluice_domain *domain)
{
	struct power_domain *d = power_domain_of(domain);
	struct sluice_gather gather;
	struct power_window *w;

	for (w = power_window_next(d, NULL); w; w = power_window_next(d, w)) {
		sluice_gather_init(&gather);
		pt_reclaim_except(&w->record, domain->reserved, &gather);
		pt_free_gathered(&w->record, &gather);
	}
	power_domain_count_tables(d);
}
