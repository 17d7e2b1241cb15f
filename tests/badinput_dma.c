// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bad input to MAP_DMA and UNMAP_DMA, row by row: wrong structures, sizes,
 * addresses, IOVAs, and limits reached half-way. After each row nothing may
 * have changed; lib/table.c checks that. The other ioctls are badinput.c's.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "kselftest.h"
#include "legacy.h"
#include "sys.h"
#include "table.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define FREE_IOVA 0x20000000ULL /* nothing is mapped here */
#define MSI_IOVA 0xfee00000ULL

#define KERNEL_ADDR 0xffff888000000000ULL
#define VSYSCALL_ADDR 0xffffffffff600000ULL

/* What an address argument is relative to. */
enum { AT_BUF, AT_ABS, AT_HOLE, AT_RO, AT_CANARY };

static uint64_t address(const struct env *e, uint64_t base, uint64_t off)
{
	switch (base) {
	case AT_BUF:
		return (uintptr_t)e->buf + off;
	case AT_HOLE:
		return (uintptr_t)e->buf + BUF_SIZE + off;
	case AT_RO:
		return (uintptr_t)e->ro + off;
	case AT_CANARY:
		return (uintptr_t)e->canary + off;
	default:
		return off;
	}
}

/* MAP_DMA at IOVA a, of b bytes, from address d relative to c. */
static int map_raw(const struct env *e, const struct row *r)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = r->argsz ? r->argsz : sizeof(map),
		.flags = r->flags,
		.vaddr = address(e, r->c, r->d),
		.iova = r->a,
		.size = r->b,
	};

	return vfio_ioctl(e->v.container, VFIO_IOMMU_MAP_DMA, &map);
}

/* A map that is expected to work: takes it back, and returns what it did. */
static int map_good(const struct env *e, const struct row *r)
{
	int ret = map_raw(e, r);

	if (ret)
		return ret;
	return vfio_unmap(e->v.container, r->a, r->b) == (int64_t)r->b ? 0 : 1;
}

/* Versions of clang-format disagree about members in macros. */
/* clang-format off */
#define MAP_ROW(_name, _iova, _size, _base, _off, _flags, _want)            \
	{                                                                   \
		.name = "map: " _name, .call = map_good, .a = (_iova),      \
		.b = (_size), .c = (_base), .d = (_off), .flags = (_flags), \
		.want = (_want)                                             \
	}

#define MAP_ROW_DIFF(_name, _iova, _size, _base, _off, _flags, _want, _peer, \
		     _why)                                                   \
	{                                                                    \
		.name = "map: " _name, .call = map_good, .a = (_iova),       \
		.b = (_size), .c = (_base), .d = (_off), .flags = (_flags),  \
		.want = (_want), .peer = (_peer), .why = (_why)              \
	}
/* clang-format on */

static int map_argsz(const struct env *e, const struct row *r)
{
	struct row row = *r;

	row.a = FREE_IOVA;
	row.b = PAGE;
	row.flags = MAP_RW;
	return map_raw(e, &row);
}

/* The container's last usable page; b bytes from a bytes beyond it. */
static int map_past_last(const struct env *e, const struct row *r)
{
	struct vfio_iova_range ranges[32];
	int n = vfio_iova_ranges(e->v.container, ranges, 32);
	struct row row = *r;

	if (n < 1 || n > 32)
		return 1;
	row.a = ranges[n - 1].end + 1 - PAGE + r->a;
	row.flags = MAP_RW;
	return map_good(e, &row);
}

/* Memory with a hole after its first half. */
static int map_hole_inside(const struct env *e, const struct row *r)
{
	munmap(e->buf + BUF_SIZE / 2, PAGE);
	return vfio_map(e->v.container, FREE_IOVA, e->buf, BUF_SIZE, r->flags);
}

/* The second half may not be written. */
static int map_half_ro(const struct env *e, const struct row *r)
{
	mprotect(e->buf + BUF_SIZE / 2, BUF_SIZE / 2, PROT_READ);
	return vfio_map(e->v.container, FREE_IOVA, e->buf, BUF_SIZE, r->flags);
}

static int map_no_access(const struct env *e, const struct row *r)
{
	mprotect(e->buf, PAGE, PROT_NONE);
	return vfio_map(e->v.container, FREE_IOVA, e->buf, PAGE, r->flags);
}

/* Device memory that isn't shown by a device fd of VFIO. */
static int map_sysfs_bar(const struct env *e, const struct row *r)
{
	struct pci_dev other;
	void *bar;
	int ret;

	if (pci_find_alone(&other, PCI_ID_EDU, 1))
		return 1;
	bar = pci_resource_map(&other, 0, PAGE);
	if (!bar)
		return 2;
	ret = vfio_map(e->v.container, FREE_IOVA, bar, PAGE, MAP_RW);
	if (!ret && vfio_unmap(e->v.container, FREE_IOVA, PAGE) != PAGE)
		return 3;
	(void)r;
	return ret;
}

/* A BAR of an own device, with its memory decode off. */
static int map_dead_bar(const struct env *e, const struct row *r)
{
	void *bar = vfio_bar_map(e->v.device, 0, PAGE);

	if (!bar || vfio_command(e->v.device, 0, 2))
		return 1;
	(void)r;
	return vfio_map(e->v.container, FREE_IOVA, bar, PAGE, MAP_RW);
}

/*
 * As a user without CAP_IPC_LOCK whose limit is a bytes above what is locked
 * already: maps b bytes. Leaves by success only with nothing mapped.
 */
static int map_memlock(const struct env *e, const struct row *r)
{
	struct rlimit lim;
	int ret;

	lim.rlim_cur = CANARY_SIZE + r->a;
	lim.rlim_max = lim.rlim_cur;
	if (setrlimit(RLIMIT_MEMLOCK, &lim) || setresuid(65534, 65534, 65534))
		return 1;
	ret = vfio_map(e->v.container, FREE_IOVA, e->buf, r->b, MAP_RW);
	if (!ret &&
	    vfio_unmap(e->v.container, FREE_IOVA, r->b) != (int64_t)r->b)
		return 2;
	return ret;
}

/* UNMAP_DMA at IOVA a of b bytes; size must come back as c. */
static int unmap_raw(const struct env *e, const struct row *r)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = r->argsz ? r->argsz : sizeof(unmap),
		.flags = r->flags,
		.iova = r->a,
		.size = r->b,
	};
	int ret = vfio_ioctl(e->v.container, VFIO_IOMMU_UNMAP_DMA, &unmap);

	return ret ? ret : (int)unmap.size;
}

/* Versions of clang-format disagree about members in macros. */
/* clang-format off */
#define UNMAP_ROW(_name, _iova, _size, _flags, _want)                     \
	{                                                                 \
		.name = "unmap: " _name, .call = unmap_raw, .a = (_iova), \
		.b = (_size), .flags = (_flags), .want = (_want)          \
	}

#define UNMAP_ROW_DIFF(_name, _iova, _size, _flags, _want, _peer, _why)    \
	{                                                                 \
		.name = "unmap: " _name, .call = unmap_raw, .a = (_iova), \
		.b = (_size), .flags = (_flags), .want = (_want),         \
		.peer = (_peer), .why = (_why)                            \
	}
/* clang-format on */

/* A page at IOVA a, and an unmap from there to the very end of the space. */
static int unmap_to_the_end(const struct env *e, const struct row *r)
{
	int64_t done;

	if (vfio_map(e->v.container, r->a, e->buf, PAGE, MAP_RW))
		return 1;
	done = vfio_unmap(e->v.container, r->a, -r->a);
	if (done >= 0 && done < (int64_t)PAGE)
		vfio_unmap(e->v.container, r->a, PAGE);
	return done;
}

#define VADDR_WHY "VFIO_UPDATE_VADDR isn't offered, so its flags are unknown"
#define WRAP_WHY "newer Linux's errno, which is EOVERFLOW"
#define END_WHY "the peer takes the exclusive end, 2^64, for 0: finds nothing"

static const struct row rows[] = {
	MAP_ROW("valid", FREE_IOVA, PAGE, AT_BUF, 0, MAP_RW, 0),
	MAP_ROW("all of the buffer", FREE_IOVA, BUF_SIZE, AT_BUF, 0, MAP_RW, 0),

	/* The structure. */
	{ .name = "map: argsz 1",
	  .call = map_argsz,
	  .argsz = 1,
	  .want = -EINVAL },
	{ .name = "map: argsz one short",
	  .call = map_argsz,
	  .argsz = 31,
	  .want = -EINVAL },
	PTR_ROW("map: NULL", ROW_CONTAINER, VFIO_IOMMU_MAP_DMA, 0, -EFAULT),
	PTR_ROW("map: kernel pointer", ROW_CONTAINER, VFIO_IOMMU_MAP_DMA,
		KERNEL_ADDR, -EFAULT),
	EDGE_ROW("map: structure cut off", ROW_CONTAINER, VFIO_IOMMU_MAP_DMA,
		 16, 32, -EFAULT),
	MAP_ROW("no access", FREE_IOVA, PAGE, AT_BUF, 0, 0, -EINVAL),
	MAP_ROW("unknown flag 3", FREE_IOVA, PAGE, AT_BUF, 0, MAP_RW | 1 << 3,
		-EINVAL),
	MAP_ROW("unknown flag 31", FREE_IOVA, PAGE, AT_BUF, 0,
		MAP_RW | 1U << 31, -EINVAL),
	MAP_ROW("VADDR and READ", FREE_IOVA, PAGE, AT_BUF, 0,
		MAP_R | VFIO_DMA_MAP_FLAG_VADDR, -EINVAL),
	MAP_ROW("VADDR of a live mapping", CANARY_IOVA, CANARY_SIZE, AT_BUF, 0,
		VFIO_DMA_MAP_FLAG_VADDR, -EINVAL),
	MAP_ROW_DIFF("VADDR of nothing", FREE_IOVA, PAGE, AT_BUF, 0,
		     VFIO_DMA_MAP_FLAG_VADDR, -EINVAL, -ENOENT, VADDR_WHY),

	/* Size and alignment. */
	MAP_ROW("size 0", FREE_IOVA, 0, AT_BUF, 0, MAP_RW, -EINVAL),
	MAP_ROW("size 1", FREE_IOVA, 1, AT_BUF, 0, MAP_RW, -EINVAL),
	MAP_ROW("size off by one", FREE_IOVA, PAGE + 1, AT_BUF, 0, MAP_RW,
		-EINVAL),
	MAP_ROW("iova not aligned", FREE_IOVA + 512, PAGE, AT_BUF, 0, MAP_RW,
		-EINVAL),
	MAP_ROW("vaddr not aligned", FREE_IOVA, PAGE, AT_BUF, 512, MAP_RW,
		-EINVAL),
	MAP_ROW_DIFF("iova wraps", -PAGE, 2 * PAGE, AT_BUF, 0, MAP_RW,
		     -EOVERFLOW, -EINVAL, WRAP_WHY),
	MAP_ROW_DIFF("iova wraps to the canary", CANARY_IOVA, -PAGE, AT_BUF, 0,
		     MAP_RW, -EOVERFLOW, -EINVAL, WRAP_WHY),
	MAP_ROW("iova ends at 2^64", -PAGE, PAGE, AT_BUF, 0, MAP_RW, -EINVAL),
	MAP_ROW_DIFF("vaddr wraps", FREE_IOVA, 2 * PAGE, AT_ABS, -PAGE, MAP_RW,
		     -EOVERFLOW, -EINVAL, WRAP_WHY),
	MAP_ROW("vaddr ends at 2^64", FREE_IOVA, PAGE, AT_ABS, -PAGE, MAP_RW,
		-EFAULT),
	MAP_ROW("size 2^63", 1ULL << 40, 1ULL << 63, AT_BUF, 0, MAP_RW,
		-EINVAL),
	MAP_ROW("up to 2^64, over nothing mapped", 1ULL << 40, -(1ULL << 40),
		AT_ABS, 0, MAP_RW, -EINVAL),
	MAP_ROW_DIFF("up to 2^64, over the canary", PAGE, -PAGE, AT_ABS, 0,
		     MAP_RW, -EEXIST, -EINVAL, END_WHY),

	/* User memory. */
	MAP_ROW("address 0", FREE_IOVA, PAGE, AT_ABS, 0, MAP_RW, -EFAULT),
	MAP_ROW("kernel memory", FREE_IOVA, PAGE, AT_ABS, KERNEL_ADDR, MAP_RW,
		-EFAULT),
	MAP_ROW("kernel memory, read", FREE_IOVA, PAGE, AT_ABS, KERNEL_ADDR,
		MAP_R, -EFAULT),
	MAP_ROW("not canonical", FREE_IOVA, PAGE, AT_ABS, 1ULL << 62, MAP_RW,
		-EFAULT),
	MAP_ROW("vsyscall page", FREE_IOVA, PAGE, AT_ABS, VSYSCALL_ADDR, MAP_RW,
		-EFAULT),
	MAP_ROW("nothing there", FREE_IOVA, PAGE, AT_HOLE, 0, MAP_RW, -EFAULT),
	MAP_ROW("last page missing", FREE_IOVA, BUF_SIZE + PAGE, AT_BUF, 0,
		MAP_RW, -EFAULT),
	/* Within the 39 bits that the smallest IOMMU has. */
	MAP_ROW("128 GiB", 128 * GIB, 128 * GIB, AT_BUF, 0, MAP_RW, -EFAULT),
	{ .name = "map: hole in the middle",
	  .call = map_hole_inside,
	  .flags = MAP_RW,
	  .want = -EFAULT },
	{ .name = "map: hole in the middle, read",
	  .call = map_hole_inside,
	  .flags = MAP_R,
	  .want = -EFAULT },
	{ .name = "map: PROT_NONE",
	  .call = map_no_access,
	  .flags = MAP_R,
	  .want = -EFAULT },
	MAP_ROW("read-only memory for writes", FREE_IOVA, PAGE, AT_RO, 0, MAP_W,
		-EFAULT),
	MAP_ROW("read-only memory for both", FREE_IOVA, 4 * PAGE, AT_RO, 0,
		MAP_RW, -EFAULT),
	MAP_ROW("read-only memory for reads", FREE_IOVA, 4 * PAGE, AT_RO, 0,
		MAP_R, 0),
	{ .name = "map: read-only from the middle on",
	  .call = map_half_ro,
	  .flags = MAP_RW,
	  .want = -EFAULT },
	{ .name = "map: a BAR by sysfs",
	  .call = map_sysfs_bar,
	  .want = -EFAULT,
	  .peer = 0,
	  .why = "the peer maps any PFNMAP memory and doesn't hold its device" },
	{ .name = "map: own BAR, memory decode off",
	  .call = map_dead_bar,
	  .want = -EFAULT },

	/* Locked memory. */
	{ .name = "map: RLIMIT_MEMLOCK just enough",
	  .call = map_memlock,
	  .a = BUF_SIZE,
	  .b = BUF_SIZE,
	  .want = 0 },
	{ .name = "map: RLIMIT_MEMLOCK a page short",
	  .call = map_memlock,
	  .a = BUF_SIZE - PAGE,
	  .b = BUF_SIZE,
	  .want = -ENOMEM },
	{ .name = "map: RLIMIT_MEMLOCK reached half-way",
	  .call = map_memlock,
	  .a = BUF_SIZE / 2,
	  .b = BUF_SIZE,
	  .want = -ENOMEM },
	{ .name = "map: RLIMIT_MEMLOCK used up",
	  .call = map_memlock,
	  .a = 0,
	  .b = PAGE,
	  .want = -ENOMEM },

	/* IOVA space. */
	MAP_ROW("in the MSI window", MSI_IOVA, PAGE, AT_BUF, 0, MAP_RW,
		-EINVAL),
	MAP_ROW("last page of the MSI window", MSI_IOVA + 0xff000, PAGE, AT_BUF,
		0, MAP_RW, -EINVAL),
	MAP_ROW("into the MSI window", MSI_IOVA - PAGE, 2 * PAGE, AT_BUF, 0,
		MAP_RW, -EINVAL),
	MAP_ROW("out of the MSI window", MSI_IOVA + 0xff000, 2 * PAGE, AT_BUF,
		0, MAP_RW, -EINVAL),
	{ .name = "map: last usable page",
	  .call = map_past_last,
	  .a = 0,
	  .b = PAGE,
	  .want = 0 },
	{ .name = "map: page after the last",
	  .call = map_past_last,
	  .a = PAGE,
	  .b = PAGE,
	  .want = -EINVAL },
	{ .name = "map: across the last page",
	  .call = map_past_last,
	  .a = 0,
	  .b = 2 * PAGE,
	  .want = -EINVAL },
	MAP_ROW("exists", CANARY_IOVA, CANARY_SIZE, AT_BUF, 0, MAP_RW, -EEXIST),
	MAP_ROW("exists, 2^63 bytes", 0, 1ULL << 63, AT_BUF, 0, MAP_RW,
		-EEXIST),
	MAP_ROW("exists, its last page", CANARY_IOVA + CANARY_SIZE - PAGE,
		2 * PAGE, AT_BUF, 0, MAP_RW, -EEXIST),
	MAP_ROW("exists, address bad too", CANARY_IOVA, PAGE, AT_ABS, 0, MAP_RW,
		-EEXIST),

	/* Unmap. */
	UNMAP_ROW("nothing there", FREE_IOVA, PAGE, 0, 0),
	{ .name = "unmap: argsz 1",
	  .call = unmap_raw,
	  .a = FREE_IOVA,
	  .b = PAGE,
	  .argsz = 1,
	  .want = -EINVAL },
	{ .name = "unmap: argsz one short",
	  .call = unmap_raw,
	  .a = FREE_IOVA,
	  .b = PAGE,
	  .argsz = 23,
	  .want = -EINVAL },
	PTR_ROW("unmap: NULL", ROW_CONTAINER, VFIO_IOMMU_UNMAP_DMA, 0, -EFAULT),
	EDGE_ROW("unmap: structure cut off", ROW_CONTAINER,
		 VFIO_IOMMU_UNMAP_DMA, 16, 24, -EFAULT),
	{ .name = "unmap: result can't be written",
	  .call = row_ioctl_readonly,
	  .a = ROW_CONTAINER,
	  .b = VFIO_IOMMU_UNMAP_DMA,
	  .argsz = 24,
	  .want = -EFAULT },
	UNMAP_ROW("unknown flag 3", CANARY_IOVA, CANARY_SIZE, 1 << 3, -EINVAL),
	UNMAP_ROW("unknown flag 31", CANARY_IOVA, CANARY_SIZE, 1U << 31,
		  -EINVAL),
	UNMAP_ROW("size 0", CANARY_IOVA, 0, 0, -EINVAL),
	UNMAP_ROW("size not aligned", CANARY_IOVA, CANARY_SIZE + 1, 0, -EINVAL),
	UNMAP_ROW("iova not aligned", CANARY_IOVA - 1, 2 * CANARY_SIZE, 0,
		  -EINVAL),
	UNMAP_ROW_DIFF("wraps", -PAGE, 2 * PAGE, 0, -EOVERFLOW, -EINVAL,
		       WRAP_WHY),
	UNMAP_ROW_DIFF("wraps to the canary", CANARY_IOVA, -PAGE, 0, -EOVERFLOW,
		       -EINVAL, WRAP_WHY),
	UNMAP_ROW("last page of 2^64", -PAGE, PAGE, 0, 0),
	{ .name = "unmap: a mapping, to the end of 2^64",
	  .call = unmap_to_the_end,
	  .a = 1ULL << 36,
	  .want = PAGE,
	  .peer = 0,
	  .why = END_WHY },
	UNMAP_ROW("ALL with a size", 0, PAGE, VFIO_DMA_UNMAP_FLAG_ALL, -EINVAL),
	UNMAP_ROW("ALL with an iova", PAGE, 0, VFIO_DMA_UNMAP_FLAG_ALL,
		  -EINVAL),
	UNMAP_ROW("cuts the front", CANARY_IOVA, PAGE, 0, -EINVAL),
	UNMAP_ROW("cuts the back", CANARY_IOVA + PAGE, CANARY_SIZE, 0, -EINVAL),
	UNMAP_ROW("cuts the middle", CANARY_IOVA + PAGE, PAGE, 0, -EINVAL),
	UNMAP_ROW("dirty bitmap without tracking", CANARY_IOVA, CANARY_SIZE,
		  VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP, -EINVAL),
	{ .name = "unmap: VADDR of nothing",
	  .call = unmap_raw,
	  .a = FREE_IOVA,
	  .b = PAGE,
	  .flags = VFIO_DMA_UNMAP_FLAG_VADDR,
	  .want = -EINVAL,
	  .peer = 0,
	  .why = VADDR_WHY },
};

int main(void)
{
	if (legacy_is_spapr()) {
		ksft_print_header();
		ksft_exit_skip("there is no TYPE1 on POWER\n");
	}
	return table_run(rows, ARRAY_SIZE(rows));
}
