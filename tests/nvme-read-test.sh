#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# Suite: nvme-read reads whole disks, in different ways; each time every byte
# counts. Runs in the guest.

# shellcheck source=tests/lib/ktap.sh
. /usr/local/bin/ktap.sh

# reads NAME SHA256 ARGUMENT...: what nvme-read prints must have this sum, and
# it must have succeeded.
reads()
{
	name=$1 want=$2
	shift 2
	have=$({ nvme-read "$@" || echo "it failed"; } | sha256sum)
	echo "# $have"
	[ "${have%% *}" = "$want" ]
	result "$name" $?
}

echo "TAP version 13"
echo "1..6"
reads whole-disk "$NVME0_SHA256" --bind "$NVME0"
reads second-disk "$NVME1_SHA256" --bind "$NVME1"
reads one-at-a-time "$NVME1_SHA256" --bind --depth=1 --size=64 "$NVME1"
reads again-after-use "$NVME1_SHA256" --bind "$NVME1"

driver=$(readlink "/sys/bus/pci/devices/$NVME0/driver")
rc=0
[ "${driver##*/}" = nvme ] || rc=1
result host-driver-is-back "$rc"

for _ in 1 2 3 4 5 6 7 8 9 10; do
	disk=$(echo "/sys/bus/pci/devices/$NVME0/nvme/"*/nvme*n1)
	disk=/dev/${disk##*/}
	[ -b "$disk" ] && break
	sleep 1
done
[ "$(sha256sum <"$disk" | cut -d' ' -f1)" = "$NVME0_SHA256" ]
result host-driver-reads-the-same $?
