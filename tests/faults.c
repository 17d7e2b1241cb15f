// SPDX-License-Identifier: GPL-2.0-only
/*
 * Failing allocations and copies: for each call, the first one that can fail
 * is made to fail, then the second, and so on until the call goes through.
 * After each failure the old state stands: the same call works at once, and
 * accounting and pins are as before.
 *
 * Needs a kernel with fault injection (lib/inject.h).
 */
#include "kselftest_harness.h"
#include "edu.h"
#include "inject.h"
#include "legacy.h"
#include "sys.h"
#include "vfio.h"

#include <sys/eventfd.h>

#define IOVA (64 * MIB)
#define AREA (2 * MIB)

FIXTURE(faults)
{
	struct vfio v;
	struct pci_dev dev[2];
	int group2; /* of a second device, in no container */
	char *area;
	int efd;
	struct inject fail;
};

static uint64_t symbol(const char *name)
{
	char line[256], found[128];
	unsigned long long addr;
	FILE *file;

	file = fopen("/proc/kallsyms", "r");
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%llx %*c %127s", &addr, found) == 2 &&
		    !strcmp(found, name)) {
			fclose(file);
			return addr;
		}
	}
	if (file)
		fclose(file);
	return 0;
}

/*
 * Lets nothing fail below @name, a function of the kernel that mishandles it;
 * @next is the one behind it in the source. False if the kernel can't do that.
 */
static bool spare(const char *name, const char *next)
{
	static const char *const dirs[] = { "failslab", "fail_page_alloc" };
	const uint64_t range[] = { symbol(name), symbol(next) };
	char path[128], text[32];
	unsigned int i;

	if (!range[0] || range[1] <= range[0] || range[1] - range[0] > PAGE)
		return false;
	for (i = 0; i < 2 * ARRAY_SIZE(dirs); i++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s/reject-%s",
			 dirs[i / 2], i & 1 ? "end" : "start");
		snprintf(text, sizeof(text), "0x%llx",
			 (unsigned long long)range[i & 1]);
		if (sys_write(path, text))
			return false;
	}
	return true;
}

/* It goes on after a failure, of which its counterpart then warns. */
static bool spare_irq_proc(void)
{
	return spare("register_irq_proc", "unregister_irq_proc");
}

/* ACPICA drops a reference too many: a use after free at the next call. */
static bool spare_acpi_routing(void)
{
	if (!symbol("acpi_get_irq_routing_table"))
		return true;
	return spare("acpi_get_irq_routing_table",
		     "acpi_get_current_resources");
}

#define NO_FILTER "CONFIG_FAULT_INJECTION_STACKTRACE_FILTER isn't set"

FIXTURE_SETUP(faults)
{
	int i;

	if (inject_open(&self->fail))
		SKIP(return, "no fault injection in this kernel");
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, pci_find_alone(&self->dev[i], PCI_ID_EDU, i));
		pci_allow_reset(&self->dev[i], true);
		ASSERT_EQ(0, pci_bind(&self->dev[i], "vfio-pci"));
	}
	ASSERT_EQ(0, legacy_open(&self->v, &self->dev[0]));
	self->group2 = vfio_group(&self->dev[1]);
	ASSERT_LE(0, self->group2);
	self->area = sys_alloc(AREA, PAGE);
	ASSERT_NE(NULL, self->area);
	self->efd = eventfd(0, EFD_NONBLOCK);
}

FIXTURE_TEARDOWN(faults)
{
	if (self->fail.task >= 0)
		vfio_close(&self->v);
}

/* A call under test: 0 or more on success. */
typedef int (*call_fn)(struct _test_data_faults *self);

/*
 * Fails every step of @call. @undo takes a success back and returns 0. Steps
 * that may fail without harm (with a fallback) are success, too.
 */
static void sweep(struct __test_metadata *_metadata,
		  struct _test_data_faults *self, call_fn call, call_fn undo)
{
	long locked = sys_locked_kib(), pins = sys_pins();
	int nth, ret, failures = 0;
	bool failed;

	for (nth = 1; nth <= INJECT_MAX; nth++) {
		inject_begin(&self->fail, INJECT_NTH, nth);
		ret = call(self);
		failed = inject_end(&self->fail);

		ASSERT_TRUE(ret >= 0 || failed)
		{
			TH_LOG("step %d: error %d out of nothing", nth, ret);
		}
		failures += ret < 0;
		if (ret < 0) {
			EXPECT_LOCKED(locked);
			EXPECT_TRUE(sys_pins_settle(pins, 500));
			/* No trace of the failure is in the way. */
			ret = call(self);
		}
		ASSERT_LE(0, ret)
		{
			TH_LOG("after the failure of step %d", nth);
		}
		ASSERT_EQ(0, undo(self));
		ASSERT_EQ(locked, sys_locked_settle(locked));
		ASSERT_TRUE(sys_pins_settle(pins, 500));
		if (!failed)
			break;
	}
	EXPECT_GE(INJECT_MAX, nth);
	EXPECT_LT(0, failures);
	TH_LOG("%d steps, %d of them fatal", nth - 1, failures);
}

static int nothing(struct _test_data_faults *self)
{
	(void)self;
	return 0;
}

static int call_info(struct _test_data_faults *self)
{
	union {
		struct vfio_iommu_type1_info info;
		char bytes[512];
	} u = { .info.argsz = sizeof(u) };
	struct vfio_iommu_spapr_tce_info tce = { .argsz = sizeof(tce) };

	if (legacy_is_spapr())
		return vfio_ioctl(self->v.container,
				  VFIO_IOMMU_SPAPR_TCE_GET_INFO, &tce);
	return vfio_ioctl(self->v.container, VFIO_IOMMU_GET_INFO, &u);
}

TEST_F_TIMEOUT(faults, info, 300)
{
	sweep(_metadata, self, call_info, nothing);
}

static int call_map_page(struct _test_data_faults *self)
{
	return legacy_map(self->v.container, IOVA, self->area, PAGE, MAP_RW);
}

static int undo_map_page(struct _test_data_faults *self)
{
	return legacy_unmap(self->v.container, IOVA, PAGE) != PAGE;
}

TEST_F_TIMEOUT(faults, map_page, 300)
{
	sweep(_metadata, self, call_map_page, undo_map_page);
}

static int call_map_area(struct _test_data_faults *self)
{
	return legacy_map(self->v.container, IOVA + PAGE, self->area, AREA,
			  MAP_RW);
}

static int undo_map_area(struct _test_data_faults *self)
{
	return legacy_unmap(self->v.container, IOVA + PAGE, AREA) != AREA;
}

TEST_F_TIMEOUT(faults, map_area, 750)
{
	sweep(_metadata, self, call_map_area, undo_map_area);
}

/*
 * Copying the result can fail when the unmap is done, so either the mapping
 * is still there as a whole, or not at all.
 */
TEST_F_TIMEOUT(faults, unmap, 300)
{
	int nth, ret, c = self->v.container;
	long pins = sys_pins();
	bool failed = true;

	if (legacy_is_spapr())
		SKIP(return, "POWER's unmap doesn't say what it has found");
	for (nth = 1; nth <= INJECT_MAX && failed; nth++) {
		ASSERT_EQ(0, call_map_area(self));
		ASSERT_EQ(0, legacy_map(c, GIB, self->area, PAGE, MAP_R));
		inject_begin(&self->fail, INJECT_NTH, nth);
		ret = legacy_unmap(c, IOVA + PAGE, AREA) == AREA ? 0 : -1;
		failed = inject_end(&self->fail);
		ASSERT_TRUE(failed || !ret);
		ret = legacy_map(c, IOVA + PAGE, self->area, PAGE, MAP_RW);
		ASSERT_TRUE(!ret || ret == -EEXIST);
		ASSERT_EQ((ret ? AREA : PAGE) + PAGE, legacy_unmap_all(c));
		ASSERT_EQ(0, sys_locked_settle(0));
		ASSERT_TRUE(sys_pins_settle(pins, 500));
	}
	EXPECT_FALSE(failed);
	EXPECT_LT(2, nth);
}

static int call_container(struct _test_data_faults *self)
{
	int fd = vfio_container();

	(void)self;
	if (fd >= 0)
		close(fd);
	return fd;
}

TEST_F_TIMEOUT(faults, open_container, 300)
{
	sweep(_metadata, self, call_container, nothing);
}

static int call_join(struct _test_data_faults *self)
{
	return vfio_set_container(self->group2, self->v.container);
}

static int undo_join(struct _test_data_faults *self)
{
	return vfio_unset_container(self->group2);
}

/* A group joins a container that has a type and mappings. */
TEST_F_TIMEOUT(faults, join, 750)
{
	ASSERT_EQ(0, call_map_area(self));
	sweep(_metadata, self, call_join, undo_join);
	EXPECT_EQ(AREA, legacy_unmap_all(self->v.container));
}

static int call_set_container(struct _test_data_faults *self)
{
	return vfio_set_container(self->v.group, self->v.container);
}

static int undo_set_container(struct _test_data_faults *self)
{
	return vfio_unset_container(self->v.group);
}

static int call_set_iommu(struct _test_data_faults *self)
{
	return vfio_set_iommu(self->v.container, legacy_type());
}

static int undo_set_iommu(struct _test_data_faults *self)
{
	return undo_set_container(self) || call_set_container(self);
}

TEST_F_TIMEOUT(faults, set_iommu, 300)
{
	close(self->v.device);
	self->v.device = -1;
	ASSERT_EQ(0, undo_set_iommu(self));
	sweep(_metadata, self, call_set_iommu, undo_set_iommu);
}

static int call_get_device(struct _test_data_faults *self)
{
	self->v.device = vfio_get_device(self->v.group, self->dev[0].name);
	return self->v.device;
}

static int undo_get_device(struct _test_data_faults *self)
{
	close(self->v.device);
	self->v.device = -1;
	return 0;
}

TEST_F_TIMEOUT(faults, get_device, 750)
{
	if (!spare_acpi_routing())
		SKIP(return, NO_FILTER);
	undo_get_device(self);
	/* Without the reset, which takes seconds and allocates nothing. */
	ASSERT_EQ(0, pci_allow_reset(&self->dev[0], false));
	sweep(_metadata, self, call_get_device, undo_get_device);
	ASSERT_EQ(0, pci_allow_reset(&self->dev[0], true));
}

static int call_irq(struct _test_data_faults *self, unsigned int index)
{
	return vfio_irqs(self->v.device, index, VFIO_IRQ_SET_ACTION_TRIGGER, 0,
			 1, &self->efd);
}

static int undo_irq(struct _test_data_faults *self, unsigned int index)
{
	return vfio_irqs(self->v.device, index, VFIO_IRQ_SET_ACTION_TRIGGER, 0,
			 0, NULL);
}

static int call_msi(struct _test_data_faults *self)
{
	return call_irq(self, VFIO_PCI_MSI_IRQ_INDEX);
}

static int undo_msi(struct _test_data_faults *self)
{
	return undo_irq(self, VFIO_PCI_MSI_IRQ_INDEX);
}

TEST_F_TIMEOUT(faults, msi, 300)
{
	if (!spare_irq_proc())
		SKIP(return, NO_FILTER);
	sweep(_metadata, self, call_msi, undo_msi);
}

static int call_intx(struct _test_data_faults *self)
{
	return call_irq(self, VFIO_PCI_INTX_IRQ_INDEX);
}

static int undo_intx(struct _test_data_faults *self)
{
	return undo_irq(self, VFIO_PCI_INTX_IRQ_INDEX);
}

TEST_F_TIMEOUT(faults, intx, 300)
{
	if (!spare_irq_proc())
		SKIP(return, NO_FILTER);
	sweep(_metadata, self, call_intx, undo_intx);
}

static int call_region(struct _test_data_faults *self)
{
	struct vfio_region_info info;

	return vfio_region(self->v.device, 0, &info);
}

TEST_F_TIMEOUT(faults, region_info, 300)
{
	if (call_region(self))
		SKIP(return, "no region");
	sweep(_metadata, self, call_region, nothing);
}

static int call_hot_reset_info(struct _test_data_faults *self)
{
	union {
		struct vfio_pci_hot_reset_info info;
		char bytes[256];
	} u = { .info.argsz = sizeof(u) };

	return vfio_ioctl(self->v.device, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO,
			  &u);
}

TEST_F_TIMEOUT(faults, hot_reset_info, 300)
{
	sweep(_metadata, self, call_hot_reset_info, nothing);
}

/* Device memory for another device's DMA. */
static int call_map_bar(struct _test_data_faults *self)
{
	char *bar = vfio_bar_map(self->v.device, 0, EDU_BAR_SIZE);
	int ret;

	if (!bar)
		return -ENOMEM;
	ret = legacy_map(self->v.container, IOVA, bar, EDU_BAR_SIZE, MAP_RW);
	munmap(bar, EDU_BAR_SIZE);
	return ret;
}

static int undo_map_bar(struct _test_data_faults *self)
{
	return legacy_unmap(self->v.container, IOVA, EDU_BAR_SIZE) !=
	       EDU_BAR_SIZE;
}

TEST_F_TIMEOUT(faults, map_bar, 750)
{
	if (legacy_is_spapr())
		SKIP(return, "POWER's legacy type has no device memory");
	ASSERT_EQ(0, vfio_command(self->v.device, 2, 0));
	sweep(_metadata, self, call_map_bar, undo_map_bar);
}

TEST_HARNESS_MAIN
