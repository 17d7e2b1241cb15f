/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * chaos: processes and threads that share containers, groups and devices, and do
 * whatever comes to their minds; the host beside them likewise.
 */
#ifndef CHAOS_H
#define CHAOS_H

#include "inject.h"
#include "sys.h"
#include "vfio.h"

#include <pthread.h>

#define NR_CONTAINERS 4
#define NR_DEVICES 6
#define NR_MEMS 4
#define MEM_SIZE (4 * MIB)
#define NR_EVENTFDS 8
#define NR_WINDOWS 2
#define NR_HANDLES 4

#define NR_PROCESSES 2
#define NR_THREADS 3
/* Ranges of IOVAs that are one thread's own, in each container. */
#define NR_SLOTS 16
#define SLOT_SIZE MEM_SIZE

/* Where windows and slots are: clear of what x86 reserves. */
#define IOVA_BASE (4 * GIB)
#define WINDOW_SIZE (16 * GIB)

/* ---- count.c: what was called, and what came of it ---- */

/* Linux's errnos below 134, one for the rest, and 0. */
#define NR_ERRNOS 136

/**
 * struct count - results of one kind of call
 * @valid: by errno; 0: it has succeeded
 * @mutated: the same with arguments that were changed at random
 * @injected: the same while allocations failed
 */
struct count {
	unsigned long valid[NR_ERRNOS];
	unsigned long mutated[NR_ERRNOS];
	unsigned long injected[NR_ERRNOS];
};

enum how {
	VALID,
	MUTATED,
	INJECTED,
};

void count_add(struct count *count, enum how how, int ret);
unsigned long count_sum(const struct count *count);

/* True if a kind was tried often enough, and failed too often: it doesn't bite. */
bool count_print(const char *name, const struct count *count);

/* ---- pool.c: what is shared ---- */

/**
 * struct chaos_device - a device, as one process has it
 * @pci: which
 * @used: it is for users, not the host's
 * @group: the group's fd, or -1
 * @fd: the device's fd, or -1; threads replace it
 * @bar: its first BAR that can be mapped, or NULL
 * @bar_size: of that
 */
struct chaos_device {
	struct pci_dev pci;
	bool used;
	int group;
	int fd;
	char *bar;
	size_t bar_size;
};

/**
 * struct pool - what threads and processes share; fds are inherited by fork()
 * @container: fds; the second half is unified
 * @dev: devices
 * @nr_devices: how many
 * @efd: eventfds
 * @mem: memory: that of each process is its own
 */
struct pool {
	int container[NR_CONTAINERS];
	struct chaos_device dev[NR_DEVICES];
	unsigned int nr_devices;
	int efd[NR_EVENTFDS];
	char *mem[NR_MEMS];
};

static inline bool is_unified(unsigned int container)
{
	return container >= NR_CONTAINERS / 2;
}

int pool_open(struct pool *pool);
void pool_close(struct pool *pool);
void pool_find_devices(struct pool *pool);

/* Each can be opened, reset, and given back to the driver that reads its disk. */
int pool_check(struct pool *pool, char *why, size_t size);

/* ---- ops.c: what users do ---- */

/**
 * struct slot - a range of IOVAs of one thread
 * @size: what it believes is mapped, 0: nothing
 */
struct slot {
	uint64_t size;
};

/**
 * struct actor - a thread
 * @pool: its process's
 * @counts: by op, shared by all
 * @seed: for random numbers
 * @nr: its number among all of them
 * @stop: shared by all: it is over
 * @how: what the current call is like
 * @inject: fault injection, if @can_inject
 * @can_inject: the kernel has it
 * @slot: its IOVAs, by container
 * @handle: of registered memory, by container
 * @window: where it made one, by container
 */
struct actor {
	struct pool *pool;
	struct count *counts;
	uint64_t seed;
	unsigned int nr;
	const bool *stop;
	enum how how;
	struct inject inject;
	bool can_inject;
	struct slot slot[NR_CONTAINERS][NR_SLOTS];
	uint32_t handle[NR_CONTAINERS][NR_HANDLES];
	uint64_t window[NR_CONTAINERS];
};

/**
 * struct op - a kind of call
 * @name: for the table
 * @run: does it; 0 or a negative errno
 * @weight: how often, compared with others
 */
struct op {
	const char *name;
	int (*run)(struct actor *a);
	unsigned int weight;
};

extern const struct op ops[];
extern const unsigned int nr_ops;

uint64_t rnd(struct actor *a, uint64_t below);

/* One of @table, and counted. */
void act(struct actor *a, const struct op *table, unsigned int nr);

/* For main(): reading device memory that is gone ends the operation with EFAULT. */
void act_init(void);

/* ---- host.c: what goes on beside them ---- */

extern const struct op host_ops[];
extern const unsigned int nr_host_ops;

#endif /* CHAOS_H */
