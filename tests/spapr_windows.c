// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_SPAPR_TCE_v2_IOMMU: windows that the user makes, with every way in which that
 * can fail; and version 1, which has but the initial one.
 */
#include "kselftest_harness.h"
#include "legacy.h"
#include "spapr.h"
#include "sys.h"

#include <sys/mman.h>
#include <unistd.h>

/* Where QEMU places windows if there is one already. */
#define HIGH 0x800000000000000ULL

FIXTURE(window)
{
	struct spapr s;
	int c; /* s.v.container, for brevity */
	char *mem;
};

FIXTURE_SETUP(window)
{
	if (!legacy_is_spapr())
		SKIP(return, "not POWER");
	if (sys_is_peer())
		SKIP(return, "a failure lasts until reboot there");
	ASSERT_EQ(0, spapr_open(&self->s, 0));
	self->c = self->s.v.container;
	self->mem = sys_alloc(PAGE, PAGE);
	ASSERT_NE(NULL, self->mem);
	ASSERT_EQ(0, spapr_register(self->c, self->mem, PAGE));
}

FIXTURE_TEARDOWN(window)
{
	if (legacy_is_spapr() && !sys_is_peer())
		spapr_close(&self->s);
}

/* The memory that a device's writes are compared with goes to another window. */
static int move_well(struct spapr *s, uint64_t to)
{
	s->well_iova = to;
	return vfio_map(s->v.container, to, s->well, PAGE, MAP_RW);
}

static bool works(struct spapr *s, uint64_t iova, char *mem)
{
	return !vfio_map(s->v.container, iova, mem, PAGE, MAP_RW) &&
	       spapr_reaches(s, iova, mem) &&
	       !spapr_unmap(s->v.container, iova, PAGE) &&
	       !spapr_reaches(s, iova, mem);
}

TEST_F(window, beyond_4g)
{
	uint64_t size = 64 * GIB, start;

	ASSERT_EQ(0, spapr_create(self->c, 16, size, 1, &start));
	EXPECT_EQ(HIGH, start);
	EXPECT_TRUE(works(&self->s, start, self->mem));
	EXPECT_TRUE(works(&self->s, start + 5 * GIB, self->mem));
	EXPECT_TRUE(works(&self->s, start + size - PAGE, self->mem));
	EXPECT_EQ(-ENXIO,
		  vfio_map(self->c, start + size, self->mem, PAGE, MAP_RW));
	/* The first one is as it was. */
	EXPECT_TRUE(works(&self->s, self->s.free, self->mem));
	EXPECT_EQ(0, spapr_remove(self->c, start));
	EXPECT_EQ(-ENXIO, vfio_map(self->c, start, self->mem, PAGE, MAP_RW));
}

/* TCEs of 4K in a window that was made: what QEMU does for its guests. */
TEST_F(window, as_qemu_does)
{
	uint64_t start;

	ASSERT_EQ(0, spapr_remove(self->c, 0));
	EXPECT_EQ(-EINVAL, spapr_remove(self->c, 0));
	ASSERT_EQ(0, spapr_create(self->c, 12, GIB, 1, &start));
	EXPECT_EQ(0, start);
	ASSERT_EQ(0, move_well(&self->s, 0));
	EXPECT_TRUE(works(&self->s, 64 * MIB, self->mem));
	ASSERT_EQ(0, spapr_create(self->c, 16, 8 * GIB, 1, &start));
	EXPECT_EQ(HIGH, start);
	EXPECT_TRUE(works(&self->s, start, self->mem));

	/* The guest is reset: all windows go, and the first one is made again. */
	ASSERT_EQ(0, spapr_remove(self->c, start));
	ASSERT_EQ(0, spapr_remove(self->c, 0));
	ASSERT_EQ(0, spapr_create(self->c, 12, GIB, 1, &start));
	EXPECT_EQ(0, start);
	ASSERT_EQ(0, move_well(&self->s, 0));
	EXPECT_TRUE(works(&self->s, 64 * MIB, self->mem));
}

/* One large window, from 0 on: what DPDK does. */
TEST_F(window, as_dpdk_does)
{
	uint64_t start;

	ASSERT_EQ(0, spapr_remove(self->c, 0));
	ASSERT_EQ(0, spapr_create(self->c, 16, 256 * GIB, 1, &start));
	EXPECT_EQ(0, start);
	ASSERT_EQ(0, move_well(&self->s, 200 * GIB));
	EXPECT_TRUE(works(&self->s, 100 * GIB, self->mem));
	/* It is the last one: the platform brings its own back, empty. */
	ASSERT_EQ(0, spapr_remove(self->c, 0));
	EXPECT_FALSE(spapr_reaches(&self->s, 0, self->mem));
	ASSERT_EQ(0, spapr_create(self->c, 21, 4 * GIB, 1, &start));
	EXPECT_EQ(0, start);
}

/* QEMU asks for two levels or more, and doesn't look at what it is told of them. */
TEST_F(window, levels)
{
	uint64_t start;
	uint32_t levels;

	for (levels = 2; levels <= 5; levels++) {
		ASSERT_EQ(0,
			  spapr_create(self->c, 16, 512 * GIB, levels, &start));
		EXPECT_EQ(HIGH, start);
		EXPECT_TRUE(works(&self->s, start + 511 * GIB, self->mem));
		ASSERT_EQ(0, spapr_remove(self->c, start));
	}
}

/* Small pages in the reverse order of their file, so that no two are neighbours. */
static char *scattered(uint64_t size)
{
	char *mem = sys_alloc(size, size);
	int fd = memfd_create("scattered", 0);
	uint64_t at;

	if (!mem || ftruncate(fd, size))
		return NULL;
	for (at = 0; at < size; at += PAGE)
		if (mmap(mem + at, PAGE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED | MAP_POPULATE, fd,
			 size - PAGE - at) == MAP_FAILED)
			return NULL;
	close(fd);
	return mem;
}

/* Memory must be as contiguous as a TCE is large. */
TEST_F(window, huge_tces)
{
	char *huge = mmap(NULL, 2 * MIB, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	char *small = sys_alloc(4 * MIB, 2 * MIB);
	char *apart = scattered(2 * MIB);
	uint64_t start;

	ASSERT_NE(NULL, small);
	ASSERT_EQ(0, spapr_create(self->c, 24, 16 * GIB, 1, &start));
	ASSERT_EQ(0, spapr_register(self->c, small, 4 * MIB));
	EXPECT_EQ(-EINVAL, vfio_map(self->c, start, small, 2 * MIB, MAP_RW));
	ASSERT_EQ(0, spapr_remove(self->c, start));

	ASSERT_EQ(0, spapr_create(self->c, 21, 16 * GIB, 1, &start));
	EXPECT_EQ(-EINVAL, vfio_map(self->c, start, small, PAGE, MAP_RW));
	ASSERT_NE(NULL, apart);
	ASSERT_EQ(0, spapr_register(self->c, apart, 2 * MIB));
	EXPECT_EQ(-EINVAL, vfio_map(self->c, start, apart, 2 * MIB, MAP_RW));
	if (huge == MAP_FAILED)
		SKIP(return, "no huge page left");
	memset(huge, 0, 2 * MIB);
	ASSERT_EQ(0, spapr_register(self->c, huge, 2 * MIB));
	ASSERT_EQ(0, vfio_map(self->c, start + 8 * GIB, huge, 2 * MIB, MAP_RW));
	EXPECT_TRUE(spapr_reaches(&self->s, start + 8 * GIB + 2 * MIB - PAGE,
				  huge + 2 * MIB - PAGE));
	EXPECT_FALSE(spapr_reaches(&self->s, start + 8 * GIB + 2 * MIB, small));
}

/* Nothing is charged, and nothing changes. */
TEST_F(window, bad_windows)
{
	long locked = sys_locked_kib();
	uint64_t start;

	EXPECT_EQ(-EINVAL, spapr_create(self->c, 13, GIB, 1, &start));
	EXPECT_EQ(-EINVAL, spapr_create(self->c, 70, GIB, 1, &start));
	EXPECT_EQ(-EINVAL, spapr_create(self->c, 16, GIB + PAGE, 1, &start));
	EXPECT_EQ(-EINVAL, spapr_create(self->c, 16, 0, 1, &start));
	EXPECT_EQ(-EINVAL, spapr_create(self->c, 16, GIB, 0, &start));
	EXPECT_EQ(-EINVAL, spapr_create(self->c, 16, GIB, 6, &start));
	EXPECT_EQ(-E2BIG, spapr_create(self->c, 16, 1ULL << 62, 1, &start));
	EXPECT_EQ(-E2BIG, spapr_create(self->c, 12, 1ULL << 50, 1, &start));
	EXPECT_EQ(-E2BIG, spapr_create(self->c, 24, MIB, 1, &start));
	EXPECT_EQ(-EINVAL, spapr_remove(self->c, HIGH));
	EXPECT_EQ(-EINVAL, spapr_remove(self->c, PAGE));
	EXPECT_LOCKED(locked);
	EXPECT_TRUE(works(&self->s, self->s.free, self->mem));
}

/* Upstream then refuses all windows until the host is started again. */
TEST_F(window, one_too_many)
{
	uint64_t start, other;
	int i;

	ASSERT_EQ(0, spapr_create(self->c, 16, GIB, 1, &start));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(-ENOSPC, spapr_create(self->c, 16, GIB, 1, &other));
	EXPECT_TRUE(works(&self->s, start, self->mem));
	ASSERT_EQ(0, spapr_remove(self->c, start));
	ASSERT_EQ(0, spapr_create(self->c, 21, 4 * GIB, 1, &start));
	EXPECT_EQ(HIGH, start);
}

/* QEMU would place both onto the same addresses. */
TEST_F(window, wrong_order)
{
	uint64_t start, other;

	ASSERT_EQ(0, spapr_create(self->c, 16, GIB, 1, &start));
	ASSERT_EQ(0, move_well(&self->s, start));
	ASSERT_EQ(0, spapr_remove(self->c, 0));
	EXPECT_EQ(-EADDRINUSE, spapr_create(self->c, 16, GIB, 1, &other));
	EXPECT_TRUE(works(&self->s, start + PAGE, self->mem));
	/* In the right order it works. */
	ASSERT_EQ(0, spapr_remove(self->c, start));
	ASSERT_EQ(0, spapr_create(self->c, 16, GIB, 1, &start));
	EXPECT_EQ(0, start);
	ASSERT_EQ(0, spapr_create(self->c, 16, GIB, 1, &start));
	EXPECT_EQ(HIGH, start);
}

/* What is mapped goes with its window; the memory can be unregistered. */
TEST_F(window, removed_with_maps)
{
	uint64_t start;

	ASSERT_EQ(0, spapr_create(self->c, 16, 4 * GIB, 1, &start));
	ASSERT_EQ(0, vfio_map(self->c, start + GIB, self->mem, PAGE, MAP_RW));
	ASSERT_TRUE(spapr_reaches(&self->s, start + GIB, self->mem));
	EXPECT_EQ(-EBUSY, spapr_unregister(self->c, self->mem, PAGE));
	ASSERT_EQ(0, spapr_remove(self->c, start));
	EXPECT_FALSE(spapr_reaches(&self->s, start + GIB, self->mem));
	EXPECT_EQ(0, spapr_unregister(self->c, self->mem, PAGE));
}

/* A group that joins gets the windows that there are, whatever they are. */
TEST_F_TIMEOUT(window, joined, 60)
{
	struct spapr other;
	uint64_t start;

	ASSERT_EQ(0, spapr_remove(self->c, 0));
	ASSERT_EQ(0, spapr_create(self->c, 16, 4 * GIB, 1, &start));
	ASSERT_EQ(0, move_well(&self->s, PAGE));
	ASSERT_EQ(0, vfio_map(self->c, GIB, self->mem, PAGE, MAP_RW));
	ASSERT_EQ(0, spapr_join(&other, &self->s, 1));
	EXPECT_TRUE(spapr_reaches(&other, GIB, self->mem));
	ASSERT_EQ(0, spapr_create(self->c, 21, 4 * GIB, 1, &start));
	EXPECT_EQ(HIGH, start);
	ASSERT_EQ(0, spapr_remove(self->c, start));
	EXPECT_TRUE(works(&other, 2 * GIB, self->mem));
	spapr_leave(&other);
	EXPECT_TRUE(works(&self->s, 2 * GIB, self->mem));
}

/* What an owner has done to windows is gone with it. */
TEST_F(window, next_owner)
{
	uint64_t start;

	ASSERT_EQ(0, spapr_remove(self->c, 0));
	ASSERT_EQ(0, spapr_create(self->c, 16, 4 * GIB, 1, &start));
	ASSERT_EQ(0, vfio_map(self->c, GIB, self->mem, PAGE, MAP_RW));
	spapr_close(&self->s);
	ASSERT_EQ(0, spapr_open(&self->s, 0));
	self->c = self->s.v.container;
	EXPECT_EQ(-ENXIO, vfio_map(self->c, GIB, self->mem, PAGE, MAP_RW));
	ASSERT_EQ(0, spapr_register(self->c, self->mem, PAGE));
	EXPECT_TRUE(works(&self->s, self->s.free, self->mem));
	EXPECT_FALSE(spapr_reaches(&self->s, GIB, self->mem));
}

/* ---- Version 1 ---- */

FIXTURE(v1)
{
	struct spapr s;
	int c; /* s.v.container, for brevity */
};

FIXTURE_SETUP(v1)
{
	struct pci_dev dev;

	if (!legacy_is_spapr())
		SKIP(return, "not POWER");
	memset(&self->s, 0, sizeof(self->s));
	ASSERT_EQ(0, pci_find_alone(&dev, PCI_ID_EDU, 0));
	ASSERT_EQ(0, vfio_open(&self->s.v, &dev, VFIO_SPAPR_TCE_IOMMU));
	ASSERT_EQ(0, edu_attach(&self->s.edu, self->s.v.device));
	self->c = self->s.v.container;
	self->s.well = sys_alloc(PAGE, PAGE);
	ASSERT_NE(NULL, self->s.well);
}

FIXTURE_TEARDOWN(v1)
{
	if (legacy_is_spapr())
		spapr_close(&self->s);
}

/* KiB that tables may take which stay until the space ends. */
#define TABLES 512

TEST_F(v1, enabled)
{
	long locked = sys_locked_kib(), pins = sys_pins();
	char *mem = sys_alloc(PAGE, PAGE);

	ASSERT_NE(NULL, mem);
	EXPECT_EQ(-EPERM, vfio_map(self->c, PAGE, mem, PAGE, MAP_RW));
	ASSERT_EQ(0, vfio_ioctl(self->c, VFIO_IOMMU_ENABLE, NULL));
	EXPECT_EQ(-EBUSY, vfio_ioctl(self->c, VFIO_IOMMU_ENABLE, NULL));
	EXPECT_LOCKED(locked + (long)(GIB / KIB));
	ASSERT_EQ(0, vfio_map(self->c, 0, self->s.well, PAGE, MAP_RW));
	ASSERT_EQ(0, vfio_map(self->c, PAGE, mem, 8 * KIB, MAP_RW));
	EXPECT_TRUE(spapr_reaches(&self->s, PAGE, mem));
	EXPECT_TRUE(spapr_reaches(&self->s, PAGE + 4 * KIB, mem + 4 * KIB));
	EXPECT_FALSE(spapr_reaches(&self->s, PAGE + 8 * KIB, mem + 8 * KIB));
	if (!sys_is_peer())
		EXPECT_EQ(-EBUSY,
			  vfio_ioctl(self->c, VFIO_IOMMU_DISABLE, NULL));
	ASSERT_EQ(0, spapr_unmap(self->c, PAGE, PAGE));
	EXPECT_FALSE(spapr_reaches(&self->s, PAGE, mem));
	ASSERT_EQ(0, spapr_unmap(self->c, 0, PAGE));
	EXPECT_EQ(0, vfio_ioctl(self->c, VFIO_IOMMU_DISABLE, NULL));
	EXPECT_GE(locked + TABLES, sys_locked_kib());
	EXPECT_TRUE(sys_pins_settle(pins, 5000));
}

TEST_F(v1, not_there)
{
	struct vfio_iommu_spapr_tce_info info = { .argsz = sizeof(info) };
	uint64_t start;

	ASSERT_EQ(0, vfio_ioctl(self->c, VFIO_IOMMU_SPAPR_TCE_GET_INFO, &info));
	EXPECT_EQ(0, info.flags);
	EXPECT_EQ(GIB, info.dma32_window_size);
	EXPECT_EQ(-ENOTTY, spapr_register(self->c, self->s.well, PAGE));
	EXPECT_EQ(-ENOTTY, spapr_create(self->c, 16, GIB, 1, &start));
	EXPECT_EQ(-ENOTTY, spapr_remove(self->c, 0));
}

TEST_HARNESS_MAIN
