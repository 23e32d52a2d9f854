// SPDX-License-Identifier: GPL-2.0
/*
 * A channel's own commands, FENCE and KEEPALIVE: one of each at a time, before
 * all requests. A fence may take long, and whether the server lives must be
 * known meanwhile. Documentation/protocol.rst, "FENCE" and "KEEPALIVE".
 */
#include "channel.h"

#include "trace.h"

/* So many keepalives are sent without an answer */
#define ENBD_CONTROL_AGAIN	32

/* Lower half of the cookies of a slot */
static u32 control_cookie(unsigned int slot)
{
	return ENBD_IO_CONTROL - slot;
}

static struct enbd_control *control_of(struct enbd_channel *ch, u16 type)
{
	return &ch->control[type == ENBD_CMD_FENCE ? ENBD_CONTROL_FENCE :
						     ENBD_CONTROL_KEEPALIVE];
}

/**
 * enbd_channel_control() - send a command of our own
 * @ch:     a channel that is not stopped
 * @type:   ENBD_CMD_FENCE or ENBD_CMD_KEEPALIVE
 * @offset: of a fence: channel in the upper, incarnation in the lower half
 *
 * A keepalive may be sent again before it was answered, so that there is
 * something to acknowledge. Context: process. Caller is alone in asking, the
 * session's lock does that.
 *
 * Return: false if the last one has not been dealt with.
 */
bool enbd_channel_control(struct enbd_channel *ch, u16 type, u64 offset)
{
	struct enbd_control *c = control_of(ch, type);
	u32 state = READ_ONCE(c->state);

	if (state == ENBD_CONTROL_IDLE) {
		WRITE_ONCE(c->first, c->gen + 1);
		/* of keepalives always the same, late answers may be judged by it */
		c->wire.type = type;
		c->wire.offset = offset;
		c->cover = (struct enbd_wire_cover){};
		c->since = jiffies;
	} else if (state != ENBD_CONTROL_SENT || type != ENBD_CMD_KEEPALIVE ||
		   c->gen - c->first >= ENBD_CONTROL_AGAIN) {
		return false;
	}
	WRITE_ONCE(c->gen, c->gen + 1);
	c->again = jiffies;
	/* nothing else: the receiver may be judging an answer by the rest */
	WRITE_ONCE(c->wire.cookie,
		   (u64)c->gen << 32 | control_cookie(c - ch->control));
	/* the answer to the last one may come at this moment */
	if (cmpxchg(&c->state, state, ENBD_CONTROL_QUEUED) != state)
		return false;
	/* a sender that does not see it must see that we wanted its lock */
	smp_mb();
	enbd_channel_kick(ch);
	return true;
}

/**
 * enbd_channel_asked() - since when is there no answer?
 * @ch:    a channel
 * @type:  ENBD_CMD_FENCE or ENBD_CMD_KEEPALIVE
 * @since: set to when it was first asked, in jiffies
 * @again: set to when it was last asked, in jiffies
 *
 * Context: as enbd_channel_control(). Return: whether one is expected.
 */
bool enbd_channel_asked(struct enbd_channel *ch, u16 type,
			unsigned long *since, unsigned long *again)
{
	struct enbd_control *c = control_of(ch, type);
	u32 state = READ_ONCE(c->state);

	*since = c->since;
	*again = c->again;
	return state == ENBD_CONTROL_QUEUED || state == ENBD_CONTROL_SENT;
}

/**
 * enbd_channel_answered() - take an answer to a command of our own
 * @ch: a channel
 * @answer: filled, if there is one
 *
 * Context: as enbd_channel_control().
 *
 * Return: whether there was one; then there may be another.
 */
bool enbd_channel_answered(struct enbd_channel *ch, struct enbd_answer *answer)
{
	unsigned int i;

	for (i = 0; i < ENBD_CONTROLS; i++) {
		struct enbd_control *c = &ch->control[i];

		/* pairs with the receiver, who wrote the rest before it */
		if (smp_load_acquire(&c->state) != ENBD_CONTROL_DONE)
			continue;
		answer->type = c->wire.type;
		answer->offset = c->wire.offset;
		answer->error = c->cover.error;
		answer->size = c->size;
		WRITE_ONCE(c->state, ENBD_CONTROL_IDLE);
		return true;
	}
	return false;
}

/**
 * enbd_tx_control() - is there a command to put before the next batch?
 * @ch: the channel; its tx_lock is held
 *
 * From here on it may be answered. Return: the command; call again for more.
 */
const struct enbd_wire_request *enbd_tx_control(struct enbd_channel *ch)
{
	unsigned int i;

	for (i = 0; i < ENBD_CONTROLS; i++) {
		struct enbd_control *c = &ch->control[i];

		/* pairs with enbd_channel_control() */
		if (smp_load_acquire(&c->state) != ENBD_CONTROL_QUEUED)
			continue;
		WRITE_ONCE(c->state, ENBD_CONTROL_SENT);
		return &c->wire;
	}
	return NULL;
}

/* Is it a keepalive that was sent not long ago? The first is 1. */
static bool control_was_sent(const struct enbd_control *c, u32 gen)
{
	u32 last = READ_ONCE(c->gen);

	return gen && gen <= last && last - gen <= ENBD_CONTROL_AGAIN;
}

/**
 * enbd_rxq_control() - a reply to a command of our own has come
 * @ch: the channel, for whose reply enbd_rxq_is_control(); called in its work
 *      only
 *
 * Return: NULL, or how the server broke the protocol.
 */
const char *enbd_rxq_control(struct enbd_channel *ch)
{
	const struct enbd_wire_reply *reply = &ch->rxq.rx.reply;
	u32 cookie_gen = reply->cookie >> 32;
	struct enbd_wire_cover late = {};
	struct enbd_control *c;
	unsigned int slot;
	const char *bad;
	u32 data;

	slot = ENBD_IO_CONTROL - (u32)reply->cookie;
	c = &ch->control[slot];
	if (READ_ONCE(c->state) != ENBD_CONTROL_SENT || cookie_gen != READ_ONCE(c->gen)) {
		if (slot != ENBD_CONTROL_KEEPALIVE || !control_was_sent(c, cookie_gen))
			return "reply to no request";
		/* one of those that were sent again since */
		return enbd_wire_judge(reply, &c->wire, ch->format, &late,
				       &data);
	}
	bad = enbd_wire_judge(reply, &c->wire, ch->format, &c->cover, &data);
	if (bad)
		return bad;
	if (!reply->simple && reply->type == ENBD_REPLY_TYPE_STATUS)
		c->size = reply->offset;
	/* if it was asked again at this moment, that answer counts */
	if (reply->done && cmpxchg(&c->state, ENBD_CONTROL_SENT,
				   ENBD_CONTROL_DONE) == ENBD_CONTROL_SENT)
		ch->ops->attend(ch);
	return NULL;
}
