#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# Suite: after suspend to RAM the IOMMU does what it did before, for host
# drivers, for Sluice and against stray DMA. Twice, since what was saved has to
# be saved again. Runs in the guest.

ROUNDS=2
LPC=/sys/bus/pci/devices/0000:00:1f.0/config
RTC=/sys/class/rtc/rtc0/wakealarm
COUNT=/sys/power/suspend_stats/success

# shellcheck source=tests/lib/ktap.sh
. /usr/local/bin/ktap.sh

# lpc ARGUMENT...: 8 bytes, by dd: the chipset's power-management base address.
lpc()
{
	dd bs=1 count=8 conv=notrunc "$@" 2>/dev/null
}

# disks ACTION: bind the host's driver to all disks, or unbind it.
disks()
{
	for disk in "$NVME0" "$NVME1" "$NVME2"; do
		echo "$disk" >"/sys/bus/pci/drivers/nvme/$1"
	done
}

# This Linux's nvme driver freezes its queues in one task and thaws them in
# another, which lockdep takes for a bug: with lockdep, the disks have no driver
# while the machine sleeps.
#
# The firmware leaves the chipset's power-management registers without an
# address after a wake-up. Without them the machine couldn't be switched off.
sleep_and_wake()
{
	before=$(cat $COUNT)
	lpc if=$LPC skip=64 of=/tmp/lpc
	[ ! -e /proc/lockdep ] || disks unbind
	echo 0 >$RTC
	echo +3 >$RTC
	echo mem >/sys/power/state
	lpc if=/tmp/lpc of=$LPC seek=64
	[ ! -e /proc/lockdep ] || disks bind
	[ "$(cat $COUNT)" -eq $((before + 1)) ]
}

domain()
{
	[ "$(cat "/sys/bus/pci/devices/$NVME1/iommu_group/type")" = \
		"$HOST_DOMAIN" ]
}

host_disk_reads()
{
	echo 3 >/proc/sys/vm/drop_caches
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		disk=$(echo "/sys/bus/pci/devices/$NVME1/nvme/"*/nvme*n1)
		[ ! -b "/dev/${disk##*/}" ] || break
		sleep 1
	done
	have=$(sha256sum <"/dev/${disk##*/}")
	[ "${have%% *}" = "$NVME1_SHA256" ]
}

nvme_read_reads()
{
	have=$({ nvme-read --bind "$NVME1" || echo "it failed"; } | sha256sum)
	[ "${have%% *}" = "$NVME1_SHA256" ]
}

# stray_dma_faults MARK: stopped, and reported since MARK was logged. Reports are
# limited: shortly after many others there may be none.
stray_dma_faults()
{
	echo "$1" >/dev/kmsg
	for _ in 1 2 3 4 5 6 7 8; do
		stray-dma "$EDU0" >/dev/null || return 1
		sleep 1
		dmesg | sed -n "/$1/,\$p" | grep 'fault addr' |
			grep -q "${FAULTS_NAME:-${EDU0#*:}}" && return 0
	done
	return 1
}

echo "TAP version 13"
echo "1..$((4 + ROUNDS * 5))"
domain
result domain $?
host_disk_reads
result host-disk $?
nvme_read_reads
result nvme-read $?
stray_dma_faults suspend-0
result stray-dma $?

round=1
while [ $round -le $ROUNDS ]; do
	sleep_and_wake
	result sleep-$round $?
	domain
	result domain-$round $?
	host_disk_reads
	result host-disk-$round $?
	nvme_read_reads
	result nvme-read-$round $?
	stray_dma_faults suspend-$round
	result stray-dma-$round $?
	round=$((round + 1))
done
