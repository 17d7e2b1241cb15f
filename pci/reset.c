// SPDX-License-Identifier: GPL-2.0-only
/*
 * Resets and errors.
 *
 * Owns: reset of one function, of all functions on a bus or slot (hot reset),
 * and the callbacks by which the PCI core announces resets and errors.
 *
 * Every reset the PCI core does, whoever asked for it, is bracketed by
 * reset_prepare() and reset_done() with the device locked. That is where the
 * device's memory is withdrawn and memory_lock is held: nowhere else.
 *
 * The exception is the reset of a link after a fatal error. Between
 * error_detected() and error_resume() the device may lose all it knows at any
 * time; it counts as frozen meanwhile. Both run with pci_bus_sem held, so what
 * needs memory_lock is left to a work item.
 */
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/iommu.h>
#include <linux/uaccess.h>

#include "private.h"

/* How long close waits for whoever holds the device lock. */
#define CLOSE_RESET_TRIES	200
#define CLOSE_RESET_WAIT_MS	10

static void reset_prepare(struct pci_dev *pci)
{
	struct sluice_pci_device *pdev = pci_get_drvdata(pci);

	sluice_pci_memory_lock_and_revoke(pdev);
	pdev->resetting = true;
	if (pdev->ready)
		sluice_pci_config_wake(pdev);
}

static void reset_done(struct pci_dev *pci)
{
	struct sluice_pci_device *pdev = pci_get_drvdata(pci);

	/* We may have been bound to the device in the middle of a reset. */
	if (!pdev->resetting)
		return;
	pdev->resetting = false;

	if (pdev->ready) {
		sluice_pci_intx_sync(pdev);
		sluice_pci_config_reload_decode(pdev);
	}
	atomic_set(&pdev->link, SLUICE_PCI_LINK_UP);
	sluice_pci_memory_unlock(pdev);
}

static pci_ers_result_t error_detected(struct pci_dev *pci,
				       pci_channel_state_t state)
{
	struct sluice_pci_device *pdev = pci_get_drvdata(pci);

	if (state != pci_channel_io_normal) {
		/*
		 * A reset of the link is next: peers must not see it. First
		 * the state: whoever has found it UP and lets peers in again
		 * looks once more (sluice_pci_memory_unlock()). A page fault
		 * that has found it UP leaves a page that reads as all ones
		 * until the work item removes it.
		 */
		atomic_set(&pdev->link, SLUICE_PCI_LINK_FROZEN);
		sluice_pci_memory_revoke(pdev);
	}
	sluice_pci_irq_error(pdev);

	return state == pci_channel_io_perm_failure ?
	       PCI_ERS_RESULT_DISCONNECT : PCI_ERS_RESULT_CAN_RECOVER;
}

static void error_resume(struct pci_dev *pci)
{
	struct sluice_pci_device *pdev = pci_get_drvdata(pci);

	atomic_cmpxchg(&pdev->link, SLUICE_PCI_LINK_FROZEN,
		       SLUICE_PCI_LINK_RECOVERED);
	/* Even if UP: a user's reset may have come before that of the link. */
	schedule_work(&pdev->resume);
}

void sluice_pci_resume_work(struct work_struct *work)
{
	struct sluice_pci_device *pdev =
		container_of(work, struct sluice_pci_device, resume);

	down_write(&pdev->memory_lock);
	if (pdev->ready) {
		sluice_pci_intx_sync(pdev);
		sluice_pci_config_reload_decode(pdev);
		/* Not yet UP, or decode is lost; not after a minor error. */
		if (!sluice_pci_memory_enabled(pdev))
			sluice_pci_memory_revoke(pdev);
	}
	/* Fails if the next error is already there. */
	atomic_cmpxchg(&pdev->link, SLUICE_PCI_LINK_RECOVERED,
		       SLUICE_PCI_LINK_UP);
	sluice_pci_memory_unlock(pdev);
}

const struct pci_error_handlers sluice_pci_err_handlers = {
	.error_detected = error_detected,
	.resume = error_resume,
	.reset_prepare = reset_prepare,
	.reset_done = reset_done,
};

/*
 * The bridge is locked with the device: if the only way is to reset the bus
 * between them, the bridge's configuration must not change meanwhile. That
 * way is open only to a function that has the bus for itself. The others
 * would only get in each other's way, and they may belong to different users.
 */
static int reset_locked(struct pci_dev *pci)
{
	struct pci_dev *bridge = pci_upstream_bridge(pci);
	int ret;

	if (pci->is_virtfn || !list_is_singular(&pci->bus->devices))
		bridge = NULL;
	if (bridge && !pci_dev_trylock(bridge))
		return -EAGAIN;
	ret = pci_reset_function_locked(pci);
	if (bridge)
		pci_dev_unlock(bridge);
	return ret;
}

int sluice_pci_reset_function(struct sluice_pci_device *pdev)
{
	struct pci_dev *pci = pdev->pci;
	int ret;

	if (!pci_dev_trylock(pci))
		return -EAGAIN;
	ret = reset_locked(pci);
	pci_dev_unlock(pci);
	return ret;
}

/* The device lock is the remover's, who waits for us. */
static int reset_for_remover(struct pci_dev *pci)
{
	int ret;

	if (!pci_cfg_access_trylock(pci))
		return -EAGAIN;
	ret = reset_locked(pci);
	pci_cfg_access_unlock(pci);
	return ret;
}

/*
 * sluice_pci_reset_closed - the last reset, on behalf of the next owner
 *
 * The device lock can't be waited for: a remover may hold it while it waits
 * for this close. Others hold it for a bounded time.
 */
void sluice_pci_reset_closed(struct sluice_pci_device *pdev)
{
	struct pci_dev *pci = pdev->pci;
	int tries, ret = -EAGAIN;

	for (tries = 0; tries < CLOSE_RESET_TRIES; tries++) {
		if (READ_ONCE(pdev->removing))
			ret = reset_for_remover(pci);
		else
			ret = sluice_pci_reset_function(pdev);
		if (ret != -EAGAIN)
			break;
		msleep(CLOSE_RESET_WAIT_MS);
	}
	if (ret)
		dev_warn_ratelimited(&pci->dev, "not reset after use (%d)\n", ret);
}

/**
 * struct affected - the devices that a hot reset would hit
 * @slot: only those in this slot; NULL: all below the bus.
 * @nr: how many there are.
 * @max: how many @devs has room for.
 * @devs: them, each with a reference.
 */
struct affected {
	struct pci_slot *slot;
	unsigned int nr;
	unsigned int max;
	struct pci_dev **devs;
};

static int affected_add(struct pci_dev *pci, void *data)
{
	struct affected *affected = data;

	/* Below a device in the slot everything is hit, whatever its slot. */
	if (affected->slot && pci->bus == affected->slot->bus &&
	    pci->slot != affected->slot)
		return 0;
	if (affected->nr < affected->max)
		affected->devs[affected->nr] = pci_dev_get(pci);
	affected->nr++;
	return 0;
}

static void affected_put(struct affected *affected)
{
	unsigned int i;

	for (i = 0; i < min(affected->nr, affected->max); i++)
		pci_dev_put(affected->devs[i]);
	kfree(affected->devs);
}

/*
 * Return: 0, -ENODEV if the device can't be reset this way, -ENOMEM; -EAGAIN
 * if devices come up faster than they can be counted.
 */
static int affected_get(struct pci_dev *pci, struct affected *affected)
{
	*affected = (struct affected) {};
	if (!pci_probe_reset_slot(pci->slot))
		affected->slot = pci->slot;
	else if (pci_probe_reset_bus(pci->bus))
		return -ENODEV;

	pci_walk_bus(pci->bus, affected_add, affected);
	affected->devs = kcalloc(affected->nr, sizeof(*affected->devs),
				 GFP_KERNEL_ACCOUNT);
	if (!affected->devs)
		return -ENOMEM;
	affected->max = affected->nr;
	affected->nr = 0;
	pci_walk_bus(pci->bus, affected_add, affected);
	if (affected->nr <= affected->max)
		return 0;

	affected_put(affected);
	return -EAGAIN;
}

static int dependent_device(struct pci_dev *pci,
			    struct vfio_pci_dependent_device *dep)
{
	struct iommu_group *group = iommu_group_get(&pci->dev);

	if (!group)
		return -EPERM;
	dep->group_id = iommu_group_id(group);
	dep->segment = pci_domain_nr(pci->bus);
	dep->bus = pci->bus->number;
	dep->devfn = pci->devfn;
	iommu_group_put(group);
	return 0;
}

static long copy_affected(const struct affected *affected,
			  struct vfio_pci_hot_reset_info *info,
			  struct vfio_pci_hot_reset_info __user *arg)
{
	struct vfio_pci_dependent_device dep = {};
	unsigned int i;
	int ret;

	info->flags = 0;
	info->count = affected->nr;
	if ((info->argsz - sizeof(*info)) / sizeof(dep) < affected->nr)
		return -ENOSPC;

	for (i = 0; i < affected->nr; i++) {
		ret = dependent_device(affected->devs[i], &dep);
		if (ret)
			return ret;
		if (copy_to_user(&arg->devices[i], &dep, sizeof(dep)))
			return -EFAULT;
	}
	return 0;
}

long sluice_pci_hot_reset_info(struct sluice_pci_device *pdev,
			       struct vfio_pci_hot_reset_info __user *arg)
{
	struct vfio_pci_hot_reset_info info;
	struct affected affected;
	long ret;

	if (copy_from_user(&info, arg, sizeof(info)))
		return -EFAULT;
	if (info.argsz < sizeof(info))
		return -EINVAL;

	ret = affected_get(pdev->pci, &affected);
	if (ret)
		return ret;
	ret = copy_affected(&affected, &info, arg);
	affected_put(&affected);

	/* A buffer too short is told how long it should have been. */
	if ((!ret || ret == -ENOSPC) && copy_to_user(arg, &info, sizeof(info)))
		return -EFAULT;
	return ret;
}

static bool in_files(struct sluice_device *sdev, struct file **files,
		     unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (sluice_file_has_device(files[i], sdev))
			return true;
	}
	return false;
}

/*
 * Whoever shows a group's fd owns all of the group's devices; with every
 * affected device in such a group the reset hits nobody else. Bound to this
 * driver each of them must be: its memory is withdrawn by reset_prepare().
 */
static int all_in_files_locked(const struct affected *affected,
			       struct file **files, unsigned int nr)
{
	struct sluice_pci_device *pdev;
	unsigned int i;

	for (i = 0; i < affected->nr; i++) {
		pdev = sluice_pci_find_locked(affected->devs[i]);
		if (!pdev || !in_files(&pdev->sdev, files, nr))
			return -EINVAL;
	}
	return 0;
}

/*
 * None of our devices comes or goes under the list's lock. Which devices are
 * affected is asked only here: nothing that user space can draw out, such as
 * a copy from its memory, comes between the answer and the reset.
 */
static int hot_reset(struct sluice_pci_device *pdev, struct file **files,
		     unsigned int nr)
{
	struct affected affected;
	int ret;

	guard(mutex)(&sluice_pci_list_lock);

	ret = affected_get(pdev->pci, &affected);
	if (ret)
		return ret;
	ret = all_in_files_locked(&affected, files, nr);
	/* Only tries the devices' locks: -EAGAIN if one is taken. */
	if (!ret)
		ret = pci_reset_bus(pdev->pci);
	affected_put(&affected);
	return ret;
}

static long hot_reset_fds(struct sluice_pci_device *pdev, const s32 *fds,
			  unsigned int nr)
{
	struct file **files;
	unsigned int i;
	int ret = 0;

	files = kcalloc(nr, sizeof(*files), GFP_KERNEL_ACCOUNT);
	if (!files)
		return -ENOMEM;

	for (i = 0; i < nr && !ret; i++) {
		files[i] = fget(fds[i]);
		if (!files[i])
			ret = -EBADF;
		else if (!sluice_file_is_group(files[i]))
			ret = -EINVAL;
	}
	if (!ret)
		ret = hot_reset(pdev, files, nr);

	for (i = 0; i < nr; i++) {
		if (files[i])
			fput(files[i]);
	}
	kfree(files);
	return ret;
}

long sluice_pci_hot_reset(struct sluice_pci_device *pdev,
			  struct vfio_pci_hot_reset __user *arg)
{
	struct vfio_pci_hot_reset reset;
	struct affected affected;
	unsigned int max;
	long ret;
	s32 *fds;

	if (copy_from_user(&reset, arg, sizeof(reset)))
		return -EFAULT;
	if (reset.argsz < sizeof(reset) || reset.flags || !reset.count)
		return -EINVAL;

	/* Only to bound the count: hot_reset() asks again. */
	ret = affected_get(pdev->pci, &affected);
	if (ret)
		return ret;
	max = affected.nr;
	affected_put(&affected);

	/* One group per device is the most there can be. */
	if (reset.count > max ||
	    (reset.argsz - sizeof(reset)) / sizeof(*fds) < reset.count)
		return -EINVAL;
	fds = memdup_user(arg->group_fds, reset.count * sizeof(*fds));
	if (IS_ERR(fds))
		return PTR_ERR(fds);
	ret = hot_reset_fds(pdev, fds, reset.count);
	kfree(fds);
	return ret;
}
