// SPDX-License-Identifier: GPL-2.0
/* Whom the driver takes for a device's server, by the table the kernel runs. */
/* cflags: -Itests/unit/shim */
/* link: drivers/enbd/identity.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/kernel.h>

#include "drivers/enbd/identity_cases.h"

static void test_table(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(identity_cases); i++) {
		const char *wrong = identity_run(&identity_cases[i]);

		if (wrong)
			fail_msg("%s: %s", identity_cases[i].name, wrong);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
