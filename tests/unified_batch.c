// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA_BATCH as a vector: of any length (a million is unified_million.c's), of
 * operations that are alike or not, with an error anywhere, by many threads at once.
 */
#include "kselftest_harness.h"
#include "uni.h"

#include <pthread.h>
#include <sys/mman.h>

#define MISSED UNI_MISSED
#define REACHED UNI_REACHED

#define THREADS 4
#define ROUNDS 300

FIXTURE(batch)
{
	struct uni u;
	int c;
	uint64_t p;
	char *mem; /* 16 pages */
	uint32_t handle;
	struct sluice_dma_op *ops;
};

FIXTURE_SETUP(batch)
{
	if (!uni_offered())
		SKIP(return, "no unified spaces");
	ASSERT_EQ(0, uni_open_ready(&self->u, 0));
	self->c = self->u.c;
	self->p = self->u.p;
	self->mem = sys_alloc(16 * self->p, self->p);
	ASSERT_NE(NULL, self->mem);
	ASSERT_EQ(0, uni_register(self->c, self->mem, 16 * self->p, UNI_RW,
				  &self->handle));
	self->ops = calloc(2000, sizeof(*self->ops));
	ASSERT_NE(NULL, self->ops);
}

FIXTURE_TEARDOWN(batch)
{
	uni_close(&self->u);
	EXPECT_LOCKED(0);
	EXPECT_TRUE(sys_pins_settle(self->u.pins, 1000));
}

/* ---- Length ---- */

static void fill_maps(struct _test_data_batch *self, unsigned int n)
{
	unsigned int i;

	/* In no order, every other page, by address now and then. */
	for (i = 0; i < n; i++) {
		uint64_t iova = self->u.base + i * 7919 % n * 2 * self->p;

		self->ops[i] = i % 8 ? uni_op_handle(iova, self->handle,
						     i % 16 * self->p, self->p,
						     UNI_RW) :
				       uni_op_map(iova,
						  self->mem + i % 16 * self->p,
						  self->p, UNI_RW);
	}
}

static void fill_unmaps(struct _test_data_batch *self, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		self->ops[i] =
			uni_op_unmap(self->u.base + 2 * i * self->p, self->p);
}

static void any_length(struct __test_metadata *_metadata,
		       struct _test_data_batch *self, unsigned int n)
{
	uint64_t unmapped,
		last = self->u.base + (n - 1) * 7919 % n * 2 * self->p;
	char *mem = self->mem + (n - 1) % 16 * self->p;
	long pins = sys_pins();
	uint32_t done;

	fill_maps(self, n);
	ASSERT_EQ(0, uni_batch(self->c, self->ops, n, &done, &unmapped));
	EXPECT_EQ(n, done);
	EXPECT_EQ(0, unmapped);
	EXPECT_EQ(pins + (n + 7) / 8, sys_pins());
	EXPECT_EQ(REACHED, uni_dma_write(&self->u, last, mem));
	/* The last operation fails: the others stand. */
	fill_unmaps(self, n);
	self->ops[n - 1].size = 0;
	EXPECT_EQ(-EINVAL, uni_batch(self->c, self->ops, n, &done, &unmapped));
	EXPECT_EQ(n - 1, done);
	EXPECT_EQ((n - 1) * self->p, unmapped);
	EXPECT_EQ(self->p, uni_unmap(self->c, self->u.base, 2 * n * self->p));
	EXPECT_EQ(MISSED, uni_dma_write(&self->u, last, mem));
	EXPECT_EQ(pins, sys_pins());
}

/* Around the sizes at which the kernel does things in another way. */
TEST_F_TIMEOUT(batch, any_length, 60)
{
	const unsigned int n[] = {
		1,
		3,
		4,
		5,
		9,
		SLUICE_BATCH_CHUNK - 1,
		SLUICE_BATCH_CHUNK,
		SLUICE_BATCH_CHUNK + 1,
		2 * SLUICE_BATCH_CHUNK + 1,
		2000,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(n); i++)
		any_length(_metadata, self, n[i]);
}

TEST_F(batch, nothing_to_do)
{
	uint64_t unmapped;
	uint32_t done;

	EXPECT_EQ(0, uni_batch(self->c, NULL, 0, &done, &unmapped));
	EXPECT_EQ(0, done);
	EXPECT_EQ(0, unmapped);
}

/* One operation of more pages than the kernel pins at a time. */
TEST_F_TIMEOUT(batch, large_operation, 60)
{
	uint64_t p = self->p, size = 3000 * p, at = self->u.base;
	char *mem = sys_alloc(size, p);
	long pins = sys_pins(), locked = uni_locked_kib(self->c);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, uni_map(self->c, at, mem, size, UNI_RW));
	EXPECT_EQ(pins + 3000, sys_pins());
	EXPECT_EQ(REACHED,
		  uni_dma_write(&self->u, at + size - p, mem + size - p));
	EXPECT_EQ(size, uni_unmap(self->c, at, size));
	EXPECT_EQ(MISSED,
		  uni_dma_write(&self->u, at + size - p, mem + size - p));
	EXPECT_EQ(pins, sys_pins());
	/* It fails at its very end, and leaves nothing. */
	ASSERT_EQ(0, uni_map(self->c, at + size, mem, p, UNI_RW));
	EXPECT_EQ(-EEXIST, uni_map(self->c, at + p, mem, size, UNI_RW));
	ASSERT_EQ(0, munmap(mem + size - p, p));
	EXPECT_EQ(-EFAULT, uni_map(self->c, at, mem, size, UNI_RW));
	EXPECT_EQ(MISSED, uni_dma_write(&self->u, at, mem));
	EXPECT_EQ(p, uni_unmap(self->c, at, size + p));
	EXPECT_EQ(pins, sys_pins());
	EXPECT_UNI_LOCKED(self->c, locked);
}

/* ---- Operations that are alike, with an error somewhere ---- */

#define ALIKE 300

enum alike { BY_HANDLE, BY_ADDRESS, UNMAPS };

/* @n single pages, one after the other; by address, from memory that isn't. */
static void fill_alike(struct _test_data_batch *self, enum alike kind, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		uint64_t iova = self->u.base + i * self->p;
		uint64_t off = i * 7 % 16 * self->p;

		self->ops[i] = kind == BY_HANDLE ?
				       uni_op_handle(iova, self->handle, off,
						     self->p, UNI_RW) :
			       kind == BY_ADDRESS ?
				       uni_op_map(iova, self->mem + off,
						  self->p, UNI_RW) :
				       uni_op_unmap(iova, self->p);
	}
}

/* What is wrong with operation @at, and what the error is. */
static int spoil(struct _test_data_batch *self, int at, int how)
{
	struct sluice_dma_op *op = &self->ops[at];

	switch (how) {
	case 0:
		/* Just behind what is before. */
		op->iova = self->u.base + self->u.size;
		return op->op == SLUICE_DMA_MAP ? -EINVAL : 0;
	case 1:
		op->flags ^= 1U << 31;
		return -EINVAL;
	case 2:
		/* No memory of ours, or past the registered. */
		op->addr = op->handle ? 16 * self->p : 0;
		if (op->op == SLUICE_DMA_UNMAP)
			op->addr = self->p;
		return op->op == SLUICE_DMA_MAP && !op->handle ? -EFAULT :
								 -EINVAL;
	default:
		/* The well is there; an unmap would take it away. */
		if (op->op == SLUICE_DMA_UNMAP)
			return 0;
		op->iova = self->u.base + self->u.size - self->p;
		return -EEXIST;
	}
}

static void error_at(struct __test_metadata *_metadata,
		     struct _test_data_batch *self, enum alike kind, int at,
		     int how)
{
	long pins = sys_pins(), locked = uni_locked_kib(self->c);
	uint64_t p = self->p, unmapped;
	uint32_t done;
	int want, n;

	if (kind == UNMAPS) {
		fill_alike(self, BY_ADDRESS, ALIKE);
		ASSERT_EQ(0, uni_batch(self->c, self->ops, ALIKE, NULL, NULL));
	}
	fill_alike(self, kind, ALIKE);
	want = spoil(self, at, how);
	n = want ? at : ALIKE;
	EXPECT_EQ(want, uni_batch(self->c, self->ops, ALIKE, &done, &unmapped));
	EXPECT_EQ(n, done)
	{
		TH_LOG("kind %d, error at %d, %d", kind, at, how);
	}
	if (kind == UNMAPS) {
		n -= !want && !how;
		EXPECT_EQ(n * p, unmapped);
		n = ALIKE - n;
	}
	EXPECT_EQ(pins + (kind == BY_HANDLE ? 0 : n), sys_pins());
	EXPECT_UNI_LOCKED(self->c,
			  locked + (kind == BY_HANDLE ? 0 : n) * p / KIB);
	EXPECT_EQ(n * p, uni_unmap(self->c, self->u.base, ALIKE * p));
	EXPECT_EQ(pins, sys_pins());
	EXPECT_UNI_LOCKED(self->c, locked);
}

TEST_F_TIMEOUT(batch, errors_among_alike, 120)
{
	const int at[] = { 0, 1, 7, 63, 64, 65, 128, ALIKE - 1 };
	unsigned int i, kind, how;

	for (kind = BY_HANDLE; kind <= UNMAPS; kind++) {
		for (i = 0; i < ARRAY_SIZE(at); i++) {
			for (how = 0; how < 4; how++)
				error_at(_metadata, self, kind, at[i], how);
		}
	}
	EXPECT_EQ(0, uni_unregister(self->c, self->handle));
}

/* Each page of a vector is where it should be. */
TEST_F_TIMEOUT(batch, alike_reach_their_pages, 60)
{
	const int at[] = { 0, 1, 63, 64, 255 };
	unsigned int i, kind;

	for (kind = BY_HANDLE; kind <= BY_ADDRESS; kind++) {
		fill_alike(self, kind, 256);
		/* Rights of its own in the midst of the others. */
		self->ops[100].flags ^= SLUICE_WRITE;
		ASSERT_EQ(0, uni_batch(self->c, self->ops, 256, NULL, NULL));
		for (i = 0; i < ARRAY_SIZE(at); i++)
			EXPECT_EQ(REACHED,
				  uni_dma_write(&self->u,
						self->u.base + at[i] * self->p,
						self->mem + at[i] * 7 % 16 *
								    self->p));
		EXPECT_EQ(MISSED,
			  uni_dma_write(&self->u, self->u.base + 100 * self->p,
					self->mem + 100 * 7 % 16 * self->p));
		/* Every second one goes. */
		for (i = 0; i < 128; i++)
			self->ops[i] = uni_op_unmap(
				self->u.base + 2 * i * self->p, self->p);
		ASSERT_EQ(0, uni_batch(self->c, self->ops, 128, NULL, NULL));
		EXPECT_EQ(MISSED,
			  uni_dma_write(&self->u, self->u.base, self->mem));
		EXPECT_EQ(REACHED,
			  uni_dma_write(&self->u, self->u.base + self->p,
					self->mem + 7 * self->p));
		EXPECT_EQ(128 * self->p,
			  uni_unmap(self->c, self->u.base, 256 * self->p));
	}
}

/* ---- Threads ---- */

struct worker {
	pthread_t thread;
	struct _test_data_batch *t;
	unsigned int seed;
	int wrong;    /* a result that can't be */
	int64_t left; /* pages mapped, less those unmapped */
};

/* Batches of maps and unmaps at random in the same few pages. */
static void *overlapping(void *arg)
{
	struct worker *w = arg;
	struct _test_data_batch *t = w->t;
	struct sluice_dma_op ops[6];
	uint64_t unmapped, iova;
	uint32_t done, i;
	int round, ret;

	for (round = 0; round < ROUNDS && !w->wrong; round++) {
		for (i = 0; i < 6; i++) {
			iova = t->u.base + rand_r(&w->seed) % 40 * t->p;
			ops[i] = rand_r(&w->seed) % 2 ?
					 uni_op_unmap(iova, 3 * t->p) :
				 rand_r(&w->seed) % 2 ?
					 uni_op_map(iova, t->mem, 2 * t->p,
						    UNI_RW) :
					 uni_op_handle(iova, t->handle, 0,
						       2 * t->p, UNI_RW);
		}
		ret = uni_batch(t->c, ops, 6, &done, &unmapped);
		if ((ret && ret != -EEXIST) || done > 6)
			w->wrong = ret ? ret : 1;
		for (i = 0; i < done; i++)
			w->left += ops[i].op == SLUICE_DMA_MAP ? 2 : 0;
		w->left -= unmapped / t->p;
	}
	return NULL;
}

TEST_F_TIMEOUT(batch, overlapping_threads, 90)
{
	struct worker w[THREADS];
	int64_t left = 0;
	int i;

	for (i = 0; i < THREADS; i++) {
		w[i] = (struct worker){ .t = self, .seed = i + 1 };
		ASSERT_EQ(0, pthread_create(&w[i].thread, NULL, overlapping,
					    &w[i]));
	}
	for (i = 0; i < THREADS; i++) {
		ASSERT_EQ(0, pthread_join(w[i].thread, NULL));
		EXPECT_EQ(0, w[i].wrong);
		left += w[i].left;
	}
	EXPECT_EQ((left + 1) * self->p, uni_unmap_all(self->c));
	EXPECT_UNI_LOCKED(self->c, 16 * self->p / KIB);
	EXPECT_EQ(0, uni_unregister(self->c, self->handle));
	EXPECT_EQ(self->u.pins, sys_pins());
}

/* Registers and unregisters, and maps what others may have just let go. */
static void *handles(void *arg)
{
	struct worker *w = arg;
	struct _test_data_batch *t = w->t;
	uint64_t iova = t->u.base + w->seed * 4 * t->p;
	uint32_t handle;
	int round, ret;

	for (round = 0; round < ROUNDS && !w->wrong; round++) {
		ret = uni_register(t->c, t->mem + w->seed % 2 * t->p, 2 * t->p,
				   UNI_RW, &handle);
		if (ret) {
			w->wrong = ret;
			break;
		}
		ret = uni_map_handle(t->c, iova, handle ^ (round & 1), 0, t->p,
				     UNI_RW);
		if (ret && ret != -ENOENT)
			w->wrong = ret;
		if (!ret && round % 3)
			w->left -= uni_unmap(t->c, iova, t->p) == (long)t->p;
		w->left += !ret;
		ret = uni_unregister(t->c, handle);
		if (ret && ret != -EBUSY)
			w->wrong = ret;
		if (!(round % 3))
			w->left -= uni_unmap(t->c, iova, t->p) == (long)t->p;
		if (ret && uni_unregister(t->c, handle) == -ENOENT)
			w->wrong = 2;
	}
	return NULL;
}

TEST_F_TIMEOUT(batch, handles_come_and_go, 90)
{
	struct worker w[THREADS];
	struct sluice_info info;
	int i;

	for (i = 0; i < THREADS; i++) {
		w[i] = (struct worker){ .t = self, .seed = i + 1 };
		ASSERT_EQ(0,
			  pthread_create(&w[i].thread, NULL, handles, &w[i]));
	}
	for (i = 0; i < THREADS; i++) {
		ASSERT_EQ(0, pthread_join(w[i].thread, NULL));
		EXPECT_EQ(0, w[i].wrong);
		EXPECT_EQ(0, w[i].left);
	}
	ASSERT_EQ(0, uni_info(self->c, &info));
	EXPECT_UNI_LOCKED(self->c, info.registered / KIB + self->p / KIB);
	EXPECT_EQ(self->p, uni_unmap_all(self->c));
}

int main(int argc, char **argv)
{
	return uni_main(argc, argv, test_harness_run);
}
