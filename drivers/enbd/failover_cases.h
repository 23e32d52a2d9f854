/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every decision of failover.c, as tables that name each transition. Run in
 * the kernel and outside of it.
 */
#ifndef ENBD_FAILOVER_CASES_H
#define ENBD_FAILOVER_CASES_H

#include "failover.h"

#define FEATURES_ALL	(ENBD_FEATURE_FENCE | ENBD_FEATURE_KEEPALIVE)

struct fencing_case {
	const char *name;
	u32 features;
	u32 replay;
	u32 fencing;
	bool goodbye;
};

static const struct fencing_case fencing_cases[] = {
	{ "ours, auto: the server fences", FEATURES_ALL, ENBD_REPLAY_AUTO,
	  ENBD_FENCING_SERVER, false },
	{ "ours, fenced: the server fences", FEATURES_ALL, ENBD_REPLAY_FENCED,
	  ENBD_FENCING_SERVER, false },
	{ "ours, compat: as told, unfenced", FEATURES_ALL, ENBD_REPLAY_COMPAT,
	  ENBD_FENCING_NONE, false },
	{ "foreign, auto: unfenced after a goodbye", 0, ENBD_REPLAY_AUTO,
	  ENBD_FENCING_NONE, true },
	{ "foreign, fenced: by its end", 0, ENBD_REPLAY_FENCED,
	  ENBD_FENCING_CLOSE, true },
	{ "foreign, compat: unfenced, no goodbye", 0, ENBD_REPLAY_COMPAT,
	  ENBD_FENCING_NONE, false },
	{ "keepalive alone is no fence", ENBD_FEATURE_KEEPALIVE,
	  ENBD_REPLAY_FENCED, ENBD_FENCING_CLOSE, true },
};

struct hold_case {
	const char *name;
	u16 type;
	bool begun;
	bool holds;
};

static const struct hold_case hold_cases[] = {
	{ "write on its way is held", ENBD_CMD_WRITE, true, true },
	{ "trim on its way is held", ENBD_CMD_TRIM, true, true },
	{ "zeroes on their way are held", ENBD_CMD_WRITE_ZEROES, true, true },
	{ "write that never left goes at once", ENBD_CMD_WRITE, false, false },
	{ "trim that never left goes at once", ENBD_CMD_TRIM, false, false },
	{ "zeroes that never left go at once", ENBD_CMD_WRITE_ZEROES, false, false },
	{ "read goes at once", ENBD_CMD_READ, true, false },
	{ "flush goes at once", ENBD_CMD_FLUSH, true, false },
};

struct admit_case {
	const char *name;
	bool multi;
	bool live;
	bool unfenced;
	u32 state;
};

static const struct admit_case admit_cases[] = {
	{ "the first is live", true, false, false, ENBD_CHANNEL_STATE_LIVE },
	{ "the first of one is live", false, false, false, ENBD_CHANNEL_STATE_LIVE },
	{ "one more is live", true, true, false, ENBD_CHANNEL_STATE_LIVE },
	{ "one more of one stands by", false, true, false, ENBD_CHANNEL_STATE_STANDBY },
	{ "the first after all were lost fences", true, false, true,
	  ENBD_CHANNEL_STATE_FENCING },
	{ "the first of one after it was lost fences", false, false, true,
	  ENBD_CHANNEL_STATE_FENCING },
	{ "beside a live one it works at once", true, true, true,
	  ENBD_CHANNEL_STATE_LIVE },
	{ "beside the only live one it stands by", false, true, true,
	  ENBD_CHANNEL_STATE_STANDBY },
};

struct takeover_case {
	const char *name;
	u64 live;
	u64 standby;
	int next;
};

static const struct takeover_case takeover_cases[] = {
	{ "the active one lives: it stays", 0x1, 0x6, -1 },
	{ "the active one is not the first: it stays", 0x4, 0x3, -1 },
	{ "the active one is lost: the first that stands by", 0, 0x6, 1 },
	{ "the active one is lost: the only one that stands by", 0, 0x8, 3 },
	{ "the last place stands by like others", 0, 1ULL << 63, 63 },
	{ "several may work: none stands by", 0x7, 0, -1 },
	{ "all are lost: none", 0, 0, -1 },
};

struct fence_case {
	const char *name;
	struct enbd_fence_facts facts;
	enum enbd_fence_step step;
};

static const struct fence_case fence_cases[] = {
	{ "server fences, a channel is there: ask",
	  { .fencing = ENBD_FENCING_SERVER, .ready = true }, ENBD_FENCE_ASK },
	{ "server fences, no channel: wait",
	  { .fencing = ENBD_FENCING_SERVER }, ENBD_FENCE_WAIT },
	{ "server fences, asked: wait",
	  { .fencing = ENBD_FENCING_SERVER, .asked = true, .ready = true },
	  ENBD_FENCE_WAIT },
	{ "server fences: the end of a connection is not enough",
	  { .fencing = ENBD_FENCING_SERVER, .ended = true, .asked = true },
	  ENBD_FENCE_WAIT },
	{ "compat: skip at once",
	  { .replay = ENBD_REPLAY_COMPAT, .leaving = true }, ENBD_FENCE_SKIP },
	{ "foreign, leaving: wait",
	  { .replay = ENBD_REPLAY_AUTO, .leaving = true }, ENBD_FENCE_WAIT },
	{ "foreign, ended in order: done",
	  { .replay = ENBD_REPLAY_AUTO, .ended = true }, ENBD_FENCE_DONE },
	{ "foreign, not ended: skip",
	  { .replay = ENBD_REPLAY_AUTO }, ENBD_FENCE_SKIP },
	{ "by close, leaving: wait",
	  { .fencing = ENBD_FENCING_CLOSE, .replay = ENBD_REPLAY_FENCED,
	    .leaving = true }, ENBD_FENCE_WAIT },
	{ "by close, ended in order: done",
	  { .fencing = ENBD_FENCING_CLOSE, .replay = ENBD_REPLAY_FENCED,
	    .ended = true }, ENBD_FENCE_DONE },
	{ "by close, not ended: fail",
	  { .fencing = ENBD_FENCING_CLOSE, .replay = ENBD_REPLAY_FENCED },
	  ENBD_FENCE_FAIL },
};

struct pulse_case {
	const char *name;
	struct enbd_pulse_facts facts;
	enum enbd_pulse pulse;
};

#define PULSE_OURS	.keepalive = 1000, .tcp = true, .probes = true

static const struct pulse_case pulse_cases[] = {
	{ "talking: fine", { PULSE_OURS, .silent_for = 499 }, ENBD_PULSE_FINE },
	{ "idle for half of it: probe", { PULSE_OURS, .silent_for = 500 },
	  ENBD_PULSE_PROBE },
	{ "idle for long, never probed: probe first",
	  { PULSE_OURS, .silent_for = 100000 }, ENBD_PULSE_PROBE },
	{ "probed, not yet answered: fine",
	  { PULSE_OURS, .asked = true, .asked_for = 100, .silent_for = 600 },
	  ENBD_PULSE_FINE },
	{ "probed a moment ago after long silence: fine",
	  { PULSE_OURS, .asked = true, .asked_for = 499, .silent_for = 100000,
	    .unacked_for = 499 }, ENBD_PULSE_FINE },
	{ "probed, unacknowledged, silent: lost",
	  { PULSE_OURS, .asked = true, .asked_for = 500, .silent_for = 1000,
	    .unacked_for = 500 }, ENBD_PULSE_SILENT },
	{ "probed, acknowledged, then silent: probe again",
	  { PULSE_OURS, .limit = 30000, .asked = true, .asked_for = 29999,
	    .again_for = 500, .silent_for = 29990 }, ENBD_PULSE_PROBE },
	{ "probed again a moment ago: fine",
	  { PULSE_OURS, .limit = 30000, .asked = true, .asked_for = 29999,
	    .again_for = 499, .silent_for = 29990, .unacked_for = 499 },
	  ENBD_PULSE_FINE },
	{ "probed, its kernel acknowledges: fine",
	  { PULSE_OURS, .limit = 30000, .asked = true, .asked_for = 29999,
	    .silent_for = 10 }, ENBD_PULSE_FINE },
	{ "probed, acknowledged, never answered: lost",
	  { PULSE_OURS, .limit = 30000, .asked = true, .asked_for = 30000,
	    .silent_for = 10 }, ENBD_PULSE_UNANSWERED },
	{ "a fence may take ten times as long: fine",
	  { PULSE_OURS, .limit = 1000, .fencing = true, .fencing_for = 9999,
	    .silent_for = 10 }, ENBD_PULSE_FINE },
	{ "a fence took too long: lost",
	  { PULSE_OURS, .limit = 1000, .fencing = true, .fencing_for = 10000,
	    .silent_for = 10 }, ENBD_PULSE_UNFENCED },
	{ "while a fence takes long: probe",
	  { PULSE_OURS, .limit = 1000, .fencing = true, .fencing_for = 5000,
	    .silent_for = 500 }, ENBD_PULSE_PROBE },
	{ "no limit for a fence: waits for ever",
	  { PULSE_OURS, .fencing = true, .fencing_for = U32_MAX,
	    .silent_for = 10 }, ENBD_PULSE_FINE },
	{ "no limit: waits for ever",
	  { PULSE_OURS, .asked = true, .asked_for = U32_MAX, .silent_for = 10 },
	  ENBD_PULSE_FINE },
	{ "foreign, idle: fine",
	  { .keepalive = 1000, .tcp = true, .silent_for = 100000 },
	  ENBD_PULSE_FINE },
	{ "foreign, unacknowledged for a moment: fine",
	  { .keepalive = 1000, .tcp = true, .silent_for = 100000,
	    .unacked_for = 499 }, ENBD_PULSE_FINE },
	{ "foreign, unacknowledged and silent: lost",
	  { .keepalive = 1000, .tcp = true, .silent_for = 1000,
	    .unacked_for = 500 }, ENBD_PULSE_SILENT },
	{ "unacknowledged, but something was heard: fine",
	  { .keepalive = 1000, .tcp = true, .silent_for = 999,
	    .unacked_for = 1000 }, ENBD_PULSE_FINE },
	{ "keepalive off: fine",
	  { .tcp = true, .probes = true, .asked = true, .asked_for = 100000,
	    .silent_for = 100000, .unacked_for = 100000 }, ENBD_PULSE_FINE },
	{ "keepalive off, a command too old: lost",
	  { .limit = 1000, .asked = true, .asked_for = 1000 },
	  ENBD_PULSE_UNANSWERED },
	{ "Unix socket, silent: fine",
	  { .keepalive = 1000, .probes = true, .asked = true,
	    .asked_for = 100000, .silent_for = 100000 }, ENBD_PULSE_FINE },
};

static inline const char *check_fencing(const struct fencing_case *c)
{
	if (enbd_failover_fencing(c->features, c->replay) != c->fencing)
		return "fencing";
	if (enbd_failover_says_goodbye(c->features, c->replay) != c->goodbye)
		return "goodbye";
	return NULL;
}

static inline const char *check_hold(const struct hold_case *c)
{
	return enbd_failover_holds(c->type, c->begun) == c->holds ? NULL : "holds";
}

static inline const char *check_admit(const struct admit_case *c)
{
	return enbd_failover_admit(c->multi, c->live, c->unfenced) == c->state ?
	       NULL : "state";
}

static inline const char *check_takeover(const struct takeover_case *c)
{
	return enbd_failover_takeover(c->live, c->standby) == c->next ?
	       NULL : "channel";
}

static inline const char *check_fence(const struct fence_case *c)
{
	return enbd_failover_fence(&c->facts) == c->step ? NULL : "step";
}

static inline const char *check_pulse(const struct pulse_case *c)
{
	return enbd_failover_pulse(&c->facts) == c->pulse ? NULL : "pulse";
}

#endif /* ENBD_FAILOVER_CASES_H */
