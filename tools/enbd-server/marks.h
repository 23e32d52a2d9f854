/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who is asking the kernel whether it could write back, in the file that remembers
 * an export, behind its record. They need to survive the server, not the host.
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
