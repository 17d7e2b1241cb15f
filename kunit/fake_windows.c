// SPDX-License-Identifier: GPL-2.0-only
/*
 * A pretended IOMMU with windows, and the backend that drives it.
 *
 * What a backend has to do that has &struct sluice_window_ops, and no more: each window
 * is a flat array of entries for pages of its own size, which may be smaller than the
 * CPU's. The array is what hardware reads and the record at once, in pieces that are
 * allocated when something is first mapped there. Hardware remembers what it has read
 * until it is told to forget it, so that a missing flush is seen.
 */
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "fake_windows.h"

#define TCE_PRESENT	BIT_ULL(0)
#define TCE_READ	BIT_ULL(1)
#define TCE_WRITE	BIT_ULL(2)
#define TCE_MMIO	BIT_ULL(3)
#define TCE_REGISTERED	BIT_ULL(4)
/* The smallest page of a window. */
#define MIN_LG2		12
#define TCE_ADDR	GENMASK_ULL(63, MIN_LG2)

/* Entries in a table, which is a page. */
#define ENTRIES		(PAGE_SIZE / sizeof(u64))

/**
 * struct window - a window of a domain
 * @start: first IOVA
 * @lg2: log2 of the page size
 * @nr: pages
 * @tables: each of ENTRIES entries, or NULL where nothing was ever mapped
 * @tlb: what hardware remembers: entries by page
 */
struct window {
	u64 start;
	unsigned int lg2;
	u64 nr;
	u64 **tables;
	struct xarray tlb;
};

struct fake_win_iommu {
	struct sluice_iommu iommu;
	struct fake_win_hw *hw;
};

/**
 * struct fake_win_domain - a set of windows
 * @domain: the core's part
 * @hw: the hardware
 * @unit: which unit of it
 * @groups: groups attached
 * @windows: NULL where there is none
 * @broken: a flush failed
 */
struct fake_win_domain {
	struct sluice_domain domain;
	struct fake_win_hw *hw;
	unsigned int unit;
	unsigned int groups;
	struct window *windows[SLUICE_MAX_HW_WINDOWS];
	bool broken;
};

static LIST_HEAD(all_hw);
static DEFINE_MUTEX(all_hw_lock);	/* guards all_hw and every hw's groups */

static struct fake_win_domain *to_fake(struct sluice_domain *domain)
{
	return container_of(domain, struct fake_win_domain, domain);
}

static struct fake_win_group *find_group(struct iommu_group *group,
					 struct fake_win_hw **hwp)
{
	struct fake_win_group *fg;
	struct fake_win_hw *hw;

	guard(mutex)(&all_hw_lock);
	list_for_each_entry(hw, &all_hw, node) {
		list_for_each_entry(fg, &hw->groups, node) {
			if (fg->group != group)
				continue;
			*hwp = hw;
			return fg;
		}
	}
	return NULL;
}

/* Counts down; true once, when it reaches 0. */
static bool fails(atomic_t *countdown)
{
	return atomic_add_unless(countdown, -1, 0) && !atomic_read(countdown);
}

static void violation(struct fake_win_domain *fd, const char *what, u64 iova)
{
	atomic_inc(&fd->hw->violations);
	pr_err("fake windows: the core broke the contract: %s at %#llx\n", what,
	       iova);
}

/* ---- Windows ---- */

static u64 last_of(const struct window *w)
{
	return w->start + ((w->nr << w->lg2) - 1);
}

static u64 nr_tables(const struct window *w)
{
	return DIV_ROUND_UP_ULL(w->nr, ENTRIES);
}

/* The slot of the window that has @iova, or that begins there. */
static struct window **slot_of(struct fake_win_domain *fd, u64 iova)
{
	unsigned int i;

	for (i = 0; i < SLUICE_MAX_HW_WINDOWS; i++) {
		struct window *w = fd->windows[i];

		if (w && w->start <= iova && last_of(w) >= iova)
			return &fd->windows[i];
	}
	return NULL;
}

static struct window *window_of(struct fake_win_domain *fd, u64 iova)
{
	struct window **slot = slot_of(fd, iova);

	return slot ? *slot : NULL;
}

static u64 *entry_at(const struct window *w, u64 page)
{
	u64 *table = w->tables[page / ENTRIES];

	return table ? &table[page % ENTRIES] : NULL;
}

static void table_free(struct fake_win_domain *fd, u64 *table)
{
	free_page((unsigned long)table);
	WRITE_ONCE(fd->domain.tables, fd->domain.tables - 1);
	atomic_dec(&fd->hw->tables);
}

static u64 *entry_make(struct fake_win_domain *fd, struct window *w, u64 page)
{
	u64 **table = &w->tables[page / ENTRIES];

	if (!*table) {
		if (fails(&fd->hw->fail_alloc))
			return NULL;
		*table = (u64 *)get_zeroed_page(GFP_KERNEL);
		if (!*table)
			return NULL;
		atomic_inc(&fd->hw->tables);
		WRITE_ONCE(fd->domain.tables, fd->domain.tables + 1);
	}
	return &(*table)[page % ENTRIES];
}

static int make_window(struct fake_win_domain *fd, u64 start, unsigned int lg2,
		       u64 size)
{
	struct window *w;
	unsigned int i;

	for (i = 0; fd->windows[i]; i++)
		;
	w = kzalloc(sizeof(*w), GFP_KERNEL);
	if (!w)
		return -ENOMEM;
	w->start = start;
	w->lg2 = lg2;
	w->nr = size >> lg2;
	xa_init(&w->tlb);
	w->tables = kvcalloc(nr_tables(w), sizeof(*w->tables), GFP_KERNEL);
	if (!w->tables) {
		kfree(w);
		return -ENOMEM;
	}
	fd->windows[i] = w;
	atomic_inc(&fd->hw->windows);
	return 0;
}

static void free_window(struct fake_win_domain *fd, struct window **slot)
{
	struct window *w = *slot;
	u64 i;

	*slot = NULL;
	atomic_dec(&fd->hw->windows);
	for (i = 0; i < nr_tables(w); i++) {
		if (!w->tables[i])
			continue;
		if (memchr_inv(w->tables[i], 0, PAGE_SIZE))
			violation(fd, "end of a window in use", w->start);
		table_free(fd, w->tables[i]);
	}
	/* What a device has seen there it can't reach any more. */
	xa_destroy(&w->tlb);
	kvfree(w->tables);
	kfree(w);
}

static int fake_create(struct sluice_domain *domain, unsigned int page_lg2,
		       u64 size, u64 *start)
{
	struct fake_win_domain *fd = to_fake(domain);
	struct fake_win_hw *hw = fd->hw;
	unsigned int i, nr = 0;
	u64 at;

	guard(mutex)(&hw->lock);
	if (fails(&hw->create_in))
		return hw->create_error;
	if (!(hw->caps.windows.pgsizes & BIT_ULL(page_lg2)) ||
	    !is_power_of_2(size) || !fd->groups)
		violation(fd, "an impossible window", size);
	if (size >> page_lg2 == 0 || size > hw->max_size)
		return -E2BIG;
	for (i = 0; i < SLUICE_MAX_HW_WINDOWS; i++)
		nr += !!fd->windows[i];
	if (nr >= hw->caps.windows.max)
		return -ENOSPC;
	at = window_of(fd, 0) ? hw->high[fd->unit] : 0;
	if (window_of(fd, at) || window_of(fd, at + (size - 1)))
		return -EADDRINUSE;
	*start = at;
	return make_window(fd, at, page_lg2, size);
}

static int fake_remove(struct sluice_domain *domain, u64 start)
{
	struct fake_win_domain *fd = to_fake(domain);
	struct window **slot;

	guard(mutex)(&fd->hw->lock);
	if (fails(&fd->hw->remove_in))
		return fd->hw->remove_error;
	slot = slot_of(fd, start);
	if (!slot || (*slot)->start != start) {
		violation(fd, "no window to remove", start);
		return -EIO;
	}
	free_window(fd, slot);
	return 0;
}

static const struct sluice_window_ops window_ops = {
	.create = fake_create,
	.remove = fake_remove,
};

/* ---- Maps ---- */

static u64 prot_bits(unsigned int prot)
{
	return TCE_PRESENT | (prot & SLUICE_PROT_READ ? TCE_READ : 0) |
	       (prot & SLUICE_PROT_WRITE ? TCE_WRITE : 0) |
	       (prot & SLUICE_PROT_MMIO ? TCE_MMIO : 0) |
	       (prot & SLUICE_PROT_REGISTERED ? TCE_REGISTERED : 0);
}

static unsigned int entry_prot(u64 entry)
{
	return (entry & TCE_READ ? SLUICE_PROT_READ : 0) |
	       (entry & TCE_WRITE ? SLUICE_PROT_WRITE : 0) |
	       (entry & TCE_MMIO ? SLUICE_PROT_MMIO : 0) |
	       (entry & TCE_REGISTERED ? SLUICE_PROT_REGISTERED : 0);
}

static int map_extent(struct fake_win_domain *fd, const struct sluice_extent *e,
		      u64 bits, bool no_tables, u64 *done)
{
	struct window *w = window_of(fd, e->iova);
	u64 page, off;

	if (!w || e->len - 1 > last_of(w) - e->iova ||
	    !IS_ALIGNED(e->iova | e->phys | e->len, BIT_ULL(w->lg2))) {
		violation(fd, "a map that fits no window", e->iova);
		return -EINVAL;
	}
	page = (e->iova - w->start) >> w->lg2;
	for (off = 0; off < e->len; off += BIT_ULL(w->lg2)) {
		u64 *entry;

		if (fails(&fd->hw->fail_map))
			return -ENOMEM;
		entry = no_tables ? entry_at(w, page) : entry_make(fd, w, page);
		page++;
		if (!entry)
			return -ENOMEM;
		if (*entry)
			return -EEXIST;
		*entry = (e->phys + off) | bits;
		*done += BIT_ULL(w->lg2);
	}
	return 0;
}

static int fake_map(struct sluice_domain *domain,
		    const struct sluice_extent *extents, size_t nr,
		    unsigned int prot, u64 *done, struct sluice_gather *gather)
{
	struct fake_win_domain *fd = to_fake(domain);
	int ret = 0;
	size_t i;

	guard(mutex)(&fd->hw->lock);
	atomic_inc(&fd->hw->maps);
	*done = 0;
	for (i = 0; !ret && i < nr; i++)
		ret = map_extent(fd, &extents[i], prot_bits(prot),
				 gather->no_tables, done);
	return ret;
}

/* Joins memory to the last extent if it continues it; else starts another. */
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
static size_t harvest(struct fake_win_domain *fd, struct sluice_range *range,
		      struct sluice_extent *extents, size_t max,
		      struct sluice_gather *gather)
{
	struct window *w = window_of(fd, range->start);
	size_t n = 0;

	if (!w || range->last > last_of(w)) {
		violation(fd, "a range that fits no window", range->start);
		sluice_range_consume(range, range->last);
		return 0;
	}
	while (!sluice_range_empty(range)) {
		u64 page = (range->start - w->start) >> w->lg2;
		u64 last = w->start + ((page + 1) << w->lg2) - 1;
		u64 *entry = entry_at(w, page);
		struct sluice_extent found;

		if (!entry) {
			/* Nothing in the rest of the table. */
			page = round_down(page, ENTRIES) + ENTRIES - 1;
			last = w->start + ((page + 1) << w->lg2) - 1;
			sluice_range_consume(range, last);
			continue;
		}
		found = (struct sluice_extent){
			.iova = w->start + (page << w->lg2),
			.phys = *entry & TCE_ADDR,
			.len = BIT_ULL(w->lg2),
			.prot = entry_prot(*entry),
		};
		if (*entry && !collect(extents, &n, max, &found))
			break;
		if (*entry && gather) {
			if (range->start != found.iova || range->last < last)
				violation(fd, "unmap of half a page",
					  range->start);
			*entry = 0;
			sluice_gather_add(gather, found.iova, last, w->lg2);
		}
		sluice_range_consume(range, last);
	}
	return n;
}

static size_t fake_unmap(struct sluice_domain *domain, u64 held,
			 struct sluice_range *range,
			 struct sluice_extent *extents, size_t max,
			 struct sluice_gather *gather)
{
	struct fake_win_domain *fd = to_fake(domain);

	guard(mutex)(&fd->hw->lock);
	atomic_inc(&fd->hw->unmaps);
	return harvest(fd, range, extents, max, gather);
}

static size_t fake_read(struct sluice_domain *domain,
			struct sluice_range *range,
			struct sluice_extent *extents, size_t max)
{
	struct fake_win_domain *fd = to_fake(domain);

	guard(mutex)(&fd->hw->lock);
	return harvest(fd, range, extents, max, NULL);
}

static void forget(struct window *w, const struct sluice_range *range)
{
	unsigned long page;
	void *entry;

	xa_for_each(&w->tlb, page, entry) {
		u64 start = w->start + ((u64)page << w->lg2);

		if (start >= range->start &&
		    start + (BIT_ULL(w->lg2) - 1) <= range->last)
			xa_erase(&w->tlb, page);
	}
}

static int fake_flush(struct sluice_domain *domain, struct sluice_gather *gather)
{
	struct fake_win_domain *fd = to_fake(domain);
	unsigned int i, k;

	guard(mutex)(&fd->hw->lock);
	if (fd->hw->flush_error) {
		fd->broken = true;
		WRITE_ONCE(domain->iommu->dead, true);
		return fd->hw->flush_error;
	}
	for (i = 0; i < gather->nr; i++) {
		for (k = 0; k < SLUICE_MAX_HW_WINDOWS; k++) {
			if (fd->windows[k])
				forget(fd->windows[k], &gather->ranges[i]);
		}
	}
	return 0;
}

/* Will the core map something there, and count on the table? */
static bool is_reserved(struct fake_win_domain *fd, const struct window *w,
			u64 table)
{
	u64 bytes = (u64)ENTRIES << w->lg2, start = w->start + table * bytes;

	return sluice_is_reserved(fd->domain.reserved, start,
				  start + (bytes - 1));
}

static void reclaim_window(struct fake_win_domain *fd, struct window *w)
{
	u64 i;

	for (i = 0; i < nr_tables(w); i++) {
		if (!w->tables[i] || memchr_inv(w->tables[i], 0, PAGE_SIZE) ||
		    is_reserved(fd, w, i))
			continue;
		table_free(fd, w->tables[i]);
		w->tables[i] = NULL;
	}
}

static void fake_reclaim(struct sluice_domain *domain)
{
	struct fake_win_domain *fd = to_fake(domain);
	unsigned int i;

	guard(mutex)(&fd->hw->lock);
	for (i = 0; i < SLUICE_MAX_HW_WINDOWS; i++) {
		if (fd->windows[i])
			reclaim_window(fd, fd->windows[i]);
	}
}

/* ---- Domains ---- */

static bool fake_compatible(struct sluice_domain *domain,
			    struct sluice_iommu *iommu,
			    struct iommu_group *group)
{
	struct fake_win_domain *fd = to_fake(domain);
	struct fake_win_hw *hw;
	struct fake_win_group *fg = find_group(group, &hw);

	return domain->iommu == iommu && fg->unit == fd->unit;
}

static int fake_attach(struct sluice_domain *domain, struct iommu_group *group)
{
	struct fake_win_domain *fd = to_fake(domain);
	const struct sluice_window_caps *caps = &fd->hw->caps.windows;
	struct fake_win_hw *hw;
	struct fake_win_group *fg = find_group(group, &hw);
	int ret = 0;

	guard(mutex)(&fd->hw->lock);
	if (fg->domain)
		violation(fd, "attach of a group that is attached", 0);
	if (!fd->groups)
		ret = make_window(fd, caps->initial.start, caps->initial_lg2,
				  caps->initial.last - caps->initial.start + 1);
	if (ret)
		return ret;
	fg->domain = fd;
	fd->groups++;
	return 0;
}

static void fake_detach(struct sluice_domain *domain, struct iommu_group *group)
{
	struct fake_win_domain *fd = to_fake(domain);
	struct fake_win_hw *hw;
	struct fake_win_group *fg = find_group(group, &hw);
	unsigned int i;

	guard(mutex)(&fd->hw->lock);
	if (fg->domain != fd) {
		violation(fd, "detach of a group that isn't attached", 0);
		return;
	}
	fg->domain = NULL;
	if (--fd->groups)
		return;
	for (i = 0; i < SLUICE_MAX_HW_WINDOWS; i++) {
		if (fd->windows[i])
			free_window(fd, &fd->windows[i]);
	}
}

static void fake_free(struct sluice_domain *domain)
{
	struct fake_win_domain *fd = to_fake(domain);

	if (fd->groups)
		violation(fd, "the end of a domain in use", 0);
	atomic_dec(&fd->hw->domains);
	kfree(fd);
}

static struct sluice_domain *fake_domain_alloc(struct sluice_iommu *iommu,
					       struct iommu_group *group,
					       enum sluice_domain_kind kind)
{
	struct fake_win_hw *hw;
	struct fake_win_group *fg = find_group(group, &hw);
	struct fake_win_domain *fd;

	if (kind != SLUICE_DOMAIN_WINDOWS)
		return ERR_PTR(-EINVAL);
	fd = kzalloc(sizeof(*fd), GFP_KERNEL);
	if (!fd)
		return ERR_PTR(-ENOMEM);
	fd->hw = hw;
	fd->unit = fg->unit;
	atomic_inc(&hw->domains);
	return &fd->domain;
}

static const struct sluice_domain_ops domain_ops = {
	.free = fake_free,
	.attach = fake_attach,
	.detach = fake_detach,
	.compatible = fake_compatible,
	.map = fake_map,
	.unmap = fake_unmap,
	.read = fake_read,
	.flush = fake_flush,
	.reclaim = fake_reclaim,
	.windows = &window_ops,
};

static struct sluice_iommu *fake_probe(struct iommu_group *group)
{
	struct fake_win_iommu *fi;
	struct fake_win_hw *hw;

	if (!find_group(group, &hw))
		return ERR_PTR(-ENODEV);
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
	return &fi->iommu;
}

static void fake_release(struct sluice_iommu *iommu)
{
	struct fake_win_iommu *fi =
		container_of(iommu, struct fake_win_iommu, iommu);

	fi->hw->iommu = NULL;
	kfree(fi);
}

const struct sluice_backend fake_backend_windows = {
	.name = "fake-windows",
	.rating = SLUICE_RATING_NATIVE,
	.probe = fake_probe,
	.release = fake_release,
	.domain_alloc = fake_domain_alloc,
	.domain_ops = &domain_ops,
};

/* ---- DMA ---- */

/**
 * fake_win_translate - what becomes of an access by a device
 * @group: the device's group
 * @iova: where it goes
 * @write: it is a write
 * @phys: set to the physical address on success
 *
 * Return: 0; -EFAULT if nothing is mapped there or the group is blocked; -EACCES if
 * the mapping doesn't allow it.
 */
int fake_win_translate(struct fake_win_group *group, u64 iova, bool write,
		       phys_addr_t *phys)
{
	struct fake_win_hw *hw;
	struct window *w;
	u64 page, *slot;
	void *known;
	u64 entry;

	find_group(group->group, &hw);
	guard(mutex)(&hw->lock);
	w = group->domain ? window_of(group->domain, iova) : NULL;
	if (!w)
		return -EFAULT;
	page = (iova - w->start) >> w->lg2;
	known = xa_load(&w->tlb, page);
	slot = entry_at(w, page);
	entry = known ? xa_to_value(known) : slot ? *slot : 0;
	if (!entry)
		return -EFAULT;
	/* A value entry has 63 bits: enough for physical addresses. */
	if (!known)
		xa_store(&w->tlb, page, xa_mk_value(entry), GFP_KERNEL);
	if (!(entry & (write ? TCE_WRITE : TCE_READ)))
		return -EACCES;
	*phys = (entry & TCE_ADDR) + (iova & (BIT_ULL(w->lg2) - 1));
	return 0;
}

/**
 * fake_win_windows - how many windows there are
 * @group: a group
 *
 * Return: how many it has.
 */
unsigned int fake_win_windows(struct fake_win_group *group)
{
	unsigned int i, nr = 0;

	for (i = 0; group->domain && i < SLUICE_MAX_HW_WINDOWS; i++)
		nr += !!group->domain->windows[i];
	return nr;
}

/* ---- Set-up for tests ---- */

int fake_win_suite_init(struct kunit_suite *suite)
{
	return sluice_backend_register(&fake_backend_windows);
}

void fake_win_suite_exit(struct kunit_suite *suite)
{
	sluice_backend_unregister(&fake_backend_windows);
}

static void hw_destroy(void *data)
{
	struct fake_win_group *fg, *next;
	struct fake_win_hw *hw = data;

	scoped_guard(mutex, &all_hw_lock)
		list_del(&hw->node);
	list_for_each_entry_safe(fg, next, &hw->groups, node) {
		iommu_group_put(fg->group);
		kfree(fg);
	}
	kfree(hw);
}

/**
 * fake_win_hw_create - plug in a pretended IOMMU with windows
 * @test: goes when this test is over
 *
 * Return: an IOMMU as emulated pSeries have it.
 */
struct fake_win_hw *fake_win_hw_create(struct kunit *test)
{
	struct fake_win_hw *hw = kzalloc(sizeof(*hw), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, hw);
	INIT_LIST_HEAD(&hw->groups);
	mutex_init(&hw->lock);
	hw->caps = (struct sluice_caps){
		.pgsizes = SZ_4K | SZ_64K | SZ_2M | SZ_16M,
		.apertures[0] = { 0, FAKE_WIN_INITIAL_SIZE - 1 },
		.nr_apertures = 1,
		.coherent = true,
		.isolated_msi = true,
		.windows = {
			.initial = { 0, FAKE_WIN_INITIAL_SIZE - 1 },
			.initial_lg2 = MIN_LG2,
			.pgsizes = SZ_4K | SZ_64K | SZ_2M | SZ_16M,
			.max = 2,
			.levels = FAKE_WIN_LEVELS,
		},
	};
	for (i = 0; i < FAKE_WIN_UNITS; i++)
		hw->high[i] = FAKE_WIN_HIGH;
	hw->max_size = SZ_1T;
	scoped_guard(mutex, &all_hw_lock)
		list_add(&hw->node, &all_hw);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, hw_destroy, hw));
	return hw;
}

/**
 * fake_win_group_create - put a group behind a pretended IOMMU
 * @test: the test
 * @hw: the IOMMU
 * @unit: which unit of it
 *
 * Return: the group, blocked; it goes with @hw.
 */
struct fake_win_group *fake_win_group_create(struct kunit *test,
					     struct fake_win_hw *hw,
					     unsigned int unit)
{
	struct fake_win_group *fg = kzalloc(sizeof(*fg), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fg);
	fg->unit = unit;
	fg->group = iommu_group_alloc();
	if (IS_ERR(fg->group)) {
		kfree(fg);
		KUNIT_FAIL_AND_ABORT(test, "no group");
	}
	scoped_guard(mutex, &all_hw_lock)
		list_add_tail(&fg->node, &hw->groups);
	return fg;
}

/**
 * fake_win_check_idle - expect that nothing was left behind
 * @test: the test
 * @hw: an IOMMU to which nothing should be attached any more
 */
void fake_win_check_idle(struct kunit *test, struct fake_win_hw *hw)
{
	struct fake_win_group *fg;

	list_for_each_entry(fg, &hw->groups, node)
		KUNIT_EXPECT_NULL(test, fg->domain);
	KUNIT_EXPECT_NULL(test, hw->iommu);
	KUNIT_EXPECT_EQ(test, atomic_read(&hw->domains), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&hw->windows), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&hw->tables), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&hw->violations), 0);
}
