/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Maple trees that are one task's alone, or guarded by a mutex: a store that fails for
 * want of memory fails at once.
 *
 * mtree_store_range() takes the tree's own spinlock, allocates without it, and tries again
 * as long as it has got one of the nodes that it needs, though the others never come. A
 * task at the limit of its memory cgroup would be in the kernel for ever.
 */
#ifndef SLUICE_CORE_TREE_H
#define SLUICE_CORE_TREE_H

#include <linux/maple_tree.h>

static inline void sluice_tree_init(struct maple_tree *tree)
{
	mt_init_flags(tree, MT_FLAGS_LOCK_EXTERN);
	/* No lock that lockdep could look for. */
	mt_on_stack(*tree);
}

/* 0 or -ENOMEM: then nothing has changed. */
static inline int sluice_tree_store(struct maple_tree *tree,
				    unsigned long first, unsigned long last,
				    void *entry, gfp_t gfp)
{
	MA_STATE(mas, tree, first, last);
	int ret = mas_preallocate(&mas, entry, gfp);

	if (!ret)
		mas_store_prealloc(&mas, entry);
	return ret;
}

static inline void sluice_tree_destroy(struct maple_tree *tree)
{
	__mt_destroy(tree);
}

#endif /* SLUICE_CORE_TREE_H */
