/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A legacy space over the fake backend, and user memory to map into it.
 */
#ifndef SLUICE_KUNIT_LEGACY_FIXTURE_H
#define SLUICE_KUNIT_LEGACY_FIXTURE_H

#include "core/private.h"
#include "fake_backend.h"

#define RO SLUICE_PROT_READ
#define WO SLUICE_PROT_WRITE
#define RW (SLUICE_PROT_READ | SLUICE_PROT_WRITE)

/**
 * struct legacy_param - a variant of the suite
 * @name: for the test's name
 * @type: the ABI's rules
 * @bare: a backend without optional operations
 */
struct legacy_param {
	const char *name;
	enum sluice_space_type type;
	bool bare;
};

#define LEGACY_GROUPS 3

/**
 * struct legacy - a space and what is behind it
 * @test: the test
 * @hw: the pretended IOMMU
 * @fg: groups 0 and 1 can share a domain, 2 needs its own; 0 is attached
 * @attached: which are attached
 * @space: the space
 * @locked: the process's locked pages before the test
 */
struct legacy {
	struct kunit *test;
	struct fake_hw *hw;
	struct fake_group *fg[LEGACY_GROUPS];
	bool attached[LEGACY_GROUPS];
	struct sluice_space space;
	unsigned long locked;
};

struct legacy *legacy_create(struct kunit *test);
void legacy_finish(struct legacy *l);

int legacy_attach(struct legacy *l, unsigned int group);
void legacy_detach(struct legacy *l, unsigned int group);

unsigned long legacy_memory(struct legacy *l, unsigned long npages);
int legacy_map(struct legacy *l, u64 iova, unsigned long vaddr, u64 npages,
	       unsigned int prot);
int legacy_unmap(struct legacy *l, u64 start, u64 last, u64 *unmapped);
u64 legacy_unmap_pages(struct legacy *l, u64 iova, u64 npages);

unsigned long legacy_pinned(struct legacy *l, unsigned long vaddr,
			    unsigned long npages);
void legacy_unpin(struct kunit *test, unsigned long addr,
		  unsigned long npages);
const struct cred *legacy_limit(struct kunit *test, unsigned long npages);
void legacy_unlimit(const struct cred *old);
unsigned long legacy_locked(struct legacy *l);
bool legacy_empty(struct legacy *l);
void legacy_expect_mapped(struct legacy *l, unsigned int group, u64 iova,
			  unsigned long vaddr, unsigned long npages);
void legacy_expect_hole(struct legacy *l, unsigned int group, u64 iova,
			unsigned long npages);

#endif /* SLUICE_KUNIT_LEGACY_FIXTURE_H */
