// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of any layout, which isn't there.
 *
 * Owns: the layout, what stands in for pinning and unpinning and counts both, and the
 * judgement of the extents that a backend was given. A page of the IOMMU is possible
 * wherever a block of its size, aligned in IOVA, is contiguous in memory that is aligned,
 * too. All of such a block must have been given in one extent: then any backend, whatever
 * its page sizes, can choose the largest page that there is.
 *
 * No page of this memory is ever looked at: that would be the end of the test.
 */
#include <kunit/static_stub.h>
#include <kunit/test-bug.h>
#include <linux/align.h>
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "layout.h"

/* Pages up to 1 GiB, and none beyond: see sluice_step_bytes(). */
#define LARGEST_LG2 30

static struct layout *current_layout(void)
{
	return kunit_get_current_test()->priv;
}

/* ---- What the memory looks like ---- */

/* The run that has a page. */
static const struct layout_run *run_of(const struct layout *l,
				       unsigned long page)
{
	unsigned int low = 0, high = l->nr_runs - 1;

	while (low < high) {
		unsigned int mid = low + (high - low + 1) / 2;

		if (l->runs[mid].first <= page)
			low = mid;
		else
			high = mid - 1;
	}
	return &l->runs[low];
}

static unsigned long pfn_of(const struct layout *l, unsigned long page)
{
	const struct layout_run *run = run_of(l, page);

	return run->pfn + (page - run->first);
}

/* The page's number; beyond the end if this isn't memory of ours. */
static unsigned long page_at(const struct layout *l, unsigned long pfn)
{
	unsigned long slot = pfn / LAYOUT_SLOT - 1, page;
	const struct layout_run *run = &l->runs[slot];

	if (slot >= l->nr_runs)
		return l->npages;
	page = run->first + (pfn - run->pfn);
	return page < run[1].first ? page : l->npages;
}

/* Begins to lay out memory that will be mapped at @iova. */
void layout_begin(struct layout *l, u64 iova)
{
	KUNIT_ASSERT_EQ(l->test, l->nr_pinned, 0);
	l->iova = iova;
	l->npages = 0;
	l->nr_runs = 0;
	l->runs[0].first = 0;
	l->nr_notes = 0;
	l->pins = 0;
	l->short_pins = false;
	l->hole = ULONG_MAX;
	l->kill_at = 0;
}

/*
 * Adds pages that are contiguous. Up to 2^@aligned_lg2 pages, at most 2^18, their
 * addresses are aligned as their IOVAs are, and not beyond that.
 */
void layout_add(struct layout *l, unsigned long npages,
		unsigned int aligned_lg2)
{
	unsigned long at = (l->iova >> PAGE_SHIFT) + l->npages, offset;

	KUNIT_ASSERT_LT(l->test, l->nr_runs, LAYOUT_RUNS);
	KUNIT_ASSERT_LE(l->test, npages, LAYOUT_SLOT / 2);
	KUNIT_ASSERT_LE(l->test, aligned_lg2, 18);
	offset = at & (BIT(aligned_lg2) - 1);
	offset |= ~at & BIT(aligned_lg2);
	l->runs[l->nr_runs].pfn = (l->nr_runs + 1) * LAYOUT_SLOT + offset;
	l->nr_runs++;
	l->npages += npages;
	l->runs[l->nr_runs].first = l->npages;
}

/* Pages by themselves, folios, huge pages, well aligned and not, in disorder. */
void layout_mix(struct layout *l, u64 iova, unsigned long npages)
{
	static const unsigned int lengths[] = { 1, 2, 5, 16, 64, 512, 1024 };
	static const unsigned int aligned[] = { 0, 1, 4, 6, 9, 9, 18 };

	layout_begin(l, iova);
	while (l->npages < npages) {
		u32 r = prandom_u32_state(&l->rnd);
		unsigned long n = lengths[r % ARRAY_SIZE(lengths)];

		/* Every other run begins and ends anywhere. */
		if (r & BIT(8))
			n = 1 + (r >> 16) % (2 * n);
		n = min(n, npages - l->npages);
		if (l->nr_runs == LAYOUT_RUNS - 1)
			n = npages - l->npages;
		layout_add(l, n, aligned[(r >> 4) % ARRAY_SIZE(aligned)]);
	}
	l->short_pins = prandom_u32_state(&l->rnd) & 1;
}

/* ---- Pinning ---- */

static void set_killed(bool killed)
{
	/* Nobody takes it from the current thread. */
	struct sighand_struct *sighand =
		rcu_dereference_protected(current->sighand, true);

	spin_lock_irq(&sighand->siglock);
	if (killed)
		sigaddset(&current->pending.signal, SIGKILL);
	else
		sigdelset(&current->pending.signal, SIGKILL);
	recalc_sigpending();
	spin_unlock_irq(&sighand->siglock);
}

/* The current thread is killed, but goes on. */
void layout_be_killed(void)
{
	set_killed(true);
}

void layout_survive(void)
{
	set_killed(false);
}

static long pin(unsigned long vaddr, size_t npages, unsigned int prot,
		struct page **pages)
{
	struct layout *l = current_layout();
	unsigned long page = (vaddr - LAYOUT_VADDR) >> PAGE_SHIFT;
	size_t i;

	if (++l->pins == l->kill_at)
		layout_be_killed();
	if (l->short_pins)
		npages = 1 + prandom_u32_state(&l->rnd) % npages;
	for (i = 0; i < npages; i++, page++) {
		if (page >= l->npages || page == l->hole)
			break;
		KUNIT_ASSERT_FALSE(l->test, test_and_set_bit(page, l->pinned));
		pages[i] = pfn_to_page(pfn_of(l, page));
	}
	l->nr_pinned += i;
	return i ?: -EFAULT;
}

static void unpin(struct layout *l, unsigned long pfn, unsigned long npages)
{
	for (; npages; npages--, pfn++) {
		unsigned long page = page_at(l, pfn);

		KUNIT_ASSERT_LT(l->test, page, l->npages);
		KUNIT_ASSERT_TRUE(l->test, test_and_clear_bit(page, l->pinned));
		l->nr_pinned--;
	}
}

static void unpin_pages(struct page **pages, size_t npages, unsigned int prot)
{
	while (npages--)
		unpin(current_layout(), page_to_pfn(*pages++), 1);
}

static void unpin_extent(const struct sluice_extent *extent, unsigned int prot)
{
	unpin(current_layout(), PHYS_PFN(extent->phys),
	      extent->len >> PAGE_SHIFT);
}

/* ---- What backends are given ---- */

static void note(void *data, const struct sluice_domain *domain,
		 const struct sluice_extent *extents, size_t nr,
		 unsigned int prot)
{
	struct layout *l = data;
	size_t i;

	for (i = 0; i < nr; i++) {
		struct layout_note *n = &l->notes[l->nr_notes];

		KUNIT_ASSERT_LT(l->test, l->nr_notes++, LAYOUT_NOTES);
		n->domain = domain;
		n->extent = extents[i];
		n->extent.prot = prot;
	}
}

/* log2 of the largest page that may map a page of a map of @iova to @last. */
static unsigned int best_lg2(const struct layout *l, u64 iova, u64 last,
			     unsigned long first, u64 at)
{
	unsigned long page = first + ((at - iova) >> PAGE_SHIFT);
	const struct layout_run *run = run_of(l, page);
	unsigned int lg2;

	for (lg2 = LARGEST_LG2; lg2 > PAGE_SHIFT; lg2--) {
		u64 start = ALIGN_DOWN(at, BIT_ULL(lg2));
		u64 end = start + (BIT_ULL(lg2) - 1);
		unsigned long from, to;

		if (start < iova || end > last)
			continue;
		from = first + ((start - iova) >> PAGE_SHIFT);
		to = first + ((end - iova) >> PAGE_SHIFT);
		if (from >= run->first && to < run[1].first &&
		    IS_ALIGNED(PFN_PHYS(pfn_of(l, from)), BIT_ULL(lg2)))
			break;
	}
	return lg2;
}

/*
 * Expects that a domain was given all of a map, so that no page need be smaller than it
 * could be: of @npages pages from page @first on, at @iova.
 */
void layout_expect_best(struct layout *l, const struct sluice_domain *domain,
			u64 iova, unsigned long first, unsigned long npages)
{
	u64 last = iova + (((u64)npages << PAGE_SHIFT) - 1), at = iova;
	const struct layout_note *n = l->notes, *end = n + l->nr_notes;

	while (at <= last) {
		unsigned int lg2 = best_lg2(l, iova, last, first, at);
		const struct sluice_extent *e;
		unsigned long page;
		u64 phys;

		/* A domain is given what it maps in ascending order. */
		while (n < end && (n->domain != domain ||
				   n->extent.iova + (n->extent.len - 1) < at))
			n++;
		KUNIT_ASSERT_TRUE_MSG(l->test, n < end, "nothing at %#llx", at);
		e = &n->extent;
		page = first + ((at - iova) >> PAGE_SHIFT);
		phys = PFN_PHYS(pfn_of(l, page));
		if (e->iova > at || e->phys + (at - e->iova) != phys ||
		    e->iova + (e->len - 1) < at + (BIT_ULL(lg2) - 1))
			KUNIT_FAIL_AND_ABORT(l->test,
					     "%#llx: %#llx bytes from %#llx on cut a page of 2^%u at %#llx, memory %#llx",
					     iova, e->len, e->iova, lg2, at,
					     phys);
		at += BIT_ULL(lg2);
	}
}

/* ---- Set-up ---- */

/* From here on the test pins no other memory. */
struct layout *layout_create(struct kunit *test, struct fake_hw *hw,
			     unsigned long max_pages)
{
	struct layout *l = kunit_kzalloc(test, sizeof(*l), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, l);
	/* Else one can't name a page that isn't there. */
	KUNIT_ASSERT_TRUE(test,
			  IS_ENABLED(CONFIG_SPARSEMEM_VMEMMAP) ||
			  IS_ENABLED(CONFIG_FLATMEM));
	l->test = test;
	l->hw = hw;
	l->pinned = kunit_kcalloc(test, BITS_TO_LONGS(max_pages), sizeof(long),
				  GFP_KERNEL);
	l->notes = kunit_kcalloc(test, LAYOUT_NOTES, sizeof(*l->notes),
				 GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, l->pinned);
	KUNIT_ASSERT_NOT_NULL(test, l->notes);
	prandom_seed_state(&l->rnd, 0x200000);
	test->priv = l;
	hw->on_map_data = l;
	hw->on_map = note;
	kunit_activate_static_stub(test, sluice_pin, pin);
	kunit_activate_static_stub(test, sluice_unpin_pages, unpin_pages);
	kunit_activate_static_stub(test, sluice_unpin_extent, unpin_extent);
	return l;
}
