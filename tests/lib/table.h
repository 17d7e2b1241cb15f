/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A table of calls that must fail, or succeed, with one exact result and
 * change nothing else. Each row runs in a process of its own, on a container
 * with one edu and a canary mapping; afterwards accounting, pins, the canary
 * and the device are checked.
 */
#ifndef TEST_TABLE_H
#define TEST_TABLE_H

#include "sys.h"
#include "vfio.h"

#define CANARY_IOVA 0x10000000ULL
#define CANARY_SIZE (4 * PAGE)

/* What a row gets to work with. */
struct env {
	struct vfio v; /* type is set, device is open: see @ROW_* */
	char *canary;  /* the memory at CANARY_IOVA */
	char *buf;     /* 1 MiB of memory; the pages around it are no one's */
	char *edge;    /* last byte + 1 of a page that is followed by nothing */
	char *ro;      /* 4 pages that are mapped read-only */
};

#define BUF_SIZE 0x100000ULL

/* How far a row's environment is set up. */
enum row_setup {
	ROW_FULL = 0,  /* all of the above */
	ROW_NO_DEVICE, /* type set, no device fd */
	ROW_NO_TYPE,   /* group in container, no type, no canary */
	ROW_NO_GROUP,  /* group open but in no container, no canary */
};

struct row {
	const char *name;
	int (*call)(const struct env *e, const struct row *r);
	enum row_setup setup;
	bool type1; /* it is about a rule of TYPE1: skipped where there is none */
	bool bus;   /* it needs a bus that can be reset */

	/* Arguments; what they mean is the call's business. */
	uint64_t a, b, c, d;
	const char *text;
	uint32_t argsz, flags;

	/* The expected result: 0 or more, or a negative errno. */
	int want;
	/* If the peer differs: its result, and why; else NULL. */
	int peer;
	const char *why;
};

/* Which fd a row's ioctl goes to. */
enum { ROW_CONTAINER, ROW_GROUP, ROW_DEVICE };

int row_fd(const struct env *e, uint64_t which);

/* ioctl b of fd a with pointer c. */
int row_ioctl_ptr(const struct env *e, const struct row *r);

/* ioctl b of fd a, whose structure ends c bytes in; the rest isn't there. */
int row_ioctl_edge(const struct env *e, const struct row *r);

/* ioctl b of fd a, whose result can't be written back; IOVA and size valid. */
int row_ioctl_readonly(const struct env *e, const struct row *r);

/* Versions of clang-format disagree about members in macros. */
/* clang-format off */
#define PTR_ROW(_name, _fd, _cmd, _ptr, _want)                                 \
	{                                                                      \
		.name = _name, .call = row_ioctl_ptr, .a = (_fd), .b = (_cmd), \
		.c = (_ptr), .want = (_want)                                   \
	}

#define EDGE_ROW(_name, _fd, _cmd, _bytes, _argsz, _want)                      \
	{                                                                      \
		.name = _name, .call = row_ioctl_edge, .a = (_fd),             \
		.b = (_cmd), .c = (_bytes), .argsz = (_argsz), .want = (_want) \
	}
/* clang-format on */

/* Runs the table and prints KTAP. Returns the exit status for main(). */
int table_run(const struct row *rows, int count);

#endif /* TEST_TABLE_H */
