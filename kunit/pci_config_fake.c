// SPDX-License-Identifier: GPL-2.0-only
/*
 * A PCI function in RAM: see pci_config_fake.h.
 */
#include <linux/prandom.h>

#include "pci_config_fake.h"

static void fake_log(struct fake *fake, char what)
{
	if (fake->logged < PCIFAKE_LOG_SIZE - 1)
		fake->log[fake->logged++] = what;
}

void pcifake_clear_log(struct fake *fake)
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

int pcifake_read(struct sluice_pci_config *cfg, unsigned int pos,
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

const struct sluice_pci_config_ops pcifake_ops = {
	.read = pcifake_read,
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

void vcfg_write(struct kunit *test, unsigned int pos, unsigned int count,
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

u32 vcfg_read(struct kunit *test, unsigned int pos, unsigned int count)
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

unsigned int vcfg_lists(struct kunit *test, u16 *found, unsigned int max)
{
	struct fake *fake = test->priv;
	unsigned int n = 0, steps = 0;
	u32 pos, header;

	pos = vcfg_read(test, PCI_CAPABILITY_LIST, 1);
	if (!(vcfg_read(test, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST))
		KUNIT_EXPECT_EQ(test, pos, 0U);
	while (pos) {
		KUNIT_ASSERT_LT(test, steps++, 48U);
		KUNIT_ASSERT_TRUE(test, pos >= 0x40 && pos < 0x100 &&
				  !(pos & 3));
		if (n < max)
			found[n++] = pos;
		pos = vcfg_read(test, pos + 1, 1);
	}
	if (fake->info.size <= PCI_CFG_SPACE_SIZE)
		return n;
	for (pos = 0x100, steps = 0; pos; pos = header >> 20) {
		KUNIT_ASSERT_LT(test, steps++, 960U);
		KUNIT_ASSERT_TRUE(test, pos >= 0x100 && !(pos & 3));
		header = vcfg_read(test, pos, 4);
		if (header & 0xffff && n < max)
			found[n++] = pos;
	}
	return n;
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

const u16 pcifake_gaps[PCIFAKE_GAPS][2] = {
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
	for (i = 0; i < ARRAY_SIZE(pcifake_gaps); i++)
		memset(fake->allowed + pcifake_gaps[i][0], 0xff,
		       pcifake_gaps[i][1] - pcifake_gaps[i][0]);
	/* Never to be cleared by us, though hardware would. */
	fake->w1c[PM + PCI_PM_CTRL + 1] = 0x80;
}

void pcifake_build(struct kunit *test)
{
	struct fake *fake = test->priv;

	KUNIT_ASSERT_EQ(test, 0, sluice_pci_vconfig_init(&fake->cfg, &pcifake_ops,
							 &fake->info));
	KUNIT_ASSERT_EQ(test, fake->writes, 0U);
	pcifake_clear_log(fake);
}

int pcifake_init(struct kunit *test)
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

void pcifake_exit(struct kunit *test)
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
