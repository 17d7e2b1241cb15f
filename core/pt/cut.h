/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page-table engine: cutting pages.
 *
 * Owns: replacing a page that crosses the end of a range by smaller ones. A
 * part of engine.h.
 *
 * Two threads may cut the same page, since each holds a part of it, and each
 * may then clear its own part. So an entry is replaced only as long as it is
 * the one that was read; and the entries of a group under a lock, so that who
 * finds one replaced can wait until all of them are.
 *
 * Until the first of them has flushed, hardware may remember the page as a whole.
 * FMT_SW_CUT and FMT_SW_PART tell the second one, which must flush as much for
 * its own unmap.
 */

/* A table that means the same as the @leaf at the cursor. */
static noinline int cut_to_table(struct pt *pt, struct cursor *c, u64 leaf,
				 gfp_t gfp)
{
	unsigned int lg2 = entry_lg2(pt, c->low - 1), i;
	u64 phys = fmt_leaf_phys(leaf, mask_lg2(entry_lg2(pt, c->low)));
	u64 bits = fmt_leaf_bits(leaf);
	__le64 *table = pt_table_alloc(pt, gfp);

	if (!table)
		return -ENOMEM;
	for (i = 0; i < TABLE_ENTRIES; i++, phys += BIT_ULL(lg2))
		entry_set(&table[i], fmt_make_leaf(bits, phys, lg2,
						   c->low - 1));
	install_table(pt, cursor_slot(pt, c), leaf, table, c->low - 1,
		      FMT_SW_CUT | (leaf & FMT_SW_PART));
	return 0;
}

/* A page of several entries becomes that many pages, in the same table. */
static noinline void cut_group(struct pt *pt, struct cursor *c, u64 leaf,
			       unsigned int lg2)
{
	unsigned int each = entry_lg2(pt, c->low), i;
	u64 start = c->iova & ~mask_lg2(lg2);
	u64 phys = fmt_leaf_phys(leaf, mask_lg2(lg2));
	u64 bits = fmt_leaf_bits(leaf) | FMT_SW_PART;
	__le64 *slot = &c->tables[c->low][entry_index(pt, start, c->low)];
	unsigned long flags;

	spin_lock_irqsave(&pt->cut_lock, flags);
	for (i = 0; i < 1U << (lg2 - each); i++, phys += BIT_ULL(each))
		entry_swap(&slot[i], leaf,
			   fmt_make_leaf(bits, phys, each, c->low));
	entries_flush(pt, slot, i);
	spin_unlock_irqrestore(&pt->cut_lock, flags);
}

/**
 * struct cutting - a cut under way
 * @pt: the tree
 * @c: just inside an end of @range
 * @range: what shall begin and end at pages
 * @cut: the page that was gathered last; empty if none was
 * @gfp: how to allocate tables
 * @gather: the caller's
 */
struct cutting {
	struct pt *pt;
	struct cursor c;
	const struct sluice_range *range;
	struct sluice_range cut;
	gfp_t gfp;
	struct sluice_gather *gather;
};

/* Is the page of 2^@lg2 bytes at the cursor only partly in the range? */
static inline bool cut_crosses(const struct cutting *cut, unsigned int lg2)
{
	u64 mask = mask_lg2(lg2);

	return (cut->c.iova & ~mask) < cut->range->start ||
	       (cut->c.iova | mask) > cut->range->last;
}

/* Gathers 2^@lg2 bytes, where pages of 2^@leaf_lg2 bytes or more have been. */
static void cut_gather(struct cutting *cut, unsigned int lg2,
		       unsigned int leaf_lg2)
{
	u64 mask = mask_lg2(lg2);

	cut->cut.start = cut->c.iova & ~mask;
	cut->cut.last = cut->c.iova | mask;
	sluice_gather_add(cut->gather, cut->cut.start, cut->cut.last, leaf_lg2);
}

/*
 * The entry at the cursor was cut out of a larger page of its table, and the
 * one who did it may not have flushed, or not even be done.
 */
static void cut_part(struct cutting *cut)
{
	/* A page of a group is half a table at most. */
	unsigned int lg2 = table_lg2(cut->pt, cut->c.low) - 1;
	unsigned long flags;

	/* If all of that is in the range, nobody else has cut it. */
	if (!cut_crosses(cut, lg2))
		return;
	/* Until all entries of that page have been replaced. */
	spin_lock_irqsave(&cut->pt->cut_lock, flags);
	spin_unlock_irqrestore(&cut->pt->cut_lock, flags);
	/* Unless it has been gathered, for the other end of the range maybe. */
	if (cut->cut.start > cut->c.iova || cut->cut.last < cut->c.iova)
		cut_gather(cut, lg2, entry_lg2(cut->pt, cut->c.low));
}

/* Cuts what is mapped at the cursor until nothing there crosses an end. */
static int cut_at_cursor(struct cutting *cut)
{
	struct cursor *c = &cut->c;
	struct pt *pt = cut->pt;

	for (;;) {
		unsigned int each = entry_lg2(pt, c->low), lg2;
		u64 entry = entry_get(cursor_slot(pt, c));
		int ret = 0;

		if (!entry)
			return 0;
		if (FMT_GROUPS && entry & FMT_SW_PART)
			cut_part(cut);
		if (c->low && fmt_is_table(entry, c->low)) {
			entry_sync(pt, cursor_slot(pt, c), entry);
			if (entry & FMT_SW_CUT && cut_crosses(cut, each))
				cut_gather(cut, each, each);
			cursor_down(c, entry);
			continue;
		}

		lg2 = fmt_leaf_lg2(entry, each);
		if (!cut_crosses(cut, lg2))
			return 0;
		if (FMT_GROUPS && lg2 != each)
			cut_group(pt, c, entry, lg2);
		else if (cut->gather->no_tables)
			ret = -ENOMEM;
		else
			ret = cut_to_table(pt, c, entry, cut->gfp);
		if (ret)
			return ret;
		/* Reclaim shall forget that it was cut. */
		mark_stale(pt);
		cut_gather(cut, lg2, lg2);
	}
}

/*
 * For a prepare: down to @level, where an entry shall be made once all that is
 * mapped there is unmapped. What is missing is installed; what is larger is cut.
 */
static noinline int cursor_cut(struct pt *pt, struct cursor *c,
			       unsigned int level, gfp_t gfp,
			       struct sluice_gather *gather)
{
	for (;;) {
		int ret = cursor_install(pt, c, level, gfp);
		unsigned int each, lg2;
		u64 entry;

		if (ret != -EEXIST)
			return ret;
		each = entry_lg2(pt, c->low);
		entry = entry_get(cursor_slot(pt, c));
		/* Somebody else may have cut it since. */
		if (!entry || fmt_is_table(entry, c->low))
			continue;
		lg2 = fmt_leaf_lg2(entry, each);
		if (FMT_GROUPS && lg2 != each)
			cut_group(pt, c, entry, lg2);
		else if (cut_to_table(pt, c, entry, gfp))
			return -ENOMEM;
		sluice_gather_add(gather, c->iova & ~mask_lg2(lg2),
				  c->iova | mask_lg2(lg2), lg2);
	}
}

static int engine_cut(struct pt *pt, const struct sluice_range *range,
		      gfp_t gfp, struct sluice_gather *gather)
{
	struct cutting cut __uninitialized;
	u64 limit;
	int ret;

	if (sluice_range_empty(range))
		return 0;
	if ((range->start | (range->last + 1)) & mask_lg2(fmt_granule_lg2(pt)))
		return -EINVAL;
	cursor_init(pt, &cut.c, range->start);
	limit = cursor_limit(pt, &cut.c);
	if (range->start > limit)
		return 0;
	cut.pt = pt;
	cut.range = range;
	cut.cut = (struct sluice_range){ .start = 1, .last = 0 };
	cut.gfp = gfp;
	cut.gather = gather;
	ret = cut_at_cursor(&cut);
	/* Nothing crosses the end of what the root reaches. */
	if (ret || range->last >= limit)
		return ret;
	cursor_move(pt, &cut.c, range->last);
	return cut_at_cursor(&cut);
}
