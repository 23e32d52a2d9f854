/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The superblock that md writes to its members, format 1.x: enough to tell
 * whether a disk belongs to an array as it is now.
 */
#ifndef ENBDCTL_MD_SUPER_H
#define ENBDCTL_MD_SUPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define MD_SUPER_SIZE		4096	/* with all roles */
#define MD_UUID_LEN		16
#define MD_SLOTS_MAX		1920	/* devices that have a role */

/**
 * struct md_super - what a superblock says
 * @array: identity of the array
 * @device: identity of this member
 * @events: how often the array's state had changed when it was written
 * @raid_disks: members that make the array whole
 * @role: this member's place, -1 if it has none
 * @dirty: writes may have been under way
 * @partly: it was still being copied to
 * @bitmap: where the bitmap begins, in units of 512 bytes; 0 if there is none
 * @data: where the data begin, the same
 * @data_end: and where they end
 * @active: places that had a working member, this one's view
 */
struct md_super {
	uint8_t array[MD_UUID_LEN];
	uint8_t device[MD_UUID_LEN];
	uint64_t events;
	uint32_t raid_disks;
	int role;
	bool dirty;
	bool partly;
	uint64_t bitmap;
	uint64_t data;
	uint64_t data_end;
	bool active[MD_SLOTS_MAX];
};

/**
 * md_super_parse() - read it
 * @data: MD_SUPER_SIZE bytes
 * @sector: where on the member they were, in units of 512 bytes
 * @super: receives the result
 *
 * Return: NULL, or why it is none.
 */
const char *md_super_parse(const void *data, uint64_t sector,
			   struct md_super *super);

/* A superblock as it lies on the disk */
struct md_block {
	uint8_t data[MD_SUPER_SIZE] __attribute__((aligned(MD_SUPER_SIZE)));
};

/**
 * md_super_read() - find and read the superblock of a disk or partition
 * @node: name below /dev
 * @minor: x of the format 1.x that it has, for it may have an older one besides;
 *         -1 if that is not known
 * @block: receives it as it is
 * @super: receives what it says
 * @err: receives what went wrong
 *
 * Past the page cache, which does not see what md writes.
 *
 * Return: 0, -1 if the disk cannot be read, 1 if it has no superblock.
 */
int md_super_read(const char *node, int minor, struct md_block *block,
		  struct md_super *super, struct enbd_err *err);

/**
 * md_node_open() - open a disk or partition past the page cache
 * @node: name below /dev
 * @flags: of open(2)
 * @err: receives why not
 *
 * Return: the file, or -1.
 */
int md_node_open(const char *node, int flags, struct enbd_err *err);

/* Where a superblock says that it lies, in units of 512 bytes */
uint64_t md_super_place(const struct md_block *block);

/**
 * md_super_write() - put a superblock back where it was read
 * @node: name below /dev, which nobody else may hold
 * @block: good
 *
 * Return: 0 or -1.
 */
int md_super_write(const char *node, const struct md_block *block,
		   struct enbd_err *err);

/**
 * md_super_fits() - may this member come back into the array?
 * @member: of the member
 * @others: of members that are in the array and in sync
 * @count: how many, at least 1
 *
 * It must be of the same array and have a place that nobody else has; it must
 * not have lived on alone: then its count of events is larger, or none of the
 * others was working in its eyes.
 *
 * Return: NULL, or why not.
 */
const char *md_super_fits(const struct md_super *member,
			  const struct md_super *others, size_t count);

#endif /* ENBDCTL_MD_SUPER_H */
