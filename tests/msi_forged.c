// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device whose owner has it send any message whatever raises no interrupt but its
 * own. The owner of an e1000e has its MSI-X table in reach (VFIO lets it be mapped,
 * since the IOMMU guards interrupts), so the table gets what another device's
 * interrupt is made of: each vector on each CPU, and each index of a remapping table.
 *
 * The other device is an edu, whose owner must hear of nothing. Both need a group of
 * their own.
 */
#include "kselftest_harness.h"
#include "edu.h"
#include "sys.h"
#include "vfio.h"

#include <linux/pci_regs.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

/* Intel 82574 datasheet, 10.2.4: registers of BAR 0. */
#define NIC_ICR 0xc0  /* interrupt cause, written 1s clear it */
#define NIC_ICS 0xc8  /* set one */
#define NIC_IMS 0xd0  /* let it through */
#define NIC_IVAR 0xe4 /* which vector it takes */
#define NIC_CAUSE_OTHER 0x01000000
#define NIC_IVAR_OTHER_0 0x00080000
#define NIC_BAR_SIZE 0x20000

/* Its MSI-X table, PCIe 7.7.2. */
#define TABLE_BAR 3
#define TABLE_BAR_SIZE 0x4000

/* It sends no more than one in so long. */
#define NIC_PACE_US 400

/* Intel SDM 3, 11.11; VT-d specification, 5.1.2.2. */
#define MSG_ADDRESS 0xfee00000U
#define MSG_CPU_SHIFT 12
#define MSG_REMAPPABLE 0x10U
#define MSG_INDEX_SHIFT 5

/* Vectors that Linux gives to devices. */
#define VECTOR_FIRST 0x21
#define VECTOR_LAST 0xeb
#define CPUS 2

/* More than all devices of the machine take. */
#define INDEXES 512

#define SOON_MS 3000
#define NEVER_MS 300

struct msg {
	uint32_t address;
	uint32_t address_high;
	uint32_t data;
	uint32_t masked;
};

FIXTURE(forged)
{
	struct vfio nic;
	struct vfio victim;
	struct edu edu;
	char *regs;
	struct msg *table;
	struct msg own;
	int nic_efd;
	int victim_efd;
};

static void write32(void *reg, uint32_t val)
{
	__atomic_store_n((uint32_t *)reg, val, __ATOMIC_RELAXED);
}

static uint32_t read32(void *reg)
{
	return __atomic_load_n((uint32_t *)reg, __ATOMIC_RELAXED);
}

/* The message of the table's first entry. */
static void set_message(struct _test_data_forged *self, struct msg msg)
{
	write32(&self->table->masked, PCI_MSIX_ENTRY_CTRL_MASKBIT);
	write32(&self->table->address, msg.address);
	write32(&self->table->address_high, msg.address_high);
	write32(&self->table->data, msg.data);
	write32(&self->table->masked, 0);
}

static void send_message(struct _test_data_forged *self)
{
	write32(self->regs + NIC_ICR, ~0U);
	write32(self->regs + NIC_ICS, NIC_CAUSE_OTHER);
	usleep(NIC_PACE_US);
}

FIXTURE_SETUP(forged)
{
	struct pci_dev dev;

	ASSERT_EQ(0, pci_find_alone(&dev, PCI_ID_EDU, 0));
	ASSERT_EQ(0, vfio_open(&self->victim, &dev, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, edu_attach(&self->edu, self->victim.device));
	self->victim_efd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ASSERT_LE(0, self->victim_efd);
	edu_write(&self->edu, EDU_IRQ_ACK, ~0U);
	ASSERT_EQ(0, vfio_irqs(self->victim.device, VFIO_PCI_MSI_IRQ_INDEX,
			       VFIO_IRQ_SET_ACTION_TRIGGER, 0, 1,
			       &self->victim_efd));

	ASSERT_EQ(0, pci_find_alone(&dev, PCI_ID_E1000E, 0));
	ASSERT_EQ(0, vfio_open(&self->nic, &dev, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, vfio_command(self->nic.device,
				  PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0));
	self->regs = vfio_bar_map(self->nic.device, 0, NIC_BAR_SIZE);
	ASSERT_NE(NULL, self->regs);
	self->table = vfio_bar_map(self->nic.device, TABLE_BAR, TABLE_BAR_SIZE);
	ASSERT_NE(NULL, self->table);
	self->nic_efd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ASSERT_LE(0, self->nic_efd);
	ASSERT_EQ(0,
		  vfio_irqs(self->nic.device, VFIO_PCI_MSIX_IRQ_INDEX,
			    VFIO_IRQ_SET_ACTION_TRIGGER, 0, 1, &self->nic_efd));
	write32(self->regs + NIC_IVAR, NIC_IVAR_OTHER_0);
	write32(self->regs + NIC_IMS, NIC_CAUSE_OTHER);
	self->own.address = read32(&self->table->address);
	self->own.address_high = read32(&self->table->address_high);
	self->own.data = read32(&self->table->data);

	/* Each device's own interrupts come; the NIC also has other causes. */
	edu_write(&self->edu, EDU_IRQ_RAISE, 1);
	ASSERT_EQ(1, sys_signals(self->victim_efd, SOON_MS));
	edu_write(&self->edu, EDU_IRQ_ACK, 1);
	send_message(self);
	ASSERT_LE(1, sys_signals(self->nic_efd, SOON_MS));
}

FIXTURE_TEARDOWN(forged)
{
	edu_write(&self->edu, EDU_IRQ_ACK, ~0U);
	munmap(self->table, TABLE_BAR_SIZE);
	munmap(self->regs, NIC_BAR_SIZE);
	vfio_close(&self->nic);
	pci_bind(&self->nic.pci, NULL);
	vfio_close(&self->victim);
}

/* The victim has heard of nothing, and both devices go on as before. */
static void expect_unheard(struct __test_metadata *_metadata,
			   struct _test_data_forged *self)
{
	EXPECT_EQ(0, sys_signals(self->victim_efd, NEVER_MS));
	sys_signals(self->nic_efd, 0);
	set_message(self, self->own);
	send_message(self);
	EXPECT_LE(1, sys_signals(self->nic_efd, SOON_MS));
	edu_write(&self->edu, EDU_IRQ_RAISE, 1);
	EXPECT_EQ(1, sys_signals(self->victim_efd, SOON_MS));
	edu_write(&self->edu, EDU_IRQ_ACK, 1);
}

/* As a device requests an interrupt where nothing is remapped. */
TEST_F(forged, vectors)
{
	const char *pass = getenv("PLAIN_MSI_PASSES");
	unsigned int cpu, vector;

	if (pass && *pass)
		SKIP(return, "this IOMMU's emulation lets them pass");
	for (cpu = 0; cpu < CPUS; cpu++) {
		for (vector = VECTOR_FIRST; vector <= VECTOR_LAST; vector++) {
			set_message(self,
				    (struct msg){
					    .address = MSG_ADDRESS |
						       cpu << MSG_CPU_SHIFT,
					    .data = vector,
				    });
			send_message(self);
		}
	}
	expect_unheard(_metadata, self);
}

/*
 * As it does where that goes by an index: in the address (VT-d, whose data says nothing
 * then), or in the data (AMD-Vi).
 */
TEST_F(forged, indexes)
{
	unsigned int index;

	for (index = 0; index < INDEXES; index++) {
		set_message(self,
			    (struct msg){
				    .address = MSG_ADDRESS | MSG_REMAPPABLE |
					       index << MSG_INDEX_SHIFT,
			    });
		send_message(self);
	}
	expect_unheard(_metadata, self);
}

TEST_HARNESS_MAIN
