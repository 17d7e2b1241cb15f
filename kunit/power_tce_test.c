// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the POWER backend writes TCEs: in as few hypercalls as there can be, and without
 * harm to the neighbours that these write once more.
 */
#include "power_fixture.h"

static void tce_scattered(struct kunit *test)
{
	struct power_case *c = power_case_create(test, 1);
	unsigned int i;

	for (i = 0; i < BLOCK; i++)
		power_add_page(c, i);
	KUNIT_EXPECT_EQ(test, 0, power_do_map(c, RW));
	KUNIT_EXPECT_EQ(test, BLOCK,
			atomic_read(&c->hv->tces[FAKE_HV_INDIRECT]));
	power_expect_calls(c, 0, 1, 0);
	power_check(c);

	/* The same pages, across the border of a block. */
	power_do_clear(c);
	fake_hv_forget_counts(c->hv);
	for (i = 0; i < BLOCK; i++)
		power_add_page(c, BLOCK - 1 + i);
	KUNIT_EXPECT_EQ(test, 0, power_do_map(c, RO));
	power_expect_calls(c, 1, 1, 0);
	power_check(c);
	power_do_clear(c);
	power_case_finish(c);
}

static void tce_long(struct kunit *test)
{
	static const struct {
		unsigned int first, n, calls;
	} tries[] = {
		{ 0, 8 * BLOCK, 8 },
		{ 7, 8 * BLOCK, 9 },
		{ BLOCK - 2, 4, 2 },
	};
	struct power_case *c = power_case_create(test, 1);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tries); i++) {
		u64 bytes = tries[i].n * PAGE_SIZE;

		power_add(c, IOVA(tries[i].first), PHYS(1), bytes);
		KUNIT_EXPECT_EQ(test, 0, power_do_map(c, RW));
		power_expect_calls(c, 0, tries[i].calls, 0);
		power_check(c);
		KUNIT_EXPECT_EQ(test, tries[i].n, power_mapped(c));
		KUNIT_EXPECT_EQ(test, tries[i].calls,
				power_do_unmap(c, IOVA(tries[i].first), bytes));
		power_expect_calls(c, 0, 0, tries[i].calls);
		power_check(c);
	}
	power_case_finish(c);
}

/* Every other page is there already, and is written once more. */
static void tce_bridged(struct kunit *test)
{
	struct power_case *c = power_case_create(test, 2);
	unsigned int i;

	for (i = 0; i < 2 * BLOCK; i += 2)
		power_do_map_page(c, i);
	fake_hv_forget_counts(c->hv);
	for (i = 1; i < BLOCK; i += 2)
		power_add(c, IOVA(i), PHYS(5000 + i), PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, 0, power_do_map(c, RO));
	/* In each PE, the pages between the first and the last one. */
	KUNIT_EXPECT_EQ(test, 2 * (BLOCK / 2 - 1),
			atomic_read(&c->hv->rewritten));
	power_expect_calls(c, 0, 2, 0);
	power_check(c);

	/* Two blocks, from the top down; and holes are to stay holes. */
	power_do_unmap(c, IOVA(0), BLOCK * PAGE_SIZE);
	fake_hv_forget_counts(c->hv);
	for (i = 2 * BLOCK - 1; i > BLOCK; i -= 2)
		power_add(c, IOVA(i), PHYS(5000 + i), PAGE_SIZE);
	for (i = BLOCK - 1; i < BLOCK; i -= 3)
		power_add(c, IOVA(i), PHYS(5000 + i), PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, 0, power_do_map(c, RW));
	power_expect_calls(c, 0, 4, 0);
	power_check(c);
	KUNIT_EXPECT_EQ(test, BLOCK + DIV_ROUND_UP(BLOCK, 3), power_mapped(c));
	power_do_clear(c);
	power_case_finish(c);
}

/* A gap that is larger than a hypercall costs isn't bridged. */
static void tce_gaps(struct kunit *test)
{
	static const struct {
		unsigned int second, put, indirect;
	} tries[] = {
		{ 2, 0, 1 },
		{ 31, 0, 1 },
		{ 32, 2, 0 },
		{ BLOCK - 1, 2, 0 },
		{ BLOCK, 2, 0 },
	};
	struct power_case *c = power_case_create(test, 1);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tries); i++) {
		power_add_page(c, 0);
		power_add_page(c, tries[i].second);
		KUNIT_EXPECT_EQ(test, 0, power_do_map(c, RW));
		power_expect_calls(c, tries[i].put, tries[i].indirect, 0);
		power_check(c);
		power_do_clear(c);
		fake_hv_forget_counts(c->hv);
	}
	power_case_finish(c);
}

static void tce_unmap_holes(struct kunit *test)
{
	struct power_case *c = power_case_create(test, 2);
	unsigned int i, n = 0;

	for (i = 1; i < 3 * BLOCK + 30; i += 7, n++)
		power_do_map_page(c, i);
	power_do_map_page(c, 6 * BLOCK);
	/* What is beyond the range is none of its business. */
	fake_hv_forget_counts(c->hv);
	KUNIT_EXPECT_EQ(test, 3 * BLOCK / 7,
			power_do_unmap(c, IOVA(2), (3 * BLOCK - 2) * PAGE_SIZE));
	power_expect_calls(c, 0, 0, 2 * 3);
	power_check(c);
	KUNIT_EXPECT_EQ(test, n + 1 - 3 * BLOCK / 7, power_mapped(c));

	/* Blocks without anything cost nothing. */
	power_do_unmap(c, IOVA(3 * BLOCK), 4 * BLOCK * PAGE_SIZE);
	power_expect_calls(c, 2, 0, 2);
	power_check(c);
	KUNIT_EXPECT_EQ(test, 1, power_do_unmap(c, IOVA(1), PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, power_mapped(c));
	power_case_finish(c);
}

/* Pages that aren't there, with and without a table of the record for them. */
static void tce_unmap_nothing(struct kunit *test)
{
	struct power_case *c = power_case_create(test, 1);
	unsigned int i;

	for (i = 0; i < 2; i++) {
		memset(c->e, 0x55, sizeof(c->e[0]));
		KUNIT_EXPECT_EQ(test, 0, power_do_unmap(c, IOVA(8), PAGE_SIZE));
		KUNIT_EXPECT_EQ(test, 0, power_do_unmap(c, 0, PAGE_SIZE));
		KUNIT_EXPECT_EQ(test, 0,
				power_do_unmap(c, IOVA(8), 3 * PAGE_SIZE));
		KUNIT_EXPECT_EQ(test, 0, power_do_unmap(c, SZ_4G, PAGE_SIZE));
		KUNIT_EXPECT_EQ(test, 0, power_do_flush(c));
		power_expect_calls(c, 0, 0, 0);
		if (!i)
			power_do_map_page(c, 7);
		fake_hv_forget_counts(c->hv);
	}
	power_check(c);
	KUNIT_EXPECT_EQ(test, 1, power_do_unmap(c, 0, U64_MAX));
	power_case_finish(c);
}

static void unmap_each(struct power_case *c, const unsigned int *pages,
		       size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		c->e[i].iova = IOVA(pages[i]);
	fake_hv_forget_counts(c->hv);
	KUNIT_EXPECT_EQ(c->test, nr,
			c->domain->ops->unmap_each(c->domain, c->e, nr,
						   &c->gather));
	KUNIT_EXPECT_EQ(c->test, 0, power_do_flush(c));
	power_check(c);
}

static void tce_unmap_each(struct kunit *test)
{
	static const unsigned int gaps[] = { 10, 12, 14, 17 };
	static const unsigned int adjacent[] = { 20, 21, 22, 23 };
	static const unsigned int apart[] = { 30, 90, BLOCK + 1, BLOCK + 80 };
	static const unsigned int down[] = { 45, 44, 43, 43, 46 };
	static const unsigned int holes[] = { 200, 201, 202 };
	static const unsigned int border[] = {
		BLOCK - 5, BLOCK - 3, BLOCK + 3, BLOCK + 5,
	};
	struct power_case *c = power_case_create(test, 1);
	unsigned int i;

	for (i = 0; i < 100; i++) {
		power_do_map_page(c, i);
		power_do_map_page(c, BLOCK + i);
	}
	power_do_map_page(c, 201);
	power_do_map_page(c, BLOCK - 5);
	power_do_map_page(c, BLOCK - 3);
	unmap_each(c, gaps, ARRAY_SIZE(gaps));
	power_expect_calls(c, 0, 1, 0);
	unmap_each(c, adjacent, ARRAY_SIZE(adjacent));
	power_expect_calls(c, 0, 0, 1);
	unmap_each(c, apart, ARRAY_SIZE(apart));
	power_expect_calls(c, 4, 0, 0);
	unmap_each(c, down, ARRAY_SIZE(down));
	power_expect_calls(c, 0, 1, 0);
	unmap_each(c, holes, ARRAY_SIZE(holes));
	power_expect_calls(c, 0, 0, 1);
	/* A hypercall is about one block. */
	unmap_each(c, border, ARRAY_SIZE(border));
	power_expect_calls(c, 0, 2, 0);
	KUNIT_EXPECT_EQ(test, 203 - 4 - 4 - 4 - 4 - 1 - 4, power_mapped(c));
	power_do_clear(c);
	power_case_finish(c);
}

/* One call is about several windows, whose pages differ. */
static void tce_windows(struct kunit *test)
{
	struct power_case *c = power_case_create(test, 1);

	power_add(c, 0, PHYS(900), PAGE_SIZE);
	power_add_page(c, 3);
	power_add_page(c, 4);
	power_add(c, PAGE_SIZE, PHYS(901), 2 * PAGE_SIZE);
	power_add_page(c, 5);
	KUNIT_EXPECT_EQ(test, 0, power_do_map(c, RW));
	power_check(c);
	KUNIT_EXPECT_EQ(test, 3 + 3, power_mapped(c));
	c->e[0].iova = IOVA(3);
	c->e[1].iova = PAGE_SIZE;
	c->e[2].iova = IOVA(4);
	KUNIT_EXPECT_EQ(test, 1,
			c->domain->ops->unmap_each(c->domain, c->e, 3,
						   &c->gather));
	KUNIT_EXPECT_EQ(test, c->e[0].len, PAGE_SIZE);
	power_check(c);
	/* What is in no window is refused, and what was before it is mapped. */
	power_add_page(c, 6);
	power_add(c, FAKE_HV_LARGE_START - PAGE_SIZE, PHYS(902), PAGE_SIZE);
	power_add_page(c, 7);
	KUNIT_EXPECT_EQ(test, -EINVAL, power_do_map(c, RW));
	KUNIT_EXPECT_EQ(test, c->done, PAGE_SIZE);
	power_check(c);
	while (power_do_unmap(c, 0, U64_MAX))
		;
	power_check(c);
	KUNIT_EXPECT_EQ(test, 0, power_mapped(c));
	power_case_finish(c);
}

/* The firmware lacks one of the calls, or both: then a TCE at a time, and no other. */
static void without(struct kunit *test, bool indirect, bool stuff)
{
	static const unsigned int some[] = { 3, 5, 9, 10, 60 };
	struct power_case *c = power_case_plug(test);
	unsigned int i;

	if (!indirect)
		c->hv->ops.put_indirect = NULL;
	if (!stuff)
		c->hv->ops.stuff = NULL;
	for (i = 0; i < FAKE_HV_PES; i++)
		c->fp[i]->desc.window.last = SZ_1M - 1;
	power_case_start(c, 2, SLUICE_DOMAIN_UNIFIED);
	for (i = 0; i < ARRAY_SIZE(some); i++)
		power_add_page(c, some[i]);
	power_add(c, IOVA(BLOCK - 2), PHYS(900), 4 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, 0, power_do_map(c, RW));
	if (!indirect) {
		KUNIT_EXPECT_EQ(test, 0, atomic_read(&c->hv->rewritten));
		power_expect_calls(c, 2 * 9, 0, 0);
	} else {
		power_expect_calls(c, 0, 2 * 3, 0);
	}
	power_check(c);
	for (i = 0; i < 2; i++)
		c->e[i].iova = IOVA(some[i]);
	KUNIT_EXPECT_EQ(test, 2,
			c->domain->ops->unmap_each(c->domain, c->e, 2,
						   &c->gather));
	power_check(c);
	fake_hv_forget_counts(c->hv);
	power_do_unmap(c, IOVA(0), 2 * BLOCK * PAGE_SIZE);
	if (!stuff) {
		KUNIT_EXPECT_EQ(test, 0, atomic_read(&c->hv->rewritten));
		power_expect_calls(c, 2 * 7, 0, 0);
	} else {
		power_expect_calls(c, 0, 0, 2 * 2);
	}
	power_check(c);
	power_add_page(c, 7);
	KUNIT_EXPECT_EQ(test, 0, power_do_map(c, RW));
	power_case_finish(c);
}

static void tce_without_both(struct kunit *test)
{
	without(test, false, false);
}

static void tce_without_indirect(struct kunit *test)
{
	without(test, false, true);
}

static void tce_without_stuff(struct kunit *test)
{
	without(test, true, false);
}

/* PEs share a domain, and have LIOBNs of their own; another one isn't touched. */
static void tce_several_pes(struct kunit *test)
{
	struct power_case *c = power_case_plug(test);
	struct sluice_domain *other;
	bool several;

	/* What is the same in both is not the same number. */
	c->fp[1]->windows[1].liobn += 7;
	power_case_start(c, 2, SLUICE_DOMAIN_UNIFIED);
	KUNIT_ASSERT_EQ(test, 0, fake_pe_take(c->fp[2]));
	other = sluice_domain_alloc(&c->fp[2]->pe->iommu, c->fp[2]->group,
				    SLUICE_DOMAIN_UNIFIED);
	KUNIT_ASSERT_FALSE(test, IS_ERR(other));
	KUNIT_ASSERT_EQ(test, 0, other->ops->attach(other, c->fp[2]->group));
	fake_hv_forget_counts(c->hv);

	power_add(c, IOVA(3), PHYS(0), 8 * PAGE_SIZE);
	power_add(c, 0x10000, PHYS(8), PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, 0, power_do_map(c, RO));
	KUNIT_EXPECT_EQ(test, 9, power_mapped(c));
	/* A page of 64K is 16 TCEs in the default window, one of 4K is one. */
	several = PAGE_SIZE > SZ_4K;
	power_expect_calls(c, several ? 0 : 2, several ? 4 : 2, 0);
	power_check(c);
	KUNIT_EXPECT_EQ(test, 0, fake_pe_tces(c->fp[2]));

	/* One goes, the other stays as it is, and both come together again. */
	power_case_detach(c, 1);
	fake_pe_expect_normal(c->fp[1]);
	power_check(c);
	power_do_map_page(c, 30);
	KUNIT_EXPECT_EQ(test, 0, power_case_attach(c, 1));
	power_check(c);
	power_do_clear(c);
	other->ops->detach(other, c->fp[2]->group);
	sluice_domain_free(other);
	power_case_finish(c);
}

/* In the default window, each page takes 16 TCEs if the CPU's are of 64K. */
static void fill_default(struct power_case *c, bool scattered)
{
	u64 bytes = FAKE_HV_DEFAULT_BYTES, iova;

	for (iova = 0; scattered && iova < bytes; iova += PAGE_SIZE) {
		power_add(c, iova, PHYS(iova / PAGE_SIZE), PAGE_SIZE);
		if (c->nr < BLOCK && iova + PAGE_SIZE < bytes)
			continue;
		KUNIT_ASSERT_EQ(c->test, 0, power_do_map(c, RW));
	}
	if (!scattered) {
		power_add(c, 0, PHYS(0), bytes);
		KUNIT_ASSERT_EQ(c->test, 0, power_do_map(c, RW));
	}
	KUNIT_ASSERT_EQ(c->test, bytes / PAGE_SIZE, power_mapped(c));
	KUNIT_ASSERT_EQ(c->test, bytes / SZ_4K, fake_pe_tces(c->fp[0]));
	fake_hv_forget_counts(c->hv);
}

/* A device is closed: 1 GiB with TCEs of 4K goes in at most 1,100 hypercalls. */
static void tce_close(struct kunit *test)
{
	struct power_case *c = power_case_create(test, 1);
	struct sluice_range range;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		fill_default(c, i);
		power_case_detach(c, 0);
		KUNIT_EXPECT_LE(test, fake_hv_writes(c->hv), 1100);
		KUNIT_EXPECT_GE(test, fake_hv_writes(c->hv), 512);
		fake_pe_expect_normal(c->fp[0]);

		/* All of it comes back, and goes by an unmap, few at a time. */
		KUNIT_ASSERT_EQ(test, 0, power_case_attach(c, 0));
		power_check(c);
		fake_hv_forget_counts(c->hv);
		range = c->fp[0]->desc.window;
		while (!sluice_range_empty(&range))
			c->domain->ops->unmap(c->domain, 0, &range, c->e, 512,
					      &c->gather);
		KUNIT_EXPECT_LE(test, fake_hv_writes(c->hv), 1100);
		KUNIT_EXPECT_EQ(test, 0, fake_pe_tces(c->fp[0]));
		KUNIT_EXPECT_EQ(test, 0, power_do_flush(c));
	}
	power_case_finish(c);
}

static struct kunit_case power_tce_cases[] = {
	KUNIT_CASE(tce_scattered),
	KUNIT_CASE(tce_long),
	KUNIT_CASE(tce_bridged),
	KUNIT_CASE(tce_gaps),
	KUNIT_CASE(tce_unmap_holes),
	KUNIT_CASE(tce_unmap_nothing),
	KUNIT_CASE(tce_unmap_each),
	KUNIT_CASE(tce_windows),
	KUNIT_CASE(tce_without_both),
	KUNIT_CASE(tce_without_indirect),
	KUNIT_CASE(tce_without_stuff),
	KUNIT_CASE(tce_several_pes),
	KUNIT_CASE(tce_close),
	{}
};

static struct kunit_suite power_tce_suite = {
	.name = "sluice_power_tce",
	.test_cases = power_tce_cases,
};

kunit_test_suite(power_tce_suite);
