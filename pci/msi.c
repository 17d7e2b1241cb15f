// SPDX-License-Identifier: GPL-2.0-only
/*
 * Delivery of MSI and MSI-X vectors to eventfds.
 *
 * Owns: the vectors of an open device. Does not own: the capabilities that the
 * user sees, which are virtual (config.c); those in hardware, and the MSI-X
 * table, are the kernel's MSI code's.
 *
 * The MSI code writes to the MSI-X table, in device memory: each call that may
 * do so is made with the device in D0, memory decode on, and memory_lock held
 * for write.
 */
#include <linux/interrupt.h>
#include <linux/msi.h>
#include <linux/sched/signal.h>

#include "private.h"

/**
 * struct sluice_pci_vector - a vector that signals an eventfd
 * @trigger: the eventfd.
 * @producer: lets KVM deliver the interrupt without us.
 * @bypass: @producer is registered.
 * @name: for /proc/interrupts.
 */
struct sluice_pci_vector {
	struct eventfd_ctx *trigger;
	struct irq_bypass_producer producer;
	bool bypass;
	char *name;
};

static irqreturn_t vector_handler(int irq, void *data)
{
	struct sluice_pci_vector *vector = data;

	eventfd_signal(vector->trigger);
	return IRQ_HANDLED;
}

static bool is_msix(struct sluice_pci_device *pdev)
{
	return pdev->irq_type == VFIO_PCI_MSIX_IRQ_INDEX;
}

/* Return: the Linux interrupt of a vector, allocated now if it can be. */
static int vector_alloc_irq(struct sluice_pci_device *pdev, unsigned int nr)
{
	int irq = pci_irq_vector(pdev->pci, nr);
	struct sluice_pci_forced forced;
	struct msi_map map;

	if (irq > 0 || !is_msix(pdev) || !pdev->msix_dynamic)
		return irq;

	forced = sluice_pci_memory_lock_and_enable(pdev);
	map = pci_msix_alloc_irq_at(pdev->pci, nr, NULL);
	sluice_pci_memory_unlock_and_restore(pdev, forced);
	return map.index < 0 ? map.index : map.virq;
}

/* The vector's interrupt stays allocated until MSI is disabled as a whole. */
static void vector_detach(struct sluice_pci_device *pdev, unsigned int nr)
{
	struct sluice_pci_vector *vector = xa_erase(&pdev->vectors, nr);
	struct sluice_pci_forced forced;

	if (!vector)
		return;

	if (vector->bypass)
		irq_bypass_unregister_producer(&vector->producer);

	forced = sluice_pci_memory_lock_and_enable(pdev);
	free_irq(vector->producer.irq, vector);
	sluice_pci_memory_unlock_and_restore(pdev, forced);

	eventfd_ctx_put(vector->trigger);
	kfree(vector->name);
	kfree(vector);
}

static int vector_request(struct sluice_pci_device *pdev,
			  struct sluice_pci_vector *vector, int irq)
{
	struct sluice_pci_forced forced;
	struct msi_msg msg;
	int ret;

	forced = sluice_pci_memory_lock_and_enable(pdev);
	if (is_msix(pdev)) {
		/*
		 * The table may have been cleared by a reset that only the
		 * device's own driver in user space knows how to do.
		 */
		get_cached_msi_msg(irq, &msg);
		pci_write_msi_msg(irq, &msg);
	}
	ret = request_irq(irq, vector_handler, 0, vector->name, vector);
	sluice_pci_memory_unlock_and_restore(pdev, forced);
	return ret;
}

static void vector_offer_bypass(struct sluice_pci_device *pdev,
				struct sluice_pci_vector *vector, int irq)
{
	int ret;

	vector->producer.token = vector->trigger;
	vector->producer.irq = irq;
	ret = irq_bypass_register_producer(&vector->producer);
	vector->bypass = !ret;
	if (ret)
		pci_dbg(pdev->pci, "irq %d: no bypass of the host (%d)\n", irq,
			ret);
}

static int vector_attach(struct sluice_pci_device *pdev, unsigned int nr,
			 s32 fd)
{
	struct sluice_pci_vector *vector;
	int irq, ret;

	irq = vector_alloc_irq(pdev, nr);
	if (irq <= 0)
		return irq ?: -EINVAL;

	vector = kzalloc(sizeof(*vector), GFP_KERNEL_ACCOUNT);
	if (!vector)
		return -ENOMEM;
	vector->name = kasprintf(GFP_KERNEL_ACCOUNT, "vfio-msi%s[%u](%s)",
				 is_msix(pdev) ? "x" : "", nr,
				 pci_name(pdev->pci));
	if (!vector->name) {
		ret = -ENOMEM;
		goto err_free;
	}
	vector->trigger = eventfd_ctx_fdget(fd);
	if (IS_ERR(vector->trigger)) {
		ret = PTR_ERR(vector->trigger);
		goto err_name;
	}
	ret = xa_err(xa_store(&pdev->vectors, nr, vector, GFP_KERNEL_ACCOUNT));
	if (ret)
		goto err_trigger;
	ret = vector_request(pdev, vector, irq);
	if (ret)
		goto err_erase;

	vector_offer_bypass(pdev, vector, irq);
	return 0;

err_erase:
	xa_erase(&pdev->vectors, nr);
err_trigger:
	eventfd_ctx_put(vector->trigger);
err_name:
	kfree(vector->name);
err_free:
	kfree(vector);
	return ret;
}

/*
 * Point a run of vectors at eventfds; a negative fd, or none, silences one.
 * After a failure all of the run is silent.
 */
static int vectors_set(struct sluice_pci_device *pdev, u32 start, u32 count,
		       const s32 *fds)
{
	int ret = 0;
	u32 i;

	for (i = 0; i < count && !ret; i++) {
		vector_detach(pdev, start + i);
		if (fds && fds[i] >= 0)
			ret = vector_attach(pdev, start + i, fds[i]);
		/* Each may have to wake the device, which takes time. */
		if (!ret && fatal_signal_pending(current))
			ret = -EINTR;
		if (!ret && sluice_device_revoked(&pdev->sdev))
			ret = -ENODEV;
	}
	/* What is being taken away will be closed at once. */
	if (!ret || sluice_device_revoked(&pdev->sdev))
		return ret;

	for (i = 0; i < count; i++)
		vector_detach(pdev, start + i);
	return ret;
}

/* Return: 0, an errno, or how many vectors there could be if too few. */
static int msi_enable(struct sluice_pci_device *pdev, u32 index, u32 nr)
{
	bool msix = index == VFIO_PCI_MSIX_IRQ_INDEX;
	struct sluice_pci_forced forced;
	int ret;

	forced = sluice_pci_memory_lock_and_enable(pdev);
	ret = pci_alloc_irq_vectors(pdev->pci, 1, nr,
				    msix ? PCI_IRQ_MSIX : PCI_IRQ_MSI);
	if (ret > 0 && ret < nr)
		pci_free_irq_vectors(pdev->pci);
	sluice_pci_memory_unlock_and_restore(pdev, forced);
	if (ret < (int)nr) {
		sluice_pci_intx_quiesce(pdev);
		return ret;
	}

	pdev->irq_type = index;
	return 0;
}

void sluice_pci_msi_disable(struct sluice_pci_device *pdev)
{
	struct sluice_pci_vector *vector;
	struct sluice_pci_forced forced;
	unsigned long nr;

	lockdep_assert_held(&pdev->irq_lock);

	xa_for_each(&pdev->vectors, nr, vector)
		vector_detach(pdev, nr);

	forced = sluice_pci_memory_lock_and_enable(pdev);
	pci_free_irq_vectors(pdev->pci);
	sluice_pci_memory_unlock_and_restore(pdev, forced);

	pdev->irq_type = SLUICE_PCI_IRQ_NONE;
	sluice_pci_intx_quiesce(pdev);
}

static void vectors_signal(struct sluice_pci_device *pdev, u32 start,
			   u32 count, const u8 *which)
{
	struct sluice_pci_vector *vector;
	u32 i;

	for (i = 0; i < count; i++) {
		if (which && !which[i])
			continue;
		vector = xa_load(&pdev->vectors, start + i);
		if (vector)
			eventfd_signal(vector->trigger);
	}
}

int sluice_pci_msi_set(struct sluice_pci_device *pdev,
		       const struct vfio_irq_set *set, const void *data)
{
	bool enabled = pdev->irq_type == set->index;
	int ret;

	lockdep_assert_held(&pdev->irq_lock);

	if (enabled && !set->count && set->flags & VFIO_IRQ_SET_DATA_NONE) {
		sluice_pci_msi_disable(pdev);
		return 0;
	}
	if (!enabled && pdev->irq_type != SLUICE_PCI_IRQ_NONE)
		return -EINVAL;

	if (set->flags & VFIO_IRQ_SET_DATA_EVENTFD) {
		if (enabled)
			return vectors_set(pdev, set->start, set->count, data);

		ret = msi_enable(pdev, set->index, set->start + set->count);
		if (ret)
			return ret;
		ret = vectors_set(pdev, set->start, set->count, data);
		if (ret && !sluice_device_revoked(&pdev->sdev))
			sluice_pci_msi_disable(pdev);
		return ret;
	}

	if (!enabled)
		return -EINVAL;
	vectors_signal(pdev, set->start, set->count,
		       set->flags & VFIO_IRQ_SET_DATA_BOOL ? data : NULL);
	return 0;
}
