/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A queue of messages and a thread that writes them, so that who has something to say
 * never waits: the log may be on a disk that this program serves, or is to connect, or
 * its reader may have stopped. One in a program.
 */
#ifndef ENBD_LOGQUEUE_H
#define ENBD_LOGQUEUE_H

#include <stdbool.h>

/* Longest message, with its NUL; what is longer is cut */
#define LOGQUEUE_TEXT	1536

/* Messages that wait */
#define LOGQUEUE_ROOM	128

/**
 * struct logqueue_writer - how messages are written, in the thread
 * @write: one of them, with its priority for syslog; may take as long as it likes
 * @missing: after the last one, so many had no room; or NULL
 * @alone: the thread has stderr and nothing else open. A thread that waits for a
 *         disk outlives the program when that is killed, and what it has open, and
 *         the locks on it, with it.
 */
struct logqueue_writer {
	void (*write)(int priority, const char *text);
	void (*missing)(unsigned int number);
	bool alone;
};

/**
 * logqueue_start() - have the thread
 * @writer: how it writes; constant
 *
 * Once; messages that were put before are written now. No signal is delivered to it.
 *
 * Return: 0 or an errno.
 */
int logqueue_start(const struct logqueue_writer *writer);

/* Any thread; does not wait. Return: false if there is no room. */
bool logqueue_put(int priority, const char *text);

/**
 * logqueue_drain() - wait until all is written
 * @ms: but no longer
 */
void logqueue_drain(unsigned int ms);

#endif /* ENBD_LOGQUEUE_H */
