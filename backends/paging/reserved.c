// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reserved regions, as the kernel's IOMMU core wants them.
 *
 * Owns: making one, and what kind the memory is that firmware reserves for a
 * device. Which memory that is, backends know from their firmware's tables.
 */
#include <linux/gfp.h>
#include <linux/pci.h>
#include <sluice/paging.h>

enum iommu_resv_type sluice_paging_direct_type(struct pci_dev *pdev)
{
	if (pdev->class >> 8 == PCI_CLASS_SERIAL_USB ||
	    pdev->class >> 16 == PCI_BASE_CLASS_DISPLAY)
		return IOMMU_RESV_DIRECT_RELAXABLE;
	return IOMMU_RESV_DIRECT;
}

void sluice_paging_add_region(struct list_head *head, u64 start, u64 last,
			      int prot, enum iommu_resv_type type)
{
	struct iommu_resv_region *region;

	region = iommu_alloc_resv_region(start, last - start + 1, prot, type,
					 GFP_KERNEL);
	if (region)
		list_add_tail(&region->list, head);
}
