// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lost_file.h"
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

struct pieces {
	struct piece *list;
	size_t count;
	size_t room;
};

/* A disk or partition of the disk that is stale */
static bool is_own(const void *arg, const char *node)
{
	const struct readd *r = arg;
	size_t i;

	for (i = 0; i < r->node_count; i++)
		if (!strcmp(r->nodes[i].name, node))
			return true;
	return false;
}

/*
 * One that nothing can be copied from: it is to be repaired itself, or may turn out to
 * be when it is back.
 */
static bool is_no_source(const void *arg, const char *node)
{
	return is_own(arg, node) || readd_is_away(node);
}

static bool others_in_sync(const struct readd *r, const struct md_array *a)
{
	size_t i;

	for (i = 0; i < a->count; i++)
		if (a->members[i].in_sync && !a->members[i].faulty &&
		    !is_no_source(r, a->members[i].node))
			return true;
	return false;
}

/* May ranges of a member be marked in its array? */
static int check_array(const struct readd *r, const struct md_array *a,
		       const struct md_member *m, struct enbd_err *err)
{
	if (!a->shape.bitmap_chunk)
		return enbd_fail(err, ENBD_EXIT_GENERAL,
				 "/dev/%s: has no bitmap that could tell which regions of /dev/%s to copy; remove it, enbdctl accept, and add it anew",
				 a->node, m->node);
	if (a->reshaping)
		return enbd_fail(err, ENBD_EXIT_BUSY,
				 "/dev/%s: is being reshaped; try again when that is done",
				 a->node);
	if (!others_in_sync(r, a))
		return enbd_fail(err, ENBD_EXIT_BUSY,
				 "/dev/%s: nobody else has the data that /dev/%s may have lost",
				 a->node, m->node);
	/* Also without one that md has given up: what it lacks comes from the rest. */
	if (md_can_spare(a, is_no_source, r))
		return 0;
	return enbd_fail(err, ENBD_EXIT_BUSY,
			 "/dev/%s: too few members are in sync to do without /dev/%s, which may have lost writes; repair the others first",
			 a->node, m->node);
}

/* The array that ranges of a node are to be marked in */
static int choose_array(const struct readd *r, const struct readd_node *node,
			struct piece *piece, struct enbd_err *err)
{
	piece->array = md_member_of(r->arrays, r->array_count, node->name,
				    &piece->member);
	if (piece->array)
		return check_array(r, piece->array, piece->member, err);
	if (r->force)
		return 0;
	return enbd_fail(err, ENBD_EXIT_BUSY,
			 "/dev/%s: may have lost writes and is in no running array; see enbdctl lost-regions, then enbdctl readd --force %s: what is not of an array is yours to repair, a leg gets what it lost when readd takes it back",
			 node->name, r->disk);
}

/* Room for one more */
static struct piece *next_piece(struct pieces *p, struct enbd_err *err)
{
	struct piece *list;

	if (p->count < p->room)
		return &p->list[p->count];
	p->room = p->room ? 2 * p->room : 64;
	list = reallocarray(p->list, p->room, sizeof(*list));
	if (!list) {
		enbd_fail(err, ENBD_EXIT_GENERAL, "out of memory");
		return NULL;
	}
	p->list = list;
	return &list[p->count];
}

/*
 * If an array has the whole disk, all is its business; else each partition is
 * its user's, and between them only partition tables lie, which whoever writes
 * them flushes.
 */
static void choose_nodes(const struct readd *r, size_t *first, size_t *end)
{
	const bool whole = r->node_count == 1 ||
			   md_member_of(r->arrays, r->array_count,
					r->nodes[0].name, NULL);

	*first = whole ? 0 : 1;
	*end = whole ? 1 : r->node_count;
}

/* The ranges of a node, if there are any, in the bitmap of its array */
static int cut_node(const struct readd *r, const struct readd_node *node,
		    const struct lost *lost, size_t count,
		    struct pieces *pieces, struct enbd_err *err)
{
	const uint64_t stop = node->start + node->size;
	struct piece *piece, here = { NULL };
	bool chosen = false;
	size_t i;

	for (i = 0; i < count; i++) {
		uint64_t first = lost[i].offset, end = first + lost[i].length;

		if (end <= node->start || first >= stop)
			continue;
		if (!chosen && choose_array(r, node, &here, err))
			return -1;
		chosen = true;
		if (!here.array)
			return 0;
		piece = next_piece(pieces, err);
		if (!piece)
			return -1;
		first = first > node->start ? first : node->start;
		end = end < stop ? end : stop;
		*piece = here;
		piece->offset = first - node->start;
		piece->length = end - first;
		pieces->count++;
	}
	return 0;
}

static int cut_all(const struct readd *r, const struct lost *lost,
		   size_t count, struct pieces *pieces, struct enbd_err *err)
{
	size_t first, end, i;

	choose_nodes(r, &first, &end);
	for (i = first; i < end; i++)
		if (cut_node(r, &r->nodes[i], lost, count, pieces, err))
			return -1;
	return 0;
}

static int mark(const struct md_array *array, const struct pieces *pieces,
		struct enbd_err *err)
{
	static struct md_bits bits;
	const struct piece *p = pieces->list;
	size_t i;

	md_bits_begin(&bits, array);
	for (i = 0; i < pieces->count; i++, p++)
		if (p->array == array &&
		    md_bits_add(&bits, p->member, p->offset, p->length, err))
			return -1;
	return md_bits_end(&bits, err);
}

/*
 * A member that is not used any more gets no reads while it lies. Its place is to
 * be empty when md looks at the marks: else it would not let go of it until it has
 * compared all the others.
 */
static int retire(const struct md_array *array, const struct pieces *pieces,
		  struct enbd_err *err)
{
	const struct md_member *m;
	bool any = false;
	size_t i, j;

	for (j = 0; j < array->count; j++) {
		m = &array->members[j];
		for (i = 0; i < pieces->count && pieces->list[i].member != m; i++)
			;
		if (i == pieces->count)
			continue;
		if (!m->faulty && md_member_fail(array, m->node, err))
			return -1;
		any = true;
	}
	if (any)
		md_array_let_go(array);
	return 0;
}

static int repair(const struct readd *r, const struct lost *lost, size_t count,
		  struct enbd_err *err)
{
	struct pieces pieces = { NULL, 0, 0 };
	int rc = cut_all(r, lost, count, &pieces, err);
	size_t i;

	for (i = 0; pieces.count && i < r->array_count && !rc; i++)
		rc = retire(&r->arrays[i], &pieces, err);
	for (i = 0; pieces.count && i < r->array_count && !rc; i++)
		rc = mark(&r->arrays[i], &pieces, err);
	free(pieces.list);
	return rc;
}

/* Ranges that no bitmap has are remembered, before anybody can read there. */
static int remember(const struct readd *r, const struct lost *lost,
		    size_t count, struct enbd_err *err)
{
	struct lost *rest = lost_without(lost, &count, 0, 0), *less;
	size_t first, end, i;
	int rc = 0;

	choose_nodes(r, &first, &end);
	for (i = first; i < end && rest; i++) {
		const struct readd_node *node = &r->nodes[i];

		if (!md_member_of(r->arrays, r->array_count, node->name, NULL))
			continue;
		less = lost_without(rest, &count, node->start, node->size);
		free(rest);
		rest = less;
	}
	if (!rest)
		return enbd_fail(err, ENBD_EXIT_GENERAL, "out of memory");
	if (count)
		rc = lost_file_add(r->disk, rest, count, err);
	free(rest);
	return rc;
}

/* Return: as query_lost(). */
static int ask(const struct readd *r, struct lost **lost, size_t *count,
	       struct enbd_err *err)
{
	struct device device;
	struct nl nl;
	int rc;

	*lost = NULL;
	*count = 0;
	if (query_named(r->disk, &nl, &device, err))
		return -1;
	rc = query_lost(&nl, device.index, lost, count, err);
	nl_close(&nl);
	return rc;
}

static int too_many(const struct readd *r, struct enbd_err *err)
{
	return enbd_fail(err, ENBD_EXIT_GENERAL,
			 "/dev/%s: has more partitions than are looked at; see enbdctl lost-regions, then enbdctl accept --force %s",
			 r->disk, r->disk);
}

int readd_stale(struct readd *r, struct enbd_err *err)
{
	struct lost *lost;
	size_t count;
	int rc;

	if (r->more)
		return too_many(r, err);
	rc = ask(r, &lost, &count, err);
	if (!rc)
		rc = repair(r, lost, count, err);
	if (!rc)
		rc = remember(r, lost, count, err);
	free(lost);
	return rc || stale_accept(r->disk, err) ? -1 : 0;
}

int readd_accept(struct readd *r, struct enbd_err *err)
{
	const struct md_array *a;
	struct lost *lost;
	size_t count, i;
	int rc;

	if (r->more && !r->force)
		return too_many(r, err);
	for (i = 0; i < r->node_count && !r->force; i++) {
		a = md_member_of(r->arrays, r->array_count, r->nodes[i].name,
				 NULL);
		if (a)
			return enbd_fail(err, ENBD_EXIT_BUSY,
					 "/dev/%s: is in /dev/%s, which would not know what to copy; use enbdctl readd %s",
					 r->nodes[i].name, a->node, r->disk);
	}
	rc = ask(r, &lost, &count, err);
	if (!rc)
		rc = remember(r, lost, count, err);
	free(lost);
	return rc || stale_accept(r->disk, err) ? -1 : 0;
}
