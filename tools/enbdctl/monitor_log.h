/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lines of the monitor, one for each thing that happens, but not the same one
 * again and again. Pure but for monitor_say(): it is told the time.
 */
#ifndef ENBDCTL_MONITOR_LOG_H
#define ENBDCTL_MONITOR_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

/* A reason that stays the same is said again after so long, milliseconds */
#define LOG_REMIND_MS	60000

/* Lines in a row, and how long until there may be one more */
#define LOG_BURST	50
#define LOG_REFILL_MS	100

/**
 * struct log_reason - what was said last of a path
 * @hash: of the text, 0 if nothing was said yet
 * @time: when it was said
 * @hidden: how often it was not, since
 */
struct log_reason {
	uint64_t hash;
	uint64_t time;
	unsigned int hidden;
};

/* Lines that may be written */
struct log_bucket {
	unsigned int used;
	uint64_t time;
	unsigned int hidden;
};

/**
 * log_reason() - is this to be said?
 * @r: what was said before
 * @text: the reason
 * @remind: a reason that stays the same is worth saying once in a while
 * @now: the time
 * @hidden: receives how often the same was not said since
 */
bool log_reason(struct log_reason *r, const char *text, bool remind,
		uint64_t now, unsigned int *hidden);

/**
 * log_allow() - is there room for one more line?
 * @b: all zero at first
 * @now: the time
 * @hidden: receives how many there was no room for, before this one
 */
bool log_allow(struct log_bucket *b, uint64_t now, unsigned int *hidden);

/* Have the thread that writes the lines. Return: 0 or -1. */
int monitor_log_start(struct enbd_err *err);

/* A line on stderr, if there is room for it; does not wait until it is there */
void monitor_say(uint64_t now, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif /* ENBDCTL_MONITOR_LOG_H */
