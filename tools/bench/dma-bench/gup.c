// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's own measurement of pinning (CONFIG_GUP_TEST): the floor under
 * every interface that pins the memory it maps.
 */
#include <assert.h>
#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include <linux/types.h>

#include "target.h"

#define GUP_TEST "/sys/kernel/debug/gup_test"

/**
 * struct gup_args - what the file's ioctls take; no header exports it
 * @pin_us: out: µs for pinning
 * @unpin_us: out: µs for unpinning
 * @addr: first byte
 * @size: bytes
 * @pages_per_call: how many pages each call of the kernel's function pins
 * @gup_flags: FOLL_*
 * @unused: for other tests
 */
struct gup_args {
	__u64 pin_us;
	__u64 unpin_us;
	__u64 addr;
	__u64 size;
	__u32 pages_per_call;
	__u32 gup_flags;
	__u32 unused[9];
};

static_assert(sizeof(struct gup_args) == 80, "struct gup_test of the kernel");

#define GUP_PIN_FAST _IOWR('g', 2, struct gup_args)

/* The kernel's flags, which gup_test passes on. */
#define FOLL_WRITE 0x1
#define FOLL_LONGTERM 0x100

int gup_open(void)
{
	int fd = open(GUP_TEST, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		err(EXIT_FAILURE,
		    GUP_TEST " (CONFIG_GUP_TEST; is debugfs mounted?)");
	return fd;
}

void gup_pin(int fd, void *vaddr, uint64_t size, uint32_t pages_per_call,
	     struct pin_cost *cost)
{
	struct gup_args args = {
		.addr = (uintptr_t)vaddr,
		.size = size,
		.pages_per_call = pages_per_call,
		.gup_flags = FOLL_WRITE | FOLL_LONGTERM,
	};

	if (ioctl(fd, GUP_PIN_FAST, &args))
		err(EXIT_FAILURE, GUP_TEST);
	/* It stops silently where it can't pin. */
	if (args.size != size)
		errx(EXIT_FAILURE, GUP_TEST " pinned %llu of %llu bytes",
		     (unsigned long long)args.size, (unsigned long long)size);
	cost->pin = args.pin_us * 1000;
	cost->unpin = args.unpin_us * 1000;
}
