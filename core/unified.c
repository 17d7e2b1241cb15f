// SPDX-License-Identifier: GPL-2.0-only
/*
 * Spaces whose domains are the record: their life, and the memory of their tables.
 *
 * Owns: what such a space, unified or SPAPR, has beside its domains, how a new
 * domain gets the space's content, and that tables count as locked memory (else
 * one registered page, mapped every 2 MiB, would eat the machine). Does not own:
 * maps and unmaps (txn.c).
 */
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "spapr.h"

/**
 * sluice_unified_init - have a space's domains be the record, for the current process
 * @space: a space without a type; its lock is held for writing
 *
 * Return: 0 or -ENOMEM.
 */
int sluice_unified_init(struct sluice_space *space)
{
	struct sluice_unified *uni;

	lockdep_assert_held_write(&space->lock);
	uni = kzalloc(sizeof(*uni), GFP_KERNEL_ACCOUNT);
	if (!uni)
		return -ENOMEM;
	uni->mm = current->mm;
	mmgrab(uni->mm);
	xa_init_flags(&uni->regions, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
	mutex_init(&uni->unregister_lock);
	mutex_init(&uni->tables_lock);
	space->uni = uni;
	return 0;
}

/**
 * sluice_unified_clear - unmap what is left, window by window
 * @space: the space; its lock is held for writing, and it has at most one domain
 */
void sluice_unified_clear(struct sluice_space *space)
{
	struct sluice_unified *uni = space->uni;
	struct sluice_txn txn;
	unsigned int i;
	u64 unmapped = 0;

	if (list_empty(&space->domains))
		return;
	sluice_mmio_unmap_range(space, 0, U64_MAX, &unmapped);
	/* There is one domain left, so it can't fail. */
	sluice_txn_begin(&txn, space, true);
	for (i = 0; i < uni->nr_windows; i++) {
		/* Where that isn't 0 there is but one window. */
		txn.tce_lg2 = sluice_spapr_tce_lg2(space, &uni->windows[i]);
		sluice_txn_clear(&txn, uni->windows[i].start,
				 uni->windows[i].last);
	}
	sluice_txn_end(&txn);
}

/**
 * sluice_unified_deinit - the end of a space's unified part
 * @space: a unified or SPAPR space without groups; its lock is held for writing
 *
 * Unmaps what is mapped, and unregisters what is registered.
 *
 * Context: nobody else uses a unified space, ever. Of a SPAPR one, all that others keep
 * without its lock is nothing.
 */
void sluice_unified_deinit(struct sluice_space *space)
{
	struct sluice_unified *uni = space->uni;
	struct sluice_domain *domain, *next;
	LIST_HEAD(domains);
	bool stuck;

	sluice_unified_clear(space);
	stuck = sluice_space_dead(space);
	sluice_mmio_lock();
	list_splice_init(&space->domains, &domains);
	sluice_mmio_unlock();
	list_for_each_entry_safe(domain, next, &domains, node)
		sluice_domain_free(domain);

	sluice_ranges_free(&space->usable);
	if (space->spapr)
		sluice_spapr_deinit(space, stuck);
	sluice_region_free_all(uni, stuck);
	sluice_unaccount(uni->mm, uni->tables);
	mmdrop(uni->mm);
	mutex_destroy(&uni->tables_lock);
	mutex_destroy(&uni->unregister_lock);
	kfree(uni);
	space->uni = NULL;
}

/**
 * sluice_unified_empty - is nothing mapped in a range?
 * @space: the space; its lock is held for writing
 * @start: first IOVA
 * @last: last IOVA, inclusive
 *
 * Device memory that has been withdrawn counts as mapped.
 *
 * Return: true if so.
 */
bool sluice_unified_empty(struct sluice_space *space, u64 start, u64 last)
{
	struct sluice_range range = { start, last };
	struct sluice_domain *domain;
	struct sluice_extent extent;

	lockdep_assert_held_write(&space->lock);
	if (list_empty(&space->domains))
		return true;
	if (sluice_mmio_overlaps(space, start, last))
		return false;
	domain = sluice_space_first_domain(space);
	while (!sluice_range_empty(&range)) {
		if (domain->ops->read(domain, &range, &extent, 1))
			return false;
		cond_resched();
	}
	return true;
}

/**
 * sluice_unified_check_fit - would all windows still be possible?
 * @space: the space; its lock is held for writing
 * @usable: IOVAs that could be translated then
 * @pgsizes: page sizes that there would be then
 *
 * Return: 0 or -EINVAL.
 */
int sluice_unified_check_fit(struct sluice_space *space,
			     const struct sluice_ranges *usable, u64 pgsizes)
{
	struct sluice_unified *uni = space->uni;
	unsigned int i;

	for (i = 0; i < uni->nr_windows; i++) {
		const struct sluice_window *window = &uni->windows[i];

		if (!sluice_ranges_contain(usable, window->start,
					   window->last) ||
		    __ffs64(pgsizes) > window->page_lg2)
			return -EINVAL;
	}
	return 0;
}

/**
 * sluice_unified_tables - memory that tables take
 * @space: the space; its lock is held
 *
 * Return: pages.
 */
unsigned long sluice_unified_tables(struct sluice_space *space)
{
	struct sluice_domain *domain;
	unsigned long tables = 0;

	list_for_each_entry(domain, &space->domains, node)
		tables += READ_ONCE(domain->tables);
	return tables;
}

/* Charges what the domains have in tables, and @more that one has which isn't listed. */
static int charge(struct sluice_space *space, unsigned long more)
{
	struct sluice_unified *uni = space->uni;
	unsigned long tables;
	int ret = 0;

	mutex_lock(&uni->tables_lock);
	tables = sluice_unified_tables(space) + more;
	if (tables > uni->tables)
		ret = sluice_account(uni->mm, tables - uni->tables);
	if (!ret && tables > uni->tables)
		WRITE_ONCE(uni->tables, tables);
	mutex_unlock(&uni->tables_lock);
	return ret;
}

/* In steps, each charged before the next. */
static int fill_window(struct sluice_space *space, struct sluice_domain *to,
		       struct sluice_domain *from,
		       const struct sluice_window *window)
{
	struct sluice_reader reader __uninitialized;
	struct sluice_extent e;
	int ret;

	sluice_reader_init(&reader, from, window->start, window->last);
	while ((ret = sluice_reader_next(&reader, &e)) > 0) {
		/* That may be revoked; sluice_mmio_fill(). */
		if (e.prot & SLUICE_PROT_MMIO)
			continue;
		ret = sluice_domain_map(to, &e, 1, e.prot);
		ret = ret ?: charge(space, READ_ONCE(to->tables));
		if (ret)
			break;
	}
	return ret;
}

/**
 * sluice_unified_fill - give a new domain all the memory that the space has mapped
 * @space: the space; its lock is held for writing
 * @to: the new domain
 *
 * Return: 0; -ENOMEM for lack of memory, or RLIMIT_MEMLOCK for the tables; -EINTR
 * if killed; or the backend's errno. What was filled by then goes with @to.
 */
int sluice_unified_fill(struct sluice_space *space, struct sluice_domain *to)
{
	struct sluice_unified *uni = space->uni;
	struct sluice_domain *from;
	unsigned int i;
	int ret = 0;

	lockdep_assert_held_write(&space->lock);
	if (list_empty(&space->domains))
		return 0;
	from = sluice_space_first_domain(space);
	for (i = 0; !ret && i < uni->nr_windows; i++)
		ret = fill_window(space, to, from, &uni->windows[i]);
	return ret;
}

/**
 * sluice_unified_over - are there tables that can't be charged?
 * @space: the space; its lock is held
 *
 * That is so after a charge has failed, until tables are freed, or the limit is lifted:
 * it is tried here.
 *
 * Return: true if so.
 */
bool sluice_unified_over(struct sluice_space *space)
{
	return sluice_unified_charge_tables(space);
}

/**
 * sluice_unified_charge_tables - charge tables that were added
 * @space: the space; its lock is held
 *
 * Return: 0; -ENOMEM if RLIMIT_MEMLOCK would be exceeded: then the caller undoes
 * what it has mapped, and tables that are empty then can be reclaimed.
 */
int sluice_unified_charge_tables(struct sluice_space *space)
{
	if (likely(sluice_unified_tables(space) <=
		   READ_ONCE(space->uni->tables)))
		return 0;
	return charge(space, 0);
}

/**
 * sluice_unified_trim_tables - give back the charge for tables that are gone
 * @space: the space; its lock is held
 */
void sluice_unified_trim_tables(struct sluice_space *space)
{
	struct sluice_unified *uni = space->uni;
	unsigned long tables;

	if (likely(sluice_unified_tables(space) >= READ_ONCE(uni->tables)))
		return;
	mutex_lock(&uni->tables_lock);
	tables = sluice_unified_tables(space);
	if (tables < uni->tables) {
		sluice_unaccount(uni->mm, uni->tables - tables);
		WRITE_ONCE(uni->tables, tables);
	}
	mutex_unlock(&uni->tables_lock);
}
