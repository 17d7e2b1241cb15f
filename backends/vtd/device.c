// SPDX-License-Identifier: GPL-2.0-only
/*
 * VT-d: devices.
 *
 * Owns: what becomes of a device's DMA: blocked, passed through, or translated by
 * a domain; and the device's own TLB (ATS). A change always goes through
 * "blocked": there is no moment at which hardware could mix two entries.
 */
#define pr_fmt(fmt) "sluice vtd: " fmt

#include <linux/bitfield.h>
#include <linux/err.h>
#include <linux/pci-ats.h>
#include <linux/pci.h>
#include <linux/rculist.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "private.h"

/**
 * vtd_device_alloc - make a unit know a device
 * @unit: the unit
 * @pci: the device, or NULL if it isn't PCI
 * @rids: requester IDs of its DMA, its own first
 * @nr: how many, at least 1
 *
 * Its DMA is blocked, as that of everything unknown is.
 *
 * Return: the device, or ERR_PTR(-ENOMEM).
 */
struct vtd_device *vtd_device_alloc(struct vtd_unit *unit, struct pci_dev *pci,
				    const u16 *rids, unsigned int nr)
{
	struct vtd_device *device;
	unsigned int i;
	int ret = 0;

	device = kzalloc(struct_size(device, rids, nr), GFP_KERNEL);
	if (!device)
		return ERR_PTR(-ENOMEM);
	device->nr_rids = nr;
	device->unit = unit;
	device->pci = pci;
	memcpy(device->rids, rids, nr * sizeof(*rids));

	guard(mutex)(&unit->lock);
	for (i = 0; i < nr && !ret; i++)
		ret = vtd_context_reserve(unit, rids[i]);
	if (ret) {
		kfree(device);
		return ERR_PTR(ret);
	}
	list_add_tail(&device->unit_node, &unit->devices);
	return device;
}

/* Does another device's DMA bear the requester ID, too, and go the same way? */
static bool shared_rid(struct vtd_device *device, u16 rid)
{
	struct vtd_device *other;
	unsigned int i;

	lockdep_assert_held(&device->unit->lock);
	list_for_each_entry(other, &device->unit->devices, unit_node) {
		if (other == device || other->entry.low != device->entry.low ||
		    other->entry.high != device->entry.high)
			continue;
		for (i = 0; i < other->nr_rids; i++) {
			if (other->rids[i] == rid)
				return true;
		}
	}
	return false;
}

/* The hull of all; no gather of a batch. */
static void gather_all(struct sluice_gather *gather)
{
	sluice_gather_init(gather);
	gather->nonleaf = true;
	sluice_gather_add(gather, 0, U64_MAX, 12);
}

/*
 * Before the device's entry lets it ask for translations. Only for the host's own drivers:
 * the owner of an assigned device could put it to sleep, or reset it, just when it is asked
 * to forget. It wouldn't answer, and memory that it was mapped would have to stay pinned for
 * ever, again and again.
 */
static void ats_on(struct vtd_device *device)
{
	lockdep_assert_held(&device->unit->lock);
	if (!device->ats_able ||
	    device->domain->paging.hw.type == IOMMU_DOMAIN_UNMANAGED)
		return;
	if (device->pci && pci_enable_ats(device->pci, 12)) {
		pci_info(device->pci, "ATS can't be switched on\n");
		return;
	}
	/* Flushes must know of it before its TLB has anything. */
	scoped_guard(mutex, &device->domain->paging.lock)
		list_add_tail_rcu(&device->ats_node, &device->domain->ats);
	device->ats = true;
}

static void ats_off(struct vtd_device *device)
{
	lockdep_assert_held(&device->unit->lock);
	if (device->ats && device->pci)
		pci_disable_ats(device->pci);
}

/* Has the device's TLB forget everything; hardware knows that its DMA is blocked. */
static int ats_forget(struct vtd_device *device)
{
	struct sluice_gather gather;
	int ret;

	lockdep_assert_held(&device->unit->lock);
	if (!device->ats)
		return 0;
	gather_all(&gather);
	ret = vtd_inval_device(device, &gather);
	/* Until now, who flushes has to wait for it. */
	scoped_guard(mutex, &device->domain->paging.lock)
		list_del_rcu(&device->ats_node);
	/* Before it joins another list. */
	synchronize_rcu();
	device->ats = false;
	return ret;
}

/*
 * Takes out the entries of the device, those that another device shares only
 * with @all, and has hardware forget them.
 */
static void take_out(struct vtd_device *device, bool all)
{
	u16 did = FIELD_GET(VTD_CONTEXT_DID, le64_to_cpu(device->entry.high));
	struct vtd_unit *unit = device->unit;
	unsigned int i;
	int ret = 0;

	lockdep_assert_held(&unit->lock);
	if (!device->entry.low)
		return;
	ats_off(device);
	for (i = 0; i < device->nr_rids; i++) {
		if (!all && shared_rid(device, device->rids[i]))
			continue;
		if (vtd_context_clear(unit, device->rids[i], &device->entry))
			ret = vtd_inval_context(unit, &device->rids[i], 1, did,
						did) ?: ret;
	}
	ret = ats_forget(device) ?: ret;
	if (device->domain)
		sluice_paging_unlink(&device->domain->paging, device->link,
				     &device->home, &unit->dids, !ret);
	device->domain = NULL;
	device->link = NULL;
	device->entry = (struct vtd_entry){};
}

/*
 * The device's entries are not present, and hardware may remember that. If it
 * can't be told, the device stays blocked, which endangers nobody.
 */
static void put_in(struct vtd_device *device, struct vtd_entry entry)
{
	u16 did = FIELD_GET(VTD_CONTEXT_DID, le64_to_cpu(entry.high));
	struct vtd_unit *unit = device->unit;
	unsigned int i;

	lockdep_assert_held(&unit->lock);
	device->entry = entry;
	for (i = 0; i < device->nr_rids; i++)
		vtd_context_install(unit, device->rids[i], &entry);
	if (unit->flush_on_map)
		vtd_inval_context(unit, device->rids, device->nr_rids,
				  VTD_DID_NOT_PRESENT, did);
}

/**
 * vtd_device_free - forget a device
 * @device: the device
 *
 * Entries that it shares with others stay.
 */
void vtd_device_free(struct vtd_device *device)
{
	scoped_guard(mutex, &device->unit->lock) {
		take_out(device, false);
		sluice_paging_move_home(&device->home, NULL, NULL,
					&device->unit->dids);
		list_del(&device->unit_node);
	}
	kfree_rcu(device, rcu);
}

/**
 * vtd_device_block - let no DMA of a device through
 * @device: the device
 *
 * If hardware doesn't answer, the unit is dead, and what the device could reach
 * stays as it is for ever.
 */
void vtd_device_block(struct vtd_device *device)
{
	guard(mutex)(&device->unit->lock);
	take_out(device, true);
}

/**
 * vtd_device_pass_through - let a device's DMA go where it says
 * @device: the device
 *
 * Return: 0; -EINVAL if the unit can't do that.
 */
int vtd_device_pass_through(struct vtd_device *device)
{
	struct vtd_unit *unit = device->unit;

	if (!(unit->ecap & VTD_ECAP_PT))
		return -EINVAL;
	guard(mutex)(&unit->lock);
	take_out(device, true);
	sluice_paging_move_home(&device->home, NULL, NULL, &unit->dids);
	put_in(device, vtd_context_make(0, vtd_unit_max_levels(unit),
					VTD_TT_PASS_THROUGH,
					VTD_DID_PASS_THROUGH));
	return 0;
}

/**
 * vtd_device_attach - have a domain translate a device's DMA
 * @device: the device
 * @domain: the domain
 *
 * Return: 0; -EINVAL if the device's unit can't walk the domain's tables; -ENOMEM;
 * -ENOSPC if the unit has no domain id left. After a failure nothing has changed. Doesn't
 * fail if the domain is the default domain that the device comes from.
 */
int vtd_device_attach(struct vtd_device *device, struct vtd_domain *domain)
{
	struct vtd_unit *unit = device->unit;
	struct sluice_paging_link *link;

	guard(mutex)(&unit->lock);
	if (!vtd_domain_fits(domain, unit))
		return -EINVAL;
	link = vtd_domain_link(domain, device);
	if (IS_ERR(link))
		return PTR_ERR(link);

	take_out(device, true);
	sluice_paging_move_home(&device->home, &domain->paging, link,
				&unit->dids);
	device->domain = domain;
	device->link = link;
	ats_on(device);
	put_in(device, vtd_context_make(pt_root(&domain->paging.pt, NULL),
					domain->levels,
					device->ats ? VTD_TT_TABLES_ATS :
						      VTD_TT_TABLES,
					link->did));
	return 0;
}

/**
 * vtd_device_tell_again - have hardware read a device's entries once more
 * @device: the device
 */
void vtd_device_tell_again(struct vtd_device *device)
{
	struct vtd_unit *unit = device->unit;
	u16 did = VTD_DID_NOT_PRESENT;

	guard(mutex)(&unit->lock);
	if (device->entry.low)
		did = FIELD_GET(VTD_CONTEXT_DID,
				le64_to_cpu(device->entry.high));
	vtd_inval_context(unit, device->rids, device->nr_rids, did, did);
}
