// SPDX-License-Identifier: GPL-2.0-only
/*
 * AMD-Vi: interrupt remapping tables.
 *
 * Owns: which index of a device's table is in use, and the entries that hardware
 * reads: to which CPU and vector a device's interrupt goes. Does not own: who asks
 * for it (msi.c), and the device table's pointer to the table (dte.c). Source: AMD
 * 48882, 2.2.5.
 *
 * A device may raise what its table has entries for, and nothing else: all others
 * are off, and a write to the interrupts' addresses that it makes up goes nowhere.
 */
#include <linux/bitfield.h>
#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/log2.h>
#include <linux/slab.h>

#include "private.h"

static unsigned int entry_bytes(const struct amdvi_unit *unit)
{
	return unit->ga ? 16 : 4;
}

/**
 * amdvi_irtable_alloc - make a table without interrupts
 * @unit: the unit
 *
 * Return: the table, or NULL.
 */
struct amdvi_irtable *amdvi_irtable_alloc(struct amdvi_unit *unit)
{
	struct amdvi_irtable *table;

	table = kzalloc_node(sizeof(*table), GFP_KERNEL, unit->nid);
	if (!table)
		return NULL;
	/* Aligned to its size, which is a power of two: 128 bytes are asked for. */
	table->entries = kzalloc_node(AMDVI_IRTES * entry_bytes(unit),
				      GFP_KERNEL, unit->nid);
	if (!table->entries) {
		kfree(table);
		return NULL;
	}
	raw_spin_lock_init(&table->lock);
	table->nr_devices = 1;
	return table;
}

/**
 * amdvi_irtable_free - free a table
 * @table: a table that hardware no longer knows; NULL is fine
 */
void amdvi_irtable_free(struct amdvi_irtable *table)
{
	if (!table)
		return;
	kfree(table->entries);
	kfree(table);
}

/**
 * amdvi_irtable_take - reserve neighbouring entries
 * @table: the table
 * @nr: how many, at least 1
 * @aligned: the first one's number is a multiple of their number, rounded up to a
 *	power of two: for devices that make the others' numbers themselves
 *
 * Return: the first one's number, or -ENOSPC.
 */
int amdvi_irtable_take(struct amdvi_irtable *table, unsigned int nr,
		       bool aligned)
{
	unsigned long mask = aligned ? roundup_pow_of_two(nr) - 1 : 0;
	unsigned long flags, index;

	raw_spin_lock_irqsave(&table->lock, flags);
	index = bitmap_find_next_zero_area(table->used, AMDVI_IRTES, 0, nr,
					   mask);
	if (index < AMDVI_IRTES)
		bitmap_set(table->used, index, nr);
	raw_spin_unlock_irqrestore(&table->lock, flags);
	return index < AMDVI_IRTES ? index : -ENOSPC;
}

/**
 * amdvi_irtable_give - give entries back
 * @table: the table
 * @index: the first one; they are off
 * @nr: how many
 */
void amdvi_irtable_give(struct amdvi_irtable *table, unsigned int index,
			unsigned int nr)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&table->lock, flags);
	bitmap_clear(table->used, index, nr);
	raw_spin_unlock_irqrestore(&table->lock, flags);
}

/* 32 bits, at once. */
static void write_narrow(struct amdvi_irtable *table, unsigned int index,
			 const struct amdvi_target *target)
{
	__le32 *entry = (__le32 *)table->entries + index;
	u32 value = 0;

	if (target)
		value = AMDVI_IRTE_REMAP_EN |
			FIELD_PREP(AMDVI_IRTE_INT_TYPE, target->mode) |
			(target->logical ? AMDVI_IRTE_DM : 0) |
			FIELD_PREP(AMDVI_IRTE_DEST, target->cpu) |
			FIELD_PREP(AMDVI_IRTE_VECTOR, target->vector);
	WRITE_ONCE(*entry, cpu_to_le32(value));
}

/*
 * 128 bits, at once as well: with a new vector and an old CPU, or the other way
 * round, an interrupt would get lost.
 */
static void write_wide(struct amdvi_unit *unit, struct amdvi_irtable *table,
		       unsigned int index, const struct amdvi_target *target)
{
	__le64 *entry = (__le64 *)table->entries + 2 * index;
	u64 low = 0, high = 0;

	if (target) {
		low = AMDVI_IRTE_REMAP_EN |
		      FIELD_PREP(AMDVI_IRTE_INT_TYPE, target->mode) |
		      (target->logical ? AMDVI_IRTE_DM : 0) |
		      FIELD_PREP(AMDVI_IRTE_GA_DEST_LOW,
				 target->cpu & GENMASK(23, 0));
		high = FIELD_PREP(AMDVI_IRTE_GA_VECTOR, target->vector) |
		       FIELD_PREP(AMDVI_IRTE_GA_DEST_HIGH, target->cpu >> 24);
	}
	unit->hw->write128(entry, cpu_to_le64(low), cpu_to_le64(high));
}

/**
 * amdvi_irtable_write - say where an interrupt goes
 * @unit: the unit
 * @table: the table
 * @index: number of the entry
 * @target: where to; NULL: nowhere
 *
 * Hardware may remember the old entry until amdvi_inval_interrupts().
 *
 * Context: any.
 */
void amdvi_irtable_write(struct amdvi_unit *unit, struct amdvi_irtable *table,
			 unsigned int index, const struct amdvi_target *target)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&table->lock, flags);
	if (unit->ga)
		write_wide(unit, table, index, target);
	else
		write_narrow(table, index, target);
	raw_spin_unlock_irqrestore(&table->lock, flags);
	dma_wmb();
}
