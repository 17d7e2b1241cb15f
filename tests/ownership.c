// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who owns what: groups against host drivers and other processes, containers
 * against each other, fds that outlive one another, inherited fds.
 *
 * Needs two edus with a group each, an e1000e, and a group of an edu and an
 * e1000 behind one conventional bridge.
 */
#include "kselftest_harness.h"
#include "edu.h"
#include "legacy.h"
#include "sys.h"
#include "vfio.h"

#include <fcntl.h>
#include <linux/pci_regs.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>

/* It takes a second group only while there is no window, and then never makes one. */
#define NO_SHARING "the peer has one group in a container here"

FIXTURE(driver)
{
	struct pci_dev nic;
};

FIXTURE_SETUP(driver)
{
	ASSERT_EQ(0, pci_find(&self->nic, PCI_ID_E1000E, 0));
	ASSERT_EQ(0, pci_bind(&self->nic, NULL));
}

FIXTURE_TEARDOWN(driver)
{
	pci_bind(&self->nic, NULL);
}

/* Without a device on our driver a group can't even be opened. */
TEST_F(driver, group_node_comes_and_goes)
{
	char name[64];
	int group;

	pci_driver(&self->nic, name, sizeof(name));
	EXPECT_STREQ("e1000e", name);
	EXPECT_EQ(-ENOENT, vfio_group(&self->nic));
	ASSERT_EQ(0, pci_bind(&self->nic, "vfio-pci"));
	group = vfio_group(&self->nic);
	ASSERT_LE(0, group);
	EXPECT_EQ(VFIO_GROUP_FLAGS_VIABLE, vfio_group_flags(group));
	close(group);
	ASSERT_EQ(0, pci_bind(&self->nic, ""));
	EXPECT_EQ(-ENOENT, vfio_group(&self->nic));
	ASSERT_EQ(0, pci_bind(&self->nic, NULL));
	pci_driver(&self->nic, name, sizeof(name));
	EXPECT_STREQ("e1000e", name);
}

/* As dpdk-devbind.py and older scripts do it, without driver_override. */
TEST_F(driver, new_id)
{
	char name[64], path[128];

	ASSERT_EQ(0, pci_bind(&self->nic, ""));
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver_override",
		 self->nic.name);
	ASSERT_EQ(0, sys_write(path, "\n"));
	ASSERT_EQ(0, sys_write("/sys/bus/pci/drivers/vfio-pci/new_id",
			       "8086 10d3"));
	pci_driver(&self->nic, name, sizeof(name));
	EXPECT_STREQ("vfio-pci", name);
	EXPECT_EQ(0, sys_write("/sys/bus/pci/drivers/vfio-pci/remove_id",
			       "8086 10d3"));
	EXPECT_EQ(0, pci_bind(&self->nic, NULL));
	pci_driver(&self->nic, name, sizeof(name));
	EXPECT_STREQ("e1000e", name);
}

/* Takes the driver from a device that is in use; the user is asked to go. */
TEST_F(driver, unbind_asks_the_owner)
{
	struct pollfd p = { .events = POLLIN };
	struct vfio v;
	int child, status;

	ASSERT_EQ(0, legacy_open(&v, &self->nic));
	p.fd = eventfd(0, EFD_NONBLOCK);
	ASSERT_EQ(0, vfio_irqs(v.device, VFIO_PCI_REQ_IRQ_INDEX,
			       VFIO_IRQ_SET_ACTION_TRIGGER, 0, 1, &p.fd));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		/* Or it would wait for itself. */
		vfio_close(&v);
		_exit(pci_bind(&self->nic, "") ? 1 : 0);
	}
	EXPECT_EQ(1, poll(&p, 1, 5000));
	/* Until then everything works. */
	EXPECT_EQ(self->nic.vendor, vfio_cfg_read(v.device, 0, 2));
	vfio_close(&v);
	status = sys_wait_child(child, 15000);
	EXPECT_TRUE(WIFEXITED(status) && !WEXITSTATUS(status));
	EXPECT_EQ(-ENOENT, vfio_group(&self->nic));
}

FIXTURE(mixed)
{
	struct pci_dev edu;
	struct pci_dev nic;
	int container;
	int group;
};

FIXTURE_SETUP(mixed)
{
	if (pci_find_pair(&self->edu, &self->nic))
		SKIP(return, "no group of several devices");
	/* Its driver then can't set a DMA mask, or uses what is free. */
	if (legacy_is_spapr() && sys_is_peer())
		SKIP(return, "the peer leaves the second device a freed table");
	ASSERT_EQ(0, pci_bind(&self->nic, NULL));
	ASSERT_EQ(0, pci_bind(&self->edu, "vfio-pci"));
	self->container = vfio_container();
	ASSERT_LE(0, self->container);
	self->group = vfio_group(&self->edu);
	ASSERT_LE(0, self->group);
}

FIXTURE_TEARDOWN(mixed)
{
	close(self->group);
	close(self->container);
	pci_bind(&self->nic, NULL);
}

TEST_F(mixed, refused_with_a_host_driver)
{
	EXPECT_EQ(0, vfio_group_flags(self->group));
	EXPECT_EQ(-EPERM, vfio_set_container(self->group, self->container));
	EXPECT_EQ(-EINVAL, vfio_get_device(self->group, self->edu.name));
	ASSERT_EQ(0, pci_bind(&self->nic, ""));
	EXPECT_EQ(VFIO_GROUP_FLAGS_VIABLE, vfio_group_flags(self->group));
	EXPECT_EQ(0, vfio_set_container(self->group, self->container));
}

TEST_F(mixed, host_driver_refused_while_owned)
{
	char name[64];

	ASSERT_EQ(0, pci_bind(&self->nic, ""));
	ASSERT_EQ(0, vfio_set_container(self->group, self->container));
	EXPECT_NE(0, pci_bind(&self->nic, NULL));
	pci_driver(&self->nic, name, sizeof(name));
	EXPECT_STREQ("", name);
	ASSERT_EQ(0, vfio_set_iommu(self->container, legacy_type()));
	EXPECT_NE(0, pci_bind(&self->nic, NULL));
	/* The vfio-pci driver is welcome. */
	EXPECT_EQ(0, pci_bind(&self->nic, "vfio-pci"));
	EXPECT_EQ(0, pci_bind(&self->nic, ""));
	ASSERT_EQ(0, vfio_unset_container(self->group));
	EXPECT_EQ(0, pci_bind(&self->nic, NULL));
	pci_driver(&self->nic, name, sizeof(name));
	EXPECT_STRNE("", name);
	EXPECT_EQ(-EPERM, vfio_set_container(self->group, self->container));
}

/* Both devices of one group, by one owner; one alone has no hot reset. */
TEST_F(mixed, both_devices)
{
	int fd[2];

	ASSERT_EQ(0, pci_bind(&self->nic, "vfio-pci"));
	ASSERT_EQ(0, vfio_set_container(self->group, self->container));
	ASSERT_EQ(0, vfio_set_iommu(self->container, legacy_type()));
	fd[0] = vfio_get_device(self->group, self->edu.name);
	fd[1] = vfio_get_device(self->group, self->nic.name);
	ASSERT_LE(0, fd[0]);
	ASSERT_LE(0, fd[1]);
	EXPECT_EQ(self->edu.vendor, vfio_cfg_read(fd[0], 0, 2));
	EXPECT_EQ(self->nic.vendor, vfio_cfg_read(fd[1], 0, 2));
	close(fd[0]);
	EXPECT_EQ(-EBUSY, vfio_unset_container(self->group));
	close(fd[1]);
	EXPECT_EQ(0, vfio_unset_container(self->group));
}

/*
 * A device that is being unbound while in use can't be found any more, but it
 * still counts: the group stays owned when the other device leaves.
 */
TEST_F(mixed, device_in_use_keeps_the_group)
{
	uint64_t end = sys_now_ms() + 5000;
	int fd, child, status, ret;

	ASSERT_EQ(0, pci_bind(&self->nic, "vfio-pci"));
	ASSERT_EQ(0, vfio_set_container(self->group, self->container));
	ASSERT_EQ(0, vfio_set_iommu(self->container, legacy_type()));
	fd = vfio_get_device(self->group, self->nic.name);
	ASSERT_LE(0, fd);
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		/* Or it would wait for itself. */
		close(fd);
		_exit(pci_bind(&self->nic, "") ? 1 : 0);
	}
	do {
		ret = vfio_get_device(self->group, self->nic.name);
		if (ret >= 0)
			close(ret);
		sys_sleep_ms(10);
	} while (ret >= 0 && sys_now_ms() < end);
	EXPECT_EQ(-ENODEV, ret);

	EXPECT_EQ(0, pci_bind(&self->edu, ""));
	EXPECT_EQ(VFIO_GROUP_FLAGS_VIABLE | VFIO_GROUP_FLAGS_CONTAINER_SET,
		  vfio_group_flags(self->group));
	EXPECT_EQ(self->nic.vendor, vfio_cfg_read(fd, 0, 2));
	close(fd);
	status = sys_wait_child(child, 15000);
	EXPECT_TRUE(WIFEXITED(status) && !WEXITSTATUS(status));
	EXPECT_EQ(-ENODEV, vfio_group_flags(self->group));
}

static bool is_master(const struct pci_dev *dev)
{
	return pci_cfg_read(dev, PCI_COMMAND, 2) & PCI_COMMAND_MASTER;
}

static int make_master(const struct pci_dev *dev)
{
	int64_t command = pci_cfg_read(dev, PCI_COMMAND, 2);

	return pci_cfg_write(dev, PCI_COMMAND, 2, command | PCI_COMMAND_MASTER);
}

/*
 * Nobody looks after a device without a driver. If it could still do DMA when the group
 * is given back, it would reach all of memory where the host's devices aren't translated.
 */
TEST_F(mixed, no_dma_of_a_device_without_driver)
{
	int fd;

	if (sys_is_peer())
		SKIP(return, "the peer leaves it as it is");
	ASSERT_EQ(0, pci_bind(&self->nic, ""));
	ASSERT_EQ(0, make_master(&self->nic));
	ASSERT_EQ(0, vfio_set_container(self->group, self->container));
	ASSERT_EQ(0, vfio_set_iommu(self->container, legacy_type()));
	fd = vfio_get_device(self->group, self->edu.name);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, make_master(&self->nic));
	ASSERT_TRUE(is_master(&self->nic));
	close(fd);
	ASSERT_EQ(0, vfio_unset_container(self->group));
	EXPECT_FALSE(is_master(&self->nic));

	/* Its own driver finds it as ever. */
	EXPECT_EQ(0, pci_bind(&self->nic, NULL));
	EXPECT_TRUE(is_master(&self->nic));
}

/* The same when the last device of ours loses its driver while it is in use. */
TEST_F(mixed, no_dma_after_the_last_driver)
{
	uint64_t until = sys_now_ms() + 5000;
	int fd, ret, child, status;

	if (sys_is_peer())
		SKIP(return, "the peer leaves it as it is");
	ASSERT_EQ(0, pci_bind(&self->nic, ""));
	ASSERT_EQ(0, vfio_set_container(self->group, self->container));
	ASSERT_EQ(0, vfio_set_iommu(self->container, legacy_type()));
	fd = vfio_get_device(self->group, self->edu.name);
	ASSERT_LE(0, fd);
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		/* Or it would wait for itself. */
		close(fd);
		_exit(pci_bind(&self->edu, "") ? 1 : 0);
	}
	do {
		ret = vfio_get_device(self->group, self->edu.name);
		if (ret >= 0)
			close(ret);
		sys_sleep_ms(10);
	} while (ret >= 0 && sys_now_ms() < until);
	EXPECT_EQ(-ENODEV, ret);
	ASSERT_EQ(0, make_master(&self->nic));
	ASSERT_TRUE(is_master(&self->nic));
	close(fd);
	status = sys_wait_child(child, 15000);
	EXPECT_TRUE(WIFEXITED(status) && !WEXITSTATUS(status));
	EXPECT_EQ(-ENODEV, vfio_group_flags(self->group));
	EXPECT_FALSE(is_master(&self->nic));
}

FIXTURE(two)
{
	struct vfio v[2];
	struct edu edu[2];
	struct pci_dev dev[2];
	char *a; /* a page each */
	char *b;
};

FIXTURE_SETUP(two)
{
	int i;

	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pci_find_alone(&self->dev[i], PCI_ID_EDU, i));
	self->a = sys_alloc(PAGE, PAGE);
	self->b = sys_alloc(PAGE, PAGE);
	ASSERT_NE(NULL, self->a);
	ASSERT_NE(NULL, self->b);
	ASSERT_EQ(0, legacy_open(&self->v[0], &self->dev[0]));
	ASSERT_EQ(0, edu_attach(&self->edu[0], self->v[0].device));
}

FIXTURE_TEARDOWN(two)
{
	vfio_close(&self->v[0]);
	vfio_close(&self->v[1]);
}

/* A mark goes from one page, by a device, to the next 64 bytes of it. */
static bool carries(const struct edu *edu, char *page, uint64_t iova, char val)
{
	memset(page, 0, PAGE);
	memset(page, val, 64);
	return edu_dma_from(edu, iova, 0, 64) &&
	       edu_dma_to(edu, iova + 64, 0, 64) &&
	       !memcmp(page, page + 64, 64) && !page[128];
}

TEST_F(two, one_container_shares)
{
	int c = self->v[0].container;
	long locked;

	if (!legacy_shares())
		SKIP(return, NO_SHARING);
	ASSERT_EQ(0, legacy_map(c, MIB, self->a, PAGE, MAP_RW));
	/* The second group finds what was mapped before it came. */
	ASSERT_EQ(0, vfio_join(&self->v[1], &self->dev[1], dup(c)));
	ASSERT_EQ(0, edu_attach(&self->edu[1], self->v[1].device));
	EXPECT_TRUE(carries(&self->edu[0], self->a, MIB, 1));
	EXPECT_TRUE(carries(&self->edu[1], self->a, MIB, 2));
	ASSERT_EQ(0, legacy_map(c, 2 * MIB, self->b, PAGE, MAP_RW));
	EXPECT_TRUE(carries(&self->edu[0], self->b, 2 * MIB, 3));
	EXPECT_TRUE(carries(&self->edu[1], self->b, 2 * MIB, 4));
	locked = sys_locked_kib();

	/* And the first doesn't need the second. */
	munmap(self->edu[1].bar, EDU_BAR_SIZE);
	vfio_close(&self->v[1]);
	EXPECT_TRUE(carries(&self->edu[0], self->a, MIB, 5));
	EXPECT_EQ(2 * PAGE, legacy_unmap_all(c));
	/* Accounted once: it is one mapping. */
	EXPECT_LOCKED(locked - 2 * PAGE / KIB);
}

TEST_F(two, first_group_leaves)
{
	int c = dup(self->v[0].container);
	long locked;

	if (!legacy_shares())
		SKIP(return, NO_SHARING);
	ASSERT_EQ(0, legacy_map(c, MIB, self->a, PAGE, MAP_RW));
	ASSERT_EQ(0, vfio_join(&self->v[1], &self->dev[1], c));
	ASSERT_EQ(0, edu_attach(&self->edu[1], self->v[1].device));
	munmap(self->edu[0].bar, EDU_BAR_SIZE);
	vfio_close(&self->v[0]);
	EXPECT_TRUE(carries(&self->edu[1], self->a, MIB, 6));
	locked = sys_locked_kib();
	EXPECT_EQ(PAGE, legacy_unmap(c, MIB, PAGE));
	EXPECT_LOCKED(locked - PAGE / KIB);
}

TEST_F(two, two_containers_dont_share)
{
	ASSERT_EQ(0, legacy_open(&self->v[1], &self->dev[1]));
	ASSERT_EQ(0, edu_attach(&self->edu[1], self->v[1].device));
	ASSERT_EQ(0,
		  legacy_map(self->v[0].container, MIB, self->a, PAGE, MAP_RW));
	/* Where only the other container has a mapping, nothing is reached. */
	EXPECT_FALSE(carries(&self->edu[1], self->a, MIB, 7));
	EXPECT_EQ(0, self->a[64]);
	ASSERT_EQ(0,
		  legacy_map(self->v[1].container, MIB, self->b, PAGE, MAP_RW));
	EXPECT_TRUE(carries(&self->edu[1], self->b, MIB, 8));
	EXPECT_EQ(0, self->a[64]);
	EXPECT_TRUE(carries(&self->edu[0], self->a, MIB, 9));
	EXPECT_EQ(8, self->b[64]);
	EXPECT_EQ(PAGE, legacy_unmap(self->v[0].container, MIB, PAGE));
	EXPECT_TRUE(carries(&self->edu[1], self->b, MIB, 10));
}

TEST_F(two, group_moves_to_another_container)
{
	struct vfio *v = &self->v[1];

	if (!legacy_shares())
		SKIP(return, NO_SHARING);
	ASSERT_EQ(0,
		  legacy_map(self->v[0].container, MIB, self->a, PAGE, MAP_RW));
	ASSERT_EQ(0, legacy_open(v, &self->dev[1]));
	ASSERT_EQ(0, legacy_map(v->container, MIB, self->b, PAGE, MAP_RW));
	close(v->device);
	ASSERT_EQ(0, vfio_unset_container(v->group));
	ASSERT_EQ(0, vfio_set_container(v->group, self->v[0].container));
	v->device = vfio_get_device(v->group, self->dev[1].name);
	ASSERT_LE(0, v->device);
	ASSERT_EQ(0, edu_attach(&self->edu[1], v->device));
	EXPECT_TRUE(carries(&self->edu[1], self->a, MIB, 11));
	EXPECT_EQ(0, self->b[64]);
	if (!legacy_is_spapr())
		EXPECT_LOCKED(PAGE / KIB);
}

/* A second process, with an own open of everything. */
TEST_F(two, other_process_is_refused)
{
	struct vfio v;
	int child, status;

	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		_exit(legacy_open(&v, &self->dev[0]) == -EBUSY ? 0 : 1);
	status = sys_wait_child(child, 5000);
	EXPECT_TRUE(WIFEXITED(status) && !WEXITSTATUS(status));
	munmap(self->edu[0].bar, EDU_BAR_SIZE);
	vfio_close(&self->v[0]);
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		_exit(legacy_open(&v, &self->dev[0]) ? 1 : 0);
	status = sys_wait_child(child, 5000);
	EXPECT_TRUE(WIFEXITED(status) && !WEXITSTATUS(status));
}

/* As long as one fd is open, all that it stands on lives. */
TEST_F(two, every_order_of_close)
{
	static const int orders[6][3] = {
		{ 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
		{ 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 }
	};
	struct vfio *v = &self->v[0];
	int i, j;

	munmap(self->edu[0].bar, EDU_BAR_SIZE);
	vfio_close(v);
	for (i = 0; i < 6; i++) {
		long pins = sys_pins_at_rest();

		ASSERT_EQ(0, legacy_open(v, &self->dev[0]));
		ASSERT_EQ(0, edu_attach(&self->edu[0], v->device));
		ASSERT_EQ(0,
			  legacy_map(v->container, MIB, self->a, PAGE, MAP_RW));
		for (j = 0; j < 3; j++) {
			int *fds[] = { &v->container, &v->group, &v->device };
			int *fd = fds[orders[i][j]];

			if (v->device >= 0) {
				ASSERT_TRUE(carries(&self->edu[0], self->a, MIB,
						    i + 1));
			}
			if (fd == &v->device)
				munmap(self->edu[0].bar, EDU_BAR_SIZE);
			close(*fd);
			*fd = -1;
			EXPECT_TRUE((v->group < 0 && v->device < 0) ||
				    vfio_group(&self->dev[0]) == -EBUSY);
		}
		EXPECT_TRUE(sys_pins_settle(pins, 3000));
		EXPECT_LOCKED(0);
	}
}

/* A mapped BAR keeps the device, and so the group, even without any fd. */
TEST_F(two, bar_mapping_keeps_the_device)
{
	vfio_close(&self->v[0]);
	EXPECT_EQ(-EBUSY, vfio_group(&self->dev[0]));
	EXPECT_EQ(0x010000ed, edu_read(&self->edu[0], EDU_ID));
	munmap(self->edu[0].bar, EDU_BAR_SIZE);
	self->v[0].group = vfio_group(&self->dev[0]);
	EXPECT_LE(0, self->v[0].group);
}

/* A child that inherits everything goes on when its parent has closed it. */
TEST_F(two, child_inherits)
{
	int child, status, go[2];
	char c;

	/* Shared, as a private page would be copied for the child. */
	ASSERT_EQ(self->a, mmap(self->a, PAGE, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	ASSERT_EQ(0,
		  legacy_map(self->v[0].container, MIB, self->a, PAGE, MAP_RW));
	ASSERT_EQ(0, pipe(go));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		close(go[1]);
		if (read(go[0], &c, 1) != 1)
			_exit(1);
		_exit(carries(&self->edu[0], self->a, MIB, 12) ? 0 : 2);
	}
	munmap(self->edu[0].bar, EDU_BAR_SIZE);
	vfio_close(&self->v[0]);
	EXPECT_EQ(-EBUSY, vfio_group(&self->dev[0]));
	ASSERT_EQ(1, write(go[1], "x", 1));
	status = sys_wait_child(child, 10000);
	EXPECT_TRUE(WIFEXITED(status) && !WEXITSTATUS(status));
	EXPECT_LOCKED(0);
	self->v[0].group = vfio_group(&self->dev[0]);
	EXPECT_LE(0, self->v[0].group);
}

#define HOLD "--hold"

/* Across an exec a group fd without O_CLOEXEC holds the group. */
TEST_F(two, exec_inherits)
{
	int child, status, ready[2], group = dup(self->v[0].group);
	char c;

	munmap(self->edu[0].bar, EDU_BAR_SIZE);
	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		execl("/proc/self/exe", "ownership", HOLD, NULL);
		_exit(127);
	}
	close(ready[1]);
	/* The end of file comes when exec has closed the child's copy. */
	ASSERT_EQ(0, read(ready[0], &c, 1));
	vfio_close(&self->v[0]);
	close(group);
	EXPECT_EQ(-EBUSY, vfio_group(&self->dev[0]));
	kill(child, SIGKILL);
	status = sys_wait_child(child, 5000);
	EXPECT_TRUE(WIFSIGNALED(status));
	self->v[0].group = vfio_group(&self->dev[0]);
	EXPECT_LE(0, self->v[0].group);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], HOLD)) {
		sys_sleep_ms(20000);
		return 1;
	}
	return test_harness_run(argc, argv);
}
