// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbd-server/layout.c */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/enbd-server/layout.h"

#define K 1024ull

/* Where byte @offset is, the slow and obvious way */
static void place(const struct layout *layout, const uint64_t *sizes,
		  uint64_t offset, unsigned int *member, uint64_t *at)
{
	unsigned int i;

	if (layout->stripe) {
		const uint64_t n = offset / layout->stripe;

		*member = (unsigned int)(n % layout->members);
		*at = n / layout->members * layout->stripe +
		      offset % layout->stripe;
		return;
	}
	for (i = 0; offset >= sizes[i]; i++)
		offset -= sizes[i];
	*member = i;
	*at = offset;
}

/*
 * Each byte of the range is in exactly one vector, at the place of its extent
 * that the member's offset says.
 */
static void check_range(const struct layout *layout, const uint64_t *sizes,
			uint64_t offset, uint64_t length)
{
	struct extent extents[MEMBERS_MAX];
	const uint64_t count = layout_vector_count(layout, offset, length);
	struct iovec *iov = calloc(count, sizeof(*iov));
	char *buf = malloc(length);
	uint64_t total = 0, vectors = 0;
	unsigned int i, j, n;

	n = layout_map(layout, offset, length, extents);
	assert_true(n >= 1 && n <= layout->members);
	for (i = 0; i < n; i++) {
		const struct extent *e = &extents[i];
		uint64_t at = e->offset, length_seen = 0;
		unsigned int got;

		assert_true(!i || e->member > extents[i - 1].member);
		assert_true(e->length > 0);
		assert_true(e->offset + e->length <= sizes[e->member]);
		got = layout_vectors(layout, offset, length, e, buf, iov);
		vectors += got;
		assert_true(vectors <= count);
		for (j = 0; j < got; j++) {
			const char *base = iov[j].iov_base;
			uint64_t k, where;
			unsigned int member;

			assert_true(base >= buf);
			assert_true(base + iov[j].iov_len <= buf + length);
			for (k = 0; k < iov[j].iov_len;
			     k += iov[j].iov_len > 1 ? iov[j].iov_len - 1 : 1) {
				place(layout, sizes,
				      offset + (uint64_t)(base - buf) + k,
				      &member, &where);
				assert_int_equal(member, e->member);
				assert_int_equal(where, at + k);
			}
			at += iov[j].iov_len;
			length_seen += iov[j].iov_len;
		}
		assert_int_equal(length_seen, e->length);
		total += length_seen;
	}
	assert_int_equal(total, length);
	free(buf);
	free(iov);
}

static void test_linear(void **state)
{
	const uint64_t sizes[] = { 5000, 0, 1, 4096, 0, 70000, 0 };
	struct layout layout;
	uint64_t offset;

	(void)state;
	assert_int_equal(layout_init(&layout, sizes, 7, 0), 0);
	assert_int_equal(layout.size, 5000 + 1 + 4096 + 70000);
	for (offset = 0; offset < layout.size; offset += 997) {
		check_range(&layout, sizes, offset, 1);
		check_range(&layout, sizes, offset, layout.size - offset);
		check_range(&layout, sizes, 0, offset + 1);
	}
	for (offset = 4990; offset < 5010; offset++)
		check_range(&layout, sizes, offset, 9);
	layout_free(&layout);
}

static void test_stripe(void **state)
{
	const uint64_t sizes[] = { 40 * K, 33 * K, 64 * K };
	struct layout layout;
	uint64_t offset;

	(void)state;
	assert_int_equal(layout_init(&layout, sizes, 3, 4096), 0);
	assert_int_equal(layout.size, 3 * 32 * K);
	for (offset = 0; offset < layout.size; offset += 1023) {
		check_range(&layout, sizes, offset, 1);
		check_range(&layout, sizes, offset, layout.size - offset);
		check_range(&layout, sizes, 0, offset + 1);
	}
	for (offset = 4000; offset < 4200; offset++)
		check_range(&layout, sizes, offset, 4096 * 2);
	layout_free(&layout);
}

static void test_random(void **state)
{
	uint64_t sizes[17];
	struct layout layout;
	unsigned int round, i, n;

	(void)state;
	srandom(1);
	for (round = 0; round < 3000; round++) {
		uint64_t offset, length;

		n = 1 + (unsigned int)random() % 17;
		for (i = 0; i < n; i++)
			sizes[i] = 8192 + (uint64_t)random() % 100000;
		assert_int_equal(layout_init(&layout, sizes, n,
					     random() % 2 ? 0 : 4096 *
					     (uint64_t)(1 + random() % 2)), 0);
		offset = (uint64_t)random() % layout.size;
		length = 1 + (uint64_t)random() % (layout.size - offset);
		check_range(&layout, sizes, offset, length);
		layout_free(&layout);
	}
}

/* Beyond 2 TiB, and at the end of what an offset can say */
static void test_large(void **state)
{
	const uint64_t huge[] = { 1ull << 62, (1ull << 62) - 1 };
	struct extent extents[2];
	struct layout layout;

	(void)state;
	assert_int_equal(layout_init(&layout, huge, 2, 0), 0);
	assert_int_equal(layout.size, INT64_MAX);
	assert_int_equal(layout_map(&layout, 0, layout.size, extents), 2);
	assert_int_equal(extents[1].length, (1ull << 62) - 1);
	assert_int_equal(layout_map(&layout, layout.size - 1, 1, extents), 1);
	assert_int_equal(extents[0].member, 1);
	assert_int_equal(extents[0].offset, (1ull << 62) - 2);
	layout_free(&layout);

	assert_int_equal(layout_init(&layout, huge, 2, 65536), 0);
	assert_int_equal(layout.size, INT64_MAX - 131071);
	assert_int_equal(layout_map(&layout, 0, layout.size, extents), 2);
	assert_int_equal(extents[0].offset, 0);
	assert_int_equal(extents[0].length, layout.size / 2);
	assert_int_equal(extents[1].length, layout.size / 2);
	assert_int_equal(layout_map(&layout, layout.size - 1, 1, extents), 1);
	assert_int_equal(extents[0].offset, layout.size / 2 - 1);
	layout_free(&layout);
}

static void test_refused(void **state)
{
	const uint64_t huge[] = { INT64_MAX, INT64_MAX, INT64_MAX };
	const uint64_t small[] = { 4095, 100000 };
	const uint64_t none[] = { 0, 0 };
	struct layout layout;

	(void)state;
	assert_int_equal(layout_init(&layout, huge, 2, 0), -EOVERFLOW);
	assert_int_equal(layout_init(&layout, huge, 3, 0), -EOVERFLOW);
	assert_int_equal(layout_init(&layout, huge, 3, 4096), -EOVERFLOW);
	assert_int_equal(layout_init(&layout, small, 2, 4096), -EINVAL);
	assert_int_equal(layout_init(&layout, small, 2, 4097), -EINVAL);
	assert_int_equal(layout_init(&layout, none, 2, 0), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_linear),
		cmocka_unit_test(test_stripe),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
