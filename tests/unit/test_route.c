// SPDX-License-Identifier: GPL-2.0
/* Which channel the driver chooses, by the tables that the kernel runs as well. */
/* cflags: -Itests/unit/shim */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "table.h"

#include "drivers/enbd/route_cases.h"

TEST_TABLE(own)
TEST_TABLE(turn)
TEST_TABLE(route)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_turn),
		cmocka_unit_test(test_route),
	};

	return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
