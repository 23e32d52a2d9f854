// SPDX-License-Identifier: GPL-2.0
#include "lost_file.h"

#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "envfile.h"
#include "runstate.h"

#define LOCK_FILE	"lost.lock"
#define SUFFIX		".lost"
#define KEY_MAX		32
#define FILE_MAX	(KEY_MAX + 8)

/* Two numbers, a space and the end of line */
#define LINE_MAX_LEN	48

/* Ranges of the disk */
struct list {
	struct lost *ranges;
	size_t count;
};

static int no_memory(struct enbd_err *err)
{
	return enbd_fail(err, ENBD_EXIT_GENERAL, "out of memory");
}

static int append(struct list *list, const struct lost *ranges, size_t count)
{
	struct lost *more = reallocarray(list->ranges, list->count + count + 1,
					 sizeof(*more));

	if (!more)
		return -1;
	if (count)
		memcpy(more + list->count, ranges, count * sizeof(*more));
	list->ranges = more;
	list->count += count;
	return 0;
}

static int by_offset(const void *a, const void *b)
{
	const struct lost *x = a, *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

/* In order, and none touches another */
static void tidy(struct list *list)
{
	struct lost *last = list->ranges;
	size_t i;

	if (!list->count)
		return;
	qsort(list->ranges, list->count, sizeof(*last), by_offset);
	for (i = 1; i < list->count; i++) {
		const struct lost *r = &list->ranges[i];

		if (r->offset > last->offset + last->length)
			*++last = *r;
		else if (r->offset + r->length > last->offset + last->length)
			last->length = r->offset + r->length - last->offset;
	}
	list->count = (size_t)(last - list->ranges) + 1;
}

struct lost *lost_without(const struct lost *ranges, size_t *count,
			  uint64_t start, uint64_t size)
{
	/* What a range has on either side of the part */
	struct lost *left = calloc(2 * *count + 1, sizeof(*left));
	const uint64_t stop = start + size;
	size_t used = 0, i;

	if (!left)
		return NULL;
	for (i = 0; i < *count; i++) {
		const uint64_t first = ranges[i].offset;
		const uint64_t end = first + ranges[i].length;

		if (first < start)
			left[used++] = (struct lost){
				first, (end < start ? end : start) - first,
			};
		if (end > stop)
			left[used++] = (struct lost){
				first > stop ? first : stop,
				end - (first > stop ? first : stop),
			};
	}
	*count = used;
	return left;
}

/* One line. Return: where the next one begins, or NULL. */
static char *parse_line(char *text, struct lost *range)
{
	char *end;

	errno = 0;
	if (text[0] < '0' || text[0] > '9')
		return NULL;
	range->offset = strtoull(text, &end, 10);
	if (end[0] != ' ' || end[1] < '0' || end[1] > '9')
		return NULL;
	range->length = strtoull(end + 1, &end, 10);
	if (errno || *end != '\n' || !range->length ||
	    range->length > UINT64_MAX - range->offset)
		return NULL;
	return end + 1;
}

/* Return: 0, also if there is no such file, or -1. */
static int read_file(const char *file, struct list *list, struct enbd_err *err)
{
	struct lost range;
	char *text, *at;
	size_t len;
	int rc;

	rc = runstate_get_all(file, &text, &len, err);
	if (rc)
		return rc < 0 ? -1 : 0;
	for (at = text; at && at < text + len && !rc;) {
		at = parse_line(at, &range);
		if (at && append(list, &range, 1))
			rc = no_memory(err);
	}
	if (!at)
		rc = enbd_fail(err, ENBD_EXIT_GENERAL,
			       "%s/%s: damaged; nobody knows what a leg has lost: add it anew, then remove the file",
			       runstate_dir(), file);
	free(text);
	return rc;
}

static int write_file(const char *file, const struct list *list,
		      struct enbd_err *err)
{
	char *text = malloc(list->count * LINE_MAX_LEN + 1), *at = text;
	size_t i;
	int rc;

	if (!text)
		return no_memory(err);
	for (i = 0; i < list->count; i++)
		at += sprintf(at, "%" PRIu64 " %" PRIu64 "\n",
			      list->ranges[i].offset, list->ranges[i].length);
	rc = runstate_put(file, text, (size_t)(at - text), err);
	free(text);
	return rc;
}

static void own_name(char file[FILE_MAX], const char *key)
{
	snprintf(file, FILE_MAX, "%.*s" SUFFIX, KEY_MAX - 1, key);
}

int lost_file_add(const char *disk, const struct lost *ranges, size_t count,
		  struct enbd_err *err)
{
	char file[FILE_MAX], digest[ENBD_SIGNATURE_DIGEST];
	const int held = runstate_lock(LOCK_FILE, err);
	struct list list = { NULL, 0 };
	int rc;

	if (held < 0)
		return -1;
	own_name(file, envfile_digest(disk, digest) > 0 ? digest : disk);
	rc = read_file(file, &list, err);
	if (!rc && append(&list, ranges, count))
		rc = no_memory(err);
	if (!rc) {
		tidy(&list);
		rc = write_file(file, &list, err);
	}
	free(list.ranges);
	close(held);
	return rc;
}

/*
 * May a file be this disk's? The names of disks begin with a letter that is no
 * digit of a digest.
 */
static bool may_be_of(const char *file, int known, const char *digest)
{
	const size_t len = strlen(file) - strlen(SUFFIX);

	if (file[0] == 'n' || known < 0)
		return true;
	return known && len == strlen(digest) && !strncmp(file, digest, len);
}

/* @each for all files that may be of a disk */
static int for_files(const char *disk,
		     int (*each)(const char *file, void *arg,
				 struct enbd_err *err),
		     void *arg, struct enbd_err *err)
{
	char pattern[4096], digest[ENBD_SIGNATURE_DIGEST] = "";
	const int known = envfile_digest(disk, digest);
	const char *file;
	glob_t found;
	size_t i;
	int rc;

	snprintf(pattern, sizeof(pattern), "%s/*" SUFFIX, runstate_dir());
	rc = glob(pattern, GLOB_ERR, NULL, &found);
	if (rc == GLOB_NOMATCH || (rc == GLOB_ABORTED && errno == ENOENT))
		return 0;
	if (rc)
		return enbd_fail(err, ENBD_EXIT_GENERAL, "%s: cannot be read: %s",
				 runstate_dir(), strerror(errno));
	for (i = 0; i < found.gl_pathc && !rc; i++) {
		file = strrchr(found.gl_pathv[i], '/') + 1;
		if (may_be_of(file, known, digest))
			rc = each(file, arg, err);
	}
	globfree(&found);
	return rc;
}

static int collect(const char *file, void *arg, struct enbd_err *err)
{
	return read_file(file, arg, err);
}

int lost_file_read(const char *disk, uint64_t start, uint64_t size,
		   struct lost **ranges, size_t *count, struct enbd_err *err)
{
	const int held = runstate_lock(LOCK_FILE, err);
	struct list list = { NULL, 0 };
	size_t used = 0, i;
	int rc;

	*ranges = NULL;
	*count = 0;
	if (held < 0)
		return -1;
	rc = for_files(disk, collect, &list, err);
	close(held);
	if (rc) {
		free(list.ranges);
		return -1;
	}
	tidy(&list);
	for (i = 0; i < list.count; i++) {
		uint64_t first = list.ranges[i].offset;
		uint64_t end = first + list.ranges[i].length;

		first = first > start ? first : start;
		end = end < start + size ? end : start + size;
		if (first < end)
			list.ranges[used++] = (struct lost){
				first - start, end - first,
			};
	}
	*ranges = list.ranges;
	*count = used;
	return 0;
}

/* What lost_file_forget() takes away, and from whom */
struct part {
	const char *disk;
	const char *digest;
	uint64_t start;
	uint64_t size;
};

static int shrink(const char *file, void *arg, struct enbd_err *err)
{
	const struct part *part = arg;
	struct list list = { NULL, 0 }, left;
	char own[FILE_MAX], by_name[FILE_MAX];

	own_name(own, part->digest);
	own_name(by_name, part->disk);
	if (strcmp(file, own) && strcmp(file, by_name))
		return 0;
	if (!read_file(file, &list, err)) {
		left.count = list.count;
		left.ranges = lost_without(list.ranges, &left.count,
					   part->start, part->size);
		if (left.ranges && !left.count)
			runstate_drop(file);
		else if (left.ranges)
			write_file(file, &left, err);
		free(left.ranges);
	}
	free(list.ranges);
	return 0;
}

void lost_file_forget(const char *disk, uint64_t start, uint64_t size)
{
	char digest[ENBD_SIGNATURE_DIGEST] = "";
	struct part part = { disk, digest, start, size };
	struct enbd_err ignored;
	const int held = runstate_lock(LOCK_FILE, &ignored);

	if (held < 0)
		return;
	if (envfile_digest(disk, digest) <= 0)
		digest[0] = '\0';
	for_files(disk, shrink, &part, &ignored);
	close(held);
}
