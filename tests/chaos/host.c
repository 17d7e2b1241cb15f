// SPDX-License-Identifier: GPL-2.0-only
/*
 * What goes on beside the users: drivers come and go, devices are reset through sysfs,
 * CPUs go off and on, memory gets scarce.
 */
#include "chaos.h"
#include "sleep.h"

#include <errno.h>
#include <glob.h>
#include <linux/pci_regs.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static struct chaos_device *pick(struct actor *a)
{
	return &a->pool->dev[rnd(a, a->pool->nr_devices)];
}

static struct chaos_device *victim(struct actor *a)
{
	struct chaos_device *dev;

	do
		dev = pick(a);
	while (!dev->victim);
	return dev;
}

/* ---- Devices are taken away ---- */

/* A removal whose users have @grace seconds, and what it may take beyond that. */
static int timed(int (*remove)(const struct pci_dev *pci),
		 const struct pci_dev *pci, unsigned int grace)
{
	uint64_t start = sys_now_ms();
	unsigned int ms;
	int ret;

	vfio_set_grace(grace);
	ret = remove(pci);
	ms = sys_now_ms() - start;
	removal_took(ms);
	if (ms > grace * 1000 + REMOVAL_MS)
		found("to take %s away took %u ms", pci->name, ms);
	return ret;
}

/* What nobody has any more doesn't do DMA. */
static int unbind_one(const struct pci_dev *pci)
{
	char was[32];
	int64_t command;
	int ret;

	pci_driver(pci, was, sizeof(was));
	ret = pci_bind(pci, "");
	command = pci_cfg_read(pci, PCI_COMMAND, 2);
	/* If it was already, the host may have made it a bus master. */
	if (!ret && !strcmp(was, "vfio-pci") && command >= 0 &&
	    command & PCI_COMMAND_MASTER)
		found("%s is unbound, and a bus master", pci->name);
	return ret;
}

static int remove_one(const struct pci_dev *pci)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/remove",
		 pci->name);
	return sys_write(path, "1");
}

static int unbind(struct actor *a)
{
	return timed(unbind_one, &victim(a)->pci, rnd(a, 2));
}

static int look_again(struct actor *a)
{
	(void)a;
	return sys_write("/sys/bus/pci/rescan", "1");
}

/* As if it were unplugged, and plugged in again. */
static int remove_and_find(struct actor *a)
{
	int ret = timed(remove_one, &victim(a)->pci, rnd(a, 2));

	return look_again(a) ?: ret;
}

/* With all the time in the world, had it not been killed. */
static int removal_killed(struct actor *a)
{
	struct chaos_device *dev = victim(a);
	uint64_t start;
	int pid;

	vfio_set_grace(300);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		unbind_one(&dev->pci);
		_exit(0);
	}
	sys_sleep_ms(rnd(a, 500));
	start = sys_now_ms();
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	vfio_set_grace(1);
	if (sys_now_ms() - start > REMOVAL_MS)
		found("a removal of %s that was killed took %u ms",
		      dev->pci.name, (unsigned int)(sys_now_ms() - start));
	return 0;
}

/* Two at once: one is unbound, the other removed. */
static int two_at_once(struct actor *a)
{
	struct chaos_device *one = victim(a), *other = victim(a);
	unsigned int grace = rnd(a, 2);
	int pid, ret;

	pid = fork();
	if (!pid) {
		timed(unbind_one, &one->pci, grace);
		_exit(0);
	}
	ret = timed(remove_one, &other->pci, grace);
	waitpid(pid, NULL, 0);
	return look_again(a) ?: ret;
}

/* ---- Slots, and virtual functions ---- */

/* After this time whoever plugs in again has done so. */
#define REPLUG_MS 30000

/* The file that switches off the slot that a device is in. */
static bool slot_of(const struct pci_dev *pci, char *path, size_t size)
{
	char address[32];
	bool ret = false;
	glob_t slots;
	size_t i;

	if (glob("/sys/bus/pci/slots/*/address", 0, NULL, &slots))
		return false;
	for (i = 0; i < slots.gl_pathc && !ret; i++) {
		/* Without the function's number. */
		ret = sys_read(slots.gl_pathv[i], address, sizeof(address)) >
			      0 &&
		      !strncmp(address, pci->name, strlen("0000:00:00"));
		snprintf(path, size, "%.*spower",
			 (int)(strlen(slots.gl_pathv[i]) - strlen("address")),
			 slots.gl_pathv[i]);
	}
	globfree(&slots);
	return ret;
}

static bool wait_present(const struct pci_dev *pci, bool present,
			 unsigned int ms)
{
	uint64_t end = sys_now_ms() + ms;

	while (pci_is_present(pci) != present) {
		if (sys_now_ms() > end)
			return false;
		sys_sleep_ms(20);
	}
	return true;
}

/* Somebody plugs it in again. */
static int wait_replugged(const struct pci_dev *pci)
{
	if (wait_present(pci, true, REPLUG_MS)) {
		/* Whoever finds it keeps this out until it's ready. */
		sys_write("/sys/bus/pci/rescan", "1");
		return 0;
	}
	found("%s didn't come back into its slot", pci->name);
	return -ENODEV;
}

static int slot_off(const struct pci_dev *pci)
{
	char path[PATH_MAX];

	return slot_of(pci, path, sizeof(path)) ? sys_write(path, "0") :
						  -ENODEV;
}

/* The button: whoever is outside the machine is asked to press it. */
static int button(const struct pci_dev *pci)
{
	char text[64];
	int ret;

	snprintf(text, sizeof(text), "chaos: unplug %s\n", pci->name);
	ret = sys_write("/dev/kmsg", text);
	/* In the first five seconds it could be pressed again. */
	return ret ?: wait_present(pci, false, 45000) ? 0 : -ETIMEDOUT;
}

static int unplug(struct actor *a)
{
	const struct pci_dev *pci = &victim(a)->pci;
	char path[PATH_MAX];
	int ret;

	if (!a->pool->replugged || !slot_of(pci, path, sizeof(path)))
		return NOT_DONE;
	ret = timed(rnd(a, 2) ? slot_off : button, pci, rnd(a, 2));
	return wait_replugged(pci) ?: ret;
}

static int unplug_two(struct actor *a)
{
	struct chaos_device *one = victim(a), *other = victim(a);
	unsigned int grace = rnd(a, 2);
	char path[PATH_MAX];
	int pid, ret;

	if (!a->pool->replugged || one == other ||
	    !slot_of(&one->pci, path, sizeof(path)) ||
	    !slot_of(&other->pci, path, sizeof(path)))
		return NOT_DONE;
	pid = fork();
	if (!pid) {
		timed(slot_off, &one->pci, grace);
		_exit(0);
	}
	ret = timed(slot_off, &other->pci, grace);
	waitpid(pid, NULL, 0);
	return wait_replugged(&one->pci) ?: wait_replugged(&other->pci) ?: ret;
}

static int set_numvfs(const struct pci_dev *pf, const char *number)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/sriov_numvfs",
		 pf->name);
	return sys_write(path, number);
}

static int no_vfs(const struct pci_dev *pf)
{
	return set_numvfs(pf, "0");
}

/* All virtual functions of a card, which has them again afterwards. */
static int virtual_functions(struct actor *a)
{
	const struct pci_dev *pf = &a->pool->pf;
	int ret;

	if (!a->pool->nr_vfs)
		return NOT_DONE;
	/* One deadline for all of them. */
	ret = timed(no_vfs, pf, 8);
	return set_numvfs(pf, "7") ?: ret;
}

static int bind(struct actor *a)
{
	return pci_bind(&pick(a)->pci, "vfio-pci");
}

static int sysfs_reset(struct actor *a)
{
	char path[PATH_MAX];
	int ret;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/reset",
		 pick(a)->pci.name);
	ret = sys_write(path, "1");
	/* Not every one can be. */
	return ret == -ENOENT || ret == -ENOTTY ? 0 : ret;
}

/* Not of an edu, which would finish what a user has begun, to wherever it likes. */
static int master(struct actor *a)
{
	const struct pci_dev *pci = &pick(a)->pci;
	int64_t command;

	if (pci->device == PCI_ID_EDU >> 16)
		return NOT_DONE;
	command = pci_cfg_read(pci, PCI_COMMAND, 2);
	return command < 0 ? -EIO :
			     pci_cfg_write(pci, PCI_COMMAND, 2,
					   command ^ PCI_COMMAND_MASTER);
}

static int hotplug_cpu(struct actor *a)
{
	int ret = sys_write("/sys/devices/system/cpu/cpu1/online", "0");

	(void)a;
	sys_sleep_ms(20);
	return sys_write("/sys/devices/system/cpu/cpu1/online", "1") ?: ret;
}

static int squeeze(struct actor *a)
{
	size_t size = (4 + rnd(a, 16)) * MIB;
	char *p;

	/* Each takes long where KASAN looks at every page. */
	switch (rnd(a, 4)) {
	case 0:
		return sys_write("/proc/sys/vm/compact_memory", "1");
	case 1:
		return sys_write("/proc/sys/vm/drop_caches", "3");
	}
	p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (p == MAP_FAILED)
		return -errno;
	munmap(p, size);
	return 0;
}

/*
 * Of all of the machine; of its devices only where nothing would wake it, or where there
 * are VFs, which aren't there any more when QEMU's machine has slept, not for the host
 * either.
 */
static int sleep_awhile(struct actor *a)
{
	bool whole = sleep_can() && !a->pool->nr_vfs;
	int ret;

	/* A kernel that can't do that for a part would sleep for ever. */
	if (!whole && sys_write("/sys/power/pm_test", "devices"))
		return NOT_DONE;
	/*
	 * Whoever waits for memory, or resets a device, can't be stopped. The log then
	 * has his stack, as information only.
	 */
	__atomic_store_n(a->calm, true, __ATOMIC_RELAXED);
	sys_sleep_ms(200);
	sys_write("/proc/sys/kernel/printk", "6");
	sys_write("/sys/power/pm_freeze_timeout", "2000");
	if (whole) {
		/* All must be asleep when the alarm comes. */
		ret = sleep_and_wake(8, NULL, NULL) ? 0 : -EBUSY;
	} else {
		sys_write("/sys/module/suspend/parameters/pm_test_delay", "1");
		ret = sys_write("/sys/power/state", "freeze");
		sys_write("/sys/power/pm_test", "none");
	}
	sys_write("/proc/sys/kernel/printk", "7");
	__atomic_store_n(a->calm, false, __ATOMIC_RELAXED);
	return ret;
}

static const struct op ops[] = {
	{ "host: unbind", unbind, 4 },
	{ "host: bind", bind, 6 },
	{ "host: remove", remove_and_find, 2 },
	{ "host: two at once", two_at_once, 2 },
	{ "host: unplug", unplug, 1 },
	{ "host: unplug two", unplug_two, 1 },
	{ "host: no VFs", virtual_functions, 2 },
	{ "host: removal killed", removal_killed, 1 },
	{ "host: reset", sysfs_reset, 8 },
	{ "host: bus master", master, 8 },
	{ "host: cpu off and on", hotplug_cpu, 2 },
	{ "host: rescan", look_again, 2 },
	{ "host: memory", squeeze, 1 },
	{ "host: suspend", sleep_awhile, 1 },
};

const struct op_table host_ops = { ops, sizeof(ops) / sizeof(*ops) };
