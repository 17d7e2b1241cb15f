// SPDX-License-Identifier: GPL-2.0-only
/*
 * Maps and unmaps of a SPAPR space of version 2, with windows whose pages are smaller
 * than the CPU's, as large, and larger.
 */
#include <linux/sizes.h>

#include "spapr_fixture.h"

/* Pages of the window, and of memory. */
#define WINDOW 128U
#define PAGES 64U
/* Memory that isn't there. */
#define PRETENDED 0x100000000000UL
#define PRETENDED_PHYS (64 * (u64)SZ_1G)

struct spapr_param {
	const char *name;
	unsigned int page_lg2;
};

static const struct spapr_param params[] = {
	{ "4K", 12 },
	{ "page", PAGE_SHIFT },
	{ "2M", 21 },
};

KUNIT_ARRAY_PARAM_DESC(spapr, params, name);

/**
 * struct maps - a space with a window, and memory to map there
 * @s: the space
 * @page: page size of the window, which begins at 0
 * @addr: registered memory of PAGES such pages
 * @size: how much that is
 */
struct maps {
	struct spapr *s;
	u64 page;
	unsigned long addr;
	u64 size;
};

static struct maps maps_create(struct kunit *test)
{
	const struct spapr_param *param = test->param_value;
	struct maps m = {
		.s = spapr_create(test, true),
		.page = BIT_ULL(param->page_lg2),
	};
	u64 start;

	KUNIT_ASSERT_EQ(test, 0, spapr_remove_window(m.s, 0));
	KUNIT_ASSERT_EQ(test, 0, spapr_create_window(m.s, param->page_lg2,
						     WINDOW * m.page, &start));
	KUNIT_ASSERT_EQ(test, start, 0);
	m.size = PAGES * m.page;
	if (m.page > PAGE_SIZE) {
		m.addr = spapr_pretend(m.s, PRETENDED, PRETENDED_PHYS, m.size,
				       m.size);
		return m;
	}
	m.addr = spapr_memory(m.s, m.size);
	KUNIT_ASSERT_EQ(test, 0, spapr_register(m.s, m.addr, m.size));
	return m;
}

/* Expects that registered memory is pinned once, and lets it go. */
static void maps_finish(struct maps *m)
{
	struct kunit *test = m->s->test;

	if (!m->s->pretended) {
		KUNIT_EXPECT_EQ(test, spapr_pins(m->s, m->addr, m->size),
				m->size >> PAGE_SHIFT);
		KUNIT_EXPECT_EQ(test, spapr_locked(m->s),
				m->size >> PAGE_SHIFT);
		KUNIT_EXPECT_EQ(test, 0,
				spapr_unmap(m->s, 0, WINDOW * m->page));
		KUNIT_EXPECT_EQ(test, 0,
				spapr_unregister(m->s, m->addr, m->size));
		KUNIT_EXPECT_EQ(test, spapr_pins(m->s, m->addr, m->size), 0);
		KUNIT_EXPECT_EQ(test, spapr_locked(m->s), 0);
	}
	spapr_unmap(m->s, 0, WINDOW * m->page);
	spapr_finish(m->s);
}

static u64 mapped(const struct maps *m)
{
	return atomic64_read(&m->s->space.uni->mapped);
}

static void maps_map_unmap(struct kunit *test)
{
	struct maps m = maps_create(test);
	struct spapr *s = m.s;
	unsigned int n;

	for (n = 1; n <= PAGES; n = 2 * n + 1) {
		u64 iova = 5 * m.page, size = n * m.page;
		unsigned long from = m.addr + (PAGES - n) * m.page;

		KUNIT_ASSERT_EQ(test, 0, spapr_map(s, iova, from, size, RW));
		spapr_expect_mapped(s, 0, iova, from, size, true);
		spapr_expect_hole(s, 0, 0, iova);
		spapr_expect_hole(s, 0, iova + size, m.page);
		KUNIT_EXPECT_EQ(test, mapped(&m), size);
		/* Holes before and behind are fine. */
		KUNIT_ASSERT_EQ(test, 0, spapr_unmap(s, 4 * m.page,
						     size + 2 * m.page));
		spapr_expect_hole(s, 0, 0, WINDOW * m.page);
		KUNIT_EXPECT_EQ(test, mapped(&m), 0);
	}
	maps_finish(&m);
}

/* The part of a page of the CPU that a small TCE shows is the right one. */
static void maps_any_page(struct kunit *test)
{
	struct maps m = maps_create(test);
	struct spapr *s = m.s;
	unsigned int i;

	for (i = 0; i < PAGES; i++) {
		u64 iova = (PAGES - 1 - i) * m.page;

		KUNIT_ASSERT_EQ(test, 0, spapr_map(s, iova, m.addr + i * m.page,
						   m.page, R));
	}
	for (i = 0; i < PAGES; i++)
		spapr_expect_mapped(s, 0, (PAGES - 1 - i) * m.page,
				    m.addr + i * m.page, m.page, false);
	KUNIT_EXPECT_EQ(test, mapped(&m), m.size);
	/* One in the middle. */
	KUNIT_ASSERT_EQ(test, 0, spapr_unmap(s, 7 * m.page, m.page));
	spapr_expect_hole(s, 0, 7 * m.page, m.page);
	spapr_expect_mapped(s, 0, 8 * m.page, m.addr + (PAGES - 9) * m.page,
			    m.page, false);
	KUNIT_EXPECT_EQ(test, mapped(&m), m.size - m.page);
	maps_finish(&m);
}

static void maps_rights(struct kunit *test)
{
	struct maps m = maps_create(test);
	struct spapr *s = m.s;
	phys_addr_t phys;

	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, 0, m.addr, m.page, R));
	KUNIT_EXPECT_EQ(test, -EACCES,
			fake_win_translate(s->fg[0], 0, true, &phys));
	spapr_expect_mapped(s, 0, 0, m.addr, m.page, false);
	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, m.page, m.addr, m.page, W));
	KUNIT_EXPECT_EQ(test, -EACCES,
			fake_win_translate(s->fg[0], m.page, false, &phys));
	spapr_expect_mapped(s, 0, m.page, m.addr, m.page, true);
	maps_finish(&m);
}

static void maps_errors(struct kunit *test)
{
	struct maps m = maps_create(test);
	struct spapr *s = m.s;
	u64 p = m.page, end = WINDOW * p;

	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_map(s, 0, m.addr, p, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_map(s, 0, m.addr, p, RW | 4));
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_map(s, 0, m.addr, 0, RW));
	KUNIT_EXPECT_EQ(test, -ENXIO, spapr_map(s, end, m.addr, p, RW));
	KUNIT_EXPECT_EQ(test, -ENXIO, spapr_map(s, U64_MAX - p + 1, m.addr, p,
						RW));
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_map(s, end - p, m.addr, 2 * p,
						 RW));
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_map(s, 0, m.addr, -p, RW));
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_map(s, p / 2, m.addr, p, RW));
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_map(s, 0, m.addr, p / 2, RW));
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_map(s, 0, m.addr + p / 2, p, RW));
	/* Not registered: before, behind, a part of it. */
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_map(s, 0, m.addr - p, p, RW));
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_map(s, 0, m.addr + m.size, p, RW));
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_map(s, 0, m.addr - p, 3 * p, RW));
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_map(s, 0, m.addr + m.size - p,
						 2 * p, RW));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			spapr_map(s, 0, -p, 2 * p, RW));

	KUNIT_EXPECT_EQ(test, -ENXIO, spapr_unmap(s, end, p));
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_unmap(s, end - p, 2 * p));
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_unmap(s, p / 2, p));
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_unmap(s, 0, p / 2));
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_unmap(s, 0, 0));
	KUNIT_EXPECT_EQ(test, atomic_read(&s->hw->maps), 0);
	spapr_expect_hole(s, 0, 0, end);
	maps_finish(&m);
}

/* A guest's H_PUT_TCE overwrites; the device must not go on with the old one. */
static void maps_replace(struct kunit *test)
{
	struct maps m = maps_create(test);
	unsigned long a = m.addr, b = m.addr + 16 * m.page;
	struct spapr *s = m.s;

	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, 0, a, 12 * m.page, RW));
	spapr_expect_mapped(s, 0, 0, a, 12 * m.page, true);
	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, 3 * m.page, b, m.page, RW));
	spapr_expect_mapped(s, 0, 0, a, 3 * m.page, true);
	spapr_expect_mapped(s, 0, 3 * m.page, b, m.page, true);
	spapr_expect_mapped(s, 0, 4 * m.page, a + 4 * m.page, 8 * m.page, true);
	KUNIT_EXPECT_EQ(test, mapped(&m), 12 * m.page);

	/* What is in the way begins in the middle, and goes on behind. */
	KUNIT_ASSERT_EQ(test, 0, spapr_unmap(s, 0, 6 * m.page));
	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, 2 * m.page, b, 8 * m.page, R));
	spapr_expect_hole(s, 0, 0, 2 * m.page);
	spapr_expect_mapped(s, 0, 2 * m.page, b, 8 * m.page, false);
	spapr_expect_mapped(s, 0, 10 * m.page, a + 10 * m.page, 2 * m.page,
			    true);
	KUNIT_EXPECT_EQ(test, mapped(&m), 10 * m.page);
	maps_finish(&m);
}

/* A map that fails when a part of it has been mapped. */
static void fail_second_chunk(struct maps *m, u64 start, u64 size)
{
	struct sluice_space *space = &m->s->space;
	struct kunit *test = m->s->test;
	int ret;

	KUNIT_ASSERT_EQ(test, 0, spapr_unmap(m->s, start, size));
	down_read(&space->lock);
	atomic_set(&m->s->hw->fail_map, PAGES - 1);
	ret = sluice_spapr_map(space, start, PRETENDED, size, SLUICE_PROT_READ);
	up_read(&space->lock);
	KUNIT_EXPECT_EQ(test, -ENOMEM, ret);
	spapr_expect_hole(m->s, 0, start, size);
	KUNIT_EXPECT_EQ(test, 0, mapped(m));
	KUNIT_ASSERT_EQ(test, 0, spapr_map(m->s, start, PRETENDED, size, R));
}

/* More extents than there is room for at a time, each on a page of its own. */
static void maps_scattered(struct kunit *test)
{
	struct maps m = maps_create(test);
	struct spapr *s = m.s;
	u64 run = max(m.page, PAGE_SIZE), size = PAGES * run;
	u64 start, at;

	if (s->pretended)
		spapr_forget(s);
	KUNIT_ASSERT_EQ(test, 0, spapr_create_window(s, ilog2(m.page), 2 * size,
						     &start));
	spapr_pretend(s, PRETENDED, PRETENDED_PHYS, size, run);
	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, start, PRETENDED, size, RW));
	KUNIT_EXPECT_GE(test, atomic_read(&s->hw->maps), 2);
	spapr_expect_mapped(s, 0, start, PRETENDED, size, true);
	/* What is in the way is so from the second chunk on. */
	KUNIT_ASSERT_EQ(test, 0, spapr_unmap(s, start, 60 * run));
	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, start, PRETENDED, size, R));
	spapr_expect_mapped(s, 0, start, PRETENDED, size, false);
	KUNIT_EXPECT_EQ(test, mapped(&m), size);
	if (m.page >= PAGE_SIZE)
		fail_second_chunk(&m, start, size);
	for (at = 0; at < size; at += run)
		KUNIT_ASSERT_EQ(test, 0, spapr_unmap(s, start + at, m.page));
	KUNIT_EXPECT_EQ(test, mapped(&m), size - PAGES * m.page);
	KUNIT_ASSERT_EQ(test, 0, spapr_unmap(s, start, 2 * size));
	KUNIT_EXPECT_EQ(test, mapped(&m), 0);
	spapr_forget(s);
	if (m.page > PAGE_SIZE)
		spapr_pretend(s, PRETENDED, PRETENDED_PHYS, m.size, m.size);
	maps_finish(&m);
}

/* A large page takes contiguous, aligned memory, also across regions. */
static void maps_contiguous(struct kunit *test)
{
	struct maps m = maps_create(test);
	struct spapr *s = m.s;
	struct sluice_region *first;
	u64 half = m.page / 2;

	if (m.page <= PAGE_SIZE) {
		maps_finish(&m);
		return;
	}
	spapr_forget(s);
	spapr_pretend(s, PRETENDED, PRETENDED_PHYS, m.size, half);
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_map(s, 0, PRETENDED, m.page, RW));
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_map(s, 0, PRETENDED, m.size, RW));
	spapr_forget(s);
	spapr_pretend(s, PRETENDED, PRETENDED_PHYS + PAGE_SIZE, m.size, m.size);
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_map(s, 0, PRETENDED, m.page, RW));
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&s->hw->maps));
	spapr_forget(s);

	/* Only the last page isn't: nothing is mapped. */
	spapr_pretend(s, PRETENDED, PRETENDED_PHYS, m.size, m.size);
	first = s->pretended;
	s->pretended = NULL;
	spapr_pretend(s, PRETENDED + m.size, PRETENDED_PHYS + 2 * m.size,
		      m.page, half);
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_map(s, 0, PRETENDED,
						 m.size + m.page, RW));
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&s->hw->maps));
	spapr_forget(s);

	/* Two regions meet within a page. */
	s->pretended = first;
	spapr_forget(s);
	spapr_pretend(s, PRETENDED, PRETENDED_PHYS, m.page + half,
		      m.page + half);
	first = s->pretended;
	s->pretended = NULL;
	spapr_pretend(s, PRETENDED + m.page + half,
		      PRETENDED_PHYS + m.page + half, half, half);
	KUNIT_EXPECT_EQ(test, 0, spapr_map(s, 0, PRETENDED, 2 * m.page, RW));
	KUNIT_EXPECT_EQ(test, mapped(&m), 2 * m.page);
	KUNIT_EXPECT_EQ(test, 0, spapr_unmap(s, 0, 2 * m.page));
	spapr_forget(s);
	s->pretended = first;
	maps_finish(&m);
}

/* All that is mapped when the last group leaves, be its user killed. */
static void maps_left(struct kunit *test)
{
	struct maps m = maps_create(test);

	KUNIT_ASSERT_EQ(test, 0, spapr_map(m.s, 0, m.addr, m.size, RW));
	KUNIT_ASSERT_EQ(test, 0, spapr_map(m.s, m.size, m.addr, m.page, RW));
	if (m.s->pretended) {
		spapr_unmap(m.s, 0, WINDOW * m.page);
		maps_finish(&m);
		return;
	}
	spapr_finish(m.s);
	KUNIT_EXPECT_EQ(test, spapr_pins(m.s, m.addr, m.size), 0);
}

/* ---- When memory is short ---- */

/* A map that fails at its @n-th page, or table, of either domain leaves nothing. */
static void fail_at(struct maps *m, atomic_t *countdown, unsigned int n)
{
	struct sluice_space *space = &m->s->space;
	struct kunit *test = m->s->test;
	int ret;

	down_read(&space->lock);
	atomic_set(countdown, n);
	/* Below the ioctl, which would try again. */
	ret = sluice_spapr_map(space, m->page, m->addr, m->size,
			       SLUICE_PROT_READ);
	up_read(&space->lock);
	if (atomic_read(countdown)) {
		KUNIT_EXPECT_EQ(test, 0, ret);
		KUNIT_EXPECT_EQ(test, 0, spapr_unmap(m->s, m->page, m->size));
	} else {
		KUNIT_EXPECT_EQ(test, -ENOMEM, ret);
	}
	atomic_set(countdown, 0);
	spapr_expect_hole(m->s, 0, m->page, m->size);
	spapr_expect_hole(m->s, 2, m->page, m->size);
	KUNIT_EXPECT_EQ(test, mapped(m), 0);
	sluice_space_reclaim(space);
	KUNIT_EXPECT_EQ(test, 0, space->uni->tables);
}

static void maps_fail(struct kunit *test)
{
	struct maps m = maps_create(test);
	unsigned int n;

	KUNIT_ASSERT_EQ(test, 0, spapr_attach_nr(m.s, 2));
	for (n = 1; n <= 2 * PAGES + 7; n += 7)
		fail_at(&m, &m.s->hw->fail_map, n);
	for (n = 1; n <= 3; n++)
		fail_at(&m, &m.s->hw->fail_alloc, n);
	/* The ioctl tries again. */
	atomic_set(&m.s->hw->fail_map, PAGES);
	KUNIT_EXPECT_EQ(test, 0, spapr_map(m.s, 0, m.addr, m.size, RW));
	spapr_expect_mapped(m.s, 0, 0, m.addr, m.size, true);
	spapr_expect_mapped(m.s, 2, 0, m.addr, m.size, true);
	maps_finish(&m);
}

/* ---- Dead hardware ---- */

static void maps_dead(struct kunit *test)
{
	struct maps m = maps_create(test);
	struct spapr *s = m.s;

	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, 0, m.addr, m.page, RW));
	s->hw->flush_error = -EIO;
	KUNIT_EXPECT_EQ(test, -EIO, spapr_map(s, 0, m.addr + m.page, m.page,
					      RW));
	KUNIT_EXPECT_EQ(test, -EIO, spapr_map(s, m.page, m.addr, m.page, RW));
	KUNIT_EXPECT_EQ(test, -EIO, spapr_attach_nr(s, 1));
	if (s->pretended) {
		spapr_forget(s);
		spapr_finish(s);
		return;
	}
	/* It goes, and stays pinned and charged. */
	KUNIT_EXPECT_EQ(test, 0, spapr_unregister(s, m.addr, m.size));
	KUNIT_EXPECT_EQ(test, spapr_pins(s, m.addr, m.size),
			m.size >> PAGE_SHIFT);
	KUNIT_EXPECT_EQ(test, spapr_locked(s), m.size >> PAGE_SHIFT);
	spapr_unpin(s, m.addr, m.size);
	sluice_unaccount(current->mm, m.size >> PAGE_SHIFT);
	spapr_finish(s);
}

static struct kunit_case maps_cases[] = {
	KUNIT_CASE_PARAM(maps_map_unmap, spapr_gen_params),
	KUNIT_CASE_PARAM(maps_any_page, spapr_gen_params),
	KUNIT_CASE_PARAM(maps_rights, spapr_gen_params),
	KUNIT_CASE_PARAM(maps_errors, spapr_gen_params),
	KUNIT_CASE_PARAM(maps_replace, spapr_gen_params),
	KUNIT_CASE_PARAM(maps_scattered, spapr_gen_params),
	KUNIT_CASE_PARAM(maps_contiguous, spapr_gen_params),
	KUNIT_CASE_PARAM(maps_left, spapr_gen_params),
	KUNIT_CASE_PARAM(maps_fail, spapr_gen_params),
	KUNIT_CASE_PARAM(maps_dead, spapr_gen_params),
	{}
};

static struct kunit_suite maps_suite = {
	.name = "sluice_spapr",
	.suite_init = fake_win_suite_init,
	.suite_exit = fake_win_suite_exit,
	.test_cases = maps_cases,
};

kunit_test_suite(maps_suite);
