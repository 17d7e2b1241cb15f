// SPDX-License-Identifier: GPL-2.0-only
/*
 * AMD-Vi: the device table.
 *
 * Owns: which entry says what becomes of a requester ID's DMA and interrupts, and
 * the order in which its words are written, since hardware may read them at any
 * time. What hardware remembers of an old entry is the caller's business (inval.c).
 * Source: AMD 48882, 2.2.2.
 *
 * An entry has four words, each of which is written at once:
 *
 *   first	translate, how, from which tables; alone it also says "blocked"
 *   second	domain id, the device's own TLB; means something only if the first
 *		word lets DMA through
 *   third	interrupts, all of it
 *   fourth	not used: 0
 *
 * An entry that isn't valid would let everything through, so none ever is.
 */
#include <kunit/static_stub.h>
#include <linux/bitfield.h>
#include <linux/io.h>
#include <linux/lockdep.h>
#include <linux/mm.h>

#include "private.h"

#define VALID (AMDVI_DTE_V | AMDVI_DTE_TV)

/*
 * The first word of an entry that lets nothing through: no rights. It would do
 * without a table (mode 0), but QEMU 11.1 then takes the IOMMU out of the device's
 * way. So there is one, which is empty.
 */
static u64 blocked(const struct amdvi_unit *unit)
{
	return VALID | FIELD_PREP(AMDVI_DTE_MODE, 1) |
	       (virt_to_phys(unit->nothing) & AMDVI_DTE_ROOT);
}

/* Interrupts that firmware lets a device raise past the remapping table. */
#define INT_SETTINGS (AMDVI_DTE_INIT_PASS | AMDVI_DTE_EINT_PASS | \
		      AMDVI_DTE_NMI_PASS | AMDVI_DTE_LINT0_PASS | \
		      AMDVI_DTE_LINT1_PASS)

/* Interrupts of what hasn't been given any are as unwelcome as its DMA. */
#define INT_BLOCKED (AMDVI_DTE_IV | \
		     FIELD_PREP(AMDVI_DTE_INT_CTL, AMDVI_DTE_INT_ABORT))

/* 2.2.2: system management messages that pass untranslated: all, INTx alone. */
#define SYSMGT_ALL	1
#define SYSMGT_INTX	2

/* A user's device has no business with INIT, NMI and the like. */
static u64 int_settings(u8 setting, bool user)
{
	u64 ints = 0;

	if (user)
		return 0;
	if (setting & AMDVI_SETTING_INIT_PASS)
		ints |= AMDVI_DTE_INIT_PASS;
	if (setting & AMDVI_SETTING_EINT_PASS)
		ints |= AMDVI_DTE_EINT_PASS;
	if (setting & AMDVI_SETTING_NMI_PASS)
		ints |= AMDVI_DTE_NMI_PASS;
	if (setting & AMDVI_SETTING_LINT0_PASS)
		ints |= AMDVI_DTE_LINT0_PASS;
	if (setting & AMDVI_SETTING_LINT1_PASS)
		ints |= AMDVI_DTE_LINT1_PASS;
	return ints;
}

/* ... nor with the system's management, but for its own INTx. */
static u64 sysmgt_setting(u8 setting, bool user)
{
	u64 sysmgt = FIELD_GET(AMDVI_SETTING_SYSMGT, setting);

	if (user && sysmgt == SYSMGT_ALL)
		sysmgt = SYSMGT_INTX;
	return FIELD_PREP(AMDVI_DTE_SYSMGT, sysmgt);
}

/**
 * amdvi_dte_write - write one word of an entry
 * @unit: the unit
 * @word: which
 * @value: in the CPU's byte order
 *
 * Hardware sees it before whatever is written next.
 */
void amdvi_dte_write(struct amdvi_unit *unit, __le64 *word, u64 value)
{
	KUNIT_STATIC_STUB_REDIRECT(amdvi_dte_write, unit, word, value);
	WRITE_ONCE(*word, cpu_to_le64(value));
	dma_wmb();
}

static __le64 *words(struct amdvi_unit *unit, u16 rid)
{
	lockdep_assert_held(&unit->lock);
	return unit->devtab[rid].q;
}

/**
 * amdvi_dte_setup - before hardware sees the table: block everything
 * @unit: the unit
 */
void amdvi_dte_setup(struct amdvi_unit *unit)
{
	unsigned int rid;

	for (rid = 0; rid < AMDVI_DEVTAB_ENTRIES; rid++) {
		unit->devtab[rid].q[0] = cpu_to_le64(blocked(unit));
		unit->devtab[rid].q[2] = cpu_to_le64(INT_BLOCKED);
	}
}

/**
 * amdvi_dte_settings - what firmware says of a requester ID
 * @unit: the unit; before hardware sees the table
 * @rid: the requester ID
 * @setting: AMDVI_SETTING_*
 *
 * Holds for the host's devices, and while DMA is blocked at first; a user's device may do
 * less from when its user's domain is installed until the host has it back.
 */
void amdvi_dte_settings(struct amdvi_unit *unit, u16 rid, u8 setting)
{
	unit->settings[rid] = setting;
	unit->devtab[rid].q[1] = cpu_to_le64(sysmgt_setting(setting, false));
	unit->devtab[rid].q[2] =
		cpu_to_le64(INT_BLOCKED | int_settings(setting, false));
}

/**
 * amdvi_dte_make_identity - let DMA go where it says
 *
 * Return: what to install.
 */
struct amdvi_dma amdvi_dte_make_identity(void)
{
	return (struct amdvi_dma){
		.first = VALID | AMDVI_DTE_IR | AMDVI_DTE_IW,
		.second = AMDVI_DID_NONE,
		.user = false,
	};
}

/**
 * amdvi_dte_make_tables - have DMA translated
 * @root: the root table
 * @levels: depth of the tables
 * @did: domain id
 * @iotlb: the device may have a TLB of its own
 * @user: they aren't those of a host driver
 *
 * Return: what to install.
 */
struct amdvi_dma amdvi_dte_make_tables(phys_addr_t root, unsigned int levels,
				       u16 did, bool iotlb, bool user)
{
	return (struct amdvi_dma){
		.first = VALID | AMDVI_DTE_IR | AMDVI_DTE_IW |
			 FIELD_PREP(AMDVI_DTE_MODE, levels) |
			 (root & AMDVI_DTE_ROOT),
		.second = FIELD_PREP(AMDVI_DTE_DOMAIN, did) |
			  (iotlb ? AMDVI_DTE_IOTLB : 0),
		.user = user,
	};
}

/* Returns false if that is what it was. */
static bool write_ints(struct amdvi_unit *unit, __le64 *q, u64 value)
{
	if (le64_to_cpu(q[2]) == value)
		return false;
	/* All of it is in this word. */
	amdvi_dte_write(unit, &q[2], value);
	return true;
}

static bool is_there(const __le64 *q, const struct amdvi_dma *dma)
{
	return le64_to_cpu(q[0]) == dma->first &&
	       (le64_to_cpu(q[1]) & ~AMDVI_DTE_SYSMGT) == dma->second;
}

/* Something else is there that nobody would take out any more. */
static void evict(struct amdvi_unit *unit, u16 rid, __le64 *q)
{
	u16 did = FIELD_GET(AMDVI_DTE_DOMAIN, le64_to_cpu(q[1]));

	amdvi_dte_write(unit, &q[0], blocked(unit));
	amdvi_inval_dte(unit, &rid, 1, did);
}

/**
 * amdvi_dte_install - let a requester ID's DMA through
 * @unit: the unit; its lock is held
 * @rid: the requester ID. Its DMA should be blocked, or this be there already, for
 *	another device that shares the requester ID
 * @dma: how
 *
 * Hardware must be told.
 */
void amdvi_dte_install(struct amdvi_unit *unit, u16 rid,
		       const struct amdvi_dma *dma)
{
	u8 setting = unit->settings[rid];
	__le64 *q = words(unit, rid);

	if (is_there(q, dma))
		return;
	if (le64_to_cpu(q[0]) != blocked(unit))
		evict(unit, rid, q);
	write_ints(unit, q, (le64_to_cpu(q[2]) & ~INT_SETTINGS) |
		   int_settings(setting, dma->user));
	amdvi_dte_write(unit, &q[1], dma->second |
			sysmgt_setting(setting, dma->user));
	/* The word that opens the way is the last. */
	amdvi_dte_write(unit, &q[0], dma->first);
}

/**
 * amdvi_dte_block - block a requester ID's DMA
 * @unit: the unit; its lock is held
 * @rid: the requester ID
 * @dma: what was installed; something else isn't the caller's to block
 *
 * Return: true if it was there: then hardware must be told.
 */
bool amdvi_dte_block(struct amdvi_unit *unit, u16 rid,
		     const struct amdvi_dma *dma)
{
	__le64 *q = words(unit, rid);

	if (!is_there(q, dma))
		return false;
	/* In reverse. */
	amdvi_dte_write(unit, &q[0], blocked(unit));
	amdvi_dte_write(unit, &q[1], le64_to_cpu(q[1]) & AMDVI_DTE_SYSMGT);
	return true;
}

static bool set_interrupts(struct amdvi_unit *unit, u16 rid, u64 value)
{
	__le64 *q = words(unit, rid);

	return write_ints(unit, q,
			  value | (le64_to_cpu(q[2]) & INT_SETTINGS));
}

/**
 * amdvi_dte_interrupts_pass - let any interrupt request of a requester ID pass
 * @unit: the unit; its lock is held
 * @rid: the requester ID
 *
 * Return: true if it has changed: then hardware must be told.
 */
bool amdvi_dte_interrupts_pass(struct amdvi_unit *unit, u16 rid)
{
	return set_interrupts(unit, rid, 0);
}

/**
 * amdvi_dte_interrupts - say what becomes of a requester ID's interrupts
 * @unit: the unit; its lock is held
 * @rid: the requester ID
 * @table: physical address of the remapping table; 0: they are blocked
 * @entries_lg2: log2 of its entries
 *
 * Return: true if it has changed: then hardware must be told.
 */
bool amdvi_dte_interrupts(struct amdvi_unit *unit, u16 rid, phys_addr_t table,
			  unsigned int entries_lg2)
{
	u64 value = INT_BLOCKED;

	if (table)
		value = AMDVI_DTE_IV |
			FIELD_PREP(AMDVI_DTE_INT_LEN, entries_lg2) |
			(table & AMDVI_DTE_INT_ROOT) |
			FIELD_PREP(AMDVI_DTE_INT_CTL, AMDVI_DTE_INT_REMAP);
	return set_interrupts(unit, rid, value);
}
