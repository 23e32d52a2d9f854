// SPDX-License-Identifier: GPL-2.0
/* KUnit tests of failover.c, by the tables that userspace runs as well. */
#include "kunit_table.h"

#include "failover.c"
#include "failover_cases.h"

KUNIT_TABLE(fencing)
KUNIT_TABLE(hold)
KUNIT_TABLE(admit)
KUNIT_TABLE(takeover)
KUNIT_TABLE(fence)
KUNIT_TABLE(pulse)

static struct kunit_case failover_cases[] = {
	TABLE_CASE(fencing),
	TABLE_CASE(hold),
	TABLE_CASE(admit),
	TABLE_CASE(takeover),
	TABLE_CASE(fence),
	TABLE_CASE(pulse),
	{}
};

static struct kunit_suite failover_suite = {
	.name = "enbd_failover",
	.test_cases = failover_cases,
};

kunit_test_suite(failover_suite);
