// SPDX-License-Identifier: GPL-2.0-only
/*
 * Failing allocations where nobody can be told: while a device, its group and its
 * container are closed, and while a process ends that has them open. Whatever fails,
 * nothing stays pinned, the device can be owned again, and the host's driver finds it
 * working.
 *
 * Needs a kernel with fault injection (lib/inject.h).
 */
#include "kselftest_harness.h"
#include "inject.h"
#include "legacy.h"
#include "sys.h"
#include "uni.h"

#include <glob.h>
#include <signal.h>
#include <sys/eventfd.h>

#define IOVA (64 * MIB)
#define AREA (4 * MIB)

FIXTURE(faults_close)
{
	struct pci_dev nvme;
	struct vfio v;
	char *area;
	int efd;
	long pins;
	struct inject fail;
};

FIXTURE_VARIANT(faults_close)
{
	bool unified;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(faults_close, legacy) {
	.unified = false,
};

FIXTURE_VARIANT_ADD(faults_close, unified) {
	.unified = true,
};

/* clang-format on */

/*
 * The last user of a device that is enabled has ACPI look for the route of its interrupt,
 * in its interpreter, which goes on with freed memory if an allocation fails at the
 * wrong moment (Linux 6.12). So somebody else has it enabled all the time.
 */
static int keep_enabled(const struct pci_dev *dev, bool on)
{
	char path[128];
	int ret;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/enable",
		 dev->name);
	/* It has to be without a driver for that. */
	ret = pci_bind(dev, "");
	return ret ? ret : sys_write(path, on ? "1" : "0");
}

FIXTURE_SETUP(faults_close)
{
	if (inject_open(&self->fail))
		SKIP(return, "no fault injection in this kernel");
	if (variant->unified && !uni_offered())
		SKIP(return, "no unified spaces");
	ASSERT_EQ(0, pci_find_alone(&self->nvme, PCI_ID_NVME, 1));
	self->area = sys_alloc(AREA, PAGE);
	ASSERT_NE(NULL, self->area);
	self->efd = eventfd(0, EFD_NONBLOCK);
	ASSERT_EQ(0, keep_enabled(&self->nvme, true));
	ASSERT_EQ(0, pci_bind(&self->nvme, "vfio-pci"));
	self->pins = sys_pins_at_rest();
}

FIXTURE_TEARDOWN(faults_close)
{
	if (self->fail.task < 0)
		return;
	EXPECT_EQ(0, keep_enabled(&self->nvme, false));
	EXPECT_EQ(0, pci_bind(&self->nvme, NULL));
}

/* Memory by address and by handle: a large area, and pages that lie apart. */
static int fill_unified(struct _test_data_faults_close *self)
{
	uint64_t base, page = uni_page();
	int ret, i, c = self->v.container;
	uint32_t handle;

	ret = uni_window(c, 4 * AREA, 0, &base);
	if (!ret)
		ret = uni_register(c, self->area, AREA / 2, UNI_RW, &handle);
	if (!ret)
		ret = uni_map_handle(c, base, handle, 0, AREA / 2, UNI_RW);
	if (!ret)
		ret = uni_map(c, base + AREA, self->area, AREA, UNI_RW);
	for (i = 0; !ret && i < 20; i++)
		ret = uni_map(c, base + 2 * AREA + 2 * i * page, self->area,
			      page, UNI_RW);
	return ret;
}

static int fill_legacy(struct _test_data_faults_close *self)
{
	int ret, i, c = self->v.container;

	ret = legacy_map(c, IOVA, self->area, AREA, MAP_RW);
	for (i = 0; !ret && i < 20; i++)
		ret = legacy_map(c, IOVA + AREA + 2 * i * PAGE, self->area,
				 PAGE, MAP_RW);
	return ret;
}

/* Owns the disk, with much mapped for it, and an interrupt. */
static int own(struct _test_data_faults_close *self, bool unified)
{
	int ret;

	if (unified)
		ret = vfio_open(&self->v, &self->nvme, SLUICE_UNIFIED_IOMMU);
	else
		ret = legacy_open(&self->v, &self->nvme);
	if (ret)
		return ret;
	ret = unified ? fill_unified(self) : fill_legacy(self);
	if (ret)
		return ret;
	return vfio_irqs(self->v.device, VFIO_PCI_MSIX_IRQ_INDEX,
			 VFIO_IRQ_SET_ACTION_TRIGGER, 0, 1, &self->efd);
}

/* The sum of what the host's driver reads from the disk is what it should be. */
static bool host_reads(const struct pci_dev *nvme)
{
	const char *want = getenv("NVME1_SHA256");
	char pattern[128], command[128], sum[65] = "";
	uint64_t end = sys_now_ms() + 30000;
	glob_t found;
	FILE *pipe;

	snprintf(pattern, sizeof(pattern),
		 "/sys/bus/pci/devices/%s/nvme/*/nvme*n1", nvme->name);
	while (glob(pattern, 0, NULL, &found)) {
		globfree(&found);
		if (sys_now_ms() > end)
			return false;
		sys_sleep_ms(50);
	}
	snprintf(command, sizeof(command), "sha256sum </dev/%s",
		 strrchr(found.gl_pathv[0], '/') + 1);
	globfree(&found);
	pipe = popen(command, "r");
	if (!pipe)
		return false;
	if (fread(sum, 1, sizeof(sum) - 1, pipe) != sizeof(sum) - 1)
		sum[0] = 0;
	pclose(pipe);
	return want && !strcmp(sum, want);
}

static void expect_given_back(struct __test_metadata *_metadata,
			      struct _test_data_faults_close *self)
{
	ASSERT_EQ(0, pci_bind(&self->nvme, "nvme"));
	EXPECT_TRUE(host_reads(&self->nvme));
	ASSERT_EQ(0, pci_bind(&self->nvme, "vfio-pci"));
}

static const char *const names[] = { "one fails", "no pages", "no objects" };

/* Each one of few; of many, more and more are left out. */
static int after(enum inject_how how, int nth)
{
	return nth + 1 + (how == INJECT_NTH ? 0 : nth / 4);
}

static void sweep_close(struct __test_metadata *_metadata,
			struct _test_data_faults_close *self, bool unified,
			enum inject_how how)
{
	long locked = sys_locked_kib();
	bool failed = true;
	int nth, steps = 0;

	for (nth = 1; failed && nth <= INJECT_MAX; nth = after(how, nth)) {
		ASSERT_EQ(0, own(self, unified))
		{
			TH_LOG("%s: after step %d", names[how], nth - 1);
		}
		inject_begin(&self->fail, how, nth);
		vfio_close(&self->v);
		failed = inject_end(&self->fail);
		EXPECT_TRUE(sys_pins_settle(self->pins, 1000));
		EXPECT_LOCKED(locked);
		steps++;
	}
	EXPECT_FALSE(failed);
	TH_LOG("%s: %d steps", names[how], steps - 1);
	expect_given_back(_metadata, self);
}

TEST_F_TIMEOUT(faults_close, close, 300)
{
	enum inject_how how;

	for (how = INJECT_NTH; how <= INJECT_OBJECTS; how++)
		sweep_close(_metadata, self, variant->unified, how);
}

/* Ends by itself or is killed; from the nth step on, all fails. */
static void end(struct _test_data_faults_close *self, bool unified,
		enum inject_how how, int nth)
{
	struct inject fail;

	if (inject_open(&fail) || own(self, unified))
		_exit(1);
	inject_begin(&fail, how, nth);
	if (!(nth & 1))
		kill(getpid(), SIGKILL);
	_exit(0);
}

static void sweep_exit(struct __test_metadata *_metadata,
		       struct _test_data_faults_close *self, bool unified,
		       enum inject_how how)
{
	bool failed = true;
	int nth, steps = 0, child, status;

	self->fail.how = how;
	for (nth = 1; failed && nth <= INJECT_MAX; nth = after(how, nth)) {
		child = fork();
		ASSERT_LE(0, child);
		if (!child)
			end(self, unified, how, nth);
		status = sys_wait_child(child, 30000);
		ASSERT_TRUE(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL :
						  !WEXITSTATUS(status))
		{
			TH_LOG("%s: step %d: status %#x", names[how], nth,
			       status);
		}
		failed = inject_end(&self->fail);
		EXPECT_TRUE(sys_pins_settle(self->pins, 1000));
		steps++;
	}
	EXPECT_FALSE(failed);
	TH_LOG("%s: %d steps", names[how], steps - 1);
	expect_given_back(_metadata, self);
}

TEST_F_TIMEOUT(faults_close, exit, 300)
{
	enum inject_how how;

	for (how = INJECT_PAGES; how <= INJECT_OBJECTS; how++)
		sweep_exit(_metadata, self, variant->unified, how);
}

TEST_HARNESS_MAIN
