#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# Suite: this kernel starts another one, which finds the IOMMU in order. Runs
# twice: the second kernel's init comes here again, with SECOND on its command
# line, and goes on with the results. It must be its boot's only suite. Whether
# translation was off in between, QEMU's trace tells (scripts/iommu-off).

SECOND=sluice.second

# result NUMBER NAME STATUS: one line of KTAP.
result()
{
	if [ "$3" -eq 0 ]; then
		echo "ok $1 $2"
	else
		echo "not ok $1 $2"
	fi
}

# reads NUMBER NAME: a disk through the driver in user space.
reads()
{
	have=$({ nvme-read --bind "$NVME0" || echo "it failed"; } | sha256sum)
	echo "# $have"
	[ "${have%% *}" = "$NVME0_SHA256" ]
	result "$1" "$2" $?
}

if ! grep -qw "$SECOND" /proc/cmdline; then
	echo "TAP version 13"
	echo "1..5"
	reads 1 first-kernel-reads
	(cd / && find . -xdev ! -name bzImage | cpio -o -H newc 2>/dev/null |
		gzip -1) >/tmp/initrd
	kexec-load /usr/local/bin/bzImage /tmp/initrd \
		"$(cat /proc/cmdline) $SECOND"
	result 2 second-kernel-starts 1
	exit 1
fi

result 2 second-kernel-starts 0
reads 3 second-kernel-reads
disk=$(echo "/sys/bus/pci/devices/$NVME1/nvme/"*/nvme*n1)
have=$(sha256sum <"/dev/${disk##*/}")
[ "${have%% *}" = "$NVME1_SHA256" ]
result 4 host-driver-reads $?
echo "kexec: stray DMA" >/dev/kmsg
stray-dma "$EDU0" >/dev/null
stopped=$?
dmesg | sed -n '/kexec: stray DMA/,$p' | grep 'fault addr' |
	grep -q "${FAULTS_NAME:-${EDU0#*:}}" || stopped=1
result 5 stray-dma-faults "$stopped"
# The boot ends with a reset: the trace shows that it finds translation off.
touch /run/reboot
