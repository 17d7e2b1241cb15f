// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arithmetic on sets of IOVAs, kept as sorted arrays of ranges.
 *
 * Owns: what a space can translate, computed from apertures and reserved
 * regions. Sets are small (a handful of ranges) and change only when groups
 * come and go.
 */
#include <linux/align.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "private.h"

/**
 * sluice_ranges_free - forget a set's ranges
 * @set: the set; empty afterwards
 */
void sluice_ranges_free(struct sluice_ranges *set)
{
	kfree(set->v);
	set->v = NULL;
	set->nr = 0;
}

/**
 * sluice_ranges_copy - fill a set
 * @to: the set; what it held is not freed
 * @from: ascending, disjoint ranges
 * @nr: how many
 *
 * Return: 0, or -ENOMEM with @to empty.
 */
int sluice_ranges_copy(struct sluice_ranges *to,
		       const struct sluice_range *from, unsigned int nr)
{
	to->v = kmemdup_array(from, nr, sizeof(*from), GFP_KERNEL_ACCOUNT);
	to->nr = to->v ? nr : 0;
	return to->v ? 0 : -ENOMEM;
}

/* Replaces the set's ranges by @v, which has room for more than @nr. */
static void replace(struct sluice_ranges *set, struct sluice_range *v,
		    unsigned int nr)
{
	kfree(set->v);
	set->v = v;
	set->nr = nr;
}

/**
 * sluice_ranges_exclude - remove a range from a set
 * @set: the set
 * @start: first byte to remove
 * @last: last byte to remove, inclusive
 *
 * Return: 0, or -ENOMEM with @set unchanged.
 */
int sluice_ranges_exclude(struct sluice_ranges *set, u64 start, u64 last)
{
	struct sluice_range *v;
	unsigned int i, nr = 0;

	/* One hole adds one range at most. */
	v = kmalloc_array(set->nr + 1, sizeof(*v), GFP_KERNEL_ACCOUNT);
	if (!v)
		return -ENOMEM;

	for (i = 0; i < set->nr; i++) {
		struct sluice_range r = set->v[i];

		if (r.last < start || r.start > last) {
			v[nr++] = r;
			continue;
		}
		if (r.start < start)
			v[nr++] = (struct sluice_range){ r.start, start - 1 };
		if (r.last > last)
			v[nr++] = (struct sluice_range){ last + 1, r.last };
	}
	replace(set, v, nr);
	return 0;
}

/**
 * sluice_ranges_intersect - keep what is in both sets
 * @set: the set to reduce
 * @with: the other one
 *
 * Return: 0, or -ENOMEM with @set unchanged.
 */
int sluice_ranges_intersect(struct sluice_ranges *set,
			    const struct sluice_ranges *with)
{
	unsigned int i = 0, j = 0, nr = 0;
	struct sluice_range *v;

	/* Each step below consumes a range of one of the two. */
	v = kmalloc_array(set->nr + with->nr + 1, sizeof(*v),
			  GFP_KERNEL_ACCOUNT);
	if (!v)
		return -ENOMEM;

	while (i < set->nr && j < with->nr) {
		const struct sluice_range *a = &set->v[i], *b = &with->v[j];
		u64 start = max(a->start, b->start);
		u64 last = min(a->last, b->last);

		if (start <= last)
			v[nr++] = (struct sluice_range){ start, last };
		if (a->last < b->last)
			i++;
		else
			j++;
	}
	replace(set, v, nr);
	return 0;
}

/**
 * sluice_ranges_contain - is all of a range in the set?
 * @set: the set
 * @start: first byte
 * @last: last byte, inclusive
 *
 * Return: true if one range of the set covers it.
 */
bool sluice_ranges_contain(const struct sluice_ranges *set, u64 start, u64 last)
{
	unsigned int i;

	for (i = 0; i < set->nr; i++) {
		if (start >= set->v[i].start && last <= set->v[i].last)
			return true;
	}
	return false;
}

/**
 * sluice_ranges_align - shrink every range to whole pages
 * @set: the set
 * @granule: bytes, a power of two
 *
 * Ranges without a whole page vanish.
 */
void sluice_ranges_align(struct sluice_ranges *set, u64 granule)
{
	unsigned int i, nr = 0;

	for (i = 0; i < set->nr; i++) {
		struct sluice_range r = set->v[i];
		u64 up;

		if (check_add_overflow(r.start, granule - 1, &up))
			continue;
		r.start = ALIGN_DOWN(up, granule);
		/* The last byte of a whole page has all lower bits set. */
		if ((r.last & (granule - 1)) != granule - 1) {
			if (r.last < granule)
				continue;
			r.last = ALIGN_DOWN(r.last, granule) - 1;
		}
		if (r.start <= r.last)
			set->v[nr++] = r;
	}
	set->nr = nr;
}
