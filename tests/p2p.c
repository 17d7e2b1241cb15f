// SPDX-License-Identifier: GPL-2.0-only
/*
 * Peer-to-peer: one edu's DMA into another one's BAR, mapped like memory, and
 * what becomes of it when that BAR goes away.
 *
 * The peer (upstream VFIO) leaves such mappings in place when memory decode
 * goes off, on a reset and on close; there only the mapping itself is tested.
 */
#include "kselftest_harness.h"
#include "edu.h"
#include "legacy.h"
#include "sys.h"
#include "vfio.h"

#include <linux/pci_regs.h>

#define BAR_IOVA (256 * MIB)
#define FAULT_LIMIT_MS 5200
/* For IOMMUs whose driver needs memory to map a BAR again. */
#define RETURN_LIMIT_MS 1000

FIXTURE(p2p)
{
	struct vfio v[2];
	struct edu edu[2]; /* 0 does DMA, to the BAR of 1 */
	int c;
	int kmsg;
	char *ram; /* a page at IOVA MIB */
};

FIXTURE_SETUP(p2p)
{
	struct pci_dev dev[2];

	if (legacy_is_spapr())
		SKIP(return, "POWER's legacy type has no device memory");
	ASSERT_EQ(0, pci_find_alone(&dev[0], PCI_ID_EDU, 0));
	ASSERT_EQ(0, pci_find_alone(&dev[1], PCI_ID_EDU, 1));
	ASSERT_EQ(0, vfio_open(&self->v[0], &dev[0], VFIO_TYPE1v2_IOMMU));
	self->c = self->v[0].container;
	ASSERT_EQ(0, vfio_join(&self->v[1], &dev[1], dup(self->c)));
	ASSERT_EQ(0, edu_attach(&self->edu[0], self->v[0].device));
	ASSERT_EQ(0, edu_attach(&self->edu[1], self->v[1].device));
	self->kmsg = kmsg_open();
	ASSERT_LE(0, self->kmsg);
	self->ram = sys_alloc(PAGE, PAGE);
	ASSERT_NE(NULL, self->ram);
	ASSERT_EQ(0, vfio_map(self->c, MIB, self->ram, PAGE, MAP_RW));
}

FIXTURE_TEARDOWN(p2p)
{
	vfio_close(&self->v[0]);
	vfio_close(&self->v[1]);
}

static int map_bar(struct _test_data_p2p *self, uint64_t size)
{
	return vfio_map(self->c, BAR_IOVA, self->edu[1].bar, size, MAP_RW);
}

/* Device 0 writes @val to the liveness register (which inverts) of device 1. */
static bool poke(struct _test_data_p2p *self, uint32_t val)
{
	memcpy(self->ram, &val, sizeof(val));
	return edu_dma_from(&self->edu[0], MIB, 0, sizeof(val)) &&
	       edu_dma_to(&self->edu[0], BAR_IOVA + EDU_LIVENESS, 0,
			  sizeof(val));
}

/* Does the next DMA to the BAR fault, with device 0 named? */
static bool poke_faults(struct _test_data_p2p *self)
{
	int attempt;

	for (attempt = 0; attempt < 2; attempt++) {
		if (attempt)
			sys_sleep_ms(FAULT_LIMIT_MS);
		if (!poke(self, 1))
			return false;
		if (pci_fault_wait(self->kmsg, self->v[0].pci.name, 500))
			return true;
	}
	return false;
}

/* Does device 1 see what device 0 writes to its BAR, soon at the latest? */
static bool poke_arrives(struct _test_data_p2p *self, uint32_t val)
{
	int attempt;

	for (attempt = 0; attempt < RETURN_LIMIT_MS; attempt++) {
		if (attempt)
			sys_sleep_ms(1);
		if (!poke(self, val))
			return false;
		if (edu_read(&self->edu[1], EDU_LIVENESS) == ~val)
			return true;
	}
	return false;
}

static int decode(struct _test_data_p2p *self, bool on)
{
	return vfio_command(self->v[1].device, on ? PCI_COMMAND_MEMORY : 0,
			    on ? 0 : PCI_COMMAND_MEMORY);
}

TEST_F(p2p, reaches_the_other_device)
{
	long locked = sys_locked_kib(), pins = sys_pins();

	ASSERT_EQ(0, map_bar(self, EDU_BAR_SIZE));
	/* Device memory isn't the user's locked memory. */
	EXPECT_LOCKED(locked);
	EXPECT_EQ(pins, sys_pins());
	ASSERT_TRUE(poke(self, 0x12345678));
	EXPECT_EQ(~0x12345678U, edu_read(&self->edu[1], EDU_LIVENESS));
	EXPECT_EQ(EDU_BAR_SIZE, vfio_unmap(self->c, BAR_IOVA, EDU_BAR_SIZE));
}

TEST_F(p2p, page_by_page)
{
	uint64_t off;

	for (off = 0; off < 8 * PAGE; off += PAGE)
		ASSERT_EQ(0, vfio_map(self->c, BAR_IOVA + off,
				      self->edu[1].bar + off, PAGE, MAP_RW));
	ASSERT_TRUE(poke(self, 0x11223344));
	EXPECT_EQ(~0x11223344U, edu_read(&self->edu[1], EDU_LIVENESS));
	EXPECT_EQ(8 * PAGE, vfio_unmap(self->c, BAR_IOVA, 8 * PAGE));
}

TEST_F(p2p, unmap_ends_it)
{
	ASSERT_EQ(0, map_bar(self, PAGE));
	ASSERT_TRUE(poke(self, 0x55));
	EXPECT_EQ(~0x55U, edu_read(&self->edu[1], EDU_LIVENESS));
	EXPECT_EQ(PAGE, vfio_unmap(self->c, BAR_IOVA, PAGE));
	EXPECT_TRUE(poke_faults(self));
	EXPECT_EQ(~0x55U, edu_read(&self->edu[1], EDU_LIVENESS));
}

/* A range of which a part is device memory and the rest is not there. */
TEST_F(p2p, past_the_end_of_the_bar)
{
	char *area;

	area = mmap(NULL, 2 * EDU_BAR_SIZE, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, area);
	ASSERT_EQ(area, mmap(area, EDU_BAR_SIZE, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_FIXED, self->v[1].device, 0));
	EXPECT_EQ(-EFAULT,
		  vfio_map(self->c, BAR_IOVA, area, 2 * EDU_BAR_SIZE, MAP_RW));
	EXPECT_EQ(0, vfio_unmap(self->c, BAR_IOVA, 2 * EDU_BAR_SIZE));
	EXPECT_EQ(0, vfio_map(self->c, BAR_IOVA, area, EDU_BAR_SIZE, MAP_RW));
}

TEST_F(p2p, user_mapping_gone)
{
	ASSERT_EQ(0, map_bar(self, EDU_BAR_SIZE));
	ASSERT_EQ(0, munmap(self->edu[1].bar, EDU_BAR_SIZE));
	self->edu[1].bar = vfio_bar_map(self->v[1].device, 0, EDU_BAR_SIZE);
	ASSERT_NE(NULL, self->edu[1].bar);
	ASSERT_TRUE(poke(self, 0x77));
	EXPECT_EQ(~0x77U, edu_read(&self->edu[1], EDU_LIVENESS));
	EXPECT_EQ(EDU_BAR_SIZE, vfio_unmap(self->c, BAR_IOVA, EDU_BAR_SIZE));
}

/* What a guest does that looks for the BAR's size. */
TEST_F(p2p, memory_decode_off_and_on)
{
	if (sys_is_peer())
		SKIP(return, "the peer leaves the mapping in place");
	ASSERT_EQ(0, map_bar(self, EDU_BAR_SIZE));
	ASSERT_TRUE(poke(self, 0x66));
	ASSERT_EQ(0, decode(self, false));
	EXPECT_TRUE(poke_faults(self));
	/* Its place is taken. */
	EXPECT_EQ(-EEXIST,
		  vfio_map(self->c, BAR_IOVA + PAGE, self->ram, PAGE, MAP_RW));
	EXPECT_EQ(-EEXIST, map_bar(self, EDU_BAR_SIZE));
	ASSERT_EQ(0, decode(self, true));
	EXPECT_TRUE(poke_arrives(self, 0x99));
	/* Once more, and nobody needs the user's mapping for it. */
	ASSERT_EQ(0, decode(self, false));
	EXPECT_TRUE(poke_faults(self));
	ASSERT_EQ(0, decode(self, true));
	EXPECT_TRUE(poke_arrives(self, 0xaa));
	EXPECT_EQ(EDU_BAR_SIZE, vfio_unmap(self->c, BAR_IOVA, EDU_BAR_SIZE));
	EXPECT_TRUE(poke_faults(self));
	EXPECT_EQ(~0xaaU, edu_read(&self->edu[1], EDU_LIVENESS));
}

TEST_F(p2p, unmapped_while_decode_is_off)
{
	if (sys_is_peer())
		SKIP(return, "the peer leaves the mapping in place");
	ASSERT_EQ(0, map_bar(self, EDU_BAR_SIZE));
	ASSERT_EQ(0, decode(self, false));
	EXPECT_EQ(EDU_BAR_SIZE, vfio_unmap(self->c, BAR_IOVA, EDU_BAR_SIZE));
	EXPECT_EQ(-EFAULT, map_bar(self, EDU_BAR_SIZE));
	ASSERT_EQ(0, vfio_map(self->c, BAR_IOVA, self->ram, PAGE, MAP_RW));
	EXPECT_EQ(PAGE, vfio_unmap(self->c, BAR_IOVA, PAGE));
	ASSERT_EQ(0, decode(self, true));
	EXPECT_TRUE(poke_faults(self));
	ASSERT_EQ(0, map_bar(self, EDU_BAR_SIZE));
	EXPECT_TRUE(poke_arrives(self, 0xbb));
}

TEST_F(p2p, reset)
{
	ASSERT_EQ(0, map_bar(self, EDU_BAR_SIZE));
	ASSERT_TRUE(poke(self, 0xcc));
	ASSERT_EQ(0, vfio_ioctl(self->v[1].device, VFIO_DEVICE_RESET, NULL));
	EXPECT_TRUE(poke_arrives(self, 0xdd));
	EXPECT_EQ(EDU_BAR_SIZE, vfio_unmap(self->c, BAR_IOVA, EDU_BAR_SIZE));
}

TEST_F(p2p, close_ends_it)
{
	struct pci_dev dev = self->v[1].pci;

	if (sys_is_peer())
		SKIP(return, "the peer leaves the mapping in place");
	ASSERT_EQ(0, map_bar(self, EDU_BAR_SIZE));
	munmap(self->edu[1].bar, EDU_BAR_SIZE);
	vfio_close(&self->v[1]);
	EXPECT_TRUE(poke_faults(self));
	/* Who opens the device next may be somebody else. */
	ASSERT_EQ(0, vfio_join(&self->v[1], &dev, dup(self->c)));
	ASSERT_EQ(0, edu_attach(&self->edu[1], self->v[1].device));
	EXPECT_TRUE(poke_faults(self));
	EXPECT_EQ(-EEXIST, map_bar(self, EDU_BAR_SIZE));
	EXPECT_EQ(EDU_BAR_SIZE, vfio_unmap(self->c, BAR_IOVA, EDU_BAR_SIZE));
	ASSERT_EQ(0, map_bar(self, EDU_BAR_SIZE));
	EXPECT_TRUE(poke_arrives(self, 0xee));
}

TEST_HARNESS_MAIN
