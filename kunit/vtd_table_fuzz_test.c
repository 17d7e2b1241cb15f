// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMAR tables that firmware has got wrong: what can be used is used, and no more.
 */
#include <linux/iommu.h>
#include <linux/prandom.h>
#include <linux/printk.h>
#include <linux/slab.h>

#include "vtd_table_writer.h"

static unsigned int count(const struct list_head *reports)
{
	return list_count_nodes((struct list_head *)reports);
}

static void expect_parsed(struct kunit *test, const struct writer *w, int ret,
			  unsigned int rmrrs)
{
	struct vtd_table table;

	KUNIT_EXPECT_EQ(test, ret, vtd_table_parse(&table, w->at, w->n));
	KUNIT_EXPECT_EQ(test, rmrrs, count(&table.rmrrs));
	vtd_table_free(&table);
}

/* Whose length can't be right: no way on. What came before is kept. */
static void wrong_lengths(struct kunit *test)
{
	static const u16 lengths[] = { 0, 1, 3, 25, 0x8000, 0xffff };
	struct writer w;
	unsigned int i;

	writer_begin(&w);
	expect_parsed(test, &w, 0, 0);
	w.n = 47;
	expect_parsed(test, &w, -EINVAL, 0);
	w.n = 0;
	expect_parsed(test, &w, -EINVAL, 0);
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		writer_begin(&w);
		writer_rmrr(&w, 0, RMRR_START, RMRR_LAST);
		writer_rmrr(&w, 0, RMRR_START, RMRR_LAST);
		put_unaligned_le16(lengths[i], &w.at[w.structure + 2]);
		expect_parsed(test, &w, -EINVAL, 1);
	}
	for (i = 1; i < 4; i++) {
		writer_begin(&w);
		writer_rmrr(&w, 0, RMRR_START, RMRR_LAST);
		w.n += i;
		expect_parsed(test, &w, -EINVAL, 1);
	}
}

/* Only this one is left out. */
static void wrong_structures(struct kunit *test)
{
	static const u8 lengths[] = { 0, 5, 9, 0xff };
	struct writer w;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		writer_begin(&w);
		writer_rmrr(&w, 0, RMRR_START, RMRR_LAST);
		writer_scope(&w, ENDPOINT, 0);
		writer_hop(&w, 0x14, 0);
		w.at[w.scope + 1] = lengths[i];
		writer_rmrr(&w, 0, RMRR_START, RMRR_LAST);
		writer_scope(&w, ENDPOINT, 0);
		writer_hop(&w, 0x1d, 0);
		expect_parsed(test, &w, 0, 1);
		machine_expect_reserved(test, &w, BIT(PORT2));
	}
	writer_begin(&w);
	writer_structure(&w, 1);
	writer_put64(&w, 0);
	writer_put64(&w, 0);
	writer_close(&w);	/* 20 bytes: the end of the memory is missing */
	writer_structure(&w, 2);
	writer_rmrr(&w, 0, RMRR_LAST, RMRR_START);
	writer_rmrr(&w, 0, RMRR_START, RMRR_LAST);
	expect_parsed(test, &w, 0, 1);
}

/* Too long to be true, or cut off in a hop: for nothing, rather than too much. */
static void wrong_paths(struct kunit *test)
{
	struct writer w;
	unsigned int i;

	writer_begin(&w);
	writer_rmrr(&w, 0, RMRR_START, RMRR_LAST);
	writer_scope(&w, BRIDGE, 0);
	for (i = 0; i < 9; i++)
		writer_hop(&w, 0x1c, 0);
	machine_expect_reserved(test, &w, 0);

	writer_begin(&w);
	writer_rmrr(&w, 0, RMRR_START, RMRR_LAST);
	writer_scope(&w, ENDPOINT, 0);
	writer_hop(&w, 0x14, 0);
	writer_put8(&w, 0x1c);
	w.at[w.scope + 1]++;
	writer_close(&w);
	machine_expect_reserved(test, &w, BIT(ALONE));
}

/* Pages are reserved as a whole. */
static void odd_addresses(struct kunit *test)
{
	struct writer w;

	writer_begin(&w);
	writer_rmrr(&w, 0, RMRR_START + 0x800, RMRR_LAST - 0x800);
	writer_scope(&w, ENDPOINT, 0);
	writer_hop(&w, 0x14, 0);
	machine_expect_reserved(test, &w, BIT(ALONE));
}

/* ---- Random ---- */

static void write_all(struct writer *w)
{
	writer_begin(w);
	writer_structure(w, 0);
	writer_put64(w, 0xfed90000);
	writer_close(w);
	writer_rmrr(w, 0, RMRR_START, RMRR_LAST);
	writer_scope(w, ENDPOINT, 0);
	writer_hop(w, 0x1c, 0);
	writer_hop(w, 0, 0);
	writer_hop(w, 5, 1);
	writer_scope(w, BRIDGE, 0);
	writer_hop(w, 0x1d, 0);
	writer_rmrr(w, 0, RMRR_START, RMRR_LAST);
	writer_scope(w, ENDPOINT, 0);
	writer_hop(w, 0x14, 0);
	writer_atsr(w, 0, 0);
	writer_scope(w, BRIDGE, 0);
	writer_hop(w, 0x1c, 0);
	writer_atsr(w, 1, 0);
}

/* Whatever it says: no access beyond its end, and an end in finite time. */
static void mutate(struct kunit *test, struct machine *m, struct writer *w,
		   struct rnd_state *rnd)
{
	unsigned int i, changes = prandom_u32_state(rnd) % 6;
	LIST_HEAD(regions);
	struct vtd_table table;
	u8 *copy;

	write_all(w);
	for (i = 0; i < changes; i++) {
		u8 *byte = &w->at[48 + prandom_u32_state(rnd) % (w->n - 48)];

		*byte = prandom_u32_state(rnd) & 1 ? prandom_u32_state(rnd) :
						     *byte ^ 1 << i;
	}
	if (!(prandom_u32_state(rnd) % 4))
		w->n = prandom_u32_state(rnd) % w->n;
	/* As long as it is, so that what lies behind it is watched. */
	copy = kmemdup(w->at, w->n ?: 1, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, copy);
	vtd_table_parse(&table, copy, w->n);
	kfree(copy);
	i = prandom_u32_state(rnd) % NR_DEVICES;
	vtd_reserved_regions(&table, &m->dev[i].dev, &regions);
	vtd_ats_reported(&table, &m->dev[i]);
	KUNIT_ASSERT_LE(test, 1, list_count_nodes(&regions));
	machine_free_regions(&regions);
	vtd_table_free(&table);
}

/* Where every access is watched, each takes a millisecond. */
#define ROUNDS (IS_ENABLED(CONFIG_KASAN) ? 5000 : 100000)

static void mutations(struct kunit *test)
{
	struct machine *m = machine_create(test);
	struct writer *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
	struct rnd_state rnd;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, w);
	prandom_seed_state(&rnd, 20270110);
	for (i = 0; i < ROUNDS; i++) {
		mutate(test, m, w, &rnd);
		cond_resched();
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(wrong_lengths),
	KUNIT_CASE(wrong_structures),
	KUNIT_CASE(wrong_paths),
	KUNIT_CASE(odd_addresses),
	KUNIT_CASE_SLOW(mutations),
	{}
};

static struct kunit_suite suite = {
	.name = "sluice_vtd_table_fuzz",
	.test_cases = cases,
};

kunit_test_suite(suite);
