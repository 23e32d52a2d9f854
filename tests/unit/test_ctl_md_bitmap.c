// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbdctl/md_bitmap.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <endian.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tools/enbdctl/md_bitmap.h"

#define K	1024ull
#define M	(1024 * K)

static uint8_t head[MD_BITMAP_HEAD];
static struct md_super super;

static void put32(unsigned int at, uint32_t n)
{
	n = htole32(n);
	memcpy(head + at, &n, sizeof(n));
}

static void put64(unsigned int at, uint64_t n)
{
	n = htole64(n);
	memcpy(head + at, &n, sizeof(n));
}

/* As mdadm makes it: format 1.2, data from 1 MiB on, chunks of 64 KiB */
static void make(void)
{
	memset(&super, 0, sizeof(super));
	memset(super.array, 7, MD_UUID_LEN);
	super.events = 20;
	super.bitmap = 16;
	super.data = 2048;
	super.data_end = 2048 + 63 * 2048;
	memset(head, 0, sizeof(head));
	put32(0, 0x6d746962);
	put32(4, 4);
	memset(head + 8, 7, MD_UUID_LEN);
	put64(24, 20);
	put64(32, 18);
	put64(40, 63 * 2048);
	put32(52, 65536);
	put32(56, 5);
}

static const char *parse(struct md_bitmap *b)
{
	return md_bitmap_parse(head, &super, 63 * M, b);
}

static void test_good(void **state)
{
	struct md_bitmap b;

	(void)state;
	make();
	assert_null(parse(&b));
	assert_int_equal(b.chunk, 64 * K);
	assert_int_equal(b.count, 63 * 16);
	assert_int_equal(b.first, 8192 + 256);
	assert_int_equal(b.end, 8192 + 256 + 126);

	/* The smaller of both sizes; the last bit may be for less. */
	assert_null(md_bitmap_parse(head, &super, M + 1, &b));
	assert_int_equal(b.count, 17);
	assert_int_equal(b.end, b.first + 3);
	put64(40, 1);
	assert_null(parse(&b));
	assert_int_equal(b.count, 1);
	put64(40, UINT64_MAX);
	assert_null(parse(&b));
	assert_int_equal(b.count, 63 * 16);
}

/* Format 1.0 has the bitmap behind the data. */
static void test_behind(void **state)
{
	struct md_bitmap b;

	(void)state;
	make();
	super.data = 0;
	super.data_end = 63 * 2048;
	super.bitmap = 63 * 2048;
	assert_null(parse(&b));
	assert_int_equal(b.first, 63 * M + 256);
	super.bitmap--;
	assert_non_null(parse(&b));
}

static void test_events(void **state)
{
	struct md_bitmap b;

	(void)state;
	make();
	put64(24, 21);
	assert_null(parse(&b));
	/* The array was becoming clean. */
	put64(24, 19);
	assert_null(parse(&b));
	put64(24, 18);
	assert_string_equal(parse(&b), "its bitmap is out of date");
	put64(24, 0);
	super.events = 0;
	assert_null(parse(&b));
	make();
	put32(48, 1 << 1);
	assert_string_equal(parse(&b), "its bitmap is out of date");
	put32(48, 1 << 2);
	assert_string_equal(parse(&b), "its bitmap is out of date");
}

static void test_none(void **state)
{
	struct md_bitmap b;
	uint32_t version;

	(void)state;
	make();
	super.bitmap = 0;
	assert_string_equal(parse(&b), "it has no bitmap");
	make();
	put32(0, 0x6d746963);
	assert_string_equal(parse(&b), "it has no bitmap");
	/* 3 is big endian somewhere, 5 is for clusters, 6 is no such bitmap. */
	for (version = 0; version < 10; version++) {
		make();
		put32(4, version);
		assert_int_equal(!parse(&b), version == 4);
	}
	make();
	head[8 + 15] ^= 1;
	assert_string_equal(parse(&b), "its bitmap is of another array");
}

static void test_damaged(void **state)
{
	static const uint32_t chunks[] = { 0, 1, 256, 65537, UINT32_MAX };
	struct md_bitmap b;
	unsigned int i;

	(void)state;
	for (i = 0; i < 5; i++) {
		make();
		put32(52, chunks[i]);
		assert_string_equal(parse(&b), "its bitmap is damaged");
	}
	make();
	put32(52, 1u << 31);
	assert_null(parse(&b));
	assert_int_equal(b.count, 1);
	/* In the data, or over their begin */
	make();
	super.bitmap = 2048;
	assert_string_equal(parse(&b), "its bitmap is damaged");
	super.bitmap = 2047;
	assert_null(parse(&b));
	super.data = 2048 - 1;
	assert_string_equal(parse(&b), "its bitmap is damaged");
	/* Nowhere */
	make();
	super.bitmap = UINT64_MAX;
	super.data_end = UINT64_MAX;
	parse(&b);
	assert_true(b.first <= b.end);
	/* More than anybody needs */
	make();
	super.data = UINT64_MAX / 1024;
	super.data_end = UINT64_MAX / 512;
	put64(40, UINT64_MAX);
	put32(52, 512);
	assert_null(md_bitmap_parse(head, &super, 8 * K * 8 * M, &b));
	assert_string_equal(md_bitmap_parse(head, &super, 8 * K * 8 * M + 1, &b),
			    "its bitmap is damaged");
	assert_string_equal(md_bitmap_parse(head, &super, UINT64_MAX, &b),
			    "its bitmap is damaged");
}

#define BITS	4096

static bool seen[BITS];
static unsigned int calls;
static uint64_t last_end;

static int each(void *arg, uint64_t first, uint64_t last)
{
	const unsigned int *stop = arg;

	/* In order, and no two that touch */
	assert_true(!calls || first > last_end + 1);
	assert_true(first <= last && last < BITS);
	last_end = last;
	for (; first <= last; first++)
		seen[first] = true;
	return ++calls == *stop ? 5 : 0;
}

static int scan(const uint8_t *data, size_t size, uint64_t count, size_t step,
		unsigned int stop)
{
	struct md_runs runs;
	size_t i;
	int rc = 0;

	calls = 0;
	memset(seen, 0, sizeof(seen));
	md_runs_begin(&runs, count, each, &stop);
	for (i = 0; i < size && !rc; i += step)
		rc = md_runs_add(&runs, data + i,
				 size - i < step ? size - i : step);
	return rc ? rc : md_runs_end(&runs);
}

static void test_runs(void **state)
{
	const uint8_t data[] = { 0x01, 0x80, 0xff, 0x01, 0x00, 0xf0, 0xff };

	(void)state;
	assert_int_equal(scan(data, 7, 56, 7, 0), 0);
	assert_int_equal(calls, 3);
	assert_true(seen[0] && !seen[1] && seen[15] && seen[24] && !seen[25]);
	assert_true(seen[44] && seen[55]);
	/* What lies behind the last bit means nothing. */
	assert_int_equal(scan(data, 7, 46, 7, 0), 0);
	assert_true(seen[45] && !seen[46]);
	assert_int_equal(scan(data, 7, 1, 7, 0), 0);
	assert_true(calls == 1 && seen[0] && !seen[15]);
	assert_int_equal(scan(data, 7, 0, 7, 0), 0);
	assert_int_equal(calls, 0);
	assert_int_equal(scan(data, 7, 56, 7, 2), 5);
	assert_int_equal(calls, 2);
	assert_int_equal(scan(data, 7, 56, 7, 3), 5);
}

static void test_runs_random(void **state)
{
	uint8_t data[BITS / 8];
	unsigned int i, round;
	uint64_t count;

	(void)state;
	srand(1);
	for (round = 0; round < 500; round++) {
		for (i = 0; i < sizeof(data); i++)
			data[i] = rand() % 3 ? rand() % 2 * 0xff : rand();
		count = (unsigned int)rand() % BITS;
		assert_int_equal(scan(data, sizeof(data), count,
				      1 + (unsigned int)rand() % 99, 0), 0);
		for (i = 0; i < BITS; i++)
			assert_int_equal(seen[i], i < count &&
					 data[i / 8] >> i % 8 & 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_behind),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_runs_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
