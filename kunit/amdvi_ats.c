// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices with TLBs behind a pretended AMD-Vi: see amdvi_ats.h.
 */
#include <kunit/static_stub.h>
#include <linux/err.h>
#include <linux/sizes.h>

#include "amdvi_ats.h"

#define RW	(SLUICE_PROT_READ | SLUICE_PROT_WRITE)

struct amdvi_device *ats_add_device(struct kunit *test, struct fake_amdvi *hw,
				    u16 rid)
{
	struct amdvi_device *device = amdvi_device_alloc(&hw->unit, NULL, &rid,
							 1);

	KUNIT_ASSERT_FALSE(test, IS_ERR(device));
	device->ats_able = true;
	device->ats_depth = DEPTH;
	return device;
}

struct amdvi_domain *ats_add_domain(struct ats *t)
{
	struct amdvi_domain *domain = amdvi_domain_alloc(&t->hw->unit);

	KUNIT_ASSERT_FALSE(t->test, IS_ERR(domain));
	/* As the host's drivers have them. */
	domain->paging.hw.type = IOMMU_DOMAIN_DMA;
	return domain;
}

void ats_attach(struct ats *t, struct amdvi_device *device,
		struct amdvi_domain *domain)
{
	KUNIT_ASSERT_EQ(t->test, 0, amdvi_device_attach(device, domain));
}

int ats_init(struct kunit *test)
{
	struct ats *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->test = test;
	t->hw = fake_amdvi_create(test, FAKE_AMDVI_CAP & ~BIT(26),
				  FAKE_AMDVI_EFR);
	t->device = ats_add_device(test, t->hw, RID);
	t->domain = ats_add_domain(t);
	ats_attach(t, t->device, t->domain);
	t->other = ats_add_device(test, t->hw, OTHER);
	t->elsewhere = ats_add_domain(t);
	ats_attach(t, t->other, t->elsewhere);
	t->hw->nr_cmds = 0;
	test->priv = t;
	return 0;
}

/* Nothing is left anywhere, not even of a domain that hardware couldn't let go of. */
void ats_exit(struct kunit *test)
{
	struct ats *t = test->priv;

	if (!t)
		return;
	amdvi_device_free(t->device);
	amdvi_device_free(t->other);
	KUNIT_EXPECT_TRUE(test, list_empty(&t->domain->ats));
	KUNIT_EXPECT_TRUE(test, list_empty(&t->elsewhere->ats));
	KUNIT_EXPECT_TRUE(test, list_empty(&t->hw->unit.watches));
	KUNIT_EXPECT_TRUE(test, xa_empty(&t->hw->atc));
	KUNIT_EXPECT_FALSE(test, t->hw->unit.iommu.dead);
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&t->hw->violations));
	t->domain->paging.broken = false;
	t->elsewhere->paging.broken = false;
	sluice_paging_free_hw(&t->domain->paging.hw);
	sluice_paging_free_hw(&t->elsewhere->paging.hw);
}

void ats_gather_one(struct sluice_gather *gather, u64 start, u64 last)
{
	sluice_gather_init(gather);
	sluice_gather_add(gather, start, last, 12);
}

int ats_inval(struct ats *t, u64 start, u64 last)
{
	struct sluice_gather gather;

	ats_gather_one(&gather, start, last);
	t->hw->nr_cmds = 0;
	return amdvi_ats_inval(t->device, &gather);
}

int ats_flush(struct amdvi_domain *domain)
{
	struct sluice_gather gather;

	ats_gather_one(&gather, IOVA, IOVA + SZ_4K - 1);
	return domain->paging.ops->flush(&domain->paging, &gather);
}

void ats_map(struct ats *t, struct amdvi_domain *domain, u64 iova, u64 phys,
	     u64 bytes)
{
	struct sluice_extent e = { .iova = iova, .phys = phys, .len = bytes };
	struct sluice_gather gather;
	u64 done;

	sluice_gather_init(&gather);
	KUNIT_ASSERT_EQ(t->test, 0,
			sluice_paging_map(&domain->paging.domain, &e, 1, RW,
					  &done, &gather));
}

int ats_unmap(struct amdvi_domain *domain, u64 iova, u64 bytes)
{
	struct sluice_range range = { iova, iova + (bytes - 1) };
	struct sluice_gather gather;
	struct sluice_extent e;
	int ret;

	sluice_gather_init(&gather);
	ret = sluice_paging_cut(&domain->paging.domain, &range, &gather);
	if (ret)
		return ret;
	while (!sluice_range_empty(&range))
		sluice_paging_unmap(&domain->paging.domain, iova, &range, &e, 1,
				    &gather);
	return sluice_paging_flush(&domain->paging.domain, &gather);
}

unsigned int ats_count(const struct fake_amdvi *hw, unsigned int opcode)
{
	unsigned int i, n = 0;

	for (i = 0; i < hw->nr_cmds; i++)
		n += hw->cmd[i][0] >> 60 == opcode;
	return n;
}

unsigned int ats_reported;

static void note(struct amdvi_unit *unit, u64 low, u64 high)
{
	ats_reported++;
}

void ats_hear(struct kunit *test)
{
	ats_reported = 0;
	kunit_activate_static_stub(test, amdvi_fault_report, note);
}
