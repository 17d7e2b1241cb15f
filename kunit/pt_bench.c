// SPDX-License-Identifier: GPL-2.0-only
/*
 * What mapping and unmapping costs in the page-table engine alone, each format
 * beside the kernel's io-pgtable (AMD v1), in one run.
 *
 * With a clock that counts instructions (scripts/bench) the figures are
 * instructions; otherwise they are nanoseconds, and mean little. Tables are
 * there already. Nothing here fails because it is slow.
 */
#include <linux/ktime.h>
#include <linux/sizes.h>

#include "pt_bench.h"
#include "pt_fixture.h"

#define RW	(SLUICE_PROT_READ | SLUICE_PROT_WRITE)

/* Runs that are timed together; each is mapped by a call of its own. */
#define RUNS	32U
#define MAX_EXTENTS 256U

/**
 * struct row - a kind of run
 * @name: in the table
 * @len: bytes of a run
 * @pgsize: the size that io-pgtable is asked for; only formats that have it
 *	are measured
 * @offset: of physical addresses: how well they are aligned
 * @extents: into how many extents that don't join a run is divided
 */
struct row {
	const char *name;
	u64 len;
	u64 pgsize;
	u64 offset;
	unsigned int extents;
};

static const struct row rows[] = {
	{ "1-page", SZ_4K, SZ_4K, SZ_4K, 1 },
	{ "16-pages", SZ_64K, SZ_4K, SZ_4K, 1 },
	{ "256-pages", SZ_1M, SZ_4K, SZ_4K, 1 },
	{ "256-scattered", SZ_1M, SZ_4K, SZ_4K, 256 },
	{ "64K-aligned", SZ_64K, SZ_64K, 0, 1 },
	{ "1M-aligned", SZ_1M, SZ_1M, 0, 1 },
	{ "2M", SZ_2M, SZ_2M, 0, 1 },
	{ "1G", SZ_1G, SZ_1G, 0, 1 },
};

/**
 * struct bench - one row under way
 * @row: the row
 * @extents: by run: what is mapped
 * @got: what an unmap handed back
 */
struct bench {
	const struct row *row;
	struct sluice_extent extents[RUNS][MAX_EXTENTS];
	struct sluice_extent got[MAX_EXTENTS];
};

/* What all runs of a row cost, in the clock's units. */
struct cost {
	u64 map;
	u64 unmap;
};

/* Apart from each other, so that nothing joins and no table is spanned. */
static void lay_out(struct bench *b, const struct row *row)
{
	u64 piece = row->len / row->extents;
	unsigned int i, j;

	b->row = row;
	for (i = 0; i < RUNS; i++) {
		for (j = 0; j < row->extents; j++) {
			struct sluice_extent *e = &b->extents[i][j];

			e->iova = (2 * i + 1) * max_t(u64, row->len, SZ_1M) +
				  j * piece;
			e->phys = SZ_1G + (e->iova ^ (row->extents > 1 ?
						      piece : 0)) +
				  row->offset;
			e->len = piece;
		}
	}
}

/* ---- Ours ---- */

static struct cost time_pt(struct kunit *test, struct bench *b, struct pt *pt,
			   bool real)
{
	const struct row *row = b->row;
	struct sluice_gather gather;
	u64 t0, t1, t2, done;
	unsigned int i;
	size_t nr = 0;
	int ret = 0;

	sluice_gather_init(&gather);
	t0 = ktime_get_ns();
	for (i = 0; i < RUNS; i++)
		ret |= pt_map(pt, b->extents[i], row->extents, RW, GFP_KERNEL,
			      &done, &gather);
	t1 = ktime_get_ns();
	for (i = 0; i < RUNS; i++) {
		u64 start = b->extents[i][0].iova;
		struct sluice_range range = { start, start + row->len - 1 };

		gather.nr = 0;
		nr += pt_unmap(pt, start, &range, b->got, MAX_EXTENTS, &gather);
	}
	t2 = ktime_get_ns();
	if (real) {
		KUNIT_ASSERT_EQ(test, 0, ret);
		KUNIT_ASSERT_EQ(test, nr, (size_t)RUNS * row->extents);
		pt_free_gathered(pt, &gather);
	}
	return (struct cost){ t1 - t0, t2 - t1 };
}

/* ---- The control ---- */

static struct cost time_io_pgtable(struct kunit *test, struct bench *b,
				   struct io_pgtable_ops *ops, bool real)
{
	const struct row *row = b->row;
	size_t count = row->len / row->extents / row->pgsize, total = 0;
	size_t mapped = 0;
	unsigned int i, j;
	u64 t0, t1, t2;
	int ret = 0;

	t0 = ktime_get_ns();
	for (i = 0; i < RUNS; i++) {
		for (j = 0; j < row->extents; j++) {
			struct sluice_extent *e = &b->extents[i][j];

			ret |= ops->map_pages(ops, e->iova, e->phys,
					      row->pgsize, count,
					      pt_bench_io_prot, GFP_KERNEL,
					      &mapped);
		}
	}
	t1 = ktime_get_ns();
	count = row->len / row->pgsize;
	for (i = 0; i < RUNS; i++)
		total += ops->unmap_pages(ops, b->extents[i][0].iova,
					  row->pgsize, count, NULL);
	t2 = ktime_get_ns();
	if (real) {
		KUNIT_ASSERT_EQ(test, 0, ret);
		KUNIT_ASSERT_EQ(test, mapped, (size_t)RUNS * row->len);
		KUNIT_ASSERT_EQ(test, total, mapped);
	}
	return (struct cost){ t1 - t0, t2 - t1 };
}

/* ---- The benchmark itself ---- */

/* What the benchmark's own loops cost is measured with these, and subtracted. */
static int empty_map(struct pt *pt, const struct sluice_extent *extents,
		     size_t nr, unsigned int prot, gfp_t gfp, u64 *done,
		     struct sluice_gather *gather)
{
	return 0;
}

static size_t empty_unmap(struct pt *pt, u64 held, struct sluice_range *range,
			  struct sluice_extent *extents, size_t max,
			  struct sluice_gather *gather)
{
	return 1;
}

static const struct pt_format empty_format = {
	.name = "empty", .map = empty_map, .unmap = empty_unmap,
};

static int empty_map_pages(struct io_pgtable_ops *ops, unsigned long iova,
			   phys_addr_t phys, size_t pgsize, size_t count,
			   int prot, gfp_t gfp, size_t *mapped)
{
	return 0;
}

static size_t empty_unmap_pages(struct io_pgtable_ops *ops, unsigned long iova,
				size_t pgsize, size_t count,
				struct iommu_iotlb_gather *gather)
{
	return 0;
}

static struct io_pgtable_ops empty_ops = {
	.map_pages = empty_map_pages, .unmap_pages = empty_unmap_pages,
};

/* Per run. */
static void report(struct kunit *test, const struct bench *b,
		   const char *column, struct cost cost, struct cost empty)
{
	kunit_info(test, "pt-bench\t%s\tmap\t%s\t%llu\n", b->row->name, column,
		   (cost.map - empty.map) / RUNS);
	kunit_info(test, "pt-bench\t%s\tunmap\t%s\t%llu\n", b->row->name,
		   column, (cost.unmap - empty.unmap) / RUNS);
}

/* All with 3 levels, as io-pgtable begins with. */
static const struct {
	const struct pt_format *fmt;
	u64 pgsizes;
} formats[] = {
	{ &pt_vtdss, SZ_4K | SZ_2M | SZ_1G },
	{ &pt_amdv1, GENMASK_ULL(51, 12) },
	{ &pt_soft, SZ_4K | SZ_2M | SZ_1G },
};

static void free_pt(void *pt)
{
	pt_deinit(pt);
}

static void bench(struct kunit *test)
{
	struct bench *b = kunit_kzalloc(test, sizeof(*b), GFP_KERNEL);
	struct io_pgtable_ops *ops = pt_bench_io_pgtable(test);
	static struct pt pt[ARRAY_SIZE(formats)];
	unsigned int i, f;

	KUNIT_ASSERT_NOT_NULL(test, b);
	KUNIT_ASSERT_NOT_NULL(test, ops);
	for (f = 0; f < ARRAY_SIZE(formats); f++) {
		struct pt_config cfg = {
			.levels = 3, .pgsizes = formats[f].pgsizes,
			.nid = NUMA_NO_NODE,
		};

		KUNIT_ASSERT_EQ(test, 0, pt_init(&pt[f], formats[f].fmt, &cfg));
		KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test,
								   free_pt,
								   &pt[f]));
	}
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct pt none = { .fmt = &empty_format };
		struct cost empty;

		lay_out(b, &rows[i]);
		empty = time_pt(test, b, &none, false);
		for (f = 0; f < ARRAY_SIZE(formats); f++) {
			/* A page size that it lacks is another row's work. */
			if (!(pt[f].pgsizes & rows[i].pgsize))
				continue;
			/* Once, so that the tables are there. */
			time_pt(test, b, &pt[f], true);
			report(test, b, formats[f].fmt->name,
			       time_pt(test, b, &pt[f], true), empty);
		}
		empty = time_io_pgtable(test, b, &empty_ops, false);
		time_io_pgtable(test, b, ops, true);
		report(test, b, "io-pgtable",
		       time_io_pgtable(test, b, ops, true), empty);
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE_SLOW(bench),
	{}
};

static struct kunit_suite suite = {
	.name = "sluice_pt_bench",
	.test_cases = cases,
};

kunit_test_suite(suite);
