/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * PCI devices as sysfs shows them: finding, binding drivers, real
 * configuration space and BARs. Nothing here goes through VFIO, so it can
 * be used to check what VFIO did.
 */
#ifndef TEST_PCI_H
#define TEST_PCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Device and vendor, as the first dword of configuration space has them. */
#define PCI_ID_EDU 0x11e81234
#define PCI_ID_NVME 0x00101b36
#define PCI_ID_E1000E 0x10d38086

struct pci_dev {
	char name[16]; /* 0000:01:00.0 */
	uint16_t vendor;
	uint16_t device;
	int group;
};

/* The @nth (from 0) device with this ID in order of address, or -ENODEV. */
int pci_find(struct pci_dev *dev, uint32_t id, unsigned int nth);

/* As pci_find(), but only devices that are alone in their group. */
int pci_find_alone(struct pci_dev *dev, uint32_t id, unsigned int nth);

bool pci_is_present(const struct pci_dev *dev);

/* Its group may be another one since it was removed and found again. */
void pci_look_again(struct pci_dev *dev);

/* End points (class other than bridge) in a group, up to @max; their count. */
int pci_group_members(int group, struct pci_dev *devs, int max);

/* An edu and an e1000 that share a group; -ENODEV if there are none. */
int pci_find_pair(struct pci_dev *edu, struct pci_dev *nic);

/*
 * Makes @driver the device's driver (by driver_override), or leaves it
 * without any ("") or to the one that matches by ID (NULL).
 */
int pci_bind(const struct pci_dev *dev, const char *driver);

/*
 * Takes all ways to reset a function from the kernel, or gives them back. A
 * bus reset takes more than a second at every open and close of a device.
 */
int pci_allow_reset(const struct pci_dev *dev, bool allow);

/* Is there no bridge above it? Then nothing can reset its bus. */
bool pci_on_root_bus(const struct pci_dev *dev);

/* Name of the current driver in @name, "" if none. */
void pci_driver(const struct pci_dev *dev, char *name, size_t size);

/* The real configuration space; -1 on failure. */
int64_t pci_cfg_read(const struct pci_dev *dev, unsigned int off,
		     unsigned int size);
int pci_cfg_write(const struct pci_dev *dev, unsigned int off,
		  unsigned int size, uint32_t val);

/* Offset of a capability in the real configuration space, or 0. */
unsigned int pci_cap(const struct pci_dev *dev, uint8_t id);

/* The kernel's own idea of a BAR. */
int pci_resource(const struct pci_dev *dev, int bar, uint64_t *start,
		 uint64_t *size);

/* mmap of sysfs resource<bar>, or NULL. */
void *pci_resource_map(const struct pci_dev *dev, int bar, size_t size);

/*
 * Does the kernel's log report a fault of the device within @ms? Where reports
 * always name the same device, as those of QEMU's AMD-Vi, $FAULTS_NAME says which;
 * if it is "none" there are no reports, as on QEMU's pSeries, and any answer is good.
 */
bool pci_fault_wait(int kmsg, const char *name, unsigned int ms);

#endif /* TEST_PCI_H */
