// SPDX-License-Identifier: GPL-2.0
/* The driver's failover decisions, by the tables that the kernel runs as well. */
/* cflags: -Itests/unit/shim */
/* link: drivers/enbd/failover.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "table.h"

#include "drivers/enbd/failover_cases.h"

TEST_TABLE(fencing)
TEST_TABLE(hold)
TEST_TABLE(admit)
TEST_TABLE(takeover)
TEST_TABLE(fence)
TEST_TABLE(pulse)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fencing),
		cmocka_unit_test(test_hold),
		cmocka_unit_test(test_admit),
		cmocka_unit_test(test_takeover),
		cmocka_unit_test(test_fence),
		cmocka_unit_test(test_pulse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
