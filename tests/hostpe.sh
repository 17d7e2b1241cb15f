#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# Suite: a PE with two devices goes from its host drivers to a user and back, in
# either order. The disk must read back, and the NIC's driver set up its rings: on POWER
# both go through a table that the kernel has made anew. Runs in the guest.

# shellcheck source=tests/lib/ktap.sh
. /usr/local/bin/ktap.sh

# driver DEVICE: who has it.
driver()
{
	basename "$(readlink "/sys/bus/pci/devices/$1/driver")"
}

# give DEVICE DRIVER: to vfio-pci, or, with "-", to the host's own.
give()
{
	dir=/sys/bus/pci/devices/$1
	if [ -e "$dir/driver" ]; then
		echo "$1" >"$dir/driver/unbind"
	fi
	if [ "$2" = - ]; then
		echo >"$dir/driver_override"
	else
		echo "$2" >"$dir/driver_override"
	fi
	echo "$1" >/sys/bus/pci/drivers_probe
}

# The sum of the disk as the host's driver reads it, past the page cache.
host_sum()
{
	i=0
	until disk=$(echo "/sys/bus/pci/devices/$NVME3/nvme/"*/nvme*n1) &&
	      [ -e "$disk" ]; do
		i=$((i + 1))
		[ $i -lt 50 ] || return
		sleep 0.1
	done
	echo 3 >/proc/sys/vm/drop_caches
	sum=$(dd if="/dev/${disk##*/}" bs=64k iflag=direct 2>/dev/null |
		sha256sum)
	echo "${sum%% *}"
}

nic_up()
{
	nic=$(ls "/sys/bus/pci/devices/$NIC2/net") &&
	ifconfig "$nic" up && sleep 0.5 && ifconfig "$nic" down
}

# round NAME FIRST SECOND: both devices to a user, then back in this order.
round()
{
	give "$NVME3" vfio-pci
	give "$NIC2" vfio-pci
	sum=$(nvme-read "$NVME3" | sha256sum)
	expect "$1-user-reads" test "${sum%% *}" = "$NVME3_SHA256"
	give "$2" -
	give "$3" -
	expect "$1-host-drivers" test \
		"$(driver "$NVME3") $(driver "$NIC2")" = "nvme e1000e"
	[ "$(host_sum)" = "$NVME3_SHA256" ]
	result "$1-disk-reads-back" $?
	nic_up
	result "$1-nic-works" $?
}

# The user is killed in the middle of it.
killed()
{
	give "$NVME3" vfio-pci
	give "$NIC2" vfio-pci
	rm -f /tmp/stop
	{ while [ ! -e /tmp/stop ] && nvme-read "$NVME3"; do :; done; } \
		>/dev/null 2>&1 &
	sleep 0.4
	touch /tmp/stop
	# It may be between two of them.
	killall -9 nvme-read 2>/dev/null
	wait
	give "$NIC2" -
	give "$NVME3" -
	[ "$(host_sum)" = "$NVME3_SHA256" ]
	result killed-disk-reads-back $?
	nic_up
	result killed-nic-works $?
}

echo "TAP version 13"
echo "1..12"
[ "$(host_sum)" = "$NVME3_SHA256" ]
result host-reads $?
nic_up
result nic-works $?
round disk-first "$NVME3" "$NIC2"
round nic-first "$NIC2" "$NVME3"
killed
