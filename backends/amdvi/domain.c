// SPDX-License-Identifier: GPL-2.0-only
/*
 * AMD-Vi: domains.
 *
 * Owns: page tables and the units they are known to: which unit can serve a domain,
 * and a flush for all of them, and for devices with TLBs. Mapping and unmapping are
 * backends/paging's and core/pt's.
 */
#include <linux/err.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include "private.h"

static noinline int flush_devices(struct amdvi_domain *domain,
				  const struct sluice_gather *gather)
{
	struct amdvi_device *device;
	int ret = 0, err;

	list_for_each_entry_rcu(device, &domain->ats, ats_node) {
		err = amdvi_ats_inval(device, gather);
		ret = ret ?: err;
	}
	return ret;
}

/* Nothing but links and ATS devices changes while others flush. */
static int flush(struct sluice_paging *paging,
		 const struct sluice_gather *gather)
{
	struct amdvi_domain *domain = amdvi_domain_of(paging);
	struct sluice_paging_link *link;
	int ret = 0, err;

	rcu_read_lock();
	list_for_each_entry_rcu(link, &paging->links, node) {
		err = amdvi_inval_domain(amdvi_unit_of(link->iommu), link->did,
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
	kfree(amdvi_domain_of(paging));
}

static const struct sluice_paging_ops paging_ops = {
	.flush = flush,
	.free = domain_free,
};

/**
 * amdvi_domain_alloc - make an empty domain
 * @unit: the unit whose devices will use it first
 *
 * Return: the domain, or ERR_PTR(-ENOMEM).
 */
struct amdvi_domain *amdvi_domain_alloc(struct amdvi_unit *unit)
{
	/* Of a fixed depth: entries of devices needn't change with it. */
	struct pt_config cfg = {
		.levels = unit->levels,
		.pgsizes = unit->iommu.caps.pgsizes,
		.snoop = unit->iommu.caps.coherent,
		.nid = unit->nid,
	};
	struct amdvi_domain *domain;
	int ret;

	domain = kzalloc(sizeof(*domain), GFP_KERNEL_ACCOUNT);
	if (!domain)
		return ERR_PTR(-ENOMEM);
	ret = sluice_paging_init(&domain->paging, &paging_ops, &amdvi_iommu_ops,
				 &pt_amdv1, &cfg,
				 unit->iommu.caps.apertures[0].last);
	if (ret) {
		kfree(domain);
		return ERR_PTR(ret);
	}
	domain->levels = cfg.levels;
	INIT_LIST_HEAD(&domain->ats);
	return domain;
}

/**
 * amdvi_domain_fits - can a unit walk a domain's tables?
 * @domain: the domain
 * @unit: the unit
 *
 * Return: true if so.
 */
bool amdvi_domain_fits(const struct amdvi_domain *domain,
		       const struct amdvi_unit *unit)
{
	const struct sluice_paging *paging = &domain->paging;

	return domain->levels <= unit->levels &&
	       !(paging->pt.pgsizes & ~unit->iommu.caps.pgsizes) &&
	       paging->snoop == unit->iommu.caps.coherent;
}
