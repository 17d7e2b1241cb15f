/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Suspend to RAM, on a machine that an RTC wakes.
 */
#ifndef TEST_SLEEP_H
#define TEST_SLEEP_H

#include <stdbool.h>

/* Would an RTC wake this machine, and would its IOMMU translate DMA afterwards? */
bool sleep_can(void);

/*
 * Sleeps, and wakes after @seconds. @start, if there is one, is called last before
 * the machine goes to sleep. False if it didn't.
 */
bool sleep_and_wake(unsigned int seconds, void (*start)(void *arg), void *arg);

#endif /* TEST_SLEEP_H */
