// SPDX-License-Identifier: GPL-2.0-only
/*
 * A unified space and its groups: memory can be registered before there is one,
 * what is mapped stays when they leave, and is there when others come.
 */
#include "kselftest_harness.h"
#include "uni.h"

#include <sys/mman.h>

#define MISSED UNI_MISSED
#define REACHED UNI_REACHED

FIXTURE(groups)
{
	struct pci_dev dev[2];
	struct uni u;
	uint64_t p;
	char *mem; /* 8 pages */
	long pins;
};

FIXTURE_SETUP(groups)
{
	int i;

	if (!uni_offered())
		SKIP(return, "no unified spaces");
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pci_find_alone(&self->dev[i], PCI_ID_EDU, i));
	self->p = uni_page();
	self->pins = sys_pins();
	self->mem = sys_alloc(8 * self->p, self->p);
	ASSERT_NE(NULL, self->mem);
	self->u.c = -1;
	self->u.v = (struct vfio){ .container = -1, .group = -1, .device = -1 };
}

FIXTURE_TEARDOWN(groups)
{
	uni_close(&self->u);
	EXPECT_LOCKED(0);
	EXPECT_TRUE(sys_pins_settle(self->pins, 1000));
}

/* The same space and memory, seen by another device that joins. */
static int second(struct uni *to, const struct uni *from,
		  const struct pci_dev *dev)
{
	*to = *from;
	to->c = dup(from->c);
	return uni_join(to, dev);
}

static int groups_of(int c)
{
	struct sluice_info info;
	int ret = uni_info(c, &info);

	return ret ? ret : (int)info.groups;
}

TEST_F(groups, memory_before_any_group)
{
	struct sluice_window w;
	struct uni_layout l;
	uint32_t handle;
	uint64_t a;
	int c;

	c = uni_container();
	ASSERT_LE(0, c);
	ASSERT_EQ(0, uni_query(c, &l));
	EXPECT_EQ(0, l.q.nr_ranges);
	EXPECT_EQ(0, l.q.nr_windows);
	EXPECT_EQ(0, groups_of(c));
	EXPECT_EQ(-ENODEV, uni_window(c, self->p, 0, &a));
	EXPECT_EQ(-ENODEV, uni_window_at(c, 0, self->p, 0));
	ASSERT_EQ(0, uni_register(c, self->mem, 8 * self->p, UNI_RW, &handle));
	EXPECT_LOCKED(8 * self->p / KIB);
	EXPECT_EQ(self->pins + 8, sys_pins());
	EXPECT_EQ(-EINVAL, uni_map_handle(c, 0, handle, 0, self->p, UNI_RW));
	EXPECT_EQ(-EINVAL, uni_map(c, 0, self->mem, self->p, UNI_RW));
	EXPECT_EQ(0, uni_unmap(c, 0, self->p));
	EXPECT_EQ(0, uni_unmap_all(c));

	self->u.c = c;
	self->u.p = self->p;
	ASSERT_EQ(0, uni_join(&self->u, &self->dev[0]));
	ASSERT_EQ(0, uni_ready(&self->u));
	EXPECT_EQ(1, groups_of(c));
	ASSERT_EQ(0, uni_query(c, &l));
	EXPECT_LT(0, l.q.nr_ranges);
	w = l.windows[0];
	EXPECT_EQ(self->u.base, w.start);
	ASSERT_EQ(0, uni_map_handle(c, self->u.base, handle, 7 * self->p,
				    self->p, UNI_RW));
	EXPECT_EQ(REACHED, uni_dma_write(&self->u, self->u.base,
					 self->mem + 7 * self->p));
}

TEST_F(groups, closed_without_any_group)
{
	int c = uni_container();
	uint32_t handle;

	ASSERT_LE(0, c);
	ASSERT_EQ(0, uni_register(c, self->mem, 8 * self->p, UNI_RW, &handle));
	EXPECT_EQ(self->pins + 8, sys_pins());
	close(c);
}

TEST_F(groups, mappings_outlive_them)
{
	uint64_t p = self->p, at;
	struct uni *u = &self->u;
	long locked, pins;
	uint32_t handle;

	ASSERT_EQ(0, uni_open_ready(u, 0));
	at = u->base;
	ASSERT_EQ(0, uni_register(u->c, self->mem, 2 * p, UNI_RW, &handle));
	ASSERT_EQ(0, uni_map_handle(u->c, at, handle, 0, 2 * p, UNI_RW));
	ASSERT_EQ(0,
		  uni_map(u->c, at + 2 * p, self->mem + 2 * p, 2 * p, UNI_RW));
	ASSERT_EQ(0, uni_map(u->c, at + 6 * p, self->mem, p, SLUICE_READ));
	EXPECT_EQ(REACHED, uni_dma_write(u, at, self->mem));
	EXPECT_EQ(-EBUSY, vfio_unset_container(u->v.group));
	locked = uni_locked_kib(u->c);
	pins = sys_pins();
	ASSERT_EQ(0, uni_leave(u));
	EXPECT_EQ(0, groups_of(u->c));
	EXPECT_UNI_LOCKED(u->c, locked);
	EXPECT_EQ(pins, sys_pins());
	EXPECT_EQ(-EBUSY, uni_unregister(u->c, handle));
	EXPECT_EQ(-EBUSY, uni_window_remove(u->c, u->base));
	EXPECT_EQ(-EINVAL, vfio_set_iommu(u->c, SLUICE_UNIFIED_IOMMU));
	EXPECT_EQ(-EINVAL, vfio_set_iommu(u->c, VFIO_TYPE1v2_IOMMU));

	ASSERT_EQ(0, uni_join(u, &self->dev[0]));
	EXPECT_EQ(REACHED, uni_dma_write(u, at + p, self->mem + p));
	EXPECT_EQ(REACHED, uni_dma_write(u, at + 3 * p, self->mem + 3 * p));
	EXPECT_EQ(MISSED, uni_dma_write(u, at + 6 * p, self->mem));
	EXPECT_EQ(REACHED, uni_dma_read(u, at + 6 * p, self->mem));
	EXPECT_EQ(-EEXIST, uni_map(u->c, at, self->mem, p, UNI_RW));
	EXPECT_EQ(5 * p, uni_unmap(u->c, at, 8 * p));
	EXPECT_EQ(0, uni_unregister(u->c, handle));
}

/* Nobody is there, and the space is changed. */
TEST_F(groups, changed_without_them)
{
	uint64_t p = self->p, at, a;
	struct uni *u = &self->u;
	uint32_t handle;

	ASSERT_EQ(0, uni_open_ready(u, 0));
	at = u->base;
	ASSERT_EQ(0, uni_register(u->c, self->mem, 8 * p, UNI_RW, &handle));
	ASSERT_EQ(0, uni_map_handle(u->c, at, handle, 0, 4 * p, UNI_RW));
	EXPECT_EQ(REACHED, uni_dma_write(u, at + p, self->mem + p));
	ASSERT_EQ(0, uni_leave(u));
	EXPECT_EQ(2 * p, uni_unmap(u->c, at + p, 2 * p));
	ASSERT_EQ(0,
		  uni_map_handle(u->c, at + 2 * p, handle, 5 * p, p, UNI_RW));
	ASSERT_EQ(0, uni_map(u->c, at + 4 * p, self->mem, p, UNI_RW));
	ASSERT_EQ(0, uni_window(u->c, p, 0, &a));
	EXPECT_EQ(0, uni_window_remove(u->c, a));

	ASSERT_EQ(0, uni_join(u, &self->dev[0]));
	EXPECT_EQ(REACHED, uni_dma_write(u, at, self->mem));
	EXPECT_EQ(MISSED, uni_dma_write(u, at + p, self->mem + p));
	EXPECT_EQ(REACHED, uni_dma_write(u, at + 2 * p, self->mem + 5 * p));
	EXPECT_EQ(REACHED, uni_dma_write(u, at + 3 * p, self->mem + 3 * p));
	EXPECT_EQ(REACHED, uni_dma_write(u, at + 4 * p, self->mem));
}

TEST_F(groups, another_takes_over)
{
	uint64_t p = self->p;
	struct uni *u = &self->u;

	ASSERT_EQ(0, uni_open_ready(u, 0));
	ASSERT_EQ(0, uni_map(u->c, u->base, self->mem, p, UNI_RW));
	ASSERT_EQ(0, uni_leave(u));
	ASSERT_EQ(0, uni_join(u, &self->dev[1]));
	EXPECT_EQ(REACHED, uni_dma_write(u, u->base, self->mem));
	EXPECT_EQ(p, uni_unmap(u->c, u->base, p));
	EXPECT_EQ(MISSED, uni_dma_write(u, u->base, self->mem));
}

TEST_F(groups, two_share_a_space)
{
	uint64_t p = self->p, at;
	struct uni *u = &self->u, two;
	uint32_t handle;

	ASSERT_EQ(0, uni_open_ready(u, 0));
	at = u->base;
	ASSERT_EQ(0, uni_register(u->c, self->mem, 4 * p, UNI_RW, &handle));
	ASSERT_EQ(0, uni_map_handle(u->c, at, handle, 0, p, UNI_RW));
	ASSERT_EQ(0, second(&two, u, &self->dev[1]));
	EXPECT_EQ(2, groups_of(u->c));
	ASSERT_EQ(0, uni_map_handle(u->c, at + p, handle, p, 2 * p, UNI_RW));
	EXPECT_EQ(REACHED, uni_dma_write(&two, at, self->mem));
	EXPECT_EQ(REACHED, uni_dma_write(&two, at + p, self->mem + p));
	EXPECT_EQ(REACHED, uni_dma_write(u, at + p, self->mem + p));
	EXPECT_EQ(REACHED, uni_dma_write(u, at + 2 * p, self->mem + 2 * p));
	EXPECT_EQ(p, uni_unmap(u->c, at + p, p));
	EXPECT_EQ(MISSED, uni_dma_write(u, at + p, self->mem + p));
	EXPECT_EQ(MISSED, uni_dma_write(&two, at + p, self->mem + p));
	/* The first one goes: the other doesn't notice. */
	ASSERT_EQ(0, uni_leave(u));
	EXPECT_EQ(1, groups_of(u->c));
	EXPECT_EQ(REACHED, uni_dma_write(&two, at + 2 * p, self->mem + 2 * p));
	EXPECT_EQ(2 * p, uni_unmap(u->c, at, 3 * p));
	EXPECT_EQ(MISSED, uni_dma_write(&two, at + 2 * p, self->mem + 2 * p));
	uni_close(&two);
}

/* The groups keep the space, with all that is mapped. */
TEST_F(groups, container_fd_closed)
{
	uint64_t p = self->p;
	struct uni *u = &self->u;
	long pins;

	ASSERT_EQ(0, uni_open_ready(u, 0));
	ASSERT_EQ(0, uni_map(u->c, u->base, self->mem, 8 * p, UNI_RW));
	pins = sys_pins();
	close(u->v.container);
	u->v.container = -1;
	EXPECT_EQ(pins, sys_pins());
	EXPECT_EQ(REACHED, uni_dma_write(u, u->base + p, self->mem + p));
}

/* Windows, mappings and registrations that nobody has taken back. */
TEST_F(groups, closed_with_all)
{
	struct uni *u = &self->u;
	uint32_t handle, i;
	uint64_t a;

	ASSERT_EQ(0, uni_open_ready(u, 0));
	for (i = 0; i < 8; i++) {
		ASSERT_EQ(0, uni_window(u->c, 16 * self->p, 0, &a));
		ASSERT_EQ(0, uni_register(u->c, self->mem, 8 * self->p, UNI_RW,
					  &handle));
		ASSERT_EQ(0, uni_map_handle(u->c, a, handle, 0, 8 * self->p,
					    UNI_RW));
		ASSERT_EQ(0, uni_map(u->c, a + 8 * self->p, self->mem,
				     8 * self->p, UNI_RW));
	}
	EXPECT_EQ(self->pins + 8 * 16 + 1, sys_pins());
}

/* What linux/vfio.h has for the other types isn't for this one. */
TEST_F(groups, no_other_types_ioctls)
{
	struct vfio_iommu_type1_info info = { .argsz = sizeof(info) };
	struct uni *u = &self->u;

	ASSERT_EQ(0, uni_open_ready(u, 0));
	EXPECT_EQ(-ENOTTY, vfio_map(u->c, u->base, self->mem, self->p, MAP_RW));
	EXPECT_EQ(-ENOTTY, vfio_unmap(u->c, u->base, self->p));
	EXPECT_EQ(-ENOTTY, vfio_unmap_all(u->c));
	EXPECT_EQ(-ENOTTY, vfio_ioctl(u->c, VFIO_IOMMU_GET_INFO, &info));
	EXPECT_EQ(-EINVAL, vfio_set_iommu(u->c, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(-EINVAL, vfio_set_iommu(u->c, SLUICE_UNIFIED_IOMMU));
}

int main(int argc, char **argv)
{
	return uni_main(argc, argv, test_harness_run);
}
