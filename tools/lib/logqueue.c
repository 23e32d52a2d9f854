// SPDX-License-Identifier: GPL-2.0
#include "logqueue.h"

#include <linux/close_range.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* Little, since it may be locked in memory; who writes has a message or two on it. */
#define STACK_SIZE	(128 * 1024)

struct message {
	int priority;
	char text[LOGQUEUE_TEXT];
};

static struct message messages[LOGQUEUE_ROOM];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
/* All of these: lock. The first message is being written while it is there. */
static unsigned int first, count, dropped;

bool logqueue_put(int priority, const char *text)
{
	struct message *message;
	bool room;

	pthread_mutex_lock(&lock);
	room = count < LOGQUEUE_ROOM;
	if (room) {
		message = &messages[(first + count++) % LOGQUEUE_ROOM];
		message->priority = priority;
		snprintf(message->text, sizeof(message->text), "%s", text);
		pthread_cond_broadcast(&changed);
	} else {
		dropped++;
	}
	pthread_mutex_unlock(&lock);
	return room;
}

static void *run(void *arg)
{
	const struct logqueue_writer *writer = arg;
	const struct message *message;
	unsigned int missing;

	/* Where the kernel refuses, nothing is closed. */
	if (writer->alone)
		close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_UNSHARE);
	pthread_mutex_lock(&lock);
	for (;;) {
		while (!count)
			pthread_cond_wait(&changed, &lock);
		message = &messages[first];
		/* They were dropped after all that are in the queue now. */
		missing = count == 1 ? dropped : 0;
		dropped -= missing;
		pthread_mutex_unlock(&lock);
		writer->write(message->priority, message->text);
		if (missing && writer->missing)
			writer->missing(missing);
		pthread_mutex_lock(&lock);
		first = (first + 1) % LOGQUEUE_ROOM;
		count--;
		pthread_cond_broadcast(&changed);
	}
	return arg;
}

int logqueue_start(const struct logqueue_writer *writer)
{
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t id;
	int err;

	err = pthread_attr_init(&attr);
	if (err)
		return err;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	err = pthread_attr_setstacksize(&attr, STACK_SIZE);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	if (!err)
		err = pthread_create(&id, &attr, run, (void *)writer);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return err;
}

void logqueue_drain(unsigned int ms)
{
	struct timespec until;
	int err = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	pthread_mutex_lock(&lock);
	while (count && !err)
		err = pthread_cond_clockwait(&changed, &lock, CLOCK_MONOTONIC,
					     &until);
	pthread_mutex_unlock(&lock);
}
