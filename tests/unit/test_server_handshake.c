// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbd-server/handshake.c tools/enbd-server/hs_parts.c tools/enbd-server/hs_ext.c tools/enbd-server/proto.c */
#include <endian.h>
#include <errno.h>
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

/* Only whether there are any matters to the handshake. */
static char any_sessions;

static struct target second = {
	.info = {
		.name = "second/\xc3\xa4",
		.size = 4096,
		.block_min = 1,
		.block_pref = 4096,
		.block_max = 1 << 25,
		.read_only = true,
	},
	.sessions = (struct sessions *)&any_sessions,
};

static struct target *const targets[] = { &first, &second };

/* What the extension was asked, and what it shall say */
static struct {
	unsigned int hellos;
	unsigned int binds;
	unsigned int fences;
	struct target *target;
	uint8_t session[ENBD_EXT_SESSION_LEN];
	struct fence_item items[ENBD_EXT_MAX_CHANNELS];
	uint32_t features;
	int error;
} asked;

static int say_hello(void *ctx, struct target *target, struct hs_hello *hello)
{
	(void)ctx;
	asked.hellos++;
	asked.target = target;
	hello->features = asked.features;
	memset(hello->signature, 's', sizeof(hello->signature));
	memset(hello->verifier, 'v', sizeof(hello->verifier));
	memset(hello->challenge, 'c', sizeof(hello->challenge));
	return asked.error;
}

static int bind_client(void *ctx, const uint8_t *session, uint32_t channel,
		       uint32_t incarnation)
{
	(void)ctx;
	asked.binds++;
	memcpy(asked.session, session, sizeof(asked.session));
	asked.items[0].channel = channel;
	asked.items[0].incarnation = incarnation;
	return asked.error;
}

static int fence_client(void *ctx, const struct fence_item *items,
			unsigned int count)
{
	(void)ctx;
	asked.fences++;
	memcpy(asked.items, items, count * sizeof(*items));
	return asked.error;
}

static const struct hs_extension extension = {
	.hello = say_hello,
	.bind = bind_client,
	.fence = fence_client,
};

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
	hs_start(&c->hs, targets, 2, &out, &extension);
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

/* ---- the extension ---- */

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
		cmocka_unit_test(test_go),
		cmocka_unit_test(test_export_name),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_extended),
		cmocka_unit_test(test_meta_context),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_long_options),
		cmocka_unit_test(test_closed),
		cmocka_unit_test(test_discovery),
		cmocka_unit_test(test_hello),
		cmocka_unit_test(test_hello_refused),
		cmocka_unit_test(test_bind),
		cmocka_unit_test(test_fence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
