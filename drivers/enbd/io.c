// SPDX-License-Identifier: GPL-2.0
#include "io.h"

#include <linux/slab.h>

#include "compat.h"
#include "trace.h"

/*
 * The owner word:
 *
 *	63        32 31   16 15      8 7     0
 *	+-----------+-------+---------+-------+
 *	| generation|   0   | channel | state |
 *	+-----------+-------+---------+-------+
 *
 * A cookie is the generation and the entry's index, so a late or invented
 * reply finds either its request or nothing.
 */
static u64 io_word(u32 gen, u8 channel, enum enbd_io_state state)
{
	return (u64)gen << 32 | (u64)channel << 8 | state;
}

static u32 word_gen(u64 word)
{
	return word >> 32;
}

static u8 word_channel(u64 word)
{
	return word >> 8;
}

static enum enbd_io_state word_state(u64 word)
{
	return word & 0xff;
}

/**
 * enbd_ledger_init() - make a ledger
 * @led:    to be filled
 * @queues: hardware queues
 * @depth:  tags of each
 *
 * Context: may sleep. Return: 0 or -ENOMEM.
 */
int enbd_ledger_init(struct enbd_ledger *led, unsigned int queues,
		     unsigned int depth)
{
	unsigned int i;

	led->nr = queues * depth;
	led->depth = depth;
	led->io = kvcalloc(led->nr, sizeof(*led->io), GFP_KERNEL);
	if (!led->io)
		return -ENOMEM;
	for (i = 0; i < led->nr; i++)
		INIT_LIST_HEAD(&led->io[i].node);
	return 0;
}

/**
 * enbd_ledger_free() - free a ledger that has no request in flight
 * @led: the ledger, may be all zero
 */
void enbd_ledger_free(struct enbd_ledger *led)
{
	kvfree(led->io);
	led->io = NULL;
}

/**
 * enbd_io_begin() - the block layer starts a request
 * @led: the ledger
 * @io:  its entry, FREE, with type, flags, offset and length of io->wire
 * @rq:  the request, already started; its data length must be below 4 GiB
 *
 * The caller owns the entry until it assigns or parks it. What a flush stands
 * for is settled here, however often it is sent.
 */
void enbd_io_begin(struct enbd_ledger *led, struct enbd_io *io,
		   struct request *rq)
{
	io->rq = rq;
	io->journal = led->journal;
	if (io->journal && io->wire.type == ENBD_CMD_FLUSH)
		io->flush = enbd_journal_flush_begin(io->journal);
}

/**
 * enbd_io_assign() - give an entry to a channel
 * @led:     the ledger
 * @io:      the entry, the caller's
 * @channel: index of the channel
 *
 * Starts a new generation: replies to an earlier dispatch no longer match.
 */
void enbd_io_assign(struct enbd_ledger *led, struct enbd_io *io, u8 channel)
{
	u32 gen = word_gen(atomic64_read(&io->owner)) + 1;

	memset(&io->cover, 0, sizeof(io->cover));
	io->since = jiffies;
	io->wire.cookie = (u64)gen << 32 | (u32)(io - led->io);
	atomic64_set_release(&io->owner, io_word(gen, channel, ENBD_IO_QUEUED));
}

/**
 * enbd_io_park() - the entry is the session's until there is a channel
 * @io: the entry, the caller's
 */
void enbd_io_park(struct enbd_io *io)
{
	u32 gen = word_gen(atomic64_read(&io->owner));

	atomic64_set_release(&io->owner,
			     io_word(gen, ENBD_IO_NO_CHANNEL, ENBD_IO_PARKED));
}

/**
 * enbd_io_hold() - the entry is the session's until its channel is fenced
 * @io: the entry, the caller's
 */
void enbd_io_hold(struct enbd_io *io)
{
	u32 gen = word_gen(atomic64_read(&io->owner));

	atomic64_set_release(&io->owner,
			     io_word(gen, ENBD_IO_NO_CHANNEL, ENBD_IO_HELD));
}

static void io_move(struct enbd_io *io, enum enbd_io_state state)
{
	u64 word = atomic64_read(&io->owner);

	atomic64_set_release(&io->owner,
			     io_word(word_gen(word), word_channel(word),
				     state));
}

/**
 * enbd_io_sending() - the sender begins a write
 * @io: the entry, QUEUED on the caller's channel
 *
 * It stays the sender's: a server that answers before it can have seen the
 * data must not make us give them back while we still read them.
 */
void enbd_io_sending(struct enbd_io *io)
{
	io_move(io, ENBD_IO_SENDING);
}

/**
 * enbd_io_sent() - nothing of the request is needed any more to send it
 * @io: the entry, QUEUED or SENDING on the caller's channel
 *
 * From here on a reply may claim it, so the caller touches it no more.
 */
void enbd_io_sent(struct enbd_io *io)
{
	io_move(io, ENBD_IO_SENT);
}

/**
 * enbd_io_refused() - the server will not do the request
 * @io: the entry, REPLYING on the caller's channel
 *
 * It is as if it had never been sent, and is taken back with the channel.
 */
void enbd_io_refused(struct enbd_io *io)
{
	io_move(io, ENBD_IO_QUEUED);
}

/**
 * enbd_io_claim() - find the entry that a reply names, and own it
 * @led:     the ledger
 * @cookie:  from the wire, anything
 * @channel: index of the channel the reply came on
 *
 * A second chunk of the same reply finds it REPLYING, already the caller's.
 *
 * Return: the entry, NULL if this channel has no such request in flight, or
 * ERR_PTR(-EAGAIN) if the sender still has it: look again after having had
 * the channel's tx_lock; if it is the same then, the server lied.
 */
struct enbd_io *enbd_io_claim(struct enbd_ledger *led, u64 cookie, u8 channel)
{
	u32 index = cookie;
	u32 gen = cookie >> 32;
	struct enbd_io *io;
	u64 word, sent;

	if (index >= led->nr)
		return NULL;
	io = &led->io[index];
	sent = io_word(gen, channel, ENBD_IO_SENT);
	word = atomic64_cmpxchg(&io->owner, sent,
				io_word(gen, channel, ENBD_IO_REPLYING));
	if (word == sent || word == io_word(gen, channel, ENBD_IO_REPLYING))
		return io;
	if (word == io_word(gen, channel, ENBD_IO_SENDING))
		return ERR_PTR(-EAGAIN);
	return NULL;
}

/**
 * enbd_io_take() - take an entry back from a channel
 * @io:      any entry of the ledger
 * @channel: index of a channel whose sender and receiver are stopped
 * @was:     set to the state it was in
 *
 * Return: whether it was that channel's; then it is the caller's.
 */
bool enbd_io_take(struct enbd_io *io, u8 channel, enum enbd_io_state *was)
{
	u64 word = atomic64_read_acquire(&io->owner);

	*was = word_state(word);
	return *was != ENBD_IO_FREE && word_channel(word) == channel;
}

/* Record what the end of a request means for the data that are not durable. */
static void io_record(struct enbd_io *io, bool ok)
{
	switch (io->wire.type) {
	case ENBD_CMD_WRITE:
	case ENBD_CMD_TRIM:
	case ENBD_CMD_WRITE_ZEROES:
		if (ok && !(io->wire.flags & ENBD_CMD_FLAG_FUA))
			enbd_journal_mark(io->journal, io->wire.offset,
					  io->wire.length);
		break;
	case ENBD_CMD_FLUSH:
		enbd_journal_flush_end(io->journal, io->flush, ok);
		break;
	}
}

/**
 * enbd_io_end() - answer the request
 * @io:     the entry, the caller's; free for reuse at once
 * @status: what the block layer is told
 *
 * Every request comes by here, answered or given up, so this is where the
 * journal hears of it: before anybody can rely on what was written.
 *
 * Context: process.
 */
void enbd_io_end(struct enbd_io *io, blk_status_t status)
{
	struct request *rq = io->rq;
	u64 word = atomic64_read(&io->owner);

	trace_enbd_rq_done(io, status);
	if (io->journal)
		io_record(io, status == BLK_STS_OK);
	io->rq = NULL;
	atomic64_set_release(&io->owner,
			     io_word(word_gen(word), ENBD_IO_NO_CHANNEL,
				     ENBD_IO_FREE));
	enbd_rq_pdu(rq)->status = status;
	if (!blk_mq_complete_request_remote(rq))
		blk_mq_end_request(rq, status);
}

/**
 * enbd_io_where() - who owns an entry, for timeouts and statistics
 * @io:      the entry
 * @channel: set to its channel's index or ENBD_IO_NO_CHANNEL
 *
 * Return: its state; both may be old by the time the caller looks at them.
 */
enum enbd_io_state enbd_io_where(const struct enbd_io *io, u8 *channel)
{
	/* what was written before the word was published is seen */
	u64 word = atomic64_read_acquire(&io->owner);

	*channel = word_channel(word);
	return word_state(word);
}

/**
 * enbd_io_status() - what an error of the server means to the block layer
 * @error: from the wire, NBD "Error values", 0 for none
 *
 * Return: the status.
 */
blk_status_t enbd_io_status(u32 error)
{
	switch (error) {
	case 0:
		return BLK_STS_OK;
	case ENBD_ENOSPC:
		return BLK_STS_NOSPC;
	case ENBD_EPERM:
		/* it would be refused on every path, no retry helps */
		return BLK_STS_TARGET;
	case ENBD_EINVAL:
	case ENBD_EOVERFLOW:
		return ENBD_BLK_STS_INVAL;
	case ENBD_ENOTSUP:
		return BLK_STS_NOTSUPP;
	default:
		return BLK_STS_IOERR;
	}
}

/* Go to the next bio that has data, if this one is used up. */
static void cursor_settle(struct enbd_cursor *cur)
{
	while (cur->bio && !cur->iter.bi_size) {
		cur->bio = cur->bio->bi_next;
		if (cur->bio)
			cur->iter = cur->bio->bi_iter;
	}
}

/**
 * enbd_cursor_init() - point into the data of a request
 * @cur:  the cursor
 * @rq:   a request in flight
 * @skip: bytes from its start
 */
void enbd_cursor_init(struct enbd_cursor *cur, struct request *rq, u32 skip)
{
	cur->bio = rq->bio;
	if (!cur->bio)
		return;
	cur->iter = cur->bio->bi_iter;
	cursor_settle(cur);
	while (cur->bio && skip) {
		u32 n = min(skip, cur->iter.bi_size);

		bio_advance_iter(cur->bio, &cur->iter, n);
		skip -= n;
		cursor_settle(cur);
	}
}

/**
 * enbd_cursor_fill() - describe the next part of the data
 * @cur:   the cursor, moved past that part
 * @bv:    filled
 * @max:   places in @bv
 * @limit: most bytes
 * @bytes: set to the bytes described
 *
 * Return: places used, 0 only at the end of the data.
 */
unsigned int enbd_cursor_fill(struct enbd_cursor *cur, struct bio_vec *bv,
			      unsigned int max, u32 limit, u32 *bytes)
{
	unsigned int nr = 0;

	*bytes = 0;
	while (cur->bio && nr < max && *bytes < limit) {
		struct bio_vec one = mp_bvec_iter_bvec(cur->bio->bi_io_vec,
						       cur->iter);

		one.bv_len = min(one.bv_len, limit - *bytes);
		bv[nr++] = one;
		*bytes += one.bv_len;
		bio_advance_iter(cur->bio, &cur->iter, one.bv_len);
		cursor_settle(cur);
	}
	return nr;
}
