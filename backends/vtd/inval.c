// SPDX-License-Identifier: GPL-2.0-only
/*
 * VT-d: what hardware is told to forget.
 *
 * Owns: descriptors of the invalidation queue, made from gathers, and what it
 * means if they aren't carried out. Source: VT-d specification 4.1, 6.5.2.
 */
#define pr_fmt(fmt) "sluice vtd: " fmt

#include <linux/bitfield.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/printk.h>
#include <linux/sizes.h>

#include "private.h"

/*
 * As many pages' descriptors at most; what would take more is a whole domain's.
 * A flush that is wider costs its owner walks, each descriptor costs a round
 * of the hardware's queue.
 */
#define MAX_DESCS 16

/* How often a request is repeated that another one's time-out has taken along. */
#define TRIES 4

/*
 * The queue goes on after an error: what is submitted later is carried out. But
 * what this request was for, hardware may remember for ever.
 */
static int give_up(struct vtd_unit *unit, int ret)
{
	if (!xchg(&unit->iommu.dead, true))
		pr_err("%s: the invalidation queue failed (%d): memory that devices may still reach stays pinned, nothing more can be attached\n",
		       unit->name, ret);
	return -EIO;
}

/* Only a device can fail to answer in time, and these requests don't ask one. */
static noinline int submit_again(struct vtd_unit *unit, struct vtd_desc *descs,
				 unsigned int nr, int ret)
{
	unsigned int tries = TRIES;

	while (ret == -ETIMEDOUT && --tries)
		ret = unit->hw->submit(unit, descs, nr);
	return ret ? give_up(unit, ret) : 0;
}

static inline int submit(struct vtd_unit *unit, struct vtd_desc *descs,
			 unsigned int nr)
{
	int ret = unit->hw->submit(unit, descs, nr);

	return unlikely(ret) ? submit_again(unit, descs, nr, ret) : 0;
}

/* A device that has gone remembers nothing, and doesn't answer. */
static int submit_to_device(struct vtd_device *device, struct vtd_desc *descs,
			    unsigned int nr)
{
	struct vtd_unit *unit = device->unit;
	int ret;

	if (device->pci && pci_dev_is_disconnected(device->pci))
		return 0;
	ret = unit->hw->submit(unit, descs, nr);
	if (!ret && device->ats_twice)
		ret = unit->hw->submit(unit, descs, nr);
	if (!ret || (device->pci && !pci_device_is_present(device->pci)))
		return 0;
	/* Its fault alone: the unit and everybody else's domains are well. */
	pr_err_ratelimited("%s: device %02x:%02x.%d doesn't invalidate its TLB (%d)\n",
			   unit->name, PCI_BUS_NUM(device->rids[0]),
			   PCI_SLOT(device->rids[0]),
			   PCI_FUNC(device->rids[0]), ret);
	return -EIO;
}

static struct vtd_desc make_context(unsigned int granularity, u16 rid, u16 did)
{
	return (struct vtd_desc){ .qw = {
		FIELD_PREP(VTD_DESC_TYPE, VTD_DESC_CONTEXT) |
		FIELD_PREP(VTD_DESC_GRANULARITY, granularity) |
		FIELD_PREP(VTD_DESC_DID, did) |
		FIELD_PREP(VTD_DESC_CC_SID, rid),
	} };
}

/* The first word for the IOTLB. */
static u64 iotlb_word(const struct vtd_unit *unit, unsigned int granularity,
		      u16 did)
{
	return unit->drain | FIELD_PREP(VTD_DESC_TYPE, VTD_DESC_IOTLB) |
	       FIELD_PREP(VTD_DESC_GRANULARITY, granularity) |
	       FIELD_PREP(VTD_DESC_DID, did);
}

static struct vtd_desc make_iotlb(const struct vtd_unit *unit,
				  unsigned int granularity, u16 did)
{
	return (struct vtd_desc){ .qw = {
		iotlb_word(unit, granularity, did),
	} };
}

/**
 * vtd_inval_global - forget everything
 * @unit: the unit
 *
 * Return: 0 or -EIO.
 */
int vtd_inval_global(struct vtd_unit *unit)
{
	struct vtd_desc descs[] = {
		make_context(VTD_DESC_GLOBAL, 0, 0),
		make_iotlb(unit, VTD_DESC_GLOBAL, 0),
	};

	/* 6.5.2.1: the context cache first, it feeds the IOTLB. */
	return submit(unit, &descs[0], 1) ?: submit(unit, &descs[1], 1);
}

/**
 * vtd_inval_context - forget what a device's entries said
 * @unit: the unit
 * @rids: requester IDs
 * @nr: how many, at least 1
 * @context_did: domain id that the context cache has the entries under
 * @did: domain whose translations go with them
 *
 * Return: 0 or -EIO.
 */
int vtd_inval_context(struct vtd_unit *unit, const u16 *rids, unsigned int nr,
		      u16 context_did, u16 did)
{
	struct vtd_desc desc;
	unsigned int i;
	int ret;

	for (i = 0; i < nr; i++) {
		desc = make_context(VTD_DESC_SELECTIVE, rids[i], context_did);
		ret = submit(unit, &desc, 1);
		if (ret)
			return ret;
	}
	/* After the context cache, or a walk that is late would fill it again. */
	desc = make_iotlb(unit, VTD_DESC_DOMAIN, did);
	return submit(unit, &desc, 1);
}

/* log2 of the pages in the largest block that starts at @page and fits. */
static unsigned int block_lg2(u64 page, u64 pages, unsigned int max)
{
	unsigned int lg2 = __fls(pages);

	if (page)
		lg2 = min_t(unsigned int, lg2, __ffs64(page));
	return min(lg2, max);
}

/* The hint that nothing but leaves has changed. */
static u64 ih(const struct sluice_gather *gather)
{
	return gather->nonleaf ? 0 : VTD_DESC_TLB_IH;
}

/* Descriptors for a gather; 0 if it would take too many. */
static unsigned int make_pages(const struct vtd_unit *unit, u16 did,
			       const struct sluice_gather *gather,
			       struct vtd_desc *descs)
{
	u64 word = iotlb_word(unit, VTD_DESC_SELECTIVE, did);
	u64 hint = ih(gather);
	unsigned int i, nr = 0;

	for (i = 0; i < gather->nr; i++) {
		u64 page = gather->ranges[i].start >> 12;
		u64 end = (gather->ranges[i].last >> 12) + 1;

		do {
			unsigned int am = block_lg2(page, end - page,
						    unit->max_am);

			if (nr == MAX_DESCS)
				return 0;
			descs[nr].qw[0] = word;
			descs[nr].qw[1] = FIELD_PREP(VTD_DESC_TLB_ADDR, page) |
					  FIELD_PREP(VTD_DESC_TLB_AM, am) |
					  hint;
			descs[nr].qw[2] = 0;
			descs[nr].qw[3] = 0;
			nr++;
			page += BIT_ULL(am);
		} while (page < end);
	}
	return nr;
}

/* Any gather but that of a single page. */
static noinline int inval_pages(struct vtd_unit *unit, u16 did,
				const struct sluice_gather *gather)
{
	struct vtd_desc descs[MAX_DESCS] __uninitialized;
	unsigned int nr = 0;

	if (unit->cap & VTD_CAP_PSI)
		nr = make_pages(unit, did, gather, descs);
	if (!nr) {
		descs[0] = make_iotlb(unit, VTD_DESC_DOMAIN, did);
		nr = 1;
	}
	return submit(unit, descs, nr);
}

/**
 * vtd_inval_domain - forget what was gathered
 * @unit: the unit
 * @did: the domain on it
 * @gather: at least a range, or @nonleaf
 *
 * Context: any.
 * Return: 0 or -EIO.
 */
int vtd_inval_domain(struct vtd_unit *unit, u16 did,
		     const struct sluice_gather *gather)
{
	const struct sluice_range *range = &gather->ranges[0];
	struct vtd_desc desc __uninitialized;

	if (gather->nr != 1 || (range->start ^ range->last) >> 12 ||
	    !(unit->cap & VTD_CAP_PSI))
		return inval_pages(unit, did, gather);
	desc.qw[0] = iotlb_word(unit, VTD_DESC_SELECTIVE, did);
	desc.qw[1] = (range->start & VTD_DESC_TLB_ADDR) | ih(gather);
	desc.qw[2] = 0;
	desc.qw[3] = 0;
	return submit(unit, &desc, 1);
}

/*
 * A block of 2^@lg2 pages around @start. 6.5.2.5: the size is told by the lowest
 * 0 in the address, at half the size; below it all is 1.
 */
static struct vtd_desc make_device(const struct vtd_device *device, u64 start,
				   unsigned int lg2)
{
	u64 low = FIELD_PREP(VTD_DESC_TYPE, VTD_DESC_DEV_IOTLB) |
		  FIELD_PREP(VTD_DESC_DEV_QDEP, device->ats_depth) |
		  FIELD_PREP(VTD_DESC_DEV_SID, device->rids[0]);
	u64 page = start >> 12 & ~(BIT_ULL(lg2) - 1);

	/* ECAP.DIT: throttles by physical function. */
	if (device->unit->ecap & VTD_ECAP_DIT)
		low |= FIELD_PREP(VTD_DESC_DEV_PFSID_LOW,
				  device->ats_pf & 0xf) |
		       FIELD_PREP(VTD_DESC_DEV_PFSID_HIGH,
				  device->ats_pf >> 4);
	if (!lg2)
		return (struct vtd_desc){ .qw = {
			low, FIELD_PREP(VTD_DESC_DEV_ADDR, page),
		} };
	page |= BIT_ULL(lg2 - 1) - 1;
	return (struct vtd_desc){ .qw = {
		low, FIELD_PREP(VTD_DESC_DEV_ADDR, page) | VTD_DESC_DEV_S,
	} };
}

/**
 * vtd_inval_device - have a device's own TLB forget
 * @device: the device
 * @gather: what
 *
 * To be called after vtd_inval_domain(): until then, hardware could answer the
 * device with what it remembers itself (6.5.2.5).
 *
 * Context: any.
 * Return: 0 or -EIO.
 */
int vtd_inval_device(struct vtd_device *device,
		     const struct sluice_gather *gather)
{
	struct vtd_desc descs[SLUICE_GATHER_RANGES] __uninitialized;
	unsigned int i, nr = 0;

	for (i = 0; i < gather->nr; i++) {
		u64 start = gather->ranges[i].start;
		u64 differ = start ^ gather->ranges[i].last;

		/* The smallest block that has both ends; all is 2^52 pages. */
		descs[nr++] = make_device(device, start, fls64(differ >> 12));
	}
	return nr ? submit_to_device(device, descs, nr) : 0;
}
