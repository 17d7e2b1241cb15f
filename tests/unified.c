// SPDX-License-Identifier: GPL-2.0-only
/*
 * Maps and unmaps of a unified space, seen by a device's DMA: what is mapped, by
 * address or by handle, is reached; what isn't, or not any more, or not for
 * writing, isn't, whatever operations had mapped it.
 */
#include "kselftest_harness.h"
#include "uni.h"

#include <sys/mman.h>

#define MISSED UNI_MISSED
#define REACHED UNI_REACHED

FIXTURE(uni)
{
	struct uni u;
	int c;
	uint64_t p;
	uint64_t at; /* where most tests map */
};

FIXTURE_SETUP(uni)
{
	if (!uni_offered())
		SKIP(return, "no unified spaces");
	ASSERT_EQ(0, uni_open_ready(&self->u, 0));
	self->c = self->u.c;
	self->p = self->u.p;
	self->at = self->u.base + 4 * self->p;
}

FIXTURE_TEARDOWN(uni)
{
	uni_close(&self->u);
	EXPECT_LOCKED(0);
	EXPECT_TRUE(sys_pins_settle(self->u.pins, 1000));
}

static char *pages(struct _test_data_uni *self, unsigned int n)
{
	return sys_alloc(n * self->p, self->p);
}

static int dma_to(struct _test_data_uni *self, uint64_t iova, char *mem)
{
	return uni_dma_write(&self->u, iova, mem);
}

static int dma_from(struct _test_data_uni *self, uint64_t iova, char *mem)
{
	return uni_dma_read(&self->u, iova, mem);
}

TEST_F(uni, by_address)
{
	uint64_t p = self->p;
	char *mem = pages(self, 3);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, uni_map(self->c, self->at, mem, 3 * p, UNI_RW));
	EXPECT_EQ(REACHED, dma_to(self, self->at, mem));
	EXPECT_EQ(REACHED,
		  dma_to(self, self->at + 3 * p - 64, mem + 3 * p - 64));
	EXPECT_EQ(REACHED, dma_from(self, self->at + p, mem + p));
	EXPECT_EQ(MISSED, dma_to(self, self->at + 3 * p, mem));
	EXPECT_EQ(MISSED, dma_to(self, self->at - 64, mem));
	EXPECT_EQ(3 * p, uni_unmap(self->c, self->at, 3 * p));
	EXPECT_EQ(MISSED, dma_to(self, self->at, mem));
	EXPECT_EQ(MISSED, dma_to(self, self->at + 2 * p, mem + 2 * p));
	EXPECT_EQ(MISSED, dma_from(self, self->at + p, mem + p));
}

TEST_F(uni, by_handle_and_offset)
{
	uint64_t p = self->p;
	char *mem = pages(self, 8);
	uint32_t handle;

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, uni_register(self->c, mem, 8 * p, UNI_RW, &handle));
	ASSERT_NE(0, handle);
	ASSERT_EQ(0, uni_map_handle(self->c, self->at, handle, 5 * p, 2 * p,
				    UNI_RW));
	EXPECT_EQ(REACHED, dma_to(self, self->at, mem + 5 * p));
	EXPECT_EQ(REACHED, dma_to(self, self->at + p, mem + 6 * p));
	EXPECT_EQ(REACHED, dma_from(self, self->at + p, mem + 6 * p));
	EXPECT_EQ(MISSED, dma_to(self, self->at + 2 * p, mem + 7 * p));
	EXPECT_EQ(2 * p, uni_unmap(self->c, self->at, 2 * p));
	EXPECT_EQ(MISSED, dma_to(self, self->at, mem + 5 * p));
	EXPECT_EQ(MISSED, dma_from(self, self->at, mem + 5 * p));
}

/* Scattered memory, and the same memory in several places. */
TEST_F(uni, mixed_batch)
{
	uint64_t p = self->p, at = self->at, unmapped;
	char *mem = pages(self, 4), *other = pages(self, 2);
	struct sluice_dma_op ops[7];
	uint32_t handle, done;

	ASSERT_EQ(0, uni_register(self->c, mem, 4 * p, UNI_RW, &handle));
	ops[0] = uni_op_map(at, other, 2 * p, UNI_RW);
	ops[1] = uni_op_handle(at + 2 * p, handle, 3 * p, p, UNI_RW);
	ops[2] = uni_op_handle(at + 3 * p, handle, 0, p, UNI_RW);
	ops[3] = uni_op_handle(at + 4 * p, handle, 0, p, SLUICE_READ);
	/* In order: what goes makes room for what comes. */
	ops[4] = uni_op_unmap(at + p, 2 * p);
	ops[5] = uni_op_handle(at + p, handle, p, 2 * p, UNI_RW);
	ops[6] = uni_op_map(at + 5 * p, mem, p, UNI_RW);
	ASSERT_EQ(0, uni_batch(self->c, ops, 7, &done, &unmapped));
	EXPECT_EQ(7, done);
	EXPECT_EQ(2 * p, unmapped);
	EXPECT_EQ(REACHED, dma_to(self, at, other));
	EXPECT_EQ(REACHED, dma_to(self, at + p, mem + p));
	EXPECT_EQ(REACHED, dma_to(self, at + 2 * p, mem + 2 * p));
	EXPECT_EQ(REACHED, dma_to(self, at + 3 * p, mem));
	EXPECT_EQ(MISSED, dma_to(self, at + 4 * p, mem));
	EXPECT_EQ(REACHED, dma_to(self, at + 5 * p, mem));
	EXPECT_EQ(6 * p, uni_unmap(self->c, self->u.base, 64 * p));
	EXPECT_EQ(MISSED, dma_to(self, at + 3 * p, mem));
}

TEST_F(uni, up_to_the_first_error)
{
	uint64_t p = self->p, at = self->at, unmapped;
	char *mem = pages(self, 4);
	struct sluice_dma_op ops[4];
	uint32_t done;

	ops[0] = uni_op_map(at, mem, 2 * p, UNI_RW);
	ops[1] = uni_op_unmap(at, p);
	ops[2] = uni_op_map(at + p, mem + 2 * p, 2 * p, UNI_RW);
	ops[3] = uni_op_map(at + 8 * p, mem + 3 * p, p, UNI_RW);
	EXPECT_EQ(-EEXIST, uni_batch(self->c, ops, 4, &done, &unmapped));
	EXPECT_EQ(2, done);
	EXPECT_EQ(p, unmapped);
	EXPECT_EQ(MISSED, dma_to(self, at, mem));
	EXPECT_EQ(REACHED, dma_to(self, at + p, mem + p));
	EXPECT_EQ(MISSED, dma_to(self, at + 2 * p, mem + 3 * p));
	EXPECT_EQ(MISSED, dma_to(self, at + 8 * p, mem + 3 * p));
	EXPECT_EQ(p, uni_unmap_all(self->c) - p /* the well's */);
	EXPECT_UNI_LOCKED(self->c, 0);
}

TEST_F(uni, exists)
{
	uint64_t p = self->p, at = self->at;
	char *mem = pages(self, 8);
	long pins, locked;
	uint32_t handle;

	ASSERT_EQ(0, uni_register(self->c, mem, 8 * p, UNI_RW, &handle));
	ASSERT_EQ(0, uni_map(self->c, at + 3 * p, mem, p, SLUICE_READ));
	ASSERT_EQ(0, uni_map_handle(self->c, at + 5 * p, handle, p, p, UNI_RW));
	pins = sys_pins();
	locked = uni_locked_kib(self->c);
	EXPECT_EQ(-EEXIST, uni_map(self->c, at + 3 * p, mem, p, SLUICE_READ));
	EXPECT_EQ(-EEXIST, uni_map(self->c, at + 2 * p, mem, 2 * p, UNI_RW));
	EXPECT_EQ(-EEXIST, uni_map(self->c, at + 3 * p, mem, 2 * p, UNI_RW));
	EXPECT_EQ(-EEXIST, uni_map(self->c, at, mem, 8 * p, UNI_RW));
	EXPECT_EQ(-EEXIST, uni_map_handle(self->c, at + 4 * p, handle, 0, 2 * p,
					  UNI_RW));
	EXPECT_EQ(-EEXIST,
		  uni_map_handle(self->c, at, handle, 0, 8 * p, UNI_RW));
	EXPECT_UNI_LOCKED(self->c, locked);
	EXPECT_EQ(pins, sys_pins());
	EXPECT_EQ(MISSED, dma_to(self, at + 2 * p, mem + 2 * p));
	EXPECT_EQ(MISSED, dma_to(self, at + 4 * p, mem + p));
	EXPECT_EQ(MISSED, dma_to(self, at + 3 * p, mem));
	EXPECT_EQ(REACHED, dma_to(self, at + 5 * p, mem + p));
	EXPECT_EQ(2 * p, uni_unmap(self->c, at, 8 * p));
}

/* Pages of one map go one by one; others come where they were. */
static void any_part(struct __test_metadata *_metadata,
		     struct _test_data_uni *self, char *mem, uint32_t handle)
{
	const unsigned int gone = 1 << 2 | 1 << 3 | 1 << 5;
	uint64_t p = self->p, at = self->at;
	char *other = pages(self, 1);
	long pins = sys_pins();
	int i;

	ASSERT_EQ(2 * p, uni_unmap(self->c, at + 2 * p, 2 * p));
	ASSERT_EQ(p, uni_unmap(self->c, at + 5 * p, p));
	EXPECT_EQ(pins - (handle ? 0 : 3), sys_pins());
	for (i = 0; i < 8; i++) {
		EXPECT_EQ(gone >> i & 1 ? MISSED : REACHED,
			  dma_to(self, at + i * p, mem + i * p))
		{
			TH_LOG("page %d", i);
		}
	}
	ASSERT_EQ(0, uni_map(self->c, at + 3 * p, other, p, UNI_RW));
	EXPECT_EQ(REACHED, dma_to(self, at + 3 * p, other));
	EXPECT_EQ(REACHED, dma_to(self, at + 4 * p, mem + 4 * p));
	/* Over holes, and what two operations had mapped. */
	EXPECT_EQ(5 * p, uni_unmap(self->c, at + p, 16 * p));
	EXPECT_EQ(MISSED, dma_to(self, at + 3 * p, other));
	EXPECT_EQ(MISSED, dma_to(self, at + 7 * p, mem + 7 * p));
	EXPECT_EQ(REACHED, dma_to(self, at, mem));
	EXPECT_EQ(p, uni_unmap(self->c, at, p));
	EXPECT_EQ(0, uni_unmap(self->c, at, 16 * p));
	EXPECT_EQ(pins - (handle ? 0 : 8), sys_pins());
}

TEST_F_TIMEOUT(uni, any_part_by_address, 60)
{
	char *mem = pages(self, 8);

	ASSERT_EQ(0, uni_map(self->c, self->at, mem, 8 * self->p, UNI_RW));
	any_part(_metadata, self, mem, 0);
}

TEST_F_TIMEOUT(uni, any_part_by_handle, 60)
{
	uint64_t p = self->p;
	char *mem = pages(self, 8);
	uint32_t handle;

	ASSERT_EQ(0, uni_register(self->c, mem, 8 * p, UNI_RW, &handle));
	ASSERT_EQ(0,
		  uni_map_handle(self->c, self->at, handle, 0, 8 * p, UNI_RW));
	any_part(_metadata, self, mem, handle);
}

/* A page in the middle of a huge page that is mapped as such, @off bytes off. */
static void huge_part(struct __test_metadata *_metadata,
		      struct _test_data_uni *self, char *mem, bool by_handle)
{
	uint64_t huge = uni_huge_page(), p = self->p, at, hole = huge / 2;
	uint32_t handle = 0;
	long pins;

	memset(mem, 1, huge);
	at = (self->u.base + 2 * huge - 1) / huge * huge;
	ASSERT_LT(at + 2 * huge, self->u.base + self->u.size);
	if (by_handle) {
		ASSERT_EQ(0, uni_register(self->c, mem, huge, UNI_RW, &handle));
		ASSERT_EQ(0,
			  uni_map_handle(self->c, at, handle, 0, huge, UNI_RW));
	} else {
		ASSERT_EQ(0, uni_map(self->c, at, mem, huge, UNI_RW));
	}
	EXPECT_EQ(REACHED, dma_to(self, at + hole, mem + hole));
	pins = sys_pins();
	EXPECT_EQ(p, uni_unmap(self->c, at + hole, p));
	EXPECT_EQ(pins - !by_handle, sys_pins());
	EXPECT_EQ(MISSED, dma_to(self, at + hole, mem + hole));
	EXPECT_EQ(MISSED,
		  dma_from(self, at + hole + p - 64, mem + hole + p - 64));
	EXPECT_EQ(REACHED, dma_to(self, at + hole - 64, mem + hole - 64));
	EXPECT_EQ(REACHED, dma_to(self, at + hole + p, mem + hole + p));
	EXPECT_EQ(REACHED, dma_to(self, at, mem));
	EXPECT_EQ(REACHED, dma_to(self, at + huge - 64, mem + huge - 64));
	/* Ends that are cut at both sides. */
	EXPECT_EQ(huge - 3 * p, uni_unmap(self->c, at + p, huge - 2 * p));
	EXPECT_EQ(REACHED, dma_to(self, at, mem));
	EXPECT_EQ(MISSED, dma_to(self, at + p, mem + p));
	EXPECT_EQ(REACHED, dma_to(self, at + huge - p, mem + huge - p));
	EXPECT_EQ(2 * p, uni_unmap(self->c, at, huge));
	EXPECT_EQ(pins - (by_handle ? 0 : huge / p), sys_pins());
}

TEST_F_TIMEOUT(uni, hugetlb_part_by_address, 60)
{
	char *mem = uni_hugetlb();

	if (!mem)
		SKIP(return, "no huge page left");
	huge_part(_metadata, self, mem, false);
}

TEST_F_TIMEOUT(uni, hugetlb_part_by_handle, 60)
{
	char *mem = uni_hugetlb();

	if (!mem)
		SKIP(return, "no huge page left");
	huge_part(_metadata, self, mem, true);
}

TEST_F_TIMEOUT(uni, transparent_huge_page_part, 60)
{
	size_t huge = uni_huge_page();
	char *mem = sys_alloc(huge, huge);

	ASSERT_NE(NULL, mem);
	/* Populated by small pages so far: start afresh, with advice. */
	ASSERT_EQ(0, madvise(mem, huge, MADV_DONTNEED));
	if (madvise(mem, huge, MADV_HUGEPAGE))
		SKIP(return, "no transparent huge pages");
	huge_part(_metadata, self, mem, false);
}

/* A write must be the first access: QEMU faults only if nothing is cached. */
TEST_F(uni, read_only)
{
	uint64_t p = self->p, at = self->at;
	char *mem = pages(self, 4);
	uint32_t handle, readable;

	ASSERT_EQ(0, uni_register(self->c, mem, 4 * p, UNI_RW, &handle));
	ASSERT_EQ(0, uni_register(self->c, mem, 4 * p, SLUICE_READ, &readable));
	ASSERT_EQ(0, uni_map(self->c, at, mem, p, SLUICE_READ));
	ASSERT_EQ(0,
		  uni_map_handle(self->c, at + p, handle, p, p, SLUICE_READ));
	EXPECT_EQ(-EACCES, uni_map_handle(self->c, at + 2 * p, readable, 2 * p,
					  p, UNI_RW));
	EXPECT_EQ(-EACCES, uni_map_handle(self->c, at + 2 * p, readable, 2 * p,
					  p, SLUICE_WRITE));
	ASSERT_EQ(0, uni_map_handle(self->c, at + 2 * p, readable, 2 * p, p,
				    SLUICE_READ));
	EXPECT_EQ(MISSED, dma_to(self, at, mem));
	EXPECT_EQ(MISSED, dma_to(self, at + p, mem + p));
	EXPECT_EQ(MISSED, dma_to(self, at + 2 * p, mem + 2 * p));
	EXPECT_EQ(REACHED, dma_from(self, at, mem));
	EXPECT_EQ(REACHED, dma_from(self, at + p, mem + p));
	EXPECT_EQ(REACHED, dma_from(self, at + 2 * p, mem + 2 * p));
	/* Reading doesn't open the way for a write. */
	EXPECT_EQ(MISSED, dma_to(self, at + p, mem + p));
	/* Neither does a part of it that goes. */
	EXPECT_EQ(p, uni_unmap(self->c, at, p));
	EXPECT_EQ(MISSED, dma_to(self, at + 2 * p, mem + 2 * p));
}

TEST_F(uni, write_only)
{
	uint64_t p = self->p, at = self->at;
	char *mem = pages(self, 2);
	uint32_t handle;

	ASSERT_EQ(0, uni_register(self->c, mem, p, SLUICE_WRITE, &handle));
	EXPECT_EQ(-EACCES,
		  uni_map_handle(self->c, at, handle, 0, p, SLUICE_READ));
	ASSERT_EQ(0, uni_map_handle(self->c, at, handle, 0, p, SLUICE_WRITE));
	ASSERT_EQ(0, uni_map(self->c, at + p, mem + p, p, SLUICE_WRITE));
	EXPECT_EQ(REACHED, dma_to(self, at, mem));
	EXPECT_EQ(REACHED, dma_to(self, at + p, mem + p));
}

/* What the process may not write, a device may not either. */
TEST_F(uni, memory_that_is_read_only)
{
	uint64_t p = self->p, at = self->at;
	char *mem = pages(self, 1);
	uint32_t handle;

	ASSERT_EQ(0, mprotect(mem, p, PROT_READ));
	EXPECT_EQ(-EFAULT, uni_register(self->c, mem, p, UNI_RW, &handle));
	EXPECT_EQ(-EFAULT, uni_map(self->c, at, mem, p, UNI_RW));
	ASSERT_EQ(0, uni_register(self->c, mem, p, SLUICE_READ, &handle));
	ASSERT_EQ(0, uni_map(self->c, at, mem, p, SLUICE_READ));
	ASSERT_EQ(0,
		  uni_map_handle(self->c, at + p, handle, 0, p, SLUICE_READ));
	ASSERT_EQ(0, mprotect(mem, p, PROT_READ | PROT_WRITE));
	EXPECT_EQ(MISSED, dma_to(self, at, mem));
	EXPECT_EQ(MISSED, dma_to(self, at + p, mem));
	EXPECT_EQ(REACHED, dma_from(self, at + p, mem));
}

/* One batch takes memory away and puts other memory there. */
TEST_F_TIMEOUT(uni, remap_is_seen_at_once, 60)
{
	uint64_t p = self->p, at = self->at, unmapped;
	char *mem = pages(self, 2);
	struct sluice_dma_op ops[2];
	uint32_t handle;
	int i;

	ASSERT_EQ(0, uni_register(self->c, mem, 2 * p, UNI_RW, &handle));
	ASSERT_EQ(0, uni_map(self->c, at, mem, p, UNI_RW));
	for (i = 0; i < 4; i++) {
		char *old = mem + (i & 1) * p, *new = mem + !(i & 1) * p;

		EXPECT_EQ(REACHED, dma_to(self, at, old));
		ops[0] = uni_op_unmap(at, p);
		ops[1] =
			i & 2 ? uni_op_map(at, new, p, UNI_RW) :
				uni_op_handle(at, handle, new - mem, p, UNI_RW);
		ASSERT_EQ(0, uni_batch(self->c, ops, 2, NULL, &unmapped));
		EXPECT_EQ(p, unmapped);
		EXPECT_EQ(MISSED, dma_to(self, at, old));
		EXPECT_EQ(REACHED, dma_to(self, at, new));
		EXPECT_EQ(REACHED, dma_from(self, at, new));
	}
}

/* Read-only, then writable, then read-only again, at the same place. */
TEST_F(uni, rights_change_with_a_remap)
{
	uint64_t p = self->p, at = self->at;
	char *mem = pages(self, 1);
	struct sluice_dma_op ops[2];
	int i;

	ASSERT_EQ(0, uni_map(self->c, at, mem, p, SLUICE_READ));
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(i & 1 ? REACHED : MISSED, dma_to(self, at, mem));
		ops[0] = uni_op_unmap(at, p);
		ops[1] = uni_op_map(at, mem, p, i & 1 ? SLUICE_READ : UNI_RW);
		ASSERT_EQ(0, uni_batch(self->c, ops, 2, NULL, NULL));
	}
}

int main(int argc, char **argv)
{
	return uni_main(argc, argv, test_harness_run);
}
