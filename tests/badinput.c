// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bad input to the container and group fds, row by row: wrong structures,
 * wrong fds, wrong order. After each row nothing may have changed;
 * lib/table.c checks that. MAP_DMA and UNMAP_DMA are badinput_dma.c's, the
 * device fd is badinput_device.c's.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "kselftest.h"
#include "sys.h"
#include "table.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

static int map_page(const struct env *e, const struct row *r)
{
	(void)r;
	return vfio_map(e->v.container, MIB, e->buf, PAGE, MAP_RW);
}

static int unmap_page(const struct env *e, const struct row *r)
{
	(void)r;
	return vfio_unmap(e->v.container, MIB, PAGE);
}

static int dirty_start(const struct env *e, const struct row *r)
{
	struct vfio_iommu_type1_dirty_bitmap dirty = {
		.argsz = sizeof(dirty),
		.flags = r->flags,
	};

	return vfio_ioctl(e->v.container, VFIO_IOMMU_DIRTY_PAGES, &dirty);
}

static int info_argsz(const struct env *e, const struct row *r)
{
	struct vfio_iommu_type1_info info = { .argsz = r->argsz };

	return vfio_ioctl(e->v.container, VFIO_IOMMU_GET_INFO, &info);
}

static int set_iommu(const struct env *e, const struct row *r)
{
	return vfio_set_iommu(e->v.container, r->a);
}

/* SET_IOMMU that may work: takes it back. */
static int set_iommu_undo(const struct env *e, const struct row *r)
{
	int ret = vfio_set_iommu(e->v.container, r->a);

	if (!ret && (vfio_unset_container(e->v.group) ||
		     vfio_set_container(e->v.group, e->v.container)))
		return 1;
	return ret;
}

static int status_argsz(const struct env *e, const struct row *r)
{
	struct vfio_group_status status = { .argsz = r->argsz };

	return vfio_ioctl(e->v.group, VFIO_GROUP_GET_STATUS, &status);
}

static int set_container_fd(const struct env *e, const struct row *r)
{
	return vfio_set_container(e->v.group, (int)r->a);
}

static int set_container_own(const struct env *e, const struct row *r)
{
	(void)r;
	return vfio_set_container(e->v.group, e->v.container);
}

static int set_container_group(const struct env *e, const struct row *r)
{
	(void)r;
	return vfio_set_container(e->v.group, e->v.group);
}

static int set_container_file(const struct env *e, const struct row *r)
{
	(void)r;
	return vfio_set_container(e->v.group, open("/dev/zero", O_RDWR));
}

static int unset_container(const struct env *e, const struct row *r)
{
	(void)r;
	return vfio_unset_container(e->v.group);
}

static int get_device(const struct env *e, const struct row *r)
{
	int fd = vfio_get_device(e->v.group, e->v.pci.name);

	(void)r;
	return fd < 0 ? fd : 0;
}

/* The device's name with the text behind it. */
static int get_device_suffix(const struct env *e, const struct row *r)
{
	char name[128];
	int fd;

	snprintf(name, sizeof(name), "%s%s", e->v.pci.name, r->text);
	fd = vfio_get_device(e->v.group, name);
	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

static int get_device_named(const struct env *e, const struct row *r)
{
	return vfio_get_device(e->v.group, r->text);
}

/* A name without an end. */
static int get_device_endless(const struct env *e, const struct row *r)
{
	memset(e->buf, 'x', 2 * PAGE);
	(void)r;
	return vfio_get_device(e->v.group, e->buf);
}

static int get_device_no_fds(const struct env *e, const struct row *r)
{
	struct rlimit old, lim;
	int ret;

	if (getrlimit(RLIMIT_NOFILE, &old))
		return 1;
	lim = old;
	lim.rlim_cur = 3;
	if (setrlimit(RLIMIT_NOFILE, &lim))
		return 1;
	ret = vfio_get_device(e->v.group, e->v.pci.name);
	setrlimit(RLIMIT_NOFILE, &old);
	(void)r;
	return ret;
}

static const struct row rows[] = {
	/* Other ioctls of the container. */
	{ .name = "info: argsz 0",
	  .type1 = true,
	  .call = info_argsz,
	  .argsz = 0,
	  .want = -EINVAL },
	{ .name = "info: argsz one short",
	  .type1 = true,
	  .call = info_argsz,
	  .argsz = 15,
	  .want = -EINVAL },
	PTR_ROW("info: NULL", ROW_CONTAINER, VFIO_IOMMU_GET_INFO, 0, -EFAULT),
	EDGE_ROW("info: structure cut off", ROW_CONTAINER, VFIO_IOMMU_GET_INFO,
		 8, 16, -EFAULT),
	EDGE_ROW("info: capabilities cut off", ROW_CONTAINER,
		 VFIO_IOMMU_GET_INFO, 32, 4096, -EFAULT),
	{ .name = "info: result can't be written",
	  .call = row_ioctl_readonly,
	  .a = ROW_CONTAINER,
	  .b = VFIO_IOMMU_GET_INFO,
	  .argsz = 16,
	  .want = -EFAULT },
	{
		.name = "dirty: two flags",
		.type1 = true,
		.call = dirty_start,
		.flags = 3,
		.want = -ENOTTY,
		.peer = -EINVAL,
		.why = "dirty page tracking isn't offered (no MIGRATION capability)",
	},
	PTR_ROW("container: unknown ioctl", ROW_CONTAINER, 0x3bff, 0, -ENOTTY),
	PTR_ROW("container: foreign ioctl", ROW_CONTAINER, 0x5401, 0, -ENOTTY),
	PTR_ROW("container: SPAPR enable", ROW_CONTAINER, VFIO_IOMMU_ENABLE, 0,
		-ENOTTY),
	PTR_ROW("container: group's ioctl", ROW_CONTAINER,
		VFIO_GROUP_UNSET_CONTAINER, 0, -ENOTTY),
	PTR_ROW("container: device's ioctl", ROW_CONTAINER, VFIO_DEVICE_RESET,
		0, -ENOTTY),

	/* The group. */
	{ .name = "status: argsz 0",
	  .call = status_argsz,
	  .argsz = 0,
	  .want = -EINVAL },
	{ .name = "status: argsz one short",
	  .call = status_argsz,
	  .argsz = 7,
	  .want = -EINVAL },
	PTR_ROW("status: NULL", ROW_GROUP, VFIO_GROUP_GET_STATUS, 0, -EFAULT),
	PTR_ROW("group: unknown ioctl", ROW_GROUP, 0x3bff, 0, -ENOTTY),
	PTR_ROW("group: container's ioctl", ROW_GROUP, VFIO_SET_IOMMU,
		VFIO_TYPE1v2_IOMMU, -ENOTTY),
	PTR_ROW("set container: NULL", ROW_GROUP, VFIO_GROUP_SET_CONTAINER, 0,
		-EFAULT),
	{ .name = "set container: closed fd",
	  .call = set_container_fd,
	  .a = 999,
	  .setup = ROW_NO_GROUP,
	  .want = -EBADF },
	{ .name = "set container: fd -1",
	  .call = set_container_fd,
	  .a = -1,
	  .setup = ROW_NO_GROUP,
	  .want = -EBADF },
	{ .name = "set container: stdout",
	  .call = set_container_fd,
	  .a = 1,
	  .setup = ROW_NO_GROUP,
	  .want = -EBADFD },
	{ .name = "set container: /dev/zero",
	  .call = set_container_file,
	  .setup = ROW_NO_GROUP,
	  .want = -EBADFD },
	{ .name = "set container: group fd",
	  .call = set_container_group,
	  .setup = ROW_NO_GROUP,
	  .want = -EBADFD },
	{ .name = "set container: twice",
	  .call = set_container_own,
	  .want = -EINVAL },
	{ .name = "unset container: device open",
	  .call = unset_container,
	  .want = -EBUSY },
	{ .name = "unset container: not set",
	  .call = unset_container,
	  .setup = ROW_NO_GROUP,
	  .want = -EINVAL },
	PTR_ROW("get device: NULL", ROW_GROUP, VFIO_GROUP_GET_DEVICE_FD, 0,
		-EFAULT),
	{ .name = "get device: empty name",
	  .call = get_device_named,
	  .text = "",
	  .want = -ENODEV },
	{ .name = "get device: no such",
	  .call = get_device_named,
	  .text = "0000:00:00.0",
	  .want = -ENODEV },
	{ .name = "get device: longer name",
	  .call = get_device_suffix,
	  .text = "0",
	  .want = -ENODEV },
	{ .name = "get device: unknown option",
	  .call = get_device_suffix,
	  .text = " colour=red",
	  .want = -EINVAL },
	{ .name = "get device: token without need",
	  .call = get_device_suffix,
	  .text = " vf_token=00112233-4455-6677-8899-aabbccddeeff",
	  .want = -EINVAL },
	{ .name = "get device: endless name",
	  .call = get_device_endless,
	  .want = -EINVAL },
	{ .name = "get device: no fd left",
	  .call = get_device_no_fds,
	  .want = -EMFILE },

	/* Order. */
	{ .name = "order: map before a type",
	  .call = map_page,
	  .setup = ROW_NO_TYPE,
	  .want = -EINVAL },
	{ .name = "order: unmap before a type",
	  .call = unmap_page,
	  .setup = ROW_NO_TYPE,
	  .want = -EINVAL },
	{ .name = "order: info before a type",
	  .call = info_argsz,
	  .argsz = 24,
	  .setup = ROW_NO_TYPE,
	  .want = -EINVAL },
	{ .name = "order: unknown ioctl before a type",
	  .call = row_ioctl_ptr,
	  .a = ROW_CONTAINER,
	  .b = 0x3bff,
	  .setup = ROW_NO_TYPE,
	  .want = -EINVAL },
	{ .name = "order: device before a type",
	  .call = get_device,
	  .setup = ROW_NO_TYPE,
	  .want = -EINVAL },
	{ .name = "order: device before a container",
	  .call = get_device,
	  .setup = ROW_NO_GROUP,
	  .want = -EINVAL },
	{ .name = "order: type before a group",
	  .call = set_iommu,
	  .a = VFIO_TYPE1v2_IOMMU,
	  .setup = ROW_NO_GROUP,
	  .want = -EINVAL },
	{ .name = "order: type twice",
	  .call = set_iommu,
	  .a = VFIO_TYPE1v2_IOMMU,
	  .want = -EINVAL },
	{ .name = "order: another type",
	  .call = set_iommu,
	  .a = VFIO_TYPE1_IOMMU,
	  .setup = ROW_NO_DEVICE,
	  .want = -EINVAL },
	{ .name = "type: 0",
	  .call = set_iommu,
	  .a = 0,
	  .setup = ROW_NO_TYPE,
	  .want = -ENODEV },
	{ .name = "type: unknown",
	  .call = set_iommu,
	  .a = 0x7fff,
	  .setup = ROW_NO_TYPE,
	  .want = -ENODEV },
	{ .name = "type: an extension that is no type",
	  .type1 = true,
	  .call = set_iommu,
	  .a = VFIO_UNMAP_ALL,
	  .setup = ROW_NO_TYPE,
	  .want = -EINVAL },
	{ .name = "type: SPAPR",
	  .type1 = true,
	  .call = set_iommu,
	  .a = VFIO_SPAPR_TCE_IOMMU,
	  .setup = ROW_NO_TYPE,
	  .want = -ENODEV },
	{ .name = "type: no-IOMMU",
	  .call = set_iommu,
	  .a = VFIO_NOIOMMU_IOMMU,
	  .setup = ROW_NO_TYPE,
	  .want = -ENODEV },
	{ .name = "type: nesting",
	  .type1 = true,
	  .call = set_iommu_undo,
	  .a = VFIO_TYPE1_NESTING_IOMMU,
	  .setup = ROW_NO_TYPE,
	  .want = -ENODEV,
	  .peer = -EINVAL,
	  .why = "the peer announces nesting, but its drivers lack it" },
};

int main(void)
{
	return table_run(rows, ARRAY_SIZE(rows));
}
