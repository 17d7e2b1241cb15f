// SPDX-License-Identifier: GPL-2.0-only
/*
 * The AMD-Vi backend's way into the contract suite, over pretended units.
 */
#include <kunit/static_stub.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/pci.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "amdvi_hw.h"
#include "contract.h"
#include "core/pt/private.h"

#define NR_GROUPS 3

/**
 * struct member - a device alone in its group
 * @group: its group; the kernel knows of no device in it
 * @device: the driver's view of it
 * @dev: what the IOMMU core would know of it
 * @iommu: the same
 */
struct member {
	struct iommu_group *group;
	struct amdvi_device *device;
	struct device dev;
	struct dev_iommu iommu;
};

/* One contract is under test at a time. */
static struct member members[NR_GROUPS];
static struct fake_amdvi *units[NR_GROUPS];
static int nr_domains;

/* Tables that were kept, since hardware may use them. */
static struct pt *kept[8];
static unsigned int nr_kept;

/* Countdown: the n-th allocation of a table fails; 0: none. */
static atomic_t fail_alloc;

/* ---- Stubs ---- */

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

static struct member *member_of(struct iommu_group *group)
{
	unsigned int i;

	for (i = 0; i < NR_GROUPS; i++) {
		if (members[i].group == group)
			return &members[i];
	}
	return NULL;
}

static int attach_group(struct sluice_domain *domain, struct iommu_group *group)
{
	struct member *m = member_of(group);

	if (!m)
		return -ENODEV;
	return amdvi_device_attach(m->device,
				   amdvi_domain_of(sluice_paging_of(domain)));
}

static void detach_group(struct sluice_domain *domain,
			 struct iommu_group *group)
{
	amdvi_device_block(member_of(group)->device);
}

static struct device *first_device(struct iommu_group *group,
				   const struct iommu_ops *ops)
{
	struct member *m = member_of(group);

	return m && ops == &amdvi_iommu_ops ? &m->dev : NULL;
}

static int domain_init(struct sluice_paging *paging,
		       const struct sluice_paging_ops *ops,
		       const struct iommu_ops *iommu_ops,
		       const struct pt_format *fmt, const struct pt_config *cfg,
		       u64 last)
{
	struct kunit *test = kunit_get_current_test();
	int ret;

	kunit_deactivate_static_stub(test, sluice_paging_init);
	ret = sluice_paging_init(paging, ops, iommu_ops, fmt, cfg, last);
	kunit_activate_static_stub(test, sluice_paging_init, domain_init);
	nr_domains += !ret;
	return ret;
}

static void domain_deinit(struct sluice_paging *paging)
{
	struct kunit *test = kunit_get_current_test();
	struct pt *pt;

	kunit_deactivate_static_stub(test, sluice_paging_deinit);
	sluice_paging_deinit(paging);
	kunit_activate_static_stub(test, sluice_paging_deinit, domain_deinit);
	nr_domains--;
	if (!paging->broken || nr_kept == ARRAY_SIZE(kept))
		return;
	pt = kmemdup(&paging->pt, sizeof(*pt), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pt);
	kept[nr_kept++] = pt;
}

/* ---- The seam ---- */

static void unplug(void *data)
{
	unsigned int i;

	for (i = 0; i < NR_GROUPS; i++) {
		if (members[i].device)
			amdvi_device_free(members[i].device);
		if (members[i].group)
			iommu_group_put(members[i].group);
	}
	memset(members, 0, sizeof(members));
	while (nr_kept) {
		pt_deinit(kept[--nr_kept]);
		kfree(kept[nr_kept]);
	}
}

static void add_group(struct contract *c, unsigned int n, struct fake_amdvi *hw)
{
	u16 rid = PCI_DEVID(n + 1, PCI_DEVFN(n + 3, n));
	struct member *m = &members[n];

	units[n] = hw;
	m->device = amdvi_device_alloc(&hw->unit, NULL, &rid, 1);
	KUNIT_ASSERT_FALSE(c->test, IS_ERR(m->device));
	m->iommu.priv = m->device;
	m->dev.iommu = &m->iommu;
	m->group = iommu_group_alloc();
	KUNIT_ASSERT_FALSE(c->test, IS_ERR(m->group));
	c->group[n] = m->group;
}

static void plug(struct contract *c, u32 cap, bool one_unit)
{
	struct fake_amdvi *hw[NR_GROUPS];
	struct kunit *test = c->test;
	unsigned int i;

	for (i = 0; i < NR_GROUPS; i++)
		hw[i] = one_unit && i == 1 ? hw[0] :
			fake_amdvi_create(test, cap, FAKE_AMDVI_EFR);
	/* What no real unit is: unable to walk the others' tables. */
	hw[2]->unit.iommu.caps.pgsizes = SZ_4K;
	nr_domains = 0;
	atomic_set(&fail_alloc, 0);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, unplug, c));
	kunit_activate_static_stub(test, pt_table_alloc, alloc_or_fail);
	kunit_activate_static_stub(test, sluice_paging_attach, attach_group);
	kunit_activate_static_stub(test, sluice_paging_detach, detach_group);
	kunit_activate_static_stub(test, sluice_paging_first_device,
				   first_device);
	kunit_activate_static_stub(test, sluice_paging_init, domain_init);
	kunit_activate_static_stub(test, sluice_paging_deinit, domain_deinit);
	for (i = 0; i < NR_GROUPS; i++)
		add_group(c, i, hw[i]);
}

static void plug_plain(struct contract *c)
{
	plug(c, FAKE_AMDVI_CAP & ~BIT(26), false);
}

static void plug_caching(struct contract *c)
{
	plug(c, FAKE_AMDVI_CAP, true);
}

static int seam_translate(struct iommu_group *group, u64 iova, bool write,
			  phys_addr_t *phys)
{
	struct member *m = member_of(group);

	return fake_amdvi_translate(units[m - members], m->device->rids[0],
				    iova, write, phys);
}

static void seam_fail_alloc(struct contract *c, unsigned int n)
{
	atomic_set(&fail_alloc, n);
}

static void seam_die(struct contract *c)
{
	unsigned int i;

	for (i = 0; i < NR_GROUPS; i++)
		units[i]->deaf = true;
}

static unsigned int seam_tables(struct contract *c)
{
	unsigned int i, n = 0;

	for (i = 0; i < nr_kept; i++)
		n += pt_nr_tables(kept[i]);
	if (c->domain)
		n += pt_nr_tables(&sluice_paging_of(c->domain)->pt);
	return n;
}

static void seam_check_idle(struct contract *c)
{
	unsigned int i;

	KUNIT_EXPECT_EQ(c->test, 0, nr_domains);
	for (i = 0; i < NR_GROUPS; i++) {
		struct amdvi_unit *unit = &units[i]->unit;

		KUNIT_EXPECT_NULL(c->test, members[i].device->domain);
		/* What dead hardware knows is never used again. */
		if (!unit->iommu.dead)
			KUNIT_EXPECT_TRUE(c->test, ida_is_empty(&unit->dids));
		KUNIT_EXPECT_EQ(c->test, 1, kref_read(&unit->iommu.ref));
		KUNIT_EXPECT_EQ(c->test, 0, atomic_read(&units[i]->violations));
	}
}

#define SEAM(suffix, plug_it) \
const struct contract_seam contract_amdvi_##suffix = {	\
	.name = "amdvi-" #suffix,			\
	.backend = &amdvi_backend,			\
	.caches = true,					\
	.tells_prot = true,				\
	.plug = plug_it,				\
	.translate = seam_translate,			\
	.fail_alloc = seam_fail_alloc,			\
	.die = seam_die,				\
	.tables = seam_tables,				\
	.check_idle = seam_check_idle,			\
}

SEAM(plain, plug_plain);
SEAM(caching, plug_caching);
