// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pretended AMD-Vi units: see amdvi_hw.h. Source: AMD 48882, 2.2 to 2.5, 3.4.
 */
#include <linux/io.h>
#include <linux/minmax.h>
#include <linux/slab.h>

#include "amdvi_hw.h"

#define CONTROL	(0x18 / 8)
#define TAIL	(0x2008 / 8)
#define HEAD	(0x2000 / 8)
#define LOG	(0x10 / 8)
#define LOG_HEAD (0x2010 / 8)
#define LOG_TAIL (0x2018 / 8)
#define STATUS	(0x2020 / 8)

#define RUNS	BIT_ULL(4)
#define LOG_RUNS BIT_ULL(3)
#define LOG_FULL BIT_ULL(0)

/* A ring's size in bytes, and where it is, by its register. */
static u64 ring_bytes(u64 base)
{
	return 16ULL << (base >> 56 & 15);
}

static __le64 *ring_at(u64 base, u64 offset)
{
	return phys_to_virt((base & GENMASK_ULL(51, 12)) + offset);
}

static struct fake_amdvi *fake_of(struct amdvi_unit *unit)
{
	return container_of(unit, struct fake_amdvi, unit);
}

static void violation(struct fake_amdvi *hw, const char *what, u64 a, u64 b)
{
	atomic_inc(&hw->violations);
	kunit_err(hw->test, "%s: %#llx %#llx\n", what, a, b);
}

/* ---- Forgetting ---- */

static unsigned long tlb_key(u16 did, u64 page)
{
	return (unsigned long)did << 40 | page;
}

static void forget_tlb(struct fake_amdvi *hw, u16 did, u64 first, u64 last)
{
	unsigned long key;
	void *entry;

	last = min(last, BIT_ULL(40) - 1);
	xa_for_each_range(&hw->tlb, key, entry, tlb_key(did, first),
			  tlb_key(did, last))
		xa_erase(&hw->tlb, key);
}

static void forget_entry(struct xarray *xa, unsigned long first,
			 unsigned long last)
{
	unsigned long key;
	void *entry;

	xa_for_each_range(xa, key, entry, first, last) {
		xa_erase(xa, key);
		kfree(entry);
	}
}

/* The lowest 0 from bit 12 on tells the size of the block, if there is one. */
static void told(u64 high, u64 *first, u64 *last)
{
	u64 address = high >> 12, zero = ~address & (address + 1);

	*first = high & 1 ? address & ~(zero | (zero - 1)) : address;
	*last = high & 1 ? *first + 2 * zero - 1 : address;
}

static void forget_pages(struct fake_amdvi *hw, u64 low, u64 high)
{
	u64 first, last;

	if (low & ~GENMASK_ULL(47, 32) & GENMASK_ULL(59, 0) || high & 0xffc)
		violation(hw, "reserved bits", low, high);
	told(high, &first, &last);
	forget_tlb(hw, low >> 32, first, last);
}

/* ---- TLBs of devices ---- */

static int ask(struct fake_amdvi *hw, u16 rid, u64 page);

static bool is_silent(const struct fake_amdvi *hw, u16 rid)
{
	return rid && rid == hw->silent;
}

/* It asks again at once: whoever could still answer it does. */
static void forget_device(struct fake_amdvi *hw, u64 low, u64 high)
{
	unsigned long key;
	u64 first, last;
	u16 rid = low;
	void *entry;

	if (low & 0x0fff000000ff0000ULL || high & 0xffe ||
	    rid != (u16)(low >> 32))
		violation(hw, "reserved bits, or another's queue", low, high);
	told(high, &first, &last);
	last = min(last, BIT_ULL(40) - 1);
	xa_for_each_range(&hw->atc, key, entry, tlb_key(rid, first),
			  tlb_key(rid, last)) {
		xa_erase(&hw->atc, key);
		ask(hw, rid, key & (BIT_ULL(40) - 1));
	}
}

static void log_event(struct fake_amdvi *hw, u64 low, u64 high)
{
	u64 next = (hw->reg[LOG_TAIL] + 16) % ring_bytes(hw->reg[LOG]);
	__le64 *event = ring_at(hw->reg[LOG], hw->reg[LOG_TAIL]);

	if (!(hw->reg[STATUS] & LOG_RUNS))
		return;
	if (next == hw->reg[LOG_HEAD]) {
		hw->reg[STATUS] |= LOG_FULL;
		hw->reg[STATUS] &= ~LOG_RUNS;
		return;
	}
	event[1] = cpu_to_le64(high);
	event[0] = cpu_to_le64(low);
	hw->reg[LOG_TAIL] = next;
}

static void log_faults(struct fake_amdvi *hw, unsigned int nr)
{
	while (nr--)
		log_event(hw, 2ULL << 60 | 0x100, 0x1000);
}

/* Hardware tells who hasn't answered, and goes on. */
static void invalidate_device(struct fake_amdvi *hw, u64 low, u64 high)
{
	if (!is_silent(hw, low)) {
		forget_device(hw, low, high);
		return;
	}
	log_faults(hw, hw->floods);
	log_event(hw, 7ULL << 60 | (u16)low,
		  (hw->reg[1] & GENMASK_ULL(51, 12)) + hw->reg[HEAD]);
	hw->timeouts++;
}

/* Until a device has answered, or for so long. */
static bool held_up(struct fake_amdvi *hw, u64 low)
{
	if (low >> 60 != 4 || !is_silent(hw, low))
		return false;
	if (!hw->asked)
		hw->left = hw->timeout;
	hw->asked = hw->left;
	return hw->asked;
}

static void carry_out(struct fake_amdvi *hw, u64 low, u64 high)
{
	u16 rid = low;

	if (hw->nr_cmds < FAKE_AMDVI_CMDS) {
		hw->cmd[hw->nr_cmds][0] = low;
		hw->cmd[hw->nr_cmds][1] = high;
	}
	hw->nr_cmds++;
	switch (low >> 60) {
	case 1:
		hw->waits++;
		if (!(low & 1))
			violation(hw, "wait without a store", low, high);
		*(__le64 *)phys_to_virt(low & GENMASK_ULL(51, 3)) =
			cpu_to_le64(high);
		break;
	case 2:
		forget_entry(&hw->dte, rid, rid);
		break;
	case 3:
		forget_pages(hw, low, high);
		break;
	case 4:
		invalidate_device(hw, low, high);
		break;
	case 5:
		forget_entry(&hw->irte, (u32)rid << 16, (u32)rid << 16 | 0xffff);
		break;
	case 8:
		forget_entry(&hw->dte, 0, ULONG_MAX);
		forget_entry(&hw->irte, 0, ULONG_MAX);
		forget_tlb(hw, 0, 0, U64_MAX);
		break;
	default:
		violation(hw, "unknown command", low, high);
	}
}

/* ---- Registers ---- */

static void run(struct fake_amdvi *hw)
{
	while (hw->reg[STATUS] & RUNS && !hw->deaf &&
	       hw->reg[HEAD] != hw->reg[TAIL]) {
		__le64 *cmd = ring_at(hw->reg[1], hw->reg[HEAD]);

		if (held_up(hw, le64_to_cpu(cmd[0])))
			return;
		if (hw->stops && !--hw->stops) {
			hw->stops = hw->always_stops;
			hw->reg[STATUS] &= ~RUNS;
			return;
		}
		carry_out(hw, le64_to_cpu(cmd[0]), le64_to_cpu(cmd[1]));
		hw->reg[HEAD] = (hw->reg[HEAD] + 16) % ring_bytes(hw->reg[1]);
	}
}

static u64 hw_read64(struct amdvi_unit *unit, unsigned int reg)
{
	return READ_ONCE(fake_of(unit)->reg[reg / 8]);
}

static void hw_write64(struct amdvi_unit *unit, unsigned int reg, u64 value)
{
	struct fake_amdvi *hw = fake_of(unit);
	unsigned long flags;

	spin_lock_irqsave(&hw->lock, flags);
	/* Written 1s clear what of it can be written. */
	if (reg / 8 == STATUS)
		value = hw->reg[STATUS] & ~(value & 7);
	hw->reg[reg / 8] = value;
	if (reg / 8 == CONTROL) {
		/* Commands are taken while translation is on, too. */
		hw->reg[STATUS] &= ~(RUNS | LOG_RUNS);
		if ((value & 0x1001) == 0x1001)
			hw->reg[STATUS] |= RUNS;
		if (value & 4 && !(hw->reg[STATUS] & LOG_FULL))
			hw->reg[STATUS] |= LOG_RUNS;
	}
	if (reg / 8 == 1)
		hw->reg[HEAD] = 0;
	hw->late = hw->slow;
	if (!hw->late && (reg / 8 == TAIL || reg / 8 == CONTROL))
		run(hw);
	spin_unlock_irqrestore(&hw->lock, flags);
}

static void hw_pause(struct amdvi_unit *unit)
{
	struct fake_amdvi *hw = fake_of(unit);
	unsigned long flags;

	spin_lock_irqsave(&hw->lock, flags);
	hw->pauses++;
	if (hw->late && !--hw->late)
		run(hw);
	if (hw->left && !--hw->left)
		run(hw);
	spin_unlock_irqrestore(&hw->lock, flags);
}

static void hw_write128(__le64 *at, __le64 low, __le64 high)
{
	at[0] = low;
	at[1] = high;
}

static const struct amdvi_hw fake_ops = {
	.read64		= hw_read64,
	.write64	= hw_write64,
	.pause		= hw_pause,
	.write128	= hw_write128,
};

/* ---- DMA ---- */

static void read_dte(struct fake_amdvi *hw, u16 rid, u64 *q)
{
	__le64 *table = phys_to_virt(hw->reg[0] & GENMASK_ULL(51, 12));
	unsigned int i;

	for (i = 0; i < 4; i++)
		q[i] = le64_to_cpu(READ_ONCE(table[4 * rid + i]));
}

/* The entry, as it is remembered, or from now on. */
static void get_dte(struct fake_amdvi *hw, u16 rid, u64 *q)
{
	u64 *known = xa_load(&hw->dte, rid);

	if (!known) {
		read_dte(hw, rid, q);
		known = kmemdup(q, 32, GFP_ATOMIC);
		if (known && xa_err(xa_store(&hw->dte, rid, known, GFP_ATOMIC)))
			kfree(known);
		return;
	}
	memcpy(q, known, 32);
}

/* Page tables, 2.2.3: the page's address with its rights (1: read, 2: write), or 0. */
static u64 walk(u64 dte, u64 iova)
{
	unsigned int level = dte >> 9 & 7;
	u64 entry = dte, rights = 3, size;

	while (level) {
		__le64 *table = phys_to_virt(entry & GENMASK_ULL(51, 12));
		unsigned int lg2 = 12 + 9 * (level - 1), next;

		entry = le64_to_cpu(READ_ONCE(table[iova >> lg2 & 511]));
		if (!(entry & 1))
			return 0;
		rights &= entry >> 61 & 3;
		next = entry >> 9 & 7;
		if (next && next != 7) {
			level = next;
			continue;
		}
		size = BIT_ULL(lg2);
		if (next == 7)
			size = 2 * (~(entry >> 12) & ((entry >> 12) + 1)) << 12;
		return (((entry & GENMASK_ULL(51, 12)) & ~(size - 1)) |
			(iova & (size - 1) & ~0xfffULL)) | rights;
	}
	return 0;
}

static int judge(u64 page, u64 iova, bool write, phys_addr_t *phys)
{
	if (!page)
		return -EFAULT;
	if (!(page & (write ? 2 : 1)))
		return -EACCES;
	*phys = (page & ~0xfffULL) | (iova & 0xfff);
	return 0;
}

/* An access by the entry @q; what is found is remembered if @remember. */
static int access_by(struct fake_amdvi *hw, const u64 *q, u64 iova, bool write,
		     bool remember, phys_addr_t *phys)
{
	u64 rights = q[0] >> 61 & 3, page;
	unsigned long key = tlb_key(q[1], iova >> 12);
	void *known;

	if ((q[0] & 3) != 3) {
		violation(hw, "entry that isn't valid", q[0], q[1]);
		*phys = iova;
		return 0;
	}
	if (!(rights & (write ? 2 : 1)))
		return -EFAULT;
	if (!(q[0] >> 9 & 7)) {
		*phys = iova;
		return 0;
	}
	if (iova >> min(12 + 9 * (q[0] >> 9 & 7), 63))
		return -EFAULT;
	known = remember ? xa_load(&hw->tlb, key) : NULL;
	page = known ? xa_to_value(known) : walk(q[0], iova);
	/* NpCache: what wasn't there, too. */
	if (remember && (page || hw->unit.cap & BIT(26)))
		xa_store(&hw->tlb, key, xa_mk_value(page), GFP_ATOMIC);
	return judge(page, iova, write, phys);
}

int fake_amdvi_translate(struct fake_amdvi *hw, u16 rid, u64 iova, bool write,
			 phys_addr_t *phys)
{
	unsigned long flags;
	u64 q[4];
	int ret;

	spin_lock_irqsave(&hw->lock, flags);
	get_dte(hw, rid, q);
	ret = access_by(hw, q, iova, write, true, phys);
	spin_unlock_irqrestore(&hw->lock, flags);
	return ret;
}

int fake_amdvi_peek(struct fake_amdvi *hw, u16 rid, u64 iova, bool write,
		    phys_addr_t *phys)
{
	u64 q[4];

	read_dte(hw, rid, q);
	return access_by(hw, q, iova, write, false, phys);
}

/* What a device asks for, it gets if its entry has the bit for it, and remembers. */
static int ask(struct fake_amdvi *hw, u16 rid, u64 page)
{
	phys_addr_t phys;
	u64 q[4];
	int ret;

	get_dte(hw, rid, q);
	if (!(q[1] & BIT_ULL(32)))
		return -EFAULT;
	ret = access_by(hw, q, page << 12, false, true, &phys);
	if (!ret)
		xa_store(&hw->atc, tlb_key(rid, page),
			 xa_mk_value(phys >> 12), GFP_ATOMIC);
	return ret;
}

int fake_amdvi_ats_read(struct fake_amdvi *hw, u16 rid, u64 iova,
			phys_addr_t *phys)
{
	unsigned long flags, key = tlb_key(rid, iova >> 12);
	int ret = 0;
	u64 q[4];

	spin_lock_irqsave(&hw->lock, flags);
	if (!xa_load(&hw->atc, key))
		ret = ask(hw, rid, iova >> 12);
	get_dte(hw, rid, q);
	/* Translated requests need that bit as well. */
	if (!ret && !(q[1] & BIT_ULL(32)))
		ret = -EFAULT;
	if (!ret)
		*phys = (phys_addr_t)xa_to_value(xa_load(&hw->atc, key)) << 12 |
			(iova & 0xfff);
	spin_unlock_irqrestore(&hw->lock, flags);
	return ret;
}

void fake_amdvi_faults(struct fake_amdvi *hw, unsigned int nr)
{
	unsigned long flags;

	spin_lock_irqsave(&hw->lock, flags);
	log_faults(hw, nr);
	spin_unlock_irqrestore(&hw->lock, flags);
}

/* ---- Interrupts ---- */

static void read_irte(struct fake_amdvi *hw, u64 dte, unsigned int index,
		      u64 *e)
{
	void *table = phys_to_virt(dte & GENMASK_ULL(51, 6));

	/* GAEn: wide entries. */
	if (hw->reg[CONTROL] & BIT_ULL(17)) {
		e[0] = le64_to_cpu(((__le64 *)table)[2 * index]);
		e[1] = le64_to_cpu(((__le64 *)table)[2 * index + 1]);
		return;
	}
	e[0] = le32_to_cpu(((__le32 *)table)[index]);
	e[1] = e[0] >> 16 & 0xff;
	e[0] &= 0xffff;
}

int fake_amdvi_interrupt(struct fake_amdvi *hw, u16 rid, unsigned int index,
			 u64 *target)
{
	unsigned long flags, key = (u32)rid << 16 | index;
	u64 q[4], e[2], *known;
	int ret = -EFAULT;

	spin_lock_irqsave(&hw->lock, flags);
	get_dte(hw, rid, q);
	if (!(q[2] & 1)) {
		ret = 1;
		goto unlock;
	}
	if ((q[2] >> 60 & 3) != 2 || index >= BIT(q[2] >> 1 & 15))
		goto unlock;
	known = xa_load(&hw->irte, key);
	if (known) {
		memcpy(e, known, sizeof(e));
	} else {
		read_irte(hw, q[2], index, e);
		known = kmemdup(e, sizeof(e), GFP_ATOMIC);
		if (known && xa_err(xa_store(&hw->irte, key, known, GFP_ATOMIC)))
			kfree(known);
	}
	if (e[0] & 1) {
		*target = (e[1] & 0xff) | (e[0] >> 8 & 0xffffff) << 8 |
			  (e[1] >> 56) << 32;
		ret = 0;
	}
unlock:
	spin_unlock_irqrestore(&hw->lock, flags);
	return ret;
}

/* ---- Set-up ---- */

static void unplug(void *data)
{
	struct fake_amdvi *hw = data;

	forget_entry(&hw->dte, 0, ULONG_MAX);
	forget_entry(&hw->irte, 0, ULONG_MAX);
	xa_destroy(&hw->dte);
	xa_destroy(&hw->irte);
	xa_destroy(&hw->tlb);
	xa_destroy(&hw->atc);
	if (hw->unit.devtab)
		amdvi_unit_deinit(&hw->unit);
	kfree(hw);
}

struct fake_amdvi *fake_amdvi_plug(struct kunit *test, u32 cap, u64 efr)
{
	struct fake_amdvi *hw = kzalloc(sizeof(*hw), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, hw);
	hw->test = test;
	hw->unit.hw = &fake_ops;
	hw->unit.nid = NUMA_NO_NODE;
	hw->unit.cap = cap;
	strscpy(hw->unit.name, "fake");
	spin_lock_init(&hw->lock);
	xa_init(&hw->dte);
	xa_init(&hw->irte);
	xa_init(&hw->tlb);
	xa_init(&hw->atc);
	hw->reg[0x30 / 8] = efr;
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, unplug, hw));
	return hw;
}

struct fake_amdvi *fake_amdvi_create(struct kunit *test, u32 cap, u64 efr)
{
	struct fake_amdvi *hw = fake_amdvi_plug(test, cap, efr);

	KUNIT_ASSERT_EQ(test, 0, amdvi_unit_init(&hw->unit));
	amdvi_unit_load(&hw->unit);
	KUNIT_ASSERT_EQ(test, 0, amdvi_unit_enable(&hw->unit));
	hw->nr_cmds = 0;
	hw->waits = 0;
	return hw;
}
