// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite of the INTx disable bit in hardware's command register (pci/intx.c), after
 * the device has lost that register. The device is a pretended configuration space; no
 * interrupt is requested.
 */
#include "pci_card.h"

#define OFF	PCI_COMMAND_INTX_DISABLE
#define MEMORY	PCI_COMMAND_MEMORY

/* As after a reset: INTx isn't disabled. */
static void lose_command(struct card *card, u16 command)
{
	pci_card_put16(card, PCI_COMMAND, command);
}

static u16 command_of(const struct card *card)
{
	return pci_card_get16(card, PCI_COMMAND);
}

/* Nobody listens: it is off, unless masking isn't done in the device. */
static void nobody_listens(struct kunit *test)
{
	struct card *card = pci_card_create(test);
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
	struct card *card = pci_card_create(test);
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
	struct card *card = pci_card_create(test);

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
