// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "inject.h"
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEBUGFS "/sys/kernel/debug/"

/*
 * Failures that there can be while memory is exhausted: more than any call survives, but
 * for one thing. Linux's maple tree, as long as it has got one of the nodes that it needs,
 * tries for the others without an end.
 */
#define TIMES 10000

static void set(const char *name, int val)
{
	char path[128], text[16];

	snprintf(path, sizeof(path), DEBUGFS "%s", name);
	snprintf(text, sizeof(text), "%d", val);
	sys_write(path, text);
}

static int get(const char *name)
{
	char path[128], text[16];

	snprintf(path, sizeof(path), DEBUGFS "%s", name);
	return sys_read(path, text, sizeof(text)) > 0 ? atoi(text) : -1;
}

static void allow_failures(void)
{
	static const struct {
		const char *name;
		int val;
	} settings[] = {
		{ "failslab/ignore-gfp-wait", 0 },
		{ "failslab/cache-filter", 0 },
		{ "failslab/verbose", 0 },
		{ "failslab/task-filter", 1 },
		{ "failslab/probability", 100 },
		{ "fail_page_alloc/ignore-gfp-wait", 0 },
		{ "fail_page_alloc/ignore-gfp-highmem", 0 },
		{ "fail_page_alloc/min-order", 0 },
		{ "fail_page_alloc/verbose", 0 },
		{ "fail_page_alloc/task-filter", 1 },
		{ "fail_page_alloc/probability", 100 },
		{ "fail_usercopy/verbose", 0 },
		{},
	}, *s;

	for (s = settings; s->name; s++)
		set(s->name, s->val);
}

int inject_open(struct inject *inject)
{
	inject->task = -1;
	inject->nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (inject->nth < 0)
		return -errno;
	inject->task =
		open("/proc/thread-self/make-it-fail", O_RDWR | O_CLOEXEC);
	if (inject->task < 0)
		return -errno;
	allow_failures();
	return 0;
}

/* If an earlier request wasn't used up, it may be this write that fails. */
static void put(int fd, int val)
{
	char buf[16];
	int tries = INJECT_MAX;

	snprintf(buf, sizeof(buf), "%d", val);
	while (pwrite(fd, buf, strlen(buf), 0) < 0) {
		if (!tries--)
			_exit(99);
	}
}

void inject_begin(struct inject *inject, enum inject_how how, int n)
{
	inject->how = how;
	if (how == INJECT_NTH) {
		put(inject->nth, n);
		return;
	}
	set("failslab/times", how == INJECT_OBJECTS ? TIMES : 0);
	set("failslab/space", n * INJECT_OBJECT);
	set("fail_page_alloc/times", how == INJECT_PAGES ? TIMES : 0);
	set("fail_page_alloc/space", n);
	put(inject->task, 1);
}

bool inject_end(struct inject *inject)
{
	char buf[16] = "";
	bool happened;

	if (inject->how == INJECT_NTH) {
		/* If it is this read that fails, nothing has before. */
		happened = pread(inject->nth, buf, sizeof(buf) - 1, 0) > 0 &&
			   atoi(buf) == 0;
		put(inject->nth, 0);
		return happened;
	}
	put(inject->task, 0);
	return get(inject->how == INJECT_OBJECTS ?
			   "failslab/times" :
			   "fail_page_alloc/times") != TIMES;
}
