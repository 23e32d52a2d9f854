/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which channel requests go to: decisions only, from facts that dispatch.c and
 * tend.c collect. Channels of a route are numbers from 0, the preferred first.
 *
 * Pure code, compiled in userspace as well for its tests. Inline, since a
 * channel is chosen for each batch.
 */
#ifndef ENBD_ROUTE_H
#define ENBD_ROUTE_H

#include <linux/types.h>

/*
 * So many more than twice those of another queue's channel must be in flight on
 * our own before that one is used: being near is worth something, waiting for a
 * slow path is not.
 */
#define ENBD_SPILL	8

/* How much is in flight on the channel at @at of the route @of? */
typedef u64 (*enbd_load_fn)(const void *of, unsigned int at);

/**
 * enbd_route_own() - which channels does a hardware queue prefer?
 * @live: bit set of channels that carry requests
 * @mine: bit set of channels that belong to the queue
 *
 * Return: bit set: its own, or all that live if it has none of its own.
 */
static inline u64 enbd_route_own(u64 live, u64 mine)
{
	return (live & mine) ?: live;
}

/**
 * enbd_route_turn() - where does the next request of a batch go?
 * @nr:   channels of the route, at least 1
 * @turn: where the batch went, maybe on another route
 */
static inline unsigned int enbd_route_turn(unsigned int nr, unsigned int turn)
{
	return turn < nr ? turn : 0;
}

/*
 * Of @nr channels from @first on: the one at @warm, counted from there, unless
 * another has at least two requests less in flight; then the one with the least.
 */
static __always_inline unsigned int
enbd_route_least(enbd_load_fn load, const void *of, unsigned int first,
		 unsigned int nr, unsigned int warm)
{
	unsigned int i, best = first + warm;
	u64 least = load(of, best);

	if (least)
		least--;
	for (i = 1; i < nr; i++) {
		unsigned int at = first + (warm + i) % nr;
		u64 now = load(of, at);

		if (now < least) {
			least = now;
			best = at;
		}
	}
	return best;
}

/**
 * enbd_route_next() - which channel gets the next batch?
 * @load: tells what is in flight; may say something else each time
 * @of:   for @load
 * @own:  so many channels come first and are preferred, at least 1
 * @nr:   channels of the route
 * @turn: the channel that got the last batch, which is warm; maybe on another
 *        route
 *
 * Return: its place, less than @nr.
 */
static __always_inline unsigned int
enbd_route_next(enbd_load_fn load, const void *of, unsigned int own,
		unsigned int nr, unsigned int turn)
{
	unsigned int best, other;

	best = enbd_route_least(load, of, 0, own, turn < own ? turn : 0);
	if (nr == own)
		return best;
	other = enbd_route_least(load, of, own, nr - own,
				 turn < own ? 0 : (turn - own) % (nr - own));
	if (load(of, best) > 2 * load(of, other) + ENBD_SPILL)
		return other;
	return best;
}

#endif /* ENBD_ROUTE_H */
