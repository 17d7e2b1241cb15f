// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA_BATCH of a million operations: it ends, it can be killed, and it takes no
 * memory to speak of.
 */
#include "kselftest_harness.h"
#include "uni.h"

#include <signal.h>
#include <sys/wait.h>

#define MILLION 1000000

FIXTURE(batch)
{
	struct uni u;
	int c;
	uint64_t p;
	uint32_t handle; /* 16 pages */
};

FIXTURE_SETUP(batch)
{
	char *mem;

	if (!uni_offered())
		SKIP(return, "no unified spaces");
	ASSERT_EQ(0, uni_open_ready(&self->u, 0));
	self->c = self->u.c;
	self->p = self->u.p;
	mem = sys_alloc(16 * self->p, self->p);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, uni_register(self->c, mem, 16 * self->p, UNI_RW,
				  &self->handle));
}

FIXTURE_TEARDOWN(batch)
{
	uni_close(&self->u);
	EXPECT_LOCKED(0);
	EXPECT_TRUE(sys_pins_settle(self->u.pins, 1000));
}

/* Maps, unmaps, and unmaps of nothing. */
static struct sluice_dma_op *million(struct _test_data_batch *self)
{
	struct sluice_dma_op *ops = calloc(MILLION, sizeof(*ops));
	uint64_t iova;
	int i;

	for (i = 0; ops && i < MILLION; i++) {
		iova = self->u.base + i / 4 % 1000 * self->p;
		ops[i] = i % 4 == 1 ? uni_op_handle(iova, self->handle,
						    i / 4 % 16 * self->p,
						    self->p, UNI_RW) :
				      uni_op_unmap(iova, self->p);
	}
	return ops;
}

TEST_F_TIMEOUT(batch, bounded_memory, 300)
{
	struct sluice_dma_op *ops = million(self);
	long vmalloc = sys_field("/proc/meminfo", "VmallocUsed"), most = 0;
	int child, status = 0, ret;
	uint64_t unmapped;
	uint32_t done;

	ASSERT_NE(NULL, ops);
	child = fork();
	if (!child) {
		ret = uni_batch(self->c, ops, MILLION, &done, &unmapped);
		_exit(ret || done != MILLION ||
		      unmapped != MILLION / 4 * self->p);
	}
	while (!waitpid(child, &status, WNOHANG)) {
		long now = sys_field("/proc/meminfo", "VmallocUsed");

		most = now > most ? now : most;
		sys_sleep_ms(20);
	}
	EXPECT_TRUE(WIFEXITED(status) && !WEXITSTATUS(status));
	/* The vector isn't copied as a whole. */
	EXPECT_LT(most - vmalloc, MILLION * sizeof(*ops) / KIB / 4);
	EXPECT_EQ(self->p, uni_unmap_all(self->c));
}

/* A child that carries out a million is killed after @ms: how long it lived on. */
static int64_t kill_after(struct _test_data_batch *self,
			  const struct sluice_dma_op *ops, unsigned int ms)
{
	int child = fork();
	uint64_t start;

	if (!child) {
		uni_batch(self->c, ops, MILLION, NULL, NULL);
		_exit(0);
	}
	sys_sleep_ms(ms);
	start = sys_now_ms();
	kill(child, SIGKILL);
	return WIFSIGNALED(sys_wait_child(child, 60000)) ?
		       (int64_t)(sys_now_ms() - start) :
		       -1;
}

TEST_F_TIMEOUT(batch, killed, 300)
{
	struct sluice_dma_op *ops = million(self);
	uint64_t whole;
	int64_t ms;
	int i;

	ASSERT_NE(NULL, ops);
	whole = sys_now_ms();
	ASSERT_EQ(0, uni_batch(self->c, ops, MILLION, NULL, NULL));
	whole = sys_now_ms() - whole;
	for (i = 0; i < 3; i++) {
		ms = kill_after(self, ops, 20 + 50 * i);
		EXPECT_LE(0, ms);
		EXPECT_GT(whole / 2, ms)
		{
			TH_LOG("%lld of %llu ms", (long long)ms,
			       (unsigned long long)whole);
		}
	}
	uni_unmap(self->c, self->u.base, self->u.size - self->p);
	EXPECT_EQ(0, uni_unregister(self->c, self->handle));
}

int main(int argc, char **argv)
{
	return uni_main(argc, argv, test_harness_run);
}
