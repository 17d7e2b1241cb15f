/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A pretended IOMMU with windows, and the backend that drives it: the smallest one that
 * has &struct sluice_window_ops. It has domains of the kind SLUICE_DOMAIN_WINDOWS only.
 */
#ifndef SLUICE_FAKE_WINDOWS_H
#define SLUICE_FAKE_WINDOWS_H

#include <kunit/test.h>
#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <sluice/backend.h>

/* Units of a pretended IOMMU: groups of one can share a domain. */
#define FAKE_WIN_UNITS 2
/* Where the hardware puts a window if there is one at 0. */
#define FAKE_WIN_HIGH BIT_ULL(59)
/* The initial window, and pages that windows can have. */
#define FAKE_WIN_INITIAL_SIZE SZ_64M
#define FAKE_WIN_LEVELS 2U

struct fake_win_domain;

/**
 * struct fake_win_group - a group behind the pretended IOMMU
 * @node: link in &fake_win_hw.groups
 * @group: the kernel's group; it has no devices
 * @unit: which unit it is behind
 * @domain: what translates it; NULL: blocked
 */
struct fake_win_group {
	struct list_head node;
	struct iommu_group *group;
	unsigned int unit;
	struct fake_win_domain *domain;
};

/**
 * struct fake_win_hw - one pretended IOMMU, with knobs and counters for tests
 * @node: link in the list of all
 * @groups: &fake_win_group.node
 * @lock: one access at a time, be it the driver's or a device's
 * @caps: what probe reports
 * @high: where a unit puts a window if there is one at 0
 * @max_size: the largest window
 * @create_error: what creating a window returns, once @create_in has run out
 * @create_in: countdown: the n-th from here on fails; 0: none
 * @remove_error: the same for removing
 * @remove_in: the same for removing
 * @flush_error: nonzero: the hardware is dead, this is the errno
 * @fail_alloc: countdown: the n-th allocation of a table from here on fails; 0: none
 * @fail_map: countdown: the n-th page mapped from here on fails; 0: none
 * @iommu: the live instance, or NULL
 * @domains: domains allocated and not freed
 * @windows: windows in all domains
 * @tables: tables allocated and not freed
 * @maps: calls of map
 * @unmaps: calls of unmap
 * @violations: what the core promised in the contract and didn't keep
 */
struct fake_win_hw {
	struct list_head node;
	struct list_head groups;
	struct mutex lock;	/* one access at a time */
	struct sluice_caps caps;
	u64 high[FAKE_WIN_UNITS];
	u64 max_size;

	int create_error;
	atomic_t create_in;
	int remove_error;
	atomic_t remove_in;
	int flush_error;
	atomic_t fail_alloc;
	atomic_t fail_map;

	struct sluice_iommu *iommu;
	atomic_t domains;
	atomic_t windows;
	atomic_t tables;
	atomic_t maps;
	atomic_t unmaps;
	atomic_t violations;
};

extern const struct sluice_backend fake_backend_windows;

int fake_win_suite_init(struct kunit_suite *suite);
void fake_win_suite_exit(struct kunit_suite *suite);

struct fake_win_hw *fake_win_hw_create(struct kunit *test);
struct fake_win_group *fake_win_group_create(struct kunit *test,
					     struct fake_win_hw *hw,
					     unsigned int unit);
void fake_win_check_idle(struct kunit *test, struct fake_win_hw *hw);
int fake_win_translate(struct fake_win_group *group, u64 iova, bool write,
		       phys_addr_t *phys);
unsigned int fake_win_windows(struct fake_win_group *group);

#endif /* SLUICE_FAKE_WINDOWS_H */
