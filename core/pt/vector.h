/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page-table engine: vectors of single pages.
 *
 * Owns: the short way for extents that are each a page of the smallest size, with
 * gaps between: once the leaf table is known, there is one look and one store per
 * page, and one write-back per cache line. A part of engine.h.
 */

/* What is written back at once; no CPU has smaller lines. */
#define VECTOR_LINE 64

/**
 * struct leaves - the leaf table that the pages of a vector are in
 * @base: first IOVA of the table; no table's if there is none
 * @table: the table
 * @line: entries that were written, and not written back; NULL if there are none
 */
struct leaves {
	u64 base;
	__le64 *table;
	__le64 *line;
};

static inline void leaves_init(struct leaves *leaves)
{
	leaves->base = 1;
	leaves->line = NULL;
}

static inline void leaves_write_back(struct pt *pt, struct leaves *leaves)
{
	if (leaves->line)
		pt->flush(leaves->line, VECTOR_LINE);
	leaves->line = NULL;
}

/* The entry at @slot was written; the hardware sees that only if it is written back. */
static inline void leaves_written(struct pt *pt, struct leaves *leaves,
				  __le64 *slot)
{
	__le64 *line = PTR_ALIGN_DOWN(slot, VECTOR_LINE);

	if (line == leaves->line)
		return;
	leaves_write_back(pt, leaves);
	leaves->line = line;
}

/*
 * Finds the leaf table for @iova. False if there is none, or if a page was cut on
 * the way there: then it must be looked at more closely.
 */
static bool leaves_find(const struct pt *pt, struct leaves *leaves, u64 iova)
{
	unsigned long top = READ_ONCE(pt->top);
	unsigned int root = pt_top_level(top), level;
	__le64 *table = pt_top_table(top);
	u64 entry, all = FMT_SW_FLUSHED, any = 0;

	if (!root_spans(pt, iova, root))
		return false;
	for (level = root; level > 0; level--) {
		entry = entry_get(&table[entry_index(pt, iova, level)]);
		if (!fmt_is_table(entry, level))
			return false;
		all &= entry;
		any |= entry;
		table = table_at(entry);
	}
	if ((pt->flush && !all) || any & FMT_SW_CUT)
		return false;
	leaves->base = iova & ~mask_lg2(table_lg2(pt, 0));
	leaves->table = table;
	return true;
}

/* Maps as many extents as are single pages whose table is there, and free. */
static size_t map_pages_of(struct pt *pt, const struct sluice_extent *extents,
			   size_t nr, u64 bits)
{
	/* Read once: for the compiler, stores to entries might change @pt. */
	unsigned int granule_lg2 = fmt_granule_lg2(pt);
	u64 mask = mask_lg2(granule_lg2), table = mask_lg2(table_lg2(pt, 0));
	u64 no_phys = ~(FMT_ADDR | (FMT_ADDR - 1)) | mask;
	const bool flush = pt->flush;
	struct leaves leaves;
	__le64 *slot;
	size_t i;

	leaves_init(&leaves);
	for (i = 0; i < nr; i++) {
		u64 iova = extents[i].iova, phys = extents[i].phys;

		/* What is aligned to its size can't wrap around. */
		if (extents[i].len != mask + 1 || iova & mask || phys & no_phys)
			break;
		if (unlikely((iova & ~table) != leaves.base) &&
		    (iova > pt->last || !leaves_find(pt, &leaves, iova)))
			break;
		slot = &leaves.table[iova >> granule_lg2 & (TABLE_ENTRIES - 1)];
		if (entry_get(slot))
			break;
		entry_set(slot, fmt_make_leaf(bits, phys, granule_lg2, 0));
		if (flush)
			leaves_written(pt, &leaves, slot);
	}
	leaves_write_back(pt, &leaves);
	return i;
}

/* What isn't that simple takes the long way, one extent at a time. */
static noinline int map_vector(struct pt *pt,
			       const struct sluice_extent *extents, size_t nr,
			       unsigned int prot, gfp_t gfp, u64 *done,
			       struct sluice_gather *gather)
{
	u64 bits = fmt_prot_bits(prot) | pt->leaf_bits, bytes = 0;
	size_t i = 0, n;
	int ret = 0;

	while (i < nr) {
		n = map_pages_of(pt, extents + i, nr - i, bits);
		bytes += (u64)n << fmt_granule_lg2(pt);
		i += n;
		if (i == nr)
			break;
		ret = map_all(pt, &extents[i], 1, prot, gfp, done, gather);
		if (ret) {
			*done += bytes;
			return ret;
		}
		bytes += extents[i++].len;
	}
	*done = bytes;
	return 0;
}

static int engine_map_vector(struct pt *pt, const struct sluice_extent *extents,
			     size_t nr, unsigned int prot, gfp_t gfp, u64 *done,
			     struct sluice_gather *gather)
{
	/* Long extents are better off with a cursor that stays. */
	if (nr > 1 && prot & (SLUICE_PROT_READ | SLUICE_PROT_WRITE) &&
	    extents[0].len == mask_lg2(fmt_granule_lg2(pt)) + 1)
		return map_vector(pt, extents, nr, prot, gfp, done, gather);
	return engine_map(pt, extents, nr, prot, gfp, done, gather);
}

/**
 * struct cleared - neighbours that were cleared, to be gathered as one range
 * @start: first IOVA; above @last if there is none
 * @last: last IOVA
 */
struct cleared {
	u64 start;
	u64 last;
};

static void gather_cleared(struct pt *pt, struct cleared *cleared,
			   struct sluice_gather *gather)
{
	if (cleared->start > cleared->last)
		return;
	sluice_gather_add(gather, cleared->start, cleared->last,
			  fmt_granule_lg2(pt));
	cleared->start = U64_MAX;
	cleared->last = 0;
}

/* Is the entry a page of the smallest size, or none? */
static inline bool is_small(const struct pt *pt, u64 leaf)
{
	unsigned int granule_lg2 = fmt_granule_lg2(pt);

	return !FMT_GROUPS || !leaf ||
	       (!(leaf & FMT_SW_PART) &&
		fmt_leaf_lg2(leaf, granule_lg2) == granule_lg2);
}

/* Nothing but leaves of the smallest size that were never part of larger ones. */
static size_t engine_unmap_each(struct pt *pt, struct sluice_extent *pages,
				size_t nr, struct sluice_gather *gather)
{
	unsigned int granule_lg2 = fmt_granule_lg2(pt);
	struct cleared cleared = { .start = U64_MAX, .last = 0 };
	u64 mask = mask_lg2(granule_lg2), table = mask_lg2(table_lg2(pt, 0));
	const bool flush = pt->flush;
	struct leaves leaves;
	__le64 *slot;
	u64 leaf;
	size_t i;

	leaves_init(&leaves);
	for (i = 0; i < nr; i++) {
		struct sluice_extent *e = &pages[i];
		u64 iova = e->iova;

		if (unlikely((iova & ~table) != leaves.base)) {
			gather_cleared(pt, &cleared, gather);
			if (iova & mask || iova > pt->last ||
			    !leaves_find(pt, &leaves, iova))
				break;
		}
		slot = &leaves.table[iova >> granule_lg2 & (TABLE_ENTRIES - 1)];
		leaf = entry_get(slot);
		if (unlikely(!leaf)) {
			e->len = 0;
			e->prot = 0;
			continue;
		}
		if (!is_small(pt, leaf))
			break;
		entry_set(slot, 0);
		if (flush)
			leaves_written(pt, &leaves, slot);
		e->phys = fmt_leaf_phys(leaf, mask);
		e->len = mask + 1;
		e->prot = fmt_prot(leaf);
		cleared.start = min(cleared.start, iova);
		cleared.last = max(cleared.last, iova | mask);
	}
	leaves_write_back(pt, &leaves);
	gather_cleared(pt, &cleared, gather);
	mark_stale(pt);
	return i;
}

static bool engine_read_each(const struct pt *pt, u64 iova, size_t nr,
			     u64 *pages)
{
	u64 mask = mask_lg2(fmt_granule_lg2(pt));
	unsigned int first = entry_index(pt, iova, 0);
	struct leaves leaves;
	const __le64 *slot;
	size_t i;

	if (nr > TABLE_ENTRIES - first || iova & mask || iova > pt->last ||
	    !leaves_find(pt, &leaves, iova))
		return false;
	slot = &leaves.table[first];
	for (i = 0; i < nr; i++) {
		u64 leaf = entry_get(&slot[i]);

		if (!is_small(pt, leaf))
			return false;
		pages[i] = leaf ? fmt_leaf_phys(leaf, mask) | fmt_prot(leaf) :
				  0;
	}
	return true;
}
