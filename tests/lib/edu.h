/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * QEMU's "edu" device: a DMA engine with a 4 KiB buffer, and an interrupt
 * that can be raised by a register write. Works on any mapping of its BAR 0.
 */
#ifndef TEST_EDU_H
#define TEST_EDU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EDU_BAR_SIZE 0x100000
#define EDU_BUF_SIZE 4096u

/* Offset of the buffer on the device's side of a DMA. */
#define EDU_BUF 0x40000ULL

#define EDU_ID 0x00
#define EDU_LIVENESS 0x04
#define EDU_IRQ_STATUS 0x24
#define EDU_IRQ_RAISE 0x60
#define EDU_IRQ_ACK 0x64

/* What a finished DMA sets in EDU_IRQ_STATUS. */
#define EDU_IRQ_DMA 0x100

struct edu {
	uint8_t *bar;
};

/* A register's value as its bytes are, in either direction. */
uint32_t edu_order32(const struct edu *edu, uint32_t val);

uint32_t edu_read(const struct edu *edu, unsigned int reg);
void edu_write(const struct edu *edu, unsigned int reg, uint32_t val);

/* Switches memory decode and bus mastering on and maps the BAR. */
int edu_attach(struct edu *edu, int device);

/*
 * Starts a DMA of @len bytes between IOVA @iova and the device's buffer at
 * @off; edu_dma_wait() returns when the engine is idle, false after @ms.
 * The engine also becomes idle if the IOMMU refused the access.
 */
void edu_dma_start(const struct edu *edu, uint64_t iova, unsigned int off,
		   unsigned int len, bool to_memory, bool irq);
bool edu_dma_wait(const struct edu *edu, unsigned int ms);

/* Both, with a generous time-out. */
bool edu_dma_from(const struct edu *edu, uint64_t iova, unsigned int off,
		  unsigned int len);
bool edu_dma_to(const struct edu *edu, uint64_t iova, unsigned int off,
		unsigned int len);

#endif /* TEST_EDU_H */
