// SPDX-License-Identifier: GPL-2.0-only
#include "edu.h"
#include "sys.h"
#include "vfio.h"

#include <endian.h>
#include <errno.h>
#include <linux/pci_regs.h>

#define EDU_DMA_SRC 0x80
#define EDU_DMA_DST 0x88
#define EDU_DMA_COUNT 0x90
#define EDU_DMA_CMD 0x98

#define EDU_CMD_RUN 0x1
#define EDU_CMD_TO_MEMORY 0x2
#define EDU_CMD_IRQ 0x4

/* Under TCG and load, a DMA of 100 ms may take much longer. */
#define EDU_PATIENCE_MS 5000

#define EDU_ID_VALUE 0x010000edU

static uint32_t load32(const struct edu *edu, unsigned int reg)
{
	return __atomic_load_n((uint32_t *)(edu->bar + reg), __ATOMIC_RELAXED);
}

/*
 * QEMU gives the registers the byte order of the emulated machine's architecture,
 * on POWER big-endian: not PCI's. The first register tells, if the device answers.
 */
static bool big_endian(const struct edu *edu)
{
	static enum { UNKNOWN, LITTLE, BIG } order;

	if (order == UNKNOWN) {
		uint32_t id = load32(edu, EDU_ID);

		if (id == htole32(EDU_ID_VALUE))
			order = LITTLE;
		else if (id == htobe32(EDU_ID_VALUE))
			order = BIG;
	}
	return order == BIG;
}

uint32_t edu_order32(const struct edu *edu, uint32_t val)
{
	return big_endian(edu) ? htobe32(val) : htole32(val);
}

static uint64_t edu64(const struct edu *edu, uint64_t val)
{
	return big_endian(edu) ? htobe64(val) : htole64(val);
}

/* What is read from memory after a register isn't older than the register. */
uint32_t edu_read(const struct edu *edu, unsigned int reg)
{
	uint32_t val =
		__atomic_load_n((uint32_t *)(edu->bar + reg), __ATOMIC_RELAXED);

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return edu_order32(edu, val);
}

/* The device sees memory as it was when the register was written, or newer. */
void edu_write(const struct edu *edu, unsigned int reg, uint32_t val)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n((uint32_t *)(edu->bar + reg), edu_order32(edu, val),
			 __ATOMIC_RELAXED);
}

static void edu_write64(const struct edu *edu, unsigned int reg, uint64_t val)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n((uint64_t *)(edu->bar + reg), edu64(edu, val),
			 __ATOMIC_RELAXED);
}

int edu_attach(struct edu *edu, int device)
{
	int ret;

	ret = vfio_command(device, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0);
	if (ret)
		return ret;
	edu->bar = vfio_bar_map(device, 0, EDU_BAR_SIZE);
	return edu->bar ? 0 : -ENOMEM;
}

void edu_dma_start(const struct edu *edu, uint64_t iova, unsigned int off,
		   unsigned int len, bool to_memory, bool irq)
{
	uint64_t buf = EDU_BUF + off;

	edu_write64(edu, EDU_DMA_SRC, to_memory ? buf : iova);
	edu_write64(edu, EDU_DMA_DST, to_memory ? iova : buf);
	edu_write64(edu, EDU_DMA_COUNT, len);
	edu_write64(edu, EDU_DMA_CMD,
		    EDU_CMD_RUN | (to_memory ? EDU_CMD_TO_MEMORY : 0) |
			    (irq ? EDU_CMD_IRQ : 0));
}

bool edu_dma_wait(const struct edu *edu, unsigned int ms)
{
	uint64_t end = sys_now_ms() + ms;

	while (edu_read(edu, EDU_DMA_CMD) & EDU_CMD_RUN) {
		if (sys_now_ms() > end)
			return false;
		sys_sleep_ms(5);
	}
	return true;
}

bool edu_dma_from(const struct edu *edu, uint64_t iova, unsigned int off,
		  unsigned int len)
{
	edu_dma_start(edu, iova, off, len, false, false);
	return edu_dma_wait(edu, EDU_PATIENCE_MS);
}

bool edu_dma_to(const struct edu *edu, uint64_t iova, unsigned int off,
		unsigned int len)
{
	edu_dma_start(edu, iova, off, len, true, false);
	return edu_dma_wait(edu, EDU_PATIENCE_MS);
}
