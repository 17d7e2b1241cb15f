/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A device that vfio-pci is bound to, whose hardware is a pretended configuration
 * space with the capabilities for PCI Express and power management.
 *
 * Owns: what pci/ and the PCI core look at in a device, no more. It is on a bus by
 * itself, has no BARs, and requests no interrupt.
 */
#ifndef SLUICE_KUNIT_PCI_CARD_H
#define SLUICE_KUNIT_PCI_CARD_H

#include <kunit/test.h>
#include <linux/unaligned.h>

#include "pci/private.h"

#define PCICARD_EXP	0x40
#define PCICARD_PM	0x80

/**
 * struct card - a device that vfio-pci is bound to
 * @pdev: vfio-pci's part
 * @pci: the PCI core's
 * @bus: the bus that it is alone on
 * @host: that bus's bridge
 * @config: its configuration space
 * @writes: writes to @config
 * @unlocked: those of them during which nobody held memory_lock
 */
struct card {
	struct sluice_pci_device pdev;
	struct pci_dev pci;
	struct pci_bus bus;
	struct pci_host_bridge host;
	u8 config[PCI_CFG_SPACE_SIZE];
	unsigned int writes;
	unsigned int unlocked;
};

/* pci_card_create - a device in D0, open; the test ends if there is no memory */
struct card *pci_card_create(struct kunit *test);

static inline void pci_card_put16(struct card *card, unsigned int pos, u16 val)
{
	put_unaligned_le16(val, card->config + pos);
}

static inline u16 pci_card_get16(const struct card *card, unsigned int pos)
{
	return get_unaligned_le16(card->config + pos);
}

#endif /* SLUICE_KUNIT_PCI_CARD_H */
