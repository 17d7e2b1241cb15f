// SPDX-License-Identifier: GPL-2.0-only
/*
 * The container and group half of the VFIO ABI, as unmodified clients use it:
 * states and their order, IOMMU info, map and unmap with the rules of TYPE1
 * and TYPE1v2, accounting.
 *
 * Wrong arguments are badinput.c's; the device fd is abi_device.c's.
 */
#include "kselftest_harness.h"
#include "legacy.h"
#include "sys.h"
#include "vfio.h"

#include <fcntl.h>
#include <sys/ioctl.h>

#define NOT_TYPE1 "there is no TYPE1 on POWER"

#define MSI_FIRST 0xfee00000ULL
#define MSI_LAST 0xfeefffffULL

FIXTURE(container)
{
	int fd;
};

FIXTURE_SETUP(container)
{
	self->fd = vfio_container();
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(container)
{
	close(self->fd);
}

static int extension(int fd, long ext)
{
	return vfio_ioctl(fd, VFIO_CHECK_EXTENSION, (void *)ext);
}

TEST_F(container, api_version)
{
	EXPECT_EQ(VFIO_API_VERSION,
		  vfio_ioctl(self->fd, VFIO_GET_API_VERSION, NULL));
}

/* Clients compare with exactly 1. */
TEST_F(container, extensions_when_empty)
{
	bool spapr = legacy_is_spapr();

	EXPECT_EQ(!spapr, extension(self->fd, VFIO_TYPE1_IOMMU));
	EXPECT_EQ(!spapr, extension(self->fd, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(!spapr, extension(self->fd, VFIO_UNMAP_ALL));
	EXPECT_EQ(spapr, extension(self->fd, VFIO_SPAPR_TCE_v2_IOMMU));
	if (!spapr)
		EXPECT_EQ(0, extension(self->fd, VFIO_SPAPR_TCE_IOMMU));
	EXPECT_EQ(0, extension(self->fd, VFIO_NOIOMMU_IOMMU));
	EXPECT_EQ(0, extension(self->fd, VFIO_EEH));
	EXPECT_EQ(0, extension(self->fd, VFIO_DMA_CC_IOMMU));
	EXPECT_EQ(0, extension(self->fd, 0));
	EXPECT_EQ(0, extension(self->fd, 0x7fffffff));
}

/* Without a group, a container gives no access to anything. */
TEST_F(container, powerless_when_empty)
{
	struct vfio_iommu_type1_info info = { .argsz = sizeof(info) };
	void *buf = sys_alloc(PAGE, PAGE);

	ASSERT_NE(NULL, buf);
	EXPECT_EQ(-EINVAL, vfio_set_iommu(self->fd, legacy_type()));
	EXPECT_EQ(-EINVAL, vfio_ioctl(self->fd, VFIO_IOMMU_GET_INFO, &info));
	EXPECT_EQ(-EINVAL, vfio_map(self->fd, MIB, buf, PAGE, MAP_RW));
	EXPECT_EQ(-EINVAL, vfio_unmap(self->fd, MIB, PAGE));
	EXPECT_LOCKED(0);
}

FIXTURE(group)
{
	struct pci_dev pci;
	int container;
	int fd;
};

FIXTURE_SETUP(group)
{
	ASSERT_EQ(0, pci_find_alone(&self->pci, PCI_ID_EDU, 0));
	ASSERT_EQ(0, pci_bind(&self->pci, "vfio-pci"));
	self->container = vfio_container();
	ASSERT_LE(0, self->container);
	self->fd = vfio_group(&self->pci);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(group)
{
	close(self->fd);
	close(self->container);
}

TEST_F(group, second_open_is_busy)
{
	EXPECT_EQ(-EBUSY, vfio_group(&self->pci));
	close(self->fd);
	self->fd = vfio_group(&self->pci);
	EXPECT_LE(0, self->fd);
}

TEST_F(group, status_follows_the_container)
{
	EXPECT_EQ(VFIO_GROUP_FLAGS_VIABLE, vfio_group_flags(self->fd));
	ASSERT_EQ(0, vfio_set_container(self->fd, self->container));
	EXPECT_EQ(VFIO_GROUP_FLAGS_VIABLE | VFIO_GROUP_FLAGS_CONTAINER_SET,
		  vfio_group_flags(self->fd));
	ASSERT_EQ(0, vfio_unset_container(self->fd));
	EXPECT_EQ(VFIO_GROUP_FLAGS_VIABLE, vfio_group_flags(self->fd));
	EXPECT_EQ(-EINVAL, vfio_unset_container(self->fd));
}

TEST_F(group, device_needs_container_and_type)
{
	int fd;

	EXPECT_EQ(-EINVAL, vfio_get_device(self->fd, self->pci.name));
	ASSERT_EQ(0, vfio_set_container(self->fd, self->container));
	EXPECT_EQ(-EINVAL, vfio_get_device(self->fd, self->pci.name));
	ASSERT_EQ(0, vfio_set_iommu(self->container, legacy_type()));
	EXPECT_EQ(-ENODEV, vfio_get_device(self->fd, "0000:ff:1f.7"));
	fd = vfio_get_device(self->fd, self->pci.name);
	ASSERT_LE(0, fd);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	close(fd);
}

TEST_F(group, open_device_holds_the_container)
{
	int fd[2];

	ASSERT_EQ(0, vfio_set_container(self->fd, self->container));
	ASSERT_EQ(0, vfio_set_iommu(self->container, legacy_type()));
	fd[0] = vfio_get_device(self->fd, self->pci.name);
	ASSERT_LE(0, fd[0]);
	fd[1] = vfio_get_device(self->fd, self->pci.name);
	ASSERT_LE(0, fd[1]);
	EXPECT_EQ(-EBUSY, vfio_unset_container(self->fd));
	close(fd[0]);
	EXPECT_EQ(-EBUSY, vfio_unset_container(self->fd));
	close(fd[1]);
	EXPECT_EQ(0, vfio_unset_container(self->fd));
}

/* The last group takes the type and all mappings with it. */
TEST_F(group, last_detach_empties_the_container)
{
	struct vfio_iommu_type1_info info = { .argsz = sizeof(info) };
	void *buf = sys_alloc(MIB, PAGE);

	if (legacy_is_spapr())
		SKIP(return, NOT_TYPE1);
	ASSERT_NE(NULL, buf);
	ASSERT_EQ(0, vfio_set_container(self->fd, self->container));
	ASSERT_EQ(0, vfio_set_iommu(self->container, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, vfio_map(self->container, MIB, buf, MIB, MAP_RW));
	EXPECT_LOCKED(1024);
	ASSERT_EQ(0, vfio_unset_container(self->fd));
	EXPECT_LOCKED(0);
	EXPECT_EQ(-EINVAL,
		  vfio_ioctl(self->container, VFIO_IOMMU_GET_INFO, &info));

	ASSERT_EQ(0, vfio_set_container(self->fd, self->container));
	ASSERT_EQ(0, vfio_set_iommu(self->container, VFIO_TYPE1_IOMMU));
	EXPECT_EQ(0, vfio_unmap(self->container, MIB, MIB));
	EXPECT_EQ(0, vfio_map(self->container, MIB, buf, MIB, MAP_RW));
}

FIXTURE(dma)
{
	struct vfio v;
	int c; /* v.container, for brevity */
	char *buf;
};

FIXTURE_VARIANT(dma)
{
	int type;
};

/* The tool takes these for initialisers. */
/* clang-format off */
FIXTURE_VARIANT_ADD(dma, v1) {
	.type = VFIO_TYPE1_IOMMU,
};

FIXTURE_VARIANT_ADD(dma, v2) {
	.type = VFIO_TYPE1v2_IOMMU,
};

/* clang-format on */

FIXTURE_SETUP(dma)
{
	struct pci_dev dev;

	if (legacy_is_spapr())
		SKIP(return, NOT_TYPE1);
	ASSERT_EQ(0, pci_find_alone(&dev, PCI_ID_EDU, 0));
	ASSERT_EQ(0, vfio_open(&self->v, &dev, variant->type));
	self->c = self->v.container;
	self->buf = sys_alloc(MIB, PAGE);
	ASSERT_NE(NULL, self->buf);
}

FIXTURE_TEARDOWN(dma)
{
	vfio_close(&self->v);
}

TEST_F(dma, extensions_with_type)
{
	EXPECT_EQ(1, extension(self->c, VFIO_TYPE1_IOMMU));
	EXPECT_EQ(1, extension(self->c, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(1, extension(self->c, VFIO_UNMAP_ALL));
	EXPECT_EQ(0, extension(self->c, VFIO_SPAPR_TCE_v2_IOMMU));
	EXPECT_EQ(0, extension(self->c, 0x7fffffff));
	EXPECT_EQ(-EINVAL, vfio_set_iommu(self->c, variant->type));
}

union info {
	struct vfio_iommu_type1_info info;
	char bytes[4096];
};

/* An offset within @u, or 0 if the capability isn't there. */
static uint32_t info_cap(const union info *u, uint16_t id)
{
	const struct vfio_info_cap_header *head;
	uint32_t off;
	int left = 32;

	for (off = u->info.cap_offset; off && left--; off = head->next) {
		if (off < sizeof(u->info) || off > sizeof(*u) - sizeof(*head))
			return 0;
		head = (const void *)(u->bytes + off);
		if (head->id == id)
			return off;
	}
	return 0;
}

TEST_F(dma, info_grows_with_argsz)
{
	union info u = {};
	uint32_t want;

	/* The size of the structure before capabilities existed. */
	u.info.argsz = offsetof(struct vfio_iommu_type1_info, cap_offset);
	memset(u.bytes + u.info.argsz, 0x5a, 64);
	ASSERT_EQ(0, vfio_ioctl(self->c, VFIO_IOMMU_GET_INFO, &u));
	EXPECT_TRUE(u.info.flags & VFIO_IOMMU_INFO_PGSIZES);
	EXPECT_TRUE(u.info.flags & VFIO_IOMMU_INFO_CAPS);
	EXPECT_TRUE(u.info.iova_pgsizes & PAGE);
	want = u.info.argsz;
	EXPECT_LT(sizeof(u.info), want);
	ASSERT_GT(sizeof(u), want);
	EXPECT_EQ(0x5a,
		  u.bytes[offsetof(struct vfio_iommu_type1_info, cap_offset)]);

	memset(&u, 0, sizeof(u));
	u.info.argsz = want - 1;
	ASSERT_EQ(0, vfio_ioctl(self->c, VFIO_IOMMU_GET_INFO, &u));
	EXPECT_EQ(want, u.info.argsz);
	EXPECT_EQ(0, u.info.cap_offset);

	memset(&u, 0, sizeof(u));
	u.info.argsz = want;
	ASSERT_EQ(0, vfio_ioctl(self->c, VFIO_IOMMU_GET_INFO, &u));
	EXPECT_LE(sizeof(u.info), u.info.cap_offset);
	EXPECT_NE(0, info_cap(&u, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE));
	EXPECT_NE(0, info_cap(&u, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL));
}

TEST_F(dma, info_dma_avail)
{
	union info u = { .info.argsz = sizeof(u) };
	struct vfio_iommu_type1_info_dma_avail *avail;
	uint32_t off;

	ASSERT_EQ(0, vfio_ioctl(self->c, VFIO_IOMMU_GET_INFO, &u));
	off = info_cap(&u, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL);
	ASSERT_NE(0, off);
	avail = (void *)(u.bytes + off);
	EXPECT_EQ(1, avail->header.version);
	EXPECT_LE(65535, avail->avail);
}

TEST_F(dma, info_iova_ranges)
{
	struct vfio_iova_range r[32];
	int n, i;

	n = vfio_iova_ranges(self->c, r, 32);
	ASSERT_LT(0, n);
	ASSERT_GE(32, n);
	for (i = 0; i < n; i++) {
		EXPECT_LT(r[i].start, r[i].end);
		EXPECT_EQ(0, r[i].start % PAGE);
		EXPECT_EQ(PAGE - 1, r[i].end % PAGE);
		EXPECT_TRUE(r[i].end < MSI_FIRST || r[i].start > MSI_LAST);
		EXPECT_TRUE(!i || r[i - 1].end < r[i].start);
	}
	EXPECT_LE(1ULL << 38, r[n - 1].end);
}

/* Both ends of every range can be mapped, the page beyond can't. */
TEST_F(dma, ranges_are_exact)
{
	struct vfio_iova_range r[32];
	int n, i;

	n = vfio_iova_ranges(self->c, r, 32);
	ASSERT_LT(0, n);
	for (i = 0; i < n; i++) {
		uint64_t last = r[i].end - PAGE + 1;

		EXPECT_EQ(0, vfio_map(self->c, r[i].start, self->buf, PAGE,
				      MAP_RW));
		EXPECT_EQ(0, vfio_map(self->c, last, self->buf, PAGE, MAP_RW));
		EXPECT_EQ(-EINVAL, vfio_map(self->c, last + PAGE, self->buf,
					    PAGE, MAP_RW));
		EXPECT_EQ(PAGE, vfio_unmap(self->c, last, PAGE));
		EXPECT_EQ(PAGE, vfio_unmap(self->c, r[i].start, PAGE));
	}
	EXPECT_LOCKED(0);
}

TEST_F(dma, access_flags)
{
	EXPECT_EQ(0, vfio_map(self->c, MIB, self->buf, PAGE, MAP_R));
	EXPECT_EQ(0, vfio_map(self->c, 2 * MIB, self->buf, PAGE, MAP_W));
	EXPECT_EQ(0, vfio_map(self->c, 3 * MIB, self->buf, PAGE, MAP_RW));
	EXPECT_EQ(-EINVAL, vfio_map(self->c, 4 * MIB, self->buf, PAGE, 0));
	EXPECT_EQ(3 * PAGE, vfio_unmap_all(self->c));
}

TEST_F(dma, overlap_is_eexist)
{
	const uint64_t at = 16 * MIB, len = 16 * PAGE;
	const struct {
		uint64_t iova, size;
	} over[] = {
		{ at, len },
		{ at, PAGE },
		{ at + PAGE, PAGE },
		{ at + len - PAGE, PAGE },
		{ at - PAGE, 2 * PAGE },
		{ at + len - PAGE, 2 * PAGE },
		{ at - PAGE, len + 2 * PAGE },
	};
	unsigned int i;

	ASSERT_EQ(0, vfio_map(self->c, at, self->buf, len, MAP_RW));
	for (i = 0; i < ARRAY_SIZE(over); i++)
		EXPECT_EQ(-EEXIST, vfio_map(self->c, over[i].iova, self->buf,
					    over[i].size, MAP_RW));
	EXPECT_LOCKED(64);
	EXPECT_EQ(0, vfio_map(self->c, at - PAGE, self->buf, PAGE, MAP_R));
	EXPECT_EQ(0, vfio_map(self->c, at + len, self->buf, PAGE, MAP_R));
	EXPECT_EQ(len + 2 * PAGE, vfio_unmap_all(self->c));
}

TEST_F(dma, unmap_spans_holes)
{
	ASSERT_EQ(0, vfio_map(self->c, MIB, self->buf, PAGE, MAP_RW));
	ASSERT_EQ(0, vfio_map(self->c, 3 * MIB, self->buf, 4 * PAGE, MAP_RW));
	ASSERT_EQ(0, vfio_map(self->c, GIB, self->buf, PAGE, MAP_RW));
	EXPECT_EQ(0, vfio_unmap(self->c, 2 * MIB, PAGE));
	EXPECT_EQ(5 * PAGE, vfio_unmap(self->c, 0, 512 * MIB));
	EXPECT_EQ(0, vfio_unmap(self->c, 0, 512 * MIB));
	EXPECT_EQ(PAGE, vfio_unmap_all(self->c));
	EXPECT_EQ(0, vfio_unmap_all(self->c));
	EXPECT_LOCKED(0);
}

/* 0 to 2^63 and 2^63 to the end is how QEMU empties a space. */
TEST_F(dma, unmap_halves_of_the_space)
{
	ASSERT_EQ(0, vfio_map(self->c, MIB, self->buf, PAGE, MAP_RW));
	EXPECT_EQ(PAGE, vfio_unmap(self->c, 0, 1ULL << 63));
	EXPECT_EQ(0, vfio_unmap(self->c, 1ULL << 63, 1ULL << 63));
}

TEST_F(dma, partial_unmap)
{
	const uint64_t at = 8 * MIB, len = 8 * PAGE;

	ASSERT_EQ(0, vfio_map(self->c, at, self->buf, len, MAP_RW));
	if (variant->type == VFIO_TYPE1v2_IOMMU) {
		EXPECT_EQ(-EINVAL, vfio_unmap(self->c, at, PAGE));
		EXPECT_EQ(-EINVAL, vfio_unmap(self->c, at + PAGE, PAGE));
		EXPECT_EQ(-EINVAL, vfio_unmap(self->c, at + len - PAGE, PAGE));
		EXPECT_EQ(-EINVAL, vfio_unmap(self->c, at - PAGE, 2 * PAGE));
		EXPECT_EQ(-EINVAL,
			  vfio_unmap(self->c, at + len - PAGE, 2 * PAGE));
		EXPECT_LOCKED(32);
		EXPECT_EQ(len, vfio_unmap(self->c, at, len));
	} else {
		EXPECT_EQ(0, vfio_unmap(self->c, at + PAGE, PAGE));
		EXPECT_EQ(0, vfio_unmap(self->c, at + PAGE, len));
		EXPECT_LOCKED(32);
		EXPECT_EQ(len, vfio_unmap(self->c, at, PAGE));
		EXPECT_LOCKED(0);
		ASSERT_EQ(0, vfio_map(self->c, at, self->buf, len, MAP_RW));
		EXPECT_EQ(len, vfio_unmap(self->c, at - PAGE, 2 * PAGE));
	}
	EXPECT_LOCKED(0);
}

/* Where a range starts inside a mapping, v1 doesn't go past that mapping. */
TEST_F(dma, unmap_starting_inside)
{
	const uint64_t at = 8 * MIB;

	ASSERT_EQ(0, vfio_map(self->c, at, self->buf, 2 * PAGE, MAP_RW));
	ASSERT_EQ(0, vfio_map(self->c, at + 2 * PAGE, self->buf, PAGE, MAP_RW));
	EXPECT_EQ(variant->type == VFIO_TYPE1_IOMMU ? 0 : -EINVAL,
		  vfio_unmap(self->c, at + PAGE, 2 * PAGE));
	EXPECT_EQ(3 * PAGE, vfio_unmap_all(self->c));
}

TEST_F(dma, unmap_counts_several)
{
	unsigned int i;

	for (i = 0; i < 64; i++)
		ASSERT_EQ(0,
			  vfio_map(self->c, MIB + i * PAGE,
				   self->buf + (63 - i) * PAGE, PAGE, MAP_RW));
	EXPECT_LOCKED(256);
	EXPECT_EQ(16 * PAGE, vfio_unmap(self->c, MIB + 8 * PAGE, 16 * PAGE));
	EXPECT_EQ(48 * PAGE, vfio_unmap(self->c, MIB, 64 * PAGE));
	EXPECT_LOCKED(0);
}

/* The same memory at two places is accounted twice, as it is pinned twice. */
TEST_F(dma, accounting_per_mapping)
{
	EXPECT_LOCKED(0);
	ASSERT_EQ(0, vfio_map(self->c, MIB, self->buf, MIB, MAP_RW));
	ASSERT_EQ(0, vfio_map(self->c, GIB, self->buf, MIB, MAP_R));
	EXPECT_LOCKED(2048);
	EXPECT_EQ(MIB, vfio_unmap(self->c, MIB, MIB));
	EXPECT_LOCKED(1024);
	EXPECT_EQ(MIB, vfio_unmap(self->c, GIB, MIB));
	EXPECT_LOCKED(0);
}

TEST_F(dma, pins_are_given_back)
{
	long before = sys_pins();

	ASSERT_EQ(0, vfio_map(self->c, MIB, self->buf, MIB, MAP_RW));
	EXPECT_EQ(before + 256, sys_pins());
	EXPECT_EQ(MIB, vfio_unmap(self->c, MIB, MIB));
	EXPECT_TRUE(sys_pins_settle(before, 1000));
	ASSERT_EQ(0, vfio_map(self->c, MIB, self->buf, MIB, MAP_RW));
	vfio_close(&self->v);
	EXPECT_TRUE(sys_pins_settle(before, 1000));
	EXPECT_LOCKED(0);
}

/* Memory the process has given up stays pinned until it is unmapped. */
TEST_F(dma, mapping_outlives_munmap)
{
	long before = sys_pins();

	ASSERT_EQ(0, vfio_map(self->c, MIB, self->buf, 4 * PAGE, MAP_RW));
	ASSERT_EQ(0, munmap(self->buf, 4 * PAGE));
	EXPECT_EQ(before + 4, sys_pins());
	EXPECT_EQ(4 * PAGE, vfio_unmap(self->c, MIB, 4 * PAGE));
	EXPECT_TRUE(sys_pins_settle(before, 1000));
}

/* A child that inherits the container maps its own memory. */
TEST_F(dma, child_maps_its_own_memory)
{
	int child, status;

	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		char *mine = sys_alloc(PAGE, PAGE);

		if (!mine || vfio_map(self->c, MIB, mine, PAGE, MAP_RW))
			_exit(1);
		_exit(sys_locked_settle(4) == 4 ? 0 : 2);
	}
	status = sys_wait_child(child, 5000);
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(0, WEXITSTATUS(status));
	EXPECT_LOCKED(0);
	EXPECT_EQ(-EEXIST, vfio_map(self->c, MIB, self->buf, PAGE, MAP_RW));
	EXPECT_EQ(PAGE, vfio_unmap(self->c, MIB, PAGE));
	EXPECT_LOCKED(0);
}

TEST_HARNESS_MAIN
