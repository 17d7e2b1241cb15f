// SPDX-License-Identifier: GPL-2.0-only
/*
 * A BAR, apart from its device.
 *
 * Owns: what of a BAR user space can map, keeping everybody else out of the page
 * that it ends in, and the width and byte order of accesses to its registers.
 * Functions of their arguments only. Does not own: when which is called
 * (region.c, mmap.c).
 */
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/unaligned.h>

#include "private.h"

u64 sluice_pci_bar_reserve(const struct resource *res, struct resource *rest)
{
	*rest = (struct resource) {
		.name = "vfio sub-page reserved",
		.start = res->end + 1,
		.end = res->end | ~PAGE_MASK,
		/* Busy: a region within it can't be requested either. */
		.flags = IORESOURCE_MEM | IORESOURCE_BUSY,
	};

	if (!(res->flags & IORESOURCE_MEM) || !PAGE_ALIGNED(res->start))
		return 0;
	if (rest->end == res->end)
		return resource_size(res);
	/* Nothing but the parent's children is decoded behind the parent. */
	if (!res->parent || request_resource(res->parent, rest))
		return 0;
	return rest->end - res->start + 1;
}

void sluice_pci_bar_unreserve(struct resource *rest)
{
	if (rest->parent)
		release_resource(rest);
}

size_t sluice_pci_io_width(u64 off, size_t count, bool mem)
{
	size_t width = mem ? 8 : 4;

	while (off & (width - 1) || width > count)
		width /= 2;
	return width;
}

void sluice_pci_io_load(u8 *buf, void __iomem *io, size_t width)
{
	switch (width) {
	case 1:
		*buf = ioread8(io);
		break;
	case 2:
		put_unaligned_le16(ioread16(io), buf);
		break;
	case 4:
		put_unaligned_le32(ioread32(io), buf);
		break;
	case 8:
		put_unaligned_le64(readq(io), buf);
		break;
	}
}

void sluice_pci_io_store(const u8 *buf, void __iomem *io, size_t width)
{
	switch (width) {
	case 1:
		iowrite8(*buf, io);
		break;
	case 2:
		iowrite16(get_unaligned_le16(buf), io);
		break;
	case 4:
		iowrite32(get_unaligned_le32(buf), io);
		break;
	case 8:
		writeq(get_unaligned_le64(buf), io);
		break;
	}
}
