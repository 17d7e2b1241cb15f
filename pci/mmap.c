// SPDX-License-Identifier: GPL-2.0-only
/*
 * BARs in user address spaces.
 *
 * Owns: mmap(2) of a device fd, the faults of such a mapping, and telling the
 * core which device memory it shows. A mapping is filled page by page as it is
 * touched; sluice_pci_memory_lock_and_revoke() (region.c) empties it.
 */
#include <linux/io.h>
#include <linux/mm.h>

#include "private.h"

#define PGOFF_SHIFT	(SLUICE_PCI_OFFSET_SHIFT - PAGE_SHIFT)
#define PGOFF_MASK	(BIT_ULL(PGOFF_SHIFT) - 1)

vm_fault_t sluice_pci_fault(struct sluice_device *sdev, struct vm_fault *vmf)
{
	struct sluice_pci_device *pdev = to_sluice_pci_device(sdev);
	struct vm_area_struct *vma = vmf->vma;
	unsigned int index = vmf->pgoff >> PGOFF_SHIFT;
	vm_fault_t ret = VM_FAULT_SIGBUS;
	unsigned long pfn;

	pfn = PHYS_PFN(pci_resource_start(pdev->pci, index)) +
	      (vmf->pgoff & PGOFF_MASK);

	down_read(&pdev->memory_lock);
	if (sluice_pci_memory_enabled(pdev))
		ret = vmf_insert_pfn(vma, vmf->address & PAGE_MASK, pfn);
	up_read(&pdev->memory_lock);
	return ret;
}

int sluice_pci_mmap(struct sluice_device *sdev, struct vm_area_struct *vma)
{
	struct sluice_pci_device *pdev = to_sluice_pci_device(sdev);
	unsigned long index = vma->vm_pgoff >> PGOFF_SHIFT;
	u64 first = vma->vm_pgoff & PGOFF_MASK;
	u64 pages;

	if (!(vma->vm_flags & VM_SHARED) || index >= PCI_STD_NUM_BARS)
		return -EINVAL;

	pages = pdev->bars[index].mmap_len >> PAGE_SHIFT;
	if (first >= pages || vma_pages(vma) > pages - first)
		return -EINVAL;

	vma->vm_page_prot = pgprot_noncached(vma->vm_page_prot);
	vma->vm_page_prot = pgprot_decrypted(vma->vm_page_prot);
	vm_flags_set(vma, VM_ALLOW_ANY_UNCACHED | VM_IO | VM_PFNMAP |
			  VM_DONTEXPAND | VM_DONTDUMP);
	return 0;
}

/*
 * Whether the memory is decoded is the core's to know: it doesn't ask while the memory
 * is revoked. But an error doesn't wait for memory_lock. It says so in @link before it
 * revokes, so who looks here, under the core's lock, either sees it, or is undone by
 * that revocation.
 */
int sluice_pci_mmio_phys(struct sluice_device *sdev, loff_t offset,
			 phys_addr_t *phys, size_t *len)
{
	struct sluice_pci_device *pdev = to_sluice_pci_device(sdev);
	unsigned int index = sluice_pci_offset_index(offset);
	u64 off = offset & SLUICE_PCI_OFFSET_MASK;

	if (index >= PCI_STD_NUM_BARS || off >= pdev->bars[index].mmap_len ||
	    atomic_read(&pdev->link) != SLUICE_PCI_LINK_UP)
		return -EFAULT;
	*phys = pci_resource_start(pdev->pci, index) + off;
	*len = min_t(u64, *len, pdev->bars[index].mmap_len - off);
	return 0;
}
