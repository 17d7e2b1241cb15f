# SPDX-License-Identifier: GPL-2.0-only
#
# Two things in one: inside kbuild, the makefile of drivers/sluice; outside,
# the developer's front door. kbuild sets KERNELRELEASE.

ifneq ($(KERNELRELEASE),)

obj-y				+= core/
obj-$(CONFIG_SLUICE_GENERIC)	+= backends/generic/
obj-$(CONFIG_SLUICE_PAGING)	+= backends/paging/
obj-$(CONFIG_SLUICE_VTD_LIB)	+= backends/vtd/
obj-$(CONFIG_SLUICE_AMDVI_LIB)	+= backends/amdvi/
obj-$(CONFIG_SLUICE_POWER_LIB)	+= backends/power/
obj-$(CONFIG_SLUICE_PCI)	+= pci/
obj-$(CONFIG_SLUICE_KUNIT_TEST)	+= kunit/

else

MACHINE ?= all
KERNEL ?= release
export MACHINE KERNEL

help:
	@scripts/help

demo check bench lint setup kernel-image programs:
	@scripts/$@

check-all:
	@scripts/check --all

# Not exported: a shell counts its own SECONDS.
chaos:
	@scripts/chaos $(or $(SECONDS),60) $(or $(SEED),1)

clean:
	rm -rf build

# The cache: kernels, sources, QEMU. Everything is made again when needed.
distclean: clean
	@scripts/drop-cache

.PHONY: help demo check check-all chaos bench lint setup kernel-image programs clean distclean

endif
