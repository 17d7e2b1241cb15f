// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA_BATCH in legacy spaces: the types' own rules, and one flush.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "core/legacy_txn.h"
#include "legacy_fixture.h"
#include "make_op.h"

#define IOVA 0x40000000ULL
#define RIGHTS (SLUICE_READ | SLUICE_WRITE)

static const struct legacy_param params[] = {
	{ "v1", SLUICE_SPACE_TYPE1, false },
	{ "v2", SLUICE_SPACE_TYPE1V2, false },
	{ "v2-bare", SLUICE_SPACE_TYPE1V2, true },
};

KUNIT_ARRAY_PARAM_DESC(vector, params, name);

/* What a vector returned. */
struct outcome {
	int ret;
	unsigned int done;
	u64 unmapped;
};

static struct outcome run(struct legacy *l, const struct sluice_dma_op *ops,
			  unsigned int nr)
{
	struct outcome o = {};

	down_read(&l->space.lock);
	o.ret = sluice_legacy_vector(&l->space, ops, nr, &o.done, &o.unmapped);
	up_read(&l->space.lock);
	return o;
}

static void expect_outcome(struct kunit *test, struct outcome o, int ret,
			   unsigned int done, u64 pages)
{
	KUNIT_EXPECT_EQ(test, o.ret, ret);
	KUNIT_EXPECT_EQ(test, o.done, done);
	KUNIT_EXPECT_EQ(test, o.unmapped, PAGES(pages));
}

/* Maps so many single pages, far apart. */
static void map_scattered(struct legacy *l, unsigned long addr, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		KUNIT_ASSERT_EQ(l->test, 0,
				legacy_map(l, IOVA + PAGES(8 * i),
					   addr + PAGES(i), 1, RW));
}

static void vector_one_flush(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = legacy_memory(l, 16);
	struct sluice_dma_op ops[16];
	unsigned int i;

	map_scattered(l, addr, 16);
	for (i = 0; i < 16; i++) {
		legacy_expect_mapped(l, 0, IOVA + PAGES(8 * i),
				     addr + PAGES(i), 1);
		ops[i] = make_unmap(IOVA + PAGES(8 * i), 1);
	}
	atomic_set(&l->hw->flushes, 0);
	expect_outcome(test, run(l, ops, 16), 0, 16, 16);
	KUNIT_EXPECT_EQ(test, atomic_read(&l->hw->flushes), 1);
	for (i = 0; i < 16; i++)
		legacy_expect_hole(l, 0, IOVA + PAGES(8 * i), 1);
	KUNIT_EXPECT_EQ(test, legacy_pinned(l, addr, 16), 0);
	KUNIT_EXPECT_EQ(test, legacy_locked(l), 0);
	legacy_finish(l);
}

/* Unmapped and mapped again by turns: each sees what was done before it. */
static void vector_in_order(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = legacy_memory(l, 16);
	struct sluice_dma_op ops[24];
	unsigned int i;

	map_scattered(l, addr, 8);
	for (i = 0; i < 8; i++) {
		u64 iova = IOVA + PAGES(8 * i);

		legacy_expect_mapped(l, 0, iova, addr + PAGES(i), 1);
		ops[3 * i] = make_unmap(iova, 1);
		ops[3 * i + 1] = make_map(iova, addr + PAGES(8 + i), 1,
					  RIGHTS);
		/* That is there by now. */
		ops[3 * i + 2] = make_unmap(iova + PAGES(1), 7);
	}
	atomic_set(&l->hw->flushes, 0);
	expect_outcome(test, run(l, ops, 24), 0, 24, 8);
	KUNIT_EXPECT_EQ(test, atomic_read(&l->hw->flushes), 1);
	for (i = 0; i < 8; i++)
		legacy_expect_mapped(l, 0, IOVA + PAGES(8 * i),
				     addr + PAGES(8 + i), 1);
	KUNIT_EXPECT_EQ(test, legacy_pinned(l, addr, 8), 0);
	KUNIT_EXPECT_EQ(test, legacy_pinned(l, addr + PAGES(8), 8), 8);
	KUNIT_EXPECT_EQ(test, legacy_locked(l), 8);
	expect_outcome(test, run(l, (struct sluice_dma_op []){
				make_unmap_all() }, 1), 0, 1, 8);
	legacy_finish(l);
}

static void vector_stops_at_the_first_error(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = legacy_memory(l, 8);
	struct sluice_dma_op ops[] = {
		make_map(IOVA, addr, 4, RIGHTS),
		make_map(IOVA + PAGES(3), addr, 4, RIGHTS),
		make_unmap(IOVA, 4),
	};

	expect_outcome(test, run(l, ops, 3), -EEXIST, 1, 0);
	legacy_expect_mapped(l, 0, IOVA, addr, 4);
	legacy_expect_hole(l, 0, IOVA + PAGES(4), 4);

	/* Invalid by itself, but those before it count. */
	ops[0] = make_unmap(IOVA, 4);
	ops[1] = make_map_handle(IOVA, 1, 0, 1, RIGHTS);
	expect_outcome(test, run(l, ops, 3), -EINVAL, 1, 4);
	ops[0].iova++;
	expect_outcome(test, run(l, ops, 3), -EINVAL, 0, 0);
	expect_outcome(test, run(l, ops, 0), 0, 0, 0);
	KUNIT_EXPECT_EQ(test, legacy_locked(l), 0);
	legacy_finish(l);
}

static void vector_whole_mappings(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = legacy_memory(l, 16);
	bool v1 = l->space.type == SLUICE_SPACE_TYPE1;
	struct sluice_dma_op ops[] = {
		make_unmap(IOVA + PAGES(4), 4),
		make_unmap(IOVA, 4),
	};

	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, IOVA, addr, 8, RW));
	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, IOVA + PAGES(8),
					    addr + PAGES(8), 8, RW));
	/* As UNMAP_DMA, there: nothing, and then all. */
	if (v1)
		expect_outcome(test, run(l, ops, 2), 0, 2, 8);
	else
		expect_outcome(test, run(l, ops, 2), -EINVAL, 0, 0);
	legacy_expect_mapped(l, 0, IOVA + PAGES(8), addr + PAGES(8), 8);
	if (!v1)
		legacy_expect_mapped(l, 0, IOVA, addr, 8);
	else
		legacy_expect_hole(l, 0, IOVA, 8);
	legacy_finish(l);
}

/* More than waits for one flush. */
static void vector_large(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = legacy_memory(l, 2000);
	struct sluice_dma_op ops[] = {
		make_unmap(IOVA, 1000),
		make_unmap(IOVA + PAGES(1000), 1000),
	};

	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, IOVA, addr, 1000, RW));
	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, IOVA + PAGES(1000),
					    addr + PAGES(1000), 1000, RW));
	expect_outcome(test, run(l, ops, 2), 0, 2, 2000);
	legacy_expect_hole(l, 0, IOVA, 2000);
	KUNIT_EXPECT_EQ(test, legacy_pinned(l, addr, 2000), 0);
	KUNIT_EXPECT_EQ(test, legacy_locked(l), 0);
	legacy_finish(l);
}

/* What was unmapped before makes room, as in calls of their own. */
static void vector_at_the_limit(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = legacy_memory(l, 16);
	struct sluice_dma_op ops[] = {
		make_unmap(IOVA, 8),
		make_map(IOVA, addr + PAGES(8), 8, RIGHTS),
		make_map(IOVA + PAGES(8), addr, 1, RIGHTS),
	};
	const struct cred *old;
	struct outcome o;

	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, IOVA, addr, 8, RW));
	legacy_expect_mapped(l, 0, IOVA, addr, 8);
	old = legacy_limit(test, 0);
	o = run(l, ops, 3);
	legacy_unlimit(old);
	expect_outcome(test, o, -ENOMEM, 2, 8);
	legacy_expect_mapped(l, 0, IOVA, addr + PAGES(8), 8);
	legacy_expect_hole(l, 0, IOVA + PAGES(8), 1);
	KUNIT_EXPECT_EQ(test, legacy_pinned(l, addr, 8), 0);
	KUNIT_EXPECT_EQ(test, legacy_locked(l), 8);
	legacy_finish(l);
}

static void vector_dead(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = legacy_memory(l, 16);
	struct sluice_dma_op ops[] = {
		make_unmap(IOVA, 8),
		make_map(IOVA, addr + PAGES(8), 8, RIGHTS),
	};

	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, IOVA, addr, 8, RW));
	legacy_expect_mapped(l, 0, IOVA, addr, 8);
	l->hw->flush_error = -EIO;
	expect_outcome(test, run(l, ops, 1), -EIO, 1, 8);
	KUNIT_EXPECT_EQ(test, legacy_pinned(l, addr, 8), 8);
	KUNIT_EXPECT_EQ(test, legacy_locked(l), 8);
	expect_outcome(test, run(l, ops + 1, 1), -EIO, 0, 0);
	KUNIT_EXPECT_EQ(test, legacy_locked(l), 8);
	legacy_unpin(test, addr, 8);
	sluice_unaccount(current->mm, 8);
	legacy_finish(l);
}

static struct kunit_case vector_cases[] = {
	KUNIT_CASE_PARAM(vector_one_flush, vector_gen_params),
	KUNIT_CASE_PARAM(vector_in_order, vector_gen_params),
	KUNIT_CASE_PARAM(vector_stops_at_the_first_error, vector_gen_params),
	KUNIT_CASE_PARAM(vector_whole_mappings, vector_gen_params),
	KUNIT_CASE_PARAM(vector_large, vector_gen_params),
	KUNIT_CASE_PARAM(vector_at_the_limit, vector_gen_params),
	KUNIT_CASE_PARAM(vector_dead, vector_gen_params),
	{}
};

static struct kunit_suite vector_suite = {
	.name = "sluice_legacy_vector",
	.suite_init = fake_suite_init,
	.suite_exit = fake_suite_exit,
	.test_cases = vector_cases,
};

kunit_test_suite(vector_suite);
