// SPDX-License-Identifier: GPL-2.0
#include "node.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "deadline.h"

#define WAIT_MS		5000
#define STEP_MS		10

/* The disk and its partitions */
#define MAX_NUMBERS	257

struct numbers {
	dev_t dev[MAX_NUMBERS];
	unsigned int count;
};

static bool read_number(const char *path, dev_t *dev)
{
	unsigned int major, minor;
	FILE *f = fopen(path, "re");
	bool found = false;

	if (f) {
		found = fscanf(f, "%u:%u", &major, &minor) == 2;
		if (found)
			*dev = makedev(major, minor);
		fclose(f);
	}
	return found;
}

bool node_wait(const char *name)
{
	const struct timespec step = { .tv_nsec = STEP_MS * 1000000L };
	const uint64_t deadline = enbd_now_ms() + WAIT_MS;
	char node[64], sys[64];
	bool known;
	struct stat st;
	dev_t dev;

	snprintf(node, sizeof(node), "/dev/%s", name);
	snprintf(sys, sizeof(sys), "/sys/block/%s/dev", name);
	known = read_number(sys, &dev);
	for (;;) {
		/* A node that an older disk left behind does not count. */
		if (!stat(node, &st) && S_ISBLK(st.st_mode) &&
		    (!known || st.st_rdev == dev))
			return true;
		if (enbd_now_ms() >= deadline)
			return false;
		nanosleep(&step, NULL);
	}
}

static void find_numbers(const char *name, struct numbers *n)
{
	const size_t len = strlen(name);
	char path[512];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/block/%s/dev", name);
	if (read_number(path, &n->dev[n->count]))
		n->count++;
	snprintf(path, sizeof(path), "/sys/block/%s", name);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)) && n->count < MAX_NUMBERS) {
		if (strncmp(entry->d_name, name, len) ||
		    !isdigit((unsigned char)entry->d_name[len]))
			continue;
		snprintf(path, sizeof(path), "/sys/block/%s/%s/dev", name,
			 entry->d_name);
		if (read_number(path, &n->dev[n->count]))
			n->count++;
	}
	if (dir)
		closedir(dir);
}

static bool contains(const struct numbers *n, dev_t dev)
{
	unsigned int i;

	for (i = 0; i < n->count; i++)
		if (n->dev[i] == dev)
			return true;
	return false;
}

static bool is_one(const struct numbers *n, const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISBLK(st.st_mode) &&
	       contains(n, st.st_rdev);
}

/*
 * Is that line of mountinfo about one of them? btrfs has a number of its own, and
 * what it is mounted from behind the dash.
 */
static bool is_mount_of(const struct numbers *n, const char *line)
{
	const char *rest = strstr(line, " - ");
	unsigned int major, minor;
	char source[256];

	if (sscanf(line, "%*u %*u %u:%u", &major, &minor) == 2 &&
	    contains(n, makedev(major, minor)))
		return true;
	/* Nowhere else: a path on a network might not answer. */
	return rest && sscanf(rest, " - %*s %255s", source) == 1 &&
	       !strncmp(source, "/dev/", 5) && is_one(n, source);
}

/* The mounts that this process can see */
static bool find_mount(const struct numbers *n, char *user, size_t size)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char *line = NULL, where[256];
	size_t room = 0;
	bool found = false;

	while (f && !found && getline(&line, &room, f) > 0) {
		if (!is_mount_of(n, line) ||
		    sscanf(line, "%*u %*u %*s %*s %255s", where) != 1)
			continue;
		snprintf(user, size, "mounted on %s", where);
		found = true;
	}
	free(line);
	if (f)
		fclose(f);
	return found;
}

static bool find_swap(const struct numbers *n, char *user, size_t size)
{
	FILE *f = fopen("/proc/swaps", "re");
	char *line = NULL, what[256];
	bool found = false;
	size_t room = 0;

	while (f && !found && getline(&line, &room, f) > 0) {
		if (sscanf(line, "%255s", what) != 1 || !is_one(n, what))
			continue;
		snprintf(user, size, "used as swap");
		found = true;
	}
	free(line);
	if (f)
		fclose(f);
	return found;
}

static bool find_holder(const struct numbers *n, char *user, size_t size)
{
	struct dirent *entry;
	bool found = false;
	unsigned int i;
	char path[64];
	DIR *dir;

	for (i = 0; i < n->count && !found; i++) {
		snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/holders",
			 major(n->dev[i]), minor(n->dev[i]));
		dir = opendir(path);
		while (dir && !found && (entry = readdir(dir))) {
			if (entry->d_name[0] == '.')
				continue;
			snprintf(user, size, "part of /dev/%s", entry->d_name);
			found = true;
		}
		if (dir)
			closedir(dir);
	}
	return found;
}

/* Looks into one /proc/PID. */
static bool has_open(int proc, const char *pid, const struct numbers *n,
		     char *user, size_t size)
{
	char path[300], name[64] = "a process";
	struct dirent *entry;
	bool found = false;
	struct stat st;
	ssize_t len;
	DIR *dir;
	int fd;

	snprintf(path, sizeof(path), "%s/fd", pid);
	fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir && fd >= 0)
		close(fd);
	while (dir && !found && (entry = readdir(dir)))
		found = !fstatat(fd, entry->d_name, &st, 0) &&
			S_ISBLK(st.st_mode) && contains(n, st.st_rdev);
	if (dir)
		closedir(dir);
	if (!found)
		return false;
	snprintf(path, sizeof(path), "%s/comm", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		len = read(fd, name, sizeof(name) - 1);
		if (len > 0) {
			name[len] = '\0';
			name[strcspn(name, "\n")] = '\0';
		}
		close(fd);
	}
	snprintf(user, size, "open in %s (process %s)", name, pid);
	return true;
}

static bool find_process(const struct numbers *n, char *user, size_t size)
{
	struct dirent *entry;
	bool found = false;
	DIR *proc = opendir("/proc");

	while (proc && !found && (entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]))
			found = has_open(dirfd(proc), entry->d_name, n, user,
					 size);
	if (proc)
		closedir(proc);
	return found;
}

enum node_use node_user(const char *name, char *user, size_t size)
{
	struct numbers n = { .count = 0 };

	find_numbers(name, &n);
	if (find_mount(&n, user, size) || find_swap(&n, user, size) ||
	    find_holder(&n, user, size))
		return NODE_HELD;
	return find_process(&n, user, size) ? NODE_OPEN : NODE_UNUSED;
}

static void change_one(const char *dir)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/uevent", dir);
	f = fopen(path, "we");
	if (!f)
		return;
	fputs("change", f);
	fclose(f);
}

void node_change(const char *name)
{
	char path[128];
	glob_t found;
	size_t i;

	snprintf(path, sizeof(path), "/sys/block/%s", name);
	change_one(path);
	snprintf(path, sizeof(path), "/sys/block/%s/%s[0-9]*", name, name);
	if (glob(path, 0, NULL, &found))
		return;
	for (i = 0; i < found.gl_pathc; i++)
		change_one(found.gl_pathv[i]);
	globfree(&found);
}
