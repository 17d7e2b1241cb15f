// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device fd: open, close, and the ioctls that describe the device.
 *
 * Owns: the order in which a device is brought up for a user and made safe
 * again afterwards. Does not own: what the ioctls on interrupts and resets do
 * (irq.c, reset.c).
 */
#include <linux/bitfield.h>
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "private.h"

static void msix_open(struct sluice_pci_device *pdev)
{
	struct pci_dev *pci = pdev->pci;
	u16 flags;
	u32 table;

	pdev->msix_bar = PCI_STD_NUM_BARS;
	pdev->msix_size = 0;
	pdev->msix_dynamic = false;
	if (!pci->msix_cap)
		return;

	pci_read_config_word(pci, pci->msix_cap + PCI_MSIX_FLAGS, &flags);
	pci_read_config_dword(pci, pci->msix_cap + PCI_MSIX_TABLE, &table);
	pdev->msix_bar = FIELD_GET(PCI_MSIX_TABLE_BIR, table);
	pdev->msix_offset = table & PCI_MSIX_TABLE_OFFSET;
	pdev->msix_size = (FIELD_GET(PCI_MSIX_FLAGS_QSIZE, flags) + 1) *
			  PCI_MSIX_ENTRY_SIZE;
	pdev->msix_dynamic = pci_msix_can_alloc_dyn(pci);
}

/*
 * Bring the device to where its user finds it and each close leads back to. Its
 * state is saved under the same lock as the reset before, or somebody else's
 * reset could get in between, and what a device under reset reads as would be
 * restored from then on.
 */
static int prepare_locked(struct sluice_pci_device *pdev)
{
	struct pci_dev *pci = pdev->pci;
	int ret;

	ret = sluice_pci_reset_state_locked(pdev);
	if (ret == -EAGAIN)
		return ret;
	pdev->reset_works = !ret;
	/* What a reset restores is what somebody else had left there. */
	pci_clear_master(pci);

	sluice_pci_intx_open(pdev);
	msix_open(pdev);
	pci_save_state(pci);
	pdev->saved_state = pci_store_saved_state(pci);
	return pdev->saved_state ? 0 : -ENOMEM;
}

static int open_locked(struct sluice_pci_device *pdev)
{
	int ret;

	/* Recovery from an earlier error may have failed. This is a new try. */
	atomic_set(&pdev->link, SLUICE_PCI_LINK_UP);

	/* Before anything is saved: the state restored later has it off. */
	pci_clear_master(pdev->pci);
	ret = pci_enable_device(pdev->pci);
	if (ret)
		return ret;
	ret = prepare_locked(pdev);
	if (ret)
		pci_disable_device(pdev->pci);
	return ret;
}

/*
 * What the user sees. Configuration space is read by accessors that wait while the
 * PCI core has the device to itself, so without the lock.
 */
static int open_unlocked(struct sluice_pci_device *pdev)
{
	int ret;

	sluice_pci_regions_init(pdev);
	ret = sluice_pci_config_init(pdev);
	if (ret)
		goto err_regions;

	down_write(&pdev->memory_lock);
	pdev->ready = true;
	sluice_pci_memory_unlock(pdev);
	return 0;

err_regions:
	sluice_pci_regions_deinit(pdev);
	kfree(pdev->saved_state);
	pdev->saved_state = NULL;
	pci_disable_device(pdev->pci);
	return ret;
}

static int device_open(struct sluice_device *sdev)
{
	struct sluice_pci_device *pdev = to_sluice_pci_device(sdev);
	int ret;

	/* Used before, when the bus couldn't be reset: perhaps it can by now. */
	if (pdev->unreset)
		sluice_pci_reset_rest(pdev);

	/* Being unbound, or reset by somebody else, for long: not now. */
	ret = sluice_pci_state_lock(pdev);
	if (ret)
		return ret;
	ret = READ_ONCE(pdev->removing) ? -EAGAIN : open_locked(pdev);
	pdev->in_use = !ret;
	sluice_pci_state_unlock(pdev);
	if (ret)
		return ret;

	ret = open_unlocked(pdev);
	if (ret)
		pdev->in_use = false;
	return ret;
}

/* Take away everything the device, its user and its peers can do. */
static void device_stop(struct sluice_pci_device *pdev)
{
	sluice_pci_memory_lock_and_revoke(pdev);
	/* First, and again: waking may bring back what the user had set. */
	pci_clear_master(pdev->pci);
	sluice_pci_config_wake(pdev);
	pci_clear_master(pdev->pci);
	pdev->ready = false;
	up_write(&pdev->memory_lock);

	sluice_pci_irq_close(pdev);
	pci_wait_for_pending_transaction(pdev->pci);
}

/* As it was before use. Return: 0 if the function has been reset, too. */
static int restore_locked(struct sluice_pci_device *pdev)
{
	struct pci_dev *pci = pdev->pci;
	int ret = -ENOTTY;

	if (pci_load_saved_state(pci, pdev->saved_state))
		pci_warn(pci, "configuration as before use is lost\n");
	else
		pci_restore_state(pci);
	if (pdev->reset_works)
		ret = sluice_pci_reset_state_locked(pdev);
	return ret;
}

/* The last step: from here on others may reset the device with its bus. */
static void device_release(struct sluice_pci_device *pdev, bool unreset)
{
	pci_disable_device(pdev->pci);
	/* Disabling leaves it alone if the device was enabled before. */
	pci_clear_master(pdev->pci);
	kfree(pdev->saved_state);
	pdev->saved_state = NULL;
	sluice_pci_set_unreset(pdev, unreset);
	WRITE_ONCE(pdev->in_use, false);
}

static void device_close(struct sluice_device *sdev)
{
	struct sluice_pci_device *pdev = to_sluice_pci_device(sdev);

	device_stop(pdev);
	sluice_pci_config_deinit(pdev);
	sluice_pci_regions_deinit(pdev);

	if (!sluice_pci_state_lock(pdev)) {
		device_release(pdev, restore_locked(pdev));
		sluice_pci_state_unlock(pdev);
	} else {
		pci_warn(pdev->pci, "somebody keeps it locked: configuration as before use is lost\n");
		device_release(pdev, true);
	}
	sluice_pci_reset_rest(pdev);
}

/*
 * Nobody speaks for a device that has no driver. Bridges have none as a rule, and must
 * go on passing on what others send. Who owns the group's DMA keeps drivers away, but
 * those that do none.
 */
static int stop_orphan(struct device *dev, void *data)
{
	struct pci_dev *pci = dev_is_pci(dev) ? to_pci_dev(dev) : NULL;

	if (!pci || READ_ONCE(dev->driver) || pci_is_bridge(pci))
		return 0;
	pci_clear_master(pci);
	pci_wait_for_pending_transaction(pci);
	return 0;
}

/* Never opened, its registers may still have been written through sysfs. */
static void device_quiesce(struct sluice_device *sdev)
{
	struct sluice_pci_device *pdev = to_sluice_pci_device(sdev);
	struct iommu_group *group = iommu_group_get(sdev->dev);

	/* The lock keeps resets out, in which COMMAND isn't what is read. */
	down_write(&pdev->memory_lock);
	pci_clear_master(pdev->pci);
	up_write(&pdev->memory_lock);
	pci_wait_for_pending_transaction(pdev->pci);
	if (group)
		iommu_group_for_each_dev(group, NULL, stop_orphan);
	iommu_group_put(group);
}

static long get_info(struct sluice_pci_device *pdev,
		     struct vfio_device_info __user *arg)
{
	size_t minsz = offsetofend(struct vfio_device_info, num_irqs);
	struct vfio_device_info info = {};

	if (copy_from_user(&info, arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;
	minsz = min_t(size_t, info.argsz, sizeof(info));

	info.flags = VFIO_DEVICE_FLAGS_PCI;
	if (pdev->reset_works)
		info.flags |= VFIO_DEVICE_FLAGS_RESET;
	info.num_regions = VFIO_PCI_NUM_REGIONS;
	info.num_irqs = VFIO_PCI_NUM_IRQS;

	return copy_to_user(arg, &info, minsz) ? -EFAULT : 0;
}

static void bar_info(struct sluice_pci_device *pdev,
		     struct vfio_region_info *info)
{
	info->size = sluice_pci_bar_size(pdev, info->index);
	if (!info->size)
		return;

	info->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	if (!pdev->bars[info->index].mmap_len)
		return;
	info->flags |= VFIO_REGION_INFO_FLAG_MMAP;
	if (info->index == pdev->msix_bar)
		info->flags |= VFIO_REGION_INFO_FLAG_CAPS;
}

/*
 * The only capability there is says that the BAR may be mapped although it
 * holds the MSI-X table. Interrupts are isolated by remapping: what the user
 * writes there can only make its own interrupts fail.
 */
static int add_msix_mappable(struct vfio_region_info *info, void __user *arg)
{
	struct vfio_info_cap_header cap = {
		.id = VFIO_REGION_INFO_CAP_MSIX_MAPPABLE,
		.version = 1,
	};

	if (info->argsz < sizeof(*info) + sizeof(cap)) {
		info->argsz = sizeof(*info) + sizeof(cap);
		info->cap_offset = 0;
		return 0;
	}
	info->cap_offset = sizeof(*info);
	return copy_to_user(arg + sizeof(*info), &cap, sizeof(cap)) ? -EFAULT :
								      0;
}

static int region_info(struct sluice_pci_device *pdev,
		       struct vfio_region_info *info)
{
	int ret;

	ret = sluice_device_enter(&pdev->sdev);
	if (ret)
		return ret;
	switch (info->index) {
	case VFIO_PCI_BAR0_REGION_INDEX ... VFIO_PCI_BAR5_REGION_INDEX:
		bar_info(pdev, info);
		break;
	case VFIO_PCI_ROM_REGION_INDEX:
		info->size = sluice_pci_rom_size(pdev);
		if (info->size)
			info->flags = VFIO_REGION_INFO_FLAG_READ;
		break;
	case VFIO_PCI_CONFIG_REGION_INDEX:
		info->size = pdev->pci->cfg_size;
		info->flags = VFIO_REGION_INFO_FLAG_READ |
			      VFIO_REGION_INFO_FLAG_WRITE;
		break;
	default:
		ret = -EINVAL;
	}
	sluice_device_exit(&pdev->sdev);
	return ret;
}

static long get_region_info(struct sluice_pci_device *pdev, void __user *arg)
{
	size_t minsz = offsetofend(struct vfio_region_info, offset);
	struct vfio_region_info info;
	int ret;

	if (copy_from_user(&info, arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;

	info.offset = sluice_pci_index_offset(info.index);
	info.size = 0;
	info.flags = 0;
	info.cap_offset = 0;
	ret = region_info(pdev, &info);
	if (ret)
		return ret;

	if (info.flags & VFIO_REGION_INFO_FLAG_CAPS) {
		ret = add_msix_mappable(&info, arg);
		if (ret)
			return ret;
	}
	return copy_to_user(arg, &info, minsz) ? -EFAULT : 0;
}

static int count_irqs(struct sluice_pci_device *pdev, struct vfio_irq_info *info)
{
	int ret;

	ret = sluice_device_enter(&pdev->sdev);
	if (ret)
		return ret;
	if (sluice_pci_irq_known(pdev, info->index))
		info->count = sluice_pci_irq_count(pdev, info->index);
	else
		ret = -EINVAL;
	sluice_device_exit(&pdev->sdev);
	return ret;
}

static long get_irq_info(struct sluice_pci_device *pdev, void __user *arg)
{
	size_t minsz = offsetofend(struct vfio_irq_info, count);
	struct vfio_irq_info info;
	int ret;

	if (copy_from_user(&info, arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;
	ret = count_irqs(pdev, &info);
	if (ret)
		return ret;

	info.flags = VFIO_IRQ_INFO_EVENTFD;
	if (info.index == VFIO_PCI_INTX_IRQ_INDEX)
		info.flags |= VFIO_IRQ_INFO_MASKABLE |
			      VFIO_IRQ_INFO_AUTOMASKED;
	else if (info.index != VFIO_PCI_MSIX_IRQ_INDEX || !pdev->msix_dynamic)
		info.flags |= VFIO_IRQ_INFO_NORESIZE;

	return copy_to_user(arg, &info, minsz) ? -EFAULT : 0;
}

/* No feature is offered; well-formed questions are told so. */
static long device_feature(void __user *arg)
{
	struct vfio_device_feature feature;

	if (copy_from_user(&feature, arg, sizeof(feature)))
		return -EFAULT;
	if (feature.argsz < sizeof(feature) ||
	    feature.flags & ~(VFIO_DEVICE_FEATURE_MASK |
			      VFIO_DEVICE_FEATURE_GET |
			      VFIO_DEVICE_FEATURE_SET |
			      VFIO_DEVICE_FEATURE_PROBE))
		return -EINVAL;
	if (!(feature.flags & VFIO_DEVICE_FEATURE_PROBE) &&
	    feature.flags & VFIO_DEVICE_FEATURE_GET &&
	    feature.flags & VFIO_DEVICE_FEATURE_SET)
		return -EINVAL;
	return -ENOTTY;
}

static int device_reset(struct sluice_pci_device *pdev)
{
	int ret;

	ret = sluice_device_enter(&pdev->sdev);
	if (ret)
		return ret;
	ret = pdev->reset_works ? sluice_pci_reset_function(pdev) : -EINVAL;
	sluice_device_exit(&pdev->sdev);
	return ret;
}

static long device_ioctl(struct sluice_device *sdev, unsigned int cmd,
			 unsigned long arg)
{
	struct sluice_pci_device *pdev = to_sluice_pci_device(sdev);
	void __user *uarg = (void __user *)arg;

	switch (cmd) {
	case VFIO_DEVICE_GET_INFO:
		return get_info(pdev, uarg);
	case VFIO_DEVICE_GET_REGION_INFO:
		return get_region_info(pdev, uarg);
	case VFIO_DEVICE_GET_IRQ_INFO:
		return get_irq_info(pdev, uarg);
	case VFIO_DEVICE_SET_IRQS:
		return sluice_pci_irq_set_ioctl(pdev, uarg);
	case VFIO_DEVICE_RESET:
		return device_reset(pdev);
	case VFIO_DEVICE_GET_PCI_HOT_RESET_INFO:
		return sluice_pci_hot_reset_info(pdev, uarg);
	case VFIO_DEVICE_PCI_HOT_RESET:
		return sluice_pci_hot_reset(pdev, uarg);
	case VFIO_DEVICE_FEATURE:
		return device_feature(uarg);
	default:
		return -ENOTTY;
	}
}

static ssize_t device_read(struct sluice_device *sdev, char __user *buf,
			   size_t count, loff_t *ppos)
{
	struct sluice_pci_device *pdev = to_sluice_pci_device(sdev);

	if (!count)
		return 0;
	switch (sluice_pci_offset_index(*ppos)) {
	case VFIO_PCI_BAR0_REGION_INDEX ... VFIO_PCI_BAR5_REGION_INDEX:
		return sluice_pci_bar_rw(pdev, buf, count, ppos, false);
	case VFIO_PCI_ROM_REGION_INDEX:
		return sluice_pci_rom_read(pdev, buf, count, ppos);
	case VFIO_PCI_CONFIG_REGION_INDEX:
		return sluice_pci_config_rw(pdev, buf, count, ppos, false);
	default:
		return -EINVAL;
	}
}

static ssize_t device_write(struct sluice_device *sdev,
			    const char __user *buf, size_t count, loff_t *ppos)
{
	struct sluice_pci_device *pdev = to_sluice_pci_device(sdev);
	char __user *ubuf = (char __user *)buf;

	if (!count)
		return 0;
	switch (sluice_pci_offset_index(*ppos)) {
	case VFIO_PCI_BAR0_REGION_INDEX ... VFIO_PCI_BAR5_REGION_INDEX:
		return sluice_pci_bar_rw(pdev, ubuf, count, ppos, true);
	case VFIO_PCI_CONFIG_REGION_INDEX:
		return sluice_pci_config_rw(pdev, ubuf, count, ppos, true);
	default:
		return -EINVAL;
	}
}

/*
 * The name may be followed by options, after a space. The only one known is
 * the secret that a virtual function's owner shares with the physical
 * function's; without SR-IOV there is none that could be right.
 */
static int device_match(struct sluice_device *sdev, const char *name)
{
	struct pci_dev *pci = to_sluice_pci_device(sdev)->pci;
	size_t len = strlen(pci_name(pci));

	if (strncmp(name, pci_name(pci), len))
		return 0;
	if (!name[len])
		return 1;
	return name[len] == ' ' ? -EINVAL : 0;
}

/* A function that is being reset doesn't answer for a while, either. */
#define GONE_MISSES 6

static bool device_gone(struct sluice_device *sdev)
{
	struct sluice_pci_device *pdev = to_sluice_pci_device(sdev);

	if (pci_dev_is_disconnected(pdev->pci))
		return true;
	if (pci_device_is_present(pdev->pci))
		pdev->misses = 0;
	else
		pdev->misses++;
	return pdev->misses >= GONE_MISSES;
}

const struct sluice_device_ops sluice_pci_device_ops = {
	.owner = THIS_MODULE,
	.name = "vfio-pci",
	.open = device_open,
	.close = device_close,
	.quiesce = device_quiesce,
	.ioctl = device_ioctl,
	.read = device_read,
	.write = device_write,
	.mmap = sluice_pci_mmap,
	.fault = sluice_pci_fault,
	.mmio_phys = sluice_pci_mmio_phys,
	.request = sluice_pci_irq_request,
	.gone = device_gone,
	.match = device_match,
};
