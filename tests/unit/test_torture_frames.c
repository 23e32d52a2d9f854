// SPDX-License-Identifier: GPL-2.0
/* link: tests/torture/frames.c */
/* The ghost proxy knows where a client's messages begin, however they arrive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <endian.h>
#include <string.h>

#include <linux/enbd_wire.h>

#include "tests/torture/frames.h"

static uint8_t stream[8192];
static size_t length;

static void add(const void *data, size_t n)
{
	memcpy(stream + length, data, n);
	length += n;
}

static void add_flags(void)
{
	uint32_t flags = htobe32(3);

	memset(stream, 0, sizeof(stream));
	length = 0;
	add(&flags, sizeof(flags));
}

static void add_option(uint32_t option, uint32_t len)
{
	struct enbd_opt_request h = {
		htobe64(ENBD_IHAVEOPT), htobe32(option), htobe32(len)
	};

	add(&h, sizeof(h));
	length += len;
}

static void add_request(uint16_t type, uint32_t len)
{
	struct enbd_request h = {
		.magic = htobe32(ENBD_REQUEST_MAGIC), .type = htobe16(type),
		.length = htobe32(len),
	};

	add(&h, sizeof(h));
	if (type == ENBD_CMD_WRITE)
		length += len;
}

static void add_extended(uint16_t type, uint64_t len)
{
	struct enbd_ext_request h = {
		.magic = htobe32(ENBD_EXT_REQUEST_MAGIC), .type = htobe16(type),
		.length = htobe64(len),
	};

	if (type == ENBD_CMD_WRITE)
		h.flags = htobe16(ENBD_CMD_FLAG_PAYLOAD_LEN);
	add(&h, sizeof(h));
	if (type == ENBD_CMD_WRITE)
		length += len;
}

/* Passes the stream in pieces of @piece bytes; returns where it stopped. */
static size_t pass(size_t piece, bool stop, struct frames *f, uint64_t *payload)
{
	size_t at = 0, have = 0, n;

	memset(f, 0, sizeof(*f));
	*payload = 0;
	while (have < length) {
		have = have + piece < length ? have + piece : length;
		do {
			n = frames_pass(f, stream + at, have - at, stop, payload);
			at += n;
			if (*payload)
				return at;
		} while (n);
	}
	return at;
}

static void all_pass(void **state)
{
	struct frames f;
	uint64_t payload;
	size_t piece;

	(void)state;
	add_flags();
	add_option(ENBD_OPT_STRUCTURED_REPLY, 0);
	add_option(ENBD_OPT_GO, 17);
	add_request(ENBD_CMD_READ, 4096);
	add_request(ENBD_CMD_WRITE, 1000);
	add_request(ENBD_CMD_TRIM, 512);
	add_request(ENBD_CMD_WRITE, 1);
	add_extended(ENBD_CMD_READ, 4096);
	add_extended(ENBD_CMD_WRITE, 900);
	add_extended(ENBD_CMD_FLUSH, 0);
	for (piece = 1; piece < 2000; piece += piece < 70 ? 1 : 97) {
		assert_int_equal(pass(piece, false, &f, &payload), length);
		assert_int_equal(f.writes, 3);
		assert_int_equal(f.state, FRAMES_HEADER);
		assert_int_equal(f.rest, 0);
	}
}

static void stops_at_a_write(void **state)
{
	struct frames f;
	uint64_t payload;
	size_t piece, at;

	(void)state;
	add_flags();
	add_option(ENBD_OPT_GO, 17);
	add_request(ENBD_CMD_READ, 4096);
	at = length;
	add_request(ENBD_CMD_WRITE, 1000);
	for (piece = 1; piece < 2000; piece += 13) {
		assert_int_equal(pass(piece, true, &f, &payload), at);
		assert_int_equal(payload, 1000);
		assert_int_equal(f.writes, 0);
	}
	assert_int_equal(frames_header(stream + at, length - at), 28);
}

/* Data that look like a header are data. */
static void payload_is_not_read(void **state)
{
	struct enbd_request fake = {
		.magic = htobe32(ENBD_REQUEST_MAGIC),
		.type = htobe16(ENBD_CMD_WRITE), .length = htobe32(7),
	};
	struct frames f;
	uint64_t payload;

	(void)state;
	add_flags();
	add_request(ENBD_CMD_WRITE, 100);
	memcpy(stream + length - 100, &fake, sizeof(fake));
	assert_int_equal(pass(1000, false, &f, &payload), length);
	assert_int_equal(f.writes, 1);
}

static void something_else_passes(void **state)
{
	struct frames f;
	uint64_t payload;

	(void)state;
	add_flags();
	memset(stream + length, 0x16, 100);
	length += 100;
	add_request(ENBD_CMD_WRITE, 100);
	assert_int_equal(pass(10, true, &f, &payload), length);
	assert_int_equal(f.state, FRAMES_OPAQUE);
	assert_int_equal(payload, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_pass),
		cmocka_unit_test(stops_at_a_write),
		cmocka_unit_test(payload_is_not_read),
		cmocka_unit_test(something_else_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
