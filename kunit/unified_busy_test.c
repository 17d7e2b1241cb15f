// SPDX-License-Identifier: GPL-2.0-only
/*
 * What keeps registered memory from being unregistered: its pages that are mapped
 * by handle, unless another registration has them, with enough rights.
 */
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/shmem_fs.h>

#include "unified_fixture.h"

static u32 registered(struct unified *u, unsigned long addr,
		      unsigned long npages, u32 flags)
{
	u32 handle = 0;

	KUNIT_ASSERT_EQ(u->test, 0,
			unified_register(u, addr, npages, flags, &handle));
	return handle;
}

static void map_handle(struct unified *u, u64 iova, u32 handle,
		       unsigned long first, unsigned long npages, u32 flags)
{
	KUNIT_ASSERT_EQ(u->test, 0,
			unified_do(u, make_map_handle(iova, handle, first,
						      npages, flags)));
}

static void unmap(struct unified *u, u64 iova, unsigned long npages)
{
	KUNIT_ASSERT_EQ(u->test, 0, unified_do(u, make_unmap(iova, npages)));
}

static void expect_busy(struct unified *u, u32 handle)
{
	struct unified_state *before = unified_state(u);

	KUNIT_EXPECT_EQ(u->test, -EBUSY, unified_unregister(u, handle));
	unified_expect_state(u, before);
	kfree(before);
}

static void busy_until_unmapped(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	unsigned long addr = unified_memory(u, 8);
	u32 handle = registered(u, addr, 8, RW);

	/* Twice, with what is left after one goes in both. */
	map_handle(u, WIN, handle, 0, 8, RW);
	map_handle(u, WIN + PAGES(16), handle, 7, 1, R);
	expect_busy(u, handle);
	unmap(u, WIN, 8);
	expect_busy(u, handle);
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 8), 8);
	unified_expect_mapped(u, 0, WIN + PAGES(16), addr + PAGES(7), 1);
	unmap(u, WIN + PAGES(16), 1);
	/* Unmapped, but registered: pinned. */
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 8), 8);
	KUNIT_EXPECT_EQ(test, unified_locked(u), 8);
	KUNIT_EXPECT_EQ(test, 0, unified_unregister(u, handle));
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 8), 0);
	KUNIT_EXPECT_EQ(test, unified_locked(u), 0);
	unified_finish(u);
}

/* Other memory that is mapped by handle, or this one by address: none of it. */
static void busy_not_by_others(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	unsigned long a = unified_memory(u, 8), b = unified_memory(u, 8);
	u32 ha = registered(u, a, 8, RW), hb = registered(u, b, 8, RW);

	map_handle(u, WIN, hb, 0, 8, RW);
	KUNIT_ASSERT_EQ(test, 0, unified_do(u, make_map(WIN + PAGES(8), a, 8,
							RW)));
	KUNIT_EXPECT_EQ(test, unified_pins(u, a, 8), 16);
	KUNIT_EXPECT_EQ(test, 0, unified_unregister(u, ha));
	KUNIT_EXPECT_EQ(test, unified_pins(u, a, 8), 8);
	unified_expect_mapped(u, 0, WIN + PAGES(8), a, 8);
	expect_busy(u, hb);
	KUNIT_EXPECT_EQ(test, 16, unified_clear(u));
	KUNIT_EXPECT_EQ(test, unified_pins(u, a, 8), 0);
	unified_finish(u);
}

/* In the last of several windows, at its last page. */
static void busy_in_any_window(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	unsigned long addr = unified_memory(u, 2);
	u64 far = WIN + 2 * WIN_SIZE;
	u32 handle = registered(u, addr, 2, RW);

	KUNIT_ASSERT_EQ(test, 0, unified_window(u, far, PAGES(16), 0));
	map_handle(u, far + PAGES(15), handle, 1, 1, RW);
	expect_busy(u, handle);
	unmap(u, far + PAGES(15), 1);
	KUNIT_EXPECT_EQ(test, 0, unified_unregister(u, handle));
	unified_finish(u);
}

static void busy_unless_covered(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	unsigned long addr = unified_memory(u, 8);
	u32 a = registered(u, addr, 8, RW), b = registered(u, addr, 8, RW);

	map_handle(u, WIN, a, 0, 8, RW);
	KUNIT_EXPECT_EQ(test, 0, unified_unregister(u, a));
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 8), 8);
	unified_expect_mapped(u, 0, WIN, addr, 8);
	/* Now it is the last one. */
	expect_busy(u, b);
	unmap(u, WIN, 8);
	KUNIT_EXPECT_EQ(test, 0, unified_unregister(u, b));
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 8), 0);
	unified_finish(u);
}

/* Several together, with seams and overlaps; one page short at each place. */
static void busy_covered_in_parts(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	unsigned long addr = unified_memory(u, 16), missing;
	u32 all = registered(u, addr, 16, RW);

	map_handle(u, WIN, all, 0, 16, RW);
	for (missing = 0; missing < 16; missing++) {
		u32 low = 0, high = 0;

		if (missing)
			low = registered(u, addr, missing, RW);
		if (missing < 15)
			high = registered(u, addr + PAGES(missing + 1),
					  15 - missing, RW);
		expect_busy(u, all);
		if (low)
			KUNIT_ASSERT_EQ(test, 0, unified_unregister(u, low));
		if (high)
			KUNIT_ASSERT_EQ(test, 0, unified_unregister(u, high));
	}
	registered(u, addr, 5, RW);
	registered(u, addr + PAGES(3), 4, RW);
	expect_busy(u, all);
	registered(u, addr + PAGES(7), 9, RW);
	KUNIT_EXPECT_EQ(test, 0, unified_unregister(u, all));
	unified_expect_mapped(u, 0, WIN, addr, 16);
	unified_finish(u);
}

/* A page that is mapped for writing must be in a registration for writing. */
static void busy_rights(struct kunit *test)
{
	static const struct {
		u32 other, map;
		int ret;
	} tries[] = {
		{ R, RW, -EBUSY },
		{ W, RW, -EBUSY },
		{ RW, RW, 0 },
		{ R, W, -EBUSY },
		{ W, W, 0 },
		{ RW, W, 0 },
		{ R, R, 0 },
		{ W, R, -EBUSY },
	};
	struct unified *u = unified_ready(test);
	unsigned long addr = unified_memory(u, 2);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tries); i++) {
		u32 all = registered(u, addr, 2, RW);
		u32 other = registered(u, addr, 2, tries[i].other);

		map_handle(u, WIN, all, 0, 2, tries[i].map);
		KUNIT_EXPECT_EQ_MSG(test, tries[i].ret,
				    unified_unregister(u, all), "try %u", i);
		unmap(u, WIN, 2);
		if (tries[i].ret)
			KUNIT_EXPECT_EQ(test, 0, unified_unregister(u, all));
		KUNIT_EXPECT_EQ(test, 0, unified_unregister(u, other));
		KUNIT_ASSERT_EQ(test, unified_pins(u, addr, 2), 0);
	}
	unified_finish(u);
}

/* Only a part is mapped: only that must be covered. */
static void busy_part(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	unsigned long addr = unified_memory(u, 16);
	u32 all = registered(u, addr, 16, RW);
	u32 part = registered(u, addr + PAGES(4), 4, RW);

	map_handle(u, WIN, all, 3, 6, RW);
	expect_busy(u, all);
	/* Page 3 goes, page 8 stays. */
	unmap(u, WIN, 1);
	expect_busy(u, all);
	unmap(u, WIN + PAGES(5), 1);
	KUNIT_EXPECT_EQ(test, 0, unified_unregister(u, all));
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 16), 4);
	expect_busy(u, part);
	unified_finish(u);
}

/*
 * One extent for the table, of two regions. Memory that isn't there, for it to be
 * contiguous: nothing of it may be let go.
 */
static void busy_neighbours(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	struct sluice_run low = { 0, 1000 }, high = { 0, 1008 };
	u32 l = unified_pretend(u, &low, 1, 8), h, b;

	map_handle(u, WIN, l, 0, 8, RW);
	h = unified_pretend(u, &high, 1, 8);
	map_handle(u, WIN + PAGES(8), h, 0, 8, RW);
	KUNIT_EXPECT_EQ(test, -EBUSY, unified_unregister(u, l));
	KUNIT_EXPECT_EQ(test, -EBUSY, unified_unregister(u, h));
	/* All but the last page. */
	b = unified_pretend(u, &low, 1, 15);
	KUNIT_EXPECT_EQ(test, -EBUSY, unified_unregister(u, h));
	unmap(u, WIN, 15);
	KUNIT_EXPECT_EQ(test, -EBUSY, unified_unregister(u, h));
	unmap(u, WIN, 16);
	unified_forget(u, l);
	unified_forget(u, h);
	unified_forget(u, b);
	unified_finish(u);
}

/* A file's pages at several addresses next to each other: A, B, A, A. */
static unsigned long aliases(struct kunit *test)
{
	static const unsigned int pages[] = { 0, 1, 0, 0 };
	struct file *file = shmem_file_setup("sluice-kunit", PAGES(2), 0);
	unsigned long addr, at;
	unsigned int i;

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	addr = kunit_vm_mmap(test, NULL, 0, PAGES(4), PROT_NONE,
			     MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		at = vm_mmap(file, addr + PAGES(i), PAGE_SIZE,
			     PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			     PAGES(pages[i]));
		KUNIT_EXPECT_EQ(test, at, addr + PAGES(i));
	}
	fput(file);
	return addr;
}

static void busy_page_twice(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	unsigned long addr = aliases(test);
	u32 all = registered(u, addr, 4, RW), a, b;

	KUNIT_EXPECT_EQ(test, unified_locked(u), 4);
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 1), 3);
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr + PAGES(1), 1), 1);
	/* The first page is mapped, as the last. */
	map_handle(u, WIN, all, 3, 1, RW);
	expect_busy(u, all);
	b = registered(u, addr + PAGES(1), 1, RW);
	expect_busy(u, all);
	a = registered(u, addr + PAGES(2), 1, RW);
	KUNIT_EXPECT_EQ(test, 0, unified_unregister(u, all));
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 1), 1);
	KUNIT_EXPECT_EQ(test, 0, unified_unregister(u, b));
	expect_busy(u, a);

	/* It covers itself no better for being there twice. */
	all = registered(u, addr, 4, RW);
	KUNIT_EXPECT_EQ(test, 0, unified_unregister(u, a));
	expect_busy(u, all);
	unmap(u, WIN, 1);
	KUNIT_EXPECT_EQ(test, 0, unified_unregister(u, all));
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 4), 0);
	KUNIT_EXPECT_EQ(test, unified_locked(u), 0);
	unified_finish(u);
}

static struct kunit_case busy_cases[] = {
	KUNIT_CASE(busy_until_unmapped),
	KUNIT_CASE(busy_not_by_others),
	KUNIT_CASE(busy_in_any_window),
	KUNIT_CASE(busy_unless_covered),
	KUNIT_CASE(busy_covered_in_parts),
	KUNIT_CASE(busy_rights),
	KUNIT_CASE(busy_part),
	KUNIT_CASE(busy_neighbours),
	KUNIT_CASE(busy_page_twice),
	{}
};

static struct kunit_suite busy_suite = {
	.name = "sluice_regions_busy",
	.suite_init = fake_suite_init,
	.suite_exit = fake_suite_exit,
	.test_cases = busy_cases,
};

kunit_test_suite(busy_suite);
