/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ledger: every request that the block layer gave us and that has not
 * been answered, and who owns it right now.
 *
 * A request has one owner at a time. Ownership is a single word, moved by
 * cmpxchg, so that a reply, a timeout and a failover can never both have it:
 *
 *	FREE      the block layer's
 *	QUEUED    given to a channel, not sent: the channel's sender; or sent and
 *		  refused, for another channel to do: nobody's
 *	SENDING   a write, some of whose bytes are not the socket's yet: the sender
 *	SENT      the socket's: nobody, until a reply claims it
 *	REPLYING  a reply is being received: the channel's receiver
 *	PARKED    no channel: the session
 *	HELD      a lost channel's, waits for its fence: the session
 *
 * Once a channel's sender and receiver are stopped, whatever the ledger shows
 * as that channel's belongs to the session.
 */
#ifndef ENBD_IO_H
#define ENBD_IO_H

#include <linux/atomic.h>
#include <linux/blk-mq.h>
#include <linux/bvec.h>
#include <linux/llist.h>

#include "journal.h"
#include "wire.h"

enum enbd_io_state {
	ENBD_IO_FREE,
	ENBD_IO_QUEUED,
	ENBD_IO_SENDING,
	ENBD_IO_SENT,
	ENBD_IO_REPLYING,
	ENBD_IO_PARKED,
	ENBD_IO_HELD,
};

/* "No channel" in an owner word */
#define ENBD_IO_NO_CHANNEL	0xff

/*
 * Lower half of the cookies of a channel's own commands, from here downwards: no
 * entry's index
 */
#define ENBD_IO_CONTROL		U32_MAX

/**
 * struct enbd_io - one request in flight
 * @owner: generation, channel, enum enbd_io_state; see io_word() in io.c
 * @rq:    the block layer's request; constant while not FREE
 * @wire:  what is sent; the cookie changes with every dispatch (owner)
 * @journal: where it is recorded that it was done, may be NULL; constant while
 *         not FREE
 * @flush: of a flush: its token of @journal; constant while not FREE
 * @since: when the channel got it, in jiffies (written before QUEUED)
 * @cover: what was answered so far (owner)
 * @end:   bytes of the channel's stream up to its last (while SENDING)
 * @lnode: link in a channel's incoming list (while QUEUED)
 * @node:  link in one of the sender's lists or the session's parked list
 *         (owner)
 */
struct enbd_io {
	atomic64_t owner;
	struct request *rq;
	struct enbd_wire_request wire;
	struct enbd_journal *journal;
	u32 flush;
	unsigned long since;
	struct enbd_wire_cover cover;
	u64 end;
	struct llist_node lnode;
	struct list_head node;
};

/**
 * struct enbd_ledger - all requests of a device
 * @io:    @nr entries, one for each tag of each hardware queue
 * @nr:    entries
 * @depth: tags of a hardware queue
 * @journal: where writes are recorded, NULL if nowhere; constant once there is
 *         a channel
 *
 * Constant from creation on, but for the entries.
 */
struct enbd_ledger {
	struct enbd_io *io;
	unsigned int nr;
	unsigned int depth;
	struct enbd_journal *journal;
};

/**
 * struct enbd_cursor - a place in the data of a request
 * @bio:  the bio it is in, NULL at the end
 * @iter: the place in that bio
 */
struct enbd_cursor {
	struct bio *bio;
	struct bvec_iter iter;
};

int enbd_ledger_init(struct enbd_ledger *led, unsigned int queues,
		     unsigned int depth);
void enbd_ledger_free(struct enbd_ledger *led);

void enbd_io_begin(struct enbd_ledger *led, struct enbd_io *io,
		   struct request *rq);
void enbd_io_assign(struct enbd_ledger *led, struct enbd_io *io, u8 channel);
void enbd_io_park(struct enbd_io *io);
void enbd_io_hold(struct enbd_io *io);
void enbd_io_sending(struct enbd_io *io);
void enbd_io_sent(struct enbd_io *io);
void enbd_io_refused(struct enbd_io *io);
struct enbd_io *enbd_io_claim(struct enbd_ledger *led, u64 cookie, u8 channel);
bool enbd_io_take(struct enbd_io *io, u8 channel, enum enbd_io_state *was);
void enbd_io_end(struct enbd_io *io, blk_status_t status);
enum enbd_io_state enbd_io_where(const struct enbd_io *io, u8 *channel);
blk_status_t enbd_io_status(u32 error);

void enbd_cursor_init(struct enbd_cursor *cur, struct request *rq, u32 skip);
unsigned int enbd_cursor_fill(struct enbd_cursor *cur, struct bio_vec *bv,
			      unsigned int max, u32 limit, u32 *bytes);

/* What the block layer keeps for us with each request */
struct enbd_rq_pdu {
	blk_status_t status;	/* for a completion on another CPU */
};

static inline struct enbd_rq_pdu *enbd_rq_pdu(struct request *rq)
{
	return blk_mq_rq_to_pdu(rq);
}

/* The entry of a request that the block layer has started. */
static inline struct enbd_io *enbd_io_of(struct enbd_ledger *led,
					 unsigned int queue,
					 const struct request *rq)
{
	return &led->io[queue * led->depth + rq->tag];
}

#endif /* ENBD_IO_H */
