// SPDX-License-Identifier: GPL-2.0-only
/*
 * Delivery of the legacy interrupt (INTx) to an eventfd.
 *
 * Owns: the request of the line, masking, automatic masking by the handler,
 * and hardware's INTx disable bit for as long as the device is open. Does not
 * own: the eventfds, of which one is signalled and one unmasks (unmask.c).
 *
 * INTx is level triggered: from the handler on it stays masked until the user
 * has served the device and unmasks.
 */
#include <linux/interrupt.h>
#include <linux/irq.h>

#include "private.h"

/*
 * These implement the INTx disable bit but not the status bit that tells who
 * raised a shared line. Rather than demand a line of their own they are shown
 * without INTx, which they never need.
 */
static const struct pci_device_id no_intx_ids[] = {
	{ PCI_VDEVICE(INTEL, 0x1563) },		/* X550 */
	{ PCI_VDEVICE(INTEL, 0x1572) },		/* X710, XL710, XXV710: i40e */
	{ PCI_VDEVICE(INTEL, 0x1574) },
	{ PCI_VDEVICE(INTEL, 0x1580) },
	{ PCI_VDEVICE(INTEL, 0x1581) },
	{ PCI_VDEVICE(INTEL, 0x1583) },
	{ PCI_VDEVICE(INTEL, 0x1584) },
	{ PCI_VDEVICE(INTEL, 0x1585) },
	{ PCI_VDEVICE(INTEL, 0x1586) },
	{ PCI_VDEVICE(INTEL, 0x1587) },
	{ PCI_VDEVICE(INTEL, 0x1588) },
	{ PCI_VDEVICE(INTEL, 0x1589) },
	{ PCI_VDEVICE(INTEL, 0x158a) },
	{ PCI_VDEVICE(INTEL, 0x158b) },
	{ PCI_VDEVICE(INTEL, 0x37d0) },
	{ PCI_VDEVICE(INTEL, 0x37d1) },
	{ PCI_VDEVICE(INTEL, 0x37d2) },
	{}
};

bool sluice_pci_has_intx(struct sluice_pci_device *pdev)
{
	struct pci_dev *pci = pdev->pci;
	u8 pin = 0;

	if (pdev->no_intx || pci->is_virtfn || !pci->irq ||
	    pci->irq == IRQ_NOTCONNECTED)
		return false;
	/* What the kernel remembers is 0 if a device comes from a device tree. */
	pci_read_config_byte(pci, PCI_INTERRUPT_PIN, &pin);
	return pin >= 1 && pin <= PCI_NUM_INTX;
}

/*
 * Masks in the device. Only the byte that holds the bit is written: the other
 * one has the decode bits, which config.c changes under a lock of its own.
 */
static void mask_in_device(struct pci_dev *pci)
{
	u8 disable = PCI_COMMAND_INTX_DISABLE >> 8;
	u8 high;

	pci_read_config_byte(pci, PCI_COMMAND + 1, &high);
	if (!(high & disable))
		pci_write_config_byte(pci, PCI_COMMAND + 1, high | disable);
}

/*
 * Make the hardware follow the state. Return: true if the device was to be
 * unmasked but is asserting its interrupt: it has been left masked, and the
 * user is to be signalled just as the handler would do it.
 */
static bool update_locked(struct sluice_pci_device *pdev)
{
	struct sluice_pci_intx *intx = &pdev->intx;
	bool on = intx->active && !intx->masked && !intx->virt_masked;

	lockdep_assert_held(&intx->lock);

	if (!intx->maskable) {
		if (on && intx->line_off) {
			intx->line_off = false;
			enable_irq(intx->irq);
		} else if (!on && intx->active && !intx->line_off) {
			intx->line_off = true;
			disable_irq_nosync(intx->irq);
		}
		return false;
	}

	if (!on) {
		mask_in_device(pdev->pci);
		return false;
	}
	if (pci_check_and_unmask_intx(pdev->pci))
		return false;
	intx->masked = true;
	return true;
}

/*
 * Signalling takes the eventfd's wait queue lock, inside which unmask.c calls
 * us: so not here but from a work item. Queued under the lock, so that clearing
 * active and cancelling the work leaves none behind.
 */
static void update_and_resend_locked(struct sluice_pci_device *pdev)
{
	if (update_locked(pdev))
		schedule_work(&pdev->intx.resend);
}

static void resend_work(struct work_struct *work)
{
	struct sluice_pci_intx *intx =
		container_of(work, struct sluice_pci_intx, resend);
	struct eventfd_ctx *trigger = READ_ONCE(intx->trigger);

	if (trigger)
		eventfd_signal(trigger);
}

static irqreturn_t intx_handler(int irq, void *data)
{
	struct sluice_pci_device *pdev = data;
	struct sluice_pci_intx *intx = &pdev->intx;
	irqreturn_t ret = IRQ_NONE;
	struct eventfd_ctx *trigger;
	unsigned long flags;
	bool fire = false;

	spin_lock_irqsave(&intx->lock, flags);
	if (!intx->maskable) {
		if (!intx->line_off) {
			intx->line_off = true;
			disable_irq_nosync(irq);
		}
		ret = IRQ_HANDLED;
	} else if (pci_check_and_mask_intx(pdev->pci)) {
		/*
		 * Even if it was masked in our books: a write of the command
		 * register may have raced with the last interrupt and undone
		 * the masking, and an unmasked line that nobody claims storms.
		 */
		ret = IRQ_HANDLED;
	}
	if (ret == IRQ_HANDLED && intx->active && !intx->masked &&
	    !intx->virt_masked) {
		intx->masked = true;
		fire = true;
	}
	spin_unlock_irqrestore(&intx->lock, flags);

	trigger = READ_ONCE(intx->trigger);
	if (fire && trigger)
		eventfd_signal(trigger);
	return ret;
}

static void intx_mask(struct sluice_pci_device *pdev)
{
	struct sluice_pci_intx *intx = &pdev->intx;
	unsigned long flags;

	spin_lock_irqsave(&intx->lock, flags);
	intx->masked = true;
	update_locked(pdev);
	spin_unlock_irqrestore(&intx->lock, flags);
}

/* Called by unmask.c with the eventfd's wait queue lock held. */
void sluice_pci_intx_unmask(struct sluice_pci_device *pdev)
{
	struct sluice_pci_intx *intx = &pdev->intx;
	unsigned long flags;

	spin_lock_irqsave(&intx->lock, flags);
	if (intx->active && intx->masked) {
		intx->masked = false;
		update_and_resend_locked(pdev);
	}
	spin_unlock_irqrestore(&intx->lock, flags);
}

void sluice_pci_intx_virt_mask(struct sluice_pci_device *pdev, bool masked)
{
	struct sluice_pci_intx *intx = &pdev->intx;
	unsigned long flags;

	spin_lock_irqsave(&intx->lock, flags);
	if (intx->virt_masked != masked) {
		intx->virt_masked = masked;
		update_and_resend_locked(pdev);
	}
	spin_unlock_irqrestore(&intx->lock, flags);
}

/*
 * While INTx isn't enabled. The kernel's MSI code, for one, lets INTx loose when it
 * gives up MSI.
 */
void sluice_pci_intx_quiesce(struct sluice_pci_device *pdev)
{
	if (pdev->no_intx || pdev->intx.maskable)
		mask_in_device(pdev->pci);
}

/*
 * To be called after anything else has written the command register, or the
 * device may have lost it: a reset, of whatever kind, or the way out of D3hot.
 * The bit is then as reset, or as it was when the state was saved. If INTx isn't
 * enabled, nobody would answer the device, and a shared line would die: so the
 * bit matters then as well.
 */
void sluice_pci_intx_sync(struct sluice_pci_device *pdev)
{
	struct sluice_pci_intx *intx = &pdev->intx;
	unsigned long flags;

	spin_lock_irqsave(&intx->lock, flags);
	if (intx->active)
		update_and_resend_locked(pdev);
	else
		sluice_pci_intx_quiesce(pdev);
	spin_unlock_irqrestore(&intx->lock, flags);
}

static int intx_enable(struct sluice_pci_device *pdev,
		       struct eventfd_ctx *trigger)
{
	struct sluice_pci_intx *intx = &pdev->intx;
	int ret;

	intx->name = kasprintf(GFP_KERNEL_ACCOUNT, "vfio-intx(%s)",
			       pci_name(pdev->pci));
	if (!intx->name)
		return -ENOMEM;

	/* Not active, thus masked in the device, or else not enabled here. */
	intx->irq = pdev->pci->irq;
	intx->masked = false;
	intx->line_off = !intx->maskable;
	ret = sluice_pci_intx_set_signal(pdev, trigger);
	if (ret)
		goto err_name;
	if (!intx->maskable)
		irq_set_status_flags(intx->irq, IRQ_DISABLE_UNLAZY);

	ret = request_irq(intx->irq, intx_handler,
			  intx->maskable ? IRQF_SHARED : IRQF_NO_AUTOEN,
			  intx->name, pdev);
	if (ret)
		goto err_signal;

	pdev->irq_type = VFIO_PCI_INTX_IRQ_INDEX;
	spin_lock_irq(&intx->lock);
	intx->active = true;
	update_and_resend_locked(pdev);
	spin_unlock_irq(&intx->lock);
	return 0;

err_signal:
	if (!intx->maskable)
		irq_clear_status_flags(intx->irq, IRQ_DISABLE_UNLAZY);
	sluice_pci_intx_clear_signal(pdev);
err_name:
	kfree(intx->name);
	return ret;
}

void sluice_pci_intx_disable(struct sluice_pci_device *pdev)
{
	struct sluice_pci_intx *intx = &pdev->intx;
	struct eventfd_ctx *trigger = intx->trigger;

	lockdep_assert_held(&pdev->irq_lock);

	sluice_pci_unmask_detach(pdev);

	spin_lock_irq(&intx->lock);
	intx->active = false;
	update_locked(pdev);
	spin_unlock_irq(&intx->lock);

	free_irq(intx->irq, pdev);
	cancel_work_sync(&intx->resend);
	if (!intx->maskable)
		irq_clear_status_flags(intx->irq, IRQ_DISABLE_UNLAZY);

	sluice_pci_intx_clear_signal(pdev);
	if (trigger)
		eventfd_ctx_put(trigger);
	kfree(intx->name);
	pdev->irq_type = SLUICE_PCI_IRQ_NONE;
}

static int intx_replace_trigger(struct sluice_pci_device *pdev,
				struct eventfd_ctx *trigger)
{
	struct sluice_pci_intx *intx = &pdev->intx;
	struct eventfd_ctx *old = intx->trigger;
	int ret;

	ret = sluice_pci_intx_set_signal(pdev, trigger);
	if (ret)
		return ret;
	/* Whoever has read the old one is done with it after this. */
	synchronize_irq(intx->irq);
	flush_work(&intx->resend);
	if (old)
		eventfd_ctx_put(old);
	return 0;
}

static int intx_set_trigger(struct sluice_pci_device *pdev, s32 fd)
{
	struct eventfd_ctx *trigger = NULL;
	int ret;

	if (fd >= 0) {
		trigger = eventfd_ctx_fdget(fd);
		if (IS_ERR(trigger))
			return PTR_ERR(trigger);
	}

	if (pdev->irq_type == VFIO_PCI_INTX_IRQ_INDEX)
		ret = intx_replace_trigger(pdev, trigger);
	else
		ret = intx_enable(pdev, trigger);
	if (ret && trigger)
		eventfd_ctx_put(trigger);
	return ret;
}

static int intx_trigger(struct sluice_pci_device *pdev,
			const struct vfio_irq_set *set, const void *data)
{
	bool enabled = pdev->irq_type == VFIO_PCI_INTX_IRQ_INDEX;

	if (enabled && !set->count && set->flags & VFIO_IRQ_SET_DATA_NONE) {
		sluice_pci_intx_disable(pdev);
		return 0;
	}
	if (set->count != 1)
		return -EINVAL;

	if (set->flags & VFIO_IRQ_SET_DATA_EVENTFD) {
		if (!enabled && pdev->irq_type != SLUICE_PCI_IRQ_NONE)
			return -EINVAL;
		return intx_set_trigger(pdev, *(const s32 *)data);
	}

	if (!enabled)
		return -EINVAL;
	if ((set->flags & VFIO_IRQ_SET_DATA_NONE || *(const u8 *)data) &&
	    pdev->intx.trigger)
		eventfd_signal(pdev->intx.trigger);
	return 0;
}

int sluice_pci_intx_set(struct sluice_pci_device *pdev,
			const struct vfio_irq_set *set, const void *data)
{
	u32 action = set->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK;
	bool none = set->flags & VFIO_IRQ_SET_DATA_NONE;

	lockdep_assert_held(&pdev->irq_lock);

	if (action == VFIO_IRQ_SET_ACTION_TRIGGER)
		return intx_trigger(pdev, set, data);
	if (action != VFIO_IRQ_SET_ACTION_MASK &&
	    action != VFIO_IRQ_SET_ACTION_UNMASK)
		return -ENOTTY;

	if (pdev->irq_type != VFIO_PCI_INTX_IRQ_INDEX || set->count != 1)
		return -EINVAL;

	if (set->flags & VFIO_IRQ_SET_DATA_EVENTFD) {
		s32 fd = *(const s32 *)data;

		if (action == VFIO_IRQ_SET_ACTION_MASK)
			return -ENOTTY;
		if (fd >= 0)
			return sluice_pci_unmask_attach(pdev, fd);
		sluice_pci_unmask_detach(pdev);
		return 0;
	}

	if (!none && !*(const u8 *)data)
		return 0;
	if (action == VFIO_IRQ_SET_ACTION_MASK)
		intx_mask(pdev);
	else
		sluice_pci_intx_unmask(pdev);
	return 0;
}

void sluice_pci_intx_init(struct sluice_pci_device *pdev)
{
	spin_lock_init(&pdev->intx.lock);
	INIT_LIST_HEAD(&pdev->intx.node);
	INIT_WORK(&pdev->intx.resend, resend_work);
}

void sluice_pci_intx_open(struct sluice_pci_device *pdev)
{
	pdev->no_intx = pci_match_id(no_intx_ids, pdev->pci);
	pdev->intx.maskable = !sluice_pci_nointxmask &&
			      pci_intx_mask_supported(pdev->pci);
	pdev->intx.masked = false;
	pdev->intx.virt_masked = false;

	/* Nobody listens yet: an asserted shared line would storm. */
	sluice_pci_intx_quiesce(pdev);
}
