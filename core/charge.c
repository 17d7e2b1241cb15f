// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is charged to processes as locked memory.
 *
 * Owns: the account. Does not own: what is charged, and to whom (pin.c and its callers).
 *
 * The account is mm->locked_vm, which mmap_lock guards. A user can hold that lock for
 * as long as he likes: by a file system of his own, for instance, that doesn't answer
 * when a mapping of its file is removed. Whoever takes his devices away must not wait for
 * that, nor for a map of his that waits for it with the space's lock held. So nobody waits
 * here. If the lock can't be had, the charge is remembered, counts against the limit, and
 * is made by whoever has the lock next, or a work item.
 *
 * The kernel's own mlock() doesn't see what isn't charged yet, nor does who charges at the
 * same moment. So a process could lock up to twice its limit, as two processes could.
 */
#include <linux/capability.h>
#include <linux/hashtable.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/rwsem.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "private.h"

/* How long a work item waits between its tries, longer if all were in vain. */
#define LATE_SOON	1
#define LATE_LATER	(HZ / 10)

/* How many it makes at a time. */
#define LATE_TRIES	64

/**
 * struct late - what is to be charged to a process as soon as its lock can be had
 * @hash: in late_hash, by @mm
 * @node: in late_list
 * @mm: the process's address space; a reference of mmgrab()
 * @npages: how much; less than 0: to be given back
 */
struct late {
	struct hlist_node hash;
	struct list_head node;
	struct mm_struct *mm;
	long npages;
};

/* Innermost but for mmap_lock, which is only tried inside. */
static DEFINE_SPINLOCK(late_lock);
static DEFINE_HASHTABLE(late_hash, 8);
static LIST_HEAD(late_list);
/* Changes with late_lock, and is looked at without: most of the time there are none. */
static unsigned int nr_late;

static void late_work_fn(struct work_struct *work);
static DECLARE_DELAYED_WORK(late_work, late_work_fn);

/* No VMA is changed, so whoever reads a single one needn't know: that is cheaper. */
static bool try_lock(struct mm_struct *mm)
{
	return down_write_trylock(&mm->mmap_lock);
}

static void unlock(struct mm_struct *mm)
{
	up_write(&mm->mmap_lock);
}

static struct late *late_find(struct mm_struct *mm)
{
	struct late *late;

	lockdep_assert_held(&late_lock);
	hash_for_each_possible(late_hash, late, hash, (unsigned long)mm) {
		if (late->mm == mm)
			return late;
	}
	return NULL;
}

/* With both locks. The limit was looked at before. */
static void late_apply(struct late *late)
{
	if (late->npages)
		__account_locked_vm(late->mm, abs(late->npages),
				    late->npages > 0, current, true);
	hash_del(&late->hash);
	list_del(&late->node);
	WRITE_ONCE(nr_late, nr_late - 1);
}

static void late_free(struct late *late)
{
	mmdrop(late->mm);
	kfree(late);
}

/* With mmap_lock held for writing: first what had to wait. */
static void catch_up(struct mm_struct *mm)
{
	struct late *late;

	if (likely(!READ_ONCE(nr_late)))
		return;
	spin_lock(&late_lock);
	late = late_find(mm);
	if (late)
		late_apply(late);
	spin_unlock(&late_lock);
	if (late)
		late_free(late);
}

static void late_work_fn(struct work_struct *work)
{
	struct late *late, *next;
	LIST_HEAD(waiting);
	LIST_HEAD(done);
	unsigned int tries = 0;

	spin_lock(&late_lock);
	list_for_each_entry_safe(late, next, &late_list, node) {
		if (tries++ == LATE_TRIES)
			break;
		if (!try_lock(late->mm)) {
			list_move_tail(&late->node, &waiting);
			continue;
		}
		late_apply(late);
		unlock(late->mm);
		list_add(&late->node, &done);
	}
	/* The others first, next time. */
	list_splice_tail(&waiting, &late_list);
	if (nr_late)
		schedule_delayed_work(&late_work, list_empty(&done) ?
						  LATE_LATER : LATE_SOON);
	spin_unlock(&late_lock);

	list_for_each_entry_safe(late, next, &done, node)
		late_free(late);
}

static unsigned long limit(void)
{
	return rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
}

/* Adds to a record. False if that were more than the limit, which @free lifts. */
static bool late_add(struct late *late, long npages, bool free)
{
	unsigned long known = READ_ONCE(late->mm->locked_vm) + late->npages;

	lockdep_assert_held(&late_lock);
	if (npages > 0 && !free && known + npages > limit())
		return false;
	late->npages += npages;
	return true;
}

/* @new: a record, if there is none so far; it's used, or freed. */
static bool late_charge(struct mm_struct *mm, long npages, bool free,
			struct late *new)
{
	struct late *late;
	bool ret;

	spin_lock(&late_lock);
	late = late_find(mm);
	if (!late) {
		late = new;
		new = NULL;
		late->mm = mm;
		late->npages = 0;
		mmgrab(mm);
		hash_add(late_hash, &late->hash, (unsigned long)mm);
		list_add_tail(&late->node, &late_list);
		WRITE_ONCE(nr_late, nr_late + 1);
	}
	ret = late_add(late, npages, free);
	schedule_delayed_work(&late_work, LATE_SOON);
	spin_unlock(&late_lock);
	kfree(new);
	return ret;
}

static noinline int account_late(struct mm_struct *mm, unsigned long npages)
{
	struct late *new;
	bool free = false;

	for (;;) {
		new = kmalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
		if (!new)
			return -ENOMEM;
		if (late_charge(mm, npages, free, new))
			return 0;
		/* A privilege counts as used only where it was needed. */
		if (free || !capable(CAP_IPC_LOCK))
			return -ENOMEM;
		free = true;
	}
}

/**
 * sluice_account - charge pages to a process's locked memory
 * @mm: the address space to charge; the caller's
 * @npages: how many
 *
 * Waits for nobody.
 *
 * Return: 0; -ENOMEM if RLIMIT_MEMLOCK would be exceeded (CAP_IPC_LOCK lifts
 * the limit). Nothing is charged then.
 */
int sluice_account(struct mm_struct *mm, unsigned long npages)
{
	bool privileged;
	int ret;

	if (unlikely(!try_lock(mm)))
		return account_late(mm, npages);
	catch_up(mm);
	privileged = mm->locked_vm + npages > limit() && capable(CAP_IPC_LOCK);
	ret = __account_locked_vm(mm, npages, true, current, privileged);
	unlock(mm);
	return ret;
}

static noinline void unaccount_late(struct mm_struct *mm, unsigned long npages)
{
	/* What can't fail mustn't: a few bytes. */
	struct late *new = kmalloc(sizeof(*new), GFP_KERNEL | __GFP_NOFAIL);

	late_charge(mm, -(long)npages, true, new);
}

/**
 * sluice_unaccount - give back what sluice_account() charged
 * @mm: the address space; its processes may be gone
 * @npages: how many
 *
 * Waits for nobody.
 */
void sluice_unaccount(struct mm_struct *mm, unsigned long npages)
{
	if (unlikely(!try_lock(mm))) {
		unaccount_late(mm, npages);
		return;
	}
	catch_up(mm);
	__account_locked_vm(mm, npages, false, current, false);
	unlock(mm);
}
