// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unified spaces under threads: some map, unmap and register, each where only it
 * does, or all at the same place; one has groups come and go meanwhile.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/prandom.h>

#include "threads.h"
#include "unified_fixture.h"

#define THREADS	4U
/* Thread n has every fourth stripe of the IOVAs: neighbours share tables. */
#define STRIPE	8U
#define STRIPES	12U
#define SLOTS	(STRIPE * STRIPES)
#define ROUNDS	250U

/**
 * struct stress - what the threads share
 * @u: the space
 * @mm: its owner's address space
 * @addr: memory, SLOTS pages for each thread; or for all
 * @args: user memory for each thread's arguments
 * @shared: all do the same IOVAs
 * @running: threads that work
 */
struct stress {
	struct unified *u;
	struct mm_struct *mm;
	unsigned long addr[THREADS];
	unsigned long args[THREADS];
	bool shared;
	atomic_t running;
};

/**
 * struct worker - one thread
 * @s: what it shares
 * @nr: its number
 * @rnd: its random numbers
 * @handle: all of its memory
 * @slot: what its IOVAs should have: 0 or the page's address
 * @by_handle: slots that are mapped by handle
 */
struct worker {
	struct stress *s;
	unsigned int nr;
	struct rnd_state rnd;
	u32 handle;
	unsigned long slot[SLOTS];
	bool by_handle[SLOTS];
};

static u32 below(struct worker *w, u32 limit)
{
	return prandom_u32_state(&w->rnd) % limit;
}

static u64 iova_of(struct worker *w, unsigned int slot)
{
	unsigned int stripe = slot / STRIPE;

	if (!w->s->shared)
		stripe = stripe * THREADS + w->nr;
	return WIN + fake_size(1) - PAGES(100) +
	       PAGES(stripe * STRIPE + slot % STRIPE);
}

/* What a device of group 0, which is always there, sees of the thread's slots. */
static int check_slots(struct worker *w, unsigned int first, unsigned int n)
{
	struct fake_group *fg = w->s->u->fg[0];
	unsigned int i;

	for (i = first; i < first + n; i++) {
		u64 seen = 0;
		int ret = fake_dma(fg, iova_of(w, i), &seen, sizeof(seen),
				   false);

		if (ret != (w->slot[i] ? 0 : -EFAULT))
			return -ESTALE;
		if (!ret && seen != w->slot[i])
			return -EBADE;
	}
	return 0;
}

static unsigned int count_handles(struct worker *w)
{
	unsigned int i, n = 0;

	for (i = 0; i < SLOTS; i++)
		n += w->slot[i] && w->by_handle[i];
	return n;
}

static int batch(struct worker *w, const struct sluice_dma_op *ops,
		 unsigned int nr, struct sluice_dma_batch *result)
{
	return unified_batch_at(w->s->u, w->s->args[w->nr], ops, nr, 0, result);
}

/* Several operations, and the same in the model, as far as they were done. */
static int own_batch(struct worker *w)
{
	struct sluice_dma_op ops[10];
	struct sluice_dma_batch result;
	unsigned int nr = below(w, ARRAY_SIZE(ops)) + 1, i, j;
	unsigned int first = below(w, STRIPES) * STRIPE;
	bool alike = below(w, 2);
	u64 unmapped = 0;
	bool exists;
	int ret;

	/* All in one stripe: there they meet. */
	for (i = 0; i < nr; i++) {
		unsigned int at = below(w, STRIPE);
		unsigned int n = below(w, STRIPE - at) + 1;
		u64 iova = iova_of(w, first + at);
		unsigned int page = below(w, SLOTS - n);

		if (alike && i % 5) {
			/* Vectors of single pages. */
			ops[i] = ops[i - 1];
			ops[i].iova = iova_of(w, first + (i + at) % STRIPE);
			ops[i].size = PAGE_SIZE;
			continue;
		}
		if (below(w, 2))
			ops[i] = make_unmap(iova, n);
		else if (below(w, 2))
			ops[i] = make_map(iova, w->s->addr[w->nr] + PAGES(page),
					  n, RW);
		else
			ops[i] = make_map_handle(iova, w->handle, page, n, R);
	}
	ret = batch(w, ops, nr, &result);
	for (i = 0; i < nr; i++) {
		unsigned int at = first + ((ops[i].iova - iova_of(w, first)) >>
					   PAGE_SHIFT);
		unsigned int n = ops[i].size >> PAGE_SHIFT;
		bool by_handle = ops[i].flags & SLUICE_DMA_HANDLE;
		unsigned long from = ops[i].addr;

		if (by_handle)
			from += w->s->addr[w->nr];
		for (exists = false, j = 0; j < n; j++)
			exists |= w->slot[at + j];
		if (ops[i].op == SLUICE_DMA_MAP && exists)
			break;
		for (j = 0; j < n; j++) {
			if (ops[i].op == SLUICE_DMA_UNMAP) {
				unmapped += w->slot[at + j] ? PAGE_SIZE : 0;
				w->slot[at + j] = 0;
				continue;
			}
			w->slot[at + j] = from + PAGES(j);
			w->by_handle[at + j] = by_handle;
		}
	}
	if (result.nr_done != i || result.unmapped != unmapped ||
	    ret != (i < nr ? -EEXIST : 0))
		return ret ?: -EPROTO;
	return check_slots(w, first, STRIPE);
}

/* Another registration covers what is mapped by this one, or nothing does. */
static int own_register(struct worker *w)
{
	struct unified *u = w->s->u;
	u32 other = 0;
	int ret;

	ret = sluice_region_unregister(&u->space, w->handle);
	if (ret != (count_handles(w) ? -EBUSY : 0))
		return -EPROTO;
	if (ret) {
		ret = sluice_region_register(&u->space, w->s->addr[w->nr],
					     PAGES(SLOTS), SLUICE_PROT_READ,
					     &other);
		ret = ret ?: sluice_region_unregister(&u->space, w->handle);
		if (ret)
			return ret;
		w->handle = other;
		return 0;
	}
	return sluice_region_register(&u->space, w->s->addr[w->nr],
				      PAGES(SLOTS), SLUICE_PROT_READ,
				      &w->handle);
}

static int own_round(struct worker *w)
{
	return below(w, 20) ? own_batch(w) : own_register(w);
}

/* Nobody knows what is there; but page n goes nowhere but to slot n. */
static int shared_round(struct worker *w)
{
	unsigned int first = below(w, SLOTS), n;
	struct sluice_dma_op ops[2];
	struct sluice_dma_batch result;
	u64 iova = iova_of(w, first);
	struct unified *u = w->s->u;
	u64 seen;
	int ret;

	n = min(below(w, 10) + 1, STRIPE - first % STRIPE);
	ops[0] = make_unmap(iova, n);
	switch (below(w, 16)) {
	case 0 ... 4:
		ret = batch(w, &ops[0], 1, &result);
		break;
	case 5 ... 9:
		ops[1] = make_map(iova, w->s->addr[0] + PAGES(first), n, RW);
		ret = batch(w, &ops[below(w, 2)], 1, &result);
		break;
	case 10 ... 13:
		ops[1] = make_map_handle(iova, w->handle, first, n, RW);
		/* In place of what is there: that can't be in the way. */
		ret = batch(w, ops, 2, &result);
		if (ret == -EEXIST)
			return -EPROTO;
		break;
	case 14:
		ops[0] = make_unmap_all();
		ret = batch(w, ops, 1, &result);
		break;
	default:
		ret = sluice_region_unregister(&u->space, w->handle);
		if (ret)
			break;
		ret = sluice_region_register(&u->space, w->s->addr[0],
					     PAGES(SLOTS), SLUICE_PROT_READ |
					     SLUICE_PROT_WRITE, &w->handle);
	}
	if (ret && ret != -EEXIST && ret != -EBUSY)
		return ret;
	ret = fake_dma(u->fg[0], iova, &seen, sizeof(seen), false);
	if (!ret && seen != w->s->addr[0] + PAGES(first))
		return -EBADE;
	return ret == -EFAULT ? 0 : ret;
}

static int work(struct stress *s, struct worker *w)
{
	unsigned int round;
	int ret;

	ret = sluice_region_register(&s->u->space, s->addr[w->nr],
				     PAGES(SLOTS), s->shared ?
				     SLUICE_PROT_READ | SLUICE_PROT_WRITE :
				     SLUICE_PROT_READ, &w->handle);
	for (round = 0; round < ROUNDS && !ret; round++) {
		ret = s->shared ? shared_round(w) : own_round(w);
		cond_resched();
	}
	return ret ?: s->shared ? 0 : check_slots(w, 0, SLOTS);
}

/* Groups, windows and reclaim, as long as the others work. */
static int churn(struct stress *s, unsigned int nr)
{
	u64 start, far = WIN + 2 * WIN_SIZE;
	struct unified *u = s->u;
	struct rnd_state rnd;
	int ret = 0;

	prandom_seed_state(&rnd, 4711);
	while (!ret && atomic_read(&s->running)) {
		unsigned int n = prandom_u32_state(&rnd);
		unsigned int group = n % 2 + 1;

		if (u->attached[group])
			unified_detach(u, group);
		else
			ret = unified_attach(u, group);
		if (n % 5 == 0)
			sluice_space_reclaim(&u->space);
		if (n % 7 == 0) {
			down_write(&u->space.lock);
			start = far;
			ret = ret ?: sluice_window_create(&u->space,
				&(struct sluice_window_create){
					.flags = SLUICE_WINDOW_FIXED,
					.start = start, .size = PAGES(16) });
			ret = ret ?: sluice_window_remove(&u->space, start);
			up_write(&u->space.lock);
		}
		usleep_range(200, 2000);
	}
	return ret;
}

static int thread(struct test_thread *self)
{
	struct stress *s = self->arg;
	struct worker *w;
	int ret = -ENOMEM;

	kthread_use_mm(s->mm);
	if (self->nr == THREADS) {
		ret = churn(s, self->nr);
	} else {
		w = kzalloc(sizeof(*w), GFP_KERNEL);
		if (w) {
			w->s = s;
			w->nr = self->nr;
			prandom_seed_state(&w->rnd, self->nr + 1);
			ret = work(s, w);
		}
		kfree(w);
		atomic_dec(&s->running);
	}
	kthread_unuse_mm(s->mm);
	return ret;
}

static void run(struct kunit *test, bool shared)
{
	struct unified *u = unified_ready(test);
	struct stress s = {
		.u = u,
		.mm = current->mm,
		.shared = shared,
		.running = ATOMIC_INIT(THREADS),
	};
	unsigned long handle;
	struct sluice_region *region;
	unsigned int i;

	for (i = 0; i < THREADS; i++) {
		s.args[i] = unified_args(u);
		s.addr[i] = i && shared ? s.addr[0] : unified_memory(u, SLOTS);
	}
	test_threads_run(test, THREADS + 1, thread, &s);
	kfree(unified_state(u));
	KUNIT_EXPECT_EQ(test, atomic_read(&u->space.uni->nr_regions), THREADS);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&u->space.uni->registered),
			THREADS * SLOTS);
	unified_clear(u);
	KUNIT_EXPECT_EQ(test, unified_mapped(u), 0);
	xa_for_each(&u->space.uni->regions, handle, region)
		KUNIT_EXPECT_EQ(test, 0, unified_unregister(u, handle));
	for (i = 0; i < THREADS; i++)
		KUNIT_EXPECT_EQ(test, unified_pins(u, s.addr[i], SLOTS), 0);
	KUNIT_EXPECT_EQ(test, unified_locked(u), 0);
	unified_finish(u);
}

static void stress_own(struct kunit *test)
{
	run(test, false);
}

static void stress_shared(struct kunit *test)
{
	run(test, true);
}

static struct kunit_case stress_cases[] = {
	KUNIT_CASE_SLOW(stress_own),
	KUNIT_CASE_SLOW(stress_shared),
	{}
};

static struct kunit_suite stress_suite = {
	.name = "sluice_unified_stress",
	.suite_init = fake_suite_init,
	.suite_exit = fake_suite_exit,
	.test_cases = stress_cases,
};

kunit_test_suite(stress_suite);
