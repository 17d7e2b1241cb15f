/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A pretended AMD-Vi unit, as far as its event log goes (AMD 48882 2.5, 3.4.3,
 * 3.4.13, 3.4.14).
 *
 * Owns: what silicon would own: the log's registers, writing events to memory, and
 * a look at how memory is handed back. Written from the specification, without the
 * driver's own definitions.
 */
#ifndef SLUICE_KUNIT_AMDVI_LOG_H
#define SLUICE_KUNIT_AMDVI_LOG_H

#include "backends/amdvi/private.h"

#define FAKE_LOG_EN		BIT_ULL(2)	/* of CONTROL */
#define FAKE_LOG_INT_EN		BIT_ULL(3)
#define FAKE_LOG_OVERFLOW	BIT_ULL(0)	/* of STATUS */
#define FAKE_LOG_INT		BIT_ULL(1)
#define FAKE_LOG_COMWAIT	BIT_ULL(2)
#define FAKE_LOG_RUN		BIT_ULL(3)

#define FAKE_LOG_RING		512
#define FAKE_LOG_BYTES		(FAKE_LOG_RING * 16)

/* An event: a DMA write by 01:00.0, in domain 5, to a page that isn't there. */
#define FAKE_LOG_FAULT		(2ULL << 60 | BIT_ULL(53) | 5ULL << 32 | 0x100)

/**
 * struct fake_log - a pretended unit, as far as its event log goes
 * @unit: the driver's view of it
 * @base: register
 * @control: register
 * @status: register
 * @head: register
 * @tail: register
 * @sticks: bits of @status that writing doesn't clear
 * @noise: bits that reading the tail adds to it
 * @lag: pauses that it takes to stop, once it was told so
 * @stopping: pauses left
 * @late: pauses after which the @held event becomes visible
 * @held: an event that isn't there yet, but is counted in @tail
 * @held_at: its place
 * @on_ack: events that come just when the interrupt's bit is written
 * @ack: how often it is written before that
 * @on_unmask: events that come just before the interrupt is enabled
 * @silent: what comes at @on_ack sets the bit and raises nothing (ERBT1312)
 * @raised: interrupts
 * @pauses: calls of pause
 * @restarts: how often EventLogEn was set
 * @next: address of the next event
 * @bad: what hardware doesn't allow
 */
struct fake_log {
	struct amdvi_unit unit;
	u64 base;
	u64 control;
	u64 status;
	u64 head;
	u64 tail;
	u64 sticks;
	u64 noise;
	unsigned int lag;
	unsigned int stopping;
	unsigned int late;
	u64 held[2];
	u64 held_at;
	unsigned int on_ack;
	unsigned int ack;
	unsigned int on_unmask;
	bool silent;
	unsigned int raised;
	unsigned int pauses;
	unsigned int restarts;
	u64 next;
	unsigned int bad;
};

extern const struct amdvi_hw fake_log_hw;

static inline struct fake_log *fake_log_of(struct amdvi_unit *unit)
{
	return container_of(unit, struct fake_log, unit);
}

__le64 *fake_log_place(struct fake_log *hw, u64 offset);
void fake_log_event(struct fake_log *hw, u64 low, u64 high);
void fake_log_faults(struct fake_log *hw, unsigned int nr);

#endif /* SLUICE_KUNIT_AMDVI_LOG_H */
