// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbd-server/proto.c */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <linux/enbd_wire.h>

#include "tools/enbd-server/proto.h"

static const struct target_info info = {
	.name = "x",
	.size = 1000000,
	.block_min = 1,
	.block_pref = 4096,
	.block_max = 65536,
};

static const struct target_info blocky = {
	.name = "x",
	.size = 3ull << 40,
	.block_min = 512,
	.block_pref = 4096,
	.block_max = 65536,
};

static const struct target_info read_only = {
	.name = "x",
	.size = 1000000,
	.block_min = 1,
	.block_pref = 4096,
	.block_max = 65536,
	.read_only = true,
};

static uint32_t check(unsigned int type, unsigned int flags, uint64_t offset,
		      uint64_t length, enum nbd_mode mode,
		      const struct target_info *target)
{
	const struct nbd_request req = {
		.type = (uint16_t)type,
		.flags = (uint16_t)flags,
		.offset = offset,
		.length = length,
	};

	return nbd_check_request(&req, mode, target);
}

static void test_parse(void **state)
{
	static const unsigned char simple[] = {
		0x25, 0x60, 0x95, 0x13, 0x00, 0x01, 0x00, 0x01,
		1, 2, 3, 4, 5, 6, 7, 8,
		0x80, 0, 0, 0, 0, 0, 0x10, 0,
		0xff, 0xff, 0xff, 0xfe,
	};
	static const unsigned char extended[] = {
		0x21, 0xe4, 0x1c, 0x71, 0x00, 0x20, 0x00, 0x01,
		1, 2, 3, 4, 5, 6, 7, 8,
		0, 0, 0, 0, 0, 0, 0x10, 0,
		0x80, 0, 0, 0, 0, 0, 0, 1,
	};
	struct nbd_request req;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(simple); i++)
		assert_int_equal(nbd_parse_request(NBD_SIMPLE, simple, i, &req),
				 0);
	assert_int_equal(nbd_parse_request(NBD_SIMPLE, simple, 28, &req), 28);
	assert_int_equal(req.flags, ENBD_CMD_FLAG_FUA);
	assert_int_equal(req.type, ENBD_CMD_WRITE);
	assert_int_equal(req.cookie, 0x0102030405060708);
	assert_int_equal(req.offset, 0x8000000000001000);
	assert_int_equal(req.length, 0xfffffffe);
	assert_int_equal(nbd_parse_request(NBD_STRUCTURED, simple, 40, &req),
			 28);
	assert_int_equal(nbd_parse_request(NBD_EXTENDED, simple, 28, &req), 0);

	for (i = 0; i < sizeof(extended); i++)
		assert_int_equal(nbd_parse_request(NBD_EXTENDED, extended, i,
						   &req), 0);
	assert_int_equal(nbd_parse_request(NBD_EXTENDED, extended, 32, &req),
			 32);
	assert_int_equal(req.flags, ENBD_CMD_FLAG_PAYLOAD_LEN);
	assert_int_equal(req.length, 0x8000000000000001);
	/* The magic of the other mode is as wrong as any. */
	assert_int_equal(nbd_parse_request(NBD_SIMPLE, extended, 28, &req),
			 -EPROTO);
}

static void test_payload(void **state)
{
	struct nbd_request req = { .length = ~0ull };

	(void)state;
	req.type = ENBD_CMD_WRITE;
	assert_true(nbd_payload_length(&req, NBD_SIMPLE) == ~0ull);
	assert_true(nbd_payload_length(&req, NBD_EXTENDED) == ~0ull);
	req.type = ENBD_CMD_READ;
	assert_int_equal(nbd_payload_length(&req, NBD_EXTENDED), 0);
	req.flags = ENBD_CMD_FLAG_PAYLOAD_LEN;
	assert_int_equal(nbd_payload_length(&req, NBD_SIMPLE), 0);
	assert_int_equal(nbd_payload_length(&req, NBD_STRUCTURED), 0);
	assert_true(nbd_payload_length(&req, NBD_EXTENDED) == ~0ull);
}

static void test_ranges(void **state)
{
	const enum nbd_mode m = NBD_STRUCTURED;

	(void)state;
	assert_int_equal(check(ENBD_CMD_READ, 0, 999999, 1, m, &info), 0);
	assert_int_equal(check(ENBD_CMD_READ, 0, 999999, 2, m, &info),
			 ENBD_EINVAL);
	assert_int_equal(check(ENBD_CMD_READ, 0, 1000000, 0, m, &info), 0);
	assert_int_equal(check(ENBD_CMD_READ, 0, 1000001, 0, m, &info),
			 ENBD_EINVAL);
	assert_int_equal(check(ENBD_CMD_READ, 0, ~0ull, 1, m, &info),
			 ENBD_EINVAL);
	assert_int_equal(check(ENBD_CMD_READ, 0, ~0ull, ~0ull, m, &info),
			 ENBD_EINVAL);
	assert_int_equal(check(ENBD_CMD_WRITE, 0, 999999, 2, m, &info),
			 ENBD_ENOSPC);
	assert_int_equal(check(ENBD_CMD_WRITE, 0, ~0ull - 1, 3, m, &info),
			 ENBD_ENOSPC);
	assert_int_equal(check(ENBD_CMD_WRITE_ZEROES, 0, 1, 1000000, m, &info),
			 ENBD_ENOSPC);
	assert_int_equal(check(ENBD_CMD_WRITE_ZEROES, 0, 0, 1000000, m, &info),
			 0);
	assert_int_equal(check(ENBD_CMD_TRIM, 0, 1, 1000000, m, &info),
			 ENBD_EINVAL);
	assert_int_equal(check(ENBD_CMD_TRIM, 0, 0, 1ull << 41, NBD_EXTENDED,
			       &blocky), 0);
	assert_int_equal(check(ENBD_CMD_CACHE, 0, 1, 1000000, m, &info),
			 ENBD_EINVAL);
	assert_int_equal(check(ENBD_CMD_FLUSH, 0, 0, 0, m, &info), 0);
	assert_int_equal(check(ENBD_CMD_FLUSH, 0, 1, 0, m, &info),
			 ENBD_EINVAL);
	assert_int_equal(check(ENBD_CMD_FLUSH, 0, 0, 1, m, &info),
			 ENBD_EINVAL);
}

static void test_limits(void **state)
{
	(void)state;
	assert_int_equal(check(ENBD_CMD_READ, 0, 0, 65536, NBD_SIMPLE, &info),
			 0);
	assert_int_equal(check(ENBD_CMD_READ, 0, 0, 65537, NBD_SIMPLE, &info),
			 ENBD_EINVAL);
	assert_int_equal(check(ENBD_CMD_READ, ENBD_CMD_FLAG_DF, 0, 65537,
			       NBD_STRUCTURED, &info), ENBD_EOVERFLOW);
	assert_int_equal(check(ENBD_CMD_WRITE, 0, 0, 65537, NBD_SIMPLE, &info),
			 ENBD_EINVAL);
	assert_int_equal(check(ENBD_CMD_READ, 0, 512, 1024, NBD_SIMPLE,
			       &blocky), 0);
	assert_int_equal(check(ENBD_CMD_READ, 0, 511, 1024, NBD_SIMPLE,
			       &blocky), ENBD_EINVAL);
	assert_int_equal(check(ENBD_CMD_WRITE, 0, 512, 1000, NBD_SIMPLE,
			       &blocky), ENBD_EINVAL);
	assert_int_equal(check(ENBD_CMD_TRIM, 0, 512, 1000, NBD_SIMPLE,
			       &blocky), ENBD_EINVAL);
}

static void test_flags(void **state)
{
	const unsigned int zeroes = ENBD_CMD_FLAG_FUA | ENBD_CMD_FLAG_NO_HOLE |
				    ENBD_CMD_FLAG_FAST_ZERO;
	unsigned int type, mode;

	(void)state;
	/* FUA is accepted everywhere, an unknown flag and command nowhere. */
	for (mode = NBD_SIMPLE; mode <= NBD_EXTENDED; mode++) {
		for (type = 0; type < 16; type++) {
			const bool known = type <= ENBD_CMD_WRITE_ZEROES &&
					   type != ENBD_CMD_DISC;

			assert_int_equal(check(type, ENBD_CMD_FLAG_FUA, 0, 0,
					       mode, &info),
					 known ? 0 : ENBD_EINVAL);
			assert_int_equal(check(type, 0x8000, 0, 0, mode,
					       &info), ENBD_EINVAL);
		}
		assert_int_equal(check(ENBD_CMD_WRITE_ZEROES, zeroes, 0, 512,
				       mode, &info), 0);
		assert_int_equal(check(ENBD_CMD_TRIM, ENBD_CMD_FLAG_NO_HOLE, 0,
				       512, mode, &info), ENBD_EINVAL);
	}
	assert_int_equal(check(ENBD_CMD_READ, ENBD_CMD_FLAG_DF, 0, 1,
			       NBD_SIMPLE, &info), ENBD_EINVAL);
	assert_int_equal(check(ENBD_CMD_READ, ENBD_CMD_FLAG_DF, 0, 1,
			       NBD_EXTENDED, &info), 0);
	assert_int_equal(check(ENBD_CMD_WRITE, ENBD_CMD_FLAG_PAYLOAD_LEN, 0, 1,
			       NBD_EXTENDED, &info), 0);
	assert_int_equal(check(ENBD_CMD_WRITE, ENBD_CMD_FLAG_PAYLOAD_LEN, 0, 1,
			       NBD_STRUCTURED, &info), ENBD_EINVAL);
	assert_int_equal(check(ENBD_CMD_READ, ENBD_CMD_FLAG_PAYLOAD_LEN, 0, 1,
			       NBD_EXTENDED, &info), ENBD_EINVAL);
}

static void test_read_only(void **state)
{
	(void)state;
	assert_int_equal(check(ENBD_CMD_READ, 0, 0, 1, 0, &read_only), 0);
	assert_int_equal(check(ENBD_CMD_FLUSH, 0, 0, 0, 0, &read_only), 0);
	assert_int_equal(check(ENBD_CMD_CACHE, 0, 0, 1, 0, &read_only), 0);
	assert_int_equal(check(ENBD_CMD_WRITE, 0, 0, 1, 0, &read_only),
			 ENBD_EPERM);
	assert_int_equal(check(ENBD_CMD_TRIM, 0, 0, 1, 0, &read_only),
			 ENBD_EPERM);
	assert_int_equal(check(ENBD_CMD_WRITE_ZEROES, 0, 0, 1, 0, &read_only),
			 ENBD_EPERM);
	assert_int_equal(nbd_transmission_flags(&read_only, 0) &
			 (ENBD_FLAG_READ_ONLY | ENBD_FLAG_SEND_TRIM |
			  ENBD_FLAG_SEND_WRITE_ZEROES |
			  ENBD_FLAG_SEND_FAST_ZERO), ENBD_FLAG_READ_ONLY);
	assert_int_equal(nbd_transmission_flags(&info, NBD_SIMPLE) &
			 (ENBD_FLAG_HAS_FLAGS | ENBD_FLAG_CAN_MULTI_CONN |
			  ENBD_FLAG_SEND_DF),
			 ENBD_FLAG_HAS_FLAGS | ENBD_FLAG_CAN_MULTI_CONN);
	assert_true(nbd_transmission_flags(&info, NBD_STRUCTURED) &
		    ENBD_FLAG_SEND_DF);
}

struct expected {
	enum nbd_mode mode;
	unsigned int type;
	uint32_t error;
	unsigned int len;
	unsigned char bytes[NBD_REPLY_MAX];
};

static void test_replies(void **state)
{
	static const struct expected table[] = {
		{ NBD_SIMPLE, ENBD_CMD_READ, 0, 16, {
			0x67, 0x44, 0x66, 0x98, 0, 0, 0, 0,
			1, 2, 3, 4, 5, 6, 7, 8 } },
		{ NBD_SIMPLE, ENBD_CMD_READ, ENBD_EIO, 16, {
			0x67, 0x44, 0x66, 0x98, 0, 0, 0, 5,
			1, 2, 3, 4, 5, 6, 7, 8 } },
		{ NBD_STRUCTURED, ENBD_CMD_WRITE, ENBD_ENOSPC, 16, {
			0x67, 0x44, 0x66, 0x98, 0, 0, 0, 28,
			1, 2, 3, 4, 5, 6, 7, 8 } },
		{ NBD_STRUCTURED, ENBD_CMD_READ, 0, 28, {
			0x66, 0x8e, 0x33, 0xef, 0, 1, 0, 1,
			1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 2, 8,
			0, 0, 0, 9, 0, 0, 0, 0 } },
		{ NBD_STRUCTURED, ENBD_CMD_READ, ENBD_EINVAL, 26, {
			0x66, 0x8e, 0x33, 0xef, 0, 1, 0x80, 1,
			1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 6,
			0, 0, 0, 22, 0, 0 } },
		{ NBD_EXTENDED, ENBD_CMD_READ, 0, 40, {
			0x6e, 0x8a, 0x27, 0x8c, 0, 1, 0, 1,
			1, 2, 3, 4, 5, 6, 7, 8,
			0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 8,
			0, 0, 0, 9, 0, 0, 0, 0 } },
		{ NBD_EXTENDED, ENBD_CMD_FLUSH, 0, 32, {
			0x6e, 0x8a, 0x27, 0x8c, 0, 1, 0, 0,
			1, 2, 3, 4, 5, 6, 7, 8,
			0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 } },
		{ NBD_EXTENDED, ENBD_CMD_TRIM, ENBD_EPERM, 38, {
			0x6e, 0x8a, 0x27, 0x8c, 0, 1, 0x80, 1,
			1, 2, 3, 4, 5, 6, 7, 8,
			0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6,
			0, 0, 0, 1, 0, 0 } },
	};
	unsigned char buf[NBD_REPLY_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct expected *e = &table[i];
		const struct nbd_request req = {
			.type = (uint16_t)e->type,
			.cookie = 0x0102030405060708,
			.offset = 9ull << 32,
			.length = 512,
		};

		memset(buf, 0xee, sizeof(buf));
		assert_int_equal(nbd_reply_length(e->mode, &req, e->error),
				 e->len);
		assert_int_equal(nbd_put_reply(buf, e->mode, &req, e->error),
				 e->len);
		assert_memory_equal(buf, e->bytes, e->len);
	}
}

/* A chunk of data must not be empty. */
static void test_empty_read(void **state)
{
	const struct nbd_request req = { .type = ENBD_CMD_READ };
	unsigned char buf[NBD_REPLY_MAX];

	(void)state;
	assert_int_equal(nbd_put_reply(buf, NBD_STRUCTURED, &req, 0), 20);
	assert_int_equal(buf[7], ENBD_REPLY_TYPE_NONE);
	assert_int_equal(nbd_put_reply(buf, NBD_EXTENDED, &req, 0), 32);
}

static void test_errors(void **state)
{
	static const int table[][2] = {
		{ 0, 0 }, { EPERM, 1 }, { EROFS, 1 }, { EIO, 5 },
		{ ENOMEM, 12 }, { EINVAL, 22 }, { ENOSPC, 28 }, { EDQUOT, 28 },
		{ EFBIG, 28 }, { EOVERFLOW, 75 }, { EOPNOTSUPP, 95 },
		{ ESHUTDOWN, 108 }, { EBADF, 5 }, { ENXIO, 5 },
		{ EACCES, 5 }, { 4000, 5 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_int_equal(nbd_error(table[i][0]), table[i][1]);
	assert_string_equal(nbd_command_name(ENBD_CMD_TRIM), "trim");
	assert_string_equal(nbd_command_name(65535), "?");
}

static void test_to_io(void **state)
{
	struct nbd_request req = {
		.type = ENBD_CMD_WRITE_ZEROES,
		.flags = ENBD_CMD_FLAG_NO_HOLE | ENBD_CMD_FLAG_FAST_ZERO,
		.offset = 5,
		.length = 1ull << 40,
	};
	struct block_io io;

	(void)state;
	nbd_to_io(&req, &io);
	assert_int_equal(io.op, IO_ZERO);
	assert_int_equal(io.flags, IO_NO_HOLE | IO_FAST);
	assert_int_equal(io.offset, 5);
	assert_int_equal(io.length, 1ull << 40);
	req.type = ENBD_CMD_WRITE;
	req.flags = ENBD_CMD_FLAG_FUA;
	nbd_to_io(&req, &io);
	assert_int_equal(io.op, IO_WRITE);
	assert_int_equal(io.flags, IO_FUA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_payload),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_read_only),
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_empty_read),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_to_io),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
