// SPDX-License-Identifier: GPL-2.0-only
/*
 * Containers: /dev/vfio/vfio.
 *
 * Owns: the container fd, which groups are set to it, and the choice of the
 * address space's type. Does not own: the space's content.
 */
#include <linux/fs.h>
#include <linux/iommu.h>
#include <linux/miscdevice.h>
#include <linux/slab.h>
#include <linux/vfio.h>

#include "spapr.h"

static noinline long check_extension(struct sluice_container *container,
				     unsigned long extension)
{
	struct sluice_space *space = &container->space;
	long ret = 0;

	switch (extension) {
	case VFIO_TYPE1_IOMMU:
	case VFIO_TYPE1v2_IOMMU:
	case VFIO_UNMAP_ALL:
		return sluice_backend_any(false);
	case VFIO_SPAPR_TCE_IOMMU:
	case VFIO_SPAPR_TCE_v2_IOMMU:
		return sluice_backend_any(true);
	case SLUICE_UNIFIED_IOMMU:
		return 1;
	case VFIO_DMA_CC_IOMMU:
		if (down_read_killable(&space->lock))
			return -EINTR;
		if (space->type != SLUICE_SPACE_NONE)
			ret = sluice_space_coherent(space);
		up_read(&space->lock);
		return ret;
	default:
		return 0;
	}
}

/* Attaches every group of the container, or none. */
static int attach_groups(struct sluice_container *container)
{
	struct sluice_group *group;
	int ret;

	list_for_each_entry(group, &container->groups, container_node) {
		ret = sluice_space_attach(&container->space,
					  group->iommu_group);
		if (ret)
			goto err_detach;
	}
	return 0;

err_detach:
	list_for_each_entry_continue_reverse(group, &container->groups,
					     container_node)
		sluice_space_detach(&container->space, group->iommu_group);
	return ret;
}

static noinline long set_iommu(struct sluice_container *container,
			       unsigned long wanted)
{
	struct sluice_space *space = &container->space;
	enum sluice_space_type type;
	int ret;

	if (sluice_space_lock_write(space))
		return -EINTR;
	/*
	 * Only a group gives its owner the right to allocate an IOMMU. A unified
	 * space is memory alone until there is one.
	 */
	ret = -EINVAL;
	if (space->type != SLUICE_SPACE_NONE ||
	    (list_empty(&container->groups) && wanted != SLUICE_UNIFIED_IOMMU))
		goto unlock;

	switch (wanted) {
	case SLUICE_UNIFIED_IOMMU:
		type = SLUICE_SPACE_UNIFIED;
		ret = sluice_unified_init(space);
		if (ret)
			goto unlock;
		break;
	case VFIO_TYPE1_IOMMU:
		type = SLUICE_SPACE_TYPE1;
		break;
	case VFIO_TYPE1v2_IOMMU:
		type = SLUICE_SPACE_TYPE1V2;
		break;
	case VFIO_SPAPR_TCE_IOMMU:
	case VFIO_SPAPR_TCE_v2_IOMMU:
		type = wanted == VFIO_SPAPR_TCE_IOMMU ? SLUICE_SPACE_SPAPR :
							SLUICE_SPACE_SPAPR_V2;
		ret = sluice_spapr_init(space, type == SLUICE_SPACE_SPAPR_V2);
		if (ret)
			goto unlock;
		break;
	case VFIO_UNMAP_ALL:
		/* An extension we announce, but no type of IOMMU. */
		goto unlock;
	default:
		ret = -ENODEV;
		goto unlock;
	}

	/* The type last: it lets devices be opened, without the lock. */
	ret = attach_groups(container);
	space->epoch++;
	if (!ret)
		WRITE_ONCE(space->type, type);
	else if (space->uni)
		sluice_unified_deinit(space);
unlock:
	up_write(&space->lock);
	return ret;
}

static long container_ioctl(struct file *file, unsigned int cmd,
			    unsigned long arg)
{
	struct sluice_container *container = file->private_data;

	switch (cmd) {
	case VFIO_GET_API_VERSION:
		return VFIO_API_VERSION;
	case VFIO_CHECK_EXTENSION:
		return check_extension(container, arg);
	case VFIO_SET_IOMMU:
		return set_iommu(container, arg);
	default:
		/* The same numbers mean other things there. */
		if (sluice_spapr_type(READ_ONCE(container->space.type)))
			return sluice_spapr_ioctl(&container->space, cmd,
						  (void __user *)arg);
		return sluice_type1_ioctl(&container->space, cmd, arg);
	}
}

static int container_open(struct inode *inode, struct file *file)
{
	struct sluice_container *container;

	container = kzalloc(sizeof(*container), GFP_KERNEL_ACCOUNT);
	if (!container)
		return -ENOMEM;
	kref_init(&container->ref);
	sluice_space_init(&container->space);
	INIT_LIST_HEAD(&container->groups);
	file->private_data = container;
	return 0;
}

static void container_free(struct kref *ref)
{
	struct sluice_container *container =
		container_of(ref, struct sluice_container, ref);

	sluice_space_deinit(&container->space);
	kfree(container);
}

static int container_release(struct inode *inode, struct file *file)
{
	struct sluice_container *container = file->private_data;

	/* The groups keep it, with all that is mapped, until they close. */
	kref_put(&container->ref, container_free);
	return 0;
}

static const struct file_operations container_fops = {
	.owner		= THIS_MODULE,
	.open		= container_open,
	.release	= container_release,
	.unlocked_ioctl	= container_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};

/**
 * sluice_container_from_file - the container behind an fd
 * @file: any file
 *
 * Return: the container, kept by @file, or NULL.
 */
struct sluice_container *sluice_container_from_file(struct file *file)
{
	return file->f_op == &container_fops ? file->private_data : NULL;
}

/*
 * A close of the group's file waits for the group's lock; so nobody waits for a space,
 * which may be busy for long, with that held.
 */
static int lock_both(struct sluice_space *space, struct sluice_group *group)
{
	for (;;) {
		if (sluice_space_lock_write(space))
			return -EINTR;
		if (mutex_trylock(&group->lock))
			return 0;
		up_write(&space->lock);
		/* Until whoever has it is done. */
		if (mutex_lock_killable(&group->lock))
			return -EINTR;
		mutex_unlock(&group->lock);
	}
}

static int attach_locked(struct sluice_container *container,
			 struct sluice_group *group)
{
	struct sluice_space *space = &container->space;
	int ret;

	if (group->container)
		return -EINVAL;
	if (!group->iommu_group)
		return -ENODEV;
	/* From here to the release the group's DMA is blocked or translated. */
	ret = iommu_group_claim_dma_owner(group->iommu_group, group);
	if (ret)
		return ret;
	if (space->type != SLUICE_SPACE_NONE) {
		ret = sluice_space_attach(space, group->iommu_group);
		if (ret) {
			iommu_group_release_dma_owner(group->iommu_group);
			return ret;
		}
	}
	list_add_tail(&group->container_node, &container->groups);
	kref_get(&container->ref);
	group->container = container;
	return 0;
}

/**
 * sluice_container_attach - set a group to a container
 * @container: the container
 * @group: the group
 *
 * Return: 0; -EINVAL if it has one; -ENODEV if the group is gone; -EPERM if a device of
 * the group has a driver that isn't ours, or as sluice_space_attach(); -EINTR. After an
 * error the group is as before.
 */
int sluice_container_attach(struct sluice_container *container,
			    struct sluice_group *group)
{
	struct sluice_space *space = &container->space;
	int ret;

	ret = lock_both(space, group);
	if (ret)
		return ret;
	ret = attach_locked(container, group);
	mutex_unlock(&group->lock);
	up_write(&space->lock);
	return ret;
}

/**
 * sluice_container_detach - take a group out of its container
 * @group: a group with a container and no open device, its lock held
 *
 * When the last group leaves, the container has no type any more, unless it's
 * unified.
 */
void sluice_container_detach(struct sluice_group *group)
{
	struct sluice_container *container = group->container;
	struct sluice_space *space = &container->space;
	struct sluice_device *sdev;

	lockdep_assert_held(&group->lock);

	sluice_space_lock_close(space);
	if (space->type != SLUICE_SPACE_NONE)
		sluice_space_detach(space, group->iommu_group);
	list_del(&group->container_node);
	if (list_empty(&container->groups) &&
	    space->type != SLUICE_SPACE_UNIFIED) {
		WRITE_ONCE(space->type, SLUICE_SPACE_NONE);
		if (space->uni)
			sluice_unified_deinit(space);
	}
	up_write(&space->lock);

	/* The kernel may let the group's DMA through untranslated from now. */
	list_for_each_entry(sdev, &group->devices, group_node)
		sdev->ops->quiesce(sdev);
	iommu_group_release_dma_owner(group->iommu_group);
	group->container = NULL;
	kref_put(&container->ref, container_free);
}

/**
 * sluice_container_ready - can devices of the container's groups be opened?
 * @container: the container
 *
 * Return: true if it has an address space.
 */
bool sluice_container_ready(struct sluice_container *container)
{
	/* A group in the container (the caller's) keeps the type from leaving. */
	return READ_ONCE(container->space.type) != SLUICE_SPACE_NONE;
}

static struct miscdevice container_dev = {
	.minor		= VFIO_MINOR,
	.name		= "vfio",
	.nodename	= "vfio/vfio",
	.fops		= &container_fops,
	/* An empty container gives nobody anything; a group does. */
	.mode		= 0666,
};

int sluice_container_init(void)
{
	return misc_register(&container_dev);
}

void sluice_container_deinit(void)
{
	misc_deregister(&container_dev);
}
