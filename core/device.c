// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices: registration and removal.
 *
 * Owns: when a driver's callbacks may run, and how long a removal waits for
 * users. Does not own: what they do (pci/), the fds (device_fd.c).
 *
 * The task that removes a device may hold the locks of all of PCI, and its user may
 * be malicious, or wait for one of these locks himself. So he is asked, and the task
 * waits for him for a while, but never for good.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/iommu.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>

#include "private.h"

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "vfio."

/* How often a user who doesn't let go of a device is asked. */
#define REQUEST_INTERVAL (5 * HZ)

/* How often it is looked at whether the hardware is still there. */
#define GONE_INTERVAL (HZ / 2)

/* A wanted device that hasn't been unregistered so long afterwards was a mistake. */
#define WANTED_FOR (60 * HZ)

#define GRACE_MAX (24 * 60 * 60)

static unsigned int removal_grace = 30;
module_param(removal_grace, uint, 0644);
MODULE_PARM_DESC(removal_grace,
		 "Seconds, up to a day, that the removal of a device waits for its user, who is asked to let go, before it takes the device away (default: 30)");

static struct lock_class_key inside_key;

static void ask_work(struct work_struct *work);

void sluice_device_init(struct sluice_device *sdev, struct device *dev,
			const struct sluice_device_ops *ops)
{
	sdev->dev = dev;
	sdev->ops = ops;
	kref_init(&sdev->ref);
	INIT_LIST_HEAD(&sdev->group_node);
	init_completion(&sdev->released);
	mutex_init(&sdev->open_lock);
	refcount_set(&sdev->inside, 1);
	init_completion(&sdev->left);
	lockdep_init_map(&sdev->inside_map, "sluice_device.inside", &inside_key,
			 0);
	INIT_DELAYED_WORK(&sdev->ask, ask_work);
	spin_lock_init(&sdev->wanted_lock);
	mutex_init(&sdev->mmio_turn);
	INIT_LIST_HEAD(&sdev->mmio_maps);
	INIT_LIST_HEAD(&sdev->mmio_revoked);
}

static void device_free(struct kref *ref)
{
	struct sluice_device *sdev =
		container_of(ref, struct sluice_device, ref);

	iput(sdev->inode);
	if (sdev->group)
		put_device(&sdev->group->dev);
	kfree(sdev);
}

void sluice_device_put(struct sluice_device *sdev)
{
	kref_put(&sdev->ref, device_free);
}

static bool ops_complete(const struct sluice_device_ops *ops)
{
	return ops->name && ops->open && ops->close && ops->quiesce &&
	       ops->ioctl && ops->read && ops->write && ops->mmap &&
	       ops->fault && ops->mmio_phys;
}

static void may_be_wanted(struct sluice_device *sdev, bool may)
{
	spin_lock(&sdev->wanted_lock);
	sdev->registered = may;
	spin_unlock(&sdev->wanted_lock);
}

int sluice_device_register(struct sluice_device *sdev)
{
	struct inode *inode;
	int ret;

	if (!ops_complete(sdev->ops))
		return -EINVAL;
	/* User space has no way to flush the CPU's caches for a device. */
	if (!device_iommu_capable(sdev->dev, IOMMU_CAP_CACHE_COHERENCY)) {
		dev_err(sdev->dev,
			"can't be assigned: no IOMMU, or its DMA isn't cache coherent\n");
		return -EINVAL;
	}
	inode = sluice_device_inode();
	if (IS_ERR(inode))
		return PTR_ERR(inode);
	sdev->inode = inode;
	ret = sluice_group_join(sdev);
	if (!ret)
		may_be_wanted(sdev, true);
	return ret;
}

/* ---- Who uses the device ---- */

/*
 * Nobody waits here. Lockdep is told otherwise: then it knows that a page fault enters
 * with mmap_lock held, and reports whoever touches user memory, which may take that lock,
 * after he has entered. Such a user could hold a removal up for good.
 */
int sluice_device_enter(struct sluice_device *sdev)
{
	if (!refcount_inc_not_zero(&sdev->inside))
		return -ENODEV;
	if (sluice_device_revoked(sdev)) {
		if (refcount_dec_and_test(&sdev->inside))
			complete(&sdev->left);
		return -ENODEV;
	}
	rwsem_acquire_read(&sdev->inside_map, 0, 0, _RET_IP_);
	return 0;
}

void sluice_device_exit(struct sluice_device *sdev)
{
	rwsem_release(&sdev->inside_map, _RET_IP_);
	if (refcount_dec_and_test(&sdev->inside))
		complete(&sdev->left);
}

/* From here on nobody enters, and whoever had is outside. */
static void shut(struct sluice_device *sdev)
{
	WRITE_ONCE(sdev->revoked, true);
	if (!refcount_dec_and_test(&sdev->inside))
		wait_for_completion(&sdev->left);
}

/*
 * Can't fail, and waits for no user: for those who have entered the device, and do a
 * bounded amount of work there, and for an open or a close that is under way.
 */
static void revoke(struct sluice_device *sdev)
{
	shut(sdev);
	sluice_group_forget_fds(sdev, sluice_device_close_all(sdev));
}

/* ---- Whoever wants it back ---- */

static void ask_work(struct work_struct *work)
{
	struct sluice_device *sdev =
		container_of(work, struct sluice_device, ask.work);

	sdev->ops->request(sdev, sdev->asked++);
	if (time_before(jiffies, READ_ONCE(sdev->deadline)))
		schedule_delayed_work(&sdev->ask, REQUEST_INTERVAL);
}

void sluice_device_want(struct sluice_device *sdev)
{
	unsigned int grace = min(READ_ONCE(removal_grace), GRACE_MAX);

	spin_lock(&sdev->wanted_lock);
	if (sdev->registered &&
	    (!sdev->wanted ||
	     time_after_eq(jiffies, sdev->deadline + WANTED_FOR))) {
		sdev->wanted = true;
		WRITE_ONCE(sdev->deadline, jiffies + grace * HZ);
		/* Under the lock: none is queued after take_back has cancelled it. */
		if (sdev->ops->request)
			schedule_delayed_work(&sdev->ask, 0);
	}
	spin_unlock(&sdev->wanted_lock);
}

/* Who has the device open is read without a lock: perhaps it's nobody any more. */
static void say_wanted(struct sluice_device *sdev)
{
	long left = READ_ONCE(sdev->deadline) - jiffies;

	dev_notice(sdev->dev,
		   "process %d (%.*s) has it open, and %ld s to let go of it\n",
		   READ_ONCE(sdev->opener), TASK_COMM_LEN, sdev->opener_comm,
		   max(left, 0L) / HZ);
}

static void say_taken(struct sluice_device *sdev, const char *why)
{
	dev_warn(sdev->dev, "taken away from process %d (%.*s): %s\n",
		 READ_ONCE(sdev->opener), TASK_COMM_LEN, sdev->opener_comm,
		 why);
}

static bool is_gone(struct sluice_device *sdev)
{
	return sdev->ops->gone && sdev->ops->gone(sdev);
}

/* Return: why the wait for the last close ended without one; NULL: with one. */
static const char *wait_released(struct sluice_device *sdev)
{
	unsigned long deadline = READ_ONCE(sdev->deadline), left;
	long ret;

	for (;;) {
		if (try_wait_for_completion(&sdev->released))
			return NULL;
		if (is_gone(sdev))
			return "the hardware is gone";
		if (time_after_eq(jiffies, deadline))
			return "it hasn't let go in time";
		left = min_t(unsigned long, deadline - jiffies, GONE_INTERVAL);
		ret = wait_for_completion_killable_timeout(&sdev->released,
							   left);
		if (ret > 0)
			return NULL;
		if (ret < 0)
			return "who waits for it is being killed";
	}
}

/**
 * sluice_device_take_back - wait for the users of a device, and take it away from them
 * @sdev: a device that nobody can open any more
 * @used: somebody has an fd
 *
 * Afterwards nobody uses it.
 */
void sluice_device_take_back(struct sluice_device *sdev, bool used)
{
	const char *why;

	if (used) {
		sluice_device_want(sdev);
		say_wanted(sdev);
		why = wait_released(sdev);
		if (why)
			say_taken(sdev, why);
	}
	may_be_wanted(sdev, false);
	cancel_delayed_work_sync(&sdev->ask);
	revoke(sdev);
}

void sluice_device_unregister(struct sluice_device *sdev)
{
	sluice_device_take_back(sdev, sluice_group_hide(sdev));
	sluice_group_leave(sdev);
}

void sluice_device_zap(struct sluice_device *sdev, loff_t start, loff_t len)
{
	unmap_mapping_range(sdev->inode->i_mapping, start, len, true);
}
