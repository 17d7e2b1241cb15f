// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers of the virtual configuration space that act when written.
 *
 * Owns: COMMAND, power state, the two function level resets, read request
 * size, vital product data. Does not own: the masks of these registers
 * (config_policy.c), nor how hardware is brought to do it
 * (struct sluice_pci_config_ops).
 *
 * Each hook is called for a piece of its register, so for one byte or both;
 * it looks at the bytes it got, or at the virtual value afterwards.
 */
#include <linux/bitfield.h>
#include <linux/build_bug.h>
#include <linux/device.h>
#include <linux/unaligned.h>

#include "config.h"

#define DECODE_BITS	(PCI_COMMAND_IO | PCI_COMMAND_MEMORY)

static int restore_bar(struct sluice_pci_config *cfg, unsigned int pos,
		       u32 real, bool *lost)
{
	u32 val;
	int ret;

	ret = cfg->ops->read(cfg, pos, 4, &val);
	if (ret || val == real)
		return ret;
	*lost = true;
	return cfg->ops->write(cfg, pos, 4, real);
}

/*
 * A device can be reset by means of its own that nobody here sees. Its BARs
 * are gone then, and must be back before it decodes anything again.
 */
static int restore_bars(struct sluice_pci_config *cfg)
{
	bool lost = false;
	unsigned int i;
	int ret = 0;

	if (cfg->info.virtfn)
		return 0;
	for (i = 0; i < PCI_STD_NUM_BARS && !ret; i++)
		if (cfg->real_bar[i])
			ret = restore_bar(cfg, PCI_BASE_ADDRESS_0 + 4 * i,
					  cfg->real_bar[i], &lost);
	if (ret || !lost)
		return ret;

	if (cfg->info.dev)
		dev_info_ratelimited(cfg->info.dev,
				     "restoring BARs after a reset\n");
	cfg->ops->bars_restored(cfg);
	return cfg->ops->write(cfg, PCI_ROM_ADDRESS, 4,
			       cfg->real_bar[PCI_ROM_RESOURCE]);
}

static int write_decode(struct sluice_pci_config *cfg, unsigned int size,
			u32 val)
{
	u16 decode = val & DECODE_BITS;
	/* Unless we write it, it only loses bits: see config.h. */
	u16 old = READ_ONCE(cfg->decode);
	int ret;

	cfg->ops->memory_lock(cfg, old & ~decode & PCI_COMMAND_MEMORY);
	ret = restore_bars(cfg);
	if (!ret)
		ret = sluice_pci_config_write_masked(cfg, PCI_COMMAND, size,
						     val);
	if (!ret)
		cfg->decode = decode;
	cfg->ops->memory_unlock(cfg);
	return ret;
}

static int command_write(struct sluice_pci_config *cfg, unsigned int pos,
			 unsigned int size, u32 val)
{
	bool masked;
	int ret;

	if (pos == PCI_COMMAND)
		ret = write_decode(cfg, size, val);
	else
		ret = sluice_pci_config_write_masked(cfg, pos, size, val);
	if (ret)
		return ret;

	masked = get_unaligned_le16(cfg->value + PCI_COMMAND) &
		 PCI_COMMAND_INTX_DISABLE;
	if (masked != cfg->intx_masked) {
		cfg->intx_masked = masked;
		cfg->ops->intx_mask(cfg, masked);
	}
	return 0;
}

static int pm_ctrl_write(struct sluice_pci_config *cfg, unsigned int pos,
			 unsigned int size, u32 val)
{
	unsigned int base = cfg->hook_pos[SLUICE_PCI_HOOK_PM_CTRL];
	int ret;

	BUILD_BUG_ON((__force int)PCI_D0 != 0 || (__force int)PCI_D3hot != 3);

	ret = sluice_pci_config_write_masked(cfg, pos, size, val);
	if (!ret && pos == base + PCI_PM_CTRL)
		cfg->ops->set_power_state(cfg, (__force pci_power_t)
				FIELD_GET(PCI_PM_CTRL_STATE_MASK, val));
	return ret;
}

/* Maximum read request size that the virtual DEVCTL asks for, in bytes. */
static unsigned int virtual_readrq(const struct sluice_pci_config *cfg,
				   unsigned int devctl)
{
	u16 val = get_unaligned_le16(cfg->value + devctl);

	return 128 << FIELD_GET(PCI_EXP_DEVCTL_READRQ, val);
}

static int exp_devctl_write(struct sluice_pci_config *cfg, unsigned int pos,
			    unsigned int size, u32 val)
{
	unsigned int base = cfg->hook_pos[SLUICE_PCI_HOOK_EXP_DEVCTL];
	unsigned int devctl = base + PCI_EXP_DEVCTL;
	unsigned int readrq = virtual_readrq(cfg, devctl);
	u32 cap;
	u16 ctl;
	int ret;

	ret = sluice_pci_config_write_masked(cfg, pos, size, val);
	if (ret)
		return ret;

	/* 6 and 7 are reserved encodings. */
	if (virtual_readrq(cfg, devctl) != readrq &&
	    virtual_readrq(cfg, devctl) <= 4096)
		cfg->ops->set_readrq(cfg, virtual_readrq(cfg, devctl));

	ctl = get_unaligned_le16(cfg->value + devctl);
	if (!(ctl & PCI_EXP_DEVCTL_BCR_FLR))
		return 0;
	/* The bit always reads as 0. */
	put_unaligned_le16(ctl & ~PCI_EXP_DEVCTL_BCR_FLR, cfg->value + devctl);
	ret = cfg->ops->read(cfg, base + PCI_EXP_DEVCAP, 4, &cap);
	if (!ret && cap & PCI_EXP_DEVCAP_FLR)
		cfg->ops->reset(cfg);
	return ret;
}

static int af_ctrl_write(struct sluice_pci_config *cfg, unsigned int pos,
			 unsigned int size, u32 val)
{
	unsigned int base = cfg->hook_pos[SLUICE_PCI_HOOK_AF_CTRL];
	u32 cap;
	int ret;

	ret = sluice_pci_config_write_masked(cfg, pos, size, val);
	if (ret || !(cfg->value[pos] & PCI_AF_CTRL_FLR))
		return ret;

	cfg->value[pos] &= ~PCI_AF_CTRL_FLR;
	ret = cfg->ops->read(cfg, base + PCI_AF_CAP, 1, &cap);
	if (!ret && cap & PCI_AF_CAP_FLR && cap & PCI_AF_CAP_TP)
		cfg->ops->reset(cfg);
	return ret;
}

static int vpd_addr_write(struct sluice_pci_config *cfg, unsigned int pos,
			  unsigned int size, u32 val)
{
	unsigned int base = cfg->hook_pos[SLUICE_PCI_HOOK_VPD_ADDR];
	u8 *data = cfg->value + base + PCI_VPD_DATA;
	u16 addr;
	int ret;

	ret = sluice_pci_config_write_masked(cfg, pos, size, val);
	/* The transfer starts when the byte with the flag is written. */
	if (ret || pos + size != base + PCI_VPD_ADDR + 2)
		return ret;

	addr = get_unaligned_le16(cfg->value + base + PCI_VPD_ADDR);
	if (addr & PCI_VPD_ADDR_F)
		ret = cfg->ops->vpd_write(cfg, addr & PCI_VPD_ADDR_MASK, data);
	else
		ret = cfg->ops->vpd_read(cfg, addr & PCI_VPD_ADDR_MASK, data);
	/*
	 * The flag's change is the sign of completion. After a failure it
	 * stays, and the user's driver runs into its time-out as it
	 * would with hardware.
	 */
	if (!ret)
		put_unaligned_le16(addr ^ PCI_VPD_ADDR_F,
				   cfg->value + base + PCI_VPD_ADDR);
	return 0;
}

typedef int (*hook_fn)(struct sluice_pci_config *cfg, unsigned int pos,
		       unsigned int size, u32 val);

static const hook_fn hooks[SLUICE_PCI_HOOK_COUNT] = {
	[SLUICE_PCI_HOOK_COMMAND]	= command_write,
	[SLUICE_PCI_HOOK_PM_CTRL]	= pm_ctrl_write,
	[SLUICE_PCI_HOOK_EXP_DEVCTL]	= exp_devctl_write,
	[SLUICE_PCI_HOOK_AF_CTRL]	= af_ctrl_write,
	[SLUICE_PCI_HOOK_VPD_ADDR]	= vpd_addr_write,
};

int sluice_pci_config_write_hook(struct sluice_pci_config *cfg,
				 unsigned int hook, unsigned int pos,
				 unsigned int size, u32 val)
{
	lockdep_assert_held(&cfg->lock);

	return hooks[hook](cfg, pos, size, val);
}
