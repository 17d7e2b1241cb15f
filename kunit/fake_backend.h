/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fake backend, and the pretended IOMMU that it drives.
 *
 * fake_backend.c is what any backend has to write: it builds tables in memory
 * and tells the hardware when to forget. fake_hw.c stands where silicon does:
 * it walks those tables by itself, caches what it found, and shows tests what
 * a device's DMA would meet. The two share the entry format and the six
 * fake_hw_*() calls below, which a real driver would have as registers.
 */
#ifndef SLUICE_FAKE_BACKEND_H
#define SLUICE_FAKE_BACKEND_H

#include <kunit/test.h>
#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/mutex.h>
#include <linux/xarray.h>
#include <sluice/backend.h>

/* ---- The hardware's specification ---- */

/*
 * A radix tree of 512-entry tables. Entries are in the CPU's byte order; they
 * hold a physical address and, in the bits below a page, what FAKE_* say. A
 * present entry without FAKE_TABLE is a leaf, at any level whose size is in the
 * capabilities. Levels count from the leaf.
 */
#define FAKE_BITS	9
#define FAKE_ENTRIES	BIT(FAKE_BITS)
#define FAKE_LEVELS	DIV_ROUND_UP(64 - PAGE_SHIFT, FAKE_BITS)
#define FAKE_TOP	(FAKE_LEVELS - 1)
/* Leaves exist at levels 0 to FAKE_LEAF_LEVELS - 1. */
#define FAKE_LEAF_LEVELS 3

#define FAKE_PRESENT	BIT_ULL(0)
#define FAKE_TABLE	BIT_ULL(1)
#define FAKE_READ	BIT_ULL(2)
#define FAKE_WRITE	BIT_ULL(3)
/* Software's: what the entry points to. */
#define FAKE_MMIO	BIT_ULL(4)
#define FAKE_REGISTERED	BIT_ULL(5)
#define FAKE_ADDR	GENMASK_ULL(63, PAGE_SHIFT)

struct fake_table {
	u64 entry[FAKE_ENTRIES];
};

static inline unsigned int fake_lg2(unsigned int level)
{
	return PAGE_SHIFT + FAKE_BITS * level;
}

static inline u64 fake_size(unsigned int level)
{
	return BIT_ULL(fake_lg2(level));
}

static inline unsigned int fake_index(u64 iova, unsigned int level)
{
	return (iova >> fake_lg2(level)) & (FAKE_ENTRIES - 1);
}

/* ---- The hardware ---- */

/**
 * struct fake_context - what a group's DMA is translated by
 * @root: physical address of the top-level table
 * @iotlb: cached leaves by level and number, kept until invalidated as a
 *	whole: an invalidation that covers only a part of one misses it
 * @walk_base: first IOVA below the cached lowest table
 * @walk_table: the paging-structure cache: address of the lowest-level table
 *	that was used last, or 0
 */
struct fake_context {
	phys_addr_t root;
	struct xarray iotlb[FAKE_LEAF_LEVELS];
	u64 walk_base;
	phys_addr_t walk_table;
};

/**
 * struct fake_group - a group behind the pretended IOMMU
 * @node: link in &fake_hw.groups
 * @group: the kernel's group; it has no devices
 * @unit: tables are shared only among groups with the same number
 * @attach_error: errno for an attach to a domain made for another group
 * @dies: the hardware dies of that attach, or of a detach
 * @context: what translates it; NULL: blocked. &fake_hw.walker
 */
struct fake_group {
	struct list_head node;
	struct iommu_group *group;
	unsigned int unit;
	int attach_error;
	bool dies;
	struct fake_context *context;
};

/**
 * struct fake_hw - one pretended IOMMU, with knobs and counters for tests
 * @node: link in the list of all
 * @groups: &fake_group.node
 * @walker: the one walker; held for each translation, so that an invalidation
 *	waits for the walk that is under way
 * @caps: what probe reports
 * @bare: driven by the backend without optional operations
 * @flush_error: nonzero: the hardware is dead, this is the errno
 * @fail_alloc: countdown: the n-th table allocation from here on fails; 0: none
 * @fail_map: countdown: the n-th page mapped from here on fails; 0: none
 * @fail_domain: the next domain allocation fails with this errno
 * @iommu: the live instance, or NULL
 * @instances: instances made and not released
 * @domains: domains allocated and not freed
 * @tables: tables allocated and not freed
 * @flushes: invalidations
 * @maps: calls of map
 * @read_most: entries that @read looks at before it stops; 0: no limit
 * @on_map: told of each map, with @on_map_data, if not NULL
 * @on_map_data: for @on_map
 * @violations: what the core promised in the contract and didn't keep
 * @kept: tables that the dead hardware may still read
 */
struct fake_hw {
	struct list_head node;
	struct list_head groups;
	struct mutex walker;	/* one walk at a time */
	struct sluice_caps caps;
	bool bare;

	int flush_error;
	int fail_domain;
	atomic_t fail_alloc;
	atomic_t fail_map;
	unsigned int read_most;
	void (*on_map)(void *data, const struct sluice_domain *domain,
		       const struct sluice_extent *extents, size_t nr,
		       unsigned int prot);
	void *on_map_data;

	struct sluice_iommu *iommu;
	atomic_t instances;
	atomic_t domains;
	atomic_t tables;
	atomic_t flushes;
	atomic_t maps;
	atomic_t violations;
	struct list_head kept;
};

void fake_hw_context_init(struct fake_context *context, phys_addr_t root);
void fake_hw_context_deinit(struct fake_hw *hw, struct fake_context *context);
struct fake_group *fake_hw_find(struct iommu_group *group, struct fake_hw **hw);
void fake_hw_point(struct fake_hw *hw, struct fake_group *group,
		   struct fake_context *context);
int fake_hw_invalidate(struct fake_hw *hw, struct fake_context *context,
		       const struct sluice_gather *gather);
bool fake_hw_fails(atomic_t *countdown);

/* ---- For tests ---- */

extern const struct sluice_backend fake_backend;
extern const struct sluice_backend fake_backend_bare;

int fake_suite_init(struct kunit_suite *suite);
void fake_suite_exit(struct kunit_suite *suite);

struct fake_hw *fake_hw_create(struct kunit *test);
struct fake_group *fake_group_create(struct kunit *test, struct fake_hw *hw);
void fake_hw_check_idle(struct kunit *test, struct fake_hw *hw);

int fake_translate(struct fake_group *group, u64 iova, bool write,
		   phys_addr_t *phys);
unsigned int fake_count_pages(struct fake_group *group, unsigned int level);
int fake_dma(struct fake_group *group, u64 iova, void *buf, size_t len,
	     bool write);

#endif /* SLUICE_FAKE_BACKEND_H */
