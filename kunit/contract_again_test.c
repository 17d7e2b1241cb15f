// SPDX-License-Identifier: GPL-2.0-only
/*
 * The contract suite's cases about memory that is unmapped for a while and mapped again:
 * that needs no table, and none is taken away meanwhile.
 */
#include "contract.h"

#define RW (SLUICE_PROT_READ | SLUICE_PROT_WRITE)

#define PHYS CONTRACT_PHYS

/* The model is told. @no_tables: it must do with what is there. */
static int map_in_place(struct contract *c, unsigned int first, unsigned int n,
			phys_addr_t phys, bool no_tables)
{
	struct sluice_extent extent = {
		.iova = contract_iova(c, first),
		.phys = phys,
		.len = n * c->granule,
	};
	struct sluice_gather gather;
	u64 done = 0;
	int ret;

	sluice_gather_init(&gather);
	gather.in_place = true;
	gather.no_tables = no_tables;
	if (no_tables && c->seam->fail_alloc)
		c->seam->fail_alloc(c, 1);
	ret = c->ops->map(c->domain, &extent, 1, RW, &done, &gather);
	if (c->seam->fail_alloc)
		c->seam->fail_alloc(c, 0);
	KUNIT_EXPECT_TRUE(c->test, list_empty(&gather.tables));
	contract_settle(c, &gather);
	if (ret)
		KUNIT_EXPECT_EQ(c->test, done, 0);
	else
		contract_expect(c, first, n, phys, RW);
	return ret;
}

static void unmap_for_now(struct contract *c)
{
	c->gather.keep_tables = true;
	contract_unmap(c, 0, CONTRACT_PAGES, 16);
	contract_flush(c);
	contract_check(c, c->group[0]);
}

void contract_in_place(struct kunit *test)
{
	struct contract *c = test->priv;
	unsigned int tables = 0, i;

	contract_map_shapes(c);
	contract_check(c, c->group[0]);
	if (c->seam->tables)
		tables = c->seam->tables(c);
	unmap_for_now(c);
	for (i = 0; i < CONTRACT_SHAPES; i++) {
		const struct contract_shape *shape = &contract_shapes[i];

		KUNIT_ASSERT_EQ(test, 0,
				map_in_place(c, shape->first, shape->n,
					     PHYS(i) + shape->phys_page *
							       c->granule,
					     true));
	}
	contract_check(c, c->group[0]);
	contract_read(c, 0, CONTRACT_PAGES, 16);
	/* A larger page would do, but for the table of the small ones. */
	unmap_for_now(c);
	KUNIT_ASSERT_EQ(test, 0, map_in_place(c, 2 * CONTRACT_SUPER,
					      CONTRACT_SUPER, PHYS(9), true));
	/* Both side by side. */
	KUNIT_ASSERT_EQ(test, 0, map_in_place(c, CONTRACT_SUPER, CONTRACT_SUPER,
					      PHYS(10), true));
	contract_check(c, c->group[0]);
	unmap_for_now(c);
	KUNIT_ASSERT_EQ(test, 0,
			map_in_place(c, CONTRACT_SUPER, 2 * CONTRACT_SUPER,
				     PHYS(11), true));
	contract_check(c, c->group[0]);
	if (c->seam->tables)
		KUNIT_EXPECT_EQ(test, c->seam->tables(c), tables);
	unmap_for_now(c);
	/* Where there is no table, none is made unless it may be. */
	if (c->iommu->caps.pgsizes & (CONTRACT_SUPER * c->granule)) {
		KUNIT_EXPECT_EQ(test, -ENOMEM,
				map_in_place(c, CONTRACT_SUPER + 3, 1,
					     PHYS(12), true));
		contract_check(c, c->group[0]);
	}
	KUNIT_ASSERT_EQ(test, 0, map_in_place(c, CONTRACT_SUPER + 3, 1,
					      PHYS(12), false));
	contract_check(c, c->group[0]);
	/* What is mapped is never mapped over. */
	if (c->unified)
		KUNIT_EXPECT_EQ(test, -EEXIST,
				map_in_place(c, CONTRACT_SUPER + 3, 1,
					     PHYS(13), true));
	contract_unmap(c, 0, CONTRACT_PAGES, 16);
	contract_flush(c);
	/* Otherwise the table gives way. */
	contract_map(c, 2 * CONTRACT_SUPER, CONTRACT_SUPER, PHYS(14), RW);
	contract_check(c, c->group[0]);
	contract_unmap(c, 0, CONTRACT_PAGES, 16);
	contract_flush(c);
}

/* Prepared for what a larger page had, and no longer has to itself. */
void contract_prepare_in_place(struct kunit *test)
{
	struct contract *c = test->priv;
	struct sluice_extent extent = {
		.iova = contract_iova(c, CONTRACT_SUPER),
		.phys = PHYS(0),
		.len = 7 * c->granule,
	};

	if (!c->ops->prepare)
		kunit_skip(test, "no prepare");
	contract_map(c, CONTRACT_SUPER, CONTRACT_SUPER, PHYS(0), RW);
	unmap_for_now(c);
	sluice_gather_init(&c->gather);
	c->gather.keep_tables = true;
	c->gather.no_tables = true;
	if (c->iommu->caps.pgsizes & (CONTRACT_SUPER * c->granule))
		KUNIT_EXPECT_EQ(test, -ENOMEM,
				c->ops->prepare(c->domain, &extent, 1,
						&c->gather));
	c->gather.no_tables = false;
	KUNIT_ASSERT_EQ(test, 0, c->ops->prepare(c->domain, &extent, 1,
						 &c->gather));
	contract_settle(c, &c->gather);
	KUNIT_ASSERT_EQ(test, 0, map_in_place(c, CONTRACT_SUPER, 7, PHYS(0),
					      true));
	KUNIT_ASSERT_EQ(test, 0, map_in_place(c, CONTRACT_SUPER + 7, 3, PHYS(1),
					      true));
	contract_check(c, c->group[0]);
	contract_unmap(c, 0, CONTRACT_PAGES, 16);
	contract_flush(c);
}

void contract_reserved(struct kunit *test)
{
	struct contract *c = test->priv;
	struct interval_tree_node node = {
		.start = contract_iova(c, 200),
		.last = contract_iova(c, 210) - 1,
	};
	struct sluice_reserved reserved = { .ranges = RB_ROOT_CACHED };
	unsigned int empty, kept;

	if (!c->ops->reclaim || !c->seam->tables)
		kunit_skip(test, "no reclaim");
	empty = c->seam->tables(c);
	contract_map(c, 200, 10, PHYS(0), RW);
	kept = c->seam->tables(c);
	contract_map(c, CONTRACT_SUPER + 1, CONTRACT_SUPER, PHYS(1), RW);
	unmap_for_now(c);
	spin_lock_init(&reserved.lock);
	interval_tree_insert(&node, &reserved.ranges);
	c->domain->reserved = &reserved;
	c->ops->reclaim(c->domain);
	KUNIT_EXPECT_EQ(test, c->seam->tables(c), kept);
	KUNIT_EXPECT_EQ(test, 0, map_in_place(c, 200, 10, PHYS(2), true));
	contract_check(c, c->group[0]);
	unmap_for_now(c);
	c->ops->reclaim(c->domain);
	KUNIT_EXPECT_EQ(test, c->seam->tables(c), kept);
	/* Nobody says so to the backend when they are needed no more. */
	interval_tree_remove(&node, &reserved.ranges);
	c->ops->reclaim(c->domain);
	KUNIT_EXPECT_EQ(test, c->seam->tables(c), empty);
	c->domain->reserved = NULL;
	contract_check(c, c->group[0]);
}
