// SPDX-License-Identifier: GPL-2.0-only
/*
 * AMD-Vi: devices.
 *
 * Owns: what becomes of a device's DMA: blocked, passed through, or translated by
 * a domain; and which table its interrupts go through. A change of DMA always goes
 * through "blocked": there is no moment at which hardware could mix two entries.
 */
#define pr_fmt(fmt) "sluice amdvi: " fmt

#include <linux/bitfield.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/pci.h>
#include <linux/printk.h>
#include <linux/slab.h>

#include "private.h"

/**
 * amdvi_device_alloc - make a unit know a device
 * @unit: the unit
 * @pci: the device, or NULL if it isn't PCI
 * @rids: requester IDs of its DMA, its own first
 * @nr: how many, at least 1
 *
 * Its DMA is blocked, as that of everything unknown is.
 *
 * Return: the device, or ERR_PTR(-ENOMEM).
 */
struct amdvi_device *amdvi_device_alloc(struct amdvi_unit *unit,
					struct pci_dev *pci, const u16 *rids,
					unsigned int nr)
{
	struct amdvi_device *device;

	device = kzalloc(struct_size(device, rids, nr), GFP_KERNEL);
	if (!device)
		return ERR_PTR(-ENOMEM);
	device->nr_rids = nr;
	device->unit = unit;
	device->pci = pci;
	memcpy(device->rids, rids, nr * sizeof(*rids));
	guard(mutex)(&unit->lock);
	list_add_tail(&device->unit_node, &unit->devices);
	return device;
}

static bool has_rid(const struct amdvi_device *device, u16 rid)
{
	unsigned int i;

	for (i = 0; i < device->nr_rids; i++) {
		if (device->rids[i] == rid)
			return true;
	}
	return false;
}

/**
 * amdvi_device_shares - may requests of two devices bear the same requester ID?
 * @a: a device
 * @b: another one
 *
 * Return: true if so.
 */
bool amdvi_device_shares(const struct amdvi_device *a,
			 const struct amdvi_device *b)
{
	unsigned int i;

	for (i = 0; i < a->nr_rids; i++) {
		if (has_rid(b, a->rids[i]))
			return true;
	}
	return false;
}

/* Does another device's DMA bear the requester ID, too, and go the same way? */
static bool shared_rid(const struct amdvi_device *device, u16 rid)
{
	const struct amdvi_device *other;

	lockdep_assert_held(&device->unit->lock);
	list_for_each_entry(other, &device->unit->devices, unit_node) {
		if (other != device && other->dma.first == device->dma.first &&
		    other->dma.second == device->dma.second &&
		    has_rid(other, rid))
			return true;
	}
	return false;
}

/*
 * Blocks the device, but what another device shares only with @all, and has
 * hardware forget its entries.
 */
static void take_out(struct amdvi_device *device, bool all)
{
	u16 did = FIELD_GET(AMDVI_DTE_DOMAIN, device->dma.second);
	struct amdvi_unit *unit = device->unit;
	unsigned int i;
	int ret = 0;

	lockdep_assert_held(&unit->lock);
	if (!device->dma.first)
		return;
	amdvi_ats_off(device);
	for (i = 0; i < device->nr_rids; i++) {
		u16 rid = device->rids[i];

		if (!all && shared_rid(device, rid))
			continue;
		if (amdvi_dte_block(unit, rid, &device->dma))
			ret = amdvi_inval_dte(unit, &rid, 1, did) ?: ret;
	}
	/* Now that it can't ask again. */
	ret = amdvi_ats_forget(device) ?: ret;
	if (device->domain)
		sluice_paging_unlink(&device->domain->paging, device->link,
				     &device->home, &unit->dids, !ret);
	device->domain = NULL;
	device->link = NULL;
	device->dma = (struct amdvi_dma){};
}

/*
 * The device's entries say "blocked", and hardware may remember that. If it can't
 * be told, the device stays blocked, which endangers nobody.
 */
static void put_in(struct amdvi_device *device, struct amdvi_dma dma)
{
	u16 did = FIELD_GET(AMDVI_DTE_DOMAIN, dma.second);
	struct amdvi_unit *unit = device->unit;
	unsigned int i;

	lockdep_assert_held(&unit->lock);
	device->dma = dma;
	for (i = 0; i < device->nr_rids; i++)
		amdvi_dte_install(unit, device->rids[i], &dma);
	amdvi_inval_dte(unit, device->rids, device->nr_rids, did);
}

/* Has a requester ID's interrupts go through @table, or nowhere if it is NULL. */
static int install_irtable(struct amdvi_unit *unit, u16 rid,
			   const struct amdvi_irtable *table)
{
	phys_addr_t phys = table ? virt_to_phys(table->entries) : 0;

	if (!amdvi_dte_interrupts(unit, rid, phys, AMDVI_IRTES_LG2))
		return 0;
	return amdvi_inval_dte_interrupts(unit, rid);
}

/* Does another device's table serve the requester ID, too? */
static bool served_rid(const struct amdvi_device *device, u16 rid)
{
	const struct amdvi_device *other;

	lockdep_assert_held(&device->unit->lock);
	list_for_each_entry(other, &device->unit->devices, unit_node) {
		if (other != device && other->irtable && has_rid(other, rid))
			return true;
	}
	return false;
}

/*
 * What shares a requester ID shares the table: *@table is set to it, or to NULL. Those
 * that have different ones can't be served by one any more.
 */
static int shared_irtable(const struct amdvi_device *device,
			  struct amdvi_irtable **table)
{
	const struct amdvi_device *other;

	lockdep_assert_held(&device->unit->lock);
	*table = NULL;
	list_for_each_entry(other, &device->unit->devices, unit_node) {
		if (other == device || !other->irtable ||
		    !amdvi_device_shares(device, other))
			continue;
		if (*table && *table != other->irtable)
			return -EBUSY;
		*table = other->irtable;
	}
	return 0;
}

static void leave_irtable(struct amdvi_device *device)
{
	struct amdvi_irtable *table = device->irtable;
	unsigned int i;
	int ret = 0;

	lockdep_assert_held(&device->unit->lock);
	if (!table)
		return;
	for (i = 0; i < device->nr_rids; i++) {
		u16 rid = device->rids[i];

		if (!served_rid(device, rid))
			ret = install_irtable(device->unit, rid, NULL) ?: ret;
	}
	device->irtable = NULL;
	/* What hardware may still read is never freed. */
	if (ret)
		table->stuck = true;
	if (!--table->nr_devices && !table->stuck)
		amdvi_irtable_free(table);
}

/**
 * amdvi_device_remap - let a device raise only what it has been given vectors for
 * @device: a device whose interrupts aren't in use
 *
 * Return: 0; -ENOMEM; -EBUSY if it shares requester IDs with devices that have
 * different tables; -EIO if hardware doesn't answer.
 */
int amdvi_device_remap(struct amdvi_device *device)
{
	struct amdvi_irtable *table;
	unsigned int i;
	int ret;

	guard(mutex)(&device->unit->lock);
	ret = shared_irtable(device, &table);
	if (ret)
		return ret;
	if (table)
		table->nr_devices++;
	else
		table = amdvi_irtable_alloc(device->unit);
	if (!table)
		return -ENOMEM;
	device->irtable = table;
	for (i = 0; i < device->nr_rids && !ret; i++)
		ret = install_irtable(device->unit, device->rids[i], table);
	if (ret)
		leave_irtable(device);
	return ret;
}

/**
 * amdvi_device_pass_interrupts - let a device raise any interrupt
 * @device: a device of the host's that has no table. Its requester IDs stay like this
 *	until a device of the same ID has one
 */
void amdvi_device_pass_interrupts(struct amdvi_device *device)
{
	struct amdvi_unit *unit = device->unit;
	unsigned int i;

	guard(mutex)(&unit->lock);
	for (i = 0; i < device->nr_rids; i++) {
		u16 rid = device->rids[i];

		if (!served_rid(device, rid) &&
		    amdvi_dte_interrupts_pass(unit, rid))
			amdvi_inval_dte_interrupts(unit, rid);
	}
}

/**
 * amdvi_device_free - forget a device
 * @device: the device
 *
 * Entries that it shares with others stay.
 */
void amdvi_device_free(struct amdvi_device *device)
{
	scoped_guard(mutex, &device->unit->lock) {
		take_out(device, false);
		sluice_paging_move_home(&device->home, NULL, NULL,
					&device->unit->dids);
		leave_irtable(device);
		list_del(&device->unit_node);
	}
	kfree_rcu(device, rcu);
}

/**
 * amdvi_device_block - let no DMA of a device through
 * @device: the device
 *
 * If hardware doesn't answer, the unit is dead, and what the device could reach
 * stays as it is for ever.
 */
void amdvi_device_block(struct amdvi_device *device)
{
	guard(mutex)(&device->unit->lock);
	take_out(device, true);
}

/**
 * amdvi_device_pass_through - let a device's DMA go where it says
 * @device: the device
 */
void amdvi_device_pass_through(struct amdvi_device *device)
{
	guard(mutex)(&device->unit->lock);
	take_out(device, true);
	sluice_paging_move_home(&device->home, NULL, NULL, &device->unit->dids);
	put_in(device, amdvi_dte_make_identity());
}

/**
 * amdvi_device_attach - have a domain translate a device's DMA
 * @device: the device
 * @domain: the domain
 *
 * Return: 0; -EINVAL if the device's unit can't walk the domain's tables; -ENOMEM;
 * -ENOSPC if the unit has no domain id left. After a failure nothing has changed. Doesn't
 * fail if the domain is the default domain that the device comes from.
 */
int amdvi_device_attach(struct amdvi_device *device,
			struct amdvi_domain *domain)
{
	bool user = domain->paging.hw.type == IOMMU_DOMAIN_UNMANAGED;
	struct amdvi_unit *unit = device->unit;
	struct sluice_paging_link *link;

	guard(mutex)(&unit->lock);
	if (!amdvi_domain_fits(domain, unit))
		return -EINVAL;
	/* Before hardware can use it. */
	if (unit->np_cache)
		WRITE_ONCE(domain->paging.flush_on_map, true);
	link = sluice_paging_link(&domain->paging, &unit->iommu, &device->home,
				  &unit->dids, AMDVI_DID_FIRST,
				  AMDVI_NR_DIDS - 1);
	if (link == ERR_PTR(-ENOSPC))
		pr_warn_ratelimited("%s: all domain ids are in use\n",
				    unit->name);
	if (IS_ERR(link))
		return PTR_ERR(link);

	take_out(device, true);
	sluice_paging_move_home(&device->home, &domain->paging, link,
				&unit->dids);
	device->domain = domain;
	device->link = link;
	amdvi_ats_on(device);
	put_in(device, amdvi_dte_make_tables(pt_root(&domain->paging.pt, NULL),
					     domain->levels, link->did,
					     device->ats, user));
	return 0;
}

/**
 * amdvi_device_tell_again - have hardware read a device's entries once more
 * @device: the device
 */
void amdvi_device_tell_again(struct amdvi_device *device)
{
	guard(mutex)(&device->unit->lock);
	amdvi_inval_dte(device->unit, device->rids, device->nr_rids,
			FIELD_GET(AMDVI_DTE_DOMAIN, device->dma.second));
}
