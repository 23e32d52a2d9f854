// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbd-server/handshake.c tools/enbd-server/proto.c */
#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <linux/enbd_wire.h>

#include "tools/enbd-server/handshake.h"

static struct target first = {
	.info = {
		.name = "first",
		.description = "The first",
		.size = 1ull << 42,
		.block_min = 512,
		.block_pref = 4096,
		.block_max = 1 << 25,
	},
};

static struct target second = {
	.info = {
		.name = "second/\xc3\xa4",
		.size = 4096,
		.block_min = 1,
		.block_pref = 4096,
		.block_max = 1 << 25,
		.read_only = true,
	},
};

static struct target *const targets[] = { &first, &second };

/* A client: what it sends, and what it was answered */
struct client {
	struct handshake hs;
	unsigned char in[1 << 20];
	size_t in_len;
	unsigned char out[1 << 16];
	size_t out_len;
	size_t out_read;
	size_t limit;
};

static bool take_answer(void *ctx, const void *data, size_t len)
{
	struct client *c = ctx;

	if (c->out_len + len > c->limit)
		return false;
	memcpy(c->out + c->out_len, data, len);
	c->out_len += len;
	return true;
}

static void add(struct client *c, const void *data, size_t len)
{
	assert_true(c->in_len + len <= sizeof(c->in));
	memcpy(c->in + c->in_len, data, len);
	c->in_len += len;
}

static void add16(struct client *c, uint16_t value)
{
	value = htobe16(value);
	add(c, &value, sizeof(value));
}

static void add32(struct client *c, uint32_t value)
{
	value = htobe32(value);
	add(c, &value, sizeof(value));
}

static void add_header(struct client *c, uint32_t option, uint32_t len)
{
	const uint64_t magic = htobe64(ENBD_IHAVEOPT);

	add(c, &magic, sizeof(magic));
	add32(c, option);
	add32(c, len);
}

static void add_name(struct client *c, const char *name)
{
	add32(c, (uint32_t)strlen(name));
	add(c, name, strlen(name));
}

static void add_go(struct client *c, uint32_t option, const char *name,
		   unsigned int infos, const uint16_t *info)
{
	unsigned int i;

	add_header(c, option, (uint32_t)(4 + strlen(name) + 2 + 2 * infos));
	add_name(c, name);
	add16(c, (uint16_t)infos);
	for (i = 0; i < infos; i++)
		add16(c, info[i]);
}

static struct client *greet(uint32_t flags)
{
	struct client *c = calloc(1, sizeof(*c));
	const struct hs_output out = { .write = take_answer, .ctx = c };

	c->limit = sizeof(c->out);
	hs_start(&c->hs, targets, 2, &out);
	assert_int_equal(c->out_len, 18);
	assert_memory_equal(c->out, "NBDMAGICIHAVEOPT\0\3", 18);
	c->out_read = 18;
	add32(c, flags);
	return c;
}

/* Feed what was added, @step bytes more at a time. */
static void feed(struct client *c, size_t step)
{
	size_t head = 0, have = 0;

	while (have < c->in_len || head < have) {
		size_t n;

		if (c->hs.state == HS_TRANSMIT || c->hs.state == HS_CLOSE)
			break;
		n = hs_consume(&c->hs, c->in + head, have - head);
		assert_true(n <= have - head);
		head += n;
		if (n)
			continue;
		assert_true(have - head < HS_INPUT_MAX);
		if (have == c->in_len)
			break;
		have += step < c->in_len - have ? step : c->in_len - have;
	}
	c->in_len = 0;
}

static uint32_t get32(const unsigned char *p)
{
	uint32_t be;

	memcpy(&be, p, sizeof(be));
	return be32toh(be);
}

/* The next reply must be of this type. Return: its payload */
static const unsigned char *expect(struct client *c, uint32_t option,
				   uint32_t type, uint32_t *len)
{
	const unsigned char *p = c->out + c->out_read;

	assert_true(c->out_len - c->out_read >= 20);
	assert_memory_equal(p, "\x00\x03\xe8\x89\x04\x55\x65\xa9", 8);
	assert_int_equal(get32(p + 8), option);
	assert_int_equal(get32(p + 12), type);
	assert_true(c->out_len - c->out_read >= 20 + get32(p + 16));
	c->out_read += 20 + get32(p + 16);
	if (len)
		*len = get32(p + 16);
	return p + 20;
}

static void expect_end(const struct client *c)
{
	assert_int_equal(c->out_read, c->out_len);
}

static void test_go(void **state)
{
	static const uint16_t wanted[] = {
		ENBD_INFO_NAME, ENBD_INFO_DESCRIPTION, ENBD_INFO_BLOCK_SIZE,
		77,
	};
	static const size_t steps[] = { 1, 7, 100000 };
	const unsigned char *p;
	unsigned int i;
	uint32_t len;

	(void)state;
	for (i = 0; i < 3; i++) {
		struct client *c = greet(3);

		add_header(c, ENBD_OPT_STRUCTURED_REPLY, 0);
		add_go(c, ENBD_OPT_INFO, "second/\xc3\xa4", 0, NULL);
		add_go(c, ENBD_OPT_GO, "first", 4, wanted);
		feed(c, steps[i]);
		expect(c, ENBD_OPT_STRUCTURED_REPLY, ENBD_REP_ACK, &len);
		assert_int_equal(len, 0);
		p = expect(c, ENBD_OPT_INFO, ENBD_REP_INFO, &len);
		assert_memory_equal(p, "\0\0\0\0\0\0\0\0\x10\0", 10);
		p = expect(c, ENBD_OPT_INFO, ENBD_REP_INFO, &len);
		assert_memory_equal(p, "\0\3\0\0\0\1\0\0\x10\0\2\0\0\0", 14);
		expect(c, ENBD_OPT_INFO, ENBD_REP_ACK, NULL);
		p = expect(c, ENBD_OPT_GO, ENBD_REP_INFO, &len);
		assert_int_equal(len, 12);
		assert_memory_equal(p, "\0\0\0\0\4\0\0\0\0\0", 10);
		p = expect(c, ENBD_OPT_GO, ENBD_REP_INFO, &len);
		assert_memory_equal(p, "\0\3\0\0\2\0", 6);
		p = expect(c, ENBD_OPT_GO, ENBD_REP_INFO, &len);
		assert_int_equal(len, 7);
		assert_memory_equal(p, "\0\1first", 7);
		p = expect(c, ENBD_OPT_GO, ENBD_REP_INFO, &len);
		assert_memory_equal(p, "\0\2The first", 11);
		expect(c, ENBD_OPT_GO, ENBD_REP_ACK, NULL);
		expect_end(c);
		assert_int_equal(c->hs.state, HS_TRANSMIT);
		assert_ptr_equal(c->hs.target, &first);
		assert_int_equal(c->hs.mode, NBD_STRUCTURED);
		free(c);
	}
}

static void test_export_name(void **state)
{
	static const char zeroes[124];
	struct client *c = greet(1);

	(void)state;
	add_header(c, ENBD_OPT_EXPORT_NAME, 0);
	feed(c, 100);
	assert_int_equal(c->out_len, 18 + 10 + 124);
	assert_memory_equal(c->out + 28, zeroes, 124);
	assert_int_equal(c->hs.state, HS_TRANSMIT);
	assert_ptr_equal(c->hs.target, &first);
	assert_int_equal(c->hs.mode, NBD_SIMPLE);
	free(c);

	c = greet(3);
	add_header(c, ENBD_OPT_EXPORT_NAME, 6);
	add(c, "secone", 6);
	feed(c, 100);
	assert_int_equal(c->hs.state, HS_CLOSE);
	assert_int_equal(c->out_len, 18);
	free(c);

	c = greet(3);
	add_header(c, ENBD_OPT_EXPORT_NAME, 9);
	add(c, second.info.name, 9);
	feed(c, 100);
	assert_int_equal(c->hs.state, HS_TRANSMIT);
	assert_int_equal(c->out_len, 18 + 10);
	assert_ptr_equal(c->hs.target, &second);
	free(c);
}

static void test_list(void **state)
{
	struct client *c = greet(3);
	const unsigned char *p;
	uint32_t len;

	(void)state;
	add_header(c, ENBD_OPT_LIST, 0);
	add_header(c, ENBD_OPT_LIST, 1);
	add(c, "x", 1);
	feed(c, 3);
	p = expect(c, ENBD_OPT_LIST, ENBD_REP_SERVER, &len);
	assert_int_equal(len, 4 + 5 + 9);
	assert_memory_equal(p, "\0\0\0\5firstThe first", len);
	p = expect(c, ENBD_OPT_LIST, ENBD_REP_SERVER, &len);
	assert_int_equal(len, 4 + 9);
	expect(c, ENBD_OPT_LIST, ENBD_REP_ACK, NULL);
	expect(c, ENBD_OPT_LIST, ENBD_REP_ERR_INVALID, NULL);
	expect_end(c);
	free(c);
}

static void test_extended(void **state)
{
	struct client *c = greet(3);

	(void)state;
	add_header(c, ENBD_OPT_EXTENDED_HEADERS, 0);
	add_header(c, ENBD_OPT_STRUCTURED_REPLY, 0);
	add_go(c, ENBD_OPT_GO, "", 0, NULL);
	feed(c, 11);
	expect(c, ENBD_OPT_EXTENDED_HEADERS, ENBD_REP_ACK, NULL);
	expect(c, ENBD_OPT_STRUCTURED_REPLY, ENBD_REP_ERR_EXT_HEADER_REQD,
	       NULL);
	assert_int_equal(c->hs.mode, NBD_EXTENDED);
	assert_int_equal(c->hs.state, HS_TRANSMIT);
	free(c);
}

static void test_meta_context(void **state)
{
	struct client *c = greet(3);

	(void)state;
	add_header(c, ENBD_OPT_SET_META_CONTEXT, 8);
	add_name(c, "");
	add32(c, 0);
	add_header(c, ENBD_OPT_STRUCTURED_REPLY, 0);
	add_header(c, ENBD_OPT_LIST_META_CONTEXT, 4 + 5 + 4 + 4 + 7);
	add_name(c, "first");
	add32(c, 1);
	add_name(c, "x-enbd:");
	add_header(c, ENBD_OPT_SET_META_CONTEXT, 4 + 5 + 4);
	add_name(c, "fourt");
	add32(c, 0);
	/* More queries than there are bytes */
	add_header(c, ENBD_OPT_SET_META_CONTEXT, 4 + 5 + 4);
	add_name(c, "first");
	add32(c, 0xffffffff);
	/* A query longer than the option */
	add_header(c, ENBD_OPT_SET_META_CONTEXT, 4 + 5 + 4 + 4);
	add_name(c, "first");
	add32(c, 1);
	add32(c, 0xfffffffc);
	/* Bytes that belong to nothing */
	add_header(c, ENBD_OPT_SET_META_CONTEXT, 4 + 5 + 4 + 1);
	add_name(c, "first");
	add32(c, 0);
	add(c, "x", 1);
	feed(c, 5);
	expect(c, ENBD_OPT_SET_META_CONTEXT, ENBD_REP_ERR_INVALID, NULL);
	expect(c, ENBD_OPT_STRUCTURED_REPLY, ENBD_REP_ACK, NULL);
	expect(c, ENBD_OPT_LIST_META_CONTEXT, ENBD_REP_ACK, NULL);
	expect(c, ENBD_OPT_SET_META_CONTEXT, ENBD_REP_ERR_UNKNOWN, NULL);
	expect(c, ENBD_OPT_SET_META_CONTEXT, ENBD_REP_ERR_INVALID, NULL);
	expect(c, ENBD_OPT_SET_META_CONTEXT, ENBD_REP_ERR_INVALID, NULL);
	expect(c, ENBD_OPT_SET_META_CONTEXT, ENBD_REP_ERR_INVALID, NULL);
	expect_end(c);
	assert_int_equal(c->hs.state, HS_OPTION);
	free(c);
}

static void test_refused(void **state)
{
	struct client *c = greet(3);
	const uint16_t none[1] = { 0 };

	(void)state;
	add_header(c, ENBD_OPT_STARTTLS, 0);
	add_header(c, 0x454e4201, 3);
	add(c, "abc", 3);
	add_go(c, ENBD_OPT_GO, "third", 0, NULL);
	/* Lengths that do not fit together */
	add_header(c, ENBD_OPT_GO, 4);
	add32(c, 0xffffffff);
	add_header(c, ENBD_OPT_GO, 0);
	add_header(c, ENBD_OPT_GO, 4 + 2 + 2);
	add_name(c, "");
	add16(c, 2);
	add(c, none, 2);
	add_header(c, ENBD_OPT_GO, 4 + 2 + 2);
	add_name(c, "");
	add16(c, 0);
	add(c, none, 2);
	feed(c, 13);
	expect(c, ENBD_OPT_STARTTLS, ENBD_REP_ERR_UNSUP, NULL);
	expect(c, 0x454e4201, ENBD_REP_ERR_UNSUP, NULL);
	expect(c, ENBD_OPT_GO, ENBD_REP_ERR_UNKNOWN, NULL);
	expect(c, ENBD_OPT_GO, ENBD_REP_ERR_INVALID, NULL);
	expect(c, ENBD_OPT_GO, ENBD_REP_ERR_INVALID, NULL);
	expect(c, ENBD_OPT_GO, ENBD_REP_ERR_INVALID, NULL);
	expect(c, ENBD_OPT_GO, ENBD_REP_ERR_INVALID, NULL);
	expect_end(c);
	assert_int_equal(c->hs.state, HS_OPTION);
	free(c);
}

static void test_long_options(void **state)
{
	static const unsigned char junk[HS_OPTION_MAX + 1];
	struct client *c = greet(3);

	(void)state;
	/* Skipped, and the next one is understood */
	add_header(c, 99, sizeof(junk));
	add(c, junk, sizeof(junk));
	add_header(c, 98, sizeof(junk) - 1);
	add(c, junk, sizeof(junk) - 1);
	/* 4 GiB are not */
	add_header(c, ENBD_OPT_GO, 0xffffffff);
	add(c, junk, 100);
	feed(c, 4096);
	expect(c, 99, ENBD_REP_ERR_TOO_BIG, NULL);
	expect(c, 98, ENBD_REP_ERR_UNSUP, NULL);
	expect(c, ENBD_OPT_GO, ENBD_REP_ERR_TOO_BIG, NULL);
	expect_end(c);
	assert_int_equal(c->hs.state, HS_CLOSE);
	assert_non_null(c->hs.why);
	free(c);

	c = greet(3);
	add_header(c, ENBD_OPT_EXPORT_NAME, HS_OPTION_MAX + 1);
	feed(c, 4096);
	assert_int_equal(c->hs.state, HS_CLOSE);
	free(c);
}

static void test_closed(void **state)
{
	struct client *c = greet(4);
	unsigned int i;

	(void)state;
	feed(c, 4);
	assert_int_equal(c->hs.state, HS_CLOSE);
	free(c);

	c = greet(3);
	add(c, "GET / HTTP/1.0\r\n\r\n", 18);
	feed(c, 4);
	assert_int_equal(c->hs.state, HS_CLOSE);
	assert_non_null(c->hs.why);
	free(c);

	c = greet(3);
	add_header(c, ENBD_OPT_ABORT, 0);
	feed(c, 4);
	expect(c, ENBD_OPT_ABORT, ENBD_REP_ACK, NULL);
	assert_int_equal(c->hs.state, HS_CLOSE);
	assert_null(c->hs.why);
	free(c);

	/* No end of options */
	c = greet(3);
	for (i = 0; i <= HS_OPTIONS_MAX; i++)
		add_header(c, ENBD_OPT_STARTTLS, 0);
	feed(c, 1000);
	assert_int_equal(c->hs.state, HS_CLOSE);
	free(c);

	/* The client does not take its answers */
	c = greet(3);
	c->limit = c->out_len + 30;
	add_go(c, ENBD_OPT_GO, "", 0, NULL);
	feed(c, 1000);
	assert_int_equal(c->hs.state, HS_CLOSE);
	free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_go),
		cmocka_unit_test(test_export_name),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_extended),
		cmocka_unit_test(test_meta_context),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_long_options),
		cmocka_unit_test(test_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
