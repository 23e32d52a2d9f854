// SPDX-License-Identifier: GPL-2.0
/*
 * The way of a request to a channel: choosing one, and waiting for one. The
 * choice is route.h's.
 */
#include "session.h"

#include "compat.h"
#include "route.h"
#include "state.h"
#include "trace.h"

static u64 route_load(const void *of, unsigned int at)
{
	const struct enbd_route *route = of;

	return enbd_channel_load(route->ch[at]);
}

/* The channel for the next batch, after the one at @turn, which is warm. */
static unsigned int route_next(const struct enbd_route *route,
			       unsigned int turn)
{
	return enbd_route_next(route_load, route, route->own, route->nr, turn);
}

/* Kick every channel that got requests through this queue. Under srcu. */
static void session_kick(struct enbd_session *s, u64 dirty)
{
	while (dirty) {
		struct enbd_channel *ch;

		ch = srcu_dereference(s->channel[__ffs64(dirty)], &s->srcu);
		if (ch)
			enbd_channel_kick(ch);
		dirty &= dirty - 1;
	}
}

static u64 squeue_clean(struct enbd_squeue *sq)
{
	return atomic64_read(&sq->dirty) ? atomic64_xchg(&sq->dirty, 0) : 0;
}

/**
 * enbd_session_park() - keep a request until there is a channel
 * @s:  the session
 * @io: the request, the caller's
 *
 * If the device has failed or is going away, the request is failed instead.
 *
 * Return: false if there is a channel by now; then it is still the caller's.
 */
bool enbd_session_park(struct enbd_session *s, struct enbd_io *io)
{
	enum enbd_fate fate;

	spin_lock(&s->park_lock);
	fate = enbd_state_fate(s->state, s->closing);
	if (fate == ENBD_FATE_WAIT) {
		trace_enbd_rq_park(io, BLK_STS_OK);
		enbd_io_park(io);
		list_add_tail(&io->node, &s->parked);
		s->nr_parked++;
	}
	spin_unlock(&s->park_lock);
	if (fate == ENBD_FATE_FAIL)
		enbd_io_end(io, BLK_STS_IOERR);
	return fate != ENBD_FATE_RETRY;
}

/**
 * enbd_session_unpark() - the state changed: look again at all that wait
 * @s:     the session; its lock is held
 * @state: the new enum enbd_device_state
 *
 * With ENBD_DEVICE_STATE_UP routes have been published before.
 */
void enbd_session_unpark(struct enbd_session *s, u32 state)
{
	struct enbd_io *io, *next;
	unsigned int i;
	LIST_HEAD(list);

	spin_lock(&s->park_lock);
	WRITE_ONCE(s->state, state);
	list_splice_init(&s->parked, &list);
	s->nr_parked = 0;
	spin_unlock(&s->park_lock);

	list_for_each_entry_safe(io, next, &list, node) {
		list_del_init(&io->node);
		enbd_session_submit(s, (io - s->led.io) / s->led.depth, io,
				    false);
	}
	for (i = 0; i < s->nr_queues; i++)
		enbd_session_commit(s, i);
}

/**
 * enbd_session_submit() - send a request to the server
 * @s:     the session
 * @queue: hardware queue it came from
 * @io:    the request, the caller's until now
 * @last:  nothing follows for now; else enbd_session_commit() will be called
 *
 * Context: process.
 */
void enbd_session_submit(struct enbd_session *s, unsigned int queue,
			 struct enbd_io *io, bool last)
{
	struct enbd_squeue *sq = &s->queue[queue];
	struct enbd_route *route;
	struct enbd_channel *ch;
	unsigned int turn;
	int idx;

again:
	idx = srcu_read_lock(&s->srcu);
	route = srcu_dereference(sq->route, &s->srcu);
	if (!route->nr) {
		srcu_read_unlock(&s->srcu, idx);
		if (!enbd_session_park(s, io))
			goto again;
		/* others of the batch may have found a channel before */
		if (last)
			enbd_session_commit(s, queue);
		return;
	}
	turn = enbd_route_turn(route->nr, READ_ONCE(sq->turn));
	ch = route->ch[turn];
	enbd_io_assign(&s->led, io, ch->index);
	enbd_channel_queue(ch, io);
	if (last) {
		session_kick(s, squeue_clean(sq) | BIT_ULL(ch->index));
		if (route->nr > 1)
			WRITE_ONCE(sq->turn, route_next(route, turn));
	} else if (!(atomic64_read(&sq->dirty) & BIT_ULL(ch->index))) {
		/*
		 * Found set, whoever clears it kicks after our request was
		 * queued, which was a full barrier.
		 */
		atomic64_or(BIT_ULL(ch->index), &sq->dirty);
	}
	srcu_read_unlock(&s->srcu, idx);
}

/**
 * enbd_session_commit() - the batch has ended
 * @s:     the session
 * @queue: hardware queue
 *
 * Context: process.
 */
void enbd_session_commit(struct enbd_session *s, unsigned int queue)
{
	struct enbd_squeue *sq = &s->queue[queue];
	struct enbd_route *route;
	int idx = srcu_read_lock(&s->srcu);

	session_kick(s, squeue_clean(sq));
	route = srcu_dereference(sq->route, &s->srcu);
	if (route->nr > 1)
		WRITE_ONCE(sq->turn, route_next(route, READ_ONCE(sq->turn)));
	srcu_read_unlock(&s->srcu, idx);
}

/* Which channel has the request? Returns false if none, but the session. */
static bool session_holder(const struct enbd_io *io, u8 *index)
{
	switch (enbd_io_where(io, index)) {
	case ENBD_IO_QUEUED:
	case ENBD_IO_SENDING:
	case ENBD_IO_SENT:
	case ENBD_IO_REPLYING:
		return true;
	default:
		return false;
	}
}

/**
 * enbd_session_timeout() - the block layer finds that a request waits long
 * @s:  the session
 * @io: the request, not completed by anyone else meanwhile
 * @ms: how long a channel may take for it
 *
 * If a channel has had it for that long, the channel is declared lost; the
 * request is taken back from it later. One that was parked, or taken back from
 * another channel, has not used up this channel's time.
 *
 * Context: process. Return: jiffies after which to look again, at least 1.
 */
unsigned long enbd_session_timeout(struct enbd_session *s, struct enbd_io *io,
				   unsigned int ms)
{
	unsigned long limit = max(msecs_to_jiffies(ms), 1UL);
	char reason[ENBD_REASON_LEN];
	struct enbd_channel *ch;
	unsigned long since, passed;
	u8 index, again;
	int idx;

	if (!session_holder(io, &index))
		return limit;
	since = READ_ONCE(io->since);
	passed = jiffies - since;
	if (passed < limit)
		return limit - passed;
	snprintf(reason, sizeof(reason), "no answer within %u ms", ms);
	idx = srcu_read_lock(&s->srcu);
	ch = srcu_dereference(s->channel[index], &s->srcu);
	/*
	 * The place may have another channel by now. But requests are taken from
	 * a channel before that comes, so if this one is still there, so is its
	 * channel.
	 */
	if (ch && session_holder(io, &again) && again == index &&
	    READ_ONCE(io->since) == since)
		enbd_channel_lose(ch, reason);
	srcu_read_unlock(&s->srcu, idx);
	return limit;
}
