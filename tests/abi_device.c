// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device half of the VFIO ABI: what a device fd tells of the device,
 * regions by read, write and mmap, the virtualised configuration space,
 * SET_IRQS, reset. What reaches the hardware is checked in sysfs.
 *
 * Needs an "edu" (conventional PCI, MSI) and an nvme (PCIe, MSI-X).
 */
#include "kselftest_harness.h"
#include "edu.h"
#include "legacy.h"
#include "sys.h"
#include "vfio.h"

#include <fcntl.h>
#include <linux/pci_regs.h>
#include <signal.h>
#include <setjmp.h>
#include <sys/eventfd.h>

#define BAR0 PCI_BASE_ADDRESS_0

FIXTURE(device)
{
	struct vfio v;
	struct pci_dev pci;
	int fd; /* v.device, for brevity */
	bool pcie;
};

FIXTURE_VARIANT(device)
{
	uint32_t id;
};

/* The tool takes these for initialisers. */
/* clang-format off */
FIXTURE_VARIANT_ADD(device, edu) {
	.id = PCI_ID_EDU,
};

FIXTURE_VARIANT_ADD(device, nvme) {
	.id = PCI_ID_NVME,
};

/* clang-format on */

FIXTURE_SETUP(device)
{
	ASSERT_EQ(0, pci_find_alone(&self->pci, variant->id, 0));
	ASSERT_EQ(0, legacy_open(&self->v, &self->pci));
	self->fd = self->v.device;
	self->pcie = pci_cap(&self->pci, PCI_CAP_ID_EXP) != 0;
	ASSERT_EQ(0, vfio_command(self->fd, PCI_COMMAND_MEMORY, 0));
}

FIXTURE_TEARDOWN(device)
{
	vfio_close(&self->v);
}

/* Where it is alone on the root bus, conventional PCI has no way to do that. */
static bool can_reset(const struct pci_dev *dev)
{
	char path[128], methods[64];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/reset_method",
		 dev->name);
	return sys_read(path, methods, sizeof(methods)) > 0;
}

TEST_F(device, info)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };

	ASSERT_EQ(0, vfio_ioctl(self->fd, VFIO_DEVICE_GET_INFO, &info));
	EXPECT_TRUE(info.flags & VFIO_DEVICE_FLAGS_PCI);
	EXPECT_EQ(can_reset(&self->pci),
		  !!(info.flags & VFIO_DEVICE_FLAGS_RESET));
	EXPECT_LE(VFIO_PCI_NUM_REGIONS, info.num_regions);
	EXPECT_EQ(VFIO_PCI_NUM_IRQS, info.num_irqs);

	/* The structure as it was before capabilities existed. */
	info.argsz = offsetof(struct vfio_device_info, cap_offset);
	info.cap_offset = 0x5a5a5a5a;
	ASSERT_EQ(0, vfio_ioctl(self->fd, VFIO_DEVICE_GET_INFO, &info));
	EXPECT_EQ(0x5a5a5a5a, info.cap_offset);
}

/* DPDK computes offsets itself. */
TEST_F(device, region_offsets)
{
	struct vfio_region_info info;
	uint64_t i;

	for (i = 0; i <= VFIO_PCI_CONFIG_REGION_INDEX; i++) {
		ASSERT_EQ(0, vfio_region(self->fd, i, &info));
		EXPECT_EQ(i << 40, info.offset);
		EXPECT_EQ(i, info.index);
	}
	EXPECT_EQ(-EINVAL,
		  vfio_region(self->fd, VFIO_PCI_VGA_REGION_INDEX, &info));
	EXPECT_EQ(-EINVAL, vfio_region(self->fd, VFIO_PCI_NUM_REGIONS, &info));
}

TEST_F(device, region_sizes)
{
	struct vfio_region_info info;
	uint64_t start, size;
	int i;

	for (i = 0; i < 6; i++) {
		ASSERT_EQ(0, pci_resource(&self->pci, i, &start, &size));
		ASSERT_EQ(0, vfio_region(self->fd, i, &info));
		EXPECT_EQ(size, info.size);
		EXPECT_EQ(size ? VFIO_REGION_INFO_FLAG_READ |
					  VFIO_REGION_INFO_FLAG_WRITE |
					  VFIO_REGION_INFO_FLAG_MMAP :
				 0,
			  info.flags & 7);
	}
	ASSERT_EQ(0,
		  vfio_region(self->fd, VFIO_PCI_CONFIG_REGION_INDEX, &info));
	EXPECT_EQ(self->pcie ? 4096 : 256, info.size);
	EXPECT_EQ(VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE,
		  info.flags);
}

TEST_F(device, msix_table_is_mappable)
{
	union {
		struct vfio_region_info info;
		char bytes[256];
	} u = { .info.argsz = sizeof(struct vfio_region_info) };
	struct vfio_info_cap_header *head;

	if (!pci_cap(&self->pci, PCI_CAP_ID_MSIX))
		SKIP(return, "no MSI-X");
	ASSERT_EQ(0, vfio_ioctl(self->fd, VFIO_DEVICE_GET_REGION_INFO, &u));
	EXPECT_TRUE(u.info.flags & VFIO_REGION_INFO_FLAG_CAPS);
	EXPECT_EQ(0, u.info.cap_offset);
	EXPECT_LT(sizeof(u.info), u.info.argsz);
	ASSERT_GE(sizeof(u), u.info.argsz);
	ASSERT_EQ(0, vfio_ioctl(self->fd, VFIO_DEVICE_GET_REGION_INFO, &u));
	ASSERT_LE(sizeof(u.info), u.info.cap_offset);
	head = (void *)(u.bytes + u.info.cap_offset);
	EXPECT_EQ(VFIO_REGION_INFO_CAP_MSIX_MAPPABLE, head->id);
}

static int irq_info(int fd, unsigned int index, struct vfio_irq_info *info)
{
	memset(info, 0, sizeof(*info));
	info->argsz = sizeof(*info);
	info->index = index;
	return vfio_ioctl(fd, VFIO_DEVICE_GET_IRQ_INFO, info);
}

TEST_F(device, irq_info)
{
	const int both = VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED;
	struct vfio_irq_info info;
	int ret;

	ASSERT_EQ(0, irq_info(self->fd, VFIO_PCI_INTX_IRQ_INDEX, &info));
	EXPECT_EQ(1, info.count);
	EXPECT_EQ(VFIO_IRQ_INFO_EVENTFD | both, info.flags);

	ASSERT_EQ(0, irq_info(self->fd, VFIO_PCI_MSI_IRQ_INDEX, &info));
	EXPECT_EQ(pci_cap(&self->pci, PCI_CAP_ID_MSI) != 0, info.count);
	EXPECT_EQ(VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_NORESIZE, info.flags);

	ASSERT_EQ(0, irq_info(self->fd, VFIO_PCI_MSIX_IRQ_INDEX, &info));
	EXPECT_TRUE(info.flags & VFIO_IRQ_INFO_EVENTFD);
	EXPECT_EQ(pci_cap(&self->pci, PCI_CAP_ID_MSIX) != 0, info.count > 0);

	ret = irq_info(self->fd, VFIO_PCI_ERR_IRQ_INDEX, &info);
	EXPECT_EQ(self->pcie ? 0 : -EINVAL, ret);
	ASSERT_EQ(0, irq_info(self->fd, VFIO_PCI_REQ_IRQ_INDEX, &info));
	EXPECT_EQ(1, info.count);
	EXPECT_EQ(-EINVAL, irq_info(self->fd, VFIO_PCI_NUM_IRQS, &info));
}

TEST_F(device, config_reads)
{
	unsigned int end = self->pcie ? 4096 : 256;
	uint8_t buf[64];

	EXPECT_EQ(self->pci.vendor, vfio_cfg_read(self->fd, PCI_VENDOR_ID, 2));
	EXPECT_EQ(self->pci.device, vfio_cfg_read(self->fd, PCI_DEVICE_ID, 2));
	EXPECT_EQ(variant->id, vfio_cfg_read(self->fd, PCI_VENDOR_ID, 4));
	EXPECT_EQ(self->pci.vendor >> 8, vfio_cfg_read(self->fd, 1, 1));
	/* Not aligned: the low byte is the vendor's upper one. */
	EXPECT_EQ(self->pci.vendor >> 8 | (self->pci.device & 0xff) << 8,
		  vfio_cfg_read(self->fd, 1, 2));
	EXPECT_EQ(64, pread(self->fd, buf, 64,
			    (off_t)VFIO_PCI_CONFIG_REGION_INDEX << 40));
	EXPECT_LE(0, vfio_cfg_read(self->fd, end - 4, 4));
	EXPECT_EQ(-1, vfio_cfg_read(self->fd, end, 1));
	EXPECT_EQ(-1, vfio_cfg_read(self->fd, end - 2, 4));
}

TEST_F(device, read_only_registers)
{
	EXPECT_EQ(0, vfio_cfg_write(self->fd, PCI_VENDOR_ID, 4, 0xdeadbeef));
	EXPECT_EQ(self->pci.vendor, vfio_cfg_read(self->fd, PCI_VENDOR_ID, 2));
	EXPECT_EQ(0, vfio_cfg_write(self->fd, PCI_CLASS_REVISION, 4, 0));
	EXPECT_EQ(pci_cfg_read(&self->pci, PCI_CLASS_REVISION, 4),
		  vfio_cfg_read(self->fd, PCI_CLASS_REVISION, 4));
	EXPECT_EQ(0, vfio_cfg_write(self->fd, PCI_HEADER_TYPE, 1, 1));
	EXPECT_EQ(pci_cfg_read(&self->pci, PCI_HEADER_TYPE, 1),
		  vfio_cfg_read(self->fd, PCI_HEADER_TYPE, 1));
}

TEST_F(device, bar_sizing)
{
	int64_t before = vfio_cfg_read(self->fd, BAR0, 4);
	int64_t real = pci_cfg_read(&self->pci, BAR0, 4);
	uint64_t start, size;

	ASSERT_EQ(0, pci_resource(&self->pci, 0, &start, &size));
	EXPECT_EQ(real & 0xf, before & 0xf);
	ASSERT_EQ(0, vfio_cfg_write(self->fd, BAR0, 4, 0xffffffff));
	EXPECT_EQ((0x100000000 - size) | (before & 0xf),
		  vfio_cfg_read(self->fd, BAR0, 4));
	EXPECT_EQ(real, pci_cfg_read(&self->pci, BAR0, 4));
	ASSERT_EQ(0, vfio_cfg_write(self->fd, BAR0, 4, before));
	EXPECT_EQ(before, vfio_cfg_read(self->fd, BAR0, 4));

	/* BAR 5 of neither exists. */
	ASSERT_EQ(0,
		  vfio_cfg_write(self->fd, PCI_BASE_ADDRESS_5, 4, 0xffffffff));
	EXPECT_EQ(0, vfio_cfg_read(self->fd, PCI_BASE_ADDRESS_5, 4));
	ASSERT_EQ(0, vfio_cfg_write(self->fd, PCI_ROM_ADDRESS, 4, 0xffffffff));
	EXPECT_EQ(pci_cfg_read(&self->pci, PCI_ROM_ADDRESS, 4) & ~1U,
		  pci_cfg_read(&self->pci, PCI_ROM_ADDRESS, 4));
}

/* A user who moves a BAR sees it moved; the hardware stays where it is. */
TEST_F(device, bar_moves_only_virtually)
{
	int64_t real = pci_cfg_read(&self->pci, BAR0, 4);
	uint64_t start, size;
	uint32_t a = 0, b = 0;

	ASSERT_EQ(0, pci_resource(&self->pci, 0, &start, &size));
	ASSERT_EQ(4, pread(self->fd, &a, 4, 0));
	ASSERT_EQ(0, vfio_cfg_write(self->fd, BAR0, 4, 0xa0000000));
	EXPECT_EQ(0xa0000000 | (real & 0xf), vfio_cfg_read(self->fd, BAR0, 4));
	EXPECT_EQ(real, pci_cfg_read(&self->pci, BAR0, 4));
	ASSERT_EQ(4, pread(self->fd, &b, 4, 0));
	EXPECT_EQ(a, b);
	EXPECT_EQ(0, vfio_cfg_write(self->fd, BAR0 + 2, 2, 0xb000));
	EXPECT_EQ(0xb0000000 | (real & 0xf), vfio_cfg_read(self->fd, BAR0, 4));
	EXPECT_EQ(real, pci_cfg_read(&self->pci, BAR0, 4));
}

TEST_F(device, interrupt_registers)
{
	int64_t line = pci_cfg_read(&self->pci, PCI_INTERRUPT_LINE, 1);

	EXPECT_EQ(1, vfio_cfg_read(self->fd, PCI_INTERRUPT_PIN, 1));
	EXPECT_EQ(0, vfio_cfg_write(self->fd, PCI_INTERRUPT_PIN, 1, 3));
	EXPECT_EQ(1, vfio_cfg_read(self->fd, PCI_INTERRUPT_PIN, 1));
	EXPECT_EQ(0, vfio_cfg_write(self->fd, PCI_INTERRUPT_LINE, 1, 0x5a));
	EXPECT_EQ(0x5a, vfio_cfg_read(self->fd, PCI_INTERRUPT_LINE, 1));
	EXPECT_EQ(line, pci_cfg_read(&self->pci, PCI_INTERRUPT_LINE, 1));
}

TEST_F(device, bus_master_reaches_hardware)
{
	ASSERT_EQ(0, vfio_command(self->fd, 0, PCI_COMMAND_MASTER));
	EXPECT_FALSE(pci_cfg_read(&self->pci, PCI_COMMAND, 2) &
		     PCI_COMMAND_MASTER);
	ASSERT_EQ(0, vfio_command(self->fd, PCI_COMMAND_MASTER, 0));
	EXPECT_TRUE(pci_cfg_read(&self->pci, PCI_COMMAND, 2) &
		    PCI_COMMAND_MASTER);
}

/* The user can't send the device's messages where he likes. */
TEST_F(device, msi_capability_is_virtual)
{
	unsigned int pos = pci_cap(&self->pci, PCI_CAP_ID_MSI);
	unsigned int i;
	int64_t real;

	if (!pos)
		SKIP(return, "no MSI");
	for (i = PCI_MSI_ADDRESS_LO; i <= PCI_MSI_ADDRESS_HI; i += 4) {
		real = pci_cfg_read(&self->pci, pos + i, 4);
		EXPECT_EQ(0, vfio_cfg_write(self->fd, pos + i, 4, 0xfee01234));
		EXPECT_EQ(real, pci_cfg_read(&self->pci, pos + i, 4));
	}
	real = pci_cfg_read(&self->pci, pos + PCI_MSI_DATA_64, 4);
	EXPECT_EQ(0, vfio_cfg_write(self->fd, pos + PCI_MSI_DATA_64, 2, 0x5a));
	EXPECT_EQ(0x5a, vfio_cfg_read(self->fd, pos + PCI_MSI_DATA_64, 2));
	EXPECT_EQ(real, pci_cfg_read(&self->pci, pos + PCI_MSI_DATA_64, 4));
	/* The peer passes the extended message data on to the hardware. */
	if (!sys_is_peer()) {
		EXPECT_EQ(0, vfio_cfg_write(self->fd, pos + PCI_MSI_DATA_64, 4,
					    0x12345678));
		EXPECT_EQ(real,
			  pci_cfg_read(&self->pci, pos + PCI_MSI_DATA_64, 4));
	}
	EXPECT_EQ(0xfee01234 & ~3U,
		  vfio_cfg_read(self->fd, pos + PCI_MSI_ADDRESS_LO, 4) & ~3U);
	EXPECT_EQ(0, vfio_cfg_write(self->fd, pos + PCI_MSI_FLAGS, 2,
				    PCI_MSI_FLAGS_ENABLE));
	EXPECT_FALSE(pci_cfg_read(&self->pci, pos + PCI_MSI_FLAGS, 2) &
		     PCI_MSI_FLAGS_ENABLE);
}

TEST_F(device, msix_enable_is_virtual)
{
	unsigned int pos = pci_cap(&self->pci, PCI_CAP_ID_MSIX);

	if (!pos)
		SKIP(return, "no MSI-X");
	EXPECT_EQ(0, vfio_cfg_write(self->fd, pos + PCI_MSIX_FLAGS, 2,
				    PCI_MSIX_FLAGS_ENABLE));
	EXPECT_FALSE(pci_cfg_read(&self->pci, pos + PCI_MSIX_FLAGS, 2) &
		     PCI_MSIX_FLAGS_ENABLE);
}

/* With memory decode off nothing reaches the BAR, and nothing hangs. */
static sigjmp_buf bus_error;

static void on_bus_error(int sig)
{
	siglongjmp(bus_error, sig);
}

static bool touch_faults(const void *addr)
{
	uint32_t *reg = (uint32_t *)addr;

	signal(SIGBUS, on_bus_error);
	if (sigsetjmp(bus_error, 1))
		return true;
	(void)__atomic_load_n(reg, __ATOMIC_RELAXED);
	return false;
}

TEST_F(device, memory_decode_off)
{
	uint32_t val = 0, again = 0;
	void *bar;

	bar = vfio_bar_map(self->fd, 0, PAGE);
	ASSERT_NE(NULL, bar);
	ASSERT_EQ(4, pread(self->fd, &val, 4, 0));
	EXPECT_FALSE(touch_faults(bar));
	ASSERT_EQ(0, vfio_command(self->fd, 0, PCI_COMMAND_MEMORY));
	EXPECT_EQ(-1, pread(self->fd, &again, 4, 0));
	EXPECT_EQ(EIO, errno);
	EXPECT_EQ(-1, pwrite(self->fd, &again, 4, 0));
	EXPECT_TRUE(touch_faults(bar));
	ASSERT_EQ(0, vfio_command(self->fd, PCI_COMMAND_MEMORY, 0));
	ASSERT_EQ(4, pread(self->fd, &again, 4, 0));
	EXPECT_EQ(val, again);
	EXPECT_FALSE(touch_faults(bar));
}

TEST_F(device, bar_by_read_and_mmap)
{
	struct vfio_region_info info;
	uint32_t val = 0;
	void *bar;

	ASSERT_EQ(0, vfio_region(self->fd, 0, &info));
	bar = vfio_bar_map(self->fd, 0, info.size);
	ASSERT_NE(NULL, bar);
	ASSERT_EQ(4, pread(self->fd, &val, 4, 0));
	EXPECT_EQ(val, *(uint32_t *)bar);
	EXPECT_EQ(-1, pread(self->fd, &val, 4, info.size));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, pread(self->fd, &val, 0, 0));
	EXPECT_EQ(-1, pread(self->fd, &val, 4, 2LL << 40));
	EXPECT_EQ(NULL, vfio_bar_map(self->fd, 0, info.size + PAGE));
	EXPECT_EQ(NULL, vfio_bar_map(self->fd, 2, PAGE));
	EXPECT_EQ(NULL,
		  vfio_bar_map(self->fd, VFIO_PCI_CONFIG_REGION_INDEX, PAGE));
	EXPECT_EQ(MAP_FAILED,
		  mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, self->fd, 0));
}

static bool signalled(int efd)
{
	return sys_signals(efd, 0) != 0;
}

#define TRIGGER VFIO_IRQ_SET_ACTION_TRIGGER

/* DATA_NONE with a count sends the eventfd as the device would. */
TEST_F(device, irq_loopback)
{
	bool msix = pci_cap(&self->pci, PCI_CAP_ID_MSIX) != 0;
	unsigned int index = msix ? VFIO_PCI_MSIX_IRQ_INDEX :
				    VFIO_PCI_MSI_IRQ_INDEX;
	unsigned int other = VFIO_PCI_INTX_IRQ_INDEX;
	unsigned int pos =
		pci_cap(&self->pci, msix ? PCI_CAP_ID_MSIX : PCI_CAP_ID_MSI);
	unsigned int on = msix ? PCI_MSIX_FLAGS_ENABLE : PCI_MSI_FLAGS_ENABLE;
	int efd = eventfd(0, EFD_NONBLOCK), none = -1;

	/* Not set up yet. */
	EXPECT_EQ(-EINVAL, vfio_irqs(self->fd, index, TRIGGER, 0, 1, NULL));
	ASSERT_EQ(0, vfio_irqs(self->fd, index, TRIGGER, 0, 1, &efd));
	EXPECT_TRUE(pci_cfg_read(&self->pci, pos + 2, 2) & on);
	EXPECT_FALSE(signalled(efd));
	EXPECT_EQ(0, vfio_irqs(self->fd, index, TRIGGER, 0, 1, NULL));
	EXPECT_TRUE(signalled(efd));
	/* One kind at a time. */
	EXPECT_EQ(-EINVAL, vfio_irqs(self->fd, other, TRIGGER, 0, 1, &efd));
	EXPECT_EQ(-ENOTTY, vfio_irqs(self->fd, index, VFIO_IRQ_SET_ACTION_MASK,
				     0, 1, NULL));
	EXPECT_EQ(0, vfio_irqs(self->fd, index, TRIGGER, 0, 1, &none));
	EXPECT_EQ(0, vfio_irqs(self->fd, index, TRIGGER, 0, 1, NULL));
	EXPECT_FALSE(signalled(efd));
	EXPECT_EQ(0, vfio_irqs(self->fd, index, TRIGGER, 0, 0, NULL));
	EXPECT_FALSE(pci_cfg_read(&self->pci, pos + 2, 2) & on);
	EXPECT_EQ(-EINVAL, vfio_irqs(self->fd, index, TRIGGER, 0, 1, NULL));
	EXPECT_EQ(0, vfio_irqs(self->fd, other, TRIGGER, 0, 1, &efd));
	EXPECT_EQ(0, vfio_irqs(self->fd, other, TRIGGER, 0, 1, NULL));
	EXPECT_TRUE(signalled(efd));
	EXPECT_EQ(0, vfio_irqs(self->fd, other, TRIGGER, 0, 0, NULL));
}

/* MSI-X vectors can be added and taken away while others are in use. */
TEST_F(device, msix_vectors)
{
	unsigned int index = VFIO_PCI_MSIX_IRQ_INDEX;
	struct vfio_irq_info info;
	int efd[4], i;

	if (!pci_cap(&self->pci, PCI_CAP_ID_MSIX))
		SKIP(return, "no MSI-X");
	ASSERT_EQ(0, irq_info(self->fd, index, &info));
	ASSERT_LE(4, info.count);
	for (i = 0; i < 4; i++)
		efd[i] = eventfd(0, EFD_NONBLOCK);
	efd[1] = -1;
	ASSERT_EQ(0, vfio_irqs(self->fd, index, TRIGGER, 0, 3, efd));
	EXPECT_EQ(0, vfio_irqs(self->fd, index, TRIGGER, 0, 3, NULL));
	EXPECT_TRUE(signalled(efd[0]));
	EXPECT_TRUE(signalled(efd[2]));
	if (info.flags & VFIO_IRQ_INFO_NORESIZE)
		SKIP(return, "vectors are fixed");
	EXPECT_EQ(0, vfio_irqs(self->fd, index, TRIGGER, 3, 1, &efd[3]));
	EXPECT_EQ(0, vfio_irqs(self->fd, index, TRIGGER, 3, 1, NULL));
	EXPECT_TRUE(signalled(efd[3]));
	EXPECT_FALSE(signalled(efd[0]));
	EXPECT_EQ(0, vfio_irqs(self->fd, index, TRIGGER, 0, 0, NULL));
}

TEST_F(device, request_eventfd)
{
	unsigned int index = VFIO_PCI_REQ_IRQ_INDEX;
	int efd = eventfd(0, EFD_NONBLOCK), none = -1;

	EXPECT_EQ(0, vfio_irqs(self->fd, index, TRIGGER, 0, 1, &efd));
	EXPECT_EQ(0, vfio_irqs(self->fd, index, TRIGGER, 0, 1, NULL));
	EXPECT_TRUE(signalled(efd));
	EXPECT_EQ(0, vfio_irqs(self->fd, index, TRIGGER, 0, 1, &none));
	EXPECT_EQ(-EINVAL, vfio_irqs(self->fd, index, TRIGGER, 0, 1, NULL));
	EXPECT_EQ(-EINVAL, vfio_irqs(self->fd, index, TRIGGER, 1, 1, &efd));
	EXPECT_EQ(-EINVAL, vfio_irqs(self->fd, index, TRIGGER, 0, 2, NULL));
}

TEST_F(device, reset_keeps_configuration)
{
	int64_t bar = pci_cfg_read(&self->pci, BAR0, 4);
	uint32_t val = 0, again = 0;

	if (!can_reset(&self->pci))
		SKIP(return, "this device can't be reset here");
	ASSERT_EQ(0, vfio_command(self->fd, PCI_COMMAND_MASTER, 0));
	ASSERT_EQ(4, pread(self->fd, &val, 4, 0));
	ASSERT_EQ(0, vfio_ioctl(self->fd, VFIO_DEVICE_RESET, NULL));
	EXPECT_EQ(bar, pci_cfg_read(&self->pci, BAR0, 4));
	EXPECT_EQ(PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY,
		  vfio_cfg_read(self->fd, PCI_COMMAND, 2) & 6);
	ASSERT_EQ(4, pread(self->fd, &again, 4, 0));
	EXPECT_EQ(val, again);
}

/* Hardware's own bit, which the user's view of the register doesn't show. */
static bool intx_is_off(const struct pci_dev *dev)
{
	return pci_cfg_read(dev, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE;
}

static int intx_enable(int device, int *efd)
{
	return vfio_irqs(device, VFIO_PCI_INTX_IRQ_INDEX, TRIGGER, 0, 1, efd);
}

static int intx_disable(int device)
{
	return vfio_irqs(device, VFIO_PCI_INTX_IRQ_INDEX, TRIGGER, 0, 0, NULL);
}

#define PEER_INTX "the peer leaves INTx on while nobody listens"

/*
 * While nobody listens to INTx it is off in hardware, whatever becomes of the command
 * register: else a device that asserts a shared line takes it from the others.
 */
TEST_F(device, intx_off_after_resets)
{
	int64_t low = pci_cfg_read(&self->pci, BAR0, 4);
	int64_t high = pci_cfg_read(&self->pci, BAR0 + 4, 4);
	char path[128];

	if (sys_is_peer())
		SKIP(return, PEER_INTX);
	EXPECT_TRUE(intx_is_off(&self->pci));
	if (can_reset(&self->pci)) {
		ASSERT_EQ(0, vfio_ioctl(self->fd, VFIO_DEVICE_RESET, NULL));
		EXPECT_TRUE(intx_is_off(&self->pci));
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/reset",
			 self->pci.name);
		ASSERT_LE(0, sys_write(path, "1"));
		EXPECT_TRUE(intx_is_off(&self->pci));
	}

	/* What a device leaves that resets itself, by a register of its own. */
	ASSERT_EQ(0, pci_cfg_write(&self->pci, PCI_COMMAND, 2, 0));
	ASSERT_EQ(0, pci_cfg_write(&self->pci, BAR0, 4, 0));
	ASSERT_EQ(0, pci_cfg_write(&self->pci, BAR0 + 4, 4, 0));
	EXPECT_FALSE(intx_is_off(&self->pci));
	ASSERT_EQ(0, vfio_command(self->fd, PCI_COMMAND_MEMORY, 0));
	/* Of a BAR with 64 bits one half may well be 0. */
	EXPECT_NE(0, low + high);
	EXPECT_EQ(low, pci_cfg_read(&self->pci, BAR0, 4));
	EXPECT_EQ(high, pci_cfg_read(&self->pci, BAR0 + 4, 4));
	EXPECT_TRUE(intx_is_off(&self->pci));
}

/* A function may lose its configuration between D3hot and D0; we restore it. */
TEST(intx_set_up_in_d3hot)
{
	struct pci_dev pci;
	unsigned int pm;
	struct vfio v;
	int efd = eventfd(0, EFD_NONBLOCK);

	if (sys_is_peer())
		SKIP(return, PEER_INTX);
	if (pci_find_alone(&pci, PCI_ID_E1000E, 0))
		SKIP(return, "no e1000e");
	ASSERT_EQ(0, legacy_open(&v, &pci));
	pm = pci_cap(&pci, PCI_CAP_ID_PM);
	ASSERT_NE(0, pm);
	ASSERT_FALSE(pci_cfg_read(&pci, pm + PCI_PM_CTRL, 2) &
		     PCI_PM_CTRL_NO_SOFT_RESET);
	ASSERT_EQ(0, intx_enable(v.device, &efd));
	EXPECT_FALSE(intx_is_off(&pci));

	ASSERT_EQ(0, vfio_cfg_write(v.device, pm + PCI_PM_CTRL, 2, 3));
	EXPECT_EQ(3, pci_cfg_read(&pci, pm + PCI_PM_CTRL, 2) & 3);
	ASSERT_EQ(0, intx_disable(v.device));
	ASSERT_EQ(0, vfio_cfg_write(v.device, pm + PCI_PM_CTRL, 2, 0));
	EXPECT_TRUE(intx_is_off(&pci));

	ASSERT_EQ(0, vfio_cfg_write(v.device, pm + PCI_PM_CTRL, 2, 3));
	ASSERT_EQ(0, intx_enable(v.device, &efd));
	ASSERT_EQ(0, vfio_cfg_write(v.device, pm + PCI_PM_CTRL, 2, 0));
	EXPECT_FALSE(intx_is_off(&pci));
	vfio_close(&v);
}

TEST_F(device, hot_reset)
{
	union {
		struct vfio_pci_hot_reset_info info;
		char bytes[sizeof(struct vfio_pci_hot_reset_info) +
			   8 * sizeof(struct vfio_pci_dependent_device)];
	} u = { .info.argsz = sizeof(u.info) };
	union {
		struct vfio_pci_hot_reset reset;
		char bytes[64];
	} r = {};
	unsigned int i;

	if (pci_on_root_bus(&self->pci))
		SKIP(return, "no hot reset of a root bus");
	ASSERT_EQ(-ENOSPC,
		  vfio_ioctl(self->fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &u));
	EXPECT_EQ(1, u.info.count);
	u.info.argsz = sizeof(u);
	ASSERT_EQ(0,
		  vfio_ioctl(self->fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &u));
	ASSERT_EQ(1, u.info.count);
	EXPECT_EQ(self->pci.group, u.info.devices[0].group_id);

	r.reset.argsz = sizeof(r);
	r.reset.count = 1;
	r.reset.group_fds[0] = self->v.container;
	EXPECT_EQ(-EINVAL, vfio_ioctl(self->fd, VFIO_DEVICE_PCI_HOT_RESET, &r));
	/* QEMU's port doesn't retrain its link, so PCIe can't succeed. */
	if (self->pcie)
		SKIP(return, "no hot reset of a PCIe device here");
	r.reset.group_fds[0] = self->v.group;
	EXPECT_EQ(0, vfio_ioctl(self->fd, VFIO_DEVICE_PCI_HOT_RESET, &r));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, vfio_ioctl(self->fd, VFIO_DEVICE_RESET, NULL));
}

TEST_F(device, feature)
{
	struct vfio_device_feature f = {
		.argsz = sizeof(f),
		.flags = VFIO_DEVICE_FEATURE_GET |
			 VFIO_DEVICE_FEATURE_MIGRATION,
	};

	EXPECT_EQ(-ENOTTY, vfio_ioctl(self->fd, VFIO_DEVICE_FEATURE, &f));
	f.flags = VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_GET | 0x7fff;
	EXPECT_EQ(-ENOTTY, vfio_ioctl(self->fd, VFIO_DEVICE_FEATURE, &f));
}

/* A second fd is the same device. */
TEST_F(device, two_fds)
{
	uint32_t val = 0;
	int fd;

	fd = vfio_get_device(self->v.group, self->pci.name);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, vfio_cfg_write(self->fd, BAR0, 4, 0xa0000000));
	EXPECT_EQ(0xa0000000, vfio_cfg_read(fd, BAR0, 4) & ~0xfU);
	close(self->fd);
	self->v.device = -1;
	EXPECT_EQ(4, pread(fd, &val, 4, 0));
	close(fd);
}

/* What a user left behind is gone at the next open. */
TEST_F(device, fresh_after_close)
{
	int64_t bar = vfio_cfg_read(self->fd, BAR0, 4);

	ASSERT_EQ(0, vfio_command(self->fd, PCI_COMMAND_MASTER, 0));
	ASSERT_EQ(0, vfio_cfg_write(self->fd, BAR0, 4, 0xa0000000));
	vfio_close(&self->v);
	EXPECT_FALSE(pci_cfg_read(&self->pci, PCI_COMMAND, 2) &
		     PCI_COMMAND_MASTER);
	ASSERT_EQ(0, legacy_open(&self->v, &self->pci));
	EXPECT_EQ(bar, vfio_cfg_read(self->v.device, BAR0, 4));
	EXPECT_FALSE(vfio_cfg_read(self->v.device, PCI_COMMAND, 2) &
		     PCI_COMMAND_MASTER);
}

TEST_HARNESS_MAIN
