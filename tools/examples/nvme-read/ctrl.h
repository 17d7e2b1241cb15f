/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small NVMe driver: a controller with its admin queue and one I/O queue,
 * each with an interrupt of its own where the device has two.
 *
 * Every function that fails has said why on stderr and returns a negative
 * errno.
 */
#ifndef NVME_CTRL_H
#define NVME_CTRL_H

#include <stdbool.h>

#include <sluice.h>

#include "spec.h"

/**
 * struct dma_mem - memory that the controller can reach
 * @ptr: for us
 * @iova: for it
 * @size: bytes
 */
struct dma_mem {
	void *ptr;
	uint64_t iova;
	size_t size;
};

/**
 * struct nvme_queue - a submission queue with its completion queue
 * @sq: struct nvme_command[@entries]
 * @cq: struct nvme_completion[@entries]
 * @id: 0 is the admin queue
 * @entries: in each of the two
 * @tail: where the next command goes
 * @head: where the next completion is expected
 * @phase: what its phase tag will be (4.6: inverted with every pass)
 * @vector: MSI-X vector
 * @eventfd: what the vector signals
 * @interrupts: signals seen
 */
struct nvme_queue {
	struct dma_mem sq;
	struct dma_mem cq;
	uint16_t id;
	uint16_t entries;
	uint16_t tail;
	uint16_t head;
	bool phase;
	uint16_t vector;
	int eventfd;
	uint64_t interrupts;
};

/**
 * struct nvme_ctrl - a controller
 * @container: its address space
 * @dev: the PCI device
 * @info: which IOVAs are usable
 * @next_iova: IOVAs below are taken
 * @regs: BAR 0
 * @cap: the CAP register; 0 before the registers are mapped and after a stop
 * @page_size: CC.MPS in bytes: the unit of PRPs
 * @timeout_ms: longest wait for a command
 * @admin: admin queue
 * @io: I/O queue
 * @max_transfer: bytes a command may move (MDTS); UINT64_MAX if not limited
 * @model: MN, without the padding
 * @serial: SN, without the padding
 */
struct nvme_ctrl {
	struct sluice_container container;
	struct sluice_device dev;
	struct sluice_iommu_info info;
	uint64_t next_iova;
	struct sluice_regs regs;
	uint64_t cap;
	size_t page_size;
	int timeout_ms;
	struct nvme_queue admin;
	struct nvme_queue io;
	uint64_t max_transfer;
	char model[41];
	char serial[21];
};

/**
 * struct nvme_namespace - a disk
 * @id: NSID
 * @blocks: capacity
 * @block_lg2: bytes of a block
 */
struct nvme_namespace {
	uint32_t id;
	uint64_t blocks;
	unsigned int block_lg2;
};

/* ctrl.c */
int nvme_ctrl_open(struct nvme_ctrl *ctrl, const char *addr, int timeout_ms);
void nvme_ctrl_stop(struct nvme_ctrl *ctrl);
void nvme_ctrl_close(struct nvme_ctrl *ctrl);
int nvme_ctrl_check(struct nvme_ctrl *ctrl);
int nvme_namespace_get(struct nvme_ctrl *ctrl, uint32_t id,
		       struct nvme_namespace *ns);
uint32_t nvme_reg_read32(struct nvme_ctrl *ctrl, uint32_t reg);
void nvme_reg_write32(struct nvme_ctrl *ctrl, uint32_t reg, uint32_t value);

/* queue.c */
int nvme_dma_alloc(struct nvme_ctrl *ctrl, struct dma_mem *mem, size_t size,
		   uint32_t prot);
void nvme_dma_free(struct nvme_ctrl *ctrl, struct dma_mem *mem);
int nvme_queue_init(struct nvme_ctrl *ctrl, struct nvme_queue *q, uint16_t id,
		    uint16_t vector);
void nvme_queue_deinit(struct nvme_ctrl *ctrl, struct nvme_queue *q);
void nvme_queue_submit(struct nvme_ctrl *ctrl, struct nvme_queue *q,
		       const struct nvme_command *cmd);
int nvme_queue_wait(struct nvme_ctrl *ctrl, struct nvme_queue *q,
		    struct nvme_completion *done);
void nvme_queue_drain(struct nvme_queue *q);
int nvme_status_check(const char *what, const struct nvme_completion *done);

#endif /* NVME_CTRL_H */
