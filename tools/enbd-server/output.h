/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Replies on their way into a socket: a queue, one writer at a time.
 *
 * Whoever adds to an idle queue becomes the writer and also sends what others
 * add meanwhile, many replies to a system call. Nobody ever waits for the
 * client to read: when the socket is full the queue is stalled, and somebody
 * who watches sockets calls output_resume(). The same if the writer has
 * something else to do, and the client makes it send for ever.
 */
#ifndef ENBD_SERVER_OUTPUT_H
#define ENBD_SERVER_OUTPUT_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/uio.h>

/**
 * struct out_node - bytes to send, embedded in what owns them
 * @next: the queue's
 * @iov: header and data; changed while sending
 * @iovcnt: 1 or 2
 * @release: called with the output's lock held when the bytes are sent, or
 *           never will be
 */
struct out_node {
	struct out_node *next;
	struct iovec iov[2];
	unsigned int iovcnt;
	void (*release)(struct out_node *node);
};

/**
 * struct output - the queue of one socket
 * @lock: protects all below, and what the owner adds to it
 * @changed: @busy became false, or something the owner waits for happened
 * @fd: the socket
 * @head: next node to send
 * @tail: where the next one goes
 * @busy: there is a writer, or the queue is stalled
 * @broken: nothing more can be sent
 * @stalled: asks for output_resume() once the socket can take more; called
 *           without lock; false if that is not possible
 * @ctx: for @stalled
 */
struct output {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int fd;
	struct out_node *head;
	struct out_node **tail;
	bool busy;
	bool broken;
	bool (*stalled)(void *ctx);
	void *ctx;
};

void output_init(struct output *out, int fd, bool (*stalled)(void *ctx),
		 void *ctx);

/* Neither busy nor with anything in the queue */
void output_destroy(struct output *out);

/* System calls that a writer has time for who is there for others, too */
#define OUTPUT_BUDGET	8u

/**
 * output_push() - send a node, now or later
 * @out: the queue
 * @node: belongs to the queue until it is released
 * @budget: so many system calls at most, then the queue is stalled; 0: no limit
 *
 * Any thread, without lock.
 */
void output_push(struct output *out, struct out_node *node,
		 unsigned int budget);

/* The same with the lock held, which is released. */
void output_push_locked(struct output *out, struct out_node *node,
			unsigned int budget);

/* Take nothing more: what is here is still sent. Without lock. */
void output_end(struct output *out);

/**
 * output_resume() - go on with a stalled queue
 * @out: may be gone afterwards
 *
 * After OUTPUT_BUDGET system calls it asks for another output_resume(), so that
 * the caller can be fair to many queues.
 */
void output_resume(struct output *out);

#endif /* ENBD_SERVER_OUTPUT_H */
