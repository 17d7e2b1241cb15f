// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device whose user doesn't let go of it when it's wanted back: he ignores the
 * request, keeps a mapping elsewhere, waits for his own memory in the middle of a call.
 * The driver is unbound all the same, in the time that the parameter says, and what he
 * still has is of no use.
 *
 * Needs two edus with a group each, and a group of an edu and an e1000.
 */
#include "kselftest_harness.h"
#include "edu.h"
#include "legacy.h"
#include "missing.h"
#include "sys.h"
#include "vfio.h"

#include <linux/pci_regs.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>

/* For a removal on a slow machine; a reset of a bus takes more than a second. */
#define MARGIN_MS 20000

#define IOVA (16 * MIB)

static sigjmp_buf bus_error;

static void on_bus_error(int sig)
{
	(void)sig;
	siglongjmp(bus_error, 1);
}

/* Does an access to device memory end in SIGBUS? */
static bool is_dead(uint32_t *reg)
{
	bool dead = true;

	signal(SIGBUS, on_bus_error);
	if (!sigsetjmp(bus_error, 1)) {
		__atomic_load_n(reg, __ATOMIC_RELAXED);
		dead = false;
	}
	signal(SIGBUS, SIG_DFL);
	return dead;
}

static bool is_bound(const struct pci_dev *dev)
{
	char name[64];

	pci_driver(dev, name, sizeof(name));
	return name[0];
}

/* Unbinds in a process of its own that has none of our fds. */
static int unbind_begin(const struct pci_dev *dev)
{
	int pid = fork();

	if (pid)
		return pid;
	close_range(3, ~0U, 0);
	_exit(pci_bind(dev, "") ? 1 : 0);
}

/* Is it done within @ms, with success? */
static bool unbind_end(int pid, unsigned int ms)
{
	int status = sys_wait_child(pid, ms);

	return WIFEXITED(status) && !WEXITSTATUS(status);
}

static bool unbind(const struct pci_dev *dev, unsigned int ms)
{
	return unbind_end(unbind_begin(dev), ms);
}

/* What every call of an fd answers whose device has been taken away. */
static int ask_all(int device)
{
	struct vfio_region_info region = { .argsz = sizeof(region) };
	struct vfio_device_info info = { .argsz = sizeof(info) };
	struct vfio_irq_info irq = { .argsz = sizeof(irq) };
	struct {
		struct vfio_irq_set set;
		int fd;
	} irqs = {
		.set = {
			.argsz = sizeof(irqs),
			.flags = VFIO_IRQ_SET_DATA_EVENTFD |
				 VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = VFIO_PCI_REQ_IRQ_INDEX,
			.count = 1,
		},
		.fd = -1,
	};
	struct vfio_pci_hot_reset_info hot = { .argsz = sizeof(hot) };
	struct vfio_device_feature feature = {
		.argsz = sizeof(feature),
		.flags = VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_GET,
	};
	off_t config = (off_t)VFIO_PCI_CONFIG_REGION_INDEX << 40;
	uint32_t data = 0;
	int wrong = 0;

	wrong += vfio_ioctl(device, VFIO_DEVICE_GET_INFO, &info) != -ENODEV;
	wrong += vfio_ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &region) !=
		 -ENODEV;
	wrong += vfio_ioctl(device, VFIO_DEVICE_GET_IRQ_INFO, &irq) != -ENODEV;
	wrong += vfio_ioctl(device, VFIO_DEVICE_SET_IRQS, &irqs) != -ENODEV;
	wrong += vfio_ioctl(device, VFIO_DEVICE_RESET, NULL) != -ENODEV;
	wrong += vfio_ioctl(device, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &hot) !=
		 -ENODEV;
	wrong += vfio_ioctl(device, VFIO_DEVICE_FEATURE, &feature) != -ENODEV;
	wrong += vfio_ioctl(device, VFIO_DEVICE_FEATURE + 100, NULL) != -ENODEV;
	wrong += pread(device, &data, 4, config) != -1 || errno != ENODEV;
	wrong += pwrite(device, &data, 4, config + 4) != -1 || errno != ENODEV;
	wrong += pread(device, &data, 4, 0) != -1 || errno != ENODEV;
	wrong += pwrite(device, &data, 4, 0) != -1 || errno != ENODEV;
	wrong += mmap(NULL, PAGE, PROT_READ, MAP_SHARED, device, 0) !=
			 MAP_FAILED ||
		 errno != ENODEV;
	return wrong;
}

FIXTURE(revoke)
{
	struct pci_dev dev;
	struct pci_dev other;
	struct vfio v;
	struct edu edu;
	long pins;
	char *mem;
};

FIXTURE_SETUP(revoke)
{
	if (sys_is_peer())
		SKIP(return, "the peer waits for ever");
	ASSERT_EQ(0, pci_find_alone(&self->dev, PCI_ID_EDU, 0));
	ASSERT_EQ(0, pci_find_alone(&self->other, PCI_ID_EDU, 1));
	self->pins = sys_pins_at_rest();
	self->mem = sys_alloc(4 * PAGE, PAGE);
	ASSERT_TRUE(self->mem);
	ASSERT_EQ(0, legacy_open(&self->v, &self->dev));
	ASSERT_EQ(0, edu_attach(&self->edu, self->v.device));
	ASSERT_EQ(0,
		  legacy_map(self->v.container, IOVA, self->mem, PAGE, MAP_RW));
	ASSERT_EQ(0, vfio_set_grace(1));
}

/* A mapping keeps the device open as an fd does. */
static void unmap_bar(struct edu *edu)
{
	if (edu->bar)
		munmap(edu->bar, EDU_BAR_SIZE);
	edu->bar = NULL;
}

FIXTURE_TEARDOWN(revoke)
{
	unmap_bar(&self->edu);
	vfio_close(&self->v);
	legacy_forget(self->v.container);
	vfio_set_grace(VFIO_GRACE_DEFAULT);
	EXPECT_TRUE(sys_pins_settle(self->pins, 2000));
	EXPECT_EQ(0, pci_bind(&self->dev, "vfio-pci"));
}

TEST_F(revoke, user_does_nothing)
{
	struct vfio_region_info region;
	char who[32];
	struct vfio v;
	struct edu edu;
	int kmsg;

	kmsg = kmsg_open();
	ASSERT_EQ(0, vfio_region(self->v.device, 0, &region));
	ASSERT_EQ(0, region.offset);
	ASSERT_TRUE(unbind(&self->dev, 1000 + MARGIN_MS));
	EXPECT_FALSE(is_bound(&self->dev));
	snprintf(who, sizeof(who), "from process %d (", getpid());
	EXPECT_TRUE(kmsg_wait(kmsg, self->dev.name, who, 1000));
	close(kmsg);

	EXPECT_EQ(0, ask_all(self->v.device));
	EXPECT_TRUE(is_dead((uint32_t *)self->edu.bar));
	EXPECT_FALSE(pci_cfg_read(&self->dev, PCI_COMMAND, 2) &
		     PCI_COMMAND_MASTER);
	EXPECT_EQ(-ENODEV, vfio_group_flags(self->v.group));
	EXPECT_EQ(-ENODEV, vfio_get_device(self->v.group, self->dev.name));
	EXPECT_EQ(-ENODEV, vfio_unset_container(self->v.group));
	EXPECT_EQ(-ENODEV,
		  vfio_set_container(self->v.group, self->v.container));

	/* Another one can have it, whoever keeps what is left of it. */
	ASSERT_EQ(0, legacy_open(&v, &self->dev));
	ASSERT_EQ(0, edu_attach(&edu, v.device));
	EXPECT_EQ(0, ask_all(self->v.device));
	EXPECT_TRUE(is_dead((uint32_t *)self->edu.bar));
	vfio_close(&self->v);
	unmap_bar(&self->edu);
	ASSERT_EQ(0, legacy_map(v.container, IOVA, self->mem, PAGE, MAP_RW));
	EXPECT_TRUE(edu_dma_from(&edu, IOVA, 0, 64));
	unmap_bar(&edu);
	vfio_close(&v);
	legacy_forget(v.container);
}

/* Until the time is over everything works; and he is asked more than once. */
TEST_F(revoke, asked_again)
{
	struct pollfd p = { .events = POLLIN };
	int pid, i;

	ASSERT_EQ(0, vfio_set_grace(8));
	p.fd = eventfd(0, EFD_NONBLOCK);
	ASSERT_EQ(0, vfio_irqs(self->v.device, VFIO_PCI_REQ_IRQ_INDEX,
			       VFIO_IRQ_SET_ACTION_TRIGGER, 0, 1, &p.fd));
	pid = unbind_begin(&self->dev);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(1, poll(&p, 1, 7000));
		EXPECT_EQ(1, sys_signals(p.fd, 0));
		EXPECT_TRUE(edu_dma_from(&self->edu, IOVA, 0, 64));
		EXPECT_EQ(self->dev.vendor,
			  vfio_cfg_read(self->v.device, 0, 2));
	}
	EXPECT_TRUE(unbind_end(pid, 8000 + MARGIN_MS));
	EXPECT_EQ(0, ask_all(self->v.device));
	close(p.fd);
}

/* He has closed all, but a child has the memory. */
TEST_F(revoke, mapping_elsewhere)
{
	int go[2], child, status;
	char c;

	ASSERT_EQ(0, pipe(go));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		close_range(go[1], ~0U, 0);
		vfio_close(&self->v);
		/* Until the parent says so, or is gone. */
		status = read(go[0], &c, 1);
		_exit(is_dead((uint32_t *)self->edu.bar) ? 0 : 1);
	}
	vfio_close(&self->v);
	unmap_bar(&self->edu);
	EXPECT_TRUE(unbind(&self->dev, 1000 + MARGIN_MS));
	close(go[1]);
	status = sys_wait_child(child, 5000);
	EXPECT_TRUE(WIFEXITED(status) && !WEXITSTATUS(status));
	close(go[0]);
}

/* Who waits for the device needn't wait for the time to be over. */
TEST_F(revoke, remover_is_killed)
{
	int pid, status;

	ASSERT_EQ(0, vfio_set_grace(3600));
	pid = unbind_begin(&self->dev);
	sys_sleep_ms(500);
	EXPECT_EQ(0, waitpid(pid, &status, WNOHANG));
	EXPECT_EQ(self->dev.vendor, vfio_cfg_read(self->v.device, 0, 2));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	status = sys_wait_child(pid, MARGIN_MS);
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_FALSE(is_bound(&self->dev));
	EXPECT_EQ(0, ask_all(self->v.device));
}

/* Its memory is withdrawn from others' IOMMUs. */
TEST_F(revoke, peers_lose_it)
{
	struct vfio peer;

	if (legacy_is_spapr())
		SKIP(return, "no peer-to-peer maps");
	ASSERT_EQ(0, legacy_open(&peer, &self->other));
	ASSERT_EQ(0,
		  vfio_map(peer.container, IOVA, self->edu.bar, PAGE, MAP_RW));
	EXPECT_TRUE(unbind(&self->dev, 1000 + MARGIN_MS));
	EXPECT_EQ(-EFAULT, vfio_map(peer.container, IOVA + PAGE, self->edu.bar,
				    PAGE, MAP_RW));
	EXPECT_EQ(PAGE, vfio_unmap(peer.container, IOVA, PAGE));
	EXPECT_EQ(self->other.vendor, vfio_cfg_read(peer.device, 0, 2));
	vfio_close(&peer);
}

/* ---- In the middle of a call ---- */

enum call {
	CALL_READ_CONFIG,
	CALL_WRITE_CONFIG,
	CALL_READ_BAR,
	CALL_WRITE_BAR,
	CALL_INFO,
	CALL_IRQS,
	CALL_MAP,
};

struct caller {
	pthread_t thread;
	enum call call;
	struct vfio *v;
	char *page;
	int ret;
};

/* Interrupts whose eventfd is in the page. */
static int call_irqs(struct caller *c)
{
	struct vfio_irq_set *set = (void *)(c->page - sizeof(*set));

	*set = (struct vfio_irq_set){
		.argsz = sizeof(*set) + sizeof(int),
		.flags = VFIO_IRQ_SET_DATA_EVENTFD |
			 VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = VFIO_PCI_REQ_IRQ_INDEX,
		.count = 1,
	};
	return vfio_ioctl(c->v->device, VFIO_DEVICE_SET_IRQS, set);
}

static int call(struct caller *c)
{
	off_t config = (off_t)VFIO_PCI_CONFIG_REGION_INDEX << 40;
	ssize_t n;

	switch (c->call) {
	case CALL_READ_CONFIG:
		n = pread(c->v->device, c->page, 64, config);
		break;
	case CALL_WRITE_CONFIG:
		n = pwrite(c->v->device, c->page, 16, config + 0x10);
		break;
	case CALL_READ_BAR:
		n = pread(c->v->device, c->page, 4, EDU_ID);
		break;
	case CALL_WRITE_BAR:
		n = pwrite(c->v->device, c->page, 4, EDU_LIVENESS);
		break;
	case CALL_INFO:
		return vfio_ioctl(c->v->device, VFIO_DEVICE_GET_REGION_INFO,
				  c->page);
	case CALL_IRQS:
		return call_irqs(c);
	default:
		return legacy_map(c->v->container, IOVA + PAGE, c->page, PAGE,
				  MAP_RW);
	}
	return n < 0 ? -errno : n;
}

static void *caller_thread(void *arg)
{
	struct caller *c = arg;

	c->ret = call(c);
	return NULL;
}

FIXTURE_VARIANT(waits)
{
	enum call call;
	int ret;
};

FIXTURE(waits)
{
	struct pci_dev dev;
	struct vfio v;
	struct caller caller;
	long pins;
	int uffd;
	char *mem;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(waits, read_config) {
	.call = CALL_READ_CONFIG, .ret = -ENODEV,
};

FIXTURE_VARIANT_ADD(waits, write_config) {
	.call = CALL_WRITE_CONFIG, .ret = -ENODEV,
};

/* All that it wanted it had read before. */
FIXTURE_VARIANT_ADD(waits, read_bar) {
	.call = CALL_READ_BAR, .ret = 4,
};

FIXTURE_VARIANT_ADD(waits, write_bar) {
	.call = CALL_WRITE_BAR, .ret = -ENODEV,
};

/* It finds an argsz of 0. */
FIXTURE_VARIANT_ADD(waits, info) {
	.call = CALL_INFO, .ret = -EINVAL,
};

FIXTURE_VARIANT_ADD(waits, irqs) {
	.call = CALL_IRQS, .ret = -ENODEV,
};

/* The container has lost its only group, and with it the type. */
FIXTURE_VARIANT_ADD(waits, map) {
	.call = CALL_MAP, .ret = -EINVAL,
};

/* clang-format on */

FIXTURE_SETUP(waits)
{
	if (sys_is_peer())
		SKIP(return, "the peer waits for ever");
	if (variant->call == CALL_MAP && legacy_is_spapr())
		SKIP(return, "this type maps only what was pinned before");
	ASSERT_EQ(0, pci_find_alone(&self->dev, PCI_ID_EDU, 0));
	self->pins = sys_pins_at_rest();
	self->mem = sys_alloc(2 * PAGE, PAGE);
	ASSERT_TRUE(self->mem);
	self->uffd = missing_take(self->mem + PAGE);
	ASSERT_LE(0, self->uffd);
	ASSERT_EQ(0, legacy_open(&self->v, &self->dev));
	ASSERT_EQ(0, vfio_command(self->v.device, PCI_COMMAND_MEMORY, 0));
	ASSERT_EQ(0, vfio_set_grace(1));
	self->caller = (struct caller){
		.call = variant->call,
		.v = &self->v,
		.page = self->mem + PAGE,
	};
	ASSERT_EQ(0, pthread_create(&self->caller.thread, NULL, caller_thread,
				    &self->caller));
	ASSERT_TRUE(missing_wanted(self->uffd));
}

FIXTURE_TEARDOWN(waits)
{
	vfio_close(&self->v);
	close(self->uffd);
	vfio_set_grace(VFIO_GRACE_DEFAULT);
	EXPECT_TRUE(sys_pins_settle(self->pins, 2000));
	EXPECT_EQ(0, pci_bind(&self->dev, "vfio-pci"));
}

TEST_F(waits, for_memory)
{
	EXPECT_TRUE(unbind(&self->dev, 1000 + MARGIN_MS));
	EXPECT_FALSE(is_bound(&self->dev));
	missing_give(self->uffd, self->caller.page);
	pthread_join(self->caller.thread, NULL);
	EXPECT_EQ(variant->ret, self->caller.ret);
	EXPECT_EQ(0, ask_all(self->v.device));
}

/* ---- One of several devices ---- */

FIXTURE(sibling)
{
	struct pci_dev edu;
	struct pci_dev nic;
	struct vfio v;
	int device; /* the nic's fd */
	char *mem;
};

FIXTURE_SETUP(sibling)
{
	if (sys_is_peer())
		SKIP(return, "the peer waits for ever");
	if (pci_find_pair(&self->edu, &self->nic))
		SKIP(return, "no group of several devices");
	ASSERT_EQ(0, pci_bind(&self->nic, "vfio-pci"));
	self->mem = sys_alloc(PAGE, PAGE);
	ASSERT_TRUE(self->mem);
	ASSERT_EQ(0, legacy_open(&self->v, &self->edu));
	self->device = vfio_get_device(self->v.group, self->nic.name);
	ASSERT_LE(0, self->device);
	ASSERT_EQ(0, vfio_set_grace(1));
}

FIXTURE_TEARDOWN(sibling)
{
	close(self->device);
	vfio_close(&self->v);
	legacy_forget(self->v.container);
	vfio_set_grace(VFIO_GRACE_DEFAULT);
	EXPECT_EQ(0, pci_bind(&self->nic, NULL));
}

/* His other device goes on, and keeps host drivers away from the group. */
TEST_F(sibling, goes_on)
{
	struct edu edu;

	ASSERT_EQ(0, edu_attach(&edu, self->v.device));
	ASSERT_EQ(0,
		  legacy_map(self->v.container, IOVA, self->mem, PAGE, MAP_RW));
	EXPECT_TRUE(unbind(&self->nic, 1000 + MARGIN_MS));
	EXPECT_EQ(0, ask_all(self->device));
	EXPECT_EQ(-ENODEV, vfio_get_device(self->v.group, self->nic.name));
	EXPECT_EQ(VFIO_GROUP_FLAGS_VIABLE | VFIO_GROUP_FLAGS_CONTAINER_SET,
		  vfio_group_flags(self->v.group));
	EXPECT_TRUE(edu_dma_from(&edu, IOVA, 0, 64));

	pci_bind(&self->nic, NULL);
	EXPECT_FALSE(is_bound(&self->nic));
	EXPECT_TRUE(edu_dma_from(&edu, IOVA, 0, 64));

	/* It is the fd of a device that he still has that keeps the container. */
	EXPECT_EQ(-EBUSY, vfio_unset_container(self->v.group));
	unmap_bar(&edu);
	close(self->v.device);
	self->v.device = -1;
	EXPECT_EQ(0, vfio_unset_container(self->v.group));
	EXPECT_EQ(0, ask_all(self->device));
	EXPECT_EQ(0, pci_bind(&self->nic, NULL));
	EXPECT_TRUE(is_bound(&self->nic));
}

/* Bound again while its old fd is open, it can be had by the same group's owner. */
TEST_F(sibling, comes_back)
{
	int again;

	EXPECT_TRUE(unbind(&self->nic, 1000 + MARGIN_MS));
	ASSERT_EQ(0, pci_bind(&self->nic, "vfio-pci"));
	again = vfio_get_device(self->v.group, self->nic.name);
	ASSERT_LE(0, again);
	EXPECT_EQ(0x8086, vfio_cfg_read(again, 0, 2));
	EXPECT_EQ(0, ask_all(self->device));
	close(self->device);
	self->device = -1;
	EXPECT_EQ(0x8086, vfio_cfg_read(again, 0, 2));
	close(again);
}

TEST_HARNESS_MAIN
