/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The page-table engine: a template.
 *
 * Owns: nothing by itself; it puts the parts together for one format, which
 * includes it last, after all that fmt.h asks of it.
 */
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/bug.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "private.h"
#include "cursor.h"
#include "install.h"
#include "reclaim.h"
#include "cut.h"
#include "map.h"
#include "sweep.h"
#include "vector.h"

static int engine_init(struct pt *pt, const struct pt_config *cfg)
{
	unsigned int level, lg2;

	if (cfg->max_levels > FMT_MAX_LEVELS)
		return -EINVAL;
	if (!FMT_GROWS && cfg->max_levels > cfg->levels)
		return -EINVAL;
	if (entry_lg2(pt, pt->max_top) >= 64)
		return -EINVAL;
	pt->last = mask_lg2(table_lg2(pt, pt->max_top));
	/* A page is smaller than any table that may be the root. */
	pt->pgsizes &= mask_lg2(table_lg2(pt, cfg->levels - 1));
	/* Where pages are larger than an entry, they can be cut to that. */
	for (level = 0; level < cfg->levels; level++) {
		lg2 = entry_lg2(pt, level);
		if (pt->pgsizes >> lg2 && !(pt->pgsizes & BIT_ULL(lg2)))
			return -EINVAL;
	}
	return fmt_init(pt, cfg);
}

const struct pt_format FMT = {
	.name = FMT_NAME,
	.init = engine_init,
	.prepare = engine_prepare,
	.map = engine_map_vector,
	.cut = engine_cut,
	.unmap = engine_unmap,
	.unmap_each = engine_unmap_each,
	.read = engine_read,
	.read_each = engine_read_each,
	.reclaim = engine_reclaim,
	.destroy = engine_destroy,
};
