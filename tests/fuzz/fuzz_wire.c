// SPDX-License-Identifier: GPL-2.0
/* Any bytes as a server's answers to a driver with several requests in flight. */
/* cflags: -Itests/unit/shim */
/* link: drivers/enbd/wire.c */
/*
 * The input is settings, requests, and the stream: its bytes as they are, or
 * a program for a server that mostly keeps to the protocol, since a fuzzer
 * finds no magic, cookie and offset together by itself.
 *
 * What must hold, whatever comes: the parser always wants at least one byte; it
 * understands a reply as one who has all of its bytes before him does; no data go outside of a request; each verdict is the one that counting every
 * byte leads to; a read ends without error only when each of its bytes was
 * answered once; and how the stream was cut into pieces changes nothing.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "drivers/enbd/wire.h"

#include <linux/kernel.h>
#include <linux/string.h>

#define REQUESTS	4
#define LONGEST		64
#define STREAM		4096

#define CHECK(condition) do {						\
	if (!(condition)) {						\
		fprintf(stderr, "line %d: %s\n", __LINE__, #condition);	\
		abort();						\
	}								\
} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/**
 * struct request - one in flight
 * @rq:     as the driver has it
 * @cover:  the driver's account
 * @memory: where data go, exactly as long as the request
 * @count:  how often each byte was answered: by this account, never more than 1
 * @errors: error chunks or replies seen
 * @over:   it was answered
 */
struct request {
	struct enbd_wire_request rq;
	struct enbd_wire_cover cover;
	u8 *memory;
	u8 count[LONGEST];
	unsigned int errors;
	bool over;
};

/**
 * struct client - the driver's side of a channel
 * @format: enum enbd_reply_format
 * @rx:     the parser
 * @req:    requests
 * @cur:    the one whose data come
 * @at:     where they go
 * @done:   its reply ends with them
 * @lost:   why the channel was given up
 * @stream: everything that the server says
 * @used:   bytes of it looked at
 * @begin:  where the message being parsed begins
 * @next:   where the next one must begin, once a reply was accepted
 * @hash:   of everything that was decided
 */
struct client {
	u32 format;
	struct enbd_rx rx;
	struct request req[REQUESTS];
	struct request *cur;
	u32 at;
	bool done;
	const char *lost;
	const u8 *stream;
	size_t used;
	size_t begin;
	u64 next;
	u64 hash;
};

static void note(struct client *c, u64 what)
{
	c->hash = (c->hash ^ what) * 0x100000001b3ULL;
}

static struct request *find(struct client *c, u64 cookie)
{
	unsigned int i;

	for (i = 0; i < REQUESTS; i++) {
		if (c->req[i].rq.cookie == cookie && !c->req[i].over)
			return &c->req[i];
	}
	return NULL;
}

static void finish(struct client *c, struct request *r)
{
	u64 i;

	r->over = true;
	CHECK(!!r->errors == !!r->cover.error);
	if (r->rq.type == ENBD_CMD_READ && !r->errors) {
		for (i = 0; i < r->rq.length; i++)
			CHECK(r->count[i] == 1);
	}
	note(c, r->cover.error);
	for (i = 0; r->memory && i < r->rq.length; i++)
		note(c, r->memory[i]);
}

static bool whole(const struct request *r)
{
	u64 i;

	for (i = 0; i < r->rq.length; i++) {
		if (!r->count[i])
			return false;
	}
	return true;
}

static unsigned int ranges(const struct request *r)
{
	unsigned int nr = 0;
	u64 i;

	for (i = 0; i < r->rq.length; i++)
		nr += r->count[i] && (!i || !r->count[i - 1]);
	return nr;
}

/* Content of a read: count each byte. Returns whether that may be. */
static bool count_content(struct request *r, u64 offset, u64 length)
{
	u64 i, start = offset - r->rq.offset;

	if (!length || offset < r->rq.offset || start >= r->rq.length ||
	    length > r->rq.length - start)
		return false;
	for (i = 0; i < length; i++) {
		if (r->count[start + i])
			return false;
	}
	memset(r->count + start, 1, length);
	return ranges(r) <= ENBD_WIRE_MAX_RANGES;
}

/* May the server say this? By the letter of the specification, and slowly. */
static bool allowed(struct client *c, struct request *r,
		    const struct enbd_wire_reply *reply)
{
	bool read = r->rq.type == ENBD_CMD_READ;

	if (reply->simple) {
		if (c->format == ENBD_REPLY_FORMAT_EXTENDED || r->errors ||
		    (read && c->format != ENBD_REPLY_FORMAT_SIMPLE))
			return false;
		r->errors += !!reply->error;
		if (read && !reply->error)
			memset(r->count, 1, r->rq.length);
		return true;
	}
	if (c->format == ENBD_REPLY_FORMAT_SIMPLE)
		return false;
	if (reply->type & ENBD_REPLY_TYPE_ERR_BIT) {
		if (!reply->error || ++r->errors > ENBD_WIRE_MAX_ERRORS)
			return false;
	} else if (reply->type == ENBD_REPLY_TYPE_NONE) {
		if (!reply->done)
			return false;
	} else if (!read || !count_content(r, reply->offset, reply->length)) {
		return false;
	}
	return !reply->done || !read || r->errors || whole(r);
}

static u64 be(const u8 *from, unsigned int bytes)
{
	u64 value = 0;

	while (bytes--)
		value = value << 8 | *from++;
	return value;
}

/* Is the parser's reply what stands in the stream? */
static bool understood(const struct client *c, const struct enbd_wire_reply *reply)
{
	bool ext = c->format == ENBD_REPLY_FORMAT_EXTENDED;
	const u8 *m = c->stream + c->begin;
	const u8 *payload = m + (ext ? 32 : 20);
	u16 type = be(m + 6, 2);
	struct enbd_wire_reply want = { .cookie = be(m + 8, 8) };

	if (be(m, 4) == 0x67446698) {
		want.simple = true;
		want.done = true;
		want.error = be(m + 4, 4);
	} else {
		want.done = m[5] & 1;
		want.type = type;
		if (type == 1 || type == 2) {
			want.offset = be(payload, 8);
			if (type == 1)
				want.length = (ext ? be(m + 24, 8) : be(m + 16, 4)) - 8;
			else
				want.length = be(payload + 8, 4);
		} else if (type & 0x8000) {
			want.error = be(payload, 4);
		}
	}
	return reply->cookie == want.cookie && reply->offset == want.offset &&
	       reply->length == want.length && reply->error == want.error &&
	       reply->type == want.type && reply->simple == want.simple &&
	       reply->done == want.done;
}

static void replied(struct client *c)
{
	const struct enbd_wire_reply *reply = &c->rx.reply;
	struct request *r = find(c, reply->cookie);
	bool hole = !reply->simple && reply->type == ENBD_REPLY_TYPE_OFFSET_HOLE;
	u32 data = 0xdead;

	CHECK(understood(c, reply));
	if (!r) {
		c->lost = "no such request";
		return;
	}
	c->lost = enbd_wire_judge(reply, &r->rq, c->format, &r->cover, &data);
	CHECK(!c->lost == allowed(c, r, reply));
	note(c, data);
	if (c->lost)
		return;
	if (reply->simple)
		c->next = c->begin + 16 + data;
	else if (c->format == ENBD_REPLY_FORMAT_EXTENDED)
		c->next = c->begin + 32 + be(c->stream + c->begin + 24, 8);
	else
		c->next = c->begin + 20 + be(c->stream + c->begin + 16, 4);
	if (hole)
		memset(r->memory + (reply->offset - r->rq.offset), 0, reply->length);
	if (!data) {
		if (reply->done)
			finish(c, r);
		return;
	}
	CHECK(r->memory);
	c->cur = r;
	c->at = reply->simple ? 0 : reply->offset - r->rq.offset;
	c->done = reply->done;
	CHECK(c->at <= r->rq.length && data <= r->rq.length - c->at);
	enbd_rx_expect(&c->rx, data);
}

/* As much of @from as the parser wants now. */
static size_t feed(struct client *c, const u8 *from, size_t have)
{
	enum enbd_rx_state was = c->rx.state;
	u32 len = 0;
	u8 *to = enbd_rx_space(&c->rx, &len);

	if (enbd_rx_idle(&c->rx)) {
		CHECK(c->used == c->next);
		c->begin = c->used;
	}
	CHECK(len > 0);
	if (len > have)
		len = have;
	if (!to) {
		CHECK(was == ENBD_RX_DATA || was == ENBD_RX_SKIP);
		if (was == ENBD_RX_DATA) {
			memcpy(c->cur->memory + c->at, from, len);
			c->at += len;
		}
		enbd_rx_consumed(&c->rx, len);
		if (was == ENBD_RX_DATA && c->rx.state != ENBD_RX_DATA && c->done)
			finish(c, c->cur);
		return len;
	}
	CHECK(to >= c->rx.buf && to + len <= c->rx.buf + sizeof(c->rx.buf));
	memcpy(to, from, len);
	switch (enbd_rx_filled(&c->rx, len, &c->lost)) {
	case ENBD_RX_REPLY:
		replied(c);
		break;
	case ENBD_RX_BAD:
		CHECK(c->lost);
		break;
	default:
		CHECK(!enbd_rx_idle(&c->rx));
	}
	return len;
}

/* The whole life of a channel, at most @step bytes at a time */
static void run(struct client *c, const u8 *stream, size_t size, size_t step)
{
	enbd_rx_init(&c->rx, c->format);
	c->stream = stream;
	while (c->used < size && !c->lost) {
		size_t have = size - c->used;

		c->used += feed(c, stream + c->used, have < step ? have : step);
	}
	note(c, c->used);
	note(c, (uintptr_t)c->lost);
	note(c, c->rx.state);
}

/* The input, of which zeroes follow the end */
struct input {
	const u8 *data;
	size_t size;
};

static u8 take(struct input *in)
{
	if (!in->size)
		return 0;
	in->size--;
	return *in->data++;
}

static void set_up(struct client *c, struct input in)
{
	static const u64 bases[] = { 0, 4096, 1ULL << 40, U64_MAX - 63 };
	static const u16 types[] = {
		ENBD_CMD_READ, ENBD_CMD_READ, ENBD_CMD_WRITE, ENBD_CMD_READ,
		ENBD_CMD_FLUSH, ENBD_CMD_TRIM, ENBD_CMD_READ, ENBD_CMD_WRITE_ZEROES,
	};
	unsigned int i;

	memset(c, 0, sizeof(*c));
	c->format = take(&in) % 3;
	for (i = 0; i < REQUESTS; i++) {
		struct request *r = &c->req[i];
		u8 kind = take(&in);

		r->rq.type = types[kind % 8];
		r->rq.offset = bases[kind / 8 % 4];
		r->rq.length = 1 + take(&in) % (LONGEST - 1);
		r->rq.cookie = (u64)(kind / 32) << 32 | i;
		if (r->rq.type == ENBD_CMD_READ) {
			r->memory = malloc(r->rq.length);
			CHECK(r->memory);
			memset(r->memory, 0xee, r->rq.length);
		}
	}
}

static void tear_down(struct client *c)
{
	unsigned int i;

	for (i = 0; i < REQUESTS; i++)
		free(c->req[i].memory);
}

static size_t put(u8 *to, u64 value, unsigned int bytes)
{
	unsigned int i;

	for (i = 0; i < bytes; i++)
		to[i] = value >> (8 * (bytes - 1 - i));
	return bytes;
}

/* One message of the program. Returns its bytes, at most 256. */
static size_t put_message(struct client *c, struct input *in, u8 *to)
{
	static const u16 types[] = { 0, 1, 2, 0x8001, 1, 2, 0x8002, 5 };
	u8 op = take(in), slip = take(in);
	const struct request *r = &c->req[op / 8 % REQUESTS];
	u16 type = types[op % 8];
	u32 start = take(in), len = take(in) % (LONGEST + 2);
	bool ext = c->format == ENBD_REPLY_FORMAT_EXTENDED;
	bool simple = c->format == ENBD_REPLY_FORMAT_SIMPLE || op >= 0xf0;
	u64 payload = type == 1 ? 8 + len : type == 2 ? 12 : type ? 6 + len : 0;
	size_t n;

	if (type == 0x8002)
		payload += 8;
	/* half of the messages have no mistake by intention */
	if (slip == 0xff)
		payload += start;
	if (simple) {
		n = put(to, 0x67446698, 4);
		n += put(to + n, op & 4 ? len : 0, 4);
		n += put(to + n, r->rq.cookie, 8);
		payload = r->memory && !(op & 4 && len) ? r->rq.length : 0;
		memset(to + n, op, payload);
		return n + payload;
	}
	n = put(to, ext ? 0x6e8a278c : 0x668e33ef, 4);
	n += put(to + n, slip & 0x41, 2);
	n += put(to + n, type, 2);
	n += put(to + n, r->rq.cookie + (slip == 0xfe), 8);
	if (ext)
		n += put(to + n, r->rq.offset, 8);
	n += put(to + n, payload, ext ? 8 : 4);
	if (type == 1 || type == 2) {
		n += put(to + n, r->rq.offset + start, 8);
		if (type == 2)
			n += put(to + n, len, 4);
		else
			memset(to + n, op, len);
		return n + (type == 1 ? len : 0);
	}
	if (!type)
		return n;
	n += put(to + n, start, 4);
	n += put(to + n, slip == 0xfd ? 255 : len, 2);
	memset(to + n, 't', len);
	n += len;
	return type == 0x8002 ? n + put(to + n, r->rq.offset, 8) : n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static u8 program[STREAM];
	static struct client a, b;
	struct input in = { data, size };
	const u8 *stream;
	size_t length, step;
	u8 mode = take(&in);

	set_up(&a, in);
	set_up(&b, in);
	/* what set_up() took: format, and two bytes for each request */
	for (length = 0; length < 1 + 2 * REQUESTS; length++)
		take(&in);
	stream = in.data;
	length = in.size;
	if (mode & 1) {
		stream = program;
		length = 0;
		while (in.size && length + 256 <= STREAM)
			length += put_message(&a, &in, program + length);
	}
	step = 1 + mode / 2;
	run(&a, stream, length, SIZE_MAX);
	run(&b, stream, length, step);
	CHECK(a.hash == b.hash);
	tear_down(&a);
	tear_down(&b);
	return 0;
}
