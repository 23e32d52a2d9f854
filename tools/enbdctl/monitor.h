/* SPDX-License-Identifier: GPL-2.0 */
/* The devices that the monitor looks after. */
#ifndef ENBDCTL_MONITOR_H
#define ENBDCTL_MONITOR_H

#include "monitor_log.h"
#include "monitor_work.h"
#include "nl_msg.h"
#include "repair.h"
#include "runstate.h"

/**
 * struct watched - a device
 * @next: in the list
 * @serial: tells it from an earlier device of the same number
 * @index: its number
 * @name: of its disk
 * @state: enum enbd_device_state
 * @dead_timeout: milliseconds
 * @live: channels that are connected
 * @seen: it was there when the driver was asked last
 * @uri: what the driver keeps
 * @remembered: what runstate.h has of it
 * @known: it has something
 * @foreign: which is of another device, until it is written again
 * @repair: what is to be done
 * @reasons: said of each path
 * @tried: attempts since the path was in order
 */
struct watched {
	struct watched *next;
	uint64_t serial;
	uint32_t index;
	char name[ENBD_NAME_MAX];
	uint32_t state;
	uint32_t dead_timeout;
	unsigned int live;
	bool seen;
	char uri[ENBD_TEXT_MAX];
	struct runstate remembered;
	bool known;
	bool foreign;
	struct repair repair;
	struct log_reason reasons[ENBD_MAX_CHANNELS];
	unsigned int tried[ENBD_MAX_CHANNELS];
};

/**
 * struct monitor - all of it
 * @devices: a list, who has waited longest for an attempt first
 * @serial: of the last device
 * @max_backoff: milliseconds
 * @random: state of the generator of monitor_random()
 */
struct monitor {
	struct watched *devices;
	uint64_t serial;
	uint32_t max_backoff;
	uint64_t random;
};

uint32_t monitor_random(struct monitor *m);

/**
 * devices_look() - ask the driver how things are
 * @m: the monitor
 * @files: look into the files of runstate.h again, too
 * @now: the time
 * @err: receives what went wrong
 *
 * Return: 0, or -1 if the driver cannot be asked.
 */
int devices_look(struct monitor *m, bool files, uint64_t now,
		 struct enbd_err *err);

/* There is no driver, hence no device. */
void devices_forget(struct monitor *m);

/* Begin what is to be done now. Return: when to come again. */
uint64_t devices_repair(struct monitor *m, uint64_t now);

/**
 * devices_report() - take note of an attempt that has ended
 *
 * Return: does the driver have to be asked what has become of the device?
 */
bool devices_report(struct monitor *m, struct attempt *t, uint64_t now);

/* The network, or somebody, says that it is worth trying. */
void devices_kick(struct monitor *m, uint64_t now);

/* Requests that wait for a channel of a device without one fail. */
void devices_fail_pending(struct monitor *m, uint64_t now);

/* Devices without a channel are removed, whoever uses them. */
void devices_remove_dead(struct monitor *m, uint64_t now);

#endif /* ENBDCTL_MONITOR_H */
