/* SPDX-License-Identifier: GPL-2.0 */
/* From ranges of a member to chunks of its array's write-intent bitmap. */
#ifndef ENBDCTL_MD_MAP_H
#define ENBDCTL_MD_MAP_H

#include <stddef.h>
#include <stdint.h>

/**
 * struct md_shape - what decides where a member's data lies
 * @level: 1, 4, 5, 6 or 10
 * @layout: as md has it; means something for level 10
 * @raid_disks: members that make the array whole
 * @chunk: bytes of a chunk of data, 0 for level 1
 * @member_size: bytes of each member that the array uses
 * @array_size: bytes of the array
 * @bitmap_chunk: bytes that a bit of the bitmap stands for
 */
struct md_shape {
	int level;
	uint32_t layout;
	uint32_t raid_disks;
	uint64_t chunk;
	uint64_t member_size;
	uint64_t array_size;
	uint64_t bitmap_chunk;
};

/**
 * md_map_range() - bits for a range of a member
 * @shape: of the array
 * @offset: first byte, from the beginning of the member's data
 * @length: bytes; what lies beyond the data is left out
 * @each: called with the first and the last bit of a run; runs may repeat
 * @arg: for @each
 *
 * The bitmap counts the array's sectors in levels 1 and 10, a member's in 4, 5
 * and 6 (resync_max_sectors of each personality). In level 10 all chunks of the
 * stripe are taken, whichever member they are on: that is right for every
 * member and every layout, and the recovery of one member copies only its own.
 *
 * Return: 0, -1 for a shape that is not known, or what @each returned if that
 * was not 0.
 */
int md_map_range(const struct md_shape *shape, uint64_t offset,
		 uint64_t length,
		 int (*each)(void *arg, uint64_t first, uint64_t last),
		 void *arg);

/* Bytes that the bitmap counts */
uint64_t md_map_size(const struct md_shape *shape);

/* As md_map_range(), @offset being a byte of what the bitmap counts */
int md_map_counted(const struct md_shape *shape, uint64_t offset,
		   uint64_t length,
		   int (*each)(void *arg, uint64_t first, uint64_t last),
		   void *arg);

#endif /* ENBDCTL_MD_MAP_H */
