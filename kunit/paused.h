/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Something that happens to a space while one of its operations pins memory.
 */
#ifndef SLUICE_KUNIT_PAUSED_H
#define SLUICE_KUNIT_PAUSED_H

#include <kunit/test.h>

#include "core/private.h"

/**
 * struct paused - what is to happen
 * @space: the space
 * @at: in which call of sluice_pin(), from 0 on; each time if it is %PAUSED_ALWAYS
 * @calls: how many there have been
 * @change: what happens, in the same task, which has no lock of the space then
 * @data: for @change
 */
struct paused {
	struct sluice_space *space;
	unsigned int at;
	unsigned int calls;
	void (*change)(void *data);
	void *data;
};

#define PAUSED_ALWAYS	UINT_MAX

void paused_arm(struct kunit *test, struct paused *paused);
void paused_disarm(struct kunit *test);

#endif /* SLUICE_KUNIT_PAUSED_H */
