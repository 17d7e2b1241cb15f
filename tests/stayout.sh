#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# Suite: where the kernel's own driver has the IOMMU, ours stays out and says
# so; Sluice works through that driver. Runs in the guest.
# usage: stayout DRIVER REASON FAULT   (the driver, the reason that it gives, and a
# pattern of how the kernel's driver reports faults)

# shellcheck source=tests/lib/ktap.sh
. /usr/local/bin/ktap.sh

echo "TAP version 13"
echo "1..4"
dmesg | grep -q "sluice $1: stays out: $2"
result says-so $?
! dmesg | grep "sluice $1: " | grep -q 'translation is on'
result drives-nothing $?
have=$({ nvme-read --bind "$NVME1" || echo "it failed"; } | sha256sum)
[ "${have%% *}" = "$NVME1_SHA256" ]
result nvme-read $?
echo "stayout: stray DMA" >/dev/kmsg
stray-dma "$EDU0" >/dev/null
stopped=$?
dmesg | sed -n '/stayout: stray DMA/,$p' | grep "$3" |
	grep -q "${FAULTS_NAME:-${EDU0#*:}}" || stopped=1
result its-driver-reports-faults "$stopped"
