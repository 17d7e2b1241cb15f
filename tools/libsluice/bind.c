// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Binding: handing a device from its host driver to vfio-pci and back.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

#define PCI_BUS "/sys/bus/pci"
#define DRIVER "vfio-pci"

/* An unbound device is reported as an empty name. */
static int driver_get(const char *addr, char *name, size_t len)
{
	int ret = sluice_pci_link(addr, "driver", name, len);

	if (ret == -ENOENT) {
		*name = '\0';
		ret = 0;
	}
	return ret;
}

static int override_get(const char *addr, char *name, size_t len)
{
	int ret = sluice_pci_read(addr, "driver_override", name, len);

	if (!ret && !strcmp(name, "(null)"))
		*name = '\0';
	return ret;
}

static int override_set(const char *addr, const char *name)
{
	/* An empty line clears it; an empty write would not. */
	return sluice_pci_write(addr, "driver_override", *name ? name : "\n");
}

static int driver_unbind(const char *addr)
{
	int ret = sluice_pci_write(addr, "driver/unbind", addr);

	return ret == -ENOENT ? 0 : ret;
}

int sluice_bind_restore(const struct sluice_binding *binding)
{
	char path[128];
	int ret;

	if (!binding->bound)
		return 0;
	ret = override_set(binding->addr, binding->override);
	if (ret)
		return ret;
	ret = driver_unbind(binding->addr);
	if (ret || !*binding->driver)
		return ret;
	snprintf(path, sizeof(path), PCI_BUS "/drivers/%s/bind",
		 binding->driver);
	return sluice_file_write(path, binding->addr);
}

int sluice_bind(const char *addr, struct sluice_binding *binding)
{
	char now[sizeof(binding->driver)];
	int ret;

	*binding = (struct sluice_binding){ .bound = false };
	ret = sluice_pci_addr(addr, binding->addr);
	if (ret)
		return ret;
	if (access(PCI_BUS "/drivers/" DRIVER, F_OK))
		return -ENOENT;
	ret = driver_get(binding->addr, binding->driver,
			 sizeof(binding->driver));
	if (ret || !strcmp(binding->driver, DRIVER))
		return ret;
	ret = override_get(binding->addr, binding->override,
			   sizeof(binding->override));
	if (!ret)
		ret = override_set(binding->addr, DRIVER);
	if (ret)
		return ret;

	binding->bound = true;
	ret = driver_unbind(binding->addr);
	if (!ret)
		ret = sluice_file_write(PCI_BUS "/drivers_probe",
					binding->addr);
	if (!ret)
		ret = driver_get(binding->addr, now, sizeof(now));
	if (!ret && strcmp(now, DRIVER))
		ret = -ENOENT;
	if (ret) {
		sluice_bind_restore(binding);
		binding->bound = false;
	}
	return ret;
}
