// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which devices a reset of a bus or slot hits.
 *
 * Owns: the list of them. Does not own: who may ask for such a reset (reset.c,
 * bus_reset.c).
 */
#include <linux/pci.h>
#include <linux/slab.h>

#include "private.h"

/* Below a device in the slot everything is hit, whatever its slot. */
static bool is_hit(const struct sluice_pci_affected *affected,
		   const struct pci_dev *pci)
{
	return !affected->slot || pci->bus != affected->bus ||
	       pci->slot == affected->slot;
}

static int affected_add(struct pci_dev *pci, void *data)
{
	struct sluice_pci_affected *affected = data;

	if (!is_hit(affected, pci))
		return 0;
	if (affected->nr < affected->max)
		affected->devs[affected->nr] = pci_dev_get(pci);
	affected->nr++;
	return 0;
}

void sluice_pci_affected_put(struct sluice_pci_affected *affected)
{
	unsigned int i;

	for (i = 0; i < min(affected->nr, affected->max); i++)
		pci_dev_put(affected->devs[i]);
	kfree(affected->devs);
}

int sluice_pci_affected_init(struct sluice_pci_affected *affected,
			     struct pci_dev *pci)
{
	*affected = (struct sluice_pci_affected) { .bus = pci->bus };
	if (!pci_probe_reset_slot(pci->slot))
		affected->slot = pci->slot;
	else if (pci_probe_reset_bus(pci->bus))
		return -ENODEV;
	return 0;
}

int sluice_pci_affected_list(struct sluice_pci_affected *affected)
{
	pci_walk_bus(affected->bus, affected_add, affected);
	affected->devs = kcalloc(affected->nr, sizeof(*affected->devs),
				 GFP_KERNEL_ACCOUNT);
	if (!affected->devs)
		return -ENOMEM;
	affected->max = affected->nr;
	affected->nr = 0;
	pci_walk_bus(affected->bus, affected_add, affected);
	if (affected->nr <= affected->max)
		return 0;

	sluice_pci_affected_put(affected);
	return -EAGAIN;
}

/* How far a second walk has got. */
struct walk {
	const struct sluice_pci_affected *affected;
	unsigned int nr;
	bool differs;
};

static int walk_compare(struct pci_dev *pci, void *data)
{
	struct walk *walk = data;

	if (!is_hit(walk->affected, pci))
		return 0;
	walk->differs = walk->nr == walk->affected->nr ||
			walk->affected->devs[walk->nr++] != pci;
	return walk->differs;
}

bool sluice_pci_affected_same(struct pci_dev *pci,
			      const struct sluice_pci_affected *affected)
{
	struct walk walk = { .affected = affected };

	pci_walk_bus(pci->bus, walk_compare, &walk);
	return !walk.differs && walk.nr == affected->nr;
}
