// SPDX-License-Identifier: GPL-2.0-only
/*
 * A pretended PCI function under the real struct pci_dev.
 */
#include "pci_card.h"

static int config_read(struct pci_bus *bus, unsigned int devfn, int where,
		       int size, u32 *value)
{
	struct card *card = container_of(bus, struct card, bus);

	*value = sluice_pci_config_get(card->config + where, size);
	return PCIBIOS_SUCCESSFUL;
}

static int config_write(struct pci_bus *bus, unsigned int devfn, int where,
			int size, u32 value)
{
	struct card *card = container_of(bus, struct card, bus);

	card->writes++;
	card->unlocked += !rwsem_is_locked(&card->pdev.memory_lock);
	sluice_pci_config_put(card->config + where, size, value);
	return PCIBIOS_SUCCESSFUL;
}

static struct pci_ops config_ops = {
	.read = config_read,
	.write = config_write,
};

static void fill_config(struct card *card)
{
	pci_card_put16(card, PCI_STATUS, PCI_STATUS_CAP_LIST);
	card->config[PCI_CAPABILITY_LIST] = PCICARD_EXP;
	pci_card_put16(card, PCICARD_EXP, PCI_CAP_ID_EXP | PCICARD_PM << 8);
	pci_card_put16(card, PCICARD_EXP + PCI_EXP_FLAGS, 2);
	pci_card_put16(card, PCICARD_PM, PCI_CAP_ID_PM);
	pci_card_put16(card, PCICARD_PM + PCI_PM_PMC, 3);
	pci_card_put16(card, PCICARD_PM + PCI_PM_CTRL,
		       PCI_PM_CTRL_NO_SOFT_RESET);
}

static void fill_pci(struct card *card)
{
	struct pci_dev *pci = &card->pci;

	INIT_LIST_HEAD(&card->bus.devices);
	card->bus.ops = &config_ops;
	card->bus.bridge = &card->host.dev;
	pci->bus = &card->bus;
	pci->dev.init_name = "card";
	mutex_init(&pci->dev.mutex);
	pci->cfg_size = sizeof(card->config);
	pci->pcie_cap = PCICARD_EXP;
	pci->pcie_flags_reg = pci_card_get16(card, PCICARD_EXP + PCI_EXP_FLAGS);
	spin_lock_init(&pci->pcie_cap_lock);
	pci->pm_cap = PCICARD_PM;
	pci->current_state = PCI_D0;
}

struct card *pci_card_create(struct kunit *test)
{
	struct card *card = kunit_kzalloc(test, sizeof(*card), GFP_KERNEL);
	struct sluice_pci_device *pdev;

	KUNIT_ASSERT_NOT_NULL(test, card);
	fill_config(card);
	fill_pci(card);
	pdev = &card->pdev;
	pdev->pci = &card->pci;
	pdev->irq_type = SLUICE_PCI_IRQ_NONE;
	init_rwsem(&pdev->memory_lock);
	mutex_init(&pdev->irq_lock);
	atomic_set(&pdev->link, SLUICE_PCI_LINK_UP);
	INIT_WORK(&pdev->resume, sluice_pci_resume_work);
	sluice_pci_intx_init(pdev);
	sluice_device_init(&pdev->sdev, &card->pci.dev, &sluice_pci_device_ops);
	pdev->intx.maskable = true;
	pdev->ready = true;
	return card;
}
