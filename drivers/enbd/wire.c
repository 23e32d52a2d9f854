// SPDX-License-Identifier: GPL-2.0
#include "wire.h"

#include <linux/build_bug.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "compat/unaligned.h"

/**
 * enbd_wire_put_request() - encode a request header
 * @buf:    at least ENBD_WIRE_MAX_REQUEST bytes
 * @format: enum enbd_reply_format
 * @rq:     what to ask for
 *
 * NBD, "Request message" and "Extended request". With extended headers every
 * write says that its length is that of its payload.
 *
 * Return: bytes written to @buf.
 */
unsigned int enbd_wire_put_request(void *buf, u32 format,
				   const struct enbd_wire_request *rq)
{
	struct enbd_request *req = buf;
	struct enbd_ext_request *ext = buf;
	u16 flags = rq->flags;

	BUILD_BUG_ON(sizeof(*req) != 28);
	BUILD_BUG_ON(sizeof(*ext) != 32);

	if (format == ENBD_REPLY_FORMAT_EXTENDED) {
		if (rq->type == ENBD_CMD_WRITE)
			flags |= ENBD_CMD_FLAG_PAYLOAD_LEN;
		put_unaligned_be32(ENBD_EXT_REQUEST_MAGIC, &ext->magic);
		put_unaligned_be16(flags, &ext->flags);
		put_unaligned_be16(rq->type, &ext->type);
		put_unaligned_be64(rq->cookie, &ext->cookie);
		put_unaligned_be64(rq->offset, &ext->offset);
		put_unaligned_be64(rq->length, &ext->length);
		return sizeof(*ext);
	}
	put_unaligned_be32(ENBD_REQUEST_MAGIC, &req->magic);
	put_unaligned_be16(flags, &req->flags);
	put_unaligned_be16(rq->type, &req->type);
	put_unaligned_be64(rq->cookie, &req->cookie);
	put_unaligned_be64(rq->offset, &req->offset);
	put_unaligned_be32(rq->length, &req->length);
	return sizeof(*req);
}

static void rx_next(struct enbd_rx *rx)
{
	rx->state = ENBD_RX_MAGIC;
	rx->have = 0;
	rx->want = sizeof(u32);
	rx->payload = 0;
	rx->left = 0;
}

/**
 * enbd_rx_init() - start parsing at the first byte of the transmission phase
 * @rx:     the parser
 * @format: enum enbd_reply_format
 */
void enbd_rx_init(struct enbd_rx *rx, u32 format)
{
	memset(rx, 0, sizeof(*rx));
	rx->format = format;
	rx_next(rx);
}

/**
 * enbd_rx_space() - where the next bytes of the stream go
 * @rx:  the parser
 * @len: how many bytes it can take there, never 0
 *
 * Return: the place; NULL when the bytes are none of the parser's: then @len
 * bytes are data of the last reply if the state is ENBD_RX_DATA, or to be
 * thrown away if it is ENBD_RX_SKIP; the caller does that and says so with
 * enbd_rx_consumed().
 */
void *enbd_rx_space(struct enbd_rx *rx, u32 *len)
{
	if (rx->state == ENBD_RX_DATA || rx->state == ENBD_RX_SKIP) {
		*len = rx->left;
		return NULL;
	}
	*len = rx->want - rx->have;
	return rx->buf + rx->have;
}

/**
 * enbd_rx_expect() - the last reply is followed by data
 * @rx:  the parser, which has just returned ENBD_RX_REPLY
 * @len: bytes of data, not 0
 */
void enbd_rx_expect(struct enbd_rx *rx, u32 len)
{
	rx->state = ENBD_RX_DATA;
	rx->left = len;
}

/**
 * enbd_rx_consumed() - bytes that were not the parser's are gone
 * @rx:  the parser, in ENBD_RX_DATA or ENBD_RX_SKIP
 * @len: at most what enbd_rx_space() said
 */
void enbd_rx_consumed(struct enbd_rx *rx, u32 len)
{
	rx->left -= len;
	if (!rx->left)
		rx_next(rx);
}

static enum enbd_rx_event rx_bad(const char **why, const char *text)
{
	*why = text;
	return ENBD_RX_BAD;
}

/* The magic is there: what kind of header does it begin? */
static enum enbd_rx_event rx_magic(struct enbd_rx *rx, const char **why)
{
	switch (get_unaligned_be32(rx->buf)) {
	case ENBD_SIMPLE_REPLY_MAGIC:
		if (rx->format == ENBD_REPLY_FORMAT_EXTENDED)
			return rx_bad(why, "simple reply after extended headers were negotiated");
		rx->want = sizeof(struct enbd_simple_reply);
		break;
	case ENBD_STRUCTURED_REPLY_MAGIC:
		if (rx->format != ENBD_REPLY_FORMAT_STRUCTURED)
			return rx_bad(why, "structured reply that was not negotiated");
		rx->want = sizeof(struct enbd_chunk_reply);
		break;
	case ENBD_EXT_REPLY_MAGIC:
		if (rx->format != ENBD_REPLY_FORMAT_EXTENDED)
			return rx_bad(why, "extended reply that was not negotiated");
		rx->want = sizeof(struct enbd_ext_reply);
		break;
	default:
		return rx_bad(why, "wrong magic in a reply");
	}
	rx->state = ENBD_RX_HEADER;
	return ENBD_RX_MORE;
}

/* Bytes that an error chunk has after its text */
static u32 rx_error_tail(u16 type)
{
	return type == ENBD_REPLY_TYPE_ERROR_OFFSET ? sizeof(u64) : 0;
}

/*
 * The chunk's header is there: how much of its payload comes before data, and
 * is the length what its type needs? NBD, "Structured reply chunk types".
 */
static enum enbd_rx_event rx_chunk(struct enbd_rx *rx, u64 length,
				   const char **why)
{
	struct enbd_wire_reply *reply = &rx->reply;

	switch (reply->type) {
	case ENBD_REPLY_TYPE_NONE:
		if (length)
			return rx_bad(why, "chunk of type none with a payload");
		rx_next(rx);
		return ENBD_RX_REPLY;
	case ENBD_REPLY_TYPE_OFFSET_DATA:
		if (length <= 8 || length - 8 > U32_MAX)
			return rx_bad(why, "data chunk of impossible length");
		reply->length = length - 8;
		rx->want = 8;
		break;
	case ENBD_REPLY_TYPE_OFFSET_HOLE:
		if (length != 12)
			return rx_bad(why, "hole chunk of wrong length");
		rx->want = 12;
		break;
	case ENBD_REPLY_TYPE_STATUS:
		if (length != 8)
			return rx_bad(why, "status chunk of wrong length");
		rx->want = 8;
		break;
	default:
		if (!(reply->type & ENBD_REPLY_TYPE_ERR_BIT))
			return rx_bad(why, "chunk of a type that was not negotiated");
		if (length < 6 + rx_error_tail(reply->type) || length > ENBD_WIRE_MAX_ERROR)
			return rx_bad(why, "error chunk of impossible length");
		rx->want = 6;
		break;
	}
	rx->payload = length - rx->want;
	rx->have = 0;
	rx->state = ENBD_RX_FIXED;
	return ENBD_RX_MORE;
}

static enum enbd_rx_event rx_header(struct enbd_rx *rx, const char **why)
{
	struct enbd_wire_reply *reply = &rx->reply;
	const struct enbd_simple_reply *simple = (void *)rx->buf;
	const struct enbd_chunk_reply *chunk = (void *)rx->buf;
	const struct enbd_ext_reply *ext = (void *)rx->buf;
	u64 length;
	u16 flags;

	memset(reply, 0, sizeof(*reply));
	if (rx->want == sizeof(*simple)) {
		reply->simple = true;
		reply->done = true;
		reply->error = get_unaligned_be32(&simple->error);
		reply->cookie = get_unaligned_be64(&simple->cookie);
		rx_next(rx);
		return ENBD_RX_REPLY;
	}
	flags = get_unaligned_be16(&chunk->flags);
	reply->done = flags & ENBD_REPLY_FLAG_DONE;
	reply->type = get_unaligned_be16(&chunk->type);
	reply->cookie = get_unaligned_be64(&chunk->cookie);
	if (rx->format == ENBD_REPLY_FORMAT_EXTENDED)
		length = get_unaligned_be64(&ext->length);
	else
		length = get_unaligned_be32(&chunk->length);
	return rx_chunk(rx, length, why);
}

/* The fixed part of a chunk's payload is there. */
static enum enbd_rx_event rx_fixed(struct enbd_rx *rx, const char **why)
{
	struct enbd_wire_reply *reply = &rx->reply;
	u32 rest = rx->payload;

	if (reply->type == ENBD_REPLY_TYPE_OFFSET_DATA) {
		reply->offset = get_unaligned_be64(rx->buf);
		rx_next(rx);
		return ENBD_RX_REPLY;
	}
	if (reply->type == ENBD_REPLY_TYPE_OFFSET_HOLE) {
		reply->offset = get_unaligned_be64(rx->buf);
		reply->length = get_unaligned_be32(rx->buf + 8);
		rx_next(rx);
		return ENBD_RX_REPLY;
	}
	if (reply->type == ENBD_REPLY_TYPE_STATUS) {
		reply->offset = get_unaligned_be64(rx->buf);
		rx_next(rx);
		return ENBD_RX_REPLY;
	}
	reply->error = get_unaligned_be32(rx->buf);
	if (!reply->error)
		return rx_bad(why, "error chunk without an error");
	if (get_unaligned_be16(rx->buf + 4) + rx_error_tail(reply->type) > rest)
		return rx_bad(why, "error text longer than its chunk");
	rx_next(rx);
	if (rest) {
		rx->state = ENBD_RX_SKIP;
		rx->left = rest;
	}
	return ENBD_RX_REPLY;
}

/**
 * enbd_rx_filled() - bytes were put where enbd_rx_space() said
 * @rx:  the parser
 * @len: how many, at most what it said
 * @why: set to a text when the peer broke the protocol
 *
 * After ENBD_RX_REPLY the caller judges rx->reply and, if data follow, calls
 * enbd_rx_expect() before it asks for space again.
 *
 * Return: what happened.
 */
enum enbd_rx_event enbd_rx_filled(struct enbd_rx *rx, u32 len,
				  const char **why)
{
	rx->have += len;
	if (rx->have < rx->want)
		return ENBD_RX_MORE;

	switch (rx->state) {
	case ENBD_RX_MAGIC:
		return rx_magic(rx, why);
	case ENBD_RX_HEADER:
		return rx_header(rx, why);
	default:
		return rx_fixed(rx, why);
	}
}

/*
 * Note that bytes [start, end) of the request are answered. Ranges stay
 * sorted and merged, so an ascending server never needs more than one.
 */
static const char *cover_add(struct enbd_wire_cover *c, u32 start, u32 end)
{
	unsigned int i = 0;

	while (i < c->nr && c->range[i].end < start)
		i++;
	if (i < c->nr && c->range[i].end == start) {
		if (i + 1 < c->nr && c->range[i + 1].start < end)
			return "bytes of a read answered twice";
		c->range[i].end = end;
		if (i + 1 < c->nr && c->range[i + 1].start == end) {
			c->range[i].end = c->range[i + 1].end;
			c->nr--;
			memmove(&c->range[i + 1], &c->range[i + 2],
				(c->nr - i - 1) * sizeof(c->range[0]));
		}
		return NULL;
	}
	if (i < c->nr && c->range[i].start < end)
		return "bytes of a read answered twice";
	if (i < c->nr && c->range[i].start == end) {
		c->range[i].start = start;
		return NULL;
	}
	if (c->nr == ENBD_WIRE_MAX_RANGES)
		return "read answered in too many scattered chunks";
	memmove(&c->range[i + 1], &c->range[i],
		(c->nr - i) * sizeof(c->range[0]));
	c->range[i].start = start;
	c->range[i].end = end;
	c->nr++;
	return NULL;
}

static bool cover_whole(const struct enbd_wire_cover *c, u32 length)
{
	return c->nr == 1 && !c->range[0].start && c->range[0].end == length;
}

static void cover_error(struct enbd_wire_cover *c, u32 error)
{
	if (!c->error)
		c->error = error;
	c->errors++;
}

/**
 * enbd_wire_judge() - does the reply fit the request it names?
 * @reply:  from the parser
 * @rq:     the request, still unanswered; reads are at most U32_MAX long
 * @format: enum enbd_reply_format
 * @cover:  what was answered so far, updated
 * @data:   set to the bytes of data that follow this reply
 *
 * A read is over only when each of its bytes was answered exactly once or the
 * server reported an error: memory that the server did not fill is never
 * passed off as data. NBD, "Simple reply message", "Structured reply chunk
 * message".
 *
 * Return: NULL if it fits, else what is wrong with it.
 */
const char *enbd_wire_judge(const struct enbd_wire_reply *reply,
			    const struct enbd_wire_request *rq, u32 format,
			    struct enbd_wire_cover *cover, u32 *data)
{
	bool read = rq->type == ENBD_CMD_READ;
	const char *bad;
	u64 start;

	*data = 0;
	if (reply->simple) {
		if (read && format != ENBD_REPLY_FORMAT_SIMPLE)
			return "simple reply to a read";
		if (cover->errors)
			return "simple reply after an error chunk";
		if (reply->error)
			cover_error(cover, reply->error);
		else if (rq->type == ENBD_CMD_KEEPALIVE)
			return "keepalive answered without a status";
		else if (read)
			*data = rq->length;
		return NULL;
	}

	switch (reply->type) {
	case ENBD_REPLY_TYPE_NONE:
		if (!reply->done)
			return "chunk of type none that is not the last";
		if (rq->type == ENBD_CMD_KEEPALIVE && !cover->error)
			return "keepalive answered without a status";
		break;
	case ENBD_REPLY_TYPE_STATUS:
		if (rq->type != ENBD_CMD_KEEPALIVE)
			return "status for a request that is no keepalive";
		if (!reply->done)
			return "status that is not the last chunk";
		break;
	case ENBD_REPLY_TYPE_OFFSET_DATA:
	case ENBD_REPLY_TYPE_OFFSET_HOLE:
		if (!read)
			return "data for a request that is no read";
		if (!reply->length)
			return "empty chunk";
		if (reply->offset < rq->offset)
			return "chunk outside of the request";
		start = reply->offset - rq->offset;
		if (start >= rq->length || reply->length > rq->length - start)
			return "chunk beyond the end of the request";
		bad = cover_add(cover, start, start + reply->length);
		if (bad)
			return bad;
		if (reply->type == ENBD_REPLY_TYPE_OFFSET_DATA)
			*data = reply->length;
		break;
	default:
		if (cover->errors == ENBD_WIRE_MAX_ERRORS)
			return "too many errors for one request";
		cover_error(cover, reply->error);
		break;
	}
	if (reply->done && read && !cover->error &&
	    !cover_whole(cover, rq->length))
		return "read not answered whole";
	return NULL;
}
