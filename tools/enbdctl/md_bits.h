/* SPDX-License-Identifier: GPL-2.0 */
/* Marking what is to be copied in the bitmap of a running md array. */
#ifndef ENBDCTL_MD_BITS_H
#define ENBDCTL_MD_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "md_array.h"

/* The kernel takes a page at a time, and writes to the disks after each. */
#define MD_BITS_TEXT	4000

/**
 * struct md_bits - bits of an array on their way to the kernel
 * @array: with a bitmap
 * @text: of runs that are complete
 * @len: of @text
 * @first: of the run that may still grow
 * @last: of it
 * @open: there is one
 * @any: the kernel has got some
 */
struct md_bits {
	const struct md_array *array;
	char text[MD_BITS_TEXT];
	size_t len;
	uint64_t first;
	uint64_t last;
	bool open;
	bool any;
};

/* Begin to mark ranges of members as out of date in an array's bitmap. */
void md_bits_begin(struct md_bits *bits, const struct md_array *array);

/**
 * md_bits_add() - mark a range
 * @member: of the array
 * @offset: first byte of the member, its own metadata included
 * @length: bytes
 * @err: receives why it could not be done
 *
 * Return: 0 or -1.
 */
int md_bits_add(struct md_bits *bits, const struct md_member *member,
		uint64_t offset, uint64_t length, struct enbd_err *err);

/* The same, @offset being a byte of what the bitmap counts */
int md_bits_add_counted(struct md_bits *bits, uint64_t offset, uint64_t length,
			struct enbd_err *err);

/*
 * The bits are on the other members' disks after that, and the array is as clean
 * as it was. Return: 0 or -1.
 */
int md_bits_end(struct md_bits *bits, struct enbd_err *err);

/*
 * Have md look at what was marked, if it is idle and has not yet. It is asked again
 * where it was busy when the bits were set.
 */
void md_bits_settle(const struct md_array *array);

/* What is set in the bitmap in memory is on all members' disks after that. */
void md_bits_sync(const struct md_array *array);

#endif /* ENBDCTL_MD_BITS_H */
