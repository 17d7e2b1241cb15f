// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite of the devices that are never assigned (pci/denylist.c).
 */
#include <kunit/test.h>
#include <linux/pci.h>

#include "pci/private.h"

/**
 * struct id_case - one device
 * @vendor: as in configuration space
 * @device: likewise
 * @denied: is it to be refused?
 */
struct id_case {
	u16 vendor;
	u16 device;
	bool denied;
};

static const struct id_case cases[] = {
	/* CVE-2024-21823: DSA and IAA of Sapphire Rapids. */
	{ 0x8086, 0x0b25, true },
	{ 0x8086, 0x0cfe, true },
	/* QuickAssist, physical and virtual functions. */
	{ 0x8086, 0x0435, true },
	{ 0x8086, 0x0443, true },
	{ 0x8086, 0x19e2, true },
	{ 0x8086, 0x19e3, true },
	{ 0x8086, 0x37c8, true },
	{ 0x8086, 0x37c9, true },
	/* Later ones, which have it mended. */
	{ 0x8086, 0x11fb, false },
	{ 0x8086, 0x4940, false },
	/* The same numbers of another vendor, and what tests use. */
	{ 0x1234, 0x0b25, false },
	{ 0x1234, 0x11e8, false },
	{ 0x8086, 0x10d3, false },
};

static void case_desc(const struct id_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%04x_%04x", c->vendor,
		 c->device);
}

KUNIT_ARRAY_PARAM(id, cases, case_desc);

static void denied(struct kunit *test)
{
	const struct id_case *c = test->param_value;
	struct pci_dev *pci = kunit_kzalloc(test, sizeof(*pci), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, pci);
	pci->vendor = c->vendor;
	pci->device = c->device;
	KUNIT_EXPECT_EQ(test, c->denied, sluice_pci_denied(pci));
}

static struct kunit_case denylist_cases[] = {
	KUNIT_CASE_PARAM(denied, id_gen_params),
	{}
};

static struct kunit_suite denylist_suite = {
	.name = "sluice_pci_denylist",
	.test_cases = denylist_cases,
};

kunit_test_suite(denylist_suite);
