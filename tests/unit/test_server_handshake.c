// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbd-server/handshake.c tools/enbd-server/hs_parts.c tools/enbd-server/hs_ext.c tools/enbd-server/proto.c */
/* The handshake as the NBD specification has it. */
#include "hs_client.h"

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

/* There are as many clients as there may be: who asks may ask again. */
static void test_full(void **state)
{
	struct client *c = greet(3);

	(void)state;
	places.full = true;
	places.asked = 0;
	add_go(c, ENBD_OPT_INFO, "first", 0, NULL);
	feed(c, 100);
	expect(c, ENBD_OPT_INFO, ENBD_REP_INFO, NULL);
	expect(c, ENBD_OPT_INFO, ENBD_REP_INFO, NULL);
	expect(c, ENBD_OPT_INFO, ENBD_REP_ACK, NULL);
	assert_int_equal(places.asked, 0);
	add_go(c, ENBD_OPT_GO, "nothing", 0, NULL);
	feed(c, 100);
	expect(c, ENBD_OPT_GO, ENBD_REP_ERR_UNKNOWN, NULL);
	assert_int_equal(places.asked, 0);
	add_go(c, ENBD_OPT_GO, "first", 0, NULL);
	feed(c, 100);
	expect(c, ENBD_OPT_GO, ENBD_REP_ERR_POLICY, NULL);
	assert_int_equal(places.asked, 1);
	assert_int_equal(c->hs.state, HS_OPTION);
	places.full = false;
	add_go(c, ENBD_OPT_GO, "first", 0, NULL);
	feed(c, 100);
	assert_int_equal(c->hs.state, HS_TRANSMIT);
	free(c);

	places.full = true;
	c = greet(3);
	add_header(c, ENBD_OPT_EXPORT_NAME, 0);
	feed(c, 100);
	assert_int_equal(c->hs.state, HS_CLOSE);
	assert_int_equal(c->out_len, 18);
	free(c);
	places.full = false;
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
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_extended),
		cmocka_unit_test(test_meta_context),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_long_options),
		cmocka_unit_test(test_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
