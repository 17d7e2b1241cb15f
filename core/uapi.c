// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of linux/sluice.h, but for DMA_BATCH.
 *
 * Owns: decoding and checking what user space passes, and the answers' layout.
 * Does not own: what windows (window.c) and registered memory (region.c) are.
 */
#include <linux/align.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "unified.h"

static_assert(sizeof(struct sluice_mem_register) == 32);
static_assert(sizeof(struct sluice_mem_unregister) == 16);
static_assert(sizeof(struct sluice_window) == 24);
static_assert(sizeof(struct sluice_window_query) == 48);
static_assert(sizeof(struct sluice_window_create) == 32);
static_assert(sizeof(struct sluice_window_remove) == 16);
static_assert(sizeof(struct sluice_info) == 40);

/* Copies a structure, which begins with argsz and flags, and checks these. */
static int get_arg(void *arg, size_t size, const void __user *user, u32 known)
{
	const u32 *head = arg;

	if (copy_from_user(arg, user, size))
		return -EFAULT;
	return head[0] < size || head[1] & ~known ? -EINVAL : 0;
}

/* Fails if it isn't a unified space; the type can't change then. */
static int check_type(struct sluice_space *space)
{
	int ret = sluice_space_lock(space);

	if (ret)
		return ret;
	ret = space->type == SLUICE_SPACE_UNIFIED ? 0 : -ENOTTY;
	up_read(&space->lock);
	return ret;
}

static long mem_register(struct sluice_space *space, void __user *user)
{
	struct sluice_mem_register arg;
	unsigned int prot = 0;
	u64 last;
	int ret;

	ret = get_arg(&arg, sizeof(arg), user, SLUICE_READ | SLUICE_WRITE);
	if (ret)
		return ret;
	if (arg.flags & SLUICE_READ)
		prot |= SLUICE_PROT_READ;
	if (arg.flags & SLUICE_WRITE)
		prot |= SLUICE_PROT_WRITE;
	if (!prot || arg.reserved || !arg.size ||
	    !IS_ALIGNED(arg.vaddr | arg.size, PAGE_SIZE) ||
	    check_add_overflow(arg.vaddr, arg.size - 1, &last))
		return -EINVAL;
	ret = sluice_region_register(space, arg.vaddr, arg.size, prot,
				     &arg.handle);
	if (ret)
		return ret;
	if (!copy_to_user(user, &arg, sizeof(arg)))
		return 0;
	sluice_region_unregister(space, arg.handle);
	return -EFAULT;
}

static long mem_unregister(struct sluice_space *space, void __user *user)
{
	struct sluice_mem_unregister arg;
	int ret;

	ret = get_arg(&arg, sizeof(arg), user, 0);
	if (ret)
		return ret;
	if (arg.reserved)
		return -EINVAL;
	return sluice_region_unregister(space, arg.handle);
}

/* What WINDOW_QUERY tells, copied: user memory is written without a lock. */
struct view {
	struct sluice_range *ranges;
	struct sluice_window windows[SLUICE_MAX_WINDOWS];
	unsigned int nr_ranges;
	unsigned int nr_windows;
	u64 pgsizes;
};

static struct view *take_view(struct sluice_space *space)
{
	struct view *view = kzalloc(sizeof(*view), GFP_KERNEL);
	int ret;

	if (!view)
		return ERR_PTR(-ENOMEM);
	ret = sluice_space_lock(space);
	if (ret)
		goto err_free;
	view->nr_ranges = space->usable.nr;
	view->nr_windows = space->uni->nr_windows;
	view->pgsizes = sluice_window_pgsizes(space);
	memcpy(view->windows, space->uni->windows, sizeof(view->windows));
	view->ranges = kmemdup_array(space->usable.v, space->usable.nr,
				     sizeof(*view->ranges), GFP_KERNEL);
	up_read(&space->lock);
	ret = -ENOMEM;
	if (view->nr_ranges && !view->ranges)
		goto err_free;
	return view;

err_free:
	kfree(view);
	return ERR_PTR(ret);
}

static_assert(sizeof(struct sluice_range) == sizeof(struct sluice_iova_range));

static long window_query(struct sluice_space *space, void __user *user)
{
	struct sluice_window_query arg;
	unsigned int ranges, windows;
	struct view *view;
	long ret;

	ret = get_arg(&arg, sizeof(arg), user, 0);
	if (ret)
		return ret;
	if (arg.reserved)
		return -EINVAL;
	view = take_view(space);
	if (IS_ERR(view))
		return PTR_ERR(view);
	ranges = min(arg.nr_ranges, view->nr_ranges);
	windows = min(arg.nr_windows, view->nr_windows);
	arg.nr_ranges = view->nr_ranges;
	arg.nr_windows = view->nr_windows;
	arg.max_windows = SLUICE_MAX_WINDOWS;
	arg.page_sizes = view->pgsizes;
	if (copy_to_user(u64_to_user_ptr(arg.ranges), view->ranges,
			 ranges * sizeof(*view->ranges)) ||
	    copy_to_user(u64_to_user_ptr(arg.windows), view->windows,
			 windows * sizeof(*view->windows)) ||
	    copy_to_user(user, &arg, sizeof(arg)))
		ret = -EFAULT;
	kfree(view->ranges);
	kfree(view);
	return ret;
}

static long window_create(struct sluice_space *space, void __user *user)
{
	struct sluice_window_create arg;
	int ret;

	ret = get_arg(&arg, sizeof(arg), user, SLUICE_WINDOW_FIXED);
	if (ret)
		return ret;
	if (arg.reserved)
		return -EINVAL;
	ret = sluice_space_lock_write(space);
	if (ret)
		return ret;
	ret = sluice_window_create(space, &arg);
	up_write(&space->lock);
	if (ret || !copy_to_user(user, &arg, sizeof(arg)))
		return ret;
	/* It stays if another thread has mapped something there already. */
	if (!sluice_space_lock_write(space)) {
		sluice_window_remove(space, arg.start);
		up_write(&space->lock);
	}
	return -EFAULT;
}

static long window_remove(struct sluice_space *space, void __user *user)
{
	struct sluice_window_remove arg;
	int ret;

	ret = get_arg(&arg, sizeof(arg), user, 0);
	if (ret)
		return ret;
	ret = sluice_space_lock_write(space);
	if (ret)
		return ret;
	ret = sluice_window_remove(space, arg.start);
	up_write(&space->lock);
	return ret;
}

static long get_info(struct sluice_space *space, void __user *user)
{
	struct sluice_unified *uni = space->uni;
	struct sluice_info arg;
	int ret;

	ret = get_arg(&arg, sizeof(arg), user, 0);
	if (ret)
		return ret;
	ret = sluice_space_lock(space);
	if (ret)
		return ret;
	arg.page_sizes = space->pgsizes;
	arg.registered = (u64)atomic_long_read(&uni->registered) << PAGE_SHIFT;
	arg.tables = (u64)sluice_unified_tables(space) << PAGE_SHIFT;
	arg.handles = atomic_read(&uni->nr_regions);
	arg.groups = list_count_nodes(&space->groups);
	up_read(&space->lock);
	return copy_to_user(user, &arg, sizeof(arg)) ? -EFAULT : 0;
}

static long unified_ioctl(struct sluice_space *space, unsigned int cmd,
			  void __user *arg)
{
	switch (cmd) {
	case SLUICE_MEM_REGISTER:
		return mem_register(space, arg);
	case SLUICE_MEM_UNREGISTER:
		return mem_unregister(space, arg);
	case SLUICE_WINDOW_QUERY:
		return window_query(space, arg);
	case SLUICE_WINDOW_CREATE:
		return window_create(space, arg);
	case SLUICE_WINDOW_REMOVE:
		return window_remove(space, arg);
	case SLUICE_GET_INFO:
		return get_info(space, arg);
	default:
		return -ENOTTY;
	}
}

/**
 * sluice_uapi_ioctl - an ioctl of linux/sluice.h
 * @space: the container's space
 * @cmd: SLUICE_*
 * @arg: the user's structure
 *
 * Return: as ioctl(2): -EINVAL if no IOMMU type has been set; -ENOTTY for an ioctl
 * that the type doesn't have, or nobody knows.
 */
long sluice_uapi_ioctl(struct sluice_space *space, unsigned int cmd,
		       void __user *arg)
{
	int ret;

	if (cmd == SLUICE_DMA_BATCH)
		return sluice_dma_batch(space, arg);
	/* Once a space is unified, it is for ever. */
	ret = check_type(space);
	return ret ?: unified_ioctl(space, cmd, arg);
}
