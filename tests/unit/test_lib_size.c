// SPDX-License-Identifier: GPL-2.0
/* Sizes, times and numbers as people write them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "size.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *text;
	int rc;
	uint64_t bytes;
} sizes[] = {
	{ "0", 0, 0 },
	{ "512", 0, 512 },
	{ "512B", 0, 512 },
	{ "1k", 0, 1024 },
	{ "1K", 0, 1024 },
	{ "1KiB", 0, 1024 },
	{ "1kb", 0, 1024 },
	{ "2M", 0, 2 << 20 },
	{ "1.5G", 0, 1536ULL << 20 },
	{ "0.5k", 0, 512 },
	{ "3T", 0, 3ULL << 40 },
	{ "0x1000", 0, 4096 },
	{ "0XfF", 0, 255 },
	{ "1.0", 0, 1 },
	{ "9223372036854775807", 0, INT64_MAX },
	{ "9223372036854775808", -ERANGE, 0 },
	{ "8E", -ERANGE, 0 },
	{ "7E", 0, 7ULL << 60 },
	{ "99999999999999999999", -ERANGE, 0 },
	{ "18446744073709551616", -ERANGE, 0 },
	{ "", -EINVAL, 0 },
	{ "-1", -EINVAL, 0 },
	{ "+1", -EINVAL, 0 },
	{ " 1", -EINVAL, 0 },
	{ "1 k", -EINVAL, 0 },
	{ "k", -EINVAL, 0 },
	{ "1kk", -EINVAL, 0 },
	{ "1z", -EINVAL, 0 },
	{ "1.", -EINVAL, 0 },
	{ ".5k", -EINVAL, 0 },
	{ "0.3", -EINVAL, 0 },
	{ "0.0001k", -EINVAL, 0 },
	{ "0x", -EINVAL, 0 },
	{ "0x10k", -EINVAL, 0 },
	{ "1.00000000000000000000000001k", -ERANGE, 0 },
};

static void parses_sizes(void **state)
{
	uint64_t bytes;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(sizes); i++) {
		bytes = 12345;
		if (enbd_parse_size(sizes[i].text, &bytes) != sizes[i].rc)
			fail_msg("%s", sizes[i].text);
		if (!sizes[i].rc)
			assert_int_equal(bytes, sizes[i].bytes);
	}
}

static const struct {
	const char *text;
	int rc;
	uint32_t ms;
} times[] = {
	{ "0", 0, 0 },
	{ "30", 0, 30000 },
	{ "30s", 0, 30000 },
	{ "0.5", 0, 500 },
	{ "0.001", 0, 1 },
	{ "1.25s", 0, 1250 },
	{ "4294967", 0, 4294967000U },
	{ "4294967.295", 0, UINT32_MAX },
	{ "4294967.296", -ERANGE, 0 },
	{ "4294968", -ERANGE, 0 },
	{ "99999999999", -ERANGE, 0 },
	{ "0.0001", -EINVAL, 0 },
	{ "", -EINVAL, 0 },
	{ "s", -EINVAL, 0 },
	{ "-1", -EINVAL, 0 },
	{ "1m", -EINVAL, 0 },
	{ "1ss", -EINVAL, 0 },
};

static void parses_times(void **state)
{
	uint32_t ms;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(times); i++) {
		if (enbd_parse_seconds(times[i].text, &ms) != times[i].rc)
			fail_msg("%s", times[i].text);
		if (!times[i].rc)
			assert_int_equal(ms, times[i].ms);
	}
}

static void parses_numbers(void **state)
{
	uint32_t n;

	(void)state;
	assert_int_equal(enbd_parse_u32("64", 1, 64, &n), 0);
	assert_int_equal(n, 64);
	assert_int_equal(enbd_parse_u32("65", 1, 64, &n), -ERANGE);
	assert_int_equal(enbd_parse_u32("0", 1, 64, &n), -ERANGE);
	assert_int_equal(enbd_parse_u32("4294967296", 0, UINT32_MAX, &n),
			 -ERANGE);
	assert_int_equal(enbd_parse_u32("4294967295", 0, UINT32_MAX, &n), 0);
	assert_int_equal(enbd_parse_u32("1x", 0, 9, &n), -EINVAL);
	assert_int_equal(enbd_parse_u32("", 0, 9, &n), -EINVAL);
	assert_int_equal(enbd_parse_u32("-1", 0, 9, &n), -EINVAL);
}

static void formats_sizes(void **state)
{
	char buf[16];

	(void)state;
	assert_string_equal(enbd_format_size(buf, 16, 0), "0 B");
	assert_string_equal(enbd_format_size(buf, 16, 1023), "1023 B");
	assert_string_equal(enbd_format_size(buf, 16, 1024), "1 KiB");
	assert_string_equal(enbd_format_size(buf, 16, 1536), "1.5 KiB");
	assert_string_equal(enbd_format_size(buf, 16, 3ULL << 40), "3 TiB");
	assert_string_equal(enbd_format_size(buf, 16, UINT64_MAX), "16 EiB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_sizes),
		cmocka_unit_test(parses_times),
		cmocka_unit_test(parses_numbers),
		cmocka_unit_test(formats_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
