/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A channel: one socket to the server, what is waiting to be sent on it, and
 * the reply being received from it. It knows nothing of disks, of the other
 * channels, nor of what happens to its requests when it is lost.
 *
 * Two contexts work on a channel, both never waiting for the peer:
 *
 *  - the sender, under @tx_lock: a submitter if it gets the lock at once, else
 *    the work item;
 *  - the receiver: the work item alone.
 */
#ifndef ENBD_CHANNEL_H
#define ENBD_CHANNEL_H

#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/uio.h>
#include <linux/workqueue.h>

#include "io.h"
#include "sock.h"

/* Pieces of memory that one send or receive describes at most */
#define ENBD_TX_BVECS		128
#define ENBD_RX_BVECS		64

/* Longest reason why a channel was lost, bytes with the NUL */
#define ENBD_REASON_LEN		96

struct enbd_channel;

/* Bits of enbd_channel.bits */
enum {
	ENBD_CHANNEL_DYING,	/* somebody has seen that it is of no use */
	ENBD_CHANNEL_DEAD,	/* and has written the reason; nothing is sent or
				 * received any more
				 */
	ENBD_CHANNEL_RETIRED,	/* the server wants us to leave: answers still
				 * come, new requests are no use
				 */
	ENBD_CHANNEL_MISSED,	/* there may be something to send, and somebody
				 * found @tx_lock taken
				 */
};

/**
 * struct enbd_channel_ops - what a channel tells its session
 * @attend: look at the channel: it is dead or retired (@bits), a command of our
 *          own was answered (@control), or its connection has ended (@leave).
 *          Called from any context that may hold @tx_lock; the session acts
 *          later.
 */
struct enbd_channel_ops {
	void (*attend)(struct enbd_channel *ch);
};

enum enbd_control_state {
	ENBD_CONTROL_IDLE,	/* the session's */
	ENBD_CONTROL_QUEUED,	/* the sender's */
	ENBD_CONTROL_SENT,	/* the receiver's */
	ENBD_CONTROL_DONE,	/* the session's: there is an answer */
};

/* A channel's commands of our own, one of each at a time */
enum {
	ENBD_CONTROL_FENCE,
	ENBD_CONTROL_KEEPALIVE,
	ENBD_CONTROLS,
};

/**
 * struct enbd_control - a command of our own, see control.c
 * @state: enum enbd_control_state, says whose the rest is
 * @gen:   counts commands, so that each has its own cookie; the session's, read
 *         by the receiver
 * @first: the first of them that is not answered
 * @wire:  the command; but for the cookie the receiver's, too, once it was sent
 * @cover: the answer so far
 * @size:  of an answer to a keepalive: bytes of the export
 * @since: when the first was queued, in jiffies; the session's
 * @again: when the last was queued, in jiffies; the session's
 */
struct enbd_control {
	u32 state;
	u32 gen;
	u32 first;
	struct enbd_wire_request wire;
	struct enbd_wire_cover cover;
	u64 size;
	unsigned long since;
	unsigned long again;
};

/**
 * struct enbd_answer - to a command of our own
 * @type:   ENBD_CMD_FENCE or ENBD_CMD_KEEPALIVE
 * @error:  ENBD_E*, 0 for none
 * @offset: what was asked
 * @size:   of a keepalive: bytes of the export
 */
struct enbd_answer {
	u16 type;
	u32 error;
	u64 offset;
	u64 size;
};

/* How a connection is ended */
enum enbd_stop {
	ENBD_STOP_ABORT,	/* reset it */
	ENBD_STOP_DISC,		/* say goodbye and close */
	ENBD_STOP_LEAVE,	/* say goodbye and wait for the server to close */
};

/* What has become of ENBD_STOP_LEAVE */
enum enbd_leave {
	ENBD_LEAVE_NONE,
	ENBD_LEAVE_WAIT,	/* for the server to close */
	ENBD_LEAVE_ENDED,	/* it did, so it has done all that came before */
	ENBD_LEAVE_SILENT,	/* it did not in time, the connection broke, or
				 * nobody waits for it any more: it was reset
				 */
};

/**
 * struct enbd_tx - what is being sent
 * @ready:  requests in order, not yet begun (list of enbd_io.node)
 * @page:   headers of the batch
 * @used:   bytes of @page used
 * @bv:     the batch, headers and data in the order they leave
 * @nr:     entries of @bv used
 * @bytes:  bytes described by @bv
 * @iter:   what of the batch has not left yet
 * @splice: the batch is data that the socket may refer to instead of copy
 * @body:   data of the write that was begun and does not fit into the batch
 * @body_left: bytes of it
 * @whole:  requests whose last byte is in the batch
 * @writes: writes begun whose bytes are not all the socket's (enbd_io.node)
 * @built:  bytes of the stream described so far
 * @sent:   bytes of the stream that the socket has taken
 */
struct enbd_tx {
	struct list_head ready;
	struct page *page;
	u32 used;
	struct bio_vec bv[ENBD_TX_BVECS];
	unsigned int nr;
	u32 bytes;
	struct iov_iter iter;
	bool splice;
	struct enbd_cursor body;
	u32 body_left;
	unsigned int whole;
	struct list_head writes;
	u64 built;
	u64 sent;
};

/**
 * struct enbd_rxq - what is being received
 * @rx:    the parser
 * @io:    the request whose data come next
 * @held:  the parser's reply has not been acted on, the sender had its request
 * @done:  the request ends with them
 * @body:  where they go
 * @bv:    the part of @body that @iter covers
 * @iter:  where the next byte goes
 */
struct enbd_rxq {
	struct enbd_rx rx;
	struct enbd_io *io;
	bool held;
	bool done;
	struct enbd_cursor body;
	struct bio_vec bv[ENBD_RX_BVECS];
	struct iov_iter iter;
};

/**
 * struct enbd_channel - see above
 * @ref:       the session and whoever looks at it
 * @led:       the device's requests; constant
 * @ops:       constant
 * @session:   for @ops; constant
 * @disk:      name of the device, for messages; constant
 * @index:     place in the session, below ENBD_IO_NO_CHANNEL; constant once it
 *             is open
 * @hw_queue:  hardware queue it belongs to; constant
 * @cpu:       where its work runs; constant
 * @format:    enum enbd_reply_format; constant
 * @incarnation: which of the sockets that this place has had; constant
 * @state:     enum enbd_channel_state; written under the session's lock
 * @bits:      ENBD_CHANNEL_*
 * @s:         the socket, gone (s.sock NULL) once the session stopped it;
 *             written under @tx_lock with the work stopped, s.splice also with it
 *             running
 * @incoming:  requests from submitters, newest first; lock free
 * @tx_lock:   owns @tx, and @dispatched
 * @tx:        what is being sent
 * @rxq:       what is being received; the receiver's, like the counters below
 * @work:      sends and receives
 * @control:   commands of our own, see control.c
 * @heard:     when bytes last came, in jiffies; the receiver's
 * @unacked:   when bytes were first seen unacknowledged since then, in jiffies,
 *             0 if there are none; under the session's lock
 * @lost_at:   when it was declared lost; written before ENBD_CHANNEL_DEAD
 * @leave:     enum enbd_leave; written under @tx_lock
 * @closing:   the socket, stopped, until @close_work has closed it; while @leave
 *             is ENBD_LEAVE_WAIT it may be used under @tx_lock
 * @close_work: see @closing; has a reference
 * @requested: requests given to the channel; any submitter
 * @dispatched: requests sent whole
 * @answered:  requests answered
 * @errored:   of these, with an error
 * @refused:   answered with "shutting down", for another channel to do
 * @bytes_read: data of answered reads
 * @bytes_written: data of answered writes
 * @retracted: requests taken back when it was lost; under the session's lock
 * @local:     address of this end; constant
 * @peer:      address of the server; constant
 * @reason:    why it was lost; written before ENBD_CHANNEL_DEAD is set
 */
struct enbd_channel {
	struct kref ref;
	struct enbd_ledger *led;
	const struct enbd_channel_ops *ops;
	void *session;
	const char *disk;
	u8 index;
	u32 hw_queue;
	int cpu;
	u32 format;
	u32 incarnation;

	u32 state;
	unsigned long bits;
	struct enbd_sock s;

	struct llist_head incoming;
	struct mutex tx_lock;	/* see above */
	struct enbd_tx tx;
	u64 dispatched;

	struct enbd_rxq rxq;
	struct work_struct work;
	struct enbd_control control[ENBD_CONTROLS];
	unsigned long heard;
	unsigned long unacked;
	ktime_t lost_at;
	u32 leave;
	struct socket *closing;
	struct work_struct close_work;
	u64 answered;
	u64 errored;
	u64 refused;
	u64 bytes_read;
	u64 bytes_written;

	atomic64_t requested;
	u64 retracted;

	char local[ENBD_ADDR_LEN];
	char peer[ENBD_ADDR_LEN];
	char reason[ENBD_REASON_LEN];
};

int enbd_channel_init(void);
void enbd_channel_exit(void);

struct enbd_channel *enbd_channel_new(struct enbd_ledger *led, u32 format,
				      const char *disk,
				      const struct enbd_channel_ops *ops,
				      void *session);
int enbd_channel_open(struct enbd_channel *ch, struct socket *sock,
		      bool splice, struct netlink_ext_ack *extack);
void enbd_channel_copy(struct enbd_channel *ch);
void enbd_channel_start(struct enbd_channel *ch);
void enbd_channel_stop(struct enbd_channel *ch, enum enbd_stop how);
void enbd_channel_cut(struct enbd_channel *ch);
void enbd_channel_flush(struct enbd_channel *ch);
void enbd_channel_get(struct enbd_channel *ch);
void enbd_channel_put(struct enbd_channel *ch);

void enbd_channel_queue(struct enbd_channel *ch, struct enbd_io *io);
void enbd_channel_kick(struct enbd_channel *ch);
void enbd_channel_lose(struct enbd_channel *ch, const char *reason);
void enbd_channel_retire(struct enbd_channel *ch, const char *reason);
bool enbd_channel_done(const struct enbd_channel *ch);

bool enbd_channel_control(struct enbd_channel *ch, u16 type, u64 offset);
bool enbd_channel_asked(struct enbd_channel *ch, u16 type,
			unsigned long *since, unsigned long *again);
bool enbd_channel_answered(struct enbd_channel *ch, struct enbd_answer *answer);

/* Requests queued or unanswered, as a load to compare; may be a little old. */
static inline u64 enbd_channel_load(const struct enbd_channel *ch)
{
	u64 answered = READ_ONCE(ch->answered);

	/* in this order, or more may be answered than was requested */
	smp_rmb();
	return atomic64_read(&ch->requested) - answered;
}

/* Is it of no use any more, or not for long? */
static inline bool enbd_channel_gone(const struct enbd_channel *ch)
{
	return READ_ONCE(ch->bits) & (BIT(ENBD_CHANNEL_DYING) |
				      BIT(ENBD_CHANNEL_DEAD) |
				      BIT(ENBD_CHANNEL_RETIRED));
}

/* Between channel.c, its two halves, and control.c */
int enbd_tx_init(struct enbd_tx *tx);
void enbd_tx_free(struct enbd_tx *tx);
int enbd_tx_push(struct enbd_channel *ch);
bool enbd_tx_disc(struct enbd_channel *ch);

void enbd_rxq_init(struct enbd_channel *ch);
int enbd_rxq_pull(struct enbd_channel *ch);

const struct enbd_wire_request *enbd_tx_control(struct enbd_channel *ch);
const char *enbd_rxq_control(struct enbd_channel *ch);

/* Is the reply to a command of our own? */
static inline bool enbd_rxq_is_control(const struct enbd_wire_reply *reply)
{
	return (u32)reply->cookie > ENBD_IO_CONTROL - ENBD_CONTROLS;
}

#endif /* ENBD_CHANNEL_H */
