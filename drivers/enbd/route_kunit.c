// SPDX-License-Identifier: GPL-2.0
/* KUnit tests of route.h, by the tables that userspace runs as well. */
#include "kunit_table.h"

#include "route_cases.h"

KUNIT_TABLE(own)
KUNIT_TABLE(turn)
KUNIT_TABLE(route)

static struct kunit_case route_kunit_cases[] = {
	TABLE_CASE(own),
	TABLE_CASE(turn),
	TABLE_CASE(route),
	{}
};

static struct kunit_suite route_suite = {
	.name = "enbd_route",
	.test_cases = route_kunit_cases,
};

kunit_test_suite(route_suite);
