/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The format API: what a page-table format defines before it includes engine.h.
 *
 * Owns: the specification of a format, and what formats share. A format is one
 * file in fmt/: it knows how an entry's bits are laid out, and nothing of
 * walks, locks or memory. fmt/vtdss.c is the plainest.
 */
#ifndef SLUICE_PT_FMT_H
#define SLUICE_PT_FMT_H

#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <sluice/pt.h>

/**
 * DOC: The format API
 *
 * The engine is a template: it is compiled once per format, with the functions
 * below inlined, so that no call and no test of the format is left in a loop.
 *
 * **What all formats have in common.** An entry is 8 bytes, little-endian, and is
 * handled as a u64 in the CPU's order. Zero is an entry that isn't present, and
 * no present entry is zero. A table has a power of two of entries and is aligned
 * to its size. A level's entries each span 2^n bytes of IOVA, where n grows from
 * level to level by the number of index bits. A physical address stands at its
 * place in the entry, so that adding a page's size to a leaf entry makes the
 * entry of the next page; the bit above the address is never set, so that the sum
 * is no entry if the address overflows.
 *
 * **Constants**
 *
 * FMT
 *	the name of the &struct pt_format, e.g. pt_vtdss
 * FMT_NAME
 *	the same for messages, e.g. "vtdss"
 * FMT_INDEX_LG2
 *	log2 of a table's number of entries
 * FMT_MAX_LEVELS
 *	the most levels that any configuration has
 * FMT_ADDR
 *	mask of the physical address in an entry; its highest bit says what can
 *	be addressed
 * FMT_SW_CUT
 *	software bit of a table entry: a leaf was here, and has been cut
 * FMT_SW_PART
 *	software bit of both kinds, where FMT_GROUPS: it was cut out of a larger
 *	page of the same table
 * FMT_SW_FLUSHED
 *	software bit of a table entry: the entry has been written back
 *	from the CPU's cache
 * FMT_GROUPS
 *	1 if a page may take several adjacent entries of one table, equal to
 *	each other; 0 if a page is always one entry
 * FMT_GROWS
 *	1 if the root may get more levels
 *
 * Software bits must be ignored by hardware in the kind of entry they're used in.
 *
 * **Functions**, pure but for fmt_init(). @level is that of the table which the
 * entry is in, 0 for the lowest.
 *
 * int fmt_init(struct pt \*pt, const struct pt_config \*cfg)
 *	check what is particular to the format, and set @pt->leaf_bits.
 *	Returns 0 or -EINVAL
 * unsigned int fmt_granule_lg2(const struct pt \*pt)
 *	log2 of the smallest page; a constant where the format has one
 * u64 fmt_prot_bits(unsigned int prot)
 *	rights of a leaf, and its kind in two software bits
 * unsigned int fmt_prot(u64 leaf)
 *	the reverse
 * u64 fmt_make_leaf(u64 bits, u64 phys, unsigned int lg2, unsigned int level)
 *	a leaf entry for a page of 2^@lg2 bytes; @bits are fmt_prot_bits() and
 *	@pt->leaf_bits
 * u64 fmt_leaf_bits(u64 leaf)
 *	@bits of fmt_make_leaf(), without FMT_SW_PART
 * unsigned int fmt_leaf_lg2(u64 leaf, unsigned int entry_lg2)
 *	the page's size; @entry_lg2 is log2 of what one entry spans
 * phys_addr_t fmt_leaf_phys(u64 leaf, u64 mask)
 *	the page's address; @mask is the page's size - 1
 * u64 fmt_make_table(phys_addr_t phys, unsigned int child)
 *	an entry that points to a table of level @child; no software bits
 * phys_addr_t fmt_table_phys(u64 entry)
 *	the table's address
 * bool fmt_is_table(u64 entry, unsigned int level)
 *	is the entry present, and does it point to a table? That table is one
 *	level below; @level isn't 0. All that the walk's hot path asks
 */

/*
 * &enum sluice_prot as formats take it apart: what the device may do, and what
 * kind of memory it is, which only software wants to know.
 */
#define FMT_PROT_RIGHTS	GENMASK(1, 0)
#define FMT_PROT_KIND	GENMASK(3, 2)

static_assert(SLUICE_PROT_READ == BIT(0) && SLUICE_PROT_WRITE == BIT(1));
static_assert((SLUICE_PROT_MMIO | SLUICE_PROT_REGISTERED) == FMT_PROT_KIND);

#endif /* SLUICE_PT_FMT_H */
