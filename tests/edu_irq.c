// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts of a real (emulated) device on eventfds: MSI, and INTx with
 * masking. Set-up errors are badinput_device.c's.
 */
#include "kselftest_harness.h"
#include "edu.h"
#include "legacy.h"
#include "sys.h"
#include "vfio.h"

#include <pthread.h>
#include <sys/eventfd.h>

#define INTX VFIO_PCI_INTX_IRQ_INDEX
#define MSI VFIO_PCI_MSI_IRQ_INDEX
#define MASK VFIO_IRQ_SET_ACTION_MASK
#define UNMASK VFIO_IRQ_SET_ACTION_UNMASK
#define TRIGGER VFIO_IRQ_SET_ACTION_TRIGGER

/* Long enough for an interrupt to come, and for one not to come. */
#define SOON_MS 3000
#define NEVER_MS 300

/* Of those that race or repeat. */
#define ROUNDS 200

FIXTURE(irq)
{
	struct vfio v;
	struct edu edu;
	int fd; /* v.device, for brevity */
	int efd;
};

FIXTURE_SETUP(irq)
{
	struct pci_dev dev;

	ASSERT_EQ(0, pci_find_alone(&dev, PCI_ID_EDU, 0));
	ASSERT_EQ(0, legacy_open(&self->v, &dev));
	ASSERT_EQ(0, edu_attach(&self->edu, self->v.device));
	self->fd = self->v.device;
	self->efd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ASSERT_LE(0, self->efd);
	/* The device keeps its interrupt state across a reset. */
	edu_write(&self->edu, EDU_IRQ_ACK, ~0U);
}

FIXTURE_TEARDOWN(irq)
{
	edu_write(&self->edu, EDU_IRQ_ACK, ~0U);
	vfio_close(&self->v);
}

static void notify(int efd)
{
	uint64_t one = 1;

	if (write(efd, &one, 8) != 8)
		_exit(1);
}

TEST_F(irq, msi)
{
	unsigned int i;

	ASSERT_EQ(0, vfio_irqs(self->fd, MSI, TRIGGER, 0, 1, &self->efd));
	for (i = 1; i < 6; i++) {
		edu_write(&self->edu, EDU_IRQ_RAISE, i);
		EXPECT_EQ(1, sys_signals(self->efd, SOON_MS));
		EXPECT_EQ(i, edu_read(&self->edu, EDU_IRQ_STATUS));
		edu_write(&self->edu, EDU_IRQ_ACK, i);
		EXPECT_EQ(0, sys_signals(self->efd, 0));
	}
}

TEST_F(irq, msi_when_dma_is_done)
{
	char *area = sys_alloc(PAGE, PAGE);

	ASSERT_NE(NULL, area);
	ASSERT_EQ(0, legacy_map(self->v.container, MIB, area, PAGE, MAP_RW));
	ASSERT_EQ(0, vfio_irqs(self->fd, MSI, TRIGGER, 0, 1, &self->efd));
	memset(area, 0x21, 64);
	edu_dma_start(&self->edu, MIB, 0, 64, false, true);
	EXPECT_EQ(1, sys_signals(self->efd, SOON_MS));
	EXPECT_EQ(EDU_IRQ_DMA, edu_read(&self->edu, EDU_IRQ_STATUS));
	edu_write(&self->edu, EDU_IRQ_ACK, EDU_IRQ_DMA);
	edu_dma_start(&self->edu, MIB + 64, 0, 64, true, true);
	EXPECT_EQ(1, sys_signals(self->efd, SOON_MS));
	/* The message is ordered behind the data. */
	EXPECT_EQ(0x21, area[64]);
	EXPECT_EQ(0x21, area[127]);
}

TEST_F(irq, msi_to_another_eventfd)
{
	int other = eventfd(0, EFD_NONBLOCK), none = -1;

	ASSERT_EQ(0, vfio_irqs(self->fd, MSI, TRIGGER, 0, 1, &self->efd));
	ASSERT_EQ(0, vfio_irqs(self->fd, MSI, TRIGGER, 0, 1, &other));
	edu_write(&self->edu, EDU_IRQ_RAISE, 1);
	EXPECT_EQ(1, sys_signals(other, SOON_MS));
	EXPECT_EQ(0, sys_signals(self->efd, 0));
	ASSERT_EQ(0, vfio_irqs(self->fd, MSI, TRIGGER, 0, 1, &none));
	edu_write(&self->edu, EDU_IRQ_RAISE, 2);
	EXPECT_EQ(0, sys_signals(other, NEVER_MS));
	EXPECT_EQ(0, sys_signals(self->efd, 0));
}

TEST_F(irq, msi_off_and_on)
{
	unsigned int i;

	for (i = 1; i < 4; i++) {
		ASSERT_EQ(0,
			  vfio_irqs(self->fd, MSI, TRIGGER, 0, 1, &self->efd));
		edu_write(&self->edu, EDU_IRQ_RAISE, 1);
		EXPECT_EQ(1, sys_signals(self->efd, SOON_MS));
		edu_write(&self->edu, EDU_IRQ_ACK, 1);
		ASSERT_EQ(0, vfio_irqs(self->fd, MSI, TRIGGER, 0, 0, NULL));
		edu_write(&self->edu, EDU_IRQ_RAISE, 1);
		EXPECT_EQ(0, sys_signals(self->efd, NEVER_MS));
		edu_write(&self->edu, EDU_IRQ_ACK, 1);
	}
}

/* A closed eventfd number is no matter: the kernel holds the object. */
TEST_F(irq, eventfd_closed_by_the_user)
{
	int copy = dup(self->efd);

	ASSERT_EQ(0, vfio_irqs(self->fd, MSI, TRIGGER, 0, 1, &copy));
	close(copy);
	edu_write(&self->edu, EDU_IRQ_RAISE, 1);
	EXPECT_EQ(1, sys_signals(self->efd, SOON_MS));
}

/* The kernel masks the line at each interrupt; the user unmasks it. */
TEST_F(irq, intx)
{
	unsigned int i;

	ASSERT_EQ(0, vfio_irqs(self->fd, INTX, TRIGGER, 0, 1, &self->efd));
	for (i = 1; i < 4; i++) {
		edu_write(&self->edu, EDU_IRQ_RAISE, i);
		EXPECT_EQ(1, sys_signals(self->efd, SOON_MS));
		EXPECT_EQ(0, sys_signals(self->efd, NEVER_MS));
		edu_write(&self->edu, EDU_IRQ_ACK, i);
		ASSERT_EQ(0, vfio_irqs(self->fd, INTX, UNMASK, 0, 1, NULL));
		EXPECT_EQ(0, sys_signals(self->efd, NEVER_MS));
	}
}

TEST_F(irq, intx_still_asserted)
{
	ASSERT_EQ(0, vfio_irqs(self->fd, INTX, TRIGGER, 0, 1, &self->efd));
	edu_write(&self->edu, EDU_IRQ_RAISE, 1);
	EXPECT_EQ(1, sys_signals(self->efd, SOON_MS));
	ASSERT_EQ(0, vfio_irqs(self->fd, INTX, UNMASK, 0, 1, NULL));
	EXPECT_EQ(1, sys_signals(self->efd, SOON_MS));
	edu_write(&self->edu, EDU_IRQ_ACK, 1);
	ASSERT_EQ(0, vfio_irqs(self->fd, INTX, UNMASK, 0, 1, NULL));
	EXPECT_EQ(0, sys_signals(self->efd, NEVER_MS));
}

TEST_F(irq, intx_masked)
{
	ASSERT_EQ(0, vfio_irqs(self->fd, INTX, TRIGGER, 0, 1, &self->efd));
	ASSERT_EQ(0, vfio_irqs(self->fd, INTX, MASK, 0, 1, NULL));
	edu_write(&self->edu, EDU_IRQ_RAISE, 1);
	EXPECT_EQ(0, sys_signals(self->efd, NEVER_MS));
	ASSERT_EQ(0, vfio_irqs(self->fd, INTX, UNMASK, 0, 1, NULL));
	EXPECT_EQ(1, sys_signals(self->efd, SOON_MS));
}

/* Unmasking by an eventfd, as KVM's resample path does. */
TEST_F(irq, intx_unmask_by_eventfd)
{
	int resample = eventfd(0, EFD_NONBLOCK), none = -1;

	ASSERT_EQ(0, vfio_irqs(self->fd, INTX, TRIGGER, 0, 1, &self->efd));
	ASSERT_EQ(0, vfio_irqs(self->fd, INTX, UNMASK, 0, 1, &resample));
	edu_write(&self->edu, EDU_IRQ_RAISE, 1);
	EXPECT_EQ(1, sys_signals(self->efd, SOON_MS));
	EXPECT_EQ(0, sys_signals(self->efd, NEVER_MS));
	notify(resample);
	EXPECT_EQ(1, sys_signals(self->efd, SOON_MS));
	edu_write(&self->edu, EDU_IRQ_ACK, 1);
	notify(resample);
	EXPECT_EQ(0, sys_signals(self->efd, NEVER_MS));
	edu_write(&self->edu, EDU_IRQ_RAISE, 1);
	EXPECT_EQ(1, sys_signals(self->efd, SOON_MS));

	ASSERT_EQ(0, vfio_irqs(self->fd, INTX, UNMASK, 0, 1, &none));
	notify(resample);
	EXPECT_EQ(0, sys_signals(self->efd, NEVER_MS));
}

static int attach_unmask(int device, int efd)
{
	return vfio_irqs(device, INTX, UNMASK, 0, 1, &efd);
}

/* QEMU closes an unmask eventfd without detaching it, and attaches the next. */
TEST_F(irq, intx_unmask_eventfd_closed)
{
	int first = eventfd(0, EFD_NONBLOCK), copy = dup(first);
	int second = eventfd(0, EFD_NONBLOCK), i;

	ASSERT_EQ(0, vfio_irqs(self->fd, INTX, TRIGGER, 0, 1, &self->efd));
	ASSERT_EQ(0, attach_unmask(self->fd, first));
	EXPECT_EQ(-EBUSY, attach_unmask(self->fd, first));
	EXPECT_EQ(-EBUSY, attach_unmask(self->fd, second));
	close(first);
	EXPECT_EQ(-EBUSY, attach_unmask(self->fd, second));
	close(copy);
	ASSERT_EQ(0, attach_unmask(self->fd, second));

	edu_write(&self->edu, EDU_IRQ_RAISE, 1);
	EXPECT_EQ(1, sys_signals(self->efd, SOON_MS));
	notify(second);
	EXPECT_EQ(1, sys_signals(self->efd, SOON_MS));
	edu_write(&self->edu, EDU_IRQ_ACK, 1);
	notify(second);
	close(second);

	/* The close has done all there is to do when it returns. */
	for (i = 0; i < ROUNDS; i++) {
		second = eventfd(0, EFD_NONBLOCK);
		ASSERT_EQ(0, attach_unmask(self->fd, second));
		close(second);
	}
	/* One that has been closed can still be detached, and INTx disabled. */
	ASSERT_EQ(0, attach_unmask(self->fd, -1));
	second = eventfd(0, EFD_NONBLOCK);
	ASSERT_EQ(0, attach_unmask(self->fd, second));
	close(second);
	ASSERT_EQ(0, vfio_irqs(self->fd, INTX, TRIGGER, 0, 0, NULL));
}

/* A second edu with an address space of its own. */
static int open_other(struct vfio *other)
{
	struct pci_dev dev;
	int ret = pci_find_alone(&dev, PCI_ID_EDU, 1);

	return ret ? ret : legacy_open(other, &dev);
}

/*
 * What INTx signals can't unmask INTx, here or in another device: with the line kept
 * asserted, the kernel would be busy with that for ever.
 */
TEST_F(irq, intx_signal_does_not_unmask)
{
	int resample = eventfd(0, EFD_NONBLOCK);
	struct vfio other;

	if (sys_is_peer())
		SKIP(return, "the peer accepts it, and a CPU is lost");
	ASSERT_EQ(0, open_other(&other));
	ASSERT_EQ(0, vfio_irqs(self->fd, INTX, TRIGGER, 0, 1, &self->efd));
	EXPECT_EQ(-EINVAL, attach_unmask(self->fd, self->efd));
	ASSERT_EQ(0, attach_unmask(self->fd, resample));
	EXPECT_EQ(-EINVAL, vfio_irqs(self->fd, INTX, TRIGGER, 0, 1, &resample));
	EXPECT_EQ(-EINVAL,
		  vfio_irqs(other.device, INTX, TRIGGER, 0, 1, &resample));
	ASSERT_EQ(0, vfio_irqs(other.device, INTX, TRIGGER, 0, 1,
			       (int[]){ eventfd(0, EFD_NONBLOCK) }));
	EXPECT_EQ(-EINVAL, attach_unmask(other.device, self->efd));

	/* What was set up goes on to work. */
	edu_write(&self->edu, EDU_IRQ_RAISE, 1);
	EXPECT_EQ(1, sys_signals(self->efd, SOON_MS));
	notify(resample);
	EXPECT_EQ(1, sys_signals(self->efd, SOON_MS));
	edu_write(&self->edu, EDU_IRQ_ACK, 1);

	/* What nobody signals any more may unmask, and the reverse. */
	ASSERT_EQ(0, vfio_irqs(self->fd, INTX, TRIGGER, 0, 0, NULL));
	EXPECT_EQ(0, attach_unmask(other.device, self->efd));
	EXPECT_EQ(0, vfio_irqs(self->fd, INTX, TRIGGER, 0, 1, &resample));
	vfio_close(&other);
}

/* A round for each thread of intx_unmask_races: false if the kernel was wrong. */
static bool attach_and_close(int device)
{
	int efd = eventfd(0, EFD_NONBLOCK), ret;

	ret = attach_unmask(device, efd);
	notify(efd);
	close(efd);
	return !ret || ret == -EBUSY || ret == -EINVAL;
}

static bool detach(int device)
{
	int ret = attach_unmask(device, -1);

	return !ret || ret == -EINVAL;
}

static bool disable_and_enable(int device)
{
	int efd = eventfd(0, EFD_NONBLOCK), ret;

	ret = vfio_irqs(device, INTX, TRIGGER, 0, 0, NULL);
	if (!ret)
		ret = vfio_irqs(device, INTX, TRIGGER, 0, 1, &efd);
	close(efd);
	return !ret;
}

struct racer {
	pthread_t thread;
	int device;
	bool (*round)(int device);
	int wrong;
};

static void *race(void *arg)
{
	struct racer *racer = arg;
	int i;

	for (i = 0; i < ROUNDS; i++)
		racer->wrong += !racer->round(racer->device);
	return NULL;
}

/* Closes of an unmask eventfd against all else that lets go of it. */
TEST_F_TIMEOUT(irq, intx_unmask_races, 90)
{
	struct racer racers[] = {
		{ .device = self->fd, .round = attach_and_close },
		{ .device = self->fd, .round = attach_and_close },
		{ .device = self->fd, .round = detach },
		{ .device = self->fd, .round = disable_and_enable },
	};
	int i;

	ASSERT_EQ(0, vfio_irqs(self->fd, INTX, TRIGGER, 0, 1, &self->efd));
	edu_write(&self->edu, EDU_IRQ_RAISE, 1);
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, pthread_create(&racers[i].thread, NULL, race,
					    &racers[i]));
	for (i = 0; i < 4; i++) {
		pthread_join(racers[i].thread, NULL);
		EXPECT_EQ(0, racers[i].wrong)
		{
			TH_LOG("racer %d", i);
		}
	}
	/* No close of theirs was missed. */
	ASSERT_EQ(0, attach_unmask(self->fd, eventfd(0, EFD_NONBLOCK)));
}

/* DisINTx of the virtual command register masks, too. */
TEST_F(irq, intx_disabled_by_command)
{
	const uint16_t disable = 0x400;

	ASSERT_EQ(0, vfio_irqs(self->fd, INTX, TRIGGER, 0, 1, &self->efd));
	ASSERT_EQ(0, vfio_command(self->fd, disable, 0));
	edu_write(&self->edu, EDU_IRQ_RAISE, 1);
	EXPECT_EQ(0, sys_signals(self->efd, NEVER_MS));
	ASSERT_EQ(0, vfio_command(self->fd, 0, disable));
	EXPECT_EQ(1, sys_signals(self->efd, SOON_MS));
}

TEST_F(irq, intx_then_msi)
{
	ASSERT_EQ(0, vfio_irqs(self->fd, INTX, TRIGGER, 0, 1, &self->efd));
	ASSERT_EQ(0, vfio_irqs(self->fd, INTX, TRIGGER, 0, 0, NULL));
	edu_write(&self->edu, EDU_IRQ_RAISE, 1);
	EXPECT_EQ(0, sys_signals(self->efd, NEVER_MS));
	edu_write(&self->edu, EDU_IRQ_ACK, 1);
	ASSERT_EQ(0, vfio_irqs(self->fd, MSI, TRIGGER, 0, 1, &self->efd));
	edu_write(&self->edu, EDU_IRQ_RAISE, 1);
	EXPECT_EQ(1, sys_signals(self->efd, SOON_MS));
}

/* What was set up survives a reset of the device. */
TEST_F(irq, msi_after_reset)
{
	ASSERT_EQ(0, vfio_irqs(self->fd, MSI, TRIGGER, 0, 1, &self->efd));
	if (!(vfio_device_flags(self->fd) & VFIO_DEVICE_FLAGS_RESET))
		SKIP(return, "this device can't be reset here");
	ASSERT_EQ(0, vfio_ioctl(self->fd, VFIO_DEVICE_RESET, NULL));
	edu_write(&self->edu, EDU_IRQ_RAISE, 1);
	EXPECT_EQ(1, sys_signals(self->efd, SOON_MS));
}

/* A device that is closed with interrupts set up and pending. */
TEST_F(irq, close_while_set_up)
{
	struct pci_dev dev = self->v.pci;

	ASSERT_EQ(0, vfio_irqs(self->fd, INTX, TRIGGER, 0, 1, &self->efd));
	edu_write(&self->edu, EDU_IRQ_RAISE, 1);
	EXPECT_EQ(1, sys_signals(self->efd, SOON_MS));
	munmap(self->edu.bar, EDU_BAR_SIZE);
	vfio_close(&self->v);
	ASSERT_EQ(0, legacy_open(&self->v, &dev));
	ASSERT_EQ(0, edu_attach(&self->edu, self->v.device));
	EXPECT_EQ(0, sys_signals(self->efd, NEVER_MS));
	edu_write(&self->edu, EDU_IRQ_ACK, ~0U);
	ASSERT_EQ(0, vfio_irqs(self->v.device, MSI, TRIGGER, 0, 1, &self->efd));
	edu_write(&self->edu, EDU_IRQ_RAISE, 1);
	EXPECT_EQ(1, sys_signals(self->efd, SOON_MS));
}

TEST_HARNESS_MAIN
