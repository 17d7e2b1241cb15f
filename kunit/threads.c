// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads for tests: started, joined with a time limit.
 */
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/sched/task.h>

#include "threads.h"

static int thread_main(void *data)
{
	struct test_thread *thread = data;

	if (thread->go)
		wait_for_completion(thread->go);
	thread->ret = thread->fn(thread);
	complete(&thread->done);
	return 0;
}

/* @thread is left to the caller, who must join it before it goes. */
void test_thread_start(struct kunit *test, struct test_thread *thread,
		       int (*fn)(struct test_thread *self), void *arg,
		       unsigned int nr)
{
	thread->fn = fn;
	thread->arg = arg;
	thread->nr = nr;
	init_completion(&thread->done);
	thread->task = kthread_create(thread_main, thread, "sluice-kunit-%u",
				      nr);
	KUNIT_ASSERT_FALSE(test, IS_ERR(thread->task));
	get_task_struct(thread->task);
	wake_up_process(thread->task);
}

/* Returns what the thread returned; a thread that hangs fails the test. */
int test_thread_join(struct kunit *test, struct test_thread *thread)
{
	if (!wait_for_completion_timeout(&thread->done, TEST_TIMEOUT)) {
		KUNIT_FAIL(test, "thread %u hangs", thread->nr);
		/* It refers to memory of the test: no way on without it. */
		wait_for_completion(&thread->done);
	}
	put_task_struct(thread->task);
	return thread->ret;
}

/*
 * Runs @fn in @nr threads and expects each to return 0. They start together,
 * lest the first be done before the last begins.
 */
void test_threads_run(struct kunit *test, unsigned int nr,
		      int (*fn)(struct test_thread *self), void *arg)
{
	DECLARE_COMPLETION_ONSTACK(go);
	struct test_thread *threads;
	unsigned int i;

	threads = kunit_kcalloc(test, nr, sizeof(*threads), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, threads);
	for (i = 0; i < nr; i++) {
		threads[i].go = &go;
		test_thread_start(test, &threads[i], fn, arg, i);
	}
	complete_all(&go);
	for (i = 0; i < nr; i++)
		KUNIT_EXPECT_EQ(test, 0, test_thread_join(test, &threads[i]));
}
