// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA_BATCH in a container of the type TYPE1v2: the same vectors by that type's
 * rules, and nothing else of linux/sluice.h.
 */
#include "kselftest_harness.h"
#include "uni.h"

#define MISSED UNI_MISSED
#define REACHED UNI_REACHED

FIXTURE(type1)
{
	struct uni u; /* of the other type: no window */
	int c;
	uint64_t p, at;
	char *mem; /* 8 pages */
};

FIXTURE_SETUP(type1)
{
	struct vfio_iova_range r;
	struct pci_dev dev;

	if (!uni_offered())
		SKIP(return, "no unified spaces");
	self->u.pins = sys_pins();
	ASSERT_EQ(0, pci_find_alone(&dev, PCI_ID_EDU, 0));
	ASSERT_EQ(0, vfio_open(&self->u.v, &dev, VFIO_TYPE1v2_IOMMU));
	self->c = self->u.v.container;
	ASSERT_EQ(0, edu_attach(&self->u.edu, self->u.v.device));
	self->p = uni_page();
	self->mem = sys_alloc(9 * self->p, self->p);
	ASSERT_NE(NULL, self->mem);
	ASSERT_LT(0, vfio_iova_ranges(self->c, &r, 1));
	self->at = r.start + self->p;
	/* What uni_dma_write() needs. */
	self->u.p = self->p;
	self->u.base = r.start;
	self->u.size = self->p;
	self->u.well = self->mem + 8 * self->p;
	ASSERT_EQ(0, uni_map(self->c, r.start, self->u.well, self->p, UNI_RW));
}

FIXTURE_TEARDOWN(type1)
{
	uni_close(&self->u);
	EXPECT_LOCKED(0);
	EXPECT_TRUE(sys_pins_settle(self->u.pins, 1000));
}

TEST_F(type1, whole_mappings)
{
	uint64_t p = self->p, at = self->at, unmapped;
	struct sluice_dma_op ops[4];
	uint32_t done;

	ops[0] = uni_op_map(at, self->mem, 2 * p, UNI_RW);
	ops[1] = uni_op_map(at + 2 * p, self->mem + 2 * p, p, SLUICE_READ);
	ops[2] = uni_op_map(at + p, self->mem, p, UNI_RW);
	ops[3] = uni_op_map(at + 4 * p, self->mem, p, UNI_RW);
	EXPECT_EQ(-EEXIST, uni_batch(self->c, ops, 4, &done, &unmapped));
	EXPECT_EQ(2, done);
	EXPECT_EQ(0, unmapped);
	EXPECT_LOCKED(4 * p / KIB);
	EXPECT_EQ(REACHED, uni_dma_write(&self->u, at + p, self->mem + p));
	EXPECT_EQ(MISSED,
		  uni_dma_write(&self->u, at + 2 * p, self->mem + 2 * p));
	ops[0] = uni_op_unmap(at, p);
	EXPECT_EQ(-EINVAL, uni_batch(self->c, ops, 1, &done, &unmapped));
	EXPECT_EQ(-EINVAL, uni_unmap(self->c, at + p, 2 * p));
	EXPECT_EQ(REACHED, uni_dma_write(&self->u, at, self->mem));
	ops[0] = uni_op_unmap(at + 2 * p, p);
	ops[1] = uni_op_unmap(at, 8 * p);
	EXPECT_EQ(0, uni_batch(self->c, ops, 2, &done, &unmapped));
	EXPECT_EQ(2, done);
	EXPECT_EQ(3 * p, unmapped);
	EXPECT_EQ(MISSED, uni_dma_write(&self->u, at, self->mem));
}

/* Unmapped and mapped again in one call: the device is at the new memory after it. */
TEST_F(type1, replaced)
{
	uint64_t p = self->p, at = self->at, unmapped;
	struct sluice_dma_op ops[2];
	uint32_t done;

	ASSERT_EQ(0, uni_map(self->c, at, self->mem, p, UNI_RW));
	EXPECT_EQ(REACHED, uni_dma_write(&self->u, at, self->mem));
	ops[0] = uni_op_unmap(at, p);
	ops[1] = uni_op_map(at, self->mem + p, p, UNI_RW);
	EXPECT_EQ(0, uni_batch(self->c, ops, 2, &done, &unmapped));
	EXPECT_EQ(2, done);
	EXPECT_EQ(p, unmapped);
	EXPECT_EQ(REACHED, uni_dma_write(&self->u, at, self->mem + p));
	EXPECT_EQ(MISSED, uni_dma_write(&self->u, at, self->mem));
	EXPECT_LOCKED(2 * p / KIB);
}

/* Both ways lead to the same mappings. */
TEST_F(type1, beside_the_old_calls)
{
	uint64_t p = self->p, at = self->at;

	ASSERT_EQ(0, uni_map(self->c, at, self->mem, 2 * p, UNI_RW));
	EXPECT_EQ(-EEXIST, vfio_map(self->c, at, self->mem, p, MAP_RW));
	EXPECT_EQ(2 * p, vfio_unmap(self->c, at, 2 * p));
	ASSERT_EQ(0, vfio_map(self->c, at, self->mem, 2 * p, MAP_RW));
	EXPECT_EQ(-EINVAL, uni_unmap(self->c, at, p));
	EXPECT_EQ(3 * p, uni_unmap_all(self->c));
	EXPECT_LOCKED(0);
}

TEST_F(type1, nothing_of_the_other_type)
{
	struct sluice_dma_op op =
		uni_op_map(self->at, self->mem, self->p, UNI_RW);
	struct sluice_dma_batch batch = {
		.argsz = sizeof(batch),
		.flags = SLUICE_BATCH_ATOMIC,
		.ops = (uintptr_t)&op,
		.nr_ops = 1,
	};
	struct sluice_info info;
	struct uni_layout l;
	uint32_t handle;
	uint64_t a;

	EXPECT_EQ(-ENOTTY,
		  uni_register(self->c, self->mem, self->p, UNI_RW, &handle));
	EXPECT_EQ(-ENOTTY, uni_unregister(self->c, 1));
	EXPECT_EQ(-ENOTTY, uni_query(self->c, &l));
	EXPECT_EQ(-ENOTTY, uni_window(self->c, self->p, 0, &a));
	EXPECT_EQ(-ENOTTY, uni_window_remove(self->c, 0));
	EXPECT_EQ(-ENOTTY, uni_info(self->c, &info));
	EXPECT_EQ(-EINVAL,
		  uni_map_handle(self->c, self->at, 1, 0, self->p, UNI_RW));
	EXPECT_EQ(-EOPNOTSUPP, vfio_ioctl(self->c, SLUICE_DMA_BATCH, &batch));
	EXPECT_EQ(self->p, uni_unmap_all(self->c));
}

int main(int argc, char **argv)
{
	return uni_main(argc, argv, test_harness_run);
}
