/* SPDX-License-Identifier: GPL-2.0 */
/* Which bytes of which member file an export's bytes are. Pure arithmetic. */
#ifndef ENBD_SERVER_LAYOUT_H
#define ENBD_SERVER_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

/* Least size of a stripe in bytes; it is a multiple of it, too. */
#define STRIPE_MIN	4096u
#define MEMBERS_MAX	256u

/**
 * struct layout - how members make up an export
 * @members: 1 to MEMBERS_MAX
 * @stripe: bytes of a stripe, 0 when members follow each other
 * @start: linear: where each member begins in the export, then the end:
 *         @members + 1 entries; NULL when striped. The end is open: the last
 *         member may grow, and then has what is beyond @size
 * @size: bytes of the whole at the start
 */
struct layout {
	unsigned int members;
	uint64_t stripe;
	uint64_t *start;
	uint64_t size;
};

/* A part of a range that is contiguous in one member */
struct extent {
	unsigned int member;
	uint64_t offset;
	uint64_t length;
};

/**
 * layout_init() - lay members out
 * @layout: is initialised, release it with layout_free()
 * @sizes: bytes of each member
 * @members: 1 to MEMBERS_MAX
 * @stripe: 0, or a multiple of STRIPE_MIN
 *
 * A stripe takes as much of each member as the smallest has in whole stripes.
 *
 * Return: 0, -EOVERFLOW when the whole would be longer than 2^63 - 1 bytes,
 * -EINVAL when @stripe is wrong or nothing remains, -ENOMEM.
 */
int layout_init(struct layout *layout, const uint64_t *sizes,
		unsigned int members, uint64_t stripe);
void layout_free(struct layout *layout);

/**
 * layout_map() - the parts of a range
 * @layout: the layout
 * @offset: first byte of the range, which lies within the layout, or within
 *          what the last member has grown to
 * @length: bytes, not 0
 * @extents: room for one entry for each member; each member gets at most one
 *
 * Return: how many extents there are, in the order of members.
 */
unsigned int layout_map(const struct layout *layout, uint64_t offset,
			uint64_t length, struct extent *extents);

/* How many vectors layout_vectors() fills for all extents of the range */
uint64_t layout_vector_count(const struct layout *layout, uint64_t offset,
			     uint64_t length);

/**
 * layout_vectors() - where the bytes of an extent are in the range's buffer
 * @layout: the layout
 * @offset: first byte of the range
 * @length: bytes of the range
 * @extent: one that layout_map() gave for this range
 * @buf: the buffer of the range
 * @iov: is filled, in the order of the member's bytes
 *
 * Return: how many vectors were filled.
 */
unsigned int layout_vectors(const struct layout *layout, uint64_t offset,
			    uint64_t length, const struct extent *extent,
			    void *buf, struct iovec *iov);

#endif /* ENBD_SERVER_LAYOUT_H */
