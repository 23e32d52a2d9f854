/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every decision of state.c, as tables that name each transition, also those
 * that must not be. Run in the kernel and outside of it.
 */
#ifndef ENBD_STATE_CASES_H
#define ENBD_STATE_CASES_H

#include "state.h"

#define AT(what)	ENBD_DEVICE_STATE_##what
#define STATES		(ENBD_DEVICE_STATE_STALE + 1)

struct next_case {
	const char *name;
	u32 from;
	enum enbd_state_event event;
	u32 to;
};

/* Each pair of state and event once: see next_complete() */
static const struct next_case next_cases[] = {
	{ "up, a channel is live: stays up", AT(UP), ENBD_ON_LIVE, AT(UP) },
	{ "up, the last channel is lost: parked", AT(UP), ENBD_ON_NONE, AT(PARKED) },
	{ "up, overdue too late: stays up", AT(UP), ENBD_ON_OVERDUE, AT(UP) },
	{ "up, given up: nothing waits, stays up", AT(UP), ENBD_ON_GIVE_UP, AT(UP) },
	{ "up, the server forgot: stale", AT(UP), ENBD_ON_FORGOT, AT(STALE) },
	{ "up, accepted: illegal, stays up", AT(UP), ENBD_ON_ACCEPT, AT(UP) },
	{ "up, force: deleting", AT(UP), ENBD_ON_FORCE, AT(DELETING) },

	{ "parked, a channel is live: up", AT(PARKED), ENBD_ON_LIVE, AT(UP) },
	{ "parked, still no channel: stays parked", AT(PARKED), ENBD_ON_NONE,
	  AT(PARKED) },
	{ "parked, overdue: failed", AT(PARKED), ENBD_ON_OVERDUE, AT(FAILED) },
	{ "parked, given up: failed", AT(PARKED), ENBD_ON_GIVE_UP, AT(FAILED) },
	{ "parked, the server forgot: stale", AT(PARKED), ENBD_ON_FORGOT, AT(STALE) },
	{ "parked, accepted: illegal, stays parked", AT(PARKED), ENBD_ON_ACCEPT,
	  AT(PARKED) },
	{ "parked, force: deleting", AT(PARKED), ENBD_ON_FORCE, AT(DELETING) },

	{ "failed, a channel is live: up", AT(FAILED), ENBD_ON_LIVE, AT(UP) },
	{ "failed, still no channel: stays failed, not parked", AT(FAILED),
	  ENBD_ON_NONE, AT(FAILED) },
	{ "failed, overdue: it is already, stays failed", AT(FAILED),
	  ENBD_ON_OVERDUE, AT(FAILED) },
	{ "failed, given up: it is already, stays failed", AT(FAILED),
	  ENBD_ON_GIVE_UP, AT(FAILED) },
	{ "failed, the server forgot: stale", AT(FAILED), ENBD_ON_FORGOT, AT(STALE) },
	{ "failed, accepted: illegal, stays failed", AT(FAILED), ENBD_ON_ACCEPT,
	  AT(FAILED) },
	{ "failed, force: deleting", AT(FAILED), ENBD_ON_FORCE, AT(DELETING) },

	{ "stale, a channel is live: stays stale", AT(STALE), ENBD_ON_LIVE, AT(STALE) },
	{ "stale, no channel: stays stale, not parked", AT(STALE), ENBD_ON_NONE,
	  AT(STALE) },
	{ "stale, overdue: stays stale, not failed", AT(STALE), ENBD_ON_OVERDUE,
	  AT(STALE) },
	{ "stale, given up: stays stale, not failed", AT(STALE), ENBD_ON_GIVE_UP,
	  AT(STALE) },
	{ "stale, the server forgot again: stays stale", AT(STALE), ENBD_ON_FORGOT,
	  AT(STALE) },
	{ "stale, accepted: parked, until channels are looked at", AT(STALE),
	  ENBD_ON_ACCEPT, AT(PARKED) },
	{ "stale, force: deleting", AT(STALE), ENBD_ON_FORCE, AT(DELETING) },

	{ "deleting, a channel is live: stays deleting", AT(DELETING), ENBD_ON_LIVE,
	  AT(DELETING) },
	{ "deleting, no channel: stays deleting", AT(DELETING), ENBD_ON_NONE,
	  AT(DELETING) },
	{ "deleting, overdue: stays deleting", AT(DELETING), ENBD_ON_OVERDUE,
	  AT(DELETING) },
	{ "deleting, given up: stays deleting", AT(DELETING), ENBD_ON_GIVE_UP,
	  AT(DELETING) },
	{ "deleting, the server forgot: stays deleting", AT(DELETING),
	  ENBD_ON_FORGOT, AT(DELETING) },
	{ "deleting, accepted: illegal, stays deleting", AT(DELETING),
	  ENBD_ON_ACCEPT, AT(DELETING) },
	{ "deleting, force: stays deleting", AT(DELETING), ENBD_ON_FORCE,
	  AT(DELETING) },
};

struct overdue_case {
	const char *name;
	unsigned long limit;
	unsigned long passed;
	bool overdue;
};

static const struct overdue_case overdue_cases[] = {
	{ "no limit: never", 0, ~0UL, false },
	{ "no limit, no time: never", 0, 0, false },
	{ "a channel was there a moment ago: not yet", 250, 0, false },
	{ "just before the limit: not yet", 250, 249, false },
	{ "at the limit: overdue", 250, 250, true },
	{ "long after: overdue", 250, ~0UL / 2, true },
};

struct routed_case {
	const char *name;
	u32 state;
	bool routed;
};

static const struct routed_case routed_cases[] = {
	{ "up: to live channels", AT(UP), true },
	{ "parked: to one that comes", AT(PARKED), true },
	{ "failed: to one that comes", AT(FAILED), true },
	{ "stale: to none, whatever lives", AT(STALE), false },
	{ "deleting: to those that are not yet lost", AT(DELETING), true },
};

struct fate_case {
	const char *name;
	u32 state;
	bool closing;
	enum enbd_fate fate;
	bool abandons;
};

static const struct fate_case fate_cases[] = {
	{ "up: a channel came, look again", AT(UP), false, ENBD_FATE_RETRY, false },
	{ "parked: waits", AT(PARKED), false, ENBD_FATE_WAIT, false },
	{ "failed: fails at once", AT(FAILED), false, ENBD_FATE_FAIL, false },
	{ "stale: fails at once", AT(STALE), false, ENBD_FATE_FAIL, false },
	{ "deleting: fails at once", AT(DELETING), false, ENBD_FATE_FAIL, false },
	{ "up and closing: is answered all the same", AT(UP), true,
	  ENBD_FATE_RETRY, false },
	{ "parked and closing: does not wait", AT(PARKED), true, ENBD_FATE_FAIL,
	  true },
	{ "failed and closing: fails", AT(FAILED), true, ENBD_FATE_FAIL, true },
	{ "stale and closing: fails", AT(STALE), true, ENBD_FATE_FAIL, true },
	{ "deleting and closing: fails", AT(DELETING), true, ENBD_FATE_FAIL, true },
};

struct shown_case {
	const char *name;
	u32 state;
	bool deleting;
	u32 shown;
};

static const struct shown_case shown_cases[] = {
	{ "up: so", AT(UP), false, AT(UP) },
	{ "parked: so", AT(PARKED), false, AT(PARKED) },
	{ "failed: so", AT(FAILED), false, AT(FAILED) },
	{ "stale: so", AT(STALE), false, AT(STALE) },
	{ "deleting: so", AT(DELETING), false, AT(DELETING) },
	{ "up, being removed: deleting", AT(UP), true, AT(DELETING) },
	{ "parked, being removed: deleting", AT(PARKED), true, AT(DELETING) },
	{ "failed, being removed: deleting", AT(FAILED), true, AT(DELETING) },
	{ "stale, being removed: deleting", AT(STALE), true, AT(DELETING) },
	{ "deleting, being removed: deleting", AT(DELETING), true, AT(DELETING) },
};

static inline const char *check_next(const struct next_case *c)
{
	return enbd_state_next(c->from, c->event) == c->to ? NULL : "state";
}

/* Does the table name every transition, and none twice? Or what is wrong. */
static inline const char *next_complete(void)
{
	unsigned int named[STATES][ENBD_STATE_EVENTS] = {};
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(next_cases); i++)
		named[next_cases[i].from][next_cases[i].event]++;
	for (i = 0; i < STATES; i++)
		for (j = 0; j < ENBD_STATE_EVENTS; j++)
			if (named[i][j] != 1)
				return "a transition is missing, or named twice";
	return NULL;
}

static inline const char *check_overdue(const struct overdue_case *c)
{
	return enbd_state_overdue(c->limit, c->passed) == c->overdue ?
	       NULL : "verdict";
}

static inline const char *check_routed(const struct routed_case *c)
{
	return enbd_state_routed(c->state) == c->routed ? NULL : "routed";
}

static inline const char *check_fate(const struct fate_case *c)
{
	if (enbd_state_fate(c->state, c->closing) != c->fate)
		return "fate";
	if (enbd_state_abandons(c->state, c->closing) != c->abandons)
		return "abandons";
	return NULL;
}

static inline const char *check_shown(const struct shown_case *c)
{
	return enbd_state_shown(c->state, c->deleting) == c->shown ?
	       NULL : "state";
}

#endif /* ENBD_STATE_CASES_H */
