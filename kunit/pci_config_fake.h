/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A PCI function in RAM, for the suites of the virtual configuration space.
 *
 * Owns: the fake hardware behind the seam, the oracle that says what user
 * space may change in it, and access as user space does it. Does not own:
 * expectations about particular registers.
 *
 * The hardware accepts every write, so whatever the code lets through shows.
 * The oracle is written as plain numbers, and not taken from the policy tables.
 */
#ifndef SLUICE_KUNIT_PCI_CONFIG_FAKE_H
#define SLUICE_KUNIT_PCI_CONFIG_FAKE_H

#include <kunit/test.h>
#include <linux/unaligned.h>

#include "pci/config.h"

#define PCIFAKE_LOG_SIZE	16
#define PCIFAKE_GAPS		10

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
	char log[PCIFAKE_LOG_SIZE];
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

extern const struct sluice_pci_config_ops pcifake_ops;

/* Bytes of no capability: first, one past the last. */
extern const u16 pcifake_gaps[PCIFAKE_GAPS][2];

static inline struct fake *to_fake(struct sluice_pci_config *cfg)
{
	return container_of(cfg, struct fake, cfg);
}

/* Set and get hardware's registers, past the oracle. */
static inline void hw16(struct fake *fake, unsigned int pos, u16 val)
{
	put_unaligned_le16(val, fake->hw + pos);
}

static inline void hw32(struct fake *fake, unsigned int pos, u32 val)
{
	put_unaligned_le32(val, fake->hw + pos);
}

static inline u32 hw_get(struct fake *fake, unsigned int pos)
{
	return get_unaligned_le32(fake->hw + pos);
}

static inline void cap(struct fake *fake, unsigned int pos, u8 id, u8 next)
{
	hw16(fake, pos, id | next << 8);
}

static inline void ext_cap(struct fake *fake, unsigned int pos, u16 id,
			   u16 next)
{
	hw32(fake, pos, id | 1 << 16 | (u32)next << 20);
}

/* For a suite's .init and .exit; the latter asks the oracle. */
int pcifake_init(struct kunit *test);
void pcifake_exit(struct kunit *test);

void pcifake_clear_log(struct fake *fake);
int pcifake_read(struct sluice_pci_config *cfg, unsigned int pos,
		 unsigned int size, u32 *val);

/* Build the virtual space; hardware must not be written. */
void pcifake_build(struct kunit *test);

/* An access of any length, cut up as read(2) and write(2) are. */
void vcfg_write(struct kunit *test, unsigned int pos, unsigned int count,
		u32 val);
u32 vcfg_read(struct kunit *test, unsigned int pos, unsigned int count);

/* Both lists as a user walks them, into @found. Return: how many. */
unsigned int vcfg_lists(struct kunit *test, u16 *found, unsigned int max);

#endif /* SLUICE_KUNIT_PCI_CONFIG_FAKE_H */
