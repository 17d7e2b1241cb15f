// SPDX-License-Identifier: GPL-2.0-only
/*
 * AMD-Vi: what the two cores see.
 *
 * Owns: the driver of the kernel's IOMMU core (devices appear, get a group, are
 * blocked, passed through or attached), and the backend of Sluice's contract,
 * which finds its units through that driver.
 */
#define pr_fmt(fmt) "sluice amdvi: " fmt

#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "private.h"

struct amdvi_table amdvi_firmware;

static struct amdvi_device *device_of(struct device *dev)
{
	return dev_iommu_priv_get(dev);
}

/* ---- Devices ---- */

/* The firmware's alias, if the topology doesn't say the same. */
static unsigned int add_alias(u16 *rids, unsigned int nr, u16 alias)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (rids[i] == alias)
			return nr;
	}
	rids[nr] = alias;
	return nr + 1;
}

static struct amdvi_device *alloc_pci(struct amdvi_unit *unit,
				      struct pci_dev *pdev, u16 alias)
{
	struct amdvi_device *device;
	unsigned int nr;
	u16 *rids, *all;

	rids = sluice_paging_rids(pdev, &nr);
	if (!rids)
		return ERR_PTR(-ENOMEM);
	all = krealloc_array(rids, nr + 1, sizeof(*rids), GFP_KERNEL);
	if (!all) {
		kfree(rids);
		return ERR_PTR(-ENOMEM);
	}
	nr = add_alias(all, nr, alias);
	device = amdvi_device_alloc(unit, pdev, all, nr);
	kfree(all);
	return device;
}

/* An I/O APIC or event timer sends its interrupts with the device's requester ID. */
static bool is_special(const struct amdvi_device *device)
{
	const struct amdvi_report *report;
	unsigned int i, j;

	list_for_each_entry(report, &amdvi_firmware.units, node) {
		if (report->segment != device->unit->segment)
			continue;
		for (i = 0; i < report->nr; i++) {
			const struct amdvi_entry *e = &report->entries[i];

			if (e->special != AMDVI_IOAPIC &&
			    e->special != AMDVI_HPET)
				continue;
			for (j = 0; j < device->nr_rids; j++) {
				if (device->rids[j] == e->first)
					return true;
			}
		}
	}
	return false;
}

/* Without, its group isn't isolated, and can't be assigned; it works for the host. */
static void probe_interrupts(struct amdvi_device *device)
{
	int ret;

	if (!device->pci)
		return;
	if (is_special(device)) {
		amdvi_device_pass_interrupts(device);
		return;
	}
	ret = amdvi_device_remap(device);
	if (!ret) {
		amdvi_msi_take(device);
		return;
	}
	pci_warn(device->pci, "its interrupts aren't remapped (%d)\n", ret);
	amdvi_device_pass_interrupts(device);
}

static struct iommu_device *probe_device(struct device *dev)
{
	struct amdvi_device *device;
	struct amdvi_found found;
	struct amdvi_unit *unit;
	u16 rid;

	unit = amdvi_find_unit(dev, &rid, &found);
	/* The buses are gone through again for each unit that registers. */
	if (!unit || !unit->core.ops)
		return ERR_PTR(-ENODEV);
	if (dev_is_pci(dev))
		device = alloc_pci(unit, to_pci_dev(dev), found.alias);
	else
		device = amdvi_device_alloc(unit, NULL, &rid, 1);
	if (IS_ERR(device))
		return ERR_CAST(device);
	device->dev = dev;
	if (device->pci)
		amdvi_ats_probe(device, found.ats_disabled);
	dev_iommu_priv_set(dev, device);
	probe_interrupts(device);
	return &unit->core;
}

static void release_device(struct device *dev)
{
	amdvi_device_free(device_of(dev));
}

/* Devices that firmware gives one alias can't be told apart, wherever they are. */
static struct iommu_group *alias_group(struct amdvi_device *device)
{
	struct iommu_group *group = NULL;
	struct amdvi_device *other;

	guard(mutex)(&device->unit->lock);
	list_for_each_entry(other, &device->unit->devices, unit_node) {
		if (other != device && other->dev &&
		    amdvi_device_shares(device, other))
			group = iommu_group_get(other->dev);
		if (group)
			break;
	}
	return group;
}

static struct iommu_group *device_group(struct device *dev)
{
	struct iommu_group *group = alias_group(device_of(dev));

	if (group)
		return group;
	return dev_is_pci(dev) ? pci_device_group(dev) :
				 generic_device_group(dev);
}

static void get_resv_regions(struct device *dev, struct list_head *head)
{
	amdvi_reserved_regions(&amdvi_firmware, dev, head);
}

static bool is_capable(struct device *dev, enum iommu_cap cap)
{
	switch (cap) {
	case IOMMU_CAP_CACHE_COHERENCY:
	case IOMMU_CAP_DEFERRED_FLUSH:
	case IOMMU_CAP_ENFORCE_CACHE_COHERENCY:
		return true;
	default:
		return false;
	}
}

/* ---- Domains ---- */

static int blocked_attach(struct iommu_domain *hw, struct device *dev)
{
	amdvi_device_block(device_of(dev));
	return 0;
}

static struct iommu_domain blocked_domain = {
	.type = IOMMU_DOMAIN_BLOCKED,
	.ops = &(const struct iommu_domain_ops) {
		.attach_dev = blocked_attach,
	},
};

static int identity_attach(struct iommu_domain *hw, struct device *dev)
{
	amdvi_device_pass_through(device_of(dev));
	return 0;
}

static struct iommu_domain identity_domain = {
	.type = IOMMU_DOMAIN_IDENTITY,
	.ops = &(const struct iommu_domain_ops) {
		.attach_dev = identity_attach,
	},
};

static struct iommu_domain *domain_alloc_paging(struct device *dev)
{
	struct amdvi_domain *domain = amdvi_domain_alloc(device_of(dev)->unit);

	return IS_ERR(domain) ? ERR_CAST(domain) : &domain->paging.hw;
}

static int attach_dev(struct iommu_domain *hw, struct device *dev)
{
	return amdvi_device_attach(device_of(dev),
				   amdvi_domain_of(sluice_paging_of_hw(hw)));
}

const struct iommu_ops amdvi_iommu_ops = {
	.capable		= is_capable,
	.domain_alloc_paging	= domain_alloc_paging,
	.probe_device		= probe_device,
	.release_device		= release_device,
	.device_group		= device_group,
	.get_resv_regions	= get_resv_regions,
	.identity_domain	= &identity_domain,
	.blocked_domain		= &blocked_domain,
	.pgsize_bitmap		= SZ_4K,
	.default_domain_ops = &(const struct iommu_domain_ops) {
		.attach_dev	= attach_dev,
		.map_pages	= sluice_paging_map_pages,
		.unmap_pages	= sluice_paging_unmap_pages,
		.flush_iotlb_all = sluice_paging_flush_iotlb_all,
		.iotlb_sync_map	= sluice_paging_iotlb_sync_map,
		.iotlb_sync	= sluice_paging_iotlb_sync,
		.iova_to_phys	= sluice_paging_iova_to_phys,
		.enforce_cache_coherency =
			sluice_paging_enforce_cache_coherency,
		.free		= sluice_paging_free_hw,
	},
};

/* ---- The contract's backend ---- */

static struct sluice_iommu *backend_probe(struct iommu_group *group)
{
	struct device *dev = sluice_paging_first_device(group,
							&amdvi_iommu_ops);
	struct amdvi_unit *unit;

	if (!dev)
		return ERR_PTR(-ENODEV);
	unit = device_of(dev)->unit;
	kref_get(&unit->iommu.ref);
	return &unit->iommu;
}

/* A unit holds a reference to itself: it outlives all groups. */
static void backend_release(struct sluice_iommu *iommu)
{
	WARN_ON_ONCE(1);
}

static struct sluice_domain *backend_domain_alloc(struct sluice_iommu *iommu,
						  struct iommu_group *group,
						  enum sluice_domain_kind kind)
{
	struct amdvi_domain *domain = amdvi_domain_alloc(amdvi_unit_of(iommu));

	return IS_ERR(domain) ? ERR_CAST(domain) : &domain->paging.domain;
}

static bool backend_compatible(struct sluice_domain *domain,
			       struct sluice_iommu *iommu,
			       struct iommu_group *group)
{
	/* Another backend's instance is no unit of ours. */
	return iommu->backend == &amdvi_backend &&
	       amdvi_domain_fits(amdvi_domain_of(sluice_paging_of(domain)),
				 amdvi_unit_of(iommu));
}

static const struct sluice_domain_ops domain_ops = {
	.free		= sluice_paging_free,
	.attach		= sluice_paging_attach,
	.detach		= sluice_paging_detach,
	.compatible	= backend_compatible,
	.prepare	= sluice_paging_prepare,
	.cut		= sluice_paging_cut,
	.map		= sluice_paging_map,
	.unmap		= sluice_paging_unmap,
	.unmap_each	= sluice_paging_unmap_each,
	.read		= sluice_paging_read,
	.flush		= sluice_paging_flush,
	.reclaim	= sluice_paging_reclaim,
};

const struct sluice_backend amdvi_backend = {
	.name		= "amdvi",
	.rating		= SLUICE_RATING_NATIVE,
	.probe		= backend_probe,
	.release	= backend_release,
	.domain_alloc	= backend_domain_alloc,
	.domain_ops	= &domain_ops,
};
