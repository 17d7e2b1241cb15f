// SPDX-License-Identifier: GPL-2.0-only
/*
 * Backend for any IOMMU that the kernel has a driver for.
 *
 * Owns: the translation of the contract into the kernel's IOMMU API. It keeps
 * no record of its own: what was mapped is asked back, page by page, from
 * the driver's tables before they are cleared. Unified domains are another matter
 * (record.c).
 */
#define pr_fmt(fmt) "sluice generic: " fmt

#include <linux/err.h>
#include <linux/init.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/slab.h>

#include "private.h"

/* How often long walks let others run. */
#define RESCHED_BYTES SZ_16M

/**
 * struct generic_iommu - the IOMMU behind one group
 * @iommu: for the core
 * @driver: the kernel's driver of it
 */
struct generic_iommu {
	struct sluice_iommu iommu;
	const struct iommu_ops *driver;
};

static struct generic_iommu *to_generic_iommu(struct sluice_iommu *iommu)
{
	return container_of(iommu, struct generic_iommu, iommu);
}

/* Called under the group's lock, so that the device can't go away. */
static int alloc_for_first(struct device *dev, void *data)
{
	struct iommu_domain **hw = data;

	*hw = iommu_paging_domain_alloc(dev);
	return 1;
}

static struct iommu_domain *hw_alloc(struct iommu_group *group)
{
	struct iommu_domain *hw = ERR_PTR(-ENODEV);

	iommu_group_for_each_dev(group, &hw, alloc_for_first);
	/* A driver that has no page tables to offer, as on POWER. */
	if (hw == ERR_PTR(-EOPNOTSUPP))
		return ERR_PTR(-ENODEV);
	return hw;
}

static int hw_attach(struct iommu_domain *hw, struct iommu_group *group,
		     bool *coherent)
{
	int ret = iommu_attach_group(hw, group);

	/* Possible only while nothing is mapped, or when it's on already. */
	if (!ret)
		*coherent = hw->ops->enforce_cache_coherency &&
			    hw->ops->enforce_cache_coherency(hw);
	return ret;
}

/*
 * Some drivers know a domain's page sizes and width only once it is attached,
 * so an empty one is, for a moment: the group's DMA is as good as blocked.
 */
static int decode_caps(struct iommu_domain *hw, struct iommu_group *group,
		       struct sluice_caps *caps)
{
	int ret;

	ret = hw_attach(hw, group, &caps->coherent);
	if (ret)
		return ret;
	caps->pgsizes = hw->pgsize_bitmap;
	caps->apertures[0].start = hw->geometry.aperture_start;
	caps->apertures[0].last = hw->geometry.aperture_end;
	caps->nr_apertures = 1;
	iommu_detach_group(hw, group);
	return 0;
}

static struct sluice_iommu *generic_probe(struct iommu_group *group)
{
	struct generic_iommu *generic;
	struct iommu_domain *hw;
	int ret;

	hw = hw_alloc(group);
	if (IS_ERR(hw))
		return ERR_CAST(hw);
	ret = -ENOMEM;
	generic = kzalloc(sizeof(*generic), GFP_KERNEL_ACCOUNT);
	if (!generic)
		goto err_domain;
	kref_init(&generic->iommu.ref);
	generic->driver = hw->owner;
	ret = decode_caps(hw, group, &generic->iommu.caps);
	if (ret)
		goto err_free;
	iommu_domain_free(hw);
	return &generic->iommu;

err_free:
	kfree(generic);
err_domain:
	iommu_domain_free(hw);
	return ERR_PTR(ret);
}

static void generic_release(struct sluice_iommu *iommu)
{
	kfree(to_generic_iommu(iommu));
}

/* Where the IOMMU translates MSIs, too, its driver needs room for them. */
static int reserve_msi(struct iommu_domain *hw, struct iommu_group *group)
{
	struct iommu_resv_region *region, *next;
	LIST_HEAD(regions);
	int ret;

	ret = iommu_get_group_resv_regions(group, &regions);
	list_for_each_entry_safe(region, next, &regions, list) {
		if (!ret && region->type == IOMMU_RESV_SW_MSI)
			ret = iommu_get_msi_cookie(hw, region->start);
		kfree(region);
	}
	return ret;
}

static struct sluice_domain *generic_domain_alloc(struct sluice_iommu *iommu,
						  struct iommu_group *group,
						  enum sluice_domain_kind kind)
{
	struct generic_domain *d;
	int ret;

	d = kzalloc(sizeof(*d), GFP_KERNEL_ACCOUNT);
	if (!d)
		return ERR_PTR(-ENOMEM);
	d->step = max_t(u64, BIT_ULL(__ffs64(iommu->caps.pgsizes)), PAGE_SIZE);
	d->hw = hw_alloc(group);
	if (IS_ERR(d->hw)) {
		ret = PTR_ERR(d->hw);
		goto err_free;
	}
	ret = reserve_msi(d->hw, group);
	if (!ret && kind == SLUICE_DOMAIN_UNIFIED)
		ret = generic_record_init(d, iommu->caps.apertures[0].last);
	if (ret)
		goto err_domain;
	return &d->domain;

err_domain:
	iommu_domain_free(d->hw);
err_free:
	kfree(d);
	return ERR_PTR(ret);
}

static void generic_free(struct sluice_domain *domain)
{
	struct generic_domain *d = to_generic(domain);

	/* Tables that the hardware may still walk are never given back. */
	if (!d->broken)
		iommu_domain_free(d->hw);
	if (d->unified)
		generic_record_deinit(d);
	kfree(d);
}

static int generic_attach(struct sluice_domain *domain,
			  struct iommu_group *group)
{
	struct generic_domain *d = to_generic(domain);
	bool coherent;
	int ret;

	ret = hw_attach(d->hw, group, &coherent);
	if (ret)
		return ret;
	if (domain->iommu->caps.coherent && !coherent) {
		iommu_detach_group(d->hw, group);
		return -EINVAL;
	}
	return 0;
}

static void generic_detach(struct sluice_domain *domain,
			   struct iommu_group *group)
{
	/* To the blocked domain, since the group's DMA has an owner. */
	iommu_detach_group(to_generic(domain)->hw, group);
}

static bool generic_compatible(struct sluice_domain *domain,
			       struct sluice_iommu *iommu,
			       struct iommu_group *group)
{
	return to_generic(domain)->hw->owner ==
		       to_generic_iommu(iommu)->driver &&
	       domain->iommu->caps.coherent == iommu->caps.coherent;
}

/**
 * generic_hw_prot - what the kernel's drivers call it
 * @prot: &enum sluice_prot
 *
 * Return: IOMMU_*.
 */
int generic_hw_prot(unsigned int prot)
{
	int ret = prot & SLUICE_PROT_MMIO ? IOMMU_MMIO : IOMMU_CACHE;

	if (prot & SLUICE_PROT_READ)
		ret |= IOMMU_READ;
	if (prot & SLUICE_PROT_WRITE)
		ret |= IOMMU_WRITE;
	return ret;
}

static int generic_map(struct sluice_domain *domain,
		       const struct sluice_extent *extents, size_t nr,
		       unsigned int prot, u64 *done,
		       struct sluice_gather *gather)
{
	struct generic_domain *d = to_generic(domain);
	int flags = generic_hw_prot(prot);
	size_t i;
	int ret;

	*done = 0;
	/* How many tables the driver needs, and keeps, it doesn't tell. */
	if (gather->no_tables)
		return -ENOMEM;
	if (d->unified)
		return generic_record_map(d, extents, nr, prot, done, gather);
	for (i = 0; i < nr; i++) {
		/* 0 is how drivers say that nothing is mapped, see scan(). */
		if (!extents[i].phys)
			return -EINVAL;
		ret = iommu_map(d->hw, extents[i].iova, extents[i].phys,
				extents[i].len, flags, GFP_KERNEL_ACCOUNT);
		if (ret)
			return ret;
		*done += extents[i].len;
	}
	return 0;
}

/*
 * An extent ends only where the memory or the range does, never in between for
 * lack of room. So it never ends inside a superpage, which can't be cut.
 * Inlined, because most calls are for a single page.
 */
static __always_inline size_t scan(struct generic_domain *d,
				   struct sluice_range *range,
				   struct sluice_extent *extents, size_t max)
{
	struct sluice_extent *extent = NULL;
	u64 step = d->step;
	size_t nr = 0;

	while (!sluice_range_empty(range)) {
		u64 iova = range->start;
		phys_addr_t phys = iommu_iova_to_phys(d->hw, iova);

		/* One extent can be very long. */
		if (!(iova & (RESCHED_BYTES - 1)))
			cond_resched();

		if (!phys) {
			extent = NULL;
		} else if (extent && extent->phys + extent->len == phys) {
			extent->len += step;
		} else {
			if (nr == max)
				break;
			extent = &extents[nr++];
			*extent = (struct sluice_extent){
				.iova = iova, .phys = phys, .len = step,
			};
		}
		sluice_range_consume(range, iova + (step - 1));
	}
	return nr;
}

static size_t generic_read(struct sluice_domain *domain,
			   struct sluice_range *range,
			   struct sluice_extent *extents, size_t max)
{
	struct generic_domain *d = to_generic(domain);

	if (d->unified)
		return pt_read(&d->record, range, extents, max);
	return scan(d, range, extents, max);
}

/*
 * How much from @start on the IOMMU core takes in one step: the driver gets
 * pages of one size, up to the next boundary of a larger one.
 */
static u64 one_step(struct iommu_domain *hw, u64 start, u64 len)
{
	u64 sizes = hw->pgsize_bitmap & GENMASK_ULL(__fls(len), 0);
	u64 larger, next, offset;

	if (start)
		sizes &= GENMASK_ULL(__ffs(start), 0);
	larger = hw->pgsize_bitmap & ~GENMASK_ULL(__fls(sizes), 0);
	if (larger) {
		next = BIT_ULL(__ffs(larger));
		offset = next - (start & (next - 1));
		if (len >= offset && len - offset >= next)
			len = offset;
	}
	return ALIGN_DOWN(len, BIT_ULL(__fls(sizes)));
}

/*
 * A driver puts the tables it unlinks on the gather's list, and frees them when
 * the gather is flushed. If the step doesn't fit the gather (another size, or
 * not adjacent), it first flushes the gather as it was before, and with that
 * frees the tables of this step, too, which the hardware may still walk. So
 * the gather is flushed here, while it has only its own.
 */
static u64 clear_step(struct generic_domain *d, u64 start, u64 len,
		      struct iommu_iotlb_gather *iotlb)
{
	if (iotlb->pgsize &&
	    (iotlb->pgsize != len ||
	     iommu_iotlb_gather_is_disjoint(iotlb, start, len)))
		iommu_iotlb_sync(d->hw, iotlb);
	return iommu_unmap_fast(d->hw, start, len, iotlb);
}

/**
 * generic_clear - have the driver clear what is mapped without holes
 * @d: the domain
 * @start: first IOVA
 * @len: bytes; no page that the driver has mapped crosses an end
 * @gather: what is to be flushed
 */
void generic_clear(struct generic_domain *d, u64 start, u64 len,
		   struct sluice_gather *gather)
{
	sluice_gather_add(gather, start, start + (len - 1), PAGE_SHIFT);
	while (len) {
		u64 step = one_step(d->hw, start, len);

		if (clear_step(d, start, step, &gather->iotlb) != step)
			break;
		start += step;
		len -= step;
	}
	if (!len)
		return;
	/* The next flush fails, and what is still mapped stays pinned. */
	if (!d->broken)
		pr_err("the IOMMU driver left a part of %#llx..%#llx mapped\n",
		       start, start + (len - 1));
	d->broken = true;
}

static size_t generic_unmap(struct sluice_domain *domain, u64 held,
			    struct sluice_range *range,
			    struct sluice_extent *extents, size_t max,
			    struct sluice_gather *gather)
{
	struct generic_domain *d = to_generic(domain);
	size_t i = 0, nr;

	if (d->unified)
		return generic_record_unmap(d, held, range, extents, max,
					    gather);
	nr = scan(d, range, extents, max);
	/* As few calls as there are stretches without holes. */
	while (i < nr) {
		u64 start = extents[i].iova, len = 0;

		do {
			len += extents[i++].len;
		} while (i < nr && extents[i].iova == start + len);
		generic_clear(d, start, len, gather);
	}
	return nr;
}

/* A driver's tables can't be prepared; the record's can. */
static int generic_prepare(struct sluice_domain *domain,
			   const struct sluice_extent *extents, size_t nr,
			   struct sluice_gather *gather)
{
	struct generic_domain *d = to_generic(domain);

	return d->unified ? generic_record_prepare(d, extents, nr, gather) :
			    -EINVAL;
}

/* Without a record, what the driver has mapped as a large page stays one. */
static int generic_cut(struct sluice_domain *domain,
		       const struct sluice_range *range,
		       struct sluice_gather *gather)
{
	struct generic_domain *d = to_generic(domain);

	return d->unified ? generic_record_cut(d, range) : -EINVAL;
}

/* The driver's own tables are its own affair. */
static void generic_reclaim(struct sluice_domain *domain)
{
	struct generic_domain *d = to_generic(domain);

	if (d->unified)
		generic_record_reclaim(d);
}

static int generic_flush(struct sluice_domain *domain,
			 struct sluice_gather *gather)
{
	struct generic_domain *d = to_generic(domain);

	if (gather->nr)
		iommu_iotlb_sync(d->hw, &gather->iotlb);
	if (!d->broken)
		return 0;
	WRITE_ONCE(domain->iommu->dead, true);
	return -EIO;
}

static const struct sluice_domain_ops generic_domain_ops = {
	.free		= generic_free,
	.attach		= generic_attach,
	.detach		= generic_detach,
	.compatible	= generic_compatible,
	.prepare	= generic_prepare,
	.cut		= generic_cut,
	.map		= generic_map,
	.unmap		= generic_unmap,
	.read		= generic_read,
	.flush		= generic_flush,
	.reclaim	= generic_reclaim,
};

static const struct sluice_backend generic_backend = {
	.name		= "generic",
	.rating		= SLUICE_RATING_GENERIC,
	.probe		= generic_probe,
	.release	= generic_release,
	.domain_alloc	= generic_domain_alloc,
	.domain_ops	= &generic_domain_ops,
};

static int __init generic_init(void)
{
	return sluice_backend_register(&generic_backend);
}
device_initcall(generic_init);
