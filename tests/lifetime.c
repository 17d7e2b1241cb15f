// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a device can do before it is attached, and after its owner closed it
 * or was killed: nothing. Memory stays as it is, bus mastering is off, the
 * device was reset, no page is pinned.
 */
#include "kselftest_harness.h"
#include "edu.h"
#include "legacy.h"
#include "sys.h"
#include "vfio.h"

#include <endian.h>
#include <linux/pci_regs.h>
#include <signal.h>
#include <sys/mman.h>

#define COMMAND_BITS (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER)

/* A DMA takes 100 ms of the machine's time; if it won the race, try again. */
#define ATTEMPTS 8
#define SETTLE_MS 500

FIXTURE(life)
{
	struct pci_dev edu;
	struct pci_dev nvme;
	char *shared; /* seen by parent and child */
	int memfd;
	long pins;
};

FIXTURE_SETUP(life)
{
	ASSERT_EQ(0, pci_find_alone(&self->edu, PCI_ID_EDU, 0));
	ASSERT_EQ(0, pci_find_alone(&self->nvme, PCI_ID_NVME, 1));
	ASSERT_EQ(0, pci_bind(&self->edu, "vfio-pci"));
	self->memfd = memfd_create("life", 0);
	ASSERT_LE(0, self->memfd);
	ASSERT_EQ(0, ftruncate(self->memfd, 2 * PAGE));
	self->shared = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
			    self->memfd, 0);
	ASSERT_NE(MAP_FAILED, self->shared);
	self->pins = sys_pins_at_rest();
}

FIXTURE_TEARDOWN(life)
{
	munmap(self->shared, 2 * PAGE);
}

static bool is_all(const char *area, char val, size_t len)
{
	return area[0] == val && !memcmp(area, area + 1, len - 1);
}

static bool bus_master(const struct pci_dev *dev)
{
	return pci_cfg_read(dev, PCI_COMMAND, 2) & PCI_COMMAND_MASTER;
}

/*
 * Owns the edu, with the shared pages mapped at 1 MiB; fills the device's
 * buffer with @val and starts a DMA of it into the second page.
 */
static int own_and_start(struct _test_data_life *self, struct vfio *v,
			 struct edu *edu, char val)
{
	int ret;

	ret = legacy_open(v, &self->edu);
	if (ret)
		return ret;
	ret = edu_attach(edu, v->device);
	if (ret)
		return ret;
	ret = legacy_map(v->container, MIB, self->shared, 2 * PAGE, MAP_RW);
	if (ret)
		return ret;
	memset(self->shared, val, PAGE);
	memset(self->shared + PAGE, 0, PAGE);
	if (!edu_dma_from(edu, MIB, 0, EDU_BUF_SIZE))
		return -ETIMEDOUT;
	edu_dma_start(edu, MIB + PAGE, 0, EDU_BUF_SIZE, true, false);
	return 0;
}

/* How the owner goes. */
static void leave_by_close(struct _test_data_life *self, int report)
{
	struct vfio v;
	struct edu edu;

	if (own_and_start(self, &v, &edu, 0x41))
		_exit(1);
	munmap(edu.bar, EDU_BAR_SIZE);
	vfio_close(&v);
	if (write(report, "x", 1) != 1)
		_exit(1);
	_exit(0);
}

static void wait_to_be_killed(struct _test_data_life *self, int report)
{
	struct vfio v;
	struct edu edu;

	if (own_and_start(self, &v, &edu, 0x42) || write(report, "x", 1) != 1)
		_exit(1);
	sys_sleep_ms(10000);
	_exit(1);
}

/*
 * Runs @leave in a child with a DMA in flight. Returns true if the child was
 * gone before the DMA landed, with the shared page not written at that time.
 */
static bool
left_in_time(struct __test_metadata *_metadata, struct _test_data_life *self,
	     void (*leave)(struct _test_data_life *self, int report),
	     bool kill_it)
{
	int child, status, pipefd[2];
	char c;

	ASSERT_EQ(0, pipe(pipefd));
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		leave(self, pipefd[1]);
	close(pipefd[1]);
	ASSERT_EQ(1, read(pipefd[0], &c, 1));
	if (kill_it)
		kill(child, SIGKILL);
	status = sys_wait_child(child, 10000);
	close(pipefd[0]);
	ASSERT_TRUE(kill_it ?
			    WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL :
			    WIFEXITED(status) && !WEXITSTATUS(status));
	return is_all(self->shared + PAGE, 0, PAGE);
}

static void
gone_quietly(struct __test_metadata *_metadata, struct _test_data_life *self,
	     void (*leave)(struct _test_data_life *self, int report),
	     bool kill_it)
{
	bool in_time = false;
	int i;

	for (i = 0; i < ATTEMPTS && !in_time; i++) {
		in_time = left_in_time(_metadata, self, leave, kill_it);
		EXPECT_FALSE(bus_master(&self->edu));
		EXPECT_TRUE(sys_pins_settle(self->pins, 1000));
	}
	ASSERT_TRUE(in_time)
	{
		TH_LOG("the DMA was faster %d times", ATTEMPTS);
	}
	sys_sleep_ms(SETTLE_MS);
	EXPECT_TRUE(is_all(self->shared + PAGE, 0, PAGE));
}

/* The same DMA does land if its owner stays: else the others prove nothing. */
TEST_F(life, control)
{
	struct vfio v;
	struct edu edu;

	ASSERT_EQ(0, own_and_start(self, &v, &edu, 0x43));
	ASSERT_TRUE(edu_dma_wait(&edu, 5000));
	EXPECT_TRUE(is_all(self->shared + PAGE, 0x43, EDU_BUF_SIZE));
	EXPECT_TRUE(bus_master(&self->edu));
	EXPECT_EQ(self->pins + 2, sys_pins());
	vfio_close(&v);
}

TEST_F(life, closed_during_dma)
{
	gone_quietly(_metadata, self, leave_by_close, false);
}

TEST_F(life, killed_during_dma)
{
	gone_quietly(_metadata, self, wait_to_be_killed, true);
}

/* The next owner isn't disturbed by what the last one had under way. */
TEST_F(life, next_owner_after_kill)
{
	struct vfio v;
	struct edu edu;

	left_in_time(_metadata, self, wait_to_be_killed, true);
	memset(self->shared, 0, 2 * PAGE);
	ASSERT_EQ(0, legacy_open(&v, &self->edu));
	ASSERT_EQ(0, edu_attach(&edu, v.device));
	ASSERT_EQ(0, legacy_map(v.container, MIB, self->shared, PAGE, MAP_RW));
	ASSERT_TRUE(edu_dma_wait(&edu, 5000));
	memset(self->shared, 0x44, 64);
	ASSERT_TRUE(edu_dma_from(&edu, MIB, 0, 64));
	ASSERT_TRUE(edu_dma_to(&edu, MIB + 128, 0, 64));
	EXPECT_TRUE(is_all(self->shared + 128, 0x44, 64));
	EXPECT_TRUE(is_all(self->shared + PAGE, 0, PAGE));
	vfio_close(&v);
}

#define NVME_CC 0x14
#define NVME_CSTS 0x1c
#define NVME_AQA 0x24
#define NVME_ASQ 0x28
#define NVME_ACQ 0x30

static uint32_t reg32(char *bar, unsigned int off)
{
	return le32toh(
		__atomic_load_n((uint32_t *)(bar + off), __ATOMIC_RELAXED));
}

static void set32(char *bar, unsigned int off, uint32_t val)
{
	__atomic_store_n((uint32_t *)(bar + off), htole32(val),
			 __ATOMIC_RELAXED);
}

/* A child that enables the NVMe controller, and waits to be killed. */
static void nvme_enable(struct _test_data_life *self, int report)
{
	struct vfio v;
	char *bar;
	int i;

	if (legacy_open(&v, &self->nvme) ||
	    vfio_command(v.device, COMMAND_BITS, 0))
		_exit(1);
	bar = vfio_bar_map(v.device, 0, PAGE);
	if (!bar ||
	    legacy_map(v.container, MIB, self->shared, 2 * PAGE, MAP_RW))
		_exit(2);
	set32(bar, NVME_AQA, 0x001f001f);
	set32(bar, NVME_ASQ, MIB);
	set32(bar, NVME_ASQ + 4, 0);
	set32(bar, NVME_ACQ, MIB + PAGE);
	set32(bar, NVME_ACQ + 4, 0);
	set32(bar, NVME_CC, 6 << 16 | 4 << 20 | 1);
	for (i = 0; i < 1000 && !(reg32(bar, NVME_CSTS) & 1); i++)
		sys_sleep_ms(5);
	if (!(reg32(bar, NVME_CSTS) & 1) || write(report, "x", 1) != 1)
		_exit(3);
	sys_sleep_ms(10000);
	_exit(4);
}

/* The peer lets a device that nobody uses sleep; its memory isn't there then. */
static void keep_awake(const struct pci_dev *dev)
{
	char path[80];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/power/control",
		 dev->name);
	sys_write(path, "on");
}

TEST_F(life, killed_device_is_reset)
{
	char *bar, driver[64];

	pci_driver(&self->nvme, driver, sizeof(driver));
	ASSERT_TRUE(left_in_time(_metadata, self, nvme_enable, true));
	EXPECT_FALSE(bus_master(&self->nvme));
	EXPECT_TRUE(sys_pins_settle(self->pins, 1000));
	keep_awake(&self->nvme);
	ASSERT_EQ(0, pci_cfg_write(&self->nvme, PCI_COMMAND, 2,
				   PCI_COMMAND_MEMORY));
	bar = pci_resource_map(&self->nvme, 0, PAGE);
	ASSERT_NE(NULL, bar);
	EXPECT_EQ(0, reg32(bar, NVME_CC) & 1);
	EXPECT_EQ(0, reg32(bar, NVME_CSTS) & 1);
	munmap(bar, PAGE);
	pci_cfg_write(&self->nvme, PCI_COMMAND, 2, 0);
	/* What isn't ours to keep goes back to the host's driver. */
	if (strcmp(driver, "vfio-pci"))
		EXPECT_EQ(0, pci_bind(&self->nvme, NULL));
}

/*
 * Drives the edu through sysfs, past VFIO: two DMAs from and to a page's
 * physical address, and one to a low IOVA. Returns true if the page stays as
 * it was.
 */
static bool harmless_by_sysfs(const struct pci_dev *dev, char *page)
{
	struct edu edu = { .bar = pci_resource_map(dev, 0, EDU_BAR_SIZE) };
	uint64_t phys = sys_phys(page);
	bool ok;

	if (!edu.bar || !phys ||
	    pci_cfg_write(dev, PCI_COMMAND, 2, COMMAND_BITS) ||
	    edu_read(&edu, EDU_ID) != 0x010000ed)
		return false;
	memset(page, 0x51, PAGE);
	ok = edu_dma_from(&edu, phys, 0, EDU_BUF_SIZE);
	memset(page, 0x52, PAGE);
	ok = ok && edu_dma_to(&edu, phys, 0, EDU_BUF_SIZE) &&
	     edu_dma_to(&edu, MIB, 0, EDU_BUF_SIZE);
	pci_cfg_write(dev, PCI_COMMAND, 2, 0);
	munmap(edu.bar, EDU_BAR_SIZE);
	return ok && is_all(page, 0x52, PAGE);
}

TEST_F(life, claimed_but_not_attached)
{
	char *page = sys_alloc(PAGE, PAGE);
	int container = vfio_container(), group = vfio_group(&self->edu);
	int kmsg = kmsg_open();

	ASSERT_NE(NULL, page);
	/* Fresh, so that the kernel's limit on fault reports isn't reached. */
	sys_sleep_ms(5200);
	ASSERT_EQ(0, vfio_set_container(group, container));
	EXPECT_TRUE(harmless_by_sysfs(&self->edu, page));
	EXPECT_TRUE(pci_fault_wait(kmsg, self->edu.name, 2000));
	ASSERT_EQ(0, vfio_unset_container(group));
	close(group);
	close(container);
}

/* With a container that has a type: translated, not identity. */
TEST_F(life, attached_but_not_mapped)
{
	char *page = sys_alloc(PAGE, PAGE);
	int container = vfio_container(), group = vfio_group(&self->edu);

	ASSERT_NE(NULL, page);
	ASSERT_EQ(0, vfio_set_container(group, container));
	ASSERT_EQ(0, vfio_set_iommu(container, legacy_type()));
	EXPECT_TRUE(harmless_by_sysfs(&self->edu, page));
	close(group);
	close(container);
}

/* After the container is gone, its mappings are, for the hardware too. */
TEST_F(life, released)
{
	const char *host = getenv("HOST_DOMAIN");
	struct vfio v;
	struct edu edu;

	/* Root may have it write anywhere then, as without an IOMMU. */
	if (host && !strcmp(host, "identity"))
		SKIP(return, "the host's own devices aren't confined here");
	ASSERT_EQ(0, own_and_start(self, &v, &edu, 0x45));
	ASSERT_TRUE(edu_dma_wait(&edu, 5000));
	munmap(edu.bar, EDU_BAR_SIZE);
	vfio_close(&v);
	EXPECT_TRUE(harmless_by_sysfs(&self->edu, self->shared));
	EXPECT_TRUE(is_all(self->shared + PAGE, 0x45, EDU_BUF_SIZE));
}

TEST_HARNESS_MAIN
