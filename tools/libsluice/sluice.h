/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libsluice: own a PCI device from user space.
 *
 * This file owns the library's whole interface: containers, devices, regions,
 * interrupts and binding, as thin objects over the container/group/device ABI
 * of <linux/vfio.h>. It needs no other kernel header, so the same program runs
 * on Sluice and on the kernel's VFIO. It does not own policy: which device,
 * which memory and which IOVA are the caller's choice.
 */
#ifndef SLUICE_H
#define SLUICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/sluice.h>
#include <linux/vfio.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * DOC: libsluice
 *
 * Order of calls::
 *
 *	sluice_bind(addr, &binding);		// hand the device to vfio-pci
 *	sluice_container_open(&container);	// an address space
 *	sluice_device_open(&dev, &container, addr);
 *	sluice_dma_map(&container, buf, iova, size, SLUICE_DMA_RW);
 *	sluice_irq_enable(&dev, VFIO_PCI_MSIX_IRQ_INDEX, 0, 1, &eventfd);
 *	sluice_region_mmap(&dev, VFIO_PCI_BAR0_REGION_INDEX, 0, 0, &bar, &len);
 *	...
 *	sluice_device_close(&dev);
 *	sluice_container_close(&container);
 *	sluice_bind_restore(&binding);
 *
 * Errors: every function that can fail returns 0 (or a count) on success and
 * a negative errno otherwise. errno itself is not part of the interface. An
 * errno that the kernel returned is passed on as it is.
 *
 * File descriptors: the @fd members may be used directly for an ioctl that
 * the library doesn't wrap; the library keeps ownership. All are opened with
 * O_CLOEXEC.
 *
 * Threads: the library keeps no global state. sluice_dma_map(),
 * sluice_dma_unmap(), and all region and interrupt calls may run in parallel;
 * opening and closing objects of one container may not.
 */

/** SLUICE_ADDR_LEN - room for "dddd:bb:dd.f" with the terminating zero */
#define SLUICE_ADDR_LEN 16

struct sluice_group;
struct sluice_spapr;

/**
 * struct sluice_container - an I/O address space
 * @fd: the descriptor of /dev/vfio/vfio
 * @iommu_type: VFIO_*_IOMMU that was set; 0 while none is
 * @groups: groups attached through this object, each opened once
 * @spapr: what is registered and mapped, if the type is IBM POWER's
 */
struct sluice_container {
	int fd;
	uint32_t iommu_type;
	struct sluice_group *groups;
	struct sluice_spapr *spapr;
};

/**
 * struct sluice_iommu_info - what a container's IOMMU can do
 * @page_sizes: bit mask of the page sizes that a mapping may consist of
 * @dma_avail: mappings that may still be created; UINT32_MAX if not limited
 *	or not reported
 * @nr_ranges: entries in @ranges; 0 if the kernel doesn't report them
 * @ranges: usable addresses, ascending, allocated by sluice_iommu_info_get()
 */
struct sluice_iommu_info {
	uint64_t page_sizes;
	uint32_t dma_avail;
	uint32_t nr_ranges;
	struct sluice_iova_range *ranges;
};

/**
 * struct sluice_device - an assigned PCI device
 * @fd: the device's descriptor
 * @container: where its DMA goes; must outlive the device
 * @group: its group, shared with the other devices of that group
 * @flags: VFIO_DEVICE_FLAGS_*
 * @num_regions: regions, by VFIO_PCI_*_REGION_INDEX
 * @num_irqs: interrupt types, by VFIO_PCI_*_IRQ_INDEX
 * @addr: PCI address, "dddd:bb:dd.f"
 */
struct sluice_device {
	int fd;
	struct sluice_container *container;
	struct sluice_group *group;
	uint32_t flags;
	uint32_t num_regions;
	uint32_t num_irqs;
	char addr[SLUICE_ADDR_LEN];
};

/**
 * struct sluice_region - a region of a device
 * @flags: VFIO_REGION_INFO_FLAG_*
 * @size: bytes; 0 if the device doesn't have this region
 * @offset: where it begins in the device's descriptor
 */
struct sluice_region {
	uint32_t flags;
	uint64_t size;
	uint64_t offset;
};

/**
 * struct sluice_regs - registers in a BAR, see sluice_regs_open()
 * @dev: the device
 * @index: VFIO_PCI_BARx_REGION_INDEX
 * @ptr: the BAR, mapped; NULL if it can't be
 * @size: bytes
 */
struct sluice_regs {
	struct sluice_device *dev;
	uint32_t index;
	void *ptr;
	size_t size;
};

/**
 * struct sluice_irq - an interrupt type of a device
 * @flags: VFIO_IRQ_INFO_*
 * @count: vectors; 0 if the device doesn't have this type
 */
struct sluice_irq {
	uint32_t flags;
	uint32_t count;
};

/**
 * struct sluice_binding - what sluice_bind() changed
 * @addr: PCI address
 * @driver: the driver it took the device from; empty if there was none
 * @override: driver_override as it was; empty if there was none
 * @bound: whether the device was rebound (if not, it was ours already)
 */
struct sluice_binding {
	char addr[SLUICE_ADDR_LEN];
	char driver[64];
	char override[64];
	bool bound;
};

/* ------------------------------------------------------------ container */

/**
 * sluice_container_open() - create an empty address space
 * @c: filled in
 *
 * Return: 0; -ENOENT if the kernel has neither Sluice nor VFIO; -EACCES if
 * /dev/vfio/vfio may not be opened; -EPROTO if its API version isn't known.
 */
int sluice_container_open(struct sluice_container *c);

/**
 * sluice_container_close() - destroy an address space with all its mappings
 * @c: its devices must have been closed
 *
 * Groups that were attached with sluice_group_attach() are released.
 */
void sluice_container_close(struct sluice_container *c);

/**
 * sluice_container_check_extension() - ask for a VFIO_*_IOMMU or feature
 * @c: container
 * @extension: VFIO_TYPE1v2_IOMMU, VFIO_UNMAP_ALL and so on
 *
 * Return: 0 or 1 (or what the extension defines), or a negative errno.
 */
int sluice_container_check_extension(struct sluice_container *c,
				     uint32_t extension);

/**
 * sluice_container_set_iommu() - choose the IOMMU type
 * @c: container with at least one group attached
 * @type: VFIO_TYPE1v2_IOMMU and so on
 *
 * sluice_device_open() does this (with the first of VFIO_TYPE1v2_IOMMU,
 * VFIO_TYPE1_IOMMU and VFIO_SPAPR_TCE_v2_IOMMU that there is) if the caller didn't.
 *
 * With VFIO_SPAPR_TCE_v2_IOMMU, the type of IBM POWER, the library sees to what is
 * different there: sluice_dma_map() registers memory, sluice_dma_unmap() ends that
 * when nothing of it is mapped any more. Of the windows only the default one is
 * used (sluice_iommu_info_get() tells where it is; often the first GiB). A child
 * that inherits such a container can't use it.
 *
 * Return: 0; -EINVAL if there is no group or a type is set already; -EPERM if
 * the interrupts of a group aren't isolated.
 */
int sluice_container_set_iommu(struct sluice_container *c, uint32_t type);

/**
 * sluice_group_attach() - open a device's group and put it into a container
 * @c: container
 * @addr: PCI address of any device of the group
 *
 * The container keeps the group until sluice_group_detach() or
 * sluice_container_close(). A group that is attached already is left alone.
 * sluice_device_open() does this where necessary.
 *
 * Return: 0; otherwise as sluice_device_open().
 */
int sluice_group_attach(struct sluice_container *c, const char *addr);

/**
 * sluice_group_detach() - take a device's group out of a container
 * @c: container
 * @addr: PCI address of any device of the group
 *
 * Return: 0; -ENOENT if the group isn't in @c; -EBUSY if one of its devices
 * is still open.
 */
int sluice_group_detach(struct sluice_container *c, const char *addr);

/**
 * sluice_group_fd() - the descriptor of a device's group
 * @c: container that the group is attached to
 * @addr: PCI address of any device of the group
 *
 * Return: the descriptor (still the library's); -ENOENT if it isn't in @c.
 */
int sluice_group_fd(struct sluice_container *c, const char *addr);

/**
 * sluice_group_id() - the number N of /dev/vfio/N
 * @addr: PCI address
 *
 * Return: the number; -ENODEV if there is no such device; -ENXIO if it is in
 * no IOMMU group.
 */
int sluice_group_id(const char *addr);

/**
 * sluice_iommu_info_get() - page sizes, limits and usable addresses
 * @c: container with an IOMMU type set
 * @info: filled in; release with sluice_iommu_info_put()
 *
 * Return: 0 or a negative errno.
 */
int sluice_iommu_info_get(struct sluice_container *c,
			  struct sluice_iommu_info *info);

/**
 * sluice_iommu_info_put() - free what sluice_iommu_info_get() allocated
 * @info: zeroed
 */
void sluice_iommu_info_put(struct sluice_iommu_info *info);

/**
 * sluice_iova_find() - the lowest usable address at or above a minimum
 * @info: from sluice_iommu_info_get()
 * @min: don't answer with less than this
 * @size: bytes that must be usable
 * @align: power of two
 * @iova: the answer
 *
 * Knows nothing of what has been mapped: that is the caller's bookkeeping.
 *
 * Return: 0; -ENOSPC if no range has room; -EINVAL for a zero @size or an
 * @align that isn't a power of two.
 */
int sluice_iova_find(const struct sluice_iommu_info *info, uint64_t min,
		     uint64_t size, uint64_t align, uint64_t *iova);

/* -------------------------------------------------------------- mapping */

/** SLUICE_DMA_READ - the device may read the memory */
#define SLUICE_DMA_READ VFIO_DMA_MAP_FLAG_READ
/** SLUICE_DMA_WRITE - the device may write the memory */
#define SLUICE_DMA_WRITE VFIO_DMA_MAP_FLAG_WRITE
/** SLUICE_DMA_RW - both */
#define SLUICE_DMA_RW (SLUICE_DMA_READ | SLUICE_DMA_WRITE)

/**
 * sluice_dma_map() - let the container's devices reach memory
 * @c: container
 * @vaddr: page aligned; the memory is pinned until it is unmapped
 * @iova: page aligned address the devices use
 * @size: multiple of the page size
 * @prot: SLUICE_DMA_READ, SLUICE_DMA_WRITE or both
 *
 * Return: 0; -EEXIST if part of the range is mapped; -ENOMEM if
 * RLIMIT_MEMLOCK would be exceeded; -EINVAL if something isn't aligned or the
 * range isn't usable (VFIO_SPAPR_TCE_v2_IOMMU: also -ENXIO); -EFAULT if the memory
 * can't be pinned so (VFIO_SPAPR_TCE_v2_IOMMU: it must be writable whatever @prot
 * says).
 */
int sluice_dma_map(struct sluice_container *c, const void *vaddr, uint64_t iova,
		   uint64_t size, uint32_t prot);

/**
 * sluice_dma_unmap() - take the memory away again
 * @c: container
 * @iova: first address
 * @size: bytes; gaps are allowed
 * @unmapped: if not NULL, how many bytes were mapped
 *
 * When this returns, no device can reach the memory any more.
 *
 * Return: 0; -EINVAL if a mapping would be cut (but for TYPE1, which lets it be).
 */
int sluice_dma_unmap(struct sluice_container *c, uint64_t iova, uint64_t size,
		     uint64_t *unmapped);

/**
 * sluice_dma_unmap_all() - take all memory away
 * @c: container
 * @unmapped: if not NULL, how many bytes were mapped
 *
 * Return: 0; -EOPNOTSUPP if the kernel doesn't have VFIO_UNMAP_ALL.
 */
int sluice_dma_unmap_all(struct sluice_container *c, uint64_t *unmapped);

/* --------------------------------------------------------------- device */

/**
 * sluice_device_open() - take a device
 * @dev: filled in
 * @c: container; the device's group is attached to it if it isn't yet
 * @addr: PCI address, "dddd:bb:dd.f" or "bb:dd.f"; bound to vfio-pci
 *
 * Several devices of one group share the group's descriptor.
 *
 * Return: 0, or
 *
 * * -EINVAL: @addr isn't a PCI address
 * * -ENODEV: there is no such device
 * * -ENXIO: the device is in no IOMMU group (is the IOMMU enabled?)
 * * -ENOENT: it has no /dev/vfio/N (not bound to vfio-pci?)
 * * -EACCES: /dev/vfio/N may not be opened
 * * -EBUSY: another process has the group
 * * -EADDRINUSE: another device of the group is used by a host driver
 * * -EPERM: its interrupts aren't isolated
 * * -EOPNOTSUPP: the kernel has none of the IOMMU types that the library knows
 *
 * and whatever else the kernel returns. sluice_open_strerror() words these.
 */
int sluice_device_open(struct sluice_device *dev, struct sluice_container *c,
		       const char *addr);

/**
 * sluice_device_close() - give a device back
 * @dev: no longer usable; memory mapped from it must be unmapped before
 *
 * The kernel resets it. Its group leaves the container with its last device,
 * unless it was attached by sluice_group_attach().
 */
void sluice_device_close(struct sluice_device *dev);

/**
 * sluice_device_reset() - function-level (or equivalent) reset
 * @dev: device
 *
 * Return: 0; -ENOTTY or -EINVAL if it has no way to be reset by itself.
 */
int sluice_device_reset(struct sluice_device *dev);

/**
 * sluice_open_strerror() - what went wrong, and what to do about it
 * @err: a negative errno from sluice_container_open(), sluice_group_attach()
 *	or sluice_device_open()
 *
 * Return: a sentence, for a person.
 */
const char *sluice_open_strerror(int err);

/* -------------------------------------------------------------- regions */

/**
 * sluice_region_get() - describe a region
 * @dev: device
 * @index: VFIO_PCI_*_REGION_INDEX
 * @region: filled in
 *
 * Return: 0; -EINVAL if there is no such index.
 */
int sluice_region_get(struct sluice_device *dev, uint32_t index,
		      struct sluice_region *region);

/**
 * sluice_region_mmap() - map (part of) a region
 * @dev: device
 * @index: VFIO_PCI_BARx_REGION_INDEX
 * @offset: page aligned
 * @size: bytes, or 0 for all from @offset
 * @ptr: the mapping
 * @len: its length, for munmap()
 *
 * Return: 0; -EOPNOTSUPP if this region can only be read and written.
 */
int sluice_region_mmap(struct sluice_device *dev, uint32_t index,
		       uint64_t offset, uint64_t size, void **ptr, size_t *len);

/**
 * sluice_region_read() - read from a region
 * @dev: device
 * @index: VFIO_PCI_*_REGION_INDEX
 * @offset: in the region
 * @buf: destination
 * @len: bytes
 *
 * Return: 0; -EIO if the kernel read less than @len.
 */
int sluice_region_read(struct sluice_device *dev, uint32_t index,
		       uint64_t offset, void *buf, size_t len);

/**
 * sluice_region_write() - write to a region
 * @dev: device
 * @index: VFIO_PCI_*_REGION_INDEX
 * @offset: in the region
 * @buf: source
 * @len: bytes
 *
 * Return: 0; -EIO if the kernel wrote less than @len.
 */
int sluice_region_write(struct sluice_device *dev, uint32_t index,
			uint64_t offset, const void *buf, size_t len);

/**
 * sluice_regs_open() - get at the registers in a BAR, in whichever way there is
 * @regs: filled in
 * @dev: device; must outlive @regs
 * @index: VFIO_PCI_BARx_REGION_INDEX
 *
 * Maps the BAR if the kernel allows it. It may not, since a BAR that is smaller
 * than a page can share it with another; then accesses are calls.
 *
 * Return: 0; -ENOENT if the device doesn't have this BAR.
 */
int sluice_regs_open(struct sluice_regs *regs, struct sluice_device *dev,
		     uint32_t index);

/**
 * sluice_regs_close() - the opposite
 * @regs: zeroed; may be already
 */
void sluice_regs_close(struct sluice_regs *regs);

/**
 * sluice_regs_read32() - read a little-endian register
 * @regs: registers
 * @offset: in the BAR, a multiple of 4; not checked if the BAR is mapped
 *
 * What the caller reads from memory afterwards isn't older than this.
 *
 * Return: the value in the CPU's byte order; all ones if it can't be read.
 */
uint32_t sluice_regs_read32(const struct sluice_regs *regs, uint64_t offset);

/**
 * sluice_regs_write32() - write a little-endian register
 * @regs: registers
 * @offset: in the BAR, a multiple of 4; not checked if the BAR is mapped
 * @value: in the CPU's byte order
 *
 * The device sees what the caller has written to memory before.
 */
void sluice_regs_write32(const struct sluice_regs *regs, uint64_t offset,
			 uint32_t value);

/**
 * sluice_config_read() - read a register of PCI configuration space
 * @dev: device
 * @offset: register
 * @width: 1, 2 or 4 bytes
 * @value: in the CPU's byte order
 *
 * Return: 0; -EINVAL for another @width.
 */
int sluice_config_read(struct sluice_device *dev, uint32_t offset,
		       unsigned int width, uint32_t *value);

/**
 * sluice_config_write() - write a register of PCI configuration space
 * @dev: device
 * @offset: register
 * @width: 1, 2 or 4 bytes
 * @value: in the CPU's byte order
 *
 * Return: 0; -EINVAL for another @width.
 */
int sluice_config_write(struct sluice_device *dev, uint32_t offset,
			unsigned int width, uint32_t value);

/**
 * sluice_device_set_bus_master() - allow or forbid DMA and MSIs
 * @dev: device
 * @on: the new state
 *
 * Also enables memory decoding when @on, which mapped BARs need.
 *
 * Return: 0 or a negative errno.
 */
int sluice_device_set_bus_master(struct sluice_device *dev, bool on);

/* ----------------------------------------------------------- interrupts */

/**
 * sluice_irq_get() - describe an interrupt type
 * @dev: device
 * @index: VFIO_PCI_*_IRQ_INDEX
 * @irq: filled in
 *
 * Return: 0; -EINVAL if there is no such index.
 */
int sluice_irq_get(struct sluice_device *dev, uint32_t index,
		   struct sluice_irq *irq);

/**
 * sluice_irq_enable() - have interrupts signal eventfds
 * @dev: device
 * @index: VFIO_PCI_INTX_IRQ_INDEX, _MSI_, _MSIX_, _ERR_ or _REQ_
 * @start: first vector
 * @count: vectors
 * @eventfds: one per vector; -1 takes a vector's eventfd away
 *
 * One type is enabled at a time. With INTx each interrupt leaves it masked:
 * sluice_irq_unmask() lets the next one come.
 *
 * Return: 0 or a negative errno.
 */
int sluice_irq_enable(struct sluice_device *dev, uint32_t index, uint32_t start,
		      uint32_t count, const int *eventfds);

/**
 * sluice_irq_disable() - disable an interrupt type
 * @dev: device
 * @index: VFIO_PCI_*_IRQ_INDEX
 *
 * Return: 0 or a negative errno.
 */
int sluice_irq_disable(struct sluice_device *dev, uint32_t index);

/**
 * sluice_irq_mask() - mask a vector
 * @dev: device
 * @index: VFIO_PCI_*_IRQ_INDEX with VFIO_IRQ_INFO_MASKABLE
 * @vector: vector
 *
 * Return: 0 or a negative errno.
 */
int sluice_irq_mask(struct sluice_device *dev, uint32_t index, uint32_t vector);

/**
 * sluice_irq_unmask() - unmask a vector
 * @dev: device
 * @index: VFIO_PCI_*_IRQ_INDEX with VFIO_IRQ_INFO_MASKABLE
 * @vector: vector
 *
 * Return: 0 or a negative errno.
 */
int sluice_irq_unmask(struct sluice_device *dev, uint32_t index,
		      uint32_t vector);

/**
 * sluice_irq_unmask_eventfd() - unmask INTx whenever an eventfd is signalled
 * @dev: device
 * @eventfd: -1 to end it
 *
 * Return: 0 or a negative errno.
 */
int sluice_irq_unmask_eventfd(struct sluice_device *dev, int eventfd);

/**
 * sluice_irq_trigger() - signal a vector's eventfd as if the device had
 * @dev: device
 * @index: VFIO_PCI_*_IRQ_INDEX
 * @vector: enabled vector
 *
 * Return: 0 or a negative errno.
 */
int sluice_irq_trigger(struct sluice_device *dev, uint32_t index,
		       uint32_t vector);

/**
 * sluice_eventfd_wait() - wait for an eventfd and reset it
 * @eventfd: eventfd, blocking or not
 * @timeout_ms: longest time to wait; -1 for ever
 * @count: if not NULL, how often it was signalled
 *
 * Return: 0; -ETIMEDOUT.
 */
int sluice_eventfd_wait(int eventfd, int timeout_ms, uint64_t *count);

/* -------------------------------------------------------------- binding */

/**
 * sluice_bind() - bind a device to vfio-pci
 * @addr: PCI address
 * @binding: filled in, for sluice_bind_restore()
 *
 * Uses driver_override, so no other device is touched.
 *
 * Return: 0; -EINVAL or -ENODEV as sluice_device_open(); -ENOENT if the
 * kernel has no vfio-pci driver or it refused the device; -EACCES without
 * privilege.
 */
int sluice_bind(const char *addr, struct sluice_binding *binding);

/**
 * sluice_bind_restore() - give a device back to the driver it came from
 * @binding: from sluice_bind()
 *
 * Return: 0 or a negative errno.
 */
int sluice_bind_restore(const struct sluice_binding *binding);

#ifdef __cplusplus
}
#endif

#endif /* SLUICE_H */
