// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "table.h"
#include "kselftest.h"
#include "legacy.h"
#include "sys.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define ROW_TIMEOUT_MS 20000

/* The child's exit status. */
enum { ROW_OK, ROW_NO_ENV, ROW_RESULT, ROW_STATE };

int row_fd(const struct env *e, uint64_t which)
{
	return which == ROW_DEVICE ? e->v.device :
	       which == ROW_GROUP  ? e->v.group :
				     e->v.container;
}

int row_ioctl_ptr(const struct env *e, const struct row *r)
{
	return vfio_ioctl(row_fd(e, r->a), r->b, (void *)(uintptr_t)r->c);
}

int row_ioctl_edge(const struct env *e, const struct row *r)
{
	char *arg = e->edge - r->c;

	*(uint32_t *)arg = r->argsz;
	return vfio_ioctl(row_fd(e, r->a), r->b, arg);
}

int row_ioctl_readonly(const struct env *e, const struct row *r)
{
	struct vfio_iommu_type1_dma_unmap *unmap = (void *)e->ro;

	mprotect(e->ro, PAGE, PROT_READ | PROT_WRITE);
	unmap->argsz = r->argsz;
	unmap->iova = MIB;
	unmap->size = r->b == VFIO_IOMMU_UNMAP_DMA ? PAGE : 0;
	mprotect(e->ro, PAGE, PROT_READ);
	return vfio_ioctl(row_fd(e, r->a), r->b, unmap);
}

static const char *err_name(int ret)
{
	return ret < 0 ? strerrorname_np(-ret) : "success";
}

static int env_memory(struct env *e)
{
	e->canary = sys_alloc(CANARY_SIZE, PAGE);
	e->buf = sys_alloc(BUF_SIZE, PAGE);
	e->edge = sys_alloc(PAGE, PAGE);
	e->ro = sys_alloc(4 * PAGE, PAGE);
	if (!e->canary || !e->buf || !e->edge || !e->ro)
		return -ENOMEM;
	e->edge += PAGE;
	return mprotect(e->ro, 4 * PAGE, PROT_READ) ? -errno : 0;
}

static int env_init(struct env *e, enum row_setup setup)
{
	struct pci_dev dev;
	int ret;

	memset(e, 0, sizeof(*e));
	ret = env_memory(e);
	if (ret)
		return ret;
	ret = pci_find_alone(&dev, PCI_ID_EDU, 0);
	if (ret)
		return ret;
	ret = legacy_open(&e->v, &dev);
	if (ret)
		return ret;
	if (setup != ROW_FULL) {
		close(e->v.device);
		e->v.device = -1;
	}
	if (setup >= ROW_NO_TYPE) {
		ret = vfio_unset_container(e->v.group);
		if (ret || setup == ROW_NO_GROUP)
			return ret;
		return vfio_set_container(e->v.group, e->v.container);
	}
	return legacy_map(e->v.container, CANARY_IOVA, e->canary, CANARY_SIZE,
			  MAP_RW);
}

static int complain(const char *what, long got, long want)
{
	printf("#   %s: %ld, expected %ld\n", what, got, want);
	return ROW_STATE;
}

/* Does everything stand as it did before the row's call? */
static int env_check(const struct env *e, enum row_setup setup, int flags,
		     long locked, long pins)
{
	bool type = setup == ROW_FULL || setup == ROW_NO_DEVICE;
	long now;

	now = vfio_group_flags(e->v.group);
	if (now != flags)
		return complain("group flags", now, flags);
	now = sys_locked_settle(locked);
	if (now != locked)
		return complain("locked KiB", now, locked);
	if (!sys_pins_settle(pins, 1000))
		return complain("pinned pages", sys_pins(), pins);
	if (setup == ROW_FULL) {
		now = vfio_cfg_read(e->v.device, 0, 2);
		if (now != e->v.pci.vendor)
			return complain("vendor ID", now, e->v.pci.vendor);
	}
	if (!type)
		return ROW_OK;
	if (!legacy_is_mapped(e->v.container, CANARY_IOVA, e->canary,
			      CANARY_SIZE))
		return complain("canary mapped", 0, 1);
	now = legacy_unmap_all(e->v.container);
	if (now != (long)CANARY_SIZE)
		return complain("bytes mapped", now, CANARY_SIZE);
	now = sys_locked_settle(locked - (long)(CANARY_SIZE / KIB));
	if (locked - now != (long)(CANARY_SIZE / KIB))
		return complain("KiB given back", locked - now,
				CANARY_SIZE / KIB);
	if (now && !legacy_is_spapr())
		return complain("locked KiB at the end", now, 0);
	return ROW_OK;
}

static int row_child(const struct row *r, bool peer)
{
	int want = peer && r->why ? r->peer : r->want;
	long locked, pins;
	struct env e;
	int ret, flags;

	ret = env_init(&e, r->setup);
	if (ret) {
		printf("#   environment: %s\n", err_name(ret));
		return ROW_NO_ENV;
	}
	flags = vfio_group_flags(e.v.group);
	locked = sys_locked_kib();
	pins = sys_pins_at_rest();
	ret = r->call(&e, r);
	if (ret != want) {
		printf("#   result %d (%s), expected %d (%s)\n", ret,
		       err_name(ret), want, err_name(want));
		return ROW_RESULT;
	}
	return env_check(&e, r->setup, flags, locked, pins);
}

static bool row_run(const struct row *r, bool peer, long pins)
{
	int child, status;

	/* What the last row's process had pinned may go a while after it. */
	sys_pins_settle(pins, 5000);

	fflush(stdout);
	child = fork();
	if (child < 0)
		return false;
	if (!child) {
		status = row_child(r, peer);
		fflush(stdout);
		_exit(status);
	}
	status = sys_wait_child(child, ROW_TIMEOUT_MS);
	if (status == -1 || !WIFEXITED(status)) {
		ksft_print_msg("%s: died or hung (status %d)\n", r->name,
			       status);
		return false;
	}
	return WEXITSTATUS(status) == ROW_OK;
}

/* GET_INFO is TYPE1's, too, whatever is wrong with it. */
static bool about_type1(const struct row *r)
{
	return r->type1 ||
	       (r->a == ROW_CONTAINER && r->b == VFIO_IOMMU_GET_INFO);
}

int table_run(const struct row *rows, int count)
{
	bool peer = sys_is_peer();
	long pins = sys_pins_at_rest();
	struct pci_dev dev;
	int i;

	ksft_print_header();
	/* No row needs one, and each would wait for two. */
	if (pci_find_alone(&dev, PCI_ID_EDU, 0) || pci_allow_reset(&dev, false))
		ksft_exit_fail_msg("no edu\n");
	ksft_set_plan(count);
	for (i = 0; i < count; i++) {
		const struct row *r = &rows[i];

		if (legacy_is_spapr() && about_type1(r)) {
			ksft_test_result_skip(
				"%s: there is no TYPE1 on POWER\n", r->name);
			continue;
		}
		if (r->bus && pci_on_root_bus(&dev)) {
			ksft_test_result_skip("%s: a root bus can't be reset\n",
					      r->name);
			continue;
		}
		ksft_test_result(row_run(r, peer, pins), "%s\n", r->name);
		if (r->why)
			ksft_print_msg("differs: %d (%s), peer %d (%s): %s\n",
				       r->want, err_name(r->want), r->peer,
				       err_name(r->peer), r->why);
	}
	pci_allow_reset(&dev, true);
	ksft_finished();
}
