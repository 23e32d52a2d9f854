// SPDX-License-Identifier: GPL-2.0
/* KUnit tests of state.c, by the tables that userspace runs as well. */
#include "kunit_table.h"

#include "state.c"
#include "state_cases.h"

KUNIT_TABLE(next)
KUNIT_TABLE(overdue)
KUNIT_TABLE(routed)
KUNIT_TABLE(fate)
KUNIT_TABLE(shown)

static void every_transition(struct kunit *test)
{
	const char *wrong = next_complete();

	KUNIT_EXPECT_NULL_MSG(test, wrong, "%s", wrong);
}

static struct kunit_case state_kunit_cases[] = {
	TABLE_CASE(next),
	KUNIT_CASE(every_transition),
	TABLE_CASE(overdue),
	TABLE_CASE(routed),
	TABLE_CASE(fate),
	TABLE_CASE(shown),
	{}
};

static struct kunit_suite state_suite = {
	.name = "enbd_state",
	.test_cases = state_kunit_cases,
};

kunit_test_suite(state_suite);
