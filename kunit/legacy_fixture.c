// SPDX-License-Identifier: GPL-2.0-only
/*
 * A legacy space over the fake backend, and user memory to map into it.
 *
 * The memory is the test thread's, which KUnit gives a user address space of
 * its own; it is gone when a suite's exit function runs, so tests end with
 * legacy_finish().
 */
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "legacy_fixture.h"

struct legacy *legacy_create(struct kunit *test)
{
	const struct legacy_param *param = test->param_value;
	struct legacy *l = kunit_kzalloc(test, sizeof(*l), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, l);
	l->test = test;
	l->hw = fake_hw_create(test);
	l->hw->bare = param->bare;
	for (i = 0; i < LEGACY_GROUPS; i++) {
		l->fg[i] = fake_group_create(test, l->hw);
		l->fg[i]->unit = i / 2;
	}
	sluice_space_init(&l->space);
	l->space.type = param->type;
	/* Gives this thread its address space. */
	legacy_memory(l, 1);
	l->locked = current->mm->locked_vm;
	KUNIT_ASSERT_EQ(test, 0, legacy_attach(l, 0));
	return l;
}

/* Detaches what is attached, and expects that nothing is left behind. */
void legacy_finish(struct legacy *l)
{
	unsigned int i;

	for (i = 0; i < LEGACY_GROUPS; i++) {
		if (l->attached[i])
			legacy_detach(l, i);
	}
	KUNIT_EXPECT_TRUE(l->test, legacy_empty(l));
	KUNIT_EXPECT_TRUE(l->test, list_empty(&l->space.domains));
	KUNIT_EXPECT_TRUE(l->test,
			  sluice_inflight_idle(&l->space.inflight));
	sluice_space_deinit(&l->space);
	KUNIT_EXPECT_EQ(l->test, legacy_locked(l), 0);
	fake_hw_check_idle(l->test, l->hw);
}

int legacy_attach(struct legacy *l, unsigned int group)
{
	int ret;

	sluice_space_lock_close(&l->space);
	ret = sluice_space_attach(&l->space, l->fg[group]->group);
	up_write(&l->space.lock);
	l->attached[group] = !ret;
	return ret;
}

void legacy_detach(struct legacy *l, unsigned int group)
{
	sluice_space_lock_close(&l->space);
	sluice_space_detach(&l->space, l->fg[group]->group);
	up_write(&l->space.lock);
	l->attached[group] = false;
}

/* Memory whose every 8 bytes differ. */
unsigned long legacy_memory(struct legacy *l, unsigned long npages)
{
	unsigned long addr, i;

	addr = kunit_vm_mmap(l->test, NULL, 0, npages << PAGE_SHIFT,
			     PROT_READ | PROT_WRITE,
			     MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_NE(l->test, addr, 0);
	KUNIT_ASSERT_FALSE(l->test, IS_ERR_VALUE(addr));
	for (i = 0; i < npages << PAGE_SHIFT; i += PAGE_SIZE / 2) {
		u64 __user *p = (u64 __user *)(addr + i);

		KUNIT_ASSERT_EQ(l->test, 0, put_user((u64)(addr + i), p));
	}
	return addr;
}

int legacy_map(struct legacy *l, u64 iova, unsigned long vaddr, u64 npages,
	       unsigned int prot)
{
	int ret;

	down_read(&l->space.lock);
	ret = sluice_legacy_map(&l->space, iova, vaddr, npages << PAGE_SHIFT,
				prot, NULL);
	up_read(&l->space.lock);
	return ret;
}

int legacy_unmap(struct legacy *l, u64 start, u64 last, u64 *unmapped)
{
	int ret;

	down_read(&l->space.lock);
	ret = sluice_legacy_unmap(&l->space, start, last, unmapped);
	up_read(&l->space.lock);
	return ret;
}

/* Unmaps what must be possible to unmap; returns pages. */
u64 legacy_unmap_pages(struct legacy *l, u64 iova, u64 npages)
{
	u64 unmapped;

	KUNIT_EXPECT_EQ(l->test, 0,
			legacy_unmap(l, iova,
				     iova + ((npages << PAGE_SHIFT) - 1),
				     &unmapped));
	return unmapped >> PAGE_SHIFT;
}

/* How many of the pages may be pinned for DMA. */
unsigned long legacy_pinned(struct legacy *l, unsigned long vaddr,
			    unsigned long npages)
{
	unsigned long i, n = 0;

	for (i = 0; i < npages; i++) {
		unsigned long addr = vaddr + (i << PAGE_SHIFT);
		struct page *page;

		KUNIT_ASSERT_EQ(l->test, 1,
				get_user_pages_fast(addr, 1, 0, &page));
		n += folio_maybe_dma_pinned(page_folio(page));
		put_page(page);
	}
	return n;
}

/* For what must stay pinned when an IOMMU has died. */
void legacy_unpin(struct kunit *test, unsigned long addr, unsigned long npages)
{
	unsigned long i;

	for (i = 0; i < npages; i++) {
		struct page *page;

		KUNIT_ASSERT_EQ(test, 1, get_user_pages_fast(addr + (i << PAGE_SHIFT),
							     1, 0, &page));
		unpin_user_page(page);
		put_page(page);
	}
}

/* Takes CAP_IPC_LOCK from this thread, and limits what it may lock. */
const struct cred *legacy_limit(struct kunit *test, unsigned long npages)
{
	struct cred *cred = prepare_creds();

	KUNIT_ASSERT_NOT_NULL(test, cred);
	cap_lower(cred->cap_effective, CAP_IPC_LOCK);
	current->signal->rlim[RLIMIT_MEMLOCK].rlim_cur =
		(current->mm->locked_vm + npages) << PAGE_SHIFT;
	return override_creds(cred);
}

void legacy_unlimit(const struct cred *old)
{
	const struct cred *cred = current_cred();

	revert_creds(old);
	put_cred(cred);
}

/* Pages charged since the test began. */
unsigned long legacy_locked(struct legacy *l)
{
	return current->mm->locked_vm - l->locked;
}

/* No mapping is recorded. */
bool legacy_empty(struct legacy *l)
{
	return !sluice_mapping_find(&l->space, 0, U64_MAX);
}

/* The group's devices read what the process sees. */
void legacy_expect_mapped(struct legacy *l, unsigned int group, u64 iova,
			  unsigned long vaddr, unsigned long npages)
{
	unsigned long i;

	for (i = 0; i < npages << PAGE_SHIFT; i += PAGE_SIZE / 2) {
		u64 __user *p = (u64 __user *)(vaddr + i);
		u64 seen = 0, want = 0;

		KUNIT_ASSERT_EQ(l->test, 0, get_user(want, p));
		KUNIT_ASSERT_EQ(l->test, 0, fake_dma(l->fg[group], iova + i,
						     &seen, sizeof(seen),
						     false));
		KUNIT_ASSERT_EQ(l->test, want, seen);
	}
}

void legacy_expect_hole(struct legacy *l, unsigned int group, u64 iova,
			unsigned long npages)
{
	phys_addr_t phys;
	unsigned long i;

	for (i = 0; i < npages; i++)
		KUNIT_ASSERT_EQ(l->test, -EFAULT,
				fake_translate(l->fg[group],
					       iova + (i << PAGE_SHIFT), false,
					       &phys));
}
