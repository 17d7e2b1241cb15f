// SPDX-License-Identifier: GPL-2.0-only
/*
 * chaos: rounds of users and hosts at odds, and after each round the question whether
 * all is as it was. Prints KTAP.
 */
#include "chaos.h"
#include "legacy.h"

#include <argp.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * How long users go on in a round: a tenth of all the time, within these bounds; and how
 * long they may take to die.
 */
#define ROUND_MIN_MS 20000
#define ROUND_MAX_MS 60000
#define DEATH_MS 90000
#define PINS_MS 5000

#define MAX_COUNTS 64

/* What nobody may write to: see struct pool. */
#define CANARY 0x5a
#define CANARY_SIZE (2 * MIB)

/**
 * struct shared - what all processes see
 * @ready: the users have opened all
 * @stop: the round is over
 * @gentle: and nobody is killed
 * @calm: the machine is about to sleep
 * @patience: those who wait for memory have waited enough
 * @nr_found: how much was found
 * @found: the first of it
 * @slowest: of all removals, in ms
 * @counts: of users' operations, then of the host's
 */
struct shared {
	bool ready;
	bool stop;
	bool gentle;
	bool calm;
	bool patience;
	unsigned int nr_found;
	char found[256];
	unsigned int slowest;
	struct count counts[MAX_COUNTS];
};

static const struct op_table *const user_tables[] = { &map_ops, &device_ops,
						      &memory_ops };
static const struct op_table *const host_tables[] = { &host_ops, &limit_ops };

#define NR_TABLES(tables) (sizeof(tables) / sizeof(*(tables)))

static struct options {
	unsigned long seed;
	unsigned long seconds;
	bool replugged;
} opt = { .seed = 1, .seconds = 60 };

static struct shared *shared;

void found(const char *fmt, ...)
{
	va_list args;

	if (__atomic_fetch_add(&shared->nr_found, 1, __ATOMIC_RELAXED))
		return;
	va_start(args, fmt);
	vsnprintf(shared->found, sizeof(shared->found), fmt, args);
	va_end(args);
}

void removal_took(unsigned int ms)
{
	unsigned int most = __atomic_load_n(&shared->slowest, __ATOMIC_RELAXED);

	while (ms > most &&
	       !__atomic_compare_exchange_n(&shared->slowest, &most, ms, true,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

static char *canary;

static bool stopped(void)
{
	return __atomic_load_n(&shared->stop, __ATOMIC_RELAXED);
}

static void *user(void *arg)
{
	struct actor *a = arg;

	a->can_inject = !inject_open(&a->inject);
	while (!stopped())
		act(a, user_tables, NR_TABLES(user_tables));
	return NULL;
}

static void actor_init(struct actor *a, struct pool *pool, uint64_t seed,
		       unsigned int nr)
{
	*a = (struct actor){ .pool = pool,
			     .counts = shared->counts,
			     .seed = seed,
			     .nr = nr,
			     .stop = &shared->stop,
			     .calm = &shared->calm,
			     .patience = &shared->patience };
	rnd(a, 1);
}

static unsigned int nr_ops(const struct op_table *const *tables,
			   unsigned int nr)
{
	unsigned int i, ret = 0;

	for (i = 0; i < nr; i++)
		ret += tables[i]->nr;
	return ret;
}

static unsigned int nr_user_ops(void)
{
	return nr_ops(user_tables, NR_TABLES(user_tables));
}

static unsigned int nr_all_ops(void)
{
	return nr_user_ops() + nr_ops(host_tables, NR_TABLES(host_tables));
}

/* Memory is short while all of a process goes, but for devices: see struct op. */
static void exit_in_need(struct actor *a)
{
	struct inject inject;

	pool_close_devices(a->pool);
	if (!inject_open(&inject) && rnd(a, 2))
		inject_begin(&inject, rnd(a, 2) ? INJECT_PAGES : INJECT_OBJECTS,
			     1 + rnd(a, 20));
	_exit(EXIT_SUCCESS);
}

/*
 * The process that has mapped it all, when nobody else has any of it: nothing is charged
 * to it any more.
 */
static void check_charges(struct pool *pool)
{
	unsigned int i;
	long kib;

	while (wait(NULL) >= 0)
		;
	pool_close(pool);
	for (i = 0, kib = 1; i < 10 && kib; i++)
		kib = sys_locked_settle(0);
	if (kib)
		found("%ld KiB stay charged", kib);
}

static void run_threads(struct pool *pool, uint64_t seed, unsigned int nr)
{
	static struct actor actors[NR_THREADS];
	pthread_t threads[NR_THREADS];
	unsigned int i;

	/* What is pinned is copied at once for a child, which takes long. */
	for (i = 0; i < NR_MEMS / 2; i++)
		madvise(pool->mem[i], MEM_SIZE, MADV_DONTFORK);
	for (i = 0; i < NR_THREADS; i++) {
		actor_init(&actors[i], pool, seed + i * 7919,
			   nr * NR_THREADS + i);
		pthread_create(&threads[i], NULL, user, &actors[i]);
	}
	for (i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	if (!nr && shared->gentle) {
		check_charges(pool);
		_exit(EXIT_SUCCESS);
	}
	exit_in_need(&actors[0]);
}

/*
 * The users: the first process opens everything, so that the unified spaces are its
 * own, and the others have its fds.
 */
static void run_users(struct pool *pool, uint64_t seed)
{
	unsigned int i;
	int ret;

	setpgid(0, 0);
	limits_join();
	ret = pool_open(pool);
	if (ret) {
		printf("# opening: %s\n", strerror(-ret));
		fflush(stdout);
		_exit(EXIT_FAILURE);
	}
	__atomic_store_n(&shared->ready, true, __ATOMIC_RELAXED);
	for (i = 1; i < NR_PROCESSES; i++) {
		if (!fork())
			break;
	}
	run_threads(pool, seed + i, i % NR_PROCESSES);
}

static void run_host(struct pool *pool, uint64_t seed)
{
	static struct actor a;

	actor_init(&a, pool, seed, 0);
	a.counts = shared->counts + nr_user_ops();
	while (!stopped()) {
		sys_sleep_ms(rnd(&a, 200));
		act(&a, host_tables, NR_TABLES(host_tables));
	}
	__atomic_store_n(&shared->patience, true, __ATOMIC_RELAXED);
	_exit(EXIT_SUCCESS);
}

/* Where a thread is in the kernel, if it is one of ours. */
static void show_stack(const char *path)
{
	char comm[PATH_MAX], buf[4096];
	char *line, *save;

	snprintf(comm, sizeof(comm), "%.*scomm",
		 (int)(strlen(path) - strlen("stack")), path);
	if (sys_read(comm, buf, sizeof(buf)) <= 0 || strncmp(buf, "chaos", 5))
		return;
	printf("# %s\n", path);
	if (sys_read(path, buf, sizeof(buf)) <= 0)
		return;
	for (line = strtok_r(buf, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		printf("#   %s\n", line);
}

static void show_stacks(void)
{
	glob_t stacks;
	size_t i;

	if (glob("/proc/[0-9]*/task/[0-9]*/stack", 0, NULL, &stacks))
		return;
	for (i = 0; i < stacks.gl_pathc; i++)
		show_stack(stacks.gl_pathv[i]);
	globfree(&stacks);
}

/* Its memory is what devices write to, sometimes where a bit of an address fell over. */
static void tell_death(int pid, int status)
{
	if (WIFEXITED(status) ? WEXITSTATUS(status) :
				WTERMSIG(status) != SIGKILL)
		printf("# process %d ended with %x\n", pid, status);
}

/*
 * Waits for all, and kills what is left of @group after @ms; false if something doesn't
 * die.
 */
static bool reap(int group, unsigned int ms)
{
	uint64_t late = sys_now_ms() + ms, end = late + DEATH_MS;
	int got, status;

	do {
		if (sys_now_ms() >= late)
			kill(-group, SIGKILL);
		got = waitpid(-1, &status, WNOHANG);
		if (got < 0)
			return true;
		if (got)
			tell_death(got, status);
		if (!got)
			sys_sleep_ms(20);
	} while (sys_now_ms() < end);
	fflush(stdout);
	show_stacks();
	return false;
}

static int start(void (*fn)(struct pool *pool, uint64_t seed),
		 struct pool *pool, uint64_t seed)
{
	int pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		fn(pool, seed);
	return pid;
}

/* A huge page, since others are moved in memory; on POWER addresses aren't so plain. */
static void make_canary(struct pool *pool)
{
	if (legacy_is_spapr())
		return;
	canary = mmap(NULL, CANARY_SIZE, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (canary == MAP_FAILED) {
		printf("# there is no huge page: nobody looks where DMA goes\n");
		return;
	}
	memset(canary, CANARY, CANARY_SIZE);
	pool->canary = sys_phys(canary);
}

static void check_canary(const struct pool *pool)
{
	size_t i;

	if (!pool->canary)
		return;
	for (i = 0; i < CANARY_SIZE && canary[i] == CANARY; i++)
		;
	if (i < CANARY_SIZE)
		found("at %#zx a device wrote %#x to memory that nobody had mapped",
		      i, (unsigned char)canary[i]);
}

/*
 * The kernel's log says more. Taints: after an oops (7), a warning (9), a bad page, which
 * KASAN's findings count as (5), a soft lockup (14).
 */
static void check_kernel(void)
{
	const unsigned long bad = 1 << 7 | 1 << 9 | 1 << 5 | 1 << 14;
	char buf[32];

	if (sys_read("/proc/sys/kernel/tainted", buf, sizeof(buf)) > 0 &&
	    strtoul(buf, NULL, 0) & bad)
		found("the kernel has complained: its taint is %s", buf);
	if (sys_field("/proc/lockdep_stats", " debug_locks") == 0)
		found("lockdep has complained");
}

static unsigned int round_ms(void)
{
	unsigned long ms = opt.seconds * 100;

	if (ms < ROUND_MIN_MS)
		return ROUND_MIN_MS;
	return ms > ROUND_MAX_MS ? ROUND_MAX_MS : ms;
}

/* NULL, or what went wrong. */
static const char *run_round(struct pool *pool, uint64_t seed)
{
	struct actor dice = { .seed = seed };
	static char why[256];
	int users, host, status, early;
	long pins = sys_pins();

	shared->ready = false;
	shared->stop = false;
	shared->gentle = rnd(&dice, 2);
	/* With patience there is no killing, which would end it. */
	shared->patience = !shared->gentle || rnd(&dice, 2);
	users = start(run_users, pool, seed);
	if (users < 0)
		return "no processes";
	do {
		early = waitpid(users, &status, WNOHANG);
		sys_sleep_ms(10);
	} while (!early && !__atomic_load_n(&shared->ready, __ATOMIC_RELAXED));
	host = early ? 0 : start(run_host, pool, seed ^ 0x5eed);
	if (host < 0)
		return "no processes";
	sys_sleep_ms(round_ms() / 2);
	/* One, with its threads in whatever they are at. */
	if (!early && !shared->gentle && rnd(&dice, 2))
		kill(users, SIGKILL);
	sys_sleep_ms(round_ms() / 2);
	__atomic_store_n(&shared->stop, true, __ATOMIC_RELAXED);
	if (!reap(users, shared->gentle ? DEATH_MS : 500))
		return shared->nr_found ? shared->found :
					  "a process doesn't die";
	if (early == users && WIFEXITED(status) && WEXITSTATUS(status))
		return "the users couldn't begin";
	check_canary(pool);
	check_kernel();
	if (shared->nr_found)
		return shared->found;
	if (!sys_pins_settle(pins, PINS_MS)) {
		snprintf(why, sizeof(why), "%ld pages stay pinned",
			 sys_pins() - pins);
		return why;
	}
	return pool_check(pool, why, sizeof(why)) ? why : NULL;
}

/* True if a kind of call succeeds too seldom. */
static bool print_tables(const struct op_table *const *tables, unsigned int nr,
			 const struct count *counts)
{
	bool toothless = false;
	unsigned int i, t;

	for (t = 0; t < nr; t++) {
		for (i = 0; i < tables[t]->nr; i++, counts++)
			toothless |=
				count_print(tables[t]->ops[i].name, counts);
	}
	return toothless;
}

static bool print_counts(void)
{
	bool toothless = print_tables(user_tables, NR_TABLES(user_tables),
				      shared->counts);

	return print_tables(host_tables, NR_TABLES(host_tables),
			    shared->counts + nr_user_ops()) ||
	       toothless;
}

static unsigned long operations(void)
{
	unsigned long ret = 0;
	unsigned int i;

	for (i = 0; i < nr_all_ops(); i++)
		ret += count_sum(&shared->counts[i]);
	return ret;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	unsigned long *where = key == 's' ? &opt.seed : &opt.seconds;
	char *end;

	if (key == ARGP_KEY_ARG)
		argp_error(state, "what is \"%s\"?", arg);
	opt.replugged |= key == 'r';
	if (key == 'r')
		return 0;
	if (key != 's' && key != 't')
		return ARGP_ERR_UNKNOWN;
	*where = strtoul(arg, &end, 0);
	if (*end || end == arg)
		argp_error(state, "\"%s\" is no number", arg);
	return 0;
}

static const struct argp_option arguments[] = {
	{ "seed", 's', "N", 0,
	  "What happens is up to N, as far as it isn't up to the scheduler (default 1)",
	  0 },
	{ "seconds", 't', "N", 0, "Begin no round after N seconds (default 60)",
	  0 },
	{ "replugged", 'r', NULL, 0,
	  "Switch slots off: somebody outside plugs in again what leaves them, and presses their buttons when the kernel's log asks for it",
	  0 },
	{ 0 }
};

static const struct argp argp = {
	.options = arguments,
	.parser = parse_option,
	.doc = "Have processes and threads that share containers, groups and devices\n"
	       "call all there is at random, with arguments that are good or nearly\n"
	       "so, while the host unbinds, resets and runs short of memory.\n"
	       "\vAfter each round of twenty seconds or more nothing may be left pinned, and\n"
	       "each device must open, reset, and work with the host's driver again.\n"
	       "The counts say what was called, and what came of it.\n",
};

int main(int argc, char **argv)
{
	static struct pool pool;
	unsigned long round = 0;
	const char *why = NULL;
	uint64_t end;
	bool bites;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || nr_all_ops() > MAX_COUNTS)
		return EXIT_FAILURE;
	act_init();
	/* Of users whose first process is dead. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pool_find_devices(&pool);
	pool.replugged = opt.replugged;
	make_canary(&pool);
	printf("TAP version 13\n1..2\n");
	if (pool.nr_devices < NR_CONTAINERS) {
		printf("ok 1 rounds # SKIP too few devices\n");
		printf("ok 2 calls # SKIP too few devices\n");
		return 4;
	}
	end = sys_now_ms() + opt.seconds * 1000;
	do {
		why = run_round(&pool, opt.seed + round * 1000003);
		round++;
	} while (!why && sys_now_ms() < end);
	if (why)
		printf("# round %lu, seed %lu: %s\n", round, opt.seed, why);
	printf("%s 1 rounds\n", why ? "not ok" : "ok");
	bites = !print_counts();
	printf("# %lu rounds, %lu operations, removals within %u ms\n", round,
	       operations(), shared->slowest);
	printf("%s 2 calls that succeed are enough of each kind\n",
	       bites ? "ok" : "not ok");
	return why || !bites ? EXIT_FAILURE : EXIT_SUCCESS;
}
