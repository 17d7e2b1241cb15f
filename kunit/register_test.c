// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registration of backends, and the search for the one that drives a group.
 */
#include <kunit/test.h>
#include <linux/err.h>
#include "core/private.h"
#include "fake_backend.h"
#include "fake_windows.h"

/* A copy of the fake, to be spoilt. */
struct spoilt {
	struct sluice_backend backend;
	struct sluice_domain_ops ops;
};

static struct spoilt *spoilt(struct kunit *test, const char *name)
{
	struct spoilt *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	s->backend = fake_backend;
	s->backend.name = name;
	s->ops = *fake_backend.domain_ops;
	s->backend.domain_ops = &s->ops;
	return s;
}

/* A member that is a pointer. */
struct member {
	const char *name;
	size_t offset;
};

static const struct member required[] = {
	{ "name", offsetof(struct spoilt, backend.name) },
	{ "probe", offsetof(struct spoilt, backend.probe) },
	{ "release", offsetof(struct spoilt, backend.release) },
	{ "domain_alloc", offsetof(struct spoilt, backend.domain_alloc) },
	{ "domain_ops", offsetof(struct spoilt, backend.domain_ops) },
	{ "free", offsetof(struct spoilt, ops.free) },
	{ "attach", offsetof(struct spoilt, ops.attach) },
	{ "detach", offsetof(struct spoilt, ops.detach) },
	{ "compatible", offsetof(struct spoilt, ops.compatible) },
	{ "map", offsetof(struct spoilt, ops.map) },
	{ "unmap", offsetof(struct spoilt, ops.unmap) },
	{ "read", offsetof(struct spoilt, ops.read) },
	{ "flush", offsetof(struct spoilt, ops.flush) },
};

static const struct member optional[] = {
	{ "prepare", offsetof(struct spoilt, ops.prepare) },
	{ "cut", offsetof(struct spoilt, ops.cut) },
	{ "reclaim", offsetof(struct spoilt, ops.reclaim) },
};

static int try_register(struct spoilt *s)
{
	int ret = sluice_backend_register(&s->backend);

	if (!ret)
		sluice_backend_unregister(&s->backend);
	return ret;
}

static void expect_without(struct kunit *test, const struct member *member,
			   int want)
{
	struct spoilt *s = spoilt(test, "spoilt");

	memset((void *)s + member->offset, 0, sizeof(void *));
	KUNIT_EXPECT_EQ_MSG(test, want, try_register(s), "without %s",
			    member->name);
}

static void register_required_members(struct kunit *test)
{
	struct spoilt *s = spoilt(test, "spoilt");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(required); i++)
		expect_without(test, &required[i], -EINVAL);
	s->backend.rating = 0;
	KUNIT_EXPECT_EQ(test, -EINVAL, try_register(s));
	s = spoilt(test, "");
	KUNIT_EXPECT_EQ(test, -EINVAL, try_register(s));
}

static void register_optional_members(struct kunit *test)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(optional); i++)
		expect_without(test, &optional[i], 0);
}

static void register_name_is_unique(struct kunit *test)
{
	struct spoilt *a = spoilt(test, "twin"), *b = spoilt(test, "twin");

	KUNIT_ASSERT_EQ(test, 0, sluice_backend_register(&a->backend));
	KUNIT_EXPECT_EQ(test, -EEXIST, sluice_backend_register(&b->backend));
	sluice_backend_unregister(&a->backend);

	/* The refused one has left nothing behind. */
	KUNIT_EXPECT_EQ(test, 0, sluice_backend_register(&b->backend));
	sluice_backend_unregister(&b->backend);
}

/* ---- Which backend is asked ---- */

#define ASKED_MAX 4

/* The order in which probes were called; one test runs at a time. */
static char asked[ASKED_MAX + 1];
static int first_answer;

static void note(char c)
{
	size_t n = strlen(asked);

	if (n < ASKED_MAX)
		asked[n] = c;
}

static struct sluice_iommu *probe_native(struct iommu_group *group)
{
	note('n');
	return ERR_PTR(first_answer);
}

static struct sluice_iommu *probe_generic(struct iommu_group *group)
{
	note('g');
	return fake_backend.probe(group);
}

static void ask(struct kunit *test, bool native_first)
{
	struct spoilt *n = spoilt(test, "asked-native");
	struct spoilt *g = spoilt(test, "asked-generic");
	struct fake_group *fg = fake_group_create(test, fake_hw_create(test));
	struct sluice_iommu *iommu;

	n->backend.probe = probe_native;
	g->backend.probe = probe_generic;
	g->backend.rating = SLUICE_RATING_GENERIC;
	memset(asked, 0, sizeof(asked));

	KUNIT_ASSERT_EQ(test, 0, sluice_backend_register(native_first ?
							 &n->backend :
							 &g->backend));
	KUNIT_ASSERT_EQ(test, 0, sluice_backend_register(native_first ?
							 &g->backend :
							 &n->backend));
	iommu = sluice_iommu_probe(fg->group);
	if (first_answer == -ENODEV) {
		KUNIT_EXPECT_STREQ(test, asked, "ng");
		KUNIT_EXPECT_FALSE(test, IS_ERR(iommu));
	} else {
		KUNIT_EXPECT_STREQ(test, asked, "n");
		KUNIT_EXPECT_PTR_EQ(test, iommu, ERR_PTR(first_answer));
	}
	if (!IS_ERR(iommu)) {
		KUNIT_EXPECT_PTR_EQ(test, iommu->backend,
				    (const struct sluice_backend *)&g->backend);
		sluice_iommu_put(iommu);
	}
	sluice_backend_unregister(&n->backend);
	sluice_backend_unregister(&g->backend);
}

static void register_native_is_asked_first(struct kunit *test)
{
	first_answer = -ENODEV;
	ask(test, true);
	ask(test, false);
}

/* "Mine, but unusable" ends the search. */
static void register_refusal_is_final(struct kunit *test)
{
	first_answer = -EBUSY;
	ask(test, true);
	ask(test, false);
}

/* ---- What an instance must look like ---- */

static int probe_with(struct kunit *test, struct fake_hw *hw)
{
	struct fake_group *fg = fake_group_create(test, hw);
	struct sluice_iommu *iommu;

	KUNIT_ASSERT_EQ(test, 0, sluice_backend_register(&fake_backend));
	iommu = sluice_iommu_probe(fg->group);
	if (!IS_ERR(iommu))
		sluice_iommu_put(iommu);
	sluice_backend_unregister(&fake_backend);
	fake_hw_check_idle(test, hw);
	return PTR_ERR_OR_ZERO(iommu);
}

static void register_probe_unknown_group(struct kunit *test)
{
	struct iommu_group *group = iommu_group_alloc();

	KUNIT_ASSERT_FALSE(test, IS_ERR(group));
	KUNIT_ASSERT_EQ(test, 0, sluice_backend_register(&fake_backend));
	KUNIT_EXPECT_PTR_EQ(test, sluice_iommu_probe(group), ERR_PTR(-ENODEV));
	sluice_backend_unregister(&fake_backend);
	iommu_group_put(group);
}

static void register_probe_shares(struct kunit *test)
{
	struct fake_hw *hw = fake_hw_create(test);
	struct fake_group *a = fake_group_create(test, hw);
	struct fake_group *b = fake_group_create(test, hw);
	struct sluice_iommu *ia, *ib;

	KUNIT_ASSERT_EQ(test, 0, sluice_backend_register(&fake_backend));
	ia = sluice_iommu_probe(a->group);
	ib = sluice_iommu_probe(b->group);
	KUNIT_ASSERT_FALSE(test, IS_ERR(ia));
	KUNIT_EXPECT_PTR_EQ(test, ia, ib);
	sluice_iommu_put(ia);
	KUNIT_EXPECT_EQ(test, atomic_read(&hw->instances), 1);
	sluice_iommu_put(ib);
	KUNIT_EXPECT_EQ(test, atomic_read(&hw->instances), 0);
	sluice_backend_unregister(&fake_backend);
}

static void register_bad_caps(struct kunit *test)
{
	struct fake_hw *hw;

	hw = fake_hw_create(test);
	KUNIT_EXPECT_EQ(test, 0, probe_with(test, hw));

	hw = fake_hw_create(test);
	hw->caps.pgsizes = 0;
	KUNIT_EXPECT_EQ(test, -EINVAL, probe_with(test, hw));

	hw = fake_hw_create(test);
	hw->caps.nr_apertures = 0;
	KUNIT_EXPECT_EQ(test, -EINVAL, probe_with(test, hw));

	hw = fake_hw_create(test);
	hw->caps.nr_apertures = SLUICE_MAX_APERTURES + 1;
	KUNIT_EXPECT_EQ(test, -EINVAL, probe_with(test, hw));

	hw = fake_hw_create(test);
	hw->caps.apertures[0] = (struct sluice_range){ 1, 0 };
	KUNIT_EXPECT_EQ(test, -EINVAL, probe_with(test, hw));

	/* Not ascending, overlapping. */
	hw = fake_hw_create(test);
	hw->caps.nr_apertures = 2;
	hw->caps.apertures[0] = (struct sluice_range){ 0x10000, 0x1ffff };
	hw->caps.apertures[1] = (struct sluice_range){ 0, 0xffff };
	KUNIT_EXPECT_EQ(test, -EINVAL, probe_with(test, hw));
	hw = fake_hw_create(test);
	hw->caps.nr_apertures = 2;
	hw->caps.apertures[0] = (struct sluice_range){ 0, 0xffff };
	hw->caps.apertures[1] = (struct sluice_range){ 0xffff, 0x1ffff };
	KUNIT_EXPECT_EQ(test, -EINVAL, probe_with(test, hw));
}

/* ---- Backends with windows ---- */

static void register_window_members(struct kunit *test)
{
	struct sluice_window_ops windows =
		*fake_backend_windows.domain_ops->windows;
	struct spoilt *s = spoilt(test, "spoilt");

	s->ops.windows = &windows;
	KUNIT_EXPECT_EQ(test, 0, try_register(s));
	windows.create = NULL;
	KUNIT_EXPECT_EQ(test, -EINVAL, try_register(s));
	windows = *fake_backend_windows.domain_ops->windows;
	windows.remove = NULL;
	KUNIT_EXPECT_EQ(test, -EINVAL, try_register(s));
}

/* Which extensions are announced. */
static void register_any(struct kunit *test)
{
	bool with = sluice_backend_any(true), without = sluice_backend_any(false);

	KUNIT_ASSERT_EQ(test, 0, sluice_backend_register(&fake_backend_windows));
	KUNIT_EXPECT_TRUE(test, sluice_backend_any(true));
	KUNIT_EXPECT_EQ(test, without, sluice_backend_any(false));
	sluice_backend_unregister(&fake_backend_windows);
	KUNIT_EXPECT_EQ(test, with, sluice_backend_any(true));
	KUNIT_ASSERT_EQ(test, 0, sluice_backend_register(&fake_backend));
	KUNIT_EXPECT_EQ(test, with, sluice_backend_any(true));
	KUNIT_EXPECT_TRUE(test, sluice_backend_any(false));
	sluice_backend_unregister(&fake_backend);
}

static int probe_windows(struct kunit *test,
			 const struct sluice_window_caps *caps)
{
	struct fake_win_hw *hw = fake_win_hw_create(test);
	struct fake_win_group *fg = fake_win_group_create(test, hw, 0);
	struct sluice_iommu *iommu;

	hw->caps.windows = *caps;
	KUNIT_ASSERT_EQ(test, 0, sluice_backend_register(&fake_backend_windows));
	iommu = sluice_iommu_probe(fg->group);
	if (!IS_ERR(iommu))
		sluice_iommu_put(iommu);
	sluice_backend_unregister(&fake_backend_windows);
	fake_win_check_idle(test, hw);
	return PTR_ERR_OR_ZERO(iommu);
}

static void register_bad_windows(struct kunit *test)
{
	const struct sluice_window_caps good = {
		.initial = { SZ_1M, SZ_1G - 1 }, .initial_lg2 = 12, .max = 1,
	};
	struct sluice_window_caps caps = good;

	KUNIT_EXPECT_EQ(test, 0, probe_windows(test, &caps));
	caps.initial.last = SZ_4G - 1;
	KUNIT_EXPECT_EQ(test, 0, probe_windows(test, &caps));
	caps.initial.last = SZ_4G + SZ_1M - 1;
	KUNIT_EXPECT_EQ(test, -EINVAL, probe_windows(test, &caps));
	caps.initial.last = SZ_1M - 1;
	KUNIT_EXPECT_EQ(test, -EINVAL, probe_windows(test, &caps));
	caps.initial.last = SZ_1G;
	KUNIT_EXPECT_EQ(test, -EINVAL, probe_windows(test, &caps));
	caps = good;
	caps.initial_lg2 = 21;
	KUNIT_EXPECT_EQ(test, -EINVAL, probe_windows(test, &caps));
	caps.initial_lg2 = 64;
	KUNIT_EXPECT_EQ(test, -EINVAL, probe_windows(test, &caps));
	caps = good;
	caps.max = 0;
	KUNIT_EXPECT_EQ(test, -EINVAL, probe_windows(test, &caps));
	caps.max = SLUICE_MAX_HW_WINDOWS + 1;
	KUNIT_EXPECT_EQ(test, -EINVAL, probe_windows(test, &caps));
}

static struct kunit_case register_cases[] = {
	KUNIT_CASE(register_required_members),
	KUNIT_CASE(register_optional_members),
	KUNIT_CASE(register_name_is_unique),
	KUNIT_CASE(register_native_is_asked_first),
	KUNIT_CASE(register_refusal_is_final),
	KUNIT_CASE(register_probe_unknown_group),
	KUNIT_CASE(register_probe_shares),
	KUNIT_CASE(register_bad_caps),
	KUNIT_CASE(register_window_members),
	KUNIT_CASE(register_any),
	KUNIT_CASE(register_bad_windows),
	{}
};

static struct kunit_suite register_suite = {
	.name = "sluice_register",
	.test_cases = register_cases,
};

kunit_test_suite(register_suite);
