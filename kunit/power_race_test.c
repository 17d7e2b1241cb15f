// SPDX-License-Identifier: GPL-2.0-only
/*
 * Neighbours of the POWER backend: TCEs that one operation writes once more are
 * another's business. What happens between the look at the record and the hypercall
 * must not be undone.
 */
#include <linux/delay.h>
#include <linux/prandom.h>

#include "power_fixture.h"
#include "threads.h"

/* ---- An operation within the hypercall of another ---- */

enum op { MAP, UNMAP, UNMAP_EACH };

/**
 * struct race - one operation while another is in its hypercall
 * @c: the case
 * @op: what the neighbour does
 * @page: to which page
 * @thread: the neighbour
 * @early: it was done while the hypercall ran
 */
struct race {
	struct power_case *c;
	enum op op;
	unsigned int page;
	struct test_thread thread;
	bool early;
};

static int operate(struct power_case *c, enum op op, const unsigned int *pages,
		   unsigned int nr)
{
	const struct sluice_domain_ops *ops = c->domain->ops;
	struct sluice_extent e[16] = {};
	struct sluice_gather gather;
	struct sluice_range range;
	unsigned int i;
	u64 done;
	int ret = 0;

	sluice_gather_init(&gather);
	for (i = 0; i < nr; i++) {
		e[i].iova = IOVA(pages[i]);
		e[i].phys = PHYS(pages[i]);
		e[i].len = PAGE_SIZE;
	}
	i = 0;
	if (op == MAP)
		ret = ops->map(c->domain, e, nr, RW, &done, &gather);
	else if (op == UNMAP_EACH)
		i = ops->unmap_each(c->domain, e, nr, &gather);
	/* It needn't go on where a table is missing. */
	for (; op != MAP && i < nr; i++) {
		range.start = e[i].iova;
		range.last = e[i].iova + (PAGE_SIZE - 1);
		if (ops->unmap(c->domain, range.start, &range, &e[i], 1,
			       &gather) != 1 && op == UNMAP)
			ret = -ENODATA;
	}
	return ret ?: ops->flush(c->domain, &gather);
}

static int neighbour(struct test_thread *self)
{
	struct race *race = self->arg;

	return operate(race->c, race->op, &race->page, 1);
}

static void start_neighbour(struct fake_hv *hv)
{
	struct race *race = hv->hook_arg;

	test_thread_start(hv->test, &race->thread, neighbour, race, 0);
	msleep(50);
	race->early = completion_done(&race->thread.done);
}

/*
 * Pages 0, 2 and 4 are mapped or unmapped by one hypercall, and what is between them
 * is written once more. Meanwhile the neighbour is at @page.
 */
static void race(struct kunit *test, enum op op, enum op other,
		 unsigned int page, bool early)
{
	static const unsigned int pages[] = { 0, 2, 4 };
	struct power_case *c = power_case_create(test, 1);
	struct race race = { .c = c, .op = other, .page = page };
	phys_addr_t phys = 0;
	unsigned int i;

	for (i = 0; op != MAP && i < ARRAY_SIZE(pages); i++)
		power_do_map_page(c, pages[i]);
	if (other != MAP)
		power_do_map_page(c, page);
	power_do_map_page(c, 3);
	c->hv->hook = start_neighbour;
	c->hv->hook_call = FAKE_HV_INDIRECT;
	c->hv->hook_arg = &race;
	KUNIT_EXPECT_EQ(test, 0, operate(c, op, pages, ARRAY_SIZE(pages)));
	KUNIT_ASSERT_NULL(test, c->hv->hook);
	KUNIT_EXPECT_EQ(test, 0, test_thread_join(test, &race.thread));
	KUNIT_EXPECT_EQ(test, early, race.early);

	KUNIT_EXPECT_EQ(test, other == MAP ? 0 : -EFAULT,
			fake_pe_translate(c->fp[0], IOVA(page), true, &phys));
	if (other == MAP)
		KUNIT_EXPECT_EQ(test, PHYS(page), (u64)phys);
	power_check(c);
	KUNIT_EXPECT_EQ(test, 1 + (op == MAP ? 3 : 0) + (other == MAP),
			power_mapped(c));
	power_do_clear(c);
	power_case_finish(c);
}

static void race_map_unmap(struct kunit *test)
{
	race(test, MAP, UNMAP, 1, false);
}

static void race_map_unmap_each(struct kunit *test)
{
	race(test, MAP, UNMAP_EACH, 1, false);
}

static void race_map_map(struct kunit *test)
{
	race(test, MAP, MAP, 1, false);
}

static void race_unmap_each_unmap(struct kunit *test)
{
	race(test, UNMAP_EACH, UNMAP, 1, false);
}

static void race_unmap_each_map(struct kunit *test)
{
	race(test, UNMAP_EACH, MAP, 1, false);
}

/* Whoever has nothing to do with the block needn't wait. */
static void race_other_block(struct kunit *test)
{
	race(test, MAP, UNMAP, BLOCK, true);
	race(test, UNMAP_EACH, MAP, BLOCK, true);
}

/* ---- Threads at random ---- */

#define THREADS	4
#define PAGES	(3 * BLOCK)
#define ROUNDS	300
#define MOST	12

/* By page: it is mapped; a thread has every fourth page. */
struct model {
	struct power_case *c;
	bool mapped[PAGES];
};

static int check_page(const struct model *m, unsigned int page)
{
	phys_addr_t phys = 0;
	unsigned int i;
	int ret;

	for (i = 0; i < 2; i++) {
		ret = fake_pe_translate(m->c->fp[i], IOVA(page) + 5, true,
					&phys);
		if (ret != (m->mapped[page] ? 0 : -EFAULT))
			return -ESTALE;
		if (!ret && phys != PHYS(page) + 5)
			return -EREMOTEIO;
	}
	return 0;
}

/* Chooses pages of a thread's own; to be mapped only those that aren't. */
static unsigned int choose(const struct model *m, struct rnd_state *rnd,
			   unsigned int nr, enum op op, unsigned int *pages)
{
	unsigned int page = prandom_u32_state(rnd) % (PAGES / THREADS);
	unsigned int want = 1 + prandom_u32_state(rnd) % MOST, n = 0, p;

	if (op == UNMAP)
		want = 1;
	for (; n < want; page += 1 + prandom_u32_state(rnd) % 3) {
		if (page >= PAGES / THREADS)
			break;
		p = page * THREADS + nr;
		if (op == (m->mapped[p] ? UNMAP : MAP) || op == UNMAP_EACH)
			pages[n++] = p;
	}
	return n;
}

static int at_random(struct test_thread *self)
{
	struct model *m = self->arg;
	unsigned int pages[MOST], round, i, n;
	struct rnd_state rnd;
	enum op op;
	int ret = 0;

	prandom_seed_state(&rnd, self->nr + 77);
	for (round = 0; !ret && round < ROUNDS; round++) {
		op = prandom_u32_state(&rnd) % 4;
		if (op > UNMAP_EACH)
			op = MAP;
		n = choose(m, &rnd, self->nr, op, pages);
		if (!n)
			continue;
		if (!(round % 16))
			fake_hv_fail(m->c->hv, round / 16 % 3, 2, 3, -EBUSY);
		ret = operate(m->c, op, pages, n);
		for (i = 0; !ret && i < n; i++) {
			m->mapped[pages[i]] = op == MAP;
			ret = check_page(m, pages[i]);
		}
		cond_resched();
	}
	return ret;
}

static void race_threads(struct kunit *test)
{
	struct model *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	unsigned int i, n = 0;

	KUNIT_ASSERT_NOT_NULL(test, m);
	m->c = power_case_create(test, 2);
	m->c->hv->restless = true;
	test_threads_run(test, THREADS, at_random, m);
	m->c->hv->restless = false;
	fake_hv_heal(m->c->hv);
	for (i = 0; i < PAGES; i++) {
		n += m->mapped[i];
		KUNIT_EXPECT_EQ_MSG(test, 0, check_page(m, i), "page %u", i);
	}
	KUNIT_EXPECT_EQ(test, n, power_mapped(m->c));
	power_check(m->c);
	power_do_clear(m->c);
	power_case_finish(m->c);
}

static struct kunit_case power_race_cases[] = {
	KUNIT_CASE(race_map_unmap),
	KUNIT_CASE(race_map_unmap_each),
	KUNIT_CASE(race_map_map),
	KUNIT_CASE(race_unmap_each_unmap),
	KUNIT_CASE(race_unmap_each_map),
	KUNIT_CASE(race_other_block),
	KUNIT_CASE(race_threads),
	{}
};

static struct kunit_suite power_race_suite = {
	.name = "sluice_power_race",
	.test_cases = power_race_cases,
};

kunit_test_suite(power_race_suite);
