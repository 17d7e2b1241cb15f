// SPDX-License-Identifier: GPL-2.0-only
/*
 * Maps and unmaps of a SPAPR space by a transaction.
 *
 * Owns: which memory a map takes, and that it replaces what is mapped there, as a
 * guest's H_PUT_TCE does. Does not own: what is done to domains (txn.c), and maps of a
 * page, which mostly need no transaction (spapr_map.c).
 *
 * In version 2 no memory is pinned, charged or allocated: all was pinned when it was
 * registered. In version 1 each TCE pins the page that its target lies in; a page that
 * is larger has a pin for each.
 */
#include <linux/align.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "spapr.h"

/* Extents on the stack. */
#define MANY 48

/**
 * struct map - a map under way
 * @txn: its transaction
 * @iova: where it goes; the range is held
 * @vaddr: what is mapped
 * @size: bytes
 * @prot: &enum sluice_prot
 * @page: page size of the window; all three are multiples of it
 * @done: bytes mapped, from @iova on
 */
struct map {
	struct sluice_txn *txn;
	u64 iova;
	unsigned long vaddr;
	u64 size;
	unsigned int prot;
	u64 page;
	u64 done;
};

/* Unmaps what is in the way of the rest of a map. */
static noinline int make_way(const struct map *map)
{
	u64 start = map->iova + map->done, last = map->iova + (map->size - 1);
	u64 unmapped = 0;
	int ret;

	ret = sluice_mmio_unmap_range(map->txn->space, start, last, &unmapped);
	if (ret)
		return ret;
	sluice_txn_clear(map->txn, start, last);
	return sluice_txn_flush(map->txn);
}

/* Maps the next extents. */
static int map_next(struct map *map, const struct sluice_extent *extents,
		    size_t nr, unsigned int prot)
{
	int ret;

	/* Nobody shall revoke anything here meanwhile. */
	if (unlikely(!sluice_mmio_none(map->txn->space)) &&
	    sluice_mmio_overlaps(map->txn->space, extents->iova,
				 extents[nr - 1].iova + extents[nr - 1].len - 1))
		ret = -EEXIST;
	else
		ret = sluice_txn_map_extents(map->txn, extents, nr, prot);
	if (likely(ret != -EEXIST))
		return ret;
	ret = make_way(map);
	return ret ?: sluice_txn_map_extents(map->txn, extents, nr, prot);
}

/* ---- Version 2: registered memory ---- */

/*
 * Takes what is behind the last whole page off the extents, which cover @bytes.
 * Returns the number that is left.
 */
static size_t trim(struct sluice_extent *extents, size_t nr, u64 page,
		   u64 *bytes)
{
	u64 rest = *bytes & (page - 1);

	*bytes -= rest;
	while (rest) {
		struct sluice_extent *e = &extents[nr - 1];
		u64 n = min(rest, e->len);

		e->len -= n;
		rest -= n;
		nr -= !e->len;
	}
	return nr;
}

/* Maps what is left, or only looks whether it can be. */
static int walk(struct map *map, struct sluice_extent *extents, size_t max,
		bool look)
{
	const struct sluice_spapr *spapr = map->txn->space->spapr;
	u64 at, used;

	for (at = 0; at < map->size; at += used) {
		size_t nr;
		int ret;

		if (at) {
			if (fatal_signal_pending(current))
				return -EINTR;
			cond_resched();
		}
		nr = sluice_spapr_extents(spapr, map->iova + at,
					  map->vaddr + at, map->size - at,
					  extents, max, &used);
		if (unlikely(!nr))
			return -EINVAL;
		if (map->page > PAGE_SIZE) {
			nr = trim(extents, nr, map->page, &used);
			if (!nr || !sluice_txn_aligned(extents, nr, map->page))
				return -EINVAL;
		}
		if (look)
			continue;
		ret = map_next(map, extents, nr,
			       map->prot | SLUICE_PROT_REGISTERED);
		if (unlikely(ret))
			return ret;
		map->txn->mapped += used;
		map->done += used;
	}
	return 0;
}

/* All that can be said of the memory before anything changes. */
static noinline int look(struct map *map, struct sluice_extent *extents,
			 size_t max)
{
	if (!sluice_spapr_covers(map->txn->space->spapr, map->vaddr, map->size))
		return -EINVAL;
	return map->page > PAGE_SIZE ? walk(map, extents, max, true) : 0;
}

static noinline int map_many(struct map *map)
{
	struct sluice_extent extents[MANY] __uninitialized;
	int ret = look(map, extents, MANY);

	return ret ?: walk(map, extents, MANY, false);
}

static int try_mmio(const struct map *map)
{
	return sluice_mmio_map_unified(map->txn->space, map->iova, map->vaddr,
				       map->size, map->prot, map->page);
}

/* Device memory that the address shows. */
static noinline int map_mmio(const struct map *map)
{
	struct sluice_space *space = map->txn->space;
	u64 unmapped = 0;
	int ret;

	/* What is withdrawn isn't in the tables, and would come back. */
	if (sluice_mmio_overlaps(space, map->iova,
				 map->iova + (map->size - 1)))
		ret = sluice_mmio_check(space, map->iova, map->vaddr, map->size,
					map->prot, map->page) ?: -EEXIST;
	else
		ret = try_mmio(map);
	if (ret == -EEXIST)
		ret = make_way(map) ?: try_mmio(map);
	if (ret)
		return ret;
	ret = sluice_unified_charge_tables(space);
	if (ret)
		sluice_mmio_unmap_range(space, map->iova,
					map->iova + (map->size - 1), &unmapped);
	return ret;
}

static int map_registered(struct map *map)
{
	int at, ret;

	ret = map_many(map);
	if (likely(ret != -EINVAL))
		return ret;
	at = sluice_mmio_at(map->vaddr);
	if (at <= 0)
		return at ?: ret;
	return map_mmio(map);
}

/* ---- Version 1: memory by address, pinned ---- */

/* Pins @nr times 2^@lg2 bytes, each by itself, or none; the space is let go of. */
static int pin_paused(const struct map *map, unsigned long vaddr, size_t nr,
		      unsigned int lg2)
{
	struct page **pages = map->txn->pages;
	size_t have = 0;

	while (have < nr) {
		unsigned long at = vaddr + (have << lg2);
		long ret;

		ret = sluice_pin(at & PAGE_MASK,
				 lg2 == PAGE_SHIFT ? nr - have : 1, map->prot,
				 pages + have);
		if (ret < 0) {
			sluice_unpin_pages(pages, have, map->prot);
			return ret;
		}
		have += ret;
	}
	return 0;
}

static int pin_tces(const struct map *map, unsigned long vaddr, size_t nr,
		    unsigned int lg2)
{
	int ret;

	sluice_txn_pause(map->txn);
	ret = pin_paused(map, vaddr, nr, lg2);
	if (sluice_txn_resume(map->txn))
		return ret;
	if (!ret)
		sluice_unpin_pages(map->txn->pages, nr, map->prot);
	return map->txn->changed ? -ERESTART : -EIO;
}

/* Makes extents of what has been pinned; sets *@used to the number of pins. */
static size_t join_tces(const struct map *map, struct page **pages, size_t nr,
			unsigned int lg2, size_t *used)
{
	struct sluice_extent *extents = map->txn->extents;
	const u64 size = BIT_ULL(lg2);
	size_t i, n = 0;

	for (i = 0; i < nr; i++) {
		u64 at = map->done + i * size;
		phys_addr_t phys = page_to_phys(pages[i]) +
				   offset_in_page(map->vaddr + at);

		if (n && extents[n - 1].phys + extents[n - 1].len == phys) {
			extents[n - 1].len += size;
			continue;
		}
		if (n == map->txn->max_extents)
			break;
		extents[n++] = (struct sluice_extent){
			.iova = map->iova + at,
			.phys = phys,
			.len = size,
		};
	}
	*used = i;
	return n;
}

/* Maps @nr pinned TCEs; unpins what it couldn't map. */
static int map_tces(struct map *map, size_t nr, unsigned int lg2)
{
	struct sluice_txn *txn = map->txn;
	size_t done = 0, used;
	int ret = 0;

	while (!ret && done < nr) {
		size_t n = join_tces(map, txn->pages + done, nr - done, lg2,
				     &used);

		if (map->page > PAGE_SIZE &&
		    !sluice_txn_aligned(txn->extents, n, map->page))
			ret = -EPERM;
		ret = ret ?: map_next(map, txn->extents, n, map->prot);
		if (ret)
			break;
		done += used;
		map->done += used << lg2;
	}
	/* They may have been mapped for a moment. */
	if (ret && !sluice_txn_flush(txn))
		sluice_unpin_pages(txn->pages + done, nr - done, map->prot);
	return ret;
}

static int map_user(struct map *map)
{
	unsigned int lg2 = map->txn->tce_lg2;
	int ret;

	ret = sluice_txn_need_room(map->txn, map->size >> lg2);
	while (!ret && map->done < map->size) {
		size_t nr = min_t(u64, (map->size - map->done) >> lg2,
				  map->txn->max_pages);

		/* Pages of the window as a whole. */
		nr = round_down(nr, max_t(size_t, map->page >> lg2, 1));
		if (!nr)
			return -EPERM;
		if (fatal_signal_pending(current))
			return -EINTR;
		ret = pin_tces(map, map->vaddr + map->done, nr, lg2);
		ret = ret ?: map_tces(map, nr, lg2);
		cond_resched();
	}
	return ret;
}

static noinline int map_address(struct map *map)
{
	int at, ret = map_user(map);

	/* As in other spaces: device memory is rare, and looked for last. */
	if (ret != -EFAULT || map->done)
		return ret;
	at = sluice_mmio_at(map->vaddr);
	if (at <= 0)
		return at ?: ret;
	return map_mmio(map);
}

/* ---- Either ---- */

/* A map that failed is taken back as far as it got. */
static noinline void take_back(const struct map *map)
{
	if (map->done && !map->txn->cleared)
		sluice_txn_clear(map->txn, map->iova,
				 map->iova + (map->done - 1));
}

static int run_map(struct map *map)
{
	struct sluice_space *space = map->txn->space;
	int ret;

	if (unlikely(map->txn->stuck))
		return -EIO;
	ret = space->spapr->v2 ? map_registered(map) : map_address(map);
	return ret ?: sluice_unified_charge_tables(space);
}

/**
 * sluice_spapr_map_range - map memory within a window
 * @space: the space; its lock is held
 * @window: the window, whose pages everything is a multiple of
 * @iova: where it goes; the range is held
 * @vaddr: its address
 * @size: bytes
 * @prot: %SLUICE_PROT_READ and %SLUICE_PROT_WRITE, at least one
 *
 * Return: as sluice_spapr_map().
 */
int sluice_spapr_map_range(struct sluice_space *space,
			   const struct sluice_window *window, u64 iova,
			   unsigned long vaddr, u64 size, unsigned int prot)
{
	struct sluice_txn txn __uninitialized;
	struct map map = {
		.txn = &txn, .iova = iova, .vaddr = vaddr, .size = size,
		.prot = prot, .page = BIT_ULL(window->page_lg2),
	};
	int ret, err;

	ret = sluice_txn_begin(&txn, space, false);
	if (ret)
		return ret;
	txn.tce_lg2 = sluice_spapr_tce_lg2(space, window);
	ret = run_map(&map);
	if (ret)
		take_back(&map);
	err = sluice_txn_end(&txn);
	return ret ?: err;
}

/**
 * sluice_spapr_unmap_range - unmap a range within a window
 * @space: the space; its lock is held
 * @window: the window, whose pages everything is a multiple of
 * @iova: first IOVA; the range is held
 * @last: last IOVA, inclusive
 *
 * Return: as sluice_spapr_unmap().
 */
int sluice_spapr_unmap_range(struct sluice_space *space,
			     const struct sluice_window *window, u64 iova,
			     u64 last)
{
	u64 pages = ((last - iova) >> window->page_lg2) + 1, unmapped = 0;
	struct sluice_txn txn __uninitialized;
	int ret, err;

	ret = sluice_txn_begin(&txn, space, pages > SLUICE_TXN_FEW);
	if (ret)
		return ret;
	txn.tce_lg2 = sluice_spapr_tce_lg2(space, window);
	ret = sluice_mmio_unmap_range(space, iova, last, &unmapped);
	if (!ret)
		sluice_txn_clear(&txn, iova, last);
	err = sluice_txn_end(&txn);
	return ret ?: err;
}
