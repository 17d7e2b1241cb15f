// SPDX-License-Identifier: GPL-2.0-only
/*
 * VT-d: a remapping unit.
 *
 * Owns: decoding what a unit can do, switching translation on and off, and
 * bringing it through a suspend. Source: VT-d specification 4.1, 11.4 (the
 * registers) and 6.6 to 6.8 (what has to follow a change).
 */
#define pr_fmt(fmt) "sluice vtd: " fmt

#include <linux/bitfield.h>
#include <linux/iopoll.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "private.h"

/* How long a unit may take to do what it was told, in microseconds. */
#define PATIENCE_US 1000000

/* AGAW, bit n of SAGAW: n + 2 levels. */
#define LEVELS_OF_SAGAW(sagaw) ((unsigned long)(sagaw) << 2)
#define LEVELS_SUPPORTED GENMASK(5, 3)

/* Bits of IOVA that so many levels of tables translate. */
static unsigned int width(unsigned int levels)
{
	return 12 + 9 * levels;
}

/**
 * vtd_unit_max_levels - the deepest tables that a unit walks
 * @unit: the unit
 *
 * Return: 3 to 5.
 */
unsigned int vtd_unit_max_levels(const struct vtd_unit *unit)
{
	return __fls(unit->levels);
}

/*
 * 6.5.2.3: a page-selective invalidation may miss a page that it doesn't cover as a
 * whole. A unit that can't cover one in one go had better not have it.
 */
static bool can_forget(const struct vtd_unit *unit, unsigned int page_lg2)
{
	return !(unit->cap & VTD_CAP_PSI) || unit->max_am >= page_lg2 - 12;
}

static int decode(struct vtd_unit *unit)
{
	struct sluice_caps *caps = &unit->iommu.caps;
	u64 cap = unit->hw->read64(unit, VTD_CAP_REG);
	u64 ecap = unit->hw->read64(unit, VTD_ECAP_REG);
	unsigned int bits;

	unit->cap = cap;
	unit->ecap = ecap;
	unit->levels = LEVELS_OF_SAGAW(FIELD_GET(VTD_CAP_SAGAW, cap)) &
		       LEVELS_SUPPORTED;
	if (!unit->levels) {
		pr_err("%s: no depth of tables that we know (SAGAW %#llx)\n",
		       unit->name, FIELD_GET(VTD_CAP_SAGAW, cap));
		return -ENODEV;
	}
	if (!(ecap & VTD_ECAP_QI)) {
		pr_err("%s: no queued invalidation\n", unit->name);
		return -ENODEV;
	}

	bits = min_t(unsigned int, FIELD_GET(VTD_CAP_MGAW, cap) + 1,
		     width(vtd_unit_max_levels(unit)));
	unit->last = GENMASK_ULL(bits - 1, 0);
	unit->max_am = cap & VTD_CAP_PSI ? FIELD_GET(VTD_CAP_MAMV, cap) : 0;
	unit->nr_dids = 1U << (4 + 2 * FIELD_GET(VTD_CAP_ND, cap));
	unit->nr_dids = min(unit->nr_dids, 1U << 16);
	unit->frcd = FIELD_GET(VTD_CAP_FRO, cap) * VTD_FRCD_BYTES;
	unit->nr_frcd = FIELD_GET(VTD_CAP_NFR, cap) + 1;
	unit->drain = (cap & VTD_CAP_DRD ? VTD_DESC_TLB_DR : 0) |
		      (cap & VTD_CAP_DWD ? VTD_DESC_TLB_DW : 0);
	unit->walk_coherent = ecap & VTD_ECAP_C;
	unit->flush_on_map = cap & (VTD_CAP_CM | VTD_CAP_RWBF);

	caps->pgsizes = SZ_4K;
	if (cap & VTD_CAP_SLLPS_2M && can_forget(unit, 21))
		caps->pgsizes |= SZ_2M;
	/* A page of 1 GiB must be possible to cut. */
	if (caps->pgsizes & SZ_2M && cap & VTD_CAP_SLLPS_1G &&
	    can_forget(unit, 30))
		caps->pgsizes |= SZ_1G;
	caps->apertures[0] = (struct sluice_range){ .last = unit->last };
	caps->nr_apertures = 1;
	caps->coherent = ecap & VTD_ECAP_SC;
	return 0;
}

/**
 * vtd_unit_init - make a unit usable; hardware isn't changed
 * @unit: zeroed but for @hw, @name, @segment and @nid
 *
 * Return: 0; -ENODEV if the unit lacks what we need, with a message; -ENOMEM.
 */
int vtd_unit_init(struct vtd_unit *unit)
{
	struct page *page;
	int ret;

	ret = decode(unit);
	if (ret)
		return ret;
	page = alloc_pages_node(unit->nid, GFP_KERNEL | __GFP_ZERO, 0);
	if (!page)
		return -ENOMEM;
	unit->root = page_address(page);
	vtd_write_back(unit, unit->root, SZ_4K);
	mutex_init(&unit->lock);
	INIT_LIST_HEAD(&unit->devices);
	ida_init(&unit->dids);
	kref_init(&unit->iommu.ref);
	vtd_fault_init(unit);
	return 0;
}

/**
 * vtd_unit_deinit - the end of a unit
 * @unit: a unit without devices, whose hardware no longer reads the tables
 */
void vtd_unit_deinit(struct vtd_unit *unit)
{
	unsigned int i;

	vtd_fault_deinit(unit);
	ida_destroy(&unit->dids);
	for (i = 0; i < VTD_TABLE_ENTRIES; i++) {
		if (unit->context[i])
			free_page((unsigned long)unit->context[i]);
	}
	free_page((unsigned long)unit->root);
	mutex_destroy(&unit->lock);
}

/**
 * vtd_unit_load - point the hardware to our root table
 * @unit: the unit
 *
 * Context: any; waits for a bounded time, but for the queue.
 * Return: 0, or an errno if the hardware doesn't answer.
 */
int vtd_unit_load(struct vtd_unit *unit)
{
	int ret;

	unit->hw->write64(unit, VTD_RTADDR_REG, virt_to_phys(unit->root));
	ret = unit->hw->command(unit, VTD_GCMD_SRTP, true);
	if (ret)
		return ret;
	/* 6.6: what was remembered from other tables isn't gone by itself. */
	return vtd_inval_global(unit);
}

/* 11.4.8: firmware's protection of memory is over once we translate. */
static void end_protection(struct vtd_unit *unit)
{
	u32 value;

	if (!(unit->cap & (VTD_CAP_PLMR | VTD_CAP_PHMR)))
		return;
	value = unit->hw->read32(unit, VTD_PMEN_REG);
	if (!(value & (VTD_PMEN_EPM | VTD_PMEN_PRS)))
		return;
	unit->hw->write32(unit, VTD_PMEN_REG, value & ~VTD_PMEN_EPM);
	if (read_poll_timeout_atomic(unit->hw->read32, value,
				     !(value & VTD_PMEN_PRS), 1, PATIENCE_US,
				     false, unit, VTD_PMEN_REG))
		pr_warn("%s: firmware's protected memory regions can't be switched off\n",
			unit->name);
}

/**
 * vtd_unit_enable - translate from now on
 * @unit: a unit with its tables loaded
 *
 * Return: 0 or -ETIMEDOUT.
 */
int vtd_unit_enable(struct vtd_unit *unit)
{
	int ret = unit->hw->command(unit, VTD_GCMD_TE, true);

	if (!ret)
		end_protection(unit);
	return ret;
}

/**
 * vtd_unit_disable - translate no longer: DMA goes where devices say
 * @unit: the unit
 *
 * Return: 0 or -ETIMEDOUT.
 */
int vtd_unit_disable(struct vtd_unit *unit)
{
	return unit->hw->command(unit, VTD_GCMD_TE, false);
}

static const unsigned int event_regs[] = {
	VTD_FECTL_REG, VTD_FEDATA_REG, VTD_FEADDR_REG, VTD_FEUADDR_REG,
};

static_assert(ARRAY_SIZE(event_regs) ==
	      ARRAY_SIZE(((struct vtd_unit *)NULL)->saved));

/**
 * vtd_unit_suspend - before the hardware loses its state
 * @unit: the unit; the last CPU runs, with interrupts off
 */
void vtd_unit_suspend(struct vtd_unit *unit)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(event_regs); i++)
		unit->saved[i] = unit->hw->read32(unit, event_regs[i]);
	if (vtd_unit_disable(unit))
		pr_err("%s: translation can't be switched off\n", unit->name);
}

/**
 * vtd_unit_resume - bring the hardware back to where it was
 * @unit: the unit; the queue runs again
 *
 * Return: 0, or an errno: then DMA isn't translated.
 */
int vtd_unit_resume(struct vtd_unit *unit)
{
	unsigned int i;
	int ret;

	/* The control register last: it has the mask. */
	for (i = ARRAY_SIZE(event_regs); i-- > 0;)
		unit->hw->write32(unit, event_regs[i], unit->saved[i]);
	ret = vtd_unit_load(unit);
	return ret ?: vtd_unit_enable(unit);
}
