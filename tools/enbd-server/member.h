/* SPDX-License-Identifier: GPL-2.0 */
/* Opening a file or block device that is part of an export. */
#ifndef ENBD_SERVER_MEMBER_H
#define ENBD_SERVER_MEMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "engine.h"
#include "error.h"

/**
 * struct member_facts - what the kernel says about a member
 * @size: bytes
 * @block_min: 1 for files, the logical block size of block devices
 * @block_pref: best size for I/O, a power of two of at least 4096
 * @rotational: a disk that turns
 */
struct member_facts {
	uint64_t size;
	uint32_t block_min;
	uint32_t block_pref;
	bool rotational;
};

/* A member that is not open; it may be closed. */
void member_init(struct io_file *file);

/**
 * member_open() - open and lock a member
 * @file: is initialised, release it with member_close()
 * @path: a regular file or a block device
 * @read_only: open it for reading only
 * @facts: filled
 * @err: filled on failure
 *
 * A file open for writing is locked against any other server, one for reading
 * against those that write. A block device for writing is claimed as a mount
 * claims it.
 *
 * Return: 0 or -1 with @err.
 */
int member_open(struct io_file *file, const char *path, bool read_only,
		struct member_facts *facts, struct enbd_err *err);
void member_close(struct io_file *file);

/* The size of an open member now, in bytes. Return: 0 or -errno */
int member_size(const struct io_file *file, uint64_t *size);

#endif /* ENBD_SERVER_MEMBER_H */
