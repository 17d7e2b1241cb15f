// SPDX-License-Identifier: GPL-2.0-only
/*
 * A map whose memory can't be pinned until somebody says so: userfaultfd answers for a
 * page of it. Whoever has patience may wait; groups come and go meanwhile, the owner's
 * other maps and devices go on, and nothing is left when all have ended.
 *
 * Where one waits for the other, the test hangs, and its alarm ends it.
 */
#include "kselftest_harness.h"
#include "legacy.h"
#include "missing.h"
#include "sys.h"
#include "uni.h"
#include "vfio.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#define PAGES 1200 /* with small pages more than two calls pin */
#define MISSING 1100
#define SIZE ((uint64_t)PAGES * PAGE)

/* Maps @mem, in a thread; it comes to its end when the missing page is there. */
struct mapper {
	pthread_t thread;
	int (*map)(int c, uint64_t iova, void *mem);
	int c;
	uint64_t iova;
	char *mem;
	int ret;
	bool done;
};

FIXTURE(stuck)
{
	struct pci_dev dev[2];
	struct vfio v;
	int uffd;
	char *mem;   /* SIZE bytes with a page missing */
	char *other; /* memory that can be had */
	long pins;
	struct mapper m;
};

FIXTURE_VARIANT(stuck)
{
	int type; /* 0: the legacy one of the machine */
	bool atomic;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(stuck, legacy) {
	.type = 0,
};

FIXTURE_VARIANT_ADD(stuck, unified) {
	.type = SLUICE_UNIFIED_IOMMU,
};

FIXTURE_VARIANT_ADD(stuck, atomic) {
	.type = SLUICE_UNIFIED_IOMMU,
	.atomic = true,
};

/* clang-format on */

static int map_legacy(int c, uint64_t iova, void *mem)
{
	return vfio_map(c, iova, mem, SIZE, MAP_RW);
}

static int map_unified(int c, uint64_t iova, void *mem)
{
	return uni_map(c, iova, mem, SIZE, UNI_RW);
}

static int map_atomic(int c, uint64_t iova, void *mem)
{
	struct sluice_dma_op op = uni_op_map(iova, mem, SIZE, UNI_RW);

	return uni_atomic(c, &op, 1, NULL, NULL);
}

static void *map_thread(void *arg)
{
	struct mapper *m = arg;

	m->ret = m->map(m->c, m->iova, m->mem);
	__atomic_store_n(&m->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static bool still_stuck(struct mapper *m)
{
	return !__atomic_load_n(&m->done, __ATOMIC_ACQUIRE);
}

FIXTURE_SETUP(stuck)
{
	int i, type = variant->type ?: legacy_type();

	if (legacy_is_spapr() && !variant->type)
		SKIP(return, "this type maps only what was pinned before");
	if (sys_is_peer())
		SKIP(return, "the peer waits");
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, pci_find_alone(&self->dev[i], PCI_ID_EDU, i));
		ASSERT_EQ(0, pci_bind(&self->dev[i], "vfio-pci"));
	}
	self->mem = sys_alloc(SIZE, PAGE);
	self->other = sys_alloc(4 * PAGE, PAGE);
	ASSERT_TRUE(self->mem && self->other);
	self->pins = sys_pins_at_rest();
	ASSERT_EQ(0, vfio_open(&self->v, &self->dev[0], type));
	self->m = (struct mapper){
		.map = variant->atomic ? map_atomic :
		       variant->type   ? map_unified :
					 map_legacy,
		.c = self->v.container,
		.iova = 16 * MIB,
		.mem = self->mem,
	};
	if (variant->type)
		ASSERT_EQ(0, uni_window(self->m.c, 2 * SIZE, 0, &self->m.iova));
	self->uffd = missing_take(self->mem + MISSING * PAGE);
	ASSERT_LE(0, self->uffd);
	ASSERT_EQ(0,
		  pthread_create(&self->m.thread, NULL, map_thread, &self->m));
	ASSERT_TRUE(missing_wanted(self->uffd));
}

FIXTURE_TEARDOWN(stuck)
{
	if (self->m.thread) {
		missing_give(self->uffd, self->mem + MISSING * PAGE);
		pthread_join(self->m.thread, NULL);
	}
	close(self->uffd);
	vfio_close(&self->v);
	EXPECT_TRUE(sys_pins_settle(self->pins, 2000));
	EXPECT_LOCKED(0);
}

/* What comes out when the page is there at last. */
static int finish(struct mapper *m, int uffd, char *mem)
{
	missing_give(uffd, mem + MISSING * PAGE);
	pthread_join(m->thread, NULL);
	m->thread = 0;
	return m->ret;
}

static int map_other(int c, uint64_t iova, void *mem, bool unified)
{
	return unified ? uni_map(c, iova, mem, PAGE, UNI_RW) :
			 vfio_map(c, iova, mem, PAGE, MAP_RW);
}

TEST_F(stuck, groups_come_and_go)
{
	struct vfio two;
	int i;

	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, vfio_join(&two, &self->dev[1], dup(self->m.c)));
		vfio_close(&two);
	}
	EXPECT_TRUE(still_stuck(&self->m));
	EXPECT_EQ(0, finish(&self->m, self->uffd, self->mem));
}

TEST_F(stuck, joined_and_left_to_it)
{
	struct vfio two;

	ASSERT_EQ(0, vfio_join(&two, &self->dev[1], dup(self->m.c)));
	close(self->v.device);
	self->v.device = -1;
	ASSERT_EQ(0, vfio_unset_container(self->v.group));
	EXPECT_TRUE(still_stuck(&self->m));
	EXPECT_EQ(0, finish(&self->m, self->uffd, self->mem));
	vfio_close(&two);
}

/* The container's last one: a legacy space ends there, a unified one doesn't. */
TEST_F(stuck, last_group_leaves)
{
	close(self->v.device);
	self->v.device = -1;
	ASSERT_EQ(0, vfio_unset_container(self->v.group));
	EXPECT_TRUE(still_stuck(&self->m));
	EXPECT_EQ(variant->type ? 0 : -EINVAL,
		  finish(&self->m, self->uffd, self->mem));
}

/* Also with somebody waiting to change the space. */
TEST_F(stuck, others_go_on)
{
	uint64_t at = self->m.iova + SIZE;
	bool unified = variant->type;
	struct vfio two;

	ASSERT_EQ(0, map_other(self->m.c, at, self->other, unified));
	ASSERT_EQ(0, vfio_join(&two, &self->dev[1], dup(self->m.c)));
	ASSERT_EQ(0,
		  map_other(self->m.c, at + PAGE, self->other + PAGE, unified));
	EXPECT_EQ(2 * PAGE, unified ? uni_unmap(self->m.c, at, 2 * PAGE) :
				      vfio_unmap(self->m.c, at, 2 * PAGE));
	vfio_close(&two);
	EXPECT_TRUE(still_stuck(&self->m));
	EXPECT_EQ(0, finish(&self->m, self->uffd, self->mem));
}

TEST_F(stuck, windows_and_handles)
{
	uint64_t at;
	uint32_t handle;

	if (!variant->type)
		SKIP(return, "a legacy space has none");
	ASSERT_EQ(0,
		  uni_register(self->m.c, self->other, PAGE, UNI_RW, &handle));
	ASSERT_EQ(0, uni_window(self->m.c, MIB, 0, &at));
	ASSERT_EQ(0, uni_map_handle(self->m.c, at, handle, 0, PAGE, UNI_RW));
	EXPECT_EQ(-EBUSY, uni_unregister(self->m.c, handle));
	EXPECT_EQ(PAGE, uni_unmap(self->m.c, at, PAGE));
	EXPECT_EQ(0, uni_unregister(self->m.c, handle));
	EXPECT_EQ(0, uni_window_remove(self->m.c, at));
	EXPECT_TRUE(still_stuck(&self->m));
	EXPECT_EQ(0, finish(&self->m, self->uffd, self->mem));
}

/* Who wants the same range has to wait, and can be killed; nor does he lock others out. */
TEST_F(stuck, waiter_is_killed)
{
	struct vfio two;
	pid_t pid;
	int status;

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		if (variant->type)
			uni_unmap(self->m.c, self->m.iova, SIZE);
		else
			vfio_unmap(self->m.c, self->m.iova, SIZE);
		_exit(0);
	}
	sys_sleep_ms(100);
	ASSERT_EQ(0, vfio_join(&two, &self->dev[1], dup(self->m.c)));
	vfio_close(&two);
	EXPECT_EQ(0, waitpid(pid, &status, WNOHANG));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_TRUE(still_stuck(&self->m));
	EXPECT_EQ(0, finish(&self->m, self->uffd, self->mem));
}

TEST_HARNESS_MAIN
