/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A table of calls to a unified space that must fail, or succeed, with one exact
 * result, and change nothing. What table.h is for linux/vfio.h: each row has its
 * own process, and a container with a window, an edu and a canary; afterwards
 * what is registered, mapped, pinned and charged is checked.
 */
#ifndef TEST_UNI_TABLE_H
#define TEST_UNI_TABLE_H

#include "uni.h"

#include <errno.h>

#define UNI_WINDOW_PAGES 32
#define UNI_CANARY_PAGES 4

/* What a row gets to work with. */
struct uni_env {
	struct vfio v;
	int c; /* the container that is tested */
	uint64_t p;
	char *buf;  /* 8 pages; around them is nothing */
	char *edge; /* last byte + 1 of a page that is followed by nothing */
	char *ro;   /* a read-only page */
	uint64_t window, spare; /* two windows; only the first is used */
	uint64_t canary_iova;	/* in it */
	uint64_t free;		/* behind them; nothing is mapped there */
	uint32_t canary_handle;
	uint32_t buf_handle;	 /* of all of @buf */
	uint32_t foreign_handle; /* of another container */
};

enum uni_setup {
	UNI_FULL = 0,
	UNI_NO_TYPE,  /* @c is another container, without a type */
	UNI_NO_GROUP, /* @c is another container, unified, without a group */
};

/* A valid call: an ioctl, or DMA_BATCH with one operation. */
enum uni_kind {
	UNI_REGISTER, /* @buf */
	UNI_UNREGISTER,
	UNI_QUERY,
	UNI_CREATE, /* FIXED, behind the window */
	UNI_REMOVE, /* the spare one */
	UNI_INFO,
	UNI_BATCH,  /* an unmap of a hole */
	UNI_MAP,    /* patches are to the operation, here and below */
	UNI_HANDLE, /* the first page of @buf */
	UNI_UNMAP,  /* of a hole */
};

/* A change of a field: set to, or by, k + n pages. */
struct uni_patch {
	enum { UNI_NONE, UNI_SET, UNI_ADD } how;
	unsigned int off, bytes;
	uint64_t k;
	int n;
};

struct uni_row {
	const char *name;
	enum uni_kind kind;
	int (*call)(const struct uni_env *e, const struct uni_row *r);
	enum uni_setup setup;
	struct uni_patch patch[2];
	int want;
};

/* The row's call, patched; what succeeds is undone. */
int uni_row_call(const struct uni_env *e, const struct uni_row *r);

/* The valid call with a structure that can't be written to. */
int uni_row_ro(const struct uni_env *e, const struct uni_row *r);

/*
 * Runs what is common to all ioctls for each of them, then the table, and prints
 * KTAP. Returns the exit status for main().
 */
int uni_table_run(const struct uni_row *rows, int count);

#endif /* TEST_UNI_TABLE_H */
