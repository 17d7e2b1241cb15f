// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registered memory of a unified space: what is pinned and charged when, and what
 * keeps it from being unregistered.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/mman.h>
#include <linux/uaccess.h>

#include "unified_fixture.h"

static struct sluice_region *region_of(struct unified *u, u32 handle)
{
	return xa_load(&u->space.uni->regions, handle);
}

static void regions_once(struct kunit *test)
{
	struct unified *u = unified_create(test);
	unsigned long n = SLUICE_PIN_BATCH > 1024 ? 40 :
			  2 * SLUICE_PIN_BATCH + 7;
	unsigned long addr = unified_memory(u, n);
	struct sluice_info info = { .argsz = sizeof(info) };
	u32 a, b;

	/* Before there is a group. */
	KUNIT_ASSERT_EQ(test, 0, unified_register(u, addr, n, RW, &a));
	KUNIT_EXPECT_NE(test, a, 0);
	KUNIT_EXPECT_EQ(test, unified_locked(u), n);
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, n), n);

	/* The same again is another registration. */
	KUNIT_ASSERT_EQ(test, 0, unified_register(u, addr, n, R, &b));
	KUNIT_EXPECT_NE(test, a, b);
	KUNIT_EXPECT_EQ(test, unified_locked(u), 2 * n);
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, n), 2 * n);
	KUNIT_EXPECT_EQ(test, 0, unified_ioctl(u, SLUICE_GET_INFO, &info,
					       sizeof(info)));
	KUNIT_EXPECT_EQ(test, info.handles, 2);
	KUNIT_EXPECT_EQ(test, info.registered, PAGES(2 * n));
	KUNIT_EXPECT_EQ(test, info.groups, 0);
	KUNIT_EXPECT_EQ(test, info.tables, 0);

	KUNIT_EXPECT_EQ(test, 0, unified_unregister(u, a));
	KUNIT_EXPECT_EQ(test, -ENOENT, unified_unregister(u, a));
	KUNIT_EXPECT_EQ(test, unified_locked(u), n);
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, n), n);
	KUNIT_EXPECT_EQ(test, 0, unified_unregister(u, b));
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, n), 0);
	KUNIT_EXPECT_EQ(test, unified_locked(u), 0);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&u->space.uni->registered), 0);
	unified_finish(u);
}

/* What the user leaves behind goes with the space. */
static void regions_left_behind(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	unsigned long addr = unified_memory(u, 8), other = unified_memory(u, 8);
	u32 handle;

	KUNIT_ASSERT_EQ(test, 0, unified_register(u, addr, 8, RW, &handle));
	KUNIT_ASSERT_EQ(test, 0, unified_do(u, make_map_handle(WIN, handle, 0,
							       8, RW)));
	KUNIT_ASSERT_EQ(test, 0, unified_do(u, make_map(WIN + PAGES(8), other,
							8, RW)));
	unified_finish(u);
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 8), 0);
	KUNIT_EXPECT_EQ(test, unified_pins(u, other, 8), 0);
}

static void regions_arguments(struct kunit *test)
{
	struct unified *u = unified_create(test);
	unsigned long addr = unified_memory(u, 4);
	struct sluice_mem_register good = {
		.argsz = sizeof(good),
		.flags = RW,
		.vaddr = addr,
		.size = PAGES(4),
	}, arg;
	struct sluice_mem_unregister un = { .argsz = sizeof(un), .handle = 1 };

#define EXPECT_BAD(member, value)					\
	do {								\
		arg = good;						\
		arg.member = value;					\
		KUNIT_EXPECT_EQ(test, -EINVAL,				\
				unified_ioctl(u, SLUICE_MEM_REGISTER,	\
					      &arg, sizeof(arg)));	\
	} while (0)
	EXPECT_BAD(argsz, sizeof(arg) - 1);
	EXPECT_BAD(flags, 0);
	EXPECT_BAD(flags, RW | 4);
	EXPECT_BAD(vaddr, addr + 1);
	EXPECT_BAD(vaddr, -PAGES(2));
	EXPECT_BAD(size, 0);
	EXPECT_BAD(size, PAGE_SIZE + 1);
	EXPECT_BAD(reserved, 1);
#undef EXPECT_BAD
	un.reserved = 1;
	KUNIT_EXPECT_EQ(test, -EINVAL, unified_ioctl(u, SLUICE_MEM_UNREGISTER,
						     &un, sizeof(un)));
	un.reserved = 0;
	un.flags = 1;
	KUNIT_EXPECT_EQ(test, -EINVAL, unified_ioctl(u, SLUICE_MEM_UNREGISTER,
						     &un, sizeof(un)));
	un.flags = 0;
	KUNIT_EXPECT_EQ(test, -ENOENT, unified_ioctl(u, SLUICE_MEM_UNREGISTER,
						     &un, sizeof(un)));
	KUNIT_EXPECT_EQ(test, -EFAULT,
			sluice_uapi_ioctl(&u->space, SLUICE_MEM_REGISTER,
					  NULL));
	KUNIT_EXPECT_EQ(test, -ENOTTY,
			sluice_uapi_ioctl(&u->space, _IO(SLUICE_TYPE, 0xff),
					  NULL));
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 4), 0);
	unified_finish(u);
}

/* The handle can't be told: then there is none. */
static void regions_answer_faults(struct kunit *test)
{
	struct unified *u = unified_create(test);
	unsigned long addr = unified_memory(u, 4), user;
	struct sluice_mem_register arg = {
		.argsz = sizeof(arg),
		.flags = RW,
		.vaddr = addr,
		.size = PAGES(4),
	};

	user = unified_read_only(u, &arg, sizeof(arg));
	KUNIT_EXPECT_EQ(test, -EFAULT,
			sluice_uapi_ioctl(&u->space, SLUICE_MEM_REGISTER,
					  (void __user *)user));
	KUNIT_EXPECT_EQ(test, atomic_read(&u->space.uni->nr_regions), 0);
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 4), 0);
	KUNIT_EXPECT_EQ(test, unified_locked(u), 0);
	unified_finish(u);
}

static void regions_too_many(struct kunit *test)
{
	struct unified *u = unified_create(test);
	unsigned long addr = unified_memory(u, 4);
	u32 handle;

	/* As if there were so many. */
	atomic_set(&u->space.uni->nr_regions, SLUICE_MAX_REGIONS);
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			unified_register(u, addr, 4, RW, &handle));
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 4), 0);
	KUNIT_EXPECT_EQ(test, unified_locked(u), 0);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&u->space.uni->registered), 0);
	atomic_set(&u->space.uni->nr_regions, SLUICE_MAX_REGIONS - 1);
	KUNIT_EXPECT_EQ(test, 0, unified_register(u, addr, 4, RW, &handle));
	atomic_set(&u->space.uni->nr_regions, 1);
	unified_finish(u);
}

static void regions_fault(struct kunit *test)
{
	struct unified *u = unified_create(test);
	unsigned long addr = unified_memory(u, 32), ro;
	u32 handle;

	/* A hole, behind many pages that can be pinned. */
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(addr + PAGES(20), PAGES(1)));
	KUNIT_EXPECT_EQ(test, -EFAULT,
			unified_register(u, addr, 32, RW, &handle));
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 20), 0);
	KUNIT_EXPECT_EQ(test, -EFAULT,
			unified_register(u, -PAGES(64), 32, RW, &handle));

	ro = kunit_vm_mmap(test, NULL, 0, PAGES(2), PROT_READ,
			   MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(ro));
	KUNIT_EXPECT_EQ(test, -EFAULT, unified_register(u, ro, 2, RW, &handle));
	KUNIT_EXPECT_EQ(test, -EFAULT, unified_register(u, ro, 2, W, &handle));
	KUNIT_EXPECT_EQ(test, unified_locked(u), 0);
	KUNIT_EXPECT_EQ(test, 0, unified_register(u, ro, 2, R, &handle));
	KUNIT_EXPECT_EQ(test, unified_locked(u), 2);
	unified_finish(u);
}

static void regions_owner_only(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	unsigned long addr = unified_memory(u, 4);
	struct mm_struct *owner = u->space.uni->mm;
	int registered, mapped, by_handle;
	u32 handle, other;

	KUNIT_ASSERT_EQ(test, 0, unified_register(u, addr, 4, RW, &handle));
	/* As if another process had made the space. */
	u->space.uni->mm = &init_mm;
	registered = unified_register(u, addr, 4, RW, &other);
	mapped = unified_do(u, make_map(WIN, addr, 4, RW));
	u->space.uni->mm = owner;
	KUNIT_EXPECT_EQ(test, -EPERM, registered);
	KUNIT_EXPECT_EQ(test, -EPERM, mapped);
	KUNIT_EXPECT_EQ(test, unified_locked(u), 4);
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 4), 4);

	/* Handles are for everybody who has the container. */
	KUNIT_ASSERT_EQ(test, 0, unified_do(u, make_map_handle(WIN, handle, 0,
							       1, RW)));
	u->space.uni->mm = &init_mm;
	by_handle = unified_do(u, make_map_handle(WIN + PAGES(1), handle, 1, 1,
						  RW));
	u->space.uni->mm = owner;
	KUNIT_EXPECT_EQ(test, 0, by_handle);
	unified_expect_mapped(u, 0, WIN, addr, 2);
	unified_finish(u);
}

static void regions_rlimit(struct kunit *test)
{
	struct unified *u = unified_create(test);
	unsigned long addr = unified_memory(u, 16);
	struct cred *cred = prepare_creds();
	int over, exact, more, again, gone;
	const struct cred *old;
	u32 a, b, c;

	KUNIT_ASSERT_NOT_NULL(test, cred);
	cap_lower(cred->cap_effective, CAP_IPC_LOCK);
	current->signal->rlim[RLIMIT_MEMLOCK].rlim_cur =
		PAGES(current->mm->locked_vm + 8);
	old = override_creds(cred);
	over = unified_register(u, addr, 9, RW, &a);
	exact = unified_register(u, addr, 8, RW, &a);
	more = unified_register(u, addr + PAGES(8), 1, RW, &b);
	gone = unified_unregister(u, a);
	again = unified_register(u, addr + PAGES(8), 1, RW, &c);
	revert_creds(old);
	put_cred(cred);

	KUNIT_EXPECT_EQ(test, over, -ENOMEM);
	KUNIT_EXPECT_EQ(test, exact, 0);
	KUNIT_EXPECT_EQ(test, more, -ENOMEM);
	KUNIT_EXPECT_EQ(test, gone, 0);
	KUNIT_EXPECT_EQ(test, again, 0);
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 16), 1);
	unified_finish(u);
}

/* The pages that were there then, not those that are there now. */
static void regions_outlive_munmap(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	unsigned long addr = unified_memory(u, 2), again;
	u64 seen = 0;
	u32 handle;

	KUNIT_ASSERT_EQ(test, 0, unified_register(u, addr, 2, RW, &handle));
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(addr, PAGES(2)));
	again = kunit_vm_mmap(test, NULL, addr, PAGES(2),
			      PROT_READ | PROT_WRITE,
			      MAP_ANONYMOUS | MAP_PRIVATE | MAP_FIXED, 0);
	KUNIT_ASSERT_EQ(test, again, addr);
	KUNIT_ASSERT_EQ(test, 0, put_user(1ULL, (u64 __user *)addr));
	KUNIT_ASSERT_EQ(test, 0, unified_do(u, make_map_handle(WIN, handle, 0,
							       2, RW)));
	KUNIT_EXPECT_EQ(test, 0, fake_dma(u->fg[0], WIN, &seen, sizeof(seen),
					  false));
	KUNIT_EXPECT_EQ(test, seen, addr);
	unified_finish(u);
}

/* ---- Rights ---- */

static void regions_read_only(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	unsigned long addr = unified_memory(u, 2);
	phys_addr_t phys;
	u32 r, w;

	KUNIT_ASSERT_EQ(test, 0, unified_register(u, addr, 2, R, &r));
	KUNIT_ASSERT_EQ(test, 0, unified_register(u, addr, 2, W, &w));
	KUNIT_EXPECT_EQ(test, -EACCES,
			unified_do(u, make_map_handle(WIN, r, 0, 2, RW)));
	KUNIT_EXPECT_EQ(test, -EACCES,
			unified_do(u, make_map_handle(WIN, r, 0, 2, W)));
	KUNIT_EXPECT_EQ(test, -EACCES,
			unified_do(u, make_map_handle(WIN, w, 0, 2, R)));
	unified_expect_hole(u, 0, WIN, 2);
	KUNIT_EXPECT_EQ(test, 0,
			unified_do(u, make_map_handle(WIN, r, 0, 2, R)));
	KUNIT_EXPECT_EQ(test, -EACCES,
			fake_translate(u->fg[0], WIN, true, &phys));
	unified_expect_mapped(u, 0, WIN, addr, 2);
	unified_finish(u);
}

static void regions_beyond_the_end(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	unsigned long addr = unified_memory(u, 4);
	struct sluice_dma_op op;
	u32 handle;

	KUNIT_ASSERT_EQ(test, 0, unified_register(u, addr, 4, RW, &handle));
	op = make_map_handle(WIN, handle, 4, 1, RW);
	KUNIT_EXPECT_EQ(test, -EINVAL, unified_do(u, op));
	op = make_map_handle(WIN, handle, 3, 2, RW);
	KUNIT_EXPECT_EQ(test, -EINVAL, unified_do(u, op));
	op = make_map_handle(WIN, handle, 0, 5, RW);
	KUNIT_EXPECT_EQ(test, -EINVAL, unified_do(u, op));
	op = make_map_handle(WIN, handle, 0, 1, RW);
	op.addr = -PAGES(1);
	KUNIT_EXPECT_EQ(test, -EINVAL, unified_do(u, op));
	op = make_map_handle(WIN, handle + 1, 0, 1, RW);
	KUNIT_EXPECT_EQ(test, -ENOENT, unified_do(u, op));
	op = make_map_handle(WIN, 0, 0, 1, RW);
	KUNIT_EXPECT_EQ(test, -ENOENT, unified_do(u, op));
	KUNIT_EXPECT_EQ(test, 0, unified_do(u, make_map_handle(WIN, handle, 3,
							       1, RW)));
	unified_expect_mapped(u, 0, WIN, addr + PAGES(3), 1);
	unified_finish(u);
}

/* ---- Runs ---- */

static void regions_find(struct kunit *test)
{
	struct sluice_run runs[] = { { 0, 100 }, { 1, 200 }, { 2, 300 },
				     { 10, 50 }, { 11, 0 }, { 40, 0 } };
	struct sluice_region region = {
		.runs = runs,
		.nr_runs = ARRAY_SIZE(runs) - 1,
		.npages = 40,
	};
	static const struct {
		unsigned long page;
		size_t run;
	} want[] = {
		{ 0, 0 }, { 1, 1 }, { 2, 2 }, { 3, 2 }, { 9, 2 }, { 10, 3 },
		{ 11, 4 }, { 12, 4 }, { 39, 4 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(want); i++)
		KUNIT_EXPECT_EQ(test, sluice_region_find(&region, want[i].page),
				want[i].run);
	region.nr_runs = 1;
	KUNIT_EXPECT_EQ(test, sluice_region_find(&region, 0), 0);
}

/* Every run says where its pages are; runs are as few as can be. */
static void regions_runs(struct kunit *test)
{
	struct unified *u = unified_create(test);
	unsigned long addr = unified_memory(u, 64), i;
	struct sluice_region *region;
	size_t run;
	u32 handle;

	KUNIT_ASSERT_EQ(test, 0, unified_register(u, addr, 64, RW, &handle));
	region = region_of(u, handle);
	KUNIT_ASSERT_EQ(test, region->npages, 64);
	KUNIT_EXPECT_EQ(test, region->runs[0].first, 0);
	KUNIT_EXPECT_EQ(test, region->runs[region->nr_runs].first, 64);
	for (i = 0; i < 64; i++) {
		const struct sluice_run *r;
		struct page *page;

		r = &region->runs[sluice_region_find(region, i)];
		KUNIT_ASSERT_EQ(test, 1, get_user_pages_fast(addr + PAGES(i), 1,
							     0, &page));
		KUNIT_EXPECT_EQ(test, page_to_pfn(page),
				r->pfn + (i - r->first));
		put_page(page);
	}
	for (run = 1; run < region->nr_runs; run++) {
		const struct sluice_run *r = &region->runs[run];

		KUNIT_EXPECT_GT(test, r->first, r[-1].first);
		KUNIT_EXPECT_NE(test, r->pfn,
				r[-1].pfn + (r->first - r[-1].first));
	}
	unified_finish(u);
}

/* Many runs, and maps that begin and end within them, at their edges, beyond. */
static void regions_scattered(struct kunit *test)
{
	static const unsigned int firsts[] = { 0, 1, 2, 3, 6, 7, 100, 299 };
	static const unsigned int sizes[] = { 1, 2, 3, 4, 7, 192, 300 };
	const unsigned int npages = 300;
	struct unified *u = unified_ready(test);
	struct sluice_run runs[100];
	unsigned int i, j, k;
	u32 handle;

	/* Threes, from the top of memory down. */
	for (i = 0; i < ARRAY_SIZE(runs); i++)
		runs[i] = (struct sluice_run){ 3 * i, 100000 - 5 * i };
	handle = unified_pretend(u, runs, ARRAY_SIZE(runs), npages);
	for (i = 0; i < ARRAY_SIZE(firsts); i++) {
		for (j = 0; j < ARRAY_SIZE(sizes); j++) {
			unsigned int first = firsts[i];
			unsigned int n = min(sizes[j], npages - first);

			KUNIT_ASSERT_EQ(test, 0,
					unified_do(u, make_map_handle(WIN,
								      handle,
								      first, n,
								      RW)));
			for (k = 0; k < n; k++) {
				unsigned int page = first + k;

				unified_expect_phys(u, 0, WIN + PAGES(k),
						    runs[page / 3].pfn +
						    page % 3, 1);
			}
			unified_expect_hole(u, 0, WIN + PAGES(n), 1);
			KUNIT_EXPECT_EQ(test, n,
					unified_mapped(u));
			KUNIT_ASSERT_EQ(test, unified_clear(u), n);
			KUNIT_EXPECT_EQ(test, 0,
					unified_mapped(u));
		}
	}
	unified_forget(u, handle);
	unified_finish(u);
}

static struct kunit_case regions_cases[] = {
	KUNIT_CASE(regions_once),
	KUNIT_CASE(regions_left_behind),
	KUNIT_CASE(regions_arguments),
	KUNIT_CASE(regions_answer_faults),
	KUNIT_CASE(regions_too_many),
	KUNIT_CASE(regions_fault),
	KUNIT_CASE(regions_owner_only),
	KUNIT_CASE(regions_rlimit),
	KUNIT_CASE(regions_outlive_munmap),
	KUNIT_CASE(regions_read_only),
	KUNIT_CASE(regions_beyond_the_end),
	KUNIT_CASE(regions_find),
	KUNIT_CASE(regions_runs),
	KUNIT_CASE(regions_scattered),
	{}
};

static struct kunit_suite regions_suite = {
	.name = "sluice_regions",
	.suite_init = fake_suite_init,
	.suite_exit = fake_suite_exit,
	.test_cases = regions_cases,
};

kunit_test_suite(regions_suite);
