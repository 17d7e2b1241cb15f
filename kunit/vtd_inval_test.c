// SPDX-License-Identifier: GPL-2.0-only
/*
 * VT-d invalidations: descriptors for every kind of gather, as the specification
 * writes them, and that random ones never cover too little.
 */
#include <linux/prandom.h>
#include <linux/sizes.h>

#include "vtd_hw.h"

#define DID	5
#define LIMIT	16	/* descriptors for one gather */
#define COHERENT (FAKE_VTD_ECAP | FAKE_VTD_ECAP_C)
#define DRAIN	(BIT_ULL(54) | BIT_ULL(55))
#define PSI	BIT_ULL(39)

static u64 with_mask(u64 am)
{
	return (FAKE_VTD_CAP & ~GENMASK_ULL(53, 48)) | am << 48;
}

/* ---- Golden descriptors: 6.5.2.3 ---- */

/* Page-selective, with draining; domain-selective. */
#define PAGES	((u64)DID << 16 | 0xf2)
#define ALL	((u64)DID << 16 | 0xe2)
#define IH	0x40

/**
 * struct golden - a gather, and what has to be queued for it
 * @name: for the test's name
 * @am: the unit's greatest address mask
 * @range: the gather's
 * @nr: ranges
 * @nonleaf: the gather's
 * @desc: the descriptors' second words
 * @nr_descs: how many; 0: one for the whole domain
 */
struct golden {
	const char *name;
	unsigned int am;
	struct sluice_range range[SLUICE_GATHER_RANGES];
	unsigned int nr;
	bool nonleaf;
	u64 desc[LIMIT];
	unsigned int nr_descs;
};

static const struct golden goldens[] = {
	{ "page", 18, { { 0x12345000, 0x12345fff } }, 1, false,
	  { 0x12345000 | IH }, 1 },
	{ "page-0", 18, { { 0, 0xfff } }, 1, false, { IH }, 1 },
	{ "nonleaf", 18, { { 0x12345000, 0x12345fff } }, 1, true,
	  { 0x12345000 }, 1 },
	{ "2m", 18, { { 0x40000000, 0x401fffff } }, 1, false,
	  { 0x40000000 | IH | 9 }, 1 },
	{ "1g", 18, { { 0x40000000, 0x7fffffff } }, 1, false,
	  { 0x40000000 | IH | 18 }, 1 },
	{ "4g", 18, { { 0, 0xffffffff } }, 1, false,
	  { 0x00000000 | IH | 18, 0x40000000 | IH | 18, 0x80000000 | IH | 18,
	    0xc0000000 | IH | 18 }, 4 },
	{ "unaligned", 18, { { 0x1000, 0x8fff } }, 1, false,
	  { 0x1000 | IH, 0x2000 | IH | 1, 0x4000 | IH | 2, 0x8000 | IH }, 4 },
	{ "three-pages", 18, { { 0x10000, 0x12fff } }, 1, false,
	  { 0x10000 | IH | 1, 0x12000 | IH }, 2 },
	{ "small-mask", 2, { { 0x10000, 0x1ffff } }, 1, false,
	  { 0x10000 | IH | 2, 0x14000 | IH | 2, 0x18000 | IH | 2,
	    0x1c000 | IH | 2 }, 4 },
	{ "no-mask", 0, { { 0x10000, 0x12fff } }, 1, false,
	  { 0x10000 | IH, 0x11000 | IH, 0x12000 | IH }, 3 },
	{ "eight", 18,
	  { { 0x1000, 0x1fff }, { 0x3000, 0x3fff }, { 0x5000, 0x5fff },
	    { 0x7000, 0x7fff }, { 0xe000, 0xffff }, { 0xb000, 0xbfff },
	    { 0xd000, 0xdfff }, { 0x9000, 0x9fff } }, 8, false,
	  { 0x1000 | IH, 0x3000 | IH, 0x5000 | IH, 0x7000 | IH,
	    0xe000 | IH | 1, 0xb000 | IH, 0xd000 | IH, 0x9000 | IH }, 8 },
	{ "top", 18, { { 0xfffffffffffff000, U64_MAX } }, 1, false,
	  { 0xfffffffffffff000 | IH }, 1 },
	{ "whole-space", 18, { { 0, U64_MAX } }, 1, false, {}, 0 },
	{ "sixteen", 0, { { 0, 0xffff } }, 1, false,
	  { 0x0 | IH, 0x1000 | IH, 0x2000 | IH, 0x3000 | IH, 0x4000 | IH,
	    0x5000 | IH, 0x6000 | IH, 0x7000 | IH, 0x8000 | IH, 0x9000 | IH,
	    0xa000 | IH, 0xb000 | IH, 0xc000 | IH, 0xd000 | IH, 0xe000 | IH,
	    0xf000 | IH }, 16 },
	{ "seventeen", 0, { { 0, 0x10fff } }, 1, false, {}, 0 },
	{ "tables-alone", 18, {}, 0, true, {}, 0 },
};

KUNIT_ARRAY_PARAM_DESC(golden, goldens, name);

static void make_gather(struct sluice_gather *gather, const struct golden *g)
{
	sluice_gather_init(gather);
	memcpy(gather->ranges, g->range, sizeof(gather->ranges));
	gather->nr = g->nr;
	gather->nonleaf = g->nonleaf;
}

static void golden(struct kunit *test)
{
	const struct golden *g = test->param_value;
	struct fake_vtd *hw = fake_vtd_create(test, with_mask(g->am), COHERENT);
	struct sluice_gather gather;
	unsigned int i;

	make_gather(&gather, g);
	KUNIT_ASSERT_EQ(test, 0, vtd_inval_domain(&hw->unit, DID, &gather));
	for (i = 0; i < g->nr_descs; i++)
		fake_vtd_expect_event(hw, i, FAKE_VTD_DESC, 0, PAGES,
				      g->desc[i]);
	if (!g->nr_descs)
		fake_vtd_expect_event(hw, i++, FAKE_VTD_DESC, 0, ALL, 0);
	KUNIT_EXPECT_EQ(test, i, hw->nr_events);
}

static void no_page_selective(struct kunit *test)
{
	struct fake_vtd *hw = fake_vtd_create(test, FAKE_VTD_CAP & ~PSI,
					      COHERENT);
	struct sluice_gather gather;

	make_gather(&gather, &goldens[0]);
	KUNIT_ASSERT_EQ(test, 0, vtd_inval_domain(&hw->unit, DID, &gather));
	fake_vtd_expect_event(hw, 0, FAKE_VTD_DESC, 0, ALL, 0);
	KUNIT_EXPECT_EQ(test, 1, hw->nr_events);
}

/* Each of the two by itself. */
static void draining(struct kunit *test)
{
	static const u16 rid = 0x1234;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		u64 cap = (FAKE_VTD_CAP & ~DRAIN) | (u64)i << 54;
		struct fake_vtd *hw = fake_vtd_create(test, cap, COHERENT);
		struct sluice_gather gather;

		make_gather(&gather, &goldens[0]);
		KUNIT_ASSERT_EQ(test, 0, vtd_inval_domain(&hw->unit, DID,
							  &gather));
		KUNIT_ASSERT_EQ(test, 0, vtd_inval_context(&hw->unit, &rid, 1,
							   DID, DID));
		KUNIT_ASSERT_EQ(test, 0, vtd_inval_global(&hw->unit));
		fake_vtd_expect_event(hw, 0, FAKE_VTD_DESC, 0,
				      DID << 16 | 0x32 | i << 6,
				      0x12345000 | IH);
		fake_vtd_expect_event(hw, 1, FAKE_VTD_DESC, 0,
				      0x123400050031, 0);
		fake_vtd_expect_event(hw, 2, FAKE_VTD_DESC, 0,
				      DID << 16 | 0x22 | i << 6, 0);
		fake_vtd_expect_event(hw, 3, FAKE_VTD_DESC, 0, 0x11, 0);
		fake_vtd_expect_event(hw, 4, FAKE_VTD_DESC, 0, 0x12 | i << 6,
				      0);
	}
}

/* ---- Random gathers ---- */

static u64 rnd64(struct rnd_state *rnd)
{
	return (u64)prandom_u32_state(rnd) << 32 | prandom_u32_state(rnd);
}

/* Ranges of every size, at every alignment; the last may end at the top. */
static void random_gather(struct sluice_gather *gather, struct rnd_state *rnd)
{
	unsigned int nr = prandom_u32_state(rnd) % SLUICE_GATHER_RANGES + 1, i;

	sluice_gather_init(gather);
	gather->nonleaf = prandom_u32_state(rnd) & 1;
	for (i = 0; i < nr; i++) {
		unsigned int shift = prandom_u32_state(rnd) % 52;
		u64 page = rnd64(rnd) >> 12 >> prandom_u32_state(rnd) % 40;
		u64 pages = (rnd64(rnd) & (BIT_ULL(shift / 4) - 1)) + 1;

		if (shift & 1)
			page &= ~(BIT_ULL(shift) - 1);
		if (shift & 2)
			pages = BIT_ULL(shift / 2);
		pages = min(pages, BIT_ULL(52) - page);
		sluice_gather_add(gather, page << 12,
				  (page << 12) + ((pages << 12) - 1), 12);
	}
}

/* Block by block, range by range: all of them, and not a page more. */
static void check_blocks(struct kunit *test, struct fake_vtd *hw,
			 const struct sluice_gather *gather)
{
	unsigned int i, n = 0;

	for (i = 0; i < gather->nr; i++) {
		u64 page = gather->ranges[i].start >> 12;
		u64 end = (gather->ranges[i].last >> 12) + 1;

		while (page < end) {
			u64 word = hw->event[n].v[1];

			KUNIT_ASSERT_LT(test, n, hw->nr_events);
			KUNIT_ASSERT_EQ(test, hw->event[n].v[0], PAGES);
			KUNIT_ASSERT_EQ(test, !(word & IH), (bool)gather->nonleaf);
			KUNIT_ASSERT_EQ(test, word >> 12, page);
			page += BIT_ULL(word & 63);
			n++;
		}
		KUNIT_ASSERT_EQ(test, page, end);
	}
	KUNIT_ASSERT_EQ(test, n, hw->nr_events);
}

#define ROUNDS 20000

static void random_gathers(struct kunit *test)
{
	unsigned int round, selective = 0, whole = 0;
	static const u8 masks[] = { 0, 1, 9, 18, 51 };
	struct fake_vtd *hw[ARRAY_SIZE(masks)];
	struct sluice_gather gather;
	struct rnd_state rnd;

	for (round = 0; round < ARRAY_SIZE(masks); round++)
		hw[round] = fake_vtd_create(test, with_mask(masks[round]),
					    COHERENT);
	prandom_seed_state(&rnd, 20270109);
	for (round = 0; round < ROUNDS; round++) {
		struct fake_vtd *unit = hw[round % ARRAY_SIZE(masks)];

		random_gather(&gather, &rnd);
		fake_vtd_clear_events(unit);
		KUNIT_ASSERT_EQ(test, 0, vtd_inval_domain(&unit->unit, DID,
							  &gather));
		KUNIT_ASSERT_GE(test, unit->nr_events, 1);
		KUNIT_ASSERT_LE(test, unit->nr_events, LIMIT);
		if (unit->event[0].v[0] == ALL) {
			KUNIT_ASSERT_EQ(test, unit->nr_events, 1);
			whole++;
			continue;
		}
		check_blocks(test, unit, &gather);
		selective++;
	}
	/* Both ways were gone. */
	KUNIT_EXPECT_GT(test, selective, ROUNDS / 10);
	KUNIT_EXPECT_GT(test, whole, ROUNDS / 10);
}

/* ---- Flushes after a map ---- */

#define IOVA 0x40000000ULL

static void expect_map_flush(struct kunit *test, u64 cap, bool needed)
{
	static const u16 rid = 0x100;
	struct fake_vtd *hw = fake_vtd_create(test, cap, COHERENT);
	struct vtd_device *device =
		fake_vtd_device_create(test, hw, &rid, 1)->device;
	struct vtd_domain *domain = vtd_domain_alloc(&hw->unit);
	struct sluice_extent e[2] = {
		{ .iova = IOVA, .phys = BIT_ULL(36), .len = SZ_8K },
		{ .iova = IOVA + SZ_64K, .phys = BIT_ULL(37), .len = SZ_4K },
	};
	struct sluice_gather gather;
	phys_addr_t phys;
	u64 done;

	KUNIT_ASSERT_FALSE(test, IS_ERR(domain));
	KUNIT_ASSERT_EQ(test, 0, vtd_device_attach(device, domain));
	KUNIT_EXPECT_EQ(test, -EFAULT, fake_vtd_translate(hw, rid, IOVA, false,
							  &phys));
	sluice_gather_init(&gather);
	KUNIT_ASSERT_EQ(test, 0,
			sluice_paging_map(&domain->paging.domain, e, 2,
					  SLUICE_PROT_READ, &done, &gather));
	KUNIT_EXPECT_EQ(test, needed ? 2 : 0, gather.nr);
	if (needed) {
		fake_vtd_clear_events(hw);
		KUNIT_EXPECT_EQ(test, 0,
				sluice_paging_flush(&domain->paging.domain,
						    &gather));
		/* Leaves only: nothing that pointed to a table has changed. */
		fake_vtd_expect_event(hw, 0, FAKE_VTD_DESC, 0, 0x200f2,
				      IOVA | 1);
		fake_vtd_expect_event(hw, 1, FAKE_VTD_DESC, 0, 0x200f2,
				      IOVA + SZ_64K);
	}
	KUNIT_EXPECT_EQ(test, 0, fake_vtd_translate(hw, rid, IOVA, false,
						    &phys));
	vtd_device_block(device);
	sluice_paging_free_hw(&domain->paging.hw);
}

static void map_flush(struct kunit *test)
{
	expect_map_flush(test, FAKE_VTD_CAP, false);
	expect_map_flush(test, FAKE_VTD_CAP | FAKE_VTD_CAP_CM, true);
	expect_map_flush(test, FAKE_VTD_CAP | BIT_ULL(4), true);	/* RWBF */
}

/* From when on the second unit needs it, all maps are flushed. */
static void map_flush_for_one_of_two(struct kunit *test)
{
	static const u16 rid = 0x100;
	struct fake_vtd *plain = fake_vtd_create(test, FAKE_VTD_CAP, COHERENT);
	struct fake_vtd *caching = fake_vtd_create(test, FAKE_VTD_CAP |
						   FAKE_VTD_CAP_CM, COHERENT);
	struct vtd_device *a =
		fake_vtd_device_create(test, plain, &rid, 1)->device;
	struct vtd_device *b =
		fake_vtd_device_create(test, caching, &rid, 1)->device;
	struct vtd_domain *domain = vtd_domain_alloc(&plain->unit);

	KUNIT_ASSERT_FALSE(test, IS_ERR(domain));
	KUNIT_ASSERT_EQ(test, 0, vtd_device_attach(a, domain));
	KUNIT_EXPECT_FALSE(test, domain->paging.flush_on_map);
	KUNIT_ASSERT_EQ(test, 0, vtd_device_attach(b, domain));
	KUNIT_EXPECT_TRUE(test, domain->paging.flush_on_map);
	vtd_device_block(a);
	vtd_device_block(b);
	sluice_paging_free_hw(&domain->paging.hw);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(golden, golden_gen_params),
	KUNIT_CASE(no_page_selective),
	KUNIT_CASE(draining),
	KUNIT_CASE(random_gathers),
	KUNIT_CASE(map_flush),
	KUNIT_CASE(map_flush_for_one_of_two),
	{}
};

static struct kunit_suite suite = {
	.name = "sluice_vtd_inval",
	.test_cases = cases,
};

kunit_test_suite(suite);
