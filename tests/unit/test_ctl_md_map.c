// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbdctl/md_map.c */
/*
 * Where a range of a member is in the bitmap. For level 10 every answer is held
 * against the kernel's own way from a member's sector to the array's
 * (raid10_find_virt), for many shapes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "tools/enbdctl/md_map.h"

#define K	1024ull
#define M	(1024 * K)
#define BITS	8192

static bool marked[BITS];

static int mark(void *arg, uint64_t first, uint64_t last)
{
	unsigned int *calls = arg;

	if (calls)
		(*calls)++;
	assert_true(first <= last && last < BITS);
	for (; first <= last; first++)
		marked[first] = true;
	return 0;
}

static unsigned int count(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < BITS; i++)
		n += marked[i];
	return n;
}

static void clear(void)
{
	memset(marked, 0, sizeof(marked));
}

/* Levels whose bitmap counts what each member has */
static void test_plain(void **state)
{
	static const int levels[] = { 1, 4, 5, 6 };
	struct md_shape s = {
		.raid_disks = 4, .chunk = 512 * K, .member_size = 100 * M,
		.array_size = 300 * M, .bitmap_chunk = 64 * K,
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < 4; i++) {
		s.level = levels[i];
		clear();
		assert_int_equal(md_map_range(&s, 128 * K, 1, mark, NULL), 0);
		assert_true(marked[2]);
		assert_int_equal(count(), 1);
		clear();
		assert_int_equal(md_map_range(&s, 64 * K - 1, 2, mark, NULL), 0);
		assert_true(marked[0] && marked[1]);
		assert_int_equal(count(), 2);
		clear();
		assert_int_equal(md_map_range(&s, 100 * M - 1, M, mark, NULL), 0);
		assert_true(marked[1599]);
		assert_int_equal(count(), 1);
	}
}

static void test_nothing(void **state)
{
	struct md_shape s = {
		.level = 1, .raid_disks = 2, .member_size = 10 * M,
		.array_size = 10 * M, .bitmap_chunk = 64 * K,
	};
	unsigned int calls = 0;

	(void)state;
	assert_int_equal(md_map_range(&s, 10 * M, M, mark, &calls), 0);
	assert_int_equal(md_map_range(&s, UINT64_MAX - 5, 5, mark, &calls), 0);
	assert_int_equal(md_map_range(&s, 0, 0, mark, &calls), 0);
	assert_int_equal(calls, 0);
	clear();
	assert_int_equal(md_map_range(&s, 5, UINT64_MAX, mark, &calls), 0);
	assert_int_equal(count(), 160);
}

/* What is already in terms of the bitmap, of another one perhaps */
static void test_counted(void **state)
{
	struct md_shape s = {
		.level = 10, .layout = 0x102, .raid_disks = 4, .chunk = 64 * K,
		.member_size = 10 * M, .array_size = 20 * M,
		.bitmap_chunk = 64 * K,
	};
	unsigned int calls = 0;

	(void)state;
	assert_int_equal(md_map_size(&s), 20 * M);
	clear();
	assert_int_equal(md_map_counted(&s, 128 * K, 128 * K, mark, NULL), 0);
	assert_true(marked[2] && marked[3]);
	assert_int_equal(count(), 2);
	clear();
	assert_int_equal(md_map_counted(&s, 20 * M - 1, UINT64_MAX, mark, NULL),
			 0);
	assert_true(marked[319]);
	assert_int_equal(count(), 1);
	assert_int_equal(md_map_counted(&s, 20 * M, 1, mark, &calls), 0);
	assert_int_equal(md_map_counted(&s, UINT64_MAX, UINT64_MAX, mark,
					&calls), 0);
	assert_int_equal(md_map_counted(&s, 0, 0, mark, &calls), 0);
	assert_int_equal(calls, 0);

	s.level = 5;
	assert_int_equal(md_map_size(&s), 10 * M);
	clear();
	assert_int_equal(md_map_counted(&s, 0, 20 * M, mark, NULL), 0);
	assert_int_equal(count(), 160);
	s.bitmap_chunk = 0;
	assert_int_equal(md_map_counted(&s, 0, 1, mark, &calls), -1);
}

static void test_unknown(void **state)
{
	struct md_shape s = {
		.level = 1, .raid_disks = 2, .member_size = 10 * M,
		.array_size = 10 * M,
	};

	(void)state;
	assert_int_equal(md_map_range(&s, 0, 1, mark, NULL), -1);
	s.bitmap_chunk = 64 * K;
	s.level = 0;
	assert_int_equal(md_map_range(&s, 0, 1, mark, NULL), -1);
	s.level = 10;
	s.chunk = 64 * K;
	s.layout = 0;
	assert_int_equal(md_map_range(&s, 0, 1, mark, NULL), -1);
	s.layout = 0x103;	/* three copies on two disks */
	assert_int_equal(md_map_range(&s, 0, 1, mark, NULL), -1);
}

static int stop(void *arg, uint64_t first, uint64_t last)
{
	(void)arg;
	(void)first;
	(void)last;
	return 7;
}

static void test_stop(void **state)
{
	struct md_shape s = {
		.level = 10, .layout = 0x102, .raid_disks = 4, .chunk = 64 * K,
		.member_size = 10 * M, .array_size = 20 * M,
		.bitmap_chunk = 64 * K,
	};

	(void)state;
	assert_int_equal(md_map_range(&s, 0, M, stop, NULL), 7);
}

/* drivers/md/raid10.c, in chunks instead of sectors, without far sets */
static uint64_t find_virt(uint64_t chunk, int64_t dev, uint32_t layout,
			  int64_t disks, uint64_t stride)
{
	const int64_t near = layout & 0xff, far = layout >> 8 & 0xff;
	int64_t fc;

	if (layout & 1 << 16) {
		fc = (int64_t)(chunk % (uint64_t)far);
		chunk /= (uint64_t)far;
		dev -= fc * near;
		if (dev < 0)
			dev += disks;
	} else {
		while (chunk >= stride) {
			chunk -= stride;
			if (dev < near)
				dev += disks - near;
			else
				dev -= near;
		}
	}
	return (chunk * (uint64_t)disks + (uint64_t)dev) / (uint64_t)near;
}

static void test_ten(void **state)
{
	static const uint32_t layouts[] = { 0x102, 0x201, 0x10201, 0x103,
					    0x202, 0x10202, 0x301 };
	struct md_shape s = {
		.level = 10, .chunk = 64 * K, .bitmap_chunk = 32 * K,
	};
	unsigned int i;
	uint64_t c, v, stride;
	uint32_t dev;

	(void)state;
	for (i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		s.layout = layouts[i];
		const uint64_t near = s.layout & 0xff, far = s.layout >> 8 & 0xff;

		for (s.raid_disks = (uint32_t)(near * far); s.raid_disks < 7;
		     s.raid_disks++) {
			stride = 60 / far;
			s.member_size = stride * far * s.chunk;
			s.array_size = stride * s.raid_disks / near * s.chunk;
			for (c = 0; c < stride * far; c++) {
				clear();
				assert_int_equal(md_map_range(&s,
					c * s.chunk + 1000, 5, mark, NULL), 0);
				for (dev = 0; dev < s.raid_disks; dev++) {
					v = find_virt(c, dev, s.layout,
						      s.raid_disks, stride);
					if ((v + 1) * s.chunk > s.array_size)
						continue;
					assert_true(marked[2 * v]);
					assert_true(marked[2 * v + 1]);
				}
				/* and not much more than the stripe */
				assert_true(count() <= 2 * (s.raid_disks / near + 2));
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_counted),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_ten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
