// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of journal.c. More of the random ones, and those with threads,
 * are run outside of the kernel.
 */
#include <kunit/test.h>

#include "journal.c"
#include "journal_model.h"

static void journal_desc(const struct journal_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(journal, journal_cases, journal_desc);

static int journal_test_init(struct kunit *test)
{
	model_wrong = NULL;
	test->priv = enbd_journal_new(MODEL_SIZE);
	return test->priv ? 0 : -ENOMEM;
}

static void journal_test_exit(struct kunit *test)
{
	enbd_journal_free(test->priv);
}

static void journal_one(struct kunit *test)
{
	const struct journal_case *c = test->param_value;

	c->run(test->priv);
	KUNIT_EXPECT_NULL_MSG(test, model_wrong, "%s", model_wrong);
}

static void journal_random(struct kunit *test)
{
	model_play(test->priv, 1, 500);
	KUNIT_EXPECT_NULL_MSG(test, model_wrong, "operation %u: %s",
			      model.now / 2, model_wrong);
}

static struct kunit_case journal_kunit_cases[] = {
	KUNIT_CASE_PARAM(journal_one, journal_gen_params),
	KUNIT_CASE(journal_random),
	{}
};

static struct kunit_suite journal_suite = {
	.name = "enbd_journal",
	.init = journal_test_init,
	.exit = journal_test_exit,
	.test_cases = journal_kunit_cases,
};

kunit_test_suite(journal_suite);
