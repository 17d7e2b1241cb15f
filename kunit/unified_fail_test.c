// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unified spaces when memory is short: each operation fails at its first, second,
 * ... table, and at each page that it maps; then everything is as before.
 */
#include <linux/slab.h>

#include "unified_fixture.h"

/* Around the border between two tables of the lowest level. */
#define BORDER (WIN + 4 * fake_size(1))
#define NR 24U
#define START (BORDER - PAGES(NR / 2))

/**
 * struct sweep - a space, and what will fail there
 * @u: the space
 * @addr: memory of NR pages
 * @handle: the same, registered
 * @pretended: a superpage
 */
struct sweep {
	struct unified *u;
	unsigned long addr;
	u32 handle;
	u32 pretended;
};

/**
 * struct fail_param - a variant of the suite
 * @name: for the test's name
 * @two: the space has two domains
 */
struct fail_param {
	const char *name;
	bool two;
};

static const struct fail_param params[] = {
	{ "one-domain", false },
	{ "two-domains", true },
};

KUNIT_ARRAY_PARAM_DESC(fail, params, name);

static bool two_domains(struct kunit *test)
{
	const struct fail_param *param = test->param_value;

	return param->two;
}

static struct sweep sweep_create(struct kunit *test)
{
	static const struct sluice_run run = { 0, 8 * SUPER };
	struct sweep s = { .u = unified_ready(test) };

	if (two_domains(test))
		KUNIT_ASSERT_EQ(test, 0, unified_attach(s.u, 2));
	s.addr = unified_memory(s.u, NR);
	KUNIT_ASSERT_EQ(test, 0,
			unified_register(s.u, s.addr, NR, RW, &s.handle));
	s.pretended = unified_pretend(s.u, &run, 1, SUPER);
	return s;
}

static void sweep_finish(struct sweep *s)
{
	unified_clear(s->u);
	unified_forget(s->u, s->pretended);
	unified_finish(s->u);
}

/*
 * Has @op fail at every page that it maps, or table, by @countdown. Each fails in
 * two rounds: what failed for lack of memory is tried again after a reclaim.
 * Returns how often it failed.
 */
static unsigned int sweep(struct sweep *s, const struct sluice_dma_op *op,
			  atomic_t *countdown, unsigned int max)
{
	struct unified_state *before = unified_state(s->u);
	unsigned long pins = unified_pins(s->u, s->addr, NR);
	struct kunit *test = s->u->test;
	unsigned int n, failures = 0;

	for (n = 1;; n++) {
		struct sluice_txn txn;
		int ret;

		KUNIT_ASSERT_LT(test, n, max);
		/* As batch.c does it, but for the second try. */
		down_read(&s->u->space.lock);
		KUNIT_ASSERT_EQ(test, 0,
				sluice_txn_begin(&txn, &s->u->space, n & 1));
		atomic_set(countdown, n);
		ret = sluice_op_run(&txn, op);
		atomic_set(countdown, 0);
		KUNIT_EXPECT_EQ(test, 0, sluice_txn_end(&txn));
		up_read(&s->u->space.lock);
		if (!ret)
			break;
		failures++;
		KUNIT_ASSERT_EQ(test, -ENOMEM, ret);
		KUNIT_ASSERT_EQ(test, 0, txn.unmapped);
		unified_expect_state(s->u, before);
		KUNIT_ASSERT_EQ(test, pins, unified_pins(s->u, s->addr, NR));
		/* The next one misses its tables again. */
		sluice_space_reclaim(&s->u->space);
	}
	kfree(before);
	return failures;
}

static void fail_map(struct kunit *test)
{
	struct sweep s = sweep_create(test);
	struct fake_hw *hw = s.u->hw;
	struct sluice_dma_op op = make_map(START, s.addr, NR, RW);
	unsigned int domains = unified_domains(s.u);

	KUNIT_EXPECT_EQ(test, sweep(&s, &op, &hw->fail_map, 100), domains * NR);
	unified_expect_mapped(s.u, 0, START, s.addr, NR);
	unified_clear(s.u);
	sluice_space_reclaim(&s.u->space);
	KUNIT_EXPECT_GE(test, sweep(&s, &op, &hw->fail_alloc, 100),
			4 * domains);
	unified_expect_mapped(s.u, 0, START, s.addr, NR);
	sweep_finish(&s);
}

static void fail_map_handle(struct kunit *test)
{
	struct sweep s = sweep_create(test);
	struct fake_hw *hw = s.u->hw;
	struct sluice_dma_op op = make_map_handle(START, s.handle, 0, NR, RW);
	unsigned int domains = unified_domains(s.u);

	KUNIT_EXPECT_EQ(test, sweep(&s, &op, &hw->fail_map, 100), domains * NR);
	unified_expect_mapped(s.u, 0, START, s.addr, NR);
	unified_clear(s.u);
	sluice_space_reclaim(&s.u->space);
	KUNIT_EXPECT_GE(test, sweep(&s, &op, &hw->fail_alloc, 100),
			4 * domains);
	unified_expect_mapped(s.u, 0, START, s.addr, NR);
	sweep_finish(&s);
}

/* In the second domain, but not in the first; caches are asked, too. */
static void fail_map_seen(struct kunit *test)
{
	struct sweep s = sweep_create(test);
	struct unified *u = s.u;
	unsigned int n;

	for (n = 1; n <= unified_domains(u) * NR; n++) {
		struct sluice_dma_op op = make_map(START, s.addr, NR, RW);

		atomic_set(&u->hw->fail_map, n);
		/* Tried again once, and then there is memory. */
		KUNIT_EXPECT_EQ(test, 0, unified_do(u, op));
		unified_expect_mapped(u, 0, START, s.addr, NR);
		if (two_domains(test))
			unified_expect_mapped(u, 2, START, s.addr, NR);
		KUNIT_EXPECT_EQ(test, NR, unified_clear(u));
		unified_expect_hole(u, 0, START, NR);
		KUNIT_EXPECT_EQ(test, unified_pins(u, s.addr, NR), NR);
		KUNIT_EXPECT_EQ(test, unified_locked(u), NR);
	}
	sweep_finish(&s);
}

/* EEXIST in the middle: what was mapped before it goes, what was there stays. */
static void fail_eexist(struct kunit *test)
{
	struct sweep s = sweep_create(test);
	struct unified *u = s.u;
	struct unified_state *before;
	unsigned int i;

	for (i = 0; i < NR; i++) {
		u64 at = START + PAGES(i);

		KUNIT_ASSERT_EQ(test, 0,
				unified_do(u, make_map(at, s.addr, 1, R)));
		before = unified_state(u);
		KUNIT_EXPECT_EQ(test, -EEXIST,
				unified_do(u, make_map(START, s.addr, NR, RW)));
		unified_expect_state(u, before);
		KUNIT_EXPECT_EQ(test, -EEXIST,
				unified_do(u, make_map_handle(START, s.handle,
							      0, NR, RW)));
		unified_expect_state(u, before);
		KUNIT_EXPECT_EQ(test, unified_pins(u, s.addr, NR), NR + 1);
		kfree(before);
		KUNIT_ASSERT_EQ(test, 1, unified_clear(u));
	}
	sweep_finish(&s);
}

/* An unmap that needs tables to cut with, at both ends, in several windows. */
static void fail_cut(struct kunit *test)
{
	struct sweep s = sweep_create(test);
	struct unified *u = s.u;
	struct sluice_dma_op ops[] = {
		make_map_handle(BORDER, s.pretended, 0, SUPER, RW),
		make_map(BORDER + PAGES(SUPER), s.addr, NR, RW),
		make_map_handle(BORDER + 2 * fake_size(1), s.pretended, 0,
				SUPER, R),
	};
	struct sluice_dma_op op = make_unmap(BORDER + PAGES(7), 2 * SUPER + 9);

	KUNIT_ASSERT_EQ(test, 0, unified_batch(u, ops, 3));
	/* A cut that was done before another one failed isn't taken back. */
	KUNIT_EXPECT_EQ(test, sweep(&s, &op, &u->hw->fail_alloc, 20),
			unified_domains(u) + 1);
	unified_expect_phys(u, 0, BORDER, 8 * SUPER, 7);
	unified_expect_hole(u, 0, BORDER + PAGES(7), 2 * SUPER + 9);
	unified_expect_phys(u, 0, BORDER + PAGES(2 * SUPER + 16),
			    8 * SUPER + 16, SUPER - 16);
	KUNIT_EXPECT_EQ(test, unified_pins(u, s.addr, NR), NR);
	sweep_finish(&s);
}

static struct kunit_case fail_cases[] = {
	KUNIT_CASE_PARAM(fail_map, fail_gen_params),
	KUNIT_CASE_PARAM(fail_map_handle, fail_gen_params),
	KUNIT_CASE_PARAM(fail_map_seen, fail_gen_params),
	KUNIT_CASE_PARAM(fail_eexist, fail_gen_params),
	KUNIT_CASE_PARAM(fail_cut, fail_gen_params),
	{}
};

static struct kunit_suite fail_suite = {
	.name = "sluice_unified_fail",
	.suite_init = fake_suite_init,
	.suite_exit = fake_suite_exit,
	.test_cases = fail_cases,
};

kunit_test_suite(fail_suite);
