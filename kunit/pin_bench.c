// SPDX-License-Identifier: GPL-2.0-only
/*
 * What pinning memory for a device costs by itself, and letting go of it with
 * dirtying: the floor below which no map by address can be.
 *
 * Memory and chunks are those of dma-bench's rows. With a clock that counts
 * instructions (scripts/bench) the figures are instructions. Nothing here fails
 * because it is slow.
 */
#include <kunit/test.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched/coredump.h>
#include <linux/sizes.h>

#define BYTES SZ_256M
#define CHUNK (PAGE_SIZE / sizeof(struct page *))

/**
 * struct row - a kind of memory, and how it is pinned
 * @name: as in dma-bench
 * @huge: huge pages
 * @chunk: pages per call
 * @stride: pages from one call's first page to the next one's
 */
struct row {
	const char *name;
	bool huge;
	unsigned int chunk;
	unsigned int stride;
};

static const struct row rows[] = {
	{ "contiguous-4k", false, CHUNK, CHUNK },
	{ "contiguous-thp", true, CHUNK, CHUNK },
	{ "scattered-4k", false, 1, 2 },
};

/* Pages from the first on that are contiguous in memory, in one call's chunk. */
static unsigned int run_length(struct page **pages, unsigned int n)
{
	unsigned int i = 1;

	while (i < n && pages[i] == nth_page(pages[0], i))
		i++;
	return i;
}

/* Who maps knows what is contiguous, so finding out isn't timed. */
static u64 time_unpin(struct page **pages, unsigned long nr, unsigned int chunk)
{
	u64 ns = 0, start;
	unsigned long i;

	for (i = 0; i < nr;) {
		unsigned int n = run_length(pages + i, chunk - i % chunk);

		start = ktime_get_ns();
		unpin_user_page_range_dirty_lock(pages[i], n, true);
		ns += ktime_get_ns() - start;
		i += n;
	}
	return ns;
}

/* What reading the clock adds to each page that is unpinned alone. */
static u64 clock_ns(void)
{
	u64 start = ktime_get_ns();

	return ktime_get_ns() - start;
}

/* Pins all, then unpins all; returns nanoseconds of both. */
static int run(const struct row *row, unsigned long addr, struct page **pages,
	       u64 *pin_ns, u64 *unpin_ns)
{
	unsigned long nr = BYTES / PAGE_SIZE / row->stride, i;
	unsigned int flags = FOLL_WRITE | FOLL_LONGTERM;
	u64 start = ktime_get_ns();
	int ret = 0;

	for (i = 0; i < nr; i++) {
		ret = pin_user_pages_fast(addr + i * row->stride * PAGE_SIZE,
					  row->chunk, flags,
					  pages + i * row->chunk);
		if (ret != row->chunk)
			break;
	}
	*pin_ns = ktime_get_ns() - start;
	*unpin_ns = time_unpin(pages, i * row->chunk, row->chunk);
	return ret == row->chunk ? 0 : -EFAULT;
}

static void bench_row(struct kunit *test, const struct row *row)
{
	unsigned long nr = BYTES / PAGE_SIZE / row->stride * row->chunk, addr;
	struct page **pages;
	u64 pin_ns, unpin_ns;

	pages = kvmalloc_array(nr, sizeof(*pages), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pages);
	/* Gives this thread its address space. */
	addr = kunit_vm_mmap(test, NULL, 0, PAGE_SIZE, PROT_READ,
			     MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_EXPECT_FALSE(test, IS_ERR_VALUE(addr));
	if (row->huge)
		clear_bit(MMF_DISABLE_THP, &current->mm->flags);
	else
		set_bit(MMF_DISABLE_THP, &current->mm->flags);
	/* All there, as if written to once, but not marked dirty yet. */
	addr = kunit_vm_mmap(test, NULL, 0, BYTES, PROT_READ | PROT_WRITE,
			     MAP_ANONYMOUS | MAP_PRIVATE | MAP_POPULATE, 0);
	if (!IS_ERR_VALUE(addr)) {
		KUNIT_EXPECT_EQ(test, 0, run(row, addr, pages, &pin_ns,
					     &unpin_ns));
		if (row->chunk == 1)
			unpin_ns -= nr * clock_ns();
		kunit_info(test, "pin-bench\t%s\tmap\tfloor\t%llu\n", row->name,
			   pin_ns / nr);
		kunit_info(test, "pin-bench\t%s\tunmap\tfloor\t%llu\n",
			   row->name, unpin_ns / nr);
		vm_munmap(addr, BYTES);
	}
	kvfree(pages);
	KUNIT_EXPECT_FALSE(test, IS_ERR_VALUE(addr));
}

static void bench(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		bench_row(test, &rows[i]);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_SLOW(bench),
	{}
};

static struct kunit_suite suite = {
	.name = "sluice_pin_bench",
	.test_cases = cases,
};

kunit_test_suite(suite);
