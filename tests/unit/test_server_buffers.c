// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbd-server/buffers.c */
/* Memory for data: its limit, and what becomes of what is not used. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/enbd-server/buffers.h"

#define MIB	(1u << 20)

static void test_cost(void **state)
{
	(void)state;
	assert_int_equal(buffers_cost(1), 4096);
	assert_int_equal(buffers_cost(4096), 4096);
	assert_int_equal(buffers_cost(4097), 8192);
	assert_int_equal(buffers_cost(32 * MIB), 32 * MIB);
}

static void test_limit(void **state)
{
	struct buffers *b = buffers_create(4 * MIB);
	void *two, *one, *rest;

	(void)state;
	two = buffers_get(b, MIB + 1);
	assert_non_null(two);
	assert_int_equal((uintptr_t)two % 4096, 0);
	memset(two, 1, 2 * MIB);
	one = buffers_get(b, MIB);
	assert_non_null(one);
	assert_null(buffers_get(b, MIB + 1));
	rest = buffers_get(b, MIB);
	assert_non_null(rest);
	assert_null(buffers_get(b, 1));
	buffers_put(b, two, MIB + 1);
	assert_null(buffers_get(b, 2 * MIB + 1));
	two = buffers_get(b, 2 * MIB);
	assert_non_null(two);
	buffers_put(b, two, 2 * MIB);
	buffers_put(b, one, MIB);
	buffers_put(b, rest, MIB);
	assert_null(buffers_get(b, 4 * MIB + 1));
	buffers_destroy(b);
}

/* What is kept for later is no obstacle to what is needed now. */
static void test_kept(void **state)
{
	struct buffers *b = buffers_create(4 * MIB);
	void *small[256], *all;
	unsigned int i;

	(void)state;
	for (i = 0; i < 256; i++) {
		small[i] = buffers_get(b, 4096);
		assert_non_null(small[i]);
	}
	for (i = 0; i < 256; i++)
		buffers_put(b, small[i], 4096);
	/* The last ones come back first. */
	for (i = 0; i < 256; i++)
		assert_ptr_equal(buffers_get(b, 4096), small[255 - i]);
	for (i = 0; i < 256; i++)
		buffers_put(b, small[i], 4096);
	all = buffers_get(b, 4 * MIB);
	assert_non_null(all);
	memset(all, 1, 4 * MIB);
	assert_null(buffers_get(b, 4096));
	buffers_put(b, all, 4 * MIB);
	small[0] = buffers_get(b, 4096);
	assert_non_null(small[0]);
	buffers_put(b, small[0], 4096);
	buffers_destroy(b);
}

/* Without any memory there is none. */
static void test_none(void **state)
{
	struct buffers *b = buffers_create(1);

	(void)state;
	assert_null(buffers_get(b, 1));
	buffers_destroy(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cost),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
