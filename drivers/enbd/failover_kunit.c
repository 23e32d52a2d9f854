// SPDX-License-Identifier: GPL-2.0
/* KUnit tests of failover.c, by the tables that userspace runs as well. */
#include <kunit/test.h>

#include "failover.c"
#include "failover_cases.h"

#define FAILOVER_TABLE(what)						\
static void what##_desc(const struct what##_case *c, char *desc)	\
{									\
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);			\
}									\
KUNIT_ARRAY_PARAM(what, what##_cases, what##_desc);			\
static void failover_##what(struct kunit *test)				\
{									\
	const char *wrong = check_##what(test->param_value);		\
									\
	KUNIT_EXPECT_NULL_MSG(test, wrong, "%s", wrong);		\
}

FAILOVER_TABLE(fencing)
FAILOVER_TABLE(hold)
FAILOVER_TABLE(admit)
FAILOVER_TABLE(fence)
FAILOVER_TABLE(pulse)

static struct kunit_case failover_cases[] = {
	KUNIT_CASE_PARAM(failover_fencing, fencing_gen_params),
	KUNIT_CASE_PARAM(failover_hold, hold_gen_params),
	KUNIT_CASE_PARAM(failover_admit, admit_gen_params),
	KUNIT_CASE_PARAM(failover_fence, fence_gen_params),
	KUNIT_CASE_PARAM(failover_pulse, pulse_gen_params),
	{}
};

static struct kunit_suite failover_suite = {
	.name = "enbd_failover",
	.test_cases = failover_cases,
};

kunit_test_suite(failover_suite);
