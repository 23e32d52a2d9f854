/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the monitor waits for: the driver's events, the driver itself coming
 * and going, changes of the network, files of runstate.h, and signals.
 */
#ifndef ENBDCTL_MONITOR_WATCH_H
#define ENBDCTL_MONITOR_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "nl.h"

/* Places of the descriptors in struct watch */
enum watch_what {
	WATCH_SIGNALS,
	WATCH_NETWORK,
	WATCH_FILES,
	WATCH_FAMILY,
	WATCH_EVENTS,
	WATCH_WORK,
	WATCH_COUNT,
};

/**
 * struct watch - where things are heard
 * @events: of the driver; closed while there is none
 * @fds: descriptors, -1 for those that are closed
 */
struct watch {
	struct nl events;
	int fds[WATCH_COUNT];
};

/**
 * struct heard - what has happened, since it was asked last
 * @driver: something about devices, or the driver came
 * @gone: the driver went
 * @network: an address, a link or a route has come
 * @files: a file was written or removed
 * @work: an attempt has ended
 * @signals: bit N for signal N
 */
struct heard {
	bool driver;
	bool gone;
	bool network;
	bool files;
	bool work;
	uint64_t signals;
};

/**
 * watch_open() - listen to everything
 * @watch: need not be initialised
 * @err: receives what cannot be listened to
 *
 * @fds[WATCH_WORK] is for the caller to fill in. The signals that the monitor
 * knows are blocked from now on, also in threads that are started later. That
 * there is no driver is no failure.
 *
 * Return: 0 or -1.
 */
int watch_open(struct watch *watch, struct enbd_err *err);

/**
 * watch_wait() - wait until something has happened
 * @watch: open
 * @until: but not beyond this time of enbd_now_ms(); UINT64_MAX for ever
 * @heard: receives what
 */
void watch_wait(struct watch *watch, uint64_t until, struct heard *heard);

/* Look for the driver if it is not there, without loading it. Return: is it? */
bool watch_driver(struct watch *watch, struct enbd_err *err);

#endif /* ENBDCTL_MONITOR_WATCH_H */
