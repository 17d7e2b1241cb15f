// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bad input to the device fd, row by row: wrong structures, indices,
 * interrupt set-ups, offsets and mappings. After each row nothing may have
 * changed; lib/table.c checks that. The rows run on an edu: conventional
 * PCI, one BAR, INTx and one MSI vector.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "kselftest.h"
#include "sys.h"
#include "table.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define BAR_SIZE 0x100000ULL
#define REGION(i) ((uint64_t)(i) << 40)
#define CONFIG REGION(VFIO_PCI_CONFIG_REGION_INDEX)
#define KERNEL_ADDR 0xffff888000000000ULL

#define INTX VFIO_PCI_INTX_IRQ_INDEX
#define MSI VFIO_PCI_MSI_IRQ_INDEX
#define MSIX VFIO_PCI_MSIX_IRQ_INDEX
#define ERR VFIO_PCI_ERR_IRQ_INDEX
#define REQ VFIO_PCI_REQ_IRQ_INDEX

#define NONE VFIO_IRQ_SET_DATA_NONE
#define BOOL VFIO_IRQ_SET_DATA_BOOL
#define EVENTFD VFIO_IRQ_SET_DATA_EVENTFD
#define MASK VFIO_IRQ_SET_ACTION_MASK
#define UNMASK VFIO_IRQ_SET_ACTION_UNMASK
#define TRIGGER VFIO_IRQ_SET_ACTION_TRIGGER

/* ioctl a with a zeroed structure of r->argsz; index (where it has one) b. */
static int ioctl_argsz(const struct env *e, const struct row *r)
{
	uint32_t *arg = (uint32_t *)e->buf;

	arg[0] = r->argsz;
	arg[1] = r->flags;
	arg[2] = r->b;
	return vfio_ioctl(e->v.device, r->a, arg);
}

/* Versions of clang-format disagree about members in macros. */
/* clang-format off */
#define ARGSZ_ROW(_name, _cmd, _argsz, _flags, _index, _want)        \
	{                                                            \
		.name = _name, .call = ioctl_argsz, .a = (_cmd),     \
		.argsz = (_argsz), .flags = (_flags), .b = (_index), \
		.want = (_want)                                      \
	}
/* clang-format on */

/* Neither MSI nor INTx may be left set up. */
static bool irqs_off(const struct env *e)
{
	int efd = eventfd(0, 0);
	bool off;

	off = !vfio_irqs(e->v.device, INTX, TRIGGER, 0, 1, &efd) &&
	      !vfio_irqs(e->v.device, INTX, TRIGGER, 0, 0, NULL);
	close(efd);
	return off;
}

/*
 * SET_IRQS: flags, index a, start b, count c, with 4 bytes of data d that
 * count only as far as argsz (if given) says.
 */
static int set_irqs(const struct env *e, const struct row *r)
{
	struct vfio_irq_set *set = (void *)e->buf;
	int32_t data = (int32_t)r->d;
	int ret;

	set->argsz = r->argsz ? r->argsz : sizeof(*set) + sizeof(data);
	set->flags = r->flags;
	set->index = r->a;
	set->start = r->b;
	set->count = r->c;
	memcpy(set->data, &data, sizeof(data));
	ret = vfio_ioctl(e->v.device, VFIO_DEVICE_SET_IRQS, set);
	return irqs_off(e) ? ret : 1;
}

/* Versions of clang-format disagree about members in macros. */
/* clang-format off */
#define IRQ_ROW(_name, _index, _flags, _start, _count, _data, _want)           \
	{                                                                      \
		.name = "irq: " _name, .call = set_irqs, .a = (_index),        \
		.flags = (_flags), .b = (_start), .c = (_count), .d = (_data), \
		.want = (_want)                                                \
	}
/* clang-format on */

/* The same after index @argsz has been set up with an eventfd. */
static int set_irqs_on(const struct env *e, const struct row *r)
{
	int efd = eventfd(0, EFD_NONBLOCK), ret;
	unsigned int on = r->argsz;
	struct vfio_irq_set *set = (void *)e->buf;
	int32_t data = (int32_t)r->d;

	if (vfio_irqs(e->v.device, on, TRIGGER, 0, 1, &efd))
		return 1;
	set->argsz = sizeof(*set) + sizeof(data);
	set->flags = r->flags;
	set->index = r->a;
	set->start = r->b;
	set->count = r->c;
	memcpy(set->data, &data, sizeof(data));
	ret = vfio_ioctl(e->v.device, VFIO_DEVICE_SET_IRQS, set);
	/* What was set up must still work, and can be taken down. */
	if (vfio_irqs(e->v.device, on, TRIGGER, 0, 1, NULL) ||
	    vfio_irqs(e->v.device, on, TRIGGER, 0, 0, NULL))
		return 2;
	return irqs_off(e) ? ret : 3;
}

/* Versions of clang-format disagree about members in macros. */
/* clang-format off */
#define IRQ_ON_ROW(_name, _on, _index, _flags, _start, _count, _data, _want) \
	{                                                                    \
		.name = "irq: " _name, .call = set_irqs_on, .argsz = (_on),  \
		.a = (_index), .flags = (_flags), .b = (_start),             \
		.c = (_count), .d = (_data), .want = (_want)                 \
	}
/* clang-format on */

/* Data that ends in the middle of nothing. */
static int set_irqs_edge(const struct env *e, const struct row *r)
{
	struct vfio_irq_set *set = (void *)(e->edge - sizeof(*set) - 2);

	set->argsz = sizeof(*set) + 4;
	set->flags = EVENTFD | TRIGGER;
	set->index = MSI;
	set->start = 0;
	set->count = 1;
	(void)r;
	return vfio_ioctl(e->v.device, VFIO_DEVICE_SET_IRQS, set);
}

static int hot_reset(const struct env *e, const struct row *r)
{
	struct vfio_pci_hot_reset *reset = (void *)e->buf;

	reset->argsz = r->argsz;
	reset->flags = r->flags;
	reset->count = r->a;
	reset->group_fds[0] = (int32_t)r->b;
	reset->group_fds[1] = (int32_t)r->b;
	return vfio_ioctl(e->v.device, VFIO_DEVICE_PCI_HOT_RESET, reset);
}

/* Reads a bytes at offset b; to address c if that isn't 0. */
static int read_at(const struct env *e, const struct row *r)
{
	void *to = r->c ? (void *)(uintptr_t)r->c : e->buf;
	ssize_t ret = pread(e->v.device, to, r->a, r->b);

	return ret < 0 ? -errno : (int)ret;
}

/* Writes a bytes at offset b; from address c if that isn't 0. */
static int write_at(const struct env *e, const struct row *r)
{
	void *from = r->c ? (void *)(uintptr_t)r->c : e->buf;
	ssize_t ret = pwrite(e->v.device, from, r->a, r->b);

	return ret < 0 ? -errno : (int)ret;
}

/* The same, with memory decode on, as a BAR wants. */
static int read_bar(const struct env *e, const struct row *r)
{
	return vfio_command(e->v.device, 2, 0) ? 1 : read_at(e, r);
}

static int write_bar(const struct env *e, const struct row *r)
{
	return vfio_command(e->v.device, 2, 0) ? 1 : write_at(e, r);
}

/* Versions of clang-format disagree about members in macros. */
/* clang-format off */
#define READ_ROW(_name, _call, _bytes, _offset, _to, _want)                  \
	{                                                                    \
		.name = _name, .call = _call, .a = (_bytes), .b = (_offset), \
		.c = (_to), .want = (_want)                                  \
	}
/* clang-format on */

/* mmap of a bytes at offset b; flags are mmap's. */
static int map_at(const struct env *e, const struct row *r)
{
	void *map = mmap(NULL, r->a, PROT_READ, r->flags, e->v.device, r->b);

	if (map == MAP_FAILED)
		return -errno;
	munmap(map, r->a);
	return 0;
}

/* Versions of clang-format disagree about members in macros. */
/* clang-format off */
#define MMAP_ROW(_name, _bytes, _offset, _flags, _want)                \
	{                                                              \
		.name = "mmap: " _name, .call = map_at, .a = (_bytes), \
		.b = (_offset), .flags = (_flags), .want = (_want)     \
	}
/* clang-format on */

static const struct row rows[] = {
	/* The structures. */
	ARGSZ_ROW("info: valid", VFIO_DEVICE_GET_INFO, 20, 0, 0, 0),
	ARGSZ_ROW("info: argsz 0", VFIO_DEVICE_GET_INFO, 0, 0, 0, -EINVAL),
	ARGSZ_ROW("info: argsz one short", VFIO_DEVICE_GET_INFO, 15, 0, 0,
		  -EINVAL),
	PTR_ROW("info: NULL", ROW_DEVICE, VFIO_DEVICE_GET_INFO, 0, -EFAULT),
	PTR_ROW("info: kernel pointer", ROW_DEVICE, VFIO_DEVICE_GET_INFO,
		KERNEL_ADDR, -EFAULT),
	EDGE_ROW("info: structure cut off", ROW_DEVICE, VFIO_DEVICE_GET_INFO, 8,
		 16, -EFAULT),
	ARGSZ_ROW("region: valid", VFIO_DEVICE_GET_REGION_INFO, 32, 0, 0, 0),
	ARGSZ_ROW("region: argsz one short", VFIO_DEVICE_GET_REGION_INFO, 31, 0,
		  0, -EINVAL),
	ARGSZ_ROW("region: past the last", VFIO_DEVICE_GET_REGION_INFO, 32, 0,
		  9, -EINVAL),
	ARGSZ_ROW("region: index -1", VFIO_DEVICE_GET_REGION_INFO, 32, 0, -1,
		  -EINVAL),
	ARGSZ_ROW("region: no VGA", VFIO_DEVICE_GET_REGION_INFO, 32, 0, 8,
		  -EINVAL),
	PTR_ROW("region: NULL", ROW_DEVICE, VFIO_DEVICE_GET_REGION_INFO, 0,
		-EFAULT),
	EDGE_ROW("region: structure cut off", ROW_DEVICE,
		 VFIO_DEVICE_GET_REGION_INFO, 16, 32, -EFAULT),
	ARGSZ_ROW("irq info: valid", VFIO_DEVICE_GET_IRQ_INFO, 16, 0, MSI, 0),
	ARGSZ_ROW("irq info: argsz one short", VFIO_DEVICE_GET_IRQ_INFO, 15, 0,
		  MSI, -EINVAL),
	ARGSZ_ROW("irq info: past the last", VFIO_DEVICE_GET_IRQ_INFO, 16, 0, 5,
		  -EINVAL),
	ARGSZ_ROW("irq info: index -1", VFIO_DEVICE_GET_IRQ_INFO, 16, 0, -1,
		  -EINVAL),
	ARGSZ_ROW("irq info: ERR without PCIe", VFIO_DEVICE_GET_IRQ_INFO, 16, 0,
		  ERR, -EINVAL),
	PTR_ROW("irq info: NULL", ROW_DEVICE, VFIO_DEVICE_GET_IRQ_INFO, 0,
		-EFAULT),
	ARGSZ_ROW("feature: argsz one short", VFIO_DEVICE_FEATURE, 7,
		  VFIO_DEVICE_FEATURE_GET, 0, -EINVAL),
	ARGSZ_ROW("feature: unknown flag", VFIO_DEVICE_FEATURE, 64,
		  VFIO_DEVICE_FEATURE_GET | 1U << 31, 0, -EINVAL),
	ARGSZ_ROW("feature: GET and SET", VFIO_DEVICE_FEATURE, 64,
		  VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET, 0,
		  -EINVAL),
	ARGSZ_ROW("feature: unknown", VFIO_DEVICE_FEATURE, 64,
		  VFIO_DEVICE_FEATURE_GET | 0x7ff0, 0, -ENOTTY),
	PTR_ROW("feature: NULL", ROW_DEVICE, VFIO_DEVICE_FEATURE, 0, -EFAULT),
	ARGSZ_ROW("hot reset info: argsz one short",
		  VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, 11, 0, 0, -EINVAL),
	{ .name = "hot reset info: no room",
	  .bus = true,
	  .call = ioctl_argsz,
	  .a = VFIO_DEVICE_GET_PCI_HOT_RESET_INFO,
	  .argsz = 12,
	  .want = -ENOSPC },
	PTR_ROW("hot reset info: NULL", ROW_DEVICE,
		VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, 0, -EFAULT),
	PTR_ROW("device: unknown ioctl", ROW_DEVICE, 0x3bff, 0, -ENOTTY),
	PTR_ROW("device: foreign ioctl", ROW_DEVICE, 0x5401, 0, -ENOTTY),
	PTR_ROW("device: container's ioctl", ROW_DEVICE, VFIO_SET_IOMMU, 3,
		-ENOTTY),

	/* Interrupts. */
	{ .name = "irq: argsz 0",
	  .call = ioctl_argsz,
	  .a = VFIO_DEVICE_SET_IRQS,
	  .argsz = 0,
	  .flags = NONE | TRIGGER,
	  .b = MSI,
	  .want = -EINVAL },
	{ .name = "irq: argsz one short",
	  .call = ioctl_argsz,
	  .a = VFIO_DEVICE_SET_IRQS,
	  .argsz = 19,
	  .flags = NONE | TRIGGER,
	  .b = MSI,
	  .want = -EINVAL },
	PTR_ROW("irq: NULL", ROW_DEVICE, VFIO_DEVICE_SET_IRQS, 0, -EFAULT),
	EDGE_ROW("irq: structure cut off", ROW_DEVICE, VFIO_DEVICE_SET_IRQS, 8,
		 20, -EFAULT),
	{ .name = "irq: data cut off", .call = set_irqs_edge, .want = -EFAULT },
	{ .name = "irq: data beyond argsz",
	  .call = set_irqs,
	  .argsz = 23,
	  .flags = EVENTFD | TRIGGER,
	  .a = MSI,
	  .c = 1,
	  .want = -EINVAL },
	IRQ_ROW("index past the last", 5, NONE | TRIGGER, 0, 1, 0, -EINVAL),
	IRQ_ROW("index -1", -1, NONE | TRIGGER, 0, 1, 0, -EINVAL),
	IRQ_ROW("no flags", MSI, 0, 0, 1, 0, -EINVAL),
	IRQ_ROW("no data type", MSI, TRIGGER, 0, 1, 0, -EINVAL),
	IRQ_ROW("two data types", MSI, NONE | EVENTFD | TRIGGER, 0, 1, -1,
		-EINVAL),
	IRQ_ROW("no action", MSI, NONE, 0, 1, 0, -ENOTTY),
	IRQ_ROW("two actions", INTX, NONE | MASK | UNMASK, 0, 1, 0, -ENOTTY),
	IRQ_ROW("unknown flag", MSI, NONE | TRIGGER | 1 << 6, 0, 1, 0, -EINVAL),
	IRQ_ROW("start past the last", MSI, EVENTFD | TRIGGER, 1, 1, -1,
		-EINVAL),
	IRQ_ROW("count too large", MSI, EVENTFD | TRIGGER, 0, 2, -1, -EINVAL),
	IRQ_ROW("count -1", MSI, EVENTFD | TRIGGER, 0, -1, -1, -EINVAL),
	IRQ_ROW("start and count wrap", MSI, NONE | TRIGGER, 0xffffffff, 2, 0,
		-EINVAL),
	IRQ_ROW("vector of MSI-X, which it lacks", MSIX, EVENTFD | TRIGGER, 0,
		1, -1, -EINVAL),
	IRQ_ROW("ERR without PCIe", ERR, EVENTFD | TRIGGER, 0, 1, -1, -EINVAL),
	IRQ_ROW("MSI, closed fd", MSI, EVENTFD | TRIGGER, 0, 1, 999, -EBADF),
	IRQ_ROW("MSI, fd no eventfd", MSI, EVENTFD | TRIGGER, 0, 1, 1, -EINVAL),
	IRQ_ROW("INTx, closed fd", INTX, EVENTFD | TRIGGER, 0, 1, 999, -EBADF),
	IRQ_ROW("INTx, fd no eventfd", INTX, EVENTFD | TRIGGER, 0, 1, 1,
		-EINVAL),
	IRQ_ROW("REQ, closed fd", REQ, EVENTFD | TRIGGER, 0, 1, 999, -EBADF),
	IRQ_ROW("REQ, fd -2", REQ, EVENTFD | TRIGGER, 0, 1, -2, -EINVAL),
	IRQ_ROW("MSI trigger, not set up", MSI, NONE | TRIGGER, 0, 1, 0,
		-EINVAL),
	IRQ_ROW("MSI off, not set up", MSI, NONE | TRIGGER, 0, 0, 0, -EINVAL),
	IRQ_ROW("INTx trigger, not set up", INTX, NONE | TRIGGER, 0, 1, 0,
		-EINVAL),
	IRQ_ROW("INTx mask, not set up", INTX, NONE | MASK, 0, 1, 0, -EINVAL),
	IRQ_ROW("INTx unmask, not set up", INTX, NONE | UNMASK, 0, 1, 0,
		-EINVAL),
	IRQ_ROW("MSI mask", MSI, NONE | MASK, 0, 1, 0, -ENOTTY),
	IRQ_ROW("MSI unmask", MSI, NONE | UNMASK, 0, 1, 0, -ENOTTY),
	IRQ_ROW("REQ mask", REQ, NONE | MASK, 0, 1, 0, -ENOTTY),
	IRQ_ON_ROW("INTx while MSI", MSI, INTX, EVENTFD | TRIGGER, 0, 1, -1,
		   -EINVAL),
	IRQ_ON_ROW("MSI while INTx", INTX, MSI, EVENTFD | TRIGGER, 0, 1, -1,
		   -EINVAL),
	IRQ_ON_ROW("MSI again, closed fd", MSI, MSI, EVENTFD | TRIGGER, 0, 1,
		   999, -EBADF),
	IRQ_ON_ROW("INTx again, closed fd", INTX, INTX, EVENTFD | TRIGGER, 0, 1,
		   999, -EBADF),
	IRQ_ON_ROW("INTx mask by eventfd", INTX, INTX, EVENTFD | MASK, 0, 1, -1,
		   -ENOTTY),
	IRQ_ON_ROW("INTx mask two", INTX, INTX, NONE | MASK, 0, 2, 0, -EINVAL),
	IRQ_ON_ROW("INTx unmask, closed fd", INTX, INTX, EVENTFD | UNMASK, 0, 1,
		   999, -EBADF),

	/* Hot reset. */
	PTR_ROW("hot reset: NULL", ROW_DEVICE, VFIO_DEVICE_PCI_HOT_RESET, 0,
		-EFAULT),
	{ .name = "hot reset: argsz one short",
	  .call = hot_reset,
	  .argsz = 11,
	  .want = -EINVAL },
	{ .name = "hot reset: flags",
	  .call = hot_reset,
	  .argsz = 64,
	  .flags = 1,
	  .a = 1,
	  .b = 1,
	  .want = -EINVAL },
	{ .name = "hot reset: no groups",
	  .call = hot_reset,
	  .argsz = 64,
	  .a = 0,
	  .want = -EINVAL },
	{ .name = "hot reset: more groups than devices",
	  .bus = true,
	  .call = hot_reset,
	  .argsz = 64,
	  .a = 2,
	  .b = 1,
	  .want = -EINVAL },
	{ .name = "hot reset: closed fd",
	  .bus = true,
	  .call = hot_reset,
	  .argsz = 64,
	  .a = 1,
	  .b = 999,
	  .want = -EBADF },
	{ .name = "hot reset: fd of no group",
	  .bus = true,
	  .call = hot_reset,
	  .argsz = 64,
	  .a = 1,
	  .b = 1,
	  .want = -EINVAL },

	/* Regions. */
	READ_ROW("read: config", read_at, 4, CONFIG, 0, 4),
	READ_ROW("read: past the end of config", read_at, 4, CONFIG + 256, 0,
		 -EFAULT),
	READ_ROW("read: across the end of config", read_at, 8, CONFIG + 252, 0,
		 -EFAULT),
	READ_ROW("read: config to nowhere", read_at, 4, CONFIG, KERNEL_ADDR,
		 -EFAULT),
	READ_ROW("read: region past the last", read_at, 4, REGION(9), 0,
		 -EINVAL),
	READ_ROW("read: offset 2^62", read_at, 4, 1ULL << 62, 0, -EINVAL),
	READ_ROW("read: offset -1", read_at, 4, -1, 0, -EINVAL),
	READ_ROW("read: a BAR it lacks", read_bar, 4, REGION(2), 0, -EINVAL),
	READ_ROW("read: past the end of a BAR", read_bar, 4, BAR_SIZE, 0,
		 -EINVAL),
	READ_ROW("read: across the end of a BAR", read_bar, 8, BAR_SIZE - 4, 0,
		 4),
	READ_ROW("read: BAR to nowhere", read_bar, 4, 0, KERNEL_ADDR, -EFAULT),
	READ_ROW("read: nothing", read_at, 0, REGION(9), 0, 0),
	READ_ROW("write: past the end of config", write_at, 4, CONFIG + 256, 0,
		 -EFAULT),
	READ_ROW("write: config from nowhere", write_at, 4, CONFIG + 4,
		 KERNEL_ADDR, -EFAULT),
	READ_ROW("write: ROM", write_at, 4, REGION(6), 0, -EINVAL),
	READ_ROW("write: region past the last", write_at, 4, REGION(9), 0,
		 -EINVAL),
	READ_ROW("write: past the end of a BAR", write_bar, 4, BAR_SIZE, 0,
		 -EINVAL),
	READ_ROW("write: BAR from nowhere", write_bar, 4, 4, KERNEL_ADDR,
		 -EFAULT),
	MMAP_ROW("valid", PAGE, 0, MAP_SHARED, 0),
	MMAP_ROW("private", PAGE, 0, MAP_PRIVATE, -EINVAL),
	MMAP_ROW("past the end", PAGE, BAR_SIZE, MAP_SHARED, -EINVAL),
	MMAP_ROW("across the end", 2 * PAGE, BAR_SIZE - PAGE, MAP_SHARED,
		 -EINVAL),
	MMAP_ROW("a BAR it lacks", PAGE, REGION(3), MAP_SHARED, -EINVAL),
	MMAP_ROW("ROM", PAGE, REGION(6), MAP_SHARED, -EINVAL),
	MMAP_ROW("config", PAGE, CONFIG, MAP_SHARED, -EINVAL),
	MMAP_ROW("region past the last", PAGE, REGION(9), MAP_SHARED, -EINVAL),
	MMAP_ROW("all of two regions", 2ULL << 40, 0, MAP_SHARED, -EINVAL),
};

int main(void)
{
	return table_run(rows, ARRAY_SIZE(rows));
}
