// SPDX-License-Identifier: GPL-2.0-only
/*
 * VT-d: root and context tables.
 *
 * Owns: which entry says what becomes of a requester ID's DMA, and the order in
 * which its words are written, since hardware may read them at any time. What
 * hardware remembers of an old entry is the caller's business (inval.c).
 * Source: VT-d specification 4.1, 9.1 and 9.3.
 */
#include <kunit/static_stub.h>
#include <linux/bitfield.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/sizes.h>

#include "private.h"

/**
 * vtd_entry_write - write one word of an entry
 * @unit: the unit
 * @word: which
 * @value: in the CPU's byte order
 *
 * Hardware sees it before whatever is written next.
 */
void vtd_entry_write(struct vtd_unit *unit, __le64 *word, u64 value)
{
	KUNIT_STATIC_STUB_REDIRECT(vtd_entry_write, unit, word, value);
	WRITE_ONCE(*word, cpu_to_le64(value));
	/* 3.4: an entry's other word, and the table that it points to. */
	dma_wmb();
	vtd_write_back(unit, word, sizeof(*word));
}

/* The entry of a requester ID; its table must be there. */
static struct vtd_entry *slot(struct vtd_unit *unit, u16 rid)
{
	lockdep_assert_held(&unit->lock);
	return &unit->context[PCI_BUS_NUM(rid)][rid & 0xff];
}

/**
 * vtd_context_reserve - see to it that a requester ID has an entry
 * @unit: the unit; its lock is held
 * @rid: the requester ID
 *
 * Return: 0 or -ENOMEM.
 */
int vtd_context_reserve(struct vtd_unit *unit, u16 rid)
{
	unsigned int bus = PCI_BUS_NUM(rid);
	struct vtd_entry *table;
	struct page *page;

	lockdep_assert_held(&unit->lock);
	if (unit->context[bus])
		return 0;
	page = alloc_pages_node(unit->nid, GFP_KERNEL | __GFP_ZERO, 0);
	if (!page)
		return -ENOMEM;
	table = page_address(page);
	vtd_write_back(unit, table, SZ_4K);
	dma_wmb();
	/* All of it is not present: what hardware does with it is the same. */
	vtd_entry_write(unit, &unit->root[bus].low,
			(virt_to_phys(table) & VTD_ROOT_CTP) | VTD_ROOT_P);
	unit->context[bus] = table;
	return 0;
}

/**
 * vtd_context_make - an entry for a device
 * @table: root of the second-stage tables; 0 for pass-through
 * @levels: their depth
 * @tt: one of VTD_TT_*
 * @did: domain id
 *
 * Return: the entry.
 */
struct vtd_entry vtd_context_make(phys_addr_t table, unsigned int levels,
				  unsigned int tt, u16 did)
{
	return (struct vtd_entry){
		.low = cpu_to_le64((table & VTD_CONTEXT_SLPTPTR) |
				   FIELD_PREP(VTD_CONTEXT_TT, tt) |
				   VTD_CONTEXT_P),
		.high = cpu_to_le64(FIELD_PREP(VTD_CONTEXT_AW, levels - 2) |
				    FIELD_PREP(VTD_CONTEXT_DID, did)),
	};
}

/* Something else is there that nobody would take out any more. */
static void evict(struct vtd_unit *unit, u16 rid, struct vtd_entry *at)
{
	u16 did = FIELD_GET(VTD_CONTEXT_DID, le64_to_cpu(at->high));

	vtd_entry_write(unit, &at->low, 0);
	vtd_entry_write(unit, &at->high, 0);
	vtd_inval_context(unit, &rid, 1, did, did);
}

/**
 * vtd_context_install - have a requester ID's DMA translated
 * @unit: the unit; its lock is held
 * @rid: the requester ID; reserved. Its entry should be not present, or this one
 *	already, for another device that shares the requester ID
 * @entry: the entry
 */
void vtd_context_install(struct vtd_unit *unit, u16 rid,
			 const struct vtd_entry *entry)
{
	struct vtd_entry *to = slot(unit, rid);

	if (to->low == entry->low && to->high == entry->high)
		return;
	if (to->low)
		evict(unit, rid, to);
	/* The word with the present bit is the last. */
	vtd_entry_write(unit, &to->high, le64_to_cpu(entry->high));
	vtd_entry_write(unit, &to->low, le64_to_cpu(entry->low));
}

/**
 * vtd_context_clear - block a requester ID's DMA
 * @unit: the unit; its lock is held
 * @rid: the requester ID; reserved
 * @entry: what was installed; something else isn't the caller's to clear
 *
 * Return: true if it was cleared: then hardware must be told.
 */
bool vtd_context_clear(struct vtd_unit *unit, u16 rid,
		       const struct vtd_entry *entry)
{
	struct vtd_entry *at = slot(unit, rid);

	if (at->low != entry->low || at->high != entry->high)
		return false;
	/* In reverse. */
	vtd_entry_write(unit, &at->low, 0);
	vtd_entry_write(unit, &at->high, 0);
	return true;
}
