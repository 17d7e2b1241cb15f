// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations that let go of their space while they wait for its user.
 *
 * Owns: who may change a space while an operation is half done, and what becomes of that.
 * A map pins memory, and that a user can hold back for as long as he likes, by
 * userfaultfd for instance. Likewise a range that such a map holds.
 * Whoever takes groups out of a space, or its devices away from their user, must not wait
 * for that. So an operation lets go of the space's lock meanwhile; it keeps its range.
 *
 * The space may be another one afterwards. Then the operation takes back what it has
 * done, as far as that is still there, and begins anew (-ERESTART): no state is ever used
 * that was found before.
 *
 * What an operation has unmapped and not yet flushed can't wait: its domain may go, or the
 * memory behind it be unregistered. Whoever locks the space for writing settles that first.
 */
#include <linux/mm.h>
#include <linux/mmap_lock.h>

#include "private.h"

/**
 * sluice_space_pause - let go of a space's lock
 * @space: the space; the caller holds its lock for reading
 * @pause: the caller's record; with @settle set if there is something to settle
 */
void sluice_space_pause(struct sluice_space *space, struct sluice_pause *pause)
{
	lockdep_assert_held_read(&space->lock);
	pause->epoch = space->epoch;
	pause->clears = space->clears;
	if (pause->settle) {
		spin_lock(&space->paused_lock);
		list_add(&pause->node, &space->paused);
		spin_unlock(&space->paused_lock);
	}
	up_read(&space->lock);
}

/**
 * sluice_space_resume - take a space's lock again
 * @space: the space
 * @pause: the record
 *
 * Not killable: there may be something to take back. Nobody holds the lock for longer
 * than the work takes.
 *
 * Return: what has become of the space.
 */
enum sluice_resumed sluice_space_resume(struct sluice_space *space,
					struct sluice_pause *pause)
{
	down_read(&space->lock);
	/* Settled by now, it is in no list. */
	if (pause->settle && !list_empty(&pause->node)) {
		spin_lock(&space->paused_lock);
		list_del(&pause->node);
		spin_unlock(&space->paused_lock);
	}
	if (likely(pause->epoch == space->epoch))
		return SLUICE_RESUMED_SAME;
	return pause->clears == space->clears ? SLUICE_RESUMED_CHANGED :
						SLUICE_RESUMED_CLEARED;
}

static void settle_paused(struct sluice_space *space)
{
	struct sluice_pause *pause, *next;

	lockdep_assert_held_write(&space->lock);
	/* None comes or goes: that takes the space's lock for reading. */
	list_for_each_entry_safe(pause, next, &space->paused, node) {
		pause->settle(pause);
		list_del_init(&pause->node);
	}
}

/**
 * sluice_space_lock_write - lock a space for writing
 * @space: the space
 *
 * What has been unmapped is flushed then, and the memory behind it unpinned.
 *
 * Return: 0; -EINTR if the task was killed.
 */
int sluice_space_lock_write(struct sluice_space *space)
{
	if (down_write_killable(&space->lock))
		return -EINTR;
	settle_paused(space);
	return 0;
}

/**
 * sluice_space_lock_close - the same on behalf of a close, which can't fail
 * @space: the space
 */
void sluice_space_lock_close(struct sluice_space *space)
{
	down_write(&space->lock);
	settle_paused(space);
}

/**
 * sluice_space_wait_hold - take ranges that somebody else has
 * @space: the space; the caller holds its lock for reading, and has done nothing yet
 * @holds: the caller's records, filled with the ranges
 * @nr: how many, at least 1
 *
 * Lets go of the space meanwhile.
 *
 * Return: as sluice_space_hold().
 */
int sluice_space_wait_hold(struct sluice_space *space,
			   struct sluice_hold *holds, unsigned int nr)
{
	struct sluice_pause pause = {};
	int ret;

	sluice_space_pause(space, &pause);
	ret = sluice_inflight_hold_all(&space->inflight, holds, nr);
	if (sluice_space_resume(space, &pause) == SLUICE_RESUMED_SAME || ret)
		return ret;
	sluice_inflight_release_all(&space->inflight, holds, nr);
	return -ERESTART;
}

/**
 * sluice_space_wait_mm - wait until mmap_lock can be had
 *
 * With a space's lock held it's only tried, since users can hold it for as long as they
 * like; who can't have it begins anew (-ERESTART), and waits here first.
 *
 * Return: 0; -EINTR if the task was killed.
 */
int sluice_space_wait_mm(void)
{
	struct mm_struct *mm = current->mm;

	if (fatal_signal_pending(current))
		return -EINTR;
	/* Who waits for the lock may be about to get it, and just want the CPU. */
	cond_resched();
	if (!mm)
		return 0;
	if (mmap_read_lock_killable(mm))
		return -EINTR;
	mmap_read_unlock(mm);
	return 0;
}
