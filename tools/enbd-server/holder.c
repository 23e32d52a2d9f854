// SPDX-License-Identifier: GPL-2.0
#include "holder.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "util.h"

#define NAP_MS	20

/* Does this process hold a lock on the file? @dir: /proc/PID/fdinfo */
static bool holds_lock(const char *dir, const char *key)
{
	DIR *fds = opendir(dir);
	struct dirent *entry;
	bool found = false;
	char path[600], line[512];
	FILE *info;

	if (!fds)
		return false;
	while (!found && (entry = readdir(fds))) {
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		info = fopen(path, "re");
		if (!info)
			continue;
		while (!found && fgets(line, sizeof(line), info))
			found = !strncmp(line, "lock:", 5) &&
				strstr(line, key);
		fclose(info);
	}
	closedir(fds);
	return found;
}

/* Has it been killed, or has its first thread ended? */
static bool is_ending(const char *pid)
{
	unsigned long long pending = 0, mask;
	char path[300], line[256], state = 'X';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%.200s/status", pid);
	file = fopen(path, "re");
	if (!file)
		return true;
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, "State:\t", 7))
			state = line[7];
		if (sscanf(line, "SigPnd: %llx", &mask) == 1 ||
		    sscanf(line, "ShdPnd: %llx", &mask) == 1)
			pending |= mask;
	}
	fclose(file);
	return state == 'Z' || state == 'X' ||
	       pending & 1ull << (SIGKILL - 1);
}

/*
 * "nbdkit (process 123)". Return: is there one that lives on? Of one whose
 * first thread has ended nobody can see what it holds.
 */
static bool name_holder(const struct stat *st, char *buf, size_t size)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	char key[64], path[300], comm[64];
	bool alive = false;
	FILE *file;

	snprintf(buf, size, "another process");
	snprintf(key, sizeof(key), " %02x:%02x:%ju ", major(st->st_dev),
		 minor(st->st_dev), (uintmax_t)st->st_ino);
	while (proc && (entry = readdir(proc))) {
		if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%.200s/fdinfo",
			 entry->d_name);
		if (!holds_lock(path, key))
			continue;
		snprintf(path, sizeof(path), "/proc/%.200s/comm",
			 entry->d_name);
		file = fopen(path, "re");
		if (!file || !fgets(comm, sizeof(comm), file))
			snprintf(comm, sizeof(comm), "?");
		if (file)
			fclose(file);
		comm[strcspn(comm, "\n")] = '\0';
		snprintf(buf, size, "%s (process %.20s)", comm,
			 entry->d_name);
		alive = !is_ending(entry->d_name);
		break;
	}
	if (proc)
		closedir(proc);
	return alive;
}

int holder_lock(int fd, int (*take)(int fd, void *ctx), void *ctx,
		char *holder, size_t size)
{
	const long long end = now_ms() + HOLDER_WAIT_MS;
	struct stat st;
	bool alive;

	for (;;) {
		if (!take(fd, ctx))
			return 0;
		if ((errno != EAGAIN && errno != EACCES) || fstat(fd, &st))
			return -1;
		alive = name_holder(&st, holder, size);
		if (alive || now_ms() >= end)
			break;
		poll(NULL, 0, NAP_MS);
	}
	errno = EAGAIN;
	return -1;
}
