// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lost_file.h"
#include "md_bits.h"
#include "md_super.h"
#include "mdadm.h"
#include "readd.h"
#include "runstate.h"

/* Requests may still be under way to a member that has just failed. */
#define PATIENCE_MS	5000

#define KEPT_NAME_MAX	(MD_NODE_MAX + 8)

/* What is known of an array's other members */
struct others {
	struct md_super *list;
	size_t count;
	bool away;	/* there are others, which cannot be asked now */
};

/* Superblocks of the members that are in sync, but for one node */
static int read_others(const struct md_array *a, const char *node,
		       struct others *others, struct enbd_err *err)
{
	static struct md_block block;
	struct enbd_err ignored;
	size_t i;

	others->count = 0;
	others->away = false;
	others->list = calloc(a->count + 1, sizeof(*others->list));
	if (!others->list)
		return enbd_fail(err, ENBD_EXIT_GENERAL, "out of memory");
	for (i = 0; i < a->count; i++) {
		const struct md_member *m = &a->members[i];

		if (!m->in_sync || m->faulty || !strcmp(m->node, node))
			continue;
		if (readd_is_away(m->node))
			others->away = true;
		else if (!md_super_read(m->node, a->minor, &block,
					&others->list[others->count], &ignored))
			others->count++;
	}
	return 0;
}

static void kept_name(char name[KEPT_NAME_MAX], const char *node)
{
	snprintf(name, KEPT_NAME_MAX, "%s.super", node);
}

/*
 * When md takes a member back it first writes that it is a spare, and only then
 * which place it has. One that is lost again in between would have to be copied
 * whole. The array has lost nothing of what it knows by then: its bits are kept
 * until it is whole. So the superblock from before is put back.
 *
 * Return: is there one? @block and @super receive it.
 */
static bool get_kept(const char *node, struct md_block *block,
		     struct md_super *super)
{
	char name[KEPT_NAME_MAX];
	struct md_super kept;
	uint64_t sector;

	kept_name(name, node);
	if (super->role >= 0 || runstate_get(name, block->data,
					     sizeof(block->data)))
		return false;
	sector = md_super_place(block);
	if (md_super_parse(block->data, sector, &kept) || kept.role < 0 ||
	    memcmp(kept.array, super->array, MD_UUID_LEN) ||
	    memcmp(kept.device, super->device, MD_UUID_LEN) ||
	    kept.events > super->events)
		return false;
	/* What the disk says now is newer, and has to stand the test. */
	kept.events = super->events;
	*super = kept;
	return true;
}

/*
 * A node, and what the superblock says that it has where the array's are.
 * @restore: the one that was kept is better
 */
struct leg {
	const char *node;
	struct md_block block;
	struct md_block kept;
	struct md_super super;
	bool restore;
	struct others others;
};

/*
 * Chunks that md does not know of, see readd_bits.c. What the leg itself has is
 * read before md writes over it.
 */
static int mark(const struct md_array *a, const struct leg *leg, bool held,
		bool partly, struct enbd_err *err)
{
	const int kept = readd_mark_kept(a, &leg->super, err);

	if (kept < 0)
		return -1;
	/* What is kept is all that the leg lacked. */
	if (kept)
		partly = false;
	if (partly && readd_mark_others(a, leg->node, err))
		return -1;
	/* An array that still holds the leg has had it, and knows of the rest. */
	if ((partly || (!held && a->shape.level == 1)) &&
	    readd_mark_own(a, leg->node,
			   leg->restore ? &leg->kept : &leg->block, partly,
			   err))
		return -1;
	return readd_keep(a, leg->node, &leg->super, err);
}

static int take(const struct md_array *a, const char *node, bool held,
		const struct md_block *block, bool restore,
		struct enbd_err *err)
{
	char name[KEPT_NAME_MAX];

	kept_name(name, node);
	if (!restore && runstate_put(name, block->data, sizeof(block->data),
				     err))
		return -1;
	if (held && mdadm_manage(a->node, "--remove", node, PATIENCE_MS, err))
		return -1;
	if (restore && md_super_write(node, block, err))
		return -1;
	return readd_freezes(a, node, err) ||
	       mdadm_manage(a->node, "--re-add", node, PATIENCE_MS, err) ?
	       -1 : 0;
}

/* Why a node is not of an array, or why that cannot be told now */
struct reason {
	const char *text;
	bool away;
};

/* Return: 1 if the superblock is of @a, 0 with @why, -1 with @err. */
static int compare(const struct md_array *a, struct leg *leg,
		   struct reason *why, struct enbd_err *err)
{
	int rc;

	memset(why, 0, sizeof(*why));
	why->text = "the array's superblocks are not of md's format 1; add it anew";
	if (a->minor < 0)
		return 0;
	rc = md_super_read(leg->node, a->minor, &leg->block, &leg->super, err);
	why->text = "it has no superblock, or a damaged one; add it anew";
	if (rc)
		return rc < 0 ? -1 : 0;
	if (read_others(a, leg->node, &leg->others, err))
		return -1;
	if (leg->others.count &&
	    !memcmp(leg->super.array, leg->others.list->array, MD_UUID_LEN))
		return 1;
	why->text = "it belongs to another array";
	if (!leg->others.count) {
		why->away = leg->others.away;
		why->text = why->away ?
			"the members in sync are away; try again when they are back" :
			"no member in sync can be read";
	}
	free(leg->others.list);
	return 0;
}

static int not_taken(const struct md_array *a, const char *node,
		     const struct reason *why, struct enbd_err *err)
{
	return enbd_fail(err, why->away ? ENBD_EXIT_BUSY : ENBD_EXIT_GENERAL,
			 "/dev/%s: not taken back into /dev/%s: %s", node,
			 a->node, why->text);
}

/*
 * The array that a node which none holds was of; compare() has to be asked once
 * more about it. Return: 0, also if there is none, or -1.
 */
static int search(const struct readd *r, struct leg *leg,
		  const struct md_array **found, struct enbd_err *err)
{
	const struct md_array *away = NULL;
	struct reason why, later;
	size_t i;
	int rc;

	*found = NULL;
	for (i = 0; i < r->array_count; i++) {
		const struct md_array *a = &r->arrays[i];

		rc = compare(a, leg, &why, err);
		if (rc < 0)
			return -1;
		if (rc)
			free(leg->others.list);
		/* An older superblock may lie where another format has it. */
		if (rc && *found)
			return enbd_fail(err, ENBD_EXIT_GENERAL,
					 "/dev/%s: not taken back: it has superblocks of both /dev/%s and /dev/%s",
					 leg->node, (*found)->node, a->node);
		if (rc)
			*found = a;
		if (why.away) {
			away = a;
			later = why;
		}
	}
	return away && !*found ? not_taken(away, leg->node, &later, err) : 0;
}

/* What somebody has accepted while no array held the node */
static int mark_lost(const struct readd *r, const struct readd_node *node,
		     const struct md_array *a, const struct md_super *super,
		     struct enbd_err *err)
{
	const struct md_member member = { .data = super->data * 512 };
	static struct md_bits bits;
	struct lost *lost;
	size_t count, i;
	int rc = 0;

	if (lost_file_read(r->disk, node->start, node->size, &lost, &count, err))
		return -1;
	if (count && !a->shape.bitmap_chunk)
		rc = enbd_fail(err, ENBD_EXIT_GENERAL,
			       "/dev/%s: not taken back into /dev/%s: it has lost writes, and there is no bitmap that could tell which; add it anew",
			       node->name, a->node);
	else if (count && a->reshaping)
		rc = enbd_fail(err, ENBD_EXIT_BUSY,
			       "/dev/%s: is being reshaped; try again when that is done",
			       a->node);
	md_bits_begin(&bits, a);
	for (i = 0; i < count && !rc; i++)
		rc = md_bits_add(&bits, &member, lost[i].offset, lost[i].length,
				 err);
	free(lost);
	return rc ? -1 : md_bits_end(&bits, err);
}

static bool is_node(const void *arg, const char *node)
{
	return !strcmp(arg, node);
}

static bool is_no_source(const void *arg, const char *node)
{
	return is_node(arg, node) || readd_is_stale(node);
}

/*
 * md takes a leg into an array that has too few others, too, and from then on it is
 * one that everything has to be copied to. Return: 0 or -1.
 */
static int check_others(const struct md_array *a, const char *node,
			struct enbd_err *err)
{
	if (!md_can_spare(a, is_node, node))
		return enbd_fail(err, ENBD_EXIT_GENERAL,
				 "/dev/%s: not taken back into /dev/%s, which has not got all data without it; stop that and see mdadm --assemble --force",
				 node, a->node);
	if (!md_can_spare(a, is_no_source, node))
		return enbd_fail(err, ENBD_EXIT_BUSY,
				 "/dev/%s: not taken back into /dev/%s: other members may have lost writes; repair these first",
				 node, a->node);
	return 0;
}

/* Its superblock is of the array. Return: 0 if it is taken, or -1. */
static int judge_and_take(const struct readd *r, struct readd_node *node,
			  const struct md_array *a, bool held, struct leg *leg,
			  struct enbd_err *err)
{
	const struct md_block *block = &leg->block;
	const bool partly = leg->super.partly;
	const char *why;

	leg->restore = get_kept(node->name, &leg->kept, &leg->super);
	why = md_super_fits(&leg->super, leg->others.list, leg->others.count);
	free(leg->others.list);
	if (why)
		return enbd_fail(err, ENBD_EXIT_GENERAL,
				 "/dev/%s: not taken back into /dev/%s: %s",
				 node->name, a->node, why);
	if (leg->restore)
		block = &leg->kept;
	if (check_others(a, node->name, err) ||
	    mark_lost(r, node, a, &leg->super, err) ||
	    mark(a, leg, held, partly || leg->restore, err) ||
	    take(a, node->name, held, block, leg->restore, err))
		return -1;
	node->joining = true;
	node->joined = false;
	node->whole = false;
	node->leg = leg->super;
	lost_file_forget(r->disk, node->start, node->size);
	return 0;
}

/* A member that works, and may have been taken back by a run that was killed */
static void look_after(const struct md_array *a, const struct md_member *member,
		       struct readd_node *node)
{
	static struct md_block block;
	struct enbd_err ignored;

	if (node->joined || node->joining || node->whole ||
	    md_super_read(node->name, a->minor, &block, &node->leg, &ignored))
		return;
	node->joining = !member->in_sync;
	node->whole = member->in_sync;
	if (node->whole)
		readd_kept_drop(&node->leg);
}

int readd_take_back(struct readd *r, struct readd_node *node, bool *taken,
		    struct enbd_err *err)
{
	const struct md_member *member = NULL;
	const struct md_array *a;
	static struct leg leg;
	struct reason why;
	bool held;
	int rc;

	readd_thaw(r->arrays, r->array_count, node->name);
	a = md_member_of(r->arrays, r->array_count, node->name, &member);
	/* Who takes out by hand a member that is well has a reason. */
	if (a && !member->faulty)
		node->looked = true;
	if (a && !member->faulty && (member->in_sync || member->slot >= 0))
		look_after(a, member, node);
	if (a ? !member->faulty : node->looked)
		return 0;
	node->looked = true;
	leg.node = node->name;
	held = a;
	if (!held && search(r, &leg, &a, err))
		return -1;
	if (!a)
		return 0;
	rc = compare(a, &leg, &why, err);
	if (rc <= 0)
		return rc < 0 ? -1 : not_taken(a, node->name, &why, err);
	rc = judge_and_take(r, node, a, held, &leg, err);
	readd_thaw(r->arrays, r->array_count, node->name);
	*taken = !rc;
	return rc;
}
