// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that are taken away from whoever has them open: what their fds answer, whom
 * that waits for and whom it doesn't.
 *
 * The device is pretended, peer.c.
 */
#include <linux/delay.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>

#include "legacy_fixture.h"
#include "peer.h"
#include "threads.h"

#define IOVA 0x40000000ULL

/* Long enough for a thread to get wherever it would wrongly get to. */
#define A_WHILE_MS 100

/* Each of the calls that an fd has, but mmap; their results, or the first error. */
static long call_all(struct kunit *test, struct peer *peer)
{
	struct file *file = fget(peer->fd);
	loff_t pos = 0;
	long ret;

	KUNIT_ASSERT_NOT_NULL(test, file);
	ret = file->f_op->unlocked_ioctl(file, 0, 0);
	KUNIT_EXPECT_EQ(test, ret, file->f_op->read(file, NULL, 0, &pos));
	KUNIT_EXPECT_EQ(test, ret, file->f_op->write(file, NULL, 0, &pos));
	fput(file);
	return ret;
}

static long map_fd(struct kunit *test, struct peer *peer)
{
	struct file *file = fget(peer->fd);
	long ret;

	KUNIT_ASSERT_NOT_NULL(test, file);
	ret = vm_mmap(file, 0, PAGE_SIZE, PROT_READ, MAP_SHARED, 0);
	fput(file);
	return ret;
}

static int take_back(struct test_thread *self)
{
	struct peer *peer = self->arg;

	sluice_device_take_back(&peer->sdev, true);
	return 0;
}

static void answers(struct kunit *test)
{
	unsigned long addr;
	struct peer *peer;

	/* Something, so that there is an address space. */
	addr = kunit_vm_mmap(test, NULL, 0, PAGE_SIZE, PROT_READ,
			     MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_FALSE(test, !addr || IS_ERR_VALUE(addr));
	peer = peer_create(test);
	addr = peer_memory(test, peer, PROT_READ, 1);
	KUNIT_EXPECT_EQ(test, 0, call_all(test, peer));
	KUNIT_EXPECT_EQ(test, 3, peer->calls);

	peer->gone = true;
	KUNIT_EXPECT_TRUE(test, sluice_group_hide(&peer->sdev));
	KUNIT_EXPECT_EQ(test, 0, peer->closes);
	sluice_device_take_back(&peer->sdev, true);
	KUNIT_EXPECT_EQ(test, 1, peer->closes);
	KUNIT_EXPECT_EQ(test, 0, peer->group.nr_device_fds);

	KUNIT_EXPECT_EQ(test, -ENODEV, call_all(test, peer));
	KUNIT_EXPECT_EQ(test, 3, peer->calls);
	KUNIT_EXPECT_EQ(test, -ENODEV, map_fd(test, peer));
	KUNIT_EXPECT_EQ(test, -ENODEV, sluice_device_enter(&peer->sdev));
	KUNIT_EXPECT_EQ(test, -ENODEV,
			sluice_device_open_fd(&peer->group, "peer"));
	peer_destroy(test, peer, addr, 1);
	KUNIT_EXPECT_EQ(test, 1, peer->closes);
}

/* The users close in time: nothing is taken away. */
static void let_go(struct kunit *test)
{
	struct peer *peer = peer_create(test);
	struct test_thread taker;

	KUNIT_EXPECT_TRUE(test, sluice_group_hide(&peer->sdev));
	test_thread_start(test, &taker, take_back, peer, 0);
	msleep(A_WHILE_MS);
	KUNIT_EXPECT_FALSE(test, completion_done(&taker.done));
	KUNIT_EXPECT_EQ(test, 0, call_all(test, peer));
	peer_destroy(test, peer, 0, 0);
	KUNIT_EXPECT_EQ(test, 0, test_thread_join(test, &taker));
	KUNIT_EXPECT_EQ(test, 1, peer->requests);
	KUNIT_EXPECT_EQ(test, 1, peer->closes);
}

struct visitor {
	struct peer *peer;
	struct completion entered;
	struct completion leave;
};

static int visit(struct test_thread *self)
{
	struct visitor *visitor = self->arg;
	int ret;

	ret = sluice_device_enter(&visitor->peer->sdev);
	complete(&visitor->entered);
	if (ret)
		return ret;
	wait_for_completion(&visitor->leave);
	/* Nothing has been closed under it. */
	ret = visitor->peer->closes;
	sluice_device_exit(&visitor->peer->sdev);
	return ret;
}

static void waits_for_those_inside(struct kunit *test)
{
	struct visitor visitor = { .peer = peer_create(test) };
	struct peer *peer = visitor.peer;
	struct test_thread taker, thread;

	init_completion(&visitor.entered);
	init_completion(&visitor.leave);
	test_thread_start(test, &thread, visit, &visitor, 0);
	wait_for_completion(&visitor.entered);

	peer->gone = true;
	KUNIT_EXPECT_TRUE(test, sluice_group_hide(&peer->sdev));
	test_thread_start(test, &taker, take_back, peer, 0);
	msleep(A_WHILE_MS);
	KUNIT_EXPECT_FALSE(test, completion_done(&taker.done));
	KUNIT_EXPECT_TRUE(test, sluice_device_revoked(&peer->sdev));
	KUNIT_EXPECT_EQ(test, -ENODEV, call_all(test, peer));

	complete(&visitor.leave);
	KUNIT_EXPECT_EQ(test, 0, test_thread_join(test, &thread));
	KUNIT_EXPECT_EQ(test, 0, test_thread_join(test, &taker));
	KUNIT_EXPECT_EQ(test, 1, peer->closes);
	peer_destroy(test, peer, 0, 0);
}

static int open_fd(struct test_thread *self)
{
	struct peer *peer = self->arg;

	return sluice_device_open_fd(&peer->group, "peer");
}

/* An open that is under way comes to its end, and has what is of no use. */
static void meets_an_open(struct kunit *test)
{
	struct peer *peer = peer_create(test);
	struct test_thread opener, taker;

	KUNIT_ASSERT_EQ(test, 0, close_fd(peer->fd));
	flush_delayed_fput();
	KUNIT_EXPECT_EQ(test, 1, peer->closes);

	peer->slow = true;
	peer->gone = true;
	test_thread_start(test, &opener, open_fd, peer, 0);
	wait_for_completion(&peer->opening);
	KUNIT_EXPECT_EQ(test, 1, peer->group.nr_device_fds);
	KUNIT_EXPECT_TRUE(test, sluice_group_hide(&peer->sdev));
	test_thread_start(test, &taker, take_back, peer, 0);
	msleep(A_WHILE_MS);
	KUNIT_EXPECT_FALSE(test, completion_done(&taker.done));
	KUNIT_EXPECT_EQ(test, 1, peer->closes);

	complete(&peer->go_on);
	KUNIT_EXPECT_EQ(test, 0, test_thread_join(test, &taker));
	KUNIT_EXPECT_EQ(test, 2, peer->closes);
	peer->fd = test_thread_join(test, &opener);
	KUNIT_ASSERT_GE(test, peer->fd, 0);
	KUNIT_EXPECT_EQ(test, -ENODEV, call_all(test, peer));
	peer_destroy(test, peer, 0, 0);
	KUNIT_EXPECT_EQ(test, 2, peer->closes);
}

/* Once it's too late nobody asks any more: the device may be freed. */
static void wanted_too_late(struct kunit *test)
{
	struct peer *peer = peer_create(test);

	peer->gone = true;
	KUNIT_EXPECT_TRUE(test, sluice_group_hide(&peer->sdev));
	sluice_device_take_back(&peer->sdev, true);
	peer->requests = 0;
	peer->sdev.wanted = false;
	sluice_device_want(&peer->sdev);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&peer->sdev.ask));
	KUNIT_EXPECT_FALSE(test, flush_delayed_work(&peer->sdev.ask));
	KUNIT_EXPECT_EQ(test, 0, peer->requests);
	peer_destroy(test, peer, 0, 0);
}

static const struct legacy_param params[] = {
	{ "full", SLUICE_SPACE_TYPE1V2, false },
};

KUNIT_ARRAY_PARAM_DESC(revoke, params, name);

struct late_map {
	struct legacy *l;
	unsigned long addr;
	int ret;
};

static void map_late(struct peer *peer)
{
	struct late_map *late = peer->data;

	sluice_device_mmio_enable(&peer->sdev);
	late->ret = legacy_map(late->l, IOVA + PAGES(8), late->addr, 1, RW);
}

/* Its memory goes from all IOMMUs, also what is mapped while it is being closed. */
static void memory_goes(struct kunit *test)
{
	struct late_map late = { .l = legacy_create(test) };
	struct peer *peer = peer_create(test);
	struct legacy *l = late.l;
	phys_addr_t phys;

	late.addr = peer_memory(test, peer, PROT_READ | PROT_WRITE, BAR_PAGES);
	KUNIT_ASSERT_EQ(test, 0, legacy_map(l, IOVA, late.addr, 2, RW));
	KUNIT_EXPECT_EQ(test, 0, fake_translate(l->fg[0], IOVA, true, &phys));

	peer->gone = true;
	peer->data = &late;
	peer->on_close = map_late;
	KUNIT_EXPECT_TRUE(test, sluice_group_hide(&peer->sdev));
	sluice_device_take_back(&peer->sdev, true);
	KUNIT_EXPECT_EQ(test, 0, late.ret);
	KUNIT_EXPECT_TRUE(test, list_empty(&peer->sdev.mmio_maps));
	KUNIT_EXPECT_TRUE(test, list_empty(&peer->sdev.mmio_revoked));
	KUNIT_EXPECT_EQ(test, 0, peer->sdev.nr_mmio);
	KUNIT_EXPECT_NE(test, 0, fake_translate(l->fg[0], IOVA, true, &phys));
	KUNIT_EXPECT_NE(test, 0, fake_translate(l->fg[0], IOVA + PAGES(8), true,
						&phys));
	KUNIT_EXPECT_EQ(test, -EFAULT,
			legacy_map(l, IOVA + PAGES(9), late.addr, 1, RW));
	KUNIT_EXPECT_EQ(test, 2, legacy_unmap_pages(l, IOVA, 2));
	KUNIT_EXPECT_EQ(test, 1,
			legacy_unmap_pages(l, IOVA + PAGES(8), 1));
	legacy_finish(l);
	peer_destroy(test, peer, late.addr, BAR_PAGES);
}

static struct kunit_case revoke_cases[] = {
	KUNIT_CASE(answers),
	KUNIT_CASE(let_go),
	KUNIT_CASE(waits_for_those_inside),
	KUNIT_CASE(meets_an_open),
	KUNIT_CASE(wanted_too_late),
	KUNIT_CASE_PARAM(memory_goes, revoke_gen_params),
	{}
};

static struct kunit_suite revoke_suite = {
	.name = "sluice_revoke",
	.suite_init = fake_suite_init,
	.suite_exit = fake_suite_exit,
	.test_cases = revoke_cases,
};

kunit_test_suite(revoke_suite);
