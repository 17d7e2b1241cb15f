// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "spapr.h"
#include "sys.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BYTES 64

static int memory(int c, unsigned long cmd, const void *mem, uint64_t size)
{
	struct vfio_iommu_spapr_register_memory arg = {
		.argsz = sizeof(arg),
		.vaddr = (uintptr_t)mem,
		.size = size,
	};

	return vfio_ioctl(c, cmd, &arg);
}

int spapr_register(int c, const void *mem, uint64_t size)
{
	return memory(c, VFIO_IOMMU_SPAPR_REGISTER_MEMORY, mem, size);
}

int spapr_unregister(int c, const void *mem, uint64_t size)
{
	return memory(c, VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY, mem, size);
}

int spapr_unmap(int c, uint64_t iova, uint64_t size)
{
	int64_t ret = vfio_unmap(c, iova, size);

	return ret < 0 ? ret : 0;
}

int spapr_create(int c, uint32_t page_lg2, uint64_t size, uint32_t levels,
		 uint64_t *start)
{
	struct vfio_iommu_spapr_tce_create arg = {
		.argsz = sizeof(arg),
		.page_shift = page_lg2,
		.window_size = size,
		.levels = levels,
	};
	int ret = vfio_ioctl(c, VFIO_IOMMU_SPAPR_TCE_CREATE, &arg);

	*start = arg.start_addr;
	return ret;
}

int spapr_remove(int c, uint64_t start)
{
	struct vfio_iommu_spapr_tce_remove arg = {
		.argsz = sizeof(arg),
		.start_addr = start,
	};

	return vfio_ioctl(c, VFIO_IOMMU_SPAPR_TCE_REMOVE, &arg);
}

int spapr_open(struct spapr *s, unsigned int nth)
{
	struct pci_dev dev;
	int ret;

	memset(s, 0, sizeof(*s));
	s->free = PAGE;
	s->well = sys_alloc(PAGE, PAGE);
	if (!s->well)
		return -ENOMEM;
	ret = pci_find_alone(&dev, PCI_ID_EDU, nth);
	ret = ret ? ret : vfio_open(&s->v, &dev, VFIO_SPAPR_TCE_v2_IOMMU);
	if (ret)
		return ret;
	ret = spapr_register(s->v.container, s->well, PAGE);
	if (!ret)
		ret = vfio_map(s->v.container, 0, s->well, PAGE, MAP_RW);
	ret = ret ? ret : edu_attach(&s->edu, s->v.device);
	if (ret)
		vfio_close(&s->v);
	return ret;
}

/* A mapping of the BAR would keep the device open. */
static void drop_bar(struct spapr *s)
{
	if (s->edu.bar)
		munmap(s->edu.bar, EDU_BAR_SIZE);
	s->edu.bar = NULL;
}

void spapr_close(struct spapr *s)
{
	drop_bar(s);
	vfio_close(&s->v);
}

int spapr_join(struct spapr *s, const struct spapr *first, unsigned int nth)
{
	struct pci_dev dev;
	int ret;

	*s = *first;
	s->edu.bar = NULL;
	ret = pci_find_alone(&dev, PCI_ID_EDU, nth);
	ret = ret ? ret : vfio_join(&s->v, &dev, first->v.container);
	return ret ? ret : edu_attach(&s->edu, s->v.device);
}

void spapr_leave(struct spapr *s)
{
	drop_bar(s);
	/* The container is the other one's. */
	s->v.container = -1;
	vfio_close(&s->v);
}

bool spapr_reaches(struct spapr *s, uint64_t iova, char *mem)
{
	memset(s->well, ++s->val, BYTES);
	memset(mem, s->val ^ 0xff, BYTES);
	if (!edu_dma_from(&s->edu, s->well_iova, 0, BYTES) ||
	    !edu_dma_to(&s->edu, iova, 0, BYTES))
		return false;
	return !memcmp(mem, s->well, BYTES);
}
