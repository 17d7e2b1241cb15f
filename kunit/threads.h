/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads for tests. KUNIT_ASSERT_* must not run in them, so a thread returns
 * an errno and its starter judges.
 */
#ifndef SLUICE_KUNIT_THREADS_H
#define SLUICE_KUNIT_THREADS_H

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/sched.h>

/**
 * struct test_thread - a thread that does one thing
 * @fn: what it does; its result becomes @ret
 * @arg: for @fn
 * @nr: its number, for @fn
 * @ret: valid once @done is complete
 * @done: @fn has returned
 * @task: for signals; a reference until test_thread_join()
 * @go: NULL, or what to wait for before the start
 */
struct test_thread {
	int (*fn)(struct test_thread *self);
	void *arg;
	unsigned int nr;
	int ret;
	struct completion done;
	struct task_struct *task;
	struct completion *go;
};

/* Long: on a busy host a virtual CPU that has a lock may have to wait. */
#define TEST_TIMEOUT (120 * HZ)

void test_thread_start(struct kunit *test, struct test_thread *thread,
		       int (*fn)(struct test_thread *self), void *arg,
		       unsigned int nr);
int test_thread_join(struct kunit *test, struct test_thread *thread);
void test_threads_run(struct kunit *test, unsigned int nr,
		      int (*fn)(struct test_thread *self), void *arg);

#endif /* SLUICE_KUNIT_THREADS_H */
