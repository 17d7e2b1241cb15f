/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A domain of the POWER backend over a pretended hypervisor, for its suites.
 */
#ifndef SLUICE_KUNIT_POWER_FIXTURE_H
#define SLUICE_KUNIT_POWER_FIXTURE_H

#include "core/private.h"
#include "power_hv.h"

#define RO SLUICE_PROT_READ
#define RW (SLUICE_PROT_READ | SLUICE_PROT_WRITE)

/* Pages of the large window, which are the CPU's; as many make a block. */
#define BLOCK	POWER_BLOCK
#define IOVA(n)	(FAKE_HV_LARGE_START + (u64)(n) * PAGE_SIZE)

/* A page far from all others: no two are neighbours. */
#define PHYS(n)	((1ULL << 40) + (u64)(n) * 2 * PAGE_SIZE)

#define POWER_EXTENTS 640

/**
 * struct power_case - what the suites work with
 * @test: the test
 * @hv: the hypervisor
 * @fp: PEs, taken
 * @domain: a domain that was made for the first of them
 * @attached: which are attached to it
 * @e: extents for a call
 * @nr: used ones
 * @done: what the last map said
 * @gather: what is to be flushed
 */
struct power_case {
	struct kunit *test;
	struct fake_hv *hv;
	struct fake_pe *fp[FAKE_HV_PES];
	struct sluice_domain *domain;
	bool attached[FAKE_HV_PES];
	struct sluice_extent e[POWER_EXTENTS];
	size_t nr;
	u64 done;
	struct sluice_gather gather;
};

/* The hypervisor alone: its PEs may be changed before they are taken. */
struct power_case *power_case_plug(struct kunit *test);
/* Takes @pes of them, makes a domain of a kind, attaches them. */
void power_case_start(struct power_case *c, unsigned int pes,
		      enum sluice_domain_kind kind);
struct power_case *power_case_create(struct kunit *test, unsigned int pes);
/* Expects that nothing is left. The hypervisor goes: there may be another one then. */
void power_case_finish(struct power_case *c);
int power_case_attach(struct power_case *c, unsigned int n);
void power_case_detach(struct power_case *c, unsigned int n);

/* Extents for the next map are collected, page by page of the large window. */
void power_add(struct power_case *c, u64 iova, u64 phys, u64 bytes);
void power_add_page(struct power_case *c, unsigned int page);
int power_do_map(struct power_case *c, unsigned int prot);
void power_do_map_page(struct power_case *c, unsigned int page);
/* Returns how many extents were handed back, to @e. */
size_t power_do_unmap(struct power_case *c, u64 iova, u64 bytes);
int power_do_flush(struct power_case *c);
void power_do_clear(struct power_case *c);

/* Every PE's devices can reach what the record says, and no more. */
void power_check(struct power_case *c);
unsigned int power_mapped(struct power_case *c);
/* Since the last time; and starts anew. */
void power_expect_calls(struct power_case *c, unsigned int put,
			unsigned int indirect, unsigned int stuff);

#endif /* SLUICE_KUNIT_POWER_FIXTURE_H */
