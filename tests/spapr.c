// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_SPAPR_TCE_v2_IOMMU: registered memory, maps of TCEs, several groups. Windows
 * that the user makes are in spapr_windows.c.
 */
#include "kselftest_harness.h"
#include "legacy.h"
#include "spapr.h"
#include "sys.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

FIXTURE(spapr)
{
	struct spapr s;
	int c; /* s.v.container, for brevity */
};

FIXTURE_SETUP(spapr)
{
	if (!legacy_is_spapr())
		SKIP(return, "not POWER");
	ASSERT_EQ(0, spapr_open(&self->s, 0));
	self->c = self->s.v.container;
}

FIXTURE_TEARDOWN(spapr)
{
	if (legacy_is_spapr())
		spapr_close(&self->s);
}

static int extension(int c, long which)
{
	return vfio_ioctl(c, VFIO_CHECK_EXTENSION, (void *)which);
}

/* QEMU and DPDK would take TYPE1 if there were one. */
TEST_F(spapr, announced)
{
	EXPECT_EQ(0, extension(self->c, VFIO_TYPE1_IOMMU));
	EXPECT_EQ(0, extension(self->c, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(1, extension(self->c, VFIO_SPAPR_TCE_IOMMU));
	EXPECT_EQ(1, extension(self->c, VFIO_SPAPR_TCE_v2_IOMMU));
}

TEST_F(spapr, info)
{
	struct vfio_iommu_spapr_tce_info info = {
		.argsz = offsetof(struct vfio_iommu_spapr_tce_info, ddw),
	};
	const uint64_t sizes = 4 * KIB | 64 * KIB | 2 * MIB | 16 * MIB;

	/* The short structure is all that some clients know. */
	memset(&info.ddw, 0xee, sizeof(info.ddw));
	ASSERT_EQ(0, vfio_ioctl(self->c, VFIO_IOMMU_SPAPR_TCE_GET_INFO, &info));
	EXPECT_EQ(0, info.dma32_window_start);
	EXPECT_EQ(GIB, info.dma32_window_size);
	EXPECT_EQ(0xeeeeeeee, info.ddw.levels);

	info.argsz = sizeof(info);
	ASSERT_EQ(0, vfio_ioctl(self->c, VFIO_IOMMU_SPAPR_TCE_GET_INFO, &info));
	EXPECT_EQ(VFIO_IOMMU_SPAPR_INFO_DDW, info.flags);
	EXPECT_EQ(sizes, info.ddw.pgsizes & sizes);
	EXPECT_EQ(2, info.ddw.max_dynamic_windows_supported);
	EXPECT_EQ(1, info.ddw.levels);

	info.argsz = 8;
	EXPECT_EQ(-EINVAL,
		  vfio_ioctl(self->c, VFIO_IOMMU_SPAPR_TCE_GET_INFO, &info));
}

/* What isn't registered can't be mapped. */
TEST_F(spapr, only_registered)
{
	char *mem = sys_alloc(2 * PAGE, PAGE);

	ASSERT_NE(NULL, mem);
	EXPECT_EQ(-EINVAL, vfio_map(self->c, self->s.free, mem, PAGE, MAP_RW));
	ASSERT_EQ(0, spapr_register(self->c, mem, PAGE));
	EXPECT_EQ(0, vfio_map(self->c, self->s.free, mem, PAGE, MAP_RW));
	EXPECT_EQ(-EINVAL, vfio_map(self->c, self->s.free + PAGE, mem, 2 * PAGE,
				    MAP_RW));
	EXPECT_TRUE(spapr_reaches(&self->s, self->s.free, mem));
	/* The map that failed has left nothing. */
	EXPECT_FALSE(spapr_reaches(&self->s, self->s.free + PAGE, mem));
}

/* A TCE of 4K is a sixteenth of a page, and gives no more away. */
TEST_F(spapr, parts_of_a_page)
{
	const uint64_t tce = 4 * KIB;
	char *mem = sys_alloc(PAGE, PAGE);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, spapr_register(self->c, mem, PAGE));
	ASSERT_EQ(0, vfio_map(self->c, self->s.free + tce, mem + 3 * tce, tce,
			      MAP_RW));
	EXPECT_TRUE(spapr_reaches(&self->s, self->s.free + tce, mem + 3 * tce));
	EXPECT_FALSE(spapr_reaches(&self->s, self->s.free, mem + 2 * tce));
	EXPECT_FALSE(
		spapr_reaches(&self->s, self->s.free + 2 * tce, mem + 4 * tce));
	/* Holes are passed over. */
	EXPECT_EQ(0, spapr_unmap(self->c, self->s.free, PAGE));
	EXPECT_FALSE(
		spapr_reaches(&self->s, self->s.free + tce, mem + 3 * tce));
}

TEST_F(spapr, read_only)
{
	char *mem = sys_alloc(PAGE, PAGE);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, spapr_register(self->c, mem, PAGE));
	ASSERT_EQ(0, vfio_map(self->c, self->s.free, mem, PAGE, MAP_R));
	EXPECT_FALSE(spapr_reaches(&self->s, self->s.free, mem));
	/* A guest that changes its mind writes the TCE once more. */
	ASSERT_EQ(0, vfio_map(self->c, self->s.free, mem, PAGE, MAP_RW));
	EXPECT_TRUE(spapr_reaches(&self->s, self->s.free, mem));
}

TEST_F(spapr, replaced)
{
	char *one = sys_alloc(PAGE, PAGE), *two = sys_alloc(PAGE, PAGE);

	ASSERT_NE(NULL, one);
	ASSERT_NE(NULL, two);
	ASSERT_EQ(0, spapr_register(self->c, one, PAGE));
	ASSERT_EQ(0, spapr_register(self->c, two, PAGE));
	ASSERT_EQ(0, vfio_map(self->c, self->s.free, one, PAGE, MAP_RW));
	ASSERT_EQ(0, vfio_map(self->c, self->s.free, two, PAGE, MAP_RW));
	EXPECT_TRUE(spapr_reaches(&self->s, self->s.free, two));
	EXPECT_FALSE(spapr_reaches(&self->s, self->s.free, one));
	/* So nothing holds it any more. */
	EXPECT_EQ(0, spapr_unregister(self->c, one, PAGE));
}

/* Upstream says 0, keeps it locked for ever, and warns when the program ends. */
TEST_F(spapr, unregister_while_mapped)
{
	char *mem = sys_alloc(PAGE, PAGE);
	long locked = sys_locked_kib();

	if (sys_is_peer())
		SKIP(return, "upstream lets it happen");
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, spapr_register(self->c, mem, PAGE));
	EXPECT_EQ(-EBUSY, spapr_register(self->c, mem, PAGE));
	ASSERT_EQ(0, vfio_map(self->c, self->s.free, mem, 4 * KIB, MAP_RW));
	EXPECT_EQ(-EBUSY, spapr_unregister(self->c, mem, PAGE));
	EXPECT_TRUE(spapr_reaches(&self->s, self->s.free, mem));
	ASSERT_EQ(0, spapr_unmap(self->c, self->s.free, 4 * KIB));
	EXPECT_EQ(0, spapr_unregister(self->c, mem, PAGE));
	EXPECT_EQ(-ENOENT, spapr_unregister(self->c, mem, PAGE));
	EXPECT_LOCKED(locked);
}

/* Neighbours can be mapped by one call, whatever order they were registered in. */
TEST_F(spapr, adjacent_registrations)
{
	char *mem = sys_alloc(3 * PAGE, PAGE);

	if (sys_is_peer())
		SKIP(return, "upstream tells nothing of it");
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, spapr_register(self->c, mem + PAGE, 2 * PAGE));
	EXPECT_EQ(-EINVAL, spapr_register(self->c, mem, 2 * PAGE));
	ASSERT_EQ(0, spapr_register(self->c, mem, PAGE));
	ASSERT_EQ(0, vfio_map(self->c, self->s.free, mem, 3 * PAGE, MAP_RW));
	EXPECT_TRUE(spapr_reaches(&self->s, self->s.free, mem));
	EXPECT_TRUE(spapr_reaches(&self->s, self->s.free + PAGE, mem + PAGE));
	EXPECT_EQ(-EBUSY, spapr_unregister(self->c, mem, PAGE));
	EXPECT_EQ(-EBUSY, spapr_unregister(self->c, mem + PAGE, 2 * PAGE));
}

TEST_F(spapr, bad_ranges)
{
	char *mem = sys_alloc(PAGE, PAGE);
	uint64_t end = GIB - 4 * KIB;

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, spapr_register(self->c, mem, PAGE));
	EXPECT_EQ(-EINVAL, vfio_map(self->c, self->s.free, mem, PAGE, 0));
	EXPECT_EQ(-EINVAL,
		  vfio_map(self->c, self->s.free, mem, PAGE, MAP_RW | 8));
	EXPECT_EQ(-EINVAL, vfio_map(self->c, self->s.free, mem, 100, MAP_RW));
	EXPECT_EQ(-EINVAL,
		  vfio_map(self->c, self->s.free, mem + 100, 4 * KIB, MAP_RW));
	EXPECT_EQ(-ENXIO, vfio_map(self->c, 4 * GIB, mem, 4 * KIB, MAP_RW));
	EXPECT_EQ(-EINVAL, vfio_map(self->c, end, mem, 8 * KIB, MAP_RW));
	EXPECT_EQ(-ENXIO, spapr_unmap(self->c, 4 * GIB, 4 * KIB));
	EXPECT_EQ(-EINVAL, spapr_unmap(self->c, self->s.free, 100));
	EXPECT_EQ(-EINVAL, spapr_unmap(self->c, end, 8 * KIB));
	EXPECT_EQ(0, vfio_map(self->c, end, mem, 4 * KIB, MAP_RW));
	EXPECT_EQ(0, spapr_unmap(self->c, end, 4 * KIB));
}

/* Calls of version 1, and errors of the bus. */
TEST_F(spapr, not_there)
{
	struct vfio_eeh_pe_op op = { .argsz = sizeof(op) };

	EXPECT_EQ(-ENOTTY, vfio_ioctl(self->c, VFIO_IOMMU_ENABLE, NULL));
	EXPECT_EQ(-ENOTTY, vfio_ioctl(self->c, VFIO_IOMMU_DISABLE, NULL));
	EXPECT_EQ(0, extension(self->c, VFIO_EEH));
	EXPECT_EQ(-ENODEV, vfio_ioctl(self->c, VFIO_EEH_PE_OP, &op));
}

/* Upstream refuses: one group in a container. */
TEST_F_TIMEOUT(spapr, two_groups, 60)
{
	char *mem = sys_alloc(PAGE, PAGE);
	struct spapr other;
	uint64_t well = self->s.well_iova;

	if (sys_is_peer())
		SKIP(return, "upstream has one group in a container");
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, spapr_register(self->c, mem, PAGE));
	ASSERT_EQ(0, vfio_map(self->c, self->s.free, mem, PAGE, MAP_RW));
	ASSERT_EQ(0, spapr_join(&other, &self->s, 1));
	EXPECT_EQ(well, other.well_iova);
	EXPECT_TRUE(spapr_reaches(&other, self->s.free, mem));
	EXPECT_TRUE(spapr_reaches(&self->s, self->s.free, mem));
	ASSERT_EQ(0, vfio_map(self->c, self->s.free + PAGE, mem, PAGE, MAP_RW));
	EXPECT_TRUE(spapr_reaches(&other, self->s.free + PAGE, mem));
	ASSERT_EQ(0, spapr_unmap(self->c, self->s.free, PAGE));
	EXPECT_FALSE(spapr_reaches(&other, self->s.free, mem));
	EXPECT_FALSE(spapr_reaches(&self->s, self->s.free, mem));
	spapr_leave(&other);
	EXPECT_TRUE(spapr_reaches(&self->s, self->s.free + PAGE, mem));
}

/* A process that is killed leaves nothing, in the hypervisor either. */
TEST_F_TIMEOUT(spapr, killed, 60)
{
	long pins = sys_pins();
	char *mem;
	int pid, i;

	spapr_close(&self->s);
	for (i = 0; i < 4; i++) {
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			struct spapr s;
			uint64_t at;

			mem = sys_alloc(64 * PAGE, PAGE);
			if (!mem || spapr_open(&s, 0) ||
			    spapr_register(s.v.container, mem, 64 * PAGE))
				_exit(1);
			for (at = s.free;; at = (at + PAGE) % (GIB / 2))
				vfio_map(s.v.container, at, mem, 64 * PAGE,
					 MAP_RW);
		}
		sys_sleep_ms(300 + 100 * i);
		ASSERT_EQ(0, kill(pid, SIGKILL));
		EXPECT_NE(-1, sys_wait_child(pid, 10000));
	}
	/* This one has a well of its own, pinned. */
	ASSERT_EQ(0, spapr_open(&self->s, 0));
	self->c = self->s.v.container;
	EXPECT_TRUE(sys_pins_settle(pins, 5000));
	mem = sys_alloc(PAGE, PAGE);
	ASSERT_NE(NULL, mem);
	for (i = 1; i < 3; i++)
		EXPECT_FALSE(
			spapr_reaches(&self->s, self->s.free + i * PAGE, mem));
}

/* ---- Threads, each with TCEs of its own, in the same pages and blocks ---- */

#define THREADS 4
#define ROUNDS 3000

struct racer {
	int c;
	uint64_t iova;
	char *mem;
	unsigned int n;
	int err;
};

static void *race(void *arg)
{
	struct racer *r = arg;
	unsigned int i;

	for (i = 0; i < ROUNDS && !r->err; i++) {
		/* Neighbours of the others': a stride of as many TCEs. */
		uint64_t off = ((i % 16) * THREADS + r->n) * 4 * KIB;

		r->err = vfio_map(r->c, r->iova + off, r->mem + off % PAGE,
				  4 * KIB, MAP_RW);
		if (!r->err && i % 3)
			r->err = spapr_unmap(r->c, r->iova + off, 4 * KIB);
	}
	return NULL;
}

TEST_F_TIMEOUT(spapr, neighbours, 60)
{
	char *mem = sys_alloc(PAGE, PAGE);
	struct racer racers[THREADS];
	pthread_t threads[THREADS];
	unsigned int i;

	if (sys_is_peer())
		SKIP(return, "upstream's maps race without a lock");
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, spapr_register(self->c, mem, PAGE));
	for (i = 0; i < THREADS; i++) {
		racers[i] = (struct racer){
			.c = self->c,
			.iova = self->s.free,
			.mem = mem,
			.n = i,
		};
		ASSERT_EQ(0,
			  pthread_create(&threads[i], NULL, race, &racers[i]));
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		EXPECT_EQ(0, racers[i].err);
	}
	EXPECT_EQ(-EBUSY, spapr_unregister(self->c, mem, PAGE));
	EXPECT_EQ(0,
		  spapr_unmap(self->c, self->s.free, 16 * THREADS * 4 * KIB));
	EXPECT_EQ(0, spapr_unregister(self->c, mem, PAGE));
	EXPECT_FALSE(spapr_reaches(&self->s, self->s.free, mem));
}

TEST_HARNESS_MAIN
