/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the benchmark's files share: the interfaces that are compared, and
 * memory of a known make. Everything exits with a message when it fails: a
 * figure that isn't what its row says is worse than none.
 */
#ifndef DMA_BENCH_TARGET_H
#define DMA_BENCH_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/sluice.h>

#include <sluice.h>

/* A page of the tables that are compared, whatever the host's page is. */
#define BENCH_PAGE 4096UL

/* A huge page, whatever the host's is. */
#define HUGE_PAGE (2UL << 20)

/**
 * struct target - an interface that maps memory for a device
 * @info: usable IOVAs
 * @fd: what the ioctls go to
 * @ioas: iommufd: the address space
 * @device_fd: iommufd: the device
 * @container: vfio: the address space
 * @device: vfio: the device
 * @ops: which interface
 */
struct target {
	struct sluice_iommu_info info;
	int fd;
	uint32_t ioas;
	int device_fd;
	struct sluice_container container;
	struct sluice_device device;
	const struct target_ops *ops;
};

/**
 * struct target_ops - an interface
 * @open: take a device and make an address space for it
 * @map: read and write; one ioctl
 * @unmap: one ioctl; returns how many bytes it unmapped
 * @batch: any number of operations, one ioctl; returns how many bytes it
 *	unmapped. NULL if the interface has no batches
 * @reg: register memory, for operations by handle; NULL as above
 * @unreg: undo @reg
 * @nop: an ioctl that does nothing; NULL if the interface has none
 * @close: undo @open
 */
struct target_ops {
	void (*open)(struct target *t, const char *addr);
	void (*map)(struct target *t, void *vaddr, uint64_t iova,
		    uint64_t size);
	uint64_t (*unmap)(struct target *t, uint64_t iova, uint64_t size);
	uint64_t (*batch)(struct target *t, struct sluice_dma_op *ops,
			  uint32_t nr);
	uint32_t (*reg)(struct target *t, void *vaddr, uint64_t size);
	void (*unreg)(struct target *t, uint32_t handle);
	void (*nop)(struct target *t);
	void (*close)(struct target *t);
};

extern const struct target_ops target_vfio;
extern const struct target_ops target_iommufd;
extern const struct target_ops target_unified;

/* dma-bench.c */
uint64_t bench_now_ns(void);
void bench_report(const char *row, const char *op, uint64_t ns,
		  unsigned long count);

/* parallel.c */
void parallel_run(struct target *t, uint64_t iova);

/* growth.c */
void growth_run(struct target *t, uint64_t iova, unsigned long max);

/**
 * struct pin_cost - what gup_test measured, in ns for the whole range
 * @pin: pin_user_pages_fast() with FOLL_WRITE and FOLL_LONGTERM
 * @unpin: unpinning, without dirtying
 */
struct pin_cost {
	uint64_t pin;
	uint64_t unpin;
};

/* gup.c */
int gup_open(void);
void gup_pin(int fd, void *vaddr, uint64_t size, uint32_t pages_per_call,
	     struct pin_cost *cost);

/**
 * enum memory_kind - what memory consists of
 * @MEMORY_ORDERED: 4 KiB pages, faulted in from first to last: mostly
 *	neighbours physically too, on a system that hasn't run for long
 * @MEMORY_SHUFFLED: 4 KiB pages, faulted in so that hardly any two
 *	neighbours are neighbours physically
 * @MEMORY_HUGE: transparent huge pages
 * @MEMORY_HUGETLB: 2 MiB pages of hugetlbfs
 */
enum memory_kind {
	MEMORY_ORDERED,
	MEMORY_SHUFFLED,
	MEMORY_HUGE,
	MEMORY_HUGETLB,
};

/**
 * struct memory - anonymous memory that is all there
 * @ptr: aligned to 2 MiB
 * @size: bytes
 * @map: what mmap() gave
 * @map_size: of @map
 * @hugetlb: from the pool of huge pages
 */
struct memory {
	void *ptr;
	size_t size;
	void *map;
	size_t map_size;
	bool hugetlb;
};

/* memory.c */
void memory_alloc(struct memory *mem, size_t size, enum memory_kind kind);
size_t memory_count_runs(const struct memory *mem);
void memory_free(struct memory *mem);
unsigned long memory_in_use(const char *name);

#endif /* DMA_BENCH_TARGET_H */
