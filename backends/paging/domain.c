// SPDX-License-Identifier: GPL-2.0-only
/*
 * A domain with page tables, as Sluice's core sees it.
 *
 * Owns: the contract's operations that are the same for every IOMMU with page
 * tables in memory. Does not own: the kernel's side of the same domain (host.c),
 * hardware.
 */
#include <kunit/static_stub.h>
#include <linux/sizes.h>
#include <sluice/paging.h>

int sluice_paging_init(struct sluice_paging *paging,
		       const struct sluice_paging_ops *ops,
		       const struct iommu_ops *iommu_ops,
		       const struct pt_format *fmt, const struct pt_config *cfg,
		       u64 last)
{
	int ret;

	KUNIT_STATIC_STUB_REDIRECT(sluice_paging_init, paging, ops, iommu_ops,
				   fmt, cfg, last);
	ret = pt_init(&paging->pt, fmt, cfg);
	if (ret)
		return ret;
	paging->ops = ops;
	mutex_init(&paging->lock);
	INIT_LIST_HEAD(&paging->links);
	paging->domain.tables = pt_nr_tables(&paging->pt);
	paging->snoop = cfg->snoop;
	paging->hw.type = IOMMU_DOMAIN_UNMANAGED;
	paging->hw.ops = iommu_ops->default_domain_ops;
	paging->hw.owner = iommu_ops;
	paging->hw.pgsize_bitmap = paging->pt.pgsizes;
	paging->hw.geometry.aperture_end = min(last, paging->pt.last);
	paging->hw.geometry.force_aperture = true;
	return 0;
}

void sluice_paging_deinit(struct sluice_paging *paging)
{
	KUNIT_STATIC_STUB_REDIRECT(sluice_paging_deinit, paging);
	WARN_ON_ONCE(!list_empty(&paging->links));
	mutex_destroy(&paging->lock);
	if (!paging->broken)
		pt_deinit(&paging->pt);
}

void sluice_paging_free(struct sluice_domain *domain)
{
	struct sluice_paging *paging = sluice_paging_of(domain);

	paging->ops->free(paging);
}

int sluice_paging_attach(struct sluice_domain *domain,
			 struct iommu_group *group)
{
	KUNIT_STATIC_STUB_REDIRECT(sluice_paging_attach, domain, group);
	return iommu_attach_group(&sluice_paging_of(domain)->hw, group);
}

void sluice_paging_detach(struct sluice_domain *domain,
			  struct iommu_group *group)
{
	KUNIT_STATIC_STUB_REDIRECT(sluice_paging_detach, domain, group);
	/* To the blocked domain, since the group's DMA has an owner. */
	iommu_detach_group(&sluice_paging_of(domain)->hw, group);
}

/* Tells the core how many tables there are, if that has changed. */
static inline void note_tables(struct sluice_paging *paging)
{
	unsigned long tables = pt_nr_tables(&paging->pt);

	if (unlikely(READ_ONCE(paging->domain.tables) != tables))
		WRITE_ONCE(paging->domain.tables, tables);
}

int sluice_paging_prepare(struct sluice_domain *domain,
			  const struct sluice_extent *extents, size_t nr,
			  struct sluice_gather *gather)
{
	struct sluice_paging *paging = sluice_paging_of(domain);
	int ret;

	ret = pt_prepare(&paging->pt, extents, nr, GFP_KERNEL_ACCOUNT, gather);
	note_tables(paging);
	return ret;
}

int sluice_paging_cut(struct sluice_domain *domain,
		      const struct sluice_range *range,
		      struct sluice_gather *gather)
{
	struct sluice_paging *paging = sluice_paging_of(domain);
	int ret;

	ret = pt_cut(&paging->pt, range, GFP_KERNEL_ACCOUNT, gather);
	note_tables(paging);
	return ret;
}

/*
 * The first @bytes of what was mapped. If they are more than a gather can tell, what is
 * in ascending order within 2 MiB becomes one range: to find the closest of many for
 * each page costs more.
 */
static noinline void gather_mapped(const struct sluice_extent *e, size_t nr,
				   u64 bytes, struct sluice_gather *gather)
{
	unsigned int lg2 = nr > SLUICE_GATHER_RANGES ? 21 : 0;
	u64 start = e->iova, last = start, part;

	if (!bytes)
		return;
	/* The pointers to new tables, too. */
	gather->nonleaf = true;
	for (; bytes; bytes -= part, e++) {
		part = min(bytes, e->len);
		if (e->iova < last || (e->iova ^ last) >> lg2) {
			sluice_gather_add(gather, start, last, 64);
			start = e->iova;
		}
		last = e->iova + (part - 1);
	}
	sluice_gather_add(gather, start, last, 64);
}

int sluice_paging_map(struct sluice_domain *domain,
		      const struct sluice_extent *extents, size_t nr,
		      unsigned int prot, u64 *done,
		      struct sluice_gather *gather)
{
	struct sluice_paging *paging = sluice_paging_of(domain);
	int ret;

	ret = pt_map(&paging->pt, extents, nr, prot, GFP_KERNEL_ACCOUNT, done,
		     gather);
	if (unlikely(READ_ONCE(paging->flush_on_map)))
		gather_mapped(extents, nr, *done, gather);
	if (unlikely(pt_reclaim_due(&paging->pt)))
		WRITE_ONCE(domain->reclaim_due, true);
	note_tables(paging);
	return ret;
}

size_t sluice_paging_unmap(struct sluice_domain *domain, u64 held,
			   struct sluice_range *range,
			   struct sluice_extent *extents, size_t max,
			   struct sluice_gather *gather)
{
	return pt_unmap(&sluice_paging_of(domain)->pt, held, range, extents,
			max, gather);
}

size_t sluice_paging_unmap_each(struct sluice_domain *domain,
				struct sluice_extent *pages, size_t nr,
				struct sluice_gather *gather)
{
	return pt_unmap_each(&sluice_paging_of(domain)->pt, pages, nr, gather);
}

size_t sluice_paging_read(struct sluice_domain *domain,
			  struct sluice_range *range,
			  struct sluice_extent *extents, size_t max)
{
	return pt_read(&sluice_paging_of(domain)->pt, range, extents, max);
}

int sluice_paging_flush(struct sluice_domain *domain,
			struct sluice_gather *gather)
{
	struct sluice_paging *paging = sluice_paging_of(domain);
	int ret = paging->ops->flush(paging, gather);

	/* Hardware that couldn't be told of a device's leave isn't in @flush. */
	if (unlikely(ret || READ_ONCE(paging->broken))) {
		/* What hardware may still read stays, with all below it. */
		WRITE_ONCE(paging->broken, true);
		return ret ?: -EIO;
	}
	if (unlikely(!list_empty(&gather->tables))) {
		pt_free_gathered(&paging->pt, gather);
		note_tables(paging);
	}
	return 0;
}

void sluice_paging_reclaim(struct sluice_domain *domain)
{
	struct sluice_gather gather __uninitialized;

	sluice_gather_init(&gather);
	pt_reclaim_except(&sluice_paging_of(domain)->pt, domain->reserved,
			  &gather);
	if (gather.nr || gather.nonleaf)
		sluice_paging_flush(domain, &gather);
}
