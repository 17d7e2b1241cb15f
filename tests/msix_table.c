// SPDX-License-Identifier: GPL-2.0-only
/*
 * The MSI-X table is the kernel's, in memory that the user can switch off: by the
 * command register, or by putting the device to sleep. What the kernel writes there
 * arrives nevertheless: the PCI core sees to decode when it restores the table (since
 * a stable update of 6.12), and we wake the device. An e1000e, whose table the host's
 * view of its BAR shows.
 */
#include "kselftest_harness.h"
#include "legacy.h"
#include "sys.h"
#include "vfio.h"

#include <endian.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#define MSIX VFIO_PCI_MSIX_IRQ_INDEX
#define TRIGGER VFIO_IRQ_SET_ACTION_TRIGGER
#define ENTRY_DWORDS (PCI_MSIX_ENTRY_SIZE / 4)

/* Power states in PCI_PM_CTRL. */
#define D0 0
#define D3HOT 3

FIXTURE(table)
{
	struct pci_dev dev;
	struct vfio v;
	int efd;
	unsigned int pm;
	char *bar;
	size_t size;
	uint32_t *entry; /* of vector 0, in hardware */
};

FIXTURE_SETUP(table)
{
	uint64_t start, size;
	unsigned int cap;
	uint32_t where;

	if (pci_find_alone(&self->dev, PCI_ID_E1000E, 0))
		SKIP(return, "no such device on this machine");
	cap = pci_cap(&self->dev, PCI_CAP_ID_MSIX);
	self->pm = pci_cap(&self->dev, PCI_CAP_ID_PM);
	ASSERT_NE(0, cap);
	ASSERT_NE(0, self->pm);
	ASSERT_EQ(0, legacy_open(&self->v, &self->dev));
	ASSERT_EQ(0, vfio_command(self->v.device, PCI_COMMAND_MEMORY, 0));
	self->efd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ASSERT_LE(0, self->efd);

	where = pci_cfg_read(&self->dev, cap + PCI_MSIX_TABLE, 4);
	ASSERT_EQ(0, pci_resource(&self->dev, where & PCI_MSIX_TABLE_BIR,
				  &start, &size));
	self->size = size;
	self->bar =
		pci_resource_map(&self->dev, where & PCI_MSIX_TABLE_BIR, size);
	ASSERT_NE(NULL, self->bar);
	self->entry = (uint32_t *)(self->bar + (where & PCI_MSIX_TABLE_OFFSET));
}

FIXTURE_TEARDOWN(table)
{
	munmap(self->bar, self->size);
	vfio_close(&self->v);
	pci_bind(&self->dev, "");
	close(self->efd);
}

static int enable(struct _test_data_table *self)
{
	return vfio_irqs(self->v.device, MSIX, TRIGGER, 0, 1, &self->efd);
}

static int decode(struct _test_data_table *self, bool on)
{
	return vfio_command(self->v.device, on ? PCI_COMMAND_MEMORY : 0,
			    on ? 0 : PCI_COMMAND_MEMORY);
}

static int power(struct _test_data_table *self, unsigned int state)
{
	unsigned int pos = self->pm + PCI_PM_CTRL;
	int ret = vfio_cfg_write(self->v.device, pos, 2, state);

	sys_sleep_ms(20);
	return ret;
}

/* The address, the data and, if it isn't masked, 0. */
static void read_entry(struct _test_data_table *self, uint32_t *entry)
{
	unsigned int i;

	for (i = 0; i < ENTRY_DWORDS; i++)
		entry[i] = le32toh(
			__atomic_load_n(self->entry + i, __ATOMIC_RELAXED));
}

/*
 * As a reset leaves it. QEMU doesn't clear the table in each kind of reset, nor on the
 * way out of D3hot.
 */
static void spoil_entry(struct __test_metadata *_metadata,
			struct _test_data_table *self)
{
	uint32_t entry[ENTRY_DWORDS];
	unsigned int i;

	for (i = 0; i < ENTRY_DWORDS; i++)
		__atomic_store_n(self->entry + i, 0, __ATOMIC_RELAXED);
	read_entry(self, entry);
	ASSERT_EQ(0, entry[0]);
}

static void expect_entry(struct __test_metadata *_metadata,
			 struct _test_data_table *self, const uint32_t *want)
{
	uint32_t entry[ENTRY_DWORDS];
	unsigned int i;

	read_entry(self, entry);
	for (i = 0; i < ENTRY_DWORDS; i++)
		EXPECT_EQ(want[i], entry[i]);
}

/* Somebody was there: the request's address isn't 0. */
static void enabled_entry(struct __test_metadata *_metadata,
			  struct _test_data_table *self, uint32_t *entry)
{
	ASSERT_EQ(0, enable(self));
	read_entry(self, entry);
	ASSERT_NE(0, entry[0]);
	ASSERT_NE(~0U, entry[0]);
}

TEST_F(table, reset_with_decode_off)
{
	uint32_t entry[ENTRY_DWORDS];

	if (!(vfio_device_flags(self->v.device) & VFIO_DEVICE_FLAGS_RESET))
		SKIP(return, "it can't be reset");
	enabled_entry(_metadata, self, entry);
	spoil_entry(_metadata, self);
	ASSERT_EQ(0, decode(self, false));
	ASSERT_EQ(0, vfio_ioctl(self->v.device, VFIO_DEVICE_RESET, NULL));
	/* It stays off, for the user and in hardware. */
	EXPECT_FALSE(vfio_cfg_read(self->v.device, PCI_COMMAND, 2) &
		     PCI_COMMAND_MEMORY);
	EXPECT_FALSE(pci_cfg_read(&self->dev, PCI_COMMAND, 2) &
		     PCI_COMMAND_MEMORY);
	ASSERT_EQ(0, decode(self, true));
	expect_entry(_metadata, self, entry);
}

TEST_F(table, sleep_with_decode_off)
{
	uint32_t entry[ENTRY_DWORDS];

	enabled_entry(_metadata, self, entry);
	spoil_entry(_metadata, self);
	ASSERT_EQ(0, decode(self, false));
	ASSERT_EQ(0, power(self, D3HOT));
	ASSERT_EQ(0, power(self, D0));
	EXPECT_FALSE(pci_cfg_read(&self->dev, PCI_COMMAND, 2) &
		     PCI_COMMAND_MEMORY);
	ASSERT_EQ(0, decode(self, true));
	expect_entry(_metadata, self, entry);
}

TEST_F(table, enabled_while_asleep)
{
	uint32_t entry[ENTRY_DWORDS];

	if (sys_is_peer())
		SKIP(return, "the peer writes to memory that isn't there");
	ASSERT_EQ(0, power(self, D3HOT));
	ASSERT_EQ(0, enable(self));
	/* That it was woken for a moment shows nowhere. */
	EXPECT_EQ(D3HOT, pci_cfg_read(&self->dev, self->pm + PCI_PM_CTRL, 2) &
				 PCI_PM_CTRL_STATE_MASK);
	ASSERT_EQ(0, power(self, D0));
	read_entry(self, entry);
	EXPECT_NE(0, entry[0]);
	EXPECT_EQ(0, entry[3] & PCI_MSIX_ENTRY_CTRL_MASKBIT);
	ASSERT_EQ(0, vfio_irqs(self->v.device, MSIX, TRIGGER, 0, 0, NULL));
}

TEST_F(table, disabled_while_asleep)
{
	uint32_t entry[ENTRY_DWORDS];

	enabled_entry(_metadata, self, entry);
	ASSERT_EQ(0, power(self, D3HOT));
	ASSERT_EQ(0, vfio_irqs(self->v.device, MSIX, TRIGGER, 0, 0, NULL));
	ASSERT_EQ(0, power(self, D0));
	enabled_entry(_metadata, self, entry);
}

TEST_F(table, rom_while_asleep)
{
	struct vfio_region_info info;
	uint64_t size;

	ASSERT_EQ(0, vfio_region(self->v.device, VFIO_PCI_ROM_REGION_INDEX,
				 &info));
	size = info.size;
	if (!size)
		SKIP(return, "it has no ROM");
	if (sys_is_peer())
		SKIP(return, "the peer looks for the ROM in a sleeping device");
	ASSERT_EQ(0, power(self, D3HOT));
	ASSERT_EQ(0, vfio_region(self->v.device, VFIO_PCI_ROM_REGION_INDEX,
				 &info));
	EXPECT_EQ(size, info.size);
	EXPECT_EQ(D3HOT, pci_cfg_read(&self->dev, self->pm + PCI_PM_CTRL, 2) &
				 PCI_PM_CTRL_STATE_MASK);
}

TEST_HARNESS_MAIN
