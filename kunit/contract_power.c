// SPDX-License-Identifier: GPL-2.0-only
/*
 * The POWER backend's way into the contract suite, over a pretended hypervisor. It has
 * only domains that are the record of what they have mapped.
 */
#include <kunit/static_stub.h>

#include "contract.h"
#include "core/pt/private.h"
#include "power_hv.h"

/* Countdown: the n-th allocation of a table fails; 0: none. */
static atomic_t fail_alloc;

static __le64 *alloc_or_fail(struct pt *pt, gfp_t gfp)
{
	__le64 *table;

	if (atomic_add_unless(&fail_alloc, -1, 0) && !atomic_read(&fail_alloc))
		return NULL;
	kunit_deactivate_static_stub(current->kunit_test, pt_table_alloc);
	table = pt_table_alloc(pt, gfp);
	kunit_activate_static_stub(current->kunit_test, pt_table_alloc,
				   alloc_or_fail);
	return table;
}

static void add_group(struct contract *c, unsigned int n, u64 bytes)
{
	struct fake_pe *fp = fake_pe_create(c->hw, false);

	fp->desc.window.last = bytes - 1;
	KUNIT_ASSERT_EQ(c->test, 0, fake_pe_take(fp));
	c->group[n] = fp->group;
}

static void plug(struct contract *c, bool multi_tce, u64 bytes)
{
	struct fake_hv *hv = fake_hv_create(c->test);

	if (!multi_tce) {
		hv->ops.put_indirect = NULL;
		hv->ops.stuff = NULL;
	}
	c->hw = hv;
	atomic_set(&fail_alloc, 0);
	kunit_activate_static_stub(c->test, pt_table_alloc, alloc_or_fail);
	add_group(c, 0, bytes);
	add_group(c, 1, bytes);
	add_group(c, 2, bytes / 2);
}

static void plug_multi(struct contract *c)
{
	plug(c, true, SZ_128M);
}

/* Tables are cleared TCE by TCE: a large one would take too long. */
static void plug_single(struct contract *c)
{
	plug(c, false, SZ_2M);
}

static int seam_translate(struct iommu_group *group, u64 iova, bool write,
			  phys_addr_t *phys)
{
	return fake_pe_translate(fake_pe_find(group), iova, write, phys);
}

static void seam_fail_alloc(struct contract *c, unsigned int n)
{
	atomic_set(&fail_alloc, n);
}

static void seam_die(struct contract *c)
{
	struct fake_hv *hv = c->hw;

	hv->broken = true;
}

static unsigned int seam_tables(struct contract *c)
{
	struct power_domain *d;
	unsigned int i, n = 1;

	if (!c->domain)
		return 0;
	d = power_domain_of(c->domain);
	for (i = 0; i < SLUICE_MAX_HW_WINDOWS; i++) {
		if (!sluice_range_empty(&d->windows[i].range))
			n += pt_nr_tables(&d->windows[i].record);
	}
	return n;
}

static void seam_check_idle(struct contract *c)
{
	fake_hv_check_idle(c->hw);
}

#define SEAM(suffix, nr, plug_it, ...) \
const struct contract_seam contract_power_##suffix = {	\
	.name = "power-" #suffix,			\
	.backend = &power_backend,			\
	.tells_prot = true,				\
	.record = true,					\
	.aperture = nr,					\
	.plug = plug_it,				\
	.translate = seam_translate,			\
	.fail_alloc = seam_fail_alloc,			\
	.die = seam_die,				\
	.tables = seam_tables,				\
	.check_idle = seam_check_idle,			\
	__VA_ARGS__					\
}

/* Several TCEs make a page in the default window, if those are larger than 4K. */
#define DEFAULT_BLOCK (POWER_BLOCK >> (PAGE_SHIFT - POWER_DEFAULT_LG2))

#define DEFAULT_NO_EACH (PAGE_SHIFT != POWER_DEFAULT_LG2)

SEAM(default, 0, plug_multi, .block = DEFAULT_BLOCK, .no_each = DEFAULT_NO_EACH);
SEAM(large, 1, plug_multi, .block = POWER_BLOCK);
SEAM(single, 1, plug_single, .block = POWER_BLOCK);
