// SPDX-License-Identifier: GPL-2.0-only
/*
 * Peer-to-peer: device memory (BARs) mapped for the DMA of other devices.
 *
 * Owns: the records of which device's memory is mapped in which space, the lock of
 * them, mapping and unmapping. Does not own: parts of what is mapped
 * (mmio_cut.c), its withdrawal and return (mmio_return.c).
 *
 * Locking: one mutex for all of it. Peer-to-peer maps are few; a lock for each
 * device would have to nest both inside and outside of the spaces' locks.
 * A space's list of domains, and the groups attached to them, change only with
 * this lock held too, so a revoker needs no lock of the space. Nothing under it
 * waits for user space. Everybody's open, close and reset want it: so whoever has much
 * to do lets go of it after each record, and a record is small (piece_of()).
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "mmio.h"

static DEFINE_MUTEX(mmio_lock);
static unsigned int allocs; /* of who has it, before; mmio_lock */

/**
 * sluice_mmio_lock - take the lock of records
 *
 * Not killable: it is held for a bounded time, whatever users do. So memory for tables
 * isn't waited for in a way that ends in a user's own file system.
 */
void sluice_mmio_lock(void)
{
	mutex_lock(&mmio_lock);
	allocs = memalloc_noio_save();
}

/**
 * sluice_mmio_unlock - let go of the lock of records
 */
void sluice_mmio_unlock(void)
{
	memalloc_noio_restore(allocs);
	mutex_unlock(&mmio_lock);
}

void sluice_mmio_assert_locked(void)
{
	lockdep_assert_held(&mmio_lock);
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
 * Returns the device's file with a reference, which keeps the device open; sets
 * *@offset to where in it the memory begins.
 */
static struct file *find_memory(unsigned long vaddr, u64 size,
				unsigned int prot, loff_t *offset)
{
	vm_flags_t need = prot & SLUICE_PROT_WRITE ? VM_WRITE : 0;
	struct mm_struct *mm = current->mm;
	struct file *file = ERR_PTR(-EFAULT);
	struct vm_area_struct *vma;

	if (prot & SLUICE_PROT_READ)
		need |= VM_READ;

	mmap_read_lock(mm);
	vma = vma_lookup(mm, vaddr);
	if (vma_device(vma) && vma->vm_end - vaddr >= size &&
	    (vma->vm_flags & need) == need) {
		*offset = ((loff_t)vma->vm_pgoff << PAGE_SHIFT) +
			  (vaddr - vma->vm_start);
		file = get_file(vma->vm_file);
	}
	mmap_read_unlock(mm);
	return file;
}

/* ---- Records ---- */

static struct sluice_mmio_map *record_alloc(struct sluice_space *space,
					    unsigned int prot, u64 page)
{
	struct sluice_mmio_map *map;

	map = kzalloc(sizeof(*map), GFP_KERNEL_ACCOUNT);
	if (!map)
		return NULL;
	INIT_LIST_HEAD(&map->late_node);
	map->space = space;
	map->prot = prot | SLUICE_PROT_MMIO;
	map->page = page;
	map->memcg = get_mem_cgroup_from_mm(current->mm);
	return map;
}

/**
 * sluice_mmio_free - free a record
 * @map: a record that is in no list, nor in a space
 */
void sluice_mmio_free(struct sluice_mmio_map *map)
{
	mem_cgroup_put(map->memcg);
	kfree(map);
}

/**
 * sluice_mmio_insert - make a record known to its device and its space
 * @map: the record
 */
void sluice_mmio_insert(struct sluice_mmio_map *map)
{
	struct sluice_device *sdev = map->sdev;
	struct sluice_space *space = map->space;

	lockdep_assert_held(&mmio_lock);
	list_add_tail(&map->node, map->mapped ? &sdev->mmio_maps :
						&sdev->mmio_revoked);
	sdev->nr_mmio++;
	WRITE_ONCE(space->nr_mmio, space->nr_mmio + 1);
	spin_lock(&space->mmio.lock);
	interval_tree_insert(&map->range, &space->mmio.ranges);
	spin_unlock(&space->mmio.lock);
}

/**
 * sluice_mmio_remove - undo sluice_mmio_insert()
 * @map: the record, not mapped
 */
void sluice_mmio_remove(struct sluice_mmio_map *map)
{
	struct sluice_space *space = map->space;

	lockdep_assert_held(&mmio_lock);
	list_del(&map->node);
	list_del_init(&map->late_node);
	map->sdev->nr_mmio--;
	spin_lock(&space->mmio.lock);
	interval_tree_remove(&map->range, &space->mmio.ranges);
	spin_unlock(&space->mmio.lock);
	WRITE_ONCE(space->nr_mmio, space->nr_mmio - 1);
}

/**
 * sluice_mmio_set_range - change which IOVAs a record is about
 * @map: the record
 * @start: first IOVA
 * @last: last IOVA, inclusive
 */
void sluice_mmio_set_range(struct sluice_mmio_map *map, u64 start, u64 last)
{
	struct sluice_space *space = map->space;

	lockdep_assert_held(&mmio_lock);
	spin_lock(&space->mmio.lock);
	interval_tree_remove(&map->range, &space->mmio.ranges);
	map->range.start = start;
	map->range.last = last;
	interval_tree_insert(&map->range, &space->mmio.ranges);
	spin_unlock(&space->mmio.lock);
}

/**
 * sluice_mmio_find - find a record
 * @space: the space
 * @start: first IOVA
 * @last: last IOVA, inclusive
 *
 * Return: that with the lowest IOVA of those which overlap the range, or NULL.
 */
struct sluice_mmio_map *sluice_mmio_find(struct sluice_space *space, u64 start,
					 u64 last)
{
	struct interval_tree_node *node;

	lockdep_assert_held(&mmio_lock);
	node = interval_tree_iter_first(&space->mmio.ranges, start, last);
	return node ? container_of(node, struct sluice_mmio_map, range) : NULL;
}

/* ---- Mapping ---- */

/**
 * sluice_mmio_clear - unmap what a record is about from every domain
 * @map: the record
 */
void sluice_mmio_clear(struct sluice_mmio_map *map)
{
	struct sluice_domain *domain;

	lockdep_assert_held(&mmio_lock);
	if (!map->mapped)
		return;
	list_for_each_entry(domain, &map->space->domains, node)
		sluice_domain_clear(domain, map->range.start, map->range.last);
	map->mapped = false;
}

static int map_domains(struct sluice_mmio_map *map)
{
	struct sluice_extent extent = {
		.iova = map->range.start,
		.phys = map->phys,
		.len = sluice_mmio_bytes(map),
	};
	struct sluice_domain *domain;
	int ret;

	list_for_each_entry(domain, &map->space->domains, node) {
		ret = sluice_domain_map(domain, &extent, 1, map->prot);
		if (ret)
			goto err_clear;
	}
	map->mapped = true;
	return 0;

err_clear:
	list_for_each_entry_continue_reverse(domain, &map->space->domains, node)
		sluice_domain_clear(domain, map->range.start, map->range.last);
	return ret;
}

/* Do its domains have large pages of device memory? The kernel's own can't split them. */
static bool large_pages(struct sluice_space *space)
{
	struct sluice_domain *domain;

	if (!(space->pgsizes & SZ_1G))
		return false;
	list_for_each_entry(domain, &space->domains, node) {
		if (space->uni && domain->iommu->backend->rating ==
					  SLUICE_RATING_GENERIC)
			return false;
	}
	return true;
}

/*
 * How much is mapped, revoked or unmapped at a time: 64 MiB are 16,384 entries at
 * most. More, if one entry stands for all of it.
 */
static u64 piece_of(struct sluice_space *space, u64 iova, phys_addr_t phys,
		    u64 size)
{
	if (IS_ALIGNED(iova | phys, SZ_1G) && size >= SZ_1G &&
	    large_pages(space))
		return SZ_1G;
	return min_t(u64, size, SZ_64M - (iova & (SZ_64M - 1)));
}

/* Maps the first piece of @size bytes at @iova; the record is for that. */
static int map_piece(struct sluice_mmio_map *map, u64 iova, u64 size)
{
	struct sluice_space *space = map->space;
	struct sluice_device *sdev = map->sdev;
	size_t len = size;
	int ret;

	lockdep_assert_held(&mmio_lock);
	if (max(space->nr_mmio, sdev->nr_mmio) >= SLUICE_MMIO_MAX)
		return -ENOSPC;
	if (!sdev->mmio_live ||
	    sdev->ops->mmio_phys(sdev, map->offset, &map->phys, &len) ||
	    len < size)
		return -EFAULT;
	if (!IS_ALIGNED(map->phys, map->page))
		return -EINVAL;
	map->range.start = iova;
	map->range.last = iova + (piece_of(space, iova, map->phys, size) - 1);
	ret = map_domains(map);
	if (!ret)
		sluice_mmio_insert(map);
	return ret;
}

/* The next piece, as map_piece(); or an ERR_PTR(). */
static struct sluice_mmio_map *
map_next(struct sluice_space *space, struct sluice_device *sdev, loff_t offset,
	 u64 iova, u64 size, unsigned int prot, u64 page)
{
	struct sluice_mmio_map *map = record_alloc(space, prot, page);
	int ret;

	if (!map)
		return ERR_PTR(-ENOMEM);
	map->sdev = sdev;
	map->offset = offset;
	sluice_mmio_lock();
	ret = map_piece(map, iova, size);
	sluice_mmio_unlock();
	if (!ret)
		return map;
	sluice_mmio_free(map);
	return ERR_PTR(ret);
}

/* Unmaps what @done bytes from @iova on have become. */
static void unwind(struct sluice_space *space, struct sluice_mmio_map *first,
		   u64 iova, u64 done)
{
	u64 unmapped = 0;

	if (!done)
		return;
	if (space->uni)
		sluice_mmio_unmap_range(space, iova, iova + (done - 1),
					&unmapped);
	else
		sluice_mmio_unmap(first);
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
 * Return: its records, for sluice_mmio_unmap(), if the space is a legacy one; nothing
 * to be used, if not; ERR_PTR(-EFAULT) if there is no device memory of ours,
 * not enough of it, with too few rights, or its decoding is off; -EINVAL if
 * it isn't aligned; -EEXIST if something is mapped there; -ENOSPC for too many records
 * in the space or of the device; -ENOMEM.
 */
struct sluice_mmio_map *sluice_mmio_map(struct sluice_space *space, u64 iova,
					unsigned long vaddr, u64 size,
					unsigned int prot, u64 page)
{
	struct sluice_mmio_map *first = NULL, **tail = &first, *map;
	struct sluice_device *sdev;
	struct file *file;
	loff_t offset;
	u64 done = 0;

	lockdep_assert_held(&space->lock);

	file = find_memory(vaddr, size, prot, &offset);
	if (IS_ERR(file))
		return ERR_CAST(file);
	sdev = sluice_device_from_file(file);
	do {
		map = map_next(space, sdev, offset + done, iova + done,
			       size - done, prot, page);
		if (IS_ERR(map)) {
			unwind(space, first, iova, done);
			first = map;
			break;
		}
		/* Nobody unmaps or splits it while the range is held. */
		*tail = map;
		tail = &map->next;
		done += sluice_mmio_bytes(map);
		cond_resched();
	} while (done < size);
	/* From here on the device's close revokes the map. */
	fput(file);
	return first;
}

/**
 * sluice_mmio_map_unified - sluice_mmio_map() in a unified space
 * @space: the space; the caller holds its lock and the IOVA range
 * @iova: where it goes
 * @vaddr: address in the current process
 * @size: bytes
 * @prot: &enum sluice_prot
 * @page: what the memory must be a multiple of
 *
 * Return: 0; or the errno of sluice_mmio_map().
 */
int sluice_mmio_map_unified(struct sluice_space *space, u64 iova,
			    unsigned long vaddr, u64 size, unsigned int prot,
			    u64 page)
{
	return PTR_ERR_OR_ZERO(sluice_mmio_map(space, iova, vaddr, size, prot,
					       page));
}

/**
 * sluice_mmio_unmap - undo sluice_mmio_map() in a legacy space
 * @map: what that returned; freed
 *
 * Context: the space's lock and the IOVA range are held.
 */
void sluice_mmio_unmap(struct sluice_mmio_map *map)
{
	while (map) {
		struct sluice_mmio_map *next = map->next;

		sluice_mmio_lock();
		if (map->sdev) {
			sluice_mmio_clear(map);
			sluice_mmio_remove(map);
		}
		sluice_mmio_unlock();
		sluice_mmio_free(map);
		map = next;
		cond_resched();
	}
}

/* ---- A new domain ---- */

/* Gives @to what @map is about; if that is revoked, what it takes to map it again. */
static int fill_one(struct sluice_mmio_map *map, struct sluice_domain *to)
{
	struct sluice_extent extent = {
		.iova = map->range.start,
		.phys = map->phys,
		.len = sluice_mmio_bytes(map),
	};

	if (!map->mapped)
		return sluice_mmio_prepare(to, map, false);
	return sluice_domain_map(to, &extent, 1, map->prot);
}

/**
 * sluice_mmio_fill - give a new domain the device memory that a space has mapped
 * @space: the space; its lock is held for writing
 * @to: the new domain; in the space's list of domains afterwards, if that worked
 *
 * Who revokes memory, or brings it back, meanwhile, does so in the new domain, too: as
 * far as it is filled.
 *
 * Return: 0 or the backend's errno.
 */
int sluice_mmio_fill(struct sluice_space *space, struct sluice_domain *to)
{
	struct sluice_mmio_map *map;
	int ret = 0;

	lockdep_assert_held_write(&space->lock);
	sluice_mmio_lock();
	list_add_tail(&to->node, &space->domains);
	space->filling = to;
	space->filled = 0;
	while ((map = sluice_mmio_find(space, space->filled, U64_MAX))) {
		u64 last = map->range.last;

		ret = fill_one(map, to);
		if (ret || last == U64_MAX)
			break;
		space->filled = last + 1;
		sluice_mmio_unlock();
		cond_resched();
		sluice_mmio_lock();
	}
	space->filling = NULL;
	if (ret)
		list_del(&to->node);
	sluice_mmio_unlock();
	return ret;
}
