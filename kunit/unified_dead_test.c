// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unified spaces whose IOMMU dies: nothing that it may still reach is let go, and
 * nothing new is mapped.
 */
#include <linux/mm.h>

#include "unified_fixture.h"

static void dead_unmap(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	unsigned long addr = unified_memory(u, 16);
	u32 handle;

	KUNIT_ASSERT_EQ(test, 0, unified_register(u, addr, 16, RW, &handle));
	KUNIT_ASSERT_EQ(test, 0, unified_do(u, make_map(WIN, addr, 16, RW)));
	unified_expect_mapped(u, 0, WIN, addr, 16);
	u->hw->flush_error = -ETIMEDOUT;
	/* It is done, as far as it can be; and said that it isn't enough. */
	KUNIT_EXPECT_EQ(test, -EIO, unified_batch(u, (struct sluice_dma_op []){
				make_unmap(WIN, 8) }, 1));
	KUNIT_EXPECT_EQ(test, u->batch.nr_done, 1);
	KUNIT_EXPECT_EQ(test, u->batch.unmapped, PAGES(8));

	/* The device still gets there; so the memory must stay. */
	unified_expect_mapped(u, 0, WIN, addr, 16);
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 16), 32);
	KUNIT_EXPECT_EQ(test, unified_locked(u), 32);
	KUNIT_EXPECT_TRUE(test, u->hw->iommu->dead);

	/* No more of the same, even if the hardware comes back. */
	u->hw->flush_error = 0;
	KUNIT_EXPECT_EQ(test, -EIO, unified_attach(u, 1));
	KUNIT_EXPECT_EQ(test, -EIO, unified_attach(u, 2));
	KUNIT_EXPECT_EQ(test, -EIO,
			unified_do(u, make_map(WIN + PAGES(32), addr, 1, RW)));
	KUNIT_EXPECT_EQ(test, -EIO,
			unified_do(u, make_map_handle(WIN + PAGES(32), handle,
						      0, 1, RW)));
	KUNIT_EXPECT_EQ(test, -EIO, unified_batch(u, (struct sluice_dma_op []){
				make_unmap_all() }, 1));
	KUNIT_EXPECT_EQ(test, u->batch.unmapped, PAGES(8));
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 16), 32);

	/* Registered memory goes out of reach for the user, and stays. */
	KUNIT_EXPECT_EQ(test, 0, unified_unregister(u, handle));
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 16), 32);
	KUNIT_EXPECT_EQ(test, unified_locked(u), 32);
	unified_unpin(u, addr, 16);
	unified_unpin(u, addr, 16);
	unified_finish(u);
}

/* What an unmap gets through before it: all chunks and steps up to there. */
static void dead_later_operations(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	unsigned long addr = unified_memory(u, 8);
	struct sluice_dma_op ops[] = {
		make_unmap(WIN, 4),
		make_map(WIN, addr + PAGES(4), 4, RW),
	};

	KUNIT_ASSERT_EQ(test, 0, unified_do(u, make_map(WIN, addr, 4, RW)));
	unified_expect_mapped(u, 0, WIN, addr, 4);
	u->hw->flush_error = -EIO;
	KUNIT_EXPECT_EQ(test, -EIO, unified_batch(u, ops, 2));
	KUNIT_EXPECT_EQ(test, u->batch.nr_done, 2);
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 8), 8);
	KUNIT_EXPECT_EQ(test, unified_locked(u), 8);
	unified_detach(u, 0);
	/* The end of the space lets nothing go either. */
	u->locked += 8;
	unified_finish(u);
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 8), 8);
	unified_unpin(u, addr, 8);
}

/* It dies when the space ends. */
static void dead_at_the_end(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	unsigned long addr = unified_memory(u, 8);
	u32 handle;

	KUNIT_ASSERT_EQ(test, 0, unified_register(u, addr, 8, RW, &handle));
	KUNIT_ASSERT_EQ(test, 0, unified_do(u, make_map_handle(WIN, handle, 0,
							       8, RW)));
	unified_expect_mapped(u, 0, WIN, addr, 8);
	u->hw->flush_error = -EIO;
	u->locked += 8;
	unified_finish(u);
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 8), 8);
	unified_unpin(u, addr, 8);
}

/* It dies while a failed map is taken back. */
static void dead_unwind(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	unsigned long addr = unified_memory(u, 16), pins;

	atomic_set(&u->hw->fail_map, 9);
	u->hw->flush_error = -EIO;
	KUNIT_EXPECT_NE(test, 0, unified_do(u, make_map(WIN, addr, 16, RW)));
	/* What was mapped for a moment must stay pinned, and charged. */
	pins = unified_pins(u, addr, 16);
	KUNIT_EXPECT_GE(test, pins, 8);
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 8), 8);
	KUNIT_EXPECT_GE(test, unified_locked(u), pins);
	u->locked += unified_locked(u);
	unified_finish(u);
	unified_unpin(u, addr, pins);
	/* It may have been charged for more than is pinned. */
	sluice_unaccount(current->mm, current->mm->locked_vm - u->locked + 16);
}

/* One of two: the other one is alive, but they have the same content. */
static void dead_second(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	struct fake_hw *hw = fake_hw_create(test);
	unsigned long addr = unified_memory(u, 16);
	unsigned long other = unified_memory(u, 1);
	u32 handle;

	u->fg[2] = fake_group_create(test, hw);
	KUNIT_ASSERT_EQ(test, 0, unified_attach(u, 2));
	KUNIT_ASSERT_EQ(test, 0, unified_register(u, addr, 8, RW, &handle));
	KUNIT_ASSERT_EQ(test, 0, unified_do(u, make_map_handle(WIN, handle, 0,
							       8, RW)));
	KUNIT_ASSERT_EQ(test, 0, unified_do(u, make_map(WIN + PAGES(8),
							addr + PAGES(8), 8,
							RW)));
	KUNIT_ASSERT_EQ(test, 0, unified_do(u, make_map(WIN + PAGES(32), other,
							1, RW)));
	unified_expect_mapped(u, 2, WIN, addr, 16);
	hw->flush_error = -EIO;
	KUNIT_EXPECT_EQ(test, -EIO, unified_batch(u, (struct sluice_dma_op []){
				make_unmap(WIN, 16) }, 1));
	unified_expect_mapped(u, 2, WIN, addr, 16);
	unified_expect_hole(u, 0, WIN, 16);
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 16), 16);

	/*
	 * The dead one leaves, and may still reach what the space had mapped: nothing
	 * of that is let go, and nothing new is mapped.
	 */
	unified_detach(u, 2);
	KUNIT_EXPECT_EQ(test, -EIO, unified_do(u, make_map(WIN, addr, 1, RW)));
	KUNIT_EXPECT_EQ(test, -EIO, unified_batch(u, (struct sluice_dma_op []){
				make_unmap(WIN + PAGES(32), 1) }, 1));
	unified_expect_hole(u, 0, WIN + PAGES(32), 1);
	KUNIT_EXPECT_EQ(test, unified_pins(u, other, 1), 1);
	KUNIT_EXPECT_EQ(test, 0, unified_unregister(u, handle));
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 16), 16);
	KUNIT_EXPECT_EQ(test, unified_locked(u), 17);
	unified_unpin(u, other, 1);
	unified_unpin(u, addr, 16);
	unified_finish(u);
	fake_hw_check_idle(test, hw);
}

static struct kunit_case dead_cases[] = {
	KUNIT_CASE(dead_unmap),
	KUNIT_CASE(dead_later_operations),
	KUNIT_CASE(dead_at_the_end),
	KUNIT_CASE(dead_unwind),
	KUNIT_CASE(dead_second),
	{}
};

static struct kunit_suite dead_suite = {
	.name = "sluice_unified_dead",
	.suite_init = fake_suite_init,
	.suite_exit = fake_suite_exit,
	.test_cases = dead_cases,
};

kunit_test_suite(dead_suite);
