// SPDX-License-Identifier: GPL-2.0
/*
 * What md forgets to copy to a leg that comes back, and which bitmaps on the disks
 * still have it.
 *
 * A crash: an array of level 1 that was not stopped and is started of one leg alone
 * is taken for clean (raid1_run()), and the bits that it finds on the disk are let
 * go (bitmap_load()). On the leg that was not there they still are: md sets a bit on
 * all members before it writes, and nobody writes to an absent one.
 *
 * A leg that was lost while it was copied to: in levels other than 1, md takes
 * chunks for copied whose copies were under way then (the bits that count are
 * cleared when a chunk's turn has come, and are not set again when its write fails).
 * Their bits are on the leg's own disk, from when they are known to be (see
 * readd_watch()), and on the others' disks for one period of the bitmap's daemon. So
 * what the others have is kept in a file, from before the leg is re-added until its
 * own bitmap is known to be complete.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "md_bitmap.h"
#include "md_bits.h"
#include "readd.h"
#include "runstate.h"

#define PIECE	65536u
#define ALIGN	4096u

struct piece {
	uint8_t data[PIECE] __attribute__((aligned(ALIGN)));
};

/* @place is aligned, and it is read up to @end. Return: 0 or -1. */
static int read_piece(int fd, struct piece *piece, uint64_t place,
		      uint64_t end)
{
	uint64_t want = end - place;
	ssize_t n;

	if (want > PIECE)
		want = PIECE;
	do {
		n = pread(fd, piece->data, (want + ALIGN - 1) / ALIGN * ALIGN,
			  (off_t)place);
	} while (n < 0 && errno == EINTR);
	if (n >= 0 && (uint64_t)n < want)
		errno = EIO;
	return n < 0 || (uint64_t)n < want ? -1 : 0;
}

/* Return: 0 with @why NULL or why the bits cannot be trusted, or -1. */
static int read_head(int fd, const struct md_super *super, uint64_t size,
		     struct md_bitmap *bitmap, const char **why)
{
	const uint64_t place = super->bitmap * 512;
	const uint64_t begin = place / ALIGN * ALIGN;
	static struct piece piece;

	*why = "it has no bitmap";
	if (!super->bitmap)
		return 0;
	if (super->bitmap > INT64_MAX / 1024) {
		*why = "its bitmap is damaged";
		return 0;
	}
	if (read_piece(fd, &piece, begin, place + MD_BITMAP_HEAD))
		return -1;
	*why = md_bitmap_parse(piece.data + (place - begin), super, size,
			       bitmap);
	return 0;
}

/* The bits of a bitmap, and what each stands for */
struct bits {
	struct md_bitmap head;
	uint8_t *data;
	size_t size;
};

/* Return: 0, or -1 with errno. */
static int read_all(int fd, struct bits *bits)
{
	static struct piece piece;
	const struct md_bitmap *head = &bits->head;
	uint64_t place, from, to;

	bits->size = 0;
	bits->data = malloc(head->end - head->first);
	if (!bits->data)
		return -1;
	for (place = head->first / ALIGN * ALIGN; place < head->end;
	     place += PIECE) {
		if (read_piece(fd, &piece, place, head->end)) {
			free(bits->data);
			return -1;
		}
		from = place < head->first ? head->first : place;
		to = head->end - place < PIECE ? head->end : place + PIECE;
		memcpy(bits->data + bits->size, piece.data + (from - place),
		       to - from);
		bits->size += to - from;
	}
	return 0;
}

/* Return: 0 with @bits or @why there are none to be trusted, or -1 with @err. */
static int read_bits(const struct md_array *a, const char *node,
		     const struct md_super *super, struct bits *bits,
		     const char **why, struct enbd_err *err)
{
	int fd, rc;

	*why = "the array has no bitmap";
	if (!a->shape.bitmap_chunk)
		return 0;
	fd = md_node_open(node, O_RDONLY, err);
	if (fd < 0)
		return -1;
	rc = read_head(fd, super, md_map_size(&a->shape), &bits->head, why);
	if (!rc && !*why)
		rc = read_all(fd, bits);
	if (rc < 0)
		enbd_fail(err, ENBD_EXIT_GENERAL, "/dev/%s: cannot read: %s",
			  node, strerror(errno));
	close(fd);
	return rc;
}

/* Of the first other member in sync that has any. Return: 0 or -1. */
static int read_others(const struct md_array *a, const char *node,
		       struct bits *bits, struct enbd_err *err)
{
	static struct md_block block;
	struct md_super super;
	bool away = false;
	const char *why;
	size_t i;

	for (i = 0; i < a->count; i++) {
		const struct md_member *m = &a->members[i];

		if (m->faulty || !m->in_sync || !strcmp(m->node, node))
			continue;
		if (readd_is_away(m->node)) {
			away = true;
			continue;
		}
		if (md_super_read(m->node, a->minor, &block, &super, err))
			continue;
		/* Its head may be ahead of its superblock, or behind, just now. */
		super.events = 0;
		if (!read_bits(a, m->node, &super, bits, &why, err) && !why)
			return 0;
	}
	if (away)
		return enbd_fail(err, ENBD_EXIT_BUSY,
				 "/dev/%s: the members in sync are away; try again when they are back",
				 a->node);
	return enbd_fail(err, ENBD_EXIT_GENERAL,
			 "/dev/%s: no bitmap of a member in sync can be read",
			 a->node);
}

struct target {
	struct md_bits bits;
	uint64_t chunk;
	struct enbd_err *err;
};

static int mark(void *arg, uint64_t first, uint64_t last)
{
	struct target *t = arg;

	return md_bits_add_counted(&t->bits, first * t->chunk,
				   (last - first + 1) * t->chunk, t->err);
}

/* Return: 0 or -1. */
static int mark_all(const struct md_array *a, uint64_t chunk, uint64_t count,
		    const uint8_t *data, size_t size, struct enbd_err *err)
{
	static struct target target;
	struct md_runs runs;

	target.err = err;
	target.chunk = chunk;
	md_bits_begin(&target.bits, a);
	md_runs_begin(&runs, count, mark, &target);
	return md_runs_add(&runs, data, size) || md_runs_end(&runs) ||
	       md_bits_end(&target.bits, err) ? -1 : 0;
}

int readd_mark_own(const struct md_array *array, const char *node,
		   const struct md_block *block, bool partly,
		   struct enbd_err *err)
{
	struct md_super super;
	struct bits bits;
	const char *why;
	int rc;

	if (md_super_parse(block->data, md_super_place(block), &super))
		return enbd_fail(err, ENBD_EXIT_GENERAL,
				 "/dev/%s: its superblock is damaged", node);
	if (read_bits(array, node, &super, &bits, &why, err))
		return -1;
	if (!why) {
		rc = mark_all(array, bits.head.chunk, bits.head.count,
			      bits.data, bits.size, err);
		free(bits.data);
		return rc;
	}
	/* Nothing is written to a clean array before it is a dirty one. */
	if (!super.dirty && !partly)
		return 0;
	return enbd_fail(err, ENBD_EXIT_GENERAL,
			 "/dev/%s: not taken back into /dev/%s: writes to it may have been under way when it was last used, and %s; add it anew",
			 node, array->node, why);
}

int readd_mark_others(const struct md_array *array, const char *node,
		      struct enbd_err *err)
{
	struct bits bits;
	int rc;

	if (!array->shape.bitmap_chunk)
		return 0;
	if (read_others(array, node, &bits, err))
		return -1;
	rc = mark_all(array, bits.head.chunk, bits.head.count, bits.data,
		      bits.size, err);
	free(bits.data);
	return rc;
}

/* How a file begins that keeps bits */
struct kept {
	uint8_t array[MD_UUID_LEN];
	uint64_t chunk;
	uint64_t count;
};

#define KEPT_NAME_MAX	(2 * MD_UUID_LEN + 8)

/* After the leg, whatever the disk is called */
static void bits_name(char name[KEPT_NAME_MAX], const struct md_super *leg)
{
	size_t i;

	for (i = 0; i < MD_UUID_LEN; i++)
		snprintf(name + 2 * i, 3, "%02x", leg->device[i]);
	strcpy(name + 2 * i, ".bits");
}

int readd_keep(const struct md_array *array, const char *node,
	       const struct md_super *leg, struct enbd_err *err)
{
	char name[KEPT_NAME_MAX];
	struct bits bits;
	struct kept kept;
	uint8_t *file;
	int rc;

	if (!array->shape.bitmap_chunk)
		return 0;
	if (read_others(array, node, &bits, err))
		return -1;
	memcpy(kept.array, leg->array, MD_UUID_LEN);
	kept.chunk = bits.head.chunk;
	kept.count = bits.head.count;
	bits_name(name, leg);
	file = malloc(sizeof(kept) + bits.size);
	if (file) {
		memcpy(file, &kept, sizeof(kept));
		memcpy(file + sizeof(kept), bits.data, bits.size);
		rc = runstate_put(name, file, sizeof(kept) + bits.size, err);
	} else {
		rc = enbd_fail(err, ENBD_EXIT_GENERAL, "out of memory");
	}
	free(file);
	free(bits.data);
	return rc;
}

int readd_mark_kept(const struct md_array *array, const struct md_super *leg,
		    struct enbd_err *err)
{
	char name[KEPT_NAME_MAX], *file;
	struct kept kept;
	size_t len;
	int rc;

	bits_name(name, leg);
	rc = runstate_get_all(name, &file, &len, err);
	if (rc)
		return rc < 0 ? -1 : 0;
	if (len > sizeof(kept))
		memcpy(&kept, file, sizeof(kept));
	if (len <= sizeof(kept) || !kept.chunk ||
	    memcmp(kept.array, leg->array, MD_UUID_LEN)) {
		free(file);
		return 0;
	}
	rc = mark_all(array, kept.chunk, kept.count,
		      (uint8_t *)file + sizeof(kept), len - sizeof(kept), err);
	free(file);
	return rc ? -1 : 1;
}

void readd_kept_drop(const struct md_super *leg)
{
	char name[KEPT_NAME_MAX];

	bits_name(name, leg);
	runstate_drop(name);
}
