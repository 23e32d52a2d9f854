// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbdctl/md_super.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <endian.h>
#include <linux/raid/md_p.h>
#include <string.h>

#include "tools/enbdctl/md_super.h"

#define FAULTY	0xfffe
#define SPARE	0xffff

static union {
	struct mdp_superblock_1 sb;
	uint8_t bytes[MD_SUPER_SIZE];
} block;

static void sum(void)
{
	const size_t size = sizeof(block.sb) + 2 * le32toh(block.sb.max_dev);
	uint64_t n = 0;
	uint32_t word;
	size_t i;

	block.sb.sb_csum = 0;
	for (i = 0; i + 4 <= size; i += 4) {
		memcpy(&word, block.bytes + i, 4);
		n += le32toh(word);
	}
	block.sb.sb_csum = htole32((uint32_t)((n & 0xffffffff) + (n >> 32)));
}

/* Member @number of an array of @disks, all of which work */
static void make(uint8_t array, uint32_t number, uint32_t disks,
		 uint64_t events)
{
	uint32_t i;

	memset(&block, 0, sizeof(block));
	block.sb.magic = htole32(MD_SB_MAGIC);
	block.sb.major_version = htole32(1);
	memset(block.sb.set_uuid, array, 16);
	memset(block.sb.device_uuid, 0x50 + (int)number, 16);
	block.sb.events = htole64(events);
	block.sb.raid_disks = htole32(disks);
	block.sb.dev_number = htole32(number);
	block.sb.super_offset = htole64(8);
	block.sb.max_dev = htole32(128);
	for (i = 0; i < 128; i++)
		block.sb.dev_roles[i] = htole16(i < disks ? i : SPARE);
	sum();
}

static const char *parse(struct md_super *super)
{
	return md_super_parse(block.bytes, 8, super);
}

static void test_good(void **state)
{
	struct md_super s;

	(void)state;
	make(1, 1, 3, 77);
	block.sb.dev_roles[2] = htole16(FAULTY);
	block.sb.data_offset = htole64(2048);
	sum();
	assert_null(parse(&s));
	assert_int_equal(s.data, 2048);
	assert_int_equal(s.events, 77);
	assert_int_equal(s.raid_disks, 3);
	assert_int_equal(s.role, 1);
	assert_true(s.active[0] && s.active[1] && !s.active[2]);
	assert_int_equal(s.array[15], 1);
	assert_int_equal(s.device[0], 0x51);
}

static void test_places(void **state)
{
	struct md_super s;

	(void)state;
	make(1, 1, 3, 77);
	block.sb.resync_offset = htole64(UINT64_MAX);
	block.sb.bitmap_offset = htole32(8);
	block.sb.data_offset = htole64(2048);
	block.sb.data_size = htole64(1000);
	sum();
	assert_null(parse(&s));
	assert_false(s.dirty || s.partly);
	assert_int_equal(s.bitmap, 0);
	assert_int_equal(s.data, 2048);
	assert_int_equal(s.data_end, 3048);

	block.sb.feature_map = htole32(MD_FEATURE_BITMAP_OFFSET |
				       MD_FEATURE_RECOVERY_OFFSET);
	block.sb.resync_offset = htole64(0);
	sum();
	assert_null(parse(&s));
	assert_true(s.dirty && s.partly);
	assert_int_equal(s.bitmap, 16);
	block.sb.bitmap_offset = htole32((uint32_t)-7);
	sum();
	assert_null(parse(&s));
	assert_int_equal(s.bitmap, 1);
	block.sb.bitmap_offset = htole32((uint32_t)-8);
	sum();
	assert_null(parse(&s));
	assert_int_equal(s.bitmap, 0);
	block.sb.bitmap_offset = htole32(1u << 31);
	sum();
	assert_null(parse(&s));
	assert_int_equal(s.bitmap, 0);

	block.sb.data_offset = htole64(INT64_MAX / 512);
	block.sb.data_size = htole64(UINT64_MAX);
	sum();
	assert_null(parse(&s));
	assert_true(s.data <= s.data_end);
	block.sb.data_offset = htole64(UINT64_MAX);
	sum();
	assert_non_null(parse(&s));
}

static void test_none(void **state)
{
	struct md_super s;

	(void)state;
	memset(&block, 0, sizeof(block));
	assert_non_null(parse(&s));
	make(1, 0, 2, 5);
	assert_non_null(md_super_parse(block.bytes, 0, &s));
	block.sb.major_version = 0;
	sum();
	assert_non_null(parse(&s));
	make(1, 0, 2, 5);
	block.sb.max_dev = htole32(1921);
	assert_non_null(parse(&s));
	block.sb.max_dev = htole32(UINT32_MAX);
	assert_non_null(parse(&s));
	make(1, 0, 2, 5);
	block.sb.events = htole64(6);
	assert_non_null(parse(&s));
	make(1, 0, 2, 5);
	block.sb.data_offset = htole64(UINT64_MAX / 512);
	sum();
	assert_non_null(parse(&s));
}

static void test_spare(void **state)
{
	struct md_super s;

	(void)state;
	make(1, 5, 2, 5);
	assert_null(parse(&s));
	assert_int_equal(s.role, -1);
	make(1, 1, 2, 5);
	block.sb.dev_number = htole32(4000000);
	sum();
	assert_null(parse(&s));
	assert_int_equal(s.role, -1);
}

static void get(struct md_super *s, uint8_t array, uint32_t number,
		uint32_t disks, uint64_t events)
{
	make(array, number, disks, events);
	assert_null(parse(s));
}

static void test_fits(void **state)
{
	struct md_super others[3], m;

	(void)state;
	get(&others[0], 1, 0, 4, 20);
	get(&others[1], 1, 1, 4, 21);
	get(&others[2], 1, 2, 4, 21);
	get(&m, 1, 3, 4, 10);
	assert_null(md_super_fits(&m, others, 3));
	m.events = 21;
	assert_null(md_super_fits(&m, others, 3));
	m.events = 22;
	assert_non_null(strstr(md_super_fits(&m, others, 3), "newer"));

	get(&m, 2, 3, 4, 10);
	assert_non_null(strstr(md_super_fits(&m, others, 3), "another array"));
	get(&m, 1, 3, 5, 10);
	assert_non_null(strstr(md_super_fits(&m, others, 3), "shape"));
	get(&m, 1, 1, 4, 10);
	assert_non_null(strstr(md_super_fits(&m, others, 3), "copy"));
	m.device[3] = 0;
	assert_non_null(strstr(md_super_fits(&m, others, 3), "taken"));
	get(&m, 1, 3, 4, 10);
	m.role = -1;
	assert_non_null(strstr(md_super_fits(&m, others, 3), "no place"));
}

/* Both halves of a mirror were used without the other. */
static void test_lived_on(void **state)
{
	struct md_super other, m;

	(void)state;
	get(&other, 1, 0, 2, 50);
	get(&m, 1, 1, 2, 40);
	assert_null(md_super_fits(&m, &other, 1));
	m.active[0] = false;
	assert_non_null(strstr(md_super_fits(&m, &other, 1), "lived on"));
}

/* Two of four went one after the other: the last knows of one that is there. */
static void test_one_after_the_other(void **state)
{
	struct md_super others[2], m;

	(void)state;
	get(&others[0], 1, 0, 4, 50);
	get(&others[1], 1, 2, 4, 50);
	get(&m, 1, 1, 4, 40);
	m.active[2] = false;
	m.active[3] = false;
	assert_null(md_super_fits(&m, others, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_spare),
		cmocka_unit_test(test_fits),
		cmocka_unit_test(test_lived_on),
		cmocka_unit_test(test_one_after_the_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
