/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A pretended device whose memory is mapped for the DMA of others.
 */
#ifndef SLUICE_KUNIT_PEER_H
#define SLUICE_KUNIT_PEER_H

#include <kunit/test.h>

#include "core/private.h"

#define PAGES(n) ((u64)(n) << PAGE_SHIFT)
#define BAR_PHYS 0x3f0000000000ULL
#define BAR_PAGES 16

/**
 * struct peer - a pretended device, in a pretended group
 * @sdev: the device
 * @group: its group, as far as opening a device looks at it
 * @container: likewise
 * @fd: the device's fd
 * @opens: calls of open
 * @closes: of close
 * @calls: of ioctl, read and write
 * @requests: of request
 * @on_close: what somebody does just then, or NULL
 * @on_phys: likewise when the memory is looked for, with the core's lock held
 * @data: for both
 * @gone: the hardware has left
 * @slow: open waits
 * @opening: it does
 * @go_on: what for
 * @phys: where its memory is
 * @npages: how much it has
 * @frozen: an error has come, and the revocation is still to come
 */
struct peer {
	struct sluice_device sdev;
	struct sluice_group group;
	struct sluice_container container;
	int fd;
	unsigned int opens;
	unsigned int closes;
	unsigned int calls;
	unsigned int requests;
	void (*on_close)(struct peer *peer);
	void (*on_phys)(struct peer *peer);
	void *data;
	bool gone;
	bool slow;
	struct completion opening;
	struct completion go_on;
	phys_addr_t phys;
	unsigned long npages;
	bool frozen;
};

struct peer *peer_create(struct kunit *test);
unsigned long peer_memory(struct kunit *test, struct peer *peer,
			  unsigned long prot, unsigned long npages);
void peer_destroy(struct kunit *test, struct peer *peer, unsigned long addr,
		  unsigned long npages);

#endif /* SLUICE_KUNIT_PEER_H */
