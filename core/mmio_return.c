// SPDX-License-Identifier: GPL-2.0-only
/*
 * Peer-to-peer: device memory that is withdrawn, and comes back.
 *
 * A device whose memory decode goes off, or that is reset, would leave
 * translations to addresses that nobody, or somebody else, decodes. So the
 * device keeps the records and its driver revokes them first. A record that is revoked
 * stays until its user unmaps it, or the device's last close: its IOVAs are taken, and
 * its page tables stay, so that the memory can be mapped again when decode is on.
 *
 * Whoever revokes, or brings back, lets go of the mmio lock between records, and
 * keeps &sluice_device.mmio_turn: one at a time for a device. That is taken first, and
 * nobody waits under it but for the mmio lock.
 */
#include <linux/memcontrol.h>
#include <linux/sched/mm.h>
#include <linux/workqueue.h>

#include "mmio.h"

/* Records that couldn't be mapped again without memory; the mmio lock. */
static LIST_HEAD(late);

static void map_late(struct work_struct *work);
static DECLARE_WORK(late_work, map_late);

/* ---- Withdrawal ---- */

/* Revoked in one go, with one flush for each domain: so many records, or bytes. */
#define REVOKE_RECORDS 128
#define REVOKE_BYTES SZ_64M

/* How many of a device's first mapped records, all of one space, are revoked now. */
static unsigned int few_of(const struct list_head *maps)
{
	const struct sluice_space *space = NULL;
	const struct sluice_mmio_map *map;
	unsigned int nr = 0;
	u64 bytes = 0;

	list_for_each_entry(map, maps, node) {
		bytes += sluice_mmio_bytes(map);
		if (nr && (map->space != space || bytes > REVOKE_BYTES))
			break;
		space = map->space;
		if (++nr == REVOKE_RECORDS)
			break;
	}
	return nr;
}

/* Revokes some; true if there may be more. */
static bool revoke_few(struct sluice_device *sdev)
{
	unsigned int nr = few_of(&sdev->mmio_maps), i;
	struct sluice_mmio_map *map, *next;
	struct sluice_domain *domain;
	struct sluice_gather gather;

	sluice_mmio_assert_locked();
	if (!nr)
		return false;
	map = list_first_entry(&sdev->mmio_maps, struct sluice_mmio_map, node);
	list_for_each_entry(domain, &map->space->domains, node) {
		sluice_gather_init(&gather);
		/* As in clear_again(). */
		gather.keep_tables = true;
		i = 0;
		list_for_each_entry(map, &sdev->mmio_maps, node) {
			sluice_domain_unmap(domain, map->range.start,
					    map->range.last, &gather);
			if (++i == nr)
				break;
		}
		sluice_domain_flush(domain, &gather);
	}
	i = 0;
	list_for_each_entry_safe(map, next, &sdev->mmio_maps, node) {
		map->mapped = false;
		list_move_tail(&map->node, &sdev->mmio_revoked);
		if (++i == nr)
			break;
	}
	return true;
}

static void revoke(struct sluice_device *sdev)
{
	bool more;

	lockdep_assert_held(&sdev->mmio_turn);
	do {
		sluice_mmio_lock();
		sdev->mmio_live = false;
		more = revoke_few(sdev);
		sluice_mmio_unlock();
		cond_resched();
	} while (more);
}

void sluice_device_mmio_revoke(struct sluice_device *sdev)
{
	guard(mutex)(&sdev->mmio_turn);
	revoke(sdev);
}

/* Forgets one that is revoked; false if there is none. */
static bool drop_one(struct sluice_device *sdev)
{
	struct sluice_mmio_map *map;

	map = list_first_entry_or_null(&sdev->mmio_revoked,
				       struct sluice_mmio_map, node);
	if (!map)
		return false;
	sluice_mmio_remove(map);
	map->sdev = NULL;
	if (map->space->uni)
		sluice_mmio_free(map);
	return true;
}

/**
 * sluice_mmio_drop - revoke a device's memory for good
 * @sdev: the device; its last fd is being closed
 *
 * Mappings of legacy spaces stay until they are unmapped, without effect.
 */
void sluice_mmio_drop(struct sluice_device *sdev)
{
	bool more;

	guard(mutex)(&sdev->mmio_turn);
	revoke(sdev);
	do {
		sluice_mmio_lock();
		more = drop_one(sdev);
		sluice_mmio_unlock();
		cond_resched();
	} while (more);
}

/* ---- Return ---- */

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

/* Is it a new domain that doesn't have @map yet? It will be filled with what is then. */
static bool unfilled(const struct sluice_domain *domain,
		     const struct sluice_mmio_map *map)
{
	return domain == map->space->filling &&
	       map->range.start >= map->space->filled;
}

/* Asks the driver where the memory is now. */
static int locate(struct sluice_mmio_map *map)
{
	size_t len = sluice_mmio_bytes(map);
	phys_addr_t phys;
	int ret;

	sluice_mmio_assert_locked();
	ret = map->sdev->ops->mmio_phys(map->sdev, map->offset, &phys, &len);
	if (ret || len < sluice_mmio_bytes(map))
		return -EFAULT;
	if (!IS_ALIGNED(phys, map->page))
		return -EINVAL;
	map->phys = phys;
	return 0;
}

/* Maps revoked memory again in every domain, or in none. */
static int map_domains_again(struct sluice_mmio_map *map, bool wait)
{
	struct sluice_space *space = map->space;
	struct sluice_domain *domain;
	struct sluice_extent extent;
	int ret;

	ret = locate(map);
	if (ret)
		return ret;
	extent = sluice_mmio_extent(map);
	list_for_each_entry(domain, &space->domains, node) {
		if (unfilled(domain, map))
			continue;
		ret = map_again(domain, &extent, map->prot, wait);
		if (ret)
			goto err_clear;
	}
	map->mapped = true;
	list_move_tail(&map->node, &map->sdev->mmio_maps);
	return 0;

err_clear:
	list_for_each_entry_continue_reverse(domain, &space->domains, node) {
		if (!unfilled(domain, map))
			clear_again(domain, map->range.start, map->range.last);
	}
	return ret;
}

/**
 * sluice_mmio_prepare - see to it that revoked memory can be mapped again
 * @domain: a domain of its space, or one that is about to be
 * @map: the record
 * @no_tables: nothing may be allocated
 *
 * Return: 0; -ENOMEM if the domain lacks tables.
 */
int sluice_mmio_prepare(struct sluice_domain *domain,
			const struct sluice_mmio_map *map, bool no_tables)
{
	struct sluice_extent extent = sluice_mmio_extent(map);
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

/* Maps the first of @todo again; what can't be is listed for the work item. */
static bool return_one(struct sluice_device *sdev, struct list_head *todo)
{
	struct sluice_mmio_map *map;
	int ret;

	map = list_first_entry_or_null(todo, struct sluice_mmio_map, node);
	if (!map)
		return false;
	list_move_tail(&map->node, &sdev->mmio_revoked);
	/* Nothing is mapped any more once an IOMMU has died. */
	if (sluice_space_dead(map->space))
		return true;
	ret = map_domains_again(map, false);
	/* With EFAULT, the next revocation is on its way. */
	if (ret && ret != -EFAULT) {
		list_move_tail(&map->late_node, &late);
		queue_work(system_unbound_wq, &late_work);
	}
	return true;
}

void sluice_device_mmio_enable(struct sluice_device *sdev)
{
	LIST_HEAD(todo);
	bool more;

	guard(mutex)(&sdev->mmio_turn);
	sluice_mmio_lock();
	if (!sdev->mmio_live)
		list_splice_init(&sdev->mmio_revoked, &todo);
	sdev->mmio_live = true;
	do {
		more = return_one(sdev, &todo);
		sluice_mmio_unlock();
		cond_resched();
		sluice_mmio_lock();
	} while (more);
	sluice_mmio_unlock();
}

/* The second and last try, with memory that the user of the space is charged for. */
static void map_one_late(struct sluice_mmio_map *map)
{
	struct mem_cgroup *old;
	int ret;

	sluice_mmio_assert_locked();
	list_del_init(&map->late_node);
	/* Revoked once more: whoever brings it back tries anew. */
	if (!map->sdev->mmio_live || map->mapped ||
	    sluice_space_dead(map->space))
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

/* What is listed and was revoked since is not mapped, however late this runs. */
static void map_late(struct work_struct *work)
{
	struct sluice_mmio_map *map;

	do {
		sluice_mmio_lock();
		map = list_first_entry_or_null(&late, struct sluice_mmio_map,
					       late_node);
		if (map)
			map_one_late(map);
		sluice_mmio_unlock();
		cond_resched();
	} while (map);
}
