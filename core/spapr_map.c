// SPDX-License-Identifier: GPL-2.0-only
/*
 * Maps and unmaps of a SPAPR space.
 *
 * Owns: which ranges are valid, and the short way for a page of registered memory. A
 * guest's own DMA mappings come here, one page each: they are hardly more than a call of
 * the backend. Does not own: all others (spapr_txn.c).
 */
#include <linux/align.h>
#include <linux/mm.h>

#include "spapr.h"

/* There are hardly more than two: a search wouldn't be faster. */
static __always_inline const struct sluice_window *
window_at(const struct sluice_unified *uni, u64 iova)
{
	const struct sluice_window *w = uni->windows, *end = w + uni->nr_windows;

	while (w < end && w->last < iova)
		w++;
	return w < end && w->start <= iova ? w : NULL;
}

/*
 * Finds the window of a range, which must not leave it.
 * -ENXIO: there is none; -EINVAL: it does, or isn't aligned to its pages.
 */
static __always_inline int find_window(const struct sluice_unified *uni,
				       u64 iova, u64 size,
				       const struct sluice_window **found)
{
	const struct sluice_window *window = window_at(uni, iova);

	if (unlikely(!window))
		return -ENXIO;
	if (unlikely(!size || size - 1 > window->last - iova ||
		     !IS_ALIGNED(iova | size, BIT_ULL(window->page_lg2))))
		return -EINVAL;
	*found = window;
	return 0;
}

/* Can it be done without a transaction? */
static __always_inline bool is_simple(struct sluice_space *space)
{
	return space->spapr->v2 && list_is_singular(&space->domains) &&
	       sluice_mmio_none(space) &&
	       !sluice_space_dead(space);
}

/* What is rarely left to do after a map. */
static noinline int finish_page(struct sluice_space *space, u64 iova, u64 last,
				struct sluice_gather *gather)
{
	struct sluice_domain *domain = sluice_space_first_domain(space);
	int ret = 0;

	if (gather->nr || gather->nonleaf)
		ret = sluice_domain_flush(domain, gather);
	ret = ret ?: sluice_unified_charge_tables(space);
	if (!ret)
		return 0;
	if (sluice_domain_clear(domain, iova, last))
		WRITE_ONCE(space->stuck, true);
	return ret;
}

/*
 * Maps a page of registered memory where nothing is mapped. False: nothing was done; a
 * transaction will do it, or find out what is wrong. Else sets *@ret.
 */
static __always_inline bool map_page(struct sluice_space *space,
				     const struct sluice_window *window,
				     u64 iova, unsigned long vaddr, u64 last,
				     unsigned int prot, int *ret)
{
	struct sluice_domain *domain = sluice_space_first_domain(space);
	struct sluice_extent extent __uninitialized;
	struct sluice_gather gather __uninitialized;
	struct sluice_unified *uni = space->uni;
	u64 done;

	if (window->page_lg2 > PAGE_SHIFT || !is_simple(space) ||
	    !sluice_spapr_phys(space->spapr, vaddr, &extent.phys))
		return false;
	extent.iova = iova;
	extent.len = last - iova + 1;
	sluice_gather_init(&gather);
	*ret = domain->ops->map(domain, &extent, 1,
				prot | SLUICE_PROT_REGISTERED, &done, &gather);
	if (unlikely(*ret)) {
		/* The transaction would begin with an empty gather. */
		if (gather.nr || gather.nonleaf)
			sluice_domain_flush(domain, &gather);
		return false;
	}
	if (unlikely(gather.nr || gather.nonleaf ||
		     READ_ONCE(domain->tables) > READ_ONCE(uni->tables)))
		*ret = finish_page(space, iova, last, &gather);
	if (likely(!*ret))
		atomic64_add(extent.len, &uni->mapped);
	return true;
}

/* The same for an unmap. */
static __always_inline bool unmap_page(struct sluice_space *space, u64 iova,
				       u64 last, int *ret)
{
	struct sluice_domain *domain = sluice_space_first_domain(space);
	struct sluice_range range = { iova, last };
	struct sluice_extent extent __uninitialized;
	struct sluice_gather gather __uninitialized;

	if (!is_simple(space))
		return false;
	sluice_gather_init(&gather);
	do {
		if (domain->ops->unmap(domain, iova, &range, &extent, 1,
				       &gather))
			atomic64_sub(extent.len, &space->uni->mapped);
	} while (unlikely(!sluice_range_empty(&range)));
	*ret = gather.nr || gather.nonleaf ?
		       sluice_domain_flush(domain, &gather) : 0;
	if (unlikely(*ret)) {
		WRITE_ONCE(space->stuck, true);
		*ret = -EIO;
	}
	return true;
}

/**
 * sluice_spapr_map - map memory of the space's owner
 * @space: a space with a group; its lock is held. The current process is the owner
 * @iova: where it goes
 * @vaddr: its address
 * @size: bytes
 * @prot: %SLUICE_PROT_READ and %SLUICE_PROT_WRITE, at least one
 *
 * What is mapped there is replaced.
 *
 * Return: 0; -ENXIO if there is no window at @iova; -EINVAL if the range leaves it,
 * anything isn't aligned to its pages, or, in version 2, the memory isn't all
 * registered, or not contiguous enough for its pages; -EPERM for the latter in version 1;
 * -EFAULT if it can't be pinned; -ENOMEM; -EINTR if killed; -EIO if the IOMMU is dead.
 * After an error nothing of this map is left; what it was to replace may be unmapped.
 * -ERESTART if the space is another one by now: its type, too.
 */
int sluice_spapr_map(struct sluice_space *space, u64 iova, unsigned long vaddr,
		     u64 size, unsigned int prot)
{
	struct sluice_hold hold __uninitialized;
	const struct sluice_window *window;
	u64 last = iova + (size - 1);
	int ret;

	ret = find_window(space->uni, iova, size, &window);
	if (unlikely(ret))
		return ret;
	if (unlikely(!IS_ALIGNED(vaddr, BIT_ULL(window->page_lg2)) ||
		     size - 1 > ULONG_MAX - vaddr))
		return -EINVAL;
	ret = sluice_space_hold(space, &hold, iova, last);
	if (unlikely(ret))
		return ret;
	if (size >> window->page_lg2 != 1 ||
	    !map_page(space, window, iova, vaddr, last, prot, &ret))
		ret = sluice_spapr_map_range(space, window, iova, vaddr, size, prot);
	sluice_inflight_release(&space->inflight, &hold);
	return ret;
}

/**
 * sluice_spapr_unmap - unmap what is mapped in a range
 * @space: a space with a group; its lock is held
 * @iova: where it begins
 * @size: bytes
 *
 * Return: 0; -ENXIO, -EINVAL as sluice_spapr_map(); -ENOMEM; -EINTR if killed: nothing
 * has changed; -EIO if the IOMMU doesn't answer: it is unmapped, and stays pinned;
 * -ERESTART if the space is another one by now.
 */
int sluice_spapr_unmap(struct sluice_space *space, u64 iova, u64 size)
{
	struct sluice_hold hold __uninitialized;
	const struct sluice_window *window;
	u64 last = iova + (size - 1);
	int ret;

	ret = find_window(space->uni, iova, size, &window);
	if (unlikely(ret))
		return ret;
	ret = sluice_space_hold(space, &hold, iova, last);
	if (unlikely(ret))
		return ret;
	if (size >> window->page_lg2 != 1 ||
	    !unmap_page(space, iova, last, &ret))
		ret = sluice_spapr_unmap_range(space, window, iova, last);
	sluice_inflight_release(&space->inflight, &hold);
	return ret;
}
