/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A page of memory that is missing until somebody says so: userfaultfd answers for it.
 * Whoever touches it, the kernel too, waits for as long as that takes.
 */
#ifndef TEST_MISSING_H
#define TEST_MISSING_H

#include <stdbool.h>

/* Takes the page at @page away; the fd that answers for it, or -1. */
int missing_take(void *page);

/* Waits for somebody to want it. */
bool missing_wanted(int uffd);

/* Gives a page of zeroes; whoever waits goes on. */
void missing_give(int uffd, void *page);

#endif /* TEST_MISSING_H */
