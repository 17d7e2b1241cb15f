// SPDX-License-Identifier: GPL-2.0-only
/*
 * A unified space over the fake backend, and user memory to map into it.
 *
 * Owns: set-up, the ioctls with their arguments in user memory, and what can be
 * seen of a space. Tests end with unified_finish(), while the test thread still
 * has its user address space.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "core/tree.h"
#include "unified_fixture.h"

/* In @args: the structure, and behind it a batch's operations. */
#define OPS_AT 256
#define ARGS_SIZE (OPS_AT + UNIFIED_OPS * sizeof(struct sluice_dma_op))

/* A space without groups. */
struct unified *unified_create(struct kunit *test)
{
	struct unified *u = kunit_kzalloc(test, sizeof(*u), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, u);
	u->test = test;
	u->hw = fake_hw_create(test);
	for (i = 0; i < UNIFIED_GROUPS; i++) {
		u->fg[i] = fake_group_create(test, u->hw);
		u->fg[i]->unit = i / 2;
	}
	/* Gives this thread its address space. */
	u->args = unified_args(u);
	u->locked = current->mm->locked_vm;
	sluice_space_init(&u->space);
	sluice_space_lock_close(&u->space);
	KUNIT_EXPECT_EQ(test, 0, sluice_unified_init(&u->space));
	u->space.type = SLUICE_SPACE_UNIFIED;
	up_write(&u->space.lock);
	KUNIT_ASSERT_NOT_NULL(test, u->space.uni);
	return u;
}

/* With group 0, and a large window. */
struct unified *unified_ready(struct kunit *test)
{
	struct unified *u = unified_create(test);

	KUNIT_ASSERT_EQ(test, 0, unified_attach(u, 0));
	KUNIT_ASSERT_EQ(test, 0, unified_window(u, WIN, WIN_SIZE, PAGE_SHIFT));
	return u;
}

/* Takes the space down, and expects that nothing is left behind. */
void unified_finish(struct unified *u)
{
	unsigned int i;

	kfree(unified_state(u));
	for (i = 0; i < UNIFIED_GROUPS; i++) {
		if (u->attached[i])
			unified_detach(u, i);
	}
	KUNIT_EXPECT_TRUE(u->test, sluice_inflight_idle(&u->space.inflight));
	KUNIT_EXPECT_TRUE(u->test, list_empty(&u->space.groups));
	KUNIT_EXPECT_LE(u->test, unified_domains(u), 1);
	sluice_space_deinit(&u->space);
	KUNIT_EXPECT_TRUE(u->test, list_empty(&u->space.domains));
	KUNIT_EXPECT_NULL(u->test, u->space.uni);
	KUNIT_EXPECT_EQ(u->test, current->mm->locked_vm, u->locked);
	fake_hw_check_idle(u->test, u->hw);
}

int unified_attach(struct unified *u, unsigned int group)
{
	int ret;

	sluice_space_lock_close(&u->space);
	ret = sluice_space_attach(&u->space, u->fg[group]->group);
	up_write(&u->space.lock);
	u->attached[group] = !ret;
	return ret;
}

void unified_detach(struct unified *u, unsigned int group)
{
	sluice_space_lock_close(&u->space);
	sluice_space_detach(&u->space, u->fg[group]->group);
	up_write(&u->space.lock);
	u->attached[group] = false;
}

int unified_domains(struct unified *u)
{
	return list_count_nodes(&u->space.domains);
}

/* Memory whose every half a page differs. */
unsigned long unified_memory(struct unified *u, unsigned long npages)
{
	unsigned long addr, i;

	addr = kunit_vm_mmap(u->test, NULL, 0, PAGES(npages),
			     PROT_READ | PROT_WRITE,
			     MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_NE(u->test, addr, 0);
	KUNIT_ASSERT_FALSE(u->test, IS_ERR_VALUE(addr));
	for (i = 0; i < PAGES(npages); i += PAGE_SIZE / 2) {
		u64 __user *p = (u64 __user *)(addr + i);

		KUNIT_ASSERT_EQ(u->test, 0, put_user((u64)(addr + i), p));
	}
	return addr;
}

/* Room for a thread's arguments. */
unsigned long unified_args(struct unified *u)
{
	return unified_memory(u, DIV_ROUND_UP(ARGS_SIZE, PAGE_SIZE));
}

/* A copy that the kernel can read, and not write. */
unsigned long unified_read_only(struct unified *u, const void *arg, size_t size)
{
	struct file *file = shmem_file_setup("sluice-kunit", PAGE_SIZE, 0);
	unsigned long rw, ro;

	KUNIT_ASSERT_FALSE(u->test, IS_ERR(file));
	rw = kunit_vm_mmap(u->test, file, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
			   MAP_SHARED, 0);
	ro = kunit_vm_mmap(u->test, file, 0, PAGE_SIZE, PROT_READ, MAP_SHARED,
			   0);
	fput(file);
	KUNIT_ASSERT_FALSE(u->test, IS_ERR_VALUE(rw) || IS_ERR_VALUE(ro));
	KUNIT_ASSERT_EQ(u->test, 0, copy_to_user((void __user *)rw, arg, size));
	return ro;
}

/* ---- The ioctls ---- */

/* Passes a structure and takes back what the kernel has made of it. */
long unified_ioctl(struct unified *u, unsigned int cmd, void *arg, size_t size)
{
	void __user *user = (void __user *)u->args;
	long ret;

	KUNIT_ASSERT_EQ(u->test, 0, copy_to_user(user, arg, size));
	ret = sluice_uapi_ioctl(&u->space, cmd, user);
	KUNIT_ASSERT_EQ(u->test, 0, copy_from_user(arg, user, size));
	return ret;
}

int unified_register(struct unified *u, unsigned long addr,
		     unsigned long npages, u32 flags, u32 *handle)
{
	struct sluice_mem_register arg = {
		.argsz = sizeof(arg),
		.flags = flags,
		.vaddr = addr,
		.size = PAGES(npages),
	};
	int ret = unified_ioctl(u, SLUICE_MEM_REGISTER, &arg, sizeof(arg));

	*handle = arg.handle;
	return ret;
}

int unified_unregister(struct unified *u, u32 handle)
{
	struct sluice_mem_unregister arg = {
		.argsz = sizeof(arg),
		.handle = handle,
	};

	return unified_ioctl(u, SLUICE_MEM_UNREGISTER, &arg, sizeof(arg));
}

/* At a fixed place. */
int unified_window(struct unified *u, u64 start, u64 size, u32 page_lg2)
{
	struct sluice_window_create arg = {
		.argsz = sizeof(arg),
		.flags = SLUICE_WINDOW_FIXED,
		.start = start,
		.size = size,
		.page_lg2 = page_lg2,
	};
	int ret = unified_ioctl(u, SLUICE_WINDOW_CREATE, &arg, sizeof(arg));

	KUNIT_EXPECT_EQ(u->test, arg.start, start);
	return ret;
}

/* Where the kernel likes. */
int unified_window_any(struct unified *u, u64 size, u32 page_lg2, u64 *start)
{
	struct sluice_window_create arg = {
		.argsz = sizeof(arg),
		.start = U64_MAX,
		.size = size,
		.page_lg2 = page_lg2,
	};
	int ret = unified_ioctl(u, SLUICE_WINDOW_CREATE, &arg, sizeof(arg));

	*start = arg.start;
	return ret;
}

int unified_window_remove(struct unified *u, u64 start)
{
	struct sluice_window_remove arg = {
		.argsz = sizeof(arg),
		.start = start,
	};

	return unified_ioctl(u, SLUICE_WINDOW_REMOVE, &arg, sizeof(arg));
}

/* For any thread that uses the owner's address space; @args is its own. */
long unified_batch_at(struct unified *u, unsigned long args,
		      const struct sluice_dma_op *ops, unsigned int nr,
		      u32 flags, struct sluice_dma_batch *batch)
{
	void __user *user = (void __user *)args;
	long ret;

	*batch = (struct sluice_dma_batch){
		.argsz = sizeof(*batch),
		.flags = flags,
		.ops = args + OPS_AT,
		.nr_ops = nr,
		.nr_done = 77,
		.unmapped = 77,
	};
	if (nr > UNIFIED_OPS ||
	    copy_to_user(user + OPS_AT, ops, nr * sizeof(*ops)) ||
	    copy_to_user(user, batch, sizeof(*batch)))
		return -ENOTRECOVERABLE;
	ret = sluice_uapi_ioctl(&u->space, SLUICE_DMA_BATCH, user);
	if (copy_from_user(batch, user, sizeof(*batch)))
		return -ENOTRECOVERABLE;
	return ret;
}

int unified_batch(struct unified *u, const struct sluice_dma_op *ops,
		  unsigned int nr)
{
	return unified_batch_at(u, u->args, ops, nr, 0, &u->batch);
}

/* All of them, or none. */
int unified_atomic(struct unified *u, const struct sluice_dma_op *ops,
		   unsigned int nr)
{
	return unified_batch_at(u, u->args, ops, nr, SLUICE_BATCH_ATOMIC,
				&u->batch);
}

/* One operation, which is done if, and only if, the batch succeeds. */
int unified_do(struct unified *u, struct sluice_dma_op op)
{
	int ret = unified_batch(u, &op, 1);

	KUNIT_EXPECT_EQ(u->test, u->batch.nr_done, !ret);
	return ret;
}

/* Unmaps everything; returns pages. */
u64 unified_clear(struct unified *u)
{
	KUNIT_EXPECT_EQ(u->test, 0, unified_do(u, make_unmap_all()));
	return u->batch.unmapped >> PAGE_SHIFT;
}

/* ---- Memory that isn't there ---- */

/* Registers pages that nobody may touch, and unified_forget() must take away. */
u32 unified_pretend(struct unified *u, const struct sluice_run *runs,
		    size_t nr_runs, unsigned long npages)
{
	struct sluice_region *region = kunit_kzalloc(u->test, sizeof(*region),
						     GFP_KERNEL);
	u32 handle = 0;

	KUNIT_ASSERT_NOT_NULL(u->test, region);
	region->runs = kunit_kcalloc(u->test, nr_runs + 1, sizeof(*runs),
				     GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(u->test, region->runs);
	memcpy(region->runs, runs, nr_runs * sizeof(*runs));
	region->runs[nr_runs].first = npages;
	region->nr_runs = nr_runs;
	region->npages = npages;
	region->prot = SLUICE_PROT_READ | SLUICE_PROT_WRITE;
	sluice_tree_init(&region->pfns);
	KUNIT_ASSERT_EQ(u->test, 0, xa_alloc(&u->space.uni->regions, &handle,
					     region, xa_limit_31b,
					     GFP_KERNEL));
	return handle;
}

void unified_forget(struct unified *u, u32 handle)
{
	struct sluice_region *region = xa_erase(&u->space.uni->regions, handle);

	KUNIT_ASSERT_NOT_NULL(u->test, region);
	sluice_tree_destroy(&region->pfns);
}

/* ---- What is to be seen ---- */

/* How often the memory is pinned for DMA, page by page. */
unsigned long unified_pins(struct unified *u, unsigned long addr,
			   unsigned long npages)
{
	struct folio *folio, *prev = NULL;
	unsigned long i, n = 0;

	for (i = 0; i < npages; i++) {
		struct page *page;

		KUNIT_ASSERT_EQ(u->test, 1,
				get_user_pages_fast(addr + PAGES(i), 1, 0,
						    &page));
		folio = page_folio(page);
		if (!folio_test_large(folio))
			n += folio_ref_count(folio) / GUP_PIN_COUNTING_BIAS;
		else if (folio != prev)
			n += atomic_read(&folio->_pincount);
		prev = folio;
		put_page(page);
	}
	return n;
}

/* Pages charged since the test began, but for tables. */
long unified_locked(struct unified *u)
{
	return current->mm->locked_vm - u->locked - u->space.uni->tables;
}

/* Pages mapped by handle. */
s64 unified_mapped(struct unified *u)
{
	return atomic64_read(&u->space.uni->mapped) >> PAGE_SHIFT;
}

/* Gives back what quarantine keeps, so that the test leaves no pin behind. */
void unified_unpin(struct unified *u, unsigned long addr, unsigned long npages)
{
	unsigned long i;

	for (i = 0; i < npages; i++) {
		struct page *page;

		KUNIT_ASSERT_EQ(u->test, 1,
				get_user_pages_fast(addr + PAGES(i), 1, 0,
						    &page));
		unpin_user_page(page);
		put_page(page);
	}
	sluice_unaccount(current->mm, npages);
}

/* The group's devices read what the process sees. */
void unified_expect_mapped(struct unified *u, unsigned int group, u64 iova,
			   unsigned long addr, unsigned long npages)
{
	unsigned long i;

	for (i = 0; i < PAGES(npages); i += PAGE_SIZE / 2) {
		u64 __user *p = (u64 __user *)(addr + i);
		u64 seen = 0, want = 0;

		KUNIT_ASSERT_EQ(u->test, 0, get_user(want, p));
		KUNIT_ASSERT_EQ(u->test, 0, fake_dma(u->fg[group], iova + i,
						     &seen, sizeof(seen),
						     false));
		KUNIT_ASSERT_EQ(u->test, want, seen);
	}
}

void unified_expect_hole(struct unified *u, unsigned int group, u64 iova,
			 unsigned long npages)
{
	phys_addr_t phys;
	unsigned long i;

	for (i = 0; i < npages; i++)
		KUNIT_ASSERT_EQ(u->test, -EFAULT,
				fake_translate(u->fg[group], iova + PAGES(i),
					       false, &phys));
}

/* As unified_expect_mapped(), where there is no memory to look at. */
void unified_expect_phys(struct unified *u, unsigned int group, u64 iova,
			 unsigned long pfn, unsigned long npages)
{
	unsigned long i;

	for (i = 0; i < npages; i++) {
		phys_addr_t phys = 0;

		KUNIT_ASSERT_EQ(u->test, 0,
				fake_translate(u->fg[group], iova + PAGES(i),
					       false, &phys));
		KUNIT_ASSERT_EQ(u->test, (u64)phys, PAGES(pfn + i));
	}
}

/* ---- States ---- */

static size_t read_all(struct unified *u, struct sluice_domain *domain,
		       struct sluice_extent *extents)
{
	struct sluice_range range = { 0, U64_MAX };
	size_t nr = 0;

	while (!sluice_range_empty(&range)) {
		KUNIT_ASSERT_LT(u->test, nr, UNIFIED_EXTENTS);
		nr += domain->ops->read(domain, &range, &extents[nr],
					UNIFIED_EXTENTS - nr);
	}
	return nr;
}

static void expect_same(struct unified *u, const struct unified_state *a,
			const struct unified_state *b)
{
	size_t i;

	KUNIT_ASSERT_EQ(u->test, a->nr, b->nr);
	for (i = 0; i < a->nr; i++) {
		const struct sluice_extent *x = &a->extents[i];
		const struct sluice_extent *y = &b->extents[i];

		KUNIT_ASSERT_EQ(u->test, x->iova, y->iova);
		KUNIT_ASSERT_EQ(u->test, (u64)x->phys, (u64)y->phys);
		KUNIT_ASSERT_EQ(u->test, x->len, y->len);
		KUNIT_ASSERT_EQ(u->test, x->prot, y->prot);
	}
}

/*
 * What is mapped and charged; the caller's, with kfree(). Expects that all domains
 * have the same, and that the number of pages mapped by handle is right.
 */
struct unified_state *unified_state(struct unified *u)
{
	struct sluice_unified *uni = u->space.uni;
	struct unified_state *state, *other;
	struct sluice_domain *domain;
	unsigned int n = 0;
	s64 mapped = 0;
	size_t i;

	state = kcalloc(2, sizeof(*state), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(u->test, state);
	other = state + 1;
	list_for_each_entry(domain, &u->space.domains, node) {
		struct unified_state *s = n++ ? other : state;

		s->nr = read_all(u, domain, s->extents);
		expect_same(u, s, state);
	}
	for (i = 0; i < state->nr; i++) {
		if (state->extents[i].prot & SLUICE_PROT_REGISTERED)
			mapped += state->extents[i].len >> PAGE_SHIFT;
	}
	state->locked = unified_locked(u);
	state->mapped = unified_mapped(u);
	state->registered = atomic_long_read(&uni->registered);
	KUNIT_EXPECT_EQ(u->test, state->mapped, mapped);
	return state;
}

void unified_expect_state(struct unified *u, const struct unified_state *want)
{
	struct unified_state *now = unified_state(u);

	expect_same(u, now, want);
	KUNIT_EXPECT_EQ(u->test, now->locked, want->locked);
	KUNIT_EXPECT_EQ(u->test, now->mapped, want->mapped);
	KUNIT_EXPECT_EQ(u->test, now->registered, want->registered);
	KUNIT_EXPECT_TRUE(u->test, sluice_inflight_idle(&u->space.inflight));
	kfree(now);
}
