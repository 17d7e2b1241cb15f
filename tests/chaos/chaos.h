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
#define NR_VFS 4
#define NR_DEVICES (8 + NR_VFS)
#define NR_MEMS 4
#define MEM_SIZE (4 * MIB)
#define NR_EVENTFDS 8
#define NR_WINDOWS 2
#define NR_HANDLES 4

#define NR_PROCESSES 2
#define NR_THREADS 4
/* Ranges of IOVAs that are one thread's own, in each container. */
#define NR_SLOTS 16
#define SLOT_SIZE MEM_SIZE

/* Of all slots; it's where the kernel likes it if it can't be at IOVA_BASE. */
#define WINDOW_SIZE (GIB)
#define IOVA_BASE (4 * GIB)

/* ---- count.c: what was called, and what came of it ---- */

/* Linux's errnos below 134, one for the rest, and 0. */
#define NR_ERRNOS 136

/**
 * struct count - results of one kind of call
 * @valid: by errno; 0: it has succeeded
 * @mutated: the same with arguments that were changed at random
 * @injected: the same while allocations failed
 * @ms: what all of them took
 */
struct count {
	unsigned long valid[NR_ERRNOS];
	unsigned long mutated[NR_ERRNOS];
	unsigned long injected[NR_ERRNOS];
	unsigned long ms;
};

enum how {
	VALID,
	MUTATED,
	INJECTED,
};

void count_add(struct count *count, enum how how, int ret, unsigned long ms);
unsigned long count_sum(const struct count *count);

/* True if a kind was tried often enough, and failed too often: it doesn't bite. */
bool count_print(const char *name, const struct count *count);

/* ---- pool.c: what is shared ---- */

/**
 * struct chaos_device - a device, as one process has it
 * @pci: which
 * @container: whose it is: an index
 * @victim: the host takes it away at times
 * @vf: it does so with all virtual functions
 * @loose: nobody keeps it open
 * @group: the group's fd, or -1
 * @fd: the device's fd, or -1; threads replace it
 * @bar: its first BAR that can be mapped, or NULL
 * @bar_size: of that
 */
struct chaos_device {
	struct pci_dev pci;
	unsigned int container;
	bool victim;
	bool vf;
	bool loose;
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
 * @pf: the card that has the VFs
 * @nr_vfs: how many of the devices are VFs
 * @replugged: what leaves its slot is plugged in again by somebody
 * @base: where slots begin, by container
 * @efd: eventfds
 * @sock: fds go through it, from thread to thread
 * @memfd: the file of the last of @mem
 * @canary: the physical address of a page that no device may reach, or 0
 * @mem: memory: that of each process is its own
 */
struct pool {
	int container[NR_CONTAINERS];
	struct chaos_device dev[NR_DEVICES];
	unsigned int nr_devices;
	struct pci_dev pf;
	unsigned int nr_vfs;
	bool replugged;
	uint64_t base[NR_CONTAINERS];
	int efd[NR_EVENTFDS];
	int sock[2];
	int memfd;
	uint64_t canary;
	char *mem[NR_MEMS];
};

static inline bool is_unified(unsigned int container)
{
	return container >= NR_CONTAINERS / 2;
}

int pool_open(struct pool *pool);

/* The devices' fds and mappings, and what is on the way from process to process. */
void pool_close_devices(struct pool *pool);

/* All that this process has. */
void pool_close(struct pool *pool);
void pool_find_devices(struct pool *pool);

/*
 * Where this kind of device has a register that keeps what it's told until the device is
 * reset, in its first BAR; or 0.
 */
unsigned int scratch_of(const struct pci_dev *pci);

/* Each can be opened, reset, and given back to the driver that reads its disk. */
int pool_check(struct pool *pool, char *why, size_t size);

/* ---- maps.c, devices.c, memory.c: what users do ---- */

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
 * @calm: shared by all: nobody may wait for memory, since the machine is to sleep
 * @patience: shared by all: until that is set, some wait for memory
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
	bool *calm;
	const bool *patience;
	enum how how;
	struct inject inject;
	bool can_inject;
	struct slot slot[NR_CONTAINERS][NR_SLOTS];
	uint32_t handle[NR_CONTAINERS][NR_HANDLES];
	uint64_t window[NR_CONTAINERS];
};

/* What @run returns if there was nothing to do: that counts as nothing. */
#define NOT_DONE 1

/**
 * struct op - a kind of call
 * @name: for the table
 * @run: does it; 0, a negative errno, or NOT_DONE
 * @weight: how often, compared with others
 * @no_failures: none are injected: they would hit ACPI's evaluation of a device's interrupt,
 *		 which this Linux loses count of its objects in
 */
struct op {
	const char *name;
	int (*run)(struct actor *a);
	unsigned int weight;
	bool no_failures;
};

/**
 * struct op_table - operations
 * @ops: them
 * @nr: how many
 */
struct op_table {
	const struct op *ops;
	unsigned int nr;
};

extern const struct op_table map_ops, device_ops, memory_ops;

/* ---- act.c: an operation ---- */

uint64_t rnd(struct actor *a, uint64_t below);

/* ioctl() with @size bytes of argument, of which some may be mutated. */
int call(struct actor *a, int fd, unsigned long cmd, void *arg, size_t size);

/* Does a load from device memory end in SIGBUS? Inside an operation only. */
bool load_is_gone(const char *at);

/* One of @tables, and counted. */
void act(struct actor *a, const struct op_table *const *tables,
	 unsigned int nr);

/* For main(): reading device memory that is gone ends the operation with EFAULT. */
void act_init(void);

/* ---- pick.c: what an operation is done with ---- */

int pick_container(struct actor *a, bool unified);
/* One that is open, and one that nobody keeps open. */
struct chaos_device *pick_device(struct actor *a);
struct chaos_device *pick_loose(struct actor *a);
int device_fd(const struct chaos_device *dev);
char *pick_memory(struct actor *a, uint64_t size);

/* Few pages, many, or a huge page. */
uint64_t pick_size(struct actor *a);
uint64_t slot_iova(const struct actor *a, unsigned int container,
		   unsigned int slot);

/* ---- host.c: what goes on beside them ---- */

/*
 * How long a removal may take after the time that users have: resets, on a busy host. No
 * device here needs the minute that one may take.
 */
#define REMOVAL_MS 20000

extern const struct op_table host_ops;

/* ---- limits.c: how much memory users may have ---- */

/* For this process, and those that it forks. */
void limits_join(void);

extern const struct op_table limit_ops;

/* ---- chaos.c ---- */

/* What must never be. The first ends the round, and is its result. */
void found(const char *fmt, ...);

/* A removal has taken so long; the longest is printed. */
void removal_took(unsigned int ms);

#endif /* CHAOS_H */
