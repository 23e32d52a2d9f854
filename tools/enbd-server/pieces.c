// SPDX-License-Identifier: GPL-2.0
/*
 * Reads and writes when all clients together have as much memory as they may: in
 * pieces, one after the other, by the thread that reads. That takes no memory but
 * what each connection has for itself, so it never waits for another one.
 */
#include <errno.h>

#include "conn_state.h"
#include "slog.h"
#include "util.h"

/*
 * A multiple of every block size; and what NBD allows to be read with DF, which
 * wants it in one, at any rate
 */
#define PIECE	65536u

/* One piece while it is carried out, on the thread's stack */
struct piece {
	struct block_io io;
	struct connection *conn;
	bool done;
};

/* block_io.done: any thread */
static void piece_done(struct block_io *io)
{
	struct piece *piece = container_of(io, struct piece, io);
	struct connection *conn = piece->conn;

	pthread_mutex_lock(&conn->out.lock);
	piece->done = true;
	conn->started--;
	pthread_cond_broadcast(&conn->out.changed);
	pthread_mutex_unlock(&conn->out.lock);
}

/* Submit a piece, and wait for it. Return: 0 or a positive errno */
static int submit(struct connection *conn, struct piece *piece)
{
	struct target *target = conn->target;

	piece->conn = conn;
	piece->io.done = piece_done;
	pthread_mutex_lock(&conn->out.lock);
	conn->started++;
	pthread_mutex_unlock(&conn->out.lock);
	target->ops->submit(target, &piece->io);
	pthread_mutex_lock(&conn->out.lock);
	while (!piece->done)
		pthread_cond_wait(&conn->out.changed, &conn->out.lock);
	pthread_mutex_unlock(&conn->out.lock);
	return piece->io.error;
}

/* Carry out a part of a request. Return: 0 or a positive errno */
static int carry_out(struct connection *conn, const struct nbd_request *nbd,
		     uint64_t done, size_t len, void *buf)
{
	struct target *target = conn->target;
	struct piece piece = { 0 };

	nbd_to_io(nbd, &piece.io);
	piece.io.offset += done;
	piece.io.length = len;
	piece.io.buf = buf;
	if (!target->ops->run_now(target, &piece.io))
		return piece.io.error;
	return submit(conn, &piece);
}

/* Make what was written since then stable. Return: 0 or a positive errno */
static int flush(struct connection *conn, unsigned int epoch)
{
	struct piece piece = {
		.io.op = IO_FLUSH,
		.io.epoch = epoch,
	};

	return submit(conn, &piece);
}

bool pieces_write(struct connection *conn, const struct nbd_request *nbd)
{
	/* What is lost before the flush may be one of the pieces. */
	const unsigned int epoch = atomic_load(&conn->target->epoch);
	struct nbd_request part = *nbd;
	uint64_t done;
	int error = 0;
	size_t len;

	/* One wait for the disk at the end is enough for all. */
	part.flags &= (uint16_t)~ENBD_CMD_FLAG_FUA;
	/* All of it goes through the input. */
	conn->big_writes = false;
	for (done = 0; done < nbd->length; done += len) {
		len = MIN(nbd->length - done, PIECE);
		if (!need_input(conn, len) || stopped(conn))
			return false;
		if (!error)
			error = carry_out(conn, &part, done, len,
					  conn->in + conn->in_head);
		conn->in_head += len;
	}
	if (!error && nbd->flags & ENBD_CMD_FLAG_FUA)
		error = flush(conn, epoch);
	if (error)
		log_failure(conn, nbd, error);
	return answer(conn, nbd, nbd_error(error));
}

/* Each piece is a chunk, so that one that fails is as good an answer as any. */
static bool read_chunks(struct connection *conn, const struct nbd_request *nbd)
{
	struct nbd_request part = *nbd;
	uint64_t done;
	int error;

	for (done = 0; done < nbd->length; done += part.length) {
		const bool last = nbd->length - done <= PIECE;
		size_t head;
		char *p;

		part.offset = nbd->offset + done;
		part.length = MIN(nbd->length - done, PIECE);
		head = nbd_reply_length(conn->mode, &part, 0);
		p = collect(conn, head + part.length);
		if (!p || stopped(conn))
			return false;
		error = carry_out(conn, nbd, done, part.length, p + head);
		if (error) {
			log_failure(conn, nbd, error);
			return answer(conn, nbd, nbd_error(error));
		}
		nbd_put_data(p, conn->mode, &part, last);
		conn->arena->used += head + part.length;
	}
	return true;
}

/* Return: false when the rest of the data cannot follow. */
static bool stream_data(struct connection *conn, const struct nbd_request *nbd,
			size_t head)
{
	uint64_t done;
	size_t len;
	int error;
	char *p;

	for (done = 0; done < nbd->length; done += len) {
		len = MIN(nbd->length - done, PIECE);
		p = collect(conn, head + len);
		if (!p || stopped(conn))
			return false;
		error = carry_out(conn, nbd, done, len, p + head);
		if (error) {
			log_failure(conn, nbd, error);
			/* There is no way to say so any more. */
			return done ? false : answer(conn, nbd, nbd_error(error));
		}
		if (head)
			nbd_put_reply(p, conn->mode, nbd, 0);
		conn->arena->used += head + len;
		head = 0;
	}
	return true;
}

/* One reply, of which the beginning is sent before the end is known to be good */
static bool read_stream(struct connection *conn, const struct nbd_request *nbd)
{
	bool whole;

	stream_begin(conn);
	whole = stream_data(conn, nbd, nbd_reply_length(conn->mode, nbd, 0));
	stream_end(conn, whole);
	return whole;
}

bool pieces_read(struct connection *conn, const struct nbd_request *nbd)
{
	if (nbd->flags & ENBD_CMD_FLAG_DF && nbd->length > PIECE)
		return answer(conn, nbd, ENBD_EOVERFLOW);
	return conn->mode == NBD_SIMPLE ? read_stream(conn, nbd) :
					  read_chunks(conn, nbd);
}
