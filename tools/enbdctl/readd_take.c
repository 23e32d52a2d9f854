// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "md_super.h"
#include "mdadm.h"
#include "readd.h"
#include "runstate.h"

/* Requests may still be under way to a member that has just failed. */
#define PATIENCE_MS	5000

#define KEPT_NAME_MAX	(MD_NODE_MAX + 8)

/*
 * Superblocks of the members that are in sync, but for one node. Return: how
 * many, 0 also if none can be read, or -1 without memory.
 */
static ssize_t read_others(const struct md_array *a, const char *node,
			   struct md_super **others, struct enbd_err *err)
{
	static struct md_block block;
	struct enbd_err ignored;
	ssize_t count = 0;
	size_t i;

	*others = calloc(a->count + 1, sizeof(**others));
	if (!*others)
		return enbd_fail(err, ENBD_EXIT_GENERAL, "out of memory");
	for (i = 0; i < a->count; i++) {
		const struct md_member *m = &a->members[i];

		if (m->in_sync && !m->faulty && strcmp(m->node, node) &&
		    !md_super_read(m->node, &block, &(*others)[count],
				   &ignored))
			count++;
	}
	return count;
}

/* Return: 1 if @super is of this array, 0 if not, -1 with @err. */
static int belongs(const struct md_array *a, const char *node,
		   const struct md_super *super, struct enbd_err *err)
{
	struct md_super *others;
	ssize_t count = read_others(a, node, &others, err);
	const char *why;
	int rc = -1;

	if (count <= 0) {
		if (!count)
			enbd_fail(err, ENBD_EXIT_GENERAL,
				  "/dev/%s: no member in sync can be read",
				  a->node);
	} else if (memcmp(super->array, others->array, MD_UUID_LEN)) {
		rc = 0;
	} else {
		why = md_super_fits(super, others, (size_t)count);
		rc = 1;
		if (why)
			rc = enbd_fail(err, ENBD_EXIT_GENERAL,
				       "/dev/%s: not taken back into /dev/%s: %s",
				       node, a->node, why);
	}
	free(others);
	return rc;
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

static int take(const struct md_array *a, const char *node, bool held,
		const struct md_block *block, bool restore,
		struct enbd_err *err)
{
	char name[KEPT_NAME_MAX];

	/*
	 * An array that still holds the leg has had it, and knows what was under
	 * way. What the leg itself has is read before md writes over it.
	 */
	if (!held && readd_mark_own(a, node, block, err))
		return -1;
	kept_name(name, node);
	if (!restore && runstate_put(name, block->data, sizeof(block->data),
				     err))
		return -1;
	if (held && mdadm_manage(a->node, "--remove", node, PATIENCE_MS, err))
		return -1;
	if (restore && md_super_write(node, block, err))
		return -1;
	return mdadm_manage(a->node, "--re-add", node, PATIENCE_MS, err);
}

int readd_take_back(struct readd *r, struct readd_node *node, bool *taken,
		    struct enbd_err *err)
{
	static struct md_block block, kept;
	const struct md_member *member = NULL;
	const struct md_array *a;
	struct md_super super;
	bool restore;
	size_t i;
	int rc;

	a = md_member_of(r->arrays, r->array_count, node->name, &member);
	/* Who takes out by hand a member that is well has a reason. */
	if (a && !member->faulty)
		node->looked = true;
	if (a ? !member->faulty : node->looked)
		return 0;
	node->looked = true;
	rc = md_super_read(node->name, &block, &super, err);
	if (rc)
		return rc < 0 ? -1 : 0;
	restore = get_kept(node->name, &kept, &super);
	for (i = 0; i < r->array_count; i++) {
		if (a && a != &r->arrays[i])
			continue;
		rc = belongs(&r->arrays[i], node->name, &super, err);
		if (rc > 0)
			rc = take(&r->arrays[i], node->name, !!a,
				  restore ? &kept : &block, restore, err) ?
			     -1 : 1;
		if (rc) {
			*taken = rc > 0;
			return rc < 0 ? -1 : 0;
		}
	}
	if (!a)
		return 0;
	return enbd_fail(err, ENBD_EXIT_GENERAL,
			 "/dev/%s: not taken back into /dev/%s: it belongs to another array",
			 node->name, a->node);
}
