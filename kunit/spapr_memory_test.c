// SPDX-License-Identifier: GPL-2.0-only
/*
 * What memory may be mapped in SPAPR spaces, and who may do what: version 2's
 * registered memory, version 1's prepaid one, and what the two don't share.
 */
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/mman.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/sizes.h>
#include <linux/sluice.h>
#include <linux/uaccess.h>

#include "spapr_fixture.h"

/* TCEs of the initial window on a page of the CPU. */
#define TCE SZ_4K
#define PER_PAGE (PAGE_SIZE / TCE)
#define NR 4U
#define SIZE (NR * PAGE_SIZE)

/* Takes CAP_IPC_LOCK from this thread, and limits what it may lock. */
static const struct cred *limit(struct kunit *test, unsigned long npages)
{
	struct cred *cred = prepare_creds();

	KUNIT_ASSERT_NOT_NULL(test, cred);
	cap_lower(cred->cap_effective, CAP_IPC_LOCK);
	current->signal->rlim[RLIMIT_MEMLOCK].rlim_cur =
		(current->mm->locked_vm + npages) << PAGE_SHIFT;
	return override_creds(cred);
}

static void unlimit(const struct cred *old)
{
	const struct cred *cred = current_cred();

	revert_creds(old);
	put_cred(cred);
}

static int simple(struct spapr *s, unsigned int cmd)
{
	return sluice_spapr_ioctl(&s->space, cmd, NULL);
}

/* ---- Version 2 ---- */

static void memory_register(struct kunit *test)
{
	struct spapr *s = spapr_create(test, true);
	unsigned long addr = spapr_memory(s, SIZE), p = PAGE_SIZE;

	/* Registering is what enables. */
	KUNIT_EXPECT_EQ(test, -EPERM, spapr_map(s, 0, addr, TCE, RW));
	KUNIT_EXPECT_EQ(test, -EPERM, spapr_unmap(s, 0, TCE));
	KUNIT_EXPECT_EQ(test, -ENOENT, spapr_unregister(s, addr, SIZE));
	KUNIT_ASSERT_EQ(test, 0, spapr_register(s, addr + p, 2 * p));
	KUNIT_EXPECT_EQ(test, spapr_locked(s), 2);
	KUNIT_EXPECT_EQ(test, spapr_pins(s, addr, SIZE), 2);

	KUNIT_EXPECT_EQ(test, -EBUSY, spapr_register(s, addr + p, 2 * p));
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_register(s, addr + p, p));
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_register(s, addr, 2 * p));
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_register(s, addr, 4 * p));
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_register(s, addr + 2 * p, 2 * p));
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_register(s, addr, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_register(s, addr + TCE / 2, p));
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_register(s, addr, p / 2));
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_register(s, -p, 2 * p));
	KUNIT_EXPECT_EQ(test, -EFAULT, spapr_register(s, PAGE_SIZE, p));
	KUNIT_EXPECT_EQ(test, -ENOENT, spapr_unregister(s, addr + p, p));
	KUNIT_EXPECT_EQ(test, -ENOENT, spapr_unregister(s, addr, 2 * p));
	KUNIT_EXPECT_EQ(test, -ENOENT, spapr_unregister(s, addr + 2 * p, p));
	KUNIT_EXPECT_EQ(test, spapr_locked(s), 2);
	KUNIT_EXPECT_EQ(test, spapr_pins(s, addr, SIZE), 2);

	/* Neighbours don't overlap. */
	KUNIT_EXPECT_EQ(test, 0, spapr_register(s, addr, p));
	KUNIT_EXPECT_EQ(test, 0, spapr_register(s, addr + 3 * p, p));
	KUNIT_EXPECT_EQ(test, 0, spapr_unregister(s, addr + p, 2 * p));
	KUNIT_EXPECT_EQ(test, 0, spapr_register(s, addr + p, 2 * p));
	KUNIT_EXPECT_EQ(test, spapr_pins(s, addr, SIZE), NR);
	KUNIT_EXPECT_EQ(test, 0, spapr_unregister(s, addr, p));
	KUNIT_EXPECT_EQ(test, spapr_pins(s, addr, SIZE), NR - 1);
	/* The rest goes with the space. */
	spapr_finish(s);
	KUNIT_EXPECT_EQ(test, spapr_pins(s, addr, SIZE), 0);
}

static void memory_args(struct kunit *test)
{
	struct spapr *s = spapr_create(test, true);
	struct vfio_iommu_spapr_register_memory good = {
		.argsz = sizeof(good), .vaddr = spapr_memory(s, SIZE),
		.size = SIZE,
	}, arg;
	unsigned int i, cmds[] = {
		VFIO_IOMMU_SPAPR_REGISTER_MEMORY,
		VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY,
	};

	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		arg = good;
		arg.argsz--;
		KUNIT_EXPECT_EQ(test, -EINVAL,
				spapr_ioctl(s, cmds[i], &arg, sizeof(arg)));
		arg = good;
		arg.flags = 1;
		KUNIT_EXPECT_EQ(test, -EINVAL,
				spapr_ioctl(s, cmds[i], &arg, sizeof(arg)));
		KUNIT_EXPECT_EQ(test, -EFAULT, simple(s, cmds[i]));
		/* As a larger structure. */
		arg = good;
		arg.argsz += 8;
		KUNIT_EXPECT_EQ(test, 0,
				spapr_ioctl(s, cmds[i], &arg, sizeof(arg)));
	}
	KUNIT_EXPECT_EQ(test, spapr_locked(s), 0);
	spapr_finish(s);
}

/* Regions that touch are as good as one, and none goes while it is needed. */
static void memory_adjacent(struct kunit *test)
{
	struct spapr *s = spapr_create(test, true);
	unsigned long addr = spapr_memory(s, SIZE), p = PAGE_SIZE;
	unsigned int i;

	for (i = 0; i < NR; i++)
		KUNIT_ASSERT_EQ(test, 0, spapr_register(s, addr + i * p, p));
	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, 0, addr, SIZE, RW));
	spapr_expect_mapped(s, 0, 0, addr, SIZE, true);
	for (i = 0; i < NR; i++)
		KUNIT_EXPECT_EQ(test, -EBUSY,
				spapr_unregister(s, addr + i * p, p));
	/* One TCE is enough to keep it. */
	if (PER_PAGE > 1)
		KUNIT_EXPECT_EQ(test, 0, spapr_unmap(s, p, p - TCE));
	KUNIT_EXPECT_EQ(test, -EBUSY, spapr_unregister(s, addr + p, p));
	KUNIT_EXPECT_EQ(test, 0, spapr_unmap(s, 2 * p - TCE, TCE));
	KUNIT_EXPECT_EQ(test, 0, spapr_unregister(s, addr + p, p));
	spapr_expect_mapped(s, 0, 2 * p, addr + 2 * p, 2 * p, true);
	/* With a hole it is no longer all registered. */
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_map(s, 0, addr, SIZE, RW));
	KUNIT_EXPECT_EQ(test, 0, spapr_map(s, 0, addr, p, RW));
	KUNIT_EXPECT_EQ(test, spapr_pins(s, addr, SIZE), NR - 1);
	spapr_finish(s);
	KUNIT_EXPECT_EQ(test, spapr_pins(s, addr, SIZE), 0);
}

/* A page that another registration holds, too, keeps none of them. */
static void memory_twice(struct kunit *test)
{
	struct spapr *s = spapr_create(test, true);
	struct file *file = shmem_file_setup("sluice-kunit", SIZE, 0);
	unsigned long addr[2];
	unsigned int i;

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	for (i = 0; i < 2; i++) {
		addr[i] = kunit_vm_mmap(test, file, 0, SIZE,
					PROT_READ | PROT_WRITE, MAP_SHARED, 0);
		KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr[i]));
		KUNIT_ASSERT_EQ(test, 0, spapr_register(s, addr[i], SIZE));
	}
	fput(file);
	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, 0, addr[0] + TCE, TCE, RW));
	KUNIT_EXPECT_EQ(test, 0, spapr_unregister(s, addr[0], SIZE));
	spapr_expect_mapped(s, 0, 0, addr[1] + TCE, TCE, true);
	KUNIT_EXPECT_EQ(test, -EBUSY, spapr_unregister(s, addr[1], SIZE));
	KUNIT_EXPECT_EQ(test, 0, spapr_unmap(s, 0, TCE));
	KUNIT_EXPECT_EQ(test, 0, spapr_unregister(s, addr[1], SIZE));
	spapr_finish(s);
}

static void memory_limit(struct kunit *test)
{
	struct spapr *s = spapr_create(test, true);
	unsigned long addr = spapr_memory(s, SIZE);
	int some, all, map, page, window;
	const struct cred *old;
	u64 start;

	old = limit(test, NR);
	all = spapr_register(s, addr, SIZE);
	some = spapr_unregister(s, addr, SIZE);
	unlimit(old);
	KUNIT_EXPECT_EQ(test, 0, all);
	KUNIT_EXPECT_EQ(test, 0, some);
	old = limit(test, NR - 1);
	all = spapr_register(s, addr, SIZE);
	unlimit(old);
	KUNIT_EXPECT_EQ(test, -ENOMEM, all);
	KUNIT_EXPECT_EQ(test, spapr_pins(s, addr, SIZE), 0);
	KUNIT_EXPECT_EQ(test, spapr_locked(s), 0);

	/* Maps cost nothing but tables, and windows nothing. */
	KUNIT_ASSERT_EQ(test, 0, spapr_register(s, addr, SIZE));
	old = limit(test, 0);
	map = spapr_map(s, 0, addr, SIZE, RW);
	page = spapr_map(s, 0, addr, TCE, RW);
	window = spapr_create_window(s, 12, SZ_64M, &start);
	unlimit(old);
	KUNIT_EXPECT_EQ(test, -ENOMEM, map);
	KUNIT_EXPECT_EQ(test, -ENOMEM, page);
	KUNIT_EXPECT_EQ(test, 0, window);
	spapr_expect_hole(s, 0, 0, SIZE);
	KUNIT_EXPECT_EQ(test, 0, atomic64_read(&s->space.uni->mapped));
	old = limit(test, 1);
	map = spapr_map(s, 0, addr, PAGE_SIZE, RW);
	unlimit(old);
	KUNIT_EXPECT_EQ(test, 0, map);
	KUNIT_EXPECT_EQ(test, 1, s->space.uni->tables);
	spapr_finish(s);
}

/* ---- Version 1 ---- */

static void prepaid_life(struct kunit *test)
{
	struct spapr *s = spapr_create(test, false);
	unsigned long addr = spapr_memory(s, SIZE);
	unsigned long charge = INITIAL_SIZE >> PAGE_SHIFT;
	unsigned int pins = NR * PER_PAGE;

	KUNIT_EXPECT_EQ(test, -EPERM, spapr_map(s, 0, addr, TCE, RW));
	KUNIT_EXPECT_EQ(test, -EPERM, spapr_unmap(s, 0, TCE));
	KUNIT_EXPECT_EQ(test, 0, simple(s, VFIO_IOMMU_DISABLE));
	KUNIT_ASSERT_EQ(test, 0, simple(s, VFIO_IOMMU_ENABLE));
	KUNIT_EXPECT_EQ(test, spapr_locked(s), charge);
	KUNIT_EXPECT_EQ(test, -EBUSY, simple(s, VFIO_IOMMU_ENABLE));
	KUNIT_EXPECT_EQ(test, spapr_locked(s), charge);

	/* A pin for each TCE. */
	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, TCE, addr, SIZE, RW));
	spapr_expect_mapped(s, 0, TCE, addr, SIZE, true);
	KUNIT_EXPECT_EQ(test, spapr_pins(s, addr, SIZE), pins);
	KUNIT_EXPECT_EQ(test, spapr_locked(s), charge);
	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, SZ_16M, addr + TCE, TCE, R));
	KUNIT_EXPECT_EQ(test, spapr_pins(s, addr, SIZE), pins + 1);
	KUNIT_EXPECT_EQ(test, -EBUSY, simple(s, VFIO_IOMMU_DISABLE));
	spapr_expect_mapped(s, 0, TCE, addr, SIZE, true);
	/* Replaced: one goes, one comes. */
	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, SZ_16M, addr + 2 * TCE, TCE, RW));
	spapr_expect_mapped(s, 0, SZ_16M, addr + 2 * TCE, TCE, true);
	KUNIT_EXPECT_EQ(test, spapr_pins(s, addr, SIZE), pins + 1);

	KUNIT_ASSERT_EQ(test, 0, spapr_unmap(s, 0, SZ_16M));
	spapr_expect_hole(s, 0, 0, 2 * SIZE);
	KUNIT_EXPECT_EQ(test, spapr_pins(s, addr, SIZE), 1);
	KUNIT_EXPECT_EQ(test, -EBUSY, simple(s, VFIO_IOMMU_DISABLE));
	KUNIT_ASSERT_EQ(test, 0, spapr_unmap(s, SZ_16M, TCE));
	KUNIT_EXPECT_EQ(test, spapr_pins(s, addr, SIZE), 0);
	KUNIT_EXPECT_EQ(test, 0, simple(s, VFIO_IOMMU_DISABLE));
	KUNIT_EXPECT_EQ(test, spapr_locked(s), 0);
	KUNIT_EXPECT_EQ(test, -EPERM, spapr_map(s, 0, addr, TCE, RW));

	/* With all that is mapped, and charged. */
	KUNIT_ASSERT_EQ(test, 0, simple(s, VFIO_IOMMU_ENABLE));
	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, 0, addr, SIZE, RW));
	spapr_finish(s);
	KUNIT_EXPECT_EQ(test, spapr_pins(s, addr, SIZE), 0);
}

static void prepaid_limit(struct kunit *test)
{
	struct spapr *s = spapr_create(test, false);
	const struct cred *old;
	int ret;

	old = limit(test, (INITIAL_SIZE >> PAGE_SHIFT) - 1);
	ret = simple(s, VFIO_IOMMU_ENABLE);
	unlimit(old);
	KUNIT_EXPECT_EQ(test, -ENOMEM, ret);
	KUNIT_EXPECT_EQ(test, spapr_locked(s), 0);
	old = limit(test, INITIAL_SIZE >> PAGE_SHIFT);
	ret = simple(s, VFIO_IOMMU_ENABLE);
	unlimit(old);
	KUNIT_EXPECT_EQ(test, 0, ret);
	spapr_finish(s);
}

/* A map that fails leaves no pin, wherever it does. */
static void prepaid_fail(struct kunit *test)
{
	struct spapr *s = spapr_create(test, false);
	unsigned long addr = spapr_memory(s, SIZE), at;
	unsigned int n;

	KUNIT_ASSERT_EQ(test, 0, simple(s, VFIO_IOMMU_ENABLE));
	KUNIT_ASSERT_EQ(test, 0, spapr_attach_nr(s, 2));
	for (n = 1; n <= 2 * NR * PER_PAGE; n += 3) {
		int ret;

		down_read(&s->space.lock);
		atomic_set(&s->hw->fail_map, n);
		ret = sluice_spapr_map(&s->space, TCE, addr, SIZE,
				       SLUICE_PROT_READ);
		up_read(&s->space.lock);
		KUNIT_EXPECT_EQ(test, -ENOMEM, ret);
		spapr_expect_hole(s, 0, 0, 2 * SIZE);
		spapr_expect_hole(s, 2, 0, 2 * SIZE);
		KUNIT_EXPECT_EQ(test, spapr_pins(s, addr, SIZE), 0);
	}
	/* Memory that ends. */
	at = addr + SIZE - PAGE_SIZE;
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(at, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -EFAULT, spapr_map(s, 0, addr, SIZE, RW));
	KUNIT_EXPECT_EQ(test, -EFAULT, spapr_map(s, 0, at, TCE, RW));
	spapr_expect_hole(s, 0, 0, 2 * SIZE);
	KUNIT_EXPECT_EQ(test, spapr_pins(s, addr, SIZE - PAGE_SIZE), 0);
	spapr_finish(s);
}

static void prepaid_dead(struct kunit *test)
{
	struct spapr *s = spapr_create(test, false);
	unsigned long addr = spapr_memory(s, PAGE_SIZE);
	unsigned long charge = INITIAL_SIZE >> PAGE_SHIFT;

	KUNIT_ASSERT_EQ(test, 0, simple(s, VFIO_IOMMU_ENABLE));
	KUNIT_ASSERT_EQ(test, 0, spapr_map(s, 0, addr, TCE, RW));
	s->hw->flush_error = -EIO;
	KUNIT_EXPECT_EQ(test, -EIO, spapr_unmap(s, 0, TCE));
	KUNIT_EXPECT_EQ(test, -EIO, spapr_map(s, 0, addr, TCE, RW));
	KUNIT_EXPECT_EQ(test, -EBUSY, simple(s, VFIO_IOMMU_DISABLE));
	KUNIT_EXPECT_EQ(test, spapr_pins(s, addr, PAGE_SIZE), 1);
	/* What a dead IOMMU may reach stays, and the charge for it. */
	s->locked += charge;
	spapr_finish(s);
	KUNIT_EXPECT_EQ(test, spapr_pins(s, addr, PAGE_SIZE), 1);
	spapr_unpin(s, addr, PAGE_SIZE);
	sluice_unaccount(current->mm, charge);
}

/* ---- Who has which ioctl ---- */

static void abi_versions(struct kunit *test)
{
	static const unsigned int v2[] = {
		VFIO_IOMMU_SPAPR_REGISTER_MEMORY,
		VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY,
		VFIO_IOMMU_SPAPR_TCE_CREATE, VFIO_IOMMU_SPAPR_TCE_REMOVE,
	}, neither[] = {
		VFIO_SET_IOMMU, SLUICE_MEM_REGISTER, SLUICE_WINDOW_QUERY,
		SLUICE_GET_INFO, SLUICE_DMA_BATCH,
	};
	struct sluice_dma_batch batch = { .argsz = sizeof(batch) };
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map), .flags = RW, .size = PAGE_SIZE,
	};
	unsigned long zeros[8] = { [0] = 0 };
	struct spapr *s = spapr_create(test, false);
	unsigned int i, version;
	void __user *user;

	KUNIT_EXPECT_EQ(test, -ENOTTY, spapr_register(s, s->args, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -ENOTTY, spapr_unregister(s, s->args, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -ENOTTY, spapr_remove_window(s, 0));
	KUNIT_EXPECT_EQ(test, -ENOTTY, spapr_create_window(s, 12, SZ_1M,
							   (u64 *)zeros));
	spapr_finish(s);

	for (version = 1; version <= 2; version++) {
		s = spapr_create(test, version == 2);
		user = (void __user *)s->args;
		for (i = 0; i < ARRAY_SIZE(neither); i++)
			KUNIT_EXPECT_EQ(test, -ENOTTY,
					spapr_ioctl(s, neither[i], zeros,
						    sizeof(zeros)));
		/* Nor if they come another way. */
		KUNIT_ASSERT_EQ(test, 0,
				copy_to_user(user, &batch, sizeof(batch)));
		KUNIT_EXPECT_EQ(test, -ENOTTY,
				sluice_uapi_ioctl(&s->space, SLUICE_DMA_BATCH,
						  user));
		KUNIT_EXPECT_EQ(test, -ENOTTY,
				sluice_uapi_ioctl(&s->space, SLUICE_GET_INFO,
						  user));
		KUNIT_ASSERT_EQ(test, 0, copy_to_user(user, &map, sizeof(map)));
		KUNIT_EXPECT_EQ(test, -ENOTTY,
				sluice_type1_ioctl(&s->space,
						   VFIO_IOMMU_MAP_DMA,
						   s->args));
		spapr_finish(s);
	}

	s = spapr_create(test, true);
	KUNIT_EXPECT_EQ(test, -ENOTTY, simple(s, VFIO_IOMMU_ENABLE));
	KUNIT_EXPECT_EQ(test, -ENOTTY, simple(s, VFIO_IOMMU_DISABLE));
	for (i = 0; i < ARRAY_SIZE(v2); i++)
		KUNIT_EXPECT_EQ(test, -EFAULT, simple(s, v2[i]));
	spapr_finish(s);
}

/* Another process has other addresses. */
static void abi_stranger(struct kunit *test)
{
	struct vfio_iommu_spapr_tce_info info = { .argsz = sizeof(info) };
	struct spapr *s = spapr_create(test, true);
	unsigned long addr = spapr_memory(s, SIZE);
	struct sluice_unified *uni = s->space.uni;
	u64 start;

	KUNIT_ASSERT_EQ(test, 0, spapr_register(s, addr, SIZE));
	uni->mm = &init_mm;
	KUNIT_EXPECT_EQ(test, -EPERM, spapr_map(s, 0, addr, TCE, RW));
	KUNIT_EXPECT_EQ(test, -EPERM, spapr_unmap(s, 0, TCE));
	KUNIT_EXPECT_EQ(test, -EPERM, spapr_register(s, addr, SIZE));
	KUNIT_EXPECT_EQ(test, -EPERM, spapr_unregister(s, addr, SIZE));
	KUNIT_EXPECT_EQ(test, -EPERM, spapr_create_window(s, 12, SZ_1M,
							  &start));
	KUNIT_EXPECT_EQ(test, -EPERM, spapr_remove_window(s, 0));
	KUNIT_EXPECT_EQ(test, -EPERM,
			spapr_ioctl(s, VFIO_IOMMU_SPAPR_TCE_GET_INFO, &info,
				    sizeof(info)));
	uni->mm = current->mm;
	KUNIT_EXPECT_EQ(test, spapr_pins(s, addr, SIZE), NR);
	spapr_finish(s);
}

/* A space that has lost its groups, or its type, on the way. */
static void abi_gone(struct kunit *test)
{
	struct spapr *s = spapr_create(test, true);
	unsigned long addr = spapr_memory(s, SIZE);
	u64 start;

	spapr_detach_nr(s, 0);
	KUNIT_EXPECT_EQ(test, -ENXIO, spapr_create_window(s, 12, SZ_1M,
							  &start));
	KUNIT_EXPECT_EQ(test, -ENXIO, spapr_remove_window(s, 0));
	KUNIT_EXPECT_EQ(test, -ENXIO, spapr_map(s, 0, addr, TCE, RW));
	s->space.type = SLUICE_SPACE_NONE;
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_map(s, 0, addr, TCE, RW));
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_register(s, addr, SIZE));
	KUNIT_EXPECT_EQ(test, spapr_pins(s, addr, SIZE), 0);
	spapr_finish(s);
}

static void abi_eeh(struct kunit *test)
{
	struct spapr *s = spapr_create(test, true);
	struct vfio_eeh_pe_op op = { .argsz = 12, .op = VFIO_EEH_PE_ENABLE };
	unsigned int cmd = VFIO_EEH_PE_OP;

	KUNIT_EXPECT_EQ(test, -ENODEV, spapr_ioctl(s, cmd, &op, sizeof(op)));
	op.flags = 1;
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_ioctl(s, cmd, &op, sizeof(op)));
	op.flags = 0;
	op.argsz = 11;
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_ioctl(s, cmd, &op, sizeof(op)));
	op.argsz = 12;
	op.op = VFIO_EEH_PE_INJECT_ERR;
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_ioctl(s, cmd, &op, sizeof(op)));
	op.argsz = sizeof(op);
	KUNIT_EXPECT_EQ(test, -ENODEV, spapr_ioctl(s, cmd, &op, sizeof(op)));
	op.op = VFIO_EEH_PE_INJECT_ERR + 1;
	KUNIT_EXPECT_EQ(test, -EINVAL, spapr_ioctl(s, cmd, &op, sizeof(op)));
	KUNIT_EXPECT_EQ(test, -EFAULT, simple(s, cmd));
	spapr_finish(s);
}

static struct kunit_case memory_cases[] = {
	KUNIT_CASE(memory_register),
	KUNIT_CASE(memory_args),
	KUNIT_CASE(memory_adjacent),
	KUNIT_CASE(memory_twice),
	KUNIT_CASE(memory_limit),
	KUNIT_CASE(prepaid_life),
	KUNIT_CASE(prepaid_limit),
	KUNIT_CASE(prepaid_fail),
	KUNIT_CASE(prepaid_dead),
	KUNIT_CASE(abi_versions),
	KUNIT_CASE(abi_stranger),
	KUNIT_CASE(abi_gone),
	KUNIT_CASE(abi_eeh),
	{}
};

static struct kunit_suite memory_suite = {
	.name = "sluice_spapr_memory",
	.suite_init = fake_win_suite_init,
	.suite_exit = fake_win_suite_exit,
	.test_cases = memory_cases,
};

kunit_test_suite(memory_suite);
