// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite of what VFIO_DEVICE_SET_IRQS accepts (pci/irq.c).
 */
#include <kunit/test.h>
#include <linux/limits.h>

#include "pci/private.h"

#define NONE	VFIO_IRQ_SET_DATA_NONE
#define BOOL	VFIO_IRQ_SET_DATA_BOOL
#define FDS	VFIO_IRQ_SET_DATA_EVENTFD
#define TRIGGER	VFIO_IRQ_SET_ACTION_TRIGGER
#define HDR	20	/* five words of header; the data follows */

struct irq_case {
	const char *name;
	u32 hdr[5];	/* argsz, flags, index, start, count */
	u32 max;
	int ret;
	size_t size;
};

static const struct irq_case irq_cases[] = {
	{ "one fd", { HDR + 4, FDS | TRIGGER, 1, 0, 1 }, 1, 0, 4 },
	{ "all fds", { HDR + 32, FDS | TRIGGER, 1, 0, 8 }, 8, 0, 32 },
	{ "last fd", { HDR + 4, FDS | TRIGGER, 2, 2047, 1 }, 2048, 0, 4 },
	{ "bools", { HDR + 3, BOOL | TRIGGER, 1, 1, 3 }, 4, 0, 3 },
	{ "no data", { HDR, NONE | TRIGGER, 1, 0, 4 }, 4, 0, 0 },
	{ "none at all", { HDR, NONE | TRIGGER, 0, 0, 0 }, 1, 0, 0 },
	{ "longer than needed", { 4096, FDS | TRIGGER, 1, 0, 1 }, 1, 0, 4 },
	{ "two actions", { HDR, NONE | 3 << 3, 0, 0, 1 }, 1, 0, 0 },

	{ "header cut", { HDR - 1, NONE | TRIGGER, 0, 0, 0 }, 1, -EINVAL },
	{ "nothing", { 0, NONE | TRIGGER, 0, 0, 0 }, 1, -EINVAL },
	{ "fds cut", { HDR + 7, FDS | TRIGGER, 1, 0, 2 }, 2, -EINVAL },
	{ "bools cut", { HDR + 1, BOOL | TRIGGER, 1, 0, 2 }, 2, -EINVAL },
	{ "no such index", { HDR, NONE | TRIGGER, 5, 0, 0 }, 1, -EINVAL },
	{ "index 2^32-1", { HDR, NONE | TRIGGER, U32_MAX, 0, 0 }, 1, -EINVAL },
	{ "no interrupts", { HDR, NONE | TRIGGER, 0, 0, 0 }, 0, -EINVAL },
	{ "start at end", { HDR, NONE | TRIGGER, 1, 4, 0 }, 4, -EINVAL },
	{ "past end", { HDR, NONE | TRIGGER, 1, 3, 2 }, 4, -EINVAL },
	{ "overflow", { HDR, NONE | TRIGGER, 1, 1, U32_MAX }, 4, -EINVAL },
	{ "overflow to 0", { HDR, NONE | TRIGGER, 1, 3, U32_MAX - 2 }, 4,
	  -EINVAL },
	{ "data overflow", { HDR + 4, FDS | TRIGGER, 1, 0, 0x40000001 },
	  U32_MAX, -EINVAL },
	{ "no data type", { HDR, TRIGGER, 1, 0, 0 }, 4, -EINVAL },
	{ "two data types", { 64, NONE | BOOL | TRIGGER, 1, 0, 1 }, 4,
	  -EINVAL },
	{ "unknown flag", { HDR, NONE | TRIGGER | 1 << 6, 1, 0, 0 }, 4,
	  -EINVAL },
	{ "flag 31", { HDR, NONE | TRIGGER | 1U << 31, 1, 0, 0 }, 4, -EINVAL },
};

KUNIT_ARRAY_PARAM_DESC(irq, irq_cases, name);

static void irq_check(struct kunit *test)
{
	const struct irq_case *c = test->param_value;
	struct vfio_irq_set set = {
		.argsz = c->hdr[0],
		.flags = c->hdr[1],
		.index = c->hdr[2],
		.start = c->hdr[3],
		.count = c->hdr[4],
	};
	size_t size = 0;

	KUNIT_EXPECT_EQ(test, c->ret,
			sluice_pci_irq_check(&set, c->max, &size));
	if (!c->ret)
		KUNIT_EXPECT_EQ(test, c->size, size);
}

/* Around every limit at once: accepted is what lies in it, nothing else. */
static void irq_check_limits(struct kunit *test)
{
	struct vfio_irq_set set = { .flags = FDS | TRIGGER, .index = 1 };
	u32 start, count, have, max = 5;
	size_t size;
	bool good;

	for (start = 0; start < 8; start++)
		for (count = 0; count < 8; count++)
			for (have = 0; have < 8; have++) {
				set.argsz = HDR + 4 * have;
				set.start = start;
				set.count = count;
				good = start < max && start + count <= max &&
				       have >= count;
				KUNIT_EXPECT_EQ_MSG(test, good ? 0 : -EINVAL,
						    sluice_pci_irq_check(&set, max,
									 &size),
						    "start %u count %u have %u",
						    start, count, have);
			}
}

static struct kunit_case pci_irq_cases[] = {
	KUNIT_CASE_PARAM(irq_check, irq_gen_params),
	KUNIT_CASE(irq_check_limits),
	{}
};

static struct kunit_suite pci_irq_suite = {
	.name = "sluice_pci_irq",
	.test_cases = pci_irq_cases,
};

kunit_test_suite(pci_irq_suite);
