// SPDX-License-Identifier: GPL-2.0-only
/*
 * What users share: containers, groups, devices; and whether all of it is as it was.
 */
#include "chaos.h"
#include "legacy.h"
#include "uni.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHECK_MS 20000

/* Those that are alone in their group, and aren't VFs. */
#define NR_ALONE (NR_DEVICES - NR_VFS - 2)

static void add_device(struct pool *pool, const struct pci_dev *pci,
		       unsigned int container, bool victim)
{
	pool->dev[pool->nr_devices++] =
		(struct chaos_device){ .pci = *pci,
				       .container = container % NR_CONTAINERS,
				       .victim = victim,
				       .group = -1,
				       .fd = -1 };
}

static void attribute(char *path, const struct pci_dev *pci, const char *name)
{
	snprintf(path, PATH_MAX, "/sys/bus/pci/devices/%s/%s", pci->name, name);
}

/* Of the only card that has any; the host's driver has the card, but not them. */
static void find_vfs(struct pool *pool)
{
	char path[PATH_MAX];
	struct pci_dev pci;
	unsigned int i;

	for (i = 0; !pci_find(&pci, PCI_ID_NVME, i); i++) {
		attribute(path, &pci, "sriov_drivers_autoprobe");
		if (sys_write(path, "0"))
			continue;
		attribute(path, &pci, "sriov_numvfs");
		if (!sys_write(path, "7"))
			pool->pf = pci;
	}
	for (i = 0; !pci_find(&pci, PCI_ID_NVME, i); i++) {
		attribute(path, &pci, "physfn");
		if (pool->nr_vfs == NR_VFS || access(path, F_OK))
			continue;
		add_device(pool, &pci, pool->nr_devices, false);
		pool->dev[pool->nr_devices - 1].vf = true;
		pool->nr_vfs++;
	}
}

/*
 * Victims are those that the host takes away from their users, who have no use for them
 * any more until the round is over. So it's always the same two. No NVMe: lockdep complains
 * about that one's driver, which gets it when it's found again, and is reset then.
 */
void pool_find_devices(struct pool *pool)
{
	static const uint32_t ids[] = { PCI_ID_EDU, PCI_ID_NVME,
					PCI_ID_E1000E };
	struct pci_dev pci, other;
	unsigned int i, nth;

	pool->nr_devices = 0;
	for (i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		for (nth = 0; nth < 3 && pool->nr_devices < NR_ALONE; nth++) {
			if (pci_find_alone(&pci, ids[i], nth))
				break;
			add_device(pool, &pci, pool->nr_devices,
				   ids[i] == PCI_ID_E1000E ||
					   (ids[i] == PCI_ID_EDU && nth));
		}
	}
	/* Neither of these can be reset without the other. */
	if (!pci_find_pair(&pci, &other)) {
		add_device(pool, &pci, 0, false);
		add_device(pool, &other, 0, false);
	}
	find_vfs(pool);
	/* An NVMe, and of the pair the one whose engine chaos sets up. */
	pool->dev[2].loose = true;
	pool->dev[pool->nr_devices - pool->nr_vfs - 1].loose = true;
}

static void dev_close_fd(struct chaos_device *dev)
{
	if (dev->bar)
		munmap(dev->bar, dev->bar_size);
	if (dev->fd >= 0)
		close(dev->fd);
	dev->bar = NULL;
	dev->fd = -1;
}

/* Maps the first BAR that can be. */
static void dev_map(struct chaos_device *dev)
{
	struct vfio_region_info info;
	unsigned int i;

	for (i = 0; i < 6 && !dev->bar; i++) {
		if (vfio_region(dev->fd, i, &info) ||
		    !(info.flags & VFIO_REGION_INFO_FLAG_MMAP))
			continue;
		dev->bar_size = info.size;
		dev->bar = vfio_bar_map(dev->fd, i, info.size);
	}
}

/* A group that two devices are in can be opened once. */
static int dev_open(struct pool *pool, struct chaos_device *dev)
{
	struct chaos_device *other;

	for (other = pool->dev; other < dev; other++) {
		if (other->pci.group == dev->pci.group) {
			dev->group = dup(other->group);
			return dev->group < 0 ? -errno : 0;
		}
	}
	dev->group = vfio_group(&dev->pci);
	if (dev->group < 0)
		return dev->group;
	return vfio_set_container(dev->group, pool->container[dev->container]);
}

static int dev_open_fd(struct chaos_device *dev)
{
	dev->fd = vfio_get_device(dev->group, dev->pci.name);
	if (dev->fd < 0)
		return dev->fd;
	vfio_command(dev->fd, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0);
	dev_map(dev);
	return 0;
}

/* Gives a container its type, and room for all slots. */
static int container_open(struct pool *pool, unsigned int nr)
{
	int fd = pool->container[nr], ret;

	ret = vfio_set_iommu(fd, is_unified(nr) ? SLUICE_UNIFIED_IOMMU :
						  legacy_type());
	if (ret)
		return ret;
	pool->base[nr] = legacy_is_spapr() ? 64 * MIB : IOVA_BASE;
	if (!is_unified(nr) || !uni_window_at(fd, IOVA_BASE, WINDOW_SIZE, 0))
		return 0;
	return uni_window(fd, WINDOW_SIZE, 0, &pool->base[nr]);
}

/* Memory that is anonymous, and one piece of a file. */
static int memory_open(struct pool *pool)
{
	unsigned int i, c;
	int ret;

	for (i = 0; i < NR_MEMS; i++) {
		pool->mem[i] = sys_alloc(MEM_SIZE, 2 * MIB);
		if (!pool->mem[i])
			return -ENOMEM;
	}
	pool->memfd = memfd_create("chaos", MFD_CLOEXEC);
	if (pool->memfd < 0 || ftruncate(pool->memfd, MEM_SIZE) ||
	    mmap(pool->mem[NR_MEMS - 1], MEM_SIZE, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, pool->memfd, 0) == MAP_FAILED)
		return -errno;
	for (c = 0; c < NR_CONTAINERS / 2; c++) {
		for (i = 0; i < NR_MEMS; i++) {
			ret = legacy_register(pool->container[c], pool->mem[i],
					      MEM_SIZE);
			if (ret)
				return ret;
		}
	}
	return 0;
}

int pool_open(struct pool *pool)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < NR_EVENTFDS; i++)
		pool->efd[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pool->sock))
		return -errno;
	for (i = 0; i < NR_CONTAINERS; i++)
		pool->container[i] = vfio_container();
	for (i = 0; i < pool->nr_devices && !ret; i++) {
		pci_look_again(&pool->dev[i].pci);
		ret = pci_bind(&pool->dev[i].pci, "vfio-pci");
	}
	for (i = 0; i < pool->nr_devices && !ret; i++)
		ret = dev_open(pool, &pool->dev[i]);
	for (i = 0; i < NR_CONTAINERS && !ret; i++)
		ret = container_open(pool, i);
	for (i = 0; i < pool->nr_devices && !ret; i++) {
		if (!pool->dev[i].loose)
			ret = dev_open_fd(&pool->dev[i]);
	}
	return ret ? ret : memory_open(pool);
}

void pool_close_devices(struct pool *pool)
{
	unsigned int i;

	for (i = 0; i < pool->nr_devices; i++)
		dev_close_fd(&pool->dev[i]);
	for (i = 0; i < 2; i++)
		close(pool->sock[i]);
}

void pool_close(struct pool *pool)
{
	unsigned int i;

	pool_close_devices(pool);
	for (i = 0; i < pool->nr_devices; i++)
		close(pool->dev[i].group);
	for (i = 0; i < NR_CONTAINERS; i++)
		close(pool->container[i]);
	for (i = 0; i < NR_EVENTFDS; i++)
		close(pool->efd[i]);
	for (i = 0; i < NR_MEMS; i++)
		munmap(pool->mem[i], MEM_SIZE);
	close(pool->memfd);
}

/* One try: the first page of the disk that an NVMe's own driver has found. */
static bool read_page(const struct pci_dev *pci, void *buf)
{
	char path[PATH_MAX], *name;
	glob_t disks;
	ssize_t ret;
	int fd;

	attribute(path, pci, "nvme/nvme*/nvme*n1");
	if (glob(path, 0, NULL, &disks))
		return false;
	name = strrchr(disks.gl_pathv[0], '/');
	snprintf(path, sizeof(path), "/dev%s", name);
	globfree(&disks);
	fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (fd < 0)
		return false;
	ret = read(fd, buf, PAGE);
	close(fd);
	return ret == PAGE;
}

/* The disk is there a little later than its driver. */
static int read_disk(const struct pci_dev *pci)
{
	uint64_t end = sys_now_ms() + CHECK_MS;
	void *buf = aligned_alloc(PAGE, PAGE);
	bool done;

	if (!buf)
		return -ENOMEM;
	do {
		done = read_page(pci, buf);
		if (!done)
			sys_sleep_ms(50);
	} while (!done && sys_now_ms() < end);
	free(buf);
	return done ? 0 : -EIO;
}

unsigned int scratch_of(const struct pci_dev *pci)
{
	/*
	 * An e1000: where a ring of descriptors begins. Not of an e1000e, whose way to be
	 * reset is D3hot, in which QEMU's forgets nothing.
	 */
	return pci->vendor == 0x8086 && pci->device == 0x100e ? 0x3800 : 0;
}

/* An engine that its last owner has set up, and nobody has reset. */
static int check_engine(const struct pci_dev *pci, int device)
{
	unsigned int reg = scratch_of(pci);
	uint32_t val = 0;

	if (!reg)
		return 0;
	vfio_command(device, PCI_COMMAND_MEMORY, 0);
	if (pread(device, &val, sizeof(val), reg) != sizeof(val))
		return -EIO;
	return val ? -EUCLEAN : 0;
}

/* MSI-X that is set up while the device sleeps, and decodes nothing. */
static int check_msix(const struct pci_dev *pci, int device)
{
	unsigned int msix = pci_cap(pci, PCI_CAP_ID_MSIX);
	unsigned int pm = pci_cap(pci, PCI_CAP_ID_PM);
	struct vfio_region_info info;
	int64_t table;
	uint64_t address = 0;
	int efd, ret;

	if (!msix || !pm)
		return 0;
	table = vfio_cfg_read(device, msix + PCI_MSIX_TABLE, 4);
	if (table < 0 || vfio_region(device, table & PCI_MSIX_TABLE_BIR, &info))
		return -EIO;
	efd = eventfd(0, EFD_CLOEXEC);
	vfio_command(device, 0, PCI_COMMAND_MEMORY);
	vfio_cfg_write(device, pm + PCI_PM_CTRL, 2, 3);
	ret = vfio_irqs(device, VFIO_PCI_MSIX_IRQ_INDEX,
			VFIO_IRQ_SET_ACTION_TRIGGER, 0, 1, &efd);
	vfio_cfg_write(device, pm + PCI_PM_CTRL, 2, 0);
	vfio_command(device, PCI_COMMAND_MEMORY, 0);
	if (!ret && pread(device, &address, sizeof(address),
			  info.offset + (table & PCI_MSIX_TABLE_OFFSET)) !=
			    sizeof(address))
		ret = -EIO;
	close(efd);
	return ret ? ret : address ? 0 : -ENOMSG;
}

/* Opens it in a container of its own, with a fresh life. */
static int check_device(const struct pci_dev *pci)
{
	struct vfio v;
	int ret;

	ret = legacy_open(&v, pci);
	if (ret)
		return ret;
	if (vfio_cfg_read(v.device, PCI_VENDOR_ID, 2) != pci->vendor)
		ret = -EIO;
	ret = ret ? ret : check_engine(pci, v.device);
	ret = ret ? ret : check_msix(pci, v.device);
	if (!ret && vfio_device_flags(v.device) & VFIO_DEVICE_FLAGS_RESET)
		ret = vfio_ioctl(v.device, VFIO_DEVICE_RESET, NULL);
	vfio_close(&v);
	return ret;
}

static int check_disk(const struct pci_dev *pci)
{
	int ret = pci_bind(pci, NULL);

	ret = ret ? ret : read_disk(pci);
	return ret ? ret : pci_bind(pci, "");
}

int pool_check(struct pool *pool, char *why, size_t size)
{
	const char *what = "can't be used";
	struct pci_dev *pci;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < pool->nr_devices && !ret; i++) {
		pci = &pool->dev[i].pci;
		pci_look_again(pci);
		ret = pci_bind(pci, "vfio-pci");
	}
	/* The pair's loose one first: the other's close would reset both. */
	for (i = pool->nr_devices; i-- && !ret;) {
		pci = &pool->dev[i].pci;
		ret = check_device(pci);
	}
	for (i = 0; i < pool->nr_devices && !ret; i++) {
		pci = &pool->dev[i].pci;
		if (pci->device != (PCI_ID_NVME >> 16) || pool->dev[i].vf)
			continue;
		what = "has a disk that can't be read";
		ret = check_disk(pci);
	}
	if (ret == -EUCLEAN)
		what = "has an engine that its last owner set up";
	else if (ret == -ENOMSG)
		what = "has no address in its MSI-X table";
	if (ret)
		snprintf(why, size, "%s %s: %s", pci->name, what,
			 strerror(-ret));
	return ret;
}
