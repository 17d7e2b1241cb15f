// SPDX-License-Identifier: GPL-2.0-only
/*
 * VT-d: faults.
 *
 * Owns: reading fault records and telling the administrator, for DMA and for
 * interrupts. Errors of the invalidation queue, which are reported by the same
 * event, are left to whoever waits for the queue. Source: VT-d specification 4.1,
 * 7.2, 7.3 and 11.4.7; reasons: 7.1.3 and 5.1.4.1.
 */
#define pr_fmt(fmt) "sluice vtd: " fmt

#include <kunit/static_stub.h>
#include <linux/bitfield.h>
#include <linux/jiffies.h>
#include <linux/pci.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/sprintf.h>

#include "private.h"

/*
 * Records taken per interrupt. A device that its user lets fault without end
 * could otherwise keep a CPU here: beyond that, the event is masked for a while.
 */
#define BUDGET	256
#define PAUSE	(HZ / 10)

static const char *const dma_reasons[] = {
	[0x01] = "the root entry isn't present",
	[0x02] = "blocked: the device has no address space",
	[0x03] = "the context entry is invalid",
	[0x04] = "the address is beyond what can be translated",
	[0x05] = "writing isn't allowed there",
	[0x06] = "reading isn't allowed there",
	[0x07] = "a page table can't be accessed",
	[0x08] = "the root table can't be accessed",
	[0x09] = "the context table can't be accessed",
	[0x0a] = "reserved bits in the root entry",
	[0x0b] = "reserved bits in the context entry",
	[0x0c] = "reserved bits in a page-table entry",
	[0x0d] = "the device may not send translated requests",
	[0x0e] = "the translated address is that of interrupts",
};

#define FIRST_INTERRUPT_REASON 0x20

static const char *const interrupt_reasons[] = {
	[0x20 - 0x20] = "reserved bits in the request",
	[0x21 - 0x20] = "the index is beyond the table",
	[0x22 - 0x20] = "the table's entry isn't present",
	[0x23 - 0x20] = "the table can't be accessed",
	[0x24 - 0x20] = "reserved bits in the table's entry",
	[0x25 - 0x20] = "requests in compatibility format are blocked",
	[0x26 - 0x20] = "the device may not use this entry",
};

static const char *reason_text(const char *const *texts, unsigned int nr,
			       unsigned int reason)
{
	if (reason >= nr || !texts[reason])
		return "unknown";
	return texts[reason];
}

/* T1 and T2, 11.4.7.6 */
static const char *access_text(u64 high)
{
	if (high & VTD_FRCD_T2)
		return high & VTD_FRCD_T1 ? "atomic access" : "page request";
	return high & VTD_FRCD_T1 ? "read" : "write";
}

/**
 * vtd_fault_format - say in one line what a record means
 * @line: where
 * @size: %VTD_FAULT_LINE at least
 * @segment: the unit's PCI segment
 * @low: the record's first word
 * @high: its second
 */
void vtd_fault_format(char *line, size_t size, u16 segment, u64 low, u64 high)
{
	unsigned int reason = FIELD_GET(VTD_FRCD_FR, high);
	u16 rid = FIELD_GET(VTD_FRCD_SID, high);

	if (reason >= FIRST_INTERRUPT_REASON &&
	    reason < FIRST_INTERRUPT_REASON + ARRAY_SIZE(interrupt_reasons)) {
		scnprintf(line, size,
			  "interrupt request by %04x:%02x:%02x.%d, fault index %#llx: %s (reason %#04x)",
			  segment, PCI_BUS_NUM(rid), PCI_SLOT(rid),
			  PCI_FUNC(rid), FIELD_GET(VTD_FRCD_FI_INDEX, low),
			  reason_text(interrupt_reasons,
				      ARRAY_SIZE(interrupt_reasons),
				      reason - FIRST_INTERRUPT_REASON),
			  reason);
		return;
	}
	scnprintf(line, size,
		  "DMA %s by %04x:%02x:%02x.%d, fault addr %#llx: %s (reason %#04x)",
		  access_text(high), segment, PCI_BUS_NUM(rid), PCI_SLOT(rid),
		  PCI_FUNC(rid), low & VTD_FRCD_FI,
		  reason_text(dma_reasons, ARRAY_SIZE(dma_reasons), reason),
		  reason);
}

/**
 * vtd_fault_report - tell the administrator, unless there is too much to tell
 * @unit: the unit
 * @low: the record's first word
 * @high: its second
 */
void vtd_fault_report(struct vtd_unit *unit, u64 low, u64 high)
{
	char line[VTD_FAULT_LINE];

	KUNIT_STATIC_STUB_REDIRECT(vtd_fault_report, unit, low, high);
	if (!__ratelimit(&unit->limit))
		return;
	vtd_fault_format(line, sizeof(line), unit->segment, low, high);
	pr_err("%s: %s\n", unit->name, line);
}

/* Takes records, oldest first, until one is empty. Returns how many. */
static unsigned int take_records(struct vtd_unit *unit, unsigned int index,
				 unsigned int max)
{
	const struct vtd_hw *hw = unit->hw;
	unsigned int n;

	for (n = 0; n < max; n++, index = (index + 1) % unit->nr_frcd) {
		unsigned int reg = unit->frcd + index * VTD_FRCD_BYTES;
		u64 high = hw->read64(unit, reg + VTD_FRCD_HIGH), low;

		if (!(high & VTD_FRCD_F))
			break;
		low = hw->read64(unit, reg + VTD_FRCD_LOW);
		/* The other bits are read-only, F is cleared by writing it. */
		hw->write32(unit, reg + VTD_FRCD_HIGH_F,
			    VTD_FRCD_F >> 32);
		vtd_fault_report(unit, low, high);
	}
	return n;
}

/* Returns false if faults come faster than they can be taken. */
static bool take_faults(struct vtd_unit *unit)
{
	const struct vtd_hw *hw = unit->hw;
	unsigned int left = BUDGET, taken;
	u32 status;

	for (;;) {
		status = hw->read32(unit, VTD_FSTS_REG);
		if (status & VTD_FSTS_PFO) {
			hw->write32(unit, VTD_FSTS_REG, VTD_FSTS_PFO);
			pr_warn_ratelimited("%s: more faults than there are records for\n",
					    unit->name);
		}
		/* Set as long as a record is: no new event before. */
		if (!(status & VTD_FSTS_PPF))
			return true;
		taken = take_records(unit, FIELD_GET(VTD_FSTS_FRI, status) %
				     unit->nr_frcd, left);
		left -= taken;
		/* A unit that says so without a record would hold us here. */
		if (!left || !taken)
			return false;
	}
}

/**
 * vtd_fault_handle - the fault event's interrupt
 * @unit: the unit that raised it
 *
 * Context: interrupt; not concurrently for one unit.
 */
void vtd_fault_handle(struct vtd_unit *unit)
{
	if (take_faults(unit))
		return;
	unit->hw->write32(unit, VTD_FECTL_REG, VTD_FECTL_IM);
	schedule_delayed_work(&unit->unmask, PAUSE);
}

/* While it is masked, the handler hardly runs: at worst, a fault is told twice. */
static void unmask(struct work_struct *work)
{
	struct vtd_unit *unit = container_of(to_delayed_work(work),
					     struct vtd_unit, unmask);

	if (!take_faults(unit)) {
		schedule_delayed_work(&unit->unmask, PAUSE);
		return;
	}
	/* What has come since then is pending, and raises it. */
	unit->hw->write32(unit, VTD_FECTL_REG, 0);
}

void vtd_fault_init(struct vtd_unit *unit)
{
	ratelimit_state_init(&unit->limit, DEFAULT_RATELIMIT_INTERVAL,
			     DEFAULT_RATELIMIT_BURST);
	INIT_DELAYED_WORK(&unit->unmask, unmask);
}

void vtd_fault_deinit(struct vtd_unit *unit)
{
	cancel_delayed_work_sync(&unit->unmask);
}
