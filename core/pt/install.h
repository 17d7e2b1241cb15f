/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page-table engine: tables come into being.
 *
 * Owns: the installation of missing tables, without a lock, and growth of the
 * root. A part of engine.h.
 */

/* Something was unmapped, or a table installed in vain: it may be empty. */
static inline void mark_stale(struct pt *pt)
{
	if (!READ_ONCE(pt->stale))
		WRITE_ONCE(pt->stale, true);
}

/* A table is complete, and hardware can see it, before an entry points to it. */
static inline bool install_table(struct pt *pt, __le64 *slot, u64 old,
				 __le64 *table, unsigned int level,
				 u64 sw_bits)
{
	u64 entry = fmt_make_table(virt_to_phys(table), level) | sw_bits;

	if (pt->flush)
		pt->flush(table, TABLE_BYTES);
	if (!entry_swap(slot, old, entry)) {
		pt_table_free(pt, table);
		return false;
	}
	entry_sync(pt, slot, entry);
	return true;
}

/* Fills the hole at the cursor, unless somebody else is faster. */
static int install_missing(struct pt *pt, struct cursor *c, gfp_t gfp)
{
	__le64 *table = pt_table_alloc(pt, gfp);

	if (!table)
		return -ENOMEM;
	install_table(pt, cursor_slot(pt, c), 0, table, c->low - 1, 0);
	return 0;
}

/*
 * Goes down to @level, where an entry for a page shall be made, and installs
 * what is missing.
 */
static noinline int cursor_install(struct pt *pt, struct cursor *c,
				   unsigned int level, gfp_t gfp)
{
	while (c->low > level) {
		__le64 *slot = cursor_slot(pt, c);
		u64 entry = entry_get(slot);
		int ret = 0;

		if (!entry) {
			ret = install_missing(pt, c, gfp);
		} else if (!fmt_is_table(entry, c->low)) {
			ret = -EEXIST;
		} else {
			entry_sync(pt, slot, entry);
			cursor_down(c, entry);
		}
		if (ret)
			return ret;
	}
	return 0;
}

/* The root's level that it takes to reach @last. */
static unsigned int level_for(const struct pt *pt, u64 last)
{
	unsigned int level = 0;

	while (last & ~mask_lg2(table_lg2(pt, level)))
		level++;
	return level;
}

/* One level more. Hardware must know the new root before anybody maps there. */
static int grow_root_once(struct pt *pt, gfp_t gfp)
{
	__le64 *old = pt_top_table(pt->top);
	unsigned int level = pt_top_level(pt->top);
	__le64 *root = pt->spare_root ?: pt_table_alloc(pt, gfp);
	int ret = 0;

	lockdep_assert_held(&pt->grow_lock);
	if (!root)
		return -ENOMEM;
	/* If @grow fails, hardware may use it, for all we know. */
	pt->spare_root = root;
	entry_set(root, fmt_make_table(virt_to_phys(old), level) |
			FMT_SW_FLUSHED);
	if (pt->flush)
		pt->flush(root, TABLE_BYTES);
	if (pt->grow)
		ret = pt->grow(pt, virt_to_phys(root), level + 2);
	if (ret)
		return ret;
	pt->spare_root = NULL;
	/* Pairs with the address dependency of whoever reads it. */
	smp_store_release(&pt->top, (unsigned long)root | (level + 1));
	return 0;
}

/* Makes the root reach @last, which isn't above what may be mapped. */
static noinline int grow_root(struct pt *pt, u64 last, gfp_t gfp)
{
	unsigned int want = level_for(pt, last);
	int ret = 0;

	if (!gfpflags_allow_blocking(gfp))
		return -ENOMEM;
	mutex_lock(&pt->grow_lock);
	while (!ret && pt_top_level(pt->top) < want)
		ret = grow_root_once(pt, gfp);
	mutex_unlock(&pt->grow_lock);
	return ret;
}
