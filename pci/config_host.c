// SPDX-License-Identifier: GPL-2.0-only
/*
 * The virtual configuration space of a real device.
 *
 * Owns: the seam to struct pci_dev, power states, the interface that the rest
 * of the driver uses. Does not own: the space itself (config.c).
 *
 * Hardware is reached by the accessors that were made for user space's
 * requests: they wait while the PCI core has the device to itself, that is,
 * during a reset. Not so under memory_lock: a reset takes it when it already
 * has the device. It is kept out by the lock, and waiting for it would be a
 * deadlock.
 */
#include <linux/lockdep.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

/* The PCI core's own: pci_bus_sem. */
#include <pci/pci.h>

#include "private.h"

static struct sluice_pci_device *to_pdev(struct sluice_pci_config *cfg)
{
	return container_of(cfg, struct sluice_pci_device, config);
}

static int host_read_byte(struct sluice_pci_config *cfg, unsigned int pos,
			  u32 *val)
{
	struct pci_dev *pci = to_pdev(cfg)->pci;
	u8 byte = ~0;
	int ret;

	ret = cfg->memory_locked ? pci_read_config_byte(pci, pos, &byte) :
				   pci_user_read_config_byte(pci, pos, &byte);
	*val = byte;
	return pcibios_err_to_errno(ret);
}

static int host_read_word(struct sluice_pci_config *cfg, unsigned int pos,
			  u32 *val)
{
	struct pci_dev *pci = to_pdev(cfg)->pci;
	u16 word = ~0;
	int ret;

	ret = cfg->memory_locked ? pci_read_config_word(pci, pos, &word) :
				   pci_user_read_config_word(pci, pos, &word);
	*val = word;
	return pcibios_err_to_errno(ret);
}

static int host_read(struct sluice_pci_config *cfg, unsigned int pos,
		     unsigned int size, u32 *val)
{
	struct pci_dev *pci = to_pdev(cfg)->pci;

	switch (size) {
	case 1:
		return host_read_byte(cfg, pos, val);
	case 2:
		return host_read_word(cfg, pos, val);
	default:
		return pcibios_err_to_errno(cfg->memory_locked ?
				pci_read_config_dword(pci, pos, val) :
				pci_user_read_config_dword(pci, pos, val));
	}
}

static int host_write(struct sluice_pci_config *cfg, unsigned int pos,
		      unsigned int size, u32 val)
{
	struct pci_dev *pci = to_pdev(cfg)->pci;
	bool locked = cfg->memory_locked;
	int ret;

	/* COMMAND's decode bits are written under memory_lock only. */
	if (locked && to_pdev(cfg)->dead)
		return -EIO;

	switch (size) {
	case 1:
		ret = locked ? pci_write_config_byte(pci, pos, val) :
			       pci_user_write_config_byte(pci, pos, val);
		break;
	case 2:
		ret = locked ? pci_write_config_word(pci, pos, val) :
			       pci_user_write_config_word(pci, pos, val);
		break;
	default:
		ret = locked ? pci_write_config_dword(pci, pos, val) :
			       pci_user_write_config_dword(pci, pos, val);
		break;
	}
	return pcibios_err_to_errno(ret);
}

static void host_memory_lock(struct sluice_pci_config *cfg, bool revoke)
{
	struct sluice_pci_device *pdev = to_pdev(cfg);

	if (revoke)
		sluice_pci_memory_lock_and_revoke(pdev);
	else
		down_write(&pdev->memory_lock);
	cfg->memory_locked = true;
}

static void host_memory_unlock(struct sluice_pci_config *cfg)
{
	/* The command register was read and written back meanwhile. */
	sluice_pci_intx_sync(to_pdev(cfg));
	cfg->memory_locked = false;
	sluice_pci_memory_unlock(to_pdev(cfg));
}

/*
 * While the function was in D3hot, COMMAND could be written. What it says then
 * is what the user was told (&sluice_pci_config.decode), not the older value
 * in @pm_saved.
 */
static void restore_from_d3(struct sluice_pci_device *pdev, u8 command)
{
	struct pci_dev *pci = pdev->pci;

	pci_load_and_free_saved_state(pci, &pdev->config.pm_saved);
	pci_restore_state(pci);
	pci_write_config_byte(pci, PCI_COMMAND, command);
}

/*
 * A function without the "no soft reset" property loses its configuration on
 * the way from D3hot to D0. User space, which sees a virtual one, wouldn't
 * know what to restore.
 */
static void change_power_state_locked(struct sluice_pci_device *pdev,
				      pci_power_t state,
				      int (*set_power_state)(struct pci_dev *,
							     pci_power_t))
{
	struct sluice_pci_config *cfg = &pdev->config;
	struct pci_dev *pci = pdev->pci;
	bool was_off = pci->current_state == PCI_D3hot ||
		       pci->current_state == PCI_D3cold;
	u8 command;

	lockdep_assert_held_write(&pdev->memory_lock);

	/* Virtual functions depend on their physical function's power. */
	if (state != PCI_D0 && pci_num_vf(pci))
		return;

	if (cfg->pm_restore && !was_off && state == PCI_D3hot) {
		pci_save_state(pci);
		kfree(cfg->pm_saved);
		cfg->pm_saved = pci_store_saved_state(pci);
		/* Without a copy it couldn't come back as it was. */
		if (!cfg->pm_saved)
			return;
	}
	/* The way to D0 may clear it. */
	pci_read_config_byte(pci, PCI_COMMAND, &command);
	if (PCI_POSSIBLE_ERROR(command))
		command = 0;
	if (set_power_state(pci, state))
		return;
	if (was_off && state == PCI_D0 && cfg->pm_saved)
		restore_from_d3(pdev, command);
	/* The copy is of before D3hot, where INTx may have been set up anew. */
	if (was_off)
		sluice_pci_intx_sync(pdev);
}

static void set_power_state_locked(struct sluice_pci_device *pdev,
				   pci_power_t state)
{
	change_power_state_locked(pdev, state, pci_set_power_state);
}

/*
 * While the device is being removed: the handling of errors has pci_bus_sem while it waits for
 * the device lock, which the remover has, who may wait for us. Once awake it stays so.
 */
static void try_wake_locked(struct sluice_pci_device *pdev)
{
	if (!down_read_trylock(&pci_bus_sem))
		return;
	change_power_state_locked(pdev, PCI_D0, pci_set_power_state_locked);
	up_read(&pci_bus_sem);
}

static void host_set_power_state(struct sluice_pci_config *cfg,
				 pci_power_t state)
{
	struct sluice_pci_device *pdev = to_pdev(cfg);

	/* The lock first: MSI-X is set up in a device that is woken for that. */
	down_write(&pdev->memory_lock);
	if (pdev->pci->current_state != state) {
		sluice_pci_memory_revoke(pdev);
		if (!READ_ONCE(pdev->removing))
			set_power_state_locked(pdev, state);
		else if (state == PCI_D0)
			try_wake_locked(pdev);
	}
	sluice_pci_memory_unlock(pdev);
}

void sluice_pci_config_wake(struct sluice_pci_device *pdev)
{
	set_power_state_locked(pdev, PCI_D0);
}

void sluice_pci_config_sleep(struct sluice_pci_device *pdev)
{
	set_power_state_locked(pdev, PCI_D3hot);
}

void sluice_pci_config_reload_decode(struct sluice_pci_device *pdev)
{
	u16 decode_bits = PCI_COMMAND_IO | PCI_COMMAND_MEMORY;
	struct sluice_pci_config *cfg = &pdev->config;
	u16 command;

	lockdep_assert_held_write(&pdev->memory_lock);

	if (cfg->info.no_command_memory)
		return;
	pci_read_config_word(pdev->pci, PCI_COMMAND, &command);
	if (PCI_POSSIBLE_ERROR(command))
		command = 0;
	WRITE_ONCE(cfg->decode, command & decode_bits);
}

void sluice_pci_config_shutdown(struct sluice_pci_device *pdev)
{
	struct sluice_pci_config *cfg = &pdev->config;

	lockdep_assert_held_write(&pdev->memory_lock);

	pdev->dead = true;
	/* It may have bus mastering on. */
	kfree(cfg->pm_saved);
	cfg->pm_saved = NULL;
}

static void host_reset(struct sluice_pci_config *cfg)
{
	/*
	 * It may fail because somebody else holds the device. Hardware has no
	 * way to say so, and neither have we.
	 */
	sluice_pci_reset_function(to_pdev(cfg));
}

static void host_set_readrq(struct sluice_pci_config *cfg, unsigned int bytes)
{
	struct sluice_pci_device *pdev = to_pdev(cfg);

	/* The register is read and written back: not while somebody resets the device. */
	guard(rwsem_read)(&pdev->memory_lock);
	/*
	 * Less than a packet's payload would only waste bandwidth. Beyond a link that is
	 * down the register reads as all ones: more payload than can be requested, so
	 * those aren't written back. They have the bit that starts a reset.
	 */
	pcie_set_readrq(pdev->pci, max_t(int, bytes, pcie_get_mps(pdev->pci)));
}

static void host_bars_restored(struct sluice_pci_config *cfg)
{
	/* The reset cleared hardware's INTx disable, too. */
	sluice_pci_intx_sync(to_pdev(cfg));
}

static void host_intx_mask(struct sluice_pci_config *cfg, bool masked)
{
	sluice_pci_intx_virt_mask(to_pdev(cfg), masked);
}

static int host_vpd_read(struct sluice_pci_config *cfg, unsigned int addr,
			 u8 data[4])
{
	u8 copy[4] = {};
	ssize_t ret;

	ret = pci_read_vpd(to_pdev(cfg)->pci, addr, sizeof(copy), copy);
	if (ret < 0)
		return ret;
	memcpy(data, copy, sizeof(copy));
	return 0;
}

static int host_vpd_write(struct sluice_pci_config *cfg, unsigned int addr,
			  const u8 data[4])
{
	ssize_t ret = pci_write_vpd(to_pdev(cfg)->pci, addr, 4, data);

	if (ret < 0)
		return ret;
	return ret == 4 ? 0 : -EIO;
}

static bool host_revoked(struct sluice_pci_config *cfg)
{
	return sluice_device_revoked(&to_pdev(cfg)->sdev);
}

static const struct sluice_pci_config_ops host_ops = {
	.read = host_read,
	.write = host_write,
	.memory_lock = host_memory_lock,
	.memory_unlock = host_memory_unlock,
	.set_power_state = host_set_power_state,
	.reset = host_reset,
	.set_readrq = host_set_readrq,
	.bars_restored = host_bars_restored,
	.intx_mask = host_intx_mask,
	.vpd_read = host_vpd_read,
	.vpd_write = host_vpd_write,
	.revoked = host_revoked,
};

static void make_info(struct sluice_pci_device *pdev,
		      struct sluice_pci_config_info *info)
{
	struct pci_dev *pci = pdev->pci;
	unsigned int i;

	*info = (struct sluice_pci_config_info) {
		.dev = &pci->dev,
		.size = pci->cfg_size,
		.vendor = pci->vendor,
		.device = pci->device,
		.subvendor = pci->subsystem_vendor,
		.subdevice = pci->subsystem_device,
		.class_rev = pci->class << 8 | pci->revision,
		.virtfn = pci->is_virtfn,
		.no_command_memory = pci->no_command_memory || pci->is_virtfn,
		.intx = sluice_pci_has_intx(pdev),
	};
	for (i = 0; i < SLUICE_PCI_CONFIG_BARS; i++) {
		info->bar[i].flags = pci_resource_flags(pci, i);
		/* What the host didn't place can't be reached: not there. */
		if (pci_resource_start(pci, i))
			info->bar[i].len = pci_resource_len(pci, i);
	}
}

int sluice_pci_config_init(struct sluice_pci_device *pdev)
{
	struct sluice_pci_config_info info;
	struct pci_dev *pci = pdev->pci;
	u16 ctrl = 0;
	int ret;

	make_info(pdev, &info);
	memset(&pdev->config, 0, sizeof(pdev->config));
	ret = sluice_pci_vconfig_init(&pdev->config, &host_ops, &info);
	if (ret || !pci->pm_cap)
		return ret;
	pci_user_read_config_word(pci, pci->pm_cap + PCI_PM_CTRL, &ctrl);
	pdev->config.pm_restore = !(ctrl & PCI_PM_CTRL_NO_SOFT_RESET);
	return 0;
}

void sluice_pci_config_deinit(struct sluice_pci_device *pdev)
{
	/* The host's shutdown frees it, too, while programs still run. */
	scoped_guard(rwsem_write, &pdev->memory_lock) {
		kfree(pdev->config.pm_saved);
		pdev->config.pm_saved = NULL;
	}
	sluice_pci_vconfig_deinit(&pdev->config);
}

bool sluice_pci_memory_enabled(struct sluice_pci_device *pdev)
{
	lockdep_assert_held(&pdev->memory_lock);

	return !pdev->dead && atomic_read(&pdev->link) == SLUICE_PCI_LINK_UP &&
	       pdev->pci->current_state == PCI_D0 &&
	       sluice_pci_vconfig_memory_on(&pdev->config);
}

/* One access of up to 4 bytes. Return: how many it was; or an errno. */
static int config_access(struct sluice_pci_device *pdev, unsigned int pos,
			 size_t count, u8 *bytes, bool write)
{
	struct sluice_pci_config *cfg = &pdev->config;
	unsigned int size;
	u32 val;
	int ret;

	ret = sluice_device_enter(&pdev->sdev);
	if (ret)
		return ret;
	size = sluice_pci_vconfig_chunk(cfg, pos, count);
	if (write) {
		val = sluice_pci_config_get(bytes, size);
		ret = sluice_pci_vconfig_write(cfg, pos, size, val);
	} else {
		ret = sluice_pci_vconfig_read(cfg, pos, size, &val);
		if (!ret)
			sluice_pci_config_put(bytes, size, val);
	}
	sluice_device_exit(&pdev->sdev);
	return ret ? ret : size;
}

static int config_step(struct sluice_pci_device *pdev, char __user *buf,
		       unsigned int pos, size_t count, bool write)
{
	u8 bytes[4];
	int ret;

	if (write && copy_from_user(bytes, buf, min(count, sizeof(bytes))))
		return -EFAULT;
	ret = config_access(pdev, pos, count, bytes, write);
	if (ret > 0 && !write && copy_to_user(buf, bytes, ret))
		return -EFAULT;
	return ret;
}

/* Bytes of configuration space, or an errno. */
static int config_size(struct sluice_pci_device *pdev)
{
	int ret;

	ret = sluice_device_enter(&pdev->sdev);
	if (ret)
		return ret;
	ret = pdev->config.info.size;
	sluice_device_exit(&pdev->sdev);
	return ret;
}

ssize_t sluice_pci_config_rw(struct sluice_pci_device *pdev, char __user *buf,
			     size_t count, loff_t *ppos, bool write)
{
	u64 pos = *ppos & SLUICE_PCI_OFFSET_MASK;
	size_t done = 0;
	ssize_t ret;

	ret = config_size(pdev);
	if (ret < 0)
		return ret;
	if (pos >= ret || count > ret - pos)
		return -EFAULT;
	while (done < count) {
		ret = config_step(pdev, buf + done, pos + done, count - done,
				  write);
		if (ret < 0)
			return ret;
		done += ret;
	}
	*ppos += done;
	return done;
}
