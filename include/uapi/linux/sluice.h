/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Sluice: what a container offers beyond linux/vfio.h.
 *
 * A container (an open /dev/vfio/vfio) whose type is SLUICE_UNIFIED_IOMMU holds
 * an address space that behaves the same on every family of IOMMUs. All ioctls
 * here are the container's. See Documentation/abi.md for what they have in common.
 */
#ifndef _UAPI_LINUX_SLUICE_H
#define _UAPI_LINUX_SLUICE_H

#include <linux/ioctl.h>
#include <linux/types.h>

/*
 * For VFIO_CHECK_EXTENSION and VFIO_SET_IOMMU: the unified type. Unlike with the
 * other types, SET_IOMMU needs no group: memory can be registered before there is
 * one. The process that calls it is the space's owner: only its memory can be
 * registered and mapped by address.
 */
#define SLUICE_UNIFIED_IOMMU	0x5355

/* The type character is VFIO's and iommufd's, which use other numbers of it. */
#define SLUICE_TYPE	';'
#define SLUICE_BASE	0xc0

/*
 * Every structure begins with argsz, which the caller sets to the structure's
 * size, and flags. Flags and reserved fields that aren't known must be 0, otherwise
 * the ioctl fails with EINVAL. Sizes, offsets and addresses are bytes.
 *
 * Errors that every ioctl can return: EFAULT if the argument can't be read or
 * written; EINVAL if argsz is too small, for unknown flags, or if the container has
 * no type yet; ENOTTY if its type doesn't have the ioctl; EINTR if the process was
 * killed meanwhile.
 */

/* What a device may do. */
#define SLUICE_READ		(1 << 0)	/* read from the memory */
#define SLUICE_WRITE		(1 << 1)	/* write to it */

/**
 * struct sluice_mem_register - pin memory, for any number of maps
 * @argsz: sizeof(struct sluice_mem_register)
 * @flags: SLUICE_READ, SLUICE_WRITE: what maps of it may allow; at least one.
 *	With SLUICE_WRITE the process must be allowed to write there
 * @vaddr: address in the calling process; a multiple of the page size
 * @size: bytes; a multiple of the page size, not 0
 * @handle: returned: the memory's name in this container, not 0
 * @reserved: 0
 *
 * The memory is pinned and charged to RLIMIT_MEMLOCK once, here. A change of the
 * process's address space (munmap, fork with copy on write) doesn't change what
 * the handle means: the pages that were there now. The same memory can be
 * registered several times. Before the container has had a group, the memory also counts
 * in a sum for all processes of the user, which RLIMIT_MEMLOCK limits, too.
 *
 * Errors: EINVAL: alignment, size, overflow; EFAULT: not all of it can be pinned
 * with these rights; ENOMEM: no memory, or RLIMIT_MEMLOCK; EPERM: the process isn't
 * the owner of the space; ENOSPC: too many handles.
 */
struct sluice_mem_register {
	__u32 argsz;
	__u32 flags;
	__u64 vaddr;
	__u64 size;
	__u32 handle;
	__u32 reserved;
};

#define SLUICE_MEM_REGISTER	_IO(SLUICE_TYPE, SLUICE_BASE + 0)

/**
 * struct sluice_mem_unregister - let go of registered memory
 * @argsz: sizeof(struct sluice_mem_unregister)
 * @flags: 0
 * @handle: from SLUICE_MEM_REGISTER
 * @reserved: 0
 *
 * Errors: ENOENT: no such handle; EBUSY: a page of it is mapped by handle, and no
 * other registration with the same rights has that page; ENOMEM: no memory to find
 * that out. Nothing changes then.
 */
struct sluice_mem_unregister {
	__u32 argsz;
	__u32 flags;
	__u32 handle;
	__u32 reserved;
};

#define SLUICE_MEM_UNREGISTER	_IO(SLUICE_TYPE, SLUICE_BASE + 1)

/**
 * struct sluice_iova_range - IOVAs
 * @start: first
 * @last: last, inclusive
 */
struct sluice_iova_range {
	__u64 start;
	__u64 last;
};

/**
 * struct sluice_window - a window: IOVAs that can be mapped
 * @start: first IOVA
 * @last: last IOVA, inclusive
 * @page_lg2: log2 of the unit of mapping
 * @reserved: 0
 */
struct sluice_window {
	__u64 start;
	__u64 last;
	__u32 page_lg2;
	__u32 reserved;
};

/**
 * struct sluice_window_query - where windows are, and where they can be
 * @argsz: sizeof(struct sluice_window_query)
 * @flags: 0
 * @ranges: address of an array of &struct sluice_iova_range: filled with the IOVAs
 *	that all groups of the container can use
 * @windows: address of an array of &struct sluice_window: filled with the windows
 *	there are
 * @nr_ranges: room in @ranges; returned: how many there are. Those there is no
 *	room for are left out
 * @nr_windows: the same for @windows
 * @max_windows: returned: how many windows there can be at a time
 * @reserved: 0
 * @page_sizes: returned: bit n: a window can have pages of 2^n bytes
 *
 * Without a group, and if there never was one, there are no ranges.
 *
 * Errors: ENOMEM.
 */
struct sluice_window_query {
	__u32 argsz;
	__u32 flags;
	__u64 ranges;
	__u64 windows;
	__u32 nr_ranges;
	__u32 nr_windows;
	__u32 max_windows;
	__u32 reserved;
	__u64 page_sizes;
};

#define SLUICE_WINDOW_QUERY	_IO(SLUICE_TYPE, SLUICE_BASE + 2)

/* Where the window begins is for the caller to say, not for the kernel. */
#define SLUICE_WINDOW_FIXED	(1 << 0)

/**
 * struct sluice_window_create - make a window
 * @argsz: sizeof(struct sluice_window_create)
 * @flags: SLUICE_WINDOW_FIXED
 * @start: first IOVA if SLUICE_WINDOW_FIXED is set; returned: first IOVA. A
 *	multiple of the window's page size
 * @size: bytes; a multiple of the window's page size, not 0
 * @page_lg2: log2 of the page size; 0: the smallest there is. Maps are aligned
 *	to it, in IOVA, in the process, and in memory
 * @reserved: 0
 *
 * All maps go to windows: IOVAs outside can't be mapped. A group that can't use
 * them can't join the container. On IOMMUs with page tables a window costs
 * nothing; on others it is a table.
 *
 * Errors: ENODEV: there never was a group (EFAULT: as ever, but the window stays if
 * another thread has used it by then); EINVAL: alignment, or a page size that
 * there isn't; ERANGE: not within the usable IOVAs (SLUICE_WINDOW_FIXED); EEXIST:
 * overlaps a window (SLUICE_WINDOW_FIXED); ENOSPC: no room, or too many windows;
 * ENOMEM.
 */
struct sluice_window_create {
	__u32 argsz;
	__u32 flags;
	__u64 start;
	__u64 size;
	__u32 page_lg2;
	__u32 reserved;
};

#define SLUICE_WINDOW_CREATE	_IO(SLUICE_TYPE, SLUICE_BASE + 3)

/**
 * struct sluice_window_remove - remove a window
 * @argsz: sizeof(struct sluice_window_remove)
 * @flags: 0
 * @start: its first IOVA
 *
 * Errors: ENOENT: no window begins there; EBUSY: something is mapped in it.
 */
struct sluice_window_remove {
	__u32 argsz;
	__u32 flags;
	__u64 start;
};

#define SLUICE_WINDOW_REMOVE	_IO(SLUICE_TYPE, SLUICE_BASE + 4)

/* Map, with SLUICE_READ and SLUICE_WRITE among the flags. */
#define SLUICE_DMA_MAP		1
/* Unmap. */
#define SLUICE_DMA_UNMAP	2

/* @addr is an offset into the registered memory @handle. */
#define SLUICE_DMA_HANDLE	(1 << 2)
/* Everything; @iova and @size are 0. */
#define SLUICE_DMA_ALL		(1 << 3)

/**
 * struct sluice_dma_op - one operation of a batch
 * @op: SLUICE_DMA_MAP or SLUICE_DMA_UNMAP
 * @flags: for SLUICE_DMA_MAP: SLUICE_READ, SLUICE_WRITE (at least one),
 *	SLUICE_DMA_HANDLE; for SLUICE_DMA_UNMAP: SLUICE_DMA_ALL
 * @iova: first IOVA
 * @size: bytes, not 0
 * @addr: for SLUICE_DMA_MAP: address in the process, or offset into @handle
 * @handle: with SLUICE_DMA_HANDLE; otherwise 0
 * @reserved: 0
 *
 * A map by address pins the memory until it is unmapped, and charges it to
 * RLIMIT_MEMLOCK, registered or not. Device memory that was mapped from a VFIO
 * device fd can be mapped by address, too: it is neither pinned nor charged.
 * A map by handle does neither: that was done when the memory was registered.
 *
 * An unmap takes any range, whatever was mapped there by however many operations;
 * holes are passed over.
 *
 * While a device doesn't decode its memory, DMA to maps of it faults. They are mapped
 * nevertheless, to other operations and in what batches count, and can be reached
 * again once the device decodes its memory again. The last close of the device
 * unmaps them.
 *
 * Errors of a map: EINVAL: alignment, size, overflow, not within one window, no
 * rights, memory that isn't as contiguous as the window's page size demands;
 * EEXIST: something is mapped there; EFAULT: not all of the memory can be pinned
 * with these rights; ENOENT: no such handle; EACCES: the memory was registered
 * with fewer rights; ENOMEM: no memory, or RLIMIT_MEMLOCK; EPERM: by address, and
 * the process isn't the owner of the space; EIO: the IOMMU doesn't answer.
 * Device memory: ENOSPC: more than 4,096 maps of it in the space, or of the device (a
 * map of more than 64 MiB counts as several). Errors of an unmap: EINVAL:
 * alignment, size, overflow; ENOMEM: no memory, or RLIMIT_MEMLOCK, for the tables that
 * it takes to cut a large page in two. An operation that fails has changed nothing.
 */
struct sluice_dma_op {
	__u32 op;
	__u32 flags;
	__u64 iova;
	__u64 size;
	__u64 addr;
	__u32 handle;
	__u32 reserved;
};

/* All operations are carried out, or none. */
#define SLUICE_BATCH_ATOMIC	(1 << 0)

/**
 * struct sluice_dma_batch - a vector of maps and unmaps
 * @argsz: sizeof(struct sluice_dma_batch)
 * @flags: SLUICE_BATCH_ATOMIC
 * @ops: address of an array of &struct sluice_dma_op
 * @nr_ops: how many
 * @nr_done: returned: how many were carried out, counted from the first on; with
 *	SLUICE_BATCH_ATOMIC: which one can't be, if one can't, and 0 if it isn't for
 *	one alone
 * @unmapped: returned: bytes that were unmapped
 *
 * Operations are carried out in order, up to the first that fails, whose error the
 * ioctl returns; @nr_done and @unmapped are returned then, too. When the ioctl
 * returns, devices can no longer reach what was unmapped: IOMMUs are told once for
 * up to SLUICE_BATCH_CHUNK operations. In the meantime a device may still reach
 * what was mapped before.
 *
 * With SLUICE_BATCH_ATOMIC, an operation that fails leaves everything as it was.
 * There may be SLUICE_BATCH_ATOMIC_MAX operations at most (E2BIG), and none may map
 * or unmap device memory (EOPNOTSUPP). Devices may see the operations take effect
 * in any order, and not what the batch maps and unmaps again.
 *
 * In a container of the types VFIO_TYPE1_IOMMU and VFIO_TYPE1v2_IOMMU, operations
 * follow the rules of VFIO_IOMMU_MAP_DMA and VFIO_IOMMU_UNMAP_DMA; there are no
 * handles (EINVAL), and SLUICE_BATCH_ATOMIC isn't possible (EOPNOTSUPP). Containers of
 * the types VFIO_SPAPR_TCE_IOMMU and VFIO_SPAPR_TCE_v2_IOMMU don't have it (ENOTTY).
 *
 * Errors: those of operations; EIO: an IOMMU doesn't answer: memory that devices
 * may still reach stays pinned; or, with SLUICE_BATCH_ATOMIC, one of the kernel's IOMMU
 * drivers (backend generic) failed at what it had no way to prepare: some of the maps
 * are missing then.
 */
struct sluice_dma_batch {
	__u32 argsz;
	__u32 flags;
	__u64 ops;
	__u32 nr_ops;
	__u32 nr_done;
	__u64 unmapped;
};

#define SLUICE_DMA_BATCH	_IO(SLUICE_TYPE, SLUICE_BASE + 5)

/* As many operations share a flush, if the memory behind them allows. */
#define SLUICE_BATCH_CHUNK	512
#define SLUICE_BATCH_ATOMIC_MAX	4096

/**
 * struct sluice_info - what a space is, and what it takes
 * @argsz: sizeof(struct sluice_info)
 * @flags: returned: 0
 * @page_sizes: returned: bit n: the IOMMU has pages of 2^n bytes
 * @registered: returned: bytes of registered memory
 * @tables: returned: bytes of page tables, which RLIMIT_MEMLOCK covers, too
 * @handles: returned: how many registrations there are
 * @groups: returned: how many groups are attached
 */
struct sluice_info {
	__u32 argsz;
	__u32 flags;
	__u64 page_sizes;
	__u64 registered;
	__u64 tables;
	__u32 handles;
	__u32 groups;
};

#define SLUICE_GET_INFO		_IO(SLUICE_TYPE, SLUICE_BASE + 6)

#endif /* _UAPI_LINUX_SLUICE_H */
