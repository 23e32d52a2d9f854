// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of a connection: requests, buffers, arenas. All of it is bounded, and
 * in the steady state nothing is allocated.
 */
#include <stddef.h>
#include <stdlib.h>

#include "buffers.h"
#include "conn_state.h"
#include "util.h"

/* With lock: something has become less, see struct connection. */
static void progress(struct connection *conn)
{
	if (conn->waiting)
		pthread_cond_broadcast(&conn->out.changed);
}

/* With lock */
static void request_unused(struct request *req)
{
	struct connection *conn = req->conn;

	if (req->buf) {
		conn->bytes -= buffers_cost(req->buf_size);
		buffers_put(conn->env->buffers, req->buf, req->buf_size);
		req->buf = NULL;
	}
	conn->requests--;
	req->next = conn->free_requests;
	conn->free_requests = req;
	progress(conn);
}

void request_put(struct request *req)
{
	struct connection *conn = req->conn;

	pthread_mutex_lock(&conn->out.lock);
	request_unused(req);
	pthread_mutex_unlock(&conn->out.lock);
}

/* With lock, which is released */
static void push_reply(struct request *req)
{
	struct connection *conn = req->conn;

	if (!conn->streaming) {
		output_push_locked(&conn->out, &req->node, OUTPUT_BUDGET);
		return;
	}
	req->next = conn->kept;
	conn->kept = req;
	pthread_mutex_unlock(&conn->out.lock);
}

void request_finished(struct request *req)
{
	struct connection *conn = req->conn;

	pthread_mutex_lock(&conn->out.lock);
	conn->started--;
	progress(conn);
	push_reply(req);
}

void request_answered(struct request *req)
{
	pthread_mutex_lock(&req->conn->out.lock);
	push_reply(req);
}

void stream_begin(struct connection *conn)
{
	pthread_mutex_lock(&conn->out.lock);
	conn->streaming = true;
	pthread_mutex_unlock(&conn->out.lock);
}

void stream_end(struct connection *conn, bool whole)
{
	struct request *req;

	/* Or the client would take what follows for the rest of the data. */
	if (whole)
		arena_send(conn);
	else
		output_end(&conn->out);
	pthread_mutex_lock(&conn->out.lock);
	conn->streaming = false;
	while ((req = conn->kept)) {
		conn->kept = req->next;
		push_reply(req);
		pthread_mutex_lock(&conn->out.lock);
	}
	pthread_mutex_unlock(&conn->out.lock);
}

static void release_request(struct out_node *node)
{
	request_unused(container_of(node, struct request, node));
}

static void release_arena(struct out_node *node)
{
	struct arena *arena = container_of(node, struct arena, node);
	struct connection *conn = arena->conn;

	conn->busy_arenas--;
	arena->next = conn->free_arenas;
	conn->free_arenas = arena;
	progress(conn);
}

/* With lock */
static void wait_for_progress(struct connection *conn)
{
	conn->waiting++;
	pthread_cond_wait(&conn->out.changed, &conn->out.lock);
	conn->waiting--;
}

static bool too_much(const struct connection *conn, size_t size)
{
	return conn->requests >= REQUESTS_MAX ||
	       (conn->requests && conn->bytes + size > BYTES_MAX);
}

struct request *request_get(struct connection *conn, size_t size)
{
	const size_t cost = size ? buffers_cost(size) : 0;
	struct request *req = NULL;
	void *buf = NULL;

	pthread_mutex_lock(&conn->out.lock);
	while (too_much(conn, cost) && !conn->out.broken) {
		/* The client may wait for these before it sends more. */
		if (conn->arena && conn->arena->used) {
			pthread_mutex_unlock(&conn->out.lock);
			arena_send(conn);
			pthread_mutex_lock(&conn->out.lock);
			continue;
		}
		wait_for_progress(conn);
	}
	if (conn->out.broken)
		goto out;
	req = conn->free_requests;
	if (req) {
		conn->free_requests = req->next;
	} else {
		req = calloc(1, sizeof(*req));
		if (!req)
			goto out;
		req->conn = conn;
		req->node.release = release_request;
		conn->allocated++;
	}
	conn->requests++;
	if (size)
		buf = buffers_get(conn->env->buffers, size);
	if (buf)
		conn->bytes += cost;
	req->buf = buf;
	req->buf_size = size;
out:
	pthread_mutex_unlock(&conn->out.lock);
	return req;
}

struct arena *arena_get(struct connection *conn)
{
	struct arena *arena = conn->arena;

	if (arena)
		return arena;
	pthread_mutex_lock(&conn->out.lock);
	while (!conn->free_arenas && conn->arenas == ARENAS_MAX &&
	       !conn->out.broken)
		wait_for_progress(conn);
	arena = conn->free_arenas;
	if (arena) {
		conn->free_arenas = arena->next;
	} else if (conn->arenas < ARENAS_MAX) {
		arena = malloc(sizeof(*arena));
		if (!arena)
			goto out;
		conn->arenas++;
		arena->conn = conn;
		arena->node.release = release_arena;
	} else {
		goto out;
	}
	arena->used = 0;
	conn->arena = arena;
out:
	pthread_mutex_unlock(&conn->out.lock);
	return arena;
}

void arena_send(struct connection *conn)
{
	struct arena *arena = conn->arena;

	if (!arena || !arena->used)
		return;
	conn->arena = NULL;
	arena->node.iov[0].iov_base = arena->data;
	arena->node.iov[0].iov_len = arena->used;
	arena->node.iovcnt = 1;
	pthread_mutex_lock(&conn->out.lock);
	conn->busy_arenas++;
	output_push_locked(&conn->out, &arena->node, 0);
}

void memory_free(struct connection *conn)
{
	struct request *req;
	struct arena *arena;

	while ((req = conn->free_requests)) {
		conn->free_requests = req->next;
		free(req);
	}
	while ((arena = conn->free_arenas)) {
		conn->free_arenas = arena->next;
		free(arena);
	}
	free(conn->arena);
}
