/* SPDX-License-Identifier: GPL-2.0 */
/* Locks on files, and who holds them. */
#ifndef ENBD_SERVER_HOLDER_H
#define ENBD_SERVER_HOLDER_H

#include <stddef.h>

/* How long a process that has been killed may take to end */
#define HOLDER_WAIT_MS	10000

/**
 * holder_lock() - take a lock, if need be after a process that is ending
 * @fd: the file
 * @take: tries it once without waiting: 0, or -1 with errno
 * @ctx: for @take
 * @holder: receives who has it, for messages
 * @size: bytes at @holder
 *
 * A server that was killed has its locks until the last of its threads has
 * come back from the disk; that is waited for. A process that lives on is not.
 *
 * Return: 0, -1 with errno: EAGAIN or EACCES if another process has it.
 */
int holder_lock(int fd, int (*take)(int fd, void *ctx), void *ctx,
		char *holder, size_t size);

#endif /* ENBD_SERVER_HOLDER_H */
