/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The write-intent bitmap as it lies on a member of an array. A member that is
 * away keeps the bits of what was being written when it was last used: md sets a
 * bit on all members before it writes there, and nobody writes to an absent one.
 */
#ifndef ENBDCTL_MD_BITMAP_H
#define ENBDCTL_MD_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "md_super.h"

#define MD_BITMAP_HEAD		256	/* bytes before the bits */
#define MD_BITMAP_BYTES_MAX	(16u << 20)	/* mdadm makes 128 KiB at most */

/**
 * struct md_bitmap - what its head says
 * @chunk: bytes that a bit stands for
 * @count: bits
 * @first: where on the member the bits begin, bytes
 * @end: where they end
 */
struct md_bitmap {
	uint64_t chunk;
	uint64_t count;
	uint64_t first;
	uint64_t end;
};

/**
 * md_bitmap_parse() - read the head
 * @data: MD_BITMAP_HEAD bytes, from where @super says that the bitmap begins
 * @super: of the same member
 * @size: bytes of data that a member of the array has
 * @bitmap: receives the result
 *
 * Return: NULL, or why the bits cannot be trusted.
 */
const char *md_bitmap_parse(const void *data, const struct md_super *super,
			    uint64_t size, struct md_bitmap *bitmap);

/**
 * struct md_runs - bits on their way from the disk
 * @count: there are so many
 * @next: the one that comes next
 * @first: of the run that may still grow
 * @open: there is one
 * @each: called with the first and the last bit of a run that is complete
 * @arg: for @each
 */
struct md_runs {
	uint64_t count;
	uint64_t next;
	uint64_t first;
	bool open;
	int (*each)(void *arg, uint64_t first, uint64_t last);
	void *arg;
};

/* Begin to look for runs of bits that are set. */
void md_runs_begin(struct md_runs *runs, uint64_t count,
		   int (*each)(void *arg, uint64_t first, uint64_t last),
		   void *arg);

/**
 * md_runs_add() - the bits that follow
 * @data: of the bitmap
 * @size: bytes; what lies beyond the last bit is left out
 *
 * Return: 0, or what @each returned if that was not 0.
 */
int md_runs_add(struct md_runs *runs, const uint8_t *data, size_t size);

/* No more bits. Return: as md_runs_add(). */
int md_runs_end(struct md_runs *runs);

#endif /* ENBDCTL_MD_BITMAP_H */
