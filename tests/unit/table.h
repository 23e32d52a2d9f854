/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A table of cases that the kernel runs as well, as a test of cmocka:
 * WHAT_cases, of struct WHAT_case with a name, and check_WHAT(), which says
 * what is wrong. All that are wrong are told. After <cmocka.h>.
 */
#ifndef TEST_TABLE_H
#define TEST_TABLE_H

#include <linux/kernel.h>

/* Defines test_WHAT() */
#define TEST_TABLE(what)						\
static void test_##what(void **state)					\
{									\
	size_t i, failed = 0;						\
									\
	(void)state;							\
	for (i = 0; i < ARRAY_SIZE(what##_cases); i++) {		\
		const char *wrong = check_##what(&what##_cases[i]);	\
									\
		if (!wrong)						\
			continue;					\
		print_error("%s: wrong %s\n", what##_cases[i].name, wrong); \
		failed++;						\
	}								\
	assert_int_equal(failed, 0);					\
}

#endif /* TEST_TABLE_H */
