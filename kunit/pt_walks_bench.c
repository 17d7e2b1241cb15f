// SPDX-License-Identifier: GPL-2.0-only
/*
 * What AMD-Vi's pages of any power of two are good for: 1 GiB of memory that is
 * contiguous for 64 KiB at a time, as it is on a machine that has run for a while.
 * The same tree with all sizes, and with those of other formats only.
 *
 * Printed: entries written, tables, page walks of hardware that uses each byte once
 * (a page that it has walked to, it remembers whole), and what mapping and unmapping
 * takes, on the clock of pt_bench.c. Nothing here fails because it is much.
 */
#include <linux/bitfield.h>
#include <linux/io.h>
#include <linux/ktime.h>
#include <linux/sizes.h>

#include "pt_fixture.h"
#include "pt_hw.h"

#define RW	(SLUICE_PROT_READ | SLUICE_PROT_WRITE)

#define IOVA	SZ_4G
#define BYTES	SZ_1G
#define PIECE	SZ_64K
#define PIECES	(BYTES / PIECE)
#define GOT	256

/* AMD 48882, 2.2.3: where an entry leads to another table. */
#define ENTRY_LEVEL	GENMASK_ULL(11, 9)
#define ENTRY_LEVEL_ANY	7
#define ENTRY_TABLE	GENMASK_ULL(51, 12)
#define TABLE_ENTRIES	(SZ_4K / sizeof(__le64))

/* Pieces one after the other, none of which goes on where the last one ended. */
static struct sluice_extent *make_extents(struct kunit *test)
{
	struct sluice_extent *extents;
	unsigned int i;

	extents = kunit_kcalloc(test, PIECES, sizeof(*extents), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, extents);
	for (i = 0; i < PIECES; i++) {
		extents[i].iova = IOVA + i * PIECE;
		extents[i].phys = SZ_8G + (i ^ 1) * PIECE;
		extents[i].len = PIECE;
	}
	return extents;
}

/* Entries that are not zero, of a table and those below. */
static u64 count_entries(const __le64 *table)
{
	unsigned int i, level;
	u64 count = 0, entry;

	for (i = 0; i < TABLE_ENTRIES; i++) {
		entry = le64_to_cpu(table[i]);
		level = FIELD_GET(ENTRY_LEVEL, entry);
		count += entry != 0;
		if (level && level != ENTRY_LEVEL_ANY)
			count += count_entries(phys_to_virt(entry &
							    ENTRY_TABLE));
	}
	return count;
}

static u64 count_walks(struct kunit *test, struct pt *pt)
{
	struct pt_hw *hw = kunit_kzalloc(test, sizeof(*hw), GFP_KERNEL);
	struct pt_hw_walk walk = {};
	u64 iova, count = 0;
	unsigned int levels;
	phys_addr_t root = pt_root(pt, &levels);

	KUNIT_ASSERT_NOT_NULL(test, hw);
	pt_hw_init(hw, test, pt, true);
	pt_hw_attach(hw, root, levels);
	for (iova = IOVA; iova < IOVA + BYTES; iova += BIT_ULL(walk.lg2)) {
		KUNIT_ASSERT_EQ(test, 0, pt_hw_translate(hw, iova, &walk));
		count++;
	}
	pt_hw_deinit(hw);
	return count;
}

static void unmap_all(struct kunit *test, struct pt *pt,
		      struct sluice_gather *gather)
{
	struct sluice_range range = { IOVA, IOVA + BYTES - 1 };
	struct sluice_extent *got;
	u64 bytes = 0;

	got = kunit_kcalloc(test, GOT, sizeof(*got), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, got);
	while (range.start <= range.last && bytes < BYTES) {
		size_t i, n = pt_unmap(pt, IOVA, &range, got, GOT, gather);

		for (i = 0; i < n; i++)
			bytes += got[i].len;
	}
	KUNIT_EXPECT_EQ(test, bytes, (u64)BYTES);
}

static void report(struct kunit *test, const char *what, const char *column,
		   u64 figure)
{
	kunit_info(test, "pt-walks\tgib-of-64k\t%s\t%s\t%llu\n", what, column,
		   figure);
}

static void measure(struct kunit *test, const struct sluice_extent *extents,
		    const char *column, u64 pgsizes)
{
	struct pt_config cfg = {
		.levels = 4, .pgsizes = pgsizes, .nid = NUMA_NO_NODE,
	};
	struct sluice_gather gather;
	u64 t0, t1, done;
	struct pt pt;

	sluice_gather_init(&gather);
	KUNIT_ASSERT_EQ(test, 0, pt_init(&pt, &pt_amdv1, &cfg));
	t0 = ktime_get_ns();
	KUNIT_EXPECT_EQ(test, 0, pt_map(&pt, extents, PIECES, RW, GFP_KERNEL,
					&done, &gather));
	t1 = ktime_get_ns();
	report(test, "map", column, t1 - t0);
	report(test, "entries", column,
	       count_entries(phys_to_virt(pt_root(&pt, NULL))));
	report(test, "tables", column, pt_nr_tables(&pt));
	report(test, "walks", column, count_walks(test, &pt));
	t0 = ktime_get_ns();
	unmap_all(test, &pt, &gather);
	t1 = ktime_get_ns();
	report(test, "unmap", column, t1 - t0);
	pt_free_gathered(&pt, &gather);
	pt_deinit(&pt);
}

static void bench(struct kunit *test)
{
	struct sluice_extent *extents = make_extents(test);

	measure(test, extents, "all-sizes", GENMASK_ULL(38, 12));
	measure(test, extents, "4K-2M-1G", SZ_4K | SZ_2M | SZ_1G);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_SLOW(bench),
	{}
};

static struct kunit_suite suite = {
	.name = "sluice_pt_walks_bench",
	.test_cases = cases,
};

kunit_test_suite(suite);
