// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unmasking INTx by an eventfd, without a system call per interrupt.
 *
 * Owns: our entry in that eventfd's wait queue, and which eventfds INTx signals.
 * KVM signals the unmask eventfd when the guest acknowledges a level-triggered
 * interrupt.
 *
 * We hold the eventfd's context, not its file, so that the eventfd can be closed
 * without being detached first, as QEMU does. Its last close hangs up: the
 * wake-up takes our entry out of the wait queue, under that queue's lock. The
 * context can't be put there, since detaching may be using it at that moment. It
 * stays ours until the next attach, detach or close, under irq_lock.
 */
#include <linux/cleanup.h>
#include <linux/file.h>
#include <linux/poll.h>

#include "private.h"

/*
 * What the INTx of one device signals must not unmask INTx, be it that of another
 * device. Otherwise, as long as the lines are asserted, each signal unmasks and
 * each unmask signals, without an end, in handlers and work items, which no
 * user's account pays for. A program that passes signals on pays for it itself.
 *
 * The lock guards the list of devices with INTx enabled. Their triggers and unmask
 * eventfds change only with it and irq_lock held.
 */
static DEFINE_MUTEX(enabled_lock);		/* in irq_lock; nothing inside */
static LIST_HEAD(enabled);

static bool is_unmask_locked(const struct eventfd_ctx *ctx)
{
	struct sluice_pci_intx *intx;

	lockdep_assert_held(&enabled_lock);

	list_for_each_entry(intx, &enabled, node) {
		if (intx->unmask.ctx == ctx)
			return true;
	}
	return false;
}

static bool is_trigger_locked(const struct eventfd_ctx *ctx)
{
	struct sluice_pci_intx *intx;

	lockdep_assert_held(&enabled_lock);

	list_for_each_entry(intx, &enabled, node) {
		if (intx->trigger == ctx)
			return true;
	}
	return false;
}

int sluice_pci_intx_set_signal(struct sluice_pci_device *pdev,
			       struct eventfd_ctx *trigger)
{
	struct sluice_pci_intx *intx = &pdev->intx;

	lockdep_assert_held(&pdev->irq_lock);
	guard(mutex)(&enabled_lock);

	if (trigger && is_unmask_locked(trigger))
		return -EINVAL;
	if (list_empty(&intx->node))
		list_add(&intx->node, &enabled);
	WRITE_ONCE(intx->trigger, trigger);
	return 0;
}

void sluice_pci_intx_clear_signal(struct sluice_pci_device *pdev)
{
	struct sluice_pci_intx *intx = &pdev->intx;

	lockdep_assert_held(&pdev->irq_lock);
	guard(mutex)(&enabled_lock);

	intx->trigger = NULL;
	list_del_init(&intx->node);
}

static int set_unmask(struct sluice_pci_unmask *unmask,
		      struct eventfd_ctx *ctx)
{
	guard(mutex)(&enabled_lock);

	if (is_trigger_locked(ctx))
		return -EINVAL;
	unmask->ctx = ctx;
	unmask->hung_up = false;
	return 0;
}

/* Called with the wait queue's lock held and interrupts off. */
static int unmask_wake(wait_queue_entry_t *wait, unsigned int mode, int sync,
		       void *key)
{
	struct sluice_pci_device *pdev =
		container_of(wait, struct sluice_pci_device, intx.unmask.wait);
	struct sluice_pci_unmask *unmask = &pdev->intx.unmask;
	__poll_t events = key_to_poll(key);
	u64 count;

	if (events & EPOLLIN) {
		eventfd_ctx_do_read(unmask->ctx, &count);
		sluice_pci_intx_unmask(pdev);
	}
	if (events & EPOLLHUP) {
		/* KVM may hold the context and signal it: that's over, too. */
		list_del_init(&wait->entry);
		WRITE_ONCE(unmask->hung_up, true);
	}
	return 0;
}

static void unmask_queue(struct file *file, wait_queue_head_t *head,
			 poll_table *poll)
{
	struct sluice_pci_unmask *unmask =
		container_of(poll, struct sluice_pci_unmask, poll);

	add_wait_queue(head, &unmask->wait);
}

int sluice_pci_unmask_attach(struct sluice_pci_device *pdev, int fd)
{
	struct sluice_pci_unmask *unmask = &pdev->intx.unmask;
	struct eventfd_ctx *ctx;
	struct file *file;
	int ret;

	lockdep_assert_held(&pdev->irq_lock);

	if (unmask->ctx && !READ_ONCE(unmask->hung_up))
		return -EBUSY;

	file = eventfd_fget(fd);
	if (IS_ERR(file))
		return PTR_ERR(file);
	ctx = eventfd_ctx_fileget(file);
	if (IS_ERR(ctx)) {
		fput(file);
		return PTR_ERR(ctx);
	}

	/* The last one has hung up. */
	sluice_pci_unmask_detach(pdev);
	ret = set_unmask(unmask, ctx);
	if (ret) {
		eventfd_ctx_put(ctx);
		goto out_put;
	}
	init_waitqueue_func_entry(&unmask->wait, unmask_wake);
	init_poll_funcptr(&unmask->poll, unmask_queue);

	/* A signal from before we were queued counts too. */
	if (vfs_poll(file, &unmask->poll) & EPOLLIN)
		sluice_pci_intx_unmask(pdev);
	/* Not before: while we hold the file the eventfd can't hang up. */
out_put:
	fput(file);
	return ret;
}

void sluice_pci_unmask_detach(struct sluice_pci_device *pdev)
{
	struct sluice_pci_unmask *unmask = &pdev->intx.unmask;
	u64 count;

	lockdep_assert_held(&pdev->irq_lock);

	if (!unmask->ctx)
		return;

	/*
	 * No wake-up runs after this: it takes the wait queue's lock. If the
	 * eventfd has hung up, our entry is in no queue, and this is harmless.
	 */
	eventfd_ctx_remove_wait_queue(unmask->ctx, &unmask->wait, &count);
	scoped_guard(mutex, &enabled_lock) {
		eventfd_ctx_put(unmask->ctx);
		unmask->ctx = NULL;
	}
}
