// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite of the INTx disable bit in hardware's command register (pci/intx.c), after
 * the device has lost that register. The device is a pretended configuration space; no
 * interrupt is requested.
 */
#include <kunit/test.h>
#include <linux/unaligned.h>

#include "pci/private.h"

#define OFF	PCI_COMMAND_INTX_DISABLE
#define MEMORY	PCI_COMMAND_MEMORY

/**
 * struct card - a device that vfio-pci is bound to
 * @pdev: vfio-pci's part
 * @pci: the PCI core's
 * @bus: the bus that it is alone on
 * @config: its header
 */
struct card {
	struct sluice_pci_device pdev;
	struct pci_dev pci;
	struct pci_bus bus;
	u8 config[PCI_STD_HEADER_SIZEOF];
};

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

	sluice_pci_config_put(card->config + where, size, value);
	return PCIBIOS_SUCCESSFUL;
}

static struct pci_ops config_ops = {
	.read = config_read,
	.write = config_write,
};

/* As after a reset: INTx isn't disabled. */
static void lose_command(struct card *card, u16 command)
{
	put_unaligned_le16(command, card->config + PCI_COMMAND);
}

static u16 command_of(const struct card *card)
{
	return get_unaligned_le16(card->config + PCI_COMMAND);
}

static struct card *card_create(struct kunit *test)
{
	struct card *card = kunit_kzalloc(test, sizeof(*card), GFP_KERNEL);
	struct sluice_pci_device *pdev;

	KUNIT_ASSERT_NOT_NULL(test, card);
	card->bus.ops = &config_ops;
	card->pci.bus = &card->bus;
	card->pci.dev.init_name = "card";
	card->pci.current_state = PCI_D0;
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

/* Nobody listens: it is off, unless masking isn't done in the device. */
static void nobody_listens(struct kunit *test)
{
	struct card *card = card_create(test);
	unsigned int i;

	for (i = 0; i < 4; i++) {
		card->pdev.intx.maskable = i & 1;
		card->pdev.no_intx = i & 2;
		lose_command(card, MEMORY);
		sluice_pci_intx_sync(&card->pdev);
		KUNIT_EXPECT_EQ_MSG(test, MEMORY | (i ? OFF : 0),
				    command_of(card), "case %u", i);
	}
}

/* Somebody does: it is as masked as it was. */
static void somebody_listens(struct kunit *test)
{
	struct card *card = card_create(test);
	unsigned int i;

	card->pdev.intx.active = true;
	for (i = 0; i < 4; i++) {
		card->pdev.intx.masked = i & 1;
		card->pdev.intx.virt_masked = i & 2;
		lose_command(card, MEMORY);
		sluice_pci_intx_sync(&card->pdev);
		KUNIT_EXPECT_EQ_MSG(test, MEMORY | (i ? OFF : 0),
				    command_of(card), "case %u", i);
		lose_command(card, MEMORY | OFF);
		sluice_pci_intx_sync(&card->pdev);
		KUNIT_EXPECT_EQ_MSG(test, MEMORY | (i ? OFF : 0),
				    command_of(card), "case %u", i);
	}
}

/* What remains to be done when a link has been reset after an error. */
static void link_recovered(struct kunit *test)
{
	struct card *card = card_create(test);

	lose_command(card, MEMORY);
	schedule_work(&card->pdev.resume);
	flush_work(&card->pdev.resume);
	KUNIT_EXPECT_EQ(test, MEMORY | OFF, command_of(card));

	/* Not open: the bit is none of ours. */
	card->pdev.ready = false;
	lose_command(card, MEMORY);
	schedule_work(&card->pdev.resume);
	flush_work(&card->pdev.resume);
	KUNIT_EXPECT_EQ(test, MEMORY, command_of(card));
}

static struct kunit_case intx_cases[] = {
	KUNIT_CASE(nobody_listens),
	KUNIT_CASE(somebody_listens),
	KUNIT_CASE(link_recovered),
	{}
};

static struct kunit_suite intx_suite = {
	.name = "sluice_pci_intx",
	.test_cases = intx_cases,
};

kunit_test_suite(intx_suite);
