// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registered memory of unified spaces: what a handle means, whatever the process
 * does to its address space; when a registration may go; what is pinned and what
 * is charged (limits of that are unified_limits.c's).
 */
#include "kselftest_harness.h"
#include "uni.h"

#include <sys/mman.h>
#include <sys/wait.h>

#define MISSED UNI_MISSED
#define REACHED UNI_REACHED

FIXTURE(mem)
{
	struct uni u;
	int c;
	uint64_t p;
	uint64_t at;
};

FIXTURE_SETUP(mem)
{
	if (!uni_offered())
		SKIP(return, "no unified spaces");
	ASSERT_EQ(0, uni_open_ready(&self->u, 0));
	self->c = self->u.c;
	self->p = self->u.p;
	self->at = self->u.base + 4 * self->p;
}

FIXTURE_TEARDOWN(mem)
{
	uni_close(&self->u);
	EXPECT_LOCKED(0);
	EXPECT_TRUE(sys_pins_settle(self->u.pins, 1000));
}

static char *pages(struct _test_data_mem *self, unsigned int n)
{
	return sys_alloc(n * self->p, self->p);
}

static int dma_to(struct _test_data_mem *self, uint64_t iova, char *mem)
{
	return uni_dma_write(&self->u, iova, mem);
}

static int dma_from(struct _test_data_mem *self, uint64_t iova, char *mem)
{
	return uni_dma_read(&self->u, iova, mem);
}

/* Pages of a file, mapped twice: the second mapping shows what the first had. */
static char *twin_pages(struct _test_data_mem *self, unsigned int n,
			char **twin)
{
	int fd = memfd_create("twin", 0);
	char *mem;

	if (fd < 0 || ftruncate(fd, n * self->p))
		return NULL;
	mem = mmap(NULL, n * self->p, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		   0);
	*twin = mmap(NULL, n * self->p, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		     0);
	close(fd);
	return mem == MAP_FAILED || *twin == MAP_FAILED ? NULL : mem;
}

/* ---- What is pinned and charged ---- */

TEST_F(mem, charged_once)
{
	uint64_t p = self->p, kib = 16 * p / KIB;
	long locked = uni_locked_kib(self->c), pins = sys_pins();
	char *mem = pages(self, 16);
	uint32_t handle;
	int i;

	ASSERT_EQ(p / KIB, locked);
	ASSERT_EQ(0, uni_register(self->c, mem, 16 * p, UNI_RW, &handle));
	EXPECT_UNI_LOCKED(self->c, locked + kib);
	EXPECT_EQ(pins + 16, sys_pins());
	for (i = 0; i < 10; i++)
		ASSERT_EQ(0, uni_map_handle(self->c, self->at + i * 16 * p,
					    handle, 0, 16 * p, UNI_RW));
	EXPECT_UNI_LOCKED(self->c, locked + kib);
	EXPECT_EQ(pins + 16, sys_pins());
	EXPECT_EQ(160 * p, uni_unmap(self->c, self->at, 160 * p));
	EXPECT_UNI_LOCKED(self->c, locked + kib);
	EXPECT_EQ(pins + 16, sys_pins());
	EXPECT_EQ(0, uni_unregister(self->c, handle));
	EXPECT_UNI_LOCKED(self->c, locked);
	EXPECT_EQ(pins, sys_pins());
}

/* By address each time, registered or not. */
TEST_F(mem, charged_each_time)
{
	uint64_t p = self->p, kib = 4 * p / KIB;
	char *mem = pages(self, 4);
	long locked, pins;
	uint32_t handle;
	int i;

	ASSERT_EQ(0, uni_register(self->c, mem, 4 * p, UNI_RW, &handle));
	locked = uni_locked_kib(self->c);
	pins = sys_pins();
	for (i = 1; i <= 5; i++) {
		ASSERT_EQ(0, uni_map(self->c, self->at + i * 4 * p, mem, 4 * p,
				     UNI_RW));
		EXPECT_UNI_LOCKED(self->c, locked + i * kib);
		EXPECT_EQ(pins + i * 4, sys_pins());
	}
	EXPECT_EQ(6 * p, uni_unmap(self->c, self->at + 6 * p, 6 * p));
	EXPECT_UNI_LOCKED(self->c, locked + 5 * kib - 6 * p / KIB);
	EXPECT_EQ(pins + 14, sys_pins());
	EXPECT_EQ(15 * p, uni_unmap_all(self->c));
	EXPECT_UNI_LOCKED(self->c, kib);
	EXPECT_EQ(self->u.pins + 4, sys_pins());
}

TEST_F(mem, registered_twice)
{
	uint64_t p = self->p;
	long locked = uni_locked_kib(self->c), pins = sys_pins();
	char *mem = pages(self, 2);
	uint32_t a, b;

	ASSERT_EQ(0, uni_register(self->c, mem, 2 * p, UNI_RW, &a));
	ASSERT_EQ(0, uni_register(self->c, mem, 2 * p, UNI_RW, &b));
	EXPECT_NE(a, b);
	EXPECT_UNI_LOCKED(self->c, locked + 4 * p / KIB);
	EXPECT_EQ(pins + 4, sys_pins());
	EXPECT_EQ(0, uni_unregister(self->c, a));
	EXPECT_EQ(-ENOENT, uni_unregister(self->c, a));
	EXPECT_EQ(pins + 2, sys_pins());
	ASSERT_EQ(0, uni_map_handle(self->c, self->at, b, p, p, UNI_RW));
	EXPECT_EQ(REACHED, dma_to(self, self->at, mem + p));
}

TEST_F(mem, info)
{
	uint64_t p = self->p;
	struct sluice_info info;
	struct uni_layout layout;
	char *mem = pages(self, 3);
	uint32_t a, b;

	ASSERT_EQ(0, uni_register(self->c, mem, 3 * p, UNI_RW, &a));
	ASSERT_EQ(0, uni_register(self->c, mem, p, UNI_RW, &b));
	ASSERT_EQ(0, uni_info(self->c, &info));
	EXPECT_EQ(0, info.flags);
	EXPECT_EQ(4 * p, info.registered);
	EXPECT_EQ(2, info.handles);
	EXPECT_EQ(1, info.groups);
	EXPECT_LT(0, info.tables);
	EXPECT_EQ(0, info.tables % p);
	EXPECT_TRUE(info.page_sizes & p);
	EXPECT_EQ(0, info.page_sizes & (p - 1));
	ASSERT_EQ(0, uni_query(self->c, &layout));
	EXPECT_TRUE(layout.q.page_sizes & p);
	EXPECT_EQ(0, layout.q.page_sizes & ~info.page_sizes);
	EXPECT_EQ(0, uni_unregister(self->c, a));
	ASSERT_EQ(0, uni_info(self->c, &info));
	EXPECT_EQ(p, info.registered);
	EXPECT_EQ(1, info.handles);
}

TEST_F_TIMEOUT(mem, many_handles, 60)
{
	uint64_t p = self->p;
	char *mem = pages(self, 1);
	uint32_t handles[500];
	struct sluice_info info;
	int i, j;

	for (i = 0; i < 500; i++)
		ASSERT_EQ(0,
			  uni_register(self->c, mem, p, UNI_RW, &handles[i]));
	for (i = 0; i < 500; i++) {
		for (j = 0; j < i; j++)
			ASSERT_NE(handles[i], handles[j]);
	}
	ASSERT_EQ(0, uni_info(self->c, &info));
	EXPECT_EQ(500, info.handles);
	ASSERT_EQ(0, uni_map_handle(self->c, self->at, handles[250], 0, p,
				    UNI_RW));
	/* The last one must stay, whichever it is. */
	for (i = 0; i < 499; i++)
		ASSERT_EQ(0, uni_unregister(self->c, handles[i]));
	EXPECT_EQ(-EBUSY, uni_unregister(self->c, handles[499]));
	EXPECT_EQ(REACHED, dma_to(self, self->at, mem));
}

/* ---- What a handle means ---- */

TEST_F(mem, survives_munmap)
{
	uint64_t p = self->p;
	char *mem, *twin;
	uint32_t handle;

	mem = twin_pages(self, 2, &twin);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, uni_register(self->c, mem, 2 * p, UNI_RW, &handle));
	ASSERT_EQ(0, munmap(mem, 2 * p));
	ASSERT_EQ(0, uni_map_handle(self->c, self->at, handle, p, p, UNI_RW));
	EXPECT_EQ(REACHED, dma_to(self, self->at, twin + p));
	EXPECT_EQ(REACHED, dma_from(self, self->at, twin + p));
	EXPECT_EQ(-EFAULT, uni_map(self->c, self->at + p, mem, p, UNI_RW));
}

/* Private memory that is gone for the process isn't for the device. */
TEST_F(mem, survives_dontneed)
{
	uint64_t p = self->p;
	char *mem = pages(self, 2), *copy = pages(self, 1);
	uint32_t handle;

	ASSERT_EQ(0, uni_register(self->c, mem, p, UNI_RW, &handle));
	memset(mem, 0x21, p);
	ASSERT_EQ(0, madvise(mem, p, MADV_DONTNEED));
	ASSERT_EQ(0, uni_map_handle(self->c, self->at, handle, 0, p, UNI_RW));
	ASSERT_EQ(0, uni_map(self->c, self->at + p, copy, p, UNI_RW));
	EXPECT_EQ(0, mem[0]);
	EXPECT_EQ(MISSED, dma_to(self, self->at, mem));
	/* Its rest is as it was when it went. */
	ASSERT_TRUE(edu_dma_from(&self->u.edu, self->at + 128, 0, 64));
	ASSERT_TRUE(edu_dma_to(&self->u.edu, self->at + p, 0, 64));
	EXPECT_EQ(0x21, copy[0]);
	EXPECT_EQ(0x21, copy[63]);
	EXPECT_EQ(0, copy[64]);
}

TEST_F(mem, survives_replacement)
{
	uint64_t p = self->p;
	char *mem, *twin;
	uint32_t handle;

	mem = twin_pages(self, 1, &twin);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, uni_register(self->c, mem, p, UNI_RW, &handle));
	ASSERT_EQ(mem, mmap(mem, p, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	memset(mem, 0x12, p);
	ASSERT_EQ(0, uni_map_handle(self->c, self->at, handle, 0, p, UNI_RW));
	/* By address it is what is there now. */
	ASSERT_EQ(0, uni_map(self->c, self->at + p, mem, p, UNI_RW));
	EXPECT_EQ(REACHED, dma_to(self, self->at, twin));
	EXPECT_EQ(0x12, mem[0]);
	EXPECT_EQ(REACHED, dma_to(self, self->at + p, mem));
}

/* After a fork, parent and device keep the page; the child has a copy. */
TEST_F(mem, survives_fork)
{
	uint64_t p = self->p;
	char *mem = pages(self, 2);
	int child, status, pipefd[2];
	uint32_t handle;
	char c;

	ASSERT_EQ(0, uni_register(self->c, mem, 2 * p, UNI_RW, &handle));
	ASSERT_EQ(0,
		  uni_map_handle(self->c, self->at, handle, 0, 2 * p, UNI_RW));
	memset(mem, 0x31, 2 * p);
	ASSERT_EQ(0, pipe(pipefd));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		close(pipefd[1]);
		memset(mem, 0x77, 2 * p);
		/* Until the parent has had its DMA. */
		if (read(pipefd[0], &c, 1) != 1)
			_exit(1);
		_exit(mem[0] == 0x77 && mem[p] == 0x77 ? 0 : 2);
	}
	sys_sleep_ms(50);
	EXPECT_EQ(0x31, mem[0]);
	EXPECT_EQ(REACHED, dma_to(self, self->at, mem));
	EXPECT_EQ(REACHED, dma_to(self, self->at + p, mem + p));
	EXPECT_EQ(REACHED, dma_from(self, self->at + p, mem + p));
	ASSERT_EQ(1, write(pipefd[1], "x", 1));
	status = sys_wait_child(child, 5000);
	EXPECT_TRUE(WIFEXITED(status) && !WEXITSTATUS(status));
	EXPECT_EQ(REACHED, dma_to(self, self->at, mem));
}

/* A region with the same page twice, and pages in the reverse order. */
TEST_F(mem, page_twice_in_a_region)
{
	uint64_t p = self->p;
	int fd = memfd_create("twice", 0), i;
	uint32_t handle;
	char *mem;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, 3 * p));
	mem = mmap(NULL, 6 * p, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, mem);
	for (i = 0; i < 6; i++)
		ASSERT_EQ(mem + i * p,
			  mmap(mem + i * p, p, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_FIXED, fd, (5 - i) % 3 * p));
	ASSERT_EQ(0, uni_register(self->c, mem, 6 * p, UNI_RW, &handle));
	ASSERT_EQ(0,
		  uni_map_handle(self->c, self->at, handle, 0, 6 * p, UNI_RW));
	EXPECT_EQ(REACHED, dma_to(self, self->at, mem + 3 * p));
	EXPECT_EQ(REACHED, dma_to(self, self->at + 5 * p, mem + 2 * p));
	EXPECT_EQ(REACHED, dma_to(self, self->at + 4 * p, mem + p));
	EXPECT_EQ(5 * p, uni_unmap(self->c, self->at + p, 5 * p));
	EXPECT_EQ(-EBUSY, uni_unregister(self->c, handle));
	EXPECT_EQ(p, uni_unmap(self->c, self->at, p));
	EXPECT_EQ(0, uni_unregister(self->c, handle));
}

/* ---- When a registration may go ---- */

TEST_F(mem, unregister_while_mapped)
{
	uint64_t p = self->p, at = self->at;
	char *mem = pages(self, 8);
	long pins = sys_pins();
	uint32_t handle;

	ASSERT_EQ(0, uni_register(self->c, mem, 8 * p, UNI_RW, &handle));
	ASSERT_EQ(0, uni_map_handle(self->c, at, handle, 0, 8 * p, UNI_RW));
	EXPECT_EQ(-EBUSY, uni_unregister(self->c, handle));
	/* While the last page is still there. */
	EXPECT_EQ(7 * p, uni_unmap(self->c, at, 7 * p));
	EXPECT_EQ(-EBUSY, uni_unregister(self->c, handle));
	EXPECT_EQ(pins + 8, sys_pins());
	EXPECT_EQ(REACHED, dma_to(self, at + 7 * p, mem + 7 * p));
	/* It can still be used as before. */
	EXPECT_EQ(0, uni_map_handle(self->c, at, handle, 0, p, UNI_RW));
	EXPECT_EQ(2 * p, uni_unmap(self->c, at, 8 * p));
	EXPECT_EQ(0, uni_unregister(self->c, handle));
	EXPECT_EQ(pins, sys_pins());
	EXPECT_EQ(-ENOENT, uni_map_handle(self->c, at, handle, 0, p, UNI_RW));
}

TEST_F(mem, unregister_what_is_mapped_by_address)
{
	uint64_t p = self->p;
	char *mem = pages(self, 2);
	uint32_t handle;

	ASSERT_EQ(0, uni_register(self->c, mem, 2 * p, UNI_RW, &handle));
	ASSERT_EQ(0, uni_map(self->c, self->at, mem, 2 * p, UNI_RW));
	EXPECT_EQ(0, uni_unregister(self->c, handle));
	EXPECT_EQ(REACHED, dma_to(self, self->at, mem));
	EXPECT_EQ(2 * p, uni_unmap(self->c, self->at, 2 * p));
}

/* Others that hold the same pages with enough rights make up for it. */
TEST_F(mem, unregister_what_others_cover)
{
	uint64_t p = self->p, at = self->at;
	char *mem = pages(self, 4);
	uint32_t all, low, high, readable;

	ASSERT_EQ(0, uni_register(self->c, mem, 4 * p, UNI_RW, &all));
	ASSERT_EQ(0, uni_register(self->c, mem, 4 * p, SLUICE_READ, &readable));
	ASSERT_EQ(0, uni_register(self->c, mem, 2 * p, UNI_RW, &low));
	ASSERT_EQ(0, uni_map_handle(self->c, at, all, 0, 4 * p, UNI_RW));
	/* A half, and rights that don't suffice. */
	EXPECT_EQ(-EBUSY, uni_unregister(self->c, all));
	ASSERT_EQ(0, uni_register(self->c, mem + p, 3 * p, UNI_RW, &high));
	EXPECT_EQ(0, uni_unregister(self->c, all));
	EXPECT_EQ(-EBUSY, uni_unregister(self->c, low));
	EXPECT_EQ(-EBUSY, uni_unregister(self->c, high));
	EXPECT_EQ(0, uni_unregister(self->c, readable));
	EXPECT_EQ(REACHED, dma_to(self, at, mem));
	EXPECT_EQ(REACHED, dma_to(self, at + 3 * p, mem + 3 * p));
	EXPECT_EQ(p, uni_unmap(self->c, at, p));
	EXPECT_EQ(0, uni_unregister(self->c, low));
	EXPECT_EQ(3 * p, uni_unmap(self->c, at, 4 * p));
	EXPECT_EQ(0, uni_unregister(self->c, high));
}

TEST_F(mem, rights_that_suffice)
{
	uint64_t p = self->p, at = self->at;
	char *mem = pages(self, 1);
	uint32_t both, readable, writable;

	ASSERT_EQ(0, uni_register(self->c, mem, p, UNI_RW, &both));
	ASSERT_EQ(0, uni_register(self->c, mem, p, SLUICE_READ, &readable));
	ASSERT_EQ(0, uni_register(self->c, mem, p, SLUICE_WRITE, &writable));
	ASSERT_EQ(0, uni_map_handle(self->c, at, both, 0, p, SLUICE_READ));
	/* The map is read-only, though its registration isn't. */
	EXPECT_EQ(0, uni_unregister(self->c, both));
	EXPECT_EQ(0, uni_unregister(self->c, writable));
	EXPECT_EQ(-EBUSY, uni_unregister(self->c, readable));
	EXPECT_EQ(MISSED, dma_to(self, at, mem));
	EXPECT_EQ(REACHED, dma_from(self, at, mem));
}

int main(int argc, char **argv)
{
	return uni_main(argc, argv, test_harness_run);
}
