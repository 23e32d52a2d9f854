/* SPDX-License-Identifier: GPL-2.0 */
/*
 * When which channel of a device is connected again. Pure: it is told what
 * happened and what time it is, and says what to do. No clocks, no sockets, no
 * memory of its own.
 *
 * Channels of one path, that is of one server address and one way out, share
 * their luck: after a failure one of them tries, the others wait for it. Paths
 * have nothing to do with each other.
 */
#ifndef ENBDCTL_REPAIR_H
#define ENBDCTL_REPAIR_H

#include <linux/enbd.h>
#include <stdbool.h>
#include <stdint.h>

/* Delay after the first failure, milliseconds; it doubles with each other one */
#define REPAIR_BASE_MS		100

/* A channel that lived shorter was no success; how long such a path waits */
#define REPAIR_STABLE_MS	1000
#define REPAIR_STRIKE_MS	500

/* Who was overtaken tries again after less than that */
#define REPAIR_AGAIN_MS		50

/* Attempts at the same time on a path of which nothing bad is known */
#define REPAIR_PARALLEL		4

/* Nothing will ever be due */
#define REPAIR_NEVER		UINT64_MAX

enum repair_state {
	REPAIR_ABSENT,	/* nobody wants a channel there */
	REPAIR_FINE,	/* connected */
	REPAIR_BROKEN,	/* to be connected */
};

enum repair_outcome {
	REPAIR_DONE,	/* connected */
	REPAIR_FAILED,	/* not; try later */
	REPAIR_AGAIN,	/* overtaken by somebody else; nothing was learnt */
};

/**
 * struct repair_place - a channel of the device
 * @state: as it was told last
 * @path: number of its path
 * @busy: an attempt is under way
 * @up: when it was connected last, 0 if that is not known
 */
struct repair_place {
	enum repair_state state;
	unsigned int path;
	bool busy;
	uint64_t up;
};

/**
 * struct repair_path - a way to the server
 * @failures: in a row
 * @strikes: channels in a row that were lost soon after they were connected
 * @busy: attempts under way
 * @next: no attempt before
 * @failed: when the last failure was counted
 * @kicked: what is under way has begun before the world changed
 */
struct repair_path {
	unsigned int failures;
	unsigned int strikes;
	unsigned int busy;
	uint64_t next;
	uint64_t failed;
	bool kicked;
};

/* A device; all zero is one of which nothing is known. Times: milliseconds. */
struct repair {
	struct repair_place places[ENBD_MAX_CHANNELS];
	struct repair_path paths[ENBD_MAX_CHANNELS];
	uint32_t max_backoff;
};

/**
 * repair_backoff() - how long to wait
 * @failures: in a row, from 1 on
 * @max: longest delay
 * @random: any number, so that not all do it at the same time
 *
 * Return: milliseconds, between half of the delay and all of it.
 */
uint32_t repair_backoff(unsigned int failures, uint32_t max, uint32_t random);

/**
 * repair_see() - tell how a channel is
 * @r: the device
 * @place: number of the channel
 * @state: how it is
 * @path: number of its path, below ENBD_MAX_CHANNELS
 * @now: the time
 * @random: any number
 */
void repair_see(struct repair *r, unsigned int place, enum repair_state state,
		unsigned int path, uint64_t now, uint32_t random);

/**
 * repair_next() - choose a channel to connect now
 *
 * Return: number of the channel, of which repair_done() has to be told, or -1.
 */
int repair_next(struct repair *r, uint64_t now);

/**
 * repair_done() - tell what became of an attempt
 * @started: when repair_next() was asked
 */
void repair_done(struct repair *r, unsigned int place,
		 enum repair_outcome outcome, uint64_t started, uint64_t now,
		 uint32_t random);

/* The network has changed, or somebody says so: all begin anew, now. */
void repair_kick(struct repair *r, uint64_t now);

/* When to ask repair_next() again, if nothing happens before: a time */
uint64_t repair_due(const struct repair *r);

#endif /* ENBDCTL_REPAIR_H */
