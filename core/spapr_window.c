// SPDX-License-Identifier: GPL-2.0-only
/*
 * Windows of a SPAPR space: the hardware's own.
 *
 * Owns: that all domains of a space have the same windows, those that are listed in
 * struct sluice_unified: the initial one of the first group, and what the user has made
 * of it. Does not own: what is mapped there (spapr_map.c), how hardware makes a window.
 *
 * Where a window begins is the hardware's choice, so a domain that is to get what
 * others have may turn out to be impossible.
 */
#define pr_fmt(fmt) "sluice: " fmt

#include <linux/iommu.h>
#include <linux/log2.h>
#include <linux/printk.h>

#include "spapr.h"

/*
 * Levels that a program may ask for a window's table to have, as many as any host with
 * VFIO has known. How the table is divided is the backend's, or the hypervisor's, choice.
 * QEMU ignores what it is told of levels, never asks for 1 where a window has more than
 * 2^21 TCEs, and gives up its guest if all that it tries is refused.
 */
#define MAX_LEVELS 5

static u64 size_of(const struct sluice_window *window)
{
	return window->last - window->start + 1;
}

static int create(struct sluice_domain *domain, u32 page_lg2, u64 size,
		  u64 *start)
{
	int ret;

	/* A revoker looks for windows without the space's lock. */
	sluice_mmio_lock();
	ret = domain->ops->windows->create(domain, page_lg2, size, start);
	sluice_mmio_unlock();
	return ret;
}

static int remove(struct sluice_domain *domain, u64 start)
{
	int ret;

	sluice_mmio_lock();
	ret = domain->ops->windows->remove(domain, start);
	sluice_mmio_unlock();
	if (ret)
		pr_err_ratelimited("backend %s: the window at %#llx can't be removed (%d)\n",
				   domain->iommu->backend->name, start, ret);
	return ret;
}

/* Makes a window that others have. */
static int create_at(struct sluice_domain *domain,
		     const struct sluice_window *window)
{
	u64 start;
	int ret;

	if (!(domain->iommu->caps.windows.pgsizes & BIT_ULL(window->page_lg2)))
		return -EINVAL;
	ret = create(domain, window->page_lg2, size_of(window), &start);
	if (ret || start == window->start)
		return ret;
	remove(domain, start);
	return -EINVAL;
}

/* ---- Windows of a new domain ---- */

/**
 * sluice_spapr_check_iommu - is a group's IOMMU of the right kind?
 * @space: the space
 * @iommu: the instance
 *
 * Return: 0; -ENODEV if it has no windows; -EINVAL if none can be made but the user
 * is to make them: programs take that for a reason to try version 1.
 */
int sluice_spapr_check_iommu(const struct sluice_space *space,
			     const struct sluice_iommu *iommu)
{
	if (!iommu->backend->domain_ops->windows)
		return -ENODEV;
	return space->spapr->v2 && !iommu->caps.windows.pgsizes ? -EINVAL : 0;
}

static bool is_initial(const struct sluice_window_caps *caps,
		       const struct sluice_window *window)
{
	return window->start == caps->initial.start &&
	       window->last == caps->initial.last &&
	       window->page_lg2 == caps->initial_lg2;
}

/* Makes the domain's windows those of the space. */
static int fit(struct sluice_unified *uni, struct sluice_domain *domain)
{
	const struct sluice_window_caps *caps = &domain->iommu->caps.windows;
	bool initial = true, wanted = false;
	unsigned int i;
	int ret;

	/* Hardware may place windows where there is none: so first what is in the way. */
	for (i = 0; i < uni->nr_windows; i++) {
		const struct sluice_window *window = &uni->windows[i];

		if (is_initial(caps, window))
			wanted = true;
		else if (window->start <= caps->initial.last &&
			 window->last >= caps->initial.start)
			initial = false;
	}
	if (!initial) {
		ret = remove(domain, caps->initial.start);
		if (ret)
			return ret;
	}
	for (i = 0; i < uni->nr_windows; i++) {
		if (is_initial(caps, &uni->windows[i]))
			continue;
		ret = create_at(domain, &uni->windows[i]);
		if (ret)
			return ret;
	}
	return initial && !wanted ? remove(domain, caps->initial.start) : 0;
}

/**
 * sluice_spapr_fit - have the windows of a new domain and the space be the same
 * @space: the space; its lock is held for writing
 * @domain: a domain with its initial window, not listed in the space yet
 * @group: the group that it was made for
 *
 * Return: 0; -EINVAL if that isn't possible; -ENOMEM. Then the domain may have any
 * windows.
 */
int sluice_spapr_fit(struct sluice_space *space, struct sluice_domain *domain,
		     struct iommu_group *group)
{
	const struct sluice_window_caps *caps = &domain->iommu->caps.windows;
	int ret;

	lockdep_assert_held_write(&space->lock);
	if (list_empty(&space->domains)) {
		sluice_window_insert(space, caps->initial.start,
				     caps->initial.last, caps->initial_lg2);
		return 0;
	}
	ret = fit(space->uni, domain);
	if (!ret || ret == -ENOMEM)
		return ret;
	pr_warn_ratelimited("group %d: its IOMMU can't have the windows that the container has (%d): use another container\n",
			    iommu_group_id(group), ret);
	return -EINVAL;
}

/**
 * sluice_spapr_empty - unmap all in a domain that others have, too
 * @space: the space; its lock is held for writing
 * @domain: a domain with the space's windows; not listed
 *
 * Nothing is unpinned.
 */
void sluice_spapr_empty(struct sluice_space *space,
			struct sluice_domain *domain)
{
	const struct sluice_unified *uni = space->uni;
	unsigned int i;

	lockdep_assert_held_write(&space->lock);
	for (i = 0; i < uni->nr_windows; i++)
		sluice_domain_clear(domain, uni->windows[i].start,
				    uni->windows[i].last);
}

/**
 * sluice_spapr_detached - a group has been detached
 * @space: the space; its lock is held for writing
 *
 * With the last one the windows are gone.
 */
void sluice_spapr_detached(struct sluice_space *space)
{
	lockdep_assert_held_write(&space->lock);
	if (list_empty(&space->groups))
		space->uni->nr_windows = 0;
}

/* ---- Windows that the user makes ---- */

/**
 * sluice_spapr_caps - what windows there can be in a space
 * @space: a space with a group; its lock is held
 * @caps: filled with what all its IOMMUs can
 */
void sluice_spapr_caps(struct sluice_space *space,
		       struct sluice_window_caps *caps)
{
	struct sluice_domain *domain = sluice_space_first_domain(space);

	*caps = domain->iommu->caps.windows;
	list_for_each_entry_continue(domain, &space->domains, node) {
		const struct sluice_window_caps *more =
			&domain->iommu->caps.windows;

		caps->pgsizes &= more->pgsizes;
		caps->max = min(caps->max, more->max);
		caps->levels = min(caps->levels, more->levels);
	}
}

static int create_all(struct sluice_space *space, u32 page_lg2, u64 size,
		      u64 *start)
{
	struct sluice_domain *domain, *first = sluice_space_first_domain(space);
	int ret;

	list_for_each_entry(domain, &space->domains, node) {
		u64 at;

		ret = create(domain, page_lg2, size, &at);
		if (ret)
			goto err_remove;
		if (domain == first)
			*start = at;
		if (at == *start)
			continue;
		pr_warn_ratelimited("backend %s: the container's IOMMUs put a window to %#llx and %#llx: use a container for each\n",
				    domain->iommu->backend->name, *start, at);
		remove(domain, at);
		ret = -EINVAL;
		goto err_remove;
	}
	return 0;

err_remove:
	list_for_each_entry_continue_reverse(domain, &space->domains, node)
		remove(domain, *start);
	return ret;
}

/**
 * sluice_spapr_window_create - make a window
 * @space: a space of version 2 with a group; its lock is held for writing
 * @page_lg2: log2 of its page size
 * @size: bytes
 * @levels: of its table, 1 to 5; it makes no difference
 * @start: set to its first IOVA
 *
 * Return: 0; -EINVAL if its page size, size or levels aren't possible, or the groups'
 * IOMMUs put it to different places; or as &sluice_window_ops.create. Nothing has
 * changed then.
 */
int sluice_spapr_window_create(struct sluice_space *space, u32 page_lg2,
			       u64 size, u32 levels, u64 *start)
{
	struct sluice_window_caps caps;
	u64 at;
	int ret;

	lockdep_assert_held_write(&space->lock);
	sluice_spapr_caps(space, &caps);
	if (page_lg2 >= 64 || !(caps.pgsizes & BIT_ULL(page_lg2)) ||
	    !is_power_of_2(size) || !levels || levels > MAX_LEVELS)
		return -EINVAL;
	ret = create_all(space, page_lg2, size, &at);
	if (ret)
		return ret;
	sluice_window_insert(space, at, at + (size - 1), page_lg2);
	*start = at;
	return 0;
}

/* Unmaps what is in a window. */
static int clear(struct sluice_space *space, const struct sluice_window *window)
{
	struct sluice_txn txn __uninitialized;
	u64 unmapped = 0;
	int ret;

	ret = sluice_txn_begin(&txn, space, true);
	if (ret)
		return ret;
	sluice_mmio_unmap_range(space, window->start, window->last, &unmapped);
	sluice_txn_clear(&txn, window->start, window->last);
	return sluice_txn_end(&txn);
}

/*
 * Removes a window from every domain. If one refuses, it is made again in the others;
 * *@lost if that fails, too.
 */
static int remove_all(struct sluice_space *space,
		      const struct sluice_window *window, bool *lost)
{
	struct sluice_domain *domain;
	int ret;

	*lost = false;
	list_for_each_entry(domain, &space->domains, node) {
		ret = remove(domain, window->start);
		if (ret)
			goto err_create;
	}
	return 0;

err_create:
	list_for_each_entry_continue_reverse(domain, &space->domains, node) {
		if (create_at(domain, window))
			*lost = true;
	}
	return ret;
}

/**
 * sluice_spapr_window_remove - remove a window, with all that is mapped there
 * @space: a space of version 2 with a group; its lock is held for writing
 * @start: its first IOVA
 *
 * Return: 0; -EINVAL if there is none; -EIO if the hardware refuses: then it stays, and
 * nothing is mapped there; -ENOMEM: nothing has changed.
 */
int sluice_spapr_window_remove(struct sluice_space *space, u64 start)
{
	struct sluice_unified *uni = space->uni;
	const struct sluice_window *window = sluice_window_find(uni, start);
	bool lost;
	int ret;

	lockdep_assert_held_write(&space->lock);
	if (!window || window->start != start)
		return -EINVAL;
	ret = clear(space, window);
	if (ret)
		return ret;
	ret = remove_all(space, window, &lost);
	if (lost)
		pr_err_ratelimited("the window at %#llx is gone in some of a container's IOMMUs: it can't be used any more\n",
				   start);
	if (!ret || lost)
		sluice_window_erase(space, window);
	sluice_unified_trim_tables(space);
	return ret;
}
