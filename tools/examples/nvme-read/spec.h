/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the NVM Express Base Specification 1.4 and the hardware share with a
 * driver: registers and structures in memory, as far as nvme-read needs them.
 * Names are the specification's; sections are cited once, where they begin.
 */
#ifndef NVME_SPEC_H
#define NVME_SPEC_H

#include <assert.h>
#include <endian.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/types.h>

/* clang-format off: the names and values stand in columns */

#ifdef __CHECKER__
#define __force __attribute__((force))
#else
#define __force
#endif

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define BIT_ULL(n) (1ULL << (n))
#define GENMASK_ULL(h, l) ((~0ULL >> (63 - (h))) & (~0ULL << (l)))

static inline uint64_t field_get(uint64_t mask, uint64_t reg)
{
	return (reg & mask) >> __builtin_ctzll(mask);
}

static inline uint64_t field_prep(uint64_t mask, uint64_t value)
{
	return value << __builtin_ctzll(mask) & mask;
}

static inline __le16 cpu_to_le16(uint16_t v)
{
	return (__force __le16)htole16(v);
}

static inline __le32 cpu_to_le32(uint32_t v)
{
	return (__force __le32)htole32(v);
}

static inline __le64 cpu_to_le64(uint64_t v)
{
	return (__force __le64)htole64(v);
}

static inline uint16_t le16_to_cpu(__le16 v)
{
	return le16toh((__force uint16_t)v);
}

static inline uint32_t le32_to_cpu(__le32 v)
{
	return le32toh((__force uint32_t)v);
}

static inline uint64_t le64_to_cpu(__le64 v)
{
	return le64toh((__force uint64_t)v);
}

/* 3.1 Controller registers */
#define NVME_CAP_REG 0x00
#define NVME_CAP_MQES GENMASK_ULL(15, 0)
#define NVME_CAP_TO GENMASK_ULL(31, 24)
#define NVME_CAP_DSTRD GENMASK_ULL(35, 32)
#define NVME_CAP_CSS_NVM BIT_ULL(37)
#define NVME_CAP_MPSMIN GENMASK_ULL(51, 48)

#define NVME_CC_REG 0x14
#define NVME_CC_EN BIT_ULL(0)
#define NVME_CC_CSS GENMASK_ULL(6, 4)
#define NVME_CC_MPS GENMASK_ULL(10, 7)
#define NVME_CC_SHN GENMASK_ULL(15, 14)
#define NVME_CC_IOSQES GENMASK_ULL(19, 16)
#define NVME_CC_IOCQES GENMASK_ULL(23, 20)
#define NVME_SHN_NORMAL 1

#define NVME_CSTS_REG 0x1c
#define NVME_CSTS_RDY BIT_ULL(0)
#define NVME_CSTS_CFS BIT_ULL(1)
#define NVME_CSTS_SHST GENMASK_ULL(3, 2)
#define NVME_SHST_COMPLETE 2
/* All ones is what reads return from a device that is gone. */
#define NVME_CSTS_GONE 0xffffffffU

#define NVME_AQA_REG 0x24
#define NVME_AQA_ASQS GENMASK_ULL(11, 0)
#define NVME_AQA_ACQS GENMASK_ULL(27, 16)

#define NVME_ASQ_REG 0x28
#define NVME_ACQ_REG 0x30

/* 3.1.25, 3.1.26: queue y's doorbells, 4 << CAP.DSTRD bytes apart */
#define NVME_DOORBELL_BASE 0x1000

/* CAP.TO counts units of 500 ms. */
#define NVME_CAP_TO_UNIT_MS 500

/* 4.2 Submission queue entry */
struct nvme_command {
	__le32 cdw0;
	__le32 nsid;
	__le32 cdw2;
	__le32 cdw3;
	__le64 mptr;
	__le64 prp1;
	__le64 prp2;
	__le32 cdw10;
	__le32 cdw11;
	__le32 cdw12;
	__le32 cdw13;
	__le32 cdw14;
	__le32 cdw15;
};

static_assert(sizeof(struct nvme_command) == 64, "4.2: 64 bytes");

#define NVME_SQES_LG2 6
#define NVME_CDW0_OPC GENMASK_ULL(7, 0)
#define NVME_CDW0_CID GENMASK_ULL(31, 16)

/* 4.6 Completion queue entry */
struct nvme_completion {
	__le32 dw0;
	__le32 dw1;
	__le16 sqhd;
	__le16 sqid;
	__le16 cid;
	__le16 status;
};

static_assert(sizeof(struct nvme_completion) == 16, "4.6: 16 bytes");

#define NVME_CQES_LG2 4
#define NVME_STATUS_P BIT_ULL(0)
#define NVME_STATUS_SC GENMASK_ULL(8, 1)
#define NVME_STATUS_SCT GENMASK_ULL(11, 9)
#define NVME_STATUS_DNR BIT_ULL(15)

/* 4.5.1.2 Status code types */
#define NVME_SCT_GENERIC 0
#define NVME_SCT_COMMAND 1
#define NVME_SCT_MEDIA 2

/* 5 Admin commands */
#define NVME_ADMIN_CREATE_SQ 0x01
#define NVME_ADMIN_CREATE_CQ 0x05
#define NVME_ADMIN_IDENTIFY 0x06
#define NVME_ADMIN_SET_FEATURES 0x09

/* 5.3, 5.4: cdw10 and cdw11 of the commands that create queues */
#define NVME_QUEUE_QID GENMASK_ULL(15, 0)
#define NVME_QUEUE_QSIZE GENMASK_ULL(31, 16)
#define NVME_QUEUE_PC BIT_ULL(0)
#define NVME_QUEUE_IEN BIT_ULL(1)
#define NVME_CQ_IV GENMASK_ULL(31, 16)
#define NVME_SQ_CQID GENMASK_ULL(31, 16)

/* 5.21.1.7 Number of queues; both counts are zero-based */
#define NVME_FEAT_NUM_QUEUES 0x07

/* 5.15 Identify: cdw10 */
#define NVME_CNS_NAMESPACE 0x00
#define NVME_CNS_CONTROLLER 0x01

/* 5.15.2.2 Identify controller */
struct nvme_id_ctrl {
	uint8_t vid_ssvid[4];
	char sn[20];
	char mn[40];
	char fr[8];
	uint8_t rab_ieee_cmic[5];
	uint8_t mdts;
	uint8_t cntlid_and_on[434];
	uint8_t sqes;
	uint8_t cqes;
	__le16 maxcmd;
	__le32 nn;
	uint8_t oncs_and_on[3576];
};

static_assert(offsetof(struct nvme_id_ctrl, mdts) == 77, "5.15.2.2");
static_assert(offsetof(struct nvme_id_ctrl, sqes) == 512, "5.15.2.2");
static_assert(offsetof(struct nvme_id_ctrl, nn) == 516, "5.15.2.2");
static_assert(sizeof(struct nvme_id_ctrl) == 4096, "5.15.2.2");

/* 5.15.2.1 Identify namespace */
struct nvme_id_ns {
	__le64 nsze;
	__le64 ncap;
	__le64 nuse;
	uint8_t nsfeat;
	uint8_t nlbaf;
	uint8_t flbas;
	uint8_t mc_and_on[101];
	__le32 lbaf[16];
	uint8_t rsvd_and_vs[3904];
};

static_assert(offsetof(struct nvme_id_ns, flbas) == 26, "5.15.2.1");
static_assert(offsetof(struct nvme_id_ns, lbaf) == 128, "5.15.2.1");
static_assert(sizeof(struct nvme_id_ns) == 4096, "5.15.2.1");

#define NVME_FLBAS_INDEX GENMASK_ULL(3, 0)
#define NVME_LBAF_MS GENMASK_ULL(15, 0)
#define NVME_LBAF_LBADS GENMASK_ULL(23, 16)

/* 6.9 Read: cdw12; the count is zero-based */
#define NVME_CMD_READ 0x02
#define NVME_READ_NLB GENMASK_ULL(15, 0)

/* clang-format on */

#endif /* NVME_SPEC_H */
