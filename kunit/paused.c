// SPDX-License-Identifier: GPL-2.0-only
/*
 * A seam in sluice_pin(): a user who holds it back, and others who don't wait for him. The
 * test's own task does both, one after the other; a space that is locked meanwhile
 * fails the test instead of hanging it.
 */
#include <kunit/static_stub.h>
#include <linux/mm.h>

#include "paused.h"

static long pin(unsigned long vaddr, size_t npages, unsigned int prot,
		struct page **pages)
{
	struct kunit *test = kunit_get_current_test();
	struct paused *p = test->priv;
	long pinned;

	if (p->at == PAUSED_ALWAYS || p->calls == p->at) {
		if (down_write_trylock(&p->space->lock)) {
			up_write(&p->space->lock);
			p->change(p->data);
		} else {
			KUNIT_FAIL(test, "locked while memory is pinned");
		}
	}
	p->calls++;
	pinned = pin_user_pages_fast(vaddr, npages, FOLL_LONGTERM |
				     (prot & SLUICE_PROT_WRITE ? FOLL_WRITE : 0),
				     pages);
	return pinned ?: -EFAULT;
}

/* @paused is used until paused_disarm(). */
void paused_arm(struct kunit *test, struct paused *paused)
{
	test->priv = paused;
	kunit_activate_static_stub(test, sluice_pin, pin);
}

void paused_disarm(struct kunit *test)
{
	kunit_deactivate_static_stub(test, sluice_pin);
}
