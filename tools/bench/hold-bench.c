// SPDX-License-Identifier: GPL-2.0-only
/*
 * hold-bench: how long one user can have the kernel hold the lock of peer-to-peer
 * maps, which everybody's open, close and reset of a device wants.
 *
 * The user does his worst: as many maps of as much device memory as he may have, of
 * the smallest pages, in as many ways.
 */
#include <argp.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sluice.h"

#define PAGE 4096UL
#define GIB 0x40000000UL
#define LOCK "mmio_lock"
#define LOCK_STAT "/proc/lock_stat"

/* Not co-aligned with anything: a page-table entry a page. */
#define IOVA_LARGE (4 * GIB + PAGE)
#define IOVA_SMALL (64 * GIB)

#define PCI_COMMAND 4
#define PCI_COMMAND_MEMORY 2

/**
 * struct user - who does all that
 * @c: his container
 * @dev: whose memory is mapped
 * @second: a device whose group comes later, or NULL
 * @region: the largest BAR
 * @bar: that, mmap()ed
 * @small: how many small maps there are
 */
struct user {
	struct sluice_container c;
	struct sluice_device dev;
	const char *second;
	struct sluice_region region;
	void *bar;
	unsigned long small;
};

static void put(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		err(EXIT_FAILURE,
		    "%s (the kernel needs CONFIG_LOCK_STAT, the user root)",
		    path);
	close(fd);
}

/* Forgets what was counted. */
static void lock_begin(void)
{
	put(LOCK_STAT, "0");
}

/* Prints the longest hold since lock_begin(), in ns, and how many there were. */
static void lock_report(const char *what)
{
	double most = 0;
	unsigned long count = 0;
	char line[512];
	FILE *f = fopen(LOCK_STAT, "r");

	if (!f)
		err(EXIT_FAILURE, LOCK_STAT);
	while (fgets(line, sizeof(line), f)) {
		char *colon = strchr(line, ':');

		if (!colon || !strstr(line, LOCK) || strstr(line, LOCK) > colon)
			continue;
		/* Contentions and waits, acquisitions, holds: min, max. */
		if (sscanf(colon + 1, "%*s %*s %*s %*s %*s %*s %*s %lu %*s %lf",
			   &count, &most) != 2)
			errx(EXIT_FAILURE, LOCK_STAT ": what is \"%s\"?", line);
		break;
	}
	fclose(f);
	printf("%s\tlongest\t%.0f\n%s\tholds\t%lu\n", what, most * 1000, what,
	       count);
	fflush(stdout);
}

static int map(struct user *u, uint64_t iova, uint64_t size)
{
	return sluice_dma_map(&u->c, u->bar, iova, size, SLUICE_DMA_RW);
}

static void unmap(struct user *u, uint64_t iova, uint64_t size)
{
	int ret = sluice_dma_unmap(&u->c, iova, size, NULL);

	if (ret)
		errx(EXIT_FAILURE, "unmapping: %s", strerror(-ret));
}

/* The device's largest BAR that can be mapped. */
static void find_bar(struct user *u)
{
	struct sluice_region region;
	uint32_t i;
	int ret;

	for (i = 0; i <= VFIO_PCI_BAR5_REGION_INDEX; i++) {
		ret = sluice_region_get(&u->dev, i, &region);
		if (!ret && region.flags & VFIO_REGION_INFO_FLAG_MMAP &&
		    region.size > u->region.size)
			u->region = region;
	}
	if (!u->region.size)
		errx(EXIT_FAILURE, "%s: no BAR can be mapped", u->dev.addr);
	u->bar = mmap(NULL, u->region.size, PROT_READ | PROT_WRITE, MAP_SHARED,
		      u->dev.fd, u->region.offset);
	if (u->bar == MAP_FAILED)
		err(EXIT_FAILURE, "%s: mmap()", u->dev.addr);
	printf("bar\tbytes\t%lu\n", (unsigned long)u->region.size);
}

static void do_map(struct user *u)
{
	int ret;

	ret = map(u, IOVA_LARGE, u->region.size);
	if (ret)
		errx(EXIT_FAILURE, "mapping the BAR: %s", strerror(-ret));
	do {
		ret = map(u, IOVA_SMALL + 2 * PAGE * u->small, PAGE);
	} while (!ret && ++u->small < 100000);
	if (ret && ret != -ENOSPC)
		errx(EXIT_FAILURE, "small map %lu: %s", u->small,
		     strerror(-ret));
	printf("small\tmaps\t%lu\n", u->small);
}

static void set_decode(struct user *u, bool on)
{
	uint32_t command;
	int ret;

	ret = sluice_config_read(&u->dev, PCI_COMMAND, 2, &command);
	command &= ~PCI_COMMAND_MEMORY;
	command |= on ? PCI_COMMAND_MEMORY : 0;
	ret = ret ?: sluice_config_write(&u->dev, PCI_COMMAND, 2, command);
	if (ret)
		errx(EXIT_FAILURE, "COMMAND: %s", strerror(-ret));
}

static void do_off(struct user *u)
{
	set_decode(u, false);
}

static void do_on(struct user *u)
{
	set_decode(u, true);
}

static void do_attach(struct user *u)
{
	int ret = sluice_group_attach(&u->c, u->second);

	if (ret)
		errx(EXIT_FAILURE, "%s: %s", u->second,
		     sluice_open_strerror(ret));
}

static void do_detach(struct user *u)
{
	int ret = sluice_group_detach(&u->c, u->second);

	if (ret)
		errx(EXIT_FAILURE, "%s: %s", u->second, strerror(-ret));
}

static void do_unmap(struct user *u)
{
	unmap(u, IOVA_LARGE, u->region.size);
	unmap(u, IOVA_SMALL, 2 * PAGE * (u->small + 1));
	u->small = 0;
}

static void do_close(struct user *u)
{
	munmap(u->bar, u->region.size);
	sluice_device_close(&u->dev);
}

static void step(struct user *u, const char *name, void (*fn)(struct user *u))
{
	lock_begin();
	fn(u);
	lock_report(name);
}

static void run(struct user *u, const char *addr, const char *second)
{
	int ret = sluice_container_open(&u->c);

	if (!ret)
		ret = sluice_device_open(&u->dev, &u->c, addr);
	if (ret)
		errx(EXIT_FAILURE, "%s: %s", addr, sluice_open_strerror(ret));
	put("/proc/sys/kernel/lock_stat", "1");
	find_bar(u);
	step(u, "map", do_map);
	u->second = second;
	if (second)
		step(u, "attach", do_attach);
	step(u, "decode-off", do_off);
	step(u, "decode-on", do_on);
	step(u, "unmap", do_unmap);
	step(u, "map-again", do_map);
	if (second)
		step(u, "detach", do_detach);
	step(u, "close", do_close);
	sluice_container_close(&u->c);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	char **addr = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (state->arg_num > 1)
			argp_error(state, "two devices are enough");
		addr[state->arg_num] = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which device? Give its PCI address");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.parser = parse_option,
	.args_doc = "PCI-ADDRESS [PCI-ADDRESS]",
	.doc = "Measure how long one user can keep others waiting who open, close\n"
	       "or reset a device.\n"
	       "\vMaps the first device's largest BAR for its own DMA, as a whole\n"
	       "and then page by page as often as it may be; withdraws it by\n"
	       "memory decode, brings it back, has the second device's group come\n"
	       "and go, unmaps all, maps it again, and closes the device.\n\n"
	       "Prints lines of STEP, what, and a figure, separated by tabs: the\n"
	       "longest time that the lock was held, in ns, and how often it was.\n"
	       "On a virtual machine whose clock counts instructions (QEMU:\n"
	       "-icount shift=0,sleep=off) a ns is one; the kernel's own\n"
	       "bookkeeping of locks is in it. Takes the devices from their\n"
	       "drivers, and gives them back afterwards.\n",
};

int main(int argc, char **argv)
{
	struct sluice_binding bindings[2] = {};
	struct user u = { .small = 0 };
	char *addr[2] = {};
	unsigned int i;
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, addr);
	for (i = 0; i < 2 && addr[i]; i++) {
		ret = sluice_bind(addr[i], &bindings[i]);
		if (ret)
			errx(EXIT_FAILURE, "binding %s to vfio-pci: %s",
			     addr[i], sluice_open_strerror(ret));
	}
	run(&u, addr[0], addr[1]);
	for (i = 0; i < 2; i++) {
		ret = sluice_bind_restore(&bindings[i]);
		if (ret)
			errx(EXIT_FAILURE, "giving %s back: %s", addr[i],
			     strerror(-ret));
	}
	return EXIT_SUCCESS;
}
