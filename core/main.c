// SPDX-License-Identifier: GPL-2.0-only
/*
 * Start-up of the core.
 */
#define pr_fmt(fmt) "sluice: " fmt

#include <linux/init.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>
#include <linux/sysfs.h>

#include "private.h"

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "vfio."

/*
 * Clients look below /sys/module/vfio to see whether there is VFIO, and whether
 * it would give them a device without an IOMMU. Sluice never does.
 */
static int noiommu_set(const char *val, const struct kernel_param *kp)
{
	pr_warn("devices without an IOMMU are never assigned; enable_unsafe_noiommu_mode can't be set\n");
	return -EOPNOTSUPP;
}

static int noiommu_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "N\n");
}

static const struct kernel_param_ops noiommu_ops = {
	.set = noiommu_set,
	.get = noiommu_get,
};

module_param_cb(enable_unsafe_noiommu_mode, &noiommu_ops, NULL, 0444);
MODULE_PARM_DESC(enable_unsafe_noiommu_mode,
		 "Always N: devices without an IOMMU are never assigned");

static int __init sluice_init(void)
{
	int ret;

	ret = sluice_legacy_init();
	if (ret)
		return ret;
	ret = sluice_device_init_fs();
	if (ret)
		goto err_legacy;
	ret = sluice_group_init();
	if (ret)
		goto err_fs;
	ret = sluice_container_init();
	if (ret)
		goto err_group;
	pr_info("device assignment at /dev/vfio\n");
	return 0;

err_group:
	sluice_group_deinit();
err_fs:
	sluice_device_deinit_fs();
err_legacy:
	sluice_legacy_deinit();
	return ret;
}

/* Before the backends and the device drivers. */
subsys_initcall(sluice_init);
