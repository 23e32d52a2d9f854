// SPDX-License-Identifier: GPL-2.0
/* The driver's NBD parser, by the tables that the kernel runs as well. */
/* cflags: -Itests/unit/shim */
/* link: drivers/enbd/wire.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "drivers/enbd/wire_cases.h"

static void run(const struct model_case *cases, size_t count, u32 step)
{
	size_t i;

	for (i = 0; i < count; i++) {
		const char *wrong = model_run(&cases[i], step);

		if (wrong)
			fail_msg("%s, at most %u bytes at a time: %s", cases[i].name, step, wrong);
	}
}

static void run_all(u32 step)
{
	run(good_cases, ARRAY_SIZE(good_cases), step);
	run(bad_cases, ARRAY_SIZE(bad_cases), step);
}

static void test_good(void **state)
{
	(void)state;
	run(good_cases, ARRAY_SIZE(good_cases), U32_MAX);
}

static void test_bad(void **state)
{
	(void)state;
	run(bad_cases, ARRAY_SIZE(bad_cases), U32_MAX);
}

static void test_byte_by_byte(void **state)
{
	(void)state;
	run_all(1);
}

static void test_pieces(void **state)
{
	u32 step;

	(void)state;
	for (step = 2; step < 50; step++)
		run_all(step);
}

static void test_place(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(judge_cases); i++) {
		const char *wrong = model_judge(&judge_cases[i]);

		if (wrong)
			fail_msg("%s: %s", judge_cases[i].name, wrong);
	}
}

static void test_encode(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(encode_cases); i++) {
		const char *wrong = model_encode(&encode_cases[i]);

		if (wrong)
			fail_msg("%s: %s", encode_cases[i].name, wrong);
	}
}

static void test_cover(void **state)
{
	(void)state;
	assert_null(model_cover(6, 6, 3));
	/* long enough for more ranges than are allowed */
	assert_null(model_cover(9, 1, 7));
	assert_null(model_cover(10, 2, 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encode),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_byte_by_byte),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_place),
		cmocka_unit_test(test_cover),
	};

	return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
