// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device is opened and closed while root resets it through sysfs, all the time. What
 * open saves, and each close restores, is the device's configuration, not what a
 * device reads as that is just being reset.
 */
#include "kselftest_harness.h"
#include "legacy.h"
#include "sys.h"

#include <limits.h>
#include <linux/pci_regs.h>
#include <pthread.h>
#include <stdio.h>

#define ROUNDS 16

FIXTURE(reset_races)
{
	struct pci_dev dev;
	char path[PATH_MAX];
	pthread_t thread;
	bool stop;
	int resets;
};

FIXTURE_SETUP(reset_races)
{
	ASSERT_EQ(0, pci_find_alone(&self->dev, PCI_ID_NVME, 1));
	ASSERT_EQ(0, pci_bind(&self->dev, "vfio-pci"));
	snprintf(self->path, sizeof(self->path),
		 "/sys/bus/pci/devices/%s/reset", self->dev.name);
	if (access(self->path, W_OK))
		SKIP(return, "it can't be reset");
}

FIXTURE_TEARDOWN(reset_races)
{
	/* A driver that needs its registers. */
	EXPECT_EQ(0, pci_bind(&self->dev, NULL));
}

static void *reset_all_the_time(void *arg)
{
	struct _test_data_reset_races *self = arg;

	/* Pauses, in which open may get the device, of all lengths. */
	while (!__atomic_load_n(&self->stop, __ATOMIC_RELAXED)) {
		self->resets += !sys_write(self->path, "1");
		sys_sleep_ms(self->resets * 7 % 40);
	}
	return NULL;
}

TEST_F_TIMEOUT(reset_races, open_and_close, 120)
{
	int64_t low = pci_cfg_read(&self->dev, PCI_BASE_ADDRESS_0, 4);
	int64_t high = pci_cfg_read(&self->dev, PCI_BASE_ADDRESS_1, 4);
	unsigned int i, opened = 0;
	struct vfio v;
	int ret;

	ASSERT_EQ(0, pthread_create(&self->thread, NULL, reset_all_the_time,
				    self));
	for (i = 0; i < ROUNDS; i++) {
		ret = legacy_open(&v, &self->dev);
		EXPECT_TRUE(!ret || ret == -EAGAIN);
		if (!ret) {
			opened++;
			vfio_close(&v);
		}
	}
	__atomic_store_n(&self->stop, true, __ATOMIC_RELAXED);
	pthread_join(self->thread, NULL);

	EXPECT_LT(0, self->resets);
	if (!sys_is_peer())
		EXPECT_LE(ROUNDS / 2, opened);
	EXPECT_EQ(low, pci_cfg_read(&self->dev, PCI_BASE_ADDRESS_0, 4));
	EXPECT_EQ(high, pci_cfg_read(&self->dev, PCI_BASE_ADDRESS_1, 4));
	EXPECT_EQ(0, pci_cfg_read(&self->dev, PCI_COMMAND, 2) &
			     PCI_COMMAND_MASTER);
}

TEST_HARNESS_MAIN
