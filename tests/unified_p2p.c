// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device memory in unified spaces: one edu's DMA into another one's BAR that is
 * mapped by address, whole and in parts; and what is left when that BAR goes away.
 */
#include "kselftest_harness.h"
#include "uni.h"

#include <linux/pci_regs.h>
#include <pthread.h>
#include <sys/mman.h>

#define MISSED UNI_MISSED
#define REACHED UNI_REACHED

#define BAR EDU_BAR_SIZE
#define RACE_MS 3000
/* For IOMMUs whose driver needs memory to map a BAR again. */
#define RETURN_LIMIT_MS 1000

FIXTURE(p2p)
{
	struct uni u;	    /* does DMA */
	struct vfio v;	    /* the other one */
	struct edu edu;	    /* to its BAR */
	struct pci_dev dev; /* the other one, too */
	int c;
	uint64_t p;
	uint64_t at;	/* for the BAR */
	uint64_t pages; /* of it */
	char *mem;	/* 4 pages, registered */
	uint32_t handle;
	uint32_t val; /* the last one written by a DMA */
};

/* The other device, in the same container or @c. */
static int open_other(struct _test_data_p2p *self, int c)
{
	int ret = vfio_join(&self->v, &self->dev, dup(c));

	return ret ? ret : edu_attach(&self->edu, self->v.device);
}

static void close_other(struct _test_data_p2p *self)
{
	if (self->edu.bar)
		munmap(self->edu.bar, BAR);
	self->edu.bar = NULL;
	vfio_close(&self->v);
}

FIXTURE_SETUP(p2p)
{
	self->v = (struct vfio){ .container = -1, .group = -1, .device = -1 };
	if (!uni_offered())
		SKIP(return, "no unified spaces");
	ASSERT_EQ(0, uni_open_ready(&self->u, 0));
	self->c = self->u.c;
	self->p = self->u.p;
	self->at = (self->u.base + 2 * BAR - 1) / BAR * BAR;
	self->pages = BAR / self->p;
	ASSERT_EQ(0, pci_find_alone(&self->dev, PCI_ID_EDU, 1));
	ASSERT_EQ(0, open_other(self, self->c));
	self->mem = sys_alloc(4 * self->p, self->p);
	ASSERT_NE(NULL, self->mem);
	ASSERT_EQ(0, uni_register(self->c, self->mem, 4 * self->p, UNI_RW,
				  &self->handle));
}

FIXTURE_TEARDOWN(p2p)
{
	close_other(self);
	uni_close(&self->u);
	EXPECT_LOCKED(0);
	EXPECT_TRUE(sys_pins_settle(self->u.pins, 1000));
}

static int map_bar(struct _test_data_p2p *self)
{
	return uni_map(self->c, self->at, self->edu.bar, BAR, UNI_RW);
}

static int map_ram(struct _test_data_p2p *self, uint64_t iova)
{
	return uni_map(self->c, iova, self->mem, self->p, UNI_RW);
}

static int dma_to(struct _test_data_p2p *self, uint64_t iova, char *mem)
{
	return uni_dma_write(&self->u, iova, mem);
}

/* Writes, by DMA, the register that inverts, in the BAR's first page at @iova. */
static int poke(struct _test_data_p2p *self, uint64_t iova)
{
	uint32_t old = edu_read(&self->edu, EDU_LIVENESS), new, val, bytes;

	val = old ^ 0xffffffff ^ ++self->val;
	bytes = edu_order32(&self->edu, val);
	memcpy(self->u.well, &bytes, sizeof(bytes));
	if (!edu_dma_from(&self->u.edu, self->u.base + self->u.size - self->p,
			  0, sizeof(val)) ||
	    !edu_dma_to(&self->u.edu, iova + EDU_LIVENESS, 0, sizeof(val)))
		return UNI_TORN;
	new = edu_read(&self->edu, EDU_LIVENESS);
	return new == ~val ? REACHED : new == old ? MISSED : UNI_TORN;
}

/* Reads, by DMA, what the CPU sees at @off in the BAR. */
static int peek(struct _test_data_p2p *self, uint64_t iova, uint64_t off)
{
	uint64_t well = self->u.base + self->u.size - self->p;
	uint32_t want = edu_read(&self->edu, off), got, no = ~want;

	memcpy(self->u.well, &no, sizeof(no));
	if (!edu_dma_from(&self->u.edu, well, 0, sizeof(no)) ||
	    !edu_dma_from(&self->u.edu, iova, 0, sizeof(no)) ||
	    !edu_dma_to(&self->u.edu, well, 0, sizeof(no)))
		return UNI_TORN;
	memcpy(&got, self->u.well, sizeof(got));
	return edu_order32(&self->edu, got) == want ? REACHED : MISSED;
}

/* The same at a page's beginning, the whole BAR being at its usual place. */
static int peek_page(struct _test_data_p2p *self, unsigned int page)
{
	return peek(self, self->at + page * self->p, page * self->p);
}

/* ---- Maps and unmaps ---- */

TEST_F(p2p, reaches_the_other_device)
{
	long locked = uni_locked_kib(self->c), pins = sys_pins();
	uint64_t unmapped;
	struct sluice_dma_op op = uni_op_unmap(self->at, BAR);

	ASSERT_EQ(0, map_bar(self));
	EXPECT_UNI_LOCKED(self->c, locked);
	EXPECT_EQ(pins, sys_pins());
	EXPECT_EQ(REACHED, poke(self, self->at));
	EXPECT_EQ(REACHED, peek(self, self->at + EDU_ID, EDU_ID));
	EXPECT_EQ(REACHED, peek_page(self, self->pages - 1));
	EXPECT_EQ(MISSED, peek(self, self->at + BAR, 0));
	EXPECT_EQ(0, uni_batch(self->c, &op, 1, NULL, &unmapped));
	EXPECT_EQ(BAR, unmapped);
	EXPECT_EQ(MISSED, poke(self, self->at));
	EXPECT_EQ(MISSED, peek_page(self, self->pages - 1));
	EXPECT_EQ(pins, sys_pins());
}

/* Several maps, memory in between: a vector makes them, one unmap takes them. */
TEST_F(p2p, among_memory)
{
	uint64_t p = self->p, at = self->at, unmapped;
	long locked = uni_locked_kib(self->c), pins = sys_pins();
	struct sluice_dma_op ops[5];
	uint32_t done;

	ops[0] = uni_op_map(at, self->mem, p, UNI_RW);
	ops[1] = uni_op_map(at + p, self->edu.bar, 2 * p, UNI_RW);
	ops[2] = uni_op_handle(at + 3 * p, self->handle, p, p, UNI_RW);
	ops[3] = uni_op_map(at + 4 * p, self->edu.bar, p, UNI_RW);
	ops[4] = uni_op_map(at + 5 * p, self->edu.bar + 2 * p, 2 * p, UNI_RW);
	ASSERT_EQ(0, uni_batch(self->c, ops, 5, &done, NULL));
	EXPECT_EQ(5, done);
	EXPECT_EQ(pins + 1, sys_pins());
	EXPECT_EQ(REACHED, dma_to(self, at, self->mem));
	EXPECT_EQ(REACHED, poke(self, at + p));
	EXPECT_EQ(REACHED, dma_to(self, at + 3 * p, self->mem + p));
	EXPECT_EQ(REACHED, poke(self, at + 4 * p));
	/* From the second page of one to the first of another. */
	ops[0] = uni_op_unmap(at + 2 * p, 4 * p);
	ASSERT_EQ(0, uni_batch(self->c, ops, 1, NULL, &unmapped));
	EXPECT_EQ(4 * p, unmapped);
	EXPECT_EQ(REACHED, poke(self, at + p));
	EXPECT_EQ(MISSED, dma_to(self, at + 3 * p, self->mem + p));
	EXPECT_EQ(MISSED, poke(self, at + 4 * p));
	EXPECT_EQ(REACHED, peek(self, at + 6 * p, 3 * p));
	EXPECT_EQ(3 * p, uni_unmap(self->c, at, 16 * p));
	EXPECT_EQ(pins, sys_pins());
	EXPECT_UNI_LOCKED(self->c, locked);
	EXPECT_EQ(0, uni_unregister(self->c, self->handle));
}

TEST_F(p2p, a_part_goes)
{
	uint64_t p = self->p, at = self->at, n = self->pages;

	ASSERT_EQ(0, map_bar(self));
	EXPECT_EQ(4 * p, uni_unmap(self->c, at + 8 * p, 4 * p));
	EXPECT_EQ(REACHED, poke(self, at));
	EXPECT_EQ(REACHED, peek_page(self, 7));
	EXPECT_EQ(MISSED, peek_page(self, 8));
	EXPECT_EQ(MISSED, peek_page(self, 11));
	EXPECT_EQ(REACHED, peek_page(self, 12));
	EXPECT_EQ(REACHED, peek_page(self, n - 1));
	/* The hole is free, and nothing else. */
	EXPECT_EQ(-EEXIST, map_ram(self, at + 7 * p));
	EXPECT_EQ(-EEXIST, map_ram(self, at + 12 * p));
	ASSERT_EQ(0, map_ram(self, at + 9 * p));
	EXPECT_EQ(REACHED, dma_to(self, at + 9 * p, self->mem));
	/* The beginning, the end, and over the hole. */
	EXPECT_EQ(p, uni_unmap(self->c, at - p, 2 * p));
	EXPECT_EQ(MISSED, poke(self, at));
	EXPECT_EQ(REACHED, peek_page(self, 1));
	EXPECT_EQ(p, uni_unmap(self->c, at + (n - 1) * p, 2 * p));
	EXPECT_EQ(MISSED, peek_page(self, n - 1));
	EXPECT_EQ(REACHED, peek_page(self, n - 2));
	EXPECT_EQ(3 * p, uni_unmap(self->c, at + 7 * p, 6 * p));
	EXPECT_EQ(REACHED, peek_page(self, 6));
	EXPECT_EQ(MISSED, peek_page(self, 7));
	EXPECT_EQ(MISSED, peek_page(self, 12));
	EXPECT_EQ(REACHED, peek_page(self, 13));
	EXPECT_EQ((n - 8) * p, uni_unmap(self->c, at, BAR));
}

TEST_F(p2p, exists)
{
	uint64_t p = self->p, at = self->at;
	long pins;

	ASSERT_EQ(0, map_bar(self));
	ASSERT_EQ(0, map_ram(self, at - p));
	pins = sys_pins();
	EXPECT_EQ(-EEXIST, map_bar(self));
	EXPECT_EQ(-EEXIST, map_ram(self, at + 3 * p));
	EXPECT_EQ(-EEXIST, uni_map_handle(self->c, at + BAR - p, self->handle,
					  0, 2 * p, UNI_RW));
	EXPECT_EQ(-EEXIST,
		  uni_map(self->c, at + BAR - p, self->mem, 2 * p, UNI_RW));
	EXPECT_EQ(-EEXIST,
		  uni_map(self->c, at - 2 * p, self->edu.bar, 2 * p, UNI_RW));
	EXPECT_EQ(-EEXIST,
		  uni_map(self->c, at + BAR - p, self->edu.bar, 2 * p, UNI_RW));
	EXPECT_EQ(pins, sys_pins());
	EXPECT_EQ(REACHED, poke(self, at));
	EXPECT_EQ(MISSED, peek(self, at + BAR, 0));
	EXPECT_EQ(MISSED, poke(self, at - 2 * p));
	EXPECT_EQ(BAR + p, uni_unmap(self->c, self->u.base, 3 * BAR));
}

/* No more than the process may do itself, and not past the end. */
TEST_F(p2p, rights_and_size)
{
	uint64_t at = self->at;
	char *area;

	area = mmap(NULL, 2 * BAR, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	ASSERT_NE(MAP_FAILED, area);
	ASSERT_EQ(area, mmap(area, BAR, PROT_READ, MAP_SHARED | MAP_FIXED,
			     self->v.device, 0));
	EXPECT_EQ(-EFAULT, uni_map(self->c, at, area, BAR, UNI_RW));
	EXPECT_EQ(-EFAULT, uni_map(self->c, at, area, 2 * BAR, SLUICE_READ));
	ASSERT_EQ(0, uni_map(self->c, at, area, BAR, SLUICE_READ));
	EXPECT_EQ(MISSED, poke(self, at));
	EXPECT_EQ(REACHED, peek_page(self, 1));
	/* The user's mapping isn't needed any longer. */
	ASSERT_EQ(0, munmap(area, BAR));
	EXPECT_EQ(REACHED, peek_page(self, 1));
	EXPECT_EQ(BAR, uni_unmap(self->c, at, 2 * BAR));
}

TEST_F(p2p, not_in_atomic_batches)
{
	uint64_t p = self->p, at = self->at, unmapped;
	struct sluice_dma_op ops[3];
	uint32_t done;
	long pins;

	ASSERT_EQ(0, map_bar(self));
	ASSERT_EQ(0, map_ram(self, at - p));
	pins = sys_pins();
	ops[0] = uni_op_unmap(at - p, p);
	ops[1] = uni_op_handle(at - p, self->handle, p, p, UNI_RW);
	ops[2] = uni_op_map(at + BAR, self->edu.bar, p, UNI_RW);
	EXPECT_EQ(-EOPNOTSUPP, uni_atomic(self->c, ops, 3, &done, &unmapped));
	EXPECT_EQ(2, done);
	EXPECT_EQ(0, unmapped);
	ops[2] = uni_op_unmap(at + BAR - p, 2 * p);
	EXPECT_EQ(-EOPNOTSUPP, uni_atomic(self->c, ops, 3, &done, NULL));
	EXPECT_EQ(2, done);
	ops[2] = uni_op_handle(at + p, self->handle, 0, p, UNI_RW);
	EXPECT_EQ(-EEXIST, uni_atomic(self->c, ops, 3, &done, NULL));
	EXPECT_EQ(2, done);
	EXPECT_EQ(REACHED, poke(self, at));
	EXPECT_EQ(REACHED, peek_page(self, self->pages - 1));
	EXPECT_EQ(REACHED, dma_to(self, at - p, self->mem));
	EXPECT_EQ(pins, sys_pins());
	/* Where there is none, it doesn't matter. */
	EXPECT_EQ(0, uni_atomic(self->c, ops, 2, NULL, NULL));
	EXPECT_EQ(BAR + p, uni_unmap(self->c, self->u.base, 3 * BAR));
}

/* ---- It goes away ---- */

/* The BAR in two parts, with memory in the hole and before it. */
static void set_up(struct __test_metadata *_metadata,
		   struct _test_data_p2p *self)
{
	uint64_t p = self->p, at = self->at;

	ASSERT_EQ(0, map_bar(self));
	ASSERT_EQ(2 * p, uni_unmap(self->c, at + 4 * p, 2 * p));
	ASSERT_EQ(0, map_ram(self, at - p));
	ASSERT_EQ(0, uni_map_handle(self->c, at + 5 * p, self->handle, p, p,
				    UNI_RW));
	EXPECT_EQ(REACHED, poke(self, at));
	EXPECT_EQ(REACHED, peek_page(self, 6));
}

static int decode(struct _test_data_p2p *self, bool on)
{
	return vfio_command(self->v.device, on ? PCI_COMMAND_MEMORY : 0,
			    on ? 0 : PCI_COMMAND_MEMORY);
}

/* Is the BAR back at @iova, soon at the latest? */
static bool comes_back(struct _test_data_p2p *self, uint64_t iova)
{
	int attempt, ret = MISSED;

	for (attempt = 0; ret == MISSED && attempt < RETURN_LIMIT_MS;
	     attempt++) {
		if (attempt)
			sys_sleep_ms(1);
		ret = poke(self, iova);
	}
	return ret == REACHED;
}

/* While the other device doesn't decode: what set_up() has made is taken. */
static void is_reserved(struct __test_metadata *_metadata,
			struct _test_data_p2p *self)
{
	uint64_t p = self->p, at = self->at;

	EXPECT_EQ(-EFAULT,
		  uni_map(self->c, at + 2 * BAR, self->edu.bar, BAR, UNI_RW));
	EXPECT_EQ(-EEXIST, map_ram(self, at));
	EXPECT_EQ(-EEXIST, map_bar(self));
	EXPECT_EQ(-EEXIST, uni_map_handle(self->c, at + BAR - p, self->handle,
					  0, p, UNI_RW));
	EXPECT_EQ(REACHED, dma_to(self, at - p, self->mem));
	EXPECT_EQ(REACHED, dma_to(self, at + 5 * p, self->mem + p));
}

/* After that, with the other device decoding again. */
static void is_back(struct __test_metadata *_metadata,
		    struct _test_data_p2p *self)
{
	uint64_t p = self->p, at = self->at;

	EXPECT_TRUE(comes_back(self, at));
	EXPECT_TRUE(comes_back(self, at));
	EXPECT_EQ(MISSED, peek_page(self, 4));
	EXPECT_EQ(REACHED, peek_page(self, 3));
	EXPECT_EQ(REACHED, peek_page(self, 6));
	EXPECT_EQ(REACHED, peek_page(self, self->pages - 1));
	EXPECT_EQ(REACHED, dma_to(self, at - p, self->mem));
	EXPECT_EQ(REACHED, dma_to(self, at + 5 * p, self->mem + p));
	EXPECT_EQ(-EEXIST, map_ram(self, at));
	EXPECT_EQ(BAR - p, uni_unmap(self->c, at, BAR));
	EXPECT_EQ(MISSED, poke(self, at));
	EXPECT_EQ(p, uni_unmap(self->c, self->u.base, 3 * BAR));
	EXPECT_EQ(0, uni_unregister(self->c, self->handle));
}

/* After the last close, with the other device decoding again. */
static void is_gone(struct __test_metadata *_metadata,
		    struct _test_data_p2p *self)
{
	uint64_t p = self->p, at = self->at;

	EXPECT_EQ(MISSED, poke(self, at));
	EXPECT_EQ(MISSED, peek_page(self, 6));
	EXPECT_EQ(REACHED, dma_to(self, at - p, self->mem));
	EXPECT_EQ(REACHED, dma_to(self, at + 5 * p, self->mem + p));
	/* It is as if it had never been there. */
	EXPECT_EQ(p, uni_unmap(self->c, at + 4 * p, BAR));
	EXPECT_EQ(p, uni_unmap(self->c, self->u.base, 3 * BAR));
	ASSERT_EQ(0, map_bar(self));
	EXPECT_EQ(REACHED, poke(self, at));
	EXPECT_EQ(BAR, uni_unmap(self->c, self->u.base, 3 * BAR));
	EXPECT_EQ(0, uni_unregister(self->c, self->handle));
}

TEST_F(p2p, memory_decode_off_and_on)
{
	set_up(_metadata, self);
	ASSERT_EQ(0, decode(self, false));
	is_reserved(_metadata, self);
	ASSERT_EQ(0, decode(self, true));
	EXPECT_TRUE(comes_back(self, self->at));
	ASSERT_EQ(0, decode(self, false));
	is_reserved(_metadata, self);
	ASSERT_EQ(0, decode(self, true));
	is_back(_metadata, self);
}

/* A part of it is unmapped meanwhile. */
TEST_F(p2p, unmapped_while_decode_is_off)
{
	uint64_t p = self->p, at = self->at;

	ASSERT_EQ(0, map_bar(self));
	ASSERT_EQ(0, decode(self, false));
	EXPECT_EQ(2 * p, uni_unmap(self->c, at + 4 * p, 2 * p));
	EXPECT_EQ(0, uni_unmap(self->c, at + 4 * p, 2 * p));
	ASSERT_EQ(0, map_ram(self, at + 4 * p));
	ASSERT_EQ(0, decode(self, true));
	EXPECT_TRUE(comes_back(self, at));
	EXPECT_EQ(REACHED, dma_to(self, at + 4 * p, self->mem));
	EXPECT_EQ(MISSED, peek_page(self, 5));
	EXPECT_EQ(REACHED, peek_page(self, 3));
	ASSERT_EQ(0, decode(self, false));
	EXPECT_EQ(BAR - p, uni_unmap(self->c, at, BAR));
	ASSERT_EQ(0, decode(self, true));
	EXPECT_EQ(MISSED, poke(self, at));
	EXPECT_EQ(0, uni_unmap(self->c, at, BAR));
}

TEST_F_TIMEOUT(p2p, reset, 60)
{
	close_other(self);
	ASSERT_EQ(0, pci_allow_reset(&self->dev, true));
	ASSERT_EQ(0, open_other(self, self->c));
	ASSERT_EQ(0, pci_allow_reset(&self->dev, true));
	if (!(vfio_device_flags(self->v.device) & VFIO_DEVICE_FLAGS_RESET))
		SKIP(return, "it can't be reset by itself");
	set_up(_metadata, self);
	ASSERT_EQ(0, vfio_ioctl(self->v.device, VFIO_DEVICE_RESET, NULL));
	ASSERT_EQ(0, decode(self, true));
	is_back(_metadata, self);
	close_other(self);
	ASSERT_EQ(0, pci_allow_reset(&self->dev, false));
}

TEST_F(p2p, closed)
{
	set_up(_metadata, self);
	close_other(self);
	EXPECT_EQ(REACHED, dma_to(self, self->at - self->p, self->mem));
	ASSERT_EQ(0, open_other(self, self->c));
	is_gone(_metadata, self);
}

/* Memory comes where the BAR was, and neither return nor revocation touches it. */
TEST_F(p2p, memory_takes_its_place)
{
	uint64_t p = self->p, at = self->at;

	ASSERT_EQ(0, map_bar(self));
	ASSERT_EQ(0, decode(self, false));
	EXPECT_EQ(-EEXIST, map_ram(self, at));
	EXPECT_EQ(BAR, uni_unmap(self->c, at, BAR));
	ASSERT_EQ(0, map_ram(self, at));
	ASSERT_EQ(0, uni_map_handle(self->c, at + p, self->handle, p, 2 * p,
				    UNI_RW));
	EXPECT_EQ(REACHED, dma_to(self, at, self->mem));
	ASSERT_EQ(0, decode(self, true));
	ASSERT_EQ(0, uni_map(self->c, at + 3 * p, self->edu.bar, p, UNI_RW));
	EXPECT_EQ(REACHED, poke(self, at + 3 * p));
	EXPECT_EQ(MISSED, poke(self, at));
	close_other(self);
	EXPECT_EQ(REACHED, dma_to(self, at, self->mem));
	EXPECT_EQ(REACHED, dma_to(self, at + 2 * p, self->mem + 2 * p));
	EXPECT_EQ(-EBUSY, uni_unregister(self->c, self->handle));
	ASSERT_EQ(0, open_other(self, self->c));
	EXPECT_EQ(MISSED, poke(self, at + 3 * p));
	EXPECT_EQ(3 * p, uni_unmap(self->c, at, BAR));
}

TEST_F(p2p, window_in_use)
{
	uint64_t a;

	ASSERT_EQ(0, uni_window(self->c, BAR, 0, &a));
	ASSERT_EQ(0, uni_map(self->c, a, self->edu.bar, BAR, UNI_RW));
	EXPECT_EQ(-EBUSY, uni_window_remove(self->c, a));
	EXPECT_EQ(BAR - self->p, uni_unmap(self->c, a, BAR - self->p));
	EXPECT_EQ(-EBUSY, uni_window_remove(self->c, a));
	EXPECT_EQ(self->p, uni_unmap(self->c, a, BAR));
	EXPECT_EQ(0, uni_window_remove(self->c, a));
	ASSERT_EQ(0, uni_window_at(self->c, a, BAR, 0));
	ASSERT_EQ(0, uni_map(self->c, a, self->edu.bar, BAR, UNI_RW));
	ASSERT_EQ(0, decode(self, false));
	EXPECT_EQ(-EBUSY, uni_window_remove(self->c, a));
	EXPECT_EQ(BAR, uni_unmap(self->c, a, BAR));
	EXPECT_EQ(0, uni_window_remove(self->c, a));
	ASSERT_EQ(0, uni_window_at(self->c, a, BAR, 0));
	ASSERT_EQ(0, decode(self, true));
	ASSERT_EQ(0, uni_map(self->c, a, self->edu.bar, BAR, UNI_RW));
	close_other(self);
	EXPECT_EQ(0, uni_window_remove(self->c, a));
}

/* ---- Groups come and go ---- */

TEST_F(p2p, attached_again)
{
	set_up(_metadata, self);
	ASSERT_EQ(0, uni_leave(&self->u));
	ASSERT_EQ(0, uni_join(&self->u, &self->u.v.pci));
	EXPECT_EQ(REACHED, poke(self, self->at));
	EXPECT_EQ(MISSED, peek_page(self, 4));
	EXPECT_EQ(REACHED, peek_page(self, 6));
	ASSERT_EQ(0, decode(self, false));
	ASSERT_EQ(0, decode(self, true));
	is_back(_metadata, self);
}

/* The BAR's device has a container of its own; nobody is in this one. */
TEST_F(p2p, of_another_container)
{
	int i, c = uni_container();

	ASSERT_LE(0, c);
	close_other(self);
	ASSERT_EQ(0, open_other(self, c));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, map_bar(self));
		EXPECT_EQ(REACHED, poke(self, self->at));
		ASSERT_EQ(0, uni_leave(&self->u));
		if (i)
			ASSERT_EQ(0, decode(self, false));
		if (i == 1)
			ASSERT_EQ(0, decode(self, true));
		ASSERT_EQ(0, uni_join(&self->u, &self->u.v.pci));
		if (i == 2)
			ASSERT_EQ(0, decode(self, true));
		EXPECT_TRUE(comes_back(self, self->at));
		EXPECT_EQ(BAR, uni_unmap(self->c, self->at, BAR));
	}
	close(c);
}

/* ---- At the same time ---- */

static void *keep_revoking(void *arg)
{
	struct _test_data_p2p *self = arg;
	uint64_t end = sys_now_ms() + RACE_MS;
	int ret = 0;

	while (!ret && sys_now_ms() < end) {
		ret = decode(self, false);
		sys_sleep_ms(1);
		ret = ret ? ret : decode(self, true);
		sys_sleep_ms(2);
	}
	return (void *)(long)ret;
}

TEST_F_TIMEOUT(p2p, revoked_meanwhile, 60)
{
	uint64_t p = self->p, at = self->at, end = sys_now_ms() + RACE_MS;
	unsigned int round = 0, mapped = 0, failed = 0;
	pthread_t thread;
	int64_t bytes;
	void *wrong;
	int ret;

	ASSERT_EQ(0, pthread_create(&thread, NULL, keep_revoking, self));
	while (sys_now_ms() < end) {
		ASSERT_EQ(0, map_ram(self, at - p));
		ret = map_bar(self);
		ASSERT_TRUE(!ret || ret == -EFAULT);
		mapped += !ret;
		failed += !!ret;
		/* What is withdrawn counts as mapped, whenever that happens. */
		bytes = uni_unmap(self->c, at + (1 + round++ % 8) * p, 2 * p);
		ASSERT_EQ(ret ? 0 : 2 * p, bytes);
		ASSERT_EQ(ret ? 0 : -EEXIST,
			  uni_map_handle(self->c, at, self->handle, 0, p,
					 UNI_RW));
		bytes = uni_unmap(self->c, at - p, BAR + p);
		ASSERT_EQ(ret ? 2 * p : BAR - p, bytes);
		ASSERT_EQ(0, uni_unmap(self->c, at - p, BAR + p));
	}
	ASSERT_EQ(0, pthread_join(thread, &wrong));
	EXPECT_EQ(NULL, wrong);
	EXPECT_LT(0, mapped);
	EXPECT_LT(0, failed);
	ASSERT_EQ(0, map_bar(self));
	EXPECT_EQ(REACHED, poke(self, at));
}

int main(int argc, char **argv)
{
	return uni_main(argc, argv, test_harness_run);
}
