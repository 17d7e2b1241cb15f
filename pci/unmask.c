// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unmasking INTx by an eventfd, without a system call per interrupt.
 *
 * Owns: our entry in that eventfd's wait queue. KVM signals it when the guest
 * acknowledges a level-triggered interrupt.
 *
 * We hold the eventfd's context, not its file, so that the eventfd can be closed
 * without being detached first, as QEMU does. Its last close hangs up: the
 * wake-up takes our entry out of the wait queue, under that queue's lock. The
 * context can't be put there, since detaching may be using it at that moment. It
 * stays ours until the next attach, detach or close, under irq_lock.
 */
#include <linux/file.h>
#include <linux/poll.h>

#include "private.h"

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
	unmask->ctx = ctx;
	unmask->hung_up = false;
	init_waitqueue_func_entry(&unmask->wait, unmask_wake);
	init_poll_funcptr(&unmask->poll, unmask_queue);

	/* A signal from before we were queued counts too. */
	if (vfs_poll(file, &unmask->poll) & EPOLLIN)
		sluice_pci_intx_unmask(pdev);
	/* Not before: while we hold the file the eventfd can't hang up. */
	fput(file);
	return 0;
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
	eventfd_ctx_put(unmask->ctx);
	unmask->ctx = NULL;
}
