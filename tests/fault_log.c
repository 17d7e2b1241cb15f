// SPDX-License-Identifier: GPL-2.0-only
/*
 * What our IOMMU drivers log of faults: each is reported, a flood of them doesn't fill
 * the log, and afterwards the next one is reported again.
 */
#include "kselftest_harness.h"
#include "edu.h"
#include "sys.h"
#include "vfio.h"

#include <linux/pci_regs.h>
#include <sys/mman.h>

/* After so long without a report, the driver makes one for sure. */
#define FAULT_LIMIT_MS 5200

/* NVMe: registers, and a controller with an admin queue of two entries. */
#define NVME_CC 0x14
#define NVME_AQA 0x24
#define NVME_ASQ 0x28
#define NVME_ACQ 0x30
#define NVME_DOORBELL 0x1000
#define NVME_BAR_SIZE 0x2000
#define NVME_CC_ENABLE 0x00460001
#define NVME_AQA_TWO 0x00010001

FIXTURE(faults)
{
	struct vfio v;
	struct edu edu;
	int kmsg;
};

FIXTURE_SETUP(faults)
{
	struct pci_dev dev;

	ASSERT_EQ(0, pci_find_alone(&dev, PCI_ID_EDU, 0));
	ASSERT_EQ(0, vfio_open(&self->v, &dev, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, edu_attach(&self->edu, self->v.device));
	/* What other tests provoked must not use up this one's reports. */
	sys_sleep_ms(FAULT_LIMIT_MS);
	self->kmsg = kmsg_open();
	ASSERT_LE(0, self->kmsg);
}

FIXTURE_TEARDOWN(faults)
{
	close(self->kmsg);
	vfio_close(&self->v);
}

/* One DMA to where nothing is mapped; does the kernel report it? */
static bool reported(struct _test_data_faults *self, bool to_memory)
{
	edu_dma_start(&self->edu, 5 * MIB, 0, 64, to_memory, false);
	return edu_dma_wait(&self->edu, 5000) &&
	       pci_fault_wait(self->kmsg, self->v.pci.name, 1000);
}

TEST_F(faults, one_after_the_other)
{
	unsigned int i;

	for (i = 0; i < 6; i++)
		EXPECT_TRUE(reported(self, i & 1));
}

static void write32(void *reg, uint32_t val)
{
	__atomic_store_n((uint32_t *)reg, val, __ATOMIC_RELAXED);
}

static void write64(void *reg, uint64_t val)
{
	__atomic_store_n((uint64_t *)reg, val, __ATOMIC_RELAXED);
}

/* How many reports came since @kmsg was opened or last read. */
static unsigned int count_reports(int kmsg, const char *name)
{
	unsigned int count = 0;

	while (pci_fault_wait(kmsg, name, 0))
		count++;
	return count;
}

/*
 * A controller whose queue isn't mapped faults whenever its doorbell rings. The
 * log isn't flooded, and another device's fault is still reported afterwards.
 */
TEST_F(faults, flood)
{
	struct pci_dev dev;
	unsigned int i, count;
	struct vfio v;
	char *bar;

	ASSERT_EQ(0, pci_find_alone(&dev, PCI_ID_NVME, 1));
	ASSERT_EQ(0, vfio_open(&v, &dev, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, vfio_command(v.device,
				  PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0));
	bar = vfio_bar_map(v.device, 0, NVME_BAR_SIZE);
	ASSERT_NE(NULL, bar);
	write32(bar + NVME_AQA, NVME_AQA_TWO);
	write64(bar + NVME_ASQ, 16 * MIB);
	write64(bar + NVME_ACQ, 32 * MIB);
	write32(bar + NVME_CC, NVME_CC_ENABLE);
	for (i = 0; i < 50000; i++)
		write32(bar + NVME_DOORBELL, 1);
	sys_sleep_ms(500);
	count = count_reports(self->kmsg, dev.name);
	TH_LOG("%u lines", count);
	EXPECT_LT(0, count);
	EXPECT_GT(40, count);
	munmap(bar, NVME_BAR_SIZE);
	vfio_close(&v);
	pci_bind(&dev, NULL);

	sys_sleep_ms(FAULT_LIMIT_MS);
	EXPECT_TRUE(reported(self, true));
}

TEST_HARNESS_MAIN
