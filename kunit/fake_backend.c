// SPDX-License-Identifier: GPL-2.0-only
/*
 * The smallest complete backend: a tutorial, and the proof of the contract.
 *
 * Read it beside sluice/backend.h, from the bottom to the top: what is
 * registered, the instance, the domain, then the table walks. It owns the
 * tables and nothing else; fake_hw.c plays the hardware that reads them.
 *
 * The rules that shape it, in the order in which they are easily missed:
 *
 * - The hardware reads the tables at any time. An entry changes by one store,
 *   and a table is complete before an entry points to it.
 * - Operations on disjoint ranges run at the same time and meet in shared tables
 *   and shared superpages. Whoever installs or cuts uses cmpxchg(), and takes
 *   what is there if another was faster.
 * - Unmap leaves empty tables alone, since a mapper of a neighbouring range
 *   may be about to use one. Only reclaim frees, when nobody else runs.
 * - What was cleared is visible to the hardware until flush: nothing is
 *   freed before that, and nothing at all if the flush fails.
 */
#include <linux/err.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "fake_backend.h"

struct fake_iommu {
	struct sluice_iommu iommu;
	struct fake_hw *hw;
};

/**
 * struct fake_domain - a page table
 * @domain: the core's part
 * @hw: the hardware that walks it
 * @context: what the hardware knows of it
 * @unit: which groups can share it
 * @owner: the group it was made for
 * @tables: how many there are
 * @unified: the core has no record of its own
 * @broken: a flush failed; the hardware may still use the tables, for ever
 */
struct fake_domain {
	struct sluice_domain domain;
	struct fake_hw *hw;
	struct fake_context context;
	unsigned int unit;
	struct iommu_group *owner;
	atomic_t tables;
	bool unified;
	bool broken;
};

static struct fake_domain *to_fake(struct sluice_domain *domain)
{
	return container_of(domain, struct fake_domain, domain);
}

/* ---- Tables ---- */

static struct fake_table *table_at(u64 entry)
{
	return phys_to_virt(entry & FAKE_ADDR);
}

/* A table has a page to itself, so that flush can free it by its page's lru. */
static struct fake_table *table_alloc(struct fake_domain *fd)
{
	struct fake_hw *hw = fd->hw;
	struct page *page;

	if (fake_hw_fails(&hw->fail_alloc))
		return NULL;
	page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!page)
		return NULL;
	atomic_inc(&hw->tables);
	WRITE_ONCE(fd->domain.tables, atomic_inc_return(&fd->tables));
	return page_address(page);
}

static void table_free(struct fake_domain *fd, struct fake_table *table)
{
	atomic_dec(&fd->hw->tables);
	WRITE_ONCE(fd->domain.tables, atomic_dec_return(&fd->tables));
	free_page((unsigned long)table);
}

/* Publishes @table at @slot, unless the slot no longer holds @old. */
static bool install_table(u64 *slot, u64 old, struct fake_table *table)
{
	/* cmpxchg() orders the table's content before the pointer to it. */
	return cmpxchg64(slot, old, virt_to_phys(table) | FAKE_TABLE |
			 FAKE_PRESENT) == old;
}

/* ---- Walks ---- */

/*
 * Walks down to where @iova is decided: to level *@level, or further where a
 * table is in the way there, or not so far where a leaf or a hole is. Sets
 * *@level to where it ended.
 *
 * With @alloc, holes are filled with tables down to the wanted level. Returns
 * NULL if that failed, else the slot.
 */
static u64 *walk(struct fake_domain *fd, u64 iova, unsigned int *level,
		 bool alloc)
{
	struct fake_table *table = phys_to_virt(fd->context.root);
	unsigned int at = FAKE_TOP;
	u64 *slot, entry;

	for (;; at--) {
		slot = &table->entry[fake_index(iova, at)];
		entry = READ_ONCE(*slot);
		if (!entry && alloc && at > *level) {
			table = table_alloc(fd);
			if (!table)
				return NULL;
			if (!install_table(slot, 0, table))
				table_free(fd, table);
			entry = READ_ONCE(*slot);
		}
		if (!(entry & FAKE_TABLE))
			break;
		table = table_at(entry);
	}
	*level = at;
	return slot;
}

/* The part of @range that an entry at @level decides, from its start on. */
static u64 decided_last(const struct sluice_range *range, unsigned int level)
{
	return min(range->start | (fake_size(level) - 1), range->last);
}

/* The largest leaf that @extent's alignment and length allow. */
static unsigned int leaf_level(struct fake_domain *fd,
			       const struct sluice_extent *extent)
{
	unsigned int level = FAKE_LEAF_LEVELS - 1;

	for (; level > 0; level--) {
		u64 size = fake_size(level);

		if ((fd->hw->caps.pgsizes & size) && extent->len >= size &&
		    IS_ALIGNED(extent->iova | extent->phys, size))
			break;
	}
	return level;
}

static void advance(struct sluice_extent *extent, u64 bytes)
{
	extent->iova += bytes;
	extent->phys += bytes;
	extent->len -= bytes;
}

static void violation(struct fake_domain *fd, const char *what, u64 iova)
{
	atomic_inc(&fd->hw->violations);
	pr_err("fake: the core broke the contract: %s at %#llx\n", what, iova);
}

/* ---- prepare and cut: what can fail ---- */

/* Replaces a leaf by a table that means the same. */
static int split(struct fake_domain *fd, u64 *slot, u64 leaf,
		 unsigned int level)
{
	struct fake_table *table = table_alloc(fd);
	unsigned int i;

	if (!table)
		return -ENOMEM;
	for (i = 0; i < FAKE_ENTRIES; i++)
		table->entry[i] = leaf + i * fake_size(level - 1);
	/* If somebody else was faster, the caller looks at what is there now. */
	if (!install_table(slot, leaf, table))
		table_free(fd, table);
	return 0;
}

/*
 * Makes @iova the beginning of an entry: a leaf that crosses it becomes a
 * table of smaller leaves, until none does. The device sees no difference.
 */
static int cut_at(struct fake_domain *fd, u64 iova, struct sluice_gather *gather)
{
	const u64 largest = fake_size(FAKE_LEAF_LEVELS - 1);
	u64 start = ALIGN_DOWN(iova, largest);

	/* No leaf crosses this. */
	if (iova == start)
		return 0;
	/*
	 * The hardware may cache a large leaf across @iova, and would keep it
	 * if only a part of it were flushed. Not only if it's cut here: another
	 * thread may have cut it a moment ago, and not flushed yet.
	 */
	sluice_gather_add(gather, start, start + (largest - 1), PAGE_SHIFT);

	for (;;) {
		unsigned int level = 0;
		u64 *slot, entry;

		slot = walk(fd, iova, &level, false);
		entry = READ_ONCE(*slot);
		if (!(entry & FAKE_PRESENT) || (entry & FAKE_TABLE) ||
		    IS_ALIGNED(iova, fake_size(level)))
			return 0;

		if (gather->no_tables || split(fd, slot, entry, level))
			return -ENOMEM;
	}
}

/* Walks as map will, and leaves the tables that it finds missing. */
static int prepare_extent(struct fake_domain *fd, struct sluice_extent rest,
			  struct sluice_gather *gather)
{
	while (rest.len) {
		unsigned int want = leaf_level(fd, &rest), level = want;
		u64 *slot = walk(fd, rest.iova, &level, !gather->no_tables);
		u64 entry;

		if (!slot)
			return -ENOMEM;
		entry = READ_ONCE(*slot);
		if (entry && !gather->keep_tables)
			return -EEXIST;
		if (level > want) {
			/* What is mapped here is larger, and will be unmapped. */
			if (!entry || gather->no_tables)
				return -ENOMEM;
			if (split(fd, slot, entry, level))
				return -ENOMEM;
			sluice_gather_add(gather, rest.iova,
					  rest.iova + (fake_size(level) - 1),
					  PAGE_SHIFT);
			continue;
		}
		advance(&rest, fake_size(level));
	}
	return 0;
}

static int fake_prepare(struct sluice_domain *domain,
			const struct sluice_extent *extents, size_t nr,
			struct sluice_gather *gather)
{
	int ret = 0;
	size_t i;

	for (i = 0; !ret && i < nr; i++)
		ret = prepare_extent(to_fake(domain), extents[i], gather);
	return ret;
}

static int fake_cut(struct sluice_domain *domain,
		    const struct sluice_range *range,
		    struct sluice_gather *gather)
{
	struct fake_domain *fd = to_fake(domain);
	int ret;

	ret = cut_at(fd, range->start, gather);
	if (!ret && range->last != U64_MAX)
		ret = cut_at(fd, range->last + 1, gather);
	return ret;
}

/* ---- map ---- */

static int fake_map(struct sluice_domain *domain,
		    const struct sluice_extent *extents, size_t nr,
		    unsigned int prot, u64 *done, struct sluice_gather *gather)
{
	struct fake_domain *fd = to_fake(domain);
	u64 bits = FAKE_PRESENT;
	size_t i;

	atomic_inc(&fd->hw->maps);
	if (fd->hw->on_map)
		fd->hw->on_map(fd->hw->on_map_data, domain, extents, nr, prot);
	if (prot & SLUICE_PROT_READ)
		bits |= FAKE_READ;
	if (prot & SLUICE_PROT_WRITE)
		bits |= FAKE_WRITE;
	if (prot & SLUICE_PROT_MMIO)
		bits |= FAKE_MMIO;
	if (prot & SLUICE_PROT_REGISTERED)
		bits |= FAKE_REGISTERED;

	*done = 0;
	for (i = 0; i < nr; i++) {
		struct sluice_extent rest = extents[i];

		while (rest.len) {
			unsigned int level = leaf_level(fd, &rest), want;
			u64 *slot;

			if (fake_hw_fails(&fd->hw->fail_map))
				return -ENOMEM;
			want = level;
			slot = walk(fd, rest.iova, &level, !gather->no_tables);
			/* Without a table it ends above. */
			if (!slot || (level > want && !*slot))
				return -ENOMEM;
			if (*slot) {
				if (fd->unified)
					return -EEXIST;
				violation(fd, "map over a mapping", rest.iova);
				return -EINVAL;
			}
			WRITE_ONCE(*slot, rest.phys | bits);
			/* This hardware never caches what isn't present. */

			advance(&rest, fake_size(level));
			*done += fake_size(level);
		}
	}
	return 0;
}

/* ---- unmap and read: one walk ---- */

static unsigned int entry_prot(u64 entry)
{
	return (entry & FAKE_READ ? SLUICE_PROT_READ : 0) |
	       (entry & FAKE_WRITE ? SLUICE_PROT_WRITE : 0) |
	       (entry & FAKE_MMIO ? SLUICE_PROT_MMIO : 0) |
	       (entry & FAKE_REGISTERED ? SLUICE_PROT_REGISTERED : 0);
}

/* Adds memory to the last extent if it continues it; else starts another. */
static bool collect(struct sluice_extent *extents, size_t *n, size_t max,
		    const struct sluice_extent *found)
{
	struct sluice_extent *prev = *n ? &extents[*n - 1] : NULL;

	if (prev && prev->iova + prev->len == found->iova &&
	    prev->phys + prev->len == found->phys &&
	    prev->prot == found->prot) {
		prev->len += found->len;
		return true;
	}
	if (*n == max)
		return false;
	extents[(*n)++] = *found;
	return true;
}

/* Clears as it goes if there is a @gather; only looks if it is NULL. */
static size_t harvest(struct fake_domain *fd, struct sluice_range *range,
		      struct sluice_extent *extents, size_t max,
		      struct sluice_gather *gather)
{
	unsigned int left = gather ? 0 : fd->hw->read_most;
	size_t n = 0;

	while (!sluice_range_empty(range)) {
		unsigned int level = 0;
		u64 *slot = walk(fd, range->start, &level, false);
		u64 entry = READ_ONCE(*slot);
		u64 last = decided_last(range, level);
		u64 offset = range->start & (fake_size(level) - 1);
		struct sluice_extent found = {
			.iova = range->start,
			.phys = (entry & FAKE_ADDR) + offset,
			.len = last - range->start + 1,
			.prot = entry_prot(entry),
		};

		if (entry) {
			if (!collect(extents, &n, max, &found))
				break;
			if (gather) {
				if (found.len != fake_size(level))
					violation(fd, "unmap of half a leaf",
						  found.iova);
				WRITE_ONCE(*slot, 0);
				sluice_gather_add(gather, found.iova, last,
						  fake_lg2(level));
			}
		}
		sluice_range_consume(range, last);
		if (left && !--left)
			break;
	}
	return n;
}

static size_t fake_unmap(struct sluice_domain *domain, u64 held,
			 struct sluice_range *range,
			 struct sluice_extent *extents, size_t max,
			 struct sluice_gather *gather)
{
	return harvest(to_fake(domain), range, extents, max, gather);
}

static size_t fake_unmap_each(struct sluice_domain *domain,
			      struct sluice_extent *pages, size_t nr,
			      struct sluice_gather *gather)
{
	struct fake_domain *fd = to_fake(domain);
	size_t i;

	for (i = 0; i < nr; i++) {
		unsigned int level = 0;
		u64 *slot = walk(fd, pages[i].iova, &level, false);
		u64 entry = READ_ONCE(*slot);

		if (entry && level)
			break;
		pages[i].phys = entry & FAKE_ADDR;
		pages[i].len = entry ? PAGE_SIZE : 0;
		pages[i].prot = entry_prot(entry);
		if (!entry)
			continue;
		WRITE_ONCE(*slot, 0);
		sluice_gather_add(gather, pages[i].iova,
				  pages[i].iova + (PAGE_SIZE - 1), PAGE_SHIFT);
	}
	return i;
}

static size_t fake_read(struct sluice_domain *domain,
			struct sluice_range *range,
			struct sluice_extent *extents, size_t max)
{
	return harvest(to_fake(domain), range, extents, max, NULL);
}

/* ---- flush and reclaim ---- */

static int fake_flush(struct sluice_domain *domain,
		      struct sluice_gather *gather)
{
	struct fake_domain *fd = to_fake(domain);
	struct page *page, *next;
	int ret;

	ret = fake_hw_invalidate(fd->hw, &fd->context, gather);
	if (ret) {
		fd->broken = true;
		WRITE_ONCE(domain->iommu->dead, true);
		list_splice_init(&gather->tables, &fd->hw->kept);
		return ret;
	}
	list_for_each_entry_safe(page, next, &gather->tables, lru) {
		list_del(&page->lru);
		table_free(fd, page_address(page));
	}
	return 0;
}

/* Will the core map something there, and count on the tables? */
static bool is_reserved(struct fake_domain *fd, u64 start, u64 last)
{
	return sluice_is_reserved(fd->domain.reserved, start, last);
}

/* Unlinks the empty tables below @table; is it empty itself then? */
static bool unlink_empty(struct fake_domain *fd, struct fake_table *table,
			 unsigned int level, u64 base,
			 struct sluice_gather *gather)
{
	bool empty = true;
	unsigned int i;

	for (i = 0; i < FAKE_ENTRIES; i++) {
		u64 entry = table->entry[i];
		u64 start = base + i * fake_size(level);
		u64 last = start + (fake_size(level) - 1);

		if ((entry & FAKE_TABLE) &&
		    unlink_empty(fd, table_at(entry), level - 1, start,
				 gather) &&
		    !is_reserved(fd, start, last)) {
			WRITE_ONCE(table->entry[i], 0);
			list_add(&virt_to_page(table_at(entry))->lru,
				 &gather->tables);
			gather->nonleaf = true;
			sluice_gather_add(gather, start, last, PAGE_SHIFT);
		} else if (entry) {
			empty = false;
		}
	}
	return empty;
}

static void fake_reclaim(struct sluice_domain *domain)
{
	struct fake_domain *fd = to_fake(domain);
	struct sluice_gather gather;

	sluice_gather_init(&gather);
	unlink_empty(fd, phys_to_virt(fd->context.root), FAKE_TOP, 0, &gather);
	if (gather.nonleaf)
		fake_flush(domain, &gather);
}

/* ---- Domains ---- */

static bool fake_compatible(struct sluice_domain *domain,
			    struct sluice_iommu *iommu,
			    struct iommu_group *group)
{
	struct fake_domain *fd = to_fake(domain);
	struct fake_group *fg = fake_hw_find(group, NULL);

	return domain->iommu == iommu && fg && fg->unit == fd->unit;
}

static int fake_attach(struct sluice_domain *domain, struct iommu_group *group)
{
	struct fake_domain *fd = to_fake(domain);
	struct fake_group *fg = fake_hw_find(group, NULL);

	if (!fg || fg->unit != fd->unit)
		return -EINVAL;
	if (fg->attach_error && fd->owner != group) {
		if (fg->dies)
			WRITE_ONCE(domain->iommu->dead, true);
		return fg->attach_error;
	}
	if (fg->context)
		violation(fd, "attach of a group that is attached", 0);
	fake_hw_point(fd->hw, fg, &fd->context);
	return 0;
}

static void fake_detach(struct sluice_domain *domain, struct iommu_group *group)
{
	struct fake_domain *fd = to_fake(domain);
	struct fake_group *fg = fake_hw_find(group, NULL);

	if (!fg || fg->context != &fd->context)
		violation(fd, "detach of a group that isn't attached", 0);
	else
		fake_hw_point(fd->hw, fg, NULL);
	if (fg && fg->dies)
		WRITE_ONCE(domain->iommu->dead, true);
}

/* Collects all tables below and including @table, empty or not. */
static void collect_tables(struct fake_table *table, struct list_head *list)
{
	unsigned int i;

	for (i = 0; i < FAKE_ENTRIES; i++) {
		if (table->entry[i] & FAKE_TABLE)
			collect_tables(table_at(table->entry[i]), list);
	}
	list_add(&virt_to_page(table)->lru, list);
}

static void fake_domain_free(struct sluice_domain *domain)
{
	struct fake_domain *fd = to_fake(domain);
	struct page *page, *next;
	LIST_HEAD(list);

	collect_tables(phys_to_virt(fd->context.root), &list);
	if (fd->broken) {
		list_splice(&list, &fd->hw->kept);
	} else {
		list_for_each_entry_safe(page, next, &list, lru)
			table_free(fd, page_address(page));
	}
	fake_hw_context_deinit(fd->hw, &fd->context);
	atomic_dec(&fd->hw->domains);
	kfree(fd);
}

static struct sluice_domain *fake_domain_alloc(struct sluice_iommu *iommu,
					       struct iommu_group *group,
					       enum sluice_domain_kind kind)
{
	struct fake_iommu *fi = container_of(iommu, struct fake_iommu, iommu);
	struct fake_group *fg = fake_hw_find(group, NULL);
	struct fake_table *root;
	struct fake_domain *fd;

	if (fi->hw->fail_domain)
		return ERR_PTR(xchg(&fi->hw->fail_domain, 0));
	fd = kzalloc(sizeof(*fd), GFP_KERNEL_ACCOUNT);
	if (!fd)
		return ERR_PTR(-ENOMEM);
	fd->hw = fi->hw;
	root = table_alloc(fd);
	if (!root) {
		kfree(fd);
		return ERR_PTR(-ENOMEM);
	}
	fd->unit = fg->unit;
	fd->owner = group;
	fd->unified = kind == SLUICE_DOMAIN_UNIFIED;
	fake_hw_context_init(&fd->context, virt_to_phys(root));
	atomic_inc(&fi->hw->domains);
	return &fd->domain;
}

static const struct sluice_domain_ops domain_ops = {
	.free = fake_domain_free,
	.attach = fake_attach,
	.detach = fake_detach,
	.compatible = fake_compatible,
	.prepare = fake_prepare,
	.cut = fake_cut,
	.map = fake_map,
	.unmap = fake_unmap,
	.unmap_each = fake_unmap_each,
	.read = fake_read,
	.flush = fake_flush,
	.reclaim = fake_reclaim,
};

/* The required operations only: what a backend has on its first day. */
static const struct sluice_domain_ops bare_domain_ops = {
	.free = fake_domain_free,
	.attach = fake_attach,
	.detach = fake_detach,
	.compatible = fake_compatible,
	.map = fake_map,
	.unmap = fake_unmap,
	.read = fake_read,
	.flush = fake_flush,
};

/* ---- Instances ---- */

static struct sluice_iommu *probe(struct iommu_group *group, bool bare)
{
	struct fake_iommu *fi;
	struct fake_hw *hw;

	if (!fake_hw_find(group, &hw) || hw->bare != bare)
		return ERR_PTR(-ENODEV);

	/* The core serialises probe and release: what is there stays. */
	if (hw->iommu) {
		kref_get(&hw->iommu->ref);
		return hw->iommu;
	}

	fi = kzalloc(sizeof(*fi), GFP_KERNEL);
	if (!fi)
		return ERR_PTR(-ENOMEM);
	fi->hw = hw;
	fi->iommu.caps = hw->caps;
	kref_init(&fi->iommu.ref);
	hw->iommu = &fi->iommu;
	atomic_inc(&hw->instances);
	return &fi->iommu;
}

static struct sluice_iommu *fake_probe(struct iommu_group *group)
{
	return probe(group, false);
}

static struct sluice_iommu *bare_probe(struct iommu_group *group)
{
	return probe(group, true);
}

static void fake_release(struct sluice_iommu *iommu)
{
	struct fake_iommu *fi = container_of(iommu, struct fake_iommu, iommu);

	fi->hw->iommu = NULL;
	atomic_dec(&fi->hw->instances);
	kfree(fi);
}

const struct sluice_backend fake_backend = {
	.name = "fake",
	.rating = SLUICE_RATING_NATIVE,
	.probe = fake_probe,
	.release = fake_release,
	.domain_alloc = fake_domain_alloc,
	.domain_ops = &domain_ops,
};

const struct sluice_backend fake_backend_bare = {
	.name = "fake-bare",
	.rating = SLUICE_RATING_NATIVE,
	.probe = bare_probe,
	.release = fake_release,
	.domain_alloc = fake_domain_alloc,
	.domain_ops = &bare_domain_ops,
};
