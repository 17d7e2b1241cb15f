/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page-table engine: mapping.
 *
 * Owns: the choice of page sizes, and the writing of leaf entries. A part of
 * engine.h.
 */

/* Is it aligned, not empty, and within what can be addressed? */
static __always_inline bool extent_valid(const struct pt *pt,
					 const struct sluice_extent *e)
{
	u64 rest = e->len - 1, iova_last = e->iova + rest;
	u64 phys = e->phys | (e->phys + rest);

	if (unlikely((e->iova | e->phys | e->len) &
		     mask_lg2(fmt_granule_lg2(pt))))
		return false;
	/*
	 * A sum that is smaller than what was added has wrapped around. An empty
	 * extent's are what no physical address can be.
	 */
	if (unlikely(iova_last < rest || iova_last > pt->last ||
		     e->phys + rest < rest))
		return false;
	return likely(!(phys & ~(FMT_ADDR | (FMT_ADDR - 1))));
}

/* Bits of the sizes up to the largest that @x is a multiple of. */
static inline u64 sizes_aligned(u64 x)
{
	return x ^ (x - 1);
}

/*
 * Chooses the largest page that fits at @iova. Sets *@run to how many bytes from
 * there on can be mapped with pages of that size before a larger one may fit.
 */
static inline unsigned int choose_page(u64 all_sizes, u64 iova, u64 phys,
				       u64 len, u64 *run)
{
	u64 sizes = all_sizes & sizes_aligned(iova | phys) &
		    mask_lg2(fls64(len));
	unsigned int lg2 = __fls(sizes);
	u64 larger = all_sizes & ~mask_lg2(lg2 + 1);
	u64 next = larger & -larger;

	/* No larger page will do if the two differ in their offset into it. */
	if (!next || (iova ^ phys) & (next - 1))
		*run = len;
	else
		*run = min(len, next - (iova & (next - 1)));
	return lg2;
}

static inline bool entries_clear(const __le64 *slot, unsigned int n)
{
	__le64 any = READ_ONCE(slot[0]);
	unsigned int i;

	for (i = 1; i < n; i++)
		any |= READ_ONCE(slot[i]);
	return !any;
}

/*
 * Something is in the way of @n entries for pages at the cursor. Where it is
 * tables that have become empty, they give way: the caller holds all that they
 * span. Only looks if @gather is NULL.
 */
static noinline int make_way(struct pt *pt, const struct cursor *c,
			     unsigned int n, struct sluice_gather *gather)
{
	unsigned int level = c->low, lg2 = entry_lg2(pt, level), i;
	__le64 *slot = cursor_slot(pt, c);

	for (i = 0; i < n; i++) {
		u64 entry = entry_get(&slot[i]);

		if (entry && (!level || !fmt_is_table(entry, level) ||
			      !table_empty(table_at(entry), level - 1)))
			return -EEXIST;
	}
	for (i = 0; gather && i < n; i++) {
		u64 entry = entry_get(&slot[i]);
		u64 iova = c->iova + ((u64)i << lg2);

		if (!entry)
			continue;
		entry_set(&slot[i], 0);
		entries_flush(pt, &slot[i], 1);
		gather_tables(table_at(entry), level - 1, gather);
		sluice_gather_add(gather, iova, iova + mask_lg2(lg2), 64);
	}
	return 0;
}

/*
 * Something is in the way of @n entries for pages of @per_page entries each, where
 * tables have to stay. Returns how many entries from the first on can be written,
 * whole pages: 0 if a table is in the way of the first one.
 */
static noinline int count_free(const __le64 *slot, unsigned int n,
			       unsigned int per_page, unsigned int level)
{
	u64 entry = 0;
	unsigned int i;

	for (i = 0; i < n; i++) {
		entry = entry_get(&slot[i]);
		if (entry)
			break;
	}
	i = round_down(i, per_page);
	if (!i && entry && !(level && fmt_is_table(entry, level)))
		return -EEXIST;
	return i;
}

/* Writes @n entries for pages of 2^@lg2 bytes from @phys on. */
static __always_inline void write_leaves(struct pt *pt, __le64 *slot,
					 unsigned int n, u64 bits, u64 phys,
					 unsigned int lg2, unsigned int level)
{
	unsigned int per_page = 1U << (lg2 - entry_lg2(pt, level)), i;
	u64 leaf = fmt_make_leaf(bits, phys, lg2, level);

	if (!FMT_GROUPS || per_page == 1) {
		for (i = 0; i < n; i++, leaf += BIT_ULL(lg2))
			entry_set(&slot[i], leaf);
	} else {
		for (i = 0; i < n; i += per_page, leaf += BIT_ULL(lg2))
			entries_set(&slot[i], leaf, per_page);
	}
}

/**
 * struct mapping - what does not change during a map
 * @pt: the tree
 * @bits: of all leaf entries; 0: this is only a prepare
 * @gfp: how to allocate tables; 0: not at all
 * @gather: the caller's
 */
struct mapping {
	struct pt *pt;
	u64 bits;
	gfp_t gfp;
	struct sluice_gather *gather;
};

/* Down to @level; what is missing there is installed. */
static __always_inline int cursor_reach(struct mapping m, struct cursor *c,
					unsigned int level)
{
	__le64 *slot;

	if (!m.bits && m.gather->keep_tables)
		return cursor_cut(m.pt, c, level, m.gfp, m.gather);
	/* Entries that may have to be flushed are looked at one by one. */
	if (likely(!m.pt->flush))
		cursor_descend(m.pt, c, level, &slot);
	if (likely(c->low == level))
		return 0;
	return cursor_install(m.pt, c, level, m.gfp);
}

/*
 * Maps pages of 2^@lg2 bytes, at @level: as many of @run bytes as the table has
 * room for. Returns the number of bytes; 0 if a table that has to stay is in the way;
 * or an errno.
 */
static __always_inline s64 map_pages(struct mapping m, struct cursor *c,
				     u64 iova, u64 phys, unsigned int lg2,
				     unsigned int level, u64 run)
{
	unsigned int each = entry_lg2(m.pt, level), index, n;
	__le64 *slot;
	int ret;

	if (!cursor_at(m.pt, c, iova, level)) {
		cursor_move(m.pt, c, iova);
		cursor_rise(c, level);
		ret = cursor_reach(m, c, level);
		if (ret)
			return ret;
	}
	index = entry_index(m.pt, iova, level);
	slot = &c->tables[level][index];
	n = min_t(u64, run >> lg2 << (lg2 - each), TABLE_ENTRIES - index);
	if (unlikely(!entries_clear(slot, n)) &&
	    (m.bits || !m.gather->keep_tables)) {
		if (m.bits && m.gather->in_place) {
			ret = count_free(slot, n, 1U << (lg2 - each), level);
			if (ret <= 0)
				return ret;
			n = ret;
		} else {
			c->iova = iova;
			ret = make_way(m.pt, c, n, m.bits ? m.gather : NULL);
			if (ret)
				return ret;
		}
	}
	if (m.bits) {
		write_leaves(m.pt, slot, n, m.bits, phys, lg2, level);
		entries_flush(m.pt, slot, n);
	}
	return (u64)n << each;
}

static __always_inline int map_extent(struct mapping m, struct cursor *c,
				      const struct sluice_extent *e, u64 *done)
{
	unsigned int granule_lg2 = fmt_granule_lg2(m.pt);
	u64 iova = e->iova, phys = e->phys, len = e->len, run;
	s64 n;

	/* Worth a way of its own: most of what follows is constant then. */
	if (len >> granule_lg2 == 1) {
		n = map_pages(m, c, iova, phys, granule_lg2, 0, len);
		if (unlikely(n < 0))
			return n;
		*done += n;
		return 0;
	}
	while (len) {
		u64 sizes = m.pt->pgsizes;

		do {
			unsigned int lg2 = choose_page(sizes, iova, phys, len,
						       &run);

			n = map_pages(m, c, iova, phys, lg2,
				      (lg2 - granule_lg2) / FMT_INDEX_LG2, run);
			sizes &= mask_lg2(lg2);
		} while (unlikely(!n));
		if (unlikely(n < 0))
			return n;
		iova += n;
		phys += n;
		len -= n;
		*done += n;
	}
	return 0;
}

static __always_inline int map_extents(struct mapping m,
				       const struct sluice_extent *extents,
				       size_t nr, u64 *done)
{
	const struct sluice_extent *e, *end = extents + nr;
	struct cursor c __uninitialized;
	int ret;

	*done = 0;
	if (!nr)
		return 0;
	cursor_init(m.pt, &c, extents[0].iova);
	for (e = extents; e < end; e++) {
		if (!extent_valid(m.pt, e))
			return -EINVAL;
		if (FMT_GROWS && unlikely(e->iova + (e->len - 1) >
					  cursor_limit(m.pt, &c))) {
			ret = grow_root(m.pt, e->iova + (e->len - 1), m.gfp);
			if (ret)
				return ret;
			cursor_init(m.pt, &c, e->iova);
		}
		ret = map_extent(m, &c, e, done);
		if (unlikely(ret))
			return ret;
	}
	return 0;
}

/*
 * An extent that is one page of 2^@lg2 bytes, with all tables there and nothing in
 * the way. False if it isn't that simple.
 */
static __always_inline bool map_one_page(struct pt *pt,
					 const struct sluice_extent *e,
					 unsigned int prot, unsigned int lg2,
					 unsigned int level)
{
	u64 iova = e->iova, phys = e->phys;
	unsigned int n = 1;
	__le64 *slot;

	/* What is aligned to its size can't wrap around. */
	if ((iova | phys) & mask_lg2(lg2) || iova > pt->last ||
	    phys & ~(FMT_ADDR | (FMT_ADDR - 1)))
		return false;
	if (!walk_to(pt, iova, level, &slot))
		return false;
	if (FMT_GROUPS)
		n = 1U << (lg2 - entry_lg2(pt, level));
	if (unlikely(!entries_clear(slot, n)))
		return false;
	write_leaves(pt, slot, n, fmt_prot_bits(prot) | pt->leaf_bits, phys,
		     lg2, level);
	entries_flush(pt, slot, n);
	return true;
}

/* The shortest way for a single page, and that for the smallest one again. */
static __always_inline bool map_one(struct pt *pt,
				    const struct sluice_extent *e,
				    unsigned int prot)
{
	unsigned int granule_lg2 = fmt_granule_lg2(pt), lg2;
	u64 len = e->len;

	if (len == BIT_ULL(granule_lg2))
		return map_one_page(pt, e, prot, granule_lg2, 0);
	if (!(pt->pgsizes & len) || len & (len - 1))
		return false;
	lg2 = __ffs(len);
	return map_one_page(pt, e, prot, lg2,
			    (lg2 - granule_lg2) / FMT_INDEX_LG2);
}

static int engine_prepare(struct pt *pt, const struct sluice_extent *extents,
			  size_t nr, gfp_t gfp, struct sluice_gather *gather)
{
	struct mapping m = {
		.pt = pt,
		.gfp = gather->no_tables ? 0 : gfp,
		.gather = gather,
	};
	u64 done;

	/* Nobody says that the map will come. */
	mark_stale(pt);
	return map_extents(m, extents, nr, &done);
}

static noinline int map_all(struct pt *pt, const struct sluice_extent *extents,
			    size_t nr, unsigned int prot, gfp_t gfp, u64 *done,
			    struct sluice_gather *gather)
{
	struct mapping m = {
		.pt = pt, .bits = fmt_prot_bits(prot) | pt->leaf_bits,
		.gfp = gather->no_tables ? 0 : gfp, .gather = gather,
	};
	int ret;

	*done = 0;
	if (!(prot & (SLUICE_PROT_READ | SLUICE_PROT_WRITE)))
		return -EINVAL;
	ret = map_extents(m, extents, nr, done);
	if (unlikely(ret))
		mark_stale(pt);
	return ret;
}

static int engine_map(struct pt *pt, const struct sluice_extent *extents,
		      size_t nr, unsigned int prot, gfp_t gfp, u64 *done,
		      struct sluice_gather *gather)
{
	if (nr == 1 && prot & (SLUICE_PROT_READ | SLUICE_PROT_WRITE) &&
	    map_one(pt, extents, prot)) {
		*done = extents[0].len;
		return 0;
	}
	return map_all(pt, extents, nr, prot, gfp, done, gather);
}
