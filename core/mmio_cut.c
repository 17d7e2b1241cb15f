// SPDX-License-Identifier: GPL-2.0-only
/*
 * Peer-to-peer: parts of device memory that is mapped in a unified space.
 *
 * Owns: what in a range is device memory, splitting records at its ends, unmapping
 * it. Does not own: records as such (mmio.c).
 */
#include <linux/memcontrol.h>
#include <linux/slab.h>

#include "mmio.h"

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
	/* What was added in the range was added by who held it before. */
	if (likely(sluice_mmio_none(space)))
		return false;
	return sluice_is_reserved(&space->mmio, start, last);
}

/*
 * Makes @at the beginning of a record, if it lies within one; *@rest, then, is that
 * record, and NULL otherwise.
 */
static int split_at(struct sluice_space *space, u64 at,
		    struct sluice_mmio_map **rest)
{
	struct sluice_mmio_map *map = sluice_mmio_find(space, at, at), *new;
	u64 before;

	*rest = NULL;
	if (!map || map->range.start == at)
		return 0;
	if (max(space->nr_mmio, map->sdev->nr_mmio) >= 2 * SLUICE_MMIO_MAX)
		return -ENOMEM;
	new = kmemdup(map, sizeof(*map), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	/* Can't fail: there is a reference. */
	if (new->memcg)
		mem_cgroup_tryget(new->memcg);
	INIT_LIST_HEAD(&new->late_node);
	if (!list_empty(&map->late_node))
		list_add(&new->late_node, &map->late_node);
	before = at - map->range.start;
	new->range.start = at;
	new->offset += before;
	new->phys += before;
	sluice_mmio_set_range(map, map->range.start, at - 1);
	sluice_mmio_insert(new);
	/* Whoever goes through a list of devices' records goes on with the rest. */
	list_move(&new->node, &map->node);
	*rest = new;
	return 0;
}

/* Undoes split_at(), with the lock still held. */
static void join(struct sluice_space *space, struct sluice_mmio_map *rest)
{
	struct sluice_mmio_map *map;
	u64 last;

	if (!rest)
		return;
	last = rest->range.last;
	map = sluice_mmio_find(space, rest->range.start - 1,
			       rest->range.start - 1);
	sluice_mmio_remove(rest);
	sluice_mmio_set_range(map, map->range.start, last);
	sluice_mmio_free(rest);
}

/**
 * struct ends - records that begin at a range, and behind it, only since it was split
 * @rest: those, or NULL
 */
struct ends {
	struct sluice_mmio_map *rest[2];
};

static void join_ends(struct sluice_space *space, const struct ends *ends)
{
	join(space, ends->rest[1]);
	join(space, ends->rest[0]);
}

/*
 * Has records begin and end with a range. What is mapped again from then on is mapped
 * by pages that don't cross its ends either.
 */
static int split_ends(struct sluice_space *space, u64 start, u64 last,
		      struct ends *ends)
{
	int ret;

	ends->rest[1] = NULL;
	ret = split_at(space, start, &ends->rest[0]);
	if (!ret && last != U64_MAX)
		ret = split_at(space, last + 1, &ends->rest[1]);
	if (ret)
		join_ends(space, ends);
	return ret;
}

/* A record that is revoked, now that it ends sooner, may need more tables. */
static int prepare_rest(struct sluice_domain *domain,
			struct sluice_space *space, u64 iova, bool no_tables)
{
	struct sluice_mmio_map *map = sluice_mmio_find(space, iova, iova);

	return map && !map->mapped ?
		       sluice_mmio_prepare(domain, map, no_tables) : 0;
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
	struct ends ends;
	int ret;

	sluice_mmio_lock();
	ret = split_ends(space, start, last, &ends);
	if (ret)
		goto unlock;
	list_for_each_entry(domain, &space->domains, node)
		ret = ret ?: cut_domain(domain, space, &range, over);
	if (ret)
		join_ends(space, &ends);
unlock:
	sluice_mmio_unlock();
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
	struct ends ends;
	int ret;

	if (likely(sluice_mmio_none(space)))
		return 0;
	sluice_mmio_lock();
	ret = split_ends(space, start, last, &ends);
	while (!ret && (map = sluice_mmio_find(space, start, last))) {
		sluice_mmio_clear(map);
		*unmapped += sluice_mmio_bytes(map);
		sluice_mmio_remove(map);
		sluice_mmio_unlock();
		sluice_mmio_free(map);
		cond_resched();
		sluice_mmio_lock();
	}
	sluice_mmio_unlock();
	return ret;
}
