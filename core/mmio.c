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
#include <linux/sched/signal.h>
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
 * Return: 1 if so; 0; -ERESTART if mmap_lock can't be had: the operation begins anew.
 */
int sluice_mmio_at(unsigned long vaddr)
{
	struct mm_struct *mm = current->mm;
	int ret;

	if (!mmap_read_trylock(mm))
		return -ERESTART;
	ret = !!vma_device(vma_lookup(mm, vaddr));
	mmap_read_unlock(mm);
	return ret;
}

/*
 * Finds what @vaddr shows. Only mappings of our own device fds count: of any
 * other device memory nobody would tell us when it goes away.
 * Returns the device's file with a reference, which keeps the device open, unless that is
 * taken away; sets
 * *@offset to where in it the memory begins. -ERESTART as of sluice_mmio_at().
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

	if (!mmap_read_trylock(mm))
		return ERR_PTR(-ERESTART);
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
	struct sluice_extent extent = sluice_mmio_extent(map);
	struct sluice_domain *domain;
	int ret;

	list_for_each_entry(domain, &map->space->domains, node) {
		ret = sluice_domain_map_prepared(domain, &extent, map->prot);
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

/* Do all its domains map 1 GiB by one entry, and know of it? The kernel's drivers don't. */
static bool large_pages(struct sluice_space *space)
{
	struct sluice_domain *domain;

	if (!(space->pgsizes & SZ_1G))
		return false;
	list_for_each_entry(domain, &space->domains, node) {
		if (domain->iommu->backend->rating == SLUICE_RATING_GENERIC)
			return false;
	}
	return true;
}

/*
 * How much is mapped, revoked or unmapped at a time: 64 MiB are 16,384 entries at
 * most. More, if one entry stands for all of it.
 */
static u64 piece_of(const struct sluice_mmio_map *map, u64 iova, u64 size)
{
	u64 piece = max_t(u64, SZ_64M, map->page);

	if (IS_ALIGNED(iova | map->phys, SZ_1G) && size >= SZ_1G &&
	    large_pages(map->space))
		return max_t(u64, SZ_1G, map->page);
	return min_t(u64, size, piece - (iova & (piece - 1)));
}

/* Finds where the first piece of @size bytes at @iova is; the record is for that. */
static int find_piece(struct sluice_mmio_map *map, u64 iova, u64 size)
{
	struct sluice_device *sdev = map->sdev;
	size_t len = size;

	lockdep_assert_held(&mmio_lock);
	if (max(map->space->nr_mmio, sdev->nr_mmio) >= SLUICE_MMIO_MAX)
		return -ENOSPC;
	if (!sdev->mmio_live ||
	    sdev->ops->mmio_phys(sdev, map->offset, &map->phys, &len) ||
	    len < size)
		return -EFAULT;
	if (!IS_ALIGNED(map->phys, map->page))
		return -EINVAL;
	map->range.start = iova;
	map->range.last = iova + (piece_of(map, iova, size) - 1);
	return 0;
}

/* Maps it where it was found, or says -EAGAIN if it is elsewhere by now. */
static int map_found(struct sluice_mmio_map *map, u64 iova, u64 size,
		     u64 *bytes)
{
	phys_addr_t phys = map->phys;
	int ret = find_piece(map, iova, size);

	if (ret)
		return ret;
	if (map->phys != phys)
		return -EAGAIN;
	ret = map_domains(map);
	if (ret)
		return ret;
	/* Of a unified space it may be gone as soon as the lock is let go of. */
	*bytes = sluice_mmio_bytes(map);
	sluice_mmio_insert(map);
	return 0;
}

/* Memory for tables is waited for without the lock; the caller has the space's. */
static int map_piece(struct sluice_mmio_map *map, u64 iova, u64 size,
		     u64 *bytes)
{
	struct sluice_domain *domain;
	struct sluice_extent extent;
	int ret;

	sluice_mmio_lock();
	ret = find_piece(map, iova, size);
	sluice_mmio_unlock();
	if (ret)
		return ret;
	extent = sluice_mmio_extent(map);
	list_for_each_entry(domain, &map->space->domains, node) {
		ret = sluice_domain_prepare(domain, &extent);
		if (ret)
			return ret;
	}
	sluice_mmio_lock();
	ret = map_found(map, iova, size, bytes);
	sluice_mmio_unlock();
	return ret;
}

/* The next piece, of *@bytes, as map_piece(); or an ERR_PTR(). */
static struct sluice_mmio_map *
map_next(struct sluice_space *space, struct sluice_device *sdev, loff_t offset,
	 u64 iova, u64 size, unsigned int prot, u64 page, u64 *bytes)
{
	struct sluice_mmio_map *map = record_alloc(space, prot, page);
	int ret;

	if (!map)
		return ERR_PTR(-ENOMEM);
	map->sdev = sdev;
	map->offset = offset;
	/* Somebody moves the BAR meanwhile: that is one who has the device, too. */
	do {
		ret = map_piece(map, iova, size, bytes);
	} while (ret == -EAGAIN && !fatal_signal_pending(current));
	if (!ret)
		return map;
	sluice_mmio_free(map);
	return ERR_PTR(ret == -EAGAIN ? -EINTR : ret);
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
 * in the space or of the device; -ENOMEM; -EINTR if the task was killed.
 */
struct sluice_mmio_map *sluice_mmio_map(struct sluice_space *space, u64 iova,
					unsigned long vaddr, u64 size,
					unsigned int prot, u64 page)
{
	struct sluice_mmio_map *first = NULL, **tail = &first, *map;
	u64 done = 0, bytes, unmapped = 0;
	struct sluice_device *sdev;
	struct file *file;
	loff_t offset;

	lockdep_assert_held(&space->lock);

	file = find_memory(vaddr, size, prot, &offset);
	if (IS_ERR(file))
		return ERR_CAST(file);
	sdev = sluice_device_from_file(file);
	do {
		map = map_next(space, sdev, offset + done, iova + done,
			       size - done, prot, page, &bytes);
		if (IS_ERR(map)) {
			if (!space->uni)
				sluice_mmio_unmap(first);
			else if (done)
				sluice_mmio_unmap_range(space, iova,
							iova + (done - 1),
							&unmapped);
			first = map;
			break;
		}
		/*
		 * Nobody unmaps or splits it while the range is held. But a device that
		 * is taken away takes those of unified spaces with it.
		 */
		if (!space->uni) {
			*tail = map;
			tail = &map->next;
		}
		done += bytes;
		cond_resched();
	} while (done < size);
	/* From here on the device's close revokes the map. */
	fput(file);
	return first;
}

/**
 * sluice_mmio_check - would sluice_mmio_map() find what it is to map?
 * @space: the space; the caller holds its lock and the IOVA range
 * @iova: where it shall go
 * @vaddr: address in the current process
 * @size: bytes
 * @prot: &enum sluice_prot
 * @page: what the memory must be a multiple of
 *
 * Return: 0; or the errno of sluice_mmio_map(), as far as it isn't about @iova.
 */
int sluice_mmio_check(struct sluice_space *space, u64 iova, unsigned long vaddr,
		      u64 size, unsigned int prot, u64 page)
{
	struct sluice_mmio_map map = { .space = space, .page = page };
	struct file *file;
	int ret;

	file = find_memory(vaddr, size, prot, &map.offset);
	if (IS_ERR(file))
		return PTR_ERR(file);
	map.sdev = sluice_device_from_file(file);
	sluice_mmio_lock();
	ret = find_piece(&map, iova, size);
	sluice_mmio_unlock();
	fput(file);
	return ret;
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
 * sluice_mmio_unmap - undo sluice_mmio_map()
 * @map: what that returned, or NULL; freed. Of a legacy space
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

/* ---- Domains that come and go ---- */

/*
 * Gives @to what @map is about; if that is revoked, what it takes to map it again. Both
 * have been prepared as @extent, or it says -EAGAIN.
 */
static int fill_one(const struct sluice_mmio_map *map, struct sluice_domain *to,
		    const struct sluice_extent *extent)
{
	if (map->range.start != extent->iova || map->phys != extent->phys)
		return -EAGAIN;
	return map->mapped ? sluice_domain_map_prepared(to, extent, map->prot) :
			     0;
}

/* The next piece that @space->filling lacks; false if there is none, or if it fails. */
static bool fill_next(struct sluice_space *space, int *ret)
{
	struct sluice_mmio_map *map;
	struct sluice_extent extent;
	u64 last;

	sluice_mmio_assert_locked();
	map = sluice_mmio_find(space, space->filled, U64_MAX);
	if (!map)
		return false;
	extent = sluice_mmio_extent(map);
	last = map->range.last;
	sluice_mmio_unlock();
	*ret = sluice_domain_prepare(space->filling, &extent);
	cond_resched();
	sluice_mmio_lock();
	if (*ret)
		return false;
	/* It may be gone, or elsewhere. */
	map = sluice_mmio_find(space, space->filled, U64_MAX);
	if (!map)
		return false;
	*ret = fill_one(map, space->filling, &extent);
	if (*ret == -EAGAIN) {
		*ret = 0;
		return true;
	}
	if (*ret || last == U64_MAX)
		return false;
	space->filled = last + 1;
	return true;
}

/* Leaves nothing of device memory in @domain, and takes it off the space's list. */
static void unfill(struct sluice_space *space, struct sluice_domain *domain)
{
	struct sluice_mmio_map *map;
	u64 at = 0;

	sluice_mmio_assert_locked();
	/* Nothing comes back to it; and who revokes finds it until the end. */
	space->filling = domain;
	space->filled = 0;
	while ((map = sluice_mmio_find(space, at, U64_MAX))) {
		u64 last = map->range.last;

		if (map->mapped)
			sluice_domain_clear(domain, map->range.start, last);
		if (last == U64_MAX)
			break;
		at = last + 1;
		sluice_mmio_unlock();
		cond_resched();
		sluice_mmio_lock();
	}
	space->filling = NULL;
	list_del_init(&domain->node);
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
	int ret = 0;

	lockdep_assert_held_write(&space->lock);
	sluice_mmio_lock();
	list_add_tail(&to->node, &space->domains);
	space->filling = to;
	space->filled = 0;
	while (fill_next(space, &ret)) {
		sluice_mmio_unlock();
		cond_resched();
		sluice_mmio_lock();
	}
	space->filling = NULL;
	if (ret)
		unfill(space, to);
	sluice_mmio_unlock();
	return ret;
}

/**
 * sluice_mmio_unfill - take a domain out of a space's list, without device memory
 * @space: the space; its lock is held for writing
 * @domain: one of its domains
 */
void sluice_mmio_unfill(struct sluice_space *space,
			struct sluice_domain *domain)
{
	lockdep_assert_held_write(&space->lock);
	sluice_mmio_lock();
	unfill(space, domain);
	sluice_mmio_unlock();
}
