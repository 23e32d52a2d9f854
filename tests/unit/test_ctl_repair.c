// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbdctl/repair.c tools/enbdctl/monitor_log.c */
/* When what is connected again: each rule with its times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "tools/enbdctl/monitor_log.h"
#include "tools/enbdctl/repair.h"

#define START	1000000
#define MAX	5000

static struct repair r;
static uint64_t now;

static int setup(void **state)
{
	(void)state;
	memset(&r, 0, sizeof(r));
	r.max_backoff = MAX;
	now = START;
	return 0;
}

static void see(unsigned int place, enum repair_state state, unsigned int path)
{
	repair_see(&r, place, state, path, now, 0);
}

static void done(unsigned int place, enum repair_outcome outcome)
{
	repair_done(&r, place, outcome, now, now, 0);
}

/* Channels 0 to @count - 1, all on path 0, have been connected for long. */
static void connected(unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		see(i, REPAIR_FINE, 0);
	now += 60000;
}

static void lost(unsigned int place)
{
	see(place, REPAIR_BROKEN, r.places[place].path);
}

static void backoff_doubles_up_to_the_limit(void **state)
{
	static const struct {
		unsigned int failures;
		uint32_t delay;
	} table[] = {
		{ 1, 100 }, { 2, 200 }, { 3, 400 }, { 4, 800 }, { 5, 1600 },
		{ 6, 3200 }, { 7, 5000 }, { 8, 5000 }, { 1000000000, 5000 },
		{ UINT32_MAX, 5000 },
	};
	uint32_t random, delay;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(repair_backoff(table[i].failures, MAX, 0),
				 table[i].delay);
		for (random = 1; random; random *= 2) {
			delay = repair_backoff(table[i].failures, MAX, random);
			assert_in_range(delay, table[i].delay / 2,
					table[i].delay);
		}
	}
	/* Limits below the first delay, and as large as can be asked for */
	assert_int_equal(repair_backoff(5, 1, 0), 1);
	assert_int_equal(repair_backoff(100, 3600000, 0), 3600000);
}

static void nothing_to_do(void **state)
{
	(void)state;
	assert_int_equal(repair_next(&r, now), -1);
	assert_true(repair_due(&r) == REPAIR_NEVER);
	connected(4);
	assert_int_equal(repair_next(&r, now), -1);
	assert_true(repair_due(&r) == REPAIR_NEVER);
}

static void a_lost_channel_is_tried_at_once(void **state)
{
	(void)state;
	connected(4);
	lost(2);
	assert_true(repair_due(&r) <= now);
	assert_int_equal(repair_next(&r, now), 2);
	/* Once. */
	assert_int_equal(repair_next(&r, now), -1);
	assert_true(repair_due(&r) == REPAIR_NEVER);
	done(2, REPAIR_DONE);
	assert_int_equal(repair_next(&r, now), -1);
	assert_int_equal(r.places[2].state, REPAIR_FINE);
}

/* One that was lost before the monitor began, and one that never was there */
static void broken_from_the_beginning(void **state)
{
	(void)state;
	see(0, REPAIR_BROKEN, 0);
	see(5, REPAIR_BROKEN, 5);
	assert_int_equal(repair_next(&r, now), 0);
	assert_int_equal(repair_next(&r, now), 5);
}

static void some_at_a_time(void **state)
{
	unsigned int i;

	(void)state;
	connected(10);
	for (i = 0; i < 10; i++)
		lost(i);
	for (i = 0; i < REPAIR_PARALLEL; i++)
		assert_int_equal(repair_next(&r, now), i);
	assert_int_equal(repair_next(&r, now), -1);
	done(1, REPAIR_DONE);
	assert_int_equal(repair_next(&r, now), 4);
	assert_int_equal(repair_next(&r, now), -1);
}

static void one_tries_for_all_after_a_failure(void **state)
{
	int i;

	(void)state;
	connected(4);
	for (i = 0; i < 4; i++)
		lost((unsigned int)i);
	for (i = 0; i < 4; i++)
		assert_int_equal(repair_next(&r, now), i);
	for (i = 0; i < 4; i++)
		repair_done(&r, (unsigned int)i, REPAIR_FAILED, now, now + 7,
			    0);
	/* Four that began together: one failure. */
	assert_int_equal(r.paths[0].failures, 1);
	assert_true(repair_due(&r) == now + 7 + 100);
	now += 106;
	assert_int_equal(repair_next(&r, now), -1);
	now += 1;
	assert_int_equal(repair_next(&r, now), 0);
	assert_int_equal(repair_next(&r, now), -1);
	done(0, REPAIR_FAILED);
	assert_true(repair_due(&r) == now + 200);
	now += 200;
	assert_int_equal(repair_next(&r, now), 0);
	done(0, REPAIR_DONE);
	/* The path is in order: the others at once, and together. */
	assert_int_equal(repair_next(&r, now), 1);
	assert_int_equal(repair_next(&r, now), 2);
	assert_int_equal(repair_next(&r, now), 3);
}

static void a_dead_path_delays_no_other(void **state)
{
	int i;

	(void)state;
	see(0, REPAIR_FINE, 0);
	see(1, REPAIR_FINE, 1);
	now += 60000;
	lost(0);
	assert_int_equal(repair_next(&r, now), 0);
	/* It hangs; then it fails again and again. */
	lost(1);
	assert_int_equal(repair_next(&r, now), 1);
	done(1, REPAIR_DONE);
	done(0, REPAIR_FAILED);
	for (i = 0; i < 10; i++) {
		now += MAX;
		assert_int_equal(repair_next(&r, now), 0);
		done(0, REPAIR_FAILED);
	}
	lost(1);
	assert_int_equal(repair_next(&r, now), 1);
	assert_true(repair_due(&r) == now + MAX);
}

/* Accepted and dropped, again and again: not in a hurry, and not in parallel */
static void what_does_not_last_is_no_success(void **state)
{
	static const unsigned int delays[] = { 100, 200, 400, 500, 500 };
	size_t i;

	(void)state;
	connected(2);
	lost(0);
	assert_int_equal(repair_next(&r, now), 0);
	done(0, REPAIR_DONE);
	lost(1);
	for (i = 0; i < 5; i++) {
		now += REPAIR_STABLE_MS - 1;
		lost(0);
		assert_true(repair_due(&r) == now + delays[i]);
		assert_int_equal(repair_next(&r, now), -1);
		now += delays[i];
		assert_int_equal(repair_next(&r, now), 0);
		assert_int_equal(repair_next(&r, now), -1);
		done(0, REPAIR_DONE);
	}
	/* After one that lasted all is forgotten. */
	now += REPAIR_STABLE_MS;
	lost(0);
	assert_int_equal(repair_next(&r, now), 0);
	assert_int_equal(repair_next(&r, now), 1);
}

static void removed_on_purpose_stays_away(void **state)
{
	(void)state;
	connected(2);
	lost(0);
	see(0, REPAIR_ABSENT, 0);
	assert_int_equal(repair_next(&r, now), -1);
	/* Also when it was removed during an attempt. */
	lost(1);
	assert_int_equal(repair_next(&r, now), 1);
	see(1, REPAIR_ABSENT, 0);
	done(1, REPAIR_AGAIN);
	now += MAX;
	assert_int_equal(repair_next(&r, now), -1);
	assert_true(repair_due(&r) == REPAIR_NEVER);
	assert_int_equal(r.paths[0].busy, 0);
}

/* Somebody else was faster: no failure, but no race without end either. */
static void overtaken(void **state)
{
	(void)state;
	connected(1);
	lost(0);
	assert_int_equal(repair_next(&r, now), 0);
	repair_done(&r, 0, REPAIR_AGAIN, now, now, 130);
	assert_int_equal(r.paths[0].failures, 0);
	assert_true(repair_due(&r) == now + 130 % REPAIR_AGAIN_MS);
	see(0, REPAIR_FINE, 0);
	assert_int_equal(repair_next(&r, now + 100), -1);
}

static void the_network_returns(void **state)
{
	int i;

	(void)state;
	connected(1);
	lost(0);
	for (i = 0; i < 20; i++) {
		assert_int_equal(repair_next(&r, now), 0);
		done(0, REPAIR_FAILED);
		now += MAX;
	}
	assert_int_equal(repair_next(&r, now), 0);
	done(0, REPAIR_FAILED);
	assert_int_equal(repair_next(&r, now), -1);
	repair_kick(&r, now);
	assert_int_equal(repair_next(&r, now), 0);
	done(0, REPAIR_FAILED);
	assert_true(repair_due(&r) == now + 100);
}

/* What began before the network returned says nothing about it. */
static void the_network_returns_during_an_attempt(void **state)
{
	const uint64_t started = START + 60000;

	(void)state;
	connected(1);
	lost(0);
	assert_int_equal(repair_next(&r, now), 0);
	now += 2000;
	repair_kick(&r, now);
	assert_int_equal(repair_next(&r, now), -1);
	now += 10;
	repair_done(&r, 0, REPAIR_FAILED, started, now, 0);
	assert_int_equal(r.paths[0].failures, 0);
	assert_int_equal(repair_next(&r, now), 0);
	/* But the next one does. */
	done(0, REPAIR_FAILED);
	assert_int_equal(r.paths[0].failures, 1);
	assert_int_equal(repair_next(&r, now), -1);
}

/* Another way for a place: the attempt under way is counted where it began. */
static void the_path_changes_during_an_attempt(void **state)
{
	(void)state;
	connected(2);
	lost(1);
	assert_int_equal(repair_next(&r, now), 1);
	see(1, REPAIR_BROKEN, 1);
	done(1, REPAIR_FAILED);
	assert_int_equal(r.paths[0].busy, 0);
	assert_int_equal(r.paths[1].busy, 0);
	see(1, REPAIR_BROKEN, 1);
	assert_int_equal(repair_next(&r, now), 1);
	assert_int_equal(r.paths[1].busy, 1);
}

static void says_a_reason_once(void **state)
{
	struct log_reason reason = { 0 };
	unsigned int hidden = 77;

	(void)state;
	assert_true(log_reason(&reason, "a", true, now, &hidden));
	assert_int_equal(hidden, 0);
	assert_false(log_reason(&reason, "a", true, now + 1, &hidden));
	assert_false(log_reason(&reason, "a", true, now + LOG_REMIND_MS - 1,
				&hidden));
	assert_true(log_reason(&reason, "a", true, now + LOG_REMIND_MS,
			       &hidden));
	assert_int_equal(hidden, 2);
	assert_true(log_reason(&reason, "b", true, now, &hidden));
	assert_int_equal(hidden, 0);
	assert_true(log_reason(&reason, "a", false, now, &hidden));
	assert_false(log_reason(&reason, "a", false, now + 100 * LOG_REMIND_MS,
				&hidden));
}

static void does_not_flood(void **state)
{
	struct log_bucket bucket = { 0 };
	unsigned int hidden, i, count = 0;

	(void)state;
	for (i = 0; i < 1000; i++)
		count += log_allow(&bucket, now, &hidden);
	assert_int_equal(count, LOG_BURST);
	now += LOG_REFILL_MS;
	assert_true(log_allow(&bucket, now, &hidden));
	assert_int_equal(hidden, 1000 - LOG_BURST);
	assert_false(log_allow(&bucket, now, &hidden));
	now += 1000 * LOG_REFILL_MS;
	for (count = 0, i = 0; i < 1000; i++)
		count += log_allow(&bucket, now, &hidden);
	assert_int_equal(count, LOG_BURST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(backoff_doubles_up_to_the_limit, setup),
		cmocka_unit_test_setup(nothing_to_do, setup),
		cmocka_unit_test_setup(a_lost_channel_is_tried_at_once, setup),
		cmocka_unit_test_setup(broken_from_the_beginning, setup),
		cmocka_unit_test_setup(some_at_a_time, setup),
		cmocka_unit_test_setup(one_tries_for_all_after_a_failure, setup),
		cmocka_unit_test_setup(a_dead_path_delays_no_other, setup),
		cmocka_unit_test_setup(what_does_not_last_is_no_success, setup),
		cmocka_unit_test_setup(removed_on_purpose_stays_away, setup),
		cmocka_unit_test_setup(overtaken, setup),
		cmocka_unit_test_setup(the_network_returns, setup),
		cmocka_unit_test_setup(the_network_returns_during_an_attempt,
				       setup),
		cmocka_unit_test_setup(the_path_changes_during_an_attempt,
				       setup),
		cmocka_unit_test_setup(says_a_reason_once, setup),
		cmocka_unit_test_setup(does_not_flood, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
