// SPDX-License-Identifier: GPL-2.0-only
/*
 * The contract suite's long cases: random sequences against the model, and
 * threads on disjoint ranges that share tables and superpages.
 */
#include <linux/prandom.h>
#include "contract.h"
#include "threads.h"

#define RW (SLUICE_PROT_READ | SLUICE_PROT_WRITE)

static u32 below(struct rnd_state *rnd, u32 limit)
{
	return prandom_u32_state(rnd) % limit;
}

/* ---- Random sequences ---- */

/* Maps into the first hole behind a random page, if there is one. */
static void random_map(struct contract *c, struct rnd_state *rnd)
{
	unsigned int first = below(rnd, CONTRACT_PAGES), n = 0, want;
	phys_addr_t phys = CONTRACT_PHYS(below(rnd, 16));

	want = below(rnd, 4) ? below(rnd, 40) + 1 : CONTRACT_SUPER;
	if (below(rnd, 2))
		first = ALIGN_DOWN(first, CONTRACT_SUPER);
	while (first < CONTRACT_PAGES && c->page[first])
		first++;
	while (first + n < CONTRACT_PAGES && n < want && !c->page[first + n])
		n++;
	if (!n)
		return;
	/* Half of them at the same place in a superpage on both sides. */
	if (below(rnd, 2))
		phys += first * c->granule;
	else
		phys += below(rnd, 1000) * c->granule;
	contract_map(c, first, n, phys, below(rnd, RW) + 1);
}

/* Without cut, only extents as they were mapped: widens the range to them. */
static void widen(struct contract *c, unsigned int *first, unsigned int *n)
{
	unsigned int last = *first + *n - 1;

	while (*first && c->extent[*first] &&
	       c->extent[*first - 1] == c->extent[*first])
		--*first;
	while (last + 1 < CONTRACT_PAGES && c->extent[last] &&
	       c->extent[last + 1] == c->extent[last])
		last++;
	*n = last - *first + 1;
}

static void random_unmap(struct contract *c, struct rnd_state *rnd)
{
	unsigned int first = below(rnd, CONTRACT_PAGES);
	unsigned int n = below(rnd, 100) + 1;

	if (!below(rnd, 10))
		n = CONTRACT_PAGES;
	n = min(n, CONTRACT_PAGES - first);
	if (c->ops->cut) {
		struct sluice_range range = contract_range(c, first, n);

		KUNIT_ASSERT_EQ(c->test, 0, c->ops->cut(c->domain, &range,
							&c->gather));
	} else {
		widen(c, &first, &n);
	}
	contract_unmap(c, first, n, below(rnd, 16) + 1);
	/* Nothing may be mapped here again before the flush. */
	contract_flush(c);
}

static void random_read(struct contract *c, struct rnd_state *rnd)
{
	unsigned int first = below(rnd, CONTRACT_PAGES);
	unsigned int n = below(rnd, CONTRACT_PAGES - first) + 1;

	contract_read(c, first, n, below(rnd, 16) + 1);
}

static void random_check(struct contract *c, struct rnd_state *rnd)
{
	unsigned int first = below(rnd, CONTRACT_PAGES - 30);

	contract_check_pages(c, c->group[0], first, 30);
}

void contract_random(struct kunit *test)
{
	struct contract *c = test->priv;
	unsigned int round, empty = 0;
	struct rnd_state rnd;

	if (c->seam->tables)
		empty = c->seam->tables(c);
	prandom_seed_state(&rnd, 0x51ce);
	for (round = 0; round < 400; round++) {
		switch (below(&rnd, 8)) {
		case 0 ... 3:
			random_map(c, &rnd);
			break;
		case 4 ... 5:
			random_unmap(c, &rnd);
			break;
		case 6:
			random_read(c, &rnd);
			break;
		case 7:
			if (c->ops->reclaim && !below(&rnd, 4))
				c->ops->reclaim(c->domain);
			break;
		}
		random_check(c, &rnd);
		if (round % 100 == 0)
			contract_check(c, c->group[0]);
	}
	contract_unmap(c, 0, CONTRACT_PAGES, 16);
	contract_flush(c);
	contract_check(c, c->group[0]);
	if (c->ops->reclaim && c->seam->tables) {
		c->ops->reclaim(c->domain);
		KUNIT_EXPECT_EQ(test, empty, c->seam->tables(c));
	}
}

/* ---- Threads ---- */

#define THREADS	4
#define STRIPE	16	/* pages; thread n has every fourth stripe */
#define STRIPES	(CONTRACT_PAGES / STRIPE / THREADS)
#define ROUNDS	150

/* As contract_unmap() of one contiguous extent; threads can't assert. */
static int unmap_exactly(struct contract *c, unsigned int first, unsigned int n,
			 phys_addr_t phys)
{
	struct sluice_range range = contract_range(c, first, n);
	u64 iova = range.start;
	struct sluice_gather gather;
	struct sluice_extent e;
	int ret;

	sluice_gather_init(&gather);
	while (!sluice_range_empty(&range)) {
		if (!c->ops->unmap(c->domain, contract_iova(c, first), &range,
				   &e, 1, &gather))
			continue;
		if (e.iova != iova || e.phys != phys)
			return -EBADE;
		iova += e.len;
		phys += e.len;
	}
	if (iova != contract_iova(c, first) + n * c->granule)
		return -ENODATA;
	ret = c->ops->flush(c->domain, &gather);
	if (ret)
		return ret;
	ret = c->seam->translate(c->group[0], contract_iova(c, first), false,
				 &phys);
	return ret == -EFAULT ? 0 : -ESTALE;
}

static int map_in_stripe(struct contract *c, unsigned int first, unsigned int n,
			 phys_addr_t phys)
{
	struct sluice_extent extent = {
		.iova = contract_iova(c, first),
		.phys = phys,
		.len = n * c->granule,
	};
	struct sluice_gather gather;
	phys_addr_t seen = 0;
	u64 done;
	int ret = 0;

	sluice_gather_init(&gather);
	if (c->ops->prepare)
		ret = c->ops->prepare(c->domain, &extent, 1, &gather);
	ret = ret ?: c->ops->map(c->domain, &extent, 1, RW, &done, &gather);
	if (!ret && gather.nr)
		ret = c->ops->flush(c->domain, &gather);
	ret = ret ?: c->seam->translate(c->group[0],
					contract_iova(c, first + n - 1), true,
					&seen);
	if (ret)
		return ret;
	return seen == phys + (n - 1) * c->granule ? 0 : -EBADE;
}

static int stripes(struct test_thread *self)
{
	struct contract *c = self->arg;
	struct rnd_state rnd;
	unsigned int round;
	int ret = 0;

	prandom_seed_state(&rnd, self->nr + 100);
	for (round = 0; round < ROUNDS && !ret; round++) {
		unsigned int n = below(&rnd, STRIPE) + 1;
		unsigned int first = (below(&rnd, STRIPES) * THREADS +
				      self->nr) * STRIPE;
		phys_addr_t phys = CONTRACT_PHYS(self->nr) +
				   below(&rnd, 1000) * c->granule;

		ret = map_in_stripe(c, first, n, phys);
		ret = ret ?: unmap_exactly(c, first, n, phys);
		cond_resched();
	}
	return ret;
}

void contract_threads(struct kunit *test)
{
	struct contract *c = test->priv;

	test_threads_run(test, THREADS, stripes, c);
	contract_check(c, c->group[0]);
	contract_read(c, 0, CONTRACT_PAGES, 16);
}

/* Each takes its part out of superpages that belong to all. */
static int cut_out(struct test_thread *self)
{
	struct contract *c = self->arg;
	unsigned int n = CONTRACT_PAGES / THREADS;
	unsigned int first = self->nr * n;
	struct sluice_range range = contract_range(c, first, n);
	struct sluice_gather gather;
	int ret;

	sluice_gather_init(&gather);
	ret = c->ops->cut(c->domain, &range, &gather);
	ret = ret ?: c->ops->flush(c->domain, &gather);
	return ret ?: unmap_exactly(c, first, n, CONTRACT_PHYS(0) +
				    first * c->granule);
}

void contract_threads_cut(struct kunit *test)
{
	struct contract *c = test->priv;
	unsigned int round;

	if (!c->ops->cut)
		kunit_skip(test, "no cut");
	for (round = 0; round < 10; round++) {
		contract_map(c, 0, CONTRACT_PAGES, CONTRACT_PHYS(0), RW);
		contract_check_pages(c, c->group[0], CONTRACT_SUPER, 10);
		test_threads_run(test, THREADS, cut_out, c);
		contract_forget(c, 0, CONTRACT_PAGES);
		contract_check(c, c->group[0]);
		if (c->ops->reclaim)
			c->ops->reclaim(c->domain);
	}
}
