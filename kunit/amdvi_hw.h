/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pretended AMD-Vi units, behind the seam of backends/amdvi (struct amdvi_hw).
 *
 * Owns: what silicon would own: registers, the command buffer, the event log as far as
 * devices that don't answer go, what is remembered, also by devices themselves, and the
 * walk that a DMA takes, from the device table on. Written from the
 * specification, without a look at the driver's own definitions. It never forgets by
 * itself, and takes what it is told to the letter, so that a missing or too narrow
 * invalidation is always seen. Pointers to tables aren't remembered: core/pt's own
 * suites see to those.
 */
#ifndef SLUICE_KUNIT_AMDVI_HW_H
#define SLUICE_KUNIT_AMDVI_HW_H

#include <kunit/test.h>
#include <linux/spinlock.h>
#include <linux/xarray.h>

#include "backends/amdvi/private.h"

/* QEMU's unit: six levels, wide interrupt entries, INVALIDATE_ALL. */
#define FAKE_AMDVI_CAP	0x0f0b0000U
#define FAKE_AMDVI_EFR	0x29d3ULL

#define FAKE_AMDVI_CMDS 1024

/**
 * struct fake_amdvi - a pretended unit
 * @unit: the driver's view of it
 * @test: the test it is part of
 * @lock: guards all that follows
 * @reg: registers by offset / 8
 * @cmd: commands that were carried out since @nr_cmds was set to 0
 * @nr_cmds: how many; those beyond the array's end aren't kept
 * @waits: COMPLETION_WAITs among them
 * @slow: commands are carried out at the n-th pause from when they are queued
 * @late: pauses until then
 * @stops: countdown: the n-th command from here on stops the buffer
 * @always_stops: and all after it
 * @deaf: commands are never carried out
 * @pauses: how often the driver has waited
 * @silent: requester ID that doesn't answer when it is to invalidate its TLB, or 0
 * @timeout: pauses until hardware no longer waits for it
 * @asked: it waits
 * @left: pauses until then
 * @floods: other events that are logged just before one of a time-out
 * @timeouts: logged, or lost since the log was full
 * @dte: by requester ID, the entry that is remembered
 * @irte: by requester ID and index, the same of interrupt tables
 * @tlb: by domain id and page, what is remembered of page tables
 * @atc: by requester ID and page, what devices have in their own TLBs
 * @violations: what hardware would call illegal, or what has no meaning
 */
struct fake_amdvi {
	struct amdvi_unit unit;
	struct kunit *test;
	spinlock_t lock;	/* all below */
	u64 reg[0x2030 / 8];
	u64 cmd[FAKE_AMDVI_CMDS][2];
	unsigned int nr_cmds;
	unsigned int waits;
	unsigned int slow;
	unsigned int late;
	unsigned int stops;
	bool always_stops;
	bool deaf;
	unsigned int pauses;
	u16 silent;
	unsigned int timeout;
	bool asked;
	unsigned int left;
	unsigned int floods;
	unsigned int timeouts;
	struct xarray dte;
	struct xarray irte;
	struct xarray tlb;
	struct xarray atc;
	atomic_t violations;
};

/* A unit that translates; all is blocked. */
struct fake_amdvi *fake_amdvi_create(struct kunit *test, u32 cap, u64 efr);
/* The hardware alone: the driver doesn't know it yet. */
struct fake_amdvi *fake_amdvi_plug(struct kunit *test, u32 cap, u64 efr);

/*
 * What an access meets. Return: 0 and the address; -EFAULT: blocked, or nothing
 * mapped; -EACCES.
 */
int fake_amdvi_translate(struct fake_amdvi *hw, u16 rid, u64 iova, bool write,
			 phys_addr_t *phys);
/* The same, remembering nothing, not even what was remembered. */
int fake_amdvi_peek(struct fake_amdvi *hw, u16 rid, u64 iova, bool write,
		    phys_addr_t *phys);

/*
 * What a read by a device meets that has a TLB of its own, and asks for a translation
 * if there is none. Return: as fake_amdvi_translate().
 */
int fake_amdvi_ats_read(struct fake_amdvi *hw, u16 rid, u64 iova,
			phys_addr_t *phys);
/* Events of another kind, each a page fault. */
void fake_amdvi_faults(struct fake_amdvi *hw, unsigned int nr);

/*
 * What a write of @index to the interrupts' addresses raises. Return: 0, and the vector
 * with the APIC ID above it; -EFAULT: nothing; 1: it isn't remapped.
 */
int fake_amdvi_interrupt(struct fake_amdvi *hw, u16 rid, unsigned int index,
			 u64 *target);

#endif /* SLUICE_KUNIT_AMDVI_HW_H */
