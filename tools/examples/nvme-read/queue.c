// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues in mapped memory: submitting commands, waiting for completions by
 * interrupt, and what a completion's status means. Does not know the commands.
 */
#include <err.h>
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ctrl.h"

#define QUEUE_ENTRIES 64

int nvme_dma_alloc(struct nvme_ctrl *ctrl, struct dma_mem *mem, size_t size,
		   uint32_t prot)
{
	size_t page = sysconf(_SC_PAGESIZE);
	int ret;

	if (page < ctrl->page_size)
		page = ctrl->page_size;
	size = (size + page - 1) & ~(page - 1);
	ret = sluice_iova_find(&ctrl->info, ctrl->next_iova, size, page,
			       &mem->iova);
	if (ret) {
		warnx("no room for %zu bytes in the IOMMU's address space",
		      size);
		return ret;
	}
	mem->ptr = mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem->ptr == MAP_FAILED) {
		ret = -errno;
		mem->ptr = NULL;
		warn("allocating %zu bytes", size);
		return ret;
	}
	ret = sluice_dma_map(&ctrl->container, mem->ptr, mem->iova, size, prot);
	if (ret) {
		warnx("mapping %zu bytes for the device: %s%s", size,
		      strerror(-ret),
		      ret == -ENOMEM ?
			      " (is the limit of locked memory, ulimit -l, too low?)" :
			      "");
		munmap(mem->ptr, size);
		mem->ptr = NULL;
		return ret;
	}
	mem->size = size;
	ctrl->next_iova = mem->iova + size;
	return 0;
}

void nvme_dma_free(struct nvme_ctrl *ctrl, struct dma_mem *mem)
{
	int ret;

	if (!mem->ptr)
		return;
	ret = sluice_dma_unmap(&ctrl->container, mem->iova, mem->size, NULL);
	if (ret)
		warnx("unmapping %#llx: %s", (unsigned long long)mem->iova,
		      strerror(-ret));
	munmap(mem->ptr, mem->size);
	mem->ptr = NULL;
}

int nvme_queue_init(struct nvme_ctrl *ctrl, struct nvme_queue *q, uint16_t id,
		    uint16_t vector)
{
	uint64_t mqes = field_get(NVME_CAP_MQES, ctrl->cap);
	int ret;

	*q = (struct nvme_queue){
		.id = id,
		.vector = vector,
		.phase = true,
		.entries = mqes + 1 < QUEUE_ENTRIES ? mqes + 1 : QUEUE_ENTRIES,
	};
	q->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (q->eventfd < 0) {
		ret = -errno;
		warn("eventfd");
		return ret;
	}
	/* The controller has no business writing to a submission queue. */
	ret = nvme_dma_alloc(ctrl, &q->sq,
			     q->entries * sizeof(struct nvme_command),
			     SLUICE_DMA_READ);
	if (!ret)
		ret = nvme_dma_alloc(ctrl, &q->cq,
				     q->entries *
					     sizeof(struct nvme_completion),
				     SLUICE_DMA_RW);
	return ret;
}

void nvme_queue_deinit(struct nvme_ctrl *ctrl, struct nvme_queue *q)
{
	nvme_dma_free(ctrl, &q->cq);
	nvme_dma_free(ctrl, &q->sq);
	if (q->eventfd >= 0)
		close(q->eventfd);
	q->eventfd = -1;
}

/* 3.1.25, 3.1.26: for each queue the tail's doorbell, then the head's. */
static void ring_doorbell(struct nvme_ctrl *ctrl, unsigned int index,
			  uint16_t value)
{
	uint32_t stride = 4U << field_get(NVME_CAP_DSTRD, ctrl->cap);

	nvme_reg_write32(ctrl, NVME_DOORBELL_BASE + index * stride, value);
}

/* The caller sees to it that there are fewer commands than entries. */
void nvme_queue_submit(struct nvme_ctrl *ctrl, struct nvme_queue *q,
		       const struct nvme_command *cmd)
{
	struct nvme_command *sq = q->sq.ptr;

	sq[q->tail] = *cmd;
	q->tail = q->tail + 1 == q->entries ? 0 : q->tail + 1;
	/* The doorbell's write orders the entry before itself. */
	ring_doorbell(ctrl, 2 * q->id, q->tail);
}

static bool queue_reap(struct nvme_ctrl *ctrl, struct nvme_queue *q,
		       struct nvme_completion *done)
{
	struct nvme_completion *entry =
		(struct nvme_completion *)q->cq.ptr + q->head;
	uint16_t *raw = (__force uint16_t *)&entry->status;
	uint16_t status = le16toh(__atomic_load_n(raw, __ATOMIC_RELAXED));

	if (!!(status & NVME_STATUS_P) != q->phase)
		return false;
	/* The rest of the entry is valid only once its phase tag is. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	*done = *entry;
	if (++q->head == q->entries) {
		q->head = 0;
		q->phase = !q->phase;
	}
	ring_doorbell(ctrl, 2 * q->id + 1, q->head);
	return true;
}

/* One completion, of any command. */
int nvme_queue_wait(struct nvme_ctrl *ctrl, struct nvme_queue *q,
		    struct nvme_completion *done)
{
	uint64_t signals;
	int ret;

	/*
	 * Look before waiting: one interrupt may stand for several
	 * completions, and the eventfd keeps one that comes in between.
	 */
	while (!queue_reap(ctrl, q, done)) {
		ret = sluice_eventfd_wait(q->eventfd, ctrl->timeout_ms,
					  &signals);
		if (!ret) {
			q->interrupts += signals;
			continue;
		}
		if (ret != -ETIMEDOUT) {
			warnx("waiting for an interrupt: %s", strerror(-ret));
			return ret;
		}
		if (queue_reap(ctrl, q, done)) {
			warnx("queue %u: completion without interrupt (MSI-X vector %u)",
			      q->id, q->vector);
			return -ETIMEDOUT;
		}
		ret = nvme_ctrl_check(ctrl);
		if (ret)
			return ret;
		warnx("queue %u: no completion within %d ms", q->id,
		      ctrl->timeout_ms);
		return -ETIMEDOUT;
	}
	return 0;
}

/* Count the interrupts that nobody had to wait for. */
void nvme_queue_drain(struct nvme_queue *q)
{
	uint64_t signals;

	if (!sluice_eventfd_wait(q->eventfd, 0, &signals))
		q->interrupts += signals;
}

struct status_name {
	uint8_t sct;
	uint8_t sc;
	const char *name;
};

/* 4.5.1.2.1 to 4.5.1.2.3, those that the commands used here can give */
static const struct status_name status_names[] = {
	{ NVME_SCT_GENERIC, 0x01, "invalid command opcode" },
	{ NVME_SCT_GENERIC, 0x02, "invalid field in command" },
	{ NVME_SCT_GENERIC, 0x03, "command ID conflict" },
	{ NVME_SCT_GENERIC, 0x04,
	  "data transfer error (did the IOMMU stop the DMA?)" },
	{ NVME_SCT_GENERIC, 0x05, "aborted due to power loss notification" },
	{ NVME_SCT_GENERIC, 0x06, "internal error" },
	{ NVME_SCT_GENERIC, 0x07, "abort requested" },
	{ NVME_SCT_GENERIC, 0x08, "aborted due to SQ deletion" },
	{ NVME_SCT_GENERIC, 0x0b, "invalid namespace or format" },
	{ NVME_SCT_GENERIC, 0x13, "invalid PRP offset" },
	{ NVME_SCT_GENERIC, 0x80, "LBA out of range" },
	{ NVME_SCT_GENERIC, 0x81, "capacity exceeded" },
	{ NVME_SCT_GENERIC, 0x82, "namespace not ready" },
	{ NVME_SCT_COMMAND, 0x00, "completion queue invalid" },
	{ NVME_SCT_COMMAND, 0x01, "invalid queue identifier" },
	{ NVME_SCT_COMMAND, 0x02, "invalid queue size" },
	{ NVME_SCT_COMMAND, 0x08, "invalid interrupt vector" },
	{ NVME_SCT_MEDIA, 0x81, "unrecovered read error" },
	{ NVME_SCT_MEDIA, 0x86, "access denied" },
	{ NVME_SCT_MEDIA, 0x87, "deallocated or unwritten block" },
};

int nvme_status_check(const char *what, const struct nvme_completion *done)
{
	uint16_t status = le16_to_cpu(done->status);
	unsigned int sct = field_get(NVME_STATUS_SCT, status);
	unsigned int sc = field_get(NVME_STATUS_SC, status);
	const char *name = "see the specification, 4.5.1.2";
	size_t i;

	if (!sct && !sc)
		return 0;
	for (i = 0; i < ARRAY_SIZE(status_names); i++)
		if (status_names[i].sct == sct && status_names[i].sc == sc)
			name = status_names[i].name;
	warnx("%s failed: %s (status code type %u, code %#04x%s)", what, name,
	      sct, sc, status & NVME_STATUS_DNR ? ", do not retry" : "");
	return -EIO;
}
