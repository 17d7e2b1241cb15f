// SPDX-License-Identifier: GPL-2.0-only
/*
 * VT-d: which of the firmware's reports is for which device.
 *
 * Owns: reserved regions as the IOMMU core wants them (memory that a device's
 * firmware uses by itself, the window of interrupts), and whether a device's port
 * supports ATS. Source: VT-d specification 4.1, 8.3.1 (paths), 3.15 (interrupts).
 */
#include <linux/dma-mapping.h>
#include <linux/iommu.h>
#include <linux/pci.h>

#include "private.h"

#define INTERRUPTS_START	0xfee00000ULL
#define INTERRUPTS_LAST		0xfeefffffULL

/* Does the path lead to this very device? */
static bool leads_to(const struct vtd_scope *scope, struct pci_dev *pdev)
{
	unsigned int i = scope->depth;

	if (!i)
		return false;
	/* From its end, up to the bus that it starts on. */
	while (i--) {
		if (!pdev || pdev->devfn != scope->path[i])
			return false;
		if (!i)
			return pdev->bus->number == scope->bus;
		pdev = pdev->bus->self;
	}
	return false;
}

static bool scope_has(const struct vtd_scope *scope, struct pci_dev *pdev)
{
	if (!scope->bridge)
		return leads_to(scope, pdev);
	/* A virtual function's bus may be one that firmware doesn't know. */
	for (pdev = pci_physfn(pdev); pdev; pdev = pdev->bus->self) {
		if (leads_to(scope, pdev))
			return true;
	}
	return false;
}

static bool report_has(const struct vtd_report *report, struct pci_dev *pdev)
{
	unsigned int i;

	if (report->segment != pci_domain_nr(pdev->bus))
		return false;
	for (i = 0; i < report->nr_scopes; i++) {
		if (scope_has(&report->scopes[i], pdev))
			return true;
	}
	return false;
}

/**
 * vtd_reserved_regions - IOVAs that aren't free for a device
 * @table: what firmware says
 * @dev: the device
 * @head: where the regions are added
 */
void vtd_reserved_regions(const struct vtd_table *table, struct device *dev,
			  struct list_head *head)
{
	struct vtd_report *report;

	if (dev_is_pci(dev)) {
		struct pci_dev *pdev = to_pci_dev(dev);
		enum iommu_resv_type type = sluice_paging_direct_type(pdev);
		int prot = IOMMU_READ | IOMMU_WRITE;

		list_for_each_entry(report, &table->rmrrs, node) {
			if (!report_has(report, pdev))
				continue;
			sluice_paging_add_region(head, report->start,
						 report->last, prot, type);
		}
	}
	sluice_paging_add_region(head, INTERRUPTS_START, INTERRUPTS_LAST, 0,
				 IOMMU_RESV_MSI);
}

/**
 * vtd_ats_reported - does firmware vouch for ATS on the way to a device?
 * @table: what firmware says
 * @pdev: the device
 *
 * Return: true if the root port that the device is below was reported.
 */
bool vtd_ats_reported(const struct vtd_table *table, struct pci_dev *pdev)
{
	struct vtd_report *report;
	struct pci_dev *root;
	unsigned int i;

	list_for_each_entry(report, &table->atsrs, node) {
		if (report->segment != pci_domain_nr(pdev->bus))
			continue;
		if (report->all_ports)
			return true;
		root = pcie_find_root_port(pci_physfn(pdev));
		for (i = 0; root && i < report->nr_scopes; i++) {
			if (leads_to(&report->scopes[i], root))
				return true;
		}
	}
	return false;
}
