// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arithmetic on sets of IOVAs, against a bitmap.
 *
 * The random cases run twice: in the lowest and in the highest BITS units of
 * the 64-bit space, where every "+ 1" overflows.
 */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/prandom.h>
#include "core/private.h"

#define BITS 256

static void free_ranges(void *data)
{
	sluice_ranges_free(data);
}

static struct sluice_ranges *make(struct kunit *test,
				  const struct sluice_range *v, unsigned int nr)
{
	struct sluice_ranges *set = kunit_kzalloc(test, sizeof(*set),
						  GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, set);
	KUNIT_ASSERT_EQ(test, 0, sluice_ranges_copy(set, v, nr));
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, free_ranges, set));
	return set;
}

static void expect(struct kunit *test, const struct sluice_ranges *set,
		   const struct sluice_range *v, unsigned int nr)
{
	unsigned int i;

	KUNIT_ASSERT_EQ(test, set->nr, nr);
	for (i = 0; i < nr; i++) {
		KUNIT_EXPECT_EQ(test, set->v[i].start, v[i].start);
		KUNIT_EXPECT_EQ(test, set->v[i].last, v[i].last);
	}
}

#define EXPECT(test, set, ...) do {					\
	static const struct sluice_range want[] = { __VA_ARGS__ };	\
									\
	expect(test, set, want, ARRAY_SIZE(want));			\
} while (0)

static const struct sluice_range whole = { 0, U64_MAX };

static void ranges_exclude_ends(struct kunit *test)
{
	struct sluice_ranges *set = make(test, &whole, 1);

	KUNIT_ASSERT_EQ(test, 0, sluice_ranges_exclude(set, 0, 0xfff));
	EXPECT(test, set, { 0x1000, U64_MAX });
	KUNIT_ASSERT_EQ(test, 0,
			sluice_ranges_exclude(set, U64_MAX - 0xfff, U64_MAX));
	EXPECT(test, set, { 0x1000, U64_MAX - 0x1000 });
	KUNIT_ASSERT_EQ(test, 0, sluice_ranges_exclude(set, 0x1000, 0x1000));
	EXPECT(test, set, { 0x1001, U64_MAX - 0x1000 });
	KUNIT_ASSERT_EQ(test, 0,
			sluice_ranges_exclude(set, U64_MAX - 0x1000, U64_MAX));
	EXPECT(test, set, { 0x1001, U64_MAX - 0x1001 });
}

static void ranges_exclude_hole(struct kunit *test)
{
	struct sluice_ranges *set = make(test, &whole, 1);

	/* The x86 interrupt window. */
	KUNIT_ASSERT_EQ(test, 0,
			sluice_ranges_exclude(set, 0xfee00000, 0xfeefffff));
	EXPECT(test, set, { 0, 0xfedfffff }, { 0xfef00000, U64_MAX });
	/* Again: nothing is left there to remove. */
	KUNIT_ASSERT_EQ(test, 0,
			sluice_ranges_exclude(set, 0xfee00000, 0xfeefffff));
	EXPECT(test, set, { 0, 0xfedfffff }, { 0xfef00000, U64_MAX });
	KUNIT_ASSERT_EQ(test, 0,
			sluice_ranges_exclude(set, 0xf0000000, 0x1000fffff));
	EXPECT(test, set, { 0, 0xefffffff }, { 0x100100000, U64_MAX });
}

static void ranges_exclude_all(struct kunit *test)
{
	struct sluice_ranges *set = make(test, &whole, 1);

	KUNIT_ASSERT_EQ(test, 0, sluice_ranges_exclude(set, 0, U64_MAX));
	KUNIT_EXPECT_EQ(test, set->nr, 0);
	/* Nothing minus something, and nothing contains nothing. */
	KUNIT_ASSERT_EQ(test, 0, sluice_ranges_exclude(set, 0, U64_MAX));
	KUNIT_EXPECT_EQ(test, set->nr, 0);
	KUNIT_EXPECT_FALSE(test, sluice_ranges_contain(set, 0, 0));
	KUNIT_EXPECT_FALSE(test, sluice_ranges_contain(set, U64_MAX, U64_MAX));
}

static void ranges_intersect_ends(struct kunit *test)
{
	static const struct sluice_range a[] = {
		{ 0, 0xffff }, { U64_MAX - 0xffff, U64_MAX },
	};
	static const struct sluice_range b[] = {
		{ 0xffff, U64_MAX - 0xffff },
	};
	struct sluice_ranges *set = make(test, a, 2);

	KUNIT_ASSERT_EQ(test, 0,
			sluice_ranges_intersect(set, make(test, &whole, 1)));
	EXPECT(test, set, { 0, 0xffff }, { U64_MAX - 0xffff, U64_MAX });
	KUNIT_ASSERT_EQ(test, 0,
			sluice_ranges_intersect(set, make(test, b, 1)));
	EXPECT(test, set, { 0xffff, 0xffff },
	       { U64_MAX - 0xffff, U64_MAX - 0xffff });
	KUNIT_ASSERT_EQ(test, 0,
			sluice_ranges_intersect(set, make(test, b, 0)));
	KUNIT_EXPECT_EQ(test, set->nr, 0);
}

static void ranges_align_ends(struct kunit *test)
{
	static const struct sluice_range v[] = {
		{ 0x0001, 0x0fff },		/* no page: vanishes */
		{ 0x1800, 0x37ff },		/* one page */
		{ 0x4000, 0x4fff },		/* stays */
		{ 0x7fff, 0x8001 },		/* vanishes */
		{ U64_MAX - 0x1fff, U64_MAX - 0xfff },
		{ U64_MAX - 0xffe, U64_MAX },	/* rounding up overflows */
	};
	struct sluice_ranges *set = make(test, v, ARRAY_SIZE(v));

	sluice_ranges_align(set, 0x1000);
	EXPECT(test, set, { 0x2000, 0x2fff }, { 0x4000, 0x4fff },
	       { U64_MAX - 0x1fff, U64_MAX - 0x1000 });

	set = make(test, &whole, 1);
	sluice_ranges_align(set, 0x1000);
	EXPECT(test, set, { 0, U64_MAX });

	set = make(test, &v[5], 1);
	sluice_ranges_align(set, 1);
	EXPECT(test, set, { U64_MAX - 0xffe, U64_MAX });
}

/* ---- Against a bitmap ---- */

struct model {
	struct sluice_ranges *set;
	u64 base;	/* IOVA of bit 0 */
	DECLARE_BITMAP(map, BITS);
};

/* The set must be what the bitmap says, in canonical form. */
static void check_model(struct kunit *test, struct model *m)
{
	unsigned int start, end, i = 0;

	for_each_set_bitrange(start, end, m->map, BITS) {
		KUNIT_ASSERT_LT(test, i, m->set->nr);
		KUNIT_ASSERT_EQ(test, m->set->v[i].start, m->base + start);
		KUNIT_ASSERT_EQ(test, m->set->v[i].last,
				m->base + (end - 1));
		i++;
	}
	KUNIT_ASSERT_EQ(test, m->set->nr, i);
}

static void random_exclude(struct kunit *test, struct rnd_state *rnd,
			   struct model *m, unsigned int holes)
{
	static const struct sluice_range empty;

	m->set = make(test, &empty, 1);
	m->set->v[0].start = m->base;
	m->set->v[0].last = m->base + (BITS - 1);
	bitmap_fill(m->map, BITS);
	check_model(test, m);
	while (holes--) {
		unsigned int start = prandom_u32_state(rnd) % BITS;
		unsigned int n = prandom_u32_state(rnd) % 16 + 1;

		n = min(n, BITS - start);
		KUNIT_ASSERT_EQ(test, 0,
				sluice_ranges_exclude(m->set, m->base + start,
						      m->base + start +
						      (n - 1)));
		bitmap_clear(m->map, start, n);
		check_model(test, m);
	}
}

static void check_contain(struct kunit *test, struct rnd_state *rnd,
			  struct model *m)
{
	unsigned int i;

	for (i = 0; i < 200; i++) {
		unsigned int start = prandom_u32_state(rnd) % BITS;
		unsigned int n = prandom_u32_state(rnd) % 8 + 1;
		bool want;

		n = min(n, BITS - start);
		want = find_next_zero_bit(m->map, start + n, start) >=
		       start + n;
		KUNIT_ASSERT_EQ(test, want,
				sluice_ranges_contain(m->set, m->base + start,
						      m->base + start +
						      (n - 1)));
	}
}

static void align_model(struct model *m, unsigned int granule)
{
	unsigned int i;

	for (i = 0; i < BITS; i += granule) {
		if (find_next_zero_bit(m->map, i + granule, i) < i + granule)
			bitmap_clear(m->map, i, granule);
	}
}

/*
 * Aligning works per range and does not join; so compare the covered units,
 * not the form.
 */
static void check_aligned(struct kunit *test, struct model *m)
{
	unsigned int i, j;

	for (i = 0; i < BITS; i++) {
		bool in = false;

		for (j = 0; j < m->set->nr; j++)
			in |= m->base + i >= m->set->v[j].start &&
			      m->base + i <= m->set->v[j].last;
		KUNIT_ASSERT_EQ(test, in, test_bit(i, m->map));
	}
}

static void ranges_random(struct kunit *test)
{
	static const u64 bases[] = { 0, 0x7ffff00, U64_MAX - (BITS - 1) };
	struct model a, b;
	struct rnd_state rnd;
	unsigned int round;

	prandom_seed_state(&rnd, 0x5107);
	for (round = 0; round < 150; round++) {
		a.base = bases[round % ARRAY_SIZE(bases)];
		b.base = a.base;
		random_exclude(test, &rnd, &a, round % 24);
		random_exclude(test, &rnd, &b, 10);
		check_contain(test, &rnd, &a);

		KUNIT_ASSERT_EQ(test, 0,
				sluice_ranges_intersect(a.set, b.set));
		bitmap_and(a.map, a.map, b.map, BITS);
		check_model(test, &a);
		check_model(test, &b);

		sluice_ranges_align(a.set, 4);
		align_model(&a, 4);
		check_aligned(test, &a);
	}
}

static struct kunit_case ranges_cases[] = {
	KUNIT_CASE(ranges_exclude_ends),
	KUNIT_CASE(ranges_exclude_hole),
	KUNIT_CASE(ranges_exclude_all),
	KUNIT_CASE(ranges_intersect_ends),
	KUNIT_CASE(ranges_align_ends),
	KUNIT_CASE(ranges_random),
	{}
};

static struct kunit_suite ranges_suite = {
	.name = "sluice_ranges",
	.test_cases = ranges_cases,
};

kunit_test_suite(ranges_suite);
