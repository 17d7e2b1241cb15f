// SPDX-License-Identifier: GPL-2.0-only
/*
 * What our VT-d driver says about faults: the device, the address, the access
 * and the reason, each as it was; for DMA and for interrupt requests; and for
 * the next fault as for the first. How many reports there are is fault_log.c's.
 */
#include "kselftest_harness.h"
#include "edu.h"
#include "sys.h"
#include "vfio.h"

/* After so long without a report, the driver makes one for sure. */
#define FAULT_LIMIT_MS 5200

/* VT-d specification, 7.1.3 and 5.1.4.1. */
#define REASON_WRITE 0x05
#define REASON_READ 0x06
#define REASON_IRQ_FIRST 0x20
#define REASON_IRQ_NOT_PRESENT 0x22
#define REASON_IRQ_LAST 0x26

/* An interrupt request in remappable format, 5.1.2.2. */
#define IRQ_ADDRESS 0xfee00000U
#define IRQ_REMAPPABLE 0x10U
#define IRQ_INDEX_SHIFT 5

/* Far beyond what this machine's interrupts take. */
#define IRQ_INDEX 0x7abc

FIXTURE(faults)
{
	struct vfio v;
	struct edu edu;
	int kmsg;
	char *page;
};

FIXTURE_SETUP(faults)
{
	struct pci_dev dev;

	ASSERT_EQ(0, pci_find_alone(&dev, PCI_ID_EDU, 0));
	ASSERT_EQ(0, vfio_open(&self->v, &dev, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, edu_attach(&self->edu, self->v.device));
	self->page = sys_alloc(PAGE, PAGE);
	ASSERT_NE(NULL, self->page);
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

/*
 * One DMA of 64 bytes at @iova; does the kernel report it so? The hardware
 * tells the page.
 */
static bool reported(struct __test_metadata *_metadata,
		     struct _test_data_faults *self, uint64_t iova,
		     bool to_memory, unsigned int reason)
{
	char what[128], why[32];

	snprintf(what, sizeof(what),
		 "sluice vtd: dmar0: DMA %s by %s, fault addr 0x%llx: ",
		 to_memory ? "write" : "read", self->v.pci.name,
		 (unsigned long long)(iova & ~(PAGE - 1)));
	snprintf(why, sizeof(why), " (reason 0x%02x)\n", reason);
	edu_dma_start(&self->edu, iova, 0, 64, to_memory, false);
	if (!edu_dma_wait(&self->edu, 5000))
		return false;
	if (kmsg_wait(self->kmsg, what, why, 1000))
		return true;
	TH_LOG("missing: %s...%s", what, why);
	return false;
}

TEST_F(faults, nothing_mapped)
{
	EXPECT_TRUE(reported(_metadata, self, 5 * MIB, true, REASON_WRITE));
	EXPECT_TRUE(reported(_metadata, self, 6 * MIB, false, REASON_READ));
	EXPECT_TRUE(
		reported(_metadata, self, 0x1234567800, true, REASON_WRITE));
	EXPECT_TRUE(
		reported(_metadata, self, 0x1234567800, false, REASON_READ));
}

/* The write comes first: QEMU faults only if nothing is cached. */
TEST_F(faults, mapped_read_only)
{
	memset(self->page, 0x31, PAGE);
	ASSERT_EQ(0, vfio_map(self->v.container, MIB, self->page, PAGE, MAP_R));
	EXPECT_TRUE(reported(_metadata, self, MIB + 64, true, REASON_WRITE));
	EXPECT_EQ(0x31, self->page[64]);
	EXPECT_EQ(0, memcmp(self->page, self->page + 1, PAGE - 1));
}

/* More than there are records for: each of these is reported by itself. */
TEST_F(faults, one_after_the_other)
{
	unsigned int i;

	for (i = 0; i < 6; i++)
		EXPECT_TRUE(reported(_metadata, self, (10 + i) * MIB, i & 1,
				     i & 1 ? REASON_WRITE : REASON_READ));
}

/* Another device's fault is told from the first one's. */
TEST_F(faults, by_another_device)
{
	struct pci_dev dev;
	struct vfio first = self->v;
	struct edu edu = self->edu;

	ASSERT_TRUE(reported(_metadata, self, 5 * MIB, true, REASON_WRITE));
	ASSERT_EQ(0, pci_find_alone(&dev, PCI_ID_EDU, 1));
	ASSERT_EQ(0, vfio_open(&self->v, &dev, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, edu_attach(&self->edu, self->v.device));
	EXPECT_TRUE(reported(_metadata, self, 5 * MIB, true, REASON_WRITE));
	vfio_close(&self->v);
	self->v = first;
	self->edu = edu;
	EXPECT_TRUE(reported(_metadata, self, 5 * MIB, true, REASON_WRITE));
}

/*
 * A device writes to where interrupts are requested. QEMU doesn't know then
 * which device it was (it is no MSI of the device's), so that isn't checked.
 */
TEST_F(faults, interrupt_request)
{
	const uint32_t address = IRQ_ADDRESS | IRQ_REMAPPABLE |
				 IRQ_INDEX << IRQ_INDEX_SHIFT;
	char what[64], why[32];

	snprintf(what, sizeof(what), ", fault index 0x%x: ", IRQ_INDEX);
	snprintf(why, sizeof(why), " (reason 0x%02x)\n",
		 REASON_IRQ_NOT_PRESENT);
	edu_dma_start(&self->edu, address, 0, 4, true, false);
	ASSERT_TRUE(edu_dma_wait(&self->edu, 5000));
	EXPECT_TRUE(kmsg_wait(self->kmsg, what, why, 1000));

	/* And it was no DMA fault, which would come next. */
	EXPECT_TRUE(reported(_metadata, self, 5 * MIB, true, REASON_WRITE));
}

TEST_HARNESS_MAIN
