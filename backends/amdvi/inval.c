// SPDX-License-Identifier: GPL-2.0-only
/*
 * AMD-Vi: what hardware is told to forget.
 *
 * Owns: commands, made from gathers. Does not own: their way (queue.c). Source:
 * AMD 48882, 2.4.
 */
#include <linux/array_size.h>
#include <linux/bitfield.h>
#include <linux/log2.h>
#include <linux/minmax.h>

#include "private.h"

/*
 * As many commands for a flush at most; what would take more is told with blocks
 * that also cover what is between. A flush that is wider costs its owner walks,
 * each command costs a round of the hardware's queue.
 */
#define MAX_CMDS 16

/* All of the address space; 2.4.3, table "INVALIDATE_IOMMU_PAGES". */
#define ALL_LG2 64

static struct amdvi_cmd make_cmd(unsigned int opcode, u64 low, u64 high)
{
	return (struct amdvi_cmd){ .q = {
		cpu_to_le64(FIELD_PREP(AMDVI_CMD_OPCODE, opcode) | low),
		cpu_to_le64(high),
	} };
}

/*
 * A block of 2^@lg2 bytes around @iova. 2.4.3: the size is told by the lowest 0 in
 * the address, at half the size; below it all is 1. For everything, the highest bit
 * is that 0.
 */
static u64 block(u64 iova, unsigned int lg2)
{
	u64 half;

	if (lg2 <= 12)
		return iova & AMDVI_CMD_ADDR;
	half = BIT_ULL(lg2 - 1);
	iova = (iova & ~(half | (half - 1))) | (half - 1);
	return (iova & AMDVI_CMD_ADDR) | AMDVI_CMD_S;
}

static struct amdvi_cmd make_pages(u16 did, u64 iova, unsigned int lg2,
				   bool nonleaf)
{
	return make_cmd(AMDVI_CMD_PAGES, FIELD_PREP(AMDVI_CMD_DOMAIN, did),
			block(iova, lg2) | (nonleaf ? AMDVI_CMD_PDE : 0));
}

/* The smallest block that has both ends. */
static unsigned int hull_lg2(const struct sluice_range *range)
{
	return max(fls64(range->start ^ range->last), 12);
}

/* Blocks that are a range, no more and no less; 0 if there isn't room for all. */
static unsigned int exact(u16 did, const struct sluice_range *range,
			  bool nonleaf, struct amdvi_cmd *cmds,
			  unsigned int max)
{
	u64 page = range->start >> 12, end = (range->last >> 12) + 1;
	unsigned int nr = 0, lg2;

	while (page < end) {
		if (nr == max)
			return 0;
		lg2 = __fls(end - page);
		if (page)
			lg2 = min_t(unsigned int, lg2, __ffs64(page));
		cmds[nr++] = make_pages(did, page << 12, lg2 + 12, nonleaf);
		page += BIT_ULL(lg2);
	}
	return nr;
}

/* GN is 0: no PASID. Each device has a queue, called by its requester ID. */
static struct amdvi_cmd make_iotlb(u16 rid, u8 depth, u64 iova,
				   unsigned int lg2)
{
	return make_cmd(AMDVI_CMD_IOTLB,
			FIELD_PREP(AMDVI_CMD_RID, rid) |
			FIELD_PREP(AMDVI_CMD_MAX_PEND, depth) |
			FIELD_PREP(AMDVI_CMD_QUEUE_ID, rid), block(iova, lg2));
}

/* Any gather but that of a single page. */
static noinline int inval_ranges(struct amdvi_unit *unit, u16 did,
				 const struct sluice_gather *gather)
{
	struct amdvi_cmd cmds[MAX_CMDS] __uninitialized;
	const struct sluice_range *range;
	unsigned int i, nr = 0, n;

	/* Ranges that are yet to come have at least one each. */
	for (i = 0; i < gather->nr; i++) {
		range = &gather->ranges[i];
		n = exact(did, range, gather->nonleaf, cmds + nr,
			  MAX_CMDS - nr - (gather->nr - i - 1));
		if (!n) {
			cmds[nr] = make_pages(did, range->start,
					      hull_lg2(range),
					      gather->nonleaf);
			n = 1;
		}
		nr += n;
	}
	/* Tables that were unlinked with nothing left in them. */
	if (!nr)
		cmds[nr++] = make_pages(did, 0, ALL_LG2, true);
	return amdvi_queue_submit(unit, cmds, nr);
}

/**
 * amdvi_inval_domain - forget what was gathered
 * @unit: the unit
 * @did: the domain on it
 * @gather: at least a range, or @nonleaf
 *
 * Context: any.
 * Return: 0 or -EIO.
 */
int amdvi_inval_domain(struct amdvi_unit *unit, u16 did,
		       const struct sluice_gather *gather)
{
	const struct sluice_range *range = &gather->ranges[0];
	struct amdvi_cmd cmd;

	static_assert(SLUICE_GATHER_RANGES <= MAX_CMDS);
	if (gather->nr != 1 || (range->start ^ range->last) >> 12)
		return inval_ranges(unit, did, gather);
	cmd = make_pages(did, range->start, 12, gather->nonleaf);
	return amdvi_queue_submit(unit, &cmd, 1);
}

/**
 * amdvi_inval_device - ask a device to forget what was gathered
 * @unit: the unit
 * @rid: the device's requester ID
 * @depth: invalidations that it can queue; 0: 32
 * @gather: at least a range
 *
 * To be called after amdvi_inval_domain(): until then, hardware could answer the
 * device with what it remembers itself.
 *
 * Context: any.
 * Return: 0 or -EIO. Whether the device has done so, only the event log says.
 */
int amdvi_inval_device(struct amdvi_unit *unit, u16 rid, u8 depth,
		       const struct sluice_gather *gather)
{
	struct amdvi_cmd cmds[SLUICE_GATHER_RANGES] __uninitialized;
	const struct sluice_range *range;
	unsigned int i;

	static_assert(SLUICE_GATHER_RANGES <= AMDVI_SUBMIT);
	/* One for each, if wider: each costs an answer of the device. */
	for (i = 0; i < gather->nr; i++) {
		range = &gather->ranges[i];
		cmds[i] = make_iotlb(rid, depth, range->start, hull_lg2(range));
	}
	return amdvi_queue_submit(unit, cmds, gather->nr);
}

/**
 * amdvi_inval_dte - forget what a device's entries said
 * @unit: the unit
 * @rids: requester IDs
 * @nr: how many, at least 1
 * @did: domain whose translations go with them
 *
 * Return: 0 or -EIO.
 */
int amdvi_inval_dte(struct amdvi_unit *unit, const u16 *rids, unsigned int nr,
		    u16 did)
{
	struct amdvi_cmd cmds[2];
	unsigned int i;
	int ret;

	for (i = 0; i < nr; i++) {
		/* The entry first: it feeds what is remembered of tables. */
		cmds[0] = make_cmd(AMDVI_CMD_DEVTAB,
				   FIELD_PREP(AMDVI_CMD_RID, rids[i]), 0);
		cmds[1] = make_pages(did, 0, ALL_LG2, true);
		ret = amdvi_queue_submit(unit, cmds, 2);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * amdvi_inval_interrupts - forget what a device's interrupt table said
 * @unit: the unit
 * @rid: requester ID
 *
 * Context: any.
 * Return: 0 or -EIO.
 */
int amdvi_inval_interrupts(struct amdvi_unit *unit, u16 rid)
{
	struct amdvi_cmd cmd = make_cmd(AMDVI_CMD_INTTAB,
					FIELD_PREP(AMDVI_CMD_RID, rid), 0);

	return amdvi_queue_submit(unit, &cmd, 1);
}

/**
 * amdvi_inval_dte_interrupts - forget where a device's interrupt table was
 * @unit: the unit
 * @rid: requester ID
 *
 * Return: 0 or -EIO.
 */
int amdvi_inval_dte_interrupts(struct amdvi_unit *unit, u16 rid)
{
	struct amdvi_cmd cmds[] = {
		make_cmd(AMDVI_CMD_DEVTAB, FIELD_PREP(AMDVI_CMD_RID, rid), 0),
		make_cmd(AMDVI_CMD_INTTAB, FIELD_PREP(AMDVI_CMD_RID, rid), 0),
	};

	return amdvi_queue_submit(unit, cmds, ARRAY_SIZE(cmds));
}

/* Without INVALIDATE_ALL, one by one. */
static int inval_each(struct amdvi_unit *unit)
{
	struct amdvi_cmd cmds[MAX_CMDS];
	unsigned int i, n;
	int ret = 0;

	for (i = 0; i < AMDVI_DEVTAB_ENTRIES && !ret; i += MAX_CMDS) {
		for (n = 0; n < MAX_CMDS; n++)
			cmds[n] = make_cmd(AMDVI_CMD_DEVTAB,
					   FIELD_PREP(AMDVI_CMD_RID, i + n), 0);
		ret = amdvi_queue_submit(unit, cmds, MAX_CMDS);
	}
	for (i = 0; i < AMDVI_DEVTAB_ENTRIES && !ret; i += MAX_CMDS) {
		for (n = 0; n < MAX_CMDS; n++)
			cmds[n] = make_cmd(AMDVI_CMD_INTTAB,
					   FIELD_PREP(AMDVI_CMD_RID, i + n), 0);
		ret = amdvi_queue_submit(unit, cmds, MAX_CMDS);
	}
	for (i = 0; i < AMDVI_NR_DIDS && !ret; i += MAX_CMDS) {
		for (n = 0; n < MAX_CMDS; n++)
			cmds[n] = make_pages(i + n, 0, ALL_LG2, true);
		ret = amdvi_queue_submit(unit, cmds, MAX_CMDS);
	}
	return ret;
}

/**
 * amdvi_inval_all - forget everything
 * @unit: the unit
 *
 * Return: 0 or -EIO.
 */
int amdvi_inval_all(struct amdvi_unit *unit)
{
	struct amdvi_cmd cmd = make_cmd(AMDVI_CMD_ALL, 0, 0);

	if (!unit->inv_all)
		return inval_each(unit);
	return amdvi_queue_submit(unit, &cmd, 1);
}
