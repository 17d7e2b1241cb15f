// SPDX-License-Identifier: GPL-2.0-only
/*
 * Generic backend: unified domains.
 *
 * Owns: the record of what is mapped, since the kernel's drivers don't tell what
 * they have in their tables, or as what. It is a page table of the software format
 * (core/pt), written before the driver's and cleared before it.
 *
 * The driver gets every page by itself: what it has mapped as a large page it
 * can't unmap in part. The record has no large pages either, so that both have as
 * many tables, and can be charged for.
 */
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "private.h"

/* How often long walks let others run. */
#define RESCHED_BYTES SZ_16M

/* The record's tables are for software: nothing need be flushed. */
static void free_tables(struct generic_domain *d, struct sluice_gather *gather)
{
	if (!list_empty(&gather->tables))
		pt_free_gathered(&d->record, gather);
}

/* The driver has as many tables: like the record's, its pages are all small. */
static void note_tables(struct generic_domain *d)
{
	WRITE_ONCE(d->domain.tables, 2 * pt_nr_tables(&d->record));
}

/**
 * generic_record_init - make a domain unified
 * @d: the domain
 * @last: highest IOVA that can be mapped
 *
 * Return: 0 or -ENOMEM.
 */
int generic_record_init(struct generic_domain *d, u64 last)
{
	unsigned int bits = ilog2(d->step), per_level = PAGE_SHIFT - 3;
	struct pt_config cfg = {
		.pgsizes = d->step,
		.nid = NUMA_NO_NODE,
	};
	int ret;

	do {
		cfg.levels++;
		bits += per_level;
	} while (bits < 64 && last >> bits);
	ret = pt_init(&d->record, &pt_soft, &cfg);
	if (ret)
		return ret;
	d->unified = true;
	note_tables(d);
	return 0;
}

/**
 * generic_record_deinit - the end of a unified domain's record
 * @d: the domain
 */
void generic_record_deinit(struct generic_domain *d)
{
	pt_deinit(&d->record);
}

/* Clears the record alone; its tables stay if @keep_tables. */
static void forget(struct generic_domain *d, u64 start, u64 bytes,
		   bool keep_tables)
{
	struct sluice_range range = { start, start + (bytes - 1) };
	struct sluice_extent extent;
	struct sluice_gather gather;

	sluice_gather_init(&gather);
	gather.keep_tables = keep_tables;
	while (!sluice_range_empty(&range)) {
		pt_unmap(&d->record, start, &range, &extent, 1, &gather);
		cond_resched();
	}
	free_tables(d, &gather);
}

/* Tells the driver, page by page. *@done: bytes. */
static int map_pages(struct generic_domain *d, const struct sluice_extent *e,
		     int flags, gfp_t gfp, u64 *done)
{
	int ret;

	for (*done = 0; *done < e->len; *done += d->step) {
		if (!((e->iova + *done) & (RESCHED_BYTES - 1)))
			cond_resched();
		ret = iommu_map(d->hw, e->iova + *done, e->phys + *done,
				d->step, flags, gfp);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * generic_record_map - &struct sluice_domain_ops.map of a unified domain
 * @d: the domain
 * @extents: what to map
 * @nr: how many
 * @prot: &enum sluice_prot
 * @done: bytes that are mapped, if it fails
 * @gather: the caller's
 *
 * Return: as there.
 */
int generic_record_map(struct generic_domain *d,
		       const struct sluice_extent *extents, size_t nr,
		       unsigned int prot, u64 *done,
		       struct sluice_gather *gather)
{
	int flags = generic_hw_prot(prot), ret = 0;
	gfp_t gfp = GFP_KERNEL_ACCOUNT;
	struct sluice_gather record;
	u64 recorded, mapped;
	size_t i;

	/* A map that was prepared: drivers' tables can't be, so wait for memory. */
	if (gather->keep_tables)
		gfp |= __GFP_NOFAIL;
	sluice_gather_init(&record);
	record.in_place = gather->in_place;
	*done = 0;
	for (i = 0; !ret && i < nr; i++) {
		const struct sluice_extent *e = &extents[i];

		ret = pt_map(&d->record, e, 1, prot, GFP_KERNEL_ACCOUNT,
			     &recorded, &record);
		mapped = 0;
		if (!ret) {
			recorded = e->len;
			ret = map_pages(d, e, flags, gfp, &mapped);
		}
		if (ret && recorded > mapped)
			forget(d, e->iova + mapped, recorded - mapped,
			       gather->in_place);
		*done += mapped;
	}
	free_tables(d, &record);
	note_tables(d);
	return ret;
}

/**
 * generic_record_prepare - &struct sluice_domain_ops.prepare of a unified domain
 * @d: the domain
 * @extents: what will be mapped
 * @nr: how many
 * @gather: as there
 *
 * Return: as there.
 */
int generic_record_prepare(struct generic_domain *d,
			   const struct sluice_extent *extents, size_t nr,
			   struct sluice_gather *gather)
{
	struct sluice_gather record;
	int ret;

	sluice_gather_init(&record);
	record.keep_tables = gather->keep_tables;
	record.no_tables = gather->no_tables;
	ret = pt_prepare(&d->record, extents, nr, GFP_KERNEL_ACCOUNT, &record);
	note_tables(d);
	return ret;
}

/**
 * generic_record_cut - &struct sluice_domain_ops.cut
 * @d: the domain
 * @range: what shall be unmapped
 *
 * Return: as there.
 */
int generic_record_cut(struct generic_domain *d,
		       const struct sluice_range *range)
{
	struct sluice_gather gather;
	int ret;

	sluice_gather_init(&gather);
	ret = pt_cut(&d->record, range, GFP_KERNEL_ACCOUNT, &gather);
	note_tables(d);
	return ret;
}

/**
 * generic_record_unmap - &struct sluice_domain_ops.unmap of a unified domain
 * @d: the domain
 * @held: as there
 * @range: as there
 * @extents: as there
 * @max: as there
 * @gather: as there
 *
 * Return: as there.
 */
size_t generic_record_unmap(struct generic_domain *d, u64 held,
			    struct sluice_range *range,
			    struct sluice_extent *extents, size_t max,
			    struct sluice_gather *gather)
{
	struct sluice_gather record;
	size_t i = 0, nr;

	sluice_gather_init(&record);
	record.keep_tables = gather->keep_tables;
	nr = pt_unmap(&d->record, held, range, extents, max, &record);
	free_tables(d, &record);
	/* As few calls as there are stretches without holes. */
	while (i < nr) {
		u64 start = extents[i].iova, len = 0;

		do {
			len += extents[i++].len;
		} while (i < nr && extents[i].iova == start + len);
		generic_clear(d, start, len, gather);
	}
	note_tables(d);
	return nr;
}

/**
 * generic_record_reclaim - &struct sluice_domain_ops.reclaim
 * @d: the domain
 */
void generic_record_reclaim(struct generic_domain *d)
{
	struct sluice_gather gather;

	sluice_gather_init(&gather);
	pt_reclaim_except(&d->record, d->domain.reserved, &gather);
	free_tables(d, &gather);
	note_tables(d);
}
