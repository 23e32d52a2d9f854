/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A table of cases that userspace runs as well, as a KUnit test: WHAT_cases, of
 * struct WHAT_case with a name, and check_WHAT(), which says what is wrong.
 */
#ifndef ENBD_KUNIT_TABLE_H
#define ENBD_KUNIT_TABLE_H

#include <kunit/test.h>

/* Defines table_WHAT() for TABLE_CASE(WHAT) */
#define KUNIT_TABLE(what)						\
static void what##_desc(const struct what##_case *c, char *desc)	\
{									\
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);			\
}									\
KUNIT_ARRAY_PARAM(what, what##_cases, what##_desc);			\
static void table_##what(struct kunit *test)				\
{									\
	const char *wrong = check_##what(test->param_value);		\
									\
	KUNIT_EXPECT_NULL_MSG(test, wrong, "%s", wrong);		\
}

#define TABLE_CASE(what)	KUNIT_CASE_PARAM(table_##what, what##_gen_params)

#endif /* ENBD_KUNIT_TABLE_H */
