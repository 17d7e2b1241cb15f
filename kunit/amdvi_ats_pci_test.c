// SPDX-License-Identifier: GPL-2.0-only
/*
 * AMD-Vi and TLBs of devices, as PCI has it: who may have one, when it is on, and
 * functions that have gone.
 */
#include <linux/err.h>
#include <linux/pci.h>
#include <linux/sizes.h>

#include "amdvi_ats.h"

/* Where the capability is, and its registers: 0: what it can do, 1: control. */
#define ATS_CAP		0x100
#define ALIGNED		BIT(5)
#define ENABLE		BIT(15)

/**
 * struct function - a pretended PCI function
 * @pdev: what the kernel knows of it
 * @bus: the same
 * @t: the test
 * @there: it answers
 * @can: register
 * @control: register
 * @asked: commands that had been carried out when ATS was switched last
 * @open: DMA was let through then
 */
struct function {
	struct pci_dev pdev;
	struct pci_bus bus;
	struct ats *t;
	bool there;
	u16 can;
	u16 control;
	unsigned int asked;
	bool open;
};

static int config_read(struct pci_bus *bus, unsigned int devfn, int where,
		       int size, u32 *value)
{
	struct function *f = container_of(bus, struct function, bus);

	*value = ~0U;
	if (!f->there)
		return PCIBIOS_DEVICE_NOT_FOUND;
	if (where == 0)
		*value = 0x11e81234;
	else if (where == ATS_CAP + 4)
		*value = f->can;
	else if (where == ATS_CAP + 6)
		*value = f->control;
	return PCIBIOS_SUCCESSFUL;
}

static int config_write(struct pci_bus *bus, unsigned int devfn, int where,
			int size, u32 value)
{
	struct function *f = container_of(bus, struct function, bus);
	struct fake_amdvi *hw = f->t->hw;

	if (where != ATS_CAP + 6)
		return PCIBIOS_SUCCESSFUL;
	f->control = value;
	f->asked = hw->nr_cmds;
	/* IR, IW */
	f->open = le64_to_cpu(hw->unit.devtab[RID].q[0]) >> 61 & 3;
	return PCIBIOS_SUCCESSFUL;
}

static struct pci_ops config_ops = {
	.read = config_read,
	.write = config_write,
};

static struct function *add_function(struct ats *t)
{
	struct function *f = kunit_kzalloc(t->test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(t->test, f);
	f->t = t;
	f->there = true;
	f->can = ALIGNED | DEPTH;
	f->bus.ops = &config_ops;
	f->pdev.bus = &f->bus;
	f->pdev.ats_cap = ATS_CAP;
	f->pdev.dev.init_name = "fake";
	return f;
}

/* What the unit, firmware and the device say; all have to agree. */
static void probing(struct kunit *test)
{
	static const struct {
		u32 cap;
		bool forbidden;
		unsigned int nr_rids;
		bool has_ats;
		bool untrusted;
		u16 can;
		bool able;
		u8 depth;
		bool prepared;
	} s[] = {
		{ FAKE_AMDVI_CAP, false, 1, true, false, ALIGNED | 7, true, 7, true },
		{ FAKE_AMDVI_CAP, false, 1, true, false, ALIGNED, true, 32, true },
		{ FAKE_AMDVI_CAP & ~BIT(24), false, 1, true, false, ALIGNED },
		{ FAKE_AMDVI_CAP, true, 1, true, false, ALIGNED, .prepared = true },
		{ FAKE_AMDVI_CAP, false, 2, true, false, ALIGNED, .prepared = true },
		{ FAKE_AMDVI_CAP, false, 1, false, false, ALIGNED },
		{ FAKE_AMDVI_CAP, false, 1, true, true, ALIGNED },
		{ FAKE_AMDVI_CAP, false, 1, true, false, 7, .prepared = true },
	};
	static const u16 rids[] = { 0x4000, 0x4001 };
	struct ats *t = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(s); i++) {
		struct function *f = add_function(t);
		struct amdvi_device *device;

		t->hw->unit.cap = s[i].cap;
		f->can = s[i].can;
		f->pdev.untrusted = s[i].untrusted;
		f->pdev.ats_cap = s[i].has_ats ? ATS_CAP : 0;
		device = amdvi_device_alloc(&t->hw->unit, &f->pdev, rids,
					    s[i].nr_rids);
		KUNIT_ASSERT_FALSE(test, IS_ERR(device));
		amdvi_ats_probe(device, s[i].forbidden);
		KUNIT_EXPECT_EQ_MSG(test, s[i].able, device->ats_able, "%u", i);
		KUNIT_EXPECT_EQ_MSG(test, s[i].depth, device->ats_depth, "%u", i);
		KUNIT_EXPECT_EQ_MSG(test, s[i].prepared ? 12 : 0,
				    f->pdev.ats_stu, "%u", i);
		KUNIT_EXPECT_EQ(test, 0, f->control & ENABLE);
		/* Nor is it switched on then. */
		ats_attach(t, device, t->domain);
		KUNIT_EXPECT_EQ_MSG(test, s[i].able, !!(f->control & ENABLE),
				    "%u", i);
		amdvi_device_free(device);
		KUNIT_EXPECT_EQ(test, 0, f->control & ENABLE);
	}
}

/* On while a domain translates its DMA, and only then. */
static void switching(struct kunit *test)
{
	struct ats *t = test->priv;
	struct function *f = add_function(t);

	amdvi_device_block(t->device);
	t->device->pci = &f->pdev;
	amdvi_device_pass_through(t->device);
	KUNIT_EXPECT_EQ(test, 0, f->control & ENABLE);
	ats_attach(t, t->device, t->domain);
	KUNIT_EXPECT_EQ(test, f->control, ENABLE);
	KUNIT_EXPECT_FALSE(test, f->open);
	/* Off before anything else happens. */
	t->hw->nr_cmds = 0;
	ats_attach(t, t->device, t->elsewhere);
	KUNIT_EXPECT_EQ(test, f->control, ENABLE);
	t->hw->nr_cmds = 0;
	amdvi_device_pass_through(t->device);
	KUNIT_EXPECT_EQ(test, 0, f->control & ENABLE);
	KUNIT_EXPECT_TRUE(test, f->open);
	KUNIT_EXPECT_EQ(test, 0, f->asked);
	ats_attach(t, t->device, t->domain);
	t->hw->nr_cmds = 0;
	amdvi_device_block(t->device);
	KUNIT_EXPECT_EQ(test, 0, f->control & ENABLE);
	KUNIT_EXPECT_EQ(test, 0, f->asked);
	t->device->pci = NULL;
}

/* A virtual function whose physical one hasn't been prepared: it works without. */
static void refusing(struct kunit *test)
{
	struct ats *t = test->priv;
	struct function *f = add_function(t), *pf = add_function(t);

	/* Without it the kernel knows no physical functions. */
	if (!IS_ENABLED(CONFIG_PCI_IOV))
		kunit_skip(test, "needs CONFIG_PCI_IOV");
	amdvi_device_block(t->device);
	t->device->pci = &f->pdev;
	f->pdev.is_virtfn = true;
	f->pdev.physfn = &pf->pdev;
	t->hw->nr_cmds = 0;
	ats_attach(t, t->device, t->domain);
	KUNIT_EXPECT_EQ(test, 0, f->control & ENABLE);
	KUNIT_EXPECT_TRUE(test, list_empty(&t->domain->ats));
	KUNIT_EXPECT_EQ(test, 0, le64_to_cpu(t->hw->unit.devtab[RID].q[1]) >> 32);
	amdvi_device_block(t->device);
	KUNIT_EXPECT_EQ(test, 0, ats_count(t->hw, 4));
	/* And one that has been. */
	pf->pdev.ats_stu = 12;
	ats_attach(t, t->device, t->domain);
	KUNIT_EXPECT_EQ(test, f->control, ENABLE);
	amdvi_device_block(t->device);
	t->device->pci = NULL;
}

static void gone(struct kunit *test)
{
	struct ats *t = test->priv;
	struct function *f = add_function(t);

	ats_hear(test);
	t->device->pci = &f->pdev;
	/* Known to be gone: it isn't asked, or everybody would wait for it. */
	f->pdev.error_state = pci_channel_io_perm_failure;
	KUNIT_EXPECT_EQ(test, 0, ats_inval(t, IOVA, IOVA + 0xfff));
	KUNIT_EXPECT_EQ(test, 0, t->hw->nr_cmds);

	/* It turns out while hardware waits. */
	f->pdev.error_state = pci_channel_io_normal;
	f->there = false;
	t->hw->silent = RID;
	KUNIT_EXPECT_EQ(test, 0, ats_inval(t, IOVA, IOVA + 0xfff));
	KUNIT_EXPECT_EQ(test, 0, ats_flush(t->domain));
	KUNIT_EXPECT_EQ(test, 2, t->hw->timeouts);

	/* It is there, and doesn't answer. */
	f->there = true;
	KUNIT_EXPECT_EQ(test, -EIO, ats_inval(t, IOVA, IOVA + 0xfff));
	KUNIT_EXPECT_EQ(test, 0, ats_reported);
	t->hw->silent = 0;
	t->device->pci = NULL;
}

static struct kunit_case cases[] = {
	KUNIT_CASE(probing),
	KUNIT_CASE(switching),
	KUNIT_CASE(refusing),
	KUNIT_CASE(gone),
	{}
};

static struct kunit_suite suite = {
	.name = "sluice_amdvi_ats_pci",
	.init = ats_init,
	.exit = ats_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
