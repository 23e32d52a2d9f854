// SPDX-License-Identifier: GPL-2.0
/*
 * A channel's own commands, FENCE and KEEPALIVE: one at a time, before all
 * requests. Documentation/protocol.rst, "FENCE" and "KEEPALIVE".
 */
#include "channel.h"

#include "trace.h"

/**
 * enbd_channel_control() - send a command of our own
 * @ch:     a channel that is not stopped
 * @type:   ENBD_CMD_FENCE or ENBD_CMD_KEEPALIVE
 * @offset: of a fence: channel in the upper, incarnation in the lower half
 *
 * Context: process. Caller is alone in asking, the session's lock does that.
 *
 * Return: false if the last one has not been dealt with.
 */
bool enbd_channel_control(struct enbd_channel *ch, u16 type, u64 offset)
{
	struct enbd_control *c = &ch->control;

	if (READ_ONCE(c->state) != ENBD_CONTROL_IDLE)
		return false;
	c->gen++;
	c->wire = (struct enbd_wire_request){
		.cookie = (u64)c->gen << 32 | ENBD_IO_CONTROL,
		.offset = offset,
		.type = type,
	};
	c->cover = (struct enbd_wire_cover){};
	c->since = jiffies;
	/* pairs with the sender, who looks at the rest after it */
	smp_store_release(&c->state, ENBD_CONTROL_QUEUED);
	enbd_channel_kick(ch);
	return true;
}

/**
 * enbd_channel_answered() - take the answer to a command of our own
 * @ch: a channel
 * @answer: filled, if there is one
 *
 * Context: as enbd_channel_control().
 *
 * Return: whether there is one; then the next command may be sent.
 */
bool enbd_channel_answered(struct enbd_channel *ch, struct enbd_answer *answer)
{
	struct enbd_control *c = &ch->control;

	/* pairs with the receiver, who wrote the rest before it */
	if (smp_load_acquire(&c->state) != ENBD_CONTROL_DONE)
		return false;
	answer->type = c->wire.type;
	answer->offset = c->wire.offset;
	answer->error = c->cover.error;
	answer->size = c->size;
	WRITE_ONCE(c->state, ENBD_CONTROL_IDLE);
	return true;
}

/**
 * enbd_tx_control() - is there a command to put before the next batch?
 * @ch: the channel; its tx_lock is held
 *
 * From here on it may be answered.
 */
const struct enbd_wire_request *enbd_tx_control(struct enbd_channel *ch)
{
	struct enbd_control *c = &ch->control;

	/* pairs with enbd_channel_control() */
	if (smp_load_acquire(&c->state) != ENBD_CONTROL_QUEUED)
		return NULL;
	WRITE_ONCE(c->state, ENBD_CONTROL_SENT);
	return &c->wire;
}

/**
 * enbd_rxq_control() - a reply to a command of our own has come
 * @ch: the channel; called in its work only
 *
 * Return: NULL, or how the server broke the protocol.
 */
const char *enbd_rxq_control(struct enbd_channel *ch)
{
	const struct enbd_wire_reply *reply = &ch->rxq.rx.reply;
	struct enbd_control *c = &ch->control;
	const char *bad;
	u32 data;

	if (READ_ONCE(c->state) != ENBD_CONTROL_SENT ||
	    reply->cookie != c->wire.cookie)
		return "reply to no request";
	bad = enbd_wire_judge(reply, &c->wire, ch->format, &c->cover, &data);
	if (bad)
		return bad;
	if (!reply->simple && reply->type == ENBD_REPLY_TYPE_STATUS)
		c->size = reply->offset;
	if (reply->done) {
		/* pairs with enbd_channel_answered() */
		smp_store_release(&c->state, ENBD_CONTROL_DONE);
		ch->ops->attend(ch);
	}
	return NULL;
}
