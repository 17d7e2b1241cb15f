// SPDX-License-Identifier: GPL-2.0-only
/*
 * A SPAPR space over the fake backend with windows, and user memory to map into it.
 *
 * Owns: set-up, the ioctls with their arguments in user memory, and what can be
 * seen of a space. Tests end with spapr_finish(), while the test thread still has its
 * user address space.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "core/tree.h"
#include "spapr_fixture.h"

/* Steps of a look at what is mapped: the smallest page. */
#define STEP SZ_4K

struct spapr *spapr_create(struct kunit *test, bool v2)
{
	struct spapr *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, s);
	s->test = test;
	s->hw = fake_win_hw_create(test);
	for (i = 0; i < SPAPR_GROUPS; i++)
		s->fg[i] = fake_win_group_create(test, s->hw, i / 2);
	/* Gives this thread its address space. */
	s->args = spapr_memory(s, PAGE_SIZE);
	s->locked = current->mm->locked_vm;
	sluice_space_init(&s->space);
	sluice_space_lock_close(&s->space);
	KUNIT_EXPECT_EQ(test, 0, sluice_spapr_init(&s->space, v2));
	s->space.type = v2 ? SLUICE_SPACE_SPAPR_V2 : SLUICE_SPACE_SPAPR;
	up_write(&s->space.lock);
	KUNIT_ASSERT_NOT_NULL(test, s->space.spapr);
	KUNIT_ASSERT_EQ(test, 0, spapr_attach_nr(s, 0));
	return s;
}

/* Takes the space down as a container does, and expects that nothing is left. */
void spapr_finish(struct spapr *s)
{
	unsigned int i;

	if (s->pretended)
		spapr_forget(s);
	for (i = 0; i < SPAPR_GROUPS; i++) {
		if (s->attached[i])
			spapr_detach_nr(s, i);
	}
	KUNIT_EXPECT_TRUE(s->test, sluice_inflight_idle(&s->space.inflight));
	KUNIT_EXPECT_TRUE(s->test, list_empty(&s->space.groups));
	KUNIT_EXPECT_TRUE(s->test, list_empty(&s->space.domains));
	if (s->space.uni) {
		KUNIT_EXPECT_EQ(s->test, s->space.uni->nr_windows, 0);
		KUNIT_EXPECT_EQ(s->test, 0,
				atomic64_read(&s->space.uni->mapped));
	}
	sluice_space_deinit(&s->space);
	KUNIT_EXPECT_NULL(s->test, s->space.uni);
	KUNIT_EXPECT_NULL(s->test, s->space.spapr);
	KUNIT_EXPECT_EQ(s->test, current->mm->locked_vm, s->locked);
	fake_win_check_idle(s->test, s->hw);
}

int spapr_attach(struct spapr *s, struct iommu_group *group)
{
	int ret;

	sluice_space_lock_close(&s->space);
	ret = sluice_space_attach(&s->space, group);
	up_write(&s->space.lock);
	return ret;
}

void spapr_detach(struct spapr *s, struct iommu_group *group)
{
	sluice_space_lock_close(&s->space);
	sluice_space_detach(&s->space, group);
	up_write(&s->space.lock);
}

int spapr_attach_nr(struct spapr *s, unsigned int group)
{
	int ret = spapr_attach(s, s->fg[group]->group);

	s->attached[group] = !ret;
	return ret;
}

void spapr_detach_nr(struct spapr *s, unsigned int group)
{
	spapr_detach(s, s->fg[group]->group);
	s->attached[group] = false;
}

unsigned int spapr_domains(struct spapr *s)
{
	return list_count_nodes(&s->space.domains);
}

/* Present memory. */
unsigned long spapr_memory(struct spapr *s, u64 size)
{
	unsigned long addr, at;

	addr = kunit_vm_mmap(s->test, NULL, 0, size, PROT_READ | PROT_WRITE,
			     MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_NE(s->test, addr, 0);
	KUNIT_ASSERT_FALSE(s->test, IS_ERR_VALUE(addr));
	for (at = addr; at < addr + size; at += PAGE_SIZE) {
		u64 __user *p = (u64 __user *)at;

		KUNIT_ASSERT_EQ(s->test, 0, put_user((u64)at, p));
	}
	return addr;
}

/* ---- The ioctls ---- */

/* Passes a structure and takes back what the kernel has made of it. */
long spapr_ioctl(struct spapr *s, unsigned int cmd, void *arg, size_t size)
{
	void __user *user = (void __user *)s->args;
	long ret;

	KUNIT_ASSERT_EQ(s->test, 0, copy_to_user(user, arg, size));
	ret = sluice_spapr_ioctl(&s->space, cmd, user);
	KUNIT_ASSERT_EQ(s->test, 0, copy_from_user(arg, user, size));
	return ret;
}

static int memory_ioctl(struct spapr *s, unsigned int cmd, unsigned long vaddr,
			u64 size)
{
	struct vfio_iommu_spapr_register_memory arg = {
		.argsz = sizeof(arg),
		.vaddr = vaddr,
		.size = size,
	};

	return spapr_ioctl(s, cmd, &arg, sizeof(arg));
}

int spapr_register(struct spapr *s, unsigned long vaddr, u64 size)
{
	return memory_ioctl(s, VFIO_IOMMU_SPAPR_REGISTER_MEMORY, vaddr, size);
}

int spapr_unregister(struct spapr *s, unsigned long vaddr, u64 size)
{
	return memory_ioctl(s, VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY, vaddr, size);
}

int spapr_map(struct spapr *s, u64 iova, unsigned long vaddr, u64 size,
	      u32 flags)
{
	struct vfio_iommu_type1_dma_map arg = {
		.argsz = sizeof(arg),
		.flags = flags,
		.vaddr = vaddr,
		.iova = iova,
		.size = size,
	};

	return spapr_ioctl(s, VFIO_IOMMU_MAP_DMA, &arg, sizeof(arg));
}

int spapr_unmap(struct spapr *s, u64 iova, u64 size)
{
	struct vfio_iommu_type1_dma_unmap arg = {
		.argsz = sizeof(arg),
		.iova = iova,
		.size = size,
	};
	int ret = spapr_ioctl(s, VFIO_IOMMU_UNMAP_DMA, &arg, sizeof(arg));

	KUNIT_EXPECT_EQ(s->test, arg.size, size);
	return ret;
}

int spapr_create_window(struct spapr *s, u32 page_lg2, u64 size, u64 *start)
{
	struct vfio_iommu_spapr_tce_create arg = {
		.argsz = sizeof(arg),
		.page_shift = page_lg2,
		.window_size = size,
		.levels = 1,
		.start_addr = U64_MAX,
	};
	int ret = spapr_ioctl(s, VFIO_IOMMU_SPAPR_TCE_CREATE, &arg,
			      sizeof(arg));

	if (ret)
		KUNIT_EXPECT_EQ(s->test, arg.start_addr, U64_MAX);
	*start = arg.start_addr;
	return ret;
}

int spapr_remove_window(struct spapr *s, u64 start)
{
	struct vfio_iommu_spapr_tce_remove arg = {
		.argsz = sizeof(arg),
		.start_addr = start,
	};

	return spapr_ioctl(s, VFIO_IOMMU_SPAPR_TCE_REMOVE, &arg, sizeof(arg));
}

/* ---- Memory that isn't there ---- */

/*
 * Registers memory that nobody may touch; one at a time. Each @run bytes of it are
 * contiguous, and they lie in the reverse order. Returns its address.
 */
unsigned long spapr_pretend(struct spapr *s, unsigned long vaddr, u64 phys,
			    u64 size, u64 run)
{
	unsigned int i, nr = div64_u64(size, run);
	struct sluice_region *region = kunit_kzalloc(s->test, sizeof(*region),
						     GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(s->test, region);
	KUNIT_ASSERT_NULL(s->test, s->pretended);
	region->runs = kunit_kcalloc(s->test, nr + 1, sizeof(*region->runs),
				     GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(s->test, region->runs);
	for (i = 0; i <= nr; i++) {
		region->runs[i].first = i * (run >> PAGE_SHIFT);
		region->runs[i].pfn = PHYS_PFN(phys + (nr - 1 - i) * run);
	}
	region->npages = size >> PAGE_SHIFT;
	region->nr_runs = nr;
	region->prot = SLUICE_PROT_READ | SLUICE_PROT_WRITE;
	region->vaddr = vaddr;
	sluice_tree_init(&region->pfns);
	sluice_space_lock_close(&s->space);
	KUNIT_EXPECT_EQ(s->test, 0, sluice_spapr_add(&s->space, region));
	up_write(&s->space.lock);
	s->pretended = region;
	return vaddr;
}

void spapr_forget(struct spapr *s)
{
	struct sluice_region *region = s->pretended;

	sluice_space_lock_close(&s->space);
	KUNIT_EXPECT_PTR_EQ(s->test, region,
			    sluice_spapr_take(&s->space, region->vaddr,
					      (u64)region->npages << PAGE_SHIFT));
	up_write(&s->space.lock);
	sluice_tree_destroy(&region->pfns);
	s->pretended = NULL;
}

/* ---- What is to be seen ---- */

static struct page *page_at(struct spapr *s, unsigned long vaddr)
{
	struct page *page = NULL;

	KUNIT_ASSERT_EQ(s->test, 1,
			get_user_pages_fast(vaddr & PAGE_MASK, 1, 0, &page));
	put_page(page);
	return page;
}

/* How often the memory is pinned for DMA, page by page. */
unsigned long spapr_pins(struct spapr *s, unsigned long vaddr, u64 size)
{
	struct folio *folio, *prev = NULL;
	unsigned long at, n = 0;

	for (at = vaddr; at < vaddr + size; at += PAGE_SIZE) {
		folio = page_folio(page_at(s, at));
		if (!folio_test_large(folio))
			n += folio_ref_count(folio) / GUP_PIN_COUNTING_BIAS;
		else if (folio != prev)
			n += atomic_read(&folio->_pincount);
		prev = folio;
	}
	return n;
}

/* Gives back a pin of each page that quarantine keeps. */
void spapr_unpin(struct spapr *s, unsigned long vaddr, u64 size)
{
	unsigned long at;

	for (at = vaddr; at < vaddr + size; at += PAGE_SIZE)
		unpin_user_page(page_at(s, at));
}

/* Pages charged since the test began, but for tables. */
long spapr_locked(struct spapr *s)
{
	return current->mm->locked_vm - s->locked - s->space.uni->tables;
}

static u64 phys_of(struct spapr *s, unsigned long vaddr)
{
	const struct sluice_region *p = s->pretended;

	if (p && vaddr >= p->vaddr &&
	    vaddr - p->vaddr < (u64)p->npages << PAGE_SHIFT) {
		unsigned long page = (vaddr - p->vaddr) >> PAGE_SHIFT;
		const struct sluice_run *run;

		run = &p->runs[page / p->runs[1].first];
		return PFN_PHYS(run->pfn + page - run->first) +
		       offset_in_page(vaddr);
	}
	return page_to_phys(page_at(s, vaddr)) + offset_in_page(vaddr);
}

/* The group's devices reach what the address shows. */
void spapr_expect_mapped(struct spapr *s, unsigned int group, u64 iova,
			 unsigned long vaddr, u64 size, bool write)
{
	u64 at;

	for (at = 0; at < size; at += STEP) {
		phys_addr_t phys = 0;

		KUNIT_ASSERT_EQ(s->test, 0,
				fake_win_translate(s->fg[group], iova + at,
						   write, &phys));
		KUNIT_ASSERT_EQ(s->test, (u64)phys, phys_of(s, vaddr + at));
	}
}

void spapr_expect_hole(struct spapr *s, unsigned int group, u64 iova, u64 size)
{
	phys_addr_t phys;
	u64 at;

	for (at = 0; at < size; at += STEP)
		KUNIT_ASSERT_EQ(s->test, -EFAULT,
				fake_win_translate(s->fg[group], iova + at,
						   false, &phys));
}
