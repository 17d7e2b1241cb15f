// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that can't be assigned safely.
 *
 * Owns: the list of devices whose errata let their user out of the IOMMU's
 * isolation, or take the host down, and the parameter that overrules it.
 */
#include <linux/moduleparam.h>
#include <linux/pci.h>

#include "private.h"

static bool disable_denylist;
module_param(disable_denylist, bool, 0444);
MODULE_PARM_DESC(disable_denylist, "bind also to devices that are known to break isolation or to hang the machine: with these, whoever has the device can take over the host");

static const struct pci_device_id denied_ids[] = {
	/* Accelerators that can be made to hang the platform: QuickAssist. */
	{ PCI_VDEVICE(INTEL, PCI_DEVICE_ID_INTEL_QAT_DH895XCC) },
	{ PCI_VDEVICE(INTEL, PCI_DEVICE_ID_INTEL_QAT_DH895XCC_VF) },
	{ PCI_VDEVICE(INTEL, PCI_DEVICE_ID_INTEL_QAT_C3XXX) },		/* C3xxx */
	{ PCI_VDEVICE(INTEL, PCI_DEVICE_ID_INTEL_QAT_C3XXX_VF) },
	{ PCI_VDEVICE(INTEL, PCI_DEVICE_ID_INTEL_QAT_C62X) },		/* C62x */
	{ PCI_VDEVICE(INTEL, PCI_DEVICE_ID_INTEL_QAT_C62X_VF) },
	/* CVE-2024-21823: first revisions of DSA and IAA. */
	{ PCI_VDEVICE(INTEL, PCI_DEVICE_ID_INTEL_DSA_SPR0) },
	{ PCI_VDEVICE(INTEL, PCI_DEVICE_ID_INTEL_IAX_SPR0) },
	{}
};

bool sluice_pci_denied(struct pci_dev *pci)
{
	if (!pci_match_id(denied_ids, pci))
		return false;
	if (!disable_denylist) {
		pci_warn(pci, "%04x:%04x is known to break isolation: not bound (vfio_pci.disable_denylist=1 overrules)\n",
			 pci->vendor, pci->device);
		return true;
	}
	pci_warn(pci, "%04x:%04x is known to break isolation, but denylist is disabled\n",
		 pci->vendor, pci->device);
	return false;
}
