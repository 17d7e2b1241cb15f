// SPDX-License-Identifier: GPL-2.0-only
/*
 * VT-d: what the two cores see.
 *
 * Owns: the driver of the kernel's IOMMU core (devices appear, get a group, are
 * blocked, passed through or attached), and the backend of Sluice's contract,
 * which finds its units through that driver.
 */
#define pr_fmt(fmt) "sluice vtd: " fmt

#include <linux/dmar.h>
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/pci-ats.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "private.h"

struct vtd_table vtd_firmware;

static struct vtd_device *device_of(struct device *dev)
{
	return dev_iommu_priv_get(dev);
}

/* ---- Devices ---- */

static struct vtd_device *alloc_pci(struct vtd_unit *unit, struct pci_dev *pdev)
{
	struct vtd_device *device;
	unsigned int nr;
	u16 *rids;

	rids = sluice_paging_rids(pdev, &nr);
	if (!rids)
		return ERR_PTR(-ENOMEM);
	device = vtd_device_alloc(unit, pdev, rids, nr);
	kfree(rids);
	return device;
}

/*
 * Decided once: the unit, firmware and the device agree. A device that others'
 * requests may be taken for has no TLB of its own.
 */
static void probe_ats(struct vtd_device *device)
{
	struct pci_dev *pdev = device->pci;

	if (!(device->unit->ecap & VTD_ECAP_DT) || !pci_ats_supported(pdev))
		return;
	/* Functions of this one, which may have ATS on, depend on it. */
	if (!pdev->is_virtfn)
		pci_prepare_ats(pdev, 12);
	if (device->nr_rids > 1 || !pci_ats_page_aligned(pdev) ||
	    !vtd_ats_reported(&vtd_firmware, pdev))
		return;
	device->ats_able = true;
	/* Some QAT devices write what is under way only after a second one. */
	device->ats_twice = pdev->vendor == PCI_VENDOR_ID_INTEL &&
			    (pdev->device & ~3) == 0x4940;
	device->ats_depth = pci_ats_queue_depth(pdev) & 0x1f;
	device->ats_pf = pci_dev_id(pci_physfn(pdev));
}

static struct iommu_device *probe_device(struct device *dev)
{
	struct vtd_device *device;
	struct vtd_unit *unit;
	u16 rid;

	unit = vtd_find_unit(dev, &rid);
	/* The buses are gone through again for each unit that registers. */
	if (!unit || !unit->core.ops)
		return ERR_PTR(-ENODEV);
	if (dev_is_pci(dev))
		device = alloc_pci(unit, to_pci_dev(dev));
	else
		device = vtd_device_alloc(unit, NULL, &rid, 1);
	if (IS_ERR(device))
		return ERR_CAST(device);
	if (device->pci)
		probe_ats(device);
	dev_iommu_priv_set(dev, device);
	return &unit->core;
}

static void release_device(struct device *dev)
{
	struct vtd_device *device = device_of(dev);

	vtd_device_free(device);
}

static struct iommu_group *device_group(struct device *dev)
{
	return dev_is_pci(dev) ? pci_device_group(dev) :
				 generic_device_group(dev);
}

static void get_resv_regions(struct device *dev, struct list_head *head)
{
	vtd_reserved_regions(&vtd_firmware, dev, head);
}

static bool is_capable(struct device *dev, enum iommu_cap cap)
{
	struct vtd_unit *unit = device_of(dev)->unit;

	switch (cap) {
	case IOMMU_CAP_CACHE_COHERENCY:
	case IOMMU_CAP_DEFERRED_FLUSH:
		return true;
	case IOMMU_CAP_PRE_BOOT_PROTECTION:
		return dmar_platform_optin();
	case IOMMU_CAP_ENFORCE_CACHE_COHERENCY:
		return unit->iommu.caps.coherent;
	default:
		return false;
	}
}

/* Where DMA can't be passed through, tables must do. */
static int def_domain_type(struct device *dev)
{
	return device_of(dev)->unit->ecap & VTD_ECAP_PT ? 0 : IOMMU_DOMAIN_DMA;
}

/* ---- Domains ---- */

static int blocked_attach(struct iommu_domain *hw, struct device *dev)
{
	vtd_device_block(device_of(dev));
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
	return vtd_device_pass_through(device_of(dev));
}

static struct iommu_domain identity_domain = {
	.type = IOMMU_DOMAIN_IDENTITY,
	.ops = &(const struct iommu_domain_ops) {
		.attach_dev = identity_attach,
	},
};

static struct iommu_domain *domain_alloc_paging(struct device *dev)
{
	struct vtd_domain *domain = vtd_domain_alloc(device_of(dev)->unit);

	return IS_ERR(domain) ? ERR_CAST(domain) : &domain->paging.hw;
}

static int attach_dev(struct iommu_domain *hw, struct device *dev)
{
	return vtd_device_attach(device_of(dev),
				 vtd_domain_of(sluice_paging_of_hw(hw)));
}

const struct iommu_ops vtd_iommu_ops = {
	.capable		= is_capable,
	.domain_alloc_paging	= domain_alloc_paging,
	.probe_device		= probe_device,
	.release_device		= release_device,
	.device_group		= device_group,
	.get_resv_regions	= get_resv_regions,
	.def_domain_type	= def_domain_type,
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
	struct device *dev = sluice_paging_first_device(group, &vtd_iommu_ops);
	struct vtd_unit *unit;

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
	struct vtd_domain *domain = vtd_domain_alloc(vtd_unit_of(iommu));

	return IS_ERR(domain) ? ERR_CAST(domain) : &domain->paging.domain;
}

static bool backend_compatible(struct sluice_domain *domain,
			       struct sluice_iommu *iommu,
			       struct iommu_group *group)
{
	/* Another backend's instance is no unit of ours. */
	return iommu->backend == &vtd_backend &&
	       vtd_domain_fits(vtd_domain_of(sluice_paging_of(domain)),
			       vtd_unit_of(iommu));
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

const struct sluice_backend vtd_backend = {
	.name		= "vtd",
	.rating		= SLUICE_RATING_NATIVE,
	.probe		= backend_probe,
	.release	= backend_release,
	.domain_alloc	= backend_domain_alloc,
	.domain_ops	= &domain_ops,
};
