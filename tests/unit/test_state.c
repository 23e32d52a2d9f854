// SPDX-License-Identifier: GPL-2.0
/* The state of the driver's device, by the tables that the kernel runs as well. */
/* cflags: -Itests/unit/shim */
/* link: drivers/enbd/state.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "table.h"

#include "drivers/enbd/state_cases.h"

TEST_TABLE(next)
TEST_TABLE(overdue)
TEST_TABLE(routed)
TEST_TABLE(fate)
TEST_TABLE(shown)

static void test_every_transition(void **state)
{
	const char *wrong = next_complete();

	(void)state;
	if (wrong)
		fail_msg("%s", wrong);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_every_transition),
		cmocka_unit_test(test_overdue),
		cmocka_unit_test(test_routed),
		cmocka_unit_test(test_fate),
		cmocka_unit_test(test_shown),
	};

	return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
