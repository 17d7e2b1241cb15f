// SPDX-License-Identifier: GPL-2.0-only
/*
 * Peer-to-peer in SPAPR spaces: device memory mapped by its address, and withdrawn.
 */
#include <linux/mman.h>
#include <linux/sizes.h>

#include "peer.h"
#include "spapr_fixture.h"

#define TCE SZ_4K
#define PROT (PROT_READ | PROT_WRITE)

struct version {
	const char *name;
	bool v2;
};

static const struct version versions[] = {
	{ "v1", false },
	{ "v2", true },
};

KUNIT_ARRAY_PARAM_DESC(version, versions, name);

/* A space that has been enabled, with a page of its own memory at *@ram. */
static struct spapr *create(struct kunit *test, unsigned long *ram)
{
	const struct version *version = test->param_value;
	struct spapr *s = spapr_create(test, version->v2);

	*ram = spapr_memory(s, PAGE_SIZE);
	KUNIT_ASSERT_EQ(test, 0,
			version->v2 ? spapr_register(s, *ram, PAGE_SIZE) :
				      sluice_spapr_ioctl(&s->space,
							 VFIO_IOMMU_ENABLE,
							 NULL));
	return s;
}

static void expect_bar(struct spapr *s, unsigned int group, u64 iova,
		       u64 offset, u64 size)
{
	u64 at;

	for (at = 0; at < size; at += TCE) {
		phys_addr_t phys = 0;

		KUNIT_EXPECT_EQ(s->test, 0,
				fake_win_translate(s->fg[group], iova + at,
						   true, &phys));
		KUNIT_EXPECT_EQ(s->test, (u64)phys, BAR_PHYS + offset + at);
	}
}

static void spapr_mmio_map_unmap(struct kunit *test)
{
	unsigned long ram, addr;
	struct spapr *s = create(test, &ram);
	struct peer *peer = peer_create(test);
	long locked = spapr_locked(s);

	addr = peer_memory(test, peer, PROT, BAR_PAGES);
	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, 0, addr, 4 * PAGE_SIZE, RW));
	expect_bar(s, 0, 0, 0, 4 * PAGE_SIZE);
	/* A part of a page of the CPU. */
	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, SZ_16M, addr + TCE, TCE, RW));
	expect_bar(s, 0, SZ_16M, TCE, TCE);
	KUNIT_EXPECT_EQ(test, spapr_locked(s), locked);

	/* Each replaces the other. */
	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, TCE, ram, TCE, RW));
	spapr_expect_mapped(s, 0, TCE, ram, TCE, true);
	expect_bar(s, 0, 0, 0, TCE);
	expect_bar(s, 0, 2 * TCE, 2 * TCE, 4 * PAGE_SIZE - 2 * TCE);
	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, TCE, addr + 8 * PAGE_SIZE, TCE,
					   RW));
	expect_bar(s, 0, TCE, 8 * PAGE_SIZE, TCE);

	KUNIT_ASSERT_EQ(test, 0, spapr_unmap(s, 0, SZ_16M));
	spapr_expect_hole(s, 0, 0, 4 * PAGE_SIZE);
	expect_bar(s, 0, SZ_16M, TCE, TCE);
	/* Nobody revokes what comes there later. */
	KUNIT_EXPECT_EQ(test, s->space.nr_mmio, 1);
	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, 0, ram, TCE, RW));
	sluice_device_mmio_revoke(&peer->sdev);
	spapr_expect_mapped(s, 0, 0, ram, TCE, true);
	spapr_expect_hole(s, 0, SZ_16M, TCE);
	sluice_device_mmio_enable(&peer->sdev);
	expect_bar(s, 0, SZ_16M, TCE, TCE);
	spapr_expect_mapped(s, 0, 0, ram, TCE, true);
	/* What is withdrawn is replaced like anything else. */
	sluice_device_mmio_revoke(&peer->sdev);
	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, SZ_16M, ram, TCE, RW));
	sluice_device_mmio_enable(&peer->sdev);
	spapr_expect_mapped(s, 0, SZ_16M, ram, TCE, true);
	KUNIT_EXPECT_EQ(test, s->space.nr_mmio, 0);
	/* A page of it. */
	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, SZ_16M, addr, TCE, RW));
	KUNIT_ASSERT_EQ(test, 0, spapr_unmap(s, SZ_16M, TCE));
	KUNIT_EXPECT_EQ(test, s->space.nr_mmio, 0);
	/* More than there is, behind the device's memory. */
	KUNIT_EXPECT_EQ(test, -EFAULT,
			spapr_map(s, 0, addr, (BAR_PAGES + 1) * PAGE_SIZE, RW));
	spapr_finish(s);
	peer_destroy(test, peer, addr, BAR_PAGES);
}

/* Another's memory takes the place of what is withdrawn, which doesn't come back. */
static void spapr_mmio_over_withdrawn(struct kunit *test)
{
	unsigned long ram, addr, more;
	struct spapr *s = create(test, &ram);
	struct peer *peer = peer_create(test), *other = peer_create(test);

	addr = peer_memory(test, peer, PROT, BAR_PAGES);
	more = peer_memory(test, other, PROT, BAR_PAGES);
	other->phys += SZ_1G;
	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, 0, addr, 4 * TCE, RW));
	sluice_device_mmio_revoke(&peer->sdev);
	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, TCE, more, TCE, RW));
	KUNIT_EXPECT_EQ(test, s->space.nr_mmio, 3);
	sluice_device_mmio_enable(&peer->sdev);
	expect_bar(s, 0, 0, 0, TCE);
	expect_bar(s, 0, TCE, SZ_1G, TCE);
	expect_bar(s, 0, 2 * TCE, 2 * TCE, 2 * TCE);
	sluice_device_mmio_revoke(&other->sdev);
	sluice_device_mmio_revoke(&peer->sdev);
	spapr_expect_hole(s, 0, 0, 4 * TCE);
	sluice_device_mmio_enable(&peer->sdev);
	spapr_expect_hole(s, 0, TCE, TCE);
	spapr_finish(s);
	peer_destroy(test, peer, addr, BAR_PAGES);
	peer_destroy(test, other, more, BAR_PAGES);
}

/* Gone from every domain when revoke returns; memory stays. */
static void spapr_mmio_revoke(struct kunit *test)
{
	unsigned long ram, addr;
	struct spapr *s = create(test, &ram);
	struct peer *peer = peer_create(test);

	addr = peer_memory(test, peer, PROT, BAR_PAGES);
	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, 0, addr, SZ_64K, RW));
	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, SZ_64K, ram, TCE, RW));
	/* A domain that comes later. */
	KUNIT_ASSERT_EQ(test, 0, spapr_attach_nr(s, 2));
	expect_bar(s, 0, 0, 0, SZ_64K);
	expect_bar(s, 2, 0, 0, SZ_64K);
	sluice_device_mmio_revoke(&peer->sdev);
	spapr_expect_hole(s, 0, 0, SZ_64K);
	spapr_expect_hole(s, 2, 0, SZ_64K);
	spapr_expect_mapped(s, 2, SZ_64K, ram, TCE, true);
	KUNIT_EXPECT_EQ(test, -EFAULT, spapr_map(s, 0, addr, TCE, RW));

	/* All of it comes back, but for what is unmapped by then. */
	KUNIT_ASSERT_EQ(test, 0, spapr_unmap(s, TCE, 2 * TCE));
	sluice_device_mmio_enable(&peer->sdev);
	expect_bar(s, 0, 0, 0, TCE);
	spapr_expect_hole(s, 2, TCE, 2 * TCE);
	expect_bar(s, 2, 3 * TCE, 3 * TCE, SZ_64K - 3 * TCE);
	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, 0, addr, SZ_64K, RW));
	/* A domain that goes. */
	spapr_detach_nr(s, 0);
	expect_bar(s, 2, 0, 0, SZ_64K);
	peer_destroy(test, peer, addr, BAR_PAGES);
	spapr_expect_hole(s, 2, 0, SZ_64K);
	spapr_finish(s);
}

/* With all that is mapped when the window, or the last group, goes. */
static void spapr_mmio_left(struct kunit *test)
{
	unsigned long ram, addr;
	struct spapr *s = create(test, &ram);
	struct peer *peer = peer_create(test);

	addr = peer_memory(test, peer, PROT, BAR_PAGES);
	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, 0, addr, SZ_64K, RW));
	if (s->space.spapr->v2) {
		KUNIT_ASSERT_EQ(test, 0, spapr_remove_window(s, 0));
		KUNIT_EXPECT_TRUE(test, list_empty(&peer->sdev.mmio_maps));
	}
	spapr_finish(s);
	KUNIT_EXPECT_TRUE(test, list_empty(&peer->sdev.mmio_maps));
	peer_destroy(test, peer, addr, BAR_PAGES);
}

static struct kunit_case spapr_mmio_cases[] = {
	KUNIT_CASE_PARAM(spapr_mmio_map_unmap, version_gen_params),
	KUNIT_CASE_PARAM(spapr_mmio_over_withdrawn, version_gen_params),
	KUNIT_CASE_PARAM(spapr_mmio_revoke, version_gen_params),
	KUNIT_CASE_PARAM(spapr_mmio_left, version_gen_params),
	{}
};

static struct kunit_suite spapr_mmio_suite = {
	.name = "sluice_spapr_mmio",
	.suite_init = fake_win_suite_init,
	.suite_exit = fake_win_suite_exit,
	.test_cases = spapr_mmio_cases,
};

kunit_test_suite(spapr_mmio_suite);
