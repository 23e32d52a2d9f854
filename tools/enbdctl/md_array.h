/* SPDX-License-Identifier: GPL-2.0 */
/* Running md arrays, as /sys/block/mdX/md has them. */
#ifndef ENBDCTL_MD_ARRAY_H
#define ENBDCTL_MD_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "md_map.h"

#define MD_NODE_MAX	32

/**
 * struct md_member - a disk or partition that an array holds
 * @node: its name below /dev
 * @faulty: the array does not use it any more
 * @in_sync: it has all data
 * @data: where its data begins, bytes
 */
struct md_member {
	char node[MD_NODE_MAX];
	bool faulty;
	bool in_sync;
	uint64_t data;
};

/**
 * struct md_array - a running array
 * @node: its name below /dev
 * @shape: how its data lies; a bitmap_chunk of 0 is no bitmap
 * @reshaping: it is being given another shape
 * @members: @count of them
 */
struct md_array {
	char node[MD_NODE_MAX];
	struct md_shape shape;
	bool reshaping;
	struct md_member *members;
	size_t count;
};

/**
 * md_arrays_read() - all that are running
 * @list: receives an array for md_arrays_free(), NULL if there are none
 * @count: receives how many
 *
 * Arrays of level 0 and the like, which can miss nobody, are left out.
 *
 * Return: 0, or -1 without memory.
 */
int md_arrays_read(struct md_array **list, size_t *count,
		   struct enbd_err *err);

void md_arrays_free(struct md_array *list, size_t count);

/**
 * md_member_of() - the array that holds a disk or partition
 * @list: from md_arrays_read()
 * @count: how many
 * @node: name below /dev
 * @member: receives what it is there, may be NULL
 *
 * Return: the array, NULL if none does.
 */
const struct md_array *md_member_of(const struct md_array *list, size_t count,
				    const char *node,
				    const struct md_member **member);

/* Tell the array not to use a member any more. Return: 0 or -1. */
int md_member_fail(const struct md_array *array, const char *node,
		   struct enbd_err *err);

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
 */
struct md_bits {
	const struct md_array *array;
	char text[MD_BITS_TEXT];
	size_t len;
	uint64_t first;
	uint64_t last;
	bool open;
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

/* The bits are on the other members' disks after that. Return: 0 or -1. */
int md_bits_end(struct md_bits *bits, struct enbd_err *err);

#endif /* ENBDCTL_MD_ARRAY_H */
