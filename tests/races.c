// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many at once on one container: maps against unmaps, against groups coming
 * and going, against the death of the process. Whoever wins, in the end
 * nothing is mapped, pinned or accounted. Numbers of rounds are fixed.
 */
#include "kselftest_harness.h"
#include "edu.h"
#include "legacy.h"
#include "sys.h"
#include "vfio.h"

#include <linux/pci_regs.h>
#include <pthread.h>
#include <signal.h>

/*
 * Upstream's driver for POWER changes an entry and then, without a lock, what it
 * counts of it: a registration may keep a mapping too many, and a WARN follows.
 */
#define LOSES_COUNT "the peer loses count of mappings when they race"

#define THREADS 4
#define ROUNDS 400
#define KILLS 12
#define ARENA (64 * PAGE)
#define ARENA_IOVA (64 * MIB)

struct worker {
	pthread_t thread;
	int id;
	int c;
	char *buf; /* ARENA bytes */
	const struct pci_dev *dev;
	int rounds;
	unsigned int seed;
	int wrong; /* first result that can't be */
	int done;  /* calls that succeeded */
};

FIXTURE(races)
{
	struct vfio v;
	struct pci_dev dev[2];
	char *buf;
	long pins;
	struct worker w[THREADS];
};

FIXTURE_SETUP(races)
{
	int i;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, pci_find_alone(&self->dev[i], PCI_ID_EDU, i));
		ASSERT_EQ(0, pci_bind(&self->dev[i], "vfio-pci"));
	}
	self->buf = sys_alloc(ARENA, PAGE);
	ASSERT_NE(NULL, self->buf);
	self->pins = sys_pins_at_rest();
	ASSERT_EQ(0, legacy_open(&self->v, &self->dev[0]));
	ASSERT_EQ(0, legacy_register(self->v.container, self->buf, ARENA));
	for (i = 0; i < THREADS; i++)
		self->w[i] = (struct worker){ .id = i,
					      .c = self->v.container,
					      .buf = self->buf,
					      .dev = &self->dev[1],
					      .rounds = ROUNDS,
					      .seed = i + 1 };
}

FIXTURE_TEARDOWN(races)
{
	vfio_close(&self->v);
}

static bool legacy_counts(void)
{
	return !legacy_is_spapr() || !sys_is_peer();
}

static int start(struct worker *w, void *(*fn)(void *arg))
{
	return pthread_create(&w->thread, NULL, fn, w);
}

static void finish(struct __test_metadata *_metadata, struct worker *w)
{
	ASSERT_EQ(0, pthread_join(w->thread, NULL));
	EXPECT_EQ(0, w->wrong)
	{
		TH_LOG("worker %d", w->id);
	}
}

/*
 * After all threads: what's left is taken away in one call, down to nothing. Where
 * memory is registered, that it can be unregistered tells that none is mapped.
 */
static void all_clean(struct __test_metadata *_metadata,
		      struct _test_data_races *self)
{
	int c = self->v.container;
	long locked = sys_locked_at_rest();

	if (legacy_is_spapr()) {
		EXPECT_LE(0, vfio_unmap(c, ARENA_IOVA, THREADS * ARENA));
		EXPECT_EQ(0, legacy_unregister(c, self->buf, ARENA));
		EXPECT_LOCKED(locked - ARENA / KIB);
	} else {
		EXPECT_EQ(locked * 1024, vfio_unmap_all(c));
		EXPECT_LOCKED(0);
	}
	EXPECT_TRUE(sys_pins_settle(self->pins, 1000));
}

/* Maps and unmaps at random in the same few pages. */
static void *overlapping(void *arg)
{
	struct worker *w = arg;
	uint64_t first, pages;
	int64_t ret;
	int i;

	for (i = 0; i < w->rounds && !w->wrong; i++) {
		first = rand_r(&w->seed) % 48;
		pages = rand_r(&w->seed) % 16 + 1;
		if (rand_r(&w->seed) & 1) {
			ret = vfio_map(w->c, ARENA_IOVA + first * PAGE,
				       w->buf + first * PAGE, pages * PAGE,
				       MAP_RW);
			w->done += !ret;
			if (ret && (ret != -EEXIST || legacy_is_spapr()))
				w->wrong = ret;
		} else {
			ret = vfio_unmap(w->c, ARENA_IOVA + first * PAGE,
					 pages * PAGE);
			w->done += ret > 0;
			if (ret < 0 && ret != -EINVAL)
				w->wrong = ret;
			if (ret > (int64_t)(pages * PAGE))
				w->wrong = 1;
		}
	}
	return NULL;
}

TEST_F_TIMEOUT(races, overlapping_ranges, 90)
{
	int i;

	if (!legacy_counts())
		SKIP(return, LOSES_COUNT);
	for (i = 0; i < THREADS; i++)
		ASSERT_EQ(0, start(&self->w[i], overlapping));
	for (i = 0; i < THREADS; i++) {
		finish(_metadata, &self->w[i]);
		EXPECT_LT(0, self->w[i].done);
	}
	all_clean(_metadata, self);
}

/* Each in a range of its own: there every call must do what it says. */
static void *disjoint(void *arg)
{
	struct worker *w = arg;
	uint64_t iova = ARENA_IOVA + w->id * ARENA;
	uint64_t size;
	int64_t ret;
	int i;

	for (i = 0; i < w->rounds && !w->wrong; i++) {
		size = (rand_r(&w->seed) % 64 + 1) * PAGE;
		ret = vfio_map(w->c, iova, w->buf, size, MAP_RW);
		if (ret)
			w->wrong = ret;
		/* What is there stays, or is replaced by the same. */
		ret = vfio_map(w->c, iova, w->buf, PAGE, MAP_RW);
		if (ret != (legacy_is_spapr() ? 0 : -EEXIST))
			w->wrong = ret ? ret : 1;
		ret = vfio_unmap(w->c, iova, size);
		if (ret != (int64_t)size)
			w->wrong = ret < 0 ? ret : 2;
	}
	return NULL;
}

TEST_F_TIMEOUT(races, disjoint_ranges, 90)
{
	int i;

	for (i = 0; i < THREADS; i++)
		ASSERT_EQ(0, start(&self->w[i], disjoint));
	for (i = 0; i < THREADS; i++)
		finish(_metadata, &self->w[i]);
	if (!legacy_is_spapr())
		EXPECT_LOCKED(0);
	all_clean(_metadata, self);
}

/* A second group joins and leaves all the time. */
static void *join_and_leave(void *arg)
{
	struct worker *w = arg;
	int group, ret, fd, i;

	group = vfio_group(w->dev);
	if (group < 0) {
		w->wrong = group;
		return NULL;
	}
	for (i = 0; i < w->rounds && !w->wrong; i++) {
		ret = vfio_set_container(group, w->c);
		if (ret) {
			w->wrong = ret;
			break;
		}
		fd = i % 8 ? -1 : vfio_get_device(group, w->dev->name);
		if (fd >= 0)
			close(fd);
		ret = vfio_unset_container(group);
		if (ret)
			w->wrong = ret;
	}
	close(group);
	return NULL;
}

TEST_F_TIMEOUT(races, group_comes_and_goes, 90)
{
	int i;

	if (!legacy_shares())
		SKIP(return, "the peer has one group in a container here");
	self->w[0].rounds = 60;
	ASSERT_EQ(0, start(&self->w[0], join_and_leave));
	for (i = 1; i < THREADS; i++)
		ASSERT_EQ(0,
			  start(&self->w[i], i & 1 ? overlapping : disjoint));
	/* Worker 2 has a range that worker 1 and 3 don't reach. */
	for (i = 0; i < THREADS; i++)
		finish(_metadata, &self->w[i]);
	all_clean(_metadata, self);
}

/* Maps while the only group leaves: success or EINVAL, nothing else. */
static void *map_if_possible(void *arg)
{
	struct worker *w = arg;
	uint64_t iova = ARENA_IOVA + w->id * ARENA;
	int ret, i;

	for (i = 0; i < w->rounds && !w->wrong; i++) {
		ret = vfio_map(w->c, iova, w->buf, ARENA, MAP_RW);
		w->done += !ret;
		if (ret && ret != -EINVAL && ret != -EEXIST)
			w->wrong = ret;
		ret = vfio_unmap(w->c, iova, ARENA) < 0;
	}
	return NULL;
}

TEST_F_TIMEOUT(races, last_group_leaves, 90)
{
	struct vfio *v = &self->v;
	int i;

	/*
	 * Upstream takes the container's type away under the feet of an ioctl
	 * that is in progress: a use after free there.
	 */
	if (sys_is_peer())
		SKIP(return, "the peer frees the type while it is in use");
	if (legacy_is_spapr())
		SKIP(return, "registrations go with the last group on POWER");
	close(v->device);
	v->device = -1;
	for (i = 0; i < THREADS; i++)
		ASSERT_EQ(0, start(&self->w[i], map_if_possible));
	for (i = 0; i < 60; i++) {
		ASSERT_EQ(0, vfio_unset_container(v->group));
		ASSERT_EQ(0, vfio_set_container(v->group, v->container));
		ASSERT_EQ(0, vfio_set_iommu(v->container, legacy_type()));
	}
	for (i = 0; i < THREADS; i++)
		finish(_metadata, &self->w[i]);
	all_clean(_metadata, self);
}

/* The process changes its memory while it is being mapped. */
static void *churn_memory(void *arg)
{
	struct worker *w = arg;
	int i;

	for (i = 0; i < w->rounds; i++) {
		uint64_t at = rand_r(&w->seed) % 64 * PAGE;

		if (i & 1)
			madvise(w->buf + at, PAGE, MADV_DONTNEED);
		else if (mmap(w->buf + at, PAGE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			      0) == MAP_FAILED)
			w->wrong = -errno;
	}
	return NULL;
}

TEST_F_TIMEOUT(races, memory_changes, 90)
{
	int i;

	ASSERT_EQ(0, start(&self->w[0], churn_memory));
	for (i = 1; i < THREADS; i++)
		ASSERT_EQ(0, start(&self->w[i], disjoint));
	for (i = 0; i < THREADS; i++)
		finish(_metadata, &self->w[i]);
	all_clean(_metadata, self);
}

/* Resets and memory decode against reads of a BAR: data, or EIO. */
static void *read_bar(void *arg)
{
	struct worker *w = arg;
	uint32_t val;
	int i;

	for (i = 0; i < w->rounds && !w->wrong; i++) {
		if (pread(w->c, &val, 4, 0) == 4) {
			w->done++;
			if (val != 0x010000ed && val != 0xffffffff)
				w->wrong = val;
		} else if (errno != EIO) {
			w->wrong = -errno;
		}
	}
	return NULL;
}

TEST_F_TIMEOUT(races, reset_against_bar, 90)
{
	int fd = self->v.device, i;
	uint32_t val;

	if (!(vfio_device_flags(fd) & VFIO_DEVICE_FLAGS_RESET))
		SKIP(return, "this device can't be reset here");
	ASSERT_EQ(0, vfio_command(fd, PCI_COMMAND_MEMORY, 0));
	/* The peer claims a BAR at its first access: of two at once, one fails. */
	if (sys_is_peer())
		ASSERT_EQ(4, pread(fd, &val, 4, 0));
	for (i = 0; i < THREADS; i++) {
		self->w[i].c = fd;
		ASSERT_EQ(0, start(&self->w[i], read_bar));
	}
	for (i = 0; i < 5; i++) {
		EXPECT_EQ(0, vfio_ioctl(fd, VFIO_DEVICE_RESET, NULL));
		EXPECT_EQ(0, vfio_command(fd, 0, PCI_COMMAND_MEMORY));
		EXPECT_EQ(0, vfio_command(fd, PCI_COMMAND_MEMORY, 0));
	}
	for (i = 0; i < THREADS; i++)
		finish(_metadata, &self->w[i]);
}

/* A child with all threads at it. */
static void die_trying(struct _test_data_races *self)
{
	int i;

	for (i = 0; i < THREADS; i++) {
		self->w[i].rounds = 1 << 30;
		if (start(&self->w[i], i & 1 ? overlapping : disjoint))
			_exit(1);
	}
	sys_sleep_ms(20000);
	_exit(1);
}

TEST_F_TIMEOUT(races, killed_mid_way, 90)
{
	struct vfio *v = &self->v;
	int child, status, i;

	if (!legacy_counts())
		SKIP(return, LOSES_COUNT);
	vfio_close(v);
	for (i = 0; i < KILLS; i++) {
		child = fork();
		ASSERT_LE(0, child);
		if (!child) {
			int j;

			if (legacy_open(v, &self->dev[0]) ||
			    legacy_register(v->container, self->buf, ARENA))
				_exit(1);
			for (j = 0; j < THREADS; j++)
				self->w[j].c = v->container;
			die_trying(self);
		}
		sys_sleep_ms(30 + 17 * i);
		kill(child, SIGKILL);
		status = sys_wait_child(child, 10000);
		EXPECT_TRUE(WIFSIGNALED(status));
		EXPECT_TRUE(sys_pins_settle(self->pins, 2000));
	}
	EXPECT_EQ(0, legacy_open(v, &self->dev[0]));
}

/* The parent's container, with a child that maps into it when it dies. */
TEST_F_TIMEOUT(races, sharer_killed_mid_way, 90)
{
	int child, status, i;

	if (legacy_is_spapr())
		SKIP(return, "a container is for one process on POWER");
	for (i = 0; i < KILLS; i++) {
		child = fork();
		ASSERT_LE(0, child);
		if (!child)
			die_trying(self);
		sys_sleep_ms(30 + 17 * i);
		kill(child, SIGKILL);
		status = sys_wait_child(child, 10000);
		EXPECT_TRUE(WIFSIGNALED(status));
		EXPECT_LE(0, vfio_unmap_all(self->v.container));
		EXPECT_TRUE(sys_pins_settle(self->pins, 2000));
		EXPECT_LOCKED(0);
	}
}

TEST_HARNESS_MAIN
