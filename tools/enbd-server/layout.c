// SPDX-License-Identifier: GPL-2.0
#include "layout.h"

#include <errno.h>
#include <stdlib.h>

#include "util.h"

static int init_stripes(struct layout *layout, const uint64_t *sizes)
{
	uint64_t least = sizes[0];
	unsigned int i;

	if (layout->stripe % STRIPE_MIN)
		return -EINVAL;
	for (i = 1; i < layout->members; i++)
		least = MIN(least, sizes[i]);
	least -= least % layout->stripe;
	if (__builtin_mul_overflow(least, (uint64_t)layout->members,
				   &layout->size))
		return -EOVERFLOW;
	return 0;
}

static int init_linear(struct layout *layout, const uint64_t *sizes)
{
	unsigned int i;

	layout->start = calloc(layout->members + 1, sizeof(*layout->start));
	if (!layout->start)
		return -ENOMEM;
	for (i = 0; i < layout->members; i++) {
		if (__builtin_add_overflow(layout->start[i], sizes[i],
					   &layout->start[i + 1]))
			return -EOVERFLOW;
	}
	layout->size = layout->start[layout->members];
	layout->start[layout->members] = UINT64_MAX;
	return 0;
}

int layout_init(struct layout *layout, const uint64_t *sizes,
		unsigned int members, uint64_t stripe)
{
	int err;

	layout->members = members;
	layout->stripe = stripe;
	layout->start = NULL;
	layout->size = 0;
	err = stripe ? init_stripes(layout, sizes) :
		       init_linear(layout, sizes);
	if (!err && layout->size > INT64_MAX)
		err = -EOVERFLOW;
	if (!err && !layout->size)
		err = -EINVAL;
	if (err)
		layout_free(layout);
	return err;
}

void layout_free(struct layout *layout)
{
	free(layout->start);
	layout->start = NULL;
}

/* The member that has a byte; empty members have none. */
static unsigned int find_member(const struct layout *layout, uint64_t offset)
{
	unsigned int low = 0, high = layout->members;

	while (high - low > 1) {
		const unsigned int mid = low + (high - low) / 2;

		if (layout->start[mid] <= offset)
			low = mid;
		else
			high = mid;
	}
	return low;
}

static unsigned int map_linear(const struct layout *layout, uint64_t offset,
			       uint64_t length, struct extent *extents)
{
	const uint64_t end = offset + length;
	unsigned int i, n = 0;

	for (i = find_member(layout, offset);
	     i < layout->members && layout->start[i] < end; i++) {
		const uint64_t from = MAX(offset, layout->start[i]);
		const uint64_t to = MIN(end, layout->start[i + 1]);

		if (from == to)
			continue;
		extents[n].member = i;
		extents[n].offset = from - layout->start[i];
		extents[n].length = to - from;
		n++;
	}
	return n;
}

/* First and last stripe of a member within a range; false if it has none */
static bool stripes_of(const struct layout *layout, unsigned int member,
		       uint64_t offset, uint64_t length, uint64_t *first,
		       uint64_t *last)
{
	const unsigned int n = layout->members;
	const uint64_t from = offset / layout->stripe;
	const uint64_t to = (offset + length - 1) / layout->stripe;

	*first = from + (member + n - from % n) % n;
	if (*first > to)
		return false;
	*last = to - (to % n + n - member) % n;
	return true;
}

static unsigned int map_stripes(const struct layout *layout, uint64_t offset,
				uint64_t length, struct extent *extents)
{
	const uint64_t stripe = layout->stripe, end = offset + length;
	uint64_t first, last, from, to;
	unsigned int i, n = 0;

	for (i = 0; i < layout->members; i++) {
		if (!stripes_of(layout, i, offset, length, &first, &last))
			continue;
		from = first / layout->members * stripe;
		if (first * stripe < offset)
			from += offset - first * stripe;
		to = (last / layout->members + 1) * stripe;
		if ((last + 1) * stripe > end)
			to -= (last + 1) * stripe - end;
		extents[n].member = i;
		extents[n].offset = from;
		extents[n].length = to - from;
		n++;
	}
	return n;
}

unsigned int layout_map(const struct layout *layout, uint64_t offset,
			uint64_t length, struct extent *extents)
{
	return layout->stripe ?
		map_stripes(layout, offset, length, extents) :
		map_linear(layout, offset, length, extents);
}

uint64_t layout_vector_count(const struct layout *layout, uint64_t offset,
			     uint64_t length)
{
	if (!layout->stripe)
		return layout->members;
	return (offset + length - 1) / layout->stripe -
	       offset / layout->stripe + 1;
}

unsigned int layout_vectors(const struct layout *layout, uint64_t offset,
			    uint64_t length, const struct extent *extent,
			    void *buf, struct iovec *iov)
{
	const uint64_t stripe = layout->stripe, end = offset + length;
	uint64_t first, last, s, from;
	unsigned int n = 0;

	if (!stripe) {
		from = layout->start[extent->member] + extent->offset;
		iov->iov_base = (char *)buf + (from - offset);
		iov->iov_len = extent->length;
		return 1;
	}
	if (!stripes_of(layout, extent->member, offset, length, &first, &last))
		return 0;
	for (s = first; s <= last; s += layout->members) {
		from = MAX(s * stripe, offset);
		iov[n].iov_base = (char *)buf + (from - offset);
		iov[n].iov_len = MIN((s + 1) * stripe, end) - from;
		n++;
	}
	return n;
}
