// SPDX-License-Identifier: GPL-2.0-only
/*
 * RLIMIT_MEMLOCK and unified spaces: registering, maps by address, and tables keep
 * to it, and when it is reached half-way nothing is lost.
 */
#include "kselftest_harness.h"
#include "uni.h"

#include <sys/resource.h>

FIXTURE(limits)
{
	struct uni u;
	int c;
	uint64_t p;
	uint64_t at;
};

FIXTURE_SETUP(limits)
{
	if (!uni_offered())
		SKIP(return, "no unified spaces");
	ASSERT_EQ(0, uni_open_ready(&self->u, 0));
	self->c = self->u.c;
	self->p = self->u.p;
	self->at = self->u.base + 4 * self->p;
}

FIXTURE_TEARDOWN(limits)
{
	uni_close(&self->u);
	EXPECT_LOCKED(0);
	EXPECT_TRUE(sys_pins_settle(self->u.pins, 2000));
}

static char *pages(struct _test_data_limits *self, unsigned int n)
{
	return sys_alloc(n * self->p, self->p);
}

/* As a user without CAP_IPC_LOCK who may lock @more bytes than are locked. */
static int limit(uint64_t more)
{
	struct rlimit lim;

	lim.rlim_cur = sys_locked_kib() * KIB + more;
	lim.rlim_max = lim.rlim_cur;
	if (setrlimit(RLIMIT_MEMLOCK, &lim) || setresuid(65534, 65534, 65534))
		return -1;
	return 0;
}

/* Pages beyond those of tables that a few maps take. */
#define SLACK 16

TEST_F(limits, registering)
{
	uint64_t p = self->p;
	char *mem = pages(self, 32);
	uint32_t a, b;
	long locked;

	ASSERT_EQ(0, limit(16 * p));
	locked = sys_locked_kib();
	EXPECT_EQ(-ENOMEM, uni_register(self->c, mem, 17 * p, UNI_RW, &a));
	EXPECT_LOCKED(locked);
	ASSERT_EQ(0, uni_register(self->c, mem, 16 * p, UNI_RW, &a));
	EXPECT_EQ(-ENOMEM, uni_register(self->c, mem, p, UNI_RW, &b));
	EXPECT_EQ(-ENOMEM, uni_map(self->c, self->at, mem, p, UNI_RW));
	EXPECT_EQ(0, uni_unregister(self->c, a));
	EXPECT_LOCKED(locked);
	ASSERT_EQ(0, uni_register(self->c, mem, 16 * p, UNI_RW, &a));
}

/* In the middle of a batch, and of an operation of it: nothing is lost. */
TEST_F(limits, reached_half_way)
{
	uint64_t p = self->p, unmapped;
	struct sluice_dma_op ops[20];
	char *mem = pages(self, 20 * 16);
	uint32_t done;
	long locked;
	int i;

	for (i = 0; i < 20; i++)
		ops[i] = uni_op_map(self->at + i * 16 * p, mem + i * 16 * p,
				    16 * p, UNI_RW);
	ASSERT_EQ(0, limit((10 * 16 + SLACK) * p));
	locked = uni_locked_kib(self->c);
	EXPECT_EQ(-ENOMEM, uni_batch(self->c, ops, 20, &done, &unmapped));
	EXPECT_LE(10, done);
	EXPECT_GE(11, done);
	EXPECT_EQ(0, unmapped);
	EXPECT_UNI_LOCKED(self->c, locked + done * 16 * p / KIB);
	EXPECT_EQ(done * 16 * p, uni_unmap(self->c, self->at, 20 * 16 * p));
	EXPECT_UNI_LOCKED(self->c, locked);
	/* Room for what was given back. */
	EXPECT_EQ(0, uni_batch(self->c, ops, 10, &done, NULL));
}

/*
 * One registered page, mapped far apart: tables count. When the maps are gone,
 * so are their tables, before it is said that there is no memory.
 */
TEST_F_TIMEOUT(limits, tables, 60)
{
	uint64_t p = self->p, step = self->u.size / 512, max;
	char *mem = pages(self, 1);
	uint32_t handle;
	int i, ret = 0;

	ASSERT_EQ(0, uni_register(self->c, mem, p, UNI_RW, &handle));
	max = sys_locked_kib() + 64 * p / KIB;
	ASSERT_EQ(0, limit(64 * p));
	for (i = 0; i < 500 && !ret; i++)
		ret = uni_map_handle(self->c, self->u.base + i * step, handle,
				     0, p, UNI_RW);
	EXPECT_TRUE(!ret || ret == -ENOMEM);
	EXPECT_LE(sys_locked_kib(), max);
	EXPECT_EQ((i - !!ret) * p,
		  uni_unmap(self->c, self->u.base, self->u.size - p));
	for (i = 0; i < 500; i++) {
		uint64_t iova = self->u.base + i * step;

		ASSERT_EQ(0,
			  uni_map_handle(self->c, iova, handle, 0, p, UNI_RW));
		ASSERT_EQ(p, uni_unmap(self->c, iova, p));
		ASSERT_LE(sys_locked_kib(), max);
	}
}

int main(int argc, char **argv)
{
	return uni_main(argc, argv, test_harness_run);
}
