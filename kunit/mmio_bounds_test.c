// SPDX-License-Identifier: GPL-2.0-only
/*
 * Peer-to-peer maps of one user, and how long the lock that all users share is held
 * for them: there are limits, and much is done piece by piece.
 *
 * The device is pretended, peer.c.
 */
#include <linux/delay.h>
#include <linux/mman.h>
#include <linux/sizes.h>

#include "legacy_fixture.h"
#include "peer.h"
#include "threads.h"

#define IOVA 0x40000000ULL
#define PIECE ((u64)SZ_64M >> PAGE_SHIFT)
/* Maps of a space, or of a device. */
#define MOST 4096
/* Revoked at a time. */
#define FEW 128
#define PROT (PROT_READ | PROT_WRITE)

static const struct legacy_param params[] = {
	{ "full", SLUICE_SPACE_TYPE1V2, false },
	{ "bare", SLUICE_SPACE_TYPE1V2, true },
};

KUNIT_ARRAY_PARAM_DESC(bounds, params, name);

/* What comes back late without prepare is another matter. */
static const struct legacy_param full_params[] = {
	{ "full", SLUICE_SPACE_TYPE1V2, false },
};

KUNIT_ARRAY_PARAM_DESC(full, full_params, name);

/* Maps @npages of a device's memory. */
static struct peer *map_peer(struct legacy *l, unsigned long npages,
			     unsigned long *addr, int expect)
{
	struct peer *peer = peer_create(l->test);

	peer->npages = npages;
	*addr = peer_memory(l->test, peer, PROT, npages);
	KUNIT_ASSERT_EQ(l->test, expect,
			legacy_map(l, IOVA + PAGES(3), *addr, npages, RW));
	return peer;
}

/* Around the ends of pieces, where @npages of memory are mapped. */
static void expect_ends(struct legacy *l, struct peer *peer,
			unsigned int group, u64 npages, bool mapped)
{
	u64 end, page;

	for (end = 0; end <= 2 * PIECE; end += PIECE) {
		for (page = end ? end - 5 : 0; page < min(end + 5, npages);
		     page++) {
			phys_addr_t phys = 0;

			KUNIT_EXPECT_EQ(l->test, mapped ? 0 : -EFAULT,
					fake_translate(l->fg[group],
						       IOVA + PAGES(3 + page),
						       true, &phys));
			if (mapped)
				KUNIT_EXPECT_EQ(l->test, (u64)phys,
						peer->phys + PAGES(page));
		}
	}
	KUNIT_EXPECT_EQ(l->test, -EFAULT,
			fake_translate(l->fg[group],
				       IOVA + PAGES(3 + npages), true,
				       &(phys_addr_t){ 0 }));
}

/**
 * struct maps - what the backend was asked to map
 * @most: pages of the largest map
 */
struct maps {
	u64 most;
};

static void note(void *data, const struct sluice_domain *domain,
		 const struct sluice_extent *extents, size_t nr,
		 unsigned int prot)
{
	struct maps *maps = data;
	u64 bytes = extents[nr - 1].iova + extents[nr - 1].len -
		    extents[0].iova;

	maps->most = max(maps->most, bytes >> PAGE_SHIFT);
}

/* However much is mapped at once: each piece by itself, there and back. */
static void bounds_pieces(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long npages = 2 * PIECE + 5, addr;
	struct maps maps = {};
	struct peer *peer;

	l->hw->on_map_data = &maps;
	l->hw->on_map = note;
	peer = map_peer(l, npages, &addr, 0);
	/* The first piece ends where a superpage could begin. */
	KUNIT_EXPECT_EQ(test, l->space.nr_mmio, 3);
	expect_ends(l, peer, 0, npages, true);
	KUNIT_ASSERT_EQ(test, 0, legacy_attach(l, 2));
	expect_ends(l, peer, 2, npages, true);

	sluice_device_mmio_revoke(&peer->sdev);
	expect_ends(l, peer, 0, npages, false);
	expect_ends(l, peer, 2, npages, false);
	peer->phys += PAGES(1UL << 20);
	sluice_device_mmio_enable(&peer->sdev);
	expect_ends(l, peer, 0, npages, true);
	expect_ends(l, peer, 2, npages, true);
	KUNIT_EXPECT_EQ(test, maps.most, PIECE);

	/* For the user it is one mapping. */
	KUNIT_EXPECT_EQ(test, npages,
			legacy_unmap_pages(l, IOVA, 4 * PIECE));
	expect_ends(l, peer, 0, npages, false);
	KUNIT_EXPECT_EQ(test, l->space.nr_mmio, 0);
	legacy_finish(l);
	peer_destroy(test, peer, addr, npages);
}

/* A later piece fails: nothing is left of those before it. */
static void bounds_piece_fails(struct kunit *test)
{
	struct legacy *l = legacy_create(test);
	unsigned long npages = 2 * PIECE, addr;
	struct peer *peer;

	atomic_set(&l->hw->fail_map, PIECE + 10);
	peer = map_peer(l, npages, &addr, -ENOMEM);
	KUNIT_EXPECT_EQ(test, atomic_read(&l->hw->fail_map), 0);
	KUNIT_EXPECT_EQ(test, l->space.nr_mmio, 0);
	KUNIT_EXPECT_EQ(test, peer->sdev.nr_mmio, 0);
	expect_ends(l, peer, 0, npages, false);
	KUNIT_EXPECT_TRUE(test, legacy_empty(l));
	legacy_finish(l);
	peer_destroy(test, peer, addr, npages);
}

static int map_page(struct legacy *l, unsigned long addr, unsigned int nr)
{
	return legacy_map(l, IOVA + PAGES(2 * nr), addr, 1, RW);
}

/* So many of a space and of a device, no more; few are revoked with one flush. */
static void bounds_number(struct kunit *test)
{
	struct legacy *l = legacy_create(test), *other = legacy_create(test);
	struct peer *peer = peer_create(test), *second = peer_create(test);
	unsigned long addr = peer_memory(test, peer, PROT, 1);
	unsigned long more = peer_memory(test, second, PROT, 1);
	unsigned int i;
	int flushes;

	for (i = 0; i < MOST; i++)
		KUNIT_ASSERT_EQ(test, 0, map_page(l, addr, i));
	KUNIT_EXPECT_EQ(test, -ENOSPC, map_page(l, addr, MOST));
	KUNIT_EXPECT_EQ(test, -ENOSPC, map_page(l, more, MOST));
	KUNIT_EXPECT_EQ(test, -ENOSPC, map_page(other, addr, 0));
	KUNIT_EXPECT_EQ(test, 0, map_page(other, more, 0));
	KUNIT_EXPECT_EQ(test, 1,
			legacy_unmap_pages(l, IOVA + PAGES(2 * 77), 1));
	KUNIT_EXPECT_EQ(test, 0, map_page(l, more, 77));
	KUNIT_EXPECT_EQ(test, -ENOSPC, map_page(l, addr, MOST));
	KUNIT_EXPECT_EQ(test, 0, map_page(other, addr, 1));

	flushes = atomic_read(&l->hw->flushes);
	sluice_device_mmio_revoke(&peer->sdev);
	KUNIT_EXPECT_EQ(test, atomic_read(&l->hw->flushes) - flushes,
			MOST / FEW);
	legacy_expect_hole(l, 0, IOVA, 2 * 77);
	legacy_expect_hole(l, 0, IOVA + PAGES(2 * 78), 2 * (MOST - 78));
	KUNIT_EXPECT_EQ(test, 0,
			fake_translate(l->fg[0], IOVA + PAGES(2 * 77), true,
				       &(phys_addr_t){ 0 }));
	KUNIT_EXPECT_EQ(test, peer->sdev.nr_mmio, MOST);

	peer_destroy(test, peer, addr, 1);
	KUNIT_EXPECT_EQ(test, peer->sdev.nr_mmio, 0);
	/* What is left of them is no device memory any more. */
	KUNIT_EXPECT_EQ(test, l->space.nr_mmio, 1);
	KUNIT_EXPECT_EQ(test, MOST,
			legacy_unmap_pages(l, IOVA, 2 * MOST));
	peer_destroy(test, second, more, 1);
	legacy_finish(other);
	legacy_finish(l);
}

/* ---- A group comes while memory goes and returns ---- */

#define RACE_MAPS 24

/**
 * struct race - the two of them
 * @l: the space
 * @peer: the device
 * @stop: the thread shall end
 * @met: how often memory came back to a space whose new domain was being filled
 */
struct race {
	struct legacy *l;
	struct peer *peer;
	bool stop;
	atomic_t met;
};

/* Slow: whoever waits for the lock has it next. */
static void note_race(void *data, const struct sluice_domain *domain,
		      const struct sluice_extent *extents, size_t nr,
		      unsigned int prot)
{
	struct race *race = data;
	struct sluice_space *space = &race->l->space;

	if (space->filling && space->filling != domain)
		atomic_inc(&race->met);
	fsleep(2 * USEC_PER_MSEC);
}

static int off_and_on(struct test_thread *self)
{
	struct race *race = self->arg;

	while (!READ_ONCE(race->stop)) {
		sluice_device_mmio_revoke(&race->peer->sdev);
		sluice_device_mmio_enable(&race->peer->sdev);
	}
	return 0;
}

static void expect_all(struct race *race, unsigned int group, bool mapped)
{
	unsigned int i;

	for (i = 0; i < RACE_MAPS; i++) {
		phys_addr_t phys;

		KUNIT_EXPECT_EQ(race->l->test, mapped ? 0 : -EFAULT,
				fake_translate(race->l->fg[group],
					       IOVA + PAGES(2 * i), true,
					       &phys));
	}
}

static void bounds_fill_meets_return(struct kunit *test)
{
	struct race race = { .l = legacy_create(test) };
	struct test_thread thread = {};
	unsigned long addr;
	unsigned int i;

	race.peer = peer_create(test);
	addr = peer_memory(test, race.peer, PROT, 1);
	for (i = 0; i < RACE_MAPS; i++)
		KUNIT_ASSERT_EQ(test, 0, map_page(race.l, addr, i));
	race.l->hw->on_map_data = &race;
	race.l->hw->on_map = note_race;
	for (i = 0; i < 100 && atomic_read(&race.met) < RACE_MAPS; i++) {
		race.stop = false;
		test_thread_start(test, &thread, off_and_on, &race, 0);
		KUNIT_EXPECT_EQ(test, 0, legacy_attach(race.l, 2));
		WRITE_ONCE(race.stop, true);
		KUNIT_EXPECT_EQ(test, 0, test_thread_join(test, &thread));
		expect_all(&race, 0, true);
		expect_all(&race, 2, true);
		sluice_device_mmio_revoke(&race.peer->sdev);
		expect_all(&race, 0, false);
		expect_all(&race, 2, false);
		sluice_device_mmio_enable(&race.peer->sdev);
		legacy_detach(race.l, 2);
	}
	race.l->hw->on_map = NULL;
	KUNIT_EXPECT_GT(test, atomic_read(&race.met), 0);
	legacy_finish(race.l);
	peer_destroy(test, race.peer, addr, 1);
}

static struct kunit_case bounds_cases[] = {
	KUNIT_CASE_PARAM(bounds_pieces, bounds_gen_params),
	KUNIT_CASE_PARAM(bounds_piece_fails, bounds_gen_params),
	KUNIT_CASE_PARAM(bounds_number, bounds_gen_params),
	KUNIT_CASE_PARAM(bounds_fill_meets_return, full_gen_params),
	{}
};

static struct kunit_suite bounds_suite = {
	.name = "sluice_mmio_bounds",
	.suite_init = fake_suite_init,
	.suite_exit = fake_suite_exit,
	.test_cases = bounds_cases,
};

kunit_test_suite(bounds_suite);
