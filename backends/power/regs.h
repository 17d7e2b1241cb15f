/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Translation control entries, and what firmware says of windows.
 *
 * Source: Linux on Power Architecture Reference (LoPAR), "Hypervisor Call Functions",
 * TCE hcalls: H_PUT_TCE, H_PUT_TCE_INDIRECT, H_STUFF_TCE; and "Dynamic DMA Windows".
 */
#ifndef SLUICE_POWER_REGS_H
#define SLUICE_POWER_REGS_H

#include <linux/bits.h>
#include <linux/sizes.h>

/* A TCE: what the device may do, and the page; 0: nothing is mapped. */
#define POWER_TCE_READ		BIT_ULL(0)
#define POWER_TCE_WRITE		BIT_ULL(1)
#define POWER_TCE_ADDR		GENMASK_ULL(63, 12)

/* TCEs that one H_PUT_TCE_INDIRECT or H_STUFF_TCE writes at most. */
#define POWER_BLOCK_LG2		9
#define POWER_BLOCK		BIT(POWER_BLOCK_LG2)

/* The list of an H_PUT_TCE_INDIRECT is so large, and so aligned. */
#define POWER_LIST_BYTES	SZ_4K

/* Page size that every default window has. */
#define POWER_DEFAULT_LG2	12

/* "IO page sizes" of ibm,query-pe-dma-windows: bit n stands for this size. */
#define POWER_QUERY_SIZES \
	{ SZ_4K, SZ_64K, SZ_16M, SZ_32M, SZ_64M, SZ_128M, SZ_256M, SZ_16G, \
	  SZ_2M }

#endif /* SLUICE_POWER_REGS_H */
