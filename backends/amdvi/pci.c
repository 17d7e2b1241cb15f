// SPDX-License-Identifier: GPL-2.0-only
/*
 * AMD-Vi: the hardware.
 *
 * Owns: all contact with it, and start-up. A unit is a PCI function whose registers
 * the firmware's table gives the address of. This file is the only one that touches
 * registers; it and msi.c are tied to x86.
 */
#define pr_fmt(fmt) "sluice amdvi: " fmt

#include <linux/acpi.h>
#include <linux/cc_platform.h>
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/pci.h>
#include <linux/printk.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/syscore_ops.h>
#include <linux/sysfs.h>
#include <asm/cmpxchg.h>
#include <asm/cpufeature.h>
#include <asm/io_apic.h>
#include <asm/iommu.h>
#include <asm/x86_init.h>

#include "private.h"

/* 3.4: what we use of the registers' 512 KiB; some units have no more. */
#define REGS_BYTES SZ_16K

/**
 * struct pci_unit - a unit of ours, and where its hardware is
 * @unit: ours
 * @report: what firmware says of it
 * @pdev: its PCI function; a reference
 * @regs: its registers
 * @qemu: it is QEMU's
 * @node: link in the list of all; constant after start-up
 */
struct pci_unit {
	struct amdvi_unit unit;
	const struct amdvi_report *report;
	struct pci_dev *pdev;
	void __iomem *regs;
	bool qemu;
	struct list_head node;
};

static LIST_HEAD(units);

static struct pci_unit *pci_unit_of(struct amdvi_unit *unit)
{
	return container_of(unit, struct pci_unit, unit);
}

/* ---- The seam ---- */

static u64 hw_read64(struct amdvi_unit *unit, unsigned int reg)
{
	return readq(pci_unit_of(unit)->regs + reg);
}

static void hw_write64(struct amdvi_unit *unit, unsigned int reg, u64 value)
{
	writeq(value, pci_unit_of(unit)->regs + reg);
}

static void hw_pause(struct amdvi_unit *unit)
{
	udelay(1);
}

/* Nobody else writes the entry, so there is no retry. */
static void hw_write128(__le64 *entry, __le64 low, __le64 high)
{
	u128 old = *(u128 *)entry;
	u128 new = (u128)le64_to_cpu(high) << 64 | le64_to_cpu(low);

	WARN_ON_ONCE(!try_cmpxchg128((u128 *)entry, &old, new));
}

static struct amdvi_hw hw = {
	.read64		= hw_read64,
	.write64	= hw_write64,
	.pause		= hw_pause,
};

/* ---- Which unit a device is behind ---- */

static struct amdvi_unit *unit_of(const struct amdvi_report *report)
{
	struct pci_unit *pu;

	list_for_each_entry(pu, &units, node) {
		if (pu->report == report)
			return &pu->unit;
	}
	return NULL;
}

/* Devices that only ACPI knows; the table says their requester ID, too. */
static struct amdvi_unit *find_named(struct acpi_device *adev, u16 *rid)
{
	const struct amdvi_report *report;
	unsigned int i;

	list_for_each_entry(report, &amdvi_firmware.units, node) {
		for (i = 0; i < report->nr; i++) {
			const struct amdvi_entry *e = &report->entries[i];

			if (e->special != AMDVI_NAMED ||
			    !acpi_dev_hid_uid_match(adev, e->hid,
						    e->uid[0] ? e->uid : NULL))
				continue;
			*rid = e->first;
			return unit_of(report);
		}
	}
	return NULL;
}

/**
 * amdvi_find_unit - the unit that translates a device's DMA
 * @dev: the device
 * @rid: set to its requester ID
 * @found: set to what the firmware's table says of a PCI device
 *
 * Return: the unit, or NULL if there is none.
 */
struct amdvi_unit *amdvi_find_unit(struct device *dev, u16 *rid,
				   struct amdvi_found *found)
{
	struct amdvi_unit *unit;
	struct pci_dev *pdev;

	if (!dev_is_pci(dev))
		return has_acpi_companion(dev) ?
		       find_named(ACPI_COMPANION(dev), rid) : NULL;
	pdev = pci_real_dma_dev(to_pci_dev(dev));
	*rid = pci_dev_id(pdev);
	/* Virtual functions are where firmware knows nothing of. */
	if (!amdvi_table_find(&amdvi_firmware, pci_domain_nr(pdev->bus), *rid,
			      found)) {
		if (!pdev->is_virtfn ||
		    !amdvi_table_find(&amdvi_firmware,
				      pci_domain_nr(pdev->bus),
				      pci_dev_id(pci_physfn(pdev)), found))
			return NULL;
		found->alias = *rid;
	}
	unit = unit_of(found->report);
	/* A unit doesn't translate its own. */
	return unit && unit->rid != *rid ? unit : NULL;
}

/* ---- /sys/class/iommu/ivhdN/amd-iommu, as programs know it ---- */

static struct pci_unit *unit_from_sysfs(struct device *dev)
{
	struct iommu_device *core = dev_to_iommu_device(dev);

	return container_of(core, struct pci_unit, unit.core);
}

static ssize_t cap_show(struct device *dev, struct device_attribute *attr,
			char *buf)
{
	return sysfs_emit(buf, "%x\n", unit_from_sysfs(dev)->unit.cap);
}
static DEVICE_ATTR_RO(cap);

static ssize_t features_show(struct device *dev, struct device_attribute *attr,
			     char *buf)
{
	return sysfs_emit(buf, "%llx\n", unit_from_sysfs(dev)->unit.efr);
}
static DEVICE_ATTR_RO(features);

static struct attribute *attrs[] = {
	&dev_attr_cap.attr,
	&dev_attr_features.attr,
	NULL,
};

static const struct attribute_group group = {
	.name = "amd-iommu",
	.attrs = attrs,
};

static const struct attribute_group *groups[] = {
	&group,
	NULL,
};

/* ---- Events ---- */

static irqreturn_t event_irq(int irq, void *data)
{
	amdvi_fault_handle(data);
	return IRQ_HANDLED;
}

static void take_event_irq(struct pci_unit *pu)
{
	int ret = pci_enable_device(pu->pdev);

	if (!ret)
		ret = pci_enable_msi(pu->pdev);
	if (!ret)
		ret = request_irq(pu->pdev->irq, event_irq, IRQF_NO_THREAD,
				  pu->unit.name, &pu->unit);
	if (ret)
		pr_err("%s: no interrupt for events (%d), they won't be reported\n",
		       pu->unit.name, ret);
	/* What has come before. */
	amdvi_fault_handle(&pu->unit);
}

/* ---- Suspend, shutdown ---- */

static int suspend(void *data)
{
	struct pci_unit *pu;

	list_for_each_entry(pu, &units, node)
		amdvi_unit_disable(&pu->unit);
	return 0;
}

static void resume(void *data)
{
	struct pci_unit *pu;

	list_for_each_entry(pu, &units, node) {
		/* Devices that were isolated would not be: nothing is better. */
		if (amdvi_unit_resume(&pu->unit))
			panic("sluice amdvi: %s doesn't translate DMA after the suspend",
			      pu->unit.name);
	}
}

/*
 * QEMU again, see add_unit(): when units resume, the bridges have no bus numbers yet,
 * and it doesn't know the devices behind them by their requester IDs.
 */
static void tell_again(struct pci_dev *pdev)
{
	const struct dev_iommu *iommu = pdev->dev.iommu;
	struct amdvi_device *device;

	if (!iommu || !iommu->iommu_dev ||
	    iommu->iommu_dev->ops != &amdvi_iommu_ops)
		return;
	device = dev_iommu_priv_get(&pdev->dev);
	if (pci_unit_of(device->unit)->qemu)
		amdvi_device_tell_again(device);
}
DECLARE_PCI_FIXUP_RESUME_EARLY(PCI_ANY_ID, PCI_ANY_ID, tell_again);

static const struct syscore_ops syscore_ops = {
	.suspend = suspend,
	.resume = resume,
};

static struct syscore syscore = {
	.ops = &syscore_ops,
};

/* Before a reboot or kexec: what comes next expects DMA to be as at power-on. */
static void shut_down(void)
{
	struct pci_unit *pu;

	list_for_each_entry(pu, &units, node)
		amdvi_unit_disable(&pu->unit);
}

/* ---- Start-up ---- */

static int __init map_unit(struct pci_unit *pu)
{
	const struct amdvi_report *report = pu->report;

	pu->pdev = pci_get_domain_bus_and_slot(report->segment,
					       PCI_BUS_NUM(report->rid),
					       report->rid & 0xff);
	if (!pu->pdev) {
		pr_err("%s: there is no such PCI function\n", pu->unit.name);
		return -ENODEV;
	}
	if (!request_mem_region(report->base, REGS_BYTES, "sluice amdvi")) {
		pr_err("%s: its registers at %#llx are in use\n", pu->unit.name,
		       report->base);
		return -EBUSY;
	}
	pu->regs = ioremap(report->base, REGS_BYTES);
	if (!pu->regs) {
		release_mem_region(report->base, REGS_BYTES);
		return -ENOMEM;
	}
	/* No driver shall bind to it, and it needs no interrupt of ACPI's. */
	pu->pdev->match_driver = false;
	pu->pdev->irq_managed = 1;
	pci_read_config_dword(pu->pdev, report->cap + AMDVI_CAP_HEADER,
			      &pu->unit.cap);
	return 0;
}

static void __init unmap_unit(struct pci_unit *pu)
{
	if (pu->regs) {
		iounmap(pu->regs);
		release_mem_region(pu->report->base, REGS_BYTES);
	}
	pci_dev_put(pu->pdev);
	kfree(pu);
}

static bool __init is_qemu(const struct pci_dev *pdev)
{
	return pdev->subsystem_vendor == PCI_SUBVENDOR_ID_REDHAT_QUMRANET &&
	       pdev->subsystem_device == PCI_SUBDEVICE_ID_QEMU;
}

static bool __init reports_ioapic(unsigned int id)
{
	const struct amdvi_report *report;
	unsigned int i;

	list_for_each_entry(report, &amdvi_firmware.units, node) {
		for (i = 0; i < report->nr; i++) {
			if (report->entries[i].special == AMDVI_IOAPIC &&
			    report->entries[i].handle == id)
				return true;
		}
	}
	return false;
}

/* Does firmware say which requester IDs the I/O APICs have? */
static bool __init ioapics_known(void)
{
	int i;

	for (i = 0; i < nr_ioapics; i++) {
		if (reports_ioapic(mpc_ioapic_id(i)))
			continue;
		pr_warn("firmware doesn't tell I/O APIC %d's requester ID: devices that aren't known may raise any interrupt, none counts as isolated\n",
			mpc_ioapic_id(i));
		return false;
	}
	return true;
}

/* Nothing is known of them yet, so all their interrupts are blocked. */
static void __init pass_interrupts(struct pci_unit *pu)
{
	const struct amdvi_report *report = pu->report;
	struct amdvi_unit *unit = &pu->unit;
	unsigned int i;

	guard(mutex)(&unit->lock);
	for (i = 0; i < report->nr; i++) {
		const struct amdvi_entry *e = &report->entries[i];

		if (e->special == AMDVI_IOAPIC || e->special == AMDVI_HPET)
			amdvi_dte_interrupts_pass(unit, e->first);
	}
	for (i = 0; !unit->isolates && i < AMDVI_DEVTAB_ENTRIES; i++)
		amdvi_dte_interrupts_pass(unit, i);
}

static void __init apply_settings(struct pci_unit *pu)
{
	const struct amdvi_report *report = pu->report;
	unsigned int i, rid;

	for (i = 0; i < report->nr; i++) {
		const struct amdvi_entry *e = &report->entries[i];

		for (rid = e->first; rid <= e->last; rid++)
			amdvi_dte_settings(&pu->unit, rid, e->setting);
		if (e->has_alias)
			amdvi_dte_settings(&pu->unit, e->alias, e->setting);
	}
}

static int __init add_unit(const struct amdvi_report *report)
{
	struct pci_unit *pu = kzalloc(sizeof(*pu), GFP_KERNEL);
	struct amdvi_unit *unit = &pu->unit;
	int ret;

	if (!pu)
		return -ENOMEM;
	pu->report = report;
	unit->hw = &hw;
	unit->segment = report->segment;
	unit->rid = report->rid;
	unit->flags = report->flags;
	snprintf(unit->name, sizeof(unit->name), "ivhd%zu",
		 list_count_nodes(&units));
	ret = map_unit(pu);
	if (ret)
		goto err_unmap;
	unit->nid = dev_to_node(&pu->pdev->dev);
	ret = amdvi_unit_init(unit);
	if (ret)
		goto err_unmap;
	/*
	 * Up to 11.1 it looks whether a device's DMA is to be translated only when it
	 * is told to forget the entry of this very device.
	 */
	pu->qemu = is_qemu(pu->pdev);
	if (pu->qemu)
		unit->inv_all = false;
	unit->isolates = ioapics_known();
	ret = amdvi_msi_init(unit);
	if (ret)
		goto err_deinit;
	apply_settings(pu);
	pass_interrupts(pu);
	list_add_tail(&pu->node, &units);
	return 0;

err_deinit:
	amdvi_unit_deinit(unit);
err_unmap:
	unmap_unit(pu);
	return ret;
}

/* Nothing of ours is in use yet. */
static void __init remove_units(void)
{
	struct pci_unit *pu, *next;

	list_for_each_entry_safe(pu, next, &units, node) {
		amdvi_unit_disable(&pu->unit);
		list_del(&pu->node);
		amdvi_msi_deinit(&pu->unit);
		amdvi_unit_deinit(&pu->unit);
		unmap_unit(pu);
	}
}

/* Ours from here on: all is blocked, DMA not yet translated. */
static int __init load_units(void)
{
	const struct amdvi_report *report;
	struct pci_unit *pu;
	int ret = 0;

	list_for_each_entry(report, &amdvi_firmware.units, node)
		ret = ret ?: add_unit(report);
	if (ret)
		return ret;
	list_for_each_entry(pu, &units, node)
		amdvi_unit_load(&pu->unit);
	return 0;
}

/* Devices get their entries while DMA isn't translated yet: none is missed. */
static void __init register_units(void)
{
	struct pci_unit *pu;
	int ret;

	list_for_each_entry(pu, &units, node) {
		struct iommu_device *core = &pu->unit.core;

		ret = iommu_device_sysfs_add(core, &pu->pdev->dev, groups, "%s",
					     pu->unit.name);
		/* A device that couldn't be taken in stays blocked. */
		ret = ret ?: iommu_device_register(core, &amdvi_iommu_ops, NULL);
		if (ret)
			pr_err("%s: not all devices have been taken in (%d)\n",
			       pu->unit.name, ret);
	}
}

static void __init enable_units(void)
{
	struct pci_unit *pu;

	list_for_each_entry(pu, &units, node) {
		take_event_irq(pu);
		/* Interrupts are remapped from the moment the table is there. */
		if (amdvi_unit_enable(&pu->unit))
			panic("sluice amdvi: %s can't be switched on",
			      pu->unit.name);
	}
}

static bool __init table_there(void)
{
	struct acpi_table_header *table;

	if (ACPI_FAILURE(acpi_get_table(ACPI_SIG_IVRS, 0, &table)))
		return false;
	acpi_put_table(table);
	return true;
}

/*
 * Before the buses are scanned: from then on, switches and functions send each
 * other's requests through us. Without that, groups would be larger.
 */
static int __init request_acs(void)
{
	if (!no_iommu && table_there())
		pci_request_acs();
	return 0;
}
arch_initcall(request_acs);

static int __init read_firmware(void)
{
	struct acpi_table_header *table;
	int ret;

	if (ACPI_FAILURE(acpi_get_table(ACPI_SIG_IVRS, 0, &table)))
		return -ENODEV;
	ret = amdvi_table_parse(&amdvi_firmware, table, table->length);
	acpi_put_table(table);
	if (ret)
		pr_err("stays out: the firmware's IVRS table can't be read to its end (%d)\n",
		       ret);
	return ret;
}

static int __init amdvi_init(void)
{
	int ret;

	INIT_LIST_HEAD(&amdvi_firmware.units);
	INIT_LIST_HEAD(&amdvi_firmware.memory);
	if (no_iommu || !table_there())
		return 0;
	/* It has registered by now; it leaves no other trace. */
	if (iommu_present(&pci_bus_type)) {
		pr_info("stays out: the kernel's own driver is active (boot with amd_iommu=off to have this driver instead)\n");
		return 0;
	}
	ret = read_firmware();
	if (ret || list_empty(&amdvi_firmware.units))
		goto out_free;
	/* Tables are told by addresses without the bit for it. */
	if (cc_platform_has(CC_ATTR_HOST_MEM_ENCRYPT)) {
		pr_warn("stays out: memory encryption (SME) isn't supported, boot with mem_encrypt=off\n");
		goto out_free;
	}
	/* Wide interrupt entries have to be written at once. */
	if (boot_cpu_has(X86_FEATURE_CX16))
		hw.write128 = hw_write128;
	ret = load_units();
	if (ret)
		goto err_remove;
	sluice_paging_host_mode();
	register_units();
	enable_units();
	register_syscore(&syscore);
	x86_platform.iommu_shutdown = shut_down;
	ret = sluice_backend_register(&amdvi_backend);
	pr_info("DMA translation is on, interrupts of PCI devices are remapped\n");
	return ret;

err_remove:
	pr_err("the hardware can't be used (%d)\n", ret);
	remove_units();
out_free:
	amdvi_table_free(&amdvi_firmware);
	return 0;
}
rootfs_initcall(amdvi_init);
