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
 * @slot: its place, where it gets what is written; -1 if it has none
 * @data: where its data begins, bytes
 */
struct md_member {
	char node[MD_NODE_MAX];
	bool faulty;
	bool in_sync;
	int slot;
	uint64_t data;
};

/**
 * struct md_array - a running array
 * @node: its name below /dev
 * @seq: its disk's sequence number; a later one of that name has another
 * @shape: how its data lies; a bitmap_chunk of 0 is no bitmap
 * @reshaping: it is being given another shape
 * @minor: of the format 1.x that its superblocks have, -1 if they have another
 * @members: @count of them
 */
struct md_array {
	char node[MD_NODE_MAX];
	uint64_t seq;
	struct md_shape shape;
	bool reshaping;
	int minor;
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

/* Write an attribute below md/. Return: 0, or -1 with errno. */
int md_array_set(const struct md_array *array, const char *name,
		 const char *text);

/* Is the first line of an attribute below md/ so now? */
bool md_array_is(const struct md_array *array, const char *name,
		 const char *text);
/**
 * md_can_spare() - do the others have all data without some members?
 * @array: of a level that md_map_range() knows
 * @is: is a member one of those? Called with @arg and its node.
 */
bool md_can_spare(const struct md_array *array,
		  bool (*is)(const void *arg, const char *node),
		  const void *arg);

/* Tell the array not to use a member any more. Return: 0 or -1. */
int md_member_fail(const struct md_array *array, const char *node,
		   struct enbd_err *err);

/* Wait, up to five seconds, until no member that failed has a place any more. */
void md_array_let_go(const struct md_array *array);

#endif /* ENBDCTL_MD_ARRAY_H */
