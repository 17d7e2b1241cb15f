// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls that write TCEs.
 *
 * Owns: as few of them as the hypervisor allows, and repeating those that it was too
 * busy for. Does not own: what is written, and under which locks (map.c).
 */
#include <linux/delay.h>
#include <linux/minmax.h>
#include <linux/sched.h>

#include "private.h"

/* A hypervisor that is busy for longer won't do it at all: a tenth of a second. */
#define BUSY_TRIES	1000
#define BUSY_SPINS	10

/* Is it worth trying again? */
static bool busy(int ret, unsigned int *try)
{
	if (likely(ret != -EBUSY) || *try >= BUSY_TRIES)
		return false;
	++*try;
	if (*try > BUSY_SPINS)
		usleep_range(50, 150);
	else
		cpu_relax();
	return true;
}

static int put(const struct power_pe *pe, u32 liobn, u64 iova, u64 tce,
	       unsigned int *try)
{
	int ret;

	do {
		ret = pe->hv->put(liobn, iova, tce);
	} while (busy(ret, try));
	return ret;
}

/**
 * power_tce_put - write a TCE of a PE
 * @pe: the PE
 * @liobn: the window
 * @iova: the TCE's
 * @tce: what to write
 *
 * Context: may sleep.
 * Return: 0; an errno as &struct power_hv says: it may have been written.
 */
int power_tce_put(const struct power_pe *pe, u32 liobn, u64 iova, u64 tce)
{
	unsigned int try = 0;

	return put(pe, liobn, iova, tce, &try);
}

/**
 * power_tces_put - write TCEs of a PE
 * @pe: the PE
 * @liobn: the window
 * @iova: of the first TCE
 * @page_lg2: the window's page size
 * @tces: what to write; aligned as &power_hv.put_indirect says
 * @nr: how many, at most &POWER_BLOCK
 *
 * Context: may sleep.
 * Return: 0; an errno as &struct power_hv says: some may have been written.
 */
int power_tces_put(const struct power_pe *pe, u32 liobn, u64 iova,
		   unsigned int page_lg2, const __be64 *tces, unsigned int nr)
{
	unsigned int i, try = 0;
	int ret = 0;

	if (nr > 1 && pe->hv->put_indirect) {
		/* Repeated as a whole: what was written by then is written again. */
		do {
			ret = pe->hv->put_indirect(liobn, iova, tces, nr);
		} while (busy(ret, &try));
		return ret;
	}
	for (i = 0; !ret && i < nr; i++, try = 0)
		ret = put(pe, liobn, iova + ((u64)i << page_lg2),
			  be64_to_cpu(tces[i]), &try);
	return ret;
}

/**
 * power_tces_stuff - clear TCEs of a PE
 * @pe: the PE
 * @liobn: the window
 * @iova: of the first TCE
 * @page_lg2: the window's page size
 * @nr: how many
 * @try: 0 at first, then for more of the same: how often the hypervisor was busy in a
 *	row. Once that was too often, others are tried, but not waited for
 *
 * Context: may sleep.
 * Return: 0; an errno if the hypervisor refuses: all the others are cleared.
 */
int power_tces_stuff(const struct power_pe *pe, u32 liobn, u64 iova,
		     unsigned int page_lg2, u64 nr, unsigned int *try)
{
	int ret = 0;

	while (nr) {
		unsigned int n = 1;
		int err;

		if (nr > 1 && pe->hv->stuff) {
			n = min_t(u64, nr, POWER_BLOCK);
			do {
				err = pe->hv->stuff(liobn, iova, 0, n);
			} while (busy(err, try));
		} else {
			err = put(pe, liobn, iova, 0, try);
		}
		if (!err)
			*try = 0;
		ret = ret ?: err;
		iova += (u64)n << page_lg2;
		nr -= n;
		cond_resched();
	}
	return ret;
}
