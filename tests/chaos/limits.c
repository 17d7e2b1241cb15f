// SPDX-License-Identifier: GPL-2.0-only
/*
 * Limits of the users' memory: those of their cgroup, if the kernel has cgroups. What Sluice
 * allocates for the users is charged to the cgroup, too.
 */
#include "chaos.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define CGROUPS "/sys/fs/cgroup/"
#define USERS CGROUPS "chaos/"

void limits_join(void)
{
	mkdir(USERS, 0755);
	sys_write(CGROUPS "cgroup.subtree_control", "+memory");
	sys_write(USERS "cgroup.procs", "0");
}

static int set(const char *file, long bytes)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", bytes);
	return sys_write(file, text);
}

/* What they have, in bytes; 0 if nobody counts. */
static long in_use(void)
{
	char text[32];

	if (sys_read(USERS "memory.current", text, sizeof(text)) <= 0)
		return 0;
	return atol(text);
}

/* They have more than they should: who asks for more is slowed down. */
static int limit_high(struct actor *a)
{
	long bytes = in_use();
	int ret;

	if (!bytes)
		return NOT_DONE;
	ret = set(USERS "memory.high", bytes - rnd(a, 4 * MIB));
	sys_sleep_ms(rnd(a, 300));
	return sys_write(USERS "memory.high", "max") ?: ret;
}

/*
 * There is hardly any left: one of them is killed, or all. That has a stack in the
 * log, as bugs have; it's not to be seen on the console.
 */
static int limit_max(struct actor *a)
{
	long bytes = in_use();
	int ret;

	if (!bytes)
		return NOT_DONE;
	sys_write("/proc/sys/kernel/printk", "4");
	sys_write(USERS "memory.oom.group", rnd(a, 2) ? "1" : "0");
	ret = set(USERS "memory.max", bytes + rnd(a, MIB));
	sys_sleep_ms(rnd(a, 300));
	ret = sys_write(USERS "memory.max", "max") ?: ret;
	/* Who prints to a console may come later. */
	sys_sleep_ms(500);
	sys_write("/proc/sys/kernel/printk", "7");
	return ret;
}

static const struct op ops[] = {
	{ "host: memory.high", limit_high, 2 },
	{ "host: memory.max", limit_max, 1 },
};

const struct op_table limit_ops = { ops, sizeof(ops) / sizeof(*ops) };
