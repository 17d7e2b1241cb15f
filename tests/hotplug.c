// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several devices taken away at once, from users who don't let go: the virtual functions
 * of a card, slots that are switched off, the bridge above a device. All is done in the
 * time that one user has, and that of a reset.
 *
 * Needs root ports that are hot-plug slots under pciehp, an NVMe with seven virtual
 * functions, two edus and an e1000e. What is switched off is gone from the machine.
 */
#include "kselftest_harness.h"
#include "edu.h"
#include "legacy.h"
#include "sys.h"
#include "vfio.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#define GRACE_S 6

/* One reset's time-out, as the PCI core has it. */
#define RESET_MS 60000

#define VFS 7

/* Writes to a file of sysfs in a process of its own that has none of our fds. */
static int write_begin(const char *path, const char *text)
{
	int pid = fork();

	if (pid)
		return pid;
	close_range(3, ~0U, 0);
	_exit(sys_write(path, text) ? 1 : 0);
}

static bool write_end(int pid, unsigned int ms)
{
	int status = sys_wait_child(pid, ms);

	return WIFEXITED(status) && !WEXITSTATUS(status);
}

/* Another file of the same directory. */
static void change_file(char *path, const char *name)
{
	*strrchr(path, '/') = '\0';
	strcat(path, "/");
	strcat(path, name);
}

/* The file that switches off the slot that a device is in. */
static int slot_power(const struct pci_dev *dev, char *path, size_t size)
{
	char address[32];
	struct dirent *d;
	int ret = -ENOENT;
	DIR *slots;

	slots = opendir("/sys/bus/pci/slots");
	if (!slots)
		return -errno;
	while (ret && (d = readdir(slots))) {
		snprintf(path, size, "/sys/bus/pci/slots/%s/address",
			 d->d_name);
		if (sys_read(path, address, sizeof(address)) < 0)
			continue;
		/* 0000:01:00, without the function. */
		if (!strncmp(address, dev->name, strlen("0000:01:00")))
			ret = 0;
	}
	closedir(slots);
	if (!ret)
		change_file(path, "power");
	return ret;
}

static int event_of(int device, int index)
{
	int fd = eventfd(0, EFD_NONBLOCK);

	return vfio_irqs(device, index, VFIO_IRQ_SET_ACTION_TRIGGER, 0, 1,
			 &fd) ?
		       -1 :
		       fd;
}

static bool is_revoked(int device)
{
	uint32_t data;

	return pread(device, &data, 4,
		     (off_t)VFIO_PCI_CONFIG_REGION_INDEX << 40) == -1 &&
	       errno == ENODEV;
}

/* ---- Virtual functions ---- */

FIXTURE(vfs)
{
	char numvfs[96];
	struct pci_dev dev[VFS];
	struct vfio v[VFS];
	int asked[VFS];
};

/* Of the only card that has that file. */
static int find_numvfs(char *path, size_t size)
{
	struct pci_dev dev;
	unsigned int i;

	for (i = 0; !pci_find(&dev, PCI_ID_NVME, i); i++) {
		snprintf(path, size, "/sys/bus/pci/devices/%s/sriov_numvfs",
			 dev.name);
		if (!access(path, F_OK))
			return 0;
	}
	return -ENODEV;
}

FIXTURE_SETUP(vfs)
{
	char path[96];
	unsigned int i, n;

	ASSERT_EQ(0, find_numvfs(self->numvfs, sizeof(self->numvfs)));
	snprintf(path, sizeof(path), "%s", self->numvfs);
	change_file(path, "sriov_drivers_autoprobe");
	ASSERT_EQ(0, sys_write(path, "0"));
	ASSERT_EQ(0, sys_write(self->numvfs, "7"));
	for (i = 0, n = 0; n < VFS; i++) {
		struct pci_dev *dev = &self->dev[n];

		ASSERT_EQ(0, pci_find(dev, PCI_ID_NVME, i));
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/physfn",
			 dev->name);
		if (access(path, F_OK))
			continue;
		ASSERT_EQ(0, legacy_open(&self->v[n], dev));
		self->asked[n] =
			event_of(self->v[n].device, VFIO_PCI_REQ_IRQ_INDEX);
		ASSERT_LE(0, self->asked[n]);
		n++;
	}
	ASSERT_EQ(0, vfio_set_grace(GRACE_S));
}

FIXTURE_TEARDOWN(vfs)
{
	unsigned int i;

	for (i = 0; i < VFS; i++) {
		vfio_close(&self->v[i]);
		legacy_forget(self->v[i].container);
		close(self->asked[i]);
	}
	vfio_set_grace(VFIO_GRACE_DEFAULT);
	EXPECT_EQ(0, sys_write(self->numvfs, "0"));
}

struct reader {
	pthread_t thread;
	const char *path;
	int asked;
	int ret;
};

/* Waits for the lock of the one who waits for this very process. */
static void *read_when_asked(void *arg)
{
	struct reader *r = arg;
	char buf[16];

	if (!sys_signals(r->asked, 5000))
		return NULL;
	r->ret = sys_read(r->path, buf, sizeof(buf));
	return NULL;
}

/* All users are asked at once, and one period serves all. */
TEST_F(vfs, disabled)
{
	struct reader r = { .path = self->numvfs, .asked = self->asked[0] };
	uint64_t start = sys_now_ms(), took;
	unsigned int i;
	int pid;

	ASSERT_EQ(0, pthread_create(&r.thread, NULL, read_when_asked, &r));
	pid = write_begin(self->numvfs, "0");
	for (i = 1; i < VFS; i++)
		EXPECT_LE(1, sys_signals(self->asked[i], 3000));
	EXPECT_GT(GRACE_S * 1000, sys_now_ms() - start);
	for (i = 0; i < VFS; i++)
		EXPECT_FALSE(is_revoked(self->v[i].device));

	EXPECT_TRUE(write_end(pid, GRACE_S * 1000 + RESET_MS));
	took = sys_now_ms() - start;
	TH_LOG("seven functions in %llu ms", (unsigned long long)took);
	EXPECT_GT(2 * GRACE_S * 1000 + 5000, took);
	for (i = 0; i < VFS; i++) {
		EXPECT_TRUE(is_revoked(self->v[i].device));
		EXPECT_FALSE(pci_is_present(&self->dev[i]));
	}
	pthread_join(r.thread, NULL);
	EXPECT_LT(0, r.ret);
}

/* A single one is nobody else's business. */
TEST_F(vfs, one_is_unbound)
{
	char path[80];
	unsigned int i;
	int pid;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver/unbind",
		 self->dev[3].name);
	pid = write_begin(path, self->dev[3].name);
	EXPECT_LE(1, sys_signals(self->asked[3], 3000));
	EXPECT_TRUE(write_end(pid, GRACE_S * 1000 + RESET_MS));
	for (i = 0; i < VFS; i++) {
		EXPECT_EQ(i == 3, is_revoked(self->v[i].device));
		if (i != 3)
			EXPECT_EQ(0, sys_signals(self->asked[i], 0));
	}
}

/* ---- Slots ---- */

FIXTURE(slots)
{
	char path[64];
};

FIXTURE_SETUP(slots)
{
	ASSERT_EQ(0, vfio_set_grace(GRACE_S));
}

FIXTURE_TEARDOWN(slots)
{
	vfio_set_grace(VFIO_GRACE_DEFAULT);
}

static void *close_device(void *arg)
{
	struct vfio *v = arg;

	close(v->device);
	v->device = -1;
	return NULL;
}

/*
 * Two are switched off, and their user closes one device, which resets its slot, and
 * ignores the other one: the close waits for the slot, that for the lock of PCI
 * hot-plug, and that is held by whoever waits for the other device.
 */
TEST_F(slots, two_at_once)
{
	char power[2][288];
	struct pci_dev dev[2];
	struct vfio v[2];
	pthread_t closer;
	uint64_t start;
	int pid[2], i;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, pci_find_alone(&dev[i], PCI_ID_EDU, i));
		ASSERT_EQ(0, legacy_open(&v[i], &dev[i]));
		ASSERT_EQ(0, slot_power(&dev[i], power[i], sizeof(power[i])));
	}
	start = sys_now_ms();
	pid[0] = write_begin(power[0], "0");
	sys_sleep_ms(1000);
	pid[1] = write_begin(power[1], "0");
	sys_sleep_ms(1000);
	ASSERT_EQ(0, pthread_create(&closer, NULL, close_device, &v[1]));
	for (i = 0; i < 2; i++)
		EXPECT_TRUE(write_end(pid[i], GRACE_S * 1000 + RESET_MS));
	pthread_join(closer, NULL);
	TH_LOG("two slots in %llu ms",
	       (unsigned long long)(sys_now_ms() - start));
	EXPECT_TRUE(is_revoked(v[0].device));
	for (i = 0; i < 2; i++) {
		EXPECT_FALSE(pci_is_present(&dev[i]));
		vfio_close(&v[i]);
		legacy_forget(v[i].container);
	}
}

/* The bridge above a device is taken away, and comes back. */
TEST_F(slots, bridge_is_removed)
{
	char link[64], path[128], above[64];
	struct pci_dev nic;
	struct vfio v;
	ssize_t n;
	int pid, req;

	ASSERT_EQ(0, pci_find(&nic, PCI_ID_E1000E, 0));
	ASSERT_EQ(0, legacy_open(&v, &nic));
	req = event_of(v.device, VFIO_PCI_REQ_IRQ_INDEX);
	ASSERT_LE(0, req);
	/* ../../../devices/pci0000:00/0000:00:14.0/0000:05:00.0 */
	snprintf(link, sizeof(link), "/sys/bus/pci/devices/%s", nic.name);
	n = readlink(link, path, sizeof(path) - 1);
	ASSERT_LT(0, n);
	path[n] = '\0';
	*strrchr(path, '/') = '\0';
	snprintf(above, sizeof(above), "%s", strrchr(path, '/') + 1);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/remove", above);
	pid = write_begin(path, "1");
	EXPECT_LE(1, sys_signals(req, 3000));
	EXPECT_TRUE(write_end(pid, GRACE_S * 1000 + RESET_MS));
	EXPECT_TRUE(is_revoked(v.device));
	EXPECT_FALSE(pci_is_present(&nic));

	EXPECT_EQ(0, sys_write("/sys/bus/pci/rescan", "1"));
	EXPECT_TRUE(pci_is_present(&nic));
	EXPECT_TRUE(is_revoked(v.device));
	vfio_close(&v);
	close(req);
	legacy_forget(v.container);
	/* Its group is another one. */
	ASSERT_EQ(0, pci_find(&nic, PCI_ID_E1000E, 0));
	ASSERT_EQ(0, legacy_open(&v, &nic));
	EXPECT_EQ(0x8086, vfio_cfg_read(v.device, 0, 2));
	vfio_close(&v);
	legacy_forget(v.container);
	EXPECT_EQ(0, pci_bind(&nic, NULL));
}

/* Hot-plug goes on as if nothing had been; nobody has this one. */
TEST_F(slots, unused)
{
	char power[288];
	struct pci_dev nic;

	ASSERT_EQ(0, pci_find(&nic, PCI_ID_E1000E, 0));
	ASSERT_EQ(0, pci_bind(&nic, "vfio-pci"));
	ASSERT_EQ(0, slot_power(&nic, power, sizeof(power)));
	EXPECT_TRUE(write_end(write_begin(power, "0"), 20000));
	EXPECT_FALSE(pci_is_present(&nic));
}

TEST_HARNESS_MAIN
