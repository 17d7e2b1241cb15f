// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pretended IOMMU behind the fake backend.
 *
 * Owns: what silicon would own: which group is translated by which table, the
 * caches, and the walk that a DMA takes. It reads the tables as the
 * specification in fake_backend.h says and trusts nothing else. The caches
 * never forget by themselves, so that a missing flush is always seen.
 */
#include <linux/cleanup.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "fake_backend.h"

static LIST_HEAD(all_hw);
static DEFINE_MUTEX(all_hw_lock);	/* guards all_hw and every hw's groups */

/* ---- The registers, so to speak ---- */

void fake_hw_context_init(struct fake_context *context, phys_addr_t root)
{
	unsigned int level;

	context->root = root;
	context->walk_table = 0;
	for (level = 0; level < FAKE_LEAF_LEVELS; level++)
		xa_init(&context->iotlb[level]);
}

/* A number for a table that is used no more: its cached entries go with it. */
void fake_hw_context_deinit(struct fake_hw *hw, struct fake_context *context)
{
	unsigned int level;

	guard(mutex)(&hw->walker);
	for (level = 0; level < FAKE_LEAF_LEVELS; level++)
		xa_destroy(&context->iotlb[level]);
}

struct fake_group *fake_hw_find(struct iommu_group *group, struct fake_hw **hwp)
{
	struct fake_group *fg;
	struct fake_hw *hw;

	guard(mutex)(&all_hw_lock);
	list_for_each_entry(hw, &all_hw, node) {
		list_for_each_entry(fg, &hw->groups, node) {
			if (fg->group != group)
				continue;
			if (hwp)
				*hwp = hw;
			return fg;
		}
	}
	return NULL;
}

/* Translates @group's DMA by @context from now on; NULL blocks it. */
void fake_hw_point(struct fake_hw *hw, struct fake_group *group,
		   struct fake_context *context)
{
	guard(mutex)(&hw->walker);
	group->context = context;
}

/* Forgets the leaves of one level that lie in a range. */
static void invalidate_level(struct fake_context *context, unsigned int level,
			     const struct sluice_range *range)
{
	unsigned long index;
	void *leaf;

	xa_for_each_range(&context->iotlb[level], index, leaf,
			  range->start >> fake_lg2(level),
			  range->last >> fake_lg2(level)) {
		u64 start = (u64)index << fake_lg2(level);

		if (start >= range->start &&
		    start + (fake_size(level) - 1) <= range->last)
			xa_erase(&context->iotlb[level], index);
	}
}

int fake_hw_invalidate(struct fake_hw *hw, struct fake_context *context,
		       const struct sluice_gather *gather)
{
	unsigned int i, level;

	atomic_inc(&hw->flushes);
	if (hw->flush_error)
		return hw->flush_error;

	guard(mutex)(&hw->walker);
	for (i = 0; i < gather->nr; i++) {
		const struct sluice_range *r = &gather->ranges[i];

		for (level = 0; level < FAKE_LEAF_LEVELS; level++)
			invalidate_level(context, level, r);
		if (gather->nonleaf && context->walk_base <= r->last &&
		    context->walk_base + (fake_size(1) - 1) >= r->start)
			context->walk_table = 0;
	}
	return 0;
}

/* Counts down; true once, when it reaches 0. */
bool fake_hw_fails(atomic_t *countdown)
{
	return atomic_add_unless(countdown, -1, 0) && !atomic_read(countdown);
}

/* ---- DMA ---- */

static u64 find_cached(struct fake_context *context, u64 iova,
		       unsigned int *level)
{
	for (*level = 0; *level < FAKE_LEAF_LEVELS; ++*level) {
		void *leaf = xa_load(&context->iotlb[*level],
				     iova >> fake_lg2(*level));

		if (leaf)
			return xa_to_value(leaf);
	}
	return 0;
}

/* The leaf for @iova, and its level; 0: none. */
static u64 walk_tables(struct fake_context *context, u64 iova,
		       unsigned int *level)
{
	struct fake_table *table = phys_to_virt(context->root);
	u64 entry;

	*level = FAKE_TOP;
	if (context->walk_table &&
	    context->walk_base == ALIGN_DOWN(iova, fake_size(1))) {
		table = phys_to_virt(context->walk_table);
		*level = 0;
	}
	for (;; --*level) {
		entry = READ_ONCE(table->entry[fake_index(iova, *level)]);
		if (!(entry & FAKE_PRESENT))
			return 0;
		if (!(entry & FAKE_TABLE))
			return entry;
		table = phys_to_virt(entry & FAKE_ADDR);
		if (*level == 1) {
			context->walk_base = ALIGN_DOWN(iova, fake_size(1));
			context->walk_table = entry & FAKE_ADDR;
		}
	}
}

/**
 * fake_translate - what becomes of an access by a device
 * @group: the device's group
 * @iova: where it goes
 * @write: it is a write
 * @phys: set to the physical address on success
 *
 * Return: 0; -EFAULT if nothing is mapped there or the group is blocked;
 * -EACCES if the mapping doesn't allow it.
 */
int fake_translate(struct fake_group *group, u64 iova, bool write,
		   phys_addr_t *phys)
{
	struct fake_hw *hw = NULL;
	unsigned int level;
	u64 leaf;

	if (!fake_hw_find(group->group, &hw))
		return -EFAULT;

	guard(mutex)(&hw->walker);
	if (!group->context)
		return -EFAULT;
	leaf = find_cached(group->context, iova, &level);
	if (!leaf) {
		leaf = walk_tables(group->context, iova, &level);
		if (!leaf)
			return -EFAULT;
		/* A value entry has 63 bits: enough for physical addresses. */
		xa_store(&group->context->iotlb[level], iova >> fake_lg2(level),
			 xa_mk_value(leaf), GFP_KERNEL);
	}
	if (!(leaf & (write ? FAKE_WRITE : FAKE_READ)))
		return -EACCES;
	*phys = (leaf & FAKE_ADDR) + (iova & (fake_size(level) - 1));
	return 0;
}

static unsigned int count_leaves(const struct fake_table *table,
				 unsigned int at, unsigned int level)
{
	unsigned int i, nr = 0;

	for (i = 0; i < FAKE_ENTRIES; i++) {
		u64 entry = READ_ONCE(table->entry[i]);

		if (entry & FAKE_TABLE)
			nr += count_leaves(phys_to_virt(entry & FAKE_ADDR),
					   at - 1, level);
		else if (entry & FAKE_PRESENT)
			nr += at == level;
	}
	return nr;
}

/**
 * fake_count_pages - how many pages of a size the tables have
 * @group: the group, which isn't blocked
 * @level: the size, by the level of its leaves
 *
 * Return: how many.
 */
unsigned int fake_count_pages(struct fake_group *group, unsigned int level)
{
	return count_leaves(phys_to_virt(group->context->root), FAKE_TOP,
			    level);
}

/**
 * fake_dma - a device reads or writes memory
 * @group: the device's group
 * @iova: where
 * @buf: what is written, or where to put what is read
 * @len: bytes
 * @write: a write
 *
 * Return: 0, or as fake_translate(), with nothing done from there on.
 */
int fake_dma(struct fake_group *group, u64 iova, void *buf, size_t len,
	     bool write)
{
	while (len) {
		size_t n = min_t(size_t, len, PAGE_SIZE - offset_in_page(iova));
		phys_addr_t phys;
		int ret;

		ret = fake_translate(group, iova, write, &phys);
		if (ret)
			return ret;
		if (write)
			memcpy(phys_to_virt(phys), buf, n);
		else
			memcpy(buf, phys_to_virt(phys), n);
		iova += n;
		buf += n;
		len -= n;
	}
	return 0;
}

/* ---- Set-up for tests ---- */

int fake_suite_init(struct kunit_suite *suite)
{
	int ret;

	ret = sluice_backend_register(&fake_backend);
	if (ret)
		return ret;
	ret = sluice_backend_register(&fake_backend_bare);
	if (ret)
		sluice_backend_unregister(&fake_backend);
	return ret;
}

void fake_suite_exit(struct kunit_suite *suite)
{
	sluice_backend_unregister(&fake_backend_bare);
	sluice_backend_unregister(&fake_backend);
}

static void hw_destroy(void *data)
{
	struct fake_group *fg, *next_fg;
	struct page *page, *next_page;
	struct fake_hw *hw = data;

	scoped_guard(mutex, &all_hw_lock)
		list_del(&hw->node);
	list_for_each_entry_safe(fg, next_fg, &hw->groups, node) {
		iommu_group_put(fg->group);
		kfree(fg);
	}
	/* Power is off: even dead hardware reads no more. */
	list_for_each_entry_safe(page, next_page, &hw->kept, lru) {
		list_del(&page->lru);
		__free_page(page);
	}
	kfree(hw);
}

/**
 * fake_hw_create - plug in a pretended IOMMU
 * @test: goes when this test is over
 *
 * Return: an IOMMU that maps all of the 64-bit space.
 */
struct fake_hw *fake_hw_create(struct kunit *test)
{
	struct fake_hw *hw = kzalloc(sizeof(*hw), GFP_KERNEL);
	unsigned int level;

	KUNIT_ASSERT_NOT_NULL(test, hw);
	INIT_LIST_HEAD(&hw->groups);
	INIT_LIST_HEAD(&hw->kept);
	mutex_init(&hw->walker);
	for (level = 0; level < FAKE_LEAF_LEVELS; level++)
		hw->caps.pgsizes |= fake_size(level);
	hw->caps.apertures[0] = (struct sluice_range){ 0, U64_MAX };
	hw->caps.nr_apertures = 1;
	hw->caps.coherent = true;
	scoped_guard(mutex, &all_hw_lock)
		list_add(&hw->node, &all_hw);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, hw_destroy, hw));
	return hw;
}

/**
 * fake_group_create - put a group behind a pretended IOMMU
 * @test: the test
 * @hw: the IOMMU
 *
 * Return: the group, blocked; it goes with @hw.
 */
struct fake_group *fake_group_create(struct kunit *test, struct fake_hw *hw)
{
	struct fake_group *fg = kzalloc(sizeof(*fg), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fg);
	fg->group = iommu_group_alloc();
	if (IS_ERR(fg->group)) {
		kfree(fg);
		KUNIT_FAIL_AND_ABORT(test, "no group");
	}
	scoped_guard(mutex, &all_hw_lock)
		list_add_tail(&fg->node, &hw->groups);
	return fg;
}

/**
 * fake_hw_check_idle - expect that nothing was left behind
 * @test: the test
 * @hw: an IOMMU to which nothing should be attached any more
 */
void fake_hw_check_idle(struct kunit *test, struct fake_hw *hw)
{
	struct fake_group *fg;

	list_for_each_entry(fg, &hw->groups, node)
		KUNIT_EXPECT_NULL(test, fg->context);
	KUNIT_EXPECT_EQ(test, atomic_read(&hw->domains), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&hw->instances), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&hw->violations), 0);
	if (list_empty(&hw->kept))
		KUNIT_EXPECT_EQ(test, atomic_read(&hw->tables), 0);
}
