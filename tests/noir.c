// SPDX-License-Identifier: GPL-2.0-only
/*
 * A machine without interrupt remapping: a device could forge any interrupt,
 * so its group is refused until the administrator says otherwise.
 */
#include "kselftest_harness.h"
#include "edu.h"
#include "sys.h"
#include "vfio.h"

#define ALLOW "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts"

FIXTURE(noir)
{
	struct pci_dev dev;
	int container;
	int group;
};

FIXTURE_SETUP(noir)
{
	ASSERT_EQ(0, sys_write(ALLOW, "N"));
	ASSERT_EQ(0, pci_find_alone(&self->dev, PCI_ID_EDU, 0));
	ASSERT_EQ(0, pci_bind(&self->dev, "vfio-pci"));
	self->container = vfio_container();
	ASSERT_LE(0, self->container);
	self->group = vfio_group(&self->dev);
	ASSERT_LE(0, self->group);
}

FIXTURE_TEARDOWN(noir)
{
	close(self->group);
	close(self->container);
	sys_write(ALLOW, "N");
}

TEST_F(noir, refused)
{
	struct vfio_iommu_type1_info info = { .argsz = sizeof(info) };

	ASSERT_EQ(0, vfio_set_container(self->group, self->container));
	EXPECT_EQ(-EPERM, vfio_set_iommu(self->container, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(-EPERM, vfio_set_iommu(self->container, VFIO_TYPE1_IOMMU));
	EXPECT_EQ(-EINVAL, vfio_get_device(self->group, self->dev.name));
	EXPECT_EQ(-EINVAL,
		  vfio_ioctl(self->container, VFIO_IOMMU_GET_INFO, &info));
	EXPECT_EQ(0, vfio_unset_container(self->group));
}

TEST_F(noir, allowed_by_the_administrator)
{
	char *page = sys_alloc(PAGE, PAGE);
	struct edu edu;
	int kmsg = kmsg_open(), fd;

	ASSERT_NE(NULL, page);
	ASSERT_EQ(0, sys_write(ALLOW, "Y"));
	ASSERT_EQ(0, vfio_set_container(self->group, self->container));
	ASSERT_EQ(0, vfio_set_iommu(self->container, VFIO_TYPE1v2_IOMMU));
	/* Not silently. */
	EXPECT_TRUE(kmsg_wait(kmsg, "nsafe", "nterrupt", 1000) ||
		    sys_is_peer());
	fd = vfio_get_device(self->group, self->dev.name);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, edu_attach(&edu, fd));
	ASSERT_EQ(0, vfio_map(self->container, MIB, page, PAGE, MAP_RW));
	memset(page, 0x61, 64);
	ASSERT_TRUE(edu_dma_from(&edu, MIB, 0, 64));
	ASSERT_TRUE(edu_dma_to(&edu, MIB + 64, 0, 64));
	EXPECT_EQ(0, memcmp(page, page + 64, 64));
	close(fd);
}

/* A second group joining a container with a type is judged as well. */
TEST_F(noir, second_group_refused)
{
	struct pci_dev dev;
	int group;

	ASSERT_EQ(0, pci_find_alone(&dev, PCI_ID_EDU, 1));
	ASSERT_EQ(0, pci_bind(&dev, "vfio-pci"));
	group = vfio_group(&dev);
	ASSERT_LE(0, group);
	ASSERT_EQ(0, sys_write(ALLOW, "Y"));
	ASSERT_EQ(0, vfio_set_container(self->group, self->container));
	ASSERT_EQ(0, vfio_set_iommu(self->container, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, sys_write(ALLOW, "N"));
	EXPECT_EQ(-EPERM, vfio_set_container(group, self->container));
	EXPECT_EQ(VFIO_GROUP_FLAGS_VIABLE, vfio_group_flags(group));
	ASSERT_EQ(0, sys_write(ALLOW, "Y"));
	EXPECT_EQ(0, vfio_set_container(group, self->container));
	close(group);
}

TEST_HARNESS_MAIN
