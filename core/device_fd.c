// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device fd.
 *
 * Owns: open and close of a device, its mappings' VMAs, and what an fd or a mapping
 * answers once the device has been taken away. Does not own: the device's life
 * (device.c), what the driver does behind an fd (pci/).
 *
 * A device is opened and closed without the group's lock: both may take as long as a
 * reset does, and the removal of another device of the group must not wait for that.
 */
#include <linux/anon_inodes.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pseudo_fs.h>

#include "private.h"

#define OPEN_LOCK_WAIT_MS 10

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

/* An inode for the mappings of a device, or an errno. */
struct inode *sluice_device_inode(void)
{
	return alloc_anon_inode(device_mnt->mnt_sb);
}

/* ---- Open and close ---- */

static void remember_opener(struct sluice_device *sdev)
{
	get_task_comm(sdev->opener_comm, current);
	WRITE_ONCE(sdev->opener, task_tgid_nr(current));
}

static int device_open(struct sluice_device *sdev)
{
	const struct sluice_device_ops *ops = sdev->ops;
	int ret;

	/* A close may be resetting the device. */
	if (mutex_lock_killable(&sdev->open_lock))
		return -EINTR;
	ret = -ENODEV;
	if (sluice_device_revoked(sdev))
		goto out_unlock;
	if (!sdev->open_count) {
		if (!try_module_get(ops->owner))
			goto out_unlock;
		remember_opener(sdev);
		ret = ops->open(sdev);
		if (ret) {
			module_put(ops->owner);
			goto out_unlock;
		}
	}
	sdev->open_count++;
	ret = 0;
out_unlock:
	mutex_unlock(&sdev->open_lock);
	return ret;
}

static void close_locked(struct sluice_device *sdev)
{
	struct module *owner = sdev->ops->owner;

	lockdep_assert_held(&sdev->open_lock);

	sdev->open_count = 0;
	/* First: nothing of this comes back, whatever close does. */
	sluice_mmio_drop(sdev);
	sdev->ops->close(sdev);
	/* A device that is taken away is mapped still, so that more could be added. */
	sluice_mmio_drop(sdev);
	WRITE_ONCE(sdev->opener, 0);
	module_put(owner);
}

static void device_close(struct sluice_device *sdev)
{
	guard(mutex)(&sdev->open_lock);
	/* 0: it has been taken away, and was closed by that. */
	if (!sdev->open_count)
		return;
	if (sdev->open_count > 1)
		sdev->open_count--;
	else
		close_locked(sdev);
}

/**
 * sluice_device_close_all - close a device under its fds
 * @sdev: the device, which has been revoked
 *
 * Waits for an open or a close that is under way. These may be resetting the device, for
 * which they have its device lock; not while a remover has that. Lockdep, to which the
 * device lock means nothing, would think that the remover could meet a reset. So it
 * isn't told that he waits.
 *
 * Return: true if it was open.
 */
bool sluice_device_close_all(struct sluice_device *sdev)
{
	bool was_open;

	while (!mutex_trylock(&sdev->open_lock))
		msleep(OPEN_LOCK_WAIT_MS);
	was_open = sdev->open_count;
	if (was_open)
		close_locked(sdev);
	mutex_unlock(&sdev->open_lock);
	return was_open;
}

static int device_release(struct inode *inode, struct file *file)
{
	struct sluice_device *sdev = file->private_data;

	device_close(sdev);
	sluice_group_put_fd(sdev);
	return 0;
}

/* ---- What an fd can do ---- */

/*
 * The driver may leave the device for copies from and to user space, and come back to
 * find it taken away; then its code is there still.
 */
static int op_begin(struct sluice_device *sdev)
{
	int ret;

	ret = sluice_device_enter(sdev);
	if (ret)
		return ret;
	/* The device is open: that has a reference. */
	__module_get(sdev->ops->owner);
	sluice_device_exit(sdev);
	return 0;
}

static void op_end(struct sluice_device *sdev)
{
	module_put(sdev->ops->owner);
}

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct sluice_device *sdev = file->private_data;
	long ret;

	ret = op_begin(sdev);
	if (ret)
		return ret;
	ret = sdev->ops->ioctl(sdev, cmd, arg);
	op_end(sdev);
	return ret;
}

static ssize_t device_read(struct file *file, char __user *buf, size_t count,
			   loff_t *ppos)
{
	struct sluice_device *sdev = file->private_data;
	ssize_t ret;

	ret = op_begin(sdev);
	if (ret)
		return ret;
	ret = sdev->ops->read(sdev, buf, count, ppos);
	op_end(sdev);
	return ret;
}

static ssize_t device_write(struct file *file, const char __user *buf,
			    size_t count, loff_t *ppos)
{
	struct sluice_device *sdev = file->private_data;
	ssize_t ret;

	ret = op_begin(sdev);
	if (ret)
		return ret;
	ret = sdev->ops->write(sdev, buf, count, ppos);
	op_end(sdev);
	return ret;
}

static vm_fault_t device_fault(struct vm_fault *vmf)
{
	struct sluice_device *sdev = vmf->vma->vm_private_data;
	vm_fault_t ret;

	if (sluice_device_enter(sdev))
		return VM_FAULT_SIGBUS;
	ret = sdev->ops->fault(sdev, vmf);
	sluice_device_exit(sdev);
	return ret;
}

static const struct vm_operations_struct device_vm_ops = {
	.fault = device_fault,
};

static int device_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct sluice_device *sdev = file->private_data;
	int ret;

	ret = sluice_device_enter(sdev);
	if (ret)
		return ret;
	ret = sdev->ops->mmap(sdev, vma);
	sluice_device_exit(sdev);
	if (ret)
		return ret;
	/* The VMA keeps the file, and that the device. */
	vma->vm_private_data = sdev;
	vma->vm_ops = &device_vm_ops;
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
 * Return: the device, kept by @file, or NULL. It may have been taken away.
 */
struct sluice_device *sluice_device_from_file(struct file *file)
{
	return file->f_op == &device_fops ? file->private_data : NULL;
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
 * @group: the group, kept by its fd
 * @name: which device
 *
 * Return: the new fd; -EINVAL if the group has no address space; -ENODEV if
 * there is no such device; -EINTR; else what the driver's open returned.
 */
int sluice_device_open_fd(struct sluice_group *group, const char *name)
{
	struct sluice_device *sdev;
	struct file *file;
	int fd;

	sdev = sluice_group_get_fd(group, name);
	if (IS_ERR(sdev))
		return PTR_ERR(sdev);

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		goto err_put;
	file = device_file(sdev);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		fd = PTR_ERR(file);
		goto err_put;
	}
	fd_install(fd, file);
	return fd;

err_put:
	sluice_group_put_fd(sdev);
	return fd;
}
