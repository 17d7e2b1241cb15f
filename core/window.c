// SPDX-License-Identifier: GPL-2.0-only
/*
 * Windows of a unified space: the IOVAs that can be mapped.
 *
 * Owns: where windows are. On IOMMUs with page tables a window is no more than a
 * range that is kept for the user; what is mapped there is the table's business.
 */
#include <linux/align.h>
#include <linux/overflow.h>
#include <linux/string.h>

#include "unified.h"

/**
 * sluice_window_find - the window that an IOVA is in
 * @uni: the space's unified part; its lock is held
 * @iova: the IOVA
 *
 * Return: the window; if there is none, the next one above; NULL if there is none
 * either.
 */
const struct sluice_window *sluice_window_find(struct sluice_unified *uni,
					       u64 iova)
{
	unsigned int low = 0, high = uni->nr_windows;

	while (low < high) {
		unsigned int mid = (low + high) / 2;

		if (uni->windows[mid].last < iova)
			low = mid + 1;
		else
			high = mid;
	}
	return low < uni->nr_windows ? &uni->windows[low] : NULL;
}

/**
 * sluice_window_part - the part of a range that is in a window
 * @uni: the space's unified part; its lock is held
 * @range: the range; consumed up to the end of the part
 * @part: set to the part in the first window there
 *
 * Return: true; false if no part is left.
 */
bool sluice_window_part(struct sluice_unified *uni, struct sluice_range *range,
			struct sluice_range *part)
{
	const struct sluice_window *window;

	if (sluice_range_empty(range))
		return false;
	window = sluice_window_find(uni, range->start);
	if (!window || window->start > range->last)
		return false;
	part->start = max(window->start, range->start);
	part->last = min(window->last, range->last);
	sluice_range_consume(range, part->last);
	return true;
}

/**
 * sluice_window_pgsizes - page sizes that a window can have
 * @space: the space; its lock is held
 *
 * A page must fit into one step of a map, in which memory is pinned.
 *
 * Return: bit n: 2^n bytes.
 */
u64 sluice_window_pgsizes(struct sluice_space *space)
{
	return space->pgsizes &
	       (2 * ((u64)SLUICE_PIN_BATCH << PAGE_SHIFT) - 1);
}

/**
 * sluice_window_insert - add a window to the list
 * @space: the space, with fewer than SLUICE_MAX_WINDOWS; its lock is held for writing
 * @start: first IOVA
 * @last: last IOVA, inclusive; no window overlaps
 * @page_lg2: log2 of its page size
 */
void sluice_window_insert(struct sluice_space *space, u64 start, u64 last,
			  u32 page_lg2)
{
	struct sluice_unified *uni = space->uni;
	unsigned int at = 0;

	space->epoch++;
	while (at < uni->nr_windows && uni->windows[at].start < start)
		at++;
	memmove(&uni->windows[at + 1], &uni->windows[at],
		(uni->nr_windows - at) * sizeof(uni->windows[0]));
	uni->windows[at] = (struct sluice_window){
		.start = start,
		.last = last,
		.page_lg2 = page_lg2,
	};
	uni->nr_windows++;
}

/**
 * sluice_window_erase - take a window out of the list
 * @space: the space; its lock is held for writing
 * @window: one of its windows; nothing is mapped there
 */
void sluice_window_erase(struct sluice_space *space,
			 const struct sluice_window *window)
{
	struct sluice_unified *uni = space->uni;
	unsigned int at = window - uni->windows;

	space->epoch++;
	uni->nr_windows--;
	memmove(&uni->windows[at], &uni->windows[at + 1],
		(uni->nr_windows - at) * sizeof(uni->windows[0]));
}

/* Finds room for @size bytes between the windows that are within @range. */
static bool find_gap(struct sluice_unified *uni,
		     const struct sluice_range *range, u64 size, u64 page,
		     u64 *start)
{
	u64 at = range->start, last;

	for (;;) {
		const struct sluice_window *next;

		if (at > U64_MAX - (page - 1))
			return false;
		at = ALIGN(at, page);
		if (check_add_overflow(at, size - 1, &last) ||
		    last > range->last)
			return false;
		next = sluice_window_find(uni, at);
		if (!next || next->start > last) {
			*start = at;
			return true;
		}
		if (next->last == U64_MAX)
			return false;
		at = next->last + 1;
	}
}

static int choose_start(struct sluice_space *space, u64 size, u64 page,
			u64 *start)
{
	unsigned int i;

	for (i = 0; i < space->usable.nr; i++) {
		if (find_gap(space->uni, &space->usable.v[i], size, page,
			     start))
			return 0;
	}
	return -ENOSPC;
}

static int check_fixed(struct sluice_space *space, u64 start, u64 size,
		       u64 page)
{
	const struct sluice_window *next;
	u64 last;

	if (!IS_ALIGNED(start, page) ||
	    check_add_overflow(start, size - 1, &last))
		return -EINVAL;
	if (!sluice_ranges_contain(&space->usable, start, last))
		return -ERANGE;
	next = sluice_window_find(space->uni, start);
	return next && next->start <= last ? -EEXIST : 0;
}

/**
 * sluice_window_create - make a window
 * @space: the space; its lock is held for writing
 * @arg: the user's, flags checked; @start and @page_lg2 are filled
 *
 * Return: as SLUICE_WINDOW_CREATE.
 */
int sluice_window_create(struct sluice_space *space,
			 struct sluice_window_create *arg)
{
	u64 pgsizes = sluice_window_pgsizes(space), page, start = arg->start;
	struct sluice_unified *uni = space->uni;
	int ret;

	lockdep_assert_held_write(&space->lock);
	if (list_empty(&space->domains) || !space->usable.nr)
		return -ENODEV;
	if (!pgsizes)
		return -EINVAL;
	if (!arg->page_lg2)
		arg->page_lg2 = __ffs64(pgsizes);
	if (arg->page_lg2 >= 64 || !(pgsizes & BIT_ULL(arg->page_lg2)))
		return -EINVAL;
	page = BIT_ULL(arg->page_lg2);
	if (!arg->size || !IS_ALIGNED(arg->size, page))
		return -EINVAL;
	if (arg->flags & SLUICE_WINDOW_FIXED)
		ret = check_fixed(space, start, arg->size, page);
	else
		ret = choose_start(space, arg->size, page, &start);
	if (ret)
		return ret;
	if (uni->nr_windows == SLUICE_MAX_WINDOWS)
		return -ENOSPC;

	sluice_window_insert(space, start, start + (arg->size - 1),
			     arg->page_lg2);
	arg->start = start;
	return 0;
}

/**
 * sluice_window_remove - remove a window
 * @space: the space; its lock is held for writing
 * @start: the window's first IOVA
 *
 * Return: as SLUICE_WINDOW_REMOVE.
 */
int sluice_window_remove(struct sluice_space *space, u64 start)
{
	struct sluice_unified *uni = space->uni;
	const struct sluice_window *window = sluice_window_find(uni, start);

	lockdep_assert_held_write(&space->lock);
	if (!window || window->start != start)
		return -ENOENT;
	if (!sluice_unified_empty(space, window->start, window->last))
		return -EBUSY;
	sluice_window_erase(space, window);
	return 0;
}
