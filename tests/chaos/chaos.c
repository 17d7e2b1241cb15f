// SPDX-License-Identifier: GPL-2.0-only
/*
 * chaos: rounds of users and hosts at odds, and after each round the question whether
 * all is as it was. Prints KTAP.
 */
#include "chaos.h"

#include <argp.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long users go on in a round, and how long they may take to die. */
#define ROUND_MS 10000
#define DEATH_MS 90000
#define PINS_MS 5000

#define MAX_COUNTS 64

/**
 * struct shared - what all processes see
 * @ready: the users have opened all
 * @stop: the round is over
 * @counts: of @ops, then of @host_ops
 */
struct shared {
	bool ready;
	bool stop;
	struct count counts[MAX_COUNTS];
};

static struct options {
	unsigned long seed;
	unsigned long seconds;
} opt = { .seed = 1, .seconds = 60 };

static struct shared *shared;

static bool stopped(void)
{
	return __atomic_load_n(&shared->stop, __ATOMIC_RELAXED);
}

static void *user(void *arg)
{
	struct actor *a = arg;

	a->can_inject = !inject_open(&a->inject);
	while (!stopped())
		act(a, ops, nr_ops);
	return NULL;
}

static void actor_init(struct actor *a, struct pool *pool, uint64_t seed,
		       unsigned int nr)
{
	*a = (struct actor){ .pool = pool,
			     .counts = shared->counts,
			     .seed = seed,
			     .nr = nr,
			     .stop = &shared->stop };
	rnd(a, 1);
}

static void run_threads(struct pool *pool, uint64_t seed, unsigned int nr)
{
	static struct actor actors[NR_THREADS];
	pthread_t threads[NR_THREADS];
	unsigned int i;

	for (i = 0; i < NR_THREADS; i++) {
		actor_init(&actors[i], pool, seed + i * 7919,
			   nr * NR_THREADS + i);
		pthread_create(&threads[i], NULL, user, &actors[i]);
	}
	for (i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	_exit(EXIT_SUCCESS);
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
	a.counts = shared->counts + nr_ops;
	while (!stopped()) {
		sys_sleep_ms(rnd(&a, 200));
		act(&a, host_ops, nr_host_ops);
	}
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
	glob_t found;
	size_t i;

	if (glob("/proc/[0-9]*/task/[0-9]*/stack", 0, NULL, &found))
		return;
	for (i = 0; i < found.gl_pathc; i++)
		show_stack(found.gl_pathv[i]);
	globfree(&found);
}

/* Kills what is left of @group, and waits for all; false if something doesn't die. */
static bool reap(int group)
{
	uint64_t end = sys_now_ms() + DEATH_MS;
	int got;

	do {
		kill(-group, SIGKILL);
		got = waitpid(-1, NULL, WNOHANG);
		if (got < 0)
			return true;
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

/* NULL, or what went wrong. */
static const char *run_round(struct pool *pool, uint64_t seed)
{
	struct actor dice = { .seed = seed };
	static char why[256];
	int users, host, status, early;
	long pins = sys_pins();

	shared->ready = false;
	shared->stop = false;
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
	sys_sleep_ms(ROUND_MS / 2);
	/* One, with its threads in whatever they are at. */
	if (!early && !(rnd(&dice, 3)))
		kill(users, SIGKILL);
	sys_sleep_ms(ROUND_MS / 2);
	__atomic_store_n(&shared->stop, true, __ATOMIC_RELAXED);
	sys_sleep_ms(500);
	if (!reap(users))
		return "a process doesn't die";
	if (early == users && WIFEXITED(status) && WEXITSTATUS(status))
		return "the users couldn't begin";
	if (!sys_pins_settle(pins, PINS_MS)) {
		snprintf(why, sizeof(why), "%ld pages stay pinned",
			 sys_pins() - pins);
		return why;
	}
	return pool_check(pool, why, sizeof(why)) ? why : NULL;
}

static bool print_counts(void)
{
	bool toothless = false;
	unsigned int i;

	for (i = 0; i < nr_ops; i++) {
		if (count_print(ops[i].name, &shared->counts[i]))
			toothless = true;
	}
	for (i = 0; i < nr_host_ops; i++) {
		if (count_print(host_ops[i].name, &shared->counts[nr_ops + i]))
			toothless = true;
	}
	return toothless;
}

static unsigned long operations(void)
{
	unsigned long ret = 0;
	unsigned int i;

	for (i = 0; i < nr_ops + nr_host_ops; i++)
		ret += count_sum(&shared->counts[i]);
	return ret;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	unsigned long *where = key == 's' ? &opt.seed : &opt.seconds;
	char *end;

	if (key == ARGP_KEY_ARG)
		argp_error(state, "what is \"%s\"?", arg);
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
	{ 0 }
};

static const struct argp argp = {
	.options = arguments,
	.parser = parse_option,
	.doc = "Have processes and threads that share containers, groups and devices\n"
	       "call all there is at random, with arguments that are good or nearly\n"
	       "so, while the host unbinds, resets and runs short of memory.\n"
	       "\vAfter each round of ten seconds nothing may be left pinned, and\n"
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
	if (shared == MAP_FAILED || nr_ops + nr_host_ops > MAX_COUNTS)
		return EXIT_FAILURE;
	act_init();
	/* Of users whose first process is dead. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pool_find_devices(&pool);
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
	bites = !print_counts();
	printf("# %lu rounds, %lu operations\n", round, operations());
	printf("%s 1 rounds\n", why ? "not ok" : "ok");
	printf("%s 2 calls that succeed are enough of each kind\n",
	       bites ? "ok" : "not ok");
	return why || !bites ? EXIT_FAILURE : EXIT_SUCCESS;
}
