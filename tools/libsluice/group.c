// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Groups: found by sysfs, opened once per container, counted by the devices
 * that use them.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "internal.h"

int sluice_group_id(const char *addr)
{
	char pci[SLUICE_ADDR_LEN], name[16], *end;
	unsigned long id;
	int ret;

	ret = sluice_pci_addr(addr, pci);
	if (ret)
		return ret;
	ret = sluice_pci_link(pci, "iommu_group", name, sizeof(name));
	if (ret)
		return ret == -ENOENT ? -ENXIO : ret;
	id = strtoul(name, &end, 10);
	if (*end || end == name)
		return -ENXIO;
	return id;
}

static struct sluice_group *group_find(struct sluice_container *c, int id)
{
	struct sluice_group *group;

	for (group = c->groups; group; group = group->next)
		if (group->id == id)
			return group;
	return NULL;
}

/*
 * The kernel reports a group as not viable for two reasons that call for
 * different remedies; by now the group is ours, so only a host driver is left.
 */
static int group_check_viable(int fd)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	int ret = sluice_ioctl(fd, VFIO_GROUP_GET_STATUS, &status);

	if (ret)
		return ret;
	return status.flags & VFIO_GROUP_FLAGS_VIABLE ? 0 : -EADDRINUSE;
}

static int group_open(struct sluice_container *c, int id,
		      struct sluice_group **groupp)
{
	struct sluice_group *group;
	char path[32];
	int ret;

	group = calloc(1, sizeof(*group));
	if (!group)
		return -ENOMEM;
	snprintf(path, sizeof(path), "/dev/vfio/%d", id);
	group->fd = open(path, O_RDWR | O_CLOEXEC);
	if (group->fd < 0) {
		ret = -errno;
		goto err_free;
	}
	ret = group_check_viable(group->fd);
	if (ret)
		goto err_close;
	ret = sluice_ioctl(group->fd, VFIO_GROUP_SET_CONTAINER, &c->fd);
	if (ret)
		goto err_close;

	group->id = id;
	group->next = c->groups;
	c->groups = group;
	*groupp = group;
	return 0;

err_close:
	close(group->fd);
err_free:
	free(group);
	return ret;
}

/* The caller counts itself in group->users, or sets keep, or releases. */
int sluice_group_get(struct sluice_container *c, const char *addr,
		     struct sluice_group **groupp)
{
	int id = sluice_group_id(addr);

	if (id < 0)
		return id;
	*groupp = group_find(c, id);
	if (*groupp)
		return 0;
	return group_open(c, id, groupp);
}

void sluice_group_release(struct sluice_container *c,
			  struct sluice_group *group)
{
	struct sluice_group **link = &c->groups;

	while (*link != group)
		link = &(*link)->next;
	*link = group->next;
	/* Closing takes the group out of the container as well. */
	close(group->fd);
	free(group);
	/* With its last group a container loses its IOMMU type. */
	if (!c->groups) {
		c->iommu_type = 0;
		sluice_spapr_deinit(c);
	}
}

void sluice_group_put(struct sluice_container *c, struct sluice_group *group)
{
	if (!group->users && !group->keep)
		sluice_group_release(c, group);
}

int sluice_group_attach(struct sluice_container *c, const char *addr)
{
	struct sluice_group *group;
	int ret = sluice_group_get(c, addr, &group);

	if (!ret)
		group->keep = true;
	return ret;
}

int sluice_group_detach(struct sluice_container *c, const char *addr)
{
	struct sluice_group *group;
	int id = sluice_group_id(addr);

	if (id < 0)
		return id;
	group = group_find(c, id);
	if (!group)
		return -ENOENT;
	if (group->users)
		return -EBUSY;
	sluice_group_release(c, group);
	return 0;
}

int sluice_group_fd(struct sluice_container *c, const char *addr)
{
	struct sluice_group *group;
	int id = sluice_group_id(addr);

	if (id < 0)
		return id;
	group = group_find(c, id);
	return group ? group->fd : -ENOENT;
}
