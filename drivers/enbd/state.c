// SPDX-License-Identifier: GPL-2.0
#include "state.h"

/**
 * enbd_state_next() - what state is the device in after something happened?
 * @state: enum enbd_device_state it is in
 * @event: what happened
 *
 * Return: enum enbd_device_state; @state if the event means nothing in it.
 */
u32 enbd_state_next(u32 state, enum enbd_state_event event)
{
	/* nothing brings back what is removed by force */
	if (state == ENBD_DEVICE_STATE_DELETING)
		return state;
	switch (event) {
	case ENBD_ON_LIVE:
		/* a stale device stays so, whoever comes */
		return state == ENBD_DEVICE_STATE_STALE ? state :
							  ENBD_DEVICE_STATE_UP;
	case ENBD_ON_NONE:
		return state == ENBD_DEVICE_STATE_UP ?
		       ENBD_DEVICE_STATE_PARKED : state;
	case ENBD_ON_OVERDUE:
	case ENBD_ON_GIVE_UP:
		return state == ENBD_DEVICE_STATE_PARKED ?
		       ENBD_DEVICE_STATE_FAILED : state;
	case ENBD_ON_FORGOT:
		return ENBD_DEVICE_STATE_STALE;
	case ENBD_ON_ACCEPT:
		/* what channels there are is looked at next */
		return state == ENBD_DEVICE_STATE_STALE ?
		       ENBD_DEVICE_STATE_PARKED : state;
	case ENBD_ON_FORCE:
		return ENBD_DEVICE_STATE_DELETING;
	default:
		return state;
	}
}

/**
 * enbd_state_overdue() - have requests waited for a channel long enough?
 * @limit:  how long they may, 0 for ever
 * @passed: how long there was none, in the same unit
 *
 * A timer that was set says little: a channel may have come and gone since, and
 * the limit may be another one.
 */
bool enbd_state_overdue(unsigned long limit, unsigned long passed)
{
	return limit && passed >= limit;
}

/**
 * enbd_state_routed() - may requests go to the channels that are live?
 * @state: enum enbd_device_state
 */
bool enbd_state_routed(u32 state)
{
	return state != ENBD_DEVICE_STATE_STALE;
}

/**
 * enbd_state_fate() - what becomes of a request that found no channel?
 * @state:   enum enbd_device_state, which may have changed since
 * @closing: the device is being removed: nothing waits any more
 */
enum enbd_fate enbd_state_fate(u32 state, bool closing)
{
	if (state == ENBD_DEVICE_STATE_UP)
		return ENBD_FATE_RETRY;
	return state == ENBD_DEVICE_STATE_PARKED && !closing ? ENBD_FATE_WAIT :
							       ENBD_FATE_FAIL;
}

/**
 * enbd_state_abandons() - does what waits, also for a fence, fail by now?
 * @state:   enum enbd_device_state
 * @closing: the device is being removed
 *
 * With a live channel it will be answered, removed or not.
 */
bool enbd_state_abandons(u32 state, bool closing)
{
	return closing && state != ENBD_DEVICE_STATE_UP;
}

/**
 * enbd_state_shown() - what is said about the state
 * @state:    enum enbd_device_state of the session
 * @deleting: nobody may open the device any more
 *
 * Return: enum enbd_device_state.
 */
u32 enbd_state_shown(u32 state, bool deleting)
{
	return deleting ? ENBD_DEVICE_STATE_DELETING : state;
}
