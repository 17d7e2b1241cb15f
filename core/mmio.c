// SPDX-License-Identifier: GPL-2.0-only
/*
 * Peer-to-peer: device memory (BARs) mapped for the DMA of other devices.
 *
 * Owns: which device's memory is mapped in which space, its withdrawal, and its return.
 * A device whose memory decode goes off, or that is reset, would leave
 * translations to addresses that nobody, or somebody else, decodes. So the
 * device keeps the records and its driver revokes them first. A record that is revoked
 * stays until its user unmaps it, or the device's last close: its IOVAs are taken, and
 * its page tables stay, so that the memory can be mapped again when decode is on.
 *
 * Locking: one mutex for all of it. Peer-to-peer maps are few; a lock for each
 * device would have to nest both inside and outside of the spaces' locks.
 * A space's list of domains, and the groups attached to them, change only with
 * this lock held too, so a revoker needs no lock of the space. Nothing under it
 * waits for user space.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/interval_tree.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "unified.h"

/**
 * struct sluice_mmio_map - device memory in a space
 * @node: link in &sluice_device.mmio_maps
 * @space_node: link in &sluice_unified.mmio, if the space is unified
 * @late_node: link in the list of those that the work item maps
 * @range: its IOVAs, in &sluice_space.mmio
 * @sdev: the device; NULL after its last close
 * @space: the space
 * @offset: where the memory begins in the device's fd
 * @phys: where that was when it was last mapped
 * @prot: &enum sluice_prot
 * @page: what @phys must be a multiple of
 * @mapped: every domain of the space translates it; else none does
 * @memcg: whom page tables are charged to; a reference
 *
 * All guarded by mmio_lock. A record of a unified space is in all three places, or
 * freed; that of a legacy space belongs to its &struct sluice_mapping, and is in none of
 * them after the device's last close.
 */
struct sluice_mmio_map {
	struct list_head node;
	struct list_head space_node;
	struct list_head late_node;
	struct interval_tree_node range;
	struct sluice_device *sdev;
	struct sluice_space *space;
	loff_t offset;
	phys_addr_t phys;
	unsigned int prot;
	u64 page;
	bool mapped;
	struct mem_cgroup *memcg;
};

/*
 * Maps of device memory in a unified space; unmapping parts of them may make twice as
 * many. All are walked under a lock that everybody's resets want.
 */
#define MAX_MAPS 4096

static DEFINE_MUTEX(mmio_lock);

/* Records that couldn't be mapped again without memory; mmio_lock. */
static LIST_HEAD(late);

static void map_late(struct work_struct *work);
static DECLARE_WORK(late_work, map_late);

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

static struct sluice_mmio_map *record_alloc(struct sluice_space *space, u64 iova,
					    u64 size, unsigned int prot,
					    u64 page)
{
	struct sluice_mmio_map *map;

	map = kzalloc(sizeof(*map), GFP_KERNEL_ACCOUNT);
	if (!map)
		return NULL;
	INIT_LIST_HEAD(&map->late_node);
	map->space = space;
	map->range.start = iova;
	map->range.last = iova + (size - 1);
	map->prot = prot | SLUICE_PROT_MMIO;
	map->page = page;
	map->memcg = get_mem_cgroup_from_mm(current->mm);
	return map;
}

static void record_free(struct sluice_mmio_map *map)
{
	mem_cgroup_put(map->memcg);
	kfree(map);
}

static void record_insert(struct sluice_mmio_map *map)
{
	struct sluice_space *space = map->space;

	lockdep_assert_held(&mmio_lock);
	list_add(&map->node, &map->sdev->mmio_maps);
	interval_tree_insert(&map->range, &space->mmio);
	if (!space->uni)
		return;
	list_add(&map->space_node, &space->uni->mmio);
	space->uni->nr_mmio++;
}

static void record_remove(struct sluice_mmio_map *map)
{
	struct sluice_space *space = map->space;

	lockdep_assert_held(&mmio_lock);
	list_del(&map->node);
	list_del_init(&map->late_node);
	interval_tree_remove(&map->range, &space->mmio);
	if (!space->uni)
		return;
	list_del(&map->space_node);
	space->uni->nr_mmio--;
}

static u64 bytes_of(const struct sluice_mmio_map *map)
{
	return map->range.last - map->range.start + 1;
}

static struct sluice_extent extent_of(const struct sluice_mmio_map *map)
{
	return (struct sluice_extent){
		.iova = map->range.start,
		.phys = map->phys,
		.len = bytes_of(map),
	};
}

/* Asks the driver where the memory is now. */
static int locate(struct sluice_mmio_map *map)
{
	size_t len = bytes_of(map);
	phys_addr_t phys;
	int ret;

	lockdep_assert_held(&mmio_lock);
	ret = map->sdev->ops->mmio_phys(map->sdev, map->offset, &phys, &len);
	if (ret || len < bytes_of(map))
		return -EFAULT;
	if (!IS_ALIGNED(phys, map->page))
		return -EINVAL;
	map->phys = phys;
	return 0;
}

/* ---- Domains ---- */

static void clear_domains(struct sluice_mmio_map *map)
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
	struct sluice_extent extent = extent_of(map);
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

/* Others may be looking at what is there, and it is needed again: tables stay. */
static void clear_again(struct sluice_domain *domain, u64 start, u64 last)
{
	struct sluice_gather gather __uninitialized;

	sluice_gather_init(&gather);
	gather.keep_tables = true;
	sluice_domain_unmap(domain, start, last, &gather);
	sluice_domain_flush(domain, &gather);
}

/* @wait: memory may be allocated. */
static int map_again(struct sluice_domain *domain,
		     const struct sluice_extent *extent, unsigned int prot,
		     bool wait)
{
	struct sluice_gather gather __uninitialized;
	u64 done = 0;
	int ret;

	sluice_gather_init(&gather);
	gather.in_place = true;
	gather.no_tables = !wait;
	ret = domain->ops->map(domain, extent, 1, prot, &done, &gather);
	if (!ret)
		done = extent->len;
	if (gather.nr || gather.nonleaf) {
		int flushed = sluice_domain_flush(domain, &gather);

		ret = ret ?: flushed;
	}
	if (ret && done)
		clear_again(domain, extent->iova, extent->iova + (done - 1));
	return ret;
}

/* Maps revoked memory again in every domain, or in none. */
static int map_domains_again(struct sluice_mmio_map *map, bool wait)
{
	struct sluice_domain *domain;
	struct sluice_extent extent;
	int ret;

	ret = locate(map);
	if (ret)
		return ret;
	extent = extent_of(map);
	list_for_each_entry(domain, &map->space->domains, node) {
		ret = map_again(domain, &extent, map->prot, wait);
		if (ret)
			goto err_clear;
	}
	map->mapped = true;
	return 0;

err_clear:
	list_for_each_entry_continue_reverse(domain, &map->space->domains, node)
		clear_again(domain, map->range.start, map->range.last);
	return ret;
}

/* Has a domain the tables that it takes to map revoked memory again? Sees to it. */
static int prepare_again(struct sluice_domain *domain,
			 const struct sluice_mmio_map *map, bool no_tables)
{
	struct sluice_extent extent = extent_of(map);
	struct sluice_gather gather __uninitialized;
	int ret;

	if (!domain->ops->prepare)
		return 0;
	sluice_gather_init(&gather);
	gather.keep_tables = true;
	gather.no_tables = no_tables;
	ret = domain->ops->prepare(domain, &extent, 1, &gather);
	if (gather.nr || gather.nonleaf)
		sluice_domain_flush(domain, &gather);
	/* Whatever else it is, a backend that can't prepare says so, too. */
	return ret == -ENOMEM ? ret : 0;
}

/* ---- Any space ---- */

static int map_first(struct sluice_mmio_map *map)
{
	struct sluice_unified *uni = map->space->uni;
	int ret;

	lockdep_assert_held(&mmio_lock);
	if (uni && uni->nr_mmio >= MAX_MAPS)
		return -ENOSPC;
	if (!map->sdev->mmio_live)
		return -EFAULT;
	ret = locate(map) ?: map_domains(map);
	if (!ret)
		record_insert(map);
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
 * it isn't aligned; -ENOSPC for too many in a unified space; -ENOMEM.
 */
struct sluice_mmio_map *sluice_mmio_map(struct sluice_space *space, u64 iova,
					unsigned long vaddr, u64 size,
					unsigned int prot, u64 page)
{
	struct sluice_mmio_map *map;
	struct file *file;
	int ret;

	lockdep_assert_held(&space->lock);

	map = record_alloc(space, iova, size, prot, page);
	if (!map)
		return ERR_PTR(-ENOMEM);
	file = find_memory(vaddr, size, prot, &map->offset);
	ret = PTR_ERR_OR_ZERO(file);
	if (ret)
		goto err_free;

	mutex_lock(&mmio_lock);
	map->sdev = sluice_device_from_file(file);
	ret = map_first(map);
	mutex_unlock(&mmio_lock);
	/* From here on the device's close revokes the map. */
	fput(file);
	if (ret)
		goto err_free;
	return map;

err_free:
	record_free(map);
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
		record_remove(map);
	}
	mutex_unlock(&mmio_lock);
	record_free(map);
}

/**
 * sluice_mmio_fill - give a new domain what the others have
 * @map: the record
 * @to: the new domain
 *
 * If the memory is revoked, @to gets what it takes to map it again.
 *
 * Context: the caller holds the mmio lock until @to is in the space's list.
 * Return: 0 or the backend's errno.
 */
int sluice_mmio_fill(struct sluice_mmio_map *map, struct sluice_domain *to)
{
	struct sluice_extent extent = extent_of(map);

	lockdep_assert_held(&mmio_lock);
	if (!map->sdev)
		return 0;
	if (!map->mapped)
		return prepare_again(to, map, false);
	return sluice_domain_map(to, &extent, 1, map->prot);
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
 * Return: 0; -EEXIST if something is mapped there; or as sluice_mmio_map().
 */
int sluice_mmio_map_unified(struct sluice_space *space, u64 iova,
			    unsigned long vaddr, u64 size, unsigned int prot,
			    u64 page)
{
	return PTR_ERR_OR_ZERO(sluice_mmio_map(space, iova, vaddr, size, prot,
					       page));
}

static struct sluice_mmio_map *find_overlap(struct sluice_space *space,
					    u64 start, u64 last)
{
	struct interval_tree_node *node;

	lockdep_assert_held(&mmio_lock);
	node = interval_tree_iter_first(&space->mmio, start, last);
	return node ? container_of(node, struct sluice_mmio_map, range) : NULL;
}

/**
 * sluice_mmio_overlaps - is device memory mapped in a range, or will be again?
 * @space: a unified space; the caller holds its lock and the range
 * @start: first IOVA
 * @last: last IOVA, inclusive
 *
 * If not, no revocation touches the range from now on, for as long as it is held, and
 * nothing comes back there.
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
	ret = find_overlap(space, start, last);
	mutex_unlock(&mmio_lock);
	return ret;
}

/* Makes @at the beginning of a record, if it lies within one. */
static int split_at(struct sluice_space *space, u64 at)
{
	struct sluice_mmio_map *map = find_overlap(space, at, at), *rest;

	if (!map || map->range.start == at)
		return 0;
	if (space->uni->nr_mmio >= 2 * MAX_MAPS)
		return -ENOMEM;
	rest = kmemdup(map, sizeof(*map), GFP_KERNEL_ACCOUNT);
	if (!rest)
		return -ENOMEM;
	/* Can't fail: there is a reference. */
	if (rest->memcg)
		mem_cgroup_tryget(rest->memcg);
	INIT_LIST_HEAD(&rest->late_node);
	if (!list_empty(&map->late_node))
		list_add(&rest->late_node, &map->late_node);
	rest->range.start = at;
	rest->offset += at - map->range.start;
	rest->phys += at - map->range.start;
	interval_tree_remove(&map->range, &space->mmio);
	map->range.last = at - 1;
	interval_tree_insert(&map->range, &space->mmio);
	record_insert(rest);
	return 0;
}

/*
 * Has records begin and end with a range. What is mapped again from then on is mapped
 * by pages that don't cross its ends either.
 */
static int split_ends(struct sluice_space *space, u64 start, u64 last)
{
	int ret = split_at(space, start);

	if (!ret && last != U64_MAX)
		ret = split_at(space, last + 1);
	return ret;
}

/* A record that is revoked, now that it ends sooner, may need more tables. */
static int prepare_rest(struct sluice_domain *domain,
			struct sluice_space *space, u64 iova, bool no_tables)
{
	struct sluice_mmio_map *map = find_overlap(space, iova, iova);

	return map && !map->mapped ? prepare_again(domain, map, no_tables) : 0;
}

static int cut_domain(struct sluice_domain *domain, struct sluice_space *space,
		      const struct sluice_range *range, bool no_tables)
{
	struct sluice_gather gather __uninitialized;
	int ret;

	sluice_gather_init(&gather);
	gather.no_tables = no_tables;
	ret = domain->ops->cut(domain, range, &gather);
	if (gather.nr || gather.nonleaf)
		sluice_domain_flush(domain, &gather);
	if (!ret && range->start)
		ret = prepare_rest(domain, space, range->start - 1, no_tables);
	if (!ret && range->last != U64_MAX)
		ret = prepare_rest(domain, space, range->last + 1, no_tables);
	return ret;
}

/**
 * sluice_mmio_cut - sluice_txn_cut() of a range with device memory
 * @space: a unified space; the caller holds its lock and the range
 * @start: first IOVA
 * @last: last IOVA, inclusive
 *
 * No revoker is at the page that is cut meanwhile, and none will be before hardware
 * has forgotten it. Pages that are mapped again later are cut as well.
 *
 * Return: 0; -ENOMEM: everything is as before.
 */
int sluice_mmio_cut(struct sluice_space *space, u64 start, u64 last)
{
	struct sluice_range range = { start, last };
	bool over = sluice_unified_over(space);
	struct sluice_domain *domain;
	int ret;

	mutex_lock(&mmio_lock);
	ret = split_ends(space, start, last);
	list_for_each_entry(domain, &space->domains, node)
		ret = ret ?: cut_domain(domain, space, &range, over);
	mutex_unlock(&mmio_lock);
	if (ret || over)
		return ret;
	return sluice_unified_charge_tables(space);
}

/**
 * sluice_mmio_unmap_range - unmap what device memory is mapped in a range
 * @space: a unified space; the caller holds its lock and the range, no page of
 *	which crosses an end
 * @start: first IOVA
 * @last: last IOVA, inclusive
 * @unmapped: the bytes unmapped are added, those of revoked memory among them
 *
 * Flushes by itself: a device may be about to revoke the rest.
 *
 * Return: 0; -ENOMEM, then nothing has changed; not if no map crosses an end, as after
 * sluice_mmio_cut().
 */
int sluice_mmio_unmap_range(struct sluice_space *space, u64 start, u64 last,
			    u64 *unmapped)
{
	struct sluice_mmio_map *map;
	int ret;

	if (likely(list_empty_careful(&space->uni->mmio)))
		return 0;
	mutex_lock(&mmio_lock);
	ret = split_ends(space, start, last);
	while (!ret && (map = find_overlap(space, start, last))) {
		clear_domains(map);
		*unmapped += bytes_of(map);
		record_remove(map);
		record_free(map);
	}
	mutex_unlock(&mmio_lock);
	return ret;
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

/* ---- Revocation, and what comes after it ---- */

/* All of that space is withdrawn with one flush; @all is the device's. */
static void revoke_space(struct sluice_space *space, struct list_head *all)
{
	struct sluice_mmio_map *map;
	struct sluice_domain *domain;
	struct sluice_gather gather;

	list_for_each_entry(domain, &space->domains, node) {
		sluice_gather_init(&gather);
		/* As in clear_again(). */
		gather.keep_tables = true;
		list_for_each_entry(map, all, node) {
			if (map->space == space && map->mapped)
				sluice_domain_unmap(domain, map->range.start,
						    map->range.last, &gather);
		}
		sluice_domain_flush(domain, &gather);
	}
	list_for_each_entry(map, all, node) {
		if (map->space == space)
			map->mapped = false;
	}
}

static void revoke(struct sluice_device *sdev)
{
	struct list_head *maps = &sdev->mmio_maps;
	struct sluice_mmio_map *map;

	lockdep_assert_held(&mmio_lock);
	sdev->mmio_live = false;
	list_for_each_entry(map, maps, node) {
		/* The work item has nothing of a device that is revoked. */
		list_del_init(&map->late_node);
		if (map->mapped)
			revoke_space(map->space, maps);
	}
}

void sluice_device_mmio_revoke(struct sluice_device *sdev)
{
	guard(mutex)(&mmio_lock);
	revoke(sdev);
}

/**
 * sluice_mmio_drop - revoke a device's memory for good
 * @sdev: the device; its last fd is being closed
 *
 * Mappings of legacy spaces stay until they are unmapped, without effect.
 */
void sluice_mmio_drop(struct sluice_device *sdev)
{
	struct sluice_mmio_map *map, *next;

	guard(mutex)(&mmio_lock);
	revoke(sdev);
	list_for_each_entry_safe(map, next, &sdev->mmio_maps, node) {
		record_remove(map);
		map->sdev = NULL;
		if (map->space->uni)
			record_free(map);
	}
}

void sluice_device_mmio_enable(struct sluice_device *sdev)
{
	struct sluice_mmio_map *map;

	guard(mutex)(&mmio_lock);
	if (sdev->mmio_live)
		return;
	sdev->mmio_live = true;
	list_for_each_entry(map, &sdev->mmio_maps, node) {
		int ret;

		/* Nothing is mapped any more once an IOMMU has died. */
		if (sluice_space_dead(map->space))
			continue;
		ret = map_domains_again(map, false);
		/* With EFAULT, the next revocation is on its way. */
		if (ret && ret != -EFAULT)
			list_add_tail(&map->late_node, &late);
	}
	if (!list_empty(&late))
		queue_work(system_unbound_wq, &late_work);
}

/* The second and last try, with memory that the user of the space is charged for. */
static void map_one_late(struct sluice_mmio_map *map)
{
	struct mem_cgroup *old;
	int ret;

	lockdep_assert_held(&mmio_lock);
	list_del_init(&map->late_node);
	if (sluice_space_dead(map->space))
		return;
	old = set_active_memcg(map->memcg);
	ret = map_domains_again(map, true);
	set_active_memcg(old);
	if (ret && ret != -EFAULT)
		dev_warn_ratelimited(map->sdev->dev,
				     "its memory can't be mapped again at IOVA %#llx..%#llx (%d): other devices won't reach it there until it is unmapped and mapped, or decode goes off and on\n",
				     (u64)map->range.start,
				     (u64)map->range.last, ret);
}

/*
 * What is listed belongs to devices whose memory is live: a revocation takes it off. So
 * after a revocation nothing is mapped here, however late this runs.
 */
static void map_late(struct work_struct *work)
{
	struct sluice_mmio_map *map;

	do {
		mutex_lock(&mmio_lock);
		map = list_first_entry_or_null(&late, struct sluice_mmio_map,
					       late_node);
		if (map)
			map_one_late(map);
		mutex_unlock(&mmio_lock);
		cond_resched();
	} while (map);
}
