/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page-table engine: entries, and the way down to them.
 *
 * Owns: access to entries in memory, the geometry of levels, and the cursor. A
 * part of engine.h, compiled once per format.
 */
#define TABLE_ENTRIES	BIT(FMT_INDEX_LG2)
#define TABLE_BYTES	(TABLE_ENTRIES * sizeof(__le64))

/* ---- Entries ---- */

static inline u64 entry_get(const __le64 *slot)
{
	return le64_to_cpu(READ_ONCE(*slot));
}

/* One store: hardware sees the old entry or the new one. */
static inline void entry_set(__le64 *slot, u64 entry)
{
	WRITE_ONCE(*slot, cpu_to_le64(entry));
}

/*
 * The same for @n entries. memset64() stores them one by one, on x86 by an
 * instruction that may store several at once, but never less than one.
 */
static inline void entries_set(__le64 *slot, u64 entry, unsigned int n)
{
	memset64((__force u64 *)slot, (__force u64)cpu_to_le64(entry), n);
}

/* Orders all earlier stores, to a new table for example, before the entry. */
static inline bool entry_swap(__le64 *slot, u64 old, u64 new)
{
	u64 was = (__force u64)cpu_to_le64(old);

	return cmpxchg64((__force u64 *)slot, was,
			 (__force u64)cpu_to_le64(new)) == was;
}

static inline __le64 *table_at(u64 entry)
{
	return phys_to_virt(fmt_table_phys(entry));
}

/* Hardware that doesn't snoop sees stores only after this. */
static inline void entries_flush(struct pt *pt, __le64 *slot, unsigned int n)
{
	if (unlikely(pt->flush))
		pt->flush(slot, n * sizeof(*slot));
}

static noinline void entry_flush_once(struct pt *pt, __le64 *slot, u64 entry)
{
	pt->flush(slot, sizeof(*slot));
	/* If somebody else has changed it, that one flushes. */
	entry_swap(slot, entry, entry | FMT_SW_FLUSHED);
}

/*
 * Whoever goes through a table entry must know that hardware can, too: another
 * thread may have installed it, and not yet have flushed it.
 */
static inline void entry_sync(struct pt *pt, __le64 *slot, u64 entry)
{
	if (unlikely(pt->flush) && !(entry & FMT_SW_FLUSHED))
		entry_flush_once(pt, slot, entry);
}

/* ---- Geometry ---- */

/* log2 of the bytes that one entry spans in a table at @level. */
static inline unsigned int entry_lg2(const struct pt *pt, unsigned int level)
{
	return fmt_granule_lg2(pt) + FMT_INDEX_LG2 * level;
}

/* log2 of the bytes that a table spans; 64 and more for some roots. */
static inline unsigned int table_lg2(const struct pt *pt, unsigned int level)
{
	return entry_lg2(pt, level + 1);
}

/* 2^@lg2 - 1 */
static inline u64 mask_lg2(unsigned int lg2)
{
	return lg2 < 64 ? BIT_ULL(lg2) - 1 : U64_MAX;
}

static inline unsigned int entry_index(const struct pt *pt, u64 iova,
				       unsigned int level)
{
	/* The smallest page's number first: it is the same for all levels. */
	return iova >> fmt_granule_lg2(pt) >> (FMT_INDEX_LG2 * level) &
	       (TABLE_ENTRIES - 1);
}

/* ---- The cursor ---- */

/**
 * struct cursor - a place in a tree
 * @iova: the place
 * @low: the lowest level whose table on the way to @iova is known
 * @top: the root's level
 * @tables: by level, from @low up: the tables on the way to @iova
 */
struct cursor {
	u64 iova;
	unsigned int low;
	unsigned int top;
	__le64 *tables[FMT_MAX_LEVELS];
};

static inline void cursor_init(struct pt *pt, struct cursor *c, u64 iova)
{
	unsigned long top = READ_ONCE(pt->top);
	unsigned int level = pt_top_level(top);

	c->iova = iova;
	c->top = level;
	c->low = level;
	c->tables[level] = pt_top_table(top);
}

/*
 * The highest IOVA in reach. The root may grow meanwhile, but then for somebody
 * else's map: what this caller holds beyond the limit stays empty.
 */
static inline u64 cursor_limit(const struct pt *pt, const struct cursor *c)
{
	return FMT_GROWS ? mask_lg2(table_lg2(pt, c->top)) : pt->last;
}

/* Up to @level at least. */
static inline void cursor_rise(struct cursor *c, unsigned int level)
{
	c->low = max(c->low, level);
}

/* Moves to @iova: up, as far as tables on the way there differ. */
static inline void cursor_move(const struct pt *pt, struct cursor *c, u64 iova)
{
	u64 differ = c->iova ^ iova;

	c->iova = iova;
	while (c->low < c->top && differ >> table_lg2(pt, c->low))
		c->low++;
}

/* Is the cursor in the very table at @level that is on the way to @iova? */
static inline bool cursor_at(const struct pt *pt, const struct cursor *c,
			     u64 iova, unsigned int level)
{
	/* A shift by what a table spans may be too far for some roots. */
	return c->low == level &&
	       !((c->iova ^ iova) >> entry_lg2(pt, level) >> FMT_INDEX_LG2);
}

/* Down to the table that @entry, at the cursor, points to. */
static inline void cursor_down(struct cursor *c, u64 entry)
{
	c->low--;
	c->tables[c->low] = table_at(entry);
}

static inline __le64 *cursor_slot(const struct pt *pt, const struct cursor *c)
{
	return &c->tables[c->low][entry_index(pt, c->iova, c->low)];
}

/* First IOVA of the table where the cursor is. */
static inline u64 cursor_base(const struct pt *pt, const struct cursor *c)
{
	return c->iova & ~mask_lg2(table_lg2(pt, c->low));
}

/*
 * Goes down, but not below @target, as long as entries point to tables. Sets
 * *@slot to where it ended, and returns the entry there, as it was read once: 0, a
 * leaf, or at @target anything. In each round of the loop the level is a constant.
 */
static __always_inline u64 cursor_descend(const struct pt *pt,
					  struct cursor *c, unsigned int target,
					  __le64 **slot)
{
	unsigned int low = c->low, level;
	__le64 *table = c->tables[low];
	u64 iova = c->iova, entry;

#pragma GCC unroll 8
	for (level = FMT_MAX_LEVELS - 1; level > 0; level--) {
		if (level > low)
			continue;
		*slot = &table[entry_index(pt, iova, level)];
		entry = entry_get(*slot);
		if (level <= target || !fmt_is_table(entry, level)) {
			c->low = level;
			return entry;
		}
		table = table_at(entry);
		c->tables[level - 1] = table;
	}
	c->low = 0;
	*slot = &table[entry_index(pt, iova, 0)];
	return entry_get(*slot);
}

/* ---- The way down, for a single page ---- */

/* Is @iova in the span of a root at @level? Its index would wrap around. */
static inline bool root_spans(const struct pt *pt, u64 iova, unsigned int level)
{
	if (!FMT_GROWS)
		return iova <= pt->last;
	return !(iova >> entry_lg2(pt, level) >> FMT_INDEX_LG2);
}

/*
 * Finds the slot for @iova in the table at @target, if the way there is what it
 * is most of the time: no table is missing, and none may have to be flushed.
 * False if not.
 */
static __always_inline bool walk_to(const struct pt *pt, u64 iova,
				    unsigned int target, __le64 **slot)
{
	unsigned long top = READ_ONCE(pt->top);
	unsigned int root = pt_top_level(top), level;
	__le64 *table = pt_top_table(top);
	u64 entry, all = FMT_SW_FLUSHED;

	if (unlikely(!root_spans(pt, iova, root) || root < target))
		return false;
#pragma GCC unroll 8
	for (level = FMT_MAX_LEVELS - 1; level > 0; level--) {
		if (level > root)
			continue;
		if (level == target)
			break;
		entry = entry_get(&table[entry_index(pt, iova, level)]);
		if (unlikely(!fmt_is_table(entry, level)))
			return false;
		all &= entry;
		table = table_at(entry);
	}
	if (pt->flush && unlikely(!all))
		return false;
	*slot = &table[entry_index(pt, iova, target)];
	return true;
}

/*
 * Finds the page that @iova is in: sets *@leaf to its entry, *@slot to where that
 * is, and *@at to its level. False if nothing is there.
 */
static __always_inline bool walk_to_leaf(const struct pt *pt, u64 iova,
					 __le64 **slot, u64 *leaf,
					 unsigned int *at)
{
	unsigned long top = READ_ONCE(pt->top);
	unsigned int root = pt_top_level(top), level;
	__le64 *table = pt_top_table(top);

	if (unlikely(!root_spans(pt, iova, root)))
		return false;
#pragma GCC unroll 8
	for (level = FMT_MAX_LEVELS - 1; level > 0; level--) {
		if (level > root)
			continue;
		*slot = &table[entry_index(pt, iova, level)];
		*leaf = entry_get(*slot);
		if (!fmt_is_table(*leaf, level))
			break;
		table = table_at(*leaf);
	}
	if (!level) {
		*slot = &table[entry_index(pt, iova, 0)];
		*leaf = entry_get(*slot);
	}
	*at = level;
	return *leaf;
}
