// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fake backend's way into the contract suite.
 */
#include "contract.h"
#include "fake_backend.h"

static void plug(struct contract *c, bool bare)
{
	struct fake_hw *hw = fake_hw_create(c->test);
	unsigned int i;

	hw->bare = bare;
	c->hw = hw;
	for (i = 0; i < ARRAY_SIZE(c->group); i++) {
		struct fake_group *fg = fake_group_create(c->test, hw);

		fg->unit = i / 2;
		c->group[i] = fg->group;
	}
}

static void fake_plug(struct contract *c)
{
	plug(c, false);
}

static void bare_plug(struct contract *c)
{
	plug(c, true);
}

static int seam_translate(struct iommu_group *group, u64 iova, bool write,
			  phys_addr_t *phys)
{
	return fake_translate(fake_hw_find(group, NULL), iova, write, phys);
}

static void seam_fail_alloc(struct contract *c, unsigned int n)
{
	struct fake_hw *hw = c->hw;

	atomic_set(&hw->fail_alloc, n);
}

static void seam_die(struct contract *c)
{
	struct fake_hw *hw = c->hw;

	hw->flush_error = -ETIMEDOUT;
}

static unsigned int seam_tables(struct contract *c)
{
	struct fake_hw *hw = c->hw;

	return atomic_read(&hw->tables);
}

static void seam_check_idle(struct contract *c)
{
	fake_hw_check_idle(c->test, c->hw);
}

const struct contract_seam contract_fake = {
	.name = "fake",
	.backend = &fake_backend,
	.caches = true,
	.tells_prot = true,
	.plug = fake_plug,
	.translate = seam_translate,
	.fail_alloc = seam_fail_alloc,
	.die = seam_die,
	.tables = seam_tables,
	.check_idle = seam_check_idle,
};

const struct contract_seam contract_fake_bare = {
	.name = "fake-bare",
	.backend = &fake_backend_bare,
	.caches = true,
	.tells_prot = true,
	.plug = bare_plug,
	.translate = seam_translate,
	.fail_alloc = seam_fail_alloc,
	.die = seam_die,
	.tables = seam_tables,
	.check_idle = seam_check_idle,
};
