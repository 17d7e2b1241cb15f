// SPDX-License-Identifier: GPL-2.0-only
/*
 * Windows of a unified space: where they can be, and what they keep from joining.
 */
#include <linux/uaccess.h>

#include "unified_fixture.h"

/* The n-th of equal parts behind WIN. */
#define PART PAGES(16)
#define AT(n) (WIN + (n) * PART)

static const struct sluice_window *find(struct unified *u, u64 iova)
{
	const struct sluice_window *window;

	window = sluice_window_find(u->space.uni, iova);
	KUNIT_ASSERT_NOT_NULL(u->test, window);
	return window;
}

/* A space with a group that reaches only from @start to @last. */
static struct unified *narrow(struct kunit *test, u64 start, u64 last)
{
	struct unified *u = unified_create(test);

	u->hw->caps.apertures[0] = (struct sluice_range){ start, last };
	KUNIT_ASSERT_EQ(test, 0, unified_attach(u, 0));
	return u;
}

static void windows_need_a_group(struct kunit *test)
{
	struct unified *u = unified_create(test);
	u64 start;

	KUNIT_EXPECT_EQ(test, -ENODEV, unified_window(u, WIN, PART, 0));
	KUNIT_EXPECT_EQ(test, -ENODEV, unified_window_any(u, PART, 0, &start));
	KUNIT_EXPECT_EQ(test, -ENOENT, unified_window_remove(u, 0));

	/* One that was there is enough. */
	KUNIT_ASSERT_EQ(test, 0, unified_attach(u, 0));
	unified_detach(u, 0);
	KUNIT_EXPECT_EQ(test, 0, unified_window(u, WIN, PART, 0));
	KUNIT_EXPECT_EQ(test, 0, unified_window_any(u, PART, 0, &start));
	unified_finish(u);
}

static void windows_fixed(struct kunit *test)
{
	static const struct {
		s64 first, n;	/* pages, from the second part's beginning */
		int ret;
	} tries[] = {
		{ 0, 16, -EEXIST },
		{ 15, 1, -EEXIST },
		{ 0, 1, -EEXIST },
		{ -1, 2, -EEXIST },
		{ 15, 2, -EEXIST },
		{ -16, 48, -EEXIST },
		{ -1, 1, 0 },
		{ 16, 1, 0 },
		{ -1, 1, -EEXIST },
	};
	struct unified *u = unified_create(test);
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 0, unified_attach(u, 0));
	KUNIT_ASSERT_EQ(test, 0, unified_window(u, AT(1), PART, 0));
	for (i = 0; i < ARRAY_SIZE(tries); i++)
		KUNIT_EXPECT_EQ_MSG(test, tries[i].ret,
				    unified_window(u, AT(1) +
						   tries[i].first * PAGE_SIZE,
						   PAGES(tries[i].n), 0),
				    "try %u", i);
	KUNIT_EXPECT_EQ(test, u->space.uni->nr_windows, 3);

	/* Sorted, whatever the order of creation. */
	KUNIT_EXPECT_EQ(test, find(u, 0)->start, AT(1) - PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, find(u, AT(1) - 1)->start, AT(1) - PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, find(u, AT(1))->start, AT(1));
	KUNIT_EXPECT_EQ(test, find(u, AT(2) - 1)->last, AT(2) - 1);
	KUNIT_EXPECT_EQ(test, find(u, AT(2))->last, AT(2) + PAGE_SIZE - 1);
	KUNIT_EXPECT_NULL(test, sluice_window_find(u->space.uni,
						   AT(2) + PAGE_SIZE));
	unified_finish(u);
}

static void windows_whole_space(struct kunit *test)
{
	struct unified *u = unified_create(test);
	u64 start;

	KUNIT_ASSERT_EQ(test, 0, unified_attach(u, 0));
	/* Its first byte, and its last. */
	KUNIT_EXPECT_EQ(test, 0, unified_window(u, 0, -PART, 0));
	KUNIT_EXPECT_EQ(test, 0, unified_window_any(u, PART, 0, &start));
	KUNIT_EXPECT_EQ(test, start, -PART);
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			unified_window_any(u, PAGE_SIZE, 0, &start));
	KUNIT_EXPECT_EQ(test, -EEXIST, unified_window(u, -PART, PART, 0));
	KUNIT_EXPECT_EQ(test, find(u, U64_MAX)->start, -PART);
	KUNIT_EXPECT_EQ(test, 0, unified_window_remove(u, 0));
	KUNIT_EXPECT_EQ(test, find(u, 0)->start, -PART);
	unified_finish(u);
}

static void windows_arguments(struct kunit *test)
{
	struct unified *u = unified_create(test);
	const u32 bad[] = { 1, PAGE_SHIFT - 1, PAGE_SHIFT + 1, fake_lg2(2),
			    63, 64, 255, U32_MAX };
	unsigned int i;
	u64 start;

	KUNIT_ASSERT_EQ(test, 0, unified_attach(u, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL, unified_window(u, WIN, 0, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL, unified_window(u, WIN + 1, PART, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL, unified_window(u, WIN, PART - 1, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			unified_window(u, WIN, PAGE_SIZE / 2, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL, unified_window(u, -PART, 2 * PART, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL, unified_window_any(u, 0, 0, &start));
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL,
				    unified_window(u, WIN, WIN_SIZE, bad[i]),
				    "page size 2^%u", bad[i]);
	/* The next size of pages has its own alignments. */
	KUNIT_EXPECT_EQ(test, -EINVAL,
			unified_window(u, WIN + PAGE_SIZE, fake_size(1),
				       fake_lg2(1)));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			unified_window(u, WIN, fake_size(1) - PAGE_SIZE,
				       fake_lg2(1)));
	KUNIT_EXPECT_EQ(test, 0,
			unified_window(u, WIN, fake_size(1), fake_lg2(1)));
	KUNIT_EXPECT_EQ(test, find(u, WIN)->page_lg2, fake_lg2(1));
	unified_finish(u);
}

static void windows_within_reach(struct kunit *test)
{
	struct unified *u = narrow(test, WIN, WIN + 4 * PART - 1);
	u64 start;

	KUNIT_EXPECT_EQ(test, -ERANGE, unified_window(u, WIN - PAGE_SIZE, PART,
						      0));
	KUNIT_EXPECT_EQ(test, -ERANGE, unified_window(u, AT(3), 2 * PART, 0));
	KUNIT_EXPECT_EQ(test, -ERANGE, unified_window(u, 0, PART, 0));
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			unified_window_any(u, 5 * PART, 0, &start));
	KUNIT_EXPECT_EQ(test, 0, unified_window(u, AT(3), PART, 0));
	KUNIT_EXPECT_EQ(test, 0, unified_window_any(u, 3 * PART, 0, &start));
	KUNIT_EXPECT_EQ(test, start, WIN);
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			unified_window_any(u, PAGE_SIZE, 0, &start));
	unified_finish(u);
}

static void windows_any(struct kunit *test)
{
	struct unified *u = narrow(test, WIN, WIN + 4 * fake_size(1) - 1);
	u64 start;

	KUNIT_ASSERT_EQ(test, 0, unified_window(u, AT(0), PART, 0));
	KUNIT_ASSERT_EQ(test, 0, unified_window(u, AT(2), PART, 0));
	/* The first gap that is large enough, from below. */
	KUNIT_EXPECT_EQ(test, 0, unified_window_any(u, 2 * PART, 0, &start));
	KUNIT_EXPECT_EQ(test, start, AT(3));
	KUNIT_EXPECT_EQ(test, 0, unified_window_any(u, PART, 0, &start));
	KUNIT_EXPECT_EQ(test, start, AT(1));
	KUNIT_EXPECT_EQ(test, 0, unified_window_any(u, PART, 0, &start));
	KUNIT_EXPECT_EQ(test, start, AT(5));
	/* Aligned to its pages. */
	KUNIT_EXPECT_EQ(test, 0, unified_window_any(u, fake_size(1),
						    fake_lg2(1), &start));
	KUNIT_EXPECT_EQ(test, start, WIN + fake_size(1));
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			unified_window_any(u, 3 * fake_size(1), fake_lg2(1),
					   &start));
	KUNIT_EXPECT_EQ(test, 0, unified_window_any(u, 2 * fake_size(1), 0,
						    &start));
	KUNIT_EXPECT_EQ(test, start, WIN + 2 * fake_size(1));
	unified_finish(u);
}

/* Alignment that leads out of the aperture at the top of the space. */
static void windows_any_at_the_top(struct kunit *test)
{
	struct unified *u = narrow(test, -PART, U64_MAX);
	u64 start;

	KUNIT_EXPECT_EQ(test, -ENOSPC, unified_window_any(u, fake_size(1),
							  fake_lg2(1), &start));
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			unified_window_any(u, 2 * PART, 0, &start));
	KUNIT_EXPECT_EQ(test, 0, unified_window_any(u, PART, 0, &start));
	KUNIT_EXPECT_EQ(test, start, -PART);
	unified_finish(u);
}

static void windows_too_many(struct kunit *test)
{
	struct unified *u = unified_create(test);
	unsigned int i;
	u64 start;

	KUNIT_ASSERT_EQ(test, 0, unified_attach(u, 0));
	/* Every other place, from both ends to the middle. */
	for (i = 0; i < SLUICE_MAX_WINDOWS; i++) {
		unsigned int n = i & 1 ? SLUICE_MAX_WINDOWS - i : i;

		KUNIT_ASSERT_EQ(test, 0, unified_window(u, AT(2 * n), PART, 0));
	}
	KUNIT_EXPECT_EQ(test, -ENOSPC, unified_window(u, AT(1), PART, 0));
	KUNIT_EXPECT_EQ(test, -ENOSPC, unified_window_any(u, PART, 0, &start));
	for (i = 1; i < SLUICE_MAX_WINDOWS; i++)
		KUNIT_EXPECT_GT(test, u->space.uni->windows[i].start,
				u->space.uni->windows[i - 1].last);
	KUNIT_EXPECT_EQ(test, 0, unified_window_remove(u, AT(20)));
	KUNIT_EXPECT_EQ(test, find(u, AT(20))->start, AT(22));
	KUNIT_EXPECT_EQ(test, 0, unified_window(u, AT(1), PART, 0));
	unified_finish(u);
}

static void windows_remove(struct kunit *test)
{
	struct unified *u = unified_create(test);
	unsigned long addr = unified_memory(u, 1);

	KUNIT_ASSERT_EQ(test, 0, unified_attach(u, 0));
	KUNIT_ASSERT_EQ(test, 0, unified_window(u, AT(0), PART, 0));
	KUNIT_ASSERT_EQ(test, 0, unified_window(u, AT(1), PART, 0));
	KUNIT_EXPECT_EQ(test, -ENOENT, unified_window_remove(u, 0));
	KUNIT_EXPECT_EQ(test, -ENOENT,
			unified_window_remove(u, AT(0) + PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -ENOENT, unified_window_remove(u, AT(2)));

	/* Its last page is mapped. */
	KUNIT_ASSERT_EQ(test, 0, unified_do(u, make_map(AT(2) - PAGE_SIZE, addr,
							1, RW)));
	KUNIT_EXPECT_EQ(test, -EBUSY, unified_window_remove(u, AT(1)));
	KUNIT_EXPECT_EQ(test, 0, unified_window_remove(u, AT(0)));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			unified_do(u, make_map(AT(0), addr, 1, RW)));
	unified_expect_mapped(u, 0, AT(2) - PAGE_SIZE, addr, 1);
	KUNIT_EXPECT_EQ(test, 1, unified_clear(u));
	KUNIT_EXPECT_EQ(test, 0, unified_window_remove(u, AT(1)));
	KUNIT_EXPECT_EQ(test, u->space.uni->nr_windows, 0);
	unified_finish(u);
}

/* An IOMMU whose only pages are too large to be pinned in one step. */
static void windows_pages_too_large(struct kunit *test)
{
	struct unified *u = unified_create(test);
	u64 start;

	u->hw->caps.pgsizes = fake_size(2);
	KUNIT_ASSERT_EQ(test, 0, unified_attach(u, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL, unified_window(u, WIN, WIN_SIZE, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			unified_window_any(u, WIN_SIZE, fake_lg2(2), &start));
	unified_finish(u);
}

/* ---- Groups to come ---- */

static void windows_keep_groups_out(struct kunit *test)
{
	struct unified *u = unified_create(test);
	struct fake_hw *hw = fake_hw_create(test);
	struct fake_group *fg = fake_group_create(test, hw);
	unsigned long addr = unified_memory(u, 1);
	struct unified_state *before;

	KUNIT_ASSERT_EQ(test, 0, unified_attach(u, 0));
	KUNIT_ASSERT_EQ(test, 0, unified_window(u, AT(0), PART, 0));
	KUNIT_ASSERT_EQ(test, 0, unified_do(u, make_map(AT(0), addr, 1, RW)));
	before = unified_state(u);
	u->fg[2] = fg;

	/* Can't reach the window's end; has no pages so small; both. */
	hw->caps.apertures[0].last = AT(1) - PAGE_SIZE - 1;
	KUNIT_EXPECT_EQ(test, -EINVAL, unified_attach(u, 2));
	hw->caps.pgsizes = fake_size(1);
	KUNIT_EXPECT_EQ(test, -EINVAL, unified_attach(u, 2));
	hw->caps.apertures[0].last = U64_MAX;
	KUNIT_EXPECT_EQ(test, -EINVAL, unified_attach(u, 2));

	KUNIT_EXPECT_NULL(test, fg->context);
	fake_hw_check_idle(test, hw);
	KUNIT_EXPECT_EQ(test, unified_domains(u), 1);
	KUNIT_EXPECT_EQ(test, u->space.pgsizes, u->hw->caps.pgsizes);
	unified_expect_state(u, before);
	kfree(before);

	/* Nor can it without any other group: the window is still there. */
	unified_detach(u, 0);
	KUNIT_EXPECT_EQ(test, -EINVAL, unified_attach(u, 2));
	KUNIT_EXPECT_EQ(test, 0, unified_attach(u, 0));
	unified_expect_mapped(u, 0, AT(0), addr, 1);

	/* Once the window is gone, nothing stands in its way. */
	KUNIT_EXPECT_EQ(test, 1, unified_clear(u));
	KUNIT_EXPECT_EQ(test, 0, unified_window_remove(u, AT(0)));
	KUNIT_EXPECT_EQ(test, 0, unified_attach(u, 2));
	KUNIT_EXPECT_EQ(test, u->space.pgsizes, fake_size(1));
	KUNIT_EXPECT_EQ(test, -EINVAL, unified_window(u, AT(0), PART, 0));
	unified_detach(u, 2);
	KUNIT_EXPECT_EQ(test, 0, unified_window(u, AT(0), PART, 0));
	unified_finish(u);
	fake_hw_check_idle(test, hw);
}

/* ---- Queries ---- */

static void windows_query(struct kunit *test)
{
	struct unified *u = narrow(test, WIN, WIN + 4 * PART - 1);
	unsigned long user = unified_memory(u, 1);
	struct sluice_window_query arg = {
		.argsz = sizeof(arg),
		.ranges = user,
		.windows = user + 128,
		.nr_ranges = 4,
		.nr_windows = 1,
	};
	struct sluice_iova_range range;
	struct sluice_window w[2];

	KUNIT_ASSERT_EQ(test, 0, unified_window(u, AT(2), PART, 0));
	KUNIT_ASSERT_EQ(test, 0, unified_window(u, AT(0), PART, 0));
	KUNIT_ASSERT_EQ(test, 0, copy_to_user((void __user *)(user + 128),
					      memset(w, 0x55, sizeof(w)),
					      sizeof(w)));
	KUNIT_EXPECT_EQ(test, 0, unified_ioctl(u, SLUICE_WINDOW_QUERY, &arg,
					       sizeof(arg)));
	KUNIT_EXPECT_EQ(test, arg.nr_ranges, 1);
	KUNIT_EXPECT_EQ(test, arg.nr_windows, 2);
	KUNIT_EXPECT_EQ(test, arg.max_windows, SLUICE_MAX_WINDOWS);
	KUNIT_EXPECT_EQ(test, arg.page_sizes, PAGE_SIZE | fake_size(1));
	KUNIT_ASSERT_EQ(test, 0, copy_from_user(&range, (void __user *)user,
						sizeof(range)));
	KUNIT_EXPECT_EQ(test, range.start, WIN);
	KUNIT_EXPECT_EQ(test, range.last, WIN + 4 * PART - 1);
	/* The second one, for which there was no room, was left out. */
	KUNIT_ASSERT_EQ(test, 0, copy_from_user(w, (void __user *)(user + 128),
						sizeof(w)));
	KUNIT_EXPECT_EQ(test, w[0].start, AT(0));
	KUNIT_EXPECT_EQ(test, w[0].last, AT(1) - 1);
	KUNIT_EXPECT_EQ(test, w[0].page_lg2, PAGE_SHIFT);
	KUNIT_EXPECT_EQ(test, w[0].reserved, 0);
	KUNIT_EXPECT_EQ(test, w[1].start, 0x5555555555555555ULL);

	arg.windows = 0;
	KUNIT_EXPECT_EQ(test, -EFAULT, unified_ioctl(u, SLUICE_WINDOW_QUERY,
						     &arg, sizeof(arg)));
	arg.nr_windows = 0;
	arg.reserved = 1;
	KUNIT_EXPECT_EQ(test, -EINVAL, unified_ioctl(u, SLUICE_WINDOW_QUERY,
						     &arg, sizeof(arg)));
	arg.reserved = 0;
	arg.flags = 1;
	KUNIT_EXPECT_EQ(test, -EINVAL, unified_ioctl(u, SLUICE_WINDOW_QUERY,
						     &arg, sizeof(arg)));
	unified_finish(u);
}

/* Where it is can't be told: then there is none. */
static void windows_answer_faults(struct kunit *test)
{
	struct unified *u = unified_create(test);
	struct sluice_window_create arg = {
		.argsz = sizeof(arg),
		.size = PART,
	};
	unsigned long user = unified_read_only(u, &arg, sizeof(arg));

	KUNIT_ASSERT_EQ(test, 0, unified_attach(u, 0));
	KUNIT_EXPECT_EQ(test, -EFAULT,
			sluice_uapi_ioctl(&u->space, SLUICE_WINDOW_CREATE,
					  (void __user *)user));
	KUNIT_EXPECT_EQ(test, u->space.uni->nr_windows, 0);
	unified_finish(u);
}

static void windows_query_without_group(struct kunit *test)
{
	struct unified *u = unified_create(test);
	struct sluice_window_query arg = { .argsz = sizeof(arg) };

	KUNIT_EXPECT_EQ(test, 0, unified_ioctl(u, SLUICE_WINDOW_QUERY, &arg,
					       sizeof(arg)));
	KUNIT_EXPECT_EQ(test, arg.nr_ranges, 0);
	KUNIT_EXPECT_EQ(test, arg.nr_windows, 0);
	KUNIT_EXPECT_EQ(test, arg.page_sizes, 0);
	unified_finish(u);
}

static struct kunit_case windows_cases[] = {
	KUNIT_CASE(windows_need_a_group),
	KUNIT_CASE(windows_fixed),
	KUNIT_CASE(windows_whole_space),
	KUNIT_CASE(windows_arguments),
	KUNIT_CASE(windows_within_reach),
	KUNIT_CASE(windows_any),
	KUNIT_CASE(windows_any_at_the_top),
	KUNIT_CASE(windows_too_many),
	KUNIT_CASE(windows_remove),
	KUNIT_CASE(windows_pages_too_large),
	KUNIT_CASE(windows_keep_groups_out),
	KUNIT_CASE(windows_query),
	KUNIT_CASE(windows_query_without_group),
	KUNIT_CASE(windows_answer_faults),
	{}
};

static struct kunit_suite windows_suite = {
	.name = "sluice_windows",
	.suite_init = fake_suite_init,
	.suite_exit = fake_suite_exit,
	.test_cases = windows_cases,
};

kunit_test_suite(windows_suite);
