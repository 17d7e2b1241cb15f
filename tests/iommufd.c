// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA through upstream's iommufd, on whichever driver the IOMMU has: a device
 * reaches what is mapped, byte by byte, and nothing else.
 */
#include "kselftest_harness.h"
#include "edu.h"
#include "sys.h"
#include "vfio.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/iommufd.h>

#define READABLE IOMMU_IOAS_MAP_READABLE
#define WRITEABLE IOMMU_IOAS_MAP_WRITEABLE
#define RW (READABLE | WRITEABLE)

struct dev {
	int fd;
	struct edu edu;
};

FIXTURE(iommufd)
{
	int fd;
	uint32_t ioas;
	struct dev dev;
	char *area; /* two pages */
};

static int ioas_alloc(int fd, uint32_t *ioas)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	int ret = vfio_ioctl(fd, IOMMU_IOAS_ALLOC, &alloc);

	*ioas = alloc.out_ioas_id;
	return ret;
}

static int ioas_map(int fd, uint32_t ioas, uint64_t iova, void *ptr,
		    uint64_t size, uint32_t flags)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = flags | IOMMU_IOAS_MAP_FIXED_IOVA,
		.ioas_id = ioas,
		.user_va = (uintptr_t)ptr,
		.length = size,
		.iova = iova,
	};

	return vfio_ioctl(fd, IOMMU_IOAS_MAP, &map);
}

static int ioas_unmap(int fd, uint32_t ioas, uint64_t iova, uint64_t size)
{
	struct iommu_ioas_unmap unmap = {
		.size = sizeof(unmap),
		.ioas_id = ioas,
		.iova = iova,
		.length = size,
	};

	return vfio_ioctl(fd, IOMMU_IOAS_UNMAP, &unmap);
}

static int attach(int device, uint32_t ioas)
{
	struct vfio_device_attach_iommufd_pt attach = {
		.argsz = sizeof(attach),
		.pt_id = ioas,
	};

	return vfio_ioctl(device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach);
}

static int detach(int device)
{
	struct vfio_device_detach_iommufd_pt detach = {
		.argsz = sizeof(detach),
	};

	return vfio_ioctl(device, VFIO_DEVICE_DETACH_IOMMUFD_PT, &detach);
}

/* The device's own node, whose name its directory in sysfs has. */
static int device_node(const struct pci_dev *pci)
{
	char path[300] = "";
	struct dirent *entry;
	DIR *dir;
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev",
		 pci->name);
	dir = opendir(path);
	if (!dir)
		return -errno;
	path[0] = '\0';
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			snprintf(path, sizeof(path), "/dev/vfio/devices/%s",
				 entry->d_name);
	closedir(dir);
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The @nth edu, bound to @fd and attached to @ioas. */
static int dev_open(struct dev *dev, unsigned int nth, int fd, uint32_t ioas)
{
	struct vfio_device_bind_iommufd bind = {
		.argsz = sizeof(bind),
		.iommufd = fd,
	};
	struct pci_dev pci;
	int ret;

	ret = pci_find_alone(&pci, PCI_ID_EDU, nth);
	if (!ret)
		ret = pci_bind(&pci, "vfio-pci");
	if (ret)
		return ret;
	dev->fd = device_node(&pci);
	if (dev->fd < 0)
		return dev->fd;
	ret = vfio_ioctl(dev->fd, VFIO_DEVICE_BIND_IOMMUFD, &bind);
	if (!ret)
		ret = attach(dev->fd, ioas);
	return ret ? ret : edu_attach(&dev->edu, dev->fd);
}

FIXTURE_SETUP(iommufd)
{
	self->fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, ioas_alloc(self->fd, &self->ioas));
	ASSERT_EQ(0, dev_open(&self->dev, 0, self->fd, self->ioas));
	self->area = sys_alloc(2 * PAGE, PAGE);
	ASSERT_NE(NULL, self->area);
}

FIXTURE_TEARDOWN(iommufd)
{
	munmap(self->dev.edu.bar, EDU_BAR_SIZE);
	close(self->dev.fd);
	close(self->fd);
}

static void fill(char *buf, size_t len, unsigned int seed)
{
	while (len--)
		*buf++ = rand_r(&seed);
}

/*
 * Part of the first page of @area, which is at @iova, goes to the second
 * through the device. Not one other byte may change.
 */
static void carry(struct __test_metadata *_metadata, struct dev *dev,
		  char *area, uint64_t iova, unsigned int seed)
{
	const unsigned int from = 17, to = PAGE + 1000, len = 2049;
	char want[2 * PAGE];

	fill(area, sizeof(want), seed);
	memcpy(want, area, sizeof(want));
	ASSERT_TRUE(edu_dma_from(&dev->edu, iova + from, 0, len));
	EXPECT_EQ(0, memcmp(area, want, sizeof(want)));
	memcpy(want + to, want + from, len);
	ASSERT_TRUE(edu_dma_to(&dev->edu, iova + to, 0, len));
	EXPECT_EQ(0, memcmp(area, want, sizeof(want)));
}

/* A DMA write to @iova, wherever it goes, leaves both pages of @area alone. */
static void write_misses(struct __test_metadata *_metadata, struct dev *dev,
			 char *area, uint64_t iova)
{
	char want[2 * PAGE];

	fill(area, sizeof(want), 99);
	memcpy(want, area, sizeof(want));
	ASSERT_TRUE(edu_dma_to(&dev->edu, iova, 0, 64));
	EXPECT_EQ(0, memcmp(area, want, sizeof(want)));
}

TEST_F(iommufd, dma_both_ways)
{
	const uint64_t iovas[] = { MIB, 4 * GIB - PAGE, 256 * GIB };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(iovas); i++) {
		ASSERT_EQ(0, ioas_map(self->fd, self->ioas, iovas[i],
				      self->area, 2 * PAGE, RW));
		carry(_metadata, &self->dev, self->area, iovas[i], i);
		EXPECT_EQ(0,
			  ioas_unmap(self->fd, self->ioas, iovas[i], 2 * PAGE));
	}
}

/* The write comes first: QEMU faults only if nothing is cached. */
TEST_F(iommufd, read_only_mapping)
{
	ASSERT_EQ(0, ioas_map(self->fd, self->ioas, MIB, self->area, 2 * PAGE,
			      READABLE));
	write_misses(_metadata, &self->dev, self->area, MIB);

	/* Read it can: prove it through another, writable mapping. */
	ASSERT_EQ(0, ioas_map(self->fd, self->ioas, 2 * MIB, self->area,
			      2 * PAGE, RW));
	ASSERT_TRUE(edu_dma_from(&self->dev.edu, MIB, 0, 64));
	ASSERT_TRUE(edu_dma_to(&self->dev.edu, 2 * MIB + PAGE, 0, 64));
	EXPECT_EQ(0, memcmp(self->area, self->area + PAGE, 64));
}

TEST_F(iommufd, nothing_is_left_after_unmap)
{
	ASSERT_EQ(0, ioas_map(self->fd, self->ioas, MIB, self->area, 2 * PAGE,
			      RW));
	carry(_metadata, &self->dev, self->area, MIB, 1);
	ASSERT_EQ(0, ioas_unmap(self->fd, self->ioas, MIB, 2 * PAGE));
	write_misses(_metadata, &self->dev, self->area, MIB);
}

TEST_F(iommufd, nothing_is_left_after_detach)
{
	ASSERT_EQ(0, ioas_map(self->fd, self->ioas, MIB, self->area, 2 * PAGE,
			      RW));
	carry(_metadata, &self->dev, self->area, MIB, 1);
	ASSERT_EQ(0, detach(self->dev.fd));
	write_misses(_metadata, &self->dev, self->area, MIB);
	/* The mapping is the address space's, and comes back with it. */
	ASSERT_EQ(0, attach(self->dev.fd, self->ioas));
	carry(_metadata, &self->dev, self->area, MIB, 2);
}

/* Straight from one address space to another. */
TEST_F(iommufd, replaced)
{
	char *other = sys_alloc(2 * PAGE, PAGE);
	uint32_t ioas;

	ASSERT_NE(NULL, other);
	ASSERT_EQ(0, ioas_map(self->fd, self->ioas, MIB, self->area, 2 * PAGE,
			      RW));
	carry(_metadata, &self->dev, self->area, MIB, 1);
	ASSERT_EQ(0, ioas_alloc(self->fd, &ioas));
	ASSERT_EQ(0, ioas_map(self->fd, ioas, MIB, other, 2 * PAGE, RW));
	ASSERT_EQ(0, attach(self->dev.fd, ioas));
	carry(_metadata, &self->dev, other, MIB, 2);
	write_misses(_metadata, &self->dev, self->area, MIB);
	EXPECT_EQ(0, ioas_unmap(self->fd, ioas, MIB, 2 * PAGE));
	write_misses(_metadata, &self->dev, self->area, MIB);
}

TEST_F(iommufd, two_devices_share)
{
	struct dev second;

	ASSERT_EQ(0, dev_open(&second, 1, self->fd, self->ioas));
	ASSERT_EQ(0, ioas_map(self->fd, self->ioas, MIB, self->area, 2 * PAGE,
			      RW));
	carry(_metadata, &self->dev, self->area, MIB, 1);
	carry(_metadata, &second, self->area, MIB, 2);
	ASSERT_EQ(0, detach(second.fd));
	write_misses(_metadata, &second, self->area, MIB);
	carry(_metadata, &self->dev, self->area, MIB, 3);
	EXPECT_EQ(0, ioas_unmap(self->fd, self->ioas, MIB, 2 * PAGE));
	write_misses(_metadata, &self->dev, self->area, MIB);
	close(second.fd);
}

TEST_HARNESS_MAIN
