// SPDX-License-Identifier: GPL-2.0-only
/*
 * BARs and pages: what of a BAR can be mapped where a page is larger than the
 * BAR, or somebody else's BAR begins in it; that mapping, reading and
 * peer-to-peer DMA all end where the BAR does.
 *
 * Where the kernel has placed the BARs decides what is to be expected, so this
 * runs on every machine and with every page size. "shared" needs an nvme beside
 * which another BAR lies, as two in one bus have with 64 KiB pages.
 */
#include "kselftest_harness.h"
#include "sys.h"
#include "vfio.h"

#include <dirent.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <sys/mman.h>

#define BARS 6
#define IOVA (256 * MIB)

/* As /proc/iomem calls what the kernel keeps free beside a BAR. */
#define RESERVED "vfio sub-page reserved"

static uint64_t page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

static uint64_t round_up(uint64_t val)
{
	return (val + page_size() - 1) / page_size() * page_size();
}

struct bar {
	int index;
	uint64_t start;
	uint64_t size;	 /* 0: no memory BAR */
	uint64_t mapped; /* what of it can be mapped */
};

/* Is a BAR or ROM of @dev, but for BAR @own, in the range? */
static bool device_in(const struct pci_dev *dev, int own, uint64_t start,
		      uint64_t end)
{
	uint64_t at, size;
	int i;

	for (i = 0; i <= BARS; i++)
		if (i != own && !pci_resource(dev, i, &at, &size) && size &&
		    at < end && at + size > start)
			return true;
	return false;
}

/* Is anything but the BAR itself in the range? */
static bool shared(const struct pci_dev *dev, int bar, uint64_t start,
		   uint64_t end)
{
	DIR *dir = opendir("/sys/bus/pci/devices");
	struct pci_dev other;
	bool found = false;
	struct dirent *d;

	while (dir && !found && (d = readdir(dir))) {
		if (d->d_name[0] == '.')
			continue;
		snprintf(other.name, sizeof(other.name), "%s", d->d_name);
		found = device_in(&other,
				  strcmp(other.name, dev->name) ? -1 : bar,
				  start, end);
	}
	if (dir)
		closedir(dir);
	return found;
}

/* Is it a memory BAR? */
static bool bar_find(struct bar *bar, const struct pci_dev *dev, int i)
{
	int64_t reg = pci_cfg_read(dev, PCI_BASE_ADDRESS_0 + 4 * i, 4);
	uint64_t end;

	bar->index = i;
	if (pci_resource(dev, i, &bar->start, &bar->size) || !bar->size ||
	    (reg & PCI_BASE_ADDRESS_SPACE_IO))
		return false;
	end = round_up(bar->start + bar->size);
	bar->mapped = end - bar->start;
	if (bar->start % page_size() || shared(dev, i, bar->start, end))
		bar->mapped = 0;
	return true;
}

FIXTURE(segments)
{
	struct vfio v;
	int fd; /* v.device, for brevity */
	bool type1;
	struct pci_dev group[8];
	int members;
	struct bar bar[BARS]; /* memory BARs */
	int nr;
};

FIXTURE_VARIANT(segments)
{
	uint32_t id;
	bool shared;
	/*
	 * Has 4-byte registers to the BAR's end, as nvme hasn't. On QEMU's
	 * POWER, reading where there is none is a machine check, for ever.
	 */
	bool full;
};

/* The tool takes these for initialisers. */
/* clang-format off */
FIXTURE_VARIANT_ADD(segments, edu) {
	.id = PCI_ID_EDU,
	.full = true,
};

FIXTURE_VARIANT_ADD(segments, nvme) {
	.id = PCI_ID_NVME,
};

FIXTURE_VARIANT_ADD(segments, shared) {
	.id = PCI_ID_NVME,
	.shared = true,
};

/* clang-format on */

static int find_shared(struct pci_dev *dev, uint32_t id)
{
	struct bar bar;
	int nth;

	for (nth = 0; !pci_find(dev, id, nth); nth++) {
		if (bar_find(&bar, dev, 0) && !bar.mapped)
			return 0;
	}
	return -ENODEV;
}

/* With the type that there is on this machine. */
static int open_device(struct _test_data_segments *self,
		       const struct pci_dev *dev)
{
	int ret = vfio_open(&self->v, dev, VFIO_TYPE1v2_IOMMU);

	self->type1 = ret != -ENODEV;
	if (!self->type1)
		ret = vfio_open(&self->v, dev, VFIO_SPAPR_TCE_v2_IOMMU);
	self->fd = self->v.device;
	return ret;
}

FIXTURE_SETUP(segments)
{
	struct pci_dev dev;
	int i;

	if (variant->shared && find_shared(&dev, variant->id))
		SKIP(return, "no device here shares a page");
	if (!variant->shared)
		ASSERT_EQ(0, pci_find_alone(&dev, variant->id, 0));
	self->members = pci_group_members(dev.group, self->group, 8);
	ASSERT_GE(8, self->members);
	for (i = 0; i < self->members; i++)
		ASSERT_EQ(0, pci_bind(&self->group[i], "vfio-pci"));
	for (i = 0; i < BARS; i++)
		self->nr += bar_find(&self->bar[self->nr], &dev, i);
	ASSERT_LT(0, self->nr);
	ASSERT_EQ(0, open_device(self, &dev));
	ASSERT_EQ(0, vfio_command(self->fd, PCI_COMMAND_MEMORY, 0));
}

FIXTURE_TEARDOWN(segments)
{
	int i;

	vfio_close(&self->v);
	for (i = 0; variant->shared && i < self->members; i++)
		pci_bind(&self->group[i], NULL);
}

static off_t offset(const struct bar *b, uint64_t off)
{
	return ((off_t)b->index << 40) + off;
}

static char *map(struct _test_data_segments *self, const struct bar *b,
		 uint64_t off, uint64_t size)
{
	char *ret = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 self->fd, offset(b, off));

	return ret == MAP_FAILED ? NULL : ret;
}

TEST_F(segments, info)
{
	struct vfio_region_info info;
	uint32_t mappable;
	struct bar *b;
	int i;

	for (i = 0; i < self->nr; i++) {
		b = &self->bar[i];
		mappable = b->mapped ? VFIO_REGION_INFO_FLAG_MMAP : 0;
		ASSERT_EQ(0, vfio_region(self->fd, b->index, &info));
		EXPECT_EQ(b->size, info.size);
		EXPECT_EQ(VFIO_REGION_INFO_FLAG_READ |
				  VFIO_REGION_INFO_FLAG_WRITE | mappable,
			  info.flags & 7);
		EXPECT_TRUE(mappable ||
			    !(info.flags & VFIO_REGION_INFO_FLAG_CAPS));
		TH_LOG("BAR %d: %#llx bytes at %#llx, %#llx can be mapped",
		       b->index, (unsigned long long)b->size,
		       (unsigned long long)b->start,
		       (unsigned long long)b->mapped);
	}
}

/* The first register of each of these devices is constant. */
TEST_F(segments, read_and_map_agree)
{
	uint32_t val, mapped;
	struct bar *b;
	char *p;
	int i;

	for (i = 0; i < self->nr; i++) {
		b = &self->bar[i];
		ASSERT_EQ(4, pread(self->fd, &val, 4, offset(b, 0)));
		EXPECT_NE(0, val);
		EXPECT_NE(UINT32_MAX, val);
		if (!b->mapped)
			continue;
		p = map(self, b, 0, b->size);
		ASSERT_NE(NULL, p);
		mapped = __atomic_load_n((uint32_t *)p, __ATOMIC_RELAXED);
		EXPECT_EQ(val, mapped);
		munmap(p, b->size);
	}
}

TEST_F(segments, map_ends_with_the_page)
{
	uint64_t page = page_size(), size;
	struct bar *b;
	char *p;
	int i;

	for (i = 0; i < self->nr; i++) {
		b = &self->bar[i];
		size = b->mapped;
		errno = 0;
		EXPECT_EQ(NULL, map(self, b, 0, size + page));
		EXPECT_EQ(EINVAL, errno);
		errno = 0;
		EXPECT_EQ(NULL, map(self, b, size, page));
		EXPECT_EQ(EINVAL, errno);
		if (!size)
			continue;
		p = map(self, b, 0, size);
		ASSERT_NE(NULL, p);
		munmap(p, size);
		p = map(self, b, size - page, page);
		ASSERT_NE(NULL, p);
		munmap(p, page);
		EXPECT_EQ(NULL, map(self, b, size - page, 2 * page));
	}
}

/* An access that begins in the BAR is cut at its end. */
TEST_F(segments, access_is_cut)
{
	uint32_t buf[8], end[4];
	unsigned int n;
	struct bar *b;
	int i;

	if (!variant->full)
		SKIP(return, "nothing is there to be read");
	for (i = 0; i < self->nr; i++) {
		b = &self->bar[i];
		ASSERT_EQ(16,
			  pread(self->fd, end, 16, offset(b, b->size - 16)));
		for (n = 1; n <= 4; n++) {
			memset(buf, 0x5a, sizeof(buf));
			EXPECT_EQ(4 * n, pread(self->fd, buf, sizeof(buf),
					       offset(b, b->size - 4 * n)));
			EXPECT_EQ(0, memcmp(buf, end + 4 - n, 4 * n));
			EXPECT_EQ(0x5a5a5a5a, buf[n]);
		}
		EXPECT_EQ(4,
			  pwrite(self->fd, end + 2, 8, offset(b, b->size - 4)));
	}
}

/* Nothing is behind the BAR, not even what can be mapped there. */
TEST_F(segments, access_ends_with_the_bar)
{
	struct bar *b;
	uint32_t val = 0;
	int i;

	for (i = 0; i < self->nr; i++) {
		b = &self->bar[i];
		EXPECT_EQ(-1, pread(self->fd, &val, 4, offset(b, b->size)));
		EXPECT_EQ(EINVAL, errno);
		EXPECT_EQ(-1, pwrite(self->fd, &val, 4, offset(b, b->size)));
		EXPECT_EQ(EINVAL, errno);
		EXPECT_EQ(-1, pread(self->fd, &val, 1,
				    offset(b, round_up(b->size + 1) - 1)));
		EXPECT_EQ(EINVAL, errno);
	}
}

/* nvme's capabilities can be read in any pieces. */
TEST_F(segments, pieces)
{
	uint8_t all[8], part[8];
	unsigned int off, n;

	if (variant->id != PCI_ID_NVME)
		SKIP(return, "edu has registers of 4 bytes only");
	ASSERT_EQ(8, pread(self->fd, all, 8, 0));
	for (off = 0; off < 8; off++)
		for (n = 1; n <= 8 - off; n++) {
			ASSERT_EQ(n, pread(self->fd, part, n, off));
			EXPECT_EQ(0, memcmp(part, all + off, n));
		}
}

/* Does the kernel list [@start, @end) as kept free? */
static bool reserved(uint64_t start, uint64_t end)
{
	char line[256], want[64];
	bool found = false;
	FILE *f;

	snprintf(want, sizeof(want), "%08llx-%08llx : " RESERVED,
		 (unsigned long long)start, (unsigned long long)end - 1);
	f = fopen("/proc/iomem", "r");
	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, want);
	if (f)
		fclose(f);
	return found;
}

TEST_F(segments, rest_of_page_is_reserved)
{
	uint64_t start, end;
	struct bar *b;
	int i;

	for (i = 0; i < self->nr; i++) {
		b = &self->bar[i];
		start = b->start + b->size;
		end = round_up(start);
		EXPECT_EQ(b->mapped > b->size, reserved(start, end));
	}
	vfio_close(&self->v);
	for (i = 0; i < self->nr; i++) {
		b = &self->bar[i];
		start = b->start + b->size;
		EXPECT_FALSE(reserved(start, round_up(start)));
	}
}

/* DMA gets at as much as the CPU, and not at what can't be mapped. */
TEST_F(segments, peers_see_what_is_mapped)
{
	uint64_t page = page_size(), size;
	int c = self->v.container, i;
	struct bar *b;
	char *area;

	if (!self->type1)
		SKIP(return, "needs windows here");
	for (i = 0; i < self->nr; i++) {
		b = &self->bar[i];
		size = b->mapped;
		if (!size)
			continue;
		area = mmap(NULL, size + page, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		ASSERT_NE(MAP_FAILED, area);
		ASSERT_EQ(area,
			  mmap(area, size, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_FIXED, self->fd, offset(b, 0)));
		EXPECT_EQ(-EFAULT,
			  vfio_map(c, IOVA, area, size + page, MAP_RW));
		EXPECT_EQ(0, vfio_map(c, IOVA, area, size, MAP_RW));
		EXPECT_EQ(size, vfio_unmap(c, IOVA, size));
		munmap(area, size + page);
	}
}

TEST_HARNESS_MAIN
