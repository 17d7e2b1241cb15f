// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that may be mapped in a SPAPR space.
 *
 * Owns: what a SPAPR space has beside a unified one; registered memory by address
 * (version 2), and the charge for all that could be mapped (version 1). Does not own:
 * what registered memory is, and when it can go (region.c).
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "spapr.h"

/**
 * sluice_spapr_init - make a space a SPAPR one, owned by the current process
 * @space: a space without a type; its lock is held for writing
 * @v2: version 2 of the ABI
 *
 * sluice_unified_deinit() undoes it.
 *
 * Return: 0 or -ENOMEM.
 */
int sluice_spapr_init(struct sluice_space *space, bool v2)
{
	struct sluice_spapr *spapr;
	int ret;

	lockdep_assert_held_write(&space->lock);
	spapr = kzalloc(sizeof(*spapr), GFP_KERNEL_ACCOUNT);
	if (!spapr)
		return -ENOMEM;
	ret = sluice_unified_init(space);
	if (ret) {
		kfree(spapr);
		return ret;
	}
	spapr->v2 = v2;
	spapr->regions = RB_ROOT;
	space->spapr = spapr;
	return 0;
}

static void give_back(struct sluice_space *space)
{
	struct sluice_spapr *spapr = space->spapr;

	if (spapr->prepaid)
		sluice_unaccount(space->uni->mm, spapr->prepaid);
	spapr->prepaid = 0;
	spapr->enabled = false;
}

/**
 * sluice_spapr_deinit - the end of a space's SPAPR part; for sluice_unified_deinit()
 * @space: the space; its lock is held for writing
 * @stuck: a dead IOMMU may reach what was mapped: it stays pinned, and charged
 */
void sluice_spapr_deinit(struct sluice_space *space, bool stuck)
{
	lockdep_assert_held_write(&space->lock);
	if (!stuck)
		give_back(space);
	kfree(space->spapr);
	space->spapr = NULL;
}

/* ---- Version 1: charged beforehand ---- */

/**
 * sluice_spapr_enable - charge all that could be mapped, so that a map needn't
 * @space: a space of version 1 with a group; its lock is held for writing
 *
 * Return: 0; -EBUSY if that has been done; -ENOMEM for RLIMIT_MEMLOCK.
 */
int sluice_spapr_enable(struct sluice_space *space)
{
	const struct sluice_window *window = &space->uni->windows[0];
	struct sluice_spapr *spapr = space->spapr;
	unsigned long npages;
	int ret;

	lockdep_assert_held_write(&space->lock);
	if (spapr->enabled)
		return -EBUSY;
	npages = ((window->last - window->start) >> PAGE_SHIFT) + 1;
	ret = sluice_account(space->uni->mm, npages);
	if (ret)
		return ret;
	spapr->prepaid = npages;
	spapr->enabled = true;
	return 0;
}

/**
 * sluice_spapr_disable - give back what sluice_spapr_enable() charged
 * @space: a space of version 1 with a group; its lock is held for writing
 *
 * Return: 0, also if nothing is charged; -EBUSY if anything is mapped.
 */
int sluice_spapr_disable(struct sluice_space *space)
{
	const struct sluice_window *window = &space->uni->windows[0];

	lockdep_assert_held_write(&space->lock);
	if (sluice_space_dead(space) ||
	    !sluice_unified_empty(space, window->start, window->last))
		return -EBUSY;
	give_back(space);
	/* Maps under way have seen that it was enabled. */
	space->epoch++;
	return 0;
}

/* ---- Version 2: registered memory by address ---- */

static u64 region_size(const struct sluice_region *region)
{
	return (u64)region->npages << PAGE_SHIFT;
}

static unsigned long region_last(const struct sluice_region *region)
{
	return region->vaddr + (region_size(region) - 1);
}

/* The lowest region that ends at @vaddr or above, or NULL. */
static struct sluice_region *find(const struct sluice_spapr *spapr,
				  unsigned long vaddr)
{
	struct rb_node *node = spapr->regions.rb_node;
	struct sluice_region *found = NULL;

	while (node) {
		struct sluice_region *region =
			rb_entry(node, struct sluice_region, node);

		if (region_last(region) < vaddr) {
			node = node->rb_right;
			continue;
		}
		found = region;
		if (region->vaddr <= vaddr)
			break;
		node = node->rb_left;
	}
	return found;
}

/* The region that has @vaddr, or NULL. */
static struct sluice_region *find_at(const struct sluice_spapr *spapr,
				     unsigned long vaddr)
{
	struct sluice_region *region = find(spapr, vaddr);

	return region && region->vaddr <= vaddr ? region : NULL;
}

/**
 * sluice_spapr_check_add - may memory be registered?
 * @spapr: the space's part; the space's lock is held
 * @vaddr: address, page aligned
 * @size: bytes, page aligned
 *
 * Return: 0; -EBUSY if just this is; -EINVAL if a part of it is.
 */
int sluice_spapr_check_add(const struct sluice_spapr *spapr,
			   unsigned long vaddr, u64 size)
{
	const struct sluice_region *region = find(spapr, vaddr);

	if (!region || region->vaddr > vaddr + (size - 1))
		return 0;
	return region->vaddr == vaddr && region_size(region) == size ? -EBUSY :
								     -EINVAL;
}

/**
 * sluice_spapr_add - register pinned memory
 * @space: the space; its lock is held for writing
 * @region: the memory, with its address
 *
 * Return: 0; as sluice_spapr_check_add() or sluice_region_publish().
 */
int sluice_spapr_add(struct sluice_space *space, struct sluice_region *region)
{
	struct sluice_spapr *spapr = space->spapr;
	struct rb_node **link = &spapr->regions.rb_node, *parent = NULL;
	int ret;

	lockdep_assert_held_write(&space->lock);
	ret = sluice_spapr_check_add(spapr, region->vaddr, region_size(region));
	ret = ret ?: sluice_region_publish(space->uni, region);
	if (ret)
		return ret;
	while (*link) {
		parent = *link;
		if (region->vaddr <
		    rb_entry(parent, struct sluice_region, node)->vaddr)
			link = &parent->rb_left;
		else
			link = &parent->rb_right;
	}
	rb_link_node(&region->node, parent, link);
	rb_insert_color(&region->node, &spapr->regions);
	spapr->enabled = true;
	return 0;
}

/**
 * sluice_spapr_take - unregister memory
 * @space: the space; its lock is held for writing
 * @vaddr: as it was registered
 * @size: the same
 *
 * Return: the memory, for sluice_region_release(); ERR_PTR() of -ENOENT; or as
 * sluice_region_withdraw().
 */
struct sluice_region *sluice_spapr_take(struct sluice_space *space,
					unsigned long vaddr, u64 size)
{
	struct sluice_spapr *spapr = space->spapr;
	struct sluice_region *region = find_at(spapr, vaddr);
	int ret;

	lockdep_assert_held_write(&space->lock);
	if (!region || region->vaddr != vaddr || region_size(region) != size)
		return ERR_PTR(-ENOENT);
	ret = sluice_region_withdraw(space, region);
	if (ret)
		return ERR_PTR(ret);
	rb_erase(&region->node, &spapr->regions);
	return region;
}

/**
 * sluice_spapr_covers - is memory registered?
 * @spapr: the space's part; the space's lock is held
 * @vaddr: address
 * @size: bytes, at least 1
 *
 * Return: true if all of it is; adjacent regions do.
 */
bool sluice_spapr_covers(const struct sluice_spapr *spapr, unsigned long vaddr,
			 u64 size)
{
	for (;;) {
		const struct sluice_region *region = find_at(spapr, vaddr);
		u64 rest;

		if (!region)
			return false;
		rest = region_last(region) - vaddr + 1;
		if (rest >= size)
			return true;
		vaddr += rest;
		size -= rest;
	}
}

/**
 * sluice_spapr_phys - where an address of registered memory is
 * @spapr: the space's part; the space's lock is held
 * @vaddr: address
 * @phys: set to the physical address
 *
 * Return: true; false if it isn't registered.
 */
bool sluice_spapr_phys(const struct sluice_spapr *spapr, unsigned long vaddr,
		       phys_addr_t *phys)
{
	const struct sluice_region *region = find_at(spapr, vaddr);
	const struct sluice_run *run;
	unsigned long page;

	if (unlikely(!region))
		return false;
	page = (vaddr - region->vaddr) >> PAGE_SHIFT;
	run = &region->runs[sluice_region_find(region, page)];
	*phys = PFN_PHYS(run->pfn + (page - run->first)) +
		offset_in_page(vaddr);
	return true;
}

/**
 * sluice_spapr_extents - where registered memory is
 * @spapr: the space's part; the space's lock is held
 * @iova: where it goes
 * @vaddr: its address
 * @size: bytes at most, at least 1
 * @extents: filled
 * @max: room in @extents, at least 1
 * @used: set to the number of bytes that the extents cover
 *
 * Return: the number of extents; 0 if @vaddr isn't registered.
 */
size_t sluice_spapr_extents(const struct sluice_spapr *spapr, u64 iova,
			    unsigned long vaddr, u64 size,
			    struct sluice_extent *extents, size_t max,
			    u64 *used)
{
	size_t nr = 0;
	u64 got;

	size = min(size, sluice_step_bytes(iova));
	for (*used = 0; *used < size && nr < max; *used += got) {
		const struct sluice_region *region = find_at(spapr, vaddr);
		struct sluice_extent *e = &extents[nr];
		u64 rest;
		size_t n;

		if (!region)
			break;
		rest = min(region_last(region) - vaddr + 1, size - *used);
		n = sluice_region_extents(region, iova + *used,
					  vaddr - region->vaddr, rest, e,
					  max - nr, &got);
		vaddr += got;
		nr += n;
		/* Where regions meet, memory may go on. */
		if (e > extents && sluice_extent_continues(e - 1, e)) {
			e[-1].len += e->len;
			memmove(e, e + 1, (n - 1) * sizeof(*e));
			nr--;
		}
	}
	return nr;
}
