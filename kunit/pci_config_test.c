// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite of the virtual PCI configuration space (pci/config*.c).
 *
 * The hardware is 4 KiB of RAM behind the seam. It accepts every write, so
 * whatever the code lets through shows; an oracle, written here as plain
 * numbers and not taken from the policy tables, says which bits may.
 */
#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/unaligned.h>

#include "pci/config.h"

#define LOG_SIZE	16

/* Where the fake device has its capabilities. */
enum {
	PM = 0x40, MSI = 0x50, MSIX = 0x70, EXP = 0x80, VPD = 0xc0,
	VNDR = 0xc8, AF = 0xd8, ODD = 0xe0,
	AER = 0x100, ATS = 0x140, PASID = 0x150, VSEC = 0x160, CXL = 0x180,
	SRIOV = 0x1a0, XODD = 0x200, DSN = 0x240,
};

/**
 * struct fake - a device in RAM
 * @cfg: the space under test
 * @info: what the host knows
 * @hw: hardware's bytes
 * @allowed: bits that user space may change in @hw
 * @w1c: bits of @hw that writing 1 clears
 * @bad: first forbidden access: its position, or -1
 * @bad_bits: and its forbidden bits
 * @log: effects in order: r/l memory locked with/without revocation, u
 *	unlocked, c COMMAND written, b BAR written, B BARs restored
 * @logged: length of @log
 * @writes: writes to hardware
 * @reads: reads from hardware
 * @fail_read: which read fails, counting from 1; 0: none
 * @locked: memory lock held
 * @resets: function resets
 * @powers: power state changes
 * @power: the last one's target
 * @readrq: last read request size asked for
 * @intx_calls: changes of virtual INTx disable
 * @intx_masked: the last one's value
 * @vpd: vital product data
 * @vpd_error: what access to it returns
 */
struct fake {
	struct sluice_pci_config cfg;
	struct sluice_pci_config_info info;
	u8 hw[PCI_CFG_SPACE_EXP_SIZE];
	u8 allowed[PCI_CFG_SPACE_EXP_SIZE];
	u8 w1c[PCI_CFG_SPACE_EXP_SIZE];
	int bad;
	u32 bad_bits;
	char log[LOG_SIZE];
	unsigned int logged;
	unsigned int writes;
	unsigned int reads;
	unsigned int fail_read;
	bool locked;
	unsigned int resets;
	unsigned int powers;
	pci_power_t power;
	unsigned int readrq;
	unsigned int intx_calls;
	bool intx_masked;
	u8 vpd[64];
	int vpd_error;
};

static struct fake *to_fake(struct sluice_pci_config *cfg)
{
	return container_of(cfg, struct fake, cfg);
}

static void fake_log(struct fake *fake, char what)
{
	if (fake->logged < LOG_SIZE - 1)
		fake->log[fake->logged++] = what;
}

static void fake_clear_log(struct fake *fake)
{
	memset(fake->log, 0, sizeof(fake->log));
	fake->logged = 0;
	fake->writes = 0;
	fake->reads = 0;
}

static void fake_bad(struct fake *fake, unsigned int pos, u32 bits)
{
	if (fake->bad >= 0)
		return;
	fake->bad = pos;
	fake->bad_bits = bits;
}

static bool fake_access_ok(struct fake *fake, unsigned int pos,
			   unsigned int size)
{
	if ((size == 1 || size == 2 || size == 4) && IS_ALIGNED(pos, size) &&
	    pos + size <= fake->info.size)
		return true;
	fake_bad(fake, pos, 0);
	return false;
}

static int fake_read(struct sluice_pci_config *cfg, unsigned int pos,
		     unsigned int size, u32 *val)
{
	struct fake *fake = to_fake(cfg);
	unsigned int i;

	if (++fake->reads == fake->fail_read)
		return -EIO;
	if (!fake_access_ok(fake, pos, size))
		return -EINVAL;
	*val = 0;
	for (i = 0; i < size; i++)
		*val |= (u32)fake->hw[pos + i] << (8 * i);
	return 0;
}

static int fake_write(struct sluice_pci_config *cfg, unsigned int pos,
		      unsigned int size, u32 val)
{
	struct fake *fake = to_fake(cfg);
	unsigned int i;

	if (!fake_access_ok(fake, pos, size))
		return -EINVAL;
	fake->writes++;
	if (pos == PCI_COMMAND)
		fake_log(fake, 'c');
	else if (pos >= PCI_BASE_ADDRESS_0 && pos <= PCI_BASE_ADDRESS_5)
		fake_log(fake, 'b');
	for (i = 0; i < size; i++, val >>= 8) {
		u8 *hw = &fake->hw[pos + i];
		u8 w1c = fake->w1c[pos + i];
		u8 hit = ((val ^ *hw) & ~w1c) | (val & w1c);

		if (hit & ~fake->allowed[pos + i])
			fake_bad(fake, pos + i, hit & ~fake->allowed[pos + i]);
		*hw = (val & ~w1c) | (*hw & w1c & ~val);
	}
	return 0;
}

static void fake_memory_lock(struct sluice_pci_config *cfg, bool revoke)
{
	struct fake *fake = to_fake(cfg);

	if (fake->locked)
		fake_bad(fake, PCI_COMMAND, 0);
	fake->locked = true;
	fake_log(fake, revoke ? 'r' : 'l');
}

static void fake_memory_unlock(struct sluice_pci_config *cfg)
{
	struct fake *fake = to_fake(cfg);

	if (!fake->locked)
		fake_bad(fake, PCI_COMMAND, 0);
	fake->locked = false;
	fake_log(fake, 'u');
}

static void fake_set_power_state(struct sluice_pci_config *cfg,
				 pci_power_t state)
{
	struct fake *fake = to_fake(cfg);

	fake->powers++;
	fake->power = state;
	fake->hw[PM + PCI_PM_CTRL] &= ~PCI_PM_CTRL_STATE_MASK;
	fake->hw[PM + PCI_PM_CTRL] |= (__force u8)state;
}

static void fake_reset(struct sluice_pci_config *cfg)
{
	to_fake(cfg)->resets++;
}

static void fake_set_readrq(struct sluice_pci_config *cfg, unsigned int bytes)
{
	to_fake(cfg)->readrq = bytes;
}

static void fake_bars_restored(struct sluice_pci_config *cfg)
{
	fake_log(to_fake(cfg), 'B');
}

static void fake_intx_mask(struct sluice_pci_config *cfg, bool masked)
{
	struct fake *fake = to_fake(cfg);

	fake->intx_calls++;
	fake->intx_masked = masked;
}

static int fake_vpd_read(struct sluice_pci_config *cfg, unsigned int addr,
			 u8 data[4])
{
	struct fake *fake = to_fake(cfg);

	if (fake->vpd_error || addr > sizeof(fake->vpd) - 4)
		return -EIO;
	memcpy(data, fake->vpd + addr, 4);
	return 0;
}

static int fake_vpd_write(struct sluice_pci_config *cfg, unsigned int addr,
			  const u8 data[4])
{
	struct fake *fake = to_fake(cfg);

	if (fake->vpd_error || addr > sizeof(fake->vpd) - 4)
		return -EIO;
	memcpy(fake->vpd + addr, data, 4);
	return 0;
}

static const struct sluice_pci_config_ops fake_ops = {
	.read = fake_read,
	.write = fake_write,
	.memory_lock = fake_memory_lock,
	.memory_unlock = fake_memory_unlock,
	.set_power_state = fake_set_power_state,
	.reset = fake_reset,
	.set_readrq = fake_set_readrq,
	.bars_restored = fake_bars_restored,
	.intx_mask = fake_intx_mask,
	.vpd_read = fake_vpd_read,
	.vpd_write = fake_vpd_write,
};

static void hw16(struct fake *fake, unsigned int pos, u16 val)
{
	put_unaligned_le16(val, fake->hw + pos);
}

static void hw32(struct fake *fake, unsigned int pos, u32 val)
{
	put_unaligned_le32(val, fake->hw + pos);
}

static u32 hw_get(struct fake *fake, unsigned int pos)
{
	return get_unaligned_le32(fake->hw + pos);
}

static void cap(struct fake *fake, unsigned int pos, u8 id, u8 next)
{
	hw16(fake, pos, id | next << 8);
}

static void ext_cap(struct fake *fake, unsigned int pos, u16 id, u16 next)
{
	hw32(fake, pos, id | 1 << 16 | (u32)next << 20);
}

/* An access of any length, cut up as read(2) and write(2) are. */
static void user_write(struct kunit *test, unsigned int pos, unsigned int count,
		       u32 val)
{
	struct fake *fake = test->priv;
	unsigned int size;

	for (; count; count -= size, pos += size) {
		size = sluice_pci_vconfig_chunk(&fake->cfg, pos, count);
		KUNIT_ASSERT_LE(test, size, count);
		KUNIT_ASSERT_EQ(test, pos % size, 0U);
		KUNIT_ASSERT_EQ(test, 0,
				sluice_pci_vconfig_write(&fake->cfg, pos, size,
							 val));
		val = size < 4 ? val >> (8 * size) : 0;
	}
}

static u32 user_read(struct kunit *test, unsigned int pos, unsigned int count)
{
	struct fake *fake = test->priv;
	unsigned int size, shift = 0;
	u32 val, all = 0;

	for (; count; count -= size, pos += size, shift += 8 * size) {
		size = sluice_pci_vconfig_chunk(&fake->cfg, pos, count);
		KUNIT_ASSERT_LE(test, size, count);
		KUNIT_ASSERT_EQ(test, 0,
				sluice_pci_vconfig_read(&fake->cfg, pos, size,
							&val));
		all |= val << shift;
	}
	return all;
}

static void fake_header(struct fake *fake)
{
	hw32(fake, PCI_VENDOR_ID, 0x11e81234);
	hw16(fake, PCI_COMMAND, 0x0007);
	hw16(fake, PCI_STATUS, 0xf910);
	hw32(fake, PCI_CLASS_REVISION, 0x02000001);
	fake->hw[PCI_HEADER_TYPE] = PCI_HEADER_TYPE_NORMAL;
	hw32(fake, PCI_BASE_ADDRESS_0, 0xfe000000);
	hw32(fake, PCI_BASE_ADDRESS_1, 0);
	hw32(fake, PCI_BASE_ADDRESS_2, 0x0000000c);
	hw32(fake, PCI_BASE_ADDRESS_3, 0x00000008);
	hw32(fake, PCI_BASE_ADDRESS_4, 0x0000c001);
	hw32(fake, PCI_BASE_ADDRESS_5, 0);
	hw32(fake, PCI_ROM_ADDRESS, 0xfd000000);
	fake->hw[PCI_CAPABILITY_LIST] = PM;
	fake->hw[PCI_INTERRUPT_PIN] = 1;

	fake->info = (struct sluice_pci_config_info) {
		.size = PCI_CFG_SPACE_EXP_SIZE,
		.vendor = 0x1234, .device = 0x11e8,
		.subvendor = 0x1af4, .subdevice = 0x1100,
		.class_rev = 0x02000001,
		.intx = true,
		.bar = {
			[0] = { 0x10000, IORESOURCE_MEM },
			[2] = { 0x200000000, IORESOURCE_MEM |
				IORESOURCE_MEM_64 | IORESOURCE_PREFETCH },
			[4] = { 0x20, IORESOURCE_IO },
			[6] = { 0x8000, IORESOURCE_MEM },
		},
	};
}

static void fake_caps(struct fake *fake)
{
	cap(fake, PM, PCI_CAP_ID_PM, MSI);
	hw16(fake, PM + PCI_PM_PMC, 0xfe03);
	hw16(fake, PM + PCI_PM_CTRL, 0x8000);
	cap(fake, MSI, PCI_CAP_ID_MSI, MSIX);
	hw16(fake, MSI + PCI_MSI_FLAGS, 0x0186);
	cap(fake, MSIX, PCI_CAP_ID_MSIX, EXP);
	hw16(fake, MSIX + PCI_MSIX_FLAGS, 0x0003);
	cap(fake, EXP, PCI_CAP_ID_EXP, VPD);
	hw16(fake, EXP + PCI_EXP_FLAGS, 0x0002);
	hw32(fake, EXP + PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_FLR);
	hw32(fake, EXP + PCI_EXP_DEVCTL, 0x000f2010);
	cap(fake, VPD, PCI_CAP_ID_VPD, VNDR);
	cap(fake, VNDR, PCI_CAP_ID_VNDR, AF);
	fake->hw[VNDR + 2] = 0x10;
	cap(fake, AF, PCI_CAP_ID_AF, ODD);
	fake->hw[AF + PCI_AF_LENGTH] = PCI_CAP_AF_SIZEOF;
	fake->hw[AF + PCI_AF_CAP] = PCI_AF_CAP_FLR | PCI_AF_CAP_TP;
	fake->hw[AF + PCI_AF_CTRL] = 0;
	cap(fake, ODD, 0x55, 0);

	ext_cap(fake, AER, PCI_EXT_CAP_ID_ERR, ATS);
	ext_cap(fake, ATS, PCI_EXT_CAP_ID_ATS, PASID);
	ext_cap(fake, PASID, PCI_EXT_CAP_ID_PASID, VSEC);
	ext_cap(fake, VSEC, PCI_EXT_CAP_ID_VNDR, CXL);
	hw32(fake, VSEC + 4, 0x02010001);
	ext_cap(fake, CXL, PCI_EXT_CAP_ID_DVSEC, SRIOV);
	hw32(fake, CXL + 4, 0x02001e98);
	ext_cap(fake, SRIOV, PCI_EXT_CAP_ID_SRIOV, XODD);
	ext_cap(fake, XODD, 0x77, DSN);
	ext_cap(fake, DSN, PCI_EXT_CAP_ID_DSN, 0);
}

/* The oracle: bits, as little-endian dwords, that user space may change. */
static const struct {
	u16 pos;
	u32 bits;
	u32 w1c;
} oracle[] = {
	{ 0x04, 0xf9000057, 0xf9000000 },	/* COMMAND, STATUS */
	{ 0x0c, 0x0000ffff },			/* cache line, latency */
	{ PM + 4, 0x00001e00 },			/* data select */
	{ MSI + 0x10, 0xffffffff },		/* mask */
	{ EXP + 0x08, 0x000f081f, 0x000f0000 },	/* DEVCTL, DEVSTA */
	{ EXP + 0x28, 0x0000035f },		/* DEVCTL2 */
	{ VNDR, 0xffff0000 },
	{ VNDR + 4, 0xffffffff },
	{ VNDR + 8, 0xffffffff },
	{ VNDR + 12, 0xffffffff },
	{ AER + 0x04, 0x03fff031, 0x03fff031 },	/* uncorrectable status */
	{ AER + 0x08, 0x03fff031 },		/* and mask */
	{ AER + 0x10, 0x0000f1c1, 0x0000f1c1 },	/* correctable status */
	{ AER + 0x14, 0x0000f1c1 },		/* and mask */
};

/* Bytes of no capability: first, one past the last. */
static const u16 gaps[][2] = {
	{ PM + 8, MSI }, { MSI + 24, MSIX }, { MSIX + 12, EXP },
	{ EXP + 0x34, VPD }, { AER + 0x2c, ATS }, { ATS + 8, PASID },
	{ PASID + 8, VSEC }, { VSEC + 4, CXL }, { SRIOV + 0x40, XODD },
	{ DSN + 12, PCI_CFG_SPACE_EXP_SIZE },
};

static void fake_oracle(struct fake *fake)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(oracle); i++) {
		put_unaligned_le32(oracle[i].bits,
				   fake->allowed + oracle[i].pos);
		put_unaligned_le32(oracle[i].w1c, fake->w1c + oracle[i].pos);
	}
	for (i = 0; i < ARRAY_SIZE(gaps); i++)
		memset(fake->allowed + gaps[i][0], 0xff,
		       gaps[i][1] - gaps[i][0]);
	/* Never to be cleared by us, though hardware would. */
	fake->w1c[PM + PCI_PM_CTRL + 1] = 0x80;
}

static void build(struct kunit *test)
{
	struct fake *fake = test->priv;

	KUNIT_ASSERT_EQ(test, 0, sluice_pci_vconfig_init(&fake->cfg, &fake_ops,
							 &fake->info));
	KUNIT_ASSERT_EQ(test, fake->writes, 0U);
	fake_clear_log(fake);
}

static int config_test_init(struct kunit *test)
{
	struct fake *fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);
	struct rnd_state rnd;

	if (!fake)
		return -ENOMEM;
	test->priv = fake;
	prandom_seed_state(&rnd, 4711);
	/* Whatever isn't set below is noise, not the zeroes of a good day. */
	prandom_bytes_state(&rnd, fake->hw, sizeof(fake->hw));
	fake_header(fake);
	fake_caps(fake);
	fake_oracle(fake);
	fake->bad = -1;
	return 0;
}

static void config_test_exit(struct kunit *test)
{
	struct fake *fake = test->priv;

	if (!fake)
		return;
	KUNIT_EXPECT_EQ_MSG(test, fake->bad, -1,
			    "forbidden access at %#x, bits %#x", fake->bad,
			    fake->bad_bits);
	KUNIT_EXPECT_FALSE(test, fake->locked);
	sluice_pci_vconfig_deinit(&fake->cfg);
}

static void bars_show_their_size(struct kunit *test)
{
	static const u32 size_mask[] = {
		0xffff0000, 0, 0x0000000c, 0xfffffffe, 0xffffffe1, 0,
	};
	struct fake *fake = test->priv;
	u8 before[PCI_STD_HEADER_SIZEOF];
	unsigned int i, pos;

	build(test);
	memcpy(before, fake->hw, sizeof(before));
	KUNIT_EXPECT_EQ(test, 0xfe000000U,
			user_read(test, PCI_BASE_ADDRESS_0, 4));
	for (i = 0; i < PCI_STD_NUM_BARS; i++) {
		pos = PCI_BASE_ADDRESS_0 + 4 * i;
		user_write(test, pos, 4, ~0U);
		KUNIT_EXPECT_EQ(test, size_mask[i], user_read(test, pos, 4));
		user_write(test, pos, 4, 0);
		KUNIT_EXPECT_EQ(test, size_mask[i] & 0xf & ~(i == 3 ? 0xe : 0),
				user_read(test, pos, 4));
	}
	user_write(test, PCI_ROM_ADDRESS, 4, ~0U);
	KUNIT_EXPECT_EQ(test, 0xffff8001U, user_read(test, PCI_ROM_ADDRESS, 4));

	/* In pieces, one of them across two BARs. */
	user_write(test, PCI_BASE_ADDRESS_0 + 3, 1, 0xab);
	user_write(test, PCI_BASE_ADDRESS_0 + 2, 1, 0xcd);
	KUNIT_EXPECT_EQ(test, 0xabcd0000U,
			user_read(test, PCI_BASE_ADDRESS_0, 4));
	user_write(test, PCI_BASE_ADDRESS_2 + 2, 4, 0x34567890);
	KUNIT_EXPECT_EQ(test, 0x3456U,
			user_read(test, PCI_BASE_ADDRESS_3, 2));

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
	build(test);

	KUNIT_EXPECT_EQ(test, 0x11e81234U, user_read(test, PCI_VENDOR_ID, 4));
	KUNIT_EXPECT_EQ(test, 0x11001af4U,
			user_read(test, PCI_SUBSYSTEM_VENDOR_ID, 4));
	KUNIT_EXPECT_EQ(test, 0U, user_read(test, PCI_INTERRUPT_PIN, 1));
	KUNIT_EXPECT_EQ(test, 0x6U, user_read(test, PCI_COMMAND, 2));
	KUNIT_EXPECT_TRUE(test, sluice_pci_vconfig_memory_on(&fake->cfg));

	/* The bit is the user's to play with; hardware has none. */
	user_write(test, PCI_COMMAND, 2, 0);
	KUNIT_EXPECT_EQ(test, 0U, user_read(test, PCI_COMMAND, 2));
	user_write(test, PCI_COMMAND, 2, 0x6);
	KUNIT_EXPECT_EQ(test, 0x6U, user_read(test, PCI_COMMAND, 2));
	KUNIT_EXPECT_EQ(test, 0x4U, hw_get(fake, PCI_COMMAND) & 0xffff);
	user_write(test, PCI_BASE_ADDRESS_0, 4, ~0U);
	KUNIT_EXPECT_EQ(test, 0xffff0000U,
			user_read(test, PCI_BASE_ADDRESS_0, 4));
}

static void command_orders_decode(struct kunit *test)
{
	struct fake *fake = test->priv;

	build(test);
	KUNIT_EXPECT_TRUE(test, sluice_pci_vconfig_memory_on(&fake->cfg));

	/* Withdrawn before decode goes off. */
	user_write(test, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	KUNIT_EXPECT_STREQ(test, fake->log, "rcu");
	KUNIT_EXPECT_FALSE(test, sluice_pci_vconfig_memory_on(&fake->cfg));
	KUNIT_EXPECT_EQ(test, 0x4U, hw_get(fake, PCI_COMMAND) & 0xffff);

	/* Nothing to withdraw; a byte will do. */
	fake_clear_log(fake);
	user_write(test, PCI_COMMAND, 1, 0);
	KUNIT_EXPECT_STREQ(test, fake->log, "lcu");
	KUNIT_EXPECT_EQ(test, 0U, hw_get(fake, PCI_COMMAND) & 0xffff);

	/* A dword includes STATUS. */
	fake_clear_log(fake);
	user_write(test, PCI_COMMAND, 4, 0x7);
	KUNIT_EXPECT_STREQ(test, fake->log, "lcu");
	KUNIT_EXPECT_TRUE(test, sluice_pci_vconfig_memory_on(&fake->cfg));
	KUNIT_EXPECT_EQ(test, 0x7U, hw_get(fake, PCI_COMMAND) & 0xffff);

	/* The upper byte alone changes no decode. */
	fake_clear_log(fake);
	user_write(test, PCI_COMMAND + 1, 1, 0);
	KUNIT_EXPECT_STREQ(test, fake->log, "");
	KUNIT_EXPECT_TRUE(test, sluice_pci_vconfig_memory_on(&fake->cfg));
}

static void command_intx_disable_is_virtual(struct kunit *test)
{
	struct fake *fake = test->priv;

	hw16(fake, PCI_COMMAND, 0x0407);
	build(test);
	/* What the host does with hardware's bit is no concern of the user. */
	KUNIT_EXPECT_EQ(test, 0x0007U, user_read(test, PCI_COMMAND, 2));

	user_write(test, PCI_COMMAND + 1, 1, 0x04);
	KUNIT_EXPECT_EQ(test, fake->intx_calls, 1U);
	KUNIT_EXPECT_TRUE(test, fake->intx_masked);
	KUNIT_EXPECT_EQ(test, 0x0407U, user_read(test, PCI_COMMAND, 2));
	user_write(test, PCI_COMMAND, 2, 0x0407);
	KUNIT_EXPECT_EQ(test, fake->intx_calls, 1U);
	user_write(test, PCI_COMMAND, 2, 0x0007);
	KUNIT_EXPECT_EQ(test, fake->intx_calls, 2U);
	KUNIT_EXPECT_FALSE(test, fake->intx_masked);
	KUNIT_EXPECT_EQ(test, 0x0407U, hw_get(fake, PCI_COMMAND) & 0xffff);
}

/* The host may change the upper byte while ours is being written. */
static int racing_read(struct sluice_pci_config *cfg, unsigned int pos,
		       unsigned int size, u32 *val)
{
	struct fake *fake = to_fake(cfg);
	int ret = fake_read(cfg, pos, size, val);

	if (pos == PCI_COMMAND)
		fake->hw[PCI_COMMAND + 1] |= PCI_COMMAND_INTX_DISABLE >> 8;
	return ret;
}

static void command_spares_the_hosts_byte(struct kunit *test)
{
	struct sluice_pci_config_ops ops = fake_ops;
	struct fake *fake = test->priv;

	build(test);
	ops.read = racing_read;
	fake->cfg.ops = &ops;
	user_write(test, PCI_COMMAND, 2, 0x0003);
	KUNIT_EXPECT_EQ(test, 0x0403U, hw_get(fake, PCI_COMMAND) & 0xffff);
	fake->cfg.ops = &fake_ops;
}

static void lost_bars_are_restored(struct kunit *test)
{
	struct fake *fake = test->priv;

	build(test);
	hw32(fake, PCI_BASE_ADDRESS_0, 0);
	hw32(fake, PCI_BASE_ADDRESS_3, 0);
	hw32(fake, PCI_ROM_ADDRESS, 0);
	hw16(fake, PCI_COMMAND, 0);
	memset(fake->allowed + PCI_BASE_ADDRESS_0, 0xff, 24);
	memset(fake->allowed + PCI_ROM_ADDRESS, 0xff, 4);

	user_write(test, PCI_COMMAND, 2, 0x6);
	KUNIT_EXPECT_STREQ(test, fake->log, "lbbBcu");
	KUNIT_EXPECT_EQ(test, 0xfe000000U, hw_get(fake, PCI_BASE_ADDRESS_0));
	KUNIT_EXPECT_EQ(test, 0x8U, hw_get(fake, PCI_BASE_ADDRESS_3));
	KUNIT_EXPECT_EQ(test, 0xfd000000U, hw_get(fake, PCI_ROM_ADDRESS));
}

static void status_is_cleared_by_ones(struct kunit *test)
{
	struct fake *fake = test->priv;

	build(test);
	user_write(test, PCI_STATUS, 2, 0x8010);
	KUNIT_EXPECT_EQ(test, 0x7910U, hw_get(fake, PCI_COMMAND) >> 16);
	user_write(test, PCI_STATUS + 1, 1, 0x01);
	KUNIT_EXPECT_EQ(test, 0x7810U, user_read(test, PCI_STATUS, 2));
	user_write(test, EXP + PCI_EXP_DEVSTA, 2, 0x4);
	KUNIT_EXPECT_EQ(test, 0xbU, user_read(test, EXP + PCI_EXP_DEVSTA, 2));
}

static void interrupt_registers(struct kunit *test)
{
	struct fake *fake = test->priv;
	u8 line = fake->hw[PCI_INTERRUPT_LINE];

	build(test);
	user_write(test, PCI_INTERRUPT_LINE, 2, 0x5555);
	KUNIT_EXPECT_EQ(test, 0x0155U, user_read(test, PCI_INTERRUPT_LINE, 2));
	KUNIT_EXPECT_EQ(test, line, fake->hw[PCI_INTERRUPT_LINE]);
}

static void pm_is_controlled(struct kunit *test)
{
	struct fake *fake = test->priv;

	build(test);
	KUNIT_EXPECT_EQ(test, 0x0603U, user_read(test, PM + PCI_PM_PMC, 2));
	KUNIT_EXPECT_EQ(test, 0U, user_read(test, PM + PCI_PM_CTRL, 2));

	user_write(test, PM + PCI_PM_CTRL, 2, 0x8103);
	KUNIT_EXPECT_EQ(test, fake->powers, 1U);
	KUNIT_EXPECT_TRUE(test, fake->power == PCI_D3hot);
	KUNIT_EXPECT_EQ(test, 0x3U, user_read(test, PM + PCI_PM_CTRL, 2));

	/* The upper byte: a selector, and no state. PME status stays. */
	user_write(test, PM + PCI_PM_CTRL + 1, 1, 0x9f);
	KUNIT_EXPECT_EQ(test, fake->powers, 1U);
	KUNIT_EXPECT_EQ(test, 0x9e03U, hw_get(fake, PM + PCI_PM_CTRL) & 0xffff);

	user_write(test, PM + PCI_PM_CTRL, 4, 0);
	KUNIT_EXPECT_EQ(test, fake->powers, 2U);
	KUNIT_EXPECT_TRUE(test, fake->power == PCI_D0);
	KUNIT_EXPECT_EQ(test, 0x8000U, hw_get(fake, PM + PCI_PM_CTRL) & 0xffff);
}

static void msi_is_virtual(struct kunit *test)
{
	struct fake *fake = test->priv;
	u8 before[16];

	build(test);
	memcpy(before, fake->hw + MSI, sizeof(before));
	KUNIT_EXPECT_EQ(test, 0x0186U, user_read(test, MSI + PCI_MSI_FLAGS, 2));
	KUNIT_EXPECT_EQ(test, 0U, user_read(test, MSI + PCI_MSI_ADDRESS_LO, 4));

	user_write(test, MSI + PCI_MSI_FLAGS, 2, 0xffff);
	user_write(test, MSI + PCI_MSI_ADDRESS_LO, 4, 0xfee01003);
	user_write(test, MSI + PCI_MSI_ADDRESS_HI, 4, 0x12345678);
	user_write(test, MSI + PCI_MSI_DATA_64, 2, 0x4041);
	KUNIT_EXPECT_EQ(test, 0x01f7U, user_read(test, MSI + PCI_MSI_FLAGS, 2));
	KUNIT_EXPECT_EQ(test, 0xfee01000U,
			user_read(test, MSI + PCI_MSI_ADDRESS_LO, 4));
	KUNIT_EXPECT_EQ(test, 0x12345678U,
			user_read(test, MSI + PCI_MSI_ADDRESS_HI, 4));
	KUNIT_EXPECT_EQ(test, 0x4041U,
			user_read(test, MSI + PCI_MSI_DATA_64, 2));
	KUNIT_EXPECT_MEMEQ(test, before, fake->hw + MSI, sizeof(before));
	KUNIT_EXPECT_EQ(test, fake->writes, 0U);

	user_write(test, MSI + PCI_MSI_MASK_64, 4, 0xa5a5a5a5);
	KUNIT_EXPECT_EQ(test, 0xa5a5a5a5U, hw_get(fake, MSI + PCI_MSI_MASK_64));
}

static void msi32_is_virtual(struct kunit *test)
{
	struct fake *fake = test->priv;

	/* 32-bit addresses, no mask: 10 bytes, 12 with padding. */
	hw16(fake, MSI + PCI_MSI_FLAGS, 0x0006);
	build(test);
	user_write(test, MSI + PCI_MSI_DATA_32, 2, 0x4041);
	KUNIT_EXPECT_EQ(test, 0x4041U,
			user_read(test, MSI + PCI_MSI_DATA_32, 2));
	user_write(test, MSI + PCI_MSI_DATA_32 + 2, 2, ~0U);
	KUNIT_EXPECT_EQ(test, fake->writes, 0U);
	memset(fake->allowed + MSI + 12, 0xff, 4);
	user_write(test, MSI + 12, 4, 0x01020304);
	KUNIT_EXPECT_EQ(test, 0x01020304U, hw_get(fake, MSI + 12));
}

static void msix_shows_hardware(struct kunit *test)
{
	struct fake *fake = test->priv;

	build(test);
	user_write(test, MSIX + PCI_MSIX_FLAGS, 2, 0xc000);
	KUNIT_EXPECT_EQ(test, fake->writes, 0U);
	KUNIT_EXPECT_EQ(test, 3U, user_read(test, MSIX + PCI_MSIX_FLAGS, 2));
	hw16(fake, MSIX + PCI_MSIX_FLAGS, 0x8003);
	KUNIT_EXPECT_EQ(test, 0x8003U,
			user_read(test, MSIX + PCI_MSIX_FLAGS, 2));
}

static void exp_resets_and_sizes(struct kunit *test)
{
	unsigned int devctl = EXP + PCI_EXP_DEVCTL;
	struct fake *fake = test->priv;

	build(test);
	user_write(test, devctl, 2, 0xa010);
	KUNIT_EXPECT_EQ(test, fake->resets, 1U);
	KUNIT_EXPECT_EQ(test, fake->readrq, 0U);
	KUNIT_EXPECT_EQ(test, 0x2010U, user_read(test, devctl, 2));
	user_write(test, devctl + 1, 1, 0xa0);
	KUNIT_EXPECT_EQ(test, fake->resets, 2U);
	user_write(test, devctl, 1, 0xff);
	KUNIT_EXPECT_EQ(test, fake->resets, 2U);

	/* Payload, tags and request size live in the virtual register. */
	user_write(test, devctl, 2, 0x51b5);
	KUNIT_EXPECT_EQ(test, fake->readrq, 4096U);
	KUNIT_EXPECT_EQ(test, 0x51b5U, user_read(test, devctl, 2));
	KUNIT_EXPECT_EQ(test, 0x2015U, hw_get(fake, devctl) & 0xffff);
	user_write(test, devctl, 2, 0x7000);
	KUNIT_EXPECT_EQ(test, fake->readrq, 4096U);
	user_write(test, devctl, 2, 0x0000);
	KUNIT_EXPECT_EQ(test, fake->readrq, 128U);

	hw32(fake, EXP + PCI_EXP_DEVCAP, ~PCI_EXP_DEVCAP_FLR);
	user_write(test, devctl, 2, 0x8000);
	KUNIT_EXPECT_EQ(test, fake->resets, 2U);
	KUNIT_EXPECT_EQ(test, 0U, user_read(test, devctl, 2));
}

static void af_resets(struct kunit *test)
{
	struct fake *fake = test->priv;

	build(test);
	user_write(test, AF + PCI_AF_CTRL, 1, 0xfe);
	KUNIT_EXPECT_EQ(test, fake->resets, 0U);
	user_write(test, AF + PCI_AF_CTRL, 1, 0x01);
	KUNIT_EXPECT_EQ(test, fake->resets, 1U);
	KUNIT_EXPECT_EQ(test, 0U, user_read(test, AF + PCI_AF_CTRL, 1));
	fake->hw[AF + PCI_AF_CAP] = PCI_AF_CAP_TP;
	user_write(test, AF + PCI_AF_CTRL, 1, 0x01);
	KUNIT_EXPECT_EQ(test, fake->resets, 1U);
}

static void vpd_goes_through_the_host(struct kunit *test)
{
	static const u8 text[] = "vital product data";
	struct fake *fake = test->priv;

	memcpy(fake->vpd, text, sizeof(text));
	build(test);
	user_write(test, VPD + PCI_VPD_ADDR, 2, 4);
	KUNIT_EXPECT_EQ(test, 0x8004U, user_read(test, VPD + PCI_VPD_ADDR, 2));
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(text + 4),
			user_read(test, VPD + PCI_VPD_DATA, 4));

	user_write(test, VPD + PCI_VPD_DATA, 4, 0x44434241);
	user_write(test, VPD + PCI_VPD_ADDR, 1, 8);
	KUNIT_EXPECT_MEMEQ(test, fake->vpd, text, sizeof(text));
	user_write(test, VPD + PCI_VPD_ADDR + 1, 1, 0x80);
	KUNIT_EXPECT_MEMEQ(test, fake->vpd + 8, "ABCD", 4);
	KUNIT_EXPECT_EQ(test, 8U, user_read(test, VPD + PCI_VPD_ADDR, 2));

	/* Failure: the flag doesn't change. */
	fake->vpd_error = -EIO;
	user_write(test, VPD + PCI_VPD_ADDR, 2, 4);
	KUNIT_EXPECT_EQ(test, 4U, user_read(test, VPD + PCI_VPD_ADDR, 2));
	user_write(test, VPD + PCI_VPD_ADDR, 2, 0x8004);
	KUNIT_EXPECT_EQ(test, 0x8004U, user_read(test, VPD + PCI_VPD_ADDR, 2));
	KUNIT_EXPECT_EQ(test, fake->writes, 0U);
}

static void raw_registers_pass_unread(struct kunit *test)
{
	struct fake *fake = test->priv;

	build(test);
	user_write(test, VNDR + 4, 4, 0xdeadbeef);
	KUNIT_EXPECT_EQ(test, fake->writes, 1U);
	/* Reading may have effects of its own. */
	KUNIT_EXPECT_EQ(test, fake->reads, 0U);
	KUNIT_EXPECT_EQ(test, 0xdeadbeefU, hw_get(fake, VNDR + 4));
	user_write(test, VSEC, 8, 0);
	KUNIT_EXPECT_EQ(test, fake->writes, 2U);
}

/* One way to read is as good as another. */
static void sizes_agree(struct kunit *test)
{
	struct fake *fake = test->priv;
	unsigned int pos, size, i;
	u32 val;

	build(test);
	for (pos = 0; pos <= fake->info.size - 4; pos++) {
		for (size = 2; size <= 4; size++) {
			val = 0;
			for (i = 0; i < size; i++)
				val |= user_read(test, pos + i, 1) << (8 * i);
			KUNIT_ASSERT_EQ_MSG(test, val,
					    user_read(test, pos, size),
					    "%u bytes at %#x", size, pos);
		}
	}
}

/* Both lists as a user walks them, into @found. Return: how many. */
static unsigned int walk_lists(struct kunit *test, u16 *found, unsigned int max)
{
	struct fake *fake = test->priv;
	unsigned int n = 0, steps = 0;
	u32 pos, header;

	pos = user_read(test, PCI_CAPABILITY_LIST, 1);
	if (!(user_read(test, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST))
		KUNIT_EXPECT_EQ(test, pos, 0U);
	while (pos) {
		KUNIT_ASSERT_LT(test, steps++, 48U);
		KUNIT_ASSERT_TRUE(test, pos >= 0x40 && pos < 0x100 &&
				  !(pos & 3));
		if (n < max)
			found[n++] = pos;
		pos = user_read(test, pos + 1, 1);
	}
	if (fake->info.size <= PCI_CFG_SPACE_SIZE)
		return n;
	for (pos = 0x100, steps = 0; pos; pos = header >> 20) {
		KUNIT_ASSERT_LT(test, steps++, 960U);
		KUNIT_ASSERT_TRUE(test, pos >= 0x100 && !(pos & 3));
		header = user_read(test, pos, 4);
		if (header & 0xffff && n < max)
			found[n++] = pos;
	}
	return n;
}

static void lists_show_what_policy_says(struct kunit *test)
{
	static const u16 shown[] = {
		PM, MSI, MSIX, EXP, VPD, VNDR, AF,
		AER, ATS, VSEC, CXL, SRIOV, DSN,
	};
	u16 found[64];

	build(test);
	KUNIT_ASSERT_EQ(test, ARRAY_SIZE(shown),
			walk_lists(test, found, ARRAY_SIZE(found)));
	KUNIT_EXPECT_MEMEQ(test, found, shown, sizeof(shown));
	KUNIT_EXPECT_EQ(test, 0U, user_read(test, ODD, 4));
	KUNIT_EXPECT_EQ(test, 0U, user_read(test, PASID, 4));
	KUNIT_EXPECT_EQ(test, 0U, user_read(test, PASID + 4, 4));
	KUNIT_EXPECT_EQ(test, 0U, user_read(test, XODD + 0x3c, 4));
}

static void hidden_heads_leave_a_list(struct kunit *test)
{
	struct fake *fake = test->priv;
	u16 found[64];

	cap(fake, PM, 0x55, MSI);
	ext_cap(fake, AER, PCI_EXT_CAP_ID_PASID, ATS);
	build(test);
	KUNIT_EXPECT_EQ(test, 11U,
			walk_lists(test, found, ARRAY_SIZE(found)));
	KUNIT_EXPECT_EQ(test, (u32)MSI,
			user_read(test, PCI_CAPABILITY_LIST, 1));
	KUNIT_EXPECT_EQ(test, (u32)ATS << 20, user_read(test, 0x100, 4));
}

static void no_lists(struct kunit *test)
{
	struct fake *fake = test->priv;
	u16 found[64];

	hw16(fake, PCI_STATUS, 0);
	hw32(fake, 0x100, 0);
	fake->info.size = PCI_CFG_SPACE_SIZE;
	build(test);
	KUNIT_EXPECT_EQ(test, 0U,
			walk_lists(test, found, ARRAY_SIZE(found)));
}

/* Write everywhere, in every way. test_exit asks the oracle. */
static void fuzz(struct kunit *test, unsigned int rounds)
{
	struct fake *fake = test->priv;
	unsigned int pos, size;
	struct rnd_state rnd;

	prandom_seed_state(&rnd, 20250607);
	for (size = 1; size <= 4; size++) {
		for (pos = 0; pos <= fake->info.size - size; pos++) {
			user_write(test, pos, size, ~0U);
			user_write(test, pos, size, 0);
		}
	}
	while (rounds--) {
		size = 1 + prandom_u32_state(&rnd) % 4;
		pos = prandom_u32_state(&rnd) % (fake->info.size - size + 1);
		user_write(test, pos, size, prandom_u32_state(&rnd));
		/* Most of what matters is at the beginning. */
		pos = prandom_u32_state(&rnd) % (0x250 - size + 1);
		if (pos + size <= fake->info.size)
			user_write(test, pos, size, prandom_u32_state(&rnd));
	}
}

static void no_write_escapes(struct kunit *test)
{
	struct fake *fake = test->priv;

	build(test);
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

	for (i = 0; i < ARRAY_SIZE(gaps); i++) {
		start = gaps[i][0];
		/* A vendor's capability, not a gap. */
		if (start == VSEC + 4)
			continue;
		if (ext ? start >= 0x100 : start < 0x100)
			forbid(fake, start, gaps[i][1]);
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
	build(test);
	KUNIT_EXPECT_EQ(test, param->shown,
			walk_lists(test, found, ARRAY_SIZE(found)));
	fuzz(test, 2000);
	walk_lists(test, found, ARRAY_SIZE(found));
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
		fake_clear_log(fake);
		build(test);
		walk_lists(test, found, ARRAY_SIZE(found));
		fuzz(test, 0);
		walk_lists(test, found, ARRAY_SIZE(found));
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
		ret = sluice_pci_vconfig_init(&fake->cfg, &fake_ops,
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

static void refuses_what_it_does_not_know(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake->hw[PCI_HEADER_TYPE] = PCI_HEADER_TYPE_BRIDGE;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			sluice_pci_vconfig_init(&fake->cfg, &fake_ops,
						&fake->info));
	fake->hw[PCI_HEADER_TYPE] = PCI_HEADER_TYPE_NORMAL;
	fake->info.size = 32;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			sluice_pci_vconfig_init(&fake->cfg, &fake_ops,
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
	KUNIT_CASE_SLOW(no_write_escapes),
	KUNIT_CASE_PARAM(malformed_is_contained, malformed_gen_params),
	KUNIT_CASE_SLOW(noise_is_survived),
	KUNIT_CASE(read_errors_end_init),
	KUNIT_CASE(refuses_what_it_does_not_know),
	{}
};

static struct kunit_suite config_test_suite = {
	.name = "sluice_pci_config",
	.init = config_test_init,
	.exit = config_test_exit,
	.test_cases = config_test_cases,
};

kunit_test_suite(config_test_suite);

MODULE_DESCRIPTION("KUnit suite of the virtual PCI configuration space");
MODULE_LICENSE("GPL");
