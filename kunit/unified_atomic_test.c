// SPDX-License-Identifier: GPL-2.0-only
/*
 * ATOMIC batches on unified spaces: all operations, or none, against a model; and
 * what is left when one fails.
 */
#include <linux/mman.h>
#include <linux/prandom.h>
#include <linux/slab.h>

#include "unified_fixture.h"

/* Slots around the border of two tables. */
#define SLOTS 24U
#define BASE (WIN + fake_size(1) - PAGES(SLOTS / 2))

/**
 * struct model - a space, and what should be in it
 * @u: the space, with a domain for each of groups 0 and 2
 * @addr: memory of SLOTS pages
 * @handle: the same, registered
 * @slot: by slot: the address of the page that is there; 0: nothing
 * @by_handle: how it was mapped
 */
struct model {
	struct unified *u;
	unsigned long addr;
	u32 handle;
	unsigned long slot[SLOTS];
	bool by_handle[SLOTS];
};

static struct model *model_create(struct kunit *test)
{
	struct model *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, m);
	m->u = unified_ready(test);
	KUNIT_ASSERT_EQ(test, 0, unified_attach(m->u, 2));
	m->addr = unified_memory(m->u, SLOTS);
	KUNIT_ASSERT_EQ(test, 0,
			unified_register(m->u, m->addr, SLOTS, RW, &m->handle));
	return m;
}

static void expect_model(struct model *m)
{
	struct kunit *test = m->u->test;
	unsigned int i, pinned = 0, handles = 0;

	for (i = 0; i < SLOTS; i++) {
		u64 iova = BASE + PAGES(i);

		if (!m->slot[i]) {
			unified_expect_hole(m->u, 0, iova, 1);
			unified_expect_hole(m->u, 2, iova, 1);
			continue;
		}
		unified_expect_mapped(m->u, 0, iova, m->slot[i], 1);
		unified_expect_mapped(m->u, 2, iova, m->slot[i], 1);
		pinned += !m->by_handle[i];
		handles += m->by_handle[i];
	}
	KUNIT_ASSERT_EQ(test, unified_pins(m->u, m->addr, SLOTS),
			SLOTS + pinned);
	KUNIT_ASSERT_EQ(test, unified_locked(m->u), SLOTS + pinned);
	KUNIT_ASSERT_EQ(test, unified_mapped(m->u), handles);
}

/* Does an operation to the model; returns pages unmapped, or -EEXIST. */
static int model_op(struct model *m, const struct sluice_dma_op *op)
{
	unsigned int at = (op->iova - BASE) >> PAGE_SHIFT, i;
	unsigned int n = op->size >> PAGE_SHIFT;
	bool by_handle = op->flags & SLUICE_DMA_HANDLE;
	int unmapped = 0;

	if (op->flags & SLUICE_DMA_ALL) {
		at = 0;
		n = SLOTS;
	}
	for (i = at; i < at + n; i++) {
		if (op->op == SLUICE_DMA_MAP && m->slot[i])
			return -EEXIST;
	}
	for (i = at; i < at + n; i++) {
		if (op->op == SLUICE_DMA_UNMAP) {
			unmapped += !!m->slot[i];
			m->slot[i] = 0;
			continue;
		}
		m->slot[i] = op->addr + PAGES(i - at) +
			     (by_handle ? m->addr : 0);
		m->by_handle[i] = by_handle;
	}
	return unmapped;
}

static struct sluice_dma_op random_op(struct model *m, struct rnd_state *rnd)
{
	unsigned int at = prandom_u32_state(rnd) % SLOTS;
	unsigned int n = prandom_u32_state(rnd) % min(SLOTS - at, 6U) + 1;
	unsigned int page = prandom_u32_state(rnd) % (SLOTS - n + 1);
	u64 iova = BASE + PAGES(at);

	switch (prandom_u32_state(rnd) % 16) {
	case 0 ... 7:
		return make_unmap(iova, n);
	case 8 ... 11:
		return make_map(iova, m->addr + PAGES(page), n, RW);
	case 12 ... 14:
		return make_map_handle(iova, m->handle, page, n, RW);
	default:
		return make_unmap_all();
	}
}

static void atomic_random(struct kunit *test)
{
	struct model *m = model_create(test), *next;
	unsigned int round, failed = 0, i;
	struct sluice_dma_op ops[10];
	struct rnd_state rnd;
	int ret;

	next = kunit_kzalloc(test, sizeof(*next), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, next);
	prandom_seed_state(&rnd, 0xa70);
	for (round = 0; round < 300; round++) {
		unsigned int nr = prandom_u32_state(&rnd) % 10 + 1;
		int unmapped = 0, n = 0;

		*next = *m;
		for (i = 0; i < nr; i++)
			ops[i] = random_op(m, &rnd);
		for (i = 0; i < nr && n >= 0; i++) {
			n = model_op(next, &ops[i]);
			unmapped += max(n, 0);
		}
		ret = unified_atomic(m->u, ops, nr);
		if (n < 0) {
			failed++;
			KUNIT_ASSERT_EQ(test, ret, -EEXIST);
			KUNIT_ASSERT_EQ(test, m->u->batch.nr_done, i - 1);
			KUNIT_ASSERT_EQ(test, m->u->batch.unmapped, 0);
		} else {
			KUNIT_ASSERT_EQ(test, ret, 0);
			KUNIT_ASSERT_EQ(test, m->u->batch.nr_done, nr);
			KUNIT_ASSERT_EQ(test, m->u->batch.unmapped,
					PAGES(unmapped));
			*m = *next;
		}
		expect_model(m);
	}
	KUNIT_EXPECT_GT(test, failed, 30);
	KUNIT_EXPECT_LT(test, failed, 270);
	unified_finish(m->u);
}

static const struct sluice_run super_run = { 0, 8 * SUPER };

/* Replaces, cuts, maps twice and takes back: with all that a batch can need. */
static unsigned int make_all(struct model *m, struct sluice_dma_op *ops)
{
	u64 far = WIN + 8 * fake_size(1);

	ops[0] = make_unmap(BASE + PAGES(2), 6);
	ops[1] = make_map(BASE + PAGES(3), m->addr, 4, RW);
	ops[2] = make_map(WIN + 5 * fake_size(1) - PAGES(2), m->addr, 4, R);
	ops[3] = make_unmap(far + PAGES(3), 2);
	ops[4] = make_map_handle(far + PAGES(3), m->handle, 5, 2, R);
	ops[5] = make_unmap(WIN + 5 * fake_size(1), 1);
	ops[6] = make_map(BASE + PAGES(2), m->addr + PAGES(9), 1, RW);
	return 7;
}

static void atomic_sweep(struct kunit *test)
{
	struct model *m = model_create(test);
	struct unified *u = m->u;
	u32 super = unified_pretend(u, &super_run, 1, SUPER);
	u64 far = WIN + 8 * fake_size(1);
	struct sluice_dma_op ops[8] = {
		make_map(BASE, m->addr, SLOTS, RW),
		make_map_handle(far, super, 0, SUPER, RW),
	};
	unsigned int nr, n, at;
	struct unified_state *before;
	unsigned long pins;
	int ret;

	KUNIT_ASSERT_EQ(test, 0, unified_batch(u, ops, 2));
	nr = make_all(m, ops);
	before = unified_state(u);
	pins = unified_pins(u, m->addr, SLOTS);
	for (n = 1;; n++) {
		struct sluice_txn txn;

		KUNIT_ASSERT_LT(test, n, 100);
		down_read(&u->space.lock);
		KUNIT_ASSERT_EQ(test, 0, sluice_txn_begin(&txn, &u->space,
							  true));
		atomic_set(&u->hw->fail_alloc, n);
		ret = sluice_atomic_run(&txn, ops, nr, &at);
		atomic_set(&u->hw->fail_alloc, 0);
		KUNIT_EXPECT_EQ(test, 0, sluice_txn_end(&txn));
		up_read(&u->space.lock);
		if (!ret)
			break;
		KUNIT_ASSERT_EQ(test, ret, -ENOMEM);
		KUNIT_ASSERT_EQ(test, txn.unmapped, 0);
		KUNIT_ASSERT_LT(test, at, nr);
		unified_expect_state(u, before);
		KUNIT_ASSERT_EQ(test, pins, unified_pins(u, m->addr, SLOTS));
		sluice_space_reclaim(&u->space);
	}
	KUNIT_EXPECT_GE(test, n, 5);
	unified_expect_mapped(u, 2, BASE + PAGES(2), m->addr + PAGES(9), 1);
	unified_expect_mapped(u, 2, BASE + PAGES(3), m->addr, 4);
	unified_expect_hole(u, 2, BASE + PAGES(7), 1);
	unified_expect_phys(u, 0, far, super_run.pfn, 3);
	unified_expect_mapped(u, 0, far + PAGES(3), m->addr + PAGES(5), 2);
	unified_expect_hole(u, 0, WIN + 5 * fake_size(1), 1);
	KUNIT_EXPECT_EQ(test, unified_pins(u, m->addr, SLOTS),
			pins - 6 + 4 + 3 + 1);
	unified_clear(u);
	unified_forget(u, super);
	kfree(before);
	unified_finish(u);
}

static void atomic_errors(struct kunit *test)
{
	struct model *m = model_create(test);
	struct unified *u = m->u;
	unsigned long hole = unified_memory(u, 2) + PAGES(1);
	struct sluice_dma_op ops[4] = {
		make_map(BASE, m->addr, 4, RW),
		make_unmap(BASE + PAGES(1), 2),
		make_map(BASE + PAGES(1), m->addr, 1, R),
	};
	const struct {
		struct sluice_dma_op op;
		int ret;
	} bad[] = {
		{ make_map(BASE + PAGES(8), hole - PAGES(1), 2, RW), -EFAULT },
		{ make_map(WIN - PAGES(1), m->addr, 1, RW), -EINVAL },
		{ make_map_handle(BASE + PAGES(8), m->handle + 1, 0, 1, RW),
		  -ENOENT },
		{ make_map_handle(BASE + PAGES(8), m->handle, SLOTS, 1, RW),
		  -EINVAL },
		{ make_map(BASE, m->addr, 1, RW), -EEXIST },
		{ make_map(BASE + PAGES(1), m->addr, 2, RW), -EEXIST },
		{ make_map(BASE + PAGES(8), m->addr, 1, 0), -EINVAL },
	};
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 0, vm_munmap(hole, PAGES(1)));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		ops[3] = bad[i].op;
		atomic_set(&u->hw->maps, 0);
		KUNIT_EXPECT_EQ_MSG(test, bad[i].ret,
				    unified_atomic(u, ops, 4), "bad %u", i);
		KUNIT_EXPECT_EQ(test, u->batch.nr_done, 3);
		KUNIT_EXPECT_EQ(test, u->batch.unmapped, 0);
		expect_model(m);
	}
	KUNIT_EXPECT_EQ(test, 0, unified_atomic(u, ops, 3));
	KUNIT_EXPECT_EQ(test, u->batch.unmapped, PAGES(2));
	unified_expect_mapped(u, 0, BASE + PAGES(1), m->addr, 1);
	unified_expect_hole(u, 0, BASE + PAGES(2), 1);
	unified_finish(u);
}

static void atomic_too_many(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	struct sluice_dma_batch batch = {
		.argsz = sizeof(batch),
		.flags = SLUICE_BATCH_ATOMIC,
		.nr_ops = SLUICE_BATCH_ATOMIC_MAX + 1,
	};

	KUNIT_EXPECT_EQ(test, -E2BIG, unified_ioctl(u, SLUICE_DMA_BATCH, &batch,
						    sizeof(batch)));
	batch.nr_ops = SLUICE_BATCH_ATOMIC_MAX;
	KUNIT_EXPECT_EQ(test, -EFAULT,
			unified_ioctl(u, SLUICE_DMA_BATCH, &batch,
				      sizeof(batch)));
	unified_finish(u);
}

static struct kunit_case atomic_cases[] = {
	KUNIT_CASE(atomic_random),
	KUNIT_CASE(atomic_sweep),
	KUNIT_CASE(atomic_errors),
	KUNIT_CASE(atomic_too_many),
	{}
};

static struct kunit_suite atomic_suite = {
	.name = "sluice_unified_atomic",
	.suite_init = fake_suite_init,
	.suite_exit = fake_suite_exit,
	.test_cases = atomic_cases,
};

kunit_test_suite(atomic_suite);
