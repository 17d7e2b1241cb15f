# SPDX-License-Identifier: GPL-2.0-only
obj-$(CONFIG_SLUICE)		+= core/
obj-$(CONFIG_SLUICE_GENERIC)	+= backends/generic/
obj-$(CONFIG_SLUICE_PCI)	+= pci/
obj-$(CONFIG_SLUICE_KUNIT_TEST)	+= kunit/
