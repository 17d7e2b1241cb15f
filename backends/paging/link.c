// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which IOMMUs know a domain, and by which id.
 *
 * Owns: the list that flushes go through. It grows before hardware can use a
 * domain, and shrinks after hardware has forgotten it. And the place that is kept for a
 * device in its default domain.
 */
#include <linux/err.h>
#include <linux/idr.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <sluice/paging.h>

static struct sluice_paging_link *find_link(struct sluice_paging *paging,
					    struct sluice_iommu *iommu)
{
	struct sluice_paging_link *link;

	lockdep_assert_held(&paging->lock);
	list_for_each_entry(link, &paging->links, node) {
		if (link->iommu == iommu)
			return link;
	}
	return NULL;
}

static struct sluice_paging_link *new_link(struct sluice_paging *paging,
					   struct sluice_iommu *iommu,
					   struct ida *dids, unsigned int first,
					   unsigned int last)
{
	struct sluice_paging_link *link;
	int did;

	lockdep_assert_held(&paging->lock);
	link = kzalloc(sizeof(*link), GFP_KERNEL);
	if (!link)
		return ERR_PTR(-ENOMEM);
	did = ida_alloc_range(dids, first, last, GFP_KERNEL);
	if (did < 0) {
		kfree(link);
		return ERR_PTR(did);
	}
	link->iommu = iommu;
	link->did = did;
	list_add_tail_rcu(&link->node, &paging->links);
	return link;
}

struct sluice_paging_link *
sluice_paging_link(struct sluice_paging *paging, struct sluice_iommu *iommu,
		   const struct sluice_paging_home *home, struct ida *dids,
		   unsigned int first, unsigned int last)
{
	struct sluice_paging_link *link;

	if (paging == home->paging)
		return home->link;
	guard(mutex)(&paging->lock);
	link = find_link(paging, iommu);
	if (!link)
		link = new_link(paging, iommu, dids, first, last);
	if (!IS_ERR(link))
		link->nr_devices++;
	return link;
}

static void drop_link(struct sluice_paging *paging,
		      struct sluice_paging_link *link, struct ida *dids)
{
	guard(mutex)(&paging->lock);
	if (--link->nr_devices)
		return;
	list_del_rcu(&link->node);
	if (!link->stuck)
		ida_free(dids, link->did);
	kfree_rcu(link, rcu);
}

void sluice_paging_unlink(struct sluice_paging *paging,
			  struct sluice_paging_link *link,
			  const struct sluice_paging_home *home,
			  struct ida *dids, bool reusable)
{
	/* Hardware may know the tables, and under that id, for ever. */
	if (!reusable) {
		WRITE_ONCE(link->stuck, true);
		WRITE_ONCE(paging->broken, true);
		WRITE_ONCE(paging->domain.dead, true);
	}
	if (paging != home->paging)
		drop_link(paging, link, dids);
}

void sluice_paging_move_home(struct sluice_paging_home *home,
			     struct sluice_paging *paging,
			     struct sluice_paging_link *link, struct ida *dids)
{
	if (paging == home->paging)
		return;
	/* An owner's domain: the device will come back. */
	if (paging && !(paging->hw.type & __IOMMU_DOMAIN_DMA_API))
		return;
	if (home->paging)
		drop_link(home->paging, home->link, dids);
	home->paging = paging;
	home->link = link;
}
