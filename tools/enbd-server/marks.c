// SPDX-License-Identifier: GPL-2.0
#include "marks.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_LEN	80u

/* Named after the export's file. Return: false if that is not there */
static bool make_name(int state, char *name)
{
	struct stat st;

	if (fstat(state, &st))
		return false;
	snprintf(name, NAME_LEN, "/dev/shm/enbd-server-%jx-%jx",
		 (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return true;
}

/* Anybody may make files there. Return: -1 if it is not ours */
static int open_own(const char *name)
{
	const int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW |
				  O_NONBLOCK, 0600);
	struct stat st;

	if (fd < 0)
		return -1;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) &&
	    st.st_uid == geteuid() && !(st.st_mode & 077))
		return fd;
	close(fd);
	return -1;
}

int marks_open(int state)
{
	char name[NAME_LEN];
	int fd = -1;

	if (make_name(state, name)) {
		fd = open_own(name);
		/* Root may remove what another has put there. */
		if (fd < 0 && !unlink(name))
			fd = open_own(name);
	}
	return fd < 0 ? fcntl(state, F_DUPFD_CLOEXEC, 0) : fd;
}

void marks_remove(int state)
{
	char name[NAME_LEN];

	if (make_name(state, name))
		unlink(name);
}

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
