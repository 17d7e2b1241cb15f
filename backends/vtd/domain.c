// SPDX-License-Identifier: GPL-2.0-only
/*
 * VT-d: domains.
 *
 * Owns: second-stage tables and the units they are known to: which unit can
 * serve a domain, under which domain id, and a flush for all of them. Mapping and
 * unmapping are backends/paging's and core/pt's.
 */
#define pr_fmt(fmt) "sluice vtd: " fmt

#include <linux/err.h>
#include <linux/printk.h>
#include <linux/rculist.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "private.h"

static noinline int flush_devices(struct vtd_domain *domain,
				  const struct sluice_gather *gather)
{
	struct vtd_device *device;
	int ret = 0, err;

	list_for_each_entry_rcu(device, &domain->ats, ats_node) {
		err = vtd_inval_device(device, gather);
		ret = ret ?: err;
	}
	return ret;
}

/* Nothing but links and ATS devices changes while others flush. */
static int flush(struct sluice_paging *paging,
		 const struct sluice_gather *gather)
{
	struct vtd_domain *domain = vtd_domain_of(paging);
	struct sluice_paging_link *link;
	int ret = 0, err;

	rcu_read_lock();
	list_for_each_entry_rcu(link, &paging->links, node) {
		err = vtd_inval_domain(vtd_unit_of(link->iommu), link->did,
				       gather);
		if (unlikely(err))
			ret = err;
	}
	/* After the units, which could tell a device what they remember. */
	if (!list_empty(&domain->ats)) {
		err = flush_devices(domain, gather);
		ret = ret ?: err;
	}
	rcu_read_unlock();
	return ret;
}

static void domain_free(struct sluice_paging *paging)
{
	sluice_paging_deinit(paging);
	kfree(vtd_domain_of(paging));
}

static const struct sluice_paging_ops paging_ops = {
	.flush = flush,
	.free = domain_free,
};

/* The least depth that reaches all that the unit can translate. */
static unsigned int choose_levels(const struct vtd_unit *unit)
{
	unsigned int levels;

	for_each_set_bit(levels, &unit->levels, 6) {
		if (unit->last <= GENMASK_ULL(12 + 9 * levels - 1, 0))
			return levels;
	}
	return vtd_unit_max_levels(unit);
}

/**
 * vtd_domain_alloc - make an empty domain
 * @unit: the unit whose devices will use it first
 *
 * Return: the domain, or ERR_PTR(-ENOMEM).
 */
struct vtd_domain *vtd_domain_alloc(struct vtd_unit *unit)
{
	struct pt_config cfg = {
		.levels = choose_levels(unit),
		.pgsizes = unit->iommu.caps.pgsizes,
		.snoop = unit->iommu.caps.coherent,
		.nid = unit->nid,
		.flush = unit->walk_coherent ? NULL : unit->hw->write_back,
	};
	struct vtd_domain *domain;
	int ret;

	domain = kzalloc(sizeof(*domain), GFP_KERNEL_ACCOUNT);
	if (!domain)
		return ERR_PTR(-ENOMEM);
	ret = sluice_paging_init(&domain->paging, &paging_ops, &vtd_iommu_ops,
				 &pt_vtdss, &cfg, unit->last);
	if (ret) {
		kfree(domain);
		return ERR_PTR(ret);
	}
	domain->levels = cfg.levels;
	INIT_LIST_HEAD(&domain->ats);
	return domain;
}

/**
 * vtd_domain_fits - can a unit walk a domain's tables?
 * @domain: the domain
 * @unit: the unit
 *
 * The same depth, no page that the unit doesn't know, no IOVA that it can't
 * reach; and what was promised of snooping must hold for both.
 *
 * Return: true if so.
 */
bool vtd_domain_fits(const struct vtd_domain *domain,
		     const struct vtd_unit *unit)
{
	const struct sluice_paging *paging = &domain->paging;

	return test_bit(domain->levels, &unit->levels) &&
	       !(paging->pt.pgsizes & ~unit->iommu.caps.pgsizes) &&
	       paging->hw.geometry.aperture_end <= unit->last &&
	       paging->snoop == unit->iommu.caps.coherent &&
	       (paging->pt.flush || unit->walk_coherent);
}

/**
 * vtd_domain_link - make a domain known to a device's unit
 * @domain: a domain that fits
 * @device: the device
 *
 * Return: as sluice_paging_link().
 */
struct sluice_paging_link *vtd_domain_link(struct vtd_domain *domain,
					   struct vtd_device *device)
{
	struct vtd_unit *unit = device->unit;
	struct sluice_paging_link *link;

	/* Before hardware can use it. */
	if (unit->flush_on_map)
		WRITE_ONCE(domain->paging.flush_on_map, true);
	link = sluice_paging_link(&domain->paging, &unit->iommu, &device->home,
				  &unit->dids, VTD_DID_FIRST,
				  unit->nr_dids - 1);
	if (link == ERR_PTR(-ENOSPC))
		pr_warn_ratelimited("%s: all %u domain ids are in use\n",
				    unit->name, unit->nr_dids);
	return link;
}
