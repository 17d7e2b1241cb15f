// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * PCI devices in sysfs: their addresses, links and attributes. Does not know
 * what the attributes mean.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

#define PCI_DEVICES "/sys/bus/pci/devices"

/*
 * Bring an address into the form that sysfs uses, and see that there is such
 * a device. Nothing but hexadecimal numbers gets through, so the result is
 * safe as a component of a path.
 */
int sluice_pci_addr(const char *in, char out[SLUICE_ADDR_LEN])
{
	unsigned int domain = 0, bus, slot, fn;
	char path[64];
	int end = 0;

	if (sscanf(in, "%8x:%2x:%2x.%1x%n", &domain, &bus, &slot, &fn, &end) !=
		    4 ||
	    in[end]) {
		domain = 0;
		end = 0;
		if (sscanf(in, "%2x:%2x.%1x%n", &bus, &slot, &fn, &end) != 3 ||
		    in[end])
			return -EINVAL;
	}
	if (slot > 31 || fn > 7)
		return -EINVAL;
	if (snprintf(out, SLUICE_ADDR_LEN, "%04x:%02x:%02x.%x", domain, bus,
		     slot, fn) >= SLUICE_ADDR_LEN)
		return -EINVAL;

	snprintf(path, sizeof(path), PCI_DEVICES "/%s", out);
	return access(path, F_OK) ? -ENODEV : 0;
}

/* The last component of where a link of the device points to. */
int sluice_pci_link(const char *addr, const char *link, char *name, size_t len)
{
	char path[128], target[PATH_MAX];
	const char *base;
	ssize_t n;

	snprintf(path, sizeof(path), PCI_DEVICES "/%s/%s", addr, link);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	base = strrchr(target, '/');
	base = base ? base + 1 : target;
	if (strlen(base) >= len)
		return -ENAMETOOLONG;
	memcpy(name, base, strlen(base) + 1);
	return 0;
}

int sluice_pci_read(const char *addr, const char *attr, char *buf, size_t len)
{
	char path[128];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), PCI_DEVICES "/%s/%s", addr, attr);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, buf, len - 1);
	if (n < 0) {
		n = -errno;
		close(fd);
		return n;
	}
	close(fd);
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return 0;
}

int sluice_pci_write(const char *addr, const char *attr, const char *val)
{
	char path[128];

	snprintf(path, sizeof(path), PCI_DEVICES "/%s/%s", addr, attr);
	return sluice_file_write(path, val);
}

int sluice_file_write(const char *path, const char *val)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, val, strlen(val)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}
