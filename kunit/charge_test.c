// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process whose mmap_lock somebody has, for as long as he likes: what its devices have
 * is unmapped, and taken away, all the same, and what is charged comes out right.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/mmap_lock.h>

#include "legacy_fixture.h"
#include "threads.h"

#define PAGES(n) ((u64)(n) << PAGE_SHIFT)
#define IOVA 0x40000000ULL
#define NPAGES 6
#define PATIENCE_MS 2000

static const struct legacy_param params[] = {
	{ "full", SLUICE_SPACE_TYPE1V2, false },
};

KUNIT_ARRAY_PARAM_DESC(charge, params, name);

/* Whoever has the lock. */
struct holder {
	struct test_thread thread;
	struct mm_struct *mm;
	struct completion has;
	struct completion let_go;
};

static int hold(struct test_thread *self)
{
	struct holder *holder = self->arg;

	mmap_write_lock(holder->mm);
	complete(&holder->has);
	wait_for_completion(&holder->let_go);
	mmap_write_unlock(holder->mm);
	return 0;
}

static void holder_begin(struct kunit *test, struct holder *holder)
{
	holder->mm = current->mm;
	init_completion(&holder->has);
	init_completion(&holder->let_go);
	test_thread_start(test, &holder->thread, hold, holder, 0);
	wait_for_completion(&holder->has);
}

static void holder_end(struct kunit *test, struct holder *holder)
{
	complete(&holder->let_go);
	KUNIT_EXPECT_EQ(test, 0, test_thread_join(test, &holder->thread));
}

/* Is so much charged, soon? */
static void expect_locked(struct legacy *l, unsigned long npages)
{
	unsigned int ms;

	for (ms = 0; ms < PATIENCE_MS && legacy_locked(l) != npages; ms++)
		fsleep(USEC_PER_MSEC);
	KUNIT_EXPECT_EQ(l->test, legacy_locked(l), npages);
}

static void charged_later(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = legacy_memory(l, NPAGES);
	struct holder holder;

	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, IOVA, addr, 2, RW));
	holder_begin(test, &holder);
	KUNIT_EXPECT_EQ(test, 0,
			legacy_map(l, IOVA + PAGES(2), addr + PAGES(2), 3, RW));
	KUNIT_EXPECT_EQ(test, 2, legacy_unmap_pages(l, IOVA, 2));
	KUNIT_EXPECT_EQ(test, legacy_locked(l), 2);
	/* What had to wait comes first, here. */
	holder_end(test, &holder);
	KUNIT_EXPECT_EQ(test, 0,
			legacy_map(l, IOVA + PAGES(5), addr + PAGES(5), 1, RW));
	KUNIT_EXPECT_EQ(test, legacy_locked(l), 4);

	/* The last group goes, and with it all that is mapped. */
	holder_begin(test, &holder);
	legacy_detach(l, 0);
	KUNIT_EXPECT_EQ(test, legacy_locked(l), 4);
	holder_end(test, &holder);
	/* Nobody charges anything more. */
	expect_locked(l, 0);
	KUNIT_EXPECT_EQ(test, 0, legacy_pinned(l, addr, NPAGES));
	legacy_finish(l);
}

/* The limit holds, and comes back with what is given back. */
static void limited_later(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = legacy_memory(l, NPAGES);
	const struct cred *old = legacy_limit(test, 3);
	struct holder holder;

	holder_begin(test, &holder);
	KUNIT_EXPECT_EQ(test, 0, legacy_map(l, IOVA, addr, 2, RW));
	/* Too much, unless it's device memory, which is looked for later. */
	KUNIT_EXPECT_EQ(test, -ERESTART,
			legacy_map(l, IOVA + PAGES(2), addr + PAGES(2), 2, RW));
	KUNIT_EXPECT_EQ(test, 0,
			legacy_map(l, IOVA + PAGES(2), addr + PAGES(2), 1, RW));
	KUNIT_EXPECT_EQ(test, 2, legacy_unmap_pages(l, IOVA, 2));
	KUNIT_EXPECT_EQ(test, 0,
			legacy_map(l, IOVA + PAGES(3), addr + PAGES(3), 2, RW));
	holder_end(test, &holder);
	expect_locked(l, 3);
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			legacy_map(l, IOVA + PAGES(5), addr + PAGES(5), 1, RW));
	legacy_unlimit(old);
	KUNIT_EXPECT_EQ(test, 3, legacy_unmap_pages(l, IOVA + PAGES(2), 3));
	legacy_finish(l);
}

struct mapper {
	struct test_thread thread;
	struct legacy *l;
	struct mm_struct *mm;
	unsigned long addr;
};

static int map_absent(struct test_thread *self)
{
	struct mapper *mapper = self->arg;
	int ret;

	kthread_use_mm(mapper->mm);
	ret = legacy_map(mapper->l, IOVA, mapper->addr, NPAGES, RW);
	kthread_unuse_mm(mapper->mm);
	return ret;
}

/* A map that has to wait for the lock doesn't keep the space from others. */
static void maps_wait_alone(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	struct mapper mapper = { .l = l, .mm = current->mm };
	struct holder holder;
	unsigned int i;

	mapper.addr = kunit_vm_mmap(test, NULL, 0, PAGES(NPAGES),
				    PROT_READ | PROT_WRITE,
				    MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_FALSE(test, !mapper.addr || IS_ERR_VALUE(mapper.addr));
	holder_begin(test, &holder);
	test_thread_start(test, &mapper.thread, map_absent, &mapper, 1);
	for (i = 0; i < 100; i++) {
		fsleep(USEC_PER_MSEC);
		sluice_space_lock_close(&l->space);
		up_write(&l->space.lock);
	}
	KUNIT_EXPECT_FALSE(test, completion_done(&mapper.thread.done));
	holder_end(test, &holder);
	KUNIT_EXPECT_EQ(test, 0, test_thread_join(test, &mapper.thread));
	expect_locked(l, NPAGES);
	KUNIT_EXPECT_EQ(test, NPAGES, legacy_unmap_pages(l, IOVA, NPAGES));
	legacy_finish(l);
}

/* Device memory can't be looked for: the map says that it is to begin anew. */
static void looked_for_later(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = legacy_memory(l, 1);
	struct holder holder;

	KUNIT_EXPECT_EQ(test, 0, sluice_mmio_at(addr));
	holder_begin(test, &holder);
	KUNIT_EXPECT_EQ(test, -ERESTART, sluice_mmio_at(addr));
	holder_end(test, &holder);
	KUNIT_EXPECT_EQ(test, 0, sluice_space_wait_mm());
	KUNIT_EXPECT_EQ(test, 0, sluice_mmio_at(addr));
	legacy_finish(l);
}

static struct kunit_case charge_cases[] = {
	KUNIT_CASE_PARAM(charged_later, charge_gen_params),
	KUNIT_CASE_PARAM(limited_later, charge_gen_params),
	KUNIT_CASE_PARAM(maps_wait_alone, charge_gen_params),
	KUNIT_CASE_PARAM(looked_for_later, charge_gen_params),
	{}
};

static struct kunit_suite charge_suite = {
	.name = "sluice_charge",
	.suite_init = fake_suite_init,
	.suite_exit = fake_suite_exit,
	.test_cases = charge_cases,
};

kunit_test_suite(charge_suite);
