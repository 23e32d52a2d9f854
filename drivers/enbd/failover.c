// SPDX-License-Identifier: GPL-2.0
#include "failover.h"

#include <linux/bitops.h>

/*
 * A fence waits for what the server has begun, flushes too: so many times as
 * long as anything else
 */
#define ENBD_FAILOVER_SLOW	10

/**
 * enbd_failover_fencing() - what protects against writes that come late
 * @features: ENBD_FEATURE_* of the device
 * @replay:   enum enbd_replay
 *
 * Return: enum enbd_fencing.
 */
u32 enbd_failover_fencing(u32 features, u32 replay)
{
	if (replay == ENBD_REPLAY_COMPAT)
		return ENBD_FENCING_NONE;
	if (features & ENBD_FEATURE_FENCE)
		return ENBD_FENCING_SERVER;
	return replay == ENBD_REPLAY_FENCED ? ENBD_FENCING_CLOSE :
					      ENBD_FENCING_NONE;
}

/**
 * enbd_failover_holds() - must a lost channel's request wait for the fence?
 * @type:  enum enbd_cmd
 * @begun: bytes of it may have reached the server
 *
 * Only what changes data can do harm when it comes late.
 */
bool enbd_failover_holds(u16 type, bool begun)
{
	switch (type) {
	case ENBD_CMD_WRITE:
	case ENBD_CMD_TRIM:
	case ENBD_CMD_WRITE_ZEROES:
		return begun;
	default:
		return false;
	}
}

/**
 * enbd_failover_says_goodbye() - is the end of the connection the fence?
 * @features: ENBD_FEATURE_* of the device
 * @replay:   enum enbd_replay
 *
 * NBD, "Terminating the transmission phase": a server that was told DISC ends
 * the connection after it has done everything that came before.
 */
bool enbd_failover_says_goodbye(u32 features, u32 replay)
{
	return !(features & ENBD_FEATURE_FENCE) && replay != ENBD_REPLAY_COMPAT;
}

/**
 * enbd_failover_admit() - what a new channel is good for
 * @multi:    the server lets several channels work at once
 * @live:     there is a live channel
 * @unfenced: lost channels left writes that nobody fenced
 *
 * While a channel lives, nothing newer is written to where a held write goes,
 * since the block layer waits for that one. Without one, held writes may have
 * been given up, so nothing is carried before the fence.
 *
 * Return: enum enbd_channel_state.
 */
u32 enbd_failover_admit(bool multi, bool live, bool unfenced)
{
	if (live)
		return multi ? ENBD_CHANNEL_STATE_LIVE :
			       ENBD_CHANNEL_STATE_STANDBY;
	return unfenced ? ENBD_CHANNEL_STATE_FENCING : ENBD_CHANNEL_STATE_LIVE;
}

/**
 * enbd_failover_takeover() - which channel becomes the active one?
 * @live:    bit set of channels that carry requests
 * @standby: bit set of those that stand by
 *
 * Only where one may work at a time are there any that stand by.
 *
 * Return: the first of those that stand by, if none is live; else -1.
 */
int enbd_failover_takeover(u64 live, u64 standby)
{
	return live || !standby ? -1 : (int)__ffs64(standby);
}

/**
 * enbd_failover_fence() - what to do about a place that is not fenced
 * @f: the facts
 *
 * Return: the next step.
 */
enum enbd_fence_step enbd_failover_fence(const struct enbd_fence_facts *f)
{
	if (f->fencing == ENBD_FENCING_SERVER) {
		if (f->asked)
			return ENBD_FENCE_WAIT;
		return f->ready ? ENBD_FENCE_ASK : ENBD_FENCE_WAIT;
	}
	if (f->replay == ENBD_REPLAY_COMPAT)
		return ENBD_FENCE_SKIP;
	if (f->leaving)
		return ENBD_FENCE_WAIT;
	if (f->ended)
		return ENBD_FENCE_DONE;
	return f->fencing == ENBD_FENCING_CLOSE ? ENBD_FENCE_FAIL :
						  ENBD_FENCE_SKIP;
}

/**
 * enbd_failover_pulse() - does the peer live?
 * @f: the facts
 *
 * A server that is busy still has a kernel that acknowledges what it is sent,
 * so over TCP bytes that stay unacknowledged mean a dead path or machine. A probe
 * goes out after half of the time, and again, so that there is something to
 * acknowledge.
 */
enum enbd_pulse enbd_failover_pulse(const struct enbd_pulse_facts *f)
{
	if (f->limit && f->asked && f->asked_for >= f->limit)
		return ENBD_PULSE_UNANSWERED;
	if (f->limit && f->fencing &&
	    f->fencing_for / ENBD_FAILOVER_SLOW >= f->limit)
		return ENBD_PULSE_UNFENCED;
	if (!f->keepalive || !f->tcp)
		return ENBD_PULSE_FINE;
	if (f->silent_for >= f->keepalive &&
	    f->unacked_for >= f->keepalive / 2)
		return ENBD_PULSE_SILENT;
	if (f->probes && f->silent_for >= f->keepalive / 2 &&
	    (!f->asked || f->again_for >= f->keepalive / 2))
		return ENBD_PULSE_PROBE;
	return ENBD_PULSE_FINE;
}
