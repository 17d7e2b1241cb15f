/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a device driver (pci/) and the core agree upon.
 *
 * Owns: the life of a device between a driver's probe and remove, and the
 * callbacks behind a device fd. Does not own: groups, containers and address
 * spaces (core/), nor anything that knows a bus (pci/).
 */
#ifndef SLUICE_DEVICE_H
#define SLUICE_DEVICE_H

#include <linux/completion.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/types.h>

struct device;
struct file;
struct inode;
struct sluice_device;
struct sluice_group;
struct vm_area_struct;

/**
 * struct sluice_device_ops - what a bus driver does behind a device fd
 *
 * All members without "optional" are required. Unless said otherwise they are
 * called in process context, may sleep, hold no lock of the core, and only
 * between a successful @open and the end of @close.
 *
 * @name: the driver's name, for messages.
 * @open: the first fd of the device is being opened. The group is attached to
 *	a container that has an address space, so DMA is translated.
 *	Locks: the device's open lock is held.
 *	Result: 0, or the errno that open of the device is to fail with; the
 *	device is then as it was before.
 * @close: the last fd is gone. On return the device does no DMA (bus
 *	mastering off, reset if it can be), raises no interrupt, and none of its
 *	memory is mapped. Can't fail.
 *	Locks: the device's open lock is held.
 * @quiesce: the group is about to be released to the kernel, which may let
 *	its DMA through untranslated: switch bus mastering off, and that of the
 *	group's devices that have no driver. The device is closed. Can't fail.
 *	Locks: the group's lock is held.
 * @ioctl: a VFIO_DEVICE_* ioctl. Result: as ioctl(2), -ENOTTY if unknown.
 * @read: read(2) at an offset of the device fd.
 * @write: write(2) at an offset of the device fd.
 * @mmap: mmap(2) of a region. vma->vm_private_data is free for the driver.
 * @mmio_phys: physical address of the device memory that @mmap shows at @offset
 *	of the device fd, for peer-to-peer DMA. Asked whenever it is mapped: first
 *	by the user, and again each time that sluice_device_mmio_enable() follows
 *	sluice_device_mmio_revoke(). On success *@len (bytes, in: wanted, out:
 *	contiguous from there) is at least one page. Never called while the
 *	memory is revoked. Locks: the core's mmio lock is held: takes none of the
 *	driver's, and doesn't sleep for user space. Result: 0, or -EFAULT where
 *	there is no device memory, or it is about to be revoked.
 * @request: optional. The device is wanted back (its driver is being
 *	unbound); tell the user. @count is the number of earlier requests.
 *	May be called with the device closed.
 * @match: optional. Does @name (from VFIO_GROUP_GET_DEVICE_FD) name this
 *	device? Result: 1 yes, 0 no, errno to end the search. NULL: compare
 *	with dev_name(). May be called with the device closed.
 */
struct sluice_device_ops {
	const char *name;
	int (*open)(struct sluice_device *sdev);
	void (*close)(struct sluice_device *sdev);
	void (*quiesce)(struct sluice_device *sdev);
	long (*ioctl)(struct sluice_device *sdev, unsigned int cmd,
		      unsigned long arg);
	ssize_t (*read)(struct sluice_device *sdev, char __user *buf,
			size_t count, loff_t *ppos);
	ssize_t (*write)(struct sluice_device *sdev, const char __user *buf,
			 size_t count, loff_t *ppos);
	int (*mmap)(struct sluice_device *sdev, struct vm_area_struct *vma);
	int (*mmio_phys)(struct sluice_device *sdev, loff_t offset,
			 phys_addr_t *phys, size_t *len);
	void (*request)(struct sluice_device *sdev, unsigned int count);
	int (*match)(struct sluice_device *sdev, const char *name);
};

/**
 * struct sluice_device - a device that user space can own
 *
 * Embedded in the bus driver's own structure, which outlives
 * sluice_device_unregister().
 *
 * @dev: the device. Set by sluice_device_init().
 * @ops: the bus driver's callbacks. Set by sluice_device_init().
 * @group: the group it belongs to; constant while registered.
 * @group_node: link in the group's list of devices; the group's lock.
 * @open_lock: serialises open and close; guards @open_count.
 * @open_count: open device fds.
 * @refs: users that keep sluice_device_unregister() waiting.
 * @released: completed when @refs drops to zero.
 * @inode: its address_space is shared by all fds of the device, so that
 *	sluice_device_zap() finds every user mapping.
 * @mmio_turn: one withdrawal of the device's memory, or return, at a time.
 * @mmio_maps: peer-to-peer mappings of this device's memory; the core's mmio lock
 *	(core/mmio.c).
 * @mmio_revoked: those that are revoked; mmio lock.
 * @nr_mmio: how many there are; mmio lock.
 * @mmio_live: device memory may be mapped for peer-to-peer DMA; mmio lock.
 */
struct sluice_device {
	struct device *dev;
	const struct sluice_device_ops *ops;

	/* The core's own from here on. */
	struct sluice_group *group;
	struct list_head group_node;
	struct mutex open_lock;	/* open_count */
	unsigned int open_count;
	refcount_t refs;
	struct completion released;
	struct inode *inode;
	struct mutex mmio_turn;	/* withdrawal and return */
	struct list_head mmio_maps;
	struct list_head mmio_revoked;
	unsigned int nr_mmio;
	bool mmio_live;
};

/**
 * sluice_device_init - prepare a device for registration
 * @sdev: the device, zeroed
 * @dev: the underlying device
 * @ops: the bus driver's callbacks
 */
void sluice_device_init(struct sluice_device *sdev, struct device *dev,
			const struct sluice_device_ops *ops);

/**
 * sluice_device_register - offer a device to user space
 * @sdev: an initialised device
 *
 * Creates /dev/vfio/<group> if this is the group's first device.
 *
 * Context: the driver's probe, process context.
 * Return: 0; -EINVAL if the device has no IOMMU group, if a device's DMA is
 *	not coherent with the CPU's caches, or if an op is missing; -ENOMEM.
 */
int sluice_device_register(struct sluice_device *sdev);

/**
 * sluice_device_unregister - take a device back from user space
 * @sdev: a registered device
 *
 * No new fd can be opened from here on. Waits until the last one is closed,
 * asking the user to let go through &sluice_device_ops.request now and then.
 * After return no callback runs any more.
 *
 * Context: the driver's remove, process context, may take arbitrarily long.
 */
void sluice_device_unregister(struct sluice_device *sdev);

/**
 * sluice_device_mmio_enable - allow peer-to-peer maps of the device's memory
 * @sdev: the device
 *
 * To be called after memory decode went on, under the driver's own lock that
 * orders it against sluice_device_mmio_revoke(). A fresh device is revoked.
 * What was mapped before the last revocation, and hasn't been unmapped by its user, is
 * mapped again: at once, or soon after by a work item where the backend needs
 * memory for it.
 */
void sluice_device_mmio_enable(struct sluice_device *sdev);

/**
 * sluice_device_mmio_revoke - withdraw the device's memory from every IOMMU
 * @sdev: the device
 *
 * On return no IOMMU mapping of this device's memory is left in any address
 * space, the IOTLBs are flushed, and none comes or comes back until
 * sluice_device_mmio_enable(). After the last close none comes back at all. To be
 * called before memory decode goes off, before a reset, low power, close. Can't
 * fail. Takes the core's mmio lock.
 */
void sluice_device_mmio_revoke(struct sluice_device *sdev);

/**
 * sluice_device_zap - remove user mappings of the device's memory
 * @sdev: the device
 * @start: first byte, as an offset of the device fd
 * @len: bytes; 0 for everything from @start on
 *
 * The next access faults into the driver's vm_ops.
 */
void sluice_device_zap(struct sluice_device *sdev, loff_t start, loff_t len);

/**
 * sluice_file_is_group - is this an open /dev/vfio/<N>?
 * @file: any file
 *
 * Return: true if it is.
 */
bool sluice_file_is_group(struct file *file);

/**
 * sluice_file_has_device - does the group behind this fd hold the device?
 * @file: any file
 * @sdev: a registered device
 *
 * Return: true if @file is an open group fd and @sdev is in that group.
 */
bool sluice_file_has_device(struct file *file, struct sluice_device *sdev);

#endif /* SLUICE_DEVICE_H */
