// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls into a backend, with what must surround them.
 *
 * Owns: the life of a domain, undoing a map that stopped half-way, and what
 * a failed flush means. Does not own: which domains a space has (space.c).
 */
#define pr_fmt(fmt) "sluice: " fmt

#include <linux/err.h>
#include <linux/printk.h>
#include <linux/sched.h>

#include "private.h"

/* Extents handled per backend call where no better buffer is at hand. */
#define FEW_EXTENTS 16

/**
 * sluice_domain_alloc - make an empty domain
 * @iommu: the instance
 * @group: the group that will be attached
 * @kind: who will keep the record of what it has mapped
 *
 * Return: the domain, or an ERR_PTR().
 */
struct sluice_domain *sluice_domain_alloc(struct sluice_iommu *iommu,
					  struct iommu_group *group,
					  enum sluice_domain_kind kind)
{
	struct sluice_domain *domain;

	domain = iommu->backend->domain_alloc(iommu, group, kind);
	if (IS_ERR(domain))
		return domain;
	domain->ops = iommu->backend->domain_ops;
	domain->iommu = iommu;
	domain->nr_groups = 0;
	domain->reclaim_due = false;
	domain->dead = false;
	domain->reserved = NULL;
	INIT_LIST_HEAD(&domain->node);
	sluice_iommu_get(iommu);
	return domain;
}

/**
 * sluice_domain_free - free a domain
 * @domain: a domain without groups
 */
void sluice_domain_free(struct sluice_domain *domain)
{
	struct sluice_iommu *iommu = domain->iommu;

	domain->ops->free(domain);
	sluice_iommu_put(iommu);
}

/**
 * sluice_domain_died - a flush has failed
 * @domain: the domain
 * @err: what the flush returned
 */
void sluice_domain_died(struct sluice_domain *domain, int err)
{
	if (!xchg(&domain->dead, true))
		pr_err("backend %s: an IOMMU no longer answers (%d): memory it may still reach stays pinned\n",
		       domain->iommu->backend->name, err);
}

/**
 * sluice_domain_unmap - unmap a range whose memory is not to be unpinned
 * @domain: the domain
 * @start: first IOVA
 * @last: last IOVA, inclusive
 * @gather: what is to be flushed
 */
void sluice_domain_unmap(struct sluice_domain *domain, u64 start, u64 last,
			 struct sluice_gather *gather)
{
	struct sluice_range range = { .start = start, .last = last };
	struct sluice_extent extents[FEW_EXTENTS] __uninitialized;

	while (!sluice_range_empty(&range)) {
		domain->ops->unmap(domain, start, &range, extents, FEW_EXTENTS,
				   gather);
		cond_resched();
	}
}

/**
 * sluice_domain_clear - unmap a range, and flush it
 * @domain: the domain
 * @start: first IOVA
 * @last: last IOVA, inclusive
 *
 * Return: as sluice_domain_flush().
 */
int sluice_domain_clear(struct sluice_domain *domain, u64 start, u64 last)
{
	struct sluice_gather gather __uninitialized;

	sluice_gather_init(&gather);
	sluice_domain_unmap(domain, start, last, &gather);
	return sluice_domain_flush(domain, &gather);
}

/**
 * sluice_domain_map_end - what is left to do after a backend's map
 * @domain: the domain
 * @extents: what was to be mapped
 * @nr: how many, at least 1
 * @done: bytes mapped, if it failed
 * @ret: what it returned
 * @gather: what it has gathered
 *
 * Nothing, if it has succeeded and the gather is empty.
 *
 * Return: as sluice_domain_map().
 */
int sluice_domain_map_end(struct sluice_domain *domain,
			  const struct sluice_extent *extents, size_t nr,
			  u64 done, int ret, struct sluice_gather *gather)
{
	if (!ret) {
		const struct sluice_extent *end = &extents[nr - 1];

		done = end->iova + end->len - extents[0].iova;
	}
	/* For hardware that remembers not-present entries. */
	if (gather->nr || gather->nonleaf) {
		int flushed = sluice_domain_flush(domain, gather);

		ret = ret ?: flushed;
	}
	if (ret && done)
		sluice_domain_clear(domain, extents[0].iova,
				    extents[0].iova + (done - 1));
	return ret;
}

/**
 * sluice_domain_map - map extents, all or none
 * @domain: the domain
 * @extents: adjacent in IOVA
 * @nr: how many, at least 1
 * @prot: &enum sluice_prot
 *
 * Return: 0, or the backend's errno; then nothing is mapped. If the instance
 * is dead afterwards, the hardware may reach the extents nevertheless.
 */
int sluice_domain_map(struct sluice_domain *domain,
		      const struct sluice_extent *extents, size_t nr,
		      unsigned int prot)
{
	struct sluice_gather gather __uninitialized;
	u64 done = 0;
	int ret;

	sluice_gather_init(&gather);
	/* Without a prepare: that would be a second walk, and this unwinds. */
	ret = domain->ops->map(domain, extents, nr, prot, &done, &gather);
	return sluice_domain_map_end(domain, extents, nr, done, ret, &gather);
}

/**
 * sluice_domain_prepare - see to it that one extent can be mapped
 * @domain: the domain
 * @extent: the extent; nothing need be mapped there
 *
 * May wait for memory.
 *
 * Return: 0; -EEXIST; -ENOMEM. What else is wrong the map will tell.
 */
int sluice_domain_prepare(struct sluice_domain *domain,
			  const struct sluice_extent *extent)
{
	struct sluice_gather gather __uninitialized;
	int ret;

	if (!domain->ops->prepare)
		return 0;
	sluice_gather_init(&gather);
	ret = domain->ops->prepare(domain, extent, 1, &gather);
	if (gather.nr || gather.nonleaf)
		sluice_domain_flush(domain, &gather);
	return ret == -EEXIST || ret == -ENOMEM ? ret : 0;
}

/**
 * sluice_domain_map_prepared - map one extent without memory, if that is possible
 * @domain: the domain
 * @extent: the extent, prepared
 * @prot: &enum sluice_prot
 *
 * A backend that can't prepare, or not all, may wait for memory.
 *
 * Return: as sluice_domain_map().
 */
int sluice_domain_map_prepared(struct sluice_domain *domain,
			       const struct sluice_extent *extent,
			       unsigned int prot)
{
	struct sluice_gather gather __uninitialized;
	u64 done = 0;
	int ret = -ENOMEM;

	sluice_gather_init(&gather);
	if (domain->ops->prepare) {
		gather.no_tables = true;
		ret = domain->ops->map(domain, extent, 1, prot, &done,
				       &gather);
		gather.no_tables = false;
	}
	if (ret == -ENOMEM && !done)
		ret = domain->ops->map(domain, extent, 1, prot, &done,
				       &gather);
	return sluice_domain_map_end(domain, extent, 1, done, ret, &gather);
}

/**
 * sluice_domain_copy - give a domain what another one has in a range
 * @to: the new domain, nothing mapped in the range
 * @from: a domain with the content
 * @start: first IOVA
 * @last: last IOVA, inclusive
 * @prot: &enum sluice_prot of the whole range
 *
 * Return: 0, or an errno; what was copied by then stays in @to.
 */
int sluice_domain_copy(struct sluice_domain *to, struct sluice_domain *from,
		       u64 start, u64 last, unsigned int prot)
{
	struct sluice_reader reader __uninitialized;
	struct sluice_extent extent;
	int ret;

	sluice_reader_init(&reader, from, start, last);
	while ((ret = sluice_reader_next(&reader, &extent)) > 0) {
		ret = sluice_domain_map(to, &extent, 1, prot);
		if (ret)
			break;
	}
	return ret;
}
