// SPDX-License-Identifier: GPL-2.0-only
/*
 * io-pgtable's AMD v1 format, for the page-table benchmark. It lives inside the
 * AMD driver's domain, so one is made up, to which no IOMMU belongs: what it
 * would flush goes nowhere.
 */
#include <linux/spinlock.h>
#include <linux/xarray.h>

#include "amd_iommu.h"
#include "amd_iommu_types.h"
#include "pt_bench.h"

const int pt_bench_io_prot = IOMMU_PROT_IR | IOMMU_PROT_IW;

static const struct iommu_flush_ops no_flush = {};

static void free_pgtable(void *ops)
{
	free_io_pgtable_ops(ops);
}

struct io_pgtable_ops *pt_bench_io_pgtable(struct kunit *test)
{
	struct protection_domain *domain;
	struct io_pgtable_ops *ops;

	domain = kunit_kzalloc(test, sizeof(*domain), GFP_KERNEL);
	if (!domain)
		return NULL;
	spin_lock_init(&domain->lock);
	INIT_LIST_HEAD(&domain->dev_list);
	INIT_LIST_HEAD(&domain->dev_data_list);
	xa_init(&domain->iommu_array);
	domain->iop.pgtbl.cfg.tlb = &no_flush;
	domain->iop.pgtbl.cfg.amd.nid = NUMA_NO_NODE;
	ops = alloc_io_pgtable_ops(AMD_IOMMU_V1, &domain->iop.pgtbl.cfg,
				   domain);
	if (ops && kunit_add_action_or_reset(test, free_pgtable, ops))
		return NULL;
	return ops;
}
