// SPDX-License-Identifier: GPL-2.0-only
/*
 * What users do: every ioctl there is, with good arguments, and with what they
 * become if a few bits fall over; and to memory that is mapped, what a process can do.
 */
#include "chaos.h"
#include "edu.h"
#include "legacy.h"
#include "uni.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* One in so many arguments is mutated, one in so many calls meets failures. */
#define MUTATE 12
#define INJECT 24

uint64_t rnd(struct actor *a, uint64_t below)
{
	/* Knuth's MMIX; the high bits are good. */
	a->seed = a->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return below ? (a->seed >> 20) % below : 0;
}

/* ---- One call ---- */

/* ioctl() with @size bytes of argument, of which some may be mutated. */
static int call(struct actor *a, int fd, unsigned long cmd, void *arg,
		size_t size)
{
	unsigned char copy[4096], *p = arg;
	unsigned int n;

	if (size && size <= sizeof(copy) && a->how == MUTATED) {
		memcpy(copy, arg, size);
		p = copy;
		for (n = 1 + rnd(a, 3); n; n--)
			copy[rnd(a, size)] ^= 1 << rnd(a, 8);
	}
	return vfio_ioctl(fd, cmd, p);
}

static int pick_container(struct actor *a, bool unified)
{
	return unified * (NR_CONTAINERS / 2) + rnd(a, NR_CONTAINERS / 2);
}

static struct chaos_device *pick_device(struct actor *a)
{
	return &a->pool->dev[rnd(a, a->pool->nr_devices)];
}

static int device_fd(const struct chaos_device *dev)
{
	return __atomic_load_n(&dev->fd, __ATOMIC_RELAXED);
}

static char *pick_memory(struct actor *a, uint64_t size)
{
	char *mem = a->pool->mem[rnd(a, NR_MEMS)];

	return mem + rnd(a, (MEM_SIZE - size) / PAGE + 1) * PAGE;
}

/* Few pages, many, or a huge page. */
static uint64_t pick_size(struct actor *a)
{
	switch (rnd(a, 4)) {
	case 0:
		return PAGE;
	case 1:
		return (1 + rnd(a, 16)) * PAGE;
	case 2:
		return 2 * MIB;
	default:
		return (1 + rnd(a, MEM_SIZE / PAGE)) * PAGE;
	}
}

static uint64_t slot_iova(const struct actor *a, unsigned int slot)
{
	return IOVA_BASE + (a->nr * NR_SLOTS + slot) * SLOT_SIZE;
}

/* ---- Legacy containers ---- */

static int legacy_map_unmap(struct actor *a)
{
	unsigned int c = pick_container(a, false), s = rnd(a, NR_SLOTS);
	struct slot *slot = &a->slot[c][s];
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = slot_iova(a, s),
		.size = SLOT_SIZE,
	};
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = 1 + rnd(a, 3),
		.iova = slot_iova(a, s),
		.size = pick_size(a),
	};
	int ret;

	if (slot->size) {
		slot->size = 0;
		return call(a, a->pool->container[c], VFIO_IOMMU_UNMAP_DMA,
			    &unmap, sizeof(unmap));
	}
	map.vaddr = (uintptr_t)pick_memory(a, map.size);
	ret = call(a, a->pool->container[c], VFIO_IOMMU_MAP_DMA, &map,
		   sizeof(map));
	if (!ret || ret == -EEXIST)
		slot->size = map.size;
	return ret;
}

static int legacy_unmap_every(struct actor *a)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.flags = VFIO_DMA_UNMAP_FLAG_ALL,
	};

	return call(a, a->pool->container[pick_container(a, false)],
		    VFIO_IOMMU_UNMAP_DMA, &unmap, sizeof(unmap));
}

/* Device memory, for another's DMA. */
static int legacy_map_bar(struct actor *a)
{
	unsigned int c = pick_container(a, false), s = rnd(a, NR_SLOTS);
	struct chaos_device *dev = pick_device(a);
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = MAP_RW,
		.iova = slot_iova(a, s) + SLOT_SIZE / 2,
		.vaddr = (uintptr_t)dev->bar,
		.size = PAGE,
	};
	int ret;

	if (!dev->bar)
		return 0;
	ret = call(a, a->pool->container[c], VFIO_IOMMU_MAP_DMA, &map,
		   sizeof(map));
	if (!ret)
		a->slot[c][s].size = SLOT_SIZE;
	/* A reset may be under way, or decode off: then it has to be so. */
	return ret == -EEXIST || ret == -EFAULT ? 0 : ret;
}

static int legacy_info(struct actor *a)
{
	struct {
		struct vfio_iommu_type1_info info;
		char more[1024];
	} arg = { .info.argsz = sizeof(arg) };

	return call(a, a->pool->container[pick_container(a, false)],
		    VFIO_IOMMU_GET_INFO, &arg, sizeof(arg.info));
}

static int extension(struct actor *a)
{
	int ret = vfio_ioctl(a->pool->container[rnd(a, NR_CONTAINERS)],
			     VFIO_CHECK_EXTENSION, (void *)rnd(a, 16));

	return ret < 0 ? ret : 0;
}

static int set_iommu(struct actor *a)
{
	static const int types[] = { VFIO_TYPE1v2_IOMMU, VFIO_TYPE1_IOMMU,
				     SLUICE_UNIFIED_IOMMU, 77 };
	int ret = vfio_set_iommu(a->pool->container[rnd(a, NR_CONTAINERS)],
				 types[rnd(a, 4)]);

	/* They have one. */
	return ret == -EINVAL ? 0 : ret;
}

/* ---- Groups ---- */

static int group_status(struct actor *a)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };

	return call(a, pick_device(a)->group, VFIO_GROUP_GET_STATUS, &status,
		    sizeof(status));
}

/* Its devices are open, as a rule. */
static int group_leave(struct actor *a)
{
	int ret = vfio_unset_container(pick_device(a)->group);

	return ret == -EBUSY || ret == -EINVAL ? 0 : ret;
}

static int group_join(struct actor *a)
{
	unsigned int nr = rnd(a, a->pool->nr_devices);
	int ret = vfio_set_container(a->pool->dev[nr].group,
				     a->pool->container[nr % NR_CONTAINERS]);

	/* It is there already. */
	return ret == -EINVAL ? 0 : ret;
}

/* Another fd of a device; and the old one goes. */
static int device_reopen(struct actor *a)
{
	struct chaos_device *dev = pick_device(a);
	int fd, old;

	fd = vfio_get_device(dev->group, dev->pci.name);
	if (fd < 0)
		return fd;
	vfio_command(fd, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0);
	old = __atomic_exchange_n(&dev->fd, fd, __ATOMIC_RELAXED);
	if (old >= 0)
		close(old);
	return 0;
}

/* ---- Devices ---- */

static int device_info(struct actor *a)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };

	return call(a, device_fd(pick_device(a)), VFIO_DEVICE_GET_INFO, &info,
		    sizeof(info));
}

static int region_info(struct actor *a)
{
	struct {
		struct vfio_region_info info;
		char more[64];
	} arg = { .info = { .argsz = sizeof(arg), .index = rnd(a, 8) } };

	return call(a, device_fd(pick_device(a)), VFIO_DEVICE_GET_REGION_INFO,
		    &arg, sizeof(arg.info));
}

static int irq_info(struct actor *a)
{
	struct vfio_irq_info info = { .argsz = sizeof(info),
				      .index = rnd(a, 5) };
	int ret = call(a, device_fd(pick_device(a)), VFIO_DEVICE_GET_IRQ_INFO,
		       &info, sizeof(info));

	/* ERR is for PCI Express devices. */
	return ret == -EINVAL && info.index == VFIO_PCI_ERR_IRQ_INDEX ? 0 : ret;
}

/* Enabled, disabled, masked, raised: of whichever kind is there. */
static int set_irqs(struct actor *a)
{
	static const uint32_t actions[] = {
		VFIO_IRQ_SET_ACTION_TRIGGER,
		VFIO_IRQ_SET_ACTION_TRIGGER,
		VFIO_IRQ_SET_ACTION_MASK,
		VFIO_IRQ_SET_ACTION_UNMASK,
	};
	struct {
		struct vfio_irq_set set;
		int fd[4];
	} arg = {};
	struct vfio_irq_set *set = &arg.set;
	unsigned int i;
	int ret;

	set->argsz = sizeof(*set);
	set->index = rnd(a, 5);
	set->flags = actions[rnd(a, 4)];
	if (set->index != VFIO_PCI_INTX_IRQ_INDEX)
		set->flags = VFIO_IRQ_SET_ACTION_TRIGGER;
	if (rnd(a, 2)) {
		set->flags |= VFIO_IRQ_SET_DATA_NONE;
		/* All off, or one raised. */
		set->count = rnd(a, 2);
	} else {
		set->flags |= VFIO_IRQ_SET_DATA_EVENTFD;
		set->count = 1;
		if (set->index == VFIO_PCI_MSIX_IRQ_INDEX)
			set->count += rnd(a, 3);
		set->argsz += set->count * sizeof(int);
		for (i = 0; i < set->count; i++)
			arg.fd[i] = rnd(a, 8) ?
					    a->pool->efd[rnd(a, NR_EVENTFDS)] :
					    -1;
	}
	ret = call(a, device_fd(pick_device(a)), VFIO_DEVICE_SET_IRQS, &arg,
		   set->argsz);
	/* Another kind is on; that one is off, or isn't there. */
	return ret == -EINVAL || ret == -EBUSY ? 0 : ret;
}

static int device_reset(struct actor *a)
{
	struct chaos_device *dev = pick_device(a);
	int ret;

	if (!(vfio_device_flags(device_fd(dev)) & VFIO_DEVICE_FLAGS_RESET))
		return 0;
	ret = vfio_ioctl(device_fd(dev), VFIO_DEVICE_RESET, NULL);
	/* Somebody else is at it. */
	return ret == -EAGAIN ? 0 : ret;
}

static int hot_reset(struct actor *a)
{
	struct chaos_device *dev = pick_device(a);
	struct {
		struct vfio_pci_hot_reset_info info;
		struct vfio_pci_dependent_device more[32];
	} info = { .info.argsz = sizeof(info) };
	struct {
		struct vfio_pci_hot_reset reset;
		int32_t fd[1];
	} reset = { .reset = { .argsz = sizeof(reset), .count = 1 } };
	int ret;

	ret = call(a, device_fd(dev), VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &info,
		   sizeof(info.info));
	/* On a root bus nothing can. */
	if (ret || info.info.count > 1)
		return ret == -ENODEV ? 0 : ret;
	reset.fd[0] = dev->group;
	ret = call(a, device_fd(dev), VFIO_DEVICE_PCI_HOT_RESET, &reset,
		   sizeof(reset));
	/*
	 * QEMU's root ports show no active link after a reset of their bus, so that
	 * the PCI core takes a PCI Express device for gone. It has been reset.
	 */
	return ret == -EAGAIN || ret == -ENODEV || ret == -ENOTTY ? 0 : ret;
}

static int feature(struct actor *a)
{
	struct vfio_device_feature arg = {
		.argsz = sizeof(arg),
		.flags = VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_GET |
			 rnd(a, 12),
	};
	int ret = call(a, device_fd(pick_device(a)), VFIO_DEVICE_FEATURE, &arg,
		       sizeof(arg));

	return ret == -ENOTTY ? 0 : ret;
}

static int config_read(struct actor *a)
{
	unsigned int size = 1 << rnd(a, 3);
	int64_t ret = vfio_cfg_read(device_fd(pick_device(a)),
				    rnd(a, 256 / size) * size, size);

	return ret < 0 ? -EIO : 0;
}

/* COMMAND, power, BARs, and anything. */
static int config_write(struct actor *a)
{
	struct chaos_device *dev = pick_device(a);
	int fd = device_fd(dev);
	unsigned int pm;
	int ret;

	switch (rnd(a, 6)) {
	case 0:
		vfio_command(fd, 0, PCI_COMMAND_MEMORY);
		__attribute__((fallthrough));
	case 1:
		return vfio_command(fd, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER,
				    0);
	case 2:
		return vfio_command(fd, PCI_COMMAND_MASTER * rnd(a, 2),
				    PCI_COMMAND_INTX_DISABLE * rnd(a, 2));
	case 3:
		ret = vfio_cfg_write(fd, PCI_BASE_ADDRESS_0, 4, ~0U);
		return ret ? ret : vfio_cfg_write(fd, PCI_BASE_ADDRESS_0, 4, 0);
	case 4:
		pm = pci_cap(&dev->pci, PCI_CAP_ID_PM);
		if (!pm)
			return 0;
		ret = vfio_cfg_write(fd, pm + PCI_PM_CTRL, 2, 3);
		ret = ret ? ret : vfio_cfg_write(fd, pm + PCI_PM_CTRL, 2, 0);
		return ret;
	default:
		return vfio_cfg_write(fd, rnd(a, 64) * 4, 4,
				      rnd(a, 0) ^ (uint32_t)a->seed);
	}
}

static int bar_read(struct actor *a)
{
	struct chaos_device *dev = pick_device(a);
	uint32_t val;
	int fd = device_fd(dev);

	if (pread(fd, &val, sizeof(val), rnd(a, 64) * 4) == sizeof(val))
		return 0;
	/* Not every device has BAR 0; decode may be off. */
	return errno == EINVAL || errno == EIO ? 0 : -errno;
}

/* Of an edu, by its mapped BAR: its registers, and DMA. */
static int edu_dma(struct actor *a)
{
	unsigned int nr = rnd(a, a->pool->nr_devices), s = rnd(a, NR_SLOTS);
	struct chaos_device *dev = &a->pool->dev[nr];
	struct edu edu = { .bar = (uint8_t *)dev->bar };

	if (!edu.bar || dev->pci.device != PCI_ID_EDU >> 16)
		return 0;
	edu_dma_start(&edu, slot_iova(a, s) + rnd(a, 64) * 64, 0,
		      1 + rnd(a, 1024), rnd(a, 2), rnd(a, 2));
	return 0;
}

static int bar_mmap(struct actor *a)
{
	struct chaos_device *dev = pick_device(a);
	uint32_t *p;

	p = vfio_bar_map(device_fd(dev), 0, PAGE);
	if (!p)
		return 0;
	/* May be gone: then act() goes on, and the mapping stays until the end. */
	(void)__atomic_load_n(p, __ATOMIC_RELAXED);
	munmap(p, PAGE);
	return 0;
}

/* ---- Unified containers ---- */

/* The one that all use, which is in use as a rule; and small ones. */
static int window(struct actor *a)
{
	unsigned int c = pick_container(a, true);
	struct sluice_window_remove remove = { .argsz = sizeof(remove),
					       .start = IOVA_BASE };
	struct sluice_window_create create = { .argsz = sizeof(create),
					       .size = MEM_SIZE };
	int fd = a->pool->container[c], ret;

	if (!rnd(a, 4)) {
		ret = call(a, fd, SLUICE_WINDOW_REMOVE, &remove,
			   sizeof(remove));
		if (!ret)
			uni_window_at(fd, IOVA_BASE, WINDOW_SIZE, 0);
		return ret == -EBUSY ? 0 : ret;
	}
	if (a->window[c]) {
		remove.start = a->window[c];
		a->window[c] = 0;
		return call(a, fd, SLUICE_WINDOW_REMOVE, &remove,
			    sizeof(remove));
	}
	ret = call(a, fd, SLUICE_WINDOW_CREATE, &create, sizeof(create));
	if (!ret && a->how != MUTATED)
		a->window[c] = create.start;
	return ret;
}

static int window_query(struct actor *a)
{
	struct sluice_iova_range ranges[16];
	struct sluice_window windows[16];
	struct sluice_window_query q = {
		.argsz = sizeof(q),
		.ranges = (uintptr_t)ranges,
		.windows = (uintptr_t)windows,
		.nr_ranges = 16,
		.nr_windows = 16,
	};

	return call(a, a->pool->container[pick_container(a, true)],
		    SLUICE_WINDOW_QUERY, &q, sizeof(q));
}

static int unified_info(struct actor *a)
{
	struct sluice_info info = { .argsz = sizeof(info) };

	return call(a, a->pool->container[pick_container(a, true)],
		    SLUICE_GET_INFO, &info, sizeof(info));
}

static int registration(struct actor *a)
{
	unsigned int c = pick_container(a, true);
	uint32_t *handle = &a->handle[c][rnd(a, NR_HANDLES)];
	struct sluice_mem_register reg = {
		.argsz = sizeof(reg),
		.flags = SLUICE_READ | SLUICE_WRITE,
		.size = pick_size(a),
	};
	struct sluice_mem_unregister unreg = { .argsz = sizeof(unreg),
					       .handle = *handle };
	int ret;

	if (*handle) {
		ret = call(a, a->pool->container[c], SLUICE_MEM_UNREGISTER,
			   &unreg, sizeof(unreg));
		if (!ret)
			*handle = 0;
		return ret == -EBUSY ? 0 : ret;
	}
	reg.vaddr = (uintptr_t)pick_memory(a, reg.size);
	/* What is mutated may be registered, but isn't known. */
	ret = call(a, a->pool->container[c], SLUICE_MEM_REGISTER, &reg,
		   sizeof(reg));
	if (!ret && a->how != MUTATED)
		*handle = reg.handle;
	/* Only the process that set the type may. */
	return ret == -EPERM ? 0 : ret;
}

static void fill_op(struct actor *a, unsigned int c, struct sluice_dma_op *op)
{
	unsigned int s = rnd(a, NR_SLOTS);
	struct slot *slot = &a->slot[c][s];
	uint32_t handle = a->handle[c][rnd(a, NR_HANDLES)];

	*op = (struct sluice_dma_op){ .iova = slot_iova(a, s) };
	if (slot->size) {
		op->op = SLUICE_DMA_UNMAP;
		op->size = SLOT_SIZE;
		slot->size = 0;
		/* A part; later all of it. */
		if (!rnd(a, 4)) {
			op->iova += rnd(a, 8) * PAGE;
			op->size = (1 + rnd(a, 8)) * PAGE;
			slot->size = SLOT_SIZE;
		}
		return;
	}
	op->op = SLUICE_DMA_MAP;
	op->flags = SLUICE_READ | SLUICE_WRITE;
	op->size = handle ? PAGE : pick_size(a);
	op->addr = (uintptr_t)pick_memory(a, op->size);
	if (handle) {
		op->flags |= SLUICE_DMA_HANDLE;
		op->handle = handle;
		op->addr = 0;
	}
	slot->size = op->size;
}

static int batch_of(struct actor *a, unsigned int nr, bool atomic)
{
	unsigned int c = pick_container(a, true), i;
	struct sluice_dma_op vec[8];
	struct sluice_dma_batch batch = {
		.argsz = sizeof(batch),
		.flags = atomic ? SLUICE_BATCH_ATOMIC : 0,
		.ops = (uintptr_t)vec,
		.nr_ops = nr,
	};
	int ret;

	for (i = 0; i < nr; i++)
		fill_op(a, c, &vec[i]);
	if (a->how == MUTATED && rnd(a, 2)) {
		((unsigned char *)vec)[rnd(a, sizeof(*vec) * nr)] ^=
			1 << rnd(a, 8);
		ret = vfio_ioctl(a->pool->container[c], SLUICE_DMA_BATCH,
				 &batch);
	} else {
		ret = call(a, a->pool->container[c], SLUICE_DMA_BATCH, &batch,
			   sizeof(batch));
	}
	/* By address, that is for the process that set the type. */
	return ret == -EPERM ? 0 : ret;
}

static int batch_one(struct actor *a)
{
	return batch_of(a, 1, false);
}

static int batch_many(struct actor *a)
{
	return batch_of(a, 2 + rnd(a, 7), false);
}

static int batch_atomic(struct actor *a)
{
	return batch_of(a, 1 + rnd(a, 8), true);
}

static int batch_unmap_every(struct actor *a)
{
	struct sluice_dma_op op = { .op = SLUICE_DMA_UNMAP,
				    .flags = SLUICE_DMA_ALL };
	struct sluice_dma_batch batch = {
		.argsz = sizeof(batch),
		.ops = (uintptr_t)&op,
		.nr_ops = 1,
	};

	return call(a, a->pool->container[pick_container(a, true)],
		    SLUICE_DMA_BATCH, &batch, sizeof(batch));
}

/* ---- Memory that is mapped, or about to be ---- */

static int memory(struct actor *a)
{
	char *p = pick_memory(a, 16 * PAGE);
	int pid;

	switch (rnd(a, 6)) {
	case 0:
		return madvise(p, 16 * PAGE, MADV_DONTNEED) ? -errno : 0;
	case 1:
		mprotect(p, 16 * PAGE, PROT_READ);
		return mprotect(p, 16 * PAGE, PROT_READ | PROT_WRITE) ? -errno :
									0;
	case 2:
		/* Another page in the same place. */
		return mmap(p, PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			    0) == p ?
			       0 :
			       -errno;
	case 3:
		return madvise(p, 16 * PAGE,
			       rnd(a, 2) ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) ?
			       -errno :
			       0;
	case 4:
		/* Shared with a child for a moment. */
		pid = fork();
		if (!pid)
			_exit(0);
		return pid > 0 && waitpid(pid, NULL, 0) == pid ? 0 : -errno;
	default:
		__atomic_store_n(p, 1, __ATOMIC_RELAXED);
		return 0;
	}
}

const struct op ops[] = {
	{ "legacy map/unmap", legacy_map_unmap, 40 },
	{ "legacy unmap all", legacy_unmap_every, 1 },
	{ "legacy map of a BAR", legacy_map_bar, 6 },
	{ "legacy info", legacy_info, 3 },
	{ "extension", extension, 2 },
	{ "set iommu", set_iommu, 1 },
	{ "group status", group_status, 3 },
	{ "group leave", group_leave, 2 },
	{ "group join", group_join, 3 },
	{ "device reopen", device_reopen, 4 },
	{ "device info", device_info, 2 },
	{ "region info", region_info, 4 },
	{ "irq info", irq_info, 3 },
	{ "set irqs", set_irqs, 20 },
	{ "reset", device_reset, 2 },
	{ "hot reset", hot_reset, 2 },
	{ "feature", feature, 1 },
	{ "config read", config_read, 8 },
	{ "config write", config_write, 10 },
	{ "bar read", bar_read, 4 },
	{ "edu dma", edu_dma, 8 },
	{ "bar mmap", bar_mmap, 4 },
	{ "window", window, 3 },
	{ "window query", window_query, 2 },
	{ "unified info", unified_info, 2 },
	{ "registration", registration, 10 },
	{ "batch of one", batch_one, 20 },
	{ "batch of many", batch_many, 10 },
	{ "batch, atomic", batch_atomic, 10 },
	{ "batch unmap all", batch_unmap_every, 1 },
	{ "memory", memory, 8 },
};

const unsigned int nr_ops = sizeof(ops) / sizeof(*ops);

/* ---- Device memory that is gone ---- */

static __thread sigjmp_buf gone;
static __thread bool may_be_gone;

static void on_bus(int sig)
{
	if (__atomic_load_n(&may_be_gone, __ATOMIC_RELAXED))
		siglongjmp(gone, 1);
	_exit(128 + sig);
}

static int run(struct actor *a, const struct op *op)
{
	/* It was there, at least. */
	if (sigsetjmp(gone, 1))
		return 0;
	__atomic_store_n(&may_be_gone, true, __ATOMIC_RELAXED);
	return op->run(a);
}

void act_init(void)
{
	struct sigaction sa = { .sa_handler = on_bus, .sa_flags = SA_NODEFER };

	sigaction(SIGBUS, &sa, NULL);
}

static const struct op *pick_op(struct actor *a, const struct op *table,
				unsigned int nr)
{
	unsigned int i, all = 0, at;

	for (i = 0; i < nr; i++)
		all += table[i].weight;
	at = rnd(a, all);
	for (i = 0; at >= table[i].weight; i++)
		at -= table[i].weight;
	return &table[i];
}

void act(struct actor *a, const struct op *table, unsigned int nr)
{
	const struct op *op = pick_op(a, table, nr);
	int ret;

	a->how = rnd(a, MUTATE) ? VALID : MUTATED;
	if (a->how == VALID && a->can_inject && !rnd(a, INJECT))
		a->how = INJECTED;
	if (a->how == INJECTED)
		inject_begin(&a->inject, INJECT_NTH, 1 + rnd(a, 40));
	ret = run(a, op);
	__atomic_store_n(&may_be_gone, false, __ATOMIC_RELAXED);
	if (a->how == INJECTED)
		inject_end(&a->inject);
	count_add(&a->counts[op - table], a->how, ret);
}
