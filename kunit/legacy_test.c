// SPDX-License-Identifier: GPL-2.0-only
/*
 * Legacy spaces: what MAP_DMA and UNMAP_DMA do to memory, IOMMU and books.
 *
 * One group, one domain; more of them in legacy_domains_test.c.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/prandom.h>
#include <linux/kthread.h>
#include <linux/uaccess.h>

#include "legacy_fixture.h"
#include "threads.h"

#define IOVA 0x40000000ULL
#define PAGES(n) ((u64)(n) << PAGE_SHIFT)

static const struct legacy_param params[] = {
	{ "v1", SLUICE_SPACE_TYPE1, false },
	{ "v2", SLUICE_SPACE_TYPE1V2, false },
	{ "v2-bare", SLUICE_SPACE_TYPE1V2, true },
};

KUNIT_ARRAY_PARAM_DESC(legacy, params, name);

/* ---- Memory ---- */

static void legacy_dma_both_ways(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = legacy_memory(l, 64);
	u64 sent = 0x0123456789abcdefULL, seen = 0;

	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, IOVA, addr, 64, RW));
	legacy_expect_mapped(l, 0, IOVA, addr, 64);
	legacy_expect_hole(l, 0, IOVA - PAGE_SIZE, 1);
	legacy_expect_hole(l, 0, IOVA + PAGES(64), 1);
	KUNIT_EXPECT_EQ(test, legacy_pinned(l, addr, 64), 64);
	KUNIT_EXPECT_EQ(test, legacy_locked(l), 64);

	/* The device writes, across a page's end. */
	KUNIT_EXPECT_EQ(test, 0, fake_dma(l->fg[0], IOVA + PAGES(5) - 4, &sent,
					  sizeof(sent), true));
	KUNIT_EXPECT_EQ(test, 0, copy_from_user(&seen, (void __user *)
						(addr + PAGES(5) - 4),
						sizeof(seen)));
	KUNIT_EXPECT_EQ(test, seen, sent);

	KUNIT_EXPECT_EQ(test, 64, legacy_unmap_pages(l, IOVA, 64));
	legacy_expect_hole(l, 0, IOVA, 64);
	KUNIT_EXPECT_EQ(test, legacy_pinned(l, addr, 64), 0);
	KUNIT_EXPECT_EQ(test, legacy_locked(l), 0);
	legacy_finish(l);
}

/* More than one batch of pins, of extents, and (4K pages) a huge page. */
static void legacy_large(struct kunit *test)
{
	unsigned long n = SLUICE_PIN_BATCH > 1024 ? 600 :
			  2 * SLUICE_PIN_BATCH + 77;
	struct legacy *l = legacy_create(test);
	unsigned long addr = legacy_memory(l, n);

	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, IOVA, addr, n, RW));
	legacy_expect_mapped(l, 0, IOVA, addr, n);
	KUNIT_EXPECT_EQ(test, legacy_locked(l), n);
	KUNIT_EXPECT_EQ(test, n, legacy_unmap_pages(l, 0, U64_MAX >>
						    PAGE_SHIFT));
	legacy_expect_hole(l, 0, IOVA, n);
	KUNIT_EXPECT_EQ(test, legacy_pinned(l, addr, n), 0);
	legacy_finish(l);
}

static void legacy_remap_other_memory(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long a = legacy_memory(l, 8), b = legacy_memory(l, 8);
	unsigned int i;

	for (i = 0; i < 4; i++) {
		unsigned long addr = i & 1 ? b : a;

		KUNIT_ASSERT_EQ(test, 0, legacy_map(l, IOVA, addr, 8, RW));
		legacy_expect_mapped(l, 0, IOVA, addr, 8);
		KUNIT_EXPECT_EQ(test, 8, legacy_unmap_pages(l, IOVA, 8));
	}
	legacy_finish(l);
}

static void legacy_same_memory_twice(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = legacy_memory(l, 4);

	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, IOVA, addr, 4, RW));
	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, 2 * IOVA, addr, 4, RO));
	/* Charged for each mapping. */
	KUNIT_EXPECT_EQ(test, legacy_locked(l), 8);
	KUNIT_EXPECT_EQ(test, 4, legacy_unmap_pages(l, IOVA, 4));
	KUNIT_EXPECT_EQ(test, legacy_pinned(l, addr, 4), 4);
	legacy_expect_mapped(l, 0, 2 * IOVA, addr, 4);
	KUNIT_EXPECT_EQ(test, 4, legacy_unmap_pages(l, 2 * IOVA, 4));
	KUNIT_EXPECT_EQ(test, legacy_pinned(l, addr, 4), 0);
	legacy_finish(l);
}

/* ---- Rights ---- */

static void legacy_read_only(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = legacy_memory(l, 2);
	phys_addr_t phys;

	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, IOVA, addr, 2, RO));
	KUNIT_EXPECT_EQ(test, -EACCES,
			fake_translate(l->fg[0], IOVA, true, &phys));
	legacy_expect_mapped(l, 0, IOVA, addr, 2);
	KUNIT_EXPECT_EQ(test, -EACCES,
			fake_translate(l->fg[0], IOVA, true, &phys));
	legacy_finish(l);
}

static void legacy_user_cannot_write(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = kunit_vm_mmap(test, NULL, 0, PAGES(2), PROT_READ,
					   MAP_ANONYMOUS | MAP_PRIVATE, 0);

	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	KUNIT_EXPECT_EQ(test, -EFAULT, legacy_map(l, IOVA, addr, 2, RW));
	KUNIT_EXPECT_EQ(test, -EFAULT, legacy_map(l, IOVA, addr, 2, WO));
	legacy_expect_hole(l, 0, IOVA, 2);
	KUNIT_EXPECT_EQ(test, legacy_locked(l), 0);
	KUNIT_EXPECT_EQ(test, 0, legacy_map(l, IOVA, addr, 2, RO));
	legacy_expect_mapped(l, 0, IOVA, addr, 2);
	legacy_finish(l);
}

/* A page's dirty flag after a mapping during which nothing else set it. */
static bool dirty_after(struct legacy *l, unsigned int prot)
{
	unsigned long addr = legacy_memory(l, 1);
	struct page *page;
	bool dirty;

	KUNIT_ASSERT_EQ(l->test, 0, legacy_map(l, IOVA, addr, 1, prot));
	KUNIT_ASSERT_EQ(l->test, 1, get_user_pages_fast(addr, 1, 0, &page));
	folio_clear_dirty(page_folio(page));
	KUNIT_EXPECT_EQ(l->test, 1, legacy_unmap_pages(l, IOVA, 1));
	dirty = folio_test_dirty(page_folio(page));
	put_page(page);
	return dirty;
}

static void legacy_dirties_what_was_writable(struct kunit *test)
{
	struct legacy *l = legacy_create(test);

	KUNIT_EXPECT_TRUE(test, dirty_after(l, RW));
	KUNIT_EXPECT_TRUE(test, dirty_after(l, WO));
	KUNIT_EXPECT_FALSE(test, dirty_after(l, RO));
	legacy_finish(l);
}

/* ---- Refusals ---- */

static void legacy_eexist(struct kunit *test)
{
	static const struct {
		int first, n;
	} overlaps[] = {
		{ 0, 8 }, { 0, 1 }, { 7, 1 }, { 3, 2 }, { -1, 2 }, { 7, 2 },
		{ -3, 14 },
	};
	struct legacy *l = legacy_create(test);
	unsigned long a = legacy_memory(l, 8), b = legacy_memory(l, 16);
	size_t i;

	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, IOVA, a, 8, RW));
	for (i = 0; i < ARRAY_SIZE(overlaps); i++)
		KUNIT_EXPECT_EQ(test, -EEXIST,
				legacy_map(l, IOVA + PAGES(overlaps[i].first),
					   b, overlaps[i].n, RW));
	legacy_expect_mapped(l, 0, IOVA, a, 8);
	KUNIT_EXPECT_EQ(test, legacy_pinned(l, b, 16), 0);
	KUNIT_EXPECT_EQ(test, legacy_locked(l), 8);

	/* Next to it there is room. */
	KUNIT_EXPECT_EQ(test, 0, legacy_map(l, IOVA - PAGES(1), b, 1, RW));
	KUNIT_EXPECT_EQ(test, 0, legacy_map(l, IOVA + PAGES(8), b, 1, RW));
	legacy_finish(l);
}

static void legacy_bad_arguments(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = legacy_memory(l, 4);
	struct sluice_space *space = &l->space;

	down_read(&space->lock);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			sluice_legacy_map(space, IOVA, addr, 0, RW, NULL));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			sluice_legacy_map(space, IOVA + 1, addr, PAGE_SIZE,
					  RW, NULL));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			sluice_legacy_map(space, IOVA, addr + 1, PAGE_SIZE,
					  RW, NULL));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			sluice_legacy_map(space, IOVA, addr, PAGE_SIZE - 1,
					  RW, NULL));
	KUNIT_EXPECT_EQ(test, -EOVERFLOW,
			sluice_legacy_map(space, -PAGES(1), addr, PAGES(2),
					  RW, NULL));
	KUNIT_EXPECT_EQ(test, -EOVERFLOW,
			sluice_legacy_map(space, 0, -PAGES(1), PAGES(2), RW, NULL));
	up_read(&space->lock);
	KUNIT_EXPECT_TRUE(test, legacy_empty(l));
	KUNIT_EXPECT_EQ(test, legacy_locked(l), 0);
	legacy_finish(l);
}

static void legacy_hole_in_memory(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = legacy_memory(l, 32);

	KUNIT_ASSERT_EQ(test, 0, vm_munmap(addr + PAGES(20), PAGES(1)));
	KUNIT_EXPECT_EQ(test, -EFAULT, legacy_map(l, IOVA, addr, 32, RW));
	legacy_expect_hole(l, 0, IOVA, 32);
	KUNIT_EXPECT_EQ(test, legacy_pinned(l, addr, 20), 0);
	KUNIT_EXPECT_EQ(test, legacy_locked(l), 0);
	KUNIT_EXPECT_TRUE(test, legacy_empty(l));
	KUNIT_EXPECT_EQ(test, 0, legacy_map(l, IOVA, addr, 20, RW));
	legacy_finish(l);
}

static void legacy_outside_aperture(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = legacy_memory(l, 2);

	legacy_detach(l, 0);
	l->hw->caps.apertures[0] = (struct sluice_range){ IOVA, 2 * IOVA - 1 };
	KUNIT_ASSERT_EQ(test, 0, legacy_attach(l, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL, legacy_map(l, 0, addr, 1, RW));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			legacy_map(l, IOVA - PAGES(1), addr, 2, RW));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			legacy_map(l, 2 * IOVA - PAGES(1), addr, 2, RW));
	KUNIT_EXPECT_EQ(test, 0,
			legacy_map(l, 2 * IOVA - PAGES(1), addr, 1, RW));
	KUNIT_EXPECT_EQ(test, 0, legacy_map(l, IOVA, addr, 1, RW));
	legacy_finish(l);
}

/* ---- The top of the space ---- */

static void legacy_top_of_space(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = legacy_memory(l, 16);
	u64 last_page = -PAGES(1), unmapped;

	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, last_page, addr, 1, RW));
	legacy_expect_mapped(l, 0, last_page, addr, 1);
	KUNIT_EXPECT_EQ(test, -EEXIST,
			legacy_map(l, -PAGES(16), addr, 16, RW));
	KUNIT_EXPECT_EQ(test, 0, legacy_unmap(l, last_page, U64_MAX,
					      &unmapped));
	KUNIT_EXPECT_EQ(test, unmapped, PAGE_SIZE);
	legacy_expect_hole(l, 0, last_page, 1);

	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, -PAGES(16), addr, 16, RW));
	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, 0, addr, 1, RW));
	legacy_expect_mapped(l, 0, -PAGES(16), addr, 16);
	KUNIT_EXPECT_EQ(test, 0, legacy_unmap(l, 0, U64_MAX, &unmapped));
	KUNIT_EXPECT_EQ(test, unmapped, PAGES(17));
	legacy_expect_hole(l, 0, -PAGES(16), 16);
	legacy_expect_hole(l, 0, 0, 1);
	KUNIT_EXPECT_EQ(test, legacy_pinned(l, addr, 16), 0);

	/* Nothing there: nothing unmapped. */
	KUNIT_EXPECT_EQ(test, 0, legacy_unmap(l, 0, U64_MAX, &unmapped));
	KUNIT_EXPECT_EQ(test, unmapped, 0);
	legacy_finish(l);
}

/* ---- Mappings as units ---- */

static void legacy_unmap_spans_holes(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = legacy_memory(l, 8);

	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, IOVA, addr, 2, RW));
	KUNIT_ASSERT_EQ(test, 0,
			legacy_map(l, IOVA + PAGES(10), addr + PAGES(2), 3,
				   RO));
	KUNIT_ASSERT_EQ(test, 0,
			legacy_map(l, IOVA + PAGES(100), addr + PAGES(5), 3,
				   RW));
	KUNIT_EXPECT_EQ(test, 0, legacy_unmap_pages(l, IOVA + PAGES(5), 5));
	KUNIT_EXPECT_EQ(test, 5, legacy_unmap_pages(l, IOVA - PAGES(1), 60));
	KUNIT_EXPECT_EQ(test, legacy_locked(l), 3);
	legacy_expect_mapped(l, 0, IOVA + PAGES(100), addr + PAGES(5), 3);
	KUNIT_EXPECT_EQ(test, legacy_pinned(l, addr, 8), 3);
	legacy_finish(l);
}

/* v2 refuses to cut a mapping; v1 takes it whole, or not at all. */
static void legacy_unmap_cuts(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	bool v1 = l->space.type == SLUICE_SPACE_TYPE1;
	unsigned long addr = legacy_memory(l, 8);
	u64 unmapped;

	/* From the middle on. */
	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, IOVA, addr, 8, RW));
	KUNIT_EXPECT_EQ(test, v1 ? 0 : -EINVAL,
			legacy_unmap(l, IOVA + PAGES(4), IOVA + PAGES(8) - 1,
				     &unmapped));
	KUNIT_EXPECT_EQ(test, unmapped, 0);
	legacy_expect_mapped(l, 0, IOVA, addr, 8);

	/* Only the middle. */
	KUNIT_EXPECT_EQ(test, v1 ? 0 : -EINVAL,
			legacy_unmap(l, IOVA + PAGES(2), IOVA + PAGES(4) - 1,
				     &unmapped));
	KUNIT_EXPECT_EQ(test, unmapped, 0);
	legacy_expect_mapped(l, 0, IOVA, addr, 8);
	KUNIT_EXPECT_EQ(test, legacy_locked(l), 8);

	/* Its beginning. */
	KUNIT_EXPECT_EQ(test, v1 ? 0 : -EINVAL,
			legacy_unmap(l, IOVA, IOVA + PAGES(1) - 1, &unmapped));
	if (v1) {
		KUNIT_EXPECT_EQ(test, unmapped, PAGES(8));
		legacy_expect_hole(l, 0, IOVA, 8);
		KUNIT_EXPECT_EQ(test, legacy_pinned(l, addr, 8), 0);
	} else {
		KUNIT_EXPECT_EQ(test, unmapped, 0);
		legacy_expect_mapped(l, 0, IOVA, addr, 8);
	}
	legacy_finish(l);
}

/* ---- The books ---- */

static void legacy_rlimit(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = legacy_memory(l, 16);
	const struct cred *old = legacy_limit(test, 8);
	int over, exact, more, again;

	over = legacy_map(l, IOVA, addr, 9, RW);
	exact = legacy_map(l, IOVA, addr, 8, RW);
	more = legacy_map(l, 2 * IOVA, addr + PAGES(8), 1, RW);
	KUNIT_EXPECT_EQ(test, 8, legacy_unmap_pages(l, IOVA, 8));
	again = legacy_map(l, 2 * IOVA, addr + PAGES(8), 1, RW);
	legacy_unlimit(old);

	KUNIT_EXPECT_EQ(test, over, -ENOMEM);
	KUNIT_EXPECT_EQ(test, exact, 0);
	KUNIT_EXPECT_EQ(test, more, -ENOMEM);
	KUNIT_EXPECT_EQ(test, again, 0);
	KUNIT_EXPECT_EQ(test, legacy_locked(l), 1);
	KUNIT_EXPECT_EQ(test, legacy_pinned(l, addr, 16), 1);
	legacy_finish(l);
}

static void legacy_cap_ipc_lock(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = legacy_memory(l, 16);

	current->signal->rlim[RLIMIT_MEMLOCK].rlim_cur = 0;
	KUNIT_EXPECT_EQ(test, 0, legacy_map(l, IOVA, addr, 16, RW));
	/* No limit, but charged all the same. */
	KUNIT_EXPECT_EQ(test, legacy_locked(l), 16);
	legacy_finish(l);
}

/* ---- Failures half-way ---- */

/* Nothing may be left of a map that failed; then it succeeds. */
static void expect_unwound(struct legacy *l, unsigned long addr,
			   unsigned long npages, int ret)
{
	KUNIT_ASSERT_EQ(l->test, -ENOMEM, ret);
	legacy_expect_hole(l, 0, IOVA, npages);
	KUNIT_ASSERT_EQ(l->test, legacy_pinned(l, addr, npages), 0);
	KUNIT_ASSERT_EQ(l->test, legacy_locked(l), 0);
	KUNIT_ASSERT_TRUE(l->test, legacy_empty(l));
	KUNIT_ASSERT_TRUE(l->test, sluice_inflight_idle(&l->space.inflight));
}

static void legacy_fail_nth_map(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long n = SLUICE_PIN_BATCH > 1024 ? 600 :
			  SLUICE_PIN_BATCH + 90;
	unsigned long addr = legacy_memory(l, n);
	unsigned int nth = 1, failures = 0;
	int ret;

	for (;;) {
		atomic_set(&l->hw->fail_map, nth);
		ret = legacy_map(l, IOVA, addr, n, RW);
		atomic_set(&l->hw->fail_map, 0);
		if (!ret)
			break;
		expect_unwound(l, addr, n, ret);
		failures++;
		/* Step by step at first; with big strides later. */
		nth += nth < 8 ? 1 : 97;
	}
	KUNIT_EXPECT_GT(test, failures, 1);
	legacy_expect_mapped(l, 0, IOVA, addr, n);
	legacy_finish(l);
}

static void legacy_fail_nth_table(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = legacy_memory(l, 24);
	unsigned int nth, failures = 0;
	/* Across the border of two lowest-level tables. */
	u64 iova = fake_size(1) * 64 - PAGES(12);
	int ret;

	for (nth = 1;; nth++) {
		KUNIT_ASSERT_LT(test, nth, 20);
		atomic_set(&l->hw->fail_alloc, nth);
		ret = legacy_map(l, iova, addr, 24, RW);
		atomic_set(&l->hw->fail_alloc, 0);
		if (!ret)
			break;
		expect_unwound(l, addr, 24, ret);
		failures++;
		/* With a fresh domain, so that all tables are missing again. */
		legacy_detach(l, 0);
		KUNIT_ASSERT_EQ(test, 0, legacy_attach(l, 0));
	}
	KUNIT_EXPECT_GT(test, failures, 3);
	legacy_expect_mapped(l, 0, iova, addr, 24);
	legacy_finish(l);
}

/* ---- Threads ---- */

#define CROWD_PAGES	24

struct crowd {
	struct legacy *l;
	struct mm_struct *mm;
	unsigned long addr;
};

/* Maps and unmaps wherever it likes; others do so at the same place. */
static int crowd_member(struct test_thread *self)
{
	struct crowd *crowd = self->arg;
	struct rnd_state rnd;
	unsigned int round;
	u64 unmapped;
	int ret = 0;

	kthread_use_mm(crowd->mm);
	prandom_seed_state(&rnd, self->nr + 7);
	for (round = 0; round < 300; round++) {
		unsigned int first = prandom_u32_state(&rnd) % CROWD_PAGES;
		unsigned int n = prandom_u32_state(&rnd) % 6 + 1;
		u64 iova;

		n = min(n, CROWD_PAGES - first);
		iova = -PAGES(CROWD_PAGES) + PAGES(first);
		if (prandom_u32_state(&rnd) & 1) {
			ret = legacy_map(crowd->l, iova, crowd->addr +
					 PAGES(first), n, RW);
			if (ret && ret != -EEXIST)
				break;
		} else {
			ret = legacy_unmap(crowd->l, iova,
					   iova + (PAGES(n) - 1), &unmapped);
			if (ret && ret != -EINVAL)
				break;
		}
		ret = 0;
		cond_resched();
	}
	kthread_unuse_mm(crowd->mm);
	return ret;
}

static void legacy_crowd(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	struct crowd crowd = {
		.l = l,
		.mm = current->mm,
		.addr = legacy_memory(l, CROWD_PAGES),
	};
	struct sluice_range rest = { .start = 0, .last = U64_MAX };
	struct sluice_mapping *mapping;
	u64 unmapped, total = 0;

	/* Page n of the memory goes nowhere but to page n of the IOVAs. */
	test_threads_run(test, 4, crowd_member, &crowd);
	while (!sluice_range_empty(&rest)) {
		u64 pages;

		mapping = sluice_mapping_find(&l->space, rest.start, rest.last);
		if (!mapping)
			break;
		pages = (mapping->last - mapping->start + 1) >> PAGE_SHIFT;
		legacy_expect_mapped(l, 0, mapping->start, crowd.addr +
				     (mapping->start + PAGES(CROWD_PAGES)),
				     pages);
		total += pages;
		sluice_range_consume(&rest, mapping->last);
	}
	KUNIT_EXPECT_EQ(test, legacy_locked(l), total);
	KUNIT_EXPECT_EQ(test, legacy_pinned(l, crowd.addr, CROWD_PAGES), total);
	KUNIT_EXPECT_EQ(test, 0, legacy_unmap(l, 0, U64_MAX, &unmapped));
	KUNIT_EXPECT_EQ(test, unmapped, total << PAGE_SHIFT);
	legacy_expect_hole(l, 0, -PAGES(CROWD_PAGES), CROWD_PAGES);
	KUNIT_EXPECT_EQ(test, legacy_pinned(l, crowd.addr, CROWD_PAGES), 0);
	legacy_finish(l);
}

static struct kunit_case legacy_cases[] = {
	KUNIT_CASE_PARAM(legacy_dma_both_ways, legacy_gen_params),
	KUNIT_CASE_PARAM(legacy_large, legacy_gen_params),
	KUNIT_CASE_PARAM(legacy_remap_other_memory, legacy_gen_params),
	KUNIT_CASE_PARAM(legacy_same_memory_twice, legacy_gen_params),
	KUNIT_CASE_PARAM(legacy_read_only, legacy_gen_params),
	KUNIT_CASE_PARAM(legacy_user_cannot_write, legacy_gen_params),
	KUNIT_CASE_PARAM(legacy_dirties_what_was_writable, legacy_gen_params),
	KUNIT_CASE_PARAM(legacy_eexist, legacy_gen_params),
	KUNIT_CASE_PARAM(legacy_bad_arguments, legacy_gen_params),
	KUNIT_CASE_PARAM(legacy_hole_in_memory, legacy_gen_params),
	KUNIT_CASE_PARAM(legacy_outside_aperture, legacy_gen_params),
	KUNIT_CASE_PARAM(legacy_top_of_space, legacy_gen_params),
	KUNIT_CASE_PARAM(legacy_unmap_spans_holes, legacy_gen_params),
	KUNIT_CASE_PARAM(legacy_unmap_cuts, legacy_gen_params),
	KUNIT_CASE_PARAM(legacy_rlimit, legacy_gen_params),
	KUNIT_CASE_PARAM(legacy_cap_ipc_lock, legacy_gen_params),
	KUNIT_CASE_PARAM(legacy_fail_nth_map, legacy_gen_params),
	KUNIT_CASE_PARAM(legacy_fail_nth_table, legacy_gen_params),
	KUNIT_CASE_PARAM(legacy_crowd, legacy_gen_params),
	{}
};

static struct kunit_suite legacy_suite = {
	.name = "sluice_legacy",
	.suite_init = fake_suite_init,
	.suite_exit = fake_suite_exit,
	.test_cases = legacy_cases,
};

kunit_test_suite(legacy_suite);
