// SPDX-License-Identifier: GPL-2.0
#include "monitor_lines.h"

#include <linux/close_range.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

/* Little, since it is locked in memory; enbd_log() has two lines on it. */
#define STACK_SIZE	(128 * 1024)

static char lines[LINES_ROOM][LINES_TEXT];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
/* Both: lock. The first line is being written while it is there. */
static unsigned int first, count;

/*
 * A thread that waits for a disk outlives the monitor when that is killed, and the
 * lock of the only monitor is there while anybody has it. Where the kernel refuses,
 * nothing is closed.
 */
static void keep_only_the_log(void)
{
	close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_UNSHARE);
}

static void *writer(void *arg)
{
	keep_only_the_log();
	pthread_mutex_lock(&lock);
	for (;;) {
		while (!count)
			pthread_cond_wait(&changed, &lock);
		pthread_mutex_unlock(&lock);
		enbd_log("%s", lines[first]);
		pthread_mutex_lock(&lock);
		first = (first + 1) % LINES_ROOM;
		count--;
		pthread_cond_broadcast(&changed);
	}
	return arg;
}

/* Return: 0 or an errno. */
static int start(void)
{
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t id;
	int rc;

	rc = pthread_attr_init(&attr);
	if (rc)
		return rc;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	rc = pthread_attr_setstacksize(&attr, STACK_SIZE);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	if (!rc)
		rc = pthread_create(&id, &attr, writer, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return rc;
}

int lines_start(struct enbd_err *err)
{
	const int rc = start();

	if (!rc)
		return 0;
	return enbd_fail(err, ENBD_EXIT_GENERAL, "cannot start a thread: %s",
			 strerror(rc));
}

bool lines_put(const char *text)
{
	bool room;

	pthread_mutex_lock(&lock);
	room = count < LINES_ROOM;
	if (room) {
		snprintf(lines[(first + count) % LINES_ROOM], LINES_TEXT, "%s",
			 text);
		count++;
		pthread_cond_broadcast(&changed);
	}
	pthread_mutex_unlock(&lock);
	return room;
}

void lines_drain(unsigned int ms)
{
	struct timespec until;
	int rc = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	pthread_mutex_lock(&lock);
	while (count && !rc)
		rc = pthread_cond_clockwait(&changed, &lock, CLOCK_MONOTONIC,
					    &until);
	pthread_mutex_unlock(&lock);
}
