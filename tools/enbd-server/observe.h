/* SPDX-License-Identifier: GPL-2.0 */
/* What an export's members look like, to tell whether they are the same. */
#ifndef ENBD_SERVER_OBSERVE_H
#define ENBD_SERVER_OBSERVE_H

#include "engine.h"
#include "record.h"

/**
 * observe_members() - look at open members
 * @files: open
 * @count: how many
 * @now: filled
 *
 * A file is known by file system, inode and time of birth, and its changes by
 * its times; a block device by its numbers and the kernel's count of disks.
 * Nobody can see who wrote to a block device, nor after a boot whether it is the
 * same one as before.
 *
 * Return: 0 or -errno.
 */
int observe_members(const struct io_file *files, unsigned int count,
		    struct observed *now);

/* Only when they were changed last, observed.changed; waits for no server of files */
int64_t observe_changed(const struct io_file *files, unsigned int count);

#endif /* ENBD_SERVER_OBSERVE_H */
