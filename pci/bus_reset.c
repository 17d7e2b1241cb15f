// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reset of a bus or slot, be it for the sake of functions that can't be reset
 * by themselves.
 *
 * Owns: the decision that nobody uses what would be hit, and the reset of a bus or
 * slot. Does not own: who else may ask for one (reset.c).
 *
 * The PCI core's own reset of a bus takes and drops the locks by itself, so
 * whatever was decided before may be wrong by then: a host driver may have
 * been bound in between. Here the decision and the reset are made under the
 * same locks: the device lock of every function and of the bridge above.
 */
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pci_hotplug.h>

#include "private.h"

/* Functions that were used and couldn't be reset since; @pdev->unreset. */
static atomic_t nr_unreset;

void sluice_pci_set_unreset(struct sluice_pci_device *pdev, bool unreset)
{
	if (xchg(&pdev->unreset, unreset) != unreset)
		atomic_add(unreset ? 1 : -1, &nr_unreset);
}

void sluice_pci_forget_unreset(struct sluice_pci_device *pdev)
{
	if (pdev->unreset && !pdev->told_unreset)
		pci_warn(pdev->pci, "not reset after use: %s\n",
			 sluice_pci_leaves(pdev) ?
				 "it leaves its slot" :
				 "others on its bus are in use");
	sluice_pci_set_unreset(pdev, false);
}

/* The device lock of a function that is being unbound is the remover's. */
static bool lock_function(struct pci_dev *pci, struct pci_dev *removed)
{
	return pci == removed ? pci_cfg_access_trylock(pci) :
				pci_dev_trylock(pci);
}

static void unlock_function(struct pci_dev *pci, struct pci_dev *removed)
{
	if (pci == removed)
		pci_cfg_access_unlock(pci);
	else
		pci_dev_unlock(pci);
}

static void unlock_functions(struct sluice_pci_affected *affected,
			     unsigned int nr, struct pci_dev *removed)
{
	while (nr--)
		unlock_function(affected->devs[nr], removed);
}

/* The bridge first, then what is below it, as the PCI core does. */
static int lock_all(struct pci_dev *bridge,
		    struct sluice_pci_affected *affected,
		    struct pci_dev *removed)
{
	unsigned int i;

	/* A slot may be on a root bus. */
	if (bridge && !pci_dev_trylock(bridge))
		return -EAGAIN;
	for (i = 0; i < affected->nr; i++) {
		if (!lock_function(affected->devs[i], removed))
			goto err_unlock;
	}
	return 0;

err_unlock:
	unlock_functions(affected, i, removed);
	if (bridge)
		pci_dev_unlock(bridge);
	return -EAGAIN;
}

struct sluice_pci_device *sluice_pci_our_device(struct pci_dev *pci)
{
	return pci->driver == &sluice_pci_driver ? pci_get_drvdata(pci) : NULL;
}

static int check_function(struct pci_dev *pci)
{
	struct sluice_pci_device *pdev = sluice_pci_our_device(pci);

	if (!pdev)
		return pci->driver ? -EPERM : 0;
	return READ_ONCE(pdev->in_use) ? -EBUSY : 0;
}

/* Return: 0 if they may be reset and one of them has to be; else an errno. */
static int check_unused(struct sluice_pci_device *pdev,
			const struct sluice_pci_affected *affected, void *data)
{
	struct sluice_pci_device *hit;
	bool wanted = false;
	unsigned int i;
	int ret;

	for (i = 0; i < affected->nr; i++) {
		ret = check_function(affected->devs[i]);
		if (ret)
			return ret;
		hit = sluice_pci_our_device(affected->devs[i]);
		wanted |= hit && hit->unreset;
	}
	return wanted ? 0 : -EALREADY;
}

static void prepare_function(struct pci_dev *pci)
{
	struct sluice_pci_device *pdev = sluice_pci_our_device(pci);
	u32 command;

	if (pdev)
		sluice_pci_err_handlers.reset_prepare(pci);
	pci_set_power_state(pci, PCI_D0);
	/* What doesn't answer has nothing that it should get back. */
	pci_read_config_dword(pci, PCI_COMMAND, &command);
	if (PCI_POSSIBLE_ERROR(command))
		return;
	pci_save_state(pci);
	pci_write_config_word(pci, PCI_COMMAND, PCI_COMMAND_INTX_DISABLE);
}

static void restore_function(struct pci_dev *pci, bool was_reset)
{
	struct sluice_pci_device *pdev = sluice_pci_our_device(pci);

	pci_restore_state(pci);
	if (!pdev)
		return;
	sluice_pci_err_handlers.reset_done(pci);
	if (was_reset)
		sluice_pci_set_unreset(pdev, false);
}

/* A port that reports what is plugged in has to know that nothing was. */
static int reset_slot(struct hotplug_slot *hotplug)
{
	int ret = -ENOTTY;

	if (!hotplug || !try_module_get(hotplug->owner))
		return ret;
	if (hotplug->ops->reset_slot)
		ret = hotplug->ops->reset_slot(hotplug, PCI_RESET_DO_RESET);
	module_put(hotplug->owner);
	return ret;
}

static int reset_all(struct pci_dev *bridge,
		     struct sluice_pci_affected *affected)
{
	unsigned int i;
	int ret;

	for (i = 0; i < affected->nr; i++)
		prepare_function(affected->devs[i]);
	ret = affected->slot ? reset_slot(affected->slot->hotplug) :
			       pci_bridge_secondary_bus_reset(bridge);
	for (i = 0; i < affected->nr; i++)
		restore_function(affected->devs[i], !ret);
	return ret;
}

/* Without a lock, so only a hint that spares us to try all the others. */
static bool has_other_driver(struct sluice_pci_affected *affected)
{
	const struct pci_driver *driver;
	unsigned int i;

	for (i = 0; i < affected->nr; i++) {
		driver = READ_ONCE(affected->devs[i]->driver);
		if (driver && driver != &sluice_pci_driver)
			return true;
	}
	return false;
}

static bool any_leaves(const struct sluice_pci_affected *affected)
{
	struct sluice_pci_device *pdev;
	unsigned int i;

	for (i = 0; i < affected->nr; i++) {
		pdev = sluice_pci_our_device(affected->devs[i]);
		if (pdev ? sluice_pci_leaves(pdev) :
			   sluice_pci_is_removed(affected->devs[i]))
			return true;
	}
	return false;
}

int sluice_pci_reset_affected(struct sluice_pci_device *pdev,
			      struct sluice_pci_affected *affected,
			      struct pci_dev *removed,
			      sluice_pci_reset_check *check, void *data)
{
	struct pci_dev *bridge = pdev->pci->bus->self;
	int ret;

	ret = lock_all(bridge, affected, removed);
	if (ret)
		return ret;
	ret = -EAGAIN;
	if (sluice_pci_affected_same(pdev->pci, affected))
		ret = check(pdev, affected, data);
	/* Who takes it away may wait for us, and an event of the slot for him. */
	if (!ret && affected->slot && any_leaves(affected))
		ret = -EAGAIN;
	if (!ret)
		ret = reset_all(bridge, affected);
	unlock_functions(affected, affected->nr, removed);
	if (bridge)
		pci_dev_unlock(bridge);
	return ret;
}

int sluice_pci_reset_unused_bus(struct sluice_pci_device *pdev)
{
	struct pci_dev *removed = READ_ONCE(pdev->removing) ? pdev->pci : NULL;
	struct sluice_pci_affected affected;
	int ret;

	if (!atomic_read(&nr_unreset))
		return -EALREADY;
	ret = sluice_pci_affected_init(&affected, pdev->pci);
	if (!ret)
		ret = sluice_pci_affected_list(&affected);
	if (ret)
		return ret;
	ret = -ESHUTDOWN;
	if (affected.slot && sluice_pci_leaves(pdev))
		goto out_put;
	ret = -EPERM;
	if (has_other_driver(&affected))
		goto out_put;
	ret = sluice_pci_reset_affected(pdev, &affected, removed, check_unused,
					NULL);
out_put:
	sluice_pci_affected_put(&affected);
	return ret;
}
