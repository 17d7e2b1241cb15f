// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bad input to the ioctls of linux/sluice.h, row by row. A row is a valid call in
 * which one field or two are changed; after it everything must be as before. Each
 * runs in a process of its own (lib/uni_table.c).
 */
#include "kselftest.h"
#include "uni_table.h"

#include <pthread.h>
#include <stddef.h>
#include <sys/mman.h>

#define KERNEL_ADDR 0x8000000000000000ULL
#define ROUNDS 400

#define REG(field) offsetof(struct sluice_mem_register, field)
#define UNREG(field) offsetof(struct sluice_mem_unregister, field)
#define QUERY(field) offsetof(struct sluice_window_query, field)
#define CREATE(field) offsetof(struct sluice_window_create, field)
#define REMOVE(field) offsetof(struct sluice_window_remove, field)
#define BATCH(field) offsetof(struct sluice_dma_batch, field)
#define OP(field) offsetof(struct sluice_dma_op, field)

/* Versions of clang-format disagree about members in macros. */
/* clang-format off */
#define ROW(_kind, _what, _want, ...)                                     \
	{                                                                 \
		.name = _what, .kind = (_kind), .call = uni_row_call,     \
		.want = (_want), .patch = { __VA_ARGS__ }                 \
	}
#define CALL(_kind, _what, _call, _want)                                  \
	{                                                                 \
		.name = _what, .kind = (_kind), .call = (_call),          \
		.want = (_want)                                           \
	}
#define BEFORE(_setup, _kind, _what, _want)                               \
	{                                                                 \
		.name = _what, .kind = (_kind), .call = uni_row_call,     \
		.setup = (_setup), .want = (_want)                        \
	}
/* A field set to k + n pages; the same added to what it is. */
#define SET32(_off, _k) { UNI_SET, (_off), 4, (_k), 0 }
#define SET64(_off, _k, _n) { UNI_SET, (_off), 8, (_k), (_n) }
#define ADD64(_off, _k, _n) { UNI_ADD, (_off), 8, (_k), (_n) }
/* clang-format on */

/* ---- Rows of their own ---- */

static int register_hole(const struct uni_env *e, const struct uni_row *r)
{
	uint32_t handle;

	(void)r;
	munmap(e->buf + 4 * e->p, e->p);
	return uni_register(e->c, e->buf, 8 * e->p, UNI_RW, &handle);
}

static int register_no_access(const struct uni_env *e, const struct uni_row *r)
{
	uint32_t handle;

	(void)r;
	mprotect(e->buf + 4 * e->p, e->p, PROT_NONE);
	return uni_register(e->c, e->buf, 8 * e->p, SLUICE_READ, &handle);
}

static int register_half_ro(const struct uni_env *e, const struct uni_row *r)
{
	uint32_t handle;

	(void)r;
	mprotect(e->buf + 4 * e->p, 4 * e->p, PROT_READ);
	return uni_register(e->c, e->buf, 8 * e->p, SLUICE_WRITE, &handle);
}

static int register_bar(const struct uni_env *e, const struct uni_row *r)
{
	void *bar = vfio_bar_map(e->v.device, 0, e->p);
	uint32_t handle;

	(void)r;
	return bar ? uni_register(e->c, bar, e->p, UNI_RW, &handle) : 1;
}

static int map_hole(const struct uni_env *e, const struct uni_row *r)
{
	(void)r;
	munmap(e->buf + 4 * e->p, e->p);
	return uni_map(e->c, e->free, e->buf, 8 * e->p, UNI_RW);
}

static int map_half_ro(const struct uni_env *e, const struct uni_row *r)
{
	(void)r;
	mprotect(e->buf + 4 * e->p, 4 * e->p, PROT_READ);
	return uni_map(e->c, e->free, e->buf, 8 * e->p, UNI_RW);
}

static int unregister_mapped(const struct uni_env *e, const struct uni_row *r)
{
	(void)r;
	return uni_unregister(e->c, e->canary_handle);
}

static int unregister_foreign(const struct uni_env *e, const struct uni_row *r)
{
	(void)r;
	return uni_unregister(e->c, e->foreign_handle);
}

static int map_foreign(const struct uni_env *e, const struct uni_row *r)
{
	(void)r;
	return uni_map_handle(e->c, e->free, e->foreign_handle, 0, e->p,
			      UNI_RW);
}

static int map_over_canary(const struct uni_env *e, const struct uni_row *r)
{
	(void)r;
	return uni_map(e->c, e->canary_iova - e->p, e->buf, 2 * e->p, UNI_RW);
}

static int remove_used(const struct uni_env *e, const struct uni_row *r)
{
	(void)r;
	return uni_window_remove(e->c, e->window);
}

/* Two operations, of which the second isn't there. */
static int ops_cut_off(const struct uni_env *e, const struct uni_row *r)
{
	struct sluice_dma_op *ops = (void *)(e->edge - sizeof(*ops));
	uint32_t done;
	int ret;

	(void)r;
	*ops = uni_op_unmap(e->free, e->p);
	ret = uni_batch(e->c, ops, 2, &done, NULL);
	return done ? 1 : ret;
}

/* A whole chunk of operations, and then nothing: it is carried out. */
static int ops_end_at_a_chunk(const struct uni_env *e, const struct uni_row *r)
{
	struct sluice_dma_op *ops;
	uint32_t done;
	int i, ret;

	(void)r;
	ops = sys_alloc(16 * e->p, e->p);
	if (!ops)
		return 1;
	ops = (void *)((char *)ops + 16 * e->p);
	ops -= SLUICE_BATCH_CHUNK;
	for (i = 0; i < SLUICE_BATCH_CHUNK; i++)
		ops[i] = uni_op_unmap(e->free, e->p);
	ret = uni_batch(e->c, ops, ~0U, &done, NULL);
	return done == SLUICE_BATCH_CHUNK ? ret : 1;
}

static int set_iommu(const struct uni_env *e, const struct uni_row *r)
{
	(void)r;
	return vfio_set_iommu(e->c, SLUICE_UNIFIED_IOMMU);
}

static int unknown_ioctl(const struct uni_env *e, const struct uni_row *r)
{
	int nr, ret;

	(void)r;
	for (nr = SLUICE_BASE + 7; nr < 256; nr++) {
		ret = vfio_ioctl(e->c, _IO(SLUICE_TYPE, nr), e->buf);
		if (ret != -ENOTTY)
			return ret ? ret : 1;
	}
	return -ENOTTY;
}

/* ---- Another thread at the operations ---- */

struct meddler {
	const struct uni_env *e;
	struct sluice_dma_op *ops;
	bool stop;
};

/* Each operation becomes another one, good or bad, all the time. */
static void *change(void *arg)
{
	struct meddler *m = arg;
	struct sluice_dma_op op;
	unsigned int seed = 1, i;

	while (!__atomic_load_n(&m->stop, __ATOMIC_RELAXED)) {
		i = rand_r(&seed);
		op = uni_op_unmap(m->e->free + i / 256 % 16 * m->e->p,
				  m->e->p << (i / 64 % 4));
		if (i & 1)
			op = uni_op_map(op.iova, m->e->buf, op.size, UNI_RW);
		if (i % 4 == 3)
			op = uni_op_handle(op.iova, m->e->buf_handle,
					   i / 4096 % 8 * m->e->p, op.size,
					   UNI_RW);
		/* Now and then something that can't be. */
		if (!(i / 4 % 16))
			op.flags = rand_r(&seed) % 32;
		m->ops[rand_r(&seed) % 8] = op;
	}
	return NULL;
}

static void *take_away(void *arg)
{
	struct meddler *m = arg;

	while (!__atomic_load_n(&m->stop, __ATOMIC_RELAXED)) {
		mprotect(m->ops, m->e->p, PROT_NONE);
		mprotect(m->ops, m->e->p, PROT_READ | PROT_WRITE);
	}
	return NULL;
}

static bool possible(int ret)
{
	/* ENOENT: a handle that was half written. */
	return !ret || ret == -EINVAL || ret == -EEXIST || ret == -EFAULT ||
	       ret == -ENOENT;
}

/* Any result will do that there can be, as long as it is true. */
static int meddle(const struct uni_env *e, void *(*fn)(void *arg))
{
	struct meddler m = { .e = e, .ops = sys_alloc(e->p, e->p) };
	uint64_t unmapped;
	pthread_t thread;
	uint32_t done;
	int i, ret = 0;

	if (!m.ops)
		return 1;
	for (i = 0; i < 8; i++)
		m.ops[i] = uni_op_unmap(e->free, e->p);
	if (pthread_create(&thread, NULL, fn, &m))
		return 1;
	for (i = 0; i < ROUNDS; i++) {
		ret = uni_batch(e->c, m.ops, 8, &done, &unmapped);
		if (!possible(ret) || done > 8 || (!ret && done != 8))
			break;
	}
	__atomic_store_n(&m.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	if (i < ROUNDS)
		return ret ? ret : 1;
	ret = uni_unmap(e->c, e->free,
			e->window + UNI_WINDOW_PAGES * e->p - e->free);
	return ret < 0 ? ret : 0;
}

static int ops_changed(const struct uni_env *e, const struct uni_row *r)
{
	int ret = meddle(e, change);
	const struct sluice_dma_op all = {
		.op = SLUICE_DMA_UNMAP,
		.flags = SLUICE_DMA_ALL,
	};

	(void)r;
	/* ALL may have come up: the canary is gone then. */
	if (ret || uni_batch(e->c, &all, 1, NULL, NULL))
		return ret ? ret : 1;
	return uni_map_handle(e->c, e->canary_iova, e->canary_handle, 0,
			      UNI_CANARY_PAGES * e->p, UNI_RW);
}

static int ops_taken_away(const struct uni_env *e, const struct uni_row *r)
{
	(void)r;
	return meddle(e, take_away);
}

static const struct uni_row rows[] = {
	CALL(UNI_REGISTER, "result can't be written", uni_row_ro, -EFAULT),
	ROW(UNI_REGISTER, "no rights", -EINVAL, SET32(REG(flags), 0)),
	ROW(UNI_REGISTER, "reserved", -EINVAL, SET32(REG(reserved), 1)),
	ROW(UNI_REGISTER, "size 0", -EINVAL, SET64(REG(size), 0, 0)),
	ROW(UNI_REGISTER, "size a byte more", -EINVAL, ADD64(REG(size), 1, 0)),
	ROW(UNI_REGISTER, "half a page", -EINVAL, SET64(REG(size), 512, 0)),
	ROW(UNI_REGISTER, "a byte off", -EINVAL, ADD64(REG(vaddr), 1, 0)),
	ROW(UNI_REGISTER, "wraps", -EINVAL, SET64(REG(vaddr), 0, -1),
	    SET64(REG(size), 0, 2)),
	ROW(UNI_REGISTER, "size wraps", -EINVAL, SET64(REG(size), 0, -1)),
	ROW(UNI_REGISTER, "size 2^62", -EFAULT,
	    SET64(REG(size), 1ULL << 62, 0)),
	ROW(UNI_REGISTER, "address 0", -EFAULT, SET64(REG(vaddr), 0, 0)),
	ROW(UNI_REGISTER, "kernel memory", -EFAULT,
	    SET64(REG(vaddr), KERNEL_ADDR, 0)),
	ROW(UNI_REGISTER, "up to 2^64", -EFAULT, SET64(REG(vaddr), 0, -2)),
	ROW(UNI_REGISTER, "too long", -EFAULT, SET64(REG(size), 0, 9)),
	CALL(UNI_REGISTER, "hole in the middle", register_hole, -EFAULT),
	CALL(UNI_REGISTER, "PROT_NONE in the middle", register_no_access,
	     -EFAULT),
	CALL(UNI_REGISTER, "read-only from the middle on", register_half_ro,
	     -EFAULT),
	CALL(UNI_REGISTER, "device memory", register_bar, -EFAULT),

	ROW(UNI_UNREGISTER, "reserved", -EINVAL, SET32(UNREG(reserved), 1)),
	ROW(UNI_UNREGISTER, "handle 0", -ENOENT, SET32(UNREG(handle), 0)),
	ROW(UNI_UNREGISTER, "handle -1", -ENOENT, SET32(UNREG(handle), ~0U)),
	ROW(UNI_UNREGISTER, "handle 2^31", -ENOENT,
	    SET32(UNREG(handle), 1U << 31)),
	CALL(UNI_UNREGISTER, "foreign handle", unregister_foreign, -ENOENT),
	CALL(UNI_UNREGISTER, "mapped", unregister_mapped, -EBUSY),

	CALL(UNI_QUERY, "result can't be written", uni_row_ro, -EFAULT),
	ROW(UNI_QUERY, "reserved", -EINVAL, SET32(QUERY(reserved), 1)),
	ROW(UNI_QUERY, "ranges NULL", -EFAULT, SET64(QUERY(ranges), 0, 0)),
	ROW(UNI_QUERY, "windows NULL", -EFAULT, SET64(QUERY(windows), 0, 0)),
	ROW(UNI_QUERY, "ranges in the kernel", -EFAULT,
	    SET64(QUERY(ranges), KERNEL_ADDR, 0)),
	ROW(UNI_QUERY, "no room at all", 0, SET32(QUERY(nr_ranges), 0),
	    SET32(QUERY(nr_windows), 0)),
	ROW(UNI_QUERY, "room that isn't there", 0, SET32(QUERY(nr_ranges), ~0U),
	    SET32(QUERY(nr_windows), ~0U)),

	CALL(UNI_CREATE, "result can't be written", uni_row_ro, -EFAULT),
	BEFORE(UNI_NO_GROUP, UNI_CREATE, "before a group", -ENODEV),
	ROW(UNI_CREATE, "reserved", -EINVAL, SET32(CREATE(reserved), 1)),
	ROW(UNI_CREATE, "size 0", -EINVAL, SET64(CREATE(size), 0, 0)),
	ROW(UNI_CREATE, "size a byte more", -EINVAL, ADD64(CREATE(size), 1, 0)),
	ROW(UNI_CREATE, "a byte off", -EINVAL, ADD64(CREATE(start), 1, 0)),
	ROW(UNI_CREATE, "wraps", -EINVAL, SET64(CREATE(start), 0, -1),
	    SET64(CREATE(size), 0, 2)),
	ROW(UNI_CREATE, "last page of 2^64", -ERANGE,
	    SET64(CREATE(start), 0, -1), SET64(CREATE(size), 0, 1)),
	ROW(UNI_CREATE, "anywhere, all of 2^64", -ENOSPC,
	    SET32(CREATE(flags), 0), SET64(CREATE(size), 0, -1)),
	ROW(UNI_CREATE, "pages of 2^1", -EINVAL, SET32(CREATE(page_lg2), 1)),
	ROW(UNI_CREATE, "pages of 2^63", -EINVAL, SET32(CREATE(page_lg2), 63)),
	ROW(UNI_CREATE, "pages of 2^64", -EINVAL, SET32(CREATE(page_lg2), 64)),
	ROW(UNI_CREATE, "pages of 2^(2^32-1)", -EINVAL,
	    SET32(CREATE(page_lg2), ~0U)),
	ROW(UNI_CREATE, "overlaps", -EEXIST, ADD64(CREATE(start), 0, -1)),

	ROW(UNI_REMOVE, "a byte off", -ENOENT, ADD64(REMOVE(start), 1, 0)),
	ROW(UNI_REMOVE, "a page off", -ENOENT, ADD64(REMOVE(start), 0, 1)),
	ROW(UNI_REMOVE, "last page of 2^64", -ENOENT,
	    SET64(REMOVE(start), 0, -1)),
	CALL(UNI_REMOVE, "something is mapped", remove_used, -EBUSY),

	CALL(UNI_INFO, "result can't be written", uni_row_ro, -EFAULT),

	CALL(UNI_BATCH, "result can't be written", uni_row_ro, -EFAULT),
	ROW(UNI_BATCH, "ops NULL", -EFAULT, SET64(BATCH(ops), 0, 0)),
	ROW(UNI_BATCH, "ops in the kernel", -EFAULT,
	    SET64(BATCH(ops), KERNEL_ADDR, 0)),
	ROW(UNI_BATCH, "2^32-1 ops at 0", -EFAULT, SET64(BATCH(ops), 0, 0),
	    SET32(BATCH(nr_ops), ~0U)),
	ROW(UNI_BATCH, "nothing to do, ops NULL", 0, SET64(BATCH(ops), 0, 0),
	    SET32(BATCH(nr_ops), 0)),
	{ .name = "nothing to do, before a type",
	  .kind = UNI_BATCH,
	  .call = uni_row_call,
	  .setup = UNI_NO_TYPE,
	  .patch = { SET32(BATCH(nr_ops), 0) },
	  .want = -EINVAL },
	CALL(UNI_BATCH, "ops cut off", ops_cut_off, -EFAULT),
	CALL(UNI_BATCH, "ops end at a chunk", ops_end_at_a_chunk, -EFAULT),
	CALL(UNI_BATCH, "unknown ioctls", unknown_ioctl, -ENOTTY),
	CALL(UNI_BATCH, "type set twice", set_iommu, -EINVAL),

	ROW(UNI_MAP, "valid", 0),
	ROW(UNI_MAP, "op 0", -EINVAL, SET32(OP(op), 0)),
	ROW(UNI_MAP, "op 3", -EINVAL, SET32(OP(op), 3)),
	ROW(UNI_MAP, "op -1", -EINVAL, SET32(OP(op), ~0U)),
	ROW(UNI_MAP, "no rights", -EINVAL, SET32(OP(flags), 0)),
	ROW(UNI_MAP, "flag ALL", -EINVAL,
	    SET32(OP(flags), SLUICE_DMA_ALL | UNI_RW)),
	ROW(UNI_MAP, "flag 31", -EINVAL, SET32(OP(flags), 1U << 31 | UNI_RW)),
	ROW(UNI_MAP, "reserved", -EINVAL, SET32(OP(reserved), 1)),
	ROW(UNI_MAP, "handle without its flag", -EINVAL, SET32(OP(handle), 1)),
	ROW(UNI_MAP, "size 0", -EINVAL, SET64(OP(size), 0, 0)),
	ROW(UNI_MAP, "size a byte more", -EINVAL, ADD64(OP(size), 1, 0)),
	ROW(UNI_MAP, "iova a byte off", -EINVAL, ADD64(OP(iova), 1, 0)),
	ROW(UNI_MAP, "address a byte off", -EINVAL, ADD64(OP(addr), 1, 0)),
	ROW(UNI_MAP, "iova wraps", -EINVAL, SET64(OP(iova), 0, -1),
	    SET64(OP(size), 0, 2)),
	ROW(UNI_MAP, "address wraps", -EINVAL, SET64(OP(addr), 0, -1),
	    SET64(OP(size), 0, 2)),
	ROW(UNI_MAP, "size 2^63", -EINVAL, SET64(OP(size), 1ULL << 63, 0)),
	ROW(UNI_MAP, "all but a page", -EINVAL, SET64(OP(iova), 0, 0),
	    SET64(OP(size), 0, -1)),
	ROW(UNI_MAP, "past the window", -EINVAL, ADD64(OP(iova), 0, 32)),
	ROW(UNI_MAP, "address 0", -EFAULT, SET64(OP(addr), 0, 0)),
	ROW(UNI_MAP, "kernel memory", -EFAULT, SET64(OP(addr), KERNEL_ADDR, 0)),
	ROW(UNI_MAP, "address up to 2^64", -EFAULT, SET64(OP(addr), 0, -1)),
	ROW(UNI_MAP, "too long", -EFAULT, SET64(OP(size), 0, 9)),
	CALL(UNI_MAP, "hole in the middle", map_hole, -EFAULT),
	CALL(UNI_MAP, "read-only from the middle on", map_half_ro, -EFAULT),
	CALL(UNI_MAP, "over the canary", map_over_canary, -EEXIST),

	ROW(UNI_HANDLE, "valid", 0),
	ROW(UNI_HANDLE, "no rights", -EINVAL,
	    SET32(OP(flags), SLUICE_DMA_HANDLE)),
	ROW(UNI_HANDLE, "handle 0", -ENOENT, SET32(OP(handle), 0)),
	ROW(UNI_HANDLE, "handle -1", -ENOENT, SET32(OP(handle), ~0U)),
	CALL(UNI_HANDLE, "foreign handle", map_foreign, -ENOENT),
	ROW(UNI_HANDLE, "offset a byte off", -EINVAL, ADD64(OP(addr), 1, 0)),
	ROW(UNI_HANDLE, "offset at the end", -EINVAL, SET64(OP(addr), 0, 8)),
	ROW(UNI_HANDLE, "past the end", -EINVAL, SET64(OP(addr), 0, 7),
	    SET64(OP(size), 0, 2)),
	ROW(UNI_HANDLE, "offset wraps", -EINVAL, SET64(OP(addr), 0, -1),
	    SET64(OP(size), 0, 2)),
	ROW(UNI_HANDLE, "last page of 2^64", -EINVAL, SET64(OP(addr), 0, -1)),

	ROW(UNI_UNMAP, "valid", 0),
	ROW(UNI_UNMAP, "flag READ", -EINVAL, SET32(OP(flags), SLUICE_READ)),
	ROW(UNI_UNMAP, "flag HANDLE", -EINVAL,
	    SET32(OP(flags), SLUICE_DMA_HANDLE)),
	ROW(UNI_UNMAP, "address", -EINVAL, SET64(OP(addr), 0, 1)),
	ROW(UNI_UNMAP, "handle", -EINVAL, SET32(OP(handle), 1)),
	ROW(UNI_UNMAP, "reserved", -EINVAL, SET32(OP(reserved), 1)),
	ROW(UNI_UNMAP, "size 0", -EINVAL, SET64(OP(size), 0, 0)),
	ROW(UNI_UNMAP, "size a byte more", -EINVAL, ADD64(OP(size), 1, 0)),
	ROW(UNI_UNMAP, "iova a byte off", -EINVAL, ADD64(OP(iova), 1, 0)),
	ROW(UNI_UNMAP, "wraps", -EINVAL, SET64(OP(iova), 0, -1),
	    SET64(OP(size), 0, 2)),
	ROW(UNI_UNMAP, "last page of 2^64", 0, SET64(OP(iova), 0, -1),
	    SET64(OP(size), 0, 1)),
	ROW(UNI_UNMAP, "ALL with a size", -EINVAL,
	    SET32(OP(flags), SLUICE_DMA_ALL), SET64(OP(iova), 0, 0)),
	ROW(UNI_UNMAP, "ALL with an iova", -EINVAL,
	    SET32(OP(flags), SLUICE_DMA_ALL), SET64(OP(size), 0, 0)),

	CALL(UNI_BATCH, "ops changed meanwhile", ops_changed, 0),
	CALL(UNI_BATCH, "ops unmapped meanwhile", ops_taken_away, 0),
};

int main(void)
{
	return uni_table_run(rows, ARRAY_SIZE(rows));
}
