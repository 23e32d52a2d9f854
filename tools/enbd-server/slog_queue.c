// SPDX-License-Identifier: GPL-2.0
#include "slog_queue.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <syslog.h>
#include <time.h>

#include "process.h"
#include "slog.h"
#include "util.h"

struct message {
	int priority;
	char text[SLOG_TEXT];
};

static struct message messages[SLOG_QUEUE_LEN];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
/* All of these: lock. The first message is being written while it is there. */
static unsigned int first, count, dropped;

/* slog_deliver(): any thread, does not wait */
static void put(int priority, const char *text)
{
	struct message *message;

	pthread_mutex_lock(&lock);
	if (count == SLOG_QUEUE_LEN) {
		dropped++;
	} else {
		message = &messages[(first + count++) % SLOG_QUEUE_LEN];
		message->priority = priority;
		snprintf(message->text, sizeof(message->text), "%s", text);
		pthread_cond_broadcast(&changed);
	}
	pthread_mutex_unlock(&lock);
}

static void tell_dropped(unsigned int number)
{
	char text[100];

	snprintf(text, sizeof(text), "%u messages were left out, since the log does not take them",
		 number);
	slog_write(LOG_WARNING, text);
}

static void *writer(void *arg)
{
	const struct message *message;
	unsigned int missing;

	pthread_mutex_lock(&lock);
	for (;;) {
		while (!count)
			pthread_cond_wait(&changed, &lock);
		message = &messages[first];
		/* They were dropped after all that are in the queue now. */
		missing = count == 1 ? dropped : 0;
		dropped -= missing;
		pthread_mutex_unlock(&lock);
		slog_write(message->priority, message->text);
		if (missing)
			tell_dropped(missing);
		pthread_mutex_lock(&lock);
		first = (first + 1) % SLOG_QUEUE_LEN;
		count--;
		pthread_cond_broadcast(&changed);
	}
	return arg;
}

void slog_queue_start(void)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&changed, &attr);
	pthread_condattr_destroy(&attr);
	if (!thread_start(writer, NULL))
		slog_deliver(put);
}

void slog_queue_drain(unsigned int ms)
{
	const long long at = now_ns() + ms * 1000000ll;
	const struct timespec until = {
		.tv_sec = at / 1000000000,
		.tv_nsec = at % 1000000000,
	};
	int err = 0;

	pthread_mutex_lock(&lock);
	while (count && !err)
		err = pthread_cond_timedwait(&changed, &lock, &until);
	pthread_mutex_unlock(&lock);
}
