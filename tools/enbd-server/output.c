// SPDX-License-Identifier: GPL-2.0
#include "output.h"

#include <errno.h>
#include <sys/socket.h>

/* Vectors of one system call */
#define BATCH	128

void output_init(struct output *out, int fd, bool (*stalled)(void *ctx),
		 void *ctx)
{
	pthread_mutex_init(&out->lock, NULL);
	pthread_cond_init(&out->changed, NULL);
	out->fd = fd;
	out->head = NULL;
	out->tail = &out->head;
	out->busy = false;
	out->broken = false;
	out->stalled = stalled;
	out->ctx = ctx;
}

void output_destroy(struct output *out)
{
	pthread_cond_destroy(&out->changed);
	pthread_mutex_destroy(&out->lock);
}

/* What the front of the queue has to send, up to BATCH vectors */
static unsigned int gather(const struct output *out, struct iovec *iov)
{
	const struct out_node *node;
	unsigned int i, n = 0;

	for (node = out->head; node && n + 2 <= BATCH; node = node->next) {
		for (i = 0; i < node->iovcnt; i++)
			iov[n++] = node->iov[i];
	}
	return n;
}

static void release_head(struct output *out)
{
	struct out_node *node = out->head;

	out->head = node->next;
	if (!out->head)
		out->tail = &out->head;
	node->release(node);
}

/* Take @sent bytes from the front of the queue. */
static void sent_bytes(struct output *out, size_t sent)
{
	while (sent) {
		struct out_node *node = out->head;
		unsigned int i;

		for (i = 0; i < node->iovcnt; i++) {
			struct iovec *iov = &node->iov[i];
			const size_t n = sent < iov->iov_len ? sent :
							       iov->iov_len;

			iov->iov_base = (char *)iov->iov_base + n;
			iov->iov_len -= n;
			sent -= n;
			if (iov->iov_len)
				return;
		}
		release_head(out);
	}
}

static void give_up(struct output *out)
{
	out->broken = true;
	while (out->head)
		release_head(out);
	/* So that the thread that reads notices as well. */
	shutdown(out->fd, SHUT_RDWR);
}

/* Return: bytes sent, -1 with errno */
static ssize_t send_some(int fd, const struct msghdr *msg)
{
	ssize_t n;

	do {
		n = sendmsg(fd, msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n;
}

/*
 * As the writer, with lock, which is released: send until the queue is empty or
 * stalled, or @budget system calls have been made; 0 for no limit.
 */
static void drain(struct output *out, unsigned int budget)
{
	struct iovec iov[BATCH];
	struct msghdr msg = { .msg_iov = iov };
	unsigned int calls = 0;
	ssize_t n;

	while (out->head) {
		msg.msg_iovlen = gather(out, iov);
		pthread_mutex_unlock(&out->lock);
		/*
		 * Once that is asked for, output_resume() may run in another
		 * thread, and we must not touch anything any more.
		 */
		if (budget && calls++ == budget) {
			if (out->stalled(out->ctx))
				return;
			/* If nobody goes on with it, that is us. */
			budget = 0;
		}
		n = send_some(out->fd, &msg);
		if (n < 0 && (errno == EAGAIN || errno == ENOBUFS) &&
		    out->stalled(out->ctx))
			return;
		pthread_mutex_lock(&out->lock);
		if (n > 0)
			sent_bytes(out, (size_t)n);
		else
			give_up(out);
	}
	out->busy = false;
	pthread_cond_broadcast(&out->changed);
	pthread_mutex_unlock(&out->lock);
}

void output_push_locked(struct output *out, struct out_node *node,
			unsigned int budget)
{
	node->next = NULL;
	if (out->broken) {
		node->release(node);
		pthread_mutex_unlock(&out->lock);
		return;
	}
	*out->tail = node;
	out->tail = &node->next;
	if (out->busy) {
		pthread_mutex_unlock(&out->lock);
		return;
	}
	out->busy = true;
	drain(out, budget);
}

void output_push(struct output *out, struct out_node *node,
		 unsigned int budget)
{
	pthread_mutex_lock(&out->lock);
	output_push_locked(out, node, budget);
}

void output_end(struct output *out)
{
	pthread_mutex_lock(&out->lock);
	out->broken = true;
	pthread_cond_broadcast(&out->changed);
	pthread_mutex_unlock(&out->lock);
}

void output_resume(struct output *out)
{
	pthread_mutex_lock(&out->lock);
	drain(out, OUTPUT_BUDGET);
}
