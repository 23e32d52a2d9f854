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
 * readd_watch()), and on the others' disks for one period of the bitmap's daemon.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "md_bitmap.h"
#include "md_bits.h"
#include "readd.h"

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

/* Return: 0, 1 with @target's error, or -1 with errno if it cannot be read. */
static int mark_all(int fd, const struct md_bitmap *bitmap,
		    struct target *target)
{
	static struct piece piece;
	uint64_t place, from, to;
	struct md_runs runs;

	target->chunk = bitmap->chunk;
	md_runs_begin(&runs, bitmap->count, mark, target);
	for (place = bitmap->first / ALIGN * ALIGN; place < bitmap->end;
	     place += PIECE) {
		if (read_piece(fd, &piece, place, bitmap->end))
			return -1;
		from = place < bitmap->first ? bitmap->first : place;
		to = bitmap->end - place < PIECE ? bitmap->end : place + PIECE;
		if (md_runs_add(&runs, piece.data + (from - place), to - from))
			return 1;
	}
	return md_runs_end(&runs) || md_bits_end(&target->bits, target->err);
}

/* Return: 0 with @why NULL or why nothing is marked, or -1 with @err. */
static int mark_from(const struct md_array *a, const char *node,
		     const struct md_super *super, const char **why,
		     struct enbd_err *err)
{
	static struct target target;
	struct md_bitmap bitmap;
	int fd, rc;

	*why = "the array has no bitmap";
	if (!a->shape.bitmap_chunk)
		return 0;
	fd = md_node_open(node, O_RDONLY, err);
	if (fd < 0)
		return -1;
	target.err = err;
	rc = read_head(fd, super, md_map_size(&a->shape), &bitmap, why);
	if (!rc && !*why) {
		md_bits_begin(&target.bits, a);
		rc = mark_all(fd, &bitmap, &target);
	}
	if (rc < 0)
		enbd_fail(err, ENBD_EXIT_GENERAL, "/dev/%s: cannot read: %s",
			  node, strerror(errno));
	close(fd);
	return rc ? -1 : 0;
}

int readd_mark_own(const struct md_array *array, const char *node,
		   const struct md_block *block, bool partly,
		   struct enbd_err *err)
{
	struct md_super super;
	const char *why;

	if (md_super_parse(block->data, md_super_place(block), &super))
		return enbd_fail(err, ENBD_EXIT_GENERAL,
				 "/dev/%s: its superblock is damaged", node);
	if (mark_from(array, node, &super, &why, err))
		return -1;
	/* Nothing is written to a clean array before it is a dirty one. */
	if (!why || (!super.dirty && !partly))
		return 0;
	return enbd_fail(err, ENBD_EXIT_GENERAL,
			 "/dev/%s: not taken back into /dev/%s: writes to it may have been under way when it was last used, and %s; add it anew",
			 node, array->node, why);
}

int readd_mark_others(const struct md_array *array, const char *node,
		      struct enbd_err *err)
{
	static struct md_block block;
	struct md_super super;
	const char *why;
	size_t i;

	if (!array->shape.bitmap_chunk)
		return 0;
	for (i = 0; i < array->count; i++) {
		const struct md_member *m = &array->members[i];

		if (m->faulty || !m->in_sync || !strcmp(m->node, node) ||
		    readd_is_away(m->node) ||
		    md_super_read(m->node, array->minor, &block, &super, err))
			continue;
		/* Its head may be ahead of its superblock, or behind, just now. */
		super.events = 0;
		if (!mark_from(array, m->node, &super, &why, err) && !why)
			return 0;
	}
	return enbd_fail(err, ENBD_EXIT_GENERAL,
			 "/dev/%s: no bitmap of a member in sync can be read",
			 array->node);
}
