// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interrupt ioctls of a device.
 *
 * Owns: validation and dispatch of VFIO_DEVICE_SET_IRQS, how many interrupts
 * an index has, and the two indices that are no interrupts of the device (ERR
 * and REQ). Does not own: delivery (intx.c, msi.c).
 */
#include <linux/bitfield.h>
#include <linux/overflow.h>
#include <linux/uaccess.h>

#include "private.h"

#define IRQ_SET_HDR	offsetofend(struct vfio_irq_set, count)

int sluice_pci_irq_check(const struct vfio_irq_set *set, u32 max,
			 size_t *data_size)
{
	size_t unit, size;
	u32 end;

	if (set->argsz < IRQ_SET_HDR || set->index >= VFIO_PCI_NUM_IRQS ||
	    set->flags & ~(VFIO_IRQ_SET_DATA_TYPE_MASK |
			   VFIO_IRQ_SET_ACTION_TYPE_MASK))
		return -EINVAL;

	if (check_add_overflow(set->start, set->count, &end) ||
	    set->start >= max || end > max)
		return -EINVAL;

	switch (set->flags & VFIO_IRQ_SET_DATA_TYPE_MASK) {
	case VFIO_IRQ_SET_DATA_NONE:
		unit = 0;
		break;
	case VFIO_IRQ_SET_DATA_BOOL:
		unit = sizeof(u8);
		break;
	case VFIO_IRQ_SET_DATA_EVENTFD:
		unit = sizeof(s32);
		break;
	default:
		return -EINVAL;
	}

	if (check_mul_overflow((size_t)set->count, unit, &size) ||
	    set->argsz - IRQ_SET_HDR < size)
		return -EINVAL;

	*data_size = size;
	return 0;
}

bool sluice_pci_irq_known(struct sluice_pci_device *pdev, u32 index)
{
	if (index == VFIO_PCI_ERR_IRQ_INDEX)
		return pci_is_pcie(pdev->pci);
	return index < VFIO_PCI_NUM_IRQS;
}

unsigned int sluice_pci_irq_count(struct sluice_pci_device *pdev, u32 index)
{
	struct pci_dev *pci = pdev->pci;
	u16 flags;

	switch (index) {
	case VFIO_PCI_INTX_IRQ_INDEX:
		return sluice_pci_has_intx(pdev);
	case VFIO_PCI_MSI_IRQ_INDEX:
		if (!pci->msi_cap)
			return 0;
		pci_read_config_word(pci, pci->msi_cap + PCI_MSI_FLAGS, &flags);
		return 1 << FIELD_GET(PCI_MSI_FLAGS_QMASK, flags);
	case VFIO_PCI_MSIX_IRQ_INDEX:
		return pdev->msix_size / PCI_MSIX_ENTRY_SIZE;
	case VFIO_PCI_ERR_IRQ_INDEX:
	case VFIO_PCI_REQ_IRQ_INDEX:
		return sluice_pci_irq_known(pdev, index);
	default:
		return 0;
	}
}

static void replace_event(struct sluice_pci_device *pdev,
			  struct eventfd_ctx **event, struct eventfd_ctx *new)
{
	struct eventfd_ctx *old;

	lockdep_assert_held(&pdev->irq_lock);

	spin_lock(&pdev->event_lock);
	old = *event;
	*event = new;
	spin_unlock(&pdev->event_lock);

	if (old)
		eventfd_ctx_put(old);
}

/* ERR and REQ: one eventfd, or none, that this driver signals by itself. */
static int set_event(struct sluice_pci_device *pdev, struct eventfd_ctx **event,
		     const struct vfio_irq_set *set, const void *data)
{
	struct eventfd_ctx *new = NULL;
	s32 fd;

	switch (set->flags & VFIO_IRQ_SET_DATA_TYPE_MASK) {
	case VFIO_IRQ_SET_DATA_NONE:
		if (!*event)
			return -EINVAL;
		if (set->count) {
			eventfd_signal(*event);
			return 0;
		}
		break;
	case VFIO_IRQ_SET_DATA_BOOL:
		if (!set->count)
			return -EINVAL;
		if (*(const u8 *)data && *event)
			eventfd_signal(*event);
		return 0;
	default:
		if (!set->count)
			return -EINVAL;
		fd = *(const s32 *)data;
		if (fd < -1)
			return -EINVAL;
		if (fd >= 0) {
			new = eventfd_ctx_fdget(fd);
			if (IS_ERR(new))
				return PTR_ERR(new);
		}
		break;
	}

	replace_event(pdev, event, new);
	return 0;
}

static int irq_set_locked(struct sluice_pci_device *pdev,
			  const struct vfio_irq_set *set, const void *data)
{
	u32 action = set->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK;

	lockdep_assert_held(&pdev->irq_lock);

	if (set->index == VFIO_PCI_INTX_IRQ_INDEX)
		return sluice_pci_intx_set(pdev, set, data);

	/* Only INTx can be masked: MSI masking is the kernel's. */
	if (action != VFIO_IRQ_SET_ACTION_TRIGGER)
		return -ENOTTY;

	switch (set->index) {
	case VFIO_PCI_MSI_IRQ_INDEX:
	case VFIO_PCI_MSIX_IRQ_INDEX:
		return sluice_pci_msi_set(pdev, set, data);
	case VFIO_PCI_ERR_IRQ_INDEX:
		return set_event(pdev, &pdev->error_trigger, set, data);
	case VFIO_PCI_REQ_IRQ_INDEX:
		return set_event(pdev, &pdev->request_trigger, set, data);
	default:
		return -ENOTTY;
	}
}

/*
 * A device that sleeps isn't woken for this while it is being removed; nor does it go to
 * sleep then.
 */
static int irq_set_awake(struct sluice_pci_device *pdev,
			 const struct vfio_irq_set *set, const void *data)
{
	if (READ_ONCE(pdev->removing) && pdev->pci->current_state != PCI_D0)
		return -EBUSY;
	return irq_set_locked(pdev, set, data);
}

static int irq_set(struct sluice_pci_device *pdev,
		   const struct vfio_irq_set *set, const void *data)
{
	int ret;

	ret = sluice_device_enter(&pdev->sdev);
	if (ret)
		return ret;
	ret = -EINTR;
	if (!mutex_lock_killable(&pdev->irq_lock)) {
		/* A removal waits for all those who wait here. */
		ret = -ENODEV;
		if (!sluice_device_revoked(&pdev->sdev))
			ret = irq_set_awake(pdev, set, data);
		mutex_unlock(&pdev->irq_lock);
	}
	sluice_device_exit(&pdev->sdev);
	return ret;
}

static int irq_check(struct sluice_pci_device *pdev,
		     const struct vfio_irq_set *set, size_t *data_size)
{
	int ret;

	ret = sluice_device_enter(&pdev->sdev);
	if (ret)
		return ret;
	ret = sluice_pci_irq_check(set, sluice_pci_irq_count(pdev, set->index),
				   data_size);
	sluice_device_exit(&pdev->sdev);
	return ret;
}

long sluice_pci_irq_set_ioctl(struct sluice_pci_device *pdev,
			      struct vfio_irq_set __user *arg)
{
	struct vfio_irq_set set;
	void *data = NULL;
	size_t size;
	int ret;

	if (copy_from_user(&set, arg, IRQ_SET_HDR))
		return -EFAULT;
	ret = irq_check(pdev, &set, &size);
	if (ret)
		return ret;

	if (size) {
		data = memdup_user((u8 __user *)arg + IRQ_SET_HDR, size);
		if (IS_ERR(data))
			return PTR_ERR(data);
	}
	ret = irq_set(pdev, &set, data);
	kfree(data);
	return ret;
}

void sluice_pci_irq_close(struct sluice_pci_device *pdev)
{
	mutex_lock(&pdev->irq_lock);

	if (pdev->irq_type == VFIO_PCI_INTX_IRQ_INDEX)
		sluice_pci_intx_disable(pdev);
	else if (pdev->irq_type != SLUICE_PCI_IRQ_NONE)
		sluice_pci_msi_disable(pdev);

	replace_event(pdev, &pdev->error_trigger, NULL);
	replace_event(pdev, &pdev->request_trigger, NULL);

	mutex_unlock(&pdev->irq_lock);
}

void sluice_pci_irq_error(struct sluice_pci_device *pdev)
{
	spin_lock(&pdev->event_lock);
	if (pdev->error_trigger)
		eventfd_signal(pdev->error_trigger);
	spin_unlock(&pdev->event_lock);
}

/* Takes nothing that a user can hold for long: whoever is asked must not delay others. */
void sluice_pci_irq_request(struct sluice_device *sdev, unsigned int count)
{
	struct sluice_pci_device *pdev = to_sluice_pci_device(sdev);
	bool listens;

	spin_lock(&pdev->event_lock);
	listens = pdev->request_trigger;
	if (listens)
		eventfd_signal(pdev->request_trigger);
	spin_unlock(&pdev->event_lock);

	if (!count && !listens && READ_ONCE(pdev->in_use))
		pci_notice(pdev->pci,
			   "in use without a request eventfd: its user can't be asked to let go\n");
}
