/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of core/ share among themselves, and nobody else includes
 * (kunit/ excepted).
 *
 * Lock order, outermost first:
 *
 *   sluice_device.open_lock		mutex: device open and close
 *     (the bus driver's own locks)
 *   sluice_group.lock			mutex: group <-> container, device list
 *     (the bus driver's own locks)
 *     ranges in flight			held over pins; waited for without any lock
 *       sluice_space.lock		rwsem: domains, groups, apertures
 *         mmap_lock			accounting, finding BAR maps
 *         backends_lock		mutex: probe and release (backend.c)
 *         sluice_device.mmio_turn	mutex: withdrawals and returns (mmio_return.c)
 *           mmio_lock			mutex: peer-to-peer maps (mmio.c)
 *           (the backend's locks, the IOMMU core's group mutex)
 *
 * No memory is pinned, and no range waited for, under sluice_space.lock (pause.c): users
 * can hold both back. A range may be tried for under it.
 *
 * These two also nest inside the bus driver's own locks, and those inside
 * mmap_lock (page faults). So nothing under them may take the bus driver's
 * locks, mmap_lock or sluice_space.lock.
 *
 * groups_lock (group.c) is alone: nothing of the above is taken under it.
 */
#ifndef SLUICE_CORE_PRIVATE_H
#define SLUICE_CORE_PRIVATE_H

#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/interval_tree.h>
#include <linux/kref.h>
#include <linux/mm_types.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/rwsem.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <sluice/backend.h>
#include <sluice/device.h>

struct file;
struct sluice_container;

/* ---- inflight.c: which IOVA ranges are being changed ---- */

/**
 * struct sluice_inflight - the ranges of a space that are in flight
 * @lock: guards @sole and @holds
 * @sole: a hold that isn't in the tree: most of the time there is but one
 * @holds: interval tree of the others, &sluice_hold.node
 * @wait: those whose range overlaps one that is held
 */
struct sluice_inflight {
	spinlock_t lock;	/* sole, holds */
	struct sluice_hold *sole;
	struct rb_root_cached holds;
	wait_queue_head_t wait;
};

/* One range in flight; lives on the holder's stack. */
struct sluice_hold {
	struct interval_tree_node node;
};

void sluice_inflight_init(struct sluice_inflight *inflight);
bool sluice_inflight_try(struct sluice_inflight *inflight,
			 struct sluice_hold *hold);
bool sluice_inflight_try_all(struct sluice_inflight *inflight,
			     struct sluice_hold *holds, unsigned int nr);
int sluice_inflight_hold(struct sluice_inflight *inflight,
			 struct sluice_hold *hold, u64 start, u64 last);
void sluice_inflight_release(struct sluice_inflight *inflight,
			     struct sluice_hold *hold);
int sluice_inflight_hold_all(struct sluice_inflight *inflight,
			     struct sluice_hold *holds, unsigned int nr);
void sluice_inflight_release_all(struct sluice_inflight *inflight,
				 struct sluice_hold *holds, unsigned int nr);

/* Is nothing held? Of use only where nobody else is at it, as in tests. */
static inline bool sluice_inflight_idle(const struct sluice_inflight *inflight)
{
	return !inflight->sole && RB_EMPTY_ROOT(&inflight->holds.rb_root);
}

/* ---- charge.c: locked memory ---- */

int sluice_account(struct mm_struct *mm, unsigned long npages);
void sluice_unaccount(struct mm_struct *mm, unsigned long npages);

/* ---- pin.c: user memory ---- */

/* Pages pinned by one call; their struct page pointers fill one page. */
#define SLUICE_PIN_BATCH (PAGE_SIZE / sizeof(struct page *))

/* Up to so many pages are pinned before the space is locked. */
#define SLUICE_EARLY_PAGES 8

/**
 * struct sluice_early - memory that is pinned, for a map that will use it
 * @npages: how many; 0: none, or the map has them
 * @pages: they
 */
struct sluice_early {
	unsigned int npages;
	struct page *pages[SLUICE_EARLY_PAGES];
};

long sluice_pin(unsigned long vaddr, size_t npages, unsigned int prot,
		struct page **pages);
void sluice_pin_early(struct sluice_early *early, unsigned long vaddr, u64 size,
		      unsigned int prot);
void sluice_unpin_early(struct sluice_early *early, unsigned int prot);
void sluice_unpin_pages(struct page **pages, size_t npages, unsigned int prot);
void sluice_unpin_extent(const struct sluice_extent *extent, unsigned int prot);
void sluice_unpin_tces(const struct sluice_extent *extent, unsigned int lg2);
size_t sluice_extents_from_pages(u64 iova, struct page **pages, size_t npages,
				 struct sluice_extent *extents, size_t max,
				 size_t *used);

/* ---- join.c: extents as long as the memory is contiguous ---- */

/* However contiguous memory is, no more than this is one extent. */
#define SLUICE_STEP SZ_1G

/**
 * sluice_step_bytes - how much is mapped at a time
 * @iova: from where on
 *
 * If memory is badly aligned each page of it is an entry. Where steps end no page is
 * cut in two.
 *
 * Return: bytes.
 */
static inline u64 sluice_step_bytes(u64 iova)
{
	return SLUICE_STEP - (iova & (SLUICE_STEP - 1));
}

/**
 * struct sluice_join - a map whose memory is pinned step by step
 * @start: its first IOVA
 * @next: where the next page that is pinned goes
 * @last: its last IOVA, inclusive
 * @held: the end of what is pinned: not given to the caller yet, since a large page
 *	may begin there; @len is 0 if there is none
 */
struct sluice_join {
	u64 start;
	u64 next;
	u64 last;
	struct sluice_extent held;
};

void sluice_join_init(struct sluice_join *join, u64 start, u64 last);
size_t sluice_join_pages(struct sluice_join *join, struct page **pages,
			 size_t npages, struct sluice_extent *extents,
			 size_t max, size_t *used);
void sluice_join_unpin(struct sluice_join *join,
		       const struct sluice_extent *extents, size_t nr,
		       unsigned int prot);

/**
 * sluice_join_given - how much the caller has been given
 * @join: the map
 *
 * Return: bytes, from the map's beginning on.
 */
static inline u64 sluice_join_given(const struct sluice_join *join)
{
	return join->next - join->start - join->held.len;
}

/* Extents read from a domain at a time. */
#define SLUICE_READ_EXTENTS 16

/**
 * struct sluice_reader - a domain that is being read
 * @domain: the domain
 * @range: what is still to be read of it
 * @at: the first entry of @extents that hasn't been handed out
 * @nr: used entries of @extents
 * @extents: what was read last
 */
struct sluice_reader {
	struct sluice_domain *domain;
	struct sluice_range range;
	size_t at;
	size_t nr;
	struct sluice_extent extents[SLUICE_READ_EXTENTS];
};

void sluice_reader_init(struct sluice_reader *reader,
			struct sluice_domain *domain, u64 start, u64 last);
int sluice_reader_next(struct sluice_reader *reader,
		       struct sluice_extent *extent);

/* ---- backend.c: registered backends ---- */

bool sluice_backend_any(bool windows);
struct sluice_iommu *sluice_iommu_probe(struct iommu_group *group);
void sluice_iommu_get(struct sluice_iommu *iommu);
void sluice_iommu_put(struct sluice_iommu *iommu);

/* ---- domain.c: calls into a backend, with what must surround them ---- */

struct sluice_domain *sluice_domain_alloc(struct sluice_iommu *iommu,
					  struct iommu_group *group,
					  enum sluice_domain_kind kind);
void sluice_domain_free(struct sluice_domain *domain);
void sluice_domain_died(struct sluice_domain *domain, int err);
int sluice_domain_map(struct sluice_domain *domain,
		      const struct sluice_extent *extents, size_t nr,
		      unsigned int prot);
int sluice_domain_prepare(struct sluice_domain *domain,
			  const struct sluice_extent *extent);
int sluice_domain_map_prepared(struct sluice_domain *domain,
			       const struct sluice_extent *extent,
			       unsigned int prot);
int sluice_domain_map_end(struct sluice_domain *domain,
			  const struct sluice_extent *extents, size_t nr,
			  u64 done, int ret, struct sluice_gather *gather);
void sluice_domain_unmap(struct sluice_domain *domain, u64 start, u64 last,
			 struct sluice_gather *gather);
int sluice_domain_clear(struct sluice_domain *domain, u64 start, u64 last);
int sluice_domain_copy(struct sluice_domain *to, struct sluice_domain *from,
		       u64 start, u64 last, unsigned int prot);

/**
 * sluice_domain_flush - wait until cleared translations are gone
 * @domain: the domain
 * @gather: what to invalidate; spent afterwards
 *
 * Return: 0; otherwise the hardware may still use the old translations, for
 * ever: the memory behind them must never be unpinned.
 */
static inline int sluice_domain_flush(struct sluice_domain *domain,
				      struct sluice_gather *gather)
{
	int ret;

	/* A second time-out would tell nothing new. */
	if (unlikely(READ_ONCE(domain->dead)))
		return -EIO;
	ret = domain->ops->flush(domain, gather);
	if (unlikely(ret))
		sluice_domain_died(domain, ret);
	return ret;
}

/* ---- aperture.c: arithmetic on sorted lists of ranges ---- */

/**
 * struct sluice_ranges - a set of IOVAs
 * @v: ascending, disjoint, not adjacent
 * @nr: used entries of @v
 */
struct sluice_ranges {
	struct sluice_range *v;
	unsigned int nr;
};

int sluice_ranges_copy(struct sluice_ranges *to,
		       const struct sluice_range *from, unsigned int nr);
int sluice_ranges_exclude(struct sluice_ranges *set, u64 start, u64 last);
int sluice_ranges_intersect(struct sluice_ranges *set,
			    const struct sluice_ranges *with);
bool sluice_ranges_contain(const struct sluice_ranges *set, u64 start,
			   u64 last);
void sluice_ranges_align(struct sluice_ranges *set, u64 granule);
void sluice_ranges_free(struct sluice_ranges *set);

/* ---- space.c: an address space and what serves it ---- */

/* Records that a space keeps until they are freed together. */
#define SLUICE_RETIRED 32

/* What kind of space a container holds. */
enum sluice_space_type {
	SLUICE_SPACE_NONE,	/* SET_IOMMU has not been called */
	SLUICE_SPACE_TYPE1,
	SLUICE_SPACE_TYPE1V2,
	SLUICE_SPACE_UNIFIED,	/* for ever, unlike the others */
	SLUICE_SPACE_SPAPR,
	SLUICE_SPACE_SPAPR_V2,
};

struct sluice_unified;
struct sluice_spapr;

/**
 * struct sluice_space - an IOVA space
 * @lock: held for reading by map and unmap, for writing by all that changes
 *	the members below
 * @type: what the user chose
 * @domains: the hardware sides, all with the same content; also changed
 *	only under the mmio lock
 * @groups: attached groups, &sluice_attachment.node
 * @usable: IOVAs that every attached group can translate; none in a SPAPR space, whose
 *	windows say that
 * @pgsizes: page sizes that every domain supports, none below PAGE_SIZE
 * @stuck: an IOMMU has died, and its domain may be gone by now: nothing is unpinned any
 *	more, and nothing mapped. Read without a lock; cleared when a first group comes
 *	to a space that has nothing mapped without groups
 * @uni: what a space has whose domains are the record (unified.h): one that is
 *	unified or SPAPR; NULL otherwise
 * @spapr: what only a SPAPR space has beside it (spapr.h), NULL otherwise
 * @inflight: ranges being mapped or unmapped
 * @maps: &sluice_mapping.node by IOVA, disjoint
 * @sorted: the same, &sluice_mapping.link, for steps to neighbours
 * @near: where the last insertion or removal in @maps was, or @sorted: programs
 *	tend to go on where they were
 * @retired: records to be freed: many at once is cheaper than one by one
 * @nr_retired: used entries of @retired
 * @maps_lock: guards @maps, @sorted, @near and @retired
 * @mmio: where device memory is mapped, or will be again: &sluice_mmio_map.range;
 *	changes with the mmio lock held. It is its domains' &sluice_domain.reserved
 * @nr_mmio: how many of them; changes with the mmio lock held
 * @filling: a domain in @domains that hasn't got all of @mmio yet, or NULL; the mmio lock
 * @filled: the first IOVA from which on that is so; the mmio lock
 * @epoch: counts what changes under operations: domains, groups, type, windows, and
 *	whether a SPAPR space is enabled
 * @clears: counts how often all that was mapped went with the last group
 * @paused: operations that have let go of the space and left something to settle,
 *	&sluice_pause.node
 * @paused_lock: guards @paused among those who hold @lock for reading
 */
struct sluice_space {
	struct rw_semaphore lock;
	enum sluice_space_type type;
	struct list_head domains;
	struct list_head groups;
	struct sluice_ranges usable;
	u64 pgsizes;
	bool stuck;
	struct sluice_unified *uni;
	struct sluice_spapr *spapr;

	struct sluice_inflight inflight;
	struct rb_root maps;
	struct list_head sorted;
	struct list_head *near;
	struct sluice_mapping *retired[SLUICE_RETIRED];
	unsigned int nr_retired;
	spinlock_t maps_lock;	/* maps */
	struct sluice_reserved mmio;
	unsigned int nr_mmio;
	struct sluice_domain *filling;
	u64 filled;

	u64 epoch;
	u64 clears;
	struct list_head paused;
	spinlock_t paused_lock;	/* paused */
};

void sluice_space_init(struct sluice_space *space);
void sluice_space_deinit(struct sluice_space *space);
int sluice_space_lock(struct sluice_space *space);
int sluice_space_attach(struct sluice_space *space,
			struct iommu_group *iommu_group);
void sluice_space_detach(struct sluice_space *space,
			 struct iommu_group *iommu_group);
bool sluice_space_coherent(struct sluice_space *space);
bool sluice_space_reclaim(struct sluice_space *space);

/**
 * sluice_space_first_domain - the domain that is asked what is mapped
 * @space: a space with at least one group; the caller holds its lock
 *
 * Return: the domain.
 */
static inline struct sluice_domain *
sluice_space_first_domain(struct sluice_space *space)
{
	return list_first_entry(&space->domains, struct sluice_domain, node);
}

/**
 * sluice_space_granule - the smallest unit of mapping
 * @space: a space with at least one group; the caller holds its lock
 *
 * Return: bytes, a power of two, not below PAGE_SIZE.
 */
static inline u64 sluice_space_granule(struct sluice_space *space)
{
	return BIT_ULL(__ffs64(space->pgsizes));
}

/**
 * sluice_space_dead - has an IOMMU of the space ceased to answer?
 * @space: the space; the caller holds its lock
 *
 * An IOMMU that has left the space counts, too: it may still reach what was mapped.
 *
 * Return: true if so; then nothing may be unpinned any more.
 */
static inline bool sluice_space_dead(struct sluice_space *space)
{
	struct sluice_domain *domain;

	if (unlikely(READ_ONCE(space->stuck)))
		return true;
	list_for_each_entry(domain, &space->domains, node) {
		if (READ_ONCE(domain->dead))
			return true;
	}
	return false;
}

/**
 * sluice_space_reclaim_due - is it time for sluice_space_reclaim()?
 * @space: the space; the caller holds its lock
 *
 * Return: true if a backend has asked for it.
 */
static inline bool sluice_space_reclaim_due(struct sluice_space *space)
{
	struct sluice_domain *domain;

	list_for_each_entry(domain, &space->domains, node) {
		if (unlikely(READ_ONCE(domain->reclaim_due)))
			return true;
	}
	return false;
}

/* ---- pause.c: operations that wait for the user ---- */

/**
 * struct sluice_pause - an operation that has let go of its space
 * @node: link in &sluice_space.paused
 * @settle: flushes what it has unmapped; called at most once, with the space's lock held
 *	for writing; not at all if NULL. Constant while paused
 * @epoch: the space's when it let go
 * @clears: likewise
 */
struct sluice_pause {
	struct list_head node;
	void (*settle)(struct sluice_pause *pause);
	u64 epoch;
	u64 clears;
};

/**
 * enum sluice_resumed - what has become of a space meanwhile
 * @SLUICE_RESUMED_SAME: nothing
 * @SLUICE_RESUMED_CHANGED: the operation takes back what it has done, and begins anew
 * @SLUICE_RESUMED_CLEARED: so it does, but nothing that it has mapped is left, nor
 *	charged; nor, in a SPAPR space, &sluice_space.uni
 */
enum sluice_resumed {
	SLUICE_RESUMED_SAME,
	SLUICE_RESUMED_CHANGED,
	SLUICE_RESUMED_CLEARED,
};

void sluice_space_pause(struct sluice_space *space, struct sluice_pause *pause);
enum sluice_resumed sluice_space_resume(struct sluice_space *space,
					struct sluice_pause *pause);
int sluice_space_lock_write(struct sluice_space *space);
void sluice_space_lock_close(struct sluice_space *space);
int sluice_space_wait_hold(struct sluice_space *space,
			   struct sluice_hold *holds, unsigned int nr);

/**
 * sluice_space_hold - take a range of a space for an operation
 * @space: the space; the caller holds its lock for reading, and has done nothing yet
 * @hold: the caller's record, on its stack until released
 * @start: first IOVA
 * @last: last IOVA, inclusive
 *
 * If it has to wait for others, it lets go of the space meanwhile.
 *
 * Return: 0; -EINTR if the task was killed; -ERESTART if the space has changed. The range
 * isn't held then.
 */
static inline int sluice_space_hold(struct sluice_space *space,
				    struct sluice_hold *hold, u64 start,
				    u64 last)
{
	hold->node.start = start;
	hold->node.last = last;
	if (likely(sluice_inflight_try(&space->inflight, hold)))
		return 0;
	return sluice_space_wait_hold(space, hold, 1);
}

/**
 * sluice_space_hold_all - take several ranges of a space for one operation
 * @space: the space; as for sluice_space_hold()
 * @holds: the caller's records, filled with the ranges; they may overlap each other
 * @nr: how many, at least 1
 *
 * Return: as sluice_space_hold().
 */
static inline int sluice_space_hold_all(struct sluice_space *space,
					struct sluice_hold *holds,
					unsigned int nr)
{
	if (likely(sluice_inflight_try_all(&space->inflight, holds, nr)))
		return 0;
	return sluice_space_wait_hold(space, holds, nr);
}

int sluice_space_wait_mm(void);

/**
 * sluice_space_again - must an operation begin anew?
 * @ret: what it returned; set to -EINTR if the task has been killed instead
 *
 * Context: nothing is locked, so that mmap_lock can be waited for.
 * Return: true if so: the caller locks the space again, and looks at its type first.
 */
static inline bool sluice_space_again(int *ret)
{
	if (likely(*ret != -ERESTART))
		return false;
	*ret = sluice_space_wait_mm();
	return !*ret;
}

/* ---- legacy*.c: mappings as units (TYPE1, TYPE1v2) ---- */

/**
 * struct sluice_mapping - one MAP_DMA
 * @node: link in &sluice_space.maps
 * @link: link in &sluice_space.sorted
 * @next: the next mapping of a transaction (legacy_txn.c), no longer in the space
 * @start: first IOVA
 * @last: last IOVA, inclusive
 * @mm: whose locked memory is charged; a reference of mmgrab()
 * @mmio: set if the target is device memory: nothing is pinned or charged
 * @prot: &enum sluice_prot
 * @paused: its map has let go of the space: not all of it is mapped, and the record is
 *	the map's to free, even if it isn't in the space any more
 * @nr_extents: extents in that transaction
 *
 * But for @paused constant from insertion into &sluice_space.maps; whoever holds the range in
 * flight may remove it.
 */
struct sluice_mapping {
	union {
		struct rb_node node;
		struct sluice_mapping *next;
	};
	struct list_head link;
	u64 start;
	u64 last;
	struct mm_struct *mm;
	struct sluice_mmio_map *mmio;
	unsigned int prot;
	bool paused;
	unsigned int nr_extents;
};

/**
 * struct sluice_taken - what is left of a record to be unmapped
 * @mm: as in &struct sluice_mapping, with its reference
 * @prot: as there
 */
struct sluice_taken {
	struct mm_struct *mm;
	unsigned int prot;
};

int sluice_legacy_init(void);
void sluice_legacy_deinit(void);
int sluice_legacy_map(struct sluice_space *space, u64 iova,
		      unsigned long vaddr, u64 size, unsigned int prot,
		      struct sluice_early *early);
int sluice_legacy_check_fit(struct sluice_space *space,
			    const struct sluice_ranges *usable, u64 pgsizes);
int sluice_legacy_fill(struct sluice_space *space, struct sluice_domain *to);
struct sluice_mapping *sluice_mapping_find(struct sluice_space *space,
					   u64 start, u64 last);
void sluice_mapping_erase(struct sluice_space *space,
			  struct sluice_mapping *mapping);
bool sluice_mapping_take(struct sluice_space *space, u64 start, u64 last,
			 struct sluice_taken *taken);
void sluice_mapping_free_retired(struct sluice_space *space);
void sluice_mapping_free(struct sluice_mapping *mapping);

int sluice_legacy_unmap(struct sluice_space *space, u64 start, u64 last,
			u64 *unmapped);
void sluice_legacy_clear(struct sluice_space *space);
void sluice_legacy_unwind(struct sluice_space *space,
			  struct sluice_mapping *mapping, u64 bytes);

/* ---- mmio*.c: peer-to-peer maps of device memory ---- */

struct sluice_mmio_map;

/* Has the space none? What is in a range that is held was added by its last holder. */
static inline bool sluice_mmio_none(const struct sluice_space *space)
{
	return !READ_ONCE(space->nr_mmio);
}

struct sluice_mmio_map *sluice_mmio_map(struct sluice_space *space, u64 iova,
					unsigned long vaddr, u64 size,
					unsigned int prot, u64 page);
int sluice_mmio_check(struct sluice_space *space, u64 iova, unsigned long vaddr,
		      u64 size, unsigned int prot, u64 page);
void sluice_mmio_unmap(struct sluice_mmio_map *map);
int sluice_mmio_fill(struct sluice_space *space, struct sluice_domain *to);
void sluice_mmio_unfill(struct sluice_space *space,
			struct sluice_domain *domain);
int sluice_mmio_at(unsigned long vaddr);
int sluice_mmio_map_unified(struct sluice_space *space, u64 iova,
			    unsigned long vaddr, u64 size, unsigned int prot,
			    u64 page);
int sluice_mmio_cut(struct sluice_space *space, u64 start, u64 last);
bool sluice_mmio_overlaps(struct sluice_space *space, u64 start, u64 last);
int sluice_mmio_unmap_range(struct sluice_space *space, u64 start, u64 last,
			    u64 *unmapped);
void sluice_mmio_drop(struct sluice_device *sdev);
void sluice_mmio_lock(void);
void sluice_mmio_unlock(void);

/* ---- type1.c: the TYPE1 ioctls ---- */

long sluice_type1_ioctl(struct sluice_space *space, unsigned int cmd,
			unsigned long arg);

/* ---- container.c ---- */

/**
 * struct sluice_container - an open /dev/vfio/vfio
 * @ref: the file, and every group that is set to it
 * @space: its address space, of no type until SET_IOMMU
 * @groups: &sluice_group.container_node; guarded by @space.lock
 */
struct sluice_container {
	struct kref ref;
	struct sluice_space space;
	struct list_head groups;
};

struct sluice_container *sluice_container_from_file(struct file *file);
int sluice_container_attach(struct sluice_container *container,
			    struct sluice_group *group);
void sluice_container_detach(struct sluice_group *group);
bool sluice_container_ready(struct sluice_container *container);
int sluice_container_init(void);
void sluice_container_deinit(void);

/* ---- group.c ---- */

/**
 * struct sluice_group - a /dev/vfio/<N>
 * @dev: the class device; its reference count is the group's
 * @cdev: the character device
 * @node: link in the list of all groups
 * @iommu_group: the kernel's group; a reference. NULL once the last device
 *	is gone
 * @nr_members: devices that have joined and not left; groups_lock (group.c)
 * @lock: guards @iommu_group's change and all below
 * @devices: &sluice_device.group_node
 * @opened: the one open file, or NULL
 * @container: where it is attached, or NULL
 * @container_node: link in &sluice_container.groups
 * @nr_device_fds: device fds that are open, or being opened or closed, but for those
 *	of devices that were taken away; the group can't leave its container meanwhile
 */
struct sluice_group {
	struct device dev;
	struct cdev cdev;
	struct list_head node;
	struct iommu_group *iommu_group;
	unsigned int nr_members;

	struct mutex lock;	/* all below */
	struct list_head devices;
	struct file *opened;
	struct sluice_container *container;
	struct list_head container_node;
	unsigned int nr_device_fds;
};

int sluice_group_init(void);
void sluice_group_deinit(void);
int sluice_group_join(struct sluice_device *sdev);
struct sluice_device *sluice_group_get_fd(struct sluice_group *group,
					  const char *name);
void sluice_group_put_fd(struct sluice_device *sdev);
void sluice_group_forget_fds(struct sluice_device *sdev, bool closed);
bool sluice_group_hide(struct sluice_device *sdev);
void sluice_group_leave(struct sluice_device *sdev);

/* ---- device.c ---- */

void sluice_device_take_back(struct sluice_device *sdev, bool used);

/* ---- device_fd.c ---- */

struct inode *sluice_device_inode(void);
bool sluice_device_close_all(struct sluice_device *sdev);
int sluice_device_open_fd(struct sluice_group *group, const char *name);
struct sluice_device *sluice_device_from_file(struct file *file);
int sluice_device_init_fs(void);
void sluice_device_deinit_fs(void);

#endif /* SLUICE_CORE_PRIVATE_H */
