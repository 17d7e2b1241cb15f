// SPDX-License-Identifier: GPL-2.0-only
/*
 * The virtual configuration space: reading and writing it.
 *
 * Owns: the life of a space, the one read and the one write path, the header
 * with its BARs. Does not own: what is allowed (config_policy.c), what else
 * happens (config_hooks.c), where capabilities are (config_caps.c).
 *
 * A BAR needs no code beyond its masks: the address bits above its size are
 * virtual and writable, the rest is constant, so writing all ones
 * and reading back yields the size, as on hardware (PCI 3.0, 6.2.5.1).
 */
#include <linux/bits.h>
#include <linux/cleanup.h>
#include <linux/ioport.h>
#include <linux/log2.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/unaligned.h>

#include "config.h"

/* Arrays behind &sluice_pci_config.value, which owns the allocation. */
#define CONFIG_ARRAYS	5

#define ROM_SHADOW_SIZE	SZ_128K

u32 sluice_pci_config_get(const u8 *bytes, unsigned int size)
{
	switch (size) {
	case 1:
		return *bytes;
	case 2:
		return get_unaligned_le16(bytes);
	default:
		return get_unaligned_le32(bytes);
	}
}

void sluice_pci_config_put(u8 *bytes, unsigned int size, u32 val)
{
	switch (size) {
	case 1:
		*bytes = val;
		break;
	case 2:
		put_unaligned_le16(val, bytes);
		break;
	default:
		put_unaligned_le32(val, bytes);
		break;
	}
}

/* All bits of @size bytes. */
static u32 full_mask(unsigned int size)
{
	return GENMASK(size * 8 - 1, 0);
}

/* Copy hardware's bytes, of which @pos is dword aligned, to the space. */
int sluice_pci_config_fill(struct sluice_pci_config *cfg, unsigned int pos,
			   unsigned int len)
{
	unsigned int end = pos + len;
	u32 val;
	int ret;

	for (; pos < end; pos += 4) {
		ret = cfg->ops->read(cfg, pos, 4, &val);
		if (ret)
			return ret;
		put_unaligned_le32(val, cfg->value + pos);
	}
	return 0;
}

/* Set the masks of those @regs that lie within @len bytes from @pos. */
void sluice_pci_config_apply(struct sluice_pci_config *cfg, unsigned int pos,
			     unsigned int len,
			     const struct sluice_pci_reg *regs)
{
	const struct sluice_pci_reg *reg;
	unsigned int at;

	for (reg = regs; reg->size; reg++) {
		if (reg->off + reg->size > len)
			continue;
		at = pos + reg->off;
		sluice_pci_config_put(cfg->virt + at, reg->size, reg->virt);
		sluice_pci_config_put(cfg->write + at, reg->size, reg->write);
		sluice_pci_config_put(cfg->w1c + at, reg->size, reg->w1c);
		sluice_pci_config_put(cfg->value + at, reg->size, ~reg->zero &
			sluice_pci_config_get(cfg->value + at, reg->size));
		memset(cfg->hook + at, reg->hook, reg->size);
		if (reg->hook)
			cfg->hook_pos[reg->hook] = pos;
	}
}

/* Bits of a BAR that say what it is, and so never change. */
static u32 bar_type(unsigned long flags)
{
	u32 type = 0;

	if (flags & IORESOURCE_IO)
		return PCI_BASE_ADDRESS_SPACE_IO;
	if (flags & IORESOURCE_MEM_64)
		type |= PCI_BASE_ADDRESS_MEM_TYPE_64;
	if (flags & IORESOURCE_PREFETCH)
		type |= PCI_BASE_ADDRESS_MEM_PREFETCH;
	return type;
}

static void install_bar(struct sluice_pci_config *cfg, unsigned int pos,
			u32 address_mask, u32 constant)
{
	u32 val = get_unaligned_le32(cfg->value + pos);

	put_unaligned_le32(~0U, cfg->virt + pos);
	put_unaligned_le32(address_mask, cfg->write + pos);
	put_unaligned_le32((val & address_mask) | constant, cfg->value + pos);
}

static void init_bars(struct sluice_pci_config *cfg)
{
	unsigned int i, pos;
	unsigned long flags;
	u64 len, mask;

	for (i = 0; i < PCI_STD_NUM_BARS; i++) {
		pos = PCI_BASE_ADDRESS_0 + 4 * i;
		len = cfg->info.bar[i].len;
		flags = cfg->info.bar[i].flags;
		if (!len) {
			install_bar(cfg, pos, 0, 0);
			continue;
		}
		mask = ~(roundup_pow_of_two(len) - 1);
		install_bar(cfg, pos, mask, bar_type(flags));
		if (flags & IORESOURCE_MEM_64 && i + 1 < PCI_STD_NUM_BARS) {
			i++;
			install_bar(cfg, pos + 4, mask >> 32, 0);
		}
	}

	len = cfg->info.bar[PCI_ROM_RESOURCE].len;
	flags = cfg->info.bar[PCI_ROM_RESOURCE].flags;
	if (!len && flags & IORESOURCE_ROM_SHADOW)
		len = ROM_SHADOW_SIZE;
	mask = len ? ~(roundup_pow_of_two(len) - 1) | PCI_ROM_ADDRESS_ENABLE : 0;
	install_bar(cfg, PCI_ROM_ADDRESS, mask, 0);
}

static void save_real_bars(struct sluice_pci_config *cfg)
{
	unsigned int i;

	for (i = 0; i < PCI_STD_NUM_BARS; i++)
		cfg->real_bar[i] = get_unaligned_le32(cfg->value +
						      PCI_BASE_ADDRESS_0 +
						      4 * i);
	cfg->real_bar[i] = get_unaligned_le32(cfg->value + PCI_ROM_ADDRESS);
}

static int init_header(struct sluice_pci_config *cfg)
{
	const struct sluice_pci_config_info *info = &cfg->info;
	u8 *value = cfg->value;
	int ret;

	ret = sluice_pci_config_fill(cfg, 0, PCI_STD_HEADER_SIZEOF);
	if (ret)
		return ret;
	if ((value[PCI_HEADER_TYPE] & PCI_HEADER_TYPE_MASK) !=
	    PCI_HEADER_TYPE_NORMAL)
		return -EINVAL;

	save_real_bars(cfg);
	cfg->decode = get_unaligned_le16(value + PCI_COMMAND) &
		      (PCI_COMMAND_IO | PCI_COMMAND_MEMORY);

	sluice_pci_config_apply(cfg, 0, PCI_STD_HEADER_SIZEOF,
				sluice_pci_header_policy());
	init_bars(cfg);

	put_unaligned_le16(info->vendor, value + PCI_VENDOR_ID);
	put_unaligned_le16(info->device, value + PCI_DEVICE_ID);
	put_unaligned_le32(info->class_rev, value + PCI_CLASS_REVISION);
	put_unaligned_le16(info->subvendor, value + PCI_SUBSYSTEM_VENDOR_ID);
	put_unaligned_le16(info->subdevice, value + PCI_SUBSYSTEM_ID);
	if (!info->intx)
		value[PCI_INTERRUPT_PIN] = 0;
	if (info->no_command_memory) {
		cfg->virt[PCI_COMMAND] |= PCI_COMMAND_MEMORY;
		value[PCI_COMMAND] |= PCI_COMMAND_MEMORY;
		cfg->decode |= PCI_COMMAND_MEMORY;
	}
	return 0;
}

int sluice_pci_vconfig_init(struct sluice_pci_config *cfg,
			    const struct sluice_pci_config_ops *ops,
			    const struct sluice_pci_config_info *info)
{
	size_t size = info->size;
	int ret;

	if (size < PCI_STD_HEADER_SIZEOF || size > PCI_CFG_SPACE_EXP_SIZE ||
	    !IS_ALIGNED(size, 4))
		return -EINVAL;

	cfg->value = kvcalloc(CONFIG_ARRAYS, size, GFP_KERNEL_ACCOUNT);
	if (!cfg->value)
		return -ENOMEM;
	cfg->virt = cfg->value + size;
	cfg->write = cfg->virt + size;
	cfg->w1c = cfg->write + size;
	cfg->hook = cfg->w1c + size;
	cfg->ops = ops;
	cfg->info = *info;
	mutex_init(&cfg->lock);

	ret = init_header(cfg);
	if (!ret)
		ret = sluice_pci_config_init_caps(cfg);
	if (ret)
		sluice_pci_vconfig_deinit(cfg);
	return ret;
}

void sluice_pci_vconfig_deinit(struct sluice_pci_config *cfg)
{
	if (!cfg->value)
		return;
	mutex_destroy(&cfg->lock);
	kvfree(cfg->value);
	memset(cfg, 0, sizeof(*cfg));
}

bool sluice_pci_vconfig_memory_on(const struct sluice_pci_config *cfg)
{
	return cfg->info.no_command_memory || cfg->decode & PCI_COMMAND_MEMORY;
}

unsigned int sluice_pci_vconfig_chunk(const struct sluice_pci_config *cfg,
				      unsigned int pos, size_t count)
{
	const u8 *hook = cfg->hook + pos;

	if (count >= 4 && IS_ALIGNED(pos, 4) &&
	    hook[0] == hook[1] && hook[1] == hook[2] && hook[2] == hook[3])
		return 4;
	if (count >= 2 && IS_ALIGNED(pos, 2) && hook[0] == hook[1])
		return 2;
	return 1;
}

static int read_locked(struct sluice_pci_config *cfg, unsigned int pos,
		       unsigned int size, u32 *val)
{
	u32 virt = sluice_pci_config_get(cfg->virt + pos, size);
	u32 hw = 0;
	int ret;

	if (virt != full_mask(size)) {
		ret = cfg->ops->read(cfg, pos, size, &hw);
		if (ret)
			return ret;
	}
	*val = (hw & ~virt) |
	       (sluice_pci_config_get(cfg->value + pos, size) & virt);
	return 0;
}

/*
 * For one access. A removal waits for those who wait here, and each may take as long as the
 * hardware does: so only the first one goes on.
 */
static int lock_config(struct sluice_pci_config *cfg)
{
	if (mutex_lock_killable(&cfg->lock))
		return -EINTR;
	if (!cfg->ops->revoked || !cfg->ops->revoked(cfg))
		return 0;
	mutex_unlock(&cfg->lock);
	return -ENODEV;
}

int sluice_pci_vconfig_read(struct sluice_pci_config *cfg, unsigned int pos,
			    unsigned int size, u32 *val)
{
	int ret;

	ret = lock_config(cfg);
	if (ret)
		return ret;
	ret = read_locked(cfg, pos, size, val);
	mutex_unlock(&cfg->lock);
	return ret;
}

/*
 * Change the bits of @mask in hardware. The access is narrowed to the bytes
 * that hold them: a neighbouring byte that the host changes at the same time,
 * for instance COMMAND's INTx disable bit from an interrupt handler, must not
 * be written back with an old value.
 */
static int write_hardware(struct sluice_pci_config *cfg, unsigned int pos,
			  unsigned int size, u32 mask, u32 val)
{
	u32 hw;
	int ret;

	while (size > 1) {
		unsigned int half = size / 2;

		if (!(mask & full_mask(half))) {
			mask >>= half * 8;
			val >>= half * 8;
			pos += half;
		} else if (mask >> (half * 8)) {
			break;
		}
		size = half;
	}

	if (mask != full_mask(size)) {
		ret = cfg->ops->read(cfg, pos, size, &hw);
		if (ret)
			return ret;
		hw &= ~sluice_pci_config_get(cfg->w1c + pos, size);
		val = (hw & ~mask) | (val & mask);
	}
	return cfg->ops->write(cfg, pos, size, val & full_mask(size));
}

/* A write that the masks describe completely. */
int sluice_pci_config_write_masked(struct sluice_pci_config *cfg,
				   unsigned int pos, unsigned int size,
				   u32 val)
{
	u32 virt = sluice_pci_config_get(cfg->virt + pos, size);
	u32 write = sluice_pci_config_get(cfg->write + pos, size);
	u32 old = sluice_pci_config_get(cfg->value + pos, size);

	lockdep_assert_held(&cfg->lock);

	sluice_pci_config_put(cfg->value + pos, size,
			      (old & ~(write & virt)) | (val & write & virt));
	if (!(write & ~virt))
		return 0;
	return write_hardware(cfg, pos, size, write & ~virt, val);
}

int sluice_pci_vconfig_write(struct sluice_pci_config *cfg, unsigned int pos,
			     unsigned int size, u32 val)
{
	unsigned int hook = cfg->hook[pos];
	int ret;

	ret = lock_config(cfg);
	if (ret)
		return ret;
	if (hook)
		ret = sluice_pci_config_write_hook(cfg, hook, pos, size, val);
	else
		ret = sluice_pci_config_write_masked(cfg, pos, size, val);
	mutex_unlock(&cfg->lock);
	return ret;
}
