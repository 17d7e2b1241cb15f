// SPDX-License-Identifier: GPL-2.0-only
/*
 * Vectors of operations that are alike, which are done many at a time: no difference
 * to one by one, wherever one is that can't be done, or isn't like the others.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/mman.h>

#include "unified_fixture.h"

#define NR 12U

/* What is wrong with one of a vector. */
enum wrong {
	RESERVED, HANDLE, FLAGS, NO_RIGHTS, NO_SIZE, UNALIGNED, UNALIGNED_ADDR,
	OUTSIDE, BETWEEN, TAKEN, SAME, FAULT, BEYOND, NR_WRONG,
};

/* Of maps by address, maps by handle, and unmaps; 0: nothing is wrong with it. */
static const int errors[NR_WRONG][3] = {
	[RESERVED]	= { -EINVAL, -EINVAL, -EINVAL },
	[HANDLE]	= { -EINVAL, -ENOENT, -EINVAL },
	[FLAGS]		= { -EINVAL, -EINVAL, -EINVAL },
	[NO_RIGHTS]	= { -EINVAL, -EINVAL, 0 },
	[NO_SIZE]	= { -EINVAL, -EINVAL, -EINVAL },
	[UNALIGNED]	= { -EINVAL, -EINVAL, -EINVAL },
	[UNALIGNED_ADDR] = { -EINVAL, -EINVAL, -EINVAL },
	[OUTSIDE]	= { -EINVAL, -EINVAL, 0 },
	[BETWEEN]	= { -EINVAL, -EINVAL, 0 },
	[TAKEN]		= { -EEXIST, -EEXIST, 0 },
	[SAME]		= { -EEXIST, -EEXIST, 0 },
	[FAULT]		= { -EFAULT, 0, 0 },
	[BEYOND]	= { 0, -EINVAL, 0 },
};

/* Between the pages of a vector there are others. */
static u64 iova_of(unsigned int i)
{
	return WIN + PAGES(2 * i);
}

static void spoil(struct sluice_dma_op *ops, unsigned int at, enum wrong wrong,
		  unsigned long hole)
{
	struct sluice_dma_op *op = &ops[at];

	switch (wrong) {
	case RESERVED:
		op->reserved = 1;
		break;
	case HANDLE:
		op->handle += 7;
		break;
	case FLAGS:
		op->flags |= BIT(30);
		break;
	case NO_RIGHTS:
		op->flags &= ~RW;
		break;
	case NO_SIZE:
		op->size = 0;
		break;
	case UNALIGNED:
		op->iova += PAGE_SIZE / 2;
		break;
	case UNALIGNED_ADDR:
		op->addr += PAGE_SIZE / 2;
		break;
	case OUTSIDE:
		op->iova = WIN - PAGE_SIZE;
		break;
	case BETWEEN:
		op->iova = WIN + WIN_SIZE;
		break;
	case TAKEN:
		op->iova = WIN + PAGES(1);
		break;
	case SAME:
		op->iova = ops[at ? at - 1 : 0].iova;
		break;
	case FAULT:
		op->addr = hole;
		break;
	default:
		op->addr = PAGES(NR);
		break;
	}
}

/**
 * struct vector - a space, and what vectors are about
 * @u: the space; in it one page is mapped that isn't in a vector
 * @addr: memory of NR pages, and a hole behind it
 * @handle: the same, registered
 */
struct vector {
	struct unified *u;
	unsigned long addr;
	u32 handle;
};

static struct vector vector_create(struct kunit *test)
{
	struct vector v = { .u = unified_ready(test) };

	v.addr = unified_memory(v.u, NR + 1);
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(v.addr + PAGES(NR), PAGES(1)));
	KUNIT_ASSERT_EQ(test, 0,
			unified_register(v.u, v.addr, NR, RW, &v.handle));
	KUNIT_ASSERT_EQ(test, 0, unified_do(v.u, make_map(WIN + PAGES(1),
							  v.addr, 1, R)));
	return v;
}

static void make_vector(struct vector *v, struct sluice_dma_op *ops, int kind)
{
	unsigned int i;

	for (i = 0; i < NR; i++) {
		if (kind == 0)
			ops[i] = make_map(iova_of(i), v->addr + PAGES(i), 1,
					  RW);
		else if (kind == 1)
			ops[i] = make_map_handle(iova_of(i), v->handle, i, 1,
						 RW);
		else
			ops[i] = make_unmap(iova_of(i), 1);
	}
}

/* What there is when all of @ops before @at have been done, but no other. */
static void expect_done(struct vector *v, int kind, unsigned int at)
{
	struct unified *u = v->u;
	bool maps = kind < 2;
	unsigned int i;

	for (i = 0; i < NR; i++) {
		bool done = i < at;

		if (done == maps)
			unified_expect_mapped(u, 0, iova_of(i),
					      v->addr + PAGES(i), 1);
		else
			unified_expect_hole(u, 0, iova_of(i), 1);
	}
	unified_expect_mapped(u, 0, WIN + PAGES(1), v->addr, 1);
	if (kind == 2)
		at = NR - at;
	KUNIT_EXPECT_EQ(u->test, unified_pins(u, v->addr, NR),
			NR + 1 + (kind == 1 ? 0 : at));
	KUNIT_EXPECT_EQ(u->test, unified_locked(u),
			NR + 1 + (kind == 1 ? 0 : at));
	KUNIT_EXPECT_EQ(u->test, unified_mapped(u),
			kind == 1 ? at : 0);
}

static void one_wrong(struct vector *v, int kind, enum wrong wrong,
		      unsigned int at)
{
	struct unified *u = v->u;
	struct sluice_dma_op ops[NR];
	struct kunit *test = u->test;

	if (kind == 2) {
		make_vector(v, ops, 0);
		KUNIT_ASSERT_EQ(test, 0, unified_batch(u, ops, NR));
		expect_done(v, 0, NR);
	}
	make_vector(v, ops, kind);
	spoil(ops, at, wrong, v->addr + PAGES(NR));
	KUNIT_EXPECT_EQ_MSG(test, errors[wrong][kind],
			    unified_batch(u, ops, NR),
			    "kind %d, wrong %d, at %u", kind, wrong, at);
	KUNIT_EXPECT_EQ(test, u->batch.nr_done, at);
	KUNIT_EXPECT_EQ(test, u->batch.unmapped, kind == 2 ? PAGES(at) : 0);
	expect_done(v, kind, at);
	KUNIT_EXPECT_EQ(test, 0, unified_do(u, make_unmap(WIN + PAGES(2),
							  2 * NR)));
	KUNIT_EXPECT_EQ(test, 0, unified_do(u, make_unmap(WIN, 1)));
}

static void vector_one_wrong(struct kunit *test)
{
	struct vector v = vector_create(test);
	unsigned int at;
	int kind, wrong;

	for (kind = 0; kind < 3; kind++) {
		for (wrong = 0; wrong < NR_WRONG; wrong++) {
			for (at = wrong == SAME; at < NR; at += 1 + at / 3) {
				if (errors[wrong][kind])
					one_wrong(&v, kind, wrong, at);
			}
		}
	}
	unified_clear(v.u);
	unified_finish(v.u);
}

/* Unmaps that aren't wrong: holes, the same page again, outside of windows. */
static void vector_unmaps(struct kunit *test)
{
	struct vector v = vector_create(test);
	struct unified *u = v.u;
	struct sluice_run run = { 0, 8 * SUPER };
	u32 handle = unified_pretend(u, &run, 1, SUPER);
	u64 far = WIN + fake_size(1);
	struct sluice_dma_op ops[NR + 1];

	make_vector(&v, ops, 0);
	KUNIT_ASSERT_EQ(test, 0, unified_batch(u, ops, NR));
	KUNIT_ASSERT_EQ(test, 0, unified_do(u, make_map_handle(far, handle, 0,
							       SUPER, RW)));
	make_vector(&v, ops, 2);
	ops[2].iova = ops[1].iova;
	ops[4].iova = far - PAGES(3);
	ops[5].iova = WIN - PAGES(1);
	ops[7].iova = far + PAGES(9);	/* a part of a large page */
	ops[9] = make_unmap(iova_of(9), 3);
	ops[NR] = make_unmap(far + PAGES(10), 1);
	KUNIT_EXPECT_EQ(test, 0, unified_batch(u, ops, NR + 1));
	/* Of vectors' pages 2, 4, 5, 7 are left; 10 went with 9. */
	KUNIT_EXPECT_EQ(test, u->batch.unmapped, PAGES(NR - 4 + 2));
	unified_expect_mapped(u, 0, iova_of(2), v.addr + PAGES(2), 1);
	unified_expect_hole(u, 0, iova_of(3), 1);
	unified_expect_mapped(u, 0, iova_of(4), v.addr + PAGES(4), 1);
	unified_expect_mapped(u, 0, iova_of(5), v.addr + PAGES(5), 1);
	unified_expect_hole(u, 0, iova_of(6), 1);
	unified_expect_mapped(u, 0, iova_of(7), v.addr + PAGES(7), 1);
	unified_expect_hole(u, 0, iova_of(8), 2 * NR - 16);
	unified_expect_phys(u, 0, far, run.pfn, 9);
	unified_expect_hole(u, 0, far + PAGES(9), 2);
	unified_expect_phys(u, 0, far + PAGES(11), run.pfn + 11, SUPER - 11);
	KUNIT_EXPECT_EQ(test, unified_pins(u, v.addr, NR), NR + 1 + 4);
	KUNIT_EXPECT_EQ(test, unified_locked(u), NR + 1 + 4);
	KUNIT_EXPECT_EQ(test, unified_mapped(u), SUPER - 2);
	unified_clear(u);
	unified_forget(u, handle);
	unified_finish(u);
}

/* As much as the limit allows, and not a page more. */
static void vector_limit(struct kunit *test)
{
	struct vector v = vector_create(test);
	struct cred *cred = prepare_creds();
	struct sluice_dma_op ops[NR];
	const struct cred *old;
	int ret;

	KUNIT_ASSERT_NOT_NULL(test, cred);
	make_vector(&v, ops, 0);
	cap_lower(cred->cap_effective, CAP_IPC_LOCK);
	current->signal->rlim[RLIMIT_MEMLOCK].rlim_cur =
		PAGES(current->mm->locked_vm + 5);
	old = override_creds(cred);
	ret = unified_batch(v.u, ops, NR);
	revert_creds(old);
	put_cred(cred);
	KUNIT_EXPECT_EQ(test, ret, -ENOMEM);
	KUNIT_EXPECT_EQ(test, v.u->batch.nr_done, 5);
	expect_done(&v, 0, 5);
	unified_clear(v.u);
	unified_finish(v.u);
}

/* A map, or a table, fails once: others go on where it was. */
static void vector_fails(struct kunit *test)
{
	struct vector v = vector_create(test);
	struct unified *u = v.u;
	struct sluice_dma_op ops[NR];
	unsigned int n;
	int kind;

	for (kind = 0; kind < 2; kind++) {
		for (n = 1; n <= NR; n++) {
			make_vector(&v, ops, kind);
			atomic_set(&u->hw->fail_map, n);
			KUNIT_EXPECT_EQ(test, 0, unified_batch(u, ops, NR));
			KUNIT_EXPECT_EQ(test, u->batch.nr_done, NR);
			KUNIT_EXPECT_EQ(test, 0,
					atomic_read(&u->hw->fail_map));
			expect_done(&v, kind, NR);
			make_vector(&v, ops, 2);
			KUNIT_EXPECT_EQ(test, 0, unified_batch(u, ops, NR));
			KUNIT_EXPECT_EQ(test, u->batch.unmapped, PAGES(NR));
			expect_done(&v, 2, NR);
		}
	}
	unified_clear(u);
	unified_finish(u);
}

static struct kunit_case vector_cases[] = {
	KUNIT_CASE(vector_one_wrong),
	KUNIT_CASE(vector_unmaps),
	KUNIT_CASE(vector_limit),
	KUNIT_CASE(vector_fails),
	{}
};

static struct kunit_suite vector_suite = {
	.name = "sluice_unified_vector",
	.suite_init = fake_suite_init,
	.suite_exit = fake_suite_exit,
	.test_cases = vector_cases,
};

kunit_test_suite(vector_suite);
