// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extents that are as long as the memory is contiguous.
 *
 * Memory is pinned, and tables are read, a step at a time. Where a step ends says
 * nothing about the memory; a page of the IOMMU that crosses the end of a step must not
 * become many small ones.
 *
 * Owns: what is kept back at the end of a step until the next one has been looked at.
 * Does not own: pinning (pin.c), and what is done with the extents.
 */
#include <linux/align.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "private.h"

/* ---- Pinned pages ---- */

/**
 * sluice_join_init - begin to make extents of pinned pages
 * @join: what is kept from step to step
 * @start: where the first page goes
 * @last: last IOVA of the whole map, inclusive
 */
void sluice_join_init(struct sluice_join *join, u64 start, u64 last)
{
	join->start = start;
	join->next = start;
	join->last = last;
	join->held.len = 0;
}

/*
 * How much of the extent's end may be the beginning of a page that the next step
 * completes. A page of any power of two counts: AMD-Vi has them all.
 */
static u64 open_end(const struct sluice_extent *e, u64 last)
{
	u64 end = e->iova + e->len, differ = e->iova ^ e->phys;
	unsigned int lg2 = ilog2(SLUICE_STEP);

	if (end - 1 == last)
		return 0;
	/* A page needs an IOVA and memory that are aligned alike. */
	if (differ)
		lg2 = min(lg2, (unsigned int)__ffs64(differ));
	for (; lg2 > PAGE_SHIFT; lg2--) {
		u64 page = ALIGN_DOWN(end, BIT_ULL(lg2));

		if (page >= e->iova && page + (BIT_ULL(lg2) - 1) <= last)
			return end - page;
	}
	return 0;
}

/* Keeps back the end of the last of @nr extents; returns how many there are still. */
static size_t hold_end(struct sluice_join *join, struct sluice_extent *extents,
		       size_t nr)
{
	struct sluice_extent *e = &extents[nr - 1], *held = &join->held;

	held->len = open_end(e, join->last);
	if (!held->len)
		return nr;
	e->len -= held->len;
	held->iova = e->iova + e->len;
	held->phys = e->phys + e->len;
	return e->len ? nr : nr - 1;
}

/**
 * sluice_join_pages - make extents of the next pinned pages
 * @join: as sluice_join_init() has set it up, or an earlier call has left it
 * @pages: the rest of a step's pages, in the order of their IOVAs
 * @npages: how many, at least 1
 * @extents: filled with what is to be mapped now
 * @max: room in @extents, at least 2
 * @used: set to the number of pages that were taken, at least 1
 *
 * What an earlier call has kept back comes first. If all pages are taken, the end of the
 * last extent may be kept back; not if the map ends there.
 *
 * Return: the number of extents; 0 if all is kept back.
 */
size_t sluice_join_pages(struct sluice_join *join, struct page **pages,
			 size_t npages, struct sluice_extent *extents,
			 size_t max, size_t *used)
{
	size_t nr = 0, i = 0;

	if (join->held.len) {
		unsigned long pfn = PHYS_PFN(join->held.phys + join->held.len);

		while (i < npages && page_to_pfn(pages[i]) == pfn + i)
			i++;
		extents[0] = join->held;
		extents[0].len += (u64)i << PAGE_SHIFT;
		join->held.len = 0;
		nr = 1;
	}
	nr += sluice_extents_from_pages(join->next + ((u64)i << PAGE_SHIFT),
					pages + i, npages - i, extents + nr,
					max - nr, used);
	*used += i;
	join->next += (u64)*used << PAGE_SHIFT;
	return *used < npages ? nr : hold_end(join, extents, nr);
}

/**
 * sluice_join_unpin - let go of memory that won't be mapped after all
 * @join: what it keeps back is unpinned, too
 * @extents: what sluice_join_pages() has returned last
 * @nr: how many; 0 if they are mapped
 * @prot: &enum sluice_prot; a device may have seen them for a moment
 */
void sluice_join_unpin(struct sluice_join *join,
		       const struct sluice_extent *extents, size_t nr,
		       unsigned int prot)
{
	for (; nr; nr--, extents++)
		sluice_unpin_extent(extents, prot);
	if (join->held.len)
		sluice_unpin_extent(&join->held, prot);
	join->held.len = 0;
}

/* ---- What a domain has mapped ---- */

/**
 * sluice_reader_init - begin to read a range of a domain
 * @reader: what is kept from step to step
 * @domain: the domain
 * @start: first IOVA
 * @last: last IOVA, inclusive
 */
void sluice_reader_init(struct sluice_reader *reader,
			struct sluice_domain *domain, u64 start, u64 last)
{
	reader->domain = domain;
	reader->range = (struct sluice_range){ .start = start, .last = last };
	reader->at = 0;
	reader->nr = 0;
}

/*
 * Moves what is at the front of the reader to the end of *@e, up to the next boundary of
 * steps. False if it doesn't continue there, or *@e is at the boundary.
 */
static bool take(struct sluice_reader *reader, struct sluice_extent *e)
{
	struct sluice_extent *front = &reader->extents[reader->at];
	u64 n;

	if (!e->len) {
		*e = *front;
		e->len = 0;
	} else if (!sluice_extent_continues(e, front)) {
		return false;
	}
	n = min(sluice_step_bytes(e->iova) - e->len, front->len);
	e->len += n;
	front->iova += n;
	front->phys += n;
	front->len -= n;
	if (!front->len)
		reader->at++;
	return n;
}

/**
 * sluice_reader_next - read the next extent
 * @reader: as sluice_reader_init() has set it up
 * @extent: set to it; all of it was mapped with the same rights
 *
 * The extent ends where what is mapped isn't contiguous any more, or at a boundary of
 * steps (sluice_step_bytes()), but not because a backend has stopped there.
 *
 * Return: 1; 0 if there is none; -EINTR if killed.
 */
int sluice_reader_next(struct sluice_reader *reader,
		       struct sluice_extent *extent)
{
	const struct sluice_domain_ops *ops = reader->domain->ops;

	extent->len = 0;
	for (;;) {
		cond_resched();
		if (fatal_signal_pending(current))
			return -EINTR;
		while (reader->at < reader->nr) {
			if (!take(reader, extent))
				return 1;
		}
		if (sluice_range_empty(&reader->range))
			return extent->len != 0;
		reader->at = 0;
		reader->nr = ops->read(reader->domain, &reader->range,
				       reader->extents,
				       ARRAY_SIZE(reader->extents));
	}
}
