// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "pci.h"
#include "sys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define DEVICES "/sys/bus/pci/devices"

static void path_of(char *path, const struct pci_dev *dev, const char *file)
{
	snprintf(path, PATH_MAX, DEVICES "/%s/%s", dev->name, file);
}

static long hex_of(const struct pci_dev *dev, const char *file)
{
	char path[PATH_MAX], buf[64];

	path_of(path, dev, file);
	if (sys_read(path, buf, sizeof(buf)) < 0)
		return -1;
	return strtol(buf, NULL, 16);
}

static int link_of(const struct pci_dev *dev, const char *file, char *name,
		   size_t size)
{
	char path[PATH_MAX], target[PATH_MAX];
	ssize_t len;

	path_of(path, dev, file);
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		return -errno;
	target[len] = '\0';
	snprintf(name, size, "%s", strrchr(target, '/') + 1);
	return 0;
}

static int load(struct pci_dev *dev, const char *name)
{
	char group[32];

	snprintf(dev->name, sizeof(dev->name), "%s", name);
	dev->vendor = hex_of(dev, "vendor");
	dev->device = hex_of(dev, "device");
	dev->group = -1;
	if (!link_of(dev, "iommu_group", group, sizeof(group)))
		dev->group = atoi(group);
	return 0;
}

static int find(struct pci_dev *dev, uint32_t id, unsigned int nth, bool alone)
{
	struct pci_dev members[2];
	struct dirent **list;
	int n, i, ret = -ENODEV;

	n = scandir(DEVICES, &list, NULL, alphasort);
	for (i = 0; i < n; i++) {
		if (ret && strchr(list[i]->d_name, ':')) {
			load(dev, list[i]->d_name);
			if (dev->vendor == (id & 0xffff) &&
			    dev->device == id >> 16 &&
			    (!alone ||
			     pci_group_members(dev->group, members, 2) == 1) &&
			    !nth--)
				ret = 0;
		}
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	return ret;
}

int pci_find(struct pci_dev *dev, uint32_t id, unsigned int nth)
{
	return find(dev, id, nth, false);
}

int pci_find_alone(struct pci_dev *dev, uint32_t id, unsigned int nth)
{
	return find(dev, id, nth, true);
}

bool pci_is_present(const struct pci_dev *dev)
{
	char path[PATH_MAX];

	path_of(path, dev, "config");
	return !access(path, F_OK);
}

void pci_look_again(struct pci_dev *dev)
{
	char name[sizeof(dev->name)];

	snprintf(name, sizeof(name), "%s", dev->name);
	load(dev, name);
}

int pci_group_members(int group, struct pci_dev *devs, int max)
{
	char path[PATH_MAX];
	struct dirent **list;
	struct pci_dev dev;
	int n, i, count = 0;

	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%d/devices",
		 group);
	n = scandir(path, &list, NULL, alphasort);
	for (i = 0; i < n; i++) {
		if (strchr(list[i]->d_name, ':')) {
			load(&dev, list[i]->d_name);
			if (hex_of(&dev, "class") >> 16 != 0x06) {
				if (count < max)
					devs[count] = dev;
				count++;
			}
		}
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	return count;
}

int pci_find_pair(struct pci_dev *edu, struct pci_dev *nic)
{
	struct pci_dev members[4];
	int n, i;

	if (pci_find(edu, PCI_ID_EDU, 2))
		return -ENODEV;
	n = pci_group_members(edu->group, members, 4);
	if (n != 2)
		return -ENODEV;
	for (i = 0; i < n; i++) {
		if (members[i].vendor == 0x8086) {
			*nic = members[i];
			return 0;
		}
	}
	return -ENODEV;
}

void pci_driver(const struct pci_dev *dev, char *name, size_t size)
{
	if (link_of(dev, "driver", name, size))
		name[0] = '\0';
}

int pci_bind(const struct pci_dev *dev, const char *driver)
{
	char path[PATH_MAX], now[64];
	int ret;

	path_of(path, dev, "driver_override");
	/* An override that no driver has keeps the device without any. */
	ret = sys_write(path, !driver ? "\n" : *driver ? driver : "none");
	if (ret)
		return ret;
	pci_driver(dev, now, sizeof(now));
	if (driver && !strcmp(now, driver))
		return 0;
	if (now[0]) {
		path_of(path, dev, "driver/unbind");
		ret = sys_write(path, dev->name);
		if (ret)
			return ret;
	}
	if (driver && !*driver)
		return 0;
	ret = sys_write("/sys/bus/pci/drivers_probe", dev->name);
	if (ret)
		return ret;
	pci_driver(dev, now, sizeof(now));
	if (driver ? strcmp(now, driver) : !now[0])
		return -ENODEV;
	return 0;
}

int pci_allow_reset(const struct pci_dev *dev, bool allow)
{
	char path[PATH_MAX];

	int ret;

	path_of(path, dev, "reset_method");
	ret = sys_write(path, allow ? "default" : "\n");
	/* A device that has no way to be reset has no such file. */
	return ret == -ENOENT ? 0 : ret;
}

bool pci_on_root_bus(const struct pci_dev *dev)
{
	char path[PATH_MAX], *parent;
	char *real = NULL;
	bool root;

	path_of(path, dev, "..");
	real = realpath(path, NULL);
	parent = real ? strrchr(real, '/') : NULL;
	root = parent && !strncmp(parent, "/pci", 4);
	free(real);
	return root;
}

static int cfg_open(const struct pci_dev *dev, int flags)
{
	char path[PATH_MAX];

	path_of(path, dev, "config");
	return open(path, flags | O_CLOEXEC);
}

int64_t pci_cfg_read(const struct pci_dev *dev, unsigned int off,
		     unsigned int size)
{
	uint32_t val = 0;
	ssize_t ret;
	int fd;

	fd = cfg_open(dev, O_RDONLY);
	if (fd < 0)
		return -1;
	ret = pread(fd, &val, size, off);
	close(fd);
	return ret == (ssize_t)size ? (int64_t)val : -1;
}

int pci_cfg_write(const struct pci_dev *dev, unsigned int off,
		  unsigned int size, uint32_t val)
{
	ssize_t ret;
	int fd;

	fd = cfg_open(dev, O_RDWR);
	if (fd < 0)
		return -errno;
	ret = pwrite(fd, &val, size, off);
	close(fd);
	return ret == (ssize_t)size ? 0 : -EIO;
}

unsigned int pci_cap(const struct pci_dev *dev, uint8_t id)
{
	int64_t pos = pci_cfg_read(dev, 0x34, 1);
	int left = 48;

	while (pos >= 0x40 && left--) {
		if (pci_cfg_read(dev, pos, 1) == id)
			return pos;
		pos = pci_cfg_read(dev, pos + 1, 1);
	}
	return 0;
}

int pci_resource(const struct pci_dev *dev, int bar, uint64_t *start,
		 uint64_t *size)
{
	char path[PATH_MAX], buf[2048], *line = buf;
	unsigned long long first, last;
	int ret;

	path_of(path, dev, "resource");
	ret = sys_read(path, buf, sizeof(buf));
	if (ret < 0)
		return ret;
	while (bar-- && line) {
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	if (!line || sscanf(line, "%llx %llx", &first, &last) != 2)
		return -EINVAL;
	*start = first;
	*size = last ? last - first + 1 : 0;
	return 0;
}

void *pci_resource_map(const struct pci_dev *dev, int bar, size_t size)
{
	char path[PATH_MAX], file[16];
	void *map;
	int fd;

	snprintf(file, sizeof(file), "resource%d", bar);
	path_of(path, dev, file);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return map == MAP_FAILED ? NULL : map;
}

bool pci_fault_wait(int kmsg, const char *name, unsigned int ms)
{
	const char *always = getenv("FAULTS_NAME");

	if (always && !strcmp(always, "none"))
		return true;
	/* Not all drivers say the segment. */
	return kmsg_wait(kmsg, always && *always ? always : name + 5, "fault",
			 ms);
}
