/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pretended VT-d units, behind the seam of backends/vtd (struct vtd_hw).
 *
 * Owns: what silicon would own: registers, the queue, the caches, and the walk
 * that a DMA takes, from the root table on. Written from the specification,
 * without a look at the driver's own definitions. The caches never forget by
 * themselves, and take what they are told to the letter, so that a missing or too
 * narrow invalidation is always seen.
 */
#ifndef SLUICE_KUNIT_VTD_HW_H
#define SLUICE_KUNIT_VTD_HW_H

#include <kunit/test.h>
#include <linux/device.h>
#include <linux/spinlock.h>
#include <linux/xarray.h>

#include "backends/vtd/private.h"
#include "shadow.h"

/* QEMU's unit: 48 bits, three or four levels, 2M and 1G; it doesn't snoop. */
#define FAKE_VTD_CAP		0x00d2008c222f0606ULL
#define FAKE_VTD_CAP_39		0x00d2008c22260206ULL
#define FAKE_VTD_CAP_57		0x00d2008c22380806ULL
#define FAKE_VTD_CAP_CM		BIT_ULL(7)
#define FAKE_VTD_CAP_SUPER	GENMASK_ULL(35, 34)
#define FAKE_VTD_ECAP		0xf00f4aULL
#define FAKE_VTD_ECAP_C		BIT_ULL(0)
#define FAKE_VTD_ECAP_DT	BIT_ULL(2)

/**
 * enum fake_vtd_kind - what was done with a unit
 * @FAKE_VTD_WRITE32: a register was written
 * @FAKE_VTD_WRITE64: the same, 64 bits
 * @FAKE_VTD_SET: a bit of the global command was set
 * @FAKE_VTD_CLEAR: one was cleared
 * @FAKE_VTD_DESC: a descriptor was queued, whether it was carried out or not
 */
enum fake_vtd_kind {
	FAKE_VTD_WRITE32,
	FAKE_VTD_WRITE64,
	FAKE_VTD_SET,
	FAKE_VTD_CLEAR,
	FAKE_VTD_DESC,
};

/**
 * struct fake_vtd_event - one such thing
 * @kind: what
 * @reg: which register
 * @v: its value; the command's bit; the descriptor
 */
struct fake_vtd_event {
	enum fake_vtd_kind kind;
	unsigned int reg;
	u64 v[2];
};

#define FAKE_VTD_EVENTS 512

/**
 * struct fake_vtd - a pretended unit
 * @unit: the driver's view of it
 * @test: the test it is part of
 * @node: link in the list of all
 * @lock: guards all that follows; held for each translation, so that an
 *	invalidation waits for the walk that is under way
 * @reg: registers by offset / 4
 * @root: root table, as of the last SRTP
 * @snoops: it sees what the CPU has in its cache
 * @event: what was done with it, since it was last cleared
 * @nr_events: how many; those beyond the array's end aren't kept
 * @dies: countdown: the n-th submission from here on fails, and all after it
 * @deaf: commands time out
 * @context: by requester ID, struct fake_vtd_context: the context cache
 * @tlb: by domain id, struct fake_vtd_tlb
 * @device_tlb: by requester ID, an xarray of entries by page: TLBs of devices
 * @violations: what hardware would call illegal, or what has no meaning
 * @translations: walks that were done, i.e. nothing was remembered
 */
struct fake_vtd {
	struct vtd_unit unit;
	struct kunit *test;
	struct list_head node;
	spinlock_t lock;	/* all below */
	u32 reg[1024];
	phys_addr_t root;
	bool snoops;
	struct fake_vtd_event event[FAKE_VTD_EVENTS];
	unsigned int nr_events;
	unsigned int dies;
	bool deaf;
	struct xarray context;
	struct xarray tlb;
	struct xarray device_tlb;
	atomic_t violations;
	unsigned int translations;
};

static inline struct fake_vtd *fake_vtd_of(struct vtd_unit *unit)
{
	return container_of(unit, struct fake_vtd, unit);
}

/**
 * struct fake_vtd_context - a context entry that is remembered
 * @low: as it was read
 * @high: the same
 * @did: domain id that it is tagged with
 */
struct fake_vtd_context {
	u64 low;
	u64 high;
	u16 did;
};

#define FAKE_VTD_LEAVES 3
#define FAKE_VTD_LEVELS 5

/**
 * struct fake_vtd_tlb - what is remembered under a domain id
 * @leaf: by level and number, pages
 * @table: by level of the entry and number, tables that entries point to
 * @absent: caching mode: by page, that nothing was there
 */
struct fake_vtd_tlb {
	struct xarray leaf[FAKE_VTD_LEAVES];
	struct xarray table[FAKE_VTD_LEVELS];
	struct xarray absent;
};

/**
 * struct fake_vtd_device - a device alone in its group
 * @node: link in the list of all
 * @device: the driver's view of it
 * @group: its group; the kernel knows of no device in it
 * @dev: what the IOMMU core would know of it
 * @iommu: the same
 */
struct fake_vtd_device {
	struct list_head node;
	struct vtd_device *device;
	struct iommu_group *group;
	struct device dev;
	struct dev_iommu iommu;
};

/* ---- vtd_hw.c: registers, and set-up for tests ---- */

/* A unit whose tables are loaded, and which translates. */
struct fake_vtd *fake_vtd_create(struct kunit *test, u64 cap, u64 ecap);
/* The hardware alone: the driver doesn't know it yet. */
struct fake_vtd *fake_vtd_plug(struct kunit *test, u64 cap, u64 ecap);
struct fake_vtd_device *fake_vtd_device_create(struct kunit *test,
					       struct fake_vtd *hw,
					       const u16 *rids,
					       unsigned int nr);
struct fake_vtd_device *fake_vtd_device_find(struct iommu_group *group);

/* Makes attach and detach of groups reach the devices above. */
void fake_vtd_stub_groups(struct kunit *test);

/* Counts domains, and tables that were kept because hardware may use them. */
void fake_vtd_stub_domains(struct kunit *test);
int fake_vtd_domains(void);
long fake_vtd_kept_tables(void);

void fake_vtd_clear_events(struct fake_vtd *hw);
void fake_vtd_expect_event(struct fake_vtd *hw, unsigned int n,
			   enum fake_vtd_kind kind, unsigned int reg, u64 v0,
			   u64 v1);
void fake_vtd_set64(struct fake_vtd *hw, unsigned int reg, u64 value);
u64 fake_vtd_get64(struct fake_vtd *hw, unsigned int reg);
void fake_vtd_check_idle(struct kunit *test);
void fake_vtd_violation(struct fake_vtd *hw, const char *what, u64 a, u64 b);

/* What memory has, as the unit sees it. */
u64 fake_vtd_load(struct fake_vtd *hw, phys_addr_t at);

/* ---- vtd_hw_queue.c: the queue ---- */

void fake_vtd_carry_out(struct fake_vtd *hw, const u64 *qw);
void fake_vtd_forget_all(struct fake_vtd *hw);

/* ---- vtd_hw_walk.c: DMA ---- */

/*
 * What an access meets. Return: 0 and the address; -EFAULT: blocked, or nothing
 * mapped; -EACCES.
 */
int fake_vtd_translate(struct fake_vtd *hw, u16 rid, u64 iova, bool write,
		       phys_addr_t *phys);
int fake_vtd_translate_locked(struct fake_vtd *hw, u16 rid, u64 iova,
			      bool write, phys_addr_t *phys);

/* What the context entry says, remembering nothing: 0 if it is not present. */
u64 fake_vtd_peek(struct fake_vtd *hw, u16 rid, u64 *high);

/* The same by a device that asks first, and remembers the answer. */
int fake_vtd_ats_read(struct fake_vtd *hw, u16 rid, u64 iova,
		      phys_addr_t *phys);

#endif /* SLUICE_KUNIT_VTD_HW_H */
