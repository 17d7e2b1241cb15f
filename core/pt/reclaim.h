/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page-table engine: tables go.
 *
 * Owns: finding tables without entries and unlinking them, and the end of a
 * tree. A part of engine.h. All of it needs the tables in question for itself.
 * The depth of recursion is bounded by FMT_MAX_LEVELS.
 */

static bool table_empty(__le64 *table, unsigned int level)
{
	unsigned int i;

	for (i = 0; i < TABLE_ENTRIES; i++) {
		u64 entry = entry_get(&table[i]);

		if (!entry)
			continue;
		if (!level || !fmt_is_table(entry, level) ||
		    !table_empty(table_at(entry), level - 1))
			return false;
	}
	return true;
}

/* Puts a table without leaves, and all below it, on the gather. */
static void gather_tables(__le64 *table, unsigned int level,
			  struct sluice_gather *gather)
{
	unsigned int i;

	for (i = 0; level && i < TABLE_ENTRIES; i++) {
		u64 entry = entry_get(&table[i]);

		if (entry)
			gather_tables(table_at(entry), level - 1, gather);
	}
	pt_table_unlinked(table, gather);
}

/*
 * Nobody is at a page that was cut here any more. The one who did it may have
 * failed, and not have flushed.
 */
static void forget_cut(struct pt *pt, __le64 *slot, u64 entry, u64 start,
		       unsigned int level, struct sluice_gather *gather)
{
	unsigned int each = entry_lg2(pt, level), lg2 = each;
	u64 mask;

	if (!(entry & (FMT_SW_CUT | FMT_SW_PART)))
		return;
	if (entry & FMT_SW_PART)
		lg2 = table_lg2(pt, level) - 1;
	mask = mask_lg2(lg2);
	sluice_gather_add(gather, start & ~mask, start | mask, each);
	entry_set(slot, entry & ~(FMT_SW_CUT | FMT_SW_PART));
}

/*
 * Unlinks what is empty below a table whose first IOVA is @base. Returns
 * whether nothing is left in it.
 */
static bool reclaim_below(struct pt *pt, __le64 *table, unsigned int level,
			  u64 base, struct sluice_reserved *reserved,
			  struct sluice_gather *gather)
{
	unsigned int lg2 = entry_lg2(pt, level), i;
	bool empty = true;

	for (i = 0; i < TABLE_ENTRIES; i++) {
		u64 entry = entry_get(&table[i]), start, last;
		__le64 *child;
		bool reserved_now;

		if (!entry)
			continue;
		if (!level || !fmt_is_table(entry, level)) {
			empty = false;
			continue;
		}
		start = base + ((u64)i << lg2);
		last = start + mask_lg2(lg2);
		child = table_at(entry);
		/* First: who is at work there may leave something, and be gone. */
		reserved_now = sluice_is_reserved(reserved, start, last);
		if (!reclaim_below(pt, child, level - 1, start, reserved,
				   gather)) {
			forget_cut(pt, &table[i], entry, start, level, gather);
			empty = false;
			continue;
		}
		if (reserved_now) {
			forget_cut(pt, &table[i], entry, start, level, gather);
			/* Nothing else will tell when it is so no more. */
			mark_stale(pt);
			empty = false;
			continue;
		}
		entry_set(&table[i], 0);
		entries_flush(pt, &table[i], 1);
		sluice_gather_add(gather, start, last, 64);
		pt_table_unlinked(child, gather);
	}
	cond_resched();
	return empty;
}

static void engine_reclaim(struct pt *pt, struct sluice_reserved *reserved,
			   struct sluice_gather *gather)
{
	/* A map of what is reserved may make the tree grow. */
	unsigned long top = READ_ONCE(pt->top);
	long nr = pt_nr_tables(pt);
	struct list_head *pos;

	might_sleep();
	if (!pt->stale)
		return;
	pt->stale = false;
	reclaim_below(pt, pt_top_table(top), pt_top_level(top), 0, reserved,
		      gather);
	list_for_each(pos, &gather->tables)
		nr--;
	pt->nr_kept = nr;
}

static void free_below(struct pt *pt, __le64 *table, unsigned int level)
{
	unsigned int i;

	for (i = 0; level && i < TABLE_ENTRIES; i++) {
		u64 entry = entry_get(&table[i]);

		if (fmt_is_table(entry, level))
			free_below(pt, table_at(entry), level - 1);
	}
	pt_table_free(pt, table);
	cond_resched();
}

static void engine_destroy(struct pt *pt)
{
	free_below(pt, pt_top_table(pt->top), pt_top_level(pt->top));
	pt->top = 0;
}
