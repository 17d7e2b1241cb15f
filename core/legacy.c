// SPDX-License-Identifier: GPL-2.0-only
/*
 * Legacy spaces (TYPE1, TYPE1v2): mapping, and the record of mappings.
 *
 * The ABI treats a mapping as a unit, so each has a record: &struct
 * sluice_mapping in a red-black tree. (A maple tree would suggest itself, but
 * costs six times as much for single pages with gaps between.)
 *
 * Owns: MAP_DMA's work and the record's life. Does not own: unmapping
 * (legacy_unmap.c), the ioctls (type1.c).
 */
#include <linux/overflow.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "legacy_txn.h"

/* Up to so many pages a map needs no memory beside the stack. */
#define FEW SLUICE_EARLY_PAGES
/* Extents given to a backend in one call otherwise. */
#define MANY_EXTENTS 64

static struct kmem_cache *mapping_cache;

int sluice_legacy_init(void)
{
	mapping_cache = KMEM_CACHE(sluice_mapping, SLAB_ACCOUNT);
	return mapping_cache ? 0 : -ENOMEM;
}

void sluice_legacy_deinit(void)
{
	kmem_cache_destroy(mapping_cache);
}

/* Room for the pages and extents of one step of a map. */
struct step {
	struct page **pages;
	struct sluice_extent *extents;
	size_t max_pages;
	size_t max_extents;
	struct page *few_pages[FEW];
	struct sluice_extent few_extents[FEW];
};

static int step_init(struct step *step, size_t npages)
{
	if (npages <= FEW) {
		step->pages = step->few_pages;
		step->max_pages = FEW;
		step->extents = step->few_extents;
		step->max_extents = FEW;
		return 0;
	}
	step->pages = (void *)__get_free_page(GFP_KERNEL_ACCOUNT);
	if (!step->pages)
		return -ENOMEM;
	step->max_pages = SLUICE_PIN_BATCH;
	step->extents = kmalloc_array(MANY_EXTENTS, sizeof(*step->extents),
				      GFP_KERNEL_ACCOUNT);
	if (!step->extents) {
		free_page((unsigned long)step->pages);
		return -ENOMEM;
	}
	step->max_extents = MANY_EXTENTS;
	return 0;
}

static void step_deinit(struct step *step)
{
	if (step->pages == step->few_pages)
		return;
	kfree(step->extents);
	free_page((unsigned long)step->pages);
}

/* Maps extents in every domain, or in none. */
static int map_extents(struct sluice_space *space,
		       const struct sluice_extent *extents, size_t nr,
		       unsigned int prot)
{
	const struct sluice_extent *end = &extents[nr - 1];
	struct sluice_domain *domain;
	int ret;

	list_for_each_entry(domain, &space->domains, node) {
		ret = sluice_domain_map(domain, extents, nr, prot);
		if (ret)
			goto err_clear;
	}
	return 0;

err_clear:
	list_for_each_entry_continue_reverse(domain, &space->domains, node)
		sluice_domain_clear(domain, extents[0].iova,
				    end->iova + (end->len - 1));
	return ret;
}

/*
 * Maps the pages of a step, as far as @join gives them; unpins what could not be mapped.
 * *@done: bytes that are mapped.
 */
static int map_pages(struct sluice_space *space, struct sluice_join *join,
		     struct step *step, size_t npages, unsigned int prot,
		     u64 *done)
{
	size_t at = 0, used, nr;
	int ret = 0;

	while (at < npages) {
		nr = sluice_join_pages(join, step->pages + at, npages - at,
				       step->extents, step->max_extents, &used);
		at += used;
		if (nr)
			ret = map_extents(space, step->extents, nr, prot);
		if (ret)
			break;
		*done = sluice_join_given(join);
	}
	if (ret && !sluice_space_dead(space)) {
		sluice_join_unpin(join, step->extents, nr, prot);
		sluice_unpin_pages(step->pages + at, npages - at, prot);
	}
	return ret;
}

/**
 * struct map - a map under way
 * @space: the space; its lock is held for reading, but while memory is pinned
 * @txn: what was unmapped before, and isn't flushed yet; NULL if nothing can have been
 * @early: pages that are pinned already, or NULL
 * @mapping: its record
 * @cleared: meanwhile all that was mapped went: nothing is left of the map but @mapping,
 *	which is in no space any more
 */
struct map {
	struct sluice_space *space;
	struct sluice_legacy_txn *txn;
	struct sluice_early *early;
	struct sluice_mapping *mapping;
	bool cleared;
};

/* As sluice_pin(); -ERESTART: the space has changed, and nothing is pinned. */
static long pin(struct map *map, unsigned long vaddr, size_t npages,
		struct page **pages)
{
	struct sluice_mapping *mapping = map->mapping;
	struct sluice_pause single = {}, *pause = &single;
	enum sluice_resumed resumed;
	long pinned;

	if (map->txn)
		pause = sluice_legacy_txn_pause(map->txn);
	mapping->paused = true;
	sluice_space_pause(map->space, pause);
	pinned = sluice_pin(vaddr, npages, mapping->prot, pages);
	resumed = sluice_space_resume(map->space, pause);
	mapping->paused = false;
	/* What was unmapped before may have been flushed in vain. */
	if (likely(resumed == SLUICE_RESUMED_SAME &&
		   !(map->txn && map->txn->stuck)))
		return pinned;
	if (pinned > 0)
		sluice_unpin_pages(pages, pinned, mapping->prot);
	map->cleared = resumed == SLUICE_RESUMED_CLEARED;
	return resumed == SLUICE_RESUMED_SAME ? -EIO : -ERESTART;
}

/* Pins and maps step by step; *@done: bytes that are mapped. */
static int pin_and_map(struct map *map, unsigned long vaddr, u64 *done)
{
	const struct sluice_mapping *mapping = map->mapping;
	u64 size = mapping->last - mapping->start + 1, at = 0;
	struct step step __uninitialized;
	struct sluice_join join;
	long pinned;
	int ret;

	ret = step_init(&step, size >> PAGE_SHIFT);
	if (ret)
		return ret;

	sluice_join_init(&join, mapping->start, mapping->last);
	for (; at < size; at += (u64)pinned << PAGE_SHIFT) {
		size_t want = min_t(u64, (size - at) >> PAGE_SHIFT,
				    step.max_pages);

		pinned = fatal_signal_pending(current) ? -EINTR :
			 pin(map, vaddr + at, want, step.pages);
		if (pinned < 0) {
			sluice_join_unpin(&join, NULL, 0, mapping->prot);
			ret = pinned;
			break;
		}
		ret = map_pages(map->space, &join, &step, pinned,
				mapping->prot, done);
		if (ret)
			break;
		cond_resched();
	}
	step_deinit(&step);
	return ret;
}

/* Those that the caller has pinned already; or as pin(), and **@pages has room. */
static long pin_few(struct map *map, unsigned long vaddr, size_t npages,
		    struct page ***pages)
{
	struct sluice_early *early = map->early;

	if (unlikely(!early || !early->npages))
		return pin(map, vaddr, npages, *pages);
	early->npages = 0;
	*pages = early->pages;
	return npages;
}

/*
 * Without steps: few pages, pinned by one call, in one domain. Most requests of
 * drivers in user space are like that. If it isn't that simple, nothing is done,
 * and -EAGAIN is returned.
 */
static int map_few(struct map *map, unsigned long vaddr, size_t npages)
{
	struct sluice_domain *domain = sluice_space_first_domain(map->space);
	const struct sluice_mapping *mapping = map->mapping;
	struct sluice_extent extents[FEW] __uninitialized;
	struct sluice_gather gather __uninitialized;
	struct page *room[FEW] __uninitialized, **pages = room;
	unsigned int prot = mapping->prot;
	size_t nr = 1, used;
	int ret = -EAGAIN;
	u64 done = 0;
	long pinned;

	pinned = pin_few(map, vaddr, npages, &pages);
	if (pinned < 0)
		return pinned;
	if (pinned != npages)
		goto unpin;
	if (npages == 1)
		extents[0] = (struct sluice_extent){
			.iova = mapping->start,
			.phys = page_to_phys(pages[0]),
			.len = PAGE_SIZE,
		};
	else
		nr = sluice_extents_from_pages(mapping->start, pages, npages,
					       extents, FEW, &used);
	sluice_gather_init(&gather);
	ret = domain->ops->map(domain, extents, nr, prot, &done, &gather);
	if (likely(!ret && !gather.nr && !gather.nonleaf))
		return 0;
	ret = sluice_domain_map_end(domain, extents, nr, done, ret, &gather);
	if (!ret || sluice_space_dead(map->space))
		return ret;
unpin:
	sluice_unpin_pages(pages, pinned, prot);
	return ret;
}

static int map_ram(struct map *map, unsigned long vaddr)
{
	struct sluice_mapping *mapping = map->mapping;
	struct sluice_space *space = map->space;
	u64 npages = (mapping->last - mapping->start + 1) >> PAGE_SHIFT;
	u64 done = 0;
	int ret;

	/* All at once and first: nothing is pinned beyond the limit. */
	ret = sluice_account(mapping->mm, npages);
	if (ret)
		return ret;
	ret = -EAGAIN;
	if (npages <= FEW && list_is_singular(&space->domains))
		ret = map_few(map, vaddr, npages);
	if (ret == -EAGAIN)
		ret = pin_and_map(map, vaddr, &done);
	/* Who has cleared the space has also given back the charge. */
	if (!ret || map->cleared)
		return ret;

	if (done)
		sluice_legacy_unwind(space, mapping, done);
	/* What a dead IOMMU may still reach stays pinned, and charged. */
	if (!sluice_space_dead(space))
		sluice_unaccount(mapping->mm, npages);
	return ret;
}

static int map_mmio(struct map *map, unsigned long vaddr)
{
	struct sluice_mapping *mapping = map->mapping;
	struct sluice_space *space = map->space;
	u64 size = mapping->last - mapping->start + 1;
	struct sluice_mmio_map *mmio;

	mmio = sluice_mmio_map(space, mapping->start, vaddr, size,
			       mapping->prot, sluice_space_granule(space));
	if (IS_ERR(mmio))
		return PTR_ERR(mmio);
	mapping->mmio = mmio;
	return 0;
}

static int map_memory(struct map *map, unsigned long vaddr)
{
	int at, ret = map_ram(map, vaddr);

	/*
	 * Device memory is rare, so it's looked for only when there is no RAM
	 * to pin, or it seemed to be too much: device memory isn't charged.
	 */
	if (likely(ret != -EFAULT && ret != -ENOMEM))
		return ret;
	at = sluice_mmio_at(vaddr);
	if (!at)
		return ret;
	return at < 0 ? at : map_mmio(map, vaddr);
}

static struct sluice_mapping *mapping_alloc(u64 start, u64 last,
					    unsigned int prot)
{
	struct sluice_mapping *mapping;

	mapping = kmem_cache_alloc(mapping_cache, GFP_KERNEL_ACCOUNT);
	if (!mapping)
		return NULL;
	mapping->start = start;
	mapping->last = last;
	mapping->mm = current->mm;
	mmgrab(mapping->mm);
	mapping->mmio = NULL;
	mapping->prot = prot;
	mapping->paused = false;
	mapping->nr_extents = 0;
	return mapping;
}

/**
 * sluice_mapping_free - free a record
 * @mapping: a record that is in no space, with nothing mapped or charged
 */
void sluice_mapping_free(struct sluice_mapping *mapping)
{
	mmdrop(mapping->mm);
	kmem_cache_free(mapping_cache, mapping);
}

/* The record at a place in the sorted list, or NULL at its end. */
static struct sluice_mapping *mapping_at(struct sluice_space *space,
					 struct list_head *at)
{
	return at == &space->sorted ? NULL :
	       list_entry(at, struct sluice_mapping, link);
}

/* The record at @near, if it is the first that overlaps the range. */
static __always_inline struct sluice_mapping *
find_near(struct sluice_space *space, u64 start, u64 last)
{
	struct sluice_mapping *at = mapping_at(space, space->near), *prev;

	lockdep_assert_held(&space->maps_lock);
	if (!at || at->start > last || at->last < start)
		return NULL;
	prev = mapping_at(space, at->link.prev);
	return prev && prev->last >= start ? NULL : at;
}

/* Links the record behind the one at @near, if that is its place. */
static bool insert_near(struct sluice_space *space,
			struct sluice_mapping *mapping)
{
	struct sluice_mapping *at = mapping_at(space, space->near), *next;

	lockdep_assert_held(&space->maps_lock);
	if (!at || at->last >= mapping->start)
		return false;
	next = mapping_at(space, at->link.next);
	if (next && next->start <= mapping->last)
		return false;
	/* Of two neighbours, one has no child on the other's side. */
	if (!at->node.rb_right)
		rb_link_node(&mapping->node, &at->node, &at->node.rb_right);
	else
		rb_link_node(&mapping->node, &next->node, &next->node.rb_left);
	list_add(&mapping->link, &at->link);
	return true;
}

/* The first record that overlaps the range, or NULL. */
static __always_inline struct sluice_mapping *
find_locked(struct sluice_space *space, u64 start, u64 last)
{
	struct sluice_mapping *first = find_near(space, start, last);
	struct rb_node *node;

	if (first)
		return first;
	node = space->maps.rb_node;
	while (node) {
		struct sluice_mapping *m =
			rb_entry(node, struct sluice_mapping, node);

		if (m->last < start) {
			node = node->rb_right;
		} else {
			first = m;
			node = node->rb_left;
		}
	}
	/* Beyond the range it's somebody else's, and may be freed any time. */
	return first && first->start <= last ? first : NULL;
}

/**
 * sluice_mapping_find - the first record that overlaps a range
 * @space: the space
 * @start: first IOVA
 * @last: last IOVA, inclusive
 *
 * Context: the caller holds the range, or the space's lock for writing.
 * Return: the record, or NULL.
 */
struct sluice_mapping *sluice_mapping_find(struct sluice_space *space,
					   u64 start, u64 last)
{
	struct sluice_mapping *first;

	spin_lock(&space->maps_lock);
	first = find_locked(space, start, last);
	spin_unlock(&space->maps_lock);
	return first;
}

static int insert_locked(struct sluice_space *space,
			 struct sluice_mapping *mapping)
{
	struct rb_node **link = &space->maps.rb_node, *parent = NULL;
	struct list_head *after = &space->sorted;

	lockdep_assert_held(&space->maps_lock);
	if (insert_near(space, mapping))
		goto linked;
	while (*link) {
		struct sluice_mapping *m =
			rb_entry(*link, struct sluice_mapping, node);

		parent = *link;
		if (mapping->start > m->last) {
			link = &parent->rb_right;
			after = &m->link;
		} else if (mapping->last < m->start) {
			link = &parent->rb_left;
		} else {
			return -EEXIST;
		}
	}
	rb_link_node(&mapping->node, parent, link);
	list_add(&mapping->link, after);
linked:
	rb_insert_color(&mapping->node, &space->maps);
	space->near = &mapping->link;
	return 0;
}

static int mapping_insert(struct sluice_space *space,
			  struct sluice_mapping *mapping)
{
	int ret;

	spin_lock(&space->maps_lock);
	ret = insert_locked(space, mapping);
	spin_unlock(&space->maps_lock);
	return ret;
}

static void erase_locked(struct sluice_space *space,
			 struct sluice_mapping *mapping)
{
	lockdep_assert_held(&space->maps_lock);
	space->near = mapping->link.next;
	__list_del_entry(&mapping->link);
	rb_erase(&mapping->node, &space->maps);
}

/**
 * sluice_mapping_erase - take a record out of its space
 * @space: the space
 * @mapping: the record; the caller's from now on
 */
void sluice_mapping_erase(struct sluice_space *space,
			  struct sluice_mapping *mapping)
{
	spin_lock(&space->maps_lock);
	erase_locked(space, mapping);
	spin_unlock(&space->maps_lock);
}

/**
 * sluice_mapping_take - take a record out of its space, and free it some time
 * @space: the space
 * @start: first IOVA
 * @last: last IOVA, inclusive
 * @taken: set to what is needed to unmap it
 *
 * Context: the caller holds the range.
 * Return: true; false, and nothing has changed, if there is no record of exactly
 * this range, or if it is of device memory.
 */
bool sluice_mapping_take(struct sluice_space *space, u64 start, u64 last,
			 struct sluice_taken *taken)
{
	void *full[SLUICE_RETIRED] __uninitialized;
	struct sluice_mapping *mapping;
	unsigned int nr;

	spin_lock(&space->maps_lock);
	mapping = find_locked(space, start, last);
	if (!mapping || mapping->start != start || mapping->last != last ||
	    mapping->mmio) {
		spin_unlock(&space->maps_lock);
		return false;
	}
	taken->mm = mapping->mm;
	taken->prot = mapping->prot;
	erase_locked(space, mapping);
	nr = space->nr_retired;
	space->retired[nr++] = mapping;
	space->nr_retired = nr % SLUICE_RETIRED;
	if (unlikely(nr == SLUICE_RETIRED))
		memcpy(full, space->retired, sizeof(full));
	spin_unlock(&space->maps_lock);
	if (unlikely(nr == SLUICE_RETIRED))
		kmem_cache_free_bulk(mapping_cache, nr, full);
	return true;
}

/**
 * sluice_mapping_free_retired - free what sluice_mapping_take() has left
 * @space: the space, which nobody else uses any more
 */
void sluice_mapping_free_retired(struct sluice_space *space)
{
	if (space->nr_retired)
		kmem_cache_free_bulk(mapping_cache, space->nr_retired,
				     (void **)space->retired);
	space->nr_retired = 0;
}

/* Errors that need no look at the space's content. */
static int check_map(struct sluice_space *space, u64 iova, unsigned long vaddr,
		     u64 size)
{
	u64 granule = sluice_space_granule(space);
	unsigned long vlast;
	u64 last;

	if (!size || !IS_ALIGNED(iova | vaddr | size, granule))
		return -EINVAL;
	if (check_add_overflow(iova, size - 1, &last) ||
	    check_add_overflow(vaddr, size - 1, &vlast))
		return -EOVERFLOW;
	return 0;
}

/* The caller holds the mapping's range; after an error the mapping is its own. */
static int map_held(struct map *map, unsigned long vaddr)
{
	struct sluice_mapping *mapping = map->mapping;
	struct sluice_space *space = map->space;
	int ret;

	/* The record first: it is the test for overlaps, too. */
	ret = mapping_insert(space, mapping);
	if (ret)
		return ret;
	/* Clients tell "taken" from "impossible", so in this order. */
	ret = -EINVAL;
	if (sluice_ranges_contain(&space->usable, mapping->start,
				  mapping->last))
		ret = map_memory(map, vaddr);
	if (ret && !map->cleared)
		sluice_mapping_erase(space, mapping);
	return ret;
}

/* What can be said, and had, before the range is held. */
static __always_inline int map_begin(struct sluice_space *space, u64 iova,
				     unsigned long vaddr, u64 size,
				     unsigned int prot,
				     struct sluice_mapping **mapping)
{
	int ret;

	lockdep_assert_held(&space->lock);
	ret = check_map(space, iova, vaddr, size);
	if (ret)
		return ret;
	if (sluice_space_dead(space))
		return -EIO;
	*mapping = mapping_alloc(iova, iova + (size - 1), prot);
	return *mapping ? 0 : -ENOMEM;
}

/**
 * sluice_legacy_map - make a process's memory accessible to the space's devices
 * @space: a space with at least one group; the caller holds its lock for
 *	reading, and finds it held again, but not in between
 * @iova: where it goes
 * @vaddr: address in the current process
 * @size: bytes
 * @prot: %SLUICE_PROT_READ and %SLUICE_PROT_WRITE, at least one
 * @early: the memory, if it is pinned already, or NULL
 *
 * Return: 0; -EINVAL for wrong alignment, or IOVAs that can't be translated;
 * -EOVERFLOW if IOVAs or addresses go beyond 2^64; -EEXIST if something is mapped
 * there; -EFAULT if not all of the memory can be pinned with these rights; -ENOMEM
 * for lack of memory or RLIMIT_MEMLOCK; -EINTR if killed; -EIO if the IOMMU is
 * dead; -ERESTART if the space is another one by now: its type, too. After an error
 * everything is as before.
 */
int sluice_legacy_map(struct sluice_space *space, u64 iova,
		      unsigned long vaddr, u64 size, unsigned int prot,
		      struct sluice_early *early)
{
	struct sluice_hold hold __uninitialized;
	struct map map = { .space = space, .early = early };
	int ret;

	ret = map_begin(space, iova, vaddr, size, prot, &map.mapping);
	if (ret)
		return ret;
	hold.node.start = map.mapping->start;
	hold.node.last = map.mapping->last;
	ret = 0;
	if (unlikely(!sluice_inflight_try(&space->inflight, &hold))) {
		/* Nothing stays pinned for as long as others like. */
		if (early)
			sluice_unpin_early(early, prot);
		ret = sluice_space_wait_hold(space, &hold, 1);
	}
	if (!ret) {
		ret = map_held(&map, vaddr);
		sluice_inflight_release(&space->inflight, &hold);
	}
	if (ret)
		sluice_mapping_free(map.mapping);
	return ret;
}

/**
 * sluice_legacy_map_held - the same within a transaction, by who holds the range
 * @txn: the transaction
 * @iova: as there
 * @vaddr: as there
 * @size: as there
 * @prot: as there
 *
 * Return: as sluice_legacy_map().
 */
int sluice_legacy_map_held(struct sluice_legacy_txn *txn, u64 iova,
			   unsigned long vaddr, u64 size, unsigned int prot)
{
	struct map map = { .space = txn->space, .txn = txn };
	int ret;

	ret = map_begin(txn->space, iova, vaddr, size, prot, &map.mapping);
	if (ret)
		return ret;
	ret = map_held(&map, vaddr);
	if (ret)
		sluice_mapping_free(map.mapping);
	return ret;
}

/**
 * sluice_legacy_check_fit - would all that is mapped still be allowed?
 * @space: the space; the caller holds its lock for writing
 * @usable: IOVAs that could be translated then
 * @pgsizes: page sizes that there would be then
 *
 * Return: 0 or -EINVAL.
 */
int sluice_legacy_check_fit(struct sluice_space *space,
			    const struct sluice_ranges *usable, u64 pgsizes)
{
	u64 granule = BIT_ULL(__ffs64(pgsizes));
	struct rb_node *node;

	lockdep_assert_held_write(&space->lock);
	for (node = rb_first(&space->maps); node; node = rb_next(node)) {
		struct sluice_mapping *mapping =
			rb_entry(node, struct sluice_mapping, node);

		if (!sluice_ranges_contain(usable, mapping->start,
					   mapping->last) ||
		    !IS_ALIGNED(mapping->start | (mapping->last + 1), granule))
			return -EINVAL;
	}
	return 0;
}

/**
 * sluice_legacy_fill - give a new domain all the memory that the space has mapped
 * @space: the space, with a domain; the caller holds its lock for writing
 * @to: the new domain
 *
 * Return: 0, or an errno; what was filled by then goes with @to.
 */
int sluice_legacy_fill(struct sluice_space *space, struct sluice_domain *to)
{
	struct sluice_domain *from = sluice_space_first_domain(space);
	struct rb_node *node;

	lockdep_assert_held_write(&space->lock);
	for (node = rb_first(&space->maps); node; node = rb_next(node)) {
		struct sluice_mapping *mapping =
			rb_entry(node, struct sluice_mapping, node);
		int ret;

		if (mapping->mmio)
			continue;
		ret = sluice_domain_copy(to, from, mapping->start,
					 mapping->last, mapping->prot);
		if (ret)
			return ret;
	}
	return 0;
}
