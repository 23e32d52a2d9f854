// SPDX-License-Identifier: GPL-2.0
#include "slog_queue.h"

#include <stdio.h>
#include <syslog.h>

#include "logqueue.h"
#include "slog.h"

/* slog_deliver(): any thread, does not wait */
static void put(int priority, const char *text)
{
	logqueue_put(priority, text);
}

static void missing(unsigned int number)
{
	char text[100];

	snprintf(text, sizeof(text), "%u messages were left out, since the log does not take them",
		 number);
	slog_write(LOG_WARNING, text);
}

void slog_queue_start(void)
{
	static const struct logqueue_writer writer = {
		.write = slog_write,
		.missing = missing,
	};

	if (!logqueue_start(&writer))
		slog_deliver(put);
}
