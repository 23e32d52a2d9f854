// SPDX-License-Identifier: GPL-2.0
#include "resumer.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "process.h"

#define THREADS	2

static void *run(void *arg)
{
	struct resumer *resumer = arg;
	struct epoll_event event;
	int n;

	for (;;) {
		/* One at a time: the other thread may take the next. */
		n = epoll_wait(resumer->epoll, &event, 1, -1);
		if (n < 0 && errno != EINTR)
			break;
		if (n < 1)
			continue;
		if (!event.data.ptr)
			break;
		/* Whoever asked has left resumer_watch() when we go on. */
		pthread_mutex_lock(&resumer->lock);
		pthread_mutex_unlock(&resumer->lock);
		/* One event for each of its calls, so none is outdated. */
		connection_resume(event.data.ptr);
	}
	pthread_mutex_lock(&resumer->lock);
	resumer->threads--;
	pthread_cond_signal(&resumer->ended);
	pthread_mutex_unlock(&resumer->lock);
	return NULL;
}

int resumer_start(struct resumer *resumer)
{
	struct epoll_event event = { .events = EPOLLIN };
	unsigned int i;
	int err;

	pthread_mutex_init(&resumer->lock, NULL);
	pthread_cond_init(&resumer->ended, NULL);
	resumer->threads = 0;
	resumer->epoll = epoll_create1(EPOLL_CLOEXEC);
	resumer->end = eventfd(0, EFD_CLOEXEC);
	if (resumer->epoll < 0 || resumer->end < 0 ||
	    epoll_ctl(resumer->epoll, EPOLL_CTL_ADD, resumer->end, &event))
		return -1;
	for (i = 0; i < THREADS; i++) {
		pthread_mutex_lock(&resumer->lock);
		err = thread_start(run, resumer);
		resumer->threads += !err;
		pthread_mutex_unlock(&resumer->lock);
		if (err) {
			errno = err;
			return -1;
		}
	}
	return 0;
}

bool resumer_watch(struct resumer *resumer, struct connection *conn, int fd)
{
	struct epoll_event event = {
		.events = EPOLLOUT | EPOLLONESHOT,
		.data.ptr = conn,
	};

	int rc;

	pthread_mutex_lock(&resumer->lock);
	rc = epoll_ctl(resumer->epoll, EPOLL_CTL_MOD, fd, &event);
	if (rc && errno == ENOENT)
		rc = epoll_ctl(resumer->epoll, EPOLL_CTL_ADD, fd, &event);
	pthread_mutex_unlock(&resumer->lock);
	return !rc;
}

void resumer_stop(struct resumer *resumer)
{
	/* Nobody reads it, so that each thread sees it. */
	eventfd_write(resumer->end, 1);
	pthread_mutex_lock(&resumer->lock);
	while (resumer->threads)
		pthread_cond_wait(&resumer->ended, &resumer->lock);
	pthread_mutex_unlock(&resumer->lock);
	close(resumer->end);
	close(resumer->epoll);
	pthread_cond_destroy(&resumer->ended);
	pthread_mutex_destroy(&resumer->lock);
}
