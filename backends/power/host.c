// SPDX-License-Identifier: GPL-2.0-only
/*
 * The backend in a running host: when it starts, and what the host's drivers need after
 * a PE has been with a user.
 *
 * Owns: which table the DMA of a host's device goes through. The architecture's code
 * frees the table of a PE when the PE is taken, and makes a new one when it is given
 * back, but tells one device of the PE only. The others go on with the table that was
 * freed: so each is told when a driver is about to use it.
 */
#define pr_fmt(fmt) "sluice power: " fmt

#include <linux/init.h>
#include <linux/notifier.h>
#include <linux/pci.h>
#include <linux/printk.h>
#include <asm/iommu.h>

#include "private.h"

static int host_notify(struct notifier_block *nb, unsigned long action,
		       void *data)
{
	struct iommu_table_group *table_group = NULL;
	struct device *dev = data;
	struct iommu_table *table = get_iommu_table_base(dev);
	struct iommu_group *group;

	/* By now the kernel has made sure that no user owns the PE. */
	if (action != BUS_NOTIFY_BIND_DRIVER)
		return NOTIFY_DONE;
	group = iommu_group_get(dev);
	if (group)
		table_group = iommu_group_get_iommudata(group);
	if (table_group && table != table_group->tables[0] &&
	    (!table || table != table_group->tables[1]))
		set_iommu_table_base(dev, table_group->tables[0]);
	iommu_group_put(group);
	return NOTIFY_OK;
}

static struct notifier_block host_nb = {
	.notifier_call = host_notify,
};

static int __init power_init(void)
{
	int ret;

	power_hypervisor = power_hv_init();
	if (!power_hypervisor)
		return 0;
	ret = bus_register_notifier(&pci_bus_type, &host_nb);
	ret = ret ?: sluice_backend_register(&power_backend);
	if (!ret)
		pr_info("TCEs are written %s\n",
			power_hypervisor->put_indirect ?
				"in batches" :
				"one by one: the hypervisor has no H_PUT_TCE_INDIRECT");
	return ret;
}
device_initcall(power_init);
