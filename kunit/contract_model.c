// SPDX-License-Identifier: GPL-2.0-only
/*
 * The contract suite's model: an array that says what each page should be.
 *
 * Every call of the backend is followed by the same change in the model, and
 * what it hands back is compared page by page.
 */
#include "contract.h"

#define PROT_BITS (SLUICE_PROT_READ | SLUICE_PROT_WRITE | SLUICE_PROT_MMIO | \
		   SLUICE_PROT_REGISTERED)

/* Notes in the model that pages are mapped. */
void contract_expect(struct contract *c, unsigned int first, unsigned int n,
		     phys_addr_t phys, unsigned int prot)
{
	unsigned int i;

	c->nr_extents++;
	for (i = 0; i < n; i++) {
		c->page[first + i] = (phys + i * c->granule) | prot;
		c->extent[first + i] = c->nr_extents;
	}
}

void contract_forget(struct contract *c, unsigned int first, unsigned int n)
{
	memset(&c->page[first], 0, n * sizeof(c->page[0]));
	memset(&c->extent[first], 0, n * sizeof(c->extent[0]));
}

/*
 * One extent, by prepare and map; the model isn't told. What hardware must forget
 * before it finds the new pages is flushed; what was unmapped before, isn't.
 */
int contract_try_map(struct contract *c, unsigned int first, unsigned int n,
		     phys_addr_t phys, unsigned int prot, u64 *done)
{
	struct sluice_extent extent = {
		.iova = contract_iova(c, first),
		.phys = phys,
		.len = n * c->granule,
	};
	struct sluice_gather gather;
	int ret = 0;

	*done = 0;
	sluice_gather_init(&gather);
	if (c->ops->prepare)
		ret = c->ops->prepare(c->domain, &extent, 1, &gather);
	if (!ret)
		ret = c->ops->map(c->domain, &extent, 1, prot, done, &gather);
	contract_settle(c, &gather);
	return ret;
}

/* Flushes what a map has gathered, if anything. */
void contract_settle(struct contract *c, struct sluice_gather *gather)
{
	if (gather->nr || gather->nonleaf)
		KUNIT_ASSERT_EQ(c->test, 0, c->ops->flush(c->domain, gather));
	sluice_gather_init(gather);
}

void contract_map(struct contract *c, unsigned int first, unsigned int n,
		  phys_addr_t phys, unsigned int prot)
{
	u64 done;

	KUNIT_ASSERT_EQ(c->test, 0,
			contract_try_map(c, first, n, phys, prot, &done));
	contract_expect(c, first, n, phys, prot);
}

/* Compares what was handed back from @*at on; returns the page behind it. */
static unsigned int check_extent(struct contract *c, unsigned int at,
				 unsigned int end,
				 const struct sluice_extent *extent)
{
	u64 len = extent->len / c->granule;
	unsigned int i;

	/* Pages that were passed over must be holes. */
	while (at < end && !c->page[at])
		at++;
	KUNIT_ASSERT_LT(c->test, at, end);
	KUNIT_ASSERT_EQ(c->test, extent->iova, contract_iova(c, at));
	KUNIT_ASSERT_EQ(c->test, extent->len, len * c->granule);
	KUNIT_ASSERT_NE(c->test, len, 0);
	KUNIT_ASSERT_LE(c->test, len, end - at);
	for (i = 0; i < len; i++) {
		KUNIT_ASSERT_EQ(c->test, extent->phys + i * c->granule,
				c->page[at + i] & ~(u64)PROT_BITS);
		KUNIT_ASSERT_EQ(c->test, extent->prot, c->seam->tells_prot ?
				c->page[at + i] & PROT_BITS : 0);
	}
	return at + len;
}

/* Unmaps or reads pages, @max extents at a time; returns how many there were. */
static unsigned int harvest(struct contract *c, unsigned int first,
			    unsigned int n, size_t max, bool clear)
{
	struct sluice_range range = contract_range(c, first, n);
	struct sluice_extent extents[16];
	unsigned int at = first, total = 0;
	size_t nr, i;

	while (!sluice_range_empty(&range)) {
		u64 start = range.start;

		if (clear)
			nr = c->ops->unmap(c->domain,
					   contract_iova(c, first), &range,
					   extents, max, &c->gather);
		else
			nr = c->ops->read(c->domain, &range, extents, max);
		KUNIT_ASSERT_LE(c->test, nr, max);
		for (i = 0; i < nr; i++)
			at = check_extent(c, at, first + n, &extents[i]);
		total += nr;
		if (sluice_range_empty(&range))
			break;
		/* It stopped, because the array is full maybe, but went on. */
		KUNIT_ASSERT_GT(c->test, range.start, start);
		KUNIT_ASSERT_EQ(c->test, range.last,
				contract_range(c, first, n).last);
	}
	for (; at < first + n; at++)
		KUNIT_ASSERT_EQ_MSG(c->test, c->page[at], 0,
				    "page %u was not handed back", at);
	return total;
}

unsigned int contract_unmap(struct contract *c, unsigned int first,
			    unsigned int n, size_t max)
{
	unsigned int total = harvest(c, first, n, max, true);

	contract_forget(c, first, n);
	return total;
}

unsigned int contract_read(struct contract *c, unsigned int first,
			   unsigned int n, size_t max)
{
	return harvest(c, first, n, max, false);
}

void contract_flush(struct contract *c)
{
	KUNIT_ASSERT_EQ(c->test, 0, c->ops->flush(c->domain, &c->gather));
	sluice_gather_init(&c->gather);
}

static void check_access(struct contract *c, struct iommu_group *group,
			 unsigned int page, bool write)
{
	unsigned int need = write ? SLUICE_PROT_WRITE : SLUICE_PROT_READ;
	u64 entry = c->page[page];
	/* Not only the first byte of each page. */
	u64 offset = page % 3 * (c->granule / 2 - 1);
	phys_addr_t phys = 0;
	int want = 0, ret;

	ret = c->seam->translate(group, contract_iova(c, page) + offset, write,
				 &phys);
	if (!entry)
		want = -EFAULT;
	else if (!(entry & need))
		want = -EACCES;
	KUNIT_ASSERT_EQ_MSG(c->test, ret, want, "page %u, write %d", page,
			    write);
	if (!ret)
		KUNIT_ASSERT_EQ(c->test, (u64)phys,
				(entry & ~(u64)PROT_BITS) + offset);
}

/* What @group's devices can reach is exactly what the model says. */
void contract_check_pages(struct contract *c, struct iommu_group *group,
			  unsigned int first, unsigned int n)
{
	unsigned int i;

	for (i = first; i < first + n; i++) {
		check_access(c, group, i, true);
		check_access(c, group, i, false);
	}
}

void contract_check(struct contract *c, struct iommu_group *group)
{
	contract_check_pages(c, group, 0, CONTRACT_PAGES);
}
