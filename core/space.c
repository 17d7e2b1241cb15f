// SPDX-License-Identifier: GPL-2.0-only
/*
 * An address space: the domains behind it, and the groups they serve.
 *
 * Owns: attach and detach, the choice of a domain for a group, which IOVAs and
 * page sizes are usable, interrupt isolation as a condition. Does not own:
 * mappings (legacy.c), the ownership of groups (group.c).
 */
#define pr_fmt(fmt) "sluice: " fmt

#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/panic.h>
#include <linux/printk.h>
#include <linux/slab.h>

#include "spapr.h"

/* The name administrators know from VFIO. */
#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "vfio_iommu_type1."

static bool allow_unsafe_interrupts;
module_param(allow_unsafe_interrupts, bool, 0644);
MODULE_PARM_DESC(allow_unsafe_interrupts,
		 "Assign devices although they could forge interrupts, because the platform can't isolate them (default: no)");

/**
 * struct sluice_attachment - a group in a space
 * @node: link in &sluice_space.groups
 * @group: the kernel's group
 * @iommu: the instance behind it; a reference
 * @domain: the domain that translates its DMA
 * @usable: what this group alone could use
 */
struct sluice_attachment {
	struct list_head node;
	struct iommu_group *group;
	struct sluice_iommu *iommu;
	struct sluice_domain *domain;
	struct sluice_ranges usable;
};

/**
 * sluice_space_init - prepare a space without type or groups
 * @space: zeroed memory
 */
void sluice_space_init(struct sluice_space *space)
{
	init_rwsem(&space->lock);
	space->type = SLUICE_SPACE_NONE;
	INIT_LIST_HEAD(&space->domains);
	INIT_LIST_HEAD(&space->groups);
	sluice_inflight_init(&space->inflight);
	space->maps = RB_ROOT;
	INIT_LIST_HEAD(&space->sorted);
	space->near = &space->sorted;
	spin_lock_init(&space->maps_lock);
	spin_lock_init(&space->mmio.lock);
	space->mmio.ranges = RB_ROOT_CACHED;
	INIT_LIST_HEAD(&space->paused);
	spin_lock_init(&space->paused_lock);
}

/**
 * sluice_space_deinit - the end of a space
 * @space: a space whose groups are all detached
 */
void sluice_space_deinit(struct sluice_space *space)
{
	if (space->uni) {
		down_write(&space->lock);
		sluice_unified_deinit(space);
		up_write(&space->lock);
	}
	sluice_mapping_free_retired(space);
	sluice_ranges_free(&space->usable);
}

/**
 * sluice_space_lock - lock a space for an operation of its user
 * @space: the space
 *
 * Return: 0, then the caller holds the space's lock for reading; -EINVAL if it has
 * no type; -EINTR if the task was killed.
 */
int sluice_space_lock(struct sluice_space *space)
{
	if (down_read_killable(&space->lock))
		return -EINTR;
	if (space->type != SLUICE_SPACE_NONE)
		return 0;
	up_read(&space->lock);
	return -EINVAL;
}

/**
 * sluice_space_coherent - is all DMA of the space snooped, whatever is asked?
 * @space: the space; the caller holds its lock
 *
 * Return: true if hardware enforces it for every group.
 */
bool sluice_space_coherent(struct sluice_space *space)
{
	struct sluice_attachment *att;

	list_for_each_entry(att, &space->groups, node) {
		if (!att->iommu->caps.coherent)
			return false;
	}
	return !list_empty(&space->groups);
}

/**
 * sluice_space_reclaim - have the backends free tables that nothing uses
 * @space: the space
 *
 * Context: takes the space's lock for writing.
 * Return: true if there may be more memory than before.
 */
bool sluice_space_reclaim(struct sluice_space *space)
{
	struct sluice_domain *domain;
	bool ret = false;

	if (sluice_space_lock_write(space))
		return false;
	/* A revoker, who takes no lock of the space, is only at tables that stay. */
	list_for_each_entry(domain, &space->domains, node) {
		if (domain->ops->reclaim) {
			WRITE_ONCE(domain->reclaim_due, false);
			domain->ops->reclaim(domain);
			ret = true;
		}
	}
	if (space->uni)
		sluice_unified_trim_tables(space);
	up_write(&space->lock);
	return ret;
}

/* Page sizes below the CPU's can't be used; their presence implies PAGE_SIZE. */
static u64 usable_pgsizes(u64 pgsizes)
{
	if (pgsizes & (PAGE_SIZE - 1))
		return (pgsizes & PAGE_MASK) | PAGE_SIZE;
	return pgsizes;
}

/* Takes away what the platform or the group's devices need for themselves. */
static int exclude_reserved(struct iommu_group *group,
			    struct sluice_ranges *usable)
{
	struct iommu_resv_region *region, *next;
	LIST_HEAD(regions);
	int ret;

	ret = iommu_get_group_resv_regions(group, &regions);
	list_for_each_entry_safe(region, next, &regions, list) {
		if (!ret && region->length &&
		    region->type != IOMMU_RESV_DIRECT_RELAXABLE)
			ret = sluice_ranges_exclude(usable, region->start,
						    region->start +
						    (region->length - 1));
		kfree(region);
	}
	return ret;
}

static bool interrupts_isolated(struct iommu_group *group,
				const struct sluice_caps *caps)
{
	if (caps->isolated_msi || iommu_group_has_isolated_msi(group))
		return true;
	if (READ_ONCE(allow_unsafe_interrupts)) {
		pr_warn_ratelimited("group %d: its devices can forge interrupts, and may be assigned only because of allow_unsafe_interrupts\n",
				    iommu_group_id(group));
		add_taint(TAINT_USER, LOCKDEP_STILL_OK);
		return true;
	}
	pr_warn_ratelimited("group %d: the platform can't keep its devices from forging interrupts, so they can't be assigned; switch on interrupt remapping in the firmware, or accept the risk with vfio_iommu_type1.allow_unsafe_interrupts=1\n",
			    iommu_group_id(group));
	return false;
}

static void attachment_free(struct sluice_attachment *att)
{
	if (!IS_ERR_OR_NULL(att->iommu))
		sluice_iommu_put(att->iommu);
	sluice_ranges_free(&att->usable);
	kfree(att);
}

/* All about a group that doesn't depend on the space. */
static struct sluice_attachment *attachment_alloc(struct iommu_group *group)
{
	struct sluice_attachment *att;
	const struct sluice_caps *caps;
	int ret;

	att = kzalloc(sizeof(*att), GFP_KERNEL_ACCOUNT);
	if (!att)
		return ERR_PTR(-ENOMEM);
	att->group = group;
	att->iommu = sluice_iommu_probe(group);
	if (IS_ERR(att->iommu)) {
		ret = PTR_ERR(att->iommu);
		goto err_free;
	}
	caps = &att->iommu->caps;
	ret = -EPERM;
	if (!interrupts_isolated(group, caps))
		goto err_free;
	ret = sluice_ranges_copy(&att->usable, caps->apertures,
				 caps->nr_apertures);
	if (ret)
		goto err_free;
	ret = exclude_reserved(group, &att->usable);
	if (ret)
		goto err_free;
	return att;

err_free:
	attachment_free(att);
	return ERR_PTR(ret);
}

/* A unified space has mappings without groups, too. */
static bool is_unified(struct sluice_space *space)
{
	return space->uni && !space->spapr;
}

/* Is the group's IOMMU of the kind that the space is about? */
static int check_kind(struct sluice_space *space,
		      struct sluice_attachment *att)
{
	const struct sluice_backend *backend = att->iommu->backend;

	if (space->spapr)
		return sluice_spapr_check_iommu(space, att->iommu);
	return backend->domain_ops->windows && !space->uni ? -ENODEV : 0;
}

static int check_fit(struct sluice_space *space,
		     const struct sluice_ranges *usable, u64 pgsizes)
{
	return space->uni ?
		       sluice_unified_check_fit(space, usable, pgsizes) :
		       sluice_legacy_check_fit(space, usable, pgsizes);
}

/* What the space could use if @att were part of it. */
static int plan(struct sluice_space *space, struct sluice_attachment *att,
		struct sluice_ranges *usable, u64 *pgsizes)
{
	int ret;

	*pgsizes = usable_pgsizes(att->iommu->caps.pgsizes);
	/* Its windows say all; that they are possible is seen when they are made. */
	if (space->spapr) {
		*usable = (struct sluice_ranges){};
		return 0;
	}
	if (!list_empty(&space->groups))
		*pgsizes &= space->pgsizes;
	if (!*pgsizes)
		return -EINVAL;

	ret = sluice_ranges_copy(usable, att->usable.v, att->usable.nr);
	if (ret)
		return ret;
	if (!list_empty(&space->groups)) {
		ret = sluice_ranges_intersect(usable, &space->usable);
		if (ret)
			goto err_free;
	}
	sluice_ranges_align(usable, BIT_ULL(__ffs64(*pgsizes)));
	ret = usable->nr ? check_fit(space, usable, *pgsizes) : -EINVAL;
	if (ret)
		goto err_free;
	return 0;

err_free:
	sluice_ranges_free(usable);
	return ret;
}

/*
 * A domain is about to go, or a group couldn't be attached to it, or has left it. If
 * hardware may use it for ever, the space must not unpin anything from now on: which of
 * what is mapped the hardware has seen, nobody knows.
 */
static void note_death(struct sluice_space *space, struct sluice_domain *domain,
		       struct sluice_iommu *iommu)
{
	if (READ_ONCE(domain->dead) || READ_ONCE(iommu->dead))
		WRITE_ONCE(space->stuck, true);
}

static enum sluice_domain_kind domain_kind(const struct sluice_space *space)
{
	if (space->spapr)
		return SLUICE_DOMAIN_WINDOWS;
	return space->uni ? SLUICE_DOMAIN_UNIFIED : SLUICE_DOMAIN_MAPPINGS;
}

/* A domain of the space that can serve the group, too, attached; or NULL. */
static struct sluice_domain *share_domain(struct sluice_space *space,
					  struct sluice_attachment *att)
{
	struct sluice_domain *domain;

	list_for_each_entry(domain, &space->domains, node) {
		int ret;

		if (!domain->ops->compatible(domain, att->iommu, att->group))
			continue;
		/* A revoker may be flushing this domain. */
		sluice_mmio_lock();
		ret = domain->ops->attach(domain, att->group);
		sluice_mmio_unlock();
		if (!ret)
			return domain;
		/* What the group had been given by then it may reach for ever. */
		note_death(space, domain, att->iommu);
		if (ret != -EINVAL)
			return ERR_PTR(ret);
	}
	return NULL;
}

static int fill(struct sluice_space *space, struct sluice_domain *to)
{
	return space->uni ? sluice_unified_fill(space, to) :
			    sluice_legacy_fill(space, to);
}

/* A new domain with the space's content, attached. */
static struct sluice_domain *add_domain(struct sluice_space *space,
					struct sluice_attachment *att)
{
	struct sluice_domain *domain;
	int ret;

	domain = sluice_domain_alloc(att->iommu, att->group,
				     domain_kind(space));
	if (IS_ERR(domain))
		return domain;
	domain->reserved = &space->mmio;
	ret = -ENODEV;
	if (is_unified(space) && !domain->ops->cut) {
		pr_warn_ratelimited("group %d: backend %s can't serve a unified space\n",
				    iommu_group_id(att->group),
				    att->iommu->backend->name);
		goto err_free;
	}
	ret = domain->ops->attach(domain, att->group);
	if (ret)
		goto err_free;

	ret = space->spapr ? sluice_spapr_fit(space, domain, att->group) : 0;
	if (ret)
		goto err_detach;
	ret = fill(space, domain);
	if (ret)
		goto err_clear;

	/* Lists it, too. */
	ret = sluice_mmio_fill(space, domain);
	if (ret)
		goto err_clear;
	return domain;

err_clear:
	if (space->spapr)
		sluice_spapr_empty(space, domain);
err_detach:
	domain->ops->detach(domain, att->group);
	note_death(space, domain, att->iommu);
err_free:
	sluice_domain_free(domain);
	if (space->uni)
		sluice_unified_trim_tables(space);
	return ERR_PTR(ret);
}

/* What every group and, being made for a group that may be gone, domain can. */
static int recompute(struct sluice_space *space, struct sluice_ranges *usable,
		     u64 *pgsizes)
{
	static const struct sluice_range all = { .start = 0, .last = U64_MAX };
	struct sluice_attachment *att;
	struct sluice_domain *domain;
	int ret;

	*pgsizes = U64_MAX;
	ret = sluice_ranges_copy(usable, &all, 1);
	list_for_each_entry(att, &space->groups, node) {
		*pgsizes &= usable_pgsizes(att->iommu->caps.pgsizes);
		ret = ret ?: sluice_ranges_intersect(usable, &att->usable);
	}
	list_for_each_entry(domain, &space->domains, node) {
		struct sluice_caps *caps = &domain->iommu->caps;
		struct sluice_ranges apertures = {
			.v = caps->apertures,
			.nr = caps->nr_apertures,
		};

		*pgsizes &= usable_pgsizes(caps->pgsizes);
		ret = ret ?: sluice_ranges_intersect(usable, &apertures);
	}
	return ret;
}

/* With a group gone, others may be able to use more. */
static void widen(struct sluice_space *space)
{
	struct sluice_ranges usable;
	u64 pgsizes;
	int ret;

	ret = recompute(space, &usable, &pgsizes);
	/* Without memory the space just stays as narrow as it was. */
	if (ret) {
		sluice_ranges_free(&usable);
		return;
	}
	sluice_ranges_align(&usable, BIT_ULL(__ffs64(pgsizes)));
	sluice_ranges_free(&space->usable);
	space->usable = usable;
	space->pgsizes = pgsizes;
}

/*
 * A unified space whose groups are all gone keeps a domain, with all that is mapped.
 * If the first group to come couldn't share it, it has one with the same content.
 */
static void drop_idle_domain(struct sluice_space *space)
{
	struct sluice_domain *domain, *next;

	list_for_each_entry_safe(domain, next, &space->domains, node) {
		if (domain->nr_groups)
			continue;
		sluice_mmio_lock();
		list_del(&domain->node);
		sluice_mmio_unlock();
		note_death(space, domain, domain->iommu);
		sluice_domain_free(domain);
	}
	/* Tables of a domain that was shared may reach less than the group. */
	if (list_is_singular(&space->groups))
		widen(space);
	sluice_unified_trim_tables(space);
}

/**
 * sluice_space_attach - have a group's DMA translated by a space
 * @space: a space with a type
 * @iommu_group: a group whose DMA ownership has been claimed
 *
 * Context: the caller holds the space's lock for writing.
 * Return: 0; -EPERM if its interrupts can't be isolated; -ENODEV if no backend
 * drives its IOMMU, or that has no such spaces; -EINVAL if what is mapped can't be
 * mapped for this group, or it can't have the windows of a SPAPR space;
 * -EIO if its IOMMU is dead; -ENOMEM, or RLIMIT_MEMLOCK for a unified space's
 * tables. After a failure the group's DMA is blocked.
 */
int sluice_space_attach(struct sluice_space *space,
			struct iommu_group *iommu_group)
{
	struct sluice_attachment *att;
	struct sluice_domain *domain;
	struct sluice_ranges usable;
	u64 pgsizes;
	int ret;

	lockdep_assert_held_write(&space->lock);
	space->epoch++;

	/* With the last group all went that a dead IOMMU might reach; it stays pinned. */
	if (list_empty(&space->groups) && !is_unified(space))
		space->stuck = false;
	if (sluice_space_dead(space))
		return -EIO;
	att = attachment_alloc(iommu_group);
	if (IS_ERR(att))
		return PTR_ERR(att);
	ret = check_kind(space, att);
	ret = ret ?: plan(space, att, &usable, &pgsizes);
	if (ret)
		goto err_free;
	domain = share_domain(space, att);
	if (!domain)
		domain = add_domain(space, att);
	if (IS_ERR(domain)) {
		ret = PTR_ERR(domain);
		goto err_ranges;
	}

	domain->nr_groups++;
	att->domain = domain;
	list_add_tail(&att->node, &space->groups);
	sluice_ranges_free(&space->usable);
	space->usable = usable;
	space->pgsizes = pgsizes;
	if (!space->uni)
		return 0;
	if (!space->spapr)
		drop_idle_domain(space);
	ret = sluice_unified_charge_tables(space);
	if (ret)
		sluice_space_detach(space, iommu_group);
	return ret;

err_ranges:
	sluice_ranges_free(&usable);
err_free:
	attachment_free(att);
	return ret;
}

/* The last group is about to leave. */
static void clear(struct sluice_space *space)
{
	if (is_unified(space))
		return;
	if (space->spapr)
		sluice_unified_clear(space);
	else
		sluice_legacy_clear(space);
	space->clears++;
}

/**
 * sluice_space_detach - block a group's DMA
 * @space: the space it is attached to
 * @iommu_group: the group
 *
 * With the last group all mappings go, and a SPAPR space's windows, but not what a
 * unified space has.
 *
 * Context: the caller holds the space's lock for writing. Can't fail.
 */
void sluice_space_detach(struct sluice_space *space,
			 struct iommu_group *iommu_group)
{
	struct sluice_attachment *att;
	struct sluice_domain *domain;
	bool last;

	lockdep_assert_held_write(&space->lock);
	list_for_each_entry(att, &space->groups, node) {
		if (att->group == iommu_group)
			goto found;
	}
	return;

found:
	space->epoch++;
	domain = att->domain;
	if (list_is_singular(&space->groups))
		clear(space);
	list_del(&att->node);
	/* Others may have its content, but its windows are about to go. */
	if (space->spapr && domain->nr_groups == 1 &&
	    !list_empty(&space->groups)) {
		/* No revoker shall be at what is emptied, nor miss any of it. */
		sluice_mmio_unfill(space, domain);
		sluice_spapr_empty(space, domain);
	}
	sluice_mmio_lock();
	domain->ops->detach(domain, iommu_group);
	last = !--domain->nr_groups &&
	       !(is_unified(space) && list_is_singular(&space->domains));
	if (last)
		list_del(&domain->node);
	sluice_mmio_unlock();
	note_death(space, domain, att->iommu);
	if (last)
		sluice_domain_free(domain);
	attachment_free(att);
	if (space->uni)
		sluice_unified_trim_tables(space);
	if (space->spapr)
		sluice_spapr_detached(space);
	else if (!list_empty(&space->groups))
		widen(space);
	else if (!space->uni)
		sluice_ranges_free(&space->usable);
}
