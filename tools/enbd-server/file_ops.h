/* SPDX-License-Identifier: GPL-2.0 */
/* One operation on one file by system calls, in the caller's thread. */
#ifndef ENBD_SERVER_FILE_OPS_H
#define ENBD_SERVER_FILE_OPS_H

#include "engine.h"

/**
 * file_run() - carry out an operation, however long it takes
 * @io: its error is set
 */
void file_run(struct file_io *io);

/* Put all that was written on stable storage. Return: 0 or an errno */
int file_sync(const struct io_file *file);

/**
 * file_check() - has the kernel failed to write something back?
 * @file: its sync_fd is asked, which is told of each failure once
 *
 * Does not wait.
 *
 * Return: 0 or an errno.
 */
int file_check(const struct io_file *file);

/**
 * file_run_now() - carry out an operation if the page cache can do it
 * @io: one buffer; its error is set when 0 is returned
 *
 * Return: 0, -EAGAIN if it would have to wait for the storage, as far as can
 * be told beforehand.
 */
int file_run_now(struct file_io *io);

#endif /* ENBD_SERVER_FILE_OPS_H */
