// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite of what of a BAR can be mapped, and of accesses to its registers
 * (pci/bar.c, pci/mmap.c).
 *
 * The resources are a tree of their own, in which nothing is decoded; places and
 * sizes are in quarters of a page, so the cases are the same for every page size.
 */
#include <kunit/test.h>
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/mman.h>

#include "pci/private.h"

#define QUARTER		(PAGE_SIZE / 4)
#define QUARTERS	24
#define BASE		0x240000000000ULL
#define AT(quarter)	(BASE + (quarter) * QUARTER)

/**
 * struct tree - a BAR and its surroundings
 * @root: all there is
 * @window: a bridge's, with the others in it
 * @bar: the BAR
 * @other: somebody else's, if it has a flag
 * @rest: what sluice_pci_bar_reserve() makes
 */
struct tree {
	struct resource root;
	struct resource window;
	struct resource bar;
	struct resource other;
	struct resource rest;
};

static struct resource mem(u64 start, u64 len)
{
	return DEFINE_RES_MEM(AT(start), len * QUARTER);
}

/* A window of @quarters with a BAR in it. */
static void tree_init(struct kunit *test, struct tree *t, u64 quarters,
		      u64 start, u64 len)
{
	*t = (struct tree){
		.root = mem(0, 2 * QUARTERS),
		.window = mem(0, quarters),
		.bar = mem(start, len),
	};
	KUNIT_ASSERT_EQ(test, 0, request_resource(&t->root, &t->window));
	KUNIT_ASSERT_EQ(test, 0, request_resource(&t->window, &t->bar));
}

/* What can be mapped, found quarter by quarter. */
static u64 expected(const struct tree *t)
{
	u64 addr = t->bar.end + 1;

	if (!PAGE_ALIGNED(t->bar.start))
		return 0;
	for (; !PAGE_ALIGNED(addr); addr += QUARTER) {
		if (addr > t->window.end)
			return 0;
		if (t->other.flags && addr >= t->other.start &&
		    addr <= t->other.end)
			return 0;
	}
	return addr - t->bar.start;
}

static void expect_reserve(struct kunit *test, struct tree *t)
{
	u64 want = expected(t);
	u64 got = sluice_pci_bar_reserve(&t->bar, &t->rest);
	u64 size = resource_size(&t->bar);

	KUNIT_EXPECT_EQ_MSG(test, want, got, "%pR in %pR beside %pR", &t->bar,
			    &t->window, &t->other);
	KUNIT_EXPECT_EQ(test, got > size, t->rest.parent == &t->window);
	if (t->rest.parent) {
		KUNIT_EXPECT_EQ(test, t->rest.start, t->bar.end + 1);
		KUNIT_EXPECT_EQ(test, t->rest.end, t->bar.start + got - 1);
	}
	sluice_pci_bar_unreserve(&t->rest);
	KUNIT_EXPECT_NULL(test, t->rest.parent);
	KUNIT_EXPECT_PTR_EQ(test, t->bar.sibling,
			    t->other.start > t->bar.start ? &t->other : NULL);
}

/* Every BAR of up to nine quarters with everything that can be beside it. */
static void reserve_all(struct kunit *test)
{
	u64 start, len, other, quarters;
	struct tree t;

	for (start = 4; start <= 8; start++)
		for (len = 1; len <= 9; len++)
			for (quarters = start + len; quarters <= QUARTERS;
			     quarters++) {
				tree_init(test, &t, quarters, start, len);
				expect_reserve(test, &t);
				for (other = 0; other < quarters; other++) {
					t.other = mem(other, 1);
					if (request_resource(&t.window,
							     &t.other))
						continue;
					expect_reserve(test, &t);
					release_resource(&t.other);
				}
			}
}

static void reserve_no_memory(struct kunit *test)
{
	struct tree t;

	tree_init(test, &t, QUARTERS, 4, 1);
	t.bar.flags = IORESOURCE_IO;
	KUNIT_EXPECT_EQ(test, 0, sluice_pci_bar_reserve(&t.bar, &t.rest));
	KUNIT_EXPECT_NULL(test, t.rest.parent);
}

/* Nobody knows what else is there, or will be. */
static void reserve_no_parent(struct kunit *test)
{
	struct resource bar = mem(4, 1), page = mem(4, 4), rest;

	KUNIT_EXPECT_EQ(test, 0, sluice_pci_bar_reserve(&bar, &rest));
	KUNIT_EXPECT_NULL(test, rest.parent);
	KUNIT_EXPECT_EQ(test, PAGE_SIZE, sluice_pci_bar_reserve(&page, &rest));
	KUNIT_EXPECT_NULL(test, rest.parent);
}

static void reserve_at_the_top(struct kunit *test)
{
	struct resource root = DEFINE_RES_MEM(0, 0), rest;
	struct resource bar = DEFINE_RES_MEM(-PAGE_SIZE, QUARTER);

	root.end = U64_MAX;
	KUNIT_ASSERT_EQ(test, 0, request_resource(&root, &bar));
	KUNIT_EXPECT_EQ(test, PAGE_SIZE, sluice_pci_bar_reserve(&bar, &rest));
	KUNIT_EXPECT_EQ(test, U64_MAX, rest.end);
	sluice_pci_bar_unreserve(&rest);
	KUNIT_EXPECT_NULL(test, bar.sibling);
}

/* Can the PCI core or a driver get any of the last three quarters of a page? */
static bool can_be_had(struct kunit *test, struct tree *t)
{
	struct resource *region;
	bool had = false;
	u64 at;

	for (at = 5; at < 8; at++) {
		t->other = mem(at, 1);
		if (!request_resource(&t->window, &t->other)) {
			release_resource(&t->other);
			had = true;
		}
		region = __request_region(&t->window, AT(at), QUARTER, "other",
					  0);
		if (region) {
			__release_region(&t->window, AT(at), QUARTER);
			had = true;
		}
	}
	t->other = mem(0, 1);
	if (!allocate_resource(&t->window, &t->other, QUARTER, AT(0), AT(8) - 1,
			       QUARTER, NULL, NULL)) {
		KUNIT_EXPECT_GE(test, t->other.start, AT(5));
		release_resource(&t->other);
		had = true;
	}
	return had;
}

static void reserved_is_nobodys(struct kunit *test)
{
	struct resource before = mem(0, 4), behind = mem(8, 1);
	struct tree t;

	tree_init(test, &t, QUARTERS, 4, 1);
	KUNIT_ASSERT_EQ(test, 0, request_resource(&t.window, &before));
	KUNIT_EXPECT_TRUE(test, can_be_had(test, &t));

	KUNIT_EXPECT_EQ(test, PAGE_SIZE,
			sluice_pci_bar_reserve(&t.bar, &t.rest));
	KUNIT_EXPECT_FALSE(test, can_be_had(test, &t));
	/* What is behind the page can. */
	KUNIT_EXPECT_EQ(test, 0, request_resource(&t.window, &behind));

	sluice_pci_bar_unreserve(&t.rest);
	KUNIT_EXPECT_TRUE(test, can_be_had(test, &t));
	/* There may be nothing to undo. */
	sluice_pci_bar_unreserve(&t.rest);
	t.rest = (struct resource){};
	sluice_pci_bar_unreserve(&t.rest);
}

/* ---- mmap ---- */

#define BAR 2

static int bar_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct sluice_pci_device *pdev = file->private_data;

	return sluice_pci_mmap(&pdev->sdev, vma);
}

static const struct file_operations bar_fops = {
	.mmap = bar_mmap,
};

/* A device whose BAR 2 has @len quarters, as an fd without a core shows it. */
static struct file *bar_open(struct kunit *test, struct tree *t, u64 len)
{
	struct sluice_pci_device *pdev;
	struct sluice_pci_bar *bar;
	struct file *file;

	pdev = kunit_kzalloc(test, sizeof(*pdev), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pdev);
	pdev->pci = kunit_kzalloc(test, sizeof(*pdev->pci), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pdev->pci);
	bar = &pdev->bars[BAR];
	pdev->pci->resource[BAR] = t->bar;
	bar->mmap_len = sluice_pci_bar_reserve(&t->bar, &bar->rest);
	KUNIT_ASSERT_EQ(test, expected(t), bar->mmap_len);

	file = anon_inode_getfile("[kunit-bar]", &bar_fops, pdev, O_RDWR);
	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	return file;
}

static unsigned long map_pages(struct kunit *test, struct file *file,
			       u64 first, u64 npages)
{
	return kunit_vm_mmap(test, file, 0, npages << PAGE_SHIFT,
			     PROT_READ | PROT_WRITE, MAP_SHARED,
			     sluice_pci_index_offset(BAR) +
			     (first << PAGE_SHIFT));
}

/* What peers' DMA gets to see from @addr on: @want bytes, of @phys and on. */
static void expect_phys(struct kunit *test, struct file *file,
			unsigned long addr, u64 phys, u64 want)
{
	struct sluice_pci_device *pdev = file->private_data;
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	phys_addr_t got = 0;
	loff_t offset;
	size_t len;

	mmap_read_lock(mm);
	vma = vma_lookup(mm, addr);
	offset = ((loff_t)vma->vm_pgoff << PAGE_SHIFT) + (addr - vma->vm_start);
	len = vma->vm_end - addr;
	mmap_read_unlock(mm);
	KUNIT_EXPECT_EQ(test, 0, sluice_pci_mmio_phys(&pdev->sdev, offset, &got,
						      &len));
	KUNIT_EXPECT_EQ(test, phys, got);
	KUNIT_EXPECT_EQ(test, want, len);
}

struct map_case {
	const char *name;
	u64 len;	/* the BAR's, in quarters */
	u64 other;	/* where somebody else is */
	u64 npages;	/* that can be mapped */
};

static const struct map_case map_cases[] = {
	{ "a quarter of a page", 1, 8, 1 },
	{ "one page", 4, 8, 1 },
	{ "one and a half", 6, 12, 2 },
	{ "four pages", 16, 20, 4 },
	{ "a shared page", 1, 6, 0 },
	{ "a shared last page", 6, 11, 0 },
};

KUNIT_ARRAY_PARAM_DESC(map, map_cases, name);

static void map_limits(struct kunit *test)
{
	const struct map_case *c = test->param_value;
	unsigned long addr;
	struct file *file;
	struct tree t;
	u64 i;

	tree_init(test, &t, QUARTERS, 4, c->len);
	t.other = mem(c->other, 1);
	KUNIT_ASSERT_EQ(test, 0, request_resource(&t.window, &t.other));
	file = bar_open(test, &t, c->len);

	KUNIT_EXPECT_EQ(test, -EINVAL, map_pages(test, file, 0, c->npages + 1));
	KUNIT_EXPECT_EQ(test, -EINVAL, map_pages(test, file, c->npages, 1));
	KUNIT_EXPECT_EQ(test, -EINVAL, map_pages(test, file, c->npages + 1, 1));
	for (i = 0; i < c->npages; i++) {
		addr = map_pages(test, file, i, c->npages - i);
		KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
		expect_phys(test, file, addr, AT(4 + 4 * i),
			    (c->npages - i) << PAGE_SHIFT);
		expect_phys(test, file, addr + QUARTER, AT(5 + 4 * i),
			    ((c->npages - i) << PAGE_SHIFT) - QUARTER);
		KUNIT_EXPECT_EQ(test, -EINVAL,
				map_pages(test, file, i, c->npages - i + 1));
	}
	fput(file);
}

/* ---- Registers ---- */

static void widths(struct kunit *test)
{
	size_t count, width;
	u64 off;
	int mem;

	for (mem = 0; mem < 2; mem++)
		for (off = 0; off < 16; off++)
			for (count = 1; count <= 16; count++) {
				width = sluice_pci_io_width(off, count, mem);
				KUNIT_EXPECT_LE(test, width, count);
				KUNIT_EXPECT_EQ(test, 0, off % width);
				KUNIT_EXPECT_TRUE(test,
						  width == (mem ? 8 : 4) ||
						  2 * width > count ||
						  off % (2 * width));
			}
}

/* The device's bytes are the user's, whatever order the CPU prefers. */
static void byte_order(struct kunit *test)
{
	static const u8 bytes[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	u8 regs[16] __aligned(8), buf[8], want[16];
	void __iomem *io = (__force void __iomem *)regs;
	size_t width, off;

	for (width = 1; width <= 8; width *= 2)
		for (off = 0; off < sizeof(regs); off += width) {
			memset(regs, 0x5a, sizeof(regs));
			memset(want, 0x5a, sizeof(want));
			memset(buf, 0, sizeof(buf));
			memcpy(want + off, bytes, width);
			sluice_pci_io_store(bytes, io + off, width);
			KUNIT_EXPECT_MEMEQ(test, regs, want, sizeof(regs));
			sluice_pci_io_load(buf, io + off, width);
			KUNIT_EXPECT_MEMEQ(test, buf, bytes, width);
		}
}

static struct kunit_case pci_bar_cases[] = {
	KUNIT_CASE(reserve_all),
	KUNIT_CASE(reserve_no_memory),
	KUNIT_CASE(reserve_no_parent),
	KUNIT_CASE(reserve_at_the_top),
	KUNIT_CASE(reserved_is_nobodys),
	KUNIT_CASE_PARAM(map_limits, map_gen_params),
	KUNIT_CASE(widths),
	KUNIT_CASE(byte_order),
	{}
};

static struct kunit_suite pci_bar_suite = {
	.name = "sluice_pci_bar",
	.test_cases = pci_bar_cases,
};

kunit_test_suite(pci_bar_suite);
