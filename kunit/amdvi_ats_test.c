// SPDX-License-Identifier: GPL-2.0-only
/*
 * AMD-Vi and TLBs of devices (ATS): commands as the specification writes them, in which
 * order they come, and devices that don't answer.
 */
#include <kunit/static_stub.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/prandom.h>
#include <linux/sizes.h>

#include "amdvi_ats.h"
#include "threads.h"

#define CONTROL	(0x18 / 8)

/* 2.4.4 */
#define LOW	(4ULL << 60 | (u64)RID << 32 | DEPTH << 24 | RID)
/* All of the address space. */
#define ALL	0x7ffffffffffff001ULL

/* Where the device reads; 0: nowhere. */
static u64 reads(struct ats *t, u16 rid, u64 iova)
{
	phys_addr_t phys = 0;

	return fake_amdvi_ats_read(t->hw, rid, iova, &phys) ? 0 : phys;
}

static void expect_order(struct ats *t, const u8 *opcodes, unsigned int nr)
{
	unsigned int i;

	KUNIT_ASSERT_EQ(t->test, t->hw->nr_cmds, nr);
	for (i = 0; i < nr; i++)
		KUNIT_EXPECT_EQ_MSG(t->test, t->hw->cmd[i][0] >> 60, opcodes[i],
				    "%u", i);
}

/* ---- Commands ---- */

static void golden(struct kunit *test)
{
	static const struct {
		u64 start, last, word;
	} g[] = {
		{ 0x12345000, 0x12345fff, 0x12345000 },
		{ 0, 0xfff, 0 },
		{ 0x12344000, 0x12345fff, 0x12344001 },
		{ 0x12344000, 0x12347fff, 0x12345001 },
		{ 0x40000000, 0x401fffff, 0x400ff001 },
		{ 0x40000000, 0x7fffffff, 0x5ffff001 },
		/* Not aligned: the smallest block that has it all. */
		{ 0x12345000, 0x12346fff, 0x12345001 },
		{ 0x1fff000, 0x2000fff, 0x01fff001 },
		{ 0x8000000000000000, 0x8000000000000fff, 0x8000000000000000 },
		{ 0, U64_MAX, ALL },
	};
	static const u8 order[] = { 4, 1 };
	struct ats *t = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(g); i++) {
		KUNIT_ASSERT_EQ(test, 0, ats_inval(t, g[i].start, g[i].last));
		expect_order(t, order, ARRAY_SIZE(order));
		KUNIT_EXPECT_EQ(test, t->hw->cmd[0][0], LOW);
		KUNIT_EXPECT_EQ_MSG(test, t->hw->cmd[0][1], g[i].word, "%u", i);
	}
	/* Many that can be queued, and as many as there are bits for. */
	t->device->ats_depth = 32;
	KUNIT_ASSERT_EQ(test, 0, ats_inval(t, IOVA, IOVA + 0xfff));
	KUNIT_EXPECT_EQ(test, t->hw->cmd[0][0], 0x4000123420001234ULL);
}

/* A block of 2^n pages around the range, and no smaller one would do. */
static void random_ranges(struct kunit *test)
{
	struct ats *t = test->priv;
	struct rnd_state rnd;
	unsigned int round;

	prandom_seed_state(&rnd, 20270110);
	for (round = 0; round < 5000; round++) {
		u64 a = (u64)prandom_u32_state(&rnd) << 32 |
			prandom_u32_state(&rnd);
		u64 pages, last, word, first, end;
		unsigned int lg2 = 0;

		a = a >> prandom_u32_state(&rnd) % 52 & GENMASK_ULL(63, 12);
		pages = BIT_ULL(prandom_u32_state(&rnd) % 30) +
			prandom_u32_state(&rnd) % 8;
		last = a + ((pages << 12) - 1);
		if (last < a)
			last = U64_MAX;
		KUNIT_ASSERT_EQ(test, 0, ats_inval(t, a, last));
		KUNIT_ASSERT_EQ(test, 1, ats_count(t->hw, 4));
		word = t->hw->cmd[0][1];
		KUNIT_ASSERT_EQ(test, 0, word & 0xffe);
		if (word & 1)
			lg2 = ffz(word >> 12) + 1;
		first = (word >> 12) & ~(BIT_ULL(lg2) - 1);
		end = first + (BIT_ULL(lg2) - 1);
		KUNIT_ASSERT_LE(test, first, a >> 12);
		KUNIT_ASSERT_GE(test, end, last >> 12);
		if (lg2)
			KUNIT_ASSERT_NE(test, a >> 12 >> (lg2 - 1),
					last >> 12 >> (lg2 - 1));
	}
}

/* 3.4.4: 100 ms, also after a suspend. */
static void time_limit(struct kunit *test)
{
	struct ats *t = test->priv;

	KUNIT_EXPECT_EQ(test, t->hw->reg[CONTROL] >> 5 & 7, 3);
	t->hw->reg[CONTROL] = GENMASK_ULL(7, 5);
	KUNIT_ASSERT_EQ(test, 0, amdvi_unit_resume(&t->hw->unit));
	KUNIT_EXPECT_EQ(test, t->hw->reg[CONTROL] >> 5 & 7, 3);
}

/* ---- As part of a flush ---- */

static void unmapping(struct kunit *test)
{
	static const u8 order[] = { 3, 1, 4, 1 };
	struct ats *t = test->priv;
	unsigned int i;

	ats_map(t, t->domain, IOVA, SZ_8G, SZ_16K);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, SZ_8G + i * SZ_4K,
				reads(t, RID, IOVA + i * SZ_4K));
	t->hw->nr_cmds = 0;
	KUNIT_ASSERT_EQ(test, 0, ats_unmap(t->domain, IOVA, SZ_8K));
	/* The device has asked again as soon as it was told: it got nothing. */
	KUNIT_EXPECT_EQ(test, 0, reads(t, RID, IOVA));
	KUNIT_EXPECT_EQ(test, 0, reads(t, RID, IOVA + SZ_4K));
	KUNIT_EXPECT_EQ(test, SZ_8G + SZ_8K, reads(t, RID, IOVA + SZ_8K));
	expect_order(t, order, ARRAY_SIZE(order));
	KUNIT_EXPECT_EQ(test, t->hw->cmd[2][0], LOW);
	/* The page that was cut had 16 KiB. */
	KUNIT_EXPECT_EQ(test, t->hw->cmd[2][1], IOVA | 0x1001);
}

/* One command each, and one wait for all. */
static void several_ranges(struct kunit *test)
{
	struct ats *t = test->priv;
	struct sluice_gather gather;
	unsigned int i;

	sluice_gather_init(&gather);
	for (i = 0; i < SLUICE_GATHER_RANGES; i++)
		sluice_gather_add(&gather, (u64)i << 30,
				  ((u64)i << 30) + SZ_4K - 1, 12);
	KUNIT_ASSERT_EQ(test, 0,
			t->domain->paging.ops->flush(&t->domain->paging,
						     &gather));
	KUNIT_EXPECT_EQ(test, gather.nr, ats_count(t->hw, 4));
	KUNIT_EXPECT_EQ(test, 2, ats_count(t->hw, 1));
	/* Tables alone are nothing to a device. */
	sluice_gather_init(&gather);
	gather.nonleaf = true;
	t->hw->nr_cmds = 0;
	KUNIT_ASSERT_EQ(test, 0,
			t->domain->paging.ops->flush(&t->domain->paging,
						     &gather));
	KUNIT_EXPECT_EQ(test, 1, ats_count(t->hw, 3));
	KUNIT_EXPECT_EQ(test, 0, ats_count(t->hw, 4));
}

/* A domain's devices, and no others. */
static void two_devices(struct kunit *test)
{
	static const u8 order[] = { 3, 1, 4, 1, 4, 1 };
	struct ats *t = test->priv;

	ats_attach(t, t->other, t->domain);
	ats_map(t, t->domain, IOVA, SZ_8G, SZ_4K);
	KUNIT_EXPECT_EQ(test, SZ_8G, reads(t, RID, IOVA));
	KUNIT_EXPECT_EQ(test, SZ_8G, reads(t, OTHER, IOVA));
	t->hw->nr_cmds = 0;
	KUNIT_ASSERT_EQ(test, 0, ats_unmap(t->domain, IOVA, SZ_4K));
	expect_order(t, order, ARRAY_SIZE(order));
	KUNIT_EXPECT_EQ(test, RID, (u16)t->hw->cmd[2][0]);
	KUNIT_EXPECT_EQ(test, OTHER, (u16)t->hw->cmd[4][0]);
	KUNIT_EXPECT_EQ(test, 0, reads(t, RID, IOVA));
	KUNIT_EXPECT_EQ(test, 0, reads(t, OTHER, IOVA));
	t->hw->nr_cmds = 0;
	KUNIT_ASSERT_EQ(test, 0, ats_flush(t->elsewhere));
	KUNIT_EXPECT_EQ(test, 0, ats_count(t->hw, 4));
}

/* Behind different units: each is asked through its own. */
static void two_units(struct kunit *test)
{
	struct ats *t = test->priv;
	struct fake_amdvi *hw = fake_amdvi_create(test,
						  FAKE_AMDVI_CAP & ~BIT(26),
						  FAKE_AMDVI_EFR);
	struct amdvi_device *far = ats_add_device(test, hw, OTHER);

	ats_attach(t, far, t->domain);
	t->hw->nr_cmds = 0;
	hw->nr_cmds = 0;
	KUNIT_ASSERT_EQ(test, 0, ats_flush(t->domain));
	KUNIT_EXPECT_EQ(test, 1, ats_count(t->hw, 4));
	KUNIT_EXPECT_EQ(test, 1, ats_count(hw, 4));
	KUNIT_EXPECT_EQ(test, OTHER, (u16)hw->cmd[2][0]);
	amdvi_device_free(far);
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&hw->violations));
}

/* ---- On and off ---- */

/* It is told after its entry is blocked: until then, it could ask again. */
static void detaching(struct kunit *test)
{
	static const u8 order[] = { 2, 3, 1, 4, 1 };
	struct ats *t = test->priv;

	ats_map(t, t->domain, IOVA, SZ_8G, SZ_4K);
	KUNIT_EXPECT_EQ(test, SZ_8G, reads(t, RID, IOVA));
	t->hw->nr_cmds = 0;
	amdvi_device_block(t->device);
	expect_order(t, order, ARRAY_SIZE(order));
	KUNIT_EXPECT_EQ(test, t->hw->cmd[3][0], LOW);
	KUNIT_EXPECT_EQ(test, t->hw->cmd[3][1], ALL);
	KUNIT_EXPECT_TRUE(test, xa_empty(&t->hw->atc));
	KUNIT_EXPECT_TRUE(test, list_empty(&t->domain->ats));
	KUNIT_EXPECT_EQ(test, 0, reads(t, RID, IOVA));

	/* Blocked, or passed through, it isn't asked any more. */
	t->hw->nr_cmds = 0;
	amdvi_device_pass_through(t->device);
	KUNIT_ASSERT_EQ(test, 0, ats_flush(t->domain));
	amdvi_device_block(t->device);
	KUNIT_EXPECT_EQ(test, 0, ats_count(t->hw, 4));
}

/* From one domain to another: it forgets the first, and is known to the second. */
static void changes_domains(struct kunit *test)
{
	struct ats *t = test->priv;

	ats_map(t, t->domain, IOVA, SZ_8G, SZ_4K);
	ats_map(t, t->elsewhere, IOVA, SZ_16G, SZ_4K);
	KUNIT_EXPECT_EQ(test, SZ_8G, reads(t, RID, IOVA));
	ats_attach(t, t->device, t->elsewhere);
	KUNIT_EXPECT_TRUE(test, list_empty(&t->domain->ats));
	KUNIT_EXPECT_EQ(test, SZ_16G, reads(t, RID, IOVA));
	KUNIT_ASSERT_EQ(test, 0, ats_unmap(t->elsewhere, IOVA, SZ_4K));
	KUNIT_EXPECT_EQ(test, 0, reads(t, RID, IOVA));
	ats_attach(t, t->device, t->domain);
	KUNIT_EXPECT_EQ(test, SZ_8G, reads(t, RID, IOVA));
	KUNIT_ASSERT_EQ(test, 0, ats_unmap(t->domain, IOVA, SZ_4K));
	KUNIT_EXPECT_EQ(test, 0, reads(t, RID, IOVA));
}

/* Devices without one aren't asked, and their entry doesn't let them ask. */
static void unable(struct kunit *test)
{
	struct ats *t = test->priv;

	amdvi_device_block(t->device);
	t->device->ats_able = false;
	t->hw->nr_cmds = 0;
	ats_attach(t, t->device, t->domain);
	ats_map(t, t->domain, IOVA, SZ_8G, SZ_4K);
	KUNIT_EXPECT_EQ(test, 0, reads(t, RID, IOVA));
	KUNIT_EXPECT_EQ(test, 0, le64_to_cpu(t->hw->unit.devtab[RID].q[1]) >> 32);
	KUNIT_ASSERT_EQ(test, 0, ats_unmap(t->domain, IOVA, SZ_4K));
	amdvi_device_block(t->device);
	KUNIT_EXPECT_EQ(test, 0, ats_count(t->hw, 4));
}

/* Its owner could have it be silent. */
static void assigned(struct kunit *test)
{
	struct ats *t = test->priv;

	amdvi_device_block(t->device);
	t->domain->paging.hw.type = IOMMU_DOMAIN_UNMANAGED;
	t->hw->nr_cmds = 0;
	ats_attach(t, t->device, t->domain);
	KUNIT_EXPECT_TRUE(test, list_empty(&t->domain->ats));
	KUNIT_EXPECT_EQ(test, 0, le64_to_cpu(t->hw->unit.devtab[RID].q[1]) >> 32);
	ats_map(t, t->domain, IOVA, SZ_8G, SZ_4K);
	KUNIT_ASSERT_EQ(test, 0, ats_unmap(t->domain, IOVA, SZ_4K));
	amdvi_device_block(t->device);
	KUNIT_EXPECT_EQ(test, 0, ats_count(t->hw, 4));
}

struct coming {
	struct ats *t;
	bool stop;
};

/* Devices come and go while others flush. */
static int come_and_go(struct test_thread *self)
{
	struct coming *c = self->arg;
	struct ats *t = c->t;
	const u16 rid = OTHER + 1;
	struct amdvi_device *device;
	unsigned int i;
	int ret = 0;

	for (i = 0; self->nr && !READ_ONCE(c->stop) && !ret; i++) {
		ret = ats_flush(t->domain);
		cond_resched();
	}
	for (i = 0; !self->nr && i < 100 && !ret; i++) {
		device = amdvi_device_alloc(&t->hw->unit, NULL, &rid, 1);
		if (IS_ERR(device)) {
			ret = PTR_ERR(device);
			break;
		}
		device->ats_able = true;
		ret = amdvi_device_attach(device, t->domain);
		amdvi_device_free(device);
	}
	if (!self->nr)
		WRITE_ONCE(c->stop, true);
	return ret;
}

static void coming_and_going(struct kunit *test)
{
	struct coming c = { .t = test->priv };

	test_threads_run(test, 3, come_and_go, &c);
}

/* ---- Devices that don't answer ---- */

/* Their fault alone. */
static void silent(struct kunit *test)
{
	struct ats *t = test->priv;

	ats_hear(test);
	t->hw->silent = RID;
	KUNIT_EXPECT_EQ(test, -EIO, ats_flush(t->domain));
	KUNIT_EXPECT_EQ(test, 1, t->hw->timeouts);
	KUNIT_EXPECT_FALSE(test, t->hw->unit.iommu.dead);
	KUNIT_EXPECT_EQ(test, 0, ats_flush(t->elsewhere));
	/* What the flush has said needn't be said again. */
	amdvi_fault_handle(&t->hw->unit);
	KUNIT_EXPECT_EQ(test, 0, ats_reported);
	/* It answers again; and it is the other's turn. */
	t->hw->silent = OTHER;
	KUNIT_EXPECT_EQ(test, 0, ats_flush(t->domain));
	KUNIT_EXPECT_EQ(test, -EIO, ats_flush(t->elsewhere));
	t->hw->silent = 0;
	KUNIT_EXPECT_EQ(test, 0, ats_flush(t->elsewhere));
}

/* One of a domain's devices: the other one is told nevertheless. */
static void one_of_two(struct kunit *test)
{
	struct ats *t = test->priv;
	unsigned int i;

	ats_attach(t, t->other, t->domain);
	for (i = 0; i < 2; i++) {
		ats_map(t, t->domain, IOVA, SZ_8G, SZ_4K);
		KUNIT_EXPECT_EQ(test, SZ_8G, reads(t, RID, IOVA));
		KUNIT_EXPECT_EQ(test, SZ_8G, reads(t, OTHER, IOVA));
		t->hw->silent = i ? OTHER : RID;
		KUNIT_EXPECT_EQ(test, -EIO, ats_unmap(t->domain, IOVA, SZ_4K));
		KUNIT_EXPECT_TRUE(test, t->domain->paging.broken);
		KUNIT_EXPECT_EQ(test, i ? 0 : SZ_8G, reads(t, RID, IOVA));
		KUNIT_EXPECT_EQ(test, i ? SZ_8G : 0, reads(t, OTHER, IOVA));
		t->hw->silent = 0;
		t->domain->paging.broken = false;
		KUNIT_EXPECT_EQ(test, 0, ats_flush(t->domain));
	}
}

/* On its way out: what it may still reach is never used again. */
static void silent_leaver(struct kunit *test)
{
	struct ats *t = test->priv;

	t->hw->silent = RID;
	amdvi_device_block(t->device);
	KUNIT_EXPECT_TRUE(test, t->domain->paging.broken);
	KUNIT_EXPECT_FALSE(test, t->elsewhere->paging.broken);
	KUNIT_EXPECT_EQ(test, -EIO, ats_unmap(t->domain, IOVA, SZ_4K));
	KUNIT_EXPECT_EQ(test, 0, ats_unmap(t->elsewhere, IOVA, SZ_4K));
}

/* The interrupt may have been before us; without a listener, it is an event like any. */
static void interrupt_first(struct kunit *test)
{
	struct amdvi_watch watch, too, no;
	struct ats *t = test->priv;
	struct amdvi_unit *unit = &t->hw->unit;
	struct sluice_gather gather;

	ats_hear(test);
	ats_gather_one(&gather, IOVA, IOVA + SZ_4K - 1);
	t->hw->silent = RID;
	amdvi_fault_watch(unit, &watch, RID);
	amdvi_fault_watch(unit, &no, OTHER);
	amdvi_fault_watch(unit, &too, RID);
	KUNIT_EXPECT_EQ(test, 0, amdvi_inval_device(unit, RID, DEPTH, &gather));
	amdvi_fault_handle(unit);
	KUNIT_EXPECT_EQ(test, -ETIMEDOUT, amdvi_fault_unwatch(unit, &watch));
	KUNIT_EXPECT_EQ(test, 0, amdvi_fault_unwatch(unit, &no));
	KUNIT_EXPECT_EQ(test, -ETIMEDOUT, amdvi_fault_unwatch(unit, &too));
	KUNIT_EXPECT_EQ(test, 0, ats_reported);

	/* Events of another kind by the same device don't count. */
	t->hw->silent = 0;
	amdvi_fault_watch(unit, &watch, 0x100);
	fake_amdvi_faults(t->hw, 3);
	KUNIT_EXPECT_EQ(test, 0, amdvi_fault_unwatch(unit, &watch));
	KUNIT_EXPECT_EQ(test, 3, ats_reported);

	t->hw->silent = RID;
	KUNIT_EXPECT_EQ(test, 0, amdvi_inval_device(unit, RID, DEPTH, &gather));
	amdvi_fault_handle(unit);
	KUNIT_EXPECT_EQ(test, 4, ats_reported);
	t->hw->silent = 0;
}

/* More events than are taken at once, and more than there is room for. */
static void storm(struct kunit *test)
{
	struct ats *t = test->priv;

	ats_hear(test);
	t->hw->silent = RID;
	t->hw->floods = 500;
	KUNIT_EXPECT_EQ(test, -EIO, ats_flush(t->domain));
	KUNIT_EXPECT_EQ(test, 1, t->hw->timeouts);
	KUNIT_EXPECT_EQ(test, 500, ats_reported);

	/* The event is lost, however often it is asked. */
	t->hw->floods = 600;
	KUNIT_EXPECT_EQ(test, -EIO, ats_flush(t->domain));
	KUNIT_EXPECT_EQ(test, 4, t->hw->timeouts);
	KUNIT_EXPECT_FALSE(test, t->hw->unit.iommu.dead);

	/* Others' events were lost: the device is asked again, and is well. */
	t->hw->silent = 0;
	fake_amdvi_faults(t->hw, 600);
	t->hw->nr_cmds = 0;
	KUNIT_EXPECT_EQ(test, 0, ats_flush(t->domain));
	KUNIT_EXPECT_EQ(test, 2, ats_count(t->hw, 4));
	t->hw->nr_cmds = 0;
	KUNIT_EXPECT_EQ(test, 0, ats_flush(t->domain));
	KUNIT_EXPECT_EQ(test, 1, ats_count(t->hw, 4));
}

/* An event that was announced, and isn't there. */
static void lost_in_memory(struct kunit *test)
{
	struct ats *t = test->priv;
	u64 *tail = &t->hw->reg[0x2018 / 8];

	*tail += 16;
	t->hw->nr_cmds = 0;
	KUNIT_EXPECT_EQ(test, 0, ats_flush(t->domain));
	KUNIT_EXPECT_EQ(test, 2, ats_count(t->hw, 4));
}

/* The command buffer stops on the way: all of it is done again. */
static void stops(struct kunit *test)
{
	struct ats *t = test->priv;
	unsigned int i;

	for (i = 1; i <= 4; i++) {
		t->hw->stops = i;
		KUNIT_EXPECT_EQ(test, 0, ats_flush(t->domain));
		t->hw->silent = RID;
		t->hw->stops = i;
		KUNIT_EXPECT_EQ(test, -EIO, ats_flush(t->domain));
		t->hw->silent = 0;
	}
}

/* Of those that flush, each learns of its own device; so does the interrupt. */
static int flush_many(struct test_thread *self)
{
	struct ats *t = self->arg;
	unsigned int i;
	int ret;

	for (i = 0; i < 300; i++) {
		if (self->nr == 4) {
			amdvi_fault_handle(&t->hw->unit);
			cond_resched();
			continue;
		}
		ret = ats_flush(self->nr & 1 ? t->elsewhere : t->domain);
		if (ret != (self->nr & 1 ? 0 : -EIO))
			return ret ?: -ENOMSG;
	}
	return 0;
}

static void several_threads(struct kunit *test)
{
	struct ats *t = test->priv;

	t->hw->silent = RID;
	t->hw->timeout = 20;
	test_threads_run(test, 5, flush_many, t);
	t->hw->silent = 0;
	KUNIT_EXPECT_EQ(test, 600, t->hw->timeouts);
}

/* What somebody else queues before us; hardware hears of it with the next. */
static void queue_before(struct amdvi_unit *unit, u64 low, u64 high)
{
	unit->queue[unit->tail].q[0] = cpu_to_le64(low);
	unit->queue[unit->tail].q[1] = cpu_to_le64(high);
	unit->tail++;
	unit->queued++;
}

/* It takes as long as it takes: hardware isn't dead. */
static void patience(struct kunit *test)
{
	struct ats *t = test->priv;
	struct amdvi_unit *unit = &t->hw->unit;
	struct sluice_gather gather;
	unsigned int i;

	/* All that a flush can ask a device. */
	sluice_gather_init(&gather);
	for (i = 0; i < SLUICE_GATHER_RANGES; i++)
		sluice_gather_add(&gather, (u64)i << 30,
				  ((u64)i << 30) + SZ_4K - 1, 12);
	t->hw->silent = RID;
	t->hw->timeout = 100000;
	KUNIT_EXPECT_EQ(test, -EIO, amdvi_ats_inval(t->device, &gather));
	KUNIT_EXPECT_EQ(test, SLUICE_GATHER_RANGES, t->hw->timeouts);
	KUNIT_EXPECT_FALSE(test, t->hw->unit.iommu.dead);
	/* Behind others who wait for theirs, it takes longer than hardware may. */
	t->hw->timeout = 600000;
	for (i = 0; i < 2; i++) {
		queue_before(unit, LOW, IOVA);
		queue_before(unit, 1ULL << 60 | virt_to_phys(unit->done) | 1,
			     unit->queued + 1);
	}
	KUNIT_EXPECT_EQ(test, 0, ats_flush(t->elsewhere));
	KUNIT_EXPECT_EQ(test, SLUICE_GATHER_RANGES + 2, t->hw->timeouts);
	KUNIT_EXPECT_FALSE(test, t->hw->unit.iommu.dead);
	t->hw->silent = 0;
}

static struct kunit_case cases[] = {
	KUNIT_CASE(golden),
	KUNIT_CASE(random_ranges),
	KUNIT_CASE(time_limit),
	KUNIT_CASE(unmapping),
	KUNIT_CASE(several_ranges),
	KUNIT_CASE(two_devices),
	KUNIT_CASE(two_units),
	KUNIT_CASE(detaching),
	KUNIT_CASE(changes_domains),
	KUNIT_CASE(unable),
	KUNIT_CASE(assigned),
	KUNIT_CASE(coming_and_going),
	KUNIT_CASE(silent),
	KUNIT_CASE(one_of_two),
	KUNIT_CASE(silent_leaver),
	KUNIT_CASE(interrupt_first),
	KUNIT_CASE(storm),
	KUNIT_CASE(lost_in_memory),
	KUNIT_CASE(stops),
	KUNIT_CASE(several_threads),
	KUNIT_CASE_SLOW(patience),
	{}
};

static struct kunit_suite suite = {
	.name = "sluice_amdvi_ats",
	.init = ats_init,
	.exit = ats_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
