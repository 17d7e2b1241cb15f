// SPDX-License-Identifier: GPL-2.0-only
/*
 * tce-bench: what a TCE costs on IBM POWER, with memory that is registered.
 *
 * Beside dma-bench, whose pages are 4 KiB and whose windows are free.
 */
#include <argp.h>
#include <err.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

#include <linux/sluice.h>

#include <sluice.h>

#define KIB 1024UL
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

/* A TCE of the default window, and of the others used here. */
#define SMALL (4 * KIB)
#define LARGE (64 * KIB)

#define SCATTERED 4096UL
#define BATCH 512UL
#define BATCHES 8UL

/* Every second page of so much is mapped. */
#define SCATTERED_SIZE (2 * SCATTERED * LARGE)
#define VECTOR_SIZE (2 * BATCH * BATCHES * LARGE)

/**
 * struct bench - a space
 * @c: its container
 * @dev: a device, left idle
 * @window: first IOVA of a window with TCEs of 64K
 * @mem: memory of @size bytes, registered
 * @size: its bytes
 * @handle: unified: its name
 */
struct bench {
	struct sluice_container c;
	struct sluice_device dev;
	uint64_t window;
	char *mem;
	size_t size;
	uint32_t handle;
};

/**
 * struct row - a line of the table
 * @name: in the output and on the command line
 * @unified: it needs a unified space
 * @size: memory that it needs
 * @run: measures it
 */
struct row {
	const char *name;
	bool unified;
	size_t size;
	void (*run)(struct bench *b);
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void report(const char *row, const char *op, uint64_t ns,
		   unsigned long tces)
{
	printf("%s\t%s\t%.0f\n", row, op, (double)ns / tces);
	fflush(stdout);
}

static void call(struct bench *b, unsigned long cmd, void *arg,
		 const char *what)
{
	if (ioctl(b->c.fd, cmd, arg))
		err(EXIT_FAILURE, "%s", what);
}

/* ---- VFIO_SPAPR_TCE_v2_IOMMU ---- */

static void map(struct bench *b, uint64_t iova, void *vaddr, uint64_t size)
{
	struct vfio_iommu_type1_dma_map arg = {
		.argsz = sizeof(arg),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)vaddr,
		.iova = iova,
		.size = size,
	};

	call(b, VFIO_IOMMU_MAP_DMA, &arg, "VFIO_IOMMU_MAP_DMA");
}

static void unmap(struct bench *b, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap arg = {
		.argsz = sizeof(arg),
		.iova = iova,
		.size = size,
	};

	call(b, VFIO_IOMMU_UNMAP_DMA, &arg, "VFIO_IOMMU_UNMAP_DMA");
}

static void make_window(struct bench *b)
{
	struct vfio_iommu_spapr_tce_create arg = {
		.argsz = sizeof(arg),
		.page_shift = 16,
		.window_size = 4 * GIB,
		.levels = 1,
	};

	call(b, VFIO_IOMMU_SPAPR_TCE_CREATE, &arg,
	     "VFIO_IOMMU_SPAPR_TCE_CREATE");
	b->window = arg.start_addr;
}

/* Every second page, an ioctl each. */
static void run_scattered(struct bench *b)
{
	uint64_t start, i;

	make_window(b);
	start = now_ns();
	for (i = 0; i < SCATTERED; i++)
		map(b, b->window + 2 * i * LARGE, b->mem + 2 * i * LARGE,
		    LARGE);
	report("scattered", "map", now_ns() - start, SCATTERED);
	start = now_ns();
	for (i = 0; i < SCATTERED; i++)
		unmap(b, b->window + 2 * i * LARGE, LARGE);
	report("scattered", "unmap", now_ns() - start, SCATTERED);
}

/* 256 MiB in the default window. */
static void run_one_call(struct bench *b)
{
	unsigned long tces = b->size / SMALL;
	uint64_t start = now_ns();

	map(b, 0, b->mem, b->size);
	report("one-call", "map", now_ns() - start, tces);
	start = now_ns();
	unmap(b, 0, b->size);
	report("one-call", "unmap", now_ns() - start, tces);
}

/* All of the default window, which is mapped when the program ends. */
static void run_close(struct bench *b)
{
	uint64_t start = now_ns();

	map(b, 0, b->mem, b->size);
	report("close", "map", now_ns() - start, b->size / SMALL);
}

static void run_nothing(struct bench *b)
{
	report("nothing", "map", 0, 1);
}

/* ---- The unified type ---- */

static void batch(struct bench *b, struct sluice_dma_op *ops)
{
	struct sluice_dma_batch arg = {
		.argsz = sizeof(arg),
		.ops = (uintptr_t)ops,
		.nr_ops = BATCH,
	};

	call(b, SLUICE_DMA_BATCH, &arg, "SLUICE_DMA_BATCH");
}

/* Above what 32-bit devices need. */
static void make_range(struct bench *b)
{
	struct sluice_iova_range ranges[4];
	struct sluice_window_query q = {
		.argsz = sizeof(q),
		.ranges = (uintptr_t)ranges,
		.nr_ranges = 4,
	};
	struct sluice_window_create arg = {
		.argsz = sizeof(arg),
		.flags = SLUICE_WINDOW_FIXED,
		.size = 4 * GIB,
	};

	call(b, SLUICE_WINDOW_QUERY, &q, "SLUICE_WINDOW_QUERY");
	if (!q.nr_ranges)
		errx(EXIT_FAILURE, "there are no IOVAs");
	arg.start = ranges[q.nr_ranges - 1].start;
	call(b, SLUICE_WINDOW_CREATE, &arg, "SLUICE_WINDOW_CREATE");
	b->window = arg.start;
}

/* Scattered pages by vectors, at every @stride-th IOVA. */
static void run_vectors(struct bench *b, const char *name, unsigned int stride)
{
	unsigned long nr = BATCH * BATCHES, i;
	struct sluice_dma_op *ops = calloc(nr, sizeof(*ops));
	uint64_t start;

	if (!ops)
		err(EXIT_FAILURE, "operations");
	make_range(b);
	for (i = 0; i < nr; i++)
		ops[i] = (struct sluice_dma_op){
			.op = SLUICE_DMA_MAP,
			.flags = SLUICE_READ | SLUICE_WRITE | SLUICE_DMA_HANDLE,
			.iova = b->window + i * stride * LARGE,
			.size = LARGE,
			.addr = 2 * i * LARGE,
			.handle = b->handle,
		};
	start = now_ns();
	for (i = 0; i < nr; i += BATCH)
		batch(b, &ops[i]);
	report(name, "map", now_ns() - start, nr);
	for (i = 0; i < nr; i++)
		ops[i] = (struct sluice_dma_op){
			.op = SLUICE_DMA_UNMAP,
			.iova = ops[i].iova,
			.size = LARGE,
		};
	start = now_ns();
	for (i = 0; i < nr; i += BATCH)
		batch(b, &ops[i]);
	report(name, "unmap", now_ns() - start, nr);
	free(ops);
}

static void run_vector(struct bench *b)
{
	run_vectors(b, "vector", 1);
}

static void run_vector_gaps(struct bench *b)
{
	run_vectors(b, "vector-gaps", 2);
}

static const struct row rows[] = {
	{ "nothing", false, LARGE, run_nothing },
	{ "scattered", false, SCATTERED_SIZE, run_scattered },
	{ "one-call", false, 256 * MIB, run_one_call },
	{ "close", false, GIB, run_close },
	{ "vector", true, VECTOR_SIZE, run_vector },
	{ "vector-gaps", true, VECTOR_SIZE, run_vector_gaps },
};

/* ---- The program ---- */

static void register_memory(struct bench *b, bool unified)
{
	struct vfio_iommu_spapr_register_memory spapr = {
		.argsz = sizeof(spapr),
		.vaddr = (uintptr_t)b->mem,
		.size = b->size,
	};
	struct sluice_mem_register uni = {
		.argsz = sizeof(uni),
		.flags = SLUICE_READ | SLUICE_WRITE,
		.vaddr = (uintptr_t)b->mem,
		.size = b->size,
	};

	if (unified)
		call(b, SLUICE_MEM_REGISTER, &uni, "SLUICE_MEM_REGISTER");
	else
		call(b, VFIO_IOMMU_SPAPR_REGISTER_MEMORY, &spapr,
		     "VFIO_IOMMU_SPAPR_REGISTER_MEMORY");
	b->handle = uni.handle;
}

static void run(const struct row *row, const char *addr)
{
	struct bench b = { .size = row->size };
	int ret;

	ret = sluice_container_open(&b.c);
	if (!ret && row->unified)
		ret = sluice_container_set_iommu(&b.c, SLUICE_UNIFIED_IOMMU);
	if (!ret)
		ret = sluice_device_open(&b.dev, &b.c, addr);
	if (ret)
		errx(EXIT_FAILURE, "%s: %s", addr, sluice_open_strerror(ret));
	b.mem = mmap(NULL, b.size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (b.mem == MAP_FAILED)
		err(EXIT_FAILURE, "%zu MiB of memory", b.size / MIB);
	register_memory(&b, row->unified);
	row->run(&b);
	sluice_device_close(&b.dev);
	sluice_container_close(&b.c);
	munmap(b.mem, b.size);
}

struct options {
	const struct row *row;
	const char *addr;
	bool bind;
};

static const struct row *find_row(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	return NULL;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *opt = state->input;

	switch (key) {
	case 'b':
		opt->bind = true;
		return 0;
	case 'r':
		opt->row = find_row(arg);
		if (!opt->row)
			argp_error(state, "there is no row '%s'", arg);
		return 0;
	case ARGP_KEY_ARG:
		if (opt->addr)
			argp_error(state, "one PCI address is enough");
		opt->addr = arg;
		return 0;
	case ARGP_KEY_END:
		if (!opt->addr)
			argp_error(state, "which device? Give its PCI address");
		if (!opt->row)
			argp_error(state, "which row? Say --row");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option arguments[] = {
	{ "bind", 'b', NULL, 0,
	  "Take the device from its driver (bind it to vfio-pci), and give it back afterwards",
	  0 },
	{ "row", 'r', "ROW", 0, "What to measure", 0 },
	{ 0 }
};

static const struct argp argp = {
	.options = arguments,
	.parser = parse_option,
	.args_doc = "PCI-ADDRESS",
	.doc = "Measure what a TCE costs on IBM POWER, with registered memory.\n"
	       "\vRows, in a container of the type VFIO_SPAPR_TCE_v2_IOMMU:\n"
	       "  scattered    4,096 pages of 64K, every second one, an ioctl each\n"
	       "  one-call     256 MiB in the default window (4K), one ioctl\n"
	       "  close        1 GiB there, left to the end of the program\n"
	       "  nothing      open and close\n"
	       "and in one of Sluice's unified type, 512 operations an ioctl:\n"
	       "  vector       scattered pages of 64K at consecutive IOVAs\n"
	       "  vector-gaps  the same at every second IOVA\n\n"
	       "Prints lines of ROW, OPERATION and the ns per TCE, separated by\n"
	       "tabs. On a virtual machine whose clock counts instructions (QEMU:\n"
	       "-icount shift=0,sleep=off, one CPU) a ns is an instruction; what\n"
	       "the hypervisor does for a call doesn't count. QEMU's trace events\n"
	       "spapr_iommu_pci_* show the calls.\n",
};

int main(int argc, char **argv)
{
	struct sluice_binding binding = { .bound = false };
	struct options opt = { .bind = false };
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, &opt);
	if (opt.bind) {
		ret = sluice_bind(opt.addr, &binding);
		if (ret)
			errx(EXIT_FAILURE, "binding %s to vfio-pci: %s",
			     opt.addr, sluice_open_strerror(ret));
	}
	run(opt.row, opt.addr);
	ret = sluice_bind_restore(&binding);
	if (ret)
		errx(EXIT_FAILURE, "giving %s back: %s", opt.addr,
		     strerror(-ret));
	return EXIT_SUCCESS;
}
