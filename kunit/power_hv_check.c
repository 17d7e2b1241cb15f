// SPDX-License-Identifier: GPL-2.0-only
/*
 * A pretended hypervisor: what tests tell and ask it.
 */
#include "core/private.h"
#include "power_hv.h"

void fake_hv_fail(struct fake_hv *hv, enum fake_hv_call call, unsigned int nth,
		  unsigned int times, int err)
{
	spin_lock(&hv->lock);
	hv->failures[call] = (struct fake_hv_failure){ nth, times, err };
	spin_unlock(&hv->lock);
}

void fake_hv_heal(struct fake_hv *hv)
{
	spin_lock(&hv->lock);
	memset(hv->failures, 0, sizeof(hv->failures));
	hv->broken = false;
	spin_unlock(&hv->lock);
}

void fake_hv_forget_counts(struct fake_hv *hv)
{
	unsigned int i;

	for (i = 0; i < FAKE_HV_CALLS; i++) {
		atomic_set(&hv->calls[i], 0);
		atomic_set(&hv->tces[i], 0);
	}
	atomic_set(&hv->rewritten, 0);
}

unsigned int fake_hv_writes(struct fake_hv *hv)
{
	return atomic_read(&hv->calls[FAKE_HV_PUT]) +
	       atomic_read(&hv->calls[FAKE_HV_INDIRECT]) +
	       atomic_read(&hv->calls[FAKE_HV_STUFF]);
}

static unsigned long window_tces(struct fake_window *fw)
{
	unsigned long n, nr = 0;
	unsigned int i;
	u64 *block;

	xa_for_each(&fw->blocks, n, block) {
		for (i = 0; i < 512; i++)
			nr += !!block[i];
	}
	return nr;
}

unsigned long fake_pe_tces(struct fake_pe *fp)
{
	unsigned long nr = 0;
	unsigned int i;

	for (i = 0; i < FAKE_HV_WINDOWS; i++) {
		if (fp->windows[i].there)
			nr += window_tces(&fp->windows[i]);
	}
	return nr;
}

void fake_pe_expect_normal(struct fake_pe *fp)
{
	struct kunit *test = fp->hv->test;
	unsigned int i;

	KUNIT_EXPECT_TRUE(test, fp->windows[0].there);
	KUNIT_EXPECT_TRUE(test, fp->windows[0].initial);
	for (i = 1; i < FAKE_HV_WINDOWS; i++)
		KUNIT_EXPECT_FALSE(test, fp->windows[i].there);
	KUNIT_EXPECT_EQ(test, fake_pe_tces(fp), 0);
}

static unsigned int lg2_at(struct fake_pe *fp, u64 iova)
{
	unsigned int i;

	for (i = 0; i < FAKE_HV_WINDOWS; i++) {
		struct fake_window *fw = &fp->windows[i];

		if (fw->there && iova >= fw->range.start &&
		    iova <= fw->range.last)
			return fw->page_lg2;
	}
	return 63;
}

/* Returns the number of TCEs that the extent should have. */
static unsigned long expect_extent(struct fake_pe *fp,
				   const struct sluice_extent *e)
{
	struct kunit *test = fp->hv->test;
	u64 page = BIT_ULL(lg2_at(fp, e->iova)), off;
	phys_addr_t phys;
	int ret;

	for (off = 0; off < e->len; off += page) {
		phys = 0;
		ret = fake_pe_translate(fp, e->iova + off, false, &phys);
		KUNIT_EXPECT_EQ(test, ret,
				e->prot & SLUICE_PROT_READ ? 0 : -EACCES);
		if (!ret)
			KUNIT_EXPECT_EQ(test, (u64)phys, e->phys + off);
		ret = fake_pe_translate(fp, e->iova + off, true, &phys);
		KUNIT_EXPECT_EQ(test, ret,
				e->prot & SLUICE_PROT_WRITE ? 0 : -EACCES);
		if (!ret)
			KUNIT_EXPECT_EQ(test, (u64)phys, e->phys + off);
	}
	return e->len / page;
}

void fake_pe_expect_record(struct fake_pe *fp, struct sluice_domain *domain)
{
	struct sluice_range range = { .start = 0, .last = U64_MAX };
	struct sluice_extent extents[16];
	unsigned long tces = 0;
	size_t i, n;

	while (!sluice_range_empty(&range)) {
		n = domain->ops->read(domain, &range, extents,
				      ARRAY_SIZE(extents));
		for (i = 0; i < n; i++)
			tces += expect_extent(fp, &extents[i]);
	}
	KUNIT_EXPECT_EQ(fp->hv->test, fake_pe_tces(fp), tces);
}

/* What should be so when nothing is attached any more. */
void fake_hv_check_idle(struct fake_hv *hv)
{
	unsigned int i;

	for (i = 0; i < hv->nr_pes; i++) {
		struct fake_pe *fp = &hv->pes[i];

		if (!fp->pe)
			continue;
		KUNIT_EXPECT_EQ(hv->test, 1, kref_read(&fp->pe->iommu.ref));
		if (!fp->pe->iommu.dead)
			fake_pe_expect_normal(fp);
	}
	KUNIT_EXPECT_EQ(hv->test, 0, atomic_read(&hv->violations));
}
