/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The virtual PCI configuration space that user space sees.
 *
 * Owns: the shape of the policy tables, the state of one virtual space, and
 * the seam (struct sluice_pci_config_ops) through which every access to real
 * hardware goes. Does not own: interrupts, BAR contents, the reset ioctls.
 *
 * Files: config.c reads and writes the space; config_policy.c is the
 * specification of what user space may do; config_caps.c builds the
 * capability lists; config_hooks.c has the registers that do something when
 * written; config_host.c binds all of it to a struct pci_dev.
 */
#ifndef SLUICE_PCI_CONFIG_H
#define SLUICE_PCI_CONFIG_H

#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/types.h>

struct sluice_pci_config;

/**
 * enum sluice_pci_config_hook - registers whose writes have an effect
 * @SLUICE_PCI_HOOK_NONE: the masks of the policy tables say it all
 * @SLUICE_PCI_HOOK_COMMAND: decode bits, virtual INTx disable
 * @SLUICE_PCI_HOOK_PM_CTRL: power state
 * @SLUICE_PCI_HOOK_EXP_DEVCTL: function level reset, read request size
 * @SLUICE_PCI_HOOK_AF_CTRL: function level reset
 * @SLUICE_PCI_HOOK_VPD_ADDR: starts a transfer of vital product data
 * @SLUICE_PCI_HOOK_COUNT: how many there are
 */
enum sluice_pci_config_hook {
	SLUICE_PCI_HOOK_NONE,
	SLUICE_PCI_HOOK_COMMAND,
	SLUICE_PCI_HOOK_PM_CTRL,
	SLUICE_PCI_HOOK_EXP_DEVCTL,
	SLUICE_PCI_HOOK_AF_CTRL,
	SLUICE_PCI_HOOK_VPD_ADDR,
	SLUICE_PCI_HOOK_COUNT,
};

/**
 * struct sluice_pci_reg - policy of one register
 * @off: offset in the header or capability
 * @size: bytes: 1, 2 or 4
 * @hook: what a write triggers
 * @virt: bits that live in the virtual space; the others are the hardware's
 * @write: bits user space may change, in the virtual space or in hardware
 *	according to @virt; all others are read-only
 * @w1c: hardware bits that are cleared by writing 1; they are written as 0
 *	unless user space itself writes 1 and @write permits it
 * @zero: virtual bits that start as 0 whatever the hardware says
 */
struct sluice_pci_reg {
	u8 off;
	u8 size;
	u8 hook;
	u32 virt;
	u32 write;
	u32 w1c;
	u32 zero;
};

/**
 * enum sluice_pci_cap_mode - how a capability is presented
 * @SLUICE_PCI_CAP_HIDE: not in the list; its bytes read as 0, are not writable
 * @SLUICE_PCI_CAP_SHOW: in the list; registers according to policy, the
 *	default being read-only from hardware
 * @SLUICE_PCI_CAP_RAW: in the list; all but its header passes through
 */
enum sluice_pci_cap_mode {
	SLUICE_PCI_CAP_HIDE,
	SLUICE_PCI_CAP_SHOW,
	SLUICE_PCI_CAP_RAW,
};

/**
 * struct sluice_pci_cap_policy - policy of one kind of capability
 * @mode: how it is presented
 * @multi: a function may have several; if false, further ones are hidden
 * @len: bytes with the header; 0: unknown, which stands for everything up to
 *	the next capability. Unused if @get_len is set.
 * @get_len: length from hardware at @pos; errno if that can't be read
 * @get_regs: the registers' policy, where it depends on the values at @pos,
 *	which have been read from hardware
 * @is_raw: does @SLUICE_PCI_CAP_RAW hold for the one at @pos? NULL: yes
 * @regs: the registers' policy otherwise; ends with a register of size 0
 */
struct sluice_pci_cap_policy {
	u8 mode;
	bool multi;
	u16 len;
	int (*get_len)(struct sluice_pci_config *cfg, unsigned int pos);
	const struct sluice_pci_reg *
	(*get_regs)(const struct sluice_pci_config *cfg, unsigned int pos);
	int (*is_raw)(struct sluice_pci_config *cfg, unsigned int pos);
	const struct sluice_pci_reg *regs;
};

/**
 * struct sluice_pci_config_ops - everything that reaches beyond the space
 *
 * All are called with the space's lock held, in process context, may sleep.
 *
 * @read: read @size (1, 2, 4) naturally aligned bytes of hardware config space.
 *	Return: 0 or errno.
 * @write: write likewise. Return: 0 or errno.
 * @memory_lock: keep everybody off the device's memory; with @revoke also
 *	withdraw existing user and peer-to-peer mappings.
 * @memory_unlock: undo @memory_lock; mappings may come back if memory decode
 *	is on now.
 * @set_power_state: enter @state (PCI_D0 to PCI_D3hot), keeping the device's
 *	memory safe on the way. Failure shows in hardware's power state.
 * @reset: reset the function and bring its configuration back. Like hardware,
 *	without an answer.
 * @set_readrq: set the maximum read request size, at least @bytes, as far as
 *	the host allows.
 * @bars_restored: the function was reset behind our back; its BARs are back,
 *	other registers may need the host's care, too. Memory lock held.
 * @intx_mask: the virtual INTx disable bit is now @masked.
 * @vpd_read: read 4 bytes of vital product data. Return: 0 or errno.
 * @vpd_write: write 4 bytes of vital product data. Return: 0 or errno.
 * @revoked: optional. Is the device being taken away from its user?
 */
struct sluice_pci_config_ops {
	int (*read)(struct sluice_pci_config *cfg, unsigned int pos,
		    unsigned int size, u32 *val);
	int (*write)(struct sluice_pci_config *cfg, unsigned int pos,
		     unsigned int size, u32 val);
	void (*memory_lock)(struct sluice_pci_config *cfg, bool revoke);
	void (*memory_unlock)(struct sluice_pci_config *cfg);
	void (*set_power_state)(struct sluice_pci_config *cfg,
				pci_power_t state);
	void (*reset)(struct sluice_pci_config *cfg);
	void (*set_readrq)(struct sluice_pci_config *cfg, unsigned int bytes);
	void (*bars_restored)(struct sluice_pci_config *cfg);
	void (*intx_mask)(struct sluice_pci_config *cfg, bool masked);
	int (*vpd_read)(struct sluice_pci_config *cfg, unsigned int addr,
			u8 data[4]);
	int (*vpd_write)(struct sluice_pci_config *cfg, unsigned int addr,
			 const u8 data[4]);
	bool (*revoked)(struct sluice_pci_config *cfg);
};

#define SLUICE_PCI_CONFIG_BARS	7	/* six BARs and the ROM */

/**
 * struct sluice_pci_config_info - what the host knows about the function
 * @dev: for messages; may be NULL
 * @size: bytes of configuration space: 256 or 4096, or where the host knows
 *	that the device has less, that
 * @vendor: as the host identified it; a virtual function's register has ffff
 * @device: likewise
 * @subvendor: subsystem vendor
 * @subdevice: subsystem device
 * @class_rev: class code and revision, as one register
 * @virtfn: an SR-IOV virtual function: its BARs are not in config space
 * @no_command_memory: COMMAND's memory bit isn't implemented, decode is on
 * @intx: INTx can be used
 * @bar: the BARs the host assigned; len 0: the device has none. The last is the
 *	ROM. A 64-bit BAR leaves the next one unused.
 */
struct sluice_pci_config_info {
	struct device *dev;
	u16 size;
	u16 vendor;
	u16 device;
	u16 subvendor;
	u16 subdevice;
	u32 class_rev;
	bool virtfn;
	bool no_command_memory;
	bool intx;
	struct {
		u64 len;
		unsigned long flags;
	} bar[SLUICE_PCI_CONFIG_BARS];
};

/**
 * struct sluice_pci_config - one virtual configuration space
 * @ops: the way to hardware; constant
 * @info: facts about the function; constant
 * @lock: serialises accesses. Outermost: hooks take the device's memory lock
 *	and the interrupt locks under it. User memory isn't touched under it.
 * @value: the virtual bits' values, little-endian as on the bus; @lock
 * @virt: &sluice_pci_reg.virt of each byte; constant once built
 * @write: &sluice_pci_reg.write of each byte; constant once built
 * @w1c: &sluice_pci_reg.w1c of each byte; constant once built
 * @hook: &sluice_pci_reg.hook of each byte; constant once built
 * @hook_pos: where the capability starts that a hook belongs to; constant
 * @real_bar: what the host programmed, to restore after a backdoor reset;
 *	constant
 * @decode: COMMAND's decode bits as last set by user space, less those that a
 *	reset behind its back has cleared in hardware; the device's memory
 *	lock. Bits are set with @lock held, too.
 * @intx_masked: what @intx_mask was last told; @lock
 * @memory_locked: we hold the device's memory lock (config_host.c); @lock
 * @pm_restore: leaving D3hot resets the function; constant
 * @pm_saved: configuration to restore when it leaves D3hot; memory lock
 */
struct sluice_pci_config {
	const struct sluice_pci_config_ops *ops;
	struct sluice_pci_config_info info;
	struct mutex lock;	/* values and hooks */
	u8 *value;
	u8 *virt;
	u8 *write;
	u8 *w1c;
	u8 *hook;
	u16 hook_pos[SLUICE_PCI_HOOK_COUNT];
	u32 real_bar[SLUICE_PCI_CONFIG_BARS];
	u16 decode;
	bool intx_masked;
	bool memory_locked;
	bool pm_restore;
	struct pci_saved_state *pm_saved;
};

struct sluice_pci_device;

/* config_host.c; the rest of its interface is in private.h. */

/**
 * sluice_pci_config_wake - bring the function back to D0
 * @pdev: the device
 *
 * Does what user space did not: before a reset, which works from D0 only, and
 * before close. Configuration that leaving D3hot destroyed is restored.
 *
 * Context: memory_lock held for write; config lock not needed.
 */
void sluice_pci_config_wake(struct sluice_pci_device *pdev);

/**
 * sluice_pci_config_sleep - put the function back into D3hot
 * @pdev: the device, woken for a moment by sluice_pci_config_wake()
 *
 * Context: memory_lock held for write.
 */
void sluice_pci_config_sleep(struct sluice_pci_device *pdev);

/**
 * sluice_pci_config_reload_decode - believe what hardware's COMMAND says
 * @pdev: the device, open
 *
 * After a reset by somebody else, which may have left BARs and COMMAND blank:
 * the user is refused until it writes COMMAND, when the BARs are restored.
 *
 * Context: memory_lock held for write; config lock not needed.
 */
void sluice_pci_config_reload_decode(struct sluice_pci_device *pdev);

/**
 * sluice_pci_config_shutdown - from now on no decode bit can be switched on
 * @pdev: the device, open or not
 *
 * Context: memory_lock held for write; config lock not needed.
 */
void sluice_pci_config_shutdown(struct sluice_pci_device *pdev);

/* config.c: the space, independent of struct pci_dev. */

/**
 * sluice_pci_vconfig_init - build the virtual space from hardware
 * @cfg: the space, zeroed
 * @ops: the way to hardware
 * @info: facts about the function; copied
 *
 * Malformed capability lists are cut at the fault, with a message; what
 * lies beyond is then read-only.
 *
 * Return: 0; -EINVAL if this is not a type 0 header or @info makes no sense; -ENOMEM; @ops' errno.
 * Nothing to undo after failure.
 */
int sluice_pci_vconfig_init(struct sluice_pci_config *cfg,
			    const struct sluice_pci_config_ops *ops,
			    const struct sluice_pci_config_info *info);

/**
 * sluice_pci_vconfig_deinit - free the virtual space
 * @cfg: a space that was built, or zeroed
 */
void sluice_pci_vconfig_deinit(struct sluice_pci_config *cfg);

/**
 * sluice_pci_vconfig_chunk - size of the next access
 * @cfg: the space
 * @pos: where it starts
 * @count: bytes wanted, at least 1
 *
 * Accesses are cut into naturally aligned pieces, none of which holds more
 * than one register that acts when written.
 *
 * Return: 1, 2 or 4, at most @count.
 */
unsigned int sluice_pci_vconfig_chunk(const struct sluice_pci_config *cfg,
				      unsigned int pos, size_t count);

/**
 * sluice_pci_vconfig_read - read one piece
 * @cfg: the space
 * @pos: where it starts; within the space
 * @size: a size that sluice_pci_vconfig_chunk() returned for @pos
 * @val: the result
 *
 * Return: 0 or the errno of the hardware access.
 */
int sluice_pci_vconfig_read(struct sluice_pci_config *cfg, unsigned int pos,
			    unsigned int size, u32 *val);

/**
 * sluice_pci_vconfig_write - write one piece
 * @cfg: the space
 * @pos: where it starts; within the space
 * @size: a size that sluice_pci_vconfig_chunk() returned for @pos
 * @val: the value; bits that user space may not change are ignored
 *
 * Return: 0 or the errno of the hardware access.
 */
int sluice_pci_vconfig_write(struct sluice_pci_config *cfg, unsigned int pos,
			     unsigned int size, u32 val);

/**
 * sluice_pci_vconfig_memory_on - is memory decode on, as user space set it?
 * @cfg: the space
 *
 * Context: the device's memory lock is held.
 * Return: true if it is.
 */
bool sluice_pci_vconfig_memory_on(const struct sluice_pci_config *cfg);

/* The rest is for config*.c among themselves. */

u32 sluice_pci_config_get(const u8 *bytes, unsigned int size);
void sluice_pci_config_put(u8 *bytes, unsigned int size, u32 val);
int sluice_pci_config_fill(struct sluice_pci_config *cfg, unsigned int pos,
			   unsigned int len);
void sluice_pci_config_apply(struct sluice_pci_config *cfg, unsigned int pos,
			     unsigned int len,
			     const struct sluice_pci_reg *regs);
int sluice_pci_config_write_masked(struct sluice_pci_config *cfg,
				   unsigned int pos, unsigned int size,
				   u32 val);
int sluice_pci_config_write_hook(struct sluice_pci_config *cfg,
				 unsigned int hook, unsigned int pos,
				 unsigned int size, u32 val);
int sluice_pci_config_init_caps(struct sluice_pci_config *cfg);
const struct sluice_pci_reg *sluice_pci_header_policy(void);
const struct sluice_pci_cap_policy *sluice_pci_cap_policy(unsigned int id);
const struct sluice_pci_cap_policy *sluice_pci_ext_cap_policy(unsigned int id);

#endif /* SLUICE_PCI_CONFIG_H */
