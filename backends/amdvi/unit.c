// SPDX-License-Identifier: GPL-2.0-only
/*
 * AMD-Vi: an IOMMU.
 *
 * Owns: decoding what a unit can do, switching it on and off, and bringing it
 * through a suspend. Source: AMD 48882, 3.2 (capability), 3.4 (registers), 2.4.8
 * and 5.3 (what has to precede and follow a change).
 */
#define pr_fmt(fmt) "sluice amdvi: " fmt

#include <linux/bitfield.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>

#include "private.h"

/* Tables of so many levels: 48 bits of IOVA. Every unit walks them. */
#define LEVELS 4

/*
 * 2.2.3: any power of two. Larger ones than this would be of no use: memory isn't
 * contiguous for so long.
 */
#define PGSIZES GENMASK_ULL(38, 12)

#define DEVTAB_BYTES (AMDVI_DEVTAB_ENTRIES * sizeof(struct amdvi_dte))
#define DEVTAB_ORDER get_order(DEVTAB_BYTES)

/* What we ever set; the rest is as at power-on. */
#define CONTROL_FLAGS (AMDVI_CONTROL_HT_TUN_EN | AMDVI_CONTROL_PASS_PW | \
		       AMDVI_CONTROL_RES_PASS_PW | AMDVI_CONTROL_ISOC | \
		       AMDVI_CONTROL_COHERENT | AMDVI_CONTROL_INV_TIMEOUT)

static int decode(struct amdvi_unit *unit)
{
	struct sluice_caps *caps = &unit->iommu.caps;

	if (FIELD_GET(AMDVI_CAP_TYPE, unit->cap) != AMDVI_CAP_TYPE_IOMMU) {
		pr_err("%s: no IOMMU capability (header %#x)\n", unit->name,
		       unit->cap);
		return -ENODEV;
	}
	if (unit->cap & AMDVI_CAP_EFR)
		unit->efr = unit->hw->read64(unit, AMDVI_EFR_REG);
	if (FIELD_GET(AMDVI_EFR_HATS, unit->efr) == AMDVI_EFR_HATS_NONE) {
		pr_err("%s: no host page tables (features %#llx)\n", unit->name,
		       unit->efr);
		return -ENODEV;
	}
	unit->levels = LEVELS;
	unit->np_cache = unit->cap & AMDVI_CAP_NP_CACHE;
	unit->inv_all = unit->efr & AMDVI_EFR_INV_ALL;
	unit->ga = unit->efr & AMDVI_EFR_GA && unit->hw->write128;

	caps->pgsizes = PGSIZES;
	caps->apertures[0] = (struct sluice_range){
		.last = GENMASK_ULL(12 + 9 * LEVELS - 1, 0),
	};
	caps->nr_apertures = 1;
	/* Entries have a bit for it (FC). */
	caps->coherent = true;
	return 0;
}

/**
 * amdvi_control - change CONTROL
 * @unit: the unit
 * @clear: bits to clear
 * @set: bits to set then
 *
 * Context: any.
 */
void amdvi_control(struct amdvi_unit *unit, u64 clear, u64 set)
{
	unsigned long flags;
	u64 value;

	raw_spin_lock_irqsave(&unit->control_lock, flags);
	value = unit->hw->read64(unit, AMDVI_CONTROL_REG);
	unit->hw->write64(unit, AMDVI_CONTROL_REG, (value & ~clear) | set);
	raw_spin_unlock_irqrestore(&unit->control_lock, flags);
}

/**
 * amdvi_unit_init - make a unit usable; hardware isn't changed
 * @unit: zeroed but for @hw, @name, @segment, @rid, @nid, @cap and @flags
 *
 * All DMA is blocked in its device table.
 *
 * Return: 0; -ENODEV if the unit lacks what we need, with a message; -ENOMEM.
 */
int amdvi_unit_init(struct amdvi_unit *unit)
{
	struct page *pages;
	int ret;

	raw_spin_lock_init(&unit->control_lock);
	ret = decode(unit);
	if (ret)
		return ret;
	pages = alloc_pages_node(unit->nid, GFP_KERNEL | __GFP_ZERO,
				 DEVTAB_ORDER);
	if (!pages)
		return -ENOMEM;
	unit->devtab = page_address(pages);
	ret = -ENOMEM;
	unit->settings = vzalloc(AMDVI_DEVTAB_ENTRIES);
	if (!unit->settings)
		goto err_devtab;
	unit->nothing = (void *)get_zeroed_page(GFP_KERNEL);
	if (!unit->nothing)
		goto err_settings;
	ret = amdvi_queue_init(unit);
	if (ret)
		goto err_nothing;
	ret = amdvi_fault_init(unit);
	if (ret)
		goto err_queue;
	amdvi_dte_setup(unit);
	mutex_init(&unit->lock);
	INIT_LIST_HEAD(&unit->devices);
	ida_init(&unit->dids);
	kref_init(&unit->iommu.ref);
	return 0;

err_queue:
	amdvi_queue_deinit(unit);
err_nothing:
	free_page((unsigned long)unit->nothing);
err_settings:
	vfree(unit->settings);
err_devtab:
	free_pages((unsigned long)unit->devtab, DEVTAB_ORDER);
	return ret;
}

/**
 * amdvi_unit_deinit - the end of a unit
 * @unit: a unit without devices, whose hardware no longer reads the tables
 */
void amdvi_unit_deinit(struct amdvi_unit *unit)
{
	amdvi_fault_deinit(unit);
	amdvi_queue_deinit(unit);
	ida_destroy(&unit->dids);
	free_page((unsigned long)unit->nothing);
	vfree(unit->settings);
	free_pages((unsigned long)unit->devtab, DEVTAB_ORDER);
	mutex_destroy(&unit->lock);
}

static u64 control_flags(u8 ivhd)
{
	u64 flags = AMDVI_CONTROL_COHERENT |
		    FIELD_PREP(AMDVI_CONTROL_INV_TIMEOUT,
			       AMDVI_INV_TIMEOUT_100MS);

	if (ivhd & AMDVI_IVHD_HT_TUN_EN)
		flags |= AMDVI_CONTROL_HT_TUN_EN;
	if (ivhd & AMDVI_IVHD_PASS_PW)
		flags |= AMDVI_CONTROL_PASS_PW;
	if (ivhd & AMDVI_IVHD_RES_PASS_PW)
		flags |= AMDVI_CONTROL_RES_PASS_PW;
	if (ivhd & AMDVI_IVHD_ISOC)
		flags |= AMDVI_CONTROL_ISOC;
	return flags;
}

/**
 * amdvi_unit_load - point the hardware to our tables and rings
 * @unit: the unit; whatever it did before, it stops
 *
 * Context: any.
 */
void amdvi_unit_load(struct amdvi_unit *unit)
{
	const struct amdvi_hw *hw = unit->hw;

	amdvi_unit_disable(unit);
	hw->write64(unit, AMDVI_DEVTAB_REG,
		    (virt_to_phys(unit->devtab) & AMDVI_DEVTAB_BASE) |
		    FIELD_PREP(AMDVI_DEVTAB_SIZE, DEVTAB_BYTES / SZ_4K - 1));
	/* Memory that firmware has left out of translation. */
	hw->write64(unit, AMDVI_EXCL_BASE_REG, 0);
	hw->write64(unit, AMDVI_EXCL_LIMIT_REG, 0);
	amdvi_control(unit, CONTROL_FLAGS, control_flags(unit->flags));
	/* The wider entries of interrupt tables. */
	if (unit->ga)
		amdvi_control(unit, 0, AMDVI_CONTROL_GA_EN);
	amdvi_queue_enable(unit);
	amdvi_fault_enable(unit);
}

/**
 * amdvi_unit_enable - translate from now on
 * @unit: a unit with its tables loaded
 *
 * Context: any; waits for a bounded time.
 * Return: 0; -EIO if the hardware doesn't answer.
 */
int amdvi_unit_enable(struct amdvi_unit *unit)
{
	amdvi_control(unit, 0, AMDVI_CONTROL_IOMMU_EN);
	/* Before, it took no commands, so it may remember what it was before that. */
	WRITE_ONCE(unit->on, true);
	return amdvi_inval_all(unit);
}

/**
 * amdvi_unit_disable - translate no longer: DMA goes where devices say
 * @unit: the unit
 *
 * Its command buffer and its event log stop, too.
 */
void amdvi_unit_disable(struct amdvi_unit *unit)
{
	WRITE_ONCE(unit->on, false);
	/* Translation last: commands and events need nothing of it. */
	amdvi_control(unit, AMDVI_CONTROL_CMD_EN | AMDVI_CONTROL_EVENT_LOG_EN |
		      AMDVI_CONTROL_EVENT_INT_EN | AMDVI_CONTROL_COMWAIT_INT_EN |
		      AMDVI_CONTROL_PPR_LOG_EN | AMDVI_CONTROL_PPR_INT_EN |
		      AMDVI_CONTROL_PPR_EN | AMDVI_CONTROL_GT_EN |
		      AMDVI_CONTROL_GA_LOG_EN | AMDVI_CONTROL_GA_INT_EN, 0);
	amdvi_control(unit, AMDVI_CONTROL_IOMMU_EN | AMDVI_CONTROL_GA_EN |
		      AMDVI_CONTROL_XT_EN | AMDVI_CONTROL_INTCAP_XT_EN, 0);
}

/**
 * amdvi_unit_resume - bring the hardware back to where it was before a suspend
 * @unit: the unit; the last CPU runs, with interrupts off
 *
 * Return: 0; -EIO: then DMA isn't translated.
 */
int amdvi_unit_resume(struct amdvi_unit *unit)
{
	amdvi_unit_load(unit);
	return amdvi_unit_enable(unit);
}
