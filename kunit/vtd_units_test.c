// SPDX-License-Identifier: GPL-2.0-only
/*
 * VT-d units: what is read from their capabilities, and what is written, in which
 * order, to bring them up, down and through a suspend.
 */
#include <linux/io.h>
#include <linux/sizes.h>

#include "vtd_hw.h"

/* ---- Capabilities ---- */

#define MGAW(bits)	((u64)((bits) - 1) << 16)
#define SAGAW(levels)	(BIT_ULL(levels) >> 2 << 8)
#define ALL_SIZES	(SZ_4K | SZ_2M | SZ_1G)

/**
 * struct golden - registers, and what they mean
 * @name: for the test's name
 * @cap: the register
 * @ecap: the register
 * @levels: see &struct vtd_unit
 * @bits: of IOVA
 * @pgsizes: see &struct sluice_caps
 * @max_am: see &struct vtd_unit
 * @nr_dids: the same
 * @frcd: the same
 * @nr_frcd: the same
 * @walk_coherent: the same
 * @flush_on_map: the same
 * @snoop: &sluice_caps.coherent
 */
struct golden {
	const char *name;
	u64 cap;
	u64 ecap;
	unsigned long levels;
	unsigned int bits;
	u64 pgsizes;
	unsigned int max_am;
	unsigned int nr_dids;
	unsigned int frcd;
	unsigned int nr_frcd;
	bool walk_coherent;
	bool flush_on_map;
	bool snoop;
};

static const struct golden goldens[] = {
	{ "qemu", 0x00d2008c222f0606, 0xf00f4a,
	  BIT(3) | BIT(4), 48, ALL_SIZES, 18, 65536, 0x220, 1 },
	{ "qemu-39", 0x00d2008c22260206, 0xf00f4a,
	  BIT(3), 39, ALL_SIZES, 18, 65536, 0x220, 1 },
	{ "qemu-caching", 0x00d2008c222f0686, 0xf00f4a,
	  BIT(3) | BIT(4), 48, ALL_SIZES, 18, 65536, 0x220, 1,
	  .flush_on_map = true },
	{ "qemu-snoop", 0x00d2008c222f0606, 0xf00fca,
	  BIT(3) | BIT(4), 48, ALL_SIZES, 18, 65536, 0x220, 1, .snoop = true },
	{ "coherent", 0x00d2008c222f0606, 0xf00f4b,
	  BIT(3) | BIT(4), 48, ALL_SIZES, 18, 65536, 0x220, 1,
	  .walk_coherent = true },
	{ "rwbf", 0x00d2008c222f0616, 0xf00f4a,
	  BIT(3) | BIT(4), 48, ALL_SIZES, 18, 65536, 0x220, 1,
	  .flush_on_map = true },
	/* FRO 0x40, NFR 7, ND 2, no PSI, 5 levels. */
	{ "57", 0x0000070c40380802, 0xf00f4b,
	  BIT(5), 57, ALL_SIZES, 0, 256, 0x400, 8, .walk_coherent = true },
	/* Wider than its tables, and narrower. */
	{ "wide", SAGAW(4) | MGAW(52), 2, BIT(4), 48, SZ_4K, 0, 16, 0, 1 },
	{ "narrow", SAGAW(4) | MGAW(46), 2, BIT(4), 46, SZ_4K, 0, 16, 0, 1 },
	/* An address mask without PSI means nothing. */
	{ "no-psi", SAGAW(3) | MGAW(39) | 9ULL << 48, 2,
	  BIT(3), 39, SZ_4K, 0, 16, 0, 1 },
	/* 1G pages alone couldn't be cut. */
	{ "1g-alone", SAGAW(3) | MGAW(39) | BIT_ULL(35), 2,
	  BIT(3), 39, SZ_4K, 0, 16, 0, 1 },
	{ "2m", SAGAW(3) | MGAW(39) | BIT_ULL(34), 2,
	  BIT(3), 39, SZ_4K | SZ_2M, 0, 16, 0, 1 },
	/* Depths that we don't know don't matter. */
	{ "odd-depths", 0x1f00 | MGAW(57), 2,
	  BIT(3) | BIT(4) | BIT(5), 57, SZ_4K, 0, 16, 0, 1 },
	/*
	 * A large page must be forgotten as a whole; where the mask can't say
	 * that, there are none.
	 */
	{ "mask-8", SAGAW(3) | MGAW(39) | BIT_ULL(34) | BIT_ULL(39) |
	  8ULL << 48, 2, BIT(3), 39, SZ_4K, 8, 16, 0, 1 },
	{ "mask-17", SAGAW(3) | MGAW(39) | BIT_ULL(34) | BIT_ULL(35) |
	  BIT_ULL(39) | 17ULL << 48, 2, BIT(3), 39, SZ_4K | SZ_2M, 17, 16, 0,
	  1 },
};

KUNIT_ARRAY_PARAM_DESC(golden, goldens, name);

static void decode(struct kunit *test)
{
	const struct golden *g = test->param_value;
	struct fake_vtd *hw = fake_vtd_plug(test, g->cap, g->ecap);
	const struct vtd_unit *unit = &hw->unit;
	const struct sluice_caps *caps = &unit->iommu.caps;
	u64 last = GENMASK_ULL(g->bits - 1, 0);

	KUNIT_ASSERT_EQ(test, 0, vtd_unit_init(&hw->unit));
	KUNIT_EXPECT_EQ(test, unit->cap, g->cap);
	KUNIT_EXPECT_EQ(test, unit->ecap, g->ecap);
	KUNIT_EXPECT_EQ(test, unit->levels, g->levels);
	KUNIT_EXPECT_EQ(test, vtd_unit_max_levels(unit), __fls(g->levels));
	KUNIT_EXPECT_EQ(test, unit->last, last);
	KUNIT_EXPECT_EQ(test, unit->max_am, g->max_am);
	KUNIT_EXPECT_EQ(test, unit->nr_dids, g->nr_dids);
	KUNIT_EXPECT_EQ(test, unit->frcd, g->frcd);
	KUNIT_EXPECT_EQ(test, unit->nr_frcd, g->nr_frcd);
	KUNIT_EXPECT_EQ(test, unit->walk_coherent, g->walk_coherent);
	KUNIT_EXPECT_EQ(test, unit->flush_on_map, g->flush_on_map);
	KUNIT_EXPECT_EQ(test, caps->pgsizes, g->pgsizes);
	KUNIT_EXPECT_EQ(test, caps->nr_apertures, 1);
	KUNIT_EXPECT_EQ(test, caps->apertures[0].start, 0);
	KUNIT_EXPECT_EQ(test, caps->apertures[0].last, last);
	KUNIT_EXPECT_EQ(test, caps->coherent, g->snoop);
	/* Nothing was written. */
	KUNIT_EXPECT_EQ(test, 0, hw->nr_events);
}

static void refused(struct kunit *test)
{
	static const struct {
		u64 cap, ecap;
	} bad[] = {
		{ FAKE_VTD_CAP, FAKE_VTD_ECAP & ~BIT_ULL(1) },	/* no queue */
		{ FAKE_VTD_CAP & ~GENMASK_ULL(12, 8), FAKE_VTD_ECAP },
		{ (FAKE_VTD_CAP & ~GENMASK_ULL(12, 8)) | SAGAW(2),
		  FAKE_VTD_ECAP },
		{ (FAKE_VTD_CAP & ~GENMASK_ULL(12, 8)) | SAGAW(6),
		  FAKE_VTD_ECAP },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct fake_vtd *hw = fake_vtd_plug(test, bad[i].cap,
						    bad[i].ecap);

		KUNIT_EXPECT_EQ(test, -ENODEV, vtd_unit_init(&hw->unit));
		KUNIT_EXPECT_EQ(test, 0, hw->nr_events);
		KUNIT_EXPECT_NULL(test, hw->unit.root);
	}
}

/* ---- Sequences ---- */

#define TE	BIT(31)
#define SRTP	BIT(30)
#define RTADDR	0x20
#define GCMD	0x18
#define PMEN	0x64

/* 6.5.2.1, 6.5.2.3: global ones; the IOTLB's with draining. */
#define CONTEXT_GLOBAL	0x11
#define IOTLB_GLOBAL	0xd2

/* From event @n on: the root table is set, then all is forgotten. */
static unsigned int expect_load(struct fake_vtd *hw, unsigned int n)
{
	fake_vtd_expect_event(hw, n++, FAKE_VTD_WRITE64, RTADDR,
			      virt_to_phys(hw->unit.root), 0);
	fake_vtd_expect_event(hw, n++, FAKE_VTD_SET, GCMD, SRTP, 0);
	fake_vtd_expect_event(hw, n++, FAKE_VTD_DESC, 0, CONTEXT_GLOBAL, 0);
	fake_vtd_expect_event(hw, n++, FAKE_VTD_DESC, 0, IOTLB_GLOBAL, 0);
	return n;
}

static void start(struct kunit *test)
{
	struct fake_vtd *hw = fake_vtd_plug(test, FAKE_VTD_CAP, FAKE_VTD_ECAP);
	phys_addr_t phys;
	unsigned int n;

	KUNIT_ASSERT_EQ(test, 0, vtd_unit_init(&hw->unit));
	KUNIT_ASSERT_EQ(test, 0, vtd_unit_load(&hw->unit));
	n = expect_load(hw, 0);
	KUNIT_EXPECT_EQ(test, n, hw->nr_events);
	KUNIT_EXPECT_EQ(test, 0, fake_vtd_translate(hw, 0x100, 0x5000, true,
						    &phys));
	KUNIT_ASSERT_EQ(test, 0, vtd_unit_enable(&hw->unit));
	fake_vtd_expect_event(hw, n++, FAKE_VTD_SET, GCMD, TE, 0);
	KUNIT_EXPECT_EQ(test, n, hw->nr_events);
	/* What nobody has attached is blocked. */
	KUNIT_EXPECT_EQ(test, -EFAULT, fake_vtd_translate(hw, 0x100, 0x5000,
							  true, &phys));
	KUNIT_ASSERT_EQ(test, 0, vtd_unit_disable(&hw->unit));
	fake_vtd_expect_event(hw, n++, FAKE_VTD_CLEAR, GCMD, TE, 0);
	KUNIT_EXPECT_EQ(test, n, hw->nr_events);
}

static void protected_memory(struct kunit *test)
{
	/* PLMR, PHMR */
	struct fake_vtd *hw = fake_vtd_create(test, FAKE_VTD_CAP | BIT_ULL(5) |
					      BIT_ULL(6), FAKE_VTD_ECAP);

	/* Off already. */
	KUNIT_EXPECT_EQ(test, 0, hw->nr_events);
	fake_vtd_set64(hw, 0x60, (u64)(BIT(31) | 1) << 32);
	KUNIT_ASSERT_EQ(test, 0, vtd_unit_enable(&hw->unit));
	fake_vtd_expect_event(hw, 0, FAKE_VTD_SET, GCMD, TE, 0);
	fake_vtd_expect_event(hw, 1, FAKE_VTD_WRITE32, PMEN, 1, 0);
	KUNIT_EXPECT_EQ(test, 0, fake_vtd_get64(hw, 0x60));

	/* A unit without it has no such register. */
	hw = fake_vtd_create(test, FAKE_VTD_CAP, FAKE_VTD_ECAP);
	fake_vtd_set64(hw, 0x60, (u64)(BIT(31) | 1) << 32);
	KUNIT_ASSERT_EQ(test, 0, vtd_unit_enable(&hw->unit));
	KUNIT_EXPECT_EQ(test, 1, hw->nr_events);
}

static void deaf(struct kunit *test)
{
	struct fake_vtd *hw = fake_vtd_plug(test, FAKE_VTD_CAP, FAKE_VTD_ECAP);

	KUNIT_ASSERT_EQ(test, 0, vtd_unit_init(&hw->unit));
	hw->deaf = true;
	KUNIT_EXPECT_EQ(test, -ETIMEDOUT, vtd_unit_load(&hw->unit));
	KUNIT_EXPECT_EQ(test, -ETIMEDOUT, vtd_unit_enable(&hw->unit));
	KUNIT_EXPECT_EQ(test, -ETIMEDOUT, vtd_unit_resume(&hw->unit));
	/* Whatever fails, translation isn't switched on with unknown tables. */
	KUNIT_EXPECT_EQ(test, 0, fake_vtd_get64(hw, GCMD));
	hw->deaf = false;
	hw->dies = 1;
	KUNIT_EXPECT_EQ(test, -EIO, vtd_unit_load(&hw->unit));
	KUNIT_EXPECT_TRUE(test, hw->unit.iommu.dead);
	fake_vtd_clear_events(hw);
	KUNIT_EXPECT_EQ(test, -EIO, vtd_unit_resume(&hw->unit));
	KUNIT_EXPECT_FALSE(test, fake_vtd_get64(hw, GCMD) >> 32 & TE);
}

static void suspend(struct kunit *test)
{
	struct fake_vtd *hw = fake_vtd_create(test, FAKE_VTD_CAP,
					      FAKE_VTD_ECAP);
	static const u16 rids[] = { 0x108 };
	struct fake_vtd_device *fd = fake_vtd_device_create(test, hw, rids, 1);
	phys_addr_t phys;
	unsigned int n;

	/* FECTL without its mask, FEDATA, FEADDR, FEUADDR. */
	fake_vtd_set64(hw, 0x38, 0x4021ULL << 32);
	fake_vtd_set64(hw, 0x40, 0x00000001fee01000);
	KUNIT_ASSERT_EQ(test, 0, vtd_device_pass_through(fd->device));
	fake_vtd_clear_events(hw);
	vtd_unit_suspend(&hw->unit);
	fake_vtd_expect_event(hw, 0, FAKE_VTD_CLEAR, GCMD, TE, 0);
	KUNIT_EXPECT_EQ(test, 1, hw->nr_events);

	/* Power is off for a while. */
	fake_vtd_set64(hw, 0x18, 0);
	fake_vtd_set64(hw, RTADDR, 0);
	fake_vtd_set64(hw, 0x38, BIT(31));
	fake_vtd_set64(hw, 0x40, 0);
	hw->root = 0;
	fake_vtd_clear_events(hw);
	KUNIT_ASSERT_EQ(test, 0, vtd_unit_resume(&hw->unit));
	/* The mask goes when all else is there. */
	fake_vtd_expect_event(hw, 0, FAKE_VTD_WRITE32, 0x44, 1, 0);
	fake_vtd_expect_event(hw, 1, FAKE_VTD_WRITE32, 0x40, 0xfee01000, 0);
	fake_vtd_expect_event(hw, 2, FAKE_VTD_WRITE32, 0x3c, 0x4021, 0);
	fake_vtd_expect_event(hw, 3, FAKE_VTD_WRITE32, 0x38, 0, 0);
	n = expect_load(hw, 4);
	fake_vtd_expect_event(hw, n++, FAKE_VTD_SET, GCMD, TE, 0);
	KUNIT_EXPECT_EQ(test, n, hw->nr_events);

	/* The tables are as before. */
	KUNIT_EXPECT_EQ(test, 0, fake_vtd_translate(hw, 0x108, 0x5000, true,
						    &phys));
	KUNIT_EXPECT_EQ(test, -EFAULT, fake_vtd_translate(hw, 0x110, 0x5000,
							  true, &phys));

	/* Whatever hardware remembers of the device, it reads once more. */
	KUNIT_EXPECT_NOT_NULL(test, xa_load(&hw->context, 0x108));
	vtd_device_tell_again(fd->device);
	KUNIT_EXPECT_NULL(test, xa_load(&hw->context, 0x108));
	vtd_device_block(fd->device);
	/* QEMU has to be told of a device that is blocked, too. */
	fake_vtd_clear_events(hw);
	vtd_device_tell_again(fd->device);
	KUNIT_EXPECT_EQ(test, 2, hw->nr_events);
	fake_vtd_check_idle(test);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(decode, golden_gen_params),
	KUNIT_CASE(refused),
	KUNIT_CASE(start),
	KUNIT_CASE(protected_memory),
	KUNIT_CASE(deaf),
	KUNIT_CASE(suspend),
	{}
};

static struct kunit_suite suite = {
	.name = "sluice_vtd_units",
	.test_cases = cases,
};

kunit_test_suite(suite);
