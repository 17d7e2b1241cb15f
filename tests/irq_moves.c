// SPDX-License-Identifier: GPL-2.0-only
/*
 * No interrupt is lost while its target moves: from CPU to CPU by its affinity, and
 * off a CPU that goes off-line; all the time the device raises one after the other.
 *
 * Needs an edu in a group of its own, and a second CPU that can go off-line.
 */
#include "kselftest_harness.h"
#include "edu.h"
#include "sys.h"
#include "vfio.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/eventfd.h>

#define CPU1_ONLINE "/sys/devices/system/cpu/cpu1/online"

/* An interrupt that hasn't come by then won't come any more. */
#define LOST_MS 3000

FIXTURE(moves)
{
	struct vfio v;
	struct edu edu;
	int efd;
	int irq; /* Linux' number of it */
	pthread_t thread;
	int stop;
	unsigned int raised;
	unsigned int lost;
	unsigned int surplus;
};

/* The number of the device's only MSI, or -1. */
static int find_irq(const struct pci_dev *dev)
{
	struct dirent *entry;
	char path[64];
	int irq = -1;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/msi_irqs",
		 dev->name);
	dir = opendir(path);
	if (!dir)
		return -1;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			irq = atoi(entry->d_name);
	}
	closedir(dir);
	return irq;
}

/* One interrupt after the other, each of which has to come, once. */
static void *raise_all(void *arg)
{
	struct _test_data_moves *self = arg;

	while (!__atomic_load_n(&self->stop, __ATOMIC_RELAXED)) {
		uint64_t count;

		edu_write(&self->edu, EDU_IRQ_RAISE, 1);
		self->raised++;
		count = sys_signals(self->efd, LOST_MS);
		if (count)
			self->surplus += count - 1;
		else
			self->lost++;
		edu_write(&self->edu, EDU_IRQ_ACK, 1);
	}
	return NULL;
}

FIXTURE_SETUP(moves)
{
	struct pci_dev dev;

	if (access(CPU1_ONLINE, W_OK))
		SKIP(return, "no second CPU that can go off-line");
	ASSERT_EQ(0, pci_find_alone(&dev, PCI_ID_EDU, 0));
	ASSERT_EQ(0, vfio_open(&self->v, &dev, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, edu_attach(&self->edu, self->v.device));
	self->efd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ASSERT_LE(0, self->efd);
	edu_write(&self->edu, EDU_IRQ_ACK, ~0U);
	ASSERT_EQ(0, vfio_irqs(self->v.device, VFIO_PCI_MSI_IRQ_INDEX,
			       VFIO_IRQ_SET_ACTION_TRIGGER, 0, 1, &self->efd));
	self->irq = find_irq(&dev);
	ASSERT_LT(0, self->irq);
	ASSERT_EQ(0, pthread_create(&self->thread, NULL, raise_all, self));
}

FIXTURE_TEARDOWN(moves)
{
	vfio_close(&self->v);
}

/* Ends the thread, and has all it has raised arrived? */
static bool all_came(struct __test_metadata *_metadata,
		     struct _test_data_moves *self)
{
	__atomic_store_n(&self->stop, 1, __ATOMIC_RELAXED);
	pthread_join(self->thread, NULL);
	TH_LOG("%u interrupts, %u lost, %u too many", self->raised, self->lost,
	       self->surplus);
	return self->raised > 100 && !self->lost && !self->surplus;
}

/* The CPU that the interrupt goes to, or -1. */
static int get_cpu(int irq)
{
	char path[64], text[16];

	snprintf(path, sizeof(path), "/proc/irq/%d/effective_affinity_list",
		 irq);
	return sys_read(path, text, sizeof(text)) < 0 ? -1 : atoi(text);
}

/* Moves it there. While an earlier move isn't over, the next interrupt does that. */
static bool move_to(int irq, int cpu)
{
	uint64_t end = sys_now_ms() + LOST_MS;
	char path[64], text[8];

	snprintf(path, sizeof(path), "/proc/irq/%d/smp_affinity_list", irq);
	snprintf(text, sizeof(text), "%d", cpu);
	if (sys_write(path, text))
		return false;
	while (get_cpu(irq) != cpu) {
		if (sys_now_ms() > end)
			return false;
	}
	return true;
}

TEST_F(moves, from_cpu_to_cpu)
{
	unsigned int i;

	for (i = 0; i < 200; i++)
		ASSERT_TRUE(move_to(self->irq, i & 1));
	EXPECT_TRUE(all_came(_metadata, self));
}

TEST_F(moves, off_a_cpu_that_goes)
{
	unsigned int i;

	for (i = 0; i < 10; i++) {
		ASSERT_TRUE(move_to(self->irq, 1));
		sys_sleep_ms(20);
		ASSERT_EQ(0, sys_write(CPU1_ONLINE, "0"));
		EXPECT_EQ(0, get_cpu(self->irq));
		sys_sleep_ms(20);
		ASSERT_EQ(0, sys_write(CPU1_ONLINE, "1"));
	}
	EXPECT_TRUE(all_came(_metadata, self));
}

TEST_HARNESS_MAIN
