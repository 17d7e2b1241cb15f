// SPDX-License-Identifier: GPL-2.0-only
/*
 * SLUICE_BATCH_ATOMIC: what a batch does if all of it can be done, seen by a
 * device's DMA: replacing, cutting, taking back what it has mapped itself. What
 * fails, and leaves everything, is unified_atomic_errors.c's.
 */
#include "kselftest_harness.h"
#include "uni.h"

#include <sys/mman.h>

#define MISSED UNI_MISSED
#define REACHED UNI_REACHED

/* Pages of registered memory, and of IOVAs for operations at random. */
#define POOL 16
#define SPAN 24
#define ROUNDS 300

FIXTURE(atomic)
{
	struct uni u;
	int c;
	uint64_t p;
	uint64_t at;
	char *mem; /* POOL pages, registered */
	uint32_t handle;
	long pins; /* with that */
	long locked;
};

FIXTURE_SETUP(atomic)
{
	if (!uni_offered())
		SKIP(return, "no unified spaces");
	ASSERT_EQ(0, uni_open_ready(&self->u, 0));
	self->c = self->u.c;
	self->p = self->u.p;
	self->at = self->u.base + 4 * self->p;
	self->mem = sys_alloc(POOL * self->p, self->p);
	ASSERT_NE(NULL, self->mem);
	ASSERT_EQ(0, uni_register(self->c, self->mem, POOL * self->p, UNI_RW,
				  &self->handle));
	self->pins = sys_pins();
	self->locked = uni_locked_kib(self->c);
}

FIXTURE_TEARDOWN(atomic)
{
	uni_close(&self->u);
	EXPECT_LOCKED(0);
	EXPECT_TRUE(sys_pins_settle(self->u.pins, 1000));
}

static int dma_to(struct _test_data_atomic *self, uint64_t iova, char *mem)
{
	return uni_dma_write(&self->u, iova, mem);
}

/* Maps of the memory's page @nr at @iova, either way. */
static struct sluice_dma_op op_page(struct _test_data_atomic *self,
				    uint64_t iova, unsigned int nr,
				    bool by_handle)
{
	uint64_t off = nr * self->p;

	return by_handle ?
		       uni_op_handle(iova, self->handle, off, self->p, UNI_RW) :
		       uni_op_map(iova, self->mem + off, self->p, UNI_RW);
}

/* Pages are pinned, and charged, by maps by address. */
static void expect_pinned(struct __test_metadata *_metadata,
			  struct _test_data_atomic *self, long pages)
{
	EXPECT_EQ(self->pins + pages, sys_pins());
	EXPECT_UNI_LOCKED(self->c,
			  self->locked + pages * (long)(self->p / KIB));
}

TEST_F(atomic, all_is_done)
{
	uint64_t p = self->p, at = self->at, unmapped;
	struct sluice_dma_op ops[5];
	uint32_t done;

	ASSERT_EQ(0, uni_map(self->c, at, self->mem, 2 * p, UNI_RW));
	ops[0] = uni_op_map(at + 8 * p, self->mem + 4 * p, 2 * p, UNI_RW);
	ops[1] = uni_op_handle(at + 4 * p, self->handle, 6 * p, 2 * p, UNI_RW);
	ops[2] = uni_op_unmap(at + p, p);
	ops[3] = uni_op_handle(at + p, self->handle, 9 * p, p, SLUICE_READ);
	/* Holes are passed over. */
	ops[4] = uni_op_unmap(at + 12 * p, 4 * p);
	ASSERT_EQ(0, uni_atomic(self->c, ops, 5, &done, &unmapped));
	EXPECT_EQ(5, done);
	EXPECT_EQ(p, unmapped);
	expect_pinned(_metadata, self, 3);
	EXPECT_EQ(REACHED, dma_to(self, at, self->mem));
	EXPECT_EQ(MISSED, dma_to(self, at + p, self->mem + p));
	EXPECT_EQ(MISSED, dma_to(self, at + p, self->mem + 9 * p));
	EXPECT_EQ(REACHED, uni_dma_read(&self->u, at + p, self->mem + 9 * p));
	EXPECT_EQ(REACHED, dma_to(self, at + 5 * p, self->mem + 7 * p));
	EXPECT_EQ(REACHED, dma_to(self, at + 8 * p, self->mem + 4 * p));
	EXPECT_EQ(REACHED, dma_to(self, at + 9 * p, self->mem + 5 * p));
	EXPECT_EQ(-EBUSY, uni_unregister(self->c, self->handle));
	EXPECT_EQ(6 * p, uni_unmap(self->c, at, 16 * p));
	expect_pinned(_metadata, self, 0);
	EXPECT_EQ(0, uni_unregister(self->c, self->handle));
}

TEST_F(atomic, nothing_to_do)
{
	uint64_t unmapped;
	uint32_t done;

	EXPECT_EQ(0, uni_atomic(self->c, NULL, 0, &done, &unmapped));
	EXPECT_EQ(0, done);
	EXPECT_EQ(0, unmapped);
}

/* The memory behind an IOVA changes, from each kind to each. */
TEST_F_TIMEOUT(atomic, replaces, 60)
{
	uint64_t p = self->p, at = self->at, unmapped;
	struct sluice_dma_op ops[2];
	int i;

	ASSERT_EQ(0, uni_map(self->c, at, self->mem, p, UNI_RW));
	for (i = 1; i < 6; i++) {
		ops[0] = uni_op_unmap(at, p);
		ops[1] = op_page(self, at, i, i & 2);
		ASSERT_EQ(0, uni_atomic(self->c, ops, 2, NULL, &unmapped));
		EXPECT_EQ(p, unmapped);
		EXPECT_EQ(MISSED, dma_to(self, at, self->mem + (i - 1) * p));
		EXPECT_EQ(REACHED, dma_to(self, at, self->mem + i * p));
		expect_pinned(_metadata, self, !(i & 2));
	}
}

/* The same memory comes back, at times with other rights. */
TEST_F(atomic, replaces_by_the_same)
{
	uint64_t p = self->p, at = self->at;
	struct sluice_dma_op ops[2];
	int i;

	ASSERT_EQ(0, uni_map(self->c, at, self->mem, p, UNI_RW));
	for (i = 0; i < 4; i++) {
		ops[0] = uni_op_unmap(at, p);
		ops[1] = uni_op_map(at, self->mem, p,
				    i & 1 ? SLUICE_READ : UNI_RW);
		ASSERT_EQ(0, uni_atomic(self->c, ops, 2, NULL, NULL));
		EXPECT_EQ(i & 1 ? MISSED : REACHED,
			  dma_to(self, at, self->mem));
		expect_pinned(_metadata, self, 1);
	}
}

TEST_F(atomic, nets_to_nothing)
{
	uint64_t p = self->p, at = self->at, unmapped;
	struct sluice_dma_op ops[6];
	long locked = sys_locked_kib();
	uint32_t done;

	ops[0] = uni_op_map(at, self->mem, 3 * p, UNI_RW);
	ops[1] = uni_op_handle(at + 3 * p, self->handle, 0, 3 * p, UNI_RW);
	ops[2] = uni_op_unmap(at + p, 3 * p);
	ops[3] = uni_op_map(at + p, self->mem + 8 * p, p, UNI_RW);
	ops[4] = uni_op_unmap(at, 2 * p);
	ops[5] = uni_op_unmap(at + 4 * p, 8 * p);
	ASSERT_EQ(0, uni_atomic(self->c, ops, 6, &done, &unmapped));
	EXPECT_EQ(6, done);
	EXPECT_EQ(7 * p, unmapped);
	expect_pinned(_metadata, self, 0);
	EXPECT_LOCKED(locked);
	EXPECT_EQ(MISSED, dma_to(self, at, self->mem));
	EXPECT_EQ(MISSED, dma_to(self, at + 4 * p, self->mem + p));
	EXPECT_EQ(0, uni_unmap(self->c, at, 16 * p));
	/* No map by handle is counted. */
	EXPECT_EQ(0, uni_unregister(self->c, self->handle));
}

/* What a batch has mapped, it cuts, and fills again. */
TEST_F(atomic, middle_of_an_earlier_map)
{
	uint64_t p = self->p, at = self->at, unmapped;
	struct sluice_dma_op ops[4];
	int kind;

	for (kind = 0; kind < 2; kind++) {
		ops[0] = kind ? uni_op_handle(at, self->handle, 0, 6 * p,
					      UNI_RW) :
				uni_op_map(at, self->mem, 6 * p, UNI_RW);
		ops[1] = uni_op_unmap(at + p, 3 * p);
		ops[2] = op_page(self, at + 2 * p, 10, !kind);
		ops[3] = uni_op_unmap(at + 5 * p, 2 * p);
		ASSERT_EQ(0, uni_atomic(self->c, ops, 4, NULL, &unmapped));
		EXPECT_EQ(4 * p, unmapped);
		expect_pinned(_metadata, self, kind ? 1 : 2);
		EXPECT_EQ(REACHED, dma_to(self, at, self->mem));
		EXPECT_EQ(MISSED, dma_to(self, at + p, self->mem + p));
		EXPECT_EQ(REACHED,
			  dma_to(self, at + 2 * p, self->mem + 10 * p));
		EXPECT_EQ(MISSED, dma_to(self, at + 3 * p, self->mem + 3 * p));
		EXPECT_EQ(REACHED, dma_to(self, at + 4 * p, self->mem + 4 * p));
		EXPECT_EQ(MISSED, dma_to(self, at + 5 * p, self->mem + 5 * p));
		EXPECT_EQ(3 * p, uni_unmap(self->c, at, 8 * p));
		expect_pinned(_metadata, self, 0);
	}
}

/* Everything goes, the device's own page comes again. */
TEST_F(atomic, all_is_unmapped)
{
	uint64_t p = self->p, at = self->at, unmapped;
	struct sluice_dma_op ops[3] = {
		{ .op = SLUICE_DMA_UNMAP, .flags = SLUICE_DMA_ALL },
	};

	ASSERT_EQ(0, uni_map(self->c, at, self->mem, 4 * p, UNI_RW));
	ops[1] = uni_op_map(self->u.base + self->u.size - p, self->u.well, p,
			    UNI_RW);
	ops[2] = op_page(self, at + p, 7, true);
	ASSERT_EQ(0, uni_atomic(self->c, ops, 3, NULL, &unmapped));
	EXPECT_EQ(5 * p, unmapped);
	expect_pinned(_metadata, self, 0);
	EXPECT_EQ(REACHED, dma_to(self, at + p, self->mem + 7 * p));
	EXPECT_EQ(MISSED, dma_to(self, at, self->mem));
	EXPECT_EQ(MISSED, dma_to(self, at + 3 * p, self->mem + 3 * p));
}

/* ---- Large pages ---- */

/* A hole in the middle of a large page, in which small ones are mapped. */
static void huge_hole(struct __test_metadata *_metadata,
		      struct _test_data_atomic *self, char *huge_mem,
		      bool by_handle)
{
	uint64_t huge = uni_huge_page(), p = self->p, at, hole, unmapped;
	long pinned = by_handle ? 0 : huge / p;
	struct sluice_dma_op ops[3];
	uint32_t handle;

	at = (self->u.base + 2 * huge - 1) / huge * huge;
	hole = huge / 2;
	memset(huge_mem, 1, huge);
	ASSERT_EQ(0, uni_register(self->c, huge_mem, huge, UNI_RW, &handle));
	self->pins = sys_pins();
	self->locked = uni_locked_kib(self->c);
	ops[0] = by_handle ? uni_op_handle(at, handle, 0, huge, UNI_RW) :
			     uni_op_map(at, huge_mem, huge, UNI_RW);
	ASSERT_EQ(0, uni_atomic(self->c, ops, 1, NULL, NULL));
	expect_pinned(_metadata, self, pinned);
	EXPECT_EQ(REACHED, dma_to(self, at + hole, huge_mem + hole));

	ops[0] = uni_op_unmap(at + hole, 4 * p);
	ops[1] = op_page(self, at + hole + p, 3, by_handle);
	ops[2] = op_page(self, at + hole + 2 * p, 5, !by_handle);
	ASSERT_EQ(0, uni_atomic(self->c, ops, 3, NULL, &unmapped));
	EXPECT_EQ(4 * p, unmapped);
	expect_pinned(_metadata, self, by_handle ? 1 : pinned - 3);
	EXPECT_EQ(REACHED, dma_to(self, at + hole - 64, huge_mem + hole - 64));
	EXPECT_EQ(MISSED, dma_to(self, at + hole, huge_mem + hole));
	EXPECT_EQ(REACHED, dma_to(self, at + hole + p, self->mem + 3 * p));
	EXPECT_EQ(REACHED, dma_to(self, at + hole + 2 * p, self->mem + 5 * p));
	EXPECT_EQ(MISSED,
		  dma_to(self, at + hole + 3 * p, huge_mem + hole + 3 * p));
	EXPECT_EQ(REACHED,
		  dma_to(self, at + hole + 4 * p, huge_mem + hole + 4 * p));

	/* A large page where tables are, and small ones where it was. */
	ops[0] = uni_op_unmap(at, huge);
	ops[1] = by_handle ? uni_op_map(at, huge_mem, huge, UNI_RW) :
			     uni_op_handle(at, handle, 0, huge, UNI_RW);
	ASSERT_EQ(0, uni_atomic(self->c, ops, 2, NULL, &unmapped));
	EXPECT_EQ(huge - 2 * p, unmapped);
	expect_pinned(_metadata, self, by_handle ? huge / p : 0);
	EXPECT_EQ(REACHED, dma_to(self, at + hole, huge_mem + hole));
	EXPECT_EQ(MISSED, dma_to(self, at + hole + p, self->mem + 3 * p));
	ops[1] = op_page(self, at + p, 1, by_handle);
	ASSERT_EQ(0, uni_atomic(self->c, ops, 2, NULL, &unmapped));
	EXPECT_EQ(huge, unmapped);
	EXPECT_EQ(REACHED, dma_to(self, at + p, self->mem + p));
	EXPECT_EQ(MISSED, dma_to(self, at + hole, huge_mem + hole));
	EXPECT_EQ(0, uni_unregister(self->c, handle));
	EXPECT_EQ(p, uni_unmap(self->c, at, huge));
}

TEST_F_TIMEOUT(atomic, huge_hole_by_address, 60)
{
	char *mem = uni_hugetlb();

	if (!mem)
		SKIP(return, "no huge page left");
	huge_hole(_metadata, self, mem, false);
}

TEST_F_TIMEOUT(atomic, huge_hole_by_handle, 60)
{
	char *mem = uni_hugetlb();

	if (!mem)
		SKIP(return, "no huge page left");
	huge_hole(_metadata, self, mem, true);
}

/* Windows with each of the other page sizes that memory can have. */
TEST_F_TIMEOUT(atomic, windows_with_larger_pages, 60)
{
	uint64_t huge = uni_huge_page(), a, page, unmapped;
	char *mem[2] = { uni_hugetlb(), uni_hugetlb() };
	struct sluice_dma_op ops[3];
	struct uni_layout l;
	unsigned int lg2;

	if (!mem[0] || !mem[1])
		SKIP(return, "no huge pages left");
	ASSERT_EQ(0, uni_query(self->c, &l));
	for (lg2 = 0; lg2 < 64; lg2++) {
		page = 1ULL << lg2;
		if (!(l.q.page_sizes & page) || page <= self->p || page > huge)
			continue;
		ASSERT_EQ(0, uni_window(self->c, 4 * page, lg2, &a));
		ASSERT_EQ(0, uni_map(self->c, a, mem[0], page, UNI_RW));
		ops[0] = uni_op_unmap(a, page);
		ops[1] = uni_op_map(a, mem[1], page, UNI_RW);
		ops[2] = uni_op_map(a + 2 * page, mem[0], page, UNI_RW);
		ASSERT_EQ(0, uni_atomic(self->c, ops, 3, NULL, &unmapped));
		EXPECT_EQ(page, unmapped);
		expect_pinned(_metadata, self, 2 * page / self->p);
		EXPECT_EQ(REACHED,
			  dma_to(self, a + page - 64, mem[1] + page - 64));
		EXPECT_EQ(REACHED,
			  dma_to(self, a + 3 * page - 64, mem[0] + page - 64));
		EXPECT_EQ(MISSED, dma_to(self, a + page, mem[0]));
		ops[2] = uni_op_unmap(a + page, 2 * page);
		ASSERT_EQ(0, uni_atomic(self->c, ops, 3, NULL, &unmapped));
		EXPECT_EQ(2 * page, unmapped);
		EXPECT_EQ(MISSED, dma_to(self, a + 2 * page, mem[0]));
		EXPECT_EQ(REACHED, dma_to(self, a, mem[1]));
		EXPECT_EQ(page, uni_unmap(self->c, a, 4 * page));
		expect_pinned(_metadata, self, 0);
		EXPECT_EQ(0, uni_window_remove(self->c, a));
	}
}

/* ---- Many operations ---- */

TEST_F_TIMEOUT(atomic, as_many_as_there_may_be, 60)
{
	const uint32_t max = SLUICE_BATCH_ATOMIC_MAX;
	struct sluice_dma_op *ops = calloc(max + 1, sizeof(*ops));
	uint64_t p = self->p, at = self->at, unmapped;
	uint32_t i, done;

	ASSERT_NE(NULL, ops);
	for (i = 0; i <= max; i++)
		ops[i] = op_page(self, at + i * p, i % POOL, i % 8);
	EXPECT_EQ(-E2BIG, uni_atomic(self->c, ops, max + 1, NULL, NULL));
	EXPECT_EQ(0, uni_unmap(self->c, at, (max + 1) * p));
	ASSERT_EQ(0, uni_atomic(self->c, ops, max, &done, &unmapped));
	EXPECT_EQ(max, done);
	EXPECT_EQ(0, unmapped);
	expect_pinned(_metadata, self, max / 8);
	EXPECT_EQ(REACHED, dma_to(self, at + (max - 1) * p,
				  self->mem + (max - 1) % POOL * p));
	EXPECT_EQ(MISSED, dma_to(self, at + max * p, self->mem));
	/* Each one goes, and every other one comes again at once. */
	for (i = 0; i < max; i++)
		ops[i] = i & 1 ? op_page(self, at + i / 2 * p, 1, i & 2) :
				 uni_op_unmap(at + i / 2 * p, p);
	ASSERT_EQ(0, uni_atomic(self->c, ops, max, &done, &unmapped));
	EXPECT_EQ(max / 2 * p, unmapped);
	EXPECT_EQ(REACHED, dma_to(self, at + 5 * p, self->mem + p));
	EXPECT_EQ(max * p, uni_unmap(self->c, at, max * p));
	expect_pinned(_metadata, self, 0);
	free(ops);
}

/* What is mapped at a page: 0: nothing; page nr + 1 of the pool; by address? */
struct model {
	uint8_t page[SPAN];
	bool pinned[SPAN];
};

/* Applies an operation; false if it has to fail with EEXIST. */
static bool apply(struct model *m, const struct sluice_dma_op *op,
		  unsigned int first, unsigned int n, unsigned int page,
		  uint64_t *unmapped)
{
	unsigned int i;

	for (i = first; op->op == SLUICE_DMA_MAP && i < first + n; i++) {
		if (m->page[i])
			return false;
	}
	for (i = first; i < first + n; i++) {
		*unmapped += !!m->page[i];
		m->page[i] = op->op == SLUICE_DMA_MAP ? page + i - first + 1 :
							0;
		m->pinned[i] = m->page[i] && !op->handle;
	}
	return true;
}

static long count_pinned(const struct model *m)
{
	long n = 0;
	int i;

	for (i = 0; i < SPAN; i++)
		n += m->pinned[i];
	return n;
}

/* Batches at random: the result is what a plain model says. */
TEST_F_TIMEOUT(atomic, as_a_model_says, 120)
{
	uint64_t p = self->p, at = self->at, unmapped, want;
	struct sluice_dma_op ops[8];
	struct model now = {}, next;
	unsigned int round, i, first, n, page, seed = 1, nr, good = 0;
	uint32_t done;

	for (round = 0; round < ROUNDS; round++) {
		nr = 1 + rand_r(&seed) % 8;
		next = now;
		want = 0;
		done = nr;
		for (i = 0; i < nr; i++) {
			first = rand_r(&seed) % (SPAN - 4);
			n = 1 + rand_r(&seed) % 4;
			page = rand_r(&seed) % (POOL - 4);
			ops[i] = rand_r(&seed) % 2 ?
					 uni_op_unmap(at + first * p, n * p) :
					 op_page(self, at + first * p, page,
						 rand_r(&seed) % 2);
			ops[i].size = n * p;
			if (done == nr &&
			    !apply(&next, &ops[i], first, n, page, &want))
				done = i;
		}
		i = done;
		ASSERT_EQ(i < nr ? -EEXIST : 0,
			  uni_atomic(self->c, ops, nr, &done, &unmapped));
		ASSERT_EQ(i, done);
		ASSERT_EQ(i < nr ? 0 : want * p, unmapped);
		now = i < nr ? now : next;
		good += i == nr;
		expect_pinned(_metadata, self, count_pinned(&now));
		if (round % 5)
			continue;
		i = rand_r(&seed) % SPAN;
		page = now.page[i] ? now.page[i] - 1 : 0;
		ASSERT_EQ(now.page[i] ? REACHED : MISSED,
			  dma_to(self, at + i * p, self->mem + page * p));
	}
	EXPECT_LT(ROUNDS / 5, good);
	EXPECT_GT(ROUNDS * 4 / 5, good);
}

int main(int argc, char **argv)
{
	return uni_main(argc, argv, test_harness_run);
}
