// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page tables: long random sequences, and threads that race on neighbours.
 */
#include <linux/rwsem.h>
#include <linux/sizes.h>

#include "pt_fixture.h"
#include "threads.h"

#define RW (SLUICE_PROT_READ | SLUICE_PROT_WRITE)

/* With KASAN a round takes ten times as long, and shows more. */
#define ROUNDS(n) ((n) / (IS_ENABLED(CONFIG_KASAN) ? 4 : 1))

/* ---- One thread, any order ---- */

static unsigned int random_prot(struct pt_test *t)
{
	static const unsigned int kinds[] = {
		0, 0, SLUICE_PROT_MMIO, SLUICE_PROT_REGISTERED,
	};

	return (1 + pt_rnd(t, 3)) | kinds[pt_rnd(t, ARRAY_SIZE(kinds))];
}

/* Small ones, and some that span tables; often aligned. */
static void random_range(struct pt_test *t, unsigned int *first,
			 unsigned int *n)
{
	unsigned int w = pt_rnd(t, PT_WINDOWS), align = 1U << pt_rnd(t, 10);

	*n = pt_rnd(t, 4) ? 1 + pt_rnd(t, 40) : 1 + pt_rnd(t, 1200);
	*first = pt_rnd(t, PT_WINDOW_PAGES - *n + 1);
	if (pt_rnd(t, 2))
		*first &= ~(align - 1);
	*first += w * PT_WINDOW_PAGES;
}

/* Congruent with the IOVA as often as not. */
static u64 random_phys(struct pt_test *t, unsigned int first)
{
	u64 phys = PT_PHYS(1 + pt_rnd(t, 500));

	if (pt_rnd(t, 2))
		return phys + (pt_iova(t, first) & (SZ_1G - 1));
	return phys + ((u64)pt_rnd(t, 1024) << t->granule_lg2);
}

static void random_map(struct pt_test *t)
{
	unsigned int first, n, prot = random_prot(t);
	struct sluice_extent e;
	u64 done = 0;
	int ret;

	random_range(t, &first, &n);
	e = pt_extent(t, first, n, random_phys(t, first));
	if (pt_model_empty(t, first, n)) {
		if (pt_rnd(t, 2))
			KUNIT_ASSERT_EQ(t->test, 0,
					pt_prepare(&t->pt, &e, 1, GFP_KERNEL,
						   &t->gather));
		pt_do_map(t, first, n, e.phys, prot);
	} else {
		KUNIT_ASSERT_EQ(t->test, -EEXIST,
				pt_prepare(&t->pt, &e, 1, GFP_KERNEL,
					   &t->gather));
		ret = pt_map(&t->pt, &e, 1, prot, GFP_KERNEL, &done,
			     &t->gather);
		KUNIT_ASSERT_EQ(t->test, -EEXIST, ret);
		KUNIT_ASSERT_LT(t->test, done, e.len);
		pt_expect(t, first, done >> t->granule_lg2, e.phys, prot);
		if (done && pt_rnd(t, 2))
			pt_do_unmap(t, first, done >> t->granule_lg2, 16);
	}
	pt_do_flush(t);
	pt_check(t, first, n);
}

static void random_unmap(struct pt_test *t)
{
	unsigned int first, n, w;

	random_range(t, &first, &n);
	w = first / PT_WINDOW_PAGES * PT_WINDOW_PAGES;
	pt_do_cut(t, first, n);
	if (pt_rnd(t, 8)) {
		pt_do_unmap(t, first, n, 1 + pt_rnd(t, 16));
	} else {
		/* Cut for nothing, as when a batch is taken back. */
		pt_do_flush(t);
		pt_check(t, w, PT_WINDOW_PAGES);
		return;
	}
	pt_do_flush(t);
	pt_check(t, w, PT_WINDOW_PAGES);
}

static void any_order(struct kunit *test)
{
	struct pt_test *t = test->priv;
	unsigned int i, first, n;

	for (i = 0; i < ROUNDS(400); i++) {
		switch (pt_rnd(t, 8)) {
		case 0 ... 3:
			random_map(t);
			break;
		case 4 ... 6:
			random_unmap(t);
			break;
		default:
			random_range(t, &first, &n);
			pt_do_read(t, first, n, 1 + pt_rnd(t, 16));
			if (!pt_rnd(t, 4))
				pt_do_reclaim(t);
		}
		if (!(i % 64))
			pt_check_all(t);
	}
	pt_check_all(t);
}

/* ---- Threads ---- */

#define THREADS 4

/**
 * struct race - threads on one tree
 * @t: the tree
 * @lock: held for reading by all, for writing by reclaim, as a space's is
 * @chunk: pages that one thread has before the next one has as many
 * @rounds: how often each does its thing
 * @reclaims: how often tables were reclaimed
 * @dev: by thread: a device
 */
struct race {
	struct pt_test *t;
	struct rw_semaphore lock;
	unsigned int chunk;
	unsigned int rounds;
	atomic_t reclaims;
	struct pt_hw dev[THREADS];
};

static struct race *race_new(struct pt_test *t)
{
	struct race *race = kunit_kzalloc(t->test, sizeof(*race), GFP_KERNEL);
	unsigned int i, levels;
	phys_addr_t root = pt_root(&t->pt, &levels);

	KUNIT_ASSERT_NOT_NULL(t->test, race);
	race->t = t;
	init_rwsem(&race->lock);
	for (i = 0; i < THREADS; i++) {
		/* They see what the CPU does: this is about remembering. */
		pt_hw_init(&race->dev[i], t->test, &t->pt, true);
		pt_hw_attach(&race->dev[i], root, levels);
		race->dev[i].racing = true;
	}
	return race;
}

/* Frees what its flush covers; the hardware here remembers nothing. */
static void flush_alone(struct pt_test *t, struct sluice_gather *gather)
{
	pt_free_gathered(&t->pt, gather);
	sluice_gather_init(gather);
}

static bool pages_right(struct pt_test *t, unsigned int first, unsigned int n)
{
	unsigned int i;

	for (i = first; i < first + n; i++) {
		if (!pt_page_right(t, i))
			return false;
	}
	return true;
}

/*
 * A thread's own device looks at pages around the range that is about to be
 * unmapped. The thread's own flush must then be enough, whatever else goes on.
 */
static void device_looks(struct pt_hw *dev, struct pt_test *t,
			 unsigned int first, unsigned int n)
{
	struct pt_hw_walk walk;
	unsigned int i;

	if (!dev)
		return;
	for (i = 0; i < 24; i++) {
		unsigned int page = first + i * n / 16;

		if (page < PT_PAGES)
			pt_hw_access(dev, pt_iova(t, page), &walk);
	}
}

static int race_unmap(struct pt_test *t, unsigned int first, unsigned int n,
		      struct pt_hw *dev, struct sluice_gather *gather)
{
	struct sluice_range all = pt_range(t, first, n);
	struct sluice_range range = pt_range(t, first, n);
	u64 held = range.start;
	unsigned int left = 0, i;
	struct sluice_extent e;

	for (i = first; i < first + n; i++)
		left += !!t->prot[i];
	device_looks(dev, t, first, n);
	if (pt_cut(&t->pt, &range, GFP_KERNEL, gather))
		return -ENOMEM;
	while (!sluice_range_empty(&range)) {
		if (pt_unmap(&t->pt, held, &range, &e, 1, gather))
			left -= e.len >> t->granule_lg2;
	}
	pt_forget(t, first, n);
	if (dev && pt_hw_remembers(dev, gather, &all))
		return -ESTALE;
	return left ? -EBADE : 0;
}

/* A device of a thread's own, unless the root may change under it. */
static struct pt_hw *device_of(struct race *race, unsigned int nr)
{
	const struct pt_case *kase = race->t->kase;

	return kase->fmt == &pt_soft || kase->max_levels ? NULL :
							   &race->dev[nr];
}

/* Whoever finds that it's due reclaims, when all others are out. */
static void race_reclaim(struct race *race)
{
	struct sluice_gather gather;

	sluice_gather_init(&gather);
	down_write(&race->lock);
	pt_reclaim(&race->t->pt, &gather);
	flush_alone(race->t, &gather);
	up_write(&race->lock);
	atomic_inc(&race->reclaims);
}

/* Maps and unmaps in chunks of its own, which alternate with the others'. */
static int neighbour(struct test_thread *self)
{
	struct race *race = self->arg;
	struct pt_test *t = race->t;
	unsigned int stride = race->chunk * THREADS, round, at;
	struct rnd_state rnd;

	prandom_seed_state(&rnd, 77 + self->nr);
	for (round = 0; round < race->rounds; round++) {
		unsigned int n = 1 + prandom_u32_state(&rnd) % race->chunk;
		struct sluice_extent e;
		struct sluice_gather gather;
		int ret = 0;
		u64 done;

		if (pt_reclaim_due(&t->pt) || round % 16 == 15)
			race_reclaim(race);
		at = prandom_u32_state(&rnd) % (PT_PAGES / stride) * stride +
		     self->nr * race->chunk;
		/* Chunks don't divide windows evenly. */
		if (at / PT_WINDOW_PAGES !=
		    (at + race->chunk - 1) / PT_WINDOW_PAGES)
			continue;
		sluice_gather_init(&gather);
		down_read(&race->lock);
		if (t->prot[at]) {
			ret = race_unmap(t, at, n,
					 device_of(race, self->nr), &gather);
		} else {
			if (!pt_model_empty(t, at, n))
				ret = race_unmap(t, at, race->chunk,
						 device_of(race, self->nr),
						 &gather);
			e = pt_extent(t, at, n, PT_PHYS(1 + round % 500) +
				      (pt_iova(t, at) & (SZ_2M - 1)));
			if (!ret)
				ret = pt_map(&t->pt, &e, 1, RW, GFP_KERNEL,
					     &done, &gather);
			if (!ret)
				pt_expect(t, at, n, e.phys, RW);
		}
		if (!ret && !pages_right(t, at, race->chunk))
			ret = -EILSEQ;
		flush_alone(t, &gather);
		up_read(&race->lock);
		if (ret)
			return ret;
	}
	return 0;
}

static void run_race(struct pt_test *t, unsigned int chunk, unsigned int rounds)
{
	struct race *race = race_new(t);

	race->chunk = chunk;
	race->rounds = rounds;
	test_threads_run(t->test, THREADS, neighbour, race);
	KUNIT_EXPECT_LT(t->test, 0, atomic_read(&race->reclaims));
	pt_check_all(t);
}

/* Within one table: entries side by side, tables missing and reclaimed. */
static void neighbours_in_a_table(struct kunit *test)
{
	run_race(test->priv, 8, ROUNDS(600));
}

/* Each spans whole tables, so that unlinking and installing meet. */
static void neighbours_of_tables(struct kunit *test)
{
	run_race(test->priv, 384, ROUNDS(150));
}

/* All cut the same page at once; each then unmaps its own part of it. */
static int cutter(struct test_thread *self)
{
	struct race *race = self->arg;
	struct pt_test *t = race->t;
	unsigned int w, first, n = 512 / THREADS;
	int ret = 0;

	for (w = 0; w < PT_WINDOWS && !ret; w++) {
		struct sluice_gather gather;

		sluice_gather_init(&gather);
		first = w * PT_WINDOW_PAGES + 512 + self->nr * n;
		ret = race_unmap(t, first, n - 1, device_of(race, self->nr),
				 &gather);
		if (!ret && !pages_right(t, first, n))
			ret = -EILSEQ;
		flush_alone(t, &gather);
	}
	return ret;
}

static void cut_at_once(struct kunit *test)
{
	struct pt_test *t = test->priv;
	struct race *race = race_new(t);
	unsigned int round, w;

	for (round = 0; round < ROUNDS(20); round++) {
		for (w = 0; w < PT_WINDOWS; w++)
			pt_do_map(t, w * PT_WINDOW_PAGES, PT_WINDOW_PAGES,
				  PT_PHYS(1) + (t->base[w] & (SZ_1G - 1)), RW);
		test_threads_run(test, THREADS, cutter, race);
		pt_check_all(t);
		for (w = 0; w < PT_WINDOWS; w++)
			pt_do_unmap(t, w * PT_WINDOW_PAGES, PT_WINDOW_PAGES,
				    16);
		pt_do_flush(t);
	}
}

/* The same with pages of 16 entries, of which each has four. */
static int group_cutter(struct test_thread *self)
{
	struct race *race = self->arg;
	struct pt_test *t = race->t;
	unsigned int first;
	int ret = 0;

	for (first = self->nr * 4; first < PT_WINDOW_PAGES && !ret;
	     first += 16) {
		struct sluice_gather gather;

		sluice_gather_init(&gather);
		ret = race_unmap(t, first, 3, device_of(race, self->nr),
				 &gather);
		if (!ret && !pages_right(t, first, 4))
			ret = -EILSEQ;
		flush_alone(t, &gather);
	}
	return ret;
}

static void cut_groups_at_once(struct kunit *test)
{
	struct pt_test *t = test->priv;
	struct race *race = race_new(t);
	unsigned int round, first;

	if (t->kase->fmt != &pt_amdv1 || !(t->pt.pgsizes & SZ_64K))
		kunit_skip(test, "no such pages");
	/* Tables that replaced a page which was cut: each cut meets that first. */
	pt_do_map(t, 0, PT_WINDOW_PAGES, PT_PHYS(1), RW);
	for (first = 0; first < PT_WINDOW_PAGES; first += 512)
		pt_do_cut(t, first + 5, 1);
	pt_do_cut(t, PT_WINDOW_PAGES - 1, 1);
	pt_do_unmap(t, 0, PT_WINDOW_PAGES - 1, 16);
	pt_do_unmap(t, PT_WINDOW_PAGES - 1, 1, 16);
	pt_do_flush(t);
	for (round = 0; round < ROUNDS(40); round++) {
		for (first = 0; first < PT_WINDOW_PAGES; first += 16)
			pt_do_map(t, first, 16,
				  PT_PHYS(1) + (u64)(first ^ 16) * SZ_4K, RW);
		test_threads_run(test, THREADS, group_cutter, race);
		pt_check(t, 0, PT_WINDOW_PAGES);
		pt_do_unmap(t, 0, PT_WINDOW_PAGES / 2, 16);
		pt_do_unmap(t, PT_WINDOW_PAGES / 2, PT_WINDOW_PAGES / 2, 16);
		pt_do_flush(t);
	}
}

/* All need the same tables at the same moment; each maps one page. */
static int installer(struct test_thread *self)
{
	struct race *race = self->arg;
	struct pt_test *t = race->t;
	unsigned int w;
	int ret = 0;

	for (w = PT_WINDOWS; w-- > 0 && !ret;) {
		unsigned int page = w * PT_WINDOW_PAGES + 600 + self->nr;
		struct sluice_extent e = pt_extent(t, page, 1, PT_PHYS(2));
		struct sluice_gather gather;
		u64 done;

		sluice_gather_init(&gather);
		ret = pt_map(&t->pt, &e, 1, RW, GFP_KERNEL, &done, &gather);
		if (!ret) {
			pt_expect(t, page, 1, PT_PHYS(2), RW);
			ret = pt_page_right(t, page) ? 0 : -EILSEQ;
		}
		flush_alone(t, &gather);
	}
	return ret;
}

static void install_at_once(struct kunit *test)
{
	struct pt_test *t = test->priv;
	struct race *race = race_new(t);
	unsigned int round, w;
	long tables = 0;

	for (round = 0; round < ROUNDS(30); round++) {
		test_threads_run(test, THREADS, installer, race);
		pt_check(t, 600, 8);
		/*
		 * Those that lost a race gave their table back. How many it
		 * takes to grow depends on who was first.
		 */
		if (round && !t->kase->max_levels)
			KUNIT_ASSERT_EQ(test, tables, pt_nr_tables(&t->pt));
		tables = pt_nr_tables(&t->pt);
		for (w = 0; w < PT_WINDOWS; w++)
			pt_do_unmap(t, w * PT_WINDOW_PAGES + 600, THREADS, 16);
		pt_do_reclaim(t);
		KUNIT_ASSERT_EQ(test, 1, pt_nr_tables(&t->pt));
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(any_order, pt_case_gen),
	KUNIT_CASE_PARAM(neighbours_in_a_table, pt_case_gen),
	KUNIT_CASE_PARAM(neighbours_of_tables, pt_case_gen),
	KUNIT_CASE_PARAM(cut_at_once, pt_case_gen),
	KUNIT_CASE_PARAM(cut_groups_at_once, pt_case_gen),
	KUNIT_CASE_PARAM(install_at_once, pt_case_gen),
	{}
};

static struct kunit_suite suite = {
	.name = "sluice_pt_random",
	.init = pt_case_init,
	.exit = pt_case_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
