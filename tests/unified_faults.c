// SPDX-License-Identifier: GPL-2.0-only
/*
 * Failing allocations and copies in the calls of unified spaces, as faults.c has
 * them for VFIO's: the first that can fail is made to fail, then the second, and so
 * on. After each failure the old state stands, or, of a batch, what comes before the
 * operation that failed; nothing is lost, and the same call goes through.
 *
 * Needs a kernel with fault injection (lib/inject.h).
 */
#include "kselftest_harness.h"
#include "inject.h"
#include "uni.h"

#include <sys/mman.h>

#define REACHED UNI_REACHED

#define OPS 16
#define AREA_PAGES 64

FIXTURE(faults)
{
	struct uni u;
	int c;
	uint64_t p;
	uint64_t far; /* apart by tables */
	uint64_t huge;
	char *huge_mem;
	char *area;	 /* AREA_PAGES */
	char *mem;	 /* 16 pages */
	uint32_t handle; /* theirs */
	uint32_t second; /* another one for them, if not 0 */
	uint64_t window; /* a second one */
	struct inject fail;
	long pins;
	long locked;

	/* A batch. */
	struct sluice_dma_op ops[OPS];
	unsigned int nr;
	bool atomic;
	uint32_t done;
};

static void take_accounts(struct _test_data_faults *self)
{
	self->pins = sys_pins();
	self->locked = uni_locked_kib(self->c);
}

FIXTURE_SETUP(faults)
{
	if (!uni_offered())
		SKIP(return, "no unified spaces");
	if (inject_open(&self->fail))
		SKIP(return, "no fault injection in this kernel");
	ASSERT_EQ(0, uni_open_ready(&self->u, 0));
	self->c = self->u.c;
	self->p = self->u.p;
	self->far = self->u.size / 16;
	self->huge = uni_huge_page();
	self->huge_mem = uni_hugetlb();
	ASSERT_NE(NULL, self->huge_mem);
	memset(self->huge_mem, 1, self->huge);
	self->area = sys_alloc(AREA_PAGES * self->p, self->p);
	ASSERT_NE(NULL, self->area);
	self->mem = sys_alloc(16 * self->p, self->p);
	ASSERT_NE(NULL, self->mem);
	ASSERT_EQ(0, uni_register(self->c, self->mem, 16 * self->p, UNI_RW,
				  &self->handle));
	take_accounts(self);
}

FIXTURE_TEARDOWN(faults)
{
	uni_close(&self->u);
	EXPECT_LOCKED(0);
	EXPECT_TRUE(sys_pins_settle(self->u.pins, 1000));
}

static const char *const names[] = { "one fails", "no pages", "no objects" };

static void expect_accounts(struct __test_metadata *_metadata,
			    struct _test_data_faults *self, int nth)
{
	EXPECT_TRUE(sys_pins_settle(self->pins, 500))
	{
		TH_LOG("step %d: %ld pages pinned", nth,
		       sys_pins() - self->pins);
	}
	EXPECT_UNI_LOCKED(self->c, self->locked);
}

/* ---- Calls that are done or not ---- */

/* A call under test, or what takes it back: 0 on success. */
typedef int (*call_fn)(struct _test_data_faults *self);

static void sweep_how(struct __test_metadata *_metadata,
		      struct _test_data_faults *self, enum inject_how how,
		      call_fn call, call_fn is_done, call_fn undo)
{
	int nth, ret, failures = 0;
	bool failed = true;

	for (nth = 1; failed && nth <= INJECT_MAX; nth++) {
		inject_begin(&self->fail, how, nth);
		ret = call(self);
		failed = inject_end(&self->fail);
		ASSERT_TRUE(!ret || failed)
		{
			TH_LOG("step %d: error %d out of nothing", nth, ret);
		}
		ASSERT_EQ(!ret, is_done(self));
		if (ret) {
			failures++;
			expect_accounts(_metadata, self, nth);
			ASSERT_EQ(0, call(self));
			ASSERT_EQ(1, is_done(self));
		}
		ASSERT_EQ(0, undo(self));
		expect_accounts(_metadata, self, nth);
	}
	EXPECT_FALSE(failed);
	EXPECT_TRUE(failures || how != INJECT_NTH);
	TH_LOG("%s: %d steps, %d of them fatal", names[how], nth - 2, failures);
}

/* @is_done: 0 or 1: has it been done? */
static void sweep(struct __test_metadata *_metadata,
		  struct _test_data_faults *self, call_fn call, call_fn is_done,
		  call_fn undo)
{
	enum inject_how how;

	for (how = INJECT_NTH; how <= INJECT_OBJECTS; how++)
		sweep_how(_metadata, self, how, call, is_done, undo);
}

static int handles(struct _test_data_faults *self)
{
	struct sluice_info info;
	int ret = uni_info(self->c, &info);

	return ret ? ret : (int)info.handles;
}

static int call_register(struct _test_data_faults *self)
{
	return uni_register(self->c, self->area, AREA_PAGES * self->p, UNI_RW,
			    &self->second);
}

static int is_registered(struct _test_data_faults *self)
{
	return handles(self) - 1;
}

static int undo_register(struct _test_data_faults *self)
{
	return uni_unregister(self->c, self->second);
}

TEST_F_TIMEOUT(faults, registering, 300)
{
	sweep(_metadata, self, call_register, is_registered, undo_register);
}

static int call_unregister(struct _test_data_faults *self)
{
	return uni_unregister(self->c, self->second);
}

static int is_unregistered(struct _test_data_faults *self)
{
	return 2 - handles(self);
}

static int register_twice(struct _test_data_faults *self)
{
	return uni_register(self->c, self->mem, 16 * self->p, UNI_RW,
			    &self->second);
}

/* With its pages mapped, which the other registration of them covers. */
TEST_F_TIMEOUT(faults, unregistering, 300)
{
	ASSERT_EQ(0, register_twice(self));
	ASSERT_EQ(0, uni_map_handle(self->c, self->u.base, self->second,
				    self->p, 4 * self->p, UNI_RW));
	ASSERT_EQ(0, uni_map_handle(self->c, self->u.base + self->far,
				    self->handle, 0, 8 * self->p, UNI_RW));
	take_accounts(self);
	sweep(_metadata, self, call_unregister, is_unregistered,
	      register_twice);
}

static int windows(struct _test_data_faults *self)
{
	static struct uni_layout l;
	int ret = uni_query(self->c, &l);

	return ret ? ret : (int)l.q.nr_windows;
}

static int call_window(struct _test_data_faults *self)
{
	return uni_window(self->c, 16 * self->p, 0, &self->window);
}

static int is_window(struct _test_data_faults *self)
{
	return windows(self) - 1;
}

static int undo_window(struct _test_data_faults *self)
{
	return uni_window_remove(self->c, self->window);
}

TEST_F_TIMEOUT(faults, window, 300)
{
	sweep(_metadata, self, call_window, is_window, undo_window);
}

static int call_window_at(struct _test_data_faults *self)
{
	return uni_window_at(self->c, self->window, 16 * self->p, 0);
}

TEST_F_TIMEOUT(faults, window_at_an_iova, 300)
{
	ASSERT_EQ(0, call_window(self));
	ASSERT_EQ(0, undo_window(self));
	sweep(_metadata, self, call_window_at, is_window, undo_window);
}

/* ---- Batches ---- */

/* Operations from the @first on. */
static int run(struct _test_data_faults *self, unsigned int first)
{
	return (self->atomic ? uni_atomic :
			       uni_batch)(self->c, self->ops + first,
					  self->nr - first, &self->done, NULL);
}

static bool mapped(struct _test_data_faults *self, uint64_t iova)
{
	if (uni_map_handle(self->c, iova, self->handle, 0, self->p,
			   SLUICE_READ))
		return true;
	uni_unmap(self->c, iova, self->p);
	return false;
}

/* How many operations have been done, from the first on; -1 if it isn't that. */
static int progress(struct _test_data_faults *self)
{
	int n = 0, i;

	for (i = 0; i < self->nr; i++) {
		struct sluice_dma_op *op = &self->ops[i];
		bool is = mapped(self, op->iova);

		if (mapped(self, op->iova + op->size - self->p) != is)
			return -1;
		is = is == (op->op == SLUICE_DMA_MAP);
		if (is && n < i)
			return -1;
		n += is;
	}
	return n;
}

static int unmap_most(struct _test_data_faults *self)
{
	return uni_unmap(self->c, self->u.base, self->u.size - self->p) < 0;
}

/* What a batch that returned @ret did; the rest goes through. */
static void check_batch(struct __test_metadata *_metadata,
			struct _test_data_faults *self, int ret, int nth)
{
	int n = progress(self);

	ASSERT_LE(0, n)
	{
		TH_LOG("step %d: error %d", nth, ret);
	}
	if (!ret)
		ASSERT_EQ(self->nr, n);
	ASSERT_TRUE(!self->atomic || !n || n == self->nr);
	if (ret && !self->atomic && self->done != ~0U)
		ASSERT_EQ(self->done, n);
	/* The copy of the result fails when all is done. */
	if (ret && self->done == ~0U)
		ASSERT_TRUE(ret == -EFAULT && (!n || n == self->nr));
	if (!ret)
		return;
	ASSERT_EQ(0, run(self, n))
	{
		TH_LOG("after the failure of step %d: %d", nth, ret);
	}
	ASSERT_EQ(self->nr, progress(self));
}

static void sweep_batch_how(struct __test_metadata *_metadata,
			    struct _test_data_faults *self, enum inject_how how,
			    call_fn set_up, call_fn make)
{
	int nth, ret, failures = 0;
	bool failed = true, atomic = self->atomic;
	long pins, locked;

	for (nth = 1; failed && nth <= INJECT_MAX; nth++) {
		ASSERT_EQ(0, set_up(self));
		self->atomic = atomic;
		make(self);
		pins = sys_pins();
		locked = uni_locked_kib(self->c);
		inject_begin(&self->fail, how, nth);
		ret = run(self, 0);
		failed = inject_end(&self->fail);
		ASSERT_TRUE(!ret || failed);
		failures += !!ret;
		if (ret && (!self->done || atomic) && self->done != ~0U) {
			EXPECT_EQ(pins, sys_pins());
			EXPECT_UNI_LOCKED(self->c, locked);
		}
		check_batch(_metadata, self, ret, nth);
		ASSERT_EQ(0, unmap_most(self));
		expect_accounts(_metadata, self, nth);
	}
	EXPECT_FALSE(failed);
	EXPECT_TRUE(failures || how != INJECT_NTH);
	TH_LOG("%s: %d steps, %d of them fatal", names[how], nth - 2, failures);
}

static void sweep_batch(struct __test_metadata *_metadata,
			struct _test_data_faults *self, bool atomic,
			call_fn set_up, call_fn make)
{
	enum inject_how how;

	for (how = INJECT_NTH; how <= INJECT_OBJECTS; how++) {
		self->atomic = atomic;
		sweep_batch_how(_metadata, self, how, set_up, make);
	}
}

static int nothing(struct _test_data_faults *self)
{
	(void)self;
	return 0;
}

/* Of all kinds; the BAR's last, which no atomic batch maps. */
static int make_maps(struct _test_data_faults *self)
{
	uint64_t p = self->p, at = self->u.base, far = self->far;

	self->ops[0] = uni_op_map(at, self->area, p, UNI_RW);
	self->ops[1] = uni_op_map(at + far, self->area, 40 * p, UNI_RW);
	self->ops[2] =
		uni_op_handle(at + 2 * far, self->handle, 0, 16 * p, UNI_RW);
	self->ops[3] =
		uni_op_map(at + 3 * far, self->huge_mem, self->huge, UNI_RW);
	self->ops[4] = uni_op_handle(at + 4 * far, self->handle, p, p, UNI_RW);
	self->ops[5] =
		uni_op_map(at + 5 * far, self->u.edu.bar, EDU_BAR_SIZE, UNI_RW);
	self->nr = self->atomic ? 5 : 6;
	return 0;
}

static int make_unmaps(struct _test_data_faults *self)
{
	uint64_t p = self->p, at = self->u.base, far = self->far;

	self->ops[0] = uni_op_unmap(at, p);
	self->ops[1] = uni_op_unmap(at + far + 8 * p, 8 * p);
	self->ops[2] = uni_op_unmap(at + 3 * far + self->huge / 2, 2 * p);
	self->ops[3] = uni_op_unmap(at + 2 * far, 16 * p);
	self->ops[4] = uni_op_unmap(at + 5 * far + p, 2 * p);
	self->nr = self->atomic ? 4 : 5;
	return 0;
}

static int map_all(struct _test_data_faults *self)
{
	self->atomic = false;
	make_maps(self);
	return run(self, 0);
}

TEST_F_TIMEOUT(faults, maps, 750)
{
	sweep_batch(_metadata, self, false, nothing, make_maps);
}

TEST_F_TIMEOUT(faults, unmaps, 750)
{
	sweep_batch(_metadata, self, false, map_all, make_unmaps);
}

TEST_F_TIMEOUT(faults, atomic_maps, 750)
{
	sweep_batch(_metadata, self, true, nothing, make_maps);
}

TEST_F_TIMEOUT(faults, atomic_unmaps, 750)
{
	sweep_batch(_metadata, self, true, map_all, make_unmaps);
}

/* Many that are alike; every other page, so that each is by itself. */
static int make_alike(struct _test_data_faults *self)
{
	uint64_t p = self->p, at = self->u.base;
	int i;

	self->nr = OPS;
	for (i = 0; i < OPS; i++)
		self->ops[i] = uni_op_map(at + 2 * i * p,
					  self->area + i * 7 % OPS * p, p,
					  UNI_RW);
	return 0;
}

TEST_F_TIMEOUT(faults, alike, 750)
{
	sweep_batch(_metadata, self, false, nothing, make_alike);
}

TEST_F_TIMEOUT(faults, atomic_alike, 750)
{
	sweep_batch(_metadata, self, true, nothing, make_alike);
}

/* What is in a hole of a huge page, and elsewhere, is old or new: by DMA. */
static void replace(struct __test_metadata *_metadata,
		    struct _test_data_faults *self, enum inject_how how,
		    int nth, bool *failed)
{
	uint64_t p = self->p, at = self->u.base, far = self->far;
	uint64_t off = self->huge / 2, hole = at + 3 * far + off;
	bool new;
	int ret;

	ASSERT_EQ(0, map_all(self));
	self->ops[0] = uni_op_unmap(hole, 4 * p);
	self->ops[1] = uni_op_map(hole + p, self->area, p, UNI_RW);
	self->ops[2] = uni_op_map(at + 6 * far, self->area, 4 * p, UNI_RW);
	self->ops[3] = uni_op_unmap(at + 4 * far, p);
	self->ops[4] = uni_op_handle(at + 4 * far, self->handle, 0, p, UNI_RW);
	self->nr = 5;
	self->atomic = true;
	inject_begin(&self->fail, how, nth);
	ret = run(self, 0);
	*failed = inject_end(&self->fail);
	ASSERT_TRUE(!ret || *failed);
	new = mapped(self, at + 6 * far);
	ASSERT_TRUE(ret ? !new || self->done == ~0U : new);
	EXPECT_EQ(REACHED,
		  uni_dma_write(&self->u, hole + p,
				new ? self->area : self->huge_mem + off + p));
	EXPECT_EQ(REACHED, uni_dma_write(&self->u, at + 4 * far,
					 self->mem + (new ? 0 : p)));
	EXPECT_EQ(!new, mapped(self, hole));
	if (!new)
		ASSERT_EQ(0, run(self, 0));
	ASSERT_EQ(0, unmap_most(self));
	expect_accounts(_metadata, self, nth);
}

TEST_F_TIMEOUT(faults, atomic_replacing, 750)
{
	enum inject_how how;
	bool failed;
	int nth;

	for (how = INJECT_NTH; how <= INJECT_PAGES; how++) {
		failed = true;
		for (nth = 1; failed && nth <= INJECT_MAX; nth++)
			replace(_metadata, self, how, nth, &failed);
		EXPECT_FALSE(failed);
		EXPECT_LT(3, nth);
	}
}

/* ---- Allocations that are as large as the user wants ---- */

#define SCATTERED 1024

/* Pages in the reverse order of their file, so that no two are neighbours. */
static char *scattered(struct _test_data_faults *self)
{
	int fd = memfd_create("scattered", 0), i;
	char *mem = sys_alloc(SCATTERED * self->p, self->p);

	if (!mem || ftruncate(fd, SCATTERED * self->p))
		return NULL;
	for (i = 0; i < SCATTERED; i++)
		if (mmap(mem + i * self->p, self->p, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED | MAP_POPULATE, fd,
			 (SCATTERED - 1 - i) * self->p) == MAP_FAILED)
			return NULL;
	close(fd);
	return mem;
}

static struct sluice_dma_op many_ops[SLUICE_BATCH_ATOMIC_MAX];

/* Calls that fail for want of memory, until there is enough. */
static int starve(struct _test_data_faults *self, call_fn call)
{
	bool failed = true;
	int nth, ret = -1;

	for (nth = 1; failed && nth <= INJECT_MAX; nth++) {
		inject_begin(&self->fail, INJECT_PAGES, nth);
		ret = call(self);
		failed = inject_end(&self->fail);
		if (ret && ret != -ENOMEM && ret != -EFAULT)
			return ret;
		if (!ret && failed && self->second)
			uni_unregister(self->c, self->second);
	}
	return ret;
}

static int call_register_scattered(struct _test_data_faults *self)
{
	self->second = 0;
	return uni_register(self->c, self->area, SCATTERED * self->p, UNI_RW,
			    &self->second);
}

static int call_many(struct _test_data_faults *self)
{
	return uni_batch(self->c, many_ops, SLUICE_BATCH_CHUNK, NULL, NULL);
}

static int call_many_atomic(struct _test_data_faults *self)
{
	return uni_atomic(self->c, many_ops, SLUICE_BATCH_ATOMIC_MAX, NULL,
			  NULL);
}

/* ENOMEM is the user's to know; the kernel's log isn't the user's to fill. */
TEST_F_TIMEOUT(faults, no_complaints, 300)
{
	int kmsg = kmsg_open(), i;

	self->area = scattered(self);
	ASSERT_NE(NULL, self->area);
	EXPECT_EQ(0, starve(self, call_register_scattered));
	self->second = 0;
	for (i = 0; i < SLUICE_BATCH_ATOMIC_MAX; i++)
		many_ops[i] = uni_op_unmap(self->u.base, self->p);
	EXPECT_EQ(0, starve(self, call_many));
	EXPECT_EQ(0, starve(self, call_many_atomic));
	EXPECT_FALSE(kmsg_wait(kmsg, "vmalloc error", NULL, 0));
}

int main(int argc, char **argv)
{
	return uni_main(argc, argv, test_harness_run);
}
