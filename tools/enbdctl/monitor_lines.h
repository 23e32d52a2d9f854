/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The monitor's lines on stderr, from a thread that may wait: the log may be on a
 * disk that the monitor is to connect, or its reader may have stopped.
 */
#ifndef ENBDCTL_MONITOR_LINES_H
#define ENBDCTL_MONITOR_LINES_H

#include <stdbool.h>

#include "error.h"

/* Longest line, with its NUL; what is longer is cut */
#define LINES_TEXT	1536

/* Lines that wait */
#define LINES_ROOM	64

/**
 * lines_start() - have the thread
 * @err: receives why there can be none
 *
 * Once; lines that were put before are written now. No signal is delivered to it.
 *
 * Return: 0 or -1.
 */
int lines_start(struct enbd_err *err);

/* Takes a line; does not wait. Return: false if there is no room. */
bool lines_put(const char *text);

/**
 * lines_drain() - wait until all is written
 * @ms: but no longer
 */
void lines_drain(unsigned int ms);

#endif /* ENBDCTL_MONITOR_LINES_H */
