// SPDX-License-Identifier: GPL-2.0-only
/*
 * A domain with page tables, as the kernel's IOMMU core sees it.
 *
 * Owns: struct iommu_domain_ops for host drivers (the DMA API), and for whoever
 * else uses the kernel's IOMMU API; the default mode of host devices. Called in
 * atomic context, and by several CPUs for disjoint ranges.
 */
#define pr_fmt(fmt) "sluice: " fmt

#include <kunit/static_stub.h>
#include <linux/init.h>
#include <linux/kstrtox.h>
#include <linux/pci.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <sluice/paging.h>

/* Extents that an unmap hands back at a time; nobody looks at most of it. */
#define FEW_EXTENTS 8

static unsigned int prot_from(int prot)
{
	unsigned int ret = prot & IOMMU_MMIO ? SLUICE_PROT_MMIO : 0;

	if (prot & IOMMU_READ)
		ret |= SLUICE_PROT_READ;
	if (prot & IOMMU_WRITE)
		ret |= SLUICE_PROT_WRITE;
	return ret;
}

/* Nobody can be told of a failure here; the backend has said it. */
static void flush_now(struct sluice_paging *paging,
		      struct sluice_gather *gather)
{
	if (gather->nr || gather->nonleaf)
		sluice_paging_flush(&paging->domain, gather);
}

int sluice_paging_map_pages(struct iommu_domain *hw, unsigned long iova,
			    phys_addr_t phys, size_t pgsize, size_t pgcount,
			    int prot, gfp_t gfp, size_t *mapped)
{
	struct sluice_paging *paging = sluice_paging_of_hw(hw);
	struct sluice_extent extent = {
		.iova = iova, .phys = phys, .len = (u64)pgsize * pgcount,
	};
	struct sluice_gather gather __uninitialized;
	u64 done;
	int ret;

	sluice_gather_init(&gather);
	ret = pt_map(&paging->pt, &extent, 1, prot_from(prot), gfp, &done,
		     &gather);
	/* Tables that were empty may have given way to a larger page. */
	flush_now(paging, &gather);
	*mapped += done;
	return ret;
}

int sluice_paging_iotlb_sync_map(struct iommu_domain *hw, unsigned long iova,
				 size_t size)
{
	struct sluice_paging *paging = sluice_paging_of_hw(hw);
	struct sluice_gather gather __uninitialized;

	if (!READ_ONCE(paging->flush_on_map))
		return 0;
	sluice_gather_init(&gather);
	sluice_gather_add(&gather, iova, iova + (size - 1), 64);
	/* The pointers to new tables, too. */
	gather.nonleaf = true;
	return sluice_paging_flush(&paging->domain, &gather);
}

/* What was cleared, up to the first hole. */
static size_t unmap_range(struct sluice_paging *paging,
			  struct sluice_range range,
			  struct sluice_gather *gather)
{
	struct sluice_extent extents[FEW_EXTENTS] __uninitialized;
	u64 held = range.start, end = range.start;
	size_t i, nr;

	while (!sluice_range_empty(&range)) {
		nr = pt_unmap(&paging->pt, held, &range, extents, FEW_EXTENTS,
			      gather);
		for (i = 0; i < nr && extents[i].iova == end; i++)
			end += extents[i].len;
	}
	return end - held;
}

/* Pages may be smaller than those that the caller counts in. */
static void gather_range(struct iommu_domain *hw,
			 struct iommu_iotlb_gather *iotlb, unsigned long iova,
			 size_t size)
{
	if (iommu_iotlb_gather_is_disjoint(iotlb, iova, size))
		iommu_iotlb_sync(hw, iotlb);
	iommu_iotlb_gather_add_range(iotlb, iova, size);
}

size_t sluice_paging_unmap_pages(struct iommu_domain *hw, unsigned long iova,
				 size_t pgsize, size_t pgcount,
				 struct iommu_iotlb_gather *iotlb)
{
	struct sluice_paging *paging = sluice_paging_of_hw(hw);
	size_t size = pgsize * pgcount, done;
	struct sluice_range range = {
		.start = iova, .last = iova + (size - 1),
	};
	struct sluice_gather gather __uninitialized;
	bool cut;

	sluice_gather_init(&gather);
	if (pt_cut(&paging->pt, &range, GFP_ATOMIC, &gather))
		return 0;
	cut = gather.nr;
	done = unmap_range(paging, range, &gather);
	/* The IOMMU core's gather has no room for these; they are rare. */
	if (cut || gather.nonleaf)
		flush_now(paging, &gather);
	else if (gather.nr && !iommu_iotlb_gather_queued(iotlb))
		gather_range(hw, iotlb, iova, size);
	return done;
}

void sluice_paging_iotlb_sync(struct iommu_domain *hw,
			      struct iommu_iotlb_gather *iotlb)
{
	struct sluice_paging *paging = sluice_paging_of_hw(hw);
	struct sluice_gather gather __uninitialized;

	/* Nothing was gathered: unmap has flushed. */
	if (iotlb->start > iotlb->end)
		return;
	sluice_gather_init(&gather);
	sluice_gather_add(&gather, iotlb->start, iotlb->end,
			  paging->pt.granule_lg2);
	flush_now(paging, &gather);
}

void sluice_paging_flush_iotlb_all(struct iommu_domain *hw)
{
	struct sluice_paging *paging = sluice_paging_of_hw(hw);
	struct sluice_gather gather __uninitialized;

	sluice_gather_init(&gather);
	sluice_gather_add(&gather, 0, U64_MAX, paging->pt.granule_lg2);
	flush_now(paging, &gather);
}

phys_addr_t sluice_paging_iova_to_phys(struct iommu_domain *hw,
				       dma_addr_t iova)
{
	phys_addr_t phys;

	if (pt_iova_to_phys(&sluice_paging_of_hw(hw)->pt, iova, &phys))
		return 0;
	return phys;
}

bool sluice_paging_enforce_cache_coherency(struct iommu_domain *hw)
{
	return sluice_paging_of_hw(hw)->snoop;
}

void sluice_paging_free_hw(struct iommu_domain *hw)
{
	struct sluice_paging *paging = sluice_paging_of_hw(hw);

	paging->ops->free(paging);
}

/* ---- The driver ---- */

static int take_first(struct device *dev, void *data)
{
	struct device **first = data;

	*first = dev;
	return 1;
}

struct device *sluice_paging_first_device(struct iommu_group *group,
					  const struct iommu_ops *ops)
{
	struct device *dev = NULL;

	KUNIT_STATIC_STUB_REDIRECT(sluice_paging_first_device, group, ops);
	iommu_group_for_each_dev(group, &dev, take_first);
	/* A group's devices have been probed by a driver. */
	if (!dev || dev->iommu->iommu_dev->ops != ops)
		return NULL;
	return dev;
}

/**
 * struct rids - requester IDs being collected
 * @v: where, or NULL to count only
 * @nr: how many so far
 */
struct rids {
	u16 *v;
	unsigned int nr;
};

static int collect_rid(struct pci_dev *pdev, u16 rid, void *data)
{
	struct rids *rids = data;

	if (rids->v)
		rids->v[rids->nr] = rid;
	rids->nr++;
	return 0;
}

u16 *sluice_paging_rids(struct pci_dev *pdev, unsigned int *nr)
{
	struct rids rids = {};

	pci_for_each_dma_alias(pdev, collect_rid, &rids);
	rids.v = kcalloc(rids.nr, sizeof(*rids.v), GFP_KERNEL);
	if (!rids.v)
		return NULL;
	rids.nr = 0;
	pci_for_each_dma_alias(pdev, collect_rid, &rids);
	*nr = rids.nr;
	return rids.v;
}

static bool host_translated __initdata;

/*
 * The IOMMU core evaluates this, too, but doesn't tell whether its answer is the
 * administrator's or the kernel configuration's.
 */
static int __init note_passthrough(char *value)
{
	bool passthrough;

	if (value && !kstrtobool(value, &passthrough))
		host_translated = !passthrough;
	return 0;
}
early_param("iommu.passthrough", note_passthrough);

static int __init note_iommu(char *value)
{
	if (value && strstr(value, "nopt"))
		host_translated = true;
	return 0;
}
early_param("iommu", note_iommu);

void __init sluice_paging_host_mode(void)
{
	if (host_translated) {
		pr_info("host devices: translated, as the command line says\n");
		return;
	}
	pr_info("host devices: identity (iommu.passthrough=0 has them translated)\n");
	iommu_set_default_passthrough(false);
}
