/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The vfio-pci driver's own structures and the seams between its files.
 *
 * Owns: struct sluice_pci_device, the lock order, and the prototypes that one
 * file of this directory offers to the others. For this directory only.
 *
 * Files: main.c (binding), removal.c (what leaves together), denylist.c,
 * device.c (open, close, ioctls), region.c
 * (BARs and ROM), bar.c (a BAR by itself), mmap.c, config*.c (virtual
 * configuration space), irq.c (interrupt ioctls), intx.c and msi.c (delivery),
 * unmask.c (unmask by eventfd), reset.c, affected.c (what a bus reset hits),
 * bus_reset.c (for those without a reset of their own), sleep.c (the host's
 * suspend and shutdown).
 *
 * Lock order, outermost first:
 *
 *	device_lock(&pci->dev)			(driver core)
 *	  sluice_pci_list_lock			(main.c), nothing that waits inside
 *	    sdev.open_lock, the group's lock	(core; one or the other)
 *	    sluice_device_enter()		(core; waits for nobody)
 *	      irq_lock				mutex
 *	        unmask.c's list lock		mutex
 *	      config.lock			mutex (config.c)
 *	        memory_lock			rwsem
 *	          the core's mmio lock, i_mmap_rwsem
 *	            event_lock			spinlock
 *	              intx.lock			spinlock, irq-safe
 *	bar_lock				mutex, alone
 *
 * mmap_lock is taken before memory_lock (page faults), so nothing that can
 * fault on user memory may run under memory_lock or anything inside it; nor between
 * sluice_device_enter() and sluice_device_exit(), which the removal waits for. While
 * memory_lock, irq_lock or the open lock is held, the device lock may only be
 * tried: a remover holds it while it waits for the last close. Whoever saves a
 * device's configuration, or restores it, has the device lock or memory_lock
 * (sluice_pci_state_lock()): otherwise a reset could get in between.
 *
 * The PCI core reports errors with pci_bus_sem held, which it also takes on
 * its own below memory_lock. So of these locks the error callbacks (reset.c)
 * take only event_lock and those that zap and revoke take.
 */
#ifndef SLUICE_PCI_PRIVATE_H
#define SLUICE_PCI_PRIVATE_H

#include <linux/atomic.h>
#include <linux/eventfd.h>
#include <linux/irqbypass.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/vfio.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include <sluice/device.h>

#include "config.h"

/*
 * An offset of the device fd is a region's index and an offset in it. Known
 * programs have the 40 built in instead of asking for each region's offset.
 */
#define SLUICE_PCI_OFFSET_SHIFT		40
#define SLUICE_PCI_OFFSET_MASK		GENMASK_ULL(39, 0)

static inline unsigned int sluice_pci_offset_index(loff_t offset)
{
	return (u64)offset >> SLUICE_PCI_OFFSET_SHIFT;
}

static inline u64 sluice_pci_index_offset(unsigned int index)
{
	return (u64)index << SLUICE_PCI_OFFSET_SHIFT;
}

/**
 * struct sluice_pci_bar - one base address register of an open device
 * @claimed: the resource is ours; constant while open.
 * @mmap_len: bytes that can be mapped into user space, whole pages from the
 *	start; 0 if none. Constant while open.
 * @rest: what of these is beyond the BAR, if @rest.parent: ours, so that
 *	nothing else is placed where a user mapping would show it.
 * @io: kernel mapping, made at the first read or write; bar_lock.
 */
struct sluice_pci_bar {
	bool claimed;
	u64 mmap_len;
	struct resource rest;
	void __iomem *io;
};

/**
 * struct sluice_pci_unmask - an eventfd whose signal unmasks INTx
 * @ctx: the eventfd's context, with a reference; NULL: none. Changed with irq_lock
 *	and unmask.c's list lock held, read under either.
 * @hung_up: the eventfd was closed, and @wait is in no queue any more. Set by
 *	the wake-up, under the wait queue's lock; cleared under irq_lock.
 * @wait: our entry in the eventfd's wait queue, unless @hung_up.
 * @poll: used once, to be queued.
 */
struct sluice_pci_unmask {
	struct eventfd_ctx *ctx;
	bool hung_up;
	wait_queue_entry_t wait;
	poll_table poll;
};

/**
 * struct sluice_pci_intx - the legacy interrupt
 *
 * Hardware's INTx disable bit follows one rule: INTx can be raised only while
 * @active and neither @masked nor @virt_masked.
 *
 * @lock: guards the bools.
 * @active: requested, @trigger is to be signalled.
 * @maskable: masked in the device; else the line is ours alone and is masked
 *	at the interrupt controller. Constant while open.
 * @masked: by the user, or by the handler until the user unmasks.
 * @virt_masked: the user's view of PCI_COMMAND_INTX_DISABLE.
 * @line_off: disable_irq() has been called on the line (not @maskable).
 * @irq: Linux interrupt number; constant while @active.
 * @name: for /proc/interrupts.
 * @trigger: what to signal; changed with irq_lock and unmask.c's list lock held,
 *	read under either, and by the handler.
 * @resend: signals @trigger when unmasking found the line still asserted.
 * @unmask: the unmask eventfd, if @unmask.ctx; irq_lock.
 * @node: in the list of those that are enabled; unmask.c.
 */
struct sluice_pci_intx {
	spinlock_t lock;			/* innermost, irq-safe */
	bool active;
	bool maskable;
	bool masked;
	bool virt_masked;
	bool line_off;
	int irq;
	char *name;
	struct eventfd_ctx *trigger;
	struct work_struct resend;
	struct sluice_pci_unmask unmask;
	struct list_head node;
};

/**
 * enum sluice_pci_link - has an error cut the device off?
 * @SLUICE_PCI_LINK_UP: no
 * @SLUICE_PCI_LINK_FROZEN: yes; a reset of the link may follow at any time
 * @SLUICE_PCI_LINK_RECOVERED: no more, but the work item has yet to find out
 *	what the device has lost
 */
enum sluice_pci_link {
	SLUICE_PCI_LINK_UP,
	SLUICE_PCI_LINK_FROZEN,
	SLUICE_PCI_LINK_RECOVERED,
};

/* What kind of interrupt is enabled: a VFIO index, or none. */
#define SLUICE_PCI_IRQ_NONE		VFIO_PCI_NUM_IRQS

/**
 * struct sluice_pci_device - a PCI device bound to the vfio-pci driver
 * @sdev: what the core knows.
 * @pci: the device.
 * @node: link in the list of bound devices; sluice_pci_list_lock.
 * @removing: the driver is being unbound, by a task that holds the device lock
 *	until the last close is done.
 * @leaving: it is, or soon will be, taken off its bus.
 * @misses: how often it didn't answer; its remover's.
 * @config: virtual configuration space; config.c.
 * @memory_key: each device's memory_lock is a lock class of its own: a hot
 *	reset takes those of all functions on the bus, in the bus's order.
 * @memory_lock: read: touching the device's memory, or making it reachable by
 *	a page fault. Write: memory decode, power state, reset.
 * @ready: open, so that @config is valid; memory_lock.
 * @dead: the machine is being shut down; memory_lock.
 * @resetting: between reset_prepare and reset_done; the device lock.
 * @sleep_master: bus mastering was on when the host went to sleep; memory_lock.
 * @locked_bridge: locked together with the device, or NULL; the device lock.
 * @in_use: from the start of open to the end of close: not to be reset with its
 *	bus on behalf of others; changed under the device lock.
 * @unreset: has been used and couldn't be reset since; bus_reset.c.
 * @told_unreset: the log has it; the open lock, then the device lock (remove).
 * @link: enum sluice_pci_link. Set to UP under memory_lock or by open,
 *	otherwise without a lock; while it isn't UP, the memory can't be used.
 * @resume: the part of recovery from an error that needs memory_lock.
 * @reset_works: the device can be reset by itself; constant while open.
 * @saved_state: configuration space as found at open; the device lock.
 * @bar_lock: guards the io pointers of @bars.
 * @bars: base address registers.
 * @irq_lock: guards all interrupt set-up.
 * @irq_type: the index of the enabled kind, or SLUICE_PCI_IRQ_NONE; irq_lock.
 * @intx: the legacy interrupt.
 * @vectors: struct sluice_pci_vector by number, MSI or MSI-X; irq_lock.
 * @event_lock: guards @error_trigger against the error callbacks.
 * @error_trigger: signalled on a PCI error; changed with irq_lock and
 *	event_lock held, read under either.
 * @request_trigger: signalled when the device is wanted back; likewise.
 * @no_intx: INTx can't be used with this device.
 * @msix_bar: the BAR with the MSI-X table, or PCI_STD_NUM_BARS.
 * @msix_offset: of the table in its BAR.
 * @msix_size: of the table in bytes.
 * @msix_dynamic: vectors can be added while MSI-X is enabled.
 */
struct sluice_pci_device {
	struct sluice_device sdev;
	struct pci_dev *pci;
	struct list_head node;
	bool removing;
	bool leaving;
	unsigned int misses;

	struct sluice_pci_config config;

	struct lock_class_key memory_key;
	struct rw_semaphore memory_lock;
	bool ready;
	bool dead;
	bool resetting;
	bool sleep_master;
	struct pci_dev *locked_bridge;
	bool in_use;
	bool unreset;
	bool told_unreset;
	atomic_t link;
	struct work_struct resume;
	bool reset_works;
	struct pci_saved_state *saved_state;

	struct mutex bar_lock;			/* nothing inside */
	struct sluice_pci_bar bars[PCI_STD_NUM_BARS];

	struct mutex irq_lock;			/* outside memory_lock */
	unsigned int irq_type;
	struct sluice_pci_intx intx;
	struct xarray vectors;
	spinlock_t event_lock;			/* outside intx.lock */
	struct eventfd_ctx *error_trigger;
	struct eventfd_ctx *request_trigger;

	bool no_intx;
	u8 msix_bar;
	u32 msix_offset;
	u32 msix_size;
	bool msix_dynamic;
};

static inline struct sluice_pci_device *
to_sluice_pci_device(struct sluice_device *sdev)
{
	return container_of(sdev, struct sluice_pci_device, sdev);
}

/* main.c */

extern struct mutex sluice_pci_list_lock;
extern bool sluice_pci_nointxmask;
extern struct pci_driver sluice_pci_driver;

struct sluice_pci_device *sluice_pci_find_locked(struct pci_dev *pci);

/**
 * sluice_pci_want_each - begin the grace period of devices that leave their bus
 * @pci: passed to @goes
 * @goes: does the second one leave together with @pci?
 */
void sluice_pci_want_each(struct pci_dev *pci,
			  bool (*goes)(struct pci_dev *pci,
				       struct pci_dev *other));

/* denylist.c */

/**
 * sluice_pci_denied - is a device known to break isolation?
 * @pci: any device
 *
 * Says so in the log.
 *
 * Return: true if it must not be bound; false also if the administrator has
 *	overruled the list.
 */
bool sluice_pci_denied(struct pci_dev *pci);

/* removal.c */

/**
 * sluice_pci_removal_begin - the device is being taken away from the driver
 * @pdev: the device
 *
 * Begins the grace period of the devices that go with it, so that all of them have
 * one; and finds out whether it leaves its bus.
 *
 * Context: the driver's remove.
 */
void sluice_pci_removal_begin(struct sluice_pci_device *pdev);

/**
 * sluice_pci_leaves - is a device taken off its bus?
 * @pdev: the device
 *
 * Return: true if so; false, also if its driver is unbound only.
 */
bool sluice_pci_leaves(struct sluice_pci_device *pdev);

/**
 * sluice_pci_is_removed - is a device being removed through sysfs?
 * @pci: a device, its device lock held, or bound to this driver
 *
 * Return: true if so, or something above it is.
 */
bool sluice_pci_is_removed(struct pci_dev *pci);

/* sleep.c */

extern const struct dev_pm_ops sluice_pci_pm_ops;
void sluice_pci_shutdown(struct pci_dev *pci);

/* device.c */

extern const struct sluice_device_ops sluice_pci_device_ops;

/* config.c */

/**
 * sluice_pci_config_init - build the virtual configuration space
 * @pdev: the device, enabled and in D0
 *
 * Context: open; nothing else touches @pdev yet.
 * Return: 0, or -ENOMEM, or -EINVAL if the capability lists make no sense.
 */
int sluice_pci_config_init(struct sluice_pci_device *pdev);

/**
 * sluice_pci_config_deinit - free the virtual configuration space
 * @pdev: the device
 *
 * Context: close, or open that failed.
 */
void sluice_pci_config_deinit(struct sluice_pci_device *pdev);

/**
 * sluice_pci_config_rw - read(2) or write(2) of the configuration region
 * @pdev: the device
 * @buf: user memory
 * @count: bytes
 * @ppos: offset of the device fd (region index included), advanced
 * @write: direction
 *
 * Return: bytes moved, or -EFAULT, -EINVAL.
 */
ssize_t sluice_pci_config_rw(struct sluice_pci_device *pdev, char __user *buf,
			     size_t count, loff_t *ppos, bool write);

/**
 * sluice_pci_memory_enabled - does the device decode memory, as user sees it?
 * @pdev: the device, open
 *
 * Context: memory_lock held, for read at least.
 * Return: true if the memory bit of the command register is on, the device is
 *	in D0, and neither an error nor shutdown has taken it away.
 */
bool sluice_pci_memory_enabled(struct sluice_pci_device *pdev);

/* region.c */

/**
 * sluice_pci_memory_revoke - remove what reaches the device's memory by itself
 * @pdev: the device
 *
 * Removes every user mapping and every peer-to-peer DMA mapping of the BARs.
 *
 * Context: memory_lock held for write, or else whatever would let them come
 *	back (&sluice_pci_device.link) has been switched off before.
 */
void sluice_pci_memory_revoke(struct sluice_pci_device *pdev);

/**
 * sluice_pci_memory_lock_and_revoke - stop all use of the device's memory
 * @pdev: the device
 *
 * Takes memory_lock for write, then sluice_pci_memory_revoke(). To be called
 * before memory decode goes off or the device leaves D0. Not before a reset:
 * see sluice_pci_reset_function(), which must be called without memory_lock.
 */
void sluice_pci_memory_lock_and_revoke(struct sluice_pci_device *pdev);

/**
 * sluice_pci_memory_unlock - end what sluice_pci_memory_lock_and_revoke() began
 * @pdev: the device
 *
 * Allows peer-to-peer maps again if the device decodes memory by now, and
 * releases memory_lock. User mappings come back by page faults.
 */
void sluice_pci_memory_unlock(struct sluice_pci_device *pdev);

/**
 * struct sluice_pci_forced - what the user's view of the device doesn't show
 * @awake: it was in D3hot, and is to go back there.
 * @decode: its memory decode was off.
 */
struct sluice_pci_forced {
	bool awake;
	bool decode;
};

/**
 * sluice_pci_memory_lock_and_enable - let the kernel touch device memory
 * @pdev: the device
 *
 * Takes memory_lock for write, wakes the device and switches memory decode on
 * in hardware, whatever the user wants: the MSI-X table has to be reachable.
 *
 * Return: for sluice_pci_memory_unlock_and_restore().
 */
struct sluice_pci_forced
sluice_pci_memory_lock_and_enable(struct sluice_pci_device *pdev);

/**
 * sluice_pci_memory_unlock_and_restore - undo the above
 * @pdev: the device
 * @forced: what sluice_pci_memory_lock_and_enable() returned
 */
void sluice_pci_memory_unlock_and_restore(struct sluice_pci_device *pdev,
					  struct sluice_pci_forced forced);

void sluice_pci_regions_init(struct sluice_pci_device *pdev);
void sluice_pci_regions_deinit(struct sluice_pci_device *pdev);
u64 sluice_pci_bar_size(struct sluice_pci_device *pdev, unsigned int index);
u64 sluice_pci_rom_size(struct sluice_pci_device *pdev);
ssize_t sluice_pci_bar_rw(struct sluice_pci_device *pdev, char __user *buf,
			  size_t count, loff_t *ppos, bool write);
ssize_t sluice_pci_rom_read(struct sluice_pci_device *pdev, char __user *buf,
			    size_t count, loff_t *ppos);

/* bar.c */

/**
 * sluice_pci_bar_reserve - make what can be mapped of a BAR the BAR's alone
 * @res: the BAR, in the resource tree
 * @rest: becomes the rest of the page that the BAR ends in, which joins the tree
 *	if it has to be kept free
 *
 * Pages that begin with the BAR and in which nobody else is, or will be while
 * @rest is in the tree, can be mapped. All of the BAR's pages, or none: not of
 * ports, not if the BAR starts within a page (a region's mapping has no way to
 * say so), and not if somebody is in the rest already. It makes no difference
 * if that is another BAR of the same device.
 *
 * Return: bytes from the BAR's start on, a multiple of PAGE_SIZE; 0: none.
 */
u64 sluice_pci_bar_reserve(const struct resource *res, struct resource *rest);

/**
 * sluice_pci_bar_unreserve - undo sluice_pci_bar_reserve()
 * @rest: as it left it, or all 0
 */
void sluice_pci_bar_unreserve(struct resource *rest);

/**
 * sluice_pci_io_width - the widest access that is natural
 * @off: offset in the BAR
 * @count: bytes wanted, not 0
 * @mem: it's memory, not ports
 *
 * Return: 1, 2, 4 or 8, no more than @count, and @off is a multiple of it.
 */
size_t sluice_pci_io_width(u64 off, size_t count, bool mem);

/**
 * sluice_pci_io_load - one read access
 * @buf: the bytes in the order that the device, that is PCI, has them in
 * @io: the register
 * @width: as of sluice_pci_io_width()
 */
void sluice_pci_io_load(u8 *buf, void __iomem *io, size_t width);

/**
 * sluice_pci_io_store - one write access
 * @buf: the bytes in the order that the device, that is PCI, has them in
 * @io: the register
 * @width: as of sluice_pci_io_width()
 */
void sluice_pci_io_store(const u8 *buf, void __iomem *io, size_t width);

/* mmap.c */

int sluice_pci_mmap(struct sluice_device *sdev, struct vm_area_struct *vma);
vm_fault_t sluice_pci_fault(struct sluice_device *sdev, struct vm_fault *vmf);
int sluice_pci_mmio_phys(struct sluice_device *sdev, loff_t offset,
			 phys_addr_t *phys, size_t *len);

/* irq.c */

/**
 * sluice_pci_irq_check - validate the header of VFIO_DEVICE_SET_IRQS
 * @set: the header, as user space passed it
 * @max: interrupts that the index has
 * @data_size: bytes of data that follow the header and matter
 *
 * A function of its arguments only.
 *
 * Return: 0, or -EINVAL.
 */
int sluice_pci_irq_check(const struct vfio_irq_set *set, u32 max,
			 size_t *data_size);

unsigned int sluice_pci_irq_count(struct sluice_pci_device *pdev, u32 index);
bool sluice_pci_irq_known(struct sluice_pci_device *pdev, u32 index);
long sluice_pci_irq_set_ioctl(struct sluice_pci_device *pdev,
			      struct vfio_irq_set __user *arg);
void sluice_pci_irq_close(struct sluice_pci_device *pdev);
void sluice_pci_irq_error(struct sluice_pci_device *pdev);
void sluice_pci_irq_request(struct sluice_device *sdev, unsigned int count);

/* intx.c */

/**
 * sluice_pci_has_intx - can the legacy interrupt of the device be used?
 * @pdev: the device
 *
 * Return: false if the user is to see 0 in the interrupt pin register.
 */
bool sluice_pci_has_intx(struct sluice_pci_device *pdev);

/**
 * sluice_pci_intx_virt_mask - the user's view of INTx disable has changed
 * @pdev: the device, open
 * @masked: the virtual command register's PCI_COMMAND_INTX_DISABLE
 *
 * The bit in hardware belongs to intx.c: config.c never writes it.
 *
 * Context: any; config.c's locks may be held.
 */
void sluice_pci_intx_virt_mask(struct sluice_pci_device *pdev, bool masked);

void sluice_pci_intx_init(struct sluice_pci_device *pdev);
void sluice_pci_intx_open(struct sluice_pci_device *pdev);
void sluice_pci_intx_sync(struct sluice_pci_device *pdev);
int sluice_pci_intx_set(struct sluice_pci_device *pdev,
			const struct vfio_irq_set *set, const void *data);
void sluice_pci_intx_disable(struct sluice_pci_device *pdev);
void sluice_pci_intx_quiesce(struct sluice_pci_device *pdev);
void sluice_pci_intx_unmask(struct sluice_pci_device *pdev);

/* unmask.c */

/**
 * sluice_pci_intx_set_signal - choose what INTx signals
 * @pdev: the device, whose INTx counts as enabled from now on
 * @trigger: the eventfd, or NULL for none; the reference stays the caller's
 *
 * Context: irq_lock held.
 * Return: 0, or -EINVAL, with nothing changed, if @trigger unmasks the INTx of this
 *	device or another one.
 */
int sluice_pci_intx_set_signal(struct sluice_pci_device *pdev,
			       struct eventfd_ctx *trigger);

/**
 * sluice_pci_intx_clear_signal - INTx is no longer enabled, and signals nothing
 * @pdev: the device
 *
 * Context: irq_lock held.
 */
void sluice_pci_intx_clear_signal(struct sluice_pci_device *pdev);

/**
 * sluice_pci_unmask_attach - have an eventfd unmask INTx
 * @pdev: the device, with INTx enabled
 * @fd: the eventfd
 *
 * Context: irq_lock held.
 * Return: 0; -EBUSY if there is one that is still open; -EINVAL if the INTx of this
 *	device or another one signals it; or, for no eventfd, -EBADF or -EINVAL.
 */
int sluice_pci_unmask_attach(struct sluice_pci_device *pdev, int fd);
void sluice_pci_unmask_detach(struct sluice_pci_device *pdev);

/* msi.c */

int sluice_pci_msi_set(struct sluice_pci_device *pdev,
		       const struct vfio_irq_set *set, const void *data);
void sluice_pci_msi_disable(struct sluice_pci_device *pdev);

/* reset.c */

/**
 * sluice_pci_reset_function - reset the device by itself
 * @pdev: the device, open
 *
 * Configuration space is as before afterwards. reset_prepare and reset_done
 * (reset.c) revoke the device's memory and hold memory_lock during every
 * reset that the PCI core does, this one and those asked for elsewhere.
 *
 * Context: memory_lock not held.
 * Return: 0, -ENOTTY if there is no way to, -EAGAIN if the device lock is
 *	taken, or what the PCI core says.
 */
int sluice_pci_reset_function(struct sluice_pci_device *pdev);

/**
 * sluice_pci_state_lock - keep everybody else from resetting the device
 * @pdev: the device
 *
 * For whoever saves or restores its configuration without memory_lock. Takes
 * the device lock and stops user space's configuration accesses; before that the
 * same of the bridge above, if a reset of the device may be one of its bus. While
 * the device is being unbound the device lock is the remover's, who waits for us:
 * then it counts as held.
 *
 * Context: as close; memory_lock not held.
 * Return: 0; -EAGAIN if somebody has held the lock for 2 seconds.
 */
int sluice_pci_state_lock(struct sluice_pci_device *pdev);
void sluice_pci_state_unlock(struct sluice_pci_device *pdev);

/**
 * sluice_pci_reset_state_locked - sluice_pci_reset_function() for open and close
 * @pdev: the device, after sluice_pci_state_lock()
 *
 * A device that leaves its slot isn't reset by resetting the slot.
 *
 * Return: as there; -EAGAIN if the bridge above couldn't be locked.
 */
int sluice_pci_reset_state_locked(struct sluice_pci_device *pdev);

/**
 * sluice_pci_reset_rest - reset the bus if it helps and hits nobody
 * @pdev: the device, which nobody uses
 *
 * The last function to be closed resets those on its bus that couldn't be reset
 * by themselves. Logs once if @pdev isn't reset and won't be.
 *
 * Context: open or close, without sluice_pci_state_lock().
 */
void sluice_pci_reset_rest(struct sluice_pci_device *pdev);

void sluice_pci_resume_work(struct work_struct *work);
long sluice_pci_hot_reset_info(struct sluice_pci_device *pdev,
			       struct vfio_pci_hot_reset_info __user *arg);
long sluice_pci_hot_reset(struct sluice_pci_device *pdev,
			  struct vfio_pci_hot_reset __user *arg);
extern const struct pci_error_handlers sluice_pci_err_handlers;

/* affected.c */

/**
 * struct sluice_pci_affected - the devices that a reset of a bus or slot hits
 * @bus: that bus, or that of the slot.
 * @slot: only those in this slot; NULL: all below the bus. May be gone by now, unless
 *	one of the devices is locked.
 * @nr: how many there are.
 * @max: how many @devs has room for.
 * @devs: them, each with a reference, in the order of pci_walk_bus().
 */
struct sluice_pci_affected {
	struct pci_bus *bus;
	struct pci_slot *slot;
	unsigned int nr;
	unsigned int max;
	struct pci_dev **devs;
};

/**
 * sluice_pci_affected_init - what would a reset of the device's bus be?
 * @affected: to be filled in, but for the list
 * @pci: the device, bound
 *
 * Return: 0; -ENODEV if the device can't be reset this way.
 */
int sluice_pci_affected_init(struct sluice_pci_affected *affected,
			     struct pci_dev *pci);

/**
 * sluice_pci_affected_list - list what the reset would hit
 * @affected: after sluice_pci_affected_init()
 *
 * Context: something keeps the bus allocated, such as a reference on one of its
 *	devices. Takes pci_bus_sem.
 * Return: 0, -ENOMEM; -EAGAIN if devices come up faster than they can be counted.
 */
int sluice_pci_affected_list(struct sluice_pci_affected *affected);

/**
 * sluice_pci_affected_same - does the list still hold?
 * @pci: the device
 * @affected: what sluice_pci_affected_get() listed
 *
 * Return: true if so.
 */
bool sluice_pci_affected_same(struct pci_dev *pci,
			      const struct sluice_pci_affected *affected);
void sluice_pci_affected_put(struct sluice_pci_affected *affected);

/* bus_reset.c */

/**
 * sluice_pci_our_device - what is bound to a function, if it is this driver
 * @pci: the function, its device lock held
 *
 * Return: ours, or NULL.
 */
struct sluice_pci_device *sluice_pci_our_device(struct pci_dev *pci);

/* May they be reset? With the device lock of all of them. Return: 0, or an errno. */
typedef int sluice_pci_reset_check(struct sluice_pci_device *pdev,
				   const struct sluice_pci_affected *affected,
				   void *data);

/**
 * sluice_pci_reset_affected - reset a bus or slot
 * @pdev: a device on it
 * @affected: what the reset hits, not long ago
 * @removed: @pdev's, if a remover waits for the caller: then its device lock counts as
 *	held; else NULL
 * @check: asked if that is still so, with all locks
 * @data: for @check
 *
 * Configuration is as before afterwards. Only tries the locks.
 *
 * Return: 0; what @check says; -EAGAIN if a lock is taken, others are affected by
 *	now, or one is taken out of the slot; -ENOTTY, or what the PCI core says.
 */
int sluice_pci_reset_affected(struct sluice_pci_device *pdev,
			      struct sluice_pci_affected *affected,
			      struct pci_dev *removed,
			      sluice_pci_reset_check *check, void *data);

/**
 * sluice_pci_reset_unused_bus - reset a bus for those that need it
 * @pdev: a device on it, which nobody uses
 *
 * Only if nobody uses any of the devices that would be hit. Their
 * configuration is as before afterwards.
 *
 * Context: as close; no device lock held but a remover's of @pdev.
 * Return: 0; -EALREADY if nobody needs it; -EBUSY if a device is in use; -EPERM
 *	if one has another driver; -EAGAIN if a lock is taken; -ESHUTDOWN if the
 *	device leaves its slot; -ENODEV, -ENOTTY if hardware can't; -ENOMEM.
 */
int sluice_pci_reset_unused_bus(struct sluice_pci_device *pdev);

/**
 * sluice_pci_set_unreset - note that a device needs a reset, or no longer
 * @pdev: the device
 * @unreset: it has been used and not been reset
 */
void sluice_pci_set_unreset(struct sluice_pci_device *pdev, bool unreset);

/**
 * sluice_pci_forget_unreset - the device goes to another driver as it is
 * @pdev: the device, being unbound
 */
void sluice_pci_forget_unreset(struct sluice_pci_device *pdev);

#endif /* SLUICE_PCI_PRIVATE_H */
