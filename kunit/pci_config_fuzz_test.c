// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite of the virtual PCI configuration space (pci/config*.c) against
 * hostile users and malformed hardware: no write of any value anywhere changes
 * what the oracle doesn't allow, and no capability list is walked for ever.
 */
#include <linux/prandom.h>

#include "pci_config_fake.h"

/* Write everywhere, in every way. test_exit asks the oracle. */
static void fuzz(struct kunit *test, unsigned int rounds)
{
	struct fake *fake = test->priv;
	unsigned int pos, size;
	struct rnd_state rnd;

	prandom_seed_state(&rnd, 20250607);
	for (size = 1; size <= 4; size++) {
		for (pos = 0; pos <= fake->info.size - size; pos++) {
			vcfg_write(test, pos, size, ~0U);
			vcfg_write(test, pos, size, 0);
		}
	}
	while (rounds--) {
		size = 1 + prandom_u32_state(&rnd) % 4;
		pos = prandom_u32_state(&rnd) % (fake->info.size - size + 1);
		vcfg_write(test, pos, size, prandom_u32_state(&rnd));
		/* Most of what matters is at the beginning. */
		pos = prandom_u32_state(&rnd) % (0x250 - size + 1);
		if (pos + size <= fake->info.size)
			vcfg_write(test, pos, size, prandom_u32_state(&rnd));
	}
}

static void no_write_escapes(struct kunit *test)
{
	struct fake *fake = test->priv;

	pcifake_build(test);
	fuzz(test, 100000);
	/* It did reach what acts. */
	KUNIT_EXPECT_GT(test, fake->resets, 100U);
	KUNIT_EXPECT_GT(test, fake->powers, 100U);
	KUNIT_EXPECT_GT(test, fake->intx_calls, 100U);
	KUNIT_EXPECT_EQ(test, 0xfe000000U, hw_get(fake, PCI_BASE_ADDRESS_0));
}

/**
 * struct malformed - hardware that gets its lists wrong
 * @name: what is wrong
 * @spoil: does it
 * @shown: capabilities that are left to see
 */
struct malformed {
	const char *name;
	void (*spoil)(struct fake *fake);
	unsigned int shown;
};

/* Forget what the oracle says of @start to @end: nothing may be written. */
static void forbid(struct fake *fake, unsigned int start, unsigned int end)
{
	memset(fake->allowed + start, 0, end - start);
}

/* A list that is cut: only what it still reached may be written. */
static void forbid_gaps(struct fake *fake, bool ext)
{
	unsigned int i, start;

	for (i = 0; i < ARRAY_SIZE(pcifake_gaps); i++) {
		start = pcifake_gaps[i][0];
		/* A vendor's capability, not a gap. */
		if (start == VSEC + 4)
			continue;
		if (ext ? start >= 0x100 : start < 0x100)
			forbid(fake, start, pcifake_gaps[i][1]);
	}
}

static void spoil_loop(struct fake *fake)
{
	cap(fake, ODD, 0x55, PM);
	forbid_gaps(fake, false);
}

static void spoil_self(struct fake *fake)
{
	cap(fake, PM, PCI_CAP_ID_PM, PM);
	forbid(fake, PM + 8, 0x100);
}

static void spoil_into_header(struct fake *fake)
{
	cap(fake, PM, PCI_CAP_ID_PM, PCI_BASE_ADDRESS_0);
	forbid(fake, PM + 8, 0x100);
}

static void spoil_gone(struct fake *fake)
{
	cap(fake, MSI, 0xff, 0xff);
	forbid(fake, MSI, 0x100);
	forbid(fake, PM + 8, MSI);
}

static void spoil_vendor_length(struct fake *fake)
{
	cap(fake, PM, PCI_CAP_ID_VNDR, MSI);
	fake->hw[PM + 2] = 0xff;
	memset(fake->allowed + PM, 0xff, MSI - PM);
	memset(fake->w1c + PM, 0, MSI - PM);
	forbid(fake, PM, PM + 2);
}

static void spoil_overlap(struct fake *fake)
{
	/* A vendor's registers inside PCIe's, on top of DEVCTL. */
	cap(fake, ODD, PCI_CAP_ID_HT, EXP + 8);
	cap(fake, EXP + 8, PCI_CAP_ID_VNDR, 0);
	fake->hw[EXP + 10] = 8;
	fake->hw[ODD + 3] = 0x20;
	forbid(fake, EXP + 8, EXP + 16);
	memset(fake->allowed + ODD + 24, 0xff, 8);
}

static void spoil_late(struct fake *fake)
{
	/* VPD that starts in the last dword: no room for its data. */
	cap(fake, ODD, 0x55, 0xfc);
	cap(fake, VPD, PCI_CAP_ID_SSVID, VNDR);
	cap(fake, 0xfc, PCI_CAP_ID_VPD, 0);
}

static void spoil_twice(struct fake *fake)
{
	/* A second MSI-X, of which the host doesn't know. */
	cap(fake, VPD, PCI_CAP_ID_MSIX, ODD);
	forbid(fake, VNDR, ODD);
	memset(fake->allowed + VPD + 12, 0xff, ODD - VPD - 12);
}

static void spoil_ext_loop(struct fake *fake)
{
	ext_cap(fake, DSN, PCI_EXT_CAP_ID_DSN, AER);
	forbid_gaps(fake, true);
}

static void spoil_ext_low(struct fake *fake)
{
	ext_cap(fake, AER, PCI_EXT_CAP_ID_ERR, 0x80);
	forbid(fake, AER + 0x2c, PCI_CFG_SPACE_EXP_SIZE);
}

static void spoil_ext_gone(struct fake *fake)
{
	ext_cap(fake, AER, PCI_EXT_CAP_ID_ERR, 0xffc);
	hw32(fake, 0xffc, ~0U);
	forbid(fake, AER + 0x2c, PCI_CFG_SPACE_EXP_SIZE);
}

static void spoil_ext_end(struct fake *fake)
{
	/* Its registers would be beyond the end of the space. */
	ext_cap(fake, DSN, PCI_EXT_CAP_ID_DSN, 0xffc);
	ext_cap(fake, 0xffc, PCI_EXT_CAP_ID_REBAR, 0);
	forbid(fake, 0xffc, 0x1000);
}

static const struct malformed malformed[] = {
	{ "loop to the first", spoil_loop, 13 },
	{ "loop to itself", spoil_self, 7 },
	{ "pointer into the header", spoil_into_header, 7 },
	{ "no device behind pointer", spoil_gone, 7 },
	{ "vendor's length over all", spoil_vendor_length, 13 },
	{ "overlap", spoil_overlap, 14 },
	{ "registers beyond the end", spoil_late, 12 },
	{ "second of a kind", spoil_twice, 10 },
	{ "extended loop", spoil_ext_loop, 13 },
	{ "extended pointer too low", spoil_ext_low, 8 },
	{ "extended, no device", spoil_ext_gone, 8 },
	{ "extended beyond the end", spoil_ext_end, 13 },
};

KUNIT_ARRAY_PARAM_DESC(malformed, malformed, name);

static void malformed_is_contained(struct kunit *test)
{
	const struct malformed *param = test->param_value;
	struct fake *fake = test->priv;
	u16 found[64];

	param->spoil(fake);
	pcifake_build(test);
	KUNIT_EXPECT_EQ(test, param->shown,
			vcfg_lists(test, found, ARRAY_SIZE(found)));
	fuzz(test, 2000);
	vcfg_lists(test, found, ARRAY_SIZE(found));
}

/* Noise for hardware: any list whatever has to come to an end. */
static void noise_is_survived(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct rnd_state rnd;
	unsigned int round, i;
	u16 found[64];

	/* The oracle knows nothing of these devices, but of their headers. */
	memset(fake->allowed + 0x40, 0xff, sizeof(fake->allowed) - 0x40);
	memset(fake->w1c + 0x40, 0, sizeof(fake->w1c) - 0x40);
	prandom_seed_state(&rnd, 99);
	for (round = 0; round < 50; round++) {
		for (i = 0x40; i < sizeof(fake->hw); i++) {
			u32 random = prandom_u32_state(&rnd);

			/* Small numbers are known capabilities. */
			fake->hw[i] = random & 0x100 ? random & 0x1f : random;
		}
		for (i = 0x100; i < sizeof(fake->hw); i += 4)
			fake->hw[i + 1] = 0;
		pcifake_clear_log(fake);
		pcifake_build(test);
		vcfg_lists(test, found, ARRAY_SIZE(found));
		fuzz(test, 0);
		vcfg_lists(test, found, ARRAY_SIZE(found));
		sluice_pci_vconfig_deinit(&fake->cfg);
	}
}

static void read_errors_end_init(struct kunit *test)
{
	struct fake *fake = test->priv;
	unsigned int n = 0;
	int ret;

	do {
		fake->reads = 0;
		fake->fail_read = ++n;
		KUNIT_ASSERT_LT(test, n, 1000U);
		ret = sluice_pci_vconfig_init(&fake->cfg, &pcifake_ops,
					      &fake->info);
		if (ret) {
			KUNIT_ASSERT_EQ(test, ret, -EIO);
			KUNIT_ASSERT_NULL(test, fake->cfg.value);
		}
	} while (ret);
	/* It succeeded without having made the read that would fail. */
	KUNIT_EXPECT_EQ(test, fake->reads, n - 1);
	fake->fail_read = 0;
}

static struct kunit_case config_fuzz_cases[] = {
	KUNIT_CASE_SLOW(no_write_escapes),
	KUNIT_CASE_PARAM(malformed_is_contained, malformed_gen_params),
	KUNIT_CASE_SLOW(noise_is_survived),
	KUNIT_CASE(read_errors_end_init),
	{}
};

static struct kunit_suite config_fuzz_suite = {
	.name = "sluice_pci_config_fuzz",
	.init = pcifake_init,
	.exit = pcifake_exit,
	.test_cases = config_fuzz_cases,
};

kunit_test_suite(config_fuzz_suite);

MODULE_DESCRIPTION("KUnit suite of hostile access to PCI configuration space");
MODULE_LICENSE("GPL");
