#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# Suite: without interrupt remapping our VT-d driver leaves the hardware alone
# and says why. There are no IOMMU groups then, no device can be assigned, and
# the host's own devices work as ever. Runs in the guest.

# shellcheck source=tests/lib/ktap.sh
. /usr/local/bin/ktap.sh

# bind ADDRESS: to vfio-pci. Prints the kernel's answer.
bind()
{
	echo vfio-pci >"/sys/bus/pci/devices/$1/driver_override"
	{ echo "$1" >/sys/bus/pci/drivers/vfio-pci/bind; } 2>&1
}

echo "TAP version 13"
echo "1..6"
dmesg | grep 'sluice vtd: stays out: ' | grep -q 'interrupt remapping'
result says-why $?
expect drives-nothing test ! -e /sys/class/iommu/dmar0
expect no-groups test -z "$(ls /sys/kernel/iommu_groups)"
answer=$(bind "$EDU0")
echo "# $answer"
echo "$answer" | grep -q 'Invalid argument'
result binding-is-refused $?
nothing_is_bound()
{
	[ ! -e "/sys/bus/pci/devices/$EDU0/driver" ] && [ ! -e /dev/vfio/0 ]
}
expect nothing-is-bound nothing_is_bound
disk=$(echo "/sys/bus/pci/devices/$NVME1/nvme/"*/nvme*n1)
have=$(sha256sum <"/dev/${disk##*/}")
[ "${have%% *}" = "$NVME1_SHA256" ]
result host-disk-reads $?
