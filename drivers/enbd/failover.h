/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What to do when a channel is lost, comes back, or is silent: decisions only,
 * from facts that the session collects.
 *
 * Pure code, compiled in userspace as well for its tests.
 */
#ifndef ENBD_FAILOVER_H
#define ENBD_FAILOVER_H

#include <linux/types.h>
#include <linux/enbd.h>
#include <linux/enbd_wire.h>

/**
 * struct enbd_fence_facts - about a place whose lost channel left writes
 * @fencing:  enum enbd_fencing that applies
 * @replay:   enum enbd_replay of the device
 * @asked:    a FENCE is under way
 * @ready:    there is a channel to send a FENCE on
 * @leaving:  the lost connection was told to end and may still do so
 * @ended:    it has ended in order, so that the server is through with it
 */
struct enbd_fence_facts {
	u32 fencing;
	u32 replay;
	bool asked;
	bool ready;
	bool leaving;
	bool ended;
};

enum enbd_fence_step {
	ENBD_FENCE_WAIT,	/* until something changes */
	ENBD_FENCE_ASK,		/* send a FENCE */
	ENBD_FENCE_DONE,	/* nothing late can happen: send the writes again */
	ENBD_FENCE_SKIP,	/* send them again unfenced */
	ENBD_FENCE_FAIL,	/* they fail */
};

/**
 * struct enbd_pulse_facts - about a connected channel, times in milliseconds
 * @keepalive: of the device, 0 for never
 * @limit:     how long a keepalive may take, 0 for ever
 * @tcp:       the socket is TCP, which knows when the peer last said something
 * @probes:    the server has ENBD_FEATURE_KEEPALIVE
 * @asked:     a keepalive is not answered
 * @asked_for: since when
 * @again_for: since when none was sent again
 * @fencing:   a fence is not answered
 * @fencing_for: since when
 * @silent_for: since when nothing has come from the peer
 * @unacked_for: since when bytes are on their way unacknowledged, 0 if none are
 */
struct enbd_pulse_facts {
	u32 keepalive;
	u32 limit;
	bool tcp;
	bool probes;
	bool asked;
	u32 asked_for;
	u32 again_for;
	bool fencing;
	u32 fencing_for;
	u32 silent_for;
	u32 unacked_for;
};

enum enbd_pulse {
	ENBD_PULSE_FINE,
	ENBD_PULSE_PROBE,	/* send a KEEPALIVE */
	ENBD_PULSE_SILENT,	/* the path or the peer is dead */
	ENBD_PULSE_UNANSWERED,	/* the path is not, but our keepalive is too old */
	ENBD_PULSE_UNFENCED,	/* our fence is too old */
};

u32 enbd_failover_fencing(u32 features, u32 replay);
bool enbd_failover_holds(u16 type, bool begun);
bool enbd_failover_says_goodbye(u32 features, u32 replay);
u32 enbd_failover_admit(bool multi, bool live, bool unfenced);
int enbd_failover_takeover(u64 live, u64 standby);
enum enbd_fence_step enbd_failover_fence(const struct enbd_fence_facts *f);
enum enbd_pulse enbd_failover_pulse(const struct enbd_pulse_facts *f);

#endif /* ENBD_FAILOVER_H */
