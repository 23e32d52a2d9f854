/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a disk may have lost and no bitmap names: somebody has accepted it, and the
 * disk, or a partition of it, may be the leg of an array that does not hold it now.
 * Who takes it back there later has to know.
 *
 * One file a disk in runstate.h's directory, named by the digest of its server's
 * signature, for the disk may have another name by then; or by its own name, if
 * that is all that is known. Marking too much costs copying, too little the data:
 * files that may be of a disk are taken for its own.
 */
#ifndef ENBDCTL_LOST_FILE_H
#define ENBDCTL_LOST_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "nl_msg.h"

/**
 * lost_file_add() - remember
 * @disk: its name
 * @ranges: bytes of the disk
 * @count: how many
 * @err: receives why that is not possible
 *
 * Return: 0 or -1.
 */
int lost_file_add(const char *disk, const struct lost *ranges, size_t count,
		  struct enbd_err *err);

/**
 * lost_file_read() - what a part of a disk may have lost
 * @disk: its name
 * @start: first byte of the part
 * @size: of the part, bytes
 * @ranges: receives an array to be freed: bytes of the part
 * @count: receives how many, 0 if nothing is known
 * @err: receives what is wrong: then nobody knows
 *
 * Return: 0 or -1.
 */
int lost_file_read(const char *disk, uint64_t start, uint64_t size,
		   struct lost **ranges, size_t *count, struct enbd_err *err);

/* A part is copied by what a bitmap says now: no need to remember. */
void lost_file_forget(const char *disk, uint64_t start, uint64_t size);

/**
 * lost_without() - ranges without those of a part
 * @ranges: in any order
 * @count: how many, receives how many are left
 * @start: first byte of the part
 * @size: bytes
 *
 * Return: an array to be freed, or NULL without memory.
 */
struct lost *lost_without(const struct lost *ranges, size_t *count,
			  uint64_t start, uint64_t size);

#endif /* ENBDCTL_LOST_FILE_H */
