/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unified spaces (linux/sluice.h) as plain calls, as vfio.h has VFIO's; and one
 * with a window, an edu in it, and memory for its DMA.
 *
 * Nothing here knows an architecture: the page size is the CPU's, IOVAs are in
 * windows that the kernel offers. Functions that return an int return a negative
 * errno on failure.
 */
#ifndef TEST_UNI_H
#define TEST_UNI_H

#include "edu.h"
#include "sys.h"
#include "vfio.h"

#include <linux/sluice.h>

#define UNI_RW (SLUICE_READ | SLUICE_WRITE)

/* Does this kernel have unified spaces at all? */
bool uni_offered(void);
size_t uni_page(void);
size_t uni_huge_page(void);

/* A huge page of memory, or NULL. */
char *uni_hugetlb(void);

/* A container of the unified type, without a group. */
int uni_container(void);

int uni_register(int c, const void *addr, uint64_t size, uint32_t flags,
		 uint32_t *handle);
int uni_unregister(int c, uint32_t handle);
int uni_info(int c, struct sluice_info *info);

/* ---- Windows ---- */

#define UNI_MAX 128

struct uni_layout {
	struct sluice_iova_range ranges[UNI_MAX];
	struct sluice_window windows[UNI_MAX];
	struct sluice_window_query q;
};

int uni_query(int c, struct uni_layout *layout);

/* Anywhere; and at *@start. @lg2 0: the smallest pages. */
int uni_window(int c, uint64_t size, uint32_t lg2, uint64_t *start);
int uni_window_at(int c, uint64_t start, uint64_t size, uint32_t lg2);
int uni_window_remove(int c, uint64_t start);

/* ---- Maps and unmaps ---- */

struct sluice_dma_op uni_op_map(uint64_t iova, const void *addr, uint64_t size,
				uint32_t flags);
struct sluice_dma_op uni_op_handle(uint64_t iova, uint32_t handle, uint64_t off,
				   uint64_t size, uint32_t flags);
struct sluice_dma_op uni_op_unmap(uint64_t iova, uint64_t size);

/* @done and @unmapped may be NULL. */
int uni_batch(int c, const struct sluice_dma_op *ops, uint32_t nr,
	      uint32_t *done, uint64_t *unmapped);

/* The same with SLUICE_BATCH_ATOMIC. */
int uni_atomic(int c, const struct sluice_dma_op *ops, uint32_t nr,
	       uint32_t *done, uint64_t *unmapped);

/* One operation. An unmap returns the bytes unmapped. */
int uni_map(int c, uint64_t iova, const void *addr, uint64_t size,
	    uint32_t flags);
int uni_map_handle(int c, uint64_t iova, uint32_t handle, uint64_t off,
		   uint64_t size, uint32_t flags);
int64_t uni_unmap(int c, uint64_t iova, uint64_t size);
int64_t uni_unmap_all(int c);

/* ---- With a device ---- */

struct uni {
	struct vfio v;
	struct edu edu;
	int c;	       /* v.container, for brevity */
	uint64_t p;    /* the page size */
	uint64_t base; /* the window's first IOVA; free, as is the rest but: */
	uint64_t size; /* of the window, which ends with @well's page */
	char *well;    /* a page that is mapped by address */
	uint8_t val;   /* the last pattern */
	long pins;     /* before all this */
};

/* A container with the @nth edu's group, no window. */
int uni_open(struct uni *u, unsigned int nth);

/* The same with a window, and all members set. */
int uni_open_ready(struct uni *u, unsigned int nth);

/* A window with a page of it as @well: what uni_open() leaves out. */
int uni_ready(struct uni *u);
void uni_close(struct uni *u);

/* The device's group leaves, the container's fd stays; and a device joins. */
int uni_leave(struct uni *u);
int uni_join(struct uni *u, const struct pci_dev *dev);

/* KiB that are locked for something else than tables. */
long uni_locked_kib(int c);

/* The same, as soon as it's @want, or after a second: see sys_locked_settle(). */
long uni_locked_settle(int c, long want);

/* In a test of kselftest_harness.h. */
#define EXPECT_UNI_LOCKED(c, want)                             \
	do {                                                   \
		long want_ = (want);                           \
		EXPECT_EQ(want_, uni_locked_settle(c, want_)); \
	} while (0)

/*
 * The device writes to, or reads from, 64 bytes at @iova, where the memory at
 * @mem should be. UNI_TORN: neither all of it happened nor nothing.
 */
enum { UNI_TORN = -1, UNI_MISSED, UNI_REACHED };
int uni_dma_write(struct uni *u, uint64_t iova, char *mem);
int uni_dma_read(struct uni *u, uint64_t iova, char *mem);

/* No test needs a reset of the edus, and each would take a second. */
void uni_allow_resets(bool allow);

/* For main(): runs kselftest_harness.h's test_harness_run() without resets. */
int uni_main(int argc, char **argv, int (*run)(int argc, char **argv));

#endif /* TEST_UNI_H */
