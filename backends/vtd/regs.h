/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VT-d: registers, and structures in memory that hardware reads.
 *
 * Owns: the layout of both, and nothing else. Source: Intel Virtualization
 * Technology for Directed I/O, Architecture Specification, revision 4.1; the
 * section stands beside each group. Second-stage tables are core/pt's.
 */
#ifndef SLUICE_VTD_REGS_H
#define SLUICE_VTD_REGS_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/types.h>

/* ---- 11.4: registers ---- */

#define VTD_CAP_REG		0x08	/* 64 bits, 11.4.2 */
#define VTD_CAP_ND		GENMASK_ULL(2, 0)
#define VTD_CAP_RWBF		BIT_ULL(4)
#define VTD_CAP_PLMR		BIT_ULL(5)
#define VTD_CAP_PHMR		BIT_ULL(6)
#define VTD_CAP_CM		BIT_ULL(7)
#define VTD_CAP_SAGAW		GENMASK_ULL(12, 8)
#define VTD_CAP_MGAW		GENMASK_ULL(21, 16)
#define VTD_CAP_FRO		GENMASK_ULL(33, 24)
#define VTD_CAP_SLLPS_2M	BIT_ULL(34)
#define VTD_CAP_SLLPS_1G	BIT_ULL(35)
#define VTD_CAP_PSI		BIT_ULL(39)
#define VTD_CAP_NFR		GENMASK_ULL(47, 40)
#define VTD_CAP_MAMV		GENMASK_ULL(53, 48)
#define VTD_CAP_DWD		BIT_ULL(54)
#define VTD_CAP_DRD		BIT_ULL(55)

#define VTD_ECAP_REG		0x10	/* 64 bits, 11.4.3 */
#define VTD_ECAP_C		BIT_ULL(0)
#define VTD_ECAP_QI		BIT_ULL(1)
#define VTD_ECAP_DT		BIT_ULL(2)
#define VTD_ECAP_PT		BIT_ULL(6)
#define VTD_ECAP_SC		BIT_ULL(7)
#define VTD_ECAP_DIT		BIT_ULL(41)

/* 11.4.4.1, 11.4.4.2: each bit of the command has its status in the same place. */
#define VTD_GCMD_REG		0x18	/* 32 bits */
#define VTD_GSTS_REG		0x1c	/* 32 bits */
#define VTD_GCMD_TE		BIT(31)
#define VTD_GCMD_SRTP		BIT(30)

#define VTD_RTADDR_REG		0x20	/* 64 bits, 11.4.5 */

/* 11.4.7: faults. 32-bit accesses to the event registers only. */
#define VTD_FSTS_REG		0x34
#define VTD_FSTS_PFO		BIT(0)
#define VTD_FSTS_PPF		BIT(1)
#define VTD_FSTS_FRI		GENMASK(15, 8)
#define VTD_FECTL_REG		0x38
#define VTD_FECTL_IM		BIT(31)
#define VTD_FEDATA_REG		0x3c
#define VTD_FEADDR_REG		0x40
#define VTD_FEUADDR_REG		0x44

/* 11.4.7.6: fault records of 16 bytes from CAP.FRO * 16 on; two 64-bit words. */
#define VTD_FRCD_BYTES		16
#define VTD_FRCD_LOW		0x0
#define VTD_FRCD_FI		GENMASK_ULL(63, 12)
#define VTD_FRCD_FI_INDEX	GENMASK_ULL(63, 48)	/* interrupts */
#define VTD_FRCD_HIGH		0x8
#define VTD_FRCD_HIGH_F		0xc	/* 32 bits: to clear F alone */
#define VTD_FRCD_SID		GENMASK_ULL(15, 0)
#define VTD_FRCD_T2		BIT_ULL(28)
#define VTD_FRCD_FR		GENMASK_ULL(39, 32)
#define VTD_FRCD_T1		BIT_ULL(62)
#define VTD_FRCD_F		BIT_ULL(63)

#define VTD_PMEN_REG		0x64	/* 32 bits, 11.4.8.1 */
#define VTD_PMEN_PRS		BIT(0)
#define VTD_PMEN_EPM		BIT(31)

/* ---- 9.1, 9.3: root and context entries, 16 bytes each, little-endian ---- */

#define VTD_TABLE_ENTRIES	256

struct vtd_entry {
	__le64 low;
	__le64 high;
};

static_assert(sizeof(struct vtd_entry) == 16);

#define VTD_ROOT_P		BIT_ULL(0)
#define VTD_ROOT_CTP		GENMASK_ULL(63, 12)

#define VTD_CONTEXT_P		BIT_ULL(0)
#define VTD_CONTEXT_TT		GENMASK_ULL(3, 2)
#define VTD_CONTEXT_SLPTPTR	GENMASK_ULL(63, 12)
/* In the high word: */
#define VTD_CONTEXT_AW		GENMASK_ULL(2, 0)
#define VTD_CONTEXT_DID		GENMASK_ULL(23, 8)

/* How requests are translated. */
#define VTD_TT_TABLES		0	/* untranslated requests only */
#define VTD_TT_TABLES_ATS	1	/* translated ones, too */
#define VTD_TT_PASS_THROUGH	2

/* ---- 6.5.2: descriptors of the invalidation queue ---- */

/*
 * In the CPU's byte order, four words for the kernel's queue code; the last two
 * are for formats that we don't use.
 */
struct vtd_desc {
	u64 qw[4];
};

#define VTD_DESC_TYPE		GENMASK_ULL(3, 0)
#define VTD_DESC_CONTEXT	1
#define VTD_DESC_IOTLB		2
#define VTD_DESC_DEV_IOTLB	3
#define VTD_DESC_GRANULARITY	GENMASK_ULL(5, 4)
#define VTD_DESC_GLOBAL		1
#define VTD_DESC_DOMAIN		2
#define VTD_DESC_SELECTIVE	3	/* one device; pages */
#define VTD_DESC_DID		GENMASK_ULL(31, 16)

/* 6.5.2.1: context cache */
#define VTD_DESC_CC_SID		GENMASK_ULL(47, 32)
#define VTD_DESC_CC_FM		GENMASK_ULL(49, 48)

/* 6.5.2.3: IOTLB */
#define VTD_DESC_TLB_DW		BIT_ULL(6)
#define VTD_DESC_TLB_DR		BIT_ULL(7)
/* In the second word: */
#define VTD_DESC_TLB_AM		GENMASK_ULL(5, 0)
#define VTD_DESC_TLB_IH		BIT_ULL(6)
#define VTD_DESC_TLB_ADDR	GENMASK_ULL(63, 12)

/* 6.5.2.5: a device's own TLB */
#define VTD_DESC_DEV_PFSID_LOW	GENMASK_ULL(15, 12)
#define VTD_DESC_DEV_QDEP	GENMASK_ULL(20, 16)
#define VTD_DESC_DEV_SID	GENMASK_ULL(47, 32)
#define VTD_DESC_DEV_PFSID_HIGH	GENMASK_ULL(63, 52)
/* In the second word: */
#define VTD_DESC_DEV_S		BIT_ULL(0)
#define VTD_DESC_DEV_ADDR	GENMASK_ULL(63, 12)

#endif /* SLUICE_VTD_REGS_H */
