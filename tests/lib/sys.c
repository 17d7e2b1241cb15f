// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MODULES "/sys/module/"

__attribute__((constructor)) static void check_page(void)
{
	if (sysconf(_SC_PAGESIZE) == (long)PAGE)
		return;
	fprintf(stderr, "built for pages of %llu bytes\n", PAGE);
	_exit(1);
}

int sys_read(const char *path, char *buf, size_t size)
{
	size_t done = 0;
	ssize_t ret;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (done < size - 1) {
		ret = read(fd, buf + done, size - 1 - done);
		if (ret < 0) {
			int err = errno;

			close(fd);
			return -err;
		}
		if (!ret)
			break;
		done += ret;
	}
	close(fd);
	buf[done] = '\0';
	return done;
}

int sys_write(const char *path, const char *text)
{
	ssize_t ret;
	int fd, err = 0;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = write(fd, text, strlen(text));
	if (ret < 0)
		err = errno;
	close(fd);
	return -err;
}

long sys_field(const char *path, const char *name)
{
	static char buf[65536];
	size_t len = strlen(name);
	char *line;
	int ret;

	ret = sys_read(path, buf, sizeof(buf));
	if (ret < 0)
		return ret;
	for (line = buf; line; line = strchr(line, '\n')) {
		while (*line == '\n')
			line++;
		if (!strncmp(line, name, len) &&
		    (line[len] == ':' || line[len] == ' '))
			return strtol(line + len + 1, NULL, 10);
	}
	return -ENOENT;
}

bool sys_is_peer(void)
{
	/* Ours has no such limit and so no such parameter; nor such a driver. */
	return !access(MODULES "vfio_iommu_type1/parameters/dma_entry_limit",
		       F_OK) ||
	       !access(MODULES "vfio_iommu_spapr_tce/version", F_OK);
}

long sys_locked_kib(void)
{
	long lck = sys_field("/proc/self/status", "VmLck");
	long pin = sys_field("/proc/self/status", "VmPin");

	return lck < 0 ? lck : pin < 0 ? pin : lck + pin;
}

long sys_locked_settle(long want)
{
	uint64_t end = sys_now_ms() + 1000;
	long now;

	while ((now = sys_locked_kib()) != want && sys_now_ms() < end)
		sys_sleep_ms(20);
	return now;
}

long sys_locked_at_rest(void)
{
	/* Twice as long as Sluice may wait between two tries. */
	sys_sleep_ms(200);
	return sys_locked_kib();
}

long sys_pins(void)
{
	/* The counters are per CPU; reading this file folds them. */
	char buf[8];

	sys_read("/proc/sys/vm/stat_refresh", buf, sizeof(buf));
	return sys_field("/proc/vmstat", "nr_foll_pin_acquired") -
	       sys_field("/proc/vmstat", "nr_foll_pin_released");
}

long sys_pins_at_rest(void)
{
	if (sys_is_peer()) {
		/* A grace period; the callbacks it was for run soon after. */
		syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
		sys_sleep_ms(20);
	}
	return sys_pins();
}

bool sys_pins_settle(long want, unsigned int ms)
{
	uint64_t end = sys_now_ms() + ms;

	while (sys_pins() != want) {
		if (sys_now_ms() > end)
			return false;
		sys_sleep_ms(20);
	}
	return true;
}

void *sys_alloc(size_t size, size_t align)
{
	size_t room = size + align + 2 * PAGE;
	uintptr_t base, start;
	void *area;

	area = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED)
		return NULL;
	base = (uintptr_t)area + PAGE;
	start = (base + align - 1) & ~((uintptr_t)align - 1);
	if (mmap((void *)start, size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_POPULATE, -1,
		 0) == MAP_FAILED)
		return NULL;
	return (void *)start;
}

uint64_t sys_phys(const void *addr)
{
	uint64_t entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	if (pread(fd, &entry, 8, (uintptr_t)addr / PAGE * 8) != 8)
		entry = 0;
	close(fd);
	return (entry & ((1ULL << 55) - 1)) * PAGE;
}

uint64_t sys_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void sys_sleep_ms(unsigned int ms)
{
	struct timespec ts = { .tv_sec = ms / 1000,
			       .tv_nsec = (ms % 1000) * 1000000L };

	nanosleep(&ts, NULL);
}

uint64_t sys_signals(int efd, int ms)
{
	struct pollfd p = { .fd = efd, .events = POLLIN };
	uint64_t count = 0;

	if (poll(&p, 1, ms) != 1 ||
	    read(efd, &count, sizeof(count)) != sizeof(count))
		return 0;
	return count;
}

int kmsg_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (lseek(fd, 0, SEEK_END) < 0) {
		close(fd);
		return -EIO;
	}
	return fd;
}

bool kmsg_wait(int fd, const char *one, const char *two, unsigned int ms)
{
	uint64_t end = sys_now_ms() + ms;
	char line[2048];
	ssize_t len;

	for (;;) {
		len = read(fd, line, sizeof(line) - 1);
		if (len > 0) {
			line[len] = '\0';
			if (strstr(line, one) && (!two || strstr(line, two)))
				return true;
			continue;
		}
		/* EPIPE: the ring overtook us; the next read goes on. */
		if (len < 0 && errno != EAGAIN && errno != EPIPE)
			return false;
		if (sys_now_ms() > end)
			return false;
		sys_sleep_ms(10);
	}
}

int sys_wait_child(int pid, unsigned int ms)
{
	uint64_t end = sys_now_ms() + ms;
	int status, ret;

	for (;;) {
		ret = waitpid(pid, &status, WNOHANG);
		if (ret == pid)
			return status;
		if (ret < 0)
			return -1;
		if (sys_now_ms() > end) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return -1;
		}
		sys_sleep_ms(5);
	}
}
