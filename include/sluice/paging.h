/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IOMMUs that walk page tables in memory: what VT-d and AMD-Vi share.
 *
 * Owns: the domain of such an IOMMU as both sides see it, Sluice's core (the
 * contract in sluice/backend.h) and the kernel's IOMMU core, whose API host
 * drivers, upstream's VFIO and iommufd use. The tables are core/pt's. What is
 * left for a backend: which devices use a domain, and how its hardware is told
 * to forget.
 */
#ifndef SLUICE_PAGING_H
#define SLUICE_PAGING_H

#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <sluice/backend.h>
#include <sluice/pt.h>

/**
 * DOC: A driver of the kernel's IOMMU core
 *
 * A backend that drives its hardware alone must also serve the host's own
 * devices: groups, ownership, reserved regions, hotplug and sysfs come from the
 * kernel's IOMMU core, with which it registers as any IOMMU driver does. Its
 * &struct iommu_ops has its own functions for devices, and those of this header
 * for domains.
 *
 * A &struct sluice_paging is a domain for both: attached by
 * iommu_attach_group(), so that the IOMMU core always knows what a group is
 * attached to; mapped by the contract's operations, or by the IOMMU core's.
 * Never by both: a domain belongs to whoever allocated it.
 *
 * Host devices are in identity mode, unless the command line says
 * iommu.passthrough=0 (or iommu=nopt).
 */

struct ida;
struct pci_dev;
struct sluice_paging;

/**
 * struct sluice_paging_link - a domain on an IOMMU
 * @node: link in &sluice_paging.links
 * @iommu: the IOMMU
 * @did: domain id: what the IOMMU knows the domain by
 * @nr_devices: devices of the IOMMU that use the domain, or are to come back to it
 * @stuck: hardware may use @did for ever: it isn't given to another domain
 * @rcu: for freeing
 */
struct sluice_paging_link {
	struct list_head node;
	struct sluice_iommu *iommu;
	u16 did;
	unsigned int nr_devices;
	bool stuck;
	struct rcu_head rcu;
};

/**
 * struct sluice_paging_home - the place that is kept for a device in its default domain
 * @paging: the domain that the kernel's IOMMU core made for host drivers, if the device
 *	was attached to one that has tables, or NULL
 * @link: the domain on the device's IOMMU
 *
 * When an owner's time is over, the IOMMU core returns the device to its default domain,
 * and expects that to succeed. So the place is kept while the device is elsewhere:
 * the return needs neither memory nor a domain id. Part of the backend's structure of a
 * device, zeroed at first.
 */
struct sluice_paging_home {
	struct sluice_paging *paging;
	struct sluice_paging_link *link;
};

/**
 * struct sluice_paging_ops - what a backend does for a domain
 * @flush: as &sluice_domain_ops.flush, but tables on @gather are the caller's
 *	business. Also called in atomic context, and for disjoint ranges at the
 *	same time
 * @free: free a domain that no device uses. Calls sluice_paging_deinit()
 */
struct sluice_paging_ops {
	int (*flush)(struct sluice_paging *paging,
		     const struct sluice_gather *gather);
	void (*free)(struct sluice_paging *paging);
};

/**
 * struct sluice_paging - a domain with page tables
 * @domain: for Sluice's core
 * @hw: for the kernel's IOMMU core
 * @pt: the tables
 * @ops: the backend's
 * @snoop: leaf entries make the hardware snoop, whatever a device asks for
 * @flush_on_map: hardware may remember what was not present, or has to be told
 *	that tables were written: every map ends with a flush. Set by the
 *	backend when a device is attached, never cleared
 * @broken: a flush failed: hardware may use the tables for ever
 * @lock: guards changes of @links, and of what else flushes go through
 * @links: &sluice_paging_link.node, one per IOMMU; read under RCU
 *
 * Embedded in a backend's own structure.
 */
struct sluice_paging {
	struct sluice_domain domain;
	struct iommu_domain hw;
	struct pt pt;
	const struct sluice_paging_ops *ops;
	bool snoop;
	bool flush_on_map;
	bool broken;
	struct mutex lock;	/* changes of links */
	struct list_head links;
};

static inline struct sluice_paging *
sluice_paging_of(struct sluice_domain *domain)
{
	return container_of(domain, struct sluice_paging, domain);
}

static inline struct sluice_paging *sluice_paging_of_hw(struct iommu_domain *hw)
{
	return container_of(hw, struct sluice_paging, hw);
}

/**
 * sluice_paging_init - make an empty domain
 * @paging: zeroed memory
 * @ops: the backend's operations
 * @iommu_ops: the driver it belongs to
 * @fmt: the tables' format
 * @cfg: what they shall be like
 * @last: highest IOVA that the hardware translates
 *
 * Return: as pt_init().
 */
int sluice_paging_init(struct sluice_paging *paging,
		       const struct sluice_paging_ops *ops,
		       const struct iommu_ops *iommu_ops,
		       const struct pt_format *fmt, const struct pt_config *cfg,
		       u64 last);

/**
 * sluice_paging_deinit - free the tables, unless hardware may still use them
 * @paging: a domain without devices
 */
void sluice_paging_deinit(struct sluice_paging *paging);

/**
 * sluice_paging_link - make a domain known to an IOMMU, for one more device
 * @paging: a domain whose tables the IOMMU can walk
 * @iommu: the IOMMU
 * @home: the device's place in its default domain
 * @dids: the IOMMU's domain ids in use
 * @first: the first id that a domain may have
 * @last: the last one
 *
 * From here on, flushes reach the IOMMU.
 *
 * Return: the link; ERR_PTR() of -ENOMEM or -ENOSPC. Doesn't fail if the domain is the
 * device's default domain, and has been before.
 */
struct sluice_paging_link *
sluice_paging_link(struct sluice_paging *paging, struct sluice_iommu *iommu,
		   const struct sluice_paging_home *home, struct ida *dids,
		   unsigned int first, unsigned int last);

/**
 * sluice_paging_unlink - a device no longer uses a domain
 * @paging: the domain
 * @link: what sluice_paging_link() returned
 * @home: the device's place in its default domain; it stays
 * @dids: the IOMMU's domain ids in use
 * @reusable: hardware has forgotten all that it knew under the domain id
 */
void sluice_paging_unlink(struct sluice_paging *paging,
			  struct sluice_paging_link *link,
			  const struct sluice_paging_home *home,
			  struct ida *dids, bool reusable);

/**
 * sluice_paging_move_home - a device may have got another default domain
 * @home: the device's place in its default domain
 * @paging: what the device has been attached to; NULL: something that has no tables, or
 *	the device goes
 * @link: what sluice_paging_link() returned for it
 * @dids: the IOMMU's domain ids in use
 *
 * The place in the former one is given up; but not for the domain of an owner, who will
 * give the device back.
 */
void sluice_paging_move_home(struct sluice_paging_home *home,
			     struct sluice_paging *paging,
			     struct sluice_paging_link *link, struct ida *dids);

/* ---- For &struct sluice_domain_ops; documented there ---- */

void sluice_paging_free(struct sluice_domain *domain);
int sluice_paging_attach(struct sluice_domain *domain,
			 struct iommu_group *group);
void sluice_paging_detach(struct sluice_domain *domain,
			  struct iommu_group *group);
int sluice_paging_prepare(struct sluice_domain *domain,
			  const struct sluice_extent *extents, size_t nr,
			  struct sluice_gather *gather);
int sluice_paging_cut(struct sluice_domain *domain,
		      const struct sluice_range *range,
		      struct sluice_gather *gather);
int sluice_paging_map(struct sluice_domain *domain,
		      const struct sluice_extent *extents, size_t nr,
		      unsigned int prot, u64 *done,
		      struct sluice_gather *gather);
size_t sluice_paging_unmap(struct sluice_domain *domain, u64 held,
			   struct sluice_range *range,
			   struct sluice_extent *extents, size_t max,
			   struct sluice_gather *gather);
size_t sluice_paging_unmap_each(struct sluice_domain *domain,
				struct sluice_extent *pages, size_t nr,
				struct sluice_gather *gather);
size_t sluice_paging_read(struct sluice_domain *domain,
			  struct sluice_range *range,
			  struct sluice_extent *extents, size_t max);
int sluice_paging_flush(struct sluice_domain *domain,
			struct sluice_gather *gather);
void sluice_paging_reclaim(struct sluice_domain *domain);

/* ---- For &struct iommu_domain_ops; documented in linux/iommu.h ---- */

int sluice_paging_map_pages(struct iommu_domain *hw, unsigned long iova,
			    phys_addr_t phys, size_t pgsize, size_t pgcount,
			    int prot, gfp_t gfp, size_t *mapped);
size_t sluice_paging_unmap_pages(struct iommu_domain *hw, unsigned long iova,
				 size_t pgsize, size_t pgcount,
				 struct iommu_iotlb_gather *gather);
int sluice_paging_iotlb_sync_map(struct iommu_domain *hw, unsigned long iova,
				 size_t size);
void sluice_paging_iotlb_sync(struct iommu_domain *hw,
			      struct iommu_iotlb_gather *gather);
void sluice_paging_flush_iotlb_all(struct iommu_domain *hw);
phys_addr_t sluice_paging_iova_to_phys(struct iommu_domain *hw,
				       dma_addr_t iova);
bool sluice_paging_enforce_cache_coherency(struct iommu_domain *hw);
void sluice_paging_free_hw(struct iommu_domain *hw);

/* ---- Reserved regions ---- */

/**
 * sluice_paging_direct_type - kind of the memory that firmware reserves
 * @pdev: the device that it is reserved for
 *
 * USB controllers and graphics need theirs only until their driver takes over: the
 * IOMMU core then doesn't refuse to assign them.
 *
 * Return: %IOMMU_RESV_DIRECT_RELAXABLE for these, or %IOMMU_RESV_DIRECT.
 */
enum iommu_resv_type sluice_paging_direct_type(struct pci_dev *pdev);

/**
 * sluice_paging_add_region - add a reserved region to a list
 * @head: the list
 * @start: first IOVA
 * @last: last one, inclusive
 * @prot: %IOMMU_READ, %IOMMU_WRITE
 * @type: its kind
 *
 * Without memory it is left out: &iommu_ops.get_resv_regions can't fail.
 */
void sluice_paging_add_region(struct list_head *head, u64 start, u64 last,
			      int prot, enum iommu_resv_type type);

/* ---- The driver ---- */

/**
 * sluice_paging_first_device - a device of a group that a driver serves
 * @group: the group; its DMA ownership has been claimed
 * @ops: the driver
 *
 * All devices of a group are behind the same IOMMU, so one stands for all. It
 * stays for as long as the group's ownership is held.
 *
 * Return: the device; NULL if another driver serves the group.
 */
struct device *sluice_paging_first_device(struct iommu_group *group,
					  const struct iommu_ops *ops);

/**
 * sluice_paging_rids - the requester IDs that a device's DMA may bear
 * @pdev: the device
 * @nr: set to how many, at least 1
 *
 * Return: its own first, then those of bridges and functions that it is taken for;
 * to be freed by kfree(). NULL for lack of memory.
 */
u16 *sluice_paging_rids(struct pci_dev *pdev, unsigned int *nr);

/**
 * sluice_paging_host_mode - make identity the host devices' default
 *
 * Unless the command line has said otherwise. To be called before
 * iommu_device_register().
 */
void sluice_paging_host_mode(void);

#endif /* SLUICE_PAGING_H */
