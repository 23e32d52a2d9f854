// SPDX-License-Identifier: GPL-2.0
#include "md_bitmap.h"

#include <endian.h>
#include <string.h>

/* Of struct bitmap_super_s, see drivers/md/md-bitmap.h; all little endian */
#define MAGIC		0x6d746962
#define VERSION		4
#define STATE_BAD	(1u << 1 | 1u << 2)	/* stale, write error */

enum {
	AT_MAGIC = 0,
	AT_VERSION = 4,
	AT_UUID = 8,
	AT_EVENTS = 24,
	AT_SYNC_SIZE = 40,
	AT_STATE = 48,
	AT_CHUNK = 52,
};

#define SECTOR		512
#define SECTORS_MAX	(UINT64_MAX / SECTOR / 2)

static uint32_t get32(const uint8_t *data, unsigned int at)
{
	uint32_t n;

	memcpy(&n, data + at, sizeof(n));
	return le32toh(n);
}

static uint64_t get64(const uint8_t *data, unsigned int at)
{
	uint64_t n;

	memcpy(&n, data + at, sizeof(n));
	return le64toh(n);
}

static uint64_t bytes(uint64_t sectors)
{
	return (sectors < SECTORS_MAX ? sectors : SECTORS_MAX) * SECTOR;
}

/* Where the bits lie; nothing else of a member is read for them. */
static bool place(struct md_bitmap *b, const struct md_super *super,
		  uint64_t size)
{
	const uint64_t begin = bytes(super->bitmap);
	uint64_t octets;

	b->count = (size + b->chunk - 1) / b->chunk;
	octets = (b->count + 7) / 8;
	if (octets > MD_BITMAP_BYTES_MAX)
		return false;
	b->first = begin + MD_BITMAP_HEAD;
	b->end = b->first + octets;
	return b->end <= bytes(super->data) || begin >= bytes(super->data_end);
}

const char *md_bitmap_parse(const void *data, const struct md_super *super,
			    uint64_t size, struct md_bitmap *bitmap)
{
	const uint8_t *head = data;
	const uint64_t sync = bytes(get64(head, AT_SYNC_SIZE));

	memset(bitmap, 0, sizeof(*bitmap));
	if (!super->bitmap || get32(head, AT_MAGIC) != MAGIC)
		return "it has no bitmap";
	if (get32(head, AT_VERSION) != VERSION)
		return "its bitmap is of another kind";
	if (memcmp(head + AT_UUID, super->array, MD_UUID_LEN))
		return "its bitmap is of another array";
	/*
	 * md writes the bitmap's head first, and goes back by one event when
	 * the array has become clean: one less is no bitmap that was left out.
	 */
	if (get32(head, AT_STATE) & STATE_BAD ||
	    (super->events && get64(head, AT_EVENTS) < super->events - 1))
		return "its bitmap is out of date";
	bitmap->chunk = get32(head, AT_CHUNK);
	if (bitmap->chunk < SECTOR || bitmap->chunk & (bitmap->chunk - 1) ||
	    !place(bitmap, super, sync < size ? sync : size))
		return "its bitmap is damaged";
	return NULL;
}

void md_runs_begin(struct md_runs *runs, uint64_t count,
		   int (*each)(void *arg, uint64_t first, uint64_t last),
		   void *arg)
{
	runs->count = count;
	runs->next = 0;
	runs->open = false;
	runs->each = each;
	runs->arg = arg;
}

int md_runs_end(struct md_runs *runs)
{
	if (!runs->open)
		return 0;
	runs->open = false;
	return runs->each(runs->arg, runs->first, runs->next - 1);
}

static int add_bit(struct md_runs *runs, bool set)
{
	int rc = 0;

	if (!set) {
		rc = md_runs_end(runs);
	} else if (!runs->open) {
		runs->open = true;
		runs->first = runs->next;
	}
	runs->next++;
	return rc;
}

int md_runs_add(struct md_runs *runs, const uint8_t *data, size_t size)
{
	unsigned int bit;
	size_t i;
	int rc;

	for (i = 0; i < size; i++) {
		/* Most bytes change nothing. */
		if (data[i] == (runs->open ? 0xff : 0) &&
		    runs->count - runs->next >= 8) {
			runs->next += 8;
			continue;
		}
		for (bit = 0; bit < 8 && runs->next < runs->count; bit++) {
			rc = add_bit(runs, data[i] >> bit & 1);
			if (rc)
				return rc;
		}
	}
	return 0;
}
