// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pretended VT-d units: registers, and what tests need around them. Source: VT-d
 * specification 4.1, 11.4; the numbers are its own.
 */
#include <kunit/static_stub.h>
#include <linux/io.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "vtd_hw.h"

static LIST_HEAD(all_units);
static LIST_HEAD(all_devices);
static DEFINE_MUTEX(all_lock);	/* guards both lists */

/* Memory is the same for all units. KUnit runs one test at a time. */
static struct shadow memory;

static int nr_domains;
static struct pt *kept[8];
static unsigned int nr_kept;

/* Threads have no test of their own: counted, and judged at the end. */
void fake_vtd_violation(struct fake_vtd *hw, const char *what, u64 a, u64 b)
{
	if (atomic_inc_return(&hw->violations) < 4)
		kunit_err(hw->test, "%s: %s: %#llx %#llx\n", hw->unit.name,
			  what, a, b);
}

u64 fake_vtd_load(struct fake_vtd *hw, phys_addr_t at)
{
	if (!hw->snoops)
		return shadow_load(&memory, at);
	return le64_to_cpu(READ_ONCE(*(__le64 *)phys_to_virt(at)));
}

/* ---- Registers ---- */

static u32 *reg_of(struct fake_vtd *hw, unsigned int reg)
{
	return &hw->reg[reg / 4 % ARRAY_SIZE(hw->reg)];
}

u64 fake_vtd_get64(struct fake_vtd *hw, unsigned int reg)
{
	return *reg_of(hw, reg) | (u64)*reg_of(hw, reg + 4) << 32;
}

void fake_vtd_set64(struct fake_vtd *hw, unsigned int reg, u64 value)
{
	*reg_of(hw, reg) = value;
	*reg_of(hw, reg + 4) = value >> 32;
}

void fake_vtd_clear_events(struct fake_vtd *hw)
{
	spin_lock(&hw->lock);
	hw->nr_events = 0;
	spin_unlock(&hw->lock);
}

static void note(struct fake_vtd *hw, enum fake_vtd_kind kind, unsigned int reg,
		 u64 v0, u64 v1)
{
	if (hw->nr_events < FAKE_VTD_EVENTS)
		hw->event[hw->nr_events] = (struct fake_vtd_event){
			.kind = kind, .reg = reg, .v = { v0, v1 },
		};
	hw->nr_events++;
}

void fake_vtd_expect_event(struct fake_vtd *hw, unsigned int n,
			   enum fake_vtd_kind kind, unsigned int reg, u64 v0,
			   u64 v1)
{
	const struct fake_vtd_event *e = &hw->event[n];

	KUNIT_ASSERT_LT_MSG(hw->test, n, hw->nr_events, "event %u", n);
	KUNIT_EXPECT_EQ_MSG(hw->test, e->kind, kind, "event %u", n);
	KUNIT_EXPECT_EQ_MSG(hw->test, e->reg, reg, "event %u", n);
	KUNIT_EXPECT_EQ_MSG(hw->test, e->v[0], v0, "event %u", n);
	KUNIT_EXPECT_EQ_MSG(hw->test, e->v[1], v1, "event %u", n);
}

/* Where fault records are: CAP.FRO, CAP.NFR. Returns -1 elsewhere. */
static int record_of(struct fake_vtd *hw, unsigned int reg)
{
	u64 cap = fake_vtd_get64(hw, 0x08);
	unsigned int first = (cap >> 24 & 0x3ff) * 16;
	unsigned int nr = (cap >> 40 & 0xff) + 1;

	return reg >= first && reg < first + 16 * nr ? (reg - first) / 16 : -1;
}

/* 11.4: some registers must be accessed by 32 bits: hardware may do anything. */
static void check_width(struct fake_vtd *hw, unsigned int reg, unsigned int width)
{
	if (reg & (width - 1))
		fake_vtd_violation(hw, "register not aligned", reg, width);
	if (width == 8 && reg > 0x30 && reg < 0x50)
		fake_vtd_violation(hw, "64-bit access", reg, width);
}

static u32 read32(struct vtd_unit *unit, unsigned int reg)
{
	struct fake_vtd *hw = fake_vtd_of(unit);
	u32 value;

	spin_lock(&hw->lock);
	check_width(hw, reg, 4);
	value = *reg_of(hw, reg);
	spin_unlock(&hw->lock);
	return value;
}

static u64 read64(struct vtd_unit *unit, unsigned int reg)
{
	struct fake_vtd *hw = fake_vtd_of(unit);
	u64 value;

	spin_lock(&hw->lock);
	check_width(hw, reg, 8);
	value = fake_vtd_get64(hw, reg);
	spin_unlock(&hw->lock);
	return value;
}

/* FSTS: PPF is set as long as a record's F is; PFO is cleared by writing it. */
static void update_status(struct fake_vtd *hw)
{
	u64 cap = fake_vtd_get64(hw, 0x08);
	unsigned int i, first = (cap >> 24 & 0x3ff) * 16;
	u32 *status = reg_of(hw, 0x34);

	*status &= ~2U;
	for (i = 0; i <= (cap >> 40 & 0xff); i++) {
		if (*reg_of(hw, first + 16 * i + 12) & BIT(31))
			*status |= 2;
	}
}

static void write32(struct vtd_unit *unit, unsigned int reg, u32 value)
{
	struct fake_vtd *hw = fake_vtd_of(unit);

	spin_lock(&hw->lock);
	check_width(hw, reg, 4);
	note(hw, FAKE_VTD_WRITE32, reg, value, 0);
	if (reg == 0x34) {
		*reg_of(hw, reg) &= ~(value & 1);
	} else if (record_of(hw, reg) >= 0) {
		/* F alone can be written. */
		if ((reg & 15) == 12 && value & BIT(31))
			*reg_of(hw, reg) &= ~BIT(31);
		update_status(hw);
	} else if (reg == 0x64) {
		/* PRS follows EPM. */
		*reg_of(hw, reg) = (value & BIT(31)) | value >> 31;
	} else {
		*reg_of(hw, reg) = value;
	}
	spin_unlock(&hw->lock);
}

static void write64(struct vtd_unit *unit, unsigned int reg, u64 value)
{
	struct fake_vtd *hw = fake_vtd_of(unit);

	spin_lock(&hw->lock);
	check_width(hw, reg, 8);
	note(hw, FAKE_VTD_WRITE64, reg, value, 0);
	fake_vtd_set64(hw, reg, value);
	spin_unlock(&hw->lock);
}

static int command(struct vtd_unit *unit, u32 bit, bool on)
{
	struct fake_vtd *hw = fake_vtd_of(unit);
	int ret = 0;

	spin_lock(&hw->lock);
	note(hw, on ? FAKE_VTD_SET : FAKE_VTD_CLEAR, 0x18, bit, 0);
	if (hw->deaf)
		ret = -ETIMEDOUT;
	else if (bit == BIT(30))
		hw->root = fake_vtd_get64(hw, 0x20);
	if (!ret && on)
		*reg_of(hw, 0x1c) |= bit;
	else if (!ret)
		*reg_of(hw, 0x1c) &= ~bit;
	spin_unlock(&hw->lock);
	return ret;
}

static int submit(struct vtd_unit *unit, struct vtd_desc *descs,
		  unsigned int nr)
{
	struct fake_vtd *hw = fake_vtd_of(unit);
	unsigned int i;
	int ret = 0;

	spin_lock(&hw->lock);
	if (!nr || nr > 128)
		fake_vtd_violation(hw, "descriptors", nr, 0);
	for (i = 0; i < nr; i++)
		note(hw, FAKE_VTD_DESC, 0, descs[i].qw[0], descs[i].qw[1]);
	if (hw->dies && (hw->dies == 1 || !--hw->dies)) {
		hw->dies = 1;
		ret = -ETIMEDOUT;
	}
	for (i = 0; !ret && i < nr; i++)
		fake_vtd_carry_out(hw, descs[i].qw);
	spin_unlock(&hw->lock);
	return ret;
}

static void write_back(const void *start, size_t bytes)
{
	shadow_write_back(&memory, start, bytes);
}

static const struct vtd_hw fake_hw = {
	.read32		= read32,
	.read64		= read64,
	.write32	= write32,
	.write64	= write64,
	.command	= command,
	.submit		= submit,
	.write_back	= write_back,
};

/* ---- Set-up for tests ---- */

static void free_device(struct fake_vtd_device *fd)
{
	list_del(&fd->node);
	vtd_device_free(fd->device);
	iommu_group_put(fd->group);
	kfree(fd);
}

/* The last one takes along what hardware could still have read: no power. */
static void unplug(void *data)
{
	struct fake_vtd_device *fd, *next;
	struct fake_vtd *hw = data;

	guard(mutex)(&all_lock);
	list_for_each_entry_safe(fd, next, &all_devices, node) {
		if (fd->device->unit == &hw->unit)
			free_device(fd);
	}
	KUNIT_EXPECT_EQ(hw->test, 0, atomic_read(&hw->violations));
	if (hw->unit.root)
		vtd_unit_deinit(&hw->unit);
	fake_vtd_forget_all(hw);
	list_del(&hw->node);
	kfree(hw);
	if (!list_empty(&all_units))
		return;
	while (nr_kept) {
		pt_deinit(kept[--nr_kept]);
		kfree(kept[nr_kept]);
	}
	shadow_deinit(&memory);
}

struct fake_vtd *fake_vtd_plug(struct kunit *test, u64 cap, u64 ecap)
{
	struct fake_vtd *hw = kzalloc(sizeof(*hw), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, hw);
	hw->test = test;
	hw->unit.hw = &fake_hw;
	hw->unit.nid = NUMA_NO_NODE;
	hw->snoops = ecap & FAKE_VTD_ECAP_C;
	spin_lock_init(&hw->lock);
	xa_init(&hw->context);
	xa_init(&hw->tlb);
	xa_init(&hw->device_tlb);
	fake_vtd_set64(hw, 0x08, cap);
	fake_vtd_set64(hw, 0x10, ecap);
	scoped_guard(mutex, &all_lock) {
		if (list_empty(&all_units)) {
			shadow_init(&memory);
			nr_domains = 0;
		}
		snprintf(hw->unit.name, sizeof(hw->unit.name), "fake%zu",
			 list_count_nodes(&all_units));
		list_add_tail(&hw->node, &all_units);
	}
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, unplug, hw));
	return hw;
}

struct fake_vtd *fake_vtd_create(struct kunit *test, u64 cap, u64 ecap)
{
	struct fake_vtd *hw = fake_vtd_plug(test, cap, ecap);

	KUNIT_ASSERT_EQ(test, 0, vtd_unit_init(&hw->unit));
	KUNIT_ASSERT_EQ(test, 0, vtd_unit_load(&hw->unit));
	KUNIT_ASSERT_EQ(test, 0, vtd_unit_enable(&hw->unit));
	fake_vtd_clear_events(hw);
	return hw;
}

struct fake_vtd_device *fake_vtd_device_create(struct kunit *test,
					       struct fake_vtd *hw,
					       const u16 *rids, unsigned int nr)
{
	struct fake_vtd_device *fd = kzalloc(sizeof(*fd), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fd);
	fd->group = iommu_group_alloc();
	fd->device = vtd_device_alloc(&hw->unit, NULL, rids, nr);
	if (IS_ERR(fd->group) || IS_ERR(fd->device)) {
		kfree(fd);
		KUNIT_FAIL_AND_ABORT(test, "no device");
	}
	fd->iommu.priv = fd->device;
	fd->dev.iommu = &fd->iommu;
	scoped_guard(mutex, &all_lock)
		list_add_tail(&fd->node, &all_devices);
	return fd;
}

struct fake_vtd_device *fake_vtd_device_find(struct iommu_group *group)
{
	struct fake_vtd_device *fd;

	guard(mutex)(&all_lock);
	list_for_each_entry(fd, &all_devices, node) {
		if (fd->group == group)
			return fd;
	}
	return NULL;
}

/* What should be so when nothing is attached any more. */
void fake_vtd_check_idle(struct kunit *test)
{
	struct fake_vtd_device *fd;
	struct fake_vtd *hw;
	unsigned int i;

	guard(mutex)(&all_lock);
	list_for_each_entry(fd, &all_devices, node) {
		struct vtd_device *d = fd->device;
		u64 high;

		hw = fake_vtd_of(d->unit);
		KUNIT_EXPECT_NULL(test, d->domain);
		KUNIT_EXPECT_NULL(test, d->link);
		for (i = 0; i < d->nr_rids; i++)
			KUNIT_EXPECT_EQ(test, 0,
					fake_vtd_peek(hw, d->rids[i], &high));
	}
	list_for_each_entry(hw, &all_units, node) {
		/* What dead hardware knows is never used again. */
		if (!hw->unit.iommu.dead)
			KUNIT_EXPECT_TRUE(test, ida_is_empty(&hw->unit.dids));
		KUNIT_EXPECT_EQ(test, 1, kref_read(&hw->unit.iommu.ref));
		KUNIT_EXPECT_EQ(test, 0, atomic_read(&hw->violations));
	}
	KUNIT_EXPECT_EQ(test, 0, nr_domains);
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&memory.failures));
}

/* ---- Stubs ---- */

static int attach_group(struct sluice_domain *domain, struct iommu_group *group)
{
	struct fake_vtd_device *fd = fake_vtd_device_find(group);

	if (!fd)
		return -ENODEV;
	return vtd_device_attach(fd->device,
				 vtd_domain_of(sluice_paging_of(domain)));
}

static void detach_group(struct sluice_domain *domain,
			 struct iommu_group *group)
{
	struct fake_vtd_device *fd = fake_vtd_device_find(group);

	if (fd)
		vtd_device_block(fd->device);
}

static struct device *first_device(struct iommu_group *group,
				   const struct iommu_ops *ops)
{
	struct fake_vtd_device *fd = fake_vtd_device_find(group);

	return fd && ops == &vtd_iommu_ops ? &fd->dev : NULL;
}

void fake_vtd_stub_groups(struct kunit *test)
{
	kunit_activate_static_stub(test, sluice_paging_attach, attach_group);
	kunit_activate_static_stub(test, sluice_paging_detach, detach_group);
	kunit_activate_static_stub(test, sluice_paging_first_device,
				   first_device);
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
	long before = pt_nr_tables(&paging->pt);

	kunit_deactivate_static_stub(test, sluice_paging_deinit);
	sluice_paging_deinit(paging);
	kunit_activate_static_stub(test, sluice_paging_deinit, domain_deinit);
	nr_domains--;
	KUNIT_EXPECT_EQ(test, pt_nr_tables(&paging->pt),
			paging->broken ? before : 0);
	if (paging->broken && nr_kept < ARRAY_SIZE(kept)) {
		struct pt *pt = kmemdup(&paging->pt, sizeof(*pt), GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, pt);
		kept[nr_kept++] = pt;
	}
}

void fake_vtd_stub_domains(struct kunit *test)
{
	kunit_activate_static_stub(test, sluice_paging_init, domain_init);
	kunit_activate_static_stub(test, sluice_paging_deinit, domain_deinit);
}

int fake_vtd_domains(void)
{
	return nr_domains;
}

long fake_vtd_kept_tables(void)
{
	unsigned int i;
	long n = 0;

	for (i = 0; i < nr_kept; i++)
		n += pt_nr_tables(kept[i]);
	return n;
}
