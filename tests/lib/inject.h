/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's fault injection, for one thread: of what can fail, one step does, or
 * all from one on.
 */
#ifndef TEST_INJECT_H
#define TEST_INJECT_H

#include <stdbool.h>

/* No call has as many steps that can fail. */
#define INJECT_MAX 4000

enum inject_how {
	/* The nth allocation or copy fails, no other. */
	INJECT_NTH,
	/* From the nth page on there is none; the same with small objects. */
	INJECT_PAGES,
	INJECT_OBJECTS,
};

struct inject {
	int nth;  /* /proc/thread-self/fail-nth */
	int task; /* /proc/thread-self/make-it-fail */
	enum inject_how how;
};

/* Negative errno if this kernel has no fault injection. */
int inject_open(struct inject *inject);

/* The unit of INJECT_OBJECTS: they are as many as this goes into their size. */
#define INJECT_OBJECT 256

/* From now on this thread meets failures; @n counts from 1. */
void inject_begin(struct inject *inject, enum inject_how how, int n);

/* No longer. True if something has failed. */
bool inject_end(struct inject *inject);

#endif /* TEST_INJECT_H */
