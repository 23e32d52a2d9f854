/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A server and a receiver for tests of wire.c. The server turns a list of
 * messages into bytes, the receiver does with them what recv.c does, and looks
 * at each byte of memory afterwards.
 *
 * Neither shares code with wire.c. Included by wire_kunit.c in the kernel and
 * by tests/unit/test_wire.c outside of it.
 */
#ifndef ENBD_WIRE_MODEL_H
#define ENBD_WIRE_MODEL_H

#include "wire.h"

#include <linux/kernel.h>
#include <linux/string.h>

/* Where the requests of all cases begin; every byte of it matters */
#define MODEL_BASE		0x0123456789abcd00ULL
#define MODEL_COOKIE		0xfedcba9876543210ULL

/* Longest request whose data are really received, bytes */
#define MODEL_MEMORY		256
#define MODEL_GUARD		16
#define MODEL_CANARY		0xee

#define MODEL_STREAM		8192
#define MODEL_MSGS		20

enum model_kind {
	MSG_END,	/* of the list */
	MSG_SIMPLE,
	MSG_NONE,
	MSG_DATA,
	MSG_HOLE,
	MSG_ERROR,
	MSG_ERROR_AT,
	MSG_RAW,	/* a chunk of any type whose payload is zeroes */
};

/**
 * struct model_msg - one reply or chunk
 * @kind:   enum model_kind
 * @type:   of the chunk, instead of what @kind says, if not 0
 * @done:   the flag "last chunk"
 * @more:   other flags
 * @offset: of data, hole or error, from the request's
 * @length: bytes of data, hole, error text or raw payload
 * @error:  as on the wire
 * @magic:  instead of the right one, if not 0
 * @claim:  length of the payload that the header claims, if not 0
 * @text:   length of the text that an error chunk claims, if not 0
 * @times:  so many of them, 0 for one
 * @anew:   it ends a request, and what follows answers another like it
 */
struct model_msg {
	u8 kind;
	u16 type;
	bool done;
	u16 more;
	u64 offset;
	u32 length;
	u32 error;
	u32 magic;
	u64 claim;
	u16 text;
	u8 times;
	bool anew;
};

/**
 * struct model_case - a request and what the server says to it
 * @name:   says what is right or wrong
 * @format: enum enbd_reply_format
 * @type:   enum enbd_cmd
 * @length: of the request
 * @msg:    the server's messages
 * @why:    what is wrong with the last of them, NULL if nothing
 * @error:  what the request ends with, if it ends
 * @open:   it does not end
 */
struct model_case {
	const char *name;
	u32 format;
	u16 type;
	u64 length;
	struct model_msg msg[MODEL_MSGS];
	const char *why;
	u32 error;
	bool open;
};

static u8 model_stream[MODEL_STREAM];
static u8 model_memory[MODEL_GUARD + MODEL_MEMORY + MODEL_GUARD];

/* The byte of the export at an offset from the request's, never 0 */
static u8 model_byte(u64 offset)
{
	return 1 + offset % 199;
}

/* Append an integer in network order. */
static u32 model_put(u32 at, u64 value, unsigned int bytes)
{
	while (bytes--)
		model_stream[at++] = value >> (8 * bytes);
	return at;
}

static u32 model_put_data(u32 at, u64 offset, u32 length)
{
	u32 i;

	for (i = 0; i < length; i++)
		model_stream[at++] = model_byte(offset + i);
	return at;
}

static u32 model_put_zeroes(u32 at, u32 length)
{
	memset(model_stream + at, 0, length);
	return at + length;
}

static u32 model_put_header(u32 at, u32 format, const struct model_msg *m,
			    u16 type, u32 payload)
{
	bool ext = format == ENBD_REPLY_FORMAT_EXTENDED;
	u32 magic = ext ? 0x6e8a278c : 0x668e33ef;

	at = model_put(at, m->magic ? m->magic : magic, 4);
	at = model_put(at, m->done | m->more, 2);
	at = model_put(at, m->type ? m->type : type, 2);
	at = model_put(at, MODEL_COOKIE, 8);
	if (ext)
		at = model_put(at, MODEL_BASE, 8);
	return model_put(at, m->claim ? m->claim : payload, ext ? 8 : 4);
}

static u32 model_put_error(u32 at, u32 format, const struct model_msg *m)
{
	bool where = m->kind == MSG_ERROR_AT;

	at = model_put_header(at, format, m, where ? 0x8002 : 0x8001,
			      6 + m->length + (where ? 8 : 0));
	at = model_put(at, m->error, 4);
	at = model_put(at, m->text ? m->text : m->length, 2);
	at = model_put_data(at, 0, m->length);
	return where ? model_put(at, MODEL_BASE + m->offset, 8) : at;
}

/* Append a message. Returns where the next one goes. */
static u32 model_put_msg(u32 at, u32 format, const struct model_msg *m)
{
	switch (m->kind) {
	case MSG_SIMPLE:
		at = model_put(at, m->magic ? m->magic : 0x67446698, 4);
		at = model_put(at, m->error, 4);
		at = model_put(at, MODEL_COOKIE, 8);
		return model_put_data(at, 0, m->length);
	case MSG_DATA:
		at = model_put_header(at, format, m, 1, 8 + m->length);
		at = model_put(at, MODEL_BASE + m->offset, 8);
		return model_put_data(at, m->offset, m->length);
	case MSG_HOLE:
		at = model_put_header(at, format, m, 2, 12);
		at = model_put(at, MODEL_BASE + m->offset, 8);
		return model_put(at, m->length, 4);
	case MSG_ERROR:
	case MSG_ERROR_AT:
		return model_put_error(at, format, m);
	default:
		at = model_put_header(at, format, m, 0, m->length);
		return model_put_zeroes(at, m->length);
	}
}

/**
 * struct model_rx - the receiver
 * @rq:      the only request
 * @format:  enum enbd_reply_format
 * @rx:      the parser
 * @cover:   what was answered
 * @msg:     the message that bytes belong to
 * @at:      where the next byte of data goes, from the request's offset
 * @replies: accepted
 * @done:    the last of them was the last of all
 * @over:    the request was answered, and so were its data
 * @why:     what was wrong with the next one
 */
struct model_rx {
	struct enbd_wire_request rq;
	u32 format;
	struct enbd_rx rx;
	struct enbd_wire_cover cover;
	const struct model_msg *msg;
	u64 at;
	unsigned int replies;
	bool done;
	bool over;
	const char *why;
};

/* Is each member what the server said, with nothing left of the one before? */
static bool model_understood(const struct enbd_wire_reply *reply,
			     const struct model_msg *m)
{
	bool simple = m->kind == MSG_SIMPLE;
	bool error = m->kind == MSG_ERROR || m->kind == MSG_ERROR_AT;
	bool content = m->kind == MSG_DATA || m->kind == MSG_HOLE;
	u64 length = m->claim ? m->claim - 8 : m->length;

	return reply->cookie == MODEL_COOKIE && reply->simple == simple &&
	       reply->done == (simple || m->done) &&
	       reply->error == (simple || error ? m->error : 0) &&
	       reply->offset == (content ? MODEL_BASE + m->offset : 0) &&
	       reply->length == (content ? length : 0);
}

/* A reply is complete but for its data. Returns what is wrong with wire.c. */
static const char *model_reply(struct model_rx *r)
{
	const struct enbd_wire_reply *reply = &r->rx.reply;
	bool read = r->rq.type == ENBD_CMD_READ;
	bool hole = !reply->simple && reply->type == 2;
	u32 data = 0xdead;

	if (!model_understood(reply, r->msg))
		return "the message was misunderstood";
	r->why = enbd_wire_judge(reply, &r->rq, r->format, &r->cover, &data);
	if (r->why)
		return NULL;
	r->replies++;
	r->done = reply->done;
	r->at = reply->simple ? 0 : reply->offset - r->rq.offset;
	if ((data || hole) && !read)
		return "data are written for a request that is no read";
	if (data && (r->at > r->rq.length || data > r->rq.length - r->at))
		return "data go beyond the request";
	if (hole && (r->at > r->rq.length ||
		     reply->length > r->rq.length - r->at))
		return "zeroes go beyond the request";
	if (hole && r->rq.length <= MODEL_MEMORY)
		memset(model_memory + MODEL_GUARD + r->at, 0, reply->length);
	if (data)
		enbd_rx_expect(&r->rx, data);
	else
		r->over = reply->done;
	return NULL;
}

/* Bytes arrived that may fill what the parser wants. Returns how many did. */
static u32 model_feed(struct model_rx *r, const u8 *from, u32 have,
		      const char **wrong)
{
	u32 len = 0;
	u8 *to = enbd_rx_space(&r->rx, &len);

	if (!len) {
		*wrong = "the parser wants nothing";
		return 0;
	}
	len = len < have ? len : have;
	if (!to) {
		bool data = r->rx.state == ENBD_RX_DATA;

		if (data && r->rq.length <= MODEL_MEMORY)
			memcpy(model_memory + MODEL_GUARD + r->at, from, len);
		r->at += len;
		enbd_rx_consumed(&r->rx, len);
		if (data && r->rx.state != ENBD_RX_DATA)
			r->over = r->done;
		return len;
	}
	memcpy(to, from, len);
	switch (enbd_rx_filled(&r->rx, len, &r->why)) {
	case ENBD_RX_REPLY:
		*wrong = model_reply(r);
		break;
	case ENBD_RX_BAD:
		if (!r->why)
			*wrong = "the parser does not say why";
		break;
	default:
		if (enbd_rx_idle(&r->rx))
			*wrong = "the parser forgot what it has";
	}
	return len;
}

/* The bytes of one message arrive. Returns what is wrong with wire.c. */
static const char *model_message(struct model_rx *r, u32 size, u32 step)
{
	const char *wrong = NULL;
	u32 pos = 0;

	if (r->over)
		return "the request ended before its last message";
	while (pos < size && !r->why && !wrong) {
		u32 have = size - pos < step ? size - pos : step;

		pos += model_feed(r, model_stream + pos, have, &wrong);
	}
	return wrong;
}

/* What must a byte of memory be after all messages? */
static u8 model_expect(const struct model_case *c, u64 offset)
{
	const struct model_msg *m;
	u8 byte = MODEL_CANARY;

	for (m = c->msg; m->kind; m++) {
		if (m->kind == MSG_SIMPLE && !m->error)
			byte = model_byte(offset);
		if (offset - m->offset >= m->length)
			continue;
		if (m->kind == MSG_DATA)
			byte = model_byte(offset);
		if (m->kind == MSG_HOLE)
			byte = 0;
	}
	return byte;
}

static const char *model_check_memory(const struct model_rx *r,
				      const struct model_case *c)
{
	bool whole = r->over && !r->cover.error && c->type == ENBD_CMD_READ;
	u32 i;

	if (c->length > MODEL_MEMORY)
		whole = false;
	for (i = 0; i < sizeof(model_memory); i++) {
		u8 got = model_memory[i];

		if (i < MODEL_GUARD || i >= MODEL_GUARD + c->length) {
			if (got != MODEL_CANARY)
				return "memory outside of the request changed";
		} else if (whole && got != model_expect(c, i - MODEL_GUARD)) {
			return "a read that succeeded has wrong data";
		}
	}
	return NULL;
}

static bool model_same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/**
 * model_run() - play a case
 * @c:    the case
 * @step: most bytes that arrive at a time
 *
 * Not for several threads.
 *
 * Return: NULL if wire.c did what the case demands, else what it did not.
 */
static const char *model_run(const struct model_case *c, u32 step)
{
	struct model_rx r = {
		.rq = {
			.cookie = MODEL_COOKIE,
			.offset = MODEL_BASE,
			.length = c->length,
			.type = c->type,
		},
		.format = c->format,
	};
	unsigned int i, nr = 0;
	const char *wrong;

	memset(model_memory, MODEL_CANARY, sizeof(model_memory));
	enbd_rx_init(&r.rx, c->format);

	for (r.msg = c->msg; r.msg->kind; r.msg++) {
		for (i = 0; !i || i < r.msg->times; i++, nr++) {
			u32 size = model_put_msg(0, c->format, r.msg);

			if (r.why)
				return "another message than the last was found wrong";
			wrong = model_message(&r, size, step);
			if (wrong)
				return wrong;
		}
		if (r.msg->anew) {
			if (!r.over)
				return "a request did not end";
			memset(&r.cover, 0, sizeof(r.cover));
			r.over = false;
		}
	}
	if (!model_same(r.why, c->why))
		return r.why ? r.why : "nothing was found wrong";
	if (r.replies != nr - !!c->why)
		return "a message was taken for two, or two for one";
	if (!r.why && !enbd_rx_idle(&r.rx))
		return "the parser waits for more";
	if (!r.why && r.over == c->open)
		return r.over ? "the request ended" : "the request did not end";
	if (r.cover.error != c->error)
		return "the request ended with another error";
	return model_check_memory(&r, c);
}

/**
 * struct judge_case - one chunk of data for a read
 * @name:   says what is right or wrong
 * @offset: of the read
 * @length: of the read
 * @at:     absolute offset of the chunk
 * @bytes:  of data
 * @why:    what is wrong, NULL if nothing
 * @data:   what enbd_wire_judge() says of the data
 */
struct judge_case {
	const char *name;
	u64 offset;
	u64 length;
	u64 at;
	u64 bytes;
	const char *why;
	u32 data;
};

/* Returns NULL or what enbd_wire_judge() did wrong. */
static const char *model_judge(const struct judge_case *c)
{
	struct enbd_wire_reply reply = {
		.offset = c->at,
		.length = c->bytes,
		.type = ENBD_REPLY_TYPE_OFFSET_DATA,
	};
	struct enbd_wire_request rq = {
		.offset = c->offset,
		.length = c->length,
	};
	struct enbd_wire_cover cover = {};
	u32 data = 0xdead;
	const char *why;

	why = enbd_wire_judge(&reply, &rq, ENBD_REPLY_FORMAT_EXTENDED, &cover, &data);
	if (!model_same(why, c->why))
		return why ? why : "nothing was found wrong";
	if (data != c->data)
		return "another length of data";
	return NULL;
}

/**
 * struct encode_case - a request and its bytes
 * @name:   says what it shows
 * @format: enum enbd_reply_format
 * @rq:     the request
 * @length: of @bytes
 * @bytes:  the header
 */
struct encode_case {
	const char *name;
	u32 format;
	struct enbd_wire_request rq;
	u32 length;
	u8 bytes[ENBD_WIRE_MAX_REQUEST];
};

/* Returns NULL or what enbd_wire_put_request() did wrong. */
static const char *model_encode(const struct encode_case *c)
{
	u8 buf[ENBD_WIRE_MAX_REQUEST + 1];

	memset(buf, MODEL_CANARY, sizeof(buf));
	if (enbd_wire_put_request(buf, c->format, &c->rq) != c->length)
		return "another length";
	if (memcmp(buf, c->bytes, c->length))
		return "other bytes";
	if (buf[c->length] != MODEL_CANARY)
		return "bytes behind the header changed";
	return NULL;
}

/* Runs of set bits in @map */
static unsigned int model_runs(u32 map)
{
	unsigned int runs = 0;

	for (; map; map >>= 1)
		runs += (map & 3) == 1;
	return runs;
}

/*
 * One chunk, by enbd_wire_judge() and by a bit for each byte. Returns whether
 * both say the same; @map is 0 after a chunk that does not fit.
 */
static bool model_cover_step(const struct enbd_wire_request *rq,
			     struct enbd_wire_cover *cover, u32 start,
			     u32 length, u32 *map)
{
	struct enbd_wire_reply reply = {
		.offset = rq->offset + start,
		.length = length,
		.type = ENBD_REPLY_TYPE_OFFSET_HOLE,
	};
	u32 bits = ((1U << length) - 1) << start;
	const char *want = NULL;
	u32 data;

	if (*map & bits)
		want = "bytes of a read answered twice";
	else if (model_runs(*map | bits) > ENBD_WIRE_MAX_RANGES)
		want = "read answered in too many scattered chunks";
	*map = want ? 0 : *map | bits;
	return model_same(want,
			  enbd_wire_judge(&reply, rq,
					  ENBD_REPLY_FORMAT_STRUCTURED, cover,
					  &data));
}

/* The chunks that @code says, one after the other, and then the last one. */
static bool model_cover_one(u32 length, u32 longest, u32 depth, u32 code)
{
	const struct enbd_wire_request rq = {
		.offset = MODEL_BASE,
		.length = length,
	};
	const struct enbd_wire_reply last = {
		.type = ENBD_REPLY_TYPE_NONE,
		.done = true,
	};
	struct enbd_wire_cover cover = {};
	u32 map = 0, data;
	bool whole;

	for (; depth; depth--) {
		u32 start = code % length;
		u32 len = 1 + code / length % longest;

		code /= length * longest;
		if (len > length - start)
			continue;
		if (!model_cover_step(&rq, &cover, start, len, &map))
			return false;
		if (!map)
			return true;
	}
	whole = map == (1U << length) - 1;
	return whole == !enbd_wire_judge(&last, &rq,
					 ENBD_REPLY_FORMAT_STRUCTURED, &cover,
					 &data);
}

/**
 * model_cover() - every way to answer a short read
 * @length:  of the read, below 32
 * @longest: chunk
 * @depth:   chunks before the last, so that (@length * @longest) ^ @depth is
 *           below 2^32
 *
 * Return: NULL if each was judged as counting bytes says, else a text.
 */
static const char *model_cover(u32 length, u32 longest, u32 depth)
{
	u32 i, count = 1;

	for (i = 0; i < depth; i++)
		count *= length * longest;
	for (i = 0; i < count; i++) {
		if (!model_cover_one(length, longest, depth, i))
			return "judged otherwise than by counting bytes";
	}
	return NULL;
}

#endif /* ENBD_WIRE_MODEL_H */
