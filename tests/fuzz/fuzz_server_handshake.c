// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbd-server/handshake.c tools/enbd-server/hs_parts.c tools/enbd-server/hs_ext.c tools/enbd-server/proto.c */
/*
 * Any bytes as a client's side of the handshake, in pieces of any size; or as
 * options whose numbers and magics are right, which chance would not find.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/enbd-server/handshake.h"

static const uint8_t challenge[ENBD_EXT_CHALLENGE_LEN] = "CHALLENGE";

/* The extension: whatever comes here must be possible, in the right order. */
static struct {
	bool hello;
	bool bound;
} asked;

static int say_hello(void *ctx, struct target *target, struct hs_hello *hello)
{
	(void)ctx;
	if (asked.hello || !target->sessions)
		abort();
	asked.hello = true;
	memset(hello, 0x55, sizeof(*hello));
	memcpy(hello->challenge, challenge, sizeof(hello->challenge));
	return 0;
}

static int bind_client(void *ctx, const uint8_t *session, uint32_t channel,
		       uint32_t incarnation)
{
	(void)ctx;
	if (!asked.hello)
		abort();
	if (asked.bound || channel >= ENBD_EXT_MAX_CHANNELS || !incarnation)
		return -EINVAL;
	if (session[0] == 'p')
		return -EPERM;
	asked.bound = true;
	return 0;
}

static int fence_client(void *ctx, const struct fence_item *items,
			unsigned int count)
{
	uint32_t sum = 0;
	unsigned int i;

	(void)ctx;
	if (!asked.bound || !count || count > ENBD_EXT_MAX_CHANNELS)
		abort();
	for (i = 0; i < count; i++)
		sum += items[i].channel ^ items[i].incarnation;
	return sum % 3 ? 0 : sum % 2 ? -EINVAL : -ECANCELED;
}

static const struct hs_extension extension = {
	.hello = say_hello,
	.bind = bind_client,
	.fence = fence_client,
};

/* Only whether there are any matters to the handshake. */
static char any_sessions;

static struct target first = {
	.info = {
		.name = "a",
		.description = "first",
		.size = 4096,
		.block_min = 1,
		.block_pref = 4096,
		.block_max = 1 << 25,
	},
};

static struct target second = {
	.info = {
		.name = "second",
		.size = 1 << 20,
		.block_min = 512,
		.block_pref = 4096,
		.block_max = 1 << 25,
		.read_only = true,
	},
	.sessions = (struct sessions *)&any_sessions,
};

static struct target *const targets[] = { &first, &second };

/* Answers are bounded by what was received: see hs_consume(). */
static bool take_answer(void *ctx, const void *data, size_t len)
{
	size_t *total = ctx;
	unsigned char sum = 0;
	size_t i;

	for (i = 0; i < len; i++)
		sum ^= ((const unsigned char *)data)[i];
	*total += len + (sum & 0);
	return *total < 1 << 20;
}

/* What a client sends */
static uint8_t stream[1 << 16];
static size_t stream_len;

static void add(const void *data, size_t len)
{
	if (len > sizeof(stream) - stream_len)
		len = sizeof(stream) - stream_len;
	memcpy(stream + stream_len, data, len);
	stream_len += len;
}

static void add32(uint32_t value)
{
	value = htobe32(value);
	add(&value, sizeof(value));
}

static void add_option(uint32_t option, const void *data, size_t len)
{
	const uint64_t magic = htobe64(ENBD_IHAVEOPT);

	add(&magic, sizeof(magic));
	add32(option);
	add32((uint32_t)len);
	add(data, len);
}

/* An option of the extension: its magic is right, the rest may be. */
static void add_extension(uint32_t option, const uint8_t *data, size_t len)
{
	struct enbd_ext_hello hello = { .version = htobe16(1) };
	struct enbd_ext_bind bind = { .channel = 0 };
	uint8_t bytes[256] = { 0 };
	size_t n = len;

	if (option == ENBD_OPT_HELLO && len < 200) {
		hello.magic = htobe32(ENBD_EXT_MAGIC);
		hello.name_len = htobe32((uint32_t)len);
		memcpy(bytes, &hello, sizeof(hello));
		memcpy(bytes + sizeof(hello), data, len);
		n = sizeof(hello) + len;
		/* "second", mostly, or nothing else is ever reached */
		if (len && data[0] & 1) {
			hello.name_len = htobe32(6);
			hello.features = htobe32(data[0]);
			memcpy(bytes, &hello, sizeof(hello));
			memcpy(bytes + sizeof(hello), "second", 6);
			n = sizeof(hello) + 6;
		}
	} else if (option == ENBD_OPT_BIND && len > 8) {
		bind.magic = htobe32(ENBD_EXT_MAGIC);
		memcpy(bind.session, data, 8);
		memcpy(bind.challenge, challenge, sizeof(challenge));
		bind.channel = htobe32(data[7]);
		bind.incarnation = htobe32(data[8]);
		memcpy(bytes, &bind, sizeof(bind));
		n = sizeof(bind);
	} else {
		if (n > sizeof(bytes) - 8)
			n = sizeof(bytes) - 8;
		memcpy(bytes + 8, data, n);
		memcpy(bytes, "ENBD", 4);
		bytes[7] = (uint8_t)(n / 8);
		n += 8;
	}
	add_option(option, bytes, n);
}

static void add_options(const uint8_t *data, size_t size)
{
	static const uint32_t options[] = {
		ENBD_OPT_EXPORT_NAME, ENBD_OPT_LIST, ENBD_OPT_INFO, ENBD_OPT_GO,
		ENBD_OPT_STRUCTURED_REPLY, ENBD_OPT_EXTENDED_HEADERS,
		ENBD_OPT_LIST_META_CONTEXT, ENBD_OPT_SET_META_CONTEXT,
		ENBD_OPT_HELLO, ENBD_OPT_BIND, ENBD_OPT_FENCE,
	};

	add("\0\0\0\3", 4);
	while (size >= 2) {
		const uint32_t option = options[data[0] % 11];
		size_t len = data[1];

		data += 2;
		size -= 2;
		if (len > size)
			len = size;
		if (option >= ENBD_OPT_HELLO)
			add_extension(option, data, len);
		else
			add_option(option, data, len);
		data += len;
		size -= len;
	}
}

static bool admit(void *ctx)
{
	const size_t *total = ctx;

	return *total & 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t total = 0, head = 0, have = 0, step, n;
	const struct hs_output out = {
		.write = take_answer,
		.admit = admit,
		.ctx = &total,
	};
	struct handshake hs;
	uint8_t *copy;

	if (!size)
		return 0;
	step = 1 + data[0] * 8u;
	data++;
	size--;
	if (size && data[0] == 'o') {
		stream_len = 0;
		add_options(data + 1, size - 1);
		data = stream;
		size = stream_len;
	}
	memset(&asked, 0, sizeof(asked));
	hs_start(&hs, targets, 2, &out, &extension);
	while (hs.state != HS_TRANSMIT && hs.state != HS_CLOSE) {
		/* A copy of its own, so that reading beyond it is seen. */
		copy = malloc(have - head + 1);
		memcpy(copy, data + head, have - head);
		copy = realloc(copy, have - head ? have - head : 1);
		n = hs_consume(&hs, copy, have - head);
		free(copy);
		if (n > have - head)
			abort();
		head += n;
		if (n)
			continue;
		if (have - head >= HS_INPUT_MAX)
			abort();
		if (have == size)
			break;
		have += step < size - have ? step : size - have;
	}
	if (hs.state == HS_TRANSMIT && !hs.target)
		abort();
	return 0;
}
