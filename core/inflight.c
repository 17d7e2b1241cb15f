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

static __always_inline bool try_hold(struct sluice_inflight *inflight, struct sluice_hold *hold)
{
	struct interval_tree_node *node = &hold->node;
	bool free;

	spin_lock(&inflight->lock);
	free = !(inflight->sole && overlap(inflight->sole, hold)) &&
	       (RB_EMPTY_ROOT(&inflight->holds.rb_root) ||
		!interval_tree_iter_first(&inflight->holds, node->start,
					  node->last));
	if (free && !inflight->sole)
		inflight->sole = hold;
	else if (free)
		interval_tree_insert(node, &inflight->holds);
	spin_unlock(&inflight->lock);
	return free;
}

/* Out of line: nearly every hold gets its range at once. */
static noinline int wait_hold(struct sluice_inflight *inflight,
			      struct sluice_hold *hold)
{
	if (wait_event_killable(inflight->wait, try_hold(inflight, hold)))
		return -EINTR;
	return 0;
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
 * Context: may sleep; a task holds at most one range of a space.
 * Return: 0, or -EINTR if the task was killed while waiting.
 */
int sluice_inflight_hold(struct sluice_inflight *inflight,
			 struct sluice_hold *hold, u64 start, u64 last)
{
	hold->node.start = start;
	hold->node.last = last;
	if (try_hold(inflight, hold))
		return 0;
	return wait_hold(inflight, hold);
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
	if (inflight->sole == hold)
		inflight->sole = NULL;
	else
		interval_tree_remove(&hold->node, &inflight->holds);
	spin_unlock(&inflight->lock);
	if (wq_has_sleeper(&inflight->wait))
		wake_up_all(&inflight->wait);
}
