// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory for the benchmark: faulted in, and verified to consist of 4 KiB pages
 * or of transparent huge pages only.
 */
#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "target.h"

#define SMAPS "/proc/self/smaps"
#define PAGEMAP "/proc/self/pagemap"
#define PAGEMAP_PFN 0x7fffffffffffffULL

/* How much of the mapping at an address is huge, says the kernel. */
static size_t huge_bytes(const void *ptr)
{
	unsigned long from, to, kib, addr = (uintptr_t)ptr;
	FILE *file = fopen(SMAPS, "r");
	bool inside = false;
	char line[512];

	if (!file)
		err(EXIT_FAILURE, SMAPS);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			inside = addr >= from && addr < to;
		if (inside &&
		    sscanf(line, "AnonHugePages: %lu kB", &kib) == 1) {
			fclose(file);
			return kib << 10;
		}
	}
	errx(EXIT_FAILURE,
	     SMAPS " doesn't tell about huge pages (CONFIG_PROC_PAGE_MONITOR)");
}

/*
 * Multiplying by an odd number permutes the pages if their number is a power
 * of two. This one leaves big distances between successive results.
 */
static void fault_in(char *ptr, size_t pages, enum memory_kind kind)
{
	size_t factor = kind == MEMORY_SHUFFLED ? 0x9e3779b1 : 1;
	size_t i;

	if (kind == MEMORY_SHUFFLED && pages & (pages - 1))
		errx(EXIT_FAILURE, "can't shuffle %zu pages", pages);
	for (i = 0; i < pages; i++)
		ptr[i * factor % pages * BENCH_PAGE] = 1;
}

/* The pool of huge pages has as many as are needed, or none. */
static void reserve_hugetlb(size_t size)
{
	FILE *file = fopen("/proc/sys/vm/nr_hugepages", "w");

	if (!file || fprintf(file, "%zu", size / HUGE_PAGE) < 0 || fclose(file))
		err(EXIT_FAILURE, "/proc/sys/vm/nr_hugepages");
}

static void alloc_hugetlb(struct memory *mem, size_t size)
{
	reserve_hugetlb(size);
	mem->hugetlb = true;
	mem->size = size;
	mem->map_size = size;
	mem->map = mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (mem->map == MAP_FAILED)
		err(EXIT_FAILURE, "%zu bytes of huge pages", size);
	mem->ptr = mem->map;
	memset(mem->ptr, 1, size);
}

void memory_alloc(struct memory *mem, size_t size, enum memory_kind kind)
{
	bool huge = kind == MEMORY_HUGE;
	size_t found;

	if (kind == MEMORY_HUGETLB) {
		alloc_hugetlb(mem, size);
		return;
	}
	mem->hugetlb = false;
	mem->size = size;
	mem->map_size = size + HUGE_PAGE;
	mem->map = mmap(NULL, mem->map_size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mem->map == MAP_FAILED)
		err(EXIT_FAILURE, "%zu bytes of memory", mem->map_size);
	mem->ptr = (void *)(((uintptr_t)mem->map + HUGE_PAGE - 1) &
			    ~(HUGE_PAGE - 1));
	if (madvise(mem->ptr, size, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) &&
	    huge)
		err(EXIT_FAILURE, "no huge pages");
	fault_in(mem->ptr, size / BENCH_PAGE, kind);
	found = huge_bytes(mem->ptr);
	if (found != (huge ? size : 0))
		errx(EXIT_FAILURE,
		     "%zu of %zu bytes are in huge pages: is the guest short of memory, or are huge pages off?",
		     found, size);
}

/* How many physically contiguous pieces it consists of; needs privilege. */
size_t memory_count_runs(const struct memory *mem)
{
	int fd = open(PAGEMAP, O_RDONLY | O_CLOEXEC);
	size_t first = (uintptr_t)mem->ptr / BENCH_PAGE;
	size_t pages = mem->size / BENCH_PAGE;
	uint64_t entry, pfn, last = 0;
	size_t i, runs = 0;

	if (fd < 0)
		err(EXIT_FAILURE, PAGEMAP);
	for (i = 0; i < pages; i++) {
		if (pread(fd, &entry, sizeof(entry),
			  (first + i) * sizeof(entry)) != sizeof(entry))
			err(EXIT_FAILURE, PAGEMAP);
		pfn = entry & PAGEMAP_PFN;
		if (pfn != last + 1)
			runs++;
		last = pfn;
	}
	close(fd);
	return runs;
}

void memory_free(struct memory *mem)
{
	munmap(mem->map, mem->map_size);
	if (mem->hugetlb)
		reserve_hugetlb(0);
	mem->map = NULL;
}

/* What the kernel uses for a purpose, by a line of /proc/meminfo, in bytes. */
unsigned long memory_in_use(const char *name)
{
	FILE *file = fopen("/proc/sys/vm/stat_refresh", "r");
	unsigned long kib;
	char line[128];
	size_t len = strlen(name);

	/* Reading it has CPUs hand in what they have counted by themselves. */
	if (!file || fread(line, 1, sizeof(line), file) || fclose(file))
		err(EXIT_FAILURE, "/proc/sys/vm/stat_refresh");
	file = fopen("/proc/meminfo", "r");
	if (!file)
		err(EXIT_FAILURE, "/proc/meminfo");
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, name, len) && line[len] == ':' &&
		    sscanf(line + len + 1, "%lu", &kib) == 1) {
			fclose(file);
			return kib << 10;
		}
	}
	errx(EXIT_FAILURE, "/proc/meminfo doesn't tell about %s", name);
}
