// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unified spaces and processes: only the owner's memory can be registered and
 * mapped by address, handles are for everybody who has the fd; what is left when a
 * process execs, exits, or is killed in the middle of a call.
 */
#include "kselftest_harness.h"
#include "uni.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define MISSED UNI_MISSED
#define REACHED UNI_REACHED

#define KILLS 10
#define THREADS 3
#define AREA_PAGES 2048

FIXTURE(procs)
{
	uint64_t p;
	char *shared; /* 4 pages that all processes see */
	long pins;
};

FIXTURE_SETUP(procs)
{
	if (!uni_offered())
		SKIP(return, "no unified spaces");
	self->p = uni_page();
	self->shared = mmap(NULL, 4 * self->p, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->shared);
	self->pins = sys_pins();
}

FIXTURE_TEARDOWN(procs)
{
	EXPECT_LOCKED(0);
	EXPECT_TRUE(sys_pins_settle(self->pins, 2000));
}

/* The child's exit status, or -1. */
static int wait_for(int child)
{
	int status = sys_wait_child(child, 20000);

	return status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- Another process with the same fd ---- */

#define CHECK(cond)                                \
	do {                                       \
		if (!(cond))                       \
			_exit(__LINE__ % 250 + 1); \
	} while (0)

/* What a process that isn't the owner can do; leaves a page mapped at @at. */
static void stranger(int c, uint64_t at, uint64_t p, uint32_t handle)
{
	char *mem = sys_alloc(2 * p, p);
	struct sluice_dma_op ops[3];
	uint64_t unmapped;
	uint32_t other, done;

	CHECK(uni_register(c, mem, p, UNI_RW, &other) == -EPERM);
	CHECK(uni_map(c, at + 4 * p, mem, p, UNI_RW) == -EPERM);
	CHECK(sys_locked_settle(0) == 0);
	CHECK(uni_map_handle(c, at + 4 * p, handle, 0, 2 * p, UNI_RW) == 0);
	ops[0] = uni_op_unmap(at + 4 * p, p);
	ops[1] = uni_op_map(at + 4 * p, mem, p, UNI_RW);
	ops[2] = uni_op_unmap(at + 5 * p, p);
	CHECK(uni_batch(c, ops, 3, &done, &unmapped) == -EPERM);
	CHECK(done == 1 && unmapped == p);
	/* What the owner has mapped by address, too. */
	CHECK(uni_unmap(c, at, p) == (int64_t)p);
	CHECK(sys_locked_settle(0) == 0);
	_exit(0);
}

TEST_F(procs, forked)
{
	uint64_t p = self->p, at;
	uint32_t handle;
	struct uni u;
	long locked;
	int child;

	ASSERT_EQ(0, uni_open_ready(&u, 0));
	at = u.base;
	ASSERT_EQ(0, uni_register(u.c, self->shared, 2 * p, UNI_RW, &handle));
	ASSERT_EQ(0, uni_map(u.c, at, self->shared, 2 * p, UNI_RW));
	locked = uni_locked_kib(u.c);
	child = fork();
	if (!child)
		stranger(u.c, at, p, handle);
	ASSERT_EQ(0, wait_for(child));
	EXPECT_EQ(REACHED, uni_dma_write(&u, at + 5 * p, self->shared + p));
	EXPECT_EQ(MISSED, uni_dma_write(&u, at + 4 * p, self->shared));
	EXPECT_EQ(MISSED, uni_dma_write(&u, at, self->shared));
	EXPECT_EQ(REACHED, uni_dma_write(&u, at + p, self->shared + p));
	EXPECT_UNI_LOCKED(u.c, locked - p / KIB);
	uni_close(&u);
}

/* The owner is gone; its memory, and what others do with it, isn't. */
TEST_F(procs, owner_exits)
{
	uint64_t p = self->p;
	int c = vfio_container(), child, handle_pipe[2];
	uint32_t handle = 0;
	struct pci_dev dev;
	char *well;
	struct uni u;

	ASSERT_LE(0, c);
	ASSERT_EQ(0, pipe(handle_pipe));
	child = fork();
	if (!child) {
		CHECK(!vfio_set_iommu(c, SLUICE_UNIFIED_IOMMU));
		CHECK(!uni_register(c, self->shared, 4 * p, UNI_RW, &handle));
		CHECK(write(handle_pipe[1], &handle, 4) == 4);
		_exit(0);
	}
	ASSERT_EQ(0, wait_for(child));
	ASSERT_EQ(4, read(handle_pipe[0], &handle, 4));
	EXPECT_EQ(self->pins + 4, sys_pins());
	memset(&u, 0, sizeof(u));
	u.c = c;
	u.p = p;
	ASSERT_EQ(0, pci_find_alone(&dev, PCI_ID_EDU, 0));
	ASSERT_EQ(0, vfio_join(&u.v, &dev, c));
	ASSERT_EQ(0, edu_attach(&u.edu, u.v.device));
	well = self->shared + 3 * p;
	EXPECT_EQ(-EPERM, uni_register(c, well, p, UNI_RW, &handle));
	u.size = 16 * p;
	ASSERT_EQ(0, uni_window(c, u.size, 0, &u.base));
	EXPECT_EQ(-EPERM, uni_map(c, u.base, well, p, UNI_RW));
	u.well = well;
	ASSERT_EQ(0,
		  uni_map_handle(c, u.base + 15 * p, handle, 3 * p, p, UNI_RW));
	ASSERT_EQ(0, uni_map_handle(c, u.base, handle, p, p, UNI_RW));
	EXPECT_EQ(REACHED, uni_dma_write(&u, u.base, self->shared + p));
	EXPECT_EQ(-EBUSY, uni_unregister(c, handle));
	EXPECT_EQ(2 * p, uni_unmap_all(c));
	EXPECT_EQ(0, uni_unregister(c, handle));
	EXPECT_EQ(self->pins, sys_pins());
	uni_close(&u);
}

/* ---- exec ---- */

/* After the exec: another program, with the fd and what was mapped. */
static int after_exec(char **argv)
{
	int c = atoi(argv[2]);
	uint32_t handle = strtoul(argv[3], NULL, 0), other;
	uint64_t at = strtoull(argv[4], NULL, 0), p = uni_page();
	char *mem = sys_alloc(p, p);
	struct sluice_info info;

	CHECK(sys_locked_settle(0) == 0);
	CHECK(uni_register(c, mem, p, UNI_RW, &other) == -EPERM);
	CHECK(uni_map(c, at, mem, p, UNI_RW) == -EPERM);
	CHECK(uni_map_handle(c, at, handle, 0, p, UNI_RW) == 0);
	CHECK(uni_unregister(c, handle) == -EBUSY);
	CHECK(uni_info(c, &info) == 0 && info.handles == 1);
	/* One by handle, the well and another page by address. */
	CHECK(uni_unmap_all(c) == 3 * (int64_t)p);
	CHECK(uni_unregister(c, handle) == 0);
	CHECK(sys_locked_settle(0) == 0);
	return 0;
}

static void exec(struct _test_data_procs *self)
{
	char c[16], handle[16], at[32];
	uint32_t h;
	struct uni u;

	CHECK(!uni_open_ready(&u, 0));
	CHECK(!uni_register(u.c, self->shared, 2 * self->p, UNI_RW, &h));
	CHECK(!uni_map(u.c, u.base + self->p, self->shared, self->p, UNI_RW));
	CHECK(!fcntl(u.v.container, F_SETFD, 0));
	CHECK(!fcntl(u.v.group, F_SETFD, 0));
	snprintf(c, sizeof(c), "%d", u.c);
	snprintf(handle, sizeof(handle), "%u", h);
	snprintf(at, sizeof(at), "%llu", (unsigned long long)u.base);
	execl("/proc/self/exe", "unified_procs", "after-exec", c, handle, at,
	      NULL);
	_exit(251);
}

TEST_F(procs, execed)
{
	int child = fork();

	if (!child)
		exec(self);
	EXPECT_EQ(0, wait_for(child));
}

/* ---- SIGKILL ---- */

struct busy {
	struct uni u;
	char *area; /* AREA_PAGES */
	uint32_t handle;
};

/* Each thread in ranges that overlap the others'. */
static void *busy_batches(void *arg)
{
	struct busy *b = arg;
	uint64_t p = b->u.p, at = b->u.base;
	struct sluice_dma_op ops[64];
	int i;

	for (;;) {
		for (i = 0; i < 64; i += 4) {
			uint64_t iova = at + i / 4 * 32 * p;

			ops[i] = uni_op_unmap(iova, 64 * p);
			ops[i + 1] = uni_op_map(iova, b->area, 16 * p, UNI_RW);
			ops[i + 2] = uni_op_handle(iova + 16 * p, b->handle,
						   i * p, 16 * p, UNI_RW);
			ops[i + 3] = uni_op_unmap(iova + p, 18 * p);
		}
		uni_batch(b->u.c, ops, 64, NULL, NULL);
	}
	return NULL;
}

static void *busy_large(void *arg)
{
	struct busy *b = arg;
	uint64_t size = AREA_PAGES * b->u.p, at = b->u.base + 2 * size;

	for (;;) {
		uni_map(b->u.c, at, b->area, size, UNI_RW);
		uni_unmap(b->u.c, at + b->u.p, size);
		uni_unmap(b->u.c, at, b->u.p);
	}
	return NULL;
}

static void *busy_registering(void *arg)
{
	struct busy *b = arg;
	uint64_t size = AREA_PAGES * b->u.p;
	uint32_t handle;

	for (;;) {
		if (!uni_register(b->u.c, b->area, size, UNI_RW, &handle))
			uni_unregister(b->u.c, handle);
	}
	return NULL;
}

/* A child with many threads at work, until it is killed. */
static void be_busy(void *(*fn)(void *arg), int report)
{
	static struct busy b;
	pthread_t thread;
	uint64_t p;
	int i;

	CHECK(!uni_open_ready(&b.u, 0));
	p = b.u.p;
	b.area = sys_alloc(AREA_PAGES * p, p);
	CHECK(b.area);
	CHECK(!uni_register(b.u.c, b.area, 128 * p, UNI_RW, &b.handle));
	for (i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&thread, NULL, fn, &b));
	CHECK(write(report, "x", 1) == 1);
	sys_sleep_ms(10000);
	_exit(1);
}

static void killed(struct __test_metadata *_metadata,
		   struct _test_data_procs *self, void *(*fn)(void *arg))
{
	int child, i, pipefd[2];
	char x;

	ASSERT_EQ(0, pipe(pipefd));
	for (i = 0; i < KILLS; i++) {
		child = fork();
		if (!child)
			be_busy(fn, pipefd[1]);
		ASSERT_EQ(1, read(pipefd[0], &x, 1));
		sys_sleep_ms(1 + i * 7);
		kill(child, SIGKILL);
		ASSERT_TRUE(WIFSIGNALED(sys_wait_child(child, 10000)));
		ASSERT_TRUE(sys_pins_settle(self->pins, 2000))
		{
			TH_LOG("round %d: %ld pages", i,
			       sys_pins() - self->pins);
		}
	}
}

TEST_F_TIMEOUT(procs, killed_in_batches, 90)
{
	killed(_metadata, self, busy_batches);
}

TEST_F_TIMEOUT(procs, killed_in_a_large_operation, 90)
{
	killed(_metadata, self, busy_large);
}

TEST_F_TIMEOUT(procs, killed_registering, 90)
{
	killed(_metadata, self, busy_registering);
}

/* The space outlives the process that is killed, and is in order. */
TEST_F_TIMEOUT(procs, killed_sharing_the_fd, 90)
{
	struct sluice_info info;
	int child, i, c;
	struct busy b;

	memset(&b, 0, sizeof(b));
	ASSERT_EQ(0, uni_open_ready(&b.u, 0));
	c = b.u.c;
	b.area = sys_alloc(AREA_PAGES * self->p, self->p);
	ASSERT_NE(NULL, b.area);
	ASSERT_EQ(0, uni_register(c, b.area, 128 * self->p, UNI_RW, &b.handle));
	for (i = 0; i < KILLS; i++) {
		pthread_t thread;
		int j;

		child = fork();
		if (!child) {
			/* By handle only: it isn't the owner. */
			for (j = 0; j < THREADS; j++)
				CHECK(!pthread_create(&thread, NULL,
						      busy_batches, &b));
			sys_sleep_ms(10000);
			_exit(1);
		}
		sys_sleep_ms(5 + i * 7);
		uni_map(c, b.u.base, b.area, 8 * self->p, UNI_RW);
		kill(child, SIGKILL);
		uni_map(c, b.u.base + self->p, b.area, 8 * self->p, UNI_RW);
		ASSERT_TRUE(WIFSIGNALED(sys_wait_child(child, 10000)));
	}
	ASSERT_LE(self->p, uni_unmap_all(c));
	EXPECT_EQ(0, uni_unmap_all(c));
	ASSERT_EQ(0, uni_info(c, &info));
	EXPECT_EQ(128 * self->p, info.registered);
	EXPECT_UNI_LOCKED(c, 128 * self->p / KIB);
	EXPECT_EQ(self->pins + 128, sys_pins());
	EXPECT_EQ(0, uni_unregister(c, b.handle));
	uni_close(&b.u);
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "after-exec"))
		return after_exec(argv);
	return uni_main(argc, argv, test_harness_run);
}
