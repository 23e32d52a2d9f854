// SPDX-License-Identifier: GPL-2.0
/*
 * The extension in the handshake: what is asked, and what a server must not
 * answer.
 */
#include "extension.h"
#include "nego_script.h"

#define HELLO_LEN sizeof(struct enbd_ext_hello_reply)

static bool known;
static struct enbd_hello hello;

/* A greeted server with structured replies */
static void begin_structured(void)
{
	begin();
	reply(ENBD_OPT_STRUCTURED_REPLY, ENBD_REP_ACK, 0);
	assert_int_equal(enbd_nego_formats(&nego, ENBD_REPLY_FORMAT_STRUCTURED,
					   &err), 0);
	script.in_len = 0;
}

static void context(const char *name)
{
	reply(ENBD_OPT_LIST_META_CONTEXT, ENBD_REP_META_CONTEXT,
	      4 + (uint32_t)strlen(name));
	be(0, 4);
	bytes(name, strlen(name));
}

static void ack(uint32_t option)
{
	reply(option, ENBD_REP_ACK, 0);
}

static int discover(void)
{
	return enbd_ext_discover(&nego, "disk", &known, &err);
}

static void asks_the_one_question(void **state)
{
	static const uint8_t question[] = {
		0, 0, 0, 4, 'd', 'i', 's', 'k', 0, 0, 0, 1,
		0, 0, 0, 7, 'x', '-', 'e', 'n', 'b', 'd', ':',
	};

	(void)state;
	begin_structured();
	context("x-enbd:v1");
	ack(ENBD_OPT_LIST_META_CONTEXT);
	assert_int_equal(discover(), 0);
	assert_true(known);
	assert_int_equal(sent_option(0, ENBD_OPT_LIST_META_CONTEXT, question,
				     sizeof(question)), script.in_len);
}

/* Simple replies, or not even options: nothing is asked. */
static void asks_nobody_who_is_simple(void **state)
{
	(void)state;
	begin();
	assert_int_equal(enbd_nego_formats(&nego, ENBD_REPLY_FORMAT_SIMPLE,
					   &err), 0);
	known = true;
	assert_int_equal(discover(), 0);
	assert_false(known);
	assert_int_equal(script.in_len, 0);

	setup(state);
	greeting(0);
	assert_int_equal(greet(), 0);
	script.in_len = 0;
	assert_int_equal(discover(), 0);
	assert_false(known);
	assert_int_equal(script.in_len, 0);
}

static void foreign_servers_are_known(void **state)
{
	static const uint32_t refusals[] = {
		ENBD_REP_ERR_UNSUP, ENBD_REP_ERR_POLICY, ENBD_REP_ERR_INVALID,
		ENBD_REP_ERR_PLATFORM, ENBD_REP_ERR_UNKNOWN,
		ENBD_REP_ERR_BLOCK_SIZE_REQD, ENBD_REP_ERR_TOO_BIG,
		ENBD_REP_ERR_EXT_HEADER_REQD, ENBD_REP_ERR_BIT + 4711,
	};
	static const char *const others[] = {
		"", "x", "x-enbd:", "x-enbd:v2", "x-enbd:v10", "X-ENBD:V1",
		"base:allocation", "qemu:x-enbd:v1",
	};
	size_t i;

	for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		setup(state);
		begin_structured();
		context("x-enbd:v1");		/* taken back */
		reply(ENBD_OPT_LIST_META_CONTEXT, refusals[i], 2);
		bytes("no", 2);
		assert_int_equal(discover(), 0);
		assert_false(known);
	}
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		setup(state);
		begin_structured();
		context(others[i]);
		ack(ENBD_OPT_LIST_META_CONTEXT);
		assert_int_equal(discover(), 0);
		assert_false(known);
	}
	setup(state);
	begin_structured();
	ack(ENBD_OPT_LIST_META_CONTEXT);
	assert_int_equal(discover(), 0);
	assert_false(known);
}

static void discovery_fails(void **state)
{
	int i;

	(void)state;
	begin_structured();
	reply(ENBD_OPT_LIST_META_CONTEXT, ENBD_REP_ERR_TLS_REQD, 0);
	assert_int_equal(discover(), -1);
	failed_with(ENBD_EXIT_IDENTITY, "TLS");

	setup(state);
	begin_structured();
	reply(ENBD_OPT_LIST_META_CONTEXT, ENBD_REP_ERR_SHUTDOWN, 0);
	assert_int_equal(discover(), -1);
	failed_with(ENBD_EXIT_NEGOTIATION, "shutting down");

	setup(state);
	begin_structured();
	reply(ENBD_OPT_LIST_META_CONTEXT, ENBD_REP_META_CONTEXT, 3);
	be(0, 3);
	assert_int_equal(discover(), -1);
	failed_with(ENBD_EXIT_NEGOTIATION, "without an id");

	setup(state);
	begin_structured();
	reply(ENBD_OPT_LIST_META_CONTEXT, ENBD_REP_SERVER, 0);
	assert_int_equal(discover(), -1);
	failed_with(ENBD_EXIT_NEGOTIATION, "unexpected type");

	setup(state);
	begin_structured();
	for (i = 0; i <= ENBD_NEGO_INFOS_MAX; i++)
		context("x");
	assert_int_equal(discover(), -1);
	failed_with(ENBD_EXIT_NEGOTIATION, "endless");
}

/* An answer to HELLO, and one way in which it is wrong */
struct answer {
	uint32_t magic;
	uint16_t version, reserved;
	uint32_t features;
	uint32_t type;
	size_t len;
	uint32_t end;		/* type of the second reply */
	uint32_t end_len;
	const char *wrong;
};

static const struct answer good = {
	ENBD_EXT_MAGIC, 1, 0, ENBD_EXT_FEATURES, ENBD_REP_HELLO, HELLO_LEN,
	ENBD_REP_ACK, 0, NULL,
};

static void put_answer(const struct answer *a)
{
	uint8_t body[HELLO_LEN + 64];
	const size_t from = script.out_len;
	size_t i;

	reply(ENBD_OPT_HELLO, a->type, (uint32_t)a->len);
	script.out_len = from + 20;
	be(a->magic, 4);
	be(a->version, 2);
	be(a->reserved, 2);
	be(a->features, 4);
	for (i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)i;
	bytes(body, sizeof(body));
	script.out_len = from + 20 + a->len;
	if (a->end) {
		reply(ENBD_OPT_HELLO, a->end, a->end_len);
		if (a->end_len)
			bytes(body, a->end_len);
	}
}

static int say_hello(uint32_t features)
{
	return enbd_ext_hello(&nego, "disk", features, &hello, &err);
}

static void gets_acquainted(void **state)
{
	static const uint8_t request[] = {
		0x45, 0x4e, 0x42, 0x44, 0, 1, 0, 0, 0, 0, 0, 15,
		0, 0, 0, 4, 'd', 'i', 's', 'k',
	};
	uint8_t want[80];
	int i;

	(void)state;
	for (i = 0; i < 80; i++)
		want[i] = (uint8_t)i;
	begin_structured();
	put_answer(&good);
	assert_int_equal(say_hello(ENBD_EXT_FEATURES), 0);
	assert_int_equal(sent_option(0, ENBD_OPT_HELLO, request,
				     sizeof(request)), script.in_len);
	assert_int_equal(hello.features, 15);
	assert_memory_equal(hello.signature, want, 32);
	assert_memory_equal(hello.verifier, want + 32, 32);
	assert_memory_equal(hello.challenge, want + 64, 16);
}

static void takes_fewer_features(void **state)
{
	static const uint8_t zero[32];
	struct answer a = good;

	(void)state;
	begin_structured();
	a.features = ENBD_FEATURE_FENCE;
	put_answer(&a);
	assert_int_equal(say_hello(ENBD_EXT_FEATURES), 0);
	assert_int_equal(hello.features, ENBD_FEATURE_FENCE);
	/* What it does not vouch for is not kept. */
	assert_memory_equal(hello.verifier, zero, 32);

	setup(state);
	begin_structured();
	a.features = 0;
	put_answer(&a);
	assert_int_equal(say_hello(ENBD_EXT_FEATURES), 0);
	assert_int_equal(hello.features, 0);
}

static void hostile_hello(void **state)
{
	const struct answer table[] = {
		{ ENBD_EXT_MAGIC + 1, 1, 0, 15, ENBD_REP_HELLO, HELLO_LEN, 0,
		  0, "magic" },
		{ ENBD_EXT_MAGIC, 0, 0, 15, ENBD_REP_HELLO, HELLO_LEN, 0, 0,
		  "version" },
		{ ENBD_EXT_MAGIC, 2, 0, 15, ENBD_REP_HELLO, HELLO_LEN, 0, 0,
		  "version" },
		{ ENBD_EXT_MAGIC, 1, 1, 15, ENBD_REP_HELLO, HELLO_LEN, 0, 0,
		  "reserved" },
		{ ENBD_EXT_MAGIC, 1, 0, 16, ENBD_REP_HELLO, HELLO_LEN, 0, 0,
		  "features" },
		{ ENBD_EXT_MAGIC, 1, 0, UINT32_MAX, ENBD_REP_HELLO, HELLO_LEN,
		  0, 0, "features" },
		{ ENBD_EXT_MAGIC, 1, 0, 15, ENBD_REP_HELLO, HELLO_LEN - 1, 0,
		  0, "length" },
		{ ENBD_EXT_MAGIC, 1, 0, 15, ENBD_REP_HELLO, HELLO_LEN + 1, 0,
		  0, "length" },
		{ ENBD_EXT_MAGIC, 1, 0, 15, ENBD_REP_HELLO, 0, 0, 0,
		  "length" },
		{ ENBD_EXT_MAGIC, 1, 0, 15, ENBD_REP_ACK, 0, 0, 0,
		  "unexpected type" },
		{ ENBD_EXT_MAGIC, 1, 0, 15, ENBD_REP_INFO, HELLO_LEN, 0, 0,
		  "unexpected type" },
		{ ENBD_EXT_MAGIC, 1, 0, 15, ENBD_REP_HELLO, HELLO_LEN,
		  ENBD_REP_HELLO, 0, "acknowledgment" },
		{ ENBD_EXT_MAGIC, 1, 0, 15, ENBD_REP_HELLO, HELLO_LEN,
		  ENBD_REP_ERR_INVALID, 0, "acknowledgment" },
		{ ENBD_EXT_MAGIC, 1, 0, 15, ENBD_REP_HELLO, HELLO_LEN,
		  ENBD_REP_ACK, 1, "acknowledgment" },
		{ 0, 0, 0, 0, ENBD_REP_ERR_UNSUP, 0, 0, 0, "not supported" },
		{ 0, 0, 0, 0, ENBD_REP_ERR_UNKNOWN, 0, 0, 0,
		  "unknown export" },
		{ 0, 0, 0, 0, ENBD_REP_ERR_INVALID, 0, 0, 0, "invalid" },
	};
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		setup(state);
		begin_structured();
		put_answer(&table[i]);
		if (say_hello(ENBD_EXT_FEATURES) != -1)
			fail_msg("case %zu: taken", i);
		failed_with(ENBD_EXIT_NEGOTIATION, table[i].wrong);
		failed_with(ENBD_EXIT_NEGOTIATION, "HELLO");
	}
}

/* What was not asked for must not be granted, though the program knows it. */
static void grants_only_what_was_asked(void **state)
{
	(void)state;
	begin_structured();
	put_answer(&good);
	/* The acknowledgment is not read any more. */
	script.out_len -= 20;
	assert_int_equal(say_hello(ENBD_FEATURE_FENCE), -1);
	failed_with(ENBD_EXIT_NEGOTIATION, "features");
}

static const struct enbd_place place = {
	.session = { 1, 2, 3 }, .channel = 63, .incarnation = 0x01020304,
};

static void binds(void **state)
{
	uint8_t request[4 + 16 + 16 + 8] = { 0x45, 0x4e, 0x42, 0x44, 1, 2, 3 };
	static const uint8_t end[] = { 0, 0, 0, 63, 1, 2, 3, 4 };

	(void)state;
	memset(hello.challenge, 0xcc, sizeof(hello.challenge));
	memset(request + 20, 0xcc, 16);
	memcpy(request + 36, end, 8);
	begin_structured();
	ack(ENBD_OPT_BIND);
	assert_int_equal(enbd_ext_bind(&nego, &hello, &place, &err), 0);
	assert_int_equal(sent_option(0, ENBD_OPT_BIND, request,
				     sizeof(request)), script.in_len);
}

static void fences(void **state)
{
	static const struct enbd_fenced list[] = { { 0, 7 }, { 63, 1 } };
	static const uint8_t request[] = {
		0x45, 0x4e, 0x42, 0x44, 0, 0, 0, 2,
		0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 63, 0, 0, 0, 1,
	};
	static struct enbd_fenced all[ENBD_EXT_MAX_CHANNELS];

	(void)state;
	begin_structured();
	ack(ENBD_OPT_FENCE);
	assert_int_equal(enbd_ext_fence(&nego, list, 2, &err), 0);
	assert_int_equal(sent_option(0, ENBD_OPT_FENCE, request,
				     sizeof(request)), script.in_len);
	ack(ENBD_OPT_FENCE);
	script.in_len = 0;
	assert_int_equal(enbd_ext_fence(&nego, all, ENBD_EXT_MAX_CHANNELS,
					&err), 0);
	assert_int_equal(script.in_len, 16 + 8 + 64 * 8);
}

static int bind_or_fence(bool fence)
{
	static const struct enbd_fenced one = { 1, 1 };

	return fence ? enbd_ext_fence(&nego, &one, 1, &err) :
	       enbd_ext_bind(&nego, &hello, &place, &err);
}

/* Both are answered with an ACK and nothing else. */
static void bind_and_fence_refused(void **state)
{
	static const struct {
		uint32_t type, len;
		int code;
		const char *text;
	} table[] = {
		{ ENBD_REP_ERR_POLICY, 0, ENBD_EXIT_NEGOTIATION, "policy" },
		{ ENBD_REP_ERR_INVALID, 0, ENBD_EXIT_NEGOTIATION, "invalid" },
		{ ENBD_REP_ERR_UNSUP, 0, ENBD_EXIT_NEGOTIATION,
		  "not supported" },
		{ ENBD_REP_ERR_SHUTDOWN, 0, ENBD_EXIT_NEGOTIATION,
		  "shutting down" },
		{ ENBD_REP_ERR_TLS_REQD, 0, ENBD_EXIT_IDENTITY, "TLS" },
		{ ENBD_REP_HELLO, 0, ENBD_EXIT_NEGOTIATION, "unexpected type" },
		{ ENBD_REP_INFO, 0, ENBD_EXIT_NEGOTIATION, "unexpected type" },
		{ ENBD_REP_ACK, 1, ENBD_EXIT_NEGOTIATION, "payload" },
	};
	size_t i;
	int fence;

	for (i = 0; i < 2 * sizeof(table) / sizeof(table[0]); i++) {
		fence = i % 2;
		setup(state);
		begin_structured();
		reply(fence ? ENBD_OPT_FENCE : ENBD_OPT_BIND,
		      table[i / 2].type, table[i / 2].len);
		if (table[i / 2].len)
			be(0, 1);
		assert_int_equal(bind_or_fence(fence), -1);
		failed_with(table[i / 2].code, table[i / 2].text);
	}
	for (fence = 0; fence < 2; fence++) {
		setup(state);
		begin_structured();
		script.at_end = -ETIMEDOUT;
		assert_int_equal(bind_or_fence(fence), -1);
		failed_with(ENBD_EXIT_NEGOTIATION, "within 10 s");
	}
}

/* Everything that a channel can need is well below the limit. */
static void whole_handshake_fits(void **state)
{
	static const struct enbd_fenced one = { 1, 1 };

	(void)state;
	begin();
	reply(ENBD_OPT_EXTENDED_HEADERS, ENBD_REP_ERR_UNSUP, 0);
	ack(ENBD_OPT_STRUCTURED_REPLY);
	context("x-enbd:v1");
	ack(ENBD_OPT_LIST_META_CONTEXT);
	put_answer(&good);
	ack(ENBD_OPT_BIND);
	ack(ENBD_OPT_FENCE);
	reply(ENBD_OPT_GO, ENBD_REP_ERR_UNSUP, 0);
	be(4096, 8);
	be(3, 2);
	assert_int_equal(enbd_nego_formats(&nego, ENBD_REPLY_FORMAT_EXTENDED,
					   &err), 0);
	assert_int_equal(discover(), 0);
	assert_true(known);
	assert_int_equal(say_hello(ENBD_EXT_FEATURES), 0);
	assert_int_equal(enbd_ext_bind(&nego, &hello, &place, &err), 0);
	assert_int_equal(enbd_ext_fence(&nego, &one, 1, &err), 0);
	assert_int_equal(enbd_nego_go(&nego, "disk", &export, &err), 0);
	assert_true(nego.options <= 8);
}

static void names_may_be_long_but_not_longer(void **state)
{
	char name[ENBD_MAX_STRING + 2];

	(void)state;
	memset(name, 'x', sizeof(name));
	name[ENBD_MAX_STRING] = '\0';
	begin_structured();
	ack(ENBD_OPT_LIST_META_CONTEXT);
	assert_int_equal(enbd_ext_discover(&nego, name, &known, &err), 0);
	script.in_len = 0;
	put_answer(&good);
	assert_int_equal(enbd_ext_hello(&nego, name, 15, &hello, &err), 0);
	name[ENBD_MAX_STRING] = 'x';
	name[ENBD_MAX_STRING + 1] = '\0';
	script.in_len = 0;
	assert_int_equal(enbd_ext_discover(&nego, name, &known, &err), -1);
	assert_int_equal(enbd_ext_hello(&nego, name, 15, &hello, &err), -1);
	assert_int_equal(script.in_len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(asks_the_one_question, setup),
		cmocka_unit_test_setup(asks_nobody_who_is_simple, setup),
		cmocka_unit_test_setup(foreign_servers_are_known, setup),
		cmocka_unit_test_setup(discovery_fails, setup),
		cmocka_unit_test_setup(gets_acquainted, setup),
		cmocka_unit_test_setup(takes_fewer_features, setup),
		cmocka_unit_test_setup(hostile_hello, setup),
		cmocka_unit_test_setup(grants_only_what_was_asked, setup),
		cmocka_unit_test_setup(binds, setup),
		cmocka_unit_test_setup(fences, setup),
		cmocka_unit_test_setup(bind_and_fence_refused, setup),
		cmocka_unit_test_setup(whole_handshake_fits, setup),
		cmocka_unit_test_setup(names_may_be_long_but_not_longer, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
