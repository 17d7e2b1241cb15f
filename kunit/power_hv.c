// SPDX-License-Identifier: GPL-2.0-only
/*
 * A pretended hypervisor: its calls. Source: LoPAR, as backends/power/regs.h; the
 * numbers are its own. What tests do with it is in power_hv_check.c.
 */
#include <linux/delay.h>
#include <linux/log2.h>
#include <linux/prandom.h>
#include <linux/slab.h>

#include "power_hv.h"

#define BLOCK 512

/* KUnit runs one test at a time, and &struct power_hv has no context. */
static struct fake_hv *the_hv;

/* Threads have no test of their own: counted, and judged at the end. */
static int violation(const char *what, u64 a, u64 b)
{
	if (atomic_inc_return(&the_hv->violations) < 4)
		kunit_err(the_hv->test, "hypervisor: %s: %#llx %#llx\n", what,
			  a, b);
	return -EIO;
}

/* Counts a call, runs what is to run within it, and says what it returns. */
static int enter(enum fake_hv_call call)
{
	struct fake_hv_failure *f = &the_hv->failures[call];
	void (*hook)(struct fake_hv *hv) = NULL;
	int err = 0;

	might_sleep();
	atomic_inc(&the_hv->calls[call]);
	spin_lock(&the_hv->lock);
	if (the_hv->hook && the_hv->hook_call == call)
		swap(hook, the_hv->hook);
	if (the_hv->broken) {
		err = -EIO;
	} else if (f->nth > 1) {
		f->nth--;
	} else if (f->nth && f->times) {
		err = f->err;
		if (f->times != FAKE_HV_FOR_EVER)
			f->times--;
	}
	spin_unlock(&the_hv->lock);
	if (hook)
		hook(the_hv);
	return err;
}

/* ---- TCEs ---- */

u64 fake_window_get(struct fake_window *fw, u64 n)
{
	const u64 *block = xa_load(&fw->blocks, n / BLOCK);

	return block ? READ_ONCE(block[n % BLOCK]) : 0;
}

void fake_window_set(struct fake_window *fw, u64 n, u64 tce)
{
	u64 *block = xa_load(&fw->blocks, n / BLOCK), *was;

	if (!block && !tce)
		return;
	if (!block) {
		block = kcalloc(BLOCK, sizeof(*block), GFP_KERNEL);
		if (WARN_ON(!block))
			return;
		was = xa_cmpxchg(&fw->blocks, n / BLOCK, NULL, block,
				 GFP_KERNEL);
		if (was) {
			kfree(block);
			block = was;
		}
	}
	WRITE_ONCE(block[n % BLOCK], tce);
}

static void forget_tces(struct fake_window *fw)
{
	unsigned long n;
	u64 *block;

	xa_for_each(&fw->blocks, n, block)
		kfree(block);
	xa_destroy(&fw->blocks);
}

static struct fake_window *window_of(u32 liobn, struct fake_pe **owner)
{
	unsigned int i, k;

	for (i = 0; i < the_hv->nr_pes; i++) {
		for (k = 0; k < FAKE_HV_WINDOWS; k++) {
			struct fake_window *fw = &the_hv->pes[i].windows[k];

			if (!fw->there || fw->liobn != liobn)
				continue;
			if (owner)
				*owner = &the_hv->pes[i];
			return fw;
		}
	}
	return NULL;
}

static void write_tce(struct fake_window *fw, u64 n, u64 tce,
		      enum fake_hv_call call)
{
	u64 low = (BIT_ULL(fw->page_lg2) - 1) & ~3ULL;

	if (tce & low || (tce && !(tce & 3)))
		violation("TCE", tce, fw->page_lg2);
	if (fake_window_get(fw, n) == tce)
		atomic_inc(&the_hv->rewritten);
	fake_window_set(fw, n, tce);
	atomic_inc(&the_hv->tces[call]);
}

/* Writes @nr TCEs: of a list, or the same each. */
static int write_tces(enum fake_hv_call call, u32 liobn, u64 ioba,
		      const __be64 *list, u64 tce, unsigned int nr)
{
	struct fake_window *fw = window_of(liobn, NULL);
	unsigned int i, end = nr;
	u64 n;
	int err;

	if (!fw)
		return violation("no such LIOBN", liobn, ioba);
	if (!nr || nr > BLOCK)
		return violation("number of TCEs", nr, ioba);
	if (ioba < fw->range.start || ioba > fw->range.last ||
	    nr - 1 > (fw->range.last - ioba) >> fw->page_lg2 ||
	    !IS_ALIGNED(ioba, BIT_ULL(fw->page_lg2)))
		return violation("IOBA", ioba, nr);
	if (!IS_ALIGNED((unsigned long)list, SZ_4K))
		return violation("list not aligned", (unsigned long)list, 0);
	err = enter(call);
	if (err)
		end = err == -ENOMEM ? 0 : nr / 2;
	n = (ioba - fw->range.start) >> fw->page_lg2;
	/* Where there has never been anything: windows are large. */
	if (!list && !tce && !xa_load(&fw->blocks, n / BLOCK) &&
	    !xa_load(&fw->blocks, (n + nr - 1) / BLOCK)) {
		atomic_add(end, &the_hv->rewritten);
		atomic_add(end, &the_hv->tces[call]);
		return err;
	}
	for (i = 0; i < end; i++) {
		if (the_hv->restless && i == end / 2 && get_random_u32_below(2))
			usleep_range(20, 40);
		write_tce(fw, n + i, list ? be64_to_cpu(list[i]) : tce, call);
	}
	return err;
}

static int hv_put(u32 liobn, u64 ioba, u64 tce)
{
	return write_tces(FAKE_HV_PUT, liobn, ioba, NULL, tce, 1);
}

static int hv_put_indirect(u32 liobn, u64 ioba, const __be64 *tces,
			   unsigned int nr)
{
	return write_tces(FAKE_HV_INDIRECT, liobn, ioba, tces, 0, nr);
}

static int hv_stuff(u32 liobn, u64 ioba, u64 tce, unsigned int nr)
{
	return write_tces(FAKE_HV_STUFF, liobn, ioba, NULL, tce, nr);
}

/* ---- Windows ---- */

static struct fake_pe *pe_of(const struct power_pe_desc *desc)
{
	unsigned int i;

	for (i = 0; i < the_hv->nr_pes; i++) {
		if (the_hv->pes[i].desc.buid == desc->buid &&
		    the_hv->pes[i].desc.config_addr == desc->config_addr)
			return &the_hv->pes[i];
	}
	violation("no such PE", desc->buid, desc->config_addr);
	return NULL;
}

static unsigned int nr_windows(const struct fake_pe *fp)
{
	unsigned int i, n = 0;

	for (i = 0; i < FAKE_HV_WINDOWS; i++)
		n += fp->windows[i].there;
	return n;
}

static void have_default(struct fake_pe *fp)
{
	struct fake_window *fw = &fp->windows[0];

	fw->there = true;
	fw->initial = true;
	fw->range = fp->desc.window;
	fw->page_lg2 = 12;
}

static int hv_query(const struct power_pe_desc *desc,
		    struct power_ddw_query *query)
{
	struct fake_pe *fp = pe_of(desc);
	int err = enter(FAKE_HV_QUERY);

	if (!fp || !desc->query)
		return violation("query", desc->buid, desc->query);
	if (err)
		return err;
	*query = fp->query;
	query->windows -= min(query->windows, nr_windows(fp));
	if (!query->windows)
		query->largest = 0;
	return 0;
}

static bool has_size(const struct fake_pe *fp, unsigned int page_lg2)
{
	static const u8 lg2[] = { 12, 16, 24, 25, 26, 27, 28, 34, 21 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lg2); i++) {
		if (lg2[i] == page_lg2)
			return fp->query.sizes & BIT(i);
	}
	return false;
}

static int hv_create(const struct power_pe_desc *desc, unsigned int page_lg2,
		     unsigned int window_lg2, struct power_ddw *window)
{
	struct fake_pe *fp = pe_of(desc);
	int err = enter(FAKE_HV_CREATE);
	struct fake_window *fw;
	unsigned int nr;

	if (!fp || !desc->create || !has_size(fp, page_lg2))
		return violation("create", desc->buid, page_lg2);
	nr = nr_windows(fp);
	if (nr >= fp->query.windows || window_lg2 < page_lg2 ||
	    BIT_ULL(window_lg2 - page_lg2) > fp->query.largest)
		return violation("create too much", nr, window_lg2);
	fp->most_tces = max(fp->most_tces, BIT_ULL(window_lg2 - page_lg2));
	if (err)
		return err;
	for (fw = fp->windows; fw->there; fw++)
		;
	forget_tces(fw);
	fw->there = true;
	fw->initial = false;
	fw->page_lg2 = page_lg2;
	fw->range.start = nr ? fp->next_start : fp->first_start;
	fw->range.last = fw->range.start + (BIT_ULL(window_lg2) - 1);
	window->liobn = fw->liobn;
	window->start = fw->range.start;
	return 0;
}

static int hv_remove(const struct power_pe_desc *desc, u32 liobn)
{
	struct fake_pe *fp = pe_of(desc), *owner = NULL;
	struct fake_window *fw = window_of(liobn, &owner);
	int err = enter(FAKE_HV_REMOVE);

	if (!fp || !desc->remove || (owner && owner != fp))
		return violation("remove", desc->buid, liobn);
	if (err || !fw)
		return err ?: -EIO;
	fw->there = false;
	if (fp->restores && !fw->initial && !nr_windows(fp))
		have_default(fp);
	return 0;
}

static int hv_reset(const struct power_pe_desc *desc)
{
	struct fake_pe *fp = pe_of(desc);
	int err = enter(FAKE_HV_RESET);
	unsigned int i;

	if (!fp || !desc->reset)
		return violation("reset", desc->buid, desc->reset);
	if (err)
		return err;
	for (i = 0; i < FAKE_HV_WINDOWS; i++)
		fp->windows[i].there = false;
	have_default(fp);
	return 0;
}

static const struct power_hv fake_ops = {
	.put		= hv_put,
	.put_indirect	= hv_put_indirect,
	.stuff		= hv_stuff,
	.query		= hv_query,
	.create		= hv_create,
	.remove		= hv_remove,
	.reset		= hv_reset,
};

/* ---- DMA ---- */

int fake_pe_translate(struct fake_pe *fp, u64 iova, bool write,
		      phys_addr_t *phys)
{
	struct fake_window *fw, *hit = NULL;
	u64 tce, offset;

	for (fw = fp->windows; fw < fp->windows + FAKE_HV_WINDOWS; fw++) {
		if (!fw->there || iova < fw->range.start ||
		    iova > fw->range.last)
			continue;
		if (hit)
			violation("two windows at an IOVA", iova, fw->liobn);
		hit = fw;
	}
	if (!hit)
		return -EFAULT;
	tce = fake_window_get(hit, (iova - hit->range.start) >> hit->page_lg2);
	if (!(tce & 3))
		return -EFAULT;
	if (!(tce & (write ? 2 : 1)))
		return -EACCES;
	offset = BIT_ULL(hit->page_lg2) - 1;
	*phys = (tce & ~offset) | (iova & offset);
	return 0;
}

/* ---- Set-up ---- */

static void shut_down(void *data)
{
	struct fake_hv *hv = data;
	unsigned int i, k;

	KUNIT_EXPECT_EQ(hv->test, 0, atomic_read(&hv->violations));
	for (i = 0; i < hv->nr_pes; i++) {
		struct fake_pe *fp = &hv->pes[i];

		for (k = 0; k < FAKE_HV_WINDOWS; k++)
			forget_tces(&fp->windows[k]);
		if (fp->pe)
			power_backend.release(&fp->pe->iommu);
		iommu_group_put(fp->group);
	}
	the_hv = NULL;
	kfree(hv);
}

struct fake_hv *fake_hv_create(struct kunit *test)
{
	struct fake_hv *hv = kzalloc(sizeof(*hv), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, hv);
	hv->test = test;
	hv->ops = fake_ops;
	spin_lock_init(&hv->lock);
	the_hv = hv;
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, shut_down, hv));
	return hv;
}

void fake_hv_destroy(struct fake_hv *hv)
{
	kunit_release_action(hv->test, shut_down, hv);
}

struct fake_pe *fake_pe_create(struct fake_hv *hv, bool taken)
{
	struct fake_pe *fp = &hv->pes[hv->nr_pes];
	unsigned int i, n = hv->nr_pes + 1;
	struct iommu_group *group;

	KUNIT_ASSERT_LE(hv->test, n, FAKE_HV_PES);
	group = iommu_group_alloc();
	KUNIT_ASSERT_FALSE(hv->test, IS_ERR(group));
	fp->hv = hv;
	fp->group = group;
	fp->desc = (struct power_pe_desc){
		.buid = 0x800000020000000ULL + n,
		.config_addr = n << 16,
		.liobn = 0x80000000 | n << 8,
		.window = { 0, FAKE_HV_DEFAULT_BYTES - 1 },
		.query = 0x2010, .create = 0x2011, .remove = 0x2012,
		.reset = 0x2013,
	};
	fp->query = (struct power_ddw_query){
		.windows = 2,
		.largest = FAKE_HV_LARGEST,
		.sizes = FAKE_HV_SIZES,
	};
	fp->next_start = FAKE_HV_LARGE_START;
	fp->restores = true;
	for (i = 0; i < FAKE_HV_WINDOWS; i++) {
		fp->windows[i].liobn = fp->desc.liobn + i;
		xa_init(&fp->windows[i].blocks);
	}
	have_default(fp);
	hv->nr_pes = n;
	if (taken)
		KUNIT_ASSERT_EQ(hv->test, 0, fake_pe_take(fp));
	return fp;
}

/* The reference is given back at the end of the test. */
int fake_pe_take(struct fake_pe *fp)
{
	struct power_pe *pe;

	if (fp->windows[0].initial)
		fp->windows[0].range = fp->desc.window;
	pe = power_pe_create(fp->group, &fp->hv->ops, &fp->desc);
	if (IS_ERR(pe))
		return PTR_ERR(pe);
	pe->iommu.backend = &power_backend;
	fp->pe = pe;
	return 0;
}

struct fake_pe *fake_pe_find(struct iommu_group *group)
{
	unsigned int i;

	for (i = 0; i < the_hv->nr_pes; i++) {
		if (the_hv->pes[i].group == group)
			return &the_hv->pes[i];
	}
	return NULL;
}
