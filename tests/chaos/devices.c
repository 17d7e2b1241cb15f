// SPDX-License-Identifier: GPL-2.0-only
/*
 * What users do to groups and devices.
 */
#include "chaos.h"
#include "edu.h"
#include "legacy.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

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
	int ret = vfio_set_container(
		a->pool->dev[nr].group,
		a->pool->container[a->pool->dev[nr].container]);

	/* It is there already. */
	return ret == -EINVAL ? 0 : ret;
}

static void replace(int *fd, int by)
{
	int old = __atomic_exchange_n(fd, by, __ATOMIC_RELAXED);

	if (old >= 0)
		close(old);
}

/* Another fd of a device; and the old one goes. */
static int device_reopen(struct actor *a)
{
	struct chaos_device *dev = pick_device(a);
	int fd;

	fd = vfio_get_device(dev->group, dev->pci.name);
	if (fd < 0)
		return fd;
	vfio_command(fd, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0);
	replace(&dev->fd, fd);
	return 0;
}

/*
 * A group whose device was taken away, and is there again: one of the processes
 * gets it. Others may be using the old BAR, which stays mapped.
 */
static int group_reopen(struct actor *a)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	struct chaos_device *dev = pick_device(a);
	int container = a->pool->container[dev->container];
	struct pci_dev pci = dev->pci;
	int group, fd, ret;
	char *bar;

	if (vfio_ioctl(dev->group, VFIO_GROUP_GET_STATUS, &status) != -ENODEV)
		return NOT_DONE;
	pci_look_again(&pci);
	group = vfio_group(&pci);
	if (group < 0)
		return NOT_DONE;
	ret = vfio_set_container(group, container);
	/* It has lost its type if this was its last group. */
	if (!ret && !is_unified(dev->container))
		vfio_set_iommu(container, legacy_type());
	fd = ret ? ret : vfio_get_device(group, pci.name);
	if (fd < 0) {
		close(group);
		/* It was taken away again. */
		return fd == -ENODEV ? NOT_DONE : fd;
	}
	vfio_command(fd, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0);
	replace(&dev->fd, fd);
	replace(&dev->group, group);
	bar = vfio_bar_map(fd, 0, dev->bar_size);
	if (bar)
		__atomic_store_n(&dev->bar, bar, __ATOMIC_RELEASE);
	return 0;
}

/* First opens and last closes: of a device that nobody keeps. */
static int open_and_close(struct actor *a)
{
	struct chaos_device *dev = pick_loose(a);
	unsigned int reg = scratch_of(&dev->pci);
	uint32_t val = 0xc0de0000;
	int efd = a->pool->efd[0], fd;

	fd = vfio_get_device(dev->group, dev->pci.name);
	if (fd < 0)
		/* Somebody else has the lock. */
		return fd == -EAGAIN ? 0 : fd;
	vfio_command(fd, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0);
	if (reg && pwrite(fd, &val, sizeof(val), reg) < 0)
		reg = 0;
	if (rnd(a, 2))
		vfio_irqs(fd, rnd(a, 5), VFIO_IRQ_SET_ACTION_TRIGGER, 0, 1,
			  &efd);
	close(fd);
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
		return NOT_DONE;
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
	if (ret)
		return ret == -ENODEV ? 0 : ret;
	reset.fd[0] = dev->group;
	ret = call(a, device_fd(dev), VFIO_DEVICE_PCI_HOT_RESET, &reset,
		   sizeof(reset));
	/*
	 * QEMU's root ports show no active link after a reset of their bus, so that
	 * the PCI core takes a PCI Express device for gone. It has been reset.
	 */
	if (ret == -EINVAL && info.info.count > 1)
		return 0;
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

/*
 * Of an edu, by its mapped BAR: DMA, to what its container may have mapped; or to a page
 * that nobody has mapped, whose bus address is its physical one: it never gets there.
 */
static int edu_dma(struct actor *a)
{
	struct chaos_device *dev = pick_device(a);
	struct edu edu = { .bar = (uint8_t *)dev->bar };
	uint64_t iova = slot_iova(a, dev->container, rnd(a, NR_SLOTS)) +
			rnd(a, 64) * 64;

	if (!edu.bar || dev->pci.device != PCI_ID_EDU >> 16)
		return NOT_DONE;
	if (!rnd(a, 4) && a->pool->canary)
		iova = a->pool->canary;
	edu_dma_start(&edu, iova, 0, 1 + rnd(a, 1024), rnd(a, 2), rnd(a, 2));
	return 0;
}

static int bar_mmap(struct actor *a)
{
	struct chaos_device *dev = pick_device(a);
	uint32_t *p;

	p = vfio_bar_map(device_fd(dev), 0, PAGE);
	if (!p)
		return -errno;
	load_is_gone((char *)p);
	/* A mapping that stayed would keep all that the container has. */
	if (munmap(p, PAGE))
		munmap(p, PAGE);
	return 0;
}

/* ---- What must not go on ---- */

/* Registers of an engine that nothing but a reset clears: chaos.h, scratch_of(). */
static int engine(struct actor *a)
{
	struct chaos_device *dev = pick_device(a);
	uint32_t val = 0xc0de0000;
	unsigned int reg = scratch_of(&dev->pci);
	int ret;

	if (!reg)
		return NOT_DONE;
	ret = pwrite(device_fd(dev), &val, sizeof(val), reg);
	return ret == sizeof(val) || errno == EIO ? 0 : -errno;
}

/* A device that was taken away is gone for ever, whatever is asked of it. */
static void check_gone(const struct chaos_device *dev, int fd, const char *bar)
{
	struct vfio_irq_info irq = { .argsz = sizeof(irq) };
	uint64_t end = sys_now_ms() + REMOVAL_MS;
	uint32_t val;
	int ret;

	ret = vfio_ioctl(fd, VFIO_DEVICE_GET_IRQ_INFO, &irq);
	if (ret != -ENODEV)
		found("%s is gone, but IRQ_INFO returns %d", dev->pci.name,
		      ret);
	ret = vfio_ioctl(fd, VFIO_DEVICE_RESET, NULL);
	if (ret != -ENODEV)
		found("%s is gone, but RESET returns %d", dev->pci.name, ret);
	ret = pread(fd, &val, sizeof(val), 0) < 0 ? -errno : 0;
	if (ret != -ENODEV)
		found("%s is gone, but pread() returns %d", dev->pci.name, ret);
	/* It's mapped until whoever is inside the driver is outside, and it's closed. */
	while (bar && !load_is_gone(bar)) {
		if (sys_now_ms() > end) {
			found("%s is gone, but its BAR can be read",
			      dev->pci.name);
			break;
		}
		sys_sleep_ms(20);
	}
}

static int revoked(struct actor *a)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	struct chaos_device *dev = pick_device(a);
	/* Before the fd is looked at again: when it's replaced, the BAR is later. */
	const char *bar = __atomic_load_n(&dev->bar, __ATOMIC_ACQUIRE);
	int old = device_fd(dev), fd = dup(old), ret = NOT_DONE;

	if (fd < 0)
		return NOT_DONE;
	/* An injected failure is no answer, nor is that of an fd that is another's by now. */
	if (a->how != INJECTED && device_fd(dev) == old &&
	    vfio_ioctl(fd, VFIO_DEVICE_GET_INFO, &info) == -ENODEV) {
		check_gone(dev, fd, bar);
		ret = 0;
	}
	close(fd);
	return ret;
}

/* Another process has the mapping for a moment. */
static int mapping_kept(struct actor *a)
{
	struct chaos_device *dev = pick_device(a);
	unsigned int ms = rnd(a, 50);
	int pid = fork();

	if (!pid) {
		while (ms-- && dev->bar && !load_is_gone(dev->bar))
			sys_sleep_ms(5);
		_exit(0);
	}
	return pid > 0 && waitpid(pid, NULL, 0) == pid ? 0 : -errno;
}

/* ---- From process to process ---- */

/* On the way an fd belongs to nobody. */
static int pass(struct actor *a)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = {};
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	struct chaos_device *dev = pick_device(a);
	int fds[3] = { device_fd(dev), dev->group,
		       a->pool->container[rnd(a, NR_CONTAINERS)] };
	int end = rnd(a, 2), fd;

	if (rnd(a, 2)) {
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fds[rnd(a, 3)], sizeof(int));
		/* There may be no room for more. */
		return sendmsg(a->pool->sock[end], &msg, MSG_DONTWAIT) < 0 ?
			       NOT_DONE :
			       0;
	}
	if (recvmsg(a->pool->sock[end], &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) <
	    0)
		return NOT_DONE;
	c = CMSG_FIRSTHDR(&msg);
	if (!c)
		return NOT_DONE;
	memcpy(&fd, CMSG_DATA(c), sizeof(int));
	close(fd);
	return 0;
}

static const struct op ops[] = {
	{ "group status", group_status, 8 },
	{ "group leave", group_leave, 4 },
	{ "group join", group_join, 6 },
	{ "device reopen", device_reopen, 6, true },
	{ "group reopen", group_reopen, 8, true },
	{ "open and close", open_and_close, 1, true },
	{ "device info", device_info, 6 },
	{ "region info", region_info, 10 },
	{ "irq info", irq_info, 8 },
	{ "set irqs", set_irqs, 60 },
	{ "reset", device_reset, 2 },
	{ "hot reset", hot_reset, 2 },
	{ "feature", feature, 1 },
	{ "config read", config_read, 24 },
	{ "config write", config_write, 20 },
	{ "bar read", bar_read, 12 },
	{ "edu dma", edu_dma, 24 },
	{ "bar mmap", bar_mmap, 8 },
	{ "engine", engine, 4 },
	{ "revoked", revoked, 20 },
	{ "mapping kept", mapping_kept, 1 },
	{ "fds passed on", pass, 6 },
};

const struct op_table device_ops = { ops, sizeof(ops) / sizeof(*ops) };
