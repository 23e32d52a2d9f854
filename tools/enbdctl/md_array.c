// SPDX-License-Identifier: GPL-2.0
#include "md_array.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "deadline.h"

#define BLOCK	"/sys/block/"

/* Requests may still be under way to a member that has just failed. */
#define PATIENCE_MS	5000
#define STEP_MS		20

/* An attribute's text without the end of line. Return: 0 or -1. */
static int attribute(char *text, size_t size, const char *dir,
		     const char *name)
{
	char path[160];
	FILE *f;
	bool got;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "re");
	if (!f)
		return -1;
	got = fgets(text, (int)size, f);
	fclose(f);
	if (!got)
		return -1;
	text[strcspn(text, "\n")] = '\0';
	return 0;
}

/* Return: the number that an attribute begins with, 0 if it is none. */
static uint64_t number(const char *dir, const char *name)
{
	char text[64];

	return attribute(text, sizeof(text), dir, name) ? 0 :
	       strtoull(text, NULL, 10);
}

/* @word among those that commas separate */
static bool has_word(const char *list, const char *word)
{
	const size_t len = strlen(word);

	while (*list) {
		if (!strncmp(list, word, len) &&
		    (!list[len] || list[len] == ','))
			return true;
		list += strcspn(list, ",");
		list += *list == ',';
	}
	return false;
}

/* The link "block" leads to the disk or partition. */
static int read_member(struct md_member *m, const char *dir)
{
	char path[160], target[256], state[128], slot[16], *name;
	ssize_t len;

	snprintf(path, sizeof(path), "%s/block", dir);
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0 || attribute(state, sizeof(state), dir, "state"))
		return -1;
	target[len] = '\0';
	name = strrchr(target, '/');
	if (!name || strlen(name + 1) >= sizeof(m->node))
		return -1;
	strcpy(m->node, name + 1);
	m->faulty = has_word(state, "faulty");
	m->in_sync = has_word(state, "in_sync");
	if (attribute(slot, sizeof(slot), dir, "slot") ||
	    sscanf(slot, "%d", &m->slot) != 1)
		m->slot = -1;
	m->data = number(dir, "offset") * 512;
	return 0;
}

/* Members may come and go meanwhile; those are left out. */
static int read_members(struct md_array *a, const char *dir)
{
	char pattern[96];
	glob_t found;
	size_t i;
	int rc;

	snprintf(pattern, sizeof(pattern), "%s/dev-*", dir);
	rc = glob(pattern, GLOB_NOSORT, NULL, &found);
	if (rc)
		return rc == GLOB_NOMATCH ? 0 : -1;
	a->members = calloc(found.gl_pathc, sizeof(*a->members));
	for (i = 0; a->members && i < found.gl_pathc; i++)
		if (!read_member(&a->members[a->count], found.gl_pathv[i]))
			a->count++;
	globfree(&found);
	return a->members ? 0 : -1;
}

/* Older kernels still tell the chunks of a bitmap that was removed. */
static uint64_t bitmap_chunk(const char *dir)
{
	char location[32];

	if (attribute(location, sizeof(location), dir, "bitmap/location") ||
	    !strcmp(location, "none"))
		return 0;
	return number(dir, "bitmap/chunksize");
}

/* Return: x of the superblocks' format 1.x, -1 for another. */
static int format_minor(const char *dir)
{
	char version[32];
	int minor;

	if (attribute(version, sizeof(version), dir, "metadata_version") ||
	    sscanf(version, "1.%d", &minor) != 1)
		return -1;
	return minor;
}

/* Return: 0, 1 for an array that is of no interest, -1 without memory. */
static int read_array(struct md_array *a, const char *dir)
{
	char level[16], state[32], reshape[32], size[96];

	memset(a, 0, sizeof(*a));
	if (attribute(level, sizeof(level), dir, "level") ||
	    attribute(state, sizeof(state), dir, "array_state") ||
	    sscanf(level, "raid%d", &a->shape.level) != 1 ||
	    !a->shape.level || !strcmp(state, "inactive") ||
	    !strcmp(state, "clear"))
		return 1;
	a->reshaping = !attribute(reshape, sizeof(reshape), dir,
				  "reshape_position") &&
		       strcmp(reshape, "none");
	a->shape.layout = (uint32_t)number(dir, "layout");
	a->shape.raid_disks = (uint32_t)number(dir, "raid_disks");
	a->shape.chunk = number(dir, "chunk_size");
	a->shape.member_size = number(dir, "component_size") * 1024;
	a->shape.bitmap_chunk = bitmap_chunk(dir);
	a->minor = format_minor(dir);
	snprintf(size, sizeof(size), "%s/..", dir);
	a->seq = number(size, "diskseq");
	a->shape.array_size = number(size, "size") * 512;
	return read_members(a, dir);
}

static int read_arrays(struct md_array *list, size_t *count,
		       const glob_t *found)
{
	char dir[MD_NODE_MAX + 32];
	const char *node;
	size_t i;
	int rc;

	for (i = 0; i < found->gl_pathc; i++) {
		node = found->gl_pathv[i] + strlen(BLOCK);
		if (strlen(node) >= MD_NODE_MAX)
			continue;
		snprintf(dir, sizeof(dir), BLOCK "%s/md", node);
		rc = read_array(&list[*count], dir);
		if (rc < 0)
			return -1;
		strcpy(list[*count].node, node);
		*count += !rc;
	}
	return 0;
}

int md_arrays_read(struct md_array **list, size_t *count, struct enbd_err *err)
{
	glob_t found;
	int rc;

	*list = NULL;
	*count = 0;
	rc = glob(BLOCK "md*", 0, NULL, &found);
	if (rc == GLOB_NOMATCH)
		return 0;
	if (!rc) {
		*list = calloc(found.gl_pathc, sizeof(**list));
		rc = *list ? read_arrays(*list, count, &found) : -1;
		globfree(&found);
	}
	if (!rc)
		return 0;
	md_arrays_free(*list, *count);
	*list = NULL;
	return enbd_fail(err, ENBD_EXIT_GENERAL, "arrays: %s",
			 strerror(ENOMEM));
}

void md_arrays_free(struct md_array *list, size_t count)
{
	while (count)
		free(list[--count].members);
	free(list);
}

const struct md_array *md_member_of(const struct md_array *list, size_t count,
				    const char *node,
				    const struct md_member **member)
{
	size_t i, j;

	for (i = 0; i < count; i++) {
		for (j = 0; j < list[i].count; j++) {
			if (strcmp(list[i].members[j].node, node))
				continue;
			if (member)
				*member = &list[i].members[j];
			return &list[i];
		}
	}
	return NULL;
}

struct spared {
	bool (*is)(const void *arg, const char *node);
	const void *arg;
};

/* Is there a member in that place that has all that belongs there? */
static bool has(const struct md_array *a, uint32_t slot,
		const struct spared *spared)
{
	size_t i;

	for (i = 0; i < a->count; i++)
		if (a->members[i].slot == (int)slot && a->members[i].in_sync &&
		    !a->members[i].faulty &&
		    !spared->is(spared->arg, a->members[i].node))
			return true;
	return false;
}

/*
 * Level 10: do all copies of something lie in places that are missing? Copies lie in
 * places that follow each other: near ones in groups, if the places are a multiple of
 * the copies, else from any place on.
 */
static bool misses_copies(const struct md_array *a, const struct spared *spared)
{
	const uint32_t near = a->shape.layout & 0xff;
	const uint32_t far = a->shape.layout >> 8 & 0xff;
	const uint32_t disks = a->shape.raid_disks;
	const uint32_t copies = near * far;
	const uint32_t step = far == 1 && copies && disks % copies == 0 ?
			      copies : 1;
	uint32_t first, i;

	for (first = 0; first < disks; first += step) {
		for (i = 0; i < copies; i++)
			if (has(a, (first + i) % disks, spared))
				break;
		if (i == copies)
			return true;
	}
	return false;
}

bool md_can_spare(const struct md_array *array,
		  bool (*is)(const void *arg, const char *node),
		  const void *arg)
{
	const struct spared spared = { is, arg };
	const uint32_t disks = array->shape.raid_disks;
	uint32_t left = 0, i;

	for (i = 0; i < disks; i++)
		left += has(array, i, &spared);
	switch (array->shape.level) {
	case 1:
		return left >= 1;
	case 6:
		return left + 2 >= disks;
	case 10:
		/* Disks that copy within sets of them follow other rules. */
		if (!(array->shape.layout >> 17))
			return !misses_copies(array, &spared);
		return left + 1 >= disks;
	default:
		return left + 1 >= disks;
	}
}

/* Return: 0, or -1 with errno. */
static int write_text(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);
	const ssize_t len = (ssize_t)strlen(text);
	int rc, error;

	if (fd < 0)
		return -1;
	rc = write(fd, text, (size_t)len) == len ? 0 : -1;
	error = errno;
	close(fd);
	errno = error;
	return rc;
}

int md_array_set(const struct md_array *array, const char *name,
		 const char *text)
{
	char path[3 * MD_NODE_MAX + 48];

	snprintf(path, sizeof(path), BLOCK "%s/md/%s", array->node, name);
	return write_text(path, text);
}

bool md_array_is(const struct md_array *array, const char *name,
		 const char *text)
{
	char dir[MD_NODE_MAX + 32], now[64];

	snprintf(dir, sizeof(dir), BLOCK "%s/md", array->node);
	return !attribute(now, sizeof(now), dir, name) && !strcmp(now, text);
}

int md_member_fail(const struct md_array *array, const char *node,
		   struct enbd_err *err)
{
	char name[MD_NODE_MAX + 16];

	snprintf(name, sizeof(name), "dev-%s/state", node);
	if (!md_array_set(array, name, "faulty"))
		return 0;
	return enbd_fail(err, errno == EBUSY ? ENBD_EXIT_BUSY :
			 ENBD_EXIT_GENERAL,
			 "/dev/%s: the array does not let /dev/%s go: %s; is it the last one with the data?",
			 array->node, node, strerror(errno));
}

/* A member that has failed and has a place */
static bool in_the_way(const char *dir)
{
	struct md_member m;

	return !read_member(&m, dir) && m.faulty && m.slot >= 0;
}

void md_array_let_go(const struct md_array *array)
{
	const struct timespec step = { .tv_nsec = STEP_MS * 1000000L };
	const uint64_t deadline = enbd_now_ms() + PATIENCE_MS;
	char pattern[MD_NODE_MAX + 48];
	glob_t found;
	size_t i;

	snprintf(pattern, sizeof(pattern), BLOCK "%s/md/dev-*", array->node);
	if (glob(pattern, GLOB_NOSORT, NULL, &found))
		return;
	for (i = 0; i < found.gl_pathc; i++)
		while (in_the_way(found.gl_pathv[i]) &&
		       enbd_now_ms() < deadline)
			nanosleep(&step, NULL);
	globfree(&found);
}
