/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The state of a device: what changes it, and what that means for requests.
 * Decisions only, from facts that the session collects.
 *
 * Pure code, compiled in userspace as well for its tests.
 */
#ifndef ENBD_STATE_H
#define ENBD_STATE_H

#include <linux/types.h>
#include <linux/enbd.h>

/* What may change the state of a device */
enum enbd_state_event {
	ENBD_ON_LIVE,		/* a channel carries requests */
	ENBD_ON_NONE,		/* none does */
	ENBD_ON_OVERDUE,	/* none did for as long as requests may wait */
	ENBD_ON_GIVE_UP,	/* somebody does not want them to wait */
	ENBD_ON_FORGOT,		/* the server may have lost acknowledged writes */
	ENBD_ON_ACCEPT,		/* somebody takes responsibility for these */
	ENBD_ON_FORCE,		/* removed without regard to who uses it */
	ENBD_STATE_EVENTS,
};

/* What becomes of a request that found no channel */
enum enbd_fate {
	ENBD_FATE_RETRY,	/* there is one by now */
	ENBD_FATE_WAIT,
	ENBD_FATE_FAIL,
};

u32 enbd_state_next(u32 state, enum enbd_state_event event);
bool enbd_state_overdue(unsigned long limit, unsigned long passed);
bool enbd_state_routed(u32 state);
enum enbd_fate enbd_state_fate(u32 state, bool closing);
bool enbd_state_abandons(u32 state, bool closing);
u32 enbd_state_shown(u32 state, bool deleting);

#endif /* ENBD_STATE_H */
