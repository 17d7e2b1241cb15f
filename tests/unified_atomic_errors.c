// SPDX-License-Identifier: GPL-2.0-only
/*
 * SLUICE_BATCH_ATOMIC: an operation that can't be done, whatever is wrong with it and
 * wherever it is, leaves everything as it was: what devices reach, what is pinned,
 * what is charged. So does a process that is killed.
 */
#include "kselftest_harness.h"
#include "uni.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define MISSED UNI_MISSED
#define REACHED UNI_REACHED

#define GOOD 6
#define KILLS 12
#define THREADS 3
#define AREA_PAGES 1024

FIXTURE(errors)
{
	struct uni u;
	int c;
	uint64_t p;
	uint64_t at;
	char *mem;   /* 16 pages, registered, which all processes see */
	char *other; /* 128 pages, not registered */
	uint32_t handle;
	uint32_t read_only; /* the same memory */
	long pins;
	long locked;
};

/*
 * What is there before: at + 0, 1: pages 0, 1 by address; at + 4, 5: pages 4, 5 by
 * handle; at + 12: page 0 by handle.
 */
FIXTURE_SETUP(errors)
{
	uint64_t p;

	if (!uni_offered())
		SKIP(return, "no unified spaces");
	ASSERT_EQ(0, uni_open_ready(&self->u, 0));
	self->c = self->u.c;
	self->p = self->u.p;
	p = self->p;
	self->at = self->u.base + 4 * p;
	self->mem = mmap(NULL, 16 * p, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	ASSERT_NE(MAP_FAILED, self->mem);
	self->other = sys_alloc(128 * p, p);
	ASSERT_NE(NULL, self->other);
	ASSERT_EQ(0, uni_register(self->c, self->mem, 16 * p, UNI_RW,
				  &self->handle));
	ASSERT_EQ(0, uni_register(self->c, self->mem, p, SLUICE_READ,
				  &self->read_only));
	ASSERT_EQ(0, uni_map(self->c, self->at, self->mem, 2 * p, UNI_RW));
	ASSERT_EQ(0, uni_map_handle(self->c, self->at + 4 * p, self->handle,
				    4 * p, 2 * p, UNI_RW));
	ASSERT_EQ(0, uni_map_handle(self->c, self->at + 12 * p, self->handle, 0,
				    p, UNI_RW));
	self->pins = sys_pins();
	self->locked = sys_locked_kib();
}

FIXTURE_TEARDOWN(errors)
{
	uni_close(&self->u);
	EXPECT_LOCKED(0);
	EXPECT_TRUE(sys_pins_settle(self->u.pins, 1000));
}

static int dma_to(struct _test_data_errors *self, uint64_t iova, char *mem)
{
	return uni_dma_write(&self->u, iova, mem);
}

/* Operations of which each could be done: all of them touch what is there. */
static void fill_good(struct _test_data_errors *self, struct sluice_dma_op *ops)
{
	uint64_t p = self->p, at = self->at;

	ops[0] = uni_op_unmap(at, p);
	ops[1] = uni_op_handle(at, self->handle, 8 * p, p, UNI_RW);
	ops[2] = uni_op_unmap(at + 5 * p, p);
	ops[3] = uni_op_map(at + 5 * p, self->other, p, UNI_RW);
	ops[4] = uni_op_map(at + 8 * p, self->other + p, 2 * p, UNI_RW);
	ops[5] = uni_op_unmap(at + 9 * p, p);
}

/* The same with one that can't at @pos. */
static void insert(struct _test_data_errors *self, struct sluice_dma_op *ops,
		   struct sluice_dma_op bad, unsigned int pos)
{
	fill_good(self, ops);
	memmove(&ops[pos + 1], &ops[pos], (GOOD - pos) * sizeof(*ops));
	ops[pos] = bad;
}

static void expect_accounts(struct __test_metadata *_metadata,
			    struct _test_data_errors *self)
{
	EXPECT_EQ(self->pins, sys_pins());
	EXPECT_LOCKED(self->locked);
}

/* Some of what was reached is, and what wasn't isn't. */
static void expect_as_before(struct __test_metadata *_metadata,
			     struct _test_data_errors *self)
{
	uint64_t p = self->p, at = self->at;

	expect_accounts(_metadata, self);
	EXPECT_EQ(REACHED, dma_to(self, at, self->mem));
	EXPECT_EQ(REACHED, dma_to(self, at + 5 * p, self->mem + 5 * p));
	EXPECT_EQ(MISSED, dma_to(self, at + 8 * p, self->other + p));
}

/* All of it: at the end of a test. */
static void expect_nothing_else(struct __test_metadata *_metadata,
				struct _test_data_errors *self)
{
	uint64_t p = self->p, at = self->at;

	EXPECT_EQ(REACHED, dma_to(self, at + p, self->mem + p));
	EXPECT_EQ(REACHED, dma_to(self, at + 4 * p, self->mem + 4 * p));
	EXPECT_EQ(REACHED, dma_to(self, at + 12 * p, self->mem));
	EXPECT_EQ(5 * p, uni_unmap(self->c, self->u.base, self->u.size - p));
	EXPECT_EQ(0, uni_unregister(self->c, self->handle));
	EXPECT_EQ(self->u.pins + 2, sys_pins());
}

/* ---- Whatever is wrong, wherever ---- */

enum wrong {
	EXISTS_ADDRESS,
	EXISTS_HANDLE,
	NOT_MAPPED,
	NOT_WRITABLE,
	NO_HANDLE,
	FEWER_RIGHTS,
	PAST_THE_HANDLE,
	OUTSIDE,
	FLAGS,
	ALIGNMENT,
	WRONGS,
};

static int make_wrong(struct _test_data_errors *self, enum wrong wrong,
		      struct sluice_dma_op *op)
{
	uint64_t p = self->p, at = self->at, free = at + 16 * p;
	uint32_t handle = self->handle;

	switch (wrong) {
	case EXISTS_ADDRESS:
		/* Half of it is free. */
		*op = uni_op_map(at + 11 * p, self->other, 2 * p, UNI_RW);
		return -EEXIST;
	case EXISTS_HANDLE:
		*op = uni_op_handle(at + p, handle, 0, p, UNI_RW);
		return -EEXIST;
	case NOT_MAPPED:
		/* The last page of it isn't. */
		*op = uni_op_map(free, self->other + 125 * p, 4 * p, UNI_RW);
		return -EFAULT;
	case NOT_WRITABLE:
		*op = uni_op_map(free, self->other + 64 * p, p, UNI_RW);
		return -EFAULT;
	case NO_HANDLE:
		*op = uni_op_handle(free, handle + 1000, 0, p, UNI_RW);
		return -ENOENT;
	case FEWER_RIGHTS:
		*op = uni_op_handle(free, self->read_only, 0, p, UNI_RW);
		return -EACCES;
	case PAST_THE_HANDLE:
		*op = uni_op_handle(free, handle, 15 * p, 2 * p, UNI_RW);
		return -EINVAL;
	case OUTSIDE:
		*op = uni_op_map(self->u.base + self->u.size, self->other, p,
				 UNI_RW);
		return -EINVAL;
	case FLAGS:
		*op = uni_op_unmap(at, p);
		op->flags = 1U << 31;
		return -EINVAL;
	default:
		*op = uni_op_unmap(at + 1, p);
		return -EINVAL;
	}
}

TEST_F_TIMEOUT(errors, anything_anywhere, 240)
{
	struct sluice_dma_op ops[GOOD + 1], bad;
	unsigned int wrong, pos;
	uint64_t unmapped;
	uint32_t done;
	int want;

	ASSERT_EQ(0, mprotect(self->other + 64 * self->p, self->p, PROT_READ));
	for (wrong = 0; wrong < WRONGS; wrong++) {
		for (pos = 0; pos <= GOOD; pos++) {
			want = make_wrong(self, wrong, &bad);
			insert(self, ops, bad, pos);
			EXPECT_EQ(want, uni_atomic(self->c, ops, GOOD + 1,
						   &done, &unmapped));
			EXPECT_EQ(pos, done)
			{
				TH_LOG("%d at %d", wrong, pos);
			}
			EXPECT_EQ(0, unmapped);
			expect_accounts(_metadata, self);
			if (pos % 3 == wrong % 3)
				expect_as_before(_metadata, self);
		}
	}
	expect_nothing_else(_metadata, self);
}

/* It isn't the good ones that fail. */
TEST_F(errors, none)
{
	uint64_t p = self->p, at = self->at, unmapped;
	struct sluice_dma_op ops[GOOD];

	fill_good(self, ops);
	ASSERT_EQ(0, uni_atomic(self->c, ops, GOOD, NULL, &unmapped));
	EXPECT_EQ(3 * p, unmapped);
	EXPECT_EQ(self->pins + 1, sys_pins());
	EXPECT_EQ(REACHED, dma_to(self, at, self->mem + 8 * p));
	EXPECT_EQ(REACHED, dma_to(self, at + 5 * p, self->other));
	EXPECT_EQ(REACHED, dma_to(self, at + 8 * p, self->other + p));
	EXPECT_EQ(MISSED, dma_to(self, at + 9 * p, self->other + 2 * p));
}

/* What the batch itself has mapped is in the way. */
TEST_F(errors, exists_in_the_batch)
{
	uint64_t p = self->p, at = self->at;
	struct sluice_dma_op ops[4];
	uint32_t done;

	ops[0] = uni_op_map(at + 8 * p, self->other, 4 * p, UNI_RW);
	ops[1] = uni_op_unmap(at + 9 * p, p);
	ops[2] = uni_op_handle(at + 9 * p, self->handle, 0, p, UNI_RW);
	ops[3] = uni_op_handle(at + 9 * p, self->handle, p, p, UNI_RW);
	EXPECT_EQ(-EEXIST, uni_atomic(self->c, ops, 4, &done, NULL));
	EXPECT_EQ(3, done);
	expect_as_before(_metadata, self);
	ops[2].size = 2 * p;
	EXPECT_EQ(-EEXIST, uni_atomic(self->c, ops, 3, &done, NULL));
	EXPECT_EQ(2, done);
	expect_as_before(_metadata, self);
	expect_nothing_else(_metadata, self);
}

/* Memory that the batch maps and unmaps again must be there, too. */
TEST_F(errors, of_what_would_be_unmapped)
{
	uint64_t p = self->p, at = self->at;
	struct sluice_dma_op ops[2];
	uint32_t done;

	ops[0] = uni_op_map(at + 16 * p, self->other + 127 * p, 2 * p, UNI_RW);
	ops[1] = uni_op_unmap(at, 32 * p);
	EXPECT_EQ(-EFAULT, uni_atomic(self->c, ops, 2, &done, NULL));
	EXPECT_EQ(0, done);
	expect_as_before(_metadata, self);
	expect_nothing_else(_metadata, self);
}

/* ---- Memory that can't be charged ---- */

/* Becomes a user without CAP_IPC_LOCK who may lock @more bytes, or root again. */
static int set_limit(uint64_t more)
{
	struct rlimit lim;

	if (!more)
		return seteuid(0);
	if (getrlimit(RLIMIT_MEMLOCK, &lim))
		return -1;
	lim.rlim_cur = sys_locked_kib() * KIB + more;
	if (lim.rlim_max < lim.rlim_cur)
		lim.rlim_max = lim.rlim_cur;
	return setrlimit(RLIMIT_MEMLOCK, &lim) ? -1 : seteuid(65534);
}

TEST_F_TIMEOUT(errors, locked_memory, 120)
{
	uint64_t p = self->p, unmapped;
	struct sluice_dma_op ops[GOOD + 1];
	unsigned int pos;
	uint32_t done;
	int ret;

	for (pos = 0; pos <= GOOD; pos++) {
		insert(self, ops,
		       uni_op_map(self->at + 16 * p, self->other + 8 * p,
				  64 * p, UNI_RW),
		       pos);
		ASSERT_EQ(0, set_limit(32 * p));
		ret = uni_atomic(self->c, ops, GOOD + 1, &done, &unmapped);
		ASSERT_EQ(0, set_limit(0));
		EXPECT_EQ(-ENOMEM, ret);
		EXPECT_EQ(pos, done);
		EXPECT_EQ(0, unmapped);
		expect_as_before(_metadata, self);
	}
	expect_nothing_else(_metadata, self);
}

/* There is room for the pages, but not for their tables. */
TEST_F(errors, locked_tables)
{
	struct sluice_dma_op ops[64];
	uint64_t p = self->p, step = self->u.size / 64;
	struct sluice_info info, then;
	int i, ret;

	for (i = 0; i < 64; i++)
		ops[i] = uni_op_handle(self->u.base + i * step + 64 * p,
				       self->handle, 0, p, UNI_RW);
	ops[0] = uni_op_unmap(self->at, p);
	ASSERT_EQ(0, uni_info(self->c, &then));
	ASSERT_EQ(0, set_limit(16 * p));
	ret = uni_atomic(self->c, ops, 64, NULL, NULL);
	ASSERT_EQ(0, set_limit(0));
	if (!ret)
		SKIP(return, "no table takes that much");
	EXPECT_EQ(-ENOMEM, ret);
	ASSERT_EQ(0, uni_info(self->c, &info));
	EXPECT_EQ(then.tables, info.tables);
	expect_as_before(_metadata, self);
	expect_nothing_else(_metadata, self);
}

/* ---- Other processes ---- */

TEST_F(errors, another_process)
{
	struct sluice_dma_op ops[5];
	uint64_t p = self->p, at = self->at, unmapped;
	uint32_t done;
	int child, pos, status;

	for (pos = 0; pos < 5; pos++) {
		child = fork();
		if (!child) {
			ops[0] = uni_op_unmap(at, 2 * p);
			ops[1] = uni_op_handle(at, self->handle, p, p, UNI_RW);
			ops[2] = uni_op_unmap(at + 5 * p, p);
			ops[3] = uni_op_handle(at + 5 * p, self->handle, 0, p,
					       UNI_RW);
			ops[4] = uni_op_unmap(at + 4 * p, p);
			ops[pos] =
				uni_op_map(at + 8 * p, self->other, p, UNI_RW);
			if (uni_atomic(self->c, ops, 5, &done, &unmapped) !=
			    -EPERM)
				_exit(1);
			_exit(done == pos && !unmapped ? 0 : 2);
		}
		status = sys_wait_child(child, 5000);
		EXPECT_TRUE(WIFEXITED(status));
		EXPECT_EQ(0, WEXITSTATUS(status));
		expect_as_before(_metadata, self);
	}
	expect_nothing_else(_metadata, self);
}

/* ---- SIGKILL ---- */

struct mover {
	struct _test_data_errors *t;
	uint64_t place[2]; /* of 16 pages that are at one of them */
};

/* All pages go from one place to the other, in the order of a shuffle. */
static void move(struct mover *m, int to)
{
	struct sluice_dma_op ops[32];
	uint64_t p = m->t->p;
	int i;

	for (i = 0; i < 16; i++) {
		ops[i] = uni_op_unmap(m->place[!to] + i * 5 % 16 * p, p);
		ops[16 + i] = uni_op_handle(m->place[to] + i * 3 % 16 * p,
					    m->t->handle, i * p, p, UNI_RW);
	}
	uni_atomic(m->t->c, ops, 32, NULL, NULL);
}

static void *keep_moving(void *arg)
{
	struct mover *m = arg;

	for (;;) {
		move(m, 1);
		move(m, 0);
	}
	return NULL;
}

/* Each batch is done as a whole, or not at all. */
TEST_F_TIMEOUT(errors, killed_sharing_the_fd, 120)
{
	struct mover m[THREADS];
	uint64_t p = self->p;
	int64_t bytes[2];
	pthread_t thread;
	int child, i, j;

	for (i = 0; i < THREADS; i++) {
		m[i].t = self;
		m[i].place[0] = self->at + (32 * i + 32) * p;
		m[i].place[1] = m[i].place[0] + 16 * p;
		ASSERT_EQ(0, uni_map_handle(self->c, m[i].place[0],
					    self->handle, 0, 16 * p, UNI_RW));
	}
	for (i = 0; i < KILLS; i++) {
		child = fork();
		for (j = 0; !child && j < THREADS; j++) {
			if (pthread_create(&thread, NULL, keep_moving, &m[j]))
				_exit(1);
		}
		if (!child) {
			sys_sleep_ms(10000);
			_exit(1);
		}
		sys_sleep_ms(20 + i * 7);
		kill(child, SIGKILL);
		ASSERT_TRUE(WIFSIGNALED(sys_wait_child(child, 10000)));
		for (j = 0; j < THREADS; j++) {
			bytes[0] = uni_unmap(self->c, m[j].place[0], 16 * p);
			bytes[1] = uni_unmap(self->c, m[j].place[1], 16 * p);
			ASSERT_EQ(16 * p, bytes[0] + bytes[1]);
			ASSERT_TRUE(!bytes[0] || !bytes[1]);
			ASSERT_EQ(0, uni_map_handle(self->c, m[j].place[i % 2],
						    self->handle, 0, 16 * p,
						    UNI_RW));
		}
	}
	expect_accounts(_metadata, self);
}

/* The owner, in the middle of pinning much. */
static void be_busy(int report)
{
	static struct uni u;
	struct sluice_dma_op ops[4];
	uint64_t size;
	char *area;

	if (uni_open_ready(&u, 1))
		_exit(1);
	size = AREA_PAGES * u.p;
	area = sys_alloc(size, u.p);
	ops[0] = uni_op_unmap(u.base, 4 * size);
	ops[1] = uni_op_map(u.base, area, size, UNI_RW);
	ops[2] = uni_op_map(u.base + size, area, size, UNI_RW);
	ops[3] = uni_op_unmap(u.base + size / 2, size);
	if (write(report, "x", 1) != 1)
		_exit(2);
	for (;;) {
		if (uni_atomic(u.c, ops, 4, NULL, NULL))
			_exit(3);
	}
}

TEST_F_TIMEOUT(errors, killed, 120)
{
	int child, i, pipefd[2];
	char x;

	ASSERT_EQ(0, pipe(pipefd));
	for (i = 0; i < KILLS; i++) {
		child = fork();
		if (!child)
			be_busy(pipefd[1]);
		ASSERT_EQ(1, read(pipefd[0], &x, 1));
		sys_sleep_ms(1 + i * 5);
		kill(child, SIGKILL);
		ASSERT_TRUE(WIFSIGNALED(sys_wait_child(child, 10000)));
		ASSERT_TRUE(sys_pins_settle(self->pins, 2000));
	}
	expect_as_before(_metadata, self);
}

int main(int argc, char **argv)
{
	return uni_main(argc, argv, test_harness_run);
}
