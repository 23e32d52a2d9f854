// SPDX-License-Identifier: GPL-2.0
/*
 * What lost channels leave behind: writes that the server may still have in
 * its hands. They are held until the server says that it has not, so that an
 * old write never lands on a newer one. Decisions are failover.c's.
 *
 * Everything here runs under session->lock.
 */
#include "session.h"

#include "failover.h"
#include "trace.h"

static void hold(struct enbd_place *p, struct enbd_io *io)
{
	enbd_io_hold(io);
	list_add_tail(&io->node, &p->held);
}

/* Microseconds since the channel was lost, for people */
static u32 stall_us(const struct enbd_place *p)
{
	return min_t(s64, ktime_us_delta(ktime_get(), p->lost_at), U32_MAX);
}

static void commit_all(struct enbd_session *s)
{
	unsigned int i;

	for (i = 0; i < s->nr_queues; i++)
		enbd_session_commit(s, i);
}

/**
 * enbd_fence_retract() - take the requests back from a stopped channel
 * @s:  the session
 * @ch: the channel, no longer offered
 *
 * Those that can do no harm are given to others at once.
 */
void enbd_fence_retract(struct enbd_session *s, struct enbd_channel *ch)
{
	struct enbd_place *p = &s->place[ch->index];
	enum enbd_io_state was;
	u32 held = 0;
	unsigned int i;

	p->lost_at = ch->lost_at ?: ktime_get();
	for (i = 0; i < s->led.nr; i++) {
		struct enbd_io *io = &s->led.io[i];

		if (!enbd_io_take(io, ch->index, &was))
			continue;
		trace_enbd_rq_retract(io, ch);
		ch->retracted++;
		if (enbd_failover_holds(io->wire.type, was != ENBD_IO_QUEUED)) {
			hold(p, io);
			held++;
		} else {
			enbd_session_submit(s, i / s->led.depth, io, false);
		}
	}
	commit_all(s);
	/* nothing is pending on it any more */
	WRITE_ONCE(ch->answered, atomic64_read(&ch->requested));

	enbd_fence_reclaim(p);
	if (READ_ONCE(ch->leave) != ENBD_LEAVE_NONE) {
		enbd_channel_get(ch);
		p->leaving = ch;
	}
	if (!held) {
		if (!p->fence)
			p->stall = stall_us(p);
		return;
	}
	WRITE_ONCE(s->nr_held, s->nr_held + held);
	p->left = p->leaving == ch && !p->fence;
	p->fence = ch->incarnation;
}

/**
 * enbd_fence_reclaim() - let go of a connection that has ended
 * @p: the place
 *
 * One whose end is a fence stays until somebody has looked at that.
 *
 * Return: whether another one may be waited for.
 */
bool enbd_fence_reclaim(struct enbd_place *p)
{
	/* after that its work does not come back to us */
	if (p->leaving && !p->left && !smp_load_acquire(&p->leaving->closing)) {
		enbd_channel_put(p->leaving);
		p->leaving = NULL;
	}
	return !p->leaving;
}

/* What is held is done with: sent again, or answered with an error. */
static void release(struct enbd_session *s, struct enbd_place *p, bool fail)
{
	struct enbd_io *io, *next;

	/* unless its end was the fence, our own kernel may still be sending */
	if (p->leaving)
		enbd_channel_cut(p->leaving);
	list_for_each_entry_safe(io, next, &p->held, node) {
		list_del_init(&io->node);
		WRITE_ONCE(s->nr_held, s->nr_held - 1);
		if (fail)
			enbd_io_end(io, BLK_STS_IOERR);
		else
			enbd_session_submit(s, (io - s->led.io) / s->led.depth,
					    io, false);
	}
	commit_all(s);
}

static void fence_over(struct enbd_session *s, unsigned int index,
		       enum enbd_event event, bool fail)
{
	struct enbd_place *p = &s->place[index];
	bool held = !list_empty(&p->held);

	if (held) {
		release(s, p, fail);
		p->stall = stall_us(p);
	}
	/* telling takes memory, which may be freed by just these writes */
	s->ops->place(s, index, event, held);
	if (held && !fail)
		s->ops->place(s, index, ENBD_EVENT_CHANNEL_REPLAYED, held);
	p->fence = 0;
	p->left = false;
}

/**
 * enbd_fence_answered() - the server says that a channel is fenced
 * @s:     the session
 * @index: the channel's place
 * @incarnation: up to which one
 */
void enbd_fence_answered(struct enbd_session *s, unsigned int index,
			 u32 incarnation)
{
	struct enbd_place *p = &s->place[index];

	p->via = ENBD_IO_NO_CHANNEL;
	/* another one may have been lost there meanwhile */
	if (p->fence && p->fence <= incarnation)
		fence_over(s, index, ENBD_EVENT_CHANNEL_FENCED, false);
}

/**
 * enbd_fence_orphan() - a channel is lost, and what was asked on it with it
 * @s:     the session
 * @index: the channel
 */
void enbd_fence_orphan(struct enbd_session *s, unsigned int index)
{
	unsigned int i;

	for (i = 0; i < ENBD_MAX_CHANNELS; i++)
		if (s->place[i].via == index)
			s->place[i].via = ENBD_IO_NO_CHANNEL;
}

/* Ask on any channel that is connected. Returns its index or NO_CHANNEL. */
static u8 fence_ask(struct enbd_session *s, unsigned int index)
{
	struct enbd_channel *ch;
	unsigned int i;

	for (i = 0; i < ENBD_MAX_CHANNELS; i++) {
		ch = enbd_session_channel(s, i);
		if (!ch || ch->state == ENBD_CHANNEL_STATE_LOST ||
		    enbd_channel_gone(ch))
			continue;
		if (enbd_channel_control(ch, ENBD_CMD_FENCE, (u64)index << 32 |
					 s->place[index].fence))
			return i;
	}
	return ENBD_IO_NO_CHANNEL;
}

static void fence_step(struct enbd_session *s, unsigned int index)
{
	struct enbd_place *p = &s->place[index];
	u32 leave = p->left ? READ_ONCE(p->leaving->leave) : ENBD_LEAVE_NONE;
	struct enbd_fence_facts facts = {
		.fencing = enbd_failover_fencing(s->features, s->replay),
		.replay = s->replay,
		.asked = p->via != ENBD_IO_NO_CHANNEL,
		.ready = true,
		.leaving = leave == ENBD_LEAVE_WAIT,
		.ended = leave == ENBD_LEAVE_ENDED,
	};

	switch (enbd_failover_fence(&facts)) {
	case ENBD_FENCE_WAIT:
		break;
	case ENBD_FENCE_ASK:
		p->via = fence_ask(s, index);
		break;
	case ENBD_FENCE_DONE:
		fence_over(s, index, ENBD_EVENT_CHANNEL_FENCED, false);
		break;
	case ENBD_FENCE_SKIP:
		fence_over(s, index, ENBD_EVENT_CHANNEL_UNFENCED, false);
		break;
	case ENBD_FENCE_FAIL:
		fence_over(s, index, ENBD_EVENT_CHANNEL_UNFENCED, true);
		break;
	}
}

/**
 * enbd_fence_tend() - do what can be done now
 * @s: the session
 */
void enbd_fence_tend(struct enbd_session *s)
{
	unsigned int i;

	for (i = 0; i < ENBD_MAX_CHANNELS; i++) {
		if (s->place[i].fence)
			fence_step(s, i);
		enbd_fence_reclaim(&s->place[i]);
	}
}

/**
 * enbd_fence_pending() - did a lost channel leave writes that nobody fenced?
 * @s: the session
 *
 * Also if they have been given up since.
 */
bool enbd_fence_pending(const struct enbd_session *s)
{
	unsigned int i;

	for (i = 0; i < ENBD_MAX_CHANNELS; i++)
		if (s->place[i].fence)
			return true;
	return false;
}

/**
 * enbd_fence_fail() - nothing waits for a fence any more
 * @s: the session
 *
 * The requests fail; their channels have to be fenced all the same before
 * anything newer is written.
 */
void enbd_fence_fail(struct enbd_session *s)
{
	unsigned int i;

	for (i = 0; i < ENBD_MAX_CHANNELS; i++)
		if (!list_empty(&s->place[i].held))
			release(s, &s->place[i], true);
}
