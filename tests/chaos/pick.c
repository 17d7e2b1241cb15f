// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an operation is done with: one of the containers, devices, and so on.
 */
#include "chaos.h"

int pick_container(struct actor *a, bool unified)
{
	return unified * (NR_CONTAINERS / 2) + rnd(a, NR_CONTAINERS / 2);
}

struct chaos_device *pick_device(struct actor *a)
{
	struct chaos_device *dev;

	do
		dev = &a->pool->dev[rnd(a, a->pool->nr_devices)];
	while (dev->loose);
	return dev;
}

struct chaos_device *pick_loose(struct actor *a)
{
	struct chaos_device *dev;

	do
		dev = &a->pool->dev[rnd(a, a->pool->nr_devices)];
	while (!dev->loose);
	return dev;
}

int device_fd(const struct chaos_device *dev)
{
	return __atomic_load_n(&dev->fd, __ATOMIC_RELAXED);
}

char *pick_memory(struct actor *a, uint64_t size)
{
	char *mem = a->pool->mem[rnd(a, NR_MEMS)];

	return mem + rnd(a, (MEM_SIZE - size) / PAGE + 1) * PAGE;
}

uint64_t pick_size(struct actor *a)
{
	switch (rnd(a, 64)) {
	case 0:
		return 2 * MIB;
	case 1:
		return (1 + rnd(a, MEM_SIZE / PAGE)) * PAGE;
	case 2 ... 32:
		return (1 + rnd(a, 16)) * PAGE;
	default:
		return PAGE;
	}
}

uint64_t slot_iova(const struct actor *a, unsigned int container,
		   unsigned int slot)
{
	return a->pool->base[container] + (a->nr * NR_SLOTS + slot) * SLOT_SIZE;
}
