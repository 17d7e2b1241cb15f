// SPDX-License-Identifier: GPL-2.0-only
/*
 * AMD-Vi: the command buffer.
 *
 * Owns: commands on their way to hardware, waiting until they have been carried
 * out, and what happens if they aren't. Does not own: what they say (inval.c).
 * Source: AMD 48882, 2.4 and 3.4.13.
 *
 * Hardware tells of its progress by a store to memory (COMPLETION_WAIT): the number
 * of commands that were ever carried out. That is also how much room there is, so
 * no register is read as long as all goes well.
 */
#define pr_fmt(fmt) "sluice amdvi: " fmt

#include <linux/bitfield.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/printk.h>

#include "private.h"

/* The ring: two pages. */
#define RING_LG2	9
#define RING_SIZE	BIT(RING_LG2)
#define RING_ORDER	get_order(RING_SIZE * sizeof(struct amdvi_cmd))

/* How often it is looked whether hardware is done before time is let go by. */
#define LOOKS		1000
/*
 * How long hardware may go on without being done with any of what was queued, in
 * pauses of a microsecond. Devices that don't answer aren't its fault.
 */
#define PATIENCE	1000000
static_assert(SLUICE_GATHER_RANGES * AMDVI_DEVICE_PATIENCE_US < PATIENCE);

/* The same once the unit is dead: it is tried, but nobody is held up for long. */
#define DEAD_PATIENCE	1000

/* How often commands are queued again that were lost when the queue stopped. */
#define TRIES		3

/**
 * struct ticket - what to wait for
 * @seq: commands carried out by then
 * @restarts: &amdvi_unit.restarts when they were queued
 */
struct ticket {
	u64 seq;
	unsigned int restarts;
};

static u64 done(const struct amdvi_unit *unit)
{
	return le64_to_cpu(READ_ONCE(*unit->done));
}

static unsigned int room(const struct amdvi_unit *unit)
{
	lockdep_assert_held(&unit->queue_lock);
	/* A ring that is full would look empty. */
	return RING_SIZE - 1 - (unsigned int)(unit->queued - done(unit));
}

static void put(struct amdvi_unit *unit, const struct amdvi_cmd *cmd)
{
	lockdep_assert_held(&unit->queue_lock);
	unit->queue[unit->tail] = *cmd;
	unit->tail = (unit->tail + 1) % RING_SIZE;
	unit->queued++;
}

static struct amdvi_cmd make_wait(const struct amdvi_unit *unit, u64 seq)
{
	return (struct amdvi_cmd){ .q = {
		cpu_to_le64(FIELD_PREP(AMDVI_CMD_OPCODE, AMDVI_CMD_WAIT) |
			    (virt_to_phys(unit->done) & AMDVI_CMD_WAIT_ADDR) |
			    AMDVI_CMD_WAIT_STORE),
		cpu_to_le64(seq),
	} };
}

/* Queues commands and a wait behind them, or nothing if there is no room. */
static bool enqueue(struct amdvi_unit *unit, const struct amdvi_cmd *cmds,
		    unsigned int nr, struct ticket *ticket)
{
	struct amdvi_cmd wait;
	unsigned long flags;
	bool fits;

	raw_spin_lock_irqsave(&unit->queue_lock, flags);
	fits = room(unit) > nr;
	if (fits) {
		while (nr--)
			put(unit, cmds++);
		ticket->seq = unit->queued + 1;
		ticket->restarts = unit->restarts;
		wait = make_wait(unit, ticket->seq);
		put(unit, &wait);
		/* Before hardware is told that they are there. */
		dma_wmb();
		unit->hw->write64(unit, AMDVI_CMD_TAIL_REG,
				  unit->tail * sizeof(*cmds));
	}
	raw_spin_unlock_irqrestore(&unit->queue_lock, flags);
	return fits;
}

/*
 * Hardware has stopped at a command that it doesn't understand, or couldn't read.
 * What was queued is lost: whoever waits for it queues it again.
 */
static void restart(struct amdvi_unit *unit, unsigned int restarts)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&unit->queue_lock, flags);
	if (unit->restarts == restarts) {
		amdvi_control(unit, AMDVI_CONTROL_CMD_EN, 0);
		unit->hw->write64(unit, AMDVI_CMD_HEAD_REG, 0);
		unit->hw->write64(unit, AMDVI_CMD_TAIL_REG, 0);
		unit->tail = 0;
		WRITE_ONCE(unit->restarts, restarts + 1);
		/* Seen before the number below, which would mean success; look(). */
		smp_wmb();
		WRITE_ONCE(*unit->done, cpu_to_le64(unit->queued));
		amdvi_control(unit, 0, AMDVI_CONTROL_CMD_EN);
		/* Consoles, too, may have DMA to unmap: not under the lock. */
		printk_deferred_enter();
		pr_warn_ratelimited("%s: the command buffer stopped, it was restarted\n",
				    unit->name);
		printk_deferred_exit();
	}
	raw_spin_unlock_irqrestore(&unit->queue_lock, flags);
}

static bool stopped(struct amdvi_unit *unit)
{
	return !(unit->hw->read64(unit, AMDVI_STATUS_REG) &
		 AMDVI_STATUS_CMD_RUN);
}

/* 0 if carried out, -EAGAIN if lost, -EBUSY if neither is known yet. */
static int look(const struct amdvi_unit *unit, const struct ticket *ticket)
{
	bool reached = (s64)(done(unit) - ticket->seq) >= 0;

	/* If it was restart() that said so, that is seen as well. */
	smp_rmb();
	if (READ_ONCE(unit->restarts) != ticket->restarts)
		return -EAGAIN;
	return reached ? 0 : -EBUSY;
}

static noinline int wait_long(struct amdvi_unit *unit,
			      const struct ticket *ticket,
			      unsigned int patience)
{
	u64 before = done(unit), now;
	unsigned int i;
	int ret;

	for (i = 0; i < patience; i++) {
		ret = look(unit, ticket);
		if (ret != -EBUSY)
			return ret;
		if (stopped(unit))
			restart(unit, ticket->restarts);
		unit->hw->pause(unit);
		/* What is before us may wait for devices; it isn't more than a ring. */
		now = done(unit);
		if (now != before)
			i = 0;
		before = now;
	}
	return -ETIMEDOUT;
}

static int wait(struct amdvi_unit *unit, const struct ticket *ticket,
		unsigned int patience)
{
	unsigned int i;
	int ret;

	for (i = 0; i < LOOKS; i++) {
		ret = look(unit, ticket);
		if (likely(ret != -EBUSY))
			return ret;
		cpu_relax();
	}
	return wait_long(unit, ticket, patience);
}

/* Waits until what was queued last is carried out: then there is room. */
static int wait_room(struct amdvi_unit *unit)
{
	struct ticket ticket;
	unsigned long flags;
	int ret;

	raw_spin_lock_irqsave(&unit->queue_lock, flags);
	ticket.seq = unit->queued;
	ticket.restarts = unit->restarts;
	raw_spin_unlock_irqrestore(&unit->queue_lock, flags);
	ret = wait(unit, &ticket, PATIENCE);
	return ret == -EAGAIN ? 0 : ret;
}

/* What devices may still reach then stays pinned; see sluice/backend.h. */
static int give_up(struct amdvi_unit *unit, int ret)
{
	if (!xchg(&unit->iommu.dead, true))
		pr_err("%s: the command buffer failed (%d): memory that devices may still reach stays pinned, nothing more can be attached\n",
		       unit->name, ret);
	return -EIO;
}

/*
 * What has failed once need not fail for ever. Host drivers use the memory that they have
 * unmapped whatever becomes of the flush, since nobody can tell them; so as much is done
 * as can be. If the hardware doesn't move at all, the ring is full after some hundred of
 * these, and no more time is lost.
 */
static noinline int submit_dead(struct amdvi_unit *unit,
				const struct amdvi_cmd *cmds, unsigned int nr)
{
	struct ticket ticket;

	if (!enqueue(unit, cmds, nr, &ticket))
		return -EIO;
	return wait(unit, &ticket, DEAD_PATIENCE) ? -EIO : 0;
}

/**
 * amdvi_queue_submit - have commands carried out
 * @unit: the unit
 * @cmds: commands
 * @nr: how many, up to %AMDVI_SUBMIT
 *
 * Returns when they are, after a bounded time in any case. Nothing is to be done if
 * the unit is off. A dead unit is given them, too.
 *
 * Context: any.
 * Return: 0; -EIO if they may not have been carried out: the unit is dead.
 */
int amdvi_queue_submit(struct amdvi_unit *unit, const struct amdvi_cmd *cmds,
		       unsigned int nr)
{
	unsigned int tries = TRIES;
	struct ticket ticket;
	int ret;

	/* Off, it takes none; see amdvi_unit_enable(). */
	if (unlikely(!READ_ONCE(unit->on)))
		return 0;
	if (unlikely(amdvi_unit_dead(unit)))
		return submit_dead(unit, cmds, nr);
	do {
		while (unlikely(!enqueue(unit, cmds, nr, &ticket))) {
			ret = wait_room(unit);
			if (ret)
				return give_up(unit, ret);
		}
		ret = wait(unit, &ticket, PATIENCE);
	} while (unlikely(ret == -EAGAIN) && --tries);
	return unlikely(ret) ? give_up(unit, ret) : 0;
}

/**
 * amdvi_queue_init - allocate the command buffer
 * @unit: the unit
 *
 * Return: 0 or -ENOMEM.
 */
int amdvi_queue_init(struct amdvi_unit *unit)
{
	struct page *ring, *page;

	ring = alloc_pages_node(unit->nid, GFP_KERNEL | __GFP_ZERO, RING_ORDER);
	if (!ring)
		return -ENOMEM;
	page = alloc_pages_node(unit->nid, GFP_KERNEL | __GFP_ZERO, 0);
	if (!page) {
		__free_pages(ring, RING_ORDER);
		return -ENOMEM;
	}
	raw_spin_lock_init(&unit->queue_lock);
	unit->queue = page_address(ring);
	unit->done = page_address(page);
	return 0;
}

/**
 * amdvi_queue_deinit - free the command buffer
 * @unit: the unit, whose hardware doesn't use it
 */
void amdvi_queue_deinit(struct amdvi_unit *unit)
{
	free_pages((unsigned long)unit->queue, RING_ORDER);
	free_page((unsigned long)unit->done);
}

/**
 * amdvi_queue_enable - have hardware take commands
 * @unit: the unit; its command buffer is off
 *
 * Also after a suspend. Commands of before are forgotten.
 */
void amdvi_queue_enable(struct amdvi_unit *unit)
{
	unit->hw->write64(unit, AMDVI_CMD_BASE_REG,
			  (virt_to_phys(unit->queue) & AMDVI_RING_BASE) |
			  FIELD_PREP(AMDVI_RING_LEN, RING_LG2));
	unit->hw->write64(unit, AMDVI_CMD_HEAD_REG, 0);
	unit->hw->write64(unit, AMDVI_CMD_TAIL_REG, 0);
	unit->tail = 0;
	*unit->done = cpu_to_le64(unit->queued);
	amdvi_control(unit, 0, AMDVI_CONTROL_CMD_EN);
}
