// SPDX-License-Identifier: GPL-2.0-only
/*
 * The capability lists of the virtual configuration space.
 *
 * Owns: walking hardware's two lists, dividing the space among the
 * capabilities, linking those that are shown. Does not own: what is shown and
 * what may be written (config_policy.c).
 *
 * Hardware is not trusted to be well formed. A list that leaves its half of
 * the space or returns to a place it has been is cut there. A byte that two
 * capabilities claim is read-only, and the later of the two is hidden.
 *
 * Bytes that no capability claims pass through: devices keep registers of
 * their own there which drivers need, and which, like those in BARs,
 * have no say in what the IOMMU allows. Not so if the list was cut: what
 * couldn't be reached might be a capability that does have a say.
 */
#include <linux/bitmap.h>
#include <linux/cleanup.h>
#include <linux/dev_printk.h>
#include <linux/slab.h>
#include <linux/unaligned.h>

#include "config.h"

/* One capability as hardware has it. */
struct cap {
	const struct sluice_pci_cap_policy *policy;
	u16 pos;
	u16 id;
	u16 len;
	u8 mode;
};

/**
 * struct cap_list - one of the two lists while it is being built
 * @cfg: the space
 * @ext: the extended list
 * @start: first byte of this half of the space, after the header
 * @end: first byte beyond it
 * @cut: malformed; what follows is unknown
 * @count: capabilities found
 * @caps: the capabilities in the list's order
 * @claimed: bytes that belong to a capability
 */
struct cap_list {
	struct sluice_pci_config *cfg;
	bool ext;
	bool cut;
	u16 start;
	u16 end;
	unsigned int count;
	struct cap *caps;
	DECLARE_BITMAP(claimed, PCI_CFG_SPACE_EXP_SIZE);
};

static void complain(struct cap_list *list, const char *what, unsigned int pos)
{
	if (list->cfg->info.dev)
		dev_warn(list->cfg->info.dev, "%s capability list: %s at %#x\n",
			 list->ext ? "extended" : "standard", what, pos);
}

/* The header at @pos. Return: 0 or errno; *@id is 0 and *@next 0 at the end. */
static int read_header(struct cap_list *list, unsigned int pos, u16 *id,
		       u16 *next)
{
	u32 header;
	int ret;

	ret = list->cfg->ops->read(list->cfg, pos, list->ext ? 4 : 2, &header);
	if (ret)
		return ret;
	if (list->ext) {
		*id = PCI_EXT_CAP_ID(header);
		*next = PCI_EXT_CAP_NEXT(header);
	} else {
		*id = header & 0xff;
		*next = (header >> 8) & ~3U;
	}
	return 0;
}

/* Where the list starts; 0: there is none. */
static int first_pos(struct cap_list *list, u16 *pos)
{
	struct sluice_pci_config *cfg = list->cfg;
	u32 val;
	int ret;

	*pos = 0;
	if (list->ext) {
		ret = cfg->ops->read(cfg, list->start, 4, &val);
		if (ret || !val)
			return ret;
		if (PCI_POSSIBLE_ERROR(val)) {
			complain(list, "no answer", list->start);
			list->cut = true;
			return 0;
		}
		*pos = list->start;
		return 0;
	}
	ret = cfg->ops->read(cfg, PCI_STATUS, 2, &val);
	if (ret || !(val & PCI_STATUS_CAP_LIST))
		return ret;
	ret = cfg->ops->read(cfg, PCI_CAPABILITY_LIST, 1, &val);
	if (!ret)
		*pos = val & ~3U;
	return ret;
}

static int walk(struct cap_list *list)
{
	DECLARE_BITMAP(seen, PCI_CFG_SPACE_EXP_SIZE / 4);
	u16 pos, next;
	int ret;

	bitmap_zero(seen, PCI_CFG_SPACE_EXP_SIZE / 4);
	ret = first_pos(list, &pos);
	for (; !ret && pos; pos = next) {
		struct cap *cap = &list->caps[list->count];

		if (pos < list->start || pos >= list->end) {
			complain(list, "pointer out of range", pos);
			list->cut = true;
			break;
		}
		if (__test_and_set_bit(pos / 4, seen)) {
			complain(list, "loop", pos);
			list->cut = true;
			break;
		}
		ret = read_header(list, pos, &cap->id, &next);
		if (ret)
			break;
		if (cap->id == (list->ext ? 0xffff : 0xff)) {
			complain(list, "no device", pos);
			list->cut = true;
			break;
		}
		cap->pos = pos;
		list->count++;
	}
	return ret;
}

/* The nearest capability after @pos, or the end of this half of the space. */
static unsigned int next_start(const struct cap_list *list, unsigned int pos)
{
	unsigned int i, next = list->end;

	for (i = 0; i < list->count; i++)
		if (list->caps[i].pos > pos && list->caps[i].pos < next)
			next = list->caps[i].pos;
	return next;
}

static bool is_repeated(const struct cap_list *list, const struct cap *cap)
{
	const struct cap *other;

	for (other = list->caps; other < cap; other++)
		if (other->id == cap->id)
			return true;
	return false;
}

/* Decide about one capability: how it is shown, how long it is. */
static int classify(struct cap_list *list, struct cap *cap)
{
	const struct sluice_pci_cap_policy *policy;
	unsigned int room = next_start(list, cap->pos) - cap->pos;
	int len, ret;

	policy = list->ext ? sluice_pci_ext_cap_policy(cap->id) :
			     sluice_pci_cap_policy(cap->id);
	cap->policy = policy;
	cap->mode = policy->mode;
	if (!policy->multi && is_repeated(list, cap))
		cap->mode = SLUICE_PCI_CAP_HIDE;
	if (cap->mode == SLUICE_PCI_CAP_RAW && policy->is_raw) {
		ret = policy->is_raw(list->cfg, cap->pos);
		if (ret < 0)
			return ret;
		if (!ret)
			cap->mode = SLUICE_PCI_CAP_SHOW;
	}

	len = policy->get_len ? policy->get_len(list->cfg, cap->pos) :
				policy->len;
	if (len < 0)
		return len;
	/* Vendors' lengths must not make another's registers writable. */
	if (!len || (cap->mode == SLUICE_PCI_CAP_RAW && len > room))
		len = room;
	len = round_up(len, 4);
	if (cap->pos + len > list->end) {
		complain(list, "capability too long", cap->pos);
		cap->mode = SLUICE_PCI_CAP_HIDE;
		len = list->end - cap->pos;
	}
	cap->len = len;
	return 0;
}

/* Nobody may write bytes that two capabilities claim, nor set off a hook. */
static void resolve_overlap(struct cap_list *list, struct cap *cap)
{
	struct sluice_pci_config *cfg = list->cfg;
	unsigned int i;

	complain(list, "overlapping capability", cap->pos);
	cap->mode = SLUICE_PCI_CAP_HIDE;
	for (i = cap->pos; i < cap->pos + cap->len; i++) {
		cfg->write[i] = 0;
		cfg->hook[i] = SLUICE_PCI_HOOK_NONE;
		if (!test_bit(i, list->claimed))
			cfg->virt[i] = 0xff;
	}
}

static int show(struct cap_list *list, const struct cap *cap)
{
	const struct sluice_pci_cap_policy *policy = cap->policy;
	unsigned int header = list->ext ? PCI_CAP_SIZEOF : PCI_CAP_FLAGS;
	const struct sluice_pci_reg *regs = policy->regs;
	struct sluice_pci_config *cfg = list->cfg;
	int ret;

	ret = sluice_pci_config_fill(cfg, cap->pos, cap->len);
	if (ret)
		return ret;
	memset(cfg->virt + cap->pos, 0xff, header);
	if (cap->mode == SLUICE_PCI_CAP_RAW) {
		memset(cfg->write + cap->pos + header, 0xff, cap->len - header);
		return 0;
	}
	if (policy->get_regs)
		regs = policy->get_regs(cfg, cap->pos);
	if (regs)
		sluice_pci_config_apply(cfg, cap->pos, cap->len, regs);
	return 0;
}

static int claim(struct cap_list *list, struct cap *cap)
{
	unsigned int end = cap->pos + cap->len;
	int ret = 0;

	if (find_next_bit(list->claimed, end, cap->pos) < end)
		resolve_overlap(list, cap);
	else if (cap->mode == SLUICE_PCI_CAP_HIDE)
		memset(list->cfg->virt + cap->pos, 0xff, cap->len);
	else
		ret = show(list, cap);
	bitmap_set(list->claimed, cap->pos, cap->len);
	return ret;
}

static void link_standard(struct cap_list *list)
{
	u8 *value = list->cfg->value;
	u8 *prev = value + PCI_CAPABILITY_LIST;
	const struct cap *cap;

	for (cap = list->caps; cap < list->caps + list->count; cap++) {
		if (cap->mode == SLUICE_PCI_CAP_HIDE)
			continue;
		*prev = cap->pos;
		prev = value + cap->pos + PCI_CAP_LIST_NEXT;
	}
	*prev = 0;
	if (!value[PCI_CAPABILITY_LIST])
		value[PCI_STATUS] &= ~PCI_STATUS_CAP_LIST;
}

static void link_extended(struct cap_list *list)
{
	/*
	 * The list has to start at its fixed place. If the capability there
	 * is hidden its header, all zero, is a null capability.
	 */
	u8 *value = list->cfg->value;
	u8 *prev = value + list->start;
	const struct cap *cap;
	u32 header;

	for (cap = list->caps; cap < list->caps + list->count; cap++) {
		if (cap->mode == SLUICE_PCI_CAP_HIDE)
			continue;
		header = get_unaligned_le32(prev) & GENMASK(19, 0);
		put_unaligned_le32(header | (u32)cap->pos << 20, prev);
		prev = value + cap->pos;
	}
	header = get_unaligned_le32(prev) & GENMASK(19, 0);
	put_unaligned_le32(header, prev);
}

static void open_gaps(struct cap_list *list)
{
	unsigned int i = list->start;

	for_each_clear_bit_from(i, list->claimed, list->end)
		list->cfg->write[i] = 0xff;
}

static int build(struct cap_list *list)
{
	struct cap *cap;
	int ret;

	ret = walk(list);
	for (cap = list->caps; !ret && cap < list->caps + list->count; cap++)
		ret = classify(list, cap);
	for (cap = list->caps; !ret && cap < list->caps + list->count; cap++)
		ret = claim(list, cap);
	if (ret)
		return ret;
	if (!list->ext)
		link_standard(list);
	else if (list->count)
		link_extended(list);
	if (!list->cut)
		open_gaps(list);
	return 0;
}

static int init_list(struct sluice_pci_config *cfg, bool ext)
{
	struct cap_list *list __free(kfree) =
		kzalloc(sizeof(*list), GFP_KERNEL);
	struct cap *caps __free(kvfree) = NULL;

	if (!list)
		return -ENOMEM;
	list->cfg = cfg;
	list->ext = ext;
	list->start = ext ? PCI_CFG_SPACE_SIZE : PCI_STD_HEADER_SIZEOF;
	list->end = ext ? cfg->info.size :
			  min_t(u16, cfg->info.size, PCI_CFG_SPACE_SIZE);
	/* No more than one per dword: walk() visits none twice. */
	caps = kvcalloc((list->end - list->start) / 4, sizeof(*caps),
			GFP_KERNEL);
	if (!caps)
		return -ENOMEM;
	list->caps = caps;
	return build(list);
}

/* Build both lists, and decide about the bytes outside of them. */
int sluice_pci_config_init_caps(struct sluice_pci_config *cfg)
{
	int ret;

	ret = init_list(cfg, false);
	if (!ret && cfg->info.size > PCI_CFG_SPACE_SIZE)
		ret = init_list(cfg, true);
	return ret;
}
