/* SPDX-License-Identifier: GPL-2.0 */
/* For tests of the handshake: a client whose bytes and answers are in memory. */
#ifndef ENBD_TEST_HS_CLIENT_H
#define ENBD_TEST_HS_CLIENT_H

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

static inline int say_hello(void *ctx, struct target *target, struct hs_hello *hello)
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

static inline int bind_client(void *ctx, const uint8_t *session, uint32_t channel,
		       uint32_t incarnation)
{
	(void)ctx;
	asked.binds++;
	memcpy(asked.session, session, sizeof(asked.session));
	asked.items[0].channel = channel;
	asked.items[0].incarnation = incarnation;
	return asked.error;
}

static inline int fence_client(void *ctx, const struct fence_item *items,
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

static inline bool take_answer(void *ctx, const void *data, size_t len)
{
	struct client *c = ctx;

	if (c->out_len + len > c->limit)
		return false;
	memcpy(c->out + c->out_len, data, len);
	c->out_len += len;
	return true;
}

static inline void add(struct client *c, const void *data, size_t len)
{
	assert_true(c->in_len + len <= sizeof(c->in));
	memcpy(c->in + c->in_len, data, len);
	c->in_len += len;
}

static inline void add16(struct client *c, uint16_t value)
{
	value = htobe16(value);
	add(c, &value, sizeof(value));
}

static inline void add32(struct client *c, uint32_t value)
{
	value = htobe32(value);
	add(c, &value, sizeof(value));
}

static inline void add_header(struct client *c, uint32_t option, uint32_t len)
{
	const uint64_t magic = htobe64(ENBD_IHAVEOPT);

	add(c, &magic, sizeof(magic));
	add32(c, option);
	add32(c, len);
}

static inline void add_name(struct client *c, const char *name)
{
	add32(c, (uint32_t)strlen(name));
	add(c, name, strlen(name));
}

static inline void add_go(struct client *c, uint32_t option, const char *name,
		   unsigned int infos, const uint16_t *info)
{
	unsigned int i;

	add_header(c, option, (uint32_t)(4 + strlen(name) + 2 + 2 * infos));
	add_name(c, name);
	add16(c, (uint16_t)infos);
	for (i = 0; i < infos; i++)
		add16(c, info[i]);
}

/* Is there a place for the client? How often was that asked? */
static struct {
	bool full;
	unsigned int asked;
} places;

static inline bool admit_client(void *ctx)
{
	(void)ctx;
	places.asked++;
	return !places.full;
}

static inline struct client *greet(uint32_t flags)
{
	struct client *c = calloc(1, sizeof(*c));
	const struct hs_output out = {
		.write = take_answer,
		.admit = admit_client,
		.ctx = c,
	};

	c->limit = sizeof(c->out);
	hs_start(&c->hs, targets, 2, &out, &extension);
	assert_int_equal(c->out_len, 18);
	assert_memory_equal(c->out, "NBDMAGICIHAVEOPT\0\3", 18);
	c->out_read = 18;
	add32(c, flags);
	return c;
}

/* Feed what was added, @step bytes more at a time. */
static inline void feed(struct client *c, size_t step)
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

static inline uint32_t get32(const unsigned char *p)
{
	uint32_t be;

	memcpy(&be, p, sizeof(be));
	return be32toh(be);
}

/* The next reply must be of this type. Return: its payload */
static inline const unsigned char *expect(struct client *c, uint32_t option,
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

static inline void expect_end(const struct client *c)
{
	assert_int_equal(c->out_read, c->out_len);
}

#endif /* ENBD_TEST_HS_CLIENT_H */
