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

#include "unified.h"

/**
 * struct sluice_mmio_map - device memory in a space
 * @node: link in &sluice_device.mmio_maps
 * @space_node: link in &sluice_unified.mmio, if the space is unified
 * @sdev: the device, NULL once revoked
 * @space: the space
 * @extent: where, what, how much
 * @prot: &enum sluice_prot
 *
 * All guarded by mmio_lock; @space is constant, and so is @extent but in unified
 * spaces, where parts can be unmapped. There, nobody but the device and the space
 * has a record: it goes when it is revoked, or nothing of it is left.
 */
struct sluice_mmio_map {
	struct list_head node;
	struct list_head space_node;
	struct sluice_device *sdev;
	struct sluice_space *space;
	struct sluice_extent extent;
	unsigned int prot;
};

/*
 * Maps of device memory in a unified space; unmapping parts of them may make twice as
 * many. All are walked under a lock that everybody's resets want.
 */
#define MAX_MAPS 4096

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
 * @page: what the memory must be a multiple of
 *
 * Return: the record; ERR_PTR(-EFAULT) if there is no device memory of ours,
 * not enough of it, with too few rights, or its decoding is off; -EINVAL if
 * it isn't aligned; -ENOMEM.
 */
struct sluice_mmio_map *sluice_mmio_map(struct sluice_space *space, u64 iova,
					unsigned long vaddr, u64 size,
					unsigned int prot, u64 page)
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
	if (!IS_ALIGNED(map->extent.phys, page))
		goto err_put;

	mutex_lock(&mmio_lock);
	map->sdev = sluice_device_from_file(file);
	if (space->uni && space->uni->nr_mmio >= MAX_MAPS)
		ret = -ENOSPC;
	else
		ret = map->sdev->mmio_live ? map_domains(map) : -EFAULT;
	if (!ret)
		list_add(&map->node, &map->sdev->mmio_maps);
	if (!ret && space->uni) {
		list_add(&map->space_node, &space->uni->mmio);
		space->uni->nr_mmio++;
	}
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

/* ---- Unified spaces ---- */

/**
 * sluice_mmio_map_unified - sluice_mmio_map() in a unified space
 * @space: the space; the caller holds its lock and the IOVA range
 * @iova: where it goes
 * @vaddr: address in the current process
 * @size: bytes
 * @prot: &enum sluice_prot
 * @page: what the memory must be a multiple of
 *
 * Return: 0; -EEXIST if something is mapped there; -ENOSPC if there are too many; or
 * as sluice_mmio_map().
 */
int sluice_mmio_map_unified(struct sluice_space *space, u64 iova,
			    unsigned long vaddr, u64 size, unsigned int prot,
			    u64 page)
{
	return PTR_ERR_OR_ZERO(sluice_mmio_map(space, iova, vaddr, size, prot,
					       page));
}

static u64 last_of(const struct sluice_mmio_map *map)
{
	return map->extent.iova + (map->extent.len - 1);
}

static struct sluice_mmio_map *find_overlap(struct sluice_unified *uni,
					    u64 start, u64 last)
{
	struct sluice_mmio_map *map;

	lockdep_assert_held(&mmio_lock);
	list_for_each_entry(map, &uni->mmio, space_node) {
		if (map->extent.iova <= last && last_of(map) >= start)
			return map;
	}
	return NULL;
}

/**
 * sluice_mmio_overlaps - is device memory mapped in a range?
 * @space: a unified space; the caller holds its lock and the range
 * @start: first IOVA
 * @last: last IOVA, inclusive
 *
 * If not, no revocation touches the range from now on, for as long as it is held.
 *
 * Return: true if so.
 */
bool sluice_mmio_overlaps(struct sluice_space *space, u64 start, u64 last)
{
	bool ret;

	/* What was added in the range was added by who held it before. */
	if (likely(list_empty_careful(&space->uni->mmio)))
		return false;
	mutex_lock(&mmio_lock);
	ret = find_overlap(space->uni, start, last);
	mutex_unlock(&mmio_lock);
	return ret;
}

/**
 * sluice_mmio_cut - sluice_txn_cut() of a range with device memory
 * @space: a unified space; the caller holds its lock and the range
 * @start: first IOVA
 * @last: last IOVA, inclusive
 *
 * No revoker is at the page that is cut meanwhile, and none will be before hardware
 * has forgotten it.
 *
 * Return: 0; -ENOMEM: everything is as before.
 */
int sluice_mmio_cut(struct sluice_space *space, u64 start, u64 last)
{
	struct sluice_range range = { start, last };
	struct sluice_gather gather __uninitialized;
	bool over = sluice_unified_over(space);
	struct sluice_domain *domain;
	int ret = 0;

	mutex_lock(&mmio_lock);
	list_for_each_entry(domain, &space->domains, node) {
		sluice_gather_init(&gather);
		gather.no_tables = over;
		ret = domain->ops->cut(domain, &range, &gather);
		if (gather.nr || gather.nonleaf)
			sluice_domain_flush(domain, &gather);
		if (ret)
			break;
	}
	mutex_unlock(&mmio_lock);
	if (ret || over)
		return ret;
	return sluice_unified_charge_tables(space);
}

/* Takes @start to @last, which overlaps the map, out of it. @spare may be used. */
static void trim(struct sluice_mmio_map *map, u64 start, u64 last,
		 struct sluice_mmio_map **spare)
{
	u64 map_start = map->extent.iova, map_last = last_of(map);
	struct sluice_mmio_map *rest = *spare;

	if (start <= map_start && last >= map_last) {
		list_del(&map->node);
		list_del(&map->space_node);
		map->space->uni->nr_mmio--;
		kfree(map);
	} else if (start <= map_start) {
		map->extent.phys += last + 1 - map_start;
		map->extent.len = map_last - last;
		map->extent.iova = last + 1;
	} else {
		map->extent.len = start - map_start;
		if (last >= map_last)
			return;
		*rest = *map;
		rest->extent.iova = last + 1;
		rest->extent.phys += last + 1 - map_start;
		rest->extent.len = map_last - last;
		list_add(&rest->node, &rest->sdev->mmio_maps);
		list_add(&rest->space_node, &rest->space->uni->mmio);
		rest->space->uni->nr_mmio++;
		*spare = NULL;
	}
}

/**
 * sluice_mmio_unmap_range - unmap what device memory is mapped in a range
 * @space: a unified space; the caller holds its lock and the range, no page of
 *	which crosses an end
 * @start: first IOVA
 * @last: last IOVA, inclusive
 * @unmapped: the bytes unmapped are added
 *
 * Flushes by itself: a device may be about to revoke the rest.
 *
 * Return: 0; -ENOMEM, then nothing has changed; not if no map is cut in two.
 */
int sluice_mmio_unmap_range(struct sluice_space *space, u64 start, u64 last,
			    u64 *unmapped)
{
	struct sluice_mmio_map *map, *spare = NULL;
	struct sluice_domain *domain;

	if (likely(list_empty_careful(&space->uni->mmio)))
		return 0;
	mutex_lock(&mmio_lock);
	map = find_overlap(space->uni, start, last);
	/* A range in the middle of a map leaves two. */
	if (map && map->extent.iova < start && last_of(map) > last) {
		if (space->uni->nr_mmio < 2 * MAX_MAPS)
			spare = kmalloc(sizeof(*spare), GFP_KERNEL_ACCOUNT);
		if (!spare) {
			mutex_unlock(&mmio_lock);
			return -ENOMEM;
		}
	}
	while ((map = find_overlap(space->uni, start, last))) {
		u64 from = max(start, map->extent.iova);
		u64 to = min(last, last_of(map));

		list_for_each_entry(domain, &space->domains, node)
			sluice_domain_clear(domain, from, to);
		*unmapped += to - from + 1;
		trim(map, from, to, &spare);
	}
	mutex_unlock(&mmio_lock);
	kfree(spare);
	return 0;
}

/**
 * sluice_mmio_fill_unified - give a new domain the device memory a space has mapped
 * @space: a unified space
 * @to: the new domain
 *
 * Context: the caller holds the mmio lock until @to is in the space's list.
 * Return: 0 or the backend's errno.
 */
int sluice_mmio_fill_unified(struct sluice_space *space,
			     struct sluice_domain *to)
{
	struct sluice_mmio_map *map;
	int ret = 0;

	lockdep_assert_held(&mmio_lock);
	list_for_each_entry(map, &space->uni->mmio, space_node)
		ret = ret ?: sluice_mmio_fill(map, to);
	return ret;
}

/* ---- Revocation ---- */

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
		/* Others may be looking at what is mapped there. */
		gather.keep_tables = true;
		list_for_each_entry(map, &maps, node)
			sluice_domain_unmap(domain, map->extent.iova,
					    map->extent.iova +
					    (map->extent.len - 1), &gather);
		sluice_domain_flush(domain, &gather);
	}
	list_for_each_entry_safe(map, next, &maps, node) {
		list_del(&map->node);
		map->sdev = NULL;
		if (space->uni) {
			list_del(&map->space_node);
			space->uni->nr_mmio--;
			kfree(map);
		}
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
