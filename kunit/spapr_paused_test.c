// SPDX-License-Identifier: GPL-2.0-only
/*
 * SPAPR spaces of version 1 that end while a map waits for memory to be pinned.
 */
#include <linux/mm.h>

#include "paused.h"
#include "spapr_fixture.h"

#define LARGE_PAGES (SLUICE_PIN_BATCH > 1024)

static struct spapr *enabled(struct kunit *test)
{
	struct spapr *s = spapr_create(test, false);

	sluice_space_lock_close(&s->space);
	KUNIT_EXPECT_EQ(test, 0, sluice_spapr_enable(&s->space));
	up_write(&s->space.lock);
	return s;
}

/* As a container does when its last group leaves. */
static void end(void *data)
{
	struct spapr *s = data;

	sluice_space_lock_close(&s->space);
	sluice_space_detach(&s->space, s->fg[0]->group);
	s->attached[0] = false;
	s->space.type = SLUICE_SPACE_NONE;
	sluice_unified_deinit(&s->space);
	up_write(&s->space.lock);
}

static void attach_2(void *data)
{
	struct spapr *s = data;

	KUNIT_EXPECT_EQ(s->test, 0, spapr_attach_nr(s, 2));
}

/* What a map would take has been given back. */
static void disable(void *data)
{
	struct spapr *s = data;

	sluice_space_lock_close(&s->space);
	KUNIT_EXPECT_EQ(s->test, 0, sluice_spapr_disable(&s->space));
	up_write(&s->space.lock);
}

static void expect(struct kunit *test, u64 size, unsigned int at,
		   void (*change)(void *data), int want)
{
	struct spapr *s = enabled(test);
	unsigned long addr = spapr_memory(s, size);
	struct paused p = { &s->space, at, 0, change, s };

	paused_arm(test, &p);
	KUNIT_EXPECT_EQ(test, want, spapr_map(s, 0, addr, size, RW));
	KUNIT_EXPECT_GT(test, p.calls, at);
	paused_disarm(test);
	if (!want) {
		spapr_expect_mapped(s, 0, 0, addr, size, true);
		spapr_expect_mapped(s, 2, 0, addr, size, true);
	}
	spapr_finish(s);
	KUNIT_EXPECT_EQ(test, 0, spapr_pins(s, addr, size));
}

static void space_ends(struct kunit *test)
{
	expect(test, PAGE_SIZE, 0, end, -EINVAL);
	expect(test, SZ_4M, 0, end, -EINVAL);
	expect(test, SZ_4M, LARGE_PAGES ? 0 : 1, end, -EINVAL);
}

static void disabled(struct kunit *test)
{
	expect(test, PAGE_SIZE, 0, disable, -EPERM);
	expect(test, SZ_4M, 0, disable, -EPERM);
}

static void group_comes(struct kunit *test)
{
	expect(test, PAGE_SIZE, 0, attach_2, 0);
	expect(test, SZ_4M, LARGE_PAGES ? 0 : 1, attach_2, 0);
}

static struct kunit_case paused_cases[] = {
	KUNIT_CASE(space_ends),
	KUNIT_CASE(disabled),
	KUNIT_CASE(group_comes),
	{}
};

static struct kunit_suite paused_suite = {
	.name = "sluice_spapr_paused",
	.suite_init = fake_win_suite_init,
	.suite_exit = fake_win_suite_exit,
	.test_cases = paused_cases,
};

kunit_test_suite(paused_suite);
