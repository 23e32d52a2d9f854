// SPDX-License-Identifier: GPL-2.0
#include "marks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int write_at(int fd, const char *text, size_t len, off_t at)
{
	const ssize_t n = pwrite(fd, text, len, at);

	if (n == (ssize_t)len)
		return 0;
	if (n >= 0)
		errno = ENOSPC;
	return -1;
}

int mark_set(int fd, unsigned int member, int64_t since)
{
	char text[MARK_LEN + 1];

	snprintf(text, sizeof(text), "%-31" PRId64 "\n", since);
	return write_at(fd, text, MARK_LEN, MARKS_AT + member * MARK_LEN);
}

int64_t marks_oldest(int fd)
{
	int64_t since, oldest = 0;
	char text[MARK_LEN + 1];
	unsigned int i;

	for (i = 0; i < MEMBERS_MAX; i++) {
		if (pread(fd, text, MARK_LEN, MARKS_AT + i * MARK_LEN) !=
		    MARK_LEN)
			break;
		text[MARK_LEN] = '\0';
		if (sscanf(text, "%20" SCNd64, &since) == 1 && since &&
		    (!oldest || since < oldest))
			oldest = since;
	}
	return oldest;
}

int marks_clear(int fd)
{
	static const char none[MARKS_LEN];

	return write_at(fd, none, sizeof(none), MARKS_AT);
}
