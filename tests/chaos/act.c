// SPDX-License-Identifier: GPL-2.0-only
/*
 * One operation: which, with what arguments, and what came of it.
 */
#include "chaos.h"

#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* One in so many arguments is mutated, one in so many calls meets failures. */
#define MUTATE 12
#define INJECT 24

uint64_t rnd(struct actor *a, uint64_t below)
{
	/* Knuth's MMIX; the high bits are good. */
	a->seed = a->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return below ? (a->seed >> 20) % below : 0;
}

int call(struct actor *a, int fd, unsigned long cmd, void *arg, size_t size)
{
	unsigned char copy[4096], *p = arg;
	unsigned int n;

	if (size && size <= sizeof(copy) && a->how == MUTATED) {
		memcpy(copy, arg, size);
		p = copy;
		for (n = 1 + rnd(a, 3); n; n--)
			copy[rnd(a, size)] ^= 1 << rnd(a, 8);
	}
	return vfio_ioctl(fd, cmd, p);
}

/* ---- Device memory that is gone ---- */

static __thread sigjmp_buf gone;
static __thread bool may_be_gone;

static void on_bus(int sig)
{
	if (__atomic_load_n(&may_be_gone, __ATOMIC_RELAXED))
		siglongjmp(gone, 1);
	_exit(128 + sig);
}

bool load_is_gone(const char *at)
{
	sigjmp_buf outer;
	bool ret = true;

	memcpy(outer, gone, sizeof(outer));
	if (!sigsetjmp(gone, 1)) {
		(void)__atomic_load_n(at, __ATOMIC_RELAXED);
		ret = false;
	}
	memcpy(gone, outer, sizeof(outer));
	return ret;
}

static int run(struct actor *a, const struct op *op)
{
	/* It was there, at least. */
	if (sigsetjmp(gone, 1))
		return 0;
	__atomic_store_n(&may_be_gone, true, __ATOMIC_RELAXED);
	return op->run(a);
}

void act_init(void)
{
	struct sigaction sa = { .sa_handler = on_bus, .sa_flags = SA_NODEFER };

	sigaction(SIGBUS, &sa, NULL);
}

/* ---- Which ---- */

static const struct op *pick_op(struct actor *a,
				const struct op_table *const *tables,
				unsigned int nr, unsigned int *index)
{
	unsigned int t, i, all = 0, at;

	for (t = 0; t < nr; t++) {
		for (i = 0; i < tables[t]->nr; i++)
			all += tables[t]->ops[i].weight;
	}
	at = rnd(a, all);
	*index = 0;
	for (t = 0;; t++) {
		for (i = 0; i < tables[t]->nr; i++, ++*index) {
			if (at < tables[t]->ops[i].weight)
				return &tables[t]->ops[i];
			at -= tables[t]->ops[i].weight;
		}
	}
}

void act(struct actor *a, const struct op_table *const *tables, unsigned int nr)
{
	unsigned int index;
	const struct op *op = pick_op(a, tables, nr, &index);
	uint64_t start;
	int ret;

	a->how = rnd(a, MUTATE) ? VALID : MUTATED;
	if (a->how == VALID && a->can_inject && !op->no_failures &&
	    !rnd(a, INJECT))
		a->how = INJECTED;
	if (a->how == INJECTED)
		inject_begin(&a->inject, INJECT_NTH, 1 + rnd(a, 40));
	start = sys_now_ms();
	ret = run(a, op);
	__atomic_store_n(&may_be_gone, false, __ATOMIC_RELAXED);
	if (a->how == INJECTED)
		inject_end(&a->inject);
	if (ret != NOT_DONE)
		count_add(&a->counts[index], a->how, ret, sys_now_ms() - start);
}
