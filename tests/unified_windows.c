// SPDX-License-Identifier: GPL-2.0-only
/*
 * Windows of unified spaces, and groups that come and go: where windows can be,
 * that nothing can be mapped outside of them, and that a space outlives its
 * groups. All IOVAs are derived from what WINDOW_QUERY tells.
 */
#include "kselftest_harness.h"
#include "uni.h"

#include <sys/mman.h>

#define MISSED UNI_MISSED
#define REACHED UNI_REACHED

FIXTURE(win)
{
	struct uni u; /* no window yet */
	struct uni_layout l;
	int c;
	uint64_t p;
	char *mem; /* 8 pages */
};

FIXTURE_SETUP(win)
{
	if (!uni_offered())
		SKIP(return, "no unified spaces");
	ASSERT_EQ(0, uni_open(&self->u, 0));
	self->c = self->u.c;
	self->p = self->u.p;
	self->mem = sys_alloc(8 * self->p, self->p);
	ASSERT_NE(NULL, self->mem);
	ASSERT_EQ(0, uni_query(self->c, &self->l));
	ASSERT_LT(0, self->l.q.nr_ranges);
	ASSERT_GE(UNI_MAX, self->l.q.nr_ranges);
}

FIXTURE_TEARDOWN(win)
{
	uni_close(&self->u);
	EXPECT_LOCKED(0);
	EXPECT_TRUE(sys_pins_settle(self->u.pins, 1000));
}

static int map(struct _test_data_win *self, uint64_t iova, unsigned int pages)
{
	return uni_map(self->c, iova, self->mem, pages * self->p, UNI_RW);
}

static int dma_to(struct _test_data_win *self, uint64_t iova, char *mem)
{
	return uni_dma_write(&self->u, iova, mem);
}

static int cmp_windows(const struct sluice_window *a,
		       const struct sluice_window *b)
{
	return a->start != b->start || a->last != b->last ||
	       a->page_lg2 != b->page_lg2 || a->reserved != b->reserved;
}

/* ---- Where windows can be ---- */

TEST_F(win, ranges_make_sense)
{
	unsigned int i;

	for (i = 0; i < self->l.q.nr_ranges; i++) {
		EXPECT_LT(self->l.ranges[i].start, self->l.ranges[i].last);
		EXPECT_EQ(0, self->l.ranges[i].start % self->p);
		EXPECT_EQ(0, (self->l.ranges[i].last + 1) % self->p);
		if (i)
			EXPECT_LT(self->l.ranges[i - 1].last + 1,
				  self->l.ranges[i].start);
	}
	EXPECT_EQ(0, self->l.q.nr_windows);
	EXPECT_LT(0, self->l.q.max_windows);
	EXPECT_NE(0, self->l.q.page_sizes);
}

/* What the platform keeps for itself (interrupts) is in no range. */
TEST_F(win, reserved_regions_are_left_out)
{
	char path[96], buf[4096], *line, *save, *end;
	uint64_t start, last;
	unsigned int i;

	snprintf(path, sizeof(path),
		 "/sys/kernel/iommu_groups/%d/reserved_regions",
		 self->u.v.pci.group);
	if (sys_read(path, buf, sizeof(buf)) <= 0)
		SKIP(return, "no reserved regions");
	for (line = strtok_r(buf, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		start = strtoull(line, &end, 16);
		last = strtoull(end, NULL, 16);
		ASSERT_LT(start, last);
		if (strstr(line, "relaxable"))
			continue;
		for (i = 0; i < self->l.q.nr_ranges; i++)
			EXPECT_TRUE(last < self->l.ranges[i].start ||
				    start > self->l.ranges[i].last)
			{
				TH_LOG("%s", line);
			}
		start &= ~(self->p - 1);
		EXPECT_EQ(-ERANGE, uni_window_at(self->c, start, self->p, 0));
	}
}

/* Neither between the ranges, nor above them, nor in part. */
TEST_F(win, outside_of_the_ranges)
{
	uint64_t p = self->p;
	unsigned int i;

	for (i = 0; i < self->l.q.nr_ranges; i++) {
		uint64_t start = self->l.ranges[i].start;
		uint64_t end = self->l.ranges[i].last + 1;

		if (end) {
			EXPECT_EQ(-ERANGE, uni_window_at(self->c, end, p, 0));
			EXPECT_EQ(-ERANGE,
				  uni_window_at(self->c, end - p, 2 * p, 0));
			EXPECT_EQ(-EINVAL, map(self, end, 1));
		}
		if (start) {
			EXPECT_EQ(-ERANGE,
				  uni_window_at(self->c, start - p, 2 * p, 0));
			EXPECT_EQ(-EINVAL, map(self, start - p, 1));
		}
		/* All of it, or its ends, do. */
		EXPECT_EQ(0, uni_window_at(self->c, start, end - start, 0));
		EXPECT_EQ(0, uni_window_remove(self->c, start));
		EXPECT_EQ(0, uni_window_at(self->c, end - p, p, 0));
		EXPECT_EQ(0, map(self, end - p, 1));
		EXPECT_EQ(-EINVAL, map(self, end - 2 * p, 2));
		EXPECT_EQ(p, uni_unmap(self->c, end - p, p));
	}
	ASSERT_EQ(0, uni_query(self->c, &self->l));
	EXPECT_EQ(self->l.q.nr_ranges, self->l.q.nr_windows);
}

/* The ends of every range are within the device's reach. */
TEST_F_TIMEOUT(win, ends_of_the_ranges, 60)
{
	uint64_t p = self->p;
	unsigned int i;

	ASSERT_EQ(0, uni_ready(&self->u));
	for (i = 0; i < self->l.q.nr_ranges; i++) {
		uint64_t iova = self->l.ranges[i].last + 1 - p;
		int ret = uni_window_at(self->c, iova, p, 0);

		if (ret == -EEXIST)
			continue;
		ASSERT_EQ(0, ret);
		ASSERT_EQ(0, map(self, iova, 1));
		EXPECT_EQ(REACHED, dma_to(self, iova, self->mem));
		EXPECT_EQ(p, uni_unmap(self->c, iova, p));
		EXPECT_EQ(MISSED, dma_to(self, iova, self->mem));
	}
}

TEST_F(win, create_query_remove)
{
	uint64_t p = self->p, a, b, c;
	struct sluice_window want[3];

	ASSERT_EQ(0, uni_window(self->c, 4 * p, 0, &a));
	ASSERT_EQ(0, uni_window(self->c, 8 * p, 0, &b));
	EXPECT_TRUE(a + 4 * p <= b || b + 8 * p <= a);
	c = (a > b ? a + 4 * p : b + 8 * p) + 16 * p;
	ASSERT_EQ(0, uni_window_at(self->c, c, 2 * p, 0));
	EXPECT_EQ(-EEXIST, uni_window_at(self->c, c, 2 * p, 0));
	EXPECT_EQ(-EEXIST, uni_window_at(self->c, c - p, 2 * p, 0));
	EXPECT_EQ(-EEXIST, uni_window_at(self->c, c + p, 2 * p, 0));
	EXPECT_EQ(-EEXIST, uni_window_at(self->c, c - p, 4 * p, 0));
	ASSERT_EQ(0, uni_query(self->c, &self->l));
	ASSERT_EQ(3, self->l.q.nr_windows);
	want[0] = (struct sluice_window){ .start = a, .last = a + 4 * p - 1 };
	want[1] = (struct sluice_window){ .start = b, .last = b + 8 * p - 1 };
	want[2] = (struct sluice_window){ .start = c, .last = c + 2 * p - 1 };
	want[0].page_lg2 = __builtin_ctzll(self->l.q.page_sizes);
	want[1].page_lg2 = want[0].page_lg2;
	want[2].page_lg2 = want[0].page_lg2;
	EXPECT_EQ(0, cmp_windows(&want[a > b], &self->l.windows[0]));
	EXPECT_EQ(0, cmp_windows(&want[a < b], &self->l.windows[1]));
	EXPECT_EQ(0, cmp_windows(&want[2], &self->l.windows[2]));
	EXPECT_EQ(-ENOENT, uni_window_remove(self->c, c + p));
	EXPECT_EQ(-ENOENT, uni_window_remove(self->c, c - p));
	EXPECT_EQ(0, uni_window_remove(self->c, b));
	EXPECT_EQ(-ENOENT, uni_window_remove(self->c, b));
	ASSERT_EQ(0, uni_query(self->c, &self->l));
	EXPECT_EQ(2, self->l.q.nr_windows);
	/* In its place. */
	EXPECT_EQ(0, uni_window_at(self->c, b, 8 * p, 0));
}

/* There is room for less than there is: the rest is left out, not lost. */
TEST_F(win, query_with_little_room)
{
	struct sluice_window_query q = { .argsz = sizeof(q) };
	struct sluice_window one[2];
	uint64_t a;

	ASSERT_EQ(0, uni_window(self->c, self->p, 0, &a));
	ASSERT_EQ(0, uni_window(self->c, self->p, 0, &a));
	memset(one, 0xee, sizeof(one));
	q.windows = (uintptr_t)one;
	q.nr_windows = 1;
	ASSERT_EQ(0, vfio_ioctl(self->c, SLUICE_WINDOW_QUERY, &q));
	EXPECT_EQ(self->l.q.nr_ranges, q.nr_ranges);
	EXPECT_EQ(2, q.nr_windows);
	ASSERT_EQ(0, uni_query(self->c, &self->l));
	EXPECT_EQ(0, cmp_windows(&one[0], &self->l.windows[0]));
	EXPECT_EQ(0xeeeeeeee, one[1].reserved);
}

TEST_F(win, as_many_as_there_can_be)
{
	unsigned int i;
	uint64_t a;

	for (i = 0; i < self->l.q.max_windows; i++)
		ASSERT_EQ(0, uni_window(self->c, 2 * self->p, 0, &a));
	EXPECT_EQ(-ENOSPC, uni_window(self->c, self->p, 0, &a));
	ASSERT_EQ(0, uni_query(self->c, &self->l));
	ASSERT_EQ(self->l.q.max_windows, self->l.q.nr_windows);
	for (i = 1; i < self->l.q.nr_windows; i++)
		EXPECT_LT(self->l.windows[i - 1].last,
			  self->l.windows[i].start);
	i /= 2;
	EXPECT_EQ(0, uni_window_remove(self->c, self->l.windows[i].start));
	EXPECT_EQ(0, uni_window(self->c, self->p, 0, &a));
	EXPECT_EQ(self->l.windows[i].start, a);
}

TEST_F(win, too_large)
{
	uint64_t a, most = 0;
	unsigned int i;

	for (i = 0; i < self->l.q.nr_ranges; i++) {
		uint64_t size =
			self->l.ranges[i].last - self->l.ranges[i].start + 1;

		most = size > most ? size : most;
	}
	EXPECT_EQ(-ENOSPC, uni_window(self->c, most + self->p, 0, &a));
	ASSERT_EQ(0, uni_window(self->c, most, 0, &a));
}

/* ---- Maps and windows ---- */

TEST_F(win, maps_stay_in_a_window)
{
	uint64_t p = self->p, a;

	ASSERT_EQ(0, uni_window(self->c, 16 * p, 0, &a));
	ASSERT_EQ(0, uni_window_remove(self->c, a));
	EXPECT_EQ(-EINVAL, map(self, a, 1));
	/* Two windows side by side, and a gap. */
	ASSERT_EQ(0, uni_window_at(self->c, a, 4 * p, 0));
	ASSERT_EQ(0, uni_window_at(self->c, a + 4 * p, 4 * p, 0));
	ASSERT_EQ(0, uni_window_at(self->c, a + 12 * p, 4 * p, 0));
	EXPECT_EQ(-EINVAL, map(self, a + 3 * p, 2));
	EXPECT_EQ(-EINVAL, map(self, a + 8 * p, 1));
	EXPECT_EQ(-EINVAL, map(self, a + 7 * p, 2));
	EXPECT_EQ(-EINVAL, map(self, a + 11 * p, 2));
	EXPECT_EQ(-EINVAL, map(self, a + 15 * p, 2));
	EXPECT_EQ(0, map(self, a, 4));
	EXPECT_EQ(0, map(self, a + 4 * p, 4));
	EXPECT_EQ(0, map(self, a + 12 * p, 4));
	/* Unmaps know no windows. */
	EXPECT_EQ(4 * p, uni_unmap(self->c, a + 2 * p, 4 * p));
	EXPECT_EQ(5 * p, uni_unmap(self->c, a + 3 * p, 12 * p));
	EXPECT_EQ(3 * p, uni_unmap_all(self->c));
	EXPECT_EQ(0, uni_unmap_all(self->c));
}

TEST_F(win, remove_while_mapped)
{
	uint64_t p = self->p, a;

	ASSERT_EQ(0, uni_ready(&self->u));
	ASSERT_EQ(0, uni_window(self->c, 4 * p, 0, &a));
	ASSERT_EQ(0, map(self, a + 3 * p, 1));
	EXPECT_EQ(-EBUSY, uni_window_remove(self->c, a));
	EXPECT_EQ(REACHED, dma_to(self, a + 3 * p, self->mem));
	EXPECT_EQ(p, uni_unmap(self->c, a + 3 * p, p));
	EXPECT_EQ(0, uni_window_remove(self->c, a));
	EXPECT_EQ(-EINVAL, map(self, a + 3 * p, 1));
	EXPECT_EQ(MISSED, dma_to(self, a + 3 * p, self->mem));
	EXPECT_EQ(-EBUSY, uni_window_remove(self->c, self->u.base));
}

/* Windows with each of the other page sizes. */
TEST_F_TIMEOUT(win, larger_pages, 60)
{
	uint64_t p = self->p, huge = uni_huge_page(), a, page;
	unsigned int lg2;
	char *mem;

	ASSERT_EQ(0, uni_ready(&self->u));
	mem = uni_hugetlb();
	if (!mem)
		SKIP(return, "no huge page left");
	for (lg2 = 0; lg2 < 64; lg2++) {
		page = 1ULL << lg2;
		if (!(self->l.q.page_sizes & page)) {
			EXPECT_EQ(-EINVAL,
				  uni_window_at(self->c, 0, page, lg2));
			continue;
		}
		if (page <= p || page > huge)
			continue;
		EXPECT_EQ(-EINVAL, uni_window(self->c, page + p, lg2, &a));
		ASSERT_EQ(0, uni_window(self->c, 4 * page, lg2, &a));
		EXPECT_EQ(0, a % page);
		EXPECT_EQ(-EINVAL, uni_map(self->c, a, mem, p, UNI_RW));
		EXPECT_EQ(-EINVAL, uni_map(self->c, a + p, mem, page, UNI_RW));
		EXPECT_EQ(-EINVAL, uni_map(self->c, a, mem + p, page, UNI_RW));
		ASSERT_EQ(0, uni_map(self->c, a + page, mem, page, UNI_RW));
		EXPECT_EQ(REACHED,
			  dma_to(self, a + 2 * page - 64, mem + page - 64));
		EXPECT_EQ(-EINVAL, uni_unmap(self->c, a + page, p));
		EXPECT_EQ(-EINVAL, uni_unmap(self->c, a, page + p));
		EXPECT_EQ(page, uni_unmap(self->c, a, 4 * page));
		EXPECT_EQ(MISSED,
			  dma_to(self, a + 2 * page - 64, mem + page - 64));
		EXPECT_EQ(0, uni_window_remove(self->c, a));
	}
}

/* Memory in small pages doesn't do for a window with large ones. */
TEST_F(win, memory_too_scattered)
{
	uint64_t p = self->p, page, a;
	unsigned int lg2 = 63 - __builtin_clzll(self->l.q.page_sizes), i;
	int fd = memfd_create("scattered", 0);
	uint32_t handle;
	char *mem;

	page = 1ULL << lg2;
	if (page <= p)
		SKIP(return, "one page size");
	ASSERT_EQ(0, uni_ready(&self->u));
	mem = sys_alloc(2 * page, page);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, ftruncate(fd, page));
	/* The first two pages change places. */
	for (i = 0; i < page / p; i++)
		ASSERT_NE(MAP_FAILED,
			  mmap(mem + i * p, p, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_FIXED, fd,
			       (i < 2 ? !i : i) * p));
	ASSERT_EQ(0, uni_window(self->c, page, lg2, &a));
	ASSERT_EQ(0, uni_register(self->c, mem, page, UNI_RW, &handle));
	EXPECT_EQ(-EINVAL, uni_map(self->c, a, mem, page, UNI_RW));
	EXPECT_EQ(-EINVAL, uni_map_handle(self->c, a, handle, 0, page, UNI_RW));
	EXPECT_EQ(p, uni_unmap_all(self->c));
	EXPECT_UNI_LOCKED(self->c, page / KIB);
}

int main(int argc, char **argv)
{
	return uni_main(argc, argv, test_harness_run);
}
