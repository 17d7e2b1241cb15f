/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of backends/amdvi/ share among themselves, and with kunit/.
 *
 * Lock order: the IOMMU core's group mutex, amdvi_unit.lock, sluice_paging.lock,
 * amdvi_unit.queue_lock or amdvi_unit.log_lock, amdvi_unit.control_lock. Flushing takes
 * but the last three: it walks lists under RCU. queue_lock and log_lock, which is the
 * event log's, are never held both.
 */
#ifndef SLUICE_AMDVI_PRIVATE_H
#define SLUICE_AMDVI_PRIVATE_H

#include <linux/bitmap.h>
#include <linux/idr.h>
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/ratelimit_types.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <sluice/paging.h>

#include "regs.h"

struct irq_domain;
struct pci_dev;
struct amdvi_unit;

/* ---- The seam: pci.c for hardware, kunit/amdvi_hw.c for tests ---- */

/**
 * struct amdvi_hw - the way to a unit's registers
 * @read64: read a register
 * @write64: write a register
 * @pause: about a microsecond goes by, in any context
 * @write128: write 16 bytes in memory so that hardware sees all of them or none; NULL
 *	if that can't be done. Not concurrently for an address
 */
struct amdvi_hw {
	u64 (*read64)(struct amdvi_unit *unit, unsigned int reg);
	void (*write64)(struct amdvi_unit *unit, unsigned int reg, u64 value);
	void (*pause)(struct amdvi_unit *unit);
	void (*write128)(__le64 *at, __le64 low, __le64 high);
};

/* ---- unit.c: an IOMMU ---- */

/* Domain ids; 0 is that of entries without one. */
#define AMDVI_DID_NONE		0
#define AMDVI_DID_FIRST		1
#define AMDVI_NR_DIDS		65536

/**
 * struct amdvi_unit - one IOMMU
 * @iommu: the instance of the contract, with its capabilities
 * @core: for the kernel's IOMMU core
 * @hw: the way to the hardware
 * @name: for messages
 * @segment: PCI segment that it is in, with its devices
 * @rid: its own requester ID
 * @nid: NUMA node
 * @cap: header of its PCI capability
 * @efr: extended features, 0 without
 * @flags: how requests travel, of the firmware's table (AMDVI_IVHD_*)
 * @levels: depth of the deepest tables that it walks
 * @np_cache: not-present entries may be remembered
 * @inv_all: it knows a command to forget everything
 * @isolates: nobody raises an interrupt that he hasn't been given
 * @ga: entries of interrupt tables have 128 bits
 * @msi: the irq domain that vectors of its devices are allocated from
 * @on: it translates, and takes commands; when it is switched on, it forgets all
 * @control_lock: guards changes of CONTROL
 * @lock: guards the table and devices below
 * @devtab: the device table
 * @settings: what firmware says of requester IDs (AMDVI_SETTING_*)
 * @nothing: a page table without entries, for DMA that is blocked
 * @devices: &amdvi_device.unit_node
 * @dids: domain ids in use
 * @queue_lock: guards the command buffer
 * @queue: the command buffer
 * @tail: where the next command goes
 * @queued: commands ever queued
 * @restarts: how often the buffer had to be restarted; what was queued before is lost.
 *	Also read without the lock
 * @done: commands ever carried out, written by hardware
 * @log_lock: guards the event log
 * @log: the event log
 * @head: the next event
 * @watches: &amdvi_watch.node
 * @limit: how many events are logged
 * @unmask: reports events again after a storm
 */
struct amdvi_unit {
	struct sluice_iommu iommu;
	struct iommu_device core;
	const struct amdvi_hw *hw;
	char name[16];
	u16 segment;
	u16 rid;
	int nid;

	u32 cap;
	u64 efr;
	u8 flags;
	unsigned int levels;
	bool np_cache;
	bool inv_all;
	bool isolates;
	bool ga;
	struct irq_domain *msi;

	bool on;
	raw_spinlock_t control_lock;	/* CONTROL */
	struct mutex lock;	/* devtab, devices */
	struct amdvi_dte *devtab;
	u8 *settings;
	void *nothing;
	struct list_head devices;
	struct ida dids;

	raw_spinlock_t queue_lock;	/* queue, tail, queued, restarts */
	struct amdvi_cmd *queue;
	unsigned int tail;
	u64 queued;
	unsigned int restarts;
	__le64 *done;

	raw_spinlock_t log_lock;	/* log, head, watches */
	struct amdvi_event *log;
	unsigned int head;
	struct list_head watches;
	struct ratelimit_state limit;
	struct delayed_work unmask;
};

static inline struct amdvi_unit *amdvi_unit_of(struct sluice_iommu *iommu)
{
	return container_of(iommu, struct amdvi_unit, iommu);
}

static inline bool amdvi_unit_dead(const struct amdvi_unit *unit)
{
	return READ_ONCE(unit->iommu.dead);
}

void amdvi_control(struct amdvi_unit *unit, u64 clear, u64 set);
int amdvi_unit_init(struct amdvi_unit *unit);
void amdvi_unit_deinit(struct amdvi_unit *unit);
void amdvi_unit_load(struct amdvi_unit *unit);
int amdvi_unit_enable(struct amdvi_unit *unit);
void amdvi_unit_disable(struct amdvi_unit *unit);
int amdvi_unit_resume(struct amdvi_unit *unit);

/* ---- queue.c: the command buffer ---- */

/* Commands that are queued at once. */
#define AMDVI_SUBMIT 16

/* How long a device may take to invalidate its TLB: %AMDVI_INV_TIMEOUT_100MS. */
#define AMDVI_DEVICE_PATIENCE_US 100000

int amdvi_queue_init(struct amdvi_unit *unit);
void amdvi_queue_deinit(struct amdvi_unit *unit);
void amdvi_queue_enable(struct amdvi_unit *unit);
int amdvi_queue_submit(struct amdvi_unit *unit, const struct amdvi_cmd *cmds,
		       unsigned int nr);

/* ---- dte.c: device table entries ---- */

/**
 * struct amdvi_dma - what becomes of a device's DMA, if it isn't blocked
 * @first: first word of the entry
 * @second: second word, without what firmware says of the device
 * @user: the device isn't a host driver's: of what firmware lets it do beside DMA, it
 *	may do nothing that could harm the host
 */
struct amdvi_dma {
	u64 first;
	u64 second;
	bool user;
};

void amdvi_dte_write(struct amdvi_unit *unit, __le64 *word, u64 value);
void amdvi_dte_setup(struct amdvi_unit *unit);
void amdvi_dte_settings(struct amdvi_unit *unit, u16 rid, u8 setting);
struct amdvi_dma amdvi_dte_make_identity(void);
struct amdvi_dma amdvi_dte_make_tables(phys_addr_t root, unsigned int levels,
				       u16 did, bool iotlb, bool user);
void amdvi_dte_install(struct amdvi_unit *unit, u16 rid,
		       const struct amdvi_dma *dma);
bool amdvi_dte_block(struct amdvi_unit *unit, u16 rid,
		     const struct amdvi_dma *dma);
bool amdvi_dte_interrupts_pass(struct amdvi_unit *unit, u16 rid);
bool amdvi_dte_interrupts(struct amdvi_unit *unit, u16 rid, phys_addr_t table,
			  unsigned int entries_lg2);

/* ---- inval.c: invalidations ---- */

int amdvi_inval_all(struct amdvi_unit *unit);
int amdvi_inval_dte(struct amdvi_unit *unit, const u16 *rids, unsigned int nr,
		    u16 did);
int amdvi_inval_domain(struct amdvi_unit *unit, u16 did,
		       const struct sluice_gather *gather);
int amdvi_inval_device(struct amdvi_unit *unit, u16 rid, u8 depth,
		       const struct sluice_gather *gather);
int amdvi_inval_interrupts(struct amdvi_unit *unit, u16 rid);
int amdvi_inval_dte_interrupts(struct amdvi_unit *unit, u16 rid);

/* ---- irte.c: interrupt remapping tables ---- */

#define AMDVI_IRTES_LG2	9
#define AMDVI_IRTES	BIT(AMDVI_IRTES_LG2)

/**
 * struct amdvi_irtable - where a device's interrupts go
 * @lock: guards @used, and changes of @entries
 * @entries: what hardware reads; 32 bits each, or 128
 * @used: entries that are taken
 * @nr_devices: devices that use the table, since they share a requester ID. The unit's
 *	lock
 * @stuck: hardware may read it for ever. The unit's lock
 */
struct amdvi_irtable {
	raw_spinlock_t lock;	/* entries, used */
	void *entries;
	DECLARE_BITMAP(used, AMDVI_IRTES);
	unsigned int nr_devices;
	bool stuck;
};

/**
 * struct amdvi_target - where an interrupt goes
 * @mode: of delivery, as the APIC's
 * @logical: @cpu is a logical destination
 * @cpu: APIC ID
 * @vector: the vector on it
 */
struct amdvi_target {
	unsigned int mode;
	bool logical;
	u32 cpu;
	u8 vector;
};

struct amdvi_irtable *amdvi_irtable_alloc(struct amdvi_unit *unit);
void amdvi_irtable_free(struct amdvi_irtable *table);
int amdvi_irtable_take(struct amdvi_irtable *table, unsigned int nr,
		       bool aligned);
void amdvi_irtable_give(struct amdvi_irtable *table, unsigned int index,
			unsigned int nr);
void amdvi_irtable_write(struct amdvi_unit *unit, struct amdvi_irtable *table,
			 unsigned int index, const struct amdvi_target *target);

/* ---- domain.c: address spaces ---- */

/**
 * struct amdvi_domain - page tables, for devices of one or several units
 * @paging: both cores' view of it
 * @levels: depth of the tables
 * @ats: &amdvi_device.ats_node: devices that may have a TLB of their own; changed
 *	under the domain's lock, read under RCU
 */
struct amdvi_domain {
	struct sluice_paging paging;
	unsigned int levels;
	struct list_head ats;
};

static inline struct amdvi_domain *amdvi_domain_of(struct sluice_paging *paging)
{
	return container_of(paging, struct amdvi_domain, paging);
}

struct amdvi_domain *amdvi_domain_alloc(struct amdvi_unit *unit);
bool amdvi_domain_fits(const struct amdvi_domain *domain,
		       const struct amdvi_unit *unit);

/* ---- device.c: what translates a device's DMA ---- */

/**
 * struct amdvi_device - a device behind a unit
 * @unit: the unit
 * @unit_node: link in &amdvi_unit.devices; its lock
 * @pci: the device, or NULL if it isn't PCI
 * @dev: what the kernel's IOMMU core knows it as
 * @dma: what is installed; zero: blocked. The unit's lock
 * @domain: what translates it, or NULL. The unit's lock
 * @link: @domain on @unit. The unit's lock
 * @home: the device's place in its default domain. The unit's lock
 * @irtable: where its interrupts go, or NULL: they aren't remapped
 * @ats_able: may have a TLB of its own
 * @ats_depth: invalidations that it can queue; 0: 32
 * @ats_node: link in &amdvi_domain.ats while its TLB is on
 * @ats: its TLB is on, or hasn't been told to forget yet. The unit's lock
 * @rcu: for freeing
 * @nr_rids: entries of @rids, at least 1
 * @rids: requester IDs that its DMA may bear: its own first, then those of bridges
 *	and functions that it is taken for
 */
struct amdvi_device {
	struct amdvi_unit *unit;
	struct list_head unit_node;
	struct pci_dev *pci;
	struct device *dev;
	struct amdvi_dma dma;
	struct amdvi_domain *domain;
	struct sluice_paging_link *link;
	struct sluice_paging_home home;
	struct amdvi_irtable *irtable;
	bool ats_able;
	u8 ats_depth;
	struct list_head ats_node;
	bool ats;
	struct rcu_head rcu;
	unsigned int nr_rids;
	u16 rids[] __counted_by(nr_rids);
};

struct amdvi_device *amdvi_device_alloc(struct amdvi_unit *unit,
					struct pci_dev *pci, const u16 *rids,
					unsigned int nr);
void amdvi_device_free(struct amdvi_device *device);
void amdvi_device_block(struct amdvi_device *device);
void amdvi_device_pass_through(struct amdvi_device *device);
int amdvi_device_attach(struct amdvi_device *device,
			struct amdvi_domain *domain);
int amdvi_device_remap(struct amdvi_device *device);
void amdvi_device_pass_interrupts(struct amdvi_device *device);
void amdvi_device_tell_again(struct amdvi_device *device);
bool amdvi_device_shares(const struct amdvi_device *a,
			 const struct amdvi_device *b);

/* ---- ats.c: TLBs of devices ---- */

void amdvi_ats_probe(struct amdvi_device *device, bool forbidden);
void amdvi_ats_on(struct amdvi_device *device);
void amdvi_ats_off(struct amdvi_device *device);
int amdvi_ats_forget(struct amdvi_device *device);
int amdvi_ats_inval(struct amdvi_device *device,
		    const struct sluice_gather *gather);

/* ---- table.c, entries.c: the firmware's IVRS table ---- */

/* How a unit's own requests travel; 5.2.2, the byte "flags" of an IVHD. */
#define AMDVI_IVHD_HT_TUN_EN	BIT(0)
#define AMDVI_IVHD_PASS_PW	BIT(1)
#define AMDVI_IVHD_RES_PASS_PW	BIT(2)
#define AMDVI_IVHD_ISOC		BIT(3)
#define AMDVI_IVHD_COHERENT	BIT(5)

/* What devices may do, 5.2.2.1: the byte "DTE setting". */
#define AMDVI_SETTING_INIT_PASS	BIT(0)
#define AMDVI_SETTING_EINT_PASS	BIT(1)
#define AMDVI_SETTING_NMI_PASS	BIT(2)
#define AMDVI_SETTING_SYSMGT	GENMASK(5, 4)
#define AMDVI_SETTING_LINT0_PASS BIT(6)
#define AMDVI_SETTING_LINT1_PASS BIT(7)

/**
 * enum amdvi_special - devices that aren't PCI's
 * @AMDVI_NOT_SPECIAL: a PCI device
 * @AMDVI_IOAPIC: an I/O APIC
 * @AMDVI_HPET: an event timer
 * @AMDVI_NAMED: a device that ACPI has a name for
 */
enum amdvi_special {
	AMDVI_NOT_SPECIAL,
	AMDVI_IOAPIC,
	AMDVI_HPET,
	AMDVI_NAMED,
};

/**
 * struct amdvi_entry - what the table says of requester IDs
 * @first: first requester ID
 * @last: last one, inclusive
 * @has_alias: all of them appear as @alias
 * @alias: the requester ID that they appear as; itself one of the unit's
 * @setting: AMDVI_SETTING_*
 * @ats_disabled: they must not use ATS
 * @special: what it is; @first and @last are the same then
 * @handle: number of the I/O APIC or event timer
 * @hid: @AMDVI_NAMED: ACPI's hardware id, "" if there is none
 * @uid: @AMDVI_NAMED: ACPI's unique id, "" if there is none
 */
struct amdvi_entry {
	u16 first;
	u16 last;
	bool has_alias;
	u16 alias;
	u8 setting;
	bool ats_disabled;
	enum amdvi_special special;
	u8 handle;
	char hid[9];
	char uid[40];
};

/**
 * struct amdvi_report - a unit, as the table describes it
 * @node: link in &amdvi_table.units
 * @type: of the block, 0x10, 0x11 or 0x40; of several for one unit, the highest is
 *	kept
 * @flags: AMDVI_IVHD_*
 * @segment: PCI segment
 * @rid: the unit's own requester ID
 * @cap: offset of its PCI capability
 * @base: its registers
 * @nr: used entries of @entries
 * @entries: its devices, in the table's order: a later one overrides
 */
struct amdvi_report {
	struct list_head node;
	u8 type;
	u8 flags;
	u16 segment;
	u16 rid;
	u16 cap;
	u64 base;
	unsigned int nr;
	struct amdvi_entry entries[] __counted_by(nr);
};

/**
 * struct amdvi_memory - memory that devices use by themselves (IVMD)
 * @node: link in &amdvi_table.memory
 * @segment: PCI segment
 * @first: first requester ID
 * @last: last one, inclusive
 * @start: first byte
 * @end: last byte, inclusive
 * @prot: %IOMMU_READ, %IOMMU_WRITE
 */
struct amdvi_memory {
	struct list_head node;
	u16 segment;
	u16 first;
	u16 last;
	u64 start;
	u64 end;
	int prot;
};

/**
 * struct amdvi_table - what the firmware says
 * @units: &amdvi_report.node
 * @memory: &amdvi_memory.node
 */
struct amdvi_table {
	struct list_head units;
	struct list_head memory;
};

/**
 * struct amdvi_found - what the table says of one requester ID
 * @report: the unit that it is behind
 * @alias: the requester ID that it appears as; its own if there is no other
 * @setting: AMDVI_SETTING_*
 * @ats_disabled: it must not use ATS
 */
struct amdvi_found {
	const struct amdvi_report *report;
	u16 alias;
	u8 setting;
	bool ats_disabled;
};

/* Room that the shortest entry takes in the table. */
#define AMDVI_ENTRY_BYTES	4

void amdvi_entries_read(struct amdvi_report *report, const u8 *table,
			const u8 *at, const u8 *end);
bool amdvi_entries_find(const struct amdvi_report *report, u16 rid,
			struct amdvi_found *found);
int amdvi_entries_shared(const struct amdvi_report *a,
			 const struct amdvi_report *b, unsigned int *budget);

int amdvi_table_parse(struct amdvi_table *table, const void *start,
		      size_t bytes);
void amdvi_table_free(struct amdvi_table *table);
bool amdvi_table_find(const struct amdvi_table *table, u16 segment, u16 rid,
		      struct amdvi_found *found);

/* ---- reserved.c: which memory is for which device ---- */

void amdvi_reserved_regions(const struct amdvi_table *table, struct device *dev,
			    struct list_head *head);

/* ---- fault.c: events ---- */

#define AMDVI_FAULT_LINE 192

/**
 * struct amdvi_watch - somebody waits for a device's TLB to be invalidated
 * @node: link in &amdvi_unit.watches
 * @rid: the device's requester ID
 * @timed_out: it hasn't answered in time. The log's lock
 * @lost: events were lost, perhaps the one that says so. The log's lock
 */
struct amdvi_watch {
	struct list_head node;
	u16 rid;
	bool timed_out;
	bool lost;
};

void amdvi_fault_format(char *line, size_t size, u16 segment, u64 low,
			u64 high);
void amdvi_fault_report(struct amdvi_unit *unit, u64 low, u64 high);
int amdvi_fault_init(struct amdvi_unit *unit);
void amdvi_fault_deinit(struct amdvi_unit *unit);
void amdvi_fault_enable(struct amdvi_unit *unit);
void amdvi_fault_handle(struct amdvi_unit *unit);
void amdvi_fault_watch(struct amdvi_unit *unit, struct amdvi_watch *watch,
		       u16 rid);
int amdvi_fault_unwatch(struct amdvi_unit *unit, struct amdvi_watch *watch);

/* ---- core.c: the driver of the kernel's IOMMU core; the contract's backend ---- */

extern const struct iommu_ops amdvi_iommu_ops;
extern const struct sluice_backend amdvi_backend;
extern struct amdvi_table amdvi_firmware;

/* ---- pci.c: the hardware; msi.c: the irq domain ---- */

#ifdef CONFIG_SLUICE_AMDVI
struct amdvi_unit *amdvi_find_unit(struct device *dev, u16 *rid,
				   struct amdvi_found *found);
int amdvi_msi_init(struct amdvi_unit *unit);
void amdvi_msi_deinit(struct amdvi_unit *unit);
void amdvi_msi_take(struct amdvi_device *device);
#else
static inline void amdvi_msi_take(struct amdvi_device *device)
{
}

static inline struct amdvi_unit *amdvi_find_unit(struct device *dev, u16 *rid,
						 struct amdvi_found *found)
{
	return NULL;
}
#endif

#endif /* SLUICE_AMDVI_PRIVATE_H */
