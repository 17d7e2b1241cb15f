// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations of unified spaces that are refused, windows as their borders, and
 * batches that are long, or not there.
 */
#include <linux/mman.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "unified_fixture.h"

/* Each by itself; @addr and @handle: 16 pages. */
static void expect_refused(struct unified *u, struct sluice_dma_op op, int want,
			   const char *what)
{
	KUNIT_EXPECT_EQ_MSG(u->test, want, unified_do(u, op), "%s", what);
	KUNIT_EXPECT_EQ(u->test, u->batch.unmapped, 0);
}

#define EXPECT_BAD(base, member, value)					\
	do {								\
		struct sluice_dma_op bad_op = base;			\
									\
		bad_op.member = value;					\
		expect_refused(u, bad_op, -EINVAL,			\
			       #base " " #member " = " #value);		\
	} while (0)

static void ops_bad_maps(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	unsigned long addr = unified_memory(u, 16);
	struct sluice_dma_op map = make_map(WIN, addr, 2, RW), by_handle;
	u32 handle;

	KUNIT_ASSERT_EQ(test, 0, unified_register(u, addr, 16, RW, &handle));
	by_handle = make_map_handle(WIN, handle, 1, 2, RW);

	EXPECT_BAD(map, op, 0);
	EXPECT_BAD(map, op, 3);
	EXPECT_BAD(map, op, U32_MAX);
	EXPECT_BAD(map, flags, 0);
	EXPECT_BAD(map, flags, RW | SLUICE_DMA_ALL);
	EXPECT_BAD(map, flags, RW | BIT(31));
	EXPECT_BAD(map, reserved, 1);
	EXPECT_BAD(map, handle, handle);
	EXPECT_BAD(map, size, 0);
	EXPECT_BAD(map, size, PAGE_SIZE + 1);
	EXPECT_BAD(map, size, PAGE_SIZE / 2);
	EXPECT_BAD(map, iova, WIN + 1);
	EXPECT_BAD(map, iova, WIN + PAGE_SIZE / 2);
	EXPECT_BAD(map, addr, addr + 1);
	EXPECT_BAD(map, addr, -PAGES(1));
	EXPECT_BAD(map, iova, -PAGES(1));
	EXPECT_BAD(map, size, -PAGES(1));

	EXPECT_BAD(by_handle, flags, SLUICE_DMA_HANDLE);
	EXPECT_BAD(by_handle, reserved, 1);
	EXPECT_BAD(by_handle, addr, 1);
	EXPECT_BAD(by_handle, addr, PAGES(15));
	EXPECT_BAD(by_handle, size, 0);
	EXPECT_BAD(by_handle, size, PAGES(16));

	/* The two that they were made from. */
	KUNIT_EXPECT_EQ(test, 0, unified_do(u, map));
	by_handle.iova += PAGES(2);
	KUNIT_EXPECT_EQ(test, 0, unified_do(u, by_handle));
	unified_finish(u);
}

static void ops_bad_unmaps(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	unsigned long addr = unified_memory(u, 2);
	struct sluice_dma_op unmap = make_unmap(WIN, 2);
	struct sluice_dma_op all = make_unmap_all();

	KUNIT_ASSERT_EQ(test, 0, unified_do(u, make_map(WIN, addr, 2, RW)));
	EXPECT_BAD(unmap, flags, R);
	EXPECT_BAD(unmap, flags, SLUICE_DMA_HANDLE);
	EXPECT_BAD(unmap, flags, BIT(31));
	EXPECT_BAD(unmap, reserved, 1);
	EXPECT_BAD(unmap, addr, addr);
	EXPECT_BAD(unmap, handle, 1);
	EXPECT_BAD(unmap, size, 0);
	EXPECT_BAD(unmap, size, PAGE_SIZE - 1);
	EXPECT_BAD(unmap, size, -PAGES(1));
	EXPECT_BAD(unmap, iova, WIN + 1);
	EXPECT_BAD(unmap, iova, -PAGES(1));
	EXPECT_BAD(all, iova, WIN);
	EXPECT_BAD(all, size, PAGE_SIZE);
	EXPECT_BAD(all, addr, PAGE_SIZE);
	EXPECT_BAD(all, handle, 1);
	EXPECT_BAD(all, reserved, 1);
	unified_expect_mapped(u, 0, WIN, addr, 2);
	KUNIT_EXPECT_EQ(test, 2, unified_clear(u));
	unified_finish(u);
}

/* ---- Memory ---- */

static void ops_bad_memory(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	unsigned long addr = unified_memory(u, 32), ro;
	struct unified_state *before = unified_state(u);

	KUNIT_ASSERT_EQ(test, 0, vm_munmap(addr + PAGES(20), PAGES(1)));
	ro = kunit_vm_mmap(test, NULL, 0, PAGES(2), PROT_READ,
			   MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(ro));
	expect_refused(u, make_map(WIN, addr, 32, RW), -EFAULT, "hole");
	expect_refused(u, make_map(WIN, ro, 2, RW), -EFAULT, "read-only");
	expect_refused(u, make_map(WIN, ro, 2, W), -EFAULT, "read-only, W");
	expect_refused(u, make_map(WIN, 0, 1, R), -EFAULT, "NULL");
	expect_refused(u, make_map(WIN, -PAGES(16), 1, R), -EFAULT, "kernel");
	unified_expect_state(u, before);
	unified_expect_hole(u, 0, WIN, 32);
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 20), 0);
	KUNIT_EXPECT_EQ(test, 0, unified_do(u, make_map(WIN, ro, 2, R)));
	kfree(before);
	unified_finish(u);
}

/* ---- Windows ---- */

static void ops_within_windows(struct kunit *test)
{
	struct unified *u = unified_create(test);
	unsigned long addr = unified_memory(u, 32);
	struct sluice_dma_op ops[2];
	u64 w = WIN + PAGES(64);

	KUNIT_ASSERT_EQ(test, 0, unified_attach(u, 0));
	expect_refused(u, make_map(w, addr, 1, RW), -EINVAL, "no window");
	/* Two that are adjacent, and one further away. */
	KUNIT_ASSERT_EQ(test, 0, unified_window(u, w, PAGES(8), 0));
	KUNIT_ASSERT_EQ(test, 0, unified_window(u, w + PAGES(8), PAGES(8), 0));
	KUNIT_ASSERT_EQ(test, 0, unified_window(u, w + PAGES(24), PAGES(8), 0));

	expect_refused(u, make_map(w - PAGES(1), addr, 1, RW), -EINVAL, "below");
	expect_refused(u, make_map(w - PAGES(1), addr, 2, RW), -EINVAL, "start");
	expect_refused(u, make_map(w + PAGES(7), addr, 2, RW), -EINVAL, "two");
	expect_refused(u, make_map(w, addr, 16, RW), -EINVAL, "both");
	expect_refused(u, make_map(w + PAGES(15), addr, 2, RW), -EINVAL, "end");
	expect_refused(u, make_map(w + PAGES(16), addr, 1, RW), -EINVAL, "gap");
	expect_refused(u, make_map(w + PAGES(32), addr, 1, RW), -EINVAL,
		       "above");

	ops[0] = make_map(w, addr, 8, RW);
	ops[1] = make_map(w + PAGES(8), addr + PAGES(8), 8, RW);
	KUNIT_ASSERT_EQ(test, 0, unified_batch(u, ops, 2));
	ops[0] = make_map(w + PAGES(24), addr + PAGES(24), 8, RW);
	KUNIT_ASSERT_EQ(test, 0, unified_batch(u, ops, 1));
	unified_expect_mapped(u, 0, w, addr, 16);
	unified_expect_mapped(u, 0, w + PAGES(24), addr + PAGES(24), 8);

	/* Unmaps don't mind; they begin and end where they like. */
	KUNIT_EXPECT_EQ(test, 0, unified_do(u, make_unmap(w + PAGES(7), 2)));
	KUNIT_EXPECT_EQ(test, u->batch.unmapped, PAGES(2));
	KUNIT_EXPECT_EQ(test, 0, unified_do(u, make_unmap(0, 1)));
	KUNIT_EXPECT_EQ(test, 0, unified_do(u, make_unmap(w + PAGES(17), 3)));
	KUNIT_EXPECT_EQ(test, u->batch.unmapped, 0);
	KUNIT_EXPECT_EQ(test, 0, unified_do(u, make_unmap(w - PAGES(3), 28)));
	KUNIT_EXPECT_EQ(test, u->batch.unmapped, PAGES(15));
	unified_expect_hole(u, 0, w, 25);
	unified_expect_mapped(u, 0, w + PAGES(25), addr + PAGES(25), 7);
	KUNIT_EXPECT_EQ(test, 0, unified_do(u, make_unmap(w, 64)));
	KUNIT_EXPECT_EQ(test, u->batch.unmapped, PAGES(7));
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 32), 0);
	unified_finish(u);
}

/* To the last byte of the space. */
static void ops_top_of_space(struct kunit *test)
{
	struct unified *u = unified_create(test);
	unsigned long addr = unified_memory(u, 16);
	struct sluice_dma_op op = { .op = SLUICE_DMA_UNMAP };

	KUNIT_ASSERT_EQ(test, 0, unified_attach(u, 0));
	KUNIT_ASSERT_EQ(test, 0, unified_window(u, 0, PAGES(16), 0));
	KUNIT_ASSERT_EQ(test, 0, unified_window(u, -PAGES(16), PAGES(16), 0));
	KUNIT_ASSERT_EQ(test, 0, unified_do(u, make_map(-PAGES(16), addr, 16,
							RW)));
	KUNIT_ASSERT_EQ(test, 0, unified_do(u, make_map(0, addr, 1, RW)));
	expect_refused(u, make_map(-PAGES(1), addr, 1, RW), -EEXIST, "top");
	KUNIT_EXPECT_EQ(test, 0, unified_do(u, make_unmap(-PAGES(1), 1)));
	unified_expect_hole(u, 0, -PAGES(1), 1);
	unified_expect_mapped(u, 0, -PAGES(16), addr, 15);

	/* Nearly everything, without SLUICE_DMA_ALL. */
	op.size = -PAGES(2);
	KUNIT_EXPECT_EQ(test, 0, unified_do(u, op));
	KUNIT_EXPECT_EQ(test, u->batch.unmapped, PAGES(15));
	unified_expect_mapped(u, 0, -PAGES(2), addr + PAGES(14), 1);
	KUNIT_EXPECT_EQ(test, 1, unified_clear(u));
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 16), 0);
	unified_finish(u);
}

/* In a window of large pages, the parts that are mapped and unmapped are, too. */
static void ops_large_pages(struct kunit *test)
{
	struct unified *u = unified_create(test);
	struct sluice_run runs[] = { { 0, 8 * SUPER }, { 2 * SUPER, 64 } };
	unsigned long addr = unified_memory(u, 2);
	struct sluice_dma_op op;
	u32 handle;

	KUNIT_ASSERT_EQ(test, 0, unified_attach(u, 0));
	KUNIT_ASSERT_EQ(test, 0, unified_window(u, WIN, 4 * fake_size(1),
						fake_lg2(1)));
	KUNIT_ASSERT_EQ(test, 0, unified_window(u, WIN + 4 * fake_size(1),
						fake_size(1), 0));
	handle = unified_pretend(u, runs, 2, 3 * SUPER);

	expect_refused(u, make_map(WIN, addr, 1, RW), -EINVAL, "small");
	op = make_map_handle(WIN, handle, 0, SUPER, RW);
	EXPECT_BAD(op, iova, WIN + PAGE_SIZE);
	EXPECT_BAD(op, addr, PAGE_SIZE);
	EXPECT_BAD(op, size, PAGE_SIZE);
	EXPECT_BAD(op, size, fake_size(1) + PAGE_SIZE);
	/* The memory isn't as contiguous as that, if only in a part. */
	EXPECT_BAD(op, addr, 2 * fake_size(1));
	EXPECT_BAD(op, size, 3 * fake_size(1));
	unified_expect_hole(u, 0, WIN, 3 * SUPER);
	KUNIT_ASSERT_EQ(test, 0, unified_do(u, op));
	op = make_map_handle(WIN + fake_size(1), handle, SUPER, SUPER, RW);
	KUNIT_ASSERT_EQ(test, 0, unified_do(u, op));
	unified_expect_phys(u, 0, WIN, runs[0].pfn, 2 * SUPER);

	op = make_unmap(WIN, SUPER);
	EXPECT_BAD(op, iova, WIN + PAGE_SIZE);
	EXPECT_BAD(op, size, PAGE_SIZE);
	EXPECT_BAD(op, size, fake_size(1) - PAGE_SIZE);
	/* From what isn't a window; and it ends within one of small pages. */
	op = make_unmap(WIN - PAGES(1), 2);
	expect_refused(u, op, -EINVAL, "from below");
	op = make_unmap(WIN - PAGES(1), SUPER + 1);
	KUNIT_EXPECT_EQ(test, 0, unified_do(u, op));
	KUNIT_EXPECT_EQ(test, u->batch.unmapped, fake_size(1));
	op = make_unmap(WIN + fake_size(1), 3 * SUPER + 5);
	KUNIT_EXPECT_EQ(test, 0, unified_do(u, op));
	KUNIT_EXPECT_EQ(test, u->batch.unmapped, fake_size(1));
	unified_forget(u, handle);
	unified_finish(u);
}

/* By address: scattered memory, and a huge page, if there is one. */
static void ops_large_pages_by_address(struct kunit *test)
{
	struct unified *u = unified_create(test);
	unsigned long raw, addr, pfn;
	struct page *page;

	if (SLUICE_PIN_BATCH > 1024)
		kunit_skip(test, "no huge pages as large as that");
	KUNIT_ASSERT_EQ(test, 0, unified_attach(u, 0));
	KUNIT_ASSERT_EQ(test, 0, unified_window(u, WIN, 4 * fake_size(1),
						fake_lg2(1)));
	raw = unified_memory(u, 3 * SUPER);
	addr = ALIGN(raw, fake_size(1));
	KUNIT_ASSERT_EQ(test, 1, get_user_pages_fast(addr, 1, 0, &page));
	pfn = page_to_pfn(page);
	if (folio_nr_pages(page_folio(page)) >= SUPER &&
	    IS_ALIGNED(pfn, SUPER)) {
		KUNIT_EXPECT_EQ(test, 0, unified_do(u, make_map(WIN, addr,
								SUPER, RW)));
		unified_expect_mapped(u, 0, WIN, addr, SUPER);
		KUNIT_EXPECT_EQ(test, 0, unified_do(u, make_unmap(WIN, SUPER)));
	}
	put_page(page);
	/* Split, and with a hole in the place of a page that was there. */
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(addr + PAGES(1), PAGES(1)));
	KUNIT_ASSERT_EQ(test, addr + PAGES(1),
			vm_mmap(NULL, addr + PAGES(1), PAGES(1),
				PROT_READ | PROT_WRITE,
				MAP_ANONYMOUS | MAP_PRIVATE | MAP_FIXED, 0));
	expect_refused(u, make_map(WIN, addr, SUPER, RW), -EINVAL, "scattered");
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, SUPER), 0);
	KUNIT_EXPECT_EQ(test, unified_locked(u), 0);
	unified_finish(u);
}

/* ---- Long batches ---- */

/* More chunks than one, of more than a chunk's room for what is let go. */
static void ops_many(struct kunit *test)
{
	const unsigned int nr = 2 * SLUICE_BATCH_CHUNK + 100;
	struct unified *u = unified_ready(test);
	unsigned long addr = unified_memory(u, 4);
	struct sluice_dma_op *ops;
	unsigned int i;

	ops = kvcalloc(nr, sizeof(*ops), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ops);
	for (i = 0; i < nr; i++)
		ops[i] = make_map(WIN + PAGES(3 * i), addr + PAGES(i % 4), 1,
				  RW);
	KUNIT_ASSERT_EQ(test, 0, unified_batch(u, ops, nr));
	KUNIT_EXPECT_EQ(test, u->batch.nr_done, nr);
	KUNIT_EXPECT_EQ(test, unified_locked(u), nr);
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 4), nr);
	for (i = 0; i < nr; i++)
		unified_expect_mapped(u, 0, ops[i].iova, ops[i].addr, 1);

	/* In the third chunk there is one that can't be. */
	for (i = 0; i < nr; i++)
		ops[i] = make_unmap(WIN + PAGES(3 * i), 1);
	ops[1050].reserved = 1;
	atomic_set(&u->hw->flushes, 0);
	KUNIT_EXPECT_EQ(test, -EINVAL, unified_batch(u, ops, nr));
	KUNIT_EXPECT_EQ(test, u->batch.nr_done, 1050);
	KUNIT_EXPECT_EQ(test, u->batch.unmapped, PAGES(1050));
	KUNIT_EXPECT_EQ(test, atomic_read(&u->hw->flushes), 3);
	KUNIT_EXPECT_EQ(test, unified_locked(u), nr - 1050);
	unified_expect_hole(u, 0, WIN, 3 * 1050);
	unified_expect_mapped(u, 0, WIN + PAGES(3 * 1050),
			      addr + PAGES(1050 % 4), 1);
	kvfree(ops);
	KUNIT_EXPECT_EQ(test, unified_clear(u), nr - 1050);
	unified_finish(u);
}

/* One unmap lets go of more than can wait for one flush. */
static void ops_much_at_once(struct kunit *test)
{
	const unsigned int nr = 1200;
	struct unified *u = unified_ready(test);
	unsigned long addr = unified_memory(u, 2);
	struct sluice_dma_op *ops;
	unsigned int i;

	ops = kvcalloc(nr, sizeof(*ops), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ops);
	for (i = 0; i < nr; i++)
		ops[i] = make_map(WIN + PAGES(i), addr + PAGES(i & 1), 1, RW);
	KUNIT_ASSERT_EQ(test, 0, unified_batch(u, ops, nr));
	kvfree(ops);
	for (i = 0; i < nr; i++)
		unified_expect_mapped(u, 0, WIN + PAGES(i),
				      addr + PAGES(i & 1), 1);
	KUNIT_EXPECT_EQ(test, unified_clear(u), nr);
	unified_expect_hole(u, 0, WIN, nr);
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 2), 0);
	unified_finish(u);
}

/* ---- The structure ---- */

static void ops_bad_batches(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	unsigned long addr = unified_memory(u, 4);
	unsigned long end = unified_memory(u, 2) + PAGES(1);
	struct sluice_dma_op ops[2] = {
		make_map(WIN, addr, 1, RW),
		make_map(WIN + PAGES(1), addr, 1, RW),
	};
	struct sluice_dma_batch batch = {
		.argsz = sizeof(batch),
		.nr_ops = 2,
		.ops = end - sizeof(ops[0]),
	};

	KUNIT_ASSERT_EQ(test, 0, vm_munmap(end, PAGES(1)));
	KUNIT_ASSERT_EQ(test, 0, copy_to_user(u64_to_user_ptr(batch.ops),
					      ops, sizeof(ops[0])));
#define BATCH() unified_ioctl(u, SLUICE_DMA_BATCH, &batch, sizeof(batch))
	/* The second operation can't be read: no chunk, nothing done. */
	KUNIT_EXPECT_EQ(test, -EFAULT, BATCH());
	KUNIT_EXPECT_EQ(test, batch.nr_done, 0);
	batch.ops = 0;
	KUNIT_EXPECT_EQ(test, -EFAULT, BATCH());
	batch.nr_ops = 0;
	batch.nr_done = 5;
	KUNIT_EXPECT_EQ(test, 0, BATCH());
	KUNIT_EXPECT_EQ(test, batch.nr_done, 0);
	batch.ops = end - sizeof(ops[0]);
	batch.nr_ops = 1;
	batch.flags = BIT(31);
	KUNIT_EXPECT_EQ(test, -EINVAL, BATCH());
	batch.flags = 0;
	batch.argsz = sizeof(batch) - 1;
	KUNIT_EXPECT_EQ(test, -EINVAL, BATCH());
	unified_expect_hole(u, 0, WIN, 2);
	batch.argsz = sizeof(batch) + 8;
	KUNIT_EXPECT_EQ(test, 0, BATCH());
	KUNIT_EXPECT_EQ(test, batch.nr_done, 1);
	unified_expect_mapped(u, 0, WIN, addr, 1);
#undef BATCH
	KUNIT_EXPECT_EQ(test, -EFAULT,
			sluice_uapi_ioctl(&u->space, SLUICE_DMA_BATCH, NULL));
	/* Half of it is there. */
	KUNIT_EXPECT_EQ(test, -EFAULT,
			sluice_uapi_ioctl(&u->space, SLUICE_DMA_BATCH,
					  (void __user *)(end - 16)));
	KUNIT_EXPECT_EQ(test, unified_locked(u), 1);
	unified_finish(u);
}

/* What was done can't be told; it was done all the same. */
static void ops_answer_faults(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	unsigned long addr = unified_memory(u, 1), user;
	struct sluice_dma_op op = make_map(WIN, addr, 1, RW);
	struct sluice_dma_batch batch = {
		.argsz = sizeof(batch),
		.nr_ops = 1,
		.ops = unified_read_only(u, &op, sizeof(op)),
	};

	user = unified_read_only(u, &batch, sizeof(batch));
	KUNIT_EXPECT_EQ(test, -EFAULT,
			sluice_uapi_ioctl(&u->space, SLUICE_DMA_BATCH,
					  (void __user *)user));
	unified_expect_mapped(u, 0, WIN, addr, 1);
	KUNIT_EXPECT_EQ(test, unified_locked(u), 1);
	unified_finish(u);
}

static struct kunit_case ops_cases[] = {
	KUNIT_CASE(ops_bad_maps),
	KUNIT_CASE(ops_bad_unmaps),
	KUNIT_CASE(ops_bad_memory),
	KUNIT_CASE(ops_within_windows),
	KUNIT_CASE(ops_top_of_space),
	KUNIT_CASE(ops_large_pages),
	KUNIT_CASE(ops_large_pages_by_address),
	KUNIT_CASE(ops_many),
	KUNIT_CASE(ops_much_at_once),
	KUNIT_CASE(ops_bad_batches),
	KUNIT_CASE(ops_answer_faults),
	{}
};

static struct kunit_suite ops_suite = {
	.name = "sluice_unified_ops",
	.suite_init = fake_suite_init,
	.suite_exit = fake_suite_exit,
	.test_cases = ops_cases,
};

kunit_test_suite(ops_suite);
