// SPDX-License-Identifier: GPL-2.0-only
/*
 * Backend for IBM POWER, in a partition (pSeries).
 *
 * Owns: PEs, which are the instances, and registration. What the kernel's IOMMU core
 * knows of POWER stays as it is: groups are formed by the architecture's code, and are
 * in its blocked domain while a user owns them.
 */
#define pr_fmt(fmt) "sluice power: " fmt

#include <linux/err.h>
#include <linux/printk.h>
#include <linux/slab.h>

#include "private.h"

static LIST_HEAD(pes);
static DEFINE_MUTEX(pes_lock);	/* guards pes */

/**
 * power_pe_find - the PE of a group
 * @group: a group that has been probed
 *
 * Return: the PE, or NULL; who holds a reference to the instance may use it.
 */
struct power_pe *power_pe_find(struct iommu_group *group)
{
	struct power_pe *pe;

	guard(mutex)(&pes_lock);
	list_for_each_entry(pe, &pes, node) {
		if (pe->group == group)
			return pe;
	}
	return NULL;
}

/**
 * power_pe_create - take a PE over from the host
 * @group: its group, whose DMA ownership has been claimed
 * @hv: the way to the hypervisor
 * @desc: what firmware says of it
 *
 * Return: the PE with one reference, its default window empty; ERR_PTR() of -ENOMEM,
 * -EIO or -ENODEV.
 */
struct power_pe *power_pe_create(struct iommu_group *group,
				 const struct power_hv *hv,
				 const struct power_pe_desc *desc)
{
	struct power_pe *pe;
	int ret;

	pe = kzalloc(sizeof(*pe), GFP_KERNEL_ACCOUNT);
	if (!pe)
		return ERR_PTR(-ENOMEM);
	kref_init(&pe->iommu.ref);
	/* No other group may be taken for it. */
	pe->group = iommu_group_ref_get(group);
	pe->hv = hv;
	pe->desc = *desc;
	ret = power_ddw_normalise(pe);
	ret = ret ?: power_ddw_decode(pe);
	if (ret) {
		iommu_group_put(pe->group);
		kfree(pe);
		return ERR_PTR(ret);
	}
	mutex_lock(&pes_lock);
	list_add(&pe->node, &pes);
	mutex_unlock(&pes_lock);
	return pe;
}

const struct power_hv *power_hypervisor;

static struct sluice_iommu *power_probe(struct iommu_group *group)
{
	struct power_pe *pe = power_pe_find(group);
	struct power_pe_desc desc;
	int ret;

	/* One that an idle domain has kept: the host has had it since. */
	if (pe) {
		ret = power_ddw_normalise(pe);
		if (ret)
			return ERR_PTR(ret);
		kref_get(&pe->iommu.ref);
		return &pe->iommu;
	}
	ret = power_pe_describe(group, &desc);
	if (ret)
		return ERR_PTR(ret);
	pe = power_pe_create(group, power_hypervisor, &desc);
	return IS_ERR(pe) ? ERR_CAST(pe) : &pe->iommu;
}

static void power_release(struct sluice_iommu *iommu)
{
	struct power_pe *pe = power_pe_of(iommu);

	mutex_lock(&pes_lock);
	list_del(&pe->node);
	mutex_unlock(&pes_lock);
	iommu_group_put(pe->group);
	kfree(pe);
}

static const struct sluice_window_ops window_ops = {
	.create	= power_window_create,
	.remove	= power_window_remove,
};

static const struct sluice_domain_ops domain_ops = {
	.free		= power_domain_free,
	.attach		= power_domain_attach,
	.detach		= power_domain_detach,
	.compatible	= power_domain_compatible,
	.prepare	= power_domain_prepare,
	.cut		= power_domain_cut,
	.map		= power_domain_map,
	.unmap		= power_domain_unmap,
	.unmap_each	= power_domain_unmap_each,
	.read		= power_domain_read,
	.flush		= power_domain_flush,
	.reclaim	= power_domain_reclaim,
	.windows	= &window_ops,
};

const struct sluice_backend power_backend = {
	.name		= "power",
	.rating		= SLUICE_RATING_NATIVE,
	.probe		= power_probe,
	.release	= power_release,
	.domain_alloc	= power_domain_alloc,
	.domain_ops	= &domain_ops,
};
