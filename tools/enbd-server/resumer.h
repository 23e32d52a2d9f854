/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Watches the sockets of clients that take their answers slowly, and goes on
 * sending when they can take more. Threads of its own, so that neither
 * accepting clients nor I/O ever waits for such work.
 */
#ifndef ENBD_SERVER_RESUMER_H
#define ENBD_SERVER_RESUMER_H

#include <pthread.h>
#include <stdbool.h>

#include "connection.h"

/**
 * struct resumer - threads and what they watch
 * @epoll: sockets, and @end
 * @end: eventfd, readable when the threads shall end
 * @lock: protects @threads, and is held by resumer_watch()
 * @ended: a thread has ended
 * @threads: threads alive
 */
struct resumer {
	int epoll;
	int end;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	unsigned int threads;
};

/* Return: 0, -1 with errno */
int resumer_start(struct resumer *resumer);

/**
 * resumer_watch() - call connection_resume() once when a socket is writable
 * @resumer: started
 * @conn: stays until that call
 * @fd: its socket; closing it ends all watching
 *
 * Any thread.
 *
 * Return: true if that will happen.
 */
bool resumer_watch(struct resumer *resumer, struct connection *conn, int fd);

/* When there are no connections any more */
void resumer_stop(struct resumer *resumer);

#endif /* ENBD_SERVER_RESUMER_H */
