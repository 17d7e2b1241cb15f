// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registered memory: pinned and charged once, mapped as often as one likes.
 *
 * Owns: registrations (regions), their handles, and the rule that none goes while
 * a device could reach its pages by a map by handle. Such a map doesn't say which
 * region it came from: its entry in the page table has the page, and that it wasn't
 * pinned by the map. So the rule is about pages: each page that is mapped so must
 * be in some region with the rights of the map.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>
#include <linux/slab.h>

#include "tree.h"
#include "unified.h"

/* Extents read from a table at a time. */
#define FEW 16

/* ---- The runs of a region ---- */

static int add_run(struct sluice_region *region, unsigned long first,
		   unsigned long pfn)
{
	struct sluice_run *run = NULL;

	if (region->nr_runs)
		run = &region->runs[region->nr_runs - 1];
	if (run && run->pfn + (first - run->first) == pfn)
		return 0;
	/* Always room for the one behind the last. */
	if (region->nr_runs + 2 > region->max_runs) {
		size_t max = 2 * region->max_runs + 2;

		/* As large as the user's memory is scattered: no complaints. */
		run = kvrealloc(region->runs, array_size(max, sizeof(*run)),
				GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
		if (!run)
			return -ENOMEM;
		region->runs = run;
		region->max_runs = max;
	}
	region->runs[region->nr_runs++] =
		(struct sluice_run){ .first = first, .pfn = pfn };
	return 0;
}

/* Notes pages that were pinned; on an error, those that weren't are unpinned. */
static int keep_pages(struct sluice_region *region, struct page **pages,
		      size_t npages)
{
	size_t i;
	int ret;

	for (i = 0; i < npages; i++) {
		ret = add_run(region, region->npages, page_to_pfn(pages[i]));
		if (ret) {
			sluice_unpin_pages(&pages[i], npages - i, region->prot);
			return ret;
		}
		region->npages++;
		region->runs[region->nr_runs].first = region->npages;
	}
	return 0;
}

static int pin_pages(struct sluice_region *region, unsigned long vaddr,
		     unsigned long npages)
{
	struct page **pages = (void *)__get_free_page(GFP_KERNEL_ACCOUNT);
	int ret = 0;

	if (!pages)
		return -ENOMEM;
	while (!ret && region->npages < npages) {
		unsigned long want = min(npages - region->npages,
					 SLUICE_PIN_BATCH);
		long pinned;

		ret = -EINTR;
		if (fatal_signal_pending(current))
			break;
		pinned = sluice_pin(vaddr + (region->npages << PAGE_SHIFT),
				    want, region->prot, pages);
		ret = pinned;
		if (pinned > 0)
			ret = keep_pages(region, pages, pinned);
		cond_resched();
	}
	free_page((unsigned long)pages);
	return ret;
}

/**
 * sluice_region_find - the run that has a page
 * @region: the region
 * @page: the page's number, below its npages
 *
 * Return: the run's index.
 */
size_t sluice_region_find(const struct sluice_region *region,
			  unsigned long page)
{
	size_t low = 0, high = region->nr_runs - 1;

	while (low < high) {
		size_t mid = low + (high - low + 1) / 2;

		if (region->runs[mid].first <= page)
			low = mid;
		else
			high = mid - 1;
	}
	return low;
}

/**
 * sluice_region_unpin - unpin a part of a region
 * @region: the region
 * @first: the first page's number
 * @npages: how many, at least 1
 */
void sluice_region_unpin(const struct sluice_region *region,
			 unsigned long first, unsigned long npages)
{
	const struct sluice_run *run;

	run = &region->runs[sluice_region_find(region, first)];
	while (npages) {
		unsigned long n = min(npages, run[1].first - first);

		sluice_unpin_extent(&(struct sluice_extent){
			.phys = PFN_PHYS(run->pfn + (first - run->first)),
			.len = (u64)n << PAGE_SHIFT,
		}, region->prot);
		cond_resched();
		first += n;
		npages -= n;
		run++;
	}
}

/**
 * sluice_region_extents - where a part of a region is
 * @region: the region
 * @iova: where the part goes
 * @offset: where it begins in the region
 * @size: bytes at most, at least 1; not beyond the region's end
 * @extents: filled
 * @max: room in @extents, at least 1
 * @used: set to the number of bytes that the extents cover
 *
 * Return: the number of extents.
 */
size_t sluice_region_extents(const struct sluice_region *region, u64 iova,
			     u64 offset, u64 size,
			     struct sluice_extent *extents, size_t max,
			     u64 *used)
{
	u64 last = offset + (min(size, sluice_step_bytes(iova)) - 1);
	const struct sluice_run *run;
	u64 at = offset;
	size_t nr = 0;

	run = &region->runs[sluice_region_find(region, offset >> PAGE_SHIFT)];
	for (; at <= last && nr < max; run++) {
		u64 into = at - ((u64)run->first << PAGE_SHIFT);
		u64 end = min(last + 1, (u64)run[1].first << PAGE_SHIFT);

		extents[nr++] = (struct sluice_extent){
			.iova = iova + (at - offset),
			.phys = PFN_PHYS(run->pfn) + into,
			.len = end - at,
		};
		at = end;
	}
	*used = at - offset;
	return nr;
}

/**
 * sluice_region_free - free a region, but not its memory
 * @region: a region that has no handle
 */
void sluice_region_free(struct sluice_region *region)
{
	if (region->user) {
		atomic_long_sub(region->npages, &region->user->locked_vm);
		free_uid(region->user);
	}
	sluice_tree_destroy(&region->pfns);
	kvfree(region->runs);
	kfree(region);
}

/**
 * sluice_region_release - free a region with its memory
 * @mm: whom it is charged to
 * @region: a region that has no name any more
 * @stuck: a dead IOMMU may still reach it: it stays pinned, and charged
 */
void sluice_region_release(struct mm_struct *mm, struct sluice_region *region,
			   bool stuck)
{
	if (!stuck) {
		sluice_region_unpin(region, 0, region->npages);
		sluice_unaccount(mm, region->npages);
	} else if (region->user) {
		free_uid(region->user);
		region->user = NULL;
	}
	sluice_region_free(region);
}

/* ---- Registering ---- */

/**
 * sluice_region_publish - give a region its handle
 * @uni: the space's part
 * @region: pinned memory
 *
 * Return: 0; -ENOSPC if there are too many; -ENOMEM.
 */
int sluice_region_publish(struct sluice_unified *uni,
			  struct sluice_region *region)
{
	int ret;

	if (!atomic_add_unless(&uni->nr_regions, 1, SLUICE_MAX_REGIONS))
		return -ENOSPC;
	atomic_long_add(region->npages, &uni->registered);
	ret = xa_alloc(&uni->regions, &region->handle, region, xa_limit_31b,
		       GFP_KERNEL_ACCOUNT);
	if (ret) {
		atomic_long_sub(region->npages, &uni->registered);
		atomic_dec(&uni->nr_regions);
	}
	return ret;
}

/**
 * sluice_region_pin - pin and charge memory of the current process
 * @vaddr: address, page aligned
 * @npages: how much, at least one page
 * @prot: %SLUICE_PROT_READ and %SLUICE_PROT_WRITE, at least one
 *
 * Return: a region without a handle; ERR_PTR() of -EFAULT if not all of it can be
 * pinned with these rights; -ENOMEM for lack of memory, or RLIMIT_MEMLOCK; -EINTR.
 */
struct sluice_region *sluice_region_pin(unsigned long vaddr,
					unsigned long npages, unsigned int prot)
{
	struct sluice_region *region;
	int ret;

	region = kzalloc(sizeof(*region), GFP_KERNEL_ACCOUNT);
	if (!region)
		return ERR_PTR(-ENOMEM);
	region->prot = prot;
	sluice_tree_init(&region->pfns);
	/* First: nothing is pinned beyond the limit. */
	ret = sluice_account(current->mm, npages);
	if (ret)
		goto err_free;
	ret = pin_pages(region, vaddr, npages);
	if (!ret)
		return region;

	if (region->npages)
		sluice_region_unpin(region, 0, region->npages);
	sluice_unaccount(current->mm, npages);
err_free:
	sluice_region_free(region);
	return ERR_PTR(ret);
}

/*
 * Anybody can open a container, and processes can come and go while it keeps what they
 * have registered. So until it has a group, what a user's processes pin counts in
 * all, as for io_uring.
 */
static int charge_user(struct sluice_region *region)
{
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	struct user_struct *user = current_user();
	long locked;

	if (capable(CAP_IPC_LOCK))
		return 0;
	locked = atomic_long_add_return(region->npages, &user->locked_vm);
	if (locked > limit) {
		atomic_long_sub(region->npages, &user->locked_vm);
		return -ENOMEM;
	}
	region->user = get_uid(user);
	return 0;
}

/**
 * sluice_region_register - register memory of the current process
 * @space: a unified space
 * @vaddr: address, page aligned
 * @size: bytes, a multiple of the page size, not 0
 * @prot: %SLUICE_PROT_READ and %SLUICE_PROT_WRITE, at least one
 * @handle: set to its name
 *
 * Context: the caller holds no lock of the space: pinning may take long.
 * Return: 0; -EPERM if the process isn't the space's owner; -ENOSPC for too many;
 * or as sluice_region_pin(). Nothing stays pinned then.
 */
int sluice_region_register(struct sluice_space *space, unsigned long vaddr,
			   u64 size, unsigned int prot, u32 *handle)
{
	struct sluice_unified *uni = space->uni;
	struct sluice_region *region;
	int ret;

	if (current->mm != uni->mm)
		return -EPERM;
	region = sluice_region_pin(vaddr, size >> PAGE_SHIFT, prot);
	if (IS_ERR(region))
		return PTR_ERR(region);
	/* Who has a group was given the right to pin; others share a limit. */
	ret = READ_ONCE(space->usable.nr) ? 0 : charge_user(region);
	ret = ret ?: sluice_region_publish(uni, region);
	if (ret)
		sluice_region_release(uni->mm, region, false);
	else
		*handle = region->handle;
	return ret;
}

/* ---- Unregistering ---- */

/* The region's pages as a set: the same page can be in it twice. */
static int make_pfns(struct sluice_region *region)
{
	size_t i;

	if (region->has_pfns)
		return 0;
	for (i = 0; i < region->nr_runs; i++) {
		const struct sluice_run *run = &region->runs[i];
		int ret;

		ret = sluice_tree_store(&region->pfns, run->pfn, run->pfn +
					(run[1].first - run->first - 1),
					region, GFP_KERNEL_ACCOUNT);
		if (ret)
			return ret;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	region->has_pfns = true;
	return 0;
}

/*
 * Are all the pages of the extent that @without has, too, in other regions with the
 * extent's rights? 1: yes; 0: no; or an errno.
 */
static int covered(struct sluice_unified *uni, struct sluice_region *without,
		   const struct sluice_extent *extent)
{
	unsigned long at = PHYS_PFN(extent->phys), last, index;
	struct sluice_region *region;
	unsigned int prot = extent->prot & (SLUICE_PROT_READ |
					    SLUICE_PROT_WRITE);

	/* It may be a part of a page. */
	last = PHYS_PFN(extent->phys + (extent->len - 1));
	for (;;) {
		MA_STATE(mas, &without->pfns, at, at);
		unsigned long next = 0;

		if (!mas_find(&mas, last))
			at = last + 1;
		else
			at = max(at, mas.index);
		if (at > last)
			return 1;
		xa_for_each(&uni->regions, index, region) {
			MA_STATE(other, &region->pfns, at, at);
			int ret;

			if (region == without || (region->prot & prot) != prot)
				continue;
			ret = make_pfns(region);
			if (ret)
				return ret;
			if (mas_walk(&other))
				next = other.last + 1;
			if (next)
				break;
		}
		if (!next)
			return 0;
		if (fatal_signal_pending(current))
			return -EINTR;
		if (next > last)
			return 1;
		at = next;
		cond_resched();
	}
}

/* Is a page in the window mapped, that only this region still holds? */
static int window_needs(struct sluice_space *space,
			const struct sluice_window *window,
			struct sluice_region *region)
{
	struct sluice_domain *domain = sluice_space_first_domain(space);
	struct sluice_range range = { window->start, window->last };
	struct sluice_extent extents[FEW];
	size_t i, nr;
	int ret;

	while (!sluice_range_empty(&range)) {
		nr = domain->ops->read(domain, &range, extents, FEW);
		for (i = 0; i < nr; i++) {
			if (!(extents[i].prot & SLUICE_PROT_REGISTERED))
				continue;
			ret = covered(space->uni, region, &extents[i]);
			if (ret <= 0)
				return ret ?: -EBUSY;
		}
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

static int check_unused(struct sluice_space *space,
			struct sluice_region *region)
{
	struct sluice_unified *uni = space->uni;
	unsigned int i;
	int ret = 0;

	lockdep_assert_held_write(&space->lock);
	/* All operations are complete: the number is exact. */
	if (!atomic64_read(&uni->mapped))
		return 0;
	for (i = 0; !ret && i < uni->nr_windows; i++)
		ret = window_needs(space, &uni->windows[i], region);
	return ret;
}

/**
 * sluice_region_withdraw - take a region's name, if nothing of it is mapped
 * @space: the space; its lock is held for writing
 * @region: a published region of it
 *
 * Return: 0, then the caller releases it; or as sluice_region_unregister().
 */
int sluice_region_withdraw(struct sluice_space *space,
			   struct sluice_region *region)
{
	struct sluice_unified *uni = space->uni;
	int ret;

	lockdep_assert_held_write(&space->lock);
	ret = atomic64_read(&uni->mapped) ? make_pfns(region) : 0;
	ret = ret ?: check_unused(space, region);
	if (ret)
		return ret;
	xa_erase(&uni->regions, region->handle);
	atomic_long_sub(region->npages, &uni->registered);
	atomic_dec(&uni->nr_regions);
	return 0;
}

static int unregister(struct sluice_space *space, u32 handle)
{
	struct sluice_unified *uni = space->uni;
	struct sluice_region *region = xa_load(&uni->regions, handle);
	bool stuck;
	int ret;

	lockdep_assert_held(&uni->unregister_lock);
	if (!region)
		return -ENOENT;
	ret = atomic64_read(&uni->mapped) ? make_pfns(region) : 0;
	if (ret)
		return ret;
	if (sluice_space_lock_write(space))
		return -EINTR;
	/* A map may have come after the look above. */
	ret = sluice_region_withdraw(space, region);
	stuck = sluice_space_dead(space);
	up_write(&space->lock);
	if (!ret)
		sluice_region_release(uni->mm, region, stuck);
	return ret;
}

/**
 * sluice_region_unregister - let go of registered memory
 * @space: a unified space
 * @handle: its name
 *
 * Context: takes the space's lock for writing; reads the page table if anything is
 * mapped by handle.
 * Return: 0; -ENOENT; -EBUSY if a page is mapped by handle that no other region
 * holds with the rights of the map; -ENOMEM; -EINTR. Nothing has changed then.
 */
int sluice_region_unregister(struct sluice_space *space, u32 handle)
{
	struct sluice_unified *uni = space->uni;
	int ret;

	if (mutex_lock_killable(&uni->unregister_lock))
		return -EINTR;
	ret = unregister(space, handle);
	mutex_unlock(&uni->unregister_lock);
	return ret;
}

/**
 * sluice_region_free_all - the end of all registrations
 * @uni: the unified part of a space with nothing mapped, and no more users
 * @stuck: an IOMMU has died: unpin nothing
 */
void sluice_region_free_all(struct sluice_unified *uni, bool stuck)
{
	struct sluice_region *region;
	unsigned long handle;

	xa_for_each(&uni->regions, handle, region) {
		xa_erase(&uni->regions, handle);
		sluice_region_release(uni->mm, region, stuck);
	}
	xa_destroy(&uni->regions);
}
