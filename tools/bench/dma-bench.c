// SPDX-License-Identifier: GPL-2.0-only
/*
 * dma-bench: what mapping memory for a device costs, per page.
 *
 * This file owns the rows and the command line. The interfaces and the memory
 * are in dma-bench/.
 */
#include <argp.h>
#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dma-bench/target.h"

/* Above what 32-bit windows and the x86 MSI window take. */
#define MIB 0x100000UL
#define GIB 0x40000000UL
#define IOVA_MIN (4 * GIB)
#define IOVA_ALIGN GIB

/* What type1's default limit of mappings allows. */
#define SCATTERED 65535UL
#define CONTIGUOUS GIB
#define NOPS 100000UL

/**
 * struct row - a line of the table
 * @name: in the output and on the command line
 * @kind: what the memory consists of
 * @pages: pages that are mapped
 * @stride: bytes from one mapping to the next, in memory and IOVA space;
 *	0 for one mapping of everything
 * @from: where in a huge page the first mapping begins, in memory and IOVA space
 */
struct row {
	const char *name;
	enum memory_kind kind;
	unsigned long pages;
	unsigned long stride;
	unsigned long from;
};

/* The rows that depend on fresh memory come first. */
static const struct row rows[] = {
	{ "contiguous-4k", MEMORY_ORDERED, CONTIGUOUS / BENCH_PAGE, 0, 0 },
	{ "contiguous-thp", MEMORY_HUGE, CONTIGUOUS / BENCH_PAGE, 0, 0 },
	{ "shuffled-4k", MEMORY_SHUFFLED, CONTIGUOUS / BENCH_PAGE, 0, 0 },
	{ "scattered-4k", MEMORY_ORDERED, SCATTERED, 2 * BENCH_PAGE, 0 },
	{ "thp-from-1m", MEMORY_HUGE, CONTIGUOUS / BENCH_PAGE, 0, MIB },
};

/**
 * struct registered_row - a line of the table that needs registered memory
 * @name: in the output and on the command line
 * @kind: what the memory consists of
 * @from: as in &struct row
 */
struct registered_row {
	const char *name;
	enum memory_kind kind;
	unsigned long from;
};

/* 1 GiB each. */
static const struct registered_row registered_2m = { "registered-2m",
						     MEMORY_HUGETLB, 0 };

static const struct registered_row registered_from_1m = { "registered-from-1m",
							  MEMORY_HUGE, MIB };

/**
 * struct batch_row - a line of the table that needs batches
 * @name: in the output and on the command line
 * @mem_stride: pages from one operation's to the next, in memory
 * @registered: by handle
 */
struct batch_row {
	const char *name;
	unsigned int mem_stride;
	bool registered;
};

/* In IOVA space every second page. */
static const struct batch_row batch_rows[] = {
	{ "batch-scattered", 2, false },
	{ "batch-adjacent", 1, false },
	{ "batch-registered", 2, true },
};

#define BATCH_ROWS (sizeof(batch_rows) / sizeof(*batch_rows))
#define BATCH 512UL
#define BATCHES 127UL

#define ROW_IOCTL "bare-ioctl"
#define ROW_GROWTH "growth"
/* Of use with several CPUs, so only when asked for. */
#define ROW_PARALLEL "parallel"

enum mode {
	MODE_VFIO,
	MODE_IOMMUFD,
	MODE_UNIFIED,
	MODE_GUP,
};

/**
 * struct options - the command line
 * @mode: what to measure
 * @addr: PCI address
 * @row: the only row to measure, or NULL
 * @bind: bind to vfio-pci and back
 * @verbose: say how contiguous the memory was
 */
struct options {
	enum mode mode;
	const char *addr;
	const char *row;
	bool bind;
	bool verbose;
};

uint64_t bench_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

void bench_report(const char *row, const char *op, uint64_t ns,
		  unsigned long count)
{
	printf("%s\t%s\t%.0f\n", row, op, (double)ns / count);
	fflush(stdout);
}

static size_t row_bytes(const struct row *row)
{
	return row->stride ? row->pages * row->stride : row->pages * BENCH_PAGE;
}

/* Memory for a mapping that begins within a huge page. */
static char *alloc_from(struct memory *mem, size_t bytes, enum memory_kind kind,
			unsigned long from)
{
	memory_alloc(mem, from ? bytes + HUGE_PAGE : bytes, kind);
	return (char *)mem->ptr + from;
}

/* Pages that IOMMUs' page tables take. */
static unsigned long tables_now(void)
{
	return memory_in_use("SecPageTables") / BENCH_PAGE;
}

static uint64_t find_iova(struct target *t, size_t bytes, unsigned long from)
{
	uint64_t iova;

	if (sluice_iova_find(&t->info, IOVA_MIN, bytes + from, IOVA_ALIGN,
			     &iova))
		errx(EXIT_FAILURE, "no room for %zu bytes above 4 GiB", bytes);
	return iova + from;
}

static void check_unmapped(uint64_t got, uint64_t expected)
{
	if (got != expected)
		errx(EXIT_FAILURE, "unmapped %llu bytes instead of %llu",
		     (unsigned long long)got, (unsigned long long)expected);
}

static void run_row(struct target *t, const struct row *row, bool verbose)
{
	size_t bytes = row_bytes(row), step, piece, off;
	const struct target_ops *ops = t->ops;
	uint64_t iova, start, mapped, unmap, unmapped;
	unsigned long tables = tables_now();
	struct memory mem;
	char *ptr;

	piece = row->stride ? BENCH_PAGE : bytes;
	step = row->stride ? row->stride : bytes;
	iova = find_iova(t, bytes, row->from);
	ptr = alloc_from(&mem, bytes, row->kind, row->from);
	if (verbose)
		fprintf(stderr, "%s: %zu physically contiguous pieces\n",
			row->name, memory_count_runs(&mem));

	start = bench_now_ns();
	for (off = 0; off < bytes; off += step)
		ops->map(t, ptr + off, iova + off, piece);
	mapped = bench_now_ns();
	tables = tables_now() - tables;
	unmap = bench_now_ns();
	for (off = 0; off < bytes; off += step)
		check_unmapped(ops->unmap(t, iova + off, piece), piece);
	unmapped = bench_now_ns();

	bench_report(row->name, "map", mapped - start, row->pages);
	bench_report(row->name, "unmap", unmapped - unmap, row->pages);
	if (row->kind == MEMORY_HUGE)
		bench_report(row->name, "tables", tables, 1);
	memory_free(&mem);
}

static void run_nops(struct target *t)
{
	unsigned long i;
	uint64_t start;

	start = bench_now_ns();
	for (i = 0; i < NOPS; i++)
		t->ops->nop(t);
	bench_report(ROW_IOCTL, "call", bench_now_ns() - start, NOPS);
}

/*
 * What every interface that pins must pay at least, hence reported under the
 * operations' names. gup_test takes one range, so the scattered row becomes as
 * many neighbouring pages, pinned one by one.
 */
static void run_gup(int fd, const struct row *row)
{
	uint32_t per_call = row->stride ? 1 : row->pages;
	size_t bytes = row->pages * BENCH_PAGE;
	struct pin_cost cost;
	struct memory mem;
	char *ptr;

	ptr = alloc_from(&mem, bytes, row->kind, row->from);
	gup_pin(fd, ptr, bytes, per_call, &cost);
	bench_report(row->name, "map", cost.pin, row->pages);
	bench_report(row->name, "unmap", cost.unpin, row->pages);
	memory_free(&mem);
}

static void fill_batch(struct sluice_dma_op *ops, const struct batch_row *row,
		       char *mem, uint32_t handle, uint64_t iova,
		       unsigned long first)
{
	unsigned long i;

	for (i = 0; i < BATCH; i++) {
		uint64_t off = (first + i) * row->mem_stride * BENCH_PAGE;

		ops[i] = (struct sluice_dma_op){
			.op = SLUICE_DMA_MAP,
			.flags = SLUICE_READ | SLUICE_WRITE |
				 (handle ? SLUICE_DMA_HANDLE : 0),
			.iova = iova + (first + i) * 2 * BENCH_PAGE,
			.size = BENCH_PAGE,
			.addr = handle ? off : (uintptr_t)mem + off,
			.handle = handle,
		};
	}
}

/* The vectors are made beforehand: that is the program's time. */
static void run_batches(struct target *t, const struct batch_row *row)
{
	unsigned long pages = BATCH * BATCHES, i;
	struct sluice_dma_op *ops = calloc(pages, sizeof(*ops));
	uint64_t iova, start;
	uint32_t handle = 0;
	struct memory mem;

	if (!ops)
		err(EXIT_FAILURE, "operations");
	if (sluice_iova_find(&t->info, IOVA_MIN, pages * 2 * BENCH_PAGE,
			     IOVA_ALIGN, &iova))
		errx(EXIT_FAILURE, "no room above 4 GiB");
	memory_alloc(&mem, pages * row->mem_stride * BENCH_PAGE,
		     MEMORY_ORDERED);
	if (row->registered)
		handle = t->ops->reg(t, mem.ptr, mem.size);
	for (i = 0; i < pages; i += BATCH)
		fill_batch(&ops[i], row, mem.ptr, handle, iova, i);

	start = bench_now_ns();
	for (i = 0; i < pages; i += BATCH)
		t->ops->batch(t, &ops[i], BATCH);
	bench_report(row->name, "map", bench_now_ns() - start, pages);
	for (i = 0; i < pages; i++)
		ops[i] = (struct sluice_dma_op){
			.op = SLUICE_DMA_UNMAP,
			.iova = ops[i].iova,
			.size = BENCH_PAGE,
		};
	start = bench_now_ns();
	for (i = 0; i < pages; i += BATCH)
		check_unmapped(t->ops->batch(t, &ops[i], BATCH),
			       BATCH * BENCH_PAGE);
	bench_report(row->name, "unmap", bench_now_ns() - start, pages);
	if (handle)
		t->ops->unreg(t, handle);
	memory_free(&mem);
	free(ops);
}

static void run_registered(struct target *t, const struct registered_row *row)
{
	struct sluice_dma_op op = {
		.op = SLUICE_DMA_MAP,
		.flags = SLUICE_READ | SLUICE_WRITE | SLUICE_DMA_HANDLE,
		.size = CONTIGUOUS,
	};
	struct memory mem;
	uint64_t start;
	char *ptr;

	op.iova = find_iova(t, CONTIGUOUS, row->from);
	ptr = alloc_from(&mem, CONTIGUOUS, row->kind, row->from);
	op.handle = t->ops->reg(t, ptr, CONTIGUOUS);
	start = bench_now_ns();
	t->ops->batch(t, &op, 1);
	bench_report(row->name, "map", bench_now_ns() - start,
		     CONTIGUOUS / BENCH_PAGE);
	start = bench_now_ns();
	check_unmapped(t->ops->unmap(t, op.iova, CONTIGUOUS), CONTIGUOUS);
	bench_report(row->name, "unmap", bench_now_ns() - start,
		     CONTIGUOUS / BENCH_PAGE);
	t->ops->unreg(t, op.handle);
	memory_free(&mem);
}

static void run_parallel(struct target *t)
{
	uint64_t iova;

	if (!t->ops->batch)
		errx(EXIT_FAILURE, "%s needs --unified", ROW_PARALLEL);
	if (sluice_iova_find(&t->info, IOVA_MIN, GIB, IOVA_ALIGN, &iova))
		errx(EXIT_FAILURE, "no room above 4 GiB");
	parallel_run(t, iova);
}

static void run_growth(struct target *t)
{
	uint64_t iova;

	if (sluice_iova_find(&t->info, IOVA_MIN, 16 * GIB, IOVA_ALIGN, &iova))
		errx(EXIT_FAILURE, "no room above 4 GiB");
	growth_run(t, iova, t->ops->batch ? 1UL << 20 : SCATTERED);
}

static bool wanted(const struct options *opt, const char *name)
{
	return !opt->row || !strcmp(opt->row, name);
}

static void run_pins(const struct options *opt)
{
	int fd = gup_open();
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (wanted(opt, rows[i].name))
			run_gup(fd, &rows[i]);
	close(fd);
}

static void run_maps(const struct options *opt)
{
	static const struct target_ops *const targets[] = {
		[MODE_VFIO] = &target_vfio,
		[MODE_IOMMUFD] = &target_iommufd,
		[MODE_UNIFIED] = &target_unified,
	};
	struct target t = {
		.fd = -1,
		.device_fd = -1,
		.ops = targets[opt->mode],
	};
	size_t i;

	t.ops->open(&t, opt->addr);
	if (t.ops->nop && wanted(opt, ROW_IOCTL))
		run_nops(&t);
	if (t.ops->batch && wanted(opt, registered_2m.name))
		run_registered(&t, &registered_2m);
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (wanted(opt, rows[i].name))
			run_row(&t, &rows[i], opt->verbose);
	for (i = 0; t.ops->batch && i < BATCH_ROWS; i++)
		if (wanted(opt, batch_rows[i].name))
			run_batches(&t, &batch_rows[i]);
	if (t.ops->batch && wanted(opt, registered_from_1m.name))
		run_registered(&t, &registered_from_1m);
	if (wanted(opt, ROW_GROWTH))
		run_growth(&t);
	if (opt->row && wanted(opt, ROW_PARALLEL))
		run_parallel(&t);
	t.ops->close(&t);
}

static bool row_known(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (!strcmp(name, rows[i].name))
			return true;
	for (i = 0; i < BATCH_ROWS; i++)
		if (!strcmp(name, batch_rows[i].name))
			return true;
	return !strcmp(name, registered_2m.name) ||
	       !strcmp(name, registered_from_1m.name) ||
	       !strcmp(name, ROW_IOCTL) || !strcmp(name, ROW_GROWTH) ||
	       !strcmp(name, ROW_PARALLEL);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *opt = state->input;

	switch (key) {
	case 'b':
		opt->bind = true;
		return 0;
	case 'g':
		opt->mode = MODE_GUP;
		return 0;
	case 'i':
		opt->mode = MODE_IOMMUFD;
		return 0;
	case 'u':
		opt->mode = MODE_UNIFIED;
		return 0;
	case 'r':
		if (!row_known(arg))
			argp_error(state, "there is no row '%s'", arg);
		opt->row = arg;
		return 0;
	case 'v':
		opt->verbose = true;
		return 0;
	case ARGP_KEY_ARG:
		if (opt->addr)
			argp_error(state, "one PCI address is enough");
		opt->addr = arg;
		return 0;
	case ARGP_KEY_END:
		if (opt->mode == MODE_GUP && opt->addr)
			argp_error(state, "--gup needs no device");
		if (opt->mode != MODE_GUP && !opt->addr)
			argp_error(state, "which device? Give its PCI address");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option arguments[] = {
	{ "bind", 'b', NULL, 0,
	  "Take the device from its driver (bind it to vfio-pci), and give it back afterwards",
	  0 },
	{ "iommufd", 'i', NULL, 0,
	  "Map through /dev/iommu, not through a container", 0 },
	{ "unified", 'u', NULL, 0,
	  "Map in a container of Sluice's unified type, by batches", 0 },
	{ "gup", 'g', NULL, 0,
	  "Don't map, only pin and unpin, with the kernel's gup_test", 0 },
	{ "verbose", 'v', NULL, 0,
	  "Say how contiguous the memory of each row is", 0 },
	{ "row", 'r', "ROW", 0, "Measure this row only", 0 },
	{ 0 }
};

static const struct argp argp = {
	.options = arguments,
	.parser = parse_option,
	.args_doc = "PCI-ADDRESS\n--gup",
	.doc = "Measure what mapping memory for a device costs.\n"
	       "\vRows:\n"
	       "  bare-ioctl      an ioctl that does nothing\n"
	       "  contiguous-4k   1 GiB of 4 KiB pages, one ioctl\n"
	       "  contiguous-thp  1 GiB of huge pages, one ioctl\n"
	       "  shuffled-4k     as contiguous-4k, physically in disorder\n"
	       "  scattered-4k    65,535 pages, every second one, an ioctl each\n"
	       "  thp-from-1m     as contiguous-thp, but from 1 MiB into a huge\n"
	       "                  page, in memory and IOVA space\n"
	       "  growth          a page at 1 Ki, 60 Ki (and, with --unified,\n"
	       "                  1 Mi) mappings: at-N; bytes per mapping: memory\n"
	       "With --unified also, 512 operations an ioctl, every second IOVA:\n"
	       "  batch-scattered   every second page of memory\n"
	       "  batch-adjacent    every page\n"
	       "  batch-registered  as scattered, of registered memory\n"
	       "and\n"
	       "  registered-2m     1 GiB of registered 2 MiB pages, one ioctl\n"
	       "  registered-from-1m  as thp-from-1m, of registered memory\n"
	       "  parallel          1, 2, 4 threads with batches of their own: wall\n"
	       "                    time per page; only if asked for by --row\n\n"
	       "Prints lines of ROW, OPERATION and the ns per 4 KiB page (or\n"
	       "call), separated by tabs. On a virtual machine whose clock\n"
	       "counts instructions (QEMU: -icount shift=0,sleep=off, one CPU)\n"
	       "a ns is an instruction. Rows of huge pages have a third line:\n"
	       "pages of memory that the map took for page tables. The guest needs 2 GiB of memory. Which\n"
	       "device is given doesn't matter: it is attached and left idle.\n"
	       "Contiguity decides much (see --verbose), and later runs find\n"
	       "less of it: compare first with first.\n",
};

int main(int argc, char **argv)
{
	struct sluice_binding binding = { .bound = false };
	struct options opt = { .mode = MODE_VFIO };
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, &opt);
	if (opt.mode == MODE_GUP) {
		run_pins(&opt);
		return EXIT_SUCCESS;
	}
	if (opt.bind) {
		ret = sluice_bind(opt.addr, &binding);
		if (ret)
			errx(EXIT_FAILURE, "binding %s to vfio-pci: %s",
			     opt.addr, sluice_open_strerror(ret));
	}
	run_maps(&opt);
	ret = sluice_bind_restore(&binding);
	if (ret)
		errx(EXIT_FAILURE, "giving %s back: %s", opt.addr,
		     strerror(-ret));
	return EXIT_SUCCESS;
}
