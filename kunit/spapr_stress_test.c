// SPDX-License-Identifier: GPL-2.0-only
/*
 * SPAPR spaces used by many threads: maps and unmaps of own and of common IOVAs, while
 * groups, windows and registrations come and go.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>

#include "spapr_fixture.h"
#include "threads.h"

#define THREADS 4U
#define ROUNDS 300U
#define TCE SZ_4K
/* TCEs that a thread has for itself; behind those of all threads are common ones. */
#define SLOTS 16U
#define COMMON (THREADS * SLOTS)
/* TCEs of memory, which all map. */
#define MEMORY 64U

/**
 * struct stress - what the threads share
 * @s: the space
 * @mm: its owner's addresses
 * @addr: registered memory
 * @other: memory that is registered and unregistered all the time
 * @running: threads that still map
 */
struct stress {
	struct spapr *s;
	struct mm_struct *mm;
	unsigned long addr;
	unsigned long other;
	atomic_t running;
};

static int map(struct stress *x, u64 iova, unsigned long vaddr, u64 size)
{
	struct sluice_space *space = &x->s->space;
	int ret;

	do {
		down_read(&space->lock);
		ret = sluice_spapr_map(space, iova, vaddr, size,
				       SLUICE_PROT_READ | SLUICE_PROT_WRITE);
		up_read(&space->lock);
	} while (sluice_space_again(&ret));
	return ret;
}

static int unmap(struct stress *x, u64 iova, u64 size)
{
	struct sluice_space *space = &x->s->space;
	int ret;

	do {
		down_read(&space->lock);
		ret = sluice_spapr_unmap(space, iova, size);
		up_read(&space->lock);
	} while (sluice_space_again(&ret));
	return ret;
}

/* What a device sees at an own slot is what was mapped there last. */
static int check(struct stress *x, u64 iova, unsigned long vaddr)
{
	struct page *page;
	phys_addr_t phys;
	u64 want;
	int ret;

	ret = fake_win_translate(x->s->fg[0], iova, true, &phys);
	if (!vaddr)
		return ret == -EFAULT ? 0 : -EBADE;
	if (ret)
		return ret;
	if (get_user_pages_fast(vaddr & PAGE_MASK, 1, 0, &page) != 1)
		return -EBADF;
	want = page_to_phys(page) + offset_in_page(vaddr);
	put_page(page);
	return phys == want ? 0 : -EBADE;
}

static int work(struct stress *x, unsigned int nr)
{
	u64 own = (u64)nr * SLOTS * TCE;
	unsigned long at[SLOTS] = {};
	struct rnd_state rnd;
	unsigned int i;
	int ret = 0;

	prandom_seed_state(&rnd, nr + 1);
	for (i = 0; !ret && i < ROUNDS; i++) {
		unsigned int slot = prandom_u32_state(&rnd) % SLOTS, k;
		unsigned int n = 1 + prandom_u32_state(&rnd) % (SLOTS - slot);
		unsigned int page = prandom_u32_state(&rnd) % (MEMORY - n + 1);
		unsigned long vaddr = x->addr + page * TCE;
		u64 iova = own + slot * TCE;

		switch (prandom_u32_state(&rnd) % 4) {
		case 0:
			ret = unmap(x, iova, n * TCE);
			for (k = 0; k < n; k++)
				at[slot + k] = 0;
			break;
		case 1:
			/* Somebody else's are as good as any. */
			ret = map(x, COMMON * TCE + slot * TCE, vaddr, n * TCE);
			ret = ret ?: unmap(x, COMMON * TCE, SLOTS * TCE);
			break;
		default:
			ret = map(x, iova, vaddr, n * TCE);
			for (k = 0; k < n; k++)
				at[slot + k] = vaddr + k * TCE;
		}
		for (k = 0; !ret && k < SLOTS; k++)
			ret = check(x, own + k * TCE, at[k]);
		cond_resched();
	}
	return ret;
}

static int churn_window(struct stress *x)
{
	struct sluice_space *space = &x->s->space;
	u64 start;
	int ret;

	sluice_space_lock_close(space);
	ret = sluice_spapr_window_create(space, 12, SZ_16M, 1, &start);
	up_write(&space->lock);
	ret = ret ?: map(x, start, x->addr, SZ_64K);
	sluice_space_lock_close(space);
	ret = ret ?: sluice_spapr_window_remove(space, start);
	up_write(&space->lock);
	return ret;
}

/* Through the ioctls: the other threads use none. */
static int churn_memory(struct stress *x)
{
	struct vfio_iommu_spapr_register_memory arg = {
		.argsz = sizeof(arg), .vaddr = x->other, .size = PAGE_SIZE,
	};
	void __user *user = (void __user *)x->s->args;
	struct sluice_space *space = &x->s->space;
	int ret;

	if (copy_to_user(user, &arg, sizeof(arg)))
		return -EFAULT;
	ret = sluice_spapr_ioctl(space, VFIO_IOMMU_SPAPR_REGISTER_MEMORY, user);
	return ret ?: sluice_spapr_ioctl(space,
					 VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY,
					 user);
}

static int churn(struct stress *x)
{
	struct spapr *s = x->s;
	struct rnd_state rnd;
	int ret = 0;

	prandom_seed_state(&rnd, 4711);
	while (!ret && atomic_read(&x->running)) {
		unsigned int n = prandom_u32_state(&rnd);
		unsigned int group = n % 2 + 1;

		if (s->attached[group])
			spapr_detach_nr(s, group);
		else
			ret = spapr_attach_nr(s, group);
		if (n % 3 == 0)
			ret = ret ?: churn_window(x);
		if (n % 5 == 0)
			ret = ret ?: churn_memory(x);
		if (n % 7 == 0)
			sluice_space_reclaim(&s->space);
		usleep_range(200, 2000);
	}
	return ret;
}

static int thread(struct test_thread *self)
{
	struct stress *x = self->arg;
	int ret;

	kthread_use_mm(x->mm);
	if (self->nr == THREADS) {
		ret = churn(x);
	} else {
		ret = work(x, self->nr);
		atomic_dec(&x->running);
	}
	kthread_unuse_mm(x->mm);
	return ret;
}

static void stress(struct kunit *test)
{
	struct spapr *s = spapr_create(test, true);
	struct stress x = {
		.s = s,
		.mm = current->mm,
		.addr = spapr_memory(s, MEMORY * TCE),
		.other = spapr_memory(s, PAGE_SIZE),
		.running = ATOMIC_INIT(THREADS),
	};

	KUNIT_ASSERT_EQ(test, 0, spapr_register(s, x.addr, MEMORY * TCE));
	test_threads_run(test, THREADS + 1, thread, &x);
	KUNIT_EXPECT_EQ(test, 0, spapr_unmap(s, 0, INITIAL_SIZE));
	KUNIT_EXPECT_EQ(test, 0, atomic64_read(&s->space.uni->mapped));
	KUNIT_EXPECT_EQ(test, 0, spapr_unregister(s, x.addr, MEMORY * TCE));
	KUNIT_EXPECT_EQ(test, spapr_pins(s, x.addr, MEMORY * TCE), 0);
	KUNIT_EXPECT_EQ(test, spapr_locked(s), 0);
	spapr_finish(s);
}

/* ---- Who waits for whom ---- */

static int wait_map(struct test_thread *self)
{
	struct stress *x = self->arg;
	int ret;

	kthread_use_mm(x->mm);
	ret = map(x, 0, x->addr, 4 * TCE);
	kthread_unuse_mm(x->mm);
	return ret;
}

static int wait_unmap(struct test_thread *self)
{
	struct stress *x = self->arg;
	int ret;

	kthread_use_mm(x->mm);
	ret = unmap(x, 0, 4 * TCE);
	kthread_unuse_mm(x->mm);
	return ret;
}

/* Operations wait for what overlaps, and for nothing else. */
static void hold(struct kunit *test)
{
	static int (*const fns[])(struct test_thread *self) = {
		wait_map, wait_unmap,
	};
	struct spapr *s = spapr_create(test, true);
	struct sluice_inflight *inflight = &s->space.inflight;
	struct stress x = {
		.s = s,
		.mm = current->mm,
		.addr = spapr_memory(s, MEMORY * TCE),
	};
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 0, spapr_register(s, x.addr, MEMORY * TCE));
	for (i = 0; i < ARRAY_SIZE(fns); i++) {
		struct test_thread *thread =
			kunit_kzalloc(test, sizeof(*thread), GFP_KERNEL);
		struct sluice_hold hold;

		KUNIT_ASSERT_NOT_NULL(test, thread);
		KUNIT_ASSERT_EQ(test, 0, sluice_inflight_hold(inflight, &hold,
							      4 * TCE - 1,
							      8 * TCE - 1));
		test_thread_start(test, thread, fns[i], &x, i);
		msleep(50);
		KUNIT_EXPECT_FALSE(test, completion_done(&thread->done));
		KUNIT_EXPECT_EQ(test, 0, spapr_map(s, 8 * TCE, x.addr, TCE,
						   RW));
		KUNIT_EXPECT_EQ(test, 0, spapr_unmap(s, 8 * TCE, TCE));
		sluice_inflight_release(inflight, &hold);
		KUNIT_EXPECT_EQ(test, 0, test_thread_join(test, thread));
	}
	spapr_finish(s);
}

static struct kunit_case stress_cases[] = {
	KUNIT_CASE(hold),
	KUNIT_CASE_SLOW(stress),
	{}
};

static struct kunit_suite stress_suite = {
	.name = "sluice_spapr_stress",
	.suite_init = fake_win_suite_init,
	.suite_exit = fake_win_suite_exit,
	.test_cases = stress_cases,
};

kunit_test_suite(stress_suite);
