// SPDX-License-Identifier: GPL-2.0-only
/*
 * AMD-Vi: events.
 *
 * Owns: the event log, reading it, and telling the administrator, or whoever waits
 * for a device's TLB. What has to follow a failed command is left to whoever waits
 * for the command buffer, which stops then. Source: AMD 48882, 2.5, 3.4.3, 3.4.13
 * and 3.4.14.
 */
#define pr_fmt(fmt) "sluice amdvi: " fmt

#include <kunit/static_stub.h>
#include <linux/bitfield.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/seq_buf.h>

#include "private.h"

/* The ring: two pages. */
#define RING_LG2	9
#define RING_SIZE	BIT(RING_LG2)
#define RING_BYTES	(RING_SIZE * sizeof(struct amdvi_event))
#define RING_ORDER	get_order(RING_BYTES)

/*
 * Events taken per interrupt. A device that its user lets fault without end could
 * otherwise keep a CPU here: beyond that, the interrupt is masked for a while.
 */
#define BUDGET		256
#define PAUSE		(HZ / 10)

/* How long hardware may take, in pauses of a microsecond. */
#define PATIENCE	100

/* ---- What an event says ---- */

static const char *const hw_errors[] = {
	[1] = "master abort",
	[2] = "target abort",
	[3] = "data error",
};

/* 2.5.9: requests, and requests for translations. */
static const char *const invalid_requests[2][8] = { {
	[0] = "interrupts' addresses can only be written, posted",
	[1] = "the device may not send translated requests",
	[2] = "the device may not do port I/O",
	[3] = "the device may not write to these special addresses",
	[4] = "the device may not read these special addresses",
	[5] = "the device may not send interrupts",
	[6] = "the address is a reserved one of interrupts",
	[7] = "the device's special addresses aren't translated",
}, {
	[0] = "the device may not ask for translations",
	[1] = "special addresses have no translation",
} };

static const char *text_of(const char *const *texts, unsigned int nr,
			   unsigned int i)
{
	if (i >= nr || !texts[i])
		return "unknown";
	return texts[i];
}

static const char *hw_error(u64 low)
{
	return text_of(hw_errors, ARRAY_SIZE(hw_errors),
		       FIELD_GET(AMDVI_EVENT_TYPE, low));
}

static const char *access_text(u64 low)
{
	if (low & AMDVI_EVENT_I)
		return "interrupt request by";
	if (low & AMDVI_EVENT_TR)
		return "translation request by";
	return low & AMDVI_EVENT_RW ? "DMA write by" : "DMA read by";
}

/* PE, 2.5.3 */
static const char *denied_text(u64 low)
{
	if (low & AMDVI_EVENT_I)
		return "the device may not use this entry";
	if (low & AMDVI_EVENT_TR)
		return "access isn't allowed there";
	return low & AMDVI_EVENT_RW ? "writing isn't allowed there" :
				      "reading isn't allowed there";
}

static void put_requester(struct seq_buf *s, const char *what, u16 segment,
			  u64 low)
{
	u16 rid = FIELD_GET(AMDVI_EVENT_RID, low);

	seq_buf_printf(s, "%s %04x:%02x:%02x.%d", what, segment,
		       PCI_BUS_NUM(rid), PCI_SLOT(rid), PCI_FUNC(rid));
}

static void put_pasid(struct seq_buf *s, u64 low)
{
	seq_buf_printf(s, ", PASID %llu",
		       FIELD_GET(AMDVI_EVENT_PASID_HIGH, low) << 16 |
		       FIELD_GET(AMDVI_EVENT_DOMAIN, low));
}

static void put_space(struct seq_buf *s, u64 low)
{
	if (low & AMDVI_EVENT_GN)
		put_pasid(s, low);
	else
		seq_buf_printf(s, ", domain %llu",
			       FIELD_GET(AMDVI_EVENT_DOMAIN, low));
}

static void put_flags(struct seq_buf *s, u64 low)
{
	seq_buf_printf(s, " (flags %#05llx)",
		       FIELD_GET(AMDVI_EVENT_FLAGS, low));
}

static void put_illegal_dte(struct seq_buf *s, u16 segment, u64 low, u64 high)
{
	put_requester(s, access_text(low), segment, low);
	if (low & AMDVI_EVENT_GN)
		put_pasid(s, low);
	seq_buf_printf(s, ", fault addr %#llx: %s in the device table's entry",
		       high & AMDVI_EVENT_DTE_ADDR,
		       low & AMDVI_EVENT_RZ ? "reserved bits" :
					      "an invalid value");
	put_flags(s, low);
}

/* The other bits have a meaning only if PR is set; NX and US, if GN is. */
static void put_page_fault(struct seq_buf *s, u16 segment, u64 low, u64 high)
{
	const char *entry = low & AMDVI_EVENT_I ? "the table's entry" :
						  "a page-table entry";

	put_requester(s, access_text(low), segment, low);
	put_space(s, low);
	if (low & AMDVI_EVENT_GN)
		seq_buf_printf(s, " (%s%s)",
			       low & AMDVI_EVENT_US ? "user" : "supervisor",
			       low & AMDVI_EVENT_NX ? ", no execute" : "");
	seq_buf_printf(s, ", fault addr %#llx: ", high);
	if (!(low & AMDVI_EVENT_PR))
		seq_buf_printf(s, "%s isn't present",
			       low & AMDVI_EVENT_I ? entry : "the page");
	else if (low & AMDVI_EVENT_PE)
		seq_buf_puts(s, denied_text(low));
	else if (!(low & AMDVI_EVENT_RZ))
		seq_buf_printf(s, "an invalid value in %s", entry);
	if (low & AMDVI_EVENT_PR && low & AMDVI_EVENT_RZ)
		seq_buf_printf(s, "%sreserved bits in %s",
			       low & AMDVI_EVENT_PE ? ", " : "", entry);
	put_flags(s, low);
}

static void put_devtab_hw(struct seq_buf *s, u16 segment, u64 low, u64 high)
{
	put_requester(s, access_text(low), segment, low);
	seq_buf_printf(s, ", entry at %#llx: the device table can't be accessed: %s",
		       high & AMDVI_EVENT_HW_ADDR, hw_error(low));
	put_flags(s, low);
}

static void put_pagetab_hw(struct seq_buf *s, u16 segment, u64 low, u64 high)
{
	put_requester(s, access_text(low), segment, low);
	put_space(s, low);
	seq_buf_printf(s, ", entry at %#llx: %s can't be accessed: %s",
		       high & AMDVI_EVENT_PTE_ADDR,
		       low & AMDVI_EVENT_I ? "the interrupt table" :
					     "a page table", hw_error(low));
	put_flags(s, low);
}

static void put_invalid_req(struct seq_buf *s, u16 segment, u64 low, u64 high)
{
	bool tr = low & AMDVI_EVENT_TR;

	put_requester(s, tr ? "translation request by" : "request by", segment,
		      low);
	if (low & AMDVI_EVENT_GN)
		put_pasid(s, low);
	seq_buf_printf(s, ", fault addr %#llx: %s", high,
		       text_of(invalid_requests[tr],
			       ARRAY_SIZE(invalid_requests[tr]),
			       FIELD_GET(AMDVI_EVENT_REQ_TYPE, low)));
	put_flags(s, low);
}

static void put_invalid_ppr(struct seq_buf *s, u16 segment, u64 low, u64 high)
{
	put_requester(s, "page request by", segment, low);
	seq_buf_printf(s, ", PASID %llu, tag %llu",
		       FIELD_GET(AMDVI_EVENT_PPR_PASID_HIGH, low) << 16 |
		       FIELD_GET(AMDVI_EVENT_PPR_PASID_LOW, low),
		       FIELD_GET(AMDVI_EVENT_PPR_TAG, low));
	seq_buf_printf(s, ", fault addr %#llx: the device may not ask for pages",
		       high);
	put_flags(s, low);
}

/**
 * amdvi_fault_format - say in one line what an event means
 * @line: where
 * @size: %AMDVI_FAULT_LINE at least, or the line is cut
 * @segment: the unit's PCI segment
 * @low: the event's first word
 * @high: its second
 */
void amdvi_fault_format(char *line, size_t size, u16 segment, u64 low, u64 high)
{
	unsigned int code = FIELD_GET(AMDVI_EVENT_CODE, low);
	struct seq_buf s;

	seq_buf_init(&s, line, size);
	switch (code) {
	case AMDVI_EVENT_ILLEGAL_DTE:
		put_illegal_dte(&s, segment, low, high);
		break;
	case AMDVI_EVENT_PAGE_FAULT:
		put_page_fault(&s, segment, low, high);
		break;
	case AMDVI_EVENT_DEVTAB_HW:
		put_devtab_hw(&s, segment, low, high);
		break;
	case AMDVI_EVENT_PAGETAB_HW:
		put_pagetab_hw(&s, segment, low, high);
		break;
	case AMDVI_EVENT_ILLEGAL_CMD:
		seq_buf_printf(&s, "illegal command at %#llx",
			       high & AMDVI_EVENT_HW_ADDR);
		break;
	case AMDVI_EVENT_CMD_HW:
		seq_buf_printf(&s, "command access at %#llx failed: %s",
			       high & AMDVI_EVENT_HW_ADDR, hw_error(low));
		put_flags(&s, low);
		break;
	case AMDVI_EVENT_IOTLB_TIMEOUT:
		put_requester(&s, "invalidation of the TLB of", segment, low);
		seq_buf_printf(&s, " timed out, command at %#llx",
			       high & AMDVI_EVENT_HW_ADDR);
		break;
	case AMDVI_EVENT_INVALID_REQ:
		put_invalid_req(&s, segment, low, high);
		break;
	case AMDVI_EVENT_INVALID_PPR:
		put_invalid_ppr(&s, segment, low, high);
		break;
	case AMDVI_EVENT_COUNTER_ZERO:
		seq_buf_printf(&s, "an event counter is at zero, note %#llx",
			       FIELD_GET(AMDVI_EVENT_NOTE_HIGH, high) << 32 |
			       FIELD_GET(AMDVI_EVENT_NOTE_LOW, high));
		break;
	default:
		seq_buf_printf(&s, "event of unknown kind %#x: %#018llx %#018llx",
			       code, low, high);
	}
	seq_buf_str(&s);
}

/**
 * amdvi_fault_report - tell the administrator, unless there is too much to tell
 * @unit: the unit
 * @low: the event's first word
 * @high: its second
 */
void amdvi_fault_report(struct amdvi_unit *unit, u64 low, u64 high)
{
	char line[AMDVI_FAULT_LINE];

	KUNIT_STATIC_STUB_REDIRECT(amdvi_fault_report, unit, low, high);
	if (!__ratelimit(&unit->limit))
		return;
	amdvi_fault_format(line, sizeof(line), unit->segment, low, high);
	pr_err("%s: %s\n", unit->name, line);
}

/* ---- The lock ---- */

/*
 * What is printed is only noted down while it is held: a console may be at the other
 * end of a device whose DMA is unmapped for that, which takes the lock.
 */
static unsigned long lock_log(struct amdvi_unit *unit)
	__acquires(&unit->log_lock)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&unit->log_lock, flags);
	printk_deferred_enter();
	return flags;
}

static void unlock_log(struct amdvi_unit *unit, unsigned long flags)
	__releases(&unit->log_lock)
{
	printk_deferred_exit();
	raw_spin_unlock_irqrestore(&unit->log_lock, flags);
}

/* ---- Who waits for a device's TLB ---- */

/* That it doesn't answer is theirs to say, who know whether the device is still there. */
static bool note_timeout(struct amdvi_unit *unit, u64 low)
{
	struct amdvi_watch *watch;
	bool noted = false;

	lockdep_assert_held(&unit->log_lock);
	if (FIELD_GET(AMDVI_EVENT_CODE, low) != AMDVI_EVENT_IOTLB_TIMEOUT)
		return false;
	list_for_each_entry(watch, &unit->watches, node) {
		if (watch->rid == FIELD_GET(AMDVI_EVENT_RID, low)) {
			watch->timed_out = true;
			noted = true;
		}
	}
	return noted;
}

/* What can't be read any more may have been about any device. */
static void note_loss(struct amdvi_unit *unit)
{
	struct amdvi_watch *watch;

	lockdep_assert_held(&unit->log_lock);
	list_for_each_entry(watch, &unit->watches, node)
		watch->lost = true;
}

/* ---- The log ---- */

/*
 * Erratum 732: the tail may be ahead of the event, which isn't there as long as its
 * code is 0. Returns its first word, or 0 if it doesn't come.
 */
static u64 wait_code(struct amdvi_unit *unit, const struct amdvi_event *event,
		     unsigned int *patience)
{
	for (;;) {
		u64 low = le64_to_cpu(READ_ONCE(event->q[0]));

		if (FIELD_GET(AMDVI_EVENT_CODE, low))
			return low;
		if (!*patience)
			return 0;
		--*patience;
		unit->hw->pause(unit);
	}
}

static void take_entries(struct amdvi_unit *unit, unsigned int nr)
{
	/* All of them are due since the tail was read: they share it. */
	unsigned int patience = PATIENCE, missing = 0;

	while (nr--) {
		struct amdvi_event *event = &unit->log[unit->head];
		u64 low = wait_code(unit, event, &patience);

		/* The first word tells that the second is there, too. */
		dma_rmb();
		if (!low)
			missing++;
		else if (!note_timeout(unit, low))
			amdvi_fault_report(unit, low,
					   le64_to_cpu(READ_ONCE(event->q[1])));
		/* The next event in this place is waited for by its code. */
		WRITE_ONCE(event->q[0], 0);
		WRITE_ONCE(event->q[1], 0);
		unit->head = (unit->head + 1) % RING_SIZE;
	}
	/* Before hardware is told that there is room. */
	dma_wmb();
	unit->hw->write64(unit, AMDVI_EVENT_HEAD_REG,
			  FIELD_PREP(AMDVI_RING_OFFSET, unit->head));
	if (missing) {
		note_loss(unit);
		pr_warn_ratelimited("%s: %u events were announced and didn't come\n",
				    unit->name, missing);
	}
}

static void stop(struct amdvi_unit *unit)
{
	unsigned int i;

	amdvi_control(unit, AMDVI_CONTROL_EVENT_LOG_EN, 0);
	for (i = 0; i < PATIENCE; i++) {
		if (!(unit->hw->read64(unit, AMDVI_STATUS_REG) &
		      AMDVI_STATUS_EVENT_RUN))
			return;
		unit->hw->pause(unit);
	}
}

/* From a stopped log to an empty one that runs, with more bits of CONTROL. */
static void start(struct amdvi_unit *unit, u64 more)
{
	const struct amdvi_hw *hw = unit->hw;

	lockdep_assert_held(&unit->log_lock);
	note_loss(unit);
	memset(unit->log, 0, RING_BYTES);
	unit->head = 0;
	hw->write64(unit, AMDVI_EVENT_HEAD_REG, 0);
	hw->write64(unit, AMDVI_EVENT_TAIL_REG, 0);
	/* As long as it is set, nothing is logged. */
	hw->write64(unit, AMDVI_STATUS_REG, AMDVI_STATUS_EVENT_OVERFLOW |
		    AMDVI_STATUS_EVENT_INT);
	/* Before hardware may write to it. */
	dma_wmb();
	amdvi_control(unit, 0, AMDVI_CONTROL_EVENT_LOG_EN | more);
}

/* How many events are there to be taken. */
static unsigned int logged(struct amdvi_unit *unit)
{
	u64 tail = unit->hw->read64(unit, AMDVI_EVENT_TAIL_REG);

	return (FIELD_GET(AMDVI_RING_OFFSET, tail) - unit->head) % RING_SIZE;
}

/* A log that was full has stopped. */
static void start_if_full(struct amdvi_unit *unit)
{
	if (!(unit->hw->read64(unit, AMDVI_STATUS_REG) &
	      AMDVI_STATUS_EVENT_OVERFLOW))
		return;
	stop(unit);
	start(unit, 0);
	pr_warn_ratelimited("%s: the event log was full, events were lost\n",
			    unit->name);
}

/*
 * Returns false if events come faster than they can be taken. Bits of STATUS may
 * stick, and hardware may set one just while it is cleared, without an interrupt:
 * what is looked at is the tail, again and after the bits.
 */
static bool take_events(struct amdvi_unit *unit)
{
	unsigned int left = BUDGET, nr;

	lockdep_assert_held(&unit->log_lock);
	for (;;) {
		unit->hw->write64(unit, AMDVI_STATUS_REG,
				  AMDVI_STATUS_EVENT_INT |
				  AMDVI_STATUS_COMWAIT_INT);
		nr = logged(unit);
		if (!nr)
			break;
		if (!left)
			return false;
		nr = min(nr, left);
		take_entries(unit, nr);
		left -= nr;
	}
	start_if_full(unit);
	return true;
}

static void mask(struct amdvi_unit *unit)
{
	amdvi_control(unit, AMDVI_CONTROL_EVENT_INT_EN, 0);
	schedule_delayed_work(&unit->unmask, PAUSE);
}

static void unmask(struct work_struct *work)
{
	struct amdvi_unit *unit = container_of(to_delayed_work(work),
					       struct amdvi_unit, unmask);
	unsigned long flags;

	flags = lock_log(unit);
	if (!take_events(unit)) {
		schedule_delayed_work(&unit->unmask, PAUSE);
	} else {
		amdvi_control(unit, 0, AMDVI_CONTROL_EVENT_INT_EN);
		/* What has come before that doesn't raise it any more. */
		if (!take_events(unit))
			mask(unit);
	}
	unlock_log(unit, flags);
}

/**
 * amdvi_fault_handle - the unit's interrupt
 * @unit: the unit that raised it
 *
 * Context: any.
 */
void amdvi_fault_handle(struct amdvi_unit *unit)
{
	unsigned long flags;

	flags = lock_log(unit);
	if (!take_events(unit))
		mask(unit);
	unlock_log(unit, flags);
}

/**
 * amdvi_fault_watch - look out for a device that doesn't invalidate its TLB
 * @unit: the unit
 * @watch: the caller's, until amdvi_fault_unwatch()
 * @rid: the device's requester ID
 *
 * To be called before it is asked.
 *
 * Context: any.
 */
void amdvi_fault_watch(struct amdvi_unit *unit, struct amdvi_watch *watch,
		       u16 rid)
{
	unsigned long flags;

	*watch = (struct amdvi_watch){ .rid = rid };
	flags = lock_log(unit);
	list_add(&watch->node, &unit->watches);
	unlock_log(unit, flags);
}

/**
 * amdvi_fault_unwatch - has a device invalidated its TLB?
 * @unit: the unit
 * @watch: as given to amdvi_fault_watch()
 *
 * To be called after the commands that ask it have been carried out: hardware logs
 * before it goes on. So what it has to say is in the log, or somebody else has taken
 * it from there and noted it, whether or not there was an interrupt. Of a storm of
 * other events, only those are taken that are before it.
 *
 * Context: any.
 * Return: 0; -ETIMEDOUT if the device hasn't answered; -EAGAIN if events were lost:
 * then nobody knows.
 */
int amdvi_fault_unwatch(struct amdvi_unit *unit, struct amdvi_watch *watch)
{
	unsigned long flags;
	unsigned int nr;

	flags = lock_log(unit);
	nr = logged(unit);
	if (nr)
		take_entries(unit, nr);
	start_if_full(unit);
	/* Whatever it has to say, it can't. */
	if (!(unit->hw->read64(unit, AMDVI_STATUS_REG) &
	      AMDVI_STATUS_EVENT_RUN))
		watch->lost = true;
	list_del(&watch->node);
	unlock_log(unit, flags);
	if (watch->timed_out)
		return -ETIMEDOUT;
	return watch->lost ? -EAGAIN : 0;
}

/**
 * amdvi_fault_init - allocate the event log
 * @unit: the unit
 *
 * Return: 0 or -ENOMEM.
 */
int amdvi_fault_init(struct amdvi_unit *unit)
{
	struct page *ring;

	ring = alloc_pages_node(unit->nid, GFP_KERNEL | __GFP_ZERO, RING_ORDER);
	if (!ring)
		return -ENOMEM;
	raw_spin_lock_init(&unit->log_lock);
	unit->log = page_address(ring);
	INIT_LIST_HEAD(&unit->watches);
	ratelimit_state_init(&unit->limit, DEFAULT_RATELIMIT_INTERVAL,
			     DEFAULT_RATELIMIT_BURST);
	INIT_DELAYED_WORK(&unit->unmask, unmask);
	return 0;
}

/**
 * amdvi_fault_deinit - free the event log
 * @unit: the unit; its interrupt is no longer handled
 */
void amdvi_fault_deinit(struct amdvi_unit *unit)
{
	cancel_delayed_work_sync(&unit->unmask);
	/* The worker may have started it again, whoever stopped it. */
	stop(unit);
	free_pages((unsigned long)unit->log, RING_ORDER);
}

/**
 * amdvi_fault_enable - have hardware log events and raise the interrupt
 * @unit: the unit
 *
 * Also after a suspend. Events of before are forgotten.
 *
 * Context: any; waits for a bounded time.
 */
void amdvi_fault_enable(struct amdvi_unit *unit)
{
	unsigned long flags;

	flags = lock_log(unit);
	stop(unit);
	unit->hw->write64(unit, AMDVI_EVENT_BASE_REG,
			  (virt_to_phys(unit->log) & AMDVI_RING_BASE) |
			  FIELD_PREP(AMDVI_RING_LEN, RING_LG2));
	start(unit, AMDVI_CONTROL_EVENT_INT_EN);
	unlock_log(unit, flags);
}
