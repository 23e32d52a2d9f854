/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every decision of route.h, as tables that name each. Run in the kernel and
 * outside of it.
 */
#ifndef ENBD_ROUTE_CASES_H
#define ENBD_ROUTE_CASES_H

#include "route.h"

/**
 * struct own_case - the channels that a queue prefers
 * @name: what holds
 * @live: see enbd_route_own()
 * @mine: see enbd_route_own()
 * @own:  what it says
 */
struct own_case {
	const char *name;
	u64 live;
	u64 mine;
	u64 own;
};

static const struct own_case own_cases[] = {
	{ "all live: its own", 0xff, 0x11, 0x11 },
	{ "one of its own lost: the rest of them", 0xfe, 0x10, 0x10 },
	{ "all of its own lost: borrows all that live", 0xee, 0, 0xee },
	{ "never had one of its own: borrows all that live", 0x3, 0, 0x3 },
	{ "one of its own is back: that one", 0xef, 0x1, 0x1 },
	{ "only its own live: these", 0x11, 0x11, 0x11 },
	{ "its own stands by or is lost: not used", 0x2, 0x1, 0x2 },
	{ "none live: none", 0, 0, 0 },
	{ "the last place is one like others", 1ULL << 63 | 1, 1ULL << 63,
	  1ULL << 63 },
};

/**
 * struct turn_case - the channel of the next request of a batch
 * @name: what holds
 * @nr:   see enbd_route_turn()
 * @turn: see enbd_route_turn()
 * @next: what it says
 */
struct turn_case {
	const char *name;
	unsigned int nr;
	unsigned int turn;
	unsigned int next;
};

static const struct turn_case turn_cases[] = {
	{ "on the route: where the batch is", 4, 2, 2 },
	{ "the last of the route: where the batch is", 4, 3, 3 },
	{ "just beyond a route that became shorter: the first", 4, 4, 0 },
	{ "far beyond: the first", 1, ~0U, 0 },
};

#define ROUTE_LEN	5

/**
 * struct route_case - the channel of the next batch
 * @name: what holds
 * @own:  see enbd_route_next()
 * @nr:   see enbd_route_next()
 * @turn: see enbd_route_next()
 * @next: what it says
 * @load: in flight on each channel of the route
 */
struct route_case {
	const char *name;
	unsigned int own;
	unsigned int nr;
	unsigned int turn;
	unsigned int next;
	u64 load[ROUTE_LEN];
};

static const struct route_case route_cases[] = {
	/* all are the queue's own, or it has none and borrows all */
	{ "one channel: that", 1, 1, 0, 0, { 1000 } },
	{ "all idle: stays, it is warm", 4, 4, 0, 0, { 0, 0, 0, 0 } },
	{ "all idle, the last is warm: stays", 4, 4, 3, 3, { 0, 0, 0, 0 } },
	{ "all equally loaded: stays", 4, 4, 2, 2, { 7, 7, 7, 7 } },
	{ "one more in flight than on an idle one: stays", 4, 4, 1, 1,
	  { 0, 1, 0, 0 } },
	{ "one more in flight than on a loaded one: stays", 4, 4, 2, 2,
	  { 5, 2, 3, 4 } },
	{ "two more in flight: goes", 4, 4, 1, 2, { 2, 2, 0, 2 } },
	{ "two more in flight than on a loaded one: goes", 4, 4, 2, 1,
	  { 5, 2, 4, 4 } },
	{ "to the least, though it is the farthest", 4, 4, 0, 3, { 5, 2, 3, 0 } },
	{ "to the least, past less loaded ones", 4, 4, 1, 3, { 4, 9, 5, 3 } },
	{ "to the least before the warm one", 4, 4, 3, 0, { 0, 2, 2, 2 } },
	{ "of the least ones to the next", 4, 4, 1, 2, { 0, 2, 0, 0 } },
	{ "of the least ones to the next, from the last on", 4, 4, 3, 0,
	  { 0, 2, 0, 2 } },
	{ "of the least ones to the next, not the first", 4, 4, 2, 3,
	  { 1, 1, 9, 1 } },
	{ "more in flight than 32 bits hold: goes", 2, 2, 0, 1,
	  { 1ULL << 32, 3 } },
	{ "the warm one is no longer on the route: as from the first", 2, 2, 3, 0,
	  { 1, 0 } },
	{ "the warm one is far beyond: as from the first", 2, 2, ~0U, 1,
	  { 2, 0 } },

	/* the first two are the queue's own, the others another's */
	{ "others idle, own idle: own", 2, 4, 0, 0, { 0, 0, 0, 0 } },
	{ "others idle, own in flight up to the limit: stays near", 2, 4, 0, 0,
	  { ENBD_SPILL, ENBD_SPILL, 0, 0 } },
	{ "others idle, own beyond the limit: goes far", 2, 4, 0, 2,
	  { ENBD_SPILL + 1, ENBD_SPILL + 1, 0, 0 } },
	{ "others idle, eight on its own: stays near", 2, 4, 1, 1, { 8, 8, 0, 0 } },
	{ "others idle, nine on its own: goes far", 2, 4, 1, 2, { 9, 9, 0, 0 } },
	{ "own up to twice and the limit: stays near", 2, 4, 1, 1,
	  { 2 * 5 + ENBD_SPILL, 2 * 5 + ENBD_SPILL, 5, 5 } },
	{ "own beyond twice and the limit: goes far", 2, 4, 1, 2,
	  { 2 * 5 + ENBD_SPILL + 1, 2 * 5 + ENBD_SPILL + 1, 5, 5 } },
	{ "one of its own is slow: the other of its own", 2, 4, 0, 1,
	  { 100, 3, 0, 0 } },
	{ "going far, to the least there", 2, 5, 0, 4, { 50, 50, 5, 4, 1 } },
	{ "going far, not where one more is in flight", 2, 4, 0, 2,
	  { 50, 50, 1, 0 } },
	{ "far, still slow here: stays where it is warm", 2, 4, 3, 3,
	  { 50, 50, 0, 1 } },
	{ "far, all idle there: stays where it is warm", 2, 5, 3, 3,
	  { 50, 50, 0, 0, 0 } },
	{ "far, still slow here, two more there: to the least there", 2, 4, 3, 2,
	  { 50, 50, 0, 2 } },
	{ "far, no longer slow here: comes back", 2, 4, 3, 0,
	  { ENBD_SPILL, ENBD_SPILL, 0, 0 } },
	{ "far, one of its own is idle again: comes back to that", 2, 4, 2, 1,
	  { 50, 1, 5, 1 } },
	{ "the warm one is no longer on the route, slow here: goes far", 2, 4, 9,
	  3, { 50, 50, 0, 0 } },
	{ "one of its own and one far: the same rule", 1, 2, 0, 1,
	  { 2 * 3 + ENBD_SPILL + 1, 3 } },
	{ "one of its own and one far, within the limit: stays near", 1, 2, 1, 0,
	  { 2 * 3 + ENBD_SPILL, 3 } },
};

static inline const char *check_own(const struct own_case *c)
{
	return enbd_route_own(c->live, c->mine) == c->own ? NULL : "channels";
}

static inline const char *check_turn(const struct turn_case *c)
{
	return enbd_route_turn(c->nr, c->turn) == c->next ? NULL : "channel";
}

static inline u64 load_of_case(const void *of, unsigned int at)
{
	const struct route_case *c = of;

	return c->load[at];
}

static inline const char *check_route(const struct route_case *c)
{
	return enbd_route_next(load_of_case, c, c->own, c->nr, c->turn) == c->next ?
	       NULL : "channel";
}

#endif /* ENBD_ROUTE_CASES_H */
