/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of backends/vtd/ share among themselves, and with kunit/.
 *
 * Lock order: the IOMMU core's group mutex, vtd_unit.lock, sluice_paging.lock.
 * Flushing takes none of them: it walks lists under RCU.
 */
#ifndef SLUICE_VTD_PRIVATE_H
#define SLUICE_VTD_PRIVATE_H

#include <linux/idr.h>
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/ratelimit_types.h>
#include <linux/rcupdate.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <sluice/paging.h>

#include "regs.h"

struct pci_dev;
struct vtd_unit;

/* ---- The seam: dmar.c for hardware, kunit/vtd_hw.c for tests ---- */

/**
 * struct vtd_hw - the way to a unit's registers and queue
 * @read32: read a register
 * @read64: the same, 64 bits
 * @write32: write a register
 * @write64: the same, 64 bits
 * @command: set or clear one bit of GCMD and wait, for a bounded time, until GSTS
 *	says so. Result: 0 or -ETIMEDOUT
 * @submit: queue up to %VTD_SUBMIT descriptors and wait until all are done.
 *	Any context. Result: 0 or an errno: then they may not have been done
 * @write_back: have lines of the CPU's cache written to memory
 */
struct vtd_hw {
	u32 (*read32)(struct vtd_unit *unit, unsigned int reg);
	u64 (*read64)(struct vtd_unit *unit, unsigned int reg);
	void (*write32)(struct vtd_unit *unit, unsigned int reg, u32 value);
	void (*write64)(struct vtd_unit *unit, unsigned int reg, u64 value);
	int (*command)(struct vtd_unit *unit, u32 bit, bool on);
	int (*submit)(struct vtd_unit *unit, struct vtd_desc *descs,
		      unsigned int nr);
	void (*write_back)(const void *start, size_t bytes);
};

/* The ring has 256 slots, shared with interrupt remapping. */
#define VTD_SUBMIT 128

/* ---- unit.c: a remapping unit ---- */

/* DID 0 is what hardware tags not-present entries with. */
#define VTD_DID_NOT_PRESENT	0
#define VTD_DID_PASS_THROUGH	1
#define VTD_DID_FIRST		2

/**
 * struct vtd_unit - one remapping unit
 * @iommu: the instance of the contract, with its capabilities
 * @core: for the kernel's IOMMU core
 * @hw: the way to the hardware
 * @name: for messages
 * @segment: PCI segment that its devices are in
 * @nid: NUMA node
 * @cap: the register
 * @ecap: the register
 * @levels: bitmap of table depths, bit n: n levels
 * @last: highest IOVA
 * @max_am: log2 of the pages that one IOTLB invalidation can cover
 * @nr_dids: domain ids there are
 * @frcd: offset of the first fault record
 * @nr_frcd: fault records
 * @drain: in descriptors for the IOTLB: requests that are under way are finished
 *	first
 * @walk_coherent: hardware finds table entries in the CPU's caches
 * @flush_on_map: not-present entries may be remembered (CM), or written tables
 *	have to be announced (RWBF), which every invalidation does
 * @lock: guards the tables and devices below
 * @root: the root table
 * @context: by bus, the context tables; allocated when needed, never freed
 * @devices: &vtd_device.unit_node
 * @dids: domain ids in use
 * @saved: fault event registers, while suspended
 * @limit: how many faults are logged
 * @unmask: reports faults again after a storm
 */
struct vtd_unit {
	struct sluice_iommu iommu;
	struct iommu_device core;
	const struct vtd_hw *hw;
	char name[16];
	u16 segment;
	int nid;

	u64 cap;
	u64 ecap;
	unsigned long levels;
	u64 last;
	unsigned int max_am;
	unsigned int nr_dids;
	unsigned int frcd;
	unsigned int nr_frcd;
	u64 drain;
	bool walk_coherent;
	bool flush_on_map;

	struct mutex lock;	/* root, context, devices */
	struct vtd_entry *root;
	struct vtd_entry *context[VTD_TABLE_ENTRIES];
	struct list_head devices;
	struct ida dids;

	u32 saved[4];
	struct ratelimit_state limit;
	struct delayed_work unmask;
};

static inline struct vtd_unit *vtd_unit_of(struct sluice_iommu *iommu)
{
	return container_of(iommu, struct vtd_unit, iommu);
}

static inline bool vtd_unit_dead(const struct vtd_unit *unit)
{
	return READ_ONCE(unit->iommu.dead);
}

/* Makes what was written visible to hardware that doesn't snoop. */
static inline void vtd_write_back(struct vtd_unit *unit, const void *start,
				  size_t bytes)
{
	if (!unit->walk_coherent)
		unit->hw->write_back(start, bytes);
}

int vtd_unit_init(struct vtd_unit *unit);
void vtd_unit_deinit(struct vtd_unit *unit);
int vtd_unit_load(struct vtd_unit *unit);
int vtd_unit_enable(struct vtd_unit *unit);
int vtd_unit_disable(struct vtd_unit *unit);
void vtd_unit_suspend(struct vtd_unit *unit);
int vtd_unit_resume(struct vtd_unit *unit);
unsigned int vtd_unit_max_levels(const struct vtd_unit *unit);

/* ---- context.c: root and context entries ---- */

int vtd_context_reserve(struct vtd_unit *unit, u16 rid);
struct vtd_entry vtd_context_make(phys_addr_t table, unsigned int levels,
				  unsigned int tt, u16 did);
void vtd_context_install(struct vtd_unit *unit, u16 rid,
			 const struct vtd_entry *entry);
bool vtd_context_clear(struct vtd_unit *unit, u16 rid,
		       const struct vtd_entry *entry);
void vtd_entry_write(struct vtd_unit *unit, __le64 *word, u64 value);

/* ---- inval.c: invalidations ---- */

struct vtd_domain;
struct vtd_device;

int vtd_inval_global(struct vtd_unit *unit);
int vtd_inval_context(struct vtd_unit *unit, const u16 *rids, unsigned int nr,
		      u16 context_did, u16 did);
int vtd_inval_domain(struct vtd_unit *unit, u16 did,
		     const struct sluice_gather *gather);
int vtd_inval_device(struct vtd_device *device,
		     const struct sluice_gather *gather);

/* ---- domain.c: address spaces ---- */

/**
 * struct vtd_domain - second-stage tables, for devices of one or several units
 * @paging: both cores' view of it
 * @levels: depth of the tables
 * @ats: &vtd_device.ats_node: devices that may have a TLB of their own; changed
 *	under the lock of @paging, read under RCU
 */
struct vtd_domain {
	struct sluice_paging paging;
	unsigned int levels;
	struct list_head ats;
};

static inline struct vtd_domain *vtd_domain_of(struct sluice_paging *paging)
{
	return container_of(paging, struct vtd_domain, paging);
}

struct vtd_domain *vtd_domain_alloc(struct vtd_unit *unit);
bool vtd_domain_fits(const struct vtd_domain *domain,
		     const struct vtd_unit *unit);
struct sluice_paging_link *vtd_domain_link(struct vtd_domain *domain,
					   struct vtd_device *device);

/* ---- device.c: what translates a device's DMA ---- */

/**
 * struct vtd_device - a device behind a unit
 * @unit: the unit
 * @unit_node: link in &vtd_unit.devices; its lock
 * @pci: the device, or NULL if it isn't PCI
 * @entry: what is installed for them; not present: blocked. The unit's lock
 * @domain: what translates it, or NULL. The unit's lock
 * @link: @domain on @unit. The unit's lock
 * @home: the device's place in its default domain. The unit's lock
 * @ats_able: may have a TLB of its own
 * @ats_depth: invalidations that it can queue; 0: 32
 * @ats_twice: each invalidation of its TLB has to be repeated
 * @ats_pf: requester ID of the physical function
 * @ats_node: link in &vtd_domain.ats while its TLB is on
 * @ats: its TLB is on. The unit's lock
 * @rcu: for freeing
 * @nr_rids: entries of @rids, at least 1
 * @rids: requester IDs that its DMA may bear: its own first, then those of bridges
 *	and functions that it is taken for
 */
struct vtd_device {
	struct vtd_unit *unit;
	struct list_head unit_node;
	struct pci_dev *pci;
	struct vtd_entry entry;
	struct vtd_domain *domain;
	struct sluice_paging_link *link;
	struct sluice_paging_home home;
	bool ats_able;
	bool ats_twice;
	u8 ats_depth;
	u16 ats_pf;
	struct list_head ats_node;
	bool ats;
	struct rcu_head rcu;
	unsigned int nr_rids;
	u16 rids[] __counted_by(nr_rids);
};

struct vtd_device *vtd_device_alloc(struct vtd_unit *unit, struct pci_dev *pci,
				    const u16 *rids, unsigned int nr);
void vtd_device_free(struct vtd_device *device);
void vtd_device_tell_again(struct vtd_device *device);
void vtd_device_block(struct vtd_device *device);
int vtd_device_pass_through(struct vtd_device *device);
int vtd_device_attach(struct vtd_device *device, struct vtd_domain *domain);

/* ---- fault.c: faults ---- */

#define VTD_FAULT_LINE 160

void vtd_fault_format(char *line, size_t size, u16 segment, u64 low, u64 high);
void vtd_fault_report(struct vtd_unit *unit, u64 low, u64 high);
void vtd_fault_init(struct vtd_unit *unit);
void vtd_fault_deinit(struct vtd_unit *unit);
void vtd_fault_handle(struct vtd_unit *unit);

/* ---- table.c: the DMAR table's reserved memory and ATS reports ---- */

/**
 * struct vtd_scope - a device, or all that is below a bridge
 * @bus: where the path starts
 * @bridge: the path leads to a bridge, and what is below belongs to it
 * @depth: used entries of @path
 * @path: device and function by level, as devfn
 */
struct vtd_scope {
	u8 bus;
	bool bridge;
	u8 depth;
	u8 path[8];
};

/**
 * struct vtd_report - a structure of the table
 * @node: link in &struct vtd_table
 * @segment: PCI segment
 * @start: RMRR: first byte of the memory
 * @last: RMRR: last byte
 * @all_ports: ATSR: is for all of the segment
 * @nr_scopes: used entries of @scopes
 * @scopes: which devices it is for
 */
struct vtd_report {
	struct list_head node;
	u16 segment;
	u64 start;
	u64 last;
	bool all_ports;
	unsigned int nr_scopes;
	struct vtd_scope scopes[] __counted_by(nr_scopes);
};

/**
 * struct vtd_table - what the firmware says of devices
 * @rmrrs: reserved memory, &vtd_report.node
 * @atsrs: ports that support ATS, &vtd_report.node
 */
struct vtd_table {
	struct list_head rmrrs;
	struct list_head atsrs;
};

int vtd_table_parse(struct vtd_table *table, const void *start, size_t bytes);
void vtd_table_free(struct vtd_table *table);

/* ---- reserved.c: which report is for which device ---- */

void vtd_reserved_regions(const struct vtd_table *table, struct device *dev,
			  struct list_head *head);
bool vtd_ats_reported(const struct vtd_table *table, struct pci_dev *pdev);

/* ---- core.c: the driver of the kernel's IOMMU core; the contract's backend ---- */

extern const struct iommu_ops vtd_iommu_ops;
extern const struct sluice_backend vtd_backend;
extern struct vtd_table vtd_firmware;

/* ---- dmar.c: the kernel's DMAR code ---- */

#ifdef CONFIG_SLUICE_VTD
struct vtd_unit *vtd_find_unit(struct device *dev, u16 *rid);
#else
static inline struct vtd_unit *vtd_find_unit(struct device *dev, u16 *rid)
{
	return NULL;
}
#endif

#endif /* SLUICE_VTD_PRIVATE_H */
