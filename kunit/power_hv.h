/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A pretended hypervisor, behind the seam of backends/power (struct power_hv).
 *
 * Owns: what a hypervisor would own: the PEs' windows and their tables of TCEs, and
 * what a device's DMA meets there. It is as nasty as LoPAR allows: part of a list has
 * been written when a call is to be repeated or fails, TCEs outlive a window that is
 * removed or reset, windows land on each other when they come in the wrong order. What
 * no caller may do is a violation, and fails the test.
 */
#ifndef SLUICE_KUNIT_POWER_HV_H
#define SLUICE_KUNIT_POWER_HV_H

#include <kunit/test.h>
#include <linux/spinlock.h>
#include <linux/xarray.h>

#include "backends/power/private.h"

/* As QEMU's: 4K, 64K, 16M, 2M. */
#define FAKE_HV_SIZES		0x107
#define FAKE_HV_LARGEST		0x80000000ULL
#define FAKE_HV_DEFAULT_BYTES	SZ_1G
#define FAKE_HV_LARGE_START	0x0800000000000000ULL

#define FAKE_HV_PES	3
#define FAKE_HV_WINDOWS	5

/**
 * enum fake_hv_call - the calls of &struct power_hv
 * @FAKE_HV_PUT: put
 * @FAKE_HV_INDIRECT: put_indirect
 * @FAKE_HV_STUFF: stuff
 * @FAKE_HV_QUERY: query
 * @FAKE_HV_CREATE: create
 * @FAKE_HV_REMOVE: remove
 * @FAKE_HV_RESET: reset
 * @FAKE_HV_CALLS: how many there are
 */
enum fake_hv_call {
	FAKE_HV_PUT,
	FAKE_HV_INDIRECT,
	FAKE_HV_STUFF,
	FAKE_HV_QUERY,
	FAKE_HV_CREATE,
	FAKE_HV_REMOVE,
	FAKE_HV_RESET,
	FAKE_HV_CALLS,
};

/**
 * struct fake_hv_failure - what is to go wrong
 * @nth: the n-th call from now on fails; 0: none does
 * @times: and all after it, until so many have failed
 * @err: what they return; but for -ENOMEM, half of the list has been written
 */
struct fake_hv_failure {
	unsigned int nth;
	unsigned int times;
	int err;
};

#define FAKE_HV_FOR_EVER UINT_MAX

/**
 * struct fake_window - a window of a PE, or the place for one
 * @there: it exists
 * @initial: it is the default window
 * @liobn: its logical bus number
 * @range: its IOVAs
 * @page_lg2: log2 of its page size
 * @blocks: TCEs, 512 together; they stay when the window goes
 */
struct fake_window {
	bool there;
	bool initial;
	u32 liobn;
	struct sluice_range range;
	unsigned int page_lg2;
	struct xarray blocks;
};

/**
 * struct fake_pe - a PE
 * @hv: its hypervisor
 * @group: its group; the kernel knows of no device in it
 * @pe: the backend's view of it, once it has been taken
 * @desc: what firmware says; may be changed before it is taken
 * @query: the same: what the hypervisor says if it has no window at all; @largest
 *	is 0 once there is none left
 * @first_start: where a window begins that is the only one
 * @next_start: where others do
 * @restores: with the last window gone, unless it was the default one, that is
 *	there again
 * @most_tces: of the largest window that it was asked for
 * @windows: the default one has the first place
 */
struct fake_pe {
	struct fake_hv *hv;
	struct iommu_group *group;
	struct power_pe *pe;
	struct power_pe_desc desc;
	struct power_ddw_query query;
	u64 first_start;
	u64 next_start;
	bool restores;
	u64 most_tces;
	struct fake_window windows[FAKE_HV_WINDOWS];
};

/**
 * struct fake_hv - a pretended hypervisor; there is one at a time
 * @ops: the calls
 * @test: the test it is part of
 * @pes: its PEs
 * @nr_pes: how many there are
 * @failures: by call; @lock
 * @broken: every call fails, for ever
 * @restless: calls that write TCEs sleep amid that now and then, so that others run
 * @lock: guards @failures and @hook
 * @hook: called within the next @hook_call, before that reads its list; once
 * @hook_call: which call that is
 * @hook_arg: for @hook
 * @calls: by call: how many there were
 * @tces: by call: TCEs written
 * @rewritten: TCEs written that were just so before
 * @violations: what no caller may do
 */
struct fake_hv {
	struct power_hv ops;
	struct kunit *test;
	struct fake_pe pes[FAKE_HV_PES];
	unsigned int nr_pes;
	struct fake_hv_failure failures[FAKE_HV_CALLS];
	bool broken;
	bool restless;
	spinlock_t lock;	/* failures, hook */
	void (*hook)(struct fake_hv *hv);
	enum fake_hv_call hook_call;
	void *hook_arg;
	atomic_t calls[FAKE_HV_CALLS];
	atomic_t tces[FAKE_HV_CALLS];
	atomic_t rewritten;
	atomic_t violations;
};

struct fake_hv *fake_hv_create(struct kunit *test);
/* Before the end of the test, which does it otherwise. */
void fake_hv_destroy(struct fake_hv *hv);

/* A PE as QEMU has it, and @taken at once, or later by fake_pe_take(). */
struct fake_pe *fake_pe_create(struct fake_hv *hv, bool taken);
int fake_pe_take(struct fake_pe *fp);
struct fake_pe *fake_pe_find(struct iommu_group *group);

void fake_hv_fail(struct fake_hv *hv, enum fake_hv_call call, unsigned int nth,
		  unsigned int times, int err);
void fake_hv_heal(struct fake_hv *hv);
void fake_hv_forget_counts(struct fake_hv *hv);
/* Calls that write TCEs, since then. */
unsigned int fake_hv_writes(struct fake_hv *hv);

/*
 * What an access by a device of the PE meets. Return: 0 and the address; -EFAULT:
 * nothing is mapped there; -EACCES.
 */
int fake_pe_translate(struct fake_pe *fp, u64 iova, bool write,
		      phys_addr_t *phys);
u64 fake_window_get(struct fake_window *fw, u64 n);
void fake_window_set(struct fake_window *fw, u64 n, u64 tce);
/* TCEs of windows that are there which aren't 0. */
unsigned long fake_pe_tces(struct fake_pe *fp);
/* The PE has its default window alone, and that is empty. */
void fake_pe_expect_normal(struct fake_pe *fp);
/* What the PE's devices can reach is exactly what the domain says. */
void fake_pe_expect_record(struct fake_pe *fp, struct sluice_domain *domain);
void fake_hv_check_idle(struct fake_hv *hv);

#endif /* SLUICE_KUNIT_POWER_HV_H */
