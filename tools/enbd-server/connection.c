// SPDX-License-Identifier: GPL-2.0
#include "connection.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn_state.h"
#include "handshake.h"
#include "slog.h"
#include "util.h"

/* The handshake's side of a connection, on its thread's stack */
struct greeting {
	struct connection *conn;
	struct handshake hs;
	long long deadline;	/* ms of CLOCK_MONOTONIC */
	char out[4096];
	size_t used;
};

/* Wait until the socket is ready or the time is up. */
static bool wait_ready(struct greeting *g, short events)
{
	struct pollfd pfd = { .fd = g->conn->fd, .events = events };
	long long left;
	int n;

	do {
		left = g->deadline - now_ms();
		if (left <= 0) {
			slog_peer("%s: handshake took too long; disconnected",
				  g->conn->peer);
			return false;
		}
		n = poll(&pfd, 1, (int)left);
	} while (n == 0 || (n < 0 && errno == EINTR));
	return n > 0;
}

static bool send_all(struct greeting *g, const char *data, size_t len)
{
	ssize_t n;

	while (len) {
		n = send(g->conn->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN) {
			if (!wait_ready(g, POLLOUT))
				return false;
		} else if (errno != EINTR) {
			return false;
		}
	}
	return true;
}

static bool send_collected(struct greeting *g)
{
	const size_t used = g->used;

	g->used = 0;
	return send_all(g, g->out, used);
}

/* hs_output.write */
static bool hs_write(void *ctx, const void *data, size_t len)
{
	struct greeting *g = ctx;

	if (g->used + len > sizeof(g->out) && !send_collected(g))
		return false;
	if (len > sizeof(g->out))
		return send_all(g, data, len);
	memcpy(g->out + g->used, data, len);
	g->used += len;
	return true;
}

/* A fence that a client in its handshake waits for */
struct wait_fence {
	struct fence fence;
	int event;
	int error;
};

/* fence.done: any thread */
static void wait_fence_done(struct fence *fence, int error)
{
	struct wait_fence *wait = container_of(fence, struct wait_fence, fence);

	wait->error = error;
	/* The last thing: then it may be gone. */
	eventfd_write(wait->event, 1);
}

/* Wait for the fence, but not longer than for the connection. */
static int await_fence(struct connection *conn, struct wait_fence *wait)
{
	struct pollfd pfds[2] = {
		{ .fd = wait->event, .events = POLLIN },
		{ .fd = conn->fd, .events = POLLRDHUP },
	};
	eventfd_t count;

	while (poll(pfds, 2, -1) < 0 && errno == EINTR)
		;
	/* Answers it if nobody has; then the event comes at once. */
	if (!(pfds[0].revents & POLLIN))
		sessions_cancel(conn->told->sessions, &conn->binding);
	while (eventfd_read(wait->event, &count) && errno == EINTR)
		;
	return wait->error;
}

/* hs_extension.fence */
static int hs_fence(void *ctx, const struct fence_item *items,
		    unsigned int count)
{
	struct greeting *g = ctx;
	struct connection *conn = g->conn;
	struct wait_fence wait = {
		.fence.items = items,
		.fence.count = count,
		.fence.done = wait_fence_done,
	};
	const long long start = now_ms();
	int err;

	if (!send_collected(g))
		return -ECANCELED;
	wait.event = eventfd(0, EFD_CLOEXEC);
	if (wait.event < 0)
		return -errno;
	atomic_store(&conn->fencing, true);
	err = sessions_fence(conn->told->sessions, &conn->binding,
			     &wait.fence);
	if (!err)
		err = await_fence(conn, &wait);
	atomic_store(&conn->fencing, false);
	close(wait.event);
	/* That was not the client's time. */
	g->deadline += now_ms() - start;
	return err;
}

/* hs_extension.hello */
static int hs_hello(void *ctx, struct target *target, struct hs_hello *hello)
{
	struct greeting *g = ctx;

	return ext_hello(g->conn, target, hello);
}

/* hs_extension.bind */
static int hs_bind(void *ctx, const uint8_t *session, uint32_t channel,
		   uint32_t incarnation)
{
	struct greeting *g = ctx;

	return ext_bind(g->conn, session, channel, incarnation);
}

/* hs_output.admit */
static bool hs_admit(void *ctx)
{
	struct greeting *g = ctx;

	return ext_admit(g->conn);
}

/* Receive more; the input always has room for an item of the handshake. */
static bool hs_receive(struct greeting *g)
{
	struct connection *conn = g->conn;
	ssize_t n;

	if (conn->in_head) {
		memmove(conn->in, conn->in + conn->in_head,
			conn->in_tail - conn->in_head);
		conn->in_tail -= conn->in_head;
		conn->in_head = 0;
	}
	for (;;) {
		if (!wait_ready(g, POLLIN))
			return false;
		n = recv(conn->fd, conn->in + conn->in_tail,
			 INPUT_SIZE - conn->in_tail, MSG_DONTWAIT);
		if (n > 0)
			break;
		if (!n || (errno != EAGAIN && errno != EINTR))
			return false;
	}
	conn->in_tail += (size_t)n;
	return true;
}

static bool handshake(struct connection *conn)
{
	struct greeting g = {
		.conn = conn,
		.deadline = now_ms() + conn->env->handshake_ms,
	};
	const struct hs_output out = {
		.write = hs_write,
		.admit = hs_admit,
		.ctx = &g,
	};
	const struct hs_extension extension = {
		.hello = hs_hello,
		.bind = hs_bind,
		.fence = hs_fence,
		.ctx = &g,
	};
	struct handshake *hs = &g.hs;
	size_t n;

	hs_start(hs, conn->env->targets, conn->env->count, &out, &extension);
	while (hs->state != HS_TRANSMIT && hs->state != HS_CLOSE) {
		if (atomic_load(&conn->phase) == CONN_STOP)
			return false;
		n = hs_consume(hs, conn->in + conn->in_head,
			       conn->in_tail - conn->in_head);
		conn->in_head += n;
		if (n)
			continue;
		if (!send_collected(&g) || !hs_receive(&g))
			return false;
	}
	if (!send_collected(&g))
		return false;
	if (hs->state == HS_CLOSE) {
		if (hs->why)
			slog_peer("%s: %s; disconnected", conn->peer, hs->why);
		return false;
	}
	conn->mode = hs->mode;
	conn->target = hs->target;
	conn->features = hs->features;
	/*
	 * Who was not told the verifier cannot notice that this connection
	 * does not go on where another one ended. So it counts as having been
	 * there from the start: no loss is hidden from it by connecting anew.
	 */
	if (!(conn->features & ENBD_FEATURE_VERIFIER))
		conn->epoch = 0;
	return true;
}

/* No I/O under way any more, and none can begin */
static void wait_until_done(struct connection *conn)
{
	pthread_mutex_lock(&conn->out.lock);
	conn->waiting++;
	while (conn->started)
		pthread_cond_wait(&conn->out.changed, &conn->out.lock);
	conn->waiting--;
	pthread_mutex_unlock(&conn->out.lock);
}

/* Nor are there replies, among them those to fences */
static void wait_until_idle(struct connection *conn)
{
	pthread_mutex_lock(&conn->out.lock);
	conn->waiting++;
	while (conn->requests || conn->busy_arenas || conn->out.busy)
		pthread_cond_wait(&conn->out.changed, &conn->out.lock);
	conn->waiting--;
	pthread_mutex_unlock(&conn->out.lock);
}

void connection_run(struct connection *conn)
{
	if (handshake(conn))
		transmit(conn);
	/*
	 * In this order, or two clients that fence each other would wait for
	 * ever; and a fence that nobody can be told of is not waited for.
	 */
	ext_reading_ended(conn);
	wait_until_done(conn);
	ext_ended(conn);
	wait_until_idle(conn);
	shutdown(conn->fd, SHUT_RDWR);
}

static bool output_stalled(void *ctx)
{
	struct connection *conn = ctx;

	return conn->env->stalled(conn->env->ctx, conn, conn->fd);
}

struct connection *connection_create(const struct connection_env *env, int fd,
				     const char *peer)
{
	struct connection *conn = calloc(1, sizeof(*conn));

	if (!conn)
		return NULL;
	conn->in = aligned_alloc(4096, INPUT_SIZE);
	if (!conn->in) {
		free(conn);
		return NULL;
	}
	conn->env = env;
	conn->fd = fd;
	snprintf(conn->peer, sizeof(conn->peer), "%s", peer);
	atomic_init(&conn->phase, CONN_RUN);
	output_init(&conn->out, fd, output_stalled, conn);
	return conn;
}

void connection_destroy(struct connection *conn)
{
	memory_free(conn);
	output_destroy(&conn->out);
	close(conn->fd);
	free(conn->in);
	free(conn);
}

void connection_drain(struct connection *conn)
{
	int run = CONN_RUN;

	atomic_compare_exchange_strong(&conn->phase, &run, CONN_DRAIN);
	/* Ends the wait for requests; those that are here stay readable. */
	shutdown(conn->fd, SHUT_RD);
}

void connection_stop(struct connection *conn)
{
	atomic_store(&conn->phase, CONN_STOP);
	shutdown(conn->fd, SHUT_RDWR);
}

bool connection_is_fencing(struct connection *conn)
{
	return atomic_load(&conn->fencing);
}

void connection_resume(struct connection *conn)
{
	output_resume(&conn->out);
}
