// SPDX-License-Identifier: GPL-2.0-only
/*
 * The registered backends, and the life of their instances.
 *
 * Owns: registration with its checks, and the question which backend drives a
 * group's IOMMU. Does not own: domains (domain.c).
 */
#define pr_fmt(fmt) "sluice: " fmt

#include <linux/array_size.h>
#include <linux/err.h>
#include <linux/printk.h>
#include <linux/slab.h>

#include "private.h"

/* One registered backend; highest rating first. */
struct entry {
	struct list_head node;
	const struct sluice_backend *backend;
};

static LIST_HEAD(backends);
static DEFINE_MUTEX(backends_lock);	/* guards backends */

static int check_backend(const struct sluice_backend *backend)
{
	const struct sluice_domain_ops *ops = backend->domain_ops;
	const struct {
		const char *what;
		bool there;
	} required[] = {
		{ "name",	backend->name && *backend->name },
		{ "rating",	backend->rating },
		{ "probe",	backend->probe },
		{ "release",	backend->release },
		{ "domain_alloc", backend->domain_alloc },
		{ "domain_ops",	ops },
		{ "free",	ops && ops->free },
		{ "attach",	ops && ops->attach },
		{ "detach",	ops && ops->detach },
		{ "compatible",	ops && ops->compatible },
		{ "map",	ops && ops->map },
		{ "unmap",	ops && ops->unmap },
		{ "read",	ops && ops->read },
		{ "flush",	ops && ops->flush },
		{ "windows",	!ops || !ops->windows ||
				(ops->windows->create && ops->windows->remove) },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(required); i++) {
		if (!required[i].there) {
			pr_err("backend %s lacks %s\n",
			       backend->name ?: "without a name",
			       required[i].what);
			return -EINVAL;
		}
	}
	return 0;
}

int sluice_backend_register(const struct sluice_backend *backend)
{
	struct list_head *before;
	struct entry *new, *entry;
	int ret;

	ret = check_backend(backend);
	if (ret)
		return ret;

	new = kzalloc(sizeof(*new), GFP_KERNEL);
	if (!new)
		return -ENOMEM;
	new->backend = backend;

	mutex_lock(&backends_lock);
	before = &backends;
	list_for_each_entry(entry, &backends, node) {
		if (!strcmp(entry->backend->name, backend->name)) {
			mutex_unlock(&backends_lock);
			pr_err("backend %s is registered already\n",
			       backend->name);
			kfree(new);
			return -EEXIST;
		}
		if (before == &backends &&
		    entry->backend->rating < backend->rating)
			before = &entry->node;
	}
	list_add_tail(&new->node, before);
	mutex_unlock(&backends_lock);

	pr_info("backend %s registered\n", backend->name);
	return 0;
}

void sluice_backend_unregister(const struct sluice_backend *backend)
{
	struct entry *entry;

	guard(mutex)(&backends_lock);
	list_for_each_entry(entry, &backends, node) {
		if (entry->backend == backend) {
			list_del(&entry->node);
			kfree(entry);
			return;
		}
	}
}

/**
 * sluice_backend_any - is there a backend of a kind?
 * @windows: one with windows; else one whose domains have none
 *
 * Return: true if one is registered.
 */
bool sluice_backend_any(bool windows)
{
	struct entry *entry;

	guard(mutex)(&backends_lock);
	list_for_each_entry(entry, &backends, node) {
		if (!!entry->backend->domain_ops->windows == windows)
			return true;
	}
	return false;
}

void sluice_iommu_get(struct sluice_iommu *iommu)
{
	kref_get(&iommu->ref);
}

static void iommu_release(struct kref *ref)
{
	struct sluice_iommu *iommu = container_of(ref, struct sluice_iommu, ref);

	iommu->backend->release(iommu);
}

/* Drops a reference with backends_lock held. */
static void iommu_put_locked(struct sluice_iommu *iommu)
{
	lockdep_assert_held(&backends_lock);
	kref_put(&iommu->ref, iommu_release);
}

void sluice_iommu_put(struct sluice_iommu *iommu)
{
	guard(mutex)(&backends_lock);
	iommu_put_locked(iommu);
}

static bool windows_ok(const struct sluice_window_caps *caps)
{
	const struct sluice_range *initial = &caps->initial;

	/* What is told of it has 32 bits. */
	return !sluice_range_empty(initial) && initial->last <= U32_MAX &&
	       caps->initial_lg2 < 32 &&
	       IS_ALIGNED(initial->start | (initial->last + 1),
			  BIT_ULL(caps->initial_lg2)) &&
	       caps->max && caps->max <= SLUICE_MAX_HW_WINDOWS;
}

/* An instance whose capabilities make no sense would break isolation later. */
static int check_caps(const struct sluice_iommu *iommu)
{
	const struct sluice_caps *caps = &iommu->caps;
	const struct sluice_range *r = caps->apertures;
	unsigned int i;

	if (!caps->pgsizes || !caps->nr_apertures ||
	    caps->nr_apertures > SLUICE_MAX_APERTURES)
		return -EINVAL;
	if (iommu->backend->domain_ops->windows && !windows_ok(&caps->windows))
		return -EINVAL;
	for (i = 0; i < caps->nr_apertures; i++) {
		if (sluice_range_empty(&r[i]))
			return -EINVAL;
		if (i && (r[i].start <= r[i - 1].last ||
			  r[i].start - 1 == r[i - 1].last))
			return -EINVAL;
	}
	return 0;
}

/**
 * sluice_iommu_probe - find the instance behind a group
 * @group: a group whose DMA ownership has been claimed
 *
 * Return: the instance with a reference for the caller; ERR_PTR(-ENODEV) if no
 * backend drives the group's IOMMU; -EIO if the IOMMU is dead; else the
 * backend's errno.
 */
struct sluice_iommu *sluice_iommu_probe(struct iommu_group *group)
{
	struct sluice_iommu *iommu = ERR_PTR(-ENODEV);
	struct entry *entry;

	guard(mutex)(&backends_lock);
	list_for_each_entry(entry, &backends, node) {
		iommu = entry->backend->probe(group);
		if (IS_ERR(iommu) && PTR_ERR(iommu) == -ENODEV)
			continue;
		if (IS_ERR(iommu))
			return iommu;

		iommu->backend = entry->backend;
		if (check_caps(iommu)) {
			pr_err("backend %s: capabilities of group %d's IOMMU make no sense\n",
			       entry->backend->name, iommu_group_id(group));
			iommu_put_locked(iommu);
			return ERR_PTR(-EINVAL);
		}
		if (READ_ONCE(iommu->dead)) {
			pr_err_ratelimited("group %d: its IOMMU no longer answers, nothing can be attached to it\n",
					   iommu_group_id(group));
			iommu_put_locked(iommu);
			return ERR_PTR(-EIO);
		}
		return iommu;
	}
	return iommu;
}
