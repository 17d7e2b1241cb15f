#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# Suite: the devices' part of a suspend, with an edu that is a bus master. What
# becomes of its COMMAND register meanwhile is seen in QEMU's trace: between two
# writes of a register that means nothing to hardware (scripts/master-off). Runs in
# the guest.

CONFIG=/sys/bus/pci/devices/$EDU0/config

# shellcheck source=tests/lib/ktap.sh
. /usr/local/bin/ktap.sh

# config OFFSET [BYTE]: reads a byte, or writes one.
config()
{
	if [ $# -eq 2 ]; then
		printf "%b" "\\0$2" |
			dd of="$CONFIG" bs=1 seek="$1" conv=notrunc 2>/dev/null
	else
		dd if="$CONFIG" bs=1 skip="$1" count=1 2>/dev/null |
			od -An -tu1
	fi
}

LINE=60
COMMAND=4

device_sleeps()
{
	echo vfio-pci >"/sys/bus/pci/devices/$EDU0/driver_override"
	echo "$EDU0" >/sys/bus/pci/drivers_probe
	line=$(config $LINE)
	config $COMMAND 006
	config $LINE 252
	echo 1 >/sys/module/suspend/parameters/pm_test_delay
	echo devices >/sys/power/pm_test
	slept=0
	echo freeze >/sys/power/state || slept=1
	echo none >/sys/power/pm_test
	config $LINE 273
	config $LINE "$(printf '%o' "$line")"
	return $slept
}

master_is_back()
{
	master=$(config $COMMAND)
	config $COMMAND 000
	[ $((master & 4)) -eq 4 ]
}

echo "TAP version 13"
echo "1..2"
device_sleeps
result device-sleeps $?
master_is_back
result master-is-back $?
