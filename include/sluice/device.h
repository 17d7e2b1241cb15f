/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a device driver (pci/) and the core agree upon.
 *
 * Owns: the life of a device between a driver's probe and remove, and the
 * callbacks behind a device fd. Does not own: groups, containers and address
 * spaces (core/), nor anything that knows a bus (pci/).
 *
 * A removal doesn't wait for users for ever: after a grace period the device is
 * closed under their fds, and the driver forgets it. So whoever comes from an fd
 * uses the device only between sluice_device_enter() and sluice_device_exit(),
 * which the removal waits for. Users can hold back a copy from or to their memory
 * for as long as they like: none is made in between. What the driver keeps in the
 * structure around struct sluice_device can be read without that.
 */
#ifndef SLUICE_DEVICE_H
#define SLUICE_DEVICE_H

#include <linux/completion.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/lockdep_types.h>
#include <linux/mm_types.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct device;
struct file;
struct inode;
struct sluice_device;
struct sluice_group;
struct vm_fault;

/**
 * struct sluice_device_ops - what a bus driver does behind a device fd
 *
 * All members without "optional" are required. Unless said otherwise they are
 * called in process context, may sleep, hold no lock of the core, and only
 * between a successful @open and the end of @close.
 *
 * @owner: the driver's module. It stays while the device is open.
 * @name: the driver's name, for messages.
 * @open: the first fd of the device is being opened. The group is attached to
 *	a container that has an address space, so DMA is translated.
 *	Locks: the device's open lock is held.
 *	Result: 0, or the errno that open of the device is to fail with; the
 *	device is then as it was before.
 * @close: the last fd is gone, or the device is taken away from those who have
 *	one. On return the device does no DMA (bus
 *	mastering off, reset if it can be), raises no interrupt, and none of its
 *	memory is mapped. Can't fail. The time it takes is bounded.
 *	Locks: the device's open lock is held.
 * @quiesce: the device, or the whole group, is about to be released to the kernel,
 *	which may let its DMA through untranslated: switch bus mastering off, and that of the
 *	group's devices that have no driver. The device is closed. Can't fail.
 *	Locks: the group's lock is held.
 * @ioctl: a VFIO_DEVICE_* ioctl. Result: as ioctl(2), -ENOTTY if unknown. This
 *	and the next two may go on after @close, if the device is taken away: then
 *	sluice_device_enter() fails.
 * @read: read(2) at an offset of the device fd.
 * @write: write(2) at an offset of the device fd.
 * @mmap: mmap(2) of a region. vma->vm_ops and vma->vm_private_data are the core's.
 *	The core has entered the device.
 * @fault: the first access to a page of such a mapping. The core has entered the
 *	device. Locks: mmap_lock or the VMA's, for reading.
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
 *	May be called with the device closed, not after sluice_device_unregister().
 * @gone: optional. Has the hardware left already? Then its user isn't asked. Asked
 *	again and again during sluice_device_unregister().
 * @match: optional. Does @name (from VFIO_GROUP_GET_DEVICE_FD) name this
 *	device? Result: 1 yes, 0 no, errno to end the search. NULL: compare
 *	with dev_name(). May be called with the device closed.
 */
struct sluice_device_ops {
	struct module *owner;
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
	vm_fault_t (*fault)(struct sluice_device *sdev, struct vm_fault *vmf);
	int (*mmio_phys)(struct sluice_device *sdev, loff_t offset,
			 phys_addr_t *phys, size_t *len);
	void (*request)(struct sluice_device *sdev, unsigned int count);
	bool (*gone)(struct sluice_device *sdev);
	int (*match)(struct sluice_device *sdev, const char *name);
};

/**
 * struct sluice_device - a device that user space can own
 *
 * The first member of the bus driver's own structure, which comes from kmalloc().
 * The core frees that when the driver has given it up and the last fd is gone: fds of
 * a device that has been taken away need neither the device nor the driver.
 *
 * @dev: the device; not to be used after sluice_device_unregister(). Set by
 *	sluice_device_init().
 * @ops: the bus driver's callbacks. Set by sluice_device_init().
 * @ref: the driver, and each fd.
 * @group: the group it belongs to, a reference; constant from registration on.
 * @group_node: link in the group's list of devices; the group's lock.
 * @nr_fds: device fds that count, those that are being opened or closed included;
 *	the group's lock. 0 for a device that has been taken away.
 * @released: completed when @nr_fds drops to zero while the device isn't listed.
 * @open_lock: serialises open and close; guards @open_count, @opener.
 * @open_count: open device fds; 0 for a device that has been taken away.
 * @opener: who opened it first, since it was closed: a process in the first PID
 *	namespace; 0: nobody.
 * @opener_comm: and its name.
 * @revoked: nobody enters any more; set once.
 * @inside: who has entered, and one until @revoked.
 * @left: completed when @inside drops to zero.
 * @inside_map: to lockdep, entering is a lock that is waited for.
 * @ask: asks the user to let go, again and again.
 * @asked: how often it has.
 * @wanted_lock: guards the next three.
 * @registered: the device may be wanted.
 * @wanted: somebody wants it back.
 * @deadline: until when he waits, in jiffies.
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
	struct kref ref;
	struct sluice_group *group;
	struct list_head group_node;
	unsigned int nr_fds;
	struct completion released;
	struct mutex open_lock;	/* open_count, opener */
	unsigned int open_count;
	pid_t opener;
	char opener_comm[TASK_COMM_LEN];
	bool revoked;
	refcount_t inside;
	struct completion left;
	struct lockdep_map inside_map;
	struct delayed_work ask;
	unsigned int asked;
	spinlock_t wanted_lock;	/* registered, wanted, deadline */
	bool registered;
	bool wanted;
	unsigned long deadline;
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
 *
 * The caller has a reference, for sluice_device_put().
 */
void sluice_device_init(struct sluice_device *sdev, struct device *dev,
			const struct sluice_device_ops *ops);

/**
 * sluice_device_put - give up a reference
 * @sdev: an initialised device; the driver's reference ends after
 *	sluice_device_unregister(), or if that was never registered
 *
 * With the last one the structure that begins with @sdev is freed, by kfree().
 */
void sluice_device_put(struct sluice_device *sdev);

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
 * sluice_device_want - start the grace period of a device
 * @sdev: a registered device
 *
 * Its user is asked to let it go, through &sluice_device_ops.request, now and again
 * until the period ends. For devices that will be unregistered soon, together with
 * another one. Does nothing if that was done already, or the device isn't registered.
 *
 * Context: any that may take a spinlock.
 */
void sluice_device_want(struct sluice_device *sdev);

/**
 * sluice_device_unregister - take a device back from user space
 * @sdev: a registered device
 *
 * No new fd can be opened from here on. Waits until the last one is closed, but
 * no longer than the grace period, which sluice_device_want() starts: the parameter
 * removal_grace says how long it is. It ends early if the
 * hardware has left or the calling task is being killed. Then the device is taken away:
 * it is closed, and its fds answer -ENODEV from there on, its mappings SIGBUS.
 * After return no callback runs any more, except in the middle of an ioctl, a read or
 * a write that is copying from or to user space: the module stays for that long.
 *
 * Context: the driver's remove, process context. Takes the grace period, and what
 *	&sluice_device_ops.close takes.
 */
void sluice_device_unregister(struct sluice_device *sdev);

/**
 * sluice_device_enter - begin to use the device on behalf of an fd
 * @sdev: the device, kept by the fd
 *
 * A removal waits for sluice_device_exit(), so no user memory may be touched until
 * then. Doesn't nest.
 *
 * Return: 0, or -ENODEV if the device has been taken away.
 */
int sluice_device_enter(struct sluice_device *sdev);

/**
 * sluice_device_exit - end what sluice_device_enter() began
 * @sdev: the device
 */
void sluice_device_exit(struct sluice_device *sdev);

/**
 * sluice_device_revoked - is the device being taken away?
 * @sdev: the device
 *
 * For those who have entered it for long: somebody waits for them.
 *
 * Return: true if so.
 */
static inline bool sluice_device_revoked(const struct sluice_device *sdev)
{
	return READ_ONCE(sdev->revoked);
}

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
 * The next access ends in &sluice_device_ops.fault.
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
