// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * VFIO_SPAPR_TCE_v2_IOMMU, the type of IBM POWER, made to look like TYPE1v2.
 *
 * There memory has to be registered before it can be mapped, registrations may not
 * overlap, a map replaces what was mapped, and an unmap doesn't say what it found.
 * So this file keeps a list of what is mapped and one of what is registered, each
 * registration counting the mappings that lie in it.
 *
 * Windows other than the default one are not its business.
 */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "internal.h"

/**
 * struct memory - a registration
 * @next: in sluice_spapr.memory, which has no order
 * @start: first address
 * @end: last address + 1
 * @users: mappings with memory in it
 */
struct memory {
	struct memory *next;
	uintptr_t start;
	uintptr_t end;
	unsigned int users;
};

/**
 * struct mapping - what one call of sluice_dma_map() has mapped
 * @next: in sluice_spapr.mappings, which has no order
 * @vaddr: its memory
 * @iova: first address
 * @size: bytes
 */
struct mapping {
	struct mapping *next;
	uintptr_t vaddr;
	uint64_t iova;
	uint64_t size;
};

/**
 * struct sluice_spapr - bookkeeping of a container
 * @lock: protects the lists
 * @memory: registrations, none overlaps another
 * @mappings: mappings, none overlaps another
 */
struct sluice_spapr {
	pthread_mutex_t lock;
	struct memory *memory;
	struct mapping *mappings;
};

int sluice_spapr_init(struct sluice_container *c)
{
	c->spapr = calloc(1, sizeof(*c->spapr));
	if (!c->spapr)
		return -ENOMEM;
	pthread_mutex_init(&c->spapr->lock, NULL);
	return 0;
}

/* The kernel forgets everything with the container's last group. */
void sluice_spapr_deinit(struct sluice_container *c)
{
	struct mapping *m;
	struct memory *r;

	if (!c->spapr)
		return;
	while ((m = c->spapr->mappings)) {
		c->spapr->mappings = m->next;
		free(m);
	}
	while ((r = c->spapr->memory)) {
		c->spapr->memory = r->next;
		free(r);
	}
	pthread_mutex_destroy(&c->spapr->lock);
	free(c->spapr);
	c->spapr = NULL;
}

int sluice_spapr_info(struct sluice_container *c, struct sluice_iommu_info *out)
{
	struct vfio_iommu_spapr_tce_info info = { .argsz = sizeof(info) };
	int ret = sluice_ioctl(c->fd, VFIO_IOMMU_SPAPR_TCE_GET_INFO, &info);

	if (ret)
		return ret;
	/* Entries may be smaller, but memory is registered by pages. */
	out->page_sizes = sysconf(_SC_PAGESIZE);
	if (!info.dma32_window_size)
		return 0;
	out->ranges = calloc(1, sizeof(*out->ranges));
	if (!out->ranges)
		return -ENOMEM;
	out->nr_ranges = 1;
	out->ranges->start = info.dma32_window_start;
	out->ranges->last =
		(uint64_t)info.dma32_window_start + info.dma32_window_size - 1;
	return 0;
}

static int memory_ioctl(struct sluice_container *c, unsigned long cmd,
			uintptr_t start, uintptr_t end)
{
	struct vfio_iommu_spapr_register_memory reg = {
		.argsz = sizeof(reg),
		.vaddr = start,
		.size = end - start,
	};

	return sluice_ioctl(c->fd, cmd, &reg);
}

static int memory_add(struct sluice_container *c, uintptr_t start,
		      uintptr_t end)
{
	struct memory *r = calloc(1, sizeof(*r));
	int ret;

	if (!r)
		return -ENOMEM;
	ret = memory_ioctl(c, VFIO_IOMMU_SPAPR_REGISTER_MEMORY, start, end);
	if (ret) {
		free(r);
		return ret;
	}
	r->start = start;
	r->end = end;
	r->next = c->spapr->memory;
	c->spapr->memory = r;
	return 0;
}

/* What nothing lies in any more goes. The first error counts, none stops it. */
static int memory_trim(struct sluice_container *c)
{
	struct memory **link = &c->spapr->memory, *r;
	int ret = 0, err;

	while ((r = *link)) {
		if (r->users) {
			link = &r->next;
			continue;
		}
		err = memory_ioctl(c, VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY,
				   r->start, r->end);
		if (!ret)
			ret = err;
		*link = r->next;
		free(r);
	}
	return ret;
}

/* The registration that @at lies in; if none, @end falls to where one begins. */
static struct memory *memory_at(const struct sluice_spapr *s, uintptr_t at,
				uintptr_t *end)
{
	struct memory *r;

	for (r = s->memory; r; r = r->next) {
		if (at >= r->start && at < r->end)
			return r;
		if (r->start > at && r->start < *end)
			*end = r->start;
	}
	return NULL;
}

/* Registers what isn't yet of a range: everything between registrations. */
static int memory_cover(struct sluice_container *c, uintptr_t start,
			uintptr_t end)
{
	struct memory *r;
	uintptr_t stop;
	int ret;

	while (start < end) {
		stop = end;
		r = memory_at(c->spapr, start, &stop);
		if (r) {
			start = r->end;
			continue;
		}
		ret = memory_add(c, start, stop);
		if (ret)
			return ret;
		start = stop;
	}
	return 0;
}

static void memory_count(struct sluice_spapr *s, const struct mapping *m,
			 int by)
{
	struct memory *r;

	for (r = s->memory; r; r = r->next)
		if (r->start < m->vaddr + m->size && m->vaddr < r->end)
			r->users += by;
}

static bool mapped(const struct sluice_spapr *s, uint64_t iova, uint64_t last)
{
	const struct mapping *m;

	for (m = s->mappings; m; m = m->next)
		if (iova <= m->iova + (m->size - 1) && last >= m->iova)
			return true;
	return false;
}

static int map_locked(struct sluice_container *c, struct mapping *m,
		      uint32_t prot)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = prot,
		.vaddr = m->vaddr,
		.iova = m->iova,
		.size = m->size,
	};
	int ret;

	if (mapped(c->spapr, m->iova, m->iova + (m->size - 1)))
		return -EEXIST;
	ret = memory_cover(c, m->vaddr, m->vaddr + m->size);
	if (!ret)
		ret = sluice_ioctl(c->fd, VFIO_IOMMU_MAP_DMA, &map);
	if (ret) {
		memory_trim(c);
		return ret;
	}
	memory_count(c->spapr, m, 1);
	m->next = c->spapr->mappings;
	c->spapr->mappings = m;
	return 0;
}

int sluice_spapr_map(struct sluice_container *c, const void *vaddr,
		     uint64_t iova, uint64_t size, uint32_t prot)
{
	uint64_t page = sysconf(_SC_PAGESIZE);
	struct mapping *m;
	int ret;

	if (!size || (((uintptr_t)vaddr | iova | size) & (page - 1)) ||
	    iova + (size - 1) < iova ||
	    (uintptr_t)vaddr + size < (uintptr_t)vaddr)
		return -EINVAL;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->vaddr = (uintptr_t)vaddr;
	m->iova = iova;
	m->size = size;
	pthread_mutex_lock(&c->spapr->lock);
	ret = map_locked(c, m, prot);
	pthread_mutex_unlock(&c->spapr->lock);
	if (ret)
		free(m);
	return ret;
}

/* Would a mapping be cut? */
static bool cuts(const struct sluice_spapr *s, uint64_t iova, uint64_t last)
{
	const struct mapping *m;

	for (m = s->mappings; m; m = m->next) {
		uint64_t end = m->iova + (m->size - 1);

		if (iova <= end && last >= m->iova &&
		    (iova > m->iova || last < end))
			return true;
	}
	return false;
}

static int unmap_locked(struct sluice_container *c, uint64_t iova,
			uint64_t last, uint64_t *unmapped)
{
	struct mapping **link = &c->spapr->mappings, *m;
	int ret;

	while ((m = *link)) {
		struct vfio_iommu_type1_dma_unmap unmap = {
			.argsz = sizeof(unmap),
			.iova = m->iova,
			.size = m->size,
		};

		if (m->iova < iova || m->iova > last) {
			link = &m->next;
			continue;
		}
		ret = sluice_ioctl(c->fd, VFIO_IOMMU_UNMAP_DMA, &unmap);
		if (ret)
			return ret;
		*unmapped += m->size;
		memory_count(c->spapr, m, -1);
		*link = m->next;
		free(m);
	}
	return memory_trim(c);
}

int sluice_spapr_unmap(struct sluice_container *c, uint64_t iova, uint64_t size,
		       uint64_t *unmapped)
{
	uint64_t last = iova + (size - 1), sum = 0;
	int ret;

	if (!size || last < iova)
		return -EINVAL;
	pthread_mutex_lock(&c->spapr->lock);
	ret = cuts(c->spapr, iova, last) ? -EINVAL :
					   unmap_locked(c, iova, last, &sum);
	pthread_mutex_unlock(&c->spapr->lock);
	if (!ret && unmapped)
		*unmapped = sum;
	return ret;
}
