// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the last owner of a device programmed is gone for the next one, also if the
 * device can't be reset by itself: the last close of all that are on its bus resets
 * the bus. Two conventional devices behind one bridge, an edu and an e1000.
 */
#include "kselftest_harness.h"
#include "pci.h"
#include "sys.h"
#include "vfio.h"

#include <linux/pci_regs.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#define PCI_ID_E1000 0x100e8086

/* Receive descriptor base: keeps what is written, and a reset clears it. */
#define E1000_RDBAL 0x2800
#define E1000_BAR_SIZE 0x20000

#define MARK 0x12340u

FIXTURE(bus)
{
	struct pci_dev nic;
	struct pci_dev edu;
	struct vfio v; /* of the nic; its group and container are both's */
	int other;     /* the edu, if it is open */
};

FIXTURE_SETUP(bus)
{
	struct pci_dev members[2];

	if (pci_find(&self->nic, PCI_ID_E1000, 0))
		SKIP(return, "no such device on this machine");
	if (pci_group_members(self->nic.group, members, 2) != 2)
		SKIP(return, "it has its bus for itself");
	self->edu = strcmp(members[0].name, self->nic.name) ? members[0] :
							      members[1];
	self->other = -1;
	/* Such that only the bus can be reset. */
	ASSERT_EQ(0, pci_bind(&self->edu, "vfio-pci"));
	ASSERT_EQ(0, pci_bind(&self->nic, "vfio-pci"));
	ASSERT_EQ(0, pci_allow_reset(&self->nic, false));
}

FIXTURE_TEARDOWN(bus)
{
	pci_allow_reset(&self->nic, true);
	pci_bind(&self->edu, "");
	pci_bind(&self->nic, "");
}

static uint32_t reg(char *bar, unsigned int off)
{
	return __atomic_load_n((uint32_t *)(bar + off), __ATOMIC_RELAXED);
}

/* Opens the nic; a mapping of its registers. */
static char *own(struct _test_data_bus *self)
{
	char *bar;

	if (vfio_open(&self->v, &self->nic, VFIO_TYPE1v2_IOMMU) ||
	    vfio_command(self->v.device, PCI_COMMAND_MEMORY, 0))
		return NULL;
	bar = vfio_bar_map(self->v.device, 0, E1000_BAR_SIZE);
	return bar;
}

static void disown(struct _test_data_bus *self, char *bar)
{
	munmap(bar, E1000_BAR_SIZE);
	close(self->v.device);
}

static void let_go(struct _test_data_bus *self)
{
	close(self->v.group);
	close(self->v.container);
}

/* Programs the nic and closes it. False if it didn't take it. */
static bool use(struct _test_data_bus *self)
{
	char *bar = own(self);
	bool ok;

	if (!bar)
		return false;
	__atomic_store_n((uint32_t *)(bar + E1000_RDBAL), MARK,
			 __ATOMIC_RELAXED);
	ok = reg(bar, E1000_RDBAL) == MARK;
	disown(self, bar);
	return ok;
}

/* What the next one to own it finds in the register; ~0 if it can't. */
static uint32_t next_finds(struct _test_data_bus *self)
{
	char *bar = own(self);
	uint32_t val;

	if (!bar)
		return ~0U;
	val = reg(bar, E1000_RDBAL);
	disown(self, bar);
	let_go(self);
	return val;
}

/* The register as the host sees it, with nobody's fd open. */
static uint32_t host_finds(struct _test_data_bus *self)
{
	uint32_t val = ~0U;
	char *bar;

	if (pci_cfg_write(&self->nic, PCI_COMMAND, 2, PCI_COMMAND_MEMORY))
		return val;
	bar = pci_resource_map(&self->nic, 0, E1000_BAR_SIZE);
	if (bar) {
		val = reg(bar, E1000_RDBAL);
		munmap(bar, E1000_BAR_SIZE);
	}
	pci_cfg_write(&self->nic, PCI_COMMAND, 2, 0);
	return val;
}

TEST_F(bus, close)
{
	ASSERT_TRUE(use(self));
	let_go(self);
	EXPECT_EQ(0, host_finds(self));
	EXPECT_EQ(0, next_finds(self));
}

/* The bus is reset when the last function on it is closed, and not before. */
TEST_F(bus, not_while_another_is_used)
{
	char *bar = own(self);

	ASSERT_NE(NULL, bar);
	self->other = vfio_get_device(self->v.group, self->edu.name);
	ASSERT_LE(0, self->other);
	__atomic_store_n((uint32_t *)(bar + E1000_RDBAL), MARK,
			 __ATOMIC_RELAXED);
	ASSERT_EQ(0, vfio_command(self->other, PCI_COMMAND_MEMORY, 0));
	disown(self, bar);
	/* It went on undisturbed: a reset would have shown for a second. */
	EXPECT_TRUE(vfio_cfg_read(self->other, PCI_COMMAND, 2) &
		    PCI_COMMAND_MEMORY);
	EXPECT_EQ(MARK, host_finds(self));
	close(self->other);
	let_go(self);
	EXPECT_EQ(0, host_finds(self));
}

static void *unbind(void *arg)
{
	struct _test_data_bus *self = arg;

	return (void *)(long)pci_bind(&self->nic, "");
}

/* The driver is on its way out and waits for the close. */
TEST_F(bus, unbinding_as_the_last_close)
{
	char *bar = own(self);
	pthread_t thread;
	void *ret;

	ASSERT_NE(NULL, bar);
	__atomic_store_n((uint32_t *)(bar + E1000_RDBAL), MARK,
			 __ATOMIC_RELAXED);
	ASSERT_EQ(MARK, reg(bar, E1000_RDBAL));
	ASSERT_EQ(0, pthread_create(&thread, NULL, unbind, self));
	sys_sleep_ms(300);
	disown(self, bar);
	let_go(self);
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(NULL, ret);
	if (sys_is_peer())
		SKIP(return, "the peer tries the lock that the remover holds");
	EXPECT_EQ(0, host_finds(self));
}

/* Nobody's driver: nothing is in the way. */
TEST_F(bus, beside_one_without_a_driver)
{
	ASSERT_EQ(0, pci_bind(&self->edu, ""));
	ASSERT_TRUE(use(self));
	let_go(self);
	if (sys_is_peer())
		SKIP(return, "the peer resets only what is all bound to it");
	EXPECT_EQ(0, host_finds(self));
}

/* A driver that VFIO tolerates in the group may be using its device. */
TEST_F(bus, beside_one_with_another_driver)
{
	int kmsg = kmsg_open();

	if (pci_bind(&self->edu, "pci-stub"))
		SKIP(return, "no pci-stub in this kernel");
	ASSERT_TRUE(use(self));
	let_go(self);
	EXPECT_EQ(MARK, host_finds(self));
	if (!sys_is_peer())
		EXPECT_TRUE(kmsg_wait(kmsg, self->nic.name + 5,
				      "not reset after use", 1000));
	/* Once it has gone, the next to come finds nothing. */
	ASSERT_EQ(0, pci_bind(&self->edu, ""));
	if (!sys_is_peer())
		EXPECT_EQ(0, next_finds(self));
}

/* What is restored is what was there. */
TEST_F(bus, configuration_stays)
{
	int64_t bar0 = pci_cfg_read(&self->edu, PCI_BASE_ADDRESS_0, 4);
	int64_t line = pci_cfg_read(&self->edu, PCI_INTERRUPT_LINE, 1);

	ASSERT_TRUE(use(self));
	let_go(self);
	ASSERT_EQ(0, host_finds(self));
	EXPECT_EQ(bar0, pci_cfg_read(&self->edu, PCI_BASE_ADDRESS_0, 4));
	EXPECT_EQ(line, pci_cfg_read(&self->edu, PCI_INTERRUPT_LINE, 1));
	EXPECT_EQ(0, pci_cfg_read(&self->edu, PCI_COMMAND, 2) &
			     PCI_COMMAND_MASTER);
}

TEST_HARNESS_MAIN
