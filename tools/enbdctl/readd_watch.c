// SPDX-License-Identifier: GPL-2.0
/* What may become of a leg between mdadm's return and its place in the array. */
#include "log.h"
#include "md_bits.h"
#include "readd.h"

/* Of so many looks at a leg that waits for its place, one has md look as well. */
#define LOOKS		50

/* Return: how the array has it now, NULL if it has it no more. */
static const struct md_array *look(struct readd *r, const char *node,
				   const struct md_member **member)
{
	struct enbd_err ignored;

	md_arrays_free(r->arrays, r->array_count);
	if (md_arrays_read(&r->arrays, &r->array_count, &ignored)) {
		r->arrays = NULL;
		r->array_count = 0;
	}
	return md_member_of(r->arrays, r->array_count, node, member);
}

bool readd_watch(struct readd *r, struct readd_node *node)
{
	const struct md_member *member = NULL;
	const struct md_array *a = look(r, node->name, &member);
	struct enbd_err err;

	if (a && !member->faulty && member->slot < 0) {
		/* md may have been busy when it was to look at the marks. */
		if (++node->looks % LOOKS == 0)
			md_bits_settle(a);
		return false;
	}
	if (a && !member->faulty) {
		md_bits_sync(a);
		a = look(r, node->name, &member);
	}
	node->joined = a && !member->faulty;
	if (node->joined)
		readd_kept_drop(&node->leg);
	/* In case /run, where they are kept, does not live to see the leg's return */
	else if (a && readd_mark_kept(a, &node->leg, &err) < 0)
		enbd_error("%s", err.text);
	node->joining = false;
	return true;
}
