// SPDX-License-Identifier: GPL-2.0-only
/*
 * Peer-to-peer: device memory (BARs) mapped for the DMA of other devices.
 *
 * Owns: which device's memory is mapped in which space, and its withdrawal.
 * A device whose memory decode goes off, or that is reset, would leave
 * translations to addresses that nobody, or somebody else, decodes. So the
 * device keeps the records and its driver revokes them first.
 *
 * Locking: one mutex for all of it. Peer-to-peer maps are few; a lock for each
 * device would have to nest both inside and outside of the spaces' locks.
 * A space's list of domains, and the groups attached to them, change only with
 * this lock held too, so a revoker needs no lock of the space. Nothing under it
 * waits for user space.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "private.h"

/**
 * struct sluice_mmio_map - device memory in a space
 * @node: link in &sluice_device.mmio_maps
 * @sdev: the device, NULL once revoked
 * @space: the space
 * @extent: where, what, how much
 * @prot: &enum sluice_prot
 *
 * All guarded by mmio_lock; @space and @extent are constant.
 */
struct sluice_mmio_map {
	struct list_head node;
	struct sluice_device *sdev;
	struct sluice_space *space;
	struct sluice_extent extent;
	unsigned int prot;
};

static DEFINE_MUTEX(mmio_lock);

/* For space.c, around changes of a space's list of domains. */
void sluice_mmio_lock(void)
{
	mutex_lock(&mmio_lock);
}

void sluice_mmio_unlock(void)
{
	mutex_unlock(&mmio_lock);
}

/* The device whose memory @vma shows, or NULL. */
static struct sluice_device *vma_device(struct vm_area_struct *vma)
{
	return vma && vma->vm_file ? sluice_device_from_file(vma->vm_file) :
				     NULL;
}

/**
 * sluice_mmio_at - does a user address show device memory of ours?
 * @vaddr: address in the current process
 *
 * Return: true if so.
 */
bool sluice_mmio_at(unsigned long vaddr)
{
	struct mm_struct *mm = current->mm;
	bool ret;

	mmap_read_lock(mm);
	ret = vma_device(vma_lookup(mm, vaddr));
	mmap_read_unlock(mm);
	return ret;
}

/*
 * Finds what @vaddr shows. Only mappings of our own device fds count: of any
 * other device memory nobody would tell us when it goes away.
 * Returns the device's file with a reference, which keeps the device open.
 */
static struct file *find_memory(unsigned long vaddr, u64 size,
				unsigned int prot, struct sluice_extent *extent)
{
	vm_flags_t need = prot & SLUICE_PROT_WRITE ? VM_WRITE : 0;
	struct mm_struct *mm = current->mm;
	struct file *file = ERR_PTR(-EFAULT);
	struct vm_area_struct *vma;
	struct sluice_device *sdev;
	size_t len = size;

	if (prot & SLUICE_PROT_READ)
		need |= VM_READ;

	mmap_read_lock(mm);
	vma = vma_lookup(mm, vaddr);
	sdev = vma_device(vma);
	if (!sdev || vma->vm_end - vaddr < size ||
	    (vma->vm_flags & need) != need)
		goto unlock;
	if (sdev->ops->mmio_phys(sdev, vma, vaddr, &extent->phys, &len) ||
	    len < size)
		goto unlock;
	file = get_file(vma->vm_file);
unlock:
	mmap_read_unlock(mm);
	return file;
}

static void clear_domains(struct sluice_mmio_map *map)
{
	struct sluice_domain *domain;
	u64 start = map->extent.iova;

	lockdep_assert_held(&mmio_lock);
	list_for_each_entry(domain, &map->space->domains, node)
		sluice_domain_clear(domain, start,
				    start + (map->extent.len - 1));
}

static int map_domains(struct sluice_mmio_map *map)
{
	struct sluice_domain *domain;
	u64 start = map->extent.iova;
	int ret;

	list_for_each_entry(domain, &map->space->domains, node) {
		ret = sluice_domain_map(domain, &map->extent, 1, map->prot);
		if (ret)
			goto err_clear;
	}
	return 0;

err_clear:
	list_for_each_entry_continue_reverse(domain, &map->space->domains, node)
		sluice_domain_clear(domain, start,
				    start + (map->extent.len - 1));
	return ret;
}

/**
 * sluice_mmio_map - map device memory that a user address shows
 * @space: the space; the caller holds its lock and the IOVA range
 * @iova: where it goes
 * @vaddr: address in the current process
 * @size: bytes
 * @prot: &enum sluice_prot; the user mapping must allow as much
 *
 * Return: the record; ERR_PTR(-EFAULT) if there is no device memory of ours,
 * not enough of it, with too few rights, or its decoding is off; -EINVAL if
 * it isn't aligned; -ENOMEM.
 */
struct sluice_mmio_map *sluice_mmio_map(struct sluice_space *space, u64 iova,
					unsigned long vaddr, u64 size,
					unsigned int prot)
{
	struct sluice_mmio_map *map;
	struct file *file;
	int ret;

	lockdep_assert_held(&space->lock);

	map = kzalloc(sizeof(*map), GFP_KERNEL_ACCOUNT);
	if (!map)
		return ERR_PTR(-ENOMEM);
	map->space = space;
	map->extent.iova = iova;
	map->extent.len = size;
	map->prot = prot | SLUICE_PROT_MMIO;

	file = find_memory(vaddr, size, prot, &map->extent);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		goto err_free;
	}
	ret = -EINVAL;
	if (!IS_ALIGNED(map->extent.phys, sluice_space_granule(space)))
		goto err_put;

	mutex_lock(&mmio_lock);
	map->sdev = sluice_device_from_file(file);
	ret = map->sdev->mmio_live ? map_domains(map) : -EFAULT;
	if (!ret)
		list_add(&map->node, &map->sdev->mmio_maps);
	mutex_unlock(&mmio_lock);
	if (ret)
		goto err_put;

	/* From here on the device's close revokes the map. */
	fput(file);
	return map;

err_put:
	fput(file);
err_free:
	kfree(map);
	return ERR_PTR(ret);
}

/**
 * sluice_mmio_unmap - undo sluice_mmio_map()
 * @map: the record; freed
 *
 * Context: the space's lock and the IOVA range are held.
 */
void sluice_mmio_unmap(struct sluice_mmio_map *map)
{
	mutex_lock(&mmio_lock);
	if (map->sdev) {
		clear_domains(map);
		list_del(&map->node);
	}
	mutex_unlock(&mmio_lock);
	kfree(map);
}

/**
 * sluice_mmio_fill - give a new domain what the others have
 * @map: the record
 * @to: the new domain
 *
 * Context: the caller holds the mmio lock until @to is in the space's list.
 * Return: 0 or the backend's errno.
 */
int sluice_mmio_fill(struct sluice_mmio_map *map, struct sluice_domain *to)
{
	lockdep_assert_held(&mmio_lock);
	if (!map->sdev)
		return 0;
	return sluice_domain_map(to, &map->extent, 1, map->prot);
}

void sluice_device_mmio_enable(struct sluice_device *sdev)
{
	guard(mutex)(&mmio_lock);
	sdev->mmio_live = true;
}

/* Takes the records of one space from @all, clears them with one flush. */
static void revoke_space(struct sluice_space *space, struct list_head *all)
{
	struct sluice_mmio_map *map, *next;
	struct sluice_domain *domain;
	struct sluice_gather gather;
	LIST_HEAD(maps);

	list_for_each_entry_safe(map, next, all, node) {
		if (map->space == space)
			list_move_tail(&map->node, &maps);
	}
	list_for_each_entry(domain, &space->domains, node) {
		sluice_gather_init(&gather);
		list_for_each_entry(map, &maps, node)
			sluice_domain_unmap(domain, map->extent.iova,
					    map->extent.iova +
					    (map->extent.len - 1), &gather);
		sluice_domain_flush(domain, &gather);
	}
	list_for_each_entry_safe(map, next, &maps, node) {
		list_del(&map->node);
		map->sdev = NULL;
	}
}

void sluice_device_mmio_revoke(struct sluice_device *sdev)
{
	struct list_head *maps = &sdev->mmio_maps;
	struct sluice_mmio_map *map;

	guard(mutex)(&mmio_lock);
	sdev->mmio_live = false;
	while ((map = list_first_entry_or_null(maps, struct sluice_mmio_map,
					       node)))
		revoke_space(map->space, maps);
}
