// SPDX-License-Identifier: GPL-2.0-only
/*
 * VT-d: the kernel's own DMAR code.
 *
 * Owns: all contact with it. The kernel finds the units, runs their queues and
 * remaps interrupts (drivers/iommu/intel/dmar.c, irq_remapping.c); when its own
 * driver of DMA translation is off, that part of the hardware is ours. This
 * file is the only one that touches registers, and the only one tied to x86.
 */
#define pr_fmt(fmt) "sluice vtd: " fmt

#include <linux/acpi.h>
#include <linux/dmar.h>
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/iopoll.h>
#include <linux/pci.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/syscore_ops.h>
#include <linux/sysfs.h>
#include <asm/cacheflush.h>
#include <asm/x86_init.h>

#include "iommu.h"
#include "private.h"

/* How long a unit may take to carry out a command, in microseconds. */
#define PATIENCE_US 1000000

/**
 * struct dmar_unit - a unit of ours, and the kernel's view of it
 * @unit: ours
 * @dmar: the kernel's
 * @node: link in the list of all; constant after start-up
 */
struct dmar_unit {
	struct vtd_unit unit;
	struct intel_iommu *dmar;
	struct list_head node;
};

static LIST_HEAD(units);

static struct intel_iommu *dmar_of(struct vtd_unit *unit)
{
	return container_of(unit, struct dmar_unit, unit)->dmar;
}

/* ---- The seam ---- */

static u32 hw_read32(struct vtd_unit *unit, unsigned int reg)
{
	return readl(dmar_of(unit)->reg + reg);
}

static u64 hw_read64(struct vtd_unit *unit, unsigned int reg)
{
	return readq(dmar_of(unit)->reg + reg);
}

static void hw_write32(struct vtd_unit *unit, unsigned int reg, u32 value)
{
	writel(value, dmar_of(unit)->reg + reg);
}

static void hw_write64(struct vtd_unit *unit, unsigned int reg, u64 value)
{
	writeq(value, dmar_of(unit)->reg + reg);
}

/* Interrupt remapping writes the same register, from the same copy. */
static int hw_command(struct vtd_unit *unit, u32 bit, bool on)
{
	struct intel_iommu *dmar = dmar_of(unit);
	unsigned long flags;
	u32 command, status;
	int ret;

	raw_spin_lock_irqsave(&dmar->register_lock, flags);
	command = on ? dmar->gcmd | bit : dmar->gcmd & ~bit;
	/* One shot; it isn't part of the state. */
	if (bit != VTD_GCMD_SRTP)
		dmar->gcmd = command;
	writel(command, dmar->reg + VTD_GCMD_REG);
	ret = readl_poll_timeout_atomic(dmar->reg + VTD_GSTS_REG, status,
					!!(status & bit) == on, 1, PATIENCE_US);
	raw_spin_unlock_irqrestore(&dmar->register_lock, flags);
	return ret;
}

static_assert(sizeof(struct vtd_desc) == sizeof(struct qi_desc));

/* Waits without a bound, see DESIGN: the queue is the kernel's. */
static int hw_submit(struct vtd_unit *unit, struct vtd_desc *descs,
		     unsigned int nr)
{
	return qi_submit_sync(dmar_of(unit), (struct qi_desc *)descs, nr, 0);
}

static void hw_write_back(const void *start, size_t bytes)
{
	clflush_cache_range((void *)start, bytes);
}

static const struct vtd_hw hw = {
	.read32		= hw_read32,
	.read64		= hw_read64,
	.write32	= hw_write32,
	.write64	= hw_write64,
	.command	= hw_command,
	.submit		= hw_submit,
	.write_back	= hw_write_back,
};

/* ---- Which unit a device is behind ---- */

static struct vtd_unit *unit_of(const struct dmar_drhd_unit *drhd)
{
	struct dmar_unit *du;

	list_for_each_entry(du, &units, node) {
		if (drhd && du->dmar == drhd->iommu)
			return &du->unit;
	}
	return NULL;
}

/* Devices that only ACPI knows; the table says their requester ID, too. */
static struct vtd_unit *find_named(struct device *dev, u16 *rid)
{
	struct vtd_unit *unit = NULL;
	struct dmar_drhd_unit *drhd;
	struct device *named;
	int i;

	rcu_read_lock();
	for_each_active_drhd_unit(drhd) {
		for_each_active_dev_scope(drhd->devices, drhd->devices_cnt, i,
					  named) {
			if (named != dev)
				continue;
			*rid = PCI_DEVID(drhd->devices[i].bus,
					 drhd->devices[i].devfn);
			unit = unit_of(drhd);
		}
	}
	rcu_read_unlock();
	return unit;
}

/**
 * vtd_find_unit - the unit that translates a device's DMA
 * @dev: the device
 * @rid: set to its requester ID, if it isn't PCI
 *
 * Return: the unit, or NULL if there is none.
 */
struct vtd_unit *vtd_find_unit(struct device *dev, u16 *rid)
{
	if (dev_is_pci(dev)) {
		struct pci_dev *pdev = pci_real_dma_dev(to_pci_dev(dev));

		return unit_of(dmar_find_matched_drhd_unit(pdev));
	}
	if (has_acpi_companion(dev))
		return find_named(&ACPI_COMPANION(dev)->dev, rid);
	return NULL;
}

/* ---- /sys/class/iommu/dmarN/intel-iommu, as programs know it ---- */

static struct dmar_unit *unit_from_sysfs(struct device *dev)
{
	struct iommu_device *core = dev_to_iommu_device(dev);

	return container_of(core, struct dmar_unit, unit.core);
}

static ssize_t version_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	u32 version = readl(unit_from_sysfs(dev)->dmar->reg + DMAR_VER_REG);

	return sysfs_emit(buf, "%d:%d\n", DMAR_VER_MAJOR(version),
			  DMAR_VER_MINOR(version));
}
static DEVICE_ATTR_RO(version);

static ssize_t address_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	return sysfs_emit(buf, "%llx\n", unit_from_sysfs(dev)->dmar->reg_phys);
}
static DEVICE_ATTR_RO(address);

static ssize_t cap_show(struct device *dev, struct device_attribute *attr,
			char *buf)
{
	return sysfs_emit(buf, "%llx\n", unit_from_sysfs(dev)->unit.cap);
}
static DEVICE_ATTR_RO(cap);

static ssize_t ecap_show(struct device *dev, struct device_attribute *attr,
			 char *buf)
{
	return sysfs_emit(buf, "%llx\n", unit_from_sysfs(dev)->unit.ecap);
}
static DEVICE_ATTR_RO(ecap);

static ssize_t domains_supported_show(struct device *dev,
				      struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", unit_from_sysfs(dev)->unit.nr_dids);
}
static DEVICE_ATTR_RO(domains_supported);

static struct attribute *attrs[] = {
	&dev_attr_version.attr,
	&dev_attr_address.attr,
	&dev_attr_cap.attr,
	&dev_attr_ecap.attr,
	&dev_attr_domains_supported.attr,
	NULL,
};

static const struct attribute_group group = {
	.name = "intel-iommu",
	.attrs = attrs,
};

static const struct attribute_group *groups[] = {
	&group,
	NULL,
};

/* ---- Faults ---- */

static irqreturn_t fault_irq(int irq, void *data)
{
	struct dmar_unit *du = data;

	vtd_fault_handle(&du->unit);
	return IRQ_HANDLED;
}

/* The unit has one event for faults, and the kernel's handler is on it. */
static void take_fault_irq(struct dmar_unit *du)
{
	int ret;

	/* Not there yet if no CPU of the unit's node is. */
	ret = dmar_set_interrupt(du->dmar);
	if (!ret) {
		free_irq(du->dmar->irq, du->dmar);
		ret = request_irq(du->dmar->irq, fault_irq, IRQF_NO_THREAD,
				  du->unit.name, du);
	}
	if (ret)
		pr_err("%s: no interrupt for faults (%d), they won't be reported\n",
		       du->unit.name, ret);
	/* What has come before. */
	vtd_fault_handle(&du->unit);
}

/* ---- Suspend, shutdown ---- */

static int suspend(void *data)
{
	struct dmar_unit *du;

	list_for_each_entry(du, &units, node)
		vtd_unit_suspend(&du->unit);
	return 0;
}

static void resume(void *data)
{
	struct dmar_unit *du;

	list_for_each_entry(du, &units, node) {
		/* Devices that were isolated would not be: nothing is better. */
		if (vtd_unit_resume(&du->unit))
			panic("sluice vtd: %s doesn't translate DMA after the suspend",
			      du->unit.name);
	}
}

/*
 * QEMU decides whether a device's DMA is translated at all when translation is switched
 * on, and when a context entry is invalidated. When units resume, the bridges have no bus
 * numbers yet, so it looks at the entry of another requester ID, on bus 0, which may be
 * a host device's that passes through. By now the bridges above have theirs again, and the
 * device can't be a bus master yet. Hardware loses nothing by this.
 */
static void tell_again(struct pci_dev *pdev)
{
	const struct dev_iommu *iommu = pdev->dev.iommu;

	if (iommu && iommu->iommu_dev && iommu->iommu_dev->ops == &vtd_iommu_ops)
		vtd_device_tell_again(dev_iommu_priv_get(&pdev->dev));
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
	struct dmar_unit *du;

	list_for_each_entry(du, &units, node)
		vtd_unit_disable(&du->unit);
}

/* ---- Start-up ---- */

/* The units are freed later on if nothing else uses them, and we have no queue. */
static bool __init interrupts_remapped(void)
{
	struct dmar_drhd_unit *drhd;
	struct intel_iommu *dmar;
	bool any = false;

	guard(rwsem_read)(&dmar_global_lock);
	for_each_active_iommu(dmar, drhd) {
		if (!dmar->qi || !dmar->ir_table)
			return false;
		any = true;
	}
	return any;
}

static int __init add_unit(struct intel_iommu *dmar)
{
	struct dmar_unit *du = kzalloc(sizeof(*du), GFP_KERNEL);
	int ret;

	if (!du)
		return -ENOMEM;
	du->dmar = dmar;
	du->unit.hw = &hw;
	du->unit.segment = dmar->segment;
	du->unit.nid = dmar->node;
	strscpy(du->unit.name, dmar->name);
	ret = vtd_unit_init(&du->unit);
	if (ret) {
		kfree(du);
		return ret;
	}
	list_add_tail(&du->node, &units);
	return 0;
}

static void __init remove_units(void)
{
	struct dmar_unit *du, *next;

	list_for_each_entry_safe(du, next, &units, node) {
		list_del(&du->node);
		vtd_unit_deinit(&du->unit);
		kfree(du);
	}
}

/* Ours from here on: entries not present, DMA not yet translated. */
static int __init load_units(void)
{
	struct dmar_drhd_unit *drhd;
	struct intel_iommu *dmar;
	struct dmar_unit *du;
	int ret = 0;

	down_read(&dmar_global_lock);
	for_each_active_iommu(dmar, drhd)
		ret = ret ?: add_unit(dmar);
	up_read(&dmar_global_lock);
	list_for_each_entry(du, &units, node)
		ret = ret ?: vtd_unit_load(&du->unit);
	return ret;
}

/* Devices get their entries while DMA isn't translated yet: none is missed. */
static void __init register_units(void)
{
	struct dmar_unit *du;
	int ret;

	list_for_each_entry(du, &units, node) {
		ret = iommu_device_sysfs_add(&du->unit.core, NULL, groups, "%s",
					     du->unit.name);
		/* A device that couldn't be taken in stays blocked. */
		ret = ret ?: iommu_device_register(&du->unit.core,
						   &vtd_iommu_ops, NULL);
		if (ret)
			pr_err("%s: not all devices have been taken in (%d)\n",
			       du->unit.name, ret);
	}
}

/* Do drivers give devices of the unit addresses that only we can translate? */
static bool __init unit_needed(struct vtd_unit *unit)
{
	struct vtd_device *device;

	guard(mutex)(&unit->lock);
	list_for_each_entry(device, &unit->devices, unit_node) {
		if (device->domain)
			return true;
	}
	return false;
}

static void __init enable_units(void)
{
	struct dmar_unit *du;

	list_for_each_entry(du, &units, node) {
		take_fault_irq(du);
		if (!vtd_unit_enable(&du->unit))
			continue;
		/* DMA would go to addresses that were never meant for memory. */
		if (unit_needed(&du->unit))
			panic("sluice vtd: %s can't be switched on",
			      du->unit.name);
		WRITE_ONCE(du->unit.iommu.dead, true);
		pr_err("%s: translation can't be switched on, devices behind it can't be assigned\n",
		       du->unit.name);
	}
}

static void __init read_firmware(void)
{
	struct acpi_table_header *table;
	int ret = -ENODATA;

	INIT_LIST_HEAD(&vtd_firmware.rmrrs);
	INIT_LIST_HEAD(&vtd_firmware.atsrs);
	if (ACPI_SUCCESS(acpi_get_table(ACPI_SIG_DMAR, 0, &table))) {
		ret = vtd_table_parse(&vtd_firmware, table, table->length);
		acpi_put_table(table);
	}
	if (ret)
		pr_warn("the DMAR table can't be read to its end (%d): memory that firmware uses may not be known\n",
			ret);
}

/*
 * Before the buses are scanned: from then on, switches and functions send each
 * other's requests through us. Without that, groups would be larger.
 */
static int __init request_acs(void)
{
	if (!no_iommu && dmar_disabled && interrupts_remapped())
		pci_request_acs();
	return 0;
}
arch_initcall(request_acs);

/* After the stock driver has decided to stay out, before most devices' drivers. */
static int __init vtd_init(void)
{
	int ret;

	if (no_iommu || list_empty(&dmar_drhd_units))
		return 0;
	if (intel_iommu_enabled) {
		pr_info("stays out: intel-iommu is active (boot with intel_iommu=off to have this driver instead)\n");
		return 0;
	}
	if (!interrupts_remapped()) {
		pr_warn("stays out: interrupt remapping is off, without it devices can't be isolated; switch it on in the firmware, and don't boot with intremap=off\n");
		return 0;
	}

	read_firmware();
	ret = load_units();
	if (ret)
		goto err_remove;
	sluice_paging_host_mode();
	register_units();
	enable_units();
	register_syscore(&syscore);
	x86_platform.iommu_shutdown = shut_down;
	ret = sluice_backend_register(&vtd_backend);
	pr_info("DMA translation is on\n");
	return ret;

err_remove:
	pr_err("the hardware can't be used (%d)\n", ret);
	remove_units();
	return ret;
}
rootfs_initcall(vtd_init);
