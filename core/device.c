// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices: registration, and the device fd.
 *
 * Owns: when a driver's callbacks may run. Does not own: what they do (pci/).
 */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/mount.h>
#include <linux/pseudo_fs.h>

#include "private.h"

/* How often a user who won't let go of a device is asked again. */
#define REQUEST_INTERVAL (10 * HZ)

/* "vfio", for the inodes whose address_space collects a device's mappings. */
#define DEVICE_FS_MAGIC 0x7666696f

static struct vfsmount *device_mnt;

static int device_fs_context(struct fs_context *fc)
{
	return init_pseudo(fc, DEVICE_FS_MAGIC) ? 0 : -ENOMEM;
}

static struct file_system_type device_fs = {
	.name			= "vfio",
	.owner			= THIS_MODULE,
	.init_fs_context	= device_fs_context,
	.kill_sb		= kill_anon_super,
};

int sluice_device_init_fs(void)
{
	device_mnt = kern_mount(&device_fs);
	return PTR_ERR_OR_ZERO(device_mnt);
}

void sluice_device_deinit_fs(void)
{
	kern_unmount(device_mnt);
}

void sluice_device_init(struct sluice_device *sdev, struct device *dev,
			const struct sluice_device_ops *ops)
{
	sdev->dev = dev;
	sdev->ops = ops;
	mutex_init(&sdev->open_lock);
	refcount_set(&sdev->refs, 1);
	init_completion(&sdev->released);
	INIT_LIST_HEAD(&sdev->group_node);
	mutex_init(&sdev->mmio_turn);
	INIT_LIST_HEAD(&sdev->mmio_maps);
	INIT_LIST_HEAD(&sdev->mmio_revoked);
}

static bool ops_complete(const struct sluice_device_ops *ops)
{
	return ops->name && ops->open && ops->close && ops->quiesce &&
	       ops->ioctl && ops->read && ops->write && ops->mmap &&
	       ops->mmio_phys;
}

int sluice_device_register(struct sluice_device *sdev)
{
	int ret;

	if (!ops_complete(sdev->ops))
		return -EINVAL;
	/* User space has no way to flush the CPU's caches for a device. */
	if (!device_iommu_capable(sdev->dev, IOMMU_CAP_CACHE_COHERENCY)) {
		dev_err(sdev->dev,
			"can't be assigned: no IOMMU, or its DMA isn't cache coherent\n");
		return -EINVAL;
	}
	sdev->inode = alloc_anon_inode(device_mnt->mnt_sb);
	if (IS_ERR(sdev->inode))
		return PTR_ERR(sdev->inode);
	ret = sluice_group_join(sdev);
	if (ret)
		iput(sdev->inode);
	return ret;
}

/* Waits for the last fd to be closed; @asked counts the requests so far. */
static void wait_released(struct sluice_device *sdev)
{
	unsigned int asked = 0;

	while (!try_wait_for_completion(&sdev->released)) {
		if (sdev->ops->request)
			sdev->ops->request(sdev, asked);
		if (wait_for_completion_timeout(&sdev->released,
						REQUEST_INTERVAL))
			break;
		if (!asked++)
			dev_info(sdev->dev,
				 "waiting for its user to let it go\n");
	}
}

void sluice_device_unregister(struct sluice_device *sdev)
{
	sluice_group_hide(sdev);
	if (!refcount_dec_and_test(&sdev->refs))
		wait_released(sdev);
	sluice_group_leave(sdev);
	iput(sdev->inode);
}

void sluice_device_zap(struct sluice_device *sdev, loff_t start, loff_t len)
{
	unmap_mapping_range(sdev->inode->i_mapping, start, len, true);
}

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct sluice_device *sdev = file->private_data;

	return sdev->ops->ioctl(sdev, cmd, arg);
}

static ssize_t device_read(struct file *file, char __user *buf, size_t count,
			   loff_t *ppos)
{
	struct sluice_device *sdev = file->private_data;

	return sdev->ops->read(sdev, buf, count, ppos);
}

static ssize_t device_write(struct file *file, const char __user *buf,
			    size_t count, loff_t *ppos)
{
	struct sluice_device *sdev = file->private_data;

	return sdev->ops->write(sdev, buf, count, ppos);
}

static int device_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct sluice_device *sdev = file->private_data;

	return sdev->ops->mmap(sdev, vma);
}

static void device_close(struct sluice_device *sdev)
{
	guard(mutex)(&sdev->open_lock);
	if (--sdev->open_count)
		return;
	/* First: from here on nothing can come back, whatever close does. */
	sluice_mmio_drop(sdev);
	sdev->ops->close(sdev);
}

static int device_release(struct inode *inode, struct file *file)
{
	struct sluice_device *sdev = file->private_data;
	struct sluice_group *group = sdev->group;
	struct file *opened;

	scoped_guard(mutex, &group->lock) {
		device_close(sdev);
		group->nr_device_fds--;
		opened = group->opened;
	}
	/* May be the group's last: its release runs after ours. */
	fput(opened);
	if (refcount_dec_and_test(&sdev->refs))
		complete(&sdev->released);
	return 0;
}

static const struct file_operations device_fops = {
	.owner		= THIS_MODULE,
	.release	= device_release,
	.read		= device_read,
	.write		= device_write,
	.mmap		= device_mmap,
	.unlocked_ioctl	= device_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};

/**
 * sluice_device_from_file - the device behind an fd
 * @file: any file
 *
 * Return: the device, kept open by @file, or NULL.
 */
struct sluice_device *sluice_device_from_file(struct file *file)
{
	return file->f_op == &device_fops ? file->private_data : NULL;
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

static int device_open(struct sluice_device *sdev)
{
	int ret = 0;

	guard(mutex)(&sdev->open_lock);
	if (!sdev->open_count)
		ret = sdev->ops->open(sdev);
	if (!ret)
		sdev->open_count++;
	return ret;
}

static struct file *device_file(struct sluice_device *sdev)
{
	struct file *file;
	int ret;

	ret = device_open(sdev);
	if (ret)
		return ERR_PTR(ret);
	file = anon_inode_getfile("[vfio-device]", &device_fops, sdev, O_RDWR);
	if (IS_ERR(file)) {
		device_close(sdev);
		return file;
	}
	file->f_mode |= FMODE_PREAD | FMODE_PWRITE;
	file->f_mapping = sdev->inode->i_mapping;
	return file;
}

/**
 * sluice_device_open_fd - open a device of a group
 * @group: the group, its lock held
 * @name: which device
 *
 * Return: the new fd; -EINVAL if the group has no address space; -ENODEV if
 * there is no such device; else what the driver's open returned.
 */
int sluice_device_open_fd(struct sluice_group *group, const char *name)
{
	struct sluice_device *sdev;
	struct file *file;
	int fd;

	lockdep_assert_held(&group->lock);

	sdev = find_device(group, name);
	if (IS_ERR(sdev))
		return PTR_ERR(sdev);
	if (!group->container || !sluice_container_ready(group->container))
		return -EINVAL;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = device_file(sdev);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	refcount_inc(&sdev->refs);
	/* A device fd keeps the group in its container. */
	get_file(group->opened);
	group->nr_device_fds++;
	fd_install(fd, file);
	return fd;
}
