// SPDX-License-Identifier: GPL-2.0-only
/*
 * The controller: taking it from the kernel, resetting and enabling it, its
 * queues, what it says of itself and its namespaces, and giving it back.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctrl.h"

void nvme_reg_write32(struct nvme_ctrl *ctrl, uint32_t reg, uint32_t value)
{
	sluice_regs_write32(&ctrl->regs, reg, value);
}

uint32_t nvme_reg_read32(struct nvme_ctrl *ctrl, uint32_t reg)
{
	return sluice_regs_read32(&ctrl->regs, reg);
}

/* 2.1 permits two accesses of 32 bits, which every host can do. */
static uint64_t reg_read64(struct nvme_ctrl *ctrl, uint32_t reg)
{
	uint64_t lo = nvme_reg_read32(ctrl, reg);

	return lo | (uint64_t)nvme_reg_read32(ctrl, reg + 4) << 32;
}

static void reg_write64(struct nvme_ctrl *ctrl, uint32_t reg, uint64_t value)
{
	nvme_reg_write32(ctrl, reg, value);
	nvme_reg_write32(ctrl, reg + 4, value >> 32);
}

/* Is it still there and sane? */
int nvme_ctrl_check(struct nvme_ctrl *ctrl)
{
	uint32_t csts = nvme_reg_read32(ctrl, NVME_CSTS_REG);

	if (csts == NVME_CSTS_GONE) {
		warnx("the controller doesn't answer (removed, or memory decoding is off)");
		return -ENODEV;
	}
	if (csts & NVME_CSTS_CFS) {
		warnx("the controller reports a fatal error (CSTS %#x)", csts);
		return -EIO;
	}
	return 0;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

/* Wait until CSTS has @value in @mask, for as long as CAP.TO allows. */
static int csts_wait(struct nvme_ctrl *ctrl, uint32_t mask, uint32_t value,
		     const char *what)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	uint64_t limit =
		(field_get(NVME_CAP_TO, ctrl->cap) + 1) * NVME_CAP_TO_UNIT_MS;
	uint64_t start = now_ms();
	uint32_t csts;

	for (;;) {
		csts = nvme_reg_read32(ctrl, NVME_CSTS_REG);
		if (csts == NVME_CSTS_GONE)
			return nvme_ctrl_check(ctrl);
		if ((csts & mask) == value)
			return 0;
		/* CFS may be a leftover: only the way up is it our failure. */
		if (mask == NVME_CSTS_RDY && value && csts & NVME_CSTS_CFS)
			return nvme_ctrl_check(ctrl);
		if (now_ms() - start > limit) {
			warnx("the controller did not %s within %llu ms (CSTS %#x)",
			      what, (unsigned long long)limit, csts);
			return -ETIMEDOUT;
		}
		nanosleep(&pause, NULL);
	}
}

static int ctrl_disable(struct nvme_ctrl *ctrl)
{
	uint32_t cc = nvme_reg_read32(ctrl, NVME_CC_REG);

	if (cc & NVME_CC_EN)
		nvme_reg_write32(ctrl, NVME_CC_REG, cc & ~NVME_CC_EN);
	return csts_wait(ctrl, NVME_CSTS_RDY, 0, "become disabled");
}

/* 7.6.1 Initialization, steps 2 to 5 */
static int ctrl_enable(struct nvme_ctrl *ctrl)
{
	uint16_t last = ctrl->admin.entries - 1;

	nvme_reg_write32(ctrl, NVME_AQA_REG,
			 field_prep(NVME_AQA_ASQS, last) |
				 field_prep(NVME_AQA_ACQS, last));
	reg_write64(ctrl, NVME_ASQ_REG, ctrl->admin.sq.iova);
	reg_write64(ctrl, NVME_ACQ_REG, ctrl->admin.cq.iova);
	nvme_reg_write32(
		ctrl, NVME_CC_REG,
		field_prep(NVME_CC_MPS, field_get(NVME_CAP_MPSMIN, ctrl->cap)) |
			field_prep(NVME_CC_IOSQES, NVME_SQES_LG2) |
			field_prep(NVME_CC_IOCQES, NVME_CQES_LG2) | NVME_CC_EN);
	return csts_wait(ctrl, NVME_CSTS_RDY, NVME_CSTS_RDY, "become ready");
}

/* Admin commands go one at a time, so their ID need not vary. */
static int admin_command(struct nvme_ctrl *ctrl, const char *what,
			 struct nvme_command *cmd, uint8_t opcode)
{
	struct nvme_completion done;
	int ret;

	cmd->cdw0 = cpu_to_le32(field_prep(NVME_CDW0_OPC, opcode));
	nvme_queue_submit(ctrl, &ctrl->admin, cmd);
	ret = nvme_queue_wait(ctrl, &ctrl->admin, &done);
	if (ret) {
		warnx("%s: no answer", what);
		return ret;
	}
	return nvme_status_check(what, &done);
}

static int identify(struct nvme_ctrl *ctrl, const char *what, uint32_t cns,
		    uint32_t nsid, void *data, size_t size)
{
	struct nvme_command cmd = {
		.nsid = cpu_to_le32(nsid),
		.cdw10 = cpu_to_le32(cns),
	};
	struct dma_mem mem = { 0 };
	int ret;

	ret = nvme_dma_alloc(ctrl, &mem, size, SLUICE_DMA_RW);
	if (ret)
		return ret;
	cmd.prp1 = cpu_to_le64(mem.iova);
	ret = admin_command(ctrl, what, &cmd, NVME_ADMIN_IDENTIFY);
	/* A command that failed to complete may still write to the memory. */
	if (ret)
		nvme_ctrl_stop(ctrl);
	else
		memcpy(data, mem.ptr, size);
	nvme_dma_free(ctrl, &mem);
	return ret;
}

static void copy_trimmed(char *to, const char *from, size_t len)
{
	while (len && from[len - 1] == ' ')
		len--;
	memcpy(to, from, len);
	to[len] = '\0';
}

static int ctrl_identify(struct nvme_ctrl *ctrl)
{
	struct nvme_id_ctrl id;
	int ret;

	ret = identify(ctrl, "Identify controller", NVME_CNS_CONTROLLER, 0, &id,
		       sizeof(id));
	if (ret)
		return ret;
	copy_trimmed(ctrl->model, id.mn, sizeof(id.mn));
	copy_trimmed(ctrl->serial, id.sn, sizeof(id.sn));
	ctrl->max_transfer = UINT64_MAX;
	if (id.mdts && id.mdts < 40)
		ctrl->max_transfer = (uint64_t)ctrl->page_size << id.mdts;
	return 0;
}

static int create_io_queue(struct nvme_ctrl *ctrl)
{
	struct nvme_queue *q = &ctrl->io;
	uint32_t cdw10 = field_prep(NVME_QUEUE_QID, q->id) |
			 field_prep(NVME_QUEUE_QSIZE, q->entries - 1);
	struct nvme_command count = {
		.cdw10 = cpu_to_le32(NVME_FEAT_NUM_QUEUES),
	};
	struct nvme_command cq = {
		.prp1 = cpu_to_le64(q->cq.iova),
		.cdw10 = cpu_to_le32(cdw10),
		.cdw11 = cpu_to_le32(field_prep(NVME_CQ_IV, q->vector) |
				     NVME_QUEUE_IEN | NVME_QUEUE_PC),
	};
	struct nvme_command sq = {
		.prp1 = cpu_to_le64(q->sq.iova),
		.cdw10 = cpu_to_le32(cdw10),
		.cdw11 = cpu_to_le32(field_prep(NVME_SQ_CQID, q->id) |
				     NVME_QUEUE_PC),
	};
	int ret;

	ret = admin_command(ctrl, "Set number of queues", &count,
			    NVME_ADMIN_SET_FEATURES);
	if (!ret)
		ret = admin_command(ctrl, "Create I/O completion queue", &cq,
				    NVME_ADMIN_CREATE_CQ);
	if (!ret)
		ret = admin_command(ctrl, "Create I/O submission queue", &sq,
				    NVME_ADMIN_CREATE_SQ);
	return ret;
}

static int check_capabilities(struct nvme_ctrl *ctrl)
{
	unsigned int page_lg2 = 12 + field_get(NVME_CAP_MPSMIN, ctrl->cap);

	if (!(ctrl->cap & NVME_CAP_CSS_NVM)) {
		warnx("the controller doesn't have the NVM command set (CAP %#llx)",
		      (unsigned long long)ctrl->cap);
		return -ENODEV;
	}
	ctrl->page_size = (size_t)1 << page_lg2;
	return 0;
}

static int map_registers(struct nvme_ctrl *ctrl)
{
	size_t need;
	int ret;

	ret = sluice_device_set_bus_master(&ctrl->dev, true);
	if (ret) {
		warnx("enabling bus mastering: %s", strerror(-ret));
		return ret;
	}
	ret = sluice_regs_open(&ctrl->regs, &ctrl->dev,
			       VFIO_PCI_BAR0_REGION_INDEX);
	if (ret) {
		warnx("BAR 0: %s", strerror(-ret));
		return ret;
	}
	if (ctrl->regs.size <= NVME_DOORBELL_BASE)
		goto err_small;
	ctrl->cap = reg_read64(ctrl, NVME_CAP_REG);
	need = NVME_DOORBELL_BASE +
	       (16U << field_get(NVME_CAP_DSTRD, ctrl->cap));
	if (ctrl->regs.size < need)
		goto err_small;
	ret = nvme_ctrl_check(ctrl);
	return ret == -ENODEV ? ret : check_capabilities(ctrl);

err_small:
	warnx("BAR 0 is too small for an NVMe controller: is it one?");
	return -ENODEV;
}

static int enable_interrupts(struct nvme_ctrl *ctrl)
{
	int fds[2] = { ctrl->admin.eventfd, ctrl->io.eventfd };
	int ret;

	ret = sluice_irq_enable(&ctrl->dev, VFIO_PCI_MSIX_IRQ_INDEX, 0, 2, fds);
	if (ret)
		warnx("enabling MSI-X: %s", strerror(-ret));
	return ret;
}

static int check_interrupts(struct nvme_ctrl *ctrl)
{
	struct sluice_irq irq;
	int ret;

	ret = sluice_irq_get(&ctrl->dev, VFIO_PCI_MSIX_IRQ_INDEX, &irq);
	if (ret) {
		warnx("asking for MSI-X: %s", strerror(-ret));
		return ret;
	}
	if (irq.count < 2) {
		warnx("the controller has %u MSI-X vectors; 2 are needed",
		      irq.count);
		return -ENODEV;
	}
	return 0;
}

static int open_device(struct nvme_ctrl *ctrl, const char *addr)
{
	int ret;

	ret = sluice_container_open(&ctrl->container);
	if (ret) {
		warnx("/dev/vfio/vfio: %s", strerror(-ret));
		return ret;
	}
	ret = sluice_device_open(&ctrl->dev, &ctrl->container, addr);
	if (ret) {
		warnx("%s: %s", addr, sluice_open_strerror(ret));
		return ret;
	}
	ret = sluice_iommu_info_get(&ctrl->container, &ctrl->info);
	if (ret)
		warnx("asking for usable addresses: %s", strerror(-ret));
	return ret;
}

/* On failure the caller still calls nvme_ctrl_close(). */
int nvme_ctrl_open(struct nvme_ctrl *ctrl, const char *addr, int timeout_ms)
{
	int ret;

	*ctrl = (struct nvme_ctrl){
		.container.fd = -1,
		.dev.fd = -1,
		.admin.eventfd = -1,
		.io.eventfd = -1,
		.timeout_ms = timeout_ms,
	};
	ret = open_device(ctrl, addr);
	if (!ret)
		ret = check_interrupts(ctrl);
	if (!ret)
		ret = map_registers(ctrl);
	/* Whatever the last driver left running stops before we lend memory. */
	if (!ret)
		ret = ctrl_disable(ctrl);
	if (!ret)
		ret = nvme_queue_init(ctrl, &ctrl->admin, 0, 0);
	if (!ret)
		ret = nvme_queue_init(ctrl, &ctrl->io, 1, 1);
	if (!ret)
		ret = enable_interrupts(ctrl);
	if (!ret)
		ret = ctrl_enable(ctrl);
	if (!ret)
		ret = ctrl_identify(ctrl);
	if (!ret)
		ret = create_io_queue(ctrl);
	return ret;
}

/*
 * 7.6.2 Shutdown. After this no memory is written by the controller, not even
 * by one that doesn't obey: its bus mastering is off.
 */
void nvme_ctrl_stop(struct nvme_ctrl *ctrl)
{
	uint32_t cc, csts;

	if (ctrl->dev.fd < 0)
		return;
	if (ctrl->cap) {
		cc = nvme_reg_read32(ctrl, NVME_CC_REG);
		csts = nvme_reg_read32(ctrl, NVME_CSTS_REG);
		if (csts != NVME_CSTS_GONE && cc & NVME_CC_EN &&
		    !(csts & NVME_CSTS_CFS)) {
			nvme_reg_write32(
				ctrl, NVME_CC_REG,
				cc | field_prep(NVME_CC_SHN, NVME_SHN_NORMAL));
			csts_wait(
				ctrl, NVME_CSTS_SHST,
				field_prep(NVME_CSTS_SHST, NVME_SHST_COMPLETE),
				"shut down");
		}
		if (csts != NVME_CSTS_GONE)
			ctrl_disable(ctrl);
		ctrl->cap = 0;
	}
	sluice_device_set_bus_master(&ctrl->dev, false);
}

void nvme_ctrl_close(struct nvme_ctrl *ctrl)
{
	nvme_ctrl_stop(ctrl);
	/* Closing the device disables its interrupts. */
	nvme_queue_deinit(ctrl, &ctrl->io);
	nvme_queue_deinit(ctrl, &ctrl->admin);
	sluice_regs_close(&ctrl->regs);
	sluice_iommu_info_put(&ctrl->info);
	sluice_device_close(&ctrl->dev);
	sluice_container_close(&ctrl->container);
}

int nvme_namespace_get(struct nvme_ctrl *ctrl, uint32_t id,
		       struct nvme_namespace *ns)
{
	struct nvme_id_ns data;
	uint32_t lbaf;
	int ret;

	ret = identify(ctrl, "Identify namespace", NVME_CNS_NAMESPACE, id,
		       &data, sizeof(data));
	if (ret)
		return ret;
	ns->id = id;
	ns->blocks = le64_to_cpu(data.nsze);
	if (!ns->blocks) {
		warnx("namespace %u doesn't exist", id);
		return -ENODEV;
	}
	lbaf = le32_to_cpu(data.lbaf[field_get(NVME_FLBAS_INDEX, data.flbas)]);
	ns->block_lg2 = field_get(NVME_LBAF_LBADS, lbaf);
	if (field_get(NVME_LBAF_MS, lbaf)) {
		warnx("namespace %u is formatted with metadata, which this program can't read",
		      id);
		return -EOPNOTSUPP;
	}
	if (ns->block_lg2 < 9 || ns->block_lg2 > 16 ||
	    ns->blocks > UINT64_MAX >> ns->block_lg2) {
		warnx("namespace %u: implausible size (%llu blocks of 2^%u bytes)",
		      id, (unsigned long long)ns->blocks, ns->block_lg2);
		return -EPROTO;
	}
	return 0;
}
