// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of wire.c. The code under test is compiled in: the module has no
 * reason to export it.
 */
#include <kunit/test.h>
#include <linux/module.h>

#include "wire.c"
#include "wire_cases.h"

static void model_desc(const struct model_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

static void judge_desc(const struct judge_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

static void encode_desc(const struct encode_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(good, good_cases, model_desc);
KUNIT_ARRAY_PARAM(bad, bad_cases, model_desc);
KUNIT_ARRAY_PARAM(judge, judge_cases, judge_desc);
KUNIT_ARRAY_PARAM(encode, encode_cases, encode_desc);

/* Whole, byte by byte, and in pieces that never end with a message */
static void wire_reply(struct kunit *test)
{
	static const u32 steps[] = { U32_MAX, 1, 7 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		const char *wrong = model_run(test->param_value, steps[i]);

		KUNIT_EXPECT_NULL_MSG(test, wrong, "at most %u bytes at a time: %s",
				      steps[i], wrong);
	}
}

static void wire_place(struct kunit *test)
{
	const char *wrong = model_judge(test->param_value);

	KUNIT_EXPECT_NULL_MSG(test, wrong, "%s", wrong);
}

static void wire_request(struct kunit *test)
{
	const char *wrong = model_encode(test->param_value);

	KUNIT_EXPECT_NULL_MSG(test, wrong, "%s", wrong);
}

static void wire_cover(struct kunit *test)
{
	const char *wrong = model_cover(6, 6, 3);

	KUNIT_EXPECT_NULL_MSG(test, wrong, "%s", wrong);
}

static struct kunit_case wire_cases[] = {
	KUNIT_CASE_PARAM(wire_request, encode_gen_params),
	KUNIT_CASE_PARAM(wire_reply, good_gen_params),
	KUNIT_CASE_PARAM(wire_reply, bad_gen_params),
	KUNIT_CASE_PARAM(wire_place, judge_gen_params),
	KUNIT_CASE(wire_cover),
	{}
};

static struct kunit_suite wire_suite = {
	.name = "enbd_wire",
	.test_cases = wire_cases,
};

kunit_test_suite(wire_suite);

MODULE_DESCRIPTION("Tests of the ENBD driver");
MODULE_LICENSE("GPL");
