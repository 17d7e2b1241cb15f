// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page tables: entries, bit by bit, as the specifications give them.
 *
 * VT-d: Architecture Specification 4.1, 9.8, figures and tables of the second-
 * stage paging entries. AMD-Vi: 48882, 2.2.3, figures of the page directory and
 * page table entries, and the table of example page size encodings.
 */
#include <linux/io.h>
#include <linux/sizes.h>

#include "pt_fixture.h"

#define RW	(SLUICE_PROT_READ | SLUICE_PROT_WRITE)

/**
 * struct golden - one page, and the entries that hardware reads for it
 * @name: for the test's name
 * @fmt: the format
 * @snoop: see &struct pt_config
 * @iova: where
 * @phys: on what
 * @len: bytes, all one page
 * @prot: how
 * @entry: from the root of 4 levels on, without software bits; entries for
 *	tables without their address
 */
struct golden {
	const char *name;
	const struct pt_format *fmt;
	bool snoop;
	u64 iova;
	u64 phys;
	u64 len;
	unsigned int prot;
	u64 entry[4];
};

#define VTD_TABLE	0x3ULL
#define AMD_TABLE(next)	(0x6000000000000001ULL | (next) << 9)

static const struct golden goldens[] = {
	/* SS-PTE: R is bit 0, W bit 1, SNP bit 11, the address bits 51:12. */
	{ "vtd-4k-rw", &pt_vtdss, false, 0x1000, 0x123456789000, SZ_4K, RW,
	  { VTD_TABLE, VTD_TABLE, VTD_TABLE, 0x123456789003 } },
	{ "vtd-4k-r", &pt_vtdss, false, 0x7fffffffe000, 0x1000, SZ_4K,
	  SLUICE_PROT_READ, { VTD_TABLE, VTD_TABLE, VTD_TABLE, 0x1001 } },
	{ "vtd-4k-w", &pt_vtdss, false, 0, 0xffffffffff000, SZ_4K,
	  SLUICE_PROT_WRITE,
	  { VTD_TABLE, VTD_TABLE, VTD_TABLE, 0xffffffffff002 } },
	{ "vtd-4k-snoop", &pt_vtdss, true, 0, 0, SZ_4K, RW,
	  { VTD_TABLE, VTD_TABLE, VTD_TABLE, 0x803 } },
	/* SS-PDE and SS-PDPE that map a page: PS is bit 7. */
	{ "vtd-2m", &pt_vtdss, false, SZ_2M, 0x40200000, SZ_2M, RW,
	  { VTD_TABLE, VTD_TABLE, 0x40200083 } },
	{ "vtd-1g", &pt_vtdss, true, SZ_1G, 0xc0000000, SZ_1G, SLUICE_PROT_READ,
	  { VTD_TABLE, 0xc0000881 } },
	/* PR is bit 0, Next Level 11:9, FC bit 60, IR bit 61, IW bit 62. */
	{ "amd-4k-rw", &pt_amdv1, false, 0x1000, 0x123456789000, SZ_4K, RW,
	  { AMD_TABLE(3), AMD_TABLE(2), AMD_TABLE(1), 0x6000123456789001 } },
	{ "amd-4k-r", &pt_amdv1, false, 0, 0x1000, SZ_4K, SLUICE_PROT_READ,
	  { AMD_TABLE(3), AMD_TABLE(2), AMD_TABLE(1), 0x2000000000001001 } },
	{ "amd-4k-w-snoop", &pt_amdv1, true, 0, 0xffffffffff000, SZ_4K,
	  SLUICE_PROT_WRITE,
	  { AMD_TABLE(3), AMD_TABLE(2), AMD_TABLE(1), 0x500ffffffffff001 } },
	/* Next Level 7: the address's lowest 0 is at half the size. */
	{ "amd-8k", &pt_amdv1, false, SZ_8K, 0x12346000, SZ_8K, RW,
	  { AMD_TABLE(3), AMD_TABLE(2), AMD_TABLE(1), 0x6000000012346e01 } },
	{ "amd-16k", &pt_amdv1, false, SZ_16K, 0x12344000, SZ_16K, RW,
	  { AMD_TABLE(3), AMD_TABLE(2), AMD_TABLE(1), 0x6000000012345e01 } },
	{ "amd-64k", &pt_amdv1, false, 0, 0x12340000, SZ_64K, RW,
	  { AMD_TABLE(3), AMD_TABLE(2), AMD_TABLE(1), 0x6000000012347e01 } },
	{ "amd-1m", &pt_amdv1, false, SZ_1M, 0x12300000, SZ_1M, RW,
	  { AMD_TABLE(3), AMD_TABLE(2), AMD_TABLE(1), 0x600000001237fe01 } },
	{ "amd-2m", &pt_amdv1, false, 0, 0x40200000, SZ_2M, RW,
	  { AMD_TABLE(3), AMD_TABLE(2), 0x6000000040200001 } },
	{ "amd-4m", &pt_amdv1, false, SZ_4M, 0x40400000, SZ_4M, RW,
	  { AMD_TABLE(3), AMD_TABLE(2), 0x60000000405ffe01 } },
	{ "amd-1g", &pt_amdv1, false, 0, 0xc0000000, SZ_1G, RW,
	  { AMD_TABLE(3), 0x60000000c0000001 } },
	{ "amd-512g", &pt_amdv1, false, 0, 0x8000000000, 1ULL << 39, RW,
	  { 0x6000008000000001 } },
};

static const void *golden_gen(const void *prev, char *desc)
{
	const struct golden *g = prev ? (const struct golden *)prev + 1 :
					goldens;

	if (g == goldens + ARRAY_SIZE(goldens))
		return NULL;
	strscpy(desc, g->name, KUNIT_PARAM_DESC_SIZE);
	return g;
}

static void init_golden(struct kunit *test, struct pt *pt,
			const struct golden *g)
{
	struct pt_config cfg = {
		.levels = 4,
		.pgsizes = g->fmt == &pt_vtdss ? SZ_4K | SZ_2M | SZ_1G :
						 GENMASK_ULL(51, 12),
		.snoop = g->snoop,
		.nid = NUMA_NO_NODE,
	};

	KUNIT_ASSERT_EQ(test, 0, pt_init(pt, g->fmt, &cfg));
}

static void entry_is(struct kunit *test)
{
	const struct golden *g = test->param_value;
	u64 sw = g->fmt == &pt_vtdss ? GENMASK_ULL(61, 52) : GENMASK_ULL(4, 1);
	struct sluice_extent extent = {
		.iova = g->iova, .phys = g->phys, .len = g->len,
	};
	struct sluice_gather gather;
	unsigned int depth, shift;
	__le64 *table;
	struct pt pt;
	u64 done;

	init_golden(test, &pt, g);
	sluice_gather_init(&gather);
	KUNIT_ASSERT_EQ(test, 0, pt_map(&pt, &extent, 1, g->prot, GFP_KERNEL,
					&done, &gather));
	table = phys_to_virt(pt_root(&pt, NULL));
	for (depth = 0; depth < 4 && g->entry[depth]; depth++) {
		bool leaf = depth == 3 || !g->entry[depth + 1];
		u64 entry;

		shift = 39 - 9 * depth;
		entry = le64_to_cpu(table[g->iova >> shift & 511]) & ~sw;
		if (!leaf) {
			table = phys_to_virt(entry & GENMASK_ULL(51, 12));
			entry &= ~GENMASK_ULL(51, 12);
		}
		KUNIT_ASSERT_EQ_MSG(test, entry, g->entry[depth], "level %u",
				    3 - depth);
	}
	pt_deinit(&pt);
}

/*
 * What software notes must be ignored by hardware: bits 61:52 (VT-d), 4:1 (AMD).
 * And it must come back.
 */
static void software_bits_are_ignored_ones(struct kunit *test)
{
	const struct golden *g = test->param_value;
	u64 sw = g->fmt == &pt_vtdss ? GENMASK_ULL(61, 52) : GENMASK_ULL(4, 1);
	static const unsigned int kinds[] = {
		0, SLUICE_PROT_MMIO, SLUICE_PROT_REGISTERED,
	};
	u64 plain = 0, seen[ARRAY_SIZE(kinds)];
	struct pt_hw *hw;
	unsigned int i;
	struct pt pt;

	hw = kunit_kzalloc(test, sizeof(*hw), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, hw);
	init_golden(test, &pt, g);
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct sluice_range range = { g->iova, g->iova + g->len - 1 };
		struct sluice_extent extent = {
			.iova = g->iova, .phys = g->phys, .len = g->len,
		};
		struct sluice_gather gather;
		struct pt_hw_walk walk;
		u64 done;

		sluice_gather_init(&gather);
		KUNIT_ASSERT_EQ(test, 0, pt_map(&pt, &extent, 1,
						g->prot | kinds[i], GFP_KERNEL,
						&done, &gather));
		pt_hw_init(hw, test, &pt, true);
		pt_hw_attach(hw, pt_root(&pt, NULL), 4);
		KUNIT_ASSERT_EQ(test, 0, pt_hw_translate(hw, g->iova, &walk));
		seen[i] = walk.leaf;
		plain = plain ?: walk.leaf & ~sw;
		KUNIT_EXPECT_EQ(test, walk.leaf & ~sw, plain);
		KUNIT_EXPECT_EQ(test, walk.lg2, (unsigned int)ilog2(g->len));
		KUNIT_ASSERT_EQ(test, 1, pt_unmap(&pt, g->iova, &range, &extent,
						  1, &gather));
		KUNIT_EXPECT_EQ(test, extent.prot, g->prot | kinds[i]);
		pt_free_gathered(&pt, &gather);
		pt_hw_deinit(hw);
	}
	KUNIT_EXPECT_NE(test, seen[0], seen[1]);
	KUNIT_EXPECT_NE(test, seen[0], seen[2]);
	KUNIT_EXPECT_NE(test, seen[1], seen[2]);
	pt_deinit(&pt);
}

/* An 8-page page of AMD-Vi stands in all eight entries. */
static void groups_are_uniform(struct kunit *test)
{
	static const struct golden g = { .fmt = &pt_amdv1 };
	struct sluice_extent extent = { .iova = SZ_32K, .len = SZ_32K };
	struct sluice_gather gather;
	unsigned int i, depth;
	__le64 *table;
	struct pt pt;
	u64 done;

	init_golden(test, &pt, &g);
	sluice_gather_init(&gather);
	KUNIT_ASSERT_EQ(test, 0, pt_map(&pt, &extent, 1, RW, GFP_KERNEL, &done,
					&gather));
	table = phys_to_virt(pt_root(&pt, NULL));
	for (depth = 0; depth < 3; depth++)
		table = phys_to_virt(le64_to_cpu(table[0]) &
				     GENMASK_ULL(51, 12));
	for (i = 0; i < 24; i++)
		KUNIT_EXPECT_EQ(test, le64_to_cpu(table[i]),
				i / 8 == 1 ? 0x6000000000003e01 : 0);
	pt_deinit(&pt);
}

/* What a format can't be is refused, not bent. */
static void refuses_configurations(struct kunit *test)
{
	static const struct {
		const struct pt_format *fmt;
		struct pt_config cfg;
	} bad[] = {
		{ &pt_vtdss, { .levels = 2, .pgsizes = SZ_4K } },
		{ &pt_vtdss, { .levels = 6, .pgsizes = SZ_4K } },
		{ &pt_vtdss, { .levels = 3, .max_levels = 4,
			       .pgsizes = SZ_4K } },
		{ &pt_vtdss, { .levels = 4, .pgsizes = SZ_2M } },
		{ &pt_vtdss, { .levels = 4, .pgsizes = SZ_4K | SZ_64K } },
		{ &pt_vtdss, { .levels = 4 } },
		{ &pt_amdv1, { .levels = 0, .pgsizes = SZ_4K } },
		{ &pt_amdv1, { .levels = 7, .pgsizes = SZ_4K } },
		{ &pt_amdv1, { .levels = 4, .max_levels = 3,
			       .pgsizes = SZ_4K } },
		{ &pt_amdv1, { .levels = 3, .max_levels = 6,
			       .pgsizes = SZ_4K } },
		{ &pt_amdv1, { .levels = 4, .pgsizes = SZ_8K } },
		{ &pt_amdv1, { .levels = 4, .pgsizes = SZ_4K | 1 } },
		{ &pt_amdv1, { .levels = 4,
			       .pgsizes = SZ_4K | BIT_ULL(52) } },
		{ &pt_soft, { .levels = 3, .pgsizes = SZ_2K } },
		{ &pt_soft, { .levels = 3, .pgsizes = SZ_4K | SZ_8K } },
		{ &pt_soft, { .levels = 6, .pgsizes = BIT_ULL(30) } },
		{ &pt_soft, { .levels = 3, .pgsizes = SZ_4K, .snoop = true } },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct pt pt;

		KUNIT_EXPECT_EQ_MSG(test, -EINVAL,
				    pt_init(&pt, bad[i].fmt, &bad[i].cfg),
				    "configuration %u", i);
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(entry_is, golden_gen),
	KUNIT_CASE_PARAM(software_bits_are_ignored_ones, golden_gen),
	KUNIT_CASE(groups_are_uniform),
	KUNIT_CASE(refuses_configurations),
	{}
};

static struct kunit_suite suite = {
	.name = "sluice_pt_golden",
	.test_cases = cases,
};

kunit_test_suite(suite);
