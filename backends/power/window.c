// SPDX-License-Identifier: GPL-2.0-only
/*
 * The windows of a domain, in the hypervisor and in the record.
 *
 * Owns: which windows a domain has, and that each of its PEs has the same. Does not own:
 * how windows are made and removed (ddw.c), what is in them (tce.c).
 */
#define pr_fmt(fmt) "sluice power: " fmt

#include <linux/log2.h>
#include <linux/printk.h>

#include "private.h"

/**
 * power_window_init - make the record of a window
 * @w: an empty place of a domain
 * @range: the window's IOVAs
 * @page_lg2: log2 of its page size
 *
 * Return: 0 or -ENOMEM.
 */
int power_window_init(struct power_window *w, const struct sluice_range *range,
		      unsigned int page_lg2)
{
	unsigned int bits = page_lg2;
	struct pt_config cfg = {
		.pgsizes = BIT_ULL(page_lg2),
		.nid = NUMA_NO_NODE,
	};
	int ret;

	do {
		cfg.levels++;
		bits += PAGE_SHIFT - 3;
	} while (bits < 64 && range->last >> bits);
	ret = pt_init(&w->record, &pt_soft, &cfg);
	if (ret)
		return ret;
	w->range = *range;
	w->page_lg2 = page_lg2;
	w->initial = false;
	w->noted = 0;
	return 0;
}

/**
 * power_window_deinit - forget a window
 * @w: a place of a domain, empty or not
 */
void power_window_deinit(struct power_window *w)
{
	if (sluice_range_empty(&w->range))
		return;
	pt_deinit(&w->record);
	w->range = (struct sluice_range){ .start = 1, .last = 0 };
}

static bool has_initial(struct power_domain *d)
{
	struct power_window *w;

	for (w = power_window_next(d, NULL); w; w = power_window_next(d, w)) {
		if (w->initial)
			return true;
	}
	return false;
}

/* Makes a window of the domain for a PE, where the domain has it. */
static int make_window(struct power_domain *d, struct power_window *w,
		       struct power_member *member)
{
	u32 *liobn = power_liobn_at(member, w);
	u64 size = w->range.last - w->range.start + 1;
	struct power_ddw made;
	int ret;

	if (w->initial) {
		*liobn = member->pe->desc.liobn;
		return 0;
	}
	ret = power_ddw_create(member->pe, w->page_lg2, size, &made);
	if (ret)
		return ret == -ENOMEM ? ret : -EINVAL;
	if (made.start == w->range.start) {
		*liobn = made.liobn;
		return 0;
	}
	pr_warn_ratelimited("group %d: its window would begin at %#llx, that of the others begins at %#llx: it can't share their address space\n",
			    iommu_group_id(member->pe->group), made.start,
			    w->range.start);
	power_ddw_remove(member->pe, made.liobn);
	return -EINVAL;
}

/**
 * power_windows_make - give a PE a domain's windows, with all that is mapped
 * @d: the domain
 * @member: a PE with its default window alone
 *
 * Return: 0; -EINVAL if it can't have them; -ENOMEM; -EIO. Its DMA is blocked then.
 */
int power_windows_make(struct power_domain *d, struct power_member *member)
{
	struct power_window *w;
	int ret = 0;

	/* In this order: hypervisors place windows by those that there are. */
	if (!has_initial(d))
		ret = power_ddw_remove(member->pe, member->pe->desc.liobn);
	for (w = power_window_next(d, NULL); w; w = power_window_next(d, w))
		ret = ret ?: make_window(d, w, member);
	for (w = power_window_next(d, NULL); w; w = power_window_next(d, w))
		ret = ret ?: power_replay(d, w, member);
	if (ret)
		power_windows_unmake(d, member);
	return ret == -EBUSY ? -EIO : ret;
}

/**
 * power_windows_unmake - block a PE: its default window, empty, is all it has
 * @d: the domain
 * @member: the PE; as far as it has the domain's windows
 */
void power_windows_unmake(struct power_domain *d, struct power_member *member)
{
	bool stuck = false, dirty = READ_ONCE(d->broken);
	struct power_pe *pe = member->pe;
	struct power_window *w;

	for (w = power_window_next(d, NULL); w; w = power_window_next(d, w)) {
		u32 *liobn = power_liobn_at(member, w);
		bool left;

		if (!*liobn)
			continue;
		/* Hypervisors needn't forget TCEs with the window. */
		left = power_blank(d, w, member);
		dirty |= left;
		if (!w->initial && power_ddw_remove(pe, *liobn))
			stuck |= left;
		*liobn = 0;
	}
	/*
	 * Nor with a reset; there may be more than the record knows of; and what was
	 * left in another window may turn up in the default one.
	 */
	if (dirty)
		stuck |= !!power_ddw_normalise(pe);
	else if (pe->desc.reset && !pe->hv->reset(&pe->desc))
		stuck = false;
	if (stuck) {
		pr_err("group %d: the hypervisor doesn't clear its windows: its devices can reach what was mapped\n",
		       iommu_group_id(pe->group));
		WRITE_ONCE(d->broken, true);
		WRITE_ONCE(pe->iommu.dead, true);
	}
}

/* An empty place of the domain, or NULL. */
static struct power_window *free_place(struct power_domain *d)
{
	struct power_window *w;

	for (w = d->windows; w < d->windows + SLUICE_MAX_HW_WINDOWS; w++) {
		if (sluice_range_empty(&w->range))
			return w;
	}
	return NULL;
}

static bool overlaps(struct power_domain *d, u64 start, u64 last)
{
	struct power_window *w;

	for (w = power_window_next(d, NULL); w; w = power_window_next(d, w)) {
		if (start <= w->range.last && last >= w->range.start)
			return true;
	}
	return false;
}

/* Makes a window for a PE: its @dflt one, brought back, or another one. */
static int make_one(struct power_pe *pe, unsigned int page_lg2, u64 size,
		    bool dflt, struct power_ddw *made)
{
	if (!dflt)
		return power_ddw_create(pe, page_lg2, size, made);
	made->liobn = pe->desc.liobn;
	made->start = pe->desc.window.start;
	return power_ddw_normalise(pe);
}

/* Makes a window for a PE that must begin at *@start, unless it's the @first. */
static int create_for(struct power_domain *d, struct power_member *member,
		      unsigned int page_lg2, u64 size, bool first, bool dflt,
		      u64 *start, u32 *liobn)
{
	struct power_ddw made;
	int ret;

	ret = make_one(member->pe, page_lg2, size, dflt, &made);
	if (ret)
		return ret;
	if (first ? !overlaps(d, made.start, made.start + (size - 1)) :
		    made.start == *start) {
		*start = made.start;
		*liobn = made.liobn;
		return 0;
	}
	if (first)
		pr_warn_ratelimited("group %d: the hypervisor would place the window at %#llx, where there is one: remove windows first, the default one before others\n",
				    iommu_group_id(member->pe->group),
				    made.start);
	else
		pr_warn_ratelimited("group %d: the hypervisor would place the window at %#llx, not where other groups of the container have it\n",
				    iommu_group_id(member->pe->group),
				    made.start);
	power_ddw_remove(member->pe, made.liobn);
	return -EADDRINUSE;
}

/* Takes a window away from the PEs before @end, or all. */
static void uncreate(struct power_domain *d, struct power_window *w,
		     const struct power_member *end)
{
	struct power_member *member;

	list_for_each_entry(member, &d->members, node) {
		if (member == end)
			break;
		power_ddw_remove(member->pe, *power_liobn_at(member, w));
		*power_liobn_at(member, w) = 0;
	}
}

/*
 * Without any window, a PE has its default one again, or not: the platform may have
 * restored it. It must go, or others won't begin where a guest expects them.
 */
static void drop_restored(struct power_domain *d)
{
	struct power_member *member;

	if (power_window_next(d, NULL))
		return;
	list_for_each_entry(member, &d->members, node)
		member->pe->hv->remove(&member->pe->desc,
				       member->pe->desc.liobn);
}

/*
 * Is it the default window that is wanted? If there is no other one, a reset brings it
 * back, to where a guest expects it. A dynamic one may begin elsewhere even so.
 */
static bool wants_default(struct power_domain *d, unsigned int page_lg2,
			  u64 size)
{
	const struct power_member *member =
		list_first_entry_or_null(&d->members, struct power_member, node);

	return member && !power_window_next(d, NULL) &&
	       page_lg2 == POWER_DEFAULT_LG2 &&
	       size - 1 <= member->pe->desc.window.last -
				   member->pe->desc.window.start;
}

/**
 * power_window_create - &struct sluice_window_ops.create
 * @domain: the domain
 * @page_lg2: log2 of the page size
 * @size: bytes, a power of two
 * @start: set to the first IOVA
 *
 * Return: as there.
 */
int power_window_create(struct sluice_domain *domain, unsigned int page_lg2,
			u64 size, u64 *start)
{
	struct power_domain *d = power_domain_of(domain);
	struct power_window *w = free_place(d);
	struct power_member *member;
	struct sluice_range range;
	bool first = true, dflt = wants_default(d, page_lg2, size);
	int ret;

	if (!w)
		return -ENOSPC;
	if (!dflt)
		drop_restored(d);
	list_for_each_entry(member, &d->members, node) {
		ret = create_for(d, member, page_lg2, size, first, dflt, start,
				 power_liobn_at(member, w));
		if (ret)
			goto err_uncreate;
		first = false;
	}
	range.start = *start;
	range.last = *start + (size - 1);
	ret = power_window_init(w, &range, page_lg2);
	if (ret)
		goto err_uncreate;
	w->initial = dflt;
	power_domain_count_tables(d);
	return 0;

err_uncreate:
	uncreate(d, w, list_entry_is_head(member, &d->members, node) ? NULL :
								      member);
	return ret;
}

/**
 * power_window_remove - &struct sluice_window_ops.remove
 * @domain: the domain
 * @start: the window's first IOVA; nothing is mapped in it
 *
 * Return: as there.
 */
int power_window_remove(struct sluice_domain *domain, u64 start)
{
	struct power_domain *d = power_domain_of(domain);
	struct power_window *w = power_window_at(d, start);
	struct power_member *member;
	bool first = true;
	int ret;

	if (!w)
		return -EIO;
	list_for_each_entry(member, &d->members, node) {
		u32 *liobn = power_liobn_at(member, w);

		ret = power_ddw_remove(member->pe, *liobn);
		/* What the first has lost, the others must lose: they do no more. */
		if (ret && first)
			return ret;
		*liobn = 0;
		first = false;
	}
	power_window_deinit(w);
	power_domain_count_tables(d);
	return 0;
}
