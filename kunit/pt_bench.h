/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The page-table benchmark's control: the kernel's io-pgtable, AMD v1 format.
 */
#ifndef SLUICE_KUNIT_PT_BENCH_H
#define SLUICE_KUNIT_PT_BENCH_H

#include <kunit/test.h>
#include <linux/io-pgtable.h>

/* A tree of 3 levels, or NULL; freed with the test. */
struct io_pgtable_ops *pt_bench_io_pgtable(struct kunit *test);

/* What it takes for read and write. */
extern const int pt_bench_io_prot;

#endif /* SLUICE_KUNIT_PT_BENCH_H */
