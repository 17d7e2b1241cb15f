// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device's memory: BARs and expansion ROM.
 *
 * Owns: claiming the BARs while the device is open, read(2) and write(2) of
 * them, and memory_lock's rules. Does not own: what of a BAR can be mapped, nor
 * a single access (bar.c), mmap and faults (mmap.c), nor the registers that
 * place and enable a BAR (config.c).
 */
#include <linux/io.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "private.h"

void sluice_pci_memory_revoke(struct sluice_pci_device *pdev)
{
	sluice_device_zap(&pdev->sdev, 0,
			  sluice_pci_index_offset(PCI_STD_NUM_BARS));
	sluice_device_mmio_revoke(&pdev->sdev);
}

void sluice_pci_memory_lock_and_revoke(struct sluice_pci_device *pdev)
{
	/*
	 * The lock first: faults and new peer-to-peer maps made before it are
	 * removed here, later ones wait or find memory decode off.
	 */
	down_write(&pdev->memory_lock);
	sluice_pci_memory_revoke(pdev);
}

void sluice_pci_memory_unlock(struct sluice_pci_device *pdev)
{
	lockdep_assert_held_write(&pdev->memory_lock);

	if (pdev->ready && sluice_pci_memory_enabled(pdev)) {
		sluice_device_mmio_enable(&pdev->sdev);
		/* An error doesn't wait for the lock; it may have just come. */
		if (!sluice_pci_memory_enabled(pdev))
			sluice_device_mmio_revoke(&pdev->sdev);
	}
	up_write(&pdev->memory_lock);
}

static bool decode_on(struct pci_dev *pci, u16 *command)
{
	pci_read_config_word(pci, PCI_COMMAND, command);
	/* A device that doesn't answer isn't helped by a write. */
	return PCI_POSSIBLE_ERROR(*command) || *command & PCI_COMMAND_MEMORY;
}

/* Return: true if memory decode was off and is on now. */
static bool force_decode(struct pci_dev *pci)
{
	u16 command;

	if (decode_on(pci, &command))
		return false;
	pci_write_config_word(pci, PCI_COMMAND, command | PCI_COMMAND_MEMORY);
	return true;
}

static void unforce_decode(struct sluice_pci_device *pdev)
{
	u16 command;

	pci_read_config_word(pdev->pci, PCI_COMMAND, &command);
	if (!PCI_POSSIBLE_ERROR(command))
		pci_write_config_word(pdev->pci, PCI_COMMAND,
				      command & ~PCI_COMMAND_MEMORY);
	/* Somebody may have changed our bit in between. */
	sluice_pci_intx_sync(pdev);
}

struct sluice_pci_forced
sluice_pci_memory_lock_and_enable(struct sluice_pci_device *pdev)
{
	struct sluice_pci_forced forced = {};

	down_write(&pdev->memory_lock);
	/* Close has woken it; whoever else comes now only delays a removal. */
	if (pdev->pci->current_state == PCI_D3hot &&
	    !READ_ONCE(pdev->removing)) {
		sluice_pci_config_wake(pdev);
		forced.awake = true;
	}
	forced.decode = force_decode(pdev->pci);
	return forced;
}

void sluice_pci_memory_unlock_and_restore(struct sluice_pci_device *pdev,
					  struct sluice_pci_forced forced)
{
	lockdep_assert_held_write(&pdev->memory_lock);

	if (forced.decode)
		unforce_decode(pdev);
	if (forced.awake)
		sluice_pci_config_sleep(pdev);
	up_write(&pdev->memory_lock);
}

u64 sluice_pci_bar_size(struct sluice_pci_device *pdev, unsigned int index)
{
	struct resource *res = &pdev->pci->resource[index];

	if (!res->flags || res->flags & IORESOURCE_UNSET)
		return 0;
	return pci_resource_len(pdev->pci, index);
}

void sluice_pci_regions_init(struct sluice_pci_device *pdev)
{
	struct sluice_pci_bar *bar;
	unsigned int i;

	for (i = 0; i < PCI_STD_NUM_BARS; i++) {
		if (!sluice_pci_bar_size(pdev, i))
			continue;
		bar = &pdev->bars[i];
		bar->claimed = !pci_request_region(pdev->pci, i, "vfio-pci");
		if (bar->claimed)
			bar->mmap_len =
				sluice_pci_bar_reserve(&pdev->pci->resource[i],
						       &bar->rest);
	}
}

void sluice_pci_regions_deinit(struct sluice_pci_device *pdev)
{
	struct sluice_pci_bar *bar;
	unsigned int i;

	for (i = 0; i < PCI_STD_NUM_BARS; i++) {
		bar = &pdev->bars[i];
		if (bar->io)
			pci_iounmap(pdev->pci, bar->io);
		sluice_pci_bar_unreserve(&bar->rest);
		if (bar->claimed)
			pci_release_region(pdev->pci, i);
	}
	memset(pdev->bars, 0, sizeof(pdev->bars));
}

static void __iomem *bar_io(struct sluice_pci_device *pdev, unsigned int index)
{
	struct sluice_pci_bar *bar = &pdev->bars[index];
	void __iomem *io;

	if (!bar->claimed)
		return IOMEM_ERR_PTR(-EBUSY);

	mutex_lock(&pdev->bar_lock);
	if (!bar->io)
		bar->io = pci_iomap(pdev->pci, index, 0);
	io = bar->io;
	mutex_unlock(&pdev->bar_lock);
	return io ?: IOMEM_ERR_PTR(-ENOMEM);
}

static int bar_access(struct sluice_pci_device *pdev, unsigned int index,
		      void __iomem *io, u8 *buf, size_t width, bool write)
{
	bool mem = pci_resource_flags(pdev->pci, index) & IORESOURCE_MEM;
	int ret = 0;

	/* Held for as long as a reset takes. */
	if (down_read_killable(&pdev->memory_lock))
		return -EINTR;
	if (mem && !sluice_pci_memory_enabled(pdev))
		ret = -EIO;
	else if (write)
		sluice_pci_io_store(buf, io, width);
	else
		sluice_pci_io_load(buf, io, width);
	up_read(&pdev->memory_lock);
	return ret;
}

/*
 * The MSI-X table is the kernel's: it reads as all ones, writes are dropped.
 * Its bounds are multiples of 8, so no natural access straddles them.
 */
static bool bar_hidden(struct sluice_pci_device *pdev, unsigned int index,
		       u64 off)
{
	return index == pdev->msix_bar && off >= pdev->msix_offset &&
	       off - pdev->msix_offset < pdev->msix_size;
}

static int bar_enter_and_access(struct sluice_pci_device *pdev, loff_t pos,
				u8 *data, size_t width, bool write)
{
	unsigned int index = sluice_pci_offset_index(pos);
	u64 off = pos & SLUICE_PCI_OFFSET_MASK;
	int ret;

	ret = sluice_device_enter(&pdev->sdev);
	if (ret)
		return ret;
	/* Mapped already, and for as long as the device is open. */
	if (bar_hidden(pdev, index, off))
		memset(data, 0xff, width);
	else
		ret = bar_access(pdev, index, pdev->bars[index].io + off, data,
				 width, write);
	sluice_device_exit(&pdev->sdev);
	return ret;
}

static int bar_step(struct sluice_pci_device *pdev, char __user *buf,
		    size_t width, loff_t pos, bool write)
{
	u8 data[8];
	int ret;

	if (write && copy_from_user(data, buf, width))
		return -EFAULT;
	ret = bar_enter_and_access(pdev, pos, data, width, write);
	if (ret)
		return ret;
	if (!write && copy_to_user(buf, data, width))
		return -EFAULT;
	return 0;
}

/* Maps the BAR for the kernel. Return: 0 with its size and kind, or an errno. */
static int bar_begin(struct sluice_pci_device *pdev, unsigned int index,
		     u64 off, u64 *size, bool *mem)
{
	void __iomem *io;
	int ret;

	ret = sluice_device_enter(&pdev->sdev);
	if (ret)
		return ret;
	*size = sluice_pci_bar_size(pdev, index);
	*mem = pci_resource_flags(pdev->pci, index) & IORESOURCE_MEM;
	if (off >= *size) {
		ret = -EINVAL;
	} else {
		io = bar_io(pdev, index);
		if (IS_ERR(io))
			ret = PTR_ERR(io);
	}
	sluice_device_exit(&pdev->sdev);
	return ret;
}

ssize_t sluice_pci_bar_rw(struct sluice_pci_device *pdev, char __user *buf,
			  size_t count, loff_t *ppos, bool write)
{
	u64 off = *ppos & SLUICE_PCI_OFFSET_MASK, size;
	size_t width, done;
	bool mem;
	int ret;

	ret = bar_begin(pdev, sluice_pci_offset_index(*ppos), off, &size, &mem);
	if (ret)
		return ret;
	count = min_t(u64, count, size - off);

	for (done = 0; done < count; done += width) {
		width = sluice_pci_io_width(off + done, count - done, mem);
		ret = bar_step(pdev, buf + done, width, *ppos + done, write);
		if (!ret && fatal_signal_pending(current))
			ret = -EINTR;
		if (ret)
			break;
		cond_resched();
	}

	*ppos += done;
	return done ?: ret;
}

/*
 * Return: the size of the expansion ROM's BAR, or of the copy that firmware
 * left in memory; 0 if there is no ROM behind it.
 */
u64 sluice_pci_rom_size(struct sluice_pci_device *pdev)
{
	struct pci_dev *pci = pdev->pci;
	u64 size = pci_resource_len(pci, PCI_ROM_RESOURCE);
	struct sluice_pci_forced forced;
	void __iomem *rom;
	size_t used;

	if (!size && pci->resource[PCI_ROM_RESOURCE].flags &
		     IORESOURCE_ROM_SHADOW)
		size = SZ_128K;
	if (!size)
		return 0;

	/* It isn't woken for this while it is being removed. */
	if (READ_ONCE(pdev->removing) && pci->current_state != PCI_D0)
		return 0;
	forced = sluice_pci_memory_lock_and_enable(pdev);
	rom = pci_map_rom(pci, &used);
	if (rom)
		pci_unmap_rom(pci, rom);
	sluice_pci_memory_unlock_and_restore(pdev, forced);
	return rom ? size : 0;
}

/* Past the images that the ROM holds it reads as all ones. */
static int rom_load_entered(struct sluice_pci_device *pdev, u8 *buf, u64 off,
			    size_t count)
{
	void __iomem *rom;
	size_t used;
	int ret = 0;

	memset(buf, 0xff, count);

	/* For write: mapping it changes the enable bit in the ROM's BAR. */
	if (down_write_killable(&pdev->memory_lock))
		return -EINTR;
	if (!sluice_pci_memory_enabled(pdev)) {
		ret = -EIO;
		goto out_unlock;
	}
	rom = pci_map_rom(pdev->pci, &used);
	if (!rom) {
		ret = -ENOMEM;
		goto out_unlock;
	}
	if (off < used)
		memcpy_fromio(buf, rom + off, min_t(u64, count, used - off));
	pci_unmap_rom(pdev->pci, rom);
out_unlock:
	up_write(&pdev->memory_lock);
	return ret;
}

static int rom_load(struct sluice_pci_device *pdev, u8 *buf, u64 off,
		    size_t count)
{
	int ret;

	ret = sluice_device_enter(&pdev->sdev);
	if (ret)
		return ret;
	ret = rom_load_entered(pdev, buf, off, count);
	sluice_device_exit(&pdev->sdev);
	return ret;
}

static int rom_begin(struct sluice_pci_device *pdev, u64 off, u64 *size)
{
	int ret;

	ret = sluice_device_enter(&pdev->sdev);
	if (ret)
		return ret;
	*size = sluice_pci_rom_size(pdev);
	if (off >= *size)
		ret = -EINVAL;
	sluice_device_exit(&pdev->sdev);
	return ret;
}

ssize_t sluice_pci_rom_read(struct sluice_pci_device *pdev, char __user *buf,
			    size_t count, loff_t *ppos)
{
	u64 off = *ppos & SLUICE_PCI_OFFSET_MASK, size;
	size_t step, done;
	u8 *page;
	int ret;

	ret = rom_begin(pdev, off, &size);
	if (ret)
		return ret;
	count = min_t(u64, count, size - off);

	page = kmalloc(PAGE_SIZE, GFP_KERNEL);
	if (!page)
		return -ENOMEM;

	for (done = 0; done < count; done += step) {
		step = min(count - done, PAGE_SIZE);
		ret = rom_load(pdev, page, off + done, step);
		if (!ret && copy_to_user(buf + done, page, step))
			ret = -EFAULT;
		if (!ret && fatal_signal_pending(current))
			ret = -EINTR;
		if (ret)
			break;
	}

	kfree(page);
	*ppos += done;
	return done ?: ret;
}
