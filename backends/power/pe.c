// SPDX-License-Identifier: GPL-2.0-only
/*
 * Partitionable Endpoints in the device tree.
 *
 * Owns: reading what firmware says of a group's PE. Groups are formed, and taken from
 * the host's drivers, by the architecture's code: struct iommu_table_group. Source:
 * LoPAR, "Dynamic DMA Windows", ibm,dma-window, ibm,ddw-applicable,
 * ibm,ddw-extensions.
 */
#include <linux/of.h>
#include <linux/pci.h>
#include <asm/iommu.h>
#include <asm/machdep.h>
#include <asm/pci-bridge.h>
#include <asm/prom.h>

#include "private.h"

/* Words of ibm,ddw-applicable. */
enum { APPLICABLE_QUERY, APPLICABLE_CREATE, APPLICABLE_REMOVE, APPLICABLE_NR };

/* Words of ibm,ddw-extensions; the first is how many follow. */
enum { EXTENSION_NR, EXTENSION_RESET, EXTENSION_QUERY_WIDE };

static int first_pci(struct device *dev, void *data)
{
	struct pci_dev **pdev = data;

	if (!dev_is_pci(dev))
		return 0;
	*pdev = pci_dev_get(to_pci_dev(dev));
	return 1;
}

/* The node that the PE's windows belong to: the device's, or a bridge's above. */
static struct device_node *window_node(struct pci_dev *pdev,
				       struct iommu_table_group *table_group)
{
	struct device_node *dn = pci_device_to_OF_node(pdev);

	while (dn && PCI_DN(dn) && PCI_DN(dn)->table_group != table_group)
		dn = dn->parent;
	return dn && PCI_DN(dn) ? dn : NULL;
}

/*
 * The default window. Taking a PE from the host, the architecture's code renames the
 * property, if the PE has dynamic windows.
 */
static int parse_window(struct device_node *dn, struct power_pe_desc *desc)
{
	unsigned long liobn, start, size;
	const __be32 *prop;

	prop = of_get_property(dn, "ibm,dma-window", NULL) ?:
	       of_get_property(dn, "ibm,dma-window-saved", NULL);
	if (!prop)
		return -ENODEV;
	of_parse_dma_window(dn, prop, &liobn, &start, &size);
	if (!size)
		return -ENODEV;
	desc->liobn = liobn;
	desc->window.start = start;
	desc->window.last = start + (size - 1);
	return 0;
}

static void parse_ddw(struct device_node *dn, struct power_pe_desc *desc)
{
	u32 applicable[APPLICABLE_NR], nr, word;

	if (of_property_read_u32_array(dn, "ibm,ddw-applicable", applicable,
				       APPLICABLE_NR))
		return;
	desc->query = applicable[APPLICABLE_QUERY];
	desc->create = applicable[APPLICABLE_CREATE];
	desc->remove = applicable[APPLICABLE_REMOVE];
	if (of_property_read_u32_index(dn, "ibm,ddw-extensions", EXTENSION_NR,
				       &nr))
		return;
	if (nr >= EXTENSION_RESET &&
	    !of_property_read_u32_index(dn, "ibm,ddw-extensions",
					EXTENSION_RESET, &word))
		desc->reset = word;
	if (nr >= EXTENSION_QUERY_WIDE &&
	    !of_property_read_u32_index(dn, "ibm,ddw-extensions",
					EXTENSION_QUERY_WIDE, &word))
		desc->query_wide = word == 1;
}

/**
 * power_pe_describe - read what firmware says of a group's PE
 * @group: the group
 * @desc: filled
 *
 * Return: 0; -ENODEV if the group is no PE of a partition.
 */
int power_pe_describe(struct iommu_group *group, struct power_pe_desc *desc)
{
	struct iommu_table_group *table_group;
	struct pci_dev *pdev = NULL;
	struct device_node *dn;
	struct pci_dn *pdn;
	int ret = -ENODEV;

	memset(desc, 0, sizeof(*desc));
	if (!machine_is(pseries))
		return -ENODEV;
	iommu_group_for_each_dev(group, &pdev, first_pci);
	if (!pdev)
		return -ENODEV;
	table_group = iommu_group_get_iommudata(group);
	dn = table_group ? window_node(pdev, table_group) : NULL;
	pdn = pci_get_pdn(pdev);
	if (!dn || !pdn)
		goto put;
	desc->buid = pdn->phb->buid;
	desc->config_addr = pdn->busno << 16 | pdn->devfn << 8;
	ret = parse_window(dn, desc);
	if (!ret)
		parse_ddw(dn, desc);
put:
	pci_dev_put(pdev);
	return ret;
}
