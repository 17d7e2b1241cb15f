// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unified spaces with several domains, or with none in use: the same content in
 * all, groups that come and go, tables that are charged, and hardware that dies.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/slab.h>

#include "unified_fixture.h"

/* Both kinds, both rights, and a superpage, at places that are far apart. */
struct content {
	unsigned long addr;
	u32 handle;
	u32 pretended;
};

#define FAR (WIN + WIN_SIZE / 2)

static const struct sluice_run super_run = { 0, 16 * SUPER };

static struct content fill(struct unified *u)
{
	struct content c = { .addr = unified_memory(u, 24) };
	struct sluice_dma_op ops[5];

	KUNIT_ASSERT_EQ(u->test, 0,
			unified_register(u, c.addr, 24, RW, &c.handle));
	c.pretended = unified_pretend(u, &super_run, 1, SUPER);
	ops[0] = make_map(WIN, c.addr, 8, RW);
	ops[1] = make_map(WIN + PAGES(8), c.addr + PAGES(8), 4, R);
	ops[2] = make_map_handle(WIN + PAGES(12), c.handle, 12, 4, RW);
	ops[3] = make_map_handle(WIN + PAGES(20), c.handle, 20, 4, R);
	ops[4] = make_map_handle(FAR, c.pretended, 0, SUPER, RW);
	KUNIT_ASSERT_EQ(u->test, 0, unified_batch(u, ops, ARRAY_SIZE(ops)));
	return c;
}

static void expect_content(struct unified *u, unsigned int group,
			   const struct content *c)
{
	phys_addr_t phys;

	unified_expect_mapped(u, group, WIN, c->addr, 16);
	unified_expect_hole(u, group, WIN + PAGES(16), 4);
	unified_expect_mapped(u, group, WIN + PAGES(20), c->addr + PAGES(20),
			      4);
	unified_expect_phys(u, group, FAR, super_run.pfn, SUPER);
	unified_expect_hole(u, group, FAR + PAGES(SUPER), 1);
	KUNIT_EXPECT_EQ(u->test, -EACCES,
			fake_translate(u->fg[group], WIN + PAGES(8), true,
				       &phys));
	KUNIT_EXPECT_EQ(u->test, -EACCES,
			fake_translate(u->fg[group], WIN + PAGES(20), true,
				       &phys));
	KUNIT_EXPECT_EQ(u->test, unified_locked(u), 24 + 12);
	KUNIT_EXPECT_EQ(u->test, unified_pins(u, c->addr, 24), 24 + 12);
}

static void expect_empties(struct unified *u, const struct content *c)
{
	KUNIT_EXPECT_EQ(u->test, unified_clear(u), 20 + SUPER);
	KUNIT_EXPECT_EQ(u->test, unified_pins(u, c->addr, 24), 24);
	KUNIT_EXPECT_EQ(u->test, 0, unified_unregister(u, c->handle));
	KUNIT_EXPECT_EQ(u->test, unified_pins(u, c->addr, 24), 0);
	unified_forget(u, c->pretended);
}

static void domains_shared(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	struct content c = fill(u);

	unified_expect_hole(u, 1, WIN, 8);
	KUNIT_ASSERT_EQ(test, 0, unified_attach(u, 1));
	KUNIT_EXPECT_EQ(test, unified_domains(u), 1);
	expect_content(u, 1, &c);
	unified_detach(u, 0);
	unified_expect_hole(u, 0, WIN, 8);
	expect_content(u, 1, &c);
	expect_empties(u, &c);
	unified_finish(u);
}

static void domains_same_content(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	struct content c;

	KUNIT_ASSERT_EQ(test, 0, unified_attach(u, 2));
	KUNIT_EXPECT_EQ(test, unified_domains(u), 2);
	c = fill(u);
	expect_content(u, 0, &c);
	expect_content(u, 2, &c);

	/* Gone from both, caches included; the superpage is cut in both. */
	atomic_set(&u->hw->flushes, 0);
	KUNIT_EXPECT_EQ(test, 0, unified_do(u, make_unmap(WIN + PAGES(2), 12)));
	KUNIT_EXPECT_EQ(test, 0, unified_do(u, make_unmap(FAR + PAGES(9), 1)));
	KUNIT_EXPECT_EQ(test, atomic_read(&u->hw->flushes), 4);
	unified_expect_hole(u, 0, WIN + PAGES(2), 12);
	unified_expect_hole(u, 2, WIN + PAGES(2), 12);
	unified_expect_phys(u, 0, FAR, super_run.pfn, 9);
	unified_expect_phys(u, 2, FAR, super_run.pfn, 9);
	unified_expect_hole(u, 0, FAR + PAGES(9), 1);
	unified_expect_hole(u, 2, FAR + PAGES(9), 1);
	kfree(unified_state(u));
	/* Where nothing had to be cut, too. */
	unified_expect_mapped(u, 0, WIN + PAGES(20), c.addr + PAGES(20), 4);
	unified_expect_mapped(u, 2, WIN + PAGES(20), c.addr + PAGES(20), 4);
	KUNIT_EXPECT_EQ(test, unified_clear(u), 20 + SUPER - 13);
	unified_expect_hole(u, 0, WIN + PAGES(20), 4);
	unified_expect_hole(u, 2, WIN + PAGES(20), 4);
	KUNIT_EXPECT_EQ(test, unified_pins(u, c.addr, 24), 24);
	unified_forget(u, c.pretended);
	unified_finish(u);
}

static void domains_filled_later(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	struct content c = fill(u);
	struct unified_state *before = unified_state(u);

	KUNIT_ASSERT_EQ(test, 0, unified_attach(u, 2));
	KUNIT_EXPECT_EQ(test, unified_domains(u), 2);
	expect_content(u, 2, &c);
	unified_expect_state(u, before);

	/* The first one goes; the other is the record now. */
	unified_detach(u, 0);
	KUNIT_EXPECT_EQ(test, unified_domains(u), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&u->hw->domains), 1);
	unified_expect_hole(u, 0, WIN, 8);
	expect_content(u, 2, &c);
	unified_expect_state(u, before);
	expect_empties(u, &c);
	kfree(before);
	unified_finish(u);
}

/* More than is read at a time; in several windows. */
static void domains_filled_much(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	unsigned long addr = unified_memory(u, 40);
	u64 second = WIN + WIN_SIZE + PAGES(64);
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 0, unified_window(u, second, PAGES(1000), 0));
	for (i = 0; i < 40; i++) {
		KUNIT_ASSERT_EQ(test, 0,
				unified_do(u, make_map(WIN + PAGES(3 * i),
						       addr + PAGES(i), 1,
						       RW)));
		KUNIT_ASSERT_EQ(test, 0,
				unified_do(u, make_map(second + PAGES(2 * i),
						       addr + PAGES(39 - i), 1,
						       RW)));
	}
	KUNIT_ASSERT_EQ(test, 0, unified_attach(u, 2));
	for (i = 0; i < 40; i++) {
		unified_expect_mapped(u, 2, WIN + PAGES(3 * i),
				      addr + PAGES(i), 1);
		unified_expect_hole(u, 2, WIN + PAGES(3 * i + 1), 2);
		unified_expect_mapped(u, 2, second + PAGES(2 * i),
				      addr + PAGES(39 - i), 1);
	}
	KUNIT_EXPECT_EQ(test, unified_clear(u), 80);
	unified_finish(u);
}

/* ---- No group ---- */

static void domains_idle(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	struct content c = fill(u);
	struct unified_state *before = unified_state(u);

	unified_detach(u, 0);
	KUNIT_EXPECT_EQ(test, unified_domains(u), 1);
	unified_expect_hole(u, 0, WIN, 8);
	unified_expect_state(u, before);
	KUNIT_EXPECT_EQ(test, -EBUSY, unified_unregister(u, c.handle));
	KUNIT_EXPECT_EQ(test, -EBUSY, unified_window_remove(u, WIN));

	/* The same group, and one that shares with it. */
	KUNIT_ASSERT_EQ(test, 0, unified_attach(u, 0));
	expect_content(u, 0, &c);
	unified_detach(u, 0);
	KUNIT_ASSERT_EQ(test, 0, unified_attach(u, 1));
	KUNIT_EXPECT_EQ(test, unified_domains(u), 1);
	expect_content(u, 1, &c);
	unified_detach(u, 1);

	/* Maps and unmaps go on meanwhile. */
	KUNIT_EXPECT_EQ(test, 0, unified_do(u, make_unmap(WIN, 1)));
	KUNIT_EXPECT_EQ(test, u->batch.unmapped, PAGES(1));
	KUNIT_EXPECT_EQ(test, unified_pins(u, c.addr, 1), 1);
	KUNIT_EXPECT_EQ(test, -EEXIST,
			unified_do(u, make_map(WIN + PAGES(1), c.addr, 1, RW)));
	KUNIT_EXPECT_EQ(test, 0, unified_do(u, make_map(WIN, c.addr, 1, RW)));
	KUNIT_ASSERT_EQ(test, 0, unified_attach(u, 1));
	expect_content(u, 1, &c);
	expect_empties(u, &c);
	kfree(before);
	unified_finish(u);
}

/* One that can't share with the domain that is left gets the same content. */
static void domains_idle_other_unit(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	struct content c = fill(u);
	struct unified_state *before = unified_state(u);

	unified_detach(u, 0);
	KUNIT_ASSERT_EQ(test, 0, unified_attach(u, 2));
	KUNIT_EXPECT_EQ(test, unified_domains(u), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&u->hw->domains), 1);
	expect_content(u, 2, &c);
	unified_expect_state(u, before);
	KUNIT_ASSERT_EQ(test, 0, unified_attach(u, 1));
	KUNIT_EXPECT_EQ(test, unified_domains(u), 2);
	expect_content(u, 1, &c);
	unified_detach(u, 2);
	unified_detach(u, 1);
	KUNIT_EXPECT_EQ(test, unified_domains(u), 1);
	unified_expect_state(u, before);
	expect_empties(u, &c);
	kfree(before);
	unified_finish(u);
}

/* An attach that fails leaves an idle space as it was. */
static void domains_idle_attach_fails(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	struct content c = fill(u);
	struct unified_state *before = unified_state(u);
	unsigned int nth;

	unified_detach(u, 0);
	u->hw->fail_domain = -ENOSPC;
	KUNIT_EXPECT_EQ(test, -ENOSPC, unified_attach(u, 2));
	u->fg[1]->attach_error = -EIO;
	KUNIT_EXPECT_EQ(test, -EIO, unified_attach(u, 1));
	u->fg[1]->attach_error = 0;
	for (nth = 1;; nth++) {
		KUNIT_ASSERT_LT(test, nth, 100);
		atomic_set(&u->hw->fail_map, nth);
		if (!unified_attach(u, 2))
			break;
		KUNIT_EXPECT_EQ(test, unified_domains(u), 1);
		KUNIT_EXPECT_EQ(test, atomic_read(&u->hw->domains), 1);
		KUNIT_EXPECT_NULL(test, u->fg[2]->context);
		unified_expect_state(u, before);
	}
	atomic_set(&u->hw->fail_map, 0);
	KUNIT_EXPECT_GE(test, nth, 20);
	expect_content(u, 2, &c);
	unified_expect_state(u, before);
	expect_empties(u, &c);
	kfree(before);
	unified_finish(u);
}

/* A backend without the operations that a unified space needs. */
static void domains_bare_backend(struct kunit *test)
{
	struct unified *u = unified_create(test);

	u->hw->bare = true;
	KUNIT_EXPECT_EQ(test, -ENODEV, unified_attach(u, 0));
	KUNIT_EXPECT_EQ(test, unified_domains(u), 0);
	u->hw->bare = false;
	KUNIT_EXPECT_EQ(test, 0, unified_attach(u, 0));
	unified_finish(u);
}

/* ---- Tables ---- */

static long charged(struct unified *u)
{
	return u->space.uni->tables;
}

static void domains_tables(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	unsigned long addr = unified_memory(u, 1);
	struct sluice_info info = { .argsz = sizeof(info) };
	unsigned int i;
	long one;

	KUNIT_ASSERT_EQ(test, 0, unified_do(u, make_map(WIN, addr, 1, RW)));
	KUNIT_EXPECT_EQ(test, 1, unified_clear(u));
	one = charged(u);
	KUNIT_EXPECT_EQ(test, one, atomic_read(&u->hw->tables));
	for (i = 1; i <= 8; i++) {
		KUNIT_ASSERT_EQ(test, 0,
				unified_do(u, make_map(WIN + i * fake_size(1),
						       addr, 1, RW)));
		KUNIT_EXPECT_EQ(test, charged(u), one + i);
		KUNIT_EXPECT_EQ(test, charged(u), atomic_read(&u->hw->tables));
	}
	KUNIT_EXPECT_EQ(test, 8, unified_clear(u));
	KUNIT_EXPECT_EQ(test, charged(u), one + 8);
	KUNIT_EXPECT_EQ(test, 0, unified_ioctl(u, SLUICE_GET_INFO, &info,
					       sizeof(info)));
	KUNIT_EXPECT_EQ(test, info.tables, PAGES(one + 8));
	KUNIT_EXPECT_EQ(test, info.groups, 1);
	KUNIT_EXPECT_TRUE(test, sluice_space_reclaim(&u->space));
	/* The root alone. */
	KUNIT_EXPECT_EQ(test, charged(u), 1);
	KUNIT_EXPECT_EQ(test, current->mm->locked_vm - u->locked, 1);

	/* Of both domains, as long as there are two. */
	KUNIT_ASSERT_EQ(test, 0, unified_attach(u, 2));
	KUNIT_ASSERT_EQ(test, 0, unified_do(u, make_map(WIN, addr, 1, RW)));
	KUNIT_EXPECT_EQ(test, charged(u), 2 * one);
	unified_detach(u, 0);
	KUNIT_EXPECT_EQ(test, charged(u), one);
	unified_finish(u);
}

/* A sweep with one page can't take more than the limit. */
static void domains_tables_limit(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	unsigned long addr = unified_memory(u, 1);
	struct cred *cred = prepare_creds();
	int ret = 0, cleared, again;
	struct unified_state *state;
	const struct cred *old;
	unsigned int i;
	u32 handle;

	KUNIT_ASSERT_NOT_NULL(test, cred);
	KUNIT_ASSERT_EQ(test, 0, unified_register(u, addr, 1, RW, &handle));
	cap_lower(cred->cap_effective, CAP_IPC_LOCK);
	current->signal->rlim[RLIMIT_MEMLOCK].rlim_cur =
		PAGES(current->mm->locked_vm + 20);
	old = override_creds(cred);
	for (i = 0; !ret && i < 100; i++)
		ret = unified_do(u, make_map_handle(WIN + i * fake_size(1),
						    handle, 0, 1, RW));
	state = unified_state(u);
	/* Those that are in the way are empty: reclaim makes room. */
	cleared = unified_do(u, make_unmap_all());
	again = unified_do(u, make_map_handle(WIN + 99 * fake_size(1), handle,
					      0, 1, RW));
	revert_creds(old);
	put_cred(cred);
	KUNIT_EXPECT_EQ(test, ret, -ENOMEM);
	KUNIT_EXPECT_LT(test, i, 22);
	KUNIT_EXPECT_GT(test, i, 10);
	KUNIT_EXPECT_EQ(test, state->nr, i - 1);
	KUNIT_EXPECT_EQ(test, state->mapped, i - 1);
	KUNIT_EXPECT_EQ(test, cleared, 0);
	KUNIT_EXPECT_EQ(test, again, 0);
	unified_expect_mapped(u, 0, WIN + 99 * fake_size(1), addr, 1);
	kfree(state);

	unified_clear(u);
	unified_finish(u);
}

/* Beyond the limit, by the tables of a second domain: unmaps are still possible. */
static void domains_unmap_beyond_limit(struct kunit *test)
{
	struct unified *u = unified_ready(test);
	unsigned long addr = unified_memory(u, 2);
	struct cred *cred = prepare_creds();
	struct sluice_dma_op ops[] = {
		make_map(WIN, addr, 1, RW),
		make_map(FAR, addr + PAGES(1), 1, RW),
	};
	int map, one, all, cut;
	const struct cred *old;
	struct sluice_run run = { 0, 8 * SUPER };
	u32 handle = unified_pretend(u, &run, 1, SUPER);

	KUNIT_ASSERT_NOT_NULL(test, cred);
	KUNIT_ASSERT_EQ(test, 0, unified_batch(u, ops, 2));
	KUNIT_ASSERT_EQ(test, 0,
			unified_do(u, make_map_handle(WIN + fake_size(1),
						      handle, 0, SUPER, RW)));
	KUNIT_ASSERT_EQ(test, 0, unified_attach(u, 2));
	cap_lower(cred->cap_effective, CAP_IPC_LOCK);
	current->signal->rlim[RLIMIT_MEMLOCK].rlim_cur =
		PAGES(current->mm->locked_vm);
	old = override_creds(cred);
	map = unified_do(u, make_map(WIN + PAGES(1), addr, 1, RW));
	one = unified_do(u, make_unmap(WIN, 1));
	cut = unified_do(u, make_unmap(WIN + fake_size(1), 1));
	all = unified_do(u, make_unmap_all());
	revert_creds(old);
	put_cred(cred);
	KUNIT_EXPECT_EQ(test, map, -ENOMEM);
	KUNIT_EXPECT_EQ(test, one, 0);
	KUNIT_EXPECT_TRUE(test, !cut || cut == -ENOMEM);
	KUNIT_EXPECT_EQ(test, all, 0);
	KUNIT_EXPECT_EQ(test, u->batch.unmapped, PAGES(SUPER + 1 - !cut));
	KUNIT_EXPECT_EQ(test, unified_pins(u, addr, 2), 0);
	unified_forget(u, handle);
	unified_finish(u);
}

static struct kunit_case domains_cases[] = {
	KUNIT_CASE(domains_shared),
	KUNIT_CASE(domains_same_content),
	KUNIT_CASE(domains_filled_later),
	KUNIT_CASE(domains_filled_much),
	KUNIT_CASE(domains_idle),
	KUNIT_CASE(domains_idle_other_unit),
	KUNIT_CASE(domains_idle_attach_fails),
	KUNIT_CASE(domains_bare_backend),
	KUNIT_CASE(domains_tables),
	KUNIT_CASE(domains_tables_limit),
	KUNIT_CASE(domains_unmap_beyond_limit),
	{}
};

static struct kunit_suite domains_suite = {
	.name = "sluice_unified_domains",
	.suite_init = fake_suite_init,
	.suite_exit = fake_suite_exit,
	.test_cases = domains_cases,
};

kunit_test_suite(domains_suite);
