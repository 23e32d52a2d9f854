// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbdctl/md_array.c tools/enbdctl/md_map.c */
/* Which members an array can do without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "tools/enbdctl/md_array.h"

static struct md_member members[6];

static bool starts_with(const void *arg, const char *node)
{
	return !strncmp(node, arg, strlen(arg));
}

static uint32_t layout;

/* @states: a letter a place: + in sync, - faulty, r being rebuilt, . nobody */
static bool spare(int level, uint32_t disks, const char *states,
		  const char *prefix)
{
	struct md_array a = {
		.shape = { .level = level, .raid_disks = disks, .layout = layout },
		.members = members,
		.count = strlen(states),
	};
	size_t i;

	memset(members, 0, sizeof(members));
	for (i = 0; i < a.count; i++) {
		snprintf(members[i].node, sizeof(members[i].node), "%s%zu",
			 i ? "sd" : "nda", i);
		members[i].in_sync = states[i] != 'r';
		members[i].faulty = states[i] == '-';
		members[i].slot = states[i] == '.' ? -1 : (int)i;
	}
	return md_can_spare(&a, starts_with, prefix);
}

static void each_level(void **state)
{
	(void)state;
	assert_true(spare(1, 2, "++", "nda"));
	assert_true(spare(1, 3, "++-", "nda"));
	assert_false(spare(1, 2, "+-", "nda"));
	assert_false(spare(1, 2, "+r", "nda"));
	assert_true(spare(4, 3, "+++", "nda"));
	assert_true(spare(5, 3, "+++", "nda"));
	assert_false(spare(5, 3, "++r", "nda"));
	assert_false(spare(5, 3, "++", "nda"));
	assert_true(spare(6, 4, "++++", "nda"));
	assert_true(spare(6, 4, "+++-", "nda"));
	assert_false(spare(6, 4, "++r-", "nda"));
	/* One that is out of its place already is missed as well. */
	assert_true(spare(5, 3, "-++", "nda"));
	assert_true(spare(5, 3, ".++", "nda"));
	assert_false(spare(5, 3, "-+-", "nda"));
	assert_false(spare(6, 4, "-+-.", "nda"));
	assert_false(spare(1, 2, "--", "nda"));
}

static void copies(void **state)
{
	(void)state;
	/* Two near ones: 0 and 1, 2 and 3 */
	layout = 0x102;
	assert_true(spare(10, 4, "++++", "nda"));
	assert_true(spare(10, 4, "+++r", "nda"));
	assert_true(spare(10, 4, "-+-+", "nda"));
	assert_true(spare(10, 4, "++r+", "nda"));
	assert_false(spare(10, 4, "+r++", "nda"));
	assert_false(spare(10, 4, "++--", "nda"));
	/* Of three disks each has something with each. */
	assert_true(spare(10, 3, "+++", "nda"));
	assert_false(spare(10, 3, "++-", "nda"));
	/* Far ones, on the next disk */
	layout = 0x201;
	assert_true(spare(10, 4, "++-+", "nda"));
	assert_false(spare(10, 4, "+-++", "nda"));
	assert_false(spare(10, 4, "+++-", "nda"));
	/* Three copies */
	layout = 0x103;
	assert_true(spare(10, 3, "+-+", "nda"));
	assert_false(spare(10, 3, "+--", "nda"));
	/* In sets */
	layout = 0x20201;
	assert_true(spare(10, 4, "++++", "nda"));
	assert_false(spare(10, 4, "++-+", "nda"));
	/* Of no copies at all */
	layout = 0;
	assert_false(spare(10, 4, "++++", "nda"));
}

/* One disk may have several legs of an array. */
static void several_at_once(void **state)
{
	layout = 0;
	(void)state;
	assert_true(spare(6, 4, "++++", "sd1"));
	assert_false(spare(6, 4, "++++", "sd"));
	assert_false(spare(5, 3, "+++", "sd"));
	assert_true(spare(1, 3, "+++", "sd"));
	assert_false(spare(1, 2, "++", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_level),
		cmocka_unit_test(copies),
		cmocka_unit_test(several_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
