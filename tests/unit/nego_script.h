/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A server that is a list of bytes, for tests of the client's handshake: say
 * what it will send, then look at what the client made of it and sent.
 */
#ifndef TESTS_UNIT_NEGO_SCRIPT_H
#define TESTS_UNIT_NEGO_SCRIPT_H

#include <endian.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "negotiate.h"

/* The server: bytes it sends, bytes it was sent */
struct script {
	struct enbd_transport io;
	uint8_t out[32768];
	size_t out_len, out_pos;
	uint8_t in[8192];
	size_t in_len;
	int at_end;
};

static struct script script;
static struct enbd_nego nego;
static struct enbd_err err;
static struct enbd_export export;

static inline int script_read(struct enbd_transport *io, void *buf, size_t len)
{
	struct script *s = (struct script *)io;

	if (s->out_len - s->out_pos < len) {
		s->out_pos = s->out_len;
		return s->at_end;
	}
	memcpy(buf, s->out + s->out_pos, len);
	s->out_pos += len;
	return 0;
}

static inline int script_write(struct enbd_transport *io, const void *buf, size_t len)
{
	struct script *s = (struct script *)io;

	assert_true(sizeof(s->in) - s->in_len >= len);
	memcpy(s->in + s->in_len, buf, len);
	s->in_len += len;
	return 0;
}

static inline void bytes(const void *data, size_t len)
{
	assert_true(sizeof(script.out) - script.out_len >= len);
	memcpy(script.out + script.out_len, data, len);
	script.out_len += len;
}

static inline void be(uint64_t value, size_t len)
{
	const uint64_t v = htobe64(value);

	bytes((const uint8_t *)&v + 8 - len, len);
}

static inline void greeting(uint16_t flags)
{
	be(ENBD_NBDMAGIC, 8);
	be(ENBD_IHAVEOPT, 8);
	be(flags, 2);
}

static inline void reply(uint32_t option, uint32_t type, uint32_t len)
{
	be(ENBD_OPT_REPLY_MAGIC, 8);
	be(option, 4);
	be(type, 4);
	be(len, 4);
}

static inline void info_export(uint32_t option, uint64_t size, uint16_t flags)
{
	reply(option, ENBD_REP_INFO, 12);
	be(ENBD_INFO_EXPORT, 2);
	be(size, 8);
	be(flags, 2);
}

static inline void info_blocks(uint32_t option, uint32_t min, uint32_t pref,
			uint32_t max)
{
	reply(option, ENBD_REP_INFO, 14);
	be(ENBD_INFO_BLOCK_SIZE, 2);
	be(min, 4);
	be(pref, 4);
	be(max, 4);
}

static inline int setup(void **state)
{
	(void)state;
	memset(&script, 0, sizeof(script));
	memset(&nego, 0xa5, sizeof(nego));
	memset(&err, 0, sizeof(err));
	memset(&export, 0xa5, sizeof(export));
	script.io.read = script_read;
	script.io.write = script_write;
	script.at_end = -ENODATA;
	return 0;
}

static inline int greet(void)
{
	return enbd_nego_greet(&nego, &script.io, "srv:1", 10000, &err);
}

/* A fixed newstyle server, greeted */
static inline void begin(void)
{
	greeting(ENBD_HS_FIXED_NEWSTYLE | ENBD_HS_NO_ZEROES);
	assert_int_equal(greet(), 0);
	script.in_len = 0;
}

static inline void failed_with(int code, const char *text)
{
	assert_int_equal(err.code, code);
	if (!strstr(err.text, text))
		fail_msg("\"%s\" lacks \"%s\"", err.text, text);
	assert_non_null(strstr(err.text, "srv:1"));
	assert_int_equal(script.out_pos, script.out_len);
}

/* What was sent is the option with this payload, nothing before. */
static inline size_t sent_option(size_t at, uint32_t option, const void *data,
			  size_t len)
{
	struct enbd_opt_request head;

	assert_true(script.in_len >= at + sizeof(head) + len);
	memcpy(&head, script.in + at, sizeof(head));
	assert_true(be64toh(head.magic) == ENBD_IHAVEOPT);
	assert_int_equal(be32toh(head.option), option);
	assert_int_equal(be32toh(head.length), len);
	if (len)
		assert_memory_equal(script.in + at + sizeof(head), data, len);
	return at + sizeof(head) + len;
}

#endif /* TESTS_UNIT_NEGO_SCRIPT_H */
