// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbd-server/handshake.c tools/enbd-server/hs_parts.c tools/enbd-server/hs_ext.c tools/enbd-server/proto.c */
/* The options of the extension: what they must look like, and in which order. */
#include "hs_client.h"

static void add_query(struct client *c, uint32_t option, const char *name,
		      const char *query)
{
	add_header(c, option, (uint32_t)(4 + strlen(name) + 4 + 4 +
					 strlen(query)));
	add_name(c, name);
	add32(c, 1);
	add_name(c, query);
}

static void add_hello(struct client *c, uint16_t version, uint32_t features,
		      const char *name)
{
	add_header(c, ENBD_OPT_HELLO, (uint32_t)(16 + strlen(name)));
	add32(c, ENBD_EXT_MAGIC);
	add16(c, version);
	add16(c, 0);
	add32(c, features);
	add_name(c, name);
}

static void add_bind(struct client *c, char challenge, uint32_t channel,
		     uint32_t incarnation)
{
	uint8_t bytes[ENBD_EXT_CHALLENGE_LEN];

	add_header(c, ENBD_OPT_BIND, sizeof(struct enbd_ext_bind));
	add32(c, ENBD_EXT_MAGIC);
	add(c, "0123456789abcdef", ENBD_EXT_SESSION_LEN);
	memset(bytes, challenge, sizeof(bytes));
	add(c, bytes, sizeof(bytes));
	add32(c, channel);
	add32(c, incarnation);
}

static void add_fence(struct client *c, uint32_t count, uint32_t items)
{
	uint32_t i;

	add_header(c, ENBD_OPT_FENCE, 8 + 8 * items);
	add32(c, ENBD_EXT_MAGIC);
	add32(c, count);
	for (i = 0; i < items; i++) {
		add32(c, i);
		add32(c, i + 1);
	}
}

/* A client with structured replies, up to where the extension begins */
static struct client *greet_extended(void)
{
	struct client *c = greet(3);

	memset(&asked, 0, sizeof(asked));
	asked.features = ENBD_FEATURE_FENCE | ENBD_FEATURE_KEEPALIVE |
			 ENBD_FEATURE_VERIFIER;
	add_header(c, ENBD_OPT_EXTENDED_HEADERS, 0);
	feed(c, 100000);
	expect(c, ENBD_OPT_EXTENDED_HEADERS, ENBD_REP_ACK, NULL);
	return c;
}

static void expect_reply_to(struct client *c, uint32_t option, uint32_t type)
{
	feed(c, 100000);
	expect(c, option, type, NULL);
	expect_end(c);
}

/* Who asks for it hears of it, where it is; nobody else does. */
static void test_discovery(void **state)
{
	static const char context[] = "\0\0\0\0x-enbd:v1";
	struct client *c = greet_extended();
	const unsigned char *p;
	uint32_t len;

	(void)state;
	add_query(c, ENBD_OPT_LIST_META_CONTEXT, second.info.name, "x-enbd:");
	add_query(c, ENBD_OPT_LIST_META_CONTEXT, second.info.name,
		  "x-enbd:v1");
	feed(c, 1);
	p = expect(c, ENBD_OPT_LIST_META_CONTEXT, ENBD_REP_META_CONTEXT, &len);
	assert_int_equal(len, sizeof(context) - 1);
	assert_memory_equal(p, context, len);
	expect(c, ENBD_OPT_LIST_META_CONTEXT, ENBD_REP_ACK, NULL);
	expect(c, ENBD_OPT_LIST_META_CONTEXT, ENBD_REP_META_CONTEXT, NULL);
	expect_reply_to(c, ENBD_OPT_LIST_META_CONTEXT, ENBD_REP_ACK);
	/* Never set; not at an export without; not to other questions */
	add_query(c, ENBD_OPT_SET_META_CONTEXT, second.info.name, "x-enbd:v1");
	expect_reply_to(c, ENBD_OPT_SET_META_CONTEXT, ENBD_REP_ACK);
	add_query(c, ENBD_OPT_LIST_META_CONTEXT, "first", "x-enbd:");
	expect_reply_to(c, ENBD_OPT_LIST_META_CONTEXT, ENBD_REP_ACK);
	add_query(c, ENBD_OPT_LIST_META_CONTEXT, second.info.name, "base:");
	expect_reply_to(c, ENBD_OPT_LIST_META_CONTEXT, ENBD_REP_ACK);
	add_query(c, ENBD_OPT_LIST_META_CONTEXT, second.info.name, "x-enbd:v2");
	expect_reply_to(c, ENBD_OPT_LIST_META_CONTEXT, ENBD_REP_ACK);
	add_header(c, ENBD_OPT_LIST_META_CONTEXT,
		   (uint32_t)(8 + strlen(second.info.name)));
	add_name(c, second.info.name);
	add32(c, 0);
	expect_reply_to(c, ENBD_OPT_LIST_META_CONTEXT, ENBD_REP_ACK);
	free(c);

	/* With simple replies there is no extension. */
	c = greet(3);
	add_hello(c, 1, 1, second.info.name);
	expect_reply_to(c, ENBD_OPT_HELLO, ENBD_REP_ERR_UNSUP);
	add_bind(c, 'c', 0, 1);
	expect_reply_to(c, ENBD_OPT_BIND, ENBD_REP_ERR_UNSUP);
	add_fence(c, 1, 1);
	expect_reply_to(c, ENBD_OPT_FENCE, ENBD_REP_ERR_UNSUP);
	free(c);
}

static void test_hello(void **state)
{
	struct client *c = greet_extended();
	struct enbd_ext_hello_reply reply;
	const unsigned char *p;
	uint32_t len;

	(void)state;
	add_hello(c, 7, 0xffffffff, second.info.name);
	feed(c, 3);
	p = expect(c, ENBD_OPT_HELLO, ENBD_REP_HELLO, &len);
	assert_int_equal(len, sizeof(reply));
	memcpy(&reply, p, sizeof(reply));
	assert_int_equal(be32toh(reply.magic), ENBD_EXT_MAGIC);
	assert_int_equal(be16toh(reply.version), 1);
	assert_int_equal(reply.reserved, 0);
	assert_int_equal(be32toh(reply.features), asked.features);
	assert_int_equal(reply.signature[31], 's');
	assert_int_equal(reply.verifier[31], 'v');
	assert_int_equal(reply.challenge[15], 'c');
	expect(c, ENBD_OPT_HELLO, ENBD_REP_ACK, NULL);
	expect_end(c);
	assert_ptr_equal(asked.target, &second);
	/* Once, and then no other export */
	add_hello(c, 1, 0, second.info.name);
	expect_reply_to(c, ENBD_OPT_HELLO, ENBD_REP_ERR_INVALID);
	assert_int_equal(asked.hellos, 1);
	add_go(c, ENBD_OPT_INFO, "first", 0, NULL);
	expect_reply_to(c, ENBD_OPT_INFO, ENBD_REP_ERR_INVALID);
	add_go(c, ENBD_OPT_GO, "", 0, NULL);
	expect_reply_to(c, ENBD_OPT_GO, ENBD_REP_ERR_INVALID);
	assert_int_equal(c->hs.state, HS_OPTION);
	add_header(c, ENBD_OPT_EXPORT_NAME, 5);
	add(c, "first", 5);
	feed(c, 100);
	assert_int_equal(c->hs.state, HS_CLOSE);
	free(c);

	/* Only what was asked for, and no verifier without the feature */
	c = greet_extended();
	add_hello(c, 1, ENBD_FEATURE_KEEPALIVE | 1u << 31, second.info.name);
	add_go(c, ENBD_OPT_GO, second.info.name, 0, NULL);
	feed(c, 100);
	p = expect(c, ENBD_OPT_HELLO, ENBD_REP_HELLO, &len);
	memcpy(&reply, p, sizeof(reply));
	assert_int_equal(be32toh(reply.features), ENBD_FEATURE_KEEPALIVE);
	assert_int_equal(reply.verifier[0], 0);
	assert_int_equal(reply.signature[0], 's');
	assert_int_equal(c->hs.state, HS_TRANSMIT);
	assert_int_equal(c->hs.features, ENBD_FEATURE_KEEPALIVE);
	free(c);
}

static void test_hello_refused(void **state)
{
	static const char bad_magic[] = "ENBX\0\1\0\0\0\0\0\1\0\0\0\0";
	static const char bad_zero[] = "ENBD\0\1\0\1\0\0\0\1\0\0\0\0";
	static const char too_long[] = "ENBD\0\1\0\0\0\0\0\1\0\0\0\0x";
	static const char bad_name[] = "ENBD\0\1\0\0\0\0\0\1\xff\xff\xff\xff";
	struct client *c = greet_extended();
	uint32_t len;

	(void)state;
	for (len = 0; len < 16; len++) {
		add_header(c, ENBD_OPT_HELLO, len);
		add(c, too_long, len);
		expect_reply_to(c, ENBD_OPT_HELLO, ENBD_REP_ERR_INVALID);
	}
	add_header(c, ENBD_OPT_HELLO, 17);
	add(c, too_long, 17);
	expect_reply_to(c, ENBD_OPT_HELLO, ENBD_REP_ERR_INVALID);
	add_header(c, ENBD_OPT_HELLO, 16);
	add(c, bad_magic, 16);
	expect_reply_to(c, ENBD_OPT_HELLO, ENBD_REP_ERR_INVALID);
	add_header(c, ENBD_OPT_HELLO, 16);
	add(c, bad_zero, 16);
	expect_reply_to(c, ENBD_OPT_HELLO, ENBD_REP_ERR_INVALID);
	add_header(c, ENBD_OPT_HELLO, 16);
	add(c, bad_name, 16);
	expect_reply_to(c, ENBD_OPT_HELLO, ENBD_REP_ERR_INVALID);
	add_hello(c, 0, 1, second.info.name);
	expect_reply_to(c, ENBD_OPT_HELLO, ENBD_REP_ERR_INVALID);
	add_hello(c, 1, 1, "third");
	expect_reply_to(c, ENBD_OPT_HELLO, ENBD_REP_ERR_UNKNOWN);
	/* The first export is served without the extension. */
	add_hello(c, 1, 1, "");
	expect_reply_to(c, ENBD_OPT_HELLO, ENBD_REP_ERR_UNKNOWN);
	assert_int_equal(asked.hellos, 0);
	asked.error = EIO;
	add_hello(c, 1, 1, second.info.name);
	expect_reply_to(c, ENBD_OPT_HELLO, ENBD_REP_ERR_PLATFORM);
	assert_null(c->hs.hello);
	/* After all that it is still possible. */
	asked.error = 0;
	add_hello(c, 1, 1, second.info.name);
	feed(c, 1);
	expect(c, ENBD_OPT_HELLO, ENBD_REP_HELLO, NULL);
	free(c);
}

static void test_bind(void **state)
{
	static const int errors[] = { -EPERM, -EINVAL, -ENOMEM };
	static const uint32_t replies[] = {
		ENBD_REP_ERR_POLICY, ENBD_REP_ERR_INVALID,
		ENBD_REP_ERR_PLATFORM,
	};
	struct client *c = greet_extended();
	unsigned int i;

	(void)state;
	/* Out of order */
	add_bind(c, 0, 1, 1);
	expect_reply_to(c, ENBD_OPT_BIND, ENBD_REP_ERR_INVALID);
	add_fence(c, 1, 1);
	expect_reply_to(c, ENBD_OPT_FENCE, ENBD_REP_ERR_POLICY);
	add_hello(c, 1, 0xff, second.info.name);
	feed(c, 100);
	c->out_read = c->out_len;
	/* A replayed challenge, wrong lengths, a wrong magic */
	add_bind(c, 'd', 1, 1);
	expect_reply_to(c, ENBD_OPT_BIND, ENBD_REP_ERR_INVALID);
	for (i = 0; i < 44; i++) {
		static const char zeroes[44];

		add_header(c, ENBD_OPT_BIND, i);
		add(c, zeroes, i);
		expect_reply_to(c, ENBD_OPT_BIND, ENBD_REP_ERR_INVALID);
	}
	assert_int_equal(asked.binds, 0);
	for (i = 0; i < 3; i++) {
		asked.error = errors[i];
		add_bind(c, 'c', 1, 1);
		expect_reply_to(c, ENBD_OPT_BIND, replies[i]);
		add_fence(c, 1, 1);
		expect_reply_to(c, ENBD_OPT_FENCE, ENBD_REP_ERR_POLICY);
	}
	assert_int_equal(asked.fences, 0);
	asked.error = 0;
	add_bind(c, 'c', 63, 0xffffffff);
	expect_reply_to(c, ENBD_OPT_BIND, ENBD_REP_ACK);
	assert_memory_equal(asked.session, "0123456789abcdef", 16);
	assert_int_equal(asked.items[0].channel, 63);
	assert_int_equal(asked.items[0].incarnation, 0xffffffff);
	free(c);

	/* HELLO without the feature */
	c = greet_extended();
	add_hello(c, 1, ENBD_FEATURE_KEEPALIVE, second.info.name);
	feed(c, 100);
	c->out_read = c->out_len;
	add_bind(c, 'c', 1, 1);
	expect_reply_to(c, ENBD_OPT_BIND, ENBD_REP_ERR_INVALID);
	assert_int_equal(asked.binds, 0);
	free(c);
}

static void test_fence(void **state)
{
	struct client *c = greet_extended();

	(void)state;
	add_hello(c, 1, 0xff, second.info.name);
	add_bind(c, 'c', 1, 1);
	feed(c, 100);
	c->out_read = c->out_len;
	/* Counts and lengths that do not belong together */
	add_fence(c, 0, 0);
	expect_reply_to(c, ENBD_OPT_FENCE, ENBD_REP_ERR_INVALID);
	add_fence(c, 1, 2);
	expect_reply_to(c, ENBD_OPT_FENCE, ENBD_REP_ERR_INVALID);
	add_fence(c, 2, 1);
	expect_reply_to(c, ENBD_OPT_FENCE, ENBD_REP_ERR_INVALID);
	add_fence(c, 0x20000001, 1);
	expect_reply_to(c, ENBD_OPT_FENCE, ENBD_REP_ERR_INVALID);
	add_fence(c, 65, 65);
	expect_reply_to(c, ENBD_OPT_FENCE, ENBD_REP_ERR_INVALID);
	add_header(c, ENBD_OPT_FENCE, 16);
	add(c, "ENBX\0\0\0\1\0\0\0\1\0\0\0\1", 16);
	expect_reply_to(c, ENBD_OPT_FENCE, ENBD_REP_ERR_INVALID);
	assert_int_equal(asked.fences, 0);
	add_fence(c, 64, 64);
	expect_reply_to(c, ENBD_OPT_FENCE, ENBD_REP_ACK);
	assert_int_equal(asked.items[63].channel, 63);
	assert_int_equal(asked.items[63].incarnation, 64);
	asked.error = -EINVAL;
	add_fence(c, 1, 1);
	expect_reply_to(c, ENBD_OPT_FENCE, ENBD_REP_ERR_INVALID);
	asked.error = -ECANCELED;
	add_fence(c, 1, 1);
	expect_reply_to(c, ENBD_OPT_FENCE, ENBD_REP_ERR_SHUTDOWN);
	add_go(c, ENBD_OPT_GO, second.info.name, 0, NULL);
	feed(c, 1);
	assert_int_equal(c->hs.state, HS_TRANSMIT);
	free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_discovery),
		cmocka_unit_test(test_hello),
		cmocka_unit_test(test_hello_refused),
		cmocka_unit_test(test_bind),
		cmocka_unit_test(test_fence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
