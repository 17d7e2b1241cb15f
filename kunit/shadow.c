// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory as it is behind the CPU's cache: see shadow.h.
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "shadow.h"

#define LINE 64

void shadow_init(struct shadow *shadow)
{
	xa_init(&shadow->pages);
	spin_lock_init(&shadow->lock);
	atomic_set(&shadow->flushes, 0);
	atomic_set(&shadow->failures, 0);
}

void shadow_deinit(struct shadow *shadow)
{
	unsigned long index;
	void *page;

	xa_for_each(&shadow->pages, index, page)
		kfree(page);
	xa_destroy(&shadow->pages);
}

/* What memory holds; garbage until it was written back. */
static void *shadow_page(struct shadow *shadow, unsigned long pfn)
{
	void *page = xa_load(&shadow->pages, pfn), *old;

	if (page)
		return page;
	page = kmalloc(PAGE_SIZE, GFP_ATOMIC);
	if (page) {
		memset(page, 0x5a, PAGE_SIZE);
		old = xa_cmpxchg(&shadow->pages, pfn, NULL, page, GFP_ATOMIC);
		if (!old)
			return page;
		kfree(page);
		if (!xa_is_err(old))
			return old;
	}
	atomic_inc(&shadow->failures);
	return NULL;
}

void shadow_write_back(struct shadow *shadow, const void *start, size_t bytes)
{
	void *line = PTR_ALIGN_DOWN((void *)start, LINE);
	unsigned long irqs;
	char *page;

	atomic_inc(&shadow->flushes);
	for (; line < start + bytes; line += LINE) {
		page = shadow_page(shadow, PHYS_PFN(virt_to_phys(line)));
		if (!page)
			return;
		/* Two that write back one line must leave the newest content. */
		spin_lock_irqsave(&shadow->lock, irqs);
		memcpy(page + offset_in_page(line), line, LINE);
		spin_unlock_irqrestore(&shadow->lock, irqs);
	}
}

void shadow_spoil(struct shadow *shadow, const void *start)
{
	char *page = shadow_page(shadow,
				 PHYS_PFN(virt_to_phys((void *)start)));

	if (page)
		memset(page + offset_in_page(PTR_ALIGN_DOWN(start, LINE)), 0,
		       LINE);
}

u64 shadow_load(struct shadow *shadow, phys_addr_t at)
{
	char *page = shadow_page(shadow, PHYS_PFN(at));
	unsigned long irqs;
	u64 entry;

	if (!page)
		return 0;
	spin_lock_irqsave(&shadow->lock, irqs);
	entry = le64_to_cpu(*(__le64 *)(page + offset_in_page(at)));
	spin_unlock_irqrestore(&shadow->lock, irqs);
	return entry;
}
