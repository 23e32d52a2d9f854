/* SPDX-License-Identifier: GPL-2.0 */
/*
 * NBD transmission phase: requests to bytes, bytes to replies.
 *
 * Pure code: no locks, no sockets, no kernel objects, nothing allocated. It
 * is compiled in userspace as well, for unit tests and fuzzing. Whatever a
 * peer sends is judged here, before anything else looks at it.
 *
 * "NBD" below is the NBD specification, doc/proto.md of NetworkBlockDevice.
 */
#ifndef ENBD_WIRE_H
#define ENBD_WIRE_H

#include <linux/types.h>
#include <linux/enbd.h>
#include <linux/enbd_wire.h>

/* Longest request header, bytes */
#define ENBD_WIRE_MAX_REQUEST	sizeof(struct enbd_ext_request)

/* Longest payload of an error chunk: 6 bytes, offset, and the text */
#define ENBD_WIRE_MAX_ERROR	(6 + 8 + ENBD_MAX_STRING)

/* Most error chunks one request may be answered with */
#define ENBD_WIRE_MAX_ERRORS	16

/* Most separate ranges of one read that may be answered at any time */
#define ENBD_WIRE_MAX_RANGES	4

/**
 * struct enbd_wire_request - one request in host byte order
 * @cookie: given back by the server in every reply
 * @offset: first byte on the export
 * @length: bytes, at most U32_MAX unless the format is extended
 * @type:   enum enbd_cmd
 * @flags:  ENBD_CMD_FLAG_*
 */
struct enbd_wire_request {
	u64 cookie;
	u64 offset;
	u64 length;
	u16 type;
	u16 flags;
};

/**
 * struct enbd_wire_cover - which bytes of a request have been answered
 * @nr:     number of separate ranges, in ascending order, never touching
 * @errors: error chunks seen
 * @error:  the first error, ENBD_E*, 0 for none
 * @range:  half open ranges, relative to the request's offset
 *
 * All zero before the first reply. Owned by whoever receives the reply.
 */
struct enbd_wire_cover {
	u8 nr;
	u8 errors;
	u32 error;
	struct {
		u32 start;
		u32 end;
	} range[ENBD_WIRE_MAX_RANGES];
};

/**
 * struct enbd_wire_reply - header and fixed part of a reply or chunk
 * @cookie: of the request
 * @offset: of data or hole, absolute; of a status: the export's size, bytes
 * @length: bytes of data that follow (of a simple reply: none counted), or of
 *          the hole
 * @error:  ENBD_E*, 0 for none
 * @type:   ENBD_REPLY_TYPE_*, meaningless for a simple reply
 * @simple: a simple reply: data follow if the request was a read and @error 0
 * @done:   last chunk for this cookie
 */
struct enbd_wire_reply {
	u64 cookie;
	u64 offset;
	u64 length;
	u32 error;
	u16 type;
	bool simple;
	bool done;
};

enum enbd_rx_state {
	ENBD_RX_MAGIC,		/* the first four bytes say what it is */
	ENBD_RX_HEADER,
	ENBD_RX_FIXED,		/* the part of a chunk's payload before data */
	ENBD_RX_SKIP,		/* text of an error, not for us */
	ENBD_RX_DATA,		/* the caller's */
};

/**
 * struct enbd_rx - parser of one channel's incoming bytes
 * @reply:   the last one completed
 * @state:   what the next byte belongs to
 * @format:  enum enbd_reply_format settled in the handshake
 * @have:    bytes in @buf
 * @want:    bytes that @buf needs
 * @payload: bytes of the chunk's payload not yet parsed
 * @left:    bytes left to skip, or of data that the caller expects
 * @buf:     header being collected
 *
 * Owned by the channel's receiver.
 */
struct enbd_rx {
	struct enbd_wire_reply reply;
	enum enbd_rx_state state;
	u32 format;
	u32 have;
	u32 want;
	u32 payload;
	u32 left;
	u8 buf[32];
};

enum enbd_rx_event {
	ENBD_RX_MORE,		/* nothing to act on yet */
	ENBD_RX_REPLY,		/* @reply is complete, judge it */
	ENBD_RX_BAD,		/* the peer broke the protocol, see @why */
};

unsigned int enbd_wire_put_request(void *buf, u32 format,
				   const struct enbd_wire_request *rq);

void enbd_rx_init(struct enbd_rx *rx, u32 format);
void *enbd_rx_space(struct enbd_rx *rx, u32 *len);
enum enbd_rx_event enbd_rx_filled(struct enbd_rx *rx, u32 len,
				  const char **why);
void enbd_rx_expect(struct enbd_rx *rx, u32 len);
void enbd_rx_consumed(struct enbd_rx *rx, u32 len);

const char *enbd_wire_judge(const struct enbd_wire_reply *reply,
			    const struct enbd_wire_request *rq, u32 format,
			    struct enbd_wire_cover *cover, u32 *data);

/* Is the parser between two replies, with nothing half received? */
static inline bool enbd_rx_idle(const struct enbd_rx *rx)
{
	return rx->state == ENBD_RX_MAGIC && !rx->have;
}

#endif /* ENBD_WIRE_H */
