// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host sleeps while a device is assigned. The IOMMU doesn't translate then, so
 * DMA that is under way must not arrive anywhere; afterwards the device is as its
 * user had it. Suspend to RAM where there is an RTC that wakes the machine.
 */
#include "kselftest_harness.h"
#include "edu.h"
#include "legacy.h"
#include "sleep.h"
#include "sys.h"
#include "vfio.h"

#include <linux/pci_regs.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

/* A DMA takes 100 ms; that it ends while the machine sleeps is likely, not sure. */
#define ROUNDS 4

/* Longer than that DMA takes, also when it goes on after the wake-up. */
#define SETTLE_MS 500

#define CANARY 0x5a
#define STRAY 0x77

FIXTURE(sleep)
{
	struct pci_dev dev;
	struct vfio v;
	struct edu edu;
	char *page;
};

FIXTURE_SETUP(sleep)
{
	if (!sleep_can())
		SKIP(return, "no RTC, or DMA isn't translated afterwards");
	ASSERT_EQ(0, pci_find_alone(&self->dev, PCI_ID_EDU, 0));
	ASSERT_EQ(0, legacy_open(&self->v, &self->dev));
	ASSERT_EQ(0, edu_attach(&self->edu, self->v.device));
	self->page = sys_alloc(PAGE, PAGE);
	ASSERT_NE(NULL, self->page);
	ASSERT_EQ(0, mlock(self->page, PAGE));
}

FIXTURE_TEARDOWN(sleep)
{
	munmap(self->edu.bar, EDU_BAR_SIZE);
	vfio_close(&self->v);
}

/*
 * With lockdep, this Linux's nvme driver can't sleep (see suspend.sh): the disks
 * have no driver meanwhile.
 */
static void disks(const char *driver)
{
	struct pci_dev dev;
	unsigned int i;

	if (access("/proc/lockdep", F_OK))
		return;
	for (i = 0; !pci_find(&dev, PCI_ID_NVME, i); i++)
		pci_bind(&dev, driver);
}

static bool sleep_now(struct _test_data_sleep *self, void (*start)(void *arg))
{
	bool ok;

	disks("");
	ok = sleep_and_wake(4, start, self);
	disks(NULL);
	return ok;
}

static bool is_all(const char *area, char val)
{
	return area[0] == val && !memcmp(area, area + 1, PAGE - 1);
}

static bool master_is_on(struct _test_data_sleep *self)
{
	return vfio_cfg_read(self->v.device, PCI_COMMAND, 2) &
	       PCI_COMMAND_MASTER;
}

/* Fills the device's buffer, through a mapping that is gone afterwards. */
static bool load(struct _test_data_sleep *self, char val)
{
	bool ok;

	if (legacy_map(self->v.container, MIB, self->page, PAGE, MAP_RW))
		return false;
	memset(self->page, val, PAGE);
	ok = edu_dma_from(&self->edu, MIB, 0, EDU_BUF_SIZE);
	return legacy_unmap(self->v.container, MIB, PAGE) == PAGE && ok;
}

/* To a physical address: where it would go if nothing translated. */
static void write_stray(void *arg)
{
	struct _test_data_sleep *self = arg;

	edu_dma_start(&self->edu, sys_phys(self->page), 0, EDU_BUF_SIZE, true,
		      false);
}

TEST_F_TIMEOUT(sleep, dma_goes_nowhere, 120)
{
	unsigned int round;

	for (round = 0; round < ROUNDS; round++) {
		ASSERT_TRUE(load(self, STRAY));
		memset(self->page, CANARY, PAGE);
		ASSERT_NE(0, sys_phys(self->page));
		ASSERT_TRUE(sleep_now(self, write_stray));
		sys_sleep_ms(SETTLE_MS);
		EXPECT_TRUE(is_all(self->page, CANARY));
		/* Its user never switched it off. */
		EXPECT_TRUE(master_is_on(self));
	}
	/* And it still can do what it may. */
	ASSERT_TRUE(load(self, STRAY));
	memset(self->page, CANARY, PAGE);
	ASSERT_EQ(0,
		  legacy_map(self->v.container, MIB, self->page, PAGE, MAP_RW));
	ASSERT_TRUE(edu_dma_to(&self->edu, MIB, 0, EDU_BUF_SIZE));
	EXPECT_TRUE(is_all(self->page, STRAY));
}

/*
 * DMA all the time, half of it to addresses where nothing is mapped. User space is
 * frozen at any point of it.
 */
static void work(struct _test_data_sleep *self)
{
	unsigned int i;

	for (i = 0;; i++) {
		uint64_t iova = i & 1 ? MIB : (uint64_t)(i & 0xff) * PAGE;

		legacy_map(self->v.container, MIB, self->page, PAGE, MAP_RW);
		edu_dma_start(&self->edu, iova, 0, EDU_BUF_SIZE, true, false);
		if (!edu_dma_wait(&self->edu, 20000))
			_exit(1);
		legacy_unmap(self->v.container, MIB, PAGE);
	}
}

/* How often; more than a few are for whoever has the time. */
static unsigned int rounds_under_load(void)
{
	const char *rounds = getenv("SLEEP_ROUNDS");

	return rounds ? strtoul(rounds, NULL, 0) : 2;
}

TEST_F_TIMEOUT(sleep, under_load, 7200)
{
	unsigned int i, rounds = rounds_under_load();
	int child, status;

	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		work(self);
	for (i = 0; i < rounds; i++) {
		EXPECT_TRUE(sleep_now(self, NULL));
		/* It has found the device as it was: else it would have ended. */
		EXPECT_EQ(0, waitpid(child, &status, WNOHANG));
	}
	kill(child, SIGKILL);
	EXPECT_EQ(child, waitpid(child, &status, 0));
}

TEST_F_TIMEOUT(sleep, command_as_it_was, 120)
{
	int64_t command;

	ASSERT_EQ(0, vfio_command(self->v.device, 0,
				  PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY));
	command = vfio_cfg_read(self->v.device, PCI_COMMAND, 2);
	ASSERT_TRUE(sleep_now(self, NULL));
	EXPECT_EQ(command, vfio_cfg_read(self->v.device, PCI_COMMAND, 2));
	/* INTx is the kernel's to disable. */
	EXPECT_EQ(command, pci_cfg_read(&self->dev, PCI_COMMAND, 2) &
				   ~PCI_COMMAND_INTX_DISABLE);
	ASSERT_EQ(0, vfio_command(self->v.device,
				  PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY, 0));
	EXPECT_EQ(0x010000ed, edu_read(&self->edu, EDU_ID));
}

/* Bound, but in nobody's hands. */
TEST_F_TIMEOUT(sleep, not_open, 120)
{
	vfio_close(&self->v);
	ASSERT_EQ(0, pci_cfg_write(&self->dev, PCI_COMMAND, 2,
				   PCI_COMMAND_MASTER));
	ASSERT_TRUE(sleep_now(self, NULL));
	EXPECT_TRUE(pci_cfg_read(&self->dev, PCI_COMMAND, 2) &
		    PCI_COMMAND_MASTER);
	ASSERT_EQ(0, pci_cfg_write(&self->dev, PCI_COMMAND, 2, 0));
}

TEST_HARNESS_MAIN
