// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "legacy.h"
#include "sys.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* What legacy_map() has mapped, where an unmap needs to know. */
struct mapping {
	struct mapping *next;
	int container;
	uint64_t iova;
	uint64_t size;
	const void *vaddr;
	bool registered; /* by the same call */
};

static struct mapping *mappings;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

int legacy_type(void)
{
	static int type;
	int fd;

	if (type)
		return type;
	type = VFIO_TYPE1v2_IOMMU;
	fd = vfio_container();
	if (fd < 0)
		return type;
	if (vfio_ioctl(fd, VFIO_CHECK_EXTENSION,
		       (void *)(long)VFIO_SPAPR_TCE_v2_IOMMU) > 0)
		type = VFIO_SPAPR_TCE_v2_IOMMU;
	close(fd);
	return type;
}

bool legacy_is_spapr(void)
{
	return legacy_type() == VFIO_SPAPR_TCE_v2_IOMMU;
}

bool legacy_shares(void)
{
	return !legacy_is_spapr() || !sys_is_peer();
}

static int memory(int container, unsigned long cmd, const void *vaddr,
		  uint64_t size)
{
	struct vfio_iommu_spapr_register_memory reg = {
		.argsz = sizeof(reg),
		.vaddr = (uintptr_t)vaddr,
		.size = size,
	};

	return vfio_ioctl(container, cmd, &reg);
}

static int enroll(int container, const void *vaddr, uint64_t size)
{
	return memory(container, VFIO_IOMMU_SPAPR_REGISTER_MEMORY, vaddr, size);
}

static int discharge(int container, const void *vaddr, uint64_t size)
{
	return memory(container, VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY, vaddr,
		      size);
}

int legacy_register(int container, const void *vaddr, uint64_t size)
{
	return legacy_is_spapr() ? enroll(container, vaddr, size) : 0;
}

int legacy_unregister(int container, const void *vaddr, uint64_t size)
{
	return legacy_is_spapr() ? discharge(container, vaddr, size) : 0;
}

/* Is a registration that legacy_map() has made still in use? */
static bool in_use(int container, const void *vaddr, uint64_t size)
{
	struct mapping *m;

	pthread_mutex_lock(&lock);
	for (m = mappings; m; m = m->next)
		if (m->registered && m->container == container &&
		    m->vaddr == vaddr && m->size == size)
			break;
	pthread_mutex_unlock(&lock);
	return m;
}

/* Takes the mappings in a range from the list, and returns them as another. */
static struct mapping *take(int container, uint64_t iova, uint64_t last)
{
	struct mapping **link = &mappings, *m, *taken = NULL;

	pthread_mutex_lock(&lock);
	while ((m = *link)) {
		if (m->container != container || m->iova > last ||
		    m->iova + (m->size - 1) < iova) {
			link = &m->next;
			continue;
		}
		*link = m->next;
		m->next = taken;
		taken = m;
	}
	pthread_mutex_unlock(&lock);
	return taken;
}

static int64_t drop(struct mapping *taken)
{
	struct mapping *m;
	int64_t size = 0;

	while ((m = taken)) {
		taken = m->next;
		size += m->size;
		free(m);
	}
	return size;
}

void legacy_forget(int container)
{
	drop(take(container, 0, UINT64_MAX));
}

int legacy_map(int container, uint64_t iova, const void *vaddr, uint64_t size,
	       uint32_t flags)
{
	struct mapping *m;
	int ret;

	if (!legacy_is_spapr())
		return vfio_map(container, iova, vaddr, size, flags);
	m = malloc(sizeof(*m));
	if (!m)
		return -ENOMEM;
	*m = (struct mapping){
		.container = container,
		.iova = iova,
		.size = size,
		.vaddr = vaddr,
	};
	/* EBUSY: it is already; EINVAL: a part of it is. */
	ret = enroll(container, vaddr, size);
	m->registered = !ret || ret == -EBUSY;
	if (m->registered || ret == -EINVAL)
		ret = vfio_map(container, iova, vaddr, size, flags);
	if (ret) {
		if (m->registered && !in_use(container, vaddr, size))
			discharge(container, vaddr, size);
		free(m);
		return ret;
	}
	drop(take(container, iova, iova + (size - 1)));
	pthread_mutex_lock(&lock);
	m->next = mappings;
	mappings = m;
	pthread_mutex_unlock(&lock);
	return 0;
}

static int64_t unmap(int container, struct mapping *taken)
{
	struct mapping *m;
	int64_t ret = 0, sum;

	for (m = taken; m && ret >= 0; m = m->next)
		ret = vfio_unmap(container, m->iova, m->size);
	/* If two were of the same memory, the second call finds nothing. */
	for (m = taken; m; m = m->next)
		if (m->registered && !in_use(container, m->vaddr, m->size))
			discharge(container, m->vaddr, m->size);
	sum = drop(taken);
	return ret < 0 ? ret : sum;
}

int64_t legacy_unmap(int container, uint64_t iova, uint64_t size)
{
	if (!legacy_is_spapr())
		return vfio_unmap(container, iova, size);
	return unmap(container, take(container, iova, iova + (size - 1)));
}

int64_t legacy_unmap_all(int container)
{
	if (!legacy_is_spapr())
		return vfio_unmap_all(container);
	return unmap(container, take(container, 0, UINT64_MAX));
}

bool legacy_is_mapped(int container, uint64_t iova, const void *vaddr,
		      uint64_t size)
{
	/*
	 * What is mapped can't be unregistered, or be mapped again. The peer on
	 * POWER does unregister it, and never lets go of it: there, that it is
	 * still registered has to do.
	 */
	if (legacy_is_spapr() && sys_is_peer())
		return enroll(container, vaddr, size) == -EBUSY;
	if (legacy_is_spapr())
		return discharge(container, vaddr, size) == -EBUSY;
	return vfio_map(container, iova, vaddr, size, MAP_RW) == -EEXIST;
}

int legacy_ranges(int container, struct vfio_iova_range *ranges, int max)
{
	struct vfio_iommu_spapr_tce_info info = { .argsz = sizeof(info) };
	int ret;

	if (!legacy_is_spapr())
		return vfio_iova_ranges(container, ranges, max);
	ret = vfio_ioctl(container, VFIO_IOMMU_SPAPR_TCE_GET_INFO, &info);
	if (ret)
		return ret;
	if (max < 1 || !info.dma32_window_size)
		return -ENOENT;
	ranges->start = info.dma32_window_start;
	ranges->end = ranges->start + info.dma32_window_size - 1;
	return 1;
}

/*
 * The peer makes the default window when the first map needs it, and warns if that
 * are two at once.
 */
static int make_window(int container)
{
	void *page = sys_alloc(PAGE, PAGE);
	long pins = sys_pins();
	int ret;

	if (!page)
		return -ENOMEM;
	ret = legacy_map(container, 0, page, PAGE, MAP_RW);
	if (!ret && legacy_unmap(container, 0, PAGE) != (int64_t)PAGE)
		ret = -EIO;
	/* It also unpins the page a while later. */
	sys_pins_settle(pins, 1000);
	munmap(page, PAGE);
	return ret;
}

int legacy_open(struct vfio *v, const struct pci_dev *dev)
{
	int ret = vfio_open(v, dev, legacy_type());

	if (!ret && legacy_is_spapr()) {
		ret = make_window(v->container);
		if (ret)
			vfio_close(v);
	}
	return ret;
}
