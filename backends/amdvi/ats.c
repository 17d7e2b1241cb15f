// SPDX-License-Identifier: GPL-2.0-only
/*
 * AMD-Vi: TLBs of devices (ATS).
 *
 * Owns: which device may have one, when it is on, and what it means if a device
 * doesn't say that it has forgotten. Does not own: the commands that ask it
 * (inval.c). Source: AMD 48882, 2.4.4 and 2.5.8; PCI Express, "ATS".
 */
#define pr_fmt(fmt) "sluice amdvi: " fmt

#include <linux/pci-ats.h>
#include <linux/pci.h>
#include <linux/printk.h>
#include <linux/rculist.h>

#include "private.h"

/* How often a device is asked again because events were lost. */
#define TRIES 3

/* Pages that a device counts in. */
#define PAGE_LG2 12

/**
 * amdvi_ats_probe - decide whether a device may have a TLB of its own
 * @device: a new PCI device
 * @forbidden: firmware says no
 *
 * Once and for all: the unit, firmware and the device agree. A device that is taken
 * for others has none.
 */
void amdvi_ats_probe(struct amdvi_device *device, bool forbidden)
{
	struct pci_dev *pdev = device->pci;

	if (!(device->unit->cap & AMDVI_CAP_IOTLB) || !pci_ats_supported(pdev))
		return;
	/* Functions of this one, which may have ATS on, depend on it. */
	if (!pdev->is_virtfn)
		pci_prepare_ats(pdev, PAGE_LG2);
	if (forbidden || device->nr_rids > 1 || !pci_ats_page_aligned(pdev))
		return;
	device->ats_able = true;
	device->ats_depth = pci_ats_queue_depth(pdev);
}

/**
 * amdvi_ats_on - let a device have a TLB of its own, if it is able to
 * @device: the device; its DMA is blocked
 *
 * To be called before its entry lets it ask for translations of its domain.
 *
 * Only for the host's own drivers: the owner of an assigned device could put it to sleep,
 * or reset it, just when it is asked to forget. It wouldn't answer, and memory that it was
 * mapped would have to stay pinned for ever, again and again.
 */
void amdvi_ats_on(struct amdvi_device *device)
{
	lockdep_assert_held(&device->unit->lock);
	if (!device->ats_able ||
	    device->domain->paging.hw.type == IOMMU_DOMAIN_UNMANAGED)
		return;
	if (device->pci && pci_enable_ats(device->pci, PAGE_LG2)) {
		pci_info(device->pci, "ATS can't be switched on\n");
		return;
	}
	/* Flushes must know of it before its TLB has anything. */
	scoped_guard(mutex, &device->domain->paging.lock)
		list_add_tail_rcu(&device->ats_node, &device->domain->ats);
	device->ats = true;
}

/**
 * amdvi_ats_off - have a device ask for no more translations
 * @device: the device
 *
 * What it has, it keeps until amdvi_ats_forget().
 */
void amdvi_ats_off(struct amdvi_device *device)
{
	lockdep_assert_held(&device->unit->lock);
	if (device->ats && device->pci)
		pci_disable_ats(device->pci);
}

/**
 * amdvi_ats_forget - have a device forget all that its TLB has
 * @device: the device; its DMA is blocked, and hardware knows
 *
 * Return: as amdvi_ats_inval().
 */
int amdvi_ats_forget(struct amdvi_device *device)
{
	struct sluice_gather gather;
	int ret;

	lockdep_assert_held(&device->unit->lock);
	if (!device->ats)
		return 0;
	sluice_gather_init(&gather);
	sluice_gather_add(&gather, 0, U64_MAX, PAGE_LG2);
	ret = amdvi_ats_inval(device, &gather);
	/* Until now, who flushes has to wait for it. */
	scoped_guard(mutex, &device->domain->paging.lock)
		list_del_rcu(&device->ats_node);
	/* Before it joins another list. */
	synchronize_rcu();
	device->ats = false;
	return ret;
}

static int ask(struct amdvi_device *device, const struct sluice_gather *gather)
{
	struct amdvi_unit *unit = device->unit;
	struct amdvi_watch watch;
	int ret, answer;

	amdvi_fault_watch(unit, &watch, device->rids[0]);
	ret = amdvi_inval_device(unit, device->rids[0], device->ats_depth,
				 gather);
	answer = amdvi_fault_unwatch(unit, &watch);
	return ret ?: answer;
}

/**
 * amdvi_ats_inval - have a device's own TLB forget what was gathered
 * @device: the device
 * @gather: what
 *
 * To be called after amdvi_inval_domain(). A device that has gone remembers
 * nothing.
 *
 * Context: any.
 * Return: 0; -EIO if it may still use what it was to forget.
 */
int amdvi_ats_inval(struct amdvi_device *device,
		    const struct sluice_gather *gather)
{
	struct amdvi_unit *unit = device->unit;
	unsigned int tries = TRIES;
	int ret;

	/* Of tables, it knows nothing. */
	if (!gather->nr)
		return 0;
	if (device->pci && pci_dev_is_disconnected(device->pci))
		return 0;
	do {
		ret = ask(device, gather);
	} while (unlikely(ret == -EAGAIN) && --tries);
	if (likely(!ret) ||
	    (device->pci && !pci_device_is_present(device->pci)))
		return 0;
	/* Its fault alone: the unit and everybody else's domains are well. */
	if (ret != -EIO)
		pr_err_ratelimited("%s: device %04x:%02x:%02x.%d doesn't invalidate its TLB (%d)\n",
				   unit->name, unit->segment,
				   PCI_BUS_NUM(device->rids[0]),
				   PCI_SLOT(device->rids[0]),
				   PCI_FUNC(device->rids[0]), ret);
	return -EIO;
}
