// SPDX-License-Identifier: GPL-2.0-only
#include "sleep.h"
#include "pci.h"
#include "sys.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ALARM "/sys/class/rtc/rtc0/wakealarm"
#define STATE "/sys/power/state"
#define SUCCESS "/sys/power/suspend_stats/success"

bool sleep_can(void)
{
	const char *breaks = getenv("SLEEP_BREAKS");

	return !access(ALARM, W_OK) && !(breaks && *breaks);
}

static long successes(void)
{
	char buf[32];

	return sys_read(SUCCESS, buf, sizeof(buf)) < 0 ? -1 : atol(buf);
}

/*
 * The firmware leaves the chipset's power-management registers without an address
 * after a wake-up; without them the machine couldn't be switched off.
 */
static const struct pci_dev lpc = { .name = "0000:00:1f.0" };
#define LPC_PMBASE 0x40

bool sleep_and_wake(unsigned int seconds, void (*start)(void *arg), void *arg)
{
	int64_t low = pci_cfg_read(&lpc, LPC_PMBASE, 4);
	int64_t high = pci_cfg_read(&lpc, LPC_PMBASE + 4, 4);
	long before = successes();
	char alarm[16];
	int ret;

	snprintf(alarm, sizeof(alarm), "+%u", seconds);
	/* A sync would take the time that DMA does. */
	sync();
	sys_write("/sys/power/sync_on_suspend", "0");
	sys_write(ALARM, "0");
	sys_write(ALARM, alarm);
	if (start)
		start(arg);
	ret = sys_write(STATE, "mem");
	pci_cfg_write(&lpc, LPC_PMBASE, 4, low);
	pci_cfg_write(&lpc, LPC_PMBASE + 4, 4, high);
	return !ret && successes() == before + 1;
}
