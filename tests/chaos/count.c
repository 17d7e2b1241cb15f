// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts of calls, by errno.
 */
#include "chaos.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Of fewer calls than this it isn't asked how many succeed. */
#define ENOUGH 50
#define SUCCEED_PERCENT 30

static unsigned long *counts_of(struct count *count, enum how how)
{
	if (how == MUTATED)
		return count->mutated;
	return how == INJECTED ? count->injected : count->valid;
}

void count_add(struct count *count, enum how how, int ret, unsigned long ms)
{
	int nr = ret < 0 ? -ret : 0;

	if (nr >= NR_ERRNOS)
		nr = NR_ERRNOS - 1;
	__atomic_fetch_add(&count->ms, ms, __ATOMIC_RELAXED);
	__atomic_fetch_add(&counts_of(count, how)[nr], 1, __ATOMIC_RELAXED);
}

static unsigned long sum(const unsigned long *counts)
{
	unsigned long ret = 0;
	int i;

	for (i = 0; i < NR_ERRNOS; i++)
		ret += counts[i];
	return ret;
}

unsigned long count_sum(const struct count *count)
{
	return sum(count->valid) + sum(count->mutated) + sum(count->injected);
}

static void print(const char *name, const char *how,
		  const unsigned long *counts)
{
	unsigned long all = sum(counts);
	int i;

	if (!all)
		return;
	printf("# %-22s %-8s %7lu, %3lu%% succeed", name, how, all,
	       counts[0] * 100 / all);
	for (i = 1; i < NR_ERRNOS; i++) {
		if (counts[i])
			printf(", %s %lu",
			       strerrorname_np(i) ? strerrorname_np(i) : "?",
			       counts[i]);
	}
	printf("\n");
}

bool count_print(const char *name, const struct count *count)
{
	unsigned long all = sum(count->valid);

	if (count_sum(count))
		printf("# %-22s %lu ms each\n", name,
		       count->ms / count_sum(count));
	print(name, "valid", count->valid);
	print(name, "mutated", count->mutated);
	print(name, "injected", count->injected);
	return all >= ENOUGH && count->valid[0] * 100 < all * SUCCEED_PERCENT;
}
