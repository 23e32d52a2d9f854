// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "md_bits.h"
#include "query.h"
#include "readd.h"
#include "stale.h"

/* A lost range and where it is to be repaired */
struct piece {
	const struct md_array *array;
	const struct md_member *member;
	uint64_t offset;	/* on the member */
	uint64_t length;
};

/* May ranges of a member be marked in its array? */
static int check_array(const struct md_array *a, const struct md_member *m,
		       struct enbd_err *err)
{
	size_t i;

	if (!a->shape.bitmap_chunk)
		return enbd_fail(err, ENBD_EXIT_GENERAL,
				 "/dev/%s: has no bitmap that could tell which regions of /dev/%s to copy; remove it, enbdctl accept, and add it anew",
				 a->node, m->node);
	if (a->reshaping)
		return enbd_fail(err, ENBD_EXIT_GENERAL,
				 "/dev/%s: is being reshaped; try again when that is done",
				 a->node);
	for (i = 0; i < a->count; i++)
		if (&a->members[i] != m && a->members[i].in_sync &&
		    !a->members[i].faulty)
			return 0;
	return enbd_fail(err, ENBD_EXIT_GENERAL,
			 "/dev/%s: nobody else has the data that /dev/%s may have lost",
			 a->node, m->node);
}

/* What a lost range has to do with a node. Return: 1 if it is a piece. */
static int cut(const struct readd *r, const struct readd_node *node,
	       const struct lost *lost, struct piece *piece,
	       struct enbd_err *err)
{
	uint64_t first = lost->offset, end = lost->offset + lost->length;

	if (end <= node->start || first >= node->start + node->size)
		return 0;
	piece->array = md_member_of(r->arrays, r->array_count, node->name,
				    &piece->member);
	if (!piece->array && r->force)
		return 0;
	if (!piece->array)
		return enbd_fail(err, ENBD_EXIT_GENERAL,
				 "/dev/%s: may have lost writes and is in no running array; see enbdctl lost-regions, then enbdctl readd --force %s and repair it",
				 node->name, r->disk);
	if (first < node->start)
		first = node->start;
	if (end > node->start + node->size)
		end = node->start + node->size;
	piece->offset = first - node->start;
	piece->length = end - first;
	return check_array(piece->array, piece->member, err) ? -1 : 1;
}

/*
 * If an array has the whole disk, all is its business; else each partition is
 * its user's, and between them only partition tables lie, which whoever writes
 * them flushes. Return: how many pieces, or -1.
 */
static ssize_t cut_all(const struct readd *r, const struct lost *lost,
		       size_t count, struct piece *pieces,
		       struct enbd_err *err)
{
	const bool whole = r->node_count == 1 ||
			   md_member_of(r->arrays, r->array_count,
					r->nodes[0].name, NULL);
	const size_t first = whole ? 0 : 1, end = whole ? 1 : r->node_count;
	ssize_t used = 0;
	size_t i, j;
	int rc;

	for (i = 0; i < count; i++) {
		for (j = first; j < end; j++) {
			rc = cut(r, &r->nodes[j], &lost[i], &pieces[used], err);
			if (rc < 0)
				return -1;
			used += rc;
		}
	}
	return used;
}

static int mark(const struct md_array *array, const struct piece *pieces,
		ssize_t count, struct enbd_err *err)
{
	static struct md_bits bits;
	ssize_t i;

	md_bits_begin(&bits, array);
	for (i = 0; i < count; i++)
		if (pieces[i].array == array &&
		    md_bits_add(&bits, pieces[i].member, pieces[i].offset,
				pieces[i].length, err))
			return -1;
	return md_bits_end(&bits, err);
}

/*
 * A member that is not used any more gets no reads while it lies. Its place has
 * to be empty before md looks at the marks: it would not let go of it until it
 * has compared all the others.
 */
static int retire(const struct md_array *array, const struct piece *pieces,
		  ssize_t count, struct enbd_err *err)
{
	const struct md_member *m;
	ssize_t i;
	size_t j;

	for (j = 0; j < array->count; j++) {
		m = &array->members[j];
		for (i = 0; i < count && pieces[i].member != m; i++)
			;
		if (i == count)
			continue;
		if (!m->faulty && md_member_fail(array, m->node, err))
			return -1;
		md_member_wait_out(array, m->node);
	}
	return 0;
}

static int repair(const struct readd *r, const struct lost *lost, size_t count,
		  struct enbd_err *err)
{
	struct piece *pieces = calloc(count * r->node_count + 1,
				      sizeof(*pieces));
	ssize_t used;
	size_t j;
	int rc = 0;

	if (!pieces)
		return enbd_fail(err, ENBD_EXIT_GENERAL, "out of memory");
	used = cut_all(r, lost, count, pieces, err);
	for (j = 0; used > 0 && j < r->array_count && !rc; j++)
		rc = retire(&r->arrays[j], pieces, used, err);
	for (j = 0; used > 0 && j < r->array_count && !rc; j++)
		rc = mark(&r->arrays[j], pieces, used, err);
	free(pieces);
	return used < 0 ? -1 : rc;
}

int readd_stale(struct readd *r, struct enbd_err *err)
{
	struct lost *lost = NULL;
	struct device device;
	size_t count;
	struct nl nl;
	int rc;

	if (query_named(r->disk, &nl, &device, err))
		return -1;
	rc = query_lost(&nl, device.index, &lost, &count, err);
	nl_close(&nl);
	if (!rc)
		rc = repair(r, lost, count, err);
	free(lost);
	return rc || stale_accept(r->disk, err) ? -1 : 0;
}
