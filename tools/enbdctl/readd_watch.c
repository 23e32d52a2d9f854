// SPDX-License-Identifier: GPL-2.0
/* What may become of a leg between mdadm's return and its place in the array. */
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "md_bits.h"
#include "readd.h"
#include "runstate.h"

#define FROZEN_NAME_MAX	(MD_NODE_MAX + 8)

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

	if (a && !member->faulty && !member->placed) {
		/* md may have been busy when it was to look at the marks. */
		if (++node->looks % LOOKS == 0)
			md_bits_settle(a);
		return false;
	}
	if (a && !member->faulty) {
		md_bits_sync(a);
		a = look(r, node->name, &member);
	}
	if (a && member->faulty && readd_mark_others(a, node->name, &err))
		enbd_error("%s", err.text);
	node->joined = a && !member->faulty;
	node->joining = false;
	return true;
}

static void frozen_name(char name[FROZEN_NAME_MAX], const char *node)
{
	snprintf(name, FROZEN_NAME_MAX, "%s.frozen", node);
}

int readd_freezes(const struct md_array *array, const char *node,
		  struct enbd_err *err)
{
	char name[FROZEN_NAME_MAX], text[MD_NODE_MAX] = "";

	/* Who has frozen it thaws it; mdadm leaves that alone. */
	if (md_array_is(array, "sync_action", "frozen"))
		return 0;
	frozen_name(name, node);
	snprintf(text, sizeof(text), "%s", array->node);
	return runstate_put(name, text, sizeof(text), err);
}

void readd_thaw(const struct readd *r, const struct readd_node *node)
{
	char name[FROZEN_NAME_MAX], text[MD_NODE_MAX];
	size_t i;

	frozen_name(name, node->name);
	if (runstate_get(name, text, sizeof(text)))
		return;
	for (i = 0; i < r->array_count; i++) {
		const struct md_array *a = &r->arrays[i];

		if (!strncmp(a->node, text, sizeof(text)) &&
		    md_array_is(a, "sync_action", "frozen"))
			md_array_set(a, "sync_action", "idle");
	}
	runstate_drop(name);
}
