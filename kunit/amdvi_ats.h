/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the suites about TLBs of devices behind an AMD-Vi begin with: two devices that
 * have one, each in a domain of its own.
 */
#ifndef SLUICE_KUNIT_AMDVI_ATS_H
#define SLUICE_KUNIT_AMDVI_ATS_H

#include "amdvi_hw.h"

#define RID	0x1234
#define OTHER	0x2340
#define DEPTH	5
#define IOVA	0x40000000ULL

/**
 * struct ats - a device with a TLB of its own, attached, and another one elsewhere
 * @test: the test
 * @hw: their unit
 * @device: the device
 * @domain: its domain
 * @other: the other one
 * @elsewhere: the other one's domain
 */
struct ats {
	struct kunit *test;
	struct fake_amdvi *hw;
	struct amdvi_device *device;
	struct amdvi_domain *domain;
	struct amdvi_device *other;
	struct amdvi_domain *elsewhere;
};

/* Of suites: make test->priv, and expect that nothing is left. */
int ats_init(struct kunit *test);
void ats_exit(struct kunit *test);

struct amdvi_device *ats_add_device(struct kunit *test, struct fake_amdvi *hw,
				    u16 rid);
struct amdvi_domain *ats_add_domain(struct ats *t);
void ats_attach(struct ats *t, struct amdvi_device *device,
		struct amdvi_domain *domain);

void ats_gather_one(struct sluice_gather *gather, u64 start, u64 last);
/* The first device alone. */
int ats_inval(struct ats *t, u64 start, u64 last);
/* As part of an unmap, but the domain is usable after a failure. */
int ats_flush(struct amdvi_domain *domain);
void ats_map(struct ats *t, struct amdvi_domain *domain, u64 iova, u64 phys,
	     u64 bytes);
int ats_unmap(struct amdvi_domain *domain, u64 iova, u64 bytes);

/* Commands of a kind that were carried out. */
unsigned int ats_count(const struct fake_amdvi *hw, unsigned int opcode);

/* From now on events that are reported count in @ats_reported. */
extern unsigned int ats_reported;
void ats_hear(struct kunit *test);

#endif /* SLUICE_KUNIT_AMDVI_ATS_H */
