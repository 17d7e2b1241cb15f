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
 */
struct row {
	const char *name;
	enum memory_kind kind;
	unsigned long pages;
	unsigned long stride;
};

/* The rows that depend on fresh memory come first. */
static const struct row rows[] = {
	{ "contiguous-4k", MEMORY_ORDERED, CONTIGUOUS / BENCH_PAGE, 0 },
	{ "contiguous-thp", MEMORY_HUGE, CONTIGUOUS / BENCH_PAGE, 0 },
	{ "shuffled-4k", MEMORY_SHUFFLED, CONTIGUOUS / BENCH_PAGE, 0 },
	{ "scattered-4k", MEMORY_ORDERED, SCATTERED, 2 * BENCH_PAGE },
};

#define ROW_IOCTL "bare-ioctl"

enum mode {
	MODE_VFIO,
	MODE_IOMMUFD,
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

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void report(const char *row, const char *op, uint64_t ns,
		   unsigned long count)
{
	printf("%s\t%s\t%.0f\n", row, op, (double)ns / count);
	fflush(stdout);
}

static size_t row_bytes(const struct row *row)
{
	return row->stride ? row->pages * row->stride : row->pages * BENCH_PAGE;
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
	uint64_t iova, start, mapped, unmapped;
	struct memory mem;

	piece = row->stride ? BENCH_PAGE : bytes;
	step = row->stride ? row->stride : bytes;
	if (sluice_iova_find(&t->info, IOVA_MIN, bytes, IOVA_ALIGN, &iova))
		errx(EXIT_FAILURE, "no room for %zu bytes above 4 GiB", bytes);
	memory_alloc(&mem, bytes, row->kind);
	if (verbose)
		fprintf(stderr, "%s: %zu physically contiguous pieces\n",
			row->name, memory_count_runs(&mem));

	start = now_ns();
	for (off = 0; off < bytes; off += step)
		ops->map(t, (char *)mem.ptr + off, iova + off, piece);
	mapped = now_ns();
	for (off = 0; off < bytes; off += step)
		check_unmapped(ops->unmap(t, iova + off, piece), piece);
	unmapped = now_ns();

	report(row->name, "map", mapped - start, row->pages);
	report(row->name, "unmap", unmapped - mapped, row->pages);
	memory_free(&mem);
}

static void run_nops(struct target *t)
{
	unsigned long i;
	uint64_t start;

	start = now_ns();
	for (i = 0; i < NOPS; i++)
		t->ops->nop(t);
	report(ROW_IOCTL, "call", now_ns() - start, NOPS);
}

/*
 * What every interface that pins must pay at least, hence reported under the
 * operations' names. gup_test takes one range, so the scattered row becomes as
 * many neighbouring pages, pinned one by one.
 */
static void run_gup(int fd, const struct row *row)
{
	uint32_t per_call = row->stride ? 1 : row->pages;
	struct pin_cost cost;
	struct memory mem;

	memory_alloc(&mem, row->pages * BENCH_PAGE, row->kind);
	gup_pin(fd, mem.ptr, mem.size, per_call, &cost);
	report(row->name, "map", cost.pin, row->pages);
	report(row->name, "unmap", cost.unpin, row->pages);
	memory_free(&mem);
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
	struct target t = {
		.fd = -1,
		.device_fd = -1,
		.ops = opt->mode == MODE_IOMMUFD ? &target_iommufd :
						   &target_vfio,
	};
	size_t i;

	t.ops->open(&t, opt->addr);
	if (t.ops->nop && wanted(opt, ROW_IOCTL))
		run_nops(&t);
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (wanted(opt, rows[i].name))
			run_row(&t, &rows[i], opt->verbose);
	t.ops->close(&t);
}

static bool row_known(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (!strcmp(name, rows[i].name))
			return true;
	return !strcmp(name, ROW_IOCTL);
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
	       "  scattered-4k    65,535 pages, every second one, an ioctl each\n\n"
	       "Prints lines of ROW, OPERATION and the ns per 4 KiB page (or\n"
	       "call), separated by tabs. On a virtual machine whose clock\n"
	       "counts instructions (QEMU: -icount shift=0,sleep=off, one CPU)\n"
	       "a ns is an instruction. The guest needs 2 GiB of memory. Which\n"
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
