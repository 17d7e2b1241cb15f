// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host goes to sleep, or down.
 *
 * Owns: what is done with bound devices, open or not, before the IOMMU stops
 * translating. User space is frozen by then, or about to end with the kernel,
 * but devices go on with what they were told to do. From that moment on their
 * DMA would go to whatever has the bus address as its physical address. So no
 * device may be a bus master; nor may it have requests under way.
 *
 * Hibernation's freeze and the restore afterwards are the same to a device as
 * suspend and resume.
 */
#include <linux/pci.h>
#include <linux/pm.h>

#include "private.h"

static void drain(struct sluice_pci_device *pdev)
{
	if (!pci_wait_for_pending_transaction(pdev->pci))
		pci_warn(pdev->pci,
			 "requests still pending with bus mastering off\n");
}

static int sluice_pci_suspend(struct device *dev)
{
	struct sluice_pci_device *pdev = dev_get_drvdata(dev);
	u16 command;

	sluice_pci_memory_lock_and_revoke(pdev);
	pci_read_config_word(pdev->pci, PCI_COMMAND, &command);
	pdev->sleep_master = !PCI_POSSIBLE_ERROR(command) &&
			     command & PCI_COMMAND_MASTER;
	pci_clear_master(pdev->pci);
	up_write(&pdev->memory_lock);

	drain(pdev);
	return 0;
}

/* As the user did it: pci_set_master() would have more to say. */
static void set_master(struct pci_dev *pci)
{
	u16 command;

	pci_read_config_word(pci, PCI_COMMAND, &command);
	if (!PCI_POSSIBLE_ERROR(command))
		pci_write_config_word(pci, PCI_COMMAND,
				      command | PCI_COMMAND_MASTER);
}

/* The IOMMU translates again. */
static int sluice_pci_resume(struct device *dev)
{
	struct sluice_pci_device *pdev = dev_get_drvdata(dev);

	down_write(&pdev->memory_lock);
	if (pdev->sleep_master)
		set_master(pdev->pci);
	sluice_pci_intx_sync(pdev);
	sluice_pci_memory_unlock(pdev);
	return 0;
}

DEFINE_SIMPLE_DEV_PM_OPS(sluice_pci_pm_ops, sluice_pci_suspend,
			 sluice_pci_resume);

void sluice_pci_shutdown(struct pci_dev *pci)
{
	struct sluice_pci_device *pdev = pci_get_drvdata(pci);

	sluice_pci_memory_lock_and_revoke(pdev);
	pci_clear_master(pci);
	sluice_pci_config_shutdown(pdev);
	up_write(&pdev->memory_lock);

	drain(pdev);
}
