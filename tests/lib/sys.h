/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests ask of the kernel outside the VFIO ABI: small files in /proc
 * and /sys, pin and lock accounting, the kernel log, time.
 *
 * Nothing here knows PCI or VFIO.
 */
#ifndef TEST_SYS_H
#define TEST_SYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KIB 1024ULL
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
/* The CPU's page, as the Makefile says; checked at the start. */
#define PAGE (PAGE_BYTES + 0ULL)

/* Each returns a negative errno on failure. */
int sys_read(const char *path, char *buf, size_t size);
int sys_write(const char *path, const char *text);
long sys_field(const char *path, const char *name);

/* Is this the kernel's own VFIO, which the tests use as an oracle? */
bool sys_is_peer(void);

/* KiB that this process has accounted as locked or pinned. */
long sys_locked_kib(void);

/*
 * The same, as soon as it's @want, or after a second. While another thread changes the
 * address space, or khugepaged looks at it, Sluice charges and gives back a little later.
 */
long sys_locked_settle(long want);

/* In a test of kselftest_harness.h. */
#define EXPECT_LOCKED(want)                                 \
	do {                                                \
		long want_ = (want);                        \
		EXPECT_EQ(want_, sys_locked_settle(want_)); \
	} while (0)

/* The same for who can't know: after a while in which nobody has changed anything. */
long sys_locked_at_rest(void);

/* Pages pinned by anybody on this machine. */
long sys_pins(void);

/*
 * The same, for comparing with later: after what earlier tests closed is
 * unpinned, which the peer on POWER leaves to an RCU callback.
 */
long sys_pins_at_rest(void);

/* Waits until @want pages are pinned, as unpinning may trail a close. */
bool sys_pins_settle(long want, unsigned int ms);

/*
 * An anonymous, populated mapping of @size bytes aligned to @align, or NULL.
 * Unpopulated neighbours on both sides, so that overruns fault.
 */
void *sys_alloc(size_t size, size_t align);

/* Physical address of a page of ours, which only root is told; 0 otherwise. */
uint64_t sys_phys(const void *addr);

uint64_t sys_now_ms(void);
void sys_sleep_ms(unsigned int ms);

/* How often a non-blocking eventfd was signalled, once it was, or 0 after @ms. */
uint64_t sys_signals(int efd, int ms);

/* The kernel log from now on. */
int kmsg_open(void);

/* Does a line with both words appear within @ms? @two may be NULL. */
bool kmsg_wait(int fd, const char *one, const char *two, unsigned int ms);

/* Waits for a child; its status as of waitpid(2), killed after @ms (-1). */
int sys_wait_child(int pid, unsigned int ms);

#endif /* TEST_SYS_H */
