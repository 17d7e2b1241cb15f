/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page-table engine: unmapping and reading.
 *
 * Owns: the walk over a range that reports what is mapped there, and clears it
 * if asked to. A part of engine.h.
 */

/*
 * What is looked at before the caller gets a chance to reschedule: runs of
 * entries, or tables for so many of them.
 */
#define SWEEP_STEPS	4096
#define SWEEP_TABLE	64

/*
 * Clears @leaf, at @slot, and those of the @n entries from there on that
 * continue it. Returns how many.
 */
static __always_inline unsigned int
clear_leaves(__le64 *slot, u64 leaf, unsigned int lg2, unsigned int per_page,
	     unsigned int n)
{
	const u64 step = BIT_ULL(lg2);
	unsigned int i = 0;

	if (!FMT_GROUPS || per_page == 1) {
		do {
			entry_set(&slot[i++], 0);
			leaf += step;
		} while (i < n && entry_get(&slot[i]) == leaf);
		return i;
	}
	do {
		entries_set(&slot[i], 0, per_page);
		i += per_page;
		leaf += step;
	} while (i < n && entry_get(&slot[i]) == leaf);
	return i;
}

/*
 * Everything in @held up to @to, the end of the cursor's table, has been cleared.
 * Unlinks the tables that end there, if they lie within @held: then nobody else
 * can be in them.
 */
static noinline void unlink_spanned(struct pt *pt, struct cursor *c,
				    struct sluice_range held, u64 to,
				    struct sluice_gather *gather)
{
	while (c->low < c->top && !gather->keep_tables) {
		u64 base = cursor_base(pt, c);
		u64 end = base + mask_lg2(table_lg2(pt, c->low));
		__le64 *table = c->tables[c->low];

		/* @to may lie beyond what is held, if it ends in a hole. */
		if (to != end || held.start > base || held.last < end)
			return;
		c->low++;
		entry_set(cursor_slot(pt, c), 0);
		entries_flush(pt, cursor_slot(pt, c), 1);
		pt_table_unlinked(table, gather);
		sluice_gather_add(gather, base, end, 64);
	}
}

/**
 * struct report - what is handed back
 * @extents: where
 * @next: the next to be filled
 * @end: behind the last one there is room for
 */
struct report {
	struct sluice_extent *extents;
	struct sluice_extent *next;
	struct sluice_extent *end;
};

/*
 * The extent that takes what is at @iova and @phys: the last one, if it continues
 * there, or a new one. Returns NULL if there is no room.
 */
static __always_inline struct sluice_extent *
report_extent(struct report *r, u64 iova, u64 phys, unsigned int prot)
{
	struct sluice_extent *e = r->next;

	if (e > r->extents && e[-1].iova + e[-1].len == iova &&
	    e[-1].phys + e[-1].len == phys && e[-1].prot == prot)
		return &e[-1];
	if (e == r->end)
		return NULL;
	e->iova = iova;
	e->phys = phys;
	e->len = 0;
	e->prot = prot;
	r->next = e + 1;
	return e;
}

/*
 * Deals with the page of 2^@lg2 bytes at @slot, and more that continue it.
 * Sets *@to to the last IOVA dealt with; returns false if there was no room to
 * report it.
 */
static __always_inline bool
sweep_leaf(struct pt *pt, struct report *r, u64 iova, u64 last, __le64 *slot,
	   u64 leaf, unsigned int level, unsigned int lg2, bool clear, u64 *to)
{
	u64 mask = mask_lg2(lg2), offset = iova & mask, rest = last - iova;
	unsigned int each = entry_lg2(pt, level), n;
	struct sluice_extent *e;
	u64 pages;

	if (clear && unlikely(offset || rest < mask)) {
		/* Nobody called cut. Better mapped than freed under DMA. */
		WARN_ON_ONCE(1);
		*to = iova | mask;
		return true;
	}
	e = report_extent(r, iova, fmt_leaf_phys(leaf, mask) + offset,
			  fmt_prot(leaf));
	if (!e)
		return false;
	if (clear) {
		/* Whole pages; one that the range ends in is for the next look. */
		pages = ((rest - mask) >> lg2) + 1;
		n = min_t(u64, pages << (lg2 - each),
			  TABLE_ENTRIES - entry_index(pt, iova, level));
		n = clear_leaves(slot, leaf, lg2, 1U << (lg2 - each), n);
		entries_flush(pt, slot, n);
		mask = ((u64)n << each) - 1;
	}
	rest = min(mask - offset, rest);
	e->len += rest + 1;
	*to = iova + rest;
	return true;
}

/*
 * Consumes @range as far as it gets. Returns the log2 of the smallest page that
 * it met, or 64.
 */
static __always_inline unsigned int
sweep_range(struct pt *pt, u64 held, struct sluice_range *range,
	    struct report *r, bool clear, struct sluice_gather *gather)
{
	unsigned int steps = SWEEP_STEPS, smallest = 64, level, each, lg2;
	u64 iova = range->start, last, table_last, leaf, to;
	struct cursor c __uninitialized;
	__le64 *slot;

	cursor_init(pt, &c, iova);
	/* Beyond the root's reach there is nothing. */
	last = min(range->last, cursor_limit(pt, &c));
	if (iova > last)
		goto done;
	for (;;) {
		leaf = cursor_descend(pt, &c, 0, &slot);
		level = c.low;

		/* This table, up to an entry that points to another one. */
		each = entry_lg2(pt, level);
		table_last = min(last, iova | mask_lg2(table_lg2(pt, level)));
		for (;;) {
			to = iova | mask_lg2(each);
			if (leaf) {
				lg2 = fmt_leaf_lg2(leaf, each);
				smallest = min(smallest, lg2);
				if (!sweep_leaf(pt, r, iova, last, slot, leaf,
						level, lg2, clear, &to))
					goto stop;
			}
			if (to >= table_last)
				break;
			slot += ((to + 1) >> each) - (iova >> each);
			iova = to + 1;
			leaf = entry_get(slot);
			if (level && fmt_is_table(leaf, level))
				break;
			if (unlikely(!--steps))
				goto stop;
		}
		if (to < table_last) {
			c.iova = iova;
			continue;
		}

		/* A whole table at a time: a run may be all that's in it. */
		steps -= min(steps, SWEEP_TABLE);
		if (clear && !((to + 1) & mask_lg2(table_lg2(pt, level))))
			unlink_spanned(pt, &c,
				       (struct sluice_range){ held, last }, to,
				       gather);
		if (to >= last)
			goto done;
		iova = to + 1;
		if (unlikely(!steps))
			goto stop;
		cursor_move(pt, &c, iova);
	}

done:
	range->start = 1;
	range->last = 0;
	return smallest;

stop:
	range->start = iova;
	return smallest;
}

static noinline size_t unmap_all(struct pt *pt, u64 held,
				 struct sluice_range *range,
				 struct sluice_extent *extents, size_t max,
				 struct sluice_gather *gather)
{
	struct report r = { extents, extents, extents + max };
	unsigned int leaf_lg2;

	if (sluice_range_empty(range) || !max)
		return 0;
	leaf_lg2 = sweep_range(pt, held, range, &r, true, gather);
	if (r.next == extents)
		return 0;
	sluice_gather_add(gather, extents[0].iova,
			  r.next[-1].iova + (r.next[-1].len - 1), leaf_lg2);
	mark_stale(pt);
	return r.next - extents;
}

/* Clears one page at @slot, of 2^@lg2 or @mask + 1 bytes, and reports it. */
static __always_inline void unmap_one_page(struct pt *pt, u64 start, u64 mask,
					   __le64 *slot, u64 leaf,
					   unsigned int lg2, unsigned int n,
					   struct sluice_extent *e,
					   struct sluice_gather *gather)
{
	clear_leaves(slot, leaf, lg2, n, n);
	entries_flush(pt, slot, n);
	e->iova = start;
	e->phys = fmt_leaf_phys(leaf, mask);
	e->len = mask + 1;
	e->prot = fmt_prot(leaf);
	sluice_gather_add(gather, start, start + mask, lg2);
	mark_stale(pt);
}

/*
 * The shortest way for a range that is one page, and that for the smallest one
 * again. False if it isn't that simple.
 */
static __always_inline bool unmap_one(struct pt *pt, u64 start, u64 mask,
				      struct sluice_extent *e,
				      struct sluice_gather *gather)
{
	unsigned int level, each, lg2, granule_lg2 = fmt_granule_lg2(pt);
	__le64 *slot;
	u64 leaf;

	if (!walk_to_leaf(pt, start, &slot, &leaf, &level) || start & mask)
		return false;
	if (mask == mask_lg2(granule_lg2)) {
		if (level || fmt_leaf_lg2(leaf, granule_lg2) != granule_lg2)
			return false;
		unmap_one_page(pt, start, mask, slot, leaf, granule_lg2, 1, e,
			       gather);
		return true;
	}
	each = entry_lg2(pt, level);
	lg2 = fmt_leaf_lg2(leaf, each);
	if (mask != mask_lg2(lg2))
		return false;
	unmap_one_page(pt, start, mask, slot, leaf, lg2, 1U << (lg2 - each), e,
		       gather);
	return true;
}

static size_t engine_unmap(struct pt *pt, u64 held, struct sluice_range *range,
			   struct sluice_extent *extents, size_t max,
			   struct sluice_gather *gather)
{
	u64 start = range->start;

	if (held == start && max &&
	    unmap_one(pt, start, range->last - start, extents, gather)) {
		range->start = 1;
		range->last = 0;
		return 1;
	}
	return unmap_all(pt, held, range, extents, max, gather);
}

static size_t engine_read(struct pt *pt, struct sluice_range *range,
			  struct sluice_extent *extents, size_t max)
{
	struct report r = { extents, extents, extents + max };

	if (sluice_range_empty(range) || !max)
		return 0;
	sweep_range(pt, range->start, range, &r, false, NULL);
	return r.next - extents;
}
