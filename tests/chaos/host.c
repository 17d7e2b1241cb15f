// SPDX-License-Identifier: GPL-2.0-only
/*
 * What goes on beside the users: drivers come and go, devices are reset through sysfs,
 * CPUs go off and on, memory gets scarce.
 */
#include "chaos.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct chaos_device *pick(struct actor *a)
{
	return &a->pool->dev[rnd(a, a->pool->nr_devices)];
}

/*
 * Of those that are taken away from their users, who have no use for them any more until
 * the round is over. So it's always the same two. No NVMe: lockdep complains about that
 * one's driver, which gets it when it's found again, and is reset then.
 */
static struct chaos_device *victim(struct actor *a)
{
	return &a->pool->dev[rnd(a, 2) ? 1 : a->pool->nr_devices - 1];
}

static void set_grace(struct actor *a)
{
	vfio_set_grace(rnd(a, 2));
}

static int unbind(struct actor *a)
{
	set_grace(a);
	return pci_bind(&victim(a)->pci, "");
}

static int bind(struct actor *a)
{
	return pci_bind(&pick(a)->pci, "vfio-pci");
}

/* As if it were unplugged, and plugged in again. */
static int remove_and_find(struct actor *a)
{
	char path[PATH_MAX];
	int ret;

	set_grace(a);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/remove",
		 victim(a)->pci.name);
	ret = sys_write(path, "1");
	return sys_write("/sys/bus/pci/rescan", "1") ?: ret;
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

static int master(struct actor *a)
{
	const struct pci_dev *pci = &pick(a)->pci;
	int64_t command = pci_cfg_read(pci, PCI_COMMAND, 2);

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

static int look_again(struct actor *a)
{
	(void)a;
	return sys_write("/sys/bus/pci/rescan", "1");
}

static int squeeze(struct actor *a)
{
	size_t size = (16 + rnd(a, 64)) * MIB;
	char *p;

	sys_write("/proc/sys/vm/drop_caches", "3");
	sys_write("/proc/sys/vm/compact_memory", "1");
	p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (p == MAP_FAILED)
		return -errno;
	munmap(p, size);
	return 0;
}

const struct op host_ops[] = {
	{ "host: unbind", unbind, 2 },
	{ "host: bind", bind, 3 },
	{ "host: remove", remove_and_find, 1 },
	{ "host: reset", sysfs_reset, 4 },
	{ "host: bus master", master, 4 },
	{ "host: cpu off and on", hotplug_cpu, 2 },
	{ "host: rescan", look_again, 1 },
	{ "host: memory", squeeze, 2 },
};

const unsigned int nr_host_ops = sizeof(host_ops) / sizeof(*host_ops);
