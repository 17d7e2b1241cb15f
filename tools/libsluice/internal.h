/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the library's files share and its users don't see: groups, and PCI
 * devices in sysfs.
 */
#ifndef SLUICE_INTERNAL_H
#define SLUICE_INTERNAL_H

#include <errno.h>
#include <sys/ioctl.h>

#include "sluice.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/**
 * struct sluice_group - an open /dev/vfio/N
 * @next: in sluice_container.groups
 * @fd: its descriptor; the kernel allows only one
 * @id: N
 * @users: open devices
 * @keep: attached by sluice_group_attach(): outlives its last device
 */
struct sluice_group {
	struct sluice_group *next;
	int fd;
	int id;
	unsigned int users;
	bool keep;
};

/* ioctl() with the library's convention for errors. */
static inline int sluice_ioctl(int fd, unsigned long cmd, void *arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

/* Some VFIO calls take an integer instead of a pointer. */
static inline int sluice_ioctl_val(int fd, unsigned long cmd, unsigned long arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

/* group.c */
int sluice_group_get(struct sluice_container *c, const char *addr,
		     struct sluice_group **groupp);
void sluice_group_put(struct sluice_container *c, struct sluice_group *group);
void sluice_group_release(struct sluice_container *c,
			  struct sluice_group *group);

/* spapr.c: what container.c does for TYPE1, for the type of IBM POWER */
int sluice_spapr_init(struct sluice_container *c);
void sluice_spapr_deinit(struct sluice_container *c);
int sluice_spapr_info(struct sluice_container *c,
		      struct sluice_iommu_info *out);
int sluice_spapr_map(struct sluice_container *c, const void *vaddr,
		     uint64_t iova, uint64_t size, uint32_t prot);
int sluice_spapr_unmap(struct sluice_container *c, uint64_t iova, uint64_t size,
		       uint64_t *unmapped);

/* sysfs.c */
int sluice_pci_addr(const char *in, char out[SLUICE_ADDR_LEN]);
int sluice_pci_link(const char *addr, const char *link, char *name, size_t len);
int sluice_pci_read(const char *addr, const char *attr, char *buf, size_t len);
int sluice_pci_write(const char *addr, const char *attr, const char *val);
int sluice_file_write(const char *path, const char *val);

#endif /* SLUICE_INTERNAL_H */
