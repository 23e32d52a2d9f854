// SPDX-License-Identifier: GPL-2.0
/* link: tests/torture/block.c tests/torture/ledger.c */
/* The history checker finds what it is for, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "tests/torture/ledger.h"

#define RUN	0x1234567
#define UNITS	8

static struct ledger ledger;
static uint8_t disk[UNITS * UNIT_SIZE];
static unsigned int sector;
static struct unit allowed;

static int setup(void **state)
{
	(void)state;
	memset(disk, 0, sizeof(disk));
	return ledger_init(&ledger, UNITS, RUN);
}

static int teardown(void **state)
{
	(void)state;
	ledger_free(&ledger);
	return 0;
}

static uint8_t *at(uint32_t unit)
{
	return disk + unit * UNIT_SIZE;
}

static uint64_t begin(enum op op, uint32_t unit)
{
	uint64_t seq;

	assert_true(ledger_begin(&ledger, op, unit, 1, &seq));
	return seq;
}

/* A write that is done and acknowledged. */
static uint64_t written(uint32_t unit)
{
	uint64_t seq = begin(OP_WRITE, unit);

	block_fill(at(unit), RUN, unit, seq, 1);
	ledger_end(&ledger, OP_WRITE, unit, 1, true);
	return seq;
}

static struct window open_read(uint32_t unit)
{
	struct window w;

	ledger_read_begin(&ledger, unit, 1, &w);
	return w;
}

static enum verdict close_read(uint32_t unit, struct window w)
{
	return ledger_read_end(&ledger, unit, &w, at(unit), &allowed, &sector);
}

static enum verdict look(uint32_t unit)
{
	return close_read(unit, open_read(unit));
}

static void what_was_written_is_good(void **state)
{
	(void)state;
	assert_int_equal(look(3), VERDICT_GOOD);
	assert_int_equal(written(3), 1);
	assert_int_equal(written(3), 2);
	assert_int_equal(look(3), VERDICT_GOOD);
}

static void an_old_block(void **state)
{
	(void)state;
	written(2);
	written(2);
	block_fill(at(2), RUN, 2, 1, 1);
	assert_int_equal(look(2), VERDICT_OLD);
	assert_int_equal(allowed.low, 2);
}

static void a_lost_write(void **state)
{
	(void)state;
	written(2);
	begin(OP_WRITE, 2);
	ledger_end(&ledger, OP_WRITE, 2, 1, true);
	assert_int_equal(look(2), VERDICT_OLD);
}

static void a_first_write_lost(void **state)
{
	(void)state;
	begin(OP_WRITE, 2);
	ledger_end(&ledger, OP_WRITE, 2, 1, true);
	assert_int_equal(look(2), VERDICT_ZERO);
}

static void a_torn_block(void **state)
{
	uint8_t before[UNIT_SIZE];

	(void)state;
	written(2);
	memcpy(before, at(2), UNIT_SIZE);
	written(2);
	memcpy(at(2) + 5 * SECTOR_SIZE, before + 5 * SECTOR_SIZE, SECTOR_SIZE);
	assert_int_equal(look(2), VERDICT_TORN);
	assert_int_equal(sector, 5);
	/* Half a sector is not even that. */
	written(2);
	memcpy(at(2), before, SECTOR_SIZE / 2);
	assert_int_equal(look(2), VERDICT_BROKEN);
}

static void half_zero(void **state)
{
	(void)state;
	written(2);
	memset(at(2) + SECTOR_SIZE, 0, SECTOR_SIZE);
	assert_int_equal(look(2), VERDICT_TORN);
}

static void a_flipped_bit(void **state)
{
	(void)state;
	written(2);
	at(2)[UNIT_SIZE - 1] ^= 0x10;
	assert_int_equal(look(2), VERDICT_BROKEN);
	assert_int_equal(sector, 7);
}

static void misplaced(void **state)
{
	(void)state;
	written(2);
	written(4);
	memcpy(at(4), at(2), UNIT_SIZE);
	assert_int_equal(look(4), VERDICT_FOREIGN);
	block_fill(at(4), RUN + 1, 4, 1, 1);
	assert_int_equal(look(4), VERDICT_FOREIGN);
}

static void never_written(void **state)
{
	(void)state;
	written(2);
	block_fill(at(2), RUN, 2, 2, 1);
	assert_int_equal(look(2), VERDICT_FUTURE);
}

static void under_way(void **state)
{
	struct window w;
	uint64_t seq;

	(void)state;
	written(2);
	seq = begin(OP_WRITE, 2);
	assert_int_equal(look(2), VERDICT_GOOD);
	/* in the middle of it */
	block_fill(at(2), RUN, 2, seq, 1);
	memset(at(2), 1, 100);
	assert_int_equal(look(2), VERDICT_GOOD);
	block_fill(at(2), RUN, 2, seq, 1);
	w = open_read(2);
	assert_int_equal(look(2), VERDICT_GOOD);
	/* That one returned it: who begins later must not see the old one... */
	block_fill(at(2), RUN, 2, seq - 1, 1);
	assert_int_equal(look(2), VERDICT_OLD);
	/* ... but who began before may. */
	assert_int_equal(close_read(2, w), VERDICT_GOOD);
	ledger_end(&ledger, OP_WRITE, 2, 1, true);
	assert_int_equal(look(2), VERDICT_OLD);
}

static void one_writer_at_a_time(void **state)
{
	uint64_t seq[3];

	(void)state;
	begin(OP_WRITE, 2);
	assert_false(ledger_begin(&ledger, OP_WRITE, 1, 3, seq));
	assert_true(ledger_begin(&ledger, OP_WRITE, 3, 3, seq));
	ledger_end(&ledger, OP_WRITE, 2, 1, true);
	assert_true(ledger_begin(&ledger, OP_WRITE, 1, 2, seq));
	assert_int_equal(seq[0], 1);
	assert_int_equal(seq[1], 2);
}

static void a_failed_write(void **state)
{
	uint64_t seq;

	(void)state;
	written(2);
	seq = begin(OP_WRITE, 2);
	ledger_end(&ledger, OP_WRITE, 2, 1, false);
	assert_int_equal(look(2), VERDICT_GOOD);
	block_fill(at(2), RUN, 2, seq, 1);
	assert_int_equal(look(2), VERDICT_GOOD);
	/* Once it was seen it was done. */
	block_fill(at(2), RUN, 2, seq - 1, 1);
	assert_int_equal(look(2), VERDICT_OLD);
	/* After the next one it can no longer come. */
	written(2);
	assert_int_equal(look(2), VERDICT_GOOD);
	block_fill(at(2), RUN, 2, seq, 1);
	assert_int_equal(look(2), VERDICT_OLD);
}

static void many_failed(void **state)
{
	int i;

	(void)state;
	written(2);
	for (i = 0; i < 100; i++) {
		begin(OP_WRITE, 2);
		ledger_end(&ledger, OP_WRITE, 2, 1, false);
	}
	assert_int_equal(look(2), VERDICT_GOOD);
	written(2);
	assert_int_equal(look(2), VERDICT_GOOD);
	block_fill(at(2), RUN, 2, 101, 1);
	assert_int_equal(look(2), VERDICT_OLD);
	memset(at(2), 0, UNIT_SIZE);
	assert_int_equal(look(2), VERDICT_ZERO);
}

static void zeroes(void **state)
{
	(void)state;
	written(2);
	begin(OP_ZERO, 2);
	memset(at(2), 0, UNIT_SIZE);
	assert_int_equal(look(2), VERDICT_GOOD);
	ledger_end(&ledger, OP_ZERO, 2, 1, true);
	assert_int_equal(look(2), VERDICT_GOOD);
	block_fill(at(2), RUN, 2, 1, 1);
	assert_int_equal(look(2), VERDICT_OLD);
	written(2);
	memset(at(2), 0, UNIT_SIZE);
	assert_int_equal(look(2), VERDICT_ZERO);
}

static void trims(void **state)
{
	(void)state;
	written(2);
	begin(OP_TRIM, 2);
	ledger_end(&ledger, OP_TRIM, 2, 1, true);
	/* It may have done nothing, */
	assert_int_equal(look(2), VERDICT_GOOD);
	memset(at(2), 0, UNIT_SIZE);
	assert_int_equal(look(2), VERDICT_GOOD);
	/* but not undone. */
	block_fill(at(2), RUN, 2, 1, 1);
	assert_int_equal(look(2), VERDICT_OLD);
	written(2);
	memset(at(2), 0, UNIT_SIZE);
	assert_int_equal(look(2), VERDICT_ZERO);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_was_written_is_good),
		TEST(an_old_block),
		TEST(a_lost_write),
		TEST(a_first_write_lost),
		TEST(a_torn_block),
		TEST(half_zero),
		TEST(a_flipped_bit),
		TEST(misplaced),
		TEST(never_written),
		TEST(under_way),
		TEST(one_writer_at_a_time),
		TEST(a_failed_write),
		TEST(many_failed),
		TEST(zeroes),
		TEST(trims),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
