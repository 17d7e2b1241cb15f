// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite of the seam between the virtual configuration space and a real device
 * (pci/config_host.c): what is done to hardware under which lock.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>

#include "pci_card.h"

#define DEVCTL	(PCICARD_EXP + PCI_EXP_DEVCTL)
#define PMCSR	(PCICARD_PM + PCI_PM_CTRL)

static void set_readrq(struct card *card, unsigned int bytes)
{
	struct sluice_pci_config *cfg = &card->pdev.config;

	cfg->ops->set_readrq(cfg, bytes);
}

static struct card *configured_card(struct kunit *test)
{
	struct card *card = pci_card_create(test);

	KUNIT_ASSERT_EQ(test, 0, sluice_pci_config_init(&card->pdev));
	card->writes = 0;
	card->unlocked = 0;
	return card;
}

/* The register is read and written back: not while somebody resets the device. */
static void readrq_under_lock(struct kunit *test)
{
	struct card *card = configured_card(test);

	set_readrq(card, 512);
	KUNIT_EXPECT_EQ(test, 512, pcie_get_readrq(&card->pci));
	KUNIT_EXPECT_EQ(test, 1U, card->writes);
	KUNIT_EXPECT_EQ(test, 0U, card->unlocked);
	sluice_pci_config_deinit(&card->pdev);
}

/* All ones have the bit that resets the function. */
static void readrq_of_the_absent(struct kunit *test)
{
	struct card *card = configured_card(test);

	pci_card_put16(card, DEVCTL, 0xffff);
	set_readrq(card, 512);
	KUNIT_EXPECT_EQ(test, 0U, card->writes);
	KUNIT_EXPECT_EQ(test, 0xffff, pci_card_get16(card, DEVCTL));
	sluice_pci_config_deinit(&card->pdev);
}

/**
 * struct closer - the last close, in a thread of its own
 * @card: what is closed
 * @started: it is about to
 * @done: it has
 */
struct closer {
	struct card *card;
	struct completion started;
	struct completion done;
};

static int close_thread(void *data)
{
	struct closer *closer = data;

	complete(&closer->started);
	sluice_pci_config_deinit(&closer->card->pdev);
	complete(&closer->done);
	return 0;
}

/* Shutdown frees the copy too, and programs still run: one of the two at a time. */
static void close_waits_for_shutdown(struct kunit *test)
{
	struct closer closer = { .card = configured_card(test) };
	struct sluice_pci_device *pdev = &closer.card->pdev;
	struct task_struct *task;
	void *copy = kzalloc(64, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, copy);
	pdev->config.pm_saved = copy;
	init_completion(&closer.started);
	init_completion(&closer.done);

	down_write(&pdev->memory_lock);
	task = kthread_run(close_thread, &closer, "sluice-close");
	if (!IS_ERR(task)) {
		wait_for_completion(&closer.started);
		msleep(100);
	}
	KUNIT_EXPECT_PTR_EQ(test, copy, (void *)pdev->config.pm_saved);
	sluice_pci_config_shutdown(pdev);
	KUNIT_EXPECT_NULL(test, pdev->config.pm_saved);
	up_write(&pdev->memory_lock);

	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	wait_for_completion(&closer.done);
	KUNIT_EXPECT_NULL(test, pdev->config.pm_saved);
}

/*
 * To wake a device takes the PCI core's list of buses, under which the handling of errors
 * waits for device locks: so the device is awake before its lock is even tried.
 */
static void awake_before_the_device_lock(struct kunit *test)
{
	struct card *card = configured_card(test);

	card->pci.current_state = PCI_D3hot;
	pci_card_put16(card, PMCSR, PCI_PM_CTRL_NO_SOFT_RESET | 3);

	device_lock(&card->pci.dev);
	KUNIT_EXPECT_EQ(test, -EAGAIN, sluice_pci_reset_function(&card->pdev));
	device_unlock(&card->pci.dev);
	KUNIT_EXPECT_TRUE(test, card->pci.current_state == PCI_D0);
	KUNIT_EXPECT_EQ(test, 0, pci_card_get16(card, PMCSR) &
				 PCI_PM_CTRL_STATE_MASK);
	sluice_pci_config_deinit(&card->pdev);
}

static struct kunit_case host_cases[] = {
	KUNIT_CASE(readrq_under_lock),
	KUNIT_CASE(readrq_of_the_absent),
	KUNIT_CASE(close_waits_for_shutdown),
	KUNIT_CASE(awake_before_the_device_lock),
	{}
};

static struct kunit_suite host_suite = {
	.name = "sluice_pci_host",
	.test_cases = host_cases,
};

kunit_test_suite(host_suite);
