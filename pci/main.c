// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PCI driver "vfio-pci".
 *
 * Owns: binding to devices and letting go of them, and parameters. It
 * never binds by itself: a device has to be named by driver_override, new_id or
 * the parameter "ids". Devices stay in D0 while bound, open or not.
 */
#include <linux/init.h>
#include <linux/moduleparam.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "private.h"

static char ids[1024] __initdata;
module_param_string(ids, ids, sizeof(ids), 0);
MODULE_PARM_DESC(ids, "devices to bind to at boot, comma separated: vendor:device[:subvendor[:subdevice[:class[:class_mask]]]]");

bool sluice_pci_nointxmask;
module_param_named(nointxmask, sluice_pci_nointxmask, bool, 0644);
MODULE_PARM_DESC(nointxmask, "mask INTx at the interrupt controller, not in the device; needs an interrupt line that isn't shared");

/* Every bound device; a device on it can't be freed while it is held. */
DEFINE_MUTEX(sluice_pci_list_lock);
static LIST_HEAD(sluice_pci_list);

struct sluice_pci_device *sluice_pci_find_locked(struct pci_dev *pci)
{
	struct sluice_pci_device *pdev;

	lockdep_assert_held(&sluice_pci_list_lock);

	list_for_each_entry(pdev, &sluice_pci_list, node) {
		if (pdev->pci == pci)
			return pdev;
	}
	return NULL;
}

void sluice_pci_want_each(struct pci_dev *pci,
			  bool (*goes)(struct pci_dev *pci,
				       struct pci_dev *other))
{
	struct sluice_pci_device *pdev;

	guard(mutex)(&sluice_pci_list_lock);
	list_for_each_entry(pdev, &sluice_pci_list, node) {
		if (!goes(pci, pdev->pci))
			continue;
		WRITE_ONCE(pdev->leaving, true);
		sluice_device_want(&pdev->sdev);
	}
}

static struct sluice_pci_device *device_alloc(struct pci_dev *pci)
{
	struct sluice_pci_device *pdev = kzalloc(sizeof(*pdev), GFP_KERNEL);

	if (!pdev)
		return NULL;

	pdev->pci = pci;
	pdev->irq_type = SLUICE_PCI_IRQ_NONE;
	init_rwsem(&pdev->memory_lock);
	lockdep_register_key(&pdev->memory_key);
	lockdep_set_class(&pdev->memory_lock, &pdev->memory_key);
	mutex_init(&pdev->bar_lock);
	mutex_init(&pdev->irq_lock);
	xa_init(&pdev->vectors);
	spin_lock_init(&pdev->event_lock);
	atomic_set(&pdev->link, SLUICE_PCI_LINK_UP);
	INIT_WORK(&pdev->resume, sluice_pci_resume_work);
	sluice_pci_intx_init(pdev);
	sluice_device_init(&pdev->sdev, &pci->dev, &sluice_pci_device_ops);
	return pdev;
}

static void device_free(struct sluice_pci_device *pdev)
{
	lockdep_unregister_key(&pdev->memory_key);
	sluice_device_put(&pdev->sdev);
}

static int sluice_pci_probe(struct pci_dev *pci, const struct pci_device_id *id)
{
	struct sluice_pci_device *pdev;
	int ret;

	if (pci->hdr_type != PCI_HEADER_TYPE_NORMAL ||
	    sluice_pci_denied(pci))
		return -EINVAL;

	/* Its virtual functions' drivers count on the physical function's. */
	if (pci_num_vf(pci)) {
		pci_warn(pci, "has virtual functions enabled: not bound\n");
		return -EBUSY;
	}

	pdev = device_alloc(pci);
	if (!pdev)
		return -ENOMEM;
	pci_set_drvdata(pci, pdev);

	mutex_lock(&sluice_pci_list_lock);
	list_add_tail(&pdev->node, &sluice_pci_list);
	mutex_unlock(&sluice_pci_list_lock);

	/* Last: it may be open before this returns. */
	ret = sluice_device_register(&pdev->sdev);
	if (ret)
		goto err_free;
	return 0;

err_free:
	mutex_lock(&sluice_pci_list_lock);
	list_del(&pdev->node);
	mutex_unlock(&sluice_pci_list_lock);
	device_free(pdev);
	return ret;
}

static void sluice_pci_remove(struct pci_dev *pci)
{
	struct sluice_pci_device *pdev = pci_get_drvdata(pci);

	sluice_pci_removal_begin(pdev);
	/* We hold the device lock: close needn't try for it (reset.c). */
	smp_store_release(&pdev->removing, true);
	sluice_device_unregister(&pdev->sdev);
	/* The device lock keeps error_resume() from queueing it again. */
	cancel_work_sync(&pdev->resume);
	sluice_pci_forget_unreset(pdev);

	mutex_lock(&sluice_pci_list_lock);
	list_del(&pdev->node);
	mutex_unlock(&sluice_pci_list_lock);
	device_free(pdev);
}

/* Matches every device, but by driver_override only. */
static const struct pci_device_id sluice_pci_ids[] = {
	{ PCI_DRIVER_OVERRIDE_DEVICE_VFIO(PCI_ANY_ID, PCI_ANY_ID) },
	{}
};

struct pci_driver sluice_pci_driver = {
	.name = "vfio-pci",
	.id_table = sluice_pci_ids,
	.probe = sluice_pci_probe,
	.remove = sluice_pci_remove,
	.shutdown = sluice_pci_shutdown,
	.err_handler = &sluice_pci_err_handlers,
	.driver.pm = pm_sleep_ptr(&sluice_pci_pm_ops),
	.driver_managed_dma = true,
};

static int __init add_id(const char *id)
{
	unsigned int vendor, device, subvendor = PCI_ANY_ID;
	unsigned int subdevice = PCI_ANY_ID, class = 0, class_mask = 0;

	if (sscanf(id, "%x:%x:%x:%x:%x:%x", &vendor, &device, &subvendor,
		   &subdevice, &class, &class_mask) < 2)
		return -EINVAL;
	return pci_add_dynid(&sluice_pci_driver, vendor, device, subvendor,
			     subdevice, class, class_mask, 0);
}

static int __init sluice_pci_init(void)
{
	char *rest = ids, *id;
	int ret;

	ret = pci_register_driver(&sluice_pci_driver);
	if (ret)
		return ret;

	while ((id = strsep(&rest, ","))) {
		if (!*id)
			continue;
		ret = add_id(id);
		if (ret)
			pr_warn("vfio-pci: can't bind to \"%s\" (%d)\n", id,
				ret);
	}
	return 0;
}
device_initcall(sluice_pci_init);
