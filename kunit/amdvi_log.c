// SPDX-License-Identifier: GPL-2.0-only
/* Pretended AMD-Vi event logs; see amdvi_log.h. */
#include <linux/io.h>

#include "amdvi_log.h"

#define EVENT_BASE	0x0010
#define CONTROL		0x0018
#define EVENT_HEAD	0x2010
#define EVENT_TAIL	0x2018
#define STATUS		0x2020

/**
 * fake_log_place - where hardware has a part of the log
 * @hw: the unit
 * @offset: in bytes
 *
 * Return: a place in memory.
 */
__le64 *fake_log_place(struct fake_log *hw, u64 offset)
{
	return phys_to_virt((hw->base & GENMASK_ULL(51, 12)) + offset);
}

static void store(struct fake_log *hw, u64 offset, u64 low, u64 high)
{
	fake_log_place(hw, offset)[1] = cpu_to_le64(high);
	fake_log_place(hw, offset)[0] = cpu_to_le64(low);
}

/**
 * fake_log_event - hardware has something to tell
 * @hw: the unit; @late: it isn't there yet
 * @low: first word
 * @high: second word
 */
void fake_log_event(struct fake_log *hw, u64 low, u64 high)
{
	u64 next = (hw->tail + 16) % FAKE_LOG_BYTES;

	if (!(hw->status & FAKE_LOG_RUN) || hw->status & FAKE_LOG_OVERFLOW)
		return;
	if (next == hw->head) {
		hw->status |= FAKE_LOG_OVERFLOW;
		hw->status &= ~FAKE_LOG_RUN;
		hw->raised += !!(hw->control & FAKE_LOG_INT_EN);
		return;
	}
	if (hw->late) {
		hw->held[0] = low;
		hw->held[1] = high;
		hw->held_at = hw->tail;
	} else {
		store(hw, hw->tail, low, high);
	}
	hw->tail = next;
	hw->raised += hw->control & FAKE_LOG_INT_EN &&
		      !(hw->status & FAKE_LOG_INT);
	hw->status |= FAKE_LOG_INT;
}

/**
 * fake_log_faults - log events, each with another address: @next, in pages
 * @hw: the unit
 * @nr: how many
 */
void fake_log_faults(struct fake_log *hw, unsigned int nr)
{
	while (nr--)
		fake_log_event(hw, FAKE_LOG_FAULT, hw->next++ << 12);
}

static u64 fake_read64(struct amdvi_unit *unit, unsigned int reg)
{
	struct fake_log *hw = fake_log_of(unit);

	switch (reg) {
	case CONTROL:
		return hw->control;
	case EVENT_TAIL:
		return hw->tail | hw->noise;
	case STATUS:
		return hw->status;
	}
	hw->bad++;
	return 0;
}

static void write_control(struct fake_log *hw, u64 value)
{
	u64 rises = value & ~hw->control;
	u64 falls = hw->control & ~value;

	if (rises & FAKE_LOG_INT_EN) {
		fake_log_faults(hw, hw->on_unmask);
		hw->on_unmask = 0;
	}
	if (falls & FAKE_LOG_EN)
		hw->stopping = hw->lag;
	if (falls & FAKE_LOG_EN && !hw->lag)
		hw->status &= ~FAKE_LOG_RUN;
	if (rises & FAKE_LOG_EN) {
		hw->restarts++;
		hw->stopping = 0;
		hw->status |= FAKE_LOG_RUN;
	}
	hw->control = value;
}

static void write_status(struct fake_log *hw, u64 value)
{
	unsigned int raised = hw->raised;

	/* 1s that aren't ours to write. */
	hw->bad += !!(value & ~(FAKE_LOG_OVERFLOW | FAKE_LOG_INT | FAKE_LOG_COMWAIT));
	hw->status &= ~value | hw->sticks | FAKE_LOG_RUN;
	if (!(value & FAKE_LOG_INT) || !hw->on_ack)
		return;
	if (hw->ack) {
		hw->ack--;
		return;
	}
	fake_log_faults(hw, hw->on_ack);
	hw->on_ack = 0;
	if (hw->silent)
		hw->raised = raised;
}

/* What is handed back has to be empty: else it would be taken for an event. */
static void write_head(struct fake_log *hw, u64 value)
{
	if (value % 16 || value >= FAKE_LOG_BYTES) {
		hw->bad++;
		return;
	}
	if (hw->control & FAKE_LOG_EN)
		for (; hw->head != value; hw->head = (hw->head + 16) % FAKE_LOG_BYTES)
			hw->bad += fake_log_place(hw, hw->head)[0] ||
				   fake_log_place(hw, hw->head)[1];
	hw->head = value;
}

static void fake_write64(struct amdvi_unit *unit, unsigned int reg, u64 value)
{
	struct fake_log *hw = fake_log_of(unit);

	switch (reg) {
	case CONTROL:
		write_control(hw, value);
		return;
	case STATUS:
		write_status(hw, value);
		return;
	case EVENT_HEAD:
		write_head(hw, value);
		return;
	case EVENT_TAIL:
		/* Not while it runs, unless it never stops. */
		hw->bad += hw->status & FAKE_LOG_RUN && hw->lag < 1000;
		hw->tail = value;
		return;
	case EVENT_BASE:
		hw->bad += !!(hw->status & FAKE_LOG_RUN);
		hw->base = value;
		return;
	}
	hw->bad++;
}

static void fake_pause(struct amdvi_unit *unit)
{
	struct fake_log *hw = fake_log_of(unit);

	hw->pauses++;
	if (hw->late && !--hw->late)
		store(hw, hw->held_at, hw->held[0], hw->held[1]);
	if (hw->stopping && !--hw->stopping)
		hw->status &= ~FAKE_LOG_RUN;
}

/* The seam's other side. */
const struct amdvi_hw fake_log_hw = {
	.read64 = fake_read64,
	.write64 = fake_write64,
	.pause = fake_pause,
};
