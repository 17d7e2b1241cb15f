// SPDX-License-Identifier: GPL-2.0-only
/*
 * The contract suite's cases about what only unified domains must do: refuse to
 * map over a mapping, say what a mapping was, count tables.
 */
#include "contract.h"

#define RO SLUICE_PROT_READ
#define WO SLUICE_PROT_WRITE
#define RW (SLUICE_PROT_READ | SLUICE_PROT_WRITE)
#define MMIO SLUICE_PROT_MMIO
#define REGISTERED SLUICE_PROT_REGISTERED

#define PHYS CONTRACT_PHYS

/* Maps without prepare, as the core does; what was mapped is in the model then. */
static int map(struct contract *c, unsigned int first, unsigned int n,
	       phys_addr_t phys, u64 *done)
{
	/* Two extents where there is room for two. */
	unsigned int part = n / 2;
	struct sluice_extent extents[2] = {
		{ .iova = contract_iova(c, first), .phys = phys,
		  .len = (part ?: n) * c->granule },
		{ .iova = contract_iova(c, first + part),
		  .phys = phys + part * c->granule,
		  .len = (n - part) * c->granule },
	};
	struct sluice_gather gather;
	int ret;

	*done = U64_MAX;
	sluice_gather_init(&gather);
	ret = c->ops->map(c->domain, extents, part ? 2 : 1, RW, done, &gather);
	contract_settle(c, &gather);
	return ret;
}

void contract_exists(struct kunit *test)
{
	static const struct {
		unsigned int first, n, free;
	} tries[] = {
		{ 100, 1, 0 },
		{ 90, 11, 10 },
		{ 0, CONTRACT_PAGES, 100 },
		{ 100, 50, 0 },
		{ 109, 20, 0 },
		{ CONTRACT_SUPER - 3, 4, 3 },
		{ CONTRACT_SUPER, CONTRACT_SUPER, 0 },
		{ CONTRACT_SUPER + 17, 3, 0 },
		{ 2 * CONTRACT_SUPER - 1, 2, 0 },
		{ 2 * CONTRACT_SUPER, CONTRACT_SUPER, 200 },
	};
	struct contract *c = test->priv;
	unsigned int i;

	if (!c->unified)
		kunit_skip(test, "not unified");
	contract_map(c, 100, 10, PHYS(0) + c->granule, RO);
	contract_map(c, CONTRACT_SUPER, CONTRACT_SUPER, PHYS(1), RW);
	contract_map(c, 2 * CONTRACT_SUPER + 200, 1, PHYS(2), WO);
	contract_check(c, c->group[0]);
	for (i = 0; i < ARRAY_SIZE(tries); i++) {
		unsigned int first = tries[i].first, mapped;
		/* In half of them large pages would do. */
		phys_addr_t phys = PHYS(3) + (first + i % 2) * c->granule;
		u64 done;

		KUNIT_ASSERT_EQ(test, -EEXIST,
				map(c, first, tries[i].n, phys, &done));
		KUNIT_ASSERT_TRUE(test, IS_ALIGNED(done, c->granule));
		mapped = done / c->granule;
		KUNIT_ASSERT_LE(test, mapped, tries[i].free);
		contract_expect(c, first, mapped, phys, RW);
		contract_check(c, c->group[0]);
		if (!mapped)
			continue;
		contract_unmap(c, first, mapped, 16);
		contract_flush(c);
		contract_check(c, c->group[0]);
	}
	contract_unmap(c, 0, CONTRACT_PAGES, 16);
	contract_flush(c);
	contract_check(c, c->group[0]);
}

/* Neighbours in both address spaces, which differ in what they are. */
void contract_kinds(struct kunit *test)
{
	static const unsigned int prots[] = {
		RW, RW | REGISTERED, RW | MMIO, RO | REGISTERED, RO, RO | MMIO,
		WO, WO | REGISTERED, RW | REGISTERED,
	};
	struct contract *c = test->priv;
	unsigned int i, n;

	if (!c->unified)
		kunit_skip(test, "not unified");
	for (n = 1; n <= CONTRACT_SUPER / 8; n *= 8) {
		unsigned int pieces = 1, nr;

		for (i = 0; i < ARRAY_SIZE(prots); i++)
			contract_map(c, i * n, n, PHYS(0) + i * n * c->granule,
				     prots[i]);
		contract_map(c, 2 * CONTRACT_SUPER, CONTRACT_SUPER, PHYS(1),
			     RO | REGISTERED);
		contract_check(c, c->group[0]);
		/* Whatever hands back in pieces may also look at pieces. */
		nr = contract_read(c, 0, CONTRACT_PAGES, 16);
		if (c->seam->block)
			KUNIT_EXPECT_LE(test, ARRAY_SIZE(prots) + 1, nr);
		else
			KUNIT_EXPECT_EQ(test, ARRAY_SIZE(prots) + 1, nr);
		if (c->seam->block && n > c->seam->block)
			pieces = n / c->seam->block;
		KUNIT_EXPECT_EQ(test, ARRAY_SIZE(prots) * pieces,
				contract_unmap(c, 0, 2 * CONTRACT_SUPER, 2));
		contract_flush(c);
		/* A part of a larger page is of the same kind. */
		if (c->ops->cut) {
			struct sluice_range range =
				contract_range(c, 2 * CONTRACT_SUPER + 5, 1);

			KUNIT_ASSERT_EQ(test, 0, c->ops->cut(c->domain, &range,
							     &c->gather));
			contract_read(c, 2 * CONTRACT_SUPER, CONTRACT_SUPER, 3);
			contract_unmap(c, 2 * CONTRACT_SUPER + 5, 1, 1);
		}
		contract_unmap(c, 0, CONTRACT_PAGES, 16);
		contract_flush(c);
	}
}

/* The core's number against the fake hardware's, which counts by itself. */
void contract_tables(struct kunit *test)
{
	struct contract *c = test->priv;
	struct sluice_range range = contract_range(c, CONTRACT_SUPER + 7, 1);
	unsigned long empty, full;
	unsigned int others;

	if (!c->unified || !c->seam->tables)
		kunit_skip(test, "not unified, or no tables");
	empty = c->seam->tables(c);
#define EXPECT_TABLES() \
	KUNIT_EXPECT_EQ(test, c->domain->tables + others, c->seam->tables(c))

	/* Told by the first map at the latest. */
	contract_map(c, 3, 1, PHYS(0), RW);
	others = c->seam->tables(c) - c->domain->tables;
	KUNIT_EXPECT_LE(test, others, empty);
	KUNIT_EXPECT_GE(test, c->domain->tables, 2);
	contract_map(c, CONTRACT_SUPER, CONTRACT_SUPER, PHYS(1), RW);
	EXPECT_TABLES();
	full = c->domain->tables;
	KUNIT_ASSERT_EQ(test, 0, c->ops->cut(c->domain, &range, &c->gather));
	EXPECT_TABLES();
	if (c->iommu->caps.pgsizes & (CONTRACT_SUPER * c->granule))
		KUNIT_EXPECT_EQ(test, c->domain->tables, full + 1);
	contract_unmap(c, CONTRACT_SUPER + 7, 1, 1);
	contract_unmap(c, 0, CONTRACT_PAGES, 16);
	contract_flush(c);
	EXPECT_TABLES();
	if (c->ops->reclaim) {
		c->ops->reclaim(c->domain);
		EXPECT_TABLES();
		KUNIT_EXPECT_EQ(test, c->seam->tables(c), empty);
	}
#undef EXPECT_TABLES
}

/* ---- Pages by themselves; of any domain ---- */

/* Unmaps pages as they are named, and compares; returns how many were. */
static size_t unmap_each(struct contract *c, const unsigned int *pages,
			 size_t nr)
{
	struct sluice_extent extents[8];
	size_t i, n;

	KUNIT_ASSERT_LE(c->test, nr, ARRAY_SIZE(extents));
	memset(extents, 0x55, sizeof(extents));
	for (i = 0; i < nr; i++)
		extents[i].iova = contract_iova(c, pages[i]);
	n = c->ops->unmap_each(c->domain, extents, nr, &c->gather);
	KUNIT_ASSERT_LE(c->test, n, nr);
	for (i = 0; i < n; i++) {
		u64 page = c->page[pages[i]];

		KUNIT_EXPECT_EQ(c->test, extents[i].iova,
				contract_iova(c, pages[i]));
		KUNIT_EXPECT_EQ(c->test, extents[i].len,
				page ? c->granule : 0);
		if (page) {
			KUNIT_EXPECT_EQ(c->test, (u64)extents[i].phys,
					ALIGN_DOWN(page, c->granule));
			KUNIT_EXPECT_EQ(c->test, extents[i].prot,
					page & (c->granule - 1));
		}
		contract_forget(c, pages[i], 1);
	}
	contract_flush(c);
	contract_check(c, c->group[0]);
	return n;
}

void contract_unmap_each(struct kunit *test)
{
	static const unsigned int small[] = { 7, 3, 200, 4, 5, 201, 3 };
	static const unsigned int large[] = { 8, CONTRACT_SUPER + 1, 9 };
	struct contract *c = test->priv;
	unsigned int i;

	if (!c->ops->unmap_each)
		kunit_skip(test, "no unmap_each");
	/* By themselves, so that they aren't one larger page for any format. */
	for (i = 3; i < 13; i++)
		contract_map(c, i, 1, PHYS(0) + i * c->granule, RW);
	contract_map(c, 201, 1, PHYS(1), RO);
	contract_map(c, CONTRACT_SUPER, CONTRACT_SUPER, PHYS(2), RW);
	contract_check(c, c->group[0]);
	/* In any order, with holes, and one of them twice. */
	KUNIT_EXPECT_EQ(test, unmap_each(c, small, ARRAY_SIZE(small)),
			c->seam->no_each ? 0 : ARRAY_SIZE(small));
	/* It stops before what is a part of a larger page. */
	if (c->iommu->caps.pgsizes & (CONTRACT_SUPER * c->granule))
		KUNIT_EXPECT_EQ(test, unmap_each(c, large, ARRAY_SIZE(large)),
				1);
	contract_unmap(c, 0, CONTRACT_PAGES, 16);
	contract_flush(c);
}
