// SPDX-License-Identifier: GPL-2.0-only
/*
 * A domain of the POWER backend over a pretended hypervisor, for its suites.
 */
#include "power_fixture.h"

struct power_case *power_case_plug(struct kunit *test)
{
	struct power_case *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, c);
	c->test = test;
	c->hv = fake_hv_create(test);
	for (i = 0; i < FAKE_HV_PES; i++)
		c->fp[i] = fake_pe_create(c->hv, false);
	sluice_gather_init(&c->gather);
	return c;
}

void power_case_start(struct power_case *c, unsigned int pes,
		      enum sluice_domain_kind kind)
{
	unsigned int i;

	for (i = 0; i < pes; i++)
		KUNIT_ASSERT_EQ(c->test, 0, fake_pe_take(c->fp[i]));
	c->domain = sluice_domain_alloc(&c->fp[0]->pe->iommu, c->fp[0]->group,
					kind);
	KUNIT_ASSERT_FALSE(c->test, IS_ERR(c->domain));
	for (i = 0; i < pes; i++)
		KUNIT_ASSERT_EQ(c->test, 0, power_case_attach(c, i));
	fake_hv_forget_counts(c->hv);
}

struct power_case *power_case_create(struct kunit *test, unsigned int pes)
{
	struct power_case *c = power_case_plug(test);

	power_case_start(c, pes, SLUICE_DOMAIN_UNIFIED);
	return c;
}

void power_case_finish(struct power_case *c)
{
	unsigned int i;

	for (i = 0; i < FAKE_HV_PES; i++)
		power_case_detach(c, i);
	sluice_domain_free(c->domain);
	c->domain = NULL;
	fake_hv_check_idle(c->hv);
	fake_hv_destroy(c->hv);
}

int power_case_attach(struct power_case *c, unsigned int n)
{
	int ret = c->domain->ops->attach(c->domain, c->fp[n]->group);

	c->attached[n] = !ret;
	return ret;
}

void power_case_detach(struct power_case *c, unsigned int n)
{
	if (c->attached[n])
		c->domain->ops->detach(c->domain, c->fp[n]->group);
	c->attached[n] = false;
}

void power_add(struct power_case *c, u64 iova, u64 phys, u64 bytes)
{
	KUNIT_ASSERT_LT(c->test, c->nr, POWER_EXTENTS);
	c->e[c->nr++] = (struct sluice_extent){
		.iova = iova, .phys = phys, .len = bytes,
	};
}

void power_add_page(struct power_case *c, unsigned int page)
{
	power_add(c, IOVA(page), PHYS(page), PAGE_SIZE);
}

int power_do_map(struct power_case *c, unsigned int prot)
{
	int ret;

	c->done = 0;
	ret = c->domain->ops->map(c->domain, c->e, c->nr, prot, &c->done,
				  &c->gather);
	c->nr = 0;
	return ret;
}

void power_do_map_page(struct power_case *c, unsigned int page)
{
	power_add_page(c, page);
	KUNIT_ASSERT_EQ(c->test, 0, power_do_map(c, RW));
}

size_t power_do_unmap(struct power_case *c, u64 iova, u64 bytes)
{
	struct sluice_range range = { iova, iova + (bytes - 1) };
	size_t nr = 0;

	while (!sluice_range_empty(&range)) {
		KUNIT_ASSERT_LT(c->test, nr, POWER_EXTENTS);
		nr += c->domain->ops->unmap(c->domain, iova, &range, c->e + nr,
					    POWER_EXTENTS - nr, &c->gather);
	}
	return nr;
}

int power_do_flush(struct power_case *c)
{
	int ret = c->domain->ops->flush(c->domain, &c->gather);

	sluice_gather_init(&c->gather);
	return ret;
}

void power_do_clear(struct power_case *c)
{
	struct sluice_range range = { .start = 0, .last = U64_MAX };

	while (!sluice_range_empty(&range))
		c->domain->ops->unmap(c->domain, 0, &range, c->e,
				      POWER_EXTENTS, &c->gather);
	KUNIT_EXPECT_EQ(c->test, 0, power_do_flush(c));
}

void power_check(struct power_case *c)
{
	unsigned int i;

	for (i = 0; i < FAKE_HV_PES; i++) {
		if (c->attached[i])
			fake_pe_expect_record(c->fp[i], c->domain);
	}
}

unsigned int power_mapped(struct power_case *c)
{
	struct sluice_range range = { .start = 0, .last = U64_MAX };
	struct sluice_extent e;
	unsigned int n = 0;

	while (!sluice_range_empty(&range)) {
		if (c->domain->ops->read(c->domain, &range, &e, 1))
			n += e.len / PAGE_SIZE;
	}
	return n;
}

void power_expect_calls(struct power_case *c, unsigned int put,
			unsigned int indirect, unsigned int stuff)
{
	KUNIT_EXPECT_EQ(c->test, put, atomic_read(&c->hv->calls[FAKE_HV_PUT]));
	KUNIT_EXPECT_EQ(c->test, indirect,
			atomic_read(&c->hv->calls[FAKE_HV_INDIRECT]));
	KUNIT_EXPECT_EQ(c->test, stuff,
			atomic_read(&c->hv->calls[FAKE_HV_STUFF]));
	fake_hv_forget_counts(c->hv);
}
