// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite of the virtual PCI configuration space (pci/config*.c): what
 * each register does, and which capabilities are shown.
 */
#include "pci_config_fake.h"

static void bars_show_their_size(struct kunit *test)
{
	static const u32 size_mask[] = {
		0xffff0000, 0, 0x0000000c, 0xfffffffe, 0xffffffe1, 0,
	};
	struct fake *fake = test->priv;
	u8 before[PCI_STD_HEADER_SIZEOF];
	unsigned int i, pos;

	pcifake_build(test);
	memcpy(before, fake->hw, sizeof(before));
	KUNIT_EXPECT_EQ(test, 0xfe000000U,
			vcfg_read(test, PCI_BASE_ADDRESS_0, 4));
	for (i = 0; i < PCI_STD_NUM_BARS; i++) {
		pos = PCI_BASE_ADDRESS_0 + 4 * i;
		vcfg_write(test, pos, 4, ~0U);
		KUNIT_EXPECT_EQ(test, size_mask[i], vcfg_read(test, pos, 4));
		vcfg_write(test, pos, 4, 0);
		KUNIT_EXPECT_EQ(test, size_mask[i] & 0xf & ~(i == 3 ? 0xe : 0),
				vcfg_read(test, pos, 4));
	}
	vcfg_write(test, PCI_ROM_ADDRESS, 4, ~0U);
	KUNIT_EXPECT_EQ(test, 0xffff8001U, vcfg_read(test, PCI_ROM_ADDRESS, 4));

	/* In pieces, one of them across two BARs. */
	vcfg_write(test, PCI_BASE_ADDRESS_0 + 3, 1, 0xab);
	vcfg_write(test, PCI_BASE_ADDRESS_0 + 2, 1, 0xcd);
	KUNIT_EXPECT_EQ(test, 0xabcd0000U,
			vcfg_read(test, PCI_BASE_ADDRESS_0, 4));
	vcfg_write(test, PCI_BASE_ADDRESS_2 + 2, 4, 0x34567890);
	KUNIT_EXPECT_EQ(test, 0x3456U,
			vcfg_read(test, PCI_BASE_ADDRESS_3, 2));

	KUNIT_EXPECT_MEMEQ(test, before, fake->hw, sizeof(before));
	KUNIT_EXPECT_EQ(test, fake->writes, 0U);
}

static void virtual_function_is_identified(struct kunit *test)
{
	struct fake *fake = test->priv;

	hw32(fake, PCI_VENDOR_ID, ~0U);
	hw16(fake, PCI_COMMAND, PCI_COMMAND_MASTER);
	hw32(fake, PCI_BASE_ADDRESS_0, 0);
	fake->info.virtfn = true;
	fake->info.no_command_memory = true;
	fake->info.intx = false;
	pcifake_build(test);

	KUNIT_EXPECT_EQ(test, 0x11e81234U, vcfg_read(test, PCI_VENDOR_ID, 4));
	KUNIT_EXPECT_EQ(test, 0x11001af4U,
			vcfg_read(test, PCI_SUBSYSTEM_VENDOR_ID, 4));
	KUNIT_EXPECT_EQ(test, 0U, vcfg_read(test, PCI_INTERRUPT_PIN, 1));
	KUNIT_EXPECT_EQ(test, 0x6U, vcfg_read(test, PCI_COMMAND, 2));
	KUNIT_EXPECT_TRUE(test, sluice_pci_vconfig_memory_on(&fake->cfg));

	/* The bit is the user's to play with; hardware has none. */
	vcfg_write(test, PCI_COMMAND, 2, 0);
	KUNIT_EXPECT_EQ(test, 0U, vcfg_read(test, PCI_COMMAND, 2));
	vcfg_write(test, PCI_COMMAND, 2, 0x6);
	KUNIT_EXPECT_EQ(test, 0x6U, vcfg_read(test, PCI_COMMAND, 2));
	KUNIT_EXPECT_EQ(test, 0x4U, hw_get(fake, PCI_COMMAND) & 0xffff);
	vcfg_write(test, PCI_BASE_ADDRESS_0, 4, ~0U);
	KUNIT_EXPECT_EQ(test, 0xffff0000U,
			vcfg_read(test, PCI_BASE_ADDRESS_0, 4));
}

static void command_orders_decode(struct kunit *test)
{
	struct fake *fake = test->priv;

	pcifake_build(test);
	KUNIT_EXPECT_TRUE(test, sluice_pci_vconfig_memory_on(&fake->cfg));

	/* Withdrawn before decode goes off. */
	vcfg_write(test, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	KUNIT_EXPECT_STREQ(test, fake->log, "rcu");
	KUNIT_EXPECT_FALSE(test, sluice_pci_vconfig_memory_on(&fake->cfg));
	KUNIT_EXPECT_EQ(test, 0x4U, hw_get(fake, PCI_COMMAND) & 0xffff);

	/* Nothing to withdraw; a byte will do. */
	pcifake_clear_log(fake);
	vcfg_write(test, PCI_COMMAND, 1, 0);
	KUNIT_EXPECT_STREQ(test, fake->log, "lcu");
	KUNIT_EXPECT_EQ(test, 0U, hw_get(fake, PCI_COMMAND) & 0xffff);

	/* A dword includes STATUS. */
	pcifake_clear_log(fake);
	vcfg_write(test, PCI_COMMAND, 4, 0x7);
	KUNIT_EXPECT_STREQ(test, fake->log, "lcu");
	KUNIT_EXPECT_TRUE(test, sluice_pci_vconfig_memory_on(&fake->cfg));
	KUNIT_EXPECT_EQ(test, 0x7U, hw_get(fake, PCI_COMMAND) & 0xffff);

	/* The upper byte alone changes no decode. */
	pcifake_clear_log(fake);
	vcfg_write(test, PCI_COMMAND + 1, 1, 0);
	KUNIT_EXPECT_STREQ(test, fake->log, "");
	KUNIT_EXPECT_TRUE(test, sluice_pci_vconfig_memory_on(&fake->cfg));
}

static void command_intx_disable_is_virtual(struct kunit *test)
{
	struct fake *fake = test->priv;

	hw16(fake, PCI_COMMAND, 0x0407);
	pcifake_build(test);
	/* What the host does with hardware's bit is no concern of the user. */
	KUNIT_EXPECT_EQ(test, 0x0007U, vcfg_read(test, PCI_COMMAND, 2));

	vcfg_write(test, PCI_COMMAND + 1, 1, 0x04);
	KUNIT_EXPECT_EQ(test, fake->intx_calls, 1U);
	KUNIT_EXPECT_TRUE(test, fake->intx_masked);
	KUNIT_EXPECT_EQ(test, 0x0407U, vcfg_read(test, PCI_COMMAND, 2));
	vcfg_write(test, PCI_COMMAND, 2, 0x0407);
	KUNIT_EXPECT_EQ(test, fake->intx_calls, 1U);
	vcfg_write(test, PCI_COMMAND, 2, 0x0007);
	KUNIT_EXPECT_EQ(test, fake->intx_calls, 2U);
	KUNIT_EXPECT_FALSE(test, fake->intx_masked);
	KUNIT_EXPECT_EQ(test, 0x0407U, hw_get(fake, PCI_COMMAND) & 0xffff);
}

/* The host may change the upper byte while ours is being written. */
static int racing_read(struct sluice_pci_config *cfg, unsigned int pos,
		       unsigned int size, u32 *val)
{
	struct fake *fake = to_fake(cfg);
	int ret = pcifake_read(cfg, pos, size, val);

	if (pos == PCI_COMMAND)
		fake->hw[PCI_COMMAND + 1] |= PCI_COMMAND_INTX_DISABLE >> 8;
	return ret;
}

static void command_spares_the_hosts_byte(struct kunit *test)
{
	struct sluice_pci_config_ops ops = pcifake_ops;
	struct fake *fake = test->priv;

	pcifake_build(test);
	ops.read = racing_read;
	fake->cfg.ops = &ops;
	vcfg_write(test, PCI_COMMAND, 2, 0x0003);
	KUNIT_EXPECT_EQ(test, 0x0403U, hw_get(fake, PCI_COMMAND) & 0xffff);
	fake->cfg.ops = &pcifake_ops;
}

static void lost_bars_are_restored(struct kunit *test)
{
	struct fake *fake = test->priv;

	pcifake_build(test);
	hw32(fake, PCI_BASE_ADDRESS_0, 0);
	hw32(fake, PCI_BASE_ADDRESS_3, 0);
	hw32(fake, PCI_ROM_ADDRESS, 0);
	hw16(fake, PCI_COMMAND, 0);
	memset(fake->allowed + PCI_BASE_ADDRESS_0, 0xff, 24);
	memset(fake->allowed + PCI_ROM_ADDRESS, 0xff, 4);

	vcfg_write(test, PCI_COMMAND, 2, 0x6);
	KUNIT_EXPECT_STREQ(test, fake->log, "lbbBcu");
	KUNIT_EXPECT_EQ(test, 0xfe000000U, hw_get(fake, PCI_BASE_ADDRESS_0));
	KUNIT_EXPECT_EQ(test, 0x8U, hw_get(fake, PCI_BASE_ADDRESS_3));
	KUNIT_EXPECT_EQ(test, 0xfd000000U, hw_get(fake, PCI_ROM_ADDRESS));
}

static void status_is_cleared_by_ones(struct kunit *test)
{
	struct fake *fake = test->priv;

	pcifake_build(test);
	vcfg_write(test, PCI_STATUS, 2, 0x8010);
	KUNIT_EXPECT_EQ(test, 0x7910U, hw_get(fake, PCI_COMMAND) >> 16);
	vcfg_write(test, PCI_STATUS + 1, 1, 0x01);
	KUNIT_EXPECT_EQ(test, 0x7810U, vcfg_read(test, PCI_STATUS, 2));
	vcfg_write(test, EXP + PCI_EXP_DEVSTA, 2, 0x4);
	KUNIT_EXPECT_EQ(test, 0xbU, vcfg_read(test, EXP + PCI_EXP_DEVSTA, 2));
}

static void interrupt_registers(struct kunit *test)
{
	struct fake *fake = test->priv;
	u8 line = fake->hw[PCI_INTERRUPT_LINE];

	pcifake_build(test);
	vcfg_write(test, PCI_INTERRUPT_LINE, 2, 0x5555);
	KUNIT_EXPECT_EQ(test, 0x0155U, vcfg_read(test, PCI_INTERRUPT_LINE, 2));
	KUNIT_EXPECT_EQ(test, line, fake->hw[PCI_INTERRUPT_LINE]);
}

static void pm_is_controlled(struct kunit *test)
{
	struct fake *fake = test->priv;

	pcifake_build(test);
	KUNIT_EXPECT_EQ(test, 0x0603U, vcfg_read(test, PM + PCI_PM_PMC, 2));
	KUNIT_EXPECT_EQ(test, 0U, vcfg_read(test, PM + PCI_PM_CTRL, 2));

	vcfg_write(test, PM + PCI_PM_CTRL, 2, 0x8103);
	KUNIT_EXPECT_EQ(test, fake->powers, 1U);
	KUNIT_EXPECT_TRUE(test, fake->power == PCI_D3hot);
	KUNIT_EXPECT_EQ(test, 0x3U, vcfg_read(test, PM + PCI_PM_CTRL, 2));

	/* The upper byte: a selector, and no state. PME status stays. */
	vcfg_write(test, PM + PCI_PM_CTRL + 1, 1, 0x9f);
	KUNIT_EXPECT_EQ(test, fake->powers, 1U);
	KUNIT_EXPECT_EQ(test, 0x9e03U, hw_get(fake, PM + PCI_PM_CTRL) & 0xffff);

	vcfg_write(test, PM + PCI_PM_CTRL, 4, 0);
	KUNIT_EXPECT_EQ(test, fake->powers, 2U);
	KUNIT_EXPECT_TRUE(test, fake->power == PCI_D0);
	KUNIT_EXPECT_EQ(test, 0x8000U, hw_get(fake, PM + PCI_PM_CTRL) & 0xffff);
}

static void msi_is_virtual(struct kunit *test)
{
	struct fake *fake = test->priv;
	u8 before[16];

	pcifake_build(test);
	memcpy(before, fake->hw + MSI, sizeof(before));
	KUNIT_EXPECT_EQ(test, 0x0186U, vcfg_read(test, MSI + PCI_MSI_FLAGS, 2));
	KUNIT_EXPECT_EQ(test, 0U, vcfg_read(test, MSI + PCI_MSI_ADDRESS_LO, 4));

	vcfg_write(test, MSI + PCI_MSI_FLAGS, 2, 0xffff);
	vcfg_write(test, MSI + PCI_MSI_ADDRESS_LO, 4, 0xfee01003);
	vcfg_write(test, MSI + PCI_MSI_ADDRESS_HI, 4, 0x12345678);
	vcfg_write(test, MSI + PCI_MSI_DATA_64, 2, 0x4041);
	KUNIT_EXPECT_EQ(test, 0x01f7U, vcfg_read(test, MSI + PCI_MSI_FLAGS, 2));
	KUNIT_EXPECT_EQ(test, 0xfee01000U,
			vcfg_read(test, MSI + PCI_MSI_ADDRESS_LO, 4));
	KUNIT_EXPECT_EQ(test, 0x12345678U,
			vcfg_read(test, MSI + PCI_MSI_ADDRESS_HI, 4));
	KUNIT_EXPECT_EQ(test, 0x4041U,
			vcfg_read(test, MSI + PCI_MSI_DATA_64, 2));
	KUNIT_EXPECT_MEMEQ(test, before, fake->hw + MSI, sizeof(before));
	KUNIT_EXPECT_EQ(test, fake->writes, 0U);

	vcfg_write(test, MSI + PCI_MSI_MASK_64, 4, 0xa5a5a5a5);
	KUNIT_EXPECT_EQ(test, 0xa5a5a5a5U, hw_get(fake, MSI + PCI_MSI_MASK_64));
}

static void msi32_is_virtual(struct kunit *test)
{
	struct fake *fake = test->priv;

	/* 32-bit addresses, no mask: 10 bytes, 12 with padding. */
	hw16(fake, MSI + PCI_MSI_FLAGS, 0x0006);
	pcifake_build(test);
	vcfg_write(test, MSI + PCI_MSI_DATA_32, 2, 0x4041);
	KUNIT_EXPECT_EQ(test, 0x4041U,
			vcfg_read(test, MSI + PCI_MSI_DATA_32, 2));
	vcfg_write(test, MSI + PCI_MSI_DATA_32 + 2, 2, ~0U);
	KUNIT_EXPECT_EQ(test, fake->writes, 0U);
	memset(fake->allowed + MSI + 12, 0xff, 4);
	vcfg_write(test, MSI + 12, 4, 0x01020304);
	KUNIT_EXPECT_EQ(test, 0x01020304U, hw_get(fake, MSI + 12));
}

static void msix_shows_hardware(struct kunit *test)
{
	struct fake *fake = test->priv;

	pcifake_build(test);
	vcfg_write(test, MSIX + PCI_MSIX_FLAGS, 2, 0xc000);
	KUNIT_EXPECT_EQ(test, fake->writes, 0U);
	KUNIT_EXPECT_EQ(test, 3U, vcfg_read(test, MSIX + PCI_MSIX_FLAGS, 2));
	hw16(fake, MSIX + PCI_MSIX_FLAGS, 0x8003);
	KUNIT_EXPECT_EQ(test, 0x8003U,
			vcfg_read(test, MSIX + PCI_MSIX_FLAGS, 2));
}

static void exp_resets_and_sizes(struct kunit *test)
{
	unsigned int devctl = EXP + PCI_EXP_DEVCTL;
	struct fake *fake = test->priv;

	pcifake_build(test);
	vcfg_write(test, devctl, 2, 0xa010);
	KUNIT_EXPECT_EQ(test, fake->resets, 1U);
	KUNIT_EXPECT_EQ(test, fake->readrq, 0U);
	KUNIT_EXPECT_EQ(test, 0x2010U, vcfg_read(test, devctl, 2));
	vcfg_write(test, devctl + 1, 1, 0xa0);
	KUNIT_EXPECT_EQ(test, fake->resets, 2U);
	vcfg_write(test, devctl, 1, 0xff);
	KUNIT_EXPECT_EQ(test, fake->resets, 2U);

	/* Payload, tags and request size live in the virtual register. */
	vcfg_write(test, devctl, 2, 0x51b5);
	KUNIT_EXPECT_EQ(test, fake->readrq, 4096U);
	KUNIT_EXPECT_EQ(test, 0x51b5U, vcfg_read(test, devctl, 2));
	KUNIT_EXPECT_EQ(test, 0x2015U, hw_get(fake, devctl) & 0xffff);
	vcfg_write(test, devctl, 2, 0x7000);
	KUNIT_EXPECT_EQ(test, fake->readrq, 4096U);
	vcfg_write(test, devctl, 2, 0x0000);
	KUNIT_EXPECT_EQ(test, fake->readrq, 128U);

	hw32(fake, EXP + PCI_EXP_DEVCAP, ~PCI_EXP_DEVCAP_FLR);
	vcfg_write(test, devctl, 2, 0x8000);
	KUNIT_EXPECT_EQ(test, fake->resets, 2U);
	KUNIT_EXPECT_EQ(test, 0U, vcfg_read(test, devctl, 2));
}

static void af_resets(struct kunit *test)
{
	struct fake *fake = test->priv;

	pcifake_build(test);
	vcfg_write(test, AF + PCI_AF_CTRL, 1, 0xfe);
	KUNIT_EXPECT_EQ(test, fake->resets, 0U);
	vcfg_write(test, AF + PCI_AF_CTRL, 1, 0x01);
	KUNIT_EXPECT_EQ(test, fake->resets, 1U);
	KUNIT_EXPECT_EQ(test, 0U, vcfg_read(test, AF + PCI_AF_CTRL, 1));
	fake->hw[AF + PCI_AF_CAP] = PCI_AF_CAP_TP;
	vcfg_write(test, AF + PCI_AF_CTRL, 1, 0x01);
	KUNIT_EXPECT_EQ(test, fake->resets, 1U);
}

static void vpd_goes_through_the_host(struct kunit *test)
{
	static const u8 text[] = "vital product data";
	struct fake *fake = test->priv;

	memcpy(fake->vpd, text, sizeof(text));
	pcifake_build(test);
	vcfg_write(test, VPD + PCI_VPD_ADDR, 2, 4);
	KUNIT_EXPECT_EQ(test, 0x8004U, vcfg_read(test, VPD + PCI_VPD_ADDR, 2));
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(text + 4),
			vcfg_read(test, VPD + PCI_VPD_DATA, 4));

	vcfg_write(test, VPD + PCI_VPD_DATA, 4, 0x44434241);
	vcfg_write(test, VPD + PCI_VPD_ADDR, 1, 8);
	KUNIT_EXPECT_MEMEQ(test, fake->vpd, text, sizeof(text));
	vcfg_write(test, VPD + PCI_VPD_ADDR + 1, 1, 0x80);
	KUNIT_EXPECT_MEMEQ(test, fake->vpd + 8, "ABCD", 4);
	KUNIT_EXPECT_EQ(test, 8U, vcfg_read(test, VPD + PCI_VPD_ADDR, 2));

	/* Failure: the flag doesn't change. */
	fake->vpd_error = -EIO;
	vcfg_write(test, VPD + PCI_VPD_ADDR, 2, 4);
	KUNIT_EXPECT_EQ(test, 4U, vcfg_read(test, VPD + PCI_VPD_ADDR, 2));
	vcfg_write(test, VPD + PCI_VPD_ADDR, 2, 0x8004);
	KUNIT_EXPECT_EQ(test, 0x8004U, vcfg_read(test, VPD + PCI_VPD_ADDR, 2));
	KUNIT_EXPECT_EQ(test, fake->writes, 0U);
}

static void raw_registers_pass_unread(struct kunit *test)
{
	struct fake *fake = test->priv;

	pcifake_build(test);
	vcfg_write(test, VNDR + 4, 4, 0xdeadbeef);
	KUNIT_EXPECT_EQ(test, fake->writes, 1U);
	/* Reading may have effects of its own. */
	KUNIT_EXPECT_EQ(test, fake->reads, 0U);
	KUNIT_EXPECT_EQ(test, 0xdeadbeefU, hw_get(fake, VNDR + 4));
	vcfg_write(test, VSEC, 8, 0);
	KUNIT_EXPECT_EQ(test, fake->writes, 2U);
}

/* One way to read is as good as another. */
static void sizes_agree(struct kunit *test)
{
	struct fake *fake = test->priv;
	unsigned int pos, size, i;
	u32 val;

	pcifake_build(test);
	for (pos = 0; pos <= fake->info.size - 4; pos++) {
		for (size = 2; size <= 4; size++) {
			val = 0;
			for (i = 0; i < size; i++)
				val |= vcfg_read(test, pos + i, 1) << (8 * i);
			KUNIT_ASSERT_EQ_MSG(test, val,
					    vcfg_read(test, pos, size),
					    "%u bytes at %#x", size, pos);
		}
	}
}

static void lists_show_what_policy_says(struct kunit *test)
{
	static const u16 shown[] = {
		PM, MSI, MSIX, EXP, VPD, VNDR, AF,
		AER, ATS, VSEC, CXL, SRIOV, DSN,
	};
	u16 found[64];

	pcifake_build(test);
	KUNIT_ASSERT_EQ(test, ARRAY_SIZE(shown),
			vcfg_lists(test, found, ARRAY_SIZE(found)));
	KUNIT_EXPECT_MEMEQ(test, found, shown, sizeof(shown));
	KUNIT_EXPECT_EQ(test, 0U, vcfg_read(test, ODD, 4));
	KUNIT_EXPECT_EQ(test, 0U, vcfg_read(test, PASID, 4));
	KUNIT_EXPECT_EQ(test, 0U, vcfg_read(test, PASID + 4, 4));
	KUNIT_EXPECT_EQ(test, 0U, vcfg_read(test, XODD + 0x3c, 4));
}

static void hidden_heads_leave_a_list(struct kunit *test)
{
	struct fake *fake = test->priv;
	u16 found[64];

	cap(fake, PM, 0x55, MSI);
	ext_cap(fake, AER, PCI_EXT_CAP_ID_PASID, ATS);
	pcifake_build(test);
	KUNIT_EXPECT_EQ(test, 11U,
			vcfg_lists(test, found, ARRAY_SIZE(found)));
	KUNIT_EXPECT_EQ(test, (u32)MSI,
			vcfg_read(test, PCI_CAPABILITY_LIST, 1));
	KUNIT_EXPECT_EQ(test, (u32)ATS << 20, vcfg_read(test, 0x100, 4));
}

static void no_lists(struct kunit *test)
{
	struct fake *fake = test->priv;
	u16 found[64];

	hw16(fake, PCI_STATUS, 0);
	hw32(fake, 0x100, 0);
	fake->info.size = PCI_CFG_SPACE_SIZE;
	pcifake_build(test);
	KUNIT_EXPECT_EQ(test, 0U,
			vcfg_lists(test, found, ARRAY_SIZE(found)));
}

/* A device that doesn't answer isn't one that has no list. */
static void silence_opens_no_gaps(struct kunit *test)
{
	struct fake *fake = test->priv;

	hw32(fake, 0x100, ~0U);
	pcifake_build(test);
	vcfg_write(test, 0x100, 4, 0);
	vcfg_write(test, PCI_CFG_SPACE_EXP_SIZE - 4, 4, 0x12345678);
	KUNIT_EXPECT_EQ(test, fake->writes, 0U);
}

static void refuses_what_it_does_not_know(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake->hw[PCI_HEADER_TYPE] = PCI_HEADER_TYPE_BRIDGE;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			sluice_pci_vconfig_init(&fake->cfg, &pcifake_ops,
						&fake->info));
	fake->hw[PCI_HEADER_TYPE] = PCI_HEADER_TYPE_NORMAL;
	fake->info.size = 32;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			sluice_pci_vconfig_init(&fake->cfg, &pcifake_ops,
						&fake->info));
}

static struct kunit_case config_test_cases[] = {
	KUNIT_CASE(bars_show_their_size),
	KUNIT_CASE(virtual_function_is_identified),
	KUNIT_CASE(command_orders_decode),
	KUNIT_CASE(command_intx_disable_is_virtual),
	KUNIT_CASE(command_spares_the_hosts_byte),
	KUNIT_CASE(lost_bars_are_restored),
	KUNIT_CASE(status_is_cleared_by_ones),
	KUNIT_CASE(interrupt_registers),
	KUNIT_CASE(pm_is_controlled),
	KUNIT_CASE(msi_is_virtual),
	KUNIT_CASE(msi32_is_virtual),
	KUNIT_CASE(msix_shows_hardware),
	KUNIT_CASE(exp_resets_and_sizes),
	KUNIT_CASE(af_resets),
	KUNIT_CASE(vpd_goes_through_the_host),
	KUNIT_CASE(raw_registers_pass_unread),
	KUNIT_CASE(sizes_agree),
	KUNIT_CASE(lists_show_what_policy_says),
	KUNIT_CASE(hidden_heads_leave_a_list),
	KUNIT_CASE(no_lists),
	KUNIT_CASE(silence_opens_no_gaps),
	KUNIT_CASE(refuses_what_it_does_not_know),
	{}
};

static struct kunit_suite config_test_suite = {
	.name = "sluice_pci_config",
	.init = pcifake_init,
	.exit = pcifake_exit,
	.test_cases = config_test_cases,
};

kunit_test_suite(config_test_suite);

MODULE_DESCRIPTION("KUnit suite of the virtual PCI configuration space");
MODULE_LICENSE("GPL");
