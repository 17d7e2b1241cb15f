// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA of a real (emulated) device through the IOMMU: what is mapped is
 * reached byte by byte, what isn't mapped, or not any more, or not for
 * writing, stays as it is, and the fault is reported with the device's name.
 */
#include "kselftest_harness.h"
#include "edu.h"
#include "legacy.h"
#include "sys.h"
#include "vfio.h"

/* After so long without a fault, the kernel reports the next ones again. */
#define FAULT_LIMIT_MS 5200

/* The most that the device carries at once. */
#define LOAD EDU_BUF_SIZE

FIXTURE(edu)
{
	struct vfio v;
	struct edu edu;
	int c; /* v.container, for brevity */
	int kmsg;
	unsigned int seed;
};

FIXTURE_SETUP(edu)
{
	struct pci_dev dev;

	ASSERT_EQ(0, pci_find_alone(&dev, PCI_ID_EDU, 0));
	ASSERT_EQ(0, legacy_open(&self->v, &dev));
	ASSERT_EQ(0, edu_attach(&self->edu, self->v.device));
	self->c = self->v.container;
	self->kmsg = kmsg_open();
	ASSERT_LE(0, self->kmsg);
	self->seed = 1;
}

FIXTURE_TEARDOWN(edu)
{
	vfio_close(&self->v);
}

static void fill(char *buf, size_t len, unsigned int *seed)
{
	while (len--)
		*buf++ = rand_r(seed);
}

/*
 * Does a DMA of 64 bytes end in a fault report that names the device? The
 * kernel limits the rate of its reports, so one may need a second attempt.
 */
static bool dma_faults(struct _test_data_edu *self, uint64_t iova,
		       bool to_memory)
{
	int attempt;

	for (attempt = 0; attempt < 2; attempt++) {
		if (attempt)
			sys_sleep_ms(FAULT_LIMIT_MS);
		edu_dma_start(&self->edu, iova, 0, 64, to_memory, false);
		if (!edu_dma_wait(&self->edu, 5000))
			return false;
		if (pci_fault_wait(self->kmsg, self->v.pci.name, 500))
			return true;
	}
	return false;
}

/*
 * Memory @from bytes into a mapped area goes to @to bytes into it, through
 * the device. Not one other byte of the area may change.
 */
static void carry(struct __test_metadata *_metadata,
		  struct _test_data_edu *self, char *area, size_t size,
		  uint64_t iova, size_t from, size_t to, unsigned int len)
{
	char *want = malloc(size);

	ASSERT_NE(NULL, want);
	fill(area, size, &self->seed);
	memcpy(want, area, size);
	ASSERT_TRUE(edu_dma_from(&self->edu, iova + from, 0, len));
	EXPECT_EQ(0, memcmp(area, want, size));
	memmove(want + to, want + from, len);
	ASSERT_TRUE(edu_dma_to(&self->edu, iova + to, 0, len));
	EXPECT_EQ(0, memcmp(area, want, size))
	{
		TH_LOG("area of %zu at %llx, %zu to %zu, %u bytes", size,
		       (unsigned long long)iova, from, to, len);
	}
	free(want);
}

/* Map, carry end to end and askew, unmap. */
static void carry_all(struct __test_metadata *_metadata,
		      struct _test_data_edu *self, char *area, size_t size,
		      uint64_t iova)
{
	ASSERT_EQ(0, legacy_map(self->c, iova, area, size, MAP_RW))
	{
		TH_LOG("%zu bytes at iova %llx", size,
		       (unsigned long long)iova);
	}
	carry(_metadata, self, area, size, iova, 0, size - 2048, 2048);
	carry(_metadata, self, area, size, iova, size - 1501, 3, 1501);
	EXPECT_EQ(size, legacy_unmap(self->c, iova, size));
}

TEST_F_TIMEOUT(edu, sizes, 60)
{
	const size_t sizes[] = { PAGE, 2 * PAGE, 16 * PAGE,	MIB - PAGE,
				 MIB,  2 * MIB,	 2 * MIB + PAGE };
	unsigned int i;
	char *area;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		area = sys_alloc(sizes[i], PAGE);
		ASSERT_NE(NULL, area);
		carry_all(_metadata, self, area, sizes[i],
			  64 * MIB + i * 4 * MIB + i * PAGE);
		EXPECT_FALSE(kmsg_wait(self->kmsg, "fault addr", NULL, 0));
	}
}

TEST_F_TIMEOUT(edu, places, 60)
{
	char *area = sys_alloc(2 * PAGE, PAGE);
	struct vfio_iova_range r[32];
	int n, i;

	ASSERT_NE(NULL, area);
	n = legacy_ranges(self->c, r, 32);
	ASSERT_LT(0, n);
	ASSERT_GE(32, n);
	for (i = 0; i < n; i++) {
		carry_all(_metadata, self, area, 2 * PAGE, r[i].start);
		carry_all(_metadata, self, area, 2 * PAGE,
			  r[i].end + 1 - 2 * PAGE);
	}
	if (r[n - 1].end >= 4 * GIB + PAGE - 1)
		carry_all(_metadata, self, area, 2 * PAGE, 4 * GIB - PAGE);
	/* Where a fourth level's entry ends, if there is a fourth level. */
	if (r[n - 1].end >= 512 * GIB + PAGE - 1)
		carry_all(_metadata, self, area, 2 * PAGE, 512 * GIB - PAGE);
}

/* Huge pages in memory, at IOVAs that allow for a superpage or don't. */
static void carry_huge(struct __test_metadata *_metadata,
		       struct _test_data_edu *self, char *area)
{
	memset(area, 1, 2 * MIB);
	carry_all(_metadata, self, area, 2 * MIB, 16 * MIB);
	carry_all(_metadata, self, area, 2 * MIB, 32 * MIB + PAGE);
	carry_all(_metadata, self, area + PAGE, MIB, 32 * MIB);
}

TEST_F_TIMEOUT(edu, transparent_huge_page, 60)
{
	char *area = sys_alloc(2 * MIB, 2 * MIB);

	ASSERT_NE(NULL, area);
	/* Populated by small pages so far: start afresh, with advice. */
	ASSERT_EQ(0, madvise(area, 2 * MIB, MADV_DONTNEED));
	ASSERT_EQ(0, madvise(area, 2 * MIB, MADV_HUGEPAGE));
	carry_huge(_metadata, self, area);
}

TEST_F_TIMEOUT(edu, hugetlb_page, 60)
{
	char *area;

	area = mmap(NULL, 2 * MIB, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (area == MAP_FAILED)
		SKIP(return, "no huge page left");
	carry_huge(_metadata, self, area);
}

TEST_F(edu, shared_memory)
{
	int fd = memfd_create("edu", 0);
	char *area;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, 4 * PAGE));
	area = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, area);
	carry_all(_metadata, self, area, 4 * PAGE, MIB);
}

/* One DMA across two mappings whose memory lies in the other order. */
TEST_F(edu, across_mappings)
{
	char *area = sys_alloc(2 * PAGE, PAGE), want[LOAD], got[LOAD];
	const size_t from = PAGE - LOAD + 1000;

	ASSERT_NE(NULL, area);
	fill(area, 2 * PAGE, &self->seed);
	ASSERT_EQ(0, legacy_map(self->c, MIB, area + PAGE, PAGE, MAP_RW));
	ASSERT_EQ(0, legacy_map(self->c, MIB + PAGE, area, PAGE, MAP_RW));
	/* As much as the device takes, the last 1000 bytes from the second. */
	memcpy(want, area + PAGE + from, LOAD - 1000);
	memcpy(want + LOAD - 1000, area, 1000);
	ASSERT_TRUE(edu_dma_from(&self->edu, MIB + from, 0, LOAD));
	memset(area, 0, 2 * PAGE);
	ASSERT_TRUE(edu_dma_to(&self->edu, MIB + from, 0, LOAD));
	memcpy(got, area + PAGE + from, LOAD - 1000);
	memcpy(got + LOAD - 1000, area, 1000);
	EXPECT_EQ(0, memcmp(got, want, LOAD));
	EXPECT_EQ(0, area[PAGE + from - 1]);
	EXPECT_EQ(0, area[1000]);
}

/* A write must be the first access: QEMU faults only if nothing is cached. */
TEST_F(edu, read_only_mapping)
{
	char *area = sys_alloc(PAGE, PAGE), want[PAGE];

	ASSERT_NE(NULL, area);
	fill(area, PAGE, &self->seed);
	memcpy(want, area, PAGE);
	ASSERT_EQ(0, legacy_map(self->c, MIB, area, PAGE, MAP_R));
	EXPECT_TRUE(dma_faults(self, MIB, true));
	EXPECT_EQ(0, memcmp(area, want, PAGE));

	/* Reading works, and doesn't open the way for a write. */
	ASSERT_TRUE(edu_dma_from(&self->edu, MIB, 0, 64));
	ASSERT_TRUE(edu_dma_to(&self->edu, MIB + 64, 0, 64));
	EXPECT_EQ(0, memcmp(area, want, PAGE));
	EXPECT_EQ(PAGE, legacy_unmap(self->c, MIB, PAGE));

	ASSERT_EQ(0, legacy_map(self->c, MIB, area, PAGE, MAP_RW));
	ASSERT_TRUE(edu_dma_to(&self->edu, MIB + 64, 0, 64));
	memcpy(want + 64, want, 64);
	EXPECT_EQ(0, memcmp(area, want, PAGE));
}

/*
 * That the device can't read there isn't checked: QEMU's VT-d lets it, though
 * the page table says otherwise.
 */
TEST_F(edu, write_only_mapping)
{
	char *area = sys_alloc(2 * PAGE, PAGE);

	ASSERT_NE(NULL, area);
	memset(area, 0x11, PAGE);
	memset(area + PAGE, 0x22, PAGE);
	ASSERT_EQ(0, legacy_map(self->c, MIB, area, PAGE, MAP_R));
	ASSERT_EQ(0, legacy_map(self->c, 2 * MIB, area + PAGE, PAGE, MAP_W));
	ASSERT_TRUE(edu_dma_from(&self->edu, MIB, 0, 64));
	ASSERT_TRUE(edu_dma_to(&self->edu, 2 * MIB + 64, 0, 64));
	EXPECT_EQ(0x22, area[PAGE + 63]);
	EXPECT_EQ(0x11, area[PAGE + 64]);
	EXPECT_EQ(0x11, area[PAGE + 127]);
	EXPECT_EQ(0x22, area[PAGE + 128]);
}

TEST_F(edu, stray_dma_before_map)
{
	EXPECT_TRUE(dma_faults(self, 5 * MIB, true));
	EXPECT_TRUE(dma_faults(self, 6 * MIB, false));
}

TEST_F(edu, stray_dma_after_unmap)
{
	char *area = sys_alloc(2 * MIB, PAGE);

	ASSERT_NE(NULL, area);
	ASSERT_EQ(0, legacy_map(self->c, 8 * MIB, area, 2 * MIB, MAP_RW));
	/* Both ends are used, and so cached, first. */
	memset(area, 0x33, 64);
	ASSERT_TRUE(edu_dma_from(&self->edu, 8 * MIB, 0, 64));
	ASSERT_TRUE(edu_dma_to(&self->edu, 10 * MIB - 64, 0, 64));
	EXPECT_EQ(0x33, area[2 * MIB - 64]);
	EXPECT_EQ(2 * MIB, legacy_unmap(self->c, 8 * MIB, 2 * MIB));

	memset(area, 0x44, 2 * MIB);
	EXPECT_TRUE(dma_faults(self, 8 * MIB, true));
	EXPECT_TRUE(dma_faults(self, 10 * MIB - 64, true));
	EXPECT_EQ(0x44, area[0]);
	EXPECT_EQ(0, memcmp(area, area + 1, 2 * MIB - 1));
}

/* Beside a mapping lies memory of the same process, but it isn't mapped. */
TEST_F(edu, past_the_end)
{
	char *area = sys_alloc(3 * PAGE, PAGE);

	ASSERT_NE(NULL, area);
	memset(area, 0x55, 3 * PAGE);
	ASSERT_EQ(0, legacy_map(self->c, MIB, area + PAGE, PAGE, MAP_RW));
	memset(area + PAGE, 0x66, 64);
	ASSERT_TRUE(edu_dma_from(&self->edu, MIB, 0, 64));
	EXPECT_TRUE(dma_faults(self, MIB + PAGE, true));
	EXPECT_TRUE(dma_faults(self, MIB - 64, true));
	EXPECT_EQ(0x55, area[PAGE - 64]);
	EXPECT_EQ(0x55, area[PAGE - 1]);
	EXPECT_EQ(0x55, area[2 * PAGE]);
	EXPECT_EQ(0x55, area[2 * PAGE + 63]);
}

TEST_F(edu, remap_is_seen_at_once)
{
	char *a = sys_alloc(PAGE, PAGE), *b = sys_alloc(PAGE, PAGE);
	int i;

	ASSERT_NE(NULL, a);
	ASSERT_NE(NULL, b);
	for (i = 0; i < 4; i++) {
		char *from = i & 1 ? b : a, *to = i & 1 ? a : b;

		memset(from, 0x70 + i, LOAD);
		memset(to, 0, LOAD);
		ASSERT_EQ(0, legacy_map(self->c, MIB, from, PAGE, MAP_RW));
		ASSERT_TRUE(edu_dma_from(&self->edu, MIB, 0, LOAD));
		EXPECT_EQ(PAGE, legacy_unmap(self->c, MIB, PAGE));
		ASSERT_EQ(0, legacy_map(self->c, MIB, to, PAGE, MAP_RW));
		memset(from, 0, LOAD);
		ASSERT_TRUE(edu_dma_to(&self->edu, MIB, 0, LOAD));
		EXPECT_EQ(0x70 + i, to[0]);
		EXPECT_EQ(0, memcmp(to, to + 1, LOAD - 1));
		EXPECT_EQ(0, from[0]);
		EXPECT_EQ(0, memcmp(from, from + 1, LOAD - 1));
		EXPECT_EQ(PAGE, legacy_unmap(self->c, MIB, PAGE));
	}
}

/* After small pages, a superpage at the same place, and back. */
TEST_F_TIMEOUT(edu, remap_in_another_size, 60)
{
	char *area = sys_alloc(2 * MIB, 2 * MIB);
	long locked = 0;
	int i;

	ASSERT_NE(NULL, area);
	ASSERT_EQ(0, madvise(area, 2 * MIB, MADV_HUGEPAGE));
	for (i = 0; i < 2; i++) {
		carry_all(_metadata, self, area, PAGE, 64 * MIB);
		carry_all(_metadata, self, area, 2 * MIB, 64 * MIB);
		carry_all(_metadata, self, area + PAGE, MIB, 64 * MIB);
		/* What the first round leaves locked are tables. */
		if (!i)
			locked = sys_locked_kib();
	}
	EXPECT_LOCKED(locked);
	EXPECT_TRUE(!locked || legacy_is_spapr());
}

/* The memory of an IOVA is that of the map, whatever the process does. */
TEST_F(edu, memory_replaced_by_the_process)
{
	char *area = sys_alloc(PAGE, PAGE);

	ASSERT_NE(NULL, area);
	ASSERT_EQ(0, legacy_map(self->c, MIB, area, PAGE, MAP_RW));
	ASSERT_EQ(area, mmap(area, PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	memset(area, 0x12, PAGE);
	ASSERT_TRUE(edu_dma_to(&self->edu, MIB, 0, LOAD));
	EXPECT_EQ(0x12, area[0]);
	EXPECT_EQ(0, memcmp(area, area + 1, PAGE - 1));
}

/* Without bus mastering nothing leaves the device. */
TEST_F(edu, bus_master_off)
{
	char *area = sys_alloc(PAGE, PAGE);

	ASSERT_NE(NULL, area);
	ASSERT_EQ(0, legacy_map(self->c, MIB, area, PAGE, MAP_RW));
	memset(area, 0x13, PAGE);
	ASSERT_TRUE(edu_dma_from(&self->edu, MIB, 0, 64));
	memset(area, 0x14, PAGE);
	ASSERT_EQ(0, vfio_command(self->v.device, 0, 4));
	ASSERT_TRUE(edu_dma_to(&self->edu, MIB, 0, 64));
	EXPECT_EQ(0x14, area[0]);
	ASSERT_EQ(0, vfio_command(self->v.device, 4, 0));
	ASSERT_TRUE(edu_dma_to(&self->edu, MIB, 0, 64));
	EXPECT_EQ(0x13, area[0]);
}

TEST_HARNESS_MAIN
