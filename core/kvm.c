// SPDX-License-Identifier: GPL-2.0-only
/*
 * What KVM's VFIO device (virt/kvm/vfio.c) asks about a file it was given. It
 * finds these functions by name with symbol_get(), so the names are VFIO's.
 */
#include <linux/export.h>
#include <linux/iommu.h>
#include <linux/vfio.h>

#include "private.h"

/**
 * vfio_file_is_valid - is this a file of a group or a device?
 * @file: any file
 *
 * Return: true if so.
 */
bool vfio_file_is_valid(struct file *file)
{
	return sluice_file_is_group(file) || sluice_device_from_file(file);
}
EXPORT_SYMBOL_GPL(vfio_file_is_valid);

/**
 * vfio_file_enforced_coherent - is the DMA of all its devices always snooped?
 * @file: any file
 *
 * If not, KVM has to let its guest flush caches (WBINVD).
 *
 * Return: true if the IOMMU enforces it, or @file is none of ours.
 */
bool vfio_file_enforced_coherent(struct file *file)
{
	struct sluice_device *sdev = sluice_device_from_file(file);
	struct sluice_group *group;
	bool ret;

	if (sdev) {
		/* One that has been taken away does no DMA. */
		if (sluice_device_enter(sdev))
			return true;
		ret = device_iommu_capable(sdev->dev,
					   IOMMU_CAP_ENFORCE_CACHE_COHERENCY);
		sluice_device_exit(sdev);
		return ret;
	}
	if (!sluice_file_is_group(file))
		return true;

	group = file->private_data;
	guard(mutex)(&group->lock);
	list_for_each_entry(sdev, &group->devices, group_node) {
		if (!device_iommu_capable(sdev->dev,
					  IOMMU_CAP_ENFORCE_CACHE_COHERENCY))
			return false;
	}
	return true;
}
EXPORT_SYMBOL_GPL(vfio_file_enforced_coherent);

/**
 * vfio_file_set_kvm - tell a file's devices which virtual machine uses them
 * @file: any file
 * @kvm: the virtual machine, or NULL
 *
 * PCI devices work the same in any, so there is nobody to be told.
 */
void vfio_file_set_kvm(struct file *file, struct kvm *kvm)
{
}
EXPORT_SYMBOL_GPL(vfio_file_set_kvm);

/**
 * vfio_file_iommu_group - the kernel's group behind a group fd
 * @file: any file
 *
 * KVM on POWER attaches in-kernel handling of the guest's TCEs to it, which
 * would write past our records: answering NULL refuses that.
 *
 * Return: NULL.
 */
struct iommu_group *vfio_file_iommu_group(struct file *file)
{
	return NULL;
}
EXPORT_SYMBOL_GPL(vfio_file_iommu_group);
