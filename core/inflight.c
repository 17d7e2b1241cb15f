// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ranges in flight: who is changing which IOVAs of a space right now.
 *
 * Owns: the exclusion between operations on overlapping ranges. A map holds its
 * range from before pinning until it is committed or unwound, an unmap until
 * flush and unpin are done. So an unwind can't clear a stranger's entries,
 * and no map returns while a stale translation of its range lives. Disjoint
 * operations share nothing but a short spinlock.
 */
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "private.h"

/**
 * sluice_inflight_init - prepare an empty set of held ranges
 * @inflight: the set
 */
void sluice_inflight_init(struct sluice_inflight *inflight)
{
	spin_lock_init(&inflight->lock);
	inflight->sole = NULL;
	inflight->holds = RB_ROOT_CACHED;
	init_waitqueue_head(&inflight->wait);
}

static bool overlap(const struct sluice_hold *a, const struct sluice_hold *b)
{
	return a->node.start <= b->node.last && b->node.start <= a->node.last;
}

/* Is nobody at the range? */
static __always_inline bool is_free(struct sluice_inflight *inflight,
				    const struct sluice_hold *hold)
{
	return !(inflight->sole && overlap(inflight->sole, hold)) &&
	       (RB_EMPTY_ROOT(&inflight->holds.rb_root) ||
		!interval_tree_iter_first(&inflight->holds, hold->node.start,
					  hold->node.last));
}

static __always_inline void add_hold(struct sluice_inflight *inflight,
				     struct sluice_hold *hold)
{
	if (!inflight->sole)
		inflight->sole = hold;
	else
		interval_tree_insert(&hold->node, &inflight->holds);
}

static __always_inline void remove_hold(struct sluice_inflight *inflight,
					struct sluice_hold *hold)
{
	if (inflight->sole == hold)
		inflight->sole = NULL;
	else
		interval_tree_remove(&hold->node, &inflight->holds);
}

/**
 * sluice_inflight_try - take a range if nobody has it
 * @inflight: the space's set
 * @hold: the caller's record, filled with the range; on its stack until released
 *
 * Return: true if it is held.
 */
bool sluice_inflight_try(struct sluice_inflight *inflight,
			 struct sluice_hold *hold)
{
	bool ret;

	spin_lock(&inflight->lock);
	ret = is_free(inflight, hold);
	if (ret)
		add_hold(inflight, hold);
	spin_unlock(&inflight->lock);
	return ret;
}

/**
 * sluice_inflight_try_all - take several ranges if nobody has any of them
 * @inflight: the space's set
 * @holds: the caller's records, filled with the ranges; they may overlap each other
 * @nr: how many, at least 1
 *
 * All or none: who waits holds nothing, so nobody waits for ever.
 *
 * Return: true if they are held.
 */
bool sluice_inflight_try_all(struct sluice_inflight *inflight,
			     struct sluice_hold *holds, unsigned int nr)
{
	bool ret = true;
	unsigned int i;

	spin_lock(&inflight->lock);
	for (i = 0; ret && i < nr; i++)
		ret = is_free(inflight, &holds[i]);
	for (i = 0; ret && i < nr; i++)
		add_hold(inflight, &holds[i]);
	spin_unlock(&inflight->lock);
	return ret;
}

/**
 * sluice_inflight_hold - take a range for an operation
 * @inflight: the space's set
 * @hold: the caller's record, on its stack until released
 * @start: first IOVA
 * @last: last IOVA, inclusive
 *
 * Waits while an overlapping range is held.
 *
 * Context: may sleep, for as long as a user likes, so the caller has no lock of the space
 * (sluice_space_hold()); a task holds at most one range of a space.
 * Return: 0, or -EINTR if the task was killed while waiting.
 */
int sluice_inflight_hold(struct sluice_inflight *inflight,
			 struct sluice_hold *hold, u64 start, u64 last)
{
	hold->node.start = start;
	hold->node.last = last;
	return sluice_inflight_hold_all(inflight, hold, 1);
}

/**
 * sluice_inflight_release - let go of a range
 * @inflight: the space's set
 * @hold: a held range
 */
void sluice_inflight_release(struct sluice_inflight *inflight,
			     struct sluice_hold *hold)
{
	spin_lock(&inflight->lock);
	remove_hold(inflight, hold);
	spin_unlock(&inflight->lock);
	if (wq_has_sleeper(&inflight->wait))
		wake_up_all(&inflight->wait);
}

/**
 * sluice_inflight_hold_all - take several ranges for one operation
 * @inflight: the space's set
 * @holds: the caller's records, filled with the ranges; they may overlap each other
 * @nr: how many, at least 1
 *
 * Waits while any of them overlaps one that is held by somebody else.
 *
 * Context: as sluice_inflight_hold().
 * Return: 0, or -EINTR if the task was killed while waiting; nothing is held then.
 */
int sluice_inflight_hold_all(struct sluice_inflight *inflight,
			     struct sluice_hold *holds, unsigned int nr)
{
	if (wait_event_killable(inflight->wait,
				sluice_inflight_try_all(inflight, holds, nr)))
		return -EINTR;
	return 0;
}

/**
 * sluice_inflight_release_all - let go of ranges
 * @inflight: the space's set
 * @holds: held ranges
 * @nr: how many
 */
void sluice_inflight_release_all(struct sluice_inflight *inflight,
				 struct sluice_hold *holds, unsigned int nr)
{
	unsigned int i;

	spin_lock(&inflight->lock);
	for (i = 0; i < nr; i++)
		remove_hold(inflight, &holds[i]);
	spin_unlock(&inflight->lock);
	if (wq_has_sleeper(&inflight->wait))
		wake_up_all(&inflight->wait);
}
