// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device memory in unified spaces that is withdrawn and comes back: what is taken
 * meanwhile, that it comes back without memory, and whatever else is going on.
 *
 * The device is pretended, peer.c.
 */
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/kthread.h>
#include <linux/mman.h>

#include "peer.h"
#include "threads.h"
#include "unified_fixture.h"

/* How long the work item may take. */
#define LATE_MS 2000

#define PROT (PROT_READ | PROT_WRITE)
/* Beyond the window's beginning by a superpage. */
#define AT (WIN + PAGES(SUPER))

/**
 * struct scene - a space, and a device whose memory is mapped at AT
 * @u: the space
 * @peer: the device
 * @addr: its memory in this process
 * @npages: how much
 */
struct scene {
	struct unified *u;
	struct peer *peer;
	unsigned long addr;
	unsigned long npages;
};

static struct scene scene_create(struct kunit *test, unsigned long npages)
{
	struct scene s = {
		.u = unified_ready(test),
		.peer = peer_create(test),
		.npages = npages,
	};

	s.peer->npages = npages;
	s.addr = peer_memory(test, s.peer, PROT, npages);
	KUNIT_ASSERT_EQ(test, 0,
			unified_do(s.u, make_map(AT, s.addr, npages, RW)));
	return s;
}

static void scene_finish(struct kunit *test, struct scene *s)
{
	unified_finish(s->u);
	peer_destroy(test, s->peer, s->addr, s->npages);
}

static void off(struct scene *s)
{
	sluice_device_mmio_revoke(&s->peer->sdev);
}

static void on(struct scene *s)
{
	sluice_device_mmio_enable(&s->peer->sdev);
}

/* Whatever on() does from now on has to do without a new table. */
static void on_without_tables(struct scene *s)
{
	struct fake_hw *hw = s->u->hw;

	atomic_set(&hw->fail_alloc, 1);
	on(s);
	KUNIT_EXPECT_EQ(s->u->test, atomic_read(&hw->fail_alloc), 1);
	atomic_set(&hw->fail_alloc, 0);
}

/* Pages @first to @first + @n - 1 of the device's memory are where they belong. */
static void expect_bar(struct scene *s, unsigned int group, unsigned long first,
		       unsigned long n)
{
	unified_expect_phys(s->u, group, AT + PAGES(first),
			    PHYS_PFN(s->peer->phys) + first, n);
}

static void expect_hole(struct scene *s, unsigned int group,
			unsigned long first, unsigned long n)
{
	unified_expect_hole(s->u, group, AT + PAGES(first), n);
}

/* Waits for the work item to map a page. */
static bool comes_back(struct scene *s, unsigned int group)
{
	phys_addr_t phys;
	unsigned int ms;

	for (ms = 0; ms < LATE_MS; ms++) {
		if (!fake_translate(s->u->fg[group], AT, true, &phys)) {
			/* Then it is at it, or done. */
			sluice_mmio_lock();
			sluice_mmio_unlock();
			return true;
		}
		fsleep(USEC_PER_MSEC);
	}
	return false;
}

static void mmio_is_taken(struct kunit *test)
{
	struct scene s = scene_create(test, BAR_PAGES);
	struct unified *u = s.u;
	unsigned long ram = unified_memory(u, 2);
	struct sluice_dma_op op;

	KUNIT_ASSERT_EQ(test, 0, unified_attach(u, 2));
	off(&s);
	expect_hole(&s, 0, 0, BAR_PAGES);
	expect_hole(&s, 2, 0, BAR_PAGES);
	/* By whatever kind of map. */
	KUNIT_EXPECT_EQ(test, -EEXIST,
			unified_do(u, make_map(AT + PAGES(3), ram, 1, RW)));
	KUNIT_EXPECT_EQ(test, -EEXIST,
			unified_do(u, make_map(AT - PAGES(1), ram, 2, RW)));
	KUNIT_EXPECT_EQ(test, -EEXIST,
			unified_do(u, make_map(AT, s.addr, 1, RW)));
	op = make_map(AT + PAGES(BAR_PAGES - 1), ram, 1, RW);
	KUNIT_EXPECT_EQ(test, -EEXIST, unified_atomic(u, &op, 1));
	op = make_unmap(AT, 1);
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, unified_atomic(u, &op, 1));
	KUNIT_EXPECT_EQ(test, -EBUSY, unified_window_remove(u, WIN));
	/* New maps of what isn't decoded. */
	KUNIT_EXPECT_EQ(test, -EFAULT,
			unified_do(u, make_map(WIN, s.addr, 1, RW)));
	KUNIT_EXPECT_EQ(test, unified_pins(u, ram, 2), 0);

	on_without_tables(&s);
	expect_bar(&s, 0, 0, BAR_PAGES);
	expect_bar(&s, 2, 0, BAR_PAGES);
	expect_hole(&s, 0, BAR_PAGES, 1);
	/* As often as one likes. */
	on(&s);
	off(&s);
	off(&s);
	expect_hole(&s, 2, 0, BAR_PAGES);
	on_without_tables(&s);
	expect_bar(&s, 2, 0, BAR_PAGES);
	KUNIT_EXPECT_EQ(test, unified_clear(u), BAR_PAGES);
	expect_hole(&s, 0, 0, BAR_PAGES);
	KUNIT_EXPECT_TRUE(test, RB_EMPTY_ROOT(&u->space.mmio.ranges.rb_root));
	scene_finish(test, &s);
}

/* With the rights that it had. */
static void mmio_rights_return(struct kunit *test)
{
	struct scene s = scene_create(test, BAR_PAGES);
	struct unified *u = s.u;
	phys_addr_t phys;

	KUNIT_ASSERT_EQ(test, 0, unified_do(u, make_map(WIN, s.addr, 1, R)));
	off(&s);
	on(&s);
	KUNIT_EXPECT_EQ(test, 0, fake_translate(u->fg[0], WIN, false, &phys));
	KUNIT_EXPECT_EQ(test, -EACCES,
			fake_translate(u->fg[0], WIN, true, &phys));
	expect_bar(&s, 0, 0, BAR_PAGES);
	scene_finish(test, &s);
}

/* An unmap takes what is withdrawn, and counts it; nothing of it comes back. */
static void mmio_unmapped_meanwhile(struct kunit *test)
{
	struct scene s = scene_create(test, BAR_PAGES);
	struct unified *u = s.u;
	unsigned long ram = unified_memory(u, BAR_PAGES);

	off(&s);
	KUNIT_EXPECT_EQ(test, 0,
			unified_do(u, make_unmap(AT, BAR_PAGES)));
	KUNIT_EXPECT_EQ(test, u->batch.unmapped, PAGES(BAR_PAGES));
	KUNIT_EXPECT_EQ(test, 0, unified_do(u, make_unmap(AT, BAR_PAGES)));
	KUNIT_EXPECT_EQ(test, u->batch.unmapped, 0);
	KUNIT_ASSERT_EQ(test, 0,
			unified_do(u, make_map(AT, ram, BAR_PAGES, RW)));
	on(&s);
	unified_expect_mapped(u, 0, AT, ram, BAR_PAGES);
	off(&s);
	unified_expect_mapped(u, 0, AT, ram, BAR_PAGES);
	KUNIT_EXPECT_EQ(test, unified_clear(u), BAR_PAGES);
	scene_finish(test, &s);
}

/* Parts of superpages are unmapped meanwhile: the rest comes back in pages. */
static void mmio_parts_return(struct kunit *test)
{
	struct scene s = scene_create(test, 3 * SUPER);
	struct unified *u = s.u;

	off(&s);
	KUNIT_EXPECT_EQ(test, 0, unified_do(u, make_unmap(AT + PAGES(10), 5)));
	KUNIT_EXPECT_EQ(test, u->batch.unmapped, PAGES(5));
	KUNIT_EXPECT_EQ(test, 0,
			unified_do(u, make_unmap(AT + PAGES(SUPER + 1),
						 SUPER)));
	/* With pages of 64K it was more than one piece from the start. */
	if (PAGES(4 * SUPER) <= SZ_64M)
		KUNIT_EXPECT_EQ(test, u->space.nr_mmio, 3);
	on_without_tables(&s);
	expect_bar(&s, 0, 0, 10);
	expect_hole(&s, 0, 10, 5);
	expect_bar(&s, 0, 15, SUPER - 15 + 1);
	expect_hole(&s, 0, SUPER + 1, SUPER);
	expect_bar(&s, 0, 2 * SUPER + 1, SUPER - 1);
	/* The same while it is there. */
	KUNIT_EXPECT_EQ(test, 0, unified_do(u, make_unmap(AT + PAGES(20), 2)));
	off(&s);
	expect_hole(&s, 0, 0, 3 * SUPER);
	on_without_tables(&s);
	expect_bar(&s, 0, 15, 5);
	expect_hole(&s, 0, 20, 2);
	expect_bar(&s, 0, 22, SUPER - 22 + 1);
	KUNIT_EXPECT_EQ(test, unified_clear(u), 2 * SUPER - 7);
	scene_finish(test, &s);
}

/* A superpage goes and comes between the two halves of an unmap of its middle. */
static void mmio_returns_within_unmap(struct kunit *test)
{
	u64 start = AT + PAGES(100), last = AT + PAGES(104) - 1, unmapped;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		struct scene s = scene_create(test, 2 * SUPER);
		struct sluice_space *space = &s.u->space;

		if (i == 1)
			off(&s);
		down_read(&space->lock);
		KUNIT_ASSERT_EQ(test, 0, sluice_mmio_cut(space, start, last));
		if (i != 1)
			off(&s);
		on(&s);
		if (i == 2)
			off(&s);
		unmapped = 0;
		KUNIT_EXPECT_EQ(test, 0,
				sluice_mmio_unmap_range(space, start, last,
							&unmapped));
		up_read(&space->lock);
		KUNIT_EXPECT_EQ(test, unmapped, PAGES(4));
		on(&s);
		expect_bar(&s, 0, 0, 100);
		expect_hole(&s, 0, 100, 4);
		expect_bar(&s, 0, 104, 2 * SUPER - 104);
		scene_finish(test, &s);
	}
}

/* Tables wait for it, and for nothing else. */
static void mmio_survives_reclaim(struct kunit *test)
{
	struct scene s = scene_create(test, BAR_PAGES);
	struct unified *u = s.u;
	unsigned int tables;

	KUNIT_ASSERT_EQ(test, 0, unified_attach(u, 2));
	/* Two tables below the root, or more, of which one will be empty. */
	KUNIT_ASSERT_EQ(test, 0,
			unified_do(u, make_map(WIN + WIN_SIZE / 2,
					       unified_memory(u, 1), 1, RW)));
	off(&s);
	KUNIT_EXPECT_EQ(test, 0,
			unified_do(u, make_unmap(WIN + WIN_SIZE / 2, 1)));
	tables = atomic_read(&u->hw->tables);
	KUNIT_EXPECT_TRUE(test, sluice_space_reclaim(&u->space));
	KUNIT_EXPECT_LT(test, atomic_read(&u->hw->tables), tables);
	tables = atomic_read(&u->hw->tables);
	on_without_tables(&s);
	expect_bar(&s, 0, 0, BAR_PAGES);
	expect_bar(&s, 2, 0, BAR_PAGES);
	KUNIT_EXPECT_EQ(test, atomic_read(&u->hw->tables), tables);
	off(&s);
	KUNIT_EXPECT_EQ(test, unified_clear(u), BAR_PAGES);
	KUNIT_EXPECT_TRUE(test, sluice_space_reclaim(&u->space));
	/* A root for each domain. */
	KUNIT_EXPECT_EQ(test, atomic_read(&u->hw->tables), 2);
	scene_finish(test, &s);
}

/* A group that joins meanwhile has the tables, too. */
static void mmio_domain_joins(struct kunit *test)
{
	struct scene s = scene_create(test, SUPER + BAR_PAGES);
	struct unified *u = s.u;

	off(&s);
	KUNIT_ASSERT_EQ(test, 0, unified_attach(u, 2));
	expect_hole(&s, 2, 0, SUPER + BAR_PAGES);
	on_without_tables(&s);
	expect_bar(&s, 0, 0, SUPER + BAR_PAGES);
	expect_bar(&s, 2, 0, SUPER + BAR_PAGES);
	/* The first one leaves, and all comes from the other. */
	off(&s);
	unified_detach(u, 0);
	on_without_tables(&s);
	expect_bar(&s, 2, 0, SUPER + BAR_PAGES);
	KUNIT_ASSERT_EQ(test, 0, unified_attach(u, 0));
	expect_bar(&s, 0, 0, SUPER + BAR_PAGES);
	KUNIT_EXPECT_EQ(test, unified_clear(u), SUPER + BAR_PAGES);
	scene_finish(test, &s);
}

/* Its address is asked again. Where that takes other tables, they come late. */
static void mmio_moves(struct kunit *test)
{
	struct scene s = scene_create(test, SUPER);

	off(&s);
	s.peer->phys += PAGES(64 * SUPER);
	on_without_tables(&s);
	expect_bar(&s, 0, 0, SUPER);
	/* No superpages any more. */
	off(&s);
	s.peer->phys += PAGES(3);
	on(&s);
	KUNIT_ASSERT_TRUE(test, comes_back(&s, 0));
	expect_bar(&s, 0, 0, SUPER);
	/* Superpages would do again; tables that are there stay. */
	off(&s);
	s.peer->phys = BAR_PHYS;
	on_without_tables(&s);
	expect_bar(&s, 0, 0, SUPER);
	/* There is less of it: not a part of what is mapped at a time. */
	off(&s);
	s.peer->npages = SUPER / 2;
	on(&s);
	expect_hole(&s, 0, 0, SUPER);
	off(&s);
	s.peer->npages = SUPER;
	on_without_tables(&s);
	expect_bar(&s, 0, 0, SUPER);
	KUNIT_EXPECT_EQ(test, unified_clear(s.u), SUPER);
	scene_finish(test, &s);
}

/* The device's memory once more, at an address that is a multiple of a superpage. */
static unsigned long aligned_memory(struct scene *s)
{
	struct file *file = fget(s->peer->fd);
	unsigned long area, addr;

	KUNIT_ASSERT_NOT_NULL(s->u->test, file);
	area = kunit_vm_mmap(s->u->test, NULL, 0, PAGES(2 * SUPER), PROT_NONE,
			     MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_FALSE(s->u->test, IS_ERR_VALUE(area));
	addr = vm_mmap(file, ALIGN(area, PAGES(SUPER)), PAGES(SUPER), PROT,
		       MAP_SHARED | MAP_FIXED, 0);
	fput(file);
	KUNIT_ASSERT_FALSE(s->u->test, IS_ERR_VALUE(addr));
	return addr;
}

/* Nothing the window's pages can't be. */
static void mmio_moves_askew(struct kunit *test)
{
	struct scene s = scene_create(test, SUPER);
	unsigned long addr = aligned_memory(&s);
	struct unified *u = s.u;
	u64 win = WIN + WIN_SIZE;

	KUNIT_ASSERT_EQ(test, 0, unified_window(u, win, PAGES(SUPER),
						fake_lg2(1)));
	KUNIT_ASSERT_EQ(test, 0, unified_do(u, make_map(win, addr, SUPER, RW)));
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(addr, PAGES(SUPER)));
	off(&s);
	s.peer->phys += PAGES(1);
	on(&s);
	KUNIT_ASSERT_TRUE(test, comes_back(&s, 0));
	msleep(20);
	unified_expect_hole(u, 0, win, SUPER);
	off(&s);
	s.peer->phys = BAR_PHYS;
	on(&s);
	unified_expect_phys(u, 0, win, PHYS_PFN(BAR_PHYS), SUPER);
	scene_finish(test, &s);
}

/* Not even the second try has memory: there is a message, and a next time. */
static void mmio_no_memory(struct kunit *test)
{
	struct scene s = scene_create(test, SUPER);
	struct unified *u = s.u;
	unsigned int ms;

	KUNIT_ASSERT_EQ(test, 0, unified_attach(u, 2));
	off(&s);
	s.peer->phys += PAGES(1);
	/* Of the second domain: what the first one has by then goes. */
	atomic_set(&u->hw->fail_alloc, 2);
	on(&s);
	for (ms = 0; ms < LATE_MS && atomic_read(&u->hw->fail_alloc); ms++)
		fsleep(USEC_PER_MSEC);
	KUNIT_EXPECT_EQ(test, atomic_read(&u->hw->fail_alloc), 0);
	msleep(20);
	expect_hole(&s, 0, 0, SUPER);
	expect_hole(&s, 2, 0, SUPER);
	KUNIT_EXPECT_EQ(test, -EEXIST,
			unified_do(u, make_map(AT, s.addr, 1, RW)));
	off(&s);
	on(&s);
	KUNIT_EXPECT_TRUE(test, comes_back(&s, 2));
	expect_bar(&s, 0, 0, SUPER);
	expect_bar(&s, 2, 0, SUPER);
	KUNIT_EXPECT_EQ(test, unified_clear(u), SUPER);
	scene_finish(test, &s);
}

/* The work item comes too late: never after a revocation, an unmap, or a close. */
static void mmio_late_is_too_late(struct kunit *test)
{
	unsigned int i, k;

	for (i = 0; i < 12; i++) {
		struct scene s = scene_create(test, SUPER);
		struct unified *u = s.u;
		bool closed = i % 3 == 2;

		off(&s);
		/* A table is missing. */
		s.peer->phys += PAGES(1);
		on(&s);
		if (i % 3 == 0)
			off(&s);
		else if (i % 3 == 1)
			KUNIT_EXPECT_EQ(test, unified_clear(u), SUPER);
		else
			peer_destroy(test, s.peer, s.addr, s.npages);
		for (k = 0; k < 5; k++) {
			expect_hole(&s, 0, 0, SUPER);
			fsleep(USEC_PER_MSEC);
		}
		unified_finish(u);
		if (!closed)
			peer_destroy(test, s.peer, s.addr, s.npages);
	}
}

/* A cut that fails leaves one record, not parts that lack tables. */
static void mmio_cut_fails(struct kunit *test)
{
	struct scene s = scene_create(test, SUPER);
	u64 start = AT + PAGES(5);
	struct unified *u = s.u;

	off(&s);
	atomic_set(&u->hw->fail_alloc, 1);
	down_read(&u->space.lock);
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			sluice_mmio_cut(&u->space, start,
					start + PAGES(3) - 1));
	up_read(&u->space.lock);
	KUNIT_EXPECT_EQ(test, atomic_read(&u->hw->fail_alloc), 0);
	KUNIT_EXPECT_EQ(test, u->space.nr_mmio, 1);
	on_without_tables(&s);
	expect_bar(&s, 0, 0, SUPER);
	KUNIT_EXPECT_EQ(test, unified_clear(u), SUPER);
	scene_finish(test, &s);
}

/* The last close: the range is free, and stays so. */
static void mmio_closed(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		struct scene s = scene_create(test, BAR_PAGES);
		struct unified *u = s.u;
		unsigned long ram = unified_memory(u, 1);

		if (i)
			off(&s);
		peer_destroy(test, s.peer, s.addr, s.npages);
		expect_hole(&s, 0, 0, BAR_PAGES);
		KUNIT_EXPECT_EQ(test, u->space.nr_mmio, 0);
		on(&s);
		expect_hole(&s, 0, 0, BAR_PAGES);
		KUNIT_EXPECT_EQ(test, 0,
				unified_do(u, make_map(AT, ram, 1, RW)));
		KUNIT_EXPECT_EQ(test, unified_clear(u), 1);
		unified_finish(u);
	}
}

/* An error has been noticed, whose revocation waits for the lock. */
static void mmio_frozen(struct kunit *test)
{
	struct scene s = scene_create(test, BAR_PAGES);

	off(&s);
	s.peer->frozen = true;
	on(&s);
	fsleep(5 * USEC_PER_MSEC);
	expect_hole(&s, 0, 0, BAR_PAGES);
	KUNIT_EXPECT_EQ(test, -EFAULT,
			unified_do(s.u, make_map(WIN, s.addr, 1, RW)));
	off(&s);
	s.peer->frozen = false;
	on(&s);
	expect_bar(&s, 0, 0, BAR_PAGES);
	scene_finish(test, &s);
}

/* Hardware that has died is given nothing any more. */
static void mmio_dead(struct kunit *test)
{
	struct scene s = scene_create(test, BAR_PAGES);
	struct unified *u = s.u;
	unsigned int maps;

	u->hw->flush_error = -EIO;
	off(&s);
	maps = atomic_read(&u->hw->maps);
	on(&s);
	fsleep(5 * USEC_PER_MSEC);
	KUNIT_EXPECT_EQ(test, atomic_read(&u->hw->maps), maps);
	unified_detach(u, 0);
	off(&s);
	on(&s);
	KUNIT_EXPECT_EQ(test, atomic_read(&u->hw->maps), maps);
	scene_finish(test, &s);
}

/* ---- All at once ---- */

/**
 * struct race - what the threads share
 * @s: the scene
 * @mm: the owner's address space
 * @ram: a page of memory
 * @args: room for the mapper's arguments
 * @stop: the time is over
 */
struct race {
	struct scene *s;
	struct mm_struct *mm;
	unsigned long ram;
	unsigned long args;
	bool stop;
};

static int keep_toggling(struct race *race)
{
	while (!READ_ONCE(race->stop)) {
		off(race->s);
		/* Elsewhere, by less than a superpage: tables are missing. */
		race->s->peer->phys ^= PAGES(1);
		on(race->s);
		cond_resched();
	}
	return 0;
}

/* Parts go, and all is mapped anew. */
static int keep_mapping(struct race *race)
{
	struct unified *u = race->s->u;
	struct sluice_dma_batch batch;
	struct sluice_dma_op op;
	unsigned int round = 0;
	int ret = 0;

	kthread_use_mm(race->mm);
	while (!ret && !READ_ONCE(race->stop)) {
		op = make_unmap(AT + PAGES(5 * (round++ % 97)), 3);
		ret = unified_batch_at(u, race->args, &op, 1, 0, &batch);
		op = make_map(AT - PAGES(1), race->ram, 1, RW);
		ret = ret ?: unified_batch_at(u, race->args, &op, 1, 0, &batch);
		op = make_unmap_all();
		if (!ret && round % 4)
			op = make_unmap(AT - PAGES(1), 1);
		ret = ret ?: unified_batch_at(u, race->args, &op, 1, 0, &batch);
		op = make_map(AT, race->s->addr, 2 * SUPER, RW);
		ret = ret ?: unified_batch_at(u, race->args, &op, 1, 0, &batch);
		/* It may be off. */
		if (ret == -EFAULT || ret == -EEXIST)
			ret = 0;
		cond_resched();
	}
	kthread_unuse_mm(race->mm);
	return ret;
}

static int keep_coming(struct race *race)
{
	struct unified *u = race->s->u;
	int ret = 0;

	while (!ret && !READ_ONCE(race->stop)) {
		ret = unified_attach(u, 2);
		if (!ret)
			unified_detach(u, 2);
		sluice_space_reclaim(&u->space);
		fsleep(USEC_PER_MSEC);
	}
	return ret;
}

static int wait_a_while(struct race *race)
{
	msleep(400);
	WRITE_ONCE(race->stop, true);
	return 0;
}

static int run_race(struct test_thread *self)
{
	static int (*const fns[])(struct race *race) = {
		keep_toggling, keep_mapping, keep_coming, wait_a_while,
	};

	return fns[self->nr](self->arg);
}

static void mmio_race(struct kunit *test)
{
	struct scene s = scene_create(test, 2 * SUPER);
	struct race race = {
		.s = &s,
		.mm = current->mm,
		.ram = unified_memory(s.u, 1),
		.args = unified_args(s.u),
	};

	/* With room for what it may have moved by. */
	s.peer->npages++;
	test_threads_run(test, 4, run_race, &race);
	off(&s);
	fsleep(5 * USEC_PER_MSEC);
	expect_hole(&s, 0, 0, 2 * SUPER);
	unified_clear(s.u);
	on(&s);
	KUNIT_ASSERT_EQ(test, 0,
			unified_do(s.u, make_map(AT, s.addr, 2 * SUPER, RW)));
	expect_bar(&s, 0, 0, 2 * SUPER);
	KUNIT_EXPECT_EQ(test, unified_clear(s.u), 2 * SUPER);
	KUNIT_EXPECT_EQ(test, s.u->space.nr_mmio, 0);
	scene_finish(test, &s);
}

static int take_away(struct test_thread *self)
{
	struct peer *peer = self->arg;

	wait_for_completion(&peer->go_on);
	sluice_device_take_back(&peer->sdev, true);
	return 0;
}

/*
 * Whoever takes it away is in line for the lock. If it is taken before he wakes up, he is
 * handed it the next time, at the latest.
 */
static void let_taker_in(struct peer *peer)
{
	unsigned int *calls = peer->data;

	/* Each piece is looked for twice. */
	if (++*calls == 4)
		complete(&peer->go_on);
	if (*calls >= 4)
		fsleep(10 * USEC_PER_MSEC);
}

/* It's mapped piece by piece when it is taken away: none is left, nor touched again. */
static void mmio_taken_away(struct kunit *test)
{
	unsigned long addr, npages = 6 * (SZ_64M >> PAGE_SHIFT);
	struct unified *u = unified_ready(test);
	struct peer *peer = peer_create(test);
	struct test_thread taker;
	unsigned int calls = 0;

	peer->npages = npages;
	addr = peer_memory(test, peer, PROT, npages);
	peer->gone = true;
	peer->data = &calls;
	peer->on_phys = let_taker_in;
	KUNIT_EXPECT_TRUE(test, sluice_group_hide(&peer->sdev));
	test_thread_start(test, &taker, take_away, peer, 0);
	KUNIT_EXPECT_EQ(test, -EFAULT,
			unified_do(u, make_map(AT, addr, npages, RW)));
	KUNIT_EXPECT_GE(test, calls, 4);
	KUNIT_EXPECT_EQ(test, 0, test_thread_join(test, &taker));
	KUNIT_EXPECT_EQ(test, 0, peer->sdev.nr_mmio);
	KUNIT_EXPECT_EQ(test, 0, u->space.nr_mmio);
	unified_expect_hole(u, 0, AT, npages);
	unified_finish(u);
	peer_destroy(test, peer, addr, npages);
}

static struct kunit_case unified_mmio_cases[] = {
	KUNIT_CASE(mmio_is_taken),
	KUNIT_CASE(mmio_rights_return),
	KUNIT_CASE(mmio_unmapped_meanwhile),
	KUNIT_CASE(mmio_parts_return),
	KUNIT_CASE(mmio_returns_within_unmap),
	KUNIT_CASE(mmio_survives_reclaim),
	KUNIT_CASE(mmio_domain_joins),
	KUNIT_CASE(mmio_moves),
	KUNIT_CASE(mmio_moves_askew),
	KUNIT_CASE(mmio_no_memory),
	KUNIT_CASE(mmio_late_is_too_late),
	KUNIT_CASE(mmio_cut_fails),
	KUNIT_CASE(mmio_closed),
	KUNIT_CASE(mmio_frozen),
	KUNIT_CASE(mmio_dead),
	KUNIT_CASE(mmio_race),
	KUNIT_CASE(mmio_taken_away),
	{}
};

static struct kunit_suite unified_mmio_suite = {
	.name = "sluice_unified_mmio",
	.suite_init = fake_suite_init,
	.suite_exit = fake_suite_exit,
	.test_cases = unified_mmio_cases,
};

kunit_test_suite(unified_mmio_suite);
