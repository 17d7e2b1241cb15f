// SPDX-License-Identifier: GPL-2.0-only
/*
 * AMD-Vi: which IOVAs aren't free for a device.
 *
 * Owns: reserved regions as the IOMMU core wants them: memory that a device's
 * firmware uses by itself, the window of interrupts, HyperTransport's own range.
 * Source: AMD publication 48882, 2.1.2 (special address ranges), 5.2.2.9.
 */
#include <linux/iommu.h>
#include <linux/minmax.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "private.h"

#define INTERRUPTS_START	0xfee00000ULL
#define INTERRUPTS_LAST		0xfeefffffULL
#define HT_START		0xfd00000000ULL
#define HT_LAST			0xffffffffffULL

static bool memory_has(const struct amdvi_memory *memory, u16 rid)
{
	return memory->first <= rid && rid <= memory->last;
}

/*
 * Adds memory; what overlaps becomes one region, with what either may do: the IOMMU
 * core maps what is there once, so a second region would only lose its rights.
 * All on @head are of that type.
 */
static void add_direct(struct list_head *head, const struct amdvi_memory *memory,
		       enum iommu_resv_type type)
{
	struct iommu_resv_region *region, *next;
	u64 start = memory->start, last = memory->end;
	int prot = memory->prot;

	/* Once is enough: they don't overlap each other. */
	list_for_each_entry_safe(region, next, head, list) {
		u64 end = region->start + region->length - 1;

		if (region->start > last || end < start)
			continue;
		start = min_t(u64, start, region->start);
		last = max(last, end);
		prot |= region->prot;
		list_del(&region->list);
		kfree(region);
	}
	sluice_paging_add_region(head, start, last, prot, type);
}

static void add_all_memory(const struct amdvi_table *table,
			   struct pci_dev *pdev, struct list_head *head)
{
	u16 segment = pci_domain_nr(pdev->bus);
	u16 rid = pci_dev_id(pdev), alias = rid;
	enum iommu_resv_type type = sluice_paging_direct_type(pdev);
	struct amdvi_memory *memory;
	struct amdvi_found found;

	if (amdvi_table_find(table, segment, rid, &found))
		alias = found.alias;
	list_for_each_entry(memory, &table->memory, node) {
		if (memory->segment == segment &&
		    (memory_has(memory, rid) || memory_has(memory, alias)))
			add_direct(head, memory, type);
	}
}

/**
 * amdvi_reserved_regions - IOVAs that aren't free for a device
 * @table: what firmware says
 * @dev: the device
 * @head: where the regions are added
 */
void amdvi_reserved_regions(const struct amdvi_table *table, struct device *dev,
			    struct list_head *head)
{
	LIST_HEAD(direct);

	if (dev_is_pci(dev))
		add_all_memory(table, to_pci_dev(dev), &direct);
	list_splice_tail(&direct, head);
	sluice_paging_add_region(head, INTERRUPTS_START, INTERRUPTS_LAST, 0,
				 IOMMU_RESV_MSI);
	sluice_paging_add_region(head, HT_START, HT_LAST, 0,
				 IOMMU_RESV_RESERVED);
}
