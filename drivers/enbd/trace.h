/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints: the life of a request and the life of a channel.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM enbd

#if !defined(ENBD_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define ENBD_TRACE_H

#include <linux/tracepoint.h>

#include "channel.h"
#include "identity.h"

TRACE_DEFINE_ENUM(ENBD_CMD_READ);
TRACE_DEFINE_ENUM(ENBD_CMD_WRITE);
TRACE_DEFINE_ENUM(ENBD_CMD_FLUSH);
TRACE_DEFINE_ENUM(ENBD_CMD_TRIM);
TRACE_DEFINE_ENUM(ENBD_CMD_WRITE_ZEROES);

#define show_enbd_cmd(type)					\
	__print_symbolic(type,					\
			 { ENBD_CMD_READ, "read" },		\
			 { ENBD_CMD_WRITE, "write" },		\
			 { ENBD_CMD_FLUSH, "flush" },		\
			 { ENBD_CMD_TRIM, "trim" },		\
			 { ENBD_CMD_WRITE_ZEROES, "write-zeroes" })

TRACE_DEFINE_ENUM(ENBD_CHANNEL_STATE_LIVE);
TRACE_DEFINE_ENUM(ENBD_CHANNEL_STATE_STANDBY);
TRACE_DEFINE_ENUM(ENBD_CHANNEL_STATE_LOST);
TRACE_DEFINE_ENUM(ENBD_CHANNEL_STATE_FENCING);

#define show_enbd_channel_state(state)				\
	__print_symbolic(state,					\
			 { ENBD_CHANNEL_STATE_LIVE, "live" },	\
			 { ENBD_CHANNEL_STATE_STANDBY, "standby" }, \
			 { ENBD_CHANNEL_STATE_LOST, "lost" },	\
			 { ENBD_CHANNEL_STATE_FENCING, "fencing" })

TRACE_DEFINE_ENUM(ENBD_EVENT_CHANNEL_FENCED);
TRACE_DEFINE_ENUM(ENBD_EVENT_CHANNEL_REPLAYED);
TRACE_DEFINE_ENUM(ENBD_EVENT_CHANNEL_UNFENCED);

#define show_enbd_place_event(event)				\
	__print_symbolic(event,					\
			 { ENBD_EVENT_CHANNEL_FENCED, "fenced" }, \
			 { ENBD_EVENT_CHANNEL_REPLAYED, "replayed" }, \
			 { ENBD_EVENT_CHANNEL_UNFENCED, "unfenced" })

DECLARE_EVENT_CLASS(enbd_rq,
	TP_PROTO(const struct enbd_io *io, const struct enbd_channel *ch),
	TP_ARGS(io, ch),
	TP_STRUCT__entry(
		__array(char, disk, ENBD_NAME_MAX)
		__field(u8, channel)
		__field(u16, type)
		__field(u16, flags)
		__field(u64, cookie)
		__field(u64, offset)
		__field(u64, length)
	),
	TP_fast_assign(
		strscpy(__entry->disk, ch->disk, ENBD_NAME_MAX);
		__entry->channel = ch->index;
		__entry->type = io->wire.type;
		__entry->flags = io->wire.flags;
		__entry->cookie = io->wire.cookie;
		__entry->offset = io->wire.offset;
		__entry->length = io->wire.length;
	),
	TP_printk("%s channel %u cookie %llx %s flags %#x offset %llu length %llu",
		  __entry->disk, __entry->channel, __entry->cookie,
		  show_enbd_cmd(__entry->type), __entry->flags,
		  __entry->offset, __entry->length)
);

/* given to a channel */
DEFINE_EVENT(enbd_rq, enbd_rq_queue,
	TP_PROTO(const struct enbd_io *io, const struct enbd_channel *ch),
	TP_ARGS(io, ch));

/* its header enters the stream */
DEFINE_EVENT(enbd_rq, enbd_rq_send,
	TP_PROTO(const struct enbd_io *io, const struct enbd_channel *ch),
	TP_ARGS(io, ch));

/* taken back from a channel that was lost */
DEFINE_EVENT(enbd_rq, enbd_rq_retract,
	TP_PROTO(const struct enbd_io *io, const struct enbd_channel *ch),
	TP_ARGS(io, ch));

/* a reply, or one chunk of it, has come */
TRACE_EVENT(enbd_rq_reply,
	TP_PROTO(const struct enbd_io *io, const struct enbd_channel *ch,
		 const struct enbd_wire_reply *reply),
	TP_ARGS(io, ch, reply),
	TP_STRUCT__entry(
		__array(char, disk, ENBD_NAME_MAX)
		__field(u8, channel)
		__field(u64, cookie)
		__field(u32, error)
		__field(bool, done)
	),
	TP_fast_assign(
		strscpy(__entry->disk, ch->disk, ENBD_NAME_MAX);
		__entry->channel = ch->index;
		__entry->cookie = reply->cookie;
		__entry->error = reply->error;
		__entry->done = reply->done;
	),
	TP_printk("%s channel %u cookie %llx error %u%s",
		  __entry->disk, __entry->channel, __entry->cookie,
		  __entry->error, __entry->done ? " done" : "")
);

DECLARE_EVENT_CLASS(enbd_rq_disk,
	TP_PROTO(const struct enbd_io *io, blk_status_t status),
	TP_ARGS(io, status),
	TP_STRUCT__entry(
		__array(char, disk, DISK_NAME_LEN)
		__field(u64, cookie)
		__field(u8, status)
	),
	TP_fast_assign(
		strscpy(__entry->disk, io->rq->q->disk->disk_name,
			DISK_NAME_LEN);
		__entry->cookie = io->wire.cookie;
		__entry->status = (__force u8)status;
	),
	TP_printk("%s cookie %llx status %u", __entry->disk, __entry->cookie,
		  __entry->status)
);

/* answered to the block layer */
DEFINE_EVENT(enbd_rq_disk, enbd_rq_done,
	TP_PROTO(const struct enbd_io *io, blk_status_t status),
	TP_ARGS(io, status));

/* there is no channel to give it to */
DEFINE_EVENT(enbd_rq_disk, enbd_rq_park,
	TP_PROTO(const struct enbd_io *io, blk_status_t status),
	TP_ARGS(io, status));

DECLARE_EVENT_CLASS(enbd_channel,
	TP_PROTO(const struct enbd_channel *ch),
	TP_ARGS(ch),
	TP_STRUCT__entry(
		__array(char, disk, ENBD_NAME_MAX)
		__field(u8, channel)
		__field(u32, incarnation)
		__field(u32, state)
		__array(char, reason, ENBD_REASON_LEN)
	),
	TP_fast_assign(
		strscpy(__entry->disk, ch->disk, ENBD_NAME_MAX);
		__entry->channel = ch->index;
		__entry->incarnation = ch->incarnation;
		__entry->state = ch->state;
		strscpy(__entry->reason, ch->reason, ENBD_REASON_LEN);
	),
	TP_printk("%s channel %u incarnation %u %s %s", __entry->disk,
		  __entry->channel, __entry->incarnation,
		  show_enbd_channel_state(__entry->state), __entry->reason)
);

DEFINE_EVENT(enbd_channel, enbd_channel_state,
	TP_PROTO(const struct enbd_channel *ch), TP_ARGS(ch));

DEFINE_EVENT(enbd_channel, enbd_channel_lost,
	TP_PROTO(const struct enbd_channel *ch), TP_ARGS(ch));

/* what a lost channel has left is taken care of */
TRACE_EVENT(enbd_place,
	TP_PROTO(const char *disk, unsigned int channel, u32 incarnation,
		 enum enbd_event event),
	TP_ARGS(disk, channel, incarnation, event),
	TP_STRUCT__entry(
		__array(char, disk, ENBD_NAME_MAX)
		__field(u8, channel)
		__field(u32, incarnation)
		__field(u32, event)
	),
	TP_fast_assign(
		strscpy(__entry->disk, disk, ENBD_NAME_MAX);
		__entry->channel = channel;
		__entry->incarnation = incarnation;
		__entry->event = event;
	),
	TP_printk("%s channel %u incarnation %u %s", __entry->disk,
		  __entry->channel, __entry->incarnation,
		  show_enbd_place_event(__entry->event))
);

TRACE_DEFINE_ENUM(ENBD_VERIFIER_SAME);
TRACE_DEFINE_ENUM(ENBD_VERIFIER_ADOPT);
TRACE_DEFINE_ENUM(ENBD_VERIFIER_STALE);

#define show_enbd_verdict(verdict)				\
	__print_symbolic(verdict,				\
			 { ENBD_VERIFIER_SAME, "same" },	\
			 { ENBD_VERIFIER_ADOPT, "adopted" },	\
			 { ENBD_VERIFIER_STALE, "stale" })

/* the verifier that a new channel has shown was judged */
TRACE_EVENT(enbd_verifier,
	TP_PROTO(const struct enbd_channel *ch, enum enbd_verdict verdict,
		 u64 unflushed),
	TP_ARGS(ch, verdict, unflushed),
	TP_STRUCT__entry(
		__array(char, disk, ENBD_NAME_MAX)
		__field(u8, channel)
		__field(u32, incarnation)
		__field(u32, verdict)
		__field(u64, unflushed)
	),
	TP_fast_assign(
		strscpy(__entry->disk, ch->disk, ENBD_NAME_MAX);
		__entry->channel = ch->index;
		__entry->incarnation = ch->incarnation;
		__entry->verdict = verdict;
		__entry->unflushed = unflushed;
	),
	TP_printk("%s channel %u incarnation %u %s, unflushed %llu",
		  __entry->disk, __entry->channel, __entry->incarnation,
		  show_enbd_verdict(__entry->verdict), __entry->unflushed)
);

#endif /* ENBD_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
