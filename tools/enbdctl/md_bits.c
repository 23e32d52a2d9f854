// SPDX-License-Identifier: GPL-2.0
#include "md_bits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int flush_bits(struct md_bits *b)
{
	if (!b->len)
		return 0;
	b->len = 0;
	b->any = true;
	return md_array_set(b->array, "bitmap_set_bits", b->text);
}

/* The open run is complete. */
static int close_run(struct md_bits *b)
{
	if (!b->open)
		return 0;
	b->open = false;
	/* Room for two numbers, what is between them, and the end */
	if (sizeof(b->text) - b->len < 48 && flush_bits(b))
		return -1;
	b->len += (size_t)snprintf(b->text + b->len, sizeof(b->text) - b->len,
				   "%" PRIu64 "-%" PRIu64 "\n", b->first,
				   b->last);
	return 0;
}

static int add_run(void *arg, uint64_t first, uint64_t last)
{
	struct md_bits *b = arg;

	if (b->open && first >= b->first && first <= b->last + 1) {
		if (last > b->last)
			b->last = last;
		return 0;
	}
	if (close_run(b))
		return -1;
	b->first = first;
	b->last = last;
	b->open = true;
	return 0;
}

static int bits_failed(const struct md_bits *b, struct enbd_err *err)
{
	return enbd_fail(err, ENBD_EXIT_GENERAL,
			 "/dev/%s: what is to be copied cannot be put into its bitmap: %s",
			 b->array->node, strerror(errno));
}

void md_bits_begin(struct md_bits *bits, const struct md_array *array)
{
	bits->array = array;
	bits->len = 0;
	bits->open = false;
	bits->any = false;
}

int md_bits_add_counted(struct md_bits *bits, uint64_t offset, uint64_t length,
			struct enbd_err *err)
{
	errno = EOPNOTSUPP;
	return md_map_counted(&bits->array->shape, offset, length, add_run,
			      bits) ? bits_failed(bits, err) : 0;
}

int md_bits_add(struct md_bits *bits, const struct md_member *member,
		uint64_t offset, uint64_t length, struct enbd_err *err)
{
	const uint64_t end = offset + length;

	if (end <= member->data)
		return 0;
	offset = offset > member->data ? offset - member->data : 0;
	errno = EOPNOTSUPP;
	return md_map_range(&bits->array->shape, offset,
			    end - member->data - offset, add_run, bits) ?
	       bits_failed(bits, err) : 0;
}

/*
 * For md the array is not clean from the first bit on that somebody sets, but it
 * does not look what to do about that before something else happens. A degraded
 * array of level 5 or 6 that was stopped in that state does not start any more.
 * "idle" makes md look: what is there is in sync, or is made so. A member that has
 * failed has to be out of its place: it would be let go of only after that.
 */
void md_bits_settle(const struct md_array *array)
{
	md_array_let_go(array);
	if (!md_array_is(array, "resync_start", "none") &&
	    md_array_is(array, "sync_action", "idle"))
		md_array_set(array, "sync_action", "idle");
}

int md_bits_end(struct md_bits *bits, struct enbd_err *err)
{
	if (close_run(bits) || flush_bits(bits))
		return bits_failed(bits, err);
	if (bits->any)
		md_bits_settle(bits->array);
	return 0;
}

void md_bits_sync(const struct md_array *array)
{
	/* No bit at all, but what follows the bits is done. */
	md_array_set(array, "bitmap_set_bits", "\n");
}
