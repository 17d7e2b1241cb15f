// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Interrupts: types, vectors, eventfds.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

int sluice_irq_get(struct sluice_device *dev, uint32_t index,
		   struct sluice_irq *irq)
{
	struct vfio_irq_info info = {
		.argsz = sizeof(info),
		.index = index,
	};
	int ret = sluice_ioctl(dev->fd, VFIO_DEVICE_GET_IRQ_INFO, &info);

	if (ret)
		return ret;
	irq->flags = info.flags;
	irq->count = info.count;
	return 0;
}

/* A call without data, for one vector or (count 0) a whole type. */
static int irq_simple(struct sluice_device *dev, uint32_t index,
		      uint32_t action, uint32_t vector, uint32_t count)
{
	struct vfio_irq_set set = {
		.argsz = sizeof(set),
		.flags = VFIO_IRQ_SET_DATA_NONE | action,
		.index = index,
		.start = vector,
		.count = count,
	};

	return sluice_ioctl(dev->fd, VFIO_DEVICE_SET_IRQS, &set);
}

static int irq_set_eventfds(struct sluice_device *dev, uint32_t index,
			    uint32_t action, uint32_t start, uint32_t count,
			    const int *eventfds)
{
	struct vfio_irq_set *set;
	size_t size;
	int ret;

	if (!count || count > (UINT32_MAX - sizeof(*set)) / sizeof(int32_t))
		return -EINVAL;
	size = sizeof(*set) + count * sizeof(int32_t);
	set = calloc(1, size);
	if (!set)
		return -ENOMEM;
	set->argsz = size;
	set->flags = VFIO_IRQ_SET_DATA_EVENTFD | action;
	set->index = index;
	set->start = start;
	set->count = count;
	memcpy(set->data, eventfds, count * sizeof(int32_t));
	ret = sluice_ioctl(dev->fd, VFIO_DEVICE_SET_IRQS, set);
	free(set);
	return ret;
}

int sluice_irq_enable(struct sluice_device *dev, uint32_t index, uint32_t start,
		      uint32_t count, const int *eventfds)
{
	return irq_set_eventfds(dev, index, VFIO_IRQ_SET_ACTION_TRIGGER, start,
				count, eventfds);
}

int sluice_irq_disable(struct sluice_device *dev, uint32_t index)
{
	return irq_simple(dev, index, VFIO_IRQ_SET_ACTION_TRIGGER, 0, 0);
}

int sluice_irq_mask(struct sluice_device *dev, uint32_t index, uint32_t vector)
{
	return irq_simple(dev, index, VFIO_IRQ_SET_ACTION_MASK, vector, 1);
}

int sluice_irq_unmask(struct sluice_device *dev, uint32_t index,
		      uint32_t vector)
{
	return irq_simple(dev, index, VFIO_IRQ_SET_ACTION_UNMASK, vector, 1);
}

int sluice_irq_unmask_eventfd(struct sluice_device *dev, int eventfd)
{
	return irq_set_eventfds(dev, VFIO_PCI_INTX_IRQ_INDEX,
				VFIO_IRQ_SET_ACTION_UNMASK, 0, 1, &eventfd);
}

int sluice_irq_trigger(struct sluice_device *dev, uint32_t index,
		       uint32_t vector)
{
	return irq_simple(dev, index, VFIO_IRQ_SET_ACTION_TRIGGER, vector, 1);
}

int sluice_eventfd_wait(int eventfd, int timeout_ms, uint64_t *count)
{
	struct pollfd pfd = { .fd = eventfd, .events = POLLIN };
	uint64_t value;
	int ret;

	do {
		ret = poll(&pfd, 1, timeout_ms);
	} while (ret < 0 && errno == EINTR);
	if (ret < 0)
		return -errno;
	if (!ret)
		return -ETIMEDOUT;
	if (read(eventfd, &value, sizeof(value)) != sizeof(value))
		return -errno;
	if (count)
		*count = value;
	return 0;
}
