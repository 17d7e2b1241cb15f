// SPDX-License-Identifier: GPL-2.0-only
/*
 * Maps and unmaps of a unified space that share a flush.
 *
 * Owns: what a single map or unmap does to the page tables of a space's domains, to
 * the memory behind them and to accounting; and what may happen only after the
 * flush: unpinning. Does not own: which operations there are (batch.c), who may do
 * them, and the ranges in flight.
 *
 * The page table is the record: a backend fails with -EEXIST to map where
 * something is mapped, and hands back what it clears with the rights and kind that
 * it was mapped with.
 */
#include <linux/align.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "unified.h"

/* Extents that can wait for a flush, if there is memory. */
#define MANY 512

/**
 * sluice_txn_begin - begin a transaction
 * @txn: the transaction
 * @space: a unified space; the caller holds its lock until sluice_txn_end(), but for
 *	pauses
 * @large: much may be unmapped: room to let it wait for one flush is worth its
 *	price
 *
 * Return: 0 or -ENOMEM; then it must not be ended, unless the space has but one
 * domain: then it can't fail.
 */
int sluice_txn_begin(struct sluice_txn *txn, struct sluice_space *space,
		     bool large)
{
	struct sluice_domain *domain;
	unsigned int nr = 0;

	lockdep_assert_held(&space->lock);
	txn->space = space;
	txn->uni = space->uni;
	sluice_gather_init(&txn->gather);
	txn->others = NULL;
	txn->nr_others = 0;
	txn->nr_freed = 0;
	txn->freed = NULL;
	txn->pages = txn->few_pages;
	txn->extents = txn->few_extents;
	txn->max_pages = SLUICE_TXN_FEW;
	txn->max_extents = SLUICE_TXN_FEW;
	txn->mapped = 0;
	txn->unmapped = 0;
	txn->tce_lg2 = 0;
	txn->keep_tables = false;
	txn->stuck = sluice_space_dead(space);
	txn->changed = false;
	txn->cleared = false;
	if (!list_empty(&space->domains) &&
	    !list_is_singular(&space->domains)) {
		list_for_each_entry(domain, &space->domains, node)
			nr++;
		txn->others = kmalloc_array(nr - 1, sizeof(*txn->others),
					    GFP_KERNEL_ACCOUNT);
		if (!txn->others)
			return -ENOMEM;
		txn->nr_others = nr - 1;
		while (--nr)
			sluice_gather_init(&txn->others[nr - 1]);
	}
	if (large)
		txn->freed = kvmalloc_array(MANY, sizeof(*txn->freed),
					    GFP_KERNEL_ACCOUNT | __GFP_NOWARN |
					    __GFP_NORETRY);
	txn->max_freed = txn->freed ? MANY : SLUICE_TXN_FEW;
	txn->freed = txn->freed ?: txn->few;
	return 0;
}

/* The gather of the @nr-th domain; NULL if that came in a pause. */
static struct sluice_gather *gather_of(struct sluice_txn *txn, unsigned int nr)
{
	if (!nr)
		return &txn->gather;
	return nr <= txn->nr_others ? &txn->others[nr - 1] : NULL;
}

/**
 * sluice_txn_keep_tables - have tables stay that become empty
 * @txn: the transaction, from now on
 */
void sluice_txn_keep_tables(struct sluice_txn *txn)
{
	struct sluice_domain *domain;
	unsigned int nr = 0;

	txn->keep_tables = true;
	list_for_each_entry(domain, &txn->space->domains, node)
		gather_of(txn, nr++)->keep_tables = true;
}

static void note_stuck(struct sluice_txn *txn)
{
	txn->stuck = true;
	WRITE_ONCE(txn->space->stuck, true);
}

/**
 * sluice_txn_flush - wait until nothing that was unmapped can be reached
 * @txn: the transaction
 *
 * Then lets go of the memory behind it.
 *
 * Return: 0; -EIO if an IOMMU doesn't answer; then the memory stays pinned.
 */
int sluice_txn_flush(struct sluice_txn *txn)
{
	struct sluice_domain *domain;
	unsigned long npages = 0;
	unsigned int nr = 0;
	size_t i;

	list_for_each_entry(domain, &txn->space->domains, node) {
		struct sluice_gather *gather = gather_of(txn, nr++);

		if (!gather)
			break;
		if (!gather->nr && !gather->nonleaf)
			continue;
		if (sluice_domain_flush(domain, gather))
			note_stuck(txn);
		sluice_gather_init(gather);
		gather->keep_tables = txn->keep_tables;
	}
	for (i = 0; i < txn->nr_freed && !txn->stuck; i++) {
		if (unlikely(txn->tce_lg2)) {
			sluice_unpin_tces(&txn->freed[i], txn->tce_lg2);
			continue;
		}
		sluice_unpin_extent(&txn->freed[i], txn->freed[i].prot);
		npages += txn->freed[i].len >> PAGE_SHIFT;
	}
	if (npages)
		sluice_unaccount(txn->uni->mm, npages);
	txn->nr_freed = 0;
	return txn->stuck ? -EIO : 0;
}

/* Flushes, and lets the space know what has become of it. */
static int finish(struct sluice_txn *txn)
{
	int ret = sluice_txn_flush(txn);

	if (txn->mapped)
		atomic64_add(txn->mapped, &txn->uni->mapped);
	txn->mapped = 0;
	sluice_unified_trim_tables(txn->space);
	return ret;
}

/* Whoever locks the space for writing does so on behalf of its user. */
static void settle(struct sluice_pause *pause)
{
	finish(container_of(pause, struct sluice_txn, pause));
}

/**
 * sluice_txn_pause - let go of the space
 * @txn: the transaction
 */
void sluice_txn_pause(struct sluice_txn *txn)
{
	bool idle = !txn->gather.nr && !txn->gather.nonleaf && !txn->others &&
		    !txn->nr_freed && !txn->mapped;

	txn->pause.settle = idle ? NULL : settle;
	sluice_space_pause(txn->space, &txn->pause);
}

/**
 * sluice_txn_resume - take the space's lock again
 * @txn: the transaction
 *
 * Return: true; false if the space is another one, or an IOMMU has died over what was
 * settled. Then what this transaction has mapped is taken back, if there is still anything,
 * and it is ended.
 */
bool sluice_txn_resume(struct sluice_txn *txn)
{
	enum sluice_resumed resumed = sluice_space_resume(txn->space,
							  &txn->pause);

	if (likely(resumed == SLUICE_RESUMED_SAME))
		return !txn->stuck;
	txn->changed = true;
	txn->cleared = resumed == SLUICE_RESUMED_CLEARED;
	return false;
}

/**
 * sluice_txn_end - end a transaction: flush, and free what it took
 * @txn: the transaction
 *
 * Return: as sluice_txn_flush().
 */
int sluice_txn_end(struct sluice_txn *txn)
{
	int ret = txn->cleared ? 0 : finish(txn);

	if (txn->freed != txn->few)
		kvfree(txn->freed);
	if (txn->pages != txn->few_pages)
		free_page((unsigned long)txn->pages);
	if (txn->extents != txn->few_extents)
		kfree(txn->extents);
	kfree(txn->others);
	return ret;
}

/* ---- Unmapping ---- */

/*
 * Sorts out what was cleared into the room behind @freed: pinned memory stays there
 * and waits for the flush.
 */
static void keep_freed(struct sluice_txn *txn, size_t nr)
{
	struct sluice_extent *to = txn->freed + txn->nr_freed;
	const struct sluice_extent *e = to, *end = e + nr;
	u64 registered = 0, bytes = 0;

	for (; e < end; e++) {
		bytes += e->len;
		if (e->prot & SLUICE_PROT_REGISTERED)
			registered += e->len;
		else if (e->len && !(e->prot & SLUICE_PROT_MMIO))
			*to++ = *e;
	}
	txn->unmapped += bytes;
	txn->mapped -= registered;
	txn->nr_freed = to - txn->freed;
}

/**
 * sluice_txn_clear - unmap a range whose ends don't cut a page
 * @txn: the transaction
 * @start: first IOVA; the range is held
 * @last: last IOVA, inclusive
 *
 * Can't fail. The first domain says what was there.
 */
void sluice_txn_clear(struct sluice_txn *txn, u64 start, u64 last)
{
	struct sluice_range range = { start, last };
	struct sluice_domain *domain, *first;
	unsigned int nr = 0;

	first = sluice_space_first_domain(txn->space);
	domain = first;
	list_for_each_entry_continue(domain, &txn->space->domains, node) {
		struct sluice_gather *gather = gather_of(txn, ++nr);

		if (gather)
			sluice_domain_unmap(domain, start, last, gather);
		else if (sluice_domain_clear(domain, start, last))
			note_stuck(txn);
	}
	while (!sluice_range_empty(&range)) {
		size_t room = txn->max_freed - txn->nr_freed, n;

		if (!room) {
			sluice_txn_flush(txn);
			continue;
		}
		n = first->ops->unmap(first, start, &range,
				      txn->freed + txn->nr_freed, room,
				      &txn->gather);
		keep_freed(txn, n);
		cond_resched();
	}
}

/**
 * sluice_txn_cut - make it possible to clear a range
 * @txn: the transaction
 * @start: first IOVA; the range is held and aligned
 * @last: last IOVA, inclusive
 *
 * Return: 0; -ENOMEM: everything is as before.
 */
int sluice_txn_cut(struct sluice_txn *txn, u64 start, u64 last)
{
	/* Who is beyond the limit can still unmap, but for that. */
	bool over = sluice_unified_over(txn->space);
	struct sluice_range range = { start, last };
	struct sluice_domain *domain;
	unsigned int nr = 0;
	int ret;

	list_for_each_entry(domain, &txn->space->domains, node) {
		struct sluice_gather *gather = gather_of(txn, nr++);

		gather->no_tables = over;
		ret = domain->ops->cut(domain, &range, gather);
		if (ret)
			return ret;
	}
	return over ? 0 : sluice_unified_charge_tables(txn->space);
}

/**
 * sluice_txn_undo - take back maps whose memory isn't to be unpinned with the flush
 * @txn: the transaction
 * @start: first IOVA
 * @last: last IOVA, inclusive
 */
void sluice_txn_undo(struct sluice_txn *txn, u64 start, u64 last)
{
	struct sluice_domain *domain;
	unsigned int nr = 0;

	list_for_each_entry(domain, &txn->space->domains, node)
		sluice_domain_unmap(domain, start, last, gather_of(txn, nr++));
}

/**
 * sluice_txn_room - where the next pages to be unmapped are written to
 * @txn: the transaction
 * @room: set to how many there is room for, at least 1
 *
 * Return: the first one, for sluice_txn_unmap_pages().
 */
struct sluice_extent *sluice_txn_room(struct sluice_txn *txn, size_t *room)
{
	if (txn->nr_freed == txn->max_freed)
		sluice_txn_flush(txn);
	*room = txn->max_freed - txn->nr_freed;
	return txn->freed + txn->nr_freed;
}

/**
 * sluice_txn_unmap_pages - unmap pages of the smallest size
 * @txn: the transaction; its space has one domain
 * @nr: how many; their IOVAs have been written where sluice_txn_room() says. They
 *	are held
 *
 * Return: how many have been unmapped, if they were mapped, counted from the first
 * on.
 */
size_t sluice_txn_unmap_pages(struct sluice_txn *txn, size_t nr)
{
	struct sluice_domain *domain = sluice_space_first_domain(txn->space);

	if (!domain->ops->unmap_each)
		return 0;
	nr = domain->ops->unmap_each(domain, txn->freed + txn->nr_freed, nr,
				      &txn->gather);
	keep_freed(txn, nr);
	return nr;
}

/* ---- Mapping ---- */

/**
 * sluice_txn_prepare - do all that can fail for a map of the same extents
 * @txn: the transaction, after sluice_txn_keep_tables()
 * @extents: adjacent in IOVA
 * @nr: how many, at least 1
 *
 * What is mapped there will be cleared before.
 *
 * Return: 0 or -ENOMEM.
 */
int sluice_txn_prepare(struct sluice_txn *txn,
		       const struct sluice_extent *extents, size_t nr)
{
	struct sluice_domain *domain;
	unsigned int i = 0;
	int ret;

	list_for_each_entry(domain, &txn->space->domains, node) {
		ret = domain->ops->prepare(domain, extents, nr,
					   gather_of(txn, i++));
		if (ret)
			return ret;
	}
	return 0;
}

/* Takes back @bytes of what was mapped in a domain. */
static void unmap_extents(struct sluice_domain *domain,
			  const struct sluice_extent *extents, u64 bytes,
			  struct sluice_gather *gather)
{
	for (; bytes; extents++) {
		u64 n = min(bytes, extents->len);

		sluice_domain_unmap(domain, extents->iova,
				    extents->iova + (n - 1), gather);
		bytes -= n;
	}
}

static u64 count_bytes(const struct sluice_extent *extents, size_t nr)
{
	u64 bytes = 0;

	while (nr--)
		bytes += extents++->len;
	return bytes;
}

/**
 * sluice_txn_map_extents - map extents in every domain, or in none
 * @txn: the transaction
 * @extents: the extents
 * @nr: how many, at least 1
 * @prot: &enum sluice_prot
 *
 * Return: 0; or the backend's errno; then the gathers have what was mapped for a
 * moment.
 */
int sluice_txn_map_extents(struct sluice_txn *txn,
			   const struct sluice_extent *extents, size_t nr,
			   unsigned int prot)
{
	struct sluice_domain *domain;
	unsigned int i = 0;
	u64 done = 0;
	int ret;

	list_for_each_entry(domain, &txn->space->domains, node) {
		ret = domain->ops->map(domain, extents, nr, prot, &done,
				       gather_of(txn, i));
		if (ret)
			goto err_clear;
		i++;
	}
	return 0;

err_clear:
	unmap_extents(domain, extents, done, gather_of(txn, i));
	done = count_bytes(extents, nr);
	list_for_each_entry_continue_reverse(domain, &txn->space->domains, node)
		unmap_extents(domain, extents, done, gather_of(txn, --i));
	return ret;
}

/**
 * sluice_txn_aligned - is memory as aligned as a window's pages?
 * @extents: the memory
 * @nr: how many
 * @page: the page size
 *
 * Return: true if so.
 */
bool sluice_txn_aligned(const struct sluice_extent *extents, size_t nr,
			u64 page)
{
	u64 all = 0;
	size_t i;

	for (i = 0; i < nr; i++)
		all |= extents[i].iova | extents[i].phys | extents[i].len;
	return IS_ALIGNED(all, page);
}

/**
 * sluice_txn_grow - have more room for steps; for sluice_txn_need_room()
 * @txn: the transaction; it keeps the room until its end
 *
 * Return: 0 or -ENOMEM.
 */
int sluice_txn_grow(struct sluice_txn *txn)
{
	void *room;

	if (txn->extents == txn->few_extents) {
		room = kmalloc_array(SLUICE_TXN_EXTENTS, sizeof(*txn->extents),
				     GFP_KERNEL_ACCOUNT);
		if (!room)
			return -ENOMEM;
		txn->extents = room;
		txn->max_extents = SLUICE_TXN_EXTENTS;
	}
	if (txn->pages == txn->few_pages) {
		room = (void *)__get_free_page(GFP_KERNEL_ACCOUNT);
		if (!room)
			return -ENOMEM;
		txn->pages = room;
		txn->max_pages = SLUICE_PIN_BATCH;
	}
	return 0;
}

/* Pins @want pages into @txn->pages, or none; the space is let go of. */
static int pin_paused(struct sluice_txn *txn, unsigned long vaddr, size_t want,
		      unsigned int prot)
{
	size_t have = 0;

	while (have < want) {
		long ret = sluice_pin(vaddr + (have << PAGE_SHIFT), want - have,
				      prot, txn->pages + have);

		if (ret < 0) {
			sluice_unpin_pages(txn->pages, have, prot);
			return ret;
		}
		have += ret;
	}
	return 0;
}

static int pin_step(struct sluice_txn *txn, unsigned long vaddr, size_t want,
		    unsigned int prot)
{
	int ret;

	sluice_txn_pause(txn);
	ret = pin_paused(txn, vaddr, want, prot);
	if (likely(sluice_txn_resume(txn)))
		return ret;
	if (!ret)
		sluice_unpin_pages(txn->pages, want, prot);
	return txn->changed ? -ERESTART : -EIO;
}

static int map_joined(struct sluice_txn *txn, size_t nr, unsigned int prot,
		      u64 page)
{
	if (page != PAGE_SIZE && !sluice_txn_aligned(txn->extents, nr, page))
		return -EINVAL;
	return sluice_txn_map_extents(txn, txn->extents, nr, prot);
}

/*
 * Maps the pages of a step, as far as @join gives them; unpins what could not be mapped.
 * *@done: bytes that are mapped.
 */
static int map_step(struct sluice_txn *txn, struct sluice_join *join,
		    size_t npages, unsigned int prot, u64 page, u64 *done)
{
	size_t at = 0, used, nr;
	int ret = 0;

	while (at < npages) {
		nr = sluice_join_pages(join, txn->pages + at, npages - at,
				       txn->extents, txn->max_extents, &used);
		at += used;
		if (nr)
			ret = map_joined(txn, nr, prot, page);
		if (ret)
			break;
		*done = sluice_join_given(join);
	}
	/* They may have been mapped for a moment. */
	if (ret && !sluice_txn_flush(txn)) {
		sluice_join_unpin(join, txn->extents, nr, prot);
		sluice_unpin_pages(txn->pages + at, npages - at, prot);
	}
	return ret;
}

/* Pins and maps step by step; *@done: bytes that are mapped. */
static int pin_and_map(struct sluice_txn *txn, u64 iova, unsigned long vaddr,
		       u64 size, unsigned int prot, u64 page, u64 *done)
{
	struct sluice_join join;
	u64 at = 0;
	int ret = 0;

	*done = 0;
	sluice_join_init(&join, iova, iova + (size - 1));
	while (!ret && at < size) {
		size_t want = min_t(u64, (size - at) >> PAGE_SHIFT,
				    txn->max_pages);

		ret = fatal_signal_pending(current) ? -EINTR :
		      pin_step(txn, vaddr + at, want, prot);
		if (ret) {
			sluice_join_unpin(&join, NULL, 0, prot);
			break;
		}
		ret = map_step(txn, &join, want, prot, page, done);
		at += (u64)want << PAGE_SHIFT;
		cond_resched();
	}
	return ret;
}

/**
 * sluice_txn_check_free - is nothing mapped?
 * @txn: the transaction
 * @start: first IOVA; the range is held
 * @last: last IOVA, inclusive
 *
 * Return: 0 or -EEXIST.
 */
int sluice_txn_check_free(struct sluice_txn *txn, u64 start, u64 last)
{
	struct sluice_domain *domain = sluice_space_first_domain(txn->space);
	struct sluice_range range = { start, last };
	struct sluice_extent extent;

	while (!sluice_range_empty(&range)) {
		if (domain->ops->read(domain, &range, &extent, 1))
			return -EEXIST;
		cond_resched();
	}
	return 0;
}

/*
 * The rest of a map: its tables are charged, or it is undone. @bytes are mapped;
 * they are no longer when this returns an error.
 */
static int map_end(struct sluice_txn *txn, int ret, u64 iova, u64 bytes)
{
	u64 unmapped = txn->unmapped;

	if (!ret)
		ret = sluice_unified_charge_tables(txn->space);
	if (ret && bytes) {
		sluice_txn_clear(txn, iova, iova + (bytes - 1));
		/* Not at the user's request. */
		txn->unmapped = unmapped;
	}
	return ret;
}

/**
 * sluice_txn_map_user - pin memory of the current process, and map it
 * @txn: the transaction
 * @iova: where it goes; the range is held and within one window
 * @vaddr: address in the process, which is the space's owner
 * @size: bytes
 * @prot: %SLUICE_PROT_READ and %SLUICE_PROT_WRITE, at least one
 * @page: the window's page size; all three are multiples of it
 *
 * Return: 0; -EEXIST if something is mapped there; -EFAULT if not all of the
 * memory can be pinned with these rights; -EINVAL if it isn't contiguous enough;
 * -ENOMEM for lack of memory or RLIMIT_MEMLOCK; -EINTR if killed; -EIO if the
 * IOMMU is dead; -ERESTART if the space is another one by now. After an error everything
 * is as before.
 */
int sluice_txn_map_user(struct sluice_txn *txn, u64 iova, unsigned long vaddr,
			u64 size, unsigned int prot, u64 page)
{
	unsigned long npages = size >> PAGE_SHIFT;
	struct mm_struct *mm = txn->uni->mm;
	u64 done;
	int ret;

	if (txn->stuck)
		return -EIO;
	ret = sluice_txn_need_room(txn, npages);
	if (!ret && npages > SLUICE_PIN_BATCH)
		ret = sluice_txn_check_free(txn, iova, iova + (size - 1));
	if (ret)
		return ret;
	/* All at once and first: nothing is pinned beyond the limit. */
	ret = sluice_account(mm, npages);
	if (ret)
		return ret;
	ret = pin_and_map(txn, iova, vaddr, size, prot, page, &done);
	ret = map_end(txn, ret, iova, done);
	/* What is mapped has its share given back with its flush. */
	if (ret && !txn->stuck && size > done)
		sluice_unaccount(mm, (size - done) >> PAGE_SHIFT);
	return ret;
}

/**
 * sluice_txn_map_region - map registered memory
 * @txn: the transaction
 * @iova: where it goes; the range is held and within one window
 * @region: the memory
 * @offset: into it; with @size within it
 * @size: bytes
 * @prot: %SLUICE_PROT_READ and %SLUICE_PROT_WRITE, at least one, as the region's
 * @page: the window's page size; @iova, @offset and @size are multiples of
 *	it
 *
 * Return: 0; -EEXIST; -EINVAL if the memory isn't contiguous enough; -ENOMEM;
 * -EINTR if killed; -EIO if the IOMMU is dead. After an error everything is as
 * before.
 */
int sluice_txn_map_region(struct sluice_txn *txn, u64 iova,
			  const struct sluice_region *region, u64 offset,
			  u64 size, unsigned int prot, u64 page)
{
	u64 done = 0, used;
	int ret;

	if (txn->stuck)
		return -EIO;
	ret = sluice_txn_need_room(txn, size >> PAGE_SHIFT);
	while (!ret && done < size) {
		size_t nr;

		nr = sluice_region_extents(region, iova + done, offset + done,
					   size - done, txn->extents,
					   txn->max_extents, &used);
		if (page != PAGE_SIZE &&
		    !sluice_txn_aligned(txn->extents, nr, page)) {
			ret = -EINVAL;
			break;
		}
		ret = sluice_txn_map_extents(txn, txn->extents, nr,
					     prot | SLUICE_PROT_REGISTERED);
		if (ret)
			break;
		done += used;
		txn->mapped += used;
		if (fatal_signal_pending(current))
			ret = -EINTR;
		cond_resched();
	}
	return map_end(txn, ret, iova, done);
}
