// SPDX-License-Identifier: GPL-2.0-only
/*
 * Windows of SPAPR spaces: making and removing them, the same in all domains.
 */
#include <linux/sizes.h>

#include "spapr_fixture.h"

/* A window of the smallest pages that the CPU's don't cut. */
#define SIZE SZ_64M

static struct spapr *create_v2(struct kunit *test)
{
	return spapr_create(test, true);
}

static int remove_at(struct spapr *s, u64 start, u32 argsz, u32 flags)
{
	struct vfio_iommu_spapr_tce_remove arg = {
		.argsz = argsz, .flags = flags, .start_addr = start,
	};

	return spapr_ioctl(s, VFIO_IOMMU_SPAPR_TCE_REMOVE, &arg, sizeof(arg));
}

static void windows_life(struct kunit *test)
{
	struct spapr *s = create_v2(test);
	unsigned long addr = spapr_memory(s, SZ_64K);
	u64 start;

	KUNIT_EXPECT_EQ(test, fake_win_windows(s->fg[0]), 1);
	KUNIT_ASSERT_EQ(test, 0, spapr_register(s, addr, SZ_64K));
	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, 0, addr, SZ_64K, RW));
	KUNIT_ASSERT_EQ(test, 0, spapr_create_window(s, 12, SIZE, &start));
	KUNIT_EXPECT_EQ(test, start, HIGH);
	KUNIT_EXPECT_EQ(test, fake_win_windows(s->fg[0]), 2);
	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, HIGH + SIZE - SZ_64K, addr,
					   SZ_64K, RW));
	spapr_expect_mapped(s, 0, 0, addr, SZ_64K, true);
	spapr_expect_mapped(s, 0, HIGH + SIZE - SZ_64K, addr, SZ_64K, true);
	KUNIT_EXPECT_EQ(test, -ENXIO, spapr_map(s, INITIAL_SIZE, addr, SZ_4K,
						RW));
	KUNIT_EXPECT_EQ(test, -ENXIO, spapr_map(s, HIGH + SIZE, addr, SZ_4K,
						RW));
	KUNIT_EXPECT_EQ(test, -EBUSY, spapr_unregister(s, addr, SZ_64K));

	/* With all that is mapped there. */
	KUNIT_EXPECT_EQ(test, 0, spapr_remove_window(s, 0));
	KUNIT_EXPECT_EQ(test, -ENXIO, spapr_map(s, 0, addr, SZ_4K, RW));
	KUNIT_EXPECT_EQ(test, -ENXIO, spapr_unmap(s, 0, SZ_4K));
	spapr_expect_mapped(s, 0, HIGH + SIZE - SZ_64K, addr, SZ_64K, true);
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_remove_window(s, 0));
	KUNIT_EXPECT_EQ(test, 0, spapr_remove_window(s, HIGH));
	KUNIT_EXPECT_EQ(test, fake_win_windows(s->fg[0]), 0);
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&s->hw->tables));
	KUNIT_EXPECT_EQ(test, 0, s->space.uni->tables);
	KUNIT_EXPECT_EQ(test, 0, spapr_unregister(s, addr, SZ_64K));

	/* As QEMU does it: the guest's first window is at 0. */
	KUNIT_ASSERT_EQ(test, 0, spapr_create_window(s, 21, SZ_1G, &start));
	KUNIT_EXPECT_EQ(test, start, 0);
	KUNIT_EXPECT_EQ(test, fake_win_windows(s->fg[0]), 1);
	spapr_finish(s);
}

static void windows_errors(struct kunit *test)
{
	struct vfio_iommu_spapr_tce_create arg = {
		.argsz = sizeof(arg), .page_shift = 12, .window_size = SIZE,
		.levels = 1, .start_addr = 77,
	}, a;
	struct spapr *s = create_v2(test);
	unsigned int cmd = VFIO_IOMMU_SPAPR_TCE_CREATE, levels;
	u64 start;

	a = arg;
	a.argsz--;
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_ioctl(s, cmd, &a, sizeof(a)));
	a = arg;
	a.flags = 1;
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_ioctl(s, cmd, &a, sizeof(a)));
	a = arg;
	a.levels = 0;
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_ioctl(s, cmd, &a, sizeof(a)));
	a.levels = 6;
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_ioctl(s, cmd, &a, sizeof(a)));
	a = arg;
	a.window_size = 0;
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_ioctl(s, cmd, &a, sizeof(a)));
	a.window_size = 3 * (u64)SIZE;
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_ioctl(s, cmd, &a, sizeof(a)));
	a = arg;
	a.page_shift = 13;
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_ioctl(s, cmd, &a, sizeof(a)));
	a.page_shift = 76;
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_ioctl(s, cmd, &a, sizeof(a)));
	KUNIT_EXPECT_EQ(test, a.start_addr, 77);
	KUNIT_EXPECT_EQ(test, -E2BIG, spapr_create_window(s, 24, SZ_2M,
							  &start));
	KUNIT_EXPECT_EQ(test, -E2BIG, spapr_create_window(s, 24, 2 * SZ_1T,
							  &start));
	/* More levels than programs are told of. */
	for (levels = 1; levels <= 5; levels++) {
		a = arg;
		a.levels = levels;
		KUNIT_EXPECT_EQ(test, 0, spapr_ioctl(s, cmd, &a, sizeof(a)));
		KUNIT_EXPECT_EQ(test, a.start_addr, HIGH);
		if (levels < 5)
			KUNIT_EXPECT_EQ(test, 0, spapr_remove_window(s, HIGH));
	}
	KUNIT_EXPECT_EQ(test, -ENOSPC, spapr_create_window(s, 12, SIZE,
							   &start));

	KUNIT_EXPECT_EQ(test, -EINVAL,
			remove_at(s, HIGH, 15, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL, remove_at(s, HIGH, 16, 1));
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_remove_window(s, HIGH + SZ_4K));
	KUNIT_EXPECT_EQ(test, 0, remove_at(s, HIGH, 16, 0));
	KUNIT_EXPECT_EQ(test, fake_win_windows(s->fg[0]), 1);
	KUNIT_EXPECT_EQ(test, spapr_locked(s), 0);
	spapr_finish(s);
}

/* The backend's own errors come through, and nothing has changed. */
static void windows_backend_errors(struct kunit *test)
{
	static const int errors[] = {
		-E2BIG, -ENOSPC, -EADDRINUSE, -EBUSY, -EIO, -ENOMEM,
	};
	struct spapr *s = create_v2(test);
	unsigned long addr = spapr_memory(s, SZ_64K);
	unsigned int i;
	u64 start;

	KUNIT_ASSERT_EQ(test, 0, spapr_register(s, addr, SZ_64K));
	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, 0, addr, SZ_64K, RW));
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		s->hw->create_error = errors[i];
		atomic_set(&s->hw->create_in, 1);
		KUNIT_EXPECT_EQ(test, errors[i],
				spapr_create_window(s, 12, SIZE, &start));
		KUNIT_EXPECT_EQ(test, s->space.uni->nr_windows, 1);
	}
	spapr_expect_mapped(s, 0, 0, addr, SZ_64K, true);

	/* A window that stays is empty, and usable. */
	s->hw->remove_error = -EIO;
	atomic_set(&s->hw->remove_in, 1);
	KUNIT_EXPECT_EQ(test, -EIO, spapr_remove_window(s, 0));
	spapr_expect_hole(s, 0, 0, SZ_64K);
	KUNIT_EXPECT_EQ(test, 0, spapr_map(s, 0, addr, SZ_64K, RW));
	KUNIT_EXPECT_EQ(test, 0, spapr_remove_window(s, 0));
	spapr_finish(s);
}

/* ---- Several groups ---- */

static void windows_groups(struct kunit *test)
{
	struct spapr *s = create_v2(test);
	unsigned long addr = spapr_memory(s, SZ_64K);
	unsigned int i;
	u64 start;

	KUNIT_ASSERT_EQ(test, 0, spapr_register(s, addr, SZ_64K));
	KUNIT_ASSERT_EQ(test, 0, spapr_remove_window(s, 0));
	KUNIT_ASSERT_EQ(test, 0, spapr_create_window(s, 12, SIZE / 2, &start));
	KUNIT_ASSERT_EQ(test, 0, spapr_create_window(s, 12, SIZE, &start));
	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, 0, addr, SZ_64K, RW));
	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, HIGH, addr, SZ_4K, R));

	/* One shares the domain, the other has the same windows in its own. */
	KUNIT_ASSERT_EQ(test, 0, spapr_attach_nr(s, 1));
	KUNIT_EXPECT_EQ(test, spapr_domains(s), 1);
	KUNIT_ASSERT_EQ(test, 0, spapr_attach_nr(s, 2));
	KUNIT_EXPECT_EQ(test, spapr_domains(s), 2);
	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, SZ_64K, addr, SZ_64K, RW));
	for (i = 0; i < SPAPR_GROUPS; i++) {
		KUNIT_EXPECT_EQ(test, fake_win_windows(s->fg[i]), 2);
		spapr_expect_mapped(s, i, 0, addr, SZ_64K, true);
		spapr_expect_mapped(s, i, SZ_64K, addr, SZ_64K, true);
		spapr_expect_mapped(s, i, HIGH, addr, SZ_4K, false);
		spapr_expect_hole(s, i, HIGH + SZ_4K, SZ_64K);
	}
	/* A page, mapped and unmapped in both. */
	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, SZ_2M, addr, SZ_4K, RW));
	for (i = 0; i < SPAPR_GROUPS; i++)
		spapr_expect_mapped(s, i, SZ_2M, addr, SZ_4K, true);
	KUNIT_ASSERT_EQ(test, 0, spapr_unmap(s, SZ_2M, SZ_4K));
	for (i = 0; i < SPAPR_GROUPS; i++)
		spapr_expect_hole(s, i, SZ_2M, SZ_4K);
	/* Replaced and unmapped in both. */
	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, 0, addr + SZ_4K, SZ_4K, R));
	KUNIT_ASSERT_EQ(test, 0, spapr_unmap(s, SZ_64K, SZ_64K));
	for (i = 0; i < SPAPR_GROUPS; i++) {
		spapr_expect_mapped(s, i, 0, addr + SZ_4K, SZ_4K, false);
		spapr_expect_hole(s, i, SZ_64K, SZ_64K);
	}

	/* The first domain goes; the other one has all. */
	spapr_detach_nr(s, 0);
	spapr_detach_nr(s, 1);
	KUNIT_EXPECT_EQ(test, spapr_domains(s), 1);
	spapr_expect_mapped(s, 2, 0, addr + SZ_4K, SZ_4K, false);
	KUNIT_EXPECT_EQ(test, -EBUSY, spapr_unregister(s, addr, SZ_64K));
	KUNIT_ASSERT_EQ(test, 0, spapr_attach_nr(s, 0));
	spapr_expect_mapped(s, 0, HIGH, addr, SZ_4K, false);
	KUNIT_EXPECT_EQ(test, 0, spapr_remove_window(s, HIGH));
	KUNIT_EXPECT_EQ(test, fake_win_windows(s->fg[0]), 1);
	KUNIT_EXPECT_EQ(test, fake_win_windows(s->fg[2]), 1);
	spapr_finish(s);
}

/* A window above, and none at 0: what is at 0 first may go only when that is made. */
static void windows_high_only(struct kunit *test)
{
	struct spapr *s = create_v2(test);
	unsigned int i;
	u64 start;

	KUNIT_ASSERT_EQ(test, 0, spapr_create_window(s, 12, SIZE, &start));
	KUNIT_ASSERT_EQ(test, 0, spapr_remove_window(s, 0));
	/* The initial one, and it, would be too many. */
	s->hw->caps.windows.max = 1;
	s->hw->iommu->caps.windows.max = 1;
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_attach_nr(s, 2));
	s->hw->caps.windows.max = 2;
	s->hw->iommu->caps.windows.max = 2;
	KUNIT_ASSERT_EQ(test, 0, spapr_attach_nr(s, 2));
	for (i = 0; i < SPAPR_GROUPS; i += 2)
		KUNIT_EXPECT_EQ(test, fake_win_windows(s->fg[i]), 1);
	KUNIT_EXPECT_EQ(test, 0, spapr_remove_window(s, HIGH));
	spapr_finish(s);
}

/* Attaching fails where windows can't be the same, and nothing changes. */
static void windows_disagree(struct kunit *test)
{
	struct spapr *s = create_v2(test);
	unsigned long addr = spapr_memory(s, SZ_64K);
	struct fake_win_hw *other = fake_win_hw_create(test);
	struct fake_win_group *fg = fake_win_group_create(test, other, 0);
	u64 start;

	KUNIT_ASSERT_EQ(test, 0, spapr_register(s, addr, SZ_64K));
	KUNIT_ASSERT_EQ(test, 0, spapr_create_window(s, 12, SIZE, &start));
	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, HIGH, addr, SZ_64K, RW));

	/* It would put the second one elsewhere. */
	other->high[0] = HIGH / 2;
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_attach(s, fg->group));
	other->high[0] = HIGH;
	/* It can't have such pages. */
	other->caps.windows.pgsizes = SZ_64K;
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_attach(s, fg->group));
	/* It can't have any but the initial one. */
	other->caps.windows.pgsizes = 0;
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_attach(s, fg->group));
	other->caps.windows.pgsizes = SZ_4K;
	/* Making it fails. */
	other->create_error = -EBUSY;
	atomic_set(&other->create_in, 1);
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_attach(s, fg->group));
	other->create_error = -ENOMEM;
	atomic_set(&other->create_in, 1);
	KUNIT_EXPECT_EQ(test, -ENOMEM, spapr_attach(s, fg->group));
	/* Filling it does, when a part has been filled. */
	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, HIGH + SZ_1M, addr, SZ_4K, RW));
	atomic_set(&other->fail_map, SZ_64K / SZ_4K + 1);
	KUNIT_EXPECT_EQ(test, -ENOMEM, spapr_attach(s, fg->group));
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&other->fail_map));
	KUNIT_EXPECT_EQ(test, spapr_domains(s), 1);
	fake_win_check_idle(test, other);
	spapr_expect_mapped(s, 0, HIGH, addr, SZ_64K, true);

	/* Another initial window is replaced. */
	other->caps.windows.initial.last = SZ_2M - 1;
	KUNIT_EXPECT_EQ(test, 0, spapr_attach(s, fg->group));
	spapr_detach(s, fg->group);
	fake_win_check_idle(test, other);
	spapr_finish(s);
}

/* What was done in one domain is undone if another one can't. */
static void windows_undo(struct kunit *test)
{
	struct spapr *s = create_v2(test);
	struct fake_win_hw *hw = s->hw;
	u64 start;

	KUNIT_ASSERT_EQ(test, 0, spapr_attach_nr(s, 2));
	hw->create_error = -EBUSY;
	atomic_set(&hw->create_in, 2);
	KUNIT_EXPECT_EQ(test, -EBUSY, spapr_create_window(s, 12, SIZE, &start));
	KUNIT_EXPECT_EQ(test, fake_win_windows(s->fg[0]), 1);
	KUNIT_EXPECT_EQ(test, fake_win_windows(s->fg[2]), 1);

	hw->high[1] = HIGH / 2;
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_create_window(s, 12, SIZE,
							   &start));
	KUNIT_EXPECT_EQ(test, fake_win_windows(s->fg[0]), 1);
	KUNIT_EXPECT_EQ(test, fake_win_windows(s->fg[2]), 1);
	hw->high[1] = HIGH;
	KUNIT_ASSERT_EQ(test, 0, spapr_create_window(s, 12, SIZE, &start));

	hw->remove_error = -EIO;
	atomic_set(&hw->remove_in, 2);
	KUNIT_EXPECT_EQ(test, -EIO, spapr_remove_window(s, HIGH));
	KUNIT_EXPECT_EQ(test, fake_win_windows(s->fg[0]), 2);
	KUNIT_EXPECT_EQ(test, fake_win_windows(s->fg[2]), 2);
	KUNIT_EXPECT_EQ(test, s->space.uni->nr_windows, 2);

	/* And if even that fails, nobody can use what is left of it. */
	atomic_set(&hw->remove_in, 2);
	atomic_set(&hw->create_in, 1);
	KUNIT_EXPECT_EQ(test, -EIO, spapr_remove_window(s, HIGH));
	KUNIT_EXPECT_EQ(test, fake_win_windows(s->fg[0]), 1);
	KUNIT_EXPECT_EQ(test, s->space.uni->nr_windows, 1);
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_remove_window(s, HIGH));
	spapr_finish(s);
}

/* Only what has windows, and for version 2 only what can make some. */
static void windows_wrong_iommu(struct kunit *test)
{
	struct spapr *s = create_v2(test);
	struct fake_win_hw *other = fake_win_hw_create(test);
	struct fake_win_group *fg = fake_win_group_create(test, other, 0);
	struct sluice_space type1;

	other->caps.windows.pgsizes = 0;
	other->caps.windows.max = 1;
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_attach(s, fg->group));
	spapr_finish(s);
	s = spapr_create(test, false);
	KUNIT_EXPECT_EQ(test, 0, spapr_attach(s, fg->group));
	spapr_detach(s, fg->group);
	spapr_finish(s);

	sluice_space_init(&type1);
	type1.type = SLUICE_SPACE_TYPE1V2;
	down_write(&type1.lock);
	KUNIT_EXPECT_EQ(test, -ENODEV, sluice_space_attach(&type1, fg->group));
	up_write(&type1.lock);
	sluice_space_deinit(&type1);
	fake_win_check_idle(test, other);
}

/* ---- What is told of them ---- */

static void windows_info(struct kunit *test)
{
	struct vfio_iommu_spapr_tce_info info = { .argsz = sizeof(info) };
	struct spapr *s = create_v2(test);
	unsigned int cmd = VFIO_IOMMU_SPAPR_TCE_GET_INFO;

	KUNIT_EXPECT_EQ(test, 0, spapr_ioctl(s, cmd, &info, sizeof(info)));
	KUNIT_EXPECT_EQ(test, info.argsz, sizeof(info));
	KUNIT_EXPECT_EQ(test, info.flags, VFIO_IOMMU_SPAPR_INFO_DDW);
	KUNIT_EXPECT_EQ(test, info.dma32_window_start, 0);
	KUNIT_EXPECT_EQ(test, info.dma32_window_size, INITIAL_SIZE);
	KUNIT_EXPECT_EQ(test, info.ddw.pgsizes,
			SZ_4K | SZ_64K | SZ_2M | SZ_16M);
	KUNIT_EXPECT_EQ(test, info.ddw.max_dynamic_windows_supported, 2);
	KUNIT_EXPECT_EQ(test, info.ddw.levels, FAKE_WIN_LEVELS);

	/* An old program's structure has no more. */
	memset(&info, 0x55, sizeof(info));
	info.argsz = 16;
	KUNIT_EXPECT_EQ(test, 0, spapr_ioctl(s, cmd, &info, sizeof(info)));
	KUNIT_EXPECT_EQ(test, info.dma32_window_size, INITIAL_SIZE);
	KUNIT_EXPECT_EQ(test, info.ddw.levels, 0x55555555);
	info.argsz = 15;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			spapr_ioctl(s, cmd, &info, sizeof(info)));
	spapr_finish(s);

	s = spapr_create(test, false);
	info.argsz = sizeof(info);
	KUNIT_EXPECT_EQ(test, 0, spapr_ioctl(s, cmd, &info, sizeof(info)));
	KUNIT_EXPECT_EQ(test, info.flags, 0);
	KUNIT_EXPECT_EQ(test, info.dma32_window_size, INITIAL_SIZE);
	KUNIT_EXPECT_EQ(test, info.ddw.pgsizes, 0);
	spapr_finish(s);
}

static struct kunit_case windows_cases[] = {
	KUNIT_CASE(windows_life),
	KUNIT_CASE(windows_errors),
	KUNIT_CASE(windows_backend_errors),
	KUNIT_CASE(windows_groups),
	KUNIT_CASE(windows_high_only),
	KUNIT_CASE(windows_disagree),
	KUNIT_CASE(windows_undo),
	KUNIT_CASE(windows_wrong_iommu),
	KUNIT_CASE(windows_info),
	{}
};

static struct kunit_suite windows_suite = {
	.name = "sluice_spapr_windows",
	.suite_init = fake_win_suite_init,
	.suite_exit = fake_win_suite_exit,
	.test_cases = windows_cases,
};

kunit_test_suite(windows_suite);
