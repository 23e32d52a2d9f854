/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who is asking the kernel whether it could write back. That needs to survive the
 * server, not the host, and must not wait for any disk: the one that is asked may be
 * what the state directory is on. So it is in memory, in /dev/shm; where that is not
 * possible it is in the file that remembers the export, behind the record.
 */
#ifndef ENBD_SERVER_MARKS_H
#define ENBD_SERVER_MARKS_H

#include <stdint.h>

#include "layout.h"
#include "record.h"

#define MARK_LEN	32u
#define MARKS_LEN	(MEMBERS_MAX * MARK_LEN)
/* Where they begin */
#define MARKS_AT	(RECORD_SLOTS * RECORD_SLOT)

/**
 * marks_open() - the marks of an export
 * @state: its file, locked by whoever serves it
 *
 * Return: a file to be closed, -1 with errno.
 */
int marks_open(int state);

/* Nothing is being asked any more, and nobody will want to know that. */
void marks_remove(int state);

/**
 * mark_set() - this member's kernel is being asked
 * @fd: the file
 * @member: below MEMBERS_MAX
 * @since: ns of CLOCK_BOOTTIME, 0: not any more
 *
 * Return: 0, -1 with errno.
 */
int mark_set(int fd, unsigned int member, int64_t since);

/* The oldest of all, 0 if there is none */
int64_t marks_oldest(int fd);

/* Return: 0, -1 with errno */
int marks_clear(int fd);

#endif /* ENBD_SERVER_MARKS_H */
