// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reset of a bus or slot for the sake of functions that can't be reset by
 * themselves.
 *
 * Owns: the decision that nobody uses what would be hit, and that reset. Does
 * not own: resets that a user asks for (reset.c).
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
		pci_warn(pdev->pci, "not reset after use: others on its bus are in use\n");
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

	if (!pci_dev_trylock(bridge))
		return -EAGAIN;
	for (i = 0; i < affected->nr; i++) {
		if (!lock_function(affected->devs[i], removed))
			goto err_unlock;
	}
	return 0;

err_unlock:
	unlock_functions(affected, i, removed);
	pci_dev_unlock(bridge);
	return -EAGAIN;
}

/* What the driver core holds of us, or NULL; the device lock is held. */
static struct sluice_pci_device *our_device(struct pci_dev *pci)
{
	return pci->driver == &sluice_pci_driver ? pci_get_drvdata(pci) : NULL;
}

static int check_function(struct pci_dev *pci)
{
	struct sluice_pci_device *pdev = our_device(pci);

	if (!pdev)
		return pci->driver ? -EPERM : 0;
	return READ_ONCE(pdev->in_use) ? -EBUSY : 0;
}

/* Return: 0 if they may be reset and one of them has to be; else an errno. */
static int check_all(struct pci_dev *pci, struct sluice_pci_affected *affected)
{
	struct sluice_pci_device *pdev;
	bool wanted = false;
	unsigned int i;
	int ret;

	if (!sluice_pci_affected_same(pci, affected))
		return -EAGAIN;
	for (i = 0; i < affected->nr; i++) {
		ret = check_function(affected->devs[i]);
		if (ret)
			return ret;
		pdev = our_device(affected->devs[i]);
		wanted |= pdev && pdev->unreset;
	}
	return wanted ? 0 : -EALREADY;
}

static void prepare_function(struct pci_dev *pci)
{
	struct sluice_pci_device *pdev = our_device(pci);

	if (pdev)
		sluice_pci_err_handlers.reset_prepare(pci);
	pci_set_power_state(pci, PCI_D0);
	pci_save_state(pci);
	pci_write_config_word(pci, PCI_COMMAND, PCI_COMMAND_INTX_DISABLE);
}

static void restore_function(struct pci_dev *pci, bool was_reset)
{
	struct sluice_pci_device *pdev = our_device(pci);

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

int sluice_pci_reset_unused_bus(struct sluice_pci_device *pdev)
{
	struct pci_dev *removed = READ_ONCE(pdev->removing) ? pdev->pci : NULL;
	struct pci_dev *bridge = pdev->pci->bus->self;
	struct sluice_pci_affected affected;
	int ret;

	if (!atomic_read(&nr_unreset))
		return -EALREADY;
	ret = sluice_pci_affected_get(pdev->pci, &affected);
	if (ret)
		return ret;
	ret = -EPERM;
	if (has_other_driver(&affected))
		goto out_put;
	ret = lock_all(bridge, &affected, removed);
	if (ret)
		goto out_put;
	ret = check_all(pdev->pci, &affected);
	if (!ret)
		ret = reset_all(bridge, &affected);
	unlock_functions(&affected, affected.nr, removed);
	pci_dev_unlock(bridge);
out_put:
	sluice_pci_affected_put(&affected);
	return ret;
}
