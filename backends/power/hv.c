// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hypervisor: hypercalls that write TCEs, and RTAS calls about windows.
 *
 * Owns: their calling conventions, and what their codes mean. Nothing else of the
 * backend calls the hypervisor or firmware. Source: LoPAR, as regs.h.
 */
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <asm/firmware.h>
#include <asm/hvcall.h>
#include <asm/plpar_wrappers.h>
#include <asm/rtas.h>

#include "private.h"

/* RTAS is waited for so long: zeroing the table of a large window takes its time. */
#define RTAS_PATIENCE (10 * HZ)

static int hcall_errno(long rc)
{
	if (likely(rc == H_SUCCESS))
		return 0;
	if (rc == H_BUSY || H_IS_LONG_BUSY(rc))
		return -EBUSY;
	return rc == H_NOT_ENOUGH_RESOURCES ? -ENOMEM : -EIO;
}

static int hv_put(u32 liobn, u64 ioba, u64 tce)
{
	return hcall_errno(plpar_tce_put(liobn, ioba, tce));
}

static int hv_put_indirect(u32 liobn, u64 ioba, const __be64 *tces,
			   unsigned int nr)
{
	return hcall_errno(plpar_tce_put_indirect(liobn, ioba, __pa(tces), nr));
}

static int hv_stuff(u32 liobn, u64 ioba, u64 tce, unsigned int nr)
{
	return hcall_errno(plpar_tce_stuff(liobn, ioba, tce, nr));
}

static int rtas_errno(int rc)
{
	if (!rc)
		return 0;
	return rtas_busy_delay_time(rc) ? -EBUSY : -EIO;
}

/* Is the same call worth repeating? Sleeps as long as RTAS wants, a second at most. */
static bool again(int rc, unsigned long deadline)
{
	return rtas_busy_delay(rc) && time_before(jiffies, deadline);
}

static int hv_query(const struct power_pe_desc *pe,
		    struct power_ddw_query *query)
{
	unsigned long deadline = jiffies + RTAS_PATIENCE;
	unsigned int wide = pe->query_wide;
	u32 out[5];
	int rc;

	/* Windows, the largest block in one word or two, sizes, migration. */
	do {
		rc = rtas_call(pe->query, 3, 5 + wide, out, pe->config_addr,
			       upper_32_bits(pe->buid), lower_32_bits(pe->buid));
	} while (again(rc, deadline));
	if (rc)
		return rtas_errno(rc);
	query->windows = out[0];
	query->largest = wide ? (u64)out[1] << 32 | out[2] : out[1];
	query->sizes = out[2 + wide];
	return 0;
}

static int hv_create(const struct power_pe_desc *pe, unsigned int page_lg2,
		     unsigned int window_lg2, struct power_ddw *window)
{
	unsigned long deadline = jiffies + RTAS_PATIENCE;
	u32 out[3];
	int rc;

	do {
		rc = rtas_call(pe->create, 5, 4, out, pe->config_addr,
			       upper_32_bits(pe->buid), lower_32_bits(pe->buid), page_lg2,
			       window_lg2);
	} while (again(rc, deadline));
	if (rc)
		return rtas_errno(rc);
	window->liobn = out[0];
	window->start = (u64)out[1] << 32 | out[2];
	return 0;
}

static int hv_remove(const struct power_pe_desc *pe, u32 liobn)
{
	unsigned long deadline = jiffies + RTAS_PATIENCE;
	int rc;

	do {
		rc = rtas_call(pe->remove, 1, 1, NULL, liobn);
	} while (again(rc, deadline));
	return rtas_errno(rc);
}

static int hv_reset(const struct power_pe_desc *pe)
{
	unsigned long deadline = jiffies + RTAS_PATIENCE;
	int rc;

	do {
		rc = rtas_call(pe->reset, 3, 1, NULL, pe->config_addr,
			       upper_32_bits(pe->buid), lower_32_bits(pe->buid));
	} while (again(rc, deadline));
	return rtas_errno(rc);
}

static struct power_hv hv __ro_after_init = {
	.put = hv_put,
	.query = hv_query,
	.create = hv_create,
	.remove = hv_remove,
	.reset = hv_reset,
};

/**
 * power_hv_init - find out what the hypervisor can do
 *
 * Context: once, at boot.
 * Return: the calls; NULL if there is no hypervisor.
 */
const struct power_hv *__init power_hv_init(void)
{
	if (!firmware_has_feature(FW_FEATURE_LPAR))
		return NULL;
	if (firmware_has_feature(FW_FEATURE_PUT_TCE_IND))
		hv.put_indirect = hv_put_indirect;
	if (firmware_has_feature(FW_FEATURE_STUFF_TCE))
		hv.stuff = hv_stuff;
	return &hv;
}
