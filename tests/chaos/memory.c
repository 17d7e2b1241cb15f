// SPDX-License-Identifier: GPL-2.0-only
/*
 * What users do to memory that is mapped, or about to be.
 */
#include "chaos.h"
#include "missing.h"
#include "uni.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static int memory(struct actor *a)
{
	char *p = pick_memory(a, 16 * PAGE);
	int pid;

	switch (rnd(a, 6)) {
	case 0:
		return madvise(p, 16 * PAGE, MADV_DONTNEED) ? -errno : 0;
	case 1:
		mprotect(p, 16 * PAGE, PROT_READ);
		/* If a failure is injected it's only one. */
		return mprotect(p, 16 * PAGE, PROT_READ | PROT_WRITE) &&
				       mprotect(p, 16 * PAGE,
						PROT_READ | PROT_WRITE) ?
			       -errno :
			       0;
	case 2:
		/* Another page in the same place. */
		return mmap(p, PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			    0) == p ?
			       0 :
			       -errno;
	case 3:
		return madvise(p, 16 * PAGE,
			       rnd(a, 2) ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) ?
			       -errno :
			       0;
	case 4:
		/* Shared with a child for a moment, which takes long. */
		if (rnd(a, 4))
			return NOT_DONE;
		pid = fork();
		if (!pid)
			_exit(0);
		return pid > 0 && waitpid(pid, NULL, 0) == pid ? 0 : -errno;
	default:
		__atomic_store_n(p, 1, __ATOMIC_RELAXED);
		return 0;
	}
}

/* Memory of a file, of which a piece is given back. */
static int punch(struct actor *a)
{
	const struct pool *pool = a->pool;
	off_t at = rnd(a, MEM_SIZE / PAGE - 16) * PAGE;

	return fallocate(pool->memfd,
			 FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at,
			 (1 + rnd(a, 16)) * PAGE) ?
		       -errno :
		       0;
}

/* ---- A page that is missing until somebody says so ---- */

#define STUCK_PAGES 16
#define STUCK_MS 40000

struct stuck {
	struct actor *a;
	char *mem;
	unsigned int container;
	uint64_t iova;
	int ret;
};

static void *map_stuck(void *arg)
{
	struct stuck *s = arg;
	int c = s->a->pool->container[s->container];

	s->ret = is_unified(s->container) ?
			 uni_map(c, s->iova, s->mem, STUCK_PAGES * PAGE,
				 SLUICE_READ) :
			 vfio_map(c, s->iova, s->mem, STUCK_PAGES * PAGE,
				  VFIO_DMA_MAP_FLAG_READ);
	return NULL;
}

/*
 * Most are quick. In some rounds one in eight waits until the host has come to its end:
 * that mustn't wait for him.
 */
static void wait_a_while(struct actor *a)
{
	bool patient = !rnd(a, 8);
	uint64_t end = sys_now_ms() + (patient ? STUCK_MS : rnd(a, 100));
	const bool *over = patient ? a->patience : a->stop;

	while (!__atomic_load_n(over, __ATOMIC_RELAXED) &&
	       !__atomic_load_n(a->calm, __ATOMIC_RELAXED) &&
	       sys_now_ms() < end)
		sys_sleep_ms(5);
}

static int map_missing(struct actor *a)
{
	struct stuck s = { .a = a, .container = rnd(a, NR_CONTAINERS) };
	unsigned int slot = rnd(a, NR_SLOTS);
	char *missing;
	pthread_t thread;
	int uffd;

	if (__atomic_load_n(a->calm, __ATOMIC_RELAXED))
		return NOT_DONE;
	s.iova = slot_iova(a, s.container, slot);
	s.mem = sys_alloc(STUCK_PAGES * PAGE, PAGE);
	if (!s.mem)
		return -ENOMEM;
	missing = s.mem + rnd(a, STUCK_PAGES) * PAGE;
	uffd = missing_take(missing);
	if (uffd < 0 || pthread_create(&thread, NULL, map_stuck, &s)) {
		close(uffd);
		munmap(s.mem, STUCK_PAGES * PAGE);
		return -EAGAIN;
	}
	wait_a_while(a);
	missing_give(uffd, missing);
	close(uffd);
	pthread_join(thread, NULL);
	munmap(s.mem, STUCK_PAGES * PAGE);
	if (!s.ret || s.ret == -EEXIST)
		a->slot[s.container][slot].size = STUCK_PAGES * PAGE;
	/* By address, that is for the process that set the type. */
	return s.ret == -EEXIST || s.ret == -EPERM ? 0 : s.ret;
}

static const struct op ops[] = {
	{ "memory", memory, 16 },
	{ "memory of a file", punch, 4 },
	{ "map what's missing", map_missing, 2 },
};

const struct op_table memory_ops = { ops, sizeof(ops) / sizeof(*ops) };
