// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a map costs when there are many already, and what memory they take.
 */
#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "target.h"

/* Maps that are measured at each number of mappings. */
#define PROBES 1024UL
/* Operations of a batch, where there are batches. */
#define BATCH 512UL
/* Every second page, so that no two mappings touch. */
#define STRIDE (2 * BENCH_PAGE)

static void populate_batches(struct target *t, void *page, uint64_t iova,
			     unsigned long from, unsigned long to)
{
	struct sluice_dma_op ops[BATCH];
	unsigned long i, n;

	for (; from < to; from += n) {
		n = to - from < BATCH ? to - from : BATCH;
		for (i = 0; i < n; i++)
			ops[i] = (struct sluice_dma_op){
				.op = SLUICE_DMA_MAP,
				.flags = SLUICE_READ | SLUICE_WRITE,
				.iova = iova + (from + i) * STRIDE,
				.size = BENCH_PAGE,
				.addr = (uintptr_t)page,
			};
		t->ops->batch(t, ops, n);
	}
}

static void populate(struct target *t, void *page, uint64_t iova,
		     unsigned long from, unsigned long to)
{
	if (t->ops->batch) {
		populate_batches(t, page, iova, from, to);
		return;
	}
	for (; from < to; from++)
		t->ops->map(t, page, iova + from * STRIDE, BENCH_PAGE);
}

/* The mean of many maps, spread over what is mapped: into every gap one. */
static void probe(struct target *t, void *page, uint64_t iova,
		  unsigned long mappings)
{
	uint64_t step = mappings / PROBES * STRIDE, start;
	char row[32];
	unsigned long i;

	iova += BENCH_PAGE;
	start = bench_now_ns();
	for (i = 0; i < PROBES; i++)
		t->ops->map(t, page, iova + i * step, BENCH_PAGE);
	snprintf(row, sizeof(row), "at-%lu", mappings);
	bench_report(row, "map", bench_now_ns() - start, PROBES);
	start = bench_now_ns();
	for (i = 0; i < PROBES; i++)
		t->ops->unmap(t, iova + i * step, BENCH_PAGE);
	bench_report(row, "unmap", bench_now_ns() - start, PROBES);
}

/*
 * Maps one page again and again: the memory behind mappings isn't what is measured
 * here. Memory is told in bytes per mapping.
 */
void growth_run(struct target *t, uint64_t iova, unsigned long max)
{
	static const unsigned long steps[] = { 1024, 60 * 1024, 1024 * 1024 };
	unsigned long slab, tables, done = 0;
	struct memory mem;
	size_t i;

	memory_alloc(&mem, BENCH_PAGE, MEMORY_ORDERED);
	slab = memory_in_use("Slab");
	tables = memory_in_use("SecPageTables");
	for (i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		if (steps[i] > max)
			break;
		populate(t, mem.ptr, iova, done, steps[i]);
		done = steps[i];
		if (i == 1) {
			bench_report("memory", "slab",
				     memory_in_use("Slab") - slab, done);
			bench_report("memory", "tables",
				     memory_in_use("SecPageTables") - tables,
				     done);
		}
		probe(t, mem.ptr, iova, done);
	}
	if (t->ops->batch)
		t->ops->unmap(t, iova, done * STRIDE);
	else
		while (done--)
			t->ops->unmap(t, iova + done * STRIDE, BENCH_PAGE);
	memory_free(&mem);
}
