// SPDX-License-Identifier: GPL-2.0-only
/*
 * Groups: /dev/vfio/<N>.
 *
 * A group is the smallest set of devices that the hardware can isolate; N is
 * the number of the kernel's iommu_group. Owns: the group fd, the node's life,
 * the list of the group's devices. The kernel decides who owns a group's DMA.
 */
#include <linux/device/class.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/iommu.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

#include "private.h"

static LIST_HEAD(groups);
/*
 * Guards groups and every nr_members. Nothing that a user can make wait may run
 * under it, such as taking a group's lock: all binding would stop with it.
 */
static DEFINE_MUTEX(groups_lock);
static DEFINE_IDA(minors);
static dev_t first_devt;

static int lock_group(struct sluice_group *group)
{
	return mutex_lock_killable(&group->lock) ? -EINTR : 0;
}

static int look(struct sluice_group *group, u32 *flags)
{
	int ret;

	ret = lock_group(group);
	if (ret)
		return ret;
	*flags = 0;
	if (!group->iommu_group)
		ret = -ENODEV;
	else if (group->container)
		*flags = VFIO_GROUP_FLAGS_CONTAINER_SET |
			 VFIO_GROUP_FLAGS_VIABLE;
	else if (!iommu_group_dma_owner_claimed(group->iommu_group))
		*flags = VFIO_GROUP_FLAGS_VIABLE;
	mutex_unlock(&group->lock);
	return ret;
}

static long get_status(struct sluice_group *group, void __user *arg)
{
	const size_t minsz = offsetofend(struct vfio_group_status, flags);
	struct vfio_group_status status;
	int ret;

	if (copy_from_user(&status, arg, minsz))
		return -EFAULT;
	if (status.argsz < minsz)
		return -EINVAL;

	ret = look(group, &status.flags);
	if (ret)
		return ret;
	return copy_to_user(arg, &status, minsz) ? -EFAULT : 0;
}

/* Of a file that isn't a container; what is wrong with the group comes first. */
static int no_container(struct sluice_group *group)
{
	int ret;

	ret = lock_group(group);
	if (ret)
		return ret;
	if (group->container)
		ret = -EINVAL;
	else
		ret = group->iommu_group ? -EBADFD : -ENODEV;
	mutex_unlock(&group->lock);
	return ret;
}

static long set_container(struct sluice_group *group, int __user *arg)
{
	struct sluice_container *container;
	struct file *file;
	long ret;
	int fd;

	if (get_user(fd, arg))
		return -EFAULT;
	file = fget(fd);
	if (!file)
		return -EBADF;

	container = sluice_container_from_file(file);
	ret = container ? sluice_container_attach(container, group) :
			  no_container(group);
	fput(file);
	return ret;
}

static long unset_container(struct sluice_group *group)
{
	int ret;

	ret = lock_group(group);
	if (ret)
		return ret;
	if (!group->iommu_group)
		ret = -ENODEV;
	else if (!group->container)
		ret = -EINVAL;
	else if (group->nr_device_fds)
		ret = -EBUSY;
	else
		sluice_container_detach(group);
	mutex_unlock(&group->lock);
	return ret;
}

static long get_device_fd(struct sluice_group *group, const char __user *arg)
{
	char *name;
	long ret;

	name = strndup_user(arg, PAGE_SIZE);
	if (IS_ERR(name))
		return PTR_ERR(name);
	ret = sluice_device_open_fd(group, name);
	kfree(name);
	return ret;
}

static long group_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct sluice_group *group = file->private_data;
	void __user *uarg = (void __user *)arg;

	switch (cmd) {
	case VFIO_GROUP_GET_STATUS:
		return get_status(group, uarg);
	case VFIO_GROUP_SET_CONTAINER:
		return set_container(group, uarg);
	case VFIO_GROUP_UNSET_CONTAINER:
		return unset_container(group);
	case VFIO_GROUP_GET_DEVICE_FD:
		return get_device_fd(group, uarg);
	default:
		return -ENOTTY;
	}
}

/* Exclusive: whoever has the group's fd decides over its devices. */
static int group_open(struct inode *inode, struct file *file)
{
	struct sluice_group *group =
		container_of(inode->i_cdev, struct sluice_group, cdev);
	int ret;

	ret = lock_group(group);
	if (ret)
		return ret;
	if (!group->iommu_group) {
		ret = -ENODEV;
	} else if (group->opened) {
		ret = -EBUSY;
	} else {
		group->opened = file;
		file->private_data = group;
		get_device(&group->dev);
	}
	mutex_unlock(&group->lock);
	return ret;
}

static int group_release(struct inode *inode, struct file *file)
{
	struct sluice_group *group = file->private_data;

	/* Device fds keep the group's file: none is left. */
	scoped_guard(mutex, &group->lock) {
		if (group->container)
			sluice_container_detach(group);
		group->opened = NULL;
	}
	put_device(&group->dev);
	return 0;
}

static const struct file_operations group_fops = {
	.owner		= THIS_MODULE,
	.open		= group_open,
	.release	= group_release,
	.unlocked_ioctl	= group_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};

bool sluice_file_is_group(struct file *file)
{
	return file->f_op == &group_fops;
}

bool sluice_file_has_device(struct file *file, struct sluice_device *sdev)
{
	return sluice_file_is_group(file) &&
	       file->private_data == sdev->group;
}

static char *group_devnode(const struct device *dev, umode_t *mode)
{
	return kasprintf(GFP_KERNEL, "vfio/%s", dev_name(dev));
}

static const struct class group_class = {
	.name		= "vfio",
	.devnode	= group_devnode,
};

static void group_dev_release(struct device *dev)
{
	struct sluice_group *group = container_of(dev, struct sluice_group, dev);

	ida_free(&minors, MINOR(dev->devt) - MINOR(first_devt));
	mutex_destroy(&group->lock);
	kfree(group);
}

static struct sluice_group *group_alloc(struct iommu_group *iommu_group)
{
	struct sluice_group *group;
	int minor, ret;

	group = kzalloc(sizeof(*group), GFP_KERNEL);
	if (!group)
		return ERR_PTR(-ENOMEM);
	minor = ida_alloc_max(&minors, MINORMASK, GFP_KERNEL);
	if (minor < 0) {
		kfree(group);
		return ERR_PTR(minor);
	}
	mutex_init(&group->lock);
	INIT_LIST_HEAD(&group->devices);
	device_initialize(&group->dev);
	group->dev.class = &group_class;
	group->dev.release = group_dev_release;
	group->dev.devt = MKDEV(MAJOR(first_devt), minor);
	cdev_init(&group->cdev, &group_fops);
	group->cdev.owner = THIS_MODULE;

	ret = dev_set_name(&group->dev, "%d", iommu_group_id(iommu_group));
	if (ret)
		goto err_put;
	group->iommu_group = iommu_group;
	ret = cdev_device_add(&group->cdev, &group->dev);
	if (ret)
		goto err_put;
	list_add(&group->node, &groups);
	return group;

err_put:
	put_device(&group->dev);
	return ERR_PTR(ret);
}

static struct sluice_group *group_find(struct iommu_group *iommu_group)
{
	struct sluice_group *group;

	lockdep_assert_held(&groups_lock);
	list_for_each_entry(group, &groups, node) {
		if (group->iommu_group == iommu_group)
			return group;
	}
	return NULL;
}

/* The device's group, old or new, with a reference. */
static struct sluice_group *group_get(struct device *dev)
{
	struct iommu_group *iommu_group = iommu_group_get(dev);
	struct sluice_group *group;

	lockdep_assert_held(&groups_lock);
	if (!iommu_group)
		return ERR_PTR(-EINVAL);
	group = group_find(iommu_group);
	if (!group)
		group = group_alloc(iommu_group);
	else
		iommu_group_put(iommu_group);
	if (IS_ERR(group))
		iommu_group_put(iommu_group);
	else
		get_device(&group->dev);
	return group;
}

/**
 * sluice_group_join - put a device into its group
 * @sdev: a device that is being registered
 *
 * Makes the group, and its node, for the first device.
 *
 * Return: 0 with @sdev->group set; -EINVAL if there is no IOMMU group; -ENOMEM.
 */
int sluice_group_join(struct sluice_device *sdev)
{
	struct sluice_group *group;

	scoped_guard(mutex, &groups_lock) {
		group = group_get(sdev->dev);
		if (IS_ERR(group))
			return PTR_ERR(group);
		group->nr_members++;
	}
	sdev->group = group;
	scoped_guard(mutex, &group->lock)
		list_add_tail(&sdev->group_node, &group->devices);
	return 0;
}

static struct sluice_device *find_device(struct sluice_group *group,
					 const char *name)
{
	struct sluice_device *sdev;

	list_for_each_entry(sdev, &group->devices, group_node) {
		int match = sdev->ops->match ?
				    sdev->ops->match(sdev, name) :
				    !strcmp(dev_name(sdev->dev), name);

		if (match < 0)
			return ERR_PTR(match);
		if (match)
			return sdev;
	}
	return ERR_PTR(-ENODEV);
}

/**
 * sluice_group_get_fd - let an fd of one of the group's devices begin
 * @group: the group, whose file is open
 * @name: which device
 *
 * From here to sluice_group_put_fd() the device isn't freed, and the group's file
 * isn't released; nor does the group leave its container, unless the device is taken
 * away.
 *
 * Return: the device; -EINVAL if the group has no address space; -ENODEV if there is
 * no such device, or the errno of &sluice_device_ops.match; -EINTR.
 */
struct sluice_device *sluice_group_get_fd(struct sluice_group *group,
					  const char *name)
{
	struct sluice_device *sdev;
	int ret;

	ret = lock_group(group);
	if (ret)
		return ERR_PTR(ret);
	sdev = find_device(group, name);
	if (IS_ERR(sdev))
		goto out_unlock;
	if (!group->container || !sluice_container_ready(group->container)) {
		sdev = ERR_PTR(-EINVAL);
		goto out_unlock;
	}
	kref_get(&sdev->ref);
	get_file(group->opened);
	sdev->nr_fds++;
	group->nr_device_fds++;
out_unlock:
	mutex_unlock(&group->lock);
	return sdev;
}

static void forget_fds(struct sluice_device *sdev, unsigned int nr)
{
	lockdep_assert_held(&sdev->group->lock);

	sdev->nr_fds -= nr;
	sdev->group->nr_device_fds -= nr;
	if (!sdev->nr_fds && list_empty(&sdev->group_node))
		complete(&sdev->released);
}

/**
 * sluice_group_put_fd - end what sluice_group_get_fd() began
 * @sdev: the device; may be freed
 */
void sluice_group_put_fd(struct sluice_device *sdev)
{
	struct sluice_group *group = sdev->group;
	struct file *opened;

	scoped_guard(mutex, &group->lock) {
		/* 0: it has been taken away, with all its fds. */
		if (sdev->nr_fds)
			forget_fds(sdev, 1);
		opened = group->opened;
	}
	/* May be the group's last: its release runs after ours. */
	fput(opened);
	sluice_device_put(sdev);
}

/**
 * sluice_group_forget_fds - let the fds of a device no longer count
 * @sdev: a device that has been taken away from them
 * @closed: it was open, and by that was closed
 *
 * They don't keep the group in its container any more.
 */
void sluice_group_forget_fds(struct sluice_device *sdev, bool closed)
{
	guard(mutex)(&sdev->group->lock);
	/* An open was under way when it was hidden, and has failed. */
	if (sdev->nr_fds && !closed)
		sdev->ops->quiesce(sdev);
	forget_fds(sdev, sdev->nr_fds);
}

/**
 * sluice_group_hide - let nobody open a device any more
 * @sdev: a device that is being unregistered
 *
 * Those who have it open may keep it until they close it, or it is taken away.
 *
 * Return: true if there are such.
 */
bool sluice_group_hide(struct sluice_device *sdev)
{
	guard(mutex)(&sdev->group->lock);
	/* When the group is released, this one won't be found any more. */
	if (!sdev->nr_fds)
		sdev->ops->quiesce(sdev);
	list_del_init(&sdev->group_node);
	return sdev->nr_fds;
}

/* The last device is gone: so is the group, whoever still has its fd. */
static void group_remove(struct sluice_group *group, struct sluice_device *sdev)
{
	struct iommu_group *iommu_group = group->iommu_group;

	scoped_guard(mutex, &group->lock) {
		if (group->container) {
			/* Nobody else is left to speak for those without a driver. */
			sdev->ops->quiesce(sdev);
			sluice_container_detach(group);
		}
		group->iommu_group = NULL;
	}
	iommu_group_put(iommu_group);
	put_device(&group->dev);
}

/**
 * sluice_group_leave - take a device out of its group
 * @sdev: a hidden device that is closed
 *
 * Its fds, if any, keep what is left of the group.
 */
void sluice_group_leave(struct sluice_device *sdev)
{
	struct sluice_group *group = sdev->group;
	bool last;

	scoped_guard(mutex, &groups_lock) {
		/* Hidden devices that are still open count, too. */
		last = !--group->nr_members;
		if (last) {
			list_del(&group->node);
			cdev_device_del(&group->cdev, &group->dev);
		}
	}
	if (last)
		group_remove(group, sdev);
}

int sluice_group_init(void)
{
	int ret;

	ret = class_register(&group_class);
	if (ret)
		return ret;
	ret = alloc_chrdev_region(&first_devt, 0, MINORMASK + 1, "vfio");
	if (ret)
		class_unregister(&group_class);
	return ret;
}

void sluice_group_deinit(void)
{
	unregister_chrdev_region(first_devt, MINORMASK + 1);
	class_unregister(&group_class);
}
