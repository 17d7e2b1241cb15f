// SPDX-License-Identifier: GPL-2.0-only
/*
 * What user space may do to a function's configuration space.
 *
 * Owns: the policy of every register of a type 0 header and of every
 * capability, as tables to be read like a specification (PCI Express Base 6.0,
 * chapter 7, unless noted; PCI 3.0 and PCI-PM 1.2 for the older ones). Does
 * not own: the code that follows the tables (config.c, config_caps.c).
 *
 * Three questions decide a bit. Does it say who may reach what (BARs, address
 * translation, requester IDs, routing)? Does the host manage it (interrupts,
 * link, error and power signalling)? Does its effect reach beyond the function?
 * Any yes: it is virtual or read-only. Bits that only steer the function
 * itself pass through. What no table mentions is read-only from hardware,
 * and a capability of a kind not listed is hidden.
 */
#include <linux/array_size.h>
#include <linux/bits.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/pci.h>

#include "config.h"

#define ALL8	0xffU
#define ALL16	0xffffU
#define ALL32	0xffffffffU

/*
 * COMMAND, low byte. The high byte has nothing that passes through: the host
 * changes INTx disable there from its interrupt handler.
 */
#define COMMAND_PASS \
	(PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | \
	 PCI_COMMAND_INVALIDATE | PCI_COMMAND_PARITY)
#define COMMAND_VIRT	(PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE)

#define STATUS_W1C \
	(PCI_STATUS_PARITY | PCI_STATUS_SIG_TARGET_ABORT | \
	 PCI_STATUS_REC_TARGET_ABORT | PCI_STATUS_REC_MASTER_ABORT | \
	 PCI_STATUS_SIG_SYSTEM_ERROR | PCI_STATUS_DETECTED_PARITY)

/* BARs aren't here: their masks are the sizes of the function's own. */
static const struct sluice_pci_reg header_regs[] = {
	{ PCI_VENDOR_ID,	2, .virt = ALL16 },
	{ PCI_DEVICE_ID,	2, .virt = ALL16 },
	{ PCI_COMMAND,		2, SLUICE_PCI_HOOK_COMMAND,
	  .virt = COMMAND_VIRT, .write = COMMAND_PASS | COMMAND_VIRT,
	  .zero = PCI_COMMAND_INTX_DISABLE },
	{ PCI_STATUS,		2, .virt = PCI_STATUS_CAP_LIST,
	  .write = STATUS_W1C, .w1c = STATUS_W1C },
	{ PCI_CLASS_REVISION,	4, .virt = ALL32 },
	{ PCI_CACHE_LINE_SIZE,	1, .write = ALL8 },
	{ PCI_LATENCY_TIMER,	1, .write = ALL8 },
	{ PCI_SUBSYSTEM_VENDOR_ID, 2, .virt = ALL16 },
	{ PCI_SUBSYSTEM_ID,	2, .virt = ALL16 },
	{ PCI_CAPABILITY_LIST,	1, .virt = ALL8 },
	{ PCI_INTERRUPT_LINE,	1, .virt = ALL8, .write = ALL8 },
	{ PCI_INTERRUPT_PIN,	1, .virt = ALL8 },
	{}
};

/*
 * Power events belong to the host: none are announced, and the bits in
 * hardware stay as they are. The state bits show hardware's; the hook changes
 * them, by way of the host.
 */
static const struct sluice_pci_reg pm_regs[] = {
	{ PCI_PM_PMC,	2, .virt = PCI_PM_CAP_PME_MASK,
	  .zero = PCI_PM_CAP_PME_MASK },
	{ PCI_PM_CTRL,	2, SLUICE_PCI_HOOK_PM_CTRL,
	  .virt = PCI_PM_CTRL_PME_ENABLE | PCI_PM_CTRL_PME_STATUS,
	  .write = PCI_PM_CTRL_DATA_SEL_MASK,
	  .w1c = PCI_PM_CTRL_PME_STATUS,
	  .zero = PCI_PM_CTRL_PME_ENABLE | PCI_PM_CTRL_PME_STATUS },
	{}
};

/* Transfers go through the host's accessors, which know devices' quirks. */
static const struct sluice_pci_reg vpd_regs[] = {
	{ PCI_VPD_ADDR,	2, SLUICE_PCI_HOOK_VPD_ADDR,
	  .virt = ALL16, .write = ALL16 },
	{ PCI_VPD_DATA,	4, .virt = ALL32, .write = ALL32 },
	{}
};

/*
 * Message addresses and the enable bit are the host's: interrupts are set up
 * through the interrupt ioctls. Masks only silence the function itself.
 */
#define MSI_FLAGS_REG \
	{ PCI_MSI_FLAGS, 2, \
	  .virt = PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE, \
	  .write = PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE, \
	  .zero = PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE }

static const struct sluice_pci_reg msi32_regs[] = {
	MSI_FLAGS_REG,
	{ PCI_MSI_ADDRESS_LO,	4, .virt = ALL32, .write = ~3U, .zero = ALL32 },
	{ PCI_MSI_DATA_32,	2, .virt = ALL16, .write = ALL16,
	  .zero = ALL16 },
	{ PCI_MSI_MASK_32,	4, .write = ALL32 },
	{}
};

static const struct sluice_pci_reg msi64_regs[] = {
	MSI_FLAGS_REG,
	{ PCI_MSI_ADDRESS_LO,	4, .virt = ALL32, .write = ~3U, .zero = ALL32 },
	{ PCI_MSI_ADDRESS_HI,	4, .virt = ALL32, .write = ALL32,
	  .zero = ALL32 },
	{ PCI_MSI_DATA_64,	2, .virt = ALL16, .write = ALL16,
	  .zero = ALL16 },
	{ PCI_MSI_MASK_64,	4, .write = ALL32 },
	{}
};

static const struct sluice_pci_reg pcix_regs[] = {
	{ PCI_X_CMD, 2, .write = PCI_X_CMD_DPERR_E | PCI_X_CMD_ERO |
				 PCI_X_CMD_MAX_READ | PCI_X_CMD_MAX_SPLIT },
	{}
};

/*
 * Phantom functions would make the function use others' requester IDs; tag
 * sizes and payload depend on the whole path. The hook takes the
 * read request size and the reset.
 */
#define DEVCTL_PASS \
	(PCI_EXP_DEVCTL_CERE | PCI_EXP_DEVCTL_NFERE | PCI_EXP_DEVCTL_FERE | \
	 PCI_EXP_DEVCTL_URRE | PCI_EXP_DEVCTL_RELAX_EN | \
	 PCI_EXP_DEVCTL_NOSNOOP_EN)
#define DEVCTL_VIRT \
	(PCI_EXP_DEVCTL_PAYLOAD | PCI_EXP_DEVCTL_EXT_TAG | \
	 PCI_EXP_DEVCTL_AUX_PME | PCI_EXP_DEVCTL_READRQ | \
	 PCI_EXP_DEVCTL_BCR_FLR)
#define DEVSTA_W1C \
	(PCI_EXP_DEVSTA_CED | PCI_EXP_DEVSTA_NFED | PCI_EXP_DEVSTA_FED | \
	 PCI_EXP_DEVSTA_URD)
/* ARI, LTR, OBFF, prefixes and 10-bit tags are settled along the path. */
#define DEVCTL2_PASS \
	(PCI_EXP_DEVCTL2_COMP_TIMEOUT | PCI_EXP_DEVCTL2_COMP_TMOUT_DIS | \
	 PCI_EXP_DEVCTL2_ATOMIC_REQ | PCI_EXP_DEVCTL2_IDO_REQ_EN | \
	 PCI_EXP_DEVCTL2_IDO_CMP_EN)

static const struct sluice_pci_reg exp_regs[] = {
	{ PCI_EXP_DEVCTL,	2, SLUICE_PCI_HOOK_EXP_DEVCTL,
	  .virt = DEVCTL_VIRT, .write = DEVCTL_PASS | DEVCTL_VIRT,
	  .zero = PCI_EXP_DEVCTL_BCR_FLR },
	{ PCI_EXP_DEVSTA,	2, .write = DEVSTA_W1C, .w1c = DEVSTA_W1C },
	{ PCI_EXP_DEVCTL2,	2, .write = DEVCTL2_PASS },
	{}
};

static const struct sluice_pci_reg af_regs[] = {
	{ PCI_AF_CTRL,	1, SLUICE_PCI_HOOK_AF_CTRL,
	  .virt = PCI_AF_CTRL_FLR, .write = PCI_AF_CTRL_FLR,
	  .zero = PCI_AF_CTRL_FLR },
	{}
};

#define AER_UNC_BITS \
	(PCI_ERR_UNC_UND | PCI_ERR_UNC_DLP | PCI_ERR_UNC_SURPDN | \
	 PCI_ERR_UNC_POISON_TLP | PCI_ERR_UNC_FCP | PCI_ERR_UNC_COMP_TIME | \
	 PCI_ERR_UNC_COMP_ABORT | PCI_ERR_UNC_UNX_COMP | \
	 PCI_ERR_UNC_RX_OVER | PCI_ERR_UNC_MALF_TLP | PCI_ERR_UNC_ECRC | \
	 PCI_ERR_UNC_UNSUP | PCI_ERR_UNC_ACSV | PCI_ERR_UNC_INTN | \
	 PCI_ERR_UNC_MCBTLP | PCI_ERR_UNC_ATOMEG | PCI_ERR_UNC_TLPPRE)
#define AER_COR_BITS \
	(PCI_ERR_COR_RCVR | PCI_ERR_COR_BAD_TLP | PCI_ERR_COR_BAD_DLLP | \
	 PCI_ERR_COR_REP_ROLL | PCI_ERR_COR_REP_TIMER | \
	 PCI_ERR_COR_ADV_NFAT | PCI_ERR_COR_INTERNAL | PCI_ERR_COR_LOG_OVER)

/*
 * Errors may be masked and cleared, but not made fatal: a fatal error resets
 * the link, and with it functions of other owners.
 */
static const struct sluice_pci_reg aer_regs[] = {
	{ PCI_ERR_UNCOR_STATUS,	4, .write = AER_UNC_BITS, .w1c = AER_UNC_BITS },
	{ PCI_ERR_UNCOR_MASK,	4, .write = AER_UNC_BITS },
	{ PCI_ERR_UNCOR_SEVER,	4, .virt = AER_UNC_BITS,
	  .write = AER_UNC_BITS },
	{ PCI_ERR_COR_STATUS,	4, .write = AER_COR_BITS, .w1c = AER_COR_BITS },
	{ PCI_ERR_COR_MASK,	4, .write = AER_COR_BITS },
	{ PCI_ERR_CAP,		4,
	  .virt = PCI_ERR_CAP_ECRC_GENE | PCI_ERR_CAP_ECRC_CHKE,
	  .write = PCI_ERR_CAP_ECRC_GENE | PCI_ERR_CAP_ECRC_CHKE },
	{}
};

/* The selector chooses what the data register shows; nothing else. */
static const struct sluice_pci_reg pwr_regs[] = {
	{ PCI_PWR_DSR,	1, .write = ALL8 },
	{}
};

/* A malformed capability may begin so late that its registers don't exist. */
static int read_hw(struct sluice_pci_config *cfg, unsigned int pos,
		   unsigned int size, u32 *val)
{
	*val = 0;
	if (pos + size > cfg->info.size)
		return 0;
	return cfg->ops->read(cfg, pos, size, val);
}

static int msi_len(struct sluice_pci_config *cfg, unsigned int pos)
{
	int ret, len = PCI_MSI_DATA_32 + 2;
	u32 flags;

	ret = read_hw(cfg, pos + PCI_MSI_FLAGS, 2, &flags);
	if (ret)
		return ret;
	if (flags & PCI_MSI_FLAGS_MASKBIT)
		len = PCI_MSI_PENDING_32 + 4;
	if (flags & PCI_MSI_FLAGS_64BIT)
		len += PCI_MSI_DATA_64 - PCI_MSI_DATA_32;
	return len;
}

static const struct sluice_pci_reg *
msi_regs(const struct sluice_pci_config *cfg, unsigned int pos)
{
	return cfg->value[pos + PCI_MSI_FLAGS] & PCI_MSI_FLAGS_64BIT ?
	       msi64_regs : msi32_regs;
}

static int pcix_len(struct sluice_pci_config *cfg, unsigned int pos)
{
	u32 cmd;
	int ret = read_hw(cfg, pos + PCI_X_CMD, 2, &cmd);

	if (ret)
		return ret;
	return PCI_X_CMD_VERSION(cmd) ? PCI_CAP_PCIX_SIZEOF_V2 :
					PCI_CAP_PCIX_SIZEOF_V0;
}

static int ht_len(struct sluice_pci_config *cfg, unsigned int pos)
{
	u32 type;
	int ret = read_hw(cfg, pos + 3, 1, &type);

	if (ret)
		return ret;
	return type & HT_3BIT_CAP_MASK ? HT_CAP_SIZEOF_SHORT :
					 HT_CAP_SIZEOF_LONG;
}

static int vndr_len(struct sluice_pci_config *cfg, unsigned int pos)
{
	u32 len;
	int ret = read_hw(cfg, pos + PCI_CAP_FLAGS, 1, &len);

	return ret ? ret : max_t(u32, len, PCI_CAP_SIZEOF);
}

static int exp_len(struct sluice_pci_config *cfg, unsigned int pos)
{
	bool no_link;
	u32 flags;
	int ret;

	ret = read_hw(cfg, pos + PCI_EXP_FLAGS, 2, &flags);
	if (ret)
		return ret;
	no_link = (flags & PCI_EXP_FLAGS_TYPE) >> 4 == PCI_EXP_TYPE_RC_END;
	if ((flags & PCI_EXP_FLAGS_VERS) < 2)
		return no_link ? PCI_CAP_EXP_RC_ENDPOINT_SIZEOF_V1 :
				 PCI_CAP_EXP_ENDPOINT_SIZEOF_V1;
	return no_link ? PCI_CAP_EXP_RC_ENDPOINT_SIZEOF_V2 :
			 PCI_CAP_EXP_ENDPOINT_SIZEOF_V2;
}

static int sata_len(struct sluice_pci_config *cfg, unsigned int pos)
{
	u32 regs;
	int ret = read_hw(cfg, pos + PCI_SATA_REGS, 1, &regs);

	if (ret)
		return ret;
	return (regs & PCI_SATA_REGS_MASK) == PCI_SATA_REGS_INLINE ?
	       PCI_SATA_SIZEOF_LONG : PCI_SATA_SIZEOF_SHORT;
}

/* Without the arbitration tables, which are found by an offset of their own. */
static int vc_len(struct sluice_pci_config *cfg, unsigned int pos)
{
	u32 cap;
	int ret = read_hw(cfg, pos + PCI_VC_PORT_CAP1, 4, &cap);

	if (ret)
		return ret;
	return PCI_CAP_VC_BASE_SIZEOF +
	       (1 + (cap & PCI_VC_CAP1_EVCC)) * PCI_CAP_VC_PER_VC_SIZEOF;
}

/* VSEC and DVSEC have their length in the same bits of the same dword. */
static int vsec_len(struct sluice_pci_config *cfg, unsigned int pos)
{
	u32 header;
	int ret = read_hw(cfg, pos + PCI_VNDR_HEADER, 4, &header);

	if (ret)
		return ret;
	return max_t(u32, PCI_VNDR_HEADER_LEN(header), 2 * PCI_CAP_SIZEOF);
}

/*
 * A DVSEC of the CXL consortium is no vendor's private matter: it switches
 * CXL.cache, which reaches memory past the IOMMU.
 */
static int dvsec_is_raw(struct sluice_pci_config *cfg, unsigned int pos)
{
	u32 header;
	int ret = read_hw(cfg, pos + PCI_DVSEC_HEADER1, 4, &header);

	return ret ? ret : PCI_DVSEC_HEADER1_VID(header) != PCI_VENDOR_ID_CXL;
}

static int acs_len(struct sluice_pci_config *cfg, unsigned int pos)
{
	u32 cap, bits;
	int ret = read_hw(cfg, pos + PCI_ACS_CAP, 2, &cap);

	if (ret)
		return ret;
	if (!(cap & PCI_ACS_EC))
		return PCI_ACS_EGRESS_CTL_V;
	/* 0 stands for 256. */
	bits = cap >> 8;
	return PCI_ACS_EGRESS_CTL_V + (bits ? DIV_ROUND_UP(bits, 32) * 4 : 32);
}

static int rebar_len(struct sluice_pci_config *cfg, unsigned int pos)
{
	u32 ctrl;
	int ret = read_hw(cfg, pos + PCI_REBAR_CTRL, 4, &ctrl);

	if (ret)
		return ret;
	ctrl = (ctrl & PCI_REBAR_CTRL_NBAR_MASK) >> PCI_REBAR_CTRL_NBAR_SHIFT;
	return 4 + 8 * max(ctrl, 1U);
}

static int dpa_len(struct sluice_pci_config *cfg, unsigned int pos)
{
	u32 cap;
	int ret = read_hw(cfg, pos + PCI_DPA_CAP, 4, &cap);

	if (ret)
		return ret;
	return PCI_DPA_BASE_SIZEOF + (cap & PCI_DPA_CAP_SUBSTATE_MASK) + 1;
}

static int tph_len(struct sluice_pci_config *cfg, unsigned int pos)
{
	u32 cap;
	int ret = read_hw(cfg, pos + PCI_TPH_CAP, 4, &cap);

	if (ret)
		return ret;
	if ((cap & PCI_TPH_CAP_LOC_MASK) != PCI_TPH_LOC_CAP)
		return PCI_TPH_BASE_SIZEOF;
	return PCI_TPH_BASE_SIZEOF +
	       2 * (((cap & PCI_TPH_CAP_ST_MASK) >> PCI_TPH_CAP_ST_SHIFT) + 1);
}

#define SHOW	.mode = SLUICE_PCI_CAP_SHOW
#define RAW	.mode = SLUICE_PCI_CAP_RAW

/*
 * Capabilities of the first 256 bytes. Not here, so hidden: those of bridges
 * and slots, AGP 8x, secure device (an IOMMU), enhanced allocation (BARs of
 * another kind).
 */
static const struct sluice_pci_cap_policy caps[] = {
	[PCI_CAP_ID_PM]	  = { SHOW, .len = PCI_PM_SIZEOF, .regs = pm_regs },
	[PCI_CAP_ID_AGP]  = { SHOW, .len = PCI_AGP_SIZEOF },
	[PCI_CAP_ID_VPD]  = { SHOW, .len = PCI_CAP_VPD_SIZEOF, .regs = vpd_regs },
	[PCI_CAP_ID_MSI]  = { SHOW, .get_len = msi_len, .get_regs = msi_regs },
	[PCI_CAP_ID_PCIX] = { SHOW, .get_len = pcix_len, .regs = pcix_regs },
	[PCI_CAP_ID_HT]	  = { SHOW, .get_len = ht_len, .multi = true },
	[PCI_CAP_ID_VNDR] = { RAW, .get_len = vndr_len, .multi = true },
	[PCI_CAP_ID_EXP]  = { SHOW, .get_len = exp_len, .regs = exp_regs },
	/* Read-only: shows whether the interrupt ioctls enabled it. */
	[PCI_CAP_ID_MSIX] = { SHOW, .len = PCI_CAP_MSIX_SIZEOF },
	[PCI_CAP_ID_SATA] = { SHOW, .get_len = sata_len },
	[PCI_CAP_ID_AF]	  = { SHOW, .len = PCI_CAP_AF_SIZEOF, .regs = af_regs },
};

/*
 * Extended capabilities. Address translation and page requests are shown,
 * for information, and read-only: with ATS on, a function names physical
 * addresses itself. Hidden, with the length that is known: PASID, which
 * no one but the IOMMU's driver can give a meaning; data object exchange,
 * where the host may be in the middle of one; downstream ports' affairs.
 */
static const struct sluice_pci_cap_policy ext_caps[] = {
	[PCI_EXT_CAP_ID_ERR]   = { SHOW, .len = PCI_ERR_ROOT_COMMAND,
				   .regs = aer_regs },
	[PCI_EXT_CAP_ID_VC]    = { SHOW, .get_len = vc_len },
	[PCI_EXT_CAP_ID_DSN]   = { SHOW, .len = PCI_EXT_CAP_DSN_SIZEOF },
	[PCI_EXT_CAP_ID_PWR]   = { SHOW, .len = PCI_EXT_CAP_PWR_SIZEOF,
				   .regs = pwr_regs },
	[PCI_EXT_CAP_ID_MFVC]  = { SHOW, .get_len = vc_len },
	[PCI_EXT_CAP_ID_VC9]   = { SHOW, .get_len = vc_len },
	[PCI_EXT_CAP_ID_VNDR]  = { RAW, .get_len = vsec_len, .multi = true },
	[PCI_EXT_CAP_ID_ACS]   = { SHOW, .get_len = acs_len },
	[PCI_EXT_CAP_ID_ARI]   = { SHOW, .len = PCI_EXT_CAP_ARI_SIZEOF },
	[PCI_EXT_CAP_ID_ATS]   = { SHOW, .len = PCI_EXT_CAP_ATS_SIZEOF },
	[PCI_EXT_CAP_ID_SRIOV] = { SHOW, .len = PCI_EXT_CAP_SRIOV_SIZEOF },
	[PCI_EXT_CAP_ID_MCAST] = { SHOW,
				   .len = PCI_EXT_CAP_MCAST_ENDPOINT_SIZEOF },
	[PCI_EXT_CAP_ID_PRI]   = { SHOW, .len = PCI_EXT_CAP_PRI_SIZEOF },
	[PCI_EXT_CAP_ID_REBAR] = { SHOW, .get_len = rebar_len },
	[PCI_EXT_CAP_ID_DPA]   = { SHOW, .get_len = dpa_len },
	[PCI_EXT_CAP_ID_TPH]   = { SHOW, .get_len = tph_len },
	[PCI_EXT_CAP_ID_LTR]   = { SHOW, .len = PCI_EXT_CAP_LTR_SIZEOF },
	[PCI_EXT_CAP_ID_PASID] = { .len = PCI_EXT_CAP_PASID_SIZEOF },
	[PCI_EXT_CAP_ID_L1SS]  = { SHOW, .len = PCI_L1SS_CTL2 + 4 },
	[PCI_EXT_CAP_ID_PTM]   = { .len = PCI_PTM_CTRL + 4 },
	[PCI_EXT_CAP_ID_DVSEC] = { RAW, .get_len = vsec_len, .multi = true,
				   .is_raw = dvsec_is_raw },
	[PCI_EXT_CAP_ID_DOE]   = { .len = PCI_DOE_CAP_SIZEOF, .multi = true },
};

static const struct sluice_pci_cap_policy unknown_cap;

const struct sluice_pci_reg *sluice_pci_header_policy(void)
{
	return header_regs;
}

const struct sluice_pci_cap_policy *sluice_pci_cap_policy(unsigned int id)
{
	return id < ARRAY_SIZE(caps) ? &caps[id] : &unknown_cap;
}

const struct sluice_pci_cap_policy *sluice_pci_ext_cap_policy(unsigned int id)
{
	return id < ARRAY_SIZE(ext_caps) ? &ext_caps[id] : &unknown_cap;
}
