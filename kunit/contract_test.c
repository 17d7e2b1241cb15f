// SPDX-License-Identifier: GPL-2.0-only
/*
 * The contract suite: what sluice/backend.h says of a domain, as cases.
 *
 * Runs against every backend over its fake hardware; see contract.h.
 * Registration and probe are in register_test.c, concurrency and long random
 * sequences in contract_stress_test.c, what is said only of unified domains in
 * contract_unified_test.c, of memory that is mapped again in contract_again_test.c.
 */
#include <linux/err.h>
#include "contract.h"

#define RO SLUICE_PROT_READ
#define WO SLUICE_PROT_WRITE
#define RW (SLUICE_PROT_READ | SLUICE_PROT_WRITE)

#define PHYS CONTRACT_PHYS

/**
 * struct contract_variant - a parameter of the suite
 * @seam: the backend; NULL if it isn't part of this kernel
 * @unified: its domains are made to be the record of what they have mapped
 */
struct contract_variant {
	const struct contract_seam *seam;
	bool unified;
};

static const struct contract_variant variants[] = {
	{ &contract_fake, false },
	{ &contract_fake, true },
	{ &contract_fake_bare, false },
	{ CONTRACT_VTD(39), false },
	{ CONTRACT_VTD(48), false },
	{ CONTRACT_VTD(48), true },
	{ CONTRACT_VTD(57), false },
	{ CONTRACT_VTD(caching), false },
	{ CONTRACT_VTD(caching), true },
	{ CONTRACT_AMDVI(plain), false },
	{ CONTRACT_AMDVI(plain), true },
	{ CONTRACT_AMDVI(caching), false },
	{ CONTRACT_AMDVI(caching), true },
	{ &contract_power_default, true },
	{ &contract_power_large, true },
	{ &contract_power_single, true },
};

static const void *seam_gen_params(const void *prev, char *desc)
{
	const struct contract_variant *v = variants;
	const struct contract_variant *end = v + ARRAY_SIZE(variants);

	if (prev)
		v = (const struct contract_variant *)prev + 1;
	while (v < end && !v->seam)
		v++;
	if (v == end)
		return NULL;
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s%s", v->seam->name,
		 v->unified ? "-unified" : "");
	return v;
}

static enum sluice_domain_kind kind(const struct contract *c)
{
	return c->unified ? SLUICE_DOMAIN_UNIFIED : SLUICE_DOMAIN_MAPPINGS;
}

static int contract_init(struct kunit *test)
{
	const struct contract_variant *variant = test->param_value;
	struct contract *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, c);
	test->priv = c;
	c->test = test;
	c->seam = variant->seam;
	c->unified = variant->unified;
	c->seam->plug(c);
	c->iommu = sluice_iommu_probe(c->group[0]);
	KUNIT_ASSERT_FALSE(test, IS_ERR(c->iommu));
	c->domain = sluice_domain_alloc(c->iommu, c->group[0], kind(c));
	KUNIT_ASSERT_FALSE(test, IS_ERR(c->domain));
	c->ops = c->domain->ops;
	KUNIT_ASSERT_EQ(test, 0, c->ops->attach(c->domain, c->group[0]));
	c->attached = true;
	c->granule = BIT_ULL(__ffs64(c->iommu->caps.pgsizes));
	KUNIT_ASSERT_LT(test, c->seam->aperture, c->iommu->caps.nr_apertures);
	c->aperture = c->iommu->caps.apertures[c->seam->aperture];
	c->base = ALIGN(c->aperture.start, CONTRACT_SUPER * c->granule);
	sluice_gather_init(&c->gather);
	return 0;
}

/* By variant: the suite has registered its backend. */
static bool registered[ARRAY_SIZE(variants)];

static void contract_suite_exit(struct kunit_suite *suite)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(variants); i++) {
		if (registered[i])
			sluice_backend_unregister(variants[i].seam->backend);
		registered[i] = false;
	}
}

/* A backend that drives this machine's hardware is registered already. */
static int contract_suite_init(struct kunit_suite *suite)
{
	const struct sluice_backend *last = NULL;
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(variants); i++) {
		const struct contract_seam *seam = variants[i].seam;

		if (!seam || seam->backend == last)
			continue;
		last = seam->backend;
		ret = sluice_backend_register(seam->backend);
		if (ret && ret != -EEXIST) {
			contract_suite_exit(suite);
			return ret;
		}
		registered[i] = !ret;
	}
	return 0;
}

static void contract_exit(struct kunit *test)
{
	struct contract *c = test->priv;

	if (!c || IS_ERR_OR_NULL(c->iommu))
		return;
	if (!IS_ERR_OR_NULL(c->domain)) {
		if (c->attached)
			c->ops->detach(c->domain, c->group[0]);
		sluice_domain_free(c->domain);
	}
	sluice_iommu_put(c->iommu);
	c->seam->check_idle(c);
}

/* ---- Capabilities ---- */

static void contract_caps(struct kunit *test)
{
	struct contract *c = test->priv;
	const struct sluice_caps *caps = &c->iommu->caps;
	unsigned int i;

	KUNIT_EXPECT_NE(test, caps->pgsizes, 0);
	KUNIT_ASSERT_GE(test, caps->nr_apertures, 1);
	KUNIT_ASSERT_LE(test, caps->nr_apertures, SLUICE_MAX_APERTURES);
	for (i = 0; i < caps->nr_apertures; i++) {
		KUNIT_EXPECT_LE(test, caps->apertures[i].start,
				caps->apertures[i].last);
		if (i)
			KUNIT_EXPECT_GT(test, caps->apertures[i].start,
					caps->apertures[i - 1].last);
	}
	KUNIT_EXPECT_PTR_EQ(test, c->iommu->backend, c->seam->backend);
	KUNIT_EXPECT_FALSE(test, c->iommu->dead);
}

/* ---- Map, unmap, read ---- */

/* Extents of many sizes, alignments and offsets to their physical side. */
const struct contract_shape contract_shapes[CONTRACT_SHAPES] = {
	{ 0, 1, 0 },
	{ 3, 1, 7 },
	{ 5, 2, 1 },
	{ 10, 100, 3 },
	{ CONTRACT_SUPER - 1, 1, 0 },
	{ CONTRACT_SUPER, CONTRACT_SUPER, CONTRACT_SUPER },	/* a superpage */
	{ 2 * CONTRACT_SUPER, CONTRACT_SUPER, 1 },	/* none: unaligned */
};

void contract_map_shapes(struct contract *c)
{
	unsigned int i;

	for (i = 0; i < CONTRACT_SHAPES; i++) {
		const struct contract_shape *shape = &contract_shapes[i];

		contract_map(c, shape->first, shape->n,
			     PHYS(i) + shape->phys_page * c->granule, RW);
	}
}

static void contract_roundtrip(struct kunit *test)
{
	struct contract *c = test->priv;
	unsigned int i;

	contract_check(c, c->group[0]);
	contract_map_shapes(c);
	contract_check(c, c->group[0]);
	for (i = 0; i < CONTRACT_SHAPES; i++) {
		contract_unmap(c, contract_shapes[i].first, contract_shapes[i].n, 16);
		contract_flush(c);
		contract_check(c, c->group[0]);
	}
}

static void contract_one_unmap_for_all(struct kunit *test)
{
	struct contract *c = test->priv;

	contract_map_shapes(c);
	contract_check(c, c->group[0]);
	contract_unmap(c, 0, CONTRACT_PAGES, 16);
	contract_flush(c);
	contract_check(c, c->group[0]);
}

static void contract_whole_space(struct kunit *test)
{
	struct contract *c = test->priv;
	const struct sluice_range *a = &c->aperture;
	struct sluice_range range = { .start = 0, .last = U64_MAX };
	struct sluice_extent extents[4];
	size_t nr = 0;

	contract_map(c, 0, 1, PHYS(0), RW);
	c->base = a->last - (CONTRACT_PAGES * c->granule - 1);
	contract_map(c, CONTRACT_PAGES - 1, 1, PHYS(1), RW);
	while (!sluice_range_empty(&range) && nr < ARRAY_SIZE(extents))
		nr += c->ops->unmap(c->domain, 0, &range, &extents[nr],
				    ARRAY_SIZE(extents) - nr, &c->gather);
	KUNIT_EXPECT_TRUE(test, sluice_range_empty(&range));
	KUNIT_ASSERT_EQ(test, nr, 2);
	KUNIT_EXPECT_EQ(test, (u64)extents[0].phys, (u64)PHYS(0));
	KUNIT_EXPECT_EQ(test, (u64)extents[1].phys, (u64)PHYS(1));
	KUNIT_EXPECT_EQ(test, extents[1].iova + (extents[1].len - 1), a->last);
	contract_flush(c);
}

static void contract_top_of_space(struct kunit *test)
{
	struct contract *c = test->priv;
	u64 last = c->aperture.last;

	c->base = last - (CONTRACT_PAGES * c->granule - 1);
	contract_map(c, CONTRACT_PAGES - 1, 1, PHYS(0), RW);
	contract_map(c, CONTRACT_SUPER, CONTRACT_SUPER, PHYS(1), RO);
	contract_check(c, c->group[0]);
	contract_read(c, CONTRACT_PAGES - 1, 1, 1);
	contract_read(c, 0, CONTRACT_PAGES, 1);
	contract_unmap(c, CONTRACT_PAGES - 1, 1, 1);
	contract_flush(c);
	contract_check(c, c->group[0]);

	/* A whole superpage that ends where the space ends. */
	contract_map(c, 2 * CONTRACT_SUPER, CONTRACT_SUPER, PHYS(2), RW);
	contract_check(c, c->group[0]);
	contract_unmap(c, 0, CONTRACT_PAGES, 1);
	contract_flush(c);
	contract_check(c, c->group[0]);
}

static void contract_unmap_few_at_a_time(struct kunit *test)
{
	struct contract *c = test->priv;
	size_t max;

	for (max = 1; max <= 5; max += 2) {
		unsigned int i, nr;

		/* No two neighbours are contiguous in physical memory. */
		for (i = 0; i < 40; i++)
			contract_map(c, 500 + i, 1,
				     PHYS(0) + 2 * i * c->granule, RW);
		KUNIT_EXPECT_EQ(test, 40, contract_read(c, 490, 60, max));
		nr = contract_unmap(c, 490, 60, max);
		KUNIT_EXPECT_EQ(test, nr, 40);
		contract_flush(c);
		contract_check(c, c->group[0]);
	}
}

static void contract_unmap_coalesces(struct kunit *test)
{
	struct contract *c = test->priv;
	unsigned int i;

	contract_map(c, 8, 5, PHYS(0) + c->granule, RW);
	KUNIT_EXPECT_EQ(test, 1, contract_read(c, 0, 64, 16));
	KUNIT_EXPECT_EQ(test, 1, contract_unmap(c, 0, 64, 16));

	/* Also what several calls have mapped. */
	contract_flush(c);
	for (i = 0; i < 5; i++)
		contract_map(c, 8 + i, 1, PHYS(0) + i * c->granule, RW);
	KUNIT_EXPECT_EQ(test, 1, contract_unmap(c, 0, 64, 1));

	/* Neighbours in IOVA, not in memory; and the other way round. */
	contract_flush(c);
	contract_map(c, 8, 1, PHYS(0), RW);
	contract_map(c, 9, 1, PHYS(0) + 2 * c->granule, RW);
	contract_map(c, 11, 1, PHYS(0) + 3 * c->granule, RW);
	KUNIT_EXPECT_EQ(test, 3, contract_unmap(c, 0, 64, 16));
	contract_flush(c);
}

static void contract_holes(struct kunit *test)
{
	struct contract *c = test->priv;

	KUNIT_EXPECT_EQ(test, 0, contract_unmap(c, 0, CONTRACT_PAGES, 1));
	KUNIT_EXPECT_EQ(test, 0, contract_read(c, 0, CONTRACT_PAGES, 1));
	contract_map(c, 700, 2, PHYS(0), RW);
	KUNIT_EXPECT_EQ(test, 0, contract_unmap(c, 0, 700, 1));
	KUNIT_EXPECT_EQ(test, 0, contract_unmap(c, 702, 300, 1));
	contract_check(c, c->group[0]);
	contract_unmap(c, 0, CONTRACT_PAGES, 1);
	contract_flush(c);
}

static void contract_read_changes_nothing(struct kunit *test)
{
	struct contract *c = test->priv;
	size_t max;

	contract_map_shapes(c);
	for (max = 1; max <= 16; max *= 4)
		contract_read(c, 0, CONTRACT_PAGES, max);
	KUNIT_EXPECT_EQ(test, c->gather.nr, 0);
	contract_check(c, c->group[0]);
	contract_unmap(c, 0, CONTRACT_PAGES, 16);
	contract_flush(c);
}

static void contract_read_clips(struct kunit *test)
{
	struct contract *c = test->priv;

	contract_map(c, CONTRACT_SUPER, CONTRACT_SUPER, PHYS(0), RW);
	KUNIT_EXPECT_EQ(test, 1, contract_read(c, CONTRACT_SUPER + 7, 3, 1));
	KUNIT_EXPECT_EQ(test, 1, contract_read(c, 0, CONTRACT_SUPER + 1, 1));
	KUNIT_EXPECT_EQ(test, 1, contract_read(c, 2 * CONTRACT_SUPER - 1,
					       CONTRACT_SUPER, 1));
	contract_unmap(c, 0, CONTRACT_PAGES, 16);
	contract_flush(c);
}

/* ---- Rights ---- */

static void contract_never_wider(struct kunit *test)
{
	struct contract *c = test->priv;

	contract_map(c, 0, 10, PHYS(0), RO);
	contract_map(c, 10, 10, PHYS(0) + 10 * c->granule, WO);
	contract_map(c, 20, 10, PHYS(0) + 20 * c->granule, RW);
	contract_map(c, CONTRACT_SUPER, CONTRACT_SUPER, PHYS(1), RO);
	contract_check(c, c->group[0]);

	/* Nor when the neighbours go. */
	contract_unmap(c, 20, 10, 16);
	contract_flush(c);
	contract_check(c, c->group[0]);
	contract_unmap(c, 0, CONTRACT_PAGES, 16);
	contract_flush(c);
}

/* ---- Flush ---- */

static void contract_gone_after_flush(struct kunit *test)
{
	struct contract *c = test->priv;
	unsigned int i;

	/* More ranges than a gather can tell apart. */
	for (i = 0; i < 3 * SLUICE_GATHER_RANGES; i++)
		contract_map(c, 2 * i * i, 1, PHYS(i), RW);
	contract_check(c, c->group[0]);
	for (i = 0; i < 3 * SLUICE_GATHER_RANGES; i++)
		contract_unmap(c, 2 * i * i, 1, 1);
	contract_flush(c);
	contract_check(c, c->group[0]);
}

/* A fake that doesn't show missing flushes would prove nothing. */
static void contract_stale_until_flush(struct kunit *test)
{
	struct contract *c = test->priv;
	phys_addr_t phys = 0;
	u64 iova;

	if (!c->seam->caches)
		kunit_skip(test, "this hardware caches nothing");
	contract_map(c, 5, 1, PHYS(0), RW);
	contract_check_pages(c, c->group[0], 5, 1);
	iova = contract_iova(c, 5);
	contract_unmap(c, 5, 1, 1);
	KUNIT_EXPECT_EQ(test, 0, c->seam->translate(c->group[0], iova, true,
						    &phys));
	KUNIT_EXPECT_EQ(test, (u64)phys, (u64)PHYS(0));
	KUNIT_EXPECT_GE(test, c->gather.nr, 1);
	KUNIT_EXPECT_LE(test, BIT_ULL(c->gather.leaf_lg2), c->granule);
	contract_flush(c);
	contract_check(c, c->group[0]);
}

static void contract_remap_is_seen(struct kunit *test)
{
	struct contract *c = test->priv;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		contract_map(c, 0, CONTRACT_SUPER, PHYS(i), i & 1 ? RO : RW);
		contract_flush(c);
		contract_check(c, c->group[0]);
		contract_unmap(c, 0, CONTRACT_SUPER, 1);
		contract_flush(c);
	}
}

static void contract_dead_hardware(struct kunit *test)
{
	struct contract *c = test->priv;
	unsigned int before = 0;
	int ret;

	contract_map(c, 0, 3, PHYS(0), RW);
	if (c->seam->tables)
		before = c->seam->tables(c);
	/* Some are asked by the unmap, others by the flush. */
	c->seam->die(c);
	contract_unmap(c, 0, 3, 16);
	ret = c->ops->flush(c->domain, &c->gather);
	KUNIT_EXPECT_TRUE(test, ret == -EIO || ret == -ETIMEDOUT);
	sluice_gather_init(&c->gather);

	/* The tables outlive the domain: the hardware may still read them. */
	c->ops->detach(c->domain, c->group[0]);
	c->attached = false;
	sluice_domain_free(c->domain);
	c->domain = NULL;
	if (c->seam->tables)
		KUNIT_EXPECT_EQ(test, c->seam->record ? 0 : before,
				c->seam->tables(c));
}

/* ---- What can fail ---- */

static void contract_map_fails_half_way(struct kunit *test)
{
	struct contract *c = test->priv;
	unsigned int n, failures = 0;

	if (!c->seam->fail_alloc)
		kunit_skip(test, "no tables");
	/* Across two borders of lowest-level tables. */
	for (n = 1;; n++) {
		unsigned int first = 1, pages = CONTRACT_PAGES - 2, mapped;
		phys_addr_t phys = PHYS(0) + 3 * c->granule;
		u64 done;
		int ret;

		KUNIT_ASSERT_LT(test, n, 100);
		c->seam->fail_alloc(c, n);
		ret = contract_try_map(c, first, pages, phys, RW, &done);
		c->seam->fail_alloc(c, 0);
		if (!ret) {
			contract_expect(c, first, pages, phys, RW);
			break;
		}
		failures++;
		KUNIT_ASSERT_EQ(test, ret, -ENOMEM);
		KUNIT_ASSERT_TRUE(test, IS_ALIGNED(done, c->granule));
		mapped = done / c->granule;
		KUNIT_ASSERT_LT(test, mapped, pages);
		if (c->ops->prepare)
			KUNIT_ASSERT_EQ(test, mapped, 0);
		contract_expect(c, first, mapped, phys, RW);
		contract_check(c, c->group[0]);
		contract_unmap(c, 0, CONTRACT_PAGES, 16);
		contract_flush(c);

		/* Each round starts without tables. */
		c->ops->detach(c->domain, c->group[0]);
		sluice_domain_free(c->domain);
		c->domain = sluice_domain_alloc(c->iommu, c->group[0], kind(c));
		KUNIT_ASSERT_FALSE(test, IS_ERR(c->domain));
		KUNIT_ASSERT_EQ(test, 0,
				c->ops->attach(c->domain, c->group[0]));
	}
	KUNIT_EXPECT_GT(test, failures, 2);
	contract_check(c, c->group[0]);
	contract_unmap(c, 0, CONTRACT_PAGES, 16);
	contract_flush(c);
}

static void contract_map_after_prepare(struct kunit *test)
{
	struct contract *c = test->priv;
	struct sluice_extent extents[2] = {
		{ .iova = contract_iova(c, CONTRACT_SUPER - 3),
		  .phys = PHYS(0), .len = 7 * c->granule },
		{ .iova = contract_iova(c, CONTRACT_SUPER + 4),
		  .phys = PHYS(1), .len = c->granule },
	};
	u64 done = 0;

	if (!c->ops->prepare || !c->seam->fail_alloc)
		kunit_skip(test, "no prepare");
	KUNIT_ASSERT_EQ(test, 0, c->ops->prepare(c->domain, extents, 2,
						 &c->gather));
	contract_check(c, c->group[0]);
	c->seam->fail_alloc(c, 1);
	KUNIT_EXPECT_EQ(test, 0, c->ops->map(c->domain, extents, 2, RW, &done,
					     &c->gather));
	c->seam->fail_alloc(c, 0);
	contract_settle(c, &c->gather);
	contract_expect(c, CONTRACT_SUPER - 3, 7, PHYS(0), RW);
	contract_expect(c, CONTRACT_SUPER + 4, 1, PHYS(1), RW);
	contract_check(c, c->group[0]);
	contract_unmap(c, 0, CONTRACT_PAGES, 16);
	contract_flush(c);
}

/* ---- Cut ---- */

static const struct {
	unsigned int first, n;
} cuts[] = {
	{ CONTRACT_SUPER + 100, 7 },			/* the middle */
	{ CONTRACT_SUPER, 1 },				/* the beginning */
	{ 2 * CONTRACT_SUPER - 1, 1 },			/* the end */
	{ 0, CONTRACT_SUPER + 1 },			/* one end of two */
	{ CONTRACT_SUPER - 1, CONTRACT_SUPER + 2 },	/* all of it and more */
};

static void contract_cut_then_unmap(struct kunit *test)
{
	struct contract *c = test->priv;
	unsigned int i;

	if (!c->ops->cut)
		kunit_skip(test, "no cut");
	for (i = 0; i < ARRAY_SIZE(cuts); i++) {
		struct sluice_range range = contract_range(c, cuts[i].first,
							   cuts[i].n);

		contract_map(c, 0, CONTRACT_SUPER, PHYS(0), RW);
		contract_map(c, CONTRACT_SUPER, 2 * CONTRACT_SUPER, PHYS(1),
			     RO);
		contract_check(c, c->group[0]);
		KUNIT_ASSERT_EQ(test, 0, c->ops->cut(c->domain, &range,
						     &c->gather));
		/* What is mapped stays mapped, whether cached or not. */
		contract_check(c, c->group[0]);
		contract_read(c, 0, CONTRACT_PAGES, 2);
		contract_unmap(c, cuts[i].first, cuts[i].n, 1);
		contract_flush(c);
		contract_check(c, c->group[0]);
		contract_unmap(c, 0, CONTRACT_PAGES, 3);
		contract_flush(c);
	}
}

static void contract_cut_fails(struct kunit *test)
{
	struct contract *c = test->priv;
	struct sluice_range range = contract_range(c, CONTRACT_SUPER - 5,
						   CONTRACT_SUPER);
	unsigned int n, failures = 0;
	int ret;

	if (!c->ops->cut || !c->seam->fail_alloc)
		kunit_skip(test, "no cut");
	contract_map(c, 0, 2 * CONTRACT_SUPER, PHYS(0), RW);
	for (n = 1;; n++) {
		KUNIT_ASSERT_LT(test, n, 10);
		c->seam->fail_alloc(c, n);
		ret = c->ops->cut(c->domain, &range, &c->gather);
		c->seam->fail_alloc(c, 0);
		contract_check(c, c->group[0]);
		contract_read(c, 0, CONTRACT_PAGES, 16);
		if (!ret)
			break;
		KUNIT_ASSERT_EQ(test, ret, -ENOMEM);
		failures++;
	}
	if (c->iommu->caps.pgsizes & (CONTRACT_SUPER * c->granule))
		KUNIT_EXPECT_GE(test, failures, 1);
	contract_unmap(c, CONTRACT_SUPER - 5, CONTRACT_SUPER, 16);
	contract_flush(c);
	contract_check(c, c->group[0]);
	contract_unmap(c, 0, CONTRACT_PAGES, 16);
	contract_flush(c);
}

/* ---- Reclaim ---- */

static void contract_reclaim(struct kunit *test)
{
	struct contract *c = test->priv;
	unsigned int empty;

	if (!c->ops->reclaim || !c->seam->tables)
		kunit_skip(test, "no reclaim");
	empty = c->seam->tables(c);
	contract_map_shapes(c);
	contract_map(c, 200, 1, PHYS(20), RO);
	contract_check(c, c->group[0]);
	KUNIT_EXPECT_GT(test, c->seam->tables(c), empty);

	/* All but one page goes. Its tables stay. */
	contract_unmap(c, 0, 200, 16);
	contract_unmap(c, 201, CONTRACT_PAGES - 201, 16);
	contract_flush(c);
	contract_check(c, c->group[0]);
	c->ops->reclaim(c->domain);
	contract_check(c, c->group[0]);

	/*
	 * The hardware has just walked the tables of the last page, and may
	 * remember where they were.
	 */
	contract_unmap(c, 200, 1, 1);
	contract_flush(c);
	c->ops->reclaim(c->domain);
	KUNIT_EXPECT_EQ(test, c->seam->tables(c), empty);
	contract_check(c, c->group[0]);
	contract_map(c, 200, 1, PHYS(21), RW);
	contract_check(c, c->group[0]);
	contract_unmap(c, 200, 1, 1);
	contract_flush(c);
}

/* ---- Groups ---- */

static void contract_groups_share(struct kunit *test)
{
	struct contract *c = test->priv;
	phys_addr_t phys;

	contract_map_shapes(c);
	KUNIT_EXPECT_EQ(test, -EFAULT,
			c->seam->translate(c->group[1], c->base, false, &phys));
	KUNIT_ASSERT_TRUE(test, c->ops->compatible(c->domain, c->iommu,
						   c->group[1]));
	KUNIT_ASSERT_EQ(test, 0, c->ops->attach(c->domain, c->group[1]));
	contract_check(c, c->group[0]);
	contract_check(c, c->group[1]);
	c->ops->detach(c->domain, c->group[1]);
	KUNIT_EXPECT_EQ(test, -EFAULT,
			c->seam->translate(c->group[1], c->base, false, &phys));
	contract_check(c, c->group[0]);
	contract_unmap(c, 0, CONTRACT_PAGES, 16);
	contract_flush(c);
}

static void contract_detach_blocks(struct kunit *test)
{
	struct contract *c = test->priv;
	phys_addr_t phys;

	contract_map(c, 0, 4, PHYS(0), RW);
	contract_check(c, c->group[0]);
	c->ops->detach(c->domain, c->group[0]);
	KUNIT_EXPECT_EQ(test, -EFAULT,
			c->seam->translate(c->group[0], c->base, true, &phys));

	/* What changes meanwhile is right when it comes back. */
	contract_unmap(c, 0, 4, 16);
	contract_flush(c);
	contract_map(c, 1, 1, PHYS(1), RO);
	KUNIT_ASSERT_EQ(test, 0, c->ops->attach(c->domain, c->group[0]));
	contract_check(c, c->group[0]);
	contract_unmap(c, 0, 4, 16);
	contract_flush(c);
}

static void contract_incompatible_group(struct kunit *test)
{
	struct contract *c = test->priv;
	struct sluice_iommu *iommu;
	struct sluice_domain *own;
	phys_addr_t phys;

	contract_map_shapes(c);
	iommu = sluice_iommu_probe(c->group[2]);
	KUNIT_ASSERT_FALSE(test, IS_ERR(iommu));
	KUNIT_EXPECT_FALSE(test, c->ops->compatible(c->domain, iommu,
						    c->group[2]));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			c->ops->attach(c->domain, c->group[2]));
	KUNIT_EXPECT_EQ(test, -EFAULT,
			c->seam->translate(c->group[2], c->base, false, &phys));

	/* One of its own serves it. */
	own = sluice_domain_alloc(iommu, c->group[2], kind(c));
	KUNIT_ASSERT_FALSE(test, IS_ERR(own));
	KUNIT_EXPECT_EQ(test, 0, own->ops->attach(own, c->group[2]));
	own->ops->detach(own, c->group[2]);
	sluice_domain_free(own);
	sluice_iommu_put(iommu);
	contract_check(c, c->group[0]);
	contract_unmap(c, 0, CONTRACT_PAGES, 16);
	contract_flush(c);
}

static void contract_domains_are_apart(struct kunit *test)
{
	struct contract *c = test->priv;
	struct sluice_domain *first = c->domain;
	struct sluice_domain *other;
	phys_addr_t phys;

	contract_map(c, 0, 10, PHYS(0), RW);
	contract_check(c, c->group[0]);

	other = sluice_domain_alloc(c->iommu, c->group[1], kind(c));
	KUNIT_ASSERT_FALSE(test, IS_ERR(other));
	KUNIT_ASSERT_EQ(test, 0, other->ops->attach(other, c->group[1]));
	KUNIT_EXPECT_EQ(test, -EFAULT,
			c->seam->translate(c->group[1], c->base, false, &phys));

	/* The same IOVAs, other memory; then they go from there alone. */
	c->domain = other;
	contract_map(c, 0, 10, PHYS(1), RW);
	contract_check(c, c->group[1]);
	contract_unmap(c, 0, 10, 16);
	contract_flush(c);
	contract_check(c, c->group[1]);
	other->ops->detach(other, c->group[1]);
	c->domain = first;
	sluice_domain_free(other);

	contract_expect(c, 0, 10, PHYS(0), RW);
	contract_check(c, c->group[0]);
	contract_unmap(c, 0, 10, 16);
	contract_flush(c);
}

static struct kunit_case contract_cases[] = {
	KUNIT_CASE_PARAM(contract_caps, seam_gen_params),
	KUNIT_CASE_PARAM(contract_roundtrip, seam_gen_params),
	KUNIT_CASE_PARAM(contract_one_unmap_for_all, seam_gen_params),
	KUNIT_CASE_PARAM(contract_whole_space, seam_gen_params),
	KUNIT_CASE_PARAM(contract_top_of_space, seam_gen_params),
	KUNIT_CASE_PARAM(contract_unmap_few_at_a_time, seam_gen_params),
	KUNIT_CASE_PARAM(contract_unmap_coalesces, seam_gen_params),
	KUNIT_CASE_PARAM(contract_holes, seam_gen_params),
	KUNIT_CASE_PARAM(contract_read_changes_nothing, seam_gen_params),
	KUNIT_CASE_PARAM(contract_read_clips, seam_gen_params),
	KUNIT_CASE_PARAM(contract_never_wider, seam_gen_params),
	KUNIT_CASE_PARAM(contract_gone_after_flush, seam_gen_params),
	KUNIT_CASE_PARAM(contract_stale_until_flush, seam_gen_params),
	KUNIT_CASE_PARAM(contract_remap_is_seen, seam_gen_params),
	KUNIT_CASE_PARAM(contract_dead_hardware, seam_gen_params),
	KUNIT_CASE_PARAM(contract_map_fails_half_way, seam_gen_params),
	KUNIT_CASE_PARAM(contract_map_after_prepare, seam_gen_params),
	KUNIT_CASE_PARAM(contract_cut_then_unmap, seam_gen_params),
	KUNIT_CASE_PARAM(contract_cut_fails, seam_gen_params),
	KUNIT_CASE_PARAM(contract_reclaim, seam_gen_params),
	KUNIT_CASE_PARAM(contract_in_place, seam_gen_params),
	KUNIT_CASE_PARAM(contract_prepare_in_place, seam_gen_params),
	KUNIT_CASE_PARAM(contract_reserved, seam_gen_params),
	KUNIT_CASE_PARAM(contract_groups_share, seam_gen_params),
	KUNIT_CASE_PARAM(contract_detach_blocks, seam_gen_params),
	KUNIT_CASE_PARAM(contract_incompatible_group, seam_gen_params),
	KUNIT_CASE_PARAM(contract_domains_are_apart, seam_gen_params),
	KUNIT_CASE_PARAM(contract_exists, seam_gen_params),
	KUNIT_CASE_PARAM(contract_kinds, seam_gen_params),
	KUNIT_CASE_PARAM(contract_tables, seam_gen_params),
	KUNIT_CASE_PARAM(contract_unmap_each, seam_gen_params),
	KUNIT_CASE_PARAM(contract_random, seam_gen_params),
	KUNIT_CASE_PARAM(contract_threads, seam_gen_params),
	KUNIT_CASE_PARAM(contract_threads_cut, seam_gen_params),
	{}
};

static struct kunit_suite contract_suite = {
	.name = "sluice_contract",
	.suite_init = contract_suite_init,
	.suite_exit = contract_suite_exit,
	.init = contract_init,
	.exit = contract_exit,
	.test_cases = contract_cases,
};

kunit_test_suite(contract_suite);
