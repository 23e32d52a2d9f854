// SPDX-License-Identifier: GPL-2.0
#include "md_map.h"

#include <stdbool.h>

/* A layout of level 10, see drivers/md/raid10.h */
struct geometry {
	uint64_t near_copies;
	uint64_t far_copies;
	bool far_offset;
	uint64_t stride;	/* bytes between far copies, where not offset */
};

static int geometry(const struct md_shape *s, struct geometry *g)
{
	g->near_copies = s->layout & 0xff;
	g->far_copies = s->layout >> 8 & 0xff;
	g->far_offset = s->layout & 1 << 16;
	if (!g->near_copies || !g->far_copies || !s->chunk || !s->raid_disks ||
	    g->near_copies * g->far_copies > s->raid_disks)
		return -1;
	g->stride = s->member_size / s->chunk / g->far_copies * s->chunk;
	return g->stride ? 0 : -1;
}

/* Which stripe of the array a chunk of a member is part of */
static uint64_t stripe_of(const struct md_shape *s, const struct geometry *g,
			  uint64_t chunk)
{
	if (g->far_offset)
		return chunk / g->far_copies;
	return chunk % (g->stride / s->chunk);
}

/* Bits for bytes of what the bitmap counts */
static int bits(const struct md_shape *s, uint64_t first, uint64_t end,
		uint64_t size, int (*each)(void *, uint64_t, uint64_t),
		void *arg)
{
	if (end > size)
		end = size;
	if (first >= end)
		return 0;
	return each(arg, first / s->bitmap_chunk, (end - 1) / s->bitmap_chunk);
}

static int map_10(const struct md_shape *s, uint64_t offset, uint64_t end,
		  int (*each)(void *, uint64_t, uint64_t), void *arg)
{
	const uint64_t last = (end - 1) / s->chunk;
	uint64_t c, stripe, first;
	struct geometry g;
	int rc;

	if (geometry(s, &g))
		return -1;
	for (c = offset / s->chunk; c <= last; c++) {
		stripe = stripe_of(s, &g, c);
		/* Chunks of data, each near_copies times, beside each other */
		first = stripe * s->raid_disks / g.near_copies;
		rc = bits(s, first * s->chunk,
			  ((stripe + 1) * s->raid_disks + g.near_copies - 1) /
			  g.near_copies * s->chunk, s->array_size, each, arg);
		if (rc)
			return rc;
	}
	return 0;
}

int md_map_range(const struct md_shape *s, uint64_t offset, uint64_t length,
		 int (*each)(void *arg, uint64_t first, uint64_t last),
		 void *arg)
{
	uint64_t end = s->member_size;

	if (!s->bitmap_chunk)
		return -1;
	if (offset >= end || !length)
		return 0;
	if (length < end - offset)
		end = offset + length;
	switch (s->level) {
	case 1:
	case 4:
	case 5:
	case 6:
		return bits(s, offset, end, s->member_size, each, arg);
	case 10:
		return map_10(s, offset, end, each, arg);
	default:
		return -1;
	}
}

uint64_t md_map_size(const struct md_shape *s)
{
	return s->level == 10 ? s->array_size : s->member_size;
}

int md_map_counted(const struct md_shape *s, uint64_t offset, uint64_t length,
		   int (*each)(void *arg, uint64_t first, uint64_t last),
		   void *arg)
{
	const uint64_t size = md_map_size(s);

	if (!s->bitmap_chunk)
		return -1;
	if (offset >= size)
		return 0;
	return bits(s, offset, length < size - offset ? offset + length : size,
		    size, each, arg);
}
