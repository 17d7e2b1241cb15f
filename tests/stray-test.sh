#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# Suite: a device writes where it may, and then where it no longer may. What the
# hypervisor saw of it is scripts/stray-trace's to judge. Runs in the guest.

# shellcheck source=tests/lib/ktap.sh
. /usr/local/bin/ktap.sh

echo "TAP version 13"
echo "1..2"
stray-dma "$EDU0"
result stray-dma-is-stopped $?
! stray-dma no-such-device 2>/dev/null
result stray-dma-can-fail $?
