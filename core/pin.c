// SPDX-License-Identifier: GPL-2.0-only
/*
 * User memory: pinning, dirtying.
 *
 * Owns: what is done to pages so that a device may use them for as long as it
 * likes, and the way back. Does not own: which pages are mapped where, nor what is
 * charged for them (charge.c).
 */
#include <kunit/static_stub.h>
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "private.h"

/**
 * sluice_pin - pin pages of the current process for a device
 * @vaddr: user address, page aligned
 * @npages: pages wanted
 * @prot: &enum sluice_prot; what the device may do
 * @pages: filled with what was pinned
 *
 * Return: pages pinned, at least one, maybe fewer than @npages; -EFAULT if there
 * is no memory that can be pinned with these rights; -ENOMEM; -EINTR.
 */
long sluice_pin(unsigned long vaddr, size_t npages, unsigned int prot,
		struct page **pages)
{
	unsigned int flags = FOLL_LONGTERM;
	long pinned;

	KUNIT_STATIC_STUB_REDIRECT(sluice_pin, vaddr, npages, prot, pages);
	if (prot & SLUICE_PROT_WRITE)
		flags |= FOLL_WRITE;
	pinned = pin_user_pages_fast(vaddr, npages, flags, pages);
	/* -EOVERFLOW: addresses that no process has. */
	return pinned && pinned != -EOVERFLOW ? pinned : -EFAULT;
}

/**
 * sluice_pin_early - pin a few pages before the space is locked
 * @early: filled with what was pinned: all, or nothing
 * @vaddr: as sluice_pin(), unchecked
 * @size: bytes, unchecked
 * @prot: as sluice_pin()
 *
 * Spares a map the price of letting go of the space to pin so little. What there is to be
 * said against the map comes later, and so does the charge: for a moment a few pages more
 * than the limit may be pinned.
 */
void sluice_pin_early(struct sluice_early *early, unsigned long vaddr, u64 size,
		      unsigned int prot)
{
	long pinned;
	u64 npages = size >> PAGE_SHIFT;

	early->npages = 0;
	if (!npages || npages > SLUICE_EARLY_PAGES ||
	    !PAGE_ALIGNED(vaddr | size))
		return;
	pinned = sluice_pin(vaddr, npages, prot, early->pages);
	if (likely(pinned == npages))
		early->npages = npages;
	else if (pinned > 0)
		sluice_unpin_pages(early->pages, pinned, prot);
}

/**
 * sluice_unpin_early - undo sluice_pin_early()
 * @early: nothing is left in it if the map has used it
 * @prot: as there
 */
void sluice_unpin_early(struct sluice_early *early, unsigned int prot)
{
	if (likely(!early->npages))
		return;
	sluice_unpin_pages(early->pages, early->npages, prot);
	early->npages = 0;
}

/**
 * sluice_unpin_pages - undo sluice_pin() after a map failed
 * @pages: the pages
 * @npages: how many
 * @prot: &enum sluice_prot; a device may have seen them for a moment
 */
void sluice_unpin_pages(struct page **pages, size_t npages, unsigned int prot)
{
	KUNIT_STATIC_STUB_REDIRECT(sluice_unpin_pages, pages, npages, prot);
	unpin_user_pages_dirty_lock(pages, npages, prot & SLUICE_PROT_WRITE);
}

static void unpin_one(phys_addr_t phys, unsigned int prot)
{
	struct folio *folio = page_folio(pfn_to_page(PHYS_PFN(phys)));

	if (prot & SLUICE_PROT_WRITE && !folio_test_dirty(folio)) {
		folio_lock(folio);
		folio_mark_dirty(folio);
		folio_unlock(folio);
	}
	unpin_folio(folio);
}

/**
 * sluice_unpin_extent - let go of memory that was mapped
 * @extent: physically contiguous pinned pages
 * @prot: &enum sluice_prot of the mapping: what a device could write is dirty
 *
 * Context: the flush that covers the extent has completed. May sleep.
 */
void sluice_unpin_extent(const struct sluice_extent *extent, unsigned int prot)
{
	KUNIT_STATIC_STUB_REDIRECT(sluice_unpin_extent, extent, prot);
	/* The same for one page, in half the time. */
	if (extent->len == PAGE_SIZE)
		unpin_one(extent->phys, prot);
	else
		unpin_user_page_range_dirty_lock(pfn_to_page(PHYS_PFN(extent->phys)),
						 extent->len >> PAGE_SHIFT,
						 prot & SLUICE_PROT_WRITE);
}

/**
 * sluice_unpin_tces - let go of memory whose pages are pinned once for each TCE
 * @extent: what was mapped, as the record says
 * @lg2: log2 of what a TCE maps, not above PAGE_SHIFT
 *
 * Context: as sluice_unpin_extent().
 */
void sluice_unpin_tces(const struct sluice_extent *extent, unsigned int lg2)
{
	u64 at;

	for (at = 0; at < extent->len; at += BIT_ULL(lg2)) {
		unpin_one(extent->phys + at, extent->prot);
		cond_resched();
	}
}

/**
 * sluice_extents_from_pages - join physically contiguous pages
 * @iova: where the first page goes
 * @pages: pages in the order of their IOVAs
 * @npages: how many
 * @extents: filled
 * @max: room in @extents, at least 1
 * @used: set to the number of pages that the extents cover
 *
 * Return: the number of extents.
 */
size_t sluice_extents_from_pages(u64 iova, struct page **pages, size_t npages,
				 struct sluice_extent *extents, size_t max,
				 size_t *used)
{
	size_t i = 0, nr = 0;

	while (i < npages && nr < max) {
		unsigned long pfn = page_to_pfn(pages[i]);
		size_t first = i++;

		while (i < npages && page_to_pfn(pages[i]) == pfn + (i - first))
			i++;
		extents[nr++] = (struct sluice_extent){
			.iova = iova + ((u64)first << PAGE_SHIFT),
			.phys = PFN_PHYS(pfn),
			.len = (u64)(i - first) << PAGE_SHIFT,
		};
	}
	*used = i;
	return nr;
}
