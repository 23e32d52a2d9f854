/* SPDX-License-Identifier: GPL-2.0 */
/* What the rest of the system has to do with a disk. */
#ifndef ENBDCTL_NODE_H
#define ENBDCTL_NODE_H

#include <stdbool.h>
#include <stddef.h>

/**
 * node_wait() - wait until /dev/NAME is there
 * @name: of the disk
 *
 * Return: false if it is not there after five seconds.
 */
bool node_wait(const char *name);

/* Has udev look again at a disk and its partitions. @name: of the disk */
void node_change(const char *name);

enum node_use {
	NODE_UNUSED,
	NODE_OPEN,	/* by a process, which may end by itself soon */
	NODE_HELD,	/* mounted, swap, or part of another disk */
};

/**
 * node_user() - who uses a disk or one of its partitions
 * @name: of the disk
 * @user: receives for example "mounted on /mnt", cut where it is full;
 *        untouched if nobody was found
 * @size: bytes at @user
 *
 * Looks only at what this process may see.
 */
enum node_use node_user(const char *name, char *user, size_t size);

#endif /* ENBDCTL_NODE_H */
