// SPDX-License-Identifier: GPL-2.0
/*
 * The transmission phase: one thread reads requests. What the page cache can
 * answer it does itself, many replies to one send; the rest is submitted, and
 * answered by whoever finishes it.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <linux/enbd_wire.h>

#include "conn_state.h"
#include "slog.h"
#include "util.h"

void log_failure(const struct connection *conn, const struct nbd_request *nbd,
		 int error)
{
	slog_peer("%s: export \"%s\": %s of %llu bytes at %llu failed: %s",
		  conn->peer, conn->target->info.name,
		  nbd_command_name(nbd->type), (unsigned long long)nbd->length,
		  (unsigned long long)nbd->offset, strerror(error));
}

char *collect(struct connection *conn, size_t len)
{
	struct arena *arena = conn->arena;

	if (arena && (arena->used >= ARENA_SEND ||
		      arena->used + len > ARENA_SIZE))
		arena_send(conn);
	arena = arena_get(conn);
	return arena ? arena->data + arena->used : NULL;
}

bool answer(struct connection *conn, const struct nbd_request *nbd,
	    uint32_t error)
{
	char *p = collect(conn, NBD_REPLY_MAX);

	if (!p)
		return false;
	conn->arena->used += nbd_put_reply(p, conn->mode, nbd, error);
	return true;
}

/* Put the reply to a finished request into its node. */
static void make_reply(struct request *req)
{
	const struct connection *conn = req->conn;
	const uint32_t error = nbd_error(req->io.error);
	struct out_node *node = &req->node;

	/* "Not fast" is an answer, no failure. */
	if (req->io.error && req->io.error != EOPNOTSUPP)
		log_failure(conn, &req->nbd, req->io.error);
	node->iov[0].iov_base = req->header;
	node->iov[0].iov_len = nbd_put_reply(req->header, conn->mode,
					     &req->nbd, error);
	node->iovcnt = 1;
	if (req->io.op == IO_READ && !error) {
		node->iov[1].iov_base = req->buf;
		node->iov[1].iov_len = req->nbd.length;
		node->iovcnt = 2;
	}
}

/* block_io.done: any thread */
static void request_done(struct block_io *io)
{
	struct request *req = container_of(io, struct request, io);

	make_reply(req);
	request_finished(req);
}

static void start(struct connection *conn, struct request *req)
{
	pthread_mutex_lock(&conn->out.lock);
	conn->started++;
	pthread_mutex_unlock(&conn->out.lock);
	conn->target->ops->submit(conn->target, &req->io);
}

/* As request_get(), for an operation of the target */
static struct request *new_request(struct connection *conn,
				   const struct nbd_request *nbd, size_t size)
{
	struct request *req = request_get(conn, size);

	/* While it waited for memory the client may have been sent away. */
	if (req && stopped(conn)) {
		request_put(req);
		return NULL;
	}
	if (!req)
		return NULL;
	req->nbd = *nbd;
	nbd_to_io(nbd, &req->io);
	req->io.epoch = conn->epoch;
	req->io.buf = req->buf;
	req->io.done = request_done;
	return req;
}

/* A short read straight into the collected replies, if that needs no wait */
static bool read_inline(struct connection *conn, const struct nbd_request *nbd,
			bool *done)
{
	const size_t head = nbd_reply_length(conn->mode, nbd, 0);
	struct block_io io;
	char *p;

	*done = false;
	p = collect(conn, head + nbd->length);
	if (!p)
		return false;
	nbd_to_io(nbd, &io);
	io.buf = p + head;
	if (conn->target->ops->run_now(conn->target, &io) || io.error)
		return true;
	nbd_put_reply(p, conn->mode, nbd, 0);
	conn->arena->used += head + nbd->length;
	*done = true;
	return true;
}

static bool handle_read(struct connection *conn, const struct nbd_request *nbd)
{
	struct request *req;
	bool done;

	if (nbd->length <= INLINE_MAX) {
		if (!read_inline(conn, nbd, &done))
			return false;
		if (done)
			return true;
	}
	req = new_request(conn, nbd, nbd->length);
	if (!req)
		return false;
	if (!req->buf) {
		request_put(req);
		return pieces_read(conn, nbd);
	}
	if (nbd->length > INLINE_MAX &&
	    !conn->target->ops->run_now(conn->target, &req->io)) {
		make_reply(req);
		arena_send(conn);
		output_push(&conn->out, &req->node, 0);
		return true;
	}
	start(conn, req);
	return true;
}

/* A short write straight from the input, if that needs no wait */
static bool write_inline(struct connection *conn,
			 const struct nbd_request *nbd)
{
	struct block_io io;

	nbd_to_io(nbd, &io);
	io.buf = conn->in + conn->in_head;
	if (conn->target->ops->run_now(conn->target, &io) || io.error)
		return false;
	conn->in_head += nbd->length;
	return true;
}

static bool handle_write(struct connection *conn,
			 const struct nbd_request *nbd)
{
	struct request *req;

	conn->big_writes = nbd->length > INLINE_MAX;
	if (!conn->big_writes) {
		if (!need_input(conn, nbd->length))
			return false;
		if (write_inline(conn, nbd))
			return answer(conn, nbd, 0);
	}
	req = new_request(conn, nbd, nbd->length);
	if (!req)
		return false;
	if (!req->buf) {
		request_put(req);
		return pieces_write(conn, nbd);
	}
	if (!read_payload(conn, req->buf, nbd->length)) {
		request_put(req);
		return false;
	}
	/* While another thread writes it the next one is received. */
	start(conn, req);
	return true;
}

/* What is not carried out: skip its payload and say why. */
static bool refuse(struct connection *conn, const struct nbd_request *nbd,
		   uint64_t payload, uint32_t error)
{
	if (payload > SKIP_MAX) {
		slog_peer("%s: export \"%s\": %s with %llu bytes of payload; disconnected",
			  conn->peer, conn->target->info.name,
			  nbd_command_name(nbd->type),
			  (unsigned long long)payload);
		return false;
	}
	conn->big_writes = false;
	return skip_input(conn, payload) && answer(conn, nbd, error);
}

static bool is_extension(const struct nbd_request *nbd)
{
	return nbd->type == ENBD_CMD_FENCE || nbd->type == ENBD_CMD_KEEPALIVE;
}

/* Sent at once: what comes next may have to wait for the storage. */
static bool handle_keepalive(struct connection *conn,
			     const struct nbd_request *nbd)
{
	struct target *target = conn->target;
	char *p = collect(conn, NBD_REPLY_MAX);

	if (!p)
		return false;
	target->ops->refresh(target);
	conn->arena->used += nbd_put_status(p, conn->mode, nbd,
					    atomic_load(&target->info.size));
	arena_send(conn);
	return true;
}

static bool handle_fence(struct connection *conn,
			 const struct nbd_request *nbd)
{
	struct request *req = request_get(conn, 0);
	uint32_t error;

	if (!req)
		return false;
	req->nbd = *nbd;
	error = ext_fence(req);
	if (!error)
		return true;
	request_put(req);
	return answer(conn, nbd, error);
}

/* Return: false to end the connection */
static bool handle(struct connection *conn, const struct nbd_request *nbd)
{
	const uint64_t payload = nbd_payload_length(nbd, conn->mode);
	struct request *req;
	uint32_t error;

	if (nbd->type == ENBD_CMD_DISC)
		return false;
	if (atomic_load(&conn->phase) == CONN_DRAIN)
		error = ENBD_ESHUTDOWN;
	else if (is_extension(nbd))
		error = ext_check(conn, nbd);
	else
		error = nbd_check_request(nbd, conn->mode, &conn->target->info);
	if (error)
		return refuse(conn, nbd, payload, error);
	if (nbd->type == ENBD_CMD_KEEPALIVE)
		return handle_keepalive(conn, nbd);
	if (nbd->type == ENBD_CMD_FENCE)
		return handle_fence(conn, nbd);
	if (!nbd->length && nbd->type != ENBD_CMD_FLUSH)
		return answer(conn, nbd, 0);
	if (nbd->type == ENBD_CMD_READ)
		return handle_read(conn, nbd);
	if (nbd->type == ENBD_CMD_WRITE)
		return handle_write(conn, nbd);
	req = new_request(conn, nbd, 0);
	if (!req)
		return false;
	start(conn, req);
	return true;
}

void transmit(struct connection *conn)
{
	struct nbd_request nbd;
	int n;

	while (!stopped(conn)) {
		n = nbd_parse_request(conn->mode, conn->in + conn->in_head,
				      in_avail(conn), &nbd);
		if (n < 0) {
			slog_peer("%s: export \"%s\": wrong magic of a request; disconnected",
				  conn->peer, conn->target->info.name);
			break;
		}
		if (!n) {
			if (!fill_input(conn))
				break;
			continue;
		}
		conn->in_head += (size_t)n;
		if (!handle(conn, &nbd))
			break;
	}
	arena_send(conn);
}
