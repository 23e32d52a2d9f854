// SPDX-License-Identifier: GPL-2.0
/* KUnit tests of identity.c. */
#include <kunit/test.h>

#include "identity.c"
#include "identity_cases.h"

static void identity_desc(const struct identity_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(identity, identity_cases, identity_desc);

static void identity_one(struct kunit *test)
{
	const char *wrong = identity_run(test->param_value);

	KUNIT_EXPECT_NULL_MSG(test, wrong, "%s", wrong);
}

static struct kunit_case identity_kunit_cases[] = {
	KUNIT_CASE_PARAM(identity_one, identity_gen_params),
	{}
};

static struct kunit_suite identity_suite = {
	.name = "enbd_identity",
	.test_cases = identity_kunit_cases,
};

kunit_test_suite(identity_suite);
