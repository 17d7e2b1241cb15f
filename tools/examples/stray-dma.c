// SPDX-License-Identifier: GPL-2.0-only
/*
 * stray-dma: see the IOMMU stop a device.
 *
 * QEMU's "edu" device copies between its own buffer and any bus address it is
 * told. This program lets it write to memory that is mapped for it, takes the
 * mapping away, and lets it write to the same address again. It owns the
 * device for that time, and tells by its exit status whether the second write
 * was stopped. That the kernel reported a fault is for the caller to see, in
 * the kernel's log.
 */
#include <endian.h>
#include <err.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "sluice.h"

#define EDU_ID 0x1234
#define EDU_ID_DEVICE 0x11e8

/* Registers in BAR 0. */
#define EDU_DMA_SOURCE 0x80
#define EDU_DMA_DESTINATION 0x88
#define EDU_DMA_COUNT 0x90
#define EDU_DMA_COMMAND 0x98
#define EDU_DMA_START 0x1
#define EDU_DMA_TO_MEMORY 0x2

/* Where the device's DMA engine sees its own buffer. */
#define EDU_BUFFER 0x40000

/* The device's first register: what it is. */
#define EDU_VERSION 0x00
#define EDU_VERSION_1 0x010000ed

/* Any usable address will do, but not a low one, which is often used. */
#define LEAST_IOVA 0x10000000
#define LENGTH 256
#define TIMEOUT_MS 5000

/* Where the DMA goes. */
static uint64_t iova;

/*
 * QEMU gives the registers the byte order of the emulated machine's architecture:
 * on POWER, big-endian. PCI devices are little-endian, and the kernel goes by that.
 */
static bool swapped;

static uint64_t register_order(uint64_t value)
{
	return htole64(swapped ? __builtin_bswap64(value) : value);
}

static void write_register(struct sluice_device *dev, uint64_t offset,
			   uint64_t value)
{
	int ret;

	value = register_order(value);
	ret = sluice_region_write(dev, VFIO_PCI_BAR0_REGION_INDEX, offset,
				  &value, sizeof(value));
	if (ret)
		errx(1, "register %#jx: %s", (uintmax_t)offset, strerror(-ret));
}

static bool dma_busy(struct sluice_device *dev)
{
	uint64_t command;
	int ret = sluice_region_read(dev, VFIO_PCI_BAR0_REGION_INDEX,
				     EDU_DMA_COMMAND, &command,
				     sizeof(command));

	if (ret)
		errx(1, "DMA command register: %s", strerror(-ret));
	return register_order(command) & EDU_DMA_START;
}

/* The engine goes idle whether or not its access was let through. */
static void copy(struct sluice_device *dev, bool to_memory)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
	unsigned int waited;

	write_register(dev, EDU_DMA_SOURCE, to_memory ? EDU_BUFFER : iova);
	write_register(dev, EDU_DMA_DESTINATION, to_memory ? iova : EDU_BUFFER);
	write_register(dev, EDU_DMA_COUNT, LENGTH);
	write_register(dev, EDU_DMA_COMMAND,
		       EDU_DMA_START | (to_memory ? EDU_DMA_TO_MEMORY : 0));
	for (waited = 0; dma_busy(dev); waited += 10) {
		if (waited > TIMEOUT_MS)
			errx(1, "the device's DMA engine does not stop");
		nanosleep(&pause, NULL);
	}
}

static void check_identity(struct sluice_device *dev)
{
	uint32_t id;
	int ret = sluice_config_read(dev, 0, 4, &id);

	if (ret)
		errx(1, "configuration space: %s", strerror(-ret));
	if (id != (EDU_ID_DEVICE << 16 | EDU_ID))
		errx(1, "%s is no edu device", dev->addr);
}

static void find_byte_order(struct sluice_device *dev)
{
	uint32_t version;
	int ret = sluice_region_read(dev, VFIO_PCI_BAR0_REGION_INDEX,
				     EDU_VERSION, &version, sizeof(version));

	if (ret)
		errx(1, "version register: %s", strerror(-ret));
	swapped = le32toh(version) == __builtin_bswap32(EDU_VERSION_1);
}

static void find_iova(struct sluice_container *container, size_t page_size)
{
	struct sluice_iommu_info info;
	int ret = sluice_iommu_info_get(container, &info);

	if (!ret)
		ret = sluice_iova_find(&info, LEAST_IOVA, page_size, page_size,
				       &iova);
	if (ret)
		errx(1, "usable addresses: %s", strerror(-ret));
	sluice_iommu_info_put(&info);
}

/* Returns whether the stray write was stopped. */
static bool demonstrate(struct sluice_container *container,
			struct sluice_device *dev, unsigned char *page,
			size_t page_size)
{
	unsigned char before[LENGTH];
	bool stopped;
	size_t i;
	int ret;

	for (i = 0; i < LENGTH; i++)
		page[i] = 3 * i + 1;
	memcpy(before, page, LENGTH);
	ret = sluice_dma_map(container, page, iova, page_size, SLUICE_DMA_RW);
	if (ret)
		errx(1, "map: %s", strerror(-ret));
	copy(dev, false);
	memset(page, 0, LENGTH);
	copy(dev, true);
	if (memcmp(page, before, LENGTH))
		errx(1, "DMA to mapped memory did not arrive");
	printf("mapped:   the device wrote %d bytes to IOVA %#jx: arrived\n",
	       LENGTH, (uintmax_t)iova);

	ret = sluice_dma_unmap(container, iova, page_size, NULL);
	if (ret)
		errx(1, "unmap: %s", strerror(-ret));
	memset(page, 0, LENGTH);
	copy(dev, true);
	for (i = 0, stopped = true; i < LENGTH; i++)
		stopped = stopped && !page[i];
	printf("unmapped: the device wrote %d bytes to IOVA %#jx: %s\n", LENGTH,
	       (uintmax_t)iova, stopped ? "stopped" : "NOT STOPPED");
	return stopped;
}

int main(int argc, char **argv)
{
	size_t page_size = sysconf(_SC_PAGESIZE);
	struct sluice_container container;
	struct sluice_binding binding;
	struct sluice_device dev;
	bool stopped;
	void *page;
	int ret;

	if (argc != 2 || argv[1][0] == '-') {
		fprintf(stderr, "usage: stray-dma PCI-ADDRESS-OF-AN-EDU\n");
		return 2;
	}
	page = mmap(NULL, page_size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		err(1, "mmap");
	ret = sluice_bind(argv[1], &binding);
	if (ret)
		errx(1, "bind %s: %s", argv[1], strerror(-ret));
	ret = sluice_container_open(&container);
	if (ret)
		errx(1, "container: %s", sluice_open_strerror(ret));
	ret = sluice_device_open(&dev, &container, argv[1]);
	if (ret)
		errx(1, "%s: %s", argv[1], sluice_open_strerror(ret));
	check_identity(&dev);
	ret = sluice_device_set_bus_master(&dev, true);
	if (ret)
		errx(1, "bus mastering: %s", strerror(-ret));
	find_byte_order(&dev);
	find_iova(&container, page_size);

	stopped = demonstrate(&container, &dev, page, page_size);

	sluice_device_close(&dev);
	sluice_container_close(&container);
	sluice_bind_restore(&binding);
	return !stopped;
}
