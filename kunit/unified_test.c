// SPDX-License-Identifier: GPL-2.0-only
/*
 * Batches on a unified space with one domain: order, what is told of them, which
 * memory is let go when.
 *
 * Refusals are in unified_ops_test.c, several domains in unified_domains_test.c,
 * failures in unified_fail_test.c.
 */
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/uaccess.h>

#include "unified_fixture.h"

static void unified_both_ways(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	unsigned long addr = unified_memory(u, 64);
	u64 sent = 0x0123456789abcdefULL, seen = 0;

	KUNIT_ASSERT_EQ(test, 0, unified_do(u, make_map(WIN, addr, 64, RW)));
	KUNIT_EXPECT_EQ(test, u->batch.unmapped, 0);
	unified_expect_mapped(u, 0, WIN, addr, 64);
	unified_expect_hole(u, 0, WIN + PAGES(64), 1);
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 64), 64);
	KUNIT_EXPECT_EQ(test, unified_locked(u), 64);
	KUNIT_EXPECT_EQ(test, 0, fake_dma(u->fg[0], WIN + PAGES(5) - 4, &sent,
					  sizeof(sent), true));
	KUNIT_EXPECT_EQ(test, 0, copy_from_user(&seen, (void __user *)
						(addr + PAGES(5) - 4),
						sizeof(seen)));
	KUNIT_EXPECT_EQ(test, seen, sent);

	KUNIT_EXPECT_EQ(test, 0, unified_do(u, make_unmap(WIN, 64)));
	KUNIT_EXPECT_EQ(test, u->batch.unmapped, PAGES(64));
	unified_expect_hole(u, 0, WIN, 64);
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 64), 0);
	KUNIT_EXPECT_EQ(test, unified_locked(u), 0);
	unified_finish(u);
}

/* More than one step of pins, and of extents. */
static void unified_large(struct kunit *test)
{
	unsigned long n = SLUICE_PIN_BATCH > 1024 ? 600 :
			  2 * SLUICE_PIN_BATCH + 77;
	struct unified *u = unified_ready(test);
	unsigned long addr = unified_memory(u, n);
	u32 handle;

	KUNIT_ASSERT_EQ(test, 0, unified_do(u, make_map(WIN, addr, n, RW)));
	unified_expect_mapped(u, 0, WIN, addr, n);
	KUNIT_EXPECT_EQ(test, unified_locked(u), n);
	KUNIT_ASSERT_EQ(test, 0, unified_register(u, addr, n, RW, &handle));
	KUNIT_ASSERT_EQ(test, 0,
			unified_do(u, make_map_handle(WIN + PAGES(n), handle,
						      0, n, RW)));
	unified_expect_mapped(u, 0, WIN + PAGES(n), addr, n);
	KUNIT_EXPECT_EQ(test, 2 * n, unified_clear(u));
	unified_expect_hole(u, 0, WIN, 2 * n);
	KUNIT_EXPECT_EQ(test, 0, unified_unregister(u, handle));
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, n), 0);
	unified_finish(u);
}

static void unified_rights(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	unsigned long addr = unified_memory(u, 3);
	struct sluice_dma_op ops[] = {
		make_map(WIN, addr, 1, R),
		make_map(WIN + PAGES(1), addr, 1, W),
		make_map(WIN + PAGES(2), addr, 1, RW),
	};
	phys_addr_t phys;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 0, unified_batch(u, ops, ARRAY_SIZE(ops)));
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		KUNIT_EXPECT_EQ(test, ops[i].flags & R ? 0 : -EACCES,
				fake_translate(u->fg[0], WIN + PAGES(i), false,
					       &phys));
		KUNIT_EXPECT_EQ(test, ops[i].flags & W ? 0 : -EACCES,
				fake_translate(u->fg[0], WIN + PAGES(i), true,
					       &phys));
	}
	unified_finish(u);
}

/* What a device could write is dirty when it is let go. */
static void unified_dirties(struct kunit *test)
{
	static const u32 rights[] = { RW, W, R };
	struct unified *u = unified_ready(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rights); i++) {
		unsigned long addr = unified_memory(u, 1);
		struct page *page;

		KUNIT_ASSERT_EQ(test, 0,
				unified_do(u, make_map(WIN, addr, 1,
						       rights[i])));
		KUNIT_ASSERT_EQ(test, 1,
				get_user_pages_fast(addr, 1, 0, &page));
		folio_clear_dirty(page_folio(page));
		KUNIT_EXPECT_EQ(test, 1, unified_clear(u));
		KUNIT_EXPECT_EQ(test, !!(rights[i] & W),
				folio_test_dirty(page_folio(page)));
		put_page(page);
	}
	unified_finish(u);
}

/* ---- Order ---- */

static void unified_order(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	unsigned long a = unified_memory(u, 8), b = unified_memory(u, 8);
	struct sluice_dma_op ops[] = {
		make_map(WIN, a, 8, RW),
		make_unmap(WIN + PAGES(2), 4),
		make_map(WIN + PAGES(3), b, 2, R),
		make_unmap(WIN + PAGES(4), 4),
		make_map(WIN + PAGES(4), b + PAGES(4), 4, RW),
	};

	KUNIT_ASSERT_EQ(test, 0, unified_batch(u, ops, ARRAY_SIZE(ops)));
	KUNIT_EXPECT_EQ(test, u->batch.nr_done, 5);
	KUNIT_EXPECT_EQ(test, u->batch.unmapped, PAGES(4 + 1 + 2));
	unified_expect_mapped(u, 0, WIN, a, 2);
	unified_expect_hole(u, 0, WIN + PAGES(2), 1);
	unified_expect_mapped(u, 0, WIN + PAGES(3), b, 1);
	unified_expect_mapped(u, 0, WIN + PAGES(4), b + PAGES(4), 4);
	unified_expect_hole(u, 0, WIN + PAGES(8), 1);
	KUNIT_EXPECT_EQ(test, unified_pins(u, a, 8), 2);
	KUNIT_EXPECT_EQ(test, unified_pins(u, b, 8), 5);
	KUNIT_EXPECT_EQ(test, unified_locked(u), 7);
	unified_finish(u);
}

/* What a device has seen at an IOVA is forgotten when a batch replaces it. */
static void unified_replace(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	unsigned long mem[2] = { unified_memory(u, 8), unified_memory(u, 8) };
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 0, unified_do(u, make_map(WIN, mem[0], 8, RW)));
	for (i = 1; i < 6; i++) {
		struct sluice_dma_op ops[] = {
			make_unmap(WIN, 8),
			make_map(WIN, mem[i & 1], 8, RW),
		};

		unified_expect_mapped(u, 0, WIN, mem[!(i & 1)], 8);
		KUNIT_ASSERT_EQ(test, 0, unified_batch(u, ops, 2));
		unified_expect_mapped(u, 0, WIN, mem[i & 1], 8);
		KUNIT_EXPECT_EQ(test, unified_pins(u, mem[!(i & 1)], 8), 0);
	}
	unified_finish(u);
}

static void unified_first_error(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	unsigned long addr = unified_memory(u, 16);
	struct sluice_dma_op ops[] = {
		make_map(WIN, addr, 4, RW),
		make_unmap(WIN + PAGES(1), 1),
		make_map(WIN + PAGES(3), addr, 2, RW),	/* EEXIST */
		make_map(WIN + PAGES(8), addr, 1, RW),
		make_map(WIN, addr, 1, 0),		/* EINVAL */
	};

	KUNIT_EXPECT_EQ(test, -EEXIST, unified_batch(u, ops, 5));
	KUNIT_EXPECT_EQ(test, u->batch.nr_done, 2);
	KUNIT_EXPECT_EQ(test, u->batch.unmapped, PAGES(1));
	unified_expect_mapped(u, 0, WIN, addr, 1);
	unified_expect_hole(u, 0, WIN + PAGES(1), 1);
	unified_expect_mapped(u, 0, WIN + PAGES(2), addr + PAGES(2), 2);
	unified_expect_hole(u, 0, WIN + PAGES(4), 8);
	KUNIT_EXPECT_EQ(test, unified_locked(u), 3);

	/* Without what doesn't fit: up to the one that is wrong by itself. */
	KUNIT_EXPECT_EQ(test, -EINVAL, unified_batch(u, &ops[3], 2));
	KUNIT_EXPECT_EQ(test, u->batch.nr_done, 1);
	unified_expect_mapped(u, 0, WIN + PAGES(8), addr, 1);
	KUNIT_EXPECT_EQ(test, -EINVAL, unified_batch(u, &ops[4], 1));
	KUNIT_EXPECT_EQ(test, u->batch.nr_done, 0);
	KUNIT_EXPECT_EQ(test, unified_locked(u), 4);
	unified_finish(u);
}

static void unified_eexist(struct kunit *test)
{
	static const struct {
		int first, n;
	} overlaps[] = {
		{ 0, 8 }, { 0, 1 }, { 7, 1 }, { 3, 2 }, { -1, 2 }, { 7, 2 },
		{ -3, 14 }, { -8, 9 },
	};
	struct unified *u = unified_ready(test);
	u64 iova = WIN + PAGES(1000);
	unsigned long n = SLUICE_PIN_BATCH > 1024 ? 0 : SLUICE_PIN_BATCH + 8;
	unsigned long a = unified_memory(u, 8), b = unified_memory(u, 16), c;
	struct unified_state *before;
	unsigned int i;
	u32 handle;

	KUNIT_ASSERT_EQ(test, 0, unified_register(u, b, 16, RW, &handle));
	KUNIT_ASSERT_EQ(test, 0, unified_do(u, make_map(iova, a, 8, RW)));
	before = unified_state(u);
	for (i = 0; i < ARRAY_SIZE(overlaps); i++) {
		u64 at = iova + overlaps[i].first * PAGE_SIZE;
		unsigned int k = overlaps[i].n;

		KUNIT_EXPECT_EQ(test, -EEXIST,
				unified_do(u, make_map(at, b, k, RW)));
		KUNIT_EXPECT_EQ(test, u->batch.unmapped, 0);
		KUNIT_EXPECT_EQ(test, -EEXIST,
				unified_do(u, make_map_handle(at, handle, 0, k,
							      RW)));
		KUNIT_EXPECT_EQ(test, u->batch.unmapped, 0);
		unified_expect_state(u, before);
		unified_expect_hole(u, 0, iova - PAGES(8), 8);
		unified_expect_hole(u, 0, iova + PAGES(8), 8);
	}
	/* Looked at before anything is pinned and mapped. */
	if (n) {
		c = unified_memory(u, n);
		atomic_set(&u->hw->maps, 0);
		KUNIT_EXPECT_EQ(test, -EEXIST,
				unified_do(u, make_map(iova + PAGES(8 - n), c,
						       n, RW)));
		unified_expect_state(u, before);
		KUNIT_EXPECT_EQ(test, atomic_read(&u->hw->maps), 0);
		KUNIT_EXPECT_EQ(test, unified_pins(u, c, n), 0);
	}
	unified_expect_mapped(u, 0, iova, a, 8);
	KUNIT_EXPECT_EQ(test, unified_pins(u, b, 16), 16);
	kfree(before);
	unified_finish(u);
}

/* ---- Unmaps ---- */

static void unified_any_sub_range(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	unsigned long addr = unified_memory(u, 6);
	unsigned int first, n;

	for (first = 0; first < 6; first++) {
		for (n = 1; n <= 6 - first; n++) {
			struct sluice_dma_op ops[] = {
				make_map(WIN, addr, 2, RW),
				make_map(WIN + PAGES(2), addr + PAGES(2), 4, R),
			};

			KUNIT_ASSERT_EQ(test, 0, unified_batch(u, ops, 2));
			unified_expect_mapped(u, 0, WIN, addr, 6);
			KUNIT_ASSERT_EQ(test, 0,
					unified_do(u, make_unmap(WIN +
								 PAGES(first),
								 n)));
			KUNIT_EXPECT_EQ(test, u->batch.unmapped, PAGES(n));
			unified_expect_mapped(u, 0, WIN, addr, first);
			unified_expect_hole(u, 0, WIN + PAGES(first), n);
			unified_expect_mapped(u, 0, WIN + PAGES(first + n),
					      addr + PAGES(first + n),
					      6 - first - n);
			KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 6), 6 - n);
			KUNIT_EXPECT_EQ(test, unified_locked(u), 6 - n);
			KUNIT_ASSERT_EQ(test, 6 - n, unified_clear(u));
		}
	}
	unified_finish(u);
}

static void unified_holes(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	unsigned long addr = unified_memory(u, 8);
	struct sluice_dma_op ops[] = {
		make_map(WIN, addr, 2, RW),
		make_map(WIN + PAGES(10), addr + PAGES(2), 3, R),
		make_map(WIN + PAGES(100), addr + PAGES(5), 3, RW),
	};

	KUNIT_EXPECT_EQ(test, 0, unified_do(u, make_unmap(WIN, 1000)));
	KUNIT_EXPECT_EQ(test, u->batch.unmapped, 0);
	KUNIT_EXPECT_EQ(test, 0, unified_clear(u));
	KUNIT_ASSERT_EQ(test, 0, unified_batch(u, ops, 3));
	KUNIT_EXPECT_EQ(test, 0, unified_do(u, make_unmap(WIN + PAGES(5), 5)));
	KUNIT_EXPECT_EQ(test, u->batch.unmapped, 0);
	KUNIT_EXPECT_EQ(test, 0, unified_do(u, make_unmap(WIN + PAGES(1), 98)));
	KUNIT_EXPECT_EQ(test, u->batch.unmapped, PAGES(4));
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 8), 4);
	unified_expect_mapped(u, 0, WIN, addr, 1);
	unified_expect_mapped(u, 0, WIN + PAGES(100), addr + PAGES(5), 3);
	KUNIT_EXPECT_EQ(test, 4, unified_clear(u));
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 8), 0);
	unified_finish(u);
}

/* Registered superpages, cut at each end and in the middle. */
static void unified_cuts(struct kunit *test)
{
	static const struct {
		unsigned long first, n;
	} cuts[] = {
		{ 0, 1 }, { SUPER - 1, 1 }, { SUPER, 1 }, { 7, SUPER },
		{ SUPER / 2, 2 * SUPER }, { 0, SUPER },
		{ 3 * SUPER - 1, 1 },
	};
	struct unified *u = unified_ready(test);
	struct sluice_run run = { 0, 8 * SUPER };
	u32 handle = unified_pretend(u, &run, 1, 3 * SUPER);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cuts); i++) {
		unsigned long first = cuts[i].first, n = cuts[i].n;
		unsigned long end = first + n;
		int tables;

		KUNIT_ASSERT_EQ(test, 0,
				unified_do(u, make_map_handle(WIN, handle, 0,
							      3 * SUPER, RW)));
		tables = atomic_read(&u->hw->tables);
		unified_expect_phys(u, 0, WIN, run.pfn, 3 * SUPER);
		KUNIT_ASSERT_EQ(test, 0,
				unified_do(u, make_unmap(WIN + PAGES(first),
							 n)));
		if (first % SUPER || end % SUPER)
			KUNIT_EXPECT_GT(test, atomic_read(&u->hw->tables),
					tables);
		KUNIT_EXPECT_EQ(test, u->batch.unmapped, PAGES(n));
		unified_expect_phys(u, 0, WIN, run.pfn, first);
		unified_expect_hole(u, 0, WIN + PAGES(first), n);
		unified_expect_phys(u, 0, WIN + PAGES(end), run.pfn + end,
				    3 * SUPER - end);
		KUNIT_EXPECT_EQ(test, unified_mapped(u),
				3 * SUPER - n);
		KUNIT_ASSERT_EQ(test, 3 * SUPER - n, unified_clear(u));
		sluice_space_reclaim(&u->space);
	}
	unified_forget(u, handle);
	unified_finish(u);
}

/* The window as one page of the largest size, cut down to the smallest. */
static void unified_cuts_largest(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	struct sluice_run run = { 0, SUPER * SUPER };
	unsigned long all = SUPER * SUPER, hole = 5 * SUPER + 77;
	u32 handle = unified_pretend(u, &run, 1, all);
	int tables = atomic_read(&u->hw->tables);

	KUNIT_ASSERT_EQ(test, 0, unified_do(u, make_map_handle(WIN, handle, 0,
							       all, RW)));
	unified_expect_phys(u, 0, WIN + PAGES(hole - 1), run.pfn + hole - 1, 3);
	KUNIT_ASSERT_EQ(test, 0, unified_do(u, make_unmap(WIN + PAGES(hole),
							  1)));
	KUNIT_EXPECT_EQ(test, u->batch.unmapped, PAGE_SIZE);
	KUNIT_EXPECT_GE(test, atomic_read(&u->hw->tables), tables + 2);
	unified_expect_phys(u, 0, WIN + PAGES(hole - 100),
			    run.pfn + hole - 100, 100);
	unified_expect_hole(u, 0, WIN + PAGES(hole), 1);
	unified_expect_phys(u, 0, WIN + PAGES(hole + 1), run.pfn + hole + 1,
			    2 * SUPER);
	unified_expect_phys(u, 0, WIN + PAGES(all - 1), run.pfn + all - 1, 1);
	KUNIT_EXPECT_EQ(test, unified_clear(u), all - 1);
	unified_forget(u, handle);
	unified_finish(u);
}

/* Pinned superpages: each page is let go with what it was unmapped by. */
static void unified_cuts_pinned(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	unsigned long raw, addr, pins;

	if (SLUICE_PIN_BATCH > 1024)
		kunit_skip(test, "no huge pages as large as that");
	raw = unified_memory(u, 3 * SUPER);
	addr = ALIGN(raw, fake_size(1));
	KUNIT_ASSERT_EQ(test, 0, unified_do(u, make_map(WIN, addr, 2 * SUPER,
							RW)));
	unified_expect_mapped(u, 0, WIN, addr, 2 * SUPER);
	pins = unified_pins(u, addr, 2 * SUPER);
	KUNIT_EXPECT_EQ(test, pins, 2 * SUPER);
	KUNIT_ASSERT_EQ(test, 0, unified_do(u, make_unmap(WIN + PAGES(SUPER - 5),
							  10)));
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 2 * SUPER), pins - 10);
	unified_expect_mapped(u, 0, WIN, addr, SUPER - 5);
	unified_expect_hole(u, 0, WIN + PAGES(SUPER - 5), 10);
	unified_expect_mapped(u, 0, WIN + PAGES(SUPER + 5),
			      addr + PAGES(SUPER + 5), SUPER - 5);
	KUNIT_EXPECT_EQ(test, 2 * SUPER - 10, unified_clear(u));
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 2 * SUPER), 0);
	unified_finish(u);
}

/* ---- Kinds ---- */

static void unified_kinds(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	unsigned long addr = unified_memory(u, 8);
	u32 handle;

	KUNIT_ASSERT_EQ(test, 0, unified_register(u, addr, 8, RW, &handle));
	KUNIT_ASSERT_EQ(test, 0, unified_do(u, make_map_handle(WIN, handle, 0,
							       8, RW)));
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 8), 8);
	KUNIT_EXPECT_EQ(test, unified_locked(u), 8);
	/* By address pins and charges again, registered or not. */
	KUNIT_ASSERT_EQ(test, 0, unified_do(u, make_map(WIN + PAGES(8), addr, 8,
							RW)));
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 8), 16);
	KUNIT_EXPECT_EQ(test, unified_locked(u), 16);
	KUNIT_EXPECT_EQ(test, unified_mapped(u), 8);

	/* One unmap over both, of which only one lets pages go. */
	KUNIT_ASSERT_EQ(test, 0, unified_do(u, make_unmap(WIN + PAGES(4), 8)));
	KUNIT_EXPECT_EQ(test, u->batch.unmapped, PAGES(8));
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 8), 12);
	KUNIT_EXPECT_EQ(test, unified_locked(u), 12);
	KUNIT_EXPECT_EQ(test, unified_mapped(u), 4);
	KUNIT_EXPECT_EQ(test, 8, unified_clear(u));
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 8), 8);
	KUNIT_EXPECT_EQ(test, 0, unified_unregister(u, handle));
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 8), 0);
	unified_finish(u);
}

/* ---- Flushes ---- */

static void unified_one_flush(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	unsigned long addr = unified_memory(u, 16);
	struct sluice_dma_op ops[32];
	unsigned int i;

	for (i = 0; i < 16; i++)
		ops[i] = make_map(WIN + PAGES(2 * i), addr + PAGES(i), 1, RW);
	atomic_set(&u->hw->flushes, 0);
	KUNIT_ASSERT_EQ(test, 0, unified_batch(u, ops, 16));
	KUNIT_EXPECT_EQ(test, atomic_read(&u->hw->flushes), 0);
	for (i = 0; i < 16; i++) {
		unified_expect_mapped(u, 0, ops[i].iova, addr + PAGES(i), 1);
		ops[16 + i] = make_map(WIN + PAGES(2 * i), addr + PAGES(15 - i),
				       1, RW);
		ops[i] = make_unmap(WIN + PAGES(2 * i), 1);
	}
	KUNIT_ASSERT_EQ(test, 0, unified_batch(u, ops, 32));
	KUNIT_EXPECT_EQ(test, atomic_read(&u->hw->flushes), 1);
	KUNIT_EXPECT_EQ(test, u->batch.unmapped, PAGES(16));
	for (i = 0; i < 16; i++)
		unified_expect_mapped(u, 0, WIN + PAGES(2 * i),
				      addr + PAGES(15 - i), 1);
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 16), 16);
	unified_finish(u);
}

static struct kunit_case unified_cases[] = {
	KUNIT_CASE(unified_both_ways),
	KUNIT_CASE(unified_large),
	KUNIT_CASE(unified_rights),
	KUNIT_CASE(unified_dirties),
	KUNIT_CASE(unified_order),
	KUNIT_CASE(unified_replace),
	KUNIT_CASE(unified_first_error),
	KUNIT_CASE(unified_eexist),
	KUNIT_CASE(unified_any_sub_range),
	KUNIT_CASE(unified_holes),
	KUNIT_CASE(unified_cuts),
	KUNIT_CASE(unified_cuts_largest),
	KUNIT_CASE(unified_cuts_pinned),
	KUNIT_CASE(unified_kinds),
	KUNIT_CASE(unified_one_flush),
	{}
};

static struct kunit_suite unified_suite = {
	.name = "sluice_unified",
	.suite_init = fake_suite_init,
	.suite_exit = fake_suite_exit,
	.test_cases = unified_cases,
};

kunit_test_suite(unified_suite);
