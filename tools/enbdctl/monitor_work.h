/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Attempts to connect, each in a thread, so that none waits for another: names
 * have to be looked up, and that cannot be done without waiting. Threads are
 * started as attempts need them and stay; there is an end to their number.
 */
#ifndef ENBDCTL_MONITOR_WORK_H
#define ENBDCTL_MONITOR_WORK_H

#include "client.h"
#include "repair.h"
#include "runstate.h"

/**
 * struct attempt - what to connect, and what became of it
 * @device: number of the device
 * @serial: of the monitor's knowledge of it
 * @place: number of the channel
 * @started: when repair_next() was asked
 * @uri: of the device, as the driver keeps it
 * @way: address and way out
 * @timeout_ms: of the handshake
 * @limit: most capable framing of replies to ask for
 * @known: @session is what the way was remembered for
 * @session: of the device
 * @outcome: result
 * @foreign: result: the device is another one than remembered
 * @incarnation: result: of the new connection
 * @err: result: why not
 */
struct attempt {
	uint32_t device;
	uint64_t serial;
	unsigned int place;
	uint64_t started;
	char uri[ENBD_TEXT_MAX];
	struct runstate_channel way;
	uint32_t timeout_ms;
	uint32_t limit;
	bool known;
	uint8_t session[ENBD_SESSION_ID_LEN];
	enum repair_outcome outcome;
	bool foreign;
	uint32_t incarnation;
	struct enbd_err err;
};

/**
 * work_start() - have the first threads ready
 * @err: receives what went wrong
 *
 * Return: a descriptor that is readable when work_done() has something, or -1.
 */
int work_start(struct enbd_err *err);

/* Is there a thread for one more attempt? */
bool work_free(void);

/* Begin an attempt; work_free() said that there is room. @attempt is copied. */
void work_begin(const struct attempt *attempt);

/* Fetch one that has ended. Return: false if there is none. */
bool work_done(struct attempt *attempt);

#endif /* ENBDCTL_MONITOR_WORK_H */
