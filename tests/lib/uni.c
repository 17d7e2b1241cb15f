// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "uni.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Bytes that a DMA moves. */
#define CHUNK 64

bool uni_offered(void)
{
	int c = vfio_container(), ret;

	if (c < 0)
		return false;
	ret = vfio_ioctl(c, VFIO_CHECK_EXTENSION,
			 (void *)(long)SLUICE_UNIFIED_IOMMU);
	close(c);
	return ret == 1;
}

size_t uni_page(void)
{
	return sysconf(_SC_PAGESIZE);
}

size_t uni_huge_page(void)
{
	long kib = sys_field("/proc/meminfo", "Hugepagesize");

	return kib > 0 ? kib * KIB : 0;
}

char *uni_hugetlb(void)
{
	char *mem = mmap(NULL, uni_huge_page(), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	return mem == MAP_FAILED ? NULL : mem;
}

int uni_container(void)
{
	int c = vfio_container(), ret;

	if (c < 0)
		return c;
	ret = vfio_set_iommu(c, SLUICE_UNIFIED_IOMMU);
	if (!ret)
		return c;
	close(c);
	return ret;
}

int uni_register(int c, const void *addr, uint64_t size, uint32_t flags,
		 uint32_t *handle)
{
	struct sluice_mem_register arg = {
		.argsz = sizeof(arg),
		.flags = flags,
		.vaddr = (uintptr_t)addr,
		.size = size,
	};
	int ret = vfio_ioctl(c, SLUICE_MEM_REGISTER, &arg);

	if (!ret)
		*handle = arg.handle;
	return ret;
}

int uni_unregister(int c, uint32_t handle)
{
	struct sluice_mem_unregister arg = {
		.argsz = sizeof(arg),
		.handle = handle,
	};

	return vfio_ioctl(c, SLUICE_MEM_UNREGISTER, &arg);
}

int uni_info(int c, struct sluice_info *info)
{
	memset(info, 0, sizeof(*info));
	info->argsz = sizeof(*info);
	return vfio_ioctl(c, SLUICE_GET_INFO, info);
}

int uni_query(int c, struct uni_layout *layout)
{
	memset(layout, 0, sizeof(*layout));
	layout->q.argsz = sizeof(layout->q);
	layout->q.ranges = (uintptr_t)layout->ranges;
	layout->q.windows = (uintptr_t)layout->windows;
	layout->q.nr_ranges = UNI_MAX;
	layout->q.nr_windows = UNI_MAX;
	return vfio_ioctl(c, SLUICE_WINDOW_QUERY, &layout->q);
}

static int window(int c, uint32_t flags, uint64_t size, uint32_t lg2,
		  uint64_t *start)
{
	struct sluice_window_create arg = {
		.argsz = sizeof(arg),
		.flags = flags,
		.start = *start,
		.size = size,
		.page_lg2 = lg2,
	};
	int ret = vfio_ioctl(c, SLUICE_WINDOW_CREATE, &arg);

	if (!ret)
		*start = arg.start;
	return ret;
}

int uni_window(int c, uint64_t size, uint32_t lg2, uint64_t *start)
{
	*start = 0;
	return window(c, 0, size, lg2, start);
}

int uni_window_at(int c, uint64_t start, uint64_t size, uint32_t lg2)
{
	uint64_t at = start;
	int ret = window(c, SLUICE_WINDOW_FIXED, size, lg2, &at);

	return !ret && at != start ? -EIO : ret;
}

int uni_window_remove(int c, uint64_t start)
{
	struct sluice_window_remove arg = {
		.argsz = sizeof(arg),
		.start = start,
	};

	return vfio_ioctl(c, SLUICE_WINDOW_REMOVE, &arg);
}

struct sluice_dma_op uni_op_map(uint64_t iova, const void *addr, uint64_t size,
				uint32_t flags)
{
	return (struct sluice_dma_op){
		.op = SLUICE_DMA_MAP,
		.flags = flags,
		.iova = iova,
		.size = size,
		.addr = (uintptr_t)addr,
	};
}

struct sluice_dma_op uni_op_handle(uint64_t iova, uint32_t handle, uint64_t off,
				   uint64_t size, uint32_t flags)
{
	return (struct sluice_dma_op){
		.op = SLUICE_DMA_MAP,
		.flags = flags | SLUICE_DMA_HANDLE,
		.iova = iova,
		.size = size,
		.addr = off,
		.handle = handle,
	};
}

struct sluice_dma_op uni_op_unmap(uint64_t iova, uint64_t size)
{
	return (struct sluice_dma_op){
		.op = SLUICE_DMA_UNMAP,
		.iova = iova,
		.size = size,
	};
}

static int batch(int c, uint32_t flags, const struct sluice_dma_op *ops,
		 uint32_t nr, uint32_t *done, uint64_t *unmapped)
{
	struct sluice_dma_batch arg = {
		.argsz = sizeof(arg),
		.flags = flags,
		.ops = (uintptr_t)ops,
		.nr_ops = nr,
		.nr_done = ~0U,
		.unmapped = ~0ULL,
	};
	int ret = vfio_ioctl(c, SLUICE_DMA_BATCH, &arg);

	if (done)
		*done = arg.nr_done;
	if (unmapped)
		*unmapped = arg.unmapped;
	return ret;
}

int uni_batch(int c, const struct sluice_dma_op *ops, uint32_t nr,
	      uint32_t *done, uint64_t *unmapped)
{
	return batch(c, 0, ops, nr, done, unmapped);
}

int uni_atomic(int c, const struct sluice_dma_op *ops, uint32_t nr,
	       uint32_t *done, uint64_t *unmapped)
{
	return batch(c, SLUICE_BATCH_ATOMIC, ops, nr, done, unmapped);
}

int uni_map(int c, uint64_t iova, const void *addr, uint64_t size,
	    uint32_t flags)
{
	struct sluice_dma_op op = uni_op_map(iova, addr, size, flags);

	return uni_batch(c, &op, 1, NULL, NULL);
}

int uni_map_handle(int c, uint64_t iova, uint32_t handle, uint64_t off,
		   uint64_t size, uint32_t flags)
{
	struct sluice_dma_op op = uni_op_handle(iova, handle, off, size, flags);

	return uni_batch(c, &op, 1, NULL, NULL);
}

static int64_t unmap(int c, const struct sluice_dma_op *op)
{
	uint64_t bytes;
	int ret = uni_batch(c, op, 1, NULL, &bytes);

	return ret ? ret : (int64_t)bytes;
}

int64_t uni_unmap(int c, uint64_t iova, uint64_t size)
{
	struct sluice_dma_op op = uni_op_unmap(iova, size);

	return unmap(c, &op);
}

int64_t uni_unmap_all(int c)
{
	const struct sluice_dma_op op = {
		.op = SLUICE_DMA_UNMAP,
		.flags = SLUICE_DMA_ALL,
	};

	return unmap(c, &op);
}

int uni_open(struct uni *u, unsigned int nth)
{
	struct pci_dev dev;
	int ret;

	memset(u, 0, sizeof(*u));
	u->c = -1;
	u->p = uni_page();
	u->pins = sys_pins();
	ret = pci_find_alone(&dev, PCI_ID_EDU, nth);
	if (ret)
		return ret;
	ret = vfio_open(&u->v, &dev, SLUICE_UNIFIED_IOMMU);
	if (ret)
		return ret;
	u->c = u->v.container;
	return edu_attach(&u->edu, u->v.device);
}

/* Half of the largest range, so that there is room for other windows, too. */
static uint64_t usual_size(int c)
{
	static struct uni_layout layout;
	uint64_t most = 0, size = GIB;
	unsigned int i;

	if (uni_query(c, &layout))
		return 0;
	for (i = 0; i < layout.q.nr_ranges && i < UNI_MAX; i++) {
		uint64_t bytes = layout.ranges[i].last - layout.ranges[i].start;

		most = bytes > most ? bytes : most;
	}
	while (size > most / 2)
		size /= 2;
	return size;
}

int uni_ready(struct uni *u)
{
	int ret;

	u->size = usual_size(u->c);
	ret = uni_window(u->c, u->size, 0, &u->base);
	if (ret)
		return ret;
	u->well = sys_alloc(u->p, u->p);
	if (!u->well)
		return -ENOMEM;
	return uni_map(u->c, u->base + u->size - u->p, u->well, u->p, UNI_RW);
}

int uni_open_ready(struct uni *u, unsigned int nth)
{
	int ret = uni_open(u, nth);

	return ret ? ret : uni_ready(u);
}

void uni_close(struct uni *u)
{
	if (u->edu.bar)
		munmap(u->edu.bar, EDU_BAR_SIZE);
	u->edu.bar = NULL;
	vfio_close(&u->v);
	u->c = -1;
}

int uni_leave(struct uni *u)
{
	int ret;

	munmap(u->edu.bar, EDU_BAR_SIZE);
	u->edu.bar = NULL;
	close(u->v.device);
	u->v.device = -1;
	ret = vfio_unset_container(u->v.group);
	close(u->v.group);
	u->v.group = -1;
	return ret;
}

int uni_join(struct uni *u, const struct pci_dev *dev)
{
	struct pci_dev copy = *dev;
	int ret = vfio_join(&u->v, &copy, u->c);

	return ret ? ret : edu_attach(&u->edu, u->v.device);
}

long uni_locked_kib(int c)
{
	struct sluice_info info;
	int ret = uni_info(c, &info);

	return ret ? ret : sys_locked_kib() - (long)(info.tables / KIB);
}

long uni_locked_settle(int c, long want)
{
	struct sluice_info info;
	int ret = uni_info(c, &info);
	long tables;

	if (ret)
		return ret;
	tables = info.tables / KIB;
	return sys_locked_settle(want + tables) - tables;
}

static int all(const char *mem, uint8_t val)
{
	int i, n = 0;

	for (i = 0; i < CHUNK; i++)
		n += (uint8_t)mem[i] == val;
	return n;
}

/* The device's buffer is filled with @val. */
static bool load(struct uni *u, uint8_t val)
{
	memset(u->well, val, CHUNK);
	return edu_dma_from(&u->edu, u->base + u->size - u->p, 0, CHUNK);
}

int uni_dma_write(struct uni *u, uint64_t iova, char *mem)
{
	uint8_t val = ++u->val, old = ~val;

	memset(mem, old, CHUNK);
	if (!load(u, val) || !edu_dma_to(&u->edu, iova, 0, CHUNK))
		return UNI_TORN;
	if (all(mem, val) == CHUNK)
		return UNI_REACHED;
	return all(mem, old) == CHUNK ? UNI_MISSED : UNI_TORN;
}

int uni_dma_read(struct uni *u, uint64_t iova, char *mem)
{
	uint8_t val = ++u->val, old = ~val;

	memset(mem, val, CHUNK);
	if (!load(u, old) || !edu_dma_from(&u->edu, iova, 0, CHUNK))
		return UNI_TORN;
	memset(u->well, old, CHUNK);
	if (!edu_dma_to(&u->edu, u->base + u->size - u->p, 0, CHUNK))
		return UNI_TORN;
	if (all(u->well, val) == CHUNK)
		return UNI_REACHED;
	/* What a device sees that may not read isn't defined. */
	return all(u->well, val) ? UNI_TORN : UNI_MISSED;
}

void uni_allow_resets(bool allow)
{
	struct pci_dev dev;
	int i;

	for (i = 0; i < 2; i++) {
		if (!pci_find_alone(&dev, PCI_ID_EDU, i))
			pci_allow_reset(&dev, allow);
	}
}

int uni_main(int argc, char **argv, int (*run)(int argc, char **argv))
{
	int ret;

	uni_allow_resets(false);
	ret = run(argc, argv);
	uni_allow_resets(true);
	return ret;
}
