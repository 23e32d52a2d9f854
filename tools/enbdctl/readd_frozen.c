// SPDX-License-Identifier: GPL-2.0
/*
 * While mdadm adds a member md is to begin nothing ("frozen"), and an mdadm that is
 * killed leaves the array like that: every leg would stay a spare.
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "readd.h"
#include "runstate.h"

#define SUFFIX		".frozen"
#define NAME_MAX_LEN	(MD_NODE_MAX + sizeof(SUFFIX))

/* What the file of a disk or partition says: which array it freezes */
struct note {
	char array[MD_NODE_MAX];
	uint64_t seq;
};

static void file_name(char name[NAME_MAX_LEN], const char *node)
{
	snprintf(name, NAME_MAX_LEN, "%s" SUFFIX, node);
}

int readd_freezes(const struct md_array *array, const char *node,
		  struct enbd_err *err)
{
	struct note note = { .seq = array->seq };
	char name[NAME_MAX_LEN];

	/* Who has frozen it thaws it; mdadm leaves that alone. */
	if (md_array_is(array, "sync_action", "frozen"))
		return 0;
	file_name(name, node);
	snprintf(note.array, sizeof(note.array), "%s", array->node);
	return runstate_put(name, &note, sizeof(note), err);
}

void readd_thaw(const struct md_array *list, size_t count, const char *node)
{
	char name[NAME_MAX_LEN];
	struct note note;
	size_t i;

	file_name(name, node);
	if (runstate_get(name, &note, sizeof(note)))
		return;
	for (i = 0; i < count; i++) {
		const struct md_array *a = &list[i];

		if (a->seq != note.seq ||
		    strncmp(a->node, note.array, sizeof(note.array)))
			continue;
		if (md_array_is(a, "sync_action", "frozen"))
			md_array_set(a, "sync_action", "idle");
		/* The note stays until that is so. */
		if (md_array_is(a, "sync_action", "frozen"))
			return;
	}
	runstate_drop(name);
}

/* The disk that a note's node is, or is a partition of; false for other files */
static bool disk_of(const char *file, char disk[MD_NODE_MAX],
		    char node[MD_NODE_MAX])
{
	const size_t len = strlen(file), rest = strlen(SUFFIX);

	if (len <= rest || len - rest >= MD_NODE_MAX ||
	    strcmp(file + len - rest, SUFFIX))
		return false;
	memcpy(node, file, len - rest);
	node[len - rest] = '\0';
	strcpy(disk, node);
	disk[strcspn(disk, "0123456789")] = '\0';
	return true;
}

void readd_thaw_others(const char *disk)
{
	char other[MD_NODE_MAX], node[MD_NODE_MAX];
	DIR *dir = opendir(runstate_dir());
	struct md_array *list = NULL;
	struct enbd_err ignored;
	struct dirent *entry;
	size_t count = 0;
	int held;

	while (dir && (entry = readdir(dir))) {
		if (!disk_of(entry->d_name, other, node) ||
		    !strcmp(other, disk))
			continue;
		/* Whoever is at work there will see to it. */
		held = readd_trylock(other);
		if (held < 0)
			continue;
		if (!list && md_arrays_read(&list, &count, &ignored))
			count = 0;
		readd_thaw(list, count, node);
		close(held);
	}
	if (dir)
		closedir(dir);
	md_arrays_free(list, count);
}
