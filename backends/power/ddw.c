// SPDX-License-Identifier: GPL-2.0-only
/*
 * Windows as the hypervisor has them.
 *
 * Owns: what windows a PE can have, the rules for making and removing them, and how a
 * PE is brought back to its default window, empty. Does not own: domains' windows
 * (window.c).
 *
 * Where a window begins is the hypervisor's choice. LoPAR: when the last window of a PE
 * is removed, and it wasn't the default one, the platform restores the default window.
 * Hypervisors may place a window onto one that exists, if windows come and go in the
 * wrong order.
 */
#define pr_fmt(fmt) "sluice power: " fmt

#include <linux/array_size.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/printk.h>

#include "private.h"

/*
 * TCEs of the large window of unified domains: 128 GiB with pages of 64K, 8 GiB with
 * pages of 4K. The window is made once for every PE, to see where it is, without anybody
 * having asked for it. So it may not be larger than what any hypervisor can make: under
 * QEMU, where the host has VFIO of its own, a window with more TCEs than these ends the
 * virtual machine. The table takes the hypervisor 16 MiB.
 */
#define LARGE_TCES_LG2 21

/*
 * Tables of windows with more TCEs are refused here: they would take gigabytes of the
 * hypervisor's memory, which nobody charges for, and some hypervisors compute their
 * number in 32 bits.
 */
#define MAX_TCES_LG2 28

static u64 decode_sizes(u32 mask)
{
	static const u64 sizes[] = POWER_QUERY_SIZES;
	u64 ret = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (mask & BIT(i))
			ret |= sizes[i];
	}
	return ret;
}

/* Pages as large as the CPU's, or the next smaller ones. */
static unsigned int best_lg2(u64 pgsizes)
{
	pgsizes &= GENMASK_ULL(PAGE_SHIFT, 0);
	return pgsizes ? ilog2(pgsizes) : 0;
}

static int try_large(struct power_pe *pe, const struct power_ddw_query *query,
		     u64 pgsizes)
{
	unsigned int page_lg2 = best_lg2(pgsizes), tces_lg2;
	struct power_ddw window;

	if (!page_lg2 || !query->windows || !query->largest)
		return 0;
	tces_lg2 = min_t(unsigned int, ilog2(query->largest), LARGE_TCES_LG2);
	/* Where it would be is known only when it's there. */
	if (power_ddw_create(pe, page_lg2, 1ULL << (tces_lg2 + page_lg2),
			     &window))
		return 0;
	if (power_ddw_remove(pe, window.liobn))
		return power_ddw_normalise(pe);
	/* Apertures are neither to overlap nor to be adjacent. */
	if (window.start <= pe->desc.window.last ||
	    window.start - 1 == pe->desc.window.last)
		return 0;
	pe->large.start = window.start;
	pe->large.last = window.start + ((1ULL << (tces_lg2 + page_lg2)) - 1);
	pe->large_lg2 = page_lg2;
	return 0;
}

/**
 * power_ddw_decode - find out what windows a PE can have
 * @pe: the PE; it has only its default window
 *
 * Sets &power_pe.large and the capabilities.
 *
 * Return: 0; -ENODEV if the default window is of no use; -EIO if the PE isn't left with
 * that alone.
 */
int power_ddw_decode(struct power_pe *pe)
{
	struct sluice_caps *caps = &pe->iommu.caps;
	struct power_ddw_query query = {};
	u64 pgsizes = 0;
	int ret;

	pe->large = (struct sluice_range){ .start = 1, .last = 0 };
	if (pe->desc.query && pe->desc.reset &&
	    !pe->hv->query(&pe->desc, &query))
		pgsizes = decode_sizes(query.sizes);
	ret = try_large(pe, &query, pgsizes);
	if (ret)
		return ret;

	caps->windows.initial = pe->desc.window;
	caps->windows.initial_lg2 = POWER_DEFAULT_LG2;
	/* The default one's can be had again, whatever the query says. */
	caps->windows.pgsizes = pgsizes ? pgsizes | SZ_4K : 0;
	caps->windows.max = min_t(u32, query.windows, SLUICE_MAX_HW_WINDOWS - 1)
			    + 1;
	caps->windows.levels = 1;

	caps->pgsizes = PAGE_SIZE;
	caps->apertures[0] = pe->desc.window;
	caps->nr_apertures = 1;
	if (!sluice_range_empty(&pe->large))
		caps->apertures[caps->nr_apertures++] = pe->large;
	/* LoPAR: DMA is coherent, and a PE's interrupts are its own. */
	caps->coherent = true;
	caps->isolated_msi = true;
	return pe->desc.window.last - pe->desc.window.start < PAGE_SIZE - 1 ?
	       -ENODEV : 0;
}

/**
 * power_ddw_normalise - have a PE with its default window alone, and that empty
 * @pe: the PE; nobody uses it
 *
 * Whatever the host's drivers, or firmware, have left there: the next owner must not
 * find it. From then on, this is what a PE has whenever it is in no domain.
 *
 * Return: 0 or -EIO.
 */
int power_ddw_normalise(struct power_pe *pe)
{
	u64 bytes = pe->desc.window.last - pe->desc.window.start + 1;
	unsigned int try = 0;
	int ret = 0;

	if (pe->desc.reset)
		ret = pe->hv->reset(&pe->desc);
	if (!ret)
		ret = power_tces_stuff(pe, pe->desc.liobn,
				       pe->desc.window.start, POWER_DEFAULT_LG2,
				       bytes >> POWER_DEFAULT_LG2, &try);
	if (ret)
		pr_err_ratelimited("group %d: its default window can't be restored (%d)\n",
				   iommu_group_id(pe->group), ret);
	return ret ? -EIO : 0;
}

/**
 * power_ddw_create - make a window
 * @pe: the PE
 * @page_lg2: log2 of its page size, one that the PE can have
 * @size: bytes, a power of two
 * @window: set to what was made
 *
 * Return: 0 or an errno, as &struct sluice_window_ops says.
 */
int power_ddw_create(struct power_pe *pe, unsigned int page_lg2, u64 size,
		     struct power_ddw *window)
{
	struct power_ddw_query query;
	u64 tces = size >> page_lg2;
	int ret;

	ret = pe->hv->query(&pe->desc, &query);
	if (ret)
		return ret;
	/* There may be no room for any then. */
	if (!query.windows)
		return -ENOSPC;
	if (!tces || tces > query.largest || tces > BIT_ULL(MAX_TCES_LG2))
		return -E2BIG;
	ret = pe->hv->create(&pe->desc, page_lg2, ilog2(size), window);
	if (ret)
		pr_warn_ratelimited("group %d: the hypervisor refuses a window of 2^%u bytes with pages of 2^%u (%d)\n",
				    iommu_group_id(pe->group), ilog2(size),
				    page_lg2, ret);
	return ret;
}

/**
 * power_ddw_remove - remove a window
 * @pe: the PE
 * @liobn: its logical bus number
 *
 * Return: 0; -EIO if the hypervisor refuses, or puts it off for too long.
 */
int power_ddw_remove(struct power_pe *pe, u32 liobn)
{
	int ret = pe->hv->remove(&pe->desc, liobn);

	if (ret)
		pr_err_ratelimited("group %d: window %#x can't be removed (%d)\n",
				   iommu_group_id(pe->group), liobn, ret);
	return ret ? -EIO : 0;
}
