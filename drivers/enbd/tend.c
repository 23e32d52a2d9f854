// SPDX-License-Identifier: GPL-2.0
/*
 * What a session does when its channels want attention: routes made anew, lost
 * ones buried, answers taken, the device put into the state that follows.
 *
 * Everything here runs under session->lock.
 */
#include "session.h"

#include <linux/delay.h>

#include "compat.h"
#include "failover.h"
#include "route.h"
#include "state.h"
#include "trace.h"

/* How long a channel that is being removed may take to answer, milliseconds */
#define ENBD_DRAIN_MS		500

static bool channel_usable(struct enbd_channel *ch)
{
	return ch && ch->state == ENBD_CHANNEL_STATE_LIVE;
}

/* The channel is in another state. */
void enbd_session_mark(struct enbd_channel *ch, u32 state)
{
	WRITE_ONCE(ch->state, state);
	trace_enbd_channel_state(ch);
}

/* Does any channel carry requests? */
bool enbd_session_live(struct enbd_session *s)
{
	unsigned int i;

	for (i = 0; i < ENBD_MAX_CHANNELS; i++)
		if (channel_usable(enbd_session_channel(s, i)))
			return true;
	return false;
}

static void route_append(struct enbd_session *s, struct enbd_route *route,
			 u64 channels)
{
	for (; channels; channels &= channels - 1)
		route->ch[route->nr++] = enbd_session_channel(s, __ffs64(channels));
}

/* Make the route of a queue anew, of the channels in the bit set @live. */
static void session_route(struct enbd_session *s, unsigned int queue, u64 live)
{
	struct enbd_squeue *sq = &s->queue[queue];
	struct enbd_route *old, *new;
	u64 mine = 0, own, left;

	for (left = live; left; left &= left - 1) {
		unsigned int i = __ffs64(left);

		if (enbd_session_channel(s, i)->hw_queue == queue)
			mine |= BIT_ULL(i);
	}
	own = enbd_route_own(live, mine);
	old = rcu_dereference_protected(sq->route, lockdep_is_held(&s->lock));
	new = old == &sq->spare[0] ? &sq->spare[1] : &sq->spare[0];
	new->nr = 0;
	route_append(s, new, own);
	new->own = new->nr;
	route_append(s, new, live & ~own);
	rcu_assign_pointer(sq->route, new);
}

/* The time without a channel begins now. */
void enbd_session_arm(struct enbd_session *s)
{
	s->parked_at = jiffies;
	if (s->dead_timeout && !s->stopped)
		mod_delayed_work(enbd_session_wq, &s->dead_work,
				 msecs_to_jiffies(s->dead_timeout));
}

/*
 * The set of usable channels changed: choose an active one if only one may
 * work, make the routes anew, and see what that means for the device.
 */
void enbd_session_update(struct enbd_session *s, const char *reason)
{
	u64 live = 0, standby = 0;
	struct enbd_channel *ch;
	unsigned int i;
	bool changed;
	int takeover;
	u32 next;

	lockdep_assert_held(&s->lock);
	for (i = 0; i < ENBD_MAX_CHANNELS; i++) {
		ch = enbd_session_channel(s, i);
		if (!ch)
			continue;
		if (channel_usable(ch))
			live |= BIT_ULL(i);
		if (ch->state == ENBD_CHANNEL_STATE_STANDBY)
			standby |= BIT_ULL(i);
	}
	takeover = enbd_failover_takeover(live, standby);
	if (takeover >= 0) {
		ch = enbd_session_channel(s, takeover);
		enbd_session_mark(ch, ENBD_CHANNEL_STATE_LIVE);
		s->ops->channel(s, ch, ENBD_EVENT_CHANNEL_UP);
		live |= BIT_ULL(takeover);
	}

	next = enbd_state_next(s->state, live ? ENBD_ON_LIVE : ENBD_ON_NONE);
	changed = next != s->state;
	/* requests that find no route must find that they may be parked */
	if (changed && !live) {
		spin_lock(&s->park_lock);
		WRITE_ONCE(s->state, next);
		spin_unlock(&s->park_lock);
		enbd_session_arm(s);
	}
	for (i = 0; i < s->nr_queues; i++)
		session_route(s, i, enbd_state_routed(s->state) ? live : 0);
	synchronize_srcu_expedited(&s->srcu);

	if (changed && live) {
		cancel_delayed_work(&s->dead_work);
		enbd_session_unpark(s, next);
	}
	if (changed)
		s->ops->state(s, reason);
}

static bool channel_is_lost(const struct enbd_channel *ch)
{
	return test_bit(ENBD_CHANNEL_DEAD, &ch->bits) ||
	       test_bit(ENBD_CHANNEL_RETIRED, &ch->bits);
}

/* End a channel that is offered no longer, and take its requests back. */
void enbd_session_bury(struct enbd_session *s, struct enbd_channel *ch,
		       enum enbd_stop how)
{
	enbd_channel_stop(ch, how);
	enbd_fence_orphan(s, ch->index);
	enbd_fence_retract(s, ch);
}

/* How to end a channel that did not answer everything */
enum enbd_stop enbd_session_how(struct enbd_session *s,
				struct enbd_channel *ch)
{
	if (s->closing || !enbd_fence_reclaim(&s->place[ch->index]) ||
	    !enbd_failover_says_goodbye(s->features, s->replay))
		return ENBD_STOP_ABORT;
	return ENBD_STOP_LEAVE;
}

/*
 * Wait until @end, in jiffies, for what is on its way on a channel no longer
 * offered. Returns whether all of it came.
 */
static bool channel_drain(struct enbd_channel *ch, unsigned long end)
{
	while (!enbd_channel_done(ch)) {
		if (test_bit(ENBD_CHANNEL_DEAD, &ch->bits) ||
		    time_after(jiffies, end))
			return false;
		usleep_range(900, 1100);
	}
	return !test_bit(ENBD_CHANNEL_DEAD, &ch->bits);
}

/* As enbd_session_bury(), after a moment for what is on its way. */
static void session_drain(struct enbd_session *s, struct enbd_channel *ch,
			  unsigned long end)
{
	enbd_session_bury(s, ch, channel_drain(ch, end) ? ENBD_STOP_DISC :
						enbd_session_how(s, ch));
}

/* Remove a channel in order, if the server helps. */
void enbd_session_drain(struct enbd_session *s, struct enbd_channel *ch)
{
	session_drain(s, ch, jiffies + msecs_to_jiffies(ENBD_DRAIN_MS));
}

/* Look after channels whose socket is of no use any more. */
void enbd_session_reap(struct enbd_session *s)
{
	DECLARE_BITMAP(reaped, ENBD_MAX_CHANNELS);
	const char *reason = NULL;
	struct enbd_channel *ch;
	unsigned long end;
	unsigned int i;

	lockdep_assert_held(&s->lock);
	bitmap_zero(reaped, ENBD_MAX_CHANNELS);
	for (i = 0; i < ENBD_MAX_CHANNELS; i++) {
		ch = enbd_session_channel(s, i);
		if (!ch || ch->state == ENBD_CHANNEL_STATE_LOST ||
		    !channel_is_lost(ch))
			continue;
		enbd_session_mark(ch, ENBD_CHANNEL_STATE_LOST);
		__set_bit(i, reaped);
		reason = ch->reason;
	}
	if (!reason)
		return;
	enbd_session_update(s, reason);
	/* requests of the dead do not wait for others to say goodbye */
	for_each_set_bit(i, reaped, ENBD_MAX_CHANNELS) {
		ch = enbd_session_channel(s, i);
		if (test_bit(ENBD_CHANNEL_DEAD, &ch->bits)) {
			enbd_session_bury(s, ch, enbd_session_how(s, ch));
			s->ops->channel(s, ch, ENBD_EVENT_CHANNEL_LOST);
			__clear_bit(i, reaped);
		}
	}
	end = jiffies + msecs_to_jiffies(ENBD_DRAIN_MS);
	for_each_set_bit(i, reaped, ENBD_MAX_CHANNELS) {
		ch = enbd_session_channel(s, i);
		session_drain(s, ch, end);
		s->ops->channel(s, ch, ENBD_EVENT_CHANNEL_LOST);
	}
}

/* The answer to a command of our own has come. */
static void session_answer(struct enbd_session *s, struct enbd_channel *ch,
			   const struct enbd_answer *a)
{
	char reason[ENBD_REASON_LEN];

	if (a->type == ENBD_CMD_FENCE)
		enbd_fence_orphan(s, ch->index);
	if (a->error == ENBD_ESHUTDOWN) {
		enbd_channel_retire(ch, "the server is shutting down");
	} else if (a->error) {
		/* on another connection it may do what it has promised */
		snprintf(reason, sizeof(reason), "%s refused: error %u",
			 a->type == ENBD_CMD_FENCE ? "fence" : "keepalive",
			 a->error);
		enbd_channel_lose(ch, reason);
	} else if (a->type == ENBD_CMD_FENCE) {
		enbd_fence_answered(s, a->offset >> 32, a->offset);
	} else {
		s->ops->size(s, a->size);
	}
}

static void session_answers(struct enbd_session *s)
{
	struct enbd_answer answer;
	struct enbd_channel *ch;
	unsigned int i;

	for (i = 0; i < ENBD_MAX_CHANNELS; i++) {
		ch = enbd_session_channel(s, i);
		if (!ch || ch->state == ENBD_CHANNEL_STATE_LOST)
			continue;
		while (enbd_channel_answered(ch, &answer))
			session_answer(s, ch, &answer);
	}
}

/* Everything is fenced: let those in that waited for it. */
static void session_promote(struct enbd_session *s)
{
	struct enbd_channel *ch;
	bool promoted = false;
	unsigned int i;

	if (enbd_fence_pending(s))
		return;
	for (i = 0; i < ENBD_MAX_CHANNELS; i++) {
		ch = enbd_session_channel(s, i);
		if (!ch || ch->state != ENBD_CHANNEL_STATE_FENCING)
			continue;
		enbd_session_mark(ch, enbd_failover_admit(s->multi,
							  enbd_session_live(s),
							  false));
		s->ops->channel(s, ch, ENBD_EVENT_CHANNEL_UP);
		promoted = true;
	}
	if (promoted)
		enbd_session_update(s, "lost channels are fenced");
}

/* Do all that channels want attention for. */
void enbd_session_tend(struct enbd_session *s)
{
	lockdep_assert_held(&s->lock);
	session_answers(s);
	enbd_session_reap(s);
	enbd_fence_tend(s);
	session_promote(s);
	if (enbd_state_abandons(s->state, s->closing))
		enbd_fence_fail(s);
}

/* Some channel asked for attention. */
void enbd_session_tend_work(struct work_struct *work)
{
	struct enbd_session *s = container_of(work, struct enbd_session,
					      tend_work);
	unsigned int noio = enbd_session_lock(s);

	enbd_session_tend(s);
	enbd_session_unlock(s, noio);
}

/* Under the lock: look again when it is time to, or not at all. */
void enbd_session_watch(struct enbd_session *s)
{
	unsigned long interval = enbd_pulse_interval(s);

	if (s->stopped)
		return;
	if (interval)
		mod_delayed_work(enbd_session_wq, &s->watch_work, interval);
	else
		cancel_delayed_work(&s->watch_work);
}

/* It is time to look whether the peers live. */
void enbd_session_watch_work(struct work_struct *work)
{
	struct enbd_session *s = container_of(to_delayed_work(work),
					      struct enbd_session, watch_work);
	unsigned int noio = enbd_session_lock(s);

	enbd_pulse_look(s);
	enbd_session_watch(s);
	enbd_session_unlock(s, noio);
}

static void end_waiting(struct enbd_session *s, u32 next, const char *reason)
{
	enbd_session_unpark(s, next);
	enbd_fence_fail(s);
	s->ops->state(s, reason);
}

/**
 * enbd_session_give_up() - requests that wait for a channel do so no longer
 * @s: the session; one that is not parked stays as it is
 */
void enbd_session_give_up(struct enbd_session *s)
{
	unsigned int noio = enbd_session_lock(s);
	u32 next = enbd_state_next(s->state, ENBD_ON_GIVE_UP);

	if (next != s->state && !s->stopped) {
		cancel_delayed_work(&s->dead_work);
		end_waiting(s, next, "given up");
	}
	enbd_session_unlock(s, noio);
}

/* There was no channel for as long as requests may wait. */
void enbd_session_dead_work(struct work_struct *work)
{
	struct enbd_session *s = container_of(to_delayed_work(work),
					      struct enbd_session, dead_work);
	unsigned int noio = enbd_session_lock(s);
	u32 next = enbd_state_next(s->state, ENBD_ON_OVERDUE);

	/* it may have waited for the lock while a channel came and went */
	if (next != s->state &&
	    enbd_state_overdue(msecs_to_jiffies(s->dead_timeout),
			       jiffies - s->parked_at))
		end_waiting(s, next, "dead timeout");
	enbd_session_unlock(s, noio);
}
