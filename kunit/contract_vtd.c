// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VT-d backend's way into the contract suite, over pretended units.
 */
#include <kunit/static_stub.h>
#include <linux/pci.h>

#include "contract.h"
#include "core/pt/private.h"
#include "vtd_hw.h"

#define COHERENT (FAKE_VTD_ECAP | FAKE_VTD_ECAP_C)

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

/* A group behind @hw; number @n makes its requester ID. */
static void add_group(struct contract *c, unsigned int n, struct fake_vtd *hw)
{
	u16 rid = PCI_DEVID(n + 1, PCI_DEVFN(n + 3, n));

	c->group[n] = fake_vtd_device_create(c->test, hw, &rid, 1)->group;
}

static void plug(struct contract *c, u64 cap, u64 ecap, bool one_unit)
{
	struct fake_vtd *hw = fake_vtd_create(c->test, cap, ecap);

	fake_vtd_stub_groups(c->test);
	fake_vtd_stub_domains(c->test);
	atomic_set(&fail_alloc, 0);
	kunit_activate_static_stub(c->test, pt_table_alloc, alloc_or_fail);
	add_group(c, 0, hw);
	add_group(c, 1, one_unit ? hw : fake_vtd_create(c->test, cap, ecap));
	add_group(c, 2, fake_vtd_create(c->test, cap & ~FAKE_VTD_CAP_SUPER,
					ecap));
}

static void plug_39(struct contract *c)
{
	plug(c, FAKE_VTD_CAP_39, COHERENT, true);
}

static void plug_48(struct contract *c)
{
	plug(c, FAKE_VTD_CAP, COHERENT, false);
}

static void plug_57(struct contract *c)
{
	plug(c, FAKE_VTD_CAP_57, COHERENT, true);
}

static void plug_caching(struct contract *c)
{
	plug(c, FAKE_VTD_CAP | FAKE_VTD_CAP_CM, FAKE_VTD_ECAP, false);
}

static int seam_translate(struct iommu_group *group, u64 iova, bool write,
			  phys_addr_t *phys)
{
	struct vtd_device *device = fake_vtd_device_find(group)->device;

	return fake_vtd_translate(fake_vtd_of(device->unit), device->rids[0],
				  iova, write, phys);
}

static void seam_fail_alloc(struct contract *c, unsigned int n)
{
	atomic_set(&fail_alloc, n);
}

static void seam_die(struct contract *c)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(c->group); i++) {
		struct fake_vtd_device *fd = fake_vtd_device_find(c->group[i]);

		fake_vtd_of(fd->device->unit)->dies = 1;
	}
}

static unsigned int seam_tables(struct contract *c)
{
	unsigned int n = fake_vtd_kept_tables();

	if (c->domain)
		n += pt_nr_tables(&sluice_paging_of(c->domain)->pt);
	return n;
}

static void seam_check_idle(struct contract *c)
{
	fake_vtd_check_idle(c->test);
}

#define SEAM(suffix, plug_it) \
const struct contract_seam contract_vtd_##suffix = {	\
	.name = "vtd-" #suffix,				\
	.backend = &vtd_backend,			\
	.caches = true,					\
	.tells_prot = true,				\
	.plug = plug_it,				\
	.translate = seam_translate,			\
	.fail_alloc = seam_fail_alloc,			\
	.die = seam_die,				\
	.tables = seam_tables,				\
	.check_idle = seam_check_idle,			\
}

SEAM(39, plug_39);
SEAM(48, plug_48);
SEAM(57, plug_57);
SEAM(caching, plug_caching);
