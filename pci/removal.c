// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is taken away together.
 *
 * Owns: telling from the outside what a removal is about. Does not own: the removal
 * (main.c, core/device.c).
 *
 * A driver is told of one function after the other, and each function's user has a
 * grace period. Were these added up, a removal would take as long as there are
 * functions; were the second one taken away when the first one's period is over, its
 * user wouldn't have had any. So all users are asked when the first one is. The kernel
 * doesn't say which functions will follow; nobody must be asked by mistake, for a
 * virtual machine gives its device back then. What can be seen:
 *
 * - The sysfs file "remove" deletes itself before it removes a device, or the bridge or
 *   physical function above it.
 * - A kernel thread removes what was in a slot; nobody has one unbind a driver.
 * - Who disables virtual functions has the physical function's device lock, or is a
 *   kernel thread.
 *
 * Otherwise a driver is unbound from one function alone. A slot that a user's task
 * switches off by itself, as the hot-plug drivers of ACPI and POWER do on a write to
 * sysfs, looks the same: its functions have their periods one after another.
 */
#include <linux/kernfs.h>
#include <linux/pci.h>
#include <linux/sched.h>

#include "private.h"

/* Virtual functions have no such file: it's their physical function that is removed. */
static bool removed_by_sysfs(struct pci_dev *pci)
{
	struct kernfs_node *kn;

	kn = kernfs_find_and_get(pci->dev.kobj.sd, "remove");
	kernfs_put(kn);
	return !kn;
}

static struct pci_dev *above(struct pci_dev *pci)
{
	return pci->is_virtfn ? pci_physfn(pci) : pci_upstream_bridge(pci);
}

/* The highest of the device and what is above it that is being removed, or NULL. */
static struct pci_dev *removed_root(struct pci_dev *pci)
{
	struct pci_dev *root = NULL;

	for (pci = pci_physfn(pci); pci; pci = above(pci)) {
		if (removed_by_sysfs(pci))
			root = pci;
	}
	return root;
}

static bool is_below(struct pci_dev *pci, const struct pci_dev *root)
{
	while (pci && pci != root)
		pci = above(pci);
	return pci;
}

static bool goes_with_root(struct pci_dev *pci, struct pci_dev *other)
{
	return is_below(other, removed_root(pci));
}

/* The port of the slot: the nearest, if there are several. */
static struct pci_dev *hotplug_port(struct pci_dev *pci)
{
	pci = pci_upstream_bridge(pci);
	while (pci && !(pci->is_hotplug_bridge && pci_is_pcie(pci)))
		pci = pci_upstream_bridge(pci);
	return pci;
}

static bool goes_with_slot(struct pci_dev *pci, struct pci_dev *other)
{
	struct pci_dev *card = pci_physfn(pci);
	struct pci_dev *port = hotplug_port(card);

	if (port)
		return is_below(other, port);
	other = pci_physfn(other);
	return other->bus == card->bus &&
	       PCI_SLOT(other->devfn) == PCI_SLOT(card->devfn);
}

static bool goes_with_physfn(struct pci_dev *pci, struct pci_dev *other)
{
	return other->is_virtfn && pci_physfn(other) == pci_physfn(pci);
}

/*
 * Not just taken by somebody: every user can read sriov_numvfs, which takes it. A
 * mutex has its owner and a few flags in one word.
 */
static bool have_lock(struct device *dev)
{
	unsigned long owner;

#ifdef CONFIG_PREEMPT_RT
	owner = (unsigned long)READ_ONCE(dev->mutex.rtmutex.owner);
#else
	owner = atomic_long_read(&dev->mutex.owner);
#endif
	return (owner & ~7UL) == (unsigned long)current;
}

void sluice_pci_removal_begin(struct sluice_pci_device *pdev)
{
	struct pci_dev *pci = pdev->pci;

	if (removed_root(pci))
		sluice_pci_want_each(pci, goes_with_root);
	else if (pci->is_virtfn &&
		 (have_lock(&pci_physfn(pci)->dev) ||
		  current->flags & PF_KTHREAD))
		sluice_pci_want_each(pci, goes_with_physfn);
	else if (current->flags & PF_KTHREAD)
		sluice_pci_want_each(pci, goes_with_slot);
}

bool sluice_pci_is_removed(struct pci_dev *pci)
{
	return removed_root(pci);
}

/* Somebody may have said so since the removal began, and wait for it. */
bool sluice_pci_leaves(struct sluice_pci_device *pdev)
{
	return READ_ONCE(pdev->leaving) || sluice_pci_is_removed(pdev->pci);
}
