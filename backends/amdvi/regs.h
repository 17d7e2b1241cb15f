/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * AMD-Vi: registers, and structures in memory that hardware reads.
 *
 * Owns: the layout of both, and nothing else. Source: AMD I/O Virtualization
 * Technology (IOMMU) Specification, publication 48882; the section stands beside
 * each group. Page tables are core/pt's.
 */
#ifndef SLUICE_AMDVI_REGS_H
#define SLUICE_AMDVI_REGS_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/types.h>

/* ---- 3.2: the PCI capability ---- */

#define AMDVI_CAP_ID		0x0f
#define AMDVI_CAP_HEADER	0x00
#define AMDVI_CAP_TYPE		GENMASK(18, 16)
#define AMDVI_CAP_TYPE_IOMMU	3
#define AMDVI_CAP_IOTLB		BIT(24)
#define AMDVI_CAP_NP_CACHE	BIT(26)
#define AMDVI_CAP_EFR		BIT(27)

/* ---- 3.4: registers, 64 bits each ---- */

#define AMDVI_DEVTAB_REG	0x0000	/* 3.4.1 */
#define AMDVI_DEVTAB_BASE	GENMASK_ULL(51, 12)
#define AMDVI_DEVTAB_SIZE	GENMASK_ULL(8, 0)	/* pages of 4 KiB, less 1 */

#define AMDVI_CMD_BASE_REG	0x0008	/* 3.4.2 */
#define AMDVI_EVENT_BASE_REG	0x0010	/* 3.4.3 */
/* Of both: */
#define AMDVI_RING_BASE		GENMASK_ULL(51, 12)
#define AMDVI_RING_LEN		GENMASK_ULL(59, 56)	/* log2 of the entries */

#define AMDVI_CONTROL_REG	0x0018	/* 3.4.4 */
#define AMDVI_CONTROL_IOMMU_EN	BIT_ULL(0)
#define AMDVI_CONTROL_HT_TUN_EN	BIT_ULL(1)
#define AMDVI_CONTROL_EVENT_LOG_EN BIT_ULL(2)
#define AMDVI_CONTROL_EVENT_INT_EN BIT_ULL(3)
#define AMDVI_CONTROL_COMWAIT_INT_EN BIT_ULL(4)
#define AMDVI_CONTROL_INV_TIMEOUT GENMASK_ULL(7, 5)	/* of devices' TLBs */
#define AMDVI_INV_TIMEOUT_100MS	3
#define AMDVI_CONTROL_PASS_PW	BIT_ULL(8)
#define AMDVI_CONTROL_RES_PASS_PW BIT_ULL(9)
#define AMDVI_CONTROL_COHERENT	BIT_ULL(10)
#define AMDVI_CONTROL_ISOC	BIT_ULL(11)
#define AMDVI_CONTROL_CMD_EN	BIT_ULL(12)
#define AMDVI_CONTROL_PPR_LOG_EN BIT_ULL(13)
#define AMDVI_CONTROL_PPR_INT_EN BIT_ULL(14)
#define AMDVI_CONTROL_PPR_EN	BIT_ULL(15)
#define AMDVI_CONTROL_GT_EN	BIT_ULL(16)
#define AMDVI_CONTROL_GA_EN	BIT_ULL(17)
#define AMDVI_CONTROL_GA_LOG_EN	BIT_ULL(28)
#define AMDVI_CONTROL_GA_INT_EN	BIT_ULL(29)
#define AMDVI_CONTROL_XT_EN	BIT_ULL(50)
#define AMDVI_CONTROL_INTCAP_XT_EN BIT_ULL(51)

#define AMDVI_EXCL_BASE_REG	0x0020	/* 3.4.5 */
#define AMDVI_EXCL_LIMIT_REG	0x0028

#define AMDVI_EFR_REG		0x0030	/* 3.4.6: extended features */
#define AMDVI_EFR_XT		BIT_ULL(2)
#define AMDVI_EFR_INV_ALL	BIT_ULL(6)
#define AMDVI_EFR_GA		BIT_ULL(7)
#define AMDVI_EFR_HATS		GENMASK_ULL(11, 10)	/* levels, less 4 */
#define AMDVI_EFR_HATS_NONE	3

#define AMDVI_CMD_HEAD_REG	0x2000	/* 3.4.13 */
#define AMDVI_CMD_TAIL_REG	0x2008
#define AMDVI_EVENT_HEAD_REG	0x2010
#define AMDVI_EVENT_TAIL_REG	0x2018
/* Of all four: an offset in bytes. */
#define AMDVI_RING_OFFSET	GENMASK_ULL(18, 4)

#define AMDVI_STATUS_REG	0x2020	/* 3.4.14; written 1s clear the first three */
#define AMDVI_STATUS_EVENT_OVERFLOW BIT_ULL(0)
#define AMDVI_STATUS_EVENT_INT	BIT_ULL(1)
#define AMDVI_STATUS_COMWAIT_INT BIT_ULL(2)
#define AMDVI_STATUS_EVENT_RUN	BIT_ULL(3)
#define AMDVI_STATUS_CMD_RUN	BIT_ULL(4)

/* ---- 2.2.2.1: device table entries, 32 bytes, little-endian ---- */

#define AMDVI_DEVTAB_ENTRIES	65536

struct amdvi_dte {
	__le64 q[4];
};

static_assert(sizeof(struct amdvi_dte) == 32);

/* First word: */
#define AMDVI_DTE_V		BIT_ULL(0)
#define AMDVI_DTE_TV		BIT_ULL(1)
#define AMDVI_DTE_MODE		GENMASK_ULL(11, 9)	/* levels; 0: no tables */
#define AMDVI_DTE_ROOT		GENMASK_ULL(51, 12)
#define AMDVI_DTE_IR		BIT_ULL(61)
#define AMDVI_DTE_IW		BIT_ULL(62)
/* Second word: */
#define AMDVI_DTE_DOMAIN	GENMASK_ULL(15, 0)
#define AMDVI_DTE_IOTLB		BIT_ULL(32)
#define AMDVI_DTE_SYSMGT	GENMASK_ULL(41, 40)
/* Third word: */
#define AMDVI_DTE_IV		BIT_ULL(0)
#define AMDVI_DTE_INT_LEN	GENMASK_ULL(4, 1)	/* log2 of the entries */
#define AMDVI_DTE_INT_ROOT	GENMASK_ULL(51, 6)
#define AMDVI_DTE_INIT_PASS	BIT_ULL(56)
#define AMDVI_DTE_EINT_PASS	BIT_ULL(57)
#define AMDVI_DTE_NMI_PASS	BIT_ULL(58)
#define AMDVI_DTE_INT_CTL	GENMASK_ULL(61, 60)
#define AMDVI_DTE_INT_ABORT	0
#define AMDVI_DTE_INT_FORWARD	1
#define AMDVI_DTE_INT_REMAP	2
#define AMDVI_DTE_LINT0_PASS	BIT_ULL(62)
#define AMDVI_DTE_LINT1_PASS	BIT_ULL(63)

/* ---- 2.2.5: interrupt remapping tables ---- */

/* 32 bits */
#define AMDVI_IRTE_REMAP_EN	BIT(0)
#define AMDVI_IRTE_SUP_IOPF	BIT(1)
#define AMDVI_IRTE_INT_TYPE	GENMASK(4, 2)
#define AMDVI_IRTE_RQ_EOI	BIT(5)
#define AMDVI_IRTE_DM		BIT(6)
#define AMDVI_IRTE_DEST		GENMASK(15, 8)
#define AMDVI_IRTE_VECTOR	GENMASK(23, 16)
/* 128 bits, when CONTROL.GA_EN: the first bits are the same, then */
#define AMDVI_IRTE_GA_DEST_LOW	GENMASK_ULL(31, 8)
/* and in the second word: */
#define AMDVI_IRTE_GA_VECTOR	GENMASK_ULL(7, 0)
#define AMDVI_IRTE_GA_DEST_HIGH	GENMASK_ULL(63, 56)

/* ---- 2.4: commands, 16 bytes, little-endian ---- */

struct amdvi_cmd {
	__le64 q[2];
};

static_assert(sizeof(struct amdvi_cmd) == 16);

#define AMDVI_CMD_OPCODE	GENMASK_ULL(63, 60)
#define AMDVI_CMD_WAIT		1	/* 2.4.1 */
#define AMDVI_CMD_DEVTAB	2	/* 2.4.2 */
#define AMDVI_CMD_PAGES		3	/* 2.4.3 */
#define AMDVI_CMD_IOTLB		4	/* 2.4.4 */
#define AMDVI_CMD_INTTAB	5	/* 2.4.5 */
#define AMDVI_CMD_ALL		8	/* 2.4.8 */

#define AMDVI_CMD_WAIT_STORE	BIT_ULL(0)
#define AMDVI_CMD_WAIT_ADDR	GENMASK_ULL(51, 3)

#define AMDVI_CMD_RID		GENMASK_ULL(15, 0)	/* DEVTAB, IOTLB, INTTAB */
#define AMDVI_CMD_DOMAIN	GENMASK_ULL(47, 32)	/* PAGES */
#define AMDVI_CMD_QUEUE_ID	GENMASK_ULL(47, 32)	/* IOTLB: a device's queue */
#define AMDVI_CMD_MAX_PEND	GENMASK_ULL(31, 24)	/* IOTLB */
/* Second word of PAGES and IOTLB: */
#define AMDVI_CMD_S		BIT_ULL(0)	/* more than a page */
#define AMDVI_CMD_PDE		BIT_ULL(1)	/* PAGES: not only leaves */
#define AMDVI_CMD_ADDR		GENMASK_ULL(63, 12)

/* ---- 2.5: events, 16 bytes, little-endian ---- */

struct amdvi_event {
	__le64 q[2];
};

static_assert(sizeof(struct amdvi_event) == 16);

#define AMDVI_EVENT_CODE	GENMASK_ULL(63, 60)
#define AMDVI_EVENT_ILLEGAL_DTE	0x1	/* 2.5.2 */
#define AMDVI_EVENT_PAGE_FAULT	0x2	/* 2.5.3 */
#define AMDVI_EVENT_DEVTAB_HW	0x3	/* 2.5.4 */
#define AMDVI_EVENT_PAGETAB_HW	0x4	/* 2.5.5 */
#define AMDVI_EVENT_ILLEGAL_CMD	0x5	/* 2.5.6 */
#define AMDVI_EVENT_CMD_HW	0x6	/* 2.5.7 */
#define AMDVI_EVENT_IOTLB_TIMEOUT 0x7	/* 2.5.8 */
#define AMDVI_EVENT_INVALID_REQ	0x8	/* 2.5.9 */
#define AMDVI_EVENT_INVALID_PPR	0x9	/* 2.5.10 */
#define AMDVI_EVENT_COUNTER_ZERO 0xa	/* 2.5.11 */

#define AMDVI_EVENT_RID		GENMASK_ULL(15, 0)
#define AMDVI_EVENT_DOMAIN	GENMASK_ULL(47, 32)
#define AMDVI_EVENT_FLAGS	GENMASK_ULL(59, 48)	/* all of these: */
#define AMDVI_EVENT_GN		BIT_ULL(48)	/* a PASID, no domain */
#define AMDVI_EVENT_NX		BIT_ULL(49)	/* no execute */
#define AMDVI_EVENT_US		BIT_ULL(50)	/* user, not supervisor */
#define AMDVI_EVENT_I		BIT_ULL(51)	/* an interrupt request */
#define AMDVI_EVENT_PR		BIT_ULL(52)	/* the entry is present */
#define AMDVI_EVENT_RW		BIT_ULL(53)	/* a write */
#define AMDVI_EVENT_PE		BIT_ULL(54)	/* no permission */
#define AMDVI_EVENT_RZ		BIT_ULL(55)	/* reserved bits, no wrong level */
#define AMDVI_EVENT_TR		BIT_ULL(56)	/* a translation request */
#define AMDVI_EVENT_TYPE	GENMASK_ULL(58, 57)	/* of a hardware error */
#define AMDVI_EVENT_REQ_TYPE	GENMASK_ULL(59, 57)	/* INVALID_REQ */
/* Of a PASID; the others are the domain's bits. */
#define AMDVI_EVENT_PASID_HIGH	GENMASK_ULL(19, 16)
/* INVALID_PPR: */
#define AMDVI_EVENT_PPR_PASID_LOW GENMASK_ULL(31, 16)
#define AMDVI_EVENT_PPR_TAG	GENMASK_ULL(41, 32)
#define AMDVI_EVENT_PPR_PASID_HIGH GENMASK_ULL(45, 42)
/* Second word: the device's address (PAGE_FAULT, INVALID_REQ, INVALID_PPR), or */
#define AMDVI_EVENT_DTE_ADDR	GENMASK_ULL(63, 2)	/* ILLEGAL_DTE: the same */
#define AMDVI_EVENT_PTE_ADDR	GENMASK_ULL(63, 3)	/* PAGETAB_HW */
#define AMDVI_EVENT_HW_ADDR	GENMASK_ULL(63, 4)	/* DEVTAB_HW, commands */
#define AMDVI_EVENT_NOTE_HIGH	GENMASK_ULL(19, 0)	/* COUNTER_ZERO */
#define AMDVI_EVENT_NOTE_LOW	GENMASK_ULL(63, 32)

#endif /* SLUICE_AMDVI_REGS_H */
