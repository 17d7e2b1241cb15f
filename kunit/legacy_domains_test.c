// SPDX-License-Identifier: GPL-2.0-only
/*
 * Legacy spaces with several groups: shared and separate domains, attach and
 * detach in any order, failures there, and hardware that dies.
 */
#include <linux/mm.h>

#include "legacy_fixture.h"

#define IOVA 0x40000000ULL
#define PAGES(n) ((u64)(n) << PAGE_SHIFT)

static const struct legacy_param params[] = {
	{ "full", SLUICE_SPACE_TYPE1V2, false },
	{ "bare", SLUICE_SPACE_TYPE1V2, true },
};

KUNIT_ARRAY_PARAM_DESC(domains, params, name);

static int nr_domains(struct legacy *l)
{
	return list_count_nodes(&l->space.domains);
}

static void domains_shared(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = legacy_memory(l, 8);

	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, IOVA, addr, 8, RW));
	legacy_expect_hole(l, 1, IOVA, 8);
	KUNIT_ASSERT_EQ(test, 0, legacy_attach(l, 1));
	KUNIT_EXPECT_EQ(test, nr_domains(l), 1);
	legacy_expect_mapped(l, 1, IOVA, addr, 8);
	/* Pinned and charged once, however many devices use it. */
	KUNIT_EXPECT_EQ(test, legacy_locked(l), 8);

	legacy_detach(l, 0);
	legacy_expect_hole(l, 0, IOVA, 8);
	legacy_expect_mapped(l, 1, IOVA, addr, 8);
	KUNIT_EXPECT_EQ(test, legacy_pinned(l, addr, 8), 8);
	legacy_detach(l, 1);
	KUNIT_EXPECT_EQ(test, legacy_pinned(l, addr, 8), 0);
	legacy_finish(l);
}

static void domains_same_content(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = legacy_memory(l, 24);
	phys_addr_t phys;

	KUNIT_ASSERT_EQ(test, 0, legacy_attach(l, 2));
	KUNIT_EXPECT_EQ(test, nr_domains(l), 2);
	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, IOVA, addr, 20, RW));
	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, -PAGES(4), addr + PAGES(20), 4,
					    RO));
	legacy_expect_mapped(l, 0, IOVA, addr, 20);
	legacy_expect_mapped(l, 2, IOVA, addr, 20);
	legacy_expect_mapped(l, 2, -PAGES(4), addr + PAGES(20), 4);
	KUNIT_EXPECT_EQ(test, -EACCES,
			fake_translate(l->fg[2], -PAGES(1), true, &phys));
	KUNIT_EXPECT_EQ(test, legacy_locked(l), 24);

	/* Gone from both, caches included, when unmap returns. */
	KUNIT_EXPECT_EQ(test, 20, legacy_unmap_pages(l, IOVA, 20));
	legacy_expect_hole(l, 0, IOVA, 20);
	legacy_expect_hole(l, 2, IOVA, 20);
	KUNIT_EXPECT_EQ(test, legacy_pinned(l, addr, 24), 4);
	legacy_finish(l);
}

static void domains_filled_from_the_first(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = legacy_memory(l, 50);
	phys_addr_t phys;
	unsigned int i;

	/* Scattered: in IOVAs, and thereby in memory. */
	for (i = 0; i < 40; i++)
		KUNIT_ASSERT_EQ(test, 0,
				legacy_map(l, IOVA + PAGES(3 * i),
					   addr + PAGES(i), 1, RW));
	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, -PAGES(10), addr + PAGES(40),
					    10, RO));
	KUNIT_ASSERT_EQ(test, 0, legacy_attach(l, 2));
	KUNIT_EXPECT_EQ(test, nr_domains(l), 2);
	for (i = 0; i < 40; i++) {
		legacy_expect_mapped(l, 2, IOVA + PAGES(3 * i),
				     addr + PAGES(i), 1);
		legacy_expect_hole(l, 2, IOVA + PAGES(3 * i + 1), 2);
	}
	legacy_expect_mapped(l, 2, -PAGES(10), addr + PAGES(40), 10);
	KUNIT_EXPECT_EQ(test, -EACCES,
			fake_translate(l->fg[2], -PAGES(1), true, &phys));
	KUNIT_EXPECT_EQ(test, legacy_locked(l), 50);

	/* The first domain goes; the other one carries on alone. */
	legacy_detach(l, 0);
	KUNIT_EXPECT_EQ(test, nr_domains(l), 1);
	legacy_expect_hole(l, 0, IOVA, 1);
	legacy_expect_mapped(l, 2, IOVA, addr, 1);
	KUNIT_EXPECT_EQ(test, legacy_pinned(l, addr, 50), 50);
	KUNIT_EXPECT_EQ(test, 1, legacy_unmap_pages(l, IOVA, 1));
	legacy_expect_hole(l, 2, IOVA, 1);
	KUNIT_EXPECT_EQ(test, legacy_pinned(l, addr, 1), 0);
	legacy_finish(l);
	KUNIT_EXPECT_EQ(test, legacy_pinned(l, addr, 50), 0);
}

/* The domain looked compatible, and attach found that it is not. */
static void domains_attach_einval(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = legacy_memory(l, 4);

	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, IOVA, addr, 4, RW));
	l->fg[1]->attach_error = -EINVAL;
	KUNIT_ASSERT_EQ(test, 0, legacy_attach(l, 1));
	KUNIT_EXPECT_EQ(test, nr_domains(l), 2);
	legacy_expect_mapped(l, 1, IOVA, addr, 4);
	legacy_finish(l);
}

static void expect_attach_fails(struct legacy *l, unsigned int group, int want,
				unsigned long addr)
{
	KUNIT_EXPECT_EQ(l->test, want, legacy_attach(l, group));
	KUNIT_EXPECT_EQ(l->test, nr_domains(l), 1);
	KUNIT_EXPECT_EQ(l->test, atomic_read(&l->hw->domains), 1);
	KUNIT_EXPECT_NULL(l->test, l->fg[group]->context);
	legacy_expect_hole(l, group, IOVA, 4);
	legacy_expect_mapped(l, 0, IOVA, addr, 4);
	KUNIT_EXPECT_EQ(l->test, legacy_locked(l), 4);
	KUNIT_EXPECT_EQ(l->test, legacy_pinned(l, addr, 4), 4);
}

static void domains_attach_fails(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = legacy_memory(l, 4);
	unsigned int nth;

	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, IOVA, addr, 4, RW));

	l->fg[1]->attach_error = -EIO;
	expect_attach_fails(l, 1, -EIO, addr);
	l->hw->fail_domain = -ENOSPC;
	expect_attach_fails(l, 2, -ENOSPC, addr);
	/* Filling the new domain fails at its first, second, ... page. */
	for (nth = 1; nth <= 4; nth++) {
		atomic_set(&l->hw->fail_map, nth);
		expect_attach_fails(l, 2, -ENOMEM, addr);
	}
	for (nth = 1; nth <= 4; nth++) {
		atomic_set(&l->hw->fail_alloc, nth);
		expect_attach_fails(l, 2, -ENOMEM, addr);
	}
	atomic_set(&l->hw->fail_alloc, 0);

	l->fg[1]->attach_error = 0;
	KUNIT_EXPECT_EQ(test, 0, legacy_attach(l, 1));
	KUNIT_EXPECT_EQ(test, 0, legacy_attach(l, 2));
	legacy_finish(l);
}

/* The second domain can't map: the first must not keep it either. */
static void domains_map_fails_in_the_second(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = legacy_memory(l, 4);
	unsigned int nth;

	KUNIT_ASSERT_EQ(test, 0, legacy_attach(l, 2));
	for (nth = 1; nth <= 8; nth++) {
		atomic_set(&l->hw->fail_map, nth);
		KUNIT_EXPECT_EQ(test, -ENOMEM,
				legacy_map(l, IOVA, addr, 4, RW));
		legacy_expect_hole(l, 0, IOVA, 4);
		legacy_expect_hole(l, 2, IOVA, 4);
		KUNIT_EXPECT_EQ(test, legacy_pinned(l, addr, 4), 0);
		KUNIT_EXPECT_EQ(test, legacy_locked(l), 0);
	}
	KUNIT_EXPECT_EQ(test, 0, legacy_map(l, IOVA, addr, 4, RW));
	legacy_expect_mapped(l, 0, IOVA, addr, 4);
	legacy_expect_mapped(l, 2, IOVA, addr, 4);
	legacy_finish(l);
}

/* ---- Groups that differ ---- */

/* A second IOMMU with one more group, attached on demand. */
static struct fake_group *other_hw(struct kunit *test, struct fake_hw **hwp)
{
	*hwp = fake_hw_create(test);
	return fake_group_create(test, *hwp);
}

static int attach_other(struct legacy *l, struct fake_group *fg)
{
	int ret;

	down_write(&l->space.lock);
	ret = sluice_space_attach(&l->space, fg->group);
	up_write(&l->space.lock);
	return ret;
}

static void detach_other(struct legacy *l, struct fake_group *fg)
{
	down_write(&l->space.lock);
	sluice_space_detach(&l->space, fg->group);
	up_write(&l->space.lock);
}

static void domains_aperture_narrows(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = legacy_memory(l, 4);
	struct fake_hw *hw;
	struct fake_group *fg = other_hw(test, &hw);

	hw->caps.apertures[0].last = 2 * IOVA - 1;
	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, 2 * IOVA, addr, 4, RW));
	/* Something is mapped where it can't. */
	KUNIT_EXPECT_EQ(test, -EINVAL, attach_other(l, fg));
	legacy_expect_mapped(l, 0, 2 * IOVA, addr, 4);
	KUNIT_EXPECT_EQ(test, atomic_read(&hw->instances), 0);

	KUNIT_EXPECT_EQ(test, 4, legacy_unmap_pages(l, 2 * IOVA, 4));
	KUNIT_ASSERT_EQ(test, 0, attach_other(l, fg));
	KUNIT_EXPECT_EQ(test, -EINVAL, legacy_map(l, 2 * IOVA, addr, 4, RW));
	KUNIT_EXPECT_EQ(test, 0, legacy_map(l, IOVA, addr, 4, RW));

	/* With it, its limit goes. */
	detach_other(l, fg);
	KUNIT_EXPECT_EQ(test, 0, legacy_map(l, 2 * IOVA, addr, 4, RW));
	legacy_finish(l);
	fake_hw_check_idle(test, hw);
}

static void domains_page_sizes(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = legacy_memory(l, 4);
	struct fake_hw *hw;
	struct fake_group *fg = other_hw(test, &hw);

	/* No page size in common. */
	hw->caps.pgsizes = BIT_ULL(fake_lg2(0) + 1);
	KUNIT_EXPECT_EQ(test, -EINVAL, attach_other(l, fg));
	/* Only the larger ones: small mappings stand in the way. */
	hw->caps.pgsizes = fake_size(1);
	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, IOVA, addr, 1, RW));
	KUNIT_EXPECT_EQ(test, -EINVAL, attach_other(l, fg));
	KUNIT_EXPECT_EQ(test, 1, legacy_unmap_pages(l, IOVA, 1));
	KUNIT_ASSERT_EQ(test, 0, attach_other(l, fg));
	KUNIT_EXPECT_EQ(test, sluice_space_granule(&l->space), fake_size(1));
	KUNIT_EXPECT_EQ(test, -EINVAL, legacy_map(l, IOVA, addr, 1, RW));
	detach_other(l, fg);
	KUNIT_EXPECT_EQ(test, sluice_space_granule(&l->space), PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, 0, legacy_map(l, IOVA, addr, 1, RW));
	legacy_finish(l);
}

static void domains_coherent(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	struct fake_hw *hw;
	struct fake_group *fg = other_hw(test, &hw);

	KUNIT_EXPECT_TRUE(test, sluice_space_coherent(&l->space));
	hw->caps.coherent = false;
	KUNIT_ASSERT_EQ(test, 0, attach_other(l, fg));
	KUNIT_EXPECT_FALSE(test, sluice_space_coherent(&l->space));
	detach_other(l, fg);
	KUNIT_EXPECT_TRUE(test, sluice_space_coherent(&l->space));
	legacy_detach(l, 0);
	KUNIT_EXPECT_FALSE(test, sluice_space_coherent(&l->space));
	legacy_finish(l);
}

/* ---- Tables ---- */

static void domains_reclaim(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = legacy_memory(l, 1);
	int before = atomic_read(&l->hw->tables);
	unsigned int i;

	/* A sweep over the space leaves tables, and reclaim frees them. */
	for (i = 0; i < 50; i++) {
		KUNIT_ASSERT_EQ(test, 0, legacy_map(l, i * fake_size(2), addr,
						    1, RW));
		KUNIT_ASSERT_EQ(test, 1,
				legacy_unmap_pages(l, i * fake_size(2), 1));
	}
	KUNIT_EXPECT_GT(test, atomic_read(&l->hw->tables), before + 50);
	KUNIT_EXPECT_EQ(test, !l->hw->bare, sluice_space_reclaim(&l->space));
	if (!l->hw->bare)
		KUNIT_EXPECT_EQ(test, atomic_read(&l->hw->tables), before);
	KUNIT_EXPECT_EQ(test, 0, legacy_map(l, IOVA, addr, 1, RW));
	legacy_expect_mapped(l, 0, IOVA, addr, 1);
	legacy_finish(l);
}

/* ---- Dead hardware ---- */

/* Gives back what quarantine keeps, so that the test leaves no pin behind. */
static void domains_dead_unmap(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = legacy_memory(l, 16);
	u64 unmapped;

	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, IOVA, addr, 16, RW));
	legacy_expect_mapped(l, 0, IOVA, addr, 16);
	l->hw->flush_error = -EIO;
	legacy_unmap(l, IOVA, IOVA + PAGES(16) - 1, &unmapped);

	/* The device still gets there; so the memory must stay. */
	legacy_expect_mapped(l, 0, IOVA, addr, 16);
	KUNIT_EXPECT_EQ(test, legacy_pinned(l, addr, 16), 16);
	KUNIT_EXPECT_EQ(test, legacy_locked(l), 16);
	KUNIT_EXPECT_TRUE(test, l->hw->iommu->dead);

	/* No more of the same. */
	KUNIT_EXPECT_EQ(test, -EIO, legacy_attach(l, 1));
	KUNIT_EXPECT_EQ(test, -EIO, legacy_attach(l, 2));
	KUNIT_EXPECT_EQ(test, -EIO, legacy_map(l, 2 * IOVA, addr, 1, RW));
	KUNIT_EXPECT_EQ(test, legacy_locked(l), 16);

	legacy_detach(l, 0);
	KUNIT_EXPECT_EQ(test, legacy_pinned(l, addr, 16), 16);
	legacy_unpin(test, addr, 16);
	sluice_unaccount(current->mm, 16);
	legacy_finish(l);
}

/* The last group leaves: the mappings are cleared, but can't be flushed. */
static void domains_dead_detach(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = legacy_memory(l, 16);

	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, IOVA, addr, 16, RW));
	legacy_expect_mapped(l, 0, IOVA, addr, 16);
	l->hw->flush_error = -ETIMEDOUT;
	legacy_detach(l, 0);
	KUNIT_EXPECT_EQ(test, legacy_pinned(l, addr, 16), 16);
	KUNIT_EXPECT_EQ(test, legacy_locked(l), 16);
	legacy_unpin(test, addr, 16);
	sluice_unaccount(current->mm, 16);
	legacy_finish(l);
}

/*
 * An IOMMU of the space has died. Nothing of what was mapped, @npages from IOVA on, is
 * let go any more, whichever way it is unmapped, and nothing more is mapped. The space
 * ends with that, and begins anew.
 */
static void expect_stuck(struct legacy *l, unsigned long addr,
			 unsigned long npages)
{
	struct kunit *test = l->test;
	unsigned long other = legacy_memory(l, 1);

	KUNIT_EXPECT_EQ(test, -EIO, legacy_map(l, 2 * IOVA, other, 1, RW));
	KUNIT_EXPECT_EQ(test, -EIO, legacy_attach(l, 2));
	KUNIT_EXPECT_EQ(test, legacy_pinned(l, other, 1), 0);
	/* The two ways of an unmap, then a detach. */
	legacy_unmap_pages(l, IOVA, 1);
	legacy_expect_hole(l, 0, IOVA, 1);
	legacy_unmap_pages(l, IOVA, 10);
	legacy_expect_hole(l, 0, IOVA, 10);
	KUNIT_EXPECT_EQ(test, legacy_pinned(l, addr, npages), npages);
	KUNIT_EXPECT_EQ(test, legacy_locked(l), npages);
	legacy_detach(l, 0);
	KUNIT_EXPECT_EQ(test, legacy_pinned(l, addr, npages), npages);
	KUNIT_EXPECT_EQ(test, legacy_locked(l), npages);
	legacy_unpin(test, addr, npages);
	sluice_unaccount(current->mm, npages);
	KUNIT_EXPECT_EQ(test, legacy_pinned(l, addr, npages), 0);

	/* What the dead one could reach is in no space any more. */
	l->hw->flush_error = 0;
	KUNIT_ASSERT_EQ(test, 0, legacy_attach(l, 0));
	KUNIT_EXPECT_EQ(test, 0, legacy_map(l, IOVA, other, 1, RW));
	KUNIT_EXPECT_EQ(test, 1, legacy_unmap_pages(l, IOVA, 1));
	KUNIT_EXPECT_EQ(test, legacy_pinned(l, other, 1), 0);
	legacy_finish(l);
}

/* Pages one by one, which expect_stuck() unmaps. */
static unsigned long map_each(struct legacy *l, unsigned long npages)
{
	unsigned long addr = legacy_memory(l, npages), i;

	for (i = 0; i < npages; i++)
		KUNIT_ASSERT_EQ(l->test, 0,
				legacy_map(l, IOVA + PAGES(i), addr + PAGES(i),
					   1, RW));
	return addr;
}

/* Two domains, of which the second dies, and leaves. */
static void domains_dead_second(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long gone = legacy_memory(l, 16), addr;
	struct fake_hw *hw;
	struct fake_group *fg = other_hw(test, &hw);
	u64 unmapped;

	KUNIT_ASSERT_EQ(test, 0, attach_other(l, fg));
	addr = map_each(l, 16);
	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, 2 * IOVA, gone, 16, RW));
	hw->flush_error = -EIO;
	legacy_unmap(l, 2 * IOVA, 2 * IOVA + PAGES(16) - 1, &unmapped);
	KUNIT_EXPECT_EQ(test, legacy_pinned(l, gone, 16), 16);
	legacy_expect_hole(l, 0, 2 * IOVA, 16);
	legacy_unpin(test, gone, 16);
	sluice_unaccount(current->mm, 16);

	/* It remembers what else it could reach. */
	detach_other(l, fg);
	expect_stuck(l, addr, 16);
	fake_hw_check_idle(test, hw);
}

/* It dies when one of two groups is to be blocked; the other one's domain lives. */
static void domains_dead_leaves(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr;

	KUNIT_ASSERT_EQ(test, 0, legacy_attach(l, 1));
	KUNIT_ASSERT_EQ(test, nr_domains(l), 1);
	addr = map_each(l, 16);
	l->fg[1]->dies = true;
	legacy_detach(l, 1);
	KUNIT_EXPECT_FALSE(test, sluice_space_first_domain(&l->space)->dead);
	expect_stuck(l, addr, 16);
}

/* The same with a domain of its own, which goes. */
static void domains_dead_leaves_alone(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	struct fake_hw *hw;
	struct fake_group *fg = other_hw(test, &hw);
	unsigned long addr;

	KUNIT_ASSERT_EQ(test, 0, attach_other(l, fg));
	addr = map_each(l, 16);
	fg->dies = true;
	detach_other(l, fg);
	KUNIT_EXPECT_EQ(test, nr_domains(l), 1);
	expect_stuck(l, addr, 16);
	fake_hw_check_idle(test, hw);
}

/* A group that couldn't be attached may have been given what is mapped. */
static void domains_dead_comes(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = map_each(l, 16);

	l->fg[1]->attach_error = -EIO;
	l->fg[1]->dies = true;
	KUNIT_EXPECT_EQ(test, -EIO, legacy_attach(l, 1));
	expect_stuck(l, addr, 16);
}

/* So may one whose domain could be filled only in part. */
static void domains_dead_fills(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = map_each(l, 16);
	struct fake_hw *hw;
	struct fake_group *fg = other_hw(test, &hw);

	atomic_set(&hw->fail_map, 9);
	fg->dies = true;
	KUNIT_EXPECT_EQ(test, -ENOMEM, attach_other(l, fg));
	KUNIT_EXPECT_EQ(test, nr_domains(l), 1);
	expect_stuck(l, addr, 16);
	fake_hw_check_idle(test, hw);
}

/* It dies while a failed map is being unwound. */
static void domains_dead_unwind(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long addr = legacy_memory(l, 16);

	atomic_set(&l->hw->fail_map, 9);
	l->hw->flush_error = -EIO;
	KUNIT_EXPECT_NE(test, 0, legacy_map(l, IOVA, addr, 16, RW));
	/* What was mapped for a moment must stay pinned. */
	KUNIT_EXPECT_GE(test, legacy_pinned(l, addr, 16), 8);
	KUNIT_EXPECT_EQ(test, legacy_pinned(l, addr, 8), 8);
	KUNIT_EXPECT_TRUE(test, legacy_empty(l));
	KUNIT_EXPECT_GE(test, legacy_locked(l), 8);
	legacy_unpin(test, addr, legacy_pinned(l, addr, 16));
	sluice_unaccount(current->mm, legacy_locked(l));
	legacy_finish(l);
}

static struct kunit_case domains_cases[] = {
	KUNIT_CASE_PARAM(domains_shared, domains_gen_params),
	KUNIT_CASE_PARAM(domains_same_content, domains_gen_params),
	KUNIT_CASE_PARAM(domains_filled_from_the_first, domains_gen_params),
	KUNIT_CASE_PARAM(domains_attach_einval, domains_gen_params),
	KUNIT_CASE_PARAM(domains_attach_fails, domains_gen_params),
	KUNIT_CASE_PARAM(domains_map_fails_in_the_second, domains_gen_params),
	KUNIT_CASE_PARAM(domains_aperture_narrows, domains_gen_params),
	KUNIT_CASE_PARAM(domains_page_sizes, domains_gen_params),
	KUNIT_CASE_PARAM(domains_coherent, domains_gen_params),
	KUNIT_CASE_PARAM(domains_reclaim, domains_gen_params),
	KUNIT_CASE_PARAM(domains_dead_unmap, domains_gen_params),
	KUNIT_CASE_PARAM(domains_dead_detach, domains_gen_params),
	KUNIT_CASE_PARAM(domains_dead_second, domains_gen_params),
	KUNIT_CASE_PARAM(domains_dead_leaves, domains_gen_params),
	KUNIT_CASE_PARAM(domains_dead_leaves_alone, domains_gen_params),
	KUNIT_CASE_PARAM(domains_dead_comes, domains_gen_params),
	KUNIT_CASE_PARAM(domains_dead_fills, domains_gen_params),
	KUNIT_CASE_PARAM(domains_dead_unwind, domains_gen_params),
	{}
};

static struct kunit_suite domains_suite = {
	.name = "sluice_legacy_domains",
	.suite_init = fake_suite_init,
	.suite_exit = fake_suite_exit,
	.test_cases = domains_cases,
};

kunit_test_suite(domains_suite);
