// SPDX-License-Identifier: GPL-2.0
#include "notify.h"

#include "channel.h"
#include "netlink_gen.h"

/* Room for the longest event */
#define ENBD_NOTE_SIZE	(NLMSG_DEFAULT_SIZE / 2)

/*
 * Recovery tells what it does, and there may be no memory until it has done it:
 * try once, do not wait for what is never freed.
 */
#define ENBD_NOTE_GFP	(GFP_NOIO | __GFP_NORETRY | __GFP_NOWARN)

/* A message to be filled behind its header. Returns NULL without memory. */
static struct sk_buff *notify_new(u8 cmd, void **hdr)
{
	struct sk_buff *skb = nlmsg_new(ENBD_NOTE_SIZE, ENBD_NOTE_GFP);

	if (skb)
		*hdr = genlmsg_put(skb, 0, 0, &enbd_nl_family, 0, cmd);
	else
		/* as if it had not fitted into a queue: listeners ask for all */
		genl_set_err(&enbd_nl_family, &init_net, 0, ENBD_NLGRP_EVENTS,
			     -ENOBUFS);
	return skb;
}

/* Finish the message and send it, unless it could not be made. */
static void notify_send(struct sk_buff *skb, void *hdr, int err)
{
	if (err) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, hdr);
	genlmsg_multicast(&enbd_nl_family, skb, 0, ENBD_NLGRP_EVENTS,
			  ENBD_NOTE_GFP);
}

/**
 * enbd_notify_device() - something happened to a device
 * @index:  its number
 * @name:   its disk's name
 * @event:  what
 * @state:  enum enbd_device_state it is in now
 * @size:   bytes
 * @reason: why, may be NULL
 *
 * An event that finds no memory is lost. Listeners are told that they missed one
 * (ENOBUFS), and see the rest by asking.
 *
 * Context: process.
 */
void enbd_notify_device(u32 index, const char *name, enum enbd_event event,
			u32 state, u64 size, const char *reason)
{
	struct sk_buff *skb;
	void *hdr;
	int err;

	skb = notify_new(ENBD_NL_DEVICE_NTF, &hdr);
	if (!skb)
		return;
	err = !hdr ||
	      nla_put_u32(skb, ENBD_A_DEVICE_INDEX, index) ||
	      nla_put_string(skb, ENBD_A_DEVICE_NAME, name) ||
	      nla_put_u32(skb, ENBD_A_DEVICE_EVENT, event) ||
	      nla_put_u32(skb, ENBD_A_DEVICE_STATE, state) ||
	      nla_put_u64_64bit(skb, ENBD_A_DEVICE_SIZE, size,
				ENBD_A_DEVICE_PAD) ||
	      (reason && nla_put_string(skb, ENBD_A_DEVICE_REASON, reason));
	notify_send(skb, hdr, err);
}

/**
 * enbd_notify_channel() - something happened to a channel
 * @index: number of its device
 * @ch:    the channel
 * @event: what
 *
 * As enbd_notify_device().
 */
void enbd_notify_channel(u32 index, const struct enbd_channel *ch,
			 enum enbd_event event)
{
	struct sk_buff *skb;
	void *hdr;
	int err;

	skb = notify_new(ENBD_NL_CHANNEL_NTF, &hdr);
	if (!skb)
		return;
	err = !hdr ||
	      nla_put_u32(skb, ENBD_A_CHANNEL_DEVICE_INDEX, index) ||
	      nla_put_string(skb, ENBD_A_CHANNEL_DEVICE_NAME, ch->disk) ||
	      nla_put_u32(skb, ENBD_A_CHANNEL_INDEX, ch->index) ||
	      nla_put_u32(skb, ENBD_A_CHANNEL_EVENT, event) ||
	      nla_put_u32(skb, ENBD_A_CHANNEL_STATE, ch->state) ||
	      nla_put_u32(skb, ENBD_A_CHANNEL_INCARNATION, ch->incarnation) ||
	      (ch->reason[0] &&
	       nla_put_string(skb, ENBD_A_CHANNEL_REASON, ch->reason));
	notify_send(skb, hdr, err);
}

/**
 * enbd_notify_place() - something happened to what a lost channel has left
 * @device: number of the device
 * @name:   its disk's name
 * @index:  the channel
 * @incarnation: up to which one
 * @event:  what
 * @stall:  microseconds that the last loss took
 *
 * As enbd_notify_device().
 */
void enbd_notify_place(u32 device, const char *name, u32 index, u32 incarnation,
		       enum enbd_event event, u32 stall)
{
	struct sk_buff *skb;
	void *hdr;
	int err;

	skb = notify_new(ENBD_NL_CHANNEL_NTF, &hdr);
	if (!skb)
		return;
	err = !hdr ||
	      nla_put_u32(skb, ENBD_A_CHANNEL_DEVICE_INDEX, device) ||
	      nla_put_string(skb, ENBD_A_CHANNEL_DEVICE_NAME, name) ||
	      nla_put_u32(skb, ENBD_A_CHANNEL_INDEX, index) ||
	      nla_put_u32(skb, ENBD_A_CHANNEL_EVENT, event) ||
	      nla_put_u32(skb, ENBD_A_CHANNEL_INCARNATION, incarnation) ||
	      nla_put_u32(skb, ENBD_A_CHANNEL_STALL, stall);
	notify_send(skb, hdr, err);
}
