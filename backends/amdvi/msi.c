// SPDX-License-Identifier: GPL-2.0-only
/*
 * AMD-Vi: interrupts of devices.
 *
 * Owns: the irq domain that devices' MSI and MSI-X vectors are allocated from. A
 * device is told an index into its own remapping table, so what it can raise is in
 * the kernel's hands: it is isolated. Does not own: the tables (irte.c). Tied to
 * x86. The vector on a CPU comes from the parent, x86's own domain.
 *
 * Interrupts of I/O APICs and event timers aren't remapped: they are the kernel's.
 */
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/msi.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <asm/apic.h>
#include <asm/hw_irq.h>
#include <asm/irqdomain.h>
#include <asm/msi.h>
#include <asm/pci.h>

#include "private.h"

/**
 * struct vector - an interrupt of a device
 * @device: the device
 * @index: in its table
 */
struct vector {
	struct amdvi_device *device;
	unsigned int index;
};

/* Hardware that doesn't answer: the unit is dead, and has said so. */
static void update(struct vector *vector, const struct amdvi_target *target)
{
	struct amdvi_device *device = vector->device;
	unsigned int i;

	amdvi_irtable_write(device->unit, device->irtable, vector->index,
			    target);
	for (i = 0; i < device->nr_rids; i++)
		amdvi_inval_interrupts(device->unit, device->rids[i]);
}

static void update_from(struct irq_data *data)
{
	struct irq_cfg *cfg = irqd_cfg(data);
	struct amdvi_target target = {
		.mode = APIC_DELIVERY_MODE_FIXED,
		.logical = apic->dest_mode_logical,
		.cpu = cfg->dest_apicid,
		.vector = cfg->vector,
	};

	update(irq_data_get_irq_chip_data(data), &target);
}

/* The entry first: what comes after it goes to the new CPU, the old one waits. */
static int set_affinity(struct irq_data *data, const struct cpumask *mask,
			bool force)
{
	struct irq_data *parent = data->parent_data;
	int ret = parent->chip->irq_set_affinity(parent, mask, force);

	if (ret < 0 || ret == IRQ_SET_MASK_OK_DONE)
		return ret;
	update_from(data);
	vector_schedule_cleanup(irqd_cfg(data));
	return IRQ_SET_MASK_OK_DONE;
}

static void compose_msg(struct irq_data *data, struct msi_msg *msg)
{
	struct vector *vector = irq_data_get_irq_chip_data(data);

	memset(msg, 0, sizeof(*msg));
	msg->arch_addr_lo.base_address = X86_MSI_BASE_ADDRESS_LOW;
	msg->address_hi = X86_MSI_BASE_ADDRESS_HIGH;
	msg->data = vector->index;
}

static struct irq_chip chip = {
	.name			= "AMD-Vi",
	.irq_ack		= apic_ack_irq,
	.irq_set_affinity	= set_affinity,
	.irq_compose_msi_msg	= compose_msg,
};

static void free_vectors(struct irq_domain *domain, unsigned int virq,
			 unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		struct irq_data *data = irq_domain_get_irq_data(domain,
								virq + i);
		struct vector *vector = data ? irq_data_get_irq_chip_data(data) :
					       NULL;

		if (!vector)
			continue;
		update(vector, NULL);
		amdvi_irtable_give(vector->device->irtable, vector->index, 1);
		kfree(vector);
		irq_domain_reset_irq_data(data);
	}
}

static int add_vector(struct irq_domain *domain, unsigned int virq,
		      struct amdvi_device *device, unsigned int index)
{
	struct irq_data *data = irq_domain_get_irq_data(domain, virq);
	struct vector *vector = kzalloc(sizeof(*vector), GFP_KERNEL);

	if (!data || !vector) {
		kfree(vector);
		return -ENOMEM;
	}
	vector->device = device;
	vector->index = index;
	data->chip = &chip;
	data->chip_data = vector;
	data->hwirq = (u32)device->rids[0] << 16 | index;
	irq_set_status_flags(virq, IRQ_MOVE_PCNTXT);
	return 0;
}

static int irq_alloc(struct irq_domain *domain, unsigned int virq,
		     unsigned int nr, void *arg)
{
	struct irq_alloc_info *info = arg;
	struct amdvi_device *device;
	int ret, index;
	unsigned int i;
	bool several;

	if (!info || (info->type != X86_IRQ_ALLOC_TYPE_PCI_MSI &&
		      info->type != X86_IRQ_ALLOC_TYPE_PCI_MSIX))
		return -EINVAL;
	/* Of several vectors of MSI, the device makes the numbers. */
	several = info->type == X86_IRQ_ALLOC_TYPE_PCI_MSI;
	device = dev_iommu_priv_get(msi_desc_to_dev(info->desc));
	if (!device || !device->irtable)
		return -EINVAL;
	ret = irq_domain_alloc_irqs_parent(domain, virq, nr, arg);
	if (ret < 0)
		return ret;
	index = amdvi_irtable_take(device->irtable, nr, several);
	if (index < 0) {
		irq_domain_free_irqs_parent(domain, virq, nr);
		return index;
	}
	for (i = 0; i < nr; i++) {
		ret = add_vector(domain, virq + i, device, index + i);
		if (ret)
			goto err_free;
	}
	return 0;

err_free:
	free_vectors(domain, virq, i);
	amdvi_irtable_give(device->irtable, index + i, nr - i);
	irq_domain_free_irqs_parent(domain, virq, nr);
	return ret;
}

static void irq_free(struct irq_domain *domain, unsigned int virq,
		     unsigned int nr)
{
	free_vectors(domain, virq, nr);
	irq_domain_free_irqs_parent(domain, virq, nr);
}

static int irq_activate(struct irq_domain *domain, struct irq_data *data,
			bool reserve)
{
	update_from(data);
	return 0;
}

static void irq_deactivate(struct irq_domain *domain, struct irq_data *data)
{
	update(irq_data_get_irq_chip_data(data), NULL);
}

static const struct irq_domain_ops domain_ops = {
	.alloc		= irq_alloc,
	.free		= irq_free,
	.activate	= irq_activate,
	.deactivate	= irq_deactivate,
};

static const struct msi_parent_ops parent_ops = {
	.supported_flags	= X86_VECTOR_MSI_FLAGS_SUPPORTED |
				  MSI_FLAG_MULTI_PCI_MSI,
	.prefix			= "IR-",
	.init_dev_msi_info	= msi_parent_init_dev_msi_info,
};

/**
 * amdvi_msi_init - make the irq domain of a unit
 * @unit: the unit
 *
 * Return: 0 or -ENOMEM.
 */
int amdvi_msi_init(struct amdvi_unit *unit)
{
	struct fwnode_handle *fwnode;

	fwnode = irq_domain_alloc_named_fwnode(unit->name);
	if (!fwnode)
		return -ENOMEM;
	unit->msi = irq_domain_create_hierarchy(x86_vector_domain, 0, 0, fwnode,
						&domain_ops, unit);
	if (!unit->msi) {
		irq_domain_free_fwnode(fwnode);
		return -ENOMEM;
	}
	irq_domain_update_bus_token(unit->msi, DOMAIN_BUS_AMDVI);
	unit->msi->flags |= IRQ_DOMAIN_FLAG_MSI_PARENT;
	if (unit->isolates)
		unit->msi->flags |= IRQ_DOMAIN_FLAG_ISOLATED_MSI;
	unit->msi->msi_parent_ops = &parent_ops;
	return 0;
}

/**
 * amdvi_msi_deinit - the end of a unit's irq domain
 * @unit: the unit, none of whose devices has vectors of it
 */
void amdvi_msi_deinit(struct amdvi_unit *unit)
{
	struct fwnode_handle *fwnode = unit->msi->fwnode;

	irq_domain_remove(unit->msi);
	irq_domain_free_fwnode(fwnode);
}

/**
 * amdvi_msi_take - have a device's vectors come from its unit
 * @device: a PCI device with a remapping table, none of whose vectors is allocated
 */
void amdvi_msi_take(struct amdvi_device *device)
{
	/* Some have a domain of their own: VMD's. */
	if (pci_dev_has_default_msi_parent_domain(device->pci))
		dev_set_msi_domain(&device->pci->dev, device->unit->msi);
}
