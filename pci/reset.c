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

/* How long open and close wait for whoever holds the device lock. */
#define STATE_LOCK_TRIES	200
#define STATE_LOCK_WAIT_MS	10

/*
 * From reset_prepare() to reset_done() memory_lock is held, but lockdep isn't told. What
 * the PCI core takes for a reset, such as the lock of a hot-plug slot, would be inside of it;
 * and a removal, which that slot's events may have to wait for, wants memory_lock. The
 * two never meet, for both have the device lock, which means nothing to lockdep.
 */
static void reset_prepare(struct pci_dev *pci)
{
	struct sluice_pci_device *pdev = pci_get_drvdata(pci);

	sluice_pci_memory_lock_and_revoke(pdev);
	pdev->resetting = true;
	/* Ours and hot resets have done so before the device lock was taken. */
	if (pdev->ready)
		sluice_pci_config_wake(pdev);
	rwsem_release(&pdev->memory_lock.dep_map, _THIS_IP_);
}

static void reset_done(struct pci_dev *pci)
{
	struct sluice_pci_device *pdev = pci_get_drvdata(pci);

	/* We may have been bound to the device in the middle of a reset. */
	if (!pdev->resetting)
		return;
	rwsem_acquire(&pdev->memory_lock.dep_map, 0, 1, _THIS_IP_);
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
static struct pci_dev *bridge_to_lock(struct pci_dev *pci)
{
	if (pci->is_virtfn || !list_is_singular(&pci->bus->devices))
		return NULL;
	return pci_upstream_bridge(pci);
}

/*
 * Before the device lock is taken: to wake a device takes pci_bus_sem, under
 * which the handling of errors waits for device locks.
 */
static void wake(struct sluice_pci_device *pdev)
{
	down_write(&pdev->memory_lock);
	if (pdev->ready)
		sluice_pci_config_wake(pdev);
	sluice_pci_memory_unlock(pdev);
}

/* The device lock of a device that is being unbound is the remover's. */
static bool try_lock_device(struct sluice_pci_device *pdev)
{
	if (READ_ONCE(pdev->removing))
		return pci_cfg_access_trylock(pdev->pci);
	return pci_dev_trylock(pdev->pci);
}

/*
 * The bridge first: who resets the device through sysfs takes its lock first, too, and
 * keeps it while waiting for that of the device.
 */
static bool try_lock(struct sluice_pci_device *pdev, struct pci_dev *bridge)
{
	if (bridge && !pci_dev_trylock(bridge))
		return false;
	if (try_lock_device(pdev)) {
		pdev->locked_bridge = bridge;
		return true;
	}
	if (bridge)
		pci_dev_unlock(bridge);
	return false;
}

int sluice_pci_state_lock(struct sluice_pci_device *pdev)
{
	struct pci_dev *bridge = bridge_to_lock(pdev->pci);
	int tries;

	for (tries = 0; tries < STATE_LOCK_TRIES; tries++) {
		if (tries)
			msleep(STATE_LOCK_WAIT_MS);
		if (try_lock(pdev, bridge))
			return 0;
	}
	/* The state can do without the bridge, but not the reset. */
	return try_lock(pdev, NULL) ? 0 : -EAGAIN;
}

void sluice_pci_state_unlock(struct sluice_pci_device *pdev)
{
	struct pci_dev *bridge = pdev->locked_bridge;

	/* It doesn't change while we have the lock: a remover takes it first. */
	if (pdev->removing)
		pci_cfg_access_unlock(pdev->pci);
	else
		pci_dev_unlock(pdev->pci);
	if (bridge)
		pci_dev_unlock(bridge);
}

/*
 * What takes the device off its bus may hold the lock that keeps the bus as it is. If
 * an event of the slot waits for that lock, it has the slot's, which a reset of the slot
 * wants. What is left then is what a function can do by itself. The PCI core resets a
 * slot only for a function that is alone in it.
 */
static bool only_by_itself(struct sluice_pci_device *pdev)
{
	struct pci_dev *pci = pdev->pci;

	return !pci->is_virtfn && !pci->multifunction &&
	       !(pci->dev_flags & PCI_DEV_FLAGS_NO_BUS_RESET) &&
	       !pci_probe_reset_slot(pci->slot) && sluice_pci_leaves(pdev);
}

static int reset_by_itself(struct pci_dev *pci)
{
	u32 command;
	int ret;

	ret = pcie_reset_flr(pci, PCI_RESET_PROBE);
	if (ret)
		return ret;
	pci_read_config_dword(pci, PCI_COMMAND, &command);
	if (!PCI_POSSIBLE_ERROR(command))
		pci_save_state(pci);
	ret = pcie_reset_flr(pci, PCI_RESET_DO_RESET);
	pci_restore_state(pci);
	return ret;
}

int sluice_pci_reset_state_locked(struct sluice_pci_device *pdev)
{
	if (only_by_itself(pdev))
		return reset_by_itself(pdev->pci);
	if (pdev->locked_bridge != bridge_to_lock(pdev->pci))
		return -EAGAIN;
	return pci_reset_function_locked(pdev->pci);
}

int sluice_pci_reset_function(struct sluice_pci_device *pdev)
{
	int ret;

	/* Not while being unbound, even if the lock could be had. */
	if (READ_ONCE(pdev->removing))
		return -EAGAIN;
	wake(pdev);
	if (READ_ONCE(pdev->removing) ||
	    !try_lock(pdev, bridge_to_lock(pdev->pci)))
		return -EAGAIN;
	ret = sluice_pci_reset_state_locked(pdev);
	sluice_pci_state_unlock(pdev);
	return ret;
}

static const char *why_not_reset(int err)
{
	switch (err) {
	case -EPERM:
		return "a device on its bus has a host driver";
	case -EAGAIN:
		return "its bus is kept locked";
	case -ESHUTDOWN:
		return "it leaves its slot";
	default:
		return "neither it nor its bus can be reset";
	}
}

void sluice_pci_reset_rest(struct sluice_pci_device *pdev)
{
	int tries, ret = -EAGAIN;

	/* Unplugged: gone with all that it knew. */
	if (pdev->pci->error_state == pci_channel_io_perm_failure)
		sluice_pci_set_unreset(pdev, false);
	for (tries = 0; tries < STATE_LOCK_TRIES && ret == -EAGAIN; tries++) {
		if (tries)
			msleep(STATE_LOCK_WAIT_MS);
		ret = sluice_pci_reset_unused_bus(pdev);
	}
	/* Those in use are a matter of time: the last one's close resets all. */
	if (!pdev->unreset || pdev->told_unreset || ret == -EBUSY)
		return;
	pdev->told_unreset = true;
	pci_warn(pdev->pci, "not reset after use: %s (%d)\n",
		 why_not_reset(ret), ret);
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

static long copy_affected(const struct sluice_pci_affected *affected,
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

/*
 * What is looked at stays allocated, and whoever removes the device needn't wait for
 * pci_bus_sem, which the handling of errors holds while it waits for him.
 */
static int affected_get(struct sluice_pci_device *pdev,
			struct sluice_pci_affected *affected)
{
	struct pci_dev *pci;
	int ret;

	ret = sluice_device_enter(&pdev->sdev);
	if (ret)
		return ret;
	ret = sluice_pci_affected_init(affected, pdev->pci);
	pci = pci_dev_get(pdev->pci);
	sluice_device_exit(&pdev->sdev);

	if (!ret)
		ret = sluice_pci_affected_list(affected);
	pci_dev_put(pci);
	return ret;
}

long sluice_pci_hot_reset_info(struct sluice_pci_device *pdev,
			       struct vfio_pci_hot_reset_info __user *arg)
{
	struct vfio_pci_hot_reset_info info;
	struct sluice_pci_affected affected;
	long ret;

	if (copy_from_user(&info, arg, sizeof(info)))
		return -EFAULT;
	if (info.argsz < sizeof(info))
		return -EINVAL;

	ret = affected_get(pdev, &affected);
	if (ret)
		return ret;
	ret = copy_affected(&affected, &info, arg);
	sluice_pci_affected_put(&affected);

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

/* The group fds that the user shows. */
struct shown {
	struct file **files;
	unsigned int nr;
};

/*
 * Whoever shows a group's fd owns all of the group's devices; with every
 * affected device in such a group the reset hits nobody else. Bound to this
 * driver each of them must be: its memory is withdrawn by reset_prepare().
 */
static int check_shown(struct sluice_pci_device *pdev,
		       const struct sluice_pci_affected *affected, void *data)
{
	const struct shown *shown = data;
	struct sluice_pci_device *hit;
	unsigned int i;

	for (i = 0; i < affected->nr; i++) {
		hit = sluice_pci_our_device(affected->devs[i]);
		if (!hit || !in_files(&hit->sdev, shown->files, shown->nr))
			return -EINVAL;
	}
	return 0;
}

/* The device, entered; -EINVAL if the user doesn't own it. */
static struct sluice_pci_device *enter_shown(struct pci_dev *pci,
					     const struct shown *shown)
{
	struct sluice_pci_device *pdev;
	int ret;

	guard(mutex)(&sluice_pci_list_lock);
	pdev = sluice_pci_find_locked(pci);
	if (!pdev || !in_files(&pdev->sdev, shown->files, shown->nr))
		return ERR_PTR(-EINVAL);
	ret = sluice_device_enter(&pdev->sdev);
	return ret ? ERR_PTR(ret) : pdev;
}

static int wake_shown(const struct sluice_pci_affected *affected,
		      const struct shown *shown)
{
	struct sluice_pci_device *pdev;
	unsigned int i;

	for (i = 0; i < affected->nr; i++) {
		pdev = enter_shown(affected->devs[i], shown);
		if (IS_ERR(pdev))
			return PTR_ERR(pdev);
		if (!READ_ONCE(pdev->removing))
			wake(pdev);
		sluice_device_exit(&pdev->sdev);
	}
	return 0;
}

/* Who is affected, and whose they are, is looked at again with all of them locked. */
static int hot_reset(struct sluice_pci_device *pdev, struct shown *shown)
{
	struct sluice_pci_affected affected;
	int ret;

	ret = affected_get(pdev, &affected);
	if (ret)
		return ret;
	ret = wake_shown(&affected, shown);
	if (!ret)
		ret = sluice_device_enter(&pdev->sdev);
	if (!ret) {
		ret = sluice_pci_reset_affected(pdev, &affected, NULL,
						check_shown, shown);
		sluice_device_exit(&pdev->sdev);
	}
	sluice_pci_affected_put(&affected);
	return ret;
}

static long hot_reset_fds(struct sluice_pci_device *pdev, const s32 *fds,
			  unsigned int nr)
{
	struct shown shown = { .nr = nr };
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
	shown.files = files;
	if (!ret)
		ret = hot_reset(pdev, &shown);

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
	struct sluice_pci_affected affected;
	unsigned int max;
	long ret;
	s32 *fds;

	if (copy_from_user(&reset, arg, sizeof(reset)))
		return -EFAULT;
	if (reset.argsz < sizeof(reset) || reset.flags || !reset.count)
		return -EINVAL;

	/* Only to bound the count: hot_reset() asks again. */
	ret = affected_get(pdev, &affected);
	if (ret)
		return ret;
	max = affected.nr;
	sluice_pci_affected_put(&affected);

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
