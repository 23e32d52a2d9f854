// SPDX-License-Identifier: GPL-2.0
#include "slog.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <syslog.h>
#include <time.h>

#include "log.h"
#include "text.h"

/* Messages of peers in one period of seconds */
#define BURST	20
#define PERIOD	5

static atomic_bool to_syslog;
static _Atomic(slog_function) deliver = slog_write;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* All of these: lock */
static time_t period_start;
static unsigned int passed, suppressed;

void slog_init(bool background)
{
	if (background)
		openlog("enbd-server", LOG_PID, LOG_DAEMON);
	atomic_store(&to_syslog, background);
}

static void out(int priority, const char *fmt, va_list args)
	__attribute__((format(printf, 2, 0)));

static void out(int priority, const char *fmt, va_list args)
{
	char text[SLOG_TEXT];

	vsnprintf(text, sizeof(text), fmt, args);
	atomic_load(&deliver)(priority, text);
}

void slog_write(int priority, const char *text)
{
	char clean[SLOG_TEXT];

	if (!atomic_load(&to_syslog)) {
		enbd_error("%s", text);
		return;
	}
	enbd_text_clean(clean, sizeof(clean), text, __builtin_strlen(text));
	syslog(priority, "%s", clean);
}

void slog_deliver(slog_function function)
{
	atomic_store(&deliver, function);
}

void slog_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	out(LOG_ERR, fmt, args);
	va_end(args);
}

void slog_info(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	out(LOG_INFO, fmt, args);
	va_end(args);
}

/* May another message pass? *@lost: how many could not before it */
static bool may_pass(unsigned int *lost)
{
	struct timespec now;
	bool pass;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	*lost = 0;
	pthread_mutex_lock(&lock);
	if (!period_start || now.tv_sec - period_start >= PERIOD) {
		period_start = now.tv_sec;
		passed = 0;
		*lost = suppressed;
		suppressed = 0;
	}
	pass = passed < BURST;
	if (pass)
		passed++;
	else
		suppressed++;
	pthread_mutex_unlock(&lock);
	return pass;
}

void slog_peer(const char *fmt, ...)
{
	unsigned int lost;
	va_list args;

	if (!may_pass(&lost))
		return;
	if (lost)
		slog_error("%u more messages about clients were left out",
			   lost);
	va_start(args, fmt);
	out(LOG_WARNING, fmt, args);
	va_end(args);
}
