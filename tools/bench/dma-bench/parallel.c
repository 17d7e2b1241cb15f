// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that map and unmap disjoint ranges of one space at the same time.
 */
#include <err.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "target.h"

#define THREADS 4
#define BATCH 512UL
#define ROUNDS 200UL
/* Each thread's IOVAs, and between them. */
#define APART 0x10000000ULL

/**
 * struct mapper - a thread
 * @thread: the thread
 * @t: the space
 * @iova: where its pages go
 * @mem: what it maps
 * @handle: the same, registered
 */
struct mapper {
	pthread_t thread;
	struct target *t;
	uint64_t iova;
	void *mem;
	uint32_t handle;
};

static void fill(const struct mapper *m, struct sluice_dma_op *ops, bool map,
		 bool handle)
{
	uint64_t i;

	for (i = 0; i < BATCH; i++) {
		ops[i] = (struct sluice_dma_op){
			.op = map ? SLUICE_DMA_MAP : SLUICE_DMA_UNMAP,
			.iova = m->iova + 2 * i * BENCH_PAGE,
			.size = BENCH_PAGE,
		};
		if (!map)
			continue;
		ops[i].flags = SLUICE_READ | SLUICE_WRITE |
			       (handle ? SLUICE_DMA_HANDLE : 0);
		ops[i].handle = handle ? m->handle : 0;
		ops[i].addr = i * BENCH_PAGE + (handle ? 0 : (uintptr_t)m->mem);
	}
}

static void *by_handle(void *arg)
{
	struct sluice_dma_op map[BATCH], unmap[BATCH];
	struct mapper *m = arg;
	unsigned long i;

	fill(m, map, true, true);
	fill(m, unmap, false, true);
	for (i = 0; i < ROUNDS; i++) {
		m->t->ops->batch(m->t, map, BATCH);
		m->t->ops->batch(m->t, unmap, BATCH);
	}
	return NULL;
}

static void *by_address(void *arg)
{
	struct sluice_dma_op map[BATCH], unmap[BATCH];
	struct mapper *m = arg;
	unsigned long i;

	fill(m, map, true, false);
	fill(m, unmap, false, false);
	for (i = 0; i < ROUNDS; i++) {
		m->t->ops->batch(m->t, map, BATCH);
		m->t->ops->batch(m->t, unmap, BATCH);
	}
	return NULL;
}

/* All threads' pages by wall time: with ideal scaling it's divided by @nr. */
static void measure(struct mapper *m, unsigned int nr, const char *op,
		    void *(*fn)(void *arg))
{
	uint64_t start = bench_now_ns();
	unsigned int i;
	char row[32];

	for (i = 0; i < nr; i++)
		if (pthread_create(&m[i].thread, NULL, fn, &m[i]))
			errx(EXIT_FAILURE, "no thread");
	for (i = 0; i < nr; i++)
		pthread_join(m[i].thread, NULL);
	snprintf(row, sizeof(row), "parallel-%u", nr);
	bench_report(row, op, bench_now_ns() - start, nr * ROUNDS * BATCH);
}

void parallel_run(struct target *t, uint64_t iova)
{
	struct mapper m[THREADS];
	struct memory mem;
	unsigned int i, nr;

	memory_alloc(&mem, THREADS * BATCH * BENCH_PAGE, MEMORY_ORDERED);
	for (i = 0; i < THREADS; i++) {
		m[i].t = t;
		m[i].iova = iova + i * APART;
		m[i].mem = (char *)mem.ptr + i * BATCH * BENCH_PAGE;
		m[i].handle = t->ops->reg(t, m[i].mem, BATCH * BENCH_PAGE);
	}
	for (nr = 1; nr <= THREADS; nr *= 2) {
		measure(m, nr, "handle", by_handle);
		measure(m, nr, "address", by_address);
	}
	for (i = 0; i < THREADS; i++)
		t->ops->unreg(t, m[i].handle);
	memory_free(&mem);
}
