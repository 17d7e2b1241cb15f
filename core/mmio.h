/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records of device memory in spaces: what the files of core/ that keep them
 * (mmio*.c) share among themselves.
 */
#ifndef SLUICE_CORE_MMIO_H
#define SLUICE_CORE_MMIO_H

#include "unified.h"

/*
 * Records of a space, and of a device: maps, in pieces. Splits of parts that are
 * unmapped may make twice as many.
 */
#define SLUICE_MMIO_MAX 4096

/**
 * struct sluice_mmio_map - device memory in a space
 * @node: link in &sluice_device.mmio_maps, if it is mapped, or
 *	&sluice_device.mmio_revoked
 * @late_node: link in the list of those that the work item maps
 * @range: its IOVAs, in &sluice_space.mmio
 * @next: of a legacy space: the next piece of the same mapping
 * @sdev: the device; NULL after its last close
 * @space: the space
 * @offset: where the memory begins in the device's fd
 * @phys: where that was when it was last mapped
 * @prot: &enum sluice_prot
 * @page: what @phys must be a multiple of
 * @mapped: every domain of the space translates it; else none does
 * @memcg: whom page tables are charged to; a reference
 *
 * All guarded by the mmio lock. A record of a unified space is in all three places, or
 * freed; that of a legacy space belongs to its &struct sluice_mapping, and is in none of
 * them after the device's last close.
 *
 * A record is so small that mapping or unmapping it is over soon: who has more to do
 * lets go of the lock between two of them.
 */
struct sluice_mmio_map {
	struct list_head node;
	struct list_head late_node;
	struct interval_tree_node range;
	struct sluice_mmio_map *next;
	struct sluice_device *sdev;
	struct sluice_space *space;
	loff_t offset;
	phys_addr_t phys;
	unsigned int prot;
	u64 page;
	bool mapped;
	struct mem_cgroup *memcg;
};

static inline u64 sluice_mmio_bytes(const struct sluice_mmio_map *map)
{
	return map->range.last - map->range.start + 1;
}

static inline struct sluice_extent
sluice_mmio_extent(const struct sluice_mmio_map *map)
{
	return (struct sluice_extent){
		.iova = map->range.start,
		.phys = map->phys,
		.len = sluice_mmio_bytes(map),
	};
}

void sluice_mmio_assert_locked(void);

/* ---- mmio.c: records, and what domains have of them ---- */

void sluice_mmio_insert(struct sluice_mmio_map *map);
void sluice_mmio_remove(struct sluice_mmio_map *map);
void sluice_mmio_free(struct sluice_mmio_map *map);
void sluice_mmio_set_range(struct sluice_mmio_map *map, u64 start, u64 last);
void sluice_mmio_clear(struct sluice_mmio_map *map);
struct sluice_mmio_map *sluice_mmio_find(struct sluice_space *space, u64 start,
					 u64 last);

/* ---- mmio_return.c: memory that goes and comes back ---- */

int sluice_mmio_prepare(struct sluice_domain *domain,
			const struct sluice_mmio_map *map, bool no_tables);

#endif /* SLUICE_CORE_MMIO_H */
