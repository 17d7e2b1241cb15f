// SPDX-License-Identifier: GPL-2.0-only
/*
 * What one flush must invalidate: the arithmetic of struct sluice_gather.
 */
#include <linux/minmax.h>

#include <sluice/backend.h>

/* Unmapped bytes between two ranges; 0 if they touch or overlap. */
static u64 gap(const struct sluice_range *a, const struct sluice_range *b)
{
	if (a->start > b->last)
		return a->start - b->last - 1;
	if (b->start > a->last)
		return b->start - a->last - 1;
	return 0;
}

static void join(struct sluice_range *to, const struct sluice_range *from)
{
	to->start = min(to->start, from->start);
	to->last = max(to->last, from->last);
}

/* Makes room for one more range by joining the two closest. */
static void join_closest(struct sluice_gather *gather)
{
	unsigned int i, j, best_i = 0, best_j = 1;
	u64 best = U64_MAX;

	for (i = 0; i < gather->nr; i++) {
		for (j = i + 1; j < gather->nr; j++) {
			u64 d = gap(&gather->ranges[i], &gather->ranges[j]);

			if (d < best) {
				best = d;
				best_i = i;
				best_j = j;
			}
		}
	}
	join(&gather->ranges[best_i], &gather->ranges[best_j]);
	gather->ranges[best_j] = gather->ranges[--gather->nr];
}

void sluice_gather_join(struct sluice_gather *gather, u64 start, u64 last)
{
	struct sluice_range range = { .start = start, .last = last };
	unsigned int i;

	/* The newest range first: neighbours tend to follow each other. */
	for (i = gather->nr; i-- > 0;) {
		if (!gap(&gather->ranges[i], &range)) {
			join(&gather->ranges[i], &range);
			return;
		}
	}
	if (gather->nr == SLUICE_GATHER_RANGES)
		join_closest(gather);
	gather->ranges[gather->nr++] = range;
}
